/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cloud as a state machine without I/O (sections 6 and 7): takes records and confirms them, takes
 * grants and logs their consents, answers requests by re-encryption after their access is logged,
 * forgets on revocation, retirement and erasure. Time is an argument (ms since 1970 UTC),
 * everything else an interface. Where a caller is named (who, from), who calls has authenticated
 * it. Not thread safe. A refused or failed step leaves the state as it was.
 *
 * Left for later, refused by name (NOT_SUPPORTED): grants to more than one cloud at a time (t > 1),
 * search-only and emergency grants, search requests.
 */
#ifndef SERVER_CLOUD_H
#define SERVER_CLOUD_H

#include "server/outbox.h"
#include "server/signer.h"
#include "server/store.h"

#include <bcemr/ledger_view.h>
#include <bcemr/visit_log.h>

#define CLOUD_RECORDS_MAX 65536
#define CLOUD_GRANTS_MAX 65536
#define CLOUD_NONCES_MAX 4096
#define CLOUD_NONCES_EACH 4   /* for one who asks; a fifth takes the place of their oldest */
#define CLOUD_NONCE_MS 300000 /* how long one is good, unless set up otherwise */

typedef struct cloud cloud;

/* What a cloud works with; all of it outlives the cloud. */
typedef struct cloud_setup {
    bcemr_span id;
    const bcemr_context *context;
    const bcemr_ledger_view *ledger;
    const server_signer *signer;
    const server_outbox *outbox;
    const server_store *store;
    const bcemr_run *run; /* how payloads are gone through; NULL: the defaults */
    int64_t nonce_ms;     /* 0: CLOUD_NONCE_MS */
} cloud_setup;

BCEMR_MUST_USE bcemr_status cloud_new(const cloud_setup *setup, cloud **out, bcemr_error *err);
void cloud_free(cloud *c); /* wipes rk, ka; NULL is allowed */

/* ---- section 6: records ---- */

/*
 * Takes a record from its last doctor, the visit's hospital or a cloud of the visit (from, their
 * ID); host: for a cloud that V does not name, the signature over host of Av or the hospital
 * (host_by), else NULL. The payload is read once and stored. Appends confirmation. The same record
 * again: the same answer, without another pairing. E_REFUSED, in this order: NOT_ADMITTED (unknown,
 * aborted), NOT_A_CLOUD_OF_VISIT, NOT_ENTITLED (from), NOT_ALL_SIGNED, REISSUE_PENDING,
 * CASE_ERASED, WRONG_SEAL_KEY, BAD_SEAL_SIGNATURE, OTHER_CASE, RECORD_REPEATED, BAD_CAPSULE,
 * BAD_LENGTH, BAD_ROOT.
 */
typedef struct cloud_upload {
    bcemr_hash vid;
    bcemr_span from;
    bcemr_span header;
    const bcemr_source *payload;
    bcemr_asker host_by;
    const bcemr_ed_signature *host;
} cloud_upload;
BCEMR_MUST_USE bcemr_status cloud_take_record(cloud *c, const cloud_upload *upload,
                                              bcemr_buf *confirmation, bcemr_error *err);
/* After the Seal, for a record taken that the Seal does not count: Confirm goes to the outbox.
 * E_REFUSED: NOT_SEALED, HEADER_NOT_CASE, CASE_ERASED, NOT_A_CLOUD_OF_VISIT
 * (the host signature is not of the hospital's key as it is now: after its Rekey take the record
 * again, with a fresh one); E_EXISTS: it counts already. */
BCEMR_MUST_USE bcemr_status cloud_confirm(cloud *c, const bcemr_hash *vid, bcemr_error *err);

/* Who reads: a supernode or a patient's session by its key Av, or a doctor with an answered access.
 */
typedef enum cloud_reader_kind {
    CLOUD_READER_MEMBER,  /* who: the supernode's ID */
    CLOUD_READER_PATIENT, /* who: Av, 32 bytes */
    CLOUD_READER_DOCTOR   /* who: the doctor's ID */
} cloud_reader_kind;
/*
 * Opens a record: its header is appended, its payload to be read and ended with cloud_read_close.
 * Until the Seal V's hospital only; then V's hospital and clouds, Av, and doctors whose access was
 * answered and whose grant is in effect as the ledger stands. E_REFUSED: NOT_ENTITLED,
 * GRANT_EXPIRED, GRANT_REVOKED, DOCTOR_RETIRED, NOT_ENROLLED, CASE_ERASED, HEADER_NOT_CASE.
 */
BCEMR_MUST_USE bcemr_status cloud_read(cloud *c, const bcemr_hash *vid, cloud_reader_kind kind,
                                       bcemr_span who, int64_t now, bcemr_buf *header,
                                       bcemr_source *payload, bcemr_error *err);
void cloud_read_close(cloud *c, bcemr_source *payload);

/* ---- section 7: grants ---- */

