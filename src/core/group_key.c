/* SPDX-License-Identifier: Apache-2.0 */
/* The group key run and the messages under its keys (section 3). */
#include "core/aead.h"
#include "core/declassify.h"
#include "core/verdict.h"

#include <bcemr/group_key.h>
#include <bcemr/hash.h>

#include <sodium.h>
#include <string.h>

bcemr_status bcemr_x25519_once(bcemr_x25519_secret *secret, bcemr_x25519_raw *out)
{
    randombytes_buf(secret->b, sizeof secret->b);
    bcemr_x25519_public_of(secret, out);
    return BCEMR_OK;
}

/* ---- key derivation ---- */

typedef struct shared_secrets {
    uint8_t dh[3][crypto_scalarmult_BYTES];
} shared_secrets;

static bcemr_status dh(const bcemr_x25519_secret *mine, const bcemr_x25519_raw *theirs,
                       const char *field, uint8_t out[crypto_scalarmult_BYTES], bcemr_error *err)
{
    bcemr_x25519_public point;
    bcemr_status status = bcemr_x25519_decode(theirs, &point);
    if (status != BCEMR_OK)
        return wire_fail(err, status, "group", field);
    if (crypto_scalarmult(out, mine->b, point.b) != 0)
        return wire_fail(err, BCEMR_E_DH_ZERO, "group", field);
    return BCEMR_OK;
}

/* Both sides come here with the same three values in the same order. */
static bcemr_status derive(const shared_secrets *shared, const bcemr_tr_group *transcript,
                           bcemr_group_keys *out, bcemr_error *err)
{
    uint8_t keys[3 * sizeof out->auth.b];
    bcemr_buf info = BCEMR_BUF_EMPTY;
    bcemr_status status = BCEMR_OK;
    TRY(bcemr_write_group(transcript, &info, err));
    TRY_AT(bcemr_kdf("group", bcemr_span_of(shared->dh, sizeof shared->dh), bcemr_buf_span(&info),
                     keys, sizeof keys),
           "group", NULL);
    memcpy(out->auth.b, keys, sizeof out->auth.b);
    memcpy(out->wrap.b, keys + sizeof out->auth.b, sizeof out->wrap.b);
    memcpy(out->pair.b, keys + 2 * sizeof out->auth.b, sizeof out->pair.b);
out:
    bcemr_wipe(keys, sizeof keys);
    bcemr_buf_free(&info);
    return status;
}

bcemr_status bcemr_group_keys_server(const bcemr_x25519_secret *once,
                                     const bcemr_x25519_secret *server,
                                     const bcemr_tr_group *transcript, bcemr_group_keys *out,
                                     bcemr_error *err)
{
    shared_secrets shared;
    bcemr_status status = BCEMR_OK;
    bcemr_wipe(out, sizeof *out);
    TRY(dh(once, &transcript->doctor_once, "doctor_once", shared.dh[0], err));
    TRY(dh(server, &transcript->doctor_once, "doctor_once", shared.dh[1], err));
    TRY(dh(once, &transcript->doctor_key, "doctor_key", shared.dh[2], err));
    TRY(derive(&shared, transcript, out, err));
out:
    bcemr_wipe(&shared, sizeof shared);
    return status;
}

bcemr_status bcemr_group_keys_doctor(const bcemr_x25519_secret *once,
                                     const bcemr_x25519_secret *doctor,
                                     const bcemr_tr_group *transcript, bcemr_group_keys *out,
                                     bcemr_error *err)
{
    shared_secrets shared;
    bcemr_status status = BCEMR_OK;
    bcemr_wipe(out, sizeof *out);
    TRY(dh(once, &transcript->server_once, "server_once", shared.dh[0], err));
    TRY(dh(once, &transcript->server, "server", shared.dh[1], err));
    TRY(dh(doctor, &transcript->server_once, "server_once", shared.dh[2], err));
    TRY(derive(&shared, transcript, out, err));
out:
    bcemr_wipe(&shared, sizeof shared);
    return status;
}

/* ---- MACs ---- */

bcemr_status bcemr_group_mac(const bcemr_group_keys *keys, const bcemr_type *type, bcemr_hash *out)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_wipe(out, sizeof *out);
    if (type != &bcemr_type_mac_server && type != &bcemr_type_mac_doctor)
        return BCEMR_E_ARGUMENT;
    bcemr_status status = bcemr_write_empty(type, &message);
    if (status == BCEMR_OK)
        bcemr_hmac(bcemr_span_of(keys->auth.b, sizeof keys->auth.b), bcemr_buf_span(&message), out);
    bcemr_buf_free(&message);
    return status;
}

