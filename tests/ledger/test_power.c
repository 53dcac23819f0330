/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power goes, at every call that the state in SQLite makes of the system while a ledger with
 * every kind of entry is written. Whatever the disk makes of it: the database opens, its log is the
 * beginning of the one that was written, all that was acknowledged is in it, its rows are those
 * that its log gives, and it goes on from there. Then the same with a disk or an engine that does
 * not sync as it should, which must not pass.
 */
#include "rules_test.h"

#include "ledger/state/sqlite.h"
#include "support/folder.h"
#include "support/ledger_log.h"
#include "support/ledger_story.h"
#include "support/power.h"

#include <stdio.h>

/* The WAL is moved into the file after a few blocks, so that the run has that several times. */
#define WAL_KIB 256

static char folder[FOLDER_ROOM], path[FOLDER_ROOM], after[FOLDER_ROOM];
static bcemr_context *context;
static ledger_log written;

static int begin(void **unused)
{
    static world w;
    (void)unused;
    world_begin(&w, 0);
    story_play(&w);
    /* The log alone is played: what a node keeps beside it is not in its rows. */
    ledger_log_take(w.c.context, w.chain, bcemr_buf_span(&w.c.signed_genesis), &written);
    world_end(&w);
    return bcemr_context_new(&context) == BCEMR_OK ? 0 : 1;
}

static int end(void **unused)
{
    (void)unused;
    power_end();
    ledger_log_free(&written);
    bcemr_context_free(context);
    return 0;
}

/* ---- a run ---- */

static bcemr_status open_at(const char *where, const ledger_sqlite_options *options,
                            ledger_chain **out)
{
    ledger_chain_options how = {.context = context};
    bcemr_status status = ledger_sqlite_open(where, options, &how.state, NULL);
    *out = NULL;
    if (status != BCEMR_OK)
        return status;
    status = ledger_chain_open(out, &how, bcemr_buf_span(&written.genesis), NULL);
    if (status != BCEMR_OK)
        ledger_state_close(&how.state);
    return status;
}

static bcemr_status submit(ledger_chain *chain, const log_block *block)
{
    ledger_outcome outcomes[4];
    assert_true(block->count <= 4);
    bcemr_status status =
        ledger_chain_submit(chain, block->tau, block->entries, block->count, outcomes, NULL);
    for (uint64_t i = 0; i < block->count && status == BCEMR_OK; i++)
        assert_int_equal(outcomes[i].status, BCEMR_OK);
    return status;
}

/* All blocks, closed and opened again twice on the way. */
static void run(bool scratch, unsigned lies)
{
    const ledger_sqlite_options options = {
        .writes = true, .scratch = scratch, .vfs = POWER_VFS, .wal_kib = WAL_KIB};
    ledger_chain *chain;
    folder_empty(folder);
    must(ledger_sqlite_create(path, &(ledger_sqlite_options){.scratch = false}, NULL));
    power_begin();
    power_tell(lies);
    must(open_at(path, &options, &chain));
    power_acknowledge(written.blocks[0].size);
    for (uint64_t i = 1; i < written.count; i++) {
        if (i == written.count / 3 || i == written.count * 2 / 3) {
            ledger_chain_close(chain);
            must(open_at(path, &options, &chain));
        }
        must(submit(chain, &written.blocks[i]));
        assert_int_equal(ledger_chain_size(chain), written.blocks[i].size);
        power_acknowledge(written.blocks[i].size);
    }
    ledger_chain_close(chain);
    assert_int_equal(power_at(0), POWER_FOUND); /* the first cut comes after it */
}

/* ---- what must hold afterwards ---- */

/* NULL, or what does not hold. */
static const char *look_at(ledger_chain *chain, const ledger_state *state, uint64_t acknowledged)
{
    bcemr_hash root, rows;
    const uint64_t size = ledger_chain_size(chain);
    const log_block *block = ledger_log_at(&written, size);
    if (size < acknowledged)
        return "an acknowledged entry is missing";
    if (!block)
        return "a block is there in part";
    if (ledger_chain_root(chain, size, &root) != BCEMR_OK || !bcemr_hash_equal(&root, &block->root))
        return "the root is another";
    if (ledger_log_rows(state, &rows) != BCEMR_OK || !bcemr_hash_equal(&rows, &block->rows))
        return "the rows are not those of the log";
    return NULL;
}

static const char *goes_on(ledger_chain *chain, const ledger_state *state)
{
    const log_block *block = ledger_log_at(&written, ledger_chain_size(chain));
    if (block + 1 == written.blocks + written.count)
        return NULL;
    if (submit(chain, block + 1) != BCEMR_OK)
        return "it does not go on";
    return look_at(chain, state, block[1].size);
}

