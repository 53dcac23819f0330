/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr verify` of what a follower kept of a source that it refused: told in words. */
#ifndef BCEMR_PROGRAM_FORK_H
#define BCEMR_PROGRAM_FORK_H

#include "bcemr/hand/hand.h"

/* Of the options: file and genesis. */
BCEMR_MUST_USE bcemr_status fork_verify_work(hand *h);

#endif
