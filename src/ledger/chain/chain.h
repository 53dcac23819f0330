/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger as one object: takes signed entries, makes blocks of those that the rules accept,
 * keeps log, state and indexes in one transaction a block, and answers questions. No clock, no
 * threads, no files of its own: the store and the time are given. One writer at a time; readers
 * that share the object must not run beside the writer.
 */
#ifndef LEDGER_CHAIN_H
#define LEDGER_CHAIN_H

#include "ledger/rules/rules.h"

#include <bcemr/ledger_view.h>

#define LEDGER_TAU_MAX ((int64_t)253402300799999) /* the end of the year 9999 */
#define LEDGER_HEIGHT_MAX ((uint64_t)INT64_MAX)

typedef struct ledger_chain ledger_chain;

typedef struct ledger_chain_options {
    const bcemr_context *context;   /* required; outlives the chain */
    ledger_state state;             /* required; closed with the chain */
    const bcemr_parallel *parallel; /* NULL: one after the other; outlives the chain */
    uint64_t remembered_claims;     /* 0: the default */
} ledger_chain_options;

/*
 * Opens on a signed genesis (leaf 0's Tr("signed")): an empty state is begun with it (height 0,
 * tau 0), one that holds something must be of this genesis. With an empty span the chain is what
 * the state holds, E_NOT_FOUND when it holds nothing. Errors: E_REFUSED with BAD_GENESIS, BAD_POP,
 * WRONG_LEDGER; the store's. On failure the state stays the caller's.
 */
BCEMR_MUST_USE bcemr_status ledger_chain_open(ledger_chain **out,
                                              const ledger_chain_options *options,
                                              bcemr_span signed_genesis, bcemr_error *err);
void ledger_chain_close(ledger_chain *chain);
/*
 * Refreshes the state (ledger_state_ops) and reads anew where the log ends. For a chain that reads
 * a state which another writes: from now on it answers by the newest durable block, all of that one
 * moment, until the next call. For one whose state was turned back behind its back: it goes on from
 * there. Not in a transaction. Errors: the store's; then close it.
 */
BCEMR_MUST_USE bcemr_status ledger_chain_refresh(ledger_chain *chain, bcemr_error *err);

const bcemr_hash *ledger_chain_id(const ledger_chain *chain);

/* ---- writing ---- */

/* What became of an entry. status OK: it is in, at leaf. E_REFUSED: reason says why. */
typedef struct ledger_outcome {
    bcemr_status status;
    uint32_t reason;
    uint64_t leaf;
    bcemr_hash entry_hash;
} ledger_outcome;

/*
 * Makes a block at height last + 1 and tau = max(clock, last tau + 1) of those of the entries that
 * the rules accept, in their order; none accepted makes no block. When the clock stands behind the
 * last tau by more than the allowed difference, Sign entries are refused with CLOCK_BEHIND.
 * Out: outcomes, one an entry. Returns OK also when all were refused.
 * Errors: failures of this node; then nothing changed. E_INTEGER_RANGE: the clock stands beyond
 * LEDGER_TAU_MAX, or the ledger's time has come to it.
 */
BCEMR_MUST_USE bcemr_status ledger_chain_submit(ledger_chain *chain, int64_t clock,
                                                const bcemr_span *entries, uint64_t count,
                                                ledger_outcome *outcomes, bcemr_error *err);
/* One entry as a block of its own. E_REFUSED with err->reason. leaf: NULL allowed. */
BCEMR_MUST_USE bcemr_status ledger_chain_submit_one(ledger_chain *chain, int64_t clock,
                                                    bcemr_span entry, uint64_t *leaf,
                                                    bcemr_error *err);
/* A block as another engine ordered it. An entry that the rules refuse refuses the block
 * (err->index which, err->reason why), and so does a height or time that does not ascend
 * (E_UNSORTED) or lies beyond LEDGER_TAU_MAX or LEDGER_HEIGHT_MAX (E_INTEGER_RANGE). Case headers
 * are made here: they are not among the entries. */
BCEMR_MUST_USE bcemr_status ledger_chain_replay(ledger_chain *chain, uint64_t height, int64_t tau,
                                                const bcemr_span *entries, uint64_t count,
                                                bcemr_error *err);
/* Checks entries against the state as it is, one after the other, and changes nothing (CheckTx):
 * what was verified is remembered. */
BCEMR_MUST_USE bcemr_status ledger_chain_check(ledger_chain *chain, int64_t clock,
                                               const bcemr_span *entries, uint64_t count,
                                               ledger_outcome *outcomes, bcemr_error *err);

