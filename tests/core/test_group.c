/* SPDX-License-Identifier: Apache-2.0 */
/* Points, scalars, pairings and bitmaps of section 1: the algebra, and every refusal of decoding.
 */
#include "core_test.h"

#include <bcemr/record.h>

static const uint8_t order[32] = {0x01, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xfe, 0x5b, 0xfe,
                                  0xff, 0x02, 0xa4, 0xbd, 0x53, 0x05, 0xd8, 0xa1, 0x09, 0x08, 0xd8,
                                  0x39, 0x33, 0x48, 0x7d, 0x9d, 0x29, 0x53, 0xa7, 0xed, 0x73};

static const uint8_t field[48] = {
    0x1a, 0x01, 0x11, 0xea, 0x39, 0x7f, 0xe6, 0x9a, 0x4b, 0x1b, 0xa7, 0xb6, 0x43, 0x4b, 0xac, 0xd7,
    0x64, 0x77, 0x4b, 0x84, 0xf3, 0x85, 0x12, 0xbf, 0x67, 0x30, 0xd2, 0xa0, 0xf6, 0xb0, 0xf6, 0x24,
    0x1e, 0xab, 0xff, 0xfe, 0xb1, 0x53, 0xff, 0xff, 0xb9, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xaa, 0xab};

/* ---- decoding ---- */

static void refuse_g1(const bcemr_g1_raw *raw, bcemr_status status)
{
    bcemr_g1 point;
    memset(&point, 0xff, sizeof point);
    assert_int_equal(bcemr_g1_decode(raw, &point), status);
    assert_true(all_zero(&point, sizeof point));
}

static void refuse_g2(const bcemr_g2_raw *raw, bcemr_status status)
{
    bcemr_g2 point;
    memset(&point, 0xff, sizeof point);
    assert_int_equal(bcemr_g2_decode(raw, &point), status);
    assert_true(all_zero(&point, sizeof point));
}

static void g1_encodings(void **state)
{
    (void)state;
    bcemr_secret_scalar x = random_scalar();
    bcemr_g1_raw good = g1_of(&x), raw = good;
    raw.b[0] &= 0x7f; /* not marked as compressed */
    refuse_g1(&raw, BCEMR_E_POINT_ENCODING);
    raw = good;
    raw.b[0] |= 0x40; /* marked as the identity, but with an x */
    refuse_g1(&raw, BCEMR_E_POINT_ENCODING);
    raw = g1_identity();
    refuse_g1(&raw, BCEMR_E_POINT_IDENTITY);
    raw.b[0] = 0xe0; /* the identity with a sign */
    refuse_g1(&raw, BCEMR_E_POINT_ENCODING);
    raw = g1_identity();
    raw.b[47] = 1;
    refuse_g1(&raw, BCEMR_E_POINT_ENCODING);
    memcpy(raw.b, field, sizeof field); /* x = p, which is 0 */
    raw.b[0] |= 0x80;
    refuse_g1(&raw, BCEMR_E_POINT_ENCODING);
    memset(raw.b, 0xff, sizeof raw.b);
    raw.b[0] = 0x9f;
    refuse_g1(&raw, BCEMR_E_POINT_ENCODING);
    memset(raw.b, 0, sizeof raw.b);
    refuse_g1(&raw, BCEMR_E_POINT_ENCODING);
    raw.b[0] = 0x80; /* (0, 2): of order 3 */
    refuse_g1(&raw, BCEMR_E_POINT_NOT_IN_GROUP);
    raw = g1_plus_small(&good);
    refuse_g1(&raw, BCEMR_E_POINT_NOT_IN_GROUP);
}

static void g2_encodings(void **state)
{
    (void)state;
    bcemr_secret_scalar x = random_scalar();
    bcemr_g2_raw good = g2_of(&x), raw = good;
    raw.b[0] &= 0x7f;
    refuse_g2(&raw, BCEMR_E_POINT_ENCODING);
    raw = good;
    raw.b[0] |= 0x40;
    refuse_g2(&raw, BCEMR_E_POINT_ENCODING);
    raw = g2_identity();
    refuse_g2(&raw, BCEMR_E_POINT_IDENTITY);
    raw.b[0] = 0xe0;
    refuse_g2(&raw, BCEMR_E_POINT_ENCODING);
    raw = g2_identity();
    raw.b[95] = 1;
    refuse_g2(&raw, BCEMR_E_POINT_ENCODING);
    raw = good;
    memcpy(raw.b, field, sizeof field); /* the imaginary half of x is p */
    raw.b[0] |= 0x80;
    refuse_g2(&raw, BCEMR_E_POINT_ENCODING);
    raw = good;
    memcpy(raw.b + 48, field, sizeof field); /* the real half is p */
    refuse_g2(&raw, BCEMR_E_POINT_ENCODING);
    memset(raw.b, 0, sizeof raw.b);
    refuse_g2(&raw, BCEMR_E_POINT_ENCODING);
}

