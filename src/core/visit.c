/* SPDX-License-Identifier: Apache-2.0 */
/* A patient's keys for one visit, the pseudonym, acceptance and presence (sections 2, 3, 4). */
#include "core/verdict.h"

#include <bcemr/hash.h>
#include <bcemr/visit.h>

/* ---- keys ---- */

static bcemr_status visit_seed(const bcemr_seed *seed, const bcemr_hash *ledger, uint64_t j,
                               bcemr_seed *out)
{
    bcemr_buf info = BCEMR_BUF_EMPTY;
    uint8_t number[8];
    bcemr_store_u64(number, j);
    const bcemr_span fields[] = {bcemr_span_of(ledger->b, sizeof ledger->b),
                                 bcemr_span_of(number, sizeof number)};
    bcemr_status status = BCEMR_OK;
    TRY(bcemr_tuple(fields, 2, &info));
    TRY(bcemr_kdf("visit", bcemr_span_of(seed->b, sizeof seed->b), bcemr_buf_span(&info), out->b,
                  sizeof out->b));
out:
    bcemr_buf_free(&info);
    return status;
}

bcemr_status bcemr_visit_keys_derive(const bcemr_seed *seed, const bcemr_hash *ledger, uint64_t j,
                                     bcemr_visit_keys *out)
{
    const bcemr_span none = {NULL, 0};
    bcemr_seed visit = {{0}}, av = {{0}};
    const bcemr_span ikm = bcemr_span_of(visit.b, sizeof visit.b);
    bcemr_g1 pkv;
    bcemr_status status = BCEMR_OK;
    bcemr_wipe(out, sizeof *out);
    TRY(visit_seed(seed, ledger, j, &visit));
    TRY(bcemr_kdf_scalar("xv", ikm, none, &out->xv));
    TRY(bcemr_kdf("Av", ikm, none, av.b, sizeof av.b));
    TRY(bcemr_kdf("r", ikm, none, out->r.b, sizeof out->r.b));
    bcemr_ed_from_seed(av.b, &out->av, &out->av_public);
    bcemr_g1_from_secret(&out->xv, &pkv);
    bcemr_g1_encode(&pkv, &out->pkv);
out:
    if (status != BCEMR_OK)
        bcemr_visit_keys_wipe(out);
    bcemr_wipe(&av, sizeof av);
    bcemr_wipe(&visit, sizeof visit);
    return status;
}

void bcemr_visit_keys_wipe(bcemr_visit_keys *keys)
{
    bcemr_wipe(keys, sizeof *keys);
}

bcemr_status bcemr_pseudonym(const bcemr_tr_pid *pid, bcemr_hash *out, bcemr_error *err)
{
    return bcemr_hash_value(&bcemr_type_pid, pid, out, err);
}

/* ---- acceptance ---- */

bcemr_status bcemr_acceptance_make(const bcemr_visit_keys *keys, const bcemr_hash *vid,
                                   bcemr_tr_acceptance *out, bcemr_error *err)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    const bcemr_tr_accept accept = {*vid};
    bcemr_status status = BCEMR_OK;
    bcemr_wipe(out, sizeof *out);
    TRY(bcemr_write_accept(&accept, &message, err));
    TRY(bcemr_pok_make(&keys->xv, &keys->pkv, bcemr_buf_span(&message), &out->proof, err));
    bcemr_ed_sign(&keys->av, bcemr_buf_span(&message), &out->signature);
out:
    bcemr_buf_free(&message);
    return status;
}

