/* SPDX-License-Identifier: Apache-2.0 */
/* Case files of visits of every kind are made, hold by the genesis alone, and say what happened
 * (section 8). */
#include "client/client_test.h"

/* clinic.h is named so that every room is linked. */
#include "support/case_world.h"
#include "support/clinic.h"

static world w;
static bcemr_buf file;
static bcemr_case_report report;

#define TAKEN(call)                                                                                \
    do {                                                                                           \
        uint32_t reason_ = (call);                                                                 \
        if (reason_ != 0)                                                                          \
            fail_msg("refused with %s", ledger_reason_name(reason_));                              \
    } while (0)

static int begin(void **state)
{
    (void)switches_on(state);
    world_begin(&w, 0);
    return 0;
}

static int end(void **state)
{
    (void)switches_on(state);
    bcemr_case_report_free(&report);
    bcemr_buf_free(&file);
    world_end(&w);
    return 0;
}

/* Made from the log as it stands, and holds. */
static void holds_now(const world_visit *visit)
{
    bcemr_case_report_free(&report);
    case_world_checkpoint(&w);
    OK(case_world_make(&w, &visit->vid, &file, &why));
    OK(case_world_check(w.c.context, bcemr_buf_span(&w.c.signed_genesis), bcemr_buf_span(&file),
                        &report, &why));
    assert_int_equal(report.step, BCEMR_CASE_HOLDS);
    assert_memory_equal(&report.log->vid, &visit->vid, 32);
    assert_memory_equal(&report.ledger, &w.c.ledger, 32);
    assert_int_equal(report.log->signed_count, visit->count);
    assert_int_equal(report.checkpoint.size, ledger_chain_size(w.chain));
    assert_int_equal(report.opened, 0);
    for (uint64_t i = 0; i < visit->count; i++) {
        const consortium_doctor *d = &w.c.doctors[visit->doctors[i]];
        assert_true(bcemr_span_equal(report.diagnoses[i].enrol.doctor, bcemr_text(d->id)));
        assert_memory_equal(report.diagnoses[i].enrol.x.p, d->publics.x.b, 96);
        assert_true(report.diagnoses[i].enrol_leaf < report.diagnoses[i].leaf);
        assert_true(i == 0 || report.diagnoses[i].leaf > report.diagnoses[i - 1].leaf);
        assert_true(report.diagnoses[i].leaf < report.header_leaf);
    }
}

static void admit(world_visit *visit, uint64_t number, uint64_t doctors)
{
    world_visit_make(&w, number, doctors, visit);
    TAKEN(world_post_admit(&w, visit));
}

/* Doctors first..last (from 1) sign, version 0; then the Seal. */
static void sign(world_visit *visit, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++)
        TAKEN(world_post_sign(&w, visit, i, 0));
}

static void one_doctor_to_four(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 4; n++) {
        world_visit visit;
        world_sealed_visit(&w, n, n, &visit);
        holds_now(&visit);
        assert_int_equal(report.header.height, n - 1);
        assert_int_equal(report.sets + report.upgrades + report.reissues, 0);
        world_visit_free(&visit);
    }
}

static void visits_beside_each_other(void **state)
{
    (void)state;
    world_visit one, other;
    admit(&one, 1, 2);
    admit(&other, 2, 3);
    sign(&one, 1, 1);
    sign(&other, 1, 3);
    TAKEN(world_post_seal(&w, &other));
    sign(&one, 2, 2);
    TAKEN(world_post_seal(&w, &one));
    TAKEN(world_enrol(&w, 4, "hospital-2"));
    holds_now(&one);
    assert_int_equal(report.header.height, 1);
    holds_now(&other);
    assert_int_equal(report.header.height, 0);
    world_visit_free(&one);
    world_visit_free(&other);
}

static void an_order_that_changed(void **state)
{
    (void)state;
    world_visit visit;
    static const int tail[] = {3, 1}, last[] = {2};
    admit(&visit, 1, 2);
    sign(&visit, 1, 1);
    TAKEN(world_post_amend(&w, &visit, tail, 2));
    sign(&visit, 2, 2);
    TAKEN(world_post_amend(&w, &visit, last, 1));
    sign(&visit, 3, 3);
    TAKEN(world_post_seal(&w, &visit));
    holds_now(&visit);
    assert_int_equal(report.log->order.amendments, 2);
    world_visit_free(&visit);
}

