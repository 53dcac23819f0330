/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state over another one in which several blocks are made before any is written: what is
 * committed stays in memory until all of it is written in one transaction of the state below, or
 * thrown away. So blocks that turn out wrong were never there, and many small ones cost one sync.
 */
#ifndef LEDGER_STAGE_H
#define LEDGER_STAGE_H

#include "ledger/state/layer.h"

typedef struct ledger_stage ledger_stage;

/* below stays the caller's and outlives the stage. */
BCEMR_MUST_USE bcemr_status ledger_stage_new(ledger_stage **out, ledger_state *below);
void ledger_stage_free(ledger_stage *stage); /* NULL is allowed; what was not written is lost */
/* The state to work on. Closing it does nothing. */
ledger_state ledger_stage_state(ledger_stage *stage);
/* Writes what was committed, in one transaction. On failure nothing was written, and it is still
 * here. */
BCEMR_MUST_USE bcemr_status ledger_stage_flush(ledger_stage *stage);
/* Throws it away. */
void ledger_stage_discard(ledger_stage *stage);
/* Bytes that wait. */
uint64_t ledger_stage_bytes(const ledger_stage *stage);

#endif
