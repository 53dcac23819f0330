/* SPDX-License-Identifier: Apache-2.0 */
/* The patient comes, checks the ticket field by field, accepts, shows presence (sections 3, 4). */
#include "client/client_test.h"

#include "support/clinic.h"

#include <bcemr/hash.h>
#include <sodium.h>

static clinic c;
static bcemr_buf good; /* the ticket as the hospital sent it */

static int play(void **state)
{
    (void)state;
    clinic_begin(&c);
    must(clinic_register(&c, &good));
    return 0;
}

static int end(void **state)
{
    (void)state;
    bcemr_switch_all_on();
    bcemr_switch_fail_allocation(0);
    bcemr_buf_free(&good);
    clinic_end(&c);
    return 0;
}

/* ---- tickets with one thing changed ---- */

typedef struct changed {
    bcemr_tr_ticket ticket;
    bcemr_tr_visit v;
    bcemr_span clouds[BCEMR_CLOUDS_MAX];
    bcemr_tr_team_doctor team[BCEMR_TEAM_MAX];
    const bcemr_ed_secret *by; /* who signs */
    bool keep_signature;
} changed;

static void begin(changed *x)
{
    memset(x, 0, sizeof *x);
    must(bcemr_read_ticket(bcemr_buf_span(&good), &x->ticket, NULL));
    must(bcemr_read_visit(x->ticket.visit, &x->v, NULL));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &x->v.clouds);
    for (uint64_t i = 0; bcemr_list_next(&iter, &x->clouds[i]); i++)
        ;
    iter = bcemr_list_begin(&bcemr_type_team_doctor, &x->v.team);
    for (uint64_t i = 0; bcemr_list_next(&iter, &x->team[i]); i++)
        ;
    x->v.clouds = BCEMR_LIST_OF(x->clouds, x->v.clouds.count);
    x->v.team = BCEMR_LIST_OF(x->team, x->v.team.count);
    x->by = &c.consortium.nodes[HOSPITAL_1].keys.a;
}

static void write_message(changed *x, bcemr_buf *out)
{
    bcemr_buf v = BCEMR_BUF_EMPTY;
    must(bcemr_write_visit(&x->v, &v, NULL));
    x->ticket.visit = bcemr_buf_span(&v);
    if (!x->keep_signature)
        bcemr_ed_sign(x->by, x->ticket.visit, &x->ticket.signature);
    must(bcemr_write_ticket(&x->ticket, out, NULL));
    bcemr_buf_free(&v);
}

static bcemr_status accept_message(bcemr_span message)
{
    bcemr_buf out = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_patient_accept(&c.wallet, &c.visit, message, c.now, &out, &why);
    if (status != BCEMR_OK)
        assert_int_equal(out.n, 0);
    bcemr_buf_free(&out);
    return status;
}

static bcemr_status try_accept(changed *x)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    write_message(x, &message);
    bcemr_status status = accept_message(bcemr_buf_span(&message));
    bcemr_buf_free(&message);
    return status;
}

static void flip(void *p)
{
    *(uint8_t *)p ^= 1;
}

static void other_ledger(changed *x)
{
    flip(&x->v.ledger);
}

static void hospital_2_signed_by_1(changed *x)
{
    x->v.hospital = c.nodes[HOSPITAL_2].id;
}

/* All of it by the other hospital: the pseudonym names who saw the patient. */
static void hospital_2(changed *x)
{
    x->v.hospital = c.nodes[HOSPITAL_2].id;
    x->by = &c.consortium.nodes[HOSPITAL_2].keys.a;
}

static void a_cloud_as_hospital(changed *x)
{
    x->v.hospital = c.nodes[CLOUD_1].id;
    x->by = &c.consortium.nodes[CLOUD_1].keys.a;
}

static void hospital_outside(changed *x)
{
    x->v.hospital = bcemr_text("hospital-3");
    x->by = &c.consortium.nodes[HOSPITAL_3].keys.a;
}

static void signed_by_another(changed *x)
{
    x->by = &c.consortium.nodes[HOSPITAL_2].keys.a;
}

static void old_signature(changed *x)
{
    x->v.issued++;
    x->keep_signature = true;
}

static void other_pkv(changed *x)
{
    bcemr_visit_keys keys;
    must(bcemr_visit_keys_derive(&c.wallet.seed, &c.consortium.ledger, 99, &keys));
    x->v.pkv = keys.pkv;
}

