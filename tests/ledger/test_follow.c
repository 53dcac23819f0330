/* SPDX-License-Identifier: Apache-2.0 */
/* Following honest sources, and each way in which a source can be bad. */
#include "follow_test.h"

#include <stdlib.h>

/* ---- honest sources ---- */

static void catches_up_to_what_is_cosigned(void **state)
{
    (void)state;
    rig r = {0};
    rig_begin(&r);
    uint64_t a = rig_add_chain(&r, "a", the.a.chain);
    STANDS(&r, a, NEW);
    run(&r);
    STANDS(&r, a, UNSIGNED);
    assert_int_equal(rig_size(&r), the.signed_size);
    assert_true(begins(&r, the.a.chain));
    ledger_follow_facts facts = rig_facts(&r, a);
    assert_string_equal(facts.name, "a");
    assert_int_equal(facts.taken, the.signed_size - 1);
    assert_int_equal(facts.size, ledger_chain_size(the.a.chain));
    assert_int_equal(facts.cosigned, the.signed_size);
    assert_int_equal(facts.checked, 1);
    bcemr_buf kept = BCEMR_BUF_EMPTY, theirs = BCEMR_BUF_EMPTY;
    scene_cosigned(ledger_follow_chain(r.f), &kept);
    scene_cosigned(the.a.chain, &theirs);
    assert_true(bcemr_span_equal(bcemr_buf_span(&kept), bcemr_buf_span(&theirs)));
    bcemr_buf_free(&kept);
    bcemr_buf_free(&theirs);
    assert_int_equal(r.kept, 0);
    rig_end(&r);
}

static void goes_ahead_when_it_may(void **state)
{
    (void)state;
    rig r = {.ahead = true};
    rig_begin(&r);
    uint64_t a = rig_add_chain(&r, "a", the.a.chain);
    run(&r);
    STANDS(&r, a, UP);
    assert_int_equal(rig_size(&r), ledger_chain_size(the.a.chain));
    assert_true(begins(&r, the.a.chain));
    rig_end(&r);
}

/* A block a step, closed after every step: only the state lasts. */
static void goes_on_after_a_restart(void **state)
{
    (void)state;
    rig r = {.ahead = true, .step_bytes = 1};
    uint64_t restarts = 0;
    lasting_new(&r.state);
    for (uint64_t size = 0;; restarts++) {
        rig_open(&r);
        assert_true(rig_size(&r) >= size);
        size = rig_size(&r);
        uint64_t a = rig_add_chain(&r, "a", the.a.chain);
        must(ledger_follow_step(r.f, a, CLOCK, &r.err));
        if (rig_facts(&r, a).where != LEDGER_FOLLOW_MOVED)
            break;
        assert_true(rig_size(&r) > size);
        assert_true(begins(&r, the.a.chain));
        rig_close(&r);
    }
    assert_int_equal(rig_size(&r), ledger_chain_size(the.a.chain));
    assert_true(restarts > 10);
    rig_end(&r);
}

static void a_follower_serves_another(void **state)
{
    (void)state;
    rig first = {0}, second = {0};
    rig_begin(&first);
    rig_begin(&second);
    (void)rig_add_chain(&first, "a", the.a.chain);
    uint64_t from = rig_add_chain(&second, "first", ledger_follow_chain(first.f));
    run(&second); /* nothing there yet */
    STANDS(&second, from, UP);
    run(&first);
    run(&second);
    STANDS(&second, from, UP);
    assert_int_equal(rig_size(&second), the.signed_size);
    assert_true(begins(&second, the.a.chain));
    rig_end(&second);
    rig_end(&first);
}

static void several_sources_agree(void **state)
{
    (void)state;
    rig behind = {0}, r = {0};
    meddler m = {0};
    rig_begin(&behind);
    rig_begin(&r);
    (void)rig_add_chain(&behind, "a", the.a.chain);
    uint64_t late = rig_add_chain(&r, "late", ledger_follow_chain(behind.f));
    uint64_t a = rig_add_chain(&r, "a", the.a.chain);
    uint64_t again = rig_add(&r, "again", meddler_source(&m, the.a.chain));
    run(&r);
    STANDS(&r, late, BEHIND);
    STANDS(&r, a, UNSIGNED);
    STANDS(&r, again, UNSIGNED);
    assert_int_equal(m.ranges, 0); /* nothing is fetched twice */
    assert_int_equal(r.kept, 0);
    rig_end(&r);
    rig_end(&behind);
}

static void more_sources_than_fit(void **state)
{
    (void)state;
    rig r = {0};
    ledger_source source;
    rig_begin(&r);
    for (int i = 0; i < LEDGER_FOLLOW_SOURCES_MAX; i++)
        (void)rig_add_chain(&r, "a", the.a.chain);
    must(ledger_source_chain(&source, the.a.chain));
    assert_int_equal(ledger_follow_add(r.f, "one more", &source, &r.err), BCEMR_E_TOO_MANY);
    ledger_source_close(&source);
    ledger_source_close(NULL);
    assert_int_equal(ledger_follow_step(r.f, 99, CLOCK, &r.err), BCEMR_E_ARGUMENT);
    rig_end(&r);
}

static bcemr_status stop_at_once(void *user, uint64_t done, uint64_t total)
{
    uint64_t *told = user;
    told[0] = done;
    told[1] = total;
    return BCEMR_E_INTERRUPTED;
}

static void tells_how_far_it_is(void **state)
{
    (void)state;
    rig r = {.step_bytes = 1};
    uint64_t told[2] = {0, 0};
    const bcemr_progress progress = {told, stop_at_once};
    rig_begin(&r);
    (void)rig_add_chain(&r, "a", the.a.chain);
    assert_int_equal(ledger_follow_run(r.f, CLOCK, &progress, &r.err), BCEMR_E_INTERRUPTED);
    assert_int_equal(told[0], rig_size(&r));
    assert_int_equal(told[1], the.signed_size);
    rig_end(&r);
}

/* ---- exports ---- */

static void follows_an_export(void **state)
{
    (void)state;
    rig r = {0}, ahead = {.ahead = true};
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    ledger_source source;
    scene_export(the.a.chain, &bytes);
    const bcemr_span span = bcemr_buf_span(&bytes);
    const bcemr_source file = bcemr_source_bytes(&span);
    must(ledger_source_export(&source, &file, NULL));
    assert_int_equal(source.ops->index(source.self, "stops", 0, 9, 9, &bytes, NULL),
                     BCEMR_E_NOT_FOUND);
    rig_begin(&r);
    rig_begin(&ahead);
    uint64_t one = rig_add(&r, "file", source);
    run(&r);
    STANDS(&r, one, UNSIGNED);
    assert_int_equal(rig_size(&r), the.signed_size);
    assert_true(begins(&r, the.a.chain));
    must(ledger_source_export(&source, &file, NULL));
    uint64_t two = rig_add(&ahead, "file", source);
    run(&ahead);
    STANDS(&ahead, two, UP);
    assert_int_equal(rig_size(&ahead), ledger_chain_size(the.a.chain));
    rig_end(&r);
    rig_end(&ahead);
    bcemr_buf_free(&bytes);
}

/* Not one bit of an export can be changed unseen. */
static void a_changed_export_is_refused(void **state)
{
    (void)state;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    ledger_source source;
    bcemr_error err = {0};
    scene_export(the.a.chain, &bytes);
    for (uint64_t at = 0; at < bytes.n; at += 7) {
        bcemr_span span = bcemr_buf_span(&bytes);
        bcemr_source file = bcemr_source_bytes(&span);
        bytes.p[at] ^= 0x10;
        bcemr_status status = ledger_source_export(&source, &file, &err);
        if (status == BCEMR_OK) { /* in what is cosigned: the follower sees it */
            rig r = {0};
            rig_begin(&r);
            uint64_t one = rig_add(&r, "file", source);
            run(&r);
            assert_int_equal(rig_facts(&r, one).where, LEDGER_FOLLOW_BAD);
            assert_int_equal(rig_size(&r), 1);
            rig_end(&r);
        } else {
            assert_true(status != BCEMR_E_NO_MEMORY && err.object);
        }
        bytes.p[at] ^= 0x10;
        span.n = at;
        file = bcemr_source_bytes(&span);
        assert_int_not_equal(ledger_source_export(&source, &file, &err), BCEMR_OK);
    }
    must(bcemr_buf_append(&bytes, bcemr_text("x")));
    const bcemr_span span = bcemr_buf_span(&bytes);
    const bcemr_source file = bcemr_source_bytes(&span);
    assert_int_equal(ledger_source_export(&source, &file, &err), BCEMR_E_TRAILING);
    bcemr_buf_free(&bytes);
}

