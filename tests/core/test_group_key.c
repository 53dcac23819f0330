/* SPDX-License-Identifier: Apache-2.0 */
/* The group key run, boxes and messages, each with what it must refuse (section 3). */
#include "core/hkdf.h"

#include <bcemr/group_key.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>

#include "core/sample.h"

static sample s;
static bcemr_x25519_secret a, b;
static bcemr_tr_group run; /* the transcript of one run */
static bcemr_group_keys server, doctor;
static bcemr_buf out;

static int begin(void **state)
{
    (void)state;
    sample_begin(&s);
    run = (bcemr_tr_group){.visit = bcemr_buf_span(&s.encoded),
                           .order = s.vid,
                           .server = s.hospital_publics.e,
                           .doctor = s.team[0].doctor,
                           .doctor_key = s.publics[0].e};
    return bcemr_x25519_once(&a, &run.server_once) != BCEMR_OK ||
           bcemr_x25519_once(&b, &run.doctor_once) != BCEMR_OK;
}

static int end(void **state)
{
    (void)state;
    bcemr_buf_free(&out);
    sample_end(&s);
    return 0;
}

static void derive_both(const bcemr_tr_group *of_server, const bcemr_tr_group *of_doctor)
{
    assert_int_equal(bcemr_group_keys_server(&a, &s.hospital.e, of_server, &server, NULL),
                     BCEMR_OK);
    assert_int_equal(bcemr_group_keys_doctor(&b, &s.doctors[0].e, of_doctor, &doctor, NULL),
                     BCEMR_OK);
}

static bcemr_verdict check_server(void)
{
    bcemr_hash mac;
    assert_int_equal(bcemr_group_mac(&server, &bcemr_type_mac_server, &mac), BCEMR_OK);
    return bcemr_group_mac_check(&doctor, &bcemr_type_mac_server, &mac, NULL);
}

static bcemr_verdict check_doctor(void)
{
    bcemr_hash mac;
    assert_int_equal(bcemr_group_mac(&doctor, &bcemr_type_mac_doctor, &mac), BCEMR_OK);
    return bcemr_group_mac_check(&server, &bcemr_type_mac_doctor, &mac, NULL);
}

/* ---- keys and MACs ---- */

static void both_sides_agree(void **state)
{
    (void)state;
    uint8_t shared[96], keys[96], length[8];
    bcemr_buf info = BCEMR_BUF_EMPTY, transcript = BCEMR_BUF_EMPTY;
    derive_both(&run, &run);
    assert_memory_equal(&server, &doctor, sizeof server);
    assert_int_equal(check_server(), BCEMR_VALID);
    assert_int_equal(check_doctor(), BCEMR_VALID);
    /* The derivation spelt out. */
    assert_int_equal(crypto_scalarmult(shared, a.b, run.doctor_once.b), 0);
    assert_int_equal(crypto_scalarmult(shared + 32, s.hospital.e.b, run.doctor_once.b), 0);
    assert_int_equal(crypto_scalarmult(shared + 64, a.b, run.doctor_key.b), 0);
    assert_int_equal(bcemr_write_group(&run, &transcript, NULL), BCEMR_OK);
    bcemr_store_u64(length, 96);
    const bcemr_span fields[] = {bcemr_buf_span(&transcript), bcemr_span_of(length, 8)};
    assert_int_equal(bcemr_write_fields("group", fields, 2, &info), BCEMR_OK);
    core_hkdf(bcemr_text("BCEMR-V1"), bcemr_span_of(shared, 96), bcemr_buf_span(&info), keys, 96);
    assert_memory_equal(server.auth.b, keys, 32);
    assert_memory_equal(server.wrap.b, keys + 32, 32);
    assert_memory_equal(server.pair.b, keys + 64, 32);
    bcemr_buf_free(&info);
    bcemr_buf_free(&transcript);
}

