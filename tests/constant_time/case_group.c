/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars and points: drawing, decoding, shares, public keys, products. */
#include "constant_time/ct.h"

#include <bcemr/group.h>
#include <bcemr/hash.h>

static void scalar_random(ct_world *w)
{
    bcemr_secret_scalar x;
    (void)w;
    OK(bcemr_secret_scalar_random(&x));
    DECLASSIFY("the test is over; it was secret", &x, sizeof x);
}

static void scalar_decode(ct_world *w)
{
    bcemr_scalar_raw raw;
    bcemr_secret_scalar x;
    for (unsigned i = 0; i < sizeof raw.b; i++)
        raw.b[i] = w->x.b[i];
    OK(bcemr_secret_scalar_decode(&raw, &x));
    DECLASSIFY("the test is over; it was secret", &x, sizeof x);
}

static void scalar_polynomial(ct_world *w)
{
    bcemr_secret_scalar coefficients[3] = {w->x, w->x2, w->x}, share;
    OK(bcemr_secret_scalar_polynomial(coefficients, 3, 5, &share));
    DECLASSIFY("the test is over; it was secret", &share, sizeof share);
}

static void g1_from_secret(ct_world *w)
{
    bcemr_g1 point;
    bcemr_g1_raw raw;
    bcemr_g1_from_secret(&w->x, &point);
    bcemr_g1_encode(&point, &raw);
    DECLASSIFY("a public key", &raw, sizeof raw);
}

static void g2_from_secret(ct_world *w)
{
    bcemr_g2 point;
    bcemr_g2_raw raw;
    bcemr_g2_from_secret(&w->x, &point);
    bcemr_g2_encode(&point, &raw);
    DECLASSIFY("a public key", &raw, sizeof raw);
}

static void g1_multiply(ct_world *w)
{
    bcemr_g1 point, product;
    OK(bcemr_g1_decode(&w->x_g1, &point));
    bcemr_g1_multiply(&point, &w->x, &product);
    DECLASSIFY("the test is over; it was secret", &product, sizeof product);
}

static void hashes(ct_world *w)
{
    bcemr_hash mac, other;
    uint8_t derived[96];
    bcemr_secret_scalar x;
    const bcemr_span key = bcemr_span_of(w->key.b, sizeof w->key.b);
    bcemr_hmac(key, w->message, &mac);
    bcemr_hmac(key, w->message, &other);
    if (!bcemr_hash_equal(&mac, &other))
        OK(BCEMR_E_ARGUMENT);
    OK(bcemr_kdf("label", key, w->message, derived, sizeof derived));
    OK(bcemr_kdf_scalar("label", key, w->message, &x));
    bcemr_sha256(key, &other);
    DECLASSIFY("the test is over; it was secret", &mac, sizeof mac);
    DECLASSIFY("the test is over; it was secret", &other, sizeof other);
    DECLASSIFY("the test is over; it was secret", derived, sizeof derived);
    DECLASSIFY("the test is over; it was secret", &x, sizeof x);
}

const ct_case ct_group_cases[] = {{"scalar-random", scalar_random},
                                  {"scalar-decode", scalar_decode},
                                  {"scalar-polynomial", scalar_polynomial},
                                  {"g1-from-secret", g1_from_secret},
                                  {"g2-from-secret", g2_from_secret},
                                  {"g1-multiply", g1_multiply},
                                  {"hash-hmac-kdf", hashes},
                                  {NULL, NULL}};
