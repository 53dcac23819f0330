/* SPDX-License-Identifier: Apache-2.0 */
/* Rows: layers in memory over a reader, and the writer that the layers go to. */
#include "ledger/embedded/internal.h"

#include <string.h>

_Static_assert(LEDGER_ENGINE_COMMITS == LEDGER_FROZEN_MAX,
               "a piece of work commits as often as layers may lie on each other");

/* ---- the store ---- */

static bcemr_status open_database(engine_store *out, const ledger_engine_options *options,
                                  bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    ledger_sqlite_options how = {.writes = true};
    if (options->database)
        how = *options->database;
    how.writes = true;
    TRY(ledger_rows_open(options->path, &how, &out->row_writer, err));
    how.writes = false;
    TRY(ledger_rows_open(options->path, &how, &out->row_reader, err));
out:
    return status;
}

static bcemr_status open_stores(engine_store *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const ledger_engine_stores *s = &out->stores;
    TRY(s->open_writer(s->user, &out->writer, err));
    out->alone = !s->open_reader;
    if (!out->alone)
        TRY(s->open_reader(s->user, &out->reader, err));
out:
    return status;
}

bcemr_status engine_store_open(engine_store *out, const ledger_engine_options *options,
                               bcemr_error *err)
{
    *out = (engine_store){.alone = false};
    if (options->stores)
        out->stores = *options->stores;
    bcemr_status status =
        options->stores ? open_stores(out, err) : open_database(out, options, err);
    if (status != BCEMR_OK)
        engine_store_close(out);
    return status;
}

void engine_store_close(engine_store *store)
{
    ledger_rows_close(store->row_reader);
    ledger_rows_close(store->row_writer);
    ledger_state_close(&store->reader);
    ledger_state_close(&store->writer);
    *store = (engine_store){.alone = false};
}

static bcemr_status put_layer(const ledger_state *to, const ledger_layer *layer)
{
    bcemr_status status = BCEMR_OK;
    for (int table = 0; table < LEDGER_TABLE_COUNT; table++) {
        const ledger_layer_row *row =
            ledger_layer_from(layer, (ledger_table)table, (bcemr_span){0});
        for (; row; row = ledger_layer_next(row))
            TRY(to->ops->put(to->self, (ledger_table)table, ledger_layer_key(row),
                             ledger_layer_value(row)));
    }
out:
    return status;
}

bcemr_status engine_store_write(engine_store *store, const ledger_layer *const *layers,
                                uint64_t count)
{
    bcemr_status status = BCEMR_OK;
    const ledger_state *to = &store->writer;
    if (store->row_writer)
        return ledger_rows_write(store->row_writer, layers, count);
    TRY(to->ops->begin(to->self));
    for (uint64_t i = 0; i < count && status == BCEMR_OK; i++)
        status = put_layer(to, layers[i]);
    if (status == BCEMR_OK)
        status = to->ops->commit(to->self);
    if (status != BCEMR_OK)
        to->ops->rollback(to->self);
out:
    return status;
}

bcemr_status engine_store_refresh(engine_store *store)
{
    const ledger_state *reader = &store->reader;
    if (store->row_reader)
        return ledger_rows_refresh(store->row_reader);
    if (store->alone || !reader->ops->refresh)
        return BCEMR_OK;
    return reader->ops->refresh(reader->self);
}

/* ---- the state of the chain ---- */

static bcemr_status base_get(void *self, ledger_table table, bcemr_span key, bcemr_buf *value)
{
    return ledger_get(self, table, key, value);
}

static bcemr_status base_scan(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                              ledger_row_visitor visit, void *user)
{
    return ledger_scan(self, table, prefix, from, visit, user);
}

bcemr_status engine_state_begin(engine_state *out, engine_store *store, uint64_t row_bytes)
{
    ledger_base base = {base_get, base_scan, store->alone ? &store->writer : &store->reader};
    if (store->row_reader)
        base = ledger_rows_base(store->row_reader);
    *out = (engine_state){.store = store};
    out->stack.base = engine_cache_base(&out->cache);
    return engine_cache_begin(&out->cache, base, row_bytes);
}

static bcemr_status get(void *self, ledger_table table, bcemr_span key, bcemr_buf *value)
{
    const engine_state *s = self;
    return ledger_stack_get(&s->stack, table, key, value);
}

static bcemr_status put(void *self, ledger_table table, bcemr_span key, bcemr_span value)
{
    engine_state *s = self;
    return ledger_stack_put(&s->stack, table, key, value);
}

static bcemr_status scan(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                         ledger_row_visitor visit, void *user)
{
    const engine_state *s = self;
    return ledger_stack_scan(&s->stack, table, prefix, from, visit, user);
}

static bcemr_status begin(void *self)
{
    engine_state *s = self;
    if (s->stack.current)
        return BCEMR_E_STATE;
    if (s->spare_count > 0) {
        s->stack.current = s->spare[--s->spare_count];
        return BCEMR_OK;
    }
    return ledger_layer_new(&s->stack.current);
}

static bcemr_status mark(void *self)
{
    engine_state *s = self;
    if (!s->stack.current)
        return BCEMR_E_STATE;
    ledger_layer_mark(s->stack.current);
    return BCEMR_OK;
}

static bcemr_status undo(void *self)
{
    engine_state *s = self;
    if (!s->stack.current)
        return BCEMR_E_STATE;
    ledger_layer_undo(s->stack.current);
    return BCEMR_OK;
}

static void put_away(engine_state *s, ledger_layer *layer)
{
    if (s->spare_count == LEDGER_FROZEN_MAX) {
        ledger_layer_free(layer);
        return;
    }
    ledger_layer_clear(layer);
    s->spare[s->spare_count++] = layer;
}

/* Not durable: the layer is frozen, and whoever made it commit has it written. */
static bcemr_status commit(void *self)
{
    bcemr_status status = BCEMR_OK;
    engine_state *s = self;
    ledger_layer *layer = s->stack.current;
    if (!layer)
        return BCEMR_E_STATE;
    TRY(ledger_stack_freeze(&s->stack, layer));
    ledger_layer_settle(layer);
    s->stack.current = NULL;
    s->made[s->made_count++] = layer;
out:
    return status;
}

static void rollback(void *self)
{
    engine_state *s = self;
    if (s->stack.current)
        put_away(s, s->stack.current);
    s->stack.current = NULL;
}

static const ledger_state_ops ops = {.get = get,
                                     .put = put,
                                     .scan = scan,
                                     .begin = begin,
                                     .mark = mark,
                                     .keep = mark,
                                     .undo = undo,
                                     .commit = commit,
                                     .rollback = rollback,
                                     .close = rollback};

ledger_state engine_state_interface(engine_state *state)
{
    return (ledger_state){&ops, state};
}

void engine_state_drop(engine_state *s, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        /* Frozen here by commit, so its own: the stack only reads it. */
        ledger_layer *layer = (ledger_layer *)(uintptr_t)s->stack.frozen[0];
        engine_cache_renew(&s->cache, layer);
        ledger_stack_drop(&s->stack, 1);
        put_away(s, layer);
    }
}

void engine_state_free(engine_state *s)
{
    if (!s->store)
        return;
    rollback(s);
    engine_state_drop(s, s->stack.frozen_count);
    while (s->spare_count > 0)
        ledger_layer_free(s->spare[--s->spare_count]);
    engine_cache_free(&s->cache);
    s->store = NULL;
}
