/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by prepared statements: reads of one moment, and blocks as one transaction. */
#include "ledger/state/rows.h"
#include "ledger/state/database.h"
#include "wire/error.h"

#include <string.h>

#define WAL_KIB ((uint64_t)16384)
#define WAL_WAIT_MS 200 /* for readers to refresh, when it has grown to twice that */

struct ledger_rows {
    sqlite3 *db;
    sqlite3_stmt *get[LEDGER_TABLE_COUNT], *scan[LEDGER_TABLE_COUNT], *put[LEDGER_TABLE_COUNT];
    bool scanning[LEDGER_TABLE_COUNT];
    int lock;
    bool writes;
    bool stopped;
    uint64_t wal_pages; /* in the WAL after the last commit */
    uint64_t wal_step;  /* so many more, and it is moved into the file ... */
    uint64_t wal_next;  /* ... which is next at so many */
    int64_t schema;     /* SQLite's number of the tables that were compared with ours */
    bool wal_owed;      /* what an earlier process left in it is not in the file yet */
};

static const char *const get_sql[] = {
#define X(name, text) [LEDGER_##name] = "SELECT v FROM \"" #name "\" WHERE k=?1",
    LEDGER_TABLES(X)
#undef X
};
static const char *const scan_sql[] = {
#define X(name, text) [LEDGER_##name] = "SELECT k,v FROM \"" #name "\" WHERE k>=?1 ORDER BY k",
    LEDGER_TABLES(X)
#undef X
};
static const char *const put_sql[] = {
#define X(name, text) [LEDGER_##name] = "REPLACE INTO \"" #name "\"(k,v) VALUES(?1,?2)",
    LEDGER_TABLES(X)
#undef X
};

/* ---- statements ---- */

static bcemr_status ready(ledger_rows *rows, sqlite3_stmt **statement, const char *sql)
{
    if (*statement)
        return BCEMR_OK;
    return database_status(
        rows->db,
        sqlite3_prepare_v3(rows->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL));
}

/* Leaves have numbers for keys (see database.c): the least number whose 8 bytes are not below the
 * span. False: none is. */
static bool leaf_number(bcemr_span from, sqlite3_int64 *out)
{
    uint64_t number = 0;
    for (uint64_t i = 0; i < 8; i++)
        number = number << 8 | (i < from.n ? from.p[i] : 0);
    number += from.n > 8 && number < UINT64_MAX;
    *out = number <= INT64_MAX ? (sqlite3_int64)number : 0;
    return number <= INT64_MAX;
}

static int bind_blob(sqlite3_stmt *statement, int place, bcemr_span bytes)
{
    /* NULL would be no blob. */
    return sqlite3_bind_blob64(statement, place, bytes.n > 0 ? (const void *)bytes.p : "", bytes.n,
                               SQLITE_STATIC);
}

/* SQLITE_NOTFOUND: there can be no such key. */
static int bind_key(sqlite3_stmt *statement, ledger_table table, bcemr_span key)
{
    sqlite3_int64 number;
    if (table != LEDGER_LEAVES)
        return bind_blob(statement, 1, key);
    return leaf_number(key, &number) ? sqlite3_bind_int64(statement, 1, number) : SQLITE_NOTFOUND;
}

static bcemr_status column(sqlite3_stmt *statement, int place, bcemr_span *out)
{
    if (sqlite3_column_type(statement, place) != SQLITE_BLOB)
        return BCEMR_E_DAMAGED;
    const void *p = sqlite3_column_blob(statement, place);
    *out = bcemr_span_of(p, (uint64_t)sqlite3_column_bytes(statement, place));
    return !p && out->n > 0 ? BCEMR_E_NO_MEMORY : BCEMR_OK;
}

/* ---- opening ---- */

static int note_pages(void *user, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    ((ledger_rows *)user)->wal_pages = (uint64_t)pages;
    return SQLITE_OK;
}

/* Commits of the WAL into the file, synced. Those that a reader's old moment needs stay for later,
 * which is no failure. */
static bcemr_status checkpoint(ledger_rows *rows, int mode)
{
    int in_wal = 0, moved = 0;
    int code = sqlite3_wal_checkpoint_v2(rows->db, "main", mode, &in_wal, &moved);
    if (code == SQLITE_OK && in_wal == moved)
        rows->wal_owed = false;
    return (code & 0xff) == SQLITE_BUSY ? BCEMR_OK : database_status(rows->db, code);
}

