/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairings (sections 1 and 12). An equation is brought to one side: one product of Miller loops,
 * one final exponentiation, compared with one, so two zero values are never compared.
 */
#include "core/internal.h"

void bcemr_g2_prepare(const bcemr_g2 *point, bcemr_g2_lines *out)
{
    blst_precompute_lines((blst_fp6 *)out, core_p2(point));
}

/* A line at P, given (-2x, 2y) of P as blst's lines want it. */
static void line_at(const blst_fp6 *line, const blst_p1_affine *at, blst_fp6 *out)
{
    out->fp2[0] = line->fp2[0];
    blst_fp_mul(&out->fp2[1].fp[0], &line->fp2[1].fp[0], &at->x);
    blst_fp_mul(&out->fp2[1].fp[1], &line->fp2[1].fp[1], &at->x);
    blst_fp_mul(&out->fp2[2].fp[0], &line->fp2[2].fp[0], &at->y);
    blst_fp_mul(&out->fp2[2].fp[1], &line->fp2[2].fp[1], &at->y);
}

static void multiply_lines(const bcemr_g2_lines *const lines[], const blst_p1_affine at[],
                           uint64_t count, unsigned step, blst_fp12 *product)
{
    blst_fp6 line;
    for (uint64_t i = 0; i < count; i++) {
        line_at(&core_lines(lines[i])[step], &at[i], &line);
        blst_fp12_mul_by_xy00z0(product, product, &line);
    }
}

/* At most this many points share their squarings: beyond it the gain is gone. */
#define TOGETHER 32

/* The parameter of the curve is -0xd201000000010000: runs of doublings, an addition between two. */
static void miller_together(const bcemr_g2_lines *const lines[], const blst_p1_affine points[],
                            uint64_t count, blst_fp12 *out)
{
    static const uint8_t runs[] = {2, 3, 9, 32, 16};
    blst_p1_affine at[TOGETHER];
    for (uint64_t i = 0; i < count; i++) {
        blst_fp_add(&at[i].x, &points[i].x, &points[i].x);
        blst_fp_cneg(&at[i].x, &at[i].x, true);
        blst_fp_add(&at[i].y, &points[i].y, &points[i].y);
    }
    unsigned step = 0;
    *out = *blst_fp12_one();
    multiply_lines(lines, at, count, step++, out);
    for (unsigned r = 0; r < sizeof runs; r++) {
        multiply_lines(lines, at, count, step++, out);
        for (unsigned d = 0; d < runs[r]; d++) {
            blst_fp12_sqr(out, out);
            multiply_lines(lines, at, count, step++, out);
        }
    }
    blst_fp12_conjugate(out);
}

void core_miller_lines(const bcemr_g2_lines *const lines[], const blst_p1_affine points[],
                       uint64_t count, blst_fp12 *out)
{
    blst_fp12 product;
    *out = *blst_fp12_one();
    for (uint64_t i = 0; i < count; i += TOGETHER) {
        uint64_t n = count - i < TOGETHER ? count - i : TOGETHER;
        miller_together(lines + i, points + i, n, &product);
        blst_fp12_mul(out, out, &product);
    }
}

bool core_is_one(const blst_fp12 *product)
{
    return blst_fp12_finalverify(product, blst_fp12_one());
}

void core_p1_negate(blst_p1_affine *point)
{
    blst_fp_cneg(&point->y, &point->y, true);
}

bool core_pairs_lines(const bcemr_context *context, const blst_p1_affine *left,
                      const blst_p1 *right, const bcemr_g2_lines *key)
{
    const bcemr_g2_lines *const lines[2] = {&context->g2, key};
    blst_p1_affine points[2];
    blst_fp12 product;
    points[0] = *left;
    blst_p1_to_affine(&points[1], right);
    core_p1_negate(&points[1]);
    core_miller_lines(lines, points, 2, &product);
    return core_is_one(&product);
}

/* Preparing the key and sharing the squarings costs less than blst's loop over two plain points. */
bool core_pairs(const bcemr_context *context, const blst_p1_affine *left, const blst_p1 *right,
                const blst_p2_affine *key)
{
    bcemr_g2_lines lines;
    blst_precompute_lines((blst_fp6 *)&lines, key);
    return core_pairs_lines(context, left, right, &lines);
}

void core_pair_with_g2(const bcemr_context *context, const blst_p1_affine *point, blst_fp12 *out)
{
    blst_miller_loop_lines(out, core_lines(&context->g2), point);
    blst_final_exp(out, out);
}

void core_run(const bcemr_parallel *parallel, core_job job, void *argument, uint64_t count)
{
    if (parallel && count > 1) {
        parallel->run(parallel->user, job, argument, count);
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        job(argument, i);
}
