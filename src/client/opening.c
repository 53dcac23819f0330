/* SPDX-License-Identifier: Apache-2.0 */
/* A record opened and held against the visit's log, in the order that opening.h states. */
#include "client/case_check.h"
#include "wire/error.h"

#include <bcemr/opening.h>
#include <string.h>

void bcemr_opened_free(bcemr_opened *opened)
{
    if (!opened)
        return;
    bcemr_buf_free(&opened->head);
    bcemr_release(opened->documents);
    memset(opened, 0, sizeof *opened);
}

/* The manifests of the head, in order. */
static uint64_t manifests_of(const bcemr_tr_content *content, bcemr_span manifests[BCEMR_TEAM_MAX])
{
    uint64_t n = 0;
    bcemr_tr_content_item item;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_content_item, &content->diagnoses);
    while (n < BCEMR_TEAM_MAX && bcemr_list_next(&iter, &item))
        manifests[n++] = item.manifest;
    return n;
}

bcemr_status bcemr_content_keywords(const bcemr_tr_content *content, bcemr_span **out,
                                    uint64_t *count, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span manifests[BCEMR_TEAM_MAX];
    bcemr_tr_manifest manifest;
    uint64_t n = manifests_of(content, manifests), total = 0, filled = 0;
    *out = NULL;
    *count = 0;
    for (uint64_t i = 0; i < n; i++) {
        TRY(bcemr_read_manifest(manifests[i], &manifest, err));
        total += manifest.keywords.count;
    }
    *out = bcemr_allocate((total + 1) * sizeof **out);
    if (!*out)
        FAIL(BCEMR_E_NO_MEMORY, "content", "keywords");
    for (uint64_t i = 0; i < n; i++) {
        TRY(bcemr_read_manifest(manifests[i], &manifest, err));
        bcemr_iter iter = bcemr_list_begin(&bcemr_type_keyword_item, &manifest.keywords);
        while (filled < total && bcemr_list_next(&iter, &(*out)[filled]))
            filled++;
    }
    *count = filled;
out:
    if (status != BCEMR_OK) {
        bcemr_release(*out);
        *out = NULL;
    }
    return status;
}

/* ---- the payload, taken apart as it comes ---- */

typedef struct taking {
    const bcemr_opening *opening;
    bcemr_opened *out;
} taking;

static bcemr_status on_head(void *user, bcemr_span head, const bcemr_tr_document **documents,
                            uint64_t *count, bcemr_error *err)
{
    taking *t = user;
    bcemr_status status = BCEMR_OK;
    bcemr_span manifests[BCEMR_TEAM_MAX];
    TRY(bcemr_buf_append(&t->out->head, head));
    TRY(bcemr_read_content(bcemr_buf_span(&t->out->head), &t->out->content, err));
    uint64_t n = manifests_of(&t->out->content, manifests);
    TRY(bcemr_manifest_documents(manifests, n, &t->out->documents, &t->out->document_count, err));
    *documents = t->out->documents;
    *count = t->out->document_count;
out:
    return status;
}

static bcemr_status on_document(void *user, uint64_t index, const bcemr_tr_document *document,
                                bcemr_sink *sink)
{
    const bcemr_output *output = &((taking *)user)->opening->output;
    return output->open ? output->open(output->user, index, document, sink) : BCEMR_OK;
}

static bcemr_status take_payload(const bcemr_opening *o, const bcemr_record_keys *keys,
                                 bcemr_opened *out, bcemr_hash *root, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_stream stream = {0};
    taking t = {o, out};
    bcemr_parts parts = {&t, on_head, on_document};
    bcemr_parts_reader *reader = NULL;
    TRY_AT(bcemr_parts_reader_new(&parts, &reader), "content", NULL);
    bcemr_sink sink = bcemr_parts_reader_sink(reader);
    TRY(bcemr_stream_payload(&keys->dek, &o->log->vid, &o->header->svk, o->header->length, &stream,
                             err));
    status = bcemr_payload_open(&stream, o->payload, o->run, BCEMR_BAD_CHUNK, &sink, root, err);
    if (status != BCEMR_OK && bcemr_parts_reader_error(reader)->status != BCEMR_OK && err)
        *err = *bcemr_parts_reader_error(reader);
    if (status == BCEMR_OK)
        status = bcemr_parts_reader_finish(reader, err);
out:
    bcemr_parts_reader_free(reader);
    bcemr_wipe(&stream, sizeof stream);
    return status;
}

/* ---- head against log ---- */

static bcemr_status check_ticket(const bcemr_visit_log *log, const bcemr_tr_content *content,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span raw;
    bcemr_ed_signature signature;
    uint64_t i = 0;
    REQUIRE(bcemr_span_equal(content->visit, log->ticket), BCEMR_CONTENT_NOT_CASE, "content",
            "visit");
    REQUIRE(content->amendments.count == log->order.amendments &&
                content->signatures.count == 1 + log->order.amendments,
            BCEMR_CONTENT_NOT_CASE, "content", "amendments");
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_amend, &content->amendments);
    for (i = 0; bcemr_list_next(&iter, &raw); i++)
        REQUIRE_AT(bcemr_span_equal(raw, log->amendments[i]), BCEMR_CONTENT_NOT_CASE, "content",
                   "amendments", i);
    iter = bcemr_list_begin(&bcemr_type_edsig_item, &content->signatures);
    for (i = 0; bcemr_list_next(&iter, &signature); i++)
        REQUIRE_AT(memcmp(&signature, &log->signatures[i], sizeof signature) == 0,
                   BCEMR_CONTENT_NOT_CASE, "content", "signatures", i);