static bcemr_status acceptance_check(const bcemr_tr_visit *visit, const bcemr_hash *vid,
                                     const bcemr_tr_acceptance *acceptance, bcemr_error *err)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    const bcemr_tr_accept accept = {*vid};
    bcemr_status status = BCEMR_OK;
    TRY(bcemr_write_accept(&accept, &message, err));
    REQUIRE(bcemr_ed_holds(&visit->av, bcemr_buf_span(&message), &acceptance->signature),
            BCEMR_BAD_ACCEPTANCE, "acceptance", "signature");
    bcemr_verdict proof =
        bcemr_pok_check(&visit->pkv, bcemr_buf_span(&message), &acceptance->proof, err);
    if (proof == BCEMR_UNDECIDED)
        status = err->status != BCEMR_OK ? err->status : BCEMR_E_ARGUMENT;
    else if (proof != BCEMR_VALID)
        status = wire_refuse(err, proof, "acceptance", "proof", BCEMR_NOWHERE);
out:
    bcemr_buf_free(&message);
    return status;
}

bcemr_verdict bcemr_acceptance_check(const bcemr_tr_visit *visit, const bcemr_hash *vid,
                                     const bcemr_tr_acceptance *acceptance, bcemr_error *err)
{
    bcemr_error local;
    err = core_error(err, &local);
    return core_verdict(acceptance_check(visit, vid, acceptance, err), err);
}

/* ---- presence ---- */

bcemr_status bcemr_presence_make(const bcemr_visit_keys *keys, const bcemr_tr_present *present,
                                 bcemr_tr_presence *out, bcemr_error *err)
{
    *out = (bcemr_tr_presence){.nonce = present->nonce, .time = present->time};
    bcemr_status status =
        bcemr_ed_sign_value(&keys->av, &bcemr_type_present, present, &out->signature, err);
    if (status != BCEMR_OK)
        bcemr_wipe(out, sizeof *out);
    return status;
}

/* Reads presence or waived; *waiver stays 0 for the first. */
static bcemr_status presence_read(bcemr_span in, bcemr_tr_presence *presence, uint64_t *waiver,
                                  bcemr_error *err)
{
    bcemr_tr_waived waived;
    bcemr_status status = bcemr_read_presence(in, presence, err);
    if (status == BCEMR_E_UNKNOWN_KIND) {
        *err = (bcemr_error){.index = BCEMR_NOWHERE, .offset = BCEMR_NOWHERE};
        status = bcemr_read_waived(in, &waived, err);
        *waiver = waived.reason;
    }
    return status;
}

/* a <= b, give or take difference; none of the sums can overflow. */
static bool not_after(int64_t a, int64_t b, uint64_t difference)
{
    return a <= b || (uint64_t)a - (uint64_t)b <= difference;
}

static bcemr_status presence_check(const bcemr_tr_visit *visit, const bcemr_hash *vid,
                                   bcemr_span doctor, int64_t t, uint64_t clock_difference,
                                   bcemr_span encoded, uint64_t *waiver, bcemr_error *err)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_tr_presence presence;
    bcemr_status status = BCEMR_OK;
    TRY(presence_read(encoded, &presence, waiver, err));
    if (*waiver != 0)
        goto out;
    const bcemr_tr_present present = {*vid, doctor, presence.nonce, presence.time};
    TRY(bcemr_write_present(&present, &message, err));
    REQUIRE(bcemr_ed_holds(&visit->av, bcemr_buf_span(&message), &presence.signature),
            BCEMR_BAD_PRESENCE, "presence", "signature");
    REQUIRE(not_after(visit->issued, presence.time, clock_difference) &&
                not_after(presence.time, t, clock_difference),
            BCEMR_PRESENCE_TIME, "presence", "time");
out:
    bcemr_buf_free(&message);
    return status;
}

bcemr_verdict bcemr_presence_check(const bcemr_tr_visit *visit, const bcemr_hash *vid,
                                   bcemr_span doctor, int64_t t, uint64_t clock_difference,
                                   bcemr_span presence, uint64_t *waiver, bcemr_error *err)
{
    bcemr_error local;
    err = core_error(err, &local);
    *waiver = 0;
    return core_verdict(
        presence_check(visit, vid, doctor, t, clock_difference, presence, waiver, err), err);
}
