/* SPDX-License-Identifier: Apache-2.0 */
#include "vectors/vectors.h"

#include <stdio.h>
#include <stdlib.h>

static void make_visit(story *s)
{
    consortium *c = s->c;
    known_bytes("patient", s->patient_seed.b, sizeof s->patient_seed.b);
    must(bcemr_visit_keys_derive(&s->patient_seed, &c->ledger, 0, &s->patient));
    s->pid = (bcemr_tr_pid){.hospital = bcemr_text(c->nodes[HOSPITAL_1].id),
                            .identity = bcemr_text("born 1970-01-01, M\xc3\xbcller"),
                            .r = s->patient.r,
                            .r2 = known_nonce("r'")};
    for (int i = 0; i < STORY_TEAM; i++)
        s->team[i] =
            (bcemr_tr_team_doctor){bcemr_text(c->doctors[i].id), c->doctors[i].publics.x,
                                   c->doctors[i].publics.e, STORY_ISSUED + 3600000 * (i + 1)};
    s->clouds[0] = bcemr_text(c->nodes[CLOUD_1].id);
    s->clouds[1] = bcemr_text(c->nodes[CLOUD_2].id);
    s->visit = (bcemr_tr_visit){.ledger = c->ledger,
                                .hospital = s->pid.hospital,
                                .clouds = BCEMR_LIST_OF(s->clouds, 2),
                                .u = 1,
                                .pkv = s->patient.pkv,
                                .av = s->patient.av_public,
                                .team = BCEMR_LIST_OF(s->team, STORY_TEAM),
                                .reissues = 2,
                                .issued = STORY_ISSUED};
    must(bcemr_pseudonym(&s->pid, &s->visit.pid, NULL));
    bcemr_sha256(encode(&bcemr_type_visit, &s->visit, &s->v), &s->vid);
    bcemr_ed_sign(&c->nodes[HOSPITAL_1].keys.a, bcemr_buf_span(&s->v), &s->ticket_signature);
}

static void make_credentials(story *s)
{
    for (int i = 0; i < STORY_TEAM; i++) {
        const consortium_doctor *d = &s->c->doctors[i];
        s->creds[i] = (bcemr_tr_cred){.ledger = s->c->ledger,
                                      .doctor = bcemr_text(d->id),
                                      .hospital = s->pid.hospital,
                                      .x = d->publics.x,
                                      .a = d->publics.a,
                                      .e = d->publics.e,
                                      .box = d->publics.box,
                                      .not_before = STORY_ISSUED - 1000,
                                      .not_after = STORY_ISSUED + 100000000};
        must(bcemr_credential_make(&s->c->authority.x, &s->creds[i], &s->credentials[i], NULL));
    }
}

static void make_manifest(story *s, int i)
{
    static const char *const texts[STORY_TEAM] = {"what the first found", "a scan", "a summary"};
    const bcemr_span words[2] = {bcemr_text("diabetes"), bcemr_text("fracture")};
    const bcemr_tr_reference reference = {known_hash("ledger"), known_hash("earlier visit"),
                                          BCEMR_relation_ADDITION};
    bcemr_tr_document document = {.name = bcemr_text("note.txt"),
                                  .media_type = bcemr_text("text/plain"),
                                  .length = strlen(texts[i])};
    bcemr_document_hash hash;
    bcemr_document_begin(&hash);
    bcemr_document_feed(&hash, bcemr_text(texts[i]));
    bcemr_document_end(&hash, &document.hash);
    const bcemr_tr_manifest manifest = {.documents = BCEMR_LIST_OF(&document, 1),
                                        .keywords = BCEMR_LIST_OF(words, (uint64_t)(i % 3)),
                                        .references =
                                            BCEMR_LIST_OF(&reference, (uint64_t)(i == 2))};
    (void)encode(&bcemr_type_manifest, &manifest, &s->manifests[i]);
}

static void make_presence(story *s, int i)
{
    const bcemr_tr_present present = {.vid = s->vid,
                                      .doctor = s->team[i].doctor,
                                      .nonce = known_nonce("doctor's nonce"),
                                      .time = STORY_ISSUED + 60000 * (i + 1)};
    const bcemr_tr_waived waived = {BCEMR_waiver_REMOTE_READING};
    bcemr_tr_presence presence;
    if (i == 1) {
        (void)encode(&bcemr_type_waived, &waived, &s->presences[i]);
        return;
    }
    must(bcemr_presence_make(&s->patient, &present, &presence, NULL));
    (void)encode(&bcemr_type_presence, &presence, &s->presences[i]);
}

