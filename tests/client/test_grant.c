/* SPDX-License-Identifier: Apache-2.0 */
/* Granting, and checks 1 to 3 of section 7 by the doctor elsewhere, against a cloud that posts and
 * answers what it likes; the patient's audit of the same. */
#include "client/client_test.h"

#include "support/clinic.h"

#include "client/dishonest_cloud.h"

#include <sodium.h>

static clinic c;

static int play_sealed(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_SEALED);
    return 0;
}

static int play_joined(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_JOINED);
    return 0;
}

static int end(void **state)
{
    (void)switches_on(state);
    clinic_end(&c);
    return 0;
}

/* ---- what a patient may wish ---- */

typedef struct wished {
    bcemr_span clouds[17];
    const bcemr_patient_visit *visits[1];
    bcemr_grant_wish wish;
} wished;

static void wish_begin(wished *w)
{
    for (size_t i = 0; i < COUNT(w->clouds); i++)
        w->clouds[i] = c.nodes[CLOUD_1].id;
    w->clouds[1] = c.nodes[CLOUD_2].id;
    w->visits[0] = &c.visit;
    w->wish = (bcemr_grant_wish){.doctor = c.doctors[READER].id,
                                 .scope = BCEMR_scope_READ,
                                 .expiry = c.now + CLINIC_HOUR,
                                 .purpose = bcemr_text("second opinion"),
                                 .clouds = w->clouds,
                                 .cloud_count = 2,
                                 .visits = w->visits,
                                 .visit_count = 1};
}

static bcemr_status make(const wished *w)
{
    bcemr_patient_grant grant;
    uint64_t next = c.wallet.next_grant;
    bcemr_status status = bcemr_patient_grant_make(&c.wallet, &w->wish, c.now, &grant, &why);
    assert_int_equal(c.wallet.next_grant, next + (status == BCEMR_OK));
    assert_int_equal(grant.post_count, status == BCEMR_OK ? w->wish.cloud_count : 0);
    if (status != BCEMR_OK)
        assert_true(sodium_is_zero((const uint8_t *)&grant, sizeof grant));
    bcemr_patient_grant_free(&grant);
    return status;
}

static void enrol_reader(void)
{
    consortium_enrolment e;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    const consortium_doctor *d = &c.consortium.doctors[CLINIC_DOCTORS];
    const consortium_row row = {.role = "authority", .by = &c.consortium.authority};
    consortium_enrol_reader(&c.consortium, d, c.now - 1, c.now + CLINIC_HOUR, &e);
    consortium_sign(&c.consortium, &bcemr_type_e_enrol, &e.entry, &row, 1, &entry);
    must(clinic_post(&c, bcemr_buf_span(&entry)));
    bcemr_buf_free(&entry);
    bcemr_buf_free(&e.pops);
}

static void a_grant_is_for_a_sealed_visit_at_its_clouds(void **state)
{
    wished w;
    bcemr_patient_visit stranger = c.visit;
    (void)state;
    wish_begin(&w);
    OK(make(&w));
    w.wish.expiry = c.now;
    REFUSED(BCEMR_BAD_TERMS, make(&w));
    wish_begin(&w);
    w.wish.visit_count = 0;
    REFUSED(BCEMR_BAD_TERMS, make(&w));
    wish_begin(&w);
    w.wish.cloud_count = 0;
    REFUSED(BCEMR_BAD_TERMS, make(&w));
    w.wish.cloud_count = 17;
    REFUSED(BCEMR_BAD_TERMS, make(&w));
    wish_begin(&w);
    w.wish.scope = BCEMR_scope_SEARCH;
    REFUSED(BCEMR_BAD_TERMS, make(&w));
    wish_begin(&w);
    w.clouds[1] = bcemr_text("cloud-3");
    REFUSED(BCEMR_NOT_A_CLOUD_OF_VISIT, make(&w));
    w.clouds[1] = c.nodes[HOSPITAL_1].id; /* confirmed, but no cloud */
    REFUSED(BCEMR_NOT_A_CLOUD_OF_VISIT, make(&w));
    wish_begin(&w);
    memset(&stranger.vid, 1, sizeof stranger.vid);
    w.visits[0] = &stranger;
    REFUSED(BCEMR_NOT_ADMITTED, make(&w));
    wish_begin(&w);
    w.wish.doctor = bcemr_text("doctor-9");
    REFUSED(BCEMR_NOT_ENROLLED, make(&w));
    enrol_reader();
    w.wish.doctor = bcemr_text(c.consortium.doctors[CLINIC_DOCTORS].id);
    REFUSED(BCEMR_NOT_ENROLLED, make(&w)); /* a reader of the ledger is no doctor */
    wish_begin(&w);
    OK(make(&w));
}

