/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/verify/replay.h"
#include "ledger/chain/internal.h"
#include "ledger/verify/worker.h"

#define BATCH 2048
#define TRANSACTION 1024

/* A batch of claims and what came of it. */
typedef struct lane {
    ledger_verifier *verifier;
    bool runs; /* given, and not looked at yet */
    ledger_first_bad bad;
    bcemr_status status;
    bcemr_error error;
} lane;

struct ledger_replay {
    ledger_replay_options o;
    ledger_chain *chain;
    ledger_worker *worker; /* NULL: batches run on the caller's thread */
    lane lanes[2];
    lane *filling;
    block b;
    ledger_in_force in_force;
    bool making, open, failed;
    bool judging;   /* what fails now is the leaf's fault */
    uint64_t next;  /* the leaf that comes now */
    uint64_t since; /* leaves since the transaction began */
    uint64_t blocks;
    bcemr_buf made;
};

/* ---- signatures ---- */

static void run_lane(void *argument)
{
    lane *l = argument;
    l->error = (bcemr_error){.index = BCEMR_NOWHERE, .offset = BCEMR_NOWHERE};
    l->status = ledger_verifier_run_all(l->verifier, &l->bad, &l->error);
}

static bcemr_status refuse_claim(const ledger_first_bad *bad, bcemr_error *err)
{
    (void)wire_refuse(err, BCEMR_LEDGER_REFUSED, "leaf", NULL, bad->leaf);
    err->reason = bad->reason;
    return BCEMR_E_REFUSED;
}

static bcemr_status look_at(lane *l, bcemr_error *err)
{
    if (!l->runs)
        return BCEMR_OK;
    l->runs = false;
    if (l->status != BCEMR_OK) {
        *err = l->error;
        err->index = BCEMR_NOWHERE; /* nobody's leaf: the batch could not be run */
        return l->status;
    }
    return l->bad.any ? refuse_claim(&l->bad, err) : BCEMR_OK;
}

/* What was given to run has run, and holds. */
static bcemr_status settle(ledger_replay *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    if (r->worker)
        ledger_worker_wait(r->worker);
    for (int i = 0; i < 2 && status == BCEMR_OK; i++)
        status = look_at(&r->lanes[i], err);
    return status;
}

/* Gives the batch away and fills the other; at most one runs. */
static bcemr_status give(ledger_replay *r, bcemr_error *err)
{
    bcemr_status status = settle(r, err);
    if (status != BCEMR_OK)
        return status;
    lane *full = r->filling;
    full->runs = true;
    r->filling = full == &r->lanes[0] ? &r->lanes[1] : &r->lanes[0];
    if (r->worker)
        ledger_worker_give(r->worker, run_lane, full);
    else
        run_lane(full);
    return r->worker ? BCEMR_OK : settle(r, err);
}

/* A leaf was refused: but one before it may rest on a signature that nobody has looked at yet, and
 * its own signatures come before the check that failed. */
static bcemr_status conclude(ledger_replay *r, bcemr_status status, bcemr_error *err)
{
    bcemr_error earlier;
    bcemr_status found = give(r, &earlier);
    if (found == BCEMR_OK)
        found = settle(r, &earlier);
    if (found == BCEMR_OK)
        return status;
    *err = earlier;
    return found;
}

/* ---- blocks ---- */

static bcemr_status open_transaction(ledger_replay *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    if (r->open)
        return BCEMR_OK;
    TRY_AT(r->chain->state.ops->begin(r->chain->state.self), "state", NULL);
    r->open = true;
    r->since = 0;
out:
    return status;
}

static bcemr_status commit(ledger_replay *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    if (!r->open)
        return BCEMR_OK;
    TRY_AT(r->chain->state.ops->commit(r->chain->state.self), "state", NULL);
    r->open = false;
out:
    return status;
}

static void free_block(ledger_replay *r)
{
    if (!r->making)
        return;
    chain_block_free(&r->b);
    ledger_in_force_free(&r->in_force);
    r->making = false;
}

