/* SPDX-License-Identifier: Apache-2.0 */
/* Sign, Reissue. */
#include "rules_test.h"

static uint32_t post_sign(world *w, const bcemr_tr_e_sign *sign)
{
    return world_post(w, &bcemr_type_e_sign, sign, NULL, 0);
}

static void open_visit(world *w, world_visit *visit, uint64_t count, uint64_t signed_count)
{
    world_visit_make(w, 0, count, visit);
    TAKEN(world_post_admit(w, visit));
    for (uint64_t i = 1; i <= signed_count; i++)
        TAKEN(world_post_sign(w, visit, i, 0));
}

static void in_order(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_sign record;
    bcemr_hash before;
    open_visit(w, &visit, 3, 0);
    REFUSED(w, SIGN_PLACE, world_post_sign(w, &visit, 2, 0)); /* the first has not signed */
    TAKEN(world_post_sign(w, &visit, 1, 0));
    must(ledger_chain_sign(w->chain, &visit.vid, 1, &held, &record, NULL));
    before = record.hash;
    TAKEN(world_post_sign(w, &visit, 2, 0));
    must(ledger_chain_sign(w->chain, &visit.vid, 2, &held, &record, NULL));
    bcemr_tr_sign context;
    must(bcemr_read_sign(record.context, &context, NULL));
    assert_memory_equal(context.previous.b, before.b, 32);
    REFUSED(w, SIGNED_AFTER, world_post_sign(w, &visit, 1, 1));
    REFUSED(w, SIGN_NOT_ASKED, world_post_sign(w, &visit, 2, 1));
    TAKEN(world_post_sign(w, &visit, 3, 0));
    bcemr_tr_e_sign sign;
    world_sign(w, &visit, 3, 0, &sign);
    sign.i = 4;
    REFUSED(w, SIGN_PLACE, post_sign(w, &sign)); /* the order has no fourth */
    bcemr_buf_free(&held);
    world_visit_free(&visit);
}

static void fields(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_e_sign sign;
    open_visit(w, &visit, 2, 0);
    world_sign(w, &visit, 1, 0, &sign);
    sign.vid.b[0] ^= 1;
    REFUSED(w, VISIT_UNKNOWN, post_sign(w, &sign));
    world_sign(w, &visit, 1, 0, &sign);
    sign.a = 1;
    REFUSED(w, SIGN_ORDER_IN_FORCE, post_sign(w, &sign));
    world_sign(w, &visit, 1, 0, &sign);
    sign.k = 1;
    world_sign_again(w, &visit, &sign);
    REFUSED(w, SIGN_VERSION, post_sign(w, &sign));
    world_sign(w, &visit, 1, 0, &sign);
    sign.svk = bcemr_span_of(visit.svk.b, 32); /* not the last */
    world_sign_again(w, &visit, &sign);
    REFUSED(w, SIGN_SVK, post_sign(w, &sign));
    TAKEN(world_post_sign(w, &visit, 1, 0));
    world_sign(w, &visit, 2, 0, &sign);
    sign.svk = (bcemr_span){0};
    world_sign_again(w, &visit, &sign);
    REFUSED(w, SIGN_SVK, post_sign(w, &sign));
    static const uint8_t small[32] = {1};
    sign.svk = bcemr_span_of(small, 32);
    world_sign_again(w, &visit, &sign);
    REFUSED(w, KEY_ENCODING, post_sign(w, &sign));
    world_visit_free(&visit);
}

/* The order in force is in what is signed: one that was signed before the amendment is worth
 * nothing after it, whatever number stands beside it. */
static void order_in_force(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_e_sign sign;
    open_visit(w, &visit, 2, 0);
    world_sign(w, &visit, 1, 0, &sign);
    TAKEN(world_post_amend(w, &visit, (const int[]){0, 2}, 2));
    REFUSED(w, SIGN_ORDER_IN_FORCE, post_sign(w, &sign));
    sign.a = 1;
    REFUSED(w, SIGN_DELTA, post_sign(w, &sign));
    world_visit_free(&visit);
}

static void clock_rule(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_e_sign sign;
    open_visit(w, &visit, 2, 0);
    world_sign(w, &visit, 1, 0, &sign);
    sign.time = world_next(w) + CONSORTIUM_CLOCK_DIFFERENCE + 1;
    world_sign_again(w, &visit, &sign);
    REFUSED(w, SIGN_CLOCK, post_sign(w, &sign));
    sign.time = world_next(w) - CONSORTIUM_CLOCK_DIFFERENCE - 1; /* backdated */
    world_sign_again(w, &visit, &sign);
    REFUSED(w, SIGN_CLOCK, post_sign(w, &sign));
    sign.time = world_next(w) + CONSORTIUM_CLOCK_DIFFERENCE;
    world_sign_again(w, &visit, &sign);
    TAKEN(post_sign(w, &sign));
    /* The next one must be later than the one before, although that ran ahead. */
    bcemr_tr_e_sign next;
    world_sign(w, &visit, 2, 0, &next);
    REFUSED(w, SIGN_TIME_ORDER, post_sign(w, &next));
    next.time = sign.time;
    world_sign_again(w, &visit, &next);
    REFUSED(w, SIGN_TIME_ORDER, post_sign(w, &next));
    next.time = sign.time + 1;
    world_sign_again(w, &visit, &next);
    TAKEN(post_sign(w, &next));
    world_visit_free(&visit);
}

