/* SPDX-License-Identifier: Apache-2.0 */
/* A case file from a ledger, and from the opened content for what is to be opened. */
#include "client/case_file.h"
#include "client/visit_replay.h"
#include "wire/error.h"

#include <bcemr/hash.h>
#include <string.h>

/* Inclusions, one after the other; spans are taken when no more come. */
typedef struct gathered {
    bcemr_buf bytes;
    bcemr_buf ends; /* 8 bytes each */
    uint64_t count;
    bcemr_span *items;
} gathered;

typedef struct making {
    const bcemr_case_making *m;
    client_visit visit;
    bcemr_tr_checkpoint checkpoint;
    uint64_t header; /* its leaf; the Seal is the one before */
    gathered sets, upgrades, enrolments, body, head;
    bcemr_buf cosigned;
    bcemr_anchor anchor;
    uint64_t other_count; /* who asked for a reissue and did not sign */
    bcemr_g2_raw others[CASE_ENROLMENTS_MAX];
    bcemr_buf content_head;
    bcemr_tr_content content;
    bcemr_tr_case_opened opened[BCEMR_TEAM_MAX];
    uint64_t opened_count;
    bcemr_buf file_head;
    bcemr_case_report report;
} making;

/* ---- gathering leaves ---- */

static bcemr_status gather(making *k, gathered *g, uint64_t leaf, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint8_t end[8];
    TRY_AT(k->m->view->inclusion(k->m->view->user, leaf, &g->bytes), "ledger", "inclusion");
    bcemr_store_u64(end, g->bytes.n);
    TRY_AT(bcemr_buf_append(&g->ends, bcemr_span_of(end, sizeof end)), "case-file", NULL);
    g->count++;
out:
    return status;
}

static bcemr_status list_of(gathered *g, bcemr_list *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t start = 0;
    g->items = bcemr_allocate((g->count + 1) * sizeof *g->items);
    if (!g->items)
        FAIL(BCEMR_E_NO_MEMORY, "case-file", NULL);
    for (uint64_t i = 0; i < g->count; i++) {
        const uint64_t end = bcemr_load_u64(g->ends.p + 8 * i);
        g->items[i] = bcemr_span_of(g->bytes.p + start, end - start);
        start = end;
    }
    *out = BCEMR_LIST_OF(g->items, g->count);
out:
    return status;
}

static void gathered_free(gathered *g)
{
    bcemr_buf_free(&g->bytes);
    bcemr_buf_free(&g->ends);
    bcemr_release(g->items);
}

/* ---- what the case rests on ---- */

static bcemr_status find_case(making *k, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_cosigned cosigned;
    const bcemr_ledger_view *view = k->m->view;
    TRY(client_visit_load(view, &k->m->vid, &k->visit, err));
    REQUIRE(k->visit.log->sealed, BCEMR_NOT_SEALED, "visit", "Seal");
    TRY_AT(view->case_header(view->user, &k->m->vid, &k->header), "visit", "case-header");
    status = view->checkpoint(view->user, &k->cosigned);
    REQUIRE(status != BCEMR_E_NOT_FOUND, BCEMR_NOT_SEALED, "ledger", "checkpoint");
    TRY_AT(status, "ledger", "checkpoint");
    TRY(bcemr_read_cosigned(bcemr_buf_span(&k->cosigned), &cosigned, err));
    TRY(bcemr_read_checkpoint(cosigned.checkpoint, &k->checkpoint, err));
    REQUIRE(k->header < k->checkpoint.size, BCEMR_NOT_SEALED, "checkpoint", "size");
out:
    return status;
}

static bcemr_status take_genesis(making *k, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf leaf = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts parts;
    TRY_AT(k->m->view->leaf(k->m->view->user, 0, &leaf), "ledger", "genesis");
    TRY(bcemr_leaf_read(bcemr_buf_span(&leaf), &parts, err));
    TRY(bcemr_anchor_read(k->m->context, parts.signed_entry, &k->anchor, err));
out:
    bcemr_buf_free(&leaf);
    return status;
}

/* The leaves that a table of the ledger names by ascending numbers, up to one of the log. */
static bcemr_status numbered(making *k,
                             bcemr_status (*at)(void *user, uint64_t number, uint64_t *leaf),
                             uint64_t number, uint64_t end, gathered *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    for (uint64_t leaf = 0;; number++) {
        status = at(k->m->view->user, number, &leaf);
        if (status == BCEMR_E_NOT_FOUND || (status == BCEMR_OK && leaf >= end))
            return BCEMR_OK;
        TRY_AT(status, "ledger", "number");
        TRY(gather(k, out, leaf, err));
    }
out:
    return status;
}

static bcemr_status gather_body(making *k, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_leaf_parts parts;
    bcemr_span raw;
    uint64_t leaf = 0;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_leaf, &k->visit.list);
    while (bcemr_list_next(&iter, &raw)) {
        TRY(bcemr_leaf_read(raw, &parts, err));
        TRY_AT(k->m->view->landed(k->m->view->user, &parts.parts.entry_hash, &leaf), "visit",
               "entry");
        TRY(gather(k, &k->body, leaf, err));
    }
