/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups, scalars and the context (section 1). A value of one of the types here was validated: a
 * point is canonical, on its curve, in the prime-order subgroup and not the identity; a scalar is
 * non-zero and below q. Functions that work on secrets are constant time and say so.
 */
#ifndef BCEMR_GROUP_H
#define BCEMR_GROUP_H

#include <bcemr/bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Validated points, in the form that arithmetic wants. Opaque. */
typedef struct bcemr_g1 {
    uint64_t limbs[12];
} bcemr_g1;
typedef struct bcemr_g2 {
    uint64_t limbs[24];
} bcemr_g2;
/* A validated scalar that anyone may know. */
typedef struct bcemr_scalar {
    uint8_t b[32];
} bcemr_scalar;
/* A scalar that only its owner knows: wipe it with bcemr_wipe when done. */
typedef struct bcemr_secret_scalar {
    uint8_t b[32];
} bcemr_secret_scalar;
/* The secret K of a capsule: an element of GT in the encoding of section 1. Wipe it. */
typedef struct bcemr_capsule_key {
    uint8_t b[576];
} bcemr_capsule_key;

/* Lines of a G2 point, computed once for the many pairings against it (19,584 bytes). */
typedef struct bcemr_g2_lines {
    uint64_t limbs[68 * 36];
} bcemr_g2_lines;

/*
 * Tables that all operations share: lines of g2 and of nothing else secret, powers of Z (510 KB).
 * Made once; afterwards const and shared freely between threads. Also calls sodium_init.
 * Errors: E_NO_MEMORY, E_RANDOM.
 */
typedef struct bcemr_context bcemr_context;
BCEMR_MUST_USE bcemr_status bcemr_context_new(bcemr_context **out);
void bcemr_context_free(bcemr_context *context);

/*
 * How the caller lends threads: run calls job(argument, 0..count-1) in any order, on any threads,
 * and returns when all are done. NULL stands for "one after the other". width: how many run at
 * once (work is cut accordingly).
 */
typedef struct bcemr_parallel {
    void (*run)(void *user, void (*job)(void *argument, uint64_t index), void *argument,
                uint64_t count);
    void *user;
    uint64_t width;
} bcemr_parallel;

/* Decoding. Errors: E_POINT_ENCODING, _NOT_ON_CURVE, _NOT_IN_GROUP, _IDENTITY; E_SCALAR_ZERO,
 * _RANGE. On failure out is zeroed (never a valid point). Public data only, but for
 * bcemr_secret_scalar_decode, which is constant time but for the answer. */
BCEMR_MUST_USE bcemr_status bcemr_g1_decode(const bcemr_g1_raw *in, bcemr_g1 *out);
BCEMR_MUST_USE bcemr_status bcemr_g2_decode(const bcemr_g2_raw *in, bcemr_g2 *out);
BCEMR_MUST_USE bcemr_status bcemr_scalar_decode(const bcemr_scalar_raw *in, bcemr_scalar *out);
BCEMR_MUST_USE bcemr_status bcemr_secret_scalar_decode(const bcemr_scalar_raw *in,
                                                       bcemr_secret_scalar *out);
void bcemr_g1_encode(const bcemr_g1 *in, bcemr_g1_raw *out);
void bcemr_g2_encode(const bcemr_g2 *in, bcemr_g2_raw *out);
bool bcemr_g1_equal(const bcemr_g1 *a, const bcemr_g1 *b);
bool bcemr_g2_equal(const bcemr_g2 *a, const bcemr_g2 *b);
void bcemr_g2_prepare(const bcemr_g2 *point, bcemr_g2_lines *out);

/* x <- Zq, from 48 bytes of the system's random source, little-endian, mod q. */
BCEMR_MUST_USE bcemr_status bcemr_secret_scalar_random(bcemr_secret_scalar *out);
/* out := sum of coefficients[k] * at^k (Shamir share; at is a small public index). Constant time in
 * the coefficients. E_SCALAR_ZERO when the result is zero. */
BCEMR_MUST_USE bcemr_status bcemr_secret_scalar_polynomial(const bcemr_secret_scalar *coefficients,
                                                           uint64_t count, uint64_t at,
                                                           bcemr_secret_scalar *out);

/* Public keys of a secret scalar. Constant time. */
void bcemr_g1_from_secret(const bcemr_secret_scalar *x, bcemr_g1 *out); /* x g1 */
void bcemr_g2_from_secret(const bcemr_secret_scalar *x, bcemr_g2 *out); /* x g2 */
/* x P. Constant time. */
void bcemr_g1_multiply(const bcemr_g1 *point, const bcemr_secret_scalar *x, bcemr_g1 *out);

/* H1(P, m) and H2(P, m): RFC 9380 suites BLS12381G1_XMD:SHA-256_SSWU_RO_ and ...G2..., domain tag
 * "BCEMR-V1-" P "_" suite name. */
typedef enum bcemr_purpose {
    BCEMR_PURPOSE_CRED,
    BCEMR_PURPOSE_SIG,
    BCEMR_PURPOSE_POP,
    BCEMR_PURPOSE_CAPSULE
} bcemr_purpose;
BCEMR_MUST_USE bcemr_status bcemr_hash_to_g1(bcemr_purpose purpose, bcemr_span message,
                                             bcemr_g1 *out);
BCEMR_MUST_USE bcemr_status bcemr_hash_to_g2(bcemr_purpose purpose, bcemr_span message,
                                             bcemr_g2 *out);

#ifdef __cplusplus
}
#endif
#endif
