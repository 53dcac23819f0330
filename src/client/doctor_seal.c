/* SPDX-License-Identifier: Apache-2.0 */
/* The last of the order makes the record, shows the hospital r, and erases it (section 5). */
#include "client/doctor_visit.h"
#include "wire/error.h"

#include <bcemr/hash.h>
#include <bcemr/record.h>
#include <string.h>

typedef struct material {
    bcemr_tr_content_item items[BCEMR_TEAM_MAX];
    bcemr_buf head;
    bcemr_source *documents;
    uint64_t document_count;
} material;

/* What stands behind a place: another's contribution, or one's own; it is what was signed. */
static bcemr_status fill_item(const bcemr_doctor_visit *visit, uint64_t j,
                              bcemr_tr_content_item *item, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash commitment;
    const bcemr_signed_diagnosis *d = &visit->ledger.log->diagnoses[j];
    const doctor_part *part = &visit->parts[j];
    bool own = j + 1 == visit->handed_place;
    if (!own && (!part->held || part->k != d->context.k))
        return wire_fail_at(err, BCEMR_E_STATE, "contribution", "place", j + 1, BCEMR_NOWHERE);
    *item = (bcemr_tr_content_item){
        .k = d->context.k,
        .a = d->a,
        .time = d->context.time,
        .manifest = own ? bcemr_buf_span(&visit->manifest) : part->contribution.manifest,
        .salt = own ? visit->salt : part->contribution.salt,
        .presence = own ? bcemr_buf_span(&visit->presence) : part->contribution.presence};
    TRY(bcemr_commitment(&visit->vid, j + 1, &item->salt, item->manifest, item->presence,
                         &commitment, err));
    REQUIRE_AT(bcemr_hash_equal(&commitment, &d->context.commitment), BCEMR_BAD_COMMITMENT,
               "contribution", "commitment", j + 1);
out:
    return status;
}

static bcemr_status make_head(const bcemr_doctor_visit *visit, material *m, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_visit_log *log = visit->ledger.log;
    for (uint64_t j = 0; j < log->signed_count; j++)
        TRY(fill_item(visit, j, &m->items[j], err));
    const bcemr_tr_content content = {
        .visit = log->ticket,
        .amendments = BCEMR_LIST_OF(log->amendments, log->order.amendments),
        .signatures = BCEMR_LIST_OF(log->signatures, 1 + log->order.amendments),
        .diagnoses = BCEMR_LIST_OF(m->items, log->signed_count),
        .identity = visit->intake.identity,
        .r = visit->intake.r,
        .r2 = visit->intake.r2};
    TRY(bcemr_write_content(&content, &m->head, err));
out:
    return status;
}

static bcemr_status gather_documents(const bcemr_doctor_visit *visit, const bcemr_source *own,
                                     const bcemr_documents *documents, material *m,
                                     bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t n = visit->ledger.log->signed_count, filled = 0, total = visit->document_count;
    for (uint64_t j = 0; j < n; j++)
        if (j + 1 != visit->handed_place)
            total += visit->parts[j].document_count;
    m->documents = bcemr_allocate(total * sizeof *m->documents);
    if (!m->documents)
        FAIL(BCEMR_E_NO_MEMORY, "content", "documents");
    for (uint64_t j = 0; j < n; j++) {
        const doctor_part *part = &visit->parts[j];
        bool mine = j + 1 == visit->handed_place;
        uint64_t count = mine ? visit->document_count : part->document_count;
        for (uint64_t d = 0; d < count; d++, filled++) {
            if (mine)
                m->documents[filled] = own[d];
            else
                TRY_AT(documents->get(documents->user, j + 1, d, &part->documents[d],
                                      &m->documents[filled]),
                       "content", "documents");
        }
    }
    m->document_count = filled;
out:
    return status;
}

