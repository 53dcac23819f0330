/* SPDX-License-Identifier: Apache-2.0 */
/* A member that cosigns on a chain's log, and its Rekeys (section 8). */
#include "rules_test.h"

static bcemr_status sign_with(void *user, const bcemr_tr_checkpoint *checkpoint, bcemr_g1_raw *out,
                              bcemr_error *err)
{
    const bcemr_secrets *keys = user;
    return bcemr_checkpoint_sign(&keys->x, checkpoint, out, err);
}

/* cloud-2 gets the keys of a name; the others vote, its old A signs by old (NULL: lost). */
static uint32_t rekey(world *w, const char *seed, const bcemr_secrets *old, const char *tls)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    consortium_node_make(&w->renewed, "cloud-2", BCEMR_role_CLOUD, seed);
    if (tls)
        bcemr_sha256(bcemr_text(tls), &w->renewed.row.tls);
    bcemr_tr_e_rekey e = {
        .ledger = w->c.ledger, .place = CLOUD_2, .lost = old ? BCEMR_yes_no_NO : BCEMR_yes_no_YES};
    consortium_row rows[4] = {world_authority(w), world_votes(w, 7), world_pop(&w->renewed),
                              world_node_row(w, CLOUD_2)};
    rows[3].by = old;
    world_set_now(w, &e.number, &e.before);
    e.number++;
    e.member = world_member(&w->renewed.row, &held);
    uint32_t reason = world_post(w, &bcemr_type_e_rekey, &e, rows, old ? 4 : 3);
    bcemr_buf_free(&held);
    return reason;
}

static bcemr_status sign_now(world *w, ledger_cosigner *cosigner)
{
    bcemr_tr_checkpoint checkpoint;
    bcemr_g1_raw signature;
    must(ledger_chain_checkpoint(w->chain, &checkpoint, NULL));
    return ledger_cosigner_sign(cosigner, &checkpoint, w->clock, bcemr_text("hospital-1"),
                                &signature, &w->err);
}

/* The newest checkpoint, by the first three of the set. */
static void cosign(world *w, bcemr_buf *out)
{
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    must(ledger_chain_checkpoint(w->chain, &checkpoint, NULL));
    must(ledger_chain_set_now(w->chain, &set, NULL));
    bcemr_buf_clear(out);
    consortium_cosign(&set, &checkpoint, w->voters, 7, out);
    bcemr_set_free(&set);
}

static void begin(world *w, const char *id, ledger_cosigner *out)
{
    must(
        ledger_cosigner_begin(out, w->chain, bcemr_text(id), sign_with, &w->renewed.keys, 0, NULL));
}

static void waits_after_its_own_rekey(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner, restarted;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY, old = BCEMR_BUF_EMPTY;
    begin(w, "cloud-2", &cosigner);
    assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
    cosign(w, &old);
    TAKEN(rekey(w, "cloud-2 lost", NULL, NULL));
    assert_int_equal(sign_now(w, &cosigner), BCEMR_E_STATE);
    begin(w, "cloud-2", &restarted);
    assert_int_equal(sign_now(w, &restarted), BCEMR_E_STATE);
    /* What an earlier set signed does not do. */
    assert_int_equal(ledger_cosigner_resume(&restarted, bcemr_buf_span(&old), &w->err),
                     BCEMR_E_REFUSED);
    assert_int_equal(w->err.verdict, BCEMR_BAD_SET);
    assert_int_equal(sign_now(w, &restarted), BCEMR_E_STATE);
    cosign(w, &cosigned);
    must(ledger_cosigner_resume(&restarted, bcemr_buf_span(&cosigned), NULL));
    assert_int_equal(sign_now(w, &restarted), BCEMR_OK);
    /* Kept keys or not: a Rekey is a Rekey. */
    const bcemr_secrets kept = w->renewed.keys;
    TAKEN(rekey(w, "cloud-2 lost", &kept, "another TLS key"));
    assert_int_equal(sign_now(w, &restarted), BCEMR_E_STATE);
    bcemr_buf_free(&cosigned);
    bcemr_buf_free(&old);
}

static void goes_on_after_those_of_others(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    begin(w, "cloud-1", &cosigner);
    assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
    TAKEN(world_join(w, &w->c.nodes[CLOUD_3]));
    TAKEN(rekey(w, "cloud-2 lost", NULL, NULL));
    assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(waits_after_its_own_rekey),
        TEST(goes_on_after_those_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
