/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs of guilt that rest on a log (section 8): a set that was over, a root that a larger tree
 * contradicts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "ledger/checkpoint/guilt.h"
#include "support/ledger_world.h"
#include "wire/fault.h"

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

/* ---- made from a log ---- */

static bcemr_buf made[3];

static int end_made(void **state)
{
    for (int i = 0; i < 3; i++)
        bcemr_buf_free(&made[i]);
    return end(state);
}

/* The checkpoint at a size, as a set would sign it that the test may change. */
static void checkpoint_at(uint64_t size, bcemr_tr_checkpoint *out)
{
    must(ledger_chain_checkpoint_at(w.chain, size, out, NULL));
}

static void set_at(uint64_t leaf, bcemr_set *out)
{
    must(ledger_chain_set_at(w.chain, leaf, out, NULL));
}

static bcemr_status make(const ledger_evidence *evidence)
{
    bcemr_buf_clear(&made[2]);
    return ledger_guilt_make(w.chain, evidence, &made[2], &w.err);
}

/* From made[0] and made[1], in both orders. */
static void makes(bcemr_guilt_kind kind, uint64_t count)
{
    bcemr_guilty guilty;
    for (int i = 0; i < 2; i++) {
        const ledger_evidence evidence = {.one = bcemr_buf_span(&made[i]),
                                          .other = bcemr_buf_span(&made[1 - i])};
        must(make(&evidence));
        VERDICT(VALID, bcemr_guilt_check(w.c.context, bcemr_buf_span(&w.c.signed_genesis),
                                         bcemr_buf_span(&made[2]), &guilty, &w.err));
        assert_int_equal(guilty.kind, kind);
        assert_int_equal(guilty.count, count);
        bcemr_guilty_free(&guilty);
    }
}

static void makes_none(void)
{
    const ledger_evidence evidence = {.one = bcemr_buf_span(&made[0]),
                                      .other = bcemr_buf_span(&made[1])};
    assert_int_equal(make(&evidence), BCEMR_E_NOT_FOUND);
    assert_int_equal(made[2].n, 0);
}

/* cloud-3 joins in the middle: sizes from first on, last the newest. */
static uint64_t grow(void)
{
    assert_int_equal(world_retire(&w, 0), 0);
    uint64_t first = ledger_chain_size(w.chain);
    assert_int_equal(world_retire(&w, 1), 0);
    assert_int_equal(world_join(&w, &w.c.nodes[CLOUD_3]), 0);
    assert_int_equal(world_retire(&w, 2), 0);
    assert_int_equal(world_retire(&w, 3), 0);
    return first;
}

static void from_true_ones_nothing(void **state)
{
    (void)state;
    uint64_t first = grow(), last = ledger_chain_size(w.chain);
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    for (uint64_t a = first; a <= last; a++)
        for (uint64_t b = first; b <= last; b++) {
            checkpoint_at(a, &checkpoint);
            set_at(a - 1, &set);
            cosign(&checkpoint, &set, set.count == 4 ? 7 : 15, &made[0]);
            checkpoint_at(b, &checkpoint);
            set_at(b - 1, &set);
            cosign(&checkpoint, &set, set.count == 4 ? 14 : 30, &made[1]);
            makes_none();
        }
    bcemr_set_free(&set);
}

static void from_two_of_one_size(void **state)
{
    (void)state;
    (void)grow();
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    must(ledger_chain_checkpoint(w.chain, &checkpoint, NULL));
    must(ledger_chain_set_now(w.chain, &set, NULL));
    cosign(&checkpoint, &set, 15, &made[0]);
    checkpoint.stops.b[0] ^= 1; /* the same root, and another index */
    cosign(&checkpoint, &set, 30, &made[1]);
    makes(BCEMR_guilt_kind_SAME_SIZE, 3);
    /* Far beyond this log, and still two of one size. */
    checkpoint.size += 1000;
    cosign(&checkpoint, &set, 15, &made[0]);
    checkpoint.tau++;
    cosign(&checkpoint, &set, 30, &made[1]);
    makes(BCEMR_guilt_kind_SAME_SIZE, 3);
    /* One that its set did not sign accuses nobody. */
    cosign(&checkpoint, &set, 3, &made[1]);
    const ledger_evidence evidence = {.one = bcemr_buf_span(&made[0]),
                                      .other = bcemr_buf_span(&made[1])};
    assert_int_equal(make(&evidence), BCEMR_E_REFUSED);
    VERDICT(NOT_ENOUGH_SIGNERS, w.err.verdict);
    bcemr_set_free(&set);
}

