/* SPDX-License-Identifier: Apache-2.0 */
/* The ticket's team and its amendments: what makes an order, and what must not (section 3). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>

#include "core/sample.h"

static sample s;
static bcemr_order order, before;
static bcemr_buf kept[BCEMR_TEAM_MAX + 1]; /* amendments, which the order points into */
static uint64_t kept_count;

static int begin(void **state)
{
    (void)state;
    sample_begin(&s);
    return 0;
}

static int end(void **state)
{
    (void)state;
    while (kept_count > 0)
        bcemr_buf_free(&kept[--kept_count]);
    sample_end(&s);
    return 0;
}

static bcemr_verdict begin_order(bcemr_error *err)
{
    sample_encode(&s);
    return bcemr_order_begin(bcemr_buf_span(&s.encoded), &order, err);
}

static bool is_zero(const void *p, size_t n)
{
    return sodium_is_zero(p, n);
}

/* ---- the ticket ---- */

static void the_team_of_the_ticket(void **state)
{
    (void)state;
    assert_int_equal(begin_order(NULL), BCEMR_VALID);
    assert_memory_equal(&order.vid, &s.vid, sizeof s.vid);
    assert_memory_equal(bcemr_order_hash(&order), &s.vid, sizeof s.vid);
    assert_int_equal(order.count, 3);
    assert_int_equal(order.amendments, 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(bcemr_order_place(&order, s.team[i].doctor), i + 1);
        assert_memory_equal(&order.doctors[i].x, &s.team[i].x, sizeof s.team[i].x);
        assert_memory_equal(&order.doctors[i].e, &s.team[i].e, sizeof s.team[i].e);
        assert_int_equal(order.doctors[i].deadline, s.team[i].deadline);
    }
    assert_int_equal(bcemr_order_place(&order, s.team[3].doctor), 0);
    assert_int_equal(bcemr_order_place(&order, (bcemr_span){NULL, 0}), 0);
}

static void refused(bcemr_verdict verdict, const char *field, uint64_t index)
{
    bcemr_error err = {0};
    assert_int_equal(begin_order(&err), verdict);
    assert_int_equal(err.verdict, verdict);
    assert_string_equal(err.field, field);
    assert_int_equal(err.index, index);
    assert_true(is_zero(&order, sizeof order));
    assert_int_equal(begin_order(NULL), verdict);
    bcemr_switch_off(verdict);
    assert_int_equal(begin_order(NULL), BCEMR_VALID);
    bcemr_switch_all_on();
}

static void teams_that_are_none(void **state)
{
    (void)state;
    const bcemr_tr_team_doctor second = s.team[1], third = s.team[2];
    s.team[2].doctor = s.team[0].doctor;
    refused(BCEMR_BAD_TEAM, "doctor", 2);
    s.team[2] = third;
    s.team[1].doctor = s.team[0].doctor;
    refused(BCEMR_BAD_TEAM, "doctor", 1);
    s.team[1] = second;
    s.team[1].deadline = s.team[0].deadline;
    refused(BCEMR_BAD_TEAM, "deadline", 1);
    s.team[1].deadline = s.team[0].deadline - 1;
    refused(BCEMR_BAD_TEAM, "deadline", 1);
    s.team[1] = second;
    s.team[2].deadline = s.team[1].deadline;
    refused(BCEMR_BAD_TEAM, "deadline", 2);
}

static void tickets_that_are_none(void **state)
{
    (void)state;
    s.visit.u = 3;
    refused(BCEMR_BAD_TICKET, "u", BCEMR_NOWHERE);
    s.visit.u = 2;
    assert_int_equal(begin_order(NULL), BCEMR_VALID);
    s.clouds[1] = s.clouds[0];
    refused(BCEMR_BAD_TICKET, "clouds", 1);
    s.clouds[1] = bcemr_text("cloud-2");
    s.visit.issued = s.team[0].deadline;
    refused(BCEMR_BAD_TICKET, "deadline", 0);
    s.visit.issued = s.team[0].deadline - 1;
    assert_int_equal(begin_order(NULL), BCEMR_VALID);
}

