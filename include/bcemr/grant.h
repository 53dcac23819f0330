/* SPDX-License-Identifier: Apache-2.0 */
/* Grants, their checks and access entries (section 7). All thread safe. */
#ifndef BCEMR_GRANT_H
#define BCEMR_GRANT_H

#include <bcemr/hash.h>
#include <bcemr/keys.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What follows from a grant seed. Wipe with bcemr_wipe. */
typedef struct bcemr_grant_secrets {
    bcemr_key gs;
    bcemr_hash gid;
    bcemr_nonce salt;
} bcemr_grant_secrets;

/* R from grant seed_j = KDF("grant-root", seed, (ledger id, j)). Out: the grant seed, R's keys. */
BCEMR_MUST_USE bcemr_status bcemr_grant_seed(const bcemr_seed *seed, const bcemr_hash *ledger,
                                             uint64_t j, bcemr_seed *grant_seed,
                                             bcemr_ed_secret *revoker, bcemr_ed_raw *revoker_public,
                                             bcemr_error *err);
/* gs = KDF("gs", grant seed, (H(J's Enrol), issued, H(list of vid))); gid and salt from gs.
 * enrolment NULL stands for the empty one of break-glass. */
BCEMR_MUST_USE bcemr_status bcemr_grant_derive(const bcemr_seed *grant_seed,
                                               const bcemr_hash *enrolment, int64_t issued,
                                               const bcemr_hash *vids, uint64_t count,
                                               bcemr_grant_secrets *out, bcemr_error *err);
/* gid and salt again from gs alone (the doctor has it from wrapped). */
BCEMR_MUST_USE bcemr_status bcemr_grant_from_gs(const bcemr_key *gs, bcemr_grant_secrets *out);
/* ka_c = KDF("audit", gs, c). */
BCEMR_MUST_USE bcemr_status bcemr_audit_key(const bcemr_key *gs, bcemr_span cloud, bcemr_key *out);

/* y_v = KDF("grant", gs, (gid, vid)) as a scalar. Wipe. */
BCEMR_MUST_USE bcemr_status bcemr_grant_y(const bcemr_key *gs, const bcemr_hash *gid,
                                          const bcemr_hash *vid, bcemr_secret_scalar *out);
/* For each visit y_v, Y_v = y_v g1 and rk_v = y_v / xv; one inversion for all. Constant time.
 * xvs, vids, ys, rks: count each. rks: wipe. */
BCEMR_MUST_USE bcemr_status bcemr_grant_keys(const bcemr_key *gs, const bcemr_hash *gid,
                                             const bcemr_secret_scalar *xvs, const bcemr_hash *vids,
                                             uint64_t count, bcemr_g1_raw *ys,
                                             bcemr_secret_scalar *rks, bcemr_error *err);
/* The cloud's check rk_v pkv = Y_v, for all in one weighted sum, constant time in rk; *bad the
 * first that does not hold. VALID or BAD_GRANT_KEY. */
BCEMR_MUST_USE bcemr_verdict bcemr_grant_keys_check(const bcemr_g1_raw *pkvs,
                                                    const bcemr_g1_raw *ys,
                                                    const bcemr_secret_scalar *rks, uint64_t count,
                                                    uint64_t *bad, bcemr_error *err);
/* y g1 = Y: tells a bad grant when kc fails. VALID or BAD_GRANT_KEY. */
BCEMR_MUST_USE bcemr_verdict bcemr_grant_y_check(const bcemr_secret_scalar *y,
                                                 const bcemr_g1_raw *y_public, bcemr_error *err);

/* handle_j = HMAC(ka, handle)[0..16). */
BCEMR_MUST_USE bcemr_status bcemr_access_handle(const bcemr_key *ka, uint64_t j,
                                                bcemr_bytes16 *out);
/* The j-th access entry of a grant at a cloud. ledger and cloud as in the entry; body is the
 * encoding of access_body, whose j is used. Appends the entry's encoding. */
BCEMR_MUST_USE bcemr_status bcemr_access_make(const bcemr_key *ka, const bcemr_hash *ledger,
                                              bcemr_span cloud, bcemr_span body, bcemr_buf *entry,
                                              bcemr_error *err);
/* Opens one: handle must be that of j, the box must decrypt, commitment and padding must fit, the
 * body must read as access_body with this j. Appends the body's encoding; E_REFUSED with BAD_ACCESS
 * otherwise. */
BCEMR_MUST_USE bcemr_status bcemr_access_open(const bcemr_key *ka, uint64_t j,
                                              const bcemr_tr_e_access *entry, bcemr_buf *body,
                                              bcemr_error *err);

#ifdef __cplusplus
}
#endif
#endif
