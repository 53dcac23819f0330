/* SPDX-License-Identifier: Apache-2.0 */
/* Seal, Confirm, and the case block's header in the log. */
#include "rules_test.h"
#include "wire/fault.h"

static uint32_t post_seal(world *w, world_visit *visit, const bcemr_tr_case *record_case,
                          uint64_t confirmers)
{
    bcemr_tr_e_seal e;
    uint8_t bitmap[4];
    world_seal(w, visit, record_case, confirmers, &e, bitmap);
    return world_post(w, &bcemr_type_e_seal, &e, NULL, 0);
}

static void signed_visit(world *w, world_visit *visit, uint64_t count)
{
    world_visit_make(w, 0, count, visit);
    TAKEN(world_post_admit(w, visit));
    for (uint64_t i = 1; i <= count; i++)
        TAKEN(world_post_sign(w, visit, i, 0));
}

static void seal(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_case c;
    bcemr_buf held = BCEMR_BUF_EMPTY, body = BCEMR_BUF_EMPTY;
    bcemr_tr_state_case record;
    bcemr_tr_case_header header;
    bcemr_list leaves;
    signed_visit(w, &visit, 3);
    world_case(w, &visit, &c);
    TAKEN(post_seal(w, &visit, &c, 3)); /* the hospital and one cloud: u = 1 */
    REFUSED(w, VISIT_NOT_OPEN, post_seal(w, &visit, &c, 7));
    must(ledger_chain_case(w->chain, &visit.vid, &held, &record, NULL));
    assert_int_equal(record.leaf, ledger_chain_size(w->chain) - 2);
    assert_int_equal(record.clouds.count, 1);
    /* The header is the leaf after it, and its body what the ledger serves. */
    must(bcemr_read_case_header(record.header, &header, NULL));
    assert_int_equal(header.height, 0);
    must(ledger_chain_visit_leaves(w->chain, &visit.vid, &body, NULL));
    must(bcemr_read_list(&bcemr_type_leaf, bcemr_buf_span(&body), 1, 1000, &leaves, NULL));
    assert_int_equal(leaves.count, 5);
    assert_int_equal(bcemr_case_block_check(&w->c.ledger, &header, &leaves, NULL, NULL),
                     BCEMR_VALID);
    bcemr_buf_clear(&held);
    must(ledger_chain_leaf(w->chain, ledger_chain_size(w->chain) - 1, &held));
    bcemr_leaf_parts leaf;
    must(bcemr_leaf_read(bcemr_buf_span(&held), &leaf, NULL));
    assert_ptr_equal(leaf.parts.type, &bcemr_type_case_header);
    assert_int_equal(leaf.parts.signers.count, 0);
    bcemr_buf_free(&held);
    bcemr_buf_free(&body);
    world_visit_free(&visit);
}

/* Headers make a chain of their own. */
static void header_chain(void **state)
{
    world *w = *state;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_case record;
    bcemr_tr_case_header header;
    bcemr_hash previous = w->c.ledger;
    for (uint64_t n = 0; n < 3; n++) {
        world_visit visit;
        world_sealed_visit(w, n, 1, &visit);
        must(ledger_chain_case(w->chain, &visit.vid, &held, &record, NULL));
        must(bcemr_read_case_header(record.header, &header, NULL));
        assert_int_equal(header.height, n);
        assert_memory_equal(header.previous.b, previous.b, 32);
        bcemr_sha256(record.header, &previous);
        world_visit_free(&visit);
    }
    bcemr_buf_free(&held);
}

static void not_complete(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_case c;
    world_visit_make(w, 0, 2, &visit);
    TAKEN(world_post_admit(w, &visit));
    TAKEN(world_post_sign(w, &visit, 1, 0));
    world_case(w, &visit, &c);
    REFUSED(w, SEAL_UNSIGNED, post_seal(w, &visit, &c, 7));
    TAKEN(world_post_sign(w, &visit, 2, 0));
    TAKEN(world_post_reissue(w, &visit, 2, 0));
    world_case(w, &visit, &c);
    REFUSED(w, SEAL_REISSUE_PENDING, post_seal(w, &visit, &c, 7));
    world_visit_free(&visit);
}

