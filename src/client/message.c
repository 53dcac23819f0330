/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of any length under the group key (section 3). */
#include "wire/error.h"

#include <bcemr/hash.h>
#include <bcemr/message.h>

#define NONCE 32
#define BOX_EXTRA 40 /* nonce and tag */

uint64_t bcemr_long_message_length(uint64_t length)
{
    return length <= BCEMR_MESSAGE_SHORT ? length + BOX_EXTRA
                                         : NONCE + bcemr_stream_sealed_length(length);
}

bool bcemr_long_message_plain_length(uint64_t sealed, uint64_t *length)
{
    *length = 0;
    if (sealed < BOX_EXTRA)
        return false;
    if (sealed <= BCEMR_MESSAGE_BOX_MAX) {
        *length = sealed - BOX_EXTRA;
        return true;
    }
    uint64_t stream = sealed - NONCE;
    uint64_t chunks = stream / BCEMR_CHUNK_SEALED + (stream % BCEMR_CHUNK_SEALED > 0);
    if (stream <= 16 * chunks)
        return false;
    *length = stream - 16 * chunks;
    return *length > BCEMR_MESSAGE_SHORT && bcemr_stream_sealed_length(*length) == stream;
}

/* ---- the stream of one long message ---- */

static bcemr_status stream_of(const bcemr_key *gk, const bcemr_tr_msg *ad, const bcemr_nonce *n,
                              uint64_t length, bcemr_stream *stream, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_key key = {{0}};
    bcemr_buf chunk_ad = BCEMR_BUF_EMPTY;
    TRY(bcemr_message_stream_key(gk, ad, n, &key, &chunk_ad, err));
    TRY_AT(bcemr_stream_begin(&key, bcemr_buf_span(&chunk_ad), length, stream), "message", "ad");
out:
    bcemr_wipe(&key, sizeof key);
    bcemr_buf_free(&chunk_ad);
    return status;
}

/* Draws n, tells it to sink. */
static bcemr_status stream_begin(const bcemr_key *gk, const bcemr_tr_msg *ad, uint64_t length,
                                 const bcemr_sink *sink, bcemr_stream *stream, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_nonce n;
    bcemr_random(n.b, sizeof n.b);
    TRY(stream_of(gk, ad, &n, length, stream, err));
    TRY(sink->write(sink->user, bcemr_span_of(n.b, sizeof n.b)));
out:
    return status;
}

/* What follows n in a sealed source. */
static bcemr_status read_after_nonce(void *user, uint64_t offset, uint8_t *out, uint64_t n)
{
    const bcemr_source *whole = user;
    return whole->read(whole->user, NONCE + offset, out, n);
}

/* Reads n from source; tail: the rest of it. source is only read. */
static bcemr_status stream_read(const bcemr_key *gk, const bcemr_tr_msg *ad, uint64_t length,
                                bcemr_source *source, bcemr_stream *stream, bcemr_source *tail,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_nonce n;
    TRY_AT(source->read(source->user, 0, n.b, sizeof n.b), "message", "source");
    TRY(stream_of(gk, ad, &n, length, stream, err));
    *tail = (bcemr_source){source, source->length - NONCE, read_after_nonce};
out:
    return status;
}

/* ---- short ones ---- */

static bcemr_status read_all(const bcemr_source *source, bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY_AT(bcemr_buf_reserve(out, source->length), "message", NULL);
    if (source->length > 0)
        TRY_AT(source->read(source->user, 0, out->p + out->n, source->length), "message", "source");
    out->n += source->length;
out:
    return status;
}

static bcemr_status seal_short(const bcemr_key *gk, const bcemr_tr_msg *ad, bcemr_span message,
                               const bcemr_sink *sink, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf box = BCEMR_BUF_EMPTY;
    TRY(bcemr_message_seal(gk, ad, message, &box, err));
    TRY(sink->write(sink->user, bcemr_buf_span(&box)));
out:
    bcemr_buf_free(&box);
    return status;
}

static bcemr_status open_short(const bcemr_key *gk, const bcemr_tr_msg *ad,
                               const bcemr_source *source, bcemr_buf *message, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf box = BCEMR_BUF_EMPTY;
    TRY(read_all(source, &box, err));
    TRY(bcemr_message_open(gk, ad, bcemr_buf_span(&box), message, err));
out:
    bcemr_buf_free(&box);
    return status;
}

/* ---- the interface ---- */

