/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr completion`: what a shell needs to complete commands, printed from their table. */
#ifndef BCEMR_PROGRAM_COMPLETION_H
#define BCEMR_PROGRAM_COMPLETION_H

#include <stdbool.h>

typedef struct completion_options {
    const char *shell;
    bool json;
} completion_options;

extern const char *const completion_shells[];
int completion_main(const void *options);

#endif
