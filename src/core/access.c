/* SPDX-License-Identifier: Apache-2.0 */
/* Access entries: blinded for everyone but who holds ka (section 7, "Access entry"). */
#include "core/aead.h"
#include "core/declassify.h"
#include "wire/error.h"

#include <bcemr/grant.h>

#include <sodium.h>
#include <string.h>

#define LENGTH_BYTES 8
#define BOX_SMALL 1024
#define BOX_LARGE 3072

/* What ka and j give. */
typedef struct access_keys {
    bcemr_bytes16 handle;
    bcemr_hash salt;
    bcemr_hash key;
} access_keys;

static bcemr_status mac_of(const bcemr_key *ka, const bcemr_type *type, uint64_t j, bcemr_hash *out,
                           bcemr_error *err)
{
    const bcemr_tr_handle number = {j}; /* the three types are alike but for their labels */
    return bcemr_hmac_value(bcemr_span_of(ka->b, sizeof ka->b), type, &number, out, err);
}

_Static_assert(sizeof(bcemr_tr_handle) == sizeof(bcemr_tr_access_salt) &&
                   sizeof(bcemr_tr_handle) == sizeof(bcemr_tr_access_key),
               "handle, salt and box key are MACs of j alone");

static bcemr_status keys_of(const bcemr_key *ka, uint64_t j, access_keys *out, bcemr_error *err)
{
    bcemr_hash handle = {{0}};
    bcemr_status status = BCEMR_OK;
    TRY(mac_of(ka, &bcemr_type_handle, j, &handle, err));
    TRY(mac_of(ka, &bcemr_type_access_salt, j, &out->salt, err));
    TRY(mac_of(ka, &bcemr_type_access_key, j, &out->key, err));
    memcpy(out->handle.b, handle.b, sizeof out->handle.b);
    CORE_DECLASSIFY("the handle stands in the entry", out->handle.b, sizeof out->handle.b);
out:
    if (status != BCEMR_OK)
        bcemr_wipe(out, sizeof *out);
    return status;
}

bcemr_status bcemr_access_handle(const bcemr_key *ka, uint64_t j, bcemr_bytes16 *out)
{
    bcemr_hash handle = {{0}};
    bcemr_status status = mac_of(ka, &bcemr_type_handle, j, &handle, NULL);
    memcpy(out->b, handle.b, sizeof out->b);
    return status;
}

static bcemr_status commitment_of(bcemr_span body, const bcemr_hash *salt, bcemr_hash *out,
                                  bcemr_error *err)
{
    const bcemr_tr_access_cm cm = {body, *salt};
    return bcemr_hash_value(&bcemr_type_access_cm, &cm, out, err);
}

static bcemr_status box_ad(const bcemr_bytes16 *handle, const bcemr_hash *cm, bcemr_buf *out,
                           bcemr_error *err)
{
    const bcemr_tr_access_box ad = {*handle, *cm};
    return bcemr_write_access_box(&ad, out, err);
}

/* The smaller of the two sizes that holds the body; 0 when none does. */
static uint64_t size_for(uint64_t body)
{
    if (body <= BOX_SMALL - LENGTH_BYTES)
        return BOX_SMALL;
    return body <= BOX_LARGE - LENGTH_BYTES ? BOX_LARGE : 0;
}

bcemr_status bcemr_access_make(const bcemr_key *ka, const bcemr_hash *ledger, bcemr_span cloud,
                               bcemr_span body, bcemr_buf *entry, bcemr_error *err)
{
    uint8_t plain[BOX_LARGE] = {0}, box[BOX_LARGE + CORE_TAG];
    bcemr_tr_e_access access = {.ledger = *ledger, .cloud = cloud};
    bcemr_tr_access_body read;
    access_keys keys = {0};
    bcemr_buf ad = BCEMR_BUF_EMPTY;
    bcemr_status status = BCEMR_OK;
    TRY(bcemr_read_access_body(body, &read, err));
    uint64_t n = size_for(body.n);
    if (n == 0)
        FAIL(BCEMR_E_TOO_LONG, "access_body", NULL);
    TRY(keys_of(ka, read.j, &keys, err));
    TRY(commitment_of(body, &keys.salt, &access.cm, err));
    access.handle = keys.handle;
    TRY(box_ad(&access.handle, &access.cm, &ad, err));
    bcemr_store_u64(plain, body.n);
    memcpy(plain + LENGTH_BYTES, body.p, (size_t)body.n);
    randombytes_buf(access.nonce.b, sizeof access.nonce.b);
    core_aead_seal(keys.key.b, access.nonce.b, bcemr_buf_span(&ad), bcemr_span_of(plain, n), box);
    access.box = bcemr_span_of(box, n + CORE_TAG);
    TRY(bcemr_write_e_access(&access, entry, err));
out:
    bcemr_buf_free(&ad);
    bcemr_wipe(plain, sizeof plain);
    bcemr_wipe(&keys, sizeof keys);
    return status;
}

