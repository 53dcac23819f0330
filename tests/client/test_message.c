/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of any length under the group key: both forms, their border, and what must not open. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "wire/fault.h"

#include <bcemr/hash.h>
#include <bcemr/message.h>

static bcemr_key gk = {{7}}, other = {{8}};
static bcemr_hash vid = {{1}};
static bcemr_tr_msg place, elsewhere;
static uint8_t text[5 * BCEMR_CHUNK];

static int begin(void **state)
{
    (void)state;
    bcemr_context *context = NULL;
    if (bcemr_context_new(&context) != BCEMR_OK) /* the random source */
        return -1;
    bcemr_context_free(context);
    place = (bcemr_tr_msg){vid, 0, bcemr_text("doctor"), 1, 0};
    elsewhere = (bcemr_tr_msg){vid, 1, bcemr_text("doctor"), 1, 0};
    for (uint64_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 131 >> 3);
    return 0;
}

static bcemr_status seal(uint64_t n, bcemr_buf *out)
{
    const bcemr_span bytes = {text, n};
    const bcemr_source source = bcemr_source_bytes(&bytes);
    const bcemr_sink sink = bcemr_sink_buffer(out);
    bcemr_buf_clear(out);
    return bcemr_long_message_seal(&gk, &place, &source, NULL, &sink, NULL);
}

static bcemr_status open_with(const bcemr_key *key, const bcemr_tr_msg *ad, const bcemr_buf *sealed,
                              bcemr_buf *out)
{
    const bcemr_span bytes = bcemr_buf_span(sealed);
    const bcemr_source source = bcemr_source_bytes(&bytes);
    const bcemr_sink sink = bcemr_sink_buffer(out);
    bcemr_error err = {0};
    bcemr_buf_clear(out);
    bcemr_status status = bcemr_long_message_open(key, ad, &source, NULL, &sink, &err);
    if (status == BCEMR_E_REFUSED)
        assert_string_equal(bcemr_verdict_name(err.verdict), "BAD_SEALED_MESSAGE");
    return status;
}

static const uint64_t lengths[] = {0,
                                   1,
                                   BCEMR_MESSAGE_SHORT - 1,
                                   BCEMR_MESSAGE_SHORT,
                                   BCEMR_MESSAGE_SHORT + 1,
                                   2 * BCEMR_CHUNK,
                                   2 * BCEMR_CHUNK + 1,
                                   5 * BCEMR_CHUNK};
#define LENGTHS (sizeof lengths / sizeof lengths[0])

static void gives_back_what_it_took(void **state)
{
    (void)state;
    bcemr_buf sealed = BCEMR_BUF_EMPTY, plain = BCEMR_BUF_EMPTY;
    for (size_t i = 0; i < LENGTHS; i++) {
        uint64_t plain_length = 99;
        assert_int_equal(seal(lengths[i], &sealed), BCEMR_OK);
        assert_int_equal(sealed.n, bcemr_long_message_length(lengths[i]));
        assert_true(bcemr_long_message_plain_length(sealed.n, &plain_length));
        assert_int_equal(plain_length, lengths[i]);
        assert_int_equal(open_with(&gk, &place, &sealed, &plain), BCEMR_OK);
        assert_int_equal(plain.n, lengths[i]);
        if (plain.n > 0)
            assert_memory_equal(plain.p, text, plain.n);
    }
    bcemr_buf_free(&sealed);
    bcemr_buf_free(&plain);
}

static void opens_only_under_its_key_and_place(void **state)
{
    (void)state;
    bcemr_buf sealed = BCEMR_BUF_EMPTY, plain = BCEMR_BUF_EMPTY;
    for (size_t i = 0; i < LENGTHS; i++) {
        assert_int_equal(seal(lengths[i], &sealed), BCEMR_OK);
        assert_int_equal(open_with(&other, &place, &sealed, &plain), BCEMR_E_REFUSED);
        assert_int_equal(plain.n, 0);
        assert_int_equal(open_with(&gk, &elsewhere, &sealed, &plain), BCEMR_E_REFUSED);
        sealed.p[0] ^= 1; /* the nonce, or n */
        assert_int_equal(open_with(&gk, &place, &sealed, &plain), BCEMR_E_REFUSED);
        sealed.p[0] ^= 1;
        sealed.p[sealed.n - 1] ^= 1;
        assert_int_equal(open_with(&gk, &place, &sealed, &plain), BCEMR_E_REFUSED);
        sealed.n--;
        assert_int_equal(open_with(&gk, &place, &sealed, &plain), BCEMR_E_REFUSED);
    }
    bcemr_buf_free(&sealed);
    bcemr_buf_free(&plain);
}

