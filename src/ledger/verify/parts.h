/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of ledger_verify share. */
#ifndef LEDGER_VERIFY_PARTS_H
#define LEDGER_VERIFY_PARTS_H

#include "ledger/log/log.h"
#include "ledger/verify/verify.h"
#include "wire/error.h"

/* What is bad is noted once: the first counts. Returns E_DAMAGED, which ends the check. */
bcemr_status verify_bad_row(ledger_bad *bad, ledger_table table, bcemr_span key,
                            ledger_row_fault fault);
bcemr_status verify_bad_leaf(ledger_bad *bad, uint64_t leaf, const bcemr_error *error);
/* The store failed while a row was read: its own damage is a finding, anything else is a status. */
bcemr_status verify_unread(ledger_bad *bad, ledger_table table, bcemr_span key,
                           bcemr_status status);

/*
 * A state for a replay: leaves and nodes are not kept again but compared with those of source as
 * they are made, all else goes to scratch. Takes scratch over; bad outlives it.
 */
typedef struct verify_shadow {
    const ledger_state *source;
    ledger_state scratch;
    ledger_bad *bad;
    uint64_t compared;
} verify_shadow;
ledger_state verify_shadow_state(verify_shadow *shadow);

/* Whether a node of the tree is this one. E_DAMAGED with a finding, the store's. */
bcemr_status verify_node(const ledger_state *source, uint64_t level, uint64_t index,
                         const bcemr_hash *hash, ledger_bad *bad);
/* The leaf hashes to its node; when not, says which of the two was changed, as far as can be. */
bcemr_status verify_leaf_hash(const ledger_state *source, uint64_t index, const bcemr_hash *hash,
                              ledger_bad *bad);

/* Rows of a table in both states, side by side: none missing, different or additional in kept. */
bcemr_status verify_same_rows(const ledger_state *kept, const ledger_state *derived,
                              ledger_table table, ledger_bad *bad, uint64_t *rows);
/* LEAVES and NODES hold nothing beyond the tree of size leaves. */
bcemr_status verify_nothing_beyond(const ledger_state *source, uint64_t size, ledger_bad *bad);

/* What a node holds of checkpoints, against a chain that was checked. */
bcemr_status verify_checkpoints(const ledger_state *source, const ledger_chain *chain,
                                ledger_verified *out, bcemr_error *err);

#endif
