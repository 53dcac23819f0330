/* SPDX-License-Identifier: Apache-2.0 */
/* Points of G1 and G2: decoding in the order of section 1, encoding, multiplication, sums. */
#include "core/internal.h"

static bcemr_status status_of(BLST_ERROR error)
{
    switch (error) {
    case BLST_SUCCESS:
        return BCEMR_OK;
    case BLST_POINT_NOT_ON_CURVE:
        return BCEMR_E_POINT_NOT_ON_CURVE;
    case BLST_POINT_NOT_IN_GROUP:
        return BCEMR_E_POINT_NOT_IN_GROUP;
    default:
        return BCEMR_E_POINT_ENCODING;
    }
}

bcemr_status bcemr_g1_decode(const bcemr_g1_raw *in, bcemr_g1 *out)
{
    blst_p1_affine *point = (blst_p1_affine *)out;
    bcemr_status status = status_of(blst_p1_uncompress(point, in->b));
    if (status == BCEMR_OK && blst_p1_affine_is_inf(point))
        status = BCEMR_E_POINT_IDENTITY;
    if (status == BCEMR_OK && !blst_p1_affine_in_g1(point))
        status = BCEMR_E_POINT_NOT_IN_GROUP;
    if (status != BCEMR_OK)
        memset(out, 0, sizeof *out);
    return status;
}

bcemr_status bcemr_g2_decode(const bcemr_g2_raw *in, bcemr_g2 *out)
{
    blst_p2_affine *point = (blst_p2_affine *)out;
    bcemr_status status = status_of(blst_p2_uncompress(point, in->b));
    if (status == BCEMR_OK && blst_p2_affine_is_inf(point))
        status = BCEMR_E_POINT_IDENTITY;
    if (status == BCEMR_OK && !blst_p2_affine_in_g2(point))
        status = BCEMR_E_POINT_NOT_IN_GROUP;
    if (status != BCEMR_OK)
        memset(out, 0, sizeof *out);
    return status;
}

void bcemr_g1_encode(const bcemr_g1 *in, bcemr_g1_raw *out)
{
    blst_p1_affine_compress(out->b, core_p1(in));
}

void bcemr_g2_encode(const bcemr_g2 *in, bcemr_g2_raw *out)
{
    blst_p2_affine_compress(out->b, core_p2(in));
}

bool bcemr_g1_equal(const bcemr_g1 *a, const bcemr_g1 *b)
{
    return blst_p1_affine_is_equal(core_p1(a), core_p1(b));
}

bool bcemr_g2_equal(const bcemr_g2 *a, const bcemr_g2 *b)
{
    return blst_p2_affine_is_equal(core_p2(a), core_p2(b));
}

void bcemr_g1_from_secret(const bcemr_secret_scalar *x, bcemr_g1 *out)
{
    blst_p1 product;
    blst_p1_mult(&product, blst_p1_generator(), x->b, CORE_SCALAR_BITS);
    blst_p1_to_affine((blst_p1_affine *)out, &product);
    bcemr_wipe(&product, sizeof product);
}

void bcemr_g2_from_secret(const bcemr_secret_scalar *x, bcemr_g2 *out)
{
    blst_p2 product;
    blst_p2_mult(&product, blst_p2_generator(), x->b, CORE_SCALAR_BITS);
    blst_p2_to_affine((blst_p2_affine *)out, &product);
    bcemr_wipe(&product, sizeof product);
}

void bcemr_g1_multiply(const bcemr_g1 *point, const bcemr_secret_scalar *x, bcemr_g1 *out)
{
    blst_p1 product;
    core_p1_multiply(core_p1(point), x->b, &product);
    blst_p1_to_affine((blst_p1_affine *)out, &product);
    bcemr_wipe(&product, sizeof product);
}

uint64_t core_sum_scratch(uint64_t count)
{
    return blst_p1s_mult_pippenger_scratch_sizeof((size_t)count);
}

void core_sum_g1(const blst_p1_affine *points, const core_weight *weights, uint64_t count,
                 uint64_t *scratch, blst_p1 *out)
{
    /* A NULL after the first pointer says that the rest follows it in memory. */
    const blst_p1_affine *const from[2] = {points, NULL};
    const byte *const by[2] = {weights[0].b, NULL};
    blst_p1s_mult_pippenger(out, from, (size_t)count, by, CORE_WEIGHT_BITS, scratch);
}

bcemr_status core_weigh_g1(const blst_p1_affine *points, const core_weight *weights, uint64_t count,
                           blst_p1 *out)
{
    uint64_t *scratch = bcemr_allocate(core_sum_scratch(count));
    if (!scratch)
        return BCEMR_E_NO_MEMORY;
    core_sum_g1(points, weights, count, scratch, out);
    bcemr_release(scratch);
    return BCEMR_OK;
}

bcemr_status core_weigh_g2(const blst_p2_affine *points, const core_weight *weights, uint64_t count,
                           blst_p2 *out)
{
    const blst_p2_affine *const from[2] = {points, NULL};
    const byte *const by[2] = {weights[0].b, NULL};
    uint64_t *scratch = bcemr_allocate(blst_p2s_mult_pippenger_scratch_sizeof((size_t)count));
    if (!scratch)
        return BCEMR_E_NO_MEMORY;
    blst_p2s_mult_pippenger(out, from, (size_t)count, by, CORE_WEIGHT_BITS, scratch);
    bcemr_release(scratch);
    return BCEMR_OK;
}
