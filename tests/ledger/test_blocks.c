/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block is made in one pass when every claim holds, and in two when one does not: rows, roots and
 * outcomes are the same either way, and those of entries that are applied one after the other.
 */
#include "rules_test.h"

#include <stdlib.h>

#define MOST 48

typedef struct history {
    bcemr_buf entries[MOST];
    int64_t tau; /* at which each of them is in time */
    uint64_t count;
} history;

static void read_history(const ledger_chain *chain, history *h)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts leaf;
    memset(h, 0, sizeof *h);
    for (uint64_t i = 1; i < ledger_chain_size(chain); i++) {
        bcemr_buf_clear(&held);
        must(ledger_chain_leaf(chain, i, &held));
        must(bcemr_leaf_read(bcemr_buf_span(&held), &leaf, NULL));
        if (leaf.parts.type == &bcemr_type_case_header)
            continue;
        assert_true(h->count < MOST);
        must(bcemr_buf_append(&h->entries[h->count++], leaf.signed_entry));
        if (i == ledger_chain_size(chain) / 2)
            h->tau = leaf.tau;
    }
    bcemr_buf_free(&held);
}

static void free_history(history *h)
{
    for (uint64_t i = 0; i < h->count; i++)
        bcemr_buf_free(&h->entries[i]);
}

/* A visit of three that is sealed, one of two that is signed once, amended and aborted, sharing. */
static void make_story(world *w, history *h)
{
    world_visit one, two;
    bcemr_tr_e_consent consent;
    bcemr_tr_e_access access_entry;
    bcemr_tr_e_revoke revoke;
    world_sealed_visit(w, 0, 3, &one);
    world_visit_make(w, 1, 2, &two);
    TAKEN(world_post_admit(w, &two));
    TAKEN(world_post_sign(w, &two, 1, 0));
    TAKEN(world_post_reissue(w, &two, 1, 0));
    TAKEN(world_post_sign(w, &two, 1, 1));
    TAKEN(world_post_amend(w, &two, (const int[]){3}, 1));
    TAKEN(world_post_abort(w, &two));
    for (uint64_t i = 1; i <= 2; i++) {
        world_consent(w, i, CLOUD_1, &consent);
        TAKEN(world_post_by(w, &bcemr_type_e_consent, &consent, CLOUD_1));
        world_access(w, i, CLOUD_1, &access_entry);
        TAKEN(world_post_by(w, &bcemr_type_e_access, &access_entry, CLOUD_1));
    }
    world_revoke(w, 1, &revoke);
    TAKEN(world_post(w, &bcemr_type_e_revoke, &revoke, NULL, 0));
    TAKEN(world_retire(w, 3));
    read_history(w->chain, h);
    world_visit_free(&one);
    world_visit_free(&two);
}

/* ---- one block, made in three ways ---- */

/* A chain and its state, which stays readable beside it. */
typedef struct opened {
    ledger_state state;
    ledger_chain *chain;
} opened;

static opened open_chain(const world *w)
{
    opened out;
    ledger_chain_options options = {.context = w->c.context};
    must(ledger_state_memory(&options.state));
    out.state = options.state;
    must(ledger_chain_open(&out.chain, &options, bcemr_buf_span(&w->c.signed_genesis), NULL));
    return out;
}

static bcemr_status dump(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    uint8_t lengths[16];
    (void)more;
    bcemr_store_u64(lengths, key.n);
    bcemr_store_u64(lengths + 8, value.n);
    must(bcemr_buf_append(user, bcemr_span_of(lengths, sizeof lengths)));
    must(bcemr_buf_append(user, key));
    return bcemr_buf_append(user, value);
}

static void all_rows(const ledger_state *state, bcemr_buf *out)
{
    for (int table = 0; table < LEDGER_TABLE_COUNT; table++)
        must(ledger_scan(state, (ledger_table)table, (bcemr_span){0}, (bcemr_span){0}, dump, out));
}

static void same_rows(const opened *a, const opened *b)
{
    bcemr_buf one = BCEMR_BUF_EMPTY, other = BCEMR_BUF_EMPTY;
    all_rows(&a->state, &one);
    all_rows(&b->state, &other);
    assert_true(one.n > 1000);
    assert_true(bcemr_span_equal(bcemr_buf_span(&one), bcemr_buf_span(&other)));
    bcemr_buf_free(&one);
    bcemr_buf_free(&other);
}

