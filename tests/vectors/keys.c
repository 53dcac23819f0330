/* SPDX-License-Identifier: Apache-2.0 */
/* keys.json: keys, signatures, proofs of possession, credentials, joint signatures (1.8, 2). */
#include "vectors/vectors.h"

static void keys_of_a_doctor(void)
{
    bcemr_seed seed;
    bcemr_secrets secrets;
    bcemr_publics publics;
    known_bytes("doctor", seed.b, sizeof seed.b);
    must(bcemr_secrets_from_seed(&seed, &secrets));
    bcemr_secrets_publics(&secrets, &publics);
    vec_begin("doctor_keys", "all keys from one seed");
    VEC("seed", seed);
    VEC("x", secrets.x);
    vec_bytes("a", secrets.a.b, 32);
    VEC("e", secrets.e);
    VEC("box", secrets.box);
    VEC("X", publics.x);
    VEC("A", publics.a);
    VEC("E", publics.e);
    VEC("Box", publics.box);
    vec_end();
}

static void keys_of_a_visit(const story *s)
{
    for (uint64_t j = 0; j < 2; j++) {
        bcemr_visit_keys keys;
        must(bcemr_visit_keys_derive(&s->patient_seed, &s->c->ledger, j, &keys));
        vec_begin("visit_keys", "a patient's keys for one visit");
        VEC("seed", s->patient_seed);
        VEC("ledger", s->c->ledger);
        vec_uint("j", j);
        VEC("xv", keys.xv);
        VEC("pkv", keys.pkv);
        vec_bytes("Av_seed", keys.av.b, 32);
        VEC("Av", keys.av_public);
        VEC("r", keys.r);
        vec_end();
    }
}

static void signatures(void)
{
    const bcemr_secret_scalar x = known_scalar("x");
    const bcemr_g2_raw key = g2_of(&x);
    const bcemr_span message = bcemr_text("a message");
    uint8_t seed[32];
    bcemr_ed_secret secret;
    bcemr_ed_raw ed;
    bcemr_ed_signature ed_signature;
    bcemr_g1_raw signature;
    must(bcemr_bls_sign(&x, BCEMR_PURPOSE_SIG, message, &signature));
    vec_begin("bls", "x H1(SIG, message)");
    VEC("x", x);
    VEC("X", key);
    vec_span("message", message);
    VEC("signature", signature);
    vec_end();
    known_bytes("ed seed", seed, sizeof seed);
    bcemr_ed_from_seed(seed, &secret, &ed);
    bcemr_ed_sign(&secret, message, &ed_signature);
    vec_begin("ed25519", "RFC 8032");
    vec_bytes("seed", seed, sizeof seed);
    VEC("A", ed);
    vec_span("message", message);
    VEC("signature", ed_signature);
    vec_end();
}

static void one_pop(const char *name, const bcemr_secrets *keys, const bcemr_tr_pop *pop, bool a)
{
    bcemr_buf proof = BCEMR_BUF_EMPTY, held = BCEMR_BUF_EMPTY;
    must(bcemr_pop_make(&keys->x, a ? &keys->a : NULL, pop, &proof, NULL));
    vec_begin("pop", name);
    VEC("x", keys->x);
    if (a)
        vec_bytes("a", keys->a.b, 32);
    vec_span("transcript", encode(&bcemr_type_pop, pop, &held));
    vec_buf("proof", &proof);
    vec_end();
    bcemr_buf_free(&proof);
    bcemr_buf_free(&held);
}

/* A reader has no X and signs a transcript of its own. */
static void reader_pop(const story *s)
{
    const consortium_doctor *d = &s->c->doctors[0];
    const bcemr_tr_pop_reader reader = {s->c->ledger, bcemr_text(d->id), d->publics.a,
                                        d->publics.box};
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    must(bcemr_ed_sign_value(&d->keys.a, &bcemr_type_pop_reader, &reader, &signature, NULL));
    vec_begin("pop", "reader");
    vec_bytes("a", d->keys.a.b, 32);
    vec_span("transcript", encode(&bcemr_type_pop_reader, &reader, &held));
    VEC("proof", signature);
    vec_end();
    bcemr_buf_free(&held);
}

static void possession(const story *s)
{
    const consortium *c = s->c;
    const consortium_doctor *d = &c->doctors[0];
    const bcemr_tr_pop authority = {
        .ledger = c->ledger, .role = bcemr_text("authority"), .x = c->p};
    const bcemr_tr_pop doctor = {.ledger = c->ledger,
                                 .role = bcemr_text("doctor"),
                                 .id = bcemr_text(d->id),
                                 .x = d->publics.x,
                                 .a = bcemr_span_of(d->publics.a.b, 32),
                                 .e = bcemr_span_of(d->publics.e.b, 32),
                                 .box = bcemr_span_of(d->publics.box.b, 32)};
    bcemr_tr_pop pop;
    one_pop("authority", &c->authority, &authority, false);
    for (int n = HOSPITAL_1; n <= CLOUD_1; n += CLOUD_1 - HOSPITAL_1) {
        bcemr_member_pop(&c->ledger, &c->nodes[n].row, &pop);
        one_pop(bcemr_role_name(c->nodes[n].row.role), &c->nodes[n].keys, &pop, true);
    }
    one_pop("doctor", &d->keys, &doctor, true);
    reader_pop(s);
}

