/* SPDX-License-Identifier: Apache-2.0 */
/* The state in memory: one layer that stays, with the open transaction in its journal. */
#include "ledger/state/layer.h"

typedef struct memory {
    ledger_layer *rows;
    bool open; /* in a transaction */
} memory;

static bcemr_status get(void *self, ledger_table table, bcemr_span key, bcemr_buf *value)
{
    const memory *m = self;
    bcemr_span found;
    if (!ledger_layer_find(m->rows, table, key, &found))
        return BCEMR_E_NOT_FOUND;
    return bcemr_buf_set(value, found);
}

static bcemr_status put(void *self, ledger_table table, bcemr_span key, bcemr_span value)
{
    memory *m = self;
    return m->open ? ledger_layer_put(m->rows, table, key, value) : BCEMR_E_STATE;
}

static bcemr_status scan(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                         ledger_row_visitor visit, void *user)
{
    const memory *m = self;
    const ledger_stack stack = {.frozen = {m->rows}, .frozen_count = 1};
    return ledger_stack_scan(&stack, table, prefix, from, visit, user);
}

static bcemr_status begin(void *self)
{
    memory *m = self;
    if (m->open)
        return BCEMR_E_STATE;
    m->open = true;
    return BCEMR_OK;
}

static bcemr_status mark(void *self)
{
    memory *m = self;
    if (!m->open)
        return BCEMR_E_STATE;
    ledger_layer_mark(m->rows);
    return BCEMR_OK;
}

static bcemr_status undo(void *self)
{
    memory *m = self;
    if (!m->open)
        return BCEMR_E_STATE;
    ledger_layer_undo(m->rows);
    return BCEMR_OK;
}

static bcemr_status commit(void *self)
{
    memory *m = self;
    if (!m->open)
        return BCEMR_E_STATE;
    ledger_layer_settle(m->rows);
    m->open = false;
    return BCEMR_OK;
}

static void rollback(void *self)
{
    memory *m = self;
    ledger_layer_revert(m->rows);
    m->open = false;
}

static void close_memory(void *self)
{
    memory *m = self;
    ledger_layer_free(m->rows);
    bcemr_release(m);
}

static const ledger_state_ops memory_ops = {
    .get = get,
    .put = put,
    .scan = scan,
    .begin = begin,
    .mark = mark,
    .keep = mark, /* what was put before it is beyond undo */
    .undo = undo,
    .commit = commit,
    .rollback = rollback,
    .close = close_memory,
};

uint64_t ledger_state_memory_rows(const ledger_state *state)
{
    return ledger_layer_rows(((const memory *)state->self)->rows);
}

bcemr_status ledger_state_memory(ledger_state *out)
{
    *out = (ledger_state){0};
    memory *m = bcemr_allocate(sizeof *m);
    if (!m || ledger_layer_new(&m->rows) != BCEMR_OK) {
        bcemr_release(m);
        return BCEMR_E_NO_MEMORY;
    }
    *out = (ledger_state){&memory_ops, m};
    return BCEMR_OK;
}
