/* SPDX-License-Identifier: Apache-2.0 */
/* record.json: capsule, keys, tags, payload, header, case, Seal (5, 6). */
#include "vectors/vectors.h"

#include <bcemr/group.h>

static void capsule(const story *s)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_g2 h;
    bcemr_g2_raw h_raw;
    const bcemr_tr_capsule transcript = {s->vid, s->svk};
    must(bcemr_hash_to_g2(BCEMR_PURPOSE_CAPSULE, encode(&bcemr_type_capsule, &transcript, &held),
                          &h));
    bcemr_g2_encode(&h, &h_raw);
    vec_begin("capsule", "B, C and K from r");
    VEC("xv", s->patient.xv);
    VEC("pkv", s->patient.pkv);
    VEC("vid", s->vid);
    VEC("svk", s->svk);
    VEC("r", s->r);
    VEC("h", h_raw);
    VEC("B", s->header.b);
    VEC("C", s->header.c);
    VEC("K", s->k);
    vec_end();
    vec_begin("record_keys", "dek, kc and kt from K");
    VEC("K", s->k);
    VEC("vid", s->vid);
    VEC("svk", s->svk);
    VEC("C", s->header.c);
    VEC("dek", s->keys.dek);
    VEC("kc", s->keys.kc);
    VEC("kt", s->keys.kt);
    vec_end();
    bcemr_buf_free(&held);
}

static void capsule_check(const story *s, bool bad)
{
    const bcemr_g1_raw *b = bad ? &s->deltas[0] : &s->header.b;
    vec_begin("capsule_check", bad ? "another point in place of B" : "e(B, h) = e(pkv, C)");
    VEC("vid", s->vid);
    VEC("svk", s->svk);
    VEC("pkv", s->patient.pkv);
    VEC("B", *b);
    VEC("C", s->header.c);
    vec_word("verdict", bcemr_verdict_name(bcemr_capsule_check(s->c->context, &s->vid, &s->svk, b,
                                                               &s->patient.pkv, &s->header.c,
                                                               BCEMR_BAD_CAPSULE, NULL)));
    vec_end();
}

static void tags(const story *s)
{
    const bcemr_span words[2] = {bcemr_text("diabetes"), bcemr_text("fracture")};
    const bcemr_span word = bcemr_text("m\xc3\xbcller");
    bcemr_bytes16 tag;
    must(bcemr_keyword_tag(&s->keys.kt, word, &tag, NULL));
    vec_begin("keyword_tag", "of a word in normal form");
    VEC("kt", s->keys.kt);
    vec_text("word", word);
    VEC("tag", tag);
    vec_end();
    vec_begin("tags", "two words among random tags");
    VEC("kt", s->keys.kt);
    vec_spans("words", words, 2);
    vec_array("tags", s->tags, sizeof s->tags[0], s->tag_count);
    vec_end();
}

static void short_payload(const story *s)
{
    const bcemr_span content = bcemr_text("a content of one chunk");
    uint8_t sealed[64];
    bcemr_stream stream;
    bcemr_hash leaf;
    must(bcemr_stream_payload(&s->keys.dek, &s->vid, &s->svk, content.n, &stream, NULL));
    must(bcemr_stream_seal(&stream, 0, content, NULL, sealed, &leaf, NULL));
    vec_begin("payload", "one chunk");
    VEC("dek", s->keys.dek);
    VEC("vid", s->vid);
    VEC("svk", s->svk);
    vec_span("content", content);
    vec_bytes("sealed", sealed, bcemr_stream_sealed_length(content.n));
    VEC("root", leaf);
    vec_end();
}

static void long_payload(const story *s)
{
    bcemr_hash leaves[2], hash;
    bcemr_stream_leaves(bcemr_buf_span(&s->payload), NULL, leaves);
    bcemr_sha256(bcemr_buf_span(&s->payload), &hash);
    vec_begin("long_payload", "two chunks; byte i of the content is i mod 251");
    VEC("dek", s->keys.dek);
    VEC("vid", s->vid);
    VEC("svk", s->svk);
    vec_uint("length", STORY_CONTENT);
    VEC("sealed_hash", hash);
    vec_array("leaf_hashes", leaves, 32, 2);
    VEC("root", s->header.root);
    vec_end();
}

static void header_and_case(const story *s)
{
    vec_begin("header", "osig under svk");
    vec_bytes("ssk_seed", s->ssk.b, 32);
    VEC("vid", s->vid);
    VEC("last_context", s->last_context);
    vec_value("header", &bcemr_type_header, bcemr_buf_span(&s->header_held));
    vec_end();
    vec_begin("case", "from the header and the ledger");
    VEC("vid", s->vid);
    VEC("order", s->vid);
    VEC("last_context", s->last_context);
    VEC("sigma", s->sigmas[STORY_TEAM - 1]);
    vec_buf("header", &s->header_held);
    vec_buf("case", &s->case_held);
    vec_end();
}

void vectors_record(story *s)
{
    vec_open("record", "capsule, record keys, tags, payload, header and case (5, 6.1)");
    capsule(s);
    capsule_check(s, false);
    capsule_check(s, true);
    tags(s);
    short_payload(s);
    long_payload(s);
    header_and_case(s);
    vec_close();
}
