/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sum x_i P_i, constant time in the x_i, for many points at once: the method of buckets with a
 * schedule that depends on the number of points alone. Every bucket of a window is read and written
 * for every point, under masks; blst's complete additions do not branch. What one multiplication
 * spends on doublings and a table of its point is shared by all, so a point costs about half of it.
 *
 * x = a + b lambda with a, b below 2^128, and lambda P = (beta x, y): an endomorphism of the curve.
 */
#include "core/internal.h"

#define WINDOW 5
#define BUCKETS 16
#define WINDOWS 26
#define POINT_LIMBS (sizeof(blst_p1) / sizeof(uint64_t))
_Static_assert(WINDOW *WINDOWS > 128, "the last carry has its place");

typedef uint64_t bucket[POINT_LIMBS];

/* Digits of -15..16 of one half of a scalar: magnitude and sign. */
typedef struct digits {
    uint8_t magnitude[WINDOWS];
    bool is_negative[WINDOWS];
} digits;

typedef struct sum {
    uint64_t count; /* terms: two a point */
    blst_p1_affine *points;
    digits *digits;
} sum;

/* lambda = z^2 - 1 for the curve's parameter z. */
static const uint64_t lambda[2] = {0x00000000ffffffff, 0xac45a4010001a402};
/* A cube root of 1 in the field, the one that goes with lambda. */
static const uint64_t beta_limbs[6] = {0x8bfd00000000aaac, 0x409427eb4f49fffd, 0x897d29650fb85f9b,
                                       0xaa0d857d89759ad4, 0xec02408663d4de85, 0x1a0111ea397fe699};

/* 1 when a < b. */
static uint64_t is_less(uint64_t a, uint64_t b)
{
    return ((~a & b) | ((~a | b) & (a - b))) >> 63;
}

/* r := 2 r + bit, less lambda if that is not below 0; returns 1 if it was not. r < lambda. */
static uint64_t divide_step(uint64_t r[2], uint64_t bit)
{
    const uint64_t over = r[1] >> 63;
    const uint64_t high = r[1] << 1 | r[0] >> 63, low = r[0] << 1 | bit;
    const uint64_t borrow = is_less(low, lambda[0]);
    const uint64_t d = high - lambda[1];
    const uint64_t below = is_less(high, lambda[1]) | is_less(d, borrow);
    const uint64_t taken = core_hidden(over | (below ^ 1)), mask = core_hidden(0 - taken);
    r[0] = low - (lambda[0] & mask);
    r[1] = high - ((lambda[1] + borrow) & mask);
    return taken;
}

/* x = a + b lambda: long division, bit by bit. x < q, so its upper half is below lambda. */
static void split(const uint8_t x[32], uint64_t a[2], uint64_t b[2])
{
    const uint64_t low[2] = {bcemr_load_u64(x), bcemr_load_u64(x + 8)};
    a[0] = bcemr_load_u64(x + 16);
    a[1] = bcemr_load_u64(x + 24);
    b[0] = b[1] = 0;
    for (unsigned i = 128; i-- > 0;) {
        const uint64_t taken = divide_step(a, low[i / 64] >> (i % 64) & 1);
        b[i / 64] |= taken << (i % 64);
    }
}

static void digits_of(const uint64_t half[2], digits *out)
{
    uint64_t carry = 0;
    for (unsigned w = 0; w < WINDOWS; w++) {
        const unsigned at = WINDOW * w % 64;
        uint64_t bits = half[WINDOW * w / 64] >> at;
        if (at > 64 - WINDOW && w < WINDOWS - 1) /* of w alone: not secret */
            bits |= half[1] << (64 - at);
        const uint64_t value = (bits & 31) + carry;
        carry = (value + 15) >> WINDOW;
        out->magnitude[w] = (uint8_t)(value + carry * (32 - 2 * value));
        out->is_negative[w] = carry != 0;
    }
}

static void prepare(sum *s, const blst_p1_affine *points, const bcemr_secret_scalar *scalars)
{
    uint64_t halves[2][2];
    blst_fp beta;
    blst_fp_from_uint64(&beta, beta_limbs);
    for (uint64_t i = 0; i < s->count / 2; i++) {
        s->points[2 * i] = s->points[2 * i + 1] = points[i];
        blst_fp_mul(&s->points[2 * i + 1].x, &points[i].x, &beta);
        split(scalars[i].b, halves[0], halves[1]);
        digits_of(halves[0], &s->digits[2 * i]);
        digits_of(halves[1], &s->digits[2 * i + 1]);
    }
    bcemr_wipe(halves, sizeof halves);
}

static uint64_t mask_equal(uint64_t a, uint64_t b)
{
    return core_hidden(0 - core_hidden(((a ^ b) - 1) >> 63));
}

/* buckets[magnitude - 1] += point; magnitude 0 touches all the same and changes none. */
static void drop(bucket buckets[BUCKETS], const blst_p1_affine *point, uint64_t magnitude)
{
    bucket held = {0};
    blst_p1 grown;
    for (uint64_t d = 0; d < BUCKETS; d++) {
        const uint64_t mask = mask_equal(d + 1, magnitude);
        for (unsigned i = 0; i < POINT_LIMBS; i++)
            held[i] |= buckets[d][i] & mask;
    }
    memcpy(&grown, held, sizeof grown);
    blst_p1_add_or_double_affine(&grown, &grown, point);
    memcpy(held, &grown, sizeof held);
    for (uint64_t d = 0; d < BUCKETS; d++) {
        const uint64_t mask = mask_equal(d + 1, magnitude);
        for (unsigned i = 0; i < POINT_LIMBS; i++)
            buckets[d][i] ^= (buckets[d][i] ^ held[i]) & mask;
    }
}

/* out += sum over d of d buckets[d - 1]. */
static void add_buckets(bucket buckets[BUCKETS], blst_p1 *out)
{
    blst_p1 running, each;
    memset(&running, 0, sizeof running); /* the identity */
    for (unsigned d = BUCKETS; d-- > 0;) {
        memcpy(&each, buckets[d], sizeof each);
        blst_p1_add_or_double(&running, &running, &each);
        blst_p1_add_or_double(out, out, &running);
    }
}

static void add_up(const sum *s, blst_p1 *out)
{
    bucket buckets[BUCKETS];
    blst_p1_affine point;
    memset(out, 0, sizeof *out);
    for (unsigned w = WINDOWS; w-- > 0;) {
        for (unsigned i = 0; i < WINDOW; i++)
            blst_p1_double(out, out);
        memset(buckets, 0, sizeof buckets);
        for (uint64_t i = 0; i < s->count; i++) {
            point = s->points[i];
            blst_fp_cneg(&point.y, &point.y, s->digits[i].is_negative[w]);
            drop(buckets, &point, s->digits[i].magnitude[w]);
        }
        add_buckets(buckets, out);
    }
    bcemr_wipe(buckets, sizeof buckets);
    bcemr_wipe(&point, sizeof point);
}

bcemr_status core_sum_secret_g1(const blst_p1_affine *points, const bcemr_secret_scalar *scalars,
                                uint64_t count, blst_p1 *out)
{
    sum s = {.count = 2 * count};
    bcemr_status status = BCEMR_E_NO_MEMORY;
    s.points = bcemr_allocate(s.count * sizeof *s.points);
    s.digits = bcemr_allocate(s.count * sizeof *s.digits);
    if (s.points && s.digits) {
        prepare(&s, points, scalars);
        add_up(&s, out);
        status = BCEMR_OK;
    }
    bcemr_release(s.points);
    bcemr_release_wiped(s.digits, s.count * sizeof *s.digits);
    return status;
}
