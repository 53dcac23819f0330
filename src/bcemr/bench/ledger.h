/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr bench ledger`: what the ledger costs beside the signatures that it must verify. */
#ifndef BCEMR_BENCH_LEDGER_H
#define BCEMR_BENCH_LEDGER_H

#include <stdbool.h>

typedef struct bench_ledger_options {
    const char *dir;  /* where databases are made; NULL: the system's for temporary files */
    const char *open; /* only open this database, and say what it took; NULL: the whole bench */
    bool quick;
    bool check;
    bool json;
} bench_ledger_options;

int bench_ledger_main(const void *options);

#endif
