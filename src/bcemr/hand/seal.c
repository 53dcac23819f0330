/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr seal`: the last doctor makes the record (section 5). */
#include "bcemr/hand/hand.h"

#include <bcemr/group_key.h>
#include <bcemr/hash.h>
#include <bcemr/opening.h>
#include <bcemr/record.h>
#include <string.h>

typedef struct sealing {
    hand_state state;
    keyfile *keys;
    bcemr_secrets secrets;
    bcemr_ed_secret ssk;
    bcemr_tr_content_item items[BCEMR_TEAM_MAX];
    bcemr_buf head;
    hand_window *windows;
    bcemr_source *sources;
    uint64_t document_count;
    bcemr_composed composed;
    bcemr_tr_header header;
    bcemr_bytes16 tags[64];
    bcemr_buf header_bytes;
} sealing;

static void sealing_free(sealing *s)
{
    if (!s)
        return;
    hand_state_free(&s->state);
    bcemr_buf_free(&s->head);
    bcemr_buf_free(&s->header_bytes);
    bcemr_release(s->windows);
    bcemr_release(s->sources);
    if (s->keys)
        keyfile_free(s->keys);
    bcemr_release_wiped(s, sizeof *s);
}

/* ---- the one-time key ---- */

static bcemr_status take_seal_key(hand *h, sealing *s)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf bytes = BCEMR_BUF_EMPTY, plain = BCEMR_BUF_EMPTY;
    bcemr_tr_seal_key file;
    bcemr_tr_seal_secret secret = {0};
    const bcemr_visit_log *log = s->state.visit.log;
    HAND(hand_private_file(h, h->o->seal_key, 4096, &bytes));
    hand_doing(h, "use the one-time key \"%.200s\"", hand_name(bcemr_text(h->o->seal_key)));
    HAND(bcemr_read_seal_key(bcemr_buf_span(&bytes), &file, &h->error));
    HAND(bcemr_sealed_box_open(&s->secrets.box, file.box, BCEMR_BAD_SEALED_MESSAGE, &plain,
                               &h->error));
    HAND(bcemr_read_seal_secret(bcemr_buf_span(&plain), &secret, &h->error));
    bcemr_ed_from_seed(secret.seed.b, &s->ssk, &s->header.svk);
    HAND_REQUIRE(bcemr_hash_equal(&secret.vid, &log->vid) &&
                     bcemr_span_equal(log->diagnoses[log->signed_count - 1].context.svk,
                                      bcemr_span_of(s->header.svk.b, 32)),
                 BCEMR_WRONG_SEAL_KEY, "seal-key", "svk");
out:
    bcemr_wipe(&secret, sizeof secret);
    bcemr_buf_free(&bytes);
    bcemr_buf_free(&plain);
    return status;
}

/* ---- the content ---- */

static bcemr_status make_head(hand *h, sealing *s)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_visit_log *log = s->state.visit.log;
    for (uint64_t j = 0; j < log->signed_count; j++) {
        const bcemr_tr_contribution *c = &s->state.parts[j].contribution;
        s->items[j] = (bcemr_tr_content_item){.k = log->diagnoses[j].context.k,
                                              .a = log->diagnoses[j].a,
                                              .time = log->diagnoses[j].context.time,
                                              .manifest = c->manifest,
                                              .salt = c->salt,
                                              .presence = c->presence};
    }
    const bcemr_tr_content content = {
        .visit = log->ticket,
        .amendments = BCEMR_LIST_OF(log->amendments, log->order.amendments),
        .signatures = BCEMR_LIST_OF(log->signatures, 1 + log->order.amendments),
        .diagnoses = BCEMR_LIST_OF(s->items, log->signed_count),
        .identity = s->state.intake.identity,
        .r = s->state.intake.r,
        .r2 = s->state.intake.r2};
    HAND(bcemr_write_content(&content, &s->head, &h->error));
    HAND_REQUIRE(s->head.n <= BCEMR_HEAD_MAX, BCEMR_MANIFEST_LIMIT, "content", NULL);
out:
    return status;
}

static bcemr_status gather_documents(hand *h, sealing *s)
{
    bcemr_status status = BCEMR_OK;
    uint64_t total = 0;
    for (uint64_t j = 0; j < s->state.part_count; j++)
        total += s->state.parts[j].document_count;
    s->windows = bcemr_allocate((total + 1) * sizeof *s->windows);
    s->sources = bcemr_allocate((total + 1) * sizeof *s->sources);
    if (!s->windows || !s->sources)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "content", "documents");
    for (uint64_t j = 0; j < s->state.part_count; j++) {
        hand_part_sources(&s->state.parts[j], s->windows + s->document_count,
                          s->sources + s->document_count);
        s->document_count += s->state.parts[j].document_count;
    }
out:
    return status;
}

static bcemr_status make_tags(hand *h, sealing *s, const bcemr_key *kt)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_content content;
    bcemr_span *words = NULL;
    uint64_t count = 0, tag_count = 0;
    HAND(bcemr_read_content(bcemr_buf_span(&s->head), &content, &h->error));
    HAND(bcemr_content_keywords(&content, &words, &count, &h->error));
    HAND(bcemr_tags_make(kt, words, count, s->tags, &tag_count, &h->error));
    s->header.tags = BCEMR_LIST_OF(s->tags, tag_count);
out:
    bcemr_release(words);
    return status;
}

/* ---- the record ---- */

static bcemr_status seal_payload(hand *h, sealing *s, const bcemr_key *dek,
                                 const bcemr_source *content, const bcemr_sink *sink,
                                 const files_sink *file)
{
    bcemr_status status = BCEMR_OK;
    bcemr_stream stream = {0};
    HAND(bcemr_stream_payload(dek, &s->state.visit.log->vid, &s->header.svk, content->length,
                              &stream, &h->error));
    status = bcemr_payload_seal(&stream, content, hand_run_begin(h, "sealing the record"), sink,
                                &s->header.root, &h->error);
    hand_run_end(h);
    if (status == BCEMR_OK)
        goto out;
    hand_sink_failed(h, file);
    for (uint64_t j = 0; j < s->state.part_count && h->file.status == BCEMR_OK; j++)
        hand_source_failed(h, s->state.parts[j].file);
out:
    bcemr_wipe(&stream, sizeof stream);
    return status;
}

static bcemr_status make_record(hand *h, sealing *s, const bcemr_sink *sink, const files_sink *file)
{
    bcemr_status status = BCEMR_OK;
    bcemr_secret_scalar r = {{0}};
    bcemr_capsule_key k = {{0}};
    bcemr_record_keys keys = {0};
    const bcemr_visit_log *log = s->state.visit.log;
    const bcemr_source content = bcemr_composed_source(&s->composed, bcemr_buf_span(&s->head),
                                                       s->sources, s->document_count);
    s->header.length = content.length;
    HAND(bcemr_capsule_seal(h->context, &log->visit.pkv, &log->vid, &s->header.svk, &r,
                            &s->header.b, &s->header.c, &k, &h->error));
    HAND(bcemr_record_keys_derive(&k, &log->vid, &s->header.svk, &s->header.c, &keys, &h->error));
    s->header.kc = keys.kc;
    HAND(make_tags(h, s, &keys.kt));
    HAND(seal_payload(h, s, &keys.dek, &content, sink, file));
    HAND(bcemr_header_sign(&s->ssk, &log->vid, bcemr_visit_log_last_context(log), &s->header,
                           &h->error));
    HAND(bcemr_write_header(&s->header, &s->header_bytes, &h->error));
out:
    bcemr_wipe(&r, sizeof r);
    bcemr_wipe(&k, sizeof k);
    bcemr_wipe(&keys, sizeof keys);
    return status;
}

/* The one-time key goes when the record stands: never a second payload under it. */
static bcemr_status write_files(hand *h, sealing *s)
{
    bcemr_status status = BCEMR_OK;
    hand_outputs outputs = {0};
    bcemr_sink sink;
    HAND(hand_output_begin(h, &outputs, h->o->out, ".payload", &sink));
    HAND(make_record(h, s, &sink, outputs.sinks[0]));
    HAND(hand_output_bytes(h, &outputs, h->o->out, ".header", bcemr_buf_span(&s->header_bytes)));
    HAND(hand_output_commit(h, &outputs));
    HAND(files_remove(h->o->seal_key, &h->file));
out:
    hand_output_free(&outputs);
    return status;
}

static void tell(hand *h, const sealing *s)
{
    static const char *const unchecked[] = {"that every signature is on the ledger",
                                            "that the hospital opened and confirmed the record",
                                            "that a cloud took it", NULL};
    char size[REPORT_NUMBER], path[1100];
    report_line(&h->r,
                "sealed %u documents of %u doctors (%s) to the patient; the one-time key is gone",
                (unsigned)s->document_count, (unsigned)s->state.part_count,
                report_bytes(s->header.length, size));
    report_json_number(&h->json, NULL, "documents", s->document_count);
    report_json_number(&h->json, NULL, "bytes", s->header.length);
    report_json_hash(&h->json, NULL, "root", &s->header.root);
    (void)snprintf(path, sizeof path, "%.1000s.header", h->o->out);
    report_line(&h->r, "  %s: capsule, tags, root and signature", hand_name(bcemr_text(path)));
    report_json_text(&h->json, NULL, "header", path);
    (void)snprintf(path, sizeof path, "%.1000s.payload", h->o->out);
    report_line(&h->r, "  %s: the encrypted content", hand_name(bcemr_text(path)));
    report_json_text(&h->json, NULL, "payload", path);
    hand_unchecked(h, unchecked);
}

static bcemr_status work(hand *h)
{
    bcemr_status status = BCEMR_OK;
    sealing *s = bcemr_allocate(sizeof *s);
    if (!s)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "content", NULL);
    HAND(hand_state_open(h, &s->state));
    hand_doing(h, "seal the record");
    HAND_REQUIRE(bcemr_visit_log_complete(s->state.visit.log), BCEMR_NOT_ALL_SIGNED, "visit",
                 "diagnoses");
    HAND(hand_keys_open(h, h->o->keys, BCEMR_key_role_DOCTOR, h->o->passphrase, "passphrase-file",
                        &s->keys));
    HAND_AT(keyfile_secrets(s->keys, &s->secrets), "key file", NULL);
    HAND(take_seal_key(h, s));
    hand_doing(h, "seal the record");
    HAND(make_head(h, s));
    HAND(gather_documents(h, s));
    HAND(write_files(h, s));
    tell(h, s);
out:
    sealing_free(s);
    return status;
}

int hand_seal(const void *options)
{
    return hand_run(options, work);
}
