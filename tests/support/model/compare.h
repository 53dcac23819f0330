/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a chain is what the model says. */
#ifndef BCEMR_TESTS_MODEL_COMPARE_H
#define BCEMR_TESTS_MODEL_COMPARE_H

#include "ledger/chain/chain.h"
#include "support/model/model.h"

typedef struct difference {
    char what[256]; /* empty: none */
} difference;

/* Everything that the last blocks touched; then it counts as untouched. */
bool model_same_touched(model *m, const ledger_chain *chain, difference *out);
/* All of it: every visit and enrolment, how many rows each table has, both indexes. */
bool model_same_all(model *m, const ledger_chain *chain, const ledger_state *state,
                    difference *out);

#endif
