/* SPDX-License-Identifier: Apache-2.0 */
/* The state in SQLite: what is refused and by which name, readers beside a writer, the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/state/rows.h"
#include "ledger/state/sqlite.h"
#include "support/consortium.h"
#include "support/folder.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[FOLDER_ROOM], path[FOLDER_ROOM];
static const ledger_sqlite_options writes = {.writes = true}, reads = {0};

static int each_begins(void **unused)
{
    (void)unused;
    folder_empty(folder);
    return 0;
}

static bcemr_status open_with(const ledger_sqlite_options *options, bcemr_error *err)
{
    ledger_state state;
    bcemr_status status = ledger_sqlite_open(path, options, &state, err);
    assert_true((status == BCEMR_OK) == (state.ops != NULL));
    ledger_state_close(&state);
    return status;
}

/* The call gives this status, and says of the database which part. */
#define REFUSED(expected, part, options)                                                           \
    do {                                                                                           \
        bcemr_error err_ = {0};                                                                    \
        assert_int_equal(open_with((options), &err_), (expected));                                 \
        assert_string_equal(err_.object, "database");                                              \
        assert_string_equal(err_.field, (part));                                                   \
    } while (0)

static void run(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void put_one(ledger_state *state, ledger_table table, bcemr_span key, const char *value)
{
    must(state->ops->begin(state->self));
    must(ledger_put(state, table, key, bcemr_text(value)));
    must(state->ops->commit(state->self));
}

static bool holds(const ledger_state *state, ledger_table table, bcemr_span key, const char *value)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_status status = ledger_get(state, table, key, &held);
    bool same = status == BCEMR_OK && bcemr_span_equal(bcemr_buf_span(&held), bcemr_text(value));
    assert_true(status == BCEMR_OK || status == BCEMR_E_NOT_FOUND);
    bcemr_buf_free(&held);
    return same;
}