/* Every keyword of every manifest, tagged. */
static bcemr_status make_tags(const material *m, const bcemr_key *kt, bcemr_bytes16 tags[64],
                              uint64_t *count, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_content content;
    bcemr_span *words = NULL;
    uint64_t word_count = 0;
    TRY(bcemr_read_content(bcemr_buf_span(&m->head), &content, err));
    TRY(bcemr_content_keywords(&content, &words, &word_count, err));
    TRY(bcemr_tags_make(kt, words, word_count, tags, count, err));
out:
    bcemr_release(words);
    return status;
}

static bcemr_status seal_content(bcemr_doctor_visit *visit, const material *m, const bcemr_run *run,
                                 const bcemr_sink *sink, bcemr_buf *header, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_capsule_key k = {{0}};
    bcemr_record_keys keys = {0};
    bcemr_stream stream = {0};
    bcemr_composed composed;
    bcemr_bytes16 tags[64];
    uint64_t tag_count = 0;
    const bcemr_visit_log *log = visit->ledger.log;
    bcemr_tr_header h = {.svk = visit->svk};
    bcemr_source content =
        bcemr_composed_source(&composed, bcemr_buf_span(&m->head), m->documents, m->document_count);
    h.length = content.length;
    visit->sealing = false; /* r of an earlier header goes now */
    TRY(bcemr_capsule_seal(visit->doctor->context, &log->visit.pkv, &visit->vid, &visit->svk,
                           &visit->r, &h.b, &h.c, &k, err));
    TRY(bcemr_record_keys_derive(&k, &visit->vid, &visit->svk, &h.c, &keys, err));
    h.kc = keys.kc;
    TRY(make_tags(m, &keys.kt, tags, &tag_count, err));
    h.tags = BCEMR_LIST_OF(tags, tag_count);
    TRY(bcemr_stream_payload(&keys.dek, &visit->vid, &visit->svk, content.length, &stream, err));
    TRY(bcemr_payload_seal(&stream, &content, run, sink, &h.root, err));
    TRY(bcemr_header_sign(&visit->ssk, &visit->vid, bcemr_visit_log_last_context(log), &h, err));
    bcemr_buf_clear(&visit->header);
    TRY(bcemr_write_header(&h, &visit->header, err));
    TRY_AT(bcemr_buf_append(header, bcemr_buf_span(&visit->header)), "header", NULL);
    visit->sealing = visit->sealed = true;
out:
    if (status != BCEMR_OK)
        bcemr_wipe(&visit->r, sizeof visit->r);
    bcemr_wipe(&k, sizeof k);
    bcemr_wipe(&keys, sizeof keys);
    bcemr_wipe(&stream, sizeof stream);
    return status;
}

bcemr_status bcemr_doctor_seal(bcemr_doctor_visit *visit, const bcemr_source *sources,
                               const bcemr_documents *documents, const bcemr_run *run,
                               const bcemr_sink *sink, bcemr_buf *header, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    material *m = bcemr_allocate(sizeof *m);
    if (!m)
        FAIL(BCEMR_E_NO_MEMORY, "content", NULL);
    TRY(doctor_refresh(visit, err));
    const bcemr_visit_log *log = visit->ledger.log;
    if (visit->sealed) /* a fresh r and svk for every payload, always */
        FAIL(BCEMR_E_EXISTS, "header", "svk");
    REQUIRE(!log->sealed, BCEMR_OTHER_CASE, "visit", "Seal");
    REQUIRE(log->pending_reissue == 0, BCEMR_REISSUE_PENDING, "visit", "Reissue");
    REQUIRE(bcemr_visit_log_complete(log) && visit->handed_place == log->order.count,
            BCEMR_NOT_IN_ORDER, "visit", "diagnoses");
    REQUIRE(bcemr_span_equal(log->diagnoses[log->order.count - 1].context.svk,
                             bcemr_span_of(visit->svk.b, sizeof visit->svk.b)),
            BCEMR_WRONG_SEAL_KEY, "Sign", "svk");
    TRY(make_head(visit, m, err));
    TRY(gather_documents(visit, sources, documents, m, err));
    TRY(seal_content(visit, m, run, sink, header, err));
out:
    if (m) {
        bcemr_buf_free(&m->head);
        bcemr_release(m->documents);
        bcemr_release_wiped(m, sizeof *m);
    }
    return status;
}

