/* SPDX-License-Identifier: Apache-2.0 */
#include "support/case_corrupt.h"

#include "wire/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static world *w;
static world_visit *visit;

static void taken(uint32_t reason, int line)
{
    if (reason == 0)
        return;
    (void)fprintf(stderr, "line %d: refused with %s\n", line, ledger_reason_name(reason));
    abort();
}

#define TAKEN(call) taken((call), __LINE__)
#define ALLOW(reason) bcemr_switch_off_reason(LEDGER_R_##reason)

/* ---- steps, each as it should be ---- */

static void admit(uint64_t doctors)
{
    world_visit_make(w, 1, doctors, visit);
    TAKEN(world_post_admit(w, visit));
}

static void sign(uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++)
        TAKEN(world_post_sign(w, visit, i, 0));
}

static void seal(void)
{
    TAKEN(world_post_seal(w, visit));
}

static void post_sign(const bcemr_tr_e_sign *e)
{
    TAKEN(world_post(w, &bcemr_type_e_sign, e, NULL, 0));
}

/* ---- what the rules refuse ---- */

static void clock_behind(void)
{
    bcemr_tr_e_sign e;
    admit(1);
    world_sign(w, visit, 1, 0, &e);
    e.time -= CONSORTIUM_CLOCK_DIFFERENCE + 1;
    world_sign_again(w, visit, &e);
    ALLOW(SIGN_CLOCK);
    post_sign(&e);
    seal();
}

static void clock_ahead(void)
{
    bcemr_tr_e_sign e;
    admit(1);
    world_sign(w, visit, 1, 0, &e);
    e.time += CONSORTIUM_CLOCK_DIFFERENCE + 1;
    world_sign_again(w, visit, &e);
    ALLOW(SIGN_CLOCK);
    post_sign(&e);
    seal();
}

static void past_deadline(void)
{
    admit(1);
    w->clock += 2 * WORLD_HOUR;
    ALLOW(SIGN_DEADLINE);
    sign(1, 1);
    seal();
}

static void times_do_not_ascend(void)
{
    bcemr_tr_e_sign e;
    admit(2);
    sign(1, 1);
    world_sign(w, visit, 2, 0, &e);
    e.time -= 1000;
    world_sign_again(w, visit, &e);
    ALLOW(SIGN_TIME_ORDER);
    post_sign(&e);
    seal();
}

static void enrol_for(int64_t not_before, int64_t not_after)
{
    consortium_enrolment e;
    consortium_enrol(&w->c, &w->c.doctors[4], "hospital-2", not_before, not_after, &e);
    const consortium_row row = world_node_row(w, HOSPITAL_2);
    TAKEN(world_post(w, &bcemr_type_e_enrol, &e.entry, &row, 1));
    bcemr_buf_free(&e.pops);
}

/* A visit whose first doctor is doctor-5. */
static void admit_five(void)
{
    world_visit_make(w, 1, 1, visit);
    visit->team[0] = world_team(w, 4, w->clock + WORLD_HOUR);
    visit->doctors[0] = 4;
    TAKEN(world_post_admit(w, visit));
}

static void not_valid_yet(void)
{
    enrol_for(w->clock + WORLD_HOUR, w->clock + 2 * WORLD_HOUR);
    admit_five();
    ALLOW(SIGN_VALIDITY);
    sign(1, 1);
    seal();
}

static void no_longer_valid(void)
{
    enrol_for(0, w->clock + 2000);
    admit_five();
    ALLOW(SIGN_VALIDITY);
    sign(1, 1);
    seal();
}

static void foreign_delta(void)
{
    bcemr_tr_e_sign e;
    admit(2);
    sign(1, 1);
    world_sign(w, visit, 2, 0, &e);
    visit->doctors[1] = 0; /* whose key signs for the second */
    world_sign_again(w, visit, &e);
    ALLOW(SIGN_DELTA);
    ALLOW(SEAL_SUM);
    post_sign(&e);
    seal();
}

