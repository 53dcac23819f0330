/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/follow/stage.h"
#include "wire/error.h"

struct ledger_stage {
    ledger_state *below;
    ledger_layer *layer;
    ledger_stack stack; /* the layer on the state below, always its current one */
    bool open;          /* in a transaction */
};

static bcemr_status get(void *self, ledger_table table, bcemr_span key, bcemr_buf *value)
{
    const ledger_stage *stage = self;
    return ledger_stack_get(&stage->stack, table, key, value);
}

static bcemr_status put(void *self, ledger_table table, bcemr_span key, bcemr_span value)
{
    ledger_stage *stage = self;
    return stage->open ? ledger_stack_put(&stage->stack, table, key, value) : BCEMR_E_STATE;
}

static bcemr_status scan(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                         ledger_row_visitor visit, void *user)
{
    const ledger_stage *stage = self;
    return ledger_stack_scan(&stage->stack, table, prefix, from, visit, user);
}

static bcemr_status begin(void *self)
{
    ledger_stage *stage = self;
    if (stage->open)
        return BCEMR_E_STATE;
    stage->open = true;
    return BCEMR_OK;
}

static bcemr_status mark(void *self)
{
    ledger_stage *stage = self;
    if (!stage->open)
        return BCEMR_E_STATE;
    ledger_layer_mark(stage->layer);
    return BCEMR_OK;
}

static bcemr_status keep(void *self)
{
    const ledger_stage *stage = self;
    return stage->open ? BCEMR_OK : BCEMR_E_STATE;
}

static bcemr_status undo(void *self)
{
    ledger_stage *stage = self;
    if (!stage->open)
        return BCEMR_E_STATE;
    ledger_layer_undo(stage->layer);
    return BCEMR_OK;
}

static bcemr_status commit(void *self)
{
    ledger_stage *stage = self;
    if (!stage->open)
        return BCEMR_E_STATE;
    ledger_layer_settle(stage->layer);
    stage->open = false;
    return BCEMR_OK;
}

static void rollback(void *self)
{
    ledger_stage *stage = self;
    if (stage->open)
        ledger_layer_revert(stage->layer);
    stage->open = false;
}

static void close_state(void *self)
{
    (void)self;
}

static const ledger_state_ops stage_ops = {.get = get,
                                           .put = put,
                                           .scan = scan,
                                           .begin = begin,
                                           .mark = mark,
                                           .keep = keep,
                                           .undo = undo,
                                           .commit = commit,
                                           .rollback = rollback,
                                           .close = close_state};

bcemr_status ledger_stage_new(ledger_stage **out, ledger_state *below)
{
    bcemr_status status = BCEMR_OK;
    ledger_stage *stage = bcemr_allocate(sizeof *stage);
    *out = NULL;
    if (!stage)
        return BCEMR_E_NO_MEMORY;
    stage->below = below;
    TRY(ledger_layer_new(&stage->layer));
    stage->stack.base = (ledger_base){below->ops->get, below->ops->scan, below->self};
    stage->stack.current = stage->layer;
    *out = stage;
out:
    if (status != BCEMR_OK)
        bcemr_release(stage);
    return status;
}

void ledger_stage_free(ledger_stage *stage)
{
    if (!stage)
        return;
    ledger_layer_free(stage->layer);
    bcemr_release(stage);
}

ledger_state ledger_stage_state(ledger_stage *stage)
{
    return (ledger_state){&stage_ops, stage};
}

static bcemr_status write_rows(ledger_stage *stage)
{
    bcemr_status status = BCEMR_OK;
    for (ledger_table table = 0; table < LEDGER_TABLE_COUNT; table++)
        for (const ledger_layer_row *row = ledger_layer_from(stage->layer, table, (bcemr_span){0});
             row; row = ledger_layer_next(row))
            TRY(ledger_put(stage->below, table, ledger_layer_key(row), ledger_layer_value(row)));
out:
    return status;
}

bcemr_status ledger_stage_flush(ledger_stage *stage)
{
    bcemr_status status = BCEMR_OK;
    const ledger_state_ops *ops = stage->below->ops;
    if (stage->open)
        return BCEMR_E_STATE;
    if (ledger_layer_rows(stage->layer) == 0)
        return BCEMR_OK;
    TRY(ops->begin(stage->below->self));
    status = write_rows(stage);
    if (status == BCEMR_OK)
        status = ops->commit(stage->below->self);
    if (status == BCEMR_OK)
        ledger_layer_clear(stage->layer);
    else
        ops->rollback(stage->below->self);
out:
    return status;
}

void ledger_stage_discard(ledger_stage *stage)
{
    ledger_layer_clear(stage->layer);
    stage->open = false;
}

uint64_t ledger_stage_bytes(const ledger_stage *stage)
{
    return ledger_layer_bytes(stage->layer);
}
