/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints of this chain's blocks, and sigma of a visit (sections 8 and 4). */
#include "core/verdict.h"
#include "ledger/chain/internal.h"

#include <bcemr/diagnosis.h>
#include <string.h>

bcemr_status ledger_chain_checkpoint_at(const ledger_chain *chain, uint64_t size,
                                        bcemr_tr_checkpoint *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_block end;
    bcemr_tr_state_set set;
    ledger_key key;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, size);
    TRY(ledger_get_record(&chain->state, LEDGER_BLOCKS, ledger_key_span(&key),
                          &bcemr_type_state_block, &held, &end, err));
    ledger_key_begin(&key);
    ledger_key_add_number(&key, end.set_number);
    TRY(ledger_get_record(&chain->state, LEDGER_SETS, ledger_key_span(&key), &bcemr_type_state_set,
                          &held, &set, err));
    *out = (bcemr_tr_checkpoint){.ledger = chain->id,
                                 .size = end.size,
                                 .tau = end.tau,
                                 .stops = end.stops,
                                 .finds = end.finds,
                                 .set_number = end.set_number,
                                 .set = set.hash};
    TRY_AT(ledger_chain_root(chain, size, &out->root), "checkpoint", "root");
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status ledger_chain_checkpoint(const ledger_chain *chain, bcemr_tr_checkpoint *out,
                                     bcemr_error *err)
{
    return ledger_chain_checkpoint_at(chain, chain->tip.size, out, err);
}

bcemr_status chain_put_alone(ledger_chain *chain, const chain_row *rows, uint64_t count)
{
    bcemr_status status = BCEMR_OK;
    ledger_state *state = &chain->state;
    TRY(state->ops->begin(state->self));
    for (uint64_t i = 0; i < count && status == BCEMR_OK; i++)
        status = ledger_put(state, rows[i].table, rows[i].key, rows[i].value);
    if (status == BCEMR_OK)
        status = state->ops->commit(state->self);
    if (status != BCEMR_OK)
        state->ops->rollback(state->self);
out:
    return status;
}

bcemr_status ledger_chain_cosigned_size(const ledger_chain *chain, uint64_t *size)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_cosigned cosigned;
    bcemr_tr_checkpoint checkpoint;
    *size = 0;
    status = ledger_get(&chain->state, LEDGER_COSIGNED, (bcemr_span){0}, &held);
    if (status == BCEMR_E_NOT_FOUND)
        return BCEMR_OK;
    TRY(status);
    TRY(bcemr_read_cosigned(bcemr_buf_span(&held), &cosigned, NULL));
    TRY(bcemr_read_checkpoint(cosigned.checkpoint, &checkpoint, NULL));
    *size = checkpoint.size;
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status ledger_chain_keep_cosigned(ledger_chain *chain, bcemr_span cosigned, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_buf mine = BCEMR_BUF_EMPTY;
    bcemr_tr_cosigned value;
    bcemr_tr_checkpoint shown, own;
    uint64_t size = 0;
    TRY(bcemr_read_cosigned(cosigned, &value, err));
    TRY(bcemr_read_checkpoint(value.checkpoint, &shown, err));
    TRY_AT(ledger_chain_cosigned_size(chain, &size), "cosigned", NULL);
    REQUIRE(shown.size > size, BCEMR_STALE_PROOF, "checkpoint", "size");
    TRY(ledger_chain_checkpoint_at(chain, shown.size, &own, err));
    TRY(bcemr_write_checkpoint(&own, &mine, err));
    REQUIRE(bcemr_span_equal(bcemr_buf_span(&mine), value.checkpoint), BCEMR_BAD_CHECKPOINT,
            "checkpoint", "root");
    TRY(ledger_chain_set_at(chain, shown.size - 1, &set, err));
    TRY(core_pass(bcemr_checkpoint_check(chain->context, &chain->id, &set, cosigned, NULL, err),
                  err));
    const chain_row row = {LEDGER_COSIGNED, {0}, cosigned};
    TRY_AT(chain_put_alone(chain, &row, 1), "cosigned", NULL);
out:
    bcemr_set_free(&set);
    bcemr_buf_free(&mine);
    return status;
}

/* ---- sigma ---- */

static bcemr_status add_share(const ledger_chain *chain, const bcemr_hash *vid, uint64_t i,
                              bcemr_g1_raw *sigma, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY, other = BCEMR_BUF_EMPTY;
    bcemr_tr_state_sign sign;
    bcemr_tr_state_enrolment enrolment;
    bcemr_tr_e_enrol enrol;
    bcemr_g1_raw credential;
    TRY(ledger_chain_sign(chain, vid, i, &held, &sign, err));
    TRY(ledger_chain_enrolment_of(chain, &sign.enrolment, &other, &enrolment, err));
    TRY(bcemr_read_e_enrol(enrolment.entry, &enrol, err));
    if (enrol.credential.n != sizeof credential.b)
        FAIL(BCEMR_E_ABSENT, "Enrol", "credential");
    memcpy(credential.b, enrol.credential.p, sizeof credential.b);
    TRY(bcemr_multisignature_add(i == 1 ? NULL : sigma, &sign.delta, &credential, sigma, err));
out:
    bcemr_buf_free(&held);
    bcemr_buf_free(&other);
    return status;
}

bcemr_status ledger_chain_sigma(const ledger_chain *chain, const bcemr_hash *vid, bcemr_g1_raw *out,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_state_progress progress;
    TRY(ledger_chain_progress(chain, vid, &progress, err));
    if (progress.signed_count == 0)
        FAIL(BCEMR_E_NOT_FOUND, "visit", "signed_count");
    for (uint64_t i = 1; i <= progress.signed_count; i++)
        TRY(add_share(chain, vid, i, out, err));
out:
    return status;
}