static void deadline(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_e_sign sign;
    open_visit(w, &visit, 1, 0);
    w->clock = visit.team[0].deadline;
    world_sign(w, &visit, 1, 0, &sign);
    REFUSED(w, SIGN_DEADLINE, post_sign(w, &sign));
    sign.time = visit.team[0].deadline; /* in time by the doctor's clock */
    world_sign_again(w, &visit, &sign);
    TAKEN(post_sign(w, &sign));
    world_visit_free(&visit);
}

static void enrolment(void **state)
{
    world *w = *state;
    world_visit visit;
    open_visit(w, &visit, 2, 0);
    TAKEN(world_retire(w, 0));
    REFUSED(w, SIGN_ENROLMENT, world_post_sign(w, &visit, 1, 0));
    world_visit_free(&visit);
}

/* A new key set counts from its position on: the order names the old one. */
static void enrolment_replaced(void **state)
{
    world *w = *state;
    world_visit visit;
    consortium_doctor d = {.id = "doctor-1"};
    consortium_enrolment e;
    open_visit(w, &visit, 2, 0);
    consortium_keys("doctor-1 anew", &d.keys, &d.publics);
    consortium_enrol(&w->c, &d, "hospital-1", 0, WORLD_START + 1000 * WORLD_HOUR, &e);
    const consortium_row rows[] = {world_node_row(w, HOSPITAL_1), world_doctor_row(w, 0)};
    TAKEN(world_post(w, &bcemr_type_e_enrol, &e.entry, rows, 2));
    REFUSED(w, SIGN_ENROLMENT, world_post_sign(w, &visit, 1, 0));
    w->c.doctors[0].keys = d.keys;
    w->c.doctors[0].publics = d.publics;
    TAKEN(world_post_amend(w, &visit, (const int[]){0, 1}, 2));
    TAKEN(world_post_sign(w, &visit, 1, 0));
    bcemr_buf_free(&e.pops);
    world_visit_free(&visit);
}

static void validity(void **state)
{
    world *w = *state;
    world_visit visit;
    consortium_enrolment e;
    consortium_row row = world_node_row(w, HOSPITAL_1);
    consortium_enrol(&w->c, &w->c.doctors[4], "hospital-1", WORLD_START + 60000,
                     WORLD_START + 120000, &e);
    TAKEN(world_post(w, &bcemr_type_e_enrol, &e.entry, &row, 1));
    bcemr_buf_free(&e.pops);
    world_visit_make(w, 0, 1, &visit);
    visit.doctors[0] = 4;
    visit.team[0] = world_team(w, 4, w->clock + WORLD_HOUR);
    TAKEN(world_post_admit(w, &visit));
    w->clock = WORLD_START + 58999;
    REFUSED(w, SIGN_VALIDITY, world_post_sign(w, &visit, 1, 0));
    w->clock = WORLD_START + 119001;
    REFUSED(w, SIGN_VALIDITY, world_post_sign(w, &visit, 1, 0));
    w->clock = WORLD_START + 119000;
    TAKEN(world_post_sign(w, &visit, 1, 0));
    world_visit_free(&visit);
}

/* Another's signature, of another place, chained to something else, or the identity. */
static void delta(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_e_sign sign, first;
    open_visit(w, &visit, 2, 0);
    world_sign(w, &visit, 1, 0, &first);
    visit.doctors[0] = 1;
    world_sign(w, &visit, 1, 0, &sign);
    REFUSED(w, SIGN_DELTA, post_sign(w, &sign));
    visit.doctors[0] = 0;
    sign = first;
    sign.commitment.b[0] ^= 1;
    REFUSED(w, SIGN_DELTA, post_sign(w, &sign));
    memset(&sign.delta, 0, sizeof sign.delta);
    sign.delta.b[0] = 0xc0;
    REFUSED(w, SIGN_DELTA, post_sign(w, &sign));
    TAKEN(world_post_sign(w, &visit, 1, 0));
    first.i = 2;
    first.svk = bcemr_span_of(visit.svk.b, 32);
    first.time = world_next(w);
    REFUSED(w, SIGN_DELTA, post_sign(w, &first));
    world_visit_free(&visit);
}

/* ---- Reissue ---- */

