/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads in windows of constant size (section 5): seal, open, hash. */
#include "wire/error.h"

#include <bcemr/content.h>
#include <string.h>

#define WINDOW_DEFAULT (1u << 20)

/* ---- small sources and sinks ---- */

static bcemr_status read_bytes(void *user, uint64_t offset, uint8_t *out, uint64_t n)
{
    const bcemr_span *bytes = user;
    if (offset > bytes->n || n > bytes->n - offset)
        return BCEMR_E_ARGUMENT;
    if (n > 0)
        memcpy(out, bytes->p + offset, (size_t)n);
    return BCEMR_OK;
}

bcemr_source bcemr_source_bytes(const bcemr_span *bytes)
{
    union {
        const void *given;
        void *user;
    } alias = {bytes}; /* read_bytes only reads */
    return (bcemr_source){alias.user, bytes->n, read_bytes};
}

static bcemr_status append(void *user, bcemr_span bytes)
{
    return bcemr_buf_append(user, bytes);
}

bcemr_sink bcemr_sink_buffer(bcemr_buf *buf)
{
    return (bcemr_sink){buf, append};
}

static bcemr_status forget(void *user, bcemr_span bytes)
{
    (void)user;
    (void)bytes;
    return BCEMR_OK;
}

bcemr_sink bcemr_sink_nowhere(void)
{
    return (bcemr_sink){NULL, forget};
}

/* ---- windows ---- */

typedef struct windows {
    uint64_t chunks; /* a window */
    uint8_t *in;     /* chunks * unit bytes */
    uint8_t *out;
    bcemr_hash *leaves;
    uint64_t in_size, out_size;
} windows;

static bcemr_status windows_new(const bcemr_run *run, uint64_t in_unit, uint64_t out_unit,
                                windows *w)
{
    uint64_t window = run && run->window > 0 ? run->window : WINDOW_DEFAULT;
    w->chunks = (window + BCEMR_CHUNK - 1) / BCEMR_CHUNK;
    w->in_size = w->chunks * in_unit;
    w->out_size = w->chunks * out_unit;
    w->in = bcemr_allocate(w->in_size);
    w->out = out_unit > 0 ? bcemr_allocate(w->out_size) : NULL;
    w->leaves = bcemr_allocate(w->chunks * sizeof(bcemr_hash));
    return w->in && (w->out || out_unit == 0) && w->leaves ? BCEMR_OK : BCEMR_E_NO_MEMORY;
}

static void windows_free(windows *w)
{
    bcemr_release_wiped(w->in, w->in_size);
    bcemr_release_wiped(w->out, w->out_size);
    bcemr_release(w->leaves);
}

static bcemr_status tell(const bcemr_run *run, uint64_t done, uint64_t total)
{
    if (!run || !run->progress)
        return BCEMR_OK;
    return run->progress->tell(run->progress->user, done, total);
}

