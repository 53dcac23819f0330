/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps a chain going: bounds on time, height, rows of a block and memory, and a store that
 * says what the rules alone may say. */
#include "rules_test.h"

#include "ledger/chain/internal.h"
#include "wire/table.h"

/* ---- a store that refuses ---- */

static bcemr_status refusing_put(void *self, ledger_table table, bcemr_span key, bcemr_span value)
{
    (void)self;
    (void)table;
    (void)key;
    (void)value;
    return BCEMR_E_REFUSED;
}

/* A refusal without a reason is none by the rules: the entry is not taken for accepted. */
static void refused_without_a_reason(void **state)
{
    world *w = *state;
    bcemr_tr_e_revoke revoke;
    ledger_outcome outcome = {0};
    const ledger_state_ops *real = w->chain->state.ops;
    ledger_state_ops refusing = *real;
    uint64_t size = ledger_chain_size(w->chain);
    refusing.put = refusing_put;
    world_revoke(w, 1, &revoke);
    consortium_sign(&w->c, &bcemr_type_e_revoke, &revoke, NULL, 0, &w->signed_entry);
    bcemr_span entry = bcemr_buf_span(&w->signed_entry);
    w->chain->state.ops = &refusing;
    assert_int_equal(ledger_chain_submit(w->chain, w->clock + 1000, &entry, 1, &outcome, &w->err),
                     BCEMR_E_STATE);
    assert_int_equal(ledger_chain_submit_one(w->chain, w->clock + 1000, entry, NULL, &w->err),
                     BCEMR_E_STATE);
    assert_int_equal(ledger_chain_replay(w->chain, 1000, w->clock + 1000, &entry, 1, &w->err),
                     BCEMR_E_STATE);
    w->chain->state.ops = real;
    assert_int_equal(ledger_chain_size(w->chain), size);
    TAKEN(world_submit(w, entry));
}

/* ---- time and height ---- */

static void no_block_is_the_last(void **state)
{
    world *w = *state;
    bcemr_tr_e_revoke revoke;
    ledger_outcome outcome;
    world_revoke(w, 1, &revoke);
    consortium_sign(&w->c, &bcemr_type_e_revoke, &revoke, NULL, 0, &w->signed_entry);
    bcemr_span entry = bcemr_buf_span(&w->signed_entry);
    uint64_t next = ledger_chain_height(w->chain) + 1;
    static const int64_t taus[] = {INT64_MAX, LEDGER_TAU_MAX + 1};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ledger_chain_replay(w->chain, next, taus[i], &entry, 1, &w->err),
                         BCEMR_E_INTEGER_RANGE);
        assert_string_equal(w->err.field, "tau");
        assert_int_equal(ledger_chain_submit(w->chain, taus[i], &entry, 1, &outcome, &w->err),
                         BCEMR_E_INTEGER_RANGE);
    }
    int64_t tau = ledger_chain_tau(w->chain) + 1;
    static const uint64_t heights[] = {UINT64_MAX, LEDGER_HEIGHT_MAX};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ledger_chain_replay(w->chain, heights[i], tau, &entry, 1, &w->err),
                         BCEMR_E_INTEGER_RANGE);
        assert_string_equal(w->err.field, "height");
    }
    /* At the end of time the ledger says so and stays as it is. */
    must(ledger_chain_replay(w->chain, next, LEDGER_TAU_MAX, &entry, 1, NULL));
    world_revoke(w, 2, &revoke);
    consortium_sign(&w->c, &bcemr_type_e_revoke, &revoke, NULL, 0, &w->signed_entry);
    entry = bcemr_buf_span(&w->signed_entry);
    assert_int_equal(ledger_chain_submit(w->chain, 0, &entry, 1, &outcome, &w->err),
                     BCEMR_E_INTEGER_RANGE);
    assert_int_equal(ledger_chain_tau(w->chain), LEDGER_TAU_MAX);
}

/* ---- rows of an index in a block ---- */

static bcemr_status append_at(world *w, ledger_index_name name, uint64_t rows)
{
    block b = {.chain = w->chain, .size = ledger_chain_size(w->chain)};
    b.effect.index = name;
    b.stops.count = name == LEDGER_INDEX_STOPS ? rows : 0;
    b.finds.count = name == LEDGER_INDEX_FINDS ? rows : 0;
    bcemr_status status = chain_append(&b, bcemr_buf_span(&w->signed_entry), &w->err);
    b.stops.count = b.finds.count = 0; /* there are none */
    chain_block_free(&b);
    return status;
}