static bcemr_status end_block(ledger_replay *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_state_block tip;
    if (!r->making)
        return BCEMR_OK;
    /* After a Seal the ledger has made a header, and the log must hold it. */
    REQUIRE(r->b.size == r->next, BCEMR_BAD_LEAF, "leaf", "case-header");
    TRY(chain_finish(&r->b, &tip, err));
    r->chain->tip = tip;
    free_block(r);
    r->blocks++;
    if (r->since >= r->o.transaction)
        TRY(commit(r, err));
out:
    return status;
}

static bcemr_status begin_block(ledger_replay *r, const bcemr_leaf_parts *leaf, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const ledger_chain *chain = r->chain;
    r->judging = true;
    if (leaf->height <= chain->tip.height || leaf->tau <= chain->tip.tau)
        FAIL(BCEMR_E_UNSORTED, "leaf", leaf->height <= chain->tip.height ? "height" : "tau");
    if (leaf->height >= LEDGER_HEIGHT_MAX || leaf->tau > LEDGER_TAU_MAX)
        FAIL(BCEMR_E_INTEGER_RANGE, "leaf", leaf->height >= LEDGER_HEIGHT_MAX ? "height" : "tau");
    r->judging = false;
    TRY(open_transaction(r, err));
    TRY(ledger_in_force_load(&chain->state, leaf->height, &r->in_force, err));
    r->b = (block){.chain = r->chain,
                   .height = leaf->height,
                   .tau = leaf->tau,
                   .size = chain->tip.size,
                   .cases = chain->tip.cases,
                   .case_header = chain->tip.case_header,
                   .in_force = &r->in_force};
    r->making = true;
out:
    return status;
}

/* ---- leaves ---- */

static bcemr_status apply(ledger_replay *r, bcemr_span signed_entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const ledger_position at = {r->b.height, r->b.tau, r->b.size, r->b.in_force};
    REQUIRE(r->b.size == r->next, BCEMR_BAD_LEAF, "leaf", "case-header");
    status =
        ledger_claims(&r->chain->state, r->filling->verifier, &at, signed_entry, &r->b.effect, err);
    if (status == BCEMR_E_REFUSED && err->reason == 0)
        FAIL(BCEMR_E_STATE, "rules", "reason");
    TRY(status);
    TRY(chain_append(&r->b, signed_entry, err));
out:
    return status;
}

/* The log as it is made now holds the same bytes. */
static bcemr_status same_leaf(ledger_replay *r, bcemr_span leaf, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    status = ledger_log_leaf(&r->chain->state, r->next, &r->made);
    REQUIRE(status != BCEMR_E_NOT_FOUND, BCEMR_BAD_LEAF, "leaf", NULL);
    TRY_AT(status, "state", NULL);
    REQUIRE(bcemr_span_equal(bcemr_buf_span(&r->made), leaf), BCEMR_BAD_LEAF, "leaf", NULL);
out:
    return status;
}

static bcemr_status place(ledger_replay *r, const bcemr_leaf_parts *leaf, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    if (r->making && leaf->height != r->b.height)
        TRY(end_block(r, err));
    if (!r->making)
        TRY(begin_block(r, leaf, err));
    REQUIRE(leaf->tau == r->b.tau, BCEMR_BAD_LEAF, "leaf", "tau");
    /* A header that nobody waits for goes to the rules, which refuse a posted one. */
    if (leaf->parts.type != &bcemr_type_case_header || r->b.size == r->next)
        TRY(apply(r, leaf->signed_entry, err));
out:
    return status;
}

static bcemr_status take(ledger_replay *r, bcemr_span leaf, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_leaf_parts parts;
    r->judging = true;
    TRY(bcemr_leaf_read(leaf, &parts, err));
    r->judging = false;
    if (r->next > 0)
        TRY(place(r, &parts, err));
    TRY(same_leaf(r, leaf, err));
    r->next++;
    r->since++;
out:
    return status;
}