out:
    return status;
}

/* ---- enrolments ---- */

static bool known(const making *k, const bcemr_g2_raw *x)
{
    const bcemr_visit_log *log = k->visit.log;
    for (uint64_t i = 0; i < log->signed_count; i++)
        if (memcmp(&log->diagnoses[i].context.x, x, sizeof *x) == 0)
            return true;
    for (uint64_t i = 0; i < k->other_count; i++)
        if (memcmp(&k->others[i], x, sizeof *x) == 0)
            return true;
    return false;
}

/* Who asked for a reissue is the next of the order as it was then. */
static bcemr_status note_asker(void *user, const bcemr_visit_log *log, const client_visit_leaf *at,
                               bcemr_error *err)
{
    making *k = user;
    if (at->type != &bcemr_type_e_reissue || log->signed_count >= log->order.count)
        return BCEMR_OK;
    const bcemr_g2_raw *x = &log->order.doctors[log->signed_count].x;
    if (known(k, x))
        return BCEMR_OK;
    if (k->other_count >= CASE_ENROLMENTS_MAX)
        return wire_fail(err, BCEMR_E_TOO_MANY, "case-file", "enrolments");
    k->others[k->other_count++] = *x;
    return BCEMR_OK;
}

static bcemr_status gather_enrolment(making *k, const bcemr_g2_raw *x, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t leaf = 0;
    TRY_AT(k->m->view->find(k->m->view->user, "Enrol", bcemr_span_of(x->b, sizeof x->b), &leaf),
           "ledger", "Enrol");
    TRY(gather(k, &k->enrolments, leaf, err));
out:
    return status;
}

static bcemr_status gather_enrolments(making *k, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const client_visit_watcher watcher = {k, note_asker};
    bcemr_visit_log *log = bcemr_allocate(sizeof *log);
    if (!log)
        FAIL(BCEMR_E_NO_MEMORY, "case-file", "enrolments");
    TRY(client_visit_replay(&k->visit.list, &watcher, log, err));
    for (uint64_t i = 0; i < k->visit.log->signed_count; i++)
        TRY(gather_enrolment(k, &k->visit.log->diagnoses[i].context.x, err));
    for (uint64_t i = 0; i < k->other_count; i++)
        TRY(gather_enrolment(k, &k->others[i], err));
out:
    bcemr_release(log);
    return status;
}

/* ---- what is opened ---- */

static bcemr_status read_content(making *k, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint8_t length[8];
    const bcemr_source *content = k->m->content;
    REQUIRE(content->length >= sizeof length, BCEMR_BAD_CONTENT, "content", "head");
    if (content->length < sizeof length)
        FAIL(BCEMR_E_TRUNCATED, "content", "head");
    TRY_AT(content->read(content->user, 0, length, sizeof length), "content", "head");
    const uint64_t n = bcemr_load_u64(length);
    REQUIRE(n > 0 && n <= BCEMR_HEAD_MAX && n <= content->length - sizeof length, BCEMR_BAD_CONTENT,
            "content", "head");
    if (n > BCEMR_HEAD_MAX)
        FAIL(BCEMR_E_TOO_LONG, "content", "head");
    TRY_AT(bcemr_buf_reserve(&k->content_head, n), "content", "head");
    TRY_AT(content->read(content->user, sizeof length, k->content_head.p, n), "content", "head");
    k->content_head.n = n;
    TRY(bcemr_read_content(bcemr_buf_span(&k->content_head), &k->content, err));
    REQUIRE(bcemr_span_equal(k->content.visit, k->visit.log->ticket) &&
                k->content.diagnoses.count == k->visit.log->signed_count,
            BCEMR_CONTENT_NOT_CASE, "content", "visit");
out:
    return status;
}

static bool chosen(const making *k, uint64_t place)
{
    return k->m->places == 0 || (k->m->places >> place & 1) != 0;
}

static bcemr_status open_places(making *k, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_content_item item;
    const uint64_t count = k->content.diagnoses.count;
    if (count < BCEMR_TEAM_MAX && k->m->places >> count != 0)
        FAIL(BCEMR_E_NOT_FOUND, "content", "places");
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_content_item, &k->content.diagnoses);
    for (uint64_t i = 0; i < BCEMR_TEAM_MAX && bcemr_list_next(&iter, &item); i++)
        if (chosen(k, i))
            k->opened[k->opened_count++] =
                (bcemr_tr_case_opened){i + 1, item.manifest, item.salt, item.presence};
out:
    return status;
}

/* Copies a document and holds it against its manifest on the way. */
typedef struct copying {
    const bcemr_sink *to;
    bcemr_document_hash hash;
} copying;

static bcemr_status copy(void *user, bcemr_span bytes)
{
    copying *c = user;
    bcemr_document_feed(&c->hash, bytes);
    return c->to->write(c->to->user, bytes);
}