static void other_av(changed *x)
{
    bcemr_visit_keys keys;
    must(bcemr_visit_keys_derive(&c.wallet.seed, &c.consortium.ledger, 99, &keys));
    x->v.av = keys.av_public;
}

static void other_pid(changed *x)
{
    flip(&x->v.pid);
}

static void other_r2(changed *x)
{
    flip(&x->ticket.r2);
}

static void cloud_unknown(changed *x)
{
    x->clouds[1] = bcemr_text("cloud-3");
}

static void cloud_is_hospital(changed *x)
{
    x->clouds[1] = c.nodes[HOSPITAL_2].id;
}

static void cloud_twice(changed *x)
{
    x->clouds[1] = x->clouds[0];
}

static void reissues_more(changed *x)
{
    x->v.reissues++;
}

static void reissues_fewer(changed *x)
{
    x->v.reissues--;
}

static void u_over_clouds(changed *x)
{
    x->v.u = x->v.clouds.count + 1;
}

static void deadline_now(changed *x)
{
    x->v.issued = c.now - 1000;
    x->team[0].deadline = c.now;
}

static void deadline_before_issue(changed *x)
{
    x->team[0].deadline = x->v.issued;
}

static void deadlines_equal(changed *x)
{
    x->team[2].deadline = x->team[1].deadline;
}

static void deadlines_descend(changed *x)
{
    x->team[1].deadline = x->team[0].deadline - 1;
}

static void issued_ahead(changed *x)
{
    x->v.issued = c.now + CONSORTIUM_CLOCK_DIFFERENCE + 1;
}

static void issued_within_clocks(changed *x)
{
    x->v.issued = c.now + CONSORTIUM_CLOCK_DIFFERENCE;
}

static void doctor_not_enrolled(changed *x)
{
    const consortium_doctor *d = &c.consortium.doctors[CLINIC_DOCTORS];
    x->team[1].doctor = bcemr_text(d->id);
    x->team[1].x = d->publics.x;
    x->team[1].e = d->publics.e;
}

static void doctor_other_x(changed *x)
{
    x->team[1].x = x->team[0].x;
}

static void doctor_other_e(changed *x)
{
    x->team[1].e = x->team[0].e;
}

static void doctor_twice(changed *x)
{
    int64_t deadline = x->team[2].deadline;
    x->team[2] = x->team[0];
    x->team[2].deadline = deadline;
}

static void one_cloud(changed *x)
{
    x->v.clouds.count = 1;
    x->v.u = 1;
}

static const struct {
    const char *name;
    void (*change)(changed *x);
    bcemr_verdict verdict;
} ticket_cases[] = {
    {"other ledger", other_ledger, BCEMR_WRONG_LEDGER},
    {"another hospital's name", hospital_2_signed_by_1, BCEMR_BAD_TICKET_SIGNATURE},
    {"another hospital", hospital_2, BCEMR_BAD_PSEUDONYM},
    {"a cloud as hospital", a_cloud_as_hospital, BCEMR_BAD_TICKET_SIGNATURE},
    {"a hospital outside the set", hospital_outside, BCEMR_BAD_TICKET_SIGNATURE},
    {"signed by another", signed_by_another, BCEMR_BAD_TICKET_SIGNATURE},
    {"signature of another ticket", old_signature, BCEMR_BAD_TICKET_SIGNATURE},
    {"other pkv", other_pkv, BCEMR_BAD_TICKET},
    {"other Av", other_av, BCEMR_BAD_TICKET},
    {"other PID", other_pid, BCEMR_BAD_PSEUDONYM},
    {"other r'", other_r2, BCEMR_BAD_PSEUDONYM},
    {"unknown cloud", cloud_unknown, BCEMR_BAD_TICKET},
    {"a hospital as cloud", cloud_is_hospital, BCEMR_BAD_TICKET},
    {"a cloud twice", cloud_twice, BCEMR_BAD_TICKET},
    {"N above", reissues_more, BCEMR_BAD_TICKET},
    {"N below", reissues_fewer, BCEMR_BAD_TICKET},
    {"u over clouds", u_over_clouds, BCEMR_BAD_TICKET},
    {"deadline not ahead", deadline_now, BCEMR_BAD_TICKET},
    {"deadline not after issue", deadline_before_issue, BCEMR_BAD_TICKET},
    {"two deadlines alike", deadlines_equal, BCEMR_BAD_TEAM},
    {"deadlines descend", deadlines_descend, BCEMR_BAD_TEAM},
    {"issued ahead", issued_ahead, BCEMR_BAD_TICKET},
    {"doctor not enrolled", doctor_not_enrolled, BCEMR_NOT_ENROLLED},
    {"doctor with another X", doctor_other_x, BCEMR_NOT_ENROLLED},
    {"doctor with another E", doctor_other_e, BCEMR_NOT_ENROLLED},
    {"doctor twice", doctor_twice, BCEMR_BAD_TEAM},
    /* what may differ */
    {"issued within the clocks", issued_within_clocks, BCEMR_VALID},
    {"one cloud", one_cloud, BCEMR_VALID},
};

