/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.json and sets.json: leaves, proofs, checkpoints, case blocks, indexes, sets (1.10, 8). */
#include "vectors/vectors.h"

#include <bcemr/group.h>
#include <stdlib.h>

static void entry_signatures(const story *s)
{
    const bcemr_tr_e_abort abort_entry = {s->c->ledger, s->vid, BCEMR_abort_reason_OTHER};
    const consortium_node *h = &s->c->nodes[HOSPITAL_1];
    bcemr_buf entry = BCEMR_BUF_EMPTY, message = BCEMR_BUF_EMPTY;
    bcemr_ed_signature ed;
    bcemr_g1_raw bls;
    const bcemr_span encoding = encode(&bcemr_type_e_abort, &abort_entry, &entry);
    must(bcemr_entry_message("hospital", encoding, &message, NULL));
    must(bcemr_entry_sign_ed(&h->keys.a, "hospital", encoding, &ed, NULL));
    must(bcemr_entry_sign_bls(&s->c->authority.x, "authority", encoding, &bls, NULL));
    vec_begin("entry", "signed by a hospital, and as the authority would");
    vec_span("entry", encoding);
    vec_buf("message", &message);
    VEC("A", h->publics.a);
    VEC("ed25519", ed);
    VEC("P", s->c->p);
    VEC("bls", bls);
    vec_end();
    bcemr_buf_free(&entry);
    bcemr_buf_free(&message);
}

static void one_leaf(const story *s)
{
    const bcemr_tr_e_retire retire = {s->c->ledger, bcemr_text("doctor-1"),
                                      bcemr_span_of(s->c->doctors[0].publics.x.b, 96)};
    const consortium_row row = {.role = "authority", .by = &s->c->authority};
    bcemr_buf signed_entry = BCEMR_BUF_EMPTY, leaf = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts parts;
    consortium_sign(s->c, &bcemr_type_e_retire, &retire, &row, 1, &signed_entry);
    must(bcemr_leaf_make(bcemr_buf_span(&signed_entry), 7, STORY_ISSUED, &leaf, NULL));
    must(bcemr_leaf_read(bcemr_buf_span(&leaf), &parts, NULL));
    vec_begin("leaf", "a signed entry in the log");
    VEC("P", s->c->p);
    vec_buf("signed", &signed_entry);
    vec_uint("height", 7);
    vec_uint("tau", (uint64_t)STORY_ISSUED);
    vec_buf("leaf", &leaf);
    VEC("entry_hash", parts.parts.entry_hash);
    VEC("leaf_hash", parts.leaf_hash);
    vec_end();
    bcemr_buf_free(&signed_entry);
    bcemr_buf_free(&leaf);
}

/* ---- proofs over a tree whose leaf i is the byte i ---- */

static bcemr_status node(void *user, uint64_t level, uint64_t index, bcemr_hash *out)
{
    bcemr_tree tree;
    (void)user;
    bcemr_tree_begin(&tree);
    for (uint64_t i = index << level; i < (index + 1) << level; i++) {
        const uint8_t byte = (uint8_t)i;
        bcemr_hash leaf;
        bcemr_tree_leaf_hash(bcemr_span_of(&byte, 1), &leaf);
        bcemr_tree_add(&tree, &leaf);
    }
    bcemr_tree_root(&tree, out);
    return BCEMR_OK;
}

static void inclusion(uint64_t index, uint64_t size)
{
    const bcemr_node_source source = {node, NULL};
    bcemr_hash path[BCEMR_INCLUSION_MAX], root, leaf;
    uint64_t count;
    must(node(NULL, 0, index, &leaf));
    must(bcemr_root_make(&source, size, &root));
    must(bcemr_inclusion_path(&source, index, size, path, &count));
    vec_begin("inclusion", "in the tree whose leaf i is the byte i");
    VEC("leaf_hash", leaf);
    vec_uint("index", index);
    vec_uint("size", size);
    vec_array("path", path, 32, count);
    VEC("root", root);
    vec_end();
}

