/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's rules (ledger.md, Entries): which signed entry is accepted on which state, and what
 * it changes. Pure: time and height are inputs; the result depends on nothing else but the state.
 *
 * Order of checks, the same for every entry and part of the rules:
 *   1. it is not over 64 KiB (ENTRY_TOO_LONG), reads (MALFORMED), is of a kind that is posted
 *      (NOT_POSTED) and of this ledger (WRONG_LEDGER);
 *   2. the rows of signers are those of its kind (SIGNER_ROWS; an Enrol's depend on its ID, so they
 *      come after the look at it);
 *   3. the checks that its function states above itself, cheap ones first;
 *   4. signatures: of the rows, then of the fields, in their order.
 * The first that does not hold is the one reason given.
 *
 * A block adds at most LEDGER_INDEX_ROWS_MAX rows to an index; an entry that would add one more is
 * refused with QUOTA after everything else has held, and can come in the next block.
 *
 * Rows of signers, in this order, none else:
 *   Join              authority, set, pop (the new member's)
 *   Leave             authority, set
 *   Rekey             authority, set, pop, and hospital|cloud (old A) unless lost
 *   Upgrade           authority, set
 *   Enrol doctor      hospital (of the enrolment); then for an ID with an active enrolment: doctor
 *                     (old A); for an ID whose last was retired: hospital of that last enrolment
 *                     where it is another, else any second supernode
 *   Enrol reader      authority; then for an ID with an active enrolment: reader (old A)
 *   Retire            authority
 *   Reissue           doctor (i + 1), or hospital when i is the last
 *   Abort             hospital
 *   Consent, Access, Erase   cloud
 *   Admit, Amend, Sign, Seal, Confirm, Revoke   none
 * authority: who empty, BLS; set: who the bitmap, joint BLS; others: who the ID, Ed25519.
 */
#ifndef LEDGER_RULES_H
#define LEDGER_RULES_H

#include "ledger/state/state.h"

#include <bcemr/proof.h>

typedef enum ledger_reason {
#define X(name, number, text) LEDGER_R_##name = (number),
#include "ledger/rules/reasons.def"
#undef X
} ledger_reason;

/* "SIGNED_AFTER" and its text; "UNKNOWN" for another number. Static strings. */
const char *ledger_reason_name(uint32_t reason);
const char *ledger_reason_text(uint32_t reason);

/* ---- claims ---- */

typedef enum ledger_claim_kind {
    LEDGER_CLAIM_BLS,   /* key X (96), purpose, message, signature (48) */
    LEDGER_CLAIM_ED,    /* key A (32), message, signature (64) */
    LEDGER_CLAIM_JOINT, /* key: the X of all who signed, one after the other; signature (48) */
    LEDGER_CLAIM_POK,   /* key pkv (48), message, signature (80) */
    LEDGER_CLAIM_SUM    /* key P (96), message: list of (cred, ctx), signature sigma_n (48) */
} ledger_claim_kind;

/* One statement that must hold for an entry to be accepted, and the reason if it does not. */
typedef struct ledger_claim {
    ledger_claim_kind kind;
    bcemr_purpose purpose;
    bcemr_span key;
    bcemr_span message;
    bcemr_span signature;
    ledger_reason reason;
    uint64_t leaf; /* that its entry will have */
} ledger_claim;

/*
 * Checks claims, remembers those that held by their hash (bounded; forgetting costs time, never
 * changes a result) and the lines of keys seen lately. One thread at a time.
 */
typedef struct ledger_verifier ledger_verifier;
/* remember: how many claims, a power of two from 8 (0: the default, 65,536). */
BCEMR_MUST_USE bcemr_status ledger_verifier_new(ledger_verifier **out, const bcemr_context *context,
                                                const bcemr_parallel *parallel, uint64_t remember);
void ledger_verifier_free(ledger_verifier *verifier);
/* Collects a claim for the next ledger_verifier_run; the bytes are copied. */
BCEMR_MUST_USE bcemr_status ledger_verifier_add(ledger_verifier *verifier,
                                                const ledger_claim *claim);
/* Verifies all that were collected, BLS ones in one batch; remembers those that hold. all: every
 * one holds (also when there was none). */
BCEMR_MUST_USE bcemr_status ledger_verifier_run(ledger_verifier *verifier, bool *all,
                                                bcemr_error *err);
/* The same; out says which of them was the first that does not hold, as they were collected. */
typedef struct ledger_first_bad {
    bool any;
    uint32_t reason;
    uint64_t leaf;
} ledger_first_bad;
BCEMR_MUST_USE bcemr_status ledger_verifier_run_all(ledger_verifier *verifier,
                                                    ledger_first_bad *out, bcemr_error *err);
/* Drops what was collected and not run. */
void ledger_verifier_forget(ledger_verifier *verifier);
/* How many claims wait for the next run. */
uint64_t ledger_verifier_waiting(const ledger_verifier *verifier);
/* Whether a claim holds: remembered, or verified now. */
BCEMR_MUST_USE bcemr_status ledger_verifier_holds(ledger_verifier *verifier,
                                                  const ledger_claim *claim, bool *holds,
                                                  bcemr_error *err);
/* How many claims were verified singly and in batches since it was made, and how many were found.
 */
typedef struct ledger_verifier_counts {
    uint64_t single, batched, remembered;
} ledger_verifier_counts;
void ledger_verifier_count(const ledger_verifier *verifier, ledger_verifier_counts *out);

/* ---- apply ---- */

/* What no entry of a block changes for that block: read once for all of them. */
typedef struct ledger_in_force {
    bcemr_hash ledger;
    bcemr_buf held;
    bcemr_tr_state_params params; /* at the block's height; spans point into held */
    bcemr_tr_quotas quotas;
} ledger_in_force;
/* Of the block of this height, on the state before it. Free with ledger_in_force_free. */
BCEMR_MUST_USE bcemr_status ledger_in_force_load(const ledger_state *state, uint64_t height,
                                                 ledger_in_force *out, bcemr_error *err);
void ledger_in_force_free(ledger_in_force *in_force);

/* What an entry is applied at. */
typedef struct ledger_position {
    uint64_t height;
    int64_t tau;
    uint64_t leaf;                   /* the index that it will have */
    const ledger_in_force *in_force; /* of this height; NULL: read for this entry */
} ledger_position;

/* The row that an accepted entry adds to an index, if any. */
typedef enum ledger_index_name {
    LEDGER_INDEX_NONE,
    LEDGER_INDEX_STOPS,
    LEDGER_INDEX_FINDS
} ledger_index_name;

#define LEDGER_INDEX_ROWS_MAX 100000 /* what Tr("index") can list */

/* What an accepted entry did, for whoever appends it to the log. Free with ledger_effect_free. */
typedef struct ledger_effect {
    bcemr_signed_parts parts;
    ledger_index_name index;
    bcemr_buf index_key;
    bool of_visit; /* a leaf of vid's case body (Admit to Seal) */
    bool sealed;   /* the case header follows */
    bool set_changed;
    bcemr_hash vid;
    uint64_t visit; /* its number in keys (state.h) */
} ledger_effect;
void ledger_effect_free(ledger_effect *effect);

/*
 * Applies a signed entry. state must be in a transaction; on anything but OK what was put must be
 * undone by the caller (mark, undo). effect (owned by the caller; zeroed at first) points into
 * signed_entry.
 * Errors: E_REFUSED with LEDGER_REFUSED and err->reason; anything else is a failure of this node.
 */
BCEMR_MUST_USE bcemr_status ledger_apply(ledger_state *state, ledger_verifier *verifier,
                                         const ledger_position *at, bcemr_span signed_entry,
                                         ledger_effect *effect, bcemr_error *err);
/*
 * claims(entry, state): the same without verifying: collects what would have to hold in verifier
 * and changes the state as if it did. When all that was collected since the last run holds, state
 * and results are those of ledger_apply; when something does not, the caller undoes them.
 */
BCEMR_MUST_USE bcemr_status ledger_claims(ledger_state *state, ledger_verifier *verifier,
                                          const ledger_position *at, bcemr_span signed_entry,
                                          ledger_effect *effect, bcemr_error *err);
/* The fields of cred from an Enrol entry, as its credential signs them. Spans point into it.
 * E_ABSENT for a reader's. */
BCEMR_MUST_USE bcemr_status ledger_cred_of_enrol(const bcemr_tr_e_enrol *enrol_entry,
                                                 bcemr_tr_cred *out);
/* Checks leaf 0 and puts what follows from it. Errors: E_REFUSED with BAD_GENESIS, BAD_POP. */
BCEMR_MUST_USE bcemr_status ledger_apply_genesis(ledger_state *state, const bcemr_context *context,
                                                 bcemr_span signed_genesis, bcemr_hash *ledger,
                                                 bcemr_error *err);

#endif
