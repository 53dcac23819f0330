/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr bench core`: what the core costs beside what it must cost (section 12). */
#ifndef BCEMR_BENCH_BENCH_H
#define BCEMR_BENCH_BENCH_H

#include <stdbool.h>

typedef struct bench_options {
    const char *plot; /* a file for the plot; NULL: none */
    bool quick;
    bool check;
    bool json;
} bench_options;

int bench_main(const void *options);

#endif
