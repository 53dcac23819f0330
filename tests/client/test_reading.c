/* SPDX-License-Identifier: Apache-2.0 */
/* Check 4 of section 7, by the doctor elsewhere and by the patient: the record against the case,
 * the case block against the ledger, and whose fault it is when the key does not fit. */
#include "client/client_test.h"

#include "support/clinic.h"

#include "client/dishonest_cloud.h"
#include "client/doctor_visit.h"

#include <bcemr/patient.h>

static clinic c;
static bcemr_ledger_view truth; /* what c.view is but for a lie */

static int play_sealed(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_SEALED);
    truth = c.view;
    return 0;
}

static int play_signed(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_SIGNED);
    truth = c.view;
    return 0;
}

static int end(void **state)
{
    (void)switches_on(state);
    clinic_end(&c);
    return 0;
}

/* ---- both ways into a record ---- */

static bcemr_status patient_opens(bcemr_span header)
{
    bcemr_opened out;
    const bcemr_source payload = bcemr_source_bytes(&c.payload_span);
    bcemr_status status =
        bcemr_patient_open(&c.wallet, &c.visit, header, &payload, NULL, NULL, &out, &why);
    if (status == BCEMR_OK)
        assert_int_equal(out.document_count, CLINIC_TEAM);
    else
        assert_int_equal(out.document_count, 0);
    bcemr_opened_free(&out);
    return status;
}

static bcemr_status patient_opens_it(void)
{
    return patient_opens(bcemr_buf_span(&c.header));
}

static bcemr_status doctor_opens(const dishonest *x, uint64_t index)
{
    bcemr_opened out;
    const bcemr_source payload = bcemr_source_bytes(&c.payload_span);
    bcemr_status status =
        bcemr_doctor_open(&c.doctors[READER], x->held, index, &payload, NULL, NULL, &out, &why);
    if (status == BCEMR_OK)
        assert_int_equal(out.document_count, CLINIC_TEAM);
    else
        assert_int_equal(out.document_count, 0);
    bcemr_opened_free(&out);
    return status;
}

/* ---- header against case ---- */

static bcemr_tr_header header;
static bcemr_bytes16 tags[64];

#define HEADER_CHANGE(field)                                                                       \
    static void header_##field(void)                                                               \
    {                                                                                              \
        flip(&header.field);                                                                       \
    }
HEADER_CHANGE(kc)
HEADER_CHANGE(root)
HEADER_CHANGE(length)
HEADER_CHANGE(osig)

static void header_svk(void)
{
    header.svk = c.consortium.nodes[HOSPITAL_2].publics.a;
}

static void header_b(void)
{
    bcemr_g1 point;
    bcemr_g1_from_secret(&c.consortium.doctors[0].keys.x, &point);
    bcemr_g1_encode(&point, &header.b);
}

static void header_c(void)
{
    header.c = c.consortium.doctors[0].publics.x;
}

static void header_tag(void)
{
    flip(&tags[3]);
}

static void header_tag_more(void)
{
    memset(&tags[header.tags.count], 0xff, sizeof tags[0]);
    header.tags.count++;
}

static void (*const header_changes[])(void) = {
    header_svk, header_b,    header_c,    header_tag,    header_tag_more,
    header_kc,  header_root, header_osig, header_length,
};

/* The honest header with one change; then what the doctor's answer brings it in. */
static void change_header(size_t i, bcemr_buf *out)
{
    must(bcemr_read_header(bcemr_buf_span(&c.header), &header, NULL));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_bytes16_item, &header.tags);
    for (uint64_t t = 0; bcemr_list_next(&iter, &tags[t]); t++)
        ;
    header.tags = BCEMR_LIST_OF(tags, header.tags.count);
    header_changes[i]();
    bcemr_buf_clear(out);
    must(bcemr_write_header(&header, out, NULL));
}

static size_t change; /* of the header that the cloud serves */

static void serve_changed_header(dishonest *x)
{
    change_header(change, &x->header);
    x->records[0].header = bcemr_buf_span(&x->header);
}