static void each_field_of_the_ticket_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ticket_cases); i++) {
        changed x;
        begin(&x);
        ticket_cases[i].change(&x);
        print_message("%s\n", ticket_cases[i].name);
        ENDS_WITH(ticket_cases[i].verdict, try_accept(&x));
    }
}

/* When two things are wrong, the check that comes first speaks. */
static void checks_of_the_ticket_come_in_order(void **state)
{
    static const struct {
        void (*first)(changed *x);
        void (*second)(changed *x);
        bcemr_verdict verdict;
    } cases[] = {
        {signed_by_another, other_ledger, BCEMR_WRONG_LEDGER},
        {other_pkv, signed_by_another, BCEMR_BAD_TICKET_SIGNATURE},
        {other_pid, other_pkv, BCEMR_BAD_TICKET},
        {doctor_twice, other_pid, BCEMR_BAD_PSEUDONYM},
        {reissues_more, doctor_twice, BCEMR_BAD_TEAM},
        {doctor_not_enrolled, reissues_more, BCEMR_BAD_TICKET},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        changed x;
        begin(&x);
        cases[i].first(&x);
        cases[i].second(&x);
        REFUSED(cases[i].verdict, try_accept(&x));
    }
}

/* V with a team of our own making, which the writer would refuse to write. */
static void ticket_with_team(uint64_t count, bcemr_buf *out)
{
    changed x;
    bcemr_buf rows[BCEMR_TEAM_MAX + 1] = {{0}}, team = BCEMR_BUF_EMPTY, clouds = BCEMR_BUF_EMPTY,
                                    v = BCEMR_BUF_EMPTY, ticket = BCEMR_BUF_EMPTY;
    bcemr_span items[BCEMR_TEAM_MAX + 2];
    uint8_t n[8], u[8], reissues[8], issued[8];
    begin(&x);
    bcemr_store_u64(n, count);
    items[0] = bcemr_span_of(n, 8);
    for (uint64_t i = 0; i < count; i++) {
        must(bcemr_write_team_doctor(&x.team[i % 3], &rows[i], NULL));
        items[i + 1] = bcemr_buf_span(&rows[i]);
    }
    must(bcemr_write_fields("list", items, count + 1, &team));
    must(bcemr_write_list(&bcemr_type_id_item, &x.v.clouds, &clouds, NULL));
    bcemr_store_u64(u, x.v.u);
    bcemr_store_u64(reissues, x.v.reissues);
    bcemr_store_u64(issued, (uint64_t)x.v.issued);
    const bcemr_span visit[] = {bcemr_span_of(x.v.ledger.b, 32), x.v.hospital,
                                bcemr_buf_span(&clouds),         bcemr_span_of(u, 8),
                                bcemr_span_of(x.v.pid.b, 32),    bcemr_span_of(x.v.pkv.b, 48),
                                bcemr_span_of(x.v.av.b, 32),     bcemr_buf_span(&team),
                                bcemr_span_of(reissues, 8),      bcemr_span_of(issued, 8)};
    must(bcemr_write_fields("visit", visit, COUNT(visit), &v));
    bcemr_ed_sign(x.by, bcemr_buf_span(&v), &x.ticket.signature);
    const bcemr_span parts[] = {bcemr_buf_span(&v), bcemr_span_of(x.ticket.signature.b, 64),
                                bcemr_span_of(x.ticket.r2.b, 32)};
    must(bcemr_write_fields("ticket", parts, COUNT(parts), &ticket));
    must(bcemr_buf_set(out, bcemr_buf_span(&ticket)));
    for (uint64_t i = 0; i < count; i++)
        bcemr_buf_free(&rows[i]);
    bcemr_buf_free(&team);
    bcemr_buf_free(&clouds);
    bcemr_buf_free(&v);
    bcemr_buf_free(&ticket);
}

