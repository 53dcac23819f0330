/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, and making blocks: apply in order and collect claims, verify them in one batch. */
#include "ledger/chain/internal.h"

#include <string.h>

/* ---- opening ---- */

/* Ends a transaction for good: what cannot be committed is rolled back. */
static bcemr_status end(ledger_state *state, bcemr_status status, bool keep)
{
    if (status == BCEMR_OK && keep) {
        status = state->ops->commit(state->self);
        if (status == BCEMR_OK)
            return status;
    }
    state->ops->rollback(state->self);
    return status;
}

static void new_block(ledger_chain *chain, uint64_t height, int64_t tau, block *out)
{
    *out = (block){.chain = chain,
                   .height = height,
                   .tau = tau,
                   .size = chain->tip.size,
                   .cases = chain->tip.cases,
                   .case_header = chain->tip.case_header};
}

/* Leaf 0, at height 0 and time 0: the genesis says no time, and every node must make the same. */
static bcemr_status begin_ledger(ledger_chain *chain, bcemr_span signed_genesis, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    block b;
    bcemr_tr_state_block tip;
    TRY_AT(chain->state.ops->begin(chain->state.self), "state", NULL);
    status = ledger_apply_genesis(&chain->state, chain->context, signed_genesis, &chain->id, err);
    if (status == BCEMR_OK)
        chain->tip = (bcemr_tr_state_block){.case_header = chain->id};
    new_block(chain, 0, 0, &b);
    if (status == BCEMR_OK)
        status = bcemr_signed_read(signed_genesis, &b.effect.parts, err);
    if (status == BCEMR_OK)
        status = chain_append(&b, signed_genesis, err);
    if (status == BCEMR_OK)
        status = chain_finish(&b, &tip, err);
    status = end(&chain->state, status, true);
    if (status == BCEMR_OK)
        chain->tip = tip;
    chain_block_free(&b);
out:
    return status;
}

