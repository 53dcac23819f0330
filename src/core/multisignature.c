/* SPDX-License-Identifier: Apache-2.0 */
/* The sequential multisignature (section 4): sigma_i = sigma_{i-1} + delta_i + di, and its check.
 */
#include "core/diagnosis.h"
#include "core/internal.h"

static bcemr_status add(const bcemr_g1_raw *term, const char *field, blst_p1 *sum, bcemr_error *err)
{
    bcemr_g1 point;
    bcemr_status status = bcemr_g1_decode(term, &point);
    if (status != BCEMR_OK)
        return wire_fail(err, status, "multisignature", field);
    blst_p1_add_or_double_affine(sum, sum, core_p1(&point));
    return BCEMR_OK;
}

bcemr_status bcemr_multisignature_add(const bcemr_g1_raw *sigma, const bcemr_g1_raw *delta,
                                      const bcemr_g1_raw *credential, bcemr_g1_raw *out,
                                      bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    blst_p1 sum;
    bcemr_g1_raw made;
    memset(&sum, 0, sizeof sum); /* the identity */
    memset(&made, 0, sizeof made);
    if (sigma)
        TRY(add(sigma, "sigma", &sum, err));
    TRY(add(delta, "delta", &sum, err));
    TRY(add(credential, "credential", &sum, err));
    if (blst_p1_is_inf(&sum))
        FAIL(BCEMR_E_POINT_IDENTITY, "multisignature", "sigma");
    blst_p1_compress(made.b, &sum);
out:
    *out = made; /* out may be sigma */
    return status;
}

/* Q = H1(CRED, cred), added to the sum. */
static bcemr_status add_credential(const bcemr_tr_cred *cred, blst_p1 *sum, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    blst_p1 q;
    TRY(bcemr_write_cred(cred, &message, err));
    TRY_AT(core_hash_to_g1(BCEMR_PURPOSE_CRED, bcemr_buf_span(&message), &q), "cred", NULL);
    blst_p1_add_or_double(sum, sum, &q);
out:
    bcemr_buf_free(&message);
    return status;
}

/* The enrolment is the signer's own. */
static bool fits(const bcemr_tr_cred *cred, const bcemr_tr_sign *sign)
{
    return bcemr_span_equal(cred->doctor, sign->doctor) &&
           memcmp(cred->x.b, sign->x.b, sizeof cred->x.b) == 0;
}

/* The sums of e(h_i, X_i) and of the Q_i; *chained is false when signs do not follow each other. */
static bcemr_status gather(const bcemr_tr_cred *creds, const bcemr_tr_sign *signs, uint64_t count,
                           core_terms *terms, blst_p1 *credentials, bool *chained, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash previous;
    memset(credentials, 0, sizeof *credentials);
    *chained = true;
    for (uint64_t i = 0; i < count; i++) {
        blst_p1 h;
        if (!fits(&creds[i], &signs[i]) || signs[i].i != i + 1 ||
            (i > 0 && !bcemr_hash_equal(&signs[i].previous, &previous)))
            *chained = false;
        TRY(core_diagnosis_hash(&signs[i], &h, &previous, err));
        TRY(core_terms_add(terms, &signs[i].x, &h, err));
        TRY(add_credential(&creds[i], credentials, err));
    }
out:
    return status;
}

bcemr_verdict bcemr_multisignature_check(const bcemr_context *context, const bcemr_g2 *authority,
                                         const bcemr_tr_cred *creds, const bcemr_tr_sign *signs,
                                         uint64_t count, const bcemr_g1_raw *sigma,
                                         bcemr_error *err)
{
    core_terms terms;
    blst_p1 credentials;
    bcemr_g1 sum;
    bool chained;
    (void)context; /* so many points are cheaper in one loop without lines */
    if (count == 0 || count > CORE_TEAM)
        return core_undecided(err, count == 0 ? BCEMR_E_TOO_FEW : BCEMR_E_TOO_MANY,
                              "multisignature", "signs");
    core_terms_begin(&terms);
    if (gather(creds, signs, count, &terms, &credentials, &chained, err) != BCEMR_OK)
        return BCEMR_UNDECIDED;
    core_terms_add_point(&terms, core_p2(authority), &credentials);
    bool holds = bcemr_g1_decode(sigma, &sum) == BCEMR_OK && chained &&
                 !blst_p1_is_inf(&credentials) && core_terms_hold(&terms, core_p1(&sum));
    return CORE_ANSWER(BCEMR_BAD_MULTISIGNATURE, holds, "multisignature", "sigma");
}
