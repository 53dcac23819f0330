/* SPDX-License-Identifier: Apache-2.0 */
/* hashes.json, kdf.json, curves.json: what everything else is made of (section 1). */
#include "vectors/vectors.h"
#include "wire/table.h"

#include <bcemr/group.h>
#include <stdio.h>
#include <stdlib.h>

static void one_hdoc(uint64_t n)
{
    bcemr_document_hash hash;
    bcemr_hash out;
    uint8_t *bytes = malloc((size_t)n + 1);
    if (!bytes)
        abort();
    pattern(bytes, n);
    bcemr_document_begin(&hash);
    bcemr_document_feed(&hash, bcemr_span_of(bytes, n));
    bcemr_document_end(&hash, &out);
    vec_begin("hdoc", "byte i of the document is i mod 251");
    vec_uint("length", n);
    VEC("hdoc", out);
    vec_end();
    free(bytes);
}

static void one_tree(uint64_t count)
{
    static const uint8_t bytes[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    bcemr_hash leaves[8], root;
    bcemr_span spans[8];
    bcemr_tree tree;
    bcemr_tree_begin(&tree);
    for (uint64_t i = 0; i < count; i++) {
        spans[i] = bcemr_span_of(bytes, i + 1);
        bcemr_tree_leaf_hash(spans[i], &leaves[i]);
        bcemr_tree_add(&tree, &leaves[i]);
    }
    bcemr_tree_root(&tree, &root);
    vec_begin("tree", "leaf hashes and root");
    vec_spans("leaves", spans, count);
    vec_array("leaf_hashes", leaves, 32, count);
    VEC("root", root);
    vec_end();
}

static void one_fields(const char *op, const char *label, const bcemr_span *fields, uint64_t count)
{
    bcemr_buf made = BCEMR_BUF_EMPTY;
    bcemr_hash hash;
    must(bcemr_write_fields(label, fields, count, &made));
    bcemr_sha256(bcemr_buf_span(&made), &hash);
    vec_begin(op, "a transcript of these fields");
    vec_word("label", label);
    vec_spans("fields", fields, count);
    vec_buf("encoding", &made);
    VEC("hash", hash);
    vec_end();
    bcemr_buf_free(&made);
}

static void one_list(uint64_t count)
{
    bcemr_hash items[3] = {known_hash("a"), known_hash("b"), known_hash("c")}, hash;
    const bcemr_list list = BCEMR_LIST_OF(items, count);
    bcemr_buf made = BCEMR_BUF_EMPTY;
    must(bcemr_write_list(&bcemr_type_hash_item, &list, &made, NULL));
    must(bcemr_hash_list(&bcemr_type_hash_item, &list, &hash, NULL));
    vec_begin("list", "a list of hashes");
    vec_array("items", items, 32, count);
    vec_buf("encoding", &made);
    VEC("hash", hash);
    vec_end();
    bcemr_buf_free(&made);
}

void vectors_hashes(void)
{
    const bcemr_span fields[3] = {bcemr_text("abc"), {NULL, 0}, bcemr_text("d")};
    bcemr_hash mac;
    vec_open("hashes", "transcripts without a type, lists, tuples, hashes and trees (1.4, 1.5)");
    one_fields("fields", "waived", fields, 1);
    one_fields("fields", "any", fields, 3);
    one_fields("fields", "server", NULL, 0);
    one_fields("fields", "tuple", fields, 3);
    one_list(0);
    one_list(3);
    bcemr_hmac(fields[0], fields[2], &mac);
    vec_begin("hmac", "HMAC-SHA-256");
    vec_span("key", fields[0]);
    vec_span("message", fields[2]);
    VEC("mac", mac);
    vec_end();
    for (uint64_t count = 0; count <= 7; count++)
        one_tree(count);
    one_hdoc(0);
    one_hdoc(1);
    one_hdoc(65536);
    one_hdoc(65537);
    one_hdoc(200000);
    vec_close();
}

static bool is_scalar(const char *label)
{
    static const char *const scalars[] = {"x", "xv", "grant", "share", "custody-share", "pok"};
    for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++)
        if (strcmp(label, scalars[i]) == 0)
            return true;
    return false;
}