static void from_another_root(void **state)
{
    (void)state;
    uint64_t first = grow(), last = ledger_chain_size(w.chain);
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    must(ledger_chain_checkpoint(w.chain, &checkpoint, NULL));
    set_at(last - 1, &set);
    cosign(&checkpoint, &set, 15, &made[1]);
    for (uint64_t size = first; size < last; size++) {
        checkpoint_at(size, &checkpoint);
        set_at(size - 1, &set);
        checkpoint.root.b[0] ^= 1;
        cosign(&checkpoint, &set, set.count == 4 ? 7 : 15, &made[0]);
        makes(BCEMR_guilt_kind_OTHER_ROOT, set.count == 4 ? 3 : 4);
    }
    bcemr_set_free(&set);
}

/* The larger tree is a fork that this log does not have: who has it brings the nodes. */
static void from_another_ones_nodes(void **state)
{
    (void)state;
    uint64_t first = grow(), last = ledger_chain_size(w.chain);
    bcemr_tr_checkpoint small, large;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_hash path[128], older;
    checkpoint_at(first, &small);
    set_at(first - 1, &set);
    cosign(&small, &set, 7, &made[0]);
    uint64_t n = whole_path(first, last, path);
    path[0].b[0] ^= 1; /* its past is another */
    large = small;
    large.size = last;
    must(bcemr_consistency_roots(first, last, path, n, &older, &large.root));
    cosign(&large, &set, 14, &made[1]);
    makes_none();
    ledger_evidence evidence = {.one = bcemr_buf_span(&made[0]),
                                .other = bcemr_buf_span(&made[1]),
                                .path = path,
                                .path_count = n};
    must(make(&evidence));
    evidence.path_count = n - 1; /* not that tree's */
    assert_int_equal(make(&evidence), BCEMR_E_NOT_FOUND);
    evidence.path_count = 128;
    assert_int_equal(make(&evidence), BCEMR_E_TOO_MANY);
    bcemr_set_free(&set);
}

static void from_a_set_that_was_over_or_not_yet(void **state)
{
    (void)state;
    uint64_t first = grow(), last = ledger_chain_size(w.chain);
    bcemr_tr_checkpoint checkpoint;
    bcemr_set before = BCEMR_SET_EMPTY, after = BCEMR_SET_EMPTY;
    set_at(first - 1, &before);
    set_at(last - 1, &after);
    checkpoint_at(last, &checkpoint);
    cosign(&checkpoint, &after, 15, &made[1]);
    checkpoint_at(last - 1, &checkpoint);
    checkpoint.set_number = before.number;
    checkpoint.set = before.hash;
    cosign(&checkpoint, &before, 7, &made[0]);
    makes(BCEMR_guilt_kind_OLD_SET, 3);
    /* Alone, too. */
    const ledger_evidence alone = {.one = bcemr_buf_span(&made[0])};
    must(make(&alone));
    /* And when it is the larger one. */
    checkpoint_at(last, &checkpoint);
    checkpoint.set_number = before.number;
    checkpoint.set = before.hash;
    cosign(&checkpoint, &before, 7, &made[1]);
    checkpoint_at(first, &checkpoint);
    cosign(&checkpoint, &before, 7, &made[0]);
    makes(BCEMR_guilt_kind_OLD_SET, 3);
    /* Before its leaf. */
    checkpoint_at(last, &checkpoint);
    cosign(&checkpoint, &after, 15, &made[1]);
    checkpoint_at(first, &checkpoint);
    checkpoint.set_number = after.number;
    checkpoint.set = after.hash;
    cosign(&checkpoint, &after, 30, &made[0]);
    makes(BCEMR_guilt_kind_EARLY_SET, 3);
    bcemr_set_free(&before);
    bcemr_set_free(&after);
}

/* Another set that follows the one in force, for a fork: a Join of this node. */
static void join_elsewhere(const bcemr_set *before, const consortium_node *node, bcemr_buf *entry,
                           bcemr_set *out)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_signed_parts parts;
    const bcemr_tr_e_join join = {.ledger = w.c.ledger,
                                  .number = before->number + 1,
                                  .before = before->hash,
                                  .member = world_member(&node->row, &held)};
    const consortium_row rows[] = {world_authority(&w), world_votes(&w, 15), world_pop(node)};
    consortium_sign(&w.c, &bcemr_type_e_join, &join, rows, 3, entry);
    must(bcemr_signed_read(bcemr_buf_span(entry), &parts, NULL));
    must(bcemr_set_next(before, parts.entry, out, NULL));
    bcemr_buf_free(&held);
}

static uint64_t sets_in(const bcemr_buf *file)
{
    bcemr_tr_guilt guilt;
    must(bcemr_read_guilt(bcemr_buf_span(file), &guilt, NULL));
    return guilt.sets.count;
}

