/* SPDX-License-Identifier: Apache-2.0 */
/* visit.json and group.json: a visit begins, the team gets a key (3, 4.1). */
#include "vectors/vectors.h"

#include <bcemr/message.h>
#include <stdlib.h>

static void ticket(const story *s)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    vec_begin("pseudonym", "PID");
    vec_span("pid", encode(&bcemr_type_pid, &s->pid, &held));
    VEC("PID", s->visit.pid);
    vec_end();
    vec_begin("ticket", "V, vid and the hospital's signature");
    vec_bytes("a", s->c->nodes[HOSPITAL_1].keys.a.b, 32);
    vec_buf("V", &s->v);
    VEC("vid", s->vid);
    VEC("sigma_V", s->ticket_signature);
    vec_end();
    bcemr_buf_free(&held);
}

static void acceptance(const story *s)
{
    bcemr_tr_acceptance made;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    must(bcemr_acceptance_make(&s->patient, &s->vid, &made, NULL));
    vec_begin("acceptance", "the patient accepts the ticket");
    vec_buf("V", &s->v);
    vec_bytes("Av_seed", s->patient.av.b, 32);
    vec_span("acceptance", encode(&bcemr_type_acceptance, &made, &held));
    vec_end();
    bcemr_buf_free(&held);
}

static void presence(const story *s)
{
    vec_begin("presence", "the patient was there");
    vec_buf("V", &s->v);
    vec_text("doctor", s->team[0].doctor);
    vec_bytes("Av_seed", s->patient.av.b, 32);
    vec_buf("presence", &s->presences[0]);
    vec_end();
}

/* Two amendments: the third doctor gives way to the fourth; then all but the first change. */
static void order(const story *s)
{
    const consortium *c = s->c;
    bcemr_buf held[2] = {BCEMR_BUF_EMPTY, BCEMR_BUF_EMPTY};
    bcemr_ed_signature signatures[2];
    bcemr_order in_force;
    bcemr_span names[3];
    holds(bcemr_order_begin(bcemr_buf_span(&s->v), &in_force, NULL));
    for (int a = 0; a < 2; a++) {
        const consortium_doctor *d[2] = {&c->doctors[3 + a], &c->doctors[2]};
        bcemr_tr_team_doctor tail[2];
        for (int i = 0; i < 2; i++)
            tail[i] = (bcemr_tr_team_doctor){bcemr_text(d[i]->id), d[i]->publics.x, d[i]->publics.e,
                                             STORY_ISSUED + 7200000 * (i + 1)};
        const bcemr_tr_amend amend = {.vid = s->vid,
                                      .number = (uint64_t)a + 1,
                                      .previous = *bcemr_order_hash(&in_force),
                                      .signed_count = 1,
                                      .tail = BCEMR_LIST_OF(tail, 2),
                                      .issued = STORY_ISSUED + 1000 * (a + 1)};
        const bcemr_span encoding = encode(&bcemr_type_amend, &amend, &held[a]);
        bcemr_ed_sign(&c->nodes[HOSPITAL_1].keys.a, encoding, &signatures[a]);
        holds(bcemr_order_amend(&in_force, encoding, NULL));
    }
    for (uint64_t i = 0; i < in_force.count; i++)
        names[i] = in_force.doctors[i].doctor;
    const bcemr_span amendments[2] = {bcemr_buf_span(&held[0]), bcemr_buf_span(&held[1])};
    vec_begin("order", "the order in force after two amendments");
    vec_bytes("a", c->nodes[HOSPITAL_1].keys.a.b, 32);
    vec_buf("V", &s->v);
    vec_spans("amendments", amendments, 2);
    vec_array("signatures", signatures, sizeof signatures[0], 2);
    vec_array("in_force", in_force.in_force, 32, 3);
    vec_spans("doctors", names, in_force.count);
    vec_end();
    bcemr_buf_free(&held[0]);
    bcemr_buf_free(&held[1]);
}

void vectors_visit(story *s)
{
    vec_open("visit", "pseudonym, ticket, acceptance, order in force, presence (3.1 to 3.3, 4.1)");
    ticket(s);
    acceptance(s);
    order(s);
    presence(s);
    vec_close();
}

/* ---- the group key ---- */

