/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call can say. Three things are kept apart:
 *
 *   bcemr_status   whether the call did its work (bad input, no memory, a step that was refused);
 *   bcemr_verdict  whether a proof holds; VALID is 0 and every failed check has a name of its own;
 *   ledger reason  why the ledger's rules refuse an entry (ledger/rules/reasons.def), never reused.
 *
 * A function that only checks returns a verdict. A function that makes, reads or computes returns
 * a status. A step of a role, which does both, returns a status: BCEMR_E_REFUSED then says that a
 * check did not hold, and error->verdict (or error->reason, when the ledger spoke) says which.
 */
#ifndef BCEMR_STATUS_H
#define BCEMR_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BCEMR_MUST_USE __attribute__((warn_unused_result))
#else
#define BCEMR_MUST_USE
#endif

/* X(NAME, number, text): numbers are stable, texts are for people. */
#define BCEMR_STATUS_TABLE(X)                                                                      \
    X(OK, 0, "done")                                                                               \
    X(E_REFUSED, 1, "a check did not hold, so nothing was done")                                   \
    X(E_NO_MEMORY, 2, "out of memory: close other programs or give this one more")                 \
    X(E_ARGUMENT, 3, "the caller passed something that the function does not take")                \
    X(E_STATE, 4, "this step does not come now: an earlier one is missing or the run has ended")   \
    X(E_RANDOM, 5, "the system's random source failed")                                            \
    X(E_IO, 6, "reading or writing failed; see the system's message beside this one")              \
    X(E_NOT_FOUND, 7, "what was asked for is not here")                                            \
    X(E_EXISTS, 8, "it exists already and is not overwritten")                                     \
    X(E_INTERRUPTED, 9, "the caller asked to stop")                                                \
    X(E_TRUNCATED, 20, "the input ends before the value does")                                     \
    X(E_TRAILING, 21, "bytes follow where the value should have ended")                            \
    X(E_UNKNOWN_KIND, 22, "the label names no kind that is expected here")                         \
    X(E_UNKNOWN_VERSION, 23, "the kind is known but not this version of it: update the program")   \
    X(E_FIELD_LENGTH, 24, "a field has a length that its type does not allow")                     \
    X(E_TOO_LONG, 25, "the value is over its limit")                                               \
    X(E_TOO_SHORT, 26, "the value is under its minimum")                                           \
    X(E_TOO_MANY, 27, "the list has more items than its limit")                                    \
    X(E_TOO_FEW, 28, "the list has fewer items than it needs")                                     \
    X(E_INTEGER_RANGE, 29, "an integer is outside the range of its field")                         \
    X(E_UNKNOWN_VALUE, 30, "an integer names none of the values of its table")                     \
    X(E_TEXT, 31, "a text is not valid UTF-8 or holds control characters")                         \
    X(E_ABSENT, 32, "a field that must be there is empty")                                         \
    X(E_BITMAP, 33, "a bitmap has the wrong length or a spare bit set")                            \
    X(E_UNSORTED, 34, "a list that must ascend does not")                                          \
    X(E_REPEATED, 35, "a list that must not repeat an item does")                                  \
    X(E_POINT_ENCODING, 50, "a point is not in its canonical compressed form")                     \
    X(E_POINT_NOT_ON_CURVE, 51, "a point is not on its curve")                                     \
    X(E_POINT_NOT_IN_GROUP, 52, "a point is outside the prime-order subgroup")                     \
    X(E_POINT_IDENTITY, 53, "a point is the identity")                                             \
    X(E_SCALAR_ZERO, 54, "a scalar is zero")                                                       \
    X(E_SCALAR_RANGE, 55, "a scalar is not below the group's order")                               \
    X(E_X25519_ENCODING, 56, "an X25519 key is not below the field's prime")                       \
    X(E_X25519_SMALL_ORDER, 57, "an X25519 key has small order")                                   \
    X(E_ED25519_ENCODING, 58, "an Ed25519 key is not canonical")                                   \
    X(E_ED25519_SMALL_ORDER, 59, "an Ed25519 key has small order or is off the main subgroup")     \
    X(E_DH_ZERO, 60, "a Diffie-Hellman result is zero")                                            \
    X(E_SEED_LENGTH, 61, "a seed is not 32 bytes")                                                 \
    X(E_KEY_MISMATCH, 62, "the secret and the public key do not belong together")                  \
    X(E_PASSPHRASE, 70, "the passphrase does not open this key file, or the file was changed")     \
    X(E_PERMISSIONS, 71, "others may read this file: chmod 600 it, and think of it as seen")       \
    X(E_ROLE, 72, "the key file belongs to another role")                                          \
    X(E_COST, 73, "the key file asks for more work or memory than is sensible")                    \
    X(E_CHECKSUM, 74, "the checksum does not fit: a word is wrong or two are swapped")             \
    X(E_IN_USE, 80, "another process has it open for writing: stop that one first")                \
    X(E_SCHEMA, 81, "the database was made by a newer version of this program: update it")         \
    X(E_NOT_A_LEDGER, 82, "the file is not the database of a ledger")                              \
    X(E_FULL, 83, "no room is left on the disk: nothing was acknowledged; make room, start again") \
    X(E_DAMAGED, 84, "the database is damaged: run bcemr ledger verify, then restore or follow")   \
    X(E_STOPPED, 85, "a write failed, so nothing more is acknowledged: start this node again")     \
    X(E_BUSY, 86, "too much is waiting already: try again later")                                  \
    X(E_TIMED_OUT, 87, "no answer came in time")                                                   \
    X(E_NO_ACCESS, 88, "this user may not read or write here: see the owner and mode of it")

