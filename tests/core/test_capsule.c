/* SPDX-License-Identifier: Apache-2.0 */
/* The capsule (sections 5 to 7): made, made again, checked, opened in every way that there is. */
#include "core_test.h"

#include <bcemr/grant.h>
#include <bcemr/record.h>

typedef struct sealed {
    bcemr_secret_scalar xv;
    bcemr_g1_raw pkv;
    bcemr_hash vid;
    bcemr_ed_raw svk;
    bcemr_secret_scalar r;
    bcemr_g1_raw b;
    bcemr_g2_raw c;
    bcemr_capsule_key k;
} sealed;

static sealed seal(void)
{
    sealed s = {.xv = random_scalar(), .vid = random_hash(), .svk = random_ed()};
    s.pkv = g1_of(&s.xv);
    OK(bcemr_capsule_seal(context, &s.pkv, &s.vid, &s.svk, &s.r, &s.b, &s.c, &s.k, NULL));
    return s;
}

static bcemr_verdict check(const sealed *s, const bcemr_g1_raw *left, const bcemr_g1_raw *right)
{
    bcemr_error err;
    bcemr_verdict verdict = bcemr_capsule_check(context, &s->vid, &s->svk, left, right, &s->c,
                                                BCEMR_BAD_CAPSULE_POINT, &err);
    if (verdict != BCEMR_VALID)
        assert_int_equal(err.verdict, verdict);
    return verdict;
}

static void sealed_and_opened(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        sealed s = seal(), other = seal();
        bcemr_g1_raw b;
        bcemr_g2_raw c;
        bcemr_capsule_key k;
        OK(bcemr_capsule_from_r(context, &s.r, &s.pkv, &s.vid, &s.svk, &b, &c, &k, NULL));
        assert_memory_equal(b.b, s.b.b, 48);
        assert_memory_equal(c.b, s.c.b, 96);
        assert_memory_equal(k.b, s.k.b, sizeof k.b);
        OK(bcemr_capsule_open(context, &s.xv, &s.b, &k, NULL));
        assert_memory_equal(k.b, s.k.b, sizeof k.b);
        OK(bcemr_capsule_open(context, &other.xv, &s.b, &k, NULL));
        assert_memory_not_equal(k.b, s.k.b, sizeof k.b);
        assert_memory_not_equal(other.k.b, s.k.b, sizeof k.b);
        assert_int_equal(check(&s, &s.b, &s.pkv), BCEMR_VALID);
    }
}

/* B' = rk B and y_v open what B and xv open; e(B', h) = e(Y, C). */
static void reencrypted(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        sealed s = seal();
        bcemr_secret_scalar y = random_scalar(), wrong = random_scalar(), rk;
        bcemr_g1_raw y_public = g1_of(&y), again, other;
        bcemr_capsule_key k;
        core_scalar_invert(&s.xv, &rk);
        core_scalar_multiply(&y, &rk, &rk);
        OK(bcemr_reencrypt(&rk, &s.b, &again, NULL));
        OK(bcemr_capsule_open(context, &y, &again, &k, NULL));
        assert_memory_equal(k.b, s.k.b, sizeof k.b);
        assert_int_equal(check(&s, &again, &y_public), BCEMR_VALID);
        VALID(bcemr_grant_y_check(&y, &y_public, NULL));
        /* A wrong rk: the point does not fit Y, and Y itself is right. */
        OK(bcemr_reencrypt(&wrong, &s.b, &other, NULL));
        assert_int_equal(check(&s, &other, &y_public), BCEMR_BAD_CAPSULE_POINT);
        OK(bcemr_capsule_open(context, &y, &other, &k, NULL));
        assert_memory_not_equal(k.b, s.k.b, sizeof k.b);
    }
}

/* t = 2 of n = 3 clouds: shares of rk under F, any two combine to B'. */
static void threshold_proxies(void **state)
{
    (void)state;
    sealed s = seal();
    bcemr_secret_scalar a[2] = {random_scalar(), random_scalar()}, share[4];
    bcemr_g1_raw part[4], commitment;
    bcemr_g1 pkv = decoded(&s.pkv), point;
    for (uint64_t j = 1; j <= 3; j++) {
        OK(bcemr_secret_scalar_polynomial(a, 2, j, &share[j]));
        OK(bcemr_reencrypt(&share[j], &s.b, &part[j], NULL));
        bcemr_g1_multiply(&pkv, &share[j], &point); /* C_j */
        bcemr_g1_encode(&point, &commitment);
        assert_int_equal(check(&s, &part[j], &commitment), BCEMR_VALID);
        assert_int_equal(check(&s, &part[j], &s.pkv), BCEMR_BAD_CAPSULE_POINT);
    }
    /* f(0) = 2 f(1) - f(2) = 3 f(1) / 2 - f(3) / 2 */
    bcemr_g1_raw whole, minus = part[2], twice = g1_plus(&part[1], &part[1]), sum;
    OK(bcemr_reencrypt(&a[0], &s.b, &whole, NULL));
    minus.b[0] ^= 0x20;
    sum = g1_plus(&twice, &minus);
    assert_memory_equal(sum.b, whole.b, 48);
    bcemr_g1_raw thrice = g1_plus(&twice, &part[1]), back = g1_plus(&whole, &whole);
    back = g1_plus(&back, &part[3]);
    assert_memory_equal(thrice.b, back.b, 48);
}

