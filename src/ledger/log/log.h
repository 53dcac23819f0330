/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The append-only Merkle log (RFC 6962) over the state's tables LEAVES and NODES. Every complete
 * subtree's root is kept, so any proof for any size so far costs a logarithm of look-ups.
 */
#ifndef LEDGER_LOG_H
#define LEDGER_LOG_H

#include "ledger/state/state.h"

#include <bcemr/proof.h>

/* Appends a leaf (its encoding) as number size, and the nodes that it completes. In a transaction;
 * size is the number of leaves so far. */
BCEMR_MUST_USE bcemr_status ledger_log_append(ledger_state *state, uint64_t size, bcemr_span leaf);
/* The leaf's encoding, replacing what out held. E_NOT_FOUND. */
BCEMR_MUST_USE bcemr_status ledger_log_leaf(const ledger_state *state, uint64_t index,
                                            bcemr_buf *out);
/* Nodes for the functions of proof.h. */
bcemr_node_source ledger_log_nodes(const ledger_state *state);

#endif
