/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hospital as a state machine without I/O (sections 3 to 6): registers patients, gives tickets,
 * shares the group key with each doctor of the order, relays what they hand over, checks the sealed
 * record, collects confirmations and seals. Time is an argument (ms since 1970 UTC), everything
 * else an interface; who calls has authenticated whom it acts for. Not thread safe.
 *
 * A refused or failed step leaves the state as it was, but that a group key run ends at its first
 * fault. Entries go to the outbox; nothing counts before the ledger view shows it.
 *
 * Held in memory: identities, nonces, group keys, and per contribution its place, commitment and
 * keywords; wiped when a visit is forgotten. Durable through the store: contributions (sealed under
 * GK) and the case with the hospital's signature.
 */
#ifndef SERVER_HOSPITAL_H
#define SERVER_HOSPITAL_H

#include "server/outbox.h"
#include "server/signer.h"
#include "server/store.h"

#include <bcemr/ledger_view.h>
#include <bcemr/visit_log.h>

#define HOSPITAL_VISITS_MAX 65536 /* in memory; tickets whose first deadline passed make room */
#define HOSPITAL_RUNS_MAX 1024    /* group key runs at a time */
#define HOSPITAL_RUN_MS 60000     /* how long one may take, unless set up otherwise */

typedef struct hospital hospital;

/* What a hospital works with; all of it outlives the hospital. */
typedef struct hospital_setup {
    bcemr_span id;
    const bcemr_context *context;
    const bcemr_ledger_view *ledger;
    const server_signer *signer;
    const server_outbox *outbox;
    const server_store *store;
    const bcemr_run *run; /* how payloads are gone through; NULL: the defaults */
    int64_t run_ms;       /* 0: HOSPITAL_RUN_MS */
} hospital_setup;

BCEMR_MUST_USE bcemr_status hospital_new(const hospital_setup *setup, hospital **out,
                                         bcemr_error *err);
/* Wipes everything. NULL is allowed. */
void hospital_free(hospital *h);

/* ---- section 2: its doctors ---- */

/* The row of signers by which the hospital countersigns an Enrol of a doctor of its own (or, when a
 * key was lost, as the second supernode: second set). The operator has seen who it is; here the
 * hospital named, ledger, proofs and credential are checked.
 * E_REFUSED: WRONG_LEDGER, BAD_ENROLMENT, BAD_POP, BAD_CREDENTIAL. */
BCEMR_MUST_USE bcemr_status hospital_countersign(hospital *h, bcemr_span enrol, bool second,
                                                 bcemr_ed_signature *out, bcemr_error *err);

/* ---- section 3: registration ---- */

/* A doctor in the order that the hospital chooses. */
typedef struct hospital_place {
    bcemr_span doctor;
    int64_t deadline;
} hospital_place;

/* What the ticket is to say. u: how many clouds must confirm; 0 for the default (all but one where
 * two or more are named). */
typedef struct hospital_plan {
    const hospital_place *team;
    uint64_t team_count;
    const bcemr_span *clouds;
    uint64_t cloud_count;
    uint64_t u;
} hospital_plan;

/*
 * Takes a register message of a patient whose identity was seen; appends the ticket message. Each
 * doctor's keys are those of the active enrolment.
 * E_REFUSED: NOT_ENROLLED (a doctor, err->index), BAD_TEAM (repeated, deadlines not ascending),
 * BAD_TICKET (first deadline not ahead, clouds, u, pkv or Av used before). Errors: the decoding of
 * pkv and Av; E_TOO_MANY.
 */
BCEMR_MUST_USE bcemr_status hospital_register(hospital *h, bcemr_span message,
                                              const hospital_plan *plan, int64_t now,
                                              bcemr_buf *ticket, bcemr_hash *vid, bcemr_error *err);
/* Takes the acceptance of a ticket: Admit goes to the outbox. When the ledger refuses it the ticket
 * is as if nobody had accepted it.
 * E_REFUSED: PAST_DEADLINE, BAD_ACCEPTANCE, BAD_ACCEPTANCE_PROOF, BAD_TICKET (pkv or Av used
 * since). E_NOT_FOUND: no such ticket. */
