/* SPDX-License-Identifier: Apache-2.0 */
/* Every attack that can be played, in the order of the phases. "seal" runs seal-garbage and
 * seal-identity, and so on: a name before a dash stands for all that begin with it. */
#include "bcemr/demo/attacks.h"

#include <stddef.h>

const tamper tamper_table[] = {
    {"credential-forged", "an outsider issues a credential to themselves", 1, attack_credential},
    {"credential-swap", "the authority alone gives a known doctor's name to another key", 1,
     attack_credential_swap},
    {"ticket", "someone on the way changes how many clouds the ticket demands", 1, attack_ticket},
    {"acceptance", "a visit is opened that the patient did not accept", 1, attack_acceptance},
    {"presence", "a doctor invents the patient's presence", 2, attack_presence},
    {"amendment", "a doctor drops a colleague from the order without the hospital", 2,
     attack_amendment},
    {"order", "the second doctor signs before the first", 2, attack_order},
    {"diagnosis", "someone on the way changes a document before it reaches the relay", 2,
     attack_diagnosis},
    {"signature", "the hospital signs in a doctor's place", 2, attack_signature},
    {"cancel", "two doctors shift their signatures so that the errors cancel in the sum", 2,
     attack_cancel},
    {"reissue", "a doctor is asked to sign again more often than the limit allows", 2,
     attack_reissue},
    {"two-keys", "the last doctor commits to another key than the one that opens", 3,
     attack_two_keys},
    {"seal-garbage", "the last doctor seals documents that nobody signed", 3, attack_seal_garbage},
    {"seal-identity", "the last doctor seals the record under another patient's name", 3,
     attack_seal_identity},
    {"capsule", "someone on the way puts another point into the capsule", 3, attack_capsule},
    {"confirmations", "the hospital counts a confirmation that a cloud never gave", 3,
     attack_confirmations},
    {"payload", "a cloud changes a byte of the stored record", 4, attack_payload},
    {"tags", "a cloud changes a keyword tag of the header that it serves", 4, attack_tags},
    {"grant", "someone on the way lengthens a grant", 4, attack_grant},
    {"reencryption-key", "someone on the way swaps the re-encryption key", 4,
     attack_reencryption_key},
    {"consent-cloud", "a grant for one cloud is given to another", 4, attack_consent_cloud},
    {"consent-revoker", "a cloud posts the consent under a revocation key of its own", 4,
     attack_consent_revoker},
    {"consent-revoked", "a cloud posts the consent after the patient revoked", 4,
     attack_consent_revoked},
    {"replay", "an access request is sent a second time", 4, attack_replay},
    {"access-old", "a cloud answers a new request with an old access entry", 4, attack_access_old},
    {"access-hidden", "a cloud skips a number, so that the patient's scan ends early", 4,
     attack_access_hidden},
    {NULL, NULL, 0, NULL},
};
