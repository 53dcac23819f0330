/* SPDX-License-Identifier: Apache-2.0 */
/* Every attack that can be played, in the order of the phases. */
#include "bcemr/demo/attacks.h"

#include <stddef.h>

const tamper tamper_table[] = {
    {"ticket", "someone on the way puts another cloud's name into the ticket", 1, attack_ticket},
    {"payload", "a cloud changes a byte of the stored record", 4, attack_payload},
    {NULL, NULL, 0, NULL},
};
