/* SPDX-License-Identifier: Apache-2.0 */
/* A grant's keys (section 7): what the patient derives, and what the cloud checks. */
#include "core_test.h"

#include <bcemr/grant.h>

#define VISITS 40

static bcemr_key gs;
static bcemr_hash gid;
static bcemr_hash vids[VISITS];
static bcemr_secret_scalar xvs[VISITS];
static bcemr_g1_raw pkvs[VISITS], ys[VISITS];
static bcemr_secret_scalar rks[VISITS];

static int make_visits(void **state)
{
    if (make_context(state) != 0)
        return -1;
    randombytes_buf(gs.b, sizeof gs.b);
    gid = random_hash();
    for (unsigned i = 0; i < VISITS; i++) {
        vids[i] = random_hash();
        xvs[i] = random_scalar();
        pkvs[i] = g1_of(&xvs[i]);
    }
    return 0;
}

static int make_grant(void **state)
{
    (void)state;
    OK(bcemr_grant_keys(&gs, &gid, xvs, vids, VISITS, ys, rks, NULL));
    return 0;
}

static void keys_as_written(void **state)
{
    (void)state;
    for (uint64_t count = 1; count <= VISITS; count += 13) {
        OK(bcemr_grant_keys(&gs, &gid, xvs, vids, count, ys, rks, NULL));
        for (unsigned i = 0; i < count; i++) {
            bcemr_secret_scalar y, again;
            const bcemr_span parts[2] = {{gid.b, 32}, {vids[i].b, 32}};
            bcemr_buf info = BCEMR_BUF_EMPTY;
            OK(bcemr_grant_y(&gs, &gid, &vids[i], &y));
            OK(bcemr_tuple(parts, 2, &info));
            OK(bcemr_kdf_scalar("grant", bcemr_span_of(gs.b, 32), bcemr_buf_span(&info), &again));
            bcemr_buf_free(&info);
            assert_memory_equal(y.b, again.b, 32);
            core_scalar_multiply(&rks[i], &xvs[i], &again); /* rk xv = y */
            assert_memory_equal(y.b, again.b, 32);
            bcemr_g1_raw expected = g1_of(&y);
            assert_memory_equal(ys[i].b, expected.b, 48);
            VALID(bcemr_grant_y_check(&y, &ys[i], NULL));
        }
    }
}

static void each_visit_its_own(void **state)
{
    (void)state;
    bcemr_key other = gs;
    bcemr_hash other_gid = gid;
    bcemr_secret_scalar a, b;
    other.b[0] ^= 1;
    other_gid.b[31] ^= 1;
    OK(bcemr_grant_y(&gs, &gid, &vids[0], &a));
    OK(bcemr_grant_y(&gs, &gid, &vids[1], &b));
    assert_memory_not_equal(a.b, b.b, 32);
    OK(bcemr_grant_y(&other, &gid, &vids[0], &b));
    assert_memory_not_equal(a.b, b.b, 32);
    OK(bcemr_grant_y(&gs, &other_gid, &vids[0], &b));
    assert_memory_not_equal(a.b, b.b, 32);
}

static void expect(uint64_t count, bcemr_verdict verdict, uint64_t bad)
{
    uint64_t found = 99;
    bcemr_error err;
    assert_int_equal(bcemr_grant_keys_check(pkvs, ys, rks, count, &found, &err), verdict);
    assert_int_equal(found, bad);
    if (verdict != BCEMR_VALID) {
        assert_int_equal(err.verdict, verdict);
        assert_int_equal(err.index, bad);
    }
}

static void keys_that_fit(void **state)
{
    (void)state;
    static const uint64_t counts[] = {1, 2, 3, 31, 32, 33, VISITS};
    for (unsigned i = 0; i < COUNT(counts); i++)
        expect(counts[i], BCEMR_VALID, counts[i]);
}

