/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pages SQLite reads is seen from below: a VFS that passes everything on to the system's and
 * notes page numbers on the way.
 */
#include "ledger/verify/pages.h"
#include "ledger/state/database.h"
#include "ledger/state/rows.h"
#include "wire/error.h"

#include <string.h>

#define PAGES_VFS "bcemr-pages"
#define WAL_HEADER 32
#define FRAME_HEADER 24
#define SMALL_CACHE 8 /* KiB: what is looked at is read again */
#define CHAIN 64      /* pages that a value runs over and whose order is remembered */

/* ---- what was read ---- */

typedef struct recording {
    ledger_pages row;  /* from the last page of a tree on */
    ledger_pages path; /* every page of a tree */
    uint32_t near[3];  /* the last three of them */
    uint32_t branch;   /* the last that leads to others */
    uint32_t value;    /* the last page that a value runs over */
    uint64_t reads;    /* pages, each as often as it was read */
    uint32_t file;     /* pages of the file */
    const bcemr_progress *progress;
    bool interrupted;
    /* The row that is looked for, the page that holds it, the page that its value goes on in. */
    ledger_table table;
    bcemr_span key;
    uint32_t holder, beyond;
    uint32_t from[CHAIN], to[CHAIN]; /* which page a page of a long value names as the next */
    unsigned links;
} recording;

/* Whose reads are noted: of this thread alone. */
static _Thread_local recording *now;

static void add_page(ledger_pages *list, uint32_t page)
{
    uint64_t at = 0;
    while (at < list->count && list->pages[at] < page)
        at++;
    if (at < list->count && list->pages[at] == page)
        return;
    if (list->count == LEDGER_PAGES_MAX) {
        list->more = true;
        return;
    }
    memmove(&list->pages[at + 1], &list->pages[at],
            (size_t)(list->count - at) * sizeof list->pages[0]);
    list->pages[at] = page;
    list->count++;
}

/* A page of a tree begins with its kind; one that a long value runs over with the next one's
 * number, whose first byte is 0 in a file of less than 64 GiB. */
static bool is_of_tree(uint32_t page, const uint8_t *bytes)
{
    const uint8_t kind = bytes[page == 1 ? 100 : 0];
    return kind == 2 || kind == 5 || kind == 10 || kind == 13;
}

/* ---- where a row is, in the file format's own words ---- */

static uint32_t number_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* A varint at *at, which moves behind it; never beyond the page. */
static uint64_t varint(const uint8_t *page, uint64_t *at)
{
    uint64_t number = 0;
    for (int i = 0; i < 9 && *at < DATABASE_PAGE; i++) {
        const uint8_t byte = page[(*at)++];
        if (i == 8)
            return number << 8 | byte;
        number = number << 7 | (byte & 0x7f);
        if (byte < 0x80)
            break;
    }
    return number;
}

/* How much of a payload stands in its cell. */
static uint64_t local_bytes(uint64_t payload, bool rowid)
{
    const uint64_t usable = DATABASE_PAGE;
    const uint64_t most = rowid ? usable - 35 : (usable - 12) * 64 / 255 - 23;
    const uint64_t least = (usable - 12) * 32 / 255 - 23;
    if (payload <= most)
        return payload;
    const uint64_t best = least + (payload - least) % (usable - 4);
    return best <= most ? best : least;
}

/* Whether the cell at this place is the row's. beyond: the page that it goes on in, 0 for none. */
static bool is_cell(const uint8_t *page, uint64_t at, bool interior, ledger_table table,
                    bcemr_span key, uint32_t *beyond)
{
    const bool rowid = table == LEDGER_LEAVES;
    at += interior ? 4 : 0;
    const uint64_t payload = varint(page, &at);
    const uint64_t number = rowid ? varint(page, &at) : 0;
    const uint64_t start = at, local = local_bytes(payload, rowid);
    if (local > DATABASE_PAGE || start + local + 4 > DATABASE_PAGE + (local == payload ? 4 : 0))
        return false;
    *beyond = local < payload ? number_at(page + start + local) : 0;
    if (rowid)
        return key.n == 8 && number == ((uint64_t)number_at(key.p) << 32 | number_at(key.p + 4));
    const uint64_t header = varint(page, &at);
    const uint64_t kind = varint(page, &at); /* of the key: a blob of (kind - 12) / 2 bytes */
    return kind == 12 + 2 * key.n && header <= local && key.n <= local - header &&
           bcemr_span_equal(bcemr_span_of(page + start + header, key.n), key);
}

