/* SPDX-License-Identifier: Apache-2.0 */
/* Access entries: what opens one, and every way in which one must not open (section 7). */
#include "core/aead.h"

#include <bcemr/grant.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>

#include "core/sample.h"

static const bcemr_key ka = {{0xaa}};
static const bcemr_hash ledger = {{0x1e}};
static bcemr_span cloud;
static bcemr_buf body, entry, got;
static bcemr_tr_e_access read;

/* The body of access j; its bitmap has that many bytes. */
static void make_body(uint64_t j, uint64_t bitmap)
{
    static const uint8_t zeros[1250];
    const bcemr_tr_access_req req = {.ledger = ledger,
                                     .cloud = cloud,
                                     .gid = {{1}},
                                     .visits = {zeros, bitmap},
                                     .kind = BCEMR_access_kind_READ,
                                     .reason = BCEMR_access_reason_TREATMENT,
                                     .time = SAMPLE_ISSUED};
    bcemr_buf request = BCEMR_BUF_EMPTY;
    assert_int_equal(bcemr_write_access_req(&req, &request, NULL), BCEMR_OK);
    const bcemr_tr_access_body made = {
        .request = bcemr_buf_span(&request), .consent = 17, .j = j, .time = SAMPLE_ISSUED};
    bcemr_buf_clear(&body);
    assert_int_equal(bcemr_write_access_body(&made, &body, NULL), BCEMR_OK);
    bcemr_buf_free(&request);
}

static void make(uint64_t j, uint64_t bitmap)
{
    make_body(j, bitmap);
    bcemr_buf_clear(&entry);
    assert_int_equal(bcemr_access_make(&ka, &ledger, cloud, bcemr_buf_span(&body), &entry, NULL),
                     BCEMR_OK);
    assert_int_equal(bcemr_read_e_access(bcemr_buf_span(&entry), &read, NULL), BCEMR_OK);
}

static int begin(void **state)
{
    (void)state;
    cloud = bcemr_text("cloud-1");
    make(3, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bcemr_buf_free(&body);
    bcemr_buf_free(&entry);
    bcemr_buf_free(&got);
    bcemr_switch_all_on();
    bcemr_switch_fail_allocation(0);
    return 0;
}

/* HMAC(ka, Tr(label; j)). */
static bcemr_hash mac_of(const char *label, uint64_t j)
{
    uint8_t number[8];
    bcemr_buf transcript = BCEMR_BUF_EMPTY;
    bcemr_hash mac;
    bcemr_store_u64(number, j);
    const bcemr_span field = bcemr_span_of(number, 8);
    assert_int_equal(bcemr_write_fields(label, &field, 1, &transcript), BCEMR_OK);
    bcemr_hmac(bcemr_span_of(ka.b, 32), bcemr_buf_span(&transcript), &mac);
    bcemr_buf_free(&transcript);
    return mac;
}

/* ---- what holds ---- */

static void entries_open(void **state)
{
    (void)state;
    static const uint64_t js[] = {0, 3};
    unsigned full = 0;
    for (size_t i = 0; i < sizeof js / sizeof js[0]; i++) {
        for (uint64_t bitmap = 1; bitmap <= 1250; bitmap++) {
            make(js[i], bitmap);
            full += body.n == 1016;
            assert_int_equal(read.box.n, body.n + 8 > 1024 ? 3088 : 1040);
            bcemr_buf_clear(&got);
            assert_int_equal(bcemr_access_open(&ka, js[i], &read, &got, NULL), BCEMR_OK);
            assert_true(bcemr_span_equal(bcemr_buf_span(&got), bcemr_buf_span(&body)));
        }
    }
    assert_int_equal(full, 2); /* the smaller box filled to its last byte was among them */
}

static void an_entry_is_as_specified(void **state)
{
    (void)state;
    uint8_t plain[1024];
    bcemr_buf transcript = BCEMR_BUF_EMPTY;
    bcemr_hash due, key = mac_of("box", 3), salt = mac_of("salt", 3), handle = mac_of("handle", 3);
    bcemr_bytes16 named;
    assert_memory_equal(read.handle.b, handle.b, 16);
    assert_int_equal(bcemr_access_handle(&ka, 3, &named), BCEMR_OK);
    assert_memory_equal(named.b, handle.b, 16);
    const bcemr_span committed[] = {bcemr_buf_span(&body), bcemr_span_of(salt.b, 32)};
    assert_int_equal(bcemr_write_fields("access-cm", committed, 2, &transcript), BCEMR_OK);
    bcemr_sha256(bcemr_buf_span(&transcript), &due);
    assert_memory_equal(read.cm.b, due.b, 32);
    bcemr_buf_clear(&transcript);
    const bcemr_span ad[] = {bcemr_span_of(handle.b, 16), bcemr_span_of(due.b, 32)};
    assert_int_equal(bcemr_write_fields("access-box", ad, 2, &transcript), BCEMR_OK);
    assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, read.box.p,
                                                                read.box.n, transcript.p,
                                                                transcript.n, read.nonce.b, key.b),
                     0);
    assert_int_equal(bcemr_load_u64(plain), body.n);
    assert_memory_equal(plain + 8, body.p, body.n);
    assert_true(sodium_is_zero(plain + 8 + body.n, (size_t)(1016 - body.n)));
    assert_true(bcemr_span_equal(read.cloud, cloud));
    assert_memory_equal(&read.ledger, &ledger, sizeof ledger);
    bcemr_buf_free(&transcript);
}