/* Small x: about half are off the curve, and none of the rest is in the subgroup of order q. */
static void neighbours_of_zero(void **state)
{
    (void)state;
    unsigned off1 = 0, out1 = 0, off2 = 0, out2 = 0;
    for (uint8_t x = 1; x < 40; x++) {
        bcemr_g1_raw one = {{0x80}};
        bcemr_g2_raw two = {{0x80}};
        bcemr_g1 p;
        bcemr_g2 q;
        one.b[47] = two.b[95] = x;
        switch (bcemr_g1_decode(&one, &p)) {
        case BCEMR_E_POINT_NOT_ON_CURVE:
            off1++;
            break;
        case BCEMR_E_POINT_NOT_IN_GROUP:
            out1++;
            break;
        default:
            /* The subgroup's share is 1 in 2^125. */
            fail();
        }
        switch (bcemr_g2_decode(&two, &q)) {
        case BCEMR_E_POINT_NOT_ON_CURVE:
            off2++;
            break;
        case BCEMR_E_POINT_NOT_IN_GROUP:
            out2++;
            break;
        default:
            fail();
        }
    }
    assert_true(off1 > 5 && out1 > 5 && off2 > 5 && out2 > 5);
}

static void points_travel(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        bcemr_secret_scalar x = random_scalar(), minus = negative(&x);
        bcemr_g1 p, p_again, p_minus;
        bcemr_g2 q, q_again, q_minus;
        bcemr_g1_raw p_raw;
        bcemr_g2_raw q_raw;
        bcemr_g1_from_secret(&x, &p);
        bcemr_g1_encode(&p, &p_raw);
        OK(bcemr_g1_decode(&p_raw, &p_again));
        assert_true(bcemr_g1_equal(&p, &p_again));
        bcemr_g2_from_secret(&x, &q);
        bcemr_g2_encode(&q, &q_raw);
        OK(bcemr_g2_decode(&q_raw, &q_again));
        assert_true(bcemr_g2_equal(&q, &q_again));
        /* The other sign is the point of q - x. */
        bcemr_g1_from_secret(&minus, &p_minus);
        bcemr_g2_from_secret(&minus, &q_minus);
        p_raw.b[0] ^= 0x20;
        q_raw.b[0] ^= 0x20;
        OK(bcemr_g1_decode(&p_raw, &p_again));
        OK(bcemr_g2_decode(&q_raw, &q_again));
        assert_false(bcemr_g1_equal(&p, &p_again));
        assert_false(bcemr_g2_equal(&q, &q_again));
        assert_true(bcemr_g1_equal(&p_minus, &p_again));
        assert_true(bcemr_g2_equal(&q_minus, &q_again));
    }
}

/* ---- scalars ---- */

static void refuse_scalar(const uint8_t b[32], bcemr_status status)
{
    bcemr_scalar_raw raw;
    bcemr_scalar out;
    bcemr_secret_scalar secret;
    memcpy(raw.b, b, sizeof raw.b);
    memset(&out, 0xff, sizeof out);
    memset(&secret, 0xff, sizeof secret);
    assert_int_equal(bcemr_scalar_decode(&raw, &out), status);
    assert_int_equal(bcemr_secret_scalar_decode(&raw, &secret), status);
    assert_true(all_zero(&out, sizeof out) && all_zero(&secret, sizeof secret));
}

static void scalars(void **state)
{
    (void)state;
    uint8_t b[32] = {0};
    bcemr_scalar_raw raw;
    bcemr_scalar out;
    bcemr_secret_scalar secret;
    refuse_scalar(b, BCEMR_E_SCALAR_ZERO);
    refuse_scalar(order, BCEMR_E_SCALAR_RANGE);
    memcpy(b, order, sizeof b);
    b[0] = 2;
    refuse_scalar(b, BCEMR_E_SCALAR_RANGE);
    memset(b, 0xff, sizeof b);
    refuse_scalar(b, BCEMR_E_SCALAR_RANGE);
    memset(b, 0, sizeof b);
    b[31] = 0x80;
    refuse_scalar(b, BCEMR_E_SCALAR_RANGE);
    memcpy(raw.b, order, sizeof raw.b);
    raw.b[0] = 0; /* q - 1 */
    OK(bcemr_scalar_decode(&raw, &out));
    OK(bcemr_secret_scalar_decode(&raw, &secret));
    assert_memory_equal(out.b, raw.b, 32);
    assert_memory_equal(secret.b, raw.b, 32);
    for (int i = 0; i < 100; i++) {
        bcemr_secret_scalar x = random_scalar(), y = random_scalar();
        memcpy(raw.b, x.b, sizeof raw.b);
        OK(bcemr_scalar_decode(&raw, &out));
        assert_memory_not_equal(x.b, y.b, 32);
    }
}