/* The fork has made sets of its own, which this log knows from who showed them. */
static void from_a_branch_of_sets(void **state)
{
    (void)state;
    bcemr_buf entries[4] = {{0}};
    bcemr_span changes[4];
    bcemr_set sets[3] = {{0}}, now = BCEMR_SET_EMPTY, far = BCEMR_SET_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    must(ledger_chain_set_now(w.chain, &sets[0], NULL));
    join_elsewhere(&sets[0], &w.c.nodes[CLOUD_3], &entries[0], &sets[1]); /* what grow makes */
    (void)grow();
    must(ledger_chain_checkpoint(w.chain, &checkpoint, NULL));
    must(ledger_chain_set_now(w.chain, &now, NULL));
    assert_memory_equal(now.hash.b, sets[1].hash.b, 32);
    cosign(&checkpoint, &now, 15, &made[0]);
    join_elsewhere(&sets[1], &w.c.nodes[HOSPITAL_3], &entries[1], &sets[2]);
    w.voters[w.places++] = &w.c.nodes[HOSPITAL_3].keys;
    join_elsewhere(&sets[2], &w.c.nodes[HOSPITAL_4], &entries[2], &far);
    for (int i = 0; i < 3; i++)
        changes[i] = bcemr_buf_span(&entries[i]);
    checkpoint.set_number = sets[2].number;
    checkpoint.set = sets[2].hash;
    cosign(&checkpoint, &sets[2], 31, &made[1]);
    ledger_evidence evidence = {.one = bcemr_buf_span(&made[0]), .other = bcemr_buf_span(&made[1])};
    assert_int_equal(make(&evidence), BCEMR_E_REFUSED); /* that set is not known */
    VERDICT(BAD_SET, w.err.verdict);
    /* The one that is needed; with the one before it, and the one after it. */
    for (int from = 0; from < 2; from++)
        for (int to = 2; to <= 3; to++) {
            evidence.sets = &changes[from];
            evidence.set_count = (uint64_t)(to - from);
            must(make(&evidence));
            assert_int_equal(sets_in(&made[2]), 2);
        }
    evidence.sets = &changes[2]; /* from a set that nobody here knows */
    evidence.set_count = 1;
    assert_int_equal(make(&evidence), BCEMR_E_NOT_FOUND);
    /* A branch that leaves earlier: beside the own one. */
    join_elsewhere(&sets[0], &w.c.nodes[HOSPITAL_3], &entries[3], &sets[2]);
    changes[3] = bcemr_buf_span(&entries[3]);
    checkpoint.set_number = sets[2].number;
    checkpoint.set = sets[2].hash;
    cosign(&checkpoint, &sets[2], 15, &made[1]); /* without the fifth, whose key is another */
    evidence.other = bcemr_buf_span(&made[1]);
    evidence.sets = &changes[3];
    must(make(&evidence));
    assert_int_equal(sets_in(&made[2]), 2);
    /* Sets that nothing needs are left out. */
    checkpoint.set_number = now.number;
    checkpoint.set = now.hash;
    checkpoint.tau++;
    cosign(&checkpoint, &now, 15, &made[1]);
    evidence.other = bcemr_buf_span(&made[1]);
    must(make(&evidence));
    assert_int_equal(sets_in(&made[2]), 1);
    for (int i = 0; i < 4; i++)
        bcemr_buf_free(&entries[i]);
    for (int i = 0; i < 3; i++)
        bcemr_set_free(&sets[i]);
    bcemr_set_free(&now);
    bcemr_set_free(&far);
}

/* Without memory nothing is made, and nothing else is said. */
static void without_memory(void **state)
{
    (void)state;
    (void)grow();
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    must(ledger_chain_checkpoint(w.chain, &checkpoint, NULL));
    must(ledger_chain_set_now(w.chain, &set, NULL));
    cosign(&checkpoint, &set, 15, &made[0]);
    checkpoint.root.b[0] ^= 1;
    cosign(&checkpoint, &set, 30, &made[1]);
    const ledger_evidence evidence = {.one = bcemr_buf_span(&made[0]),
                                      .other = bcemr_buf_span(&made[1])};
    bcemr_status status = BCEMR_E_NO_MEMORY;
    uint64_t n = 0;
    while (status == BCEMR_E_NO_MEMORY && ++n < 10000) {
        bcemr_buf_clear(&made[2]);
        bcemr_switch_fail_allocation(n);
        status = ledger_guilt_make(w.chain, &evidence, &made[2], &w.err);
        bcemr_switch_fail_allocation(0);
        assert_true((status == BCEMR_OK) == (made[2].n > 0));
    }
    must(status);
    assert_true(n > 10);
    bcemr_set_free(&set);
}

#define MADE(name) cmocka_unit_test_setup_teardown(name, begin, end_made)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(signed_by_a_set_that_was_over, begin, end),
        cmocka_unit_test_setup_teardown(signed_a_root_that_the_log_contradicts, begin, end),
        MADE(from_true_ones_nothing),
        MADE(from_two_of_one_size),
        MADE(from_another_root),
        MADE(from_another_ones_nodes),
        MADE(from_a_set_that_was_over_or_not_yet),
        MADE(from_a_branch_of_sets),
        MADE(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