static const bcemr_parallel *threads(const bcemr_run *run)
{
    return run ? run->parallel : NULL;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

bcemr_status bcemr_payload_seal(const bcemr_stream *stream, const bcemr_source *source,
                                const bcemr_run *run, const bcemr_sink *sink, bcemr_hash *root,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    windows w = {0};
    bcemr_tree tree;
    bcemr_tree_begin(&tree);
    if (source->length != stream->length)
        FAIL(BCEMR_E_ARGUMENT, "payload", "length");
    TRY_AT(windows_new(run, BCEMR_CHUNK, BCEMR_CHUNK_SEALED, &w), "payload", "window");
    for (uint64_t done = 0; done < source->length;) {
        uint64_t n = smaller(w.in_size, source->length - done);
        uint64_t count = (n + BCEMR_CHUNK - 1) / BCEMR_CHUNK;
        TRY_AT(source->read(source->user, done, w.in, n), "payload", "source");
        TRY(bcemr_stream_seal(stream, done / BCEMR_CHUNK, bcemr_span_of(w.in, n), threads(run),
                              w.out, w.leaves, err));
        for (uint64_t i = 0; i < count; i++)
            bcemr_tree_add(&tree, &w.leaves[i]);
        TRY_AT(sink->write(sink->user, bcemr_span_of(w.out, n + 16 * count)), "payload", "sink");
        done += n;
        TRY_AT(tell(run, done, source->length), "payload", "progress");
    }
    bcemr_tree_root(&tree, root);
out:
    windows_free(&w);
    return status;
}

bcemr_status bcemr_payload_open(const bcemr_stream *stream, const bcemr_source *source,
                                const bcemr_run *run, bcemr_verdict refusal, const bcemr_sink *sink,
                                bcemr_hash *root, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    windows w = {0};
    bcemr_tree tree;
    bcemr_tree_begin(&tree);
    REQUIRE(source->length == bcemr_stream_sealed_length(stream->length), BCEMR_BAD_LENGTH,
            "payload", "length");
    TRY_AT(windows_new(run, BCEMR_CHUNK_SEALED, BCEMR_CHUNK, &w), "payload", "window");
    uint64_t chunk = 0;
    for (uint64_t done = 0; done < source->length;) {
        uint64_t n = smaller(w.in_size, source->length - done);
        uint64_t count = (n + BCEMR_CHUNK_SEALED - 1) / BCEMR_CHUNK_SEALED;
        TRY_AT(source->read(source->user, done, w.in, n), "payload", "source");
        TRY(bcemr_stream_open(stream, chunk, bcemr_span_of(w.in, n), threads(run), refusal, w.out,
                              w.leaves, err));
        for (uint64_t i = 0; i < count; i++)
            bcemr_tree_add(&tree, &w.leaves[i]);
        /* The sink's own words matter more than ours, so its status passes as it is. */
        TRY(sink->write(sink->user, bcemr_span_of(w.out, n - 16 * count)));
        done += n;
        chunk += count;
        TRY_AT(tell(run, done, source->length), "payload", "progress");
    }
    bcemr_tree_root(&tree, root);
out:
    windows_free(&w);
    return status;
}

bcemr_status bcemr_payload_root(const bcemr_source *source, const bcemr_run *run, bcemr_hash *root,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    windows w = {0};
    bcemr_tree tree;
    bcemr_tree_begin(&tree);
    TRY_AT(windows_new(run, BCEMR_CHUNK_SEALED, 0, &w), "payload", "window");
    for (uint64_t done = 0; done < source->length;) {
        uint64_t n = smaller(w.in_size, source->length - done);
        uint64_t count = (n + BCEMR_CHUNK_SEALED - 1) / BCEMR_CHUNK_SEALED;
        TRY_AT(source->read(source->user, done, w.in, n), "payload", "source");
        bcemr_stream_leaves(bcemr_span_of(w.in, n), threads(run), w.leaves);
        for (uint64_t i = 0; i < count; i++)
            bcemr_tree_add(&tree, &w.leaves[i]);
        done += n;
        TRY_AT(tell(run, done, source->length), "payload", "progress");
    }
    bcemr_tree_root(&tree, root);
out:
    windows_free(&w);
    return status;
}

bcemr_status bcemr_source_hash(const bcemr_source *source, const bcemr_run *run, bcemr_hash *out,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    windows w = {0};
    bcemr_document_hash *hash = bcemr_allocate(sizeof *hash);
    if (!hash)
        FAIL(BCEMR_E_NO_MEMORY, "document", NULL);
    TRY_AT(windows_new(run, BCEMR_CHUNK, 0, &w), "document", "window");
    bcemr_document_begin(hash);
    for (uint64_t done = 0; done < source->length;) {
        uint64_t n = smaller(w.in_size, source->length - done);
        TRY_AT(source->read(source->user, done, w.in, n), "document", "source");
        bcemr_document_feed(hash, bcemr_span_of(w.in, n));
        done += n;
    }
    bcemr_document_end(hash, out);
out:
    windows_free(&w);
    bcemr_release_wiped(hash, sizeof *hash);
    return status;
}