/* f(at) g1 = sum at^k (a_k g1), by Horner in the exponent. */
static void polynomials(void **state)
{
    (void)state;
    bcemr_secret_scalar a[5], share;
    for (unsigned i = 0; i < COUNT(a); i++)
        a[i] = random_scalar();
    for (uint64_t count = 1; count <= COUNT(a); count++)
        for (uint64_t at = 1; at <= 16; at++) {
            uint8_t step[8];
            blst_p1 sum, term;
            bcemr_g1 expected, got;
            bcemr_store_u64(step, at);
            memset(&sum, 0, sizeof sum);
            for (uint64_t k = count; k-- > 0;) {
                blst_p1_mult(&sum, &sum, step, 64);
                blst_p1_mult(&term, blst_p1_generator(), a[k].b, 255);
                blst_p1_add_or_double(&sum, &sum, &term);
            }
            blst_p1_to_affine((blst_p1_affine *)&expected, &sum);
            OK(bcemr_secret_scalar_polynomial(a, count, at, &share));
            bcemr_g1_from_secret(&share, &got);
            assert_true(bcemr_g1_equal(&expected, &got));
        }
    /* a - (a/7) 7 = 0 */
    const bcemr_secret_scalar seven = small_scalar(7);
    core_scalar_multiply(&a[1], &seven, &a[0]);
    a[0] = negative(&a[0]);
    assert_int_equal(bcemr_secret_scalar_polynomial(a, 2, 7, &share), BCEMR_E_SCALAR_ZERO);
    assert_int_equal(bcemr_secret_scalar_polynomial(a, 0, 7, &share), BCEMR_E_ARGUMENT);
}

static void products_of_scalars(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        bcemr_secret_scalar a = random_scalar(), b = random_scalar(), ab, inverse, one;
        bcemr_g1 left, right, middle;
        core_scalar_multiply(&a, &b, &ab);
        bcemr_g1_from_secret(&a, &middle);
        bcemr_g1_multiply(&middle, &b, &left);
        bcemr_g1_from_secret(&ab, &right);
        assert_true(bcemr_g1_equal(&left, &right));
        core_scalar_invert(&a, &inverse);
        core_scalar_multiply(&a, &inverse, &one);
        assert_memory_equal(one.b, small_scalar(1).b, 32);
    }
}

/* ---- pairings ---- */

/* e(aP, bQ) = e(P, Q)^ab, seen through capsules: e(left, h) = e(right, C) for C = r h. */
static void bilinear(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        bcemr_secret_scalar a = random_scalar(), b = random_scalar(), ab, other = random_scalar();
        bcemr_hash vid = random_hash();
        bcemr_ed_raw svk = random_ed();
        core_scalar_multiply(&a, &b, &ab);
        bcemr_g1_raw p_a = g1_of(&a), p_ab = g1_of(&ab), p_other = g1_of(&other), made;
        bcemr_g2_raw c;
        bcemr_capsule_key k;
        OK(bcemr_capsule_from_r(context, &b, &p_a, &vid, &svk, &made, &c, &k, NULL));
        assert_memory_equal(made.b, p_ab.b, 48);
        VALID(bcemr_capsule_check(context, &vid, &svk, &p_ab, &p_a, &c, BCEMR_BAD_CAPSULE, NULL));
        assert_int_equal(
            bcemr_capsule_check(context, &vid, &svk, &p_other, &p_a, &c, BCEMR_BAD_CAPSULE, NULL),
            BCEMR_BAD_CAPSULE);
        /* e(1/a ab g1, g2) = Z^b */
        bcemr_capsule_key again;
        OK(bcemr_capsule_open(context, &a, &p_ab, &again, NULL));
        assert_memory_equal(again.b, k.b, sizeof k.b);
    }
}

