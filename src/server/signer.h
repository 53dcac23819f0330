/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server roles hold no private keys. They ask a signer for what they need, by typed requests from a
 * fixed list: whoever owns the role's process but not the signer can have these things made while
 * it owns it, and takes no key away. The signer looks at what it is given - a transcript of exactly
 * the kinds named, in its own role - and refuses everything else.
 */
#ifndef SERVER_SIGNER_H
#define SERVER_SIGNER_H

#include <bcemr/group_key.h>
#include <bcemr/keys.h>
#include <bcemr/proof.h>

typedef struct server_signer {
    void *user;
    /*
     * Ed_A over a transcript. Of a hospital: visit, amend, receipt, erase, host, and entry with
     * role "hospital" over Enrol, Reissue, Abort, Rekey. Of a cloud: entry with role "cloud" over
     * Consent, Access, Erase, Rekey, and Enrol (as second supernode). E_ARGUMENT for others.
     */
    bcemr_status (*sign)(void *user, bcemr_span transcript, bcemr_ed_signature *out,
                         bcemr_error *err);
    /* BLS_X over a case: the server confirms it. */
    bcemr_status (*confirm)(void *user, bcemr_span record_case, bcemr_g1_raw *out,
                            bcemr_error *err);
    /* BLS_X over entry with role "set" and Join, Leave, Rekey or Upgrade: the server's vote. */
    bcemr_status (*vote)(void *user, bcemr_span transcript, bcemr_g1_raw *out, bcemr_error *err);
    /* BLS_X over a checkpoint; what may be cosigned is the cosigner's business (proof.h). */
    bcemr_checkpoint_signer checkpoint;
    /* The hospital's half of a group key run: its DH with Eh stays inside. */
    bcemr_status (*group_keys)(void *user, const bcemr_x25519_secret *once,
                               const bcemr_tr_group *transcript, bcemr_group_keys *out,
                               bcemr_error *err);
    /* Opens a sealed box to the hospital's Box; refusal as in bcemr_sealed_box_open. */
    bcemr_status (*unseal)(void *user, bcemr_span box, bcemr_verdict refusal, bcemr_buf *out,
                           bcemr_error *err);
} server_signer;

/* A signer in this process. secrets must outlive it; who wipes them is their owner. */
typedef struct server_local_signer {
    const bcemr_secrets *secrets;
    bcemr_role role;
} server_local_signer;
server_signer server_signer_local(server_local_signer *local);

/* The authority's: s stays inside. */
typedef struct authority_signer {
    void *user;
    /* s H1(CRED, cred): a doctor's credential. */
    bcemr_status (*credential)(void *user, bcemr_span cred, bcemr_g1_raw *out, bcemr_error *err);
    /* BLS_s over entry with role "authority" and Enrol (of a reader), Retire, Join, Leave, Rekey or
     * Upgrade. E_ARGUMENT for anything else. */
    bcemr_status (*entry)(void *user, bcemr_span transcript, bcemr_g1_raw *out, bcemr_error *err);
    /* The proof of possession of P: pop with role "authority". */
    bcemr_status (*pop)(void *user, const bcemr_tr_pop *pop, bcemr_buf *out, bcemr_error *err);
} authority_signer;
authority_signer authority_signer_local(bcemr_secret_scalar *s);

/* ---- what roles make with a signer ---- */

/* Appends Tr("signed") of an entry that the server alone signs, in its role ("hospital", "cloud").
 */
BCEMR_MUST_USE bcemr_status server_entry_signed(const server_signer *signer, const char *role,
                                                bcemr_span id, const bcemr_type *type,
                                                const void *entry, bcemr_buf *out,
                                                bcemr_error *err);
/* Signs the transcript of value. */
BCEMR_MUST_USE bcemr_status server_sign_value(const server_signer *signer, const bcemr_type *type,
                                              const void *value, bcemr_ed_signature *out,
                                              bcemr_error *err);
/* A supernode's vote on Join, Leave, Rekey or Upgrade (the entry's encoding). Whether to vote is
 * the operator's decision; authority_change collects votes. */
BCEMR_MUST_USE bcemr_status server_vote(const server_signer *signer, bcemr_span entry,
                                        bcemr_g1_raw *out, bcemr_error *err);

#endif
