/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A doctor in a visit's team, as a state machine without I/O (sections 3 to 5): join the group,
 * take what came before, see the patient, diagnose, hand over, sign, and, as the last of the
 * order, seal. Messages are the encodings of types.def; whoever drives it carries them. A refused
 * step leaves the state as it was. Not thread safe; one object a visit and doctor.
 */
#ifndef BCEMR_DOCTOR_H
#define BCEMR_DOCTOR_H

#include <bcemr/group_key.h>
#include <bcemr/ledger_view.h>
#include <bcemr/message.h>
#include <bcemr/opening.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Who the doctor is. secrets and id must outlive every visit made from it. */
typedef struct bcemr_doctor {
    const bcemr_context *context;
    const bcemr_ledger_view *ledger;
    const bcemr_secrets *secrets;
    bcemr_publics publics;
    bcemr_span id;
} bcemr_doctor;

typedef struct bcemr_doctor_visit bcemr_doctor_visit;
BCEMR_MUST_USE bcemr_status bcemr_doctor_visit_new(const bcemr_doctor *doctor,
                                                   bcemr_doctor_visit **out);
/* Wipes GK, k_pair, r, ssk and everything else. */
void bcemr_doctor_visit_free(bcemr_doctor_visit *visit);

/* ---- section 3: the group key run ---- */

/*
 * Takes group-hello, appends group-reply. Checks sigma_V and the amendments under the hospital's
 * key in the set in force, the Admit on the ledger, that the order named is the one in force there,
 * and that this doctor stands in it with their own keys.
 * E_REFUSED: BAD_TICKET_SIGNATURE, BAD_AMENDMENT_SIGNATURE, NOT_ADMITTED, WRONG_ORDER_IN_FORCE,
 * NOT_IN_ORDER, WRONG_LEDGER.
 */
BCEMR_MUST_USE bcemr_status bcemr_doctor_hello(bcemr_doctor_visit *visit, bcemr_span hello,
                                               int64_t now, bcemr_buf *reply, bcemr_error *err);
/* Takes group-server, appends group-doctor only if the server's MAC was right (BAD_SERVER_MAC,
 * RUN_TIMED_OUT). */
BCEMR_MUST_USE bcemr_status bcemr_doctor_prove(bcemr_doctor_visit *visit, bcemr_span server,
                                               int64_t now, bcemr_buf *proof, bcemr_error *err);
/* Takes group-key: the doctor now holds GK and k_pair. BAD_SEALED_MESSAGE, WRONG_ORDER_IN_FORCE,
 * RUN_TIMED_OUT; each ends the run. */
BCEMR_MUST_USE bcemr_status bcemr_doctor_group_key(bcemr_doctor_visit *visit, bcemr_span message,
                                                   int64_t now, bcemr_error *err);
/* Takes intake under GK and recomputes PID. BAD_SEALED_MESSAGE, BAD_PSEUDONYM. */
BCEMR_MUST_USE bcemr_status bcemr_doctor_intake(bcemr_doctor_visit *visit, bcemr_span box,
                                                bcemr_error *err);
const bcemr_hash *bcemr_doctor_vid(const bcemr_doctor_visit *visit);
/* Identity and symptoms as the intake told them; empty before. */
bcemr_span bcemr_doctor_identity(const bcemr_doctor_visit *visit);
bcemr_span bcemr_doctor_symptoms(const bcemr_doctor_visit *visit);

/* ---- section 4: diagnosis ---- */

/* Where documents that come from others go, and where they are read again when sealing. index
 * counts the documents of that contribution. */
typedef struct bcemr_documents {
    void *user;
    bcemr_status (*put)(void *user, uint64_t place, uint64_t index,
                        const bcemr_tr_document *document, bcemr_sink *sink);
    bcemr_status (*get)(void *user, uint64_t place, uint64_t index,
                        const bcemr_tr_document *document, bcemr_source *source);
} bcemr_documents;

