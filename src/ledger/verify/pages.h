/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of a database file: SQLite's own check of all of them, and which of them hold a row,
 * for whoever has to say where on the disk something is wrong. A file system, a disk or a backup
 * damages pages, not rows.
 */
#ifndef LEDGER_VERIFY_PAGES_H
#define LEDGER_VERIFY_PAGES_H

#include "ledger/state/sqlite.h"

#include <bcemr/content.h>

#define LEDGER_PAGES_MAX 16
#define LEDGER_PAGES_WORDS 256

/* Numbers of pages from 1, as SQLite counts them; ascending, none twice. */
typedef struct ledger_pages {
    uint64_t count;
    uint32_t pages[LEDGER_PAGES_MAX];
    bool more; /* than there was room for */
} ledger_pages;

/*
 * SQLite's integrity check: every page read, every tree in order, no page in two places or in none.
 * progress: pages read of all; NULL allowed. Out: good; when not, the first problem in SQLite's
 * words and the pages that it names. Errors: those of ledger_sqlite_open but E_DAMAGED, which is an
 * answer; E_INTERRUPTED.
 */
BCEMR_MUST_USE bcemr_status ledger_pages_check(const char *path, const bcemr_progress *progress,
                                               bool *good, char words[LEDGER_PAGES_WORDS],
                                               ledger_pages *out, bcemr_error *err);
/*
 * The pages that hold a row: that of its key, and those that a long value runs over; for a row that
 * is not there, those on the way to where it would be. When the file cannot be opened or the row
 * cannot be read, the last page that was read before that is among them. Errors: E_NO_MEMORY.
 */
BCEMR_MUST_USE bcemr_status ledger_pages_of_row(const char *path, ledger_table table,
                                                bcemr_span key, ledger_pages *out);
/* The pages read last when rows are read from a key on until one cannot be. Errors: E_NO_MEMORY. */
BCEMR_MUST_USE bcemr_status ledger_pages_of_damage(const char *path, ledger_table table,
                                                   bcemr_span from, ledger_pages *out);

#endif
