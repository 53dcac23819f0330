/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A visit as its log leaves tell it, from Admit on (sections 3, 4 and 6): the ticket, the order in
 * force, who signed what, the case. Everyone who has to know how a visit stands replays its leaves
 * through this one reader: the hospital and the doctors while it is open, clouds when they confirm,
 * a reader elsewhere from the body of the case block.
 */
#ifndef BCEMR_VISIT_LOG_H
#define BCEMR_VISIT_LOG_H

#include <bcemr/diagnosis.h>
#include <bcemr/visit.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One doctor's signature that counts (the highest k). Spans point into the leaves. */
typedef struct bcemr_signed_diagnosis {
    bcemr_tr_sign context;
    bcemr_hash context_hash;
    bcemr_g1_raw delta;
    uint64_t a;
    uint64_t height;           /* of the entry's block */
    int64_t tau;               /* and its time */
    uint64_t clock_difference; /* ms, in force there; whoever loads the log fills it in */
} bcemr_signed_diagnosis;

typedef struct bcemr_visit_log {
    bcemr_hash ledger;
    bcemr_span ticket; /* V's encoding */
    bcemr_tr_visit visit;
    bcemr_hash vid;
    bcemr_tr_acceptance acceptance;
    bcemr_order order;
    bcemr_span amendments[BCEMR_TEAM_MAX];
    bcemr_hash entries[1 + BCEMR_TEAM_MAX];            /* H(entry): the Admit, then each Amend */
    bcemr_ed_signature signatures[1 + BCEMR_TEAM_MAX]; /* sigma_V, then one an amendment */
    uint64_t signed_count;
    bcemr_signed_diagnosis diagnoses[BCEMR_TEAM_MAX];
    uint64_t pending_reissue; /* place whose diagnosis is asked for again, 0 none */
    uint64_t reissue_reason;
    bool aborted;
    bool sealed;
    bcemr_span record_case; /* the case's encoding once sealed */
    bcemr_span confirmers;
    bcemr_g1_raw confirmation;
    int64_t admitted; /* ledger time of Admit */
    int64_t sealed_at;
} bcemr_visit_log;

/*
 * Replays leaves (a list of leaf transcripts, in log order, starting with the Admit; they must
 * outlive out). Encodings, order and chain are checked, signatures are not (see
 * bcemr_visit_log_signatures), nor what hangs on the clock difference. On refusal out is zeroed.
 * Large: keep it off small stacks. Errors: those of reading; E_REFUSED with BAD_CASE_BLOCK when the
 * leaves do not fit each other, or the verdict of the order.
 */
BCEMR_MUST_USE bcemr_status bcemr_visit_log_read(const bcemr_list *leaves, bcemr_visit_log *out,
                                                 bcemr_error *err);

/*
 * Every signature that a visit's leaves carry, but those of supernodes over the case: sigma_V and
 * the amendments, each under the hospital's A at that entry's leaf (hospital: 1 + amendments keys,
 * in that order), the acceptance, and the deltas in one product.
 * VALID, BAD_TICKET_SIGNATURE, BAD_ACCEPTANCE, BAD_ACCEPTANCE_PROOF, BAD_AMENDMENT_SIGNATURE,
 * BAD_DIAGNOSIS_SIGNATURE, NOT_IN_ORDER, TIME_ORDER; UNDECIDED.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_visit_log_signatures(const bcemr_context *context,
                                                        const bcemr_visit_log *log,
                                                        const bcemr_ed_raw *hospital,
                                                        bcemr_error *err);
/* H(ctx_n) of the last who signed; vid before anyone did. */
const bcemr_hash *bcemr_visit_log_last_context(const bcemr_visit_log *log);
/* True when all of the order in force signed and no reissue is pending. */
bool bcemr_visit_log_complete(const bcemr_visit_log *log);

#ifdef __cplusplus
}
#endif
#endif