static void keys_that_do_not_fit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VISITS; i += 13) {
        bcemr_secret_scalar rk = rks[i];
        bcemr_g1_raw y = ys[i], pkv = pkvs[i];
        rks[i] = random_scalar();
        expect(VISITS, BCEMR_BAD_GRANT_KEY, i);
        rks[i] = negative(&rk);
        expect(VISITS, BCEMR_BAD_GRANT_KEY, i);
        rks[i] = rk;
        ys[i] = ys[(i + 1) % VISITS];
        expect(VISITS, BCEMR_BAD_GRANT_KEY, i);
        ys[i] = g1_plus_small(&y);
        expect(VISITS, BCEMR_BAD_GRANT_KEY, i);
        ys[i] = g1_identity();
        expect(VISITS, BCEMR_BAD_GRANT_KEY, i);
        ys[i] = y;
        pkvs[i] = pkvs[(i + 1) % VISITS];
        expect(VISITS, BCEMR_BAD_GRANT_KEY, i);
        pkvs[i] = pkv;
    }
    expect(VISITS, BCEMR_VALID, VISITS);
}

/* Y_3 + E and Y_7 - E, and two keys exchanged: the plain sums hold. */
static void cancelling_errors(void **state)
{
    (void)state;
    bcemr_secret_scalar e = random_scalar(), minus = negative(&e);
    bcemr_g1_raw error = g1_of(&e), opposite = g1_of(&minus), kept = ys[7];
    ys[3] = g1_plus(&ys[3], &error);
    ys[7] = g1_plus(&ys[7], &opposite);
    expect(VISITS, BCEMR_BAD_GRANT_KEY, 3);
    OK(bcemr_grant_keys(&gs, &gid, xvs, vids, VISITS, ys, rks, NULL));
    ys[7] = ys[4];
    ys[4] = kept;
    expect(VISITS, BCEMR_BAD_GRANT_KEY, 4);
    bcemr_switch_off(BCEMR_BAD_GRANT_KEY);
    expect(VISITS, BCEMR_VALID, VISITS);
}

