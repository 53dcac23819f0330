/* SPDX-License-Identifier: Apache-2.0 */
/* A cloud's records: every check of section 6 has an upload that it alone refuses; who may read
 * when, late clouds, erasure, and what the ledger makes it drop. */
#include "server/server_test.h"

#include "client/doctor_visit.h"
#include "server/cloud_state.h"

static clinic c;

#define K (c.nodes[CLOUD_1].cloud)
#define H (c.nodes[HOSPITAL_1].hospital)

static int play_to_admitted(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_ADMITTED);
    return 0;
}

static int play_to_signed(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_SIGNED);
    clinic_seal(&c, 2);
    return 0;
}

static int play_to_sealed(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_SEALED);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bcemr_switch_all_on();
    clinic_end(&c);
    return 0;
}

static bcemr_status upload_as(bcemr_span from)
{
    bcemr_buf confirmation = BCEMR_BUF_EMPTY;
    uint64_t stored = server_memory_store_count(c.nodes[CLOUD_1].memory);
    bcemr_status status = clinic_upload(&c, CLOUD_1, from, &confirmation);
    if (status != BCEMR_OK) {
        assert_int_equal(confirmation.n, 0);
        assert_int_equal(server_memory_store_count(c.nodes[CLOUD_1].memory), stored);
    }
    bcemr_buf_free(&confirmation);
    return status;
}

static bcemr_status upload(void)
{
    return upload_as(c.doctors[2].id);
}

/* The header in the clinic with a change, sealed anew under the one-time key when it is there. */
typedef enum change {
    CHANGE_SVK,
    CHANGE_OSIG,
    CHANGE_B,
    CHANGE_C,
    CHANGE_ROOT,
    CHANGE_LENGTH
} change;

static void change_header(change what)
{
    bcemr_tr_header h;
    bcemr_bytes16 tags[64];
    client_visit log;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    bcemr_ed_secret ssk = c.visits[2]->ssk;
    must(bcemr_read_header(bcemr_buf_span(&c.header), &h, NULL));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_bytes16_item, &h.tags);
    for (uint64_t i = 0; i < h.tags.count; i++)
        (void)bcemr_list_next(&iter, &tags[i]);
    h.tags = BCEMR_LIST_OF(tags, h.tags.count);
    if (what == CHANGE_SVK) {
        h.svk = c.visit.keys.av_public;
        ssk = c.visit.keys.av;
    }
    if (what == CHANGE_B)
        h.b = c.visit.keys.pkv;
    if (what == CHANGE_C)
        h.c = c.consortium.p;
    if (what == CHANGE_ROOT)
        h.root.b[0] ^= 1;
    if (what == CHANGE_LENGTH)
        h.length++;
    must(client_visit_load(&c.view, &c.vid, &log, NULL));
    must(bcemr_header_sign(&ssk, &c.vid, bcemr_visit_log_last_context(log.log), &h, NULL));
    client_visit_free(&log);
    if (what == CHANGE_OSIG)
        h.osig.b[5] ^= 1;
    must(bcemr_write_header(&h, &out, NULL));
    bcemr_buf_free(&c.header);
    c.header = out;
}

static void takes_only_headers_that_hold(void **state)
{
    (void)state;
    static const struct {
        change what;
        bcemr_verdict verdict;
    } cases[] = {
        {CHANGE_SVK, BCEMR_WRONG_SEAL_KEY}, {CHANGE_OSIG, BCEMR_BAD_SEAL_SIGNATURE},
        {CHANGE_B, BCEMR_BAD_CAPSULE},      {CHANGE_C, BCEMR_BAD_CAPSULE},
        {CHANGE_ROOT, BCEMR_BAD_ROOT},      {CHANGE_LENGTH, BCEMR_BAD_LENGTH},
    };
    bcemr_buf good = BCEMR_BUF_EMPTY;
    must(bcemr_buf_append(&good, bcemr_buf_span(&c.header)));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        change_header(cases[i].what);
        assert_clinic_refused(upload(), cases[i].verdict);
        must(bcemr_buf_set(&c.header, bcemr_buf_span(&good)));
    }
    assert_int_equal(K->records.count, 0);
    assert_status(upload(), BCEMR_OK);
    bcemr_buf_free(&good);
}

