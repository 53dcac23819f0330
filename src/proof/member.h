/* SPDX-License-Identifier: Apache-2.0 */
/* A supernode's row, looked at by the verifier of sets and by the ledger's rules alike. */
#ifndef BCEMR_PROOF_MEMBER_H
#define BCEMR_PROOF_MEMBER_H

#include <bcemr/proof.h>

/* A hospital has E and Box, a cloud neither (section 2, table). */
bool proof_member_shape(const bcemr_tr_member *member);
/* X, A, E, Box and the consensus key decode, those that are there. */
bool proof_member_keys_decode(const bcemr_tr_member *member);

/* Its keys in the order of the row, those that are there; a Rekey compares by place. */
#define PROOF_MEMBER_KEYS 6
typedef struct proof_member_keys {
    bcemr_span key[PROOF_MEMBER_KEYS]; /* X, A, E, Box, TLS, consensus; absent: empty */
} proof_member_keys;
void proof_member_list_keys(const bcemr_tr_member *member, proof_member_keys *out);

/* t of n, and a share's key for each holder unless there is but one. */
bool proof_thresholds_hold(bcemr_span thresholds);

/* The row at index with this role (NULL when it is another or not there). */
bool proof_signer_at(const bcemr_list *signers, uint64_t index, const char *role,
                     bcemr_tr_signer *out);

/* What a Join, Leave or Rekey names: the number of the set that it makes and H(the set before).
 * False for other entries and what does not read. */
bool proof_set_entry(bcemr_span entry, uint64_t *number, bcemr_hash *before);

#endif
