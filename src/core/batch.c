/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many BLS statements at once (section 4):
 *
 *     e(sum rho_j sigma_j, g2) = prod over keys X of e(sum_{j under X} rho_j h_j, X)
 *
 * with random 128-bit rho_j, after every signature was decoded and found in the subgroup.
 * Statements are laid out by key, so every sum, of a half of a half too, runs over neighbours. When
 * a product does not hold, its halves are looked at, down to the single bad ones.
 */
#include "core/internal.h"

#include <sodium.h>
#include <stdlib.h>

/* Work units: decoding and hashing, sums (fewer points to a sum lose what bulk saves). */
#define CHUNK 8
#define SUM_LEAST 256

typedef struct slot {
    const bcemr_g2_lines *key;
    uint64_t statement;
    bool good; /* the signature decoded */
} slot;

/* A run of neighbours of one sum: under one key, or over the signatures (key g2). */
typedef struct segment {
    const blst_p1_affine *points;
    const core_weight *weights;
    uint64_t count;
    uint64_t term;
    uint64_t scratch_at;
    blst_p1 sum;
} segment;

typedef struct batch {
    const bcemr_context *context;
    const bcemr_bls_statement *statements;
    const bcemr_parallel *parallel;
    bcemr_status status;
    uint64_t count;
    slot *slots;
    blst_p1_affine *signatures;
    blst_p1_affine *hashes;
    core_weight *weights;
    /* of the product at hand */
    uint64_t longest;
    uint64_t segments_count, terms_count;
    uint64_t scratch_limbs;
    segment *segments;
    uint64_t *scratch;
    blst_p1 *sums;
    blst_p1_affine *points;
    const bcemr_g2_lines **lines;
    blst_fp12 *products;
    uint64_t products_count;
} batch;

static uint64_t width_of(const bcemr_parallel *parallel)
{
    return parallel && parallel->width > 1 ? parallel->width : 1;
}

/* ---- decoding, hashing, laying out ---- */

static int by_key(const void *a, const void *b)
{
    const slot *x = a, *y = b;
    if (x->key != y->key)
        return (uintptr_t)x->key < (uintptr_t)y->key ? -1 : 1;
    return (x->statement > y->statement) - (x->statement < y->statement);
}

static void prepare_chunk(void *argument, uint64_t index)
{
    batch *b = argument;
    uint64_t begin = index * CHUNK, n = b->count - begin < CHUNK ? b->count - begin : CHUNK;
    blst_p1 hashed[CHUNK];
    const blst_p1 *const from[2] = {hashed, NULL};
    for (uint64_t i = 0; i < n; i++) {
        slot *s = &b->slots[begin + i];
        const bcemr_bls_statement *statement = &b->statements[s->statement];
        s->good = bcemr_g1_decode(&statement->signature, (bcemr_g1 *)&b->signatures[begin + i]) ==
                  BCEMR_OK;
        /* Purposes and keys were looked at before, so this cannot fail. */
        if (core_hash_to_g1(statement->purpose, statement->message, &hashed[i]) != BCEMR_OK) {
            s->good = false;
            hashed[i] = *blst_p1_generator();
        }
    }
    blst_p1s_to_affine(b->hashes + begin, from, (size_t)n);
}

/* Keeps what decoded; the order stays. */
static void drop_undecoded(batch *b, bool *bad)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < b->count; i++) {
        if (!b->slots[i].good) {
            bad[b->slots[i].statement] = true;
            continue;
        }
        b->slots[kept] = b->slots[i];
        b->signatures[kept] = b->signatures[i];
        b->hashes[kept] = b->hashes[i];
        kept++;
    }
    b->count = kept;
}

/* ---- one product ---- */