/* ---- the log ---- */

uint64_t ledger_chain_size(const ledger_chain *chain);
uint64_t ledger_chain_height(const ledger_chain *chain);
int64_t ledger_chain_tau(const ledger_chain *chain);
/* Whether clock stands behind the last tau by more than the allowed difference. */
BCEMR_MUST_USE bcemr_status ledger_chain_clock_behind(const ledger_chain *chain, int64_t clock,
                                                      bool *behind, bcemr_error *err);
BCEMR_MUST_USE bcemr_status ledger_chain_root(const ledger_chain *chain, uint64_t size,
                                              bcemr_hash *out);

/* ---- checkpoints ---- */

/* The checkpoint at the last block, and at the block that ends at size (E_NOT_FOUND). */
BCEMR_MUST_USE bcemr_status ledger_chain_checkpoint(const ledger_chain *chain,
                                                    bcemr_tr_checkpoint *out, bcemr_error *err);
BCEMR_MUST_USE bcemr_status ledger_chain_checkpoint_at(const ledger_chain *chain, uint64_t size,
                                                       bcemr_tr_checkpoint *out, bcemr_error *err);
/* Keeps a cosigned checkpoint for the view to serve: it must be this log's, newer than the one
 * held, and hold against the set in force at its last leaf. Errors: E_REFUSED with what does not.
 */
BCEMR_MUST_USE bcemr_status ledger_chain_keep_cosigned(ledger_chain *chain, bcemr_span cosigned,
                                                       bcemr_error *err);
/* Size of the cosigned checkpoint that is held, 0 for none. */
BCEMR_MUST_USE bcemr_status ledger_chain_cosigned_size(const ledger_chain *chain, uint64_t *size);

/*
 * A cosigner (proof.h) on this chain's log for the member with this ID, which outlives it: own,
 * keep and refused are the chain's, sign(user) is given. It changes the chain's state, so it is
 * called by who writes the chain, between blocks.
 */
typedef struct ledger_cosigner {
    bcemr_cosigner cosigner;
    ledger_chain *chain;
    bcemr_span id;
    bcemr_checkpoint_signer sign;
    void *user;
    /* of the call that runs */
    int64_t now;
    bcemr_span who;
    bool by_word; /* of the operator */
} ledger_cosigner;
/*
 * restored: 0, or the time now by this node's clock when the state came from a backup or keys were
 * used elsewhere. Then it signs nothing (E_STATE) until it was resumed on a checkpoint whose tau is
 * later than that by more than the clock difference; over restarts, too. So it waits after a Rekey
 * of the member later than the last checkpoint that it signed, for one of the set as it stands.
 */
BCEMR_MUST_USE bcemr_status ledger_cosigner_begin(ledger_cosigner *out, ledger_chain *chain,
                                                  bcemr_span id, bcemr_checkpoint_signer sign,
                                                  void *user, int64_t restored, bcemr_error *err);
/*
 * bcemr_cosigner_sign: the signature leaves when what is signed is durable, a refusal of what
 * contradicts this log when the evidence is (ledger_chain_refused). now: this node's clock; who:
 * who asks, as far as this node knows; both are for the evidence.
 */
BCEMR_MUST_USE bcemr_status ledger_cosigner_sign(ledger_cosigner *cosigner,
                                                 const bcemr_tr_checkpoint *asked, int64_t now,
                                                 bcemr_span who, bcemr_g1_raw *out,
                                                 bcemr_error *err);
/* The same between encodings: question is Tr("checkpoint"); appends Tr("cosign-answer"), a
 * signature or a refusal with its name. Errors: only when there is no answer (question does not
 * read, no memory); what keeps it from signing is in the answer. */
BCEMR_MUST_USE bcemr_status ledger_cosigner_answer(ledger_cosigner *cosigner, bcemr_span question,
                                                   int64_t now, bcemr_span who, bcemr_buf *answer,
                                                   bcemr_error *err);
/* On Tr("cosigned"): a checkpoint of the set as it stands, or, in a set of two or three, the word
 * of all others (bcemr_checkpoint_others_check). */
BCEMR_MUST_USE bcemr_status ledger_cosigner_resume(ledger_cosigner *cosigner, bcemr_span cosigned,
                                                   bcemr_error *err);
/* Whether it signs nothing until it was resumed: after a restore, or a Rekey of its own. */
BCEMR_MUST_USE bcemr_status ledger_cosigner_waits(ledger_cosigner *cosigner, bool *waits,
                                                  bcemr_error *err);
