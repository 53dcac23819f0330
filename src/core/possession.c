/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs of possession (section 2): x H1(POP, pop), then Ed_A over the same. The authority has no A
 * and gives the first alone.
 */
#include "core/internal.h"

#define POP_BLS 48
#define POP_ED 64

bcemr_status bcemr_pop_make(const bcemr_secret_scalar *x, const bcemr_ed_secret *a,
                            const bcemr_tr_pop *pop, bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    uint8_t proof[POP_BLS + POP_ED];
    uint64_t n = POP_BLS;
    bcemr_g1_raw bls;
    bcemr_ed_signature ed;
    TRY(bcemr_write_pop(pop, &message, err));
    TRY_AT(bcemr_bls_sign(x, BCEMR_PURPOSE_POP, bcemr_buf_span(&message), &bls), "pop", "x");
    memcpy(proof, bls.b, POP_BLS);
    if (a) {
        bcemr_ed_sign(a, bcemr_buf_span(&message), &ed);
        memcpy(proof + POP_BLS, ed.b, POP_ED);
        n += POP_ED;
    }
    TRY_AT(bcemr_buf_append(out, bcemr_span_of(proof, n)), "pop", NULL);
out:
    bcemr_buf_free(&message);
    return status;
}

/* Whether a role gives the second half; false when the key A is there or not against the role. */
static bool expected(const bcemr_tr_pop *pop, bool *ed)
{
    *ed = !bcemr_span_equal(pop->role, bcemr_text("authority"));
    return *ed == (pop->a.n == sizeof(bcemr_ed_raw));
}

static bool ed_half_holds(const bcemr_tr_pop *pop, bcemr_span message, const uint8_t *half)
{
    bcemr_ed_raw key;
    bcemr_ed_signature signature;
    memcpy(key.b, pop->a.p, sizeof key.b);
    memcpy(signature.b, half, sizeof signature.b);
    return bcemr_ed_holds(&key, message, &signature);
}

static bool bls_half_holds(const bcemr_context *context, const bcemr_g2 *x, bcemr_span message,
                           const uint8_t *half)
{
    bcemr_g1_raw signature;
    memcpy(signature.b, half, sizeof signature.b);
    return bcemr_bls_holds(context, x, BCEMR_PURPOSE_POP, message, &signature);
}

bcemr_verdict bcemr_pop_check(const bcemr_context *context, const bcemr_tr_pop *pop,
                              bcemr_span proof, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_verdict verdict = BCEMR_UNDECIDED;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_g2 x;
    bool ed;
    TRY(bcemr_write_pop(pop, &message, err));
    bool holds = expected(pop, &ed) && proof.n == POP_BLS + (ed ? POP_ED : 0u);
    TRY_AT(bcemr_g2_decode(&pop->x, &x), "pop", "x");
    if (holds && ed)
        holds = ed_half_holds(pop, bcemr_buf_span(&message), proof.p + POP_BLS);
    if (holds)
        holds = bls_half_holds(context, &x, bcemr_buf_span(&message), proof.p);
    verdict = CORE_ANSWER(BCEMR_BAD_POP, holds, "pop", "proof");
out:
    bcemr_buf_free(&message);
    return status == BCEMR_OK ? verdict : BCEMR_UNDECIDED;
}