static void capsules_that_do_not_hold(void **state)
{
    (void)state;
    sealed s = seal(), other = seal(), changed;
    assert_int_equal(check(&s, &s.b, &other.pkv), BCEMR_BAD_CAPSULE_POINT);
    assert_int_equal(check(&s, &s.pkv, &s.b), BCEMR_BAD_CAPSULE_POINT); /* swapped */
    assert_int_equal(check(&s, &other.b, &s.pkv), BCEMR_BAD_CAPSULE_POINT);
    changed = s;
    changed.c = other.c;
    assert_int_equal(check(&changed, &s.b, &s.pkv), BCEMR_BAD_CAPSULE_POINT);
    changed = s;
    changed.vid.b[0] ^= 1;
    assert_int_equal(check(&changed, &s.b, &s.pkv), BCEMR_BAD_CAPSULE_POINT);
    changed = s;
    changed.svk = other.svk; /* a capsule under another one-time key */
    assert_int_equal(check(&changed, &s.b, &s.pkv), BCEMR_BAD_CAPSULE_POINT);
    changed = s;
    changed.b.b[0] ^= 0x20;
    assert_int_equal(check(&s, &changed.b, &s.pkv), BCEMR_BAD_CAPSULE_POINT);
    /* -B and -C are a capsule, of -r: kc and osig are what refuses it. */
    changed.c.b[0] ^= 0x20;
    assert_int_equal(check(&changed, &changed.b, &s.pkv), BCEMR_VALID);
    bcemr_switch_off(BCEMR_BAD_CAPSULE_POINT);
    assert_int_equal(check(&s, &other.b, &s.pkv), BCEMR_VALID);
}

static void undecided(const sealed *s, const bcemr_g1_raw *left, const bcemr_g1_raw *right,
                      const bcemr_g2_raw *c, bcemr_status status, const char *field)
{
    bcemr_error err;
    assert_int_equal(
        bcemr_capsule_check(context, &s->vid, &s->svk, left, right, c, BCEMR_BAD_CAPSULE, &err),
        BCEMR_UNDECIDED);
    assert_int_equal(err.status, status);
    if (field)
        assert_string_equal(err.field, field);
}

/* B plus a point of order 3 pairs like B, so it is the decoding that refuses it. */
static void small_order(void **state)
{
    (void)state;
    sealed s = seal();
    bcemr_g1_raw odd = g1_plus_small(&s.b);
    blst_p1_affine whole, with;
    blst_p2_affine any;
    blst_fp12 one, two;
    assert_int_equal(blst_p1_uncompress(&with, odd.b), BLST_SUCCESS);
    assert_int_equal(blst_p1_uncompress(&whole, s.b.b), BLST_SUCCESS);
    assert_int_equal(blst_p2_uncompress(&any, s.c.b), BLST_SUCCESS);
    blst_miller_loop(&one, &any, &with);
    blst_miller_loop(&two, &any, &whole);
    assert_true(blst_fp12_finalverify(&one, &two));
    undecided(&s, &odd, &s.pkv, &s.c, BCEMR_E_POINT_NOT_IN_GROUP, "left");
    undecided(&s, &s.b, &odd, &s.c, BCEMR_E_POINT_NOT_IN_GROUP, "right");
}

static void points_that_do_not_decode(void **state)
{
    (void)state;
    sealed s = seal();
    bcemr_g1_raw none = g1_identity(), out;
    bcemr_g2_raw none2 = g2_identity(), c = {{0x80, [95] = 1}};
    bcemr_g2 point;
    bcemr_capsule_key k;
    bcemr_error err;
    undecided(&s, &none, &s.pkv, &s.c, BCEMR_E_POINT_IDENTITY, "left");
    undecided(&s, &s.b, &none, &s.c, BCEMR_E_POINT_IDENTITY, "right");
    undecided(&s, &s.b, &s.pkv, &none2, BCEMR_E_POINT_IDENTITY, "c");
    while (bcemr_g2_decode(&c, &point) != BCEMR_E_POINT_NOT_IN_GROUP)
        c.b[95]++;
    undecided(&s, &s.b, &s.pkv, &c, BCEMR_E_POINT_NOT_IN_GROUP, "c");
    memset(&k, 0xff, sizeof k);
    assert_int_equal(bcemr_capsule_open(context, &s.xv, &none, &k, &err), BCEMR_E_POINT_IDENTITY);
    assert_true(all_zero(&k, sizeof k));
    memset(&out, 0xff, sizeof out);
    bcemr_g1_raw odd = g1_plus_small(&s.b);
    assert_int_equal(bcemr_reencrypt(&s.xv, &odd, &out, &err), BCEMR_E_POINT_NOT_IN_GROUP);
    assert_true(all_zero(&out, sizeof out));
}

