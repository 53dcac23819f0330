/* SPDX-License-Identifier: Apache-2.0 */
/* What came before, the patient's presence, and the doctor's own diagnosis (section 4). */
#include "client/doctor_visit.h"
#include "wire/error.h"

#include <bcemr/hash.h>
#include <string.h>

uint64_t doctor_place(const bcemr_doctor_visit *visit)
{
    return bcemr_order_place(&visit->ledger.log->order, visit->doctor->id);
}

/* ---- what another doctor added ---- */

typedef struct taking {
    bcemr_doctor_visit *visit;
    uint64_t place;
    const bcemr_documents *documents;
    doctor_part part;
} taking;

static bcemr_status on_head(void *user, bcemr_span head, const bcemr_tr_document **documents,
                            uint64_t *count, bcemr_error *err)
{
    taking *t = user;
    bcemr_status status = BCEMR_OK;
    doctor_part *part = &t->part;
    TRY(bcemr_buf_append(&part->head, head));
    TRY(bcemr_read_contribution(bcemr_buf_span(&part->head), &part->contribution, err));
    REQUIRE(bcemr_hash_equal(&part->contribution.vid, &t->visit->vid) &&
                part->contribution.i == t->place && part->contribution.k == part->k,
            BCEMR_BAD_CONTENT, "contribution", "i");
    TRY(doctor_manifest_fits(t->visit, t->place, part->contribution.manifest.n, err));
    TRY(bcemr_manifest_documents(&part->contribution.manifest, 1, &part->documents,
                                 &part->document_count, err));
    *documents = part->documents;
    *count = part->document_count;
out:
    return status;
}

static bcemr_status on_document(void *user, uint64_t index, const bcemr_tr_document *document,
                                bcemr_sink *sink)
{
    const taking *t = user;
    return t->documents->put(t->documents->user, t->place, index, document, sink);
}

bcemr_status bcemr_doctor_take(bcemr_doctor_visit *visit, uint64_t place, uint64_t k,
                               const bcemr_source *sealed, const bcemr_run *run,
                               const bcemr_documents *documents, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_parts_reader *reader = NULL;
    taking t = {visit, place, documents, {.k = k}};
    if (!visit->joined || place == 0 || place > visit->ledger.log->order.count)
        FAIL(BCEMR_E_STATE, "contribution", "place");
    const bcemr_parts parts = {&t, on_head, on_document};
    const bcemr_tr_msg ad = {visit->vid, visit->epoch,
                             visit->ledger.log->order.doctors[place - 1].doctor, place, k};
    TRY_AT(bcemr_parts_reader_new(&parts, &reader), "contribution", NULL);
    bcemr_sink sink = bcemr_parts_reader_sink(reader);
    status = bcemr_long_message_open(&visit->gk, &ad, sealed, run, &sink, err);
    if (status != BCEMR_OK && bcemr_parts_reader_error(reader)->status != BCEMR_OK && err)
        *err = *bcemr_parts_reader_error(reader);
    if (status == BCEMR_OK)
        status = bcemr_parts_reader_finish(reader, err);
    if (status != BCEMR_OK)
        goto out;
    doctor_part_free(&visit->parts[place - 1]);
    visit->parts[place - 1] = t.part;
    visit->parts[place - 1].held = true;
    memset(&t.part, 0, sizeof t.part);
out:
    doctor_part_free(&t.part);
    bcemr_parts_reader_free(reader);
    return status;
}

/* ---- presence ---- */

bcemr_status bcemr_doctor_ask_presence(bcemr_doctor_visit *visit, bcemr_nonce *nonce,
                                       bcemr_error *err)
{
    if (!visit->joined)
        return wire_fail(err, BCEMR_E_STATE, "presence", NULL);
    bcemr_random(visit->nonce.b, sizeof visit->nonce.b);
    visit->asked = true;
    *nonce = visit->nonce;
    return BCEMR_OK;
}

