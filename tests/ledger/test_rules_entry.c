/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every entry: reading, ledger, rows of signers, quotas. */
#include "rules_test.h"

static void malformed(void **state)
{
    world *w = *state;
    static const uint8_t junk[] = "no transcript";
    REFUSED(w, MALFORMED, world_submit(w, bcemr_span_of(junk, sizeof junk)));
    bcemr_tr_e_revoke revoke;
    world_revoke(w, 1, &revoke);
    consortium_sign(&w->c, &bcemr_type_e_revoke, &revoke, NULL, 0, &w->signed_entry);
    bcemr_span whole = bcemr_buf_span(&w->signed_entry);
    REFUSED(w, MALFORMED, world_submit(w, bcemr_span_of(whole.p, whole.n - 1)));
    assert_int_equal(w->err.verdict, BCEMR_LEDGER_REFUSED);
    TAKEN(world_submit(w, whole));
}

/* A Join has no field that could be so long; V has: 64 doctors with names of 200 bytes and clouds
 * reach 30 KiB, so only a signed entry stuffed with rows gets near. The bound is looked at first.
 */
static void too_long(void **state)
{
    world *w = *state;
    static uint8_t bytes[2 * BCEMR_ENTRY_MAX + 1];
    REFUSED(w, ENTRY_TOO_LONG, world_submit(w, bcemr_span_of(bytes, sizeof bytes)));
}

static void other_ledger(void **state)
{
    world *w = *state;
    bcemr_tr_e_revoke revoke;
    world_revoke(w, 1, &revoke);
    revoke.ledger.b[0] ^= 1;
    REFUSED(w, WRONG_LEDGER, world_post(w, &bcemr_type_e_revoke, &revoke, NULL, 0));
}

static void not_posted(void **state)
{
    world *w = *state;
    const bcemr_tr_case_header header = {.previous = w->c.ledger};
    REFUSED(w, NOT_POSTED, world_post(w, &bcemr_type_case_header, &header, NULL, 0));
    REFUSED(w, NOT_POSTED, world_submit(w, bcemr_buf_span(&w->c.signed_genesis)));
}

static void rows(void **state)
{
    world *w = *state;
    bcemr_tr_e_revoke revoke;
    bcemr_tr_e_consent consent;
    world_revoke(w, 1, &revoke);
    world_consent(w, 2, CLOUD_1, &consent);
    const consortium_row cloud = world_node_row(w, CLOUD_1);
    consortium_row twice[] = {cloud, cloud};
    REFUSED(w, SIGNER_ROWS, world_post(w, &bcemr_type_e_revoke, &revoke, &cloud, 1));
    REFUSED(w, SIGNER_ROWS, world_post(w, &bcemr_type_e_consent, &consent, NULL, 0));
    REFUSED(w, SIGNER_ROWS, world_post(w, &bcemr_type_e_consent, &consent, twice, 2));
    REFUSED(w, SIGNER_ROWS, world_post_by(w, &bcemr_type_e_consent, &consent, HOSPITAL_1));
    REFUSED(w, SIGNER_ROWS, world_post_by(w, &bcemr_type_e_consent, &consent, CLOUD_2));
    consortium_row wrong_role = cloud;
    wrong_role.role = "hospital";
    REFUSED(w, SIGNER_ROWS, world_post(w, &bcemr_type_e_consent, &consent, &wrong_role, 1));
    TAKEN(world_post(w, &bcemr_type_e_consent, &consent, &cloud, 1));
}

/* A row by another key, in another's name. */
static void row_signature(void **state)
{
    world *w = *state;
    bcemr_tr_e_consent consent;
    world_consent(w, 2, CLOUD_1, &consent);
    consortium_row row = world_node_row(w, CLOUD_1);
    row.by = &w->c.nodes[CLOUD_2].keys;
    REFUSED(w, SUPERNODE_SIGNATURE, world_post(w, &bcemr_type_e_consent, &consent, &row, 1));
    assert_int_equal(w->err.reason, LEDGER_R_SUPERNODE_SIGNATURE);
    assert_string_equal(w->err.object, "Consent");
}

/* ---- quotas: two of each kind a supernode and block here ---- */

