/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks all that a node keeps (state.h) against the one thing that it follows from: its log,
 * played again from the genesis by the rules, every signature verified. Bounded memory: what the
 * replay derives goes to a scratch state, and both are scanned side by side.
 *
 *   leaves     each reads, is accepted by the rules at its height and time, and is the one that the
 *              tree was made of; case headers are those that the ledger makes
 *   nodes      every node of the tree, so the root after every block
 *   rows       every row of every other table that follows from the log: none missing, none
 *              different, none additional; block records with them, so both index heads
 *   checkpoints  the cosigned one against its set and this log; the one that this node signed last
 *              and those that it refused to sign against this log
 *
 * What is not looked at: whether this log is the one that others have. That is what cosigned
 * checkpoints are for.
 */
#ifndef LEDGER_VERIFY_VERIFY_H
#define LEDGER_VERIFY_VERIFY_H

#include "ledger/chain/chain.h"

#include <bcemr/content.h>

typedef struct ledger_verify_options {
    const bcemr_context *context;   /* required */
    const bcemr_parallel *parallel; /* of a batch of signatures; NULL: one after the other */
    bcemr_span genesis;             /* Tr("signed"; genesis); empty: the state's own */
    bool beside;                    /* signatures on a thread beside the rules */
    uint64_t batch;                 /* signatures of a batch, at least; 0: 2,048 */
    /* An empty state for what is derived; closed here. Not asked for when quick. */
    bcemr_status (*scratch)(void *user, ledger_state *out, bcemr_error *err);
    void *user;
    /* Leaves hash to the tree, the tree is whole, checkpoints hold: no rules, no signatures of
     * entries, no derived rows. */
    bool quick;
    const bcemr_progress *progress; /* leaves done of all; NULL: nobody asks */
} ledger_verify_options;

typedef enum ledger_bad_kind {
    LEDGER_BAD_NONE,
    LEDGER_BAD_GENESIS,    /* there is none, it does not hold, or it is another's */
    LEDGER_BAD_LEAF,       /* leaf: unreadable, or not the one of the tree; or missing */
    LEDGER_BAD_ENTRY,      /* leaf: the rules refuse it; error.reason says why */
    LEDGER_BAD_ROW,        /* row */
    LEDGER_BAD_CHECKPOINT, /* row: one that is held does not hold; error says why */
    LEDGER_BAD_READ /* row, or the first after it: the store itself says that it is damaged */
} ledger_bad_kind;

typedef enum ledger_row_fault {
    LEDGER_ROW_MISSING,
    LEDGER_ROW_DIFFERENT,
    LEDGER_ROW_ADDITIONAL,
    LEDGER_ROW_UNREADABLE
} ledger_row_fault;

/* The first thing that is bad. */
typedef struct ledger_bad {
    ledger_bad_kind kind;
    uint64_t leaf;      /* BCEMR_NOWHERE: none in particular */
    ledger_table table; /* the row to look at; of a leaf, LEAVES and its key */
    ledger_key key;
    ledger_row_fault fault; /* of LEDGER_BAD_ROW */
    bool or_node;           /* of LEDGER_BAD_LEAF: or its node, NODES (0, leaf), was changed */
    bcemr_error error;
} ledger_bad;

typedef struct ledger_verified {
    ledger_bad bad; /* kind NONE: all of it holds */
    bcemr_hash ledger;
    uint64_t size;       /* leaves checked */
    uint64_t blocks;     /* made again from them; 0 when quick */
    bcemr_hash root;     /* of that many leaves */
    uint64_t statements; /* signatures and proofs verified */
    uint64_t rows;       /* compared, the tree's nodes included */
    bool has_cosigned;
    bcemr_tr_checkpoint cosigned;
    uint64_t signers; /* of it */
} ledger_verified;

/*
 * Checks state, which must be of one moment (ledger_sqlite_refresh). OK also when something is bad:
 * out says so. Errors: what kept the check from being made, E_INTERRUPTED among them.
 */
BCEMR_MUST_USE bcemr_status ledger_verify(const ledger_state *state,
                                          const ledger_verify_options *options,
                                          ledger_verified *out, bcemr_error *err);

/* "LEAVES" and "index -> Tr(leaf)", as state.h has them. Static strings. */
const char *ledger_table_name(ledger_table table);
const char *ledger_table_text(ledger_table table);

#endif
