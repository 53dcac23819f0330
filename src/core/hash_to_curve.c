/* SPDX-License-Identifier: Apache-2.0 */
/* H1 and H2 of section 1: RFC 9380, random-oracle suites, one domain tag a purpose. */
#include "core/internal.h"

#define G1_SUITE "BLS12381G1_XMD:SHA-256_SSWU_RO_"
#define G2_SUITE "BLS12381G2_XMD:SHA-256_SSWU_RO_"

/* No tag where the purpose belongs to the other group. */
static bcemr_span g1_tag(bcemr_purpose purpose)
{
    switch (purpose) {
    case BCEMR_PURPOSE_CRED:
        return bcemr_text("BCEMR-V1-CRED_" G1_SUITE);
    case BCEMR_PURPOSE_SIG:
        return bcemr_text("BCEMR-V1-SIG_" G1_SUITE);
    case BCEMR_PURPOSE_POP:
        return bcemr_text("BCEMR-V1-POP_" G1_SUITE);
    case BCEMR_PURPOSE_CAPSULE:
        break;
    }
    return (bcemr_span){NULL, 0};
}

static bcemr_span g2_tag(bcemr_purpose purpose)
{
    if (purpose == BCEMR_PURPOSE_CAPSULE)
        return bcemr_text("BCEMR-V1-CAPSULE_" G2_SUITE);
    return (bcemr_span){NULL, 0};
}

bcemr_status core_hash_to_g1_with(bcemr_span tag, bcemr_span message, blst_p1 *out)
{
    if (tag.n == 0 || message.n > SIZE_MAX)
        return BCEMR_E_ARGUMENT;
    blst_hash_to_g1(out, message.p, (size_t)message.n, tag.p, (size_t)tag.n, NULL, 0);
    return blst_p1_is_inf(out) ? BCEMR_E_POINT_IDENTITY : BCEMR_OK;
}

bcemr_status core_hash_to_g2_with(bcemr_span tag, bcemr_span message, blst_p2 *out)
{
    if (tag.n == 0 || message.n > SIZE_MAX)
        return BCEMR_E_ARGUMENT;
    blst_hash_to_g2(out, message.p, (size_t)message.n, tag.p, (size_t)tag.n, NULL, 0);
    return blst_p2_is_inf(out) ? BCEMR_E_POINT_IDENTITY : BCEMR_OK;
}

bcemr_status core_hash_to_g1(bcemr_purpose purpose, bcemr_span message, blst_p1 *out)
{
    return core_hash_to_g1_with(g1_tag(purpose), message, out);
}

bcemr_status core_hash_to_g2(bcemr_purpose purpose, bcemr_span message, blst_p2 *out)
{
    return core_hash_to_g2_with(g2_tag(purpose), message, out);
}

bcemr_status bcemr_hash_to_g1(bcemr_purpose purpose, bcemr_span message, bcemr_g1 *out)
{
    blst_p1 point;
    bcemr_status status = core_hash_to_g1(purpose, message, &point);
    if (status == BCEMR_OK)
        blst_p1_to_affine((blst_p1_affine *)out, &point);
    else
        memset(out, 0, sizeof *out);
    return status;
}

bcemr_status bcemr_hash_to_g2(bcemr_purpose purpose, bcemr_span message, bcemr_g2 *out)
{
    blst_p2 point;
    bcemr_status status = core_hash_to_g2(purpose, message, &point);
    if (status == BCEMR_OK)
        blst_p2_to_affine((blst_p2_affine *)out, &point);
    else
        memset(out, 0, sizeof *out);
    return status;
}