static void the_header_is_the_cases(void **state)
{
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    (void)state;
    OK(patient_opens_it());
    for (size_t i = 0; i < COUNT(header_changes); i++) {
        dishonest x = {.on_answer = serve_changed_header};
        change_header(i, &bytes);
        REFUSED(BCEMR_HEADER_NOT_CASE, patient_opens(bcemr_buf_span(&bytes)));
        change = i;
        OK(play_grant(&x, &c)); /* checks 1 to 3 do not look at records */
        REFUSED(BCEMR_HEADER_NOT_CASE, doctor_opens(&x, 0));
        dishonest_free(&x);
    }
    FAILS(BCEMR_E_TRUNCATED, patient_opens(bcemr_span_of(c.header.p, c.header.n - 1)));
    bcemr_buf_free(&bytes);
}

/* ---- the doctor's way ---- */

static void other_b(dishonest *x)
{
    bcemr_g1 point;
    bcemr_g1_from_secret(&c.consortium.doctors[0].keys.x, &point);
    bcemr_g1_encode(&point, &x->records[0].b);
}

/* Terms with another Y, signed by the patient all the same. */
static void other_y(dishonest *x)
{
    static bcemr_g1_raw y;
    static bcemr_tr_grant_visit row;
    bcemr_g1 point;
    bcemr_tr_terms terms = {.ledger = c.consortium.ledger};
    bcemr_g1_from_secret(&c.consortium.doctors[0].keys.x, &point);
    bcemr_g1_encode(&point, &y);
    row = (bcemr_tr_grant_visit){.vid = c.vid, .y = bcemr_span_of(y.b, sizeof y.b)};
    x->terms.visits = BCEMR_LIST_OF(&row, 1);
    bcemr_buf_clear(&x->kept);
    must(bcemr_write_grant(&x->terms, &x->kept, NULL));
    x->offer.terms = x->post.terms = bcemr_buf_span(&x->kept);
    bcemr_sha256(x->offer.terms, &terms.terms);
    must(bcemr_ed_sign_value(&c.visit.keys.av, &bcemr_type_terms, &terms, &x->signatures[0], NULL));
}

static void a_wrong_key_is_somebodys_fault(void **state)
{
    dishonest bad = {.on_answer = other_b}, terms = {.on_offer = other_y, .on_answer = other_b},
              unused = {.on_offer = other_y};
    (void)state;
    OK(play_grant(&bad, &c));
    REFUSED(BCEMR_BAD_REENCRYPTION, doctor_opens(&bad, 0));
    dishonest_free(&bad);
    OK(play_grant(&terms, &c));
    REFUSED(BCEMR_BAD_GRANT_KEY, doctor_opens(&terms, 0));
    dishonest_free(&terms);
    OK(play_grant(&unused, &c)); /* the secret is right and opens, whatever the terms say of it */
    OK(doctor_opens(&unused, 0));
    dishonest_free(&unused);
}

static void a_record_is_opened_after_its_answer(void **state)
{
    dishonest x = {0};
    (void)state;
    OK(play_grant(&x, &c));
    FAILS(BCEMR_E_NOT_FOUND, doctor_opens(&x, 1));
    OK(doctor_opens(&x, 0));
    x.records[0].vid.b[0] ^= 1;
    REFUSED(BCEMR_BAD_TERMS, take_answer(&x)); /* a refused answer leaves the one that is held */
    OK(doctor_opens(&x, 0));
    c.payload.p[c.payload.n - 1] ^= 1;
    REFUSED(BCEMR_BAD_CHUNK, doctor_opens(&x, 0));
    REFUSED(BCEMR_BAD_CHUNK, patient_opens_it());
    c.payload.p[c.payload.n - 1] ^= 1;
    OK(patient_opens_it());
    ask_for_it(&x); /* what is asked now has not been answered */
    FAILS(BCEMR_E_STATE, doctor_opens(&x, 0));
    dishonest_free(&x);
}