static void a_team_has_1_to_64_doctors(void **state)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    (void)state;
    ticket_with_team(3, &message); /* made this way it is the good one */
    assert_true(bcemr_span_equal(bcemr_buf_span(&message), bcemr_buf_span(&good)));
    ticket_with_team(0, &message);
    FAILS(BCEMR_E_TOO_FEW, accept_message(bcemr_buf_span(&message)));
    ticket_with_team(65, &message);
    FAILS(BCEMR_E_TOO_MANY, accept_message(bcemr_buf_span(&message)));
    ticket_with_team(64, &message); /* may be so many, not the same ones */
    REFUSED(BCEMR_BAD_TEAM, accept_message(bcemr_buf_span(&message)));
    bcemr_buf_free(&message);
}

static void a_ticket_is_read_to_its_last_byte(void **state)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    (void)state;
    FAILS(BCEMR_E_TRUNCATED, accept_message(bcemr_span_of(good.p, good.n - 1)));
    must(bcemr_buf_set(&message, bcemr_buf_span(&good)));
    must(bcemr_buf_append(&message, bcemr_text("x")));
    FAILS(BCEMR_E_TRAILING, accept_message(bcemr_buf_span(&message)));
    bcemr_buf_free(&message);
}

/* Whatever was refused before, the right ticket is accepted, and again in the same words. */
static void the_right_ticket_is_accepted_after_all(void **state)
{
    bcemr_buf first = BCEMR_BUF_EMPTY, again = BCEMR_BUF_EMPTY;
    bcemr_tr_acceptance a, b;
    changed x;
    static const bcemr_hash none;
    (void)state;
    memset(&c.visit.vid, 0, sizeof c.visit.vid);
    bcemr_buf_free(&c.visit.ticket);
    begin(&x);
    doctor_other_x(&x);
    REFUSED(BCEMR_NOT_ENROLLED, try_accept(&x));
    assert_true(bcemr_hash_equal(&c.visit.vid, &none));
    assert_int_equal(c.visit.ticket.n, 0);
    OK(bcemr_patient_accept(&c.wallet, &c.visit, bcemr_buf_span(&good), c.now, &first, &why));
    OK(bcemr_patient_accept(&c.wallet, &c.visit, bcemr_buf_span(&good), c.now, &again, &why));
    must(bcemr_read_acceptance(bcemr_buf_span(&first), &a, NULL));
    must(bcemr_read_acceptance(bcemr_buf_span(&again), &b, NULL));
    assert_memory_equal(&a.signature, &b.signature, sizeof a.signature);
    begin(&x);
    assert_int_equal(bcemr_acceptance_check(&x.v, &c.visit.vid, &a, NULL), BCEMR_VALID);
    assert_int_equal(bcemr_acceptance_check(&x.v, &c.visit.vid, &b, NULL), BCEMR_VALID);
    assert_true(bcemr_span_equal(bcemr_buf_span(&c.visit.ticket), x.ticket.visit));
    bcemr_buf_free(&first);
    bcemr_buf_free(&again);
}

static void a_retired_doctor_is_not_enrolled(void **state)
{
    (void)state;
    bcemr_buf signed_entry = BCEMR_BUF_EMPTY;
    const consortium_doctor *d = &c.consortium.doctors[1];
    const bcemr_tr_e_retire retire = {c.consortium.ledger, bcemr_text(d->id),
                                      bcemr_span_of(d->publics.x.b, 96)};
    const consortium_row row = {.role = "authority", .by = &c.consortium.authority};
    consortium_sign(&c.consortium, &bcemr_type_e_retire, &retire, &row, 1, &signed_entry);
    must(clinic_post(&c, bcemr_buf_span(&signed_entry)));
    REFUSED(BCEMR_NOT_ENROLLED, accept_message(bcemr_buf_span(&good)));
    bcemr_buf_free(&signed_entry);
}

/* ---- coming, and being there ---- */