static void takes_only_payloads_that_hash(void **state)
{
    (void)state;
    c.payload.p[100] ^= 1;
    assert_clinic_refused(upload(), BCEMR_BAD_ROOT);
    c.payload.p[100] ^= 1;
    c.payload_span.n--;
    assert_clinic_refused(upload(), BCEMR_BAD_LENGTH);
    c.payload_span.n++;
    server_memory_store_fail(c.nodes[CLOUD_1].memory, 1, false);
    assert_status(upload(), BCEMR_E_IO);
    assert_int_equal(K->records.count, 0);
    assert_status(upload(), BCEMR_OK);
}

static void takes_only_from_who_may_bring_it(void **state)
{
    (void)state;
    assert_clinic_refused(upload_as(c.doctors[0].id), BCEMR_NOT_ENTITLED);
    assert_clinic_refused(upload_as(c.nodes[HOSPITAL_2].id), BCEMR_NOT_ENTITLED);
    assert_clinic_refused(upload_as(bcemr_text("nobody")), BCEMR_NOT_ENTITLED);
    assert_status(upload_as(c.nodes[CLOUD_2].id), BCEMR_OK);
    assert_status(upload_as(c.nodes[HOSPITAL_1].id), BCEMR_OK);
    assert_status(upload(), BCEMR_OK);
    assert_int_equal(K->records.count, 1);
}

static void takes_nothing_before_all_have_signed(void **state)
{
    (void)state;
    bcemr_hash vid = c.vid;
    c.vid.b[0] ^= 1;
    assert_clinic_refused(upload(), BCEMR_NOT_ADMITTED);
    c.vid = vid;
    assert_clinic_refused(upload(), BCEMR_NOT_ALL_SIGNED);
}