static bool is_zero(const uint8_t *p, uint64_t n)
{
    return n == 0 || sodium_is_zero(p, (size_t)n);
}

/* Length, padding, body and commitment of a box that decrypted. */
static bcemr_status check_plain(bcemr_span plain, const access_keys *keys, uint64_t j,
                                const bcemr_hash *cm, bcemr_span *body, bcemr_error *err)
{
    bcemr_tr_access_body read;
    bcemr_hash due;
    bcemr_status status = BCEMR_OK;
    uint64_t n = bcemr_load_u64(plain.p), room = plain.n - LENGTH_BYTES;
    REQUIRE(size_for(n) == plain.n, BCEMR_BAD_ACCESS, "e_access", "box");
    if (n > room) /* the check is switched off: the body would lie outside */
        FAIL(BCEMR_E_FIELD_LENGTH, "e_access", "box");
    *body = bcemr_span_of(plain.p + LENGTH_BYTES, n);
    REQUIRE(is_zero(body->p + n, room - n), BCEMR_BAD_ACCESS, "e_access", "box");
    bcemr_status readable = bcemr_read_access_body(*body, &read, err);
    REQUIRE(readable == BCEMR_OK, BCEMR_BAD_ACCESS, "e_access", "box");
    TRY(readable); /* nor can it go on when the check is switched off */
    REQUIRE(read.j == j, BCEMR_BAD_ACCESS, "access_body", "j");
    TRY(commitment_of(*body, &keys->salt, &due, err));
    REQUIRE(bcemr_hash_equal(&due, cm), BCEMR_BAD_ACCESS, "e_access", "cm");
out:
    return status;
}

bcemr_status bcemr_access_open(const bcemr_key *ka, uint64_t j, const bcemr_tr_e_access *entry,
                               bcemr_buf *body, bcemr_error *err)
{
    uint8_t plain[BOX_LARGE] = {0};
    access_keys keys = {0};
    bcemr_buf ad = BCEMR_BUF_EMPTY;
    bcemr_span inner = {NULL, 0};
    bcemr_status status = BCEMR_OK;
    uint64_t n = entry->box.n >= CORE_TAG ? entry->box.n - CORE_TAG : 0;
    TRY(keys_of(ka, j, &keys, err));
    REQUIRE(memcmp(keys.handle.b, entry->handle.b, sizeof keys.handle.b) == 0, BCEMR_BAD_ACCESS,
            "e_access", "handle");
    REQUIRE(n == BOX_SMALL || n == BOX_LARGE, BCEMR_BAD_ACCESS, "e_access", "box");
    if (n < LENGTH_BYTES || n > BOX_LARGE) /* the check is switched off: no such box is read */
        FAIL(BCEMR_E_FIELD_LENGTH, "e_access", "box");
    TRY(box_ad(&entry->handle, &entry->cm, &ad, err));
    REQUIRE(core_aead_open(keys.key.b, entry->nonce.b, bcemr_buf_span(&ad), entry->box,
                           BCEMR_BAD_ACCESS, plain),
            BCEMR_BAD_ACCESS, "e_access", "box");
    CORE_DECLASSIFY("a body that opened is read; it holds no key", plain, n);
    TRY(check_plain(bcemr_span_of(plain, n), &keys, j, &entry->cm, &inner, err));
    TRY_AT(bcemr_buf_append(body, inner), "access_body", NULL);
out:
    bcemr_buf_free(&ad);
    bcemr_wipe(plain, sizeof plain);
    bcemr_wipe(&keys, sizeof keys);
    return status;
}
