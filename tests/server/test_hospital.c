/* SPDX-License-Identifier: Apache-2.0 */
/* A hospital up to the amendment: every check of registration, group key, relay and order has an
 * attempt that it alone refuses, and a refused attempt leaves everything as it was. */
#include "server/server_test.h"

#include "client/doctor_visit.h"
#include "server/hospital_visit.h"

#include <bcemr/message.h>
#include <stdio.h>

static clinic c;

#define H (c.nodes[HOSPITAL_1].hospital)

static int play_to_nothing(void **state)
{
    (void)state;
    clinic_begin(&c);
    return 0;
}

static int play_to_admitted(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_ADMITTED);
    return 0;
}

static int play_to_joined(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_JOINED);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bcemr_switch_all_on();
    clinic_end(&c);
    return 0;
}

/* ---- registration ---- */

typedef struct plan_case {
    hospital_place team[3];
    bcemr_span clouds[2];
    hospital_plan plan;
    bcemr_tr_register patient;
    bcemr_visit_keys keys;
} plan_case;

static void good_plan(plan_case *p)
{
    memset(p, 0, sizeof *p);
    for (uint64_t i = 0; i < 3; i++)
        p->team[i] = (hospital_place){c.doctors[i].id, c.now + (1 + (int64_t)i) * CLINIC_HOUR};
    p->clouds[0] = c.nodes[CLOUD_1].id;
    p->clouds[1] = c.nodes[CLOUD_2].id;
    p->plan = (hospital_plan){p->team, 3, p->clouds, 2, 0};
    must(bcemr_visit_keys_derive(&c.wallet.seed, &c.consortium.ledger, 77, &p->keys));
    p->patient = (bcemr_tr_register){bcemr_text("Ann Example"), bcemr_text(""), p->keys.pkv,
                                     p->keys.av_public, p->keys.r};
}

static bcemr_status try_register(const plan_case *p, bcemr_error *err)
{
    bcemr_buf message = BCEMR_BUF_EMPTY, ticket = BCEMR_BUF_EMPTY;
    bcemr_hash vid;
    *err = (bcemr_error){0};
    must(bcemr_write_register(&p->patient, &message, NULL));
    bcemr_status status =
        hospital_register(H, bcemr_buf_span(&message), &p->plan, c.now, &ticket, &vid, err);
    if (status != BCEMR_OK)
        assert_int_equal(ticket.n, 0);
    bcemr_buf_free(&message);
    bcemr_buf_free(&ticket);
    return status;
}

static void registers_only_a_sound_team(void **state)
{
    (void)state;
    plan_case p;
    bcemr_error err;
    good_plan(&p);
    p.team[1].doctor = bcemr_text("nobody");
    assert_refused(try_register(&p, &err), err, BCEMR_NOT_ENROLLED);
    assert_int_equal(err.index, 1);
    good_plan(&p);
    p.team[2].doctor = p.team[0].doctor;
    assert_refused(try_register(&p, &err), err, BCEMR_BAD_TEAM);
    good_plan(&p);
    p.team[2].deadline = p.team[1].deadline;
    assert_refused(try_register(&p, &err), err, BCEMR_BAD_TEAM);
    good_plan(&p);
    p.team[0].deadline = c.now;
    assert_refused(try_register(&p, &err), err, BCEMR_BAD_TICKET);
    good_plan(&p);
    p.plan.team_count = 0;
    assert_status(try_register(&p, &err), BCEMR_E_TOO_FEW);
    p.plan.team_count = BCEMR_TEAM_MAX + 1;
    assert_status(try_register(&p, &err), BCEMR_E_TOO_MANY);
    good_plan(&p);
    assert_status(try_register(&p, &err), BCEMR_OK);
}

static void registers_only_with_clouds_of_the_set(void **state)
{
    (void)state;
    plan_case p;
    bcemr_error err;
    good_plan(&p);
    p.clouds[1] = c.nodes[HOSPITAL_2].id;
    assert_refused(try_register(&p, &err), err, BCEMR_BAD_TICKET);
    good_plan(&p);
    p.clouds[1] = bcemr_text("cloud-3");
    assert_refused(try_register(&p, &err), err, BCEMR_BAD_TICKET);
    good_plan(&p);
    p.clouds[1] = p.clouds[0];
    assert_refused(try_register(&p, &err), err, BCEMR_BAD_TICKET);
    good_plan(&p);
    p.plan.u = 3;
    assert_refused(try_register(&p, &err), err, BCEMR_BAD_TICKET);
    good_plan(&p);
    p.plan.cloud_count = 0;
    assert_status(try_register(&p, &err), BCEMR_E_TOO_FEW);
}

static void registers_only_fresh_and_valid_keys(void **state)
{
    (void)state;
    plan_case p;
    bcemr_error err;
    good_plan(&p);
    memset(p.patient.pkv.b, 0, sizeof p.patient.pkv.b);
    assert_status(try_register(&p, &err), BCEMR_E_POINT_ENCODING);
    p.patient.pkv.b[0] = 0xc0;
    assert_status(try_register(&p, &err), BCEMR_E_POINT_IDENTITY);
    good_plan(&p);
    memset(p.patient.av.b, 0, sizeof p.patient.av.b);
    assert_status(try_register(&p, &err), BCEMR_E_ED25519_SMALL_ORDER);
    must(clinic_admit(&c));
    good_plan(&p);
    p.patient.pkv = c.visit.keys.pkv;
    assert_refused(try_register(&p, &err), err, BCEMR_BAD_TICKET);
    assert_string_equal(err.field, "pkv");
    good_plan(&p);
    p.patient.av = c.visit.keys.av_public;
    assert_refused(try_register(&p, &err), err, BCEMR_BAD_TICKET);
    assert_string_equal(err.field, "av");
    good_plan(&p);
    p.patient.av = c.doctors[0].publics.a;
    assert_refused(try_register(&p, &err), err, BCEMR_BAD_TICKET);
}

