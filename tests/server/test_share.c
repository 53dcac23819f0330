/* SPDX-License-Identifier: Apache-2.0 */
/* Grants, consents and accesses at a cloud: every check of section 7 that is the cloud's has an
 * attempt that it alone refuses. */
#include "server/server_test.h"

#include "server/cloud_state.h"

#include <bcemr/grant.h>

static clinic c;

#define K (c.nodes[CLOUD_1].cloud)
#define READER 3 /* doctor-4, of hospital-2 */

static int play_to_granted(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_SEALED);
    clinic_grant(&c, READER, 1);
    return 0;
}

static int play_to_consented(void **state)
{
    (void)play_to_granted(state);
    must(clinic_consent(&c, CLOUD_1));
    return 0;
}

static int end(void **state)
{
    (void)state;
    bcemr_switch_all_on();
    clinic_end(&c);
    return 0;
}

/* ---- a grant-post taken apart, changed, and signed anew by whoever signs it ---- */

typedef struct forged {
    bcemr_tr_grant_post post;
    bcemr_tr_grant terms;
    bcemr_tr_grant_visit visits[2];
    bcemr_span clouds[2];
    bcemr_scalar_raw keys[2];
    uint64_t key_count, signature_count;
    bcemr_ed_secret av, revoker;
    bool spoil_signature, spoil_consent;
    bcemr_buf wrapped;
} forged;

static void begin(forged *f)
{
    memset(f, 0, sizeof *f);
    must(bcemr_read_grant_post(bcemr_buf_span(&c.grant.posts[0]), &f->post, NULL));
    must(bcemr_read_grant(f->post.terms, &f->terms, NULL));
    assert_true(bcemr_list_at(&bcemr_type_grant_visit, &f->terms.visits, 0, &f->visits[0]));
    assert_true(bcemr_list_at(&bcemr_type_scalar_item, &f->post.keys, 0, &f->keys[0]));
    f->visits[1] = f->visits[0];
    f->keys[1] = f->keys[0];
    f->clouds[0] = c.nodes[CLOUD_1].id;
    f->clouds[1] = c.nodes[CLOUD_2].id;
    f->terms.visits = BCEMR_LIST_OF(f->visits, 1);
    f->terms.clouds = BCEMR_LIST_OF(f->clouds, 1);
    f->key_count = f->signature_count = 1;
    f->av = c.visit.keys.av;
    f->revoker = c.grant.revoker;
}

static void sign_terms(const forged *f, bcemr_span terms, bcemr_ed_signature signatures[2])
{
    bcemr_tr_terms fields = {.ledger = c.consortium.ledger};
    bcemr_sha256(terms, &fields.terms);
    must(bcemr_ed_sign_value(&f->av, &bcemr_type_terms, &fields, &signatures[0], NULL));
    signatures[0].b[0] ^= f->spoil_signature;
    signatures[1] = signatures[0];
}

static bcemr_status send_terms(forged *f, bcemr_span terms)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signatures[2];
    const bcemr_tr_consent consent = {terms, f->post.salt};
    bcemr_tr_consent_post post = {c.consortium.ledger, c.nodes[CLOUD_1].id, {{0}}, f->post.latest};
    sign_terms(f, terms, signatures);
    must(bcemr_hash_value(&bcemr_type_consent, &consent, &post.cm, NULL));
    must(bcemr_ed_sign_value(&f->revoker, &bcemr_type_consent_post, &post, &f->post.consent_post,
                             NULL));
    f->post.consent_post.b[0] ^= f->spoil_consent;
    f->post.terms = terms;
    f->post.signatures = BCEMR_LIST_OF(signatures, f->signature_count);
    f->post.keys = BCEMR_LIST_OF(f->keys, f->key_count);
    must(bcemr_write_grant_post(&f->post, &message, NULL));
    c.error = (bcemr_error){0};
    uint64_t before = K->grants.count;
    bcemr_status status = cloud_take_grant(K, bcemr_buf_span(&message), c.now, &c.error);
    if (status != BCEMR_OK)
        assert_int_equal(K->grants.count, before);
    bcemr_buf_free(&message);
    return status;
}

static bcemr_status send(forged *f)
{
    bcemr_buf terms = BCEMR_BUF_EMPTY;
    must(bcemr_write_grant(&f->terms, &terms, NULL));
    bcemr_status status = send_terms(f, bcemr_buf_span(&terms));
    bcemr_buf_free(&terms);
    return status;
}

/* ---- terms ---- */

