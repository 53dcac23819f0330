/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several blocks at once: applied as if every signature held, all signatures then verified in one
 * batch. When one does not, or a rule refuses, nothing of it stays and the blocks are to be
 * replayed one after the other, which says which entry it was.
 */
#include "ledger/chain/internal.h"
#include "ledger/follow/internal.h"

static bcemr_status apply_entries(block *b, const follow_block *given, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    ledger_chain *chain = b->chain;
    for (uint64_t i = 0; i < given->count; i++) {
        const ledger_position at = {b->height, b->tau, b->size, b->in_force};
        TRY(ledger_claims(&chain->state, chain->verifier, &at, given->entries[i], &b->effect, err));
        TRY(chain_append(b, given->entries[i], err));
    }
out:
    return status;
}

static bcemr_status apply_block(ledger_chain *chain, const follow_block *given, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const ledger_state_ops *ops = chain->state.ops;
    ledger_in_force in_force;
    bcemr_tr_state_block tip;
    block b = {.chain = chain,
               .height = given->height,
               .tau = given->tau,
               .size = chain->tip.size,
               .cases = chain->tip.cases,
               .case_header = chain->tip.case_header,
               .in_force = &in_force};
    TRY(ledger_in_force_load(&chain->state, given->height, &in_force, err));
    TRY_AT(ops->begin(chain->state.self), "state", NULL);
    status = apply_entries(&b, given, err);
    if (status == BCEMR_OK)
        status = chain_finish(&b, &tip, err);
    if (status == BCEMR_OK)
        status = ops->commit(chain->state.self);
    if (status == BCEMR_OK)
        chain->tip = tip;
    else
        ops->rollback(chain->state.self);
out:
    chain_block_free(&b);
    ledger_in_force_free(&in_force);
    return status;
}

bcemr_status follow_together(pull *p, const follow_block *blocks, uint64_t count, bool *held,
                             bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error detail = {0};
    ledger_chain *chain = p->f->chain;
    *held = true;
    for (uint64_t i = 0; i < count && *held; i++) {
        const follow_block *b = &blocks[i];
        *held = b->height > chain->tip.height && b->tau > chain->tip.tau &&
                b->height < LEDGER_HEIGHT_MAX && b->tau <= LEDGER_TAU_MAX;
        if (*held)
            status = apply_block(chain, b, &detail);
        *held = *held && status == BCEMR_OK;
    }
    if (*held)
        status = ledger_verifier_run(chain->verifier, held, &detail);
    ledger_verifier_forget(chain->verifier);
    if (*held && status == BCEMR_OK)
        return status;
    *held = false;
    ledger_stage_discard(p->f->stage);
    TRY(ledger_chain_refresh(chain, err));
    /* What failed is said by the slow way; memory that is short is short there, too. */
    if (status == BCEMR_E_NO_MEMORY)
        FAIL(status, "follow", "blocks");
    status = BCEMR_OK;
out:
    return status;
}
