/* SPDX-License-Identifier: Apache-2.0 */
/* A doctor of the team, from the first hello to the hospital's answer on the seal: every check has
 * an attempt that it alone refuses, after which the right message still works (sections 3 to 5). */
#include "client/client_test.h"

#include "support/clinic.h"

#include "client/doctor_visit.h"
#include "ledger/rules/rules.h"

#include <bcemr/hash.h>
#include <sodium.h>

static clinic c;
static bcemr_ledger_view truth; /* what c.view is but for a lie */

#define H (c.nodes[HOSPITAL_1].hospital)
#define HOSPITAL_KEYS (c.consortium.nodes[HOSPITAL_1].keys)

static int play_admitted(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_ADMITTED);
    truth = c.view;
    return 0;
}

static int play_joined(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_JOINED);
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
    (void)state;
    (void)switches_on(state);
    clinic_end(&c);
    return 0;
}

static void flip(void *p)
{
    *(uint8_t *)p ^= 1;
}

/* The order from who signed on: doctors first .. last of the clinic. */
static void amend(uint64_t first, uint64_t last)
{
    hospital_place tail[CLINIC_DOCTORS];
    for (uint64_t d = first; d <= last; d++)
        tail[d - first] =
            (hospital_place){c.doctors[d].id, c.now + (20 + (int64_t)d) * CLINIC_HOUR};
    must(hospital_amend(H, &c.vid, tail, last - first + 1, c.now, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
}

/* ---- the run of the group key ---- */

typedef struct group_run {
    uint64_t run, d;
    bcemr_buf hello, reply, server, proof, key;
} group_run;

static void run_free(group_run *g)
{
    bcemr_buf_free(&g->hello);
    bcemr_buf_free(&g->reply);
    bcemr_buf_free(&g->server);
    bcemr_buf_free(&g->proof);
    bcemr_buf_free(&g->key);
}

/* Plays a run up to a step, both sides honest: 1 hello sent, 2 answered, 3 server's MAC sent,
 * 4 doctor's MAC sent, 5 key sent. */
static void run_to(group_run *g, uint64_t d, int step)
{
    *g = (group_run){.d = d};
    if (!c.visits[d])
        must(bcemr_doctor_visit_new(&c.doctors[d], &c.visits[d]));
    bcemr_doctor_visit *v = c.visits[d];
    must(hospital_group_hello(H, &c.vid, c.doctors[d].id, c.now, &g->run, &g->hello, NULL));
    if (step >= 2)
        OK(bcemr_doctor_hello(v, bcemr_buf_span(&g->hello), c.now, &g->reply, &why));
    if (step >= 3)
        must(hospital_group_server(H, g->run, bcemr_buf_span(&g->reply), c.now, &g->server, NULL));
    if (step >= 4)
        OK(bcemr_doctor_prove(v, bcemr_buf_span(&g->server), c.now, &g->proof, &why));
    if (step >= 5)
        must(hospital_group_key(H, g->run, bcemr_buf_span(&g->proof), c.now, &g->key, NULL));
}

/* The hello with one thing changed. */
typedef struct hello {
    bcemr_tr_group_hello m;
    bcemr_tr_visit v;
    bcemr_buf held; /* what a change wrote */
    bcemr_span amendments[4];
    bcemr_ed_signature signatures[5];
} hello;

static void hello_read(const group_run *g, hello *x)
{
    memset(x, 0, sizeof *x);
    must(bcemr_read_group_hello(bcemr_buf_span(&g->hello), &x->m, NULL));
    must(bcemr_read_visit(x->m.visit, &x->v, NULL));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_amend, &x->m.amendments);
    for (uint64_t i = 0; bcemr_list_next(&iter, &x->amendments[i]); i++)
        ;
    iter = bcemr_list_begin(&bcemr_type_edsig_item, &x->m.signatures);
    for (uint64_t i = 0; bcemr_list_next(&iter, &x->signatures[i]); i++)
        ;
    x->m.amendments = BCEMR_LIST_OF(x->amendments, x->m.amendments.count);
    x->m.signatures = BCEMR_LIST_OF(x->signatures, x->m.signatures.count);
}

static bcemr_status say_hello(bcemr_doctor_visit *v, hello *x)
{
    bcemr_buf message = BCEMR_BUF_EMPTY, reply = BCEMR_BUF_EMPTY;
    must(bcemr_write_group_hello(&x->m, &message, NULL));
    bcemr_status status = bcemr_doctor_hello(v, bcemr_buf_span(&message), c.now, &reply, &why);
    assert_true((reply.n > 0) == (status == BCEMR_OK));
    bcemr_buf_free(&message);
    bcemr_buf_free(&reply);
    bcemr_buf_free(&x->held);
    return status;
}

/* Another V, properly signed by the hospital, that the ledger does not hold. */
static void another_visit(hello *x)
{
    x->v.issued++;
    must(bcemr_write_visit(&x->v, &x->held, NULL));
    x->m.visit = bcemr_buf_span(&x->held);
    bcemr_ed_sign(&HOSPITAL_KEYS.a, x->m.visit, &x->signatures[0]);
}

static void other_ticket_signature(hello *x)
{
    flip(&x->signatures[0]);
}

/* An amendment of the hospital's that the ledger does not hold. */
static void amendment_unknown(hello *x)
{
    bcemr_tr_team_doctor tail = {c.doctors[0].id, c.doctors[0].publics.x, c.doctors[0].publics.e,
                                 c.now + CLINIC_HOUR};
    const bcemr_tr_amend a = {c.vid, 1, c.vid, 0, BCEMR_LIST_OF(&tail, 1), c.now};
    must(bcemr_write_amend(&a, &x->held, NULL));
    x->amendments[0] = bcemr_buf_span(&x->held);
    bcemr_ed_sign(&HOSPITAL_KEYS.a, x->amendments[0], &x->signatures[1]);
    x->m.amendments.count = 1;
    x->m.signatures.count = 2;
}

static void a_signature_too_many(hello *x)
{
    x->signatures[1] = x->signatures[0];
    x->m.signatures.count = 2;
}

static bcemr_status other_facts(void *user, bcemr_ledger_facts *out)
{
    bcemr_status status = truth.facts(user, out);
    flip(&out->ledger);
    return status;
}

/* The hospital's row with another Ed25519 key. */
static bcemr_status other_member(void *user, bcemr_span id, uint64_t leaf, bcemr_buf *out)
{
    bcemr_tr_member member;
    bcemr_buf raw = BCEMR_BUF_EMPTY;
    must(truth.member(user, id, leaf, &raw));
    must(bcemr_read_member(bcemr_buf_span(&raw), &member, NULL));
    member.a = c.consortium.nodes[HOSPITAL_2].publics.a;
    must(bcemr_write_member(&member, out, NULL));
    bcemr_buf_free(&raw);
    return BCEMR_OK;
}

static void a_hello_is_the_ledgers(void **state)
{
    static const struct {
        void (*change)(hello *x);
        bcemr_verdict verdict;
    } cases[] = {{another_visit, BCEMR_NOT_ADMITTED},
                 {other_ticket_signature, BCEMR_BAD_TICKET_SIGNATURE},
                 {amendment_unknown, BCEMR_WRONG_ORDER_IN_FORCE},
                 {a_signature_too_many, BCEMR_WRONG_ORDER_IN_FORCE}};
    group_run g;
    hello x;
    (void)state;
    run_to(&g, 0, 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        hello_read(&g, &x);
        cases[i].change(&x);
        REFUSED(cases[i].verdict, say_hello(c.visits[0], &x));
    }
    c.view.facts = other_facts;
    hello_read(&g, &x);
    REFUSED(BCEMR_WRONG_LEDGER, say_hello(c.visits[0], &x));
    c.view = truth;
    c.view.member = other_member;
    REFUSED(BCEMR_BAD_TICKET_SIGNATURE, say_hello(c.visits[0], &x));
    c.view = truth;
    memset(&x.m.once, 0, sizeof x.m.once); /* the zero point: no secret comes of it */
    FAILS(BCEMR_E_X25519_SMALL_ORDER, say_hello(c.visits[0], &x));
    hello_read(&g, &x);
    OK(say_hello(c.visits[0], &x));
    run_free(&g);
}

static void a_hello_is_for_who_stands_in_the_order(void **state)
{
    group_run g;
    hello x;
    bcemr_doctor impostor = c.doctors[0];
    bcemr_doctor_visit *v = NULL;
    (void)state;
    run_to(&g, 0, 1);
    hello_read(&g, &x);
    must(bcemr_doctor_visit_new(&c.doctors[3], &v));
    REFUSED(BCEMR_NOT_IN_ORDER, say_hello(v, &x));
    bcemr_doctor_visit_free(v);
    must(bcemr_doctor_visit_new(&impostor, &v));
    impostor.publics.x = c.doctors[1].publics.x;
    REFUSED(BCEMR_NOT_ENROLLED, say_hello(v, &x));
    impostor.publics = c.doctors[0].publics;
    impostor.publics.e = c.doctors[1].publics.e;
    REFUSED(BCEMR_NOT_ENROLLED, say_hello(v, &x));
    bcemr_doctor_visit_free(v);
    run_free(&g);
}

static void macs_prove_both_sides(void **state)
{
    group_run g, other;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    (void)state;
    run_to(&g, 0, 3);
    bcemr_doctor_visit *v = c.visits[0];
    FAILS(BCEMR_E_STATE, bcemr_doctor_group_key(v, bcemr_text("early"), c.now, &why));
    g.server.p[g.server.n - 1] ^= 1;
    REFUSED(BCEMR_BAD_SERVER_MAC,
            bcemr_doctor_prove(v, bcemr_buf_span(&g.server), c.now, &out, &why));
    assert_int_equal(out.n, 0);
    g.server.p[g.server.n - 1] ^= 1; /* the run is over, so the right one comes too late */
    FAILS(BCEMR_E_STATE, bcemr_doctor_prove(v, bcemr_buf_span(&g.server), c.now, &out, &why));
    assert_true(sodium_is_zero((const uint8_t *)&v->run.keys, sizeof v->run.keys));
    run_to(&other, 0, 3); /* another run's MAC */
    REFUSED(BCEMR_BAD_SERVER_MAC,
            bcemr_doctor_prove(v, bcemr_buf_span(&g.server), c.now, &out, &why));
    run_free(&other);
    run_to(&other, 0, 3); /* cut short it does not count as tried */
    FAILS(BCEMR_E_TRUNCATED,
          bcemr_doctor_prove(v, bcemr_span_of(other.server.p, 10), c.now, &out, &why));
    REFUSED(BCEMR_RUN_TIMED_OUT,
            bcemr_doctor_prove(v, bcemr_buf_span(&other.server), c.now + 60001, &out, &why));
    run_free(&other);
    run_to(&other, 0, 3);
    OK(bcemr_doctor_prove(v, bcemr_buf_span(&other.server), c.now + 60000, &out, &why));
    run_free(&other);
    run_free(&g);
    bcemr_buf_free(&out);
}

/* A wrong key ends the run, and nothing is kept of it. */
static void try_key(const bcemr_buf *key, int64_t late, bcemr_verdict verdict)
{
    bcemr_doctor_visit *v = c.visits[0];
    REFUSED(verdict, bcemr_doctor_group_key(v, bcemr_buf_span(key), c.now + late, &why));
    assert_false(v->joined);
    assert_true(sodium_is_zero((const uint8_t *)&v->run.keys, sizeof v->run.keys));
    FAILS(BCEMR_E_STATE, bcemr_doctor_group_key(v, bcemr_buf_span(key), c.now, &why));
}

static void the_key_is_of_this_run_and_epoch(void **state)
{
    group_run first, g;
    bcemr_buf box = BCEMR_BUF_EMPTY, wrapped = BCEMR_BUF_EMPTY;
    (void)state;
    run_to(&first, 0, 5);
    run_to(&g, 0, 5);
    bcemr_doctor_visit *v = c.visits[0];
    try_key(&first.key, 0, BCEMR_BAD_SEALED_MESSAGE); /* of another run */
    run_free(&g);
    run_to(&g, 0, 5);
    const bcemr_tr_gk gk = {{{1}}, 1}; /* epoch 0 is in force */
    must(bcemr_group_key_wrap(&v->run.keys, &v->run.transcript, &gk, &box, NULL));
    const bcemr_tr_group_key other = {bcemr_buf_span(&box)};
    must(bcemr_write_group_key(&other, &wrapped, NULL));
    try_key(&wrapped, 0, BCEMR_WRONG_ORDER_IN_FORCE);
    run_free(&g);
    run_to(&g, 0, 5);
    g.key.p[g.key.n - 1] ^= 1;
    try_key(&g.key, 0, BCEMR_BAD_SEALED_MESSAGE);
    run_free(&g);
    run_to(&g, 0, 5);
    try_key(&g.key, 60001, BCEMR_RUN_TIMED_OUT);
    run_free(&g);
    run_to(&g, 0, 5);
    FAILS(BCEMR_E_TRUNCATED,
          bcemr_doctor_group_key(v, bcemr_span_of(g.key.p, g.key.n - 1), c.now, &why));
    OK(bcemr_doctor_group_key(v, bcemr_buf_span(&g.key), c.now + 60000, &why));
    FAILS(BCEMR_E_STATE, bcemr_doctor_group_key(v, bcemr_buf_span(&g.key), c.now, &why));
    bcemr_buf_free(&box);
    bcemr_buf_free(&wrapped);
    run_free(&first);
    run_free(&g);
}

/* What someone recorded of an earlier run takes nothing from a doctor who has joined. */
static void a_replayed_run_ends_nothing(void **state)
{
    group_run g;
    bcemr_buf out = BCEMR_BUF_EMPTY, intake = BCEMR_BUF_EMPTY;
    (void)state;
    run_to(&g, 0, 5);
    bcemr_doctor_visit *v = c.visits[0];
    OK(bcemr_doctor_group_key(v, bcemr_buf_span(&g.key), c.now, &why));
    const bcemr_key gk = v->gk, pair = v->keys.pair;
    FAILS(BCEMR_E_TRUNCATED,
          bcemr_doctor_hello(v, bcemr_span_of(g.hello.p, 40), c.now, &out, &why));
    OK(bcemr_doctor_hello(v, bcemr_buf_span(&g.hello), c.now, &out, &why));
    REFUSED(BCEMR_BAD_SERVER_MAC,
            bcemr_doctor_prove(v, bcemr_buf_span(&g.server), c.now, &out, &why));
    assert_memory_equal(&v->gk, &gk, sizeof gk);
    assert_memory_equal(&v->keys.pair, &pair, sizeof pair);
    must(hospital_intake(H, &c.vid, c.doctors[0].id, &intake, NULL));
    OK(bcemr_doctor_intake(v, bcemr_buf_span(&intake), &why));
    bcemr_buf_free(&out);
    bcemr_buf_free(&intake);
    run_free(&g);
}

static void a_doctor_stays_with_one_visit(void **state)
{
    group_run g, other;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    const bcemr_hash vid = c.vid;
    (void)state;
    run_to(&g, 0, 2);
    must(clinic_admit(&c)); /* the patient's next visit, same team */
    assert_memory_not_equal(&vid, &c.vid, sizeof vid);
    run_to(&other, 1, 1);
    REFUSED(BCEMR_NOT_ADMITTED,
            bcemr_doctor_hello(c.visits[0], bcemr_buf_span(&other.hello), c.now, &out, &why));
    assert_memory_equal(bcemr_doctor_vid(c.visits[0]), &vid, sizeof vid);
    run_free(&g);
    run_free(&other);
}

static void an_aborted_visit_is_not_joined(void **state)
{
    group_run g;
    hello x;
    (void)state;
    run_to(&g, 0, 1);
    must(hospital_abort(H, &c.vid, BCEMR_abort_reason_PATIENT_LEFT, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    hello_read(&g, &x);
    REFUSED(BCEMR_NOT_ADMITTED, say_hello(c.visits[0], &x));
    run_free(&g);
}

/* After an amendment: the old order's hello, and each part of the new one's. */
static void the_order_in_force_is_the_ledgers(void **state)
{
    group_run old, g;
    hello x;
    bcemr_buf tail = BCEMR_BUF_EMPTY;
    bcemr_tr_amend a;
    (void)state;
    run_to(&old, 0, 1);
    amend(0, 3);
    hello_read(&old, &x);
    REFUSED(BCEMR_WRONG_ORDER_IN_FORCE, say_hello(c.visits[0], &x));
    run_to(&g, 0, 1);
    hello_read(&g, &x);
    assert_int_equal(x.m.amendments.count, 1);
    flip(&x.signatures[1]);
    REFUSED(BCEMR_BAD_AMENDMENT_SIGNATURE, say_hello(c.visits[0], &x));
    hello_read(&g, &x);
    must(bcemr_read_amend(x.amendments[0], &a, NULL));
    a.issued++;
    must(bcemr_write_amend(&a, &tail, NULL));
    x.amendments[0] = bcemr_buf_span(&tail);
    bcemr_ed_sign(&HOSPITAL_KEYS.a, x.amendments[0], &x.signatures[1]);
    REFUSED(BCEMR_WRONG_ORDER_IN_FORCE, say_hello(c.visits[0], &x));
    hello_read(&g, &x);
    OK(say_hello(c.visits[0], &x));
    must(clinic_join(&c, 3)); /* who came by the amendment */
    assert_int_equal(c.visits[3]->epoch, 1);
    bcemr_buf_free(&tail);
    run_free(&old);
    run_free(&g);
}

/* ---- intake ---- */

static bcemr_status take_intake(const bcemr_tr_intake *intake, const bcemr_tr_msg *ad)
{
    bcemr_buf plain = BCEMR_BUF_EMPTY, box = BCEMR_BUF_EMPTY;
    must(bcemr_write_intake(intake, &plain, NULL));
    must(bcemr_message_seal(&c.visits[0]->gk, ad, bcemr_buf_span(&plain), &box, NULL));
    bcemr_status status = bcemr_doctor_intake(c.visits[0], bcemr_buf_span(&box), &why);
    bcemr_buf_free(&plain);
    bcemr_buf_free(&box);
    return status;
}

static void the_intake_is_the_hospitals_about_this_patient(void **state)
{
    (void)state;
    bcemr_doctor_visit *v = c.visits[0];
    bcemr_buf kept = BCEMR_BUF_EMPTY;
    bcemr_tr_intake good, bad;
    must(bcemr_buf_set(&kept, bcemr_buf_span(&v->intake_bytes)));
    must(bcemr_read_intake(bcemr_buf_span(&kept), &good, NULL));
    const bcemr_tr_msg ad = {c.vid, 0, c.nodes[HOSPITAL_1].id, 0, 0};
    bad = good;
    bad.identity = bcemr_text("Ann Example 1970-01-02");
    REFUSED(BCEMR_BAD_PSEUDONYM, take_intake(&bad, &ad));
    bad = good;
    flip(&bad.r);
    REFUSED(BCEMR_BAD_PSEUDONYM, take_intake(&bad, &ad));
    bad = good;
    flip(&bad.r2);
    REFUSED(BCEMR_BAD_PSEUDONYM, take_intake(&bad, &ad));
    bcemr_tr_msg place = ad;
    place.sender = c.doctors[1].id; /* another holder of the group key */
    REFUSED(BCEMR_BAD_SEALED_MESSAGE, take_intake(&good, &place));
    place = ad;
    place.position = 1;
    REFUSED(BCEMR_BAD_SEALED_MESSAGE, take_intake(&good, &place));
    place = ad;
    place.epoch = 1;
    REFUSED(BCEMR_BAD_SEALED_MESSAGE, take_intake(&good, &place));
    place = ad;
    flip(&place.vid);
    REFUSED(BCEMR_BAD_SEALED_MESSAGE, take_intake(&good, &place));
    assert_true(bcemr_span_equal(bcemr_doctor_identity(v), good.identity));
    OK(take_intake(&good, &ad));
    assert_true(bcemr_span_equal(bcemr_doctor_symptoms(v), bcemr_text("tired")));
    bcemr_buf_free(&kept);
}

/* ---- what came before ---- */

/* Doctor 0's contribution as they would hand it over, made of their own parts. */
typedef struct handed {
    bcemr_tr_contribution contribution;
    bcemr_tr_msg ad;
    bcemr_buf bytes; /* documents and what may follow them */
    bcemr_key gk;
} handed;

static void handed_make(handed *x)
{
    const bcemr_doctor_visit *v = c.visits[0];
    *x = (handed){.contribution = {c.vid, 1, 0, bcemr_buf_span(&v->manifest), v->salt,
                                   bcemr_buf_span(&v->presence)},
                  .ad = {c.vid, 0, c.doctors[0].id, 1, 0},
                  .gk = v->gk};
    must(bcemr_buf_set(&x->bytes, c.own[0].span));
}

static bcemr_buf taken; /* what doctor 1's folder holds */

static bcemr_status put(void *user, uint64_t place, uint64_t index,
                        const bcemr_tr_document *document, bcemr_sink *sink)
{
    (void)place;
    (void)index;
    (void)document;
    if (user)
        return BCEMR_E_IO;
    bcemr_buf_clear(&taken);
    *sink = bcemr_sink_buffer(&taken);
    return BCEMR_OK;
}

static bcemr_status get(void *user, uint64_t place, uint64_t index,
                        const bcemr_tr_document *document, bcemr_source *source)
{
    (void)place;
    (void)index;
    (void)document;
    (void)source;
    return *(const bcemr_status *)user;
}

static const bcemr_documents folder = {NULL, put, get};

static bcemr_status take(handed *x, uint64_t place, uint64_t k)
{
    bcemr_buf head = BCEMR_BUF_EMPTY, sealed = BCEMR_BUF_EMPTY;
    bcemr_composed composed;
    must(bcemr_write_contribution(&x->contribution, &head, NULL));
    const bcemr_span bytes = bcemr_buf_span(&x->bytes);
    const bcemr_source documents = bcemr_source_bytes(&bytes);
    const bcemr_source plain =
        bcemr_composed_source(&composed, bcemr_buf_span(&head), &documents, 1);
    const bcemr_sink sink = bcemr_sink_buffer(&sealed);
    must(bcemr_long_message_seal(&x->gk, &x->ad, &plain, NULL, &sink, NULL));
    const bcemr_span box = bcemr_buf_span(&sealed);
    const bcemr_source source = bcemr_source_bytes(&box);
    bcemr_status status = bcemr_doctor_take(c.visits[1], place, k, &source, NULL, &folder, &why);
    bcemr_buf_free(&head);
    bcemr_buf_free(&sealed);
    bcemr_buf_free(&x->bytes);
    return status;
}

static void contribution_of_another_visit(handed *x)
{
    flip(&x->contribution.vid);
}

static void contribution_of_another_place(handed *x)
{
    x->contribution.i = 2;
}

static void contribution_of_another_version(handed *x)
{
    x->contribution.k = 1;
}

static void message_of_another_visit(handed *x)
{
    flip(&x->ad.vid);
}

static void message_of_another_place(handed *x)
{
    x->ad.position = 2;
}

static void message_of_another_version(handed *x)
{
    x->ad.k = 1;
}

static void message_of_another_sender(handed *x)
{
    x->ad.sender = c.doctors[2].id;
}

static void message_of_another_epoch(handed *x)
{
    x->ad.epoch = 1;
}

static void message_under_another_key(handed *x)
{
    flip(&x->gk);
}

static void a_bit_of_a_document(handed *x)
{
    flip(&x->bytes.p[3]);
}

static void a_byte_too_few(handed *x)
{
    x->bytes.n--;
}

static void a_byte_too_many(handed *x)
{
    must(bcemr_buf_append(&x->bytes, bcemr_text("x")));
}

static void contributions_are_of_their_place(void **state)
{
    static const struct {
        void (*change)(handed *x);
        bcemr_verdict verdict;
    } cases[] = {{contribution_of_another_visit, BCEMR_BAD_CONTENT},
                 {contribution_of_another_place, BCEMR_BAD_CONTENT},
                 {contribution_of_another_version, BCEMR_BAD_CONTENT},
                 {message_of_another_visit, BCEMR_BAD_SEALED_MESSAGE},
                 {message_of_another_place, BCEMR_BAD_SEALED_MESSAGE},
                 {message_of_another_version, BCEMR_BAD_SEALED_MESSAGE},
                 {message_of_another_sender, BCEMR_BAD_SEALED_MESSAGE},
                 {message_of_another_epoch, BCEMR_BAD_SEALED_MESSAGE},
                 {message_under_another_key, BCEMR_BAD_SEALED_MESSAGE},
                 {a_bit_of_a_document, BCEMR_BAD_DOCUMENT},
                 {a_byte_too_few, BCEMR_BAD_DOCUMENT},
                 {a_byte_too_many, BCEMR_BAD_CONTENT}};
    handed x;
    (void)state;
    clinic_diagnose(&c, 0, 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        handed_make(&x);
        cases[i].change(&x);
        REFUSED(cases[i].verdict, take(&x, 1, 0));
        assert_false(c.visits[1]->parts[0].held);
    }
    for (uint64_t place = 0; place < 5; place += 4) { /* no such place in the order */
        handed_make(&x);
        FAILS(BCEMR_E_STATE, take(&x, place, 0));
    }
    handed_make(&x);
    OK(take(&x, 1, 0));
    assert_true(c.visits[1]->parts[0].held);
    assert_true(bcemr_span_equal(bcemr_buf_span(&taken), c.own[0].span));
    /* what is refused later leaves what is held */
    handed_make(&x);
    a_bit_of_a_document(&x);
    REFUSED(BCEMR_BAD_DOCUMENT, take(&x, 1, 0));
    assert_true(c.visits[1]->parts[0].held);
    /* manifests have a limit together */
    uint64_t n = c.visits[1]->parts[0].contribution.manifest.n;
    c.visits[1]->parts[0].contribution.manifest.n = 2 << 20;
    handed_make(&x);
    x.contribution.i = 2;
    x.ad.position = 2;
    x.ad.sender = c.doctors[1].id;
    REFUSED(BCEMR_MANIFEST_LIMIT, take(&x, 2, 0));
    c.visits[1]->parts[0].contribution.manifest.n = n;
    bcemr_buf_free(&taken);
}

/* ---- presence ---- */

static bcemr_status show(const bcemr_tr_present *present, int64_t now)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_tr_presence presence;
    must(bcemr_presence_make(&c.visit.keys, present, &presence, NULL));
    must(bcemr_write_presence(&presence, &message, NULL));
    bcemr_status status = bcemr_doctor_presence(c.visits[0], bcemr_buf_span(&message), now, &why);
    bcemr_buf_free(&message);
    return status;
}

static void presence_is_for_this_doctor_now(void **state)
{
    bcemr_doctor_visit *v = c.visits[0];
    bcemr_tr_present good = {.vid = c.vid, .doctor = c.doctors[0].id, .time = c.now}, bad;
    const int64_t issued = v->ledger.log->visit.issued, d = CONSORTIUM_CLOCK_DIFFERENCE;
    bcemr_nonce old;
    (void)state;
    FAILS(BCEMR_E_STATE, show(&good, c.now)); /* nobody asked */
    OK(bcemr_doctor_ask_presence(v, &old, &why));
    OK(bcemr_doctor_ask_presence(v, &good.nonce, &why));
    bad = good;
    bad.nonce = old;
    REFUSED(BCEMR_BAD_PRESENCE, show(&bad, c.now));
    bad = good;
    bad.doctor = c.doctors[1].id;
    REFUSED(BCEMR_BAD_PRESENCE, show(&bad, c.now));
    bad = good;
    flip(&bad.vid);
    REFUSED(BCEMR_BAD_PRESENCE, show(&bad, c.now));
    bad = good;
    bad.time = issued - d - 1;
    REFUSED(BCEMR_PRESENCE_TIME, show(&bad, c.now));
    bad.time = c.now + d + 1;
    REFUSED(BCEMR_PRESENCE_TIME, show(&bad, c.now));
    bcemr_visit_keys mine = c.visit.keys, other;
    must(bcemr_visit_keys_derive(&c.wallet.seed, &c.consortium.ledger, 50, &other));
    c.visit.keys = other; /* another patient */
    REFUSED(BCEMR_BAD_PRESENCE, show(&good, c.now));
    c.visit.keys = mine;
    assert_int_equal(v->presence.n, 0);
    OK(show(&good, c.now));
    FAILS(BCEMR_E_STATE, show(&good, c.now)); /* a nonce serves once */
    uint64_t n = v->presence.n;
    FAILS(BCEMR_E_UNKNOWN_VALUE, bcemr_doctor_waive(v, (bcemr_waiver)99, &why));
    assert_int_equal(v->presence.n, n);
    OK(bcemr_doctor_ask_presence(v, &good.nonce, &why));
    good.time = issued - d;
    OK(show(&good, c.now));
    OK(bcemr_doctor_ask_presence(v, &good.nonce, &why));
    good.time = c.now + d;
    OK(show(&good, c.now));
    OK(bcemr_doctor_waive(v, BCEMR_waiver_NO_DEVICE, &why));
}

/* ---- diagnosis ---- */

static bcemr_status diagnose(const char *const *names, uint64_t count, const bcemr_span *words,
                             uint64_t word_count)
{
    bcemr_tr_document documents[3] = {0};
    bcemr_source sources[3];
    for (uint64_t i = 0; i < count; i++) {
        documents[i].name = bcemr_text(names[i]);
        documents[i].media_type = bcemr_text("text/plain");
        sources[i] = bcemr_source_bytes(&c.own[0].span);
    }
    return bcemr_doctor_diagnose(c.visits[0], documents, sources, count, words, word_count, NULL, 0,
                                 NULL, &why);
}

static void a_diagnosis_has_its_form(void **state)
{
    static const char *const twice[] = {"a.txt", "b.txt", "a.txt"};
    static const char *const bad_name[] = {"a\nb"};
    bcemr_doctor_visit *v = c.visits[0];
    bcemr_span words[65];
    bcemr_tr_manifest m;
    bcemr_span word;
    (void)state;
    for (int i = 0; i < 65; i++)
        words[i] = bcemr_text("word");
    words[0] = bcemr_text("\xef\xac\x81"
                          "E\xcc\x81T\xc3\x89"); /* ligature fi, two ways to write e acute */
    OK(diagnose(twice, 2, words, 1));
    must(bcemr_read_manifest(bcemr_buf_span(&v->manifest), &m, NULL));
    assert_true(bcemr_list_at(&bcemr_type_keyword_item, &m.keywords, 0, &word));
    assert_true(bcemr_span_equal(word, bcemr_text("fi\xc3\xa9t\xc3\xa9")));
    const bcemr_nonce salt = v->salt;
    FAILS(BCEMR_E_REPEATED, diagnose(twice, 3, words, 1));
    FAILS(BCEMR_E_TOO_MANY, diagnose(twice, 1, words, 65));
    FAILS(BCEMR_E_TEXT, diagnose(bad_name, 1, words, 1));
    words[1] = bcemr_text("\xff");
    FAILS(BCEMR_E_TEXT, diagnose(twice, 1, words, 2));
    words[1] = bcemr_text("");
    FAILS(BCEMR_E_ABSENT, diagnose(twice, 1, words, 2));
    uint8_t lengthy[201];
    memset(lengthy, 'a', sizeof lengthy);
    words[1] = bcemr_span_of(lengthy, 201);
    FAILS(BCEMR_E_TOO_LONG, diagnose(twice, 1, words, 2));
    assert_memory_equal(&v->salt, &salt, sizeof salt);
    assert_int_equal(v->document_count, 2);
    OK(diagnose(twice, 1, words, 0));
    assert_memory_not_equal(&v->salt, &salt, sizeof salt);
}

static void nothing_goes_before_joining(void **state)
{
    bcemr_doctor_visit *v = NULL;
    bcemr_nonce nonce;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    const bcemr_ed_signature signature = {{0}};
    const bcemr_sink nowhere = bcemr_sink_nowhere();
    (void)state;
    must(bcemr_doctor_visit_new(&c.doctors[0], &v));
    FAILS(BCEMR_E_STATE, bcemr_doctor_prove(v, bcemr_text("x"), c.now, &out, &why));
    FAILS(BCEMR_E_STATE, bcemr_doctor_group_key(v, bcemr_text("x"), c.now, &why));
    FAILS(BCEMR_E_STATE, bcemr_doctor_intake(v, bcemr_text("x"), &why));
    FAILS(BCEMR_E_STATE, bcemr_doctor_take(v, 1, 0, NULL, NULL, &folder, &why));
    FAILS(BCEMR_E_STATE, bcemr_doctor_ask_presence(v, &nonce, &why));
    FAILS(BCEMR_E_STATE, bcemr_doctor_presence(v, bcemr_text("x"), c.now, &why));
    FAILS(BCEMR_E_STATE, bcemr_doctor_waive(v, BCEMR_waiver_NO_DEVICE, &why));
    FAILS(BCEMR_E_STATE, bcemr_doctor_diagnose(v, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, &why));
    FAILS(BCEMR_E_STATE, bcemr_doctor_hand_over(v, NULL, c.now, NULL, &nowhere, &why));
    FAILS(BCEMR_E_STATE, bcemr_doctor_sign(v, bcemr_text("x"), &signature, c.now, &out, &why));
    REFUSED(BCEMR_NOT_ADMITTED, bcemr_doctor_reissue(v, BCEMR_reissue_reason_OTHER, &out, &why));
    REFUSED(BCEMR_NOT_ADMITTED, bcemr_doctor_seal(v, NULL, &folder, NULL, &nowhere, &out, &why));
    FAILS(BCEMR_E_STATE, bcemr_doctor_show_r(v, &out, &why));
    FAILS(BCEMR_E_STATE, bcemr_doctor_sealed(v, bcemr_text("x"), &why));
    assert_int_equal(out.n, 0);
    bcemr_doctor_visit_free(v);
}

/* ---- before signing ---- */

static bcemr_status refuse_bytes(void *user, bcemr_span bytes)
{
    (void)user;
    (void)bytes;
    return BCEMR_E_IO;
}

static bcemr_status hand_over(uint64_t d, bcemr_buf *sealed)
{
    const bcemr_source source = bcemr_source_bytes(&c.own[d].span);
    const bcemr_sink sink = sealed ? bcemr_sink_buffer(sealed) : (bcemr_sink){NULL, refuse_bytes};
    if (sealed)
        bcemr_buf_clear(sealed);
    return bcemr_doctor_hand_over(c.visits[d], &source, c.now, NULL, &sink, &why);
}

static void doctors_sign_in_turn_and_in_time(void **state)
{
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    (void)state;
    clinic_prepare(&c, 0);
    clinic_prepare(&c, 1);
    REFUSED(BCEMR_NOT_IN_ORDER, hand_over(1, &sealed));
    int64_t now = c.now, deadline = c.visits[0]->ledger.log->order.doctors[0].deadline;
    c.now = deadline + 1;
    REFUSED(BCEMR_PAST_DEADLINE, hand_over(0, &sealed));
    c.now = now;
    assert_int_equal(sealed.n, 0);
    assert_int_equal(hand_over(0, NULL), BCEMR_E_IO);
    assert_false(c.visits[0]->handed_over);
    bcemr_buf manifest = c.visits[0]->manifest;
    c.visits[0]->manifest.n = (2 << 20) + 1;
    REFUSED(BCEMR_MANIFEST_LIMIT, hand_over(0, &sealed));
    c.visits[0]->manifest = manifest;
    OK(hand_over(0, &sealed));
    c.now = deadline; /* the last moment */
    OK(hand_over(0, &sealed));
    c.now = now;
    clinic_diagnose(&c, 0, 0);
    REFUSED(BCEMR_NOT_IN_ORDER, hand_over(0, &sealed)); /* signed, and nobody asks again */
    FAILS(BCEMR_E_STATE, hand_over(1, &sealed));        /* what came before is not here yet */
    assert_int_equal(why.index, 1);
    clinic_prepare(&c, 1);
    amend(1, 3);
    REFUSED(BCEMR_WRONG_ORDER_IN_FORCE, hand_over(1, &sealed)); /* the key is of the old order */
    must(clinic_join(&c, 1));
    clinic_prepare(&c, 1);
    OK(hand_over(1, &sealed));
    must(hospital_abort(H, &c.vid, BCEMR_abort_reason_OTHER, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    REFUSED(BCEMR_NOT_ADMITTED, hand_over(1, &sealed));
    bcemr_buf_free(&sealed);
}

/* Each part of what doctor 0 committed to is held against c_1. */
static void what_came_before_hashes_to_its_commitment(void **state)
{
    bcemr_buf sealed = BCEMR_BUF_EMPTY, other = BCEMR_BUF_EMPTY, waived = BCEMR_BUF_EMPTY;
    handed x;
    (void)state;
    clinic_diagnose(&c, 0, 0);
    clinic_prepare(&c, 1);
    handed_make(&x);
    flip(&x.contribution.salt);
    OK(take(&x, 1, 0));
    REFUSED(BCEMR_BAD_COMMITMENT, hand_over(1, &sealed));
    handed_make(&x);
    bcemr_tr_manifest m;
    const bcemr_span word = bcemr_text("other");
    must(bcemr_read_manifest(x.contribution.manifest, &m, NULL));
    m.keywords = BCEMR_LIST_OF(&word, 1);
    must(bcemr_write_manifest(&m, &other, NULL));
    x.contribution.manifest = bcemr_buf_span(&other);
    OK(take(&x, 1, 0));
    REFUSED(BCEMR_BAD_COMMITMENT, hand_over(1, &sealed));
    handed_make(&x);
    const bcemr_tr_waived w = {BCEMR_waiver_UNCONSCIOUS};
    must(bcemr_write_waived(&w, &waived, NULL));
    x.contribution.presence = bcemr_buf_span(&waived);
    OK(take(&x, 1, 0));
    REFUSED(BCEMR_BAD_COMMITMENT, hand_over(1, &sealed));
    handed_make(&x);
    OK(take(&x, 1, 0));
    OK(hand_over(1, &sealed));
    bcemr_buf_free(&sealed);
    bcemr_buf_free(&other);
    bcemr_buf_free(&waived);
    bcemr_buf_free(&taken);
}

/* Doctor 0 signs with the hospital's checks off, then doctor 1 looks. */
static void first_signs_unchecked(bcemr_verdict off)
{
    bcemr_buf sealed = BCEMR_BUF_EMPTY, receipt = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    bcemr_switch_off(off);
    clinic_hand_over(&c, 0, &sealed);
    must(clinic_take(&c, 0, &sealed, &receipt, &signature));
    must(clinic_sign(&c, 0, &receipt, &signature));
    bcemr_switch_all_on();
    clinic_prepare(&c, 1);
    bcemr_buf_free(&sealed);
    bcemr_buf_free(&receipt);
}

static void replace_presence(const bcemr_tr_present *present)
{
    bcemr_tr_presence presence;
    bcemr_buf_clear(&c.visits[0]->presence);
    must(bcemr_presence_make(&c.visit.keys, present, &presence, NULL));
    must(bcemr_write_presence(&presence, &c.visits[0]->presence, NULL));
}

static void a_presence_before_is_checked(void **state)
{
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    const bcemr_tr_present present = {c.vid, c.doctors[1].id, {{0}}, c.now};
    (void)state;
    clinic_prepare(&c, 0);
    replace_presence(&present);
    first_signs_unchecked(BCEMR_BAD_PRESENCE);
    REFUSED(BCEMR_BAD_PRESENCE, hand_over(1, &sealed));
    bcemr_buf_free(&sealed);
}

static void a_presence_before_the_ticket_is_refused(void **state)
{
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    (void)state;
    clinic_prepare(&c, 0);
    const int64_t issued = c.visits[0]->ledger.log->visit.issued;
    const bcemr_tr_present present = {
        c.vid, c.doctors[0].id, {{0}}, issued - CONSORTIUM_CLOCK_DIFFERENCE - 1};
    replace_presence(&present);
    first_signs_unchecked(BCEMR_PRESENCE_TIME);
    REFUSED(BCEMR_PRESENCE_TIME, hand_over(1, &sealed));
    bcemr_buf_free(&sealed);
}

static void a_presence_after_signing_is_refused(void **state)
{
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    (void)state;
    clinic_prepare(&c, 0);
    const bcemr_tr_present present = {
        c.vid, c.doctors[0].id, {{0}}, c.now + CONSORTIUM_CLOCK_DIFFERENCE + 1};
    replace_presence(&present);
    first_signs_unchecked(BCEMR_PRESENCE_TIME);
    REFUSED(BCEMR_PRESENCE_TIME, hand_over(1, &sealed));
    bcemr_buf_free(&sealed);
}

/* A Sign that the ledger would refuse, let in. */
static void first_signs_as(void (*change)(bcemr_tr_e_sign *))
{
    bcemr_buf sealed = BCEMR_BUF_EMPTY, receipt = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    bcemr_signed_parts parts;
    bcemr_tr_e_sign sign;
    clinic_prepare(&c, 1); /* while the ledger can still be read */
    clinic_prepare(&c, 0);
    clinic_hand_over(&c, 0, &sealed);
    must(clinic_take(&c, 0, &sealed, &receipt, &signature));
    OK(bcemr_doctor_sign(c.visits[0], bcemr_buf_span(&receipt), &signature, c.now, &entry, &why));
    must(bcemr_signed_read(bcemr_buf_span(&entry), &parts, NULL));
    must(bcemr_read_e_sign(parts.entry, &sign, NULL));
    change(&sign);
    bcemr_buf changed = BCEMR_BUF_EMPTY;
    must(bcemr_signed_make_value(&bcemr_type_e_sign, &sign, NULL, 0, &changed, NULL));
    bcemr_switch_off_reason(LEDGER_R_SIGN_DELTA);
    bcemr_switch_off_reason(LEDGER_R_SIGN_CLOCK);
    bcemr_switch_off_reason(LEDGER_R_SIGN_DEADLINE);
    must(clinic_post(&c, bcemr_buf_span(&changed)));
    clinic_checkpoint(&c);
    bcemr_switch_all_on();
    bcemr_buf_free(&sealed);
    bcemr_buf_free(&receipt);
    bcemr_buf_free(&entry);
    bcemr_buf_free(&changed);
}

static void sign_with_other_delta(bcemr_tr_e_sign *sign)
{
    bcemr_g1 point;
    bcemr_g1_from_secret(&c.consortium.doctors[1].keys.x, &point);
    bcemr_g1_encode(&point, &sign->delta);
}

static void sign_past_deadline(bcemr_tr_e_sign *sign)
{
    sign->time = c.visits[0]->ledger.log->order.doctors[0].deadline + 1;
}

static void a_signature_before_is_checked(void **state)
{
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    (void)state;
    first_signs_as(sign_with_other_delta);
    clinic_prepare(&c, 1);
    REFUSED(BCEMR_BAD_DIAGNOSIS_SIGNATURE, hand_over(1, &sealed));
    bcemr_buf_free(&sealed);
}

static void a_signature_past_its_deadline_is_refused(void **state)
{
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    (void)state;
    first_signs_as(sign_past_deadline);
    REFUSED(BCEMR_PAST_DEADLINE, hand_over(1, &sealed));
    assert_int_equal(why.index, 1);
    bcemr_buf_free(&sealed);
}

/* ---- the receipt, and signing ---- */

typedef struct receipt {
    bcemr_buf bytes;
    bcemr_tr_receipt m;
    bcemr_ed_signature signature;
    const bcemr_ed_secret *by;
} receipt;

static void get_receipt(uint64_t d, receipt *r)
{
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    *r = (receipt){.by = &HOSPITAL_KEYS.a};
    OK(hand_over(d, &sealed));
    must(clinic_take(&c, d, &sealed, &r->bytes, &r->signature));
    must(bcemr_read_receipt(bcemr_buf_span(&r->bytes), &r->m, NULL));
    bcemr_buf_free(&sealed);
}

static bcemr_status sign(uint64_t d, const receipt *r, bcemr_buf *entry)
{
    bcemr_buf_clear(entry);
    return bcemr_doctor_sign(c.visits[d], bcemr_buf_span(&r->bytes), &r->signature, c.now, entry,
                             &why);
}

static bcemr_status sign_changed(const receipt *r)
{
    bcemr_buf message = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    must(bcemr_write_receipt(&r->m, &message, NULL));
    bcemr_ed_sign(r->by, bcemr_buf_span(&message), &signature);
    bcemr_status status =
        bcemr_doctor_sign(c.visits[0], bcemr_buf_span(&message), &signature, c.now, &entry, &why);
    assert_int_equal(entry.n, 0);
    bcemr_buf_free(&message);
    return status;
}

static void a_receipt_is_for_what_was_handed_over(void **state)
{
    receipt good, r;
    bcemr_buf entry = BCEMR_BUF_EMPTY, again = BCEMR_BUF_EMPTY;
    (void)state;
    clinic_prepare(&c, 0);
    get_receipt(0, &good);
    r = good;
    flip(&r.m.ledger);
    REFUSED(BCEMR_BAD_ENTRY_SIGNATURE, sign_changed(&r));
    r = good;
    flip(&r.m.vid);
    REFUSED(BCEMR_BAD_ENTRY_SIGNATURE, sign_changed(&r));
    r = good;
    r.m.i = 2;
    REFUSED(BCEMR_BAD_ENTRY_SIGNATURE, sign_changed(&r));
    r = good;
    r.m.k = 1;
    REFUSED(BCEMR_BAD_ENTRY_SIGNATURE, sign_changed(&r));
    r = good;
    flip(&r.m.commitment);
    REFUSED(BCEMR_BAD_COMMITMENT, sign_changed(&r));
    r = good;
    r.by = &c.consortium.nodes[HOSPITAL_2].keys.a;
    REFUSED(BCEMR_BAD_ENTRY_SIGNATURE, sign_changed(&r));
    r = good;
    flip(&r.signature);
    REFUSED(BCEMR_BAD_ENTRY_SIGNATURE, sign(0, &r, &entry));
    assert_int_equal(entry.n, 0);
    OK(sign(0, &good, &entry));
    c.now += 1000;
    r = good; /* once made, the signature is given again to whoever asks */
    flip(&r.signature);
    OK(sign(0, &r, &again));
    assert_true(bcemr_span_equal(bcemr_buf_span(&entry), bcemr_buf_span(&again)));
    must(clinic_post(&c, bcemr_buf_span(&again)));
    OK(sign(0, &good, &again));
    assert_true(bcemr_span_equal(bcemr_buf_span(&entry), bcemr_buf_span(&again)));
    bcemr_buf_free(&good.bytes);
    bcemr_buf_free(&entry);
    bcemr_buf_free(&again);
}

/* Handing over again makes no second signature beside one that the ledger may still take. */
static void one_version_has_one_signature(void **state)
{
    receipt r;
    bcemr_buf first = BCEMR_BUF_EMPTY, again = BCEMR_BUF_EMPTY;
    (void)state;
    clinic_prepare(&c, 0);
    get_receipt(0, &r);
    OK(sign(0, &r, &first));
    c.now += 2 * CONSORTIUM_CLOCK_DIFFERENCE;
    bcemr_buf_free(&r.bytes);
    get_receipt(0, &r);
    OK(sign(0, &r, &again));
    assert_true(bcemr_span_equal(bcemr_buf_span(&first), bcemr_buf_span(&again)));
    c.now += 1; /* now no clock can be so wrong that it still goes in */
    bcemr_buf_free(&r.bytes);
    get_receipt(0, &r);
    OK(sign(0, &r, &again));
    assert_false(bcemr_span_equal(bcemr_buf_span(&first), bcemr_buf_span(&again)));
    assert_int_equal(clinic_post(&c, bcemr_buf_span(&first)), BCEMR_E_REFUSED);
    assert_int_equal(c.error.reason, LEDGER_R_SIGN_CLOCK);
    must(clinic_post(&c, bcemr_buf_span(&again)));
    bcemr_buf_free(&r.bytes);
    bcemr_buf_free(&first);
    bcemr_buf_free(&again);
}

static void signing_looks_at_order_and_deadline_again(void **state)
{
    receipt r;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    (void)state;
    clinic_prepare(&c, 0);
    get_receipt(0, &r);
    int64_t now = c.now;
    c.now = c.visits[0]->ledger.log->order.doctors[0].deadline + 1;
    REFUSED(BCEMR_PAST_DEADLINE, sign(0, &r, &entry));
    c.now = now;
    /* what was handed over is not what would be signed now */
    OK(bcemr_doctor_waive(c.visits[0], BCEMR_waiver_NO_DEVICE, &why));
    FAILS(BCEMR_E_STATE, sign(0, &r, &entry));
    bcemr_buf_free(&r.bytes);
    get_receipt(0, &r);
    amend(0, 3);
    REFUSED(BCEMR_WRONG_ORDER_IN_FORCE, sign(0, &r, &entry));
    must(clinic_join(&c, 0)); /* with the new order's key, but handed over under the old one */
    REFUSED(BCEMR_WRONG_ORDER_IN_FORCE, sign(0, &r, &entry));
    bcemr_buf_free(&r.bytes);
    clinic_diagnose(&c, 0, 0);
    bcemr_buf_free(&entry);
}

static void sign_now(uint64_t d)
{
    receipt r;
    get_receipt(d, &r);
    must(clinic_sign(&c, d, &r.bytes, &r.signature));
    bcemr_buf_free(&r.bytes);
}

static bcemr_status ask_again(uint64_t d)
{
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    bcemr_status status =
        bcemr_doctor_reissue(c.visits[d], BCEMR_reissue_reason_UNREADABLE, &entry, &why);
    if (status == BCEMR_OK)
        must(clinic_post(&c, bcemr_buf_span(&entry)));
    else
        assert_int_equal(entry.n, 0);
    bcemr_buf_free(&entry);
    return status;
}

static void a_diagnosis_is_asked_again_up_to_n_times(void **state)
{
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    (void)state;
    REFUSED(BCEMR_NOT_IN_ORDER, ask_again(1)); /* nobody before has signed */
    REFUSED(BCEMR_NOT_IN_ORDER, ask_again(0)); /* nobody comes before */
    clinic_diagnose(&c, 0, 0);
    REFUSED(BCEMR_NOT_IN_ORDER, ask_again(2)); /* not the next */
    clinic_prepare(&c, 1);
    for (uint64_t k = 1; k <= CONSORTIUM_REISSUES; k++) {
        OK(ask_again(1));
        clinic_prepare(&c, 0);
        sign_now(0);
        assert_int_equal(bcemr_doctor_version(c.visits[0]), k);
        /* the version before is no longer what was signed */
        FAILS(BCEMR_E_STATE, hand_over(1, &sealed));
        clinic_prepare(&c, 1);
        OK(hand_over(1, &sealed));
    }
    REFUSED(BCEMR_REISSUE_LIMIT, ask_again(1));
    /* let in by the ledger all the same, it is not answered */
    const bcemr_tr_e_reissue over = {c.consortium.ledger, c.vid, 1, CONSORTIUM_REISSUES,
                                     BCEMR_reissue_reason_OTHER};
    const consortium_row row = {
        .role = "doctor", .who = c.doctors[1].id, .by = &c.consortium.doctors[1].keys};
    consortium_sign(&c.consortium, &bcemr_type_e_reissue, &over, &row, 1, &sealed);
    bcemr_switch_off_reason(LEDGER_R_REISSUE_LIMIT);
    must(clinic_post(&c, bcemr_buf_span(&sealed)));
    bcemr_switch_all_on();
    REFUSED(BCEMR_REISSUE_LIMIT, hand_over(0, &sealed));
    bcemr_buf_free(&sealed);
}

static void the_next_signature_cancels_what_was_asked(void **state)
{
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    (void)state;
    clinic_diagnose(&c, 0, 0);
    clinic_prepare(&c, 1);
    OK(ask_again(1));
    OK(hand_over(0, &sealed));
    sign_now(1);
    REFUSED(BCEMR_NOT_IN_ORDER, hand_over(0, &sealed));
    bcemr_buf_free(&sealed);
}

/* ---- the seal ---- */

static bcemr_status clinic_status; /* what a folder answers */
static bcemr_span folder_spans[2];

/* Doctor 2's folder: doctors 0 and 1 have one document each. */
static bcemr_status get_held(void *user, uint64_t place, uint64_t index,
                             const bcemr_tr_document *document, bcemr_source *source)
{
    (void)user;
    (void)index;
    (void)document;
    assert_true(place == 1 || place == 2);
    folder_spans[place - 1] = c.own[place - 1].span;
    *source = bcemr_source_bytes(&folder_spans[place - 1]);
    return clinic_status;
}

static bcemr_status seal_to(uint64_t d, const bcemr_sink *sink)
{
    bcemr_buf header = BCEMR_BUF_EMPTY;
    const bcemr_documents documents = {NULL, put, get_held};
    const bcemr_source source = bcemr_source_bytes(&c.own[d].span);
    bcemr_status status =
        bcemr_doctor_seal(c.visits[d], &source, &documents, NULL, sink, &header, &why);
    assert_true((header.n > 0) == (status == BCEMR_OK));
    bcemr_buf_free(&header);
    return status;
}

static bcemr_status seal_by(uint64_t d)
{
    const bcemr_sink nowhere = bcemr_sink_nowhere();
    clinic_status = BCEMR_OK;
    return seal_to(d, &nowhere);
}

static void the_last_of_the_order_seals(void **state)
{
    bcemr_doctor_visit *v = c.visits[2];
    bcemr_buf out = BCEMR_BUF_EMPTY;
    const bcemr_sink broken = {NULL, refuse_bytes}, nowhere = bcemr_sink_nowhere();
    (void)state;
    REFUSED(BCEMR_NOT_IN_ORDER, seal_by(0));
    REFUSED(BCEMR_NOT_IN_ORDER, seal_by(1));
    flip(&v->svk);
    REFUSED(BCEMR_WRONG_SEAL_KEY, seal_by(2));
    flip(&v->svk);
    flip(&v->salt);
    REFUSED(BCEMR_BAD_COMMITMENT, seal_by(2));
    assert_int_equal(why.index, 3);
    flip(&v->salt);
    flip(&v->parts[0].contribution.salt);
    REFUSED(BCEMR_BAD_COMMITMENT, seal_by(2));
    assert_int_equal(why.index, 1);
    flip(&v->parts[0].contribution.salt);
    v->parts[1].k++;
    FAILS(BCEMR_E_STATE, seal_by(2));
    v->parts[1].k--;
    clinic_status = BCEMR_E_IO;
    FAILS(BCEMR_E_IO, seal_to(2, &nowhere));
    clinic_status = BCEMR_OK;
    FAILS(BCEMR_E_IO, seal_to(2, &broken));
    assert_true(sodium_is_zero(v->r.b, sizeof v->r.b));
    FAILS(BCEMR_E_STATE, bcemr_doctor_show_r(v, &out, &why));
    OK(seal_by(2));
    assert_false(sodium_is_zero(v->r.b, sizeof v->r.b));
    FAILS(BCEMR_E_EXISTS, seal_by(2)); /* never another payload under this svk */
    OK(bcemr_doctor_show_r(v, &out, &why));
    must(hospital_reissue(H, &c.vid, BCEMR_reissue_reason_INCOMPLETE, c.now, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    FAILS(BCEMR_E_EXISTS, seal_by(2));
    v->sealed = false;
    REFUSED(BCEMR_REISSUE_PENDING, seal_by(2));
    clinic_prepare(&c, 2);
    const bcemr_ed_raw svk = v->svk;
    sign_now(2);
    assert_memory_not_equal(&svk, &v->svk, sizeof svk); /* a fresh one for every payload */
    OK(seal_by(2));
    bcemr_buf_free(&out);
}

static void not_before_all_have_signed(void **state)
{
    (void)state;
    clinic_diagnose(&c, 0, 1);
    REFUSED(BCEMR_NOT_IN_ORDER, seal_by(1));
    REFUSED(BCEMR_NOT_IN_ORDER, seal_by(2));
}

/* The hospital's answer with one thing changed. */
typedef struct answer {
    bcemr_tr_confirmation m;
    bcemr_tr_case k;
    const bcemr_secret_scalar *by;
    uint64_t counter;
    bcemr_direction direction;
    bcemr_hash vid;
    bcemr_key pair;
} answer;

static void answer_make(const bcemr_buf *plain, answer *x)
{
    *x = (answer){.by = &HOSPITAL_KEYS.x,
                  .counter = c.visits[2]->received,
                  .direction = BCEMR_direction_TO_DOCTOR,
                  .vid = c.vid,
                  .pair = c.visits[2]->keys.pair};
    must(bcemr_read_confirmation(bcemr_buf_span(plain), &x->m, NULL));
    must(bcemr_read_case(x->m.record_case, &x->k, NULL));
}

static bcemr_status answer_with(answer *x)
{
    bcemr_buf k = BCEMR_BUF_EMPTY, m = BCEMR_BUF_EMPTY, box = BCEMR_BUF_EMPTY;
    must(bcemr_write_case(&x->k, &k, NULL));
    x->m.record_case = bcemr_buf_span(&k);
    must(bcemr_bls_sign(x->by, BCEMR_PURPOSE_SIG, x->m.record_case, &x->m.signature));
    must(bcemr_write_confirmation(&x->m, &m, NULL));
    must(bcemr_pair_seal(&x->pair, &x->vid, x->direction, x->counter, bcemr_buf_span(&m), &box,
                         NULL));
    bcemr_status status = bcemr_doctor_sealed(c.visits[2], bcemr_buf_span(&box), &why);
    bcemr_buf_free(&k);
    bcemr_buf_free(&m);
    bcemr_buf_free(&box);
    return status;
}

#define CASE_CHANGE(field)                                                                         \
    static void case_##field(answer *x)                                                            \
    {                                                                                              \
        flip(&x->k.field);                                                                         \
    }
CASE_CHANGE(vid)
CASE_CHANGE(order)
CASE_CHANGE(last_context)
CASE_CHANGE(capsule)
CASE_CHANGE(tags)
CASE_CHANGE(kc)
CASE_CHANGE(root)
CASE_CHANGE(osig)
CASE_CHANGE(length)

static void case_svk(answer *x)
{
    x->k.svk = c.consortium.nodes[HOSPITAL_2].publics.a;
}

static void confirmed_by_another(answer *x)
{
    x->m.who = c.nodes[HOSPITAL_2].id;
    x->by = &c.consortium.nodes[HOSPITAL_2].keys.x;
}

static void confirmed_by_a_cloud(answer *x)
{
    x->m.who = c.nodes[CLOUD_1].id;
    x->by = &c.consortium.nodes[CLOUD_1].keys.x;
}

static void signed_by_another(answer *x)
{
    x->by = &c.consortium.nodes[HOSPITAL_2].keys.x;
}

static void counter_ahead(answer *x)
{
    x->counter++;
}

static void other_direction(answer *x)
{
    x->direction = BCEMR_direction_TO_SERVER;
}

static void pair_of_another_visit(answer *x)
{
    flip(&x->vid);
}

static void pair_of_another_doctor(answer *x)
{
    x->pair = c.visits[1]->keys.pair;
}

static const struct {
    void (*change)(answer *x);
    bcemr_verdict verdict;
} answer_cases[] = {
    {case_vid, BCEMR_BAD_CONFIRMATION},
    {case_order, BCEMR_BAD_CONFIRMATION},
    {case_last_context, BCEMR_BAD_CONFIRMATION},
    {case_capsule, BCEMR_HEADER_NOT_CASE},
    {case_tags, BCEMR_HEADER_NOT_CASE},
    {case_kc, BCEMR_HEADER_NOT_CASE},
    {case_root, BCEMR_HEADER_NOT_CASE},
    {case_osig, BCEMR_HEADER_NOT_CASE},
    {case_length, BCEMR_HEADER_NOT_CASE},
    {case_svk, BCEMR_HEADER_NOT_CASE},
    {confirmed_by_another, BCEMR_BAD_CONFIRMATION},
    {confirmed_by_a_cloud, BCEMR_BAD_CONFIRMATION},
    {signed_by_another, BCEMR_BAD_CONFIRMATION},
    {other_direction, BCEMR_BAD_SEALED_MESSAGE},
    {pair_of_another_visit, BCEMR_BAD_SEALED_MESSAGE},
    {pair_of_another_doctor, BCEMR_BAD_SEALED_MESSAGE},
};

static void the_hospitals_answer_is_on_this_record(void **state)
{
    bcemr_buf show_r = BCEMR_BUF_EMPTY, box = BCEMR_BUF_EMPTY, plain = BCEMR_BUF_EMPTY;
    bcemr_doctor_visit *v = c.visits[2];
    (void)state;
    clinic_seal(&c, 2);
    const bcemr_source payload = bcemr_source_bytes(&c.payload_span);
    OK(bcemr_doctor_show_r(v, &show_r, &why));
    must(hospital_check_seal(H, &c.vid, c.doctors[2].id, bcemr_buf_span(&show_r), &payload, c.now,
                             &box, NULL));
    must(bcemr_pair_open(&v->keys.pair, &c.vid, BCEMR_direction_TO_DOCTOR, v->received,
                         bcemr_buf_span(&box), &plain, NULL));
    for (size_t i = 0; i < COUNT(answer_cases); i++) {
        answer x;
        answer_make(&plain, &x);
        answer_cases[i].change(&x);
        REFUSED(answer_cases[i].verdict, answer_with(&x));
        assert_false(sodium_is_zero(v->r.b, sizeof v->r.b)); /* kept until it is confirmed */
    }
    answer later; /* the first answer was lost: the one that comes has a counter further on */
    answer_make(&plain, &later);
    counter_ahead(&later);
    OK(answer_with(&later));
    assert_true(sodium_is_zero(v->r.b, sizeof v->r.b));
    FAILS(BCEMR_E_STATE, bcemr_doctor_sealed(v, bcemr_buf_span(&box), &why));
    FAILS(BCEMR_E_STATE, bcemr_doctor_show_r(v, &show_r, &why));
    v->sealed = false;
    OK(seal_by(2)); /* another record: the answer on the first is not one on it */
    REFUSED(BCEMR_BAD_SEALED_MESSAGE, bcemr_doctor_sealed(v, bcemr_buf_span(&box), &why));
    bcemr_buf_free(&show_r);
    bcemr_buf_free(&box);
    bcemr_buf_free(&plain);
}

static void nothing_is_sealed_after_the_seal(void **state)
{
    (void)state;
    clinic_to_sealed(&c, CLOUD_1, CLOUD_2);
    c.visits[2]->sealed = false;
    REFUSED(BCEMR_OTHER_CASE, seal_by(2));
}

/* ---- secrets ---- */

/* Memory that is given back holds no key any more. */
static void secrets_are_wiped_at_the_end(void **state)
{
    bcemr_doctor_visit *v = c.visits[2];
    group_run g;
    (void)state;
    OK(seal_by(2));
    run_to(&g, 2, 2);
    assert_false(sodium_is_zero(v->gk.b, 32));
    assert_false(sodium_is_zero(v->keys.pair.b, 32));
    assert_false(sodium_is_zero(v->run.keys.auth.b, 32));
    assert_false(sodium_is_zero(v->r.b, 32));
    assert_false(sodium_is_zero((const uint8_t *)&v->ssk, sizeof v->ssk));
    bcemr_switch_watch(v, sizeof *v);
    bcemr_doctor_visit_free(v);
    c.visits[2] = NULL;
    assert_true(bcemr_switch_watched_clean());
    run_free(&g);
}

/* ---- no memory ---- */

static bcemr_buf message; /* for whoever is asked again and again */
static bcemr_buf scrap;

static bcemr_status hello_again(void)
{
    bcemr_buf_clear(&scrap);
    return bcemr_doctor_hello(c.visits[0], bcemr_buf_span(&message), c.now, &scrap, &why);
}

static bcemr_status prove_again(void)
{
    bcemr_buf_clear(&scrap);
    return bcemr_doctor_prove(c.visits[0], bcemr_buf_span(&message), c.now, &scrap, &why);
}

static bcemr_status group_key_again(void)
{
    return bcemr_doctor_group_key(c.visits[0], bcemr_buf_span(&message), c.now, &why);
}

static bcemr_status intake_again(void)
{
    return bcemr_doctor_intake(c.visits[0], bcemr_buf_span(&message), &why);
}

static bcemr_status visit_anew(void)
{
    bcemr_doctor_visit *v = NULL;
    bcemr_status status = bcemr_doctor_visit_new(&c.doctors[0], &v);
    bcemr_doctor_visit_free(v);
    return status;
}

static void joining_without_memory(void **state)
{
    group_run g;
    (void)state;
    EVERY_ALLOCATION(visit_anew());
    run_to(&g, 0, 1);
    must(bcemr_buf_set(&message, bcemr_buf_span(&g.hello)));
    EVERY_ALLOCATION(hello_again());
    must(hospital_group_server(H, g.run, bcemr_buf_span(&scrap), c.now, &g.server, NULL));
    must(bcemr_buf_set(&message, bcemr_buf_span(&g.server)));
    EVERY_ALLOCATION(prove_again());
    must(hospital_group_key(H, g.run, bcemr_buf_span(&scrap), c.now, &g.key, NULL));
    must(bcemr_buf_set(&message, bcemr_buf_span(&g.key)));
    EVERY_ALLOCATION(group_key_again());
    bcemr_buf_clear(&message);
    must(hospital_intake(H, &c.vid, c.doctors[0].id, &message, NULL));
    EVERY_ALLOCATION(intake_again());
    run_free(&g);
    bcemr_buf_free(&message);
    bcemr_buf_free(&scrap);
}

static bcemr_source box;

static bcemr_status take_again(void)
{
    return bcemr_doctor_take(c.visits[1], 1, 0, &box, NULL, &folder, &why);
}

static bcemr_status presence_again(void)
{
    return bcemr_doctor_presence(c.visits[1], bcemr_buf_span(&message), c.now, &why);
}

static bcemr_status waive_again(void)
{
    return bcemr_doctor_waive(c.visits[1], BCEMR_waiver_NO_DEVICE, &why);
}

static bcemr_status diagnose_again(void)
{
    bcemr_tr_document document = {.name = bcemr_text("a"), .media_type = bcemr_text("text/plain")};
    const bcemr_source source = bcemr_source_bytes(&c.own[1].span);
    const bcemr_span word = bcemr_text("word");
    return bcemr_doctor_diagnose(c.visits[1], &document, &source, 1, &word, 1, NULL, 0, NULL, &why);
}

static bcemr_status hand_over_again(void)
{
    const bcemr_sink nowhere = bcemr_sink_nowhere();
    const bcemr_source source = bcemr_source_bytes(&c.own[1].span);
    return bcemr_doctor_hand_over(c.visits[1], &source, c.now, NULL, &nowhere, &why);
}

static receipt held;

static bcemr_status sign_again(void)
{
    bcemr_status status = sign(1, &held, &scrap);
    assert_true((scrap.n > 0) == (status == BCEMR_OK));
    return status;
}

static bcemr_status reissue_again(void)
{
    bcemr_buf_clear(&scrap);
    return bcemr_doctor_reissue(c.visits[1], BCEMR_reissue_reason_OTHER, &scrap, &why);
}

static void diagnosing_without_memory(void **state)
{
    bcemr_nonce nonce;
    uint64_t k = 0;
    (void)state;
    clinic_diagnose(&c, 0, 0);
    must(hospital_relay(H, &c.vid, c.doctors[1].id, 1, &box, &k, NULL));
    must(bcemr_buf_reserve(&taken, 100)); /* the folder's memory is not the library's */
    EVERY_ALLOCATION(take_again());
    hospital_relay_close(H, &box);
    OK(bcemr_doctor_ask_presence(c.visits[1], &nonce, &why));
    OK(bcemr_patient_present(&c.wallet, &c.visit, c.doctors[1].id, &nonce, c.now, &message, &why));
    EVERY_ALLOCATION(presence_again());
    EVERY_ALLOCATION(waive_again());
    EVERY_ALLOCATION(diagnose_again());
    EVERY_ALLOCATION(reissue_again());
    EVERY_ALLOCATION(hand_over_again());
    get_receipt(1, &held);
    EVERY_ALLOCATION(sign_again());
    must(clinic_post(&c, bcemr_buf_span(&scrap)));
    bcemr_buf_free(&held.bytes);
    bcemr_buf_free(&message);
    bcemr_buf_free(&scrap);
    bcemr_buf_free(&taken);
}

static bcemr_status seal_again(void)
{
    return seal_by(2);
}

static bcemr_status show_r_again(void)
{
    bcemr_buf_clear(&scrap);
    return bcemr_doctor_show_r(c.visits[2], &scrap, &why);
}

static bcemr_status sealed_again(void)
{
    return bcemr_doctor_sealed(c.visits[2], bcemr_buf_span(&message), &why);
}

static void sealing_without_memory(void **state)
{
    (void)state;
    EVERY_ALLOCATION(seal_again());
    c.visits[2]->sealed = false;
    clinic_seal(&c, 2);
    EVERY_ALLOCATION(show_r_again());
    const bcemr_source payload = bcemr_source_bytes(&c.payload_span);
    must(hospital_check_seal(H, &c.vid, c.doctors[2].id, bcemr_buf_span(&scrap), &payload, c.now,
                             &message, NULL));
    EVERY_ALLOCATION(sealed_again());
    bcemr_buf_free(&message);
    bcemr_buf_free(&scrap);
}

#define FROM(stage, test) cmocka_unit_test_setup_teardown(test, play_##stage, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FROM(admitted, a_hello_is_the_ledgers),
        FROM(admitted, a_hello_is_for_who_stands_in_the_order),
        FROM(admitted, macs_prove_both_sides),
        FROM(admitted, the_key_is_of_this_run_and_epoch),
        FROM(admitted, a_replayed_run_ends_nothing),
        FROM(admitted, a_doctor_stays_with_one_visit),
        FROM(admitted, an_aborted_visit_is_not_joined),
        FROM(admitted, the_order_in_force_is_the_ledgers),
        FROM(joined, the_intake_is_the_hospitals_about_this_patient),
        FROM(joined, contributions_are_of_their_place),
        FROM(joined, presence_is_for_this_doctor_now),
        FROM(joined, a_diagnosis_has_its_form),
        FROM(admitted, nothing_goes_before_joining),
        FROM(joined, doctors_sign_in_turn_and_in_time),
        FROM(joined, what_came_before_hashes_to_its_commitment),
        FROM(joined, a_presence_before_is_checked),
        FROM(joined, a_presence_before_the_ticket_is_refused),
        FROM(joined, a_presence_after_signing_is_refused),
        FROM(joined, a_signature_before_is_checked),
        FROM(joined, a_signature_past_its_deadline_is_refused),
        FROM(joined, a_receipt_is_for_what_was_handed_over),
        FROM(joined, one_version_has_one_signature),
        FROM(joined, signing_looks_at_order_and_deadline_again),
        FROM(joined, a_diagnosis_is_asked_again_up_to_n_times),
        FROM(joined, the_next_signature_cancels_what_was_asked),
        FROM(joined, not_before_all_have_signed),
        FROM(signed, the_last_of_the_order_seals),
        FROM(signed, the_hospitals_answer_is_on_this_record),
        FROM(signed, nothing_is_sealed_after_the_seal),
        FROM(signed, secrets_are_wiped_at_the_end),
        FROM(admitted, joining_without_memory),
        FROM(joined, diagnosing_without_memory),
        FROM(signed, sealing_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