/* Takes doctor place's contribution (sealed under GK) and keeps its head; documents go to put. A
 * later version (k) replaces an earlier one. BAD_SEALED_MESSAGE, BAD_CONTENT, BAD_DOCUMENT,
 * MANIFEST_LIMIT. */
BCEMR_MUST_USE bcemr_status bcemr_doctor_take(bcemr_doctor_visit *visit, uint64_t place, uint64_t k,
                                              const bcemr_source *sealed, const bcemr_run *run,
                                              const bcemr_documents *documents, bcemr_error *err);
/* A nonce for the patient to sign; their answer, or why there is none. */
BCEMR_MUST_USE bcemr_status bcemr_doctor_ask_presence(bcemr_doctor_visit *visit, bcemr_nonce *nonce,
                                                      bcemr_error *err);
BCEMR_MUST_USE bcemr_status bcemr_doctor_presence(bcemr_doctor_visit *visit, bcemr_span presence,
                                                  int64_t now, bcemr_error *err);
BCEMR_MUST_USE bcemr_status bcemr_doctor_waive(bcemr_doctor_visit *visit, bcemr_waiver reason,
                                               bcemr_error *err);
/*
 * The doctor's own diagnosis: documents (name, media type; length and hash are filled in from
 * sources), keywords (normalised here), references to earlier cases. Draws the salt.
 * E_REFUSED MANIFEST_LIMIT; E_TOO_MANY, E_TEXT, E_REPEATED (a name twice).
 */
BCEMR_MUST_USE bcemr_status
bcemr_doctor_diagnose(bcemr_doctor_visit *visit, bcemr_tr_document *documents,
                      const bcemr_source *sources, uint64_t count, const bcemr_span *keywords,
                      uint64_t keyword_count, const bcemr_tr_reference *references,
                      uint64_t reference_count, const bcemr_run *run, bcemr_error *err);
/*
 * Everything that must hold before signing: own place is next on the ledger, every delta before in
 * one product, every c_j, t_j <= T_j, deadline ahead. Then seals manifest, salt, presence and
 * documents under GK to sink, for the hospital's relay. k is the version that will be signed.
 * E_REFUSED: NOT_IN_ORDER, PAST_DEADLINE, REISSUE_LIMIT, BAD_DIAGNOSIS_SIGNATURE, BAD_COMMITMENT,
 * BAD_PRESENCE, PRESENCE_TIME, TIME_ORDER, E_STATE when a contribution before is missing.
 */
BCEMR_MUST_USE bcemr_status bcemr_doctor_hand_over(bcemr_doctor_visit *visit,
                                                   const bcemr_source *sources, int64_t now,
                                                   const bcemr_run *run, const bcemr_sink *sink,
                                                   bcemr_error *err);
/* The version that was handed over last: what the relay is told beside it. */
uint64_t bcemr_doctor_version(const bcemr_doctor_visit *visit);
/* Takes the hospital's receipt (its encoding and signature), appends the signed entry Sign. For the
 * last of the order svk is drawn here. BAD_ENTRY_SIGNATURE, WRONG_ORDER_IN_FORCE. */
BCEMR_MUST_USE bcemr_status bcemr_doctor_sign(bcemr_doctor_visit *visit, bcemr_span receipt,
                                              const bcemr_ed_signature *signature, int64_t now,
                                              bcemr_buf *entry, bcemr_error *err);
/* Asks the doctor before for another version: appends the signed entry Reissue. */
BCEMR_MUST_USE bcemr_status bcemr_doctor_reissue(bcemr_doctor_visit *visit,
                                                 bcemr_reissue_reason reason, bcemr_buf *entry,
                                                 bcemr_error *err);

/* ---- section 5: the last of the order seals ---- */

/*
 * Content from all contributions (documents by get, one's own from sources), sealed to sink; header
 * appended. Takes place after the own Sign is on the ledger. keeps r until bcemr_doctor_sealed.
 * Once only for a one-time key: E_EXISTS afterwards; the payload made is the one to upload again.
 */
