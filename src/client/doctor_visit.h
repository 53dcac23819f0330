/* SPDX-License-Identifier: Apache-2.0 */
/* A doctor's visit from the inside; doctor_*.c share it. */
#ifndef BCEMR_CLIENT_DOCTOR_VISIT_H
#define BCEMR_CLIENT_DOCTOR_VISIT_H

#include "client/view.h"

#include <bcemr/doctor.h>

/* What came, under the group key, from one doctor. */
typedef struct doctor_part {
    bool held;
    uint64_t k;
    bcemr_buf head;
    bcemr_tr_contribution contribution; /* points into head */
    bcemr_tr_document *documents;
    uint64_t document_count;
} doctor_part;

typedef enum doctor_step { RUN_NONE, RUN_REPLIED, RUN_PROVED } doctor_step;

/* A run of the group key under way: what it gives counts when it is over, so that a hello that
 * someone replays takes nothing from a doctor who has joined. */
typedef struct doctor_run {
    doctor_step step;
    int64_t started;
    uint64_t epoch;
    bcemr_buf hello;
    bcemr_tr_group transcript; /* points into hello */
    bcemr_group_keys keys;
} doctor_run;

struct bcemr_doctor_visit {
    const bcemr_doctor *doctor;
    doctor_run run;
    /* what the last whole run gave */
    bool named; /* vid is this visit's for good */
    bcemr_hash vid;
    bool joined;
    bcemr_key gk;
    bcemr_group_keys keys;
    uint64_t epoch;
    uint64_t sent, received; /* counters under k_pair */
    bcemr_buf intake_bytes;
    bcemr_tr_intake intake;
    /* the visit as the ledger tells it, loaded before each step that needs it */
    client_visit ledger;
    /* what others added, by place - 1 */
    doctor_part parts[BCEMR_TEAM_MAX];
    /* one's own part */
    bool asked;
    bcemr_nonce nonce;
    bcemr_buf presence;
    bcemr_buf manifest;
    bcemr_tr_document *documents;
    uint64_t document_count;
    bcemr_nonce salt;
    bool handed_over;
    uint64_t handed_place, handed_k, handed_a;
    bcemr_hash commitment;
    bcemr_buf entry; /* the Sign that was made, given again when asked again */
    int64_t entry_time;
    bcemr_ed_secret ssk;
    bcemr_ed_raw svk;
    bool sealed;  /* svk has signed a header: never another */
    bool sealing; /* r and header are held */
    bcemr_secret_scalar r;
    bcemr_buf header;
};

/* Reads the visit anew from the ledger; NOT_ADMITTED when it is aborted as well. */
BCEMR_MUST_USE bcemr_status doctor_refresh(bcemr_doctor_visit *visit, bcemr_error *err);
void doctor_part_free(doctor_part *part);
/* Room for a manifest of length bytes at place (from 1): with those before it, and what must be
 * left for the doctors to come. MANIFEST_LIMIT. */
BCEMR_MUST_USE bcemr_status doctor_manifest_fits(const bcemr_doctor_visit *visit, uint64_t place,
                                                 uint64_t length, bcemr_error *err);
/* The own place in the order in force, 0 when not in it. */
uint64_t doctor_place(const bcemr_doctor_visit *visit);

#endif
