/* SPDX-License-Identifier: Apache-2.0 */
/* BLS_x(m) (section 1), and the authority's credentials, which are such signatures (section 2). */
#include "core/internal.h"

bcemr_status bcemr_bls_sign(const bcemr_secret_scalar *x, bcemr_purpose purpose, bcemr_span message,
                            bcemr_g1_raw *out)
{
    blst_p1 point;
    bcemr_status status = core_hash_to_g1(purpose, message, &point);
    if (status != BCEMR_OK) {
        memset(out, 0, sizeof *out);
        return status;
    }
    blst_p1_mult(&point, &point, x->b, CORE_SCALAR_BITS);
    blst_p1_compress(out->b, &point);
    bcemr_wipe(&point, sizeof point);
    return BCEMR_OK;
}

bool bcemr_bls_holds(const bcemr_context *context, const bcemr_g2 *x, bcemr_purpose purpose,
                     bcemr_span message, const bcemr_g1_raw *signature)
{
    bcemr_g1 decoded;
    blst_p1 hashed;
    if (bcemr_g1_decode(signature, &decoded) != BCEMR_OK ||
        core_hash_to_g1(purpose, message, &hashed) != BCEMR_OK)
        return false;
    return core_pairs(context, core_p1(&decoded), &hashed, core_p2(x));
}

bcemr_status bcemr_credential_make(const bcemr_secret_scalar *s, const bcemr_tr_cred *cred,
                                   bcemr_g1_raw *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    memset(out, 0, sizeof *out);
    TRY(bcemr_write_cred(cred, &message, err));
    TRY_AT(bcemr_bls_sign(s, BCEMR_PURPOSE_CRED, bcemr_buf_span(&message), out), "cred", NULL);
out:
    bcemr_buf_free(&message);
    return status;
}

bcemr_verdict bcemr_credential_check(const bcemr_context *context, const bcemr_g2 *authority,
                                     const bcemr_tr_cred *cred, const bcemr_g1_raw *credential,
                                     bcemr_error *err)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    if (bcemr_write_cred(cred, &message, err) != BCEMR_OK) {
        bcemr_buf_free(&message);
        return BCEMR_UNDECIDED;
    }
    bool holds = bcemr_bls_holds(context, authority, BCEMR_PURPOSE_CRED, bcemr_buf_span(&message),
                                 credential);
    bcemr_buf_free(&message);
    return CORE_ANSWER(BCEMR_BAD_CREDENTIAL, holds, "cred", "credential");
}