BCEMR_MUST_USE bcemr_status bcemr_doctor_seal(bcemr_doctor_visit *visit,
                                              const bcemr_source *sources,
                                              const bcemr_documents *documents,
                                              const bcemr_run *run, const bcemr_sink *sink,
                                              bcemr_buf *header, bcemr_error *err);
/* seal-r for the hospital under k_pair, as a pair-box. */
BCEMR_MUST_USE bcemr_status bcemr_doctor_show_r(bcemr_doctor_visit *visit, bcemr_buf *pair_box,
                                                bcemr_error *err);
/* The hospital's answer (pair-box with its confirmation): r is erased. BAD_CONFIRMATION. */
BCEMR_MUST_USE bcemr_status bcemr_doctor_sealed(bcemr_doctor_visit *visit, bcemr_span pair_box,
                                                bcemr_error *err);

/* ---- section 7: reading elsewhere ---- */

/* A grant as the doctor holds it: terms, signatures, wrapped opened. Free with _free. */
typedef struct bcemr_held_grant bcemr_held_grant;
/* Takes a grant-offer: wrapped opens, hashes to the terms', gives gid; addressed to this doctor and
 * enrolment. BAD_WRAPPED, BAD_TERMS, WRONG_LEDGER. */
BCEMR_MUST_USE bcemr_status bcemr_doctor_take_offer(const bcemr_doctor *doctor, bcemr_span offer,
                                                    bcemr_held_grant **out, bcemr_error *err);
void bcemr_held_grant_free(bcemr_held_grant *grant);
const bcemr_tr_grant *bcemr_held_grant_terms(const bcemr_held_grant *grant);

/* How many accesses of this grant at this cloud were checked before: the cloud brings later ones.
 */
uint64_t bcemr_held_grant_checked(const bcemr_held_grant *grant, bcemr_span cloud);

/* The encoded request, signed: appends access-ask. visits: a bitmap over the terms' visits. */
BCEMR_MUST_USE bcemr_status bcemr_doctor_ask(const bcemr_doctor *doctor, bcemr_held_grant *grant,
                                             bcemr_span cloud, bcemr_span visits,
                                             bcemr_access_reason reason,
                                             const bcemr_nonce *cloud_nonce, int64_t now,
                                             bcemr_buf *ask, bcemr_error *err);
/*
 * Takes access-answer to the last request and makes checks 1 to 3 of section 7, in that order; what
 * is kept is good for bcemr_doctor_open. E_REFUSED: BAD_TERMS, BAD_GRANT_SIGNATURE,
 * CONSENT_NOT_INCLUDED, BAD_CONSENT, CONSENT_LATE, ACCESS_NOT_INCLUDED, BAD_ACCESS, ACCESS_HIDDEN,
 * GRANT_REVOKED, DOCTOR_RETIRED, CASE_ERASED, GRANT_EXPIRED.
 */
BCEMR_MUST_USE bcemr_status bcemr_doctor_take_answer(const bcemr_doctor *doctor,
                                                     bcemr_held_grant *grant, bcemr_span answer,
                                                     bcemr_error *err);
/* Check 4 for record number index of the answer: opens its payload. See bcemr_record_open; on
 * BAD_KEY_COMMITMENT the fault is told apart: BAD_GRANT_KEY, BAD_REENCRYPTION or BAD_CAPSULE. */
BCEMR_MUST_USE bcemr_status bcemr_doctor_open(const bcemr_doctor *doctor,
                                              const bcemr_held_grant *grant, uint64_t index,
                                              const bcemr_source *payload, const bcemr_run *run,
                                              const bcemr_output *where, bcemr_opened *out,
                                              bcemr_error *err);

/* NFKC and case folding of a keyword, or any text. E_TEXT when it is not UTF-8 or not printable. */
BCEMR_MUST_USE bcemr_status bcemr_normalise_keyword(bcemr_span word, bcemr_buf *out,
                                                    bcemr_error *err);

#ifdef __cplusplus
}
#endif
#endif