/* Whatever differs in what the two sides saw, neither MAC holds. */
static void a_changed_transcript_shows(void **state)
{
    (void)state;
    sample strange;
    bcemr_tr_group changed[7];
    sample_begin(&strange);
    strange.visit.reissues = 4;
    sample_encode(&strange);
    for (size_t i = 0; i < 7; i++)
        changed[i] = run;
    changed[0].visit = bcemr_buf_span(&strange.encoded);
    changed[1].order.b[31] ^= 1;
    changed[2].server = s.publics[1].e;
    changed[3].server_once = s.publics[1].e;
    changed[4].doctor = s.team[1].doctor;
    changed[5].doctor_key = s.publics[1].e;
    changed[6].doctor_once = s.publics[1].e;
    for (size_t i = 0; i < 7; i++) {
        derive_both(&run, &changed[i]);
        assert_int_equal(check_server(), BCEMR_BAD_SERVER_MAC);
        assert_int_equal(check_doctor(), BCEMR_BAD_DOCTOR_MAC);
        derive_both(&changed[i], &run);
        assert_int_equal(check_server(), BCEMR_BAD_SERVER_MAC);
        assert_int_equal(check_doctor(), BCEMR_BAD_DOCTOR_MAC);
    }
    bcemr_buf_free(&strange.encoded);
}

/* In the middle with keys of one's own: each side's lasting key is missing. */
static void nobody_takes_a_side(void **state)
{
    (void)state;
    derive_both(&run, &run);
    assert_int_equal(bcemr_group_keys_server(&a, &s.doctors[1].e, &run, &server, NULL), BCEMR_OK);
    assert_int_equal(check_server(), BCEMR_BAD_SERVER_MAC);
    derive_both(&run, &run);
    assert_int_equal(bcemr_group_keys_doctor(&b, &s.doctors[1].e, &run, &doctor, NULL), BCEMR_OK);
    assert_int_equal(check_doctor(), BCEMR_BAD_DOCTOR_MAC);
    derive_both(&run, &run);
    assert_int_equal(bcemr_group_keys_server(&b, &s.hospital.e, &run, &server, NULL), BCEMR_OK);
    assert_int_equal(check_server(), BCEMR_BAD_SERVER_MAC); /* another run's one-time key */
}

