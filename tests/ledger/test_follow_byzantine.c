/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources that lie in every way at once, drawn from a seed: alone, beside each other, beside an
 * honest one; with restarts and failing writes in between. Whatever they do, the follower's log is
 * a beginning of one that was signed, what was refused has a name and evidence, and an honest
 * source is followed afterwards.
 */
#include "follow_test.h"

#include <stdio.h>

#define RUNS 2000
#define SNAPSHOTS 5

/* ---- chance ---- */

static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state ^= *state << 13; /* xorshift64 */
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return below > 0 ? *state % below : 0;
}

/* ---- what all runs share ---- */

static struct {
    lasting snapshots[SNAPSHOTS]; /* of followers of a, each further than the one before */
    bcemr_buf forged[4];     /* signed by too few, by an old set, over another root; later tau */
    ledger_source others[3]; /* a, b, d */
    uint64_t verdicts[256];
    uint64_t silent, guilty, restarts, failed_writes;
} all;

static const ledger_chain *chain_of(uint64_t which)
{
    return which == 0 ? the.a.chain : which == 1 ? the.b.chain : the.d.chain;
}

static void forge(uint64_t which, uint64_t set_number, uint64_t votes, bool other_root)
{
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    uint64_t leaf;
    must(ledger_chain_checkpoint_at(the.a.chain, the.signed_size, &checkpoint, NULL));
    must(ledger_chain_set_numbered(the.a.chain, set_number, &set, &leaf, NULL));
    checkpoint.set_number = set.number;
    checkpoint.set = set.hash;
    if (other_root)
        checkpoint.root.b[0] ^= 1;
    if (which == 3)
        checkpoint.tau += 5;
    consortium_cosign(&set, &checkpoint, the.a.voters, votes, &all.forged[which]);
    bcemr_set_free(&set);
}

static int begin_all(void **state)
{
    rig r = {.step_bytes = 1};
    (void)begin_scene(state);
    rig_begin(&r);
    uint64_t a = rig_add_chain(&r, "a", the.a.chain);
    for (int i = 0; i < SNAPSHOTS; i++) {
        lasting_copy(&r.state, &all.snapshots[i]);
        for (int k = 0; k < 7; k++)
            must(ledger_follow_step(r.f, a, CLOCK, &r.err));
    }
    rig_end(&r);
    forge(0, 1, 3, false);
    forge(1, 0, 15, false);
    forge(2, 1, 31, true);
    forge(3, 1, 31, false);
    for (uint64_t i = 0; i < 3; i++)
        must(ledger_source_chain(&all.others[i], chain_of(i)));
    return 0;
}

static int end_all(void **state)
{
    for (int i = 0; i < SNAPSHOTS; i++)
        lasting_free(&all.snapshots[i]);
    for (int i = 0; i < 4; i++)
        bcemr_buf_free(&all.forged[i]);
    for (int i = 0; i < 3; i++)
        ledger_source_close(&all.others[i]);
    return end_scene(state);
}

/* ---- lies ---- */

typedef struct liar {
    meddler m;
    uint64_t chance; /* the generator's state */
    uint64_t rate;   /* one call in so many is answered with a lie */
    uint64_t kinds;  /* bitmap: head, leaves, consistency, sets */
    ledger_source_head old;
    bool has_old;
} liar;

static bool lies(liar *l, int kind)
{
    return (l->kinds >> kind & 1) != 0 && draw(&l->chance, l->rate) == 0;
}

static void overwrite(liar *l, bcemr_buf *b)
{
    static const uint64_t edges[] = {
        0, 1, 2, 7, 0xffff, 0x7fffffff, 0xffffffff, UINT64_MAX, UINT64_MAX / 8, (uint64_t)1 << 63};
    uint8_t bytes[8];
    if (b->n < 8)
        return;
    bcemr_store_u64(bytes, edges[draw(&l->chance, sizeof edges / sizeof edges[0])]);
    memcpy(b->p + draw(&l->chance, b->n - 7), bytes, 8);
}

/* Bytes changed in a way that is not about what they mean. */
static bcemr_status spoil(liar *l, bcemr_buf *b)
{
    switch (draw(&l->chance, 7)) {
    case 0:
        return BCEMR_E_TIMED_OUT;
    case 1:
        return BCEMR_E_NOT_FOUND;
    case 2:
        if (b->n > 0)
            b->p[draw(&l->chance, b->n)] ^= (uint8_t)(1u << draw(&l->chance, 8));
        return BCEMR_OK;
    case 3:
        b->n = draw(&l->chance, b->n + 1);
        return BCEMR_OK;
    case 4:
        return bcemr_buf_append(b, bcemr_text("more"));
    case 5:
        bcemr_buf_clear(b);
        return BCEMR_OK;
    default:
        overwrite(l, b);
        return BCEMR_OK;
    }
}

