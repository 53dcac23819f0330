/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joint signatures (section 1): sum w_i sigma_i against sum w_i X_i. The weights depend on every X
 * in the bitmap, so that two members with X' = -X cannot be counted without signing.
 */
#include "core/internal.h"

#define MEMBERS_MAX 64

/* Who is in the bitmap, in the order of their places, and their weights. */
typedef struct signers {
    uint64_t count;
    bcemr_g2_raw x[MEMBERS_MAX];
    core_weight weights[MEMBERS_MAX];
} signers;

/* w_i = first 16 bytes of H(Tr("weight"; X_i, list)): one encoding, in which X_i is exchanged. */
static bcemr_status weigh(signers *s, bcemr_error *err)
{
    const uint64_t x_at = 8 + sizeof "weight" - 1 + 8;
    bcemr_status status = BCEMR_OK;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_tr_weight weight = {.x = s->x[0], .members = BCEMR_LIST_OF(s->x, s->count)};
    TRY(bcemr_write_weight(&weight, &message, err));
    for (uint64_t i = 0; i < s->count; i++) {
        bcemr_hash hash;
        memcpy(message.p + x_at, s->x[i].b, sizeof s->x[i].b);
        bcemr_sha256(bcemr_buf_span(&message), &hash);
        memcpy(s->weights[i].b, hash.b, sizeof s->weights[i].b);
    }
out:
    bcemr_buf_free(&message);
    return status;
}

static bcemr_status gather(const bcemr_g2_raw *members, uint64_t n, bcemr_span bitmap, signers *s,
                           bcemr_error *err)
{
    s->count = 0;
    if (n > MEMBERS_MAX)
        return wire_fail(err, BCEMR_E_TOO_MANY, "set", "members");
    if (bcemr_bitmap_check(bitmap, n) != BCEMR_OK)
        return wire_fail(err, BCEMR_E_BITMAP, "set", "bitmap");
    for (uint64_t i = 0; i < n; i++)
        if (bcemr_bitmap_get(bitmap, i))
            s->x[s->count++] = members[i];
    return s->count > 0 ? weigh(s, err) : BCEMR_OK;
}

bcemr_status bcemr_joint_combine(const bcemr_g2_raw *members, uint64_t n, bcemr_span bitmap,
                                 const bcemr_g1_raw *signatures, bcemr_g1_raw *out,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    signers s;
    bcemr_g1 points[MEMBERS_MAX];
    blst_p1 sum;
    memset(out, 0, sizeof *out);
    TRY(gather(members, n, bitmap, &s, err));
    if (s.count == 0)
        FAIL(BCEMR_E_TOO_FEW, "set", "bitmap");
    for (uint64_t i = 0; i < s.count; i++) {
        status = bcemr_g1_decode(&signatures[i], &points[i]);
        if (status != BCEMR_OK)
            return wire_fail_at(err, status, "set", "signature", i, BCEMR_NOWHERE);
    }
    TRY_AT(core_weigh_g1(core_p1(points), s.weights, s.count, &sum), "set", "signature");
    if (blst_p1_is_inf(&sum))
        FAIL(BCEMR_E_POINT_IDENTITY, "set", "signature");
    blst_p1_compress(out->b, &sum);
out:
    return status;
}

/* sum w_i X_i; the identity is left for the caller to refuse. */
static bcemr_status sum_keys(const signers *s, blst_p2 *out, bcemr_error *err)
{
    bcemr_g2 points[MEMBERS_MAX];
    for (uint64_t i = 0; i < s->count; i++) {
        bcemr_status status = bcemr_g2_decode(&s->x[i], &points[i]);
        if (status != BCEMR_OK)
            return wire_fail_at(err, status, "member", "x", i, BCEMR_NOWHERE);
    }
    bcemr_status status = core_weigh_g2(core_p2(points), s->weights, s->count, out);
    return status == BCEMR_OK ? status : wire_fail(err, status, "member", "x");
}

bcemr_verdict bcemr_joint_check(const bcemr_context *context, const bcemr_g2_raw *members,
                                uint64_t n, bcemr_span bitmap, bcemr_span message,
                                const bcemr_g1_raw *signature, bcemr_error *err)
{
    signers s;
    bcemr_g2 key;
    blst_p2 sum;
    if (gather(members, n, bitmap, &s, err) != BCEMR_OK)
        return BCEMR_UNDECIDED;
    bool holds = s.count > 0;
    if (holds) {
        if (sum_keys(&s, &sum, err) != BCEMR_OK)
            return BCEMR_UNDECIDED;
        blst_p2_to_affine((blst_p2_affine *)&key, &sum);
        holds = !blst_p2_is_inf(&sum) &&
                bcemr_bls_holds(context, &key, BCEMR_PURPOSE_SIG, message, signature);
    }
    return CORE_ANSWER(BCEMR_BAD_JOINT_SIGNATURE, holds, "set", "signature");
}