/* A ticket for the keys of wallet place j but Av of place 77, and its acceptance. */
static void ticket_of(uint64_t j, bcemr_hash *vid, bcemr_buf *acceptance)
{
    plan_case p;
    bcemr_buf message = BCEMR_BUF_EMPTY, ticket = BCEMR_BUF_EMPTY;
    bcemr_visit_keys keys;
    bcemr_tr_acceptance given;
    good_plan(&p);
    must(bcemr_visit_keys_derive(&c.wallet.seed, &c.consortium.ledger, j, &keys));
    keys.av = p.keys.av;
    p.patient.pkv = keys.pkv;
    must(bcemr_write_register(&p.patient, &message, NULL));
    must(hospital_register(H, bcemr_buf_span(&message), &p.plan, c.now, &ticket, vid, NULL));
    must(bcemr_acceptance_make(&keys, vid, &given, NULL));
    must(bcemr_write_acceptance(&given, acceptance, NULL));
    bcemr_buf_free(&message);
    bcemr_buf_free(&ticket);
}

static void forgets_tickets_that_the_ledger_refuses(void **state)
{
    (void)state;
    bcemr_hash vids[3];
    bcemr_buf accepted[3] = {{0}};
    bcemr_error err = {0};
    plan_case p;
    for (uint64_t i = 0; i < 3; i++)
        ticket_of(77 + i, &vids[i], &accepted[i]);
    for (uint64_t i = 0; i < 2; i++) /* at this moment the keys of both are fresh */
        must(hospital_accept(H, &vids[i], bcemr_buf_span(&accepted[i]), c.now, NULL));
    assert_status(hospital_forget(H, &vids[1], &err), BCEMR_E_REFUSED);
    assert_status(clinic_pump(&c, HOSPITAL_1), BCEMR_E_REFUSED); /* ADMIT_KEY_USED */
    assert_refused(hospital_accept(H, &vids[2], bcemr_buf_span(&accepted[2]), c.now, &err), err,
                   BCEMR_BAD_TICKET);
    must(hospital_accept(H, &vids[0], bcemr_buf_span(&accepted[0]), c.now, NULL)); /* again */
    H->visits.limit = 3;
    good_plan(&p);
    must(bcemr_visit_keys_derive(&c.wallet.seed, &c.consortium.ledger, 90, &p.keys));
    p.patient.pkv = p.keys.pkv;
    p.patient.av = p.keys.av_public;
    assert_status(try_register(&p, &err), BCEMR_OK); /* in the place of the refused one */
    assert_status(hospital_forget(H, &vids[1], &err), BCEMR_E_NOT_FOUND);
    assert_status(hospital_forget(H, &vids[2], &err), BCEMR_OK);
    assert_status(hospital_forget(H, &vids[0], &err), BCEMR_E_STATE); /* it runs */
    for (uint64_t i = 0; i < 3; i++)
        bcemr_buf_free(&accepted[i]);
}

static void forgets_tickets_whose_admit_came_to_nothing(void **state)
{
    (void)state;
    bcemr_hash vid;
    bcemr_buf accepted = BCEMR_BUF_EMPTY;
    bcemr_error err = {0};
    ticket_of(77, &vid, &accepted);
    must(hospital_accept(H, &vid, bcemr_buf_span(&accepted), c.now, NULL));
    assert_status(hospital_forget(H, &vid, &err), BCEMR_E_REFUSED); /* it may still come in */
    c.now += 2 * CLINIC_HOUR;
    must(clinic_pump(&c, CLOUD_1));
    assert_status(hospital_forget(H, &vid, &err), BCEMR_E_REFUSED);
    clinic_enrol(&c, CLINIC_DOCTORS, HOSPITAL_1); /* now the ledger's time is past the deadline */
    assert_status(hospital_forget(H, &vid, &err), BCEMR_OK);
    bcemr_buf_free(&accepted);
}

static void draws_another_pseudonym_each_time(void **state)
{
    (void)state;
    bcemr_buf one = BCEMR_BUF_EMPTY, two = BCEMR_BUF_EMPTY;
    bcemr_tr_ticket t;
    bcemr_tr_visit a, b;
    must(clinic_register(&c, &one));
    must(clinic_register(&c, &two));
    must(bcemr_read_ticket(bcemr_buf_span(&one), &t, NULL));
    must(bcemr_read_visit(t.visit, &a, NULL));
    must(bcemr_read_ticket(bcemr_buf_span(&two), &t, NULL));
    must(bcemr_read_visit(t.visit, &b, NULL));
    assert_memory_not_equal(&a.pid, &b.pid, sizeof a.pid);
    assert_int_equal(a.u, 2);
    bcemr_buf_free(&one);
    bcemr_buf_free(&two);
}

static void admits_only_what_the_patient_accepted(void **state)
{
    (void)state;
    bcemr_buf ticket = BCEMR_BUF_EMPTY, good = BCEMR_BUF_EMPTY, bad = BCEMR_BUF_EMPTY;
    bcemr_tr_acceptance a;
    bcemr_hash other = {{1}};
    bcemr_error err = {0};
    must(clinic_register(&c, &ticket));
    must(bcemr_patient_accept(&c.wallet, &c.visit, bcemr_buf_span(&ticket), c.now, &good, NULL));
    must(bcemr_read_acceptance(bcemr_buf_span(&good), &a, NULL));
    a.signature.b[3] ^= 1;
    must(bcemr_write_acceptance(&a, &bad, NULL));
    assert_refused(hospital_accept(H, &c.vid, bcemr_buf_span(&bad), c.now, &err), err,
                   BCEMR_BAD_ACCEPTANCE);
    a.signature.b[3] ^= 1;
    a.proof.response.b[0] ^= 1;
    bcemr_buf_clear(&bad);
    must(bcemr_write_acceptance(&a, &bad, NULL));
    assert_refused(hospital_accept(H, &c.vid, bcemr_buf_span(&bad), c.now, &err), err,
                   BCEMR_BAD_ACCEPTANCE_PROOF);
    assert_status(hospital_accept(H, &other, bcemr_buf_span(&good), c.now, &err),
                  BCEMR_E_NOT_FOUND);
    assert_refused(hospital_accept(H, &c.vid, bcemr_buf_span(&good), c.now + 9 * CLINIC_HOUR, &err),
                   err, BCEMR_PAST_DEADLINE);
    bcemr_span waiting;
    assert_status(server_memory_outbox_next(c.nodes[HOSPITAL_1].box, &waiting), BCEMR_E_NOT_FOUND);
    assert_status(hospital_accept(H, &c.vid, bcemr_buf_span(&good), c.now, &err), BCEMR_OK);
    assert_status(clinic_pump(&c, HOSPITAL_1), BCEMR_OK);
    bcemr_buf_free(&ticket);
    bcemr_buf_free(&good);
    bcemr_buf_free(&bad);
}

