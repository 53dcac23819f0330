/* SPDX-License-Identifier: Apache-2.0 */
/* A log played again leaf by leaf: the same rows however the work is cut; whatever is changed in
 * it is found, and the first bad leaf is the one that is named. */
#include "rules_test.h"

#include "ledger/chain/internal.h"
#include "ledger/verify/replay.h"
#include "support/ledger_story.h"

#define LEAVES 96

typedef struct history {
    bcemr_buf leaves[LEAVES];
    uint64_t count;
} history;

static void read_history(const ledger_chain *chain, history *h)
{
    memset(h, 0, sizeof *h);
    h->count = ledger_chain_size(chain);
    assert_true(h->count <= LEAVES);
    for (uint64_t i = 0; i < h->count; i++)
        must(ledger_chain_leaf(chain, i, &h->leaves[i]));
}

static void free_history(history *h)
{
    for (uint64_t i = 0; i < h->count; i++)
        bcemr_buf_free(&h->leaves[i]);
}

static ledger_replay *begin(const world *w, ledger_replay_options options)
{
    ledger_replay *r;
    options.context = w->c.context;
    must(ledger_state_memory(&options.state));
    must(ledger_replay_new(&r, &options, bcemr_buf_span(&w->c.signed_genesis), NULL));
    return r;
}

/* Plays the leaves until one is refused. */
static bcemr_status play(ledger_replay *r, const history *h, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    for (uint64_t i = 0; i < h->count && status == BCEMR_OK; i++)
        status = ledger_replay_leaf(r, bcemr_buf_span(&h->leaves[i]), err);
    return status == BCEMR_OK ? ledger_replay_end(r, err) : status;
}

/* ---- the same rows ---- */

typedef struct other {
    const ledger_state *state;
    ledger_table table;
    uint64_t rows;
} other;

static bcemr_status same_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    other *o = user;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    (void)more;
    must(ledger_get(o->state, o->table, key, &held));
    assert_true(bcemr_span_equal(bcemr_buf_span(&held), value));
    bcemr_buf_free(&held);
    o->rows++;
    return BCEMR_OK;
}

/* Every row of a is in b, but for those that no log fills. */
static uint64_t rows_within(const ledger_state *a, const ledger_state *b)
{
    other o = {.state = b};
    for (int t = 0; t < LEDGER_TABLE_COUNT; t++) {
        if (t == LEDGER_COSIGNED || t == LEDGER_COSIGNER || t == LEDGER_REFUSED)
            continue;
        const uint64_t before = o.rows;
        o.table = (ledger_table)t;
        must(ledger_scan(a, o.table, (bcemr_span){0}, (bcemr_span){0}, same_row, &o));
        assert_true(o.rows > before); /* the story fills every table */
    }
    return o.rows;
}

static void same_rows_however(void **state)
{
    world *w = *state;
    history h;
    bcemr_error err;
    static const ledger_replay_options ways[] = {
        {.beside = false},
        {.beside = true},
        {.beside = true, .batch = 1, .transaction = 1},
        {.beside = false, .batch = 3, .transaction = 7},
        {.beside = true, .batch = 5, .transaction = 1000},
    };
    story_play(w);
    read_history(w->chain, &h);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        ledger_replay *r = begin(w, ways[i]);
        ledger_verifier_counts counts;
        must(play(r, &h, &err));
        const ledger_chain *again = ledger_replay_chain(r);
        assert_int_equal(rows_within(&w->chain->state, &again->state),
                         rows_within(&again->state, &w->chain->state));
        assert_int_equal(ledger_replay_blocks(r), ledger_chain_height(w->chain) + 1);
        ledger_replay_counts(r, &counts);
        assert_true(counts.single + counts.batched > h.count);
        assert_int_equal(ledger_replay_leaf(r, bcemr_buf_span(&h.leaves[1]), &err), BCEMR_E_STATE);
        ledger_replay_free(r);
    }
    free_history(&h);
}

/* ---- what is changed is found ---- */

static void refused_at(const world *w, const history *h, uint64_t leaf, bcemr_verdict verdict,
                       uint32_t reason)
{
    bcemr_error err;
    for (int beside = 0; beside < 2; beside++) {
        ledger_replay *r = begin(w, (ledger_replay_options){.beside = beside, .batch = 30});
        const bcemr_status status = play(r, h, &err);
        if (status != BCEMR_E_REFUSED || err.index != leaf || err.verdict != verdict ||
            (reason && err.reason != reason))
            fail_msg("leaf %u: %s %s %s at %u instead of %s %s", (unsigned)leaf,
                     bcemr_status_name(status), bcemr_verdict_name(err.verdict),
                     ledger_reason_name(err.reason), (unsigned)err.index,
                     bcemr_verdict_name(verdict), ledger_reason_name(reason));
        assert_int_equal(ledger_replay_leaf(r, bcemr_buf_span(&h->leaves[1]), &err), BCEMR_E_STATE);
        ledger_replay_free(r);
    }
}

