/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from a grant seed: spelt out, and never the same twice (section 2, "Patient"). */
#include <bcemr/grant.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>

#include "core/sample.h"

static const bcemr_seed seed = {{0xa1}};
static const bcemr_hash ledger = {{0x1e}}, enrolment = {{0xe0}};
static const bcemr_hash vids[3] = {{{1}}, {{2}}, {{3}}};
static bcemr_seed grant_seed;
static bcemr_ed_secret revoker;
static bcemr_ed_raw revoker_public;

static int begin(void **state)
{
    (void)state;
    return bcemr_grant_seed(&seed, &ledger, 5, &grant_seed, &revoker, &revoker_public, NULL) !=
           BCEMR_OK;
}

/* KDF(label, ikm, the tuple of fields; 32). */
static void kdf_of(const char *label, const uint8_t ikm[32], const bcemr_span *fields,
                   uint64_t count, uint8_t out[32])
{
    bcemr_buf info = BCEMR_BUF_EMPTY;
    if (count > 0)
        assert_int_equal(bcemr_tuple(fields, count, &info), BCEMR_OK);
    assert_int_equal(bcemr_kdf(label, bcemr_span_of(ikm, 32), bcemr_buf_span(&info), out, 32),
                     BCEMR_OK);
    bcemr_buf_free(&info);
}

static void the_seed_is_as_specified(void **state)
{
    (void)state;
    uint8_t j[8] = {5}, due[32], r[32];
    const bcemr_span fields[] = {bcemr_span_of(ledger.b, 32), bcemr_span_of(j, 8)};
    bcemr_ed_secret secret;
    bcemr_ed_raw public_key;
    kdf_of("grant-root", seed.b, fields, 2, due);
    assert_memory_equal(grant_seed.b, due, 32);
    kdf_of("R", due, NULL, 0, r);
    bcemr_ed_from_seed(r, &secret, &public_key);
    assert_memory_equal(&revoker, &secret, sizeof secret);
    assert_memory_equal(&revoker_public, &public_key, sizeof public_key);
}

static void the_secrets_are_as_specified(void **state)
{
    (void)state;
    const int64_t issued = SAMPLE_ISSUED;
    uint8_t time[8], due[32];
    bcemr_hash named;
    bcemr_grant_secrets got, again;
    const bcemr_list list = BCEMR_LIST_OF(vids, 3);
    bcemr_store_u64(time, (uint64_t)issued);
    assert_int_equal(bcemr_hash_list(&bcemr_type_hash_item, &list, &named, NULL), BCEMR_OK);
    for (unsigned emergency = 0; emergency < 2; emergency++) {
        const bcemr_span fields[] = {emergency ? (bcemr_span){NULL, 0}
                                               : bcemr_span_of(enrolment.b, 32),
                                     bcemr_span_of(time, 8), bcemr_span_of(named.b, 32)};
        assert_int_equal(bcemr_grant_derive(&grant_seed, emergency ? NULL : &enrolment, issued,
                                            vids, 3, &got, NULL),
                         BCEMR_OK);
        kdf_of("gs", grant_seed.b, fields, 3, due);
        assert_memory_equal(got.gs.b, due, 32);
        kdf_of("gid", got.gs.b, NULL, 0, due);
        assert_memory_equal(got.gid.b, due, 32);
        kdf_of("salt", got.gs.b, NULL, 0, due);
        assert_memory_equal(got.salt.b, due, 32);
        assert_int_equal(bcemr_grant_from_gs(&got.gs, &again), BCEMR_OK);
        assert_memory_equal(&got, &again, sizeof got);
        assert_int_equal(bcemr_grant_from_gs(&again.gs, &again), BCEMR_OK); /* in place */
        assert_memory_equal(&got, &again, sizeof got);
    }
}

static void audit_keys_are_as_specified(void **state)
{
    (void)state;
    const bcemr_key gs = {{9}};
    bcemr_key one, other, due;
    assert_int_equal(bcemr_audit_key(&gs, bcemr_text("cloud-1"), &one), BCEMR_OK);
    assert_int_equal(bcemr_audit_key(&gs, bcemr_text("cloud-2"), &other), BCEMR_OK);
    assert_int_equal(bcemr_kdf("audit", bcemr_span_of(gs.b, 32), bcemr_text("cloud-1"), due.b, 32),
                     BCEMR_OK);
    assert_memory_equal(&one, &due, sizeof due);
    assert_memory_not_equal(&one, &other, sizeof one);
}