/* The database that lies at after. */
static const char *holds(uint64_t acknowledged)
{
    const ledger_sqlite_options options = {.writes = true, .scratch = true};
    ledger_chain_options how = {.context = context};
    ledger_chain *chain;
    if (ledger_sqlite_open(after, &options, &how.state, NULL) != BCEMR_OK)
        return "it does not open";
    bcemr_status status = ledger_chain_open(&chain, &how, (bcemr_span){0}, NULL);
    if (status != BCEMR_OK) {
        ledger_state_close(&how.state);
        /* The power went before the genesis was in. */
        return status == BCEMR_E_NOT_FOUND && acknowledged == 0 ? NULL : "its ledger does not open";
    }
    const char *wrong = look_at(chain, &how.state, acknowledged);
    if (!wrong)
        wrong = goes_on(chain, &how.state);
    ledger_chain_close(chain);
    return wrong;
}

static const char *after_cut(uint64_t cut, power_mode mode, uint64_t seed)
{
    power_rebuild(cut, mode, seed, path, after);
    return holds(power_acknowledged(cut));
}

/* ---- the tests ---- */

static void hold_at_every_call(power_mode mode, uint64_t seeds)
{
    for (uint64_t cut = 1; cut <= power_count(); cut++)
        for (uint64_t seed = 0; seed < seeds; seed++) {
            const char *wrong = after_cut(cut, mode, seed);
            if (wrong)
                fail_msg("power lost before call %u of %u, seed %u: %s", (unsigned)cut,
                         (unsigned)power_count(), (unsigned)seed, wrong);
        }
}

static void at_every_call(void **unused)
{
    (void)unused;
    uint64_t syncs = 0, truncations = 0, removals = 0;
    run(false, POWER_HONEST);
    for (uint64_t i = 0; i < power_count(); i++) {
        syncs += power_at(i) == POWER_SYNC;
        truncations += power_at(i) == POWER_TRUNCATE;
        removals += power_at(i) == POWER_DELETE;
    }
    /* One a block at least, and the WAL was moved, cut and removed on the way. */
    assert_true(syncs > written.count + 6);
    assert_true(truncations > 0 && removals > 2);
    hold_at_every_call(POWER_DROP, 1);
    hold_at_every_call(POWER_KEEP, 1);
    hold_at_every_call(POWER_TEAR, 2);
    hold_at_every_call(POWER_GARBAGE, 2);
}

/* Of every fourth cut, how many show a fault; each is told once, for who reads the output. */
static uint64_t caught(power_mode mode, uint64_t seeds)
{
    const char *told[8] = {NULL};
    uint64_t bad = 0;
    for (uint64_t cut = 1; cut <= power_count(); cut += 4)
        for (uint64_t seed = 0; seed < seeds; seed++) {
            const char *wrong = after_cut(cut, mode, seed);
            if (!wrong)
                continue;
            bad++;
            uint64_t i = 0;
            while (told[i] && told[i] != wrong)
                i++;
            if (!told[i])
                print_message("call %u: %s\n", (unsigned)cut, told[i] = wrong);
        }
    return bad;
}

/* synchronous=OFF. */
static void never_synced(void **unused)
{
    (void)unused;
    run(true, POWER_HONEST);
    for (uint64_t i = 0; i < power_count(); i++)
        assert_int_not_equal(power_at(i), POWER_SYNC);
    assert_int_not_equal(caught(POWER_DROP, 1), 0);
}

/* synchronous=NORMAL: the WAL is not synced at a commit. */
static void wal_not_synced(void **unused)
{
    (void)unused;
    run(false, POWER_NO_WAL_SYNC);
    assert_int_not_equal(caught(POWER_DROP, 1), 0);
}

/* The WAL is started over before what was in it is in the file. */
static void file_not_synced(void **unused)
{
    (void)unused;
    run(false, POWER_NO_FILE_SYNC);
    assert_int_not_equal(caught(POWER_DROP, 1), 0);
}

/* Commits share a sector of the WAL, and the later one takes the earlier with it. */
static void sectors_shared(void **unused)
{
    (void)unused;
    run(false, POWER_SAFE_SECTORS);
    assert_int_not_equal(caught(POWER_GARBAGE, 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_every_call),  cmocka_unit_test(never_synced),
        cmocka_unit_test(wal_not_synced), cmocka_unit_test(file_not_synced),
        cmocka_unit_test(sectors_shared),
    };
    folder_make(folder);
    folder_path(path, folder, "ledger.db");
    folder_path(after, folder, "after.db");
    int failed = cmocka_run_group_tests(tests, begin, end);
    folder_remove(folder);
    return failed;
}
