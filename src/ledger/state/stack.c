/* SPDX-License-Identifier: Apache-2.0 */
/* A base with layers on it: the newest row wins, and a scan is a merge. */
#include "ledger/state/layer.h"
#include "wire/error.h"

#include <string.h>

/* Layer number i of all, the newest first; NULL after the last. */
static const ledger_layer *layer_at(const ledger_stack *stack, uint64_t i)
{
    if (stack->current && i == 0)
        return stack->current;
    i -= stack->current != NULL;
    return i < stack->frozen_count ? stack->frozen[stack->frozen_count - 1 - i] : NULL;
}

bcemr_status ledger_stack_get(const ledger_stack *stack, ledger_table table, bcemr_span key,
                              bcemr_buf *value)
{
    bcemr_span found;
    const ledger_layer *layer;
    for (uint64_t i = 0; (layer = layer_at(stack, i)) != NULL; i++)
        if (ledger_layer_find(layer, table, key, &found))
            return bcemr_buf_set(value, found);
    if (!stack->base.get)
        return BCEMR_E_NOT_FOUND;
    return stack->base.get(stack->base.self, table, key, value);
}

bcemr_status ledger_stack_put(ledger_stack *stack, ledger_table table, bcemr_span key,
                              bcemr_span value)
{
    return stack->current ? ledger_layer_put(stack->current, table, key, value) : BCEMR_E_STATE;
}

bcemr_status ledger_stack_freeze(ledger_stack *stack, const ledger_layer *layer)
{
    if (stack->frozen_count == LEDGER_FROZEN_MAX)
        return BCEMR_E_BUSY;
    stack->frozen[stack->frozen_count++] = layer;
    return BCEMR_OK;
}

void ledger_stack_drop(ledger_stack *stack, uint64_t count)
{
    if (count > stack->frozen_count)
        count = stack->frozen_count;
    stack->frozen_count -= count;
    memmove(stack->frozen, stack->frozen + count,
            (size_t)(stack->frozen_count * sizeof(const ledger_layer *)));
}

/* ---- scans ---- */

/* The layers' next rows, the newest layer first, and who is to be told. */
typedef struct merge {
    const ledger_layer_row *next[LEDGER_FROZEN_MAX + 1];
    uint64_t layers;
    ledger_row_visitor visit;
    void *user;
    bool more;
} merge;

/* The row of the layers with the least key, the newest of equals; NULL when they have no more. */
static const ledger_layer_row *least(const merge *m)
{
    const ledger_layer_row *found = NULL;
    for (uint64_t i = 0; i < m->layers; i++)
        if (m->next[i] && (!found || bcemr_span_compare(ledger_layer_key(m->next[i]),
                                                        ledger_layer_key(found)) < 0))
            found = m->next[i];
    return found;
}

static bool starts_with(bcemr_span key, bcemr_span prefix)
{
    return key.n >= prefix.n && (prefix.n == 0 || memcmp(key.p, prefix.p, (size_t)prefix.n) == 0);
}

/* Every layer goes on past rows with this key. */
static void pass(merge *m, bcemr_span key)
{
    for (uint64_t i = 0; i < m->layers; i++)
        if (m->next[i] && (m->layers == 1 || bcemr_span_equal(ledger_layer_key(m->next[i]), key)))
            m->next[i] = ledger_layer_next(m->next[i]);
}

static bcemr_status visit_layer_row(merge *m, const ledger_layer_row *row)
{
    bcemr_span key = ledger_layer_key(row);
    bcemr_status status = m->visit(m->user, key, ledger_layer_value(row), &m->more);
    pass(m, key);
    return status;
}

/* A row of the base: after the layers' rows below it, unless they have it anew. */
static bcemr_status visit_base_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    bcemr_status status = BCEMR_OK;
    merge *m = user;
    const ledger_layer_row *row = least(m);
    while (m->more && row && bcemr_span_compare(ledger_layer_key(row), key) < 0) {
        TRY(visit_layer_row(m, row));
        row = least(m);
    }
    if (m->more && row && bcemr_span_equal(ledger_layer_key(row), key))
        TRY(visit_layer_row(m, row));
    else if (m->more)
        TRY(m->visit(m->user, key, value, &m->more));
    *more = m->more;
out:
    return status;
}

bcemr_status ledger_stack_scan(const ledger_stack *stack, ledger_table table, bcemr_span prefix,
                               bcemr_span from, ledger_row_visitor visit, void *user)
{
    bcemr_status status = BCEMR_OK;
    merge m = {.visit = visit, .user = user, .more = true};
    bcemr_span start = bcemr_span_compare(prefix, from) > 0 ? prefix : from;
    const ledger_layer *layer;
    const ledger_layer_row *row;
    while ((layer = layer_at(stack, m.layers)) != NULL)
        m.next[m.layers++] = ledger_layer_from(layer, table, start);
    if (stack->base.scan)
        TRY(stack->base.scan(stack->base.self, table, prefix, from, visit_base_row, &m));
    while (m.more && (row = least(&m)) != NULL && starts_with(ledger_layer_key(row), prefix))
        TRY(visit_layer_row(&m, row));
out:
    return status;
}