static void sign(story *s, int i)
{
    char text[16];
    bcemr_tr_sign *sign = &s->signs[i];
    (void)snprintf(text, sizeof text, "salt %d", i);
    s->salts[i] = known_nonce(text);
    *sign = (bcemr_tr_sign){.order = s->vid,
                            .i = (uint64_t)i + 1,
                            .k = 0,
                            .doctor = s->team[i].doctor,
                            .x = s->team[i].x,
                            .time = STORY_ISSUED + 60000 * (i + 1) + 5,
                            .previous = i > 0 ? s->last_context : s->vid};
    if (i == STORY_TEAM - 1)
        sign->svk = bcemr_span_of(s->svk.b, 32);
    must(bcemr_commitment(&s->vid, sign->i, &s->salts[i], bcemr_buf_span(&s->manifests[i]),
                          bcemr_buf_span(&s->presences[i]), &sign->commitment, NULL));
    bcemr_sha256(encode(&bcemr_type_sign, sign, &s->contexts[i]), &s->last_context);
    must(bcemr_diagnosis_sign(&s->c->doctors[i].keys.x, sign, &s->deltas[i], NULL));
    must(bcemr_multisignature_add(i > 0 ? &s->sigmas[i - 1] : NULL, &s->deltas[i],
                                  &s->credentials[i], &s->sigmas[i], NULL));
}

/* The payload's sealed chunks and their root. */
static void make_payload(story *s)
{
    bcemr_stream stream;
    bcemr_hash leaves[2];
    bcemr_tree tree;
    uint8_t *content = malloc(STORY_CONTENT);
    if (!content)
        abort();
    pattern(content, STORY_CONTENT);
    must(bcemr_stream_payload(&s->keys.dek, &s->vid, &s->svk, STORY_CONTENT, &stream, NULL));
    must(bcemr_buf_reserve(&s->payload, bcemr_stream_sealed_length(STORY_CONTENT)));
    s->payload.n = bcemr_stream_sealed_length(STORY_CONTENT);
    must(bcemr_stream_seal(&stream, 0, bcemr_span_of(content, STORY_CONTENT), NULL, s->payload.p,
                           leaves, NULL));
    bcemr_tree_begin(&tree);
    bcemr_tree_add(&tree, &leaves[0]);
    bcemr_tree_add(&tree, &leaves[1]);
    bcemr_tree_root(&tree, &s->header.root);
    free(content);
}

static void make_record(story *s)
{
    const bcemr_span words[2] = {bcemr_text("diabetes"), bcemr_text("fracture")};
    bcemr_tr_header *h = &s->header;
    must(bcemr_capsule_seal(s->c->context, &s->patient.pkv, &s->vid, &s->svk, &s->r, &h->b, &h->c,
                            &s->k, NULL));
    must(bcemr_record_keys_derive(&s->k, &s->vid, &s->svk, &h->c, &s->keys, NULL));
    must(bcemr_tags_make(&s->keys.kt, words, 2, s->tags, &s->tag_count, NULL));
    make_payload(s);
    h->svk = s->svk;
    h->tags = BCEMR_LIST_OF(s->tags, s->tag_count);
    h->kc = s->keys.kc;
    h->length = STORY_CONTENT;
    must(bcemr_header_sign(&s->ssk, &s->vid, &s->last_context, h, NULL));
    (void)encode(&bcemr_type_header, h, &s->header_held);
    must(bcemr_case_make(&s->vid, &s->vid, &s->last_context, &s->sigmas[STORY_TEAM - 1], h,
                         &s->record_case, NULL));
    (void)encode(&bcemr_type_case, &s->record_case, &s->case_held);
}

void story_begin(story *s, consortium *c)
{
    uint8_t seed[32];
    memset(s, 0, sizeof *s);
    s->c = c;
    make_visit(s);
    make_credentials(s);
    known_bytes("ssk", seed, sizeof seed);
    bcemr_ed_from_seed(seed, &s->ssk, &s->svk);
    for (int i = 0; i < STORY_TEAM; i++) {
        make_manifest(s, i);
        make_presence(s, i);
        sign(s, i);
    }
    make_record(s);
}

void story_end(story *s)
{
    for (int i = 0; i < STORY_TEAM; i++) {
        bcemr_buf_free(&s->manifests[i]);
        bcemr_buf_free(&s->presences[i]);
        bcemr_buf_free(&s->contexts[i]);
    }
    bcemr_buf_free(&s->v);
    bcemr_buf_free(&s->payload);
    bcemr_buf_free(&s->header_held);
    bcemr_buf_free(&s->case_held);
    bcemr_visit_keys_wipe(&s->patient);
}
