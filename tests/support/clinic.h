/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A consortium at work, for tests of the server roles and of whole visits: a ledger, the roles as
 * state machines in memory, doctors 1 to 3 of hospital-1 as a team, doctors 4 and 5 of hospital-2,
 * a patient. Each step is a function that gives the status of who was asked; what cannot fail here
 * aborts. The last refusal is in error.
 */
#ifndef BCEMR_TESTS_CLINIC_H
#define BCEMR_TESTS_CLINIC_H

#include "ledger/chain/chain.h"
#include "server/authority.h"
#include "server/cloud.h"
#include "server/hospital.h"
#include "support/consortium.h"

#include <bcemr/doctor.h>
#include <bcemr/patient.h>

#define CLINIC_NODES 4 /* the set: hospital-1, hospital-2, cloud-1, cloud-2 */
#define CLINIC_DOCTORS 5
#define CLINIC_TEAM 3
#define CLINIC_HOUR 3600000LL

typedef struct clinic_node {
    bcemr_span id;
    server_local_signer local;
    server_signer signer;
    server_memory_outbox *box;
    server_outbox outbox;
    server_memory_store *memory;
    server_store store;
    ledger_cosigner cosigner;
    hospital *hospital;
    cloud *cloud;
} clinic_node;

/* A document in memory. */
typedef struct clinic_file {
    bcemr_buf bytes;
    bcemr_span span; /* of bytes, for sources */
} clinic_file;

typedef struct clinic {
    consortium consortium;
    ledger_chain *chain;
    bcemr_ledger_view view;
    int64_t now;
    authority authority;
    clinic_node nodes[CLINIC_NODES];
    bcemr_doctor doctors[CLINIC_DOCTORS];
    bcemr_doctor_visit *visits[CLINIC_DOCTORS]; /* of whoever joined */
    clinic_file own[CLINIC_DOCTORS];            /* one document each */
    clinic_file parts[CLINIC_DOCTORS][BCEMR_TEAM_MAX];
    bcemr_wallet wallet;
    bcemr_patient_visit visit;
    bcemr_hash vid;
    bcemr_buf header, payload;
    bcemr_span payload_span;
    bcemr_patient_grant grant;
    bcemr_held_grant *held;
    bcemr_hash gid;
    uint64_t first_cloud; /* the visit's clouds: from this node to cloud-2; u: as many, or one */
    uint64_t u;
    bcemr_error error;
} clinic;

/* Keep it where it is: spans and pointers lead into it. */
void clinic_begin(clinic *c);
void clinic_end(clinic *c);

/* All that waits in a node's outbox goes to the ledger, which is cosigned; clouds observe. */
bcemr_status clinic_pump(clinic *c, uint64_t node);
/* A signed entry goes to the ledger. */
bcemr_status clinic_post(clinic *c, bcemr_span signed_entry);
void clinic_checkpoint(clinic *c);

/* Enrols doctor d at a hospital of the set, by the authority and the hospital's role. */
void clinic_enrol(clinic *c, uint64_t d, uint64_t hospital_node);

/* Phase 2. The plan: doctors 1 to 3 with deadlines 8, 9 and 10 hours ahead. */
bcemr_status clinic_register(clinic *c, bcemr_buf *ticket);
bcemr_status clinic_admit(clinic *c);
bcemr_status clinic_join(clinic *c, uint64_t d);
/* Phase 3: everything before the hand-over; the sealed contribution; receipt; Sign on the ledger.
 */
void clinic_prepare(clinic *c, uint64_t d);
void clinic_hand_over(clinic *c, uint64_t d, bcemr_buf *sealed);
bcemr_status clinic_take(clinic *c, uint64_t d, const bcemr_buf *sealed, bcemr_buf *receipt,
                         bcemr_ed_signature *signature);
bcemr_status clinic_sign(clinic *c, uint64_t d, const bcemr_buf *receipt,
                         const bcemr_ed_signature *signature);
/* All of it, for the doctors first..last of the order (places from 0 of the plan). */
void clinic_diagnose(clinic *c, uint64_t first, uint64_t last);
/* Phase 4. */
void clinic_seal(clinic *c, uint64_t d);
bcemr_status clinic_upload(clinic *c, uint64_t node, bcemr_span from, bcemr_buf *confirmation);
bcemr_status clinic_check_seal(clinic *c, uint64_t d);
/* Hospital and the clouds first..last confirm; Seal. */
void clinic_to_sealed(clinic *c, uint64_t first, uint64_t last);
/* Phase 5: a grant of the visit to doctor d by both clouds; Consent of a node; one access. */
void clinic_grant(clinic *c, uint64_t d, uint64_t clouds);
bcemr_status clinic_consent(clinic *c, uint64_t node);
void clinic_ask(clinic *c, uint64_t d, uint64_t node, bcemr_buf *ask);
bcemr_status clinic_access(clinic *c, uint64_t node, const bcemr_buf *ask);

/* The world from the beginning up to a point. */
typedef enum clinic_stage {
    CLINIC_ADMITTED,
    CLINIC_JOINED,
    CLINIC_SIGNED,
    CLINIC_SEALED
} clinic_stage;
void clinic_play(clinic *c, clinic_stage stage);
/* The same after clinic_begin, so that first_cloud and u can be set. */
void clinic_go(clinic *c, clinic_stage stage);

#endif