/* Each is wrong, and their sum is right. */
static void exchanged_deltas(void)
{
    bcemr_tr_e_sign one, other;
    bcemr_g1_raw held;
    admit(3);
    ALLOW(SIGN_DELTA);
    world_sign(w, visit, 1, 0, &one);
    world_sign(w, visit, 2, 0, &other);
    other.time += 1000;
    held = one.delta;
    /* delta 2 is over the context of 1, which does not hold delta 1: so both can be had before. */
    {
        bcemr_tr_e_sign first = one;
        post_sign(&first);
        world_sign_again(w, visit, &other);
    }
    world_end(w);
    world_begin(w, 0);
    world_visit_free(visit);
    admit(3);
    one.delta = other.delta;
    other.delta = held;
    post_sign(&one);
    post_sign(&other);
    sign(3, 3);
    seal();
}

static void superseded_delta(void)
{
    bcemr_tr_e_sign e;
    admit(1);
    world_sign(w, visit, 1, 0, &e);
    visit->doctors[0] = 1;
    world_sign_again(w, visit, &e);
    visit->doctors[0] = 0;
    ALLOW(SIGN_DELTA);
    post_sign(&e);
    bcemr_switch_all_on();
    TAKEN(world_post_reissue(w, visit, 1, 0));
    TAKEN(world_post_sign(w, visit, 1, 1));
    seal();
}

static void admit_with(void (*change)(bcemr_tr_e_admit *, bcemr_tr_acceptance *))
{
    bcemr_tr_e_admit e;
    bcemr_tr_acceptance acceptance;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    world_visit_make(w, 1, 1, visit);
    world_admit(w, visit, &e);
    must(bcemr_read_acceptance(e.acceptance, &acceptance, NULL));
    change(&e, &acceptance);
    must(bcemr_write_acceptance(&acceptance, &held, NULL));
    e.acceptance = bcemr_buf_span(&held);
    TAKEN(world_post(w, &bcemr_type_e_admit, &e, NULL, 0));
    bcemr_buf_free(&held);
    sign(1, 1);
    seal();
}

static void change_ticket(bcemr_tr_e_admit *e, bcemr_tr_acceptance *a)
{
    (void)a;
    e->signature.b[3] ^= 1;
}

static void change_acceptance(bcemr_tr_e_admit *e, bcemr_tr_acceptance *a)
{
    (void)e;
    a->signature.b[3] ^= 1;
}

static void change_proof(bcemr_tr_e_admit *e, bcemr_tr_acceptance *a)
{
    (void)e;
    a->proof.response.b[3] ^= 1;
}

static void ticket_signature(void)
{
    ALLOW(ADMIT_SIGNATURE);
    admit_with(change_ticket);
}

static void acceptance(void)
{
    ALLOW(ADMIT_ACCEPTANCE);
    admit_with(change_acceptance);
}

static void acceptance_proof(void)
{
    ALLOW(ADMIT_PROOF);
    admit_with(change_proof);
}

static void other_limit(void)
{
    world_visit_make(w, 1, 1, visit);
    visit->v.reissues = CONSORTIUM_REISSUES + 1;
    ALLOW(ADMIT_REISSUES);
    TAKEN(world_post_admit(w, visit));
    sign(1, 1);
    seal();
}

static void no_cloud(void)
{
    bcemr_tr_case record_case;
    bcemr_tr_e_seal e;
    uint8_t bitmap[4];
    world_visit_make(w, 1, 1, visit);
    visit->clouds[1] = bcemr_text("cloud-3");
    ALLOW(ADMIT_CLOUDS);
    TAKEN(world_post_admit(w, visit));
    sign(1, 1);
    world_case(w, visit, &record_case);
    world_seal(w, visit, &record_case, 3, &e, bitmap);
    TAKEN(world_post(w, &bcemr_type_e_seal, &e, NULL, 0));
}