typedef enum bcemr_status {
#define X(name, number, text) BCEMR_##name = (number),
    BCEMR_STATUS_TABLE(X)
#undef X
} bcemr_status;

/* X(NAME, number, text): a check that can fail, named by what does not hold. */
#define BCEMR_VERDICT_TABLE(X)                                                                     \
    X(VALID, 0, "holds")                                                                           \
    X(UNDECIDED, 1, "the check could not be run; the status says why")                             \
    X(BAD_POP, 10, "a proof of possession does not fit its key")                                   \
    X(BAD_CREDENTIAL, 11, "the credential was not issued by the authority for these keys")         \
    X(BAD_ENTRY_SIGNATURE, 12, "a signature over a ledger entry does not hold")                    \
    X(BAD_JOINT_SIGNATURE, 13, "a joint signature does not hold for the members named")            \
    X(NOT_ENOUGH_SIGNERS, 14, "fewer signed than must")                                            \
    X(NOT_ENROLLED, 15, "no active enrolment with these keys")                                     \
    X(WRONG_LEDGER, 16, "it belongs to another ledger")                                            \
    X(BAD_GENESIS, 17, "the genesis does not hold together")                                       \
    X(BAD_ENROLMENT, 18, "an enrolment's fields contradict each other or the set")                 \
    X(BAD_TICKET_SIGNATURE, 30, "the hospital's signature on the ticket does not hold")            \
    X(BAD_TICKET, 31, "the ticket's fields contradict each other or what was agreed")              \
    X(BAD_PSEUDONYM, 32, "the pseudonym is not that of this identity and these nonces")            \
    X(BAD_ACCEPTANCE, 33, "the patient's acceptance signature does not hold")                      \
    X(BAD_ACCEPTANCE_PROOF, 34, "the proof that the patient holds the visit's key does not hold")  \
    X(BAD_AMENDMENT_SIGNATURE, 35, "the hospital's signature on an amendment does not hold")       \
    X(BAD_AMENDMENT_CHAIN, 36, "an amendment does not follow the order in force")                  \
    X(BAD_TEAM, 37, "a doctor stands twice in the order, or a deadline does not ascend")           \
    X(NOT_IN_ORDER, 38, "this doctor does not come now, or not in this order")                     \
    X(NOT_ADMITTED, 39, "the ledger holds no such visit, or it is no longer open")                 \
    X(WRONG_ORDER_IN_FORCE, 40, "the message speaks of another order than the one in force")       \
    X(BAD_SERVER_MAC, 41, "the server did not prove its part of the group key run")                \
    X(BAD_DOCTOR_MAC, 42, "the doctor did not prove their part of the group key run")              \
    X(BAD_SEALED_MESSAGE, 43, "a message does not decrypt under its key and place")                \
    X(RUN_TIMED_OUT, 44, "the run took too long")                                                  \
    X(BAD_PRESENCE, 50, "the proof of the patient's presence does not hold")                       \
    X(PRESENCE_TIME, 51, "the presence lies outside the time of the visit and the diagnosis")      \
    X(BAD_COMMITMENT, 52, "a diagnosis does not hash to its commitment")                           \
    X(BAD_DOCUMENT, 53, "a document has another length or hash than its manifest says")            \
    X(BAD_DIAGNOSIS_SIGNATURE, 54, "a doctor's diagnosis signature does not hold")                 \
    X(BAD_MULTISIGNATURE, 55, "the sequential multisignature does not hold")                       \
    X(PAST_DEADLINE, 56, "the deadline has passed")                                                \
    X(TIME_ORDER, 57, "a time does not follow the one before it, or lies ahead of the clock")      \
    X(REISSUE_LIMIT, 58, "no further reissue is allowed")                                          \
    X(REISSUE_NOT_ASKED, 59, "a new version was signed without a reissue on the ledger")           \
    X(MANIFEST_LIMIT, 60, "the manifests leave no room for the doctors to come")                   \
    X(KEYWORD_LIMIT, 61, "the visit has more keywords than a record can hold")                     \
    X(BAD_CAPSULE, 70, "the capsule was not made for this patient's key")                          \
    X(BAD_CAPSULE_POINT, 71, "the capsule's second point does not fit its first")                  \
    X(BAD_KEY_COMMITMENT, 72, "the key does not fit its commitment")                               \
    X(BAD_CHUNK, 73, "a chunk of the payload does not decrypt")                                    \
    X(BAD_ROOT, 74, "the payload does not hash to its root")                                       \
    X(BAD_LENGTH, 75, "the payload has another length than the header says")                       \
    X(BAD_SEAL_SIGNATURE, 76, "the one-time signature over the header does not hold")              \
    X(WRONG_SEAL_KEY, 77, "the header's one-time key is not the one the last doctor signed")       \
    X(BAD_TAGS, 78, "the keyword tags are not those of the diagnoses")                             \
    X(BAD_CONTENT, 79, "the content's parts do not fit each other")                                \
    X(CONTENT_NOT_CASE, 80, "the content is not that of the case block")                           \
    X(HEADER_NOT_CASE, 81, "the record's header is not that of the case")                          \
    X(OTHER_CASE, 82, "another case is sealed for this visit")                                     \
    X(BAD_CONFIRMATION, 83, "a confirmation of the case does not hold")                            \
    X(REISSUE_PENDING, 84, "a reissue is pending")                                                 \
    X(NOT_SEALED, 85, "the case is not sealed yet")                                                \
    X(NOT_A_CLOUD_OF_VISIT, 86, "this cloud is not named for the visit")                           \
    X(NOT_ENTITLED, 87, "who asks may not have this, or not yet")                                  \
    X(NOT_ALL_SIGNED, 88, "not every doctor of the order has signed")                              \
    X(RECORD_REPEATED, 89, "another record was taken under this one-time key")                     \
    X(BAD_GRANT_SIGNATURE, 100, "a visit's signature under the terms does not hold")               \
    X(BAD_GRANT_KEY, 101, "the grant's re-encryption key does not fit its terms")                  \
    X(BAD_TERMS, 102, "the terms contradict each other or what was asked")                         \
    X(BAD_WRAPPED, 103, "the wrapped secret does not open or is not the one of the terms")         \
    X(GRANT_REPEATED, 104, "this grant was taken before")                                          \
    X(GRANT_EXPIRED, 105, "the grant has expired")                                                 \
    X(GRANT_REVOKED, 106, "the grant was revoked")                                                 \
    X(DOCTOR_RETIRED, 107, "the doctor's enrolment was retired")                                   \
    X(CASE_ERASED, 108, "the record was erased")                                                   \
    X(BAD_CONSENT, 109, "the consent entry is not that of these terms at this cloud")              \
    X(CONSENT_LATE, 110, "the consent came after its latest time")                                 \
    X(CONSENT_NOT_INCLUDED, 111, "the consent is not proven to be on the ledger")                  \
    X(BAD_REQUEST, 112, "the access request's signature or fields do not hold")                    \
    X(REQUEST_SCOPE, 113, "the request goes beyond the grant")                                     \
    X(ACCESS_NOT_INCLUDED, 114, "the access entry is not proven to be on the ledger")              \
    X(BAD_ACCESS, 115, "the access entry does not open to this request")                           \
    X(ACCESS_HIDDEN, 116, "an earlier access is missing from the ledger")                          \
    X(BAD_REENCRYPTION, 117, "the cloud's re-encryption is wrong")                                 \
    X(BAD_CONSENT_POST, 118, "the signature that lets this cloud post the consent does not hold")  \
    X(REQUEST_REPLAYED, 119, "the request does not carry the nonce or time of this exchange")      \
    X(NOT_SUPPORTED, 120, "this kind of grant or request is not served here yet")                  \
    X(NO_SUCH_GRANT, 121, "no such grant is in effect at this cloud")                              \
    X(BAD_ERASURE, 122, "the signature that asks for the erasure does not hold")                   \
    X(RETENTION_RUNS, 123, "the retention time has not passed yet")                                \
    X(BAD_INCLUSION, 130, "an inclusion proof does not hold")                                      \
    X(BAD_CONSISTENCY, 131, "a consistency proof does not hold")                                   \
    X(BAD_CHECKPOINT, 132, "a checkpoint is not signed by enough of its set")                      \
    X(BAD_SET, 133, "the supernode set does not follow from the genesis")                          \
    X(BAD_CASE_BLOCK, 134, "the case block does not fit its header")                               \
    X(BAD_INDEX, 135, "the index does not add up to its head")                                     \
    X(STALE_PROOF, 136, "the proof is to an older checkpoint than one seen before")                \
    X(FORK, 137, "two parts of the ledger contradict each other: keep the evidence and tell")      \
    X(BAD_GUILT, 138, "what is shown proves nobody guilty")                                        \
    X(BAD_LEAF, 139, "a leaf is not the one that the root was made of")                            \
    X(BAD_DATABASE, 140, "what the database keeps is not what its own log gives")                  \
    X(BAD_CASE_FILE, 141, "the case file holds too little, too much, or not in its order")         \
    X(BAD_UPGRADE, 142, "parameters do not follow from the ones before them")                      \
    X(CLOCK_DIFFERENCE, 143, "a time lies further from the ledger's than clocks may differ")       \
    X(LEDGER_REFUSED, 150, "the ledger's rules refuse the entry; the reason says why")

typedef enum bcemr_verdict {
#define X(name, number, text) BCEMR_##name = (number),
    BCEMR_VERDICT_TABLE(X)
#undef X
} bcemr_verdict;

/*
 * Where and why something failed. Every function that takes one accepts NULL. object and field are
 * static strings (the names of the table of types), index is the item of a list or UINT64_MAX,
 * offset the byte of the input or UINT64_MAX. reason is a ledger reason, 0 when the ledger did not
 * speak.
 */
typedef struct bcemr_error {
    bcemr_status status;
    bcemr_verdict verdict;
    uint32_t reason;
    const char *object;
    const char *field;
    uint64_t index;
    uint64_t offset;
} bcemr_error;

#define BCEMR_NOWHERE UINT64_MAX

/* Name ("BCEMR_E_TRUNCATED" without its prefix) and text of a status or verdict. Static strings;
 * an unknown number gives "UNKNOWN" and a text that says so. Thread safe. */
const char *bcemr_status_name(bcemr_status status);
const char *bcemr_status_text(bcemr_status status);
const char *bcemr_verdict_name(bcemr_verdict verdict);
const char *bcemr_verdict_text(bcemr_verdict verdict);

#ifdef __cplusplus
}
#endif
#endif
