/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of any length under the group key: place, length, key, and every byte count (section 3).
 */
#include "client/client_test.h"

#include <bcemr/hash.h>
#include <bcemr/message.h>
#include <sodium.h>

static const bcemr_key gk = {{1, 2, 3}}, other_gk = {{1, 2, 4}};
static const bcemr_hash vid = {{9}}, other_vid = {{8}};

static bcemr_tr_msg place(void)
{
    return (bcemr_tr_msg){vid, 1, bcemr_text("doctor-1"), 2, 3};
}

/* A message of n bytes and what it is sealed to. */
typedef struct message {
    bcemr_buf plain, sealed;
    bcemr_span plain_span, span;
} message;

static void message_make(message *m, uint64_t n)
{
    const bcemr_tr_msg ad = place();
    *m = (message){0};
    OK(bcemr_buf_reserve(&m->plain, n + 1));
    for (; m->plain.n < n; m->plain.n++)
        m->plain.p[m->plain.n] = (uint8_t)(m->plain.n * 13 + (m->plain.n >> 9));
    m->plain_span = bcemr_buf_span(&m->plain);
    const bcemr_source source = bcemr_source_bytes(&m->plain_span);
    const bcemr_sink sink = bcemr_sink_buffer(&m->sealed);
    OK(bcemr_long_message_seal(&gk, &ad, &source, NULL, &sink, &why));
    m->span = bcemr_buf_span(&m->sealed);
}

static void message_free(message *m)
{
    bcemr_buf_free(&m->plain);
    bcemr_buf_free(&m->sealed);
}

/* Opens; how much came out before it was refused goes to released. */
static bcemr_status open_as(const bcemr_key *key, const bcemr_tr_msg *ad, bcemr_span sealed,
                            bcemr_buf *out)
{
    const bcemr_source source = bcemr_source_bytes(&sealed);
    const bcemr_sink sink = bcemr_sink_buffer(out);
    bcemr_buf_clear(out);
    return bcemr_long_message_open(key, ad, &source, NULL, &sink, &why);
}

static const uint64_t lengths[] = {0,
                                   1,
                                   BCEMR_MESSAGE_SHORT - 1,
                                   BCEMR_MESSAGE_SHORT,
                                   BCEMR_MESSAGE_SHORT + 1,
                                   2 * BCEMR_MESSAGE_SHORT,
                                   2 * BCEMR_MESSAGE_SHORT + 1,
                                   (1 << 20) + 77};

static void every_length_comes_back(void **state)
{
    const bcemr_tr_msg ad = place();
    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        message m;
        bcemr_buf out = BCEMR_BUF_EMPTY;
        uint64_t n = 0;
        message_make(&m, lengths[i]);
        assert_int_equal(m.sealed.n, bcemr_long_message_length(lengths[i]));
        assert_true(bcemr_long_message_plain_length(m.sealed.n, &n));
        assert_int_equal(n, lengths[i]);
        assert_true((m.sealed.n <= BCEMR_MESSAGE_BOX_MAX) == (lengths[i] <= BCEMR_MESSAGE_SHORT));
        OK(open_as(&gk, &ad, m.span, &out));
        assert_true(bcemr_span_equal(bcemr_buf_span(&out), m.plain_span));
        bcemr_buf_free(&out);
        message_free(&m);
    }
}

/* Sealed lengths that no message has are refused, all others name one message's length. */
static void lengths_are_one_to_one(void **state)
{
    uint64_t n = 0, valid = 0;
    (void)state;
    for (uint64_t sealed = 0; sealed < 3 * BCEMR_CHUNK_SEALED; sealed++) {
        if (!bcemr_long_message_plain_length(sealed, &n))
            continue;
        valid++;
        assert_int_equal(bcemr_long_message_length(n), sealed);
    }
    /* every length that seals into so few bytes, and no more */
    uint64_t longest = 3 * (uint64_t)BCEMR_CHUNK;
    while (bcemr_long_message_length(longest) >= 3 * BCEMR_CHUNK_SEALED)
        longest--;
    assert_int_equal(valid, longest + 1);
    assert_false(bcemr_long_message_plain_length(39, &n));
    assert_false(bcemr_long_message_plain_length(BCEMR_MESSAGE_BOX_MAX + 1, &n));
}