static void admitted_late(void)
{
    bcemr_tr_e_sign e;
    world_visit_make(w, 1, 1, visit);
    visit->team[0].deadline = w->clock + 500;
    ALLOW(TEAM_DEADLINES);
    TAKEN(world_post_admit(w, visit));
    world_sign(w, visit, 1, 0, &e);
    e.time = visit->team[0].deadline;
    world_sign_again(w, visit, &e);
    post_sign(&e);
    seal();
}

static void named_before_enrolled(void)
{
    ALLOW(TEAM_NOT_ACTIVE);
    admit_five();
    TAKEN(world_enrol(w, 4, "hospital-2"));
    sign(1, 1);
    seal();
}

static void other_group_key(void)
{
    world_visit_make(w, 1, 1, visit);
    visit->team[0].e = w->c.doctors[1].publics.e;
    ALLOW(TEAM_NOT_ACTIVE);
    TAKEN(world_post_admit(w, visit));
    sign(1, 1);
    seal();
}

static void amendment_signature(void)
{
    bcemr_tr_e_amend e;
    static const int tail[] = {2};
    admit(2);
    sign(1, 1);
    world_amend(w, visit, tail, 1);
    world_amend_sign(w, visit, &e);
    e.signature.b[7] ^= 1;
    ALLOW(AMEND_SIGNATURE);
    TAKEN(world_post(w, &bcemr_type_e_amend, &e, NULL, 0));
    sign(2, 2);
    seal();
}

/* By this doctor's key, in the row of the one who should. */
static void ask(const char *role, int by)
{
    const bcemr_tr_e_reissue e = {w->c.ledger, visit->vid, 1, 0, BCEMR_reissue_reason_OTHER};
    consortium_row row = world_doctor_row(w, 1);
    row.by = by < 0 ? &w->c.nodes[HOSPITAL_1].keys : &w->c.doctors[by].keys;
    row.role = role;
    if (by < 0)
        row.who = bcemr_text("hospital-1");
    TAKEN(world_post(w, &bcemr_type_e_reissue, &e, &row, 1));
    TAKEN(world_post_sign(w, visit, 1, 1));
    TAKEN(world_post_sign(w, visit, 2, 0));
    seal();
}

static void asked_with_other_key(void)
{
    admit(2);
    sign(1, 1);
    ALLOW(DOCTOR_SIGNATURE);
    ask("doctor", 2);
}

/* ---- the seal ---- */

static void seal_with(uint64_t confirmers, bool change, bool other_sigma)
{
    bcemr_tr_case record_case;
    bcemr_tr_e_seal e;
    uint8_t bitmap[4];
    admit(1);
    sign(1, 1);
    world_case(w, visit, &record_case);
    if (other_sigma)
        must(bcemr_bls_sign(&w->c.authority.x, BCEMR_PURPOSE_SIG, bcemr_text("other"),
                            &record_case.sigma));
    world_seal(w, visit, &record_case, confirmers, &e, bitmap);
    if (change)
        must(bcemr_bls_sign(&w->c.authority.x, BCEMR_PURPOSE_SIG, bcemr_text("other"),
                            &e.signature));
    TAKEN(world_post(w, &bcemr_type_e_seal, &e, NULL, 0));
}

static void seal_signature(void)
{
    ALLOW(SEAL_SIGNATURE);
    seal_with(7, true, false);
}

static void hospital_did_not_confirm(void)
{
    ALLOW(SEAL_HOSPITAL);
    ALLOW(SEAL_SIGNATURE);
    seal_with(6, false, false);
}

static void no_cloud_confirmed(void)
{
    ALLOW(SEAL_CLOUDS);
    seal_with(1, false, false);
}

static void other_sigma(void)
{
    ALLOW(SEAL_SIGMA);
    ALLOW(SEAL_SUM);
    seal_with(7, false, true);
}