/* On the operator's word that this log, as it stands, holds all that the member's key ever signed:
 * bcemr_cosigner_resume_by_operator. Nobody else answers for it, so a program asks for the word,
 * and never takes it by itself. The word is kept with what it ended (ledger_chain_cosigner); now:
 * this node's clock, for that. E_STATE: it does not wait. */
BCEMR_MUST_USE bcemr_status ledger_cosigner_resume_by_operator(ledger_cosigner *cosigner,
                                                               int64_t now, bcemr_error *err);
/* What is kept of the member with this ID: held receives the bytes, out points into it. E_NOT_FOUND
 * when it has signed nothing here and does not wait for a restore; E_DAMAGED. */
BCEMR_MUST_USE bcemr_status ledger_chain_cosigner(const ledger_chain *chain, bcemr_span id,
                                                  bcemr_buf *held, bcemr_tr_state_cosigner *out,
                                                  bcemr_error *err);

#define LEDGER_REFUSED_MAX 64
/*
 * Walks the evidence of what this node was asked to cosign and refused, in the order in which it
 * came. The same is kept once; of more than LEDGER_REFUSED_MAX the first and the newest are kept
 * (refused->number tells how many came before). *more false ends it.
 */
typedef bcemr_status (*ledger_refused_visitor)(void *user, const bcemr_tr_state_refused *refused,
                                               bool *more);
BCEMR_MUST_USE bcemr_status ledger_chain_refused(const ledger_chain *chain,
                                                 ledger_refused_visitor visit, void *user,
                                                 bcemr_error *err);

/* ---- reading ---- */

/* The view that roles use (bcemr/ledger_view.h). Valid while the chain is open. */
void ledger_chain_view(const ledger_chain *chain, bcemr_ledger_view *out);

/* Appends Tr("leaf") at index. E_NOT_FOUND. */
BCEMR_MUST_USE bcemr_status ledger_chain_leaf(const ledger_chain *chain, uint64_t index,
                                              bcemr_buf *out);
/* Appends Tr("inclusion") of leaf index in the tree of size leaves, size the end of any leaf. */
BCEMR_MUST_USE bcemr_status ledger_chain_inclusion(const ledger_chain *chain, uint64_t index,
                                                   uint64_t size, bcemr_buf *out, bcemr_error *err);
/* Appends Tr("consistency"). */
BCEMR_MUST_USE bcemr_status ledger_chain_consistency(const ledger_chain *chain, uint64_t first,
                                                     uint64_t second, bcemr_buf *out,
                                                     bcemr_error *err);
/* Appends Tr("list"; Tr("index")...) of the blocks with from <= height <= to of the index "stops"
 * or "finds". */
BCEMR_MUST_USE bcemr_status ledger_chain_index(const ledger_chain *chain, const char *name,
                                               uint64_t from, uint64_t to, bcemr_buf *out,
                                               bcemr_error *err);
/* The same, as many blocks as fit into bytes (0: no bound); the first always does. */
BCEMR_MUST_USE bcemr_status ledger_chain_index_part(const ledger_chain *chain, const char *name,
                                                    uint64_t from, uint64_t to, uint64_t bytes,
                                                    bcemr_buf *out, bcemr_error *err);
/* Appends Tr("list"; Tr("leaf")...) of the leaves from, from + 1, ... below to, as many as fit into
 * bytes (0: no bound); the first always does. E_NOT_FOUND when from is not below the log's size. */
BCEMR_MUST_USE bcemr_status ledger_chain_leaves(const ledger_chain *chain, uint64_t from,
                                                uint64_t to, uint64_t bytes, bcemr_buf *out,
                                                bcemr_error *err);
/* The tree's nodes, for the functions of proof.h; those of complete subtrees of the log alone are
 * there. */
bcemr_node_source ledger_chain_nodes(const ledger_chain *chain);
/* Appends Tr("list"; leaves) of a visit, from Admit to Seal or as far as it has come. */
BCEMR_MUST_USE bcemr_status ledger_chain_visit_leaves(const ledger_chain *chain,
                                                      const bcemr_hash *vid, bcemr_buf *out,
                                                      bcemr_error *err);

/* Records of the state (types.def, "state records"): held receives the bytes, out points into it.
 * E_NOT_FOUND when there is none. */
BCEMR_MUST_USE bcemr_status ledger_chain_visit(const ledger_chain *chain, const bcemr_hash *vid,
                                               bcemr_buf *held, bcemr_tr_state_visit *out,
                                               bcemr_error *err);
