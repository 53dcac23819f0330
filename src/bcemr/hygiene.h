/* SPDX-License-Identifier: Apache-2.0 */
/* What a process that holds secrets does before anything else. */
#ifndef BCEMR_PROGRAM_HYGIENE_H
#define BCEMR_PROGRAM_HYGIENE_H

#include <stdbool.h>

/* As many open files as this user may have. No core dumps, no debugger of the same user, files for
 * the owner alone, and standard streams that are open (else a file of ours could get number 1 or
 * 2). false with errno when one is not to be had. */
bool hygiene_begin(void);

#endif