static void takes_only_kinds_that_it_serves(void **state)
{
    (void)state;
    forged f;
    begin(&f);
    f.terms.t = 2;
    assert_clinic_refused(send(&f), BCEMR_NOT_SUPPORTED);
    begin(&f);
    f.terms.scope = BCEMR_scope_SEARCH;
    assert_clinic_refused(send(&f), BCEMR_NOT_SUPPORTED);
    begin(&f);
    bcemr_buf visit = BCEMR_BUF_EMPTY, terms = BCEMR_BUF_EMPTY;
    const bcemr_span custodians[2] = {c.nodes[HOSPITAL_1].id, c.nodes[HOSPITAL_2].id};
    const bcemr_hash boxes[2] = {{{1}}, {{2}}};
    must(bcemr_write_grant_visit(&f.visits[0], &visit, NULL));
    const bcemr_tr_emergency emergency = {.ledger = c.consortium.ledger,
                                          .clouds = BCEMR_LIST_OF(f.clouds, 1),
                                          .t = 1,
                                          .custodians = BCEMR_LIST_OF(custodians, 2),
                                          .k = 2,
                                          .commitments = BCEMR_LIST_OF(&c.visit.keys.pkv, 1),
                                          .scope = BCEMR_scope_READ,
                                          .visit = bcemr_buf_span(&visit),
                                          .revoker = f.terms.revoker,
                                          .boxes = BCEMR_LIST_OF(boxes, 2)};
    must(bcemr_write_emergency(&emergency, &terms, NULL));
    assert_clinic_refused(send_terms(&f, bcemr_buf_span(&terms)), BCEMR_NOT_SUPPORTED);
    begin(&f);
    assert_status(send(&f), BCEMR_OK);
    bcemr_buf_free(&visit);
    bcemr_buf_free(&terms);
}

static void takes_only_terms_that_fit_each_other(void **state)
{
    (void)state;
    forged f;
    begin(&f);
    f.terms.ledger.b[0] ^= 1;
    assert_clinic_refused(send(&f), BCEMR_WRONG_LEDGER);
    begin(&f);
    f.clouds[0] = c.nodes[CLOUD_2].id;
    assert_clinic_refused(send(&f), BCEMR_BAD_TERMS);
    begin(&f);
    f.clouds[1] = f.clouds[0];
    f.terms.clouds.count = 2;
    assert_clinic_refused(send(&f), BCEMR_BAD_TERMS);
    begin(&f); /* one visit twice */
    f.terms.visits.count = f.key_count = f.signature_count = 2;
    assert_clinic_refused(send(&f), BCEMR_BAD_TERMS);
    begin(&f);
    f.key_count = 2;
    assert_clinic_refused(send(&f), BCEMR_BAD_TERMS);
    begin(&f);
    f.visits[0].y.n = 0;
    assert_clinic_refused(send(&f), BCEMR_BAD_TERMS);
    begin(&f);
    f.terms.expiry = f.terms.issued;
    assert_clinic_refused(send(&f), BCEMR_BAD_TERMS);
    begin(&f);
    f.terms.issued = c.now + CONSORTIUM_CLOCK_DIFFERENCE + 1;
    assert_clinic_refused(send(&f), BCEMR_BAD_TERMS);
    begin(&f);
    f.terms.wrapped.b[0] ^= 1;
    assert_clinic_refused(send(&f), BCEMR_BAD_WRAPPED);
}

static void takes_only_what_the_ledger_allows(void **state)
{
    (void)state;
    forged f;
    bcemr_hash sealed = c.vid;
    begin(&f);
    f.terms.enrolment.b[0] ^= 1;
    assert_clinic_refused(send(&f), BCEMR_NOT_ENROLLED);
    begin(&f);
    f.terms.doctor = c.doctors[4].id; /* another's enrolment */
    assert_clinic_refused(send(&f), BCEMR_NOT_ENROLLED);
    begin(&f);
    f.visits[0].vid.b[0] ^= 1;
    assert_clinic_refused(send(&f), BCEMR_NOT_ADMITTED);
    must(clinic_admit(&c)); /* another visit, open */
    begin(&f);
    f.visits[0].vid = c.vid;
    assert_clinic_refused(send(&f), BCEMR_NOT_SEALED);
    assert_int_equal(c.error.index, 0);
    begin(&f);
    f.visits[0].vid = sealed;
    int64_t now = c.now;
    c.now = f.terms.expiry + 1;
    assert_clinic_refused(send(&f), BCEMR_GRANT_EXPIRED);
    c.now = now;
}

/* Nothing of a later visit is looked at before what comes first holds. */
static void stops_at_the_first_visit_that_is_bad(void **state)
{
    (void)state;
    forged f;
    begin(&f);
    f.visits[1].vid.b[0] ^= 1; /* no such visit */
    f.terms.visits = BCEMR_LIST_OF(f.visits, 2);
    f.key_count = f.signature_count = 2;
    assert_clinic_refused(send(&f), BCEMR_NOT_ADMITTED);
    assert_int_equal(c.error.index, 1);
    f.spoil_signature = true;
    assert_clinic_refused(send(&f), BCEMR_BAD_GRANT_SIGNATURE);
    assert_int_equal(c.error.index, 0);
    f.spoil_consent = true;
    assert_clinic_refused(send(&f), BCEMR_BAD_CONSENT_POST);
    f.spoil_consent = false;
    f.post.latest = c.now - 1;
    assert_clinic_refused(send(&f), BCEMR_CONSENT_LATE);
}

