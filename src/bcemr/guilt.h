/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr verify` of a proof of guilt: who broke which rule of cosigning, by the genesis alone. */
#ifndef BCEMR_PROGRAM_GUILT_H
#define BCEMR_PROGRAM_GUILT_H

#include "bcemr/hand/hand.h"

/* Of the options: file and genesis. */
BCEMR_MUST_USE bcemr_status guilt_verify_work(hand *h);

#endif
