/* SPDX-License-Identifier: Apache-2.0 */
/* Admit, Amend, Abort. */
#include "rules_test.h"

static uint32_t post_signed_admit(world *w, const bcemr_tr_e_admit *admit)
{
    return world_post(w, &bcemr_type_e_admit, admit, NULL, 0);
}

static void admit(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_visit record;
    bcemr_tr_state_progress progress;
    world_visit_make(w, 0, 3, &visit);
    TAKEN(world_post_admit(w, &visit));
    must(ledger_chain_visit(w->chain, &visit.vid, &held, &record, NULL));
    must(ledger_chain_progress(w->chain, &visit.vid, &progress, NULL));
    assert_int_equal(progress.status, BCEMR_visit_status_OPEN);
    assert_int_equal(progress.signed_count, 0);
    assert_int_equal(record.team.count, 3);
    assert_memory_equal(record.order.b, visit.vid.b, 32);
    REFUSED(w, ADMIT_KNOWN, world_post_admit(w, &visit));
    bcemr_buf_free(&held);
    world_visit_free(&visit);
}

static void admit_fields(void **state)
{
    world *w = *state;
    world_visit visit;
    world_visit_make(w, 0, 2, &visit);
    visit.v.ledger.b[0] ^= 1;
    REFUSED(w, ADMIT_VISIT_LEDGER, world_post_admit(w, &visit));
    visit.v.ledger = w->c.ledger;
    visit.v.hospital = bcemr_text("hospital-3");
    REFUSED(w, NOT_A_HOSPITAL, world_post_admit(w, &visit));
    visit.v.hospital = bcemr_text("cloud-1");
    REFUSED(w, NOT_A_HOSPITAL, world_post_admit(w, &visit));
    visit.v.hospital = bcemr_text("hospital-1");
    visit.v.reissues++;
    REFUSED(w, ADMIT_REISSUES, world_post_admit(w, &visit));
    visit.v.reissues--;
    visit.clouds[1] = bcemr_text("cloud-1");
    REFUSED(w, ADMIT_CLOUDS, world_post_admit(w, &visit));
    visit.clouds[1] = bcemr_text("cloud-3");
    REFUSED(w, ADMIT_CLOUDS, world_post_admit(w, &visit));
    visit.clouds[1] = bcemr_text("hospital-2");
    REFUSED(w, ADMIT_CLOUDS, world_post_admit(w, &visit));
    visit.clouds[1] = bcemr_text("cloud-2");
    visit.v.u = 3;
    REFUSED(w, ADMIT_U, world_post_admit(w, &visit));
    visit.v.u = 2;
    TAKEN(world_post_admit(w, &visit));
    world_visit_free(&visit);
}

/* Another visit under the same pkv, the same Av, or an enrolled key. */
static void admit_keys(void **state)
{
    world *w = *state;
    world_visit visit, other;
    world_visit_make(w, 0, 1, &visit);
    TAKEN(world_post_admit(w, &visit));
    world_visit_make(w, 1, 1, &other);
    other.v.pkv = visit.v.pkv;
    REFUSED(w, ADMIT_KEY_USED, world_post_admit(w, &other));
    other.v.pkv = other.keys.pkv;
    other.v.av = visit.v.av;
    REFUSED(w, ADMIT_KEY_USED, world_post_admit(w, &other));
    other.v.av = w->c.doctors[0].publics.a;
    REFUSED(w, ADMIT_KEY_USED, world_post_admit(w, &other));
    other.v.av = other.keys.av_public;
    TAKEN(world_post_admit(w, &other));
    world_visit_free(&visit);
    world_visit_free(&other);
}

static void admit_team(void **state)
{
    world *w = *state;
    world_visit visit;
    world_visit_make(w, 0, 3, &visit);
    visit.team[2] = world_team(w, 0, visit.team[2].deadline);
    REFUSED(w, TEAM_REPEATED, world_post_admit(w, &visit));
    visit.team[2] = world_team(w, 2, visit.team[1].deadline);
    REFUSED(w, TEAM_DEADLINES, world_post_admit(w, &visit));
    visit.team[2].deadline++;
    int64_t first = visit.team[0].deadline;
    visit.team[0].deadline = world_next(w); /* not ahead of the block */
    REFUSED(w, TEAM_DEADLINES, world_post_admit(w, &visit));
    visit.team[0].deadline = first;
    visit.v.issued = first; /* issued when the first deadline is over */
    REFUSED(w, TEAM_DEADLINES, world_post_admit(w, &visit));
    visit.v.issued = first - 1;
    visit.team[1] = world_team(w, 5, visit.team[1].deadline); /* not enrolled */
    REFUSED(w, TEAM_NOT_ACTIVE, world_post_admit(w, &visit));
    visit.team[1] = world_team(w, 1, visit.team[1].deadline);
    visit.team[1].x = w->c.doctors[2].publics.x;
    REFUSED(w, TEAM_NOT_ACTIVE, world_post_admit(w, &visit));
    visit.team[1].x = w->c.doctors[1].publics.x;
    visit.team[1].e = w->c.doctors[2].publics.e;
    REFUSED(w, TEAM_NOT_ACTIVE, world_post_admit(w, &visit));
    visit.team[1].e = w->c.doctors[1].publics.e;
    TAKEN(world_retire(w, 1));
    REFUSED(w, TEAM_NOT_ACTIVE, world_post_admit(w, &visit));
    world_visit_free(&visit);
}

