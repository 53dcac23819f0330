/* SPDX-License-Identifier: Apache-2.0 */
/* Following into a database, and from one that is being written: restarts, kills, live writers. */
#include "follow_test.h"

#include "ledger/state/sqlite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/bcemr-follow-XXXXXX";

static const char *in_folder(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    next = (next + 1) % 4;
    (void)snprintf(paths[next], sizeof paths[next], "%s/%s", folder, name);
    return paths[next];
}

static int begin_all(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    return begin_scene(state);
}

static int end_all(void **state)
{
    char command[160];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    (void)!system(command);
    return end_scene(state);
}

static ledger_state open_state(const char *path, bool writes)
{
    const ledger_sqlite_options options = {.writes = writes};
    ledger_state state;
    must(ledger_sqlite_open(path, &options, &state, NULL));
    return state;
}

static void create(const char *path)
{
    const ledger_sqlite_options options = {.writes = true};
    must(ledger_sqlite_create(path, &options, NULL));
}

static ledger_follower *open_follower(const char *path, uint64_t step_bytes)
{
    ledger_follower *f;
    const ledger_follow_options options = {.context = the.a.c.context,
                                           .state = open_state(path, true),
                                           .genesis = bcemr_buf_span(&the.a.c.signed_genesis),
                                           .step_bytes = step_bytes};
    must(ledger_follow_open(&f, &options, NULL));
    return f;
}

static void follow_a(ledger_follower *f)
{
    ledger_source source;
    must(ledger_source_chain(&source, the.a.chain));
    must(ledger_follow_add(f, "a", &source, NULL));
}

static bool is_beginning_of_a(const ledger_chain *chain)
{
    bcemr_hash own, theirs;
    const uint64_t size = ledger_chain_size(chain);
    if (size > ledger_chain_size(the.a.chain))
        return false;
    must(ledger_chain_root(chain, size, &own));
    must(ledger_chain_root(the.a.chain, size, &theirs));
    return bcemr_hash_equal(&own, &theirs);
}

/* ---- a writer beside its readers ---- */

/* Plays the next block of a into a chain. False at the end. */
static bool play_block(ledger_chain *to)
{
    bcemr_buf held[16];
    bcemr_span entries[16];
    bcemr_leaf_parts leaf;
    uint64_t count = 0, height = 0;
    int64_t tau = 0;
    memset(held, 0, sizeof held);
    for (uint64_t i = ledger_chain_size(to); i < ledger_chain_size(the.a.chain); i++) {
        must(ledger_chain_leaf(the.a.chain, i, &held[count]));
        must(bcemr_leaf_read(bcemr_buf_span(&held[count]), &leaf, NULL));
        if (leaf.parts.type == &bcemr_type_case_header || (count > 0 && leaf.height != height))
            break;
        entries[count++] = leaf.signed_entry;
        height = leaf.height;
        tau = leaf.tau;
    }
    if (count > 0)
        must(ledger_chain_replay(to, height, tau, entries, count, NULL));
    for (uint64_t i = 0; i < 16; i++)
        bcemr_buf_free(&held[i]);
    return count > 0;
}

static ledger_chain *open_chain(const char *path, bool writes)
{
    ledger_chain *chain;
    const ledger_chain_options options = {.context = the.a.c.context,
                                          .state = open_state(path, writes)};
    must(ledger_chain_open(&chain, &options, bcemr_buf_span(&the.a.c.signed_genesis), NULL));
    return chain;
}

static void keeps_up_with_a_live_writer(void **state)
{
    (void)state;
    ledger_source source;
    ledger_follow_facts facts;
    create(in_folder("live.db"));
    ledger_chain *writer = open_chain(in_folder("live.db"), true);
    ledger_chain *reader = open_chain(in_folder("live.db"), false);
    must(ledger_source_database(&source, reader));
    rig r = {.ahead = true};
    rig_begin(&r);
    uint64_t number = rig_add(&r, "live", source);
    do {
        run(&r);
        facts = rig_facts(&r, number);
        assert_int_equal(facts.where, LEDGER_FOLLOW_UP);
        assert_int_equal(rig_size(&r), ledger_chain_size(writer));
    } while (play_block(writer));
    assert_int_equal(rig_size(&r), ledger_chain_size(the.a.chain));
    must(ledger_chain_keep_cosigned(writer, bcemr_buf_span(&the.second), NULL));
    run(&r);
    assert_int_equal(rig_facts(&r, number).cosigned, the.second_size);
    assert_int_equal(rig_facts(&r, number).checked, 1);
    rig_end(&r);
    ledger_chain_close(reader);
    ledger_chain_close(writer);
}

/* ---- restarts ---- */

static void one_follower_at_a_time(void **state)
{
    (void)state;
    ledger_state second;
    const ledger_sqlite_options options = {.writes = true};
    create(in_folder("one.db"));
    ledger_follower *f = open_follower(in_folder("one.db"), 0);
    assert_int_equal(ledger_sqlite_open(in_folder("one.db"), &options, &second, NULL),
                     BCEMR_E_IN_USE);
    follow_a(f);
    must(ledger_follow_run(f, CLOCK, NULL, NULL));
    ledger_follow_close(f);
    /* The genesis is the state's own now. */
    const ledger_follow_options again = {.context = the.a.c.context,
                                         .state = open_state(in_folder("one.db"), true)};
    must(ledger_follow_open(&f, &again, NULL));
    assert_int_equal(ledger_chain_size(ledger_follow_chain(f)), the.signed_size);
    ledger_follow_close(f);
}

/* Steps until it is killed, by itself, at some moment of the n-th step. */
static void step_and_die(const char *path, uint64_t steps)
{
    ledger_follower *f = open_follower(path, 1);
    follow_a(f);
    for (uint64_t i = 0; i < steps; i++)
        must(ledger_follow_step(f, 0, CLOCK, NULL));
    (void)kill(getpid(), SIGKILL);
}

/* Killed by another process at any moment. */
static void kill_soon(pid_t child, unsigned microseconds)
{
    const struct timespec pause = {.tv_sec = 0, .tv_nsec = (long)microseconds * 1000};
    (void)nanosleep(&pause, NULL);
    (void)kill(child, SIGKILL);
}

static void goes_on_after_being_killed(void **state)
{
    (void)state;
    const char *path = "/killed.db";
    char whole[128];
    uint64_t size = 0, kills = 0;
    (void)snprintf(whole, sizeof whole, "%s%s", folder, path);
    create(whole);
    for (unsigned round = 0; size < the.signed_size; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            step_and_die(whole, 1 + round % 4);
            _exit(1);
        }
        if (round % 3 == 0)
            kill_soon(child, 500 + (round * 977) % 9000);
        int how = 0;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
        kills++;
        ledger_follower *f = open_follower(whole, 0);
        const uint64_t now = ledger_chain_size(ledger_follow_chain(f));
        assert_true(now >= size);
        assert_true(is_beginning_of_a(ledger_follow_chain(f)));
        size = now;
        ledger_follow_close(f);
        assert_true(round < 200);
    }
    assert_true(kills > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_up_with_a_live_writer),
        cmocka_unit_test(one_follower_at_a_time),
        cmocka_unit_test(goes_on_after_being_killed),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
