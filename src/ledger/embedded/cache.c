/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that were read or written lately, in front of the reader: a Sign reads its visit, its doctor
 * and the signature before it, and in a database each costs more than checking it. Two generations:
 * what is found moves to the younger, and when that is full the elder goes.
 *
 * A row here is the one under the layers: of every layer that leaves the stack the rows come here
 * first. So a row is never older than what the reader shows.
 */
#include "ledger/embedded/internal.h"

/* Tables of which the rules read one row often; what is appended and seldom read stays out. */
static bool is_kept(ledger_table table)
{
    switch (table) {
    case LEDGER_GENESIS:
    case LEDGER_TIP:
    case LEDGER_PARAMS:
    case LEDGER_SETS:
    case LEDGER_ENROLMENTS:
    case LEDGER_DOCTORS:
    case LEDGER_VISITS:
    case LEDGER_PROGRESS:
    case LEDGER_SIGNS:
        return true;
    default:
        return false;
    }
}

void engine_cache_clear(engine_cache *cache)
{
    ledger_layer_clear(cache->young);
    ledger_layer_clear(cache->old);
}

bcemr_status engine_cache_begin(engine_cache *out, ledger_base under, uint64_t bytes)
{
    bcemr_status status = BCEMR_OK;
    out->under = under;
    out->generation = bytes / 2;
    TRY(ledger_layer_new(&out->young));
    TRY(ledger_layer_new(&out->old));
out:
    return status;
}

void engine_cache_free(engine_cache *cache)
{
    ledger_layer_free(cache->young);
    ledger_layer_free(cache->old);
    cache->young = cache->old = NULL;
}

/* Without memory nothing is kept: a row that is not renewed would be wrong. */
static void keep(engine_cache *cache, ledger_table table, bcemr_span key, bcemr_span value)
{
    if (ledger_layer_bytes(cache->young) + key.n + value.n > cache->generation) {
        ledger_layer *full = cache->young;
        ledger_layer_clear(cache->old);
        cache->young = cache->old;
        cache->old = full;
    }
    if (ledger_layer_put(cache->young, table, key, value) != BCEMR_OK)
        engine_cache_clear(cache);
    ledger_layer_settle(cache->young);
}

void engine_cache_renew(engine_cache *cache, const ledger_layer *layer)
{
    for (int table = 0; table < LEDGER_TABLE_COUNT; table++) {
        if (!is_kept((ledger_table)table))
            continue;
        const ledger_layer_row *row =
            ledger_layer_from(layer, (ledger_table)table, (bcemr_span){0});
        for (; row; row = ledger_layer_next(row))
            keep(cache, (ledger_table)table, ledger_layer_key(row), ledger_layer_value(row));
    }
}

static bcemr_status get(void *self, ledger_table table, bcemr_span key, bcemr_buf *value)
{
    engine_cache *cache = self;
    bcemr_span found;
    if (!is_kept(table))
        return cache->under.get(cache->under.self, table, key, value);
    if (ledger_layer_find(cache->young, table, key, &found))
        return bcemr_buf_set(value, found);
    bcemr_status status = ledger_layer_find(cache->old, table, key, &found)
                              ? bcemr_buf_set(value, found)
                              : cache->under.get(cache->under.self, table, key, value);
    if (status == BCEMR_OK)
        keep(cache, table, key, bcemr_buf_span(value));
    return status;
}

static bcemr_status scan(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                         ledger_row_visitor visit, void *user)
{
    const engine_cache *cache = self;
    return cache->under.scan(cache->under.self, table, prefix, from, visit, user);
}

ledger_base engine_cache_base(engine_cache *cache)
{
    return (ledger_base){get, scan, cache};
}
