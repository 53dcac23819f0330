/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints of this chain's blocks, and cosigning on its log (section 8). */
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

/* One row, in a transaction of its own. */
static bcemr_status put_alone(ledger_chain *chain, ledger_table table, bcemr_span value)
{
    bcemr_status status = BCEMR_OK;
    ledger_state *state = &chain->state;
    TRY(state->ops->begin(state->self));
    status = ledger_put(state, table, (bcemr_span){0}, value);
    if (status == BCEMR_OK)
        status = state->ops->commit(state->self);
    if (status != BCEMR_OK)
        state->ops->rollback(state->self);
out:
    return status;
}

/* Size of the checkpoint that is held, 0 for none. */
static bcemr_status held_size(const ledger_chain *chain, uint64_t *size)
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
    TRY_AT(held_size(chain, &size), "cosigned", NULL);
    REQUIRE(shown.size > size, BCEMR_STALE_PROOF, "checkpoint", "size");
    TRY(ledger_chain_checkpoint_at(chain, shown.size, &own, err));
    TRY(bcemr_write_checkpoint(&own, &mine, err));
    REQUIRE(bcemr_span_equal(bcemr_buf_span(&mine), value.checkpoint), BCEMR_BAD_CHECKPOINT,
            "checkpoint", "root");
    TRY(ledger_chain_set_at(chain, shown.size - 1, &set, err));
    REQUIRE_VALID(bcemr_checkpoint_check(chain->context, &chain->id, &set, cosigned, NULL, err),
                  "cosigned", NULL);
    TRY_AT(put_alone(chain, LEDGER_COSIGNED, cosigned), "cosigned", NULL);
out:
    bcemr_set_free(&set);
    bcemr_buf_free(&mine);
    return status;
}

/* ---- cosigning ---- */

static bcemr_status own_checkpoint(void *user, uint64_t size, bcemr_tr_checkpoint *out)
{
    const ledger_cosigner *cosigner = user;
    return ledger_chain_checkpoint_at(cosigner->chain, size, out, NULL);
}

static bcemr_status keep_last(void *user, const bcemr_tr_checkpoint *last)
{
    const ledger_cosigner *cosigner = user;
    bcemr_buf written = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_write_checkpoint(last, &written, NULL);
    if (status == BCEMR_OK)
        status = put_alone(cosigner->chain, LEDGER_COSIGNER, bcemr_buf_span(&written));
    bcemr_buf_free(&written);
    return status;
}

static bcemr_status sign_by(void *user, const bcemr_tr_checkpoint *checkpoint, bcemr_g1_raw *out,
                            bcemr_error *err)
{
    const ledger_cosigner *cosigner = user;
    return cosigner->sign(cosigner->user, checkpoint, out, err);
}

static void wire_up(ledger_cosigner *cosigner)
{
    cosigner->cosigner.sign = sign_by;
    cosigner->cosigner.own = own_checkpoint;
    cosigner->cosigner.keep = keep_last;
    cosigner->cosigner.user = cosigner;
}

bcemr_status ledger_cosigner_begin(ledger_cosigner *out, ledger_chain *chain, bcemr_span id,
                                   bcemr_checkpoint_signer sign, void *user, bool restored,
                                   bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint last;
    *out = (ledger_cosigner){.chain = chain, .id = id, .sign = sign, .user = user};
    status = ledger_get_record(&chain->state, LEDGER_COSIGNER, (bcemr_span){0},
                               &bcemr_type_checkpoint, &held, &last, err);
    bool has_last = status == BCEMR_OK;
    if (status == BCEMR_E_NOT_FOUND)
        status = BCEMR_OK;
    TRY(status);
    bcemr_cosigner_begin(&out->cosigner, &chain->id, has_last ? &last : NULL);
    if (restored)
        bcemr_cosigner_distrust(&out->cosigner);
out:
    bcemr_buf_free(&held);
    return status;
}

/* Whether the entry that made set number is a Rekey of this member. */
static bcemr_status is_own_rekey(const ledger_cosigner *cosigner, uint64_t number, bool *own,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const ledger_chain *chain = cosigner->chain;
    bcemr_buf held = BCEMR_BUF_EMPTY, bytes = BCEMR_BUF_EMPTY;
    bcemr_tr_state_set set;
    bcemr_leaf_parts leaf;
    bcemr_tr_e_rekey rekey;
    bcemr_tr_member member;
    ledger_key key;
    *own = false;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, number);
    TRY(ledger_get_record(&chain->state, LEDGER_SETS, ledger_key_span(&key), &bcemr_type_state_set,
                          &held, &set, err));
    TRY_AT(ledger_chain_leaf(chain, set.leaf, &bytes), "set", "leaf");
    TRY(bcemr_leaf_read(bcemr_buf_span(&bytes), &leaf, err));
    if (leaf.parts.type != &bcemr_type_e_rekey)
        goto out;
    TRY(bcemr_read_e_rekey(leaf.parts.entry, &rekey, err));
    TRY(bcemr_read_member(rekey.member, &member, err));
    *own = bcemr_span_equal(member.id, cosigner->id);
out:
    bcemr_buf_free(&held);
    bcemr_buf_free(&bytes);
    return status;
}

/* A Rekey since the last signature, whoever asked for it: what the new keys may have signed
 * elsewhere is not known here. It holds over a restart: the last checkpoint is kept. */
static bcemr_status distrust_after_rekey(ledger_cosigner *cosigner, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_cosigner *inner = &cosigner->cosigner;
    bool rekeyed = false;
    uint64_t number = inner->has_last ? inner->last.set_number : 0;
    while (!rekeyed && number < cosigner->chain->tip.set_number)
        TRY(is_own_rekey(cosigner, ++number, &rekeyed, err));
    if (rekeyed)
        bcemr_cosigner_distrust(&cosigner->cosigner);
out:
    return status;
}

bcemr_status ledger_cosigner_sign(ledger_cosigner *cosigner, const bcemr_tr_checkpoint *asked,
                                  bcemr_g1_raw *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    wire_up(cosigner);
    TRY(distrust_after_rekey(cosigner, err));
    TRY(bcemr_cosigner_sign(&cosigner->cosigner, asked, out, err));
out:
    return status;
}

bcemr_status ledger_cosigner_resume(ledger_cosigner *cosigner, bcemr_span cosigned,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY;
    wire_up(cosigner);
    TRY(ledger_chain_set_now(cosigner->chain, &set, err));
    TRY(bcemr_cosigner_resume(&cosigner->cosigner, cosigner->chain->context, &set, cosigned, err));
out:
    bcemr_set_free(&set);
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
