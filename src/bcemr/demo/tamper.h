/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `bcemr demo --tamper WHAT`: plays the story up to where an attack fits, makes the attack, and
 * shows who caught it and by which named status. In the test build (bcemr-control) each attack has
 * a control: the check that caught it is switched off, and the next, until nothing is left and the
 * attack succeeds - so the attack is real.
 */
#ifndef BCEMR_DEMO_TAMPER_H
#define BCEMR_DEMO_TAMPER_H

#include "bcemr/demo/story.h"

/* What came of one attack. */
typedef struct tamper_result {
    bool caught;
    bool succeeded; /* the attacker got what they wanted; neither: the story broke elsewhere */
    char by[96];    /* who made the step that ended it */
    bcemr_error error;
} tamper_result;

/*
 * One attack. attack plays on a fresh world whose phases before `phase` (from 0) are over. It
 * returns what the step that should refuse returned (w->by and w->error say the rest), and OK with
 * *succeeded when the attacker got what they wanted.
 */
typedef struct tamper {
    const char *name;
    const char *text; /* what is done, in one line */
    uint64_t phase;
    bcemr_status (*attack)(world *w, bool *succeeded);
} tamper;

/* Every attack, ended by one without a name. */
extern const tamper tamper_table[];

/* --tamper WHAT, all or list. Exit codes: 0 every one was caught, 1 not, 2 no such tamper. */
int tamper_main(const demo_options *options, report *r);

#endif