static void takes_only_what_is_signed(void **state)
{
    (void)state;
    forged f;
    begin(&f);
    f.spoil_signature = true;
    assert_clinic_refused(send(&f), BCEMR_BAD_GRANT_SIGNATURE);
    begin(&f);
    f.av = c.consortium.doctors[READER].keys.a;
    assert_clinic_refused(send(&f), BCEMR_BAD_GRANT_SIGNATURE);
    begin(&f);
    f.spoil_consent = true;
    assert_clinic_refused(send(&f), BCEMR_BAD_CONSENT_POST);
    begin(&f); /* under another R than the terms' */
    f.revoker = c.consortium.doctors[READER].keys.a;
    assert_clinic_refused(send(&f), BCEMR_BAD_CONSENT_POST);
    begin(&f);
    f.post.latest = c.now - 1;
    assert_clinic_refused(send(&f), BCEMR_CONSENT_LATE);
    begin(&f);
    f.keys[0].b[0] ^= 1;
    assert_clinic_refused(send(&f), BCEMR_BAD_GRANT_KEY);
    begin(&f);
    memset(&f.keys[0], 0, sizeof f.keys[0]);
    assert_status(send(&f), BCEMR_E_SCALAR_ZERO);
    begin(&f);
    assert_status(send(&f), BCEMR_OK);
}

/* One y for two visits would chain them: here a grant's Y under a visit's other key. */
static void takes_no_key_for_another_visit(void **state)
{
    (void)state;
    forged f;
    bcemr_visit_keys other;
    bcemr_grant_secrets secrets = c.grant.secrets;
    bcemr_secret_scalar rk;
    bcemr_g1_raw y;
    must(bcemr_visit_keys_derive(&c.wallet.seed, &c.consortium.ledger, 55, &other));
    must(bcemr_grant_keys(&secrets.gs, &secrets.gid, &other.xv, &c.vid, 1, &y, &rk, NULL));
    begin(&f);
    memcpy(f.keys[0].b, rk.b, sizeof f.keys[0].b);
    assert_clinic_refused(send(&f), BCEMR_BAD_GRANT_KEY);
}

static void takes_a_grant_once(void **state)
{
    (void)state;
    forged f;
    begin(&f);
    assert_status(send(&f), BCEMR_OK);
    begin(&f);
    f.terms.purpose = bcemr_text("another purpose");
    assert_clinic_refused(send(&f), BCEMR_GRANT_REPEATED); /* gid */
    begin(&f);
    f.terms.gid.b[0] ^= 1;
    assert_clinic_refused(send(&f), BCEMR_GRANT_REPEATED); /* R */
    must(clinic_pump(&c, CLOUD_1));
    begin(&f);
    K->grants.count = 0; /* as after the loss of the table: the ledger still knows */
    assert_clinic_refused(send(&f), BCEMR_GRANT_REPEATED);
    K->grants.count = 1;
}

static void posts_a_waiting_consent_again(void **state)
{
    (void)state;
    bcemr_error err = {0};
    const bcemr_span post = bcemr_buf_span(&c.grant.posts[0]);
    assert_status(cloud_take_grant(K, post, c.now, &err), BCEMR_OK);
    assert_status(cloud_take_grant(K, post, c.now, &err), BCEMR_OK);
    assert_int_equal(K->grants.count, 1);
    int64_t now = c.now;
    c.now += 2 * CLINIC_HOUR; /* the ledger takes it too late */
    assert_status(clinic_pump(&c, CLOUD_1), BCEMR_E_REFUSED);
    bcemr_buf offer = BCEMR_BUF_EMPTY;
    assert_status(cloud_offer(K, c.doctors[READER].id, 0, c.now, &offer, &err), BCEMR_E_NOT_FOUND);
    assert_refused(cloud_take_grant(K, post, c.now, &err), err, BCEMR_CONSENT_LATE);
    forged f; /* the same terms, signed anew with a later time */
    begin(&f);
    f.post.latest = c.now + CLINIC_HOUR;
    assert_status(send(&f), BCEMR_OK);
    assert_int_equal(K->grants.count, 1);
    assert_status(clinic_pump(&c, CLOUD_1), BCEMR_OK);
    assert_status(cloud_offer(K, c.doctors[READER].id, 0, c.now, &offer, &err), BCEMR_OK);
    assert_status(cloud_offer(K, c.doctors[READER].id, 1, c.now, &offer, &err), BCEMR_E_NOT_FOUND);
    assert_status(cloud_offer(K, c.doctors[4].id, 0, c.now, &offer, &err), BCEMR_E_NOT_FOUND);
    assert_true(c.now > now);
    bcemr_buf_free(&offer);
}

