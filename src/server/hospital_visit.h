/* SPDX-License-Identifier: Apache-2.0 */
/* A hospital from the inside; hospital_*.c share it. */
#ifndef SERVER_HOSPITAL_VISIT_H
#define SERVER_HOSPITAL_VISIT_H

#include "server/common.h"
#include "server/hospital.h"

/* What a doctor may hand over for one place and version before the Sign shows which one counts. */
#define HOSPITAL_OFFERS_MAX 4
#define HOSPITAL_EPOCHS (BCEMR_TEAM_MAX + 1)

/* A contribution in the store, sealed under GK of its epoch. */
typedef struct hospital_part {
    uint64_t i, k, epoch;
    bcemr_bytes16 object; /* its name in the store, drawn at random */
    bcemr_hash commitment;
    uint64_t manifest_length;
    bcemr_buf keywords; /* Tr("list") of them */
} hospital_part;

/* What one doctor shares with the server alone, from their last run of the epoch. */
typedef struct hospital_pair {
    bool held;
    uint64_t epoch;
    bcemr_key key;
    uint64_t next_in, next_out;
} hospital_pair;

typedef struct hospital_visit {
    bcemr_hash vid; /* first: the table's key */
    bcemr_buf message;
    bcemr_tr_register patient; /* points into message */
    bcemr_nonce r2;
    bcemr_buf ticket; /* V */
    bcemr_ed_signature signature;
    int64_t first_deadline;
    bool accepted;    /* its Admit is posted: */
    bcemr_hash admit; /* H of that entry */
    bool has_gk[HOSPITAL_EPOCHS];
    bcemr_key gk[HOSPITAL_EPOCHS];
    hospital_pair pairs[BCEMR_TEAM_MAX]; /* by place in the order in force of their epoch */
    hospital_part *parts;
    uint64_t part_count;
    bcemr_buf record_case; /* once checked */
    bcemr_g1_raw confirmation;
    bool confirmed[BCEMR_CLOUDS_MAX];
    bcemr_g1_raw confirmations[BCEMR_CLOUDS_MAX];
} hospital_visit;

typedef enum hospital_stage { STAGE_HELLO, STAGE_SERVER } hospital_stage;

typedef struct hospital_run {
    uint64_t id;
    hospital_visit *visit;
    bcemr_buf doctor;
    uint64_t place, epoch;
    int64_t started;
    hospital_stage stage;
    bcemr_x25519_secret once;
    bcemr_tr_group transcript; /* points into the visit's ticket and into doctor */
    bcemr_group_keys keys;
} hospital_run;

struct hospital {
    hospital_setup setup;
    server_table visits;
    hospital_run *runs[HOSPITAL_RUNS_MAX];
    uint64_t run_count;
    uint64_t last_run;
};

/* E_NOT_FOUND when the hospital holds no such visit. */
BCEMR_MUST_USE bcemr_status hospital_find(hospital *h, const bcemr_hash *vid, hospital_visit **out,
                                          bcemr_error *err);
/* The visit here and on the ledger, admitted and neither sealed nor aborted. */
BCEMR_MUST_USE bcemr_status hospital_open_visit(hospital *h, const bcemr_hash *vid,
                                                hospital_visit **out, client_visit *log,
                                                bcemr_error *err);
/* Whether a doctor of the order in force (place from 1) is enrolled with the keys that it names.
 * E_REFUSED: DOCTOR_RETIRED, NOT_ENROLLED (not active, other keys, not valid at the ledger's time).
 */
BCEMR_MUST_USE bcemr_status hospital_check_doctor(hospital *h, const bcemr_visit_log *log,
                                                  uint64_t place, bcemr_error *err);
/* GK of an epoch; drawn when there is none yet. */
const bcemr_key *hospital_gk(hospital_visit *visit, uint64_t epoch);
/* Ends every run of a visit. */
void hospital_end_runs(hospital *h, const hospital_visit *visit);
void hospital_part_free(hospital_part *part);
/* The part that a signature on the ledger stands for; NULL when it is not here. */
hospital_part *hospital_part_of(hospital_visit *visit, const bcemr_signed_diagnosis *diagnosis);
server_name hospital_part_name(const hospital_visit *visit, const hospital_part *part);
/* Rows of the order for doctors with their active keys; buffers[i] keeps what rows[i] points into.
 */
BCEMR_MUST_USE bcemr_status hospital_rows(hospital *h, const hospital_place *places, uint64_t count,
                                          int64_t now, bcemr_buf *buffers,
                                          bcemr_tr_team_doctor *rows, bcemr_error *err);

#endif
