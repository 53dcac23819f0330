/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as points, scalars and keys: what decodes is canonical, so it encodes to the same. */
#include "fuzz.h"

#include <bcemr/keys.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bcemr_g1_raw p1 = {{0}}, q1;
    bcemr_g2_raw p2 = {{0}}, q2;
    bcemr_scalar_raw s = {{0}};
    bcemr_ed_raw a = {{0}};
    bcemr_x25519_raw e = {{0}};
    bcemr_g1 g1;
    bcemr_g2 g2;
    bcemr_scalar scalar;
    bcemr_secret_scalar secret;
    bcemr_ed_public ed;
    bcemr_x25519_public x;
    memcpy(p1.b, data, size < 48 ? size : 48);
    memcpy(p2.b, data, size < 96 ? size : 96);
    memcpy(s.b, data, size < 32 ? size : 32);
    memcpy(a.b, data, size < 32 ? size : 32);
    memcpy(e.b, data, size < 32 ? size : 32);
    if (bcemr_g1_decode(&p1, &g1) == BCEMR_OK) {
        bcemr_g1_encode(&g1, &q1);
        MUST(memcmp(&p1, &q1, sizeof p1) == 0);
    }
    if (bcemr_g2_decode(&p2, &g2) == BCEMR_OK) {
        bcemr_g2_encode(&g2, &q2);
        MUST(memcmp(&p2, &q2, sizeof p2) == 0);
    }
    MUST(bcemr_scalar_decode(&s, &scalar) == bcemr_secret_scalar_decode(&s, &secret));
    if (bcemr_ed_decode(&a, &ed) == BCEMR_OK)
        MUST(memcmp(&a, &ed, sizeof a) == 0);
    if (bcemr_x25519_decode(&e, &x) == BCEMR_OK)
        MUST(memcmp(&e, &x, sizeof e) == 0 && (e.b[31] & 0x80) == 0);
    return 0;
}