static void a_cloud_counts_once_it_confirmed(void **state)
{
    wished w;
    bcemr_buf confirmation = BCEMR_BUF_EMPTY;
    (void)state;
    wish_begin(&w);
    REFUSED(BCEMR_NOT_SEALED, make(&w));
    clinic_diagnose(&c, 0, CLINIC_TEAM - 1);
    bcemr_switch_off(BCEMR_NOT_ENOUGH_SIGNERS); /* u is 2 where the plan says so */
    bcemr_switch_off_reason(LEDGER_R_SEAL_CLOUDS);
    clinic_to_sealed(&c, CLOUD_1, CLOUD_1);
    bcemr_switch_all_on();
    REFUSED(BCEMR_NOT_A_CLOUD_OF_VISIT, make(&w));
    w.wish.cloud_count = 1;
    OK(make(&w));
    must(clinic_upload(&c, CLOUD_2, c.doctors[2].id, &confirmation));
    must(cloud_confirm(c.nodes[CLOUD_2].cloud, &c.vid, NULL));
    must(clinic_pump(&c, CLOUD_2));
    w.wish.cloud_count = 2;
    OK(make(&w));
    bcemr_buf_free(&confirmation);
}

/* ---- the offer ---- */

static void rewrite_terms(dishonest *x)
{
    bcemr_buf_clear(&x->kept);
    must(bcemr_write_grant(&x->terms, &x->kept, NULL));
    x->offer.terms = bcemr_buf_span(&x->kept);
}

static bcemr_status offer_with(void (*change)(dishonest *))
{
    dishonest x = {.c = &c};
    make_grant(&x);
    change(&x);
    bcemr_status status = take_offer(&x);
    dishonest_free(&x);
    return status;
}

static void terms_of_another_ledger(dishonest *x)
{
    flip(&x->terms.ledger);
    rewrite_terms(x);
}

static void terms_for_another_doctor(dishonest *x)
{
    x->terms.doctor = c.doctors[4].id;
    rewrite_terms(x);
}

static void terms_for_another_enrolment(dishonest *x)
{
    flip(&x->terms.enrolment);
    rewrite_terms(x);
}

static void a_signature_too_many(dishonest *x)
{
    static bcemr_ed_signature two[2];
    x->offer.signatures = BCEMR_LIST_OF(two, 2);
}

static void other_wrapped(dishonest *x)
{
    must(bcemr_buf_set(&x->kept, x->offer.wrapped));
    flip(x->kept.p + 40);
    x->offer.wrapped = bcemr_buf_span(&x->kept);
}

/* A box of our own, named by terms of our own. */
static void wrap_as(dishonest *x, const bcemr_x25519_raw *to, bcemr_span plain)
{
    bcemr_buf_clear(&x->header);
    must(bcemr_sealed_box(to, plain, &x->header, NULL));
    x->offer.wrapped = bcemr_buf_span(&x->header);
    bcemr_sha256(x->offer.wrapped, &x->terms.wrapped);
    rewrite_terms(x);
}

static void wrapped_for_another(dishonest *x)
{
    wrap_as(x, &c.doctors[4].publics.box, bcemr_text("whatever"));
}

static void wrapped_other_gs(dishonest *x)
{
    bcemr_buf plain = BCEMR_BUF_EMPTY;
    const bcemr_tr_audit_key row = {c.nodes[CLOUD_1].id, {{1}}};
    const bcemr_tr_wrapped wrapped = {{{1}}, BCEMR_LIST_OF(&row, 1)};
    must(bcemr_write_wrapped(&wrapped, &plain, NULL));
    wrap_as(x, &c.doctors[READER].publics.box, bcemr_buf_span(&plain));
    bcemr_buf_free(&plain);
}

