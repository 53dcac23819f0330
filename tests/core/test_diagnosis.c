/* SPDX-License-Identifier: Apache-2.0 */
/* Commitments, diagnosis signatures and the sequential multisignature (section 4). */
#include "core_test.h"

#include <bcemr/diagnosis.h>

#include <stdio.h>

#define TEAM 64

/* A visit of TEAM doctors, each with a credential and a signature chained to the one before. */
static bcemr_secret_scalar authority_secret;
static bcemr_g2 authority;
static bcemr_hash vid;
static bcemr_secret_scalar secrets[TEAM];
static char names[TEAM][16];
static bcemr_tr_cred creds[TEAM];
static bcemr_g1_raw credentials[TEAM];
static bcemr_tr_sign signs[TEAM];
static bcemr_g1_raw deltas[TEAM];
static bcemr_ed_raw svk;

static void hash_sign(const bcemr_tr_sign *sign, bcemr_hash *out)
{
    OK(bcemr_hash_value(&bcemr_type_sign, sign, out, NULL));
}

static void sign_as(unsigned i, bcemr_tr_sign *sign, bcemr_g1_raw *delta)
{
    OK(bcemr_diagnosis_sign(&secrets[i], sign, delta, NULL));
}

static void make_doctor(unsigned i, bcemr_tr_sign *sign, const bcemr_hash *previous)
{
    *sign = (bcemr_tr_sign){.order = vid,
                            .i = i + 1,
                            .k = i % 3,
                            .doctor = creds[i].doctor,
                            .x = creds[i].x,
                            .time = 1000 + 7 * (int64_t)i,
                            .previous = *previous,
                            .commitment = random_hash()};
}

static int make_visit(void **state)
{
    if (make_context(state) != 0)
        return -1;
    bcemr_hash previous = vid = random_hash();
    svk = random_ed();
    authority_secret = random_scalar();
    bcemr_g2_from_secret(&authority_secret, &authority);
    for (unsigned i = 0; i < TEAM; i++) {
        (void)snprintf(names[i], sizeof names[i], "doctor %u", i);
        secrets[i] = random_scalar();
        creds[i] = (bcemr_tr_cred){.ledger = vid,
                                   .doctor = bcemr_text(names[i]),
                                   .hospital = bcemr_text("St. Anna"),
                                   .x = g2_of(&secrets[i]),
                                   .a = random_ed(),
                                   .not_before = 1,
                                   .not_after = 2};
        OK(bcemr_credential_make(&authority_secret, &creds[i], &credentials[i], NULL));
        make_doctor(i, &signs[i], &previous);
        if (i == TEAM - 1)
            signs[i].svk = (bcemr_span){svk.b, 32};
        sign_as(i, &signs[i], &deltas[i]);
        hash_sign(&signs[i], &previous);
    }
    return 0;
}

/* ---- commitment ---- */

static void commitments(void **state)
{
    (void)state;
    bcemr_nonce salt;
    bcemr_hash first, other, none = random_hash();
    const bcemr_span manifest = bcemr_text("manifest"), presence = bcemr_text("presence");
    randombytes_buf(salt.b, sizeof salt.b);
    OK(bcemr_commitment(&vid, 3, &salt, manifest, presence, &first, NULL));
    bcemr_tr_diagnosis diagnosis = {.vid = vid, .i = 3, .salt = salt};
    bcemr_sha256(manifest, &diagnosis.manifest);
    bcemr_sha256(presence, &diagnosis.presence);
    OK(bcemr_hash_value(&bcemr_type_diagnosis, &diagnosis, &other, NULL));
    assert_memory_equal(first.b, other.b, 32);
    OK(bcemr_commitment(&none, 3, &salt, manifest, presence, &other, NULL));
    assert_memory_not_equal(first.b, other.b, 32);
    OK(bcemr_commitment(&vid, 4, &salt, manifest, presence, &other, NULL));
    assert_memory_not_equal(first.b, other.b, 32);
    OK(bcemr_commitment(&vid, 3, &salt, presence, manifest, &other, NULL));
    assert_memory_not_equal(first.b, other.b, 32);
    salt.b[9] ^= 1;
    OK(bcemr_commitment(&vid, 3, &salt, manifest, presence, &other, NULL));
    assert_memory_not_equal(first.b, other.b, 32);
    assert_int_equal(bcemr_commitment(&vid, 65, &salt, manifest, presence, &other, NULL),
                     BCEMR_E_INTEGER_RANGE);
    assert_true(all_zero(&other, sizeof other));
}