/* ---- enrolments ---- */

static void enrol_with(void (*change)(consortium_enrolment *), int countersigner)
{
    consortium_enrolment e;
    consortium_enrol(&w->c, &w->c.doctors[4], "hospital-2", 0, w->clock + 100 * WORLD_HOUR, &e);
    if (change)
        change(&e);
    consortium_row row = world_node_row(w, HOSPITAL_2);
    row.by = &w->c.nodes[countersigner].keys;
    TAKEN(world_post(w, &bcemr_type_e_enrol, &e.entry, &row, 1));
    bcemr_buf_free(&e.pops);
    admit_five();
    sign(1, 1);
    seal();
}

static void change_credential(consortium_enrolment *e)
{
    must(bcemr_bls_sign(&w->c.nodes[0].keys.x, BCEMR_PURPOSE_CRED, bcemr_text("mine"),
                        &e->credential));
}

static void change_pop(consortium_enrolment *e)
{
    e->pops.p[60] ^= 1; /* A's half */
}

static void credential(void)
{
    ALLOW(ENROL_CREDENTIAL);
    ALLOW(SEAL_SUM);
    enrol_with(change_credential, HOSPITAL_2);
}

static void possession(void)
{
    ALLOW(ENROL_POP);
    enrol_with(change_pop, HOSPITAL_2);
}

static void countersignature(void)
{
    ALLOW(SUPERNODE_SIGNATURE);
    enrol_with(NULL, HOSPITAL_1);
}

static void validity_backwards(void)
{
    ALLOW(ENROL_VALIDITY);
    ALLOW(SIGN_VALIDITY);
    enrol_for(w->clock + 1000, w->clock);
    admit_five();
    sign(1, 1);
    seal();
}

/* After a Retire a second supernode signs; here with a key that is not its own. */
static void second_supernode(void)
{
    const bcemr_secrets held = w->c.nodes[CLOUD_1].keys;
    TAKEN(world_retire(w, 0));
    w->c.nodes[CLOUD_1].keys = w->c.nodes[CLOUD_2].keys;
    ALLOW(SUPERNODE_SIGNATURE);
    TAKEN(case_world_enrol_again(w, 0, "doctor-1 anew", CLOUD_1));
    w->c.nodes[CLOUD_1].keys = held;
    admit(1);
    sign(1, 1);
    seal();
}

/* ---- sets and parameters ---- */

static void join_with(uint64_t votes, const bcemr_secrets *office, const bcemr_secrets *voter)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    const consortium_node *node = &w->c.nodes[HOSPITAL_3];
    const bcemr_secrets *voters[4];
    bcemr_tr_e_join e = {.ledger = w->c.ledger, .member = world_member(&node->row, &held)};
    world_set_now(w, &e.number, &e.before);
    e.number++;
    memcpy(voters, w->voters, sizeof voters);
    voters[0] = voter;
    consortium_row rows[] = {world_authority(w), world_votes(w, votes), world_pop(node)};
    rows[0].by = office;
    rows[1].voters = voters;
    TAKEN(world_post(w, &bcemr_type_e_join, &e, rows, 3));
    w->voters[w->places++] = &node->keys;
    bcemr_buf_free(&held);
    admit(1);
    sign(1, 1);
    seal();
}

static void too_few_votes(void)
{
    ALLOW(SET_VOTES);
    join_with(3, &w->c.authority, w->voters[0]);
}

static void authority_of_a_join(void)
{
    ALLOW(AUTHORITY_SIGNATURE);
    join_with(15, &w->c.nodes[0].keys, w->voters[0]);
}

static void votes_of_a_join(void)
{
    ALLOW(SET_VOTE_SIGNATURE);
    join_with(15, &w->c.authority, &w->c.nodes[HOSPITAL_4].keys);
}