static void the_place_counts(void **state)
{
    (void)state;
    for (uint64_t n = 10; n < 100000; n += 89990) {
        message m;
        bcemr_buf out = BCEMR_BUF_EMPTY;
        message_make(&m, n);
        bcemr_tr_msg places[5];
        for (int i = 0; i < 5; i++)
            places[i] = place();
        places[0].vid = other_vid;
        places[1].epoch++;
        places[2].sender = bcemr_text("doctor-2");
        places[3].position++;
        places[4].k--;
        for (int i = 0; i < 5; i++) {
            REFUSED(BCEMR_BAD_SEALED_MESSAGE, open_as(&gk, &places[i], m.span, &out));
            assert_int_equal(out.n, 0);
        }
        const bcemr_tr_msg right = place();
        REFUSED(BCEMR_BAD_SEALED_MESSAGE, open_as(&other_gk, &right, m.span, &out));
        OK(open_as(&gk, &right, m.span, &out));
        bcemr_buf_free(&out);
        message_free(&m);
    }
}

static void every_byte_counts(void **state)
{
    message m;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    const bcemr_tr_msg ad = place();
    (void)state;
    message_make(&m, 100);
    for (uint64_t i = 0; i < m.sealed.n; i++) {
        m.sealed.p[i] ^= 0x80;
        REFUSED(BCEMR_BAD_SEALED_MESSAGE, open_as(&gk, &ad, m.span, &out));
        assert_int_equal(out.n, 0);
        m.sealed.p[i] ^= 0x80;
    }
    for (uint64_t n = 0; n < m.sealed.n; n++)
        REFUSED(BCEMR_BAD_SEALED_MESSAGE, open_as(&gk, &ad, bcemr_span_of(m.span.p, n), &out));
    message_free(&m);
    message_make(&m, 3 * BCEMR_CHUNK + 5);
    for (uint64_t i = 0; i < m.sealed.n; i += i < 40 ? 1 : 4099) {
        m.sealed.p[i] ^= 1;
        REFUSED(BCEMR_BAD_SEALED_MESSAGE, open_as(&gk, &ad, m.span, &out));
        uint64_t chunk = i < 32 ? 0 : (i - 32) / BCEMR_CHUNK_SEALED;
        assert_int_equal(why.index, chunk);
        assert_true(out.n <= chunk * BCEMR_CHUNK); /* nothing before its tag held */
        m.sealed.p[i] ^= 1;
    }
    for (uint64_t n = m.sealed.n - 30; n < m.sealed.n; n++)
        REFUSED(BCEMR_BAD_SEALED_MESSAGE, open_as(&gk, &ad, bcemr_span_of(m.span.p, n), &out));
    OK(open_as(&gk, &ad, m.span, &out));
    bcemr_buf_free(&out);
    message_free(&m);
}

/* Chunks of two messages in the same place do not mix: each has 32 random bytes of its own. */
static void chunks_belong_to_one_message(void **state)
{
    message a, b;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    const bcemr_tr_msg ad = place();
    (void)state;
    message_make(&a, 2 * BCEMR_CHUNK);
    message_make(&b, 2 * BCEMR_CHUNK);
    assert_memory_not_equal(a.sealed.p, b.sealed.p, 32);
    memcpy(a.sealed.p + 32 + BCEMR_CHUNK_SEALED, b.sealed.p + 32 + BCEMR_CHUNK_SEALED, 100);
    REFUSED(BCEMR_BAD_SEALED_MESSAGE, open_as(&gk, &ad, a.span, &out));
    assert_int_equal(why.index, 1);
    /* nor do they change places within one */
    memcpy(a.sealed.p + 32, b.sealed.p + 32 + BCEMR_CHUNK_SEALED, BCEMR_CHUNK_SEALED);
    memcpy(b.sealed.p + 32 + BCEMR_CHUNK_SEALED, b.sealed.p + 32, BCEMR_CHUNK_SEALED);
    memcpy(b.sealed.p + 32, a.sealed.p + 32, BCEMR_CHUNK_SEALED);
    REFUSED(BCEMR_BAD_SEALED_MESSAGE, open_as(&gk, &ad, b.span, &out));
    assert_int_equal(why.index, 0);
    bcemr_buf_free(&out);
    message_free(&a);
    message_free(&b);
}

static void a_message_goes_into_another_epoch(void **state)
{
    const bcemr_tr_msg from = place();
    bcemr_tr_msg to = place();
    (void)state;
    to.epoch++;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        message m;
        bcemr_buf again = BCEMR_BUF_EMPTY, out = BCEMR_BUF_EMPTY;
        message_make(&m, lengths[i]);
        const bcemr_source source = bcemr_source_bytes(&m.span);
        const bcemr_sink sink = bcemr_sink_buffer(&again);
        OK(bcemr_long_message_reseal(&gk, &from, &other_gk, &to, &source, NULL, &sink, &why));
        assert_int_equal(again.n, m.sealed.n);
        OK(open_as(&other_gk, &to, bcemr_buf_span(&again), &out));
        assert_true(bcemr_span_equal(bcemr_buf_span(&out), m.plain_span));
        REFUSED(BCEMR_BAD_SEALED_MESSAGE, open_as(&gk, &to, bcemr_buf_span(&again), &out));
        REFUSED(BCEMR_BAD_SEALED_MESSAGE, open_as(&other_gk, &from, bcemr_buf_span(&again), &out));
        bcemr_buf_clear(&again);
        REFUSED(BCEMR_BAD_SEALED_MESSAGE,
                bcemr_long_message_reseal(&gk, &to, &other_gk, &to, &source, NULL, &sink, &why));
        bcemr_buf_free(&again);
        bcemr_buf_free(&out);
        message_free(&m);
    }
}