static bcemr_status lie_of_signatures(liar *l, ledger_source_head *out)
{
    switch (draw(&l->chance, 6)) {
    case 0:
        bcemr_buf_clear(&out->cosigned);
        return BCEMR_OK;
    case 1:
        return bcemr_buf_set(&out->cosigned, bcemr_buf_span(&the.first));
    case 2:
        return bcemr_buf_set(&out->cosigned, bcemr_buf_span(&the.second));
    case 3:
        return bcemr_buf_set(&out->cosigned, bcemr_buf_span(&all.forged[draw(&l->chance, 4)]));
    case 4:
        bcemr_buf_clear(&out->cosigned);
        scene_cosigned(chain_of(draw(&l->chance, 3)), &out->cosigned);
        return BCEMR_OK;
    default:
        return spoil(l, &out->cosigned);
    }
}

static bcemr_status lie_of_head(meddler *m, ledger_source_head *out)
{
    liar *l = (liar *)m;
    const ledger_source *other = &all.others[draw(&l->chance, 3)];
    if (!lies(l, 0))
        return BCEMR_OK;
    switch (draw(&l->chance, 10)) {
    case 0:
        out->at.size++;
        break;
    case 1:
        out->at.size--;
        break;
    case 2:
        out->at.size = draw(&l->chance, 64);
        break;
    case 3:
        out->at.size = UINT64_MAX >> draw(&l->chance, 64);
        break;
    case 4:
        ((uint8_t *)&out->at)[draw(&l->chance, sizeof out->at)] ^= 1;
        break;
    case 5:
        return other->ops->head(other->self, out, NULL);
    case 6:
        out->bare = !out->bare;
        break;
    default:
        return lie_of_signatures(l, out);
    }
    return BCEMR_OK;
}

/* The leaves of a list in another order, fewer, more, with other places. */
static void shuffle(liar *l, bcemr_buf *out)
{
    bcemr_span spans[64];
    bcemr_list list;
    bcemr_tr_leaf leaf;
    bcemr_buf fresh = BCEMR_BUF_EMPTY, changed = BCEMR_BUF_EMPTY;
    uint64_t n = 0;
    if (bcemr_read_list(&bcemr_type_leaf, bcemr_buf_span(out), 1, 60, &list, NULL) != BCEMR_OK)
        return;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_leaf, &list);
    while (n < 60 && bcemr_list_next(&iter, &spans[n]))
        n++;
    const uint64_t i = draw(&l->chance, n), k = draw(&l->chance, n);
    const bcemr_span one = spans[i];
    switch (draw(&l->chance, 5)) {
    case 0:
        spans[i] = spans[k];
        spans[k] = one;
        break;
    case 1:
        spans[n++] = one;
        break;
    case 2:
        spans[i] = spans[--n];
        break;
    case 3:
        spans[i] = spans[k];
        break;
    default:
        must(bcemr_read_leaf(one, &leaf, NULL));
        leaf.height += draw(&l->chance, 3);
        leaf.tau += (int64_t)draw(&l->chance, 3);
        must(bcemr_write_leaf(&leaf, &changed, NULL));
        spans[i] = bcemr_buf_span(&changed);
        break;
    }
    const bcemr_list after = BCEMR_LIST_OF(spans, n);
    must(bcemr_write_list(&bcemr_type_leaf, &after, &fresh, NULL));
    must(bcemr_buf_set(out, bcemr_buf_span(&fresh)));
    bcemr_buf_free(&fresh);
    bcemr_buf_free(&changed);
}

static bcemr_status lie_of_leaves(meddler *m, uint64_t from, uint64_t to, bcemr_buf *out)
{
    liar *l = (liar *)m;
    const ledger_source *other = &all.others[draw(&l->chance, 3)];
    if (!lies(l, 1))
        return out->n > 0 ? BCEMR_OK : BCEMR_E_NOT_FOUND;
    switch (draw(&l->chance, 5)) {
    case 0:
        bcemr_buf_clear(out);
        return other->ops->leaves(other->self, from, to, 100000, out, NULL);
    case 1:
        bcemr_buf_clear(out);
        return other->ops->leaves(other->self, draw(&l->chance, from + 3), to, 100000, out, NULL);
    case 2:
        return spoil(l, out);
    default:
        shuffle(l, out);
        return BCEMR_OK;
    }
}

