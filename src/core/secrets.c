/* SPDX-License-Identifier: Apache-2.0 */
/* What one holder keeps (section 2): a doctor's keys from a seed, a server's drawn. */
#include "core/internal.h"

#include <sodium.h>

/* Ed25519, X25519 and sealed-box keys from a 32-byte seed each. */
static void from_seeds(const uint8_t a[32], const uint8_t e[32], const uint8_t box[32],
                       bcemr_secrets *out)
{
    uint8_t box_public[crypto_box_PUBLICKEYBYTES];
    bcemr_ed_from_seed(a, &out->a, NULL);
    memcpy(out->e.b, e, sizeof out->e.b);
    (void)crypto_box_seed_keypair(box_public, out->box.b, box);
}

bcemr_status bcemr_secrets_from_seed(const bcemr_seed *seed, bcemr_secrets *out)
{
    static const char *const labels[3] = {"a", "e", "b"};
    const bcemr_span ikm = {seed->b, sizeof seed->b}, none = {NULL, 0};
    uint8_t seeds[3][32];
    bcemr_status status = bcemr_kdf_scalar("x", ikm, none, &out->x);
    for (unsigned i = 0; i < 3 && status == BCEMR_OK; i++)
        status = bcemr_kdf(labels[i], ikm, none, seeds[i], sizeof seeds[i]);
    if (status == BCEMR_OK)
        from_seeds(seeds[0], seeds[1], seeds[2], out);
    else
        bcemr_secrets_wipe(out);
    bcemr_wipe(seeds, sizeof seeds);
    return status;
}

bcemr_status bcemr_secrets_random(bcemr_secrets *out)
{
    uint8_t seeds[3][32];
    bcemr_status status = bcemr_secret_scalar_random(&out->x);
    if (status == BCEMR_OK) {
        randombytes_buf(seeds, sizeof seeds);
        from_seeds(seeds[0], seeds[1], seeds[2], out);
    } else {
        bcemr_secrets_wipe(out);
    }
    bcemr_wipe(seeds, sizeof seeds);
    return status;
}

void bcemr_secrets_publics(const bcemr_secrets *secrets, bcemr_publics *out)
{
    blst_p2 x;
    blst_p2_mult(&x, blst_p2_generator(), secrets->x.b, CORE_SCALAR_BITS);
    blst_p2_compress(out->x.b, &x);
    bcemr_wipe(&x, sizeof x);
    bcemr_ed_public_of(&secrets->a, &out->a);
    bcemr_x25519_public_of(&secrets->e, &out->e);
    bcemr_x25519_public_of(&secrets->box, &out->box);
}

void bcemr_secrets_wipe(bcemr_secrets *secrets)
{
    bcemr_wipe(secrets, sizeof *secrets);
}
