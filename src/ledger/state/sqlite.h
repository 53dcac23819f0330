/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state in an SQLite database: one SQL table a ledger table, one transaction a block, WAL.
 * What is put in a transaction stays in memory (layer.h) until commit writes all of it at once;
 * commit returns when it is durable (one fsync of the WAL).
 *
 * One writer: an flock on PATH.lock, held while the state is open for writing. Any number of
 * readers, in this process and in others, beside a live writer.
 *
 * After a write or sync that failed the state is stopped: every later call but close gives
 * E_STOPPED, since what is on the disk is known again only to who opens it anew.
 */
#ifndef LEDGER_STATE_SQLITE_H
#define LEDGER_STATE_SQLITE_H

#include "ledger/state/state.h"

#define LEDGER_SQLITE_SCHEMA 1

typedef struct ledger_sqlite_options {
    bool writes;              /* take the writer's lock; otherwise read-only */
    bool scratch;             /* never synced: for what is thrown away with the process */
    const bcemr_hash *ledger; /* NULL: whichever it is */
    const char *vfs;          /* NULL: the system's; tests name their own */
    uint64_t cache_kib;       /* 0: 8 MiB */
    uint64_t wal_kib;         /* the WAL is moved into the file when it holds so much; 0: 16 MiB */
} ledger_sqlite_options;

/*
 * Makes an empty database at path: nothing is there under that name until it is whole and durable.
 * Errors: E_EXISTS, E_IO, E_FULL, E_NO_ACCESS.
 */
BCEMR_MUST_USE bcemr_status ledger_sqlite_create(const char *path,
                                                 const ledger_sqlite_options *options,
                                                 bcemr_error *err);
/*
 * Opens what create made; out is closed with ledger_state_close. One thread at a time an open
 * state; several states of one file side by side.
 * Errors: E_NOT_FOUND (nothing is created), E_NOT_A_LEDGER, E_SCHEMA (newer than this program),
 * E_IN_USE (another writer), E_DAMAGED, E_IO, E_NO_ACCESS; E_REFUSED with WRONG_LEDGER.
 */
BCEMR_MUST_USE bcemr_status ledger_sqlite_open(const char *path,
                                               const ledger_sqlite_options *options,
                                               ledger_state *out, bcemr_error *err);
/*
 * Of a state opened for reading: everything read until the next call is of one moment, the newest
 * committed now. (The first moment begins with opening.) See ledger_chain_refresh.
 */
BCEMR_MUST_USE bcemr_status ledger_sqlite_refresh(ledger_state *state);

#endif