static bcemr_status lie_of_consistency(meddler *m, uint64_t first, uint64_t second, bcemr_buf *out)
{
    liar *l = (liar *)m;
    const ledger_source *other = &all.others[draw(&l->chance, 3)];
    if (!lies(l, 2))
        return out->n > 0 ? BCEMR_OK : BCEMR_E_NOT_FOUND;
    if (draw(&l->chance, 3) > 0)
        return spoil(l, out);
    bcemr_buf_clear(out);
    return other->ops->consistency(other->self, first + draw(&l->chance, 2), second, out, NULL);
}

static bcemr_status lie_of_sets(meddler *m, uint64_t number, uint64_t size, bcemr_buf *out)
{
    liar *l = (liar *)m;
    const ledger_source *other = &all.others[draw(&l->chance, 3)];
    if (!lies(l, 3))
        return out->n > 0 ? BCEMR_OK : BCEMR_E_NOT_FOUND;
    if (draw(&l->chance, 3) > 0)
        return spoil(l, out);
    bcemr_buf_clear(out);
    return other->ops->sets(other->self, number + draw(&l->chance, 2), size, out, NULL);
}

static ledger_source liar_source(liar *l, uint64_t *chance)
{
    memset(l, 0, sizeof *l);
    l->m.head = lie_of_head;
    l->m.leaves = lie_of_leaves;
    l->m.consistency = lie_of_consistency;
    l->m.sets = lie_of_sets;
    l->chance = draw(chance, UINT64_MAX) | 1;
    l->rate = 1 + draw(chance, 12);
    l->kinds = 1 + draw(chance, 15);
    return meddler_source(&l->m, chain_of(draw(chance, 4) > 0 ? 0 : draw(chance, 3)));
}

/* ---- what must hold ---- */

static void check_evidence(const rig *r)
{
    bcemr_tr_fork fork;
    bcemr_guilty guilty;
    must(bcemr_read_fork(bcemr_buf_span(&r->evidence), &fork, NULL));
    if (r->guilt.n == 0)
        return;
    all.guilty++;
    assert_int_equal(bcemr_guilt_check(the.a.c.context, bcemr_buf_span(&the.a.c.signed_genesis),
                                       bcemr_buf_span(&r->guilt), &guilty, NULL),
                     BCEMR_VALID);
    bcemr_guilty_free(&guilty);
}

static bool is_name(bcemr_verdict verdict)
{
    static const bcemr_verdict names[] = {BCEMR_FORK,
                                          BCEMR_BAD_LEAF,
                                          BCEMR_BAD_CHECKPOINT,
                                          BCEMR_NOT_ENOUGH_SIGNERS,
                                          BCEMR_BAD_SET,
                                          BCEMR_WRONG_LEDGER,
                                          BCEMR_STALE_PROOF,
                                          BCEMR_BAD_CONSISTENCY,
                                          BCEMR_BAD_INCLUSION,
                                          BCEMR_LEDGER_REFUSED,
                                          BCEMR_BAD_ENTRY_SIGNATURE,
                                          BCEMR_BAD_JOINT_SIGNATURE,
                                          BCEMR_BAD_POP};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i] == verdict)
            return true;
    return false;
}

static void check_names(const rig *r)
{
    for (uint64_t i = 0; i < ledger_follow_sources(r->f); i++) {
        ledger_follow_facts facts = rig_facts(r, i);
        if (facts.where == LEDGER_FOLLOW_BAD) {
            if (!is_name(facts.error.verdict))
                fail_msg("no name: %s", bcemr_verdict_name(facts.error.verdict));
            all.verdicts[facts.error.verdict]++;
            assert_true(facts.error.object);
        } else if (facts.where == LEDGER_FOLLOW_SILENT) {
            all.silent++;
            assert_int_not_equal(facts.error.status, BCEMR_OK);
        }
    }
}

/* The root of size leaves is that of one of the ledgers. */
static bool is_somebodys(const ledger_chain *own, uint64_t size)
{
    bcemr_hash mine, theirs;
    must(ledger_chain_root(own, size, &mine));
    for (uint64_t i = 0; i < 3; i++)
        if (size <= ledger_chain_size(chain_of(i))) {
            must(ledger_chain_root(chain_of(i), size, &theirs));
            if (bcemr_hash_equal(&mine, &theirs))
                return true;
        }
    return false;
}