static void undecided(bcemr_status status, const char *field)
{
    bcemr_error err = {0};
    assert_int_equal(begin_order(&err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, status);
    assert_int_equal(err.verdict, BCEMR_UNDECIDED);
    assert_string_equal(err.field, field);
    assert_true(is_zero(&order, sizeof order));
    assert_int_equal(begin_order(NULL), BCEMR_UNDECIDED);
}

static void keys_that_do_not_decode(void **state)
{
    (void)state;
    const bcemr_tr_team_doctor last = s.team[2];
    memset(s.visit.pkv.b, 0, sizeof s.visit.pkv.b);
    undecided(BCEMR_E_POINT_ENCODING, "pkv");
    s.visit.pkv.b[0] = 0xc0;
    undecided(BCEMR_E_POINT_IDENTITY, "pkv");
    s.visit.pkv = s.patient.pkv;
    memset(s.visit.av.b, 0, sizeof s.visit.av.b);
    undecided(BCEMR_E_ED25519_SMALL_ORDER, "av");
    s.visit.av = s.patient.av_public;
    memset(s.team[2].x.b, 0xff, sizeof s.team[2].x.b);
    undecided(BCEMR_E_POINT_ENCODING, "x");
    memset(s.team[2].x.b, 0, sizeof s.team[2].x.b);
    s.team[2].x.b[0] = 0xc0;
    undecided(BCEMR_E_POINT_IDENTITY, "x");
    s.team[2] = last;
    memset(s.team[2].e.b, 0, sizeof s.team[2].e.b);
    undecided(BCEMR_E_X25519_SMALL_ORDER, "e");
    s.team[2].e.b[31] = 0x80;
    undecided(BCEMR_E_X25519_ENCODING, "e");
}

static void encodings_that_do_not_read(void **state)
{
    (void)state;
    bcemr_error err = {0};
    sample_encode(&s);
    for (uint64_t n = 0; n < s.encoded.n; n += 7) {
        assert_int_equal(bcemr_order_begin(bcemr_span_of(s.encoded.p, n), &order, &err),
                         BCEMR_UNDECIDED);
        assert_int_equal(err.status, BCEMR_E_TRUNCATED);
    }
    assert_int_equal(bcemr_order_begin((bcemr_span){NULL, 0}, &order, NULL), BCEMR_UNDECIDED);
}

/* ---- many doctors ---- */

static char names[BCEMR_TEAM_MAX + 1][16];

static void many(bcemr_tr_team_doctor *doctors, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        (void)snprintf(names[first + i], sizeof names[0], "dr-%u", (unsigned)(first + i));
        doctors[i] = s.team[0];
        doctors[i].doctor = bcemr_text(names[first + i]);
        doctors[i].deadline = SAMPLE_ISSUED + 1000 * (int64_t)(first + i + 1);
    }
}

static void sixty_four_doctors_and_no_more(void **state)
{
    (void)state;
    static bcemr_tr_team_doctor doctors[BCEMR_TEAM_MAX + 1];
    bcemr_buf ticket = BCEMR_BUF_EMPTY;
    bcemr_error err = {0};
    many(doctors, 0, BCEMR_TEAM_MAX + 1);
    s.visit.team = BCEMR_LIST_OF(doctors, BCEMR_TEAM_MAX);
    assert_int_equal(begin_order(NULL), BCEMR_VALID);
    assert_int_equal(order.count, 64);
    assert_int_equal(bcemr_order_place(&order, doctors[63].doctor), 64);
    s.visit.team = BCEMR_LIST_OF(doctors, BCEMR_TEAM_MAX + 1);
    assert_int_equal(bcemr_write_visit(&s.visit, &ticket, &err), BCEMR_E_TOO_MANY);
    assert_string_equal(err.field, "team");
    bcemr_buf_free(&ticket);
}

/* ---- amendments ---- */

static bcemr_tr_amend next_amendment(uint64_t signed_count, const bcemr_tr_team_doctor *tail,
                                     uint64_t count)
{
    return (bcemr_tr_amend){.vid = s.vid,
                            .number = order.amendments + 1,
                            .previous = *bcemr_order_hash(&order),
                            .signed_count = signed_count,
                            .tail = BCEMR_LIST_OF(tail, count),
                            .issued = SAMPLE_ISSUED + 10};
}

static bcemr_verdict apply(const bcemr_tr_amend *amend, bcemr_error *err)
{
    bcemr_buf *to = &kept[kept_count++];
    assert_true(kept_count <= BCEMR_TEAM_MAX + 1);
    assert_int_equal(bcemr_write_amend(amend, to, NULL), BCEMR_OK);
    return bcemr_order_amend(&order, bcemr_buf_span(to), err);
}

static void drop(void)
{
    bcemr_buf_free(&kept[--kept_count]);
}

static void amend_refused(const bcemr_tr_amend *amend, bcemr_verdict verdict, const char *field)
{
    bcemr_error err = {0};
    before = order;
    assert_int_equal(apply(amend, &err), verdict);
    assert_int_equal(err.verdict, verdict);
    assert_string_equal(err.field, field);
    assert_memory_equal(&before, &order, sizeof order);
    drop();
}

