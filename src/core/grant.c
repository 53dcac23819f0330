/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from a patient's seed and a grant's terms (section 2, "Patient"). */
#include "wire/error.h"

#include <bcemr/grant.h>

/* KDF(label, ikm, the tuple of fields; 32). */
static bcemr_status kdf_tuple(const char *label, bcemr_span ikm, const bcemr_span *fields,
                              uint64_t count, uint8_t out[32])
{
    bcemr_buf info = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_tuple(fields, count, &info);
    if (status == BCEMR_OK)
        status = bcemr_kdf(label, ikm, bcemr_buf_span(&info), out, 32);
    bcemr_buf_free(&info);
    return status;
}

bcemr_status bcemr_grant_seed(const bcemr_seed *seed, const bcemr_hash *ledger, uint64_t j,
                              bcemr_seed *grant_seed, bcemr_ed_secret *revoker,
                              bcemr_ed_raw *revoker_public, bcemr_error *err)
{
    uint8_t number[8], r[32] = {0};
    bcemr_store_u64(number, j);
    const bcemr_span fields[] = {bcemr_span_of(ledger->b, sizeof ledger->b),
                                 bcemr_span_of(number, sizeof number)};
    bcemr_status status = BCEMR_OK;
    bcemr_wipe(revoker, sizeof *revoker);
    TRY_AT(
        kdf_tuple("grant-root", bcemr_span_of(seed->b, sizeof seed->b), fields, 2, grant_seed->b),
        "grant", "seed");
    TRY_AT(bcemr_kdf("R", bcemr_span_of(grant_seed->b, sizeof grant_seed->b), (bcemr_span){NULL, 0},
                     r, sizeof r),
           "grant", "revoker");
    bcemr_ed_from_seed(r, revoker, revoker_public);
out:
    if (status != BCEMR_OK)
        bcemr_wipe(grant_seed, sizeof *grant_seed);
    bcemr_wipe(r, sizeof r);
    return status;
}

bcemr_status bcemr_grant_from_gs(const bcemr_key *gs, bcemr_grant_secrets *out)
{
    const bcemr_span none = {NULL, 0};
    bcemr_key kept = *gs; /* gs may be out's own */
    const bcemr_span ikm = bcemr_span_of(kept.b, sizeof kept.b);
    bcemr_wipe(out, sizeof *out);
    bcemr_status status = bcemr_kdf("gid", ikm, none, out->gid.b, sizeof out->gid.b);
    if (status == BCEMR_OK)
        status = bcemr_kdf("salt", ikm, none, out->salt.b, sizeof out->salt.b);
    if (status == BCEMR_OK)
        out->gs = kept;
    else
        bcemr_wipe(out, sizeof *out);
    bcemr_wipe(&kept, sizeof kept);
    return status;
}

bcemr_status bcemr_grant_derive(const bcemr_seed *grant_seed, const bcemr_hash *enrolment,
                                int64_t issued, const bcemr_hash *vids, uint64_t count,
                                bcemr_grant_secrets *out, bcemr_error *err)
{
    const bcemr_list visits = BCEMR_LIST_OF(vids, count);
    bcemr_hash named;
    bcemr_key gs = {{0}};
    uint8_t time[8];
    bcemr_status status = BCEMR_OK;
    bcemr_wipe(out, sizeof *out);
    if (count == 0 || issued < 0)
        FAIL(BCEMR_E_ARGUMENT, "grant", count == 0 ? "visits" : "issued");
    TRY(bcemr_hash_list(&bcemr_type_hash_item, &visits, &named, err));
    bcemr_store_u64(time, (uint64_t)issued);
    const bcemr_span fields[] = {
        enrolment ? bcemr_span_of(enrolment->b, sizeof enrolment->b) : (bcemr_span){NULL, 0},
        bcemr_span_of(time, sizeof time), bcemr_span_of(named.b, sizeof named.b)};
    TRY_AT(kdf_tuple("gs", bcemr_span_of(grant_seed->b, sizeof grant_seed->b), fields, 3, gs.b),
           "grant", "gs");
    TRY_AT(bcemr_grant_from_gs(&gs, out), "grant", "gid");
out:
    bcemr_wipe(&gs, sizeof gs);
    return status;
}

bcemr_status bcemr_audit_key(const bcemr_key *gs, bcemr_span cloud, bcemr_key *out)
{
    return bcemr_kdf("audit", bcemr_span_of(gs->b, sizeof gs->b), cloud, out->b, sizeof out->b);
}