/* How far a visit has come. */
BCEMR_MUST_USE bcemr_status ledger_chain_progress(const ledger_chain *chain, const bcemr_hash *vid,
                                                  bcemr_tr_state_progress *out, bcemr_error *err);
/* Place i from 1: the signature of the highest k. */
BCEMR_MUST_USE bcemr_status ledger_chain_sign(const ledger_chain *chain, const bcemr_hash *vid,
                                              uint64_t i, bcemr_buf *held, bcemr_tr_state_sign *out,
                                              bcemr_error *err);
BCEMR_MUST_USE bcemr_status ledger_chain_case(const ledger_chain *chain, const bcemr_hash *vid,
                                              bcemr_buf *held, bcemr_tr_state_case *out,
                                              bcemr_error *err);
/* The last enrolment of an ID (its status says whether it is active), and by H(Enrol). */
BCEMR_MUST_USE bcemr_status ledger_chain_enrolment(const ledger_chain *chain, bcemr_span id,
                                                   bcemr_buf *held, bcemr_tr_state_enrolment *out,
                                                   bcemr_error *err);
BCEMR_MUST_USE bcemr_status ledger_chain_enrolment_of(const ledger_chain *chain,
                                                      const bcemr_hash *entry, bcemr_buf *held,
                                                      bcemr_tr_state_enrolment *out,
                                                      bcemr_error *err);
/* Parameters in force at the next block. */
BCEMR_MUST_USE bcemr_status ledger_chain_params(const ledger_chain *chain, bcemr_buf *held,
                                                bcemr_tr_state_params *out, bcemr_error *err);
/* Those that were in force in the block of this height. */
BCEMR_MUST_USE bcemr_status ledger_chain_params_at(const ledger_chain *chain, uint64_t height,
                                                   bcemr_buf *held, bcemr_tr_state_params *out,
                                                   bcemr_error *err);
/* The set in force now, and at a leaf (that leaf included). out: BCEMR_SET_EMPTY at first. */
BCEMR_MUST_USE bcemr_status ledger_chain_set_now(const ledger_chain *chain, bcemr_set *out,
                                                 bcemr_error *err);
BCEMR_MUST_USE bcemr_status ledger_chain_set_at(const ledger_chain *chain, uint64_t leaf,
                                                bcemr_set *out, bcemr_error *err);
/*
 * The set of a number, made of the genesis in leaf 0 and the entries that led to it, each checked
 * by its votes: it rests on the ledger id alone, whoever owns the state. Some milliseconds a change
 * of set. out: BCEMR_SET_EMPTY at first. E_REFUSED with BAD_SET or what does not hold.
 */
BCEMR_MUST_USE bcemr_status ledger_chain_set_walked(const ledger_chain *chain,
                                                    const bcemr_context *context, uint64_t number,
                                                    bcemr_set *out, bcemr_error *err);
/* The set of a number, and the leaf that made it. E_NOT_FOUND. */
BCEMR_MUST_USE bcemr_status ledger_chain_set_numbered(const ledger_chain *chain, uint64_t number,
                                                      bcemr_set *out, uint64_t *leaf,
                                                      bcemr_error *err);
/* The leaf of the Upgrade that made this rule version (0, the genesis, for the first). E_NOT_FOUND
 * beyond the last. */
BCEMR_MUST_USE bcemr_status ledger_chain_upgrade(const ledger_chain *chain, uint64_t version,
                                                 uint64_t *leaf);
/* Leaf of the first entry of kind ("Revoke", "Retire", "Erase") for this key (R, X or a reader's A,
 * vid). */
BCEMR_MUST_USE bcemr_status ledger_chain_stopped(const ledger_chain *chain, const char *kind,
                                                 bcemr_span key, uint64_t *leaf);
/* Leaf of the entry with this hash. */
BCEMR_MUST_USE bcemr_status ledger_chain_landed(const ledger_chain *chain, const bcemr_hash *entry,
                                                uint64_t *leaf);
/* Leaf that a table of marks (state.h) holds under a key of two parts. */
BCEMR_MUST_USE bcemr_status ledger_chain_marked(const ledger_chain *chain, ledger_table table,
                                                bcemr_span a, bcemr_span b, uint64_t *leaf);
/* sigma so far: deltas and credentials of all who signed, of the highest k (section 4). E_NOT_FOUND
 * when nobody has. */
BCEMR_MUST_USE bcemr_status ledger_chain_sigma(const ledger_chain *chain, const bcemr_hash *vid,
                                               bcemr_g1_raw *out, bcemr_error *err);
void ledger_chain_counts(const ledger_chain *chain, ledger_verifier_counts *out);

#endif