static void credential(const story *s)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    vec_begin("credential", "the authority certifies a doctor's keys");
    VEC("s", s->c->authority.x);
    VEC("P", s->c->p);
    vec_span("cred", encode(&bcemr_type_cred, &s->creds[0], &held));
    VEC("credential", s->credentials[0]);
    vec_end();
    bcemr_buf_free(&held);
}

#define JOINT_PLACES 11
static void one_joint(const story *s, const char *name, const uint8_t *bitmap)
{
    const bcemr_span message = bcemr_text("what they all sign"), bits = bcemr_span_of(bitmap, 2);
    bcemr_secret_scalar x[JOINT_PLACES];
    bcemr_g2_raw places[JOINT_PLACES], named[JOINT_PLACES];
    bcemr_g1_raw parts[JOINT_PLACES], joint;
    bcemr_hash weights[JOINT_PLACES];
    uint64_t count = 0;
    for (uint64_t i = 0; i < JOINT_PLACES; i++) {
        char text[16] = {'j', 'o', 'i', 'n', 't', ' ', (char)('a' + i)};
        x[i] = known_scalar(text);
        places[i] = g2_of(&x[i]);
        if (!bcemr_bitmap_get(bits, i))
            continue;
        must(bcemr_bls_sign(&x[i], BCEMR_PURPOSE_SIG, message, &parts[count]));
        named[count++] = places[i];
    }
    for (uint64_t i = 0; i < count; i++) {
        const bcemr_tr_weight weight = {named[i], BCEMR_LIST_OF(named, count)};
        must(bcemr_hash_value(&bcemr_type_weight, &weight, &weights[i], NULL));
    }
    must(bcemr_joint_combine(places, JOINT_PLACES, bits, parts, &joint, NULL));
    holds(bcemr_joint_check(s->c->context, places, JOINT_PLACES, bits, message, &joint, NULL));
    vec_begin("joint", name);
    vec_array("places", places, sizeof places[0], JOINT_PLACES);
    vec_span("bitmap", bits);
    vec_span("message", message);
    vec_array("members", named, sizeof named[0], count);
    vec_array("weight_hashes", weights, 32, count);
    vec_array("signatures", parts, sizeof parts[0], count);
    VEC("joint", joint);
    vec_end();
}

static void schnorr(const story *s)
{
    const bcemr_span message = bcemr_text("what it is about");
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_pok_raw proof;
    bcemr_secret_scalar challenge;
    must(bcemr_pok_make(&s->patient.xv, &s->patient.pkv, message, &proof, NULL));
    holds(bcemr_pok_check(&s->patient.pkv, message, &proof, NULL));
    const bcemr_tr_pok pok = {s->patient.pkv, proof.commitment, message};
    must(bcemr_kdf_scalar("pok", encode(&bcemr_type_pok, &pok, &held), (bcemr_span){NULL, 0},
                          &challenge));
    vec_begin("schnorr", "who makes it holds xv");
    VEC("pkv", s->patient.pkv);
    vec_span("message", message);
    VEC("Rk", proof.commitment);
    VEC("challenge", challenge);
    VEC("z", proof.response);
    vec_end();
    bcemr_buf_free(&held);
}

static void sealed_box(const story *s)
{
    const consortium_doctor *d = &s->c->doctors[0];
    const bcemr_span message = bcemr_text("for one pair of eyes");
    bcemr_buf box = BCEMR_BUF_EMPTY;
    must(bcemr_sealed_box(&d->publics.box, message, &box, NULL));
    vec_begin("sealed_box", "libsodium's crypto_box_seal");
    VEC("box_secret", d->keys.box);
    VEC("Box", d->publics.box);
    vec_span("message", message);
    vec_buf("box", &box);
    vec_end();
    bcemr_buf_free(&box);
}

void vectors_keys(story *s)
{
    static const uint8_t some[2] = {0x05, 0x04}, one[2] = {0x80, 0x00}, all[2] = {0xff, 0x07};
    vec_open("keys", "keys, signatures, proofs of possession, credentials (1.8, 1.9, 2)");
    keys_of_a_doctor();
    keys_of_a_visit(s);
    signatures();
    possession(s);
    credential(s);
    one_joint(s, "three of eleven", some);
    one_joint(s, "one alone", one);
    one_joint(s, "all", all);
    schnorr(s);
    sealed_box(s);
    vec_close();
}