static void reissue(void **state)
{
    world *w = *state;
    world_visit visit;
    open_visit(w, &visit, 2, 0);
    REFUSED(w, REISSUE_PLACE, world_post_reissue(w, &visit, 1, 0)); /* nobody has signed */
    TAKEN(world_post_sign(w, &visit, 1, 0));
    REFUSED(w, REISSUE_VERSION, world_post_reissue(w, &visit, 1, 1));
    TAKEN(world_post_reissue(w, &visit, 1, 0));
    REFUSED(w, REISSUE_PENDING, world_post_reissue(w, &visit, 1, 0));
    REFUSED(w, SIGN_VERSION, world_post_sign(w, &visit, 1, 0));
    REFUSED(w, SIGN_VERSION, world_post_sign(w, &visit, 1, 2));
    TAKEN(world_post_sign(w, &visit, 1, 1));
    REFUSED(w, SIGN_NOT_ASKED, world_post_sign(w, &visit, 1, 2));
    REFUSED(w, REISSUE_VERSION, world_post_reissue(w, &visit, 1, 0));
    TAKEN(world_post_reissue(w, &visit, 1, 1));
    TAKEN(world_post_sign(w, &visit, 1, 2));
    REFUSED(w, REISSUE_LIMIT, world_post_reissue(w, &visit, 1, 2)); /* N = 2 */
    TAKEN(world_post_sign(w, &visit, 2, 0));
    REFUSED(w, REISSUE_PLACE, world_post_reissue(w, &visit, 1, 2)); /* the next has signed */
    /* For the last one the hospital asks. */
    const bcemr_tr_e_reissue e = {w->c.ledger, visit.vid, 2, 0, BCEMR_reissue_reason_OTHER};
    const consortium_row doctor = world_doctor_row(w, 0);
    REFUSED(w, REISSUE_ASKER, world_post(w, &bcemr_type_e_reissue, &e, &doctor, 1));
    TAKEN(world_post_reissue(w, &visit, 2, 0));
    REFUSED(w, SEAL_REISSUE_PENDING, world_post_seal(w, &visit));
    TAKEN(world_post_sign(w, &visit, 2, 1));
    TAKEN(world_post_seal(w, &visit));
    world_visit_free(&visit);
}

static void reissue_cancelled(void **state)
{
    world *w = *state;
    world_visit visit;
    open_visit(w, &visit, 2, 1);
    TAKEN(world_post_reissue(w, &visit, 1, 0));
    TAKEN(world_post_sign(w, &visit, 2, 0));
    REFUSED(w, SIGNED_AFTER, world_post_sign(w, &visit, 1, 1));
    TAKEN(world_post_seal(w, &visit));
    world_visit_free(&visit);
}

/* The last doctor vanished while asked again: the order goes on after them. */
static void reissue_unanswered(void **state)
{
    world *w = *state;
    world_visit visit;
    open_visit(w, &visit, 1, 1);
    TAKEN(world_post_reissue(w, &visit, 1, 0));
    TAKEN(world_post_amend(w, &visit, (const int[]){2}, 1));
    TAKEN(world_post_sign(w, &visit, 2, 0));
    TAKEN(world_post_seal(w, &visit));
    world_visit_free(&visit);
}

static void reissue_by_whom_and_when(void **state)
{
    world *w = *state;
    world_visit visit;
    open_visit(w, &visit, 3, 1);
    const bcemr_tr_e_reissue e = {w->c.ledger, visit.vid, 1, 0, BCEMR_reissue_reason_OTHER};
    consortium_row row = world_doctor_row(w, 2);
    REFUSED(w, REISSUE_ASKER, world_post(w, &bcemr_type_e_reissue, &e, &row, 1));
    row = world_node_row(w, HOSPITAL_1);
    REFUSED(w, REISSUE_ASKER, world_post(w, &bcemr_type_e_reissue, &e, &row, 1));
    row = world_doctor_row(w, 1);
    row.by = &w->c.doctors[2].keys;
    REFUSED(w, DOCTOR_SIGNATURE, world_post(w, &bcemr_type_e_reissue, &e, &row, 1));
    w->clock = visit.team[0].deadline;
    REFUSED(w, REISSUE_DEADLINE, world_post_reissue(w, &visit, 1, 0));
    world_visit_free(&visit);
}

static void reissue_asker_retired(void **state)
{
    world *w = *state;
    world_visit visit;
    open_visit(w, &visit, 2, 1);
    TAKEN(world_retire(w, 1));
    REFUSED(w, TEAM_NOT_ACTIVE, world_post_reissue(w, &visit, 1, 0));
    world_visit_free(&visit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(in_order),
        TEST(fields),
        TEST(order_in_force),
        TEST(clock_rule),
        TEST(deadline),
        TEST(enrolment),
        TEST(enrolment_replaced),
        TEST(validity),
        TEST(delta),
        TEST(reissue),
        TEST(reissue_cancelled),
        TEST(reissue_unanswered),
        TEST(reissue_by_whom_and_when),
        TEST(reissue_asker_retired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
