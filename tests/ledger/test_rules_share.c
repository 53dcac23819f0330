/* SPDX-License-Identifier: Apache-2.0 */
/* Consent, Revoke, Access, Erase. */
#include "rules_test.h"

static uint32_t post_consent(world *w, const bcemr_tr_e_consent *consent, int cloud)
{
    return world_post_by(w, &bcemr_type_e_consent, consent, cloud);
}

static uint32_t post_revoke(world *w, uint64_t number)
{
    bcemr_tr_e_revoke revoke;
    world_revoke(w, number, &revoke);
    return world_post(w, &bcemr_type_e_revoke, &revoke, NULL, 0);
}

static void consent_taken_once_a_cloud(void **state)
{
    world *w = *state;
    bcemr_tr_e_consent one, other;
    world_consent(w, 1, CLOUD_1, &one);
    TAKEN(post_consent(w, &one, CLOUD_1));
    REFUSED(w, CONSENT_REVOKER_USED, post_consent(w, &one, CLOUD_1));
    /* The same grant at another cloud is in order. */
    world_consent(w, 1, CLOUD_2, &other);
    TAKEN(post_consent(w, &other, CLOUD_2));
    /* Another R for the same cm at the same cloud is not. */
    world_consent(w, 2, CLOUD_1, &other);
    other.cm = one.cm;
    bcemr_ed_secret secret;
    world_grant_key(2, &secret, &other.revoker);
    const bcemr_tr_consent_post post = {w->c.ledger, other.cloud, other.cm, other.latest};
    must(bcemr_ed_sign_value(&secret, &bcemr_type_consent_post, &post, &other.signature, NULL));
    REFUSED(w, CONSENT_CM_USED, post_consent(w, &other, CLOUD_1));
}

static void consent_late(void **state)
{
    world *w = *state;
    bcemr_tr_e_consent consent;
    world_consent(w, 1, CLOUD_1, &consent);
    w->clock = consent.latest;
    REFUSED(w, CONSENT_LATE, post_consent(w, &consent, CLOUD_1));
    world_consent(w, 2, CLOUD_1, &consent);
    w->clock = consent.latest - 1000; /* the block's time is exactly the latest */
    TAKEN(post_consent(w, &consent, CLOUD_1));
}

static void consent_after_revocation(void **state)
{
    world *w = *state;
    bcemr_tr_e_consent consent;
    TAKEN(post_revoke(w, 1));
    world_consent(w, 1, CLOUD_1, &consent);
    REFUSED(w, CONSENT_REVOKED, post_consent(w, &consent, CLOUD_1));
}

/* For one cloud, posted by another; under another R; with another time. */
static void consent_post_signature(void **state)
{
    world *w = *state;
    bcemr_tr_e_consent consent;
    world_consent(w, 1, CLOUD_1, &consent);
    consent.cloud = bcemr_text("cloud-2");
    REFUSED(w, CONSENT_POST_SIGNATURE, post_consent(w, &consent, CLOUD_2));
    bcemr_ed_secret secret;
    world_consent(w, 1, CLOUD_1, &consent);
    world_grant_key(2, &secret, &consent.revoker);
    REFUSED(w, CONSENT_POST_SIGNATURE, post_consent(w, &consent, CLOUD_1));
    world_consent(w, 1, CLOUD_1, &consent);
    consent.latest++;
    REFUSED(w, CONSENT_POST_SIGNATURE, post_consent(w, &consent, CLOUD_1));
    /* A small-order R has signatures that anyone can make. */
    world_consent(w, 1, CLOUD_1, &consent);
    memset(&consent.revoker, 0, sizeof consent.revoker);
    consent.revoker.b[0] = 1;
    memset(&consent.signature, 0, sizeof consent.signature);
    consent.signature.b[0] = 1;
    REFUSED(w, KEY_ENCODING, post_consent(w, &consent, CLOUD_1));
}

static void not_a_cloud(void **state)
{
    world *w = *state;
    bcemr_tr_e_consent consent;
    bcemr_tr_e_access access_entry;
    world_consent(w, 1, CLOUD_3, &consent);
    REFUSED(w, NOT_A_CLOUD, post_consent(w, &consent, CLOUD_3));
    world_access(w, 1, CLOUD_3, &access_entry);
    REFUSED(w, NOT_A_CLOUD, world_post_by(w, &bcemr_type_e_access, &access_entry, CLOUD_3));
    /* A hospital of the set is no cloud, whatever its row says. */
    world_consent(w, 1, HOSPITAL_1, &consent);
    consortium_row row = world_node_row(w, HOSPITAL_1);
    row.role = "cloud";
    REFUSED(w, NOT_A_CLOUD, world_post(w, &bcemr_type_e_consent, &consent, &row, 1));
    TAKEN(world_join(w, &w->c.nodes[CLOUD_3]));
    world_consent(w, 1, CLOUD_3, &consent);
    TAKEN(post_consent(w, &consent, CLOUD_3));
}