/* ---- one signature ---- */

static void expect_one(unsigned key, const bcemr_tr_sign *sign, const bcemr_g1_raw *delta,
                       bcemr_verdict verdict)
{
    bcemr_g2 x;
    bcemr_g2_lines lines;
    bcemr_error err;
    bcemr_g2_from_secret(&secrets[key], &x);
    bcemr_g2_prepare(&x, &lines);
    assert_int_equal(bcemr_diagnosis_check(context, &lines, sign, delta, &err), verdict);
    if (verdict != BCEMR_VALID)
        assert_int_equal(err.verdict, verdict);
}

static void one_signature(void **state)
{
    (void)state;
    bcemr_tr_sign changed[9];
    bcemr_g1_raw bad;
    expect_one(2, &signs[2], &deltas[2], BCEMR_VALID);
    expect_one(1, &signs[2], &deltas[2], BCEMR_BAD_DIAGNOSIS_SIGNATURE);
    expect_one(2, &signs[2], &deltas[1], BCEMR_BAD_DIAGNOSIS_SIGNATURE);
    for (unsigned i = 0; i < COUNT(changed); i++)
        changed[i] = signs[2];
    changed[0].order.b[0] ^= 1;
    changed[1].i++;
    changed[2].k++;
    changed[3].doctor = bcemr_text("doctor");
    changed[4].x.b[95] ^= 1;
    changed[5].time++;
    changed[6].previous.b[31] ^= 1;
    changed[7].commitment.b[5] ^= 1;
    changed[8].svk = (bcemr_span){svk.b, 32};
    for (unsigned i = 0; i < COUNT(changed); i++)
        expect_one(2, &changed[i], &deltas[2], BCEMR_BAD_DIAGNOSIS_SIGNATURE);
    for (unsigned bit = 0; bit < 384; bit += 7) {
        bad = deltas[2];
        bad.b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        expect_one(2, &signs[2], &bad, BCEMR_BAD_DIAGNOSIS_SIGNATURE);
    }
    bad = g1_identity();
    expect_one(2, &signs[2], &bad, BCEMR_BAD_DIAGNOSIS_SIGNATURE);
    bad = g1_plus_small(&deltas[2]);
    expect_one(2, &signs[2], &bad, BCEMR_BAD_DIAGNOSIS_SIGNATURE);
    bcemr_switch_off(BCEMR_BAD_DIAGNOSIS_SIGNATURE);
    expect_one(2, &signs[2], &bad, BCEMR_VALID);
}

static void unfit_context(void **state)
{
    (void)state;
    bcemr_tr_sign sign = signs[2];
    bcemr_g1_raw delta;
    bcemr_g2_lines lines;
    bcemr_error err;
    memset(&lines, 0, sizeof lines);
    sign.i = 65;
    assert_int_equal(bcemr_diagnosis_sign(&secrets[2], &sign, &delta, &err), BCEMR_E_INTEGER_RANGE);
    assert_true(all_zero(&delta, sizeof delta));
    assert_int_equal(bcemr_diagnosis_check(context, &lines, &sign, &deltas[2], &err),
                     BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_INTEGER_RANGE);
    sign = signs[2];
    bcemr_switch_fail_allocation(1);
    assert_int_equal(bcemr_diagnosis_sign(&secrets[2], &sign, &delta, NULL), BCEMR_E_NO_MEMORY);
    bcemr_switch_fail_allocation(1);
    assert_int_equal(bcemr_diagnosis_check(context, &lines, &sign, &deltas[2], NULL),
                     BCEMR_UNDECIDED);
}

/* ---- the prefix ---- */

static void expect_prefix(const bcemr_tr_sign *s, const bcemr_g1_raw *d, uint64_t count,
                          bcemr_verdict verdict, uint64_t first)
{
    uint64_t bad = 99;
    bcemr_error err;
    assert_int_equal(bcemr_prefix_check(context, &vid, s, d, count, &bad, &err), verdict);
    assert_int_equal(bad, first);
    if (verdict != BCEMR_VALID) {
        assert_int_equal(err.verdict, verdict);
        assert_int_equal(err.index, first);
    }
}

