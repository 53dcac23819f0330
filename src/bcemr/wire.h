/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr wire`: every encoding, printed from the table of types. */
#ifndef BCEMR_PROGRAM_WIRE_H
#define BCEMR_PROGRAM_WIRE_H

#include <stdbool.h>

typedef struct wire_options {
    const char *format;
    bool json;
} wire_options;

extern const char *const wire_formats[];
int wire_main(const void *options);

#endif
