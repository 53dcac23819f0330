/* SPDX-License-Identifier: Apache-2.0 */
/* The seal from the hospital's side: what it refuses to confirm, who it counts, when it seals. */
#include "server/server_test.h"

#include "client/doctor_visit.h"
#include "server/hospital_visit.h"

static clinic c;

#define H (c.nodes[HOSPITAL_1].hospital)

static int play_to_joined(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_JOINED);
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

/* seal-r as the last doctor would send it, with what is given. */
static bcemr_status show(const bcemr_secret_scalar *r, bcemr_span header, uint64_t counter,
                         const bcemr_source *payload)
{
    bcemr_buf plain = BCEMR_BUF_EMPTY, box = BCEMR_BUF_EMPTY, answer = BCEMR_BUF_EMPTY;
    bcemr_tr_seal_r fields = {.header = header};
    memcpy(fields.r.b, r->b, sizeof fields.r.b);
    must(bcemr_write_seal_r(&fields, &plain, NULL));
    must(bcemr_pair_seal(&c.visits[2]->keys.pair, &c.vid, BCEMR_direction_TO_SERVER, counter,
                         bcemr_buf_span(&plain), &box, NULL));
    c.error = (bcemr_error){0};
    bcemr_status status = hospital_check_seal(H, &c.vid, c.doctors[2].id, bcemr_buf_span(&box),
                                              payload, c.now, &answer, &c.error);
    if (status != BCEMR_OK) {
        assert_int_equal(answer.n, 0);
        assert_int_equal(((hospital_visit *)H->visits.rows[0])->record_case.n, 0);
    }
    bcemr_buf_free(&plain);
    bcemr_buf_free(&box);
    bcemr_buf_free(&answer);
    return status;
}

/* The header with one thing changed, sealed anew under the one-time key. */
typedef enum change { CHANGE_NONE, CHANGE_B, CHANGE_C, CHANGE_TAGS, CHANGE_KC, CHANGE_OSIG } change;

static void change_header(change what, bcemr_buf *out)
{
    bcemr_tr_header h;
    bcemr_bytes16 tags[64];
    must(bcemr_read_header(bcemr_buf_span(&c.header), &h, NULL));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_bytes16_item, &h.tags);
    for (uint64_t i = 0; i < h.tags.count; i++)
        (void)bcemr_list_next(&iter, &tags[i]);
    h.tags = BCEMR_LIST_OF(tags, h.tags.count);
    if (what == CHANGE_B)
        h.b = c.visit.keys.pkv;
    if (what == CHANGE_C)
        h.c = c.consortium.p;
    for (int i = 0; what == CHANGE_TAGS && i < 8; i++)
        memset(&tags[i], i, sizeof tags[i]); /* as many, ascending, of no keyword */
    if (what == CHANGE_KC)
        h.kc.b[0] ^= 1;
    client_visit log;
    must(client_visit_load(&c.view, &c.vid, &log, NULL));
    must(bcemr_header_sign(&c.visits[2]->ssk, &c.vid, bcemr_visit_log_last_context(log.log), &h,
                           NULL));
    client_visit_free(&log);
    if (what == CHANGE_OSIG)
        h.osig.b[5] ^= 1;
    bcemr_buf_clear(out);
    must(bcemr_write_header(&h, out, NULL));
}

static void confirms_only_the_capsule_that_r_makes(void **state)
{
    (void)state;
    bcemr_buf header = BCEMR_BUF_EMPTY;
    bcemr_secret_scalar r = c.visits[2]->r, other = r;
    const bcemr_source payload = bcemr_source_bytes(&c.payload_span);
    change_header(CHANGE_B, &header);
    assert_clinic_refused(show(&r, bcemr_buf_span(&header), 0, &payload), BCEMR_BAD_CAPSULE);
    change_header(CHANGE_C, &header);
    assert_clinic_refused(show(&r, bcemr_buf_span(&header), 0, &payload), BCEMR_BAD_CAPSULE_POINT);
    other.b[0] ^= 1;
    assert_clinic_refused(show(&other, bcemr_buf_span(&c.header), 0, &payload), BCEMR_BAD_CAPSULE);
    memset(&other, 0, sizeof other);
    assert_status(show(&other, bcemr_buf_span(&c.header), 0, &payload), BCEMR_E_SCALAR_ZERO);
    change_header(CHANGE_KC, &header);
    assert_clinic_refused(show(&r, bcemr_buf_span(&header), 0, &payload), BCEMR_BAD_KEY_COMMITMENT);
    change_header(CHANGE_TAGS, &header);
    assert_clinic_refused(show(&r, bcemr_buf_span(&header), 0, &payload), BCEMR_BAD_TAGS);
    change_header(CHANGE_OSIG, &header);
    assert_clinic_refused(show(&r, bcemr_buf_span(&header), 0, &payload), BCEMR_BAD_SEAL_SIGNATURE);
    assert_status(show(&r, bcemr_buf_span(&c.header), 0, &payload), BCEMR_OK);
    bcemr_buf_free(&header);
}