static bcemr_status read_tip(ledger_chain *chain, bcemr_error *err)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_block tip;
    bcemr_status status = ledger_get_record(&chain->state, LEDGER_TIP, (bcemr_span){0},
                                            &bcemr_type_state_block, &held, &tip, err);
    if (status == BCEMR_OK)
        chain->tip = tip;
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status open_state(ledger_chain *chain, bcemr_span signed_genesis, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_signed_parts parts;
    status = ledger_get(&chain->state, LEDGER_GENESIS, (bcemr_span){0}, &held);
    if (status == BCEMR_E_NOT_FOUND && signed_genesis.n > 0)
        return begin_ledger(chain, signed_genesis, err);
    TRY_AT(status, "genesis", NULL);
    /* The rows beside the hashed part may differ: the ledger is named by the inner one. */
    TRY(bcemr_signed_read(signed_genesis.n > 0 ? signed_genesis : bcemr_buf_span(&held), &parts,
                          err));
    chain->id = parts.entry_hash;
    TRY(bcemr_signed_read(bcemr_buf_span(&held), &parts, err));
    REQUIRE(bcemr_hash_equal(&parts.entry_hash, &chain->id), BCEMR_WRONG_LEDGER, "genesis", NULL);
    TRY(read_tip(chain, err));
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status ledger_chain_open(ledger_chain **out, const ledger_chain_options *options,
                               bcemr_span signed_genesis, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    *out = NULL;
    ledger_chain *chain = bcemr_allocate(sizeof *chain);
    if (!chain)
        return wire_fail(err, BCEMR_E_NO_MEMORY, "chain", NULL);
    chain->context = options->context;
    chain->state = options->state;
    TRY_AT(ledger_verifier_new(&chain->verifier, options->context, options->parallel,
                               options->remembered_claims),
           "chain", "verifier");
    TRY(open_state(chain, signed_genesis, err));
    *out = chain;
out:
    if (status != BCEMR_OK) {
        ledger_verifier_free(chain->verifier);
        bcemr_release(chain);
    }
    return status;
}

bcemr_status ledger_chain_refresh(ledger_chain *chain, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const ledger_state_ops *ops = chain->state.ops;
    if (ops->refresh)
        TRY_AT(ops->refresh(chain->state.self), "state", NULL);
    TRY(read_tip(chain, err));
out:
    return status;
}

void ledger_chain_close(ledger_chain *chain)
{
    if (!chain)
        return;
    ledger_state_close(&chain->state);
    ledger_verifier_free(chain->verifier);
    bcemr_release(chain);
}

/* ---- a block ---- */

/* Whether an entry's claims are checked as it is applied, or only collected. */
typedef enum pass { PASS_COLLECT, PASS_CHECK } pass;

/* One entry: applied and appended, or undone. refused says which reason. */
static bcemr_status take(block *b, bcemr_span entry, pass how, uint32_t *refused, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error detail = {0};
    ledger_state *state = &b->chain->state;
    const ledger_position at = {b->height, b->tau, b->size, b->in_force};
    *refused = 0;
    TRY_AT(state->ops->mark(state->self), "state", NULL);
    status = (how == PASS_COLLECT ? ledger_claims : ledger_apply)(state, b->chain->verifier, &at,
                                                                  entry, &b->effect, &detail);
    if (status == BCEMR_OK)
        status = chain_append(b, entry, &detail);
    if (status == BCEMR_OK) {
        TRY_AT(state->ops->keep(state->self), "state", NULL);
    } else if (status == BCEMR_E_REFUSED && detail.reason == 0) {
        /* Not by the rules: something below them failed and said so badly. */
        status = wire_fail(err, BCEMR_E_STATE, "rules", "reason");
    } else if (status == BCEMR_E_REFUSED) {
        TRY_AT(state->ops->undo(state->self), "state", NULL);
        *refused = detail.reason;
        status = BCEMR_OK;
        if (err)
            *err = detail;
    } else if (err) {
        *err = detail;
    }
out:
    return status;
}

static bool is_sign(bcemr_span entry)
{
    bcemr_signed_parts parts;
    return bcemr_signed_read(entry, &parts, NULL) == BCEMR_OK && parts.type == &bcemr_type_e_sign;
}

/* How a run of entries over a block goes. */
typedef struct batch {
    const bcemr_span *entries;
    uint64_t count;
    bool refuse_signs; /* the clock stands behind */
    bool all_or_none;
    ledger_outcome *outcomes; /* NULL allowed with all_or_none */
} batch;

static bcemr_status take_all(block *b, const batch *what, pass how, uint64_t *accepted,
                             bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    *accepted = 0;
    for (uint64_t i = 0; i < what->count; i++) {
        ledger_outcome outcome = {.status = BCEMR_OK, .leaf = b->size};
        if (!BCEMR_REASON_HOLDS(LEDGER_R_CLOCK_BEHIND,
                                !what->refuse_signs || !is_sign(what->entries[i])))
            outcome.reason = LEDGER_R_CLOCK_BEHIND;
        else
            TRY(take(b, what->entries[i], how, &outcome.reason, err));
        if (outcome.reason == 0) {
            outcome.entry_hash = b->effect.parts.entry_hash;
            (*accepted)++;
        } else {
            outcome.status = BCEMR_E_REFUSED;
        }
        if (what->outcomes)
            what->outcomes[i] = outcome;
        if (outcome.reason != 0 && what->all_or_none) {
            if (err)
                err->index = i;
            return BCEMR_E_REFUSED;
        }
    }
out:
    return status;
}

/*
 * All entries as if every claim held, which are then verified in one batch. When they do, the pass
 * went exactly as one that checks each goes, and what it made is kept: *held. When one does not,
 * it may have gone on, or failed, where it should have refused: all of it is undone, and the
 * entries are to be taken one after the other, where what held is remembered.
 */
static bcemr_status take_together(block *b, const batch *what, uint64_t *accepted, bool *held,
                                  bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error detail = {0};
    ledger_state *state = &b->chain->state;
    *held = false;
    bcemr_status taken = take_all(b, what, PASS_COLLECT, accepted, &detail);
    TRY(ledger_verifier_run(b->chain->verifier, held, err));
    if (!*held) {
        state->ops->rollback(state->self);
        TRY_AT(state->ops->begin(state->self), "state", NULL);
    } else if (taken != BCEMR_OK) {
        status = taken;
        if (err)
            *err = detail;
    }
out:
    return status;
}

/* The block in an open transaction: together, or else one after the other. */
static bcemr_status fill(block *b, const batch *what, uint64_t *accepted, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const block empty = *b;
    bool held = false;
    if (what->count > 1)
        TRY(take_together(b, what, accepted, &held, err));
    if (!held) {
        chain_block_free(b);
        *b = empty;
        TRY(take_all(b, what, PASS_CHECK, accepted, err));
    }
out:
    return status;
}

static bcemr_status make_block(ledger_chain *chain, uint64_t height, int64_t tau, const batch *what,
                               bool keep, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    ledger_state *state = &chain->state;
    ledger_in_force in_force;
    bcemr_tr_state_block tip;
    uint64_t accepted = 0;
    block b;
    new_block(chain, height, tau, &b);
    b.in_force = &in_force;
    TRY(ledger_in_force_load(state, height, &in_force, err));
    TRY_AT(state->ops->begin(state->self), "state", NULL);
    status = fill(&b, what, &accepted, err);
    bool commits = status == BCEMR_OK && keep && accepted > 0;
    if (commits)
        status = chain_finish(&b, &tip, err);
    status = end(state, status, commits);
    if (commits && status == BCEMR_OK)
        chain->tip = tip;
out:
    chain_block_free(&b);
    ledger_in_force_free(&in_force);
    return status;
}

/* Blocks end at LEDGER_TAU_MAX and at a height that an int64 holds: a block that names more would
 * be the last, since nothing can come after it. */
static bcemr_status check_place(uint64_t height, int64_t tau, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    if (tau > LEDGER_TAU_MAX)
        FAIL(BCEMR_E_INTEGER_RANGE, "block", "tau");
    if (height >= LEDGER_HEIGHT_MAX)
        FAIL(BCEMR_E_INTEGER_RANGE, "block", "height");
out:
    return status;
}

static int64_t next_tau(const ledger_chain *chain, int64_t clock)
{
    return clock > chain->tip.tau ? clock : chain->tip.tau + 1;
}

bcemr_status ledger_chain_clock_behind(const ledger_chain *chain, int64_t clock, bool *behind,
                                       bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_params params;
    TRY(ledger_chain_params(chain, &held, &params, err));
    *behind = clock < chain->tip.tau &&
              (uint64_t)chain->tip.tau - (uint64_t)clock > params.clock_difference;
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status offer(ledger_chain *chain, int64_t clock, const bcemr_span *entries,
                          uint64_t count, bool keep, ledger_outcome *outcomes, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    batch what = {.entries = entries, .count = count, .outcomes = outcomes};
    TRY(check_place(chain->tip.height + 1, next_tau(chain, clock), err));
    TRY(ledger_chain_clock_behind(chain, clock, &what.refuse_signs, err));
    TRY(make_block(chain, chain->tip.height + 1, next_tau(chain, clock), &what, keep, err));
out:
    return status;
}

bcemr_status ledger_chain_submit(ledger_chain *chain, int64_t clock, const bcemr_span *entries,
                                 uint64_t count, ledger_outcome *outcomes, bcemr_error *err)
{
    return offer(chain, clock, entries, count, true, outcomes, err);
}

bcemr_status ledger_chain_submit_one(ledger_chain *chain, int64_t clock, bcemr_span entry,
                                     uint64_t *leaf, bcemr_error *err)
{
    bcemr_error detail = {0};
    ledger_outcome outcome;
    bcemr_status status = ledger_chain_submit(chain, clock, &entry, 1, &outcome, &detail);
    if (status == BCEMR_OK && outcome.status != BCEMR_OK) {
        status = outcome.status;
        detail.status = status;
        detail.verdict = BCEMR_LEDGER_REFUSED;
        detail.reason = outcome.reason;
    }
    if (err)
        *err = detail;
    if (status == BCEMR_OK && leaf)
        *leaf = outcome.leaf;
    return status;
}

bcemr_status ledger_chain_replay(ledger_chain *chain, uint64_t height, int64_t tau,
                                 const bcemr_span *entries, uint64_t count, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    if (!err)
        err = &local;
    const batch what = {.entries = entries, .count = count, .all_or_none = true};
    if (height <= chain->tip.height || tau <= chain->tip.tau)
        FAIL(BCEMR_E_UNSORTED, "block", height <= chain->tip.height ? "height" : "tau");
    TRY(check_place(height, tau, err));
    TRY(make_block(chain, height, tau, &what, true, err));
out:
    return status;
}

bcemr_status ledger_chain_check(ledger_chain *chain, int64_t clock, const bcemr_span *entries,
                                uint64_t count, ledger_outcome *outcomes, bcemr_error *err)
{
    return offer(chain, clock, entries, count, false, outcomes, err);
}