static void look_for_row(uint32_t number, const uint8_t *page)
{
    const uint64_t head = number == 1 ? 100 : 0;
    const bool interior = page[head] == 2;
    const uint64_t cells = (uint64_t)page[head + 3] << 8 | page[head + 4];
    uint64_t at = head + (interior ? 12 : 8);
    if (page[head] != 2 && page[head] != (now->table == LEDGER_LEAVES ? 13 : 10))
        return;
    for (uint64_t i = 0; i < cells && at + 2 <= DATABASE_PAGE; i++, at += 2) {
        const uint64_t cell = (uint64_t)page[at] << 8 | page[at + 1];
        uint32_t beyond = 0;
        if (cell < DATABASE_PAGE && is_cell(page, cell, interior, now->table, now->key, &beyond)) {
            now->holder = number;
            now->beyond = beyond;
        }
    }
}

static void note(uint32_t page, const uint8_t *bytes, bool whole)
{
    now->reads++;
    if (whole && is_of_tree(page, bytes)) {
        now->row = (ledger_pages){.count = 0};
        add_page(&now->path, page);
        now->near[2] = now->near[1];
        now->near[1] = now->near[0];
        now->near[0] = page;
        if (bytes[page == 1 ? 100 : 0] < 10)
            now->branch = page;
        if (now->key.p)
            look_for_row(page, bytes);
    } else {
        now->value = page;
        if (now->links < CHAIN) {
            now->from[now->links] = page;
            now->to[now->links++] = number_at(bytes);
        }
    }
    add_page(&now->row, page);
}

/* ---- the VFS ---- */

typedef struct paged_file {
    sqlite3_file file;
    sqlite3_file *real; /* behind this struct */
    int kind;
} paged_file;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((paged_file *)(void *)file)->real;
}

static int close_file(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int read_file(sqlite3_file *file, void *out, int n, sqlite3_int64 offset)
{
    const paged_file *f = (paged_file *)(void *)file;
    const int code = f->real->pMethods->xRead(f->real, out, n, offset);
    uint8_t header[4];
    if (!now || code != SQLITE_OK || n <= 100)
        return code;
    /* What a value runs over may be read in part. */
    const bool whole = n == DATABASE_PAGE;
    if (f->kind == SQLITE_OPEN_MAIN_DB)
        note((uint32_t)(offset / DATABASE_PAGE) + 1, out, whole);
    else if (f->kind == SQLITE_OPEN_WAL && whole && offset >= WAL_HEADER + FRAME_HEADER &&
             f->real->pMethods->xRead(f->real, header, sizeof header, offset - FRAME_HEADER) ==
                 SQLITE_OK)
        note(number_at(header), out, whole);
    return code;
}

static int write_file(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 offset)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xWrite(real, bytes, n, offset);
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xTruncate(real, size);
}

static int sync_file(sqlite3_file *file, int flags)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xSync(real, flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xFileSize(real, size);
}

static int lock_file(sqlite3_file *file, int lock)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xLock(real, lock);
}

static int unlock_file(sqlite3_file *file, int lock)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xUnlock(real, lock);
}

static int check_lock(sqlite3_file *file, int *out)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xCheckReservedLock(real, out);
}

static int control_file(sqlite3_file *file, int op, void *argument)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xFileControl(real, op, argument);
}

static int sector_size(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xSectorSize(real);
}

static int characteristics(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xDeviceCharacteristics(real);
}

static int map_shared(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xShmMap(real, region, size, extend, out);
}

static int lock_shared(sqlite3_file *file, int offset, int n, int flags)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xShmLock(real, offset, n, flags);
}

static void shared_barrier(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    real->pMethods->xShmBarrier(real);
}

static int unmap_shared(sqlite3_file *file, int remove)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xShmUnmap(real, remove);
}

static const sqlite3_io_methods paged_methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_lock,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = map_shared,
    .xShmLock = lock_shared,
    .xShmBarrier = shared_barrier,
    .xShmUnmap = unmap_shared,
};

static sqlite3_vfs *below; /* the system's */

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    paged_file *f = (paged_file *)(void *)file;
    *f = (paged_file){.real = (sqlite3_file *)(void *)(f + 1),
                      .kind = flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)};
    const int code = below->xOpen(below, name, f->real, flags, out);
    if (f->real->pMethods)
        f->file.pMethods = &paged_methods;
    return code;
}

/* All but opening is the system's own: its functions do not look at which VFS they are called for.
 */
static bcemr_status register_vfs(void)
{
    static sqlite3_vfs vfs;
    bcemr_status status = BCEMR_OK;
    if (sqlite3_initialize() != SQLITE_OK)
        return BCEMR_E_NO_MEMORY;
    sqlite3_mutex *lock = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1);
    sqlite3_mutex_enter(lock);
    if (!below) {
        below = sqlite3_vfs_find(NULL);
        vfs = *below;
        vfs.zName = PAGES_VFS;
        vfs.szOsFile += (int)sizeof(paged_file);
        vfs.xOpen = open_file;
        if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK) {
            below = NULL;
            status = BCEMR_E_NO_MEMORY;
        }
    }
    sqlite3_mutex_leave(lock);
    return status;
}

