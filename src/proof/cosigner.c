/* SPDX-License-Identifier: Apache-2.0 */
/* A member that cosigns checkpoints (section 8): only what its own log says, never two. */
#include "core/verdict.h"
#include "wire/error.h"

#include <bcemr/proof.h>
#include <string.h>

void bcemr_cosigner_begin(bcemr_cosigner *cosigner, const bcemr_hash *ledger,
                          const bcemr_tr_checkpoint *last)
{
    cosigner->ledger = *ledger;
    cosigner->trusted = true;
    cosigner->has_evidence = false;
    cosigner->has_last = last != NULL;
    if (last)
        cosigner->last = *last;
}

void bcemr_cosigner_distrust(bcemr_cosigner *cosigner)
{
    cosigner->trusted = false;
}

/* The first field in which two checkpoints differ, NULL when none does. */
static const char *difference(const bcemr_tr_checkpoint *a, const bcemr_tr_checkpoint *b)
{
    if (!bcemr_hash_equal(&a->ledger, &b->ledger))
        return "ledger";
    if (a->size != b->size)
        return "size";
    if (!bcemr_hash_equal(&a->root, &b->root))
        return "root";
    if (a->tau != b->tau)
        return "tau";
    if (!bcemr_hash_equal(&a->stops, &b->stops))
        return "stops";
    if (!bcemr_hash_equal(&a->finds, &b->finds))
        return "finds";
    if (a->set_number != b->set_number)
        return "set_number";
    return bcemr_hash_equal(&a->set, &b->set) ? NULL : "set";
}

bcemr_status bcemr_cosigner_resume(bcemr_cosigner *cosigner, const bcemr_context *context,
                                   const bcemr_set *set, bcemr_span cosigned, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_checkpoint shown, mine;
    REQUIRE_VALID(bcemr_checkpoint_check(context, &cosigner->ledger, set, cosigned, &shown, err),
                  "cosigned", NULL);
    TRY_AT(cosigner->own(cosigner->user, shown.size, &mine), "checkpoint", "size");
    const char *field = difference(&shown, &mine);
    REQUIRE(field == NULL, BCEMR_BAD_CHECKPOINT, "checkpoint", field);
    /* What it kept itself may be newer than what it was shown. */
    if (!cosigner->has_last || cosigner->last.size < shown.size) {
        if (cosigner->keep)
            TRY_AT(cosigner->keep(cosigner->user, &shown), "checkpoint", NULL);
        cosigner->last = shown;
        cosigner->has_last = true;
    }
    cosigner->trusted = true;
out:
    return status;
}

static bcemr_status against_last(bcemr_cosigner *cosigner, const bcemr_tr_checkpoint *asked,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_checkpoint mine;
    if (!cosigner->has_last)
        goto out;
    REQUIRE(asked->size >= cosigner->last.size, BCEMR_STALE_PROOF, "checkpoint", "size");
    status = cosigner->own(cosigner->user, cosigner->last.size, &mine);
    bool there = status == BCEMR_OK;
    if (status == BCEMR_E_NOT_FOUND)
        status = BCEMR_OK;
    TRY_AT(status, "checkpoint", "size");
    REQUIRE(there && difference(&mine, &cosigner->last) == NULL, BCEMR_BAD_CONSISTENCY,
            "checkpoint", "root");
out:
    return status;
}

bcemr_status bcemr_cosigner_sign(bcemr_cosigner *cosigner, const bcemr_tr_checkpoint *asked,
                                 bcemr_g1_raw *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_checkpoint mine;
    if (!cosigner->trusted)
        FAIL(BCEMR_E_STATE, "cosigner", "trusted");
    REQUIRE(bcemr_hash_equal(&asked->ledger, &cosigner->ledger), BCEMR_WRONG_LEDGER, "checkpoint",
            "ledger");
    TRY(against_last(cosigner, asked, err));
    TRY_AT(cosigner->own(cosigner->user, asked->size, &mine), "checkpoint", "size");
    const char *field = difference(asked, &mine);
    if (field) {
        cosigner->evidence = *asked;
        cosigner->has_evidence = true;
    }
    REQUIRE(field == NULL, BCEMR_BAD_CHECKPOINT, "checkpoint", field);
    /* Durable before it is sent: after a crash it must know what it may have signed. */
    if (cosigner->keep)
        TRY_AT(cosigner->keep(cosigner->user, asked), "checkpoint", NULL);
    cosigner->last = *asked;
    cosigner->has_last = true;
    TRY(cosigner->sign(cosigner->user, asked, out, err));
out:
    return status;
}
