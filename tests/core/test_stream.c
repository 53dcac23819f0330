/* SPDX-License-Identifier: Apache-2.0 */
/* The payload stream: what it writes, and every way of tampering with it (section 5). */
#include "wire/fault.h"

#include <bcemr/hash.h>
#include <bcemr/record.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define CHUNKS_MAX 6
#define LONGEST (CHUNKS_MAX * BCEMR_CHUNK)

static uint8_t plain[LONGEST], sealed[CHUNKS_MAX * BCEMR_CHUNK_SEALED];
static uint8_t other[sizeof sealed], opened[LONGEST];
static bcemr_hash leaves[CHUNKS_MAX], again[CHUNKS_MAX];

static const bcemr_key dek = {{9}};
static const bcemr_hash vid = {{1, 2, 3}};
static const bcemr_ed_raw svk = {{4, 5, 6}};

static const uint64_t lengths[] = {1,
                                   100,
                                   BCEMR_CHUNK - 1,
                                   BCEMR_CHUNK,
                                   BCEMR_CHUNK + 1,
                                   3 * BCEMR_CHUNK,
                                   3 * BCEMR_CHUNK + 7,
                                   LONGEST - 1,
                                   LONGEST};
#define LENGTHS (sizeof lengths / sizeof lengths[0])

/* Runs jobs backwards, as no caller should rely on their order. */
static void run_backwards(void *user, void (*job)(void *argument, uint64_t index), void *argument,
                          uint64_t count)
{
    (*(uint64_t *)user) += count;
    while (count > 0)
        job(argument, --count);
}

static int fresh(void **state)
{
    (void)state;
    randombytes_buf(plain, sizeof plain);
    memset(sealed, 0, sizeof sealed);
    memset(opened, 0, sizeof opened);
    bcemr_switch_all_on();
    return 0;
}

static bcemr_stream stream_of(uint64_t length)
{
    bcemr_stream stream;
    assert_int_equal(bcemr_stream_payload(&dek, &vid, &svk, length, &stream, NULL), BCEMR_OK);
    return stream;
}

static void seal(const bcemr_stream *stream)
{
    assert_int_equal(bcemr_stream_seal(stream, 0, bcemr_span_of(plain, stream->length), NULL,
                                       sealed, leaves, NULL),
                     BCEMR_OK);
}

static bcemr_status open_from(const bcemr_stream *stream, uint64_t first, bcemr_span in,
                              bcemr_error *err)
{
    return bcemr_stream_open(stream, first, in, NULL, BCEMR_BAD_CHUNK, opened, NULL, err);
}

/* What section 5 says of one chunk, spelt out. */
static void slow_chunk(uint64_t length, uint64_t chunk, uint8_t *out, uint64_t *n)
{
    static const uint8_t label[] = "\5\0\0\0\0\0\0\0chunk";
    uint8_t nonce[24] = {0}, ad[13 + 8 + 32 + 8 + 32] = {0};
    memcpy(ad, label, 13);
    ad[13] = 32;
    memcpy(ad + 21, vid.b, 32);
    ad[53] = 32;
    memcpy(ad + 61, svk.b, 32);
    *n = length - chunk * 65536 < 65536 ? length - chunk * 65536 : 65536;
    nonce[0] = (uint8_t)chunk;
    nonce[23] = chunk * 65536 + *n == length;
    crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain + chunk * 65536, *n, ad, sizeof ad,
                                               NULL, nonce, dek.b);
    *n += 16;
}

static void chunks_are_as_specified(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTHS; i++) {
        bcemr_stream stream = stream_of(lengths[i]);
        uint64_t total = 0, n = 0, chunks = bcemr_stream_chunks(&stream);
        assert_int_equal(chunks, (lengths[i] + 65535) / 65536);
        seal(&stream);
        for (uint64_t k = 0; k < chunks; k++, total += n) {
            bcemr_hash leaf;
            slow_chunk(lengths[i], k, other, &n);
            assert_memory_equal(other, sealed + total, n);
            bcemr_tree_leaf_hash(bcemr_span_of(other, n), &leaf);
            assert_memory_equal(&leaf, &leaves[k], sizeof leaf);
        }
        assert_int_equal(bcemr_stream_sealed_length(lengths[i]), total);
    }
    assert_int_equal(bcemr_stream_sealed_length(0), 0);
    assert_true(bcemr_stream_sealed_length((uint64_t)1 << 48) ==
                ((uint64_t)1 << 48) + ((uint64_t)1 << 36));
}

