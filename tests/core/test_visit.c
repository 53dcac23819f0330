/* SPDX-License-Identifier: Apache-2.0 */
/* A patient's visit keys, the pseudonym, acceptance, presence (sections 2, 3, 4). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>

#include "core/sample.h"

#define CLOCK 60000 /* ms */

static sample s;

static int begin(void **state)
{
    (void)state;
    sample_begin(&s);
    return 0;
}

static int end(void **state)
{
    (void)state;
    sample_end(&s);
    return 0;
}

/* ---- keys ---- */

static void visit_keys_are_as_specified(void **state)
{
    (void)state;
    const bcemr_seed seed = {{0xa1}};
    uint8_t number[8] = {7}, visit[32], av[32], r[32];
    const bcemr_span none = {NULL, 0};
    const bcemr_span fields[] = {bcemr_span_of(s.visit.ledger.b, 32), bcemr_span_of(number, 8)};
    bcemr_buf info = BCEMR_BUF_EMPTY;
    bcemr_secret_scalar xv;
    bcemr_ed_secret secret;
    bcemr_ed_raw public_key;
    bcemr_g1 point;
    bcemr_g1_raw pkv;
    bcemr_visit_keys keys;
    assert_int_equal(bcemr_visit_keys_derive(&seed, &s.visit.ledger, 7, &keys), BCEMR_OK);
    assert_int_equal(bcemr_tuple(fields, 2, &info), BCEMR_OK);
    assert_int_equal(
        bcemr_kdf("visit", bcemr_span_of(seed.b, 32), bcemr_buf_span(&info), visit, 32), BCEMR_OK);
    const bcemr_span ikm = bcemr_span_of(visit, 32);
    assert_int_equal(bcemr_kdf_scalar("xv", ikm, none, &xv), BCEMR_OK);
    assert_int_equal(bcemr_kdf("Av", ikm, none, av, 32), BCEMR_OK);
    assert_int_equal(bcemr_kdf("r", ikm, none, r, 32), BCEMR_OK);
    bcemr_ed_from_seed(av, &secret, &public_key);
    bcemr_g1_from_secret(&xv, &point);
    bcemr_g1_encode(&point, &pkv);
    assert_memory_equal(&keys.xv, &xv, sizeof xv);
    assert_memory_equal(&keys.av, &secret, sizeof secret);
    assert_memory_equal(&keys.av_public, &public_key, sizeof public_key);
    assert_memory_equal(&keys.r, r, sizeof r);
    assert_memory_equal(&keys.pkv, &pkv, sizeof pkv);
    bcemr_buf_free(&info);
}

static void visits_share_no_key(void **state)
{
    (void)state;
    const bcemr_seed seeds[2] = {{{0xa1}}, {{0xa2}}};
    bcemr_hash ledgers[2] = {s.visit.ledger, s.visit.ledger};
    bcemr_visit_keys keys[4];
    ledgers[1].b[5] ^= 1;
    assert_int_equal(bcemr_visit_keys_derive(&seeds[0], &ledgers[0], 0, &keys[0]), BCEMR_OK);
    assert_int_equal(bcemr_visit_keys_derive(&seeds[0], &ledgers[0], 1, &keys[1]), BCEMR_OK);
    assert_int_equal(bcemr_visit_keys_derive(&seeds[0], &ledgers[1], 0, &keys[2]), BCEMR_OK);
    assert_int_equal(bcemr_visit_keys_derive(&seeds[1], &ledgers[0], 0, &keys[3]), BCEMR_OK);
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(&keys[i].xv, &keys[k].xv, sizeof keys[i].xv);
            assert_memory_not_equal(&keys[i].av, &keys[k].av, sizeof keys[i].av);
            assert_memory_not_equal(&keys[i].r, &keys[k].r, sizeof keys[i].r);
        }
    }
    bcemr_visit_keys_wipe(&keys[0]);
    assert_true(sodium_is_zero((const unsigned char *)&keys[0], sizeof keys[0]));
}

static void every_part_counts_in_the_pseudonym(void **state)
{
    (void)state;
    const bcemr_tr_pid pid = {s.visit.hospital, bcemr_text("Ada"), s.patient.r, {{2}}};
    bcemr_tr_pid changed[4] = {pid, pid, pid, pid};
    bcemr_hash right, other;
    changed[0].hospital = bcemr_text("hospital-2");
    changed[1].identity = bcemr_text("Adb");
    changed[2].r.b[0] ^= 1;
    changed[3].r2.b[0] ^= 1;
    assert_int_equal(bcemr_pseudonym(&pid, &right, NULL), BCEMR_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(bcemr_pseudonym(&changed[i], &other, NULL), BCEMR_OK);
        assert_memory_not_equal(&right, &other, sizeof right);
    }
    changed[0].identity = (bcemr_span){NULL, 0};
    assert_int_equal(bcemr_pseudonym(&changed[0], &other, NULL), BCEMR_E_ABSENT);
}

