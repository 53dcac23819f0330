/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of section 12: what is run, and of which primitives its floor is the sum. */
#include "bcemr/bench/measure.h"

static bool sign_diagnosis(bench_world *w)
{
    bcemr_g1_raw delta;
    return bcemr_diagnosis_sign(&w->doctors[0], &w->batch.signs[0], &delta, NULL) == BCEMR_OK;
}

static bool check_one(bench_world *w)
{
    return bcemr_diagnosis_check(w->context, &w->lines[0], &w->batch.signs[0], &w->batch.deltas[0],
                                 NULL) == BCEMR_VALID;
}

static bool check_many(bench_world *w)
{
    return bcemr_bls_batch(w->context, w->batch.statements, w->batch.count, NULL, w->batch.bad,
                           NULL) == BCEMR_VALID;
}

static bool seal(bench_world *w)
{
    const world_record *o = &w->record;
    bcemr_tr_header header = o->header;
    bcemr_seed seed;
    bcemr_ed_secret ssk;
    bcemr_secret_scalar r;
    bcemr_capsule_key k;
    bcemr_record_keys keys;
    bcemr_random(seed.b, sizeof seed.b);
    bcemr_ed_from_seed(seed.b, &ssk, &header.svk);
    if (bcemr_capsule_seal(w->context, &o->patient.pkv, &o->vid, &header.svk, &r, &header.b,
                           &header.c, &k, NULL) != BCEMR_OK ||
        bcemr_record_keys_derive(&k, &o->vid, &header.svk, &header.c, &keys, NULL) != BCEMR_OK)
        return false;
    header.kc = keys.kc;
    return bcemr_header_sign(&ssk, &o->vid, &o->last_context, &header, NULL) == BCEMR_OK;
}

static bool hospital_checks_seal(bench_world *w)
{
    const world_record *o = &w->record;
    bcemr_g1_raw b;
    bcemr_g2_raw c;
    bcemr_capsule_key k;
    bcemr_record_keys keys;
    return bcemr_header_check(&o->vid, &o->last_context, &o->header, NULL) == BCEMR_VALID &&
           bcemr_capsule_from_r(w->context, &o->r, &o->patient.pkv, &o->vid, &o->header.svk, &b, &c,
                                &k, NULL) == BCEMR_OK &&
           bcemr_record_keys_derive(&k, &o->vid, &o->header.svk, &c, &keys, NULL) == BCEMR_OK &&
           bcemr_hash_equal(&keys.kc, &o->kc);
}

static bool cloud_checks_capsule(bench_world *w)
{
    const world_record *o = &w->record;
    return bcemr_header_check(&o->vid, &o->last_context, &o->header, NULL) == BCEMR_VALID &&
           bcemr_capsule_check(w->context, &o->vid, &o->header.svk, &o->header.b, &o->patient.pkv,
                               &o->header.c, BCEMR_BAD_CAPSULE, NULL) == BCEMR_VALID;
}

/* Each visit's keys from its seed, y and rk, the signature under the terms. */
static bool grant(bench_world *w)
{
    world_grant *g = &w->grant;
    for (uint64_t v = 0; v < g->count; v++)
        if (!world_visit_keys(g, v) || !world_visit_sign(g, v))
            return false;
    return bcemr_grant_keys(&g->gs, &g->gid, g->xvs, g->vids, g->count, g->ys, g->rks, NULL) ==
           BCEMR_OK;
}

static bool check_grant(const world_grant *g)
{
    uint64_t bad = 0;
    for (uint64_t v = 0; v < g->count; v++)
        if (!bcemr_ed_holds_value(&g->avs_public[v], &bcemr_type_terms, &g->terms,
                                  &g->signatures[v]))
            return false;
    return bcemr_grant_keys_check(g->pkvs, g->ys, g->rks, g->count, &bad, NULL) == BCEMR_VALID;
}

static bool cloud_checks_grant(bench_world *w)
{
    return check_grant(&w->grant);
}

static bool cloud_checks_single(bench_world *w)
{
    return check_grant(&w->single);
}

/* As the cloud does it: its records hold B decoded. */
static bool reencrypt(bench_world *w)
{
    bcemr_g1_raw out;
    bcemr_reencrypt_decoded(&w->record.rk, &w->record.b, &out);
    return out.b[0] == w->record.reencrypted.b[0];
}

static bool reencrypt_encoded(bench_world *w)
{
    bcemr_g1_raw out;
    return bcemr_reencrypt(&w->record.rk, &w->record.header.b, &out, NULL) == BCEMR_OK;
}

