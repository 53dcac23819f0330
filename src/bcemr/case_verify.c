/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr verify` of a case file: who diagnosed what, in which order and when, and what rests on
 * whom; or the one thing that does not hold. */
#include "bcemr/case.h"

#include <string.h>

typedef struct verifying {
    hand *h;
    bcemr_buf genesis;
    bcemr_anchor anchor;
    files_source *file;
    hand_folder folder;
    bcemr_case_report *report;
} verifying;

/* ---- the checks ---- */

static const char *const step_names[] = {
#define X(name, text) #name,
    BCEMR_CASE_STEPS(X)
#undef X
};

static void say_check(verifying *v, json_t *list, const char *name, const char *what, bool holds)
{
    hand *h = v->h;
    json_t *item = report_json_item(&h->json, list);
    report_mark(&h->r, holds, "%s", what);
    report_json_text(&h->json, item, "name", name);
    report_json_text(&h->json, item, "what", what);
    report_json_bool(&h->json, item, "holds", holds);
}

static void say_error(verifying *v)
{
    hand *h = v->h;
    char text[512];
    json_t *error = report_json_object(&h->json, NULL, "error");
    report_error_text(&h->error, text, sizeof text);
    report_line(&h->r, "  %s", text);
    report_json_text(&h->json, error, "status", bcemr_status_name(h->error.status));
    if (h->error.status == BCEMR_E_REFUSED)
        report_json_text(&h->json, error, "verdict", bcemr_verdict_name(h->error.verdict));
    report_json_text(&h->json, error, "text", text);
    if (h->error.object)
        report_json_text(&h->json, error, "object", h->error.object);
    if (h->error.field)
        report_json_text(&h->json, error, "field", h->error.field);
    if (h->error.index != BCEMR_NOWHERE)
        report_json_number(&h->json, error, "index", h->error.index);
    if (h->error.offset != BCEMR_NOWHERE)
        report_json_number(&h->json, error, "offset", h->error.offset);
}

/* genesis: that is what does not hold, and nothing of the file was looked at. */
static void say_checks(verifying *v, bool genesis)
{
    json_t *list = report_json_list(&v->h->json, NULL, "checks");
    say_check(v, list, "GENESIS", "the genesis holds together", !genesis);
    for (int i = 0; !genesis && i < (int)BCEMR_CASE_HOLDS && i <= (int)v->report->step; i++)
        say_check(v, list, step_names[i], bcemr_case_step_text((bcemr_case_step)i),
                  i != (int)v->report->step);
}

/* ---- what holds ---- */

static void say_documents(verifying *v, json_t *doctor, const bcemr_case_diagnosis *d)
{
    hand *h = v->h;
    char size[REPORT_NUMBER], when[REPORT_NUMBER];
    json_t *list = report_json_list(&h->json, doctor, "documents");
    if (d->waiver != 0)
        report_line(&h->r, "     presence waived: %s", bcemr_value_text("waiver", d->waiver));
    else
        report_line(&h->r, "     the patient was there, %s", hand_time(d->presence, when));
    report_json_text(&h->json, doctor, "presence",
                     d->waiver != 0 ? bcemr_value_text("waiver", d->waiver) : "there");
    if (d->waiver == 0)
        report_json_number(&h->json, doctor, "presence_time", (uint64_t)d->presence);
    for (uint64_t i = 0; i < d->document_count; i++) {
        const bcemr_tr_document *document = &v->report->documents[d->first_document + i];
        report_line(&h->r, "     %s (%s, %s)", hand_name(document->name),
                    hand_name(document->media_type), report_bytes(document->length, size));
        json_t *item = report_json_item(&h->json, list);
        report_json_text(&h->json, item, "name", hand_name(document->name));
        report_json_text(&h->json, item, "media_type", hand_name(document->media_type));
        report_json_number(&h->json, item, "bytes", document->length);
        report_json_hash(&h->json, item, "hash", &document->hash);
    }
}

static void say_doctor(verifying *v, json_t *list, uint64_t i)
{
    hand *h = v->h;
    const bcemr_visit_log *log = v->report->log;
    const bcemr_signed_diagnosis *s = &log->diagnoses[i];
    const bcemr_case_diagnosis *d = &v->report->diagnoses[i];
    char when[REPORT_NUMBER], due[REPORT_NUMBER], logged[REPORT_NUMBER];
    json_t *item = report_json_item(&h->json, list);
    report_line(&h->r, "  %u. %s of %s signed at %s, due by %s%s", (unsigned)i + 1,
                hand_name(s->context.doctor), hand_name(d->enrol.hospital),
                hand_time(s->context.time, when), hand_time(log->order.doctors[i].deadline, due),
                s->context.k > 0 ? "; a new version after a reissue" : "");
    report_line(&h->r, "     ledger entry %llu at %s; keys enrolled by entry %llu",
                (unsigned long long)d->leaf, hand_time(s->tau, logged),
                (unsigned long long)d->enrol_leaf);
    report_json_number(&h->json, item, "place", i + 1);
    report_json_text(&h->json, item, "doctor", hand_name(s->context.doctor));
    report_json_text(&h->json, item, "hospital", hand_name(d->enrol.hospital));
    report_json_number(&h->json, item, "time", (uint64_t)s->context.time);
    report_json_number(&h->json, item, "deadline", (uint64_t)log->order.doctors[i].deadline);
    report_json_number(&h->json, item, "ledger_time", (uint64_t)s->tau);
    report_json_number(&h->json, item, "entry", d->leaf);
    report_json_number(&h->json, item, "enrolled_by", d->enrol_leaf);
    report_json_number(&h->json, item, "version", s->context.k);
    report_json_number(&h->json, item, "order", s->a);
    report_json_hash(&h->json, item, "commitment", &s->context.commitment);
    report_json_bool(&h->json, item, "opened", d->opened);
    if (d->opened)
        say_documents(v, item, d);
    else
        report_line(&h->r, "     what they diagnosed is not opened in this file");
}

/* Names of a list's members, joined; a list of the document of --json as well. */
static void add_name(hand *h, json_t *list, char *text, size_t n, bcemr_span name)
{
    const size_t used = strlen(text);
    (void)snprintf(text + used, n - used, "%s%s", used > 0 ? ", " : "", hand_name(name));
    if (list && json_array_append_new(list, json_string(hand_name(name))) != 0)
        h->json.failed = true;
}

static void say_visit(verifying *v)
{
    hand *h = v->h;
    const bcemr_visit_log *log = v->report->log;
    char hex[65], when[REPORT_NUMBER], text[1024] = "";
    json_t *doctors = report_json_list(&h->json, NULL, "doctors");
    report_line(&h->r, " ");
    report_line(&h->r, "visit %s", report_hex(log->vid.b, 32, hex));
    report_line(&h->r, "  %s admitted the patient (pseudonym %s) at %s",
                hand_name(log->visit.hospital), report_hex(log->visit.pid.b, 8, hex),
                hand_time(log->admitted, when));
    report_json_hash(&h->json, NULL, "ledger", &v->report->ledger);
    report_json_hash(&h->json, NULL, "vid", &log->vid);
    report_json_hash(&h->json, NULL, "pseudonym", &log->visit.pid);
    report_json_text(&h->json, NULL, "hospital", hand_name(log->visit.hospital));
    report_json_number(&h->json, NULL, "admitted", (uint64_t)log->admitted);
    if (log->order.amendments > 0)
        report_line(&h->r, "  the hospital changed the order %u time%s",
                    (unsigned)log->order.amendments, log->order.amendments == 1 ? "" : "s");
    report_json_number(&h->json, NULL, "amendments", log->order.amendments);
    report_json_number(&h->json, NULL, "reissues", v->report->reissues);
    for (uint64_t i = 0; i < log->signed_count; i++)
        say_doctor(v, doctors, i);
    json_t *confirmers = report_json_list(&h->json, NULL, "confirmed_by");
    add_name(h, confirmers, text, sizeof text, log->visit.hospital);
    bcemr_span cloud;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &log->visit.clouds);
    for (uint64_t i = 1; bcemr_list_next(&iter, &cloud); i++)
        if (bcemr_bitmap_get(log->confirmers, i))
            add_name(h, confirmers, text, sizeof text, cloud);
    report_line(&h->r, "  %s confirmed the record at %s: case %llu, ledger entry %llu", text,
                hand_time(log->sealed_at, when), (unsigned long long)v->report->header.height,
                (unsigned long long)v->report->header_leaf);
    report_json_number(&h->json, NULL, "sealed", (uint64_t)log->sealed_at);
    report_json_number(&h->json, NULL, "case", v->report->header.height);
    report_json_number(&h->json, NULL, "entry", v->report->header_leaf);
}

static void say_checkpoint(verifying *v)
{
    hand *h = v->h;
    const bcemr_case_report *found = v->report;
    const bcemr_tr_checkpoint *c = &found->checkpoint;
    char when[REPORT_NUMBER], text[2048] = "";
    json_t *object = report_json_object(&h->json, NULL, "checkpoint");
    json_t *signers = report_json_list(&h->json, object, "signers");
    for (uint64_t i = 0; i < found->set->count; i++)
        if (bcemr_bitmap_get(found->signers, i))
            add_name(h, signers, text, sizeof text, found->set->members[i].id);
    report_line(&h->r, "  checkpoint over %llu entries up to %s, signed by %s of %u supernodes",
                (unsigned long long)c->size, hand_time(c->tau, when), text,
                (unsigned)found->set->count);
    report_json_number(&h->json, object, "size", c->size);
    report_json_hash(&h->json, object, "root", &c->root);
    report_json_number(&h->json, object, "time", (uint64_t)c->tau);
    report_json_number(&h->json, object, "set", c->set_number);
    report_json_number(&h->json, object, "supernodes", found->set->count);
    report_json_number(&h->json, NULL, "set_changes", found->sets);
    report_json_number(&h->json, NULL, "upgrades", found->upgrades);
}

/* What the signers of the checkpoint stand for, since no proof can show that an entry is absent. */
static void say_trust(hand *h)
{
    static const char *const what[] = {
        "that no doctor's keys were retired before they signed",
        "that no key was enrolled twice, and who had been enrolled before agreed to new keys",
        "that no other change of parameters stood before the seal", NULL};
    json_t *list = report_json_list(&h->json, NULL, "rests_on_cosigners");
    report_line(&h->r,
                "the supernodes that signed the checkpoint stand for what no file can show:");
    for (const char *const *w = what; *w; w++) {
        report_line(&h->r, "  - %s", *w);
        if (list && json_array_append_new(list, json_string(*w)) != 0)
            h->json.failed = true;
    }
}

/* ---- the run ---- */

static bcemr_status show(void *user, uint64_t index, const bcemr_tr_document *document,
                         bcemr_sink *sink)
{
    verifying *v = user;
    uint64_t place = 0;
    if (!v->h->o->documents_to)
        return BCEMR_OK;
    for (uint64_t i = 0; i < BCEMR_TEAM_MAX; i++) {
        const bcemr_case_diagnosis *d = &v->report->diagnoses[i];
        if (d->opened && index >= d->first_document &&
            index - d->first_document < d->document_count)
            place = i + 1;
    }
    return hand_folder_document(v->h, &v->folder, place, document->name, sink);
}

/* Of this machine, not of the file. */
static bool cannot_tell(bcemr_status status)
{
    return status < BCEMR_E_TRUNCATED && status != BCEMR_E_REFUSED;
}

static bcemr_status check(verifying *v)
{
    bcemr_status status = BCEMR_OK;
    hand *h = v->h;
    const bcemr_source source = files_source_view(v->file);
    const bcemr_case_checking checking = {.context = h->context,
                                          .anchor = &v->anchor,
                                          .file = &source,
                                          .run = hand_run_begin(h, "verifying"),
                                          .documents = {v, show}};
    status = bcemr_case_file_check(&checking, v->report, &h->error);
    hand_run_end(h);
    if (status != BCEMR_OK)
        hand_source_failed(h, v->file);
    if (h->o->documents_to)
        status = hand_folder_end(h, &v->folder, status);
    return status;
}

static bcemr_status conclude(verifying *v, bcemr_status status, bool genesis)
{
    hand *h = v->h;
    if (status != BCEMR_OK && (cannot_tell(status) || h->file.status != BCEMR_OK))
        return status;
    h->answered_no = status != BCEMR_OK;
    report_json_text(&h->json, NULL, "kind", "case-file");
    report_json_bool(&h->json, NULL, "holds", status == BCEMR_OK);
    say_checks(v, genesis);
    if (status != BCEMR_OK) {
        say_error(v);
        report_line(&h->r, "NOTHING in %s may be believed", hand_name(bcemr_text(h->o->file)));
        return BCEMR_OK;
    }
    say_visit(v);
    say_checkpoint(v);
    report_line(&h->r, " ");
    report_line(&h->r, "all of it holds");
    say_trust(h);
    if (h->o->documents_to)
        report_line(&h->r, "wrote %u documents into %s", (unsigned)v->folder.count,
                    hand_name(bcemr_text(h->o->documents_to)));
    return BCEMR_OK;
}

bcemr_status case_verify_work(hand *h)
{
    bcemr_status status = BCEMR_OK;
    verifying v = {.h = h};
    v.report = bcemr_allocate(sizeof *v.report);
    if (!v.report)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "case-file", NULL);
    HAND(hand_context(h));
    HAND(files_read(h->o->genesis, 1u << 20, &v.genesis, &h->file));
    HAND(files_source_open(h->o->file, &v.file, &h->file));
    if (h->o->documents_to)
        HAND(hand_folder_begin(h, h->o->documents_to, &v.folder));
    hand_doing(h, "verify \"%.200s\"", hand_name(bcemr_text(h->o->file)));
    status = bcemr_anchor_read(h->context, bcemr_buf_span(&v.genesis), &v.anchor, &h->error);
    const bool genesis = status != BCEMR_OK;
    if (!genesis)
        status = check(&v);
    status = conclude(&v, status, genesis);
out:
    bcemr_case_report_free(v.report);
    bcemr_release(v.report);
    hand_folder_free(&v.folder);
    files_source_close(v.file);
    bcemr_anchor_free(&v.anchor);
    bcemr_buf_free(&v.genesis);
    return status;
}