static void run(const story *s)
{
    const consortium_doctor *d = &s->c->doctors[0];
    const consortium_node *h = &s->c->nodes[HOSPITAL_1];
    bcemr_x25519_secret a, b;
    bcemr_group_keys keys, other;
    bcemr_hash server, doctor;
    bcemr_tr_group group = {.visit = bcemr_buf_span(&s->v),
                            .order = s->vid,
                            .server = h->publics.e,
                            .doctor = bcemr_text(d->id),
                            .doctor_key = d->publics.e};
    const bcemr_tr_gk gk = {known_nonce("GK"), 0};
    bcemr_buf held = BCEMR_BUF_EMPTY, box = BCEMR_BUF_EMPTY, gk_held = BCEMR_BUF_EMPTY;
    must(bcemr_x25519_once(&a, &group.server_once));
    must(bcemr_x25519_once(&b, &group.doctor_once));
    must(bcemr_group_keys_server(&a, &h->keys.e, &group, &keys, NULL));
    must(bcemr_group_keys_doctor(&b, &d->keys.e, &group, &other, NULL));
    if (memcmp(&keys, &other, sizeof keys) != 0)
        abort();
    must(bcemr_group_mac(&keys, &bcemr_type_mac_server, &server));
    must(bcemr_group_mac(&keys, &bcemr_type_mac_doctor, &doctor));
    must(bcemr_group_key_wrap(&keys, &group, &gk, &box, NULL));
    vec_begin("group_run", "all values of a run");
    VEC("eh", h->keys.e);
    VEC("a", a);
    VEC("ei", d->keys.e);
    VEC("b", b);
    vec_span("transcript", encode(&bcemr_type_group, &group, &held));
    VEC("k_auth", keys.auth);
    VEC("k_wrap", keys.wrap);
    VEC("k_pair", keys.pair);
    VEC("mac_server", server);
    VEC("mac_doctor", doctor);
    vec_span("gk", encode(&bcemr_type_gk, &gk, &gk_held));
    vec_buf("box", &box);
    vec_end();
    bcemr_buf_free(&held);
    bcemr_buf_free(&box);
    bcemr_buf_free(&gk_held);
}

static void short_message(const bcemr_key *gk, const bcemr_tr_msg *ad)
{
    const bcemr_span message = bcemr_text("a short message");
    bcemr_buf held = BCEMR_BUF_EMPTY, box = BCEMR_BUF_EMPTY;
    must(bcemr_message_seal(gk, ad, message, &box, NULL));
    vec_begin("message", "one box");
    VEC("GK", *gk);
    vec_span("msg", encode(&bcemr_type_msg, ad, &held));
    vec_span("message", message);
    vec_buf("sealed", &box);
    vec_end();
    bcemr_buf_free(&held);
    bcemr_buf_free(&box);
}

/* What is sealed is 64 KiB and more, so the file has its hash. */
static void long_message(const bcemr_key *gk, const bcemr_tr_msg *ad)
{
    uint8_t *bytes = malloc(STORY_CONTENT);
    bcemr_buf held = BCEMR_BUF_EMPTY, sealed = BCEMR_BUF_EMPTY, chunk_ad = BCEMR_BUF_EMPTY;
    bcemr_nonce n;
    bcemr_key key;
    bcemr_hash hash;
    if (!bytes)
        abort();
    pattern(bytes, STORY_CONTENT);
    const bcemr_span message = bcemr_span_of(bytes, STORY_CONTENT);
    const bcemr_source source = bcemr_source_bytes(&message);
    const bcemr_sink sink = bcemr_sink_buffer(&sealed);
    must(bcemr_long_message_seal(gk, ad, &source, NULL, &sink, NULL));
    memcpy(n.b, sealed.p, sizeof n.b);
    must(bcemr_message_stream_key(gk, ad, &n, &key, &chunk_ad, NULL));
    bcemr_sha256(bcemr_buf_span(&sealed), &hash);
    vec_begin("long_message", "two chunks; byte i of the message is i mod 251");
    VEC("GK", *gk);
    vec_span("msg", encode(&bcemr_type_msg, ad, &held));
    vec_uint("length", STORY_CONTENT);
    VEC("n", n);
    VEC("key", key);
    vec_buf("chunk_ad", &chunk_ad);
    vec_uint("sealed_length", sealed.n);
    VEC("sealed_hash", hash);
    vec_end();
    bcemr_buf_free(&held);
    bcemr_buf_free(&sealed);
    bcemr_buf_free(&chunk_ad);
    free(bytes);
}

static void pair(const story *s)
{
    bcemr_key key;
    bcemr_buf box = BCEMR_BUF_EMPTY;
    const bcemr_span message = bcemr_text("for the server alone");
    known_bytes("k_pair", key.b, sizeof key.b);
    must(bcemr_pair_seal(&key, &s->vid, BCEMR_direction_TO_SERVER, 3, message, &box, NULL));
    vec_begin("pair", "between one doctor and the server");
    VEC("k_pair", key);
    VEC("vid", s->vid);
    vec_span("message", message);
    vec_buf("pair_box", &box);
    vec_end();
    bcemr_buf_free(&box);
}

void vectors_group(story *s)
{
    bcemr_key gk;
    const bcemr_tr_msg ad = {
        .vid = s->vid, .epoch = 1, .sender = s->team[1].doctor, .position = 2, .k = 1};
    known_bytes("GK", gk.b, sizeof gk.b);
    vec_open("group", "a group key run, messages under its keys (3.4, 3.5)");
    run(s);
    short_message(&gk, &ad);
    long_message(&gk, &ad);
    pair(s);
    vec_close();
}