static uint64_t submit(const opened *o, int64_t tau, const bcemr_span *entries, uint64_t count,
                       ledger_outcome *outcomes)
{
    ledger_verifier_counts before, after;
    ledger_chain_counts(o->chain, &before);
    must(ledger_chain_submit(o->chain, tau, entries, count, outcomes, NULL));
    ledger_chain_counts(o->chain, &after);
    /* In a second pass claims are looked for again, and those that held are found. */
    return after.remembered - before.remembered;
}

/* The rules alone, an entry at a time, each claim checked where it stands. */
static void apply_singly(const world *w, int64_t tau, const bcemr_span *entries, uint64_t count,
                         uint32_t *reasons)
{
    opened o = open_chain(w);
    ledger_state *s = &o.state;
    ledger_verifier *verifier;
    ledger_effect effect = {0};
    ledger_position at = {1, tau, 1, NULL};
    bcemr_error err;
    must(ledger_verifier_new(&verifier, w->c.context, NULL, 0));
    must(s->ops->begin(s->self));
    for (uint64_t i = 0; i < count; i++) {
        must(s->ops->mark(s->self));
        bcemr_status status = ledger_apply(s, verifier, &at, entries[i], &effect, &err);
        reasons[i] = status == BCEMR_OK ? 0 : err.reason;
        must(status == BCEMR_OK ? s->ops->keep(s->self) : s->ops->undo(s->self));
        at.leaf += status != BCEMR_OK ? 0 : effect.sealed ? 2 : 1;
    }
    s->ops->rollback(s->self);
    ledger_effect_free(&effect);
    ledger_verifier_free(verifier);
    ledger_chain_close(o.chain);
}

/* Adds what is refused on its signature alone, so that the block takes two passes. */
static bcemr_span bad_revoke(world *w)
{
    bcemr_tr_e_revoke revoke;
    world_revoke(w, 9, &revoke);
    revoke.signature.b[3] ^= 4;
    consortium_sign(&w->c, &bcemr_type_e_revoke, &revoke, NULL, 0, &w->signed_entry);
    return bcemr_buf_span(&w->signed_entry);
}

/* Returns how many claims a first submission looked for twice: 0 when one pass was enough. */
static uint64_t compare(world *w, int64_t tau, bcemr_span *entries, uint64_t count)
{
    ledger_outcome one[MOST + 1], two[MOST + 1];
    uint32_t reasons[MOST + 1];
    opened a = open_chain(w), b = open_chain(w);
    uint64_t again = submit(&a, tau, entries, count, one);
    entries[count] = bad_revoke(w);
    assert_true(submit(&b, tau, entries, count + 1, two) > 0);
    apply_singly(w, tau, entries, count + 1, reasons);
    assert_int_equal(two[count].reason, LEDGER_R_REVOKE_SIGNATURE);
    assert_int_equal(reasons[count], LEDGER_R_REVOKE_SIGNATURE);
    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(one[i].status, two[i].status);
        assert_int_equal(one[i].reason, two[i].reason);
        assert_int_equal(one[i].reason, reasons[i]);
        if (one[i].status != BCEMR_OK)
            continue;
        assert_int_equal(one[i].leaf, two[i].leaf);
        assert_memory_equal(one[i].entry_hash.b, two[i].entry_hash.b, 32);
    }
    same_rows(&a, &b);
    ledger_chain_close(a.chain);
    ledger_chain_close(b.chain);
    return again;
}

/* ---- the tests ---- */

static void all_good(void **state)
{
    world *w = *state;
    history h;
    bcemr_span spans[MOST + 1];
    make_story(w, &h);
    for (uint64_t i = 0; i < h.count; i++)
        spans[i] = bcemr_buf_span(&h.entries[i]);
    assert_int_equal(compare(w, h.tau, spans, h.count), 0);
    /* A clock that is out of step: Signs are refused, by no claim. */
    assert_int_equal(compare(w, h.tau + 3600000, spans, h.count), 0);
    free_history(&h);
}

/* Entries left out, twice, out of their places, with a byte changed: whatever becomes of a block,
 * it is the same in one pass and in two. */
