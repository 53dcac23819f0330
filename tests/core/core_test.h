/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of groups, keys and capsules share: one context, random keys, changed bytes. */
#ifndef BCEMR_TESTS_CORE_TEST_H
#define BCEMR_TESTS_CORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/internal.h"

#include <sodium.h>
#include <string.h>

#define OK(call) assert_int_equal((call), BCEMR_OK)
#define VALID(call) assert_int_equal((call), BCEMR_VALID)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bcemr_context *context;

static inline int make_context(void **state)
{
    (void)state;
    return bcemr_context_new(&context) == BCEMR_OK ? 0 : -1;
}

static inline int free_context(void **state)
{
    (void)state;
    bcemr_context_free(context);
    return 0;
}

static inline int switches_on(void **state)
{
    (void)state;
    bcemr_switch_all_on();
    bcemr_switch_fail_allocation(0);
    return 0;
}

static inline bcemr_secret_scalar random_scalar(void)
{
    bcemr_secret_scalar x;
    OK(bcemr_secret_scalar_random(&x));
    return x;
}

static inline bcemr_secret_scalar small_scalar(uint8_t value)
{
    return (bcemr_secret_scalar){{value}};
}

/* q - x */
static inline bcemr_secret_scalar negative(const bcemr_secret_scalar *x)
{
    static const bcemr_secret_scalar minus_one = {{0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
                                                   0xfe, 0x5b, 0xfe, 0xff, 0x02, 0xa4, 0xbd, 0x53,
                                                   0x05, 0xd8, 0xa1, 0x09, 0x08, 0xd8, 0x39, 0x33,
                                                   0x48, 0x7d, 0x9d, 0x29, 0x53, 0xa7, 0xed, 0x73}};
    bcemr_secret_scalar out;
    core_scalar_multiply(&minus_one, x, &out);
    return out;
}

/* x g1 and x g2, encoded. */
static inline bcemr_g1_raw g1_of(const bcemr_secret_scalar *x)
{
    bcemr_g1 point;
    bcemr_g1_raw raw;
    bcemr_g1_from_secret(x, &point);
    bcemr_g1_encode(&point, &raw);
    return raw;
}

static inline bcemr_g2_raw g2_of(const bcemr_secret_scalar *x)
{
    bcemr_g2 point;
    bcemr_g2_raw raw;
    bcemr_g2_from_secret(x, &point);
    bcemr_g2_encode(&point, &raw);
    return raw;
}

static inline bcemr_g1 decoded(const bcemr_g1_raw *raw)
{
    bcemr_g1 point;
    OK(bcemr_g1_decode(raw, &point));
    return point;
}

/* a + b */
static inline bcemr_g1_raw g1_plus(const bcemr_g1_raw *a, const bcemr_g1_raw *b)
{
    bcemr_g1 x = decoded(a), y = decoded(b);
    bcemr_g1_raw raw;
    blst_p1 sum;
    blst_p1_from_affine(&sum, core_p1(&x));
    blst_p1_add_or_double_affine(&sum, &sum, core_p1(&y));
    blst_p1_compress(raw.b, &sum);
    return raw;
}

/* a plus (0, 2), a point of order 3: on the curve, outside the subgroup. */
static inline bcemr_g1_raw g1_plus_small(const bcemr_g1_raw *a)
{
    bcemr_g1 x = decoded(a);
    bcemr_g1_raw raw, small = {{0x80}};
    blst_p1_affine t;
    blst_p1 sum;
    assert_int_equal(blst_p1_uncompress(&t, small.b), BLST_POINT_NOT_IN_GROUP);
    assert_true(blst_p1_affine_on_curve(&t));
    blst_p1_from_affine(&sum, core_p1(&x));
    blst_p1_add_or_double_affine(&sum, &sum, &t);
    blst_p1_compress(raw.b, &sum);
    return raw;
}

static inline bcemr_g1_raw g1_identity(void)
{
    return (bcemr_g1_raw){{0xc0}};
}

static inline bcemr_g2_raw g2_identity(void)
{
    return (bcemr_g2_raw){{0xc0}};
}

static inline bcemr_hash random_hash(void)
{
    bcemr_hash hash;
    randombytes_buf(hash.b, sizeof hash.b);
    return hash;
}

static inline bcemr_ed_raw random_ed(void)
{
    uint8_t seed[32];
    bcemr_ed_secret secret;
    bcemr_ed_raw key;
    randombytes_buf(seed, sizeof seed);
    bcemr_ed_from_seed(seed, &secret, &key);
    return key;
}

static inline bool all_zero(const void *p, size_t n)
{
    return sodium_is_zero(p, n);
}

#endif
