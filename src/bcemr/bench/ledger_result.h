/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of `bcemr bench ledger` finds, and the figures that are due. */
#ifndef BCEMR_BENCH_LEDGER_RESULT_H
#define BCEMR_BENCH_LEDGER_RESULT_H

#include "bcemr/bench/load.h"
#include "bcemr/bench/result.h"

#define LEDGER_PATH 1200
#define LEDGER_SIZES 12   /* blocks of 1, 2 to 3, 4 to 7, ... entries */
#define LEDGER_PROOFS 4   /* sizes of trees */
#define LEDGER_BATCH 2048 /* of a replay */

/* The figures due. */
#define LEDGER_DURABLE_DUE 0.8
#define LEDGER_REPLAY_DUE 0.9
#define LEDGER_OPEN_DUE 1.0     /* s */
#define LEDGER_RSS_DUE 65536    /* KiB */
#define LEDGER_PROOF_DUE 1000.0 /* us */

/* How much of everything. */
typedef struct ledger_extent {
    uint64_t entries, in_flight, chunk;    /* chunk: Signs timed at a time */
    uint64_t trees[LEDGER_PROOFS], proofs; /* leaves, ascending; proofs of each */
} ledger_extent;

/* Sign entries that the engine took, and the same statements verified in batches alone. */
typedef struct ledger_durable {
    uint64_t signs, in_flight, blocks;
    double engine, batch; /* us, of all */
    double ratio;
    uint64_t least, median, most; /* entries of a block */
    uint64_t of_size[LEDGER_SIZES];
} ledger_durable;

/* The database verified again, and its signatures alone. */
typedef struct ledger_again {
    uint64_t entries, statements;
    double verify, batch; /* us */
    double ratio;
} ledger_again;

typedef struct ledger_opened {
    double seconds;
    uint64_t rss_kib, size;
} ledger_opened;

typedef struct ledger_proofs {
    uint64_t leaves;
    double mean, most; /* us */
    uint64_t bytes;    /* of a proof, with a leaf of the load */
} ledger_proofs;

typedef struct ledger_result {
    bool quick;
    char processor[RESULT_CPU];
    uint64_t processors;
    uint64_t entries, visits, signs;
    ledger_durable durable;
    ledger_again again;
    ledger_opened opened;
    ledger_proofs proofs[LEDGER_PROOFS];
    uint64_t database_bytes;
} ledger_result;

/* ---- the sections; err says what failed ---- */

/* Makes the database at path of the whole load. */
bcemr_status ledger_durable_run(load *l, const char *path, const ledger_extent *e,
                                const bcemr_progress *progress, ledger_durable *out,
                                bcemr_error *err);
/* scratch: where the replay may put what it derives. */
bcemr_status ledger_again_run(load *l, const char *path, const char *scratch,
                              const bcemr_progress *progress, ledger_again *out, bcemr_error *err);
/* In this process, which has done nothing else. */
bcemr_status ledger_open_run(const char *path, ledger_opened *out, bcemr_error *err);
/* The same in a process of its own: this program again. */
bcemr_status ledger_open_apart(const char *path, ledger_opened *out);
bcemr_status ledger_proofs_run(load *l, const char *path, const ledger_extent *e,
                               const bcemr_progress *progress, ledger_proofs *out,
                               bcemr_error *err);

/* ---- what is shown ---- */

uint64_t ledger_missed(const ledger_result *r);
void ledger_tables(report *out, const ledger_result *r);
void ledger_json(const ledger_result *r, report_json *out);

#endif