static void an_offer_is_for_this_doctor(void **state)
{
    static const struct {
        void (*change)(dishonest *x);
        bcemr_verdict verdict;
    } cases[] = {{terms_of_another_ledger, BCEMR_WRONG_LEDGER},
                 {terms_for_another_doctor, BCEMR_BAD_TERMS},
                 {terms_for_another_enrolment, BCEMR_BAD_TERMS},
                 {a_signature_too_many, BCEMR_BAD_TERMS},
                 {other_wrapped, BCEMR_BAD_WRAPPED},
                 {wrapped_for_another, BCEMR_BAD_WRAPPED},
                 {wrapped_other_gs, BCEMR_BAD_WRAPPED}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        REFUSED(cases[i].verdict, offer_with(cases[i].change));
    dishonest x = {.c = &c};
    make_grant(&x);
    bcemr_span mine = c.doctors[READER].id;
    c.doctors[READER].id = bcemr_text("doctor-9");
    REFUSED(BCEMR_NOT_ENROLLED, take_offer(&x));
    c.doctors[READER].id = c.doctors[4].id;
    REFUSED(BCEMR_BAD_TERMS, take_offer(&x));
    c.doctors[READER].id = mine;
    OK(take_offer(&x));
    assert_true(bcemr_hash_equal(&bcemr_held_grant_terms(x.held)->gid, &x.terms.gid));
    dishonest_free(&x);
}

static void a_request_is_within_the_terms(void **state)
{
    dishonest x = {.c = &c};
    bcemr_buf ask = BCEMR_BUF_EMPTY;
    const bcemr_nonce nonce = {{0}};
    const uint8_t one[1] = {1}, spare[1] = {3};
    const bcemr_doctor *j = &c.doctors[READER];
    (void)state;
    make_grant(&x);
    OK(take_offer(&x));
    FAILS(BCEMR_E_STATE, bcemr_doctor_take_answer(j, x.held, bcemr_text("early"), &why));
    REFUSED(BCEMR_BAD_TERMS,
            bcemr_doctor_ask(j, x.held, c.nodes[CLOUD_2].id, bcemr_span_of(one, 1),
                             BCEMR_access_reason_TREATMENT, &nonce, c.now, &ask, &why));
    FAILS(BCEMR_E_BITMAP,
          bcemr_doctor_ask(j, x.held, c.nodes[CLOUD_1].id, bcemr_span_of(spare, 1),
                           BCEMR_access_reason_TREATMENT, &nonce, c.now, &ask, &why));
    assert_int_equal(ask.n, 0);
    OK(bcemr_doctor_ask(j, x.held, c.nodes[CLOUD_1].id, bcemr_span_of(one, 1),
                        BCEMR_access_reason_TREATMENT, &nonce, c.now, &ask, &why));
    bcemr_buf_free(&ask);
    dishonest_free(&x);
}

/* ---- check 1 ---- */

static void signature_of_another(dishonest *x)
{
    flip(&x->signatures[0]);
}

static void a_record_too_many(dishonest *x)
{
    x->answer.records.count = 2;
}

static void record_of_another_visit(dishonest *x)
{
    flip(&x->records[0].vid);
}

/* ---- the checkpoint ---- */

static void checkpoint_as(dishonest *x, uint64_t votes, void (*change)(bcemr_tr_checkpoint *))
{
    bcemr_set *set = bcemr_allocate(sizeof *set);
    const bcemr_secrets *voters[CLINIC_NODES];
    bcemr_tr_cosigned cosigned;
    bcemr_tr_checkpoint checkpoint;
    assert_non_null(set);
    must(bcemr_read_cosigned(bcemr_buf_span(&x->cosigned), &cosigned, NULL));
    must(bcemr_read_checkpoint(cosigned.checkpoint, &checkpoint, NULL));
    for (int n = 0; n < CLINIC_NODES; n++)
        voters[n] = &c.consortium.nodes[n].keys;
    if (change)
        change(&checkpoint);
    must(ledger_chain_set_now(c.chain, set, NULL));
    bcemr_buf_clear(&x->kept);
    consortium_cosign(set, &checkpoint, voters, votes, &x->kept);
    x->answer.checkpoint = bcemr_buf_span(&x->kept);
    bcemr_set_free(set);
    bcemr_release(set);
}

static void other_ledger(bcemr_tr_checkpoint *checkpoint)
{
    flip(&checkpoint->ledger);
}

static void other_set(bcemr_tr_checkpoint *checkpoint)
{
    flip(&checkpoint->set);
}

static void other_set_number(bcemr_tr_checkpoint *checkpoint)
{
    checkpoint->set_number++;
}

static void other_root(bcemr_tr_checkpoint *checkpoint)
{
    flip(&checkpoint->root);
}

static void checkpoint_of_two(dishonest *x)
{
    checkpoint_as(x, 3, NULL);
}

static void checkpoint_of_three(dishonest *x)
{
    checkpoint_as(x, 7, NULL);
}

static void checkpoint_of_another_ledger(dishonest *x)
{
    checkpoint_as(x, 15, other_ledger);
}

static void checkpoint_of_another_set(dishonest *x)
{
    checkpoint_as(x, 15, other_set);
}

static void checkpoint_of_another_set_number(dishonest *x)
{
    checkpoint_as(x, 15, other_set_number);
}

static void checkpoint_of_another_tree(dishonest *x)
{
    checkpoint_as(x, 15, other_root);
}

static void checkpoint_with_a_false_signature(dishonest *x)
{
    bcemr_tr_cosigned cosigned;
    bcemr_g1 point;
    must(bcemr_read_cosigned(bcemr_buf_span(&x->cosigned), &cosigned, NULL));
    bcemr_g1_from_secret(&c.consortium.doctors[0].keys.x, &point);
    bcemr_g1_encode(&point, &cosigned.signature);
    bcemr_buf_clear(&x->kept);
    must(bcemr_write_cosigned(&cosigned, &x->kept, NULL));
    x->answer.checkpoint = bcemr_buf_span(&x->kept);
}

/* ---- check 2 ---- */

/* The last byte of an inclusion is one of the leaf's sibling hashes. */
static void consent_not_in_the_tree(dishonest *x)
{
    flip(&x->inclusions[0].p[x->inclusions[0].n - 1]);
}

static void consent_is_another_entry(dishonest *x)
{
    x->answer.consent = x->answer.access;
}

static void other_salt(dishonest *x)
{
    flip(&x->answer.consent_salt);
}

static void consent_under_another_r(dishonest *x)
{
    const uint8_t seed[32] = {9, (uint8_t)c.wallet.next_grant};
    bcemr_ed_secret mine;
    bcemr_ed_from_seed(seed, &mine, &x->consent.revoker);
    const bcemr_tr_consent_post post = {x->consent.ledger, x->consent.cloud, x->consent.cm,
                                        x->consent.latest};
    must(bcemr_ed_sign_value(&mine, &bcemr_type_consent_post, &post, &x->consent.signature, NULL));
}

static void consent_of_other_terms(dishonest *x)
{
    flip(&x->consent.cm);
    sign_consent(x);
}

static void consent_late(dishonest *x)
{
    x->consent.latest = c.now - 1;
    sign_consent(x);
    bcemr_switch_off_reason(LEDGER_R_CONSENT_LATE);
}

static void consent_just_in_time(dishonest *x)
{
    x->consent.latest = c.now + 1;
    sign_consent(x);
}

/* ---- check 3 ---- */

static void access_not_in_the_tree(dishonest *x)
{
    flip(&x->inclusions[1].p[x->inclusions[1].n - 1]);
}

static void access_is_another_entry(dishonest *x)
{
    x->answer.access = x->answer.consent;
}

static void a_second_request(dishonest *x)
{
    ask_for_it(x);
}

static void body_of_another_signature(dishonest *x)
{
    flip(&x->body.signature);
}

static void body_of_another_consent(dishonest *x)
{
    x->body.consent++;
}

static void other_ka(dishonest *x)
{
    flip(&x->ka);
}

static void other_box(dishonest *x)
{
    static uint8_t box[3088];
    memcpy(box, x->access.box.p, x->access.box.n);
    box[30] ^= 1;
    x->access.box = bcemr_span_of(box, x->access.box.n);
}

static void other_commitment(dishonest *x)
{
    flip(&x->access.cm);
}

static void other_handle(dishonest *x)
{
    flip(&x->access.handle);
}

static void number_1(dishonest *x)
{
    x->j = 1;
}

/* Access 0 of this grant, to be brought along. */
static void earlier_access(dishonest *x)
{
    x->earlier[0] = post_access(x, 0, CLOUD_1);
    x->earlier_count = 1;
    x->j = 1;
}

static void earlier_by_another_cloud(dishonest *x)
{
    x->earlier[0] = post_access(x, 0, CLOUD_2);
    x->earlier_count = 1;
    x->j = 1;
}

static void earlier_is_the_consent(dishonest *x)
{
    x->earlier[0] = x->consent_leaf;
    x->earlier_count = 1;
    x->j = 1;
}

static void earlier_of_another_number(dishonest *x)
{
    x->earlier[0] = post_access(x, 5, CLOUD_1);
    x->earlier_count = 1;
    x->j = 1;
}

static void earlier_twice(dishonest *x)
{
    earlier_access(x);
    x->earlier[1] = x->earlier[0];
    x->earlier_count = 2;
    x->j = 2;
}

static void two_earlier(dishonest *x)
{
    earlier_access(x);
    x->earlier[1] = post_access(x, 1, CLOUD_1);
    x->earlier_count = 2;
    x->j = 2;
}

static void two_earlier_changed_about(dishonest *x)
{
    two_earlier(x);
    uint64_t first = x->earlier[0];
    x->earlier[0] = x->earlier[1];
    x->earlier[1] = first;
}

/* Number 0 was posted only after number 1. */
static void earlier_is_later(dishonest *x)
{
    x->earlier[0] = post_access(x, 0, CLOUD_1);
    x->earlier_count = 1;
}

static void earlier_not_in_the_tree(dishonest *x)
{
    flip(&x->inclusions[2].p[x->inclusions[2].n - 1]);
}

static const struct {
    const char *name;
    dishonest x; /* hooks */
    bcemr_verdict verdict;
} answers[] = {
    {"nothing", {0}, BCEMR_VALID},
    /* 1 */
    {"Av of another", {.on_offer = signature_of_another}, BCEMR_BAD_GRANT_SIGNATURE},
    {"a record too many", {.on_answer = a_record_too_many}, BCEMR_BAD_TERMS},
    {"another visit's record", {.on_answer = record_of_another_visit}, BCEMR_BAD_TERMS},
    {"checkpoint of two of four", {.on_answer = checkpoint_of_two}, BCEMR_NOT_ENOUGH_SIGNERS},
    {"checkpoint of three of four", {.on_answer = checkpoint_of_three}, BCEMR_VALID},
    {"checkpoint of another ledger",
     {.on_answer = checkpoint_of_another_ledger},
     BCEMR_WRONG_LEDGER},
    {"checkpoint of another set", {.on_answer = checkpoint_of_another_set}, BCEMR_BAD_SET},
    {"checkpoint of another set's number",
     {.on_answer = checkpoint_of_another_set_number},
     BCEMR_BAD_SET},
    {"checkpoint not signed",
     {.on_answer = checkpoint_with_a_false_signature},
     BCEMR_BAD_CHECKPOINT},
    {"checkpoint of another tree",
     {.on_answer = checkpoint_of_another_tree},
     BCEMR_CONSENT_NOT_INCLUDED},
    /* 2 */
    {"consent not included", {.on_answer = consent_not_in_the_tree}, BCEMR_CONSENT_NOT_INCLUDED},
    {"consent is another entry", {.on_answer = consent_is_another_entry}, BCEMR_BAD_CONSENT},
    {"consent's salt", {.on_answer = other_salt}, BCEMR_BAD_CONSENT},
    {"consent to other terms", {.on_consent = consent_of_other_terms}, BCEMR_BAD_CONSENT},
    {"consent under another R", {.on_consent = consent_under_another_r}, BCEMR_BAD_CONSENT},
    {"consent at another cloud", {.cloud = CLOUD_2}, BCEMR_BAD_CONSENT},
    {"consent late", {.on_consent = consent_late}, BCEMR_CONSENT_LATE},
    {"consent just in time", {.on_consent = consent_just_in_time}, BCEMR_VALID},
    /* 3 */
    {"access not included", {.on_answer = access_not_in_the_tree}, BCEMR_ACCESS_NOT_INCLUDED},
    {"access is another entry", {.on_answer = access_is_another_entry}, BCEMR_BAD_ACCESS},
    {"access for an older request", {.after_access = a_second_request}, BCEMR_BAD_ACCESS},
    {"access with another signature", {.on_body = body_of_another_signature}, BCEMR_BAD_ACCESS},
    {"access under another consent", {.on_body = body_of_another_consent}, BCEMR_BAD_ACCESS},
    {"access under another ka", {.before_access = other_ka}, BCEMR_BAD_ACCESS},
    {"access box", {.on_access = other_box}, BCEMR_BAD_ACCESS},
    {"access commitment", {.on_access = other_commitment}, BCEMR_BAD_ACCESS},
    {"access handle", {.on_access = other_handle}, BCEMR_BAD_ACCESS},
    {"access before its consent", {.access_first = true}, BCEMR_BAD_ACCESS},
    {"access of another number", {.before_access = number_1}, BCEMR_BAD_ACCESS},
    {"an earlier access", {.before_access = earlier_access}, BCEMR_VALID},
    {"two earlier ones", {.before_access = two_earlier}, BCEMR_VALID},
    {"earlier at another cloud", {.before_access = earlier_by_another_cloud}, BCEMR_ACCESS_HIDDEN},
    {"earlier is no access", {.before_access = earlier_is_the_consent}, BCEMR_ACCESS_HIDDEN},
    {"earlier of another number",
     {.before_access = earlier_of_another_number},
     BCEMR_ACCESS_HIDDEN},
    {"earlier twice", {.before_access = earlier_twice}, BCEMR_ACCESS_HIDDEN},
    {"earlier out of order", {.before_access = two_earlier_changed_about}, BCEMR_ACCESS_HIDDEN},
    {"earlier is later", {.j = 1, .after_access = earlier_is_later}, BCEMR_ACCESS_HIDDEN},
    {"earlier not included",
     {.before_access = earlier_access, .on_answer = earlier_not_in_the_tree},
     BCEMR_ACCESS_NOT_INCLUDED},
    {"revoked before", {.before_access = revoke}, BCEMR_GRANT_REVOKED},
    {"revoked after", {.after_access = revoke}, BCEMR_VALID},
    /* of two faults the first speaks */
    {"order of 1 and 2",
     {.on_offer = signature_of_another, .on_answer = consent_not_in_the_tree},
     BCEMR_BAD_GRANT_SIGNATURE},
    {"order of the checkpoint and 2",
     {.on_consent = consent_under_another_r, .on_answer = checkpoint_of_two},
     BCEMR_NOT_ENOUGH_SIGNERS},
    {"order within 2",
     {.on_consent = consent_under_another_r, .on_answer = consent_not_in_the_tree},
     BCEMR_CONSENT_NOT_INCLUDED},
    {"R before latest time",
     {.on_consent = consent_late, .on_answer = other_salt},
     BCEMR_BAD_CONSENT},
    {"order of 2 and 3",
     {.on_consent = consent_late, .on_answer = access_not_in_the_tree},
     BCEMR_CONSENT_LATE},
    {"order within 3",
     {.on_access = other_box, .on_answer = access_not_in_the_tree},
     BCEMR_ACCESS_NOT_INCLUDED},
    {"body before revocation", {.before_access = revoke, .on_access = other_box}, BCEMR_BAD_ACCESS},
    {"body before earlier ones",
     {.before_access = earlier_is_the_consent, .on_body = body_of_another_signature},
     BCEMR_BAD_ACCESS},
};

static void every_answer_is_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        dishonest x = answers[i].x;
        print_message("%s\n", answers[i].name);
        ENDS_WITH(answers[i].verdict, play_grant(&x, &c));
        bcemr_switch_all_on();
        /* what was refused was not counted */
        assert_int_equal(bcemr_held_grant_checked(x.held, c.nodes[CLOUD_1].id),
                         answers[i].verdict == BCEMR_VALID ? x.j + 1 : 0);
        dishonest_free(&x);
    }
}

