/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the log stays valid: keys and parameters of a leaf's own time judge it (section 2). */
#include "client/client_test.h"

#include "support/clinic.h"

static clinic c;
static consortium_node renewed;
static const bcemr_secrets *voters[CLINIC_NODES];

static int end(void **state)
{
    (void)state;
    clinic_end(&c);
    return 0;
}

static int play_admitted(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_ADMITTED);
    return 0;
}

static int play_joined(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_JOINED);
    return 0;
}

static void everyone_votes(void)
{
    for (int n = 0; n < CLINIC_NODES; n++)
        voters[n] = &c.consortium.nodes[n].keys;
}

/* Signs an entry by authority, votes and whoever else, and posts it. */
static void post(const bcemr_type *type, const void *value, const consortium_row *rows, uint64_t n)
{
    bcemr_buf out = BCEMR_BUF_EMPTY;
    consortium_sign(&c.consortium, type, value, rows, n, &out);
    must(clinic_post(&c, bcemr_buf_span(&out)));
    bcemr_buf_free(&out);
}

/* The hospital's server gets new keys and stays itself. */
static void rekey_hospital(void)
{
    bcemr_buf member = BCEMR_BUF_EMPTY;
    bcemr_set *set = bcemr_allocate(sizeof *set);
    everyone_votes();
    consortium_node_make(&renewed, "hospital-1", BCEMR_role_HOSPITAL, "hospital-1 renewed");
    must(ledger_chain_set_now(c.chain, set, NULL));
    must(bcemr_write_member(&renewed.row, &member, NULL));
    const bcemr_tr_e_rekey e = {c.consortium.ledger,     set->number + 1, set->hash, 0,
                                bcemr_buf_span(&member), BCEMR_yes_no_NO};
    const consortium_row rows[4] = {
        {.role = "authority", .by = &c.consortium.authority},
        {.role = "set", .votes = 0xe, .voters = voters, .places = CLINIC_NODES},
        {.role = "pop", .who = renewed.row.id, .by = &renewed.keys, .member = &renewed.row},
        {.role = "hospital", .who = renewed.row.id, .by = &c.consortium.nodes[0].keys}};
    post(&bcemr_type_e_rekey, &e, rows, COUNT(rows));
    c.nodes[0].local.secrets = &renewed.keys;
    bcemr_set_free(set);
    bcemr_release(set);
    bcemr_buf_free(&member);
}

/* The ticket was signed by the old key, the amendment by the new one; a doctor takes both. */
static void an_amendment_after_a_rekey(void **state)
{
    (void)state;
    bcemr_buf hello = BCEMR_BUF_EMPTY, reply = BCEMR_BUF_EMPTY;
    uint64_t run = 0;
    hospital *h = c.nodes[0].hospital;
    rekey_hospital();
    const hospital_place tail[1] = {{c.doctors[0].id, c.now + 8 * CLINIC_HOUR}};
    must(hospital_amend(h, &c.vid, tail, 1, c.now, NULL));
    bcemr_span entry;
    must(server_memory_outbox_next(c.nodes[0].box, &entry));
    must(clinic_post(&c, entry));
    server_memory_outbox_done(c.nodes[0].box, BCEMR_OK, 0);
    must(bcemr_doctor_visit_new(&c.doctors[0], &c.visits[0]));
    must(hospital_group_hello(h, &c.vid, c.doctors[0].id, c.now, &run, &hello, NULL));
    OK(bcemr_doctor_hello(c.visits[0], bcemr_buf_span(&hello), c.now, &reply, &why));
    bcemr_buf_free(&hello);
    bcemr_buf_free(&reply);
}

/* Everyone signs with the patient's phone 90 s fast, where 120 s are allowed. */
static void sign_with_a_fast_phone(void)
{
    for (uint64_t d = 0; d < CLINIC_TEAM; d++) {
        bcemr_buf sealed = {0}, receipt = {0}, presence = {0};
        bcemr_ed_signature signature;
        bcemr_nonce nonce;
        clinic_prepare(&c, d);
        must(bcemr_doctor_ask_presence(c.visits[d], &nonce, NULL));
        must(bcemr_patient_present(&c.wallet, &c.visit, c.doctors[d].id, &nonce, c.now + 90000,
                                   &presence, NULL));
        must(bcemr_doctor_presence(c.visits[d], bcemr_buf_span(&presence), c.now, NULL));
        clinic_hand_over(&c, d, &sealed);
        must(clinic_take(&c, d, &sealed, &receipt, &signature));
        must(clinic_sign(&c, d, &receipt, &signature));
        bcemr_buf_free(&sealed);
        bcemr_buf_free(&receipt);
        bcemr_buf_free(&presence);
    }
}

static void upgrade_to_30_seconds(void)
{
    bcemr_set *set = bcemr_allocate(sizeof *set);
    everyone_votes();
    must(ledger_chain_set_now(c.chain, set, NULL));
    const bcemr_tr_e_upgrade up = {.ledger = c.consortium.ledger,
                                   .number = set->number,
                                   .set = set->hash,
                                   .rules = 2,
                                   .reissues = 2,
                                   .clock_difference = 30000,
                                   .retention = CONSORTIUM_RETENTION,
                                   .thresholds = c.consortium.genesis.thresholds,
                                   .quotas = c.consortium.genesis.quotas,
                                   .height = ledger_chain_height(c.chain) + 2};
    const consortium_row rows[2] = {
        {.role = "authority", .by = &c.consortium.authority},
        {.role = "set", .votes = 0xf, .voters = voters, .places = CLINIC_NODES}};
    post(&bcemr_type_e_upgrade, &up, rows, COUNT(rows));
    clinic_checkpoint(&c);
    bcemr_set_free(set);
    bcemr_release(set);
}

static void an_old_record_after_an_upgrade(void **state)
{
    (void)state;
    bcemr_opened opened;
    bcemr_ledger_facts facts;
    uint64_t then = 0;
    sign_with_a_fast_phone();
    clinic_to_sealed(&c, CLOUD_1, CLOUD_2);
    uint64_t height = ledger_chain_height(c.chain);
    upgrade_to_30_seconds();
    must(c.view.facts(c.view.user, &facts));
    must(c.view.clock_difference(c.view.user, height, &then));
    assert_int_equal(then, CONSORTIUM_CLOCK_DIFFERENCE);
    assert_int_equal(facts.clock_difference, 30000);
    const bcemr_source payload = bcemr_source_bytes(&c.payload_span);
    OK(bcemr_patient_open(&c.wallet, &c.visit, bcemr_buf_span(&c.header), &payload, NULL, NULL,
                          &opened, &why));
    bcemr_opened_free(&opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_amendment_after_a_rekey, play_admitted, end),
        cmocka_unit_test_setup_teardown(an_old_record_after_an_upgrade, play_joined, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