static void prefixes_that_hold(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 2, 3, 10, 31, 33, TEAM};
    for (unsigned i = 0; i < COUNT(sizes); i++)
        expect_prefix(signs, deltas, sizes[i], BCEMR_VALID, sizes[i]);
}

static void bad_signatures_in_a_prefix(void **state)
{
    (void)state;
    bcemr_g1_raw d[6];
    for (unsigned i = 0; i < 6; i++) {
        memcpy(d, deltas, sizeof d);
        d[i] = deltas[(i + 1) % 6];
        expect_prefix(signs, d, 6, BCEMR_BAD_DIAGNOSIS_SIGNATURE, i);
        d[i] = g1_plus_small(&deltas[i]);
        expect_prefix(signs, d, 6, BCEMR_BAD_DIAGNOSIS_SIGNATURE, i);
        d[i] = g1_identity();
        expect_prefix(signs, d, 6, BCEMR_BAD_DIAGNOSIS_SIGNATURE, i);
        /* An earlier one is named before a later one that does not decode. */
        if (i > 2) {
            d[2] = deltas[0];
            expect_prefix(signs, d, 6, BCEMR_BAD_DIAGNOSIS_SIGNATURE, 2);
        }
    }
}

/* Two colluding doctors: delta_1 + E and delta_4 - E; unweighted the product holds. */
static void cancelling_errors(void **state)
{
    (void)state;
    bcemr_secret_scalar e = random_scalar(), minus = negative(&e);
    bcemr_g1_raw error = g1_of(&e), opposite = g1_of(&minus), d[6], sigma, honest;
    memcpy(d, deltas, sizeof d);
    d[1] = g1_plus(&d[1], &error);
    d[4] = g1_plus(&d[4], &opposite);
    /* The attack is real: the sums are the same. */
    sigma = d[0];
    honest = deltas[0];
    for (unsigned i = 1; i < 6; i++) {
        sigma = g1_plus(&sigma, &d[i]);
        honest = g1_plus(&honest, &deltas[i]);
    }
    assert_memory_equal(sigma.b, honest.b, 48);
    expect_prefix(signs, d, 6, BCEMR_BAD_DIAGNOSIS_SIGNATURE, 1);
    d[1] = deltas[1];
    expect_prefix(signs, d, 6, BCEMR_BAD_DIAGNOSIS_SIGNATURE, 4);
    memcpy(d, deltas, sizeof d);
    d[2] = deltas[3]; /* exchanged: the sum stays, too */
    d[3] = deltas[2];
    expect_prefix(signs, d, 6, BCEMR_BAD_DIAGNOSIS_SIGNATURE, 2);
}

static void broken_chains(void **state)
{
    (void)state;
    bcemr_tr_sign s[6];
    bcemr_g1_raw d[6];
    uint64_t bad = 99;
    bcemr_hash other = random_hash();
    for (unsigned i = 0; i < 6; i++) {
        memcpy(s, signs, sizeof s);
        memcpy(d, deltas, sizeof d);
        s[i].previous.b[0] ^= 1; /* signed so, but not after the one before */
        sign_as(i, &s[i], &d[i]);
        expect_prefix(s, d, 6, BCEMR_NOT_IN_ORDER, i);
        s[i] = signs[i];
        s[i].i = i + 2;
        sign_as(i, &s[i], &d[i]);
        expect_prefix(s, d, 6, BCEMR_NOT_IN_ORDER, i);
        s[i] = signs[i];
        s[i].commitment = other; /* a new version that the next did not sign */
        sign_as(i, &s[i], &d[i]);
        expect_prefix(s, d, i + 1, BCEMR_VALID, i + 1);
        if (i < 5)
            expect_prefix(s, d, 6, BCEMR_NOT_IN_ORDER, i + 1);
        /* A bad signature before the break is named first. */
        if (i > 0 && i < 5) {
            d[i - 1] = deltas[i];
            expect_prefix(s, d, 6, BCEMR_BAD_DIAGNOSIS_SIGNATURE, i - 1);
        }
    }
    assert_int_equal(bcemr_prefix_check(context, &other, signs, deltas, 3, &bad, NULL),
                     BCEMR_NOT_IN_ORDER);
    assert_int_equal(bad, 0);
    expect_prefix(signs + 1, deltas + 1, 2, BCEMR_NOT_IN_ORDER, 0);
}