static bcemr_status mac_check(const bcemr_group_keys *keys, const bcemr_type *type,
                              const bcemr_hash *mac, bcemr_error *err)
{
    bcemr_hash right = {{0}};
    bcemr_status status = BCEMR_OK;
    TRY_AT(bcemr_group_mac(keys, type, &right), bcemr_type_name(type), NULL);
    REQUIRE(bcemr_hash_equal(mac, &right),
            type == &bcemr_type_mac_server ? BCEMR_BAD_SERVER_MAC : BCEMR_BAD_DOCTOR_MAC,
            bcemr_type_name(type), "mac");
out:
    bcemr_wipe(&right, sizeof right);
    return status;
}

bcemr_verdict bcemr_group_mac_check(const bcemr_group_keys *keys, const bcemr_type *type,
                                    const bcemr_hash *mac, bcemr_error *err)
{
    bcemr_error local;
    err = core_error(err, &local);
    return core_verdict(mac_check(keys, type, mac, err), err);
}

/* ---- the wrapped group key ---- */

/* k_wrap belongs to one run and wraps one thing, so the nonce can stand still. */
static const uint8_t wrap_nonce[CORE_NONCE];

static bcemr_status wrap_ad(const bcemr_tr_group *transcript, bcemr_buf *out, bcemr_error *err)
{
    bcemr_tr_gk_ad ad;
    bcemr_status status = bcemr_hash_value(&bcemr_type_group, transcript, &ad.transcript, err);
    return status == BCEMR_OK ? bcemr_write_gk_ad(&ad, out, err) : status;
}

bcemr_status bcemr_group_key_wrap(const bcemr_group_keys *keys, const bcemr_tr_group *transcript,
                                  const bcemr_tr_gk *gk, bcemr_buf *out, bcemr_error *err)
{
    bcemr_buf ad = BCEMR_BUF_EMPTY, plain = BCEMR_BUF_EMPTY;
    bcemr_status status = BCEMR_OK;
    TRY(wrap_ad(transcript, &ad, err));
    TRY(bcemr_write_gk(gk, &plain, err));
    TRY_AT(bcemr_buf_reserve(out, plain.n + CORE_TAG), "gk", NULL);
    core_aead_seal(keys->wrap.b, wrap_nonce, bcemr_buf_span(&ad), bcemr_buf_span(&plain),
                   out->p + out->n);
    out->n += plain.n + CORE_TAG;
out:
    bcemr_buf_free(&plain);
    bcemr_buf_free(&ad);
    return status;
}

/* Where GK stands in Tr("gk"; GK, epoch). */
#define GK_BEGINS (8 + 2 + 8)
#define GK_ENDS (GK_BEGINS + 32)

bcemr_status bcemr_group_key_unwrap(const bcemr_group_keys *keys, const bcemr_tr_group *transcript,
                                    bcemr_span box, bcemr_tr_gk *gk, bcemr_error *err)
{
    bcemr_buf ad = BCEMR_BUF_EMPTY, plain = BCEMR_BUF_EMPTY;
    bcemr_status status = BCEMR_OK;
    bcemr_wipe(gk, sizeof *gk);
    REQUIRE(box.n > CORE_TAG, BCEMR_BAD_SEALED_MESSAGE, "gk", NULL);
    if (box.n <= CORE_TAG) /* the check is switched off: there is nothing inside */
        FAIL(BCEMR_E_TRUNCATED, "gk", NULL);
    TRY(wrap_ad(transcript, &ad, err));
    TRY_AT(bcemr_buf_reserve(&plain, box.n - CORE_TAG), "gk", NULL);
    REQUIRE(core_aead_open(keys->wrap.b, wrap_nonce, bcemr_buf_span(&ad), box,
                           BCEMR_BAD_SEALED_MESSAGE, plain.p),
            BCEMR_BAD_SEALED_MESSAGE, "gk", NULL);
    plain.n = box.n - CORE_TAG;
    if (plain.n > GK_ENDS) {
        CORE_DECLASSIFY("what stands before GK is the same in every run", plain.p, GK_BEGINS);
        CORE_DECLASSIFY("the epoch is on the ledger", plain.p + GK_ENDS, plain.n - GK_ENDS);
    }
    TRY(bcemr_read_gk(bcemr_buf_span(&plain), gk, err));
out:
    bcemr_buf_free(&plain);
    bcemr_buf_free(&ad);
    return status;
}

/* ---- messages under GK ---- */

bcemr_status bcemr_message_seal(const bcemr_key *gk, const bcemr_tr_msg *ad, bcemr_span message,
                                bcemr_buf *out, bcemr_error *err)
{
    bcemr_buf encoded = BCEMR_BUF_EMPTY;
    bcemr_status status = BCEMR_OK;
    if (message.n > BCEMR_PIECE)
        FAIL(BCEMR_E_TOO_LONG, "msg", NULL);
    TRY(bcemr_write_msg(ad, &encoded, err));
    TRY(bcemr_aead_seal(gk, bcemr_buf_span(&encoded), message, out, err));
out:
    bcemr_buf_free(&encoded);
    return status;
}