out:
    return status;
}

static bcemr_status check_pseudonym(const bcemr_visit_log *log, const bcemr_tr_content *content,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash pid;
    const bcemr_tr_pid parts = {log->visit.hospital, content->identity, content->r, content->r2};
    TRY(bcemr_pseudonym(&parts, &pid, err));
    REQUIRE(bcemr_hash_equal(&pid, &log->visit.pid), BCEMR_BAD_PSEUDONYM, "content", "identity");
out:
    return status;
}

bcemr_status client_diagnosis_opens(const bcemr_visit_log *log, uint64_t i, bcemr_span manifest,
                                    const bcemr_nonce *salt, bcemr_span presence, uint64_t *waiver,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash commitment;
    const bcemr_signed_diagnosis *d = &log->diagnoses[i];
    REQUIRE_VALID(bcemr_presence_check(&log->visit, &log->vid, d->context.doctor, d->context.time,
                                       d->clock_difference, presence, waiver, err),
                  "content", "presence");
    TRY(bcemr_commitment(&log->vid, i + 1, salt, manifest, presence, &commitment, err));
    REQUIRE_AT(bcemr_hash_equal(&commitment, &d->context.commitment), BCEMR_BAD_COMMITMENT,
               "content", "diagnoses", i);
out:
    return status;
}

static bcemr_status check_diagnosis(const bcemr_opening *o, uint64_t i,
                                    const bcemr_tr_content_item *item, uint64_t *waiver,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_signed_diagnosis *d = &o->log->diagnoses[i];
    REQUIRE_AT(item->k == d->context.k && item->a == d->a && item->time == d->context.time,
               BCEMR_CONTENT_NOT_CASE, "content", "diagnoses", i);
    TRY(client_diagnosis_opens(o->log, i, item->manifest, &item->salt, item->presence, waiver,
                               err));
out:
    return status;
}

static bcemr_status check_diagnoses(const bcemr_opening *o, bcemr_opened *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_content_item item;
    const bcemr_list *list = &out->content.diagnoses;
    REQUIRE(list->count == o->log->signed_count, BCEMR_CONTENT_NOT_CASE, "content", "diagnoses");
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_content_item, list);
    for (uint64_t i = 0; i < o->log->signed_count && bcemr_list_next(&iter, &item); i++)
        TRY(check_diagnosis(o, i, &item, &out->waivers[i], err));
out:
    return status;
}

static bcemr_status check_tags(const bcemr_opening *o, const bcemr_record_keys *keys,
                               const bcemr_opened *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span *words = NULL;
    uint64_t count = 0;
    TRY(bcemr_content_keywords(&out->content, &words, &count, err));
    REQUIRE_VALID(bcemr_tags_check(&keys->kt, words, count, &o->header->tags, err), "header",
                  "tags");
out:
    bcemr_release(words);
    return status;
}

static bcemr_status check_seal_key(const bcemr_opening *o, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_visit_log *log = o->log;
    REQUIRE(log->signed_count > 0 && log->signed_count == log->order.count, BCEMR_NOT_IN_ORDER,
            "visit", "diagnoses");
    bcemr_span svk = log->diagnoses[log->signed_count - 1].context.svk;
    REQUIRE(bcemr_span_equal(svk, bcemr_span_of(o->header->svk.b, 32)), BCEMR_WRONG_SEAL_KEY,
            "header", "svk");
    REQUIRE_VALID(bcemr_header_check(&log->vid, bcemr_visit_log_last_context(log), o->header, err),
                  "header", "osig");
out:
    return status;
}

bcemr_status bcemr_record_open(const bcemr_opening *o, bcemr_opened *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_record_keys keys = {0};
    bcemr_hash root = {{0}};
    memset(out, 0, sizeof *out);
    TRY(bcemr_record_keys_derive(o->k, &o->log->vid, &o->header->svk, &o->header->c, &keys, err));
    REQUIRE(bcemr_hash_equal(&keys.kc, &o->header->kc), BCEMR_BAD_KEY_COMMITMENT, "header", "kc");
    TRY(take_payload(o, &keys, out, &root, err));
    REQUIRE(bcemr_hash_equal(&root, &o->header->root), BCEMR_BAD_ROOT, "header", "root");
    TRY(check_seal_key(o, err));
    TRY(check_ticket(o->log, &out->content, err));
    TRY(check_pseudonym(o->log, &out->content, err));
    TRY(check_diagnoses(o, out, err));
    TRY(check_tags(o, &keys, out, err));
out:
    bcemr_wipe(&keys, sizeof keys);
    if (status != BCEMR_OK)
        bcemr_opened_free(out);
    return status;
}