static void mixed(void **state)
{
    world *w = *state;
    history h;
    bcemr_buf changed[MOST] = {{0}};
    bcemr_span spans[MOST + 1];
    uint64_t once = 0, twice = 0;
    unsigned seed = 20240501;
    make_story(w, &h);
    for (int round = 0; round < 60; round++) {
        uint64_t n = 0, bad = 0;
        for (uint64_t i = 0; i < h.count; i++) {
            seed = seed * 1103515245u + 12345u;
            unsigned dice = seed >> 16 & 31;
            uint64_t from = dice == 3 && i > 0 ? i - 1 : i;
            if (dice == 1)
                continue;
            must(bcemr_buf_set(&changed[n], bcemr_buf_span(&h.entries[from])));
            if (dice == 2 && round % 2 == 1) {
                changed[n].p[changed[n].n - 1 - (seed >> 22) % 64] ^= 1;
                bad++;
            }
            spans[n] = bcemr_buf_span(&changed[n]);
            n++;
        }
        uint64_t again = compare(w, h.tau, spans, n);
        once += again == 0;
        twice += again > 0;
        assert_true(again == 0 || bad > 0);
    }
    print_message("in one pass: %u, in two: %u\n", (unsigned)once, (unsigned)twice);
    assert_true(once > 10 && twice > 10);
    for (int i = 0; i < MOST; i++)
        bcemr_buf_free(&changed[i]);
    free_history(&h);
}

/* A refused block of another engine names the first entry that is refused, not the first whose
 * signature is bad. */
static void first_refusal(void **state)
{
    world *w = *state;
    bcemr_tr_e_revoke revoke;
    bcemr_buf held[3] = {0};
    bcemr_span spans[4];
    bcemr_error err;
    for (uint64_t i = 0; i < 3; i++) {
        world_revoke(w, i, &revoke);
        revoke.signature.b[0] ^= i == 2;
        consortium_sign(&w->c, &bcemr_type_e_revoke, &revoke, NULL, 0, &held[i]);
    }
    spans[0] = spans[2] = bcemr_buf_span(&held[0]);
    spans[1] = bcemr_buf_span(&held[1]);
    spans[3] = bcemr_buf_span(&held[2]);
    opened o = open_chain(w);
    assert_int_equal(ledger_chain_replay(o.chain, 1, w->clock, spans, 4, &err), BCEMR_E_REFUSED);
    assert_int_equal(err.index, 2);
    assert_int_equal(err.reason, LEDGER_R_REVOKED_BEFORE);
    spans[2] = spans[3];
    spans[3] = spans[0];
    assert_int_equal(ledger_chain_replay(o.chain, 1, w->clock, spans, 4, &err), BCEMR_E_REFUSED);
    assert_int_equal(err.index, 2);
    assert_int_equal(err.reason, LEDGER_R_REVOKE_SIGNATURE);
    assert_int_equal(ledger_chain_size(o.chain), 1);
    must(ledger_chain_replay(o.chain, 1, w->clock, spans, 2, &err));
    assert_int_equal(ledger_chain_size(o.chain), 3);
    ledger_chain_close(o.chain);
    for (int i = 0; i < 3; i++)
        bcemr_buf_free(&held[i]);
}

/* A share that is no point, and the Seal that would sum it, in one block: the Sign is refused and
 * then the Seal, and the block does not fail. */
static void no_point(void **state)
{
    world *w = *state;
    history h;
    world_visit visit;
    bcemr_signed_parts parts;
    bcemr_tr_e_sign sign;
    bcemr_span spans[MOST + 1] = {{0}};
    ledger_outcome outcomes[MOST];
    world_sealed_visit(w, 0, 1, &visit);
    read_history(w->chain, &h);
    for (uint64_t i = 0; i < h.count; i++)
        spans[i] = bcemr_buf_span(&h.entries[i]);
    assert_true(h.count > 2);
    const uint64_t seal = h.count - 1, last = seal - 1;
    must(bcemr_signed_read(spans[last], &parts, NULL));
    must(bcemr_read_e_sign(parts.entry, &sign, NULL));
    memset(sign.delta.b + 1, 0, sizeof sign.delta.b - 1);
    sign.delta.b[47] = 1;
    consortium_sign(&w->c, &bcemr_type_e_sign, &sign, NULL, 0, &w->signed_entry);
    spans[last] = bcemr_buf_span(&w->signed_entry);
    opened o = open_chain(w);
    submit(&o, h.tau, spans, h.count, outcomes);
    assert_int_equal(outcomes[last - 1].reason, 0);
    assert_int_equal(outcomes[last].reason, LEDGER_R_SIGN_DELTA);
    assert_int_equal(outcomes[seal].reason, LEDGER_R_SEAL_UNSIGNED);
    ledger_chain_close(o.chain);
    free_history(&h);
    world_visit_free(&visit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_good),
        TEST(mixed),
        TEST(first_refusal),
        TEST(no_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
