/* SPDX-License-Identifier: Apache-2.0 */
/* Joint signatures (section 1): who is in the bitmap signed, and nobody else is counted. */
#include "core_test.h"

#define MEMBERS 64

static bcemr_secret_scalar secrets[MEMBERS];
static bcemr_g2_raw members[MEMBERS];
static const char said[] = "checkpoint 17";
#define MESSAGE bcemr_text(said)

static int make_members(void **state)
{
    if (make_context(state) != 0)
        return -1;
    for (unsigned i = 0; i < MEMBERS; i++) {
        secrets[i] = random_scalar();
        members[i] = g2_of(&secrets[i]);
    }
    return 0;
}

/* Signs for everyone in the bitmap and combines. */
static bcemr_g1_raw signed_by(const bcemr_g2_raw *set, uint64_t n, bcemr_span bitmap)
{
    bcemr_g1_raw one[MEMBERS], sum;
    unsigned count = 0;
    for (uint64_t i = 0; i < n; i++)
        if (bcemr_bitmap_get(bitmap, i))
            OK(bcemr_bls_sign(&secrets[i], BCEMR_PURPOSE_SIG, MESSAGE, &one[count++]));
    OK(bcemr_joint_combine(set, n, bitmap, one, &sum, NULL));
    return sum;
}

static void expect(uint64_t n, bcemr_span bitmap, bcemr_span message, const bcemr_g1_raw *signature,
                   bcemr_verdict verdict)
{
    bcemr_error err;
    assert_int_equal(bcemr_joint_check(context, members, n, bitmap, message, signature, &err),
                     verdict);
    if (verdict != BCEMR_VALID)
        assert_int_equal(err.verdict, verdict);
}

static void subsets(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 5; n++)
        for (unsigned bits = 1; bits < 1u << n; bits++) {
            uint8_t bitmap[1] = {(uint8_t)bits};
            bcemr_g1_raw sum = signed_by(members, n, (bcemr_span){bitmap, 1});
            expect(n, (bcemr_span){bitmap, 1}, MESSAGE, &sum, BCEMR_VALID);
            expect(n, (bcemr_span){bitmap, 1}, bcemr_text("checkpoint 18"), &sum,
                   BCEMR_BAD_JOINT_SIGNATURE);
            for (unsigned other = 1; other < 1u << n; other++) {
                uint8_t wrong[1] = {(uint8_t)other};
                if (other != bits)
                    expect(n, (bcemr_span){wrong, 1}, MESSAGE, &sum, BCEMR_BAD_JOINT_SIGNATURE);
            }
        }
}

static void large_sets(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {31, 32, 33, 63, 64};
    for (unsigned s = 0; s < COUNT(sizes); s++) {
        uint8_t bits[8] = {0};
        bcemr_span bitmap = {bits, bcemr_bitmap_size(sizes[s])};
        for (uint64_t i = 0; i < sizes[s]; i++)
            bcemr_bitmap_set(bits, i);
        bcemr_g1_raw sum = signed_by(members, sizes[s], bitmap);
        expect(sizes[s], bitmap, MESSAGE, &sum, BCEMR_VALID);
        bits[0] ^= 2;
        expect(sizes[s], bitmap, MESSAGE, &sum, BCEMR_BAD_JOINT_SIGNATURE);
    }
}

/* The weights as section 1 writes them, against the sum that combine made. */
static void weights(void **state)
{
    (void)state;
    uint8_t bits[1] = {0x0d};
    const bcemr_span bitmap = {bits, 1};
    const unsigned who[3] = {0, 2, 3};
    bcemr_g2_raw in[3] = {members[0], members[2], members[3]};
    bcemr_g1_raw sum = signed_by(members, 4, bitmap), got;
    blst_p1 expected, term;
    memset(&expected, 0, sizeof expected);
    for (unsigned i = 0; i < 3; i++) {
        bcemr_tr_weight weight = {.x = in[i], .members = BCEMR_LIST_OF(in, 3)};
        bcemr_hash hash;
        bcemr_g1_raw one;
        OK(bcemr_hash_value(&bcemr_type_weight, &weight, &hash, NULL));
        OK(bcemr_bls_sign(&secrets[who[i]], BCEMR_PURPOSE_SIG, MESSAGE, &one));
        bcemr_g1 point = decoded(&one);
        blst_p1_from_affine(&term, core_p1(&point));
        blst_p1_mult(&term, &term, hash.b, 128);
        blst_p1_add_or_double(&expected, &expected, &term);
    }
    blst_p1_compress(got.b, &expected);
    assert_memory_equal(got.b, sum.b, 48);
}