static void consistency(uint64_t first, uint64_t second)
{
    const bcemr_node_source source = {node, NULL};
    bcemr_hash path[BCEMR_CONSISTENCY_MAX], one, other;
    uint64_t count;
    must(bcemr_root_make(&source, first, &one));
    must(bcemr_root_make(&source, second, &other));
    must(bcemr_consistency_path(&source, first, second, path, &count));
    vec_begin("consistency", "between two trees whose leaf i is the byte i");
    vec_uint("first", first);
    vec_uint("second", second);
    VEC("first_root", one);
    VEC("second_root", other);
    vec_array("path", path, 32, count);
    vec_end();
}

static void proofs(void)
{
    static const uint8_t in[][2] = {{0, 1}, {0, 2}, {1, 2}, {2, 3},
                                    {3, 7}, {6, 7}, {5, 8}, {9, 11}};
    static const uint8_t pairs[][2] = {{1, 1}, {1, 2}, {3, 7}, {4, 7}, {6, 8}, {7, 8}, {8, 11}};
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
        inclusion(in[i][0], in[i][1]);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        consistency(pairs[i][0], pairs[i][1]);
}

/* ---- checkpoints and indexes ---- */

static void checkpoint(const story *s)
{
    bcemr_set set = BCEMR_SET_EMPTY;
    const bcemr_secrets *voters[4];
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    must(bcemr_set_begin(&s->c->genesis, &set, NULL));
    for (int i = 0; i < 4; i++)
        voters[i] = &s->c->nodes[i].keys;
    const bcemr_tr_checkpoint point = {.ledger = s->c->ledger,
                                       .size = 12,
                                       .root = known_hash("root"),
                                       .tau = STORY_ISSUED,
                                       .stops = known_hash("stops"),
                                       .finds = known_hash("finds"),
                                       .set_number = 0,
                                       .set = set.hash};
    consortium_cosign(&set, &point, voters, 0x0d, &cosigned);
    holds(bcemr_checkpoint_check(s->c->context, &s->c->ledger, &set, bcemr_buf_span(&cosigned),
                                 NULL, NULL));
    vec_begin("checkpoint", "signed by three of four");
    VEC("ledger", s->c->ledger);
    vec_buf("set", &set.encoding);
    vec_buf("cosigned", &cosigned);
    vec_end();
    bcemr_set_free(&set);
    bcemr_buf_free(&cosigned);
}

static void index_head(const story *s)
{
    const bcemr_span access[2] = {s->clouds[0], bcemr_text("a handle of 16 b")};
    bcemr_buf key = BCEMR_BUF_EMPTY, held = BCEMR_BUF_EMPTY;
    bcemr_hash head;
    must(bcemr_tuple(access, 2, &key));
    const bcemr_tr_index_row rows[2] = {
        {9, bcemr_text("Admit"), bcemr_span_of(s->patient.pkv.b, 48)},
        {11, bcemr_text("Access"), bcemr_buf_span(&key)}};
    const bcemr_tr_index block = {.name = bcemr_text("finds"),
                                  .before = s->c->ledger,
                                  .height = 4,
                                  .rows = BCEMR_LIST_OF(rows, 2)};
    must(bcemr_index_head(&block, &head, NULL));
    vec_begin("index", "the head after a block");
    vec_value("block", &bcemr_type_index, encode(&bcemr_type_index, &block, &held));
    vec_text("cloud", access[0]);
    vec_span("handle", access[1]);
    VEC("head", head);
    vec_end();
    bcemr_buf_free(&key);
    bcemr_buf_free(&held);
}

/* ---- the case block ---- */

#define BODY (STORY_TEAM + 2)

static void add_leaf(const bcemr_type *type, const void *value, uint64_t height, bcemr_buf *out)
{
    bcemr_buf signed_entry = BCEMR_BUF_EMPTY;
    must(bcemr_signed_make_value(type, value, NULL, 0, &signed_entry, NULL));
    must(bcemr_leaf_make(bcemr_buf_span(&signed_entry), height,
                         STORY_ISSUED + 60000 * (int64_t)height, out, NULL));
    bcemr_buf_free(&signed_entry);
}

static void sign_leaf(const story *s, int i, bcemr_buf *out)
{
    const bcemr_tr_sign *sign = &s->signs[i];
    const bcemr_tr_e_sign entry = {.ledger = s->c->ledger,
                                   .vid = s->vid,
                                   .i = sign->i,
                                   .k = sign->k,
                                   .commitment = sign->commitment,
                                   .time = sign->time,
                                   .delta = s->deltas[i],
                                   .svk = sign->svk};
    add_leaf(&bcemr_type_e_sign, &entry, (uint64_t)i + 2, out);
}

