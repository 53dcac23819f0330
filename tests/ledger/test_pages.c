/* SPDX-License-Identifier: Apache-2.0 */
/* Which pages hold a row, of a file that somebody wrote to mislead who looks for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/verify/pages.h"
#include "support/consortium.h"
#include "support/folder.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define PAGE 4096
#define CELL 1000   /* where the made-up cell stands, in the free middle of the page */
#define LOCAL 908   /* how much of a payload of 5,000 bytes a cell of an index holds */
#define NO_PAGE 119 /* what it gives as the page that it goes on in */

static char folder[FOLDER_ROOM], path[FOLDER_ROOM];
static const ledger_sqlite_options writes = {.writes = true};

/* Three rows of KEYS with these keys of 32 bytes; the number of the page that they lie in. */
static long three_rows(uint8_t keys[3][32])
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    must(ledger_sqlite_create(path, &writes, NULL));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (int i = 0; i < 3; i++) {
        memset(keys[i], i + 1, 32);
        keys[i][30] = 0xa7; /* what the made-up cell begins with: its length, 5,000 */
        keys[i][31] = 0x08;
        assert_int_equal(
            sqlite3_prepare_v2(db, "INSERT INTO KEYS VALUES(?1, x'00')", -1, &statement, NULL),
            SQLITE_OK);
        assert_int_equal(sqlite3_bind_blob(statement, 1, keys[i], 32, SQLITE_STATIC), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    }
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name='KEYS'",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const long page = (long)sqlite3_column_int64(statement, 0);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return page;
}

static void change_page(long number, void (*change)(uint8_t *page, const uint8_t *key),
                        const uint8_t *key)
{
    uint8_t page[PAGE];
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, (number - 1) * PAGE, SEEK_SET), 0);
    assert_int_equal(fread(page, 1, PAGE, f), PAGE);
    change(page, key);
    assert_int_equal(fseek(f, (number - 1) * PAGE, SEEK_SET), 0);
    assert_int_equal(fwrite(page, 1, PAGE, f), PAGE);
    assert_int_equal(fclose(f), 0);
}

/* The last cell becomes one whose record says that its header has 2^64 - 32 bytes: behind that, had
 * the sum not gone round, stands the key of the first. */
static void a_header_of_almost_everything(uint8_t *page, const uint8_t *key)
{
    static const uint8_t cell[] = {0xa7, 0x08, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0xe0, 76};
    const uint8_t *const start = page + CELL + 2;
    assert_int_equal(page[0], 10);
    assert_int_equal(page[4], 3);
    memcpy(page + CELL, cell, sizeof cell);
    memcpy(page + (start - page) - 32, key, 32);
    page[(start - page) + LOCAL + 3] = NO_PAGE;
    page[12] = CELL >> 8;
    page[13] = CELL & 0xff;
}

static void a_length_that_goes_round(void **unused)
{
    (void)unused;
    uint8_t keys[3][32];
    ledger_pages pages;
    folder_empty(folder);
    const long page = three_rows(keys);
    change_page(page, a_header_of_almost_everything, keys[0]);
    must(ledger_pages_of_row(path, LEDGER_KEYS, bcemr_span_of(keys[0], 32), &pages));
    assert_int_equal(pages.count, 1);
    assert_int_equal(pages.pages[0], page);
}

static int all_begin(void **unused)
{
    (void)unused;
    folder_make(folder);
    folder_path(path, folder, "ledger.db");
    return 0;
}

static int all_end(void **unused)
{
    (void)unused;
    folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_length_that_goes_round)};
    return cmocka_run_group_tests(tests, all_begin, all_end);
}
