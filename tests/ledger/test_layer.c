/* SPDX-License-Identifier: Apache-2.0 */
/* Layers on a base: the newest row wins in get and scan, however they are stacked, against an
 * array; frozen layers written into SQLite while they are still read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/state/rows.h"
#include "support/consortium.h"
#include "support/folder.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define KEYS 300

static char folder[FOLDER_ROOM], path[FOLDER_ROOM];
static const ledger_table tables[] = {LEDGER_SIGNS, LEDGER_LEAVES, LEDGER_NODES};
#define TABLES (sizeof tables / sizeof tables[0])

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static bcemr_span number_key(uint64_t n, ledger_key *key)
{
    ledger_key_begin(key);
    ledger_key_add_number(key, n);
    return ledger_key_span(key);
}

/* Value 0: no row. Values have a length of their own, from none to several pages. */
typedef struct model {
    uint32_t value[TABLES][KEYS];
} model;

static bcemr_span value_of(uint32_t value, uint8_t bytes[20000])
{
    const uint64_t n = value % 7 == 0 ? 0 : value % 97 == 0 ? 20000 : 4 + value % 500;
    memset(bytes, (int)(value & 0xff), (size_t)n);
    if (n >= 4)
        memcpy(bytes, &value, 4);
    return bcemr_span_of(bytes, n);
}

static void put(ledger_stack *stack, model *m, uint64_t t, uint64_t n, uint32_t value)
{
    static uint8_t bytes[20000];
    ledger_key key;
    m->value[t][n] = value;
    must(ledger_stack_put(stack, tables[t], number_key(n, &key), value_of(value, bytes)));
}

typedef struct seen {
    const model *m;
    uint64_t t, next, count, stop_after;
} seen;

static bcemr_status look(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    static uint8_t bytes[20000];
    seen *s = user;
    ledger_key expected;
    while (s->next < KEYS && s->m->value[s->t][s->next] == 0)
        s->next++;
    assert_true(s->next < KEYS);
    assert_true(bcemr_span_equal(key, number_key(s->next, &expected)));
    assert_true(bcemr_span_equal(value, value_of(s->m->value[s->t][s->next], bytes)));
    s->next++;
    s->count++;
    *more = s->count != s->stop_after;
    return BCEMR_OK;
}

static void compare(const ledger_stack *stack, const model *m, uint64_t *seed)
{
    static uint8_t bytes[20000];
    bcemr_buf held = BCEMR_BUF_EMPTY;
    ledger_key key;
    for (uint64_t t = 0; t < TABLES; t++) {
        uint64_t rows = 0;
        for (uint64_t n = 0; n < KEYS; n++) {
            bcemr_status status = ledger_stack_get(stack, tables[t], number_key(n, &key), &held);
            assert_int_equal(status, m->value[t][n] ? BCEMR_OK : BCEMR_E_NOT_FOUND);
            if (status == BCEMR_OK)
                assert_true(
                    bcemr_span_equal(bcemr_buf_span(&held), value_of(m->value[t][n], bytes)));
            rows += m->value[t][n] != 0;
        }
        seen all = {.m = m, .t = t};
        must(ledger_stack_scan(stack, tables[t], (bcemr_span){0}, (bcemr_span){0}, look, &all));
        assert_int_equal(all.count, rows);
        /* From the middle, and not to the end. */
        seen some = {.m = m, .t = t, .next = draw(seed) % KEYS, .stop_after = 1 + draw(seed) % 20};
        must(ledger_stack_scan(stack, tables[t], (bcemr_span){0}, number_key(some.next, &key), look,
                               &some));
        assert_true(some.count <= some.stop_after);
    }
    bcemr_buf_free(&held);
}