static void write_file(const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* ---- refusals ---- */

static void missing(void **unused)
{
    (void)unused;
    REFUSED(BCEMR_E_NOT_FOUND, "file", &writes);
    REFUSED(BCEMR_E_NOT_FOUND, "file", &reads);
    struct stat found;
    assert_int_not_equal(stat(path, &found), 0); /* and none was made */
}

static void not_a_ledger(void **unused)
{
    (void)unused;
    char junk[8192];
    memset(junk, 'x', sizeof junk);
    write_file(junk, sizeof junk);
    REFUSED(BCEMR_E_NOT_A_LEDGER, "file", &writes);
    REFUSED(BCEMR_E_NOT_A_LEDGER, "file", &reads);
    write_file(junk, 0);
    REFUSED(BCEMR_E_NOT_A_LEDGER, "application", &writes);
    folder_empty(folder);
    run("CREATE TABLE LEAVES(k INTEGER PRIMARY KEY, v BLOB NOT NULL)");
    REFUSED(BCEMR_E_NOT_A_LEDGER, "application", &reads);
    folder_empty(folder);
    assert_int_equal(mkdir(path, 0700), 0);
    REFUSED(BCEMR_E_NOT_A_LEDGER, "file", &writes);
    assert_int_equal(rmdir(path), 0);
}

static void schemas(void **unused)
{
    (void)unused;
    must(ledger_sqlite_create(path, &writes, NULL));
    run("PRAGMA user_version=2");
    REFUSED(BCEMR_E_SCHEMA, "schema", &writes);
    REFUSED(BCEMR_E_SCHEMA, "schema", &reads);
    run("PRAGMA user_version=0");
    REFUSED(BCEMR_E_DAMAGED, "schema", &reads);
    run("PRAGMA user_version=1; CREATE TRIGGER t AFTER INSERT ON LEAVES BEGIN DELETE FROM KEYS; "
        "END");
    REFUSED(BCEMR_E_DAMAGED, "tables", &writes);
    run("DROP TRIGGER t; DROP TABLE QUOTAS");
    REFUSED(BCEMR_E_DAMAGED, "tables", &writes);
}

static void other_ledger(void **unused)
{
    (void)unused;
    const bcemr_hash mine = {{1}}, other = {{2}};
    ledger_sqlite_options options = {.writes = true, .ledger = &other};
    ledger_state state;
    bcemr_error err;
    must(ledger_sqlite_create(path, &writes, NULL));
    must(open_with(&options, NULL)); /* it is nobody's yet */
    must(ledger_sqlite_open(path, &writes, &state, NULL));
    must(state.ops->begin(state.self));
    must(ledger_put(&state, LEDGER_GENESIS, bcemr_text("id"), bcemr_span_of(mine.b, 32)));
    must(state.ops->commit(state.self));
    ledger_state_close(&state);
    for (int i = 0; i < 2; i++) {
        options.writes = i == 0;
        REFUSED(BCEMR_E_REFUSED, "id", &options);
        assert_int_equal(open_with(&options, &err), BCEMR_E_REFUSED);
        assert_int_equal(err.verdict, BCEMR_WRONG_LEDGER);
    }
    options.ledger = &mine;
    must(open_with(&options, NULL));
}

static void create_twice(void **unused)
{
    (void)unused;
    bcemr_error err;
    must(ledger_sqlite_create(path, &writes, NULL));
    assert_int_equal(ledger_sqlite_create(path, &writes, &err), BCEMR_E_EXISTS);
    must(open_with(&writes, NULL));
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
}

/* Another writer of this process, and of another. */
static void second_writer(void **unused)
{
    (void)unused;
    ledger_state state;
    must(ledger_sqlite_create(path, &writes, NULL));
    must(ledger_sqlite_open(path, &writes, &state, NULL));
    REFUSED(BCEMR_E_IN_USE, "lock", &writes);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(open_with(&writes, NULL) == BCEMR_E_IN_USE ? 0 : 1);
    int result = 1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    must(open_with(&reads, NULL));
    ledger_state_close(&state);
    must(open_with(&writes, NULL));
}

/* ---- readers ---- */

static void reader_beside_writer(void **unused)
{
    (void)unused;
    ledger_state writer, reader;
    const bcemr_span key = bcemr_text("k");
    must(ledger_sqlite_create(path, &writes, NULL));
    must(ledger_sqlite_open(path, &writes, &writer, NULL));
    put_one(&writer, LEDGER_KEYS, key, "one");
    must(ledger_sqlite_open(path, &reads, &reader, NULL));
    assert_true(holds(&reader, LEDGER_KEYS, key, "one"));
    put_one(&writer, LEDGER_KEYS, key, "two");
    assert_true(holds(&writer, LEDGER_KEYS, key, "two"));
    assert_true(holds(&reader, LEDGER_KEYS, key, "one")); /* of one moment */
    must(ledger_sqlite_refresh(&reader));
    assert_true(holds(&reader, LEDGER_KEYS, key, "two"));
    /* A reader's transactions end without a trace. */
    must(reader.ops->begin(reader.self));
    must(ledger_put(&reader, LEDGER_KEYS, key, bcemr_text("three")));
    assert_int_equal(reader.ops->commit(reader.self), BCEMR_E_STATE);
    reader.ops->rollback(reader.self);
    assert_true(holds(&reader, LEDGER_KEYS, key, "two"));
    ledger_state_close(&writer);
    assert_true(holds(&reader, LEDGER_KEYS, key, "two"));
    ledger_state_close(&reader);
}

#define TEST(name) cmocka_unit_test_setup(name, each_begins)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(missing),
        TEST(not_a_ledger),
        TEST(schemas),
        TEST(other_ledger),
        TEST(create_twice),
        TEST(second_writer),
        TEST(reader_beside_writer),
    };
    folder_make(folder);
    folder_path(path, folder, "ledger.db");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    folder_remove(folder);
    return failed;
}