static void what_is_sealed_opens(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTHS; i++) {
        for (uint64_t width = 0; width < 9; width++) {
            uint64_t jobs = 0;
            const bcemr_parallel parallel = {run_backwards, &jobs, width};
            bcemr_stream stream = stream_of(lengths[i]);
            uint64_t n = bcemr_stream_sealed_length(lengths[i]);
            uint64_t chunks = bcemr_stream_chunks(&stream);
            bcemr_span in = bcemr_span_of(plain, lengths[i]);
            assert_int_equal(bcemr_stream_seal(&stream, 0, in, &parallel, sealed, leaves, NULL),
                             BCEMR_OK);
            memset(opened, 0, sizeof opened);
            assert_int_equal(bcemr_stream_open(&stream, 0, bcemr_span_of(sealed, n), &parallel,
                                               BCEMR_BAD_CHUNK, opened, again, NULL),
                             BCEMR_OK);
            assert_memory_equal(plain, opened, lengths[i]);
            assert_memory_equal(leaves, again, chunks * sizeof leaves[0]);
            memset(again, 0, sizeof again);
            bcemr_stream_leaves(bcemr_span_of(sealed, n), &parallel, again);
            assert_memory_equal(leaves, again, chunks * sizeof leaves[0]);
            uint64_t pieces = width < chunks ? width : chunks;
            assert_int_equal(jobs, pieces > 1 ? 3 * pieces : 0);
        }
    }
    bcemr_stream_leaves((bcemr_span){NULL, 0}, NULL, again);
}

static void windows_make_the_whole(void **state)
{
    (void)state;
    bcemr_stream stream = stream_of(LONGEST - 9);
    seal(&stream);
    uint64_t total = bcemr_stream_sealed_length(stream.length);
    for (uint64_t window = 1; window <= CHUNKS_MAX; window++) {
        for (uint64_t first = 0; first < CHUNKS_MAX; first += window) {
            uint64_t at = first * BCEMR_CHUNK, from = first * BCEMR_CHUNK_SEALED;
            uint64_t n = window * BCEMR_CHUNK, m = window * BCEMR_CHUNK_SEALED;
            n = n < stream.length - at ? n : stream.length - at;
            m = m < total - from ? m : total - from;
            assert_int_equal(bcemr_stream_seal(&stream, first, bcemr_span_of(plain + at, n), NULL,
                                               other, NULL, NULL),
                             BCEMR_OK);
            assert_memory_equal(other, sealed + from, m);
            assert_int_equal(open_from(&stream, first, bcemr_span_of(other, m), NULL), BCEMR_OK);
            assert_memory_equal(opened, plain + at, n);
        }
    }
}

/* ---- refusals ---- */

static bool wiped(uint64_t n)
{
    return sodium_is_zero(opened, (size_t)n);
}

/* The whole of what lies in sealed is opened; chunk bad is the first that does not. */
static void refused(const bcemr_stream *stream, uint64_t bad)
{
    bcemr_span in = bcemr_span_of(sealed, bcemr_stream_sealed_length(stream->length));
    for (uint64_t width = 1; width < 8; width++) {
        uint64_t jobs = 0;
        const bcemr_parallel parallel = {run_backwards, &jobs, width};
        bcemr_error err = {0};
        memset(opened, 0x5a, (size_t)stream->length);
        assert_int_equal(
            bcemr_stream_open(stream, 0, in, &parallel, BCEMR_BAD_CHUNK, opened, NULL, &err),
            BCEMR_E_REFUSED);
        assert_int_equal(err.verdict, BCEMR_BAD_CHUNK);
        assert_int_equal(err.status, BCEMR_E_REFUSED);
        assert_int_equal(err.index, bad);
        assert_string_equal(err.object, "payload");
        assert_true(wiped(stream->length));
    }
    assert_int_equal(open_from(stream, 0, in, NULL), BCEMR_E_REFUSED);
}

static void exchange(uint64_t a, uint64_t b)
{
    static uint8_t held[BCEMR_CHUNK_SEALED];
    uint8_t *x = sealed + a * BCEMR_CHUNK_SEALED, *y = sealed + b * BCEMR_CHUNK_SEALED;
    memcpy(held, x, sizeof held);
    memcpy(x, y, sizeof held);
    memcpy(y, held, sizeof held);
}