bcemr_status ledger_replay_leaf(ledger_replay *replay, bcemr_span leaf, bcemr_error *err)
{
    bcemr_error local;
    if (!err)
        err = &local;
    if (replay->failed)
        return wire_fail(err, BCEMR_E_STATE, "replay", NULL);
    *err = (bcemr_error){.index = BCEMR_NOWHERE, .offset = BCEMR_NOWHERE};
    bcemr_status status = take(replay, leaf, err);
    if (status != BCEMR_OK) {
        replay->failed = true;
        err->index = status == BCEMR_E_REFUSED || replay->judging ? replay->next : BCEMR_NOWHERE;
        return conclude(replay, status, err);
    }
    if (ledger_verifier_waiting(replay->filling->verifier) >= replay->o.batch)
        status = give(replay, err);
    replay->failed = status != BCEMR_OK;
    return status;
}

bcemr_status ledger_replay_end(ledger_replay *replay, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    if (!err)
        err = &local;
    if (replay->failed)
        FAIL(BCEMR_E_STATE, "replay", NULL);
    *err = (bcemr_error){.index = BCEMR_NOWHERE, .offset = BCEMR_NOWHERE};
    replay->failed = true; /* nothing comes after the end either */
    status = end_block(replay, err);
    if (status == BCEMR_E_REFUSED)
        err->index = replay->next;
    status = conclude(replay, status, err);
    TRY(status);
    TRY(commit(replay, err));
out:
    return status;
}

/* ---- beginning and end ---- */

static bcemr_status begin(ledger_replay *r, bcemr_span signed_genesis, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bool there = false;
    const ledger_chain_options options = {
        .context = r->o.context, .state = r->o.state, .remembered_claims = 8};
    TRY_AT(ledger_has(&r->o.state, LEDGER_GENESIS, (bcemr_span){0}, &there), "state", NULL);
    if (there)
        FAIL(BCEMR_E_EXISTS, "state", NULL);
    for (int i = 0; i < 2; i++)
        TRY_AT(ledger_verifier_new(&r->lanes[i].verifier, r->o.context, r->o.parallel, 0), "replay",
               "verifier");
    if (r->o.beside)
        TRY_AT(ledger_worker_new(&r->worker), "replay", "thread");
    TRY(ledger_chain_open(&r->chain, &options, signed_genesis, err));
    r->blocks = 1;
out:
    return status;
}

bcemr_status ledger_replay_new(ledger_replay **out, const ledger_replay_options *options,
                               bcemr_span signed_genesis, bcemr_error *err)
{
    *out = NULL;
    ledger_replay *r = bcemr_allocate(sizeof *r);
    if (!r)
        return wire_fail(err, BCEMR_E_NO_MEMORY, "replay", NULL);
    r->o = *options;
    r->o.batch = options->batch ? options->batch : BATCH;
    r->o.transaction = options->transaction ? options->transaction : TRANSACTION;
    r->filling = &r->lanes[0];
    const bcemr_status status = begin(r, signed_genesis, err);
    if (status == BCEMR_OK)
        *out = r;
    else
        ledger_replay_free(r);
    return status;
}

const ledger_chain *ledger_replay_chain(const ledger_replay *replay)
{
    return replay->chain;
}

ledger_chain *ledger_replay_open_chain(ledger_replay *replay)
{
    return replay->chain;
}

uint64_t ledger_replay_blocks(const ledger_replay *replay)
{
    return replay->blocks;
}

void ledger_replay_counts(ledger_replay *replay, ledger_verifier_counts *out)
{
    *out = (ledger_verifier_counts){0};
    if (replay->worker)
        ledger_worker_wait(replay->worker);
    for (int i = 0; i < 2; i++) {
        ledger_verifier_counts one;
        ledger_verifier_count(replay->lanes[i].verifier, &one);
        out->single += one.single;
        out->batched += one.batched;
        out->remembered += one.remembered;
    }
}

void ledger_replay_free(ledger_replay *replay)
{
    if (!replay)
        return;
    ledger_worker_free(replay->worker);
    free_block(replay);
    if (replay->open)
        replay->chain->state.ops->rollback(replay->chain->state.self);
    ledger_chain_close(replay->chain);
    for (int i = 0; i < 2; i++)
        ledger_verifier_free(replay->lanes[i].verifier);
    bcemr_buf_free(&replay->made);
    bcemr_release(replay);
}
