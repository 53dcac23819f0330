/* SPDX-License-Identifier: Apache-2.0 */
/* The proof that a patient holds xv of pkv (section 3): z g1 = Rk + c pkv. */
#include "core/internal.h"

/* c = KDF("pok", Tr("pok"; pkv, Rk, m)) as a scalar. */
static bcemr_status challenge(const bcemr_g1_raw *pkv, const bcemr_g1_raw *commitment,
                              bcemr_span message, bcemr_secret_scalar *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf hashed = BCEMR_BUF_EMPTY;
    bcemr_tr_pok pok = {.pkv = *pkv, .commitment = *commitment, .message = message};
    TRY(bcemr_write_pok(&pok, &hashed, err));
    TRY_AT(bcemr_kdf_scalar("pok", bcemr_buf_span(&hashed), (bcemr_span){NULL, 0}, out), "pok",
           NULL);
out:
    bcemr_buf_free(&hashed);
    return status;
}

bcemr_status bcemr_pok_make(const bcemr_secret_scalar *xv, const bcemr_g1_raw *pkv,
                            bcemr_span message, bcemr_pok_raw *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_secret_scalar line[2], c, z; /* kk + t xv, at t = c */
    blst_p1 commitment;
    memset(out, 0, sizeof *out);
    memset(&z, 0, sizeof z);
    line[1] = *xv;
    TRY_AT(bcemr_secret_scalar_random(&line[0]), "pok", "commitment");
    blst_p1_mult(&commitment, blst_p1_generator(), line[0].b, CORE_SCALAR_BITS);
    blst_p1_compress(out->commitment.b, &commitment);
    TRY(challenge(pkv, &out->commitment, message, &c, err));
    core_scalar_multiply(&c, xv, &line[1]);
    TRY_AT(bcemr_secret_scalar_polynomial(line, 2, 1, &z), "pok", "response");
    memcpy(out->response.b, z.b, sizeof z.b);
out:
    bcemr_wipe(line, sizeof line);
    bcemr_wipe(&z, sizeof z);
    bcemr_wipe(&commitment, sizeof commitment);
    if (status != BCEMR_OK)
        memset(out, 0, sizeof *out);
    return status;
}

bcemr_verdict bcemr_pok_check(const bcemr_g1_raw *pkv, bcemr_span message,
                              const bcemr_pok_raw *proof, bcemr_error *err)
{
    bcemr_g1 key, commitment;
    bcemr_scalar z;
    bcemr_secret_scalar c;
    blst_p1 left, right;
    bool holds = bcemr_g1_decode(pkv, &key) == BCEMR_OK &&
                 bcemr_g1_decode(&proof->commitment, &commitment) == BCEMR_OK &&
                 bcemr_scalar_decode(&proof->response, &z) == BCEMR_OK;
    if (holds) {
        if (challenge(pkv, &proof->commitment, message, &c, err) != BCEMR_OK)
            return BCEMR_UNDECIDED;
        blst_p1_mult(&left, blst_p1_generator(), z.b, CORE_SCALAR_BITS);
        core_p1_multiply(core_p1(&key), c.b, &right);
        blst_p1_add_or_double_affine(&right, &right, core_p1(&commitment));
        holds = blst_p1_is_equal(&left, &right);
    }
    return CORE_ANSWER(BCEMR_BAD_ACCEPTANCE_PROOF, holds, "acceptance", "proof");
}