/* ---- forks ---- */

static void check_guilt(const rig *r, bcemr_guilt_kind kind)
{
    bcemr_guilty guilty;
    assert_true(r->guilt.n > 0);
    assert_int_equal(bcemr_guilt_check(the.a.c.context, bcemr_buf_span(&the.a.c.signed_genesis),
                                       bcemr_buf_span(&r->guilt), &guilty, NULL),
                     BCEMR_VALID);
    assert_int_equal(guilty.kind, kind);
    assert_true(guilty.count >= 3);
    bcemr_guilty_free(&guilty);
}

/* Both leaves are in the evidence, and the source's stands in the tree that it showed. */
static void check_parting(const rig *r, const ledger_chain *theirs)
{
    bcemr_tr_fork fork;
    bcemr_span mine = {0}, given = {0};
    bcemr_buf leaf = BCEMR_BUF_EMPTY;
    must(bcemr_read_fork(bcemr_buf_span(&r->evidence), &fork, NULL));
    assert_int_equal(fork.verdict, BCEMR_FORK);
    assert_int_equal(fork.time, CLOCK);
    assert_int_equal(fork.place, the.common);
    assert_true(bcemr_list_at(&bcemr_type_leaf, &fork.mine, 0, &mine));
    assert_true(bcemr_list_at(&bcemr_type_leaf, &fork.given, 0, &given));
    must(ledger_chain_leaf(theirs, the.common, &leaf));
    assert_true(bcemr_span_equal(given, bcemr_buf_span(&leaf)));
    bcemr_buf_clear(&leaf);
    must(ledger_chain_leaf(ledger_follow_chain(r->f), the.common, &leaf));
    assert_true(bcemr_span_equal(mine, bcemr_buf_span(&leaf)));
    bcemr_buf_free(&leaf);
}

static void a_fork_that_is_shorter(void **state)
{
    (void)state;
    rig r = {0};
    rig_begin(&r);
    (void)rig_add_chain(&r, "a", the.a.chain);
    run(&r);
    assert_true(ledger_chain_size(the.b.chain) < rig_size(&r));
    uint64_t b = rig_add_chain(&r, "b", the.b.chain);
    run(&r);
    REFUSED_AS(&r, b, FORK);
    check_parting(&r, the.b.chain);
    check_guilt(&r, BCEMR_guilt_kind_OTHER_ROOT);
    ledger_follow_facts facts = rig_facts(&r, b);
    assert_true(facts.guilt);
    assert_false(facts.own);
    assert_int_equal(facts.place, the.common);
    assert_int_equal(facts.error.index, the.common);
    assert_true(begins(&r, the.a.chain));
    assert_int_equal(rig_size(&r), the.signed_size);
    /* It is not asked again. */
    assert_int_equal(ledger_follow_step(r.f, b, CLOCK, &r.err), BCEMR_E_REFUSED);
    assert_int_equal(r.err.verdict, BCEMR_FORK);
    assert_int_equal(r.kept, 1);
    rig_end(&r);
}

static void a_fork_that_is_longer(void **state)
{
    (void)state;
    rig r = {0};
    rig_begin(&r);
    (void)rig_add_chain(&r, "b", the.b.chain);
    run(&r);
    assert_int_equal(rig_size(&r), ledger_chain_size(the.b.chain));
    uint64_t a = rig_add_chain(&r, "a", the.a.chain);
    run(&r);
    REFUSED_AS(&r, a, FORK);
    check_parting(&r, the.a.chain);
    check_guilt(&r, BCEMR_guilt_kind_OTHER_ROOT);
    assert_true(begins(&r, the.b.chain));
    rig_end(&r);
}

/* The branch has a set of its own; to its signatures leads its own Join. */
static void a_fork_with_other_sets(void **state)
{
    (void)state;
    rig r = {0}, other = {0};
    rig_begin(&r);
    rig_begin(&other);
    (void)rig_add_chain(&r, "a", the.a.chain);
    run(&r);
    uint64_t d = rig_add_chain(&r, "d", the.d.chain);
    run(&r);
    REFUSED_AS(&r, d, FORK);
    check_parting(&r, the.d.chain);
    check_guilt(&r, BCEMR_guilt_kind_OTHER_ROOT);
    (void)rig_add_chain(&other, "d", the.d.chain);
    run(&other);
    uint64_t a = rig_add_chain(&other, "a", the.a.chain);
    run(&other);
    REFUSED_AS(&other, a, FORK);
    check_guilt(&other, BCEMR_guilt_kind_OTHER_ROOT);
    rig_end(&r);
    rig_end(&other);
}

/* A source that never signed anything, on another branch. */
static bcemr_status hide_cosigned(meddler *m, ledger_source_head *out)
{
    (void)m;
    bcemr_buf_clear(&out->cosigned);
    return BCEMR_OK;
}

static void a_fork_that_nobody_signed(void **state)
{
    (void)state;
    meddler m = {.head = hide_cosigned};
    rig r = {0};
    rig_begin(&r);
    (void)rig_add_chain(&r, "a", the.a.chain);
    run(&r);
    uint64_t b = rig_add(&r, "b", meddler_source(&m, the.b.chain));
    run(&r);
    REFUSED_AS(&r, b, FORK);
    check_parting(&r, the.b.chain);
    assert_int_equal(r.guilt.n, 0);
    rig_end(&r);
}

/* Ahead of what is signed, the own log may be the wrong one: then that is said. */
static void an_own_log_that_went_ahead(void **state)
{
    (void)state;
    meddler m = {.head = hide_cosigned};
    rig r = {.ahead = true};
    rig_begin(&r);
    (void)rig_add(&r, "b", meddler_source(&m, the.b.chain));
    run(&r);
    assert_int_equal(rig_size(&r), ledger_chain_size(the.b.chain));
    uint64_t a = rig_add_chain(&r, "a", the.a.chain);
    run(&r);
    REFUSED_AS(&r, a, FORK);
    assert_true(rig_facts(&r, a).own);
    assert_int_equal(rig_facts(&r, a).place, the.common);
    rig_end(&r);
}

/* ---- checkpoints ---- */

/* Shows a given cosigned checkpoint instead of its own. */
static bcemr_status show(meddler *m, ledger_source_head *out)
{
    return bcemr_buf_set(&out->cosigned, bcemr_buf_span(m->user));
}

/* A checkpoint of a's log at a size, by a set. */
static void checkpoint_of_a(uint64_t size, bcemr_tr_checkpoint *out)
{
    must(ledger_chain_checkpoint_at(the.a.chain, size, out, NULL));
}

static void sign_by(const world *w, uint64_t number, bcemr_tr_checkpoint *checkpoint,
                    bcemr_buf *out)
{
    bcemr_set set = BCEMR_SET_EMPTY;
    uint64_t leaf;
    must(ledger_chain_set_numbered(w->chain, number, &set, &leaf, NULL));
    checkpoint->set_number = set.number;
    checkpoint->set = set.hash;
    bcemr_buf_clear(out);
    consortium_cosign(&set, checkpoint, w->voters, ((uint64_t)1 << set.count) - 1, out);
    bcemr_set_free(&set);
}

/* What a follower of everything that is signed says of a source with this checkpoint. */
static void shown_to(rig *r, bcemr_buf *cosigned, bool caught_up, uint64_t *source, meddler *m)
{
    *m = (meddler){.head = show, .user = cosigned};
    rig_begin(r);
    if (caught_up) {
        (void)rig_add_chain(r, "a", the.a.chain);
        run(r);
    }
    *source = rig_add(r, "m", meddler_source(m, the.a.chain));
    run(r);
}

