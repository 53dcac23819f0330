/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks: one that stands still, one that jumps ahead, one that falls behind; and the same after
 * the database was opened again, since the ledger's time is the log's and not the process's.
 */
#include "rules_test.h"

#include "ledger/state/sqlite.h"
#include "support/folder.h"
#include "support/ledger_log.h"

static char folder[FOLDER_ROOM], path[FOLDER_ROOM];

static void open_again(world *w)
{
    const ledger_sqlite_options options = {.writes = true, .scratch = true};
    ledger_chain_options how = {.context = w->c.context};
    ledger_chain_close(w->chain);
    must(ledger_sqlite_open(path, &options, &how.state, NULL));
    must(ledger_chain_open(&w->chain, &how, (bcemr_span){0}, NULL));
}

/* A world whose ledger is in SQLite. */
static int begin(void **state)
{
    static world w;
    const ledger_sqlite_options options = {.writes = true, .scratch = true};
    ledger_chain_options how;
    ledger_chain *kept;
    ledger_log log;
    world_begin(&w, 0);
    ledger_log_take(w.c.context, w.chain, bcemr_buf_span(&w.c.signed_genesis), &log);
    how = (ledger_chain_options){.context = w.c.context};
    folder_empty(folder);
    must(ledger_sqlite_create(path, &options, NULL));
    must(ledger_sqlite_open(path, &options, &how.state, NULL));
    must(ledger_chain_open(&kept, &how, bcemr_buf_span(&w.c.signed_genesis), NULL));
    for (uint64_t i = 1; i < log.count; i++)
        must(ledger_chain_replay(kept, log.blocks[i].height, log.blocks[i].tau,
                                 log.blocks[i].entries, log.blocks[i].count, NULL));
    ledger_log_free(&log);
    ledger_chain_close(w.chain);
    w.chain = kept;
    *state = &w;
    return 0;
}

/* A revocation at this clock: it always goes in. */
static void revoke_at(world *w, uint64_t number, int64_t clock)
{
    bcemr_tr_e_revoke revoke;
    world_revoke(w, number, &revoke);
    consortium_sign(&w->c, &bcemr_type_e_revoke, &revoke, NULL, 0, &w->signed_entry);
    must(ledger_chain_submit_one(w->chain, clock, bcemr_buf_span(&w->signed_entry), NULL, &w->err));
}

/* The reason that a Sign at this clock is refused with, 0 when it is in. It names the ledger's next
 * time, so that only the node's clock is in its way. */
static uint32_t sign_at(world *w, const world_visit *visit, uint64_t i, int64_t clock)
{
    bcemr_tr_e_sign sign;
    const int64_t tau = ledger_chain_tau(w->chain);
    w->clock = (clock > tau ? clock : tau + 1) - 1000; /* world_sign is for world_next */
    world_sign(w, visit, i, 0, &sign);
    consortium_sign(&w->c, &bcemr_type_e_sign, &sign, NULL, 0, &w->signed_entry);
    bcemr_status status =
        ledger_chain_submit_one(w->chain, clock, bcemr_buf_span(&w->signed_entry), NULL, &w->err);
    return status == BCEMR_OK ? 0 : w->err.reason;
}

static void stands_still(void **state)
{
    world *w = *state;
    const int64_t clock = ledger_chain_tau(w->chain) + 5000;
    for (uint64_t i = 0; i < 6; i++) {
        revoke_at(w, i, clock);
        assert_int_equal(ledger_chain_tau(w->chain), clock + (int64_t)i);
        if (i % 2 == 0)
            open_again(w);
        assert_int_equal(ledger_chain_tau(w->chain), clock + (int64_t)i);
    }
}