bcemr_status bcemr_doctor_presence(bcemr_doctor_visit *visit, bcemr_span message, int64_t now,
                                   bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_facts facts;
    bcemr_tr_presence presence;
    uint64_t waiver = 0;
    const bcemr_ledger_view *ledger = visit->doctor->ledger;
    if (!visit->asked)
        FAIL(BCEMR_E_STATE, "presence", "nonce");
    TRY(bcemr_read_presence(message, &presence, err));
    TRY_AT(ledger->facts(ledger->user, &facts), "ledger", NULL);
    REQUIRE(memcmp(&presence.nonce, &visit->nonce, sizeof presence.nonce) == 0, BCEMR_BAD_PRESENCE,
            "presence", "nonce");
    REQUIRE_VALID(bcemr_presence_check(&visit->ledger.log->visit, &visit->vid, visit->doctor->id,
                                       now, facts.clock_difference, message, &waiver, err),
                  "presence", NULL);
    TRY_AT(bcemr_buf_set(&visit->presence, message), "presence", NULL);
    visit->asked = false; /* a nonce serves once */
    visit->handed_over = false;
out:
    return status;
}

bcemr_status bcemr_doctor_waive(bcemr_doctor_visit *visit, bcemr_waiver reason, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf presence = BCEMR_BUF_EMPTY;
    const bcemr_tr_waived waived = {(uint64_t)reason};
    if (!visit->joined)
        FAIL(BCEMR_E_STATE, "presence", NULL);
    TRY(bcemr_write_waived(&waived, &presence, err));
    bcemr_buf_free(&visit->presence);
    visit->presence = presence;
    presence = BCEMR_BUF_EMPTY;
    visit->asked = false;
    visit->handed_over = false;
out:
    bcemr_buf_free(&presence);
    return status;
}

/* ---- the own diagnosis ---- */

static bcemr_status fill_documents(bcemr_tr_document *documents, const bcemr_source *sources,
                                   uint64_t count, const bcemr_run *run, bcemr_error *err)
{
    for (uint64_t i = 0; i < count; i++) {
        for (uint64_t j = 0; j < i; j++)
            if (bcemr_span_equal(documents[i].name, documents[j].name))
                return wire_fail_at(err, BCEMR_E_REPEATED, "document", "name", i, BCEMR_NOWHERE);
        documents[i].length = sources[i].length;
        bcemr_status status = bcemr_source_hash(&sources[i], run, &documents[i].hash, err);
        if (status != BCEMR_OK)
            return status;
    }
    return BCEMR_OK;
}

/* Normalised words, one after the other in bytes, told apart by spans. */
static bcemr_status normalise_all(const bcemr_span *words, uint64_t count, bcemr_buf *bytes,
                                  bcemr_span *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY_AT(bcemr_buf_reserve(bytes, 200 * count), "keyword",
           NULL); /* spans stay where they point */
    for (uint64_t i = 0; i < count; i++) {
        uint64_t start = bytes->n;
        TRY(bcemr_normalise_keyword(words[i], bytes, err));
        out[i] = (bcemr_span){bytes->p + start, bytes->n - start};
    }
out:
    return status;
}

bcemr_status bcemr_doctor_diagnose(bcemr_doctor_visit *visit, bcemr_tr_document *documents,
                                   const bcemr_source *sources, uint64_t count,
                                   const bcemr_span *keywords, uint64_t keyword_count,
                                   const bcemr_tr_reference *references, uint64_t reference_count,
                                   const bcemr_run *run, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf manifest = BCEMR_BUF_EMPTY, bytes = BCEMR_BUF_EMPTY;
    bcemr_tr_document *kept = NULL;
    uint64_t kept_count = 0;
    bcemr_span words[64];
    if (!visit->joined)
        FAIL(BCEMR_E_STATE, "diagnosis", NULL);
    if (keyword_count > 64)
        FAIL(BCEMR_E_TOO_MANY, "manifest", "keywords");
    TRY(fill_documents(documents, sources, count, run, err));
    TRY(normalise_all(keywords, keyword_count, &bytes, words, err));
    const bcemr_tr_manifest m = {BCEMR_LIST_OF(documents, count),
                                 BCEMR_LIST_OF(words, keyword_count),
                                 BCEMR_LIST_OF(references, reference_count)};
    TRY(bcemr_write_manifest(&m, &manifest, err));
    const bcemr_span raw = bcemr_buf_span(&manifest);
    TRY(bcemr_manifest_documents(&raw, 1, &kept, &kept_count, err));
    bcemr_random(visit->salt.b, sizeof visit->salt.b);
    bcemr_buf_free(&visit->manifest);
    bcemr_release(visit->documents);
    visit->manifest = manifest;
    visit->documents = kept;
    visit->document_count = kept_count;
    visit->handed_over = false;
    manifest = BCEMR_BUF_EMPTY;
    kept = NULL;
out:
    bcemr_buf_free(&manifest);
    bcemr_buf_free(&bytes);
    bcemr_release(kept);
    return status;
}