static bcemr_status post_revoke(void)
{
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    must(bcemr_patient_revoke(&c.wallet, &c.grant, &entry, NULL));
    bcemr_status status = clinic_post(&c, bcemr_buf_span(&entry));
    bcemr_buf_free(&entry);
    return status;
}

static void takes_nothing_that_is_revoked(void **state)
{
    (void)state;
    must(post_revoke()); /* R was never seen before */
    assert_clinic_refused(clinic_consent(&c, CLOUD_1), BCEMR_GRANT_REVOKED);
}

static int play_to_half_sealed(void **state)
{
    (void)state;
    clinic_begin(&c);
    c.u = 1;
    clinic_go(&c, CLINIC_SIGNED);
    clinic_to_sealed(&c, CLOUD_1, CLOUD_1);
    clinic_grant(&c, READER, 1);
    return 0;
}

static void names_only_clouds_that_confirmed(void **state)
{
    (void)state;
    forged f;
    begin(&f);
    f.terms.clouds.count = 2; /* cloud-2 has not */
    assert_clinic_refused(send(&f), BCEMR_NOT_A_CLOUD_OF_VISIT);
    begin(&f);
    assert_status(send(&f), BCEMR_OK);
}

static void erase_record(uint64_t node)
{
    bcemr_buf transcript = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    const bcemr_tr_erase asked = {c.consortium.ledger, c.vid};
    must(bcemr_write_erase(&asked, &transcript, NULL));
    must(bcemr_ed_sign_value(&c.visit.keys.av, &bcemr_type_erase, &asked, &signature, NULL));
    must(cloud_erase(c.nodes[node].cloud, bcemr_buf_span(&transcript), BCEMR_asker_PATIENT,
                     &signature, c.now, NULL));
    must(clinic_pump(&c, node));
    bcemr_buf_free(&transcript);
}

static bcemr_ed_signature erase_signature(void)
{
    bcemr_ed_signature signature;
    const bcemr_tr_erase asked = {c.consortium.ledger, c.vid};
    must(bcemr_ed_sign_value(&c.visit.keys.av, &bcemr_type_erase, &asked, &signature, NULL));
    return signature;
}

static void takes_nothing_over_an_erased_record(void **state)
{
    (void)state;
    erase_record(CLOUD_2); /* anywhere */
    assert_clinic_refused(clinic_consent(&c, CLOUD_1), BCEMR_CASE_ERASED);
}

/* ---- requests ---- */

/* A good request of the reader's, to be changed before it is signed. */
static void good_request(bcemr_tr_access_req *r, bcemr_nonce *nonce)
{
    static const uint8_t first[1] = {1};
    must(cloud_nonce(K, c.doctors[READER].id, c.now, nonce, NULL));
    *r = (bcemr_tr_access_req){.ledger = c.consortium.ledger,
                               .cloud = c.nodes[CLOUD_1].id,
                               .gid = c.grant.secrets.gid,
                               .visits = bcemr_span_of(first, 1),
                               .kind = BCEMR_access_kind_READ,
                               .reason = BCEMR_access_reason_TREATMENT,
                               .nonce = {{9}},
                               .cloud_nonce = *nonce,
                               .time = c.now};
}

static bcemr_status ask_as(const bcemr_tr_access_req *r, uint64_t doctor)
{
    bcemr_buf request = BCEMR_BUF_EMPTY, message = BCEMR_BUF_EMPTY;
    bcemr_tr_access_ask ask = {0};
    must(bcemr_write_access_req(r, &request, NULL));
    ask.request = bcemr_buf_span(&request);
    bcemr_ed_sign(&c.consortium.doctors[doctor].keys.a, ask.request, &ask.signature);
    must(bcemr_write_access_ask(&ask, &message, NULL));
    bcemr_status status = clinic_access(&c, CLOUD_1, &message);
    bcemr_buf_free(&request);
    bcemr_buf_free(&message);
    return status;
}

