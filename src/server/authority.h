/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authority (the consortium office): genesis, enrolments, retirements, changes of the supernode
 * set (section 2). Pure; no state but the signer's. What it gives out is public.
 */
#ifndef SERVER_AUTHORITY_H
#define SERVER_AUTHORITY_H

#include "server/signer.h"

#include <bcemr/ledger_view.h>
#include <bcemr/proof.h>

typedef struct authority {
    const bcemr_context *context;
    authority_signer signer;
    bcemr_g2_raw p; /* P = s g2 */
} authority;

/* ---- genesis ---- */

/* What the founders agreed on; members are set 0 in their places. thresholds: 1 of 1. */
typedef struct authority_parameters {
    uint64_t reissues;         /* N */
    uint64_t clock_difference; /* ms */
    uint64_t retention;        /* ms */
    bcemr_tr_quotas quotas;
    const bcemr_tr_member *members;
    uint64_t member_count;
} authority_parameters;

/* The hashed part: appends Tr("genesis"); its hash is the ledger id, over which each member makes
 * its proof of possession (bcemr_member_pop, bcemr_pop_make). */
BCEMR_MUST_USE bcemr_status authority_genesis_draft(const authority *a,
                                                    const authority_parameters *parameters,
                                                    bcemr_buf *genesis, bcemr_hash *ledger,
                                                    bcemr_error *err);
/* Leaf 0: Tr("signed"; genesis, the authority's own "pop", then one a member in their places).
 * pops: 112 bytes each. E_REFUSED with BAD_POP (err->index the member) or BAD_GENESIS. */
BCEMR_MUST_USE bcemr_status authority_genesis_sign(const authority *a, bcemr_span genesis,
                                                   const bcemr_span *pops, uint64_t count,
                                                   bcemr_buf *signed_genesis, bcemr_error *err);

/* ---- enrolment ---- */

/* What a doctor or reader asks to be enrolled with. pops: as e_enrol's. */
typedef struct authority_wish {
    bcemr_enrol_kind kind;
    bcemr_span id;
    bcemr_span hospital; /* empty for a reader */
    bcemr_publics keys;  /* a and box alone for a reader */
    int64_t not_before, not_after;
    bcemr_span pops;
} authority_wish;

/* The doctor's (or reader's) side, with the keys at hand: appends pops. */
BCEMR_MUST_USE bcemr_status authority_wish_pops(const bcemr_hash *ledger,
                                                const authority_wish *wish,
                                                const bcemr_secrets *secrets, bcemr_buf *pops,
                                                bcemr_error *err);
/*
 * Checks the proofs of possession and appends the entry Enrol with the credential (for a reader
 * without). A doctor's is then countersigned: hospital_countersign, and by whom else the rules say.
 * E_REFUSED: BAD_POP; BAD_ENROLMENT: validity does not ascend, the hospital is none of the
 * set, the ID is a supernode's.
 */
BCEMR_MUST_USE bcemr_status authority_enrol(const authority *a, const bcemr_ledger_view *ledger,
                                            const authority_wish *wish, bcemr_buf *entry,
                                            bcemr_error *err);
/* A row of signers by the authority under any entry that it signs. out: 48 bytes that the row
 * points to. */
BCEMR_MUST_USE bcemr_status authority_row(const authority *a, bcemr_span entry, bcemr_g1_raw *out,
                                          bcemr_tr_signer *row, bcemr_error *err);
/* Appends Tr("signed"; Retire) of an active enrolment. E_REFUSED NOT_ENROLLED. */
BCEMR_MUST_USE bcemr_status authority_retire(const authority *a, const bcemr_ledger_view *ledger,
                                             bcemr_span doctor, bcemr_buf *signed_entry,
                                             bcemr_error *err);

/* ---- changes of the set ---- */

/* Drafts: append the entry for the set in force now. A Leave's member is named by ID; a Rekey's is
 * the one with member's ID. */
BCEMR_MUST_USE bcemr_status authority_join(const bcemr_ledger_view *ledger,
                                           const bcemr_tr_member *member, bcemr_buf *entry,
                                           bcemr_error *err);
BCEMR_MUST_USE bcemr_status authority_leave(const bcemr_ledger_view *ledger, bcemr_span id,
                                            bcemr_buf *entry, bcemr_error *err);
BCEMR_MUST_USE bcemr_status authority_rekey(const bcemr_ledger_view *ledger,
                                            const bcemr_tr_member *member, bool lost,
                                            bcemr_buf *entry, bcemr_error *err);

/* One supernode's vote (server_vote). */
typedef struct authority_vote {
    bcemr_span id;
    bcemr_g1_raw signature;
} authority_vote;
/*
 * Checks each vote singly, adds the authority's signature and appends Tr("signed"). pop: the new
 * member's for Join and Rekey (its row), else empty. old: the old A's signature for a Rekey whose
 * key is not lost, else NULL. E_REFUSED: BAD_JOINT_SIGNATURE (err->index the vote),
 * NOT_ENOUGH_SIGNERS, BAD_SET, BAD_POP.
 */
BCEMR_MUST_USE bcemr_status authority_change(const authority *a, const bcemr_ledger_view *ledger,
                                             bcemr_span entry, const authority_vote *votes,
                                             uint64_t count, bcemr_span pop,
                                             const bcemr_ed_signature *old, bcemr_buf *signed_entry,
                                             bcemr_error *err);

#endif
