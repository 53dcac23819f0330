/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ledgers of a consortium that lies as a whole: each takes one thing that the rules refuse, and
 * cosigns it. What their case files must be refused for.
 */
#ifndef BCEMR_TESTS_CASE_CORRUPT_H
#define BCEMR_TESTS_CASE_CORRUPT_H

#include "support/case_world.h"

typedef struct case_corrupt {
    const char *name;
    void (*play)(void);
    bcemr_case_step step;
    bcemr_verdict verdict;
    bcemr_verdict also; /* what catches it next, where something does */
} case_corrupt;
extern const case_corrupt case_corrupts[];
extern const uint64_t case_corrupt_count;

/* Plays it in a world that was begun, up to a checkpoint; visit is the one that it is about, and is
 * freed by the caller. All checks are on afterwards. */
void case_corrupt_play(const case_corrupt *c, world *w, world_visit *visit);
/* The case file of such a ledger, made by somebody who leaves the check out; appended to file. */
void case_corrupt_make(const case_corrupt *c, bcemr_buf *file);

#endif