static void admit_signatures(void **state)
{
    world *w = *state;
    world_visit visit, other;
    bcemr_tr_e_admit e, of_other;
    world_visit_make(w, 0, 1, &visit);
    world_visit_make(w, 1, 1, &other);
    world_admit(w, &visit, &e);
    bcemr_ed_sign(&w->c.nodes[HOSPITAL_2].keys.a, e.visit, &e.signature);
    REFUSED(w, ADMIT_SIGNATURE, post_signed_admit(w, &e));
    world_admit(w, &visit, &e);
    world_admit(w, &other, &of_other);
    e.acceptance = of_other.acceptance; /* accepted another ticket */
    REFUSED(w, ADMIT_ACCEPTANCE, post_signed_admit(w, &e));
    /* A visit opened under another's pkv: everything signed, but xv is not held. */
    visit.v.pkv = other.v.pkv;
    REFUSED(w, ADMIT_PROOF, world_post_admit(w, &visit));
    /* pkv outside the group, or the identity. */
    memset(&visit.v.pkv, 0, sizeof visit.v.pkv);
    visit.v.pkv.b[0] = 0xc0;
    REFUSED(w, KEY_ENCODING, world_post_admit(w, &visit));
    world_visit_free(&visit);
    world_visit_free(&other);
}

/* ---- Amend ---- */

static uint32_t post_amend(world *w, world_visit *visit)
{
    bcemr_tr_e_amend e;
    world_amend_sign(w, visit, &e);
    return world_post(w, &bcemr_type_e_amend, &e, NULL, 0);
}

static void open_visit(world *w, world_visit *visit, uint64_t count, uint64_t signed_count)
{
    world_visit_make(w, 0, count, visit);
    TAKEN(world_post_admit(w, visit));
    for (uint64_t i = 1; i <= signed_count; i++)
        TAKEN(world_post_sign(w, visit, i, 0));
}

static void amend(void **state)
{
    world *w = *state;
    world_visit visit;
    open_visit(w, &visit, 2, 1);
    /* Another doctor for the second place, then one more after the last who signed. */
    TAKEN(world_post_amend(w, &visit, (const int[]){2}, 1));
    TAKEN(world_post_sign(w, &visit, 2, 0));
    TAKEN(world_post_amend(w, &visit, (const int[]){3}, 1));
    TAKEN(world_post_sign(w, &visit, 3, 0));
    TAKEN(world_post_seal(w, &visit));
    world_visit_free(&visit);
}

static void amend_chain(void **state)
{
    world *w = *state;
    world_visit visit;
    static const int third[] = {2};
    open_visit(w, &visit, 2, 1);
    world_amend(w, &visit, third, 1);
    visit.amend.vid.b[0] ^= 1;
    REFUSED(w, VISIT_UNKNOWN, post_amend(w, &visit));
    world_amend(w, &visit, third, 1);
    visit.amend.number = 2;
    REFUSED(w, AMEND_NUMBER, post_amend(w, &visit));
    world_amend(w, &visit, third, 1);
    visit.amend.previous.b[0] ^= 1;
    REFUSED(w, AMEND_PREVIOUS, post_amend(w, &visit));
    world_amend(w, &visit, third, 1);
    visit.amend.signed_count = 0;
    REFUSED(w, AMEND_SIGNED, post_amend(w, &visit));
    world_amend(w, &visit, third, 1);
    bcemr_tr_e_amend e;
    world_amend_sign(w, &visit, &e);
    TAKEN(world_post(w, &bcemr_type_e_amend, &e, NULL, 0));
    REFUSED(w, AMEND_NUMBER, world_post(w, &bcemr_type_e_amend, &e, NULL, 0)); /* replayed */
    world_visit_free(&visit);
}

