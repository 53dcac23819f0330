/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger's log as blocks that can be played again, with what each must lead to: for tests of
 * stores. What cannot fail here aborts. */
#ifndef BCEMR_TESTS_LEDGER_LOG_H
#define BCEMR_TESTS_LEDGER_LOG_H

#include "ledger/chain/chain.h"

typedef struct log_block {
    int64_t tau;
    uint64_t height;
    bcemr_span *entries; /* into the log's own bytes */
    uint64_t count;
    /* After it: */
    uint64_t size;
    bcemr_hash root;
    bcemr_hash rows; /* of all tables */
} log_block;

typedef struct ledger_log {
    bcemr_buf genesis;
    bcemr_buf *leaves;
    uint64_t leaf_count;
    log_block *blocks; /* the first is the genesis alone */
    uint64_t count;
} ledger_log;

/* From the chain's leaves, played again in memory. */
void ledger_log_take(const bcemr_context *context, const ledger_chain *chain, bcemr_span genesis,
                     ledger_log *out);
void ledger_log_free(ledger_log *log);
/* The block that ends at size; NULL when none does. */
const log_block *ledger_log_at(const ledger_log *log, uint64_t size);

/* A hash over all rows of all tables. Errors: the state's. */
BCEMR_MUST_USE bcemr_status ledger_log_rows(const ledger_state *state, bcemr_hash *out);

#endif