static void keys_that_left_the_wallet_are_not_used_again(void **state)
{
    bcemr_patient_visit visits[2];
    bcemr_buf message = BCEMR_BUF_EMPTY;
    uint8_t identity[201];
    uint64_t next = c.wallet.next_visit;
    (void)state;
    memset(identity, 'a', sizeof identity);
    for (int i = 0; i < 2; i++)
        OK(bcemr_patient_register(&c.wallet, bcemr_text("Ann"), bcemr_text(""), &visits[i],
                                  &message, &why));
    assert_int_equal(c.wallet.next_visit, next + 2);
    assert_memory_not_equal(&visits[0].keys.pkv, &visits[1].keys.pkv, 48);
    assert_memory_not_equal(&visits[0].keys.av_public, &visits[1].keys.av_public, 32);
    for (int i = 0; i < 2; i++)
        bcemr_patient_visit_free(&visits[i]);
    bcemr_buf_free(&message);
    FAILS(BCEMR_E_TOO_LONG, bcemr_patient_register(&c.wallet, bcemr_span_of(identity, 201),
                                                   bcemr_text(""), &visits[0], &message, &why));
    FAILS(BCEMR_E_TEXT, bcemr_patient_register(&c.wallet, bcemr_text("Ann"), bcemr_text("\x01"),
                                               &visits[0], &message, &why));
    assert_int_equal(message.n, 0);
    assert_int_equal(c.wallet.next_visit, next + 2); /* nothing left it */
    bcemr_buf_free(&message);
}

static void presence_is_for_a_doctor_of_the_order(void **state)
{
    bcemr_buf first = BCEMR_BUF_EMPTY, again = BCEMR_BUF_EMPTY;
    const bcemr_nonce nonce = {{1}};
    (void)state;
    bcemr_patient_visit stranger = c.visit;
    memset(&stranger.vid, 0x55, sizeof stranger.vid);
    REFUSED(BCEMR_NOT_ADMITTED, bcemr_patient_present(&c.wallet, &stranger, c.doctors[0].id, &nonce,
                                                      c.now, &first, &why));
    REFUSED(BCEMR_NOT_IN_ORDER, bcemr_patient_present(&c.wallet, &c.visit, c.doctors[3].id, &nonce,
                                                      c.now, &first, &why));
    assert_int_equal(first.n, 0);
    OK(bcemr_patient_present(&c.wallet, &c.visit, c.doctors[0].id, &nonce, c.now, &first, &why));
    OK(bcemr_patient_present(&c.wallet, &c.visit, c.doctors[0].id, &nonce, c.now, &again, &why));
    assert_true(bcemr_span_equal(bcemr_buf_span(&first), bcemr_buf_span(&again)));
    bcemr_buf_free(&first);
    bcemr_buf_free(&again);
}

static int play_admitted(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_ADMITTED);
    return 0;
}

/* ---- no memory ---- */

static bcemr_status accept_again(void)
{
    return accept_message(bcemr_buf_span(&good));
}

static bcemr_status register_anew(void)
{
    bcemr_patient_visit visit;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    uint64_t next = c.wallet.next_visit;
    bcemr_status status = bcemr_patient_register(&c.wallet, bcemr_text("Ann"), bcemr_text("tired"),
                                                 &visit, &message, &why);
    assert_int_equal(c.wallet.next_visit, next + (status == BCEMR_OK));
    bcemr_patient_visit_free(&visit);
    bcemr_buf_free(&message);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    EVERY_ALLOCATION(register_anew());
    EVERY_ALLOCATION(accept_again());
}

static bcemr_status present_anew(void)
{
    const bcemr_nonce nonce = {{1}};
    bcemr_buf out = BCEMR_BUF_EMPTY;
    bcemr_status status =
        bcemr_patient_present(&c.wallet, &c.visit, c.doctors[0].id, &nonce, c.now, &out, &why);
    assert_true((out.n > 0) == (status == BCEMR_OK));
    bcemr_buf_free(&out);
    return status;
}

static void every_allocation_of_presence_may_fail(void **state)
{
    (void)state;
    EVERY_ALLOCATION(present_anew());
}

int main(void)
{
    const struct CMUnitTest before[] = {
        cmocka_unit_test(each_field_of_the_ticket_counts),
        cmocka_unit_test(checks_of_the_ticket_come_in_order),
        cmocka_unit_test(a_team_has_1_to_64_doctors),
        cmocka_unit_test(a_ticket_is_read_to_its_last_byte),
        cmocka_unit_test(the_right_ticket_is_accepted_after_all),
        cmocka_unit_test(keys_that_left_the_wallet_are_not_used_again),
        cmocka_unit_test_teardown(every_allocation_may_fail, switches_on),
        cmocka_unit_test(a_retired_doctor_is_not_enrolled),
    };
    const struct CMUnitTest admitted[] = {
        cmocka_unit_test(presence_is_for_a_doctor_of_the_order),
        cmocka_unit_test_teardown(every_allocation_of_presence_may_fail, switches_on),
    };
    int failed = cmocka_run_group_tests_name("ticket", before, play, end);
    return failed + cmocka_run_group_tests_name("presence", admitted, play_admitted, end);
}