static void make_consents(world *w, bcemr_buf *signed_entries, bcemr_span *spans, uint64_t from,
                          uint64_t count, int cloud)
{
    bcemr_tr_e_consent consent;
    const consortium_row row = world_node_row(w, cloud);
    for (uint64_t i = 0; i < count; i++) {
        world_consent(w, from + i, cloud, &consent);
        consortium_sign(&w->c, &bcemr_type_e_consent, &consent, &row, 1, &signed_entries[i]);
        spans[i] = bcemr_buf_span(&signed_entries[i]);
    }
}

static void free_all(bcemr_buf *bufs, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        bcemr_buf_free(&bufs[i]);
}

static void consent_quota(void **state)
{
    world *w = *state;
    bcemr_buf held[5] = {0};
    bcemr_span spans[5];
    ledger_outcome outcomes[5];
    make_consents(w, held, spans, 0, 3, CLOUD_1);
    make_consents(w, held + 3, spans + 3, 3, 2, CLOUD_2);
    must(ledger_chain_submit(w->chain, w->clock + 1000, spans, 5, outcomes, &w->err));
    static const uint32_t expected[] = {0, 0, LEDGER_R_QUOTA, 0, 0};
    for (int i = 0; i < 5; i++)
        assert_int_equal(outcomes[i].reason, expected[i]);
    /* In the next block there is room again. */
    TAKEN(world_submit(w, spans[2]));
    free_all(held, 5);
}

static void access_quota(void **state)
{
    world *w = *state;
    bcemr_buf held[3] = {0};
    bcemr_span spans[3];
    ledger_outcome outcomes[3];
    bcemr_tr_e_access access_entry;
    const consortium_row row = world_node_row(w, CLOUD_1);
    for (uint64_t i = 0; i < 3; i++) {
        world_access(w, i, CLOUD_1, &access_entry);
        consortium_sign(&w->c, &bcemr_type_e_access, &access_entry, &row, 1, &held[i]);
        spans[i] = bcemr_buf_span(&held[i]);
    }
    must(ledger_chain_submit(w->chain, w->clock + 1000, spans, 3, outcomes, &w->err));
    assert_int_equal(outcomes[1].reason, 0);
    assert_int_equal(outcomes[2].reason, LEDGER_R_QUOTA);
    TAKEN(world_submit(w, spans[2]));
    free_all(held, 3);
}

/* Of an unknown R a block holds twice the four members; a known R is never held up. */
static void revoke_quota(void **state)
{
    world *w = *state;
    bcemr_buf held[10] = {0};
    bcemr_span spans[10];
    ledger_outcome outcomes[10];
    bcemr_tr_e_consent consent;
    bcemr_tr_e_revoke revoke;
    world_consent(w, 9, CLOUD_1, &consent);
    TAKEN(world_post_by(w, &bcemr_type_e_consent, &consent, CLOUD_1));
    for (uint64_t i = 0; i < 10; i++) {
        world_revoke(w, i, &revoke);
        consortium_sign(&w->c, &bcemr_type_e_revoke, &revoke, NULL, 0, &held[i]);
        spans[i] = bcemr_buf_span(&held[i]);
    }
    must(ledger_chain_submit(w->chain, w->clock + 1000, spans, 10, outcomes, &w->err));
    for (int i = 0; i < 10; i++)
        assert_int_equal(outcomes[i].reason, i == 8 ? LEDGER_R_QUOTA : 0);
    free_all(held, 10);
}

static void every_reason_has_a_text(void **state)
{
    (void)state;
    static const uint32_t numbers[] = {
#define X(name, number, text) (number),
#include "ledger/rules/reasons.def"
#undef X
    };
    uint64_t count = sizeof numbers / sizeof numbers[0];
    for (uint64_t i = 0; i < count; i++) {
        assert_true(strlen(ledger_reason_text(numbers[i])) > 10);
        for (uint64_t j = 0; j < i; j++)
            assert_int_not_equal(numbers[i], numbers[j]);
    }
    assert_string_equal(ledger_reason_name(LEDGER_R_SIGNED_AFTER), "SIGNED_AFTER");
    assert_string_equal(ledger_reason_name(9999), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(malformed),
        TEST(too_long),
        TEST(other_ledger),
        TEST(not_posted),
        TEST(rows),
        TEST(row_signature),
        SMALL_TEST(consent_quota),
        SMALL_TEST(access_quota),
        SMALL_TEST(revoke_quota),
        cmocka_unit_test(every_reason_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