/* ---- what does not ---- */

static void refused(const bcemr_key *key, uint64_t j, const bcemr_tr_e_access *access,
                    const char *field)
{
    bcemr_error err = {0};
    bcemr_buf_clear(&got);
    assert_int_equal(bcemr_buf_append(&got, bcemr_text("kept")), BCEMR_OK);
    assert_int_equal(bcemr_access_open(key, j, access, &got, &err), BCEMR_E_REFUSED);
    assert_int_equal(err.verdict, BCEMR_BAD_ACCESS);
    assert_string_equal(err.field, field);
    assert_int_equal(got.n, 4);
}

static void another_place_key_or_entry(void **state)
{
    (void)state;
    const bcemr_key other = {{0xab}};
    bcemr_tr_e_access changed = read;
    refused(&ka, 2, &read, "handle");
    refused(&ka, 4, &read, "handle");
    refused(&other, 3, &read, "handle");
    changed.handle.b[0] ^= 1;
    refused(&ka, 3, &changed, "handle");
    changed = read;
    changed.cm.b[0] ^= 1;
    refused(&ka, 3, &changed, "box");
    changed = read;
    changed.nonce.b[23] ^= 1;
    refused(&ka, 3, &changed, "box");
    changed = read;
    changed.box.n = 1039;
    refused(&ka, 3, &changed, "box");
    changed.box.n = 1024;
    refused(&ka, 3, &changed, "box");
    changed.box.n = 15;
    refused(&ka, 3, &changed, "box");
    changed.box.n = 0;
    refused(&ka, 3, &changed, "box");
}

static void every_byte_of_the_box_counts(void **state)
{
    (void)state;
    uint8_t box[1040];
    bcemr_tr_e_access changed = read;
    memcpy(box, read.box.p, sizeof box);
    changed.box.p = box;
    for (size_t i = 0; i < sizeof box; i++) {
        box[i] ^= 0x40;
        refused(&ka, 3, &changed, "box");
        box[i] ^= 0x40;
    }
}

/* The box of access j under the handle of another: a cloud that logs one access twice. */
static void the_box_of_another_access(void **state)
{
    (void)state;
    bcemr_tr_e_access moved = read;
    const bcemr_hash handle = mac_of("handle", 4);
    memcpy(moved.handle.b, handle.b, 16);
    refused(&ka, 4, &moved, "box");
}

/* ---- what a cloud that holds ka could seal: each inner check by itself ---- */

/* Seals what is given as the j-th entry of ka, in a box of n bytes, cm over `committed`. */
static bcemr_tr_e_access forge(uint64_t j, const uint8_t *plain, uint64_t n, bcemr_span committed)
{
    static uint8_t box[4096];
    const bcemr_hash key = mac_of("box", j), salt = mac_of("salt", j), mac = mac_of("handle", j);
    bcemr_buf transcript = BCEMR_BUF_EMPTY, ad = BCEMR_BUF_EMPTY;
    bcemr_tr_e_access forged = read;
    memcpy(forged.handle.b, mac.b, 16);
    const bcemr_span fields[] = {committed, bcemr_span_of(salt.b, 32)};
    assert_int_equal(bcemr_write_fields("access-cm", fields, 2, &transcript), BCEMR_OK);
    bcemr_sha256(bcemr_buf_span(&transcript), &forged.cm);
    const bcemr_tr_access_box place = {forged.handle, forged.cm};
    assert_int_equal(bcemr_write_access_box(&place, &ad, NULL), BCEMR_OK);
    core_aead_seal(key.b, forged.nonce.b, bcemr_buf_span(&ad), bcemr_span_of(plain, n), box);
    forged.box = bcemr_span_of(box, n + 16);
    bcemr_buf_free(&ad);
    bcemr_buf_free(&transcript);
    return forged;
}

static uint8_t plain[3072];

static void fill(void)
{
    memset(plain, 0, sizeof plain);
    bcemr_store_u64(plain, body.n);
    memcpy(plain + 8, body.p, (size_t)body.n);
}

