/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: how they are opened, what is checked of a file before a row of it is read. */
#include "ledger/state/database.h"
#include "wire/error.h"

#include <string.h>

#define CACHE_KIB ((uint64_t)8192)
#define VALUE_MAX (64 << 20) /* the longest row, a full index block, takes half of it */

/* ---- what codes mean ---- */

/* What the system said last of the WAL or the file. sqlite3_system_errno is what errno happens to
 * be when a statement has ended, after whatever was done to end it. */
static int last_number(sqlite3 *db)
{
    int number = 0;
    sqlite3_file *wal = NULL;
    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    if (wal && wal->pMethods)
        (void)wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &number);
    if (number == 0)
        (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &number);
    return number;
}

/* Codes of reading and writing, where the system's number often says more. */
static bcemr_status from_system(sqlite3 *db, bool opening)
{
    if (!db)
        return BCEMR_E_IO;
    bcemr_status status =
        database_system_status(opening ? sqlite3_system_errno(db) : last_number(db));
    return status == BCEMR_E_NO_ACCESS || status == BCEMR_E_FULL ? status : BCEMR_E_IO;
}

bcemr_status database_status(sqlite3 *db, int code)
{
    if (code == SQLITE_IOERR_NOMEM)
        return BCEMR_E_NO_MEMORY;
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return BCEMR_OK;
    case SQLITE_NOMEM:
        return BCEMR_E_NO_MEMORY;
    case SQLITE_FULL:
        return BCEMR_E_FULL;
    case SQLITE_CORRUPT:
        return BCEMR_E_DAMAGED;
    case SQLITE_NOTADB:
        return BCEMR_E_NOT_A_LEDGER;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return BCEMR_E_BUSY;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return BCEMR_E_NO_ACCESS;
    case SQLITE_CANTOPEN:
        return from_system(db, true);
    case SQLITE_IOERR:
        return from_system(db, false);
    case SQLITE_ERROR: /* our SQL is right, so a table is not what it was */
    case SQLITE_SCHEMA:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG: /* longer than any that a ledger has */
        return BCEMR_E_DAMAGED;
    default:
        return BCEMR_E_STATE;
    }
}

/* ---- small SQL ---- */

bcemr_status database_run(sqlite3 *db, const char *sql)
{
    return database_status(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

bcemr_status database_number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            *out = sqlite3_column_int64(statement, 0);
        else if (code == SQLITE_DONE)
            code = SQLITE_CORRUPT; /* all that we ask gives a row */
    }
    bcemr_status status = database_status(db, code);
    (void)sqlite3_finalize(statement);
    return status;
}

/* ---- tables ---- */

/* Leaves are long and come in the order of their numbers: a table by rowid holds them well. All
 * others are short rows by keys of bytes. */
#define MAKE_LEAVES "CREATE TABLE LEAVES(k INTEGER PRIMARY KEY, v BLOB NOT NULL)"
#define MAKE(name) "CREATE TABLE " name "(k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID"

static const char *const make_table[] = {
#define X(name, text)                                                                              \
    [LEDGER_##name] = LEDGER_##name == LEDGER_LEAVES ? MAKE_LEAVES : MAKE("\"" #name "\""),
    LEDGER_TABLES(X)
#undef X
};

bcemr_status database_make_tables(sqlite3 *db)
{
    bcemr_status status = BCEMR_OK;
    for (int t = 0; t < LEDGER_TABLE_COUNT && status == BCEMR_OK; t++)
        status = database_run(db, make_table[t]);
    return status;
}

/* The file's tables are exactly ours, made by the same words: nothing else can act on our rows. */
static bcemr_status check_tables(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    int code =
        sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY rowid",
                           -1, &statement, NULL);
    bcemr_status status = database_status(db, code);
    for (int t = 0; status == BCEMR_OK && t <= LEDGER_TABLE_COUNT; t++) {
        code = sqlite3_step(statement);
        status = database_status(db, code);
        const char *sql =
            code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
        if (status == BCEMR_OK &&
            (t < LEDGER_TABLE_COUNT ? !sql || strcmp(sql, make_table[t]) != 0 : sql != NULL))
            status = BCEMR_E_DAMAGED;
    }
    (void)sqlite3_finalize(statement);
    return status;
}

