/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr verify`: looks at what a file is and hands it to who checks that. */
#ifndef BCEMR_PROGRAM_VERIFY_H
#define BCEMR_PROGRAM_VERIFY_H

#include "bcemr/hand/hand.h"

/* options: hand_options. */
int verify_main(const void *options);

#endif
