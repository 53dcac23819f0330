/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A consortium with a ledger, for tests of rules and chain: makes each kind of entry as it should
 * be, so that a test changes one thing and sees the one reason. Include after cmocka.h.
 */
#ifndef BCEMR_TESTS_LEDGER_WORLD_H
#define BCEMR_TESTS_LEDGER_WORLD_H

#include "ledger/chain/chain.h"
#include "support/consortium.h"

#include <bcemr/diagnosis.h>

#define WORLD_START ((int64_t)1700000000000) /* the clock at first */
#define WORLD_HOUR ((int64_t)3600000)
#define WORLD_DOCTORS 4 /* enrolled at first: doctor-1 to doctor-4, at hospital-1 */

typedef struct world {
    consortium c;
    ledger_chain *chain;
    int64_t clock;
    bcemr_buf signed_entry; /* the last one made */
    bcemr_error err;
    const bcemr_secrets *voters[BCEMR_SET_MAX]; /* of the set as the test has made it */
    uint64_t places;
    consortium_node renewed; /* room for a Rekey's new row */
} world;

/* quota: of each kind, 0 for plenty. Doctors are enrolled. */
void world_begin(world *w, uint64_t quota);
void world_end(world *w);

/* Submits the entry as a block of its own, a second later. 0 or the reason; aborts on failures. */
uint32_t world_submit(world *w, bcemr_span signed_entry);
uint32_t world_post(world *w, const bcemr_type *type, const void *value, const consortium_row *rows,
                    uint64_t count);
/* The time that the next world_submit's block will have. */
int64_t world_next(const world *w);

/* ---- rows ---- */

consortium_row world_authority(const world *w);
consortium_row world_votes(const world *w, uint64_t votes);
consortium_row world_node_row(const world *w, int node);
consortium_row world_doctor_row(const world *w, int doctor);
consortium_row world_pop(const consortium_node *node);

/* ---- sets ---- */

/* The next number and the hash of the set in force. */
void world_set_now(const world *w, uint64_t *number, bcemr_hash *hash);
/* Each posts with all that may vote; 0 or the reason. */
uint32_t world_join(world *w, const consortium_node *node);
uint32_t world_leave(world *w, int place);
/* An encoded member; the buffer is the caller's. */
bcemr_span world_member(const bcemr_tr_member *member, bcemr_buf *held);

/* ---- enrolments ---- */

uint32_t world_enrol(world *w, int doctor, const char *hospital);
uint32_t world_retire(world *w, int doctor);

/* ---- visits ---- */

typedef struct world_visit {
    bcemr_visit_keys keys;
    bcemr_tr_visit v; /* change, then world_visit_seal */
    bcemr_span clouds[3];
    bcemr_tr_team_doctor team[CONSORTIUM_DOCTORS];
    int doctors[CONSORTIUM_DOCTORS]; /* who stands at each place of the order in force */
    uint64_t count;
    bcemr_ed_secret ssk;
    bcemr_ed_raw svk;
    bcemr_buf encoding, acceptance_held;
    bcemr_hash vid;
    bcemr_hash order;
    bcemr_buf amend_held, case_held;
    bcemr_tr_amend amend;
    bcemr_tr_team_doctor tail[CONSORTIUM_DOCTORS];
} world_visit;

/* A visit of the doctors 0..count-1 at hospital-1 with both clouds and u = 1; number gives it keys
 * of its own. Deadlines an hour apart. */
void world_visit_make(const world *w, uint64_t number, uint64_t count, world_visit *out);
void world_visit_free(world_visit *visit);
/* The team's row of a doctor. */
bcemr_tr_team_doctor world_team(const world *w, int doctor, int64_t deadline);
/* V's encoding and vid, from v as it is now, and a valid Admit. */
void world_admit(const world *w, world_visit *visit, bcemr_tr_e_admit *out);
uint32_t world_post_admit(world *w, world_visit *visit);

/* amend as the next one with tail (count doctors, from the visit's tail): change visit->amend, then
 * world_amend_sign. */
void world_amend(const world *w, world_visit *visit, const int *doctors, uint64_t count);
void world_amend_sign(const world *w, world_visit *visit, bcemr_tr_e_amend *out);
uint32_t world_post_amend(world *w, world_visit *visit, const int *doctors, uint64_t count);

/* Place i signs version k now. */
void world_sign(const world *w, const world_visit *visit, uint64_t i, uint64_t k,
                bcemr_tr_e_sign *out);
/* Signs anew for the fields as they are: order and X as the ledger has them. */
void world_sign_again(const world *w, const world_visit *visit, bcemr_tr_e_sign *sign);
uint32_t world_post_sign(world *w, const world_visit *visit, uint64_t i, uint64_t k);
uint32_t world_post_reissue(world *w, const world_visit *visit, uint64_t i, uint64_t k);
uint32_t world_post_abort(world *w, const world_visit *visit);

/* The case as the ledger's own state gives it. */
void world_case(const world *w, const world_visit *visit, bcemr_tr_case *out);
/* Confirmed by those in the bitmap (bit 0 the hospital, then V's clouds). */
void world_seal(const world *w, world_visit *visit, const bcemr_tr_case *record_case,
                uint64_t confirmers, bcemr_tr_e_seal *out, uint8_t bitmap[4]);
uint32_t world_post_seal(world *w, world_visit *visit);
/* Admit, all sign, Seal. */
void world_sealed_visit(world *w, uint64_t number, uint64_t count, world_visit *out);

/* ---- sharing ---- */

void world_grant_key(uint64_t number, bcemr_ed_secret *secret, bcemr_ed_raw *key);
/* Consent of grant number at a cloud. */
void world_consent(const world *w, uint64_t number, int cloud, bcemr_tr_e_consent *out);
void world_revoke(const world *w, uint64_t number, bcemr_tr_e_revoke *out);
void world_access(const world *w, uint64_t number, int cloud, bcemr_tr_e_access *out);
void world_erase(const world *w, const world_visit *visit, int cloud, bcemr_asker by,
                 bcemr_tr_e_erase *out);
void world_confirm(const world *w, const world_visit *visit, int cloud, bcemr_asker host,
                   uint8_t host_signature[64], bcemr_tr_e_confirm *out);
uint32_t world_post_by(world *w, const bcemr_type *type, const void *value, int node);

#endif
