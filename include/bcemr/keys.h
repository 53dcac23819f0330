/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of every holder, Ed25519 and BLS signatures, proofs of possession, credentials, joint
 * signatures (sections 1 and 2). All thread safe. */
#ifndef BCEMR_KEYS_H
#define BCEMR_KEYS_H

#include <bcemr/group.h>
#include <bcemr/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bcemr_ed_public {
    uint8_t b[32];
} bcemr_ed_public; /* validated */
typedef struct bcemr_x25519_public {
    uint8_t b[32];
} bcemr_x25519_public; /* validated */
typedef struct bcemr_ed_secret {
    uint8_t b[64];
} bcemr_ed_secret; /* wipe */
typedef struct bcemr_x25519_secret {
    uint8_t b[32];
} bcemr_x25519_secret; /* wipe */
typedef struct bcemr_seed {
    uint8_t b[32];
} bcemr_seed; /* wipe */
typedef struct bcemr_key {
    uint8_t b[32];
} bcemr_key; /* a symmetric key; wipe */

/* What one holder keeps: a hospital or a doctor all four, a cloud x and a. */
typedef struct bcemr_secrets {
    bcemr_secret_scalar x;   /* BLS */
    bcemr_ed_secret a;       /* Ed25519: requests, entries, sessions */
    bcemr_x25519_secret e;   /* group key */
    bcemr_x25519_secret box; /* sealed boxes */
} bcemr_secrets;
/* The public halves, as they travel. */
typedef struct bcemr_publics {
    bcemr_g2_raw x;
    bcemr_ed_raw a;
    bcemr_x25519_raw e;
    bcemr_x25519_raw box;
} bcemr_publics;

/* Errors: E_ED25519_ENCODING, _SMALL_ORDER; E_X25519_ENCODING, _SMALL_ORDER. out zeroed then. */
BCEMR_MUST_USE bcemr_status bcemr_ed_decode(const bcemr_ed_raw *in, bcemr_ed_public *out);
BCEMR_MUST_USE bcemr_status bcemr_x25519_decode(const bcemr_x25519_raw *in,
                                                bcemr_x25519_public *out);

/* A doctor's keys: KDF("x"), ("a"), ("e"), ("b") of the seed. */
BCEMR_MUST_USE bcemr_status bcemr_secrets_from_seed(const bcemr_seed *seed, bcemr_secrets *out);
/* A server's keys, from the system's random source. */
BCEMR_MUST_USE bcemr_status bcemr_secrets_random(bcemr_secrets *out);
void bcemr_secrets_publics(const bcemr_secrets *secrets, bcemr_publics *out);
void bcemr_secrets_wipe(bcemr_secrets *secrets);

/* Ed25519 from a 32-byte derived seed. */
void bcemr_ed_from_seed(const uint8_t seed[32], bcemr_ed_secret *secret, bcemr_ed_raw *out);
void bcemr_ed_public_of(const bcemr_ed_secret *secret, bcemr_ed_raw *out);
void bcemr_x25519_public_of(const bcemr_x25519_secret *secret, bcemr_x25519_raw *out);

/* Ed_k(m) over raw bytes, and over the transcript of value. Checks refuse small-order and
 * non-canonical keys by themselves, so a raw key may be given. */
void bcemr_ed_sign(const bcemr_ed_secret *secret, bcemr_span message, bcemr_ed_signature *out);
bool bcemr_ed_holds(const bcemr_ed_raw *key, bcemr_span message,
                    const bcemr_ed_signature *signature);
BCEMR_MUST_USE bcemr_status bcemr_ed_sign_value(const bcemr_ed_secret *secret,
                                                const bcemr_type *type, const void *value,
                                                bcemr_ed_signature *out, bcemr_error *err);
/* False also when value cannot be written. */
bool bcemr_ed_holds_value(const bcemr_ed_raw *key, const bcemr_type *type, const void *value,
                          const bcemr_ed_signature *signature);

/* BLS_x(m) = x H1(purpose, m). Constant time in x. */
BCEMR_MUST_USE bcemr_status bcemr_bls_sign(const bcemr_secret_scalar *x, bcemr_purpose purpose,
                                           bcemr_span message, bcemr_g1_raw *out);
/* e(signature, g2) = e(H1(purpose, m), X). False also for an encoding that does not decode. */
bool bcemr_bls_holds(const bcemr_context *context, const bcemr_g2 *x, bcemr_purpose purpose,
                     bcemr_span message, const bcemr_g1_raw *signature);

/* ---- batches of BLS statements (section 4, "Batch of many Signs") ---- */

