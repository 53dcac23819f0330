/* SPDX-License-Identifier: Apache-2.0 */
/* Inclusion proofs at several sizes of one log, whose leaves are but numbers: all that a proof
 * reads is there, and the leaves that are proven are real ones. */
#include "bcemr/bench/ledger_result.h"

#include "ledger/chain/chain.h"
#include "ledger/log/log.h"
#include "ledger/state/sqlite.h"
#include "wire/error.h"

#define AT_ONCE 8192 /* leaves of a transaction */

/* Every so many leaves one can be proven; a prime, so that it falls on all sides of the tree. */
#define STEP 61

static bcemr_status append(ledger_state *state, uint64_t from, uint64_t to, bcemr_span real)
{
    bcemr_status status = BCEMR_OK;
    uint8_t number[8];
    for (uint64_t i = from; i < to; i++) {
        bcemr_store_u64(number, i);
        TRY(ledger_log_append(state, i, i % STEP == 0 ? real : bcemr_span_of(number, 8)));
    }
out:
    return status;
}

/* The log grows past what the rules made; the tip says so, and that is all that proofs ask. */
static bcemr_status grow(ledger_state *state, uint64_t leaves, bcemr_span real,
                         const bcemr_progress *progress, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_block tip;
    TRY(ledger_get_record(state, LEDGER_TIP, (bcemr_span){0}, &bcemr_type_state_block, &held, &tip,
                          err));
    while (tip.size < leaves) {
        const uint64_t to = leaves - tip.size < AT_ONCE ? leaves : tip.size + AT_ONCE;
        TRY_AT(state->ops->begin(state->self), "state", NULL);
        TRY_AT(append(state, tip.size, to, real), "state", "leaf");
        tip.size = to;
        TRY(ledger_put_record(state, LEDGER_TIP, (bcemr_span){0}, &bcemr_type_state_block, &tip,
                              err));
        TRY_AT(state->ops->commit(state->self), "state", NULL);
        TRY(progress->tell(progress->user, to, leaves));
    }
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status measure(const ledger_chain *chain, uint64_t leaves, uint64_t count,
                            ledger_proofs *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf proof = BCEMR_BUF_EMPTY;
    uint64_t place = 1;
    *out = (ledger_proofs){.leaves = leaves};
    for (uint64_t i = 0; i < count; i++) {
        place = place * 6364136223846793005u + 1442695040888963407u;
        const uint64_t index = ((place >> 24) % ((leaves - 1) / STEP) + 1) * STEP;
        bcemr_buf_clear(&proof);
        const double began = measure_now();
        TRY(ledger_chain_inclusion(chain, index < leaves ? index : STEP, leaves, &proof, err));
        const double took = measure_now() - began;
        out->mean += took / (double)count;
        out->most = took > out->most ? took : out->most;
    }
    out->bytes = proof.n;
out:
    bcemr_buf_free(&proof);
    return status;
}

bcemr_status ledger_proofs_run(load *l, const char *path, const ledger_extent *e,
                               const bcemr_progress *progress, ledger_proofs *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const ledger_sqlite_options how = {.writes = true, .scratch = true};
    ledger_chain_options options = {.context = l->context};
    ledger_chain *chain = NULL;
    bcemr_buf real = BCEMR_BUF_EMPTY;
    TRY(bcemr_leaf_make(bcemr_buf_span(&l->entries[l->signs]), 1, LOAD_CLOCK, &real, err));
    TRY(ledger_sqlite_create(path, &how, err));
    TRY(ledger_sqlite_open(path, &how, &options.state, err));
    ledger_state state = options.state;
    status = ledger_chain_open(&chain, &options, bcemr_buf_span(&l->genesis), err);
    if (status != BCEMR_OK) {
        ledger_state_close(&state);
        goto out;
    }
    TRY(grow(&state, e->trees[LEDGER_PROOFS - 1], bcemr_buf_span(&real), progress, err));
    TRY(ledger_chain_refresh(chain, err));
    for (unsigned i = 0; i < LEDGER_PROOFS; i++)
        TRY(measure(chain, e->trees[i], e->proofs, &out[i], err));
out:
    ledger_chain_close(chain);
    bcemr_buf_free(&real);
    return status;
}
