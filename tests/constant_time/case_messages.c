/* SPDX-License-Identifier: Apache-2.0 */
/* Everything sealed under a symmetric key or to a Box; messages are secret as well as keys. */
#include "constant_time/ct.h"

#include <bcemr/group_key.h>
#include <bcemr/message.h>

#include <string.h>

#define PLAIN 200

static uint8_t plain[PLAIN];

static bcemr_span secret_message(void)
{
    SECRET(plain, sizeof plain);
    return bcemr_span_of(plain, sizeof plain);
}

static void aead(ct_world *w)
{
    bcemr_buf box = BCEMR_BUF_EMPTY, got = BCEMR_BUF_EMPTY;
    OK(bcemr_aead_seal(&w->key, w->message, secret_message(), &box, NULL));
    DECLASSIFY("the box is sent", box.p, box.n);
    OK(bcemr_aead_open(&w->key, w->message, bcemr_buf_span(&box), BCEMR_BAD_SEALED_MESSAGE, &got,
                       NULL));
    DECLASSIFY("the test is over; it was secret", got.p, got.n);
    box.p[box.n - 1] ^= 1;
    if (bcemr_aead_open(&w->key, w->message, bcemr_buf_span(&box), BCEMR_BAD_SEALED_MESSAGE, &got,
                        NULL) != BCEMR_E_REFUSED)
        OK(BCEMR_E_ARGUMENT);
    bcemr_buf_free(&box);
    bcemr_buf_free(&got);
}

static void message(ct_world *w)
{
    bcemr_buf box = BCEMR_BUF_EMPTY, got = BCEMR_BUF_EMPTY, ad = BCEMR_BUF_EMPTY;
    const bcemr_tr_msg place = {.vid = w->vid, .sender = bcemr_text("doctor-1"), .position = 1};
    const bcemr_nonce n = {{1}};
    bcemr_key key;
    OK(bcemr_message_seal(&w->key, &place, secret_message(), &box, NULL));
    DECLASSIFY("the box is sent", box.p, box.n);
    OK(bcemr_message_open(&w->key, &place, bcemr_buf_span(&box), &got, NULL));
    OK(bcemr_message_stream_key(&w->key, &place, &n, &key, &ad, NULL));
    DECLASSIFY("the test is over; it was secret", &key, sizeof key);
    bcemr_buf_free(&box);
    bcemr_buf_free(&got);
    bcemr_buf_free(&ad);
}

static void pair(ct_world *w)
{
    bcemr_buf box = BCEMR_BUF_EMPTY, got = BCEMR_BUF_EMPTY;
    OK(bcemr_pair_seal(&w->key, &w->vid, BCEMR_direction_TO_SERVER, 7, secret_message(), &box,
                       NULL));
    DECLASSIFY("the box is sent", box.p, box.n);
    OK(bcemr_pair_open(&w->key, &w->vid, BCEMR_direction_TO_SERVER, 7, bcemr_buf_span(&box), &got,
                       NULL));
    DECLASSIFY("the test is over; it was secret", got.p, got.n);
    bcemr_buf_free(&box);
    bcemr_buf_free(&got);
}

static void sealed_box(ct_world *w)
{
    bcemr_buf box = BCEMR_BUF_EMPTY, got = BCEMR_BUF_EMPTY;
    OK(bcemr_sealed_box(&w->box_public, secret_message(), &box, NULL));
    DECLASSIFY("the box is sent", box.p, box.n);
    OK(bcemr_sealed_box_open(&w->box, bcemr_buf_span(&box), BCEMR_BAD_SEALED_MESSAGE, &got, NULL));
    DECLASSIFY("the test is over; it was secret", got.p, got.n);
    bcemr_buf_free(&box);
    bcemr_buf_free(&got);
}

/* ---- of any length ---- */

static uint8_t source_bytes[BCEMR_MESSAGE_SHORT + 100];
static uint8_t sunk_bytes[2 * sizeof source_bytes];
static uint64_t sunk;

static bcemr_status read_at(void *user, uint64_t offset, uint8_t *out, uint64_t n)
{
    const uint8_t *from = user;
    memcpy(out, from + offset, n);
    return BCEMR_OK;
}

static bcemr_status write_next(void *user, bcemr_span bytes)
{
    (void)user;
    memcpy(sunk_bytes + sunk, bytes.p, bytes.n);
    sunk += bytes.n;
    return BCEMR_OK;
}

static void long_message(ct_world *w)
{
    const bcemr_tr_msg place = {.vid = w->vid, .sender = bcemr_text("doctor-1"), .position = 1};
    const bcemr_sink sink = {.write = write_next};
    bcemr_source source = {.user = source_bytes, .length = sizeof source_bytes, .read = read_at};
    SECRET(source_bytes, sizeof source_bytes);
    sunk = 0;
    OK(bcemr_long_message_seal(&w->key, &place, &source, NULL, &sink, NULL));
    DECLASSIFY("the message is sent sealed", sunk_bytes, sunk);
    source = (bcemr_source){.user = sunk_bytes, .length = sunk, .read = read_at};
    OK(bcemr_long_message_open(&w->key, &place, &source, NULL, &sink, NULL));
}

const ct_case ct_message_cases[] = {{"aead", aead},
                                    {"message", message},
                                    {"pair", pair},
                                    {"sealed-box", sealed_box},
                                    {"long-message", long_message},
                                    {NULL, NULL}};
