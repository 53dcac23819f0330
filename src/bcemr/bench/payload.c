/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing and opening a payload that no memory holds: a source that makes it, a sink that forgets
 * it. What the source takes is not counted; the rest stands against AEAD and tree hash alone, one
 * after the other on one core, over buffers of the same size.
 */
#include "bcemr/bench/result.h"

#include <bcemr/content.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW (1u << 20)
#define CHUNKS (WINDOW / FLOOR_CHUNK)
#define SEALED_WINDOW (CHUNKS * BCEMR_CHUNK_SEALED)
#define SLICE_WINDOWS 8
#define SLICE ((uint64_t)SLICE_WINDOWS * WINDOW)

typedef struct generator {
    const bcemr_stream *stream; /* NULL: plaintext */
    double took;
    uint8_t plain[WINDOW];
} generator;

static bcemr_status read_plain(void *user, uint64_t offset, uint8_t *out, uint64_t n)
{
    generator *g = user;
    const double began = measure_now();
    memcpy(out, g->plain, (size_t)n);
    bcemr_store_u64(out, offset);
    g->took += measure_now() - began;
    return BCEMR_OK;
}

/* Sealed chunks as they should be there, whole windows at a time. */
static bcemr_status read_sealed(void *user, uint64_t offset, uint8_t *out, uint64_t n)
{
    generator *g = user;
    const double began = measure_now();
    const uint64_t chunks = n / BCEMR_CHUNK_SEALED;
    const bcemr_status status =
        bcemr_stream_seal(g->stream, offset / BCEMR_CHUNK_SEALED,
                          bcemr_span_of(g->plain, chunks * BCEMR_CHUNK), NULL, out, NULL, NULL);
    g->took += measure_now() - began;
    return status;
}

/* us that bcemr took for length bytes, or below 0. */
static double seal_all(generator *g, uint64_t length, const bcemr_parallel *parallel)
{
    const bcemr_source source = {g, length, read_plain};
    const bcemr_sink sink = bcemr_sink_nowhere();
    const bcemr_run run = {.parallel = parallel, .window = WINDOW};
    bcemr_stream stream = *g->stream;
    bcemr_hash root;
    stream.length = length;
    g->took = 0;
    const double began = measure_now();
    if (bcemr_payload_seal(&stream, &source, &run, &sink, &root, NULL) != BCEMR_OK)
        return -1;
    return measure_now() - began - g->took;
}

static double open_all(generator *g, uint64_t length, const bcemr_parallel *parallel)
{
    const bcemr_sink sink = bcemr_sink_nowhere();
    const bcemr_run run = {.parallel = parallel, .window = WINDOW};
    bcemr_stream stream = *g->stream;
    stream.length = length;
    generator sealed = {.stream = &stream, .took = 0};
    const bcemr_source source = {&sealed, bcemr_stream_sealed_length(length), read_sealed};
    bcemr_hash root;
    const double began = measure_now();
    if (bcemr_payload_open(&stream, &source, &run, BCEMR_BAD_CHUNK, &sink, &root, NULL) != BCEMR_OK)
        return -1;
    return measure_now() - began - sealed.took;
}

static void keep_least(double *least, double took, bool is_first)
{
    if (is_first || took < *least)
        *least = took;
}

typedef struct buffers {
    uint8_t plain[WINDOW], sealed[SEALED_WINDOW];
} buffers;

static bool floor_round(floor_bench *floor, buffers *b, bool is_first, result_payload *out)
{
    const unsigned windows = SLICE_WINDOWS;
    uint8_t root[32];
    bool good = true;
    double seal_took = 0, open_took = 0, tree_took = 0;
    for (unsigned i = 0; i < windows; i++) {
        const double t0 = measure_now();
        floor_seal(floor, b->plain, b->sealed, CHUNKS);
        const double t1 = measure_now();
        floor_tree(b->sealed, CHUNKS, root);
        const double t2 = measure_now();
        good = floor_open(floor, b->sealed, b->plain, CHUNKS) && good;
        seal_took += t1 - t0;
        tree_took += t2 - t1;
        open_took += measure_now() - t2;
    }
    keep_least(&out->aead_seal, seal_took / windows, is_first);
    keep_least(&out->tree, tree_took / windows, is_first);
    keep_least(&out->aead_open, open_took / windows, is_first);
    return good;
}

static bool rounds_run(generator *g, floor_bench *floor, uint64_t rounds, const bcemr_parallel *two,
                       result_payload *out)
{
    const double windows = SLICE_WINDOWS;
    buffers *b = bcemr_allocate(sizeof *b);
    bool good = b != NULL;
    for (uint64_t r = 0; good && r < rounds; r++) {
        const double sealed = seal_all(g, SLICE, NULL), opened = open_all(g, SLICE, NULL);
        const double two_cores = seal_all(g, SLICE, two);
        good = sealed >= 0 && opened >= 0 && two_cores >= 0 && floor_round(floor, b, r == 0, out);
        keep_least(&out->seal, sealed / windows, r == 0);
        keep_least(&out->open, opened / windows, r == 0);
        keep_least(&out->two_core_seal, two_cores / windows, r == 0);
    }
    bcemr_release(b);
    out->seal_ratio = (out->aead_seal + out->tree) / out->seal;
    out->open_ratio = (out->aead_open + out->tree) / out->open;
    out->two_core_ratio = (out->aead_seal + out->tree) / out->two_core_seal;
    return good;
}

bool result_payload_run(floor_bench *floor, uint64_t bytes, uint64_t rounds,
                        const bcemr_parallel *two, result_payload *out)
{
    const bcemr_key dek = {{1}};
    const bcemr_hash vid = {{2}};
    const bcemr_ed_raw svk = {{3}};
    bcemr_stream stream;
    *out = (result_payload){.bytes = bytes, .window = WINDOW};
    generator *g = bcemr_allocate(sizeof *g);
    bool good = g && bcemr_stream_payload(&dek, &vid, &svk, bytes, &stream, NULL) == BCEMR_OK;
    if (good) {
        g->stream = &stream;
        bcemr_random(g->plain, sizeof g->plain);
        const double began = measure_now();
        good = seal_all(g, bytes, two) >= 0;
        out->gigabytes_a_second = (double)bytes / 1e3 / (measure_now() - began);
        good = good && open_all(g, bytes, two) >= 0;
        out->max_rss_kib = measure_peak_kib();
        good = good && rounds_run(g, floor, rounds, two, out);
    }
    bcemr_release(g);
    return good;
}