/* The highest number checked is kept: the next answer brings later ones only. */
static void numbers_go_on(void **state)
{
    dishonest x = {0};
    (void)state;
    OK(play_grant(&x, &c));
    REFUSED(BCEMR_BAD_ACCESS, take_answer(&x)); /* the same again answers nothing new */
    ask_for_it(&x);
    x.access_leaf = post_access(&x, 1, CLOUD_1);
    x.earlier[0] = x.access_leaf - 1; /* number 0 again */
    x.earlier_count = 1;
    make_answer(&x);
    REFUSED(BCEMR_BAD_ACCESS, take_answer(&x));
    x.earlier_count = 0;
    make_answer(&x);
    OK(take_answer(&x));
    assert_int_equal(bcemr_held_grant_checked(x.held, c.nodes[CLOUD_1].id), 2);
    assert_int_equal(bcemr_held_grant_checked(x.held, c.nodes[CLOUD_2].id), 0);
    dishonest_free(&x);
}

/* ---- what stops a grant, before the access and after it ---- */

static void retire_reader(dishonest *x)
{
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    const consortium_doctor *d = &c.consortium.doctors[READER];
    const bcemr_tr_e_retire retire = {c.consortium.ledger, bcemr_text(d->id),
                                      bcemr_span_of(d->publics.x.b, 96)};
    const consortium_row row = {.role = "authority", .by = &c.consortium.authority};
    (void)x;
    consortium_sign(&c.consortium, &bcemr_type_e_retire, &retire, &row, 1, &entry);
    must(clinic_post(&c, bcemr_buf_span(&entry)));
    bcemr_buf_free(&entry);
}

