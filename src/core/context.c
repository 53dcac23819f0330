/* SPDX-License-Identifier: Apache-2.0 */
/* The tables that all operations share: lines of g2, powers of Z (sections 1, 5, 12). */
#include "core/internal.h"

#include <sodium.h>

static void store_power(uint64_t entry[CORE_GT_LIMBS], const blst_fp12 *power)
{
    memcpy(entry, power, sizeof *power);
}

/* z[w][d] = Z^(d 16^w): 64 windows of four bits cover a scalar. */
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
        base = power;
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

/* The compiler must not learn that the mask is all or nothing, or it may branch on it. */
static uint64_t hidden(uint64_t value)
{
#if defined(__GNUC__)
    __asm__("" : "+r"(value));
#endif
    return value;
}

/* out := window[digit], reading every entry. */
static void select_power(const uint64_t window[CORE_WINDOW_SIZE][CORE_GT_LIMBS], uint64_t digit,
                         blst_fp12 *out)
{
    uint64_t sum[CORE_GT_LIMBS] = {0};
    for (uint64_t d = 0; d < CORE_WINDOW_SIZE; d++) {
        uint64_t mask = hidden(((d ^ digit) - 1) >> 63) * UINT64_MAX;
        mask = hidden(mask);
        for (unsigned i = 0; i < CORE_GT_LIMBS; i++)
            sum[i] |= window[d][i] & mask;
    }
    memcpy(out, sum, sizeof *out);
    bcemr_wipe(sum, sizeof sum);
}

void core_gt_encode(const blst_fp12 *in, bcemr_capsule_key *out)
{
    blst_bendian_from_fp12(out->b, in);
}

void core_z_power(const bcemr_context *context, const bcemr_secret_scalar *x,
                  bcemr_capsule_key *out)
{
    blst_fp12 product, factor;
    select_power(context->z[0], x->b[0] & 15, &product);
    for (unsigned w = 1; w < CORE_WINDOWS; w++) {
        select_power(context->z[w], (x->b[w / 2] >> (4 * (w % 2))) & 15, &factor);
        blst_fp12_mul(&product, &product, &factor);
    }
    core_gt_encode(&product, out);
    bcemr_wipe(&product, sizeof product);
    bcemr_wipe(&factor, sizeof factor);
}