static void answers_only_requests_for_it(void **state)
{
    (void)state;
    bcemr_tr_access_req r;
    bcemr_nonce nonce;
    good_request(&r, &nonce);
    r.ledger.b[0] ^= 1;
    assert_clinic_refused(ask_as(&r, READER), BCEMR_WRONG_LEDGER);
    good_request(&r, &nonce);
    r.cloud = c.nodes[CLOUD_2].id;
    assert_clinic_refused(ask_as(&r, READER), BCEMR_BAD_REQUEST);
    good_request(&r, &nonce);
    r.gid.b[0] ^= 1;
    assert_clinic_refused(ask_as(&r, READER), BCEMR_NO_SUCH_GRANT);
    good_request(&r, &nonce);
    r.kind = BCEMR_access_kind_SEARCH;
    assert_clinic_refused(ask_as(&r, READER), BCEMR_NOT_SUPPORTED);
    r.kind = BCEMR_access_kind_EMERGENCY;
    assert_clinic_refused(ask_as(&r, READER), BCEMR_NOT_SUPPORTED);
    static const uint8_t wrong[3] = {0, 2, 1};
    good_request(&r, &nonce);
    r.visits = bcemr_span_of(&wrong[0], 1);
    assert_clinic_refused(ask_as(&r, READER), BCEMR_REQUEST_SCOPE);
    r.visits = bcemr_span_of(&wrong[1], 1);
    assert_status(ask_as(&r, READER), BCEMR_E_BITMAP);
    r.visits = bcemr_span_of(&wrong[1], 2);
    assert_status(ask_as(&r, READER), BCEMR_E_BITMAP);
    good_request(&r, &nonce);
    r.tags = bcemr_span_of(r.gid.b, 32);
    assert_clinic_refused(ask_as(&r, READER), BCEMR_BAD_REQUEST);
}

static void answers_only_the_doctor_of_the_grant(void **state)
{
    (void)state;
    bcemr_tr_access_req r;
    bcemr_nonce nonce;
    good_request(&r, &nonce);
    assert_clinic_refused(ask_as(&r, 4), BCEMR_BAD_REQUEST);
    r.cloud_nonce.b[0] ^= 1;
    assert_clinic_refused(ask_as(&r, READER), BCEMR_REQUEST_REPLAYED);
    good_request(&r, &nonce); /* one that was given to another doctor */
    must(cloud_nonce(K, c.doctors[0].id, c.now, &r.cloud_nonce, NULL));
    assert_clinic_refused(ask_as(&r, READER), BCEMR_REQUEST_REPLAYED);
    good_request(&r, &nonce);
    r.time = c.now + CONSORTIUM_CLOCK_DIFFERENCE + 1;
    assert_clinic_refused(ask_as(&r, READER), BCEMR_REQUEST_REPLAYED);
    r.time = c.now - CONSORTIUM_CLOCK_DIFFERENCE - 1;
    assert_clinic_refused(ask_as(&r, READER), BCEMR_REQUEST_REPLAYED);
    good_request(&r, &nonce);
    int64_t now = c.now;
    c.now += CLOUD_NONCE_MS + 1;
    r.time = c.now;
    assert_clinic_refused(ask_as(&r, READER), BCEMR_REQUEST_REPLAYED); /* the nonce is old */
    c.now = now;
    good_request(&r, &nonce);
    assert_status(ask_as(&r, READER), BCEMR_OK);
    assert_clinic_refused(ask_as(&r, READER), BCEMR_REQUEST_REPLAYED); /* the nonce is used */
}

static void answers_nothing_after_the_expiry(void **state)
{
    (void)state;
    bcemr_tr_access_req r;
    bcemr_nonce nonce;
    c.now += 100 * CLINIC_HOUR + 60000;
    good_request(&r, &nonce);
    assert_clinic_refused(ask_as(&r, READER), BCEMR_GRANT_EXPIRED);
    const cloud_grant *grant = K->grants.rows[0];
    must(cloud_observe(K, c.now, NULL));
    assert_false(grant->keys[0].held);
    assert_false(grant->ka_held);
}

static bool is_zero(const void *p, size_t n)
{
    const uint8_t *b = p;
    while (n > 0 && *b == 0)
        b++, n--;
    return n == 0;
}

static void forgets_the_keys_of_a_revoked_grant(void **state)
{
    (void)state;
    bcemr_tr_access_req r;
    bcemr_nonce nonce;
    const cloud_grant *grant = K->grants.rows[0];
    must(post_revoke());
    good_request(&r, &nonce); /* before the cloud has looked at the new leaf */
    assert_true(grant->keys[0].held);
    assert_clinic_refused(ask_as(&r, READER), BCEMR_GRANT_REVOKED);
    must(cloud_observe(K, c.now, NULL));
    assert_false(grant->keys[0].held);
    assert_true(is_zero(&grant->keys[0].rk, sizeof grant->keys[0].rk));
    assert_true(is_zero(&grant->ka, sizeof grant->ka));
    assert_clinic_refused(ask_as(&r, READER), BCEMR_GRANT_REVOKED);
    bcemr_switch_off(BCEMR_GRANT_REVOKED); /* nothing is left that could answer */
    assert_status(ask_as(&r, READER), BCEMR_E_STATE);
}

