/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs of a ledger's log for many sizes: all pairs of small ones, chance ones of large ones. Here
 * they are checked by the library itself; with an argument they are written to that file, for a
 * verifier from elsewhere (tests/outside).
 */
#include "rules_test.h"

#include <bcemr/proof.h>
#include <stdio.h>

#define SMALL 66   /* all pairs up to this size */
#define LARGE 3000 /* leaves */
#define CHANCE 600 /* proofs of each kind at large sizes */
#define BATCH 100

static uint64_t draw(uint64_t *random, uint64_t below)
{
    uint64_t z = *random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % below;
}

/* ---- the log ---- */

static void fill(world *w)
{
    static bcemr_buf entries[BATCH];
    bcemr_span spans[BATCH];
    ledger_outcome outcomes[BATCH];
    const consortium_row row = world_node_row(w, CLOUD_1);
    bcemr_tr_e_access access_entry;
    for (uint64_t number = 0; ledger_chain_size(w->chain) < LARGE;) {
        for (uint64_t i = 0; i < BATCH; i++) {
            world_access(w, number++, CLOUD_1, &access_entry);
            consortium_sign(&w->c, &bcemr_type_e_access, &access_entry, &row, 1, &entries[i]);
            spans[i] = bcemr_buf_span(&entries[i]);
        }
        w->clock = world_next(w);
        must(ledger_chain_submit(w->chain, w->clock, spans, BATCH, outcomes, NULL));
        for (uint64_t i = 0; i < BATCH; i++)
            assert_int_equal(outcomes[i].status, BCEMR_OK);
    }
    for (uint64_t i = 0; i < BATCH; i++)
        bcemr_buf_free(&entries[i]);
}

/* ---- writing ---- */

static FILE *file; /* NULL: nothing is written */

static void write_hex(bcemr_span bytes)
{
    for (uint64_t i = 0; file && i < bytes.n; i++)
        (void)fprintf(file, "%02x", bytes.p[i]);
}

static void write_path(const char *kind, uint64_t a, uint64_t b, const bcemr_hash *path,
                       uint64_t count)
{
    if (!file)
        return;
    (void)fprintf(file, "%s %llu %llu", kind, (unsigned long long)a, (unsigned long long)b);
    for (uint64_t i = 0; i < count; i++) {
        (void)fputc(' ', file);
        write_hex(bcemr_span_of(path[i].b, sizeof path[i].b));
    }
    (void)fputc('\n', file);
}

static void write_leaves(const world *w)
{
    bcemr_buf leaf = BCEMR_BUF_EMPTY;
    bcemr_hash root;
    for (uint64_t i = 0; file && i < ledger_chain_size(w->chain); i++) {
        bcemr_buf_clear(&leaf);
        must(ledger_chain_leaf(w->chain, i, &leaf));
        (void)fprintf(file, "leaf ");
        write_hex(bcemr_buf_span(&leaf));
        must(ledger_chain_root(w->chain, i + 1, &root));
        (void)fprintf(file, "\nroot %llu ", (unsigned long long)(i + 1));
        write_hex(bcemr_span_of(root.b, sizeof root.b));
        (void)fputc('\n', file);
    }
    bcemr_buf_free(&leaf);
}

/* ---- proofs, checked and written ---- */

static uint64_t read_path(const bcemr_list *list, bcemr_hash path[BCEMR_CONSISTENCY_MAX])
{
    uint64_t n = 0;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_hash_item, list);
    while (bcemr_list_next(&iter, &path[n]))
        n++;
    return n;
}

static void inclusion(const world *w, uint64_t index, uint64_t size)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_inclusion proof;
    bcemr_hash root, leaf_hash, path[BCEMR_CONSISTENCY_MAX];
    must(ledger_chain_inclusion(w->chain, index, size, &held, NULL));
    must(bcemr_read_inclusion(bcemr_buf_span(&held), &proof, NULL));
    must(ledger_chain_root(w->chain, size, &root));
    bcemr_tree_leaf_hash(proof.leaf, &leaf_hash);
    uint64_t count = read_path(&proof.path, path);
    assert_int_equal(proof.index, index);
    assert_int_equal(proof.size, size);
    assert_int_equal(bcemr_inclusion_holds(&leaf_hash, index, size, path, count, &root),
                     BCEMR_VALID);
    write_path("inclusion", index, size, path, count);
    bcemr_buf_free(&held);
}

static void consistency(const world *w, uint64_t first, uint64_t second)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_consistency proof;
    bcemr_hash older, newer, path[BCEMR_CONSISTENCY_MAX];
    must(ledger_chain_consistency(w->chain, first, second, &held, NULL));
    must(bcemr_read_consistency(bcemr_buf_span(&held), &proof, NULL));
    must(ledger_chain_root(w->chain, first, &older));
    must(ledger_chain_root(w->chain, second, &newer));
    uint64_t count = read_path(&proof.path, path);
    assert_int_equal(bcemr_consistency_holds(first, second, &older, &newer, path, count),
                     BCEMR_VALID);
    write_path("consistency", first, second, path, count);
    bcemr_buf_free(&held);
}

static void many_sizes(void **state)
{
    world *w = *state;
    uint64_t random = 1;
    fill(w);
    write_leaves(w);
    for (uint64_t size = 1; size <= SMALL; size++)
        for (uint64_t index = 0; index < size; index++)
            inclusion(w, index, size);
    for (uint64_t second = 1; second <= SMALL; second++)
        for (uint64_t first = 1; first < second; first++)
            consistency(w, first, second);
    for (uint64_t i = 0; i < CHANCE; i++) {
        uint64_t size = 2 + draw(&random, ledger_chain_size(w->chain) - 1);
        inclusion(w, draw(&random, size), size);
        consistency(w, 1 + draw(&random, size - 1), size);
    }
    /* Sizes around powers of two, where the shapes of paths turn. */
    for (uint64_t power = 128; power + 1 < ledger_chain_size(w->chain); power *= 2)
        for (uint64_t size = power - 1; size <= power + 1; size++) {
            inclusion(w, 0, size);
            inclusion(w, size - 1, size);
            consistency(w, power / 2, size);
            consistency(w, size - 1, size);
        }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {TEST(many_sizes)};
    if (argc > 1 && !(file = fopen(argv[1], "w"))) {
        perror(argv[1]);
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (file && fclose(file) != 0) {
        perror(argv[1]);
        return 1;
    }
    return failed;
}