/* ---- SQLite's own check ---- */

/* "... page 12 cell 3 ...", "Page 12 is never used": every number behind that word. */
static void pages_in(const char *words, ledger_pages *out)
{
    for (const char *p = words; *p; p++) {
        if ((p[0] != 'p' && p[0] != 'P') || strncmp(p + 1, "age ", 4) != 0)
            continue;
        uint32_t page = 0;
        for (const char *d = p + 5; *d >= '0' && *d <= '9' && page < UINT32_MAX / 16; d++)
            page = page * 10 + (uint32_t)(*d - '0');
        if (page > 0)
            add_page(out, page);
    }
}

static int tell(void *user)
{
    recording *r = user;
    uint64_t read = r->reads < r->file ? r->reads : r->file;
    r->interrupted = r->progress->tell(r->progress->user, read, r->file) != BCEMR_OK;
    return r->interrupted;
}

/* The first line that the check gives; "ok" when all is well. */
static bcemr_status run_check(sqlite3 *db, recording *r, char words[LEDGER_PAGES_WORDS])
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &statement, NULL);
    if (code == SQLITE_OK && r->progress)
        sqlite3_progress_handler(db, 1000, tell, r);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    words[0] = 0;
    if (code == SQLITE_ROW && sqlite3_column_text(statement, 0)) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        /* A heading that says which database comes before the line. */
        const char *line = strncmp(text, "*** ", 4) == 0 ? strchr(text, '\n') : NULL;
        text = line ? line + 1 : text;
        size_t n = 0;
        for (; n + 1 < LEDGER_PAGES_WORDS && text[n] && text[n] != '\n'; n++)
            words[n] = text[n];
        words[n] = 0;
    }
    bcemr_status status = r->interrupted ? BCEMR_E_INTERRUPTED : database_status(db, code);
    (void)sqlite3_finalize(statement);
    return status;
}

/* Keys that are no bytes, or negative numbers, sort before all that a ledger asks for: rows that
 * SQLite finds in order and nobody else finds at all. */