static void diagnoses_asked_for_again(void **state)
{
    (void)state;
    world_visit visit;
    admit(&visit, 1, 3);
    sign(&visit, 1, 1);
    for (uint64_t k = 0; k < CONSORTIUM_REISSUES; k++) {
        TAKEN(world_post_reissue(&w, &visit, 1, k));
        TAKEN(world_post_sign(&w, &visit, 1, k + 1));
    }
    sign(&visit, 2, 2);
    TAKEN(world_post_reissue(&w, &visit, 2, 0)); /* cancelled by the next */
    sign(&visit, 3, 3);
    TAKEN(world_post_reissue(&w, &visit, 3, 0)); /* by the hospital */
    TAKEN(world_post_sign(&w, &visit, 3, 1));
    TAKEN(world_post_seal(&w, &visit));
    holds_now(&visit);
    assert_int_equal(report.reissues, CONSORTIUM_REISSUES + 2);
    assert_int_equal(report.log->diagnoses[0].context.k, CONSORTIUM_REISSUES);
    assert_int_equal(report.log->diagnoses[1].context.k, 0);
    assert_int_equal(report.log->diagnoses[2].context.k, 1);
    world_visit_free(&visit);
}

/* Two asked and were left out of the order then; one of them comes back and signs. */
static void askers_who_did_not_sign(void **state)
{
    (void)state;
    world_visit visit;
    case_pieces pieces;
    static const int then[] = {2, 3}, at_last[] = {3, 1};
    admit(&visit, 1, 2);
    sign(&visit, 1, 1);
    TAKEN(world_post_reissue(&w, &visit, 1, 0)); /* by doctor-2 */
    TAKEN(world_post_sign(&w, &visit, 1, 1));
    TAKEN(world_post_amend(&w, &visit, then, 2));
    TAKEN(world_post_reissue(&w, &visit, 1, 1)); /* by doctor-3 */
    TAKEN(world_post_sign(&w, &visit, 1, 2));
    TAKEN(world_post_amend(&w, &visit, at_last, 2));
    sign(&visit, 2, 3);
    TAKEN(world_post_seal(&w, &visit));
    holds_now(&visit);
    case_world_take_apart(bcemr_buf_span(&file), &pieces);
    assert_int_equal(pieces.enrolment_count, 4); /* doctor-3 asked and did not sign */
    world_visit_free(&visit);
}

static void sets_that_changed(void **state)
{
    (void)state;
    world_visit visit;
    TAKEN(world_join(&w, &w.c.nodes[HOSPITAL_3]));
    TAKEN(case_world_rekey(&w, HOSPITAL_1, "hospital-1 anew"));
    admit(&visit, 1, 3);
    sign(&visit, 1, 1);
    TAKEN(world_join(&w, &w.c.nodes[CLOUD_3]));
    TAKEN(case_world_rekey(&w, HOSPITAL_1, "hospital-1 once more"));
    static const int tail[] = {3};
    TAKEN(world_post_amend(&w, &visit, tail, 1)); /* under another key than the ticket */
    sign(&visit, 2, 2);
    TAKEN(case_world_rekey(&w, CLOUD_1, "cloud-1 anew"));
    TAKEN(world_post_seal(&w, &visit));
    holds_now(&visit);
    assert_int_equal(report.sets, 5);
    TAKEN(world_leave(&w, 3)); /* cloud-2, which confirmed */
    TAKEN(case_world_rekey(&w, HOSPITAL_1, "hospital-1 for good"));
    holds_now(&visit);
    assert_int_equal(report.sets, 7);
    assert_int_equal(report.set->number, 7);
    world_visit_free(&visit);
}

static void a_cloud_that_left(void **state)
{
    (void)state;
    world_visit visit;
    bcemr_tr_case record_case;
    bcemr_tr_e_seal seal;
    uint8_t bitmap[4];
    world_visit_make(&w, 1, 1, &visit);
    visit.v.u = 2;
    TAKEN(world_post_admit(&w, &visit));
    sign(&visit, 1, 1);
    TAKEN(world_leave(&w, 3));
    world_case(&w, &visit, &record_case);
    world_seal(&w, &visit, &record_case, 3, &seal, bitmap);
    TAKEN(world_post(&w, &bcemr_type_e_seal, &seal, NULL, 0));
    holds_now(&visit);
    world_visit_free(&visit);
}