static void amendments_follow_each_other(void **state)
{
    (void)state;
    bcemr_hash hash;
    assert_int_equal(begin_order(NULL), BCEMR_VALID);
    const bcemr_tr_team_doctor first[] = {s.team[3]}, second[] = {s.team[1], s.team[2]};
    bcemr_tr_amend amend = next_amendment(2, first, 1);
    assert_int_equal(apply(&amend, NULL), BCEMR_VALID);
    bcemr_sha256(bcemr_buf_span(&kept[0]), &hash);
    assert_memory_equal(bcemr_order_hash(&order), &hash, sizeof hash);
    assert_memory_equal(&order.in_force[0], &s.vid, sizeof s.vid);
    assert_int_equal(order.amendments, 1);
    assert_int_equal(order.count, 3);
    assert_int_equal(bcemr_order_place(&order, s.team[0].doctor), 1);
    assert_int_equal(bcemr_order_place(&order, s.team[1].doctor), 2);
    assert_int_equal(bcemr_order_place(&order, s.team[3].doctor), 3);
    assert_int_equal(bcemr_order_place(&order, s.team[2].doctor), 0);
    /* Who was taken out may come back; a tail may be longer than what it replaces. */
    amend = next_amendment(1, second, 2);
    assert_int_equal(apply(&amend, NULL), BCEMR_VALID);
    assert_int_equal(order.amendments, 2);
    assert_int_equal(bcemr_order_place(&order, s.team[2].doctor), 3);
    assert_int_equal(bcemr_order_place(&order, s.team[3].doctor), 0);
    /* A tail after a last doctor who signed and vanished. */
    amend = next_amendment(3, first, 1);
    assert_int_equal(apply(&amend, NULL), BCEMR_VALID);
    assert_int_equal(order.count, 4);
    amend = next_amendment(0, first, 1);
    assert_int_equal(apply(&amend, NULL), BCEMR_VALID);
    assert_int_equal(order.count, 1);
    assert_true(is_zero(&order.doctors[1], sizeof order.doctors[1]));
}

static void amendments_out_of_chain(void **state)
{
    (void)state;
    const bcemr_tr_team_doctor tail[] = {s.team[3]};
    bcemr_tr_amend amend, other;
    assert_int_equal(begin_order(NULL), BCEMR_VALID);
    const bcemr_tr_amend first = amend = next_amendment(2, tail, 1);
    amend.vid.b[0] ^= 1;
    amend_refused(&amend, BCEMR_BAD_AMENDMENT_CHAIN, "vid");
    amend = first;
    amend.number = 2;
    amend_refused(&amend, BCEMR_BAD_AMENDMENT_CHAIN, "number");
    amend = first;
    amend.previous.b[31] ^= 1;
    amend_refused(&amend, BCEMR_BAD_AMENDMENT_CHAIN, "previous");
    amend = first;
    amend.signed_count = 4;
    amend_refused(&amend, BCEMR_BAD_AMENDMENT_CHAIN, "signed_count");
    assert_int_equal(apply(&first, NULL), BCEMR_VALID);
    amend_refused(&first, BCEMR_BAD_AMENDMENT_CHAIN, "number"); /* again */
    amend = next_amendment(2, tail, 1);
    amend.previous = s.vid; /* beside the first */
    amend_refused(&amend, BCEMR_BAD_AMENDMENT_CHAIN, "previous");
    other = first; /* a branch: the second of another first */
    other.issued++;
    bcemr_hash branch;
    assert_int_equal(bcemr_hash_value(&bcemr_type_amend, &other, &branch, NULL), BCEMR_OK);
    amend.previous = branch;
    amend_refused(&amend, BCEMR_BAD_AMENDMENT_CHAIN, "previous");
    bcemr_switch_off(BCEMR_BAD_AMENDMENT_CHAIN);
    assert_int_equal(apply(&amend, NULL), BCEMR_VALID);
}