/* Where in a leaf the signature is that an entry lives by. */
static uint8_t *signature_in(bcemr_buf *leaf)
{
    bcemr_leaf_parts parts;
    bcemr_tr_signer row;
    must(bcemr_leaf_read(bcemr_buf_span(leaf), &parts, NULL));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_signer, &parts.parts.signers);
    while (bcemr_list_next(&iter, &row))
        if (row.signature.n != 112)
            return leaf->p + (row.signature.p - leaf->p);
    if (parts.parts.type == &bcemr_type_case_header)
        return NULL;
    /* What carries its own ends with it, but for Sign's svk and Confirm's host behind it. */
    const uint8_t *end = parts.parts.entry.p + parts.parts.entry.n;
    uint64_t back = 20;
    if (parts.parts.type == &bcemr_type_e_sign) {
        bcemr_tr_e_sign sign;
        must(bcemr_read_e_sign(parts.parts.entry, &sign, NULL));
        back = 8 + sign.svk.n + 20;
    }
    if (parts.parts.type == &bcemr_type_e_confirm)
        back = 8 + 16 + 20; /* no host */
    return leaf->p + (end - leaf->p) - back;
}

static void every_signature_counts(void **state)
{
    world *w = *state;
    history h;
    uint64_t tried = 0;
    story_play(w);
    read_history(w->chain, &h);
    for (uint64_t i = 1; i < h.count; i++) {
        uint8_t *p = signature_in(&h.leaves[i]);
        if (!p)
            continue;
        *p ^= 1;
        refused_at(w, &h, i, BCEMR_LEDGER_REFUSED, 0);
        *p ^= 1;
        tried++;
    }
    assert_true(tried > 25);
    free_history(&h);
}

static uint64_t find_kind(const history *h, const bcemr_type *type)
{
    bcemr_leaf_parts parts;
    for (uint64_t i = 0; i < h->count; i++) {
        must(bcemr_leaf_read(bcemr_buf_span(&h->leaves[i]), &parts, NULL));
        if (parts.parts.type == type)
            return i;
    }
    fail();
    return 0;
}

/* The same leaf at another height and time. */
static void move_leaf(bcemr_buf *leaf, uint64_t height, int64_t tau)
{
    bcemr_leaf_parts parts;
    bcemr_buf moved = BCEMR_BUF_EMPTY;
    must(bcemr_leaf_read(bcemr_buf_span(leaf), &parts, NULL));
    must(bcemr_leaf_make(parts.signed_entry, height, tau, &moved, NULL));
    must(bcemr_buf_set(leaf, bcemr_buf_span(&moved)));
    bcemr_buf_free(&moved);
}

static void take_out(history *h, uint64_t at)
{
    bcemr_buf_free(&h->leaves[at]);
    for (uint64_t i = at; i + 1 < h->count; i++)
        h->leaves[i] = h->leaves[i + 1];
    h->count--;
}

static void case_headers(void **state)
{
    world *w = *state;
    history h;
    bcemr_leaf_parts parts;
    story_play(w);
    read_history(w->chain, &h);
    const uint64_t header = find_kind(&h, &bcemr_type_case_header);
    /* Another one. */
    must(bcemr_leaf_read(bcemr_buf_span(&h.leaves[header]), &parts, NULL));
    uint8_t *last =
        h.leaves[header].p + (parts.parts.entry.p - h.leaves[header].p) + parts.parts.entry.n - 1;
    *last ^= 1;
    refused_at(w, &h, header, BCEMR_BAD_LEAF, 0);
    *last ^= 1;
    /* One that nobody waits for. */
    bcemr_buf kept = h.leaves[header + 1];
    h.leaves[header + 1] = BCEMR_BUF_EMPTY;
    must(bcemr_buf_set(&h.leaves[header + 1], bcemr_buf_span(&h.leaves[header])));
    refused_at(w, &h, header + 1, BCEMR_LEDGER_REFUSED, LEDGER_R_NOT_POSTED);
    bcemr_buf_free(&h.leaves[header + 1]);
    h.leaves[header + 1] = kept;
    /* None where one is due: in the middle, in the same block, at the end. */
    take_out(&h, header);
    refused_at(w, &h, header, BCEMR_BAD_LEAF, 0);
    must(bcemr_leaf_read(bcemr_buf_span(&h.leaves[header - 1]), &parts, NULL));
    move_leaf(&h.leaves[header], parts.height, parts.tau);
    refused_at(w, &h, header, BCEMR_BAD_LEAF, 0);
    while (h.count > header)
        take_out(&h, h.count - 1);
    refused_at(w, &h, header, BCEMR_BAD_LEAF, 0);
    free_history(&h);
}

