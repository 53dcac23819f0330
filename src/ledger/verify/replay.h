/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log played again leaf by leaf, on an empty state. The rules are applied on the caller's thread;
 * what they rest on (signatures under keys) is collected and verified in large batches, if wanted
 * on a thread beside it. So a state is ahead of what is verified: it counts for nothing before
 * ledger_replay_end has returned OK, and is to be thrown away when anything fails.
 *
 * Memory does not depend on the length of the log.
 */
#ifndef LEDGER_VERIFY_REPLAY_H
#define LEDGER_VERIFY_REPLAY_H

#include "ledger/chain/chain.h"

typedef struct ledger_replay ledger_replay;

typedef struct ledger_replay_options {
    const bcemr_context *context;   /* required; outlives the replay */
    const bcemr_parallel *parallel; /* of a batch; NULL: one after the other */
    ledger_state state;             /* empty; closed with the replay */
    bool beside;                    /* batches are verified on a thread of their own */
    uint64_t batch;                 /* claims of a batch, at least; 0: 2,048 */
    uint64_t transaction;           /* leaves of a transaction, at least; 0: 1,024 */
} ledger_replay_options;

/*
 * Begins with leaf 0's Tr("signed"; genesis). Errors: those of ledger_chain_open, E_EXISTS when the
 * state is not empty, E_NO_MEMORY. On failure the state stays the caller's.
 */
BCEMR_MUST_USE bcemr_status ledger_replay_new(ledger_replay **out,
                                              const ledger_replay_options *options,
                                              bcemr_span signed_genesis, bcemr_error *err);
/*
 * Takes Tr("leaf") as the next one, leaf 0 included. A leaf of another height than the one before
 * begins a block. Case headers must be those that the ledger makes.
 * Errors: E_REFUSED with LEDGER_REFUSED (err->reason) or BAD_LEAF; E_UNSORTED, E_INTEGER_RANGE
 * (height, time); reading's. err->index is the first leaf that is bad, which may be an earlier one
 * whose signatures were verified just now. After an error the replay takes nothing more (E_STATE).
 * When the state itself failed err->index is BCEMR_NOWHERE.
 */
BCEMR_MUST_USE bcemr_status ledger_replay_leaf(ledger_replay *replay, bcemr_span leaf,
                                               bcemr_error *err);
/* Ends the last block, verifies what is left, commits. Errors as above. */
BCEMR_MUST_USE bcemr_status ledger_replay_end(ledger_replay *replay, bcemr_error *err);
/* The chain as far as it has come: for reading between calls. */
const ledger_chain *ledger_replay_chain(const ledger_replay *replay);
/* After the end: the same for writing what lies beside the log (ledger_chain_keep_cosigned). */
ledger_chain *ledger_replay_open_chain(ledger_replay *replay);
/* Blocks ended so far, the genesis included. */
uint64_t ledger_replay_blocks(const ledger_replay *replay);
/* Statements verified so far. Call it when nothing is under way: before a leaf, or after the end.
 */
void ledger_replay_counts(ledger_replay *replay, ledger_verifier_counts *out);
/* Waits for what is under way; closes the state. NULL is allowed. */
void ledger_replay_free(ledger_replay *replay);

#endif