static bcemr_status copy_document(making *k, const bcemr_tr_document *document, uint64_t offset,
                                  uint64_t index, copying *c, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_sink through = {c, copy};
    const bcemr_source *content = k->m->content;
    bcemr_hash hash;
    REQUIRE_AT(offset <= content->length && document->length <= content->length - offset,
               BCEMR_BAD_DOCUMENT, "document", "length", index);
    bcemr_document_begin(&c->hash);
    TRY(case_pump(content, offset, offset + document->length, k->m->run, &through, err));
    bcemr_document_end(&c->hash, &hash);
    REQUIRE_AT(bcemr_hash_equal(&hash, &document->hash), BCEMR_BAD_DOCUMENT, "document", "hash",
               index);
out:
    return status;
}

static bcemr_status copy_documents(making *k, const bcemr_sink *sink, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_content_item item;
    bcemr_tr_manifest manifest;
    bcemr_tr_document document;
    copying *c = bcemr_allocate(sizeof *c);
    uint64_t offset = 8 + k->content_head.n, index = 0, place = 0;
    if (!c)
        FAIL(BCEMR_E_NO_MEMORY, "document", NULL);
    c->to = sink;
    bcemr_iter items = bcemr_list_begin(&bcemr_type_content_item, &k->content.diagnoses);
    for (; bcemr_list_next(&items, &item); place++) {
        TRY(bcemr_read_manifest(item.manifest, &manifest, err));
        bcemr_iter iter = bcemr_list_begin(&bcemr_type_document, &manifest.documents);
        for (; bcemr_list_next(&iter, &document); index++) {
            if (chosen(k, place))
                TRY(copy_document(k, &document, offset, index, c, err));
            offset += document.length;
        }
    }
    REQUIRE(offset == k->m->content->length, BCEMR_BAD_CONTENT, "content", "documents");
out:
    bcemr_release(c);
    return status;
}

/* ---- all of it ---- */

static bcemr_status collect(making *k, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_ledger_view *view = k->m->view;
    TRY(find_case(k, err));
    TRY(take_genesis(k, err));
    TRY(numbered(k, view->set_change, 1, k->checkpoint.size, &k->sets, err));
    TRY(numbered(k, view->upgrade, k->anchor.genesis.rules + 1, k->header - 1, &k->upgrades, err));
    TRY(gather_enrolments(k, err));
    TRY(gather(k, &k->head, k->header, err));
    TRY(gather_body(k, err));
    if (k->m->content) {
        TRY(read_content(k, err));
        TRY(open_places(k, err));
    }
out:
    return status;
}

static bcemr_status write_head(making *k, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_case_file file = {.checkpoint = bcemr_buf_span(&k->cosigned),
                               .header = bcemr_buf_span(&k->head.bytes),
                               .opened = BCEMR_LIST_OF(k->opened, k->opened_count)};
    TRY(list_of(&k->sets, &file.sets, err));
    TRY(list_of(&k->upgrades, &file.upgrades, err));
    TRY(list_of(&k->enrolments, &file.enrolments, err));
    TRY(list_of(&k->body, &file.body, err));
    TRY(bcemr_write_case_file(&file, &k->file_head, err));
    if (k->file_head.n > BCEMR_CASE_HEAD_MAX)
        FAIL(BCEMR_E_TOO_LONG, "case-file", "head");
    /* What a verifier would refuse is not handed out. */
    TRY(case_check_head(k->m->context, &k->anchor, bcemr_buf_span(&k->file_head), &k->report, err));
out:
    return status;
}

static void making_free(making *k)
{
    if (!k)
        return;
    gathered *const all[] = {&k->sets, &k->upgrades, &k->enrolments, &k->body, &k->head};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        gathered_free(all[i]);
    client_visit_free(&k->visit);
    bcemr_anchor_free(&k->anchor);
    bcemr_case_report_free(&k->report);
    bcemr_buf_free(&k->cosigned);
    bcemr_buf_free(&k->content_head);
    bcemr_buf_free(&k->file_head);
    bcemr_release_wiped(k, sizeof *k);
}

bcemr_status bcemr_case_file_make(const bcemr_case_making *m, const bcemr_sink *sink,
                                  bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint8_t length[8];
    making *k = bcemr_allocate(sizeof *k);
    if (!k)
        FAIL(BCEMR_E_NO_MEMORY, "case-file", NULL);
    k->m = m;
    TRY(collect(k, err));
    TRY(write_head(k, err));
    bcemr_store_u64(length, k->file_head.n);
    TRY_AT(sink->write(sink->user, bcemr_span_of(length, sizeof length)), "case-file", NULL);
    TRY_AT(sink->write(sink->user, bcemr_buf_span(&k->file_head)), "case-file", NULL);
    if (m->content)
        TRY(copy_documents(k, sink, err));
out:
    making_free(k);
    return status;
}