/*
 * What an earlier process left in the WAL is written into the file and synced before anything is
 * built on it: if that process went because a sync failed, what can be read may not be on the disk.
 */
static bcemr_status begin_writing(ledger_rows *rows)
{
    bcemr_status status = BCEMR_OK;
    TRY(database_run(rows->db, "PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=33554432"));
    (void)sqlite3_wal_hook(rows->db, note_pages, rows);
    rows->wal_next = rows->wal_step;
    rows->wal_owed = true;
    /* Not long for a reader: what it holds up is owed. */
    (void)sqlite3_busy_timeout(rows->db, DATABASE_WAIT_MS / 10);
    TRY(checkpoint(rows, SQLITE_CHECKPOINT_TRUNCATE));
    (void)sqlite3_busy_timeout(rows->db, DATABASE_WAIT_MS);
out:
    return status;
}

/* Whose ledger it is, if it holds one yet. */
static bcemr_status check_ledger(ledger_rows *rows, const bcemr_hash *ledger, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf id = BCEMR_BUF_EMPTY;
    if (!ledger)
        return BCEMR_OK;
    status = ledger_rows_get(rows, LEDGER_GENESIS, bcemr_text("id"), &id);
    if (status == BCEMR_E_NOT_FOUND)
        return BCEMR_OK;
    TRY_AT(status, "database", "id");
    REQUIRE(bcemr_span_equal(bcemr_buf_span(&id), bcemr_span_of(ledger->b, sizeof ledger->b)),
            BCEMR_WRONG_LEDGER, "database", "id");
out:
    bcemr_buf_free(&id);
    return status;
}

/* A database that was closed well has no WAL, and where no file can be made beside it none can be:
 * then it is read as it lies, and a writer, who could come by another way, is kept out. */
static bcemr_status open_to_read(ledger_rows *rows, const char *path,
                                 const ledger_sqlite_options *options, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    database_how how = DATABASE_READ;
    char *wal = database_beside(path, "-wal");
    if (!wal)
        FAIL(BCEMR_E_NO_MEMORY, "database", "file");
    if (!database_folder_takes(path) && database_look(wal) == BCEMR_E_NOT_FOUND) {
        status = database_lock(path, false, &rows->lock, err);
        if (status == BCEMR_OK || status == BCEMR_E_NOT_FOUND || status == BCEMR_E_NO_ACCESS)
            how = DATABASE_READ_FROZEN;
    }
    TRY(database_open(path, options, how, &rows->db, err));
out:
    bcemr_release(wal);
    return status;
}

bcemr_status ledger_rows_open(const char *path, const ledger_sqlite_options *options,
                              ledger_rows **out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    *out = NULL;
    ledger_rows *rows = bcemr_allocate(sizeof *rows);
    if (!rows)
        return wire_fail(err, BCEMR_E_NO_MEMORY, "database", NULL);
    rows->lock = -1;
    rows->schema = -1;
    rows->writes = options->writes;
    rows->wal_step = (options->wal_kib > 0 ? options->wal_kib : WAL_KIB) * 1024 / DATABASE_PAGE;
    TRY_AT(database_look(path), "database", "file");
    if (rows->writes) {
        TRY(database_lock(path, true, &rows->lock, err));
        TRY(database_open(path, options, DATABASE_WRITE, &rows->db, err));
        TRY_AT(begin_writing(rows), "database", "wal");
    } else {
        TRY(open_to_read(rows, path, options, err));
    }
    TRY(check_ledger(rows, options->ledger, err));
    *out = rows;
    rows = NULL;
out:
    ledger_rows_close(rows);
    return status;
}

void ledger_rows_close(ledger_rows *rows)
{
    if (!rows)
        return;
    for (int t = 0; t < LEDGER_TABLE_COUNT; t++) {
        (void)sqlite3_finalize(rows->get[t]);
        (void)sqlite3_finalize(rows->scan[t]);
        (void)sqlite3_finalize(rows->put[t]);
    }
    (void)sqlite3_close(rows->db);
    database_unlock(rows->lock);
    bcemr_release(rows);
}

bool ledger_rows_stopped(const ledger_rows *rows)
{
    return rows->stopped;
}

/* ---- reading ---- */

/* Whether a read transaction is open. SQLite may end one itself when a read fails. */
static bool in_moment(const ledger_rows *rows)
{
    return !sqlite3_get_autocommit(rows->db);
}

/* What opening looked at may have changed under an open file: a newer program took it over, or
 * somebody put other tables there. Within a transaction, so that it stays. */
