/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519 keys and signatures, as libsodium checks them (section 1). */
#include "core/internal.h"

#include <sodium.h>

/* y below 2^255 - 19, the sign bit aside. */
static bool is_canonical(const uint8_t b[32])
{
    static const uint8_t p[32] = {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
    uint8_t y[32];
    memcpy(y, b, sizeof y);
    y[31] &= 0x7f;
    return sodium_compare(y, p, sizeof y) < 0;
}

bcemr_status bcemr_ed_decode(const bcemr_ed_raw *in, bcemr_ed_public *out)
{
    uint8_t doubled[32];
    memset(out, 0, sizeof *out);
    if (!is_canonical(in->b))
        return BCEMR_E_ED25519_ENCODING;
    if (crypto_core_ed25519_is_valid_point(in->b)) {
        memcpy(out->b, in->b, sizeof out->b);
        return BCEMR_OK;
    }
    /* Adding refuses what is not on the curve; what it takes is outside the main subgroup. */
    if (crypto_core_ed25519_add(doubled, in->b, in->b) != 0)
        return BCEMR_E_ED25519_ENCODING;
    return BCEMR_E_ED25519_SMALL_ORDER;
}

void bcemr_ed_from_seed(const uint8_t seed[32], bcemr_ed_secret *secret, bcemr_ed_raw *out)
{
    bcemr_ed_raw key;
    (void)crypto_sign_seed_keypair(key.b, secret->b, seed);
    if (out)
        *out = key;
}

/* libsodium's secret is the seed and the public key. */
void bcemr_ed_public_of(const bcemr_ed_secret *secret, bcemr_ed_raw *out)
{
    memcpy(out->b, secret->b + 32, sizeof out->b);
}

void bcemr_ed_sign(const bcemr_ed_secret *secret, bcemr_span message, bcemr_ed_signature *out)
{
    (void)crypto_sign_detached(out->b, NULL, message.p, message.n, secret->b);
}

bool bcemr_ed_holds(const bcemr_ed_raw *key, bcemr_span message,
                    const bcemr_ed_signature *signature)
{
    /* Refuses small order of key and R, a key not canonical, S not reduced. */
    return crypto_sign_verify_detached(signature->b, message.p, message.n, key->b) == 0;
}

bcemr_status bcemr_ed_sign_value(const bcemr_ed_secret *secret, const bcemr_type *type,
                                 const void *value, bcemr_ed_signature *out, bcemr_error *err)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_write(type, value, &message, err);
    if (status == BCEMR_OK)
        bcemr_ed_sign(secret, bcemr_buf_span(&message), out);
    else
        memset(out, 0, sizeof *out);
    bcemr_buf_free(&message);
    return status;
}

bool bcemr_ed_holds_value(const bcemr_ed_raw *key, const bcemr_type *type, const void *value,
                          const bcemr_ed_signature *signature)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bool holds = bcemr_write(type, value, &message, NULL) == BCEMR_OK &&
                 bcemr_ed_holds(key, bcemr_buf_span(&message), signature);
    bcemr_buf_free(&message);
    return holds;
}