static void confirms_only_the_payload_that_opens(void **state)
{
    (void)state;
    bcemr_secret_scalar r = c.visits[2]->r;
    const bcemr_span header = bcemr_buf_span(&c.header);
    const bcemr_source payload = bcemr_source_bytes(&c.payload_span);
    c.payload.p[c.payload.n / 2] ^= 1;
    assert_clinic_refused(show(&r, header, 0, &payload), BCEMR_BAD_CHUNK);
    c.payload.p[c.payload.n / 2] ^= 1;
    const bcemr_span shorter = {c.payload.p, c.payload.n - 1};
    const bcemr_source cut = bcemr_source_bytes(&shorter);
    assert_clinic_refused(show(&r, header, 0, &cut), BCEMR_BAD_LENGTH);
    assert_status(show(&r, header, 0, &payload), BCEMR_OK);
}

static void counts_a_pair_box_once(void **state)
{
    (void)state;
    bcemr_secret_scalar r = c.visits[2]->r;
    const bcemr_span header = bcemr_buf_span(&c.header);
    const bcemr_source payload = bcemr_source_bytes(&c.payload_span);
    hospital_visit *visit = H->visits.rows[0];
    assert_status(show(&r, header, 5, &payload), BCEMR_OK);
    bcemr_buf_clear(&visit->record_case); /* as if nothing had been confirmed */
    assert_clinic_refused(show(&r, header, 5, &payload), BCEMR_BAD_SEALED_MESSAGE);
    assert_clinic_refused(show(&r, header, 4, &payload), BCEMR_BAD_SEALED_MESSAGE);
    c.visits[2]->keys.pair.b[0] ^= 1;
    assert_clinic_refused(show(&r, header, 6, &payload), BCEMR_BAD_SEALED_MESSAGE);
    c.visits[2]->keys.pair.b[0] ^= 1;
    assert_status(show(&r, header, 6, &payload), BCEMR_OK);
}