static void upgrade_with(uint64_t ahead, uint64_t votes, const bcemr_secrets *office,
                         uint64_t number)
{
    bcemr_tr_e_upgrade e = {.ledger = w->c.ledger,
                            .rules = 2,
                            .reissues = CONSORTIUM_REISSUES,
                            .clock_difference = 60000,
                            .retention = CONSORTIUM_RETENTION,
                            .thresholds = bcemr_buf_span(&w->c.thresholds),
                            .quotas = bcemr_buf_span(&w->c.quotas),
                            .height = ledger_chain_height(w->chain) + ahead};
    consortium_row rows[] = {world_authority(w), world_votes(w, votes)};
    rows[0].by = office;
    world_set_now(w, &e.number, &e.set);
    e.number += number;
    TAKEN(world_post(w, &bcemr_type_e_upgrade, &e, rows, 2));
    admit(1);
    sign(1, 1);
    seal();
}

static void authority_of_an_upgrade(void)
{
    ALLOW(AUTHORITY_SIGNATURE);
    upgrade_with(2, 15, &w->c.nodes[0].keys, 0);
}

static void votes_of_an_upgrade(void)
{
    ALLOW(SET_VOTES);
    upgrade_with(2, 3, &w->c.authority, 0);
}

static void upgrade_not_ahead(void)
{
    ALLOW(UPGRADE_HEIGHT);
    upgrade_with(1, 15, &w->c.authority, 0);
}

static void upgrade_of_another_set(void)
{
    ALLOW(SET_NUMBER);
    upgrade_with(2, 15, &w->c.authority, 1);
}

/* ---- the table ---- */

