/* SPDX-License-Identifier: Apache-2.0 */
/* The state in SQLite: what is refused and by which name, readers beside a writer, the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/state/database.h"
#include "ledger/state/rows.h"
#include "ledger/state/sqlite.h"
#include "support/consortium.h"
#include "support/folder.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
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

/* What is put into an open file acts neither on what is written nor on what is read. */
static void changed_while_open(void **unused)
{
    (void)unused;
    static const char *const changes[] = {
        "CREATE TRIGGER t AFTER INSERT ON KEYS BEGIN INSERT INTO STOPPED VALUES(x'00', x'00'); END",
        "ALTER TABLE KEYS RENAME TO OLD; CREATE VIEW KEYS AS SELECT k, x'6f' AS v FROM OLD",
        "CREATE TABLE MORE(k, v)", "PRAGMA user_version=2"};
    const bcemr_span key = bcemr_text("k");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const bcemr_status expected = i == 3 ? BCEMR_E_SCHEMA : BCEMR_E_DAMAGED;
        ledger_state writer, reader;
        bcemr_buf held = BCEMR_BUF_EMPTY;
        folder_empty(folder);
        must(ledger_sqlite_create(path, &writes, NULL));
        must(ledger_sqlite_open(path, &writes, &writer, NULL));
        must(ledger_sqlite_open(path, &reads, &reader, NULL));
        put_one(&writer, LEDGER_KEYS, key, "one");
        must(ledger_sqlite_refresh(&reader));
        assert_true(holds(&reader, LEDGER_KEYS, key, "one"));
        run(changes[i]);
        assert_true(holds(&reader, LEDGER_KEYS, key, "one")); /* of the moment before */
        must(ledger_sqlite_refresh(&reader));
        for (int again = 0; again < 2; again++)
            assert_int_equal(ledger_get(&reader, LEDGER_KEYS, key, &held), expected);
        must(writer.ops->begin(writer.self));
        must(ledger_put(&writer, LEDGER_KEYS, bcemr_text("l"), key));
        assert_int_equal(writer.ops->commit(writer.self), expected);
        assert_int_equal(ledger_get(&writer, LEDGER_KEYS, key, &held), BCEMR_E_STOPPED);
        bcemr_buf_free(&held);
        ledger_state_close(&writer);
        ledger_state_close(&reader);
    }
}

