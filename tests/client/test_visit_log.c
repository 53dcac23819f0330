/* SPDX-License-Identifier: Apache-2.0 */
/* A visit replayed from its leaves: one with a reissue and an amendment, whole, then with leaves
 * left out, exchanged, doubled, and with each of their fields changed (sections 3, 4 and 6). */
#include "client/client_test.h"

#include "support/clinic.h"

#include <bcemr/hash.h>
#include <bcemr/proof.h>
#include <sodium.h>

/* The visit's leaves, in order. */
enum {
    ADMIT,
    SIGN_1,
    REISSUE_1,
    SIGN_1_AGAIN,
    AMEND,
    SIGN_2,
    SIGN_3,
    REISSUE_3,
    SIGN_3_AGAIN,
    SEAL,
    LEAVES
};

static clinic c;
static bcemr_buf raw;
static bcemr_span leaves[LEAVES + 1];
static bcemr_visit_log visit_log;

static void sign_again(uint64_t d)
{
    clinic_diagnose(&c, d, d);
}

static void ask_first_again(void)
{
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    clinic_prepare(&c, 1);
    must(bcemr_doctor_reissue(c.visits[1], BCEMR_reissue_reason_OTHER, &entry, NULL));
    must(clinic_post(&c, bcemr_buf_span(&entry)));
    bcemr_buf_free(&entry);
}