static void parameters_that_changed(void **state)
{
    (void)state;
    world_visit visit;
    TAKEN(case_world_upgrade(&w, 2, ledger_chain_height(w.chain) + 2, 7, 60000));
    world_visit_make(&w, 1, 2, &visit);
    visit.v.reissues = 7;
    TAKEN(world_post_admit(&w, &visit));
    TAKEN(case_world_upgrade(&w, 3, ledger_chain_height(w.chain) + 3, 5, 3000));
    sign(&visit, 1, 2);
    TAKEN(case_world_upgrade(&w, 4, ledger_chain_height(w.chain) + 90, 9, 1)); /* far ahead */
    TAKEN(world_post_seal(&w, &visit));
    holds_now(&visit);
    assert_int_equal(report.upgrades, 3);
    assert_int_equal(report.log->diagnoses[0].clock_difference, 60000);
    assert_int_equal(report.log->diagnoses[1].clock_difference, 3000);
    TAKEN(case_world_upgrade(&w, 5, ledger_chain_height(w.chain) + 91, 9, 1));
    holds_now(&visit);
    assert_int_equal(report.upgrades, 3); /* what came after the Seal is not the file's */
    world_visit_free(&visit);
}

static void doctors_with_new_keys(void **state)
{
    (void)state;
    world_visit before, after;
    world_sealed_visit(&w, 1, 2, &before);
    case_world_checkpoint(&w);
    const consortium_doctor old = w.c.doctors[0];
    TAKEN(case_world_enrol_again(&w, 0, "doctor-1 anew", BCEMR_NOWHERE));
    TAKEN(world_retire(&w, 1));
    TAKEN(case_world_enrol_again(&w, 1, "doctor-2 anew", CLOUD_1));
    world_sealed_visit(&w, 2, 2, &after);
    holds_now(&after);
    /* What they signed before stays what it was. */
    const consortium_doctor now[2] = {w.c.doctors[0], w.c.doctors[1]};
    w.c.doctors[0] = old;
    consortium_keys("doctor-2", &w.c.doctors[1].keys, &w.c.doctors[1].publics);
    holds_now(&before);
    w.c.doctors[0] = now[0];
    w.c.doctors[1] = now[1];
    world_visit_free(&before);
    world_visit_free(&after);
}

static bcemr_status make(const bcemr_hash *vid)
{
    return case_world_make(&w, vid, &file, &why);
}

static void not_made(void **state)
{
    (void)state;
    world_visit visit;
    bcemr_hash other = {{7}};
    admit(&visit, 1, 1);
    REFUSED(BCEMR_NOT_ADMITTED, make(&other));
    REFUSED(BCEMR_NOT_SEALED, make(&visit.vid));
    sign(&visit, 1, 1);
    REFUSED(BCEMR_NOT_SEALED, make(&visit.vid));
    TAKEN(world_post_seal(&w, &visit));
    REFUSED(BCEMR_NOT_SEALED, make(&visit.vid)); /* nothing is cosigned */
    case_world_checkpoint(&w);
    OK(make(&visit.vid));
    world_visit_free(&visit);
    world_sealed_visit(&w, 2, 1, &visit);
    REFUSED(BCEMR_NOT_SEALED, make(&visit.vid)); /* the checkpoint is older */
    assert_string_equal(why.object, "checkpoint");
    case_world_checkpoint(&w);
    OK(make(&visit.vid));
    assert_int_not_equal(file.n, 0);
    world_visit_free(&visit);
    world_visit_make(&w, 3, 1, &visit);
    TAKEN(world_post_admit(&w, &visit));
    TAKEN(world_post_abort(&w, &visit));
    case_world_checkpoint(&w);
    REFUSED(BCEMR_NOT_SEALED, make(&visit.vid));
    world_visit_free(&visit);
}

static void memory_runs_out(void **state)
{
    (void)state;
    world_visit visit;
    TAKEN(world_join(&w, &w.c.nodes[HOSPITAL_3]));
    TAKEN(case_world_upgrade(&w, 2, ledger_chain_height(w.chain) + 2, CONSORTIUM_REISSUES, 60000));
    admit(&visit, 1, 2);
    sign(&visit, 1, 1);
    TAKEN(world_post_reissue(&w, &visit, 1, 0));
    TAKEN(world_post_sign(&w, &visit, 1, 1));
    sign(&visit, 2, 2);
    TAKEN(world_post_seal(&w, &visit));
    case_world_checkpoint(&w);
    EVERY_ALLOCATION(make(&visit.vid));
    EVERY_ALLOCATION(case_world_check(w.c.context, bcemr_buf_span(&w.c.signed_genesis),
                                      bcemr_buf_span(&file), &report, &why));
    assert_int_equal(report.step, BCEMR_CASE_HOLDS);
    world_visit_free(&visit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_doctor_to_four),      TEST(visits_beside_each_other),
        TEST(an_order_that_changed),   TEST(diagnoses_asked_for_again),
        TEST(askers_who_did_not_sign), TEST(sets_that_changed),
        TEST(a_cloud_that_left),       TEST(parameters_that_changed),
        TEST(doctors_with_new_keys),   TEST(not_made),
        TEST(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
