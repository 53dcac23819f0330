/* SPDX-License-Identifier: Apache-2.0 */
/* The tables that all operations share: lines of g2, powers of Z (sections 1, 5, 12). */
#include "core/internal.h"

#include <sodium.h>

static void store_power(uint64_t entry[CORE_GT_LIMBS], const blst_fp12 *power)
{
    memcpy(entry, power, sizeof *power);
}

/* z[w][d] = Z^(d 32^w), d = 0..16. */
static void fill_powers(bcemr_context *context)
{
    blst_fp12 base, power;
    core_pair_with_g2(context, blst_p1_affine_generator(), &base);
    for (unsigned w = 0; w < CORE_WINDOWS; w++) {
        store_power(context->z[w][0], blst_fp12_one());
        power = base;
        for (unsigned d = 1; d < CORE_WINDOW_SIZE; d++) {
            store_power(context->z[w][d], &power);
            blst_fp12_mul(&power, &power, &base);
        }
        memcpy(&power, context->z[w][CORE_WINDOW_SIZE - 1], sizeof power);
        blst_fp12_sqr(&base, &power);
    }
}

bcemr_status bcemr_context_new(bcemr_context **out)
{
    *out = NULL;
    if (sodium_init() < 0)
        return BCEMR_E_RANDOM;
    bcemr_context *context = bcemr_allocate(sizeof *context);
    if (!context)
        return BCEMR_E_NO_MEMORY;
    bcemr_g2 generator;
    memcpy(&generator, blst_p2_affine_generator(), sizeof generator);
    bcemr_g2_prepare(&generator, &context->g2);
    fill_powers(context);
    *out = context;
    return BCEMR_OK;
}

void bcemr_context_free(bcemr_context *context)
{
    bcemr_release(context);
}

/* out := window[|digit|], reading every entry; its conjugate, which is its inverse, if negative. */
static void select_power(const uint64_t window[CORE_WINDOW_SIZE][CORE_GT_LIMBS], uint64_t digit,
                         bool is_negative, blst_fp12 *out)
{
    uint64_t sum[CORE_GT_LIMBS] = {0};
    for (uint64_t d = 0; d < CORE_WINDOW_SIZE; d++) {
        uint64_t mask = core_hidden(0 - core_hidden(((d ^ digit) - 1) >> 63));
        for (unsigned i = 0; i < CORE_GT_LIMBS; i++)
            sum[i] |= window[d][i] & mask;
    }
    memcpy(out, sum, sizeof *out);
    for (unsigned i = 0; i < 3; i++) {
        blst_fp2 *odd = &out->fp6[1].fp2[i];
        blst_fp2_cneg(odd, odd, is_negative);
    }
    bcemr_wipe(sum, sizeof sum);
}

/* Takes the next five bits of x: a digit of -15..16, and what it owes to the next window. */
static void select_next(const bcemr_context *context, const bcemr_secret_scalar *x, unsigned w,
                        uint64_t *carry, blst_fp12 *out)
{
    unsigned at = 5 * w / 8;
    unsigned bits = x->b[at] | (at < 31 ? (unsigned)x->b[at + 1] << 8 : 0u);
    uint64_t value = ((bits >> (5 * w % 8)) & 31) + *carry;
    *carry = (value + 15) >> 5;
    select_power(context->z[w], value + *carry * (32 - 2 * value), *carry != 0, out);
}

void core_gt_encode(const blst_fp12 *in, bcemr_capsule_key *out)
{
    blst_bendian_from_fp12(out->b, in);
}

void core_z_power(const bcemr_context *context, const bcemr_secret_scalar *x,
                  bcemr_capsule_key *out)
{
    blst_fp12 product, factor;
    uint64_t carry = 0;
    select_next(context, x, 0, &carry, &product);
    for (unsigned w = 1; w < CORE_WINDOWS; w++) {
        select_next(context, x, w, &carry, &factor);
        blst_fp12_mul(&product, &product, &factor);
    }
    core_gt_encode(&product, out);
    bcemr_wipe(&product, sizeof product);
    bcemr_wipe(&factor, sizeof factor);
}