static void erase(dishonest *x)
{
    bcemr_tr_e_erase entry = {.ledger = c.consortium.ledger,
                              .vid = c.vid,
                              .cloud = c.nodes[CLOUD_1].id,
                              .by = BCEMR_asker_PATIENT};
    const bcemr_tr_erase signed_part = {c.consortium.ledger, c.vid};
    must(bcemr_ed_sign_value(&c.visit.keys.av, &bcemr_type_erase, &signed_part, &entry.signature,
                             NULL));
    (void)post_entry(x, &bcemr_type_e_erase, &entry, "cloud", CLOUD_1);
}

static void expire(dishonest *x)
{
    (void)x;
    c.now += 101 * CLINIC_HOUR;
}

static void once(dishonest x, bcemr_verdict verdict)
{
    ENDS_WITH(verdict, play_grant(&x, &c));
    dishonest_free(&x);
}

static void who_retired_before_reads_nothing(void **state)
{
    (void)state;
    once((dishonest){.before_access = retire_reader}, BCEMR_DOCTOR_RETIRED);
}

static void who_retires_after_has_read(void **state)
{
    (void)state;
    once((dishonest){.after_access = retire_reader}, BCEMR_VALID);
}

static void what_was_erased_is_not_read(void **state)
{
    (void)state;
    once((dishonest){.before_access = erase}, BCEMR_CASE_ERASED);
}

