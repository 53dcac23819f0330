/* SPDX-License-Identifier: Apache-2.0 */
/* A 32-byte seed as 24 words of the English BIP-39 list, the last of which holds a checksum. */
#ifndef BCEMR_PROGRAM_WORDS_H
#define BCEMR_PROGRAM_WORDS_H

#include <bcemr/keys.h>

#define WORDS_LIST 2048
#define WORDS_SEED 24
#define WORDS_TEXT (WORDS_SEED * 9) /* the longest word has 8 letters; room for spaces and end */

extern const char *const words_english[WORDS_LIST];

/* The words with single spaces between, ended by 0. Wipe out when done. */
void words_from_seed(const bcemr_seed *seed, char out[WORDS_TEXT]);
/*
 * The seed again. White space of any kind and length may stand between; case does not matter; four
 * letters are enough, since no two words share them. place (NULL allowed): the word that is wrong,
 * from 1. Errors: E_TOO_FEW, E_TOO_MANY (not 24), E_UNKNOWN_VALUE (no such word), E_CHECKSUM.
 */
BCEMR_MUST_USE bcemr_status words_to_seed(bcemr_span text, bcemr_seed *seed, uint64_t *place);

#endif
