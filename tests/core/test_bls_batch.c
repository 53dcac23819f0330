/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of BLS statements (section 4): none, one, many, bad ones named, errors that cancel. */
#include "core_test.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST 700
#define KEYS 9

static bcemr_secret_scalar secrets[KEYS];
static bcemr_g2_lines keys[KEYS];
static bcemr_bls_statement all[MOST];
static bcemr_bls_statement now[MOST];
static char texts[MOST][24];
static bool bad[MOST + 1];

/* One key has a third of the statements, so that its sum is cut for parallel work. */
static unsigned key_of(unsigned i)
{
    return i % 3 == 0 ? 0 : i % KEYS;
}

static int make_statements(void **state)
{
    if (make_context(state) != 0)
        return -1;
    for (unsigned i = 0; i < KEYS; i++) {
        bcemr_g2 key;
        secrets[i] = random_scalar();
        bcemr_g2_from_secret(&secrets[i], &key);
        bcemr_g2_prepare(&key, &keys[i]);
    }
    for (unsigned i = 0; i < MOST; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "statement %u", i);
        all[i].key = &keys[key_of(i)];
        all[i].purpose = i % 5 == 4 ? BCEMR_PURPOSE_POP : BCEMR_PURPOSE_SIG;
        all[i].message = bcemr_text(texts[i]);
        OK(bcemr_bls_sign(&secrets[key_of(i)], all[i].purpose, all[i].message, &all[i].signature));
    }
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    memcpy(now, all, sizeof now);
    return 0;
}

/* Work in another order than it was given, on one thread. */
static void run_backwards(void *user, void (*job)(void *argument, uint64_t index), void *argument,
                          uint64_t count)
{
    *(uint64_t *)user += count;
    while (count-- > 0)
        job(argument, count);
}

static uint64_t jobs;
static const bcemr_parallel backwards = {run_backwards, &jobs, 3};

/* Exactly the listed ones are bad. */
static void expect(uint64_t count, const bcemr_parallel *parallel, const uint64_t *list, uint64_t n)
{
    bcemr_error err;
    memset(bad, 0xff, sizeof bad);
    bcemr_verdict verdict = bcemr_bls_batch(context, now, count, parallel, bad, &err);
    assert_int_equal(verdict, n > 0 ? BCEMR_BAD_DIAGNOSIS_SIGNATURE : BCEMR_VALID);
    if (n > 0) {
        assert_int_equal(err.verdict, BCEMR_BAD_DIAGNOSIS_SIGNATURE);
        assert_int_equal(err.index, list[0]);
    }
    for (uint64_t i = 0, k = 0; i < count; i++) {
        bool listed = k < n && list[k] == i;
        assert_int_equal(bad[i], listed);
        k += listed;
    }
}

static void good_ones(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 2, 3, 4, 7, 31, 32, 33, 100, MOST};
    for (unsigned i = 0; i < COUNT(sizes); i++) {
        expect(sizes[i], NULL, NULL, 0);
        expect(sizes[i], &backwards, NULL, 0);
    }
    assert_true(jobs > MOST / 8);
}

/* The 256 that no sum is cut below, and more than that under one key. */
static void one_key(void **state)
{
    (void)state;
    uint64_t last = MOST - 1;
    for (unsigned i = 0; i < MOST; i++) {
        now[i].key = &keys[1];
        OK(bcemr_bls_sign(&secrets[1], now[i].purpose, now[i].message, &now[i].signature));
    }
    expect(MOST, NULL, NULL, 0);
    expect(MOST, &backwards, NULL, 0);
    now[last].signature = all[0].signature;
    expect(MOST, &backwards, &last, 1);
}

static void one_bad(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 2, 3, 5, 33};
    for (unsigned s = 0; s < COUNT(sizes); s++)
        for (uint64_t i = 0; i < sizes[s]; i++) {
            fresh(NULL);
            now[i].signature = all[MOST - 1].signature;
            expect(sizes[s], i % 2 ? &backwards : NULL, &i, 1);
        }
}

static void several_bad(void **state)
{
    (void)state;
    static const uint64_t list[] = {0, 1, 57, 58, 59, 300, 698, 699};
    for (unsigned i = 0; i < COUNT(list); i++)
        now[list[i]].signature = all[(list[i] + 1) % MOST].signature;
    expect(MOST, NULL, list, COUNT(list));
    expect(MOST, &backwards, list, COUNT(list));
}

