/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: signed by one, joined, checked; inclusion in one (section 8). */
#include "core/verdict.h"
#include "wire/error.h"

#include <bcemr/proof.h>
#include <string.h>

bcemr_status bcemr_checkpoint_sign(const bcemr_secret_scalar *x,
                                   const bcemr_tr_checkpoint *checkpoint, bcemr_g1_raw *out,
                                   bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    TRY(bcemr_write_checkpoint(checkpoint, &message, err));
    TRY_AT(bcemr_bls_sign(x, BCEMR_PURPOSE_SIG, bcemr_buf_span(&message), out), "checkpoint",
           "signature");
out:
    bcemr_buf_free(&message);
    return status;
}

bcemr_verdict bcemr_checkpoint_part_check(const bcemr_context *context,
                                          const bcemr_tr_member *member,
                                          const bcemr_tr_checkpoint *checkpoint,
                                          const bcemr_g1_raw *signature, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_g2 x;
    err = core_error(err, &local);
    TRY(bcemr_write_checkpoint(checkpoint, &message, err));
    TRY_AT(bcemr_g2_decode(&member->x, &x), "member", "x");
    REQUIRE(bcemr_bls_holds(context, &x, BCEMR_PURPOSE_SIG, bcemr_buf_span(&message), signature),
            BCEMR_BAD_CHECKPOINT, "checkpoint", "signature");
out:
    bcemr_buf_free(&message);
    return core_verdict(status, err);
}

static void set_keys(const bcemr_set *set, bcemr_g2_raw *xs)
{
    for (uint64_t i = 0; i < set->count; i++)
        xs[i] = set->members[i].x;
}

bcemr_status bcemr_checkpoint_join(const bcemr_set *set, const bcemr_tr_checkpoint *checkpoint,
                                   bcemr_span signers, const bcemr_g1_raw *signatures,
                                   bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf inner = BCEMR_BUF_EMPTY;
    bcemr_g2_raw xs[BCEMR_SET_MAX];
    bcemr_tr_cosigned cosigned = {.signers = signers};
    set_keys(set, xs);
    TRY(bcemr_write_checkpoint(checkpoint, &inner, err));
    cosigned.checkpoint = bcemr_buf_span(&inner);
    TRY(bcemr_joint_combine(xs, set->count, signers, signatures, &cosigned.signature, err));
    TRY(bcemr_write_cosigned(&cosigned, out, err));
out:
    bcemr_buf_free(&inner);
    return status;
}

/* All but the member at this place, where that is too few for a checkpoint. */
static bool all_others(const bcemr_set *set, bcemr_span signers, uint64_t place)
{
    uint64_t others = set->count - 1;
    return place < set->count && others > 0 && !bcemr_set_majority(set->count, others) &&
           bcemr_bitmap_count(signers) == others && !bcemr_bitmap_get(signers, place);
}

/* without: the place of who is to resume on it; BCEMR_NOWHERE for a checkpoint. */
static bcemr_verdict check_cosigned(const bcemr_context *context, const bcemr_hash *ledger,
                                    const bcemr_set *set, uint64_t without, bcemr_span cosigned,
                                    bcemr_tr_checkpoint *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bcemr_tr_cosigned value;
    bcemr_tr_checkpoint checkpoint;
    bcemr_g2_raw xs[BCEMR_SET_MAX];
    err = core_error(err, &local);
    TRY(bcemr_read_cosigned(cosigned, &value, err));
    TRY(bcemr_read_checkpoint(value.checkpoint, &checkpoint, err));
    REQUIRE(bcemr_hash_equal(&checkpoint.ledger, ledger), BCEMR_WRONG_LEDGER, "checkpoint",
            "ledger");
    REQUIRE(checkpoint.set_number == set->number, BCEMR_BAD_SET, "checkpoint", "set_number");
    REQUIRE(bcemr_hash_equal(&checkpoint.set, &set->hash), BCEMR_BAD_SET, "checkpoint", "set");
    TRY_AT(bcemr_bitmap_check(value.signers, set->count), "cosigned", "signers");
    bool enough = without == BCEMR_NOWHERE
                      ? bcemr_set_majority(set->count, bcemr_bitmap_count(value.signers))
                      : all_others(set, value.signers, without);
    REQUIRE(enough, BCEMR_NOT_ENOUGH_SIGNERS, "cosigned", "signers");
    set_keys(set, xs);
    bcemr_verdict joint = bcemr_joint_check(context, xs, set->count, value.signers,
                                            value.checkpoint, &value.signature, err);
    if (joint == BCEMR_UNDECIDED && err->status == BCEMR_E_NO_MEMORY)
        TRY(err->status); /* that says nothing about the signature */
    REQUIRE(joint == BCEMR_VALID, BCEMR_BAD_CHECKPOINT, "cosigned", "signature");
    if (out)
        *out = checkpoint;
out:
    return core_verdict(status, err);
}

bcemr_verdict bcemr_checkpoint_check(const bcemr_context *context, const bcemr_hash *ledger,
                                     const bcemr_set *set, bcemr_span cosigned,
                                     bcemr_tr_checkpoint *out, bcemr_error *err)
{
    return check_cosigned(context, ledger, set, BCEMR_NOWHERE, cosigned, out, err);
}

bcemr_verdict bcemr_checkpoint_others_check(const bcemr_context *context, const bcemr_hash *ledger,
                                            const bcemr_set *set, uint64_t place,
                                            bcemr_span cosigned, bcemr_tr_checkpoint *out,
                                            bcemr_error *err)
{
    bcemr_error local;
    err = core_error(err, &local);
    if (place >= set->count)
        return core_verdict(
            wire_refuse(err, BCEMR_NOT_ENOUGH_SIGNERS, "set", "place", BCEMR_NOWHERE), err);
    return check_cosigned(context, ledger, set, place, cosigned, out, err);
}

bcemr_verdict bcemr_inclusion_check(bcemr_span inclusion, const bcemr_tr_checkpoint *checkpoint,
                                    bcemr_leaf_parts *out, uint64_t *index, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bcemr_tr_inclusion value;
    bcemr_hash path[BCEMR_INCLUSION_MAX], leaf_hash;
    uint64_t count = 0;
    err = core_error(err, &local);
    TRY(bcemr_read_inclusion(inclusion, &value, err));
    REQUIRE(value.size == checkpoint->size, BCEMR_BAD_INCLUSION, "inclusion", "size");
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_hash_item, &value.path);
    while (count < BCEMR_INCLUSION_MAX && bcemr_list_next(&iter, &path[count]))
        count++;
    bcemr_tree_leaf_hash(value.leaf, &leaf_hash);
    REQUIRE(bcemr_inclusion_holds(&leaf_hash, value.index, value.size, path, count,
                                  &checkpoint->root) == BCEMR_VALID,
            BCEMR_BAD_INCLUSION, "inclusion", "path");
    if (out)
        TRY(bcemr_leaf_read(value.leaf, out, err));
    if (index)
        *index = value.index;
out:
    return core_verdict(status, err);
}
