/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of any length under the group key (section 3): one box up to 64 KiB; above that 32
 * random bytes n, then chunks in the manner of the payload under a key of their own. The two forms
 * differ by their length alone: a box is at most BCEMR_MESSAGE_BOX_MAX bytes, a stream at least one
 * more. Constant memory; nothing is released before its tag held. All thread safe.
 */
#ifndef BCEMR_MESSAGE_H
#define BCEMR_MESSAGE_H

#include <bcemr/content.h>
#include <bcemr/group_key.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The longest message in one box, and that box: nonce, ciphertext, tag. */
#define BCEMR_MESSAGE_SHORT 65536
#define BCEMR_MESSAGE_BOX_MAX (24 + BCEMR_MESSAGE_SHORT + 16)

/* Sealed length of a message of length bytes. */
uint64_t bcemr_long_message_length(uint64_t length);
/* The other way. False when no message has this sealed length. */
bool bcemr_long_message_plain_length(uint64_t sealed, uint64_t *length);

/* Seals all of source to sink. ad: the message's place. Errors: source's and sink's; E_NO_MEMORY.
 */
BCEMR_MUST_USE bcemr_status bcemr_long_message_seal(const bcemr_key *gk, const bcemr_tr_msg *ad,
                                                    const bcemr_source *source,
                                                    const bcemr_run *run, const bcemr_sink *sink,
                                                    bcemr_error *err);
/* Opens all of source to sink. E_REFUSED with BAD_SEALED_MESSAGE (err->index the chunk). */
BCEMR_MUST_USE bcemr_status bcemr_long_message_open(const bcemr_key *gk, const bcemr_tr_msg *ad,
                                                    const bcemr_source *source,
                                                    const bcemr_run *run, const bcemr_sink *sink,
                                                    bcemr_error *err);
/* Opens under one key and place and seals under another, without the whole in clear anywhere: what
 * came before, for the new epoch after an amendment. */
BCEMR_MUST_USE bcemr_status
bcemr_long_message_reseal(const bcemr_key *from, const bcemr_tr_msg *from_ad, const bcemr_key *to,
                          const bcemr_tr_msg *to_ad, const bcemr_source *source,
                          const bcemr_run *run, const bcemr_sink *sink, bcemr_error *err);

#ifdef __cplusplus
}
#endif
#endif