/* Two grants share a secret only if everything about them is the same: under one index R alone. */
static void grants_share_no_secret(void **state)
{
    (void)state;
    const bcemr_hash swapped[3] = {{{2}}, {{1}}, {{3}}}, other_enrolment = {{0xe1}};
    bcemr_seed other_seed;
    bcemr_grant_secrets got[7];
    assert_int_equal(
        bcemr_grant_seed(&seed, &ledger, 6, &other_seed, &revoker, &revoker_public, NULL),
        BCEMR_OK);
#define DERIVE(n, from, who, when, which, count)                                                   \
    assert_int_equal(bcemr_grant_derive(from, who, when, which, count, &got[n], NULL), BCEMR_OK)
    DERIVE(0, &grant_seed, &enrolment, 1000, vids, 3);
    DERIVE(1, &other_seed, &enrolment, 1000, vids, 3);
    DERIVE(2, &grant_seed, &other_enrolment, 1000, vids, 3);
    DERIVE(3, &grant_seed, &enrolment, 1001, vids, 3);
    DERIVE(4, &grant_seed, &enrolment, 1000, vids, 2);
    DERIVE(5, &grant_seed, &enrolment, 1000, swapped, 3);
    DERIVE(6, &grant_seed, NULL, 1000, vids, 3);
#undef DERIVE
    for (size_t i = 0; i < 7; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(&got[i].gs, &got[k].gs, sizeof got[i].gs);
            assert_memory_not_equal(&got[i].gid, &got[k].gid, sizeof got[i].gid);
            assert_memory_not_equal(&got[i].salt, &got[k].salt, sizeof got[i].salt);
        }
    }
}

static void seeds_differ_by_ledger_and_index(void **state)
{
    (void)state;
    const bcemr_hash other_ledger = {{0x1f}};
    bcemr_seed seeds[3];
    bcemr_ed_raw publics[3];
    assert_int_equal(bcemr_grant_seed(&seed, &ledger, 0, &seeds[0], &revoker, &publics[0], NULL),
                     BCEMR_OK);
    assert_int_equal(bcemr_grant_seed(&seed, &ledger, 1, &seeds[1], &revoker, &publics[1], NULL),
                     BCEMR_OK);
    assert_int_equal(
        bcemr_grant_seed(&seed, &other_ledger, 0, &seeds[2], &revoker, &publics[2], NULL),
        BCEMR_OK);
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(&seeds[i], &seeds[k], sizeof seeds[i]);
            assert_memory_not_equal(&publics[i], &publics[k], sizeof publics[i]);
        }
    }
}

static void bad_arguments(void **state)
{
    (void)state;
    bcemr_grant_secrets got;
    bcemr_error err = {0};
    memset(&got, 1, sizeof got);
    assert_int_equal(bcemr_grant_derive(&grant_seed, &enrolment, 0, vids, 0, &got, &err),
                     BCEMR_E_ARGUMENT);
    assert_string_equal(err.field, "visits");
    assert_true(sodium_is_zero((const unsigned char *)&got, sizeof got));
    assert_int_equal(bcemr_grant_derive(&grant_seed, &enrolment, -1, vids, 1, &got, &err),
                     BCEMR_E_ARGUMENT);
    assert_string_equal(err.field, "issued");
    assert_int_equal(bcemr_grant_derive(&grant_seed, &enrolment, 0, vids, 1, &got, &err), BCEMR_OK);
}

static void without_memory(void **state)
{
    (void)state;
    bcemr_grant_secrets got;
    bcemr_key key;
    bcemr_seed derived;
    bcemr_error err;
    STATUS_WITHOUT_MEMORY(
        bcemr_grant_seed(&seed, &ledger, 5, &derived, &revoker, &revoker_public, &err));
    STATUS_WITHOUT_MEMORY(bcemr_grant_derive(&grant_seed, &enrolment, 1, vids, 3, &got, &err));
    STATUS_WITHOUT_MEMORY(bcemr_grant_from_gs(&got.gs, &got));
    STATUS_WITHOUT_MEMORY(bcemr_audit_key(&got.gs, bcemr_text("c"), &key));
    for (uint64_t n = 1; n < 4; n++) {
        memset(&derived, 1, sizeof derived);
        memset(&revoker, 1, sizeof revoker);
        bcemr_switch_fail_allocation(n);
        bcemr_status status =
            bcemr_grant_seed(&seed, &ledger, 5, &derived, &revoker, &revoker_public, NULL);
        bcemr_switch_fail_allocation(0);
        if (status == BCEMR_OK)
            continue;
        assert_true(sodium_is_zero(derived.b, sizeof derived.b));
        assert_true(sodium_is_zero(revoker.b, sizeof revoker.b));
    }
}

#define TEST(function) cmocka_unit_test_setup(function, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_seed_is_as_specified),
        TEST(the_secrets_are_as_specified),
        TEST(audit_keys_are_as_specified),
        TEST(grants_share_no_secret),
        TEST(seeds_differ_by_ledger_and_index),
        TEST(bad_arguments),
        TEST(without_memory),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