static void forgeries_are_refused(void **state)
{
    (void)state;
    const bcemr_span whole = bcemr_buf_span(&body);
    fill();
    bcemr_tr_e_access forged = forge(3, plain, 1024, whole);
    bcemr_buf_clear(&got);
    assert_int_equal(bcemr_access_open(&ka, 3, &forged, &got, NULL), BCEMR_OK);
    plain[8 + body.n] = 1; /* padding */
    forged = forge(3, plain, 1024, whole);
    refused(&ka, 3, &forged, "box");
    fill();
    plain[1023] = 1;
    forged = forge(3, plain, 1024, whole);
    refused(&ka, 3, &forged, "box");
    fill();
    forged = forge(3, plain, 3072, whole); /* the larger box where the smaller will do */
    refused(&ka, 3, &forged, "box");
    forged = forge(3, plain, 1023, whole);
    refused(&ka, 3, &forged, "box");
    forged = forge(4, plain, 1024, whole); /* the body says 3 */
    refused(&ka, 4, &forged, "j");
    forged = forge(3, plain, 1024, bcemr_text("another body"));
    refused(&ka, 3, &forged, "cm");
}

static void bodies_that_are_none(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {0, 1, 7, 1016, 1017, 3064, 3065, UINT64_MAX, UINT64_MAX - 7};
    bcemr_tr_e_access forged;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        fill();
        bcemr_store_u64(plain, lengths[i]);
        forged = forge(3, plain, 1024, bcemr_buf_span(&body));
        refused(&ka, 3, &forged, "box");
    }
    for (uint64_t less = 1; less < body.n; less += 11) {
        fill();
        bcemr_store_u64(plain, body.n - less);
        memset(plain + 8 + body.n - less, 0, (size_t)less);
        forged = forge(3, plain, 1024, bcemr_span_of(body.p, body.n - less));
        refused(&ka, 3, &forged, "box");
    }
    bcemr_switch_off(BCEMR_BAD_ACCESS);
    fill();
    bcemr_store_u64(plain, UINT64_MAX);
    forged = forge(3, plain, 1024, bcemr_buf_span(&body));
    assert_int_equal(bcemr_access_open(&ka, 3, &forged, &got, NULL), BCEMR_E_FIELD_LENGTH);
    forged.box.n = 20;
    assert_int_equal(bcemr_access_open(&ka, 3, &forged, &got, NULL), BCEMR_E_FIELD_LENGTH);
    forged.box.n = 4000;
    assert_int_equal(bcemr_access_open(&ka, 3, &forged, &got, NULL), BCEMR_E_FIELD_LENGTH);
    fill();
    bcemr_store_u64(plain, 10);
    forged = forge(3, plain, 1024, bcemr_buf_span(&body));
    assert_int_equal(bcemr_access_open(&ka, 3, &forged, &got, NULL), BCEMR_E_TRUNCATED);
}

/* Without the check a changed entry gives what a cloud wants to be believed. */
static void without_the_check_the_attack_goes_on(void **state)
{
    (void)state;
    uint8_t box[1040];
    bcemr_tr_e_access changed = read;
    memcpy(box, read.box.p, sizeof box);
    box[1039] ^= 1;
    changed.box.p = box;
    refused(&ka, 3, &changed, "box");
    bcemr_switch_off(BCEMR_BAD_ACCESS);
    bcemr_buf_clear(&got);
    assert_int_equal(bcemr_access_open(&ka, 3, &changed, &got, NULL), BCEMR_OK);
    assert_true(bcemr_span_equal(bcemr_buf_span(&got), bcemr_buf_span(&body)));
}

static void what_cannot_be_made(void **state)
{
    (void)state;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    assert_int_equal(bcemr_access_make(&ka, &ledger, cloud, bcemr_text("no body"), &out, NULL),
                     BCEMR_E_TRUNCATED);
    assert_int_equal(
        bcemr_access_make(&ka, &ledger, (bcemr_span){NULL, 0}, bcemr_buf_span(&body), &out, NULL),
        BCEMR_E_ABSENT);
    assert_int_equal(out.n, 0);
    bcemr_buf_free(&out);
}

static bcemr_status fresh(bcemr_status status)
{
    bcemr_buf_free(&got);
    return status;
}

static void without_memory(void **state)
{
    (void)state;
    bcemr_bytes16 handle;
    bcemr_error err;
    STATUS_WITHOUT_MEMORY(bcemr_access_handle(&ka, 1, &handle));
    STATUS_WITHOUT_MEMORY(
        fresh(bcemr_access_make(&ka, &ledger, cloud, bcemr_buf_span(&body), &got, &err)));
    STATUS_WITHOUT_MEMORY(fresh(bcemr_access_open(&ka, 3, &read, &got, &err)));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_open),
        TEST(an_entry_is_as_specified),
        TEST(another_place_key_or_entry),
        TEST(every_byte_of_the_box_counts),
        TEST(the_box_of_another_access),
        TEST(forgeries_are_refused),
        TEST(bodies_that_are_none),
        TEST(without_the_check_the_attack_goes_on),
        TEST(what_cannot_be_made),
        TEST(without_memory),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