static void a_signed_root_that_is_another(void **state)
{
    (void)state;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    meddler m;
    uint64_t source;
    for (int caught_up = 0; caught_up < 2; caught_up++) {
        rig r = {0};
        checkpoint_of_a(the.signed_size, &checkpoint);
        checkpoint.root.b[0] ^= 1;
        sign_by(&the.a, 1, &checkpoint, &cosigned);
        shown_to(&r, &cosigned, caught_up, &source, &m);
        if (caught_up) {
            REFUSED_AS(&r, source, FORK);
            check_guilt(&r, BCEMR_guilt_kind_SAME_SIZE);
        } else {
            /* Nothing is known yet but that the source's proofs do not lead there. */
            REFUSED_AS(&r, source, BAD_INCLUSION);
            assert_int_equal(rig_size(&r), 1);
        }
        rig_end(&r);
    }
    bcemr_buf_free(&cosigned);
}

/* Every other field of a signed checkpoint is the own log's, too. */
static void a_signed_field_that_is_another(void **state)
{
    (void)state;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    meddler m;
    uint64_t source;
    for (int field = 0; field < 6; field++) {
        rig r = {0};
        checkpoint_of_a(the.signed_size, &checkpoint);
        if (field % 3 == 0)
            checkpoint.tau++;
        else if (field % 3 == 1)
            checkpoint.stops.b[3] ^= 1;
        else
            checkpoint.finds.b[3] ^= 1;
        sign_by(&the.a, 1, &checkpoint, &cosigned);
        shown_to(&r, &cosigned, field < 3, &source, &m);
        REFUSED_AS(&r, source, FORK);
        if (field < 3)
            check_guilt(&r, BCEMR_guilt_kind_SAME_SIZE);
        assert_true(begins(&r, the.a.chain));
        rig_end(&r);
    }
    bcemr_buf_free(&cosigned);
}

/* Within a block no checkpoint ends. */
static void a_signed_size_within_a_block(void **state)
{
    (void)state;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    meddler m;
    uint64_t source;
    const uint64_t size = the.first_size + 1; /* two consents are one block */
    for (int caught_up = 0; caught_up < 2; caught_up++) {
        rig r = {0};
        checkpoint_of_a(the.first_size, &checkpoint);
        checkpoint.size = size;
        must(ledger_chain_root(the.a.chain, size, &checkpoint.root));
        sign_by(&the.a, 0, &checkpoint, &cosigned);
        shown_to(&r, &cosigned, caught_up, &source, &m);
        REFUSED_AS(&r, source, FORK);
        rig_end(&r);
    }
    bcemr_buf_free(&cosigned);
}

static void a_set_that_is_not_in_force(void **state)
{
    (void)state;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    meddler m;
    uint64_t source;
    for (int caught_up = 0; caught_up < 2; caught_up++) {
        rig r = {0}, early = {0};
        checkpoint_of_a(the.second_size + 1, &checkpoint);
        sign_by(&the.a, 0, &checkpoint, &cosigned);
        shown_to(&r, &cosigned, caught_up, &source, &m);
        REFUSED_AS(&r, source, BAD_SET);
        if (caught_up)
            check_guilt(&r, BCEMR_guilt_kind_OLD_SET);
        rig_end(&r);
        checkpoint_of_a(the.first_size, &checkpoint);
        sign_by(&the.a, 1, &checkpoint, &cosigned);
        shown_to(&early, &cosigned, caught_up, &source, &m);
        REFUSED_AS(&early, source, BAD_SET);
        rig_end(&early);
    }
    bcemr_buf_free(&cosigned);
}

/* Whoever signed under a set that was over is not believed where its end can be seen: the leaf that
 * ended it is not taken. */
static void an_old_set_is_not_followed_past_its_end(void **state)
{
    (void)state;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    meddler m;
    uint64_t source;
    rig r = {.step_bytes = 1};
    checkpoint_of_a(the.signed_size, &checkpoint);
    sign_by(&the.a, 0, &checkpoint, &cosigned);
    shown_to(&r, &cosigned, false, &source, &m);
    REFUSED_AS(&r, source, BAD_SET);
    assert_true(rig_size(&r) < the.second_size && rig_size(&r) > 10);
    assert_true(begins(&r, the.a.chain));
    bcemr_buf_free(&cosigned);
    rig_end(&r);
}

static void too_few_signed(void **state)
{
    (void)state;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    meddler m;
    uint64_t source;
    rig r = {0}, bad = {0};
    checkpoint_of_a(the.signed_size, &checkpoint);
    must(ledger_chain_set_now(the.a.chain, &set, NULL));
    consortium_cosign(&set, &checkpoint, the.a.voters, 7, &cosigned);
    shown_to(&r, &cosigned, false, &source, &m);
    REFUSED_AS(&r, source, NOT_ENOUGH_SIGNERS);
    assert_int_equal(rig_size(&r), 1);
    rig_end(&r);
    /* A signature of something else. */
    bcemr_buf_clear(&cosigned);
    checkpoint.tau++;
    consortium_cosign(&set, &checkpoint, the.a.voters, 31, &cosigned);
    bcemr_tr_cosigned value;
    bcemr_buf inner = BCEMR_BUF_EMPTY, copy = BCEMR_BUF_EMPTY;
    must(bcemr_read_cosigned(bcemr_buf_span(&cosigned), &value, NULL));
    checkpoint.tau--;
    must(bcemr_write_checkpoint(&checkpoint, &inner, NULL));
    value.checkpoint = bcemr_buf_span(&inner);
    must(bcemr_write_cosigned(&value, &copy, NULL));
    shown_to(&bad, &copy, false, &source, &m);
    REFUSED_AS(&bad, source, BAD_CHECKPOINT);
    rig_end(&bad);
    bcemr_set_free(&set);
    bcemr_buf_free(&inner);
    bcemr_buf_free(&copy);
    bcemr_buf_free(&cosigned);
}

static void what_is_no_checkpoint(void **state)
{
    (void)state;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    meddler m;
    uint64_t source;
    rig r = {0};
    must(bcemr_buf_append(&bytes, bcemr_text("nonsense")));
    shown_to(&r, &bytes, false, &source, &m);
    REFUSED_AS(&r, source, BAD_CHECKPOINT);
    rig_end(&r);
    bcemr_buf_free(&bytes);
}

/* ---- what a source says of itself ---- */

static bcemr_status of_another_ledger(meddler *m, ledger_source_head *out)
{
    (void)m;
    out->at.ledger.b[0] ^= 1;
    return BCEMR_OK;
}

static bcemr_status one_less_later(meddler *m, ledger_source_head *out)
{
    if (m->heads > 3) {
        out->at.size--;
        must(ledger_chain_root(the.a.chain, out->at.size, &out->at.root));
    }
    return BCEMR_OK;
}

static bcemr_status older_later(meddler *m, ledger_source_head *out)
{
    return m->heads > 3 ? bcemr_buf_set(&out->cosigned, bcemr_buf_span(&the.first)) : BCEMR_OK;
}

static bcemr_status none_later(meddler *m, ledger_source_head *out)
{
    if (m->heads > 3)
        bcemr_buf_clear(&out->cosigned);
    return BCEMR_OK;
}

static bcemr_status less_than_signed(meddler *m, ledger_source_head *out)
{
    (void)m;
    out->at.size = the.first_size;
    must(ledger_chain_root(the.a.chain, out->at.size, &out->at.root));
    return BCEMR_OK;
}

static bcemr_status no_leaves(meddler *m, ledger_source_head *out)
{
    (void)m;
    out->at.size = 0;
    return BCEMR_OK;
}

static bcemr_status as_many_as_can_be(meddler *m, ledger_source_head *out)
{
    (void)m;
    out->at.size = UINT64_MAX;
    return BCEMR_OK;
}

static bcemr_status another_root_later(meddler *m, ledger_source_head *out)
{
    if (m->heads > 3)
        out->at.root.b[9] ^= 1;
    return BCEMR_OK;
}

static void steps(rig *r, uint64_t source, int count)
{
    for (int i = 0; i < count && rig_facts(r, source).where != LEDGER_FOLLOW_BAD; i++)
        (void)!ledger_follow_step(r->f, source, CLOCK, &r->err);
}

