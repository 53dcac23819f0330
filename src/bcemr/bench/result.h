/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of `bcemr bench core` finds, and the figures that are due. */
#ifndef BCEMR_BENCH_RESULT_H
#define BCEMR_BENCH_RESULT_H

#include "bcemr/bench/measure.h"
#include "bcemr/report.h"

#define RESULT_BATCHES 2
#define RESULT_CPU 96

/* Sign checks of WORLD_DOCTORS doctors. */
typedef struct result_batch {
    uint64_t entries;
    double one_by_one, batch, two_cores; /* us */
    double speedup, two_core_speedup;    /* batch on one by one; two cores on one */
    double due;                          /* of speedup */
} result_batch;

typedef struct result_path {
    double seal, keys, check, reencrypt, open; /* us */
    double decode;                             /* of B, when the record came; not in the whole */
    double whole, g1, ratio;
} result_path;

typedef struct result_payload {
    uint64_t bytes, window;
    double aead_seal, aead_open, tree; /* us a window, alone */
    double seal, open, two_core_seal;  /* us a window, without what the source took */
    double seal_ratio, open_ratio, two_core_ratio;
    double gigabytes_a_second; /* sealed, of the whole */
    uint64_t max_rss_kib;
} result_payload;

typedef struct result {
    bool quick;
    char processor[RESULT_CPU];
    uint64_t processors;
    measure_result operations[MEASURE_OPERATIONS];
    uint64_t operation_count;
    result_batch batches[RESULT_BATCHES];
    result_path path;
    uint64_t visits;
    const measure_result *grant; /* of operations */
    result_payload payload;
} result;

/* The figures due: operations MEASURE_DUE. */
#define RESULT_PATH_DUE 20.0
#define RESULT_TWO_CORE_BATCH_DUE 1.8
#define RESULT_PAYLOAD_DUE 0.85
#define RESULT_TWO_CORE_PAYLOAD_DUE 1.7
#define RESULT_RSS_DUE 32768

/* ---- the sections; false when something fails that must hold ---- */

bool result_batch_run(bench_world *w, uint64_t entries, uint64_t rounds, const bcemr_parallel *two,
                      result_batch *out);
bool result_path_run(bench_world *w, uint64_t rounds, result_path *out);
/* Of bytes; rounds of one window against the floor. */
bool result_payload_run(floor_bench *floor, uint64_t bytes, uint64_t rounds,
                        const bcemr_parallel *two, result_payload *out);

/* ---- what is shown ---- */

/* The processor's name as Linux tells it, else "unknown". */
void result_name_processor(char out[RESULT_CPU]);
/* Machine, versions and whether the run was a short one, into the root. */
void result_json_head(const char *processor, uint64_t processors, bool quick, report_json *out);
/* A number with three digits after the point. */
void result_json_real(report_json *out, json_t *object, const char *key, double value);
/* How many figures due are missed. */
uint64_t result_missed(const result *r);
void result_tables(report *out, const result *r);
void result_json(const bench_world *w, const result *r, report_json *out);
/* False when the file cannot be written; errno says why. */
bool result_plot(const result *r, const char *path);

#endif