/* ---- the group key ---- */

/* A run of doctor d up to the message before step. */
typedef struct run_case {
    uint64_t id;
    bcemr_buf hello, reply, server, proof, key;
} run_case;

static void run_to_reply(run_case *r, uint64_t d)
{
    memset(r, 0, sizeof *r);
    must(hospital_group_hello(H, &c.vid, c.doctors[d].id, c.now, &r->id, &r->hello, NULL));
    if (!c.visits[d])
        must(bcemr_doctor_visit_new(&c.doctors[d], &c.visits[d]));
    must(bcemr_doctor_hello(c.visits[d], bcemr_buf_span(&r->hello), c.now, &r->reply, NULL));
}

static void run_to_proof(run_case *r, uint64_t d)
{
    run_to_reply(r, d);
    must(hospital_group_server(H, r->id, bcemr_buf_span(&r->reply), c.now, &r->server, NULL));
    must(bcemr_doctor_prove(c.visits[d], bcemr_buf_span(&r->server), c.now, &r->proof, NULL));
}

static void run_free(run_case *r)
{
    bcemr_buf_free(&r->hello);
    bcemr_buf_free(&r->reply);
    bcemr_buf_free(&r->server);
    bcemr_buf_free(&r->proof);
    bcemr_buf_free(&r->key);
}

static void begins_runs_for_the_order_alone(void **state)
{
    (void)state;
    bcemr_buf hello = BCEMR_BUF_EMPTY, ticket = BCEMR_BUF_EMPTY;
    bcemr_error err = {0};
    uint64_t run = 0;
    bcemr_hash admitted = c.vid;
    assert_refused(hospital_group_hello(H, &c.vid, c.doctors[3].id, c.now, &run, &hello, &err), err,
                   BCEMR_NOT_IN_ORDER);
    must(clinic_register(&c, &ticket)); /* another visit, not accepted */
    assert_refused(hospital_group_hello(H, &c.vid, c.doctors[0].id, c.now, &run, &hello, &err), err,
                   BCEMR_NOT_ADMITTED);
    assert_int_equal(hello.n, 0);
    assert_status(hospital_group_hello(H, &admitted, c.doctors[0].id, c.now, &run, &hello, &err),
                  BCEMR_OK);
    bcemr_buf_free(&hello);
    bcemr_buf_free(&ticket);
}

static void gives_the_key_only_after_the_doctors_mac(void **state)
{
    (void)state;
    run_case r;
    bcemr_error err = {0};
    run_to_proof(&r, 0);
    assert_status(hospital_group_server(H, r.id + 9, bcemr_buf_span(&r.reply), c.now, &r.key, &err),
                  BCEMR_E_NOT_FOUND);
    r.proof.p[r.proof.n - 1] ^= 1;
    assert_refused(hospital_group_key(H, r.id, bcemr_buf_span(&r.proof), c.now, &r.key, &err), err,
                   BCEMR_BAD_DOCTOR_MAC);
    assert_int_equal(r.key.n, 0);
    r.proof.p[r.proof.n - 1] ^= 1; /* the run is over: the right one comes too late */
    assert_status(hospital_group_key(H, r.id, bcemr_buf_span(&r.proof), c.now, &r.key, &err),
                  BCEMR_E_NOT_FOUND);
    run_free(&r);
    run_to_proof(&r, 0);
    assert_status(hospital_group_key(H, r.id, bcemr_buf_span(&r.proof), c.now, &r.key, &err),
                  BCEMR_OK);
    assert_status(hospital_group_key(H, r.id, bcemr_buf_span(&r.proof), c.now, &r.key, &err),
                  BCEMR_E_NOT_FOUND);
    run_free(&r);
}

static void keeps_the_order_of_a_run(void **state)
{
    (void)state;
    run_case r;
    bcemr_error err = {0};
    run_to_reply(&r, 0);
    const bcemr_tr_group_doctor early = {{{0}}};
    must(bcemr_write_group_doctor(&early, &r.proof, NULL));
    assert_status(hospital_group_key(H, r.id, bcemr_buf_span(&r.proof), c.now, &r.key, &err),
                  BCEMR_E_STATE);
    run_free(&r);
    run_to_reply(&r, 0);
    must(hospital_group_server(H, r.id, bcemr_buf_span(&r.reply), c.now, &r.server, NULL));
    assert_status(hospital_group_server(H, r.id, bcemr_buf_span(&r.reply), c.now, &r.key, &err),
                  BCEMR_E_STATE);
    run_free(&r);
}

static void refuses_weak_keys_and_slow_doctors(void **state)
{
    (void)state;
    run_case r;
    bcemr_error err = {0};
    run_to_reply(&r, 0);
    const bcemr_tr_group_reply zero = {{{0}}};
    bcemr_buf_clear(&r.reply);
    must(bcemr_write_group_reply(&zero, &r.reply, NULL));
    bcemr_status status =
        hospital_group_server(H, r.id, bcemr_buf_span(&r.reply), c.now, &r.server, &err);
    assert_true(status == BCEMR_E_X25519_SMALL_ORDER || status == BCEMR_E_DH_ZERO);
    assert_int_equal(r.server.n, 0);
    run_free(&r);
    run_to_proof(&r, 0);
    assert_refused(
        hospital_group_key(H, r.id, bcemr_buf_span(&r.proof), c.now + 60001, &r.key, &err), err,
        BCEMR_RUN_TIMED_OUT);
    run_free(&r);
}