static void amend_team(void **state)
{
    world *w = *state;
    world_visit visit;
    open_visit(w, &visit, 2, 1);
    world_amend(w, &visit, (const int[]){0}, 1); /* the one who has signed */
    REFUSED(w, TEAM_REPEATED, post_amend(w, &visit));
    world_amend(w, &visit, (const int[]){2, 3}, 2);
    visit.tail[1].deadline = visit.tail[0].deadline;
    REFUSED(w, TEAM_DEADLINES, post_amend(w, &visit));
    world_amend(w, &visit, (const int[]){2, 3}, 2);
    visit.tail[0].deadline = w->clock;
    REFUSED(w, TEAM_DEADLINES, post_amend(w, &visit));
    world_amend(w, &visit, (const int[]){5}, 1);
    REFUSED(w, TEAM_NOT_ACTIVE, post_amend(w, &visit));
    /* Who has signed is not looked at again: retired since, and the amendment is taken. */
    TAKEN(world_retire(w, 0));
    TAKEN(world_post_amend(w, &visit, (const int[]){2}, 1));
    world_visit_free(&visit);
}

static void amend_too_many(void **state)
{
    world *w = *state;
    world_visit visit;
    static bcemr_tr_team_doctor tail[64];
    open_visit(w, &visit, 2, 1);
    world_amend(w, &visit, (const int[]){2}, 1);
    for (int i = 0; i < 64; i++)
        tail[i] = world_team(w, 2, w->clock + WORLD_HOUR + i);
    visit.amend.tail = BCEMR_LIST_OF(tail, 64);
    REFUSED(w, AMEND_TOO_MANY, post_amend(w, &visit));
    visit.amend.tail = BCEMR_LIST_OF(tail, 63);
    REFUSED(w, TEAM_REPEATED, post_amend(w, &visit));
    world_visit_free(&visit);
}

static void amend_by_whom_and_when(void **state)
{
    world *w = *state;
    world_visit visit, sealed;
    bcemr_tr_e_amend e;
    open_visit(w, &visit, 2, 1);
    world_amend(w, &visit, (const int[]){2}, 1);
    world_amend_sign(w, &visit, &e);
    bcemr_ed_sign(&w->c.nodes[HOSPITAL_2].keys.a, e.amend, &e.signature);
    REFUSED(w, AMEND_SIGNATURE, world_post(w, &bcemr_type_e_amend, &e, NULL, 0));
    world_sealed_visit(w, 1, 1, &sealed);
    world_amend(w, &sealed, (const int[]){2}, 1);
    REFUSED(w, VISIT_NOT_OPEN, post_amend(w, &sealed));
    TAKEN(world_leave(w, HOSPITAL_1));
    world_amend(w, &visit, (const int[]){2}, 1);
    REFUSED(w, NOT_A_HOSPITAL, post_amend(w, &visit));
    world_visit_free(&visit);
    world_visit_free(&sealed);
}

/* ---- Abort ---- */

static void abort_visit(void **state)
{
    world *w = *state;
    world_visit visit;
    open_visit(w, &visit, 2, 1);
    const bcemr_tr_e_abort e = {w->c.ledger, visit.vid, BCEMR_abort_reason_FAULT};
    REFUSED(w, SIGNER_ROWS, world_post_by(w, &bcemr_type_e_abort, &e, HOSPITAL_2));
    REFUSED(w, SIGNER_ROWS, world_post_by(w, &bcemr_type_e_abort, &e, CLOUD_1));
    consortium_row row = world_node_row(w, HOSPITAL_1);
    row.by = &w->c.nodes[HOSPITAL_2].keys;
    REFUSED(w, SUPERNODE_SIGNATURE, world_post(w, &bcemr_type_e_abort, &e, &row, 1));
    TAKEN(world_post_abort(w, &visit));
    REFUSED(w, VISIT_NOT_OPEN, world_post_abort(w, &visit));
    REFUSED(w, VISIT_NOT_OPEN, world_post_sign(w, &visit, 2, 0));
    visit.vid.b[0] ^= 1;
    REFUSED(w, VISIT_UNKNOWN, world_post_abort(w, &visit));
    world_visit_free(&visit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(admit),
        TEST(admit_fields),
        TEST(admit_keys),
        TEST(admit_team),
        TEST(admit_signatures),
        TEST(amend),
        TEST(amend_chain),
        TEST(amend_team),
        TEST(amend_too_many),
        TEST(abort_visit),
        TEST(amend_by_whom_and_when),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
