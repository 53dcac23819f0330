/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks of section 4 share: contexts hashed, and products over a visit's doctors. */
#ifndef BCEMR_CORE_DIAGNOSIS_H
#define BCEMR_CORE_DIAGNOSIS_H

#include "core/internal.h"

#include <bcemr/diagnosis.h>

#define CORE_TEAM 64

/* h_i = H1(SIG, ctx_i) and, where asked for, H(ctx_i). */
bcemr_status core_diagnosis_hash(const bcemr_tr_sign *sign, blst_p1 *h, bcemr_hash *hash,
                                 bcemr_error *err);

/* The right side of e(sum, g2) = prod e(p_i, q_i): up to a team, the authority, and g2 itself. */
typedef struct core_terms {
    uint64_t count;
    blst_p1_affine p[CORE_TEAM + 2];
    blst_p2_affine q[CORE_TEAM + 2];
} core_terms;

void core_terms_begin(core_terms *terms);
/* Decodes q; p is not the identity. */
bcemr_status core_terms_add(core_terms *terms, const bcemr_g2_raw *q, const blst_p1 *p,
                            bcemr_error *err);
void core_terms_add_point(core_terms *terms, const blst_p2_affine *q, const blst_p1 *p);
/* One product with e(-left, g2), one final exponentiation. */
bool core_terms_hold(core_terms *terms, const blst_p1_affine *left);

#endif