static void says_what_cannot_be(void **state)
{
    (void)state;
    const struct {
        bcemr_status (*head)(meddler *m, ledger_source_head *out);
        bcemr_verdict verdict;
    } cases[] = {{of_another_ledger, BCEMR_WRONG_LEDGER},   {one_less_later, BCEMR_STALE_PROOF},
                 {older_later, BCEMR_STALE_PROOF},          {none_later, BCEMR_STALE_PROOF},
                 {less_than_signed, BCEMR_STALE_PROOF},     {no_leaves, BCEMR_BAD_CHECKPOINT},
                 {as_many_as_can_be, BCEMR_BAD_CHECKPOINT}, {another_root_later, BCEMR_FORK}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        meddler m = {.head = cases[i].head};
        rig r = {0};
        rig_begin(&r);
        uint64_t source = rig_add(&r, "m", meddler_source(&m, the.a.chain));
        steps(&r, source, 6);
        assert_int_equal(rig_facts(&r, source).where, LEDGER_FOLLOW_BAD);
        assert_int_equal(rig_facts(&r, source).error.verdict, cases[i].verdict);
        assert_int_equal(r.kept, 1);
        assert_true(begins(&r, the.a.chain));
        rig_end(&r);
    }
}

/* Two signed checkpoints of one size, before the own log has come there. */
static bcemr_status first_one_then_another(meddler *m, ledger_source_head *out)
{
    return m->heads > 1 ? bcemr_buf_set(&out->cosigned, bcemr_buf_span(m->user)) : BCEMR_OK;
}

static void contradicts_itself(void **state)
{
    (void)state;
    bcemr_buf other = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    rig r = {.step_bytes = 1};
    meddler m = {.head = first_one_then_another, .user = &other};
    checkpoint_of_a(the.signed_size, &checkpoint);
    checkpoint.stops.b[0] ^= 1;
    sign_by(&the.a, 1, &checkpoint, &other);
    rig_begin(&r);
    uint64_t source = rig_add(&r, "m", meddler_source(&m, the.a.chain));
    steps(&r, source, 2);
    REFUSED_AS(&r, source, FORK);
    assert_true(rig_size(&r) < the.signed_size);
    check_guilt(&r, BCEMR_guilt_kind_SAME_SIZE);
    bcemr_buf_free(&other);
    rig_end(&r);
}

/* Shows what b's set signed and gives no leaf of it; later only a, which is longer and not b
 * continued. */
static bcemr_status b_first(meddler *m, ledger_source_head *out)
{
    if (m->heads > 1)
        return BCEMR_OK;
    must(ledger_chain_checkpoint(the.b.chain, &out->at, NULL));
    bcemr_buf_clear(&out->cosigned);
    scene_cosigned(the.b.chain, &out->cosigned);
    return BCEMR_OK;
}

static bcemr_status no_leaves_of_b(meddler *m, uint64_t from, uint64_t to, bcemr_buf *out)
{
    (void)from;
    (void)to;
    (void)out;
    return m->heads > 1 ? BCEMR_OK : BCEMR_E_BUSY;
}

static bcemr_status no_proof_any_more(meddler *m, uint64_t first, uint64_t second, bcemr_buf *out)
{
    static const bcemr_tr_consistency empty = {.path = {.count = 0}};
    bcemr_tr_consistency value = empty;
    bcemr_buf fresh = BCEMR_BUF_EMPTY;
    (void)m;
    value.first = first;
    value.second = second;
    must(bcemr_write_consistency(&value, &fresh, NULL));
    must(bcemr_buf_set(out, bcemr_buf_span(&fresh)));
    bcemr_buf_free(&fresh);
    return BCEMR_OK;
}

static void signs_two_logs_one_after_the_other(void **state)
{
    (void)state;
    rig r = {0}, lied = {0};
    meddler m = {.head = b_first, .leaves = no_leaves_of_b}, n = m;
    n.consistency = no_proof_any_more;
    assert_true(ledger_chain_size(the.b.chain) < the.signed_size);
    rig_begin(&r);
    uint64_t source = rig_add(&r, "m", meddler_source(&m, the.a.chain));
    steps(&r, source, 1);
    STANDS(&r, source, SILENT);
    steps(&r, source, 1);
    REFUSED_AS(&r, source, FORK);
    assert_int_equal(rig_size(&r), 1);
    check_guilt(&r, BCEMR_guilt_kind_OTHER_ROOT);
    rig_end(&r);
    /* Who shows two trees and no way between them is no better off. */
    rig_begin(&lied);
    source = rig_add(&lied, "n", meddler_source(&n, the.a.chain));
    steps(&lied, source, 2);
    REFUSED_AS(&lied, source, BAD_CONSISTENCY);
    rig_end(&lied);
}

/* ---- leaves ---- */

/* The list without, with twice, or with two of its leaves in turn; or one of them changed. */
typedef enum change { CUT, TWICE, SWAPPED, LATER, HIGHER, FLIPPED, LAST_CUT, CHANGES } change;

static void rewrite(bcemr_buf *out, const bcemr_span *spans, uint64_t count)
{
    const bcemr_list list = BCEMR_LIST_OF(spans, count);
    bcemr_buf fresh = BCEMR_BUF_EMPTY;
    must(bcemr_write_list(&bcemr_type_leaf, &list, &fresh, NULL));
    must(bcemr_buf_set(out, bcemr_buf_span(&fresh)));
    bcemr_buf_free(&fresh);
}

static bcemr_status change_leaves(meddler *m, uint64_t from, uint64_t to, bcemr_buf *out)
{
    const change how = *(const change *)m->user;
    bcemr_span spans[256], moved;
    bcemr_list list;
    bcemr_tr_leaf leaf;
    bcemr_buf fresh = BCEMR_BUF_EMPTY;
    uint64_t n = 0;
    (void)from;
    must(bcemr_read_list(&bcemr_type_leaf, bcemr_buf_span(out), 0, to, &list, NULL));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_leaf, &list);
    while (n < 250 && bcemr_list_next(&iter, &spans[n]))
        n++;
    if (n < 4)
        return BCEMR_OK;
    const uint64_t at = n / 2;
    must(bcemr_read_leaf(spans[at], &leaf, NULL));
    switch (how) {
    case CUT:
        memmove(&spans[at], &spans[at + 1], (size_t)(n - at - 1) * sizeof spans[0]);
        n--;
        break;
    case TWICE:
        memmove(&spans[at + 1], &spans[at], (size_t)(n - at - 1) * sizeof spans[0]);
        break;
    case SWAPPED:
        moved = spans[at];
        spans[at] = spans[at + 1];
        spans[at + 1] = moved;
        break;
    case LAST_CUT:
        spans[n - 1] = spans[0];
        break;
    case FLIPPED:
        ((uint8_t *)(uintptr_t)leaf.signed_entry.p)[leaf.signed_entry.n - 1] ^= 1;
        break;
    default:
        leaf.tau += how == LATER;
        leaf.height += how == HIGHER;
        must(bcemr_write_leaf(&leaf, &fresh, NULL));
        spans[at] = bcemr_buf_span(&fresh);
        break;
    }
    rewrite(out, spans, n);
    bcemr_buf_free(&fresh);
    return BCEMR_OK;
}

static void leaves_that_are_not_the_trees(void **state)
{
    (void)state;
    for (change how = CUT; how < CHANGES; how++) {
        meddler m = {.leaves = change_leaves, .user = &how};
        rig r = {0};
        rig_begin(&r);
        uint64_t source = rig_add(&r, "m", meddler_source(&m, the.a.chain));
        run(&r);
        REFUSED_AS(&r, source, BAD_LEAF);
        assert_int_equal(rig_size(&r), 1); /* nothing of it was applied */
        rig_end(&r);
    }
}

static bcemr_status too_long(meddler *m, uint64_t from, uint64_t to, bcemr_buf *out)
{
    (void)m;
    (void)from;
    (void)to;
    static const uint8_t zeros[4096];
    while (out->n < ((uint64_t)2 << 20))
        must(bcemr_buf_append(out, bcemr_span_of(zeros, sizeof zeros)));
    return BCEMR_OK;
}

