/* SPDX-License-Identifier: Apache-2.0 */
/* Ticket, acceptance, presence and the order in force (sections 3 and 4). All thread safe. */
#ifndef BCEMR_VISIT_H
#define BCEMR_VISIT_H

#include <bcemr/keys.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BCEMR_TEAM_MAX 64
#define BCEMR_CLOUDS_MAX 16

/* A patient's keys for one visit, from the visit seed. Wipe with bcemr_visit_keys_wipe. */
typedef struct bcemr_visit_keys {
    bcemr_secret_scalar xv;
    bcemr_ed_secret av;
    bcemr_nonce r;
    bcemr_g1_raw pkv;
    bcemr_ed_raw av_public;
} bcemr_visit_keys;
/* visit seed_j = KDF("visit", seed, (ledger id, j)); from it "xv", "Av", "r". */
BCEMR_MUST_USE bcemr_status bcemr_visit_keys_derive(const bcemr_seed *seed,
                                                    const bcemr_hash *ledger, uint64_t j,
                                                    bcemr_visit_keys *out);
void bcemr_visit_keys_wipe(bcemr_visit_keys *keys);

/* PID = H(pid). */
BCEMR_MUST_USE bcemr_status bcemr_pseudonym(const bcemr_tr_pid *pid, bcemr_hash *out,
                                            bcemr_error *err);

/* The signatures of sigma_V, of the acceptance and of presence; vid = H(V). */
BCEMR_MUST_USE bcemr_status bcemr_acceptance_make(const bcemr_visit_keys *keys,
                                                  const bcemr_hash *vid, bcemr_tr_acceptance *out,
                                                  bcemr_error *err);
/* VALID, BAD_ACCEPTANCE or BAD_ACCEPTANCE_PROOF. */
BCEMR_MUST_USE bcemr_verdict bcemr_acceptance_check(const bcemr_tr_visit *visit,
                                                    const bcemr_hash *vid,
                                                    const bcemr_tr_acceptance *acceptance,
                                                    bcemr_error *err);
BCEMR_MUST_USE bcemr_status bcemr_presence_make(const bcemr_visit_keys *keys,
                                                const bcemr_tr_present *present,
                                                bcemr_tr_presence *out, bcemr_error *err);
/*
 * Checks pres_i, presence or waived, for doctor's diagnosis signed at time t.
 * Out: *waiver the reason's number, 0 when the patient was there.
 * VALID, BAD_PRESENCE, or PRESENCE_TIME when the time is not within issued .. t, give or take the
 * clock difference (ms).
 */
BCEMR_MUST_USE bcemr_verdict bcemr_presence_check(const bcemr_tr_visit *visit,
                                                  const bcemr_hash *vid, bcemr_span doctor,
                                                  int64_t t, uint64_t clock_difference,
                                                  bcemr_span presence, uint64_t *waiver,
                                                  bcemr_error *err);

/*
 * The order in force: V's team, changed by each amendment in turn. Spans point into V and the
 * amendments, which must outlive it. in_force[a] is o_a.
 */
typedef struct bcemr_order {
    bcemr_hash vid;
    uint64_t count;      /* doctors in the order in force */
    uint64_t amendments; /* a of the order in force */
    bcemr_hash in_force[BCEMR_TEAM_MAX + 1];
    bcemr_tr_team_doctor doctors[BCEMR_TEAM_MAX];
} bcemr_order;

/*
 * Builds it from V's encoding. VALID; BAD_TEAM for a doctor twice or deadlines that do not ascend;
 * BAD_TICKET for u above the number of clouds, a cloud twice, or a first deadline not after issued;
 * UNDECIDED with a status when the encoding or a key in it does not decode.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_order_begin(bcemr_span visit, bcemr_order *out,
                                               bcemr_error *err);
/*
 * Applies the next amendment (its encoding). VALID; BAD_AMENDMENT_CHAIN when vid, number, previous
 * hash, or signed_count (above what the order holds) are not exactly next; BAD_TEAM when the whole
 * new order holds a doctor twice, more than 64, or deadlines of the tail that do not ascend or do
 * not lie after the amendment's own time; UNDECIDED as above. order is as it was unless VALID.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_order_amend(bcemr_order *order, bcemr_span amendment,
                                               bcemr_error *err);
/* The hash in force. */
const bcemr_hash *bcemr_order_hash(const bcemr_order *order);
/* Place of a doctor, 1..count; 0 when not in it. */
uint64_t bcemr_order_place(const bcemr_order *order, bcemr_span doctor);

#ifdef __cplusplus
}
#endif
#endif
