/* SPDX-License-Identifier: Apache-2.0 */
/* XChaCha20-Poly1305-IETF and sealed boxes, as section 1 uses them. */
#include "core/aead.h"

#include "wire/error.h"

#include <bcemr/group_key.h>

#include <sodium.h>
#include <string.h>

static const uint8_t nothing[1];

static const uint8_t *bytes_of(bcemr_span span)
{
    return span.n > 0 ? span.p : nothing;
}

/* Room for n bytes after what out holds, as a place even when n is 0. NULL without memory. */
static uint8_t *room_for(bcemr_buf *out, uint64_t n)
{
    if (bcemr_buf_reserve(out, n > 0 ? n : 1) != BCEMR_OK)
        return NULL;
    return out->p + out->n;
}

void core_aead_seal(const uint8_t key[32], const uint8_t nonce[CORE_NONCE], bcemr_span ad,
                    bcemr_span in, uint8_t *out)
{
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, bytes_of(in), in.n, bytes_of(ad),
                                                     ad.n, NULL, nonce, key);
}

bool core_aead_open(const uint8_t key[32], const uint8_t nonce[CORE_NONCE], bcemr_span ad,
                    bcemr_span in, bcemr_verdict refusal, uint8_t *out)
{
    bool holds = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, in.p, in.n,
                                                            bytes_of(ad), ad.n, nonce, key) == 0;
    if (!holds) {
        bcemr_wipe(out, in.n - CORE_TAG);
#ifdef BCEMR_TEST_SWITCHES
        /* The AEAD's keystream for the message begins at block 1. */
        if (bcemr_switch_is_off(refusal))
            (void)crypto_stream_xchacha20_xor_ic(out, in.p, in.n - CORE_TAG, nonce, 1, key);
#endif
    }
    (void)refusal; /* the caller's to say; looked at in the test build alone */
    return BCEMR_HOLDS(refusal, holds);
}

bcemr_status bcemr_aead_seal(const bcemr_key *key, bcemr_span ad, bcemr_span message,
                             bcemr_buf *out, bcemr_error *err)
{
    uint64_t more = CORE_NONCE + CORE_TAG;
    if (message.n > crypto_aead_xchacha20poly1305_ietf_MESSAGEBYTES_MAX)
        return wire_fail(err, BCEMR_E_TOO_LONG, "message", NULL);
    uint8_t *nonce = room_for(out, message.n + more);
    if (!nonce)
        return wire_fail(err, BCEMR_E_NO_MEMORY, "message", NULL);
    randombytes_buf(nonce, CORE_NONCE);
    core_aead_seal(key->b, nonce, ad, message, nonce + CORE_NONCE);
    out->n += message.n + more;
    return BCEMR_OK;
}

bcemr_status bcemr_aead_open(const bcemr_key *key, bcemr_span ad, bcemr_span box,
                             bcemr_verdict refusal, bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    REQUIRE(box.n >= CORE_NONCE + CORE_TAG, refusal, "message", NULL);
    if (box.n < CORE_NONCE + CORE_TAG) /* the check is switched off: there is nothing inside */
        return BCEMR_OK;
    bcemr_span sealed = {box.p + CORE_NONCE, box.n - CORE_NONCE};
    uint8_t *plain = room_for(out, sealed.n - CORE_TAG);
    if (!plain)
        FAIL(BCEMR_E_NO_MEMORY, "message", NULL);
    REQUIRE(core_aead_open(key->b, box.p, ad, sealed, refusal, plain), refusal, "message", NULL);
    out->n += sealed.n - CORE_TAG;
out:
    return status;
}

bcemr_status bcemr_sealed_box(const bcemr_x25519_raw *to, bcemr_span message, bcemr_buf *out,
                              bcemr_error *err)
{
    bcemr_x25519_public key;
    bcemr_status status = BCEMR_OK;
    TRY_AT(bcemr_x25519_decode(to, &key), "sealed box", "to");
    uint8_t *box = room_for(out, message.n + crypto_box_SEALBYTES);
    if (!box)
        FAIL(BCEMR_E_NO_MEMORY, "sealed box", NULL);
    if (crypto_box_seal(box, bytes_of(message), message.n, key.b) != 0)
        FAIL(BCEMR_E_DH_ZERO, "sealed box", "to");
    out->n += message.n + crypto_box_SEALBYTES;
out:
    return status;
}

bcemr_status bcemr_sealed_box_open(const bcemr_x25519_secret *key, bcemr_span box,
                                   bcemr_verdict refusal, bcemr_buf *out, bcemr_error *err)
{
    bcemr_x25519_raw public_key;
    bcemr_status status = BCEMR_OK;
    REQUIRE(box.n >= crypto_box_SEALBYTES, refusal, "sealed box", NULL);
    if (box.n < crypto_box_SEALBYTES) /* the check is switched off: there is nothing inside */
        return BCEMR_OK;
    uint64_t n = box.n - crypto_box_SEALBYTES;
    uint8_t *plain = room_for(out, n);
    if (!plain)
        FAIL(BCEMR_E_NO_MEMORY, "sealed box", NULL);
    bcemr_x25519_public_of(key, &public_key);
    bool holds = crypto_box_seal_open(plain, box.p, box.n, public_key.b, key->b) == 0;
    if (!holds)
        bcemr_wipe(plain, n);
    REQUIRE(holds, refusal, "sealed box", NULL);
    out->n += n;
out:
    return status;
}