static bcemr_status no_list(meddler *m, uint64_t from, uint64_t to, bcemr_buf *out)
{
    (void)m;
    (void)from;
    (void)to;
    return bcemr_buf_set(out, bcemr_text("none"));
}

static void leaves_that_are_none(void **state)
{
    (void)state;
    bcemr_status (*const hooks[])(meddler *, uint64_t, uint64_t, bcemr_buf *) = {too_long, no_list};
    for (int i = 0; i < 2; i++) {
        meddler m = {.leaves = hooks[i]};
        rig r = {.step_bytes = 1 << 20};
        rig_begin(&r);
        uint64_t source = rig_add(&r, "m", meddler_source(&m, the.a.chain));
        run(&r);
        REFUSED_AS(&r, source, BAD_LEAF);
        rig_end(&r);
    }
}

static void a_block_without_end(void **state)
{
    (void)state;
    rig r = {.step_bytes = 1, .block_bytes = 1500};
    rig_begin(&r);
    uint64_t source = rig_add_chain(&r, "a", the.a.chain);
    run(&r);
    REFUSED_AS(&r, source, BAD_LEAF); /* the first block with more than one leaf */
    assert_true(rig_size(&r) > 1 && begins(&r, the.a.chain));
    rig_end(&r);
}

/* What the rules refuse, in a tree that is what it says: who signed that broke the rules. */
static void a_signed_leaf_that_the_rules_refuse(void **state)
{
    (void)state;
    world w;
    rig r = {0}, off = {0};
    bcemr_tr_e_revoke revoke;
    memset(&w, 0, sizeof w);
    world_begin(&w, 0);
    world_revoke(&w, 1, &revoke);
    revoke.signature.b[5] ^= 1;
    bcemr_switch_off_reason(LEDGER_R_REVOKE_SIGNATURE);
    assert_int_equal(world_post(&w, &bcemr_type_e_revoke, &revoke, NULL, 0), 0);
    bcemr_switch_all_on();
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    must(ledger_chain_checkpoint(w.chain, &checkpoint, NULL));
    must(ledger_chain_set_now(w.chain, &set, NULL));
    scene_sign(&w, &set, &checkpoint, &cosigned);
    must(ledger_chain_keep_cosigned(w.chain, bcemr_buf_span(&cosigned), NULL));
    rig_begin(&r);
    uint64_t source = rig_add_chain(&r, "w", w.chain);
    run(&r);
    REFUSED_AS(&r, source, LEDGER_REFUSED);
    assert_int_equal(rig_facts(&r, source).error.reason, LEDGER_R_REVOKE_SIGNATURE);
    assert_int_equal(rig_facts(&r, source).place, ledger_chain_size(w.chain) - 1);
    assert_int_equal(rig_size(&r), 1);
    bcemr_tr_fork fork;
    must(bcemr_read_fork(bcemr_buf_span(&r.evidence), &fork, NULL));
    assert_int_equal(fork.reason, LEDGER_R_REVOKE_SIGNATURE);
    rig_end(&r);
    /* With the rule switched off nothing else would see it. */
    bcemr_switch_off_reason(LEDGER_R_REVOKE_SIGNATURE);
    rig_begin(&off);
    source = rig_add_chain(&off, "w", w.chain);
    run(&off);
    STANDS(&off, source, UP);
    bcemr_switch_all_on();
    rig_end(&off);
    bcemr_set_free(&set);
    bcemr_buf_free(&cosigned);
    world_end(&w);
}

/* ---- signed logs that the rules do not make ---- */

#define LEAVES 128

typedef struct log_of {
    bcemr_buf leaves[LEAVES];
    uint64_t count;
} log_of;

static void read_log(const ledger_chain *chain, uint64_t size, log_of *out)
{
    memset(out, 0, sizeof *out);
    assert_true(size <= LEAVES);
    for (; out->count < size; out->count++)
        must(ledger_chain_leaf(chain, out->count, &out->leaves[out->count]));
}

static void free_log(log_of *log)
{
    for (uint64_t i = 0; i < LEAVES; i++)
        bcemr_buf_free(&log->leaves[i]);
}

static void put_item(bcemr_buf *out, bcemr_span bytes)
{
    uint8_t length[8];
    bcemr_store_u64(length, bytes.n);
    must(bcemr_buf_append(out, bcemr_span_of(length, sizeof length)));
    must(bcemr_buf_append(out, bytes));
}

/* An export of these leaves, cosigned by a's set at the end. */
static void export_log(const log_of *log, bcemr_buf *out)
{
    bcemr_tree tree;
    bcemr_hash hash;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY, item = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    bcemr_tree_begin(&tree);
    for (uint64_t i = 0; i < log->count; i++) {
        bcemr_tree_leaf_hash(bcemr_buf_span(&log->leaves[i]), &hash);
        bcemr_tree_add(&tree, &hash);
    }
    checkpoint_of_a(the.first_size, &checkpoint);
    checkpoint.size = log->count;
    bcemr_tree_root(&tree, &checkpoint.root);
    sign_by(&the.a, 0, &checkpoint, &cosigned);
    const bcemr_span span = bcemr_buf_span(&cosigned);
    const bcemr_tr_ledger_export head = {.ledger = the.a.c.ledger,
                                         .size = log->count,
                                         .root = checkpoint.root,
                                         .cosigned = BCEMR_LIST_OF(&span, 1)};
    must(bcemr_write_ledger_export(&head, &item, NULL));
    bcemr_buf_clear(out);
    put_item(out, bcemr_buf_span(&item));
    for (uint64_t i = 0; i < log->count; i++)
        put_item(out, bcemr_buf_span(&log->leaves[i]));
    bcemr_buf_free(&cosigned);
    bcemr_buf_free(&item);
}

/* Where the first entry of a kind is. */
static uint64_t find_kind(const log_of *log, const bcemr_type *type)
{
    bcemr_leaf_parts leaf;
    for (uint64_t i = 0; i < log->count; i++) {
        must(bcemr_leaf_read(bcemr_buf_span(&log->leaves[i]), &leaf, NULL));
        if (leaf.parts.type == type)
            return i;
    }
    fail();
    return 0;
}

static void take_out(log_of *log, uint64_t at)
{
    bcemr_buf_free(&log->leaves[at]);
    memmove(&log->leaves[at], &log->leaves[at + 1],
            (size_t)(log->count - at - 1) * sizeof log->leaves[0]);
    log->leaves[--log->count] = BCEMR_BUF_EMPTY;
}

static void set_place(log_of *log, uint64_t at, uint64_t height, int64_t tau)
{
    bcemr_leaf_parts leaf;
    bcemr_buf fresh = BCEMR_BUF_EMPTY;
    must(bcemr_leaf_read(bcemr_buf_span(&log->leaves[at]), &leaf, NULL));
    must(bcemr_leaf_make(leaf.signed_entry, height, tau, &fresh, NULL));
    must(bcemr_buf_set(&log->leaves[at], bcemr_buf_span(&fresh)));
    bcemr_buf_free(&fresh);
}

/* A header that is well made and another one. */
static void change_header(log_of *log, uint64_t at)
{
    bcemr_leaf_parts leaf;
    bcemr_tr_case_header header;
    bcemr_buf entry = BCEMR_BUF_EMPTY, whole = BCEMR_BUF_EMPTY, fresh = BCEMR_BUF_EMPTY;
    must(bcemr_leaf_read(bcemr_buf_span(&log->leaves[at]), &leaf, NULL));
    must(bcemr_read_case_header(leaf.parts.entry, &header, NULL));
    header.body.b[0] ^= 1;
    must(bcemr_write_case_header(&header, &entry, NULL));
    must(bcemr_signed_make(bcemr_buf_span(&entry), NULL, 0, &whole, NULL));
    must(bcemr_leaf_make(bcemr_buf_span(&whole), leaf.height, leaf.tau, &fresh, NULL));
    must(bcemr_buf_set(&log->leaves[at], bcemr_buf_span(&fresh)));
    bcemr_buf_free(&entry);
    bcemr_buf_free(&whole);
    bcemr_buf_free(&fresh);
}

