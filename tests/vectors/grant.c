/* SPDX-License-Identifier: Apache-2.0 */
/* grant.json and access.json: grants, consent, re-encryption, access entries (7). */
#include "vectors/vectors.h"

#include <bcemr/group.h>
#include <stdlib.h>

typedef struct made_grant {
    bcemr_seed seed;
    bcemr_ed_secret revoker;
    bcemr_ed_raw r;
    bcemr_hash enrolment;
    bcemr_grant_secrets secrets;
    bcemr_key ka[2];
    bcemr_secret_scalar y, rk;
    bcemr_g1_raw y_public;
    bcemr_buf wrapped, box, terms;
    bcemr_hash terms_hash;
} made_grant;

static const int64_t issued = STORY_ISSUED + 90000000;

static void derive(const story *s, made_grant *g)
{
    must(bcemr_grant_seed(&s->patient_seed, &s->c->ledger, 2, &g->seed, &g->revoker, &g->r, NULL));
    vec_begin("grant_seed", "the seed of a grant, and R");
    VEC("seed", s->patient_seed);
    VEC("ledger", s->c->ledger);
    vec_uint("j", 2);
    VEC("grant_seed", g->seed);
    VEC("R", g->r);
    vec_end();
    g->enrolment = known_hash("Enrol");
    for (int reader = 0; reader < 2; reader++) {
        const bcemr_hash vids[2] = {known_hash("another visit"), s->vid};
        must(bcemr_grant_derive(&g->seed, reader ? &g->enrolment : NULL, issued,
                                reader ? &s->vid : vids, reader ? 1 : 2, &g->secrets, NULL));
        vec_begin("grant_secrets", reader ? "for a reader" : "without an enrolment (break-glass)");
        VEC("grant_seed", g->seed);
        vec_bytes("enrolment", g->enrolment.b, reader ? 32 : 0);
        vec_uint("issued", (uint64_t)issued);
        vec_array("vids", reader ? &s->vid : vids, 32, reader ? 1 : 2);
        VEC("gs", g->secrets.gs);
        VEC("gid", g->secrets.gid);
        VEC("salt", g->secrets.salt);
        vec_end();
    }
    for (int i = 0; i < 2; i++) {
        must(bcemr_audit_key(&g->secrets.gs, s->clouds[i], &g->ka[i]));
        vec_begin("audit_key", "ka of a cloud");
        VEC("gs", g->secrets.gs);
        vec_text("cloud", s->clouds[i]);
        VEC("ka", g->ka[i]);
        vec_end();
    }
}

static void keys(const story *s, made_grant *g)
{
    uint64_t bad;
    must(bcemr_grant_y(&g->secrets.gs, &g->secrets.gid, &s->vid, &g->y));
    must(bcemr_grant_keys(&g->secrets.gs, &g->secrets.gid, &s->patient.xv, &s->vid, 1, &g->y_public,
                          &g->rk, NULL));
    holds(bcemr_grant_keys_check(&s->patient.pkv, &g->y_public, &g->rk, 1, &bad, NULL));
    vec_begin("grant_key", "y, Y and rk of one visit; rk pkv = Y");
    VEC("gs", g->secrets.gs);
    VEC("gid", g->secrets.gid);
    VEC("vid", s->vid);
    VEC("xv", s->patient.xv);
    VEC("pkv", s->patient.pkv);
    VEC("y", g->y);
    VEC("Y", g->y_public);
    VEC("rk", g->rk);
    vec_end();
}

static void reencryption(const story *s, const made_grant *g)
{
    bcemr_g1_raw b;
    bcemr_capsule_key k;
    must(bcemr_reencrypt(&g->rk, &s->header.b, &b, NULL));
    must(bcemr_capsule_open(s->c->context, &g->y, &b, &k, NULL));
    if (memcmp(&k, &s->k, sizeof k) != 0)
        abort();
    vec_begin("reencryption", "B' = rk B opens to K by y; e(B', h) = e(Y, C)");
    VEC("rk", g->rk);
    VEC("B", s->header.b);
    VEC("B2", b);
    VEC("y", g->y);
    VEC("Y", g->y_public);
    VEC("vid", s->vid);
    VEC("svk", s->svk);
    VEC("C", s->header.c);
    VEC("K", k);
    vec_end();
}

static void make_terms(const story *s, made_grant *g)
{
    const consortium_doctor *d = &s->c->doctors[4];
    bcemr_nonce ka[2];
    memcpy(ka, g->ka, sizeof ka);
    const bcemr_tr_audit_key audit[2] = {{s->clouds[0], ka[0]}, {s->clouds[1], ka[1]}};
    bcemr_tr_wrapped wrapped = {.audit_keys = BCEMR_LIST_OF(audit, 2)};
    memcpy(wrapped.gs.b, g->secrets.gs.b, sizeof wrapped.gs.b);
    must(bcemr_sealed_box(&d->publics.box, encode(&bcemr_type_wrapped, &wrapped, &g->wrapped),
                          &g->box, NULL));
    const bcemr_tr_grant_visit visit = {.vid = s->vid, .y = bcemr_span_of(g->y_public.b, 48)};
    bcemr_tr_grant terms = {.ledger = s->c->ledger,
                            .clouds = BCEMR_LIST_OF(s->clouds, 2),
                            .t = 1,
                            .gid = g->secrets.gid,
                            .doctor = bcemr_text(d->id),
                            .enrolment = g->enrolment,
                            .scope = BCEMR_scope_READ,
                            .issued = issued,
                            .expiry = issued + 600000000,
                            .purpose = bcemr_text("second opinion"),
                            .visits = BCEMR_LIST_OF(&visit, 1),
                            .revoker = g->r};
    bcemr_sha256(bcemr_buf_span(&g->box), &terms.wrapped);
    bcemr_sha256(encode(&bcemr_type_grant, &terms, &g->terms), &g->terms_hash);
}

