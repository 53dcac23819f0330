/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that takes entries from several threads is killed at random moments, again and again on
 * the same database. Each time it opens; every entry that was acknowledged is at the leaf that the
 * receipt named; the log played again gives the same root and the same rows.
 *
 * test_kill [ROUNDS [SEED]]: 100 when nothing is said.
 */
#include "rules_test.h"

#include "ledger/embedded/engine.h"
#include "support/folder.h"
#include "support/ledger_log.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ENTRIES 6000
#define THREADS 4
#define ROUNDS_EACH 20 /* on one database */

static char folder[FOLDER_ROOM], path[FOLDER_ROOM];
static uint64_t rounds = 100, seed = 1;
static consortium people;
static bcemr_buf entries[ENTRIES];

/* What a receipt said. */
typedef struct word {
    uint64_t entry, leaf;
    bcemr_hash hash;
} word;

static uint64_t draw(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 33;
}

/* ---- the process that is killed ---- */

static ledger_engine *engine;
static uint64_t next_entry;
static pthread_mutex_t next_lock = PTHREAD_MUTEX_INITIALIZER;
static int told;

static int64_t now(void *unused)
{
    (void)unused;
    struct timespec at;
    (void)clock_gettime(CLOCK_REALTIME, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static void *submit_some(void *unused)
{
    (void)unused;
    for (;;) {
        ledger_receipt receipt;
        (void)pthread_mutex_lock(&next_lock);
        const uint64_t mine = next_entry++;
        (void)pthread_mutex_unlock(&next_lock);
        if (mine >= ENTRIES)
            return NULL;
        bcemr_status status =
            ledger_engine_submit(engine, bcemr_buf_span(&entries[mine]), &receipt, NULL);
        if (status == BCEMR_E_REFUSED && receipt.reason == LEDGER_R_REVOKED_BEFORE)
            continue; /* in, but nobody was told before the last process died */
        if (status != BCEMR_OK)
            _exit(3);
        const word said = {mine, receipt.leaf, receipt.entry_hash};
        /* In one piece: it is shorter than what a pipe takes whole. */
        if (write(told, &said, sizeof said) != (ssize_t)sizeof said)
            _exit(4);
    }
}

static void live(uint64_t start)
{
    pthread_t threads[THREADS];
    const ledger_engine_options options = {.context = people.context,
                                           .now = now,
                                           .path = path,
                                           .genesis = bcemr_buf_span(&people.signed_genesis)};
    next_entry = start;
    if (ledger_engine_open(&engine, &options, NULL) != BCEMR_OK)
        _exit(2);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, submit_some, NULL) != 0)
            _exit(5);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    ledger_engine_close(engine);
    _exit(0);
}

/* ---- who kills it ---- */

/* All that was ever acknowledged on this database. */
typedef struct heard {
    word words[ENTRIES];
    uint64_t count;
    uint64_t
        next; /* the first entry that nobody acknowledged, from which the next process goes on */
} heard;

static void sleep_us(uint64_t us)
{
    const struct timespec time = {(time_t)(us / 1000000), (long)(us % 1000000 * 1000)};
    (void)nanosleep(&time, NULL);
}

static void live_and_die(heard *all)
{
    int ends[2], result = 0;
    word said;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        told = ends[1];
        live(all->next);
    }
    (void)close(ends[1]);
    sleep_us(draw() % (draw() % 4 == 0 ? 5000 : 100000));
    (void)kill(child, SIGKILL);
    while (read(ends[0], &said, sizeof said) == (ssize_t)sizeof said) {
        assert_true(all->count < ENTRIES);
        all->words[all->count++] = said;
    }
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &result, 0), child);
    if (!(WIFSIGNALED(result) && WTERMSIG(result) == SIGKILL) && WEXITSTATUS(result) != 0)
        fail_msg("the process ended by itself with %d", WEXITSTATUS(result));
    /* Threads end out of order: go back a little, what is in is refused as revoked before. */
    for (uint64_t i = 0; i < all->count; i++)
        if (all->words[i].entry >= all->next)
            all->next = all->words[i].entry + 1;
    all->next -= all->next < THREADS ? all->next : THREADS;
}

