/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the state in SQLite: opening and making a file, what its codes mean. SQLite is
 * wrapped here and in rows.c, and nowhere else.
 */
#ifndef LEDGER_STATE_DATABASE_H
#define LEDGER_STATE_DATABASE_H

#include "ledger/state/sqlite.h"

#include <sqlite3.h>

#define DATABASE_APPLICATION 0x62636d72 /* "bcmr" */
#define DATABASE_PAGE 4096
#define DATABASE_WAIT_MS 5000 /* for who recovers or checkpoints just now */

/* What a result code means, after a call on db (NULL allowed) failed with it. Full disks and
 * missing rights are told by the system's number where the code does not say it. */
bcemr_status database_status(sqlite3 *db, int code);

/* Runs SQL that gives no rows. */
BCEMR_MUST_USE bcemr_status database_run(sqlite3 *db, const char *sql);
/* The one integer that SQL gives. */
BCEMR_MUST_USE bcemr_status database_number(sqlite3 *db, const char *sql, int64_t *out);

typedef enum database_how {
    DATABASE_READ,
    DATABASE_READ_FROZEN, /* nobody can change the file: no WAL, no shared memory beside it */
    DATABASE_WRITE,
    DATABASE_MAKE /* not a ledger's yet: nothing is looked at */
} database_how;

/*
 * A connection, its page cache and its checks set; not to be shared by threads. All but MAKE: it is
 * a ledger's database of a known schema (E_NOT_A_LEDGER, E_SCHEMA, E_DAMAGED), and nothing is
 * created under that name. *out is NULL on failure.
 */
BCEMR_MUST_USE bcemr_status database_open(const char *path, const ledger_sqlite_options *options,
                                          database_how how, sqlite3 **out, bcemr_error *err);
/* What opening looks at: a ledger's database, of a known schema, with exactly our tables. */
BCEMR_MUST_USE bcemr_status database_check(sqlite3 *db, bcemr_error *err);
/* The empty tables. */
BCEMR_MUST_USE bcemr_status database_make_tables(sqlite3 *db);

/* ---- files beside it (lock.c) ---- */

/* path and a suffix, for the caller to release. NULL without memory. */
char *database_beside(const char *path, const char *suffix);
/*
 * The lock of PATH.lock: exclusive for who writes, shared for who must have nobody write.
 * *lock: the open file, -1 on failure. E_IN_USE, E_NO_ACCESS, E_IO; a shared one does not create
 * the file: E_NOT_FOUND.
 */
BCEMR_MUST_USE bcemr_status database_lock(const char *path, bool exclusive, int *lock,
                                          bcemr_error *err);
void database_unlock(int lock); /* -1 allowed */
/* What is there under that name: E_NOT_FOUND, E_NO_ACCESS, E_NOT_A_LEDGER (no plain file), E_IO. */
BCEMR_MUST_USE bcemr_status database_look(const char *path);
/* The folder that path lies in, for the caller to release. NULL without memory. */
char *database_folder(const char *path);
/* Whether files can be made in it. */
bool database_folder_takes(const char *path);
/* What the system's number means. */
bcemr_status database_system_status(int number);

#endif