static void add_segments(batch *b, const blst_p1_affine *points, uint64_t from, uint64_t count,
                         const bcemr_g2_lines *key)
{
    b->lines[b->terms_count] = key;
    while (count > 0) {
        uint64_t n = count < b->longest ? count : b->longest;
        b->segments[b->segments_count++] = (segment){.points = points + from,
                                                     .weights = b->weights + from,
                                                     .count = n,
                                                     .term = b->terms_count,
                                                     .scratch_at = b->scratch_limbs};
        b->scratch_limbs += core_sum_scratch(n) / sizeof *b->scratch;
        from += n;
        count -= n;
    }
    b->terms_count++;
}

static void sum_segment(void *argument, uint64_t index)
{
    batch *b = argument;
    segment *s = &b->segments[index];
    core_sum_g1(s->points, s->weights, s->count, b->scratch + s->scratch_at, &s->sum);
}

static void multiply_terms(void *argument, uint64_t index)
{
    batch *b = argument;
    uint64_t begin = b->terms_count * index / b->products_count;
    uint64_t end = b->terms_count * (index + 1) / b->products_count;
    core_miller_lines(b->lines + begin, b->points + begin, end - begin, &b->products[index]);
}

/* Term 0 are the signatures against g2, negated; then a term for each key. */
static void lay_out(batch *b, uint64_t from, uint64_t count)
{
    b->segments_count = b->terms_count = b->scratch_limbs = 0;
    add_segments(b, b->signatures, from, count, &b->context->g2);
    for (uint64_t i = from; i < from + count;) {
        uint64_t n = 1;
        while (i + n < from + count && b->slots[i + n].key == b->slots[i].key)
            n++;
        add_segments(b, b->hashes, i, n, b->slots[i].key);
        i += n;
    }
}

static bool product_holds(batch *b, uint64_t from, uint64_t count)
{
    const blst_p1 *const sums[2] = {b->sums, NULL};
    blst_fp12 product = *blst_fp12_one();
    lay_out(b, from, count);
    core_run(b->parallel, sum_segment, b, b->segments_count);
    memset(b->sums, 0, (size_t)b->terms_count * sizeof *b->sums);
    for (uint64_t i = 0; i < b->segments_count; i++) {
        blst_p1 *sum = &b->sums[b->segments[i].term];
        blst_p1_add_or_double(sum, sum, &b->segments[i].sum);
    }
    /* A sum that vanishes pairs to one with anything: not a comparison that is made. */
    for (uint64_t i = 0; i < b->terms_count; i++)
        if (blst_p1_is_inf(&b->sums[i]))
            return false;
    blst_p1_cneg(&b->sums[0], true);
    blst_p1s_to_affine(b->points, sums, (size_t)b->terms_count);
    b->products_count = width_of(b->parallel);
    if (b->products_count > b->terms_count)
        b->products_count = b->terms_count;
    core_run(b->parallel, multiply_terms, b, b->products_count);
    for (uint64_t i = 0; i < b->products_count; i++)
        blst_fp12_mul(&product, &product, &b->products[i]);
    return core_is_one(&product);
}

/* Alone a statement is checked as it stands, without a weight. */
static bool single_holds(const batch *b, uint64_t at)
{
    blst_p1 h;
    blst_p1_from_affine(&h, &b->hashes[at]);
    return core_pairs_lines(b->context, &b->signatures[at], &h, b->slots[at].key);
}

/* Marks the bad ones of a range; known: its product is known not to hold. */
static void bisect(batch *b, uint64_t from, uint64_t count, bool known, bool *bad)
{
    if (count == 1) {
        if (known || !single_holds(b, from))
            bad[b->slots[from].statement] = true;
        return;
    }
    if (!known && product_holds(b, from, count))
        return;
    uint64_t half = count / 2;
    bool left_holds = half == 1 ? single_holds(b, from) : product_holds(b, from, half);
    if (!left_holds)
        bisect(b, from, half, true, bad);
    /* A whole that fails and a left half that holds leave the right one. */
    bisect(b, from + half, count - half, left_holds, bad);
}

/* ---- memory ---- */