static void other_case(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_case c, wrong;
    signed_visit(w, &visit, 2);
    world_case(w, &visit, &c);
    wrong = c;
    wrong.vid.b[0] ^= 1;
    REFUSED(w, VISIT_UNKNOWN, post_seal(w, &visit, &wrong, 7));
    wrong = c;
    wrong.order.b[0] ^= 1;
    REFUSED(w, SEAL_ORDER, post_seal(w, &visit, &wrong, 7));
    wrong = c;
    wrong.last_context.b[0] ^= 1;
    REFUSED(w, SEAL_CONTEXT, post_seal(w, &visit, &wrong, 7));
    wrong = c;
    wrong.svk = w->c.doctors[0].publics.a;
    REFUSED(w, SEAL_SVK, post_seal(w, &visit, &wrong, 7));
    wrong = c;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_sign sign;
    must(ledger_chain_sign(w->chain, &visit.vid, 1, &held, &sign, NULL));
    wrong.sigma = sign.delta; /* a point of the group, of someone's */
    REFUSED(w, SEAL_SIGMA, post_seal(w, &visit, &wrong, 7));
    bcemr_buf_free(&held);
    world_visit_free(&visit);
}

/* The equation itself: reached only when a delta came in that does not verify. */
static void the_sum(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_e_sign sign;
    bcemr_tr_case c;
    world_visit_make(w, 0, 2, &visit);
    TAKEN(world_post_admit(w, &visit));
    TAKEN(world_post_sign(w, &visit, 1, 0));
    world_sign(w, &visit, 2, 0, &sign);
    sign.commitment.b[0] ^= 1;
    bcemr_switch_off_reason(LEDGER_R_SIGN_DELTA);
    TAKEN(world_post(w, &bcemr_type_e_sign, &sign, NULL, 0));
    bcemr_switch_all_on();
    leave_out();
    world_case(w, &visit, &c);
    REFUSED(w, SEAL_SUM, post_seal(w, &visit, &c, 7));
    world_visit_free(&visit);
}

static void confirmers(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_case c;
    bcemr_tr_e_seal e;
    uint8_t bitmap[4];
    signed_visit(w, &visit, 1);
    world_case(w, &visit, &c);
    REFUSED(w, SEAL_HOSPITAL, post_seal(w, &visit, &c, 6));
    REFUSED(w, SEAL_CLOUDS, post_seal(w, &visit, &c, 1));
    world_seal(w, &visit, &c, 7, &e, bitmap);
    e.confirmers = bcemr_span_of(bitmap, 2);
    REFUSED(w, SEAL_CONFIRMERS, world_post(w, &bcemr_type_e_seal, &e, NULL, 0));
    world_seal(w, &visit, &c, 7, &e, bitmap);
    bitmap[0] |= 8;
    REFUSED(w, SEAL_CONFIRMERS, world_post(w, &bcemr_type_e_seal, &e, NULL, 0));
    /* Counted without being given: two signed, three are in the bitmap. */
    world_seal(w, &visit, &c, 3, &e, bitmap);
    bitmap[0] = 7;
    REFUSED(w, SEAL_SIGNATURE, world_post(w, &bcemr_type_e_seal, &e, NULL, 0));
    world_seal(w, &visit, &c, 3, &e, bitmap);
    bitmap[0] = 5; /* another cloud than the one that signed */
    REFUSED(w, SEAL_SIGNATURE, world_post(w, &bcemr_type_e_seal, &e, NULL, 0));
    TAKEN(post_seal(w, &visit, &c, 7));
    world_visit_free(&visit);
}

/* u = 2, and one of the two clouds leaves: the other is enough, but not none. */
static void clouds_that_left(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_case c;
    world_visit_make(w, 0, 1, &visit);
    visit.v.u = 2;
    TAKEN(world_post_admit(w, &visit));
    TAKEN(world_post_sign(w, &visit, 1, 0));
    world_case(w, &visit, &c);
    REFUSED(w, SEAL_CLOUDS, post_seal(w, &visit, &c, 3));
    TAKEN(world_leave(w, CLOUD_2));
    REFUSED(w, SEAL_CLOUDS, post_seal(w, &visit, &c, 7)); /* the one that left signs no more */
    REFUSED(w, SEAL_CLOUDS, post_seal(w, &visit, &c, 1));
    TAKEN(post_seal(w, &visit, &c, 3));
    world_visit_free(&visit);
}

static void all_clouds_left(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_case c;
    TAKEN(world_join(w, &w->c.nodes[HOSPITAL_3]));
    signed_visit(w, &visit, 1);
    world_case(w, &visit, &c);
    TAKEN(world_leave(w, CLOUD_2));
    TAKEN(world_leave(w, CLOUD_1));
    REFUSED(w, SEAL_CLOUDS, post_seal(w, &visit, &c, 1));
    world_visit_free(&visit);
}

