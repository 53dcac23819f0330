/* SPDX-License-Identifier: Apache-2.0 */
/* The payload stream (section 5): chunks that are sealed, opened and hashed each by itself. */
#include "core/aead.h"
#include "core/verdict.h"

#include <bcemr/record.h>

#include <string.h>

#define STREAM_LONGEST ((uint64_t)1 << 48)

/* More pieces than this are no use, and their results lie on the stack. */
#define PIECES_MAX 256

#define NONE UINT64_MAX

bcemr_status bcemr_stream_begin(const bcemr_key *key, bcemr_span ad, uint64_t length,
                                bcemr_stream *out)
{
    bcemr_wipe(out, sizeof *out);
    if (length == 0)
        return BCEMR_E_ARGUMENT;
    if (length > STREAM_LONGEST || ad.n > sizeof out->ad)
        return BCEMR_E_TOO_LONG;
    out->key = *key;
    out->length = length;
    out->ad_length = ad.n;
    if (ad.n > 0)
        memcpy(out->ad, ad.p, (size_t)ad.n);
    return BCEMR_OK;
}

bcemr_status bcemr_stream_payload(const bcemr_key *dek, const bcemr_hash *vid,
                                  const bcemr_ed_raw *svk, uint64_t length, bcemr_stream *out,
                                  bcemr_error *err)
{
    bcemr_buf ad = BCEMR_BUF_EMPTY;
    const bcemr_tr_chunk chunk = {*vid, *svk};
    bcemr_status status = BCEMR_OK;
    bcemr_wipe(out, sizeof *out);
    TRY(bcemr_write_chunk(&chunk, &ad, err));
    TRY_AT(bcemr_stream_begin(dek, bcemr_buf_span(&ad), length, out), "payload", "length");
out:
    bcemr_buf_free(&ad);
    return status;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

uint64_t bcemr_stream_chunks(const bcemr_stream *stream)
{
    return divide_up(stream->length, BCEMR_CHUNK);
}

uint64_t bcemr_stream_sealed_length(uint64_t length)
{
    return length + CORE_TAG * divide_up(length, BCEMR_CHUNK);
}

/* ---- one chunk ---- */

/* Bytes of plaintext in a chunk of the stream. */
static uint64_t chunk_length(const bcemr_stream *stream, uint64_t chunk)
{
    uint64_t before = chunk * BCEMR_CHUNK;
    return stream->length - before < BCEMR_CHUNK ? stream->length - before : BCEMR_CHUNK;
}

/* 8-byte counter, 15 zero bytes, last-chunk flag. */
static void chunk_nonce(const bcemr_stream *stream, uint64_t chunk, uint8_t nonce[CORE_NONCE])
{
    memset(nonce, 0, CORE_NONCE);
    bcemr_store_u64(nonce, chunk);
    nonce[CORE_NONCE - 1] = chunk + 1 == bcemr_stream_chunks(stream);
}

static bcemr_span stream_ad(const bcemr_stream *stream)
{
    return bcemr_span_of(stream->ad, stream->ad_length);
}

/* ---- work in pieces ---- */

/* A window of consecutive chunks, cut into pieces that may run side by side. */
typedef struct window {
    const bcemr_stream *stream;
    uint64_t first, chunks; /* the first's number; how many */
    uint64_t pieces;
    bcemr_span in;
    bcemr_verdict refusal;
    uint8_t *out;
    bcemr_hash *leaves;       /* NULL when not wanted */
    uint64_t bad[PIECES_MAX]; /* for each piece the first chunk that does not open, or NONE */
} window;

static uint64_t piece_begin(const window *w, uint64_t piece)
{
    uint64_t each = w->chunks / w->pieces, left = w->chunks % w->pieces;
    return piece * each + (piece < left ? piece : left);
}

static void run(window *w, const bcemr_parallel *parallel,
                void (*job)(void *argument, uint64_t index))
{
    uint64_t width = parallel && parallel->width > 0 ? parallel->width : 1;
    width = width < PIECES_MAX ? width : PIECES_MAX;
    w->pieces = width < w->chunks ? width : w->chunks;
    for (uint64_t i = 0; i < w->pieces; i++)
        w->bad[i] = NONE;
    if (parallel && w->pieces > 1) {
        parallel->run(parallel->user, job, w, w->pieces);
        return;
    }
    for (uint64_t i = 0; i < w->pieces; i++)
        job(w, i);
}

/* A sealed chunk is hashed while it is still in the cache. */
static void seal_piece(void *argument, uint64_t piece)
{
    window *w = argument;
    uint8_t nonce[CORE_NONCE];
    for (uint64_t i = piece_begin(w, piece); i < piece_begin(w, piece + 1); i++) {
        uint8_t *out = w->out + i * BCEMR_CHUNK_SEALED;
        uint64_t n = chunk_length(w->stream, w->first + i);
        chunk_nonce(w->stream, w->first + i, nonce);
        core_aead_seal(w->stream->key.b, nonce, stream_ad(w->stream),
                       bcemr_span_of(w->in.p + i * BCEMR_CHUNK, n), out);
        if (w->leaves)
            bcemr_tree_leaf_hash(bcemr_span_of(out, n + CORE_TAG), &w->leaves[i]);
    }
}

static void open_piece(void *argument, uint64_t piece)
{
    window *w = argument;
    uint8_t nonce[CORE_NONCE];
    for (uint64_t i = piece_begin(w, piece); i < piece_begin(w, piece + 1); i++) {
        uint64_t n = chunk_length(w->stream, w->first + i) + CORE_TAG;
        bcemr_span sealed = bcemr_span_of(w->in.p + i * BCEMR_CHUNK_SEALED, n);
        chunk_nonce(w->stream, w->first + i, nonce);
        if (w->leaves)
            bcemr_tree_leaf_hash(sealed, &w->leaves[i]);
        if (!core_aead_open(w->stream->key.b, nonce, stream_ad(w->stream), sealed, w->refusal,
                            w->out + i * BCEMR_CHUNK)) {
            w->bad[piece] = w->first + i;
            return;
        }
    }
}

static void hash_piece(void *argument, uint64_t piece)
{
    window *w = argument;
    for (uint64_t i = piece_begin(w, piece); i < piece_begin(w, piece + 1); i++) {
        uint64_t before = i * BCEMR_CHUNK_SEALED;
        uint64_t n = w->in.n - before < BCEMR_CHUNK_SEALED ? w->in.n - before : BCEMR_CHUNK_SEALED;
        bcemr_tree_leaf_hash(bcemr_span_of(w->in.p + before, n), &w->leaves[i]);
    }
}

/* Bytes of plaintext in the chunks first .. first + chunks - 1; 0 when the stream has not so many.
 */
static uint64_t window_length(const bcemr_stream *stream, uint64_t first, uint64_t chunks)
{
    uint64_t all = bcemr_stream_chunks(stream);
    if (first >= all || chunks > all - first)
        return 0;
    return (chunks - 1) * BCEMR_CHUNK + chunk_length(stream, first + chunks - 1);
}

/* ---- the calls ---- */

bcemr_status bcemr_stream_seal(const bcemr_stream *stream, uint64_t first, bcemr_span in,
                               const bcemr_parallel *parallel, uint8_t *out, bcemr_hash *leaves,
                               bcemr_error *err)
{
    window w = {.stream = stream,
                .first = first,
                .chunks = divide_up(in.n, BCEMR_CHUNK),
                .in = in,
                .out = out,
                .leaves = leaves};
    if (in.n == 0 || in.n != window_length(stream, first, w.chunks))
        return wire_fail_at(err, BCEMR_E_ARGUMENT, "payload", "chunk", first, BCEMR_NOWHERE);
    run(&w, parallel, seal_piece);
    return BCEMR_OK;
}

bcemr_status bcemr_stream_open(const bcemr_stream *stream, uint64_t first, bcemr_span in,
                               const bcemr_parallel *parallel, bcemr_verdict refusal, uint8_t *out,
                               bcemr_hash *leaves, bcemr_error *err)
{
    window w = {.stream = stream,
                .first = first,
                .chunks = divide_up(in.n, BCEMR_CHUNK_SEALED),
                .in = in,
                .refusal = refusal,
                .out = out,
                .leaves = leaves};
    bcemr_status status = BCEMR_OK;
    if (in.n == 0)
        FAIL(BCEMR_E_ARGUMENT, "payload", "chunk");
    /* Too short or too long for the chunks that it should hold: the last of them is the bad one. */
    uint64_t n = window_length(stream, first, w.chunks);
    bool whole = n > 0 && in.n == n + CORE_TAG * w.chunks;
    REQUIRE_AT(whole, refusal, "payload", "chunk", first + w.chunks - 1);
    if (!whole) /* the check is switched off: there is no such chunk to decrypt */
        FAIL(BCEMR_E_TRUNCATED, "payload", "chunk");
    run(&w, parallel, open_piece);
    for (uint64_t i = 0; i < w.pieces; i++) {
        if (w.bad[i] == NONE)
            continue;
        bcemr_wipe(out, n);
        status = wire_refuse(err, refusal, "payload", "chunk", w.bad[i]);
        break;
    }
out:
    return status;
}

void bcemr_stream_leaves(bcemr_span in, const bcemr_parallel *parallel, bcemr_hash *leaves)
{
    window w = {.chunks = divide_up(in.n, BCEMR_CHUNK_SEALED), .in = in, .leaves = leaves};
    if (w.chunks > 0)
        run(&w, parallel, hash_piece);
}