static void hears_only_the_last_doctor_when_all_have_signed(void **state)
{
    (void)state;
    bcemr_error err = {0};
    bcemr_buf answer = BCEMR_BUF_EMPTY;
    const bcemr_span none = {NULL, 0};
    const bcemr_source payload = bcemr_source_bytes(&none);
    clinic_diagnose(&c, 0, 1);
    assert_refused(
        hospital_check_seal(H, &c.vid, c.doctors[2].id, none, &payload, c.now, &answer, &err), err,
        BCEMR_NOT_ALL_SIGNED);
    clinic_diagnose(&c, 2, 2);
    assert_refused(
        hospital_check_seal(H, &c.vid, c.doctors[1].id, none, &payload, c.now, &answer, &err), err,
        BCEMR_NOT_IN_ORDER);
    must(hospital_reissue(H, &c.vid, BCEMR_reissue_reason_OTHER, c.now, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    assert_refused(
        hospital_check_seal(H, &c.vid, c.doctors[2].id, none, &payload, c.now, &answer, &err), err,
        BCEMR_REISSUE_PENDING);
    bcemr_buf_free(&answer);
}

static void confirms_one_case_for_one_signature(void **state)
{
    (void)state;
    assert_status(clinic_check_seal(&c, 2), BCEMR_OK);
    bcemr_buf first = BCEMR_BUF_EMPTY;
    hospital_visit *visit = H->visits.rows[0];
    must(bcemr_buf_append(&first, bcemr_buf_span(&visit->record_case)));
    clinic_seal(&c, 2); /* the same content under a fresh capsule */
    assert_clinic_refused(clinic_check_seal(&c, 2), BCEMR_OTHER_CASE);
    assert_true(bcemr_span_equal(bcemr_buf_span(&first), bcemr_buf_span(&visit->record_case)));
    bcemr_buf_free(&first);
}

static void makes_the_case_durable_before_it_answers(void **state)
{
    (void)state;
    bcemr_secret_scalar r = c.visits[2]->r;
    const bcemr_source payload = bcemr_source_bytes(&c.payload_span);
    server_memory_store_fail(c.nodes[HOSPITAL_1].memory, 1, false);
    assert_status(show(&r, bcemr_buf_span(&c.header), 0, &payload), BCEMR_E_IO);
    assert_status(show(&r, bcemr_buf_span(&c.header), 0, &payload), BCEMR_OK);
}

/* ---- confirmations ---- */

static bcemr_status confirm(const bcemr_buf *message)
{
    c.error = (bcemr_error){0};
    return hospital_confirmation(H, bcemr_buf_span(message), &c.error);
}

static void forge(const bcemr_buf *good, bcemr_span who, bool other_case, bcemr_buf *out)
{
    bcemr_tr_confirmation given;
    bcemr_tr_case record_case;
    bcemr_buf changed = BCEMR_BUF_EMPTY;
    must(bcemr_read_confirmation(bcemr_buf_span(good), &given, NULL));
    must(bcemr_read_case(given.record_case, &record_case, NULL));
    if (other_case)
        record_case.kc.b[0] ^= 1;
    must(bcemr_write_case(&record_case, &changed, NULL));
    given.record_case = bcemr_buf_span(&changed);
    given.who = who;
    bcemr_buf_clear(out);
    must(bcemr_write_confirmation(&given, out, NULL));
    bcemr_buf_free(&changed);
}

static void counts_only_confirmations_that_hold(void **state)
{
    (void)state;
    bcemr_buf one = BCEMR_BUF_EMPTY, bad = BCEMR_BUF_EMPTY;
    must(clinic_upload(&c, CLOUD_1, c.doctors[2].id, &one));
    assert_status(confirm(&one), BCEMR_E_STATE);
    must(clinic_check_seal(&c, 2));
    forge(&one, c.nodes[CLOUD_2].id, false, &bad); /* cloud-1's, counted for cloud-2 */
    assert_clinic_refused(confirm(&bad), BCEMR_BAD_CONFIRMATION);
    forge(&one, c.nodes[HOSPITAL_2].id, false, &bad);
    assert_clinic_refused(confirm(&bad), BCEMR_NOT_A_CLOUD_OF_VISIT);
    forge(&one, c.nodes[CLOUD_1].id, true, &bad);
    assert_clinic_refused(confirm(&bad), BCEMR_OTHER_CASE);
    assert_status(confirm(&one), BCEMR_OK);
    assert_clinic_refused(hospital_seal(H, &c.vid, &c.error), BCEMR_NOT_ENOUGH_SIGNERS);
    must(clinic_upload(&c, CLOUD_2, c.doctors[2].id, &one));
    assert_status(confirm(&one), BCEMR_OK);
    assert_status(hospital_seal(H, &c.vid, &c.error), BCEMR_OK);
    assert_status(clinic_pump(&c, HOSPITAL_1), BCEMR_OK);
    assert_clinic_refused(hospital_seal(H, &c.vid, &c.error), BCEMR_NOT_ADMITTED);
    bcemr_buf_free(&one);
    bcemr_buf_free(&bad);
}

static void seals_only_the_case_of_the_last_signature(void **state)
{
    (void)state;
    bcemr_buf one = BCEMR_BUF_EMPTY;
    assert_status(hospital_seal(H, &c.vid, &c.error), BCEMR_E_STATE);
    must(clinic_check_seal(&c, 2));
    for (uint64_t n = CLOUD_1; n <= CLOUD_2; n++) {
        must(clinic_upload(&c, n, c.doctors[2].id, &one));
        must(confirm(&one));
    }
    must(hospital_reissue(H, &c.vid, BCEMR_reissue_reason_OTHER, c.now, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    assert_clinic_refused(hospital_seal(H, &c.vid, &c.error), BCEMR_REISSUE_PENDING);
    clinic_diagnose(&c, 2, 2);
    assert_clinic_refused(hospital_seal(H, &c.vid, &c.error), BCEMR_OTHER_CASE);
    assert_clinic_refused(confirm(&one) == BCEMR_OK ? hospital_seal(H, &c.vid, &c.error)
                                                    : BCEMR_E_REFUSED,
                          BCEMR_OTHER_CASE);
    clinic_to_sealed(&c, CLOUD_1, CLOUD_2);
    bcemr_buf_free(&one);
}

/* ---- after the seal ---- */

static void erases_only_after_the_retention_time(void **state)
{
    (void)state;
    bcemr_buf erase = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    bcemr_error err = {0};
    assert_refused(hospital_erase(H, &c.vid, c.now + 1, &erase, &signature, &err), err,
                   BCEMR_RETENTION_RUNS);
    assert_refused(hospital_erase(c.nodes[HOSPITAL_2].hospital, &c.vid,
                                  c.now + CONSORTIUM_RETENTION + 1, &erase, &signature, &err),
                   err, BCEMR_NOT_ENTITLED);
    assert_int_equal(erase.n, 0);
    assert_status(
        hospital_erase(H, &c.vid, c.now + CONSORTIUM_RETENTION + 1, &erase, &signature, &err),
        BCEMR_OK);
    assert_true(bcemr_ed_holds(&c.consortium.nodes[HOSPITAL_1].publics.a, bcemr_buf_span(&erase),
                               &signature));
    assert_status(hospital_forget(H, &c.vid, &err), BCEMR_OK);
    bcemr_buf_free(&erase);
}

static void asks_for_no_erasure_of_an_open_visit(void **state)
{
    (void)state;
    bcemr_buf erase = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    bcemr_error err = {0};
    assert_refused(hospital_erase(H, &c.vid, c.now + 100 * CLINIC_HOUR, &erase, &signature, &err),
                   err, BCEMR_NOT_SEALED);
    assert_status(hospital_forget(H, &c.vid, &err), BCEMR_E_STATE);
    bcemr_buf_free(&erase);
}

/* ---- memory runs out ---- */

static void leaves_no_case_when_memory_runs_out(void **state)
{
    (void)state;
    bcemr_secret_scalar r = c.visits[2]->r;
    const bcemr_source payload = bcemr_source_bytes(&c.payload_span);
    bcemr_status status = BCEMR_E_NO_MEMORY;
    bcemr_buf plain = BCEMR_BUF_EMPTY, box = BCEMR_BUF_EMPTY, answer = BCEMR_BUF_EMPTY;
    bcemr_tr_seal_r fields = {.header = bcemr_buf_span(&c.header)};
    memcpy(fields.r.b, r.b, sizeof fields.r.b);
    must(bcemr_write_seal_r(&fields, &plain, NULL));
    must(bcemr_pair_seal(&c.visits[2]->keys.pair, &c.vid, BCEMR_direction_TO_SERVER, 0,
                         bcemr_buf_span(&plain), &box, NULL));
    uint64_t n = 0;
    while (status != BCEMR_OK && n < 10000) {
        bcemr_switch_fail_allocation(++n);
        status = hospital_check_seal(H, &c.vid, c.doctors[2].id, bcemr_buf_span(&box), &payload,
                                     c.now, &answer, &c.error);
        bcemr_switch_fail_allocation(0);
        if (status != BCEMR_OK)
            assert_int_equal(answer.n, 0);
    }
    assert_status(status, BCEMR_OK);
    assert_true(n > 20);
    bcemr_buf_free(&plain);
    bcemr_buf_free(&box);
    bcemr_buf_free(&answer);
}

#define JOINED(test) cmocka_unit_test_setup_teardown(test, play_to_joined, end)
#define SIGNED(test) cmocka_unit_test_setup_teardown(test, play_to_signed, end)
#define SEALED(test) cmocka_unit_test_setup_teardown(test, play_to_sealed, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIGNED(confirms_only_the_capsule_that_r_makes),
        SIGNED(confirms_only_the_payload_that_opens),
        SIGNED(counts_a_pair_box_once),
        JOINED(hears_only_the_last_doctor_when_all_have_signed),
        SIGNED(confirms_one_case_for_one_signature),
        SIGNED(makes_the_case_durable_before_it_answers),
        SIGNED(counts_only_confirmations_that_hold),
        SIGNED(seals_only_the_case_of_the_last_signature),
        SEALED(erases_only_after_the_retention_time),
        SIGNED(asks_for_no_erasure_of_an_open_visit),
        SIGNED(leaves_no_case_when_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