static void changed_bytes(void **state)
{
    (void)state;
    bcemr_stream stream = stream_of(4 * BCEMR_CHUNK + 5);
    uint64_t total = bcemr_stream_sealed_length(stream.length);
    static const uint64_t places[] = {0, 1, 65535, 65536, 65551, 65552, 131104, 262208, 262213};
    seal(&stream);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        assert_true(places[i] < total);
        sealed[places[i]] ^= 0x80;
        refused(&stream, places[i] / BCEMR_CHUNK_SEALED);
        sealed[places[i]] ^= 0x80;
    }
    sealed[total - 1] ^= 1;
    refused(&stream, 4);
}

static void swapped_repeated_and_reordered_chunks(void **state)
{
    (void)state;
    bcemr_stream stream = stream_of(5 * BCEMR_CHUNK);
    seal(&stream);
    exchange(1, 3);
    refused(&stream, 1);
    exchange(1, 3);
    exchange(0, 4); /* the last one, too */
    refused(&stream, 0);
    exchange(0, 4);
    memcpy(sealed + 2 * BCEMR_CHUNK_SEALED, sealed + BCEMR_CHUNK_SEALED, BCEMR_CHUNK_SEALED);
    refused(&stream, 2);
    seal(&stream);
    for (uint64_t k = 0; k < 4; k++) /* one to the left, the first at the end */
        exchange(k, k + 1);
    refused(&stream, 0);
}

/* A chunk in its own place, but of a stream with another key, visit or one-time key. */
static void chunks_of_other_streams(void **state)
{
    (void)state;
    const bcemr_key other_dek = {{8}};
    const bcemr_hash other_vid = {{1, 2, 4}};
    const bcemr_ed_raw other_svk = {{4, 5, 7}};
    bcemr_stream stream = stream_of(3 * BCEMR_CHUNK), strange;
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(
            bcemr_stream_payload(round == 0 ? &other_dek : &dek, round == 1 ? &other_vid : &vid,
                                 round == 2 ? &other_svk : &svk, stream.length, &strange, NULL),
            BCEMR_OK);
        seal(&stream);
        assert_int_equal(bcemr_stream_seal(&strange, 1, bcemr_span_of(plain + BCEMR_CHUNK, 65536),
                                           NULL, sealed + BCEMR_CHUNK_SEALED, NULL, NULL),
                         BCEMR_OK);
        refused(&stream, 1);
        refused(&strange, 0);
    }
}

/* A payload cut or lengthened at a chunk's edge: the flag in the nonce tells. */
static void wrong_last_flag(void **state)
{
    (void)state;
    bcemr_stream stream = stream_of(4 * BCEMR_CHUNK), cut = stream_of(3 * BCEMR_CHUNK),
                 longer = stream_of(5 * BCEMR_CHUNK), partial = stream_of(4 * BCEMR_CHUNK - 1);
    seal(&stream);
    refused(&cut, 2);
    refused(&partial, 3);
    randombytes_buf(sealed + 4 * BCEMR_CHUNK_SEALED, BCEMR_CHUNK_SEALED);
    refused(&longer, 3);
}

static void assert_cut(const bcemr_stream *stream, uint64_t first, uint64_t n, uint64_t bad)
{
    bcemr_error err = {0};
    bcemr_span in = bcemr_span_of(sealed + first * BCEMR_CHUNK_SEALED, n);
    assert_int_equal(open_from(stream, first, in, &err), BCEMR_E_REFUSED);
    assert_int_equal(err.verdict, BCEMR_BAD_CHUNK);
    assert_int_equal(err.index, bad);
    bcemr_switch_off(BCEMR_BAD_CHUNK);
    assert_int_equal(open_from(stream, first, in, &err), BCEMR_E_TRUNCATED);
    bcemr_switch_all_on();
}

static void windows_that_are_cut(void **state)
{
    (void)state;
    bcemr_stream stream = stream_of(2 * BCEMR_CHUNK + 100);
    uint64_t total = bcemr_stream_sealed_length(stream.length);
    seal(&stream);
    for (uint64_t less = 1; less < 116; less++)
        assert_cut(&stream, 0, total - less, 2);
    assert_cut(&stream, 0, total + 1, 2);
    assert_cut(&stream, 0, BCEMR_CHUNK_SEALED - 1, 0);
    assert_cut(&stream, 0, BCEMR_CHUNK_SEALED + 1, 1);
    assert_cut(&stream, 0, 1, 0);
    assert_cut(&stream, 2, 115, 2);
    assert_cut(&stream, 1, BCEMR_CHUNK_SEALED + 115, 2);
    assert_cut(&stream, 3, 116, 3); /* there is no such chunk */
    assert_int_equal(open_from(&stream, 0, bcemr_span_of(sealed, 0), NULL), BCEMR_E_ARGUMENT);
}