static bool take_request(bench_world *w)
{
    const world_request *q = &w->request;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    bool good = bcemr_ed_holds_value(&q->doctor_public, &bcemr_type_access_req, &q->request,
                                     &q->signature) &&
                bcemr_access_make(&q->ka, &q->request.ledger, q->request.cloud,
                                  bcemr_buf_span(&q->body), &entry, NULL) == BCEMR_OK;
    if (good)
        bcemr_ed_sign(&q->cloud, bcemr_buf_span(&entry), &signature);
    bcemr_buf_free(&entry);
    return good;
}

static bool open_record(bench_world *w)
{
    const world_record *o = &w->record;
    bcemr_capsule_key k;
    bcemr_record_keys keys;
    return bcemr_capsule_open(w->context, &o->y, &o->reencrypted, &k, NULL) == BCEMR_OK &&
           bcemr_record_keys_derive(&k, &o->vid, &o->header.svk, &o->header.c, &keys, NULL) ==
               BCEMR_OK &&
           bcemr_hash_equal(&keys.kc, &o->kc);
}

#define PART(id, count)                                                                            \
    {                                                                                              \
        FLOOR_##id, count, MEASURE_EACH, false                                                     \
    }
/* Once a doctor of the batch, or once a run, shared by its operations. */
#define SHARED(id, share)                                                                          \
    {                                                                                              \
        FLOOR_##id, 1, share, false                                                                \
    }
/* Decoding that the row leaves out. */
#define INPUT(id, count)                                                                           \
    {                                                                                              \
        FLOOR_##id, count, MEASURE_EACH, true                                                      \
    }

const measure_operation measure_operations[] = {
    {"sign a diagnosis", sign_diagnosis, MEASURE_ONE, {PART(H1, 1), PART(G1_MULTIPLY, 1)}},
    {"check one Sign",
     check_one,
     MEASURE_ONE,
     {PART(G1_DECODE, 1), PART(H1, 1), PART(MILLER_LINES, 2), PART(FINAL_EXP, 1)}},
    {"check many Signs, each",
     check_many,
     MEASURE_BATCH,
     {PART(G1_DECODE, 1), PART(H1, 1), PART(SUM_SHORT, 2), SHARED(MILLER_LINES, MEASURE_DOCTOR),
      SHARED(FINAL_EXP, MEASURE_RUN)}},
    {"seal",
     seal,
     MEASURE_ONE,
     {PART(G1_MULTIPLY, 1), PART(H2, 1), PART(G2_MULTIPLY, 1), PART(Z_POWER, 1), PART(ED_KEY, 1),
      PART(ED_SIGN, 1), INPUT(G1_DECODE, 1)}},
    {"hospital checks a seal",
     hospital_checks_seal,
     MEASURE_ONE,
     {PART(G1_MULTIPLY, 1), PART(H2, 1), PART(G2_MULTIPLY, 1), PART(Z_POWER, 1), PART(ED_CHECK, 1),
      INPUT(G1_DECODE, 1)}},
    {"cloud checks a capsule",
     cloud_checks_capsule,
     MEASURE_ONE,
     {PART(G1_DECODE, 1), PART(G2_DECODE, 1), PART(H2, 1), PART(MILLER, 2), PART(FINAL_EXP, 1),
      PART(ED_CHECK, 1), INPUT(G1_DECODE, 1)}},
    {"grant, each visit",
     grant,
     MEASURE_GRANT,
     {PART(KDF, 3), PART(ED_KEY, 1), PART(G1_MULTIPLY, 1), PART(SCALAR, 2), PART(ED_SIGN, 1)}},
    {"cloud checks a grant, each visit",
     cloud_checks_grant,
     MEASURE_GRANT,
     {PART(G1_DECODE, 1), PART(SUM_FULL, 1), PART(SUM_SHORT, 1), PART(ED_CHECK, 1),
      INPUT(G1_DECODE, 1)}},
    {"cloud checks a grant of one visit",
     cloud_checks_single,
     MEASURE_ONE,
     {PART(G1_DECODE, 1), PART(G1_MULTIPLY, 1), PART(ED_CHECK, 1)}},
    {"re-encrypt a record", reencrypt, MEASURE_ONE, {PART(G1_MULTIPLY, 1)}},
    {"re-encrypt a record, B encoded",
     reencrypt_encoded,
     MEASURE_ONE,
     {PART(G1_MULTIPLY, 1), INPUT(G1_DECODE, 1)}},
    {"take a request",
     take_request,
     MEASURE_ONE,
     {PART(ED_CHECK, 1), PART(HMAC, 3), PART(AEAD, 1), PART(ED_SIGN, 1)}},
    {"doctor opens",
     open_record,
     MEASURE_ONE,
     {PART(G1_DECODE, 1), PART(G1_MULTIPLY, 1), PART(MILLER_LINES, 1), PART(FINAL_EXP, 1)}},
    {NULL, NULL, MEASURE_ONE, {{FLOOR_COUNT, 0, MEASURE_EACH, false}}}};
