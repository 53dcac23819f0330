/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr demo`: a patient's whole story in one process. */
#ifndef BCEMR_PROGRAM_DEMO_H
#define BCEMR_PROGRAM_DEMO_H

#include "bcemr/command.h"

#define DEMO_DOCTORS_MIN 3
#define DEMO_DOCTORS_MAX 64

typedef struct demo_options {
    uint64_t doctors;
    uint64_t threads;     /* 0: as many as the machine has */
    command_list records; /* --record FILE...; empty: the demo's own inputs */
    const char *data;     /* where the fetched files are; NULL: where set-up puts them */
    const char *keep;     /* folder for what the run makes; NULL: nothing is kept */
    const char *seed;     /* NULL: the system's random source */
    const char *tamper;   /* what to tamper with, or "all"; NULL: nothing */
    bool list;            /* --tamper list */
    bool json;
} demo_options;

/* Returns the exit code: COMMAND_DONE, COMMAND_FAILED, or COMMAND_MISUSED for an unknown tamper. */
int demo_main(const demo_options *options);

#endif