static void jumps_ahead(void **state)
{
    world *w = *state;
    world_visit visit;
    bool behind;
    world_visit_make(w, 0, 3, &visit);
    TAKEN(world_post_admit(w, &visit));
    const int64_t clock = ledger_chain_tau(w->chain) + 1000;
    const int64_t ahead = clock + WORLD_HOUR / 2;
    assert_int_equal(sign_at(w, &visit, 1, clock), 0);
    revoke_at(w, 1, ahead);
    assert_int_equal(ledger_chain_tau(w->chain), ahead);
    /* Put right, it stands behind the ledger: no Sign until it has caught up, whoever opens it. */
    for (int again = 0; again < 2; again++) {
        must(ledger_chain_clock_behind(w->chain, clock, &behind, NULL));
        assert_true(behind);
        assert_int_equal(sign_at(w, &visit, 2, clock), LEDGER_R_CLOCK_BEHIND);
        revoke_at(w, 2 + (uint64_t)again, clock);
        assert_int_equal(ledger_chain_tau(w->chain), ahead + 1 + again);
        open_again(w);
    }
    const int64_t caught_up = ledger_chain_tau(w->chain) - CONSORTIUM_CLOCK_DIFFERENCE;
    assert_int_equal(sign_at(w, &visit, 2, caught_up - 1), LEDGER_R_CLOCK_BEHIND);
    assert_int_equal(sign_at(w, &visit, 2, caught_up), 0);
    /* So far ahead that a deadline has passed: the doctor comes too late by the ledger's time. */
    revoke_at(w, 4, clock + 9 * WORLD_HOUR);
    assert_int_equal(sign_at(w, &visit, 3, clock + 9 * WORLD_HOUR), LEDGER_R_SIGN_DEADLINE);
    world_visit_free(&visit);
}

static void falls_behind(void **state)
{
    world *w = *state;
    world_visit visit;
    world_visit_make(w, 0, 2, &visit);
    TAKEN(world_post_admit(w, &visit));
    int64_t tau = ledger_chain_tau(w->chain);
    /* By as much as clocks may differ, then by more, to the year 1970, and before it. */
    assert_int_equal(sign_at(w, &visit, 1, tau - CONSORTIUM_CLOCK_DIFFERENCE), 0);
    const int64_t clocks[] = {tau - CONSORTIUM_CLOCK_DIFFERENCE - 2, 0, -1, INT64_MIN};
    for (uint64_t i = 0; i < 4; i++) {
        tau = ledger_chain_tau(w->chain);
        assert_int_equal(sign_at(w, &visit, 2, clocks[i]), LEDGER_R_CLOCK_BEHIND);
        assert_int_equal(ledger_chain_tau(w->chain), tau);
        revoke_at(w, i, clocks[i]);
        assert_int_equal(ledger_chain_tau(w->chain), tau + 1);
        open_again(w);
    }
    assert_int_equal(sign_at(w, &visit, 2, ledger_chain_tau(w->chain) + 1), 0);
    world_visit_free(&visit);
}

/* A clock beyond all time is this node's failure: nothing goes in, and nothing is lost. */
static void beyond_all_time(void **state)
{
    world *w = *state;
    bcemr_tr_e_revoke revoke;
    const int64_t clocks[] = {LEDGER_TAU_MAX + 1, INT64_MAX};
    const int64_t tau = ledger_chain_tau(w->chain);
    const uint64_t size = ledger_chain_size(w->chain);
    world_revoke(w, 1, &revoke);
    consortium_sign(&w->c, &bcemr_type_e_revoke, &revoke, NULL, 0, &w->signed_entry);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ledger_chain_submit_one(w->chain, clocks[i],
                                                 bcemr_buf_span(&w->signed_entry), NULL, &w->err),
                         BCEMR_E_INTEGER_RANGE);
    open_again(w);
    assert_int_equal(ledger_chain_size(w->chain), size);
    revoke_at(w, 1, tau + 1);
    assert_int_equal(ledger_chain_tau(w->chain), tau + 1);
}

#define CLOCK_TEST(name) cmocka_unit_test_setup_teardown(name, begin, free_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOCK_TEST(stands_still),
        CLOCK_TEST(jumps_ahead),
        CLOCK_TEST(falls_behind),
        CLOCK_TEST(beyond_all_time),
    };
    folder_make(folder);
    folder_path(path, folder, "ledger.db");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    folder_remove(folder);
    return failed;
}