/* What a follower makes of it, from the beginning. The source's facts. */
static ledger_follow_facts follow_log(const log_of *log, rig *r)
{
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    ledger_source source;
    export_log(log, &bytes);
    const bcemr_span span = bcemr_buf_span(&bytes);
    const bcemr_source file = bcemr_source_bytes(&span);
    must(ledger_source_export(&source, &file, NULL));
    rig_begin(r);
    uint64_t number = rig_add(r, "log", source);
    run(r);
    ledger_follow_facts facts = rig_facts(r, number);
    rig_close(r); /* the source reads from bytes */
    bcemr_buf_free(&bytes);
    return facts;
}

typedef enum nonsense {
    SOUND,
    HEADER_MISSING,
    HEADER_OTHER,
    HEADER_ALONE,
    HEIGHT_BACK,
    TIME_BACK,
    TIME_WITHIN_BLOCK,
    TIME_BEYOND,
    ENTRY_TWICE,
    ENTRY_MISSING,
    NONSENSES
} nonsense;

static void make_nonsense(log_of *log, nonsense which)
{
    const uint64_t header = find_kind(log, &bcemr_type_case_header);
    const uint64_t admit = find_kind(log, &bcemr_type_e_admit);
    bcemr_leaf_parts leaf;
    must(bcemr_leaf_read(bcemr_buf_span(&log->leaves[admit]), &leaf, NULL));
    const uint64_t height = leaf.height;
    const int64_t tau = leaf.tau;
    if (which == HEADER_MISSING)
        take_out(log, header);
    if (which == HEADER_OTHER)
        change_header(log, header);
    if (which == HEADER_ALONE)
        set_place(log, header, 1000, tau + 100000000);
    if (which == HEIGHT_BACK)
        set_place(log, admit, height - 2, tau);
    if (which == TIME_BACK)
        set_place(log, admit, height, 5);
    if (which == TIME_WITHIN_BLOCK)
        set_place(log, header, 0, 0); /* below: the Seal's height, another time */
    if (which == TIME_BEYOND)
        set_place(log, log->count - 1, 1000, LEDGER_TAU_MAX + 1);
    if (which == TIME_WITHIN_BLOCK) {
        must(bcemr_leaf_read(bcemr_buf_span(&log->leaves[header - 1]), &leaf, NULL));
        set_place(log, header, leaf.height, leaf.tau + 1);
    }
    if (which == ENTRY_TWICE) {
        must(bcemr_buf_append(&log->leaves[log->count],
                              bcemr_buf_span(&log->leaves[log->count - 1])));
        set_place(log, log->count++, 1000, tau + 100000000);
    }
    if (which == ENTRY_MISSING)
        take_out(log, admit);
}

static void signed_nonsense(void **state)
{
    (void)state;
    for (nonsense which = SOUND; which < NONSENSES; which++) {
        static log_of log;
        rig r = {0};
        read_log(the.a.chain, the.first_size, &log);
        make_nonsense(&log, which);
        ledger_follow_facts facts = follow_log(&log, &r);
        const bool by_rules = which == ENTRY_TWICE || which == ENTRY_MISSING;
        if (which == SOUND) {
            assert_int_equal(facts.where, LEDGER_FOLLOW_UP);
        } else {
            assert_int_equal(facts.where, LEDGER_FOLLOW_BAD);
            assert_int_equal(facts.error.verdict, by_rules ? BCEMR_LEDGER_REFUSED : BCEMR_BAD_LEAF);
            assert_true(facts.place < log.count + 1);
            rig_open(&r);
            assert_int_equal(rig_size(&r), 1); /* all in one step: none of it stayed */
        }
        rig_end(&r);
        free_log(&log);
    }
}

/* ---- proofs ---- */

static bcemr_status bad_path(meddler *m, uint64_t first, uint64_t second, bcemr_buf *out)
{
    (void)m;
    (void)first;
    (void)second;
    if (out->n > 200)
        out->p[out->n - 1] ^= 1;
    return BCEMR_OK;
}

static bcemr_status of_other_sizes(meddler *m, uint64_t first, uint64_t second, bcemr_buf *out)
{
    (void)m;
    bcemr_tr_consistency proof = {first, second + 1, {0}};
    bcemr_buf_clear(out);
    return bcemr_write_consistency(&proof, out, NULL);
}

static bcemr_status no_path(meddler *m, uint64_t first, uint64_t second, bcemr_buf *out)
{
    (void)m;
    (void)first;
    (void)second;
    return bcemr_buf_set(out, bcemr_text("trust me"));
}

static void proofs_that_show_nothing(void **state)
{
    (void)state;
    bcemr_status (*const hooks[])(meddler *, uint64_t, uint64_t,
                                  bcemr_buf *) = {bad_path, of_other_sizes, no_path};
    for (int i = 0; i < 3; i++) {
        meddler m = {.consistency = hooks[i]};
        rig r = {.step_bytes = 1};
        rig_begin(&r);
        uint64_t source = rig_add(&r, "m", meddler_source(&m, the.a.chain));
        run(&r);
        REFUSED_AS(&r, source, BAD_CONSISTENCY);
        assert_int_equal(rig_size(&r), 1);
        rig_end(&r);
    }
}

static bcemr_status no_sets(meddler *m, uint64_t number, uint64_t size, bcemr_buf *out)
{
    const bcemr_list none = BCEMR_LIST_OF(NULL, 0);
    (void)m;
    (void)number;
    (void)size;
    bcemr_buf_clear(out);
    return bcemr_write_list(&bcemr_type_inclusion, &none, out, NULL);
}

static bcemr_status bad_sets(meddler *m, uint64_t number, uint64_t size, bcemr_buf *out)
{
    (void)m;
    (void)number;
    (void)size;
    out->p[out->n - 1] ^= 1;
    return BCEMR_OK;
}

/* A proof of another leaf: it made no set. */
static bcemr_status other_sets(meddler *m, uint64_t number, uint64_t size, bcemr_buf *out)
{
    bcemr_buf proof = BCEMR_BUF_EMPTY;
    (void)m;
    (void)number;
    must(ledger_chain_inclusion(the.a.chain, 7, size, &proof, NULL));
    const bcemr_span span = bcemr_buf_span(&proof);
    const bcemr_list one = BCEMR_LIST_OF(&span, 1);
    bcemr_buf_clear(out);
    must(bcemr_write_list(&bcemr_type_inclusion, &one, out, NULL));
    bcemr_buf_free(&proof);
    return BCEMR_OK;
}

static void sets_that_do_not_follow(void **state)
{
    (void)state;
    const struct {
        bcemr_status (*sets)(meddler *, uint64_t, uint64_t, bcemr_buf *);
        bcemr_verdict verdict;
    } cases[] = {
        {no_sets, BCEMR_BAD_SET}, {bad_sets, BCEMR_BAD_INCLUSION}, {other_sets, BCEMR_BAD_SET}};
    for (int i = 0; i < 3; i++) {
        meddler m = {.sets = cases[i].sets};
        rig r = {0};
        rig_begin(&r);
        uint64_t source = rig_add(&r, "m", meddler_source(&m, the.a.chain));
        run(&r);
        assert_int_equal(rig_facts(&r, source).where, LEDGER_FOLLOW_BAD);
        assert_int_equal(rig_facts(&r, source).error.verdict, cases[i].verdict);
        assert_int_equal(rig_size(&r), 1);
        rig_end(&r);
    }
}

/* ---- silence ---- */

static bcemr_status no_answer(meddler *m, ledger_source_head *out)
{
    (void)out;
    return m->heads == 2 ? BCEMR_E_TIMED_OUT : BCEMR_OK;
}

static bcemr_status holds_back(meddler *m, uint64_t from, uint64_t to, bcemr_buf *out)
{
    const bcemr_list none = BCEMR_LIST_OF(NULL, 0);
    (void)from;
    (void)to;
    if (m->ranges > 1)
        return BCEMR_OK;
    bcemr_buf_clear(out);
    return bcemr_write_list(&bcemr_type_leaf, &none, out, NULL);
}

