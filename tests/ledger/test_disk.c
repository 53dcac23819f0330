/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The n-th call to the system fails, for every n and each kind of call, while blocks are committed:
 * the status says what it was, nothing more is acknowledged by a state whose write failed, and what
 * was acknowledged is there when the database is opened again, which then goes on. A full disk is
 * one of them, and so is memory that SQLite asks for.
 */
#include "rules_test.h"

#include "ledger/state/sqlite.h"
#include "support/folder.h"
#include "support/ledger_log.h"
#include "support/power.h"
#include "wire/fault.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS 10

static char folder[FOLDER_ROOM], path[FOLDER_ROOM], base[FOLDER_ROOM], after[FOLDER_ROOM];
static bcemr_context *context;
static ledger_log written;
static uint64_t first; /* the block after those that base holds */

/* Little memory for pages and a short WAL, so that everything happens within a few blocks. */
static const ledger_sqlite_options options = {
    .writes = true, .vfs = POWER_VFS, .cache_kib = 64, .wal_kib = 64};

static void open_ledger(const char *where, const ledger_sqlite_options *how, ledger_chain **out)
{
    ledger_chain_options chain = {.context = context};
    must(ledger_sqlite_open(where, how, &chain.state, NULL));
    must(ledger_chain_open(out, &chain, bcemr_buf_span(&written.genesis), NULL));
}

static bcemr_status submit(ledger_chain *chain, const log_block *block)
{
    ledger_outcome outcome;
    bcemr_status status = ledger_chain_submit(chain, block->tau, block->entries, 1, &outcome, NULL);
    if (status == BCEMR_OK)
        assert_int_equal(outcome.status, BCEMR_OK);
    return status;
}

static int begin(void **unused)
{
    static world w;
    bcemr_tr_e_revoke revoke;
    ledger_chain *chain;
    (void)unused;
    world_begin(&w, 0);
    first = ledger_chain_height(w.chain) + 1;
    for (uint64_t i = 0; i < BLOCKS; i++) {
        world_revoke(&w, i, &revoke);
        TAKEN(world_post(&w, &bcemr_type_e_revoke, &revoke, NULL, 0));
    }
    ledger_log_take(w.c.context, w.chain, bcemr_buf_span(&w.c.signed_genesis), &written);
    world_end(&w);
    must(bcemr_context_new(&context));
    must(ledger_sqlite_create(base, &(ledger_sqlite_options){.scratch = true}, NULL));
    open_ledger(base, &(ledger_sqlite_options){.writes = true, .scratch = true}, &chain);
    for (uint64_t i = 1; i < first; i++)
        must(submit(chain, &written.blocks[i]));
    ledger_chain_close(chain);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    power_end();
    ledger_log_free(&written);
    bcemr_context_free(context);
    return 0;
}

static void start_anew(void)
{
    char beside[FOLDER_ROOM + 8];
    static const char *const ends[] = {"-wal", "-shm"};
    for (int i = 0; i < 2; i++) {
        (void)snprintf(beside, sizeof beside, "%s%s", path, ends[i]);
        (void)unlink(beside);
    }
    folder_copy(base, path);
    power_begin();
}

/* ---- a run in which something fails ---- */

/* Blocks until one fails; *acknowledged is what the last good one led to. */
static bcemr_status commit_until_failure(ledger_chain *chain, uint64_t *acknowledged)
{
    for (uint64_t i = ledger_chain_height(chain) + 1; i < written.count; i++) {
        bcemr_status status = submit(chain, &written.blocks[i]);
        if (status != BCEMR_OK)
            return status;
        *acknowledged = written.blocks[i].size;
        power_acknowledge(*acknowledged);
    }
    return BCEMR_OK;
}

/* Opens and commits; the first status that is not OK. A state that has stopped stays so; one that
 * has not goes on where it was. */
static bcemr_status run(const ledger_sqlite_options *how, uint64_t *acknowledged)
{
    ledger_chain_options options_of = {.context = context};
    ledger_chain *chain = NULL;
    bcemr_status status = ledger_sqlite_open(path, how, &options_of.state, NULL);
    if (status != BCEMR_OK)
        return status;
    status = ledger_chain_open(&chain, &options_of, (bcemr_span){0}, NULL);
    if (status != BCEMR_OK) {
        ledger_state_close(&options_of.state);
        return status;
    }
    status = commit_until_failure(chain, acknowledged);
    if (status != BCEMR_OK) {
        bcemr_status again = commit_until_failure(chain, acknowledged);
        bool there;
        if (again == BCEMR_E_STOPPED) {
            assert_int_equal(ledger_has(&options_of.state, LEDGER_TIP, (bcemr_span){0}, &there),
                             BCEMR_E_STOPPED);
            assert_int_equal(options_of.state.ops->begin(options_of.state.self), BCEMR_E_STOPPED);
        } else {
            /* Nothing was being written. */
            if (again != BCEMR_OK && again != status)
                fail_msg("%s, then %s", bcemr_status_name(status), bcemr_status_name(again));
        }
    }
    ledger_chain_close(chain);
    return status;
}

