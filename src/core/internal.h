/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What core's files share: the public types seen as blst's, hashing to the curves with any domain
 * tag, products of pairings, weighted sums, and the ways in which a check answers.
 */
#ifndef BCEMR_CORE_INTERNAL_H
#define BCEMR_CORE_INTERNAL_H

#include "core/declassify.h"
#include "wire/error.h"

#include <bcemr/hash.h>
#include <bcemr/keys.h>
#include <blst.h>
#include <stdalign.h>
#include <string.h>

/* ---- the public types are blst's ---- */

#define CORE_SCALAR_BITS 255
#define CORE_WEIGHT_BITS 128
#define CORE_LINES 68

_Static_assert(sizeof(bcemr_g1) == sizeof(blst_p1_affine), "bcemr_g1 is a blst_p1_affine");
_Static_assert(alignof(bcemr_g1) == alignof(blst_p1_affine), "bcemr_g1 is a blst_p1_affine");
_Static_assert(sizeof(bcemr_g2) == sizeof(blst_p2_affine), "bcemr_g2 is a blst_p2_affine");
_Static_assert(alignof(bcemr_g2) == alignof(blst_p2_affine), "bcemr_g2 is a blst_p2_affine");
_Static_assert(sizeof(bcemr_g2_lines) == CORE_LINES * sizeof(blst_fp6), "lines are blst_fp6");
_Static_assert(alignof(bcemr_g2_lines) == alignof(blst_fp6), "lines are blst_fp6");
_Static_assert(sizeof(bcemr_scalar) == sizeof(blst_scalar), "bcemr_scalar is a blst_scalar");
_Static_assert(sizeof(bcemr_secret_scalar) == sizeof(blst_scalar), "so is a secret one");
_Static_assert(sizeof(bcemr_capsule_key) == sizeof(blst_fp12), "K is an element of GT");

/* Sizes that the library promises (they travel, or callers place them). */
_Static_assert(sizeof(bcemr_g1_raw) == 48 && sizeof(bcemr_g2_raw) == 96, "compressed points");
_Static_assert(sizeof(bcemr_scalar_raw) == 32 && sizeof(bcemr_pok_raw) == 80, "scalar, proof");
_Static_assert(sizeof(bcemr_ed_raw) == 32 && sizeof(bcemr_ed_public) == 32, "Ed25519 key");
_Static_assert(sizeof(bcemr_x25519_raw) == 32 && sizeof(bcemr_x25519_public) == 32, "X25519 key");
_Static_assert(sizeof(bcemr_ed_secret) == 64 && sizeof(bcemr_x25519_secret) == 32, "secrets");
_Static_assert(sizeof(bcemr_ed_signature) == 64, "Ed25519 signature");
_Static_assert(sizeof(bcemr_secrets) == 160 && sizeof(bcemr_publics) == 192, "a holder's keys");

static inline const blst_p1_affine *core_p1(const bcemr_g1 *point)
{
    return (const blst_p1_affine *)point;
}

static inline const blst_p2_affine *core_p2(const bcemr_g2 *point)
{
    return (const blst_p2_affine *)point;
}

static inline const blst_fp6 *core_lines(const bcemr_g2_lines *lines)
{
    return (const blst_fp6 *)lines;
}

/* out := x P, constant time in x (section 1). */
static inline void core_p1_multiply(const blst_p1_affine *point, const uint8_t x[32], blst_p1 *out)
{
    blst_p1 base;
    blst_p1_from_affine(&base, point);
    blst_p1_mult(out, &base, x, CORE_SCALAR_BITS);
}

/* ---- the context ---- */

/* Signed windows of five bits: 255 bits and a carry. */
#define CORE_WINDOWS 52
#define CORE_WINDOW_SIZE 17
#define CORE_GT_LIMBS 72
_Static_assert(CORE_GT_LIMBS * sizeof(uint64_t) == sizeof(blst_fp12), "72 limbs of 64 bits");

struct bcemr_context {
    bcemr_g2_lines g2;
    /* z[w][d] = Z^(d 32^w); a negative digit is the conjugate */
    uint64_t z[CORE_WINDOWS][CORE_WINDOW_SIZE][CORE_GT_LIMBS];
};

/* out := Z^x, constant time in x: every entry of a window is read. */
void core_z_power(const bcemr_context *context, const bcemr_secret_scalar *x,
                  bcemr_capsule_key *out);
void core_gt_encode(const blst_fp12 *in, bcemr_capsule_key *out);