static void takes_nothing_while_a_reissue_is_pending(void **state)
{
    (void)state;
    must(hospital_reissue(H, &c.vid, BCEMR_reissue_reason_OTHER, c.now, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    assert_clinic_refused(upload(), BCEMR_REISSUE_PENDING);
    must(hospital_abort(H, &c.vid, BCEMR_abort_reason_FAULT, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    assert_clinic_refused(upload(), BCEMR_NOT_ADMITTED);
}

static void keeps_one_record_a_key(void **state)
{
    (void)state;
    assert_status(upload(), BCEMR_OK);
    clinic_seal(&c, 2); /* fresh capsule, same one-time key */
    assert_clinic_refused(upload(), BCEMR_RECORD_REPEATED);
    assert_int_equal(K->records.count, 1);
}

static void drops_what_the_ledger_overtakes(void **state)
{
    (void)state;
    assert_status(upload(), BCEMR_OK);
    assert_int_equal(server_memory_store_count(c.nodes[CLOUD_1].memory), 1);
    must(hospital_reissue(H, &c.vid, BCEMR_reissue_reason_OTHER, c.now, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    assert_int_equal(K->records.count, 0);
    assert_int_equal(server_memory_store_count(c.nodes[CLOUD_1].memory), 0);
    clinic_diagnose(&c, 2, 2);
    assert_clinic_refused(upload(), BCEMR_WRONG_SEAL_KEY); /* the old one */
    clinic_seal(&c, 2);
    assert_status(upload(), BCEMR_OK);
    const hospital_place tail[1] = {{c.doctors[3].id, c.now + CLINIC_HOUR}};
    must(hospital_amend(H, &c.vid, tail, 1, c.now, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    assert_int_equal(K->records.count, 0);
}

static int play_to_signed_with_u_1(void **state)
{
    (void)state;
    clinic_begin(&c);
    c.u = 1;
    clinic_go(&c, CLINIC_SIGNED);
    clinic_seal(&c, 2);
    return 0;
}

static void drops_a_record_that_was_not_sealed(void **state)
{
    (void)state;
    assert_status(upload(), BCEMR_OK); /* one record here, another sealed with cloud-2 */
    clinic_to_sealed(&c, CLOUD_2, CLOUD_2);
    assert_int_equal(K->records.count, 0);
    assert_int_equal(server_memory_store_count(c.nodes[CLOUD_1].memory), 0);
}

/* ---- reading ---- */

static bcemr_status read_as(cloud_reader_kind kind, bcemr_span who)
{
    bcemr_buf header = BCEMR_BUF_EMPTY;
    bcemr_source payload = {0};
    c.error = (bcemr_error){0};
    bcemr_status status = cloud_read(K, &c.vid, kind, who, c.now, &header, &payload, &c.error);
    if (status == BCEMR_OK) {
        assert_true(bcemr_span_equal(bcemr_buf_span(&header), bcemr_buf_span(&c.header)));
        assert_int_equal(payload.length, c.payload.n);
        cloud_read_close(K, &payload);
    }
    bcemr_buf_free(&header);
    return status;
}

static void serves_the_hospital_alone_until_the_seal(void **state)
{
    (void)state;
    const bcemr_span av = bcemr_span_of(c.visit.keys.av_public.b, 32);
    assert_status(read_as(CLOUD_READER_MEMBER, c.nodes[HOSPITAL_1].id), BCEMR_E_NOT_FOUND);
    assert_status(upload(), BCEMR_OK);
    assert_clinic_refused(read_as(CLOUD_READER_MEMBER, c.nodes[CLOUD_2].id), BCEMR_NOT_ENTITLED);
    assert_clinic_refused(read_as(CLOUD_READER_PATIENT, av), BCEMR_NOT_ENTITLED);
    assert_clinic_refused(read_as(CLOUD_READER_DOCTOR, c.doctors[2].id), BCEMR_NOT_ENTITLED);
    assert_status(read_as(CLOUD_READER_MEMBER, c.nodes[HOSPITAL_1].id), BCEMR_OK);
}

static void serves_hospital_clouds_and_patient_after_it(void **state)
{
    (void)state;
    const bcemr_span av = bcemr_span_of(c.visit.keys.av_public.b, 32);
    const bcemr_span other = bcemr_span_of(c.consortium.doctors[0].publics.a.b, 32);
    assert_status(read_as(CLOUD_READER_MEMBER, c.nodes[HOSPITAL_1].id), BCEMR_OK);
    assert_status(read_as(CLOUD_READER_MEMBER, c.nodes[CLOUD_2].id), BCEMR_OK);
    assert_status(read_as(CLOUD_READER_PATIENT, av), BCEMR_OK);
    assert_clinic_refused(read_as(CLOUD_READER_MEMBER, c.nodes[HOSPITAL_2].id), BCEMR_NOT_ENTITLED);
    assert_clinic_refused(read_as(CLOUD_READER_PATIENT, other), BCEMR_NOT_ENTITLED);
    assert_clinic_refused(read_as(CLOUD_READER_DOCTOR, c.doctors[2].id), BCEMR_NOT_ENTITLED);
    assert_clinic_refused(read_as(CLOUD_READER_DOCTOR, c.doctors[3].id), BCEMR_NOT_ENTITLED);
}

static void pairs_once_and_takes_no_other_after_the_seal(void **state)
{
    (void)state;
    assert_status(upload(), BCEMR_OK); /* the same again */
    assert_status(cloud_confirm(K, &c.vid, &c.error), BCEMR_E_EXISTS);
    change_header(CHANGE_ROOT);
    assert_clinic_refused(upload(), BCEMR_OTHER_CASE);
}

/* ---- a cloud that comes later ---- */

static void a_late_cloud_of_the_visit_confirms(void **state)
{
    (void)state;
    bool counts = true;
    client_visit log;
    clinic_to_sealed(&c, CLOUD_2, CLOUD_2);
    must(client_visit_load(&c.view, &c.vid, &log, NULL));
    must(cloud_counts(K, log.log, c.nodes[CLOUD_1].id, &counts, NULL));
    assert_false(counts);
    assert_status(cloud_confirm(K, &c.vid, &c.error), BCEMR_E_NOT_FOUND);
    assert_status(upload(), BCEMR_OK);
    assert_status(cloud_confirm(K, &c.vid, &c.error), BCEMR_OK);
    assert_status(clinic_pump(&c, CLOUD_1), BCEMR_OK);
    must(cloud_counts(K, log.log, c.nodes[CLOUD_1].id, &counts, NULL));
    assert_true(counts);
    assert_status(cloud_confirm(K, &c.vid, &c.error), BCEMR_E_EXISTS);
    client_visit_free(&log);
}

static void confirms_nothing_before_the_seal(void **state)
{
    (void)state;
    assert_status(upload(), BCEMR_OK);
    assert_clinic_refused(cloud_confirm(K, &c.vid, &c.error), BCEMR_NOT_SEALED);
}

static int play_to_a_visit_of_cloud_2(void **state)
{
    (void)state;
    clinic_begin(&c);
    c.u = 1;
    c.first_cloud = CLOUD_2;
    clinic_go(&c, CLINIC_SEALED);
    return 0;
}

static bcemr_status upload_hosted(bcemr_asker by, const bcemr_ed_signature *host)
{
    bcemr_buf confirmation = BCEMR_BUF_EMPTY;
    const bcemr_source payload = bcemr_source_bytes(&c.payload_span);
    const cloud_upload given = {c.vid, c.nodes[CLOUD_2].id, bcemr_buf_span(&c.header), &payload, by,
                                host};
    c.error = (bcemr_error){0};
    bcemr_status status = cloud_take_record(K, &given, &confirmation, &c.error);
    bcemr_buf_free(&confirmation);
    return status;
}

static void another_cloud_hosts_only_when_let(void **state)
{
    (void)state;
    bcemr_ed_signature host, av;
    bcemr_error err = {0};
    must(hospital_host(H, &c.vid, c.nodes[CLOUD_1].id, &host, NULL));
    assert_refused(
        hospital_host(c.nodes[HOSPITAL_2].hospital, &c.vid, c.nodes[CLOUD_1].id, &av, &err), err,
        BCEMR_NOT_ENTITLED);
    assert_refused(hospital_host(H, &c.vid, c.nodes[HOSPITAL_2].id, &av, &err), err,
                   BCEMR_NOT_A_CLOUD_OF_VISIT);
    const bcemr_tr_host fields = {c.consortium.ledger, c.vid, c.nodes[CLOUD_1].id};
    must(bcemr_ed_sign_value(&c.visit.keys.av, &bcemr_type_host, &fields, &av, NULL));
    assert_clinic_refused(upload(), BCEMR_NOT_A_CLOUD_OF_VISIT);
    assert_clinic_refused(upload_hosted(BCEMR_asker_PATIENT, &host), BCEMR_NOT_A_CLOUD_OF_VISIT);
    assert_clinic_refused(upload_hosted(BCEMR_asker_HOSPITAL, &av), BCEMR_NOT_A_CLOUD_OF_VISIT);
    assert_status(upload_hosted(BCEMR_asker_PATIENT, &av), BCEMR_OK);
    assert_status(cloud_confirm(K, &c.vid, &c.error), BCEMR_OK);
    assert_status(clinic_pump(&c, CLOUD_1), BCEMR_OK);
}

static void the_hospital_may_let_another_cloud_host(void **state)
{
    (void)state;
    bcemr_ed_signature host;
    must(hospital_host(H, &c.vid, c.nodes[CLOUD_1].id, &host, NULL));
    assert_status(upload_hosted(BCEMR_asker_HOSPITAL, &host), BCEMR_OK);
    assert_status(cloud_confirm(K, &c.vid, &c.error), BCEMR_OK);
    assert_status(clinic_pump(&c, CLOUD_1), BCEMR_OK);
}

/* hospital-1 gets new keys; the others vote. */
static void rekey_the_hospital(void)
{
    consortium_node *node = &c.consortium.nodes[HOSPITAL_1];
    bcemr_buf entry = BCEMR_BUF_EMPTY, pop = BCEMR_BUF_EMPTY, made = BCEMR_BUF_EMPTY;
    bcemr_tr_pop possession;
    authority_vote votes[3];
    consortium_node_make(node, "hospital-1", BCEMR_role_HOSPITAL, "fresh");
    must(authority_rekey(&c.view, &node->row, true, &entry, NULL));
    bcemr_member_pop(&c.consortium.ledger, &node->row, &possession);
    must(bcemr_pop_make(&node->keys.x, &node->keys.a, &possession, &pop, NULL));
    for (uint64_t n = 0; n < 3; n++) {
        votes[n].id = c.nodes[n + 1].id;
        must(
            server_vote(&c.nodes[n + 1].signer, bcemr_buf_span(&entry), &votes[n].signature, NULL));
    }
    must(authority_change(&c.authority, &c.view, bcemr_buf_span(&entry), votes, 3,
                          bcemr_buf_span(&pop), NULL, &made, NULL));
    must(clinic_post(&c, bcemr_buf_span(&made)));
    bcemr_buf_free(&entry);
    bcemr_buf_free(&pop);
    bcemr_buf_free(&made);
}

static void asks_to_host_again_when_the_hospital_has_new_keys(void **state)
{
    (void)state;
    bcemr_ed_signature old, fresh;
    must(hospital_host(H, &c.vid, c.nodes[CLOUD_1].id, &old, NULL));
    assert_status(upload_hosted(BCEMR_asker_HOSPITAL, &old), BCEMR_OK);
    rekey_the_hospital();
    assert_clinic_refused(cloud_confirm(K, &c.vid, &c.error), BCEMR_NOT_A_CLOUD_OF_VISIT);
    assert_string_equal(c.error.object, "host");
    assert_clinic_refused(upload_hosted(BCEMR_asker_HOSPITAL, &old), BCEMR_NOT_A_CLOUD_OF_VISIT);
    must(hospital_host(H, &c.vid, c.nodes[CLOUD_1].id, &fresh, NULL));
    assert_status(upload_hosted(BCEMR_asker_HOSPITAL, &fresh), BCEMR_OK);
    assert_status(cloud_confirm(K, &c.vid, &c.error), BCEMR_OK);
    assert_status(clinic_pump(&c, CLOUD_1), BCEMR_OK);
}

/* ---- erasure ---- */

static bcemr_status erase(const bcemr_tr_erase *asked, bcemr_asker by,
                          const bcemr_ed_signature *signature, int64_t now)
{
    bcemr_buf transcript = BCEMR_BUF_EMPTY;
    must(bcemr_write_erase(asked, &transcript, NULL));
    c.error = (bcemr_error){0};
    bcemr_status status = cloud_erase(K, bcemr_buf_span(&transcript), by, signature, now, &c.error);
    bcemr_buf_free(&transcript);
    return status;
}

static void erases_for_the_patient(void **state)
{
    (void)state;
    bcemr_ed_signature good, bad;
    bcemr_tr_erase asked = {c.consortium.ledger, c.vid};
    must(bcemr_ed_sign_value(&c.visit.keys.av, &bcemr_type_erase, &asked, &good, NULL));
    bad = good;
    bad.b[0] ^= 1;
    assert_clinic_refused(erase(&asked, BCEMR_asker_PATIENT, &bad, c.now), BCEMR_BAD_ERASURE);
    assert_clinic_refused(erase(&asked, BCEMR_asker_NOBODY, &good, c.now), BCEMR_BAD_ERASURE);
    asked.ledger.b[0] ^= 1;
    assert_clinic_refused(erase(&asked, BCEMR_asker_PATIENT, &good, c.now), BCEMR_WRONG_LEDGER);
    asked.ledger.b[0] ^= 1;
    assert_int_equal(server_memory_store_count(c.nodes[CLOUD_1].memory), 1);
    assert_status(erase(&asked, BCEMR_asker_PATIENT, &good, c.now), BCEMR_OK);
    assert_int_equal(server_memory_store_count(c.nodes[CLOUD_1].memory), 0);
    assert_clinic_refused(read_as(CLOUD_READER_MEMBER, c.nodes[HOSPITAL_1].id), BCEMR_CASE_ERASED);
    assert_status(clinic_pump(&c, CLOUD_1), BCEMR_OK);
    assert_clinic_refused(upload(), BCEMR_CASE_ERASED);
    assert_clinic_refused(cloud_confirm(K, &c.vid, &c.error), BCEMR_CASE_ERASED);
    assert_status(erase(&asked, BCEMR_asker_PATIENT, &good, c.now), BCEMR_OK); /* once more */
}

static void erases_for_the_hospital_after_retention(void **state)
{
    (void)state;
    bcemr_ed_signature signature;
    bcemr_buf transcript = BCEMR_BUF_EMPTY;
    const bcemr_tr_erase asked = {c.consortium.ledger, c.vid};
    int64_t later = c.now + CONSORTIUM_RETENTION + 1000;
    must(hospital_erase(H, &c.vid, later, &transcript, &signature, NULL));
    assert_clinic_refused(erase(&asked, BCEMR_asker_HOSPITAL, &signature, c.now),
                          BCEMR_RETENTION_RUNS);
    assert_clinic_refused(erase(&asked, BCEMR_asker_PATIENT, &signature, later), BCEMR_BAD_ERASURE);
    c.now = later; /* by this clock alone: the ledger would not take it */
    assert_clinic_refused(erase(&asked, BCEMR_asker_HOSPITAL, &signature, later),
                          BCEMR_RETENTION_RUNS);
    assert_int_equal(server_memory_store_count(c.nodes[CLOUD_1].memory), 1);
    clinic_enrol(&c, CLINIC_DOCTORS, HOSPITAL_1); /* the ledger's time comes after */
    assert_status(erase(&asked, BCEMR_asker_HOSPITAL, &signature, 0), BCEMR_OK);
    assert_status(clinic_pump(&c, CLOUD_1), BCEMR_OK);
    bcemr_buf_free(&transcript);
}

static bcemr_status no_room(void *user, bcemr_span signed_entry, bcemr_error *err)
{
    (void)user;
    (void)signed_entry;
    (void)err;
    return BCEMR_E_TOO_MANY;
}

static bcemr_status stays(void *user, const char *name, bcemr_error *err)
{
    (void)user;
    (void)name;
    (void)err;
    return BCEMR_E_IO;
}

/* Whatever fails between the Erase and the destruction, neither comes without the other. */
static void finishes_an_erasure_that_was_cut_short(void **state)
{
    (void)state;
    bcemr_ed_signature good;
    bcemr_span waiting;
    clinic_node *node = &c.nodes[CLOUD_1];
    const server_outbox outbox = node->outbox;
    const server_store store = node->store;
    const bcemr_tr_erase asked = {c.consortium.ledger, c.vid};
    must(bcemr_ed_sign_value(&c.visit.keys.av, &bcemr_type_erase, &asked, &good, NULL));
    node->outbox.put = no_room;
    assert_status(erase(&asked, BCEMR_asker_PATIENT, &good, c.now), BCEMR_E_TOO_MANY);
    assert_int_equal(server_memory_store_count(node->memory), 1);
    assert_status(read_as(CLOUD_READER_MEMBER, c.nodes[HOSPITAL_1].id), BCEMR_OK);
    node->outbox = outbox;
    node->store.remove = stays;
    assert_status(erase(&asked, BCEMR_asker_PATIENT, &good, c.now), BCEMR_E_IO);
    assert_status(server_memory_outbox_next(node->box, &waiting), BCEMR_OK);
    assert_clinic_refused(read_as(CLOUD_READER_MEMBER, c.nodes[HOSPITAL_1].id), BCEMR_CASE_ERASED);
    assert_clinic_refused(upload(), BCEMR_CASE_ERASED);
    assert_status(cloud_observe(K, c.now, NULL), BCEMR_E_IO);
    node->store = store;
    must(clinic_pump(&c, CLOUD_1));
    assert_int_equal(server_memory_store_count(node->memory), 0);
}

/* A cloud that came back from a crash with its record learns of its Erase from the ledger. */
static void destroys_what_its_erase_on_the_ledger_names(void **state)
{
    (void)state;
    bcemr_ed_signature good;
    clinic_node *node = &c.nodes[CLOUD_1];
    const bcemr_tr_erase asked = {c.consortium.ledger, c.vid};
    must(bcemr_ed_sign_value(&c.visit.keys.av, &bcemr_type_erase, &asked, &good, NULL));
    const bcemr_tr_e_erase entry = {c.consortium.ledger, c.vid, node->id, BCEMR_asker_PATIENT,
                                    good};
    must(cloud_post(K, &bcemr_type_e_erase, &entry, NULL));
    assert_int_equal(server_memory_store_count(node->memory), 1);
    must(clinic_pump(&c, CLOUD_1));
    assert_int_equal(server_memory_store_count(node->memory), 0);
    assert_clinic_refused(read_as(CLOUD_READER_MEMBER, c.nodes[HOSPITAL_1].id), BCEMR_CASE_ERASED);
}

static void erases_nothing_unsealed(void **state)
{
    (void)state;
    bcemr_ed_signature signature;
    const bcemr_tr_erase asked = {c.consortium.ledger, c.vid};
    must(bcemr_ed_sign_value(&c.visit.keys.av, &bcemr_type_erase, &asked, &signature, NULL));
    assert_status(erase(&asked, BCEMR_asker_PATIENT, &signature, c.now), BCEMR_E_NOT_FOUND);
    assert_status(upload(), BCEMR_OK);
    assert_clinic_refused(erase(&asked, BCEMR_asker_PATIENT, &signature, c.now), BCEMR_NOT_SEALED);
}

/* ---- the patient's own requests ---- */

static bcemr_status own(bcemr_tr_own_req *request, const bcemr_ed_secret *key, bcemr_buf *answer)
{
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    must(bcemr_write_own_req(request, &bytes, NULL));
    bcemr_ed_sign(key, bcemr_buf_span(&bytes), &signature);
    c.error = (bcemr_error){0};
    bcemr_buf_clear(answer);
    bcemr_status status = cloud_own(K, bcemr_buf_span(&bytes), &signature, c.now, answer, &c.error);
    bcemr_buf_free(&bytes);
    return status;
}

static void answers_the_patient_alone(void **state)
{
    (void)state;
    bcemr_buf answer = BCEMR_BUF_EMPTY;
    const bcemr_ed_secret *av = &c.visit.keys.av;
    bcemr_nonce nonce;
    must(cloud_nonce(K, bcemr_span_of(c.visit.keys.av_public.b, 32), c.now, &nonce, NULL));
    const bcemr_tr_own_req good = {.ledger = c.consortium.ledger,
                                   .cloud = c.nodes[CLOUD_1].id,
                                   .vid = c.vid,
                                   .kind = BCEMR_own_kind_RECORD,
                                   .cloud_nonce = nonce,
                                   .time = c.now};
    bcemr_tr_own_req r = good;
    r.ledger.b[0] ^= 1;
    assert_clinic_refused(own(&r, av, &answer), BCEMR_WRONG_LEDGER);
    r = good;
    r.cloud = c.nodes[CLOUD_2].id;
    assert_clinic_refused(own(&r, av, &answer), BCEMR_BAD_REQUEST);
    r = good;
    r.kind = BCEMR_own_kind_SEARCH;
    assert_clinic_refused(own(&r, av, &answer), BCEMR_NOT_SUPPORTED);
    r = good;
    assert_clinic_refused(own(&r, &c.consortium.doctors[0].keys.a, &answer), BCEMR_BAD_REQUEST);
    r.cloud_nonce.b[0] ^= 1;
    assert_clinic_refused(own(&r, av, &answer), BCEMR_REQUEST_REPLAYED);
    r = good;
    r.time = c.now - CONSORTIUM_CLOCK_DIFFERENCE - 1;
    assert_clinic_refused(own(&r, av, &answer), BCEMR_REQUEST_REPLAYED);
    r = good;
    r.vid.b[0] ^= 1;
    assert_status(own(&r, av, &answer), BCEMR_E_NOT_FOUND);
    r = good;
    assert_int_equal(answer.n, 0);
    assert_status(own(&r, av, &answer), BCEMR_OK);
    assert_true(bcemr_span_equal(bcemr_buf_span(&answer), bcemr_buf_span(&c.header)));
    assert_clinic_refused(own(&r, av, &answer), BCEMR_REQUEST_REPLAYED); /* nonce used */
    bcemr_buf_free(&answer);
}

static void bounds_the_number_of_nonces(void **state)
{
    (void)state;
    bcemr_nonce mine, nonce, last[CLOUD_NONCES_EACH];
    bcemr_error err = {0};
    const bcemr_span me = c.doctors[0].id, other = c.doctors[1].id;
    uint64_t place = 0;
    must(cloud_nonce(K, me, c.now, &mine, NULL));
    for (uint64_t i = 0; i < 2 * CLOUD_NONCES_MAX; i++) /* one who asks for ever */
        must(cloud_nonce(K, other, c.now, &last[i % CLOUD_NONCES_EACH], NULL));
    assert_int_equal(K->nonce_count, 1 + CLOUD_NONCES_EACH);
    assert_true(cloud_nonce_find(K, me, &mine, c.now, &place));
    assert_false(cloud_nonce_find(K, other, &mine, c.now, &place));
    for (uint64_t i = 0; i < CLOUD_NONCES_EACH; i++)
        assert_true(cloud_nonce_find(K, other, &last[i], c.now, &place));
    for (uint64_t i = 0; i < CLOUD_NONCES_MAX; i++) /* many who ask once */
        must(cloud_nonce(K, bcemr_span_of((uint8_t *)&i, sizeof i), c.now, &nonce, NULL));
    assert_int_equal(K->nonce_count, CLOUD_NONCES_MAX);
    assert_status(cloud_nonce(K, me, c.now, &mine, &err), BCEMR_OK);
    assert_true(cloud_nonce_find(K, me, &mine, c.now, &place));
    assert_false(cloud_nonce_find(K, me, &mine, c.now + CLOUD_NONCE_MS + 1, &place));
    assert_status(cloud_nonce(K, me, c.now + CLOUD_NONCE_MS + 1, &mine, &err), BCEMR_OK);
    assert_int_equal(K->nonce_count, 1);
}

/* ---- memory runs out ---- */

static void leaves_no_trace_when_memory_runs_out(void **state)
{
    (void)state;
    bcemr_status status = BCEMR_E_NO_MEMORY;
    bcemr_buf confirmation = BCEMR_BUF_EMPTY;
    uint64_t n = 0;
    must(bcemr_buf_reserve(&confirmation, 4096));
    while (status != BCEMR_OK && n < 10000) {
        bcemr_switch_fail_allocation(++n);
        status = clinic_upload(&c, CLOUD_1, c.doctors[2].id, &confirmation);
        bcemr_switch_fail_allocation(0);
        if (status != BCEMR_OK) {
            assert_int_equal(K->records.count, 0);
            assert_int_equal(server_memory_store_count(c.nodes[CLOUD_1].memory), 0);
        }
    }
    assert_status(status, BCEMR_OK);
    assert_true(n > 20);
    bcemr_buf_free(&confirmation);
}

#define ADMITTED(test) cmocka_unit_test_setup_teardown(test, play_to_admitted, end)
#define SIGNED(test) cmocka_unit_test_setup_teardown(test, play_to_signed, end)
#define SIGNED_U1(test) cmocka_unit_test_setup_teardown(test, play_to_signed_with_u_1, end)
#define SEALED(test) cmocka_unit_test_setup_teardown(test, play_to_sealed, end)
#define HOSTED(test) cmocka_unit_test_setup_teardown(test, play_to_a_visit_of_cloud_2, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIGNED(takes_only_headers_that_hold),
        SIGNED(takes_only_payloads_that_hash),
        SIGNED(takes_only_from_who_may_bring_it),
        ADMITTED(takes_nothing_before_all_have_signed),
        SIGNED(takes_nothing_while_a_reissue_is_pending),
        SIGNED(keeps_one_record_a_key),
        SIGNED(drops_what_the_ledger_overtakes),
        SIGNED_U1(drops_a_record_that_was_not_sealed),
        SIGNED(serves_the_hospital_alone_until_the_seal),
        SEALED(serves_hospital_clouds_and_patient_after_it),
        SEALED(pairs_once_and_takes_no_other_after_the_seal),
        SIGNED_U1(a_late_cloud_of_the_visit_confirms),
        SIGNED(confirms_nothing_before_the_seal),
        HOSTED(another_cloud_hosts_only_when_let),
        HOSTED(the_hospital_may_let_another_cloud_host),
        HOSTED(asks_to_host_again_when_the_hospital_has_new_keys),
        SEALED(erases_for_the_patient),
        SEALED(finishes_an_erasure_that_was_cut_short),
        SEALED(destroys_what_its_erase_on_the_ledger_names),
        SEALED(erases_for_the_hospital_after_retention),
        SIGNED(erases_nothing_unsealed),
        SEALED(answers_the_patient_alone),
        SEALED(bounds_the_number_of_nonces),
        SIGNED(leaves_no_trace_when_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