static void one_kdf(const char *label, bcemr_span ikm, bcemr_span info, uint64_t n)
{
    uint8_t out[96];
    bcemr_secret_scalar x;
    const bool scalar = is_scalar(label);
    if (scalar)
        must(bcemr_kdf_scalar(label, ikm, info, &x));
    else
        must(bcemr_kdf(label, ikm, info, out, n));
    vec_begin(scalar ? "kdf_scalar" : "kdf", "under one label");
    vec_word("label", label);
    vec_span("ikm", ikm);
    vec_span("info", info);
    if (!scalar)
        vec_uint("length", n);
    vec_bytes("out", scalar ? x.b : out, scalar ? 32 : n);
    vec_end();
}

void vectors_kdf(void)
{
    uint8_t ikm[96], number[8] = {7};
    bcemr_buf info = BCEMR_BUF_EMPTY;
    const bcemr_hash id = known_hash("ledger id");
    const bcemr_span fields[2] = {bcemr_span_of(id.b, 32), bcemr_span_of(number, 8)};
    known_bytes("ikm", ikm, sizeof ikm);
    must(bcemr_tuple(fields, 2, &info));
    vec_open("kdf", "every derivation label, with and without info (1.6)");
    for (uint64_t i = 0; i < wire_derivations_count; i++) {
        const char *label = wire_all_derivations[i].label;
        const bool long_one = strcmp(label, "group") == 0 || strcmp(label, "record") == 0;
        const bcemr_span from = bcemr_span_of(ikm, strcmp(label, "group") == 0 ? 96 : 32);
        one_kdf(label, from, (bcemr_span){NULL, 0}, long_one ? 96 : 32);
        one_kdf(label, from, bcemr_buf_span(&info), long_one ? 96 : 32);
    }
    vec_close();
    bcemr_buf_free(&info);
}

static const struct {
    const char *name;
    bcemr_purpose purpose;
} purposes[] = {{"CRED", BCEMR_PURPOSE_CRED},
                {"SIG", BCEMR_PURPOSE_SIG},
                {"POP", BCEMR_PURPOSE_POP},
                {"CAPSULE", BCEMR_PURPOSE_CAPSULE}};

static void one_curve(size_t p, const char *message)
{
    const bool in_g2 = purposes[p].purpose == BCEMR_PURPOSE_CAPSULE;
    bcemr_g1 point;
    bcemr_g2 point2;
    bcemr_g1_raw raw;
    bcemr_g2_raw raw2;
    vec_begin(in_g2 ? "hash_to_g2" : "hash_to_g1", "with the project's tag");
    vec_word("purpose", purposes[p].name);
    vec_span("message", bcemr_text(message));
    if (in_g2) {
        must(bcemr_hash_to_g2(purposes[p].purpose, bcemr_text(message), &point2));
        bcemr_g2_encode(&point2, &raw2);
        VEC("point", raw2);
    } else {
        must(bcemr_hash_to_g1(purposes[p].purpose, bcemr_text(message), &point));
        bcemr_g1_encode(&point, &raw);
        VEC("point", raw);
    }
    vec_end();
}

static void one_power(const bcemr_context *context, const bcemr_secret_scalar *r, const char *name)
{
    const bcemr_hash vid = known_hash("vid");
    const bcemr_g1_raw pkv = g1_of(r);
    const bcemr_g2_raw in_g2 = g2_of(r);
    const bcemr_ed_raw svk = {{1}};
    bcemr_g1_raw b;
    bcemr_g2_raw c;
    bcemr_capsule_key k;
    must(bcemr_capsule_from_r(context, r, &pkv, &vid, &svk, &b, &c, &k, NULL));
    vec_begin("power", name);
    VEC("r", *r);
    VEC("g1", pkv);
    VEC("g2", in_g2);
    VEC("gt", k);
    vec_end();
}

void vectors_curves(void)
{
    bcemr_context *context;
    const bcemr_secret_scalar one = {{1}}, r = known_scalar("r");
    must(bcemr_context_new(&context));
    vec_open("curves", "hashing to the curves; r g1, r g2 and Z^r (1.1, 1.5, 1.7)");
    for (size_t p = 0; p < sizeof purposes / sizeof purposes[0]; p++) {
        one_curve(p, "");
        one_curve(p, "abc");
    }
    one_power(context, &one, "the generators and Z");
    one_power(context, &r, "a power");
    vec_close();
    bcemr_context_free(context);
}
