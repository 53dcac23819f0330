/* SPDX-License-Identifier: Apache-2.0 */
/* The state over rows in SQLite, one thread's: a transaction is a layer until it is written. */
#include "ledger/state/sqlite.h"
#include "ledger/state/rows.h"
#include "wire/error.h"

typedef struct kept {
    ledger_rows *rows;
    ledger_layer *layer; /* empty outside a transaction */
    ledger_stack stack;
} kept;

static bcemr_status usable(const kept *k)
{
    return ledger_rows_stopped(k->rows) ? BCEMR_E_STOPPED : BCEMR_OK;
}

static bcemr_status in_transaction(const kept *k)
{
    bcemr_status status = usable(k);
    return status == BCEMR_OK && !k->stack.current ? BCEMR_E_STATE : status;
}

static bcemr_status get(void *self, ledger_table table, bcemr_span key, bcemr_buf *value)
{
    const kept *k = self;
    bcemr_status status = usable(k);
    return status == BCEMR_OK ? ledger_stack_get(&k->stack, table, key, value) : status;
}

static bcemr_status put(void *self, ledger_table table, bcemr_span key, bcemr_span value)
{
    kept *k = self;
    bcemr_status status = usable(k);
    return status == BCEMR_OK ? ledger_stack_put(&k->stack, table, key, value) : status;
}

static bcemr_status scan(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                         ledger_row_visitor visit, void *user)
{
    const kept *k = self;
    bcemr_status status = usable(k);
    return status == BCEMR_OK ? ledger_stack_scan(&k->stack, table, prefix, from, visit, user)
                              : status;
}

/* A state that is open for reading has transactions, too: only their commit is refused, since what
 * checks entries (ledger_chain_check) never commits. */
static bcemr_status begin(void *self)
{
    kept *k = self;
    bcemr_status status = usable(k);
    if (status != BCEMR_OK)
        return status;
    if (k->stack.current)
        return BCEMR_E_STATE;
    k->stack.current = k->layer;
    return BCEMR_OK;
}

static bcemr_status mark(void *self)
{
    kept *k = self;
    bcemr_status status = in_transaction(k);
    if (status == BCEMR_OK)
        ledger_layer_mark(k->layer);
    return status;
}

static bcemr_status undo(void *self)
{
    kept *k = self;
    bcemr_status status = in_transaction(k);
    if (status == BCEMR_OK)
        ledger_layer_undo(k->layer);
    return status;
}

static void rollback(void *self)
{
    kept *k = self;
    ledger_layer_clear(k->layer);
    k->stack.current = NULL;
}

static bcemr_status commit(void *self)
{
    bcemr_status status = BCEMR_OK;
    kept *k = self;
    TRY(in_transaction(k));
    const ledger_layer *const written = k->layer;
    TRY(ledger_rows_write(k->rows, &written, 1));
    rollback(k);
out:
    return status;
}

static void close_kept(void *self)
{
    kept *k = self;
    ledger_rows_close(k->rows);
    ledger_layer_free(k->layer);
    bcemr_release(k);
}

static bcemr_status refresh(void *self)
{
    kept *k = self;
    return k->stack.current ? BCEMR_E_STATE : ledger_rows_refresh(k->rows);
}

static const ledger_state_ops kept_ops = {
    .get = get,
    .put = put,
    .scan = scan,
    .begin = begin,
    .mark = mark,
    .keep = mark,
    .undo = undo,
    .commit = commit,
    .rollback = rollback,
    .close = close_kept,
    .refresh = refresh,
};

bcemr_status ledger_sqlite_open(const char *path, const ledger_sqlite_options *options,
                                ledger_state *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    *out = (ledger_state){0};
    kept *k = bcemr_allocate(sizeof *k);
    if (!k)
        FAIL(BCEMR_E_NO_MEMORY, "database", NULL);
    TRY_AT(ledger_layer_new(&k->layer), "database", NULL);
    TRY(ledger_rows_open(path, options, &k->rows, err));
    k->stack.base = ledger_rows_base(k->rows);
    *out = (ledger_state){&kept_ops, k};
    k = NULL;
out:
    if (k)
        ledger_layer_free(k->layer);
    bcemr_release(k);
    return status;
}

bcemr_status ledger_sqlite_refresh(ledger_state *state)
{
    return state->ops == &kept_ops ? refresh(state->self) : BCEMR_E_ARGUMENT;
}
