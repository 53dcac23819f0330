/* SPDX-License-Identifier: Apache-2.0 */
/* The attacks of tamper_table, and what several of them need. */
#ifndef BCEMR_DEMO_ATTACKS_H
#define BCEMR_DEMO_ATTACKS_H

#include "bcemr/demo/tamper.h"

/* ---- shared ---- */

/* The visit as the ledger has it. Free with bcemr_release and the buffer. */
typedef struct attacks_visit {
    bcemr_buf leaves;
    bcemr_list list;
    bcemr_visit_log *log;
} attacks_visit;
bcemr_status attacks_visit_load(world *w, attacks_visit *out);
void attacks_visit_free(attacks_visit *visit);
/* True when the ledger holds a Seal of the visit. */
bool attacks_sealed(world *w);
/* Flips a bit of the byte at offset of a file. */
bcemr_status attacks_flip_file(world *w, const char *path, uint64_t offset_from_end);
/* The entry inside a signed entry on its way, if it is of this type: fills value (pointing into
 * message). */
bool attacks_entry_is(const bcemr_buf *message, const bcemr_type *type, void *value);
/* message := Tr("signed"; value, no rows), or with one Ed25519 row by a node. */
bcemr_status attacks_replace_entry(world *w, bcemr_buf *message, const bcemr_type *type,
                                   const void *value, const world_node *by);
/* A random point of G1, as an error that two colluders cancel, or as a false signature. */
void attacks_random_point(bcemr_g1_raw *out);
/* The other point with the same x. */
void attacks_negate(bcemr_g1_raw *point);

/* ---- one function an attack ---- */

bcemr_status attack_ticket(world *w, bool *succeeded);
bcemr_status attack_acceptance(world *w, bool *succeeded);
bcemr_status attack_credential(world *w, bool *succeeded);
bcemr_status attack_credential_swap(world *w, bool *succeeded);
bcemr_status attack_presence(world *w, bool *succeeded);
bcemr_status attack_amendment(world *w, bool *succeeded);
bcemr_status attack_order(world *w, bool *succeeded);
bcemr_status attack_diagnosis(world *w, bool *succeeded);
bcemr_status attack_signature(world *w, bool *succeeded);
bcemr_status attack_cancel(world *w, bool *succeeded);
bcemr_status attack_reissue(world *w, bool *succeeded);
bcemr_status attack_two_keys(world *w, bool *succeeded);
bcemr_status attack_seal_garbage(world *w, bool *succeeded);
bcemr_status attack_seal_identity(world *w, bool *succeeded);
bcemr_status attack_capsule(world *w, bool *succeeded);
bcemr_status attack_confirmations(world *w, bool *succeeded);
bcemr_status attack_payload(world *w, bool *succeeded);
bcemr_status attack_tags(world *w, bool *succeeded);
bcemr_status attack_grant(world *w, bool *succeeded);
bcemr_status attack_reencryption_key(world *w, bool *succeeded);
bcemr_status attack_consent_cloud(world *w, bool *succeeded);
bcemr_status attack_consent_revoker(world *w, bool *succeeded);
bcemr_status attack_consent_revoked(world *w, bool *succeeded);
bcemr_status attack_replay(world *w, bool *succeeded);
bcemr_status attack_access_old(world *w, bool *succeeded);
bcemr_status attack_access_hidden(world *w, bool *succeeded);

#endif