static bcemr_status still_ours(ledger_rows *rows)
{
    bcemr_status status = BCEMR_OK;
    int64_t version = 0, schema = 0;
    TRY(database_number(rows->db, "PRAGMA user_version", &version));
    if (version != LEDGER_SQLITE_SCHEMA)
        return version > LEDGER_SQLITE_SCHEMA ? BCEMR_E_SCHEMA : BCEMR_E_DAMAGED;
    TRY(database_number(rows->db, "PRAGMA schema_version", &schema));
    if (schema == rows->schema)
        goto out;
    TRY(database_check(rows->db, NULL));
    rows->schema = schema;
out:
    return status;
}

/* Reads from here on are of one moment, that of the first. */
static bcemr_status begin_moment(ledger_rows *rows)
{
    bcemr_status status = BCEMR_OK;
    if (rows->stopped)
        return BCEMR_E_STOPPED;
    if (in_moment(rows))
        return BCEMR_OK;
    TRY(database_run(rows->db, "BEGIN"));
    status = still_ours(rows);
    if (status != BCEMR_OK)
        (void)sqlite3_exec(rows->db, "ROLLBACK", NULL, NULL, NULL);
out:
    return status;
}

bcemr_status ledger_rows_refresh(ledger_rows *rows)
{
    if (rows->stopped)
        return BCEMR_E_STOPPED;
    return in_moment(rows) ? database_run(rows->db, "COMMIT") : BCEMR_OK;
}

bcemr_status ledger_rows_get(ledger_rows *rows, ledger_table table, bcemr_span key,
                             bcemr_buf *value)
{
    bcemr_status status = BCEMR_OK;
    sqlite3_stmt **statement = &rows->get[table];
    bcemr_span found = {0};
    TRY(begin_moment(rows));
    TRY(ready(rows, statement, get_sql[table]));
    int code = bind_key(*statement, table, key);
    if (code == SQLITE_NOTFOUND || (table == LEDGER_LEAVES && key.n != 8))
        return BCEMR_E_NOT_FOUND;
    if (code == SQLITE_OK)
        code = sqlite3_step(*statement);
    status = database_status(rows->db, code);
    if (code == SQLITE_DONE)
        status = BCEMR_E_NOT_FOUND;
    if (code == SQLITE_ROW)
        status = column(*statement, 0, &found);
    if (status == BCEMR_OK)
        status = bcemr_buf_set(value, found);
    (void)sqlite3_reset(*statement);
out:
    return status;
}

/* The row under the statement; *ends when it no longer starts with the prefix. */
static bcemr_status visit_row(sqlite3_stmt *statement, ledger_table table, bcemr_span prefix,
                              ledger_row_visitor visit, void *user, bool *more)
{
    bcemr_status status = BCEMR_OK;
    uint8_t number[8];
    bcemr_span key = {number, sizeof number}, value;
    if (table == LEDGER_LEAVES) {
        uint64_t leaf = (uint64_t)sqlite3_column_int64(statement, 0);
        for (int i = 0; i < 8; i++)
            number[i] = (uint8_t)(leaf >> (56 - 8 * i));
    } else {
        TRY(column(statement, 0, &key));
    }
    TRY(column(statement, 1, &value));
    *more = key.n >= prefix.n && bcemr_span_equal(bcemr_span_of(key.p, prefix.n), prefix);
    if (*more)
        TRY(visit(user, key, value, more));
out:
    return status;
}

static bcemr_status run_scan(ledger_rows *rows, sqlite3_stmt *statement, ledger_table table,
                             bcemr_span prefix, bcemr_span from, ledger_row_visitor visit,
                             void *user)
{
    bcemr_status status = BCEMR_OK;
    bool more = true;
    int code = bind_key(statement, table, bcemr_span_compare(prefix, from) > 0 ? prefix : from);
    if (code == SQLITE_NOTFOUND)
        return BCEMR_OK;
    TRY(database_status(rows->db, code));
    while (more) {
        code = sqlite3_step(statement);
        if (code == SQLITE_DONE)
            break;
        TRY(database_status(rows->db, code));
        TRY(visit_row(statement, table, prefix, visit, user, &more));
    }
out:
    return status;
}

