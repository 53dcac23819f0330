/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A patient, or who represents them, as a state machine without I/O (sections 2, 3 and 7): come to
 * a hospital, accept a ticket, show presence, read one's own records, grant, revoke, audit. One
 * 32-byte seed restores all of it. Not thread safe.
 */
#ifndef BCEMR_PATIENT_H
#define BCEMR_PATIENT_H

#include <bcemr/grant.h>
#include <bcemr/ledger_view.h>
#include <bcemr/opening.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The wallet: the seed and how many keys were used. seed: wipe. */
typedef struct bcemr_wallet {
    const bcemr_context *context;
    const bcemr_ledger_view *ledger;
    bcemr_seed seed;
    uint64_t next_visit;
    uint64_t next_grant;
} bcemr_wallet;

/* One visit of the patient's. Free with bcemr_patient_visit_free. */
typedef struct bcemr_patient_visit {
    uint64_t j;
    bcemr_visit_keys keys;
    bcemr_buf identity;
    bcemr_buf ticket; /* V's encoding, once registered */
    bcemr_hash vid;
} bcemr_patient_visit;
void bcemr_patient_visit_free(bcemr_patient_visit *visit);

/* Fresh keys (the wallet's next), and the register message. Errors: E_TOO_LONG, E_TEXT. */
BCEMR_MUST_USE bcemr_status bcemr_patient_register(bcemr_wallet *wallet, bcemr_span identity,
                                                   bcemr_span symptoms, bcemr_patient_visit *visit,
                                                   bcemr_buf *message, bcemr_error *err);
/*
 * Takes the ticket message; recomputes PID; checks V's signature, ledger, keys, clouds, u, N, team
 * (enrolled with these keys, deadlines ahead and ascending). Appends the acceptance.
 * E_REFUSED: BAD_TICKET_SIGNATURE, WRONG_LEDGER, BAD_PSEUDONYM, BAD_TICKET, BAD_TEAM, NOT_ENROLLED.
 */
BCEMR_MUST_USE bcemr_status bcemr_patient_accept(const bcemr_wallet *wallet,
                                                 bcemr_patient_visit *visit, bcemr_span ticket,
                                                 int64_t now, bcemr_buf *acceptance,
                                                 bcemr_error *err);
/* Answers a doctor's nonce: appends presence. The doctor must be in the order in force. */
BCEMR_MUST_USE bcemr_status bcemr_patient_present(const bcemr_wallet *wallet,
                                                  const bcemr_patient_visit *visit,
                                                  bcemr_span doctor, const bcemr_nonce *nonce,
                                                  int64_t now, bcemr_buf *presence,
                                                  bcemr_error *err);

/* The patient's own way into a record: K = e(xv^-1 B, g2), header against case, the case block
 * on the ledger, every signature, then bcemr_record_open. */
BCEMR_MUST_USE bcemr_status bcemr_patient_open(const bcemr_wallet *wallet,
                                               const bcemr_patient_visit *visit, bcemr_span header,
                                               const bcemr_source *payload, const bcemr_run *run,
                                               const bcemr_output *where, bcemr_opened *out,
                                               bcemr_error *err);

/* ---- section 7 ---- */

/* What a grant is to allow. */
typedef struct bcemr_grant_wish {
    bcemr_span doctor;
    bcemr_scope scope;
    int64_t expiry;
    bcemr_span purpose;
    const bcemr_span *clouds; /* each has confirmed every visit */
    uint64_t cloud_count;
    const bcemr_patient_visit *const *visits;
    uint64_t visit_count;
} bcemr_grant_wish;

/* A grant as the patient keeps it. revoker and secrets: wiped by bcemr_patient_grant_free. */
typedef struct bcemr_patient_grant {
    uint64_t j;
    bcemr_ed_secret revoker;
    bcemr_ed_raw revoker_public;
    bcemr_grant_secrets secrets;
    bcemr_buf terms;
    bcemr_buf *posts; /* grant-post, one a cloud in their order */
    uint64_t post_count;
} bcemr_patient_grant;
void bcemr_patient_grant_free(bcemr_patient_grant *grant);

/* Makes the grant and its messages to the clouds. latest = now + one hour. E_REFUSED:
 * NOT_ENROLLED, NOT_A_CLOUD_OF_VISIT, BAD_TERMS (expiry, no visit). */
BCEMR_MUST_USE bcemr_status bcemr_patient_grant_make(bcemr_wallet *wallet,
                                                     const bcemr_grant_wish *wish, int64_t now,
                                                     bcemr_patient_grant *out, bcemr_error *err);
/* Appends the signed entry Revoke. */
BCEMR_MUST_USE bcemr_status bcemr_patient_revoke(const bcemr_wallet *wallet,
                                                 const bcemr_patient_grant *grant, bcemr_buf *entry,
                                                 bcemr_error *err);

/* One access entry that the ledger shows under a grant's handle at a cloud. verdict: VALID;
 * BAD_ACCESS (it does not open: body and request are empty), BAD_REQUEST (not a request of this
 * grant that the doctor signed), REQUEST_SCOPE, BAD_CONSENT, GRANT_EXPIRED, GRANT_REVOKED: then it
 * is the cloud that misbehaved, and the entry says nothing about the doctor. */
typedef struct bcemr_audited {
    bcemr_verdict verdict;
    uint64_t leaf;
    uint64_t j;
    int64_t tau;
    bcemr_span cloud;
    bcemr_tr_access_body body;
    bcemr_tr_access_req request;
} bcemr_audited;
/* Scans j = 0, 1, ... at every cloud of the grant and tells each access, good or bad. The spans
 * live during the call. Errors: the view's, E_NO_MEMORY. */
BCEMR_MUST_USE bcemr_status bcemr_patient_audit(const bcemr_wallet *wallet,
                                                const bcemr_patient_grant *grant,
                                                void (*tell)(void *user, const bcemr_audited *),
                                                void *user, bcemr_error *err);

#ifdef __cplusplus
}
#endif
#endif