bcemr_status database_check(sqlite3 *db, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    int64_t number = 0;
    TRY_AT(database_number(db, "PRAGMA application_id", &number), "database", "file");
    if (number != DATABASE_APPLICATION)
        FAIL(BCEMR_E_NOT_A_LEDGER, "database", "application");
    TRY_AT(database_number(db, "PRAGMA user_version", &number), "database", "schema");
    if (number > LEDGER_SQLITE_SCHEMA)
        FAIL(BCEMR_E_SCHEMA, "database", "schema");
    if (number != LEDGER_SQLITE_SCHEMA)
        FAIL(BCEMR_E_DAMAGED, "database", "schema");
    TRY_AT(check_tables(db), "database", "tables");
out:
    return status;
}

/* ---- opening ---- */

/* The path as a URI, with what can be said only there. */
static char *uri_of(const char *path, const char *parameters)
{
    static const char scheme[] = "file:", digits[] = "0123456789abcdef";
    size_t n = strlen(path), at = 0;
    char *out = bcemr_allocate(sizeof scheme + 3 * n + strlen(parameters));
    if (!out)
        return NULL;
    memcpy(out, scheme, sizeof scheme);
    at = sizeof scheme - 1;
    /* "//x" would name a host. */
    if (path[0] == '/')
        while (path[1] == '/')
            path++;
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '/' || c == '.' || c == '_' || c == '-';
        if (plain) {
            out[at++] = (char)c;
        } else {
            out[at++] = '%';
            out[at++] = digits[c >> 4];
            out[at++] = digits[c & 15];
        }
    }
    memcpy(out + at, parameters, strlen(parameters) + 1);
    return out;
}

/* psow=0: a sector that is being written when the power goes may be lost with what stood in it,
 * so a commit in the WAL never shares its last sector with the next. */
static bcemr_status connect(const char *path, const char *vfs, database_how how, sqlite3 **out,
                            bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bool reads = how == DATABASE_READ || how == DATABASE_READ_FROZEN;
    char *uri = uri_of(path, how == DATABASE_READ_FROZEN ? "?psow=0&immutable=1" : "?psow=0");
    if (!uri)
        return wire_fail(err, BCEMR_E_NO_MEMORY, "database", "file");
    int code = sqlite3_open_v2(uri, out,
                               (reads ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                                   SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                               vfs);
    TRY_AT(database_status(*out, code), "database", "file");
    (void)sqlite3_busy_timeout(*out, DATABASE_WAIT_MS);
out:
    bcemr_release(uri);
    return status;
}

/*
 * Before anything is read of a file that somebody else may have written: no value takes more memory
 * than a ledger's longest, no statement in it does much, and none acts by itself, also none that is
 * put there after the tables were compared. cell_size_check: not every page is believed either.
 */
static bcemr_status harden(sqlite3 *db)
{
    static const int limits[][2] = {
        {SQLITE_LIMIT_LENGTH, VALUE_MAX},
        {SQLITE_LIMIT_SQL_LENGTH, 100000},
        {SQLITE_LIMIT_COLUMN, 100},
        {SQLITE_LIMIT_EXPR_DEPTH, 10},
        {SQLITE_LIMIT_COMPOUND_SELECT, 3},
        {SQLITE_LIMIT_VDBE_OP, 25000},
        {SQLITE_LIMIT_FUNCTION_ARG, 8},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 10},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
    };
    static const int switches[][2] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                      {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                                      {SQLITE_DBCONFIG_ENABLE_VIEW, 0}};
    bcemr_status status = BCEMR_OK;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        (void)sqlite3_limit(db, limits[i][0], limits[i][1]);
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        TRY(database_status(db, sqlite3_db_config(db, switches[i][0], switches[i][1], NULL)));
    TRY(database_run(db, "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"));
out:
    return status;
}

static bcemr_status set_up(sqlite3 *db, const ledger_sqlite_options *options)
{
    bcemr_status status = BCEMR_OK;
    uint64_t cache = options->cache_kib > 0 ? options->cache_kib : CACHE_KIB;
    char sql[64];
    TRY(harden(db));
    TRY(database_run(db, "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;"));
    TRY(database_run(db, options->scratch ? "PRAGMA synchronous=OFF" : "PRAGMA synchronous=FULL"));
    sqlite3_snprintf(sizeof sql, sql, "PRAGMA cache_size=-%llu", (unsigned long long)cache);
    TRY(database_run(db, sql));
out:
    return status;
}

bcemr_status database_open(const char *path, const ledger_sqlite_options *options, database_how how,
                           sqlite3 **out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    *out = NULL;
    TRY(connect(path, options->vfs, how, out, err));
    TRY_AT(set_up(*out, options), "database", "file");
    if (how != DATABASE_MAKE)
        TRY(database_check(*out, err));
out:
    if (status != BCEMR_OK) {
        (void)sqlite3_close(*out);
        *out = NULL;
    }
    return status;
}