static void wrong_macs(void **state)
{
    (void)state;
    bcemr_hash mac, right;
    bcemr_error err = {0};
    derive_both(&run, &run);
    assert_int_equal(bcemr_group_mac(&server, &bcemr_type_mac_server, &right), BCEMR_OK);
    for (unsigned i = 0; i < 256; i++) {
        mac = right;
        mac.b[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(bcemr_group_mac_check(&doctor, &bcemr_type_mac_server, &mac, &err),
                         BCEMR_BAD_SERVER_MAC);
        assert_int_equal(err.verdict, BCEMR_BAD_SERVER_MAC);
    }
    /* The server's, sent back as the doctor's. */
    assert_int_equal(bcemr_group_mac_check(&server, &bcemr_type_mac_doctor, &right, NULL),
                     BCEMR_BAD_DOCTOR_MAC);
    bcemr_switch_off(BCEMR_BAD_SERVER_MAC);
    assert_int_equal(bcemr_group_mac_check(&doctor, &bcemr_type_mac_server, &mac, NULL),
                     BCEMR_VALID);
    bcemr_switch_all_on();
    assert_int_equal(bcemr_group_mac(&server, &bcemr_type_gk, &mac), BCEMR_E_ARGUMENT);
    assert_true(sodium_is_zero(mac.b, sizeof mac.b));
    assert_int_equal(bcemr_group_mac_check(&server, &bcemr_type_gk, &mac, &err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_ARGUMENT);
}

/* Points that would make a secret out of nothing, or that have two encodings. */
static void bad_points_end_the_run(void **state)
{
    (void)state;
    static const struct {
        uint8_t first, middle, last;
        bcemr_status status;
    } points[] = {
        {0, 0, 0, BCEMR_E_X25519_SMALL_ORDER},          {1, 0, 0, BCEMR_E_X25519_SMALL_ORDER},
        {0xec, 0xff, 0x7f, BCEMR_E_X25519_SMALL_ORDER}, {0xed, 0xff, 0x7f, BCEMR_E_X25519_ENCODING},
        {0xee, 0xff, 0x7f, BCEMR_E_X25519_ENCODING},    {9, 0, 0x80, BCEMR_E_X25519_ENCODING},
    };
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        bcemr_x25519_raw bad;
        memset(bad.b, points[i].middle, sizeof bad.b);
        bad.b[0] = points[i].first;
        bad.b[31] = points[i].last;
        for (unsigned which = 0; which < 4; which++) {
            bcemr_tr_group t = run;
            bcemr_group_keys keys;
            bcemr_status status;
            memset(&keys, 1, sizeof keys);
            bcemr_x25519_raw *const fields[] = {&t.doctor_once, &t.doctor_key, &t.server_once,
                                                &t.server};
            *fields[which] = bad;
            if (which < 2)
                status = bcemr_group_keys_server(&a, &s.hospital.e, &t, &keys, NULL);
            else
                status = bcemr_group_keys_doctor(&b, &s.doctors[0].e, &t, &keys, NULL);
            assert_int_equal(status, points[i].status);
            assert_true(sodium_is_zero((const unsigned char *)&keys, sizeof keys));
        }
    }
    static const char *const names[] = {"doctor_once", "server"};
    bcemr_error err = {0};
    memset(run.doctor_once.b, 0, 32);
    memset(run.server.b, 0, 32);
    assert_int_not_equal(bcemr_group_keys_server(&a, &s.hospital.e, &run, &server, &err), BCEMR_OK);
    assert_string_equal(err.field, names[0]);
    assert_int_not_equal(bcemr_group_keys_doctor(&b, &s.doctors[0].e, &run, &doctor, &err),
                         BCEMR_OK);
    assert_string_equal(err.field, names[1]);
}

/* ---- the wrapped key ---- */

static void the_group_key_arrives(void **state)
{
    (void)state;
    const bcemr_tr_gk gk = {{{0x6b, 0x01}}, 2};
    bcemr_tr_gk got;
    derive_both(&run, &run);
    assert_int_equal(bcemr_group_key_wrap(&server, &run, &gk, &out, NULL), BCEMR_OK);
    assert_int_equal(bcemr_group_key_unwrap(&doctor, &run, bcemr_buf_span(&out), &got, NULL),
                     BCEMR_OK);
    assert_memory_equal(&gk, &got, sizeof gk);
    for (uint64_t i = 0; i < out.n; i++) {
        bcemr_error err = {0};
        out.p[i] ^= 0x20;
        assert_int_equal(bcemr_group_key_unwrap(&doctor, &run, bcemr_buf_span(&out), &got, &err),
                         BCEMR_E_REFUSED);
        assert_int_equal(err.verdict, BCEMR_BAD_SEALED_MESSAGE);
        assert_true(sodium_is_zero((const unsigned char *)&got, sizeof got));
        out.p[i] ^= 0x20;
        assert_int_equal(bcemr_group_key_unwrap(&doctor, &run, bcemr_span_of(out.p, i), &got, NULL),
                         BCEMR_E_REFUSED);
    }
}

static void a_group_key_of_another_run(void **state)
{
    (void)state;
    const bcemr_tr_gk gk = {{{0x6b}}, 0};
    bcemr_tr_gk got;
    bcemr_tr_group later = run;
    bcemr_group_keys kept;
    derive_both(&run, &run);
    assert_int_equal(bcemr_group_key_wrap(&server, &run, &gk, &out, NULL), BCEMR_OK);
    kept = doctor;
    assert_int_equal(bcemr_x25519_once(&b, &later.doctor_once), BCEMR_OK);
    derive_both(&later, &later);
    bcemr_span box = bcemr_buf_span(&out);
    assert_int_equal(bcemr_group_key_unwrap(&doctor, &later, box, &got, NULL), BCEMR_E_REFUSED);
    assert_int_equal(bcemr_group_key_unwrap(&doctor, &run, box, &got, NULL), BCEMR_E_REFUSED);
    assert_int_equal(bcemr_group_key_unwrap(&kept, &later, box, &got, NULL), BCEMR_E_REFUSED);
    /* The associated data alone stops the last: without the check it gives the key. */
    bcemr_switch_off(BCEMR_BAD_SEALED_MESSAGE);
    assert_int_equal(bcemr_group_key_unwrap(&kept, &later, box, &got, NULL), BCEMR_OK);
    assert_memory_equal(&gk, &got, sizeof gk);
    assert_int_equal(bcemr_group_key_unwrap(&doctor, &later, box, &got, NULL),
                     BCEMR_E_TRUNCATED); /* it decrypts to nothing that reads */
    assert_int_equal(bcemr_group_key_unwrap(&doctor, &later, bcemr_span_of(out.p, 3), &got, NULL),
                     BCEMR_E_TRUNCATED);
}

/* ---- AEAD ---- */

static void assert_box_refused(const bcemr_key *key, bcemr_span ad, bcemr_span box)
{
    bcemr_error err = {0};
    bcemr_buf got = BCEMR_BUF_EMPTY;
    assert_int_equal(bcemr_buf_append(&got, bcemr_text("kept")), BCEMR_OK);
    assert_int_equal(bcemr_aead_open(key, ad, box, BCEMR_BAD_WRAPPED, &got, &err), BCEMR_E_REFUSED);
    assert_int_equal(err.verdict, BCEMR_BAD_WRAPPED);
    assert_int_equal(got.n, 4);
    assert_memory_equal(got.p, "kept", 4);
    assert_true(sodium_is_zero(got.p + 4, (size_t)(got.capacity - 4)));
    bcemr_buf_free(&got);
}

static void boxes(void **state)
{
    (void)state;
    const bcemr_key key = {{1}}, wrong = {{2}};
    const bcemr_span ad = bcemr_text("ad"), message = bcemr_text("a message");
    bcemr_buf got = BCEMR_BUF_EMPTY;
    assert_int_equal(bcemr_aead_seal(&key, ad, message, &out, NULL), BCEMR_OK);
    assert_int_equal(out.n, 24 + message.n + 16);
    bcemr_span box = bcemr_buf_span(&out);
    assert_int_equal(bcemr_aead_open(&key, ad, box, BCEMR_BAD_WRAPPED, &got, NULL), BCEMR_OK);
    assert_true(bcemr_span_equal(bcemr_buf_span(&got), message));
    for (uint64_t i = 0; i < out.n; i++) {
        out.p[i] ^= 1;
        assert_box_refused(&key, ad, box);
        out.p[i] ^= 1;
        assert_box_refused(&key, ad, bcemr_span_of(out.p, i));
    }
    assert_box_refused(&wrong, ad, box);
    assert_box_refused(&key, bcemr_text("aD"), box);
    assert_box_refused(&key, (bcemr_span){NULL, 0}, box);
    assert_box_refused(&key, ad, (bcemr_span){NULL, 0});
    bcemr_buf_clear(&got);
    assert_int_equal(bcemr_aead_seal(&key, ad, message, &got, NULL), BCEMR_OK);
    assert_memory_not_equal(got.p, out.p, 24); /* a fresh nonce */
    bcemr_buf_free(&got);
}

static void empty_boxes_and_switched_off_checks(void **state)
{
    (void)state;
    const bcemr_key key = {{1}};
    const bcemr_span none = {NULL, 0};
    bcemr_buf got = BCEMR_BUF_EMPTY;
    assert_int_equal(bcemr_aead_seal(&key, none, none, &out, NULL), BCEMR_OK);
    assert_int_equal(
        bcemr_aead_open(&key, none, bcemr_buf_span(&out), BCEMR_BAD_WRAPPED, &got, NULL), BCEMR_OK);
    assert_int_equal(got.n, 0);
    bcemr_switch_off(BCEMR_BAD_WRAPPED);
    assert_int_equal(bcemr_aead_open(&key, none, none, BCEMR_BAD_WRAPPED, &got, NULL), BCEMR_OK);
    assert_int_equal(got.n, 0);
    bcemr_buf_clear(&out);
    assert_int_equal(bcemr_aead_seal(&key, none, bcemr_text("text"), &out, NULL), BCEMR_OK);
    out.p[out.n - 1] ^= 1;
    bcemr_span box = bcemr_buf_span(&out);
    assert_int_equal(bcemr_aead_open(&key, none, box, BCEMR_BAD_CHUNK, &got, NULL),
                     BCEMR_E_REFUSED);
    assert_int_equal(bcemr_aead_open(&key, none, box, BCEMR_BAD_WRAPPED, &got, NULL), BCEMR_OK);
    assert_true(bcemr_span_equal(bcemr_buf_span(&got), bcemr_text("text")));
    bcemr_buf_free(&got);
}

/* ---- messages under GK ---- */

static void messages(void **state)
{
    (void)state;
    const bcemr_key gk = {{3}};
    const bcemr_tr_msg ad = {s.vid, 1, s.team[0].doctor, 1, 0};
    bcemr_tr_msg changed[5] = {ad, ad, ad, ad, ad};
    bcemr_buf got = BCEMR_BUF_EMPTY;
    changed[0].vid.b[0] ^= 1;
    changed[1].epoch = 2;
    changed[2].sender = s.team[1].doctor;
    changed[3].position = 2;
    changed[4].k = 1;
    assert_int_equal(bcemr_message_seal(&gk, &ad, bcemr_text("m"), &out, NULL), BCEMR_OK);
    bcemr_span box = bcemr_buf_span(&out);
    assert_int_equal(bcemr_message_open(&gk, &ad, box, &got, NULL), BCEMR_OK);
    assert_true(bcemr_span_equal(bcemr_buf_span(&got), bcemr_text("m")));
    for (size_t i = 0; i < 5; i++) {
        bcemr_error err = {0};
        assert_int_equal(bcemr_message_open(&gk, &changed[i], box, &got, &err), BCEMR_E_REFUSED);
        assert_int_equal(err.verdict, BCEMR_BAD_SEALED_MESSAGE);
        assert_int_equal(got.n, 1);
    }
    bcemr_buf_free(&got);
}

static void long_messages_are_not_boxes(void **state)
{
    (void)state;
    static const uint8_t bytes[65537 + 40];
    const bcemr_key gk = {{3}};
    const bcemr_tr_msg ad = {s.vid, 1, s.team[0].doctor, 1, 0};
    bcemr_buf got = BCEMR_BUF_EMPTY;
    assert_int_equal(bcemr_message_seal(&gk, &ad, bcemr_span_of(bytes, 65536), &out, NULL),
                     BCEMR_OK);
    assert_int_equal(bcemr_message_open(&gk, &ad, bcemr_buf_span(&out), &got, NULL), BCEMR_OK);
    assert_int_equal(got.n, 65536);
    assert_int_equal(bcemr_message_seal(&gk, &ad, bcemr_span_of(bytes, 65537), &out, NULL),
                     BCEMR_E_TOO_LONG);
    assert_int_equal(bcemr_message_open(&gk, &ad, bcemr_span_of(bytes, sizeof bytes), &got, NULL),
                     BCEMR_E_TOO_LONG);
    bcemr_buf_free(&got);
}

static void keys_of_long_messages(void **state)
{
    (void)state;
    const bcemr_key gk = {{3}}, other_gk = {{4}};
    const bcemr_nonce n = {{5}}, other_n = {{6}};
    const bcemr_tr_msg ad = {s.vid, 1, s.team[0].doctor, 1, 0};
    bcemr_tr_msg other_ad = ad;
    bcemr_buf encoded = BCEMR_BUF_EMPTY, info = BCEMR_BUF_EMPTY;
    bcemr_key key, due;
    other_ad.position = 3;
    assert_int_equal(bcemr_message_stream_key(&gk, &ad, &n, &key, &out, NULL), BCEMR_OK);
    assert_int_equal(bcemr_write_msg(&ad, &encoded, NULL), BCEMR_OK);
    const bcemr_span fields[] = {bcemr_buf_span(&encoded), bcemr_span_of(n.b, 32)};
    assert_int_equal(bcemr_tuple(fields, 2, &info), BCEMR_OK);
    assert_int_equal(bcemr_kdf("msg", bcemr_span_of(gk.b, 32), bcemr_buf_span(&info), due.b, 32),
                     BCEMR_OK);
    assert_memory_equal(key.b, due.b, 32);
    bcemr_buf_clear(&info);
    assert_int_equal(bcemr_write_fields("msg-chunk", fields, 2, &info), BCEMR_OK);
    assert_true(bcemr_span_equal(bcemr_buf_span(&info), bcemr_buf_span(&out)));
    assert_int_equal(bcemr_message_stream_key(&other_gk, &ad, &n, &due, &out, NULL), BCEMR_OK);
    assert_memory_not_equal(key.b, due.b, 32);
    assert_int_equal(bcemr_message_stream_key(&gk, &other_ad, &n, &due, &out, NULL), BCEMR_OK);
    assert_memory_not_equal(key.b, due.b, 32);
    assert_int_equal(bcemr_message_stream_key(&gk, &ad, &other_n, &due, &out, NULL), BCEMR_OK);
    assert_memory_not_equal(key.b, due.b, 32);
    bcemr_buf_free(&info);
    bcemr_buf_free(&encoded);
}

/* ---- messages under k_pair ---- */

static void assert_pair_refused(const bcemr_key *key, const bcemr_hash *vid,
                                bcemr_direction direction, uint64_t counter, const char *field)
{
    bcemr_buf got = BCEMR_BUF_EMPTY;
    bcemr_error err = {0};
    assert_int_equal(
        bcemr_pair_open(key, vid, direction, counter, bcemr_buf_span(&out), &got, &err),
        BCEMR_E_REFUSED);
    assert_int_equal(err.verdict, BCEMR_BAD_SEALED_MESSAGE);
    assert_string_equal(err.field, field);
    assert_int_equal(got.n, 0);
    bcemr_buf_free(&got);
}

static void pairs(void **state)
{
    (void)state;
    const bcemr_key key = {{7}}, wrong = {{8}};
    const bcemr_hash other = {{1}};
    const bcemr_direction there = BCEMR_direction_TO_SERVER, back = BCEMR_direction_TO_DOCTOR;
    bcemr_buf got = BCEMR_BUF_EMPTY;
    assert_int_equal(bcemr_pair_seal(&key, &s.vid, there, 5, bcemr_text("r"), &out, NULL),
                     BCEMR_OK);
    assert_int_equal(bcemr_pair_open(&key, &s.vid, there, 5, bcemr_buf_span(&out), &got, NULL),
                     BCEMR_OK);
    assert_true(bcemr_span_equal(bcemr_buf_span(&got), bcemr_text("r")));
    bcemr_buf_free(&got);
    assert_pair_refused(&key, &s.vid, back, 5, "direction"); /* sent back to who sent it */
    assert_pair_refused(&key, &s.vid, there, 6, "counter");  /* sent again */
    assert_pair_refused(&key, &s.vid, there, 4, "counter");  /* one was left out */
    assert_pair_refused(&key, &other, there, 5, "box");      /* of another visit */
    assert_pair_refused(&wrong, &s.vid, there, 5, "box");    /* of another doctor */
    bcemr_switch_off(BCEMR_BAD_SEALED_MESSAGE);
    assert_int_equal(bcemr_pair_open(&key, &s.vid, back, 9, bcemr_buf_span(&out), &got, NULL),
                     BCEMR_OK);
    assert_true(bcemr_span_equal(bcemr_buf_span(&got), bcemr_text("r")));
    bcemr_buf_free(&got);
}

/* Who changes direction and counter outside the box finds them in its associated data, too. */
static void relabelled_pairs(void **state)
{
    (void)state;
    const bcemr_key key = {{7}};
    bcemr_tr_pair_box box;
    bcemr_buf kept = BCEMR_BUF_EMPTY;
    assert_int_equal(
        bcemr_pair_seal(&key, &s.vid, BCEMR_direction_TO_SERVER, 5, bcemr_text("r"), &kept, NULL),
        BCEMR_OK);
    assert_int_equal(bcemr_read_pair_box(bcemr_buf_span(&kept), &box, NULL), BCEMR_OK);
    box.counter = 6;
    assert_int_equal(bcemr_write_pair_box(&box, &out, NULL), BCEMR_OK);
    assert_pair_refused(&key, &s.vid, BCEMR_direction_TO_SERVER, 6, "box");
    box.counter = 5;
    box.direction = BCEMR_direction_TO_DOCTOR;
    bcemr_buf_clear(&out);
    assert_int_equal(bcemr_write_pair_box(&box, &out, NULL), BCEMR_OK);
    assert_pair_refused(&key, &s.vid, BCEMR_direction_TO_DOCTOR, 5, "box");
    for (uint64_t i = 0; i < kept.n; i++) {
        bcemr_buf got = BCEMR_BUF_EMPTY;
        kept.p[i] ^= 1;
        assert_int_not_equal(bcemr_pair_open(&key, &s.vid, BCEMR_direction_TO_SERVER, 5,
                                             bcemr_buf_span(&kept), &got, NULL),
                             BCEMR_OK);
        assert_int_equal(got.n, 0);
        kept.p[i] ^= 1;
        bcemr_buf_free(&got);
    }
    bcemr_buf_free(&kept);
    assert_int_equal(bcemr_pair_seal(&key, &s.vid, BCEMR_direction_TO_SERVER, (uint64_t)1 << 32,
                                     bcemr_text("r"), &out, NULL),
                     BCEMR_E_INTEGER_RANGE);
    assert_int_equal(
        bcemr_pair_seal(&key, &s.vid, (bcemr_direction)3, 0, bcemr_text("r"), &out, NULL),
        BCEMR_E_UNKNOWN_VALUE);
}

/* ---- sealed boxes ---- */

static void sealed_boxes(void **state)
{
    (void)state;
    const bcemr_x25519_raw small = {{0}};
    bcemr_buf got = BCEMR_BUF_EMPTY;
    bcemr_error err = {0};
    assert_int_equal(bcemr_sealed_box(&s.publics[0].box, bcemr_text("gs"), &out, NULL), BCEMR_OK);
    bcemr_span box = bcemr_buf_span(&out);
    assert_int_equal(bcemr_sealed_box_open(&s.doctors[0].box, box, BCEMR_BAD_WRAPPED, &got, NULL),
                     BCEMR_OK);
    assert_true(bcemr_span_equal(bcemr_buf_span(&got), bcemr_text("gs")));
    bcemr_buf_clear(&got);
    assert_int_equal(bcemr_sealed_box_open(&s.doctors[1].box, box, BCEMR_BAD_WRAPPED, &got, &err),
                     BCEMR_E_REFUSED);
    assert_int_equal(err.verdict, BCEMR_BAD_WRAPPED);
    for (uint64_t i = 0; i < box.n; i++) {
        out.p[i] ^= 1;
        assert_int_equal(
            bcemr_sealed_box_open(&s.doctors[0].box, box, BCEMR_BAD_WRAPPED, &got, NULL),
            BCEMR_E_REFUSED);
        out.p[i] ^= 1;
        assert_int_equal(bcemr_sealed_box_open(&s.doctors[0].box, bcemr_span_of(out.p, i),
                                               BCEMR_BAD_WRAPPED, &got, NULL),
                         BCEMR_E_REFUSED);
    }
    assert_int_equal(got.n, 0);
    assert_int_equal(bcemr_sealed_box(&small, bcemr_text("gs"), &got, &err),
                     BCEMR_E_X25519_SMALL_ORDER);
    assert_int_equal(got.n, 0);
    assert_int_equal(bcemr_sealed_box(&s.publics[0].box, (bcemr_span){NULL, 0}, &got, NULL),
                     BCEMR_OK);
    bcemr_buf_clear(&out);
    assert_int_equal(bcemr_sealed_box_open(&s.doctors[0].box, bcemr_buf_span(&got),
                                           BCEMR_BAD_WRAPPED, &out, NULL),
                     BCEMR_OK);
    assert_int_equal(out.n, 0);
    bcemr_buf_free(&got);
}

/* What stands in the buffer stays before what is sealed or opened. */
static void sealing_and_opening_append(void **state)
{
    (void)state;
    const bcemr_key key = {{7}};
    const bcemr_tr_gk gk = {{{0x6b}}, 1};
    bcemr_tr_gk got_key;
    bcemr_buf got = BCEMR_BUF_EMPTY;
    derive_both(&run, &run);
    assert_int_equal(bcemr_buf_append(&got, bcemr_text("ab")), BCEMR_OK);
    assert_int_equal(bcemr_buf_append(&out, bcemr_text("c")), BCEMR_OK);
    assert_int_equal(bcemr_group_key_wrap(&server, &run, &gk, &out, NULL), BCEMR_OK);
    assert_int_equal(out.p[0], 'c');
    assert_int_equal(
        bcemr_group_key_unwrap(&doctor, &run, bcemr_span_of(out.p + 1, out.n - 1), &got_key, NULL),
        BCEMR_OK);
    uint64_t n = out.n;
    assert_int_equal(
        bcemr_pair_seal(&key, &s.vid, BCEMR_direction_TO_SERVER, 1, bcemr_text("r"), &out, NULL),
        BCEMR_OK);
    assert_int_equal(bcemr_pair_open(&key, &s.vid, BCEMR_direction_TO_SERVER, 1,
                                     bcemr_span_of(out.p + n, out.n - n), &got, NULL),
                     BCEMR_OK);
    n = out.n;
    assert_int_equal(bcemr_sealed_box(&s.publics[0].box, bcemr_text("s"), &out, NULL), BCEMR_OK);
    assert_int_equal(bcemr_sealed_box_open(&s.doctors[0].box, bcemr_span_of(out.p + n, out.n - n),
                                           BCEMR_BAD_WRAPPED, &got, NULL),
                     BCEMR_OK);
    n = out.n;
    assert_int_equal(bcemr_aead_seal(&key, (bcemr_span){NULL, 0}, bcemr_text("t"), &out, NULL),
                     BCEMR_OK);
    assert_int_equal(bcemr_aead_open(&key, (bcemr_span){NULL, 0},
                                     bcemr_span_of(out.p + n, out.n - n), BCEMR_BAD_WRAPPED, &got,
                                     NULL),
                     BCEMR_OK);
    assert_true(bcemr_span_equal(bcemr_buf_span(&got), bcemr_text("abrst")));
    bcemr_buf_free(&got);
}

/* ---- memory ---- */

static bcemr_status fresh(bcemr_status status)
{
    bcemr_buf_free(&out);
    return status;
}

static void without_memory(void **state)
{
    (void)state;
    const bcemr_key key = {{7}};
    const bcemr_tr_gk gk = {{{0x6b}}, 0};
    const bcemr_tr_msg ad = {s.vid, 1, s.team[0].doctor, 1, 0};
    const bcemr_nonce n = {{1}};
    const bcemr_span m = bcemr_text("m"), none = {NULL, 0};
    bcemr_tr_gk got;
    bcemr_key derived;
    bcemr_hash mac;
    bcemr_error err;
    STATUS_WITHOUT_MEMORY(bcemr_group_keys_server(&a, &s.hospital.e, &run, &server, &err));
    STATUS_WITHOUT_MEMORY(bcemr_group_keys_doctor(&b, &s.doctors[0].e, &run, &doctor, &err));
    STATUS_WITHOUT_MEMORY(bcemr_group_mac(&server, &bcemr_type_mac_server, &mac));
    VERDICT_WITHOUT_MEMORY(bcemr_group_mac_check(&doctor, &bcemr_type_mac_server, &mac, &err));
    STATUS_WITHOUT_MEMORY(fresh(bcemr_group_key_wrap(&server, &run, &gk, &out, &err)));
    assert_int_equal(bcemr_group_key_wrap(&server, &run, &gk, &out, NULL), BCEMR_OK);
    STATUS_WITHOUT_MEMORY(bcemr_group_key_unwrap(&doctor, &run, bcemr_buf_span(&out), &got, &err));
    STATUS_WITHOUT_MEMORY(fresh(bcemr_aead_seal(&key, none, m, &out, &err)));
    STATUS_WITHOUT_MEMORY(fresh(bcemr_message_seal(&key, &ad, m, &out, &err)));
    STATUS_WITHOUT_MEMORY(fresh(bcemr_message_stream_key(&key, &ad, &n, &derived, &out, &err)));
    STATUS_WITHOUT_MEMORY(fresh(bcemr_sealed_box(&s.publics[0].box, m, &out, &err)));
    STATUS_WITHOUT_MEMORY(
        fresh(bcemr_pair_seal(&key, &s.vid, BCEMR_direction_TO_SERVER, 1, m, &out, &err)));
    bcemr_buf box = BCEMR_BUF_EMPTY;
    assert_int_equal(bcemr_pair_seal(&key, &s.vid, BCEMR_direction_TO_SERVER, 1, m, &box, NULL),
                     BCEMR_OK);
    STATUS_WITHOUT_MEMORY(fresh(bcemr_pair_open(&key, &s.vid, BCEMR_direction_TO_SERVER, 1,
                                                bcemr_buf_span(&box), &out, &err)));
    bcemr_buf_clear(&box);
    assert_int_equal(bcemr_message_seal(&key, &ad, m, &box, NULL), BCEMR_OK);
    STATUS_WITHOUT_MEMORY(fresh(bcemr_message_open(&key, &ad, bcemr_buf_span(&box), &out, &err)));
    bcemr_buf_clear(&box);
    assert_int_equal(bcemr_sealed_box(&s.publics[0].box, m, &box, NULL), BCEMR_OK);
    STATUS_WITHOUT_MEMORY(fresh(bcemr_sealed_box_open(&s.doctors[0].box, bcemr_buf_span(&box),
                                                      BCEMR_BAD_WRAPPED, &out, &err)));
    bcemr_buf_free(&box);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_sides_agree),
        TEST(a_changed_transcript_shows),
        TEST(nobody_takes_a_side),
        TEST(wrong_macs),
        TEST(bad_points_end_the_run),
        TEST(the_group_key_arrives),
        TEST(a_group_key_of_another_run),
        TEST(boxes),
        TEST(empty_boxes_and_switched_off_checks),
        TEST(messages),
        TEST(long_messages_are_not_boxes),
        TEST(keys_of_long_messages),
        TEST(pairs),
        TEST(relabelled_pairs),
        TEST(sealed_boxes),
        TEST(sealing_and_opening_append),
        TEST(without_memory),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
