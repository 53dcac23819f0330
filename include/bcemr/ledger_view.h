/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a role looks at the ledger: read-only, through functions that its node supplies (an engine
 * in the same process, a follower that checked everything again, a client of a server). What comes
 * back is appended to a buffer in the one encoding. A state machine asks here and nowhere else.
 */
#ifndef BCEMR_LEDGER_VIEW_H
#define BCEMR_LEDGER_VIEW_H

#include <bcemr/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What holds for the whole ledger as it stands. */
typedef struct bcemr_ledger_facts {
    bcemr_hash ledger;
    bcemr_g2_raw authority;    /* P */
    uint64_t reissues;         /* N in force */
    uint64_t clock_difference; /* ms */
    uint64_t retention;        /* ms */
    uint64_t rules;
    uint64_t size;   /* leaves */
    uint64_t height; /* blocks */
    int64_t tau;     /* of the last leaf */
} bcemr_ledger_facts;

/* For member: the set in force now, not at an earlier leaf. */
#define BCEMR_NOW UINT64_MAX

/*
 * Every function: E_NOT_FOUND when there is none, E_NO_MEMORY, E_IO. Buffers are appended to.
 * Thread safety is that of the node behind it.
 */
typedef struct bcemr_ledger_view {
    void *user;
    bcemr_status (*facts)(void *user, bcemr_ledger_facts *out);
    /* A supernode's row (member) in the set in force at a leaf, by ID. */
    bcemr_status (*member)(void *user, bcemr_span id, uint64_t leaf, bcemr_buf *out);
    /* The whole set in force at a leaf (set). */
    bcemr_status (*set)(void *user, uint64_t leaf, bcemr_buf *out);
    /* The active enrolment of a doctor or reader (e_enrol), and the leaf where it stands. */
    bcemr_status (*enrolment)(void *user, bcemr_span doctor, bcemr_buf *out, uint64_t *leaf);
    /* A visit's leaves from Admit to Seal or as far as it has come: Tr("list"; leaves). */
    bcemr_status (*visit)(void *user, const bcemr_hash *vid, bcemr_buf *out);
    /* Leaf index of the visit's case-header. */
    bcemr_status (*case_header)(void *user, const bcemr_hash *vid, uint64_t *leaf);
    /* Leaf index of a Confirm of this visit by this cloud. */
    bcemr_status (*confirm)(void *user, const bcemr_hash *vid, bcemr_span cloud, uint64_t *leaf);
    /* A leaf, by index; its inclusion proof (inclusion) to the checkpoint below; that checkpoint
     * (cosigned), the newest that the supernodes have signed. */
    bcemr_status (*leaf)(void *user, uint64_t leaf, bcemr_buf *out);
    bcemr_status (*inclusion)(void *user, uint64_t leaf, bcemr_buf *out);
    bcemr_status (*checkpoint)(void *user, bcemr_buf *out);
    /* Leaf index of: a Consent by its cm at a cloud; an Access by its handle at a cloud. */
    bcemr_status (*consent)(void *user, bcemr_span cloud, const bcemr_hash *cm, uint64_t *leaf);
    bcemr_status (*access)(void *user, bcemr_span cloud, const bcemr_bytes16 *handle,
                           uint64_t *leaf);
    /* First leaf of the index `stops` with this kind ("Revoke", "Retire", "Erase") and key (R, X or
     * vid; an Erase at a cloud has that cloud's name in its leaf). */
    bcemr_status (*stop)(void *user, const char *kind, bcemr_span key, uint64_t *leaf);
    /* Leaf of the entry with this hash (H of the inner one). */
    bcemr_status (*landed)(void *user, const bcemr_hash *entry, uint64_t *leaf);
    /* The allowed clock difference, ms, that was in force in the block of this height. */
    bcemr_status (*clock_difference)(void *user, uint64_t height, uint64_t *out);
    /* Leaf index of the Join, Leave or Rekey that made the set of this number (from 1 on); of the
     * Upgrade that made this rule version. */
    bcemr_status (*set_change)(void *user, uint64_t number, uint64_t *leaf);
    bcemr_status (*upgrade)(void *user, uint64_t rules, uint64_t *leaf);
    /* Leaf index of the first entry that used a visit's pkv (Admit) or a grant's R (Consent), for a
     * wallet that looks for its own; or a doctor's X (Enrol), active still or not. */
    bcemr_status (*find)(void *user, const char *kind, bcemr_span key, uint64_t *leaf);
} bcemr_ledger_view;

#ifdef __cplusplus
}
#endif
#endif