static void draws_fresh_keys_for_each_run_and_one_gk(void **state)
{
    (void)state;
    run_case a, b;
    bcemr_tr_group_hello one, two;
    run_to_reply(&a, 0);
    run_to_reply(&b, 0);
    must(bcemr_read_group_hello(bcemr_buf_span(&a.hello), &one, NULL));
    must(bcemr_read_group_hello(bcemr_buf_span(&b.hello), &two, NULL));
    assert_memory_not_equal(&one.once, &two.once, sizeof one.once);
    must(clinic_join(&c, 0));
    must(clinic_join(&c, 1));
    assert_memory_equal(&c.visits[0]->gk, &c.visits[1]->gk, sizeof c.visits[0]->gk);
    assert_memory_not_equal(&c.visits[0]->keys.pair, &c.visits[1]->keys.pair, 32);
    run_free(&a);
    run_free(&b);
}

static void ends_runs_of_an_order_that_changed(void **state)
{
    (void)state;
    run_case r;
    bcemr_error err = {0};
    const hospital_place tail[1] = {{c.doctors[0].id, c.now + CLINIC_HOUR}};
    run_to_proof(&r, 0);
    must(hospital_amend(H, &c.vid, tail, 1, c.now, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    assert_refused(hospital_group_key(H, r.id, bcemr_buf_span(&r.proof), c.now, &r.key, &err), err,
                   BCEMR_WRONG_ORDER_IN_FORCE);
    run_free(&r);
}

static void bounds_the_number_of_runs(void **state)
{
    (void)state;
    bcemr_error err = {0};
    bcemr_buf hello = BCEMR_BUF_EMPTY;
    uint64_t run = 0;
    for (uint64_t i = 0; i < 2 * HOSPITAL_RUNS_MAX; i++) { /* a doctor's newest run is their only */
        bcemr_buf_clear(&hello);
        must(hospital_group_hello(H, &c.vid, c.doctors[i % 2].id, c.now, &run, &hello, NULL));
    }
    assert_int_equal(H->run_count, 2);
    while (H->run_count < HOSPITAL_RUNS_MAX) { /* of doctors of other visits */
        hospital_run *other = bcemr_allocate(sizeof *other);
        assert_non_null(other);
        other->started = c.now;
        H->runs[H->run_count++] = other;
    }
    assert_status(hospital_group_hello(H, &c.vid, c.doctors[2].id, c.now, &run, &hello, &err),
                  BCEMR_E_TOO_MANY);
    assert_status(hospital_group_hello(H, &c.vid, c.doctors[0].id, c.now, &run, &hello, &err),
                  BCEMR_OK);
    bcemr_buf_clear(&hello);
    assert_status(
        hospital_group_hello(H, &c.vid, c.doctors[0].id, c.now + 60001, &run, &hello, &err),
        BCEMR_OK);
    bcemr_buf_free(&hello);
}

/* ---- the relay ---- */

/* A contribution made by hand, so that anything can be wrong with it. */
typedef struct crafted {
    uint64_t d; /* whose */
    bcemr_tr_contribution head;
    bcemr_tr_document document;
    bcemr_span text;
    bcemr_span keywords[64];
    char words[64][8];
    uint64_t keyword_count;
    bcemr_span presence; /* if set, in place of a good one */
    int64_t present_at;
    bcemr_tr_msg ad;
    bool twice; /* the document stands in the manifest a second time */
} crafted;

static void craft(crafted *x, uint64_t d, uint64_t k)
{
    memset(x, 0, sizeof *x);
    x->d = d;
    x->text = bcemr_text("a short finding");
    x->document = (bcemr_tr_document){
        .name = bcemr_text("a.txt"), .media_type = bcemr_text("text/plain"), .length = x->text.n};
    const bcemr_source source = bcemr_source_bytes(&x->text);
    must(bcemr_source_hash(&source, NULL, &x->document.hash, NULL));
    x->head = (bcemr_tr_contribution){.vid = c.vid, .i = d + 1, .k = k};
    bcemr_random(x->head.salt.b, sizeof x->head.salt.b);
    x->present_at = c.now;
    x->ad = (bcemr_tr_msg){c.vid, 0, c.doctors[d].id, d + 1, k};
}

static void add_keywords(crafted *x, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        (void)snprintf(x->words[i], sizeof x->words[i], "w%u", (unsigned)(first + i));
        x->keywords[i] = bcemr_text(x->words[i]);
    }
    x->keyword_count = count;
}

static void write_presence(const crafted *x, bcemr_buf *out)
{
    bcemr_tr_presence presence;
    bcemr_tr_present present = {c.vid, c.doctors[x->d].id, {{5}}, x->present_at};
    must(bcemr_presence_make(&c.visit.keys, &present, &presence, NULL));
    must(bcemr_write_presence(&presence, out, NULL));
}

static void seal_crafted(crafted *x, bcemr_buf *sealed)
{
    bcemr_buf manifest = BCEMR_BUF_EMPTY, presence = BCEMR_BUF_EMPTY, head = BCEMR_BUF_EMPTY;
    bcemr_composed composed;
    const bcemr_tr_document documents[2] = {x->document, x->document};
    const uint64_t count = x->twice ? 2 : 1;
    const bcemr_tr_manifest fields = {.documents = BCEMR_LIST_OF(documents, count),
                                      .keywords = BCEMR_LIST_OF(x->keywords, x->keyword_count)};
    must(bcemr_write_manifest(&fields, &manifest, NULL));
    write_presence(x, &presence);
    x->head.manifest = bcemr_buf_span(&manifest);
    x->head.presence = x->presence.n > 0 ? x->presence : bcemr_buf_span(&presence);
    must(bcemr_write_contribution(&x->head, &head, NULL));
    const bcemr_source text = bcemr_source_bytes(&x->text), texts[2] = {text, text};
    const bcemr_source source =
        bcemr_composed_source(&composed, bcemr_buf_span(&head), texts, count);
    const bcemr_sink sink = bcemr_sink_buffer(sealed);
    bcemr_buf_clear(sealed);
    must(bcemr_long_message_seal(&c.visits[0]->gk, &x->ad, &source, NULL, &sink, NULL));
    bcemr_buf_free(&manifest);
    bcemr_buf_free(&presence);
    bcemr_buf_free(&head);
}

static bcemr_status take_sealed(uint64_t d, uint64_t k, const bcemr_buf *sealed)
{
    bcemr_buf receipt = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    const bcemr_span bytes = bcemr_buf_span(sealed);
    const bcemr_source source = bcemr_source_bytes(&bytes);
    uint64_t stored = server_memory_store_count(c.nodes[HOSPITAL_1].memory);
    c.error = (bcemr_error){0};
    bcemr_status status = hospital_take(H, &c.vid, c.doctors[d].id, k, &source, c.now, &receipt,
                                        &signature, &c.error);
    if (status != BCEMR_OK) { /* nothing is left of it */
        assert_int_equal(receipt.n, 0);
        assert_int_equal(server_memory_store_count(c.nodes[HOSPITAL_1].memory), stored);
    }
    bcemr_buf_free(&receipt);
    return status;
}

static bcemr_status take_crafted(crafted *x)
{
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    seal_crafted(x, &sealed);
    bcemr_status status = take_sealed(x->d, x->head.k, &sealed);
    bcemr_buf_free(&sealed);
    return status;
}

static void takes_only_from_whose_turn_it_is(void **state)
{
    (void)state;
    crafted x;
    craft(&x, 1, 0);
    assert_clinic_refused(take_crafted(&x), BCEMR_NOT_IN_ORDER);
    craft(&x, 0, 1);
    assert_clinic_refused(take_crafted(&x), BCEMR_REISSUE_NOT_ASKED);
    craft(&x, 0, 0);
    int64_t now = c.now;
    c.now += 8 * CLINIC_HOUR + 1;
    assert_clinic_refused(take_crafted(&x), BCEMR_PAST_DEADLINE);
    c.now = now;
    bcemr_buf none = BCEMR_BUF_EMPTY;
    assert_clinic_refused(take_sealed(3, 0, &none), BCEMR_NOT_IN_ORDER);
    craft(&x, 0, 0);
    assert_status(take_crafted(&x), BCEMR_OK);
}

static void takes_only_what_opens_under_its_place(void **state)
{
    (void)state;
    crafted x;
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    craft(&x, 0, 0);
    seal_crafted(&x, &sealed);
    sealed.p[sealed.n / 2] ^= 1;
    assert_clinic_refused(take_sealed(0, 0, &sealed), BCEMR_BAD_SEALED_MESSAGE);
    craft(&x, 0, 0);
    x.ad.sender = c.doctors[1].id;
    assert_clinic_refused(take_crafted(&x), BCEMR_BAD_SEALED_MESSAGE);
    craft(&x, 0, 0);
    x.ad.position = 2;
    assert_clinic_refused(take_crafted(&x), BCEMR_BAD_SEALED_MESSAGE);
    craft(&x, 0, 0);
    x.ad.epoch = 1;
    assert_clinic_refused(take_crafted(&x), BCEMR_BAD_SEALED_MESSAGE);
    sealed.n = 30;
    assert_clinic_refused(take_sealed(0, 0, &sealed), BCEMR_BAD_SEALED_MESSAGE);
    bcemr_buf_free(&sealed);
}

static void takes_only_what_its_head_says(void **state)
{
    (void)state;
    crafted x;
    craft(&x, 0, 0);
    x.head.i = 2;
    assert_clinic_refused(take_crafted(&x), BCEMR_BAD_CONTENT);
    craft(&x, 0, 0);
    x.head.vid.b[0] ^= 1;
    assert_clinic_refused(take_crafted(&x), BCEMR_BAD_CONTENT);
    craft(&x, 0, 0);
    x.document.hash.b[0] ^= 1;
    assert_clinic_refused(take_crafted(&x), BCEMR_BAD_DOCUMENT);
    craft(&x, 0, 0);
    x.document.length++;
    assert_clinic_refused(take_crafted(&x), BCEMR_BAD_DOCUMENT);
    craft(&x, 0, 0);
    x.document.length--;
    assert_clinic_refused(take_crafted(&x), BCEMR_BAD_DOCUMENT);
    craft(&x, 0, 0);
    x.twice = true; /* two documents of one name */
    assert_clinic_refused(take_crafted(&x), BCEMR_BAD_CONTENT);
    assert_string_equal(c.error.field, "name");
}

static void takes_only_with_a_presence_that_holds(void **state)
{
    (void)state;
    crafted x;
    bcemr_buf other = BCEMR_BUF_EMPTY;
    craft(&x, 1, 0);
    write_presence(&x, &other); /* shown to another doctor */
    craft(&x, 0, 0);
    x.presence = bcemr_buf_span(&other);
    assert_clinic_refused(take_crafted(&x), BCEMR_BAD_PRESENCE);
    craft(&x, 0, 0);
    x.present_at = c.now + CONSORTIUM_CLOCK_DIFFERENCE + 1000;
    assert_clinic_refused(take_crafted(&x), BCEMR_PRESENCE_TIME);
    craft(&x, 0, 0);
    x.present_at = c.now - 24 * CLINIC_HOUR;
    assert_clinic_refused(take_crafted(&x), BCEMR_PRESENCE_TIME);
    bcemr_buf_free(&other);
}

static void keeps_the_limits_of_a_visit(void **state)
{
    (void)state;
    crafted x;
    clinic_diagnose(&c, 0, 0);
    craft(&x, 1, 0);
    add_keywords(&x, 0, 64); /* doctor-1 has given one */
    assert_clinic_refused(take_crafted(&x), BCEMR_KEYWORD_LIMIT);
    craft(&x, 1, 0);
    add_keywords(&x, 0, 63);
    x.keywords[62] = bcemr_text("Not Case-Folded"); /* nobody would ever find its tag */
    assert_clinic_refused(take_crafted(&x), BCEMR_BAD_CONTENT);
    craft(&x, 1, 0);
    add_keywords(&x, 0, 63);
    hospital_visit *visit = H->visits.rows[0];
    uint64_t length = visit->parts[0].manifest_length;
    visit->parts[0].manifest_length = (2u << 20) - (8u << 10);
    assert_clinic_refused(take_crafted(&x), BCEMR_MANIFEST_LIMIT);
    visit->parts[0].manifest_length = length;
    assert_status(take_crafted(&x), BCEMR_OK);
}

static void signs_receipts_that_say_what_it_holds(void **state)
{
    (void)state;
    bcemr_buf sealed = BCEMR_BUF_EMPTY, receipt = BCEMR_BUF_EMPTY, again = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    bcemr_tr_receipt read;
    clinic_prepare(&c, 0);
    clinic_hand_over(&c, 0, &sealed);
    must(clinic_take(&c, 0, &sealed, &receipt, &signature));
    assert_true(bcemr_ed_holds(&c.consortium.nodes[HOSPITAL_1].publics.a, bcemr_buf_span(&receipt),
                               &signature));
    must(bcemr_read_receipt(bcemr_buf_span(&receipt), &read, NULL));
    assert_memory_equal(&read.commitment, &c.visits[0]->commitment, sizeof read.commitment);
    /* a receipt that was lost, before and after the Sign */
    assert_status(clinic_take(&c, 0, &sealed, &again, &signature), BCEMR_OK);
    must(clinic_sign(&c, 0, &receipt, &signature));
    assert_status(clinic_take(&c, 0, &sealed, &again, &signature), BCEMR_OK);
    assert_int_equal(server_memory_store_count(c.nodes[HOSPITAL_1].memory), 1);
    bcemr_buf_free(&sealed);
    bcemr_buf_free(&receipt);
    bcemr_buf_free(&again);
}

static void holds_every_version_that_may_come_to_count(void **state)
{
    (void)state;
    crafted x;
    for (int n = 0; n < HOSPITAL_OFFERS_MAX; n++) {
        craft(&x, 0, 0);
        assert_status(take_crafted(&x), BCEMR_OK);
    }
    craft(&x, 0, 0);
    assert_status(take_crafted(&x), BCEMR_E_TOO_MANY);
    assert_int_equal(server_memory_store_count(c.nodes[HOSPITAL_1].memory), HOSPITAL_OFFERS_MAX);
}

static void gives_no_receipt_for_what_is_not_durable(void **state)
{
    (void)state;
    crafted x;
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    craft(&x, 0, 0);
    seal_crafted(&x, &sealed);
    server_memory_store_fail(c.nodes[HOSPITAL_1].memory, 1, false);
    assert_status(take_sealed(0, 0, &sealed), BCEMR_E_IO);
    assert_int_equal(((hospital_visit *)H->visits.rows[0])->part_count, 0);
    assert_status(take_sealed(0, 0, &sealed), BCEMR_OK);
    bcemr_buf_free(&sealed);
}

static void relays_what_was_signed_to_those_after(void **state)
{
    (void)state;
    bcemr_source source;
    bcemr_error err = {0};
    uint64_t k = 9;
    assert_status(hospital_relay(H, &c.vid, c.doctors[1].id, 1, &source, &k, &err),
                  BCEMR_E_NOT_FOUND);
    clinic_diagnose(&c, 0, 1);
    assert_refused(hospital_relay(H, &c.vid, c.doctors[0].id, 2, &source, &k, &err), err,
                   BCEMR_NOT_IN_ORDER);
    assert_refused(hospital_relay(H, &c.vid, c.doctors[3].id, 1, &source, &k, &err), err,
                   BCEMR_NOT_IN_ORDER);
    assert_status(hospital_relay(H, &c.vid, c.doctors[2].id, 3, &source, &k, &err),
                  BCEMR_E_NOT_FOUND);
    assert_status(hospital_relay(H, &c.vid, c.doctors[2].id, 2, &source, &k, &err), BCEMR_OK);
    assert_int_equal(k, 0);
    assert_true(source.length > BCEMR_MESSAGE_BOX_MAX); /* doctor-2's is a stream */
    hospital_relay_close(H, &source);
}

/* ---- doctors whose keys ended while a visit runs ---- */

static void retire(uint64_t d)
{
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    must(authority_retire(&c.authority, &c.view, c.doctors[d].id, &entry, NULL));
    must(clinic_post(&c, bcemr_buf_span(&entry)));
    bcemr_buf_free(&entry);
}

/* New keys for an ID whose old ones still sign for them. */
static void replace_keys(uint64_t d)
{
    consortium_doctor *doctor = &c.consortium.doctors[d];
    const bcemr_ed_secret old = doctor->keys.a;
    bcemr_buf pops = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY, signed_entry = BCEMR_BUF_EMPTY;
    bcemr_ed_signature countersigned, by_old;
    consortium_keys("new keys", &doctor->keys, &doctor->publics);
    authority_wish wish = {.kind = BCEMR_enrol_kind_DOCTOR,
                           .id = bcemr_text(doctor->id),
                           .hospital = c.nodes[HOSPITAL_1].id,
                           .keys = doctor->publics,
                           .not_before = c.now - CLINIC_HOUR,
                           .not_after = c.now + 10000 * CLINIC_HOUR};
    must(authority_wish_pops(&c.consortium.ledger, &wish, &doctor->keys, &pops, NULL));
    wish.pops = bcemr_buf_span(&pops);
    must(authority_enrol(&c.authority, &c.view, &wish, &entry, NULL));
    must(hospital_countersign(H, bcemr_buf_span(&entry), false, &countersigned, NULL));
    must(bcemr_entry_sign_ed(&old, "doctor", bcemr_buf_span(&entry), &by_old, NULL));
    const bcemr_tr_signer rows[2] = {
        {bcemr_text("hospital"), c.nodes[HOSPITAL_1].id, bcemr_span_of(countersigned.b, 64)},
        {bcemr_text("doctor"), wish.id, bcemr_span_of(by_old.b, 64)}};
    must(bcemr_signed_make(bcemr_buf_span(&entry), rows, 2, &signed_entry, NULL));
    must(clinic_post(&c, bcemr_buf_span(&signed_entry)));
    bcemr_buf_free(&pops);
    bcemr_buf_free(&entry);
    bcemr_buf_free(&signed_entry);
}

/* Every step for doctor-1, at whichever stage the runs were when the keys ended. */
static void assert_no_step(run_case *begun, run_case *proven, const bcemr_buf *sealed,
                           bcemr_verdict expected)
{
    bcemr_error err = {0};
    bcemr_source source;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    uint64_t id = 0, k = 0;
    assert_refused(hospital_group_hello(H, &c.vid, c.doctors[0].id, c.now, &id, &out, &err), err,
                   expected);
    if (begun)
        assert_refused(
            hospital_group_server(H, begun->id, bcemr_buf_span(&begun->reply), c.now, &out, &err),
            err, expected);
    if (proven)
        assert_refused(
            hospital_group_key(H, proven->id, bcemr_buf_span(&proven->proof), c.now, &out, &err),
            err, expected);
    assert_refused(hospital_intake(H, &c.vid, c.doctors[0].id, &out, &err), err, expected);
    assert_refused(hospital_relay(H, &c.vid, c.doctors[0].id, 1, &source, &k, &err), err, expected);
    assert_clinic_refused(take_sealed(0, 0, sealed), expected);
    assert_int_equal(out.n, 0);
    bcemr_buf_free(&out);
}

static void gives_nothing_to_keys_that_were_retired(void **state)
{
    (void)state;
    run_case r;
    crafted x;
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    craft(&x, 0, 0);
    seal_crafted(&x, &sealed);
    run_to_reply(&r, 0);
    retire(0);
    assert_no_step(&r, NULL, &sealed, BCEMR_DOCTOR_RETIRED);
    run_free(&r);
    bcemr_switch_off(BCEMR_DOCTOR_RETIRED);
    assert_no_step(NULL, NULL, &sealed, BCEMR_NOT_ENROLLED);
    bcemr_buf_free(&sealed);
}

static void gives_nothing_to_keys_that_were_replaced(void **state)
{
    (void)state;
    run_case r;
    crafted x;
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    craft(&x, 0, 0);
    seal_crafted(&x, &sealed);
    run_to_proof(&r, 0);
    replace_keys(0);
    assert_no_step(NULL, &r, &sealed, BCEMR_NOT_ENROLLED);
    run_free(&r);
    bcemr_buf_free(&sealed);
}

static void gives_nothing_to_keys_that_ran_out(void **state)
{
    (void)state;
    crafted x;
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    craft(&x, 0, 0);
    seal_crafted(&x, &sealed);
    c.now += 10001 * CLINIC_HOUR;
    retire(4); /* the ledger's time is past the validity */
    assert_refused(hospital_intake(H, &c.vid, c.doctors[0].id, &sealed, &c.error), c.error,
                   BCEMR_NOT_ENROLLED);
    bcemr_buf_free(&sealed);
}

/* ---- changes of the order ---- */

static void amends_only_with_a_sound_tail(void **state)
{
    (void)state;
    bcemr_error err = {0};
    clinic_diagnose(&c, 0, 0);
    hospital_place tail[2] = {{c.doctors[3].id, c.now + CLINIC_HOUR},
                              {c.doctors[4].id, c.now + 2 * CLINIC_HOUR}};
    tail[1].doctor = bcemr_text("nobody");
    assert_refused(hospital_amend(H, &c.vid, tail, 2, c.now, &err), err, BCEMR_NOT_ENROLLED);
    tail[1].doctor = c.doctors[0].id; /* has signed */
    assert_refused(hospital_amend(H, &c.vid, tail, 2, c.now, &err), err, BCEMR_BAD_TEAM);
    tail[1] = (hospital_place){c.doctors[4].id, c.now + CLINIC_HOUR};
    assert_refused(hospital_amend(H, &c.vid, tail, 2, c.now, &err), err, BCEMR_BAD_TEAM);
    tail[1].deadline++;
    assert_refused(hospital_amend(H, &c.vid, tail, 2, c.now + CLINIC_HOUR, &err), err,
                   BCEMR_BAD_TEAM);
    assert_status(hospital_amend(H, &c.vid, tail, 0, c.now, &err), BCEMR_E_TOO_FEW);
    assert_status(hospital_amend(H, &c.vid, tail, 2, c.now, &err), BCEMR_OK);
    assert_status(clinic_pump(&c, HOSPITAL_1), BCEMR_OK);
}

/* A team that changes twice: who joined before has no key of the new epoch, what came before is
 * sealed anew, and the visit is still brought to its end. */
static void goes_on_after_amendments(void **state)
{
    (void)state;
    clinic_diagnose(&c, 0, 1);
    bcemr_key old = c.visits[2]->gk;
    const hospital_place tail[1] = {{c.doctors[3].id, c.now + CLINIC_HOUR}};
    must(hospital_amend(H, &c.vid, tail, 1, c.now, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    assert_clinic_refused(clinic_join(&c, 2), BCEMR_NOT_IN_ORDER);
    must(clinic_join(&c, 3));
    assert_memory_not_equal(&old, &c.visits[3]->gk, sizeof old);
    const hospital_place next[1] = {{c.doctors[4].id, c.now + 2 * CLINIC_HOUR}};
    must(hospital_amend(H, &c.vid, next, 1, c.now, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    must(clinic_join(&c, 4));
    clinic_diagnose(&c, 4, 4);
    assert_memory_equal(c.parts[4][1].bytes.p, c.own[0].bytes.p, c.own[0].bytes.n);
    assert_int_equal(c.parts[4][2].bytes.n, c.own[1].bytes.n);
    clinic_seal(&c, 4);
    assert_status(clinic_check_seal(&c, 4), BCEMR_OK);
}

static void asks_the_last_doctor_again(void **state)
{
    (void)state;
    bcemr_error err = {0};
    const bcemr_reissue_reason why = BCEMR_reissue_reason_UNREADABLE;
    clinic_diagnose(&c, 0, 1);
    assert_refused(hospital_reissue(H, &c.vid, why, c.now, &err), err, BCEMR_NOT_ALL_SIGNED);
    clinic_diagnose(&c, 2, 2);
    assert_refused(hospital_reissue(H, &c.vid, why, c.now + 11 * CLINIC_HOUR, &err), err,
                   BCEMR_PAST_DEADLINE);
    for (uint64_t k = 0; k < CONSORTIUM_REISSUES; k++) {
        assert_status(hospital_reissue(H, &c.vid, why, c.now, &err), BCEMR_OK);
        must(clinic_pump(&c, HOSPITAL_1));
        assert_refused(hospital_reissue(H, &c.vid, why, c.now, &err), err, BCEMR_REISSUE_PENDING);
        clinic_diagnose(&c, 2, 2);
    }
    assert_refused(hospital_reissue(H, &c.vid, why, c.now, &err), err, BCEMR_REISSUE_LIMIT);
}

static void gives_up_a_visit(void **state)
{
    (void)state;
    bcemr_error err = {0};
    crafted x;
    assert_status(hospital_forget(H, &c.vid, &err), BCEMR_E_STATE);
    must(hospital_abort(H, &c.vid, BCEMR_abort_reason_PATIENT_LEFT, NULL));
    must(clinic_pump(&c, HOSPITAL_1));
    craft(&x, 0, 0);
    assert_clinic_refused(take_crafted(&x), BCEMR_NOT_ADMITTED);
    assert_refused(hospital_abort(H, &c.vid, BCEMR_abort_reason_OTHER, &err), err,
                   BCEMR_NOT_ADMITTED);
    assert_status(hospital_forget(H, &c.vid, &err), BCEMR_OK);
    assert_status(hospital_forget(H, &c.vid, &err), BCEMR_E_NOT_FOUND);
    assert_int_equal(server_memory_store_count(c.nodes[HOSPITAL_1].memory), 0);
}

/* ---- countersigning ---- */

static void countersigns_only_its_own(void **state)
{
    (void)state;
    consortium_enrolment e;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    bcemr_error err = {0};
    static const bcemr_verdict expected[] = {BCEMR_BAD_ENROLMENT, BCEMR_WRONG_LEDGER,
                                             BCEMR_BAD_CREDENTIAL, BCEMR_BAD_POP, BCEMR_VALID};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        consortium_enrol(&c.consortium, &c.consortium.doctors[5],
                         i == 0 ? "hospital-2" : "hospital-1", c.now, c.now + CLINIC_HOUR, &e);
        e.entry.ledger.b[0] ^= i == 1;
        if (i == 2)
            e.credential = c.visit.keys.pkv;
        if (i == 3)
            e.pops.p[60] ^= 1;
        bcemr_buf_clear(&entry);
        must(bcemr_write_e_enrol(&e.entry, &entry, NULL));
        bcemr_status status =
            hospital_countersign(H, bcemr_buf_span(&entry), false, &signature, &err);
        if (expected[i] == BCEMR_VALID)
            assert_status(status, BCEMR_OK);
        else
            assert_refused(status, err, expected[i]);
        bcemr_buf_free(&e.pops);
    }
    bcemr_buf_free(&entry);
}

/* ---- memory runs out ---- */

static void leaves_no_trace_when_memory_runs_out(void **state)
{
    (void)state;
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    crafted x;
    craft(&x, 0, 0);
    seal_crafted(&x, &sealed);
    uint64_t n = 0;
    bcemr_status status = BCEMR_E_NO_MEMORY;
    while (status != BCEMR_OK && n < 10000) {
        bcemr_switch_fail_allocation(++n);
        status = take_sealed(0, 0, &sealed);
        bcemr_switch_fail_allocation(0);
        if (status != BCEMR_OK)
            assert_int_equal(((hospital_visit *)H->visits.rows[0])->part_count, 0);
    }
    assert_status(status, BCEMR_OK);
    assert_true(n > 10);
    assert_int_equal(((hospital_visit *)H->visits.rows[0])->part_count, 1);
    bcemr_buf_free(&sealed);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, play_to_nothing, end)
#define ADMITTED(test) cmocka_unit_test_setup_teardown(test, play_to_admitted, end)
#define JOINED(test) cmocka_unit_test_setup_teardown(test, play_to_joined, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(registers_only_a_sound_team),
        FRESH(registers_only_with_clouds_of_the_set),
        FRESH(registers_only_fresh_and_valid_keys),
        FRESH(forgets_tickets_that_the_ledger_refuses),
        FRESH(forgets_tickets_whose_admit_came_to_nothing),
        FRESH(draws_another_pseudonym_each_time),
        FRESH(admits_only_what_the_patient_accepted),
        ADMITTED(begins_runs_for_the_order_alone),
        ADMITTED(gives_the_key_only_after_the_doctors_mac),
        ADMITTED(keeps_the_order_of_a_run),
        ADMITTED(refuses_weak_keys_and_slow_doctors),
        ADMITTED(draws_fresh_keys_for_each_run_and_one_gk),
        ADMITTED(ends_runs_of_an_order_that_changed),
        ADMITTED(bounds_the_number_of_runs),
        JOINED(takes_only_from_whose_turn_it_is),
        JOINED(takes_only_what_opens_under_its_place),
        JOINED(takes_only_what_its_head_says),
        JOINED(takes_only_with_a_presence_that_holds),
        JOINED(keeps_the_limits_of_a_visit),
        JOINED(signs_receipts_that_say_what_it_holds),
        JOINED(holds_every_version_that_may_come_to_count),
        JOINED(gives_no_receipt_for_what_is_not_durable),
        JOINED(relays_what_was_signed_to_those_after),
        JOINED(gives_nothing_to_keys_that_were_retired),
        JOINED(gives_nothing_to_keys_that_were_replaced),
        JOINED(gives_nothing_to_keys_that_ran_out),
        JOINED(amends_only_with_a_sound_tail),
        JOINED(goes_on_after_amendments),
        JOINED(asks_the_last_doctor_again),
        JOINED(gives_up_a_visit),
        FRESH(countersigns_only_its_own),
        JOINED(leaves_no_trace_when_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