static const char *const hidden_sql[] = {
#define X(name, text)                                                                              \
    [LEDGER_##name] = LEDGER_##name == LEDGER_LEAVES                                               \
                          ? "SELECT count(*) FROM (SELECT 1 FROM LEAVES WHERE k<0 LIMIT 1)"        \
                          : "SELECT count(*) FROM (SELECT 1 FROM \"" #name                         \
                            "\" WHERE k<x'' LIMIT 1)",
    LEDGER_TABLES(X)
#undef X
};

static bcemr_status find_hidden(sqlite3 *db, recording *r, char words[LEDGER_PAGES_WORDS],
                                ledger_pages *out)
{
    static const char text[] = "there is a row with a key that no ledger gives to one";
    bcemr_status status = BCEMR_OK;
    for (int t = 0; t < LEDGER_TABLE_COUNT; t++) {
        int64_t count = 0;
        r->row = (ledger_pages){.count = 0};
        TRY(database_number(db, hidden_sql[t], &count));
        if (count == 0)
            continue;
        memcpy(words, text, sizeof text);
        *out = r->row;
        break;
    }
out:
    return status;
}

static void say_damaged(const recording *r, char words[LEDGER_PAGES_WORDS], ledger_pages *out)
{
    static const char text[] = "the file cannot be read as a database";
    memcpy(words, text, sizeof text);
    *out = r->row;
    if (out->count == 0)
        add_page(out, 1);
}

static bool says(const char *words, const char *part)
{
    for (; *words; words++)
        if (strncmp(words, part, strlen(part)) == 0)
            return true;
    return false;
}

/*
 * What the words do not name. Where the pages of a long value do not follow each other, the row's
 * is named; the one with the wrong number was read last, and may look like a tree's by its first
 * byte. Where a page is none of a tree, or its numbers do not lie between those that lead to it,
 * the page that leads to it may be wrong. Rows with other keys out of order are told without any
 * page.
 */
static void pages_near(const recording *r, const char *words, ledger_pages *out)
{
    const bool named = out->count > 0;
    const bool value = says(words, "invalid page number") || says(words, "2nd reference") ||
                       says(words, "failed to get page") || says(words, "overflow list");
    const bool child = says(words, "btreeInitPage") || says(words, "unable to get the page") ||
                       says(words, "out of order");
    const uint32_t more[] = {value ? r->value : 0, value || child || !named ? r->near[0] : 0,
                             !named ? r->near[1] : 0, !named ? r->near[2] : 0,
                             child || !named ? r->branch : 0};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        if (more[i] > 0)
            add_page(out, more[i]);
}

bcemr_status ledger_pages_check(const char *path, const bcemr_progress *progress, bool *good,
                                char words[LEDGER_PAGES_WORDS], ledger_pages *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    recording r = {.progress = progress};
    const ledger_sqlite_options options = {.vfs = PAGES_VFS, .cache_kib = SMALL_CACHE};
    sqlite3 *db = NULL;
    int64_t pages = 0;
    *good = false;
    *out = (ledger_pages){.count = 0};
    words[0] = 0;
    TRY_AT(register_vfs(), "database", "pages");
    TRY_AT(database_look(path), "database", "file");
    now = &r;
    TRY(database_open(path, &options, DATABASE_READ, &db, err));
    TRY_AT(database_number(db, "PRAGMA page_count", &pages), "database", "pages");
    r.file = (uint32_t)pages;
    r.reads = 0;
    TRY_AT(run_check(db, &r, words), "database", "pages");
    *good = BCEMR_HOLDS(BCEMR_BAD_DATABASE, strcmp(words, "ok") == 0);
    if (!*good)
        pages_in(words, out);
    if (!*good)
        pages_near(&r, words, out);
    if (*good)
        TRY_AT(find_hidden(db, &r, words, out), "database", "keys");
    *good = BCEMR_HOLDS(BCEMR_BAD_DATABASE, strcmp(words, "ok") == 0);
out:
    now = NULL;
    (void)sqlite3_close(db);
    if (status == BCEMR_E_DAMAGED) {
        say_damaged(&r, words, out);
        status = BCEMR_OK;
    }
    return status;
}

/* ---- a row ---- */

static void pages_of_value(const recording *r, ledger_pages *out)
{
    uint32_t page = r->beyond;
    add_page(out, r->holder);
    for (unsigned steps = 0; page != 0 && steps < CHAIN; steps++) {
        uint32_t next = 0;
        add_page(out, page);
        for (unsigned i = 0; i < r->links; i++)
            if (r->from[i] == page)
                next = r->to[i];
        page = next;
    }
}

bcemr_status ledger_pages_of_row(const char *path, ledger_table table, bcemr_span key,
                                 ledger_pages *out)
{
    recording r = {.table = table};
    const ledger_sqlite_options options = {.vfs = PAGES_VFS};
    ledger_rows *rows = NULL;
    bcemr_buf value = BCEMR_BUF_EMPTY;
    *out = (ledger_pages){.count = 0};
    bcemr_status status = register_vfs();
    if (status != BCEMR_OK)
        return status;
    now = &r;
    status = ledger_rows_open(path, &options, &rows, NULL);
    r.path = (ledger_pages){.count = 0}; /* what was read to open it */
    r.links = 0;
    r.key = bcemr_span_of(key.n > 0 ? key.p : (const uint8_t *)"", key.n);
    if (status == BCEMR_OK)
        status = ledger_rows_get(rows, table, key, &value);
    now = NULL;
    ledger_rows_close(rows);
    bcemr_buf_free(&value);
    if (status == BCEMR_OK && r.holder > 0)
        pages_of_value(&r, out);
    else if (status == BCEMR_E_NOT_FOUND)
        *out = r.path; /* it may have become another row anywhere on the way */
    else
        *out = r.row;
    return status == BCEMR_E_NO_MEMORY ? status : BCEMR_OK;
}

static bcemr_status pass_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    (void)user;
    (void)key;
    (void)value;
    (void)more;
    return BCEMR_OK;
}

bcemr_status ledger_pages_of_damage(const char *path, ledger_table table, bcemr_span from,
                                    ledger_pages *out)
{
    recording r = {.reads = 0};
    const ledger_sqlite_options options = {.vfs = PAGES_VFS, .cache_kib = SMALL_CACHE};
    ledger_rows *rows = NULL;
    *out = (ledger_pages){.count = 0};
    bcemr_status status = register_vfs();
    if (status != BCEMR_OK)
        return status;
    now = &r;
    status = ledger_rows_open(path, &options, &rows, NULL);
    if (status == BCEMR_OK)
        status = ledger_rows_scan(rows, table, (bcemr_span){0}, from, pass_row, NULL);
    now = NULL;
    ledger_rows_close(rows);
    *out = r.row;
    /* A row may lie in a page that leads to others, too. */
    if (r.branch > 0)
        add_page(out, r.branch);
    return status == BCEMR_E_NO_MEMORY ? status : BCEMR_OK;
}
