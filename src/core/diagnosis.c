/* SPDX-License-Identifier: Apache-2.0 */
/* Commitments and the doctors' signatures (section 4). */
#include "core/diagnosis.h"

#include <sodium.h>

bcemr_status bcemr_commitment(const bcemr_hash *vid, uint64_t i, const bcemr_nonce *salt,
                              bcemr_span manifest, bcemr_span presence, bcemr_hash *out,
                              bcemr_error *err)
{
    bcemr_tr_diagnosis diagnosis = {.vid = *vid, .i = i, .salt = *salt};
    bcemr_sha256(manifest, &diagnosis.manifest);
    bcemr_sha256(presence, &diagnosis.presence);
    memset(out, 0, sizeof *out);
    return bcemr_hash_value(&bcemr_type_diagnosis, &diagnosis, out, err);
}

bcemr_status core_diagnosis_hash(const bcemr_tr_sign *sign, blst_p1 *h, bcemr_hash *hash,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    TRY(bcemr_write_sign(sign, &message, err));
    TRY_AT(core_hash_to_g1(BCEMR_PURPOSE_SIG, bcemr_buf_span(&message), h), "sign", NULL);
    if (hash)
        bcemr_sha256(bcemr_buf_span(&message), hash);
out:
    bcemr_buf_free(&message);
    return status;
}

bcemr_status bcemr_diagnosis_sign(const bcemr_secret_scalar *x, const bcemr_tr_sign *context,
                                  bcemr_g1_raw *delta, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    memset(delta, 0, sizeof *delta);
    TRY(bcemr_write_sign(context, &message, err));
    TRY_AT(bcemr_bls_sign(x, BCEMR_PURPOSE_SIG, bcemr_buf_span(&message), delta), "sign", NULL);
out:
    bcemr_buf_free(&message);
    return status;
}

bcemr_verdict bcemr_diagnosis_check(const bcemr_context *context, const bcemr_g2_lines *x,
                                    const bcemr_tr_sign *sign, const bcemr_g1_raw *delta,
                                    bcemr_error *err)
{
    bcemr_g1 point;
    blst_p1 h;
    bool holds = bcemr_g1_decode(delta, &point) == BCEMR_OK;
    if (holds) {
        if (core_diagnosis_hash(sign, &h, NULL, err) != BCEMR_OK)
            return BCEMR_UNDECIDED;
        holds = core_pairs_lines(context, core_p1(&point), &h, x);
    }
    return CORE_ANSWER(BCEMR_BAD_DIAGNOSIS_SIGNATURE, holds, "sign", "delta");
}

/* ---- products over a team ---- */

void core_terms_begin(core_terms *terms)
{
    terms->count = 0;
}

void core_terms_add_point(core_terms *terms, const blst_p2_affine *q, const blst_p1 *p)
{
    terms->q[terms->count] = *q;
    blst_p1_to_affine(&terms->p[terms->count], p);
    terms->count++;
}

bcemr_status core_terms_add(core_terms *terms, const bcemr_g2_raw *q, const blst_p1 *p,
                            bcemr_error *err)
{
    bcemr_g2 key;
    bcemr_status status = bcemr_g2_decode(q, &key);
    if (status != BCEMR_OK)
        return wire_fail_at(err, status, "sign", "x", terms->count, BCEMR_NOWHERE);
    core_terms_add_point(terms, core_p2(&key), p);
    return BCEMR_OK;
}

bool core_terms_hold(core_terms *terms, const blst_p1_affine *left)
{
    blst_fp12 product;
    uint64_t last = terms->count;
    const blst_p2_affine *const qs[2] = {terms->q, NULL};
    const blst_p1_affine *const ps[2] = {terms->p, NULL};
    terms->q[last] = *blst_p2_affine_generator();
    terms->p[last] = *left;
    core_p1_negate(&terms->p[last]);
    blst_miller_loop_n(&product, qs, ps, (size_t)last + 1);
    return core_is_one(&product);
}

/* ---- all signatures of a visit up to one ---- */

typedef struct prefix {
    uint64_t chained; /* as many as stand in the chain */
    uint64_t count;   /* of those, as many as come before the first delta that does not decode */
    bcemr_verdict broken;
    bcemr_g1 deltas[CORE_TEAM];
    blst_p1 h[CORE_TEAM];
    core_terms terms;
    core_weight weights[CORE_TEAM];
} prefix;

