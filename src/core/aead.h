/* SPDX-License-Identifier: Apache-2.0 */
/* The AEAD of section 1 with a stated nonce, for the rooms of core that fix it. */
#ifndef BCEMR_CORE_AEAD_H
#define BCEMR_CORE_AEAD_H

#include <bcemr/bytes.h>

#define CORE_TAG 16
#define CORE_NONCE 24

/* out has room for in.n + CORE_TAG. */
void core_aead_seal(const uint8_t key[32], const uint8_t nonce[CORE_NONCE], bcemr_span ad,
                    bcemr_span in, uint8_t *out);
/* out has room for in.n - CORE_TAG; wiped when it gives false. in.n is CORE_TAG at least. refusal
 * is the verdict that the caller gives then: while it is switched off (test build) out receives
 * what decrypts, whatever the tag. */
BCEMR_MUST_USE bool core_aead_open(const uint8_t key[32], const uint8_t nonce[CORE_NONCE],
                                   bcemr_span ad, bcemr_span in, bcemr_verdict refusal,
                                   uint8_t *out);

#endif
