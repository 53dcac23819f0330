/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs of guilt that rest on a log (section 8): a set that was over, a root that a larger tree
 * contradicts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "support/ledger_world.h"

#define VERDICT(name, call)                                                                        \
    assert_string_equal(bcemr_verdict_name(call), bcemr_verdict_name(BCEMR_##name))

static world w;

static int begin(void **state)
{
    (void)state;
    world_begin(&w, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_end(&w);
    return 0;
}

static void cosign(const bcemr_tr_checkpoint *checkpoint, const bcemr_set *set, uint64_t votes,
                   bcemr_buf *out)
{
    bcemr_buf_clear(out);
    consortium_cosign(set, checkpoint, w.voters, votes, out);
}

/* ---- a set that was over ---- */

static bcemr_verdict old_set(const bcemr_set *set, const bcemr_buf *cosigned, uint64_t leaf)
{
    bcemr_buf inclusion = BCEMR_BUF_EMPTY;
    must(ledger_chain_inclusion(w.chain, leaf, ledger_chain_size(w.chain), &inclusion, NULL));
    const bcemr_cosigned_by by = {set, bcemr_buf_span(cosigned)};
    bcemr_verdict verdict =
        bcemr_guilt_old_set(w.c.context, &w.c.ledger, &by, bcemr_buf_span(&inclusion), &w.err);
    bcemr_buf_free(&inclusion);
    return verdict;
}

static void signed_by_a_set_that_was_over(void **state)
{
    (void)state;
    bcemr_set before = BCEMR_SET_EMPTY, after = BCEMR_SET_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    must(ledger_chain_set_now(w.chain, &before, NULL));
    uint64_t leaf = ledger_chain_size(w.chain);
    assert_int_equal(world_join(&w, &w.c.nodes[CLOUD_3]), 0);
    assert_int_equal(world_retire(&w, 1), 0);
    must(ledger_chain_set_now(w.chain, &after, NULL));
    must(ledger_chain_checkpoint(w.chain, &checkpoint, NULL));
    cosign(&checkpoint, &after, 31, &cosigned); /* as it should be: no guilt */
    VERDICT(BAD_GUILT, old_set(&after, &cosigned, leaf));
    checkpoint.set_number = before.number;
    checkpoint.set = before.hash;
    cosign(&checkpoint, &before, 15, &cosigned);
    VERDICT(BAD_GUILT, old_set(&before, &cosigned, leaf - 1)); /* no change of set */
    VERDICT(VALID, old_set(&before, &cosigned, leaf));
    cosign(&checkpoint, &before, 3, &cosigned);
    VERDICT(NOT_ENOUGH_SIGNERS, old_set(&before, &cosigned, leaf));
    checkpoint.root.b[0] ^= 1; /* the leaf is of another tree */
    cosign(&checkpoint, &before, 15, &cosigned);
    VERDICT(BAD_INCLUSION, old_set(&before, &cosigned, leaf));
    bcemr_buf_free(&cosigned);
    bcemr_set_free(&before);
    bcemr_set_free(&after);
}

/* ---- another root ---- */

/* The consistency path with the first node always among it. */
static uint64_t whole_path(uint64_t first, uint64_t second, bcemr_hash path[128])
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_consistency proof;
    uint64_t n = 0;
    must(ledger_chain_consistency(w.chain, first, second, &held, NULL));
    must(bcemr_read_consistency(bcemr_buf_span(&held), &proof, NULL));
    if ((first & (first - 1)) == 0)
        must(ledger_chain_root(w.chain, first, &path[n++]));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_hash_item, &proof.path);
    while (n < 127 && bcemr_list_next(&iter, &path[n]))
        n++;
    bcemr_buf_free(&held);
    return n;
}

static bcemr_verdict other_root(const bcemr_set *set, const bcemr_tr_checkpoint *one,
                                const bcemr_tr_checkpoint *two, const bcemr_hash *path, uint64_t n)
{
    bcemr_buf small = BCEMR_BUF_EMPTY, large = BCEMR_BUF_EMPTY;
    cosign(one, set, 15, &small);
    cosign(two, set, 15, &large);
    const bcemr_cosigned_by smaller = {set, bcemr_buf_span(&small)};
    const bcemr_cosigned_by larger = {set, bcemr_buf_span(&large)};
    bcemr_verdict verdict =
        bcemr_guilt_other_root(w.c.context, &w.c.ledger, &smaller, &larger, path, n, &w.err);
    bcemr_buf_free(&small);
    bcemr_buf_free(&large);
    return verdict;
}

static void signed_a_root_that_the_log_contradicts(void **state)
{
    (void)state;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_tr_checkpoint one, two;
    bcemr_hash path[128];
    for (int d = 0; d < 4; d++)
        assert_int_equal(world_retire(&w, d), 0);
    must(ledger_chain_set_now(w.chain, &set, NULL));
    must(ledger_chain_checkpoint(w.chain, &two, NULL));
    for (uint64_t size = 1; size < two.size; size++) {
        one = two;
        one.size = size;
        must(ledger_chain_root(w.chain, size, &one.root));
        uint64_t n = whole_path(size, two.size, path);
        VERDICT(BAD_GUILT, other_root(&set, &one, &two, path, n)); /* they agree */
        one.root.b[5] ^= 1;
        VERDICT(VALID, other_root(&set, &one, &two, path, n));
        VERDICT(BAD_CONSISTENCY, other_root(&set, &one, &two, path, n - 1));
        path[n - 1].b[0] ^= 1; /* nodes of no tree that anybody signed */
        VERDICT(BAD_CONSISTENCY, other_root(&set, &one, &two, path, n));
        path[n - 1].b[0] ^= 1;
        path[n] = path[n - 1];
        VERDICT(BAD_CONSISTENCY, other_root(&set, &one, &two, path, n + 1));
        VERDICT(BAD_GUILT, other_root(&set, &two, &one, path, n));
    }
    bcemr_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(signed_by_a_set_that_was_over, begin, end),
        cmocka_unit_test_setup_teardown(signed_a_root_that_the_log_contradicts, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