static void sealing_that_fails(void **state)
{
    (void)state;
    sealed s = seal();
    bcemr_error err;
    bcemr_g1_raw odd = g1_plus_small(&s.pkv);
    assert_int_equal(
        bcemr_capsule_seal(context, &odd, &s.vid, &s.svk, &s.r, &s.b, &s.c, &s.k, &err),
        BCEMR_E_POINT_NOT_IN_GROUP);
    assert_true(all_zero(&s.r, sizeof s.r) && all_zero(&s.b, sizeof s.b));
    assert_true(all_zero(&s.c, sizeof s.c) && all_zero(&s.k, sizeof s.k));
    s = seal();
    bcemr_switch_fail_allocation(1);
    assert_int_equal(
        bcemr_capsule_seal(context, &s.pkv, &s.vid, &s.svk, &s.r, &s.b, &s.c, &s.k, &err),
        BCEMR_E_NO_MEMORY);
    assert_true(all_zero(&s.r, sizeof s.r) && all_zero(&s.k, sizeof s.k));
    s = seal();
    bcemr_switch_fail_allocation(1);
    undecided(&s, &s.b, &s.pkv, &s.c, BCEMR_E_NO_MEMORY, NULL);
}

static void record_keys(void **state)
{
    (void)state;
    sealed s = seal(), other = seal();
    bcemr_record_keys keys, changed;
    uint8_t derived[96];
    bcemr_buf info = BCEMR_BUF_EMPTY;
    const bcemr_span parts[3] = {{s.vid.b, 32}, {s.svk.b, 32}, {s.c.b, 96}};
    OK(bcemr_record_keys_derive(&s.k, &s.vid, &s.svk, &s.c, &keys, NULL));
    OK(bcemr_tuple(parts, 3, &info));
    OK(bcemr_kdf("record", bcemr_span_of(s.k.b, sizeof s.k.b), bcemr_buf_span(&info), derived, 96));
    assert_memory_equal(keys.dek.b, derived, 32);
    assert_memory_equal(keys.kc.b, derived + 32, 32);
    assert_memory_equal(keys.kt.b, derived + 64, 32);
    bcemr_buf_free(&info);
    OK(bcemr_record_keys_derive(&other.k, &s.vid, &s.svk, &s.c, &changed, NULL));
    assert_memory_not_equal(changed.kc.b, keys.kc.b, 32);
    OK(bcemr_record_keys_derive(&s.k, &other.vid, &s.svk, &s.c, &changed, NULL));
    assert_memory_not_equal(changed.kc.b, keys.kc.b, 32);
    OK(bcemr_record_keys_derive(&s.k, &s.vid, &other.svk, &s.c, &changed, NULL));
    assert_memory_not_equal(changed.kc.b, keys.kc.b, 32);
    OK(bcemr_record_keys_derive(&s.k, &s.vid, &s.svk, &other.c, &changed, NULL));
    assert_memory_not_equal(changed.kc.b, keys.kc.b, 32);
    bcemr_switch_fail_allocation(0);
    OK(bcemr_record_keys_derive(&s.k, &s.vid, &s.svk, &s.c, &changed, NULL));
    for (uint64_t n = bcemr_switch_allocations(); n > 0; n--) {
        bcemr_switch_fail_allocation(n);
        assert_int_equal(bcemr_record_keys_derive(&s.k, &s.vid, &s.svk, &s.c, &changed, NULL),
                         BCEMR_E_NO_MEMORY);
        assert_true(all_zero(&changed, sizeof changed));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_and_opened),
        cmocka_unit_test(reencrypted),
        cmocka_unit_test(threshold_proxies),
        cmocka_unit_test_teardown(capsules_that_do_not_hold, switches_on),
        cmocka_unit_test(small_order),
        cmocka_unit_test(points_that_do_not_decode),
        cmocka_unit_test_teardown(sealing_that_fails, switches_on),
        cmocka_unit_test_teardown(record_keys, switches_on),
    };
    return cmocka_run_group_tests_name("core/capsule", tests, make_context, free_context);
}