/* Blocks that the copy in memory does not have yet. */
static void follow(const ledger_chain *chain, ledger_chain *copy)
{
    bcemr_buf leaves[1024];
    bcemr_span spans[1024];
    bcemr_leaf_parts leaf;
    uint64_t size;
    while ((size = ledger_chain_size(copy)) < ledger_chain_size(chain)) {
        uint64_t n = 0, height = 0;
        int64_t tau = 0;
        for (; n < 1024 && size + n < ledger_chain_size(chain); n++) {
            leaves[n] = BCEMR_BUF_EMPTY;
            must(ledger_chain_leaf(chain, size + n, &leaves[n]));
            must(bcemr_leaf_read(bcemr_buf_span(&leaves[n]), &leaf, NULL));
            if (n > 0 && leaf.height != height) {
                bcemr_buf_free(&leaves[n]);
                break;
            }
            height = leaf.height;
            tau = leaf.tau;
            spans[n] = leaf.signed_entry;
        }
        must(ledger_chain_replay(copy, height, tau, spans, n, NULL));
        for (uint64_t i = 0; i < n; i++)
            bcemr_buf_free(&leaves[i]);
    }
}

static void check(const heard *all, ledger_chain *copy, const ledger_state *copied, bool rows_too)
{
    const ledger_sqlite_options options = {.writes = true};
    ledger_chain_options how = {.context = people.context};
    ledger_chain *chain;
    bcemr_hash a, b;
    must(ledger_sqlite_open(path, &options, &how.state, NULL));
    must(ledger_chain_open(&chain, &how, bcemr_buf_span(&people.signed_genesis), NULL));
    for (uint64_t i = 0; i < all->count; i++) {
        uint64_t leaf = UINT64_MAX;
        if (ledger_chain_landed(chain, &all->words[i].hash, &leaf) != BCEMR_OK)
            fail_msg("entry %u was acknowledged and is not in", (unsigned)all->words[i].entry);
        assert_int_equal(leaf, all->words[i].leaf);
    }
    follow(chain, copy);
    assert_int_equal(ledger_chain_size(copy), ledger_chain_size(chain));
    must(ledger_chain_root(chain, ledger_chain_size(chain), &a));
    must(ledger_chain_root(copy, ledger_chain_size(copy), &b));
    assert_memory_equal(a.b, b.b, sizeof a.b);
    if (rows_too) {
        must(ledger_log_rows(&how.state, &a));
        must(ledger_log_rows(copied, &b));
        assert_memory_equal(a.b, b.b, sizeof a.b);
    }
    ledger_chain_close(chain);
}

static void killed_again_and_again(void **unused)
{
    (void)unused;
    static heard all;
    uint64_t acknowledged = 0;
    ledger_chain *copy = NULL;
    ledger_chain_options how = {.context = people.context};
    for (uint64_t round = 0; round < rounds; round++) {
        if (round % ROUNDS_EACH == 0) {
            acknowledged += all.count;
            all = (heard){.count = 0};
            ledger_chain_close(copy);
            folder_empty(folder);
            must(ledger_sqlite_create(path, &(ledger_sqlite_options){.scratch = true}, NULL));
            must(ledger_state_memory(&how.state));
            must(ledger_chain_open(&copy, &how, bcemr_buf_span(&people.signed_genesis), NULL));
        }
        live_and_die(&all);
        check(&all, copy, &how.state, round % 5 == 4);
    }
    acknowledged += all.count;
    print_message("%u rounds, %u entries acknowledged\n", (unsigned)rounds, (unsigned)acknowledged);
    assert_true(acknowledged > rounds); /* it was under load */
    ledger_chain_close(copy);
}

static int begin(void **unused)
{
    (void)unused;
    people.quota = 100000;
    consortium_begin(&people);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        static world only; /* world_revoke looks at the ledger's id alone */
        bcemr_tr_e_revoke revoke;
        only.c.ledger = people.ledger;
        world_revoke(&only, i, &revoke);
        consortium_sign(&people, &bcemr_type_e_revoke, &revoke, NULL, 0, &entries[i]);
    }
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    for (uint64_t i = 0; i < ENTRIES; i++)
        bcemr_buf_free(&entries[i]);
    consortium_end(&people);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(killed_again_and_again)};
    if (argc > 1)
        rounds = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 10);
    folder_make(folder);
    folder_path(path, folder, "ledger.db");
    int failed = cmocka_run_group_tests(tests, begin, end);
    folder_remove(folder);
    return failed;
}
