/* SPDX-License-Identifier: Apache-2.0 */
/* What is measured is measured on: a team, a visit, a record, grants; all made at random. */
#ifndef BCEMR_BENCH_WORLD_H
#define BCEMR_BENCH_WORLD_H

#include "bcemr/bench/floor.h"

#include <bcemr/diagnosis.h>
#include <bcemr/grant.h>
#include <bcemr/record.h>
#include <bcemr/visit.h>

#define WORLD_DOCTORS 20
#define WORLD_VISITS 1000
#define WORLD_TAGS 8

/* The entries of a batch. */
typedef struct world_batch {
    uint64_t count;
    bcemr_tr_sign *signs;
    bcemr_g1_raw *deltas;
    bcemr_buf *messages;
    bcemr_bls_statement *statements;
    bool *bad;
} world_batch;

typedef struct world_grant {
    uint64_t count; /* visits */
    bcemr_key gs;
    bcemr_hash gid;
    bcemr_tr_terms terms;
    bcemr_hash *vids;
    bcemr_key *seeds; /* of the visits */
    bcemr_secret_scalar *xvs, *rks;
    bcemr_ed_secret *avs;
    bcemr_ed_raw *avs_public;
    bcemr_g1_raw *pkvs, *ys;
    bcemr_ed_signature *signatures;
} world_grant;

typedef struct world_record {
    bcemr_hash vid, last_context;
    bcemr_visit_keys patient;
    bcemr_ed_secret ssk;
    bcemr_secret_scalar r, y, rk;
    bcemr_g1_raw reencrypted;
    bcemr_g1 b; /* that of the header, decoded */
    bcemr_hash kc;
    bcemr_bytes16 tags[WORLD_TAGS];
    bcemr_tr_header header;
} world_record;

typedef struct world_request {
    bcemr_ed_secret doctor, cloud;
    bcemr_ed_raw doctor_public;
    bcemr_tr_access_req request;
    bcemr_ed_signature signature;
    bcemr_key ka;
    bcemr_buf body;
} world_request;

typedef struct bench_world {
    bcemr_context *context;
    floor_bench *floor;
    bcemr_secret_scalar doctors[WORLD_DOCTORS];
    bcemr_g2_raw xs[WORLD_DOCTORS];
    bcemr_g2_lines *lines;
    world_batch batch; /* the one that operations use */
    world_grant grant, single;
    world_record record;
    world_request request;
} bench_world;

/* entries and visits: how long the batch and the grant are. False without memory. */
bool world_new(uint64_t entries, uint64_t visits, bench_world **out);
void world_free(bench_world *w);
/* A visit's keys from its seed; its signature under the terms. */
bool world_visit_keys(world_grant *grant, uint64_t v);
bool world_visit_sign(world_grant *grant, uint64_t v);
bool world_batch_new(bench_world *w, uint64_t count, world_batch *out);
void world_batch_free(world_batch *batch);

#endif
