/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's database as the subcommands open, make and throw it away. */
#include "bcemr/ledger/book.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bcemr_status book_genesis(book *b)
{
    bcemr_status status = BCEMR_OK;
    bcemr_signed_parts parts;
    if (!b->o->genesis)
        return status;
    BOOK(files_read(b->o->genesis, BOOK_GENESIS_MAX, &b->genesis, &b->file));
    book_doing(b, "read the genesis %s", b->o->genesis);
    BOOK(bcemr_signed_read(bcemr_buf_span(&b->genesis), &parts, &b->error));
    if (parts.type != &bcemr_type_genesis)
        BOOK_FAIL(BCEMR_E_UNKNOWN_KIND, "genesis", NULL);
out:
    return status;
}

static bcemr_status open_chain(book *b, bool writes)
{
    bcemr_status status = BCEMR_OK;
    const ledger_sqlite_options options = {.writes = writes};
    ledger_chain_options chain = {.remembered_claims = 8};
    BOOK(book_context(b));
    BOOK(book_genesis(b));
    book_doing(b, "open the ledger %s", b->o->db);
    BOOK(ledger_sqlite_open(b->o->db, &options, &chain.state, &b->error));
    chain.context = b->context;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    status = ledger_get(&chain.state, LEDGER_GENESIS, (bcemr_span){0}, &held);
    if (status == BCEMR_E_NOT_FOUND) /* made, and no ledger begun in it */
        status = wire_fail(&b->error, BCEMR_E_NOT_A_LEDGER, "database", "genesis");
    else if (status != BCEMR_OK)
        status = wire_fail(&b->error, status, "database", "genesis");
    else if (b->genesis.n == 0)
        status = bcemr_buf_set(&b->genesis, bcemr_buf_span(&held));
    if (status == BCEMR_OK)
        status = ledger_chain_open(&b->chain, &chain, bcemr_buf_span(&b->genesis), &b->error);
    b->state = chain.state;
    if (status != BCEMR_OK)
        ledger_state_close(&chain.state);
    bcemr_buf_free(&held);
out:
    return status;
}

bcemr_status book_open(book *b)
{
    return open_chain(b, false);
}

bcemr_status book_open_writing(book *b)
{
    return open_chain(b, true);
}

/* ---- others of the same ledger ---- */

static bcemr_status open_other(book *b, const char *path, book_source *opened, ledger_source *out)
{
    bcemr_status status = BCEMR_OK;
    const ledger_sqlite_options database = {.writes = false};
    ledger_chain_options options = {.context = b->context, .remembered_claims = 8};
    BOOK(ledger_sqlite_open(path, &database, &options.state, &b->error));
    status = ledger_chain_open(&opened->chain, &options, bcemr_buf_span(&b->genesis), &b->error);
    if (status != BCEMR_OK)
        ledger_state_close(&options.state);
    BOOK(status);
    BOOK_AT(ledger_source_database(out, opened->chain), "ledger", "source");
out:
    return status;
}

bcemr_status book_source_open(book *b, const char *path, book_source *opened, ledger_source *source)
{
    static const char magic[16] = "SQLite format 3";
    bcemr_status status = BCEMR_OK;
    char start[sizeof magic] = {0};
    BOOK(files_source_open(path, &opened->file, &b->file));
    opened->bytes = files_source_view(opened->file);
    if (opened->bytes.length >= sizeof start)
        BOOK_AT(opened->bytes.read(opened->bytes.user, 0, (uint8_t *)start, sizeof start), "file",
                NULL);
    if (memcmp(start, magic, sizeof magic) == 0)
        BOOK(open_other(b, path, opened, source));
    else
        BOOK(ledger_source_export(source, &opened->bytes, &b->error));
out:
    return status;
}

void book_source_free(book_source *opened)
{
    ledger_chain_close(opened->chain);
    if (opened->file)
        files_source_close(opened->file);
    *opened = (book_source){.chain = NULL};
}

/* ---- in the making ---- */

static bcemr_status system_failed(book *b, const char *path, const char *doing)
{
    b->file = (files_error){
        .status = errno == ENOSPC ? BCEMR_E_FULL : BCEMR_E_IO, .system = errno, .doing = doing};
    (void)snprintf(b->file.path, sizeof b->file.path, "%.*s", (int)sizeof b->file.path - 1, path);
    return b->file.status;
}

