/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bits of a kept database flipped, in every page: either the check of it finds something and names
 * the page, or nothing that is read from it has changed (the bit lay in unused space). A check that
 * does not compare rows is caught by the same test.
 *
 * BCEMR_FLIPS=N: flips a page (2). BCEMR_FLIPS_SEED=N: other places.
 */
#define _XOPEN_SOURCE 700

#include "rules_test.h"

#include "ledger/chain/internal.h"
#include "ledger/state/sqlite.h"
#include "ledger/verify/pages.h"
#include "ledger/verify/verify.h"
#include "support/folder.h"
#include "support/ledger_story.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGE 4096
#define VISITS 12 /* sealed, besides the story's: trees of more than one page */

/* ---- a database, and its rows ---- */

typedef struct original {
    char folder[FOLDER_ROOM], path[FOLDER_ROOM], copy[FOLDER_ROOM];
    uint8_t *bytes;
    uint64_t pages;
    ledger_state rows; /* all of them, in memory */
} original;

static bcemr_status copy_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    (void)more;
    const struct {
        ledger_state *to;
        ledger_table table;
    } *c = user;
    return ledger_put(c->to, c->table, key, value);
}

static void copy_rows(const ledger_state *from, ledger_state *to)
{
    struct {
        ledger_state *to;
        ledger_table table;
    } c = {to, LEDGER_GENESIS};
    must(to->ops->begin(to->self));
    for (int t = 0; t < LEDGER_TABLE_COUNT; t++) {
        c.table = (ledger_table)t;
        must(ledger_scan(from, c.table, (bcemr_span){0}, (bcemr_span){0}, copy_row, &c));
    }
    must(to->ops->commit(to->self));
}

static void read_file(original *o)
{
    const int fd = open(o->path, O_RDONLY);
    const off_t size = lseek(fd, 0, SEEK_END);
    assert_true(fd >= 0 && size > 0 && size % PAGE == 0);
    o->pages = (uint64_t)size / PAGE;
    o->bytes = malloc((size_t)size);
    assert_int_equal(pread(fd, o->bytes, (size_t)size, 0), size);
    (void)close(fd);
}

static void make_original(world *w, original *o)
{
    ledger_state disk;
    const ledger_sqlite_options options = {.writes = true, .scratch = true};
    story_play(w);
    for (uint64_t i = 0; i < VISITS; i++) {
        world_visit visit;
        world_sealed_visit(w, 10 + i, 2, &visit);
        world_visit_free(&visit);
    }
    folder_make(o->folder);
    folder_path(o->path, o->folder, "ledger.db");
    folder_path(o->copy, o->folder, "copy.db");
    must(ledger_sqlite_create(o->path, &options, NULL));
    must(ledger_sqlite_open(o->path, &options, &disk, NULL));
    copy_rows(&w->chain->state, &disk);
    ledger_state_close(&disk);
    must(ledger_state_memory(&o->rows));
    copy_rows(&w->chain->state, &o->rows);
    read_file(o);
}

static void free_original(original *o)
{
    ledger_state_close(&o->rows);
    free(o->bytes);
    folder_remove(o->folder);
}

/* ---- what a page is ---- */

#define KINDS 64

typedef struct kind {
    char name[64];
    unsigned flips, by_file, by_rows, unchanged;
} kind;

static kind kinds[KINDS];
static unsigned kind_count;

static kind *kind_named(const char *name)
{
    for (unsigned i = 0; i < kind_count; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    assert_true(kind_count < KINDS);
    (void)snprintf(kinds[kind_count].name, sizeof kinds[0].name, "%s", name);
    return &kinds[kind_count++];
}

/* One for each page, by SQLite's own account. */
static kind **kinds_of(const original *o)
{
    kind **of = calloc(o->pages + 1, sizeof *of);
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open_v2(o->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, "SELECT pageno, name, pagetype FROM dbstat", -1, &s, NULL) ==
        SQLITE_OK) {
        while (sqlite3_step(s) == SQLITE_ROW) {
            char name[64];
            (void)snprintf(name, sizeof name, "%s %s", (const char *)sqlite3_column_text(s, 1),
                           (const char *)sqlite3_column_text(s, 2));
            of[sqlite3_column_int64(s, 0)] = kind_named(name);
        }
        (void)sqlite3_finalize(s);
    }
    (void)sqlite3_close(db);
    for (uint64_t page = 1; page <= o->pages; page++)
        if (!of[page])
            of[page] = kind_named("other");
    return of;
}

