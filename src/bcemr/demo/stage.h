/* SPDX-License-Identifier: Apache-2.0 */
/* What a demo plays on: folder, threads, context, inputs, clock. One stage, any number of worlds.
 */
#ifndef BCEMR_DEMO_STAGE_H
#define BCEMR_DEMO_STAGE_H

#include "bcemr/demo/world.h"
#include "bcemr/threads.h"

typedef struct stage {
    report *report;
    inputs inputs;
    threads_pool *pool;
    bcemr_parallel parallel;
    bcemr_context *context;
    uint64_t doctors;
    int64_t start; /* ms since 1970 UTC */
    bool keep;
    bool scratch; /* the folder is ours alone and goes with the stage */
    char folder[1000];
} stage;

/* Says what is wrong through the report and returns false. s is to be closed in any case. */
bool stage_open(stage *s, report *r, const demo_options *options);
/* The same for tampers: our own small inputs, a scratch folder, no progress. */
bool stage_open_scratch(stage *s, report *r, const demo_options *options);
void stage_close(stage *s);
/* A world on this stage whose folder is base; its working files go to base/work. */
BCEMR_MUST_USE bcemr_status stage_world(const stage *s, world *w, const char *base);
/* What --keep leaves beside the database: genesis, record, grant, case files. */
BCEMR_MUST_USE bcemr_status stage_keep(const stage *s, world *w);
/* Removes a folder and all below it. */
void stage_remove(const char *folder);

#endif