static void all_bad(void **state)
{
    (void)state;
    uint64_t list[40];
    for (uint64_t i = 0; i < COUNT(list); i++) {
        list[i] = i;
        now[i].message = bcemr_text("something else");
    }
    expect(COUNT(list), NULL, list, COUNT(list));
}

/* delta + E and delta' - E, under one key and under two: the plain sum would hold. */
static void cancelling_errors(void **state)
{
    (void)state;
    bcemr_secret_scalar e = random_scalar(), minus = negative(&e);
    bcemr_g1_raw error = g1_of(&e), opposite = g1_of(&minus);
    static const uint64_t pairs[][2] = {{0, 3}, {1, 2}, {6, 7}};
    for (unsigned i = 0; i < COUNT(pairs); i++) {
        fresh(NULL);
        bcemr_g1_raw *a = &now[pairs[i][0]].signature, *b = &now[pairs[i][1]].signature;
        *a = g1_plus(a, &error);
        *b = g1_plus(b, &opposite);
        expect(10, NULL, pairs[i], 2);
    }
    /* Two signatures of one key exchanged: their sum is what it was. */
    fresh(NULL);
    static const uint64_t swapped[] = {3, 9};
    now[3].signature = all[9].signature;
    now[9].signature = all[3].signature;
    expect(12, NULL, swapped, 2);
}

static void other_key_or_purpose(void **state)
{
    (void)state;
    static const uint64_t list[] = {2, 8};
    now[2].key = &keys[3];
    now[8].purpose = BCEMR_PURPOSE_CRED;
    expect(20, NULL, list, 2);
}

/* What does not decode is bad by itself, and nothing else is. */
static void undecodable(void **state)
{
    (void)state;
    static const uint64_t list[] = {0, 4, 5, 6, 11};
    now[0].signature = g1_identity();
    now[4].signature = g1_plus_small(&all[4].signature);
    memset(&now[5].signature, 0, 48);
    memset(&now[6].signature, 0xff, 48);
    now[11].signature.b[0] &= 0x7f;
    expect(12, NULL, list, COUNT(list));
    expect(12, &backwards, list, COUNT(list));
    static const uint64_t both[] = {0, 1, 4, 5, 6, 11};
    now[1].signature = all[2].signature;
    expect(12, NULL, both, COUNT(both));
    for (unsigned i = 0; i < 4; i++)
        now[i].signature = g1_identity();
    static const uint64_t none_left[] = {0, 1, 2, 3};
    expect(4, NULL, none_left, 4);
    expect(1, NULL, none_left, 1);
}

static void undecided(uint64_t count, bcemr_status status)
{
    bcemr_error err = {.status = BCEMR_OK};
    assert_int_equal(bcemr_bls_batch(context, now, count, NULL, bad, &err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, status);
}

static void wrong_arguments(void **state)
{
    (void)state;
    now[3].key = NULL;
    undecided(5, BCEMR_E_ARGUMENT);
    now[3] = all[3];
    now[3].purpose = BCEMR_PURPOSE_CAPSULE;
    undecided(5, BCEMR_E_ARGUMENT);
    assert_int_equal(bcemr_bls_batch(context, now, 5, NULL, bad, NULL), BCEMR_UNDECIDED);
}

static void without_memory(void **state)
{
    (void)state;
    bcemr_switch_fail_allocation(0);
    expect(20, NULL, NULL, 0);
    uint64_t made = bcemr_switch_allocations();
    assert_true(made > 3);
    for (uint64_t n = 1; n <= made; n++) {
        bcemr_switch_fail_allocation(n);
        undecided(20, BCEMR_E_NO_MEMORY);
    }
}

static void switched_off(void **state)
{
    (void)state;
    now[4].signature = all[5].signature;
    bcemr_switch_off(BCEMR_BAD_DIAGNOSIS_SIGNATURE);
    expect(20, NULL, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(good_ones, fresh),
        cmocka_unit_test_setup(one_key, fresh),
        cmocka_unit_test_setup(one_bad, fresh),
        cmocka_unit_test_setup(several_bad, fresh),
        cmocka_unit_test_setup(all_bad, fresh),
        cmocka_unit_test_setup(cancelling_errors, fresh),
        cmocka_unit_test_setup(other_key_or_purpose, fresh),
        cmocka_unit_test_setup(undecodable, fresh),
        cmocka_unit_test_setup(wrong_arguments, fresh),
        cmocka_unit_test_setup_teardown(without_memory, fresh, switches_on),
        cmocka_unit_test_setup_teardown(switched_off, fresh, switches_on),
    };
    return cmocka_run_group_tests_name("core/bls_batch", tests, make_statements, free_context);
}