static void windows_that_cannot_be_sealed(void **state)
{
    (void)state;
    bcemr_stream stream = stream_of(2 * BCEMR_CHUNK + 100);
    static const struct {
        uint64_t first, n;
    } cases[] = {{0, 0},
                 {0, 1},
                 {0, BCEMR_CHUNK - 1},
                 {0, BCEMR_CHUNK + 1},
                 {0, 2 * BCEMR_CHUNK + 99},
                 {0, 2 * BCEMR_CHUNK + 101},
                 {1, 2 * BCEMR_CHUNK},
                 {2, 99},
                 {2, 101},
                 {2, BCEMR_CHUNK},
                 {3, 100},
                 {2, 2 * BCEMR_CHUNK},
                 {1, 3 * BCEMR_CHUNK},
                 {3, BCEMR_CHUNK},
                 {UINT64_MAX, BCEMR_CHUNK}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bcemr_error err = {0};
        assert_int_equal(bcemr_stream_seal(&stream, cases[i].first,
                                           bcemr_span_of(plain, cases[i].n), NULL, sealed, NULL,
                                           &err),
                         BCEMR_E_ARGUMENT);
        assert_int_equal(err.index, cases[i].first);
    }
}

static void streams_that_cannot_begin(void **state)
{
    (void)state;
    bcemr_stream stream;
    bcemr_error err = {0};
    assert_int_equal(bcemr_stream_begin(&dek, bcemr_span_of(plain, 1024), 1, &stream), BCEMR_OK);
    assert_int_equal(bcemr_stream_begin(&dek, (bcemr_span){NULL, 0}, 1, &stream), BCEMR_OK);
    assert_int_equal(bcemr_stream_begin(&dek, bcemr_span_of(plain, 1025), 1, &stream),
                     BCEMR_E_TOO_LONG);
    assert_true(sodium_is_zero(stream.key.b, sizeof stream.key.b));
    assert_int_equal(bcemr_stream_begin(&dek, bcemr_span_of(plain, 1), 0, &stream),
                     BCEMR_E_ARGUMENT);
    assert_int_equal(
        bcemr_stream_begin(&dek, bcemr_span_of(plain, 1), ((uint64_t)1 << 48) + 1, &stream),
        BCEMR_E_TOO_LONG);
    assert_int_equal(bcemr_stream_begin(&dek, bcemr_span_of(plain, 1), (uint64_t)1 << 48, &stream),
                     BCEMR_OK);
    assert_int_equal(bcemr_stream_payload(&dek, &vid, &svk, 0, &stream, &err), BCEMR_E_ARGUMENT);
    assert_int_equal(err.status, BCEMR_E_ARGUMENT);
    bcemr_switch_fail_allocation(1);
    assert_int_equal(bcemr_stream_payload(&dek, &vid, &svk, 1, &stream, &err), BCEMR_E_NO_MEMORY);
    bcemr_switch_fail_allocation(0);
}

/* With its check off a bad chunk opens to what an attacker made of it: the check is what stops it.
 */
static void without_the_check_the_attack_goes_on(void **state)
{
    (void)state;
    bcemr_stream stream = stream_of(2 * BCEMR_CHUNK);
    seal(&stream);
    sealed[BCEMR_CHUNK_SEALED + 10] ^= 3;
    refused(&stream, 1);
    bcemr_switch_off(BCEMR_BAD_ROOT);
    refused(&stream, 1);
    bcemr_switch_off(BCEMR_BAD_CHUNK);
    bcemr_span in = bcemr_span_of(sealed, 2 * BCEMR_CHUNK_SEALED);
    assert_int_equal(open_from(&stream, 0, in, NULL), BCEMR_OK);
    plain[BCEMR_CHUNK + 10] ^= 3;
    assert_memory_equal(plain, opened, 2 * BCEMR_CHUNK);
}

#define TEST(function) cmocka_unit_test_setup(function, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chunks_are_as_specified),
        TEST(what_is_sealed_opens),
        TEST(windows_make_the_whole),
        TEST(changed_bytes),
        TEST(swapped_repeated_and_reordered_chunks),
        TEST(chunks_of_other_streams),
        TEST(wrong_last_flag),
        TEST(windows_that_are_cut),
        TEST(windows_that_cannot_be_sealed),
        TEST(streams_that_cannot_begin),
        TEST(without_the_check_the_attack_goes_on),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