static void *room(batch *b, uint64_t count, uint64_t size)
{
    void *p = b->status == BCEMR_OK ? bcemr_allocate(count * size) : NULL;
    if (!p)
        b->status = BCEMR_E_NO_MEMORY;
    return p;
}

static void make_room(batch *b)
{
    b->slots = room(b, b->count, sizeof *b->slots);
    b->signatures = room(b, b->count, sizeof *b->signatures);
    b->hashes = room(b, b->count, sizeof *b->hashes);
    b->weights = room(b, b->count, sizeof *b->weights);
}

/* For the whole batch; no part that bisection looks at needs more: scratch grows with a sum. */
static void make_room_for_products(batch *b)
{
    uint64_t width = width_of(b->parallel), keys = 1;
    for (uint64_t i = 1; i < b->count; i++)
        keys += b->slots[i].key != b->slots[i - 1].key;
    b->longest = (b->count + width - 1) / width;
    if (b->longest < SUM_LEAST)
        b->longest = SUM_LEAST;
    uint64_t segments = keys + 1 + 2 * (b->count / b->longest);
    b->segments = room(b, segments, sizeof *b->segments);
    b->sums = room(b, keys + 1, sizeof *b->sums);
    b->points = room(b, keys + 1, sizeof *b->points);
    b->lines = room(b, keys + 1, sizeof(void *));
    b->products = room(b, width, sizeof *b->products);
    if (b->status != BCEMR_OK)
        return;
    lay_out(b, 0, b->count);
    b->scratch = room(b, b->scratch_limbs, sizeof *b->scratch);
}

static void free_room(batch *b)
{
    bcemr_release(b->slots);
    bcemr_release(b->signatures);
    bcemr_release(b->hashes);
    bcemr_release(b->weights);
    bcemr_release(b->segments);
    bcemr_release(b->scratch);
    bcemr_release(b->sums);
    bcemr_release(b->points);
    bcemr_release(b->lines);
    bcemr_release(b->products);
}

static void check_all(batch *b, bool *bad)
{
    make_room(b);
    if (b->status != BCEMR_OK)
        return;
    for (uint64_t i = 0; i < b->count; i++)
        b->slots[i] = (slot){.key = b->statements[i].key, .statement = i};
    qsort(b->slots, (size_t)b->count, sizeof *b->slots, by_key);
    core_run(b->parallel, prepare_chunk, b, (b->count + CHUNK - 1) / CHUNK);
    drop_undecoded(b, bad);
    if (b->count == 0)
        return;
    make_room_for_products(b);
    if (b->status != BCEMR_OK)
        return;
    randombytes_buf(b->weights, (size_t)b->count * sizeof *b->weights);
    bisect(b, 0, b->count, false, bad);
}

bcemr_verdict bcemr_bls_batch(const bcemr_context *context, const bcemr_bls_statement *statements,
                              uint64_t count, const bcemr_parallel *parallel, bool *bad,
                              bcemr_error *err)
{
    batch b = {.context = context, .statements = statements, .parallel = parallel, .count = count};
    uint64_t first = 0;
    if (count > SIZE_MAX / sizeof(segment))
        return core_undecided(err, BCEMR_E_TOO_MANY, "batch", NULL);
    for (uint64_t i = 0; i < count; i++) {
        bad[i] = false;
        if (!statements[i].key || statements[i].purpose == BCEMR_PURPOSE_CAPSULE)
            b.status = BCEMR_E_ARGUMENT;
    }
    if (b.status == BCEMR_OK && count > 0)
        check_all(&b, bad);
    free_room(&b);
    if (b.status != BCEMR_OK)
        return core_undecided(err, b.status, "batch", NULL);
    while (first < count && !bad[first])
        first++;
    if (!BCEMR_HOLDS(BCEMR_BAD_DIAGNOSIS_SIGNATURE, first == count))
        return core_refuse(err, BCEMR_BAD_DIAGNOSIS_SIGNATURE, "batch", "signature", first);
    memset(bad, 0, (size_t)count * sizeof *bad);
    return BCEMR_VALID;
}
