/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes that a text determines, for `bcemr demo --seed` and for test vectors: the same text
 * gives the same run. Nobody's real key may ever come from it, so it installs only when the command
 * table says that the command may (random_permit), and only before anything drew from the real one.
 */
#ifndef BCEMR_PROGRAM_RANDOM_H
#define BCEMR_PROGRAM_RANDOM_H

#include <bcemr/status.h>

/* Called by the dispatcher alone, for a command marked COMMAND_MAY_SEED. */
void random_permit(void);
/*
 * Makes libsodium's randombytes a ChaCha20 stream keyed by a hash of text, for this process. Thread
 * safe; runs are the same when the order of draws is, so draw on one thread. Call it before
 * bcemr_context_new. Errors: E_STATE when not permitted, or when libsodium runs already; E_ABSENT
 * for an empty text.
 */
BCEMR_MUST_USE bcemr_status random_install_seed(const char *text);
/* Whether it is in force. */
int random_is_seeded(void);

#endif
