/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/bench/world.h"

#include <stdio.h>
#include <string.h>

static bcemr_hash random_hash(void)
{
    bcemr_hash hash;
    bcemr_random(hash.b, sizeof hash.b);
    return hash;
}

static void random_ed(bcemr_ed_secret *secret, bcemr_ed_raw *out)
{
    const bcemr_hash seed = random_hash();
    bcemr_ed_from_seed(seed.b, secret, out);
}

/* ---- doctors and their signatures ---- */

static bool make_doctors(bench_world *w)
{
    w->lines = bcemr_allocate(WORLD_DOCTORS * sizeof *w->lines);
    if (!w->lines)
        return false;
    for (unsigned d = 0; d < WORLD_DOCTORS; d++) {
        bcemr_g2 x;
        if (bcemr_secret_scalar_random(&w->doctors[d]) != BCEMR_OK)
            return false;
        bcemr_g2_from_secret(&w->doctors[d], &x);
        bcemr_g2_encode(&x, &w->xs[d]);
        bcemr_g2_prepare(&x, &w->lines[d]);
    }
    return true;
}

static bool make_entry(bench_world *w, uint64_t i, world_batch *b)
{
    const uint64_t d = i % WORLD_DOCTORS;
    b->signs[i] = (bcemr_tr_sign){.order = random_hash(),
                                  .i = d + 1,
                                  .doctor = bcemr_text("doctor@hospital.example"),
                                  .x = w->xs[d],
                                  .time = 1700000000000,
                                  .previous = random_hash(),
                                  .commitment = random_hash()};
    if (bcemr_write_sign(&b->signs[i], &b->messages[i], NULL) != BCEMR_OK ||
        bcemr_diagnosis_sign(&w->doctors[d], &b->signs[i], &b->deltas[i], NULL) != BCEMR_OK)
        return false;
    b->statements[i] = (bcemr_bls_statement){.key = &w->lines[d],
                                             .purpose = BCEMR_PURPOSE_SIG,
                                             .message = bcemr_buf_span(&b->messages[i]),
                                             .signature = b->deltas[i]};
    return true;
}

bool world_batch_new(bench_world *w, uint64_t count, world_batch *b)
{
    *b = (world_batch){.count = count,
                       .signs = bcemr_allocate(count * sizeof *b->signs),
                       .deltas = bcemr_allocate(count * sizeof *b->deltas),
                       .messages = bcemr_allocate(count * sizeof *b->messages),
                       .statements = bcemr_allocate(count * sizeof *b->statements),
                       .bad = bcemr_allocate(count * sizeof *b->bad)};
    bool good = b->signs && b->deltas && b->messages && b->statements && b->bad;
    for (uint64_t i = 0; good && i < count; i++)
        good = make_entry(w, i, b);
    return good;
}

void world_batch_free(world_batch *b)
{
    for (uint64_t i = 0; b->messages && i < b->count; i++)
        bcemr_buf_free(&b->messages[i]);
    bcemr_release(b->signs);
    bcemr_release(b->deltas);
    bcemr_release(b->messages);
    bcemr_release(b->statements);
    bcemr_release(b->bad);
    memset(b, 0, sizeof *b);
}

/* ---- grants ---- */

/* xv and Av follow from the visit's seed, as in section 2. */
bool world_visit_keys(world_grant *g, uint64_t v)
{
    const bcemr_span none = {NULL, 0};
    const bcemr_span seed = bcemr_span_of(g->seeds[v].b, sizeof g->seeds[v].b);
    bcemr_seed av;
    if (bcemr_kdf_scalar("xv", seed, none, &g->xvs[v]) != BCEMR_OK ||
        bcemr_kdf("Av", seed, none, av.b, sizeof av.b) != BCEMR_OK)
        return false;
    bcemr_ed_from_seed(av.b, &g->avs[v], &g->avs_public[v]);
    return true;
}

bool world_visit_sign(world_grant *g, uint64_t v)
{
    return bcemr_ed_sign_value(&g->avs[v], &bcemr_type_terms, &g->terms, &g->signatures[v], NULL) ==
           BCEMR_OK;
}

static bool make_visit(world_grant *g, uint64_t v)
{
    bcemr_g1 pkv;
    g->vids[v] = random_hash();
    bcemr_random(g->seeds[v].b, sizeof g->seeds[v].b);
    if (!world_visit_keys(g, v) || !world_visit_sign(g, v))
        return false;
    bcemr_g1_from_secret(&g->xvs[v], &pkv);
    bcemr_g1_encode(&pkv, &g->pkvs[v]);
    return true;
}