/* Silence is no lie: the source is asked again later. */
static void a_source_that_is_silent(void **state)
{
    (void)state;
    rig r = {0};
    meddler m = {.head = no_answer, .leaves = holds_back};
    rig_begin(&r);
    uint64_t source = rig_add(&r, "m", meddler_source(&m, the.a.chain));
    run(&r);
    STANDS(&r, source, SILENT);
    assert_int_equal(rig_facts(&r, source).error.status, BCEMR_E_NOT_FOUND);
    assert_int_equal(rig_size(&r), 1);
    run(&r);
    STANDS(&r, source, SILENT);
    assert_int_equal(rig_facts(&r, source).error.status, BCEMR_E_TIMED_OUT);
    run(&r);
    STANDS(&r, source, UNSIGNED);
    assert_int_equal(rig_size(&r), the.signed_size);
    assert_int_equal(r.kept, 0);
    rig_end(&r);
}

/* ---- this node's own failures ---- */

/* Whichever write fails, the source is not blamed, and nothing half is left. */
static void writes_that_fail(void **state)
{
    (void)state;
    bool done = false;
    for (uint64_t n = 1; !done; n += n < 40 ? 1 : 37) {
        rig r = {0};
        rig_begin(&r);
        uint64_t a = rig_add_chain(&r, "a", the.a.chain);
        r.state.calls = 0;
        r.state.fail = n;
        bcemr_status status = ledger_follow_run(r.f, CLOCK, NULL, &r.err);
        done = status == BCEMR_OK;
        if (!done) {
            assert_true(status == BCEMR_E_IO || status == BCEMR_E_FULL);
            assert_int_equal(rig_size(&r), 1);
            assert_int_not_equal(rig_facts(&r, a).where, LEDGER_FOLLOW_BAD);
            run(&r);
        }
        assert_int_equal(rig_size(&r), the.signed_size);
        assert_true(begins(&r, the.a.chain));
        rig_end(&r);
    }
}

static void memory_that_is_short(void **state)
{
    (void)state;
    lasting near, copy;
    rig first = {.step_bytes = 1};
    rig_begin(&first);
    uint64_t a = rig_add_chain(&first, "a", the.a.chain);
    steps(&first, a, 8);
    near = first.state;
    ledger_follow_close(first.f);
    for (uint64_t n = 1, last = 2; n < last; n += n < 200 ? 1 : 23) {
        rig r = {.step_bytes = 2000};
        lasting_copy(&near, &copy);
        r.state = copy;
        rig_open(&r);
        const uint64_t size = rig_size(&r);
        a = rig_add_chain(&r, "a", the.a.chain);
        uint64_t b = rig_add_chain(&r, "b", the.b.chain);
        bcemr_switch_fail_allocation(n);
        bcemr_status one = ledger_follow_step(r.f, a, CLOCK, &r.err);
        bcemr_status other = ledger_follow_step(r.f, b, CLOCK, &r.err);
        last = bcemr_switch_allocations();
        bcemr_switch_fail_allocation(0);
        assert_true(one == BCEMR_OK || one == BCEMR_E_NO_MEMORY);
        assert_true(other == BCEMR_OK || other == BCEMR_E_NO_MEMORY);
        assert_true(rig_size(&r) >= size && r.kept == 0);
        run(&r);
        assert_true(begins(&r, the.a.chain) || begins(&r, the.b.chain));
        assert_int_equal(r.kept, 1); /* one of them is the fork of the other */
        rig_end(&r);
    }
    lasting_free(&near);
    bcemr_buf_free(&first.evidence);
    bcemr_buf_free(&first.guilt);
}

/* Evidence that cannot be kept is this node's failure; the source is bad all the same. */
static void evidence_that_cannot_be_kept(void **state)
{
    (void)state;
    rig r = {.keep_fails = BCEMR_E_FULL};
    rig_begin(&r);
    (void)rig_add_chain(&r, "a", the.a.chain);
    run(&r);
    uint64_t b = rig_add_chain(&r, "b", the.b.chain);
    assert_int_equal(ledger_follow_step(r.f, b, CLOCK, &r.err), BCEMR_E_FULL);
    STANDS(&r, b, BAD);
    assert_false(rig_facts(&r, b).kept);
    assert_int_equal(ledger_follow_step(r.f, b, CLOCK, &r.err), BCEMR_E_REFUSED);
    rig_end(&r);
}

/* ---- each check is needed ---- */

/* With this check off a fork is taken for the own log's. */
static void without_the_fork_check(void **state)
{
    (void)state;
    rig r = {0};
    meddler m = {.head = hide_cosigned};
    bcemr_switch_off(BCEMR_FORK);
    rig_begin(&r);
    (void)rig_add_chain(&r, "a", the.a.chain);
    run(&r);
    uint64_t b = rig_add(&r, "b", meddler_source(&m, the.b.chain));
    run(&r);
    bcemr_switch_all_on();
    STANDS(&r, b, BEHIND);
    rig_end(&r);
}

/* Leaves are compared twice: as they come, and as they are made here. With both off a wrong log
 * stays. */
static void without_the_leaf_checks(void **state)
{
    (void)state;
    static log_of log;
    rig r = {0};
    read_log(the.a.chain, the.first_size, &log);
    make_nonsense(&log, HEADER_OTHER);
    bcemr_switch_off(BCEMR_BAD_LEAF);
    bcemr_switch_off(BCEMR_FORK);
    bcemr_switch_off(BCEMR_BAD_CHECKPOINT);
    ledger_follow_facts facts = follow_log(&log, &r);
    bcemr_switch_all_on();
    assert_int_not_equal(facts.where, LEDGER_FOLLOW_BAD);
    rig_open(&r);
    assert_true(rig_size(&r) > 1);
    assert_true(begins(&r, the.a.chain)); /* the source's log was another one */
    rig_end(&r);
    free_log(&log);
}

static void without_the_signature_check(void **state)
{
    (void)state;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    meddler m;
    uint64_t source;
    rig r = {0};
    checkpoint_of_a(the.signed_size, &checkpoint);
    must(ledger_chain_set_now(the.a.chain, &set, NULL));
    consortium_cosign(&set, &checkpoint, the.a.voters, 1, &cosigned);
    bcemr_switch_off(BCEMR_NOT_ENOUGH_SIGNERS);
    shown_to(&r, &cosigned, false, &source, &m);
    bcemr_switch_all_on();
    STANDS(&r, source, UNSIGNED);
    assert_int_equal(rig_size(&r), the.signed_size); /* one member's word */
    rig_end(&r);
    bcemr_set_free(&set);
    bcemr_buf_free(&cosigned);
}

static void without_the_stale_check(void **state)
{
    (void)state;
    meddler m = {.head = one_less_later};
    rig r = {0};
    rig_begin(&r);
    uint64_t source = rig_add(&r, "m", meddler_source(&m, the.a.chain));
    bcemr_switch_off(BCEMR_STALE_PROOF);
    bcemr_switch_off(BCEMR_FORK); /* its head is no block's */
    steps(&r, source, 6);
    bcemr_switch_all_on();
    STANDS(&r, source, UNSIGNED);
    rig_end(&r);
}

/* ---- readers ---- */