/* Nor does anything in the file run in a statement that came before a look at its tables. */
static void connections_run_nothing(void **unused)
{
    (void)unused;
    sqlite3 *db;
    int64_t number = 0;
    must(ledger_sqlite_create(path, &writes, NULL));
    must(database_open(path, &writes, DATABASE_WRITE, &db, NULL));
    run("CREATE TRIGGER t AFTER INSERT ON KEYS BEGIN INSERT INTO STOPPED VALUES(x'00', x'00'); END;"
        "CREATE VIEW shown AS SELECT 7");
    must(database_run(db, "INSERT INTO KEYS VALUES(x'01', x'01')"));
    must(database_number(db, "SELECT count(*) FROM STOPPED", &number));
    assert_int_equal(number, 0);
    assert_int_equal(database_number(db, "SELECT * FROM shown", &number), BCEMR_E_DAMAGED);
    assert_int_not_equal(database_run(db, "ATTACH ':memory:' AS other"), BCEMR_OK);
    assert_int_not_equal(
        database_run(db, "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql=sql"), BCEMR_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A value that no ledger has takes no memory: it is not read. */
static void a_huge_value(void **unused)
{
    (void)unused;
    ledger_state state;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    must(ledger_sqlite_create(path, &writes, NULL));
    run("INSERT INTO KEYS VALUES(x'01', zeroblob(70000000)); INSERT INTO TIP VALUES(x'', x'02')");
    must(ledger_sqlite_open(path, &reads, &state, NULL));
    assert_int_equal(ledger_get(&state, LEDGER_KEYS, bcemr_text("\x01"), &held), BCEMR_E_DAMAGED);
    assert_int_equal(held.n, 0);
    must(ledger_get(&state, LEDGER_TIP, (bcemr_span){0}, &held));
    bcemr_buf_free(&held);
    ledger_state_close(&state);
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

/* Says "go on" and hears it, between two processes. */
static void tell(int to)
{
    assert_int_equal(write(to, "x", 1), 1);
}

static void hear(int from)
{
    char x;
    assert_int_equal(read(from, &x, 1), 1);
}

/* In a child, which must not come back into the test: steps that hold, or an exit status. */
#define CHILD_NEEDS(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "child, line %d: " #condition "\n", __LINE__);                   \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static void ends_well(pid_t child)
{
    int result = 1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
}

static void reader_in_another_process(void **unused)
{
    (void)unused;
    ledger_state writer, reader;
    const bcemr_span key = bcemr_text("k");
    int to_child[2], to_parent[2];
    must(ledger_sqlite_create(path, &writes, NULL));
    assert_int_equal(pipe(to_child) | pipe(to_parent), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        hear(to_child[0]);
        CHILD_NEEDS(ledger_sqlite_open(path, &reads, &reader, NULL) == BCEMR_OK);
        CHILD_NEEDS(holds(&reader, LEDGER_KEYS, key, "one"));
        tell(to_parent[1]);
        hear(to_child[0]);
        CHILD_NEEDS(holds(&reader, LEDGER_KEYS, key, "one"));
        CHILD_NEEDS(ledger_sqlite_refresh(&reader) == BCEMR_OK);
        CHILD_NEEDS(holds(&reader, LEDGER_KEYS, key, "two"));
        ledger_state_close(&reader);
        _exit(0);
    }
    must(ledger_sqlite_open(path, &writes, &writer, NULL));
    put_one(&writer, LEDGER_KEYS, key, "one");
    tell(to_child[1]);
    hear(to_parent[0]);
    put_one(&writer, LEDGER_KEYS, key, "two");
    tell(to_child[1]);
    ends_well(child);
    put_one(&writer, LEDGER_KEYS, key, "three");
    ledger_state_close(&writer);
    for (int i = 0; i < 2; i++) {
        (void)close(to_child[i]);
        (void)close(to_parent[i]);
    }
}

/* What a process that died left: the file, and a WAL without shared memory beside it. */
static void reader_after_a_crash(void **unused)
{
    (void)unused;
    ledger_state state;
    char wal[FOLDER_ROOM], copy[FOLDER_ROOM], copied_wal[FOLDER_ROOM];
    const bcemr_span key = bcemr_text("k");
    folder_path(wal, folder, "ledger.db-wal");
    folder_path(copy, folder, "copy.db");
    folder_path(copied_wal, folder, "copy.db-wal");
    must(ledger_sqlite_create(path, &writes, NULL));
    must(ledger_sqlite_open(path, &writes, &state, NULL));
    put_one(&state, LEDGER_KEYS, key, "one");
    folder_copy(path, copy);
    folder_copy(wal, copied_wal);
    ledger_state_close(&state);
    must(ledger_sqlite_open(copy, &reads, &state, NULL));
    assert_true(holds(&state, LEDGER_KEYS, key, "one"));
    ledger_state_close(&state);
    /* Without the WAL what was in it is not there: who copies a database copies both, or closes it
     * first. */
    folder_copy(path, copy);
    (void)unlink(copied_wal);
    must(ledger_sqlite_open(copy, &reads, &state, NULL));
    assert_true(holds(&state, LEDGER_KEYS, key, "one"));
    ledger_state_close(&state);
}

#define NOBODY 65534

/* A child that may read the folder and not write in it, whoever runs the test. */
static pid_t child_in_closed_folder(void)
{
    const char *const names[] = {"ledger.db", "ledger.db.lock"};
    char name[FOLDER_ROOM];
    for (size_t i = 0; i < 2 && getuid() == 0; i++) {
        folder_path(name, folder, names[i]);
        assert_int_equal(chown(name, NOBODY, NOBODY), 0);
    }
    assert_int_equal(chmod(folder, 0555), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0 && getuid() == 0)
        CHILD_NEEDS(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
    return child;
}

static void closed_folder(void **unused)
{
    (void)unused;
    ledger_state state;
    char other[FOLDER_ROOM];
    const bcemr_span key = bcemr_text("k");
    int to_child[2], to_parent[2];
    assert_int_equal(pipe(to_child) | pipe(to_parent), 0);
    must(ledger_sqlite_create(path, &writes, NULL));
    must(ledger_sqlite_open(path, &writes, &state, NULL));
    put_one(&state, LEDGER_KEYS, key, "one");
    ledger_state_close(&state);
    folder_path(other, folder, "other.db");
    pid_t child = child_in_closed_folder();
    if (child == 0) {
        CHILD_NEEDS(ledger_sqlite_create(other, &writes, NULL) == BCEMR_E_NO_ACCESS);
        /* It can be read, though SQLite can put nothing beside it ... */
        CHILD_NEEDS(ledger_sqlite_open(path, &reads, &state, NULL) == BCEMR_OK);
        CHILD_NEEDS(holds(&state, LEDGER_KEYS, key, "one"));
        tell(to_parent[1]);
        hear(to_child[0]);
        CHILD_NEEDS(holds(&state, LEDGER_KEYS, key, "one"));
        ledger_state_close(&state);
        /* ... and the writer's lock is there already, but no WAL can be made. */
        CHILD_NEEDS(open_with(&writes, NULL) == BCEMR_E_NO_ACCESS);
        _exit(0);
    }
    hear(to_parent[0]);
    /* Nobody changes the file meanwhile: root could. */
    assert_int_equal(open_with(&writes, NULL), BCEMR_E_IN_USE);
    tell(to_child[1]);
    ends_well(child);
    for (int i = 0; i < 2; i++) {
        (void)close(to_child[i]);
        (void)close(to_parent[i]);
    }
    /* And a file that this user may not read. */
    assert_int_equal(chmod(folder, 0755) | chmod(path, 0), 0);
    child = child_in_closed_folder();
    if (child == 0)
        _exit(open_with(&reads, NULL) == BCEMR_E_NO_ACCESS ? 0 : 1);
    ends_well(child);
    assert_int_equal(chmod(folder, 0700), 0);
}

/* ---- files ---- */

static off_t size_of(const char *name)
{
    char whole[FOLDER_ROOM];
    struct stat found;
    folder_path(whole, folder, name);
    return stat(whole, &found) == 0 ? found.st_size : -1;
}

static void files_of_the_owner(void **unused)
{
    (void)unused;
    ledger_state state;
    static const char *const names[] = {"ledger.db", "ledger.db-wal", "ledger.db-shm",
                                        "ledger.db.lock"};
    (void)umask(0);
    must(ledger_sqlite_create(path, &writes, NULL));
    must(ledger_sqlite_open(path, &writes, &state, NULL));
    put_one(&state, LEDGER_KEYS, bcemr_text("k"), "one");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[FOLDER_ROOM];
        struct stat found;
        folder_path(name, folder, names[i]);
        assert_int_equal(stat(name, &found), 0);
        assert_int_equal(found.st_mode & 0777, 0600);
    }
    ledger_state_close(&state);
    (void)umask(022);
    /* Closed well it is one file and the lock's name. */
    assert_int_equal(size_of("ledger.db-wal"), -1);
    assert_int_equal(size_of("ledger.db-shm"), -1);
}

/* What a creation that died left is in nobody's way; what another makes just now is. */
static void left_over(void **unused)
{
    (void)unused;
    char fresh[FOLDER_ROOM], wal[FOLDER_ROOM];
    folder_path(fresh, folder, "ledger.db.new");
    folder_path(wal, folder, "ledger.db.new-wal");
    write_file("junk", 4);
    folder_copy(path, fresh);
    folder_copy(path, wal);
    assert_int_equal(ledger_sqlite_create(path, &writes, NULL), BCEMR_E_EXISTS);
    assert_int_equal(unlink(path), 0);
    must(ledger_sqlite_create(path, &writes, NULL));
    must(open_with(&writes, NULL));
    assert_int_equal(size_of("ledger.db.new"), -1);
    assert_int_equal(size_of("ledger.db.new-wal"), -1);
}

static void any_name(void **unused)
{
    (void)unused;
    static const char *const names[] = {"a b?c#d%41.db", "x&mode=memory",
                                        ":memory:", "\xc3\xa4.db"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ledger_state state;
        char name[FOLDER_ROOM];
        folder_path(name, folder, names[i]);
        must(ledger_sqlite_create(name, &writes, NULL));
        must(ledger_sqlite_open(name, &writes, &state, NULL));
        put_one(&state, LEDGER_KEYS, bcemr_text("k"), "one");
        ledger_state_close(&state);
        assert_true(size_of(names[i]) > 0);
    }
    /* In the folder that one stands in. */
    char before[FOLDER_ROOM];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    must(ledger_sqlite_create(":memory:2", &writes, NULL));
    assert_true(size_of(":memory:2") > 0);
    assert_int_equal(chdir(before), 0);
}

static void damaged(void **unused)
{
    (void)unused;
    ledger_state state;
    ledger_key key;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    static uint8_t junk[4096], leaf[3000];
    memset(junk, 0x5a, sizeof junk);
    must(ledger_sqlite_create(path, &writes, NULL));
    must(ledger_sqlite_open(path, &writes, &state, NULL));
    must(state.ops->begin(state.self));
    for (uint64_t i = 0; i < 100; i++) {
        ledger_key_begin(&key);
        ledger_key_add_number(&key, i);
        must(ledger_put(&state, LEDGER_LEAVES, ledger_key_span(&key),
                        bcemr_span_of(leaf, sizeof leaf)));
    }
    must(state.ops->commit(state.self));
    ledger_state_close(&state);
    /* Pages of rows: it opens, and says so when it comes to them. */
    const long size = (long)size_of("ledger.db");
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    for (long at = size - 200000; at < size - 4096; at += 4096)
        assert_true(fseek(f, at & ~4095L, SEEK_SET) == 0 && fwrite(junk, 4096, 1, f) == 1);
    assert_int_equal(fclose(f), 0);
    must(ledger_sqlite_open(path, &reads, &state, NULL));
    ledger_key_begin(&key);
    ledger_key_add_number(&key, 90);
    assert_int_equal(ledger_get(&state, LEDGER_LEAVES, ledger_key_span(&key), &held),
                     BCEMR_E_DAMAGED);
    ledger_state_close(&state);
    bcemr_buf_free(&held);
    /* The table of tables. */
    f = fopen(path, "r+b");
    assert_non_null(f);
    assert_true(fseek(f, 100, SEEK_SET) == 0 && fwrite(junk, 3000, 1, f) == 1);
    assert_int_equal(fclose(f), 0);
    REFUSED(BCEMR_E_DAMAGED, "file", &writes);
    REFUSED(BCEMR_E_DAMAGED, "file", &reads);
    /* Its end is missing. */
    assert_int_equal(truncate(path, 8192), 0);
    REFUSED(BCEMR_E_DAMAGED, "file", &reads);
}

/* ---- the WAL ---- */

static off_t largest_wal(ledger_state *writer)
{
    static uint8_t leaf[20000];
    static uint64_t next;
    off_t largest = 0;
    for (int i = 0; i < 100; i++) {
        ledger_key key;
        ledger_key_begin(&key);
        ledger_key_add_number(&key, next++);
        must(writer->ops->begin(writer->self));
        must(ledger_put(writer, LEDGER_LEAVES, ledger_key_span(&key),
                        bcemr_span_of(leaf, sizeof leaf)));
        must(writer->ops->commit(writer->self));
        off_t size = size_of("ledger.db-wal");
        largest = size > largest ? size : largest;
    }
    return largest;
}

/* Has a moment open nearly always, but none for long. */
typedef struct restless {
    pthread_t thread;
    ledger_state state;
    atomic_bool ends;
} restless;

static void *read_on(void *user)
{
    restless *r = user;
    bool there;
    while (!atomic_load(&r->ends)) {
        must(ledger_has(&r->state, LEDGER_TIP, (bcemr_span){0}, &there));
        must(ledger_sqlite_refresh(&r->state));
        must(ledger_has(&r->state, LEDGER_TIP, (bcemr_span){0}, &there));
    }
    return NULL;
}

/* It stays short beside readers who refresh, and grows beside one who does not. */
static void wal_is_bounded(void **unused)
{
    (void)unused;
    const ledger_sqlite_options options = {.writes = true, .scratch = true, .wal_kib = 256};
    const off_t bound = (off_t)4 * 256 * 1024;
    ledger_state writer, idle;
    restless reader;
    bool there;
    atomic_init(&reader.ends, false);
    must(ledger_sqlite_create(path, &options, NULL));
    must(ledger_sqlite_open(path, &options, &writer, NULL));
    assert_true(largest_wal(&writer) < bound);
    must(ledger_sqlite_open(path, &reads, &reader.state, NULL));
    assert_int_equal(pthread_create(&reader.thread, NULL, read_on, &reader), 0);
    assert_true(largest_wal(&writer) < bound);
    atomic_store(&reader.ends, true);
    assert_int_equal(pthread_join(reader.thread, NULL), 0);
    ledger_state_close(&reader.state);
    must(ledger_sqlite_open(path, &reads, &idle, NULL));
    must(ledger_has(&idle, LEDGER_TIP, (bcemr_span){0}, &there));
    assert_true(largest_wal(&writer) > 2 * bound);
    ledger_state_close(&idle);
    ledger_state_close(&writer);
}

/* Another program has it open in SQLite and writes: the commit waits, gives up, and has stopped
 * nothing. */
static void foreign_writer(void **unused)
{
    (void)unused;
    ledger_state state;
    sqlite3 *db;
    const bcemr_span key = bcemr_text("k");
    must(ledger_sqlite_create(path, &writes, NULL));
    must(ledger_sqlite_open(path, &writes, &state, NULL));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    must(state.ops->begin(state.self));
    must(ledger_put(&state, LEDGER_KEYS, key, bcemr_text("one")));
    assert_int_equal(state.ops->commit(state.self), BCEMR_E_BUSY);
    state.ops->rollback(state.self);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    put_one(&state, LEDGER_KEYS, key, "one");
    assert_true(holds(&state, LEDGER_KEYS, key, "one"));
    ledger_state_close(&state);
}

#define TEST(name) cmocka_unit_test_setup(name, each_begins)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(missing),
        TEST(not_a_ledger),
        TEST(schemas),
        TEST(changed_while_open),
        TEST(connections_run_nothing),
        TEST(a_huge_value),
        TEST(other_ledger),
        TEST(create_twice),
        TEST(second_writer),
        TEST(reader_beside_writer),
        TEST(reader_in_another_process),
        TEST(reader_after_a_crash),
        TEST(closed_folder),
        TEST(files_of_the_owner),
        TEST(left_over),
        TEST(any_name),
        TEST(damaged),
        TEST(wal_is_bounded),
        TEST(foreign_writer),
    };
    folder_make(folder);
    folder_path(path, folder, "ledger.db");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    folder_remove(folder);
    return failed;
}
