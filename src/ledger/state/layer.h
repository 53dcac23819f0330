/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that were put in one transaction, in memory: for each table an ordered list, and a journal
 * of what was there before, back to a mark. Space comes from chunks of the layer's own, so that a
 * row costs no allocation and a whole layer goes at once; what is undone or replaced is used again.
 *
 * A layer that nobody changes any more (frozen: a committed block that is not durable yet) may be
 * read by several threads at a time; nothing here changes on reading.
 */
#ifndef LEDGER_STATE_LAYER_H
#define LEDGER_STATE_LAYER_H

#include "ledger/state/state.h"

typedef struct ledger_layer ledger_layer;

BCEMR_MUST_USE bcemr_status ledger_layer_new(ledger_layer **out);
void ledger_layer_free(ledger_layer *layer); /* NULL allowed */
/* No rows, no journal; the chunks stay for the next block up to a bound. */
void ledger_layer_clear(ledger_layer *layer);

/* Inserts or replaces; the bytes are copied. On E_NO_MEMORY nothing changed. */
BCEMR_MUST_USE bcemr_status ledger_layer_put(ledger_layer *layer, ledger_table table,
                                             bcemr_span key, bcemr_span value);
/* Whether the layer has the row; *value then points into it until the next change. */
bool ledger_layer_find(const ledger_layer *layer, ledger_table table, bcemr_span key,
                       bcemr_span *value);

void ledger_layer_mark(ledger_layer *layer);   /* here is where undo goes back to */
void ledger_layer_undo(ledger_layer *layer);   /* back to the mark; the first: no rows */
void ledger_layer_settle(ledger_layer *layer); /* all stays: forgets the journal */
void ledger_layer_revert(ledger_layer *layer); /* back to when it was last settled, or empty */

uint64_t ledger_layer_rows(const ledger_layer *layer);
uint64_t ledger_layer_bytes(const ledger_layer *layer); /* of keys and values of all rows */
uint64_t ledger_layer_room(const ledger_layer *layer);  /* of the chunks that hold them */

/* ---- in order ---- */

typedef struct ledger_layer_row ledger_layer_row;
/* The first row of a table whose key is not below from, and the one after a row; NULL: none. */
const ledger_layer_row *ledger_layer_from(const ledger_layer *layer, ledger_table table,
                                          bcemr_span from);
const ledger_layer_row *ledger_layer_next(const ledger_layer_row *row);
bcemr_span ledger_layer_key(const ledger_layer_row *row);
bcemr_span ledger_layer_value(const ledger_layer_row *row);

/* ---- a base with layers on it ---- */

/* What lies under the layers: get and scan as in ledger_state_ops; NULL: nothing does. */
typedef struct ledger_base {
    bcemr_status (*get)(void *self, ledger_table table, bcemr_span key, bcemr_buf *value);
    bcemr_status (*scan)(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                         ledger_row_visitor visit, void *user);
    void *self;
} ledger_base;

#define LEDGER_FROZEN_MAX 16

/*
 * The view of one thread: base, frozen layers (oldest first), the transaction's own on top. The
 * newest row wins. Another thread may write the frozen layers into the base meanwhile, if each
 * stays here until the base shows it whole: reading a row from either gives the same.
 */
typedef struct ledger_stack {
    ledger_base base;
    const ledger_layer *frozen[LEDGER_FROZEN_MAX];
    uint64_t frozen_count;
    ledger_layer *current; /* NULL outside a transaction */
} ledger_stack;

BCEMR_MUST_USE bcemr_status ledger_stack_get(const ledger_stack *stack, ledger_table table,
                                             bcemr_span key, bcemr_buf *value);
/* E_STATE outside a transaction. */
BCEMR_MUST_USE bcemr_status ledger_stack_put(ledger_stack *stack, ledger_table table,
                                             bcemr_span key, bcemr_span value);
BCEMR_MUST_USE bcemr_status ledger_stack_scan(const ledger_stack *stack, ledger_table table,
                                              bcemr_span prefix, bcemr_span from,
                                              ledger_row_visitor visit, void *user);
/* Puts a layer on the frozen ones: E_BUSY when LEDGER_FROZEN_MAX lie there. */
BCEMR_MUST_USE bcemr_status ledger_stack_freeze(ledger_stack *stack, const ledger_layer *layer);
/* Takes the oldest count frozen layers away: the base shows them now. They stay the caller's. */
void ledger_stack_drop(ledger_stack *stack, uint64_t count);

#endif