static void a_block_adds_no_more_rows_than_an_index_can_list(void **state)
{
    world *w = *state;
    static const ledger_index_name names[] = {LEDGER_INDEX_STOPS, LEDGER_INDEX_FINDS};
    assert_int_equal(bcemr_type_index.fields[3].hi, LEDGER_INDEX_ROWS_MAX);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(append_at(w, names[i], LEDGER_INDEX_ROWS_MAX), BCEMR_E_REFUSED);
        assert_int_equal(w->err.reason, LEDGER_R_QUOTA);
    }
}

/* ---- memory ---- */

#define BATCH 1000

/* Refused for their signatures: their claims were collected as if each held. */
static void refused_entries_leave_no_rows(void **state)
{
    world *w = *state;
    static bcemr_buf held[BATCH];
    static bcemr_span spans[BATCH];
    static ledger_outcome outcomes[BATCH];
    bcemr_tr_e_access entry;
    consortium_row row = world_node_row(w, CLOUD_1);
    row.by = &w->c.nodes[CLOUD_2].keys; /* in another's name */
    uint64_t rows = ledger_state_memory_rows(&w->chain->state);
    for (uint64_t n = 0; n < 10; n++) {
        for (uint64_t i = 0; i < BATCH; i++) {
            bcemr_buf_clear(&held[i]);
            world_access(w, n * BATCH + i, CLOUD_1, &entry);
            consortium_sign(&w->c, &bcemr_type_e_access, &entry, &row, 1, &held[i]);
            spans[i] = bcemr_buf_span(&held[i]);
        }
        must(ledger_chain_submit(w->chain, w->clock, spans, BATCH, outcomes, &w->err));
        for (uint64_t i = 0; i < BATCH; i++)
            assert_int_equal(outcomes[i].reason, LEDGER_R_SUPERNODE_SIGNATURE);
        assert_int_equal(ledger_state_memory_rows(&w->chain->state), rows);
    }
    for (uint64_t i = 0; i < BATCH; i++)
        bcemr_buf_free(&held[i]);
}

/* Rows put, undone and put again in any order: what was kept is there, in order, and no more. */
static bcemr_status count_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    (void)value;
    (void)more;
    uint8_t *last = user;
    assert_true(key.p[0] % 3 == 0 && (last[1]++ == 0 || key.p[0] > last[0]));
    last[0] = key.p[0];
    return BCEMR_OK;
}

static void undone_rows_are_gone(void **state)
{
    (void)state;
    ledger_state s;
    bcemr_buf value = BCEMR_BUF_EMPTY;
    must(ledger_state_memory(&s));
    must(s.ops->begin(s.self));
    for (int round = 0; round < 3; round++)
        for (unsigned i = 0; i < 256; i++) {
            uint8_t key = (uint8_t)(i * 167);
            must(s.ops->mark(s.self));
            must(ledger_put(&s, LEDGER_HANDLES, bcemr_span_of(&key, 1), bcemr_text("value")));
            must(ledger_put(&s, LEDGER_HANDLES, bcemr_span_of(&key, 1), bcemr_text("again")));
            if (key % 3 == 0)
                must(s.ops->keep(s.self));
            else
                must(s.ops->undo(s.self));
        }
    must(s.ops->commit(s.self));
    assert_int_equal(ledger_state_memory_rows(&s), 86);
    uint8_t last[2] = {0};
    must(ledger_scan(&s, LEDGER_HANDLES, (bcemr_span){0}, (bcemr_span){0}, count_row, last));
    assert_int_equal(last[1], 86);
    must(s.ops->begin(s.self));
    uint8_t fresh[2] = {1, 2}, kept[1] = {3};
    must(ledger_put(&s, LEDGER_HANDLES, bcemr_span_of(fresh, 2), bcemr_text("value")));
    must(ledger_put(&s, LEDGER_HANDLES, bcemr_span_of(kept, 1), bcemr_text("other")));
    s.ops->rollback(s.self);
    assert_int_equal(ledger_state_memory_rows(&s), 86);
    must(ledger_get(&s, LEDGER_HANDLES, bcemr_span_of(kept, 1), &value));
    assert_true(bcemr_span_equal(bcemr_buf_span(&value), bcemr_text("again")));
    bcemr_buf_free(&value);
    ledger_state_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refused_without_a_reason),
        TEST(no_block_is_the_last),
        TEST(a_block_adds_no_more_rows_than_an_index_can_list),
        TEST(refused_entries_leave_no_rows),
        TEST(undone_rows_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