/* X' = -X: in a plain sum the two vanish, and a majority is claimed that never signed. */
static void rogue_keys(void **state)
{
    (void)state;
    bcemr_secret_scalar kept = secrets[1];
    bcemr_g2_raw kept_x = members[1];
    uint8_t one[1] = {4}, three[1] = {7};
    bcemr_g1_raw alone = signed_by(members, 3, (bcemr_span){one, 1}), plain;
    secrets[1] = negative(&secrets[0]);
    members[1] = g2_of(&secrets[1]);
    OK(bcemr_bls_sign(&secrets[2], BCEMR_PURPOSE_SIG, MESSAGE, &plain));
    expect(3, (bcemr_span){three, 1}, MESSAGE, &plain, BCEMR_BAD_JOINT_SIGNATURE);
    expect(3, (bcemr_span){three, 1}, MESSAGE, &alone, BCEMR_BAD_JOINT_SIGNATURE);
    expect(3, (bcemr_span){one, 1}, MESSAGE, &alone, BCEMR_VALID);
    /* X' = z g2 - X_0: who knows z alone signs for both in a plain sum. */
    bcemr_secret_scalar z[2] = {random_scalar(), negative(&secrets[0])};
    bcemr_g1_raw rogue;
    OK(bcemr_bls_sign(&z[0], BCEMR_PURPOSE_SIG, MESSAGE, &rogue));
    OK(bcemr_secret_scalar_polynomial(z, 2, 1, &secrets[1]));
    members[1] = g2_of(&secrets[1]);
    uint8_t two[1] = {3};
    expect(2, (bcemr_span){two, 1}, MESSAGE, &rogue, BCEMR_BAD_JOINT_SIGNATURE);
    secrets[1] = kept;
    members[1] = kept_x;
}

static void plain_sum(void **state)
{
    (void)state;
    uint8_t two[1] = {3};
    bcemr_g1_raw a, b, sum;
    OK(bcemr_bls_sign(&secrets[0], BCEMR_PURPOSE_SIG, MESSAGE, &a));
    OK(bcemr_bls_sign(&secrets[1], BCEMR_PURPOSE_SIG, MESSAGE, &b));
    sum = g1_plus(&a, &b);
    expect(2, (bcemr_span){two, 1}, MESSAGE, &sum, BCEMR_BAD_JOINT_SIGNATURE);
    OK(bcemr_bls_sign(&secrets[0], BCEMR_PURPOSE_POP, MESSAGE, &a));
    OK(bcemr_bls_sign(&secrets[1], BCEMR_PURPOSE_POP, MESSAGE, &b));
    bcemr_g1_raw both[2] = {a, b};
    OK(bcemr_joint_combine(members, 2, (bcemr_span){two, 1}, both, &sum, NULL));
    expect(2, (bcemr_span){two, 1}, MESSAGE, &sum, BCEMR_BAD_JOINT_SIGNATURE);
}

static void signatures_that_are_none(void **state)
{
    (void)state;
    uint8_t bits[1] = {3};
    const bcemr_span bitmap = {bits, 1};
    bcemr_g1_raw sum = signed_by(members, 2, bitmap), odd;
    for (unsigned bit = 0; bit < 384; bit += 11) {
        odd = sum;
        odd.b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        expect(2, bitmap, MESSAGE, &odd, BCEMR_BAD_JOINT_SIGNATURE);
    }
    odd = g1_identity();
    expect(2, bitmap, MESSAGE, &odd, BCEMR_BAD_JOINT_SIGNATURE);
    odd = g1_plus_small(&sum);
    expect(2, bitmap, MESSAGE, &odd, BCEMR_BAD_JOINT_SIGNATURE);
    bits[0] = 0; /* nobody */
    expect(2, bitmap, MESSAGE, &sum, BCEMR_BAD_JOINT_SIGNATURE);
    odd = g1_identity();
    expect(2, bitmap, MESSAGE, &odd, BCEMR_BAD_JOINT_SIGNATURE);
    bcemr_switch_off(BCEMR_BAD_JOINT_SIGNATURE);
    expect(2, bitmap, MESSAGE, &odd, BCEMR_VALID);
    bits[0] = 3;
    expect(2, bitmap, MESSAGE, &odd, BCEMR_VALID);
}