bcemr_status bcemr_message_open(const bcemr_key *gk, const bcemr_tr_msg *ad, bcemr_span box,
                                bcemr_buf *out, bcemr_error *err)
{
    bcemr_buf encoded = BCEMR_BUF_EMPTY;
    bcemr_status status = BCEMR_OK;
    if (box.n > CORE_NONCE + BCEMR_PIECE + CORE_TAG)
        FAIL(BCEMR_E_TOO_LONG, "msg", NULL);
    TRY(bcemr_write_msg(ad, &encoded, err));
    TRY(bcemr_aead_open(gk, bcemr_buf_span(&encoded), box, BCEMR_BAD_SEALED_MESSAGE, out, err));
out:
    bcemr_buf_free(&encoded);
    return status;
}

bcemr_status bcemr_message_stream_key(const bcemr_key *gk, const bcemr_tr_msg *ad,
                                      const bcemr_nonce *n, bcemr_key *out, bcemr_buf *ad_out,
                                      bcemr_error *err)
{
    bcemr_buf encoded = BCEMR_BUF_EMPTY, info = BCEMR_BUF_EMPTY;
    bcemr_status status = BCEMR_OK;
    bcemr_wipe(out, sizeof *out);
    TRY(bcemr_write_msg(ad, &encoded, err));
    const bcemr_tr_msg_chunk chunk = {bcemr_buf_span(&encoded), *n};
    const bcemr_span fields[] = {chunk.ad, bcemr_span_of(n->b, sizeof n->b)};
    TRY_AT(bcemr_tuple(fields, 2, &info), "msg", NULL);
    TRY_AT(bcemr_kdf("msg", bcemr_span_of(gk->b, sizeof gk->b), bcemr_buf_span(&info), out->b,
                     sizeof out->b),
           "msg", NULL);
    TRY(bcemr_write_msg_chunk(&chunk, ad_out, err));
out:
    if (status != BCEMR_OK)
        bcemr_wipe(out, sizeof *out);
    bcemr_buf_free(&info);
    bcemr_buf_free(&encoded);
    return status;
}

/* ---- messages under k_pair ---- */

bcemr_status bcemr_pair_seal(const bcemr_key *pair, const bcemr_hash *vid,
                             bcemr_direction direction, uint64_t counter, bcemr_span message,
                             bcemr_buf *pair_box, bcemr_error *err)
{
    bcemr_buf ad = BCEMR_BUF_EMPTY, sealed = BCEMR_BUF_EMPTY;
    const bcemr_tr_pair place = {*vid, (uint64_t)direction, counter};
    bcemr_tr_pair_box box = {.direction = place.direction, .counter = counter};
    bcemr_status status = BCEMR_OK;
    TRY(bcemr_write_pair(&place, &ad, err));
    TRY(bcemr_aead_seal(pair, bcemr_buf_span(&ad), message, &sealed, err));
    memcpy(box.nonce.b, sealed.p, sizeof box.nonce.b);
    box.box = bcemr_span_of(sealed.p + CORE_NONCE, sealed.n - CORE_NONCE);
    TRY(bcemr_write_pair_box(&box, pair_box, err));
out:
    bcemr_buf_free(&sealed);
    bcemr_buf_free(&ad);
    return status;
}

bcemr_status bcemr_pair_open(const bcemr_key *pair, const bcemr_hash *vid,
                             bcemr_direction direction, uint64_t counter, bcemr_span pair_box,
                             bcemr_buf *out, bcemr_error *err)
{
    bcemr_buf ad = BCEMR_BUF_EMPTY;
    const bcemr_tr_pair place = {*vid, (uint64_t)direction, counter};
    bcemr_tr_pair_box box;
    bcemr_status status = BCEMR_OK;
    TRY(bcemr_read_pair_box(pair_box, &box, err));
    REQUIRE(box.direction == place.direction, BCEMR_BAD_SEALED_MESSAGE, "pair_box", "direction");
    REQUIRE(box.counter == counter, BCEMR_BAD_SEALED_MESSAGE, "pair_box", "counter");
    TRY(bcemr_write_pair(&place, &ad, err));
    uint64_t n = box.box.n - CORE_TAG;
    TRY_AT(bcemr_buf_reserve(out, n > 0 ? n : 1), "pair_box", NULL);
    REQUIRE(core_aead_open(pair->b, box.nonce.b, bcemr_buf_span(&ad), box.box,
                           BCEMR_BAD_SEALED_MESSAGE, out->p + out->n),
            BCEMR_BAD_SEALED_MESSAGE, "pair_box", "box");
    out->n += n;
out:
    bcemr_buf_free(&ad);
    return status;
}
