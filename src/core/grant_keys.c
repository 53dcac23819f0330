/* SPDX-License-Identifier: Apache-2.0 */
/* A grant's keys (section 7): y_v, Y_v = y_v g1, rk_v = y_v / xv. */
#include "core/internal.h"

#include <bcemr/grant.h>

#include <sodium.h>

bcemr_status bcemr_grant_y(const bcemr_key *gs, const bcemr_hash *gid, const bcemr_hash *vid,
                           bcemr_secret_scalar *out)
{
    const bcemr_span fields[2] = {{gid->b, sizeof gid->b}, {vid->b, sizeof vid->b}};
    bcemr_buf info = BCEMR_BUF_EMPTY;
    memset(out, 0, sizeof *out);
    bcemr_status status = bcemr_tuple(fields, 2, &info);
    if (status == BCEMR_OK)
        status = bcemr_kdf_scalar("grant", bcemr_span_of(gs->b, sizeof gs->b),
                                  bcemr_buf_span(&info), out);
    bcemr_buf_free(&info);
    return status;
}

/* out[i] := 1 / in[i]: out holds the products of those before, then one inversion walks back. */
static void invert_all(const bcemr_secret_scalar *in, uint64_t count, bcemr_secret_scalar *out)
{
    bcemr_secret_scalar product = in[0];
    for (uint64_t i = 1; i < count; i++) {
        out[i] = product;
        core_scalar_multiply(&product, &in[i], &product);
    }
    core_scalar_invert(&product, &product);
    for (uint64_t i = count - 1; i > 0; i--) {
        core_scalar_multiply(&out[i], &product, &out[i]);
        core_scalar_multiply(&product, &in[i], &product);
    }
    out[0] = product;
    bcemr_wipe(&product, sizeof product);
}

bcemr_status bcemr_grant_keys(const bcemr_key *gs, const bcemr_hash *gid,
                              const bcemr_secret_scalar *xvs, const bcemr_hash *vids,
                              uint64_t count, bcemr_g1_raw *ys, bcemr_secret_scalar *rks,
                              bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_secret_scalar y;
    blst_p1 point;
    if (count == 0)
        return wire_fail(err, BCEMR_E_TOO_FEW, "grant", "visits");
    invert_all(xvs, count, rks);
    for (uint64_t i = 0; i < count; i++) {
        status = bcemr_grant_y(gs, gid, &vids[i], &y);
        if (status != BCEMR_OK)
            break;
        blst_p1_mult(&point, blst_p1_generator(), y.b, CORE_SCALAR_BITS);
        blst_p1_compress(ys[i].b, &point);
        core_scalar_multiply(&y, &rks[i], &rks[i]);
    }
    bcemr_wipe(&y, sizeof y);
    bcemr_wipe(&point, sizeof point);
    if (status == BCEMR_OK)
        return status;
    memset(ys, 0, (size_t)count * sizeof *ys);
    bcemr_wipe(rks, count * sizeof *rks);
    return wire_fail(err, status, "grant", "visits");
}

/* x P = expected, constant time in x. The product is encoded rather than the other decoded: what is
 * equal to an encoded point of the group is one, and an inversion is cheaper than a square root. */
static bool is_multiple(const blst_p1_affine *point, const bcemr_secret_scalar *x,
                        const bcemr_g1_raw *expected)
{
    blst_p1 product;
    bcemr_g1_raw encoded;
    core_p1_multiply(point, x->b, &product);
    blst_p1_compress(encoded.b, &product);
    /* The identity is no key, and its encoding no one's: both are looked at, whatever they are. */
    int differ = blst_p1_is_inf(&product) | sodium_memcmp(encoded.b, expected->b, sizeof encoded.b);
    CORE_DECLASSIFY("whether the key holds is told to the caller", &differ, sizeof differ);
    bcemr_wipe(&product, sizeof product);
    return differ == 0;
}

/* One after the other, up to the first that does not hold. */
static bcemr_verdict check_each(const bcemr_g1_raw *pkvs, const bcemr_g1_raw *ys,
                                const bcemr_secret_scalar *rks, uint64_t count, uint64_t *bad,
                                bcemr_error *err)
{
    bcemr_g1 pkv;
    for (uint64_t i = *bad = 0; i < count; *bad = ++i) {
        bcemr_status status = bcemr_g1_decode(&pkvs[i], &pkv);
        if (status != BCEMR_OK) {
            (void)wire_fail_at(err, status, "visit", "pkv", i, BCEMR_NOWHERE);
            return BCEMR_UNDECIDED;
        }
        bool holds = is_multiple(core_p1(&pkv), &rks[i], &ys[i]);
        if (!BCEMR_HOLDS(BCEMR_BAD_GRANT_KEY, holds))
            return core_refuse(err, BCEMR_BAD_GRANT_KEY, "grant", "visits", i);
    }
    return BCEMR_VALID;
}

