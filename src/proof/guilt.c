/* SPDX-License-Identifier: Apache-2.0 */
/* What proves that who signed checkpoints broke a rule (section 8), each by its own evidence. */
#include "core/verdict.h"
#include "proof/member.h"
#include "wire/error.h"

#include <bcemr/proof.h>
#include <string.h>

/* Zeroed first: that is what a check that a test switched off leaves. */
static bcemr_status take_cosigned(const bcemr_context *context, const bcemr_hash *ledger,
                                  const bcemr_cosigned_by *by, const char *which,
                                  bcemr_tr_checkpoint *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    memset(out, 0, sizeof *out);
    REQUIRE_VALID(bcemr_checkpoint_check(context, ledger, by->set, by->cosigned, out, err),
                  "cosigned", which);
out:
    return status;
}

/* The leaf's place and the number of the set that it made. */
static bcemr_status take_leaf(bcemr_span inclusion, const bcemr_tr_checkpoint *checkpoint,
                              uint64_t *index, uint64_t *number, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_leaf_parts leaf;
    bcemr_hash before;
    memset(&leaf, 0, sizeof leaf);
    *index = 0;
    *number = 0;
    TRY(core_pass(bcemr_inclusion_check(inclusion, checkpoint, &leaf, index, err), err));
    bool makes = proof_set_entry(leaf.parts.entry, number, &before);
    REQUIRE(makes, BCEMR_BAD_GUILT, "leaf", "kind");
out:
    return status;
}

bcemr_verdict bcemr_guilt_same_size(const bcemr_context *context, const bcemr_hash *ledger,
                                    const bcemr_cosigned_by *one, const bcemr_cosigned_by *other,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bcemr_tr_cosigned values[2];
    bcemr_tr_checkpoint checkpoints[2];
    err = core_error(err, &local);
    TRY(take_cosigned(context, ledger, one, "one", &checkpoints[0], err));
    TRY(take_cosigned(context, ledger, other, "other", &checkpoints[1], err));
    TRY(bcemr_read_cosigned(one->cosigned, &values[0], err));
    TRY(bcemr_read_cosigned(other->cosigned, &values[1], err));
    REQUIRE(checkpoints[0].size == checkpoints[1].size, BCEMR_BAD_GUILT, "checkpoint", "size");
    REQUIRE(!bcemr_span_equal(values[0].checkpoint, values[1].checkpoint), BCEMR_BAD_GUILT,
            "checkpoint", "root");
out:
    return core_verdict(status, err);
}

bcemr_verdict bcemr_guilt_old_set(const bcemr_context *context, const bcemr_hash *ledger,
                                  const bcemr_cosigned_by *one, bcemr_span inclusion,
                                  bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bcemr_tr_checkpoint checkpoint;
    uint64_t index = 0, number = 0;
    err = core_error(err, &local);
    TRY(take_cosigned(context, ledger, one, "one", &checkpoint, err));
    TRY(take_leaf(inclusion, &checkpoint, &index, &number, err));
    REQUIRE(number > checkpoint.set_number, BCEMR_BAD_GUILT, "leaf", "number");
out:
    return core_verdict(status, err);
}

bcemr_verdict bcemr_guilt_early_set(const bcemr_context *context, const bcemr_hash *ledger,
                                    const bcemr_cosigned_by *smaller,
                                    const bcemr_cosigned_by *larger, bcemr_span inclusion,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bcemr_tr_checkpoint small, large;
    uint64_t index = 0, number = 0;
    err = core_error(err, &local);
    TRY(take_cosigned(context, ledger, smaller, "one", &small, err));
    TRY(take_cosigned(context, ledger, larger, "other", &large, err));
    TRY(take_leaf(inclusion, &large, &index, &number, err));
    REQUIRE(number <= small.set_number, BCEMR_BAD_GUILT, "leaf", "number");
    REQUIRE(index >= small.size, BCEMR_BAD_GUILT, "inclusion", "index");
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
    TRY(take_cosigned(context, ledger, smaller, "one", &small, err));
    TRY(take_cosigned(context, ledger, larger, "other", &large, err));
    REQUIRE(small.size < large.size, BCEMR_BAD_GUILT, "checkpoint", "size");
    bool fits =
        bcemr_consistency_roots(small.size, large.size, path, count, &older, &newer) == BCEMR_OK;
    REQUIRE(fits && bcemr_hash_equal(&newer, &large.root), BCEMR_BAD_CONSISTENCY, "consistency",
            "path");
    REQUIRE(fits && !bcemr_hash_equal(&older, &small.root), BCEMR_BAD_GUILT, "checkpoint", "root");
out:
    return core_verdict(status, err);
}