static void times_that_do_not_ascend(void **state)
{
    (void)state;
    bcemr_tr_sign s[3];
    bcemr_g1_raw d[3];
    for (int64_t back = 7; back < 9; back++) {
        memcpy(s, signs, sizeof s);
        memcpy(d, deltas, sizeof d);
        s[2].time = signs[2].time - back; /* the same as before it, or earlier */
        sign_as(2, &s[2], &d[2]);
        expect_prefix(s, d, 3, BCEMR_TIME_ORDER, 2);
    }
    bcemr_switch_off(BCEMR_TIME_ORDER);
    expect_prefix(s, d, 3, BCEMR_VALID, 3);
    bcemr_switch_all_on();
    s[2].previous = vid;
    sign_as(2, &s[2], &d[2]);
    bcemr_switch_off(BCEMR_NOT_IN_ORDER);
    expect_prefix(s, d, 3, BCEMR_TIME_ORDER, 2);
    bcemr_switch_off(BCEMR_TIME_ORDER);
    expect_prefix(s, d, 3, BCEMR_VALID, 3);
    d[0] = deltas[1];
    expect_prefix(s, d, 3, BCEMR_BAD_DIAGNOSIS_SIGNATURE, 0);
    bcemr_switch_off(BCEMR_BAD_DIAGNOSIS_SIGNATURE);
    expect_prefix(s, d, 3, BCEMR_VALID, 3);
}