bcemr_status bcemr_doctor_show_r(bcemr_doctor_visit *visit, bcemr_buf *pair_box, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_tr_seal_r seal_r = {.header = bcemr_buf_span(&visit->header)};
    if (!visit->sealing)
        FAIL(BCEMR_E_STATE, "seal-r", NULL);
    memcpy(seal_r.r.b, visit->r.b, sizeof seal_r.r.b);
    TRY(bcemr_write_seal_r(&seal_r, &message, err));
    TRY(bcemr_pair_seal(&visit->keys.pair, &visit->vid, BCEMR_direction_TO_SERVER, visit->sent,
                        bcemr_buf_span(&message), pair_box, err));
    visit->sent++;
out:
    bcemr_wipe(&seal_r, sizeof seal_r);
    bcemr_buf_free(&message);
    return status;
}

/* The hospital confirmed the case of this very header. */
static bcemr_status check_confirmation(const bcemr_doctor_visit *visit,
                                       const bcemr_tr_confirmation *confirmation, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_member hospital;
    bcemr_tr_case record_case;
    bcemr_tr_header header;
    bcemr_g2 x;
    const bcemr_visit_log *log = visit->ledger.log;
    TRY(bcemr_read_case(confirmation->record_case, &record_case, err));
    TRY(bcemr_read_header(bcemr_buf_span(&visit->header), &header, err));
    REQUIRE_VALID(bcemr_header_is_case(&header, &record_case, err), "confirmation", "case");
    REQUIRE(bcemr_hash_equal(&record_case.vid, &visit->vid) &&
                bcemr_hash_equal(&record_case.order, bcemr_order_hash(&log->order)) &&
                bcemr_hash_equal(&record_case.last_context, bcemr_visit_log_last_context(log)) &&
                bcemr_span_equal(confirmation->who, log->visit.hospital),
            BCEMR_BAD_CONFIRMATION, "confirmation", "case");
    TRY(client_member(visit->doctor->ledger, log->visit.hospital, BCEMR_role_HOSPITAL, BCEMR_NOW,
                      BCEMR_BAD_CONFIRMATION, &buf, &hospital, err));
    TRY_AT(bcemr_g2_decode(&hospital.x, &x), "member", "x");
    REQUIRE(bcemr_bls_holds(visit->doctor->context, &x, BCEMR_PURPOSE_SIG,
                            confirmation->record_case, &confirmation->signature),
            BCEMR_BAD_CONFIRMATION, "confirmation", "signature");
out:
    bcemr_buf_free(&buf);
    return status;
}

bcemr_status bcemr_doctor_sealed(bcemr_doctor_visit *visit, bcemr_span pair_box, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf plain = BCEMR_BUF_EMPTY;
    bcemr_tr_pair_box box;
    bcemr_tr_confirmation confirmation;
    if (!visit->sealing)
        FAIL(BCEMR_E_STATE, "confirmation", NULL);
    TRY(bcemr_read_pair_box(pair_box, &box, err));
    /* The next or any above: an answer that was lost must not block the one that comes. */
    REQUIRE(box.counter >= visit->received, BCEMR_BAD_SEALED_MESSAGE, "pair-box", "counter");
    TRY(bcemr_pair_open(&visit->keys.pair, &visit->vid, BCEMR_direction_TO_DOCTOR, box.counter,
                        pair_box, &plain, err));
    TRY(bcemr_read_confirmation(bcemr_buf_span(&plain), &confirmation, err));
    TRY(check_confirmation(visit, &confirmation, err));
    visit->received = box.counter + 1;
    visit->sealing = false;
    bcemr_wipe(&visit->r, sizeof visit->r);
out:
    bcemr_buf_free(&plain);
    return status;
}