BCEMR_MUST_USE bcemr_status hospital_accept(hospital *h, const bcemr_hash *vid,
                                            bcemr_span acceptance, int64_t now, bcemr_error *err);

/* ---- section 3: the group key, one run a doctor, in this order ---- */

/* Every step for a doctor, here and in the relay, wants the enrolment that the order names: active,
 * its X and E, valid at the ledger's time. E_REFUSED: DOCTOR_RETIRED, NOT_ENROLLED. */

/* Appends group-hello; *run names the run. An earlier run of this doctor for this visit ends.
 * E_REFUSED: NOT_ADMITTED, NOT_IN_ORDER. */
BCEMR_MUST_USE bcemr_status hospital_group_hello(hospital *h, const bcemr_hash *vid,
                                                 bcemr_span doctor, int64_t now, uint64_t *run,
                                                 bcemr_buf *hello, bcemr_error *err);
/* Takes group-reply, appends group-server. E_REFUSED: RUN_TIMED_OUT, WRONG_ORDER_IN_FORCE (an
 * amendment came meanwhile); E_NOT_FOUND: no such run; E_STATE: not this step; E_DH_ZERO. */
BCEMR_MUST_USE bcemr_status hospital_group_server(hospital *h, uint64_t run, bcemr_span reply,
                                                  int64_t now, bcemr_buf *server, bcemr_error *err);
/* Takes group-doctor, appends group-key only if the doctor's MAC was right (BAD_DOCTOR_MAC). The
 * pair key of this doctor is now that of this run, with counters from 0. */
BCEMR_MUST_USE bcemr_status hospital_group_key(hospital *h, uint64_t run, bcemr_span proof,
                                               int64_t now, bcemr_buf *key, bcemr_error *err);

/* Appends intake under GK of the epoch in force; ad: msg{vid, epoch, the hospital's ID, 0, 0}.
 * E_REFUSED: NOT_ADMITTED, NOT_IN_ORDER. */
BCEMR_MUST_USE bcemr_status hospital_intake(hospital *h, const bcemr_hash *vid, bcemr_span doctor,
                                            bcemr_buf *box, bcemr_error *err);

/* ---- section 4: the relay ---- */

/*
 * Takes a doctor's contribution: bcemr_long_message under GK of the epoch in force, ad =
 * msg{vid, epoch, doctor, place, k}; in clear the length of the head, contribution, documents.
 * Whoever comes next on the ledger, or was asked again, may hand over, any number of times until
 * the Sign is in. Appends receipt and gives the hospital's signature over it, once everything is
 * durable. E_REFUSED: NOT_ADMITTED, NOT_IN_ORDER, REISSUE_NOT_ASKED, PAST_DEADLINE,
 * BAD_SEALED_MESSAGE, BAD_CONTENT, BAD_DOCUMENT, MANIFEST_LIMIT, KEYWORD_LIMIT, BAD_PRESENCE,
 * PRESENCE_TIME.
 */
BCEMR_MUST_USE bcemr_status hospital_take(hospital *h, const bcemr_hash *vid, bcemr_span doctor,
                                          uint64_t k, const bcemr_source *sealed, int64_t now,
                                          bcemr_buf *receipt, bcemr_ed_signature *signature,
                                          bcemr_error *err);
/*
 * Opens the contribution of place (1..signed) for a doctor of the order in force, sealed under GK
 * of its epoch (what was sealed for an earlier epoch is sealed anew first); *k its version. End
 * with hospital_relay_close. E_REFUSED: NOT_ADMITTED, NOT_IN_ORDER; E_NOT_FOUND: it is not here.
 */
BCEMR_MUST_USE bcemr_status hospital_relay(hospital *h, const bcemr_hash *vid, bcemr_span doctor,
                                           uint64_t place, bcemr_source *out, uint64_t *k,
                                           bcemr_error *err);
