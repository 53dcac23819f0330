/* SPDX-License-Identifier: Apache-2.0 */
/* The state interface, on each of the states: against a plain array, with undo and rollback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/state/state.h"
#include "ledger/state/sqlite.h"
#include "support/consortium.h"
#include "support/folder.h"
#include "wire/fault.h"

#include <string.h>

#define KEYS 200

/* The state that the suite is about. */
static bcemr_status (*open_state)(ledger_state *out);
static char folder[FOLDER_ROOM], path[FOLDER_ROOM];

static bcemr_status open_sqlite(ledger_state *out)
{
    const ledger_sqlite_options options = {.writes = true, .scratch = true};
    folder_empty(folder);
    must(ledger_sqlite_create(path, &options, NULL));
    return ledger_sqlite_open(path, &options, out, NULL);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* What should be there: a value for each key, 0 for none. */
typedef struct model {
    uint32_t value[KEYS];
} model;

static bcemr_span key_of(uint64_t number, uint8_t bytes[4])
{
    /* Lengths differ, and some keys are the beginning of others. */
    bytes[0] = (uint8_t)(number / 50);
    bytes[1] = (uint8_t)(number % 50 / 7);
    bytes[2] = (uint8_t)(number % 50 % 7);
    return bcemr_span_of(bytes, bytes[2] == 0 ? 2 : 3);
}

static void put(ledger_state *state, model *m, uint64_t number, uint32_t value)
{
    uint8_t bytes[4];
    m->value[number] = value;
    must(ledger_put(state, LEDGER_VISITS, key_of(number, bytes),
                    bcemr_span_of(&value, sizeof value)));
}

typedef struct seen {
    bcemr_span prefix;
    uint64_t count;
    uint8_t last[4];
    uint64_t last_length;
    const model *m;
} seen;

static bcemr_status look(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    seen *s = user;
    (void)more;
    assert_true(s->count == 0 ||
                bcemr_span_compare(bcemr_span_of(s->last, s->last_length), key) < 0);
    assert_true(s->prefix.n <= key.n &&
                bcemr_span_equal(bcemr_span_of(key.p, s->prefix.n), s->prefix));
    memcpy(s->last, key.p, (size_t)key.n);
    s->last_length = key.n;
    uint64_t number = (uint64_t)key.p[0] * 50 + (uint64_t)key.p[1] * 7 + (key.n > 2 ? key.p[2] : 0);
    uint32_t got;
    memcpy(&got, value.p, sizeof got);
    assert_int_equal(got, s->m->value[number]);
    s->count++;
    return BCEMR_OK;
}

static void compare(const ledger_state *state, const model *m)
{
    uint8_t bytes[4];
    bcemr_buf held = BCEMR_BUF_EMPTY;
    uint64_t expected = 0, of_first = 0;
    for (uint64_t i = 0; i < KEYS; i++) {
        bool there = ledger_get(state, LEDGER_VISITS, key_of(i, bytes), &held) == BCEMR_OK;
        assert_int_equal(there, m->value[i] != 0);
        expected += there;
        of_first += there && i < 50;
    }
    seen s = {.m = m};
    must(ledger_scan(state, LEDGER_VISITS, (bcemr_span){0}, (bcemr_span){0}, look, &s));
    assert_int_equal(s.count, expected);
    const uint8_t zero = 0;
    s = (seen){.prefix = bcemr_span_of(&zero, 1), .m = m};
    must(ledger_scan(state, LEDGER_VISITS, s.prefix, s.prefix, look, &s));
    assert_int_equal(s.count, of_first);
    bcemr_buf_free(&held);
}

static void like_an_array(void **unused)
{
    (void)unused;
    ledger_state state;
    model now = {{0}}, marked, begun;
    uint64_t seed = 7;
    must(open_state(&state));
    for (uint32_t round = 0; round < 200; round++) {
        begun = now;
        must(state.ops->begin(state.self));
        for (uint32_t step = 0; step < 5; step++) {
            marked = now;
            must(state.ops->mark(state.self));
            for (uint32_t n = 0; n < 4; n++)
                put(&state, &now, next_random(&seed) % KEYS, 1 + round * 100 + step * 10 + n);
            if (next_random(&seed) % 3 == 0) {
                must(state.ops->undo(state.self));
                now = marked;
            } else {
                must(state.ops->keep(state.self));
            }
        }
        if (next_random(&seed) % 4 == 0) {
            state.ops->rollback(state.self);
            now = begun;
        } else {
            must(state.ops->commit(state.self));
        }
        compare(&state, &now);
    }
    ledger_state_close(&state);
    ledger_state_close(&state);
    ledger_state_close(NULL);
}

static bcemr_status stop_at_three(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    uint64_t *count = user;
    (void)key;
    (void)value;
    *more = ++*count < 3;
    return BCEMR_OK;
}

static bcemr_status fail_at_two(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    uint64_t *count = user;
    (void)key;
    (void)value;
    (void)more;
    return ++*count == 2 ? BCEMR_E_IO : BCEMR_OK;
}

static void scans_end_when_told(void **unused)
{
    (void)unused;
    ledger_state state;
    model m = {{0}};
    uint64_t count = 0;
    uint8_t bytes[4];
    must(open_state(&state));
    must(state.ops->begin(state.self));
    for (uint32_t i = 0; i < 20; i++)
        put(&state, &m, i, i + 1);
    must(state.ops->commit(state.self));
    must(ledger_scan(&state, LEDGER_VISITS, (bcemr_span){0}, (bcemr_span){0}, stop_at_three,
                     &count));
    assert_int_equal(count, 3);
    count = 0;
    assert_int_equal(
        ledger_scan(&state, LEDGER_VISITS, (bcemr_span){0}, (bcemr_span){0}, fail_at_two, &count),
        BCEMR_E_IO);
    seen s = {.m = &m};
    must(ledger_scan(&state, LEDGER_VISITS, (bcemr_span){0}, key_of(15, bytes), look, &s));
    assert_int_equal(s.count, 5);
    ledger_state_close(&state);
}

static void transactions_in_order(void **unused)
{
    (void)unused;
    ledger_state state;
    must(open_state(&state));
    const bcemr_span key = bcemr_text("k");
    assert_int_equal(ledger_put(&state, LEDGER_KEYS, key, key), BCEMR_E_STATE);
    assert_int_equal(state.ops->mark(state.self), BCEMR_E_STATE);
    assert_int_equal(state.ops->undo(state.self), BCEMR_E_STATE);
    assert_int_equal(state.ops->commit(state.self), BCEMR_E_STATE);
    state.ops->rollback(state.self);
    must(state.ops->begin(state.self));
    assert_int_equal(state.ops->begin(state.self), BCEMR_E_STATE);
    must(ledger_put(&state, LEDGER_KEYS, key, (bcemr_span){0}));
    bool there;
    must(ledger_has(&state, LEDGER_KEYS, key, &there));
    assert_true(there);
    must(ledger_has(&state, LEDGER_SETS, key, &there));
    assert_false(there);
    ledger_state_close(&state);
}

/* Whichever allocation fails: the put fails, and nothing of it is there. */
static void out_of_memory(void **unused)
{
    (void)unused;
    for (uint64_t n = 1; n < 6; n++) {
        ledger_state state;
        model m = {{0}};
        must(open_state(&state));
        must(state.ops->begin(state.self));
        for (uint32_t i = 0; i < 50; i++)
            put(&state, &m, i, i + 1);
        must(state.ops->mark(state.self));
        uint8_t bytes[4];
        uint32_t value = 9;
        bcemr_switch_fail_allocation(n);
        bcemr_status status = BCEMR_OK;
        for (uint64_t i = 60; i < 66 && status == BCEMR_OK; i++)
            status = ledger_put(&state, LEDGER_VISITS, key_of(i, bytes),
                                bcemr_span_of(&value, sizeof value));
        bcemr_switch_fail_allocation(0);
        assert_int_equal(status, BCEMR_E_NO_MEMORY);
        must(state.ops->undo(state.self));
        compare(&state, &m);
        must(state.ops->commit(state.self));
        compare(&state, &m);
        ledger_state_close(&state);
    }
}

static void keys_sort_as_numbers(void **unused)
{
    (void)unused;
    static const uint64_t numbers[] = {0, 1, 255, 256, 65536, UINT64_MAX / 2, UINT64_MAX};
    ledger_key one, other;
    for (size_t i = 0; i + 1 < sizeof numbers / sizeof numbers[0]; i++) {
        ledger_key_begin(&one);
        ledger_key_begin(&other);
        ledger_key_add_number(&one, numbers[i]);
        ledger_key_add_number(&other, numbers[i + 1]);
        assert_true(bcemr_span_compare(ledger_key_span(&one), ledger_key_span(&other)) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_an_array),         cmocka_unit_test(scans_end_when_told),
        cmocka_unit_test(transactions_in_order), cmocka_unit_test(out_of_memory),
        cmocka_unit_test(keys_sort_as_numbers),
    };
    folder_make(folder);
    folder_path(path, folder, "ledger.db");
    open_state = ledger_state_memory;
    int failed = cmocka_run_group_tests_name("memory", tests, NULL, NULL);
    open_state = open_sqlite;
    failed += cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
    folder_remove(folder);
    return failed;
}