static void like_an_array(void **unused)
{
    (void)unused;
    const ledger_sqlite_options options = {.writes = true, .scratch = true};
    static model m, marked;
    uint64_t seed = 11;
    ledger_rows *rows;
    ledger_layer *layers[LEDGER_FROZEN_MAX + 1] = {NULL};
    folder_empty(folder);
    must(ledger_sqlite_create(path, &options, NULL));
    must(ledger_rows_open(path, &options, &rows, NULL));
    ledger_stack stack = {.base = ledger_rows_base(rows)};
    for (uint32_t round = 0; round < 120; round++) {
        uint64_t at = stack.frozen_count;
        must(ledger_layer_new(&layers[at]));
        stack.current = layers[at];
        for (uint32_t i = 0; i < 30; i++) {
            if (i % 10 == 0) {
                ledger_layer_mark(stack.current);
                marked = m;
            }
            put(&stack, &m, draw(&seed) % TABLES, draw(&seed) % KEYS, 1 + round * 100 + i);
            if (i % 10 == 9 && draw(&seed) % 3 == 0) {
                ledger_layer_undo(stack.current);
                m = marked;
            }
        }
        compare(&stack, &m, &seed);
        stack.current = NULL;
        must(ledger_stack_freeze(&stack, layers[at]));
        if (stack.frozen_count == LEDGER_FROZEN_MAX)
            assert_int_equal(ledger_stack_freeze(&stack, layers[at]), BCEMR_E_BUSY);
        if (stack.frozen_count < LEDGER_FROZEN_MAX && draw(&seed) % 6 != 0)
            continue;
        /* Some of them go down, in one transaction; the others stay. */
        uint64_t down = 1 + draw(&seed) % stack.frozen_count;
        must(ledger_rows_write(rows, stack.frozen, down));
        compare(&stack, &m, &seed); /* read from above, though they are below, too */
        ledger_stack_drop(&stack, down);
        for (uint64_t i = 0; i < down; i++)
            ledger_layer_free(layers[i]);
        memmove(layers, layers + down, (size_t)(stack.frozen_count * sizeof layers[0]));
        compare(&stack, &m, &seed);
    }
    for (uint64_t i = 0; i < stack.frozen_count; i++)
        ledger_layer_free(layers[i]);
    ledger_rows_close(rows);
}

/* What is undone and put again takes no more room: a layer of one row stays one. */
static void space_is_used_again(void **unused)
{
    (void)unused;
    ledger_layer *layer;
    static uint8_t bytes[3000];
    must(ledger_layer_new(&layer));
    for (uint64_t i = 0; i < 100000; i++) {
        must(ledger_layer_put(layer, LEDGER_KEYS, bcemr_text("k"), bcemr_span_of(bytes, i % 3000)));
        ledger_layer_settle(layer);
        ledger_layer_mark(layer);
        must(ledger_layer_put(layer, LEDGER_KEYS, bcemr_text("other"), bcemr_text("value")));
        must(ledger_layer_put(layer, LEDGER_KEYS, bcemr_text("k"), bcemr_text("value")));
        ledger_layer_undo(layer);
        assert_int_equal(ledger_layer_rows(layer), 1);
        assert_int_equal(ledger_layer_bytes(layer), 1 + i % 3000);
        assert_true(ledger_layer_room(layer) <= 65536);
    }
    bcemr_span found;
    ledger_layer_clear(layer);
    assert_int_equal(ledger_layer_rows(layer), 0);
    assert_int_equal(ledger_layer_bytes(layer), 0);
    assert_false(ledger_layer_find(layer, LEDGER_KEYS, bcemr_text("k"), &found));
    ledger_layer_free(layer);
}

/* ---- one thread writes what another reads ---- */

typedef struct writer {
    ledger_rows *rows;
    const ledger_layer *layer;
    pthread_t thread;
    bcemr_status status;
} writer;

static void *write_layer(void *user)
{
    writer *w = user;
    w->status = ledger_rows_write(w->rows, &w->layer, 1);
    return NULL;
}

static void read_while_written(void **unused)
{
    (void)unused;
    const ledger_sqlite_options options = {.writes = true, .scratch = true}, reads = {0};
    static model m;
    uint64_t seed = 5;
    writer w = {0};
    ledger_rows *reader;
    memset(&m, 0, sizeof m);
    folder_empty(folder);
    must(ledger_sqlite_create(path, &options, NULL));
    must(ledger_rows_open(path, &options, &w.rows, NULL));
    must(ledger_rows_open(path, &reads, &reader, NULL));
    ledger_stack stack = {.base = ledger_rows_base(reader)};
    for (uint32_t round = 0; round < 40; round++) {
        ledger_layer *layer;
        must(ledger_layer_new(&layer));
        stack.current = layer;
        for (uint32_t i = 0; i < 60; i++)
            put(&stack, &m, draw(&seed) % TABLES, draw(&seed) % KEYS, 1 + round * 100 + i);
        stack.current = NULL;
        must(ledger_stack_freeze(&stack, layer));
        w.layer = layer;
        assert_int_equal(pthread_create(&w.thread, NULL, write_layer, &w), 0);
        compare(&stack, &m, &seed);
        assert_int_equal(pthread_join(w.thread, NULL), 0);
        must(w.status);
        compare(&stack, &m, &seed); /* of the moment before, with the layer above it */
        must(ledger_rows_refresh(reader));
        ledger_stack_drop(&stack, 1);
        ledger_layer_free(layer);
        compare(&stack, &m, &seed);
    }
    ledger_rows_close(reader);
    ledger_rows_close(w.rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_an_array),
        cmocka_unit_test(space_is_used_again),
        cmocka_unit_test(read_while_written),
    };
    folder_make(folder);
    folder_path(path, folder, "ledger.db");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    folder_remove(folder);
    return failed;
}