static uint64_t not_closed; /* calls when it had gone on to the end */

/* What lies at where holds the beginning of the log with all that was acknowledged. */
static void holds(const char *where, uint64_t acknowledged, bool to_the_end)
{
    /* With a WAL that is not moved while it goes on: what is in it has to count. */
    const ledger_sqlite_options how = {
        .writes = true, .scratch = !to_the_end, .vfs = to_the_end ? POWER_VFS : NULL};
    ledger_chain_options chain_options = {.context = context};
    ledger_chain *chain;
    bcemr_hash root, rows;
    must(ledger_sqlite_open(where, &how, &chain_options.state, NULL));
    must(ledger_chain_open(&chain, &chain_options, (bcemr_span){0}, NULL));
    if (to_the_end)
        must(commit_until_failure(chain, &acknowledged));
    not_closed = to_the_end ? power_count() : not_closed;
    const uint64_t size = ledger_chain_size(chain);
    const log_block *block = ledger_log_at(&written, size);
    assert_true(size >= acknowledged);
    assert_non_null(block);
    must(ledger_chain_root(chain, size, &root));
    must(ledger_log_rows(&chain_options.state, &rows));
    assert_true(bcemr_hash_equal(&root, &block->root) && bcemr_hash_equal(&rows, &block->rows));
    ledger_chain_close(chain);
}

/* ---- the tests ---- */

/* The n-th of them fails, for every n that there is. Returns how many there are. */
static uint64_t fail_each(power_call call, bool lasting, bcemr_status expected)
{
    for (uint64_t n = 1;; n++) {
        uint64_t acknowledged = written.blocks[first - 1].size;
        start_anew();
        power_fail(call, n, lasting);
        bcemr_status status = run(&options, &acknowledged);
        const bool failed = power_failed();
        power_fail(POWER_CALL_NONE, 0, false);
        /* A call that fails while the database is closed, or that SQLite can do without, stops
         * nobody; a block that is acknowledged counts all the same. */
        if (status != BCEMR_OK && status != expected && status != BCEMR_E_STOPPED)
            fail_msg("call %u of kind %d: %s instead of %s", (unsigned)n, (int)call,
                     bcemr_status_name(status), bcemr_status_name(expected));
        assert_true(failed || status == BCEMR_OK);
        if (!failed)
            return n - 1;
        holds(path, acknowledged, true);
        /* And then the power goes: what was acknowledged after the failure is there, too. */
        power_rebuild(not_closed, POWER_DROP, n, path, after);
        holds(after, power_acknowledged(not_closed), false);
    }
}

