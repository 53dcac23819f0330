/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain on a database holds no more memory after 10,000 blocks than after a thousand: nothing in
 * chain or rules grows with the log, and the cache of claims has a bound.
 */
#include "rules_test.h"

#include "ledger/state/sqlite.h"
#include "support/folder.h"

#include <malloc.h>
#include <stdio.h>

#define BLOCKS 10000
#define WARM 1000      /* by then every cache is full, and every buffer as long as it will be */
#define REMEMBERED 512 /* claims: far fewer than are made */
#define SLACK 65536    /* bytes: what the database's own pages may go up and down by */

static char folder[FOLDER_ROOM];

static ledger_chain *open_chain(const world *w)
{
    char path[FOLDER_ROOM];
    const ledger_sqlite_options database = {.writes = true, .scratch = true, .cache_kib = 64};
    ledger_chain_options options = {.context = w->c.context, .remembered_claims = REMEMBERED};
    ledger_chain *chain;
    folder_make(folder);
    folder_path(path, folder, "ledger.db");
    must(ledger_sqlite_create(path, &database, NULL));
    must(ledger_sqlite_open(path, &database, &options.state, NULL));
    must(ledger_chain_open(&chain, &options, bcemr_buf_span(&w->c.signed_genesis), NULL));
    return chain;
}

/* Entries of several kinds, each new: Ed25519 claims, and now and then a visit's. */
static void add_block(world *w, uint64_t n)
{
    bcemr_tr_e_access access_entry;
    bcemr_tr_e_consent consent;
    bcemr_tr_e_revoke revoke;
    world_visit visit;
    if (n % 100 == 50) {
        world_sealed_visit(w, n, 1 + n / 100 % 3, &visit);
        world_visit_free(&visit);
        return;
    }
    switch (n % 8) {
    case 0:
        world_consent(w, n, CLOUD_1, &consent);
        TAKEN(world_post_by(w, &bcemr_type_e_consent, &consent, CLOUD_1));
        break;
    case 1:
        world_revoke(w, n, &revoke);
        TAKEN(world_post(w, &bcemr_type_e_revoke, &revoke, NULL, 0));
        break;
    case 2: /* what is refused leaves nothing behind either */
        world_consent(w, n - 2, CLOUD_1, &consent);
        REFUSED(w, CONSENT_REVOKER_USED,
                world_post_by(w, &bcemr_type_e_consent, &consent, CLOUD_1));
        world_access(w, n, CLOUD_2, &access_entry);
        TAKEN(world_post_by(w, &bcemr_type_e_access, &access_entry, CLOUD_2));
        break;
    default:
        world_access(w, n, CLOUD_1, &access_entry);
        TAKEN(world_post_by(w, &bcemr_type_e_access, &access_entry, CLOUD_1));
    }
}

static void nothing_grows(void **state)
{
    world *w = *state;
    int64_t live = 0;
    uint64_t bytes = 0;
    ledger_chain_close(w->chain);
    w->chain = open_chain(w);
    w->clock = WORLD_START;
    for (int i = 0; i < WORLD_DOCTORS; i++)
        TAKEN(world_enrol(w, i, "hospital-1"));
    for (uint64_t n = 8; ledger_chain_height(w->chain) < BLOCKS; n++) {
        add_block(w, n);
        if (n == WARM) {
            live = bcemr_switch_live();
            bytes = mallinfo2().uordblks;
        }
        if (n > WARM && n % 500 == 0) {
            assert_int_equal(bcemr_switch_live(), live);
            uint64_t now = mallinfo2().uordblks;
            if (now > bytes + SLACK)
                fail_msg("%llu bytes after %llu blocks, %llu after %d", (unsigned long long)now,
                         (unsigned long long)n, (unsigned long long)bytes, WARM);
        }
    }
    assert_true(live > 0);
    ledger_verifier_counts counts;
    ledger_chain_counts(w->chain, &counts);
    assert_true(counts.single + counts.batched > 4 * REMEMBERED);
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(nothing_grows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