static void play_history(void)
{
    clinic_play(&c, CLINIC_JOINED);
    hospital *h = c.nodes[HOSPITAL_1].hospital;
    clinic_diagnose(&c, 0, 0);
    ask_first_again();
    sign_again(0);
    const hospital_place tail[] = {{c.doctors[1].id, c.now + 20 * CLINIC_HOUR},
                                   {c.doctors[2].id, c.now + 21 * CLINIC_HOUR}};
    must(hospital_amend(h, &c.vid, tail, 2, c.now, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    for (uint64_t d = 1; d <= 2; d++) {
        must(clinic_join(&c, d));
        clinic_diagnose(&c, d, d);
    }
    must(hospital_reissue(h, &c.vid, BCEMR_reissue_reason_OTHER, c.now, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    sign_again(2);
    clinic_to_sealed(&c, CLOUD_1, CLOUD_2);
}

static int play(void **state)
{
    bcemr_list list;
    (void)state;
    play_history();
    must(c.view.visit(c.view.user, &c.vid, &raw));
    must(bcemr_read_list(&bcemr_type_leaf, bcemr_buf_span(&raw), LEAVES, LEAVES, &list, NULL));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_leaf, &list);
    for (uint64_t i = 0; i < LEAVES; i++)
        assert_true(bcemr_list_next(&iter, &leaves[i]));
    return 0;
}

static int end(void **state)
{
    (void)switches_on(state);
    bcemr_buf_free(&raw);
    clinic_end(&c);
    return 0;
}

static bcemr_status replay(const bcemr_span *items, uint64_t count)
{
    static const bcemr_visit_log nothing;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    bcemr_list list = BCEMR_LIST_OF(items, count);
    must(bcemr_write_list(&bcemr_type_leaf, &list, &bytes, NULL));
    must(bcemr_read_list(&bcemr_type_leaf, bcemr_buf_span(&bytes), 0, LEAVES + 1, &list, NULL));
    bcemr_status status = bcemr_visit_log_read(&list, &visit_log, &why);
    if (status != BCEMR_OK)
        assert_memory_equal(&visit_log, &nothing, sizeof nothing);
    bcemr_buf_free(&bytes);
    return status;
}

/* ---- whole ---- */

static void each_leaf_takes_the_visit_on(void **state)
{
    static const struct {
        uint64_t signed_count, pending, amendments;
        bool sealed;
    } after[LEAVES] = {[ADMIT] = {0, 0, 0, false},        [SIGN_1] = {1, 0, 0, false},
                       [REISSUE_1] = {1, 1, 0, false},    [SIGN_1_AGAIN] = {1, 0, 0, false},
                       [AMEND] = {1, 0, 1, false},        [SIGN_2] = {2, 0, 1, false},
                       [SIGN_3] = {3, 0, 1, false},       [REISSUE_3] = {3, 3, 1, false},
                       [SIGN_3_AGAIN] = {3, 0, 1, false}, [SEAL] = {3, 0, 1, true}};
    (void)state;
    for (uint64_t n = 1; n <= LEAVES; n++) {
        OK(replay(leaves, n));
        assert_int_equal(visit_log.signed_count, after[n - 1].signed_count);
        assert_int_equal(visit_log.pending_reissue, after[n - 1].pending);
        assert_int_equal(visit_log.order.amendments, after[n - 1].amendments);
        assert_int_equal(visit_log.sealed, after[n - 1].sealed);
        assert_int_equal(bcemr_visit_log_complete(&visit_log),
                         after[n - 1].signed_count == 3 && after[n - 1].pending == 0);
        assert_memory_equal(&visit_log.vid, &c.vid, sizeof c.vid);
        if (visit_log.signed_count == 0)
            assert_memory_equal(bcemr_visit_log_last_context(&visit_log), &c.vid, sizeof c.vid);
    }
    assert_int_equal(visit_log.diagnoses[0].context.k, 1);
    assert_int_equal(visit_log.diagnoses[0].a, 0);
    assert_int_equal(visit_log.diagnoses[1].a, 1);
    assert_int_equal(visit_log.diagnoses[2].context.k, 1);
    assert_int_equal(visit_log.diagnoses[2].context.svk.n, 32);
    assert_memory_equal(&visit_log.diagnoses[1].context.previous,
                        &visit_log.diagnoses[0].context_hash, 32);
}

/* ---- leaves left out, exchanged, doubled ---- */

static void no_leaf_can_be_left_out(void **state)
{
    static const bcemr_verdict verdicts[LEAVES] = {
        [ADMIT] = BCEMR_BAD_CASE_BLOCK,        [SIGN_1] = BCEMR_BAD_CASE_BLOCK,
        [REISSUE_1] = BCEMR_NOT_IN_ORDER,      [SIGN_1_AGAIN] = BCEMR_BAD_CASE_BLOCK,
        [AMEND] = BCEMR_NOT_IN_ORDER,          [SIGN_2] = BCEMR_NOT_IN_ORDER,
        [SIGN_3] = BCEMR_BAD_CASE_BLOCK,       [REISSUE_3] = BCEMR_NOT_IN_ORDER,
        [SIGN_3_AGAIN] = BCEMR_BAD_CASE_BLOCK, [SEAL] = BCEMR_VALID};
    (void)state;
    REFUSED(BCEMR_NOT_ADMITTED, replay(leaves, 0));
    for (uint64_t out = 0; out < LEAVES; out++) {
        bcemr_span items[LEAVES];
        uint64_t n = 0;
        for (uint64_t i = 0; i < LEAVES; i++)
            if (i != out)
                items[n++] = leaves[i];
        print_message("without %u\n", (unsigned)out);
        ENDS_WITH(verdicts[out], replay(items, n));
    }
}

static void no_leaves_can_change_places(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < LEAVES; i++)
        for (uint64_t j = i + 1; j < LEAVES; j++) {
            bcemr_span items[LEAVES];
            memcpy(items, leaves, sizeof items);
            items[i] = leaves[j];
            items[j] = leaves[i];
            FAILS(BCEMR_E_REFUSED, replay(items, LEAVES));
        }
}

static void no_leaf_comes_twice(void **state)
{
    (void)state;
    for (uint64_t twice = 0; twice < LEAVES; twice++)
        for (uint64_t at = twice + 1; at <= LEAVES; at++) {
            bcemr_span items[LEAVES + 1];
            memcpy(items, leaves, at * sizeof items[0]);
            items[at] = leaves[twice];
            memcpy(items + at + 1, leaves + at, (LEAVES - at) * sizeof items[0]);
            FAILS(BCEMR_E_REFUSED, replay(items, LEAVES + 1));
        }
}

/* ---- fields ---- */

/* The leaves up to one that is changed. */
typedef struct changed {
    bcemr_span items[LEAVES + 1];
    uint64_t at;
    bcemr_buf inner, entry, leaf;
    bcemr_tr_e_admit admit;
    bcemr_tr_e_amend amend;
    bcemr_tr_amend amendment;
    bcemr_tr_team_doctor tail[2];
    bcemr_tr_e_sign sign;
    bcemr_tr_e_reissue reissue;
    bcemr_tr_e_seal seal;
    bcemr_tr_case k;
} changed;

static const bcemr_type *changed_type(const changed *x)
{
    bcemr_leaf_parts parts;
    must(bcemr_leaf_read(leaves[x->at], &parts, NULL));
    return parts.parts.type;
}

static void changed_begin(changed *x, uint64_t at)
{
    bcemr_leaf_parts leaf;
    memset(x, 0, sizeof *x);
    memcpy(x->items, leaves, sizeof leaves);
    x->at = at;
    must(bcemr_leaf_read(leaves[at], &leaf, NULL));
    const bcemr_span entry = leaf.parts.entry;
    const bcemr_type *type = leaf.parts.type;
    if (type == &bcemr_type_e_admit)
        must(bcemr_read_e_admit(entry, &x->admit, NULL));
    if (type == &bcemr_type_e_sign)
        must(bcemr_read_e_sign(entry, &x->sign, NULL));
    if (type == &bcemr_type_e_reissue)
        must(bcemr_read_e_reissue(entry, &x->reissue, NULL));
    if (type == &bcemr_type_e_amend) {
        must(bcemr_read_e_amend(entry, &x->amend, NULL));
        must(bcemr_read_amend(x->amend.amend, &x->amendment, NULL));
        for (uint64_t i = 0; i < 2; i++)
            assert_true(bcemr_list_at(&bcemr_type_team_doctor, &x->amendment.tail, i, &x->tail[i]));
        x->amendment.tail = BCEMR_LIST_OF(x->tail, 2);
    }
    if (type == &bcemr_type_e_seal) {
        must(bcemr_read_e_seal(entry, &x->seal, NULL));
        must(bcemr_read_case(x->seal.record_case, &x->k, NULL));
    }
}

static const void *changed_value(changed *x)
{
    const bcemr_type *type = changed_type(x);
    if (type == &bcemr_type_e_amend) {
        must(bcemr_write_amend(&x->amendment, &x->inner, NULL));
        x->amend.amend = bcemr_buf_span(&x->inner);
        return &x->amend;
    }
    if (type == &bcemr_type_e_seal) {
        must(bcemr_write_case(&x->k, &x->inner, NULL));
        x->seal.record_case = bcemr_buf_span(&x->inner);
        return &x->seal;
    }
    return type == &bcemr_type_e_admit  ? (const void *)&x->admit
           : type == &bcemr_type_e_sign ? (const void *)&x->sign
                                        : (const void *)&x->reissue;
}

static bcemr_status changed_replay(changed *x)
{
    bcemr_tr_leaf leaf;
    must(bcemr_read_leaf(leaves[x->at], &leaf, NULL));
    must(bcemr_signed_make_value(changed_type(x), changed_value(x), NULL, 0, &x->entry, NULL));
    leaf.signed_entry = bcemr_buf_span(&x->entry);
    must(bcemr_write_leaf(&leaf, &x->leaf, NULL));
    x->items[x->at] = bcemr_buf_span(&x->leaf);
    bcemr_status status = replay(x->items, x->at + 1);
    bcemr_buf_free(&x->inner);
    bcemr_buf_free(&x->entry);
    bcemr_buf_free(&x->leaf);
    return status;
}

static void flip(void *p)
{
    *(uint8_t *)p ^= 1;
}

#define CHANGE(name, statement)                                                                    \
    static void name(changed *x)                                                                   \
    {                                                                                              \
        statement;                                                                                 \
    }
CHANGE(admit_ledger, flip(&x->admit.ledger))
CHANGE(sign_i_back, x->sign.i--)
CHANGE(sign_i_on, x->sign.i++)
CHANGE(sign_k, x->sign.k++)
CHANGE(sign_k_back, x->sign.k--)
CHANGE(sign_a, x->sign.a ^= 1)
CHANGE(sign_with_svk, x->sign.svk = bcemr_span_of(x->sign.vid.b, 32))
CHANGE(sign_without_svk, x->sign.svk = (bcemr_span){0})
CHANGE(sign_late, x->sign.time += 100 * CLINIC_HOUR)
CHANGE(reissue_i, x->reissue.i++)
CHANGE(reissue_k, x->reissue.k++)
CHANGE(amend_vid, flip(&x->amendment.vid))
CHANGE(amend_number, x->amendment.number++)
CHANGE(amend_previous, flip(&x->amendment.previous))
CHANGE(amend_signed, x->amendment.signed_count++)
CHANGE(amend_signed_back, x->amendment.signed_count--)
CHANGE(amend_doctor_twice, x->tail[1].doctor = x->tail[0].doctor)
CHANGE(amend_who_signed, x->tail[1].doctor = c.doctors[0].id)
CHANGE(amend_deadlines, x->tail[1].deadline = x->tail[0].deadline)
CHANGE(amend_deadline_past, x->tail[0].deadline = x->amendment.issued)
CHANGE(seal_vid, flip(&x->k.vid))
CHANGE(seal_order, flip(&x->k.order))
CHANGE(seal_context, flip(&x->k.last_context))
CHANGE(seal_svk, x->k.svk = c.consortium.nodes[0].publics.a)

static void each_field_counts(void **state)
{
    static const struct {
        uint64_t at;
        void (*change)(changed *x);
        bcemr_verdict verdict;
    } cases[] = {
        {ADMIT, admit_ledger, BCEMR_WRONG_LEDGER},
        {SIGN_1, sign_i_on, BCEMR_NOT_IN_ORDER},
        {SIGN_1, sign_k, BCEMR_NOT_IN_ORDER},
        {SIGN_1, sign_a, BCEMR_NOT_IN_ORDER},
        {SIGN_1, sign_with_svk, BCEMR_WRONG_SEAL_KEY},
        {SIGN_1, sign_late, BCEMR_PAST_DEADLINE},
        {SIGN_1_AGAIN, sign_k, BCEMR_NOT_IN_ORDER},
        {SIGN_1_AGAIN, sign_k_back, BCEMR_NOT_IN_ORDER},
        {SIGN_1_AGAIN, sign_i_on, BCEMR_NOT_IN_ORDER},
        {SIGN_2, sign_a, BCEMR_NOT_IN_ORDER},
        {SIGN_2, sign_i_back, BCEMR_NOT_IN_ORDER},
        {SIGN_2, sign_i_on, BCEMR_NOT_IN_ORDER},
        {SIGN_3, sign_i_on, BCEMR_NOT_IN_ORDER},
        {SIGN_3, sign_without_svk, BCEMR_WRONG_SEAL_KEY},
        {REISSUE_1, reissue_i, BCEMR_BAD_CASE_BLOCK},
        {REISSUE_1, reissue_k, BCEMR_BAD_CASE_BLOCK},
        {AMEND, amend_vid, BCEMR_BAD_AMENDMENT_CHAIN},
        {AMEND, amend_number, BCEMR_BAD_AMENDMENT_CHAIN},
        {AMEND, amend_previous, BCEMR_BAD_AMENDMENT_CHAIN},
        {AMEND, amend_signed, BCEMR_BAD_AMENDMENT_CHAIN},
        {AMEND, amend_signed_back, BCEMR_BAD_AMENDMENT_CHAIN},
        {AMEND, amend_doctor_twice, BCEMR_BAD_TEAM},
        {AMEND, amend_who_signed, BCEMR_BAD_TEAM},
        {AMEND, amend_deadlines, BCEMR_BAD_TEAM},
        {AMEND, amend_deadline_past, BCEMR_BAD_TEAM},
        {SEAL, seal_vid, BCEMR_BAD_CASE_BLOCK},
        {SEAL, seal_order, BCEMR_BAD_CASE_BLOCK},
        {SEAL, seal_context, BCEMR_BAD_CASE_BLOCK},
        {SEAL, seal_svk, BCEMR_BAD_CASE_BLOCK},
    };
    (void)state;
    for (uint64_t at = 0; at < LEAVES; at++) { /* nothing changed */
        changed x;
        changed_begin(&x, at);
        OK(changed_replay(&x));
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        changed x;
        print_message("case %u\n", (unsigned)i);
        changed_begin(&x, cases[i].at);
        cases[i].change(&x);
        REFUSED(cases[i].verdict, changed_replay(&x));
    }
}

/* An entry as a leaf of its own at the end of the first count leaves. */
static bcemr_status then(uint64_t count, const bcemr_type *type, const void *value, int64_t tau)
{
    bcemr_buf entry = BCEMR_BUF_EMPTY, leaf = BCEMR_BUF_EMPTY;
    bcemr_span items[LEAVES + 1];
    memcpy(items, leaves, count * sizeof items[0]);
    must(bcemr_signed_make_value(type, value, NULL, 0, &entry, NULL));
    must(bcemr_leaf_make(bcemr_buf_span(&entry), 50, tau, &leaf, NULL));
    items[count] = bcemr_buf_span(&leaf);
    bcemr_status status = replay(items, count + 1);
    bcemr_buf_free(&entry);
    bcemr_buf_free(&leaf);
    return status;
}

static void a_visit_has_one_end(void **state)
{
    bcemr_buf entry = BCEMR_BUF_EMPTY, leaf = BCEMR_BUF_EMPTY;
    const bcemr_tr_e_abort abort_it = {c.consortium.ledger, c.vid, BCEMR_abort_reason_OTHER};
    const bcemr_tr_e_reissue over = {c.consortium.ledger, c.vid, 3, 1, BCEMR_reissue_reason_OTHER};
    const bcemr_tr_e_retire foreign = {c.consortium.ledger, c.doctors[0].id,
                                       bcemr_span_of(c.doctors[0].publics.x.b, 96)};
    (void)state;
    OK(then(SIGN_2, &bcemr_type_e_abort, &abort_it, c.now));
    assert_true(visit_log.aborted);
    REFUSED(BCEMR_BAD_CASE_BLOCK, then(LEAVES, &bcemr_type_e_abort, &abort_it, c.now));
    REFUSED(BCEMR_BAD_CASE_BLOCK, then(SIGN_2, &bcemr_type_e_retire, &foreign, c.now));
    REFUSED(BCEMR_BAD_CASE_BLOCK, then(LEAVES, &bcemr_type_e_reissue, &over, c.now));
    OK(then(SEAL, &bcemr_type_e_reissue, &over, c.now)); /* the second and last */
    REFUSED(BCEMR_PAST_DEADLINE,
            then(SEAL, &bcemr_type_e_reissue, &over, c.now + 100 * CLINIC_HOUR));
    /* nothing follows an Abort */
    must(bcemr_signed_make_value(&bcemr_type_e_abort, &abort_it, NULL, 0, &entry, NULL));
    must(bcemr_leaf_make(bcemr_buf_span(&entry), 50, c.now, &leaf, NULL));
    for (uint64_t at = SIGN_1; at < LEAVES; at++) {
        bcemr_span items[LEAVES + 1];
        memcpy(items, leaves, at * sizeof items[0]);
        items[at] = bcemr_buf_span(&leaf);
        items[at + 1] = leaves[at];
        FAILS(BCEMR_E_REFUSED, replay(items, at + 2));
    }
    bcemr_buf_free(&entry);
    bcemr_buf_free(&leaf);
}

/* ---- signatures ---- */

static bcemr_verdict signatures(void)
{
    const bcemr_ed_raw a = c.consortium.nodes[HOSPITAL_1].publics.a, keys[2] = {a, a};
    return bcemr_visit_log_signatures(c.consortium.context, &visit_log, keys, &why);
}

#define SIGNATURES(expected)                                                                       \
    same_name("signatures", bcemr_verdict_name(signatures()), bcemr_verdict_name(expected),        \
              __FILE__, __LINE__)

static void every_signature_is_checked(void **state)
{
    const bcemr_list list = BCEMR_LIST_OF(leaves, LEAVES);
    (void)state;
    OK(bcemr_visit_log_read(&list, &visit_log, &why));
    SIGNATURES(BCEMR_VALID);
    flip(&visit_log.signatures[0]);
    SIGNATURES(BCEMR_BAD_TICKET_SIGNATURE);
    flip(&visit_log.signatures[0]);
    flip(&visit_log.signatures[1]);
    SIGNATURES(BCEMR_BAD_AMENDMENT_SIGNATURE);
    flip(&visit_log.signatures[1]);
    flip(&visit_log.acceptance.signature);
    SIGNATURES(BCEMR_BAD_ACCEPTANCE);
    flip(&visit_log.acceptance.signature);
    flip(&visit_log.acceptance.proof.response);
    SIGNATURES(BCEMR_BAD_ACCEPTANCE_PROOF);
    flip(&visit_log.acceptance.proof.response);
    bcemr_g1_raw delta = visit_log.diagnoses[1].delta;
    visit_log.diagnoses[1].delta = visit_log.diagnoses[0].delta;
    SIGNATURES(BCEMR_BAD_DIAGNOSIS_SIGNATURE);
    visit_log.diagnoses[1].delta = delta;
    flip(&visit_log.diagnoses[1].context.previous);
    SIGNATURES(BCEMR_NOT_IN_ORDER);
    flip(&visit_log.diagnoses[1].context.previous);
    SIGNATURES(BCEMR_VALID);
    /* each by the key that held at its own leaf */
    const bcemr_ed_raw a = c.consortium.nodes[HOSPITAL_1].publics.a,
                       b = c.consortium.nodes[HOSPITAL_2].publics.a;
    const bcemr_ed_raw second[2] = {a, b}, first[2] = {b, a};
    assert_int_equal(bcemr_visit_log_signatures(c.consortium.context, &visit_log, second, &why),
                     BCEMR_BAD_AMENDMENT_SIGNATURE);
    assert_int_equal(bcemr_visit_log_signatures(c.consortium.context, &visit_log, first, &why),
                     BCEMR_BAD_TICKET_SIGNATURE);
}

static bcemr_status signatures_again(void)
{
    bcemr_verdict verdict = signatures();
    return verdict == BCEMR_VALID ? BCEMR_OK : why.status;
}

static bcemr_status replay_again(void)
{
    const bcemr_list list = BCEMR_LIST_OF(leaves, LEAVES);
    return bcemr_visit_log_read(&list, &visit_log, &why);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    EVERY_ALLOCATION(replay_again());
    EVERY_ALLOCATION(signatures_again());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_leaf_takes_the_visit_on),
        cmocka_unit_test(no_leaf_can_be_left_out),
        cmocka_unit_test(no_leaves_can_change_places),
        cmocka_unit_test(no_leaf_comes_twice),
        cmocka_unit_test(each_field_counts),
        cmocka_unit_test(a_visit_has_one_end),
        cmocka_unit_test(every_signature_is_checked),
        cmocka_unit_test_teardown(every_allocation_may_fail, switches_on),
    };
    return cmocka_run_group_tests(tests, play, end);
}