static void forgets_the_keys_of_a_retired_doctor(void **state)
{
    (void)state;
    bcemr_tr_access_req r;
    bcemr_nonce nonce;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    must(authority_retire(&c.authority, &c.view, c.doctors[READER].id, &entry, NULL));
    must(clinic_post(&c, bcemr_buf_span(&entry)));
    good_request(&r, &nonce);
    assert_clinic_refused(ask_as(&r, READER), BCEMR_DOCTOR_RETIRED);
    bcemr_switch_off(BCEMR_DOCTOR_RETIRED);
    assert_clinic_refused(ask_as(&r, READER), BCEMR_NOT_ENROLLED);
    must(cloud_observe(K, c.now, NULL));
    assert_false(((const cloud_grant *)K->grants.rows[0])->ka_held);
    bcemr_buf_free(&entry);
}

static void forgets_the_keys_of_an_erased_record(void **state)
{
    (void)state;
    bcemr_tr_access_req r;
    bcemr_nonce nonce;
    erase_record(CLOUD_2);
    good_request(&r, &nonce);
    assert_clinic_refused(ask_as(&r, READER), BCEMR_CASE_ERASED);
    assert_false(((const cloud_grant *)K->grants.rows[0])->keys[0].held);
}

/* ---- answers ---- */

static bcemr_status answer(uint64_t first, bcemr_buf *out)
{
    c.error = (bcemr_error){0};
    bcemr_buf_clear(out);
    return cloud_answer(K, &c.gid, first, out, &c.error);
}

static void access_once(bcemr_buf *ask, bcemr_buf *out)
{
    clinic_ask(&c, READER, CLOUD_1, ask);
    must(clinic_access(&c, CLOUD_1, ask));
    must(clinic_pump(&c, CLOUD_1));
    must(answer(bcemr_held_grant_checked(c.held, c.nodes[CLOUD_1].id), out));
    must(bcemr_doctor_take_answer(&c.doctors[READER], c.held, bcemr_buf_span(out), NULL));
}

static bcemr_status read_as_reader(bcemr_source *payload)
{
    bcemr_buf header = BCEMR_BUF_EMPTY;
    c.error = (bcemr_error){0};
    bcemr_status status = cloud_read(K, &c.vid, CLOUD_READER_DOCTOR, c.doctors[READER].id, c.now,
                                     &header, payload, &c.error);
    bcemr_buf_free(&header);
    return status;
}

static void answers_only_after_the_access_is_on_the_ledger(void **state)
{
    (void)state;
    bcemr_buf ask = BCEMR_BUF_EMPTY, out = BCEMR_BUF_EMPTY, second = BCEMR_BUF_EMPTY;
    bcemr_source payload;
    c.gid = c.grant.secrets.gid;
    assert_status(answer(0, &out), BCEMR_E_STATE);
    clinic_ask(&c, READER, CLOUD_1, &ask);
    assert_status(clinic_access(&c, CLOUD_1, &ask), BCEMR_OK);
    assert_clinic_refused(answer(0, &out), BCEMR_ACCESS_NOT_INCLUDED);
    assert_clinic_refused(read_as_reader(&payload), BCEMR_NOT_ENTITLED);
    clinic_ask(&c, READER, CLOUD_1, &second); /* j + 1 is not used before j is in */
    assert_status(clinic_access(&c, CLOUD_1, &second), BCEMR_E_STATE);
    assert_int_equal(out.n, 0);
    must(clinic_pump(&c, CLOUD_1));
    assert_status(answer(0, &out), BCEMR_OK);
    assert_status(answer(0, &out), BCEMR_OK); /* lost transport */
    assert_status(read_as_reader(&payload), BCEMR_OK);
    cloud_read_close(K, &payload);
    bcemr_buf_free(&ask);
    bcemr_buf_free(&out);
    bcemr_buf_free(&second);
}

static void brings_the_earlier_accesses(void **state)
{
    (void)state;
    bcemr_buf ask = BCEMR_BUF_EMPTY, out = BCEMR_BUF_EMPTY;
    bcemr_tr_access_answer read;
    for (uint64_t j = 0; j < 3; j++) {
        access_once(&ask, &out);
        must(bcemr_read_access_answer(bcemr_buf_span(&out), &read, NULL));
        assert_int_equal(read.earlier.count, 0); /* the doctor has seen the ones before */
        assert_int_equal(bcemr_held_grant_checked(c.held, c.nodes[CLOUD_1].id), j + 1);
    }
    must(answer(0, &out));
    must(bcemr_read_access_answer(bcemr_buf_span(&out), &read, NULL));
    assert_int_equal(read.earlier.count, 2);
    must(answer(1, &out));
    must(bcemr_read_access_answer(bcemr_buf_span(&out), &read, NULL));
    assert_int_equal(read.earlier.count, 1);
    bcemr_buf_free(&ask);
    bcemr_buf_free(&out);
}

