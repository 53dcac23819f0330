/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function that gives a verdict is written as one that gives a status, with REQUIRE for each
 * check, and a shell around it. Whatever keeps the checks from being run gives UNDECIDED.
 */
#ifndef BCEMR_CORE_VERDICT_H
#define BCEMR_CORE_VERDICT_H

#include "wire/error.h"

#include <stddef.h>

/* The caller's err, or local when they gave none; cleared. */
static inline bcemr_error *core_error(bcemr_error *err, bcemr_error *local)
{
    bcemr_error *mine = err ? err : local;
    *mine = (bcemr_error){.index = BCEMR_NOWHERE, .offset = BCEMR_NOWHERE};
    return mine;
}

/* err is what core_error gave. */
static inline bcemr_verdict core_verdict(bcemr_status status, bcemr_error *err)
{
    if (status == BCEMR_OK)
        return BCEMR_VALID;
    if (status == BCEMR_E_REFUSED && err->verdict != BCEMR_VALID)
        return err->verdict;
    if (err->status != status)
        (void)wire_fail(err, status, NULL, NULL);
    return BCEMR_UNDECIDED;
}

/* The other way: goes on as a status, with err (NULL allowed) as the check filled it. */
static inline bcemr_status core_pass(bcemr_verdict verdict, const bcemr_error *err)
{
    if (verdict == BCEMR_VALID)
        return BCEMR_OK;
    bool says_why = verdict == BCEMR_UNDECIDED && err && err->status != BCEMR_OK;
    return says_why ? err->status : BCEMR_E_REFUSED;
}

#endif