/* The table of Z against a pairing that knows no table, at the windows' edges too. */
static void powers_of_z(void **state)
{
    (void)state;
    bcemr_secret_scalar x[40];
    unsigned n = 0;
    for (uint8_t small = 1; small <= 17; small++)
        x[n++] = small_scalar(small);
    for (unsigned bit = 4; bit < 252; bit += 31) {
        x[n] = small_scalar(0);
        x[n++].b[bit / 8] = (uint8_t)(1u << (bit % 8));
    }
    memset(x[n].b, 0xff, 31); /* every window but the last two full */
    x[n++].b[31] = 0;
    x[n++] = negative(&x[0]);
    while (n < COUNT(x))
        x[n++] = random_scalar();
    for (unsigned i = 0; i < n; i++) {
        bcemr_capsule_key got, expected;
        bcemr_g1 point;
        blst_fp12 pairing;
        bcemr_g1_from_secret(&x[i], &point);
        blst_miller_loop(&pairing, blst_p2_affine_generator(), core_p1(&point));
        blst_final_exp(&pairing, &pairing);
        core_gt_encode(&pairing, &expected);
        core_z_power(context, &x[i], &got);
        assert_memory_equal(got.b, expected.b, sizeof got.b);
    }
}

/* Shared squarings against blst's own loops, below and above what shares one run. */
static void products_of_loops(void **state)
{
    (void)state;
    enum { MOST = 40 };
    static bcemr_g2_lines lines[MOST];
    static bcemr_g1 points[MOST];
    static bcemr_g2 keys[MOST];
    const bcemr_g2_lines *at[MOST];
    blst_fp12 expected = *blst_fp12_one(), one, product;
    for (uint64_t n = 1; n <= MOST; n++) {
        bcemr_secret_scalar x = random_scalar(), y = random_scalar();
        bcemr_g1_from_secret(&x, &points[n - 1]);
        bcemr_g2_from_secret(&y, &keys[n - 1]);
        bcemr_g2_prepare(&keys[n - 1], &lines[n - 1]);
        at[n - 1] = &lines[n - 1];
        blst_miller_loop(&one, core_p2(&keys[n - 1]), core_p1(&points[n - 1]));
        blst_fp12_mul(&expected, &expected, &one);
        core_miller_lines(at, core_p1(points), n, &product);
        assert_true(blst_fp12_finalverify(&product, &expected));
        assert_false(core_is_one(&product));
    }
    core_miller_lines(at, core_p1(points), 0, &product);
    assert_true(core_is_one(&product));
    memset(&product, 0, sizeof product); /* zero is no value of a pairing and equals nothing */
    assert_false(core_is_one(&product));
}

static void context_without_memory(void **state)
{
    (void)state;
    bcemr_context *none = context;
    bcemr_switch_fail_allocation(1);
    assert_int_equal(bcemr_context_new(&none), BCEMR_E_NO_MEMORY);
    assert_null(none);
    bcemr_context_free(none);
}

/* ---- bitmaps ---- */

static void bitmaps(void **state)
{
    (void)state;
    uint8_t bits[3] = {0};
    assert_int_equal(bcemr_bitmap_size(0), 0);
    assert_int_equal(bcemr_bitmap_size(8), 1);
    assert_int_equal(bcemr_bitmap_size(9), 2);
    bcemr_bitmap_set(bits, 0);
    bcemr_bitmap_set(bits, 9);
    bcemr_bitmap_set(bits, 19);
    assert_int_equal(bits[0], 1);
    assert_int_equal(bits[1], 2);
    assert_int_equal(bits[2], 8);
    bcemr_span map = {bits, 3};
    assert_int_equal(bcemr_bitmap_count(map), 3);
    for (uint64_t i = 0; i < 40; i++)
        assert_int_equal(bcemr_bitmap_get(map, i), i == 0 || i == 9 || i == 19);
    for (uint64_t n = 20; n <= 24; n++)
        OK(bcemr_bitmap_check(map, n));
    assert_int_equal(bcemr_bitmap_check(map, 19), BCEMR_E_BITMAP); /* a spare bit is set */
    assert_int_equal(bcemr_bitmap_check(map, 16), BCEMR_E_BITMAP); /* too long */
    assert_int_equal(bcemr_bitmap_check(map, 25), BCEMR_E_BITMAP); /* too short */
    assert_int_equal(bcemr_bitmap_check((bcemr_span){NULL, 0}, 1), BCEMR_E_BITMAP);
    OK(bcemr_bitmap_check((bcemr_span){NULL, 0}, 0));
    assert_int_equal(bcemr_bitmap_count((bcemr_span){NULL, 0}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g1_encodings),
        cmocka_unit_test(g2_encodings),
        cmocka_unit_test(neighbours_of_zero),
        cmocka_unit_test(points_travel),
        cmocka_unit_test(scalars),
        cmocka_unit_test(polynomials),
        cmocka_unit_test(products_of_scalars),
        cmocka_unit_test(bilinear),
        cmocka_unit_test(powers_of_z),
        cmocka_unit_test(products_of_loops),
        cmocka_unit_test_teardown(context_without_memory, switches_on),
        cmocka_unit_test(bitmaps),
    };
    return cmocka_run_group_tests_name("core/group", tests, make_context, free_context);
}
