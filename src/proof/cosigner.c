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
    cosigner->since = 0;
    cosigner->has_last = last != NULL;
    if (last)
        cosigner->last = *last;
}

void bcemr_cosigner_distrust(bcemr_cosigner *cosigner, int64_t since)
{
    cosigner->trusted = false;
    if (cosigner->since < since)
        cosigner->since = since;
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

/* The own log's checkpoint at a size, or its newest, which differs in size, when no block ends
 * there. E_NOT_FOUND: the log has not come so far. */
static bcemr_status own_at(const bcemr_cosigner *cosigner, uint64_t size, bcemr_tr_checkpoint *out)
{
    bcemr_status status = cosigner->own(cosigner->user, size, out);
    return status == BCEMR_E_ABSENT ? BCEMR_OK : status;
}

/* ---- resuming ---- */

/* Whoever vouches for a log, the last one signed must be in it. */
static bcemr_status holds_last(const bcemr_cosigner *cosigner, bool all, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_checkpoint mine;
    if (!cosigner->has_last)
        goto out;
    status = own_at(cosigner, cosigner->last.size, &mine);
    const bool there = status == BCEMR_OK;
    if (status == BCEMR_E_NOT_FOUND)
        status = BCEMR_OK;
    TRY_AT(status, "checkpoint", "size");
    REQUIRE(there ? difference(&mine, &cosigner->last) == NULL : !all, BCEMR_BAD_CONSISTENCY,
            "checkpoint", "root");
out:
    return status;
}

/* shown is vouched for: it must be the own log's. */
static bcemr_status resume_on(bcemr_cosigner *cosigner, const bcemr_tr_checkpoint *shown,
                              bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_checkpoint mine;
    TRY_AT(own_at(cosigner, shown->size, &mine), "checkpoint", "size");
    const char *field = difference(shown, &mine);
    REQUIRE(field == NULL, BCEMR_BAD_CHECKPOINT, "checkpoint", field);
    TRY(holds_last(cosigner, false, err));
    /* What it kept itself may be newer than what it was shown. */
    if (cosigner->has_last && cosigner->last.size > shown->size)
        shown = &cosigner->last;
    if (cosigner->keep)
        TRY_AT(cosigner->keep(cosigner->user, shown), "checkpoint", NULL);
    cosigner->last = *shown;
    cosigner->has_last = true;
    cosigner->trusted = true;
    cosigner->since = 0;
out:
    return status;
}

/* An old checkpoint says nothing about what was signed since. */
static bcemr_status resume_later(bcemr_cosigner *cosigner, const bcemr_tr_checkpoint *shown,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    REQUIRE(shown->tau > cosigner->since, BCEMR_STALE_PROOF, "checkpoint", "tau");
    TRY(resume_on(cosigner, shown, err));
out:
    return status;
}

bcemr_status bcemr_cosigner_resume(bcemr_cosigner *cosigner, const bcemr_context *context,
                                   const bcemr_set *set, uint64_t place, bcemr_span cosigned,
                                   bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_cosigned value;
    bcemr_tr_checkpoint shown;
    TRY(core_pass(bcemr_checkpoint_check(context, &cosigner->ledger, set, cosigned, &shown, err),
                  err));
    TRY(bcemr_read_cosigned(cosigned, &value, err));
    /* It has signed nothing while it waits: this one would be old, or another has its key. */
    bool own = place < set->count && bcemr_bitmap_get(value.signers, place);
    REQUIRE(cosigner->trusted || !own, BCEMR_BAD_CHECKPOINT, "cosigned", "signers");
    TRY(resume_later(cosigner, &shown, err));
out:
    return status;
}

bcemr_status bcemr_cosigner_resume_by_others(bcemr_cosigner *cosigner, const bcemr_context *context,
                                             const bcemr_set *set, uint64_t place,
                                             bcemr_span cosigned, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_checkpoint shown;
    TRY(core_pass(bcemr_checkpoint_others_check(context, &cosigner->ledger, set, place, cosigned,
                                                &shown, err),
                  err));
    TRY(resume_later(cosigner, &shown, err));
out:
    return status;
}

bcemr_status bcemr_cosigner_resume_by_operator(bcemr_cosigner *cosigner, const bcemr_set *set,
                                               const bcemr_tr_checkpoint *vouched, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    REQUIRE(set->count == 1 || !bcemr_set_majority(set->count, set->count - 1), BCEMR_NOT_ENTITLED,
            "set", "members");
    TRY(holds_last(cosigner, true, err));
    TRY(resume_on(cosigner, vouched, err));
out:
    return status;
}

/* ---- signing ---- */

/* The evidence first: who refuses may be asked later what it was. */
static bcemr_status refuse(const bcemr_cosigner *cosigner, const bcemr_tr_checkpoint *asked,
                           const bcemr_tr_checkpoint *own, bcemr_verdict verdict, const char *field,
                           bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    if (cosigner->refused && difference(asked, own) != NULL)
        TRY_AT(cosigner->refused(cosigner->user, asked, own), "checkpoint", "evidence");
    status = wire_refuse(err, verdict, "checkpoint", field, BCEMR_NOWHERE);
out:
    return status;
}

/* The own log must still hold what was signed last. */
static bcemr_status against_last(const bcemr_cosigner *cosigner, const bcemr_tr_checkpoint *asked,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_checkpoint mine;
    if (!cosigner->has_last)
        goto out;
    status = own_at(cosigner, cosigner->last.size, &mine);
    bool there = status == BCEMR_OK;
    if (status == BCEMR_E_NOT_FOUND)
        status = BCEMR_OK;
    TRY_AT(status, "checkpoint", "size");
    if (!BCEMR_HOLDS(BCEMR_BAD_CONSISTENCY, there && difference(&mine, &cosigner->last) == NULL))
        TRY(refuse(cosigner, asked, &cosigner->last, BCEMR_BAD_CONSISTENCY, "root", err));
out:
    return status;
}

static bcemr_status against_own(const bcemr_cosigner *cosigner, const bcemr_tr_checkpoint *asked,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_checkpoint mine;
    TRY_AT(own_at(cosigner, asked->size, &mine), "checkpoint", "size");
    const char *field = difference(asked, &mine);
    if (!BCEMR_HOLDS(BCEMR_BAD_CHECKPOINT, field == NULL))
        TRY(refuse(cosigner, asked, &mine, BCEMR_BAD_CHECKPOINT, field, err));
    /* Its own, but at most one a block, and none again. */
    REQUIRE(!cosigner->has_last || asked->size >= cosigner->last.size, BCEMR_STALE_PROOF,
            "checkpoint", "size");
out:
    return status;
}

bcemr_status bcemr_cosigner_sign(bcemr_cosigner *cosigner, const bcemr_tr_checkpoint *asked,
                                 bcemr_g1_raw *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    if (!cosigner->trusted)
        FAIL(BCEMR_E_STATE, "cosigner", "trusted");
    REQUIRE(bcemr_hash_equal(&asked->ledger, &cosigner->ledger), BCEMR_WRONG_LEDGER, "checkpoint",
            "ledger");
    TRY(against_last(cosigner, asked, err));
    TRY(against_own(cosigner, asked, err));
    /* Durable before it is sent: after a crash it must know what it may have signed. */
    bool again = cosigner->has_last && difference(asked, &cosigner->last) == NULL;
    if (cosigner->keep && !again)
        TRY_AT(cosigner->keep(cosigner->user, asked), "checkpoint", NULL);
    cosigner->last = *asked;
    cosigner->has_last = true;
    TRY(cosigner->sign(cosigner->user, asked, out, err));
out:
    return status;
}
