/* SPDX-License-Identifier: Apache-2.0 */
/* The capsule (sections 5, 6, 7): B = r pkv, C = r h, K = Z^r; checked, opened, re-encrypted. */
#include "core/internal.h"

#include <bcemr/record.h>

/* h = H2(CAPSULE, capsule). */
static bcemr_status hash_capsule(const bcemr_hash *vid, const bcemr_ed_raw *svk, blst_p2 *out,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_tr_capsule capsule = {.vid = *vid, .svk = *svk};
    TRY(bcemr_write_capsule(&capsule, &message, err));
    TRY_AT(core_hash_to_g2(BCEMR_PURPOSE_CAPSULE, bcemr_buf_span(&message), out), "capsule", NULL);
out:
    bcemr_buf_free(&message);
    return status;
}

bcemr_status bcemr_capsule_from_r(const bcemr_context *context, const bcemr_secret_scalar *r,
                                  const bcemr_g1_raw *pkv, const bcemr_hash *vid,
                                  const bcemr_ed_raw *svk, bcemr_g1_raw *b, bcemr_g2_raw *c,
                                  bcemr_capsule_key *k, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_g1 key;
    blst_p1 first;
    blst_p2 second;
    TRY_AT(bcemr_g1_decode(pkv, &key), "visit", "pkv");
    TRY(hash_capsule(vid, svk, &second, err));
    core_p1_multiply(core_p1(&key), r->b, &first);
    blst_p1_compress(b->b, &first);
    blst_p2_mult(&second, &second, r->b, CORE_SCALAR_BITS);
    blst_p2_compress(c->b, &second);
    core_z_power(context, r, k);
    bcemr_wipe(&first, sizeof first);
    bcemr_wipe(&second, sizeof second);
out:
    if (status != BCEMR_OK) {
        memset(b, 0, sizeof *b);
        memset(c, 0, sizeof *c);
        bcemr_wipe(k, sizeof *k);
    }
    return status;
}

bcemr_status bcemr_capsule_seal(const bcemr_context *context, const bcemr_g1_raw *pkv,
                                const bcemr_hash *vid, const bcemr_ed_raw *svk,
                                bcemr_secret_scalar *r, bcemr_g1_raw *b, bcemr_g2_raw *c,
                                bcemr_capsule_key *k, bcemr_error *err)
{
    bcemr_status status = bcemr_secret_scalar_random(r);
    if (status != BCEMR_OK) {
        memset(b, 0, sizeof *b);
        memset(c, 0, sizeof *c);
        bcemr_wipe(k, sizeof *k);
        return wire_fail(err, status, "seal_r", "r");
    }
    status = bcemr_capsule_from_r(context, r, pkv, vid, svk, b, c, k, err);
    if (status != BCEMR_OK)
        bcemr_wipe(r, sizeof *r);
    return status;
}

bcemr_verdict bcemr_capsule_check(const bcemr_context *context, const bcemr_hash *vid,
                                  const bcemr_ed_raw *svk, const bcemr_g1_raw *left,
                                  const bcemr_g1_raw *right, const bcemr_g2_raw *c,
                                  bcemr_verdict refusal, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_verdict verdict = BCEMR_UNDECIDED;
    bcemr_g1 first, second;
    bcemr_g2 point;
    blst_p2 hashed;
    blst_p2_affine h;
    blst_fp12 product;
    (void)context; /* neither side is against g2 */
    TRY_AT(bcemr_g1_decode(left, &first), "capsule", "left");
    TRY_AT(bcemr_g1_decode(right, &second), "capsule", "right");
    TRY_AT(bcemr_g2_decode(c, &point), "capsule", "c");
    TRY(hash_capsule(vid, svk, &hashed, err));
    blst_p2_to_affine(&h, &hashed);
    core_p1_negate((blst_p1_affine *)&second);
    const blst_p2_affine *const qs[2] = {&h, core_p2(&point)};
    const blst_p1_affine *const ps[2] = {core_p1(&first), core_p1(&second)};
    blst_miller_loop_n(&product, qs, ps, 2);
    verdict = CORE_ANSWER(refusal, core_is_one(&product), "capsule", "c");
out:
    return status == BCEMR_OK ? verdict : BCEMR_UNDECIDED;
}

bcemr_status bcemr_capsule_open(const bcemr_context *context, const bcemr_secret_scalar *x,
                                const bcemr_g1_raw *b, bcemr_capsule_key *k, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_secret_scalar inverse;
    bcemr_g1 point, unblinded;
    blst_fp12 pairing;
    memset(k, 0, sizeof *k);
    TRY_AT(bcemr_g1_decode(b, &point), "header", "b");
    core_scalar_invert(x, &inverse);
    bcemr_g1_multiply(&point, &inverse, &unblinded);
    core_pair_with_g2(context, core_p1(&unblinded), &pairing);
    core_gt_encode(&pairing, k);
    bcemr_wipe(&inverse, sizeof inverse);
    bcemr_wipe(&unblinded, sizeof unblinded);
    bcemr_wipe(&pairing, sizeof pairing);
out:
    return status;
}

void bcemr_reencrypt_decoded(const bcemr_secret_scalar *rk, const bcemr_g1 *b, bcemr_g1_raw *out)
{
    blst_p1 product;
    core_p1_multiply(core_p1(b), rk->b, &product);
    blst_p1_compress(out->b, &product);
    bcemr_wipe(&product, sizeof product);
}

bcemr_status bcemr_reencrypt(const bcemr_secret_scalar *rk, const bcemr_g1_raw *b,
                             bcemr_g1_raw *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_g1 point;
    memset(out, 0, sizeof *out);
    TRY_AT(bcemr_g1_decode(b, &point), "header", "b");
    bcemr_reencrypt_decoded(rk, &point, out);
out:
    return status;
}

bcemr_status bcemr_record_keys_derive(const bcemr_capsule_key *k, const bcemr_hash *vid,
                                      const bcemr_ed_raw *svk, const bcemr_g2_raw *c,
                                      bcemr_record_keys *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf info = BCEMR_BUF_EMPTY;
    uint8_t derived[96];
    bcemr_tr_record_info fields = {.vid = *vid, .svk = *svk, .c = *c};
    bcemr_wipe(out, sizeof *out);
    TRY(bcemr_write_record_info(&fields, &info, err));
    TRY_AT(bcemr_kdf("record", bcemr_span_of(k->b, sizeof k->b), bcemr_buf_span(&info), derived,
                     sizeof derived),
           "record_info", NULL);
    memcpy(out->dek.b, derived, 32);
    memcpy(out->kc.b, derived + 32, 32);
    memcpy(out->kt.b, derived + 64, 32);
out:
    bcemr_wipe(derived, sizeof derived);
    bcemr_buf_free(&info);
    return status;
}
