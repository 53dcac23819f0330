/* SPDX-License-Identifier: Apache-2.0 */
/* A case file from its first byte to its last (docs/case-file.md). */
#include "client/case_file.h"
#include "wire/error.h"

#include <string.h>

#define WINDOW_DEFAULT (256u << 10)

const char *bcemr_case_step_text(bcemr_case_step step)
{
    static const char *const texts[] = {
#define X(name, text) text,
        BCEMR_CASE_STEPS(X)
#undef X
            "all of it holds"};
    return (size_t)step < sizeof texts / sizeof texts[0] ? texts[step] : "an unknown step";
}

void bcemr_case_report_free(bcemr_case_report *report)
{
    if (!report)
        return;
    if (report->set)
        bcemr_set_free(report->set);
    bcemr_release(report->set);
    bcemr_release(report->log);
    bcemr_release(report->documents);
    bcemr_buf_free(&report->head);
    bcemr_buf_free(&report->leaves);
    memset(report, 0, sizeof *report);
}

/* Nothing of what was read may be taken for something that holds. */
static void forget(bcemr_case_report *report)
{
    const bcemr_case_step step = report->step;
    bcemr_case_report_free(report);
    report->step = step;
}

/* ---- the head ---- */

static bcemr_status check_visit(case_reader *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_case_report *out = r->out;
    out->step = BCEMR_CASE_VISIT;
    TRY(bcemr_read_case_header(r->header.parts.parts.entry, &out->header, err));
    out->header_leaf = r->header.index;
    TRY(client_visit_load(&r->view, &out->header.vid, &r->visit, err));
    REQUIRE(bcemr_hash_equal(&r->visit.log->ledger, &r->anchor->ledger), BCEMR_WRONG_LEDGER,
            "visit", "ledger");
    out->step = BCEMR_CASE_CASE;
    TRY(client_case_check(r->context, &r->view, &r->visit, &out->record_case, err));
out:
    return status;
}

static bcemr_status check(case_reader *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY(case_read_parts(r, err));
    TRY(case_check_included(r, err));
    TRY(case_walk_sets(r, err));
    TRY(case_check_checkpoint(r, err));
    TRY(case_check_upgrades(r, err));
    TRY(check_visit(r, err));
    TRY(case_check_enrolments(r, err));
    TRY(case_check_entries(r, err));
    TRY(case_check_sum(r, err));
    TRY(case_check_opened(r, err));
    /* The log and what it points into go on to the report. */
    r->out->ledger = r->anchor->ledger;
    r->out->leaves = r->visit.leaves;
    r->out->log = r->visit.log;
    memset(&r->visit, 0, sizeof r->visit);
    r->out->step = BCEMR_CASE_DOCUMENTS;
out:
    return status;
}

bcemr_status case_check_head(const bcemr_context *context, const bcemr_anchor *anchor,
                             bcemr_span head, bcemr_case_report *report, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    case_reader *r = bcemr_allocate(sizeof *r);
    if (!r)
        FAIL(BCEMR_E_NO_MEMORY, "case-file", NULL);
    r->context = context;
    r->anchor = anchor;
    r->out = report;
    case_view(r);
    TRY_AT(bcemr_buf_append(&report->head, head), "case-file", "head");
    TRY(check(r, err));
out:
    case_reader_free(r);
    if (status != BCEMR_OK)
        forget(report);
    return status;
}

/* ---- the whole ---- */

typedef struct whole {
    const bcemr_case_checking *checking;
    bcemr_case_report *report;
} whole;

static bcemr_status on_head(void *user, bcemr_span head, const bcemr_tr_document **documents,
                            uint64_t *count, bcemr_error *err)
{
    whole *w = user;
    bcemr_status status =
        case_check_head(w->checking->context, w->checking->anchor, head, w->report, err);
    *documents = w->report->documents;
    *count = w->report->document_count;
    return status;
}

static bcemr_status on_document(void *user, uint64_t index, const bcemr_tr_document *document,
                                bcemr_sink *sink)
{
    const bcemr_output *output = &((whole *)user)->checking->documents;
    return output->open ? output->open(output->user, index, document, sink) : BCEMR_OK;
}

bcemr_status case_pump(const bcemr_source *source, uint64_t from, uint64_t to, const bcemr_run *run,
                       const bcemr_sink *sink, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const uint64_t window = run && run->window > 0 ? run->window : WINDOW_DEFAULT;
    const bcemr_progress *progress = run ? run->progress : NULL;
    uint8_t *bytes = bcemr_allocate(window);
    if (!bytes)
        FAIL(BCEMR_E_NO_MEMORY, "case-file", NULL);
    for (uint64_t at = from; at < to;) {
        const uint64_t n = to - at < window ? to - at : window;
        TRY_AT(source->read(source->user, at, bytes, n), "case-file", NULL);
        TRY_AT(sink->write(sink->user, bcemr_span_of(bytes, n)), "case-file", NULL);
        at += n;
        if (progress)
            TRY_AT(progress->tell(progress->user, at - from, to - from), "case-file", NULL);
    }
out:
    bcemr_release_wiped(bytes, window);
    return status;
}

bcemr_status bcemr_case_file_check(const bcemr_case_checking *checking, bcemr_case_report *report,
                                   bcemr_error *err)
{
    static const bcemr_parts_kind kind = {"case-file", BCEMR_BAD_CASE_FILE, BCEMR_CASE_HEAD_MAX};
    bcemr_status status = BCEMR_OK;
    whole w = {checking, report};
    const bcemr_parts parts = {&w, on_head, on_document};
    bcemr_parts_reader *reader = NULL;
    memset(report, 0, sizeof *report);
    TRY_AT(bcemr_parts_reader_new_kind(&parts, &kind, &reader), "case-file", NULL);
    const bcemr_sink sink = bcemr_parts_reader_sink(reader);
    status = case_pump(checking->file, 0, checking->file->length, checking->run, &sink, err);
    if (status != BCEMR_OK && bcemr_parts_reader_error(reader)->status != BCEMR_OK && err)
        *err = *bcemr_parts_reader_error(reader);
    TRY(status);
    TRY(bcemr_parts_reader_finish(reader, err));
    report->step = BCEMR_CASE_HOLDS;
out:
    bcemr_parts_reader_free(reader);
    if (status != BCEMR_OK)
        forget(report);
    return status;
}