/* A chunk left out, or two in the other order. */
static void keeps_every_chunk_in_its_place(void **state)
{
    (void)state;
    bcemr_buf sealed = BCEMR_BUF_EMPTY, plain = BCEMR_BUF_EMPTY;
    static uint8_t chunk[BCEMR_CHUNK_SEALED];
    assert_int_equal(seal(5 * BCEMR_CHUNK, &sealed), BCEMR_OK);
    memcpy(chunk, sealed.p + 32, sizeof chunk);
    memcpy(sealed.p + 32, sealed.p + 32 + sizeof chunk, sizeof chunk);
    memcpy(sealed.p + 32 + sizeof chunk, chunk, sizeof chunk);
    assert_int_equal(open_with(&gk, &place, &sealed, &plain), BCEMR_E_REFUSED);
    assert_int_equal(plain.n, 0);
    assert_int_equal(seal(5 * BCEMR_CHUNK, &sealed), BCEMR_OK);
    sealed.n -= BCEMR_CHUNK_SEALED;
    assert_int_equal(open_with(&gk, &place, &sealed, &plain), BCEMR_E_REFUSED);
    bcemr_buf_free(&sealed);
    bcemr_buf_free(&plain);
}

static void knows_lengths_that_no_message_has(void **state)
{
    (void)state;
    uint64_t n;
    assert_false(bcemr_long_message_plain_length(0, &n));
    assert_false(bcemr_long_message_plain_length(39, &n));
    assert_true(bcemr_long_message_plain_length(40, &n));
    assert_true(bcemr_long_message_plain_length(BCEMR_MESSAGE_BOX_MAX, &n));
    /* between the longest box and the shortest stream there is nothing */
    uint64_t shortest = bcemr_long_message_length(BCEMR_MESSAGE_SHORT + 1);
    for (uint64_t sealed = BCEMR_MESSAGE_BOX_MAX + 1; sealed < shortest; sealed++)
        assert_false(bcemr_long_message_plain_length(sealed, &n));
    assert_true(bcemr_long_message_plain_length(shortest, &n));
    for (uint64_t extra = 1; extra <= 16; extra++) /* a last chunk without a byte */
        assert_false(bcemr_long_message_plain_length(32 + 2 * BCEMR_CHUNK_SEALED + extra, &n));
}

static bcemr_status reseal(const bcemr_buf *sealed, const bcemr_key *from, bcemr_buf *out)
{
    const bcemr_span bytes = bcemr_buf_span(sealed);
    const bcemr_source source = bcemr_source_bytes(&bytes);
    const bcemr_sink sink = bcemr_sink_buffer(out);
    bcemr_buf_clear(out);
    return bcemr_long_message_reseal(from, &place, &other, &elsewhere, &source, NULL, &sink, NULL);
}

static void seals_anew_for_another_epoch(void **state)
{
    (void)state;
    bcemr_buf sealed = BCEMR_BUF_EMPTY, anew = BCEMR_BUF_EMPTY, plain = BCEMR_BUF_EMPTY;
    for (size_t i = 0; i < LENGTHS; i++) {
        assert_int_equal(seal(lengths[i], &sealed), BCEMR_OK);
        assert_int_equal(reseal(&sealed, &gk, &anew), BCEMR_OK);
        assert_int_equal(open_with(&gk, &place, &anew, &plain), BCEMR_E_REFUSED);
        assert_int_equal(open_with(&other, &elsewhere, &anew, &plain), BCEMR_OK);
        assert_int_equal(plain.n, lengths[i]);
        if (plain.n > 0)
            assert_memory_equal(plain.p, text, plain.n);
        assert_int_equal(reseal(&sealed, &other, &anew), BCEMR_E_REFUSED);
        sealed.p[sealed.n - 1] ^= 1;
        assert_int_equal(reseal(&sealed, &gk, &anew), BCEMR_E_REFUSED);
    }
    bcemr_buf_free(&sealed);
    bcemr_buf_free(&anew);
    bcemr_buf_free(&plain);
}

static void says_when_memory_runs_out(void **state)
{
    (void)state;
    bcemr_buf sealed = BCEMR_BUF_EMPTY, out = BCEMR_BUF_EMPTY;
    static const uint64_t n[] = {100, 3 * BCEMR_CHUNK};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(seal(n[i], &sealed), BCEMR_OK);
        bcemr_status status = BCEMR_E_NO_MEMORY;
        for (uint64_t at = 1; status != BCEMR_OK; at++) {
            bcemr_switch_fail_allocation(at);
            status = reseal(&sealed, &gk, &out);
            bcemr_switch_fail_allocation(0);
            assert_true(status == BCEMR_OK || status == BCEMR_E_NO_MEMORY);
            bcemr_buf_free(&out);
        }
    }
    bcemr_buf_free(&sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_it_took),
        cmocka_unit_test(opens_only_under_its_key_and_place),
        cmocka_unit_test(keeps_every_chunk_in_its_place),
        cmocka_unit_test(knows_lengths_that_no_message_has),
        cmocka_unit_test(seals_anew_for_another_epoch),
        cmocka_unit_test(says_when_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
