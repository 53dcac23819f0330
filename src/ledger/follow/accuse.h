/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A proof of guilt against who cosigned two logs: this node's, and one that somebody else holds. A
 * cosigner that refused a checkpoint has no signatures under it; whoever was given that log has.
 */
#ifndef LEDGER_ACCUSE_H
#define LEDGER_ACCUSE_H

#include "ledger/follow/source.h"

/*
 * Of the newest cosigned checkpoints that own and other hold. What is missing in the own log for
 * the proof (nodes of the other tree, sets of the other branch) is asked of other; nothing that it
 * answers is believed, since only what bcemr_guilt_check takes is made. Appends Tr("guilt").
 * Errors: E_NOT_FOUND: err->field "cosigned", one of them holds no cosigned checkpoint; "guilt"
 * or "sets", they prove nobody guilty. E_REFUSED with what does not hold of other's; other's own.
 */
BCEMR_MUST_USE bcemr_status ledger_guilt_between(const ledger_chain *own,
                                                 const ledger_source *other, bcemr_buf *out,
                                                 bcemr_error *err);

#endif