/* ---- whether it is noticed ---- */

static bcemr_status scratch(void *user, ledger_state *out, bcemr_error *err)
{
    (void)user;
    (void)err;
    return ledger_state_memory(out);
}

static bool has_page(const ledger_pages *pages, uint32_t page)
{
    for (uint64_t i = 0; i < pages->count; i++)
        if (pages->pages[i] == page)
            return true;
    return false;
}

typedef enum noticed { NOTICED_NOT, NOTICED_FILE, NOTICED_ROWS } noticed;

static void pages_of(const original *o, const ledger_bad *bad, ledger_pages *out)
{
    ledger_pages node;
    ledger_key key;
    must((bad->kind == LEDGER_BAD_READ ? ledger_pages_of_damage : ledger_pages_of_row)(
        o->copy, bad->table, ledger_key_span(&bad->key), out));
    if (!bad->or_node)
        return;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, 0);
    ledger_key_add_number(&key, bad->leaf);
    must(ledger_pages_of_row(o->copy, LEDGER_NODES, ledger_key_span(&key), &node));
    for (uint64_t i = 0; i < node.count; i++)
        out->pages[out->count++] = node.pages[i];
}

/* What `bcemr ledger verify` does. */
static noticed check(const world *w, const original *o, ledger_pages *pages, char why[256])
{
    bcemr_error err = {.status = BCEMR_OK};
    ledger_verified found;
    ledger_state state;
    bool good = false;
    const ledger_sqlite_options reading = {.writes = false};
    const ledger_verify_options how = {.context = w->c.context, .scratch = scratch};
    bcemr_status status = ledger_pages_check(o->copy, NULL, &good, why, pages, &err);
    if (status == BCEMR_E_NOT_A_LEDGER || status == BCEMR_E_SCHEMA) {
        /* The file's first page says what it is. */
        (void)snprintf(why, 256, "%s", bcemr_status_name(status));
        *pages = (ledger_pages){.count = 1, .pages = {1}};
        return NOTICED_FILE;
    }
    if (status != BCEMR_OK)
        fail_msg("the file's check fails: %s", bcemr_status_name(status));
    if (!good)
        return NOTICED_FILE;
    must(ledger_sqlite_open(o->copy, &reading, &state, &err));
    status = ledger_verify(&state, &how, &found, &err);
    ledger_state_close(&state);
    if (status != BCEMR_OK)
        fail_msg("the check fails: %s", bcemr_status_name(status));
    if (found.bad.kind == LEDGER_BAD_NONE)
        return NOTICED_NOT;
    (void)snprintf(why, 256, "%s, kind %d", ledger_table_name(found.bad.table),
                   (int)found.bad.kind);
    pages_of(o, &found.bad, pages);
    return NOTICED_ROWS;
}

/* ---- whether anything that is read has changed ---- */

typedef struct comparing {
    const ledger_state *other;
    ledger_table table;
    uint64_t rows;
    bool differs;
} comparing;

static bcemr_status same_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    comparing *c = user;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    const bcemr_status status = ledger_get(c->other, c->table, key, &held);
    c->differs =
        c->differs || status != BCEMR_OK || !bcemr_span_equal(bcemr_buf_span(&held), value);
    c->rows++;
    *more = !c->differs;
    bcemr_buf_free(&held);
    return BCEMR_OK;
}

