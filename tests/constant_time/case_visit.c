/* SPDX-License-Identifier: Apache-2.0 */
/* A patient's keys, acceptance and presence; the group key run. */
#include "constant_time/ct.h"

#include <bcemr/group_key.h>

static void visit_keys(ct_world *w)
{
    bcemr_visit_keys keys;
    bcemr_tr_acceptance acceptance;
    bcemr_tr_presence presence;
    const bcemr_tr_present present = {
        .vid = w->vid, .doctor = bcemr_text("doctor-1"), .nonce = {{1}}, .time = 5};
    OK(bcemr_visit_keys_derive(&w->seed, &w->ledger, 3, &keys));
    DECLASSIFY("pkv stands in the ticket", &keys.pkv, sizeof keys.pkv);
    DECLASSIFY("Av stands in the ticket", &keys.av_public, sizeof keys.av_public);
    DECLASSIFY("the public half of libsodium's secret key", keys.av.b + 32, 32);
    OK(bcemr_acceptance_make(&keys, &w->vid, &acceptance, NULL));
    DECLASSIFY("the acceptance is on the ledger", &acceptance, sizeof acceptance);
    OK(bcemr_presence_make(&keys, &present, &presence, NULL));
    DECLASSIFY("the signature of presence is shown", &presence.signature,
               sizeof presence.signature);
}

/* ---- the group key run: both sides ---- */

typedef struct run {
    bcemr_x25519_secret server_once, doctor_once, doctor;
    bcemr_group_keys server_keys, doctor_keys;
    bcemr_tr_visit visit;
    bcemr_tr_team_doctor team;
    bcemr_span cloud;
    bcemr_buf encoded;
    bcemr_tr_group transcript;
} run;

static void run_begin(ct_world *w, run *r)
{
    *r = (run){.doctor = w->box, .cloud = bcemr_text("cloud-1")};
    r->team = (bcemr_tr_team_doctor){.doctor = bcemr_text("doctor-1"), .deadline = 9};
    r->visit = (bcemr_tr_visit){.ledger = w->ledger,
                                .hospital = bcemr_text("hospital-1"),
                                .clouds = BCEMR_LIST_OF(&r->cloud, 1),
                                .u = 1,
                                .pkv = w->x_g1,
                                .av = w->ed_public,
                                .team = BCEMR_LIST_OF(&r->team, 1)};
    OK(bcemr_write_visit(&r->visit, &r->encoded, NULL));
    r->transcript = (bcemr_tr_group){.visit = bcemr_buf_span(&r->encoded),
                                     .order = w->vid,
                                     .server = w->box_public,
                                     .doctor = r->team.doctor,
                                     .doctor_key = w->box_public};
    OK(bcemr_x25519_once(&r->server_once, &r->transcript.server_once));
    OK(bcemr_x25519_once(&r->doctor_once, &r->transcript.doctor_once));
    DECLASSIFY("one-time public keys are sent", &r->transcript.server_once, 32);
    DECLASSIFY("one-time public keys are sent", &r->transcript.doctor_once, 32);
    OK(bcemr_group_keys_server(&r->server_once, &w->box, &r->transcript, &r->server_keys, NULL));
    OK(bcemr_group_keys_doctor(&r->doctor_once, &r->doctor, &r->transcript, &r->doctor_keys, NULL));
}

static void group_run(ct_world *w)
{
    run r;
    bcemr_hash mac;
    bcemr_buf box = BCEMR_BUF_EMPTY;
    bcemr_tr_gk gk = {.epoch = 0}, got;
    run_begin(w, &r);
    OK(bcemr_group_mac(&r.server_keys, &bcemr_type_mac_server, &mac));
    DECLASSIFY("a MAC is sent", &mac, sizeof mac);
    OK(bcemr_group_mac_check(&r.doctor_keys, &bcemr_type_mac_server, &mac, NULL));
    OK(bcemr_group_mac(&r.doctor_keys, &bcemr_type_mac_doctor, &mac));
    DECLASSIFY("a MAC is sent", &mac, sizeof mac);
    OK(bcemr_group_mac_check(&r.server_keys, &bcemr_type_mac_doctor, &mac, NULL));
    SECRET(&gk.key, sizeof gk.key);
    OK(bcemr_group_key_wrap(&r.server_keys, &r.transcript, &gk, &box, NULL));
    DECLASSIFY("the wrapped key is sent", box.p, box.n);
    OK(bcemr_group_key_unwrap(&r.doctor_keys, &r.transcript, bcemr_buf_span(&box), &got, NULL));
    DECLASSIFY("the test is over; it was secret", &got.key, sizeof got.key);
    bcemr_buf_free(&box);
    bcemr_buf_free(&r.encoded);
}

const ct_case ct_visit_cases[] = {
    {"visit-keys", visit_keys}, {"group-run", group_run}, {NULL, NULL}};
