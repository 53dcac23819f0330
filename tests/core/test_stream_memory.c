/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals and opens a long payload through windows of 16 chunks and reports the peak of resident
 * memory, which must stay under 32 MiB whatever the length. 256 MiB by default; another number of
 * MiB may be given: test_stream_memory 4096.
 */
#include <bcemr/hash.h>
#include <bcemr/record.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define WINDOW 16
#define MOST_KIB (32 * 1024)

static uint8_t plain[WINDOW * BCEMR_CHUNK], sealed[WINDOW * BCEMR_CHUNK_SEALED];
static uint8_t opened[sizeof plain];
static bcemr_hash leaves[WINDOW], again[WINDOW];

/* The plaintext of a window is made anew wherever it is needed. */
static void fill(uint64_t window)
{
    uint8_t seed[randombytes_SEEDBYTES] = {0};
    bcemr_store_u64(seed, window);
    randombytes_buf_deterministic(plain, sizeof plain, seed);
}

static const char *one_window(const bcemr_stream *stream, uint64_t window, bcemr_tree *trees)
{
    uint64_t first = window * WINDOW, at = first * BCEMR_CHUNK;
    uint64_t n = stream->length - at < sizeof plain ? stream->length - at : sizeof plain;
    uint64_t chunks = (n + BCEMR_CHUNK - 1) / BCEMR_CHUNK;
    fill(window);
    if (bcemr_stream_seal(stream, first, bcemr_span_of(plain, n), NULL, sealed, leaves, NULL))
        return "a window does not seal";
    if (bcemr_stream_open(stream, first, bcemr_span_of(sealed, n + 16 * chunks), NULL,
                          BCEMR_BAD_CHUNK, opened, again, NULL))
        return "a window does not open";
    if (memcmp(plain, opened, (size_t)n) != 0)
        return "a window opens to something else";
    for (uint64_t i = 0; i < chunks; i++) {
        bcemr_tree_add(&trees[0], &leaves[i]);
        bcemr_tree_add(&trees[1], &again[i]);
    }
    return NULL;
}

static const char *whole(uint64_t length)
{
    static bcemr_tree trees[2];
    const bcemr_key dek = {{1}};
    const bcemr_hash vid = {{2}};
    const bcemr_ed_raw svk = {{3}};
    bcemr_hash roots[2];
    bcemr_stream stream;
    const char *problem = NULL;
    if (bcemr_stream_payload(&dek, &vid, &svk, length, &stream, NULL))
        return "the stream does not begin";
    bcemr_tree_begin(&trees[0]);
    bcemr_tree_begin(&trees[1]);
    for (uint64_t i = 0; !problem && i * sizeof plain < length; i++)
        problem = one_window(&stream, i, trees);
    if (problem)
        return problem;
    bcemr_tree_root(&trees[0], &roots[0]);
    bcemr_tree_root(&trees[1], &roots[1]);
    if (trees[0].count != bcemr_stream_chunks(&stream) || !bcemr_hash_equal(&roots[0], &roots[1]))
        return "the roots differ";
    return NULL;
}

int main(int argc, char **argv)
{
    uint64_t mib = argc > 1 ? strtoull(argv[1], NULL, 10) : 256;
    struct rusage usage;
    if (sodium_init() < 0 || mib == 0)
        return 2;
    const char *problem = whole((mib << 20) - 12345);
    if (problem || getrusage(RUSAGE_SELF, &usage) != 0) {
        (void)fprintf(stderr, "%s\n", problem ? problem : "no usage is known");
        return 1;
    }
    (void)printf("%llu MiB sealed and opened, peak of resident memory %ld KiB\n",
                 (unsigned long long)mib, usage.ru_maxrss);
    return usage.ru_maxrss > MOST_KIB;
}
