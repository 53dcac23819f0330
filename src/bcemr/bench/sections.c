/* SPDX-License-Identifier: Apache-2.0 */
/* Batches against one by one, and the path of a key from the last doctor to another. */
#include "bcemr/bench/result.h"

static double least(double before, double began, bool is_first)
{
    const double took = measure_now() - began;
    return is_first || took < before ? took : before;
}

/* ---- batches ---- */

static bool one_by_one(const bench_world *w, const world_batch *b)
{
    bool good = true;
    for (uint64_t i = 0; i < b->count; i++)
        good = bcemr_diagnosis_check(w->context, b->statements[i].key, &b->signs[i], &b->deltas[i],
                                     NULL) == BCEMR_VALID &&
               good;
    return good;
}

static bool together(const bench_world *w, const world_batch *b, const bcemr_parallel *parallel)
{
    return bcemr_bls_batch(w->context, b->statements, b->count, parallel, b->bad, NULL) ==
           BCEMR_VALID;
}

bool result_batch_run(bench_world *w, uint64_t entries, uint64_t rounds, const bcemr_parallel *two,
                      result_batch *out)
{
    world_batch b;
    bool good = world_batch_new(w, entries, &b);
    out->entries = entries;
    for (uint64_t r = 0; good && r < rounds; r++) {
        double began = measure_now();
        good = one_by_one(w, &b);
        out->one_by_one = least(out->one_by_one, began, r == 0);
        /* The batch is short beside it: more of them for one of that. */
        for (unsigned i = 0; good && i < 6; i++) {
            began = measure_now();
            good = together(w, &b, NULL);
            out->batch = least(out->batch, began, r + i == 0);
            began = measure_now();
            good = together(w, &b, two) && good;
            out->two_cores = least(out->two_cores, began, r + i == 0);
        }
    }
    world_batch_free(&b);
    out->speedup = out->one_by_one / out->batch;
    out->two_core_speedup = out->batch / out->two_cores;
    return good;
}

/* ---- the path of a key ---- */

typedef struct path_state {
    bcemr_secret_scalar r, y, rk;
    bcemr_g1_raw b, y_public, reencrypted;
    bcemr_g1 kept; /* B, as the cloud decoded it when it took the record */
    bcemr_g2_raw c;
    bcemr_capsule_key k;
    bcemr_record_keys keys, opened;
} path_state;

static bool path_seal(bench_world *w, path_state *p)
{
    const world_record *o = &w->record;
    return bcemr_capsule_seal(w->context, &o->patient.pkv, &o->vid, &o->header.svk, &p->r, &p->b,
                              &p->c, &p->k, NULL) == BCEMR_OK &&
           bcemr_record_keys_derive(&p->k, &o->vid, &o->header.svk, &p->c, &p->keys, NULL) ==
               BCEMR_OK;
}

static bool path_keys(bench_world *w, path_state *p)
{
    const world_record *o = &w->record;
    return bcemr_grant_keys(&w->grant.gs, &o->vid, &o->patient.xv, &o->vid, 1, &p->y_public, &p->rk,
                            NULL) == BCEMR_OK;
}

static bool path_check(bench_world *w, path_state *p)
{
    uint64_t bad = 0;
    return bcemr_grant_keys_check(&w->record.patient.pkv, &p->y_public, &p->rk, 1, &bad, NULL) ==
           BCEMR_VALID;
}

static bool path_reencrypt(bench_world *w, path_state *p)
{
    (void)w;
    bcemr_reencrypt_decoded(&p->rk, &p->kept, &p->reencrypted);
    return true;
}

/* The doctor has gs, so y is derived again. */
static bool path_open(bench_world *w, path_state *p)
{
    const world_record *o = &w->record;
    return bcemr_grant_y(&w->grant.gs, &o->vid, &o->vid, &p->y) == BCEMR_OK &&
           bcemr_capsule_open(w->context, &p->y, &p->reencrypted, &p->k, NULL) == BCEMR_OK &&
           bcemr_record_keys_derive(&p->k, &o->vid, &o->header.svk, &p->c, &p->opened, NULL) ==
               BCEMR_OK &&
           bcemr_hash_equal(&p->keys.kc, &p->opened.kc);
}

/* Part of the cloud's check of the capsule, which this path does not hold. */
static bool path_decode(path_state *p, bool is_first, double *took)
{
    const double began = measure_now();
    const bool good = bcemr_g1_decode(&p->b, &p->kept) == BCEMR_OK;
    *took = least(*took, began, is_first);
    return good;
}

bool result_path_run(bench_world *w, uint64_t rounds, result_path *out)
{
    bool (*const steps[])(bench_world *, path_state *) = {path_seal, path_keys, path_check,
                                                          path_reencrypt, path_open};
    double *const times[] = {&out->seal, &out->keys, &out->check, &out->reencrypt, &out->open};
    path_state p;
    bool good = true;
    for (uint64_t r = 0; good && r < rounds; r++) {
        double whole = 0;
        for (unsigned s = 0; good && s < sizeof steps / sizeof steps[0]; s++) {
            const double began = measure_now();
            good = steps[s](w, &p);
            *times[s] = least(*times[s], began, r == 0);
            whole += measure_now() - began;
            if (s == 0)
                good = good && path_decode(&p, r == 0, &out->decode);
        }
        out->whole = r == 0 || whole < out->whole ? whole : out->whole;
        const double began = measure_now();
        good = floor_run(w->floor, FLOOR_G1_MULTIPLY) && good;
        out->g1 = least(out->g1, began, r == 0);
    }
    out->ratio = out->whole / out->g1;
    bcemr_wipe(&p, sizeof p);
    return good;
}