static void undecided(uint64_t n, bcemr_span bitmap, bcemr_status status)
{
    bcemr_error err = {.status = BCEMR_OK};
    bcemr_g1_raw any = g1_of(&secrets[0]), list[MEMBERS + 1];
    for (unsigned i = 0; i < COUNT(list); i++)
        list[i] = any;
    assert_int_equal(bcemr_joint_check(context, members, n, bitmap, MESSAGE, &any, &err),
                     BCEMR_UNDECIDED);
    assert_int_equal(err.status, status);
    if (status == BCEMR_E_BITMAP || status == BCEMR_E_TOO_MANY) {
        assert_int_equal(bcemr_joint_combine(members, n, bitmap, list, &any, &err), status);
        assert_true(all_zero(&any, sizeof any));
    }
}

static void malformed_bitmaps(void **state)
{
    (void)state;
    uint8_t bits[9] = {0x0f};
    undecided(3, (bcemr_span){bits, 1}, BCEMR_E_BITMAP); /* a spare bit */
    undecided(9, (bcemr_span){bits, 1}, BCEMR_E_BITMAP); /* short */
    undecided(8, (bcemr_span){bits, 2}, BCEMR_E_BITMAP); /* long */
    undecided(4, (bcemr_span){NULL, 0}, BCEMR_E_BITMAP); /* none */
    undecided(65, (bcemr_span){bits, 9}, BCEMR_E_TOO_MANY);
}

static void members_that_do_not_decode(void **state)
{
    (void)state;
    uint8_t bits[1] = {5};
    bcemr_g2_raw kept = members[2];
    members[2] = g2_identity();
    undecided(3, (bcemr_span){bits, 1}, BCEMR_E_POINT_IDENTITY);
    members[2] = (bcemr_g2_raw){{0x80, [95] = 2}};
    bcemr_g2 point;
    bcemr_status status = bcemr_g2_decode(&members[2], &point);
    assert_int_not_equal(status, BCEMR_OK);
    undecided(3, (bcemr_span){bits, 1}, status);
    /* Who is not in the bitmap is not looked at. */
    bits[0] = 3;
    bcemr_g1_raw sum = signed_by(members, 3, (bcemr_span){bits, 1});
    expect(3, (bcemr_span){bits, 1}, MESSAGE, &sum, BCEMR_VALID);
    members[2] = kept;
}

static void combining_what_is_none(void **state)
{
    (void)state;
    uint8_t bits[1] = {3};
    bcemr_error err;
    bcemr_g1_raw two[2], out;
    OK(bcemr_bls_sign(&secrets[0], BCEMR_PURPOSE_SIG, MESSAGE, &two[0]));
    two[1] = g1_plus_small(&two[0]);
    assert_int_equal(bcemr_joint_combine(members, 2, (bcemr_span){bits, 1}, two, &out, &err),
                     BCEMR_E_POINT_NOT_IN_GROUP);
    assert_int_equal(err.index, 1);
    assert_true(all_zero(&out, sizeof out));
    bits[0] = 0;
    assert_int_equal(bcemr_joint_combine(members, 2, (bcemr_span){bits, 1}, two, &out, &err),
                     BCEMR_E_TOO_FEW);
}

static void without_memory(void **state)
{
    (void)state;
    uint8_t bits[1] = {3};
    const bcemr_span bitmap = {bits, 1};
    bcemr_g1_raw sum = signed_by(members, 2, bitmap), two[2] = {sum, sum}, out;
    bcemr_error err;
    bcemr_switch_fail_allocation(0);
    expect(2, bitmap, MESSAGE, &sum, BCEMR_VALID);
    for (uint64_t n = bcemr_switch_allocations(); n > 0; n--) {
        bcemr_switch_fail_allocation(n);
        assert_int_equal(bcemr_joint_check(context, members, 2, bitmap, MESSAGE, &sum, &err),
                         BCEMR_UNDECIDED);
        assert_int_equal(err.status, BCEMR_E_NO_MEMORY);
        bcemr_switch_fail_allocation(n);
        assert_int_equal(bcemr_joint_combine(members, 2, bitmap, two, &out, &err),
                         BCEMR_E_NO_MEMORY);
        assert_true(all_zero(&out, sizeof out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subsets),
        cmocka_unit_test(large_sets),
        cmocka_unit_test(weights),
        cmocka_unit_test(rogue_keys),
        cmocka_unit_test(plain_sum),
        cmocka_unit_test_teardown(signatures_that_are_none, switches_on),
        cmocka_unit_test(malformed_bitmaps),
        cmocka_unit_test(members_that_do_not_decode),
        cmocka_unit_test(combining_what_is_none),
        cmocka_unit_test_teardown(without_memory, switches_on),
    };
    return cmocka_run_group_tests_name("core/joint", tests, make_members, free_context);
}
