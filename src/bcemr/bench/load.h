/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a ledger is measured with: one hospital, three clouds, a team of doctors enrolled, visits of
 * one to LOAD_DOCTORS of them, and every Sign of every visit. Signed before anything is timed.
 */
#ifndef BCEMR_BENCH_LOAD_H
#define BCEMR_BENCH_LOAD_H

#include <bcemr/content.h>
#include <bcemr/keys.h>
#include <bcemr/proof.h>

#define LOAD_DOCTORS 20
#define LOAD_NODES 4
#define LOAD_CLOCK ((int64_t)1700000000000) /* the time at which all of it happens */

typedef struct load_holder {
    char id[32];
    bcemr_secrets secrets;
    bcemr_publics publics;
} load_holder;

/* A visit of the first size doctors from the one at place first on. */
typedef struct load_visit {
    uint64_t first, size;
    uint64_t sign[LOAD_DOCTORS]; /* places of its Sign entries among all */
} load_visit;

/* A Sign as it is verified alone. */
typedef struct load_statement {
    unsigned doctor;
    bcemr_buf message; /* ctx */
    bcemr_g1_raw delta;
} load_statement;

typedef struct load {
    bcemr_context *context;
    bcemr_hash ledger;
    bcemr_buf genesis;
    load_holder nodes[LOAD_NODES], doctors[LOAD_DOCTORS];
    bcemr_tr_member members[LOAD_NODES];
    load_visit *visits;
    uint64_t visit_count;
    /* Enrols, then Admits, then Signs: each visit's in their order, those of a thousand visits in
     * turns, so that a block holds many visits as it does in life. */
    bcemr_buf *entries;
    uint64_t count;
    uint64_t admits, signs;     /* where they begin */
    load_statement *statements; /* of the Signs, in their order */
    bcemr_g2_lines *lines;      /* of the doctors' X */
    bool failed;
} load;

/* With at least so many entries. parallel: NULL, one after the other. progress: visits done; NULL
 * allowed. False when something fails; free in any case. */
bool load_new(uint64_t entries, const bcemr_parallel *parallel, const bcemr_progress *progress,
              load **out);
void load_free(load *l); /* NULL is allowed */

#endif