static void grant_undecided(void **state)
{
    (void)state;
    uint64_t bad;
    bcemr_error err;
    bcemr_g1_raw kept = pkvs[2];
    pkvs[2] = g1_plus_small(&kept);
    assert_int_equal(bcemr_grant_keys_check(pkvs, ys, rks, 4, &bad, &err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_POINT_NOT_IN_GROUP);
    assert_int_equal(err.index, 2);
    pkvs[2] = kept;
    assert_int_equal(bcemr_grant_keys_check(pkvs, ys, rks, 0, &bad, &err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_TOO_FEW);
    assert_int_equal(bcemr_grant_keys(&gs, &gid, xvs, vids, 0, ys, rks, &err), BCEMR_E_TOO_FEW);
}

static void grant_without_memory(void **state)
{
    (void)state;
    bcemr_switch_fail_allocation(0);
    OK(bcemr_grant_keys(&gs, &gid, xvs, vids, 3, ys, rks, NULL));
    for (uint64_t n = bcemr_switch_allocations(); n > 0; n--) {
        bcemr_switch_fail_allocation(n);
        assert_int_equal(bcemr_grant_keys(&gs, &gid, xvs, vids, 3, ys, rks, NULL),
                         BCEMR_E_NO_MEMORY);
        assert_true(all_zero(ys, 3 * sizeof *ys) && all_zero(rks, 3 * sizeof *rks));
    }
}

/* The plain way: one multiplication each, added up. */
static blst_p1 plain_sum(const blst_p1_affine *points, const bcemr_secret_scalar *x, uint64_t n)
{
    blst_p1 sum, term;
    memset(&sum, 0, sizeof sum);
    for (uint64_t i = 0; i < n; i++) {
        core_p1_multiply(&points[i], x[i].b, &term);
        blst_p1_add_or_double(&sum, &sum, &term);
    }
    return sum;
}

/* Scalars about the places where the halves change, equal points, opposite terms. */
static void sums_with_secret_scalars(void **state)
{
    (void)state;
    static const uint64_t odd[][4] = {
        {1, 0, 0, 0},
        {15, 0, 0, 0},
        {16, 0, 0, 0},
        {17, 0, 0, 0},
        {0, 0, 1, 0},
        {0x00000000fffffffe, 0xac45a4010001a402, 0, 0}, /* lambda - 1 */
        {0x00000000ffffffff, 0xac45a4010001a402, 0, 0},
        {0x0000000100000000, 0xac45a4010001a402, 0, 0},
        {0xffffffffffffffff, 0xffffffffffffffff, 0, 0},
        {0xffffffff00000000, 0x53bda402fffe5bfe, 0x3339d80809a1d805,
         0x73eda753299d7d48}}; /* q - 1 */
    bcemr_secret_scalar x[24];
    blst_p1_affine points[COUNT(x)];
    blst_p1 sum, expected;
    for (unsigned i = 0; i < COUNT(x); i++) {
        bcemr_secret_scalar p = random_scalar();
        x[i] = random_scalar();
        for (unsigned k = 0; i < COUNT(odd) && k < 4; k++)
            bcemr_store_u64(x[i].b + 8 * k, odd[i][k]);
        bcemr_g1_from_secret(&p, (bcemr_g1 *)&points[i]);
    }
    points[20] = points[21] = points[1];
    x[20] = x[1];
    x[23] = negative(&x[22]);
    points[23] = points[22];
    for (unsigned from = 0; from < COUNT(x); from++) {
        for (unsigned n = 1; n <= COUNT(x) - from; n += 1 + n / 2) {
            OK(core_sum_secret_g1(points + from, x + from, n, &sum));
            expected = plain_sum(points + from, x + from, n);
            assert_true(blst_p1_is_equal(&sum, &expected));
        }
    }
    OK(core_sum_secret_g1(points + 22, x + 22, 2, &sum));
    assert_true(blst_p1_is_inf(&sum));
}

static void check_without_memory(void **state)
{
    (void)state;
    uint64_t bad;
    bcemr_error err;
    bcemr_switch_fail_allocation(0);
    VALID(bcemr_grant_keys_check(pkvs, ys, rks, VISITS, &bad, NULL));
    uint64_t n = bcemr_switch_allocations();
    assert_true(n > 4);
    for (; n > 0; n--) {
        bcemr_switch_fail_allocation(n);
        assert_int_equal(bcemr_grant_keys_check(pkvs, ys, rks, VISITS, &bad, &err),
                         BCEMR_UNDECIDED);
        assert_int_equal(err.status, BCEMR_E_NO_MEMORY);
    }
}

static void y_checks(void **state)
{
    (void)state;
    bcemr_secret_scalar y, other = random_scalar();
    bcemr_g1_raw odd;
    bcemr_error err;
    OK(bcemr_grant_y(&gs, &gid, &vids[0], &y));
    VALID(bcemr_grant_y_check(&y, &ys[0], &err));
    assert_int_equal(bcemr_grant_y_check(&other, &ys[0], &err), BCEMR_BAD_GRANT_KEY);
    assert_int_equal(err.verdict, BCEMR_BAD_GRANT_KEY);
    assert_int_equal(bcemr_grant_y_check(&y, &ys[1], NULL), BCEMR_BAD_GRANT_KEY);
    odd = g1_plus_small(&ys[0]);
    assert_int_equal(bcemr_grant_y_check(&y, &odd, NULL), BCEMR_BAD_GRANT_KEY);
    odd = g1_identity();
    assert_int_equal(bcemr_grant_y_check(&y, &odd, NULL), BCEMR_BAD_GRANT_KEY);
    bcemr_switch_off(BCEMR_BAD_GRANT_KEY);
    VALID(bcemr_grant_y_check(&other, &ys[0], NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_as_written),
        cmocka_unit_test(each_visit_its_own),
        cmocka_unit_test_setup(keys_that_fit, make_grant),
        cmocka_unit_test_setup(keys_that_do_not_fit, make_grant),
        cmocka_unit_test_setup_teardown(cancelling_errors, make_grant, switches_on),
        cmocka_unit_test_setup(grant_undecided, make_grant),
        cmocka_unit_test_setup_teardown(grant_without_memory, make_grant, switches_on),
        cmocka_unit_test(sums_with_secret_scalars),
        cmocka_unit_test_setup_teardown(check_without_memory, make_grant, switches_on),
        cmocka_unit_test_setup_teardown(y_checks, make_grant, switches_on),
    };
    return cmocka_run_group_tests_name("core/grant_keys", tests, make_visits, free_context);
}