static void the_index_is_the_signed_one(void **state)
{
    (void)state;
    rig r = {.ahead = true};
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    bcemr_ed_secret secret;
    bcemr_ed_raw revoked, later, never;
    uint64_t leaf = 0;
    bool stopped = false;
    const bcemr_context *context = the.a.c.context;
    rig_begin(&r);
    scene_cosigned(the.a.chain, &cosigned);
    const bcemr_span span = bcemr_buf_span(&cosigned);
    assert_int_equal(ledger_follow_stops_hold(ledger_follow_chain(r.f), context, span, &r.err),
                     BCEMR_E_NOT_FOUND);
    (void)rig_add_chain(&r, "a", the.a.chain);
    run(&r);
    const ledger_chain *own = ledger_follow_chain(r.f);
    must(ledger_follow_stops_hold(own, context, span, &r.err));
    must(ledger_follow_stops_hold(own, context, bcemr_buf_span(&the.first), &r.err));
    world_grant_key(2, &secret, &revoked);
    world_grant_key(4, &secret, &later); /* beyond what is signed */
    world_grant_key(9, &secret, &never);
    must(ledger_chain_stopped(own, "Revoke", bcemr_span_of(revoked.b, 32), &leaf));
#define STOPPED(key, at)                                                                           \
    (must(ledger_follow_stopped_before(own, context, span, at, "Revoke",                           \
                                       bcemr_span_of((key).b, 32), &stopped, &r.err)),             \
     stopped)
    assert_true(STOPPED(revoked, leaf + 1));
    assert_false(STOPPED(revoked, leaf));
    assert_false(STOPPED(later, the.signed_size - 1));
    assert_false(STOPPED(never, the.signed_size - 1));
    assert_int_equal(ledger_follow_stopped_before(own, context, span, the.signed_size, "Revoke",
                                                  bcemr_span_of(never.b, 32), &stopped, &r.err),
                     BCEMR_E_ARGUMENT);
    /* What others signed is none of this log's. */
    bcemr_buf_clear(&cosigned);
    scene_cosigned(the.b.chain, &cosigned);
    assert_int_equal(ledger_follow_stops_hold(own, context, bcemr_buf_span(&cosigned), &r.err),
                     BCEMR_E_REFUSED);
    bcemr_buf_free(&cosigned);
    rig_end(&r);
}

/* A row that is gone from the own database is missed. */
static void an_index_that_lost_a_row(void **state)
{
    (void)state;
    rig r = {0};
    bcemr_buf cosigned = BCEMR_BUF_EMPTY, held = BCEMR_BUF_EMPTY;
    bcemr_list blocks;
    bcemr_span raw = {0};
    bcemr_tr_index block;
    ledger_key key;
    rig_begin(&r);
    (void)rig_add_chain(&r, "a", the.a.chain);
    run(&r);
    scene_cosigned(the.a.chain, &cosigned);
    must(ledger_chain_index(ledger_follow_chain(r.f), "stops", 0, 1000, &held, NULL));
    must(bcemr_read_list(&bcemr_type_index, bcemr_buf_span(&held), 2, 100, &blocks, NULL));
    assert_true(bcemr_list_at(&bcemr_type_index, &blocks, 1, &raw));
    must(bcemr_read_index(raw, &block, NULL));
    const uint64_t height = block.height;
    /* The second block says what the first did. */
    assert_true(bcemr_list_at(&bcemr_type_index, &blocks, 0, &raw));
    ledger_key_begin(&key);
    ledger_key_add(&key, bcemr_text("stops"));
    ledger_key_add_number(&key, height);
    ledger_state state_now = lasting_state(&r.state);
    must(state_now.ops->begin(state_now.self));
    must(ledger_put(&state_now, LEDGER_INDEXES, ledger_key_span(&key), raw));
    must(state_now.ops->commit(state_now.self));
    assert_int_equal(ledger_follow_stops_hold(ledger_follow_chain(r.f), the.a.c.context,
                                              bcemr_buf_span(&cosigned), &r.err),
                     BCEMR_E_REFUSED);
    assert_int_equal(r.err.verdict, BCEMR_BAD_INDEX);
    bcemr_buf_free(&cosigned);
    bcemr_buf_free(&held);
    rig_end(&r);
}

/* Whose database it is may put a set of their own into it, and sign for that. */
static void a_set_of_somebodys_own(void **state)
{
    (void)state;
    rig r = {0};
    bcemr_buf cosigned = BCEMR_BUF_EMPTY, encoding = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY, forged = BCEMR_SET_EMPTY;
    bcemr_tr_state_set row;
    const bcemr_tr_member member = the.a.c.nodes[HOSPITAL_4].row;
    const bcemr_secrets *const keys[] = {&the.a.c.nodes[HOSPITAL_4].keys};
    ledger_key key;
    rig_begin(&r);
    (void)rig_add_chain(&r, "a", the.a.chain);
    run(&r);
    must(ledger_chain_checkpoint(ledger_follow_chain(r.f), &checkpoint, NULL));
    must(ledger_chain_set_numbered(ledger_follow_chain(r.f), checkpoint.set_number, &set, &row.leaf,
                                   NULL));
    const bcemr_tr_set made = {checkpoint.set_number, BCEMR_LIST_OF(&member, 1)};
    must(bcemr_write_set(&made, &encoding, NULL));
    must(bcemr_set_read(bcemr_buf_span(&encoding), &forged, NULL));
    row.set = bcemr_buf_span(&encoding);
    row.hash = forged.hash;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, checkpoint.set_number);
    ledger_state state_now = lasting_state(&r.state);
    must(state_now.ops->begin(state_now.self));
    must(ledger_put_record(&state_now, LEDGER_SETS, ledger_key_span(&key), &bcemr_type_state_set,
                           &row, NULL));
    must(state_now.ops->commit(state_now.self));
    must(ledger_chain_checkpoint(ledger_follow_chain(r.f), &checkpoint, NULL));
    assert_true(bcemr_hash_equal(&checkpoint.set, &forged.hash));
    consortium_cosign(&forged, &checkpoint, keys, 1, &cosigned);
    assert_int_equal(ledger_follow_stops_hold(ledger_follow_chain(r.f), the.a.c.context,
                                              bcemr_buf_span(&cosigned), &r.err),
                     BCEMR_E_REFUSED);
    assert_int_equal(r.err.verdict, BCEMR_BAD_SET);
    bcemr_set_free(&set);
    bcemr_set_free(&forged);
    bcemr_buf_free(&cosigned);
    bcemr_buf_free(&encoding);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catches_up_to_what_is_cosigned),
        cmocka_unit_test(goes_ahead_when_it_may),
        cmocka_unit_test(goes_on_after_a_restart),
        cmocka_unit_test(a_follower_serves_another),
        cmocka_unit_test(several_sources_agree),
        cmocka_unit_test(more_sources_than_fit),
        cmocka_unit_test(tells_how_far_it_is),
        cmocka_unit_test(follows_an_export),
        cmocka_unit_test(a_changed_export_is_refused),
        cmocka_unit_test(a_fork_that_is_shorter),
        cmocka_unit_test(a_fork_that_is_longer),
        cmocka_unit_test(a_fork_with_other_sets),
        cmocka_unit_test(a_fork_that_nobody_signed),
        cmocka_unit_test(an_own_log_that_went_ahead),
        cmocka_unit_test(a_signed_root_that_is_another),
        cmocka_unit_test(a_signed_field_that_is_another),
        cmocka_unit_test(a_signed_size_within_a_block),
        cmocka_unit_test(a_set_that_is_not_in_force),
        cmocka_unit_test(an_old_set_is_not_followed_past_its_end),
        cmocka_unit_test(too_few_signed),
        cmocka_unit_test(what_is_no_checkpoint),
        cmocka_unit_test(says_what_cannot_be),
        cmocka_unit_test(contradicts_itself),
        cmocka_unit_test(signs_two_logs_one_after_the_other),
        cmocka_unit_test(leaves_that_are_not_the_trees),
        cmocka_unit_test(leaves_that_are_none),
        cmocka_unit_test(a_block_without_end),
        cmocka_unit_test(a_signed_leaf_that_the_rules_refuse),
        cmocka_unit_test(signed_nonsense),
        cmocka_unit_test(proofs_that_show_nothing),
        cmocka_unit_test(sets_that_do_not_follow),
        cmocka_unit_test(a_source_that_is_silent),
        cmocka_unit_test(writes_that_fail),
        cmocka_unit_test(memory_that_is_short),
        cmocka_unit_test(evidence_that_cannot_be_kept),
        cmocka_unit_test(without_the_fork_check),
        cmocka_unit_test(without_the_leaf_checks),
        cmocka_unit_test(without_the_signature_check),
        cmocka_unit_test(without_the_stale_check),
        cmocka_unit_test(the_index_is_the_signed_one),
        cmocka_unit_test(an_index_that_lost_a_row),
        cmocka_unit_test(a_set_of_somebodys_own),
    };
    return cmocka_run_group_tests(tests, begin_scene, end_scene);
}