/* Every row by scanning and by its key, both ways. */
static bool unchanged(const original *o)
{
    ledger_state state;
    const ledger_sqlite_options reading = {.writes = false};
    bool same = ledger_sqlite_open(o->copy, &reading, &state, NULL) == BCEMR_OK;
    if (!same)
        return false;
    for (int t = 0; t < LEDGER_TABLE_COUNT && same; t++) {
        comparing kept = {.other = &o->rows, .table = (ledger_table)t};
        comparing back = {.other = &state, .table = (ledger_table)t};
        same = ledger_scan(&state, kept.table, (bcemr_span){0}, (bcemr_span){0}, same_row, &kept) ==
                   BCEMR_OK &&
               ledger_scan(&o->rows, back.table, (bcemr_span){0}, (bcemr_span){0}, same_row,
                           &back) == BCEMR_OK &&
               !kept.differs && !back.differs && kept.rows == back.rows;
    }
    ledger_state_close(&state);
    return same;
}

/* ---- flipping ---- */

static void write_copy(const original *o, uint64_t bit)
{
    char beside[FOLDER_ROOM + 8];
    static const char *const suffixes[] = {"-wal", "-shm", ".lock"};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(beside, sizeof beside, "%s%s", o->copy, suffixes[i]);
        (void)unlink(beside);
    }
    const int fd = open(o->copy, O_WRONLY | O_CREAT | O_TRUNC, S_IRUSR | S_IWUSR);
    o->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    const ssize_t size = (ssize_t)(o->pages * PAGE);
    assert_true(fd >= 0 && write(fd, o->bytes, (size_t)size) == size);
    o->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    (void)close(fd);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed += 0x9e3779b97f4a7c15u;
    uint64_t z = *seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);
    return value && value[0] ? strtoull(value, NULL, 10) : otherwise;
}

/* Flips in pages first, first + step, ...; how many changed a read and were not noticed, and how
 * many were noticed in another page. */
typedef struct tally {
    unsigned missed, misplaced;
} tally;

static tally flip_pages(const world *w, const original *o, kind **of, uint64_t step, bool tells)
{
    tally all = {0, 0};
    uint64_t seed = setting("BCEMR_FLIPS_SEED", 1);
    const uint64_t each = setting("BCEMR_FLIPS", 2);
    for (uint64_t page = 1; page <= o->pages; page += step) {
        for (uint64_t i = 0; i < each; i++) {
            const uint64_t bit = (page - 1) * PAGE * 8 + next_random(&seed) % (PAGE * 8);
            ledger_pages named;
            char why[256] = "";
            write_copy(o, bit);
            const noticed how = check(w, o, &named, why);
            kind *k = of[page];
            k->flips++;
            k->by_file += how == NOTICED_FILE;
            k->by_rows += how == NOTICED_ROWS;
            k->unchanged += how == NOTICED_NOT;
            const bool missed = how == NOTICED_NOT && !unchanged(o);
            const bool misplaced = how != NOTICED_NOT && !has_page(&named, (uint32_t)page);
            all.missed += missed;
            all.misplaced += misplaced;
            if (tells && (missed || misplaced))
                (void)fprintf(stderr, "byte %u of page %u (%s), bit %u: %s%s\n",
                              (unsigned)(bit / 8 % PAGE), (unsigned)page, k->name,
                              (unsigned)(bit % 8), missed ? "not noticed" : "another page: ", why);
        }
    }
    return all;
}

static void print_table(void)
{
    (void)printf("%-32s %6s %8s %8s %10s\n", "page", "flips", "by file", "by rows", "unchanged");
    for (unsigned i = 0; i < kind_count; i++)
        (void)printf("%-32s %6u %8u %8u %10u\n", kinds[i].name, kinds[i].flips, kinds[i].by_file,
                     kinds[i].by_rows, kinds[i].unchanged);
}

static void every_page(void **state)
{
    world *w = *state;
    original o;
    make_original(w, &o);
    kind **of = kinds_of(&o);
    const tally all = flip_pages(w, &o, of, 1, true);
    print_table();
    assert_int_equal(all.missed, 0);
    assert_int_equal(all.misplaced, 0);
    /* Without the comparisons most of it goes unseen: this test would say so. */
    bcemr_switch_off(BCEMR_BAD_DATABASE);
    const tally blind = flip_pages(w, &o, of, 4, false);
    bcemr_switch_all_on();
    assert_true(blind.missed > 0);
    free(of);
    free_original(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(every_page)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
