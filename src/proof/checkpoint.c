/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: signed by one, joined, checked; inclusion in one; proof of guilt (section 8). */
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

bcemr_verdict bcemr_checkpoint_check(const bcemr_context *context, const bcemr_hash *ledger,
                                     const bcemr_set *set, bcemr_span cosigned,
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
    REQUIRE(bcemr_set_majority(set->count, bcemr_bitmap_count(value.signers)),
            BCEMR_NOT_ENOUGH_SIGNERS, "cosigned", "signers");
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

bcemr_verdict bcemr_guilt_same_size(const bcemr_context *context, const bcemr_hash *ledger,
                                    const bcemr_set *set, bcemr_span one, bcemr_span other,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bcemr_tr_cosigned values[2];
    bcemr_tr_checkpoint checkpoints[2];
    err = core_error(err, &local);
    memset(checkpoints, 0, sizeof checkpoints); /* what a switched-off check leaves */
    REQUIRE_VALID(bcemr_checkpoint_check(context, ledger, set, one, &checkpoints[0], err),
                  "cosigned", NULL);
    REQUIRE_VALID(bcemr_checkpoint_check(context, ledger, set, other, &checkpoints[1], err),
                  "cosigned", NULL);
    TRY(bcemr_read_cosigned(one, &values[0], err));
    TRY(bcemr_read_cosigned(other, &values[1], err));
    REQUIRE(checkpoints[0].size == checkpoints[1].size &&
                !bcemr_span_equal(values[0].checkpoint, values[1].checkpoint),
            BCEMR_BAD_CHECKPOINT, "checkpoint", "size");
out:
    return core_verdict(status, err);
}

/* The number of the set that an entry makes; 0 when it makes none (set 0 is the genesis's). */
static bcemr_status set_made_by(const bcemr_leaf_parts *leaf, uint64_t *number, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_join join = {0};
    bcemr_tr_e_leave leave = {0};
    bcemr_tr_e_rekey rekey = {0};
    if (leaf->parts.type == &bcemr_type_e_join)
        TRY(bcemr_read_e_join(leaf->parts.entry, &join, err));
    if (leaf->parts.type == &bcemr_type_e_leave)
        TRY(bcemr_read_e_leave(leaf->parts.entry, &leave, err));
    if (leaf->parts.type == &bcemr_type_e_rekey)
        TRY(bcemr_read_e_rekey(leaf->parts.entry, &rekey, err));
    *number = join.number + leave.number + rekey.number; /* one of them */
out:
    return status;
}

bcemr_verdict bcemr_guilt_old_set(const bcemr_context *context, const bcemr_hash *ledger,
                                  const bcemr_set *set, bcemr_span cosigned, bcemr_span inclusion,
                                  bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bcemr_tr_checkpoint checkpoint;
    bcemr_leaf_parts leaf;
    uint64_t number = 0;
    err = core_error(err, &local);
    memset(&checkpoint, 0, sizeof checkpoint); /* what a switched-off check leaves */
    memset(&leaf, 0, sizeof leaf);
    REQUIRE_VALID(bcemr_checkpoint_check(context, ledger, set, cosigned, &checkpoint, err),
                  "cosigned", NULL);
    REQUIRE_VALID(bcemr_inclusion_check(inclusion, &checkpoint, &leaf, NULL, err), "inclusion",
                  NULL);
    TRY(set_made_by(&leaf, &number, err));
    REQUIRE(number > set->number, BCEMR_BAD_SET, "leaf", "number");
out:
    return core_verdict(status, err);
}

bcemr_verdict bcemr_guilt_other_root(const bcemr_context *context, const bcemr_hash *ledger,
                                     const bcemr_cosigned_by *smaller,
                                     const bcemr_cosigned_by *larger, const bcemr_hash *path,
                                     uint64_t count, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bcemr_tr_checkpoint small, large;
    bcemr_hash older, newer;
    err = core_error(err, &local);
    memset(&small, 0, sizeof small);
    memset(&large, 0, sizeof large);
    REQUIRE_VALID(
        bcemr_checkpoint_check(context, ledger, smaller->set, smaller->cosigned, &small, err),
        "cosigned", "smaller");
    REQUIRE_VALID(
        bcemr_checkpoint_check(context, ledger, larger->set, larger->cosigned, &large, err),
        "cosigned", "larger");
    REQUIRE(small.size < large.size, BCEMR_BAD_CHECKPOINT, "checkpoint", "size");
    bool fits =
        bcemr_consistency_roots(small.size, large.size, path, count, &older, &newer) == BCEMR_OK;
    REQUIRE(fits && bcemr_hash_equal(&newer, &large.root), BCEMR_BAD_CONSISTENCY, "consistency",
            "path");
    REQUIRE(fits && !bcemr_hash_equal(&older, &small.root), BCEMR_BAD_CHECKPOINT, "checkpoint",
            "root");
out:
    return core_verdict(status, err);
}
