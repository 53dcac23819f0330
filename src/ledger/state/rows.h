/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows in an SQLite database, without layers: one object is one connection. A thread that writes
 * and threads that read each have their own, on the same file; WAL lets them run side by side.
 *
 * Reading: everything between two refreshes is of one moment (a read transaction, begun at the
 * first read after a refresh). A moment that is held long keeps the WAL from being started over,
 * so whoever reads refreshes now and then; the writer's own connection need not be refreshed.
 */
#ifndef LEDGER_STATE_ROWS_H
#define LEDGER_STATE_ROWS_H

#include "ledger/state/layer.h"
#include "ledger/state/sqlite.h"

typedef struct ledger_rows ledger_rows;

/* Errors: those of ledger_sqlite_open. With options->writes it takes the writer's lock. */
BCEMR_MUST_USE bcemr_status ledger_rows_open(const char *path, const ledger_sqlite_options *options,
                                             ledger_rows **out, bcemr_error *err);
/* NULL allowed. Gives the lock back. */
void ledger_rows_close(ledger_rows *rows);

/* Whether a write failed. */
bool ledger_rows_stopped(const ledger_rows *rows);

/* As in ledger_state_ops. */
BCEMR_MUST_USE bcemr_status ledger_rows_get(ledger_rows *rows, ledger_table table, bcemr_span key,
                                            bcemr_buf *value);
BCEMR_MUST_USE bcemr_status ledger_rows_scan(ledger_rows *rows, ledger_table table,
                                             bcemr_span prefix, bcemr_span from,
                                             ledger_row_visitor visit, void *user);
/* The same with self a ledger_rows, for a stack. */
ledger_base ledger_rows_base(ledger_rows *rows);
/* Ends the moment that reads are of: the next read begins a new one, the newest. */
BCEMR_MUST_USE bcemr_status ledger_rows_refresh(ledger_rows *rows);

/*
 * Writes all rows of at most LEDGER_FROZEN_MAX layers, oldest first, in one transaction, and
 * returns when they are durable (at once in a scratch one). The layers are only read. When it
 * fails, nothing of it counts and rows are stopped: every later call but close gives E_STOPPED.
 * Errors: E_FULL, E_IO, E_DAMAGED, E_NO_MEMORY, E_STOPPED; E_BUSY (another program holds SQLite's
 * own lock) and E_STATE (not opened for writing, or too many layers) stop nothing.
 */
BCEMR_MUST_USE bcemr_status ledger_rows_write(ledger_rows *rows, const ledger_layer *const *layers,
                                              uint64_t count);

#endif