static void make_seal(const story *s, uint8_t bits[1], bcemr_tr_e_seal *seal, bcemr_g2_raw x[3])
{
    static const int confirming[2] = {HOSPITAL_1, CLOUD_2}, all[3] = {HOSPITAL_1, CLOUD_1, CLOUD_2};
    bcemr_g1_raw parts[2];
    bits[0] = 0x05;
    for (int i = 0; i < 3; i++)
        x[i] = s->c->nodes[all[i]].publics.x;
    for (int i = 0; i < 2; i++)
        must(bcemr_bls_sign(&s->c->nodes[confirming[i]].keys.x, BCEMR_PURPOSE_SIG,
                            bcemr_buf_span(&s->case_held), &parts[i]));
    *seal = (bcemr_tr_e_seal){.ledger = s->c->ledger,
                              .record_case = bcemr_buf_span(&s->case_held),
                              .confirmers = bcemr_span_of(bits, 1)};
    must(bcemr_joint_combine(x, 3, seal->confirmers, parts, &seal->signature, NULL));
}

static void case_block(const story *s)
{
    bcemr_buf leaves[BODY], held = BCEMR_BUF_EMPTY, acceptance_held = BCEMR_BUF_EMPTY;
    bcemr_buf cred_held[STORY_TEAM];
    bcemr_span body[BODY], creds[STORY_TEAM];
    bcemr_g2_raw x[3];
    bcemr_tr_acceptance acceptance;
    bcemr_tr_case_header header;
    bcemr_tr_e_seal seal;
    uint8_t bits[1];
    for (int i = 0; i < BODY; i++)
        leaves[i] = BCEMR_BUF_EMPTY;
    for (int i = 0; i < STORY_TEAM; i++) {
        cred_held[i] = BCEMR_BUF_EMPTY;
        creds[i] = encode(&bcemr_type_cred, &s->creds[i], &cred_held[i]);
    }
    must(bcemr_acceptance_make(&s->patient, &s->vid, &acceptance, NULL));
    const bcemr_tr_e_admit admit = {
        .ledger = s->c->ledger,
        .visit = bcemr_buf_span(&s->v),
        .signature = s->ticket_signature,
        .acceptance = encode(&bcemr_type_acceptance, &acceptance, &acceptance_held)};
    add_leaf(&bcemr_type_e_admit, &admit, 1, &leaves[0]);
    for (int i = 0; i < STORY_TEAM; i++)
        sign_leaf(s, i, &leaves[i + 1]);
    make_seal(s, bits, &seal, x);
    add_leaf(&bcemr_type_e_seal, &seal, STORY_TEAM + 2, &leaves[BODY - 1]);
    for (int i = 0; i < BODY; i++)
        body[i] = bcemr_buf_span(&leaves[i]);
    const bcemr_list list = BCEMR_LIST_OF(body, BODY);
    must(bcemr_case_header_make(0, &s->c->ledger, STORY_ISSUED + 60000 * (STORY_TEAM + 2), &s->vid,
                                &s->record_case, &list, &header, NULL));
    holds(bcemr_case_block_check(&s->c->ledger, &header, &list, NULL, NULL));
    vec_begin("case_block", "a visit from Admit to Seal, and the header");
    VEC("ledger", s->c->ledger);
    VEC("A", s->c->nodes[HOSPITAL_1].publics.a);
    VEC("P", s->c->p);
    vec_spans("creds", creds, STORY_TEAM);
    vec_array("confirmers", x, sizeof x[0], 3);
    vec_spans("body", body, BODY);
    vec_span("header", encode(&bcemr_type_case_header, &header, &held));
    vec_end();
    for (int i = 0; i < BODY; i++)
        bcemr_buf_free(&leaves[i]);
    for (int i = 0; i < STORY_TEAM; i++)
        bcemr_buf_free(&cred_held[i]);
    bcemr_buf_free(&held);
    bcemr_buf_free(&acceptance_held);
}

void vectors_ledger(story *s)
{
    vec_open("ledger", "signed entries, leaves, proofs, checkpoints, indexes, a case block (8)");
    entry_signatures(s);
    one_leaf(s);
    proofs();
    checkpoint(s);
    index_head(s);
    case_block(s);
    vec_close();
}