const case_corrupt case_corrupts[] = {
    {"a time behind the clock", clock_behind, BCEMR_CASE_ENTRIES, BCEMR_CLOCK_DIFFERENCE, 0},
    {"a time ahead of the clock", clock_ahead, BCEMR_CASE_ENTRIES, BCEMR_CLOCK_DIFFERENCE, 0},
    {"past the deadline", past_deadline, BCEMR_CASE_VISIT, BCEMR_PAST_DEADLINE, 0},
    {"times do not ascend", times_do_not_ascend, BCEMR_CASE_CASE, BCEMR_TIME_ORDER, 0},
    {"enrolled for later", not_valid_yet, BCEMR_CASE_ENTRIES, BCEMR_NOT_ENROLLED, 0},
    {"enrolled for earlier", no_longer_valid, BCEMR_CASE_ENTRIES, BCEMR_NOT_ENROLLED, 0},
    {"another's delta", foreign_delta, BCEMR_CASE_CASE, BCEMR_BAD_DIAGNOSIS_SIGNATURE,
     BCEMR_BAD_MULTISIGNATURE},
    {"deltas exchanged", exchanged_deltas, BCEMR_CASE_CASE, BCEMR_BAD_DIAGNOSIS_SIGNATURE, 0},
    {"delta of a version asked for again", superseded_delta, BCEMR_CASE_ENTRIES,
     BCEMR_BAD_DIAGNOSIS_SIGNATURE, 0},
    {"the ticket's signature", ticket_signature, BCEMR_CASE_CASE, BCEMR_BAD_TICKET_SIGNATURE, 0},
    {"the acceptance", acceptance, BCEMR_CASE_CASE, BCEMR_BAD_ACCEPTANCE, 0},
    {"the acceptance's proof", acceptance_proof, BCEMR_CASE_CASE, BCEMR_BAD_ACCEPTANCE_PROOF, 0},
    {"another limit on reissues", other_limit, BCEMR_CASE_ENTRIES, BCEMR_BAD_TICKET, 0},
    {"a cloud outside the set", no_cloud, BCEMR_CASE_ENTRIES, BCEMR_BAD_TICKET, 0},
    {"admitted after the deadline", admitted_late, BCEMR_CASE_ENTRIES, BCEMR_BAD_TICKET, 0},
    {"named before enrolled", named_before_enrolled, BCEMR_CASE_ENTRIES, BCEMR_NOT_ENROLLED, 0},
    {"another group key", other_group_key, BCEMR_CASE_ENTRIES, BCEMR_NOT_ENROLLED, 0},
    {"an amendment's signature", amendment_signature, BCEMR_CASE_CASE,
     BCEMR_BAD_AMENDMENT_SIGNATURE, 0},
    {"a reissue by another", asked_with_other_key, BCEMR_CASE_ENTRIES, BCEMR_BAD_ENTRY_SIGNATURE,
     0},
    {"the seal's signature", seal_signature, BCEMR_CASE_CASE, BCEMR_BAD_JOINT_SIGNATURE, 0},
    {"sealed without the hospital", hospital_did_not_confirm, BCEMR_CASE_CASE,
     BCEMR_NOT_ENOUGH_SIGNERS, BCEMR_BAD_JOINT_SIGNATURE},
    {"sealed without a cloud", no_cloud_confirmed, BCEMR_CASE_CASE, BCEMR_NOT_ENOUGH_SIGNERS, 0},
    {"another sigma", other_sigma, BCEMR_CASE_SUM, BCEMR_BAD_MULTISIGNATURE, 0},
    {"a credential", credential, BCEMR_CASE_ENROLMENTS, BCEMR_BAD_CREDENTIAL,
     BCEMR_BAD_MULTISIGNATURE},
    {"a proof of possession", possession, BCEMR_CASE_ENROLMENTS, BCEMR_BAD_POP, 0},
    {"a countersignature", countersignature, BCEMR_CASE_ENROLMENTS, BCEMR_BAD_ENTRY_SIGNATURE, 0},
    {"validity that runs backwards", validity_backwards, BCEMR_CASE_ENROLMENTS, BCEMR_BAD_ENROLMENT,
     BCEMR_NOT_ENROLLED},
    {"a second supernode", second_supernode, BCEMR_CASE_ENROLMENTS, BCEMR_BAD_ENTRY_SIGNATURE, 0},
    {"a join with too few votes", too_few_votes, BCEMR_CASE_SETS, BCEMR_NOT_ENOUGH_SIGNERS, 0},
    {"a join's authority", authority_of_a_join, BCEMR_CASE_SETS, BCEMR_BAD_ENTRY_SIGNATURE, 0},
    {"a join's votes", votes_of_a_join, BCEMR_CASE_SETS, BCEMR_BAD_JOINT_SIGNATURE, 0},
    {"an upgrade's authority", authority_of_an_upgrade, BCEMR_CASE_UPGRADES,
     BCEMR_BAD_ENTRY_SIGNATURE, 0},
    {"an upgrade's votes", votes_of_an_upgrade, BCEMR_CASE_UPGRADES, BCEMR_NOT_ENOUGH_SIGNERS, 0},
    {"an upgrade that is not ahead", upgrade_not_ahead, BCEMR_CASE_UPGRADES, BCEMR_BAD_UPGRADE, 0},
    {"an upgrade of another set", upgrade_of_another_set, BCEMR_CASE_UPGRADES, BCEMR_BAD_SET, 0},
};
const uint64_t case_corrupt_count = sizeof case_corrupts / sizeof case_corrupts[0];

void case_corrupt_play(const case_corrupt *c, world *into, world_visit *of)
{
    w = into;
    visit = of;
    c->play();
    case_world_checkpoint(w);
    bcemr_switch_all_on();
}

void case_corrupt_make(const case_corrupt *c, bcemr_buf *file)
{
    static world mine;
    world_visit its;
    world_begin(&mine, 0);
    case_corrupt_play(c, &mine, &its);
    bcemr_switch_off(c->verdict);
    if (c->also != BCEMR_VALID)
        bcemr_switch_off(c->also);
    must(case_world_make(&mine, &its.vid, file, NULL));
    bcemr_switch_all_on();
    world_visit_free(&its);
    world_end(&mine);
}