static void prefix_undecided(void **state)
{
    (void)state;
    bcemr_tr_sign s[3];
    bcemr_error err;
    uint64_t bad;
    memcpy(s, signs, sizeof s);
    s[0].x = g2_identity();
    assert_int_equal(bcemr_prefix_check(context, &vid, s, deltas, 1, &bad, &err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_POINT_IDENTITY);
    assert_int_equal(err.index, 0);
    assert_int_equal(bcemr_prefix_check(context, &vid, s, deltas, 65, &bad, &err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_TOO_MANY);
    bcemr_switch_fail_allocation(0);
    expect_prefix(signs, deltas, 3, BCEMR_VALID, 3);
    for (uint64_t n = bcemr_switch_allocations(); n > 0; n--) {
        bcemr_switch_fail_allocation(n);
        assert_int_equal(bcemr_prefix_check(context, &vid, signs, deltas, 3, &bad, &err),
                         BCEMR_UNDECIDED);
        assert_int_equal(err.status, BCEMR_E_NO_MEMORY);
    }
}

/* ---- the multisignature ---- */

static bcemr_g1_raw multisign(const bcemr_g1_raw *d, const bcemr_g1_raw *c, uint64_t count)
{
    bcemr_g1_raw sigma;
    OK(bcemr_multisignature_add(NULL, &d[0], &c[0], &sigma, NULL));
    for (uint64_t i = 1; i < count; i++)
        OK(bcemr_multisignature_add(&sigma, &d[i], &c[i], &sigma, NULL));
    return sigma;
}

static void expect_multi(const bcemr_tr_cred *c, const bcemr_tr_sign *s, uint64_t count,
                         const bcemr_g1_raw *sigma, bcemr_verdict verdict)
{
    bcemr_error err;
    assert_int_equal(bcemr_multisignature_check(context, &authority, c, s, count, sigma, &err),
                     verdict);
    if (verdict != BCEMR_VALID)
        assert_int_equal(err.verdict, verdict);
}

static void multisignatures(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 2, 3, 7, 16, 17, TEAM};
    for (unsigned i = 0; i < COUNT(sizes); i++) {
        bcemr_g1_raw sigma = multisign(deltas, credentials, sizes[i]);
        expect_multi(creds, signs, sizes[i], &sigma, BCEMR_VALID);
        if (sizes[i] < TEAM)
            expect_multi(creds, signs, sizes[i] + 1, &sigma, BCEMR_BAD_MULTISIGNATURE);
        if (sizes[i] > 1)
            expect_multi(creds, signs, sizes[i] - 1, &sigma, BCEMR_BAD_MULTISIGNATURE);
    }
}

/* The sum forgets the order; the chain within the contexts does not. */
static void permutations(void **state)
{
    (void)state;
    static const unsigned orders[5][3] = {{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    bcemr_g1_raw sigma = multisign(deltas, credentials, 3);
    for (unsigned o = 0; o < 5; o++) {
        bcemr_tr_cred c[3];
        bcemr_tr_sign s[3];
        bcemr_g1_raw d[3], resigned;
        bcemr_hash previous = vid;
        for (unsigned i = 0; i < 3; i++) {
            c[i] = creds[orders[o][i]];
            s[i] = signs[orders[o][i]];
        }
        expect_multi(c, s, 3, &sigma, BCEMR_BAD_MULTISIGNATURE);
        /* Nor does the same team in another order, chained anew, verify under the old sum. */
        for (unsigned i = 0; i < 3; i++) {
            s[i].i = i + 1;
            s[i].previous = previous;
            hash_sign(&s[i], &previous);
            sign_as(orders[o][i], &s[i], &d[i]);
        }
        expect_multi(c, s, 3, &sigma, BCEMR_BAD_MULTISIGNATURE);
        bcemr_g1_raw theirs[3] = {credentials[orders[o][0]], credentials[orders[o][1]],
                                  credentials[orders[o][2]]};
        resigned = multisign(d, theirs, 3);
        expect_multi(c, s, 3, &resigned, BCEMR_VALID);
        expect_multi(creds, signs, 3, &resigned, BCEMR_BAD_MULTISIGNATURE);
    }
}

static void multisignatures_that_do_not_hold(void **state)
{
    (void)state;
    bcemr_tr_cred c[3];
    bcemr_tr_sign s[3];
    bcemr_g1_raw sigma = multisign(deltas, credentials, 3), odd = sigma;
    memcpy(c, creds, sizeof c);
    memcpy(s, signs, sizeof s);
    odd.b[0] ^= 0x20;
    expect_multi(c, s, 3, &odd, BCEMR_BAD_MULTISIGNATURE);
    odd = g1_identity();
    expect_multi(c, s, 3, &odd, BCEMR_BAD_MULTISIGNATURE);
    odd = g1_plus_small(&sigma);
    expect_multi(c, s, 3, &odd, BCEMR_BAD_MULTISIGNATURE);
    /* Without a credential, with another's, with one for other keys. */
    odd = deltas[0];
    expect_multi(c, s, 1, &odd, BCEMR_BAD_MULTISIGNATURE);
    odd = multisign(deltas, credentials + 1, 1);
    expect_multi(c, s, 1, &odd, BCEMR_BAD_MULTISIGNATURE);
    c[1].e.b[0] ^= 1;
    expect_multi(c, s, 3, &sigma, BCEMR_BAD_MULTISIGNATURE);
    c[1] = creds[1];
    s[2].commitment.b[0] ^= 1;
    expect_multi(c, s, 3, &sigma, BCEMR_BAD_MULTISIGNATURE);
    memcpy(s, signs, sizeof s);
    /* Another authority. */
    bcemr_g2 other;
    bcemr_g2_from_secret(&secrets[0], &other);
    assert_int_equal(bcemr_multisignature_check(context, &other, c, s, 3, &sigma, NULL),
                     BCEMR_BAD_MULTISIGNATURE);
    bcemr_switch_off(BCEMR_BAD_MULTISIGNATURE);
    odd = g1_identity();
    expect_multi(c, s, 3, &odd, BCEMR_VALID);
}

/* Signed by all and summed rightly, but not one after the other from the first on. */
static void chains_within_a_multisignature(void **state)
{
    (void)state;
    for (unsigned broken = 0; broken < 4; broken++) {
        bcemr_tr_sign s[3];
        bcemr_g1_raw d[3], sigma;
        bcemr_hash previous = vid;
        for (unsigned i = 0; i < 3; i++) {
            s[i] = signs[i];
            s[i].previous = previous;
            if (broken == 1 || (broken == 2 && i == 1))
                s[i].i++;
            if (broken == 3 && i == 2)
                s[i].previous = vid;
            sign_as(i, &s[i], &d[i]);
            hash_sign(&s[i], &previous);
        }
        sigma = multisign(d, credentials, 3);
        expect_multi(creds, s, 3, &sigma, broken ? BCEMR_BAD_MULTISIGNATURE : BCEMR_VALID);
    }
}

/* A valid sum of d for one doctor and delta of another is no multisignature of either. */
static void credentials_of_others(void **state)
{
    (void)state;
    bcemr_tr_cred swapped[2] = {creds[1], creds[0]};
    bcemr_g1_raw sigma = multisign(deltas, credentials, 2);
    /* The sums are the same whichever enrolment stands behind whom. */
    expect_multi(swapped, signs, 2, &sigma, BCEMR_BAD_MULTISIGNATURE);
    bcemr_tr_cred renamed = creds[0];
    bcemr_g1_raw credential;
    renamed.doctor = bcemr_text("dr. no");
    OK(bcemr_credential_make(&authority_secret, &renamed, &credential, NULL));
    sigma = multisign(deltas, &credential, 1);
    expect_multi(&renamed, signs, 1, &sigma, BCEMR_BAD_MULTISIGNATURE);
    bcemr_tr_cred rekeyed = creds[0];
    rekeyed.x = creds[1].x;
    OK(bcemr_credential_make(&authority_secret, &rekeyed, &credential, NULL));
    sigma = multisign(deltas, &credential, 1);
    expect_multi(&rekeyed, signs, 1, &sigma, BCEMR_BAD_MULTISIGNATURE);
}

static void multisignature_undecided(void **state)
{
    (void)state;
    bcemr_error err;
    bcemr_tr_sign s = signs[0];
    bcemr_g1_raw sigma = multisign(deltas, credentials, 1), out;
    s.x = g2_identity();
    bcemr_tr_cred c = creds[0];
    c.x = s.x;
    assert_int_equal(bcemr_multisignature_check(context, &authority, &c, &s, 1, &sigma, &err),
                     BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_POINT_IDENTITY);
    assert_int_equal(bcemr_multisignature_check(context, &authority, &c, &s, 0, &sigma, &err),
                     BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_TOO_FEW);
    assert_int_equal(bcemr_multisignature_check(context, &authority, &c, &s, 65, &sigma, &err),
                     BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_TOO_MANY);
    bcemr_switch_fail_allocation(0);
    expect_multi(creds, signs, 2, &sigma, BCEMR_BAD_MULTISIGNATURE);
    for (uint64_t n = bcemr_switch_allocations(); n > 0; n--) {
        bcemr_switch_fail_allocation(n);
        assert_int_equal(
            bcemr_multisignature_check(context, &authority, creds, signs, 2, &sigma, &err),
            BCEMR_UNDECIDED);
        assert_int_equal(err.status, BCEMR_E_NO_MEMORY);
    }
    /* What is added must be in the group, and the sum must not vanish. */
    bcemr_g1_raw odd = g1_plus_small(&deltas[0]), minus = deltas[0];
    assert_int_equal(bcemr_multisignature_add(NULL, &odd, &credentials[0], &out, &err),
                     BCEMR_E_POINT_NOT_IN_GROUP);
    assert_true(all_zero(&out, sizeof out));
    assert_string_equal(err.field, "delta");
    assert_int_equal(bcemr_multisignature_add(&odd, &deltas[0], &credentials[0], &out, &err),
                     BCEMR_E_POINT_NOT_IN_GROUP);
    assert_int_equal(bcemr_multisignature_add(NULL, &deltas[0], &odd, &out, &err),
                     BCEMR_E_POINT_NOT_IN_GROUP);
    minus.b[0] ^= 0x20;
    assert_int_equal(bcemr_multisignature_add(NULL, &deltas[0], &minus, &out, &err),
                     BCEMR_E_POINT_IDENTITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commitments),
        cmocka_unit_test_teardown(one_signature, switches_on),
        cmocka_unit_test_teardown(unfit_context, switches_on),
        cmocka_unit_test(prefixes_that_hold),
        cmocka_unit_test(bad_signatures_in_a_prefix),
        cmocka_unit_test(cancelling_errors),
        cmocka_unit_test(broken_chains),
        cmocka_unit_test_teardown(times_that_do_not_ascend, switches_on),
        cmocka_unit_test_teardown(prefix_undecided, switches_on),
        cmocka_unit_test(multisignatures),
        cmocka_unit_test(permutations),
        cmocka_unit_test_teardown(multisignatures_that_do_not_hold, switches_on),
        cmocka_unit_test(chains_within_a_multisignature),
        cmocka_unit_test(credentials_of_others),
        cmocka_unit_test_teardown(multisignature_undecided, switches_on),
    };
    return cmocka_run_group_tests_name("core/diagnosis", tests, make_visit, free_context);
}
