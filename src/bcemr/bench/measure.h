/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measuring: an operation and the primitives of its floor, one after the other again and again in
 * one run, so that both see the same machine; the least of each counts. Times are microseconds of
 * a clock that only goes forward.
 */
#ifndef BCEMR_BENCH_MEASURE_H
#define BCEMR_BENCH_MEASURE_H

#include "bcemr/bench/floor.h"
#include "bcemr/bench/world.h"

#define MEASURE_PARTS 9
#define MEASURE_ROUNDS 1000
#define MEASURE_DUE 1.15

double measure_now(void);
/* The most memory that this program had, in KiB. */
uint64_t measure_peak_kib(void);

/* count of a primitive in one operation. An input that section 12's row takes as decoded, but the
 * operation as it was encoded, is in the floor and marked. */
typedef enum measure_share {
    MEASURE_EACH,   /* as often in each */
    MEASURE_DOCTOR, /* once a doctor of the batch */
    MEASURE_RUN     /* once a run */
} measure_share;

typedef struct measure_part {
    floor_id id;
    double count;
    measure_share share;
    bool is_input;
} measure_part;

typedef enum measure_units { MEASURE_ONE, MEASURE_BATCH, MEASURE_GRANT } measure_units;

typedef struct measure_operation {
    const char *name;
    bool (*run)(bench_world *w);
    measure_units units; /* one run is so many operations */
    measure_part parts[MEASURE_PARTS];
} measure_operation;

typedef struct measure_result {
    const measure_operation *operation;
    double min, median;
    double part[MEASURE_PARTS]; /* the least time of one primitive of each part */
    double floor;
    double row; /* the floor without the marked inputs: section 12's row to the letter */
    double ratio;
    uint64_t rounds;
} measure_result;

/* Ended by one without a name. */
extern const measure_operation measure_operations[];
#define MEASURE_OPERATIONS 16

/* How often the p-th primitive is in one operation. */
double measure_part_count(const bench_world *w, const measure_operation *operation, unsigned p);
/* False when the operation or a primitive fails. */
bool measure_operation_run(bench_world *w, const measure_operation *operation, uint64_t rounds,
                           measure_result *out);

#endif
