/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr verify` of a proof about a log. */
#ifndef BCEMR_LEDGER_PROOF_VERIFY_H
#define BCEMR_LEDGER_PROOF_VERIFY_H

#include "bcemr/hand/hand.h"
#include "bcemr/ledger/proof_file.h"

/* What a file proves, as lines and in the document. chain (NULL allowed): whoever knows the names.
 */
void proof_tell(report *r, report_json *json, const ledger_chain *chain,
                const proof_file_facts *facts);
/* Options: file, genesis, root. */
bcemr_status proof_verify_work(hand *h);

#endif