/* One statement: e(signature, g2) = e(H1(purpose, message), key). Statements that share a key
 * should point to the same lines: they then share a Miller loop. */
typedef struct bcemr_bls_statement {
    const bcemr_g2_lines *key;
    bcemr_purpose purpose;
    bcemr_span message;
    bcemr_g1_raw signature;
} bcemr_bls_statement;
/*
 * Checks all at once under random 128-bit weights; on failure finds the bad ones by bisection.
 * Out: bad[i] true for statements that do not hold (all false when VALID). A signature that does
 * not decode is bad by itself.
 * Returns VALID; BAD_DIAGNOSIS_SIGNATURE when any is bad; UNDECIDED with err->status.
 * Every one of them true in the batch means true with error at most 2^-128.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_bls_batch(const bcemr_context *context,
                                             const bcemr_bls_statement *statements, uint64_t count,
                                             const bcemr_parallel *parallel, bool *bad,
                                             bcemr_error *err);

/* ---- joint signatures (section 1) ---- */

/* Length and spare bits of a bitmap over n places. Status: E_BITMAP. */
BCEMR_MUST_USE bcemr_status bcemr_bitmap_check(bcemr_span bitmap, uint64_t n);
bool bcemr_bitmap_get(bcemr_span bitmap, uint64_t place);
void bcemr_bitmap_set(uint8_t *bitmap, uint64_t place);
uint64_t bcemr_bitmap_count(bcemr_span bitmap);
uint64_t bcemr_bitmap_size(uint64_t n); /* ceil(n/8) */

/* sum w_i sigma_i. members: all n places' X; signatures: one for each bit set, in their order. */
BCEMR_MUST_USE bcemr_status bcemr_joint_combine(const bcemr_g2_raw *members, uint64_t n,
                                                bcemr_span bitmap, const bcemr_g1_raw *signatures,
                                                bcemr_g1_raw *out, bcemr_error *err);
/* VALID or BAD_JOINT_SIGNATURE; a bitmap or X that does not decode gives UNDECIDED and a status.
 * purpose SIG; message is what each of them signed. */
BCEMR_MUST_USE bcemr_verdict bcemr_joint_check(const bcemr_context *context,
                                               const bcemr_g2_raw *members, uint64_t n,
                                               bcemr_span bitmap, bcemr_span message,
                                               const bcemr_g1_raw *signature, bcemr_error *err);

/* ---- proofs of possession and credentials (section 2) ---- */

/* PoP || Ed_A's: 112 bytes; the authority's (a NULL) 48. A reader, who has no X, signs
 * Tr("pop-reader") by bcemr_ed_sign_value instead. Appends to out. */
BCEMR_MUST_USE bcemr_status bcemr_pop_make(const bcemr_secret_scalar *x, const bcemr_ed_secret *a,
                                           const bcemr_tr_pop *pop, bcemr_buf *out,
                                           bcemr_error *err);
/* VALID or BAD_POP: 112 bytes; 48 for the role "authority", whose pop->a is empty. An X that does
 * not decode is UNDECIDED. */
BCEMR_MUST_USE bcemr_verdict bcemr_pop_check(const bcemr_context *context, const bcemr_tr_pop *pop,
                                             bcemr_span proof, bcemr_error *err);

/* di = s H1(CRED, cred). */
BCEMR_MUST_USE bcemr_status bcemr_credential_make(const bcemr_secret_scalar *s,
                                                  const bcemr_tr_cred *cred, bcemr_g1_raw *out,
                                                  bcemr_error *err);
/* e(di, g2) = e(Qi, P). VALID or BAD_CREDENTIAL. */
BCEMR_MUST_USE bcemr_verdict bcemr_credential_check(const bcemr_context *context,
                                                    const bcemr_g2 *authority,
                                                    const bcemr_tr_cred *cred,
                                                    const bcemr_g1_raw *credential,
                                                    bcemr_error *err);

/* ---- the Schnorr proof of section 3 ---- */

BCEMR_MUST_USE bcemr_status bcemr_pok_make(const bcemr_secret_scalar *xv, const bcemr_g1_raw *pkv,
                                           bcemr_span message, bcemr_pok_raw *out,
                                           bcemr_error *err);
/* VALID or BAD_ACCEPTANCE_PROOF; an encoding that does not decode is BAD_ACCEPTANCE_PROOF too. */
BCEMR_MUST_USE bcemr_verdict bcemr_pok_check(const bcemr_g1_raw *pkv, bcemr_span message,
                                             const bcemr_pok_raw *proof, bcemr_error *err);

#ifdef __cplusplus
}
#endif
#endif