/* Up to what is signed the log is somebody's; without `ahead` there is nothing behind that. */
static void check_log(const rig *r)
{
    const ledger_chain *own = ledger_follow_chain(r->f);
    bcemr_ledger_view view;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_cosigned value;
    bcemr_tr_checkpoint checkpoint;
    if (!r->ahead)
        assert_true(is_somebodys(own, rig_size(r)));
    ledger_chain_view(own, &view);
    if (view.checkpoint(view.user, &held) == BCEMR_OK) {
        must(bcemr_read_cosigned(bcemr_buf_span(&held), &value, NULL));
        must(bcemr_read_checkpoint(value.checkpoint, &checkpoint, NULL));
        assert_true(checkpoint.size <= rig_size(r));
        assert_true(is_somebodys(own, checkpoint.size));
    }
    bcemr_buf_free(&held);
}

/* An honest source is followed, unless the log is another branch, which is then said. */
static void check_honest(rig *r)
{
    r->state.fail = 0;
    bool mine = begins(r, the.a.chain);
    uint64_t a = rig_add_chain(r, "honest", the.a.chain);
    run(r);
    ledger_follow_facts facts = rig_facts(r, a);
    if (mine && facts.where != LEDGER_FOLLOW_BAD) {
        assert_true(facts.where == LEDGER_FOLLOW_UNSIGNED || facts.where == LEDGER_FOLLOW_UP ||
                    (r->ahead && facts.where == LEDGER_FOLLOW_BEHIND));
        assert_true(rig_size(r) >= the.signed_size);
    } else {
        /* Another source may have led away from it meanwhile. */
        assert_false(begins(r, the.a.chain) && rig_size(r) > the.common);
        assert_int_equal(facts.where, LEDGER_FOLLOW_BAD);
        assert_int_equal(facts.error.verdict, BCEMR_FORK);
    }
    check_log(r);
}

/* ---- a run ---- */

static void add_sources(rig *r, liar liars[3], uint64_t *chance)
{
    const uint64_t count = 1 + draw(chance, 3);
    for (uint64_t i = 0; i < count; i++)
        (void)rig_add(r, "liar", liar_source(&liars[i], chance));
    if (draw(chance, 4) == 0)
        (void)rig_add_chain(r, "a", the.a.chain);
}

static void one_run(uint64_t seed)
{
    static const uint64_t sizes[] = {1, 2000, 0};
    uint64_t chance = seed * 0x9e3779b97f4a7c15u | 1;
    rig r = {0};
    liar liars[3];
    for (int i = 0; i < 4; i++)
        (void)draw(&chance, 0);
    lasting_copy(&all.snapshots[draw(&chance, SNAPSHOTS)], &r.state);
    r.ahead = draw(&chance, 4) == 0;
    r.step_bytes = sizes[draw(&chance, 3)];
    rig_open(&r);
    add_sources(&r, liars, &chance);
    for (int round = 0; round < 3; round++) {
        if (draw(&chance, 8) == 0) {
            r.state.calls = 0;
            r.state.fail = 1 + draw(&chance, 60);
        }
        bcemr_status status = ledger_follow_run(r.f, CLOCK, NULL, &r.err);
        check_names(&r);
        if (status != BCEMR_OK || draw(&chance, 6) == 0) {
            assert_true(status == BCEMR_OK || status == BCEMR_E_IO || status == BCEMR_E_FULL);
            all.failed_writes += status != BCEMR_OK;
            all.restarts++;
            rig_close(&r);
            r.state.fail = 0;
            rig_open(&r);
            add_sources(&r, liars, &chance);
        }
        check_log(&r);
    }
    if (r.kept > 0)
        check_evidence(&r);
    check_honest(&r);
    rig_end(&r);
}

static void whatever_sources_do(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= RUNS; seed++)
        one_run(seed);
    static const bcemr_verdict seen[] = {BCEMR_FORK,
                                         BCEMR_BAD_LEAF,
                                         BCEMR_BAD_CHECKPOINT,
                                         BCEMR_BAD_SET,
                                         BCEMR_WRONG_LEDGER,
                                         BCEMR_STALE_PROOF,
                                         BCEMR_BAD_CONSISTENCY,
                                         BCEMR_BAD_INCLUSION,
                                         BCEMR_NOT_ENOUGH_SIGNERS};
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        print_message("%s %llu\n", bcemr_verdict_name(seen[i]),
                      (unsigned long long)all.verdicts[seen[i]]);
        assert_true(all.verdicts[seen[i]] > 0);
    }
    print_message("silent %llu guilty %llu restarts %llu failed writes %llu\n",
                  (unsigned long long)all.silent, (unsigned long long)all.guilty,
                  (unsigned long long)all.restarts, (unsigned long long)all.failed_writes);
    assert_true(all.silent > 0 && all.guilty > 0 && all.restarts > 0 && all.failed_writes > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_sources_do),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