static void terms(const story *s, made_grant *g)
{
    make_terms(s, g);
    const bcemr_tr_terms signed_terms = {s->c->ledger, g->terms_hash};
    bcemr_ed_signature signature;
    must(bcemr_ed_sign_value(&s->patient.av, &bcemr_type_terms, &signed_terms, &signature, NULL));
    vec_begin("terms", "what is wrapped for the reader, the terms, the visit's signature");
    VEC("box_secret", s->c->doctors[4].keys.box);
    VEC("Box", s->c->doctors[4].publics.box);
    vec_buf("wrapped_plain", &g->wrapped);
    vec_buf("wrapped", &g->box);
    vec_value("terms", &bcemr_type_grant, bcemr_buf_span(&g->terms));
    vec_bytes("Av_seed", s->patient.av.b, 32);
    VEC("signature", signature);
    vec_end();
}

static void consent(const story *s, const made_grant *g)
{
    const bcemr_tr_consent c = {.terms = bcemr_buf_span(&g->terms), .salt = g->secrets.salt};
    bcemr_tr_consent_post post = {
        .ledger = s->c->ledger, .cloud = s->clouds[0], .latest = issued + 3600000};
    const bcemr_tr_revoke revoke = {s->c->ledger, g->r};
    bcemr_ed_signature signature, revoked;
    must(bcemr_hash_value(&bcemr_type_consent, &c, &post.cm, NULL));
    must(bcemr_ed_sign_value(&g->revoker, &bcemr_type_consent_post, &post, &signature, NULL));
    must(bcemr_ed_sign_value(&g->revoker, &bcemr_type_revoke, &revoke, &revoked, NULL));
    vec_begin("consent", "cm, what R signs to post it, what R signs to revoke");
    VEC("ledger", s->c->ledger);
    vec_bytes("R_seed", g->revoker.b, 32);
    vec_buf("terms", &g->terms);
    VEC("salt", g->secrets.salt);
    VEC("cm", post.cm);
    vec_text("cloud", post.cloud);
    vec_uint("latest", (uint64_t)post.latest);
    VEC("consent_post", signature);
    VEC("revoke", revoked);
    vec_end();
}

void vectors_grant(story *s)
{
    made_grant g = {.wrapped = BCEMR_BUF_EMPTY, .box = BCEMR_BUF_EMPTY, .terms = BCEMR_BUF_EMPTY};
    vec_open("grant", "a grant: derivations, keys, re-encryption, terms, consent (7.1, 7.4, 7.7)");
    derive(s, &g);
    keys(s, &g);
    reencryption(s, &g);
    terms(s, &g);
    consent(s, &g);
    vec_close();
    bcemr_buf_free(&g.wrapped);
    bcemr_buf_free(&g.box);
    bcemr_buf_free(&g.terms);
}

/* ---- accesses ---- */

static bcemr_hash mac_of(const bcemr_key *ka, const bcemr_type *type, uint64_t j)
{
    bcemr_hash mac;
    const bcemr_tr_handle value = {j}; /* all three hold j alone */
    must(bcemr_hmac_value(bcemr_span_of(ka->b, 32), type, &value, &mac, NULL));
    return mac;
}

static void one_access(const story *s, const char *name, uint64_t j, uint64_t bitmap)
{
    const consortium_doctor *d = &s->c->doctors[4];
    uint8_t bits[1250] = {1};
    const bcemr_tr_access_req req = {.ledger = s->c->ledger,
                                     .cloud = s->clouds[0],
                                     .gid = known_hash("gid"),
                                     .visits = bcemr_span_of(bits, bitmap),
                                     .kind = BCEMR_access_kind_READ,
                                     .reason = BCEMR_access_reason_SECOND_OPINION,
                                     .nonce = known_nonce("J's nonce"),
                                     .cloud_nonce = known_nonce("the cloud's nonce"),
                                     .time = issued + 1000};
    bcemr_buf request = BCEMR_BUF_EMPTY, body = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY;
    bcemr_tr_access_body made = {.consent = 40, .j = j, .time = issued + 2000};
    bcemr_key ka;
    known_bytes("ka", ka.b, sizeof ka.b);
    made.request = encode(&bcemr_type_access_req, &req, &request);
    bcemr_ed_sign(&d->keys.a, made.request, &made.signature);
    must(bcemr_access_make(&ka, &s->c->ledger, s->clouds[0],
                           encode(&bcemr_type_access_body, &made, &body), &entry, NULL));
    const bcemr_hash handle = mac_of(&ka, &bcemr_type_handle, j);
    const bcemr_hash salt = mac_of(&ka, &bcemr_type_access_salt, j);
    const bcemr_hash key = mac_of(&ka, &bcemr_type_access_key, j);
    vec_begin("access", name);
    vec_bytes("reader_a", d->keys.a.b, 32);
    VEC("ka", ka);
    vec_uint("j", j);
    vec_buf("body", &body);
    vec_bytes("handle", handle.b, 16);
    VEC("salt", salt);
    VEC("box_key", key);
    vec_buf("entry", &entry);
    vec_end();
    bcemr_buf_free(&request);
    bcemr_buf_free(&body);
    bcemr_buf_free(&entry);
}

void vectors_access(story *s)
{
    vec_open("access", "access entries (7.3, 7.6)");
    one_access(s, "in the smaller box", 0, 1);
    one_access(s, "in the larger box", 5, 1250);
    vec_close();
}