/* ---- acceptance ---- */

static void acceptance(void **state)
{
    (void)state;
    bcemr_tr_acceptance acc, changed;
    bcemr_error err = {0};
    bcemr_hash other = s.vid;
    assert_int_equal(bcemr_acceptance_make(&s.patient, &s.vid, &acc, NULL), BCEMR_OK);
    assert_int_equal(bcemr_acceptance_check(&s.visit, &s.vid, &acc, NULL), BCEMR_VALID);
    other.b[0] ^= 1;
    assert_int_equal(bcemr_acceptance_check(&s.visit, &other, &acc, &err), BCEMR_BAD_ACCEPTANCE);
    assert_int_equal(err.verdict, BCEMR_BAD_ACCEPTANCE);
    for (size_t i = 0; i < sizeof acc.signature.b; i++) {
        changed = acc;
        changed.signature.b[i] ^= 4;
        assert_int_equal(bcemr_acceptance_check(&s.visit, &s.vid, &changed, NULL),
                         BCEMR_BAD_ACCEPTANCE);
    }
    for (size_t i = 0; i < sizeof acc.proof; i++) {
        changed = acc;
        ((uint8_t *)&changed.proof)[i] ^= 4;
        assert_int_equal(bcemr_acceptance_check(&s.visit, &s.vid, &changed, NULL),
                         BCEMR_BAD_ACCEPTANCE_PROOF);
    }
}

/* A ticket under someone else's pkv, or with one's own signing key beside it. */
static void acceptance_with_foreign_keys(void **state)
{
    (void)state;
    const bcemr_seed seed = {{0xee}};
    bcemr_visit_keys thief, mixed;
    bcemr_tr_acceptance acc;
    assert_int_equal(bcemr_visit_keys_derive(&seed, &s.visit.ledger, 0, &thief), BCEMR_OK);
    assert_int_equal(bcemr_acceptance_make(&thief, &s.vid, &acc, NULL), BCEMR_OK);
    assert_int_equal(bcemr_acceptance_check(&s.visit, &s.vid, &acc, NULL), BCEMR_BAD_ACCEPTANCE);
    bcemr_switch_off(BCEMR_BAD_ACCEPTANCE);
    assert_int_equal(bcemr_acceptance_check(&s.visit, &s.vid, &acc, NULL),
                     BCEMR_BAD_ACCEPTANCE_PROOF);
    bcemr_switch_all_on();
    s.visit.av = thief.av_public; /* pkv stays the victim's */
    assert_int_equal(bcemr_acceptance_check(&s.visit, &s.vid, &acc, NULL),
                     BCEMR_BAD_ACCEPTANCE_PROOF);
    mixed = thief;
    mixed.pkv = s.patient.pkv;
    if (bcemr_acceptance_make(&mixed, &s.vid, &acc, NULL) == BCEMR_OK)
        assert_int_equal(bcemr_acceptance_check(&s.visit, &s.vid, &acc, NULL),
                         BCEMR_BAD_ACCEPTANCE_PROOF);
    bcemr_switch_off(BCEMR_BAD_ACCEPTANCE_PROOF);
    assert_int_equal(bcemr_acceptance_check(&s.visit, &s.vid, &acc, NULL), BCEMR_VALID);
}

/* ---- presence ---- */

static bcemr_buf shown;

static bcemr_span show(const bcemr_visit_keys *keys, const bcemr_hash *vid, bcemr_span doctor,
                       int64_t time)
{
    const bcemr_tr_present present = {*vid, doctor, {{0x33}}, time};
    bcemr_tr_presence presence;
    assert_int_equal(bcemr_presence_make(keys, &present, &presence, NULL), BCEMR_OK);
    bcemr_buf_free(&shown);
    assert_int_equal(bcemr_write_presence(&presence, &shown, NULL), BCEMR_OK);
    return bcemr_buf_span(&shown);
}

static bcemr_verdict look(bcemr_span presence, int64_t t, uint64_t difference, bcemr_error *err)
{
    uint64_t waiver = 99;
    bcemr_verdict verdict = bcemr_presence_check(&s.visit, &s.vid, s.team[0].doctor, t, difference,
                                                 presence, &waiver, err);
    assert_int_equal(waiver, 0);
    return verdict;
}

