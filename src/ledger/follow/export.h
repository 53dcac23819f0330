/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an exported ledger (source.h says what it is) piece by piece, through a window: it may be
 * longer than memory. What is in a leaf is the caller's to check.
 */
#ifndef LEDGER_EXPORT_H
#define LEDGER_EXPORT_H

#include <bcemr/content.h>
#include <bcemr/types.h>

typedef struct ledger_export_reader {
    const bcemr_source *bytes;
    bcemr_tr_ledger_export head; /* points into head_bytes */
    uint64_t first;              /* where leaf 0 begins */
    bcemr_buf head_bytes, window;
    uint64_t window_at;
} ledger_export_reader;

/* Reads the head. bytes stays the caller's and outlives the reader. Errors: reading's; free in any
 * case. */
BCEMR_MUST_USE bcemr_status ledger_export_begin(ledger_export_reader *out,
                                                const bcemr_source *bytes, bcemr_error *err);
/* The leaf whose length stands at *at; *at moves behind it. It holds until the next call. Errors:
 * E_TRUNCATED, E_TOO_LONG, the bytes' own; then *at stays. */
BCEMR_MUST_USE bcemr_status ledger_export_leaf(ledger_export_reader *reader, uint64_t *at,
                                               bcemr_span *out);
/* Nothing follows the last leaf, which ended at: E_TRAILING. */
BCEMR_MUST_USE bcemr_status ledger_export_end(const ledger_export_reader *reader, uint64_t at,
                                              bcemr_error *err);
void ledger_export_free(ledger_export_reader *reader);

#endif