static void hospital_left(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_case c;
    signed_visit(w, &visit, 1);
    world_case(w, &visit, &c);
    TAKEN(world_leave(w, HOSPITAL_1));
    REFUSED(w, SEAL_HOSPITAL, post_seal(w, &visit, &c, 7));
    world_visit_free(&visit);
}

/* ---- Confirm ---- */

static uint32_t post_confirm(world *w, const bcemr_tr_e_confirm *e)
{
    return world_post(w, &bcemr_type_e_confirm, e, NULL, 0);
}

static void confirm_named_cloud(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_case c;
    bcemr_tr_e_confirm e;
    uint8_t host[64];
    signed_visit(w, &visit, 1);
    world_case(w, &visit, &c);
    world_confirm(w, &visit, CLOUD_2, BCEMR_asker_NOBODY, host, &e);
    REFUSED(w, CASE_UNKNOWN, post_confirm(w, &e));
    TAKEN(post_seal(w, &visit, &c, 3));
    world_confirm(w, &visit, CLOUD_1, BCEMR_asker_NOBODY, host, &e);
    REFUSED(w, CONFIRM_COUNTED, post_confirm(w, &e)); /* at the Seal */
    world_confirm(w, &visit, CLOUD_2, BCEMR_asker_PATIENT, host, &e);
    REFUSED(w, CONFIRM_HOST, post_confirm(w, &e));
    world_confirm(w, &visit, CLOUD_2, BCEMR_asker_NOBODY, host, &e);
    bcemr_g1_raw good = e.signature;
    must(bcemr_bls_sign(&w->c.nodes[CLOUD_1].keys.x, BCEMR_PURPOSE_SIG,
                        bcemr_buf_span(&visit.case_held), &e.signature));
    REFUSED(w, CONFIRM_SIGNATURE, post_confirm(w, &e));
    e.signature = good;
    TAKEN(post_confirm(w, &e));
    REFUSED(w, CONFIRM_COUNTED, post_confirm(w, &e));
    world_visit_free(&visit);
}

static void confirm_other_cloud(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_e_confirm e;
    uint8_t host[64];
    world_sealed_visit(w, 0, 1, &visit);
    world_confirm(w, &visit, CLOUD_3, BCEMR_asker_PATIENT, host, &e);
    REFUSED(w, NOT_A_CLOUD, post_confirm(w, &e));
    TAKEN(world_join(w, &w->c.nodes[CLOUD_3]));
    TAKEN(world_join(w, &w->c.nodes[CLOUD_4]));
    world_confirm(w, &visit, CLOUD_3, BCEMR_asker_NOBODY, host, &e);
    REFUSED(w, CONFIRM_HOST, post_confirm(w, &e));
    world_confirm(w, &visit, CLOUD_3, BCEMR_asker_PATIENT, host, &e);
    e.host_by = BCEMR_asker_HOSPITAL;
    REFUSED(w, CONFIRM_HOST_SIGNATURE, post_confirm(w, &e));
    world_confirm(w, &visit, CLOUD_3, BCEMR_asker_PATIENT, host, &e);
    TAKEN(post_confirm(w, &e));
    world_confirm(w, &visit, CLOUD_4, BCEMR_asker_HOSPITAL, host, &e);
    TAKEN(world_leave(w, HOSPITAL_1));
    REFUSED(w, NOT_A_HOSPITAL, post_confirm(w, &e));
    world_visit_free(&visit);
}

static void confirm_after_erasure(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_case c;
    bcemr_tr_e_confirm e;
    bcemr_tr_e_erase erase;
    uint8_t host[64];
    signed_visit(w, &visit, 1);
    world_case(w, &visit, &c);
    TAKEN(post_seal(w, &visit, &c, 3));
    world_erase(w, &visit, CLOUD_1, BCEMR_asker_PATIENT, &erase);
    TAKEN(world_post_by(w, &bcemr_type_e_erase, &erase, CLOUD_1));
    world_confirm(w, &visit, CLOUD_2, BCEMR_asker_NOBODY, host, &e);
    REFUSED(w, CONFIRM_ERASED, post_confirm(w, &e));
    world_visit_free(&visit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(seal),
        TEST(header_chain),
        TEST(not_complete),
        TEST(other_case),
        TEST(the_sum),
        TEST(confirmers),
        TEST(clouds_that_left),
        TEST(all_clouds_left),
        TEST(hospital_left),
        TEST(confirm_named_cloud),
        TEST(confirm_other_cloud),
        TEST(confirm_after_erasure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