static bool make_grant(uint64_t count, world_grant *g)
{
    *g = (world_grant){.count = count,
                       .gid = random_hash(),
                       .terms = {random_hash(), random_hash()},
                       .vids = bcemr_allocate(count * sizeof *g->vids),
                       .seeds = bcemr_allocate(count * sizeof *g->seeds),
                       .xvs = bcemr_allocate(count * sizeof *g->xvs),
                       .rks = bcemr_allocate(count * sizeof *g->rks),
                       .avs = bcemr_allocate(count * sizeof *g->avs),
                       .avs_public = bcemr_allocate(count * sizeof *g->avs_public),
                       .pkvs = bcemr_allocate(count * sizeof *g->pkvs),
                       .ys = bcemr_allocate(count * sizeof *g->ys),
                       .signatures = bcemr_allocate(count * sizeof *g->signatures)};
    bool good = g->vids && g->seeds && g->xvs && g->rks && g->avs && g->avs_public && g->pkvs &&
                g->ys && g->signatures;
    bcemr_random(g->gs.b, sizeof g->gs.b);
    for (uint64_t v = 0; good && v < count; v++)
        good = make_visit(g, v);
    return good && bcemr_grant_keys(&g->gs, &g->gid, g->xvs, g->vids, count, g->ys, g->rks, NULL) ==
                       BCEMR_OK;
}

static void free_grant(world_grant *g)
{
    bcemr_release(g->vids);
    bcemr_release(g->seeds);
    bcemr_release(g->xvs);
    bcemr_release(g->rks);
    bcemr_release(g->avs);
    bcemr_release(g->avs_public);
    bcemr_release(g->pkvs);
    bcemr_release(g->ys);
    bcemr_release(g->signatures);
}

/* ---- a record and a request for it ---- */

static bool make_record(bench_world *w)
{
    world_record *o = &w->record;
    const bcemr_seed seed = {{9}};
    const bcemr_key gs = {{5}};
    bcemr_capsule_key k;
    bcemr_record_keys keys;
    bcemr_g1_raw y;
    o->vid = random_hash();
    o->last_context = random_hash();
    for (uint8_t i = 0; i < WORLD_TAGS; i++)
        o->tags[i].b[0] = i;
    random_ed(&o->ssk, &o->header.svk);
    o->header.root = random_hash();
    o->header.length = 1u << 20;
    o->header.tags = BCEMR_LIST_OF(o->tags, WORLD_TAGS);
    bool good =
        bcemr_visit_keys_derive(&seed, &o->vid, 0, &o->patient) == BCEMR_OK &&
        bcemr_capsule_seal(w->context, &o->patient.pkv, &o->vid, &o->header.svk, &o->r,
                           &o->header.b, &o->header.c, &k, NULL) == BCEMR_OK &&
        bcemr_record_keys_derive(&k, &o->vid, &o->header.svk, &o->header.c, &keys, NULL) ==
            BCEMR_OK &&
        bcemr_grant_y(&gs, &o->vid, &o->vid, &o->y) == BCEMR_OK &&
        bcemr_grant_keys(&gs, &o->vid, &o->patient.xv, &o->vid, 1, &y, &o->rk, NULL) == BCEMR_OK &&
        bcemr_reencrypt(&o->rk, &o->header.b, &o->reencrypted, NULL) == BCEMR_OK &&
        bcemr_g1_decode(&o->header.b, &o->b) == BCEMR_OK;
    o->header.kc = o->kc = keys.kc;
    return good &&
           bcemr_header_sign(&o->ssk, &o->vid, &o->last_context, &o->header, NULL) == BCEMR_OK;
}

static bool make_request(world_request *q)
{
    static const uint8_t visits[1] = {1};
    random_ed(&q->doctor, &q->doctor_public);
    random_ed(&q->cloud, NULL);
    bcemr_random(q->ka.b, sizeof q->ka.b);
    q->request = (bcemr_tr_access_req){.ledger = random_hash(),
                                       .cloud = bcemr_text("cloud.example"),
                                       .gid = random_hash(),
                                       .visits = bcemr_span_of(visits, sizeof visits),
                                       .kind = BCEMR_access_kind_READ,
                                       .reason = BCEMR_access_reason_TREATMENT,
                                       .time = 1700000000000};
    if (bcemr_ed_sign_value(&q->doctor, &bcemr_type_access_req, &q->request, &q->signature, NULL))
        return false;
    bcemr_buf request = BCEMR_BUF_EMPTY;
    bcemr_tr_access_body body = {.signature = q->signature, .time = 1700000000000};
    bool good = bcemr_write_access_req(&q->request, &request, NULL) == BCEMR_OK;
    body.request = bcemr_buf_span(&request);
    good = good && bcemr_write_access_body(&body, &q->body, NULL) == BCEMR_OK;
    bcemr_buf_free(&request);
    return good;
}

bool world_new(uint64_t entries, uint64_t visits, bench_world **out)
{
    bench_world *w = *out = bcemr_allocate(sizeof *w);
    if (!w || bcemr_context_new(&w->context) != BCEMR_OK)
        return false;
    w->floor = floor_new();
    return w->floor && make_doctors(w) && world_batch_new(w, entries, &w->batch) &&
           make_grant(visits, &w->grant) && make_grant(1, &w->single) && make_record(w) &&
           make_request(&w->request);
}

void world_free(bench_world *w)
{
    if (!w)
        return;
    world_batch_free(&w->batch);
    free_grant(&w->grant);
    free_grant(&w->single);
    bcemr_buf_free(&w->request.body);
    bcemr_release(w->lines);
    floor_free(w->floor);
    bcemr_context_free(w->context);
    bcemr_release(w);
}