static void what_is_erased_later_was_read(void **state)
{
    (void)state;
    once((dishonest){.after_access = erase}, BCEMR_VALID);
}

static void revoke_retire_erase_expire(dishonest *x)
{
    expire(x);
    erase(x);
    retire_reader(x);
    revoke(x);
}

static void retire_erase_expire(dishonest *x)
{
    expire(x);
    erase(x);
    retire_reader(x);
}

static void expiry_counts_at_the_access(void **state)
{
    (void)state;
    once((dishonest){.after_access = expire}, BCEMR_VALID);
    once((dishonest){.before_access = expire}, BCEMR_GRANT_EXPIRED);
}

static void erase_expire(dishonest *x)
{
    expire(x);
    erase(x);
}

static void stops_come_in_order(void **state)
{
    (void)state;
    once((dishonest){.before_access = erase_expire}, BCEMR_CASE_ERASED);
}

static void revoked_comes_before_the_others(void **state)
{
    (void)state;
    once((dishonest){.before_access = revoke_retire_erase_expire}, BCEMR_GRANT_REVOKED);
}

static void retired_comes_before_erased(void **state)
{
    (void)state;
    once((dishonest){.before_access = retire_erase_expire}, BCEMR_DOCTOR_RETIRED);
}

/* ---- the patient's audit ---- */

