/* SPDX-License-Identifier: Apache-2.0 */
/* What grant, reencrypt and open have in common. */
#ifndef BCEMR_HAND_TERMS_H
#define BCEMR_HAND_TERMS_H

#include "bcemr/hand/hand.h"

#include <bcemr/record.h>

/* Terms over this one visit: its patient's signature holds, and they have not expired. */
BCEMR_MUST_USE bcemr_status hand_terms_check(hand *h, bcemr_span raw, const bcemr_list *signatures,
                                             const hand_visit *visit, bcemr_tr_grant *terms,
                                             bcemr_tr_grant_visit *row);
/* --header, held against the visit: one-time key, its signature, the capsule for this patient. */
BCEMR_MUST_USE bcemr_status hand_header_read(hand *h, const hand_visit *visit, bcemr_buf *bytes,
                                             bcemr_tr_header *out);

#endif