static void amendments_with_bad_teams(void **state)
{
    (void)state;
    bcemr_tr_team_doctor tail[2] = {s.team[2], s.team[3]};
    bcemr_tr_amend amend;
    assert_int_equal(begin_order(NULL), BCEMR_VALID);
    tail[1].doctor = s.team[0].doctor; /* who has signed comes again */
    amend = next_amendment(1, tail, 2);
    amend_refused(&amend, BCEMR_BAD_TEAM, "doctor");
    tail[1].doctor = tail[0].doctor;
    amend_refused(&amend, BCEMR_BAD_TEAM, "doctor");
    tail[1] = s.team[3];
    tail[1].deadline = tail[0].deadline;
    amend_refused(&amend, BCEMR_BAD_TEAM, "deadline");
    tail[1].deadline = tail[0].deadline - 1;
    amend_refused(&amend, BCEMR_BAD_TEAM, "deadline");
    tail[1] = s.team[3];
    amend.issued = tail[0].deadline;
    amend_refused(&amend, BCEMR_BAD_TEAM, "deadline");
    /* Who has signed is not looked at again: the tail's deadlines may lie before theirs. */
    tail[0].deadline = SAMPLE_ISSUED + 20;
    tail[1].deadline = SAMPLE_ISSUED + 21;
    amend.issued = SAMPLE_ISSUED + 19;
    assert_int_equal(apply(&amend, NULL), BCEMR_VALID);
}

static void amendments_with_bad_keys(void **state)
{
    (void)state;
    bcemr_tr_team_doctor tail[1] = {s.team[3]};
    bcemr_error err = {0};
    assert_int_equal(begin_order(NULL), BCEMR_VALID);
    bcemr_tr_amend amend = next_amendment(1, tail, 1);
    before = order;
    memset(tail[0].x.b, 0, sizeof tail[0].x.b);
    assert_int_equal(apply(&amend, &err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_POINT_ENCODING);
    assert_int_equal(err.index, 1);
    tail[0] = s.team[3];
    memset(tail[0].e.b, 0, sizeof tail[0].e.b);
    assert_int_equal(apply(&amend, &err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_X25519_SMALL_ORDER);
    bcemr_span cut = bcemr_buf_span(&kept[0]);
    cut.n--;
    assert_int_equal(bcemr_order_amend(&order, cut, &err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_TRUNCATED);
    assert_memory_equal(&before, &order, sizeof order);
}

static void an_order_of_sixty_five(void **state)
{
    (void)state;
    static bcemr_tr_team_doctor doctors[BCEMR_TEAM_MAX], tail[5];
    bcemr_error err = {0};
    many(doctors, 0, 60);
    many(tail, 60, 5);
    s.visit.team = BCEMR_LIST_OF(doctors, 60);
    assert_int_equal(begin_order(NULL), BCEMR_VALID);
    bcemr_tr_amend amend = next_amendment(60, tail, 5);
    amend_refused(&amend, BCEMR_BAD_TEAM, "tail");
    bcemr_switch_off(BCEMR_BAD_TEAM); /* the arrays end all the same */
    assert_int_equal(apply(&amend, &err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_TOO_MANY);
    bcemr_switch_all_on();
    amend = next_amendment(60, tail, 4);
    assert_int_equal(apply(&amend, NULL), BCEMR_VALID);
    assert_int_equal(order.count, 64);
    amend = next_amendment(59, tail, 5);
    assert_int_equal(apply(&amend, NULL), BCEMR_VALID);
}

static void sixty_four_amendments_and_no_more(void **state)
{
    (void)state;
    const bcemr_tr_team_doctor tail[] = {s.team[3]};
    bcemr_error err = {0};
    assert_int_equal(begin_order(NULL), BCEMR_VALID);
    for (uint64_t a = 1; a <= 64; a++) {
        const bcemr_tr_amend amend = next_amendment(2, tail, 1);
        assert_int_equal(amend.number, a);
        assert_int_equal(apply(&amend, NULL), BCEMR_VALID);
    }
    bcemr_tr_amend amend = next_amendment(2, tail, 1);
    assert_int_equal(bcemr_write_amend(&amend, &kept[kept_count], &err), BCEMR_E_INTEGER_RANGE);
    amend.number = 64;
    amend_refused(&amend, BCEMR_BAD_AMENDMENT_CHAIN, "number");
    bcemr_switch_off(BCEMR_BAD_AMENDMENT_CHAIN);
    assert_int_equal(apply(&amend, &err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_TOO_MANY);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_team_of_the_ticket),       TEST(teams_that_are_none),
        TEST(tickets_that_are_none),        TEST(keys_that_do_not_decode),
        TEST(encodings_that_do_not_read),   TEST(sixty_four_doctors_and_no_more),
        TEST(amendments_follow_each_other), TEST(amendments_out_of_chain),
        TEST(amendments_with_bad_teams),    TEST(amendments_with_bad_keys),
        TEST(an_order_of_sixty_five),       TEST(sixty_four_amendments_and_no_more),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