static void the_answer_opens_the_record(void **state)
{
    (void)state;
    bcemr_buf ask = BCEMR_BUF_EMPTY, out = BCEMR_BUF_EMPTY;
    bcemr_source payload;
    bcemr_opened opened;
    access_once(&ask, &out);
    must(read_as_reader(&payload));
    assert_status(
        bcemr_doctor_open(&c.doctors[READER], c.held, 0, &payload, NULL, NULL, &opened, NULL),
        BCEMR_OK);
    assert_int_equal(opened.document_count, CLINIC_TEAM);
    cloud_read_close(K, &payload);
    bcemr_opened_free(&opened);
    bcemr_buf_free(&ask);
    bcemr_buf_free(&out);
}

static void answers_nothing_once_the_grant_ended(void **state)
{
    (void)state;
    bcemr_buf ask = BCEMR_BUF_EMPTY, out = BCEMR_BUF_EMPTY;
    bcemr_source payload;
    access_once(&ask, &out);
    clinic_ask(&c, READER, CLOUD_1, &ask);
    must(clinic_access(&c, CLOUD_1, &ask));
    must(post_revoke()); /* stands before the Access */
    must(clinic_pump(&c, CLOUD_1));
    assert_clinic_refused(answer(0, &out), BCEMR_GRANT_REVOKED);
    assert_clinic_refused(read_as_reader(&payload), BCEMR_NOT_ENTITLED);
    assert_int_equal(out.n, 0);
    bcemr_buf_free(&ask);
    bcemr_buf_free(&out);
}

/* As soon as the ledger says so: the cloud has not gone through the new leaves yet. */
static void reads_only_while_the_ledger_lets_it(void **state)
{
    (void)state;
    bcemr_buf ask = BCEMR_BUF_EMPTY, out = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY;
    bcemr_source payload;
    bcemr_span waiting;
    const int64_t now = c.now;
    access_once(&ask, &out);
    must(read_as_reader(&payload));
    cloud_read_close(K, &payload);
    c.now = ((const cloud_grant *)K->grants.rows[0])->terms.expiry + 1;
    assert_clinic_refused(read_as_reader(&payload), BCEMR_GRANT_EXPIRED);
    c.now = now;
    must(authority_retire(&c.authority, &c.view, c.doctors[READER].id, &entry, NULL));
    must(clinic_post(&c, bcemr_buf_span(&entry)));
    assert_clinic_refused(read_as_reader(&payload), BCEMR_DOCTOR_RETIRED);
    bcemr_switch_off(BCEMR_DOCTOR_RETIRED);
    assert_clinic_refused(read_as_reader(&payload), BCEMR_NOT_ENROLLED);
    bcemr_switch_off(BCEMR_NOT_ENROLLED);
    const bcemr_tr_e_erase erased = {c.consortium.ledger, c.vid, c.nodes[CLOUD_2].id,
                                     BCEMR_asker_PATIENT, erase_signature()};
    must(cloud_post(c.nodes[CLOUD_2].cloud, &bcemr_type_e_erase, &erased, NULL));
    must(server_memory_outbox_next(c.nodes[CLOUD_2].box, &waiting));
    must(clinic_post(&c, waiting));
    assert_clinic_refused(read_as_reader(&payload), BCEMR_CASE_ERASED);
    must(post_revoke());
    assert_clinic_refused(read_as_reader(&payload), BCEMR_GRANT_REVOKED);
    bcemr_buf_free(&ask);
    bcemr_buf_free(&out);
    bcemr_buf_free(&entry);
}

static void answers_nothing_that_the_ledger_took_too_late(void **state)
{
    (void)state;
    bcemr_buf ask = BCEMR_BUF_EMPTY, out = BCEMR_BUF_EMPTY;
    clinic_ask(&c, READER, CLOUD_1, &ask);
    must(clinic_access(&c, CLOUD_1, &ask));
    int64_t now = c.now;
    c.now += 101 * CLINIC_HOUR;
    bcemr_span waiting;
    must(server_memory_outbox_next(c.nodes[CLOUD_1].box, &waiting));
    must(clinic_post(&c, waiting));
    clinic_checkpoint(&c);
    c.now = now; /* the cloud's own clock stands still */
    assert_clinic_refused(answer(0, &out), BCEMR_GRANT_EXPIRED);
    bcemr_buf_free(&ask);
    bcemr_buf_free(&out);
}

static void proves_to_a_cosigned_checkpoint(void **state)
{
    (void)state;
    bcemr_buf ask = BCEMR_BUF_EMPTY, out = BCEMR_BUF_EMPTY;
    clinic_ask(&c, READER, CLOUD_1, &ask);
    must(clinic_access(&c, CLOUD_1, &ask));
    bcemr_span waiting;
    must(server_memory_outbox_next(c.nodes[CLOUD_1].box, &waiting));
    must(clinic_post(&c, waiting)); /* on the ledger, not cosigned yet */
    assert_clinic_refused(answer(0, &out), BCEMR_ACCESS_NOT_INCLUDED);
    clinic_checkpoint(&c);
    assert_status(answer(0, &out), BCEMR_OK);
    bcemr_buf_free(&ask);
    bcemr_buf_free(&out);
}