/*
 * Takes grant-post: Consent goes to the outbox; the grant is in effect when it is on the ledger.
 * E_REFUSED, in this order: NOT_SUPPORTED, WRONG_LEDGER, BAD_TERMS, BAD_WRAPPED, GRANT_REPEATED,
 * GRANT_EXPIRED, NOT_ENROLLED, GRANT_REVOKED, CONSENT_LATE, BAD_CONSENT_POST; then visit by visit
 * (err->index), up to the first that is bad, NOT_ADMITTED, NOT_SEALED, CASE_ERASED,
 * NOT_A_CLOUD_OF_VISIT, BAD_GRANT_SIGNATURE; then BAD_GRANT_KEY (err->index the visit).
 * The same grant-post again while its Consent was refused or waits: it is posted again.
 */
BCEMR_MUST_USE bcemr_status cloud_take_grant(cloud *c, bcemr_span grant_post, int64_t now,
                                             bcemr_error *err);
/* The n-th grant in effect made to a doctor: appends grant-offer. E_NOT_FOUND when there are not so
 * many. */
BCEMR_MUST_USE bcemr_status cloud_offer(cloud *c, bcemr_span doctor, uint64_t n, int64_t now,
                                        bcemr_buf *offer, bcemr_error *err);

/* A fresh nonce for a request of who asks (a doctor's ID, or a visit's Av, 32 bytes): good for one
 * request of theirs alone, and not for long. Nobody can use up those of others: when all places are
 * taken the oldest nonce of all goes. */
BCEMR_MUST_USE bcemr_status cloud_nonce(cloud *c, bcemr_span who, int64_t now, bcemr_nonce *out,
                                        bcemr_error *err);

/*
 * Takes access-ask: one Access for the request goes to the outbox; *gid names the grant for
 * cloud_answer. E_STATE while an earlier access of this grant is not on the ledger yet.
 * E_REFUSED, in this order: WRONG_LEDGER, BAD_REQUEST (cloud, fields), NO_SUCH_GRANT,
 * NOT_SUPPORTED, REQUEST_SCOPE (bitmap, kind), DOCTOR_RETIRED, NOT_ENROLLED, BAD_REQUEST
 * (signature), REQUEST_REPLAYED (nonce, time), GRANT_EXPIRED, GRANT_REVOKED, CASE_ERASED.
 */
BCEMR_MUST_USE bcemr_status cloud_access(cloud *c, bcemr_span access_ask, int64_t now,
                                         bcemr_hash *gid, bcemr_error *err);
/*
 * Answers the last request of a grant, once its Access is proven to be on the ledger: appends
 * access-answer, with the earlier accesses from number first on (what the doctor has not checked
 * yet; 0 for all). E_REFUSED: ACCESS_NOT_INCLUDED (not on the ledger or under no checkpoint yet),
 * CONSENT_NOT_INCLUDED, GRANT_REVOKED, DOCTOR_RETIRED, CASE_ERASED, GRANT_EXPIRED; E_STATE when
 * there is no request.
 */
BCEMR_MUST_USE bcemr_status cloud_answer(cloud *c, const bcemr_hash *gid, uint64_t first,
                                         bcemr_buf *answer, bcemr_error *err);

/*
 * A patient's own request (own-req and Av's signature over it). RECORD: appends the record's
 * header; the payload is read by cloud_read as the patient. GRANTS: appends a list of grant-offer,
 * one a grant over this visit. E_REFUSED: WRONG_LEDGER, BAD_REQUEST, REQUEST_REPLAYED, CASE_ERASED,
 * NOT_SUPPORTED (SEARCH); E_NOT_FOUND.
 */
BCEMR_MUST_USE bcemr_status cloud_own(cloud *c, bcemr_span request,
                                      const bcemr_ed_signature *signature, int64_t now,
                                      bcemr_buf *answer, bcemr_error *err);

/* ---- what the ledger says meanwhile ---- */

/*
 * Goes through the leaves that came since the last call: Revoke, Retire and Erase delete rk and ka;
 * Amend, Reissue, Abort and a Seal of another case drop an upload; expired grants lose their keys.
 * Call it after every block. Every step looks at the ledger itself, so a late call costs nothing
 * but time during which keys are still held.
 */
BCEMR_MUST_USE bcemr_status cloud_observe(cloud *c, int64_t now, bcemr_error *err);

/*
 * Erases a record on request (erase and its signature, of Av, or of V's hospital once the retention
 * time has passed by the ledger's time): Erase goes to the outbox; then payload, capsule, rk go, ka
 * with the last visit of its grant. From the first on the record is not given out; when the second
 * was cut short, this again or cloud_observe finishes it.
 * E_REFUSED: WRONG_LEDGER, NOT_SEALED, BAD_ERASURE, RETENTION_RUNS; E_NOT_FOUND.
 */
BCEMR_MUST_USE bcemr_status cloud_erase(cloud *c, bcemr_span erase, bcemr_asker by,
                                        const bcemr_ed_signature *signature, int64_t now,
                                        bcemr_error *err);

#endif