/* A hospital that confirmed a key commitment which fits nothing: a capsule that nobody can open. */
static void a_bad_capsule_is_told_apart(void **state)
{
    dishonest x = {0};
    bcemr_tr_header h;
    bcemr_buf bytes = BCEMR_BUF_EMPTY, confirmation = BCEMR_BUF_EMPTY;
    hospital *a = c.nodes[HOSPITAL_1].hospital;
    (void)state;
    clinic_seal(&c, 2);
    must(bcemr_read_header(bcemr_buf_span(&c.header), &h, NULL));
    flip(&h.kc);
    client_visit visit;
    must(client_visit_load(&c.view, &c.vid, &visit, NULL));
    must(bcemr_header_sign(&c.visits[2]->ssk, &c.vid, bcemr_visit_log_last_context(visit.log), &h,
                           NULL));
    client_visit_free(&visit);
    must(bcemr_write_header(&h, &bytes, NULL));
    must(bcemr_buf_set(&c.header, bcemr_buf_span(&bytes)));
    must(bcemr_buf_set(&c.visits[2]->header, bcemr_buf_span(&bytes)));
    bcemr_switch_off(BCEMR_BAD_KEY_COMMITMENT);
    must(clinic_check_seal(&c, 2));
    bcemr_switch_all_on();
    for (uint64_t n = CLOUD_1; n <= CLOUD_2; n++) {
        must(clinic_upload(&c, n, c.doctors[2].id, &confirmation));
        must(hospital_confirmation(a, bcemr_buf_span(&confirmation), NULL));
    }
    must(hospital_seal(a, &c.vid, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    REFUSED(BCEMR_BAD_CAPSULE, patient_opens_it());
    OK(play_grant(&x, &c));
    REFUSED(BCEMR_BAD_CAPSULE, doctor_opens(&x, 0));
    dishonest_free(&x);
    bcemr_buf_free(&bytes);
    bcemr_buf_free(&confirmation);
}

/* ---- the case block ---- */

static void a_case_is_sealed(void **state)
{
    (void)state;
    clinic_seal(&c, 2);
    REFUSED(BCEMR_NOT_SEALED, patient_opens_it());
}

static uint64_t lie_leaf;

static bcemr_status other_leaf(void *user, const bcemr_hash *vid, uint64_t *leaf)
{
    (void)user;
    (void)vid;
    *leaf = lie_leaf;
    return BCEMR_OK;
}

static bcemr_status broken_inclusion(void *user, uint64_t leaf, bcemr_buf *out)
{
    bcemr_status status = truth.inclusion(user, leaf, out);
    out->p[out->n - 1] ^= 1;
    return status;
}

/* The proof of the leaf before: a proper one, of another entry. */
static bcemr_status inclusion_of_another(void *user, uint64_t leaf, bcemr_buf *out)
{
    return truth.inclusion(user, leaf - 1, out);
}

static uint64_t lie_votes = 15;
static void (*lie_checkpoint)(bcemr_tr_checkpoint *);

static bcemr_status other_checkpoint(void *user, bcemr_buf *out)
{
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    bcemr_tr_cosigned value;
    bcemr_tr_checkpoint checkpoint;
    const bcemr_secrets *voters[CLINIC_NODES];
    bcemr_set *set = bcemr_allocate(sizeof *set);
    assert_non_null(set);
    must(truth.checkpoint(user, &cosigned));
    must(bcemr_read_cosigned(bcemr_buf_span(&cosigned), &value, NULL));
    must(bcemr_read_checkpoint(value.checkpoint, &checkpoint, NULL));
    if (lie_checkpoint)
        lie_checkpoint(&checkpoint);
    for (int n = 0; n < CLINIC_NODES; n++)
        voters[n] = &c.consortium.nodes[n].keys;
    must(ledger_chain_set_now(c.chain, set, NULL));
    consortium_cosign(set, &checkpoint, voters, lie_votes, out);
    bcemr_set_free(set);
    bcemr_release(set);
    bcemr_buf_free(&cosigned);
    return BCEMR_OK;
}

static void other_ledger(bcemr_tr_checkpoint *checkpoint)
{
    flip(&checkpoint->ledger);
}

static void other_set(bcemr_tr_checkpoint *checkpoint)
{
    flip(&checkpoint->set);
}

static void other_root(bcemr_tr_checkpoint *checkpoint)
{
    flip(&checkpoint->root);
}

/* A visit whose first Sign came a millisecond later: the body is not the header's. */
static bcemr_status other_body(void *user, const bcemr_hash *vid, bcemr_buf *out)
{
    bcemr_buf leaves = BCEMR_BUF_EMPTY, again = BCEMR_BUF_EMPTY;
    bcemr_list list;
    bcemr_span items[16];
    bcemr_tr_leaf leaf;
    must(truth.visit(user, vid, &leaves));
    must(bcemr_read_list(&bcemr_type_leaf, bcemr_buf_span(&leaves), 1, 16, &list, NULL));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_leaf, &list);
    for (uint64_t i = 0; bcemr_list_next(&iter, &items[i]); i++)
        ;
    must(bcemr_read_leaf(items[1], &leaf, NULL));
    leaf.tau++;
    must(bcemr_write_leaf(&leaf, &again, NULL));
    items[1] = bcemr_buf_span(&again);
    const bcemr_list changed = BCEMR_LIST_OF(items, list.count);
    must(bcemr_write_list(&bcemr_type_leaf, &changed, out, NULL));
    bcemr_buf_free(&leaves);
    bcemr_buf_free(&again);
    return BCEMR_OK;
}

static bcemr_span liar; /* whose row is another's */

static bcemr_status other_member(void *user, bcemr_span id, uint64_t leaf, bcemr_buf *out)
{
    bcemr_tr_member member;
    bcemr_buf raw = BCEMR_BUF_EMPTY;
    bcemr_status status = truth.member(user, id, leaf, &raw);
    if (status != BCEMR_OK || !bcemr_span_equal(id, liar)) {
        must(bcemr_buf_append(out, bcemr_buf_span(&raw)));
    } else {
        must(bcemr_read_member(bcemr_buf_span(&raw), &member, NULL));
        member.x = c.consortium.nodes[HOSPITAL_3].publics.x;
        must(bcemr_write_member(&member, out, NULL));
    }
    bcemr_buf_free(&raw);
    return status;
}

static bcemr_status member_left(void *user, bcemr_span id, uint64_t leaf, bcemr_buf *out)
{
    return bcemr_span_equal(id, liar) ? BCEMR_E_NOT_FOUND : truth.member(user, id, leaf, out);
}

static void lie_and_open(bcemr_verdict verdict)
{
    REFUSED(verdict, patient_opens_it());
    c.view = truth;
    lie_votes = 15;
    lie_checkpoint = NULL;
}

static void the_case_block_is_on_the_ledger(void **state)
{
    static const struct {
        void (*change)(bcemr_tr_checkpoint *);
        uint64_t votes;
        bcemr_verdict verdict;
    } checkpoints[] = {{NULL, 3, BCEMR_NOT_ENOUGH_SIGNERS},
                       {other_ledger, 15, BCEMR_WRONG_LEDGER},
                       {other_set, 15, BCEMR_BAD_SET},
                       {other_root, 15, BCEMR_BAD_INCLUSION}};
    const bcemr_hash vid = c.vid;
    (void)state;
    for (size_t i = 0; i < COUNT(checkpoints); i++) {
        c.view.checkpoint = other_checkpoint;
        lie_checkpoint = checkpoints[i].change;
        lie_votes = checkpoints[i].votes;
        lie_and_open(checkpoints[i].verdict);
    }
    c.view.inclusion = broken_inclusion;
    lie_and_open(BCEMR_BAD_INCLUSION);
    c.view.inclusion = inclusion_of_another;
    lie_and_open(BCEMR_BAD_CASE_BLOCK);
    must(c.view.case_header(c.view.user, &vid, &lie_leaf));
    lie_leaf--; /* the Seal itself */
    c.view.case_header = other_leaf;
    lie_and_open(BCEMR_BAD_CASE_BLOCK);
    c.view.visit = other_body;
    lie_and_open(BCEMR_BAD_CASE_BLOCK);
    for (int n = 0; n < CLINIC_NODES; n++) {
        liar = c.nodes[n].id;
        c.view.member = other_member;
        if (n == HOSPITAL_2) { /* has no part in this visit */
            OK(patient_opens_it());
            c.view = truth;
        } else {
            lie_and_open(BCEMR_BAD_JOINT_SIGNATURE);
        }
    }
    liar = c.nodes[CLOUD_2].id;
    c.view.member = member_left;
    lie_and_open(BCEMR_BAD_JOINT_SIGNATURE);
    OK(patient_opens_it());
}

/* The header of another visit's case, properly on the ledger. */
static void a_case_block_is_of_one_visit(void **state)
{
    bcemr_buf record = BCEMR_BUF_EMPTY;
    bcemr_patient_visit first = c.visit;
    const bcemr_hash vid = c.vid;
    (void)state;
    must(c.view.case_header(c.view.user, &vid, &lie_leaf));
    must(bcemr_buf_set(&record, bcemr_buf_span(&c.header)));
    memset(&c.visit, 0, sizeof c.visit);
    for (uint64_t d = 0; d < CLINIC_TEAM; d++) {
        bcemr_doctor_visit_free(c.visits[d]);
        c.visits[d] = NULL;
    }
    must(clinic_admit(&c));
    for (uint64_t d = 0; d < CLINIC_TEAM; d++)
        must(clinic_join(&c, d));
    clinic_diagnose(&c, 0, CLINIC_TEAM - 1);
    clinic_to_sealed(&c, CLOUD_1, CLOUD_2);
    OK(patient_opens_it());
    REFUSED(BCEMR_HEADER_NOT_CASE, patient_opens(bcemr_buf_span(&record)));
    c.view.case_header = other_leaf;
    lie_and_open(BCEMR_BAD_CASE_BLOCK);
    bcemr_patient_visit_free(&first);
    bcemr_buf_free(&record);
}

/* Seals that the ledger let in: by too few of the clouds, and by a signature that is none. */
static bcemr_status change_seal(void *user, bcemr_span signed_entry, bcemr_error *err)
{
    bcemr_signed_parts parts;
    bcemr_tr_e_seal seal;
    bcemr_g1 point;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    (void)user;
    must(bcemr_signed_read(signed_entry, &parts, NULL));
    must(bcemr_read_e_seal(parts.entry, &seal, NULL));
    bcemr_g1_from_secret(&c.consortium.doctors[0].keys.x, &point);
    bcemr_g1_encode(&point, &seal.signature);
    must(bcemr_signed_make_value(&bcemr_type_e_seal, &seal, NULL, 0, &out, NULL));
    bcemr_status status = clinic_post(&c, bcemr_buf_span(&out));
    *err = c.error;
    bcemr_buf_free(&out);
    return status;
}

static void confirmations_hold_together(void **state)
{
    bcemr_buf confirmation = BCEMR_BUF_EMPTY;
    hospital *a = c.nodes[HOSPITAL_1].hospital;
    uint64_t refused = 0;
    bcemr_error error = {0};
    (void)state;
    clinic_seal(&c, 2);
    must(clinic_check_seal(&c, 2));
    for (uint64_t n = CLOUD_1; n <= CLOUD_2; n++) {
        must(clinic_upload(&c, n, c.doctors[2].id, &confirmation));
        must(hospital_confirmation(a, bcemr_buf_span(&confirmation), NULL));
    }
    must(hospital_seal(a, &c.vid, NULL));
    bcemr_switch_off_reason(LEDGER_R_SEAL_SIGNATURE);
    must(server_memory_outbox_send(c.nodes[HOSPITAL_1].box, change_seal, NULL, &refused, &error));
    assert_int_equal(refused, 0);
    bcemr_switch_all_on();
    clinic_checkpoint(&c);
    REFUSED(BCEMR_BAD_JOINT_SIGNATURE, patient_opens_it());
    bcemr_buf_free(&confirmation);
}

static void u_clouds_confirm(void **state)
{
    (void)state;
    bcemr_switch_off(BCEMR_NOT_ENOUGH_SIGNERS);
    bcemr_switch_off_reason(LEDGER_R_SEAL_CLOUDS);
    clinic_to_sealed(&c, CLOUD_1, CLOUD_1);
    bcemr_switch_all_on();
    REFUSED(BCEMR_NOT_ENOUGH_SIGNERS, patient_opens_it());
    liar = c.nodes[CLOUD_2].id; /* had it left the set by then, one would do */
    c.view.member = member_left;
    OK(patient_opens_it());
    c.view = truth;
}

/* ---- no memory ---- */

static dishonest again;

static bcemr_status doctor_opens_again(void)
{
    return doctor_opens(&again, 0);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    EVERY_ALLOCATION(patient_opens_it());
    OK(play_grant(&again, &c));
    EVERY_ALLOCATION(doctor_opens_again());
    dishonest_free(&again);
}

#define FROM(stage, test) cmocka_unit_test_setup_teardown(test, play_##stage, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FROM(sealed, the_header_is_the_cases),
        FROM(sealed, a_wrong_key_is_somebodys_fault),
        FROM(sealed, a_record_is_opened_after_its_answer),
        FROM(signed, a_bad_capsule_is_told_apart),
        FROM(signed, a_case_is_sealed),
        FROM(sealed, the_case_block_is_on_the_ledger),
        FROM(sealed, a_case_block_is_of_one_visit),
        FROM(signed, confirmations_hold_together),
        FROM(signed, u_clouds_confirm),
        FROM(sealed, every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
