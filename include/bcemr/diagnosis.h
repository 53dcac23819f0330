/* SPDX-License-Identifier: Apache-2.0 */
/* Commitments and the sequential multisignature (section 4). All thread safe. */
#ifndef BCEMR_DIAGNOSIS_H
#define BCEMR_DIAGNOSIS_H

#include <bcemr/keys.h>

#ifdef __cplusplus
extern "C" {
#endif

/* c_i = H(diagnosis). manifest and presence are their encodings. */
BCEMR_MUST_USE bcemr_status bcemr_commitment(const bcemr_hash *vid, uint64_t i,
                                             const bcemr_nonce *salt, bcemr_span manifest,
                                             bcemr_span presence, bcemr_hash *out,
                                             bcemr_error *err);

/* delta_i = xi H1(SIG, ctx_i). Constant time in x. Floor: H1 and one G1 multiplication. */
BCEMR_MUST_USE bcemr_status bcemr_diagnosis_sign(const bcemr_secret_scalar *x,
                                                 const bcemr_tr_sign *context, bcemr_g1_raw *delta,
                                                 bcemr_error *err);
/*
 * e(delta_i, g2) = e(h_i, X_i), with X_i's lines made beforehand (bcemr_g2_prepare).
 * VALID or BAD_DIAGNOSIS_SIGNATURE. Floor: decode, H1, two Miller loops with lines, one final
 * exponentiation. X_i in the context is not compared with lines: the caller's duty.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_diagnosis_check(const bcemr_context *context,
                                                   const bcemr_g2_lines *x,
                                                   const bcemr_tr_sign *sign,
                                                   const bcemr_g1_raw *delta, bcemr_error *err);

/*
 * Checks the signatures of doctors 1..count of a visit in one product under random weights; their
 * contexts are chained: previous of each is H(context before), vid for the first. Checks the chain,
 * too. Out: *first_bad the index (from 0) of the first that does not hold, count when VALID.
 * VALID, BAD_DIAGNOSIS_SIGNATURE, NOT_IN_ORDER (chain, place), TIME_ORDER (t_i does not ascend);
 * UNDECIDED.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_prefix_check(const bcemr_context *context, const bcemr_hash *vid,
                                                const bcemr_tr_sign *signs,
                                                const bcemr_g1_raw *deltas, uint64_t count,
                                                uint64_t *first_bad, bcemr_error *err);

/* sigma_i = sigma_{i-1} + delta_i + di; sigma NULL for sigma_0 = 0. All are decoded and checked to
 * be in the group; a sum that is the identity is E_POINT_IDENTITY. */
BCEMR_MUST_USE bcemr_status bcemr_multisignature_add(const bcemr_g1_raw *sigma,
                                                     const bcemr_g1_raw *delta,
                                                     const bcemr_g1_raw *credential,
                                                     bcemr_g1_raw *out, bcemr_error *err);
/*
 * e(sigma_n, g2) = e(Q_1 + ... + Q_n, P) prod e(h_i, X_i). VALID or BAD_MULTISIGNATURE.
 * creds[i] are the enrolments behind signs[i]: the same doctor and X. signs are 1..count and each
 * follows the one before; that the first follows vid is the caller's to see.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_multisignature_check(
    const bcemr_context *context, const bcemr_g2 *authority, const bcemr_tr_cred *creds,
    const bcemr_tr_sign *signs, uint64_t count, const bcemr_g1_raw *sigma, bcemr_error *err);

#ifdef __cplusplus
}
#endif
#endif