typedef struct audit {
    uint64_t count;
    bcemr_verdict verdicts[8];
    uint64_t leaves[8];
    uint64_t js[8];
} audit;

static void note(void *user, const bcemr_audited *a)
{
    audit *out = user;
    assert_true(out->count < COUNT(out->verdicts));
    out->verdicts[out->count] = a->verdict;
    out->js[out->count] = a->j;
    out->leaves[out->count++] = a->leaf;
    assert_true(bcemr_span_equal(a->cloud, c.nodes[CLOUD_1].id));
}

/* What the patient finds of an access made this way. */
static void audited(dishonest x, bcemr_verdict verdict)
{
    audit a = {0};
    (void)play_grant(&x, &c);
    OK(bcemr_patient_audit(&c.wallet, &c.grant, note, &a, &why));
    assert_int_equal(a.count, 1);
    same_name("audit", bcemr_verdict_name(a.verdicts[0]), bcemr_verdict_name(verdict), __FILE__,
              __LINE__);
    assert_int_equal(a.leaves[0], x.access_leaf);
    dishonest_free(&x);
}

static void request_of_another_grant(dishonest *x)
{
    bcemr_tr_access_req r;
    must(bcemr_read_access_req(x->body.request, &r, NULL));
    flip(&r.gid);
    bcemr_buf_clear(&x->kept);
    must(bcemr_write_access_req(&r, &x->kept, NULL));
    x->body.request = bcemr_buf_span(&x->kept);
    bcemr_ed_sign(&c.consortium.doctors[READER].keys.a, x->body.request, &x->body.signature);
}

static void request_beyond_the_terms(dishonest *x)
{
    static const uint8_t visits[2] = {1, 1};
    bcemr_tr_access_req r;
    must(bcemr_read_access_req(x->body.request, &r, NULL));
    r.visits = bcemr_span_of(visits, 2);
    bcemr_buf_clear(&x->kept);
    must(bcemr_write_access_req(&r, &x->kept, NULL));
    x->body.request = bcemr_buf_span(&x->kept);
    bcemr_ed_sign(&c.consortium.doctors[READER].keys.a, x->body.request, &x->body.signature);
}