static void calls_fail(void **unused)
{
    (void)unused;
    static const struct {
        power_call call;
        bcemr_status status;
        uint64_t least; /* there are so many at least: the test reaches what it is about */
    } kinds[] = {
        {POWER_CALL_OPEN, BCEMR_E_IO, 2},     {POWER_CALL_READ, BCEMR_E_IO, 10},
        {POWER_CALL_WRITE, BCEMR_E_IO, 60},   {POWER_CALL_SHORT_WRITE, BCEMR_E_IO, 60},
        {POWER_CALL_FULL, BCEMR_E_FULL, 60},  {POWER_CALL_SYNC, BCEMR_E_IO, BLOCKS + 4},
        {POWER_CALL_TRUNCATE, BCEMR_E_IO, 1}, {POWER_CALL_DELETE, BCEMR_E_IO, 1},
        {POWER_CALL_SHARE, BCEMR_E_IO, 1},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        for (int lasting = 0; lasting < 2; lasting++) {
            uint64_t n = fail_each(kinds[i].call, lasting != 0, kinds[i].status);
            if (n < kinds[i].least)
                fail_msg("only %u calls of kind %d", (unsigned)n, (int)kinds[i].call);
        }
}

/* A write fails in the middle: by its name, then E_STOPPED. */
static void stopped_after_a_write(void **unused)
{
    (void)unused;
    static const struct {
        power_call call;
        bcemr_status status;
    } kinds[] = {{POWER_CALL_WRITE, BCEMR_E_IO},
                 {POWER_CALL_FULL, BCEMR_E_FULL},
                 {POWER_CALL_SYNC, BCEMR_E_IO}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        ledger_chain *chain;
        start_anew();
        open_ledger(path, &options, &chain);
        must(submit(chain, &written.blocks[first]));
        power_fail(kinds[i].call, 1, false); /* once: it is not tried again */
        assert_int_equal(submit(chain, &written.blocks[first + 1]), kinds[i].status);
        assert_int_equal(submit(chain, &written.blocks[first + 1]), BCEMR_E_STOPPED);
        ledger_chain_close(chain);
        holds(path, written.blocks[first].size, true);
    }
}

/* Whichever call fails while a database is made: it is not there, and can be made afterwards. */
static void creation_fails(void **unused)
{
    (void)unused;
    static const power_call calls[] = {POWER_CALL_OPEN, POWER_CALL_WRITE, POWER_CALL_FULL,
                                       POWER_CALL_SYNC};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        for (uint64_t n = 1;; n++) {
            folder_empty(folder);
            power_begin();
            power_fail(calls[i], n, false);
            bcemr_status status = ledger_sqlite_create(path, &options, NULL);
            const bool failed = power_failed();
            power_fail(POWER_CALL_NONE, 0, false);
            if (!failed) {
                assert_true(n > 1);
                must(status);
                break;
            }
            assert_int_equal(status, calls[i] == POWER_CALL_FULL ? BCEMR_E_FULL : BCEMR_E_IO);
            assert_int_not_equal(access(path, F_OK), 0);
            must(ledger_sqlite_create(path, &options, NULL));
        }
}

/* ---- memory ---- */

static sqlite3_mem_methods memory;
static uint64_t until_no_memory;
static bool memory_failed;

static bool no_memory(void)
{
    if (until_no_memory == 0 || --until_no_memory > 0)
        return false;
    return memory_failed = true;
}

static void *take_memory(int n)
{
    return no_memory() ? NULL : memory.xMalloc(n);
}

static void *take_more_memory(void *p, int n)
{
    return no_memory() ? NULL : memory.xRealloc(p, n);
}

static void sqlite_without_memory(void **unused)
{
    (void)unused;
    for (uint64_t n = 1;; n += n < 200 ? 1 : 7) {
        uint64_t acknowledged = written.blocks[first - 1].size;
        start_anew();
        memory_failed = false;
        until_no_memory = n;
        bcemr_status status = run(&options, &acknowledged);
        until_no_memory = 0;
        if (status != BCEMR_OK && status != BCEMR_E_NO_MEMORY && status != BCEMR_E_STOPPED)
            fail_msg("allocation %u: %s", (unsigned)n, bcemr_status_name(status));
        holds(path, acknowledged, true);
        if (!memory_failed) {
            assert_true(n > 500);
            return;
        }
    }
}

static void without_memory(void **unused)
{
    (void)unused;
    for (uint64_t n = 1;; n++) {
        ledger_state state = {0};
        folder_empty(folder);
        bcemr_switch_fail_allocation(n);
        bcemr_status made = ledger_sqlite_create(path, &options, NULL);
        bcemr_status status =
            made == BCEMR_OK ? ledger_sqlite_open(path, &options, &state, NULL) : made;
        const bool failed = bcemr_switch_allocations() >= n;
        bcemr_switch_fail_allocation(0);
        ledger_state_close(&state);
        if (!failed) {
            must(status);
            assert_true(n > 10);
            return;
        }
        assert_int_equal(status, BCEMR_E_NO_MEMORY);
        assert_int_equal(access(path, F_OK) == 0, made == BCEMR_OK);
    }
}

/* ---- a disk that is full indeed ---- */

/* In a child: files may not grow beyond this. The exit status is how many blocks were
 * acknowledged, 100 more when what failed was not named so. */
static int append_with_limit(rlim_t most)
{
    ledger_chain *chain;
    uint64_t acknowledged = written.blocks[first - 1].size, blocks = 0;
    const struct rlimit limit = {most, most};
    open_ledger(path, &(ledger_sqlite_options){.writes = true}, &chain);
    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 200;
    bcemr_status status = commit_until_failure(chain, &acknowledged);
    while (written.blocks[first - 1 + blocks].size < acknowledged)
        blocks++;
    if (status != BCEMR_E_FULL || submit(chain, &written.blocks[first + blocks]) != BCEMR_E_STOPPED)
        return 100 + (int)blocks;
    ledger_chain_close(chain);
    return (int)blocks;
}

static void full_disk(void **unused)
{
    (void)unused;
    for (rlim_t most = 40000; most <= 120000; most += 20000) {
        start_anew();
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(append_with_limit(most));
        int result = 0;
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_true(WIFEXITED(result));
        if (WEXITSTATUS(result) >= BLOCKS)
            fail_msg("limit %u: %d", (unsigned)most, WEXITSTATUS(result));
        holds(path, written.blocks[first - 1 + (uint64_t)WEXITSTATUS(result)].size, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_fail),
        cmocka_unit_test(stopped_after_a_write),
        cmocka_unit_test(sqlite_without_memory),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(creation_fails),
        cmocka_unit_test(without_memory),
    };
    /* Before SQLite begins. */
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory) != SQLITE_OK)
        return 1;
    sqlite3_mem_methods ours = memory;
    ours.xMalloc = take_memory;
    ours.xRealloc = take_more_memory;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK)
        return 1;
    folder_make(folder);
    folder_path(path, folder, "ledger.db");
    folder_path(base, folder, "base.db");
    folder_path(after, folder, "after.db");
    int failed = cmocka_run_group_tests(tests, begin, end);
    folder_remove(folder);
    return failed;
}