/* Fewer than this and the buckets of the sum cost more than they save. */
#define TOGETHER_LEAST 32

typedef struct together {
    bcemr_g1 *pkvs, *ys;
    core_weight *weights;
    bcemr_secret_scalar *products;
} together;

static bool all_decode(const bcemr_g1_raw *in, uint64_t count, bcemr_g1 *out)
{
    for (uint64_t i = 0; i < count; i++)
        if (bcemr_g1_decode(&in[i], &out[i]) != BCEMR_OK)
            return false;
    return true;
}

/* sum w_v rk_v pkv = sum w_v Y_v under random weights; constant time in the left sum's scalars. */
static bcemr_status sums_agree(together *t, const bcemr_secret_scalar *rks, uint64_t count,
                               bool *agree)
{
    blst_p1 left, right;
    randombytes_buf(t->weights, (size_t)count * sizeof *t->weights);
    CORE_DECLASSIFY("weights need only be unknown before", t->weights, count * sizeof *t->weights);
    for (uint64_t i = 0; i < count; i++) {
        bcemr_secret_scalar weight = {{0}};
        memcpy(weight.b, t->weights[i].b, sizeof t->weights[i].b);
        core_scalar_multiply(&weight, &rks[i], &t->products[i]);
    }
    bcemr_status status = core_sum_secret_g1(core_p1(t->pkvs), t->products, count, &left);
    if (status == BCEMR_OK)
        status = core_weigh_g1(core_p1(t->ys), t->weights, count, &right);
    if (status != BCEMR_OK)
        return status;
    bool equal = blst_p1_is_equal(&left, &right);
    CORE_DECLASSIFY("whether all keys hold is told to the caller", &equal, sizeof equal);
    *agree = !blst_p1_is_inf(&right) && equal;
    return status;
}

/* *agree: all decode and the sums agree, so every one of them holds. */
static bcemr_status check_together(const bcemr_g1_raw *pkvs, const bcemr_g1_raw *ys,
                                   const bcemr_secret_scalar *rks, uint64_t count, bool *agree)
{
    together t = {.pkvs = bcemr_allocate(count * sizeof *t.pkvs),
                  .ys = bcemr_allocate(count * sizeof *t.ys),
                  .weights = bcemr_allocate(count * sizeof *t.weights),
                  .products = bcemr_allocate(count * sizeof *t.products)};
    bcemr_status status = BCEMR_OK;
    *agree = false;
    if (!t.pkvs || !t.ys || !t.weights || !t.products)
        status = BCEMR_E_NO_MEMORY;
    else if (all_decode(pkvs, count, t.pkvs) && all_decode(ys, count, t.ys))
        status = sums_agree(&t, rks, count, agree);
    bcemr_release(t.pkvs);
    bcemr_release(t.ys);
    bcemr_release(t.weights);
    bcemr_release_wiped(t.products, count * sizeof *t.products);
    return status;
}

bcemr_verdict bcemr_grant_keys_check(const bcemr_g1_raw *pkvs, const bcemr_g1_raw *ys,
                                     const bcemr_secret_scalar *rks, uint64_t count, uint64_t *bad,
                                     bcemr_error *err)
{
    bool agree = false;
    *bad = 0;
    if (count == 0)
        return core_undecided(err, BCEMR_E_TOO_FEW, "grant", "visits");
    if (count >= TOGETHER_LEAST) {
        bcemr_status status = check_together(pkvs, ys, rks, count, &agree);
        if (status != BCEMR_OK)
            return core_undecided(err, status, "grant", "visits");
    }
    if (!agree)
        return check_each(pkvs, ys, rks, count, bad, err);
    *bad = count;
    return BCEMR_VALID;
}

bcemr_verdict bcemr_grant_y_check(const bcemr_secret_scalar *y, const bcemr_g1_raw *y_public,
                                  bcemr_error *err)
{
    bool holds = is_multiple(blst_p1_affine_generator(), y, y_public);
    return CORE_ANSWER(BCEMR_BAD_GRANT_KEY, holds, "grant", "visits");
}