void hospital_relay_close(hospital *h, bcemr_source *source);

/* A new tail after those who have signed: Amend goes to the outbox.
 * E_REFUSED: NOT_ADMITTED, NOT_ENROLLED, BAD_TEAM, BAD_AMENDMENT_CHAIN (64 already). */
BCEMR_MUST_USE bcemr_status hospital_amend(hospital *h, const bcemr_hash *vid,
                                           const hospital_place *tail, uint64_t count, int64_t now,
                                           bcemr_error *err);
/* Asks the last doctor of the order for another version before the seal: Reissue goes to the
 * outbox. E_REFUSED: NOT_ADMITTED, NOT_ALL_SIGNED, REISSUE_PENDING, REISSUE_LIMIT, PAST_DEADLINE.
 */
BCEMR_MUST_USE bcemr_status hospital_reissue(hospital *h, const bcemr_hash *vid,
                                             bcemr_reissue_reason reason, int64_t now,
                                             bcemr_error *err);
/* Ends a visit without a record: Abort goes to the outbox. NOT_ADMITTED. */
BCEMR_MUST_USE bcemr_status hospital_abort(hospital *h, const bcemr_hash *vid,
                                           bcemr_abort_reason reason, bcemr_error *err);

/* ---- sections 5 and 6: the seal ---- */

/*
 * Takes the last doctor's seal-r in a pair-box, and the payload as a cloud gave it: recomputes B,
 * C, K and kc, opens all, holds it against the ledger. Only then the case is made, signed and made
 * durable; appends confirmation in a pair-box; r is erased. Again for the same record: the same
 * answer. A pair-box counts once; its counter is the next or any above.
 * E_REFUSED: NOT_ADMITTED, NOT_ALL_SIGNED, REISSUE_PENDING, NOT_IN_ORDER (not the last doctor),
 * BAD_SEALED_MESSAGE, BAD_CAPSULE, BAD_CAPSULE_POINT, those of bcemr_record_open, OTHER_CASE.
 */
BCEMR_MUST_USE bcemr_status hospital_check_seal(hospital *h, const bcemr_hash *vid,
                                                bcemr_span doctor, bcemr_span pair_box,
                                                const bcemr_source *payload, int64_t now,
                                                bcemr_buf *answer, bcemr_error *err);
/* Takes a cloud's confirmation, checked singly. E_REFUSED: NOT_ADMITTED, OTHER_CASE,
 * NOT_A_CLOUD_OF_VISIT, BAD_CONFIRMATION; E_STATE before the hospital's own check. */
BCEMR_MUST_USE bcemr_status hospital_confirmation(hospital *h, bcemr_span message,
                                                  bcemr_error *err);
/* When enough clouds confirmed: Seal goes to the outbox. E_REFUSED: NOT_ADMITTED, OTHER_CASE (the
 * order changed since), REISSUE_PENDING, NOT_ENOUGH_SIGNERS. */
BCEMR_MUST_USE bcemr_status hospital_seal(hospital *h, const bcemr_hash *vid, bcemr_error *err);
/* Lets a cloud that V does not name host the record. */
BCEMR_MUST_USE bcemr_status hospital_host(hospital *h, const bcemr_hash *vid, bcemr_span cloud,
                                          bcemr_ed_signature *out, bcemr_error *err);

/* ---- section 7: erasure by retention ---- */

/* Appends erase with the hospital's signature, for clouds, once the retention time has passed
 * (RETENTION_RUNS, NOT_SEALED). */
BCEMR_MUST_USE bcemr_status hospital_erase(hospital *h, const bcemr_hash *vid, int64_t now,
                                           bcemr_buf *erase, bcemr_ed_signature *signature,
                                           bcemr_error *err);
/* Deletes identity, r, r', salts, GK, contributions: of a visit that is over (sealed, aborted, or a
 * ticket never admitted). E_STATE while it runs. */
BCEMR_MUST_USE bcemr_status hospital_forget(hospital *h, const bcemr_hash *vid, bcemr_error *err);

#endif
