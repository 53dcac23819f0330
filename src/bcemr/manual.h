/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr manual`: the manual page bcemr(1), printed from the table of commands. */
#ifndef BCEMR_PROGRAM_MANUAL_H
#define BCEMR_PROGRAM_MANUAL_H

#include <stdbool.h>

typedef struct manual_options {
    bool json;
} manual_options;

int manual_main(const void *options);

#endif
