/* SPDX-License-Identifier: Apache-2.0 */
/* Options and examples of the commands by hand, for the table of commands. */
#ifndef BCEMR_HAND_TABLES_H
#define BCEMR_HAND_TABLES_H

#include "bcemr/hand/hand.h"

extern const hand_options hand_defaults;
#define HAND_COMMAND(name)                                                                         \
    extern const command_option hand_##name##_table[];                                             \
    extern const command_example hand_##name##_examples[]
HAND_COMMAND(keys_new);
HAND_COMMAND(keys_show);
HAND_COMMAND(keys_words);
HAND_COMMAND(keys_restore);
HAND_COMMAND(keys_passphrase);
HAND_COMMAND(ticket);
HAND_COMMAND(sign);
HAND_COMMAND(verify);
HAND_COMMAND(seal);
HAND_COMMAND(open);
HAND_COMMAND(grant);
HAND_COMMAND(reencrypt);
HAND_COMMAND(case_export);
#undef HAND_COMMAND
/* The operands. */
extern const command_option hand_key_file, hand_any_key_file, hand_visit_file, hand_verify_file;

#endif
