/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target is one function that takes any bytes and must not crash, hang, leak or accept what
 * it should not. libFuzzer drives it (scripts/fuzz); without libFuzzer, replay.c runs the corpus
 * and a bounded number of changes of it, so that the ordinary tests run every target, too.
 */
#ifndef BCEMR_FUZZ_H
#define BCEMR_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

#endif