/* Walks the chain until it breaks; hashes what stands. */
static bcemr_status walk(prefix *p, const bcemr_hash *vid, const bcemr_tr_sign *signs,
                         uint64_t count, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash previous = *vid;
    p->broken = BCEMR_VALID;
    for (p->chained = 0; p->chained < count; p->chained++) {
        const bcemr_tr_sign *sign = &signs[p->chained];
        bool follows = sign->i == p->chained + 1 && bcemr_hash_equal(&sign->previous, &previous);
        bool later = p->chained == 0 || sign->time > sign[-1].time;
        if (!BCEMR_HOLDS(BCEMR_NOT_IN_ORDER, follows))
            p->broken = BCEMR_NOT_IN_ORDER;
        else if (!BCEMR_HOLDS(BCEMR_TIME_ORDER, later))
            p->broken = BCEMR_TIME_ORDER;
        if (p->broken != BCEMR_VALID)
            break;
        TRY(core_diagnosis_hash(sign, &p->h[p->chained], &previous, err));
    }
out:
    return status;
}

/* e(sum rho_j delta_j, g2) = prod e(rho_j h_j, X_j): without weights two could cancel an error. */
static bcemr_status all_hold(prefix *p, const bcemr_tr_sign *signs, bool *hold, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    blst_p1 sum, weighted;
    blst_p1_affine left;
    core_terms_begin(&p->terms);
    randombytes_buf(p->weights, sizeof p->weights);
    for (uint64_t j = 0; j < p->count; j++) {
        blst_p1_mult(&weighted, &p->h[j], p->weights[j].b, CORE_WEIGHT_BITS);
        TRY(core_terms_add(&p->terms, &signs[j].x, &weighted, err));
    }
    TRY_AT(core_weigh_g1(core_p1(p->deltas), p->weights, p->count, &sum), "sign", "delta");
    blst_p1_to_affine(&left, &sum);
    *hold = !blst_p1_is_inf(&sum) && core_terms_hold(&p->terms, &left);
out:
    return status;
}

/* The first whose own equation fails; count when, against all odds, none does. */
static uint64_t find_first_bad(const bcemr_context *context, const prefix *p)
{
    for (uint64_t j = 0; j < p->count; j++)
        if (!core_pairs(context, core_p1(&p->deltas[j]), &p->h[j], &p->terms.q[j]))
            return j;
    return p->count;
}

/* Every delta is decoded before any is summed: their subgroup is what the sum relies on.
 * *first_bad is p->chained when all hold. */
static bcemr_status check_deltas(const bcemr_context *context, prefix *p,
                                 const bcemr_tr_sign *signs, const bcemr_g1_raw *deltas,
                                 uint64_t *first_bad, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bool hold = true;
    for (p->count = 0; p->count < p->chained; p->count++)
        if (bcemr_g1_decode(&deltas[p->count], &p->deltas[p->count]) != BCEMR_OK)
            break;
    if (p->count > 0)
        status = all_hold(p, signs, &hold, err);
    *first_bad = hold ? p->count : find_first_bad(context, p);
    return status;
}

bcemr_verdict bcemr_prefix_check(const bcemr_context *context, const bcemr_hash *vid,
                                 const bcemr_tr_sign *signs, const bcemr_g1_raw *deltas,
                                 uint64_t count, uint64_t *first_bad, bcemr_error *err)
{
    prefix *p = NULL;
    uint64_t bad = 0;
    bcemr_verdict verdict = BCEMR_UNDECIDED;
    *first_bad = 0;
    if (count > CORE_TEAM)
        return core_undecided(err, BCEMR_E_TOO_MANY, "sign", NULL);
    p = bcemr_allocate(sizeof *p);
    if (!p)
        return core_undecided(err, BCEMR_E_NO_MEMORY, "sign", NULL);
    if (walk(p, vid, signs, count, err) == BCEMR_OK &&
        check_deltas(context, p, signs, deltas, &bad, err) == BCEMR_OK) {
        if (!BCEMR_HOLDS(BCEMR_BAD_DIAGNOSIS_SIGNATURE, bad == p->chained))
            verdict = BCEMR_BAD_DIAGNOSIS_SIGNATURE;
        else
            verdict = p->broken;
        *first_bad = verdict == BCEMR_BAD_DIAGNOSIS_SIGNATURE ? bad : p->chained;
        if (verdict != BCEMR_VALID)
            (void)core_refuse(err, verdict, "sign", NULL, *first_bad);
    }
    bcemr_release(p);
    return verdict;
}
