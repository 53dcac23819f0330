/* SPDX-License-Identifier: Apache-2.0 */
/* Makes proofs of guilt (section 8.3) from cosigned checkpoints and what one's own log holds. */
#ifndef LEDGER_CHECKPOINT_GUILT_H
#define LEDGER_CHECKPOINT_GUILT_H

#include "ledger/chain/chain.h"

typedef struct ledger_evidence {
    bcemr_span one, other; /* Tr("cosigned"), in any order; other may be empty */
    /* Nodes of the larger one's tree, the first node first (bcemr_consistency_roots), from whoever
     * has that tree. None: the own log's, where that is the tree. */
    const bcemr_hash *path;
    uint64_t path_count;
    /* Tr("signed") Join, Leave or Rekey that led to a set which the own log does not have, from
     * where its branch leaves the own log's; none when all sets are the own log's. */
    const bcemr_span *sets;
    uint64_t set_count;
} ledger_evidence;

/*
 * Two different checkpoints of one size, another root in the larger tree, a set that was over or
 * did not begin yet: the first of these that the evidence proves. Appends Tr("guilt"), which
 * bcemr_guilt_check takes. Errors: E_NOT_FOUND: it proves nobody guilty, as far as this log knows;
 * reading's; E_REFUSED with what does not hold (a checkpoint that its set did not sign).
 */
BCEMR_MUST_USE bcemr_status ledger_guilt_make(const ledger_chain *chain,
                                              const ledger_evidence *evidence, bcemr_buf *out,
                                              bcemr_error *err);

#endif
