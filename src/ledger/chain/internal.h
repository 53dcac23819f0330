/* SPDX-License-Identifier: Apache-2.0 */
/* The chain's inside: block.c writes, read.c and view.c read. */
#ifndef LEDGER_CHAIN_INTERNAL_H
#define LEDGER_CHAIN_INTERNAL_H

#include "ledger/chain/chain.h"
#include "ledger/log/log.h"
#include "wire/error.h"

struct ledger_chain {
    const bcemr_context *context;
    ledger_state state;
    ledger_verifier *verifier;
    bcemr_hash id;
    bcemr_tr_state_block tip; /* of the last committed block */
};

/* A row of an index, collected while a block is made. */
typedef struct index_rows {
    bcemr_tr_index_row *rows; /* keys are allocations of their own */
    uint64_t count, room;
} index_rows;

/* A block in the making. */
typedef struct block {
    ledger_chain *chain;
    uint64_t height;
    int64_t tau;
    uint64_t size;
    uint64_t cases;
    bcemr_hash case_header;
    index_rows stops, finds;
    ledger_effect effect;
    const ledger_in_force *in_force;
} block;

/* What follows from an accepted entry besides its own effect: leaf, indexes, case header. */
bcemr_status chain_append(block *b, bcemr_span signed_entry, bcemr_error *err);
/* Indexes' heads, the block's record; the caller commits. */
bcemr_status chain_finish(block *b, bcemr_tr_state_block *tip, bcemr_error *err);
void chain_block_free(block *b);

/*
 * Records that follow from no log (COSIGNER, REFUSED) end with a check over key and record, so that
 * a damaged one is not taken for what this node has seen or signed. seal fills in the check of an
 * encoding that ends with it; whole says whether it fits.
 */
bcemr_status chain_seal_record(bcemr_span key, bcemr_buf *record);
bcemr_status chain_record_whole(bcemr_span key, bcemr_span record, bool *whole);

/* Rows beside the blocks, in a transaction of their own. */
typedef struct chain_row {
    ledger_table table;
    bcemr_span key, value;
} chain_row;
bcemr_status chain_put_alone(ledger_chain *chain, const chain_row *rows, uint64_t count);

#endif