bcemr_status bcemr_long_message_seal(const bcemr_key *gk, const bcemr_tr_msg *ad,
                                     const bcemr_source *source, const bcemr_run *run,
                                     const bcemr_sink *sink, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_stream stream = {0};
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_hash root;
    if (source->length <= BCEMR_MESSAGE_SHORT) {
        TRY(read_all(source, &message, err));
        TRY(seal_short(gk, ad, bcemr_buf_span(&message), sink, err));
        goto out;
    }
    TRY(stream_begin(gk, ad, source->length, sink, &stream, err));
    TRY(bcemr_payload_seal(&stream, source, run, sink, &root, err));
out:
    bcemr_buf_free(&message);
    bcemr_wipe(&stream, sizeof stream);
    return status;
}

bcemr_status bcemr_long_message_open(const bcemr_key *gk, const bcemr_tr_msg *ad,
                                     const bcemr_source *source, const bcemr_run *run,
                                     const bcemr_sink *sink, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_stream stream = {0};
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_source whole = *source, tail;
    bcemr_hash root;
    uint64_t length = 0;
    REQUIRE(bcemr_long_message_plain_length(source->length, &length), BCEMR_BAD_SEALED_MESSAGE,
            "message", "length");
    if (source->length <= BCEMR_MESSAGE_BOX_MAX) {
        TRY(open_short(gk, ad, source, &message, err));
        TRY(sink->write(sink->user, bcemr_buf_span(&message)));
        goto out;
    }
    TRY(stream_read(gk, ad, length, &whole, &stream, &tail, err));
    TRY(bcemr_payload_open(&stream, &tail, run, BCEMR_BAD_SEALED_MESSAGE, sink, &root, err));
out:
    bcemr_buf_free(&message);
    bcemr_wipe(&stream, sizeof stream);
    return status;
}

/* Chunks of both streams are cut alike, so each goes from one to the other by itself. */
static bcemr_status reseal_chunks(const bcemr_stream *from, const bcemr_stream *to,
                                  const bcemr_source *tail, const bcemr_run *run,
                                  const bcemr_sink *sink, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash leaf;
    uint8_t *sealed = bcemr_allocate(BCEMR_CHUNK_SEALED), *plain = bcemr_allocate(BCEMR_CHUNK);
    if (!sealed || !plain)
        FAIL(BCEMR_E_NO_MEMORY, "message", NULL);
    for (uint64_t done = 0, chunk = 0; done < tail->length; chunk++) {
        uint64_t n =
            tail->length - done < BCEMR_CHUNK_SEALED ? tail->length - done : BCEMR_CHUNK_SEALED;
        TRY_AT(tail->read(tail->user, done, sealed, n), "message", "source");
        TRY(bcemr_stream_open(from, chunk, bcemr_span_of(sealed, n), NULL, BCEMR_BAD_SEALED_MESSAGE,
                              plain, NULL, err));
        TRY(bcemr_stream_seal(to, chunk, bcemr_span_of(plain, n - 16), NULL, sealed, &leaf, err));
        TRY(sink->write(sink->user, bcemr_span_of(sealed, n)));
        done += n;
        if (run && run->progress)
            TRY(run->progress->tell(run->progress->user, done, tail->length));
    }
out:
    bcemr_release(sealed);
    bcemr_release_wiped(plain, BCEMR_CHUNK);
    return status;
}

bcemr_status bcemr_long_message_reseal(const bcemr_key *from, const bcemr_tr_msg *from_ad,
                                       const bcemr_key *to, const bcemr_tr_msg *to_ad,
                                       const bcemr_source *source, const bcemr_run *run,
                                       const bcemr_sink *sink, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_stream opening = {0}, sealing = {0};
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_source whole = *source, tail;
    uint64_t length = 0;
    REQUIRE(bcemr_long_message_plain_length(source->length, &length), BCEMR_BAD_SEALED_MESSAGE,
            "message", "length");
    if (source->length <= BCEMR_MESSAGE_BOX_MAX) {
        TRY(open_short(from, from_ad, source, &message, err));
        TRY(seal_short(to, to_ad, bcemr_buf_span(&message), sink, err));
        goto out;
    }
    TRY(stream_read(from, from_ad, length, &whole, &opening, &tail, err));
    TRY(stream_begin(to, to_ad, length, sink, &sealing, err));
    TRY(reseal_chunks(&opening, &sealing, &tail, run, sink, err));
out:
    bcemr_buf_free(&message);
    bcemr_wipe(&opening, sizeof opening);
    bcemr_wipe(&sealing, sizeof sealing);
    return status;
}