/* ---- scalars ---- */

/* out := a b^-1 and out := a b mod q, of valid scalars. Constant time. */
void core_scalar_multiply(const bcemr_secret_scalar *a, const bcemr_secret_scalar *b,
                          bcemr_secret_scalar *out);
void core_scalar_invert(const bcemr_secret_scalar *a, bcemr_secret_scalar *out);

/* ---- hashing to the curves ---- */

/* With a domain tag of the caller's: the public functions, and the vectors of RFC 9380. */
bcemr_status core_hash_to_g1_with(bcemr_span tag, bcemr_span message, blst_p1 *out);
bcemr_status core_hash_to_g2_with(bcemr_span tag, bcemr_span message, blst_p2 *out);
bcemr_status core_hash_to_g1(bcemr_purpose purpose, bcemr_span message, blst_p1 *out);
bcemr_status core_hash_to_g2(bcemr_purpose purpose, bcemr_span message, blst_p2 *out);

/* ---- pairings; all on public data but core_pair_with_g2 ---- */

/* Product of Miller loops over prepared points. The loops share their squarings, which blst's own
 * function for prepared points cannot; so k of them cost less than k times the floor of one. */
void core_miller_lines(const bcemr_g2_lines *const lines[], const blst_p1_affine points[],
                       uint64_t count, blst_fp12 *out);
/* True when the product is one after the final exponentiation. */
bool core_is_one(const blst_fp12 *product);
/* e(left, g2) = e(right, key), for a prepared and for a plain key. */
bool core_pairs_lines(const bcemr_context *context, const blst_p1_affine *left,
                      const blst_p1 *right, const bcemr_g2_lines *key);
bool core_pairs(const bcemr_context *context, const blst_p1_affine *left, const blst_p1 *right,
                const blst_p2_affine *key);
/* e(point, g2), constant time. */
void core_pair_with_g2(const bcemr_context *context, const blst_p1_affine *point, blst_fp12 *out);
void core_p1_negate(blst_p1_affine *point);

/* ---- weighted sums; public data only ---- */

typedef struct core_weight {
    uint8_t b[16];
} core_weight;

/* out := sum weights_i points_i, with room of their own: E_NO_MEMORY. */
bcemr_status core_weigh_g1(const blst_p1_affine *points, const core_weight *weights, uint64_t count,
                           blst_p1 *out);
bcemr_status core_weigh_g2(const blst_p2_affine *points, const core_weight *weights, uint64_t count,
                           blst_p2 *out);
/* The same in the caller's scratch of core_sum_scratch(count) bytes. */
uint64_t core_sum_scratch(uint64_t count);
void core_sum_g1(const blst_p1_affine *points, const core_weight *weights, uint64_t count,
                 uint64_t *scratch, blst_p1 *out);

/* ---- sums with secret scalars ---- */

/* The compiler must not learn that a mask is all or nothing, or it may branch on it. */
static inline uint64_t core_hidden(uint64_t value)
{
#if defined(__GNUC__)
    __asm__("" : "+r"(value));
#endif
    return value;
}

/* out := sum scalars_i points_i, constant time in the scalars: for many points, about half of what
 * one multiplication each costs. E_NO_MEMORY. */
bcemr_status core_sum_secret_g1(const blst_p1_affine *points, const bcemr_secret_scalar *scalars,
                                uint64_t count, blst_p1 *out);

/* ---- parallel work ---- */

typedef void (*core_job)(void *argument, uint64_t index);
void core_run(const bcemr_parallel *parallel, core_job job, void *argument, uint64_t count);

/* ---- answers ---- */

static inline bcemr_verdict core_refuse(bcemr_error *err, bcemr_verdict verdict, const char *object,
                                        const char *field, uint64_t index)
{
    (void)wire_refuse(err, verdict, object, field, index);
    return verdict;
}

static inline bcemr_verdict core_undecided(bcemr_error *err, bcemr_status status,
                                           const char *object, const char *field)
{
    (void)wire_fail(err, status, object, field);
    return BCEMR_UNDECIDED;
}

/* VALID when the condition holds (or its verdict is switched off), else the verdict with err. */
#define CORE_ANSWER(verdict, condition, object, field)                                             \
    (BCEMR_HOLDS((verdict), (condition))                                                           \
         ? BCEMR_VALID                                                                             \
         : core_refuse(err, (verdict), (object), (field), BCEMR_NOWHERE))

#endif