bcemr_status ledger_rows_scan(ledger_rows *rows, ledger_table table, bcemr_span prefix,
                              bcemr_span from, ledger_row_visitor visit, void *user)
{
    bcemr_status status = BCEMR_OK;
    sqlite3_stmt *own = NULL; /* for a scan inside a scan of the same table */
    const bool inside = rows->scanning[table];
    sqlite3_stmt **statement = inside ? &own : &rows->scan[table];
    TRY(begin_moment(rows));
    TRY(ready(rows, statement, scan_sql[table]));
    rows->scanning[table] = true;
    status = run_scan(rows, *statement, table, prefix, from, visit, user);
    rows->scanning[table] = inside;
    (void)sqlite3_reset(*statement);
out:
    (void)sqlite3_finalize(own);
    return status;
}

static bcemr_status base_get(void *self, ledger_table table, bcemr_span key, bcemr_buf *value)
{
    return ledger_rows_get(self, table, key, value);
}

static bcemr_status base_scan(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                              ledger_row_visitor visit, void *user)
{
    return ledger_rows_scan(self, table, prefix, from, visit, user);
}

ledger_base ledger_rows_base(ledger_rows *rows)
{
    return (ledger_base){base_get, base_scan, rows};
}

/* ---- writing ---- */

typedef struct writing {
    ledger_rows *rows;
    ledger_table table;
} writing;

static bcemr_status write_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    (void)more;
    const writing *w = user;
    sqlite3_stmt *statement = w->rows->put[w->table];
    if (w->table == LEDGER_LEAVES && key.n != 8)
        return BCEMR_E_FIELD_LENGTH;
    int code = bind_key(statement, w->table, key);
    if (code == SQLITE_NOTFOUND)
        return BCEMR_E_INTEGER_RANGE;
    if (code == SQLITE_OK)
        code = bind_blob(statement, 2, value);
    if (code == SQLITE_TOOBIG)
        return BCEMR_E_TOO_LONG;
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    bcemr_status status = database_status(w->rows->db, code);
    (void)sqlite3_reset(statement);
    return status;
}

/* Table by table, each in the order of its keys. */
static bcemr_status write_rows(ledger_rows *rows, const ledger_stack *layers)
{
    bcemr_status status = BCEMR_OK;
    writing w = {.rows = rows};
    for (int t = 0; t < LEDGER_TABLE_COUNT; t++) {
        w.table = (ledger_table)t;
        TRY(ready(rows, &rows->put[t], put_sql[t]));
        TRY(ledger_stack_scan(layers, w.table, (bcemr_span){0}, (bcemr_span){0}, write_row, &w));
    }
out:
    return status;
}

/*
 * The WAL's commits into the file, when it has grown by a step; when all of them are there and no
 * reader needs it, the next commit starts it over. Before a commit, not after it: those who wait
 * for one need not wait for this.
 */
static bcemr_status move_wal(ledger_rows *rows)
{
    if (rows->wal_next > rows->wal_pages + rows->wal_step)
        rows->wal_next = rows->wal_step; /* it was started over */
    if (rows->wal_pages < rows->wal_next && !rows->wal_owed)
        return BCEMR_OK;
    rows->wal_next = rows->wal_pages + rows->wal_step;
    /* Readers who always have a moment open, though a new one, let it grow and grow: then the
     * writer waits for each of them to refresh, once it is moved. */
    const bool overdue = rows->wal_pages >= 2 * rows->wal_step;
    (void)sqlite3_busy_timeout(rows->db, WAL_WAIT_MS);
    bcemr_status status =
        checkpoint(rows, overdue ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE);
    (void)sqlite3_busy_timeout(rows->db, DATABASE_WAIT_MS);
    return status;
}

static bcemr_status write_all(ledger_rows *rows, const ledger_stack *layers)
{
    bcemr_status status = BCEMR_OK;
    TRY(still_ours(rows));
    TRY(write_rows(rows, layers));
    TRY(database_run(rows->db, "COMMIT"));
out:
    if (status != BCEMR_OK)
        (void)sqlite3_exec(rows->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

bcemr_status ledger_rows_write(ledger_rows *rows, const ledger_layer *const *layers, uint64_t count)
{
    bcemr_status status = BCEMR_OK;
    ledger_stack all = {.frozen_count = count};
    if (!rows->writes || count > LEDGER_FROZEN_MAX)
        return BCEMR_E_STATE;
    if (count > 0)
        memcpy(all.frozen, layers, (size_t)(count * sizeof(const ledger_layer *)));
    TRY(ledger_rows_refresh(rows));
    status = move_wal(rows);
    if (status == BCEMR_OK) {
        TRY(database_run(rows->db, "BEGIN IMMEDIATE"));
        status = write_all(rows, &all);
    }
    rows->stopped = status != BCEMR_OK;
out:
    return status;
}
