/* SPDX-License-Identifier: Apache-2.0 */
/* A log proof as a file (Tr("log-proof")): made from a ledger, checked with the genesis alone. */
#ifndef BCEMR_LEDGER_PROOF_FILE_H
#define BCEMR_LEDGER_PROOF_FILE_H

#include "ledger/chain/chain.h"

#define PROOF_FILE_MAX ((uint64_t)64 << 20)

/* What is to be proven; NOWHERE: not that. */
typedef struct proof_file_request {
    uint64_t leaf;  /* that this entry is in the log of size */
    uint64_t older; /* that the log of this many entries is its beginning */
    uint64_t size;  /* BCEMR_NOWHERE: of the newest cosigned checkpoint */
} proof_file_request;

/* Appends the file. When a cosigned checkpoint is held at that size, it and the sets up to its own
 * go with it. Errors: E_NOT_FOUND with err->field: "cosigned" none is held, "leaf" or "older" not
 * below size, "size" no block ends there. */
BCEMR_MUST_USE bcemr_status proof_file_make(const ledger_chain *chain, const ledger_state *state,
                                            const proof_file_request *request, bcemr_buf *out,
                                            bcemr_error *err);

/* What a file proves. Spans point into it. */
typedef struct proof_file_facts {
    bcemr_tr_checkpoint checkpoint;
    bool cosigned; /* the set that follows from the genesis has signed it */
    uint64_t signers, members;
    bool entry; /* an entry is in it ... */
    uint64_t index;
    bcemr_leaf_parts leaf;
    bool extends; /* and, or, it begins with this state */
    uint64_t older_size;
    bcemr_hash older_root;
} proof_file_facts;

/*
 * Checks a file against the signed genesis. root (NULL allowed): known from elsewhere, which the
 * checkpoint must have. VALID; WRONG_LEDGER, BAD_SET and what bcemr_set_follow, _checkpoint_check,
 * _inclusion_check give (err->index); BAD_CONSISTENCY; BAD_CHECKPOINT when the parts speak of
 * different checkpoints or another root; UNDECIDED, reading's errors among them.
 */
BCEMR_MUST_USE bcemr_verdict proof_file_check(const bcemr_context *context,
                                              bcemr_span signed_genesis, bcemr_span file,
                                              const bcemr_hash *root, proof_file_facts *out,
                                              bcemr_error *err);

#endif