static bcemr_status taken(book *b, const char *path)
{
    b->file = (files_error){.status = BCEMR_E_EXISTS, .doing = "make"};
    (void)snprintf(b->file.path, sizeof b->file.path, "%s", path);
    return BCEMR_E_EXISTS;
}

bcemr_status book_fresh_begin(book *b, const char *path, book_fresh *fresh, ledger_state *state)
{
    bcemr_status status = BCEMR_OK;
    /* Nothing is synced before the end: until then there is nothing to lose. */
    const ledger_sqlite_options options = {.writes = true, .scratch = true};
    const char *base = files_base_name(path);
    *fresh = (book_fresh){.making = ""};
    if (strlen(path) >= sizeof fresh->path)
        BOOK_FAIL(BCEMR_E_TOO_LONG, "db", NULL);
    if (files_exists(path))
        return taken(b, path);
    (void)snprintf(fresh->path, sizeof fresh->path, "%s", path);
    (void)snprintf(fresh->making, sizeof fresh->making, "%.*s.%s.%ld.making", (int)(base - path),
                   path, base, (long)getpid());
    book_doing(b, "make the ledger %s", path);
    BOOK(ledger_sqlite_create(fresh->making, &options, &b->error));
    BOOK(ledger_sqlite_open(fresh->making, &options, state, &b->error));
out:
    if (status != BCEMR_OK)
        book_fresh_free(fresh);
    return status;
}

static bcemr_status sync_path(book *b, const char *path, int flags)
{
    const int fd = open(path, flags | O_CLOEXEC);
    const bool synced = fd >= 0 && fsync(fd) == 0;
    bcemr_status status = synced ? BCEMR_OK : system_failed(b, path, "make durable");
    if (fd >= 0)
        (void)close(fd);
    return status;
}

bcemr_status book_fresh_commit(book *b, book_fresh *fresh)
{
    bcemr_status status = BCEMR_OK;
    char folder[sizeof fresh->path];
    (void)snprintf(folder, sizeof folder, "%s", fresh->path);
    folder[files_base_name(folder) - folder] = 0;
    BOOK(sync_path(b, fresh->making, O_RDONLY));
    /* A link takes no name that another has taken meanwhile; where there are none, a look must do.
     */
    if (link(fresh->making, fresh->path) == 0)
        (void)unlink(fresh->making);
    else if (errno == EEXIST || files_exists(fresh->path))
        return taken(b, fresh->path);
    else if (rename(fresh->making, fresh->path) != 0)
        return system_failed(b, fresh->path, "give its name to");
    status = sync_path(b, folder[0] ? folder : ".", O_RDONLY | O_DIRECTORY);
out:
    return status;
}

void book_fresh_free(book_fresh *fresh)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", ".lock", ".new"};
    char path[sizeof fresh->making + 16];
    for (size_t i = 0; fresh->making[0] && i < sizeof suffixes / sizeof suffixes[0]; i++) {
        (void)snprintf(path, sizeof path, "%s%s", fresh->making, suffixes[i]);
        (void)unlink(path);
    }
    fresh->making[0] = 0;
}

/* ---- scratch ---- */

bcemr_status book_scratch_open(book *b, book_scratch *scratch, ledger_state *out, bcemr_error *err)
{
    const ledger_sqlite_options options = {.writes = true, .scratch = true};
    const char *base = getenv("TMPDIR");
    char path[sizeof scratch->folder + 16];
    if (!base || !base[0])
        base = "/tmp";
    const int n = snprintf(scratch->folder, sizeof scratch->folder, "%s/bcemr-ledger-XXXXXX", base);
    if (n < 0 || (size_t)n >= sizeof scratch->folder || !mkdtemp(scratch->folder)) {
        scratch->folder[0] = 0;
        return wire_fail(err, system_failed(b, base, "make a folder in"), "scratch", NULL);
    }
    (void)snprintf(path, sizeof path, "%s/scratch.db", scratch->folder);
    bcemr_status status = ledger_sqlite_create(path, &options, err);
    if (status == BCEMR_OK)
        status = ledger_sqlite_open(path, &options, out, err);
    return status;
}

void book_scratch_free(book_scratch *scratch)
{
    static const char *const names[] = {"scratch.db",         "scratch.db-wal",  "scratch.db-shm",
                                        "scratch.db-journal", "scratch.db.lock", "scratch.db.new"};
    char path[sizeof scratch->folder + 32];
    if (!scratch->folder[0])
        return;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", scratch->folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(scratch->folder);
    scratch->folder[0] = 0;
}