static void revoke(void **state)
{
    world *w = *state;
    bcemr_tr_e_revoke forged;
    bcemr_ed_secret secret;
    world_revoke(w, 1, &forged);
    world_grant_key(2, &secret, &forged.revoker);
    REFUSED(w, REVOKE_SIGNATURE, world_post(w, &bcemr_type_e_revoke, &forged, NULL, 0));
    TAKEN(post_revoke(w, 1));
    REFUSED(w, REVOKED_BEFORE, post_revoke(w, 1));
    uint64_t leaf = 0;
    assert_int_equal(
        ledger_chain_stopped(w->chain, "Revoke", bcemr_span_of(forged.revoker.b, 32), &leaf),
        BCEMR_E_NOT_FOUND);
    world_revoke(w, 1, &forged);
    must(ledger_chain_stopped(w->chain, "Revoke", bcemr_span_of(forged.revoker.b, 32), &leaf));
    assert_int_equal(leaf, ledger_chain_size(w->chain) - 1);
}

static void access_handle(void **state)
{
    world *w = *state;
    bcemr_tr_e_access access_entry;
    world_access(w, 1, CLOUD_1, &access_entry);
    TAKEN(world_post_by(w, &bcemr_type_e_access, &access_entry, CLOUD_1));
    REFUSED(w, ACCESS_HANDLE_USED, world_post_by(w, &bcemr_type_e_access, &access_entry, CLOUD_1));
    world_access(w, 1, CLOUD_2, &access_entry);
    TAKEN(world_post_by(w, &bcemr_type_e_access, &access_entry, CLOUD_2));
}

static uint32_t post_erase(world *w, const world_visit *visit, int cloud, bcemr_asker by)
{
    bcemr_tr_e_erase erase;
    world_erase(w, visit, cloud, by, &erase);
    return world_post_by(w, &bcemr_type_e_erase, &erase, cloud);
}

static void erase_by_patient(void **state)
{
    world *w = *state;
    world_visit visit;
    world_visit_make(w, 0, 1, &visit);
    TAKEN(world_post_admit(w, &visit));
    REFUSED(w, CASE_UNKNOWN, post_erase(w, &visit, CLOUD_1, BCEMR_asker_PATIENT));
    TAKEN(world_post_sign(w, &visit, 1, 0));
    TAKEN(world_post_seal(w, &visit));
    REFUSED(w, ERASE_ASKER, post_erase(w, &visit, CLOUD_1, BCEMR_asker_NOBODY));
    bcemr_tr_e_erase erase;
    world_erase(w, &visit, CLOUD_1, BCEMR_asker_PATIENT, &erase);
    erase.signature.b[5] ^= 1;
    REFUSED(w, ERASE_SIGNATURE, world_post_by(w, &bcemr_type_e_erase, &erase, CLOUD_1));
    TAKEN(post_erase(w, &visit, CLOUD_1, BCEMR_asker_PATIENT));
    REFUSED(w, ERASED_BEFORE, post_erase(w, &visit, CLOUD_1, BCEMR_asker_PATIENT));
    TAKEN(post_erase(w, &visit, CLOUD_2, BCEMR_asker_PATIENT));
    world_visit_free(&visit);
}

static void erase_by_hospital(void **state)
{
    world *w = *state;
    world_visit visit;
    world_sealed_visit(w, 0, 1, &visit);
    int64_t sealed = w->clock;
    w->clock = sealed + CONSORTIUM_RETENTION - 1001;
    REFUSED(w, ERASE_RETENTION, post_erase(w, &visit, CLOUD_1, BCEMR_asker_HOSPITAL));
    w->clock = sealed + CONSORTIUM_RETENTION - 1000;
    TAKEN(post_erase(w, &visit, CLOUD_1, BCEMR_asker_HOSPITAL));
    /* The patient's signature in the hospital's name. */
    bcemr_tr_e_erase erase;
    world_erase(w, &visit, CLOUD_2, BCEMR_asker_PATIENT, &erase);
    erase.by = BCEMR_asker_HOSPITAL;
    REFUSED(w, ERASE_SIGNATURE, world_post_by(w, &bcemr_type_e_erase, &erase, CLOUD_2));
    /* A hospital that has left asks for nothing. */
    TAKEN(world_leave(w, HOSPITAL_1));
    REFUSED(w, NOT_A_HOSPITAL, post_erase(w, &visit, CLOUD_2, BCEMR_asker_HOSPITAL));
    TAKEN(post_erase(w, &visit, CLOUD_2, BCEMR_asker_PATIENT));
    world_visit_free(&visit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(consent_taken_once_a_cloud),
        TEST(consent_late),
        TEST(consent_after_revocation),
        TEST(consent_post_signature),
        TEST(not_a_cloud),
        TEST(revoke),
        TEST(access_handle),
        TEST(erase_by_patient),
        TEST(erase_by_hospital),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