static void a_patient_finds_every_access(void **state)
{
    audit a = {0};
    dishonest x = {.before_access = two_earlier};
    (void)state;
    OK(play_grant(&x, &c));
    OK(bcemr_patient_audit(&c.wallet, &c.grant, note, &a, &why));
    assert_int_equal(a.count, 3);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(a.verdicts[i], BCEMR_VALID);
        assert_int_equal(a.js[i], i);
    }
    dishonest_free(&x);
    audited((dishonest){0}, BCEMR_VALID);
    audited((dishonest){.after_access = revoke}, BCEMR_VALID);
    audited((dishonest){.before_access = revoke}, BCEMR_GRANT_REVOKED);
    audited((dishonest){.on_access = other_box}, BCEMR_BAD_ACCESS);
    audited((dishonest){.on_body = body_of_another_signature}, BCEMR_BAD_REQUEST);
    audited((dishonest){.on_body = request_of_another_grant}, BCEMR_BAD_REQUEST);
    audited((dishonest){.on_body = request_beyond_the_terms}, BCEMR_REQUEST_SCOPE);
    audited((dishonest){.on_body = body_of_another_consent}, BCEMR_BAD_CONSENT);
    audited((dishonest){.access_first = true}, BCEMR_BAD_CONSENT);
    audited((dishonest){.before_access = expire}, BCEMR_GRANT_EXPIRED);
}

static void a_revocation_is_the_same_again(void **state)
{
    bcemr_buf first = BCEMR_BUF_EMPTY, again = BCEMR_BUF_EMPTY;
    (void)state;
    clinic_grant(&c, READER, 1);
    OK(bcemr_patient_revoke(&c.wallet, &c.grant, &first, &why));
    OK(bcemr_patient_revoke(&c.wallet, &c.grant, &again, &why));
    assert_true(bcemr_span_equal(bcemr_buf_span(&first), bcemr_buf_span(&again)));
    OK(clinic_post(&c, bcemr_buf_span(&first)));
    bcemr_buf_free(&first);
    bcemr_buf_free(&again);
}

/* ---- no memory ---- */

static bcemr_status make_again(void)
{
    wished w;
    wish_begin(&w);
    return make(&w);
}

static dishonest again;

static bcemr_status offer_again(void)
{
    bcemr_held_grant *held = NULL;
    bcemr_status status =
        bcemr_doctor_take_offer(&c.doctors[READER], bcemr_buf_span(&again.kept), &held, &why);
    bcemr_held_grant_free(held);
    return status;
}

static bcemr_status ask_again(void)
{
    const uint8_t visits[1] = {1};
    const bcemr_nonce nonce = {{3}};
    bcemr_buf ask = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_doctor_ask(&c.doctors[READER], again.held, c.nodes[CLOUD_1].id,
                                           bcemr_span_of(visits, 1), BCEMR_access_reason_TREATMENT,
                                           &nonce, c.now, &ask, &why);
    bcemr_buf_free(&ask);
    return status;
}

static bcemr_status answer_again(void)
{
    return bcemr_doctor_take_answer(&c.doctors[READER], again.held,
                                    bcemr_buf_span(&again.answer_bytes), &why);
}

static bcemr_status revoke_again(void)
{
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_patient_revoke(&c.wallet, &c.grant, &entry, &why);
    bcemr_buf_free(&entry);
    return status;
}

static bcemr_status audit_again(void)
{
    audit a = {0};
    return bcemr_patient_audit(&c.wallet, &c.grant, note, &a, &why);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    EVERY_ALLOCATION(make_again());
    OK(play_grant(&again, &c));
    ask_for_it(&again);
    again.access_leaf = post_access(&again, 1, CLOUD_1);
    make_answer(&again);
    bcemr_buf_clear(&again.answer_bytes);
    must(bcemr_write_access_answer(&again.answer, &again.answer_bytes, NULL));
    EVERY_ALLOCATION(answer_again());
    must(bcemr_write_grant_offer(&again.offer, &again.kept, NULL));
    EVERY_ALLOCATION(offer_again());
    EVERY_ALLOCATION(ask_again());
    EVERY_ALLOCATION(revoke_again());
    EVERY_ALLOCATION(audit_again());
    dishonest_free(&again);
}

#define FROM(stage, test) cmocka_unit_test_setup_teardown(test, play_##stage, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FROM(sealed, a_grant_is_for_a_sealed_visit_at_its_clouds),
        FROM(joined, a_cloud_counts_once_it_confirmed),
        FROM(sealed, an_offer_is_for_this_doctor),
        FROM(sealed, a_request_is_within_the_terms),
        FROM(sealed, every_answer_is_checked),
        FROM(sealed, numbers_go_on),
        FROM(sealed, who_retired_before_reads_nothing),
        FROM(sealed, who_retires_after_has_read),
        FROM(sealed, what_was_erased_is_not_read),
        FROM(sealed, what_is_erased_later_was_read),
        FROM(sealed, expiry_counts_at_the_access),
        FROM(sealed, stops_come_in_order),
        FROM(sealed, retired_comes_before_erased),
        FROM(sealed, revoked_comes_before_the_others),
        FROM(sealed, a_patient_finds_every_access),
        FROM(sealed, a_revocation_is_the_same_again),
        FROM(sealed, every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