static void gives_the_patient_their_grants_back(void **state)
{
    (void)state;
    bcemr_buf bytes = BCEMR_BUF_EMPTY, out = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    bcemr_list offers;
    bcemr_tr_own_req request = {.ledger = c.consortium.ledger,
                                .cloud = c.nodes[CLOUD_1].id,
                                .vid = c.vid,
                                .kind = BCEMR_own_kind_GRANTS,
                                .time = c.now};
    must(cloud_nonce(K, bcemr_span_of(c.visit.keys.av_public.b, 32), c.now, &request.cloud_nonce,
                     NULL));
    must(bcemr_write_own_req(&request, &bytes, NULL));
    bcemr_ed_sign(&c.visit.keys.av, bcemr_buf_span(&bytes), &signature);
    must(cloud_own(K, bcemr_buf_span(&bytes), &signature, c.now, &out, NULL));
    must(bcemr_read_list(&bcemr_type_grant_offer, bcemr_buf_span(&out), 0, 10, &offers, NULL));
    assert_int_equal(offers.count, 1);
    bcemr_buf_free(&bytes);
    bcemr_buf_free(&out);
}

/* ---- memory runs out ---- */

static void uses_no_handle_when_memory_runs_out(void **state)
{
    (void)state;
    bcemr_buf ask = BCEMR_BUF_EMPTY;
    const cloud_grant *grant = K->grants.rows[0];
    clinic_ask(&c, READER, CLOUD_1, &ask);
    bcemr_status status = BCEMR_E_NO_MEMORY;
    bcemr_span waiting;
    uint64_t n = 0;
    while (status != BCEMR_OK && n < 10000) {
        bcemr_switch_fail_allocation(++n);
        status = clinic_access(&c, CLOUD_1, &ask);
        bcemr_switch_fail_allocation(0);
        if (status != BCEMR_OK) {
            assert_false(grant->pending);
            assert_status(server_memory_outbox_next(c.nodes[CLOUD_1].box, &waiting),
                          BCEMR_E_NOT_FOUND);
        }
    }
    assert_status(status, BCEMR_OK);
    assert_true(n > 10);
    bcemr_buf_free(&ask);
}

static void takes_no_grant_when_memory_runs_out(void **state)
{
    (void)state;
    bcemr_status status = BCEMR_E_NO_MEMORY;
    uint64_t n = 0;
    while (status != BCEMR_OK && n < 10000) {
        bcemr_switch_fail_allocation(++n);
        status = cloud_take_grant(K, bcemr_buf_span(&c.grant.posts[0]), c.now, NULL);
        bcemr_switch_fail_allocation(0);
        if (status != BCEMR_OK)
            assert_int_equal(K->grants.count, 0);
    }
    assert_status(status, BCEMR_OK);
    assert_true(n > 20);
}

#define GRANTED(test) cmocka_unit_test_setup_teardown(test, play_to_granted, end)
#define CONSENTED(test) cmocka_unit_test_setup_teardown(test, play_to_consented, end)
#define HALF(test) cmocka_unit_test_setup_teardown(test, play_to_half_sealed, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GRANTED(takes_only_kinds_that_it_serves),
        GRANTED(takes_only_terms_that_fit_each_other),
        GRANTED(takes_only_what_the_ledger_allows),
        GRANTED(takes_only_what_is_signed),
        GRANTED(stops_at_the_first_visit_that_is_bad),
        GRANTED(takes_no_key_for_another_visit),
        GRANTED(takes_a_grant_once),
        GRANTED(posts_a_waiting_consent_again),
        GRANTED(takes_nothing_that_is_revoked),
        HALF(names_only_clouds_that_confirmed),
        GRANTED(takes_nothing_over_an_erased_record),
        CONSENTED(answers_only_requests_for_it),
        CONSENTED(answers_only_the_doctor_of_the_grant),
        CONSENTED(answers_nothing_after_the_expiry),
        CONSENTED(forgets_the_keys_of_a_revoked_grant),
        CONSENTED(forgets_the_keys_of_a_retired_doctor),
        CONSENTED(forgets_the_keys_of_an_erased_record),
        CONSENTED(answers_only_after_the_access_is_on_the_ledger),
        CONSENTED(brings_the_earlier_accesses),
        CONSENTED(the_answer_opens_the_record),
        CONSENTED(answers_nothing_once_the_grant_ended),
        CONSENTED(reads_only_while_the_ledger_lets_it),
        CONSENTED(answers_nothing_that_the_ledger_took_too_late),
        CONSENTED(proves_to_a_cosigned_checkpoint),
        CONSENTED(gives_the_patient_their_grants_back),
        CONSENTED(uses_no_handle_when_memory_runs_out),
        GRANTED(takes_no_grant_when_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