static void presence_in_time(void **state)
{
    (void)state;
    const int64_t t = SAMPLE_ISSUED + 500000;
    static const struct {
        int64_t time;
        uint64_t difference;
        bcemr_verdict verdict;
    } cases[] = {
        {SAMPLE_ISSUED, 0, BCEMR_VALID},
        {SAMPLE_ISSUED - 1, 0, BCEMR_PRESENCE_TIME},
        {SAMPLE_ISSUED + 500000, 0, BCEMR_VALID},
        {SAMPLE_ISSUED + 500001, 0, BCEMR_PRESENCE_TIME},
        {SAMPLE_ISSUED - CLOCK, CLOCK, BCEMR_VALID},
        {SAMPLE_ISSUED - CLOCK - 1, CLOCK, BCEMR_PRESENCE_TIME}, /* too early */
        {SAMPLE_ISSUED + 500000 + CLOCK, CLOCK, BCEMR_VALID},
        {SAMPLE_ISSUED + 500001 + CLOCK, CLOCK, BCEMR_PRESENCE_TIME}, /* too late */
        {0, CLOCK, BCEMR_PRESENCE_TIME},
        {INT64_MAX, CLOCK, BCEMR_PRESENCE_TIME},
        {0, UINT64_MAX, BCEMR_VALID},
        {INT64_MAX, UINT64_MAX, BCEMR_VALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bcemr_error err = {0};
        bcemr_span presence = show(&s.patient, &s.vid, s.team[0].doctor, cases[i].time);
        assert_int_equal(look(presence, t, cases[i].difference, &err), cases[i].verdict);
        assert_int_equal(look(presence, t, cases[i].difference, NULL), cases[i].verdict);
        if (cases[i].verdict != BCEMR_VALID)
            assert_string_equal(err.field, "time");
    }
    bcemr_buf_free(&shown);
}

static void presence_of_something_else(void **state)
{
    (void)state;
    const bcemr_seed seed = {{0xee}};
    const int64_t t = SAMPLE_ISSUED + 500000;
    bcemr_visit_keys other_patient;
    bcemr_hash other_vid = s.vid;
    bcemr_tr_presence presence;
    other_vid.b[3] ^= 1;
    assert_int_equal(bcemr_visit_keys_derive(&seed, &s.visit.ledger, 0, &other_patient), BCEMR_OK);
    assert_int_equal(look(show(&s.patient, &s.vid, s.team[1].doctor, t), t, CLOCK, NULL),
                     BCEMR_BAD_PRESENCE);
    assert_int_equal(look(show(&s.patient, &other_vid, s.team[0].doctor, t), t, CLOCK, NULL),
                     BCEMR_BAD_PRESENCE);
    assert_int_equal(look(show(&other_patient, &s.vid, s.team[0].doctor, t), t, CLOCK, NULL),
                     BCEMR_BAD_PRESENCE);
    for (unsigned which = 0; which < 3; which++) {
        bcemr_span in = show(&s.patient, &s.vid, s.team[0].doctor, t);
        assert_int_equal(bcemr_read_presence(in, &presence, NULL), BCEMR_OK);
        if (which == 0)
            presence.nonce.b[0] ^= 1;
        else if (which == 1)
            presence.time++;
        else
            presence.signature.b[0] ^= 1;
        bcemr_buf_clear(&shown);
        assert_int_equal(bcemr_write_presence(&presence, &shown, NULL), BCEMR_OK);
        assert_int_equal(look(bcemr_buf_span(&shown), t, CLOCK, NULL), BCEMR_BAD_PRESENCE);
    }
    /* Off: the next check speaks, then none. */
    bcemr_switch_off(BCEMR_BAD_PRESENCE);
    bcemr_span late = show(&other_patient, &s.vid, s.team[0].doctor, t + CLOCK + 1);
    assert_int_equal(look(late, t, CLOCK, NULL), BCEMR_PRESENCE_TIME);
    bcemr_switch_off(BCEMR_PRESENCE_TIME);
    assert_int_equal(look(late, t, CLOCK, NULL), BCEMR_VALID);
    bcemr_buf_free(&shown);
}

static void waivers(void **state)
{
    (void)state;
    for (uint64_t reason = 1; reason <= 3; reason++) {
        const bcemr_tr_waived waived = {reason};
        uint64_t waiver = 0;
        bcemr_buf_clear(&shown);
        assert_int_equal(bcemr_write_waived(&waived, &shown, NULL), BCEMR_OK);
        assert_int_equal(bcemr_presence_check(&s.visit, &s.vid, s.team[0].doctor, SAMPLE_ISSUED,
                                              CLOCK, bcemr_buf_span(&shown), &waiver, NULL),
                         BCEMR_VALID);
        assert_int_equal(waiver, reason);
    }
    shown.p[22] = 4; /* no such reason */
    bcemr_error err = {0};
    assert_int_equal(look(bcemr_buf_span(&shown), SAMPLE_ISSUED, CLOCK, &err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_UNKNOWN_VALUE);
    bcemr_buf_free(&shown);
}

static bcemr_status undecided(const char *label)
{
    const bcemr_span field = bcemr_span_of("\1\0\0\0\0\0\0", 8);
    bcemr_error err = {0};
    bcemr_buf_clear(&shown);
    assert_int_equal(bcemr_write_fields(label, &field, 1, &shown), BCEMR_OK);
    assert_int_equal(look(bcemr_buf_span(&shown), SAMPLE_ISSUED, CLOCK, &err), BCEMR_UNDECIDED);
    assert_int_equal(look(bcemr_buf_span(&shown), SAMPLE_ISSUED, CLOCK, NULL), BCEMR_UNDECIDED);
    return err.status;
}

static void what_is_no_presence(void **state)
{
    (void)state;
    assert_int_equal(undecided("presence/2"), BCEMR_E_UNKNOWN_VERSION);
    assert_int_equal(undecided("waived/2"), BCEMR_E_UNKNOWN_VERSION);
    assert_int_equal(undecided("present"), BCEMR_E_UNKNOWN_KIND);
    bcemr_span whole = show(&s.patient, &s.vid, s.team[0].doctor, SAMPLE_ISSUED);
    for (uint64_t n = 0; n < whole.n; n++)
        assert_int_equal(look(bcemr_span_of(whole.p, n), SAMPLE_ISSUED, CLOCK, NULL),
                         BCEMR_UNDECIDED);
    bcemr_buf_free(&shown);
}

/* ---- memory ---- */

static void without_memory(void **state)
{
    (void)state;
    const bcemr_seed seed = {{0xa1}};
    const bcemr_tr_pid pid = {s.visit.hospital, bcemr_text("Ada"), s.patient.r, {{2}}};
    const bcemr_tr_present present = {s.vid, s.team[0].doctor, {{0}}, SAMPLE_ISSUED};
    bcemr_visit_keys keys;
    bcemr_hash hash;
    bcemr_tr_acceptance acc;
    bcemr_tr_presence presence;
    bcemr_error err;
    uint64_t waiver;
    STATUS_WITHOUT_MEMORY(bcemr_visit_keys_derive(&seed, &s.visit.ledger, 0, &keys));
    STATUS_WITHOUT_MEMORY(bcemr_pseudonym(&pid, &hash, &err));
    STATUS_WITHOUT_MEMORY(bcemr_acceptance_make(&s.patient, &s.vid, &acc, &err));
    VERDICT_WITHOUT_MEMORY(bcemr_acceptance_check(&s.visit, &s.vid, &acc, &err));
    STATUS_WITHOUT_MEMORY(bcemr_presence_make(&s.patient, &present, &presence, &err));
    bcemr_span in = show(&s.patient, &s.vid, s.team[0].doctor, SAMPLE_ISSUED);
    VERDICT_WITHOUT_MEMORY(bcemr_presence_check(&s.visit, &s.vid, s.team[0].doctor, SAMPLE_ISSUED,
                                                CLOCK, in, &waiver, &err));
    bcemr_switch_fail_allocation(1);
    assert_int_equal(look(in, SAMPLE_ISSUED, CLOCK, &err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_NO_MEMORY);
    bcemr_switch_fail_allocation(1);
    assert_int_equal(bcemr_visit_keys_derive(&seed, &s.visit.ledger, 0, &keys), BCEMR_E_NO_MEMORY);
    assert_true(sodium_is_zero((const unsigned char *)&keys, sizeof keys));
    bcemr_buf_free(&shown);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(visit_keys_are_as_specified),
        TEST(visits_share_no_key),
        TEST(every_part_counts_in_the_pseudonym),
        TEST(acceptance),
        TEST(acceptance_with_foreign_keys),
        TEST(presence_in_time),
        TEST(presence_of_something_else),
        TEST(waivers),
        TEST(what_is_no_presence),
        TEST(without_memory),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