/* ---- who fails beside it ---- */

static bcemr_status read_nothing(void *user, uint64_t offset, uint8_t *out, uint64_t n)
{
    (void)offset;
    (void)out;
    (void)n;
    return *(const bcemr_status *)user;
}

static bcemr_status write_nothing(void *user, bcemr_span bytes)
{
    (void)bytes;
    return *(const bcemr_status *)user;
}

static bcemr_status stop(void *user, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    return *(const bcemr_status *)user;
}

static void others_may_fail(void **state)
{
    bcemr_status io = BCEMR_E_IO, stopped = BCEMR_E_INTERRUPTED;
    const bcemr_sink broken = {&io, write_nothing}, nowhere = bcemr_sink_nowhere();
    const bcemr_tr_msg ad = place();
    const bcemr_progress progress = {&stopped, stop};
    const bcemr_run run = {.progress = &progress};
    (void)state;
    for (uint64_t n = 10; n < 100000; n += 89990) {
        message m;
        message_make(&m, n);
        const bcemr_source plain = bcemr_source_bytes(&m.plain_span);
        const bcemr_source sealed = bcemr_source_bytes(&m.span);
        const bcemr_source no_plain = {&io, n, read_nothing};
        const bcemr_source no_sealed = {&io, m.span.n, read_nothing};
        assert_int_equal(bcemr_long_message_seal(&gk, &ad, &plain, NULL, &broken, &why),
                         BCEMR_E_IO);
        assert_int_equal(bcemr_long_message_open(&gk, &ad, &sealed, NULL, &broken, &why),
                         BCEMR_E_IO);
        assert_int_equal(
            bcemr_long_message_reseal(&gk, &ad, &other_gk, &ad, &sealed, NULL, &broken, &why),
            BCEMR_E_IO);
        FAILS(BCEMR_E_IO, bcemr_long_message_seal(&gk, &ad, &no_plain, NULL, &nowhere, &why));
        FAILS(BCEMR_E_IO, bcemr_long_message_open(&gk, &ad, &no_sealed, NULL, &nowhere, &why));
        FAILS(BCEMR_E_IO, bcemr_long_message_reseal(&gk, &ad, &other_gk, &ad, &no_sealed, NULL,
                                                    &nowhere, &why));
        if (n > BCEMR_MESSAGE_SHORT) {
            FAILS(BCEMR_E_INTERRUPTED,
                  bcemr_long_message_seal(&gk, &ad, &plain, &run, &nowhere, &why));
            FAILS(BCEMR_E_INTERRUPTED,
                  bcemr_long_message_open(&gk, &ad, &sealed, &run, &nowhere, &why));
            assert_int_equal(
                bcemr_long_message_reseal(&gk, &ad, &other_gk, &ad, &sealed, &run, &nowhere, &why),
                BCEMR_E_INTERRUPTED);
        }
        message_free(&m);
    }
}

static bcemr_status there_and_back(const message *m)
{
    const bcemr_tr_msg ad = place();
    const bcemr_source plain = bcemr_source_bytes(&m->plain_span);
    const bcemr_source sealed = bcemr_source_bytes(&m->span);
    const bcemr_sink nowhere = bcemr_sink_nowhere();
    bcemr_status status = bcemr_long_message_seal(&gk, &ad, &plain, NULL, &nowhere, &why);
    if (status == BCEMR_OK)
        status = bcemr_long_message_open(&gk, &ad, &sealed, NULL, &nowhere, &why);
    if (status == BCEMR_OK)
        status = bcemr_long_message_reseal(&gk, &ad, &other_gk, &ad, &sealed, NULL, &nowhere, &why);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    message m;
    (void)state;
    message_make(&m, 10);
    EVERY_ALLOCATION(there_and_back(&m));
    message_free(&m);
    message_make(&m, BCEMR_MESSAGE_SHORT + 1);
    EVERY_ALLOCATION(there_and_back(&m));
    message_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(lengths_are_one_to_one),
        cmocka_unit_test(the_place_counts),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(chunks_belong_to_one_message),
        cmocka_unit_test(a_message_goes_into_another_epoch),
        cmocka_unit_test(others_may_fail),
        cmocka_unit_test_teardown(every_allocation_may_fail, switches_on),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
