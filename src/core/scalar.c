/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars of section 1: decoding, drawing, Shamir shares, products. */
#include "core/internal.h"

#include <sodium.h>

static bcemr_status check(const uint8_t b[32])
{
    blst_scalar scalar;
    memcpy(scalar.b, b, sizeof scalar.b);
    bcemr_status status = BCEMR_OK;
    int is_zero = sodium_is_zero(b, 32), is_valid = blst_sk_check(&scalar);
    CORE_DECLASSIFY("whether a scalar is zero is told to the caller", &is_zero, sizeof is_zero);
    CORE_DECLASSIFY("whether it is below q is told, too", &is_valid, sizeof is_valid);
    if (is_zero)
        status = BCEMR_E_SCALAR_ZERO;
    else if (!is_valid)
        status = BCEMR_E_SCALAR_RANGE;
    bcemr_wipe(&scalar, sizeof scalar);
    return status;
}

bcemr_status bcemr_scalar_decode(const bcemr_scalar_raw *in, bcemr_scalar *out)
{
    memset(out, 0, sizeof *out);
    bcemr_status status = check(in->b);
    if (status == BCEMR_OK)
        memcpy(out->b, in->b, sizeof out->b);
    return status;
}

bcemr_status bcemr_secret_scalar_decode(const bcemr_scalar_raw *in, bcemr_secret_scalar *out)
{
    memset(out, 0, sizeof *out);
    bcemr_status status = check(in->b);
    if (status == BCEMR_OK)
        memcpy(out->b, in->b, sizeof out->b);
    return status;
}

bcemr_status bcemr_secret_scalar_random(bcemr_secret_scalar *out)
{
    uint8_t drawn[48];
    blst_scalar scalar;
    memset(out, 0, sizeof *out);
    if (sodium_init() < 0)
        return BCEMR_E_RANDOM;
    randombytes_buf(drawn, sizeof drawn);
    /* False for zero, which a working source does not give. */
    bool drew = blst_scalar_from_le_bytes(&scalar, drawn, sizeof drawn);
    CORE_DECLASSIFY("a scalar of zero is thrown away", &drew, sizeof drew);
    bcemr_status status = drew ? BCEMR_OK : BCEMR_E_RANDOM;
    if (status == BCEMR_OK)
        memcpy(out->b, scalar.b, sizeof out->b);
    bcemr_wipe(drawn, sizeof drawn);
    bcemr_wipe(&scalar, sizeof scalar);
    return status;
}

static void load(const bcemr_secret_scalar *in, blst_fr *out)
{
    blst_fr_from_scalar(out, (const blst_scalar *)in);
}

static void store(const blst_fr *in, bcemr_secret_scalar *out)
{
    blst_scalar_from_fr((blst_scalar *)out, in);
}

/* Horner's rule: at is public, the coefficients are not. */
bcemr_status bcemr_secret_scalar_polynomial(const bcemr_secret_scalar *coefficients, uint64_t count,
                                            uint64_t at, bcemr_secret_scalar *out)
{
    if (count == 0)
        return BCEMR_E_ARGUMENT;
    const uint64_t limbs[4] = {at, 0, 0, 0};
    blst_fr sum, term, point;
    blst_fr_from_uint64(&point, limbs);
    load(&coefficients[count - 1], &sum);
    for (uint64_t k = count - 1; k-- > 0;) {
        blst_fr_mul(&sum, &sum, &point);
        load(&coefficients[k], &term);
        blst_fr_add(&sum, &sum, &term);
    }
    store(&sum, out);
    bcemr_wipe(&sum, sizeof sum);
    bcemr_wipe(&term, sizeof term);
    int is_zero = sodium_is_zero(out->b, sizeof out->b);
    CORE_DECLASSIFY("whether the value is zero is told to the caller", &is_zero, sizeof is_zero);
    return is_zero ? BCEMR_E_SCALAR_ZERO : BCEMR_OK;
}

void core_scalar_multiply(const bcemr_secret_scalar *a, const bcemr_secret_scalar *b,
                          bcemr_secret_scalar *out)
{
    blst_fr x, y;
    load(a, &x);
    load(b, &y);
    blst_fr_mul(&x, &x, &y);
    store(&x, out);
    bcemr_wipe(&x, sizeof x);
    bcemr_wipe(&y, sizeof y);
}

void core_scalar_invert(const bcemr_secret_scalar *a, bcemr_secret_scalar *out)
{
    blst_fr x;
    load(a, &x);
    blst_fr_inverse(&x, &x);
    store(&x, out);
    bcemr_wipe(&x, sizeof x);
}
