/* SPDX-License-Identifier: Apache-2.0 */
/* Making a database: under another name, whole and durable, before it gets its own. */
#include "ledger/state/database.h"
#include "wire/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that has to go, if it is there. */
static bcemr_status remove_file(const char *path, const char *suffix)
{
    char *name = database_beside(path, suffix);
    if (!name)
        return BCEMR_E_NO_MEMORY;
    bcemr_status status =
        unlink(name) == 0 || errno == ENOENT ? BCEMR_OK : database_system_status(errno);
    bcemr_release(name);
    return status;
}

/* What an earlier attempt left, or this one. */
static bcemr_status remove_all(const char *path)
{
    bcemr_status status = BCEMR_OK;
    static const char *const suffixes[] = {"-journal", "-wal", "-shm", ""};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        TRY(remove_file(path, suffixes[i]));
out:
    return status;
}

/* An empty file of the owner's alone: SQLite gives the files beside it the same mode. */
static bcemr_status make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return database_system_status(errno);
    return close(fd) == 0 ? BCEMR_OK : database_system_status(errno);
}

static bcemr_status sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return database_system_status(errno);
    bcemr_status status = fsync(fd) == 0 ? BCEMR_OK : database_system_status(errno);
    if (close(fd) != 0 && status == BCEMR_OK)
        status = database_system_status(errno);
    return status;
}

static bcemr_status sync_folder(const char *path)
{
    char *folder = database_folder(path);
    if (!folder)
        return BCEMR_E_NO_MEMORY;
    bcemr_status status = sync_path(folder, O_RDONLY | O_DIRECTORY);
    bcemr_release(folder);
    return status;
}

/* Tables and marks of a database, and that it keeps a WAL from now on. */
static bcemr_status fill(const char *path, const ledger_sqlite_options *options, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    sqlite3 *db = NULL;
    char sql[160];
    TRY(database_open(path, options, DATABASE_MAKE, &db, err));
    sqlite3_snprintf(sizeof sql, sql,
                     "PRAGMA page_size=%d; BEGIN; PRAGMA application_id=%d; PRAGMA user_version=%d",
                     DATABASE_PAGE, DATABASE_APPLICATION, LEDGER_SQLITE_SCHEMA);
    TRY_AT(database_run(db, sql), "database", "file");
    TRY_AT(database_make_tables(db), "database", "tables");
    TRY_AT(database_run(db, "COMMIT; PRAGMA journal_mode=WAL"), "database", "file");
    int code = sqlite3_close(db);
    db = NULL;
    TRY_AT(database_status(NULL, code), "database", "file");
out:
    (void)sqlite3_close(db);
    return status;
}

static bcemr_status make(const char *path, const char *fresh, const ledger_sqlite_options *options,
                         bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY_AT(remove_all(fresh), "database", "folder");
    TRY_AT(make_file(fresh), "database", "folder");
    TRY(fill(fresh, options, err));
    if (!options->scratch)
        TRY_AT(sync_path(fresh, O_RDONLY), "database", "file");
    if (rename(fresh, path) != 0)
        FAIL(database_system_status(errno), "database", "folder");
    if (!options->scratch) {
        status = sync_folder(path);
        /* Perhaps it is not there after a loss of power: then it must not be there now. */
        if (status != BCEMR_OK) {
            (void)unlink(path);
            FAIL(status, "database", "folder");
        }
    }
out:
    if (status != BCEMR_OK)
        (void)remove_all(fresh);
    return status;
}

bcemr_status ledger_sqlite_create(const char *path, const ledger_sqlite_options *options,
                                  bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    int lock = -1;
    char *fresh = database_beside(path, ".new");
    if (!fresh)
        FAIL(BCEMR_E_NO_MEMORY, "database", "file");
    TRY(database_lock(path, true, &lock, err));
    status = database_look(path);
    if (status == BCEMR_OK || status == BCEMR_E_NOT_A_LEDGER)
        FAIL(BCEMR_E_EXISTS, "database", "file");
    if (status != BCEMR_E_NOT_FOUND)
        FAIL(status, "database", "file");
    TRY(make(path, fresh, options, err));
out:
    database_unlock(lock);
    bcemr_release(fresh);
    return status;
}
