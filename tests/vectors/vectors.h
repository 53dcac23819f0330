/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes tests/vectors/NAME.json: what every operation and encoding gives for known inputs, as
 * docs/vectors.md describes. Each file is a list of vectors; a vector is an object whose "op" says
 * what its fields are. What cannot fail here aborts.
 */
#ifndef BCEMR_VECTORS_H
#define BCEMR_VECTORS_H

#include "support/consortium.h"

#include <bcemr/diagnosis.h>
#include <bcemr/grant.h>
#include <bcemr/group_key.h>
#include <bcemr/record.h>
#include <string.h>

/* ---- writing JSON ---- */

void vec_folder(const char *path);
/* One file at a time, in that folder. */
void vec_open(const char *name, const char *about);
void vec_close(void);
/* One vector at a time; name says for people what is special about it. */
void vec_begin(const char *op, const char *name);
void vec_end(void);
void vec_bytes(const char *key, const void *p, uint64_t n); /* lower-case hexadecimal */
void vec_span(const char *key, bcemr_span bytes);
void vec_buf(const char *key, const bcemr_buf *bytes);
void vec_text(const char *key, bcemr_span text);
void vec_word(const char *key, const char *text);
void vec_uint(const char *key, uint64_t value); /* a string in decimal from 2^53 on */
void vec_array(const char *key, const void *p, uint64_t size, uint64_t count);
void vec_spans(const char *key, const bcemr_span *spans, uint64_t count);
/* An encoding, taken apart by the table of types: see docs/vectors.md. */
void vec_value(const char *key, const bcemr_type *type, bcemr_span encoding);

/* A struct with bytes b alone. */
#define VEC(key, value) vec_bytes((key), (value).b, sizeof(value).b)

/* ---- known values ---- */

/* n bytes that a text names: SHA-256(text || 0), SHA-256(text || 1), ... */
void known_bytes(const char *text, void *out, uint64_t n);
bcemr_secret_scalar known_scalar(const char *text);
bcemr_hash known_hash(const char *text);
bcemr_nonce known_nonce(const char *text);
bcemr_g1_raw g1_of(const bcemr_secret_scalar *x);
bcemr_g2_raw g2_of(const bcemr_secret_scalar *x);
/* Appends value's encoding. */
bcemr_span encode(const bcemr_type *type, const void *value, bcemr_buf *out);
void holds(bcemr_verdict verdict);

/* ---- a visit with everything that belongs to it, used by several files ---- */

#define STORY_TEAM 3
#define STORY_ISSUED ((int64_t)1700000000000)

typedef struct story {
    consortium *c;
    bcemr_seed patient_seed;
    bcemr_visit_keys patient;
    bcemr_tr_pid pid;
    bcemr_tr_visit visit;
    bcemr_span clouds[2];
    bcemr_tr_team_doctor team[STORY_TEAM];
    bcemr_buf v; /* V */
    bcemr_hash vid;
    bcemr_ed_signature ticket_signature;
    bcemr_tr_cred creds[STORY_TEAM];
    bcemr_g1_raw credentials[STORY_TEAM];
    bcemr_ed_secret ssk;
    bcemr_ed_raw svk;
    bcemr_buf manifests[STORY_TEAM], presences[STORY_TEAM], contexts[STORY_TEAM];
    bcemr_nonce salts[STORY_TEAM];
    bcemr_tr_sign signs[STORY_TEAM];
    bcemr_g1_raw deltas[STORY_TEAM], sigmas[STORY_TEAM];
    bcemr_hash last_context;
    bcemr_secret_scalar r;
    bcemr_capsule_key k;
    bcemr_record_keys keys;
    bcemr_bytes16 tags[64];
    uint64_t tag_count;
    bcemr_tr_header header;
    bcemr_buf payload, header_held;
    bcemr_tr_case record_case;
    bcemr_buf case_held;
} story;

void story_begin(story *s, consortium *c);
void story_end(story *s);
/* The record's content: byte i is i mod 251. */
void pattern(uint8_t *out, uint64_t n);
#define STORY_CONTENT 65546 /* two chunks */

/* ---- the files ---- */

void vectors_transcripts(void);
void vectors_refusals(void);
void vectors_hashes(void);
void vectors_kdf(void);
void vectors_curves(void);
void vectors_keys(story *s);
void vectors_visit(story *s);
void vectors_group(story *s);
void vectors_diagnosis(story *s);
void vectors_record(story *s);
void vectors_grant(story *s);
void vectors_access(story *s);
void vectors_ledger(story *s);
void vectors_set(story *s);
void vectors_case(void);

#endif