static void heights_and_times(void **state)
{
    world *w = *state;
    history h;
    bcemr_error err;
    bcemr_leaf_parts parts;
    story_play(w);
    read_history(w->chain, &h);
    const uint64_t last = h.count - 1;
    must(bcemr_leaf_read(bcemr_buf_span(&h.leaves[last]), &parts, NULL));
    const uint64_t height = parts.height;
    const int64_t tau = parts.tau;
    const struct {
        uint64_t height;
        int64_t tau;
        bcemr_status status;
    } bad[] = {
        {height - 2, tau, BCEMR_E_UNSORTED},
        {height, tau - 100000, BCEMR_E_UNSORTED},
        {height - 1, tau, BCEMR_E_REFUSED}, /* one block, two times */
        {LEDGER_HEIGHT_MAX, tau, BCEMR_E_INTEGER_RANGE},
        {height, LEDGER_TAU_MAX + 1, BCEMR_E_INTEGER_RANGE},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ledger_replay *r = begin(w, (ledger_replay_options){.beside = true});
        move_leaf(&h.leaves[last], bad[i].height, bad[i].tau);
        assert_int_equal(play(r, &h, &err), bad[i].status);
        assert_int_equal(err.index, last);
        ledger_replay_free(r);
    }
    /* Bytes that are no leaf. */
    ledger_replay *r = begin(w, (ledger_replay_options){.beside = true});
    h.leaves[last].n--;
    assert_int_equal(play(r, &h, &err), BCEMR_E_TRUNCATED);
    assert_int_equal(err.index, last);
    ledger_replay_free(r);
    free_history(&h);
}

/* An earlier leaf's signature is what is wrong, though a later leaf fails at once. */
static void the_first_is_named(void **state)
{
    world *w = *state;
    history h;
    story_play(w);
    read_history(w->chain, &h);
    *signature_in(&h.leaves[3]) ^= 1;
    move_leaf(&h.leaves[5], 0, 0);
    refused_at(w, &h, 3, BCEMR_LEDGER_REFUSED, 0);
    free_history(&h);
}

static void other_beginnings(void **state)
{
    world *w = *state;
    history h;
    bcemr_error err;
    ledger_replay *r;
    ledger_replay_options options = {.context = w->c.context};
    story_play(w);
    read_history(w->chain, &h);
    /* A state that holds something. */
    options.state = w->chain->state;
    assert_int_equal(ledger_replay_new(&r, &options, bcemr_buf_span(&w->c.signed_genesis), &err),
                     BCEMR_E_EXISTS);
    assert_null(r);
    /* Another leaf 0 than the genesis, and no genesis. */
    h.leaves[0].p[h.leaves[0].n - 1] ^= 1;
    r = begin(w, options);
    assert_int_not_equal(play(r, &h, &err), BCEMR_OK);
    assert_int_equal(err.index, 0);
    ledger_replay_free(r);
    must(ledger_state_memory(&options.state));
    assert_int_equal(ledger_replay_new(&r, &options, bcemr_text("none"), &err), BCEMR_E_TRUNCATED);
    assert_null(r);
    ledger_state_close(&options.state);
    free_history(&h);
}

static void out_of_memory(void **state)
{
    world *w = *state;
    history h;
    bcemr_error err;
    story_play(w);
    read_history(w->chain, &h);
    bcemr_switch_fail_allocation(0);
    const uint64_t before = bcemr_switch_allocations();
    ledger_replay *r = begin(w, (ledger_replay_options){.batch = 30});
    const uint64_t begun = bcemr_switch_allocations();
    must(play(r, &h, &err));
    ledger_replay_free(r);
    const uint64_t all = bcemr_switch_allocations();
    assert_true(begun > before && all > begun);
    for (uint64_t n = 1; n < all - begun; n += 1 + n / 8) {
        r = begin(w, (ledger_replay_options){.batch = 30});
        bcemr_switch_fail_allocation(n);
        const bcemr_status status = play(r, &h, &err);
        bcemr_switch_fail_allocation(0);
        if (status != BCEMR_OK) {
            assert_int_equal(status, BCEMR_E_NO_MEMORY);
            assert_true(err.index == BCEMR_NOWHERE);
        }
        ledger_replay_free(r);
    }
    free_history(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(same_rows_however), TEST(every_signature_counts), TEST(case_headers),
        TEST(heights_and_times), TEST(the_first_is_named),     TEST(other_beginnings),
        TEST(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
