/* SPDX-License-Identifier: Apache-2.0 */
/* What holders keep, and what they sign with it. */
#include "constant_time/ct.h"

#include <bcemr/diagnosis.h>
#include <bcemr/group_key.h>

static void secrets_from_seed(ct_world *w)
{
    bcemr_secrets secrets;
    bcemr_publics publics;
    OK(bcemr_secrets_from_seed(&w->seed, &secrets));
    bcemr_secrets_publics(&secrets, &publics);
    DECLASSIFY("public keys", &publics, sizeof publics);
    DECLASSIFY("the test is over; they were secret", &secrets, sizeof secrets);
}

static void secrets_random(ct_world *w)
{
    bcemr_secrets secrets;
    bcemr_publics publics;
    (void)w;
    OK(bcemr_secrets_random(&secrets));
    bcemr_secrets_publics(&secrets, &publics);
    DECLASSIFY("public keys", &publics, sizeof publics);
    DECLASSIFY("the test is over; they were secret", &secrets, sizeof secrets);
}

static void ed25519(ct_world *w)
{
    bcemr_ed_secret secret;
    bcemr_ed_raw key;
    bcemr_ed_signature signature;
    const bcemr_tr_accept accept = {w->vid};
    bcemr_ed_from_seed(w->seed.b, &secret, &key);
    DECLASSIFY("a public key", &key, sizeof key);
    DECLASSIFY("the public half of libsodium's secret key", secret.b + 32, 32);
    bcemr_ed_sign(&secret, w->message, &signature);
    DECLASSIFY("a signature", &signature, sizeof signature);
    OK(bcemr_ed_sign_value(&secret, &bcemr_type_accept, &accept, &signature, NULL));
    DECLASSIFY("a signature", &signature, sizeof signature);
    if (!bcemr_ed_holds_value(&key, &bcemr_type_accept, &accept, &signature))
        OK(BCEMR_E_ARGUMENT);
}

static void x25519(ct_world *w)
{
    bcemr_x25519_raw key;
    bcemr_x25519_secret once;
    bcemr_x25519_public_of(&w->box, &key);
    DECLASSIFY("a public key", &key, sizeof key);
    OK(bcemr_x25519_once(&once, &key));
    DECLASSIFY("a public key", &key, sizeof key);
}

static void bls_sign(ct_world *w)
{
    bcemr_g1_raw signature;
    OK(bcemr_bls_sign(&w->x, BCEMR_PURPOSE_SIG, w->message, &signature));
    DECLASSIFY("a signature", &signature, sizeof signature);
}

static void pop_make(ct_world *w)
{
    bcemr_buf proof = BCEMR_BUF_EMPTY;
    const bcemr_tr_pop pop = {.ledger = w->ledger,
                              .role = bcemr_text("cloud"),
                              .id = bcemr_text("cloud-1"),
                              .a = bcemr_span_of(w->ed_public.b, 32)};
    OK(bcemr_pop_make(&w->x, &w->ed, &pop, &proof, NULL));
    DECLASSIFY("a proof of possession is public", proof.p, proof.n);
    bcemr_buf_free(&proof);
}

static void credential_make(ct_world *w)
{
    bcemr_g1_raw credential;
    const bcemr_tr_cred cred = {.ledger = w->ledger,
                                .doctor = bcemr_text("doctor-1"),
                                .hospital = bcemr_text("hospital-1"),
                                .a = w->ed_public,
                                .e = w->box_public,
                                .box = w->box_public,
                                .not_after = 1};
    OK(bcemr_credential_make(&w->x, &cred, &credential, NULL));
    DECLASSIFY("a credential is public", &credential, sizeof credential);
}

static void pok_make(ct_world *w)
{
    bcemr_pok_raw proof;
    OK(bcemr_pok_make(&w->x, &w->x_g1, w->message, &proof, NULL));
    DECLASSIFY("a proof of knowledge is public", &proof, sizeof proof);
    OK(bcemr_pok_check(&w->x_g1, w->message, &proof, NULL));
}

static void diagnosis_sign(ct_world *w)
{
    bcemr_g1_raw delta;
    const bcemr_tr_sign sign = {
        .order = w->vid, .i = 1, .doctor = bcemr_text("doctor-1"), .time = 1, .previous = w->vid};
    OK(bcemr_diagnosis_sign(&w->x, &sign, &delta, NULL));
    DECLASSIFY("a signature", &delta, sizeof delta);
}

const ct_case ct_key_cases[] = {{"secrets-from-seed", secrets_from_seed},
                                {"secrets-random", secrets_random},
                                {"ed25519", ed25519},
                                {"x25519", x25519},
                                {"bls-sign", bls_sign},
                                {"pop-make", pop_make},
                                {"credential-make", credential_make},
                                {"pok-make", pok_make},
                                {"diagnosis-sign", diagnosis_sign},
                                {NULL, NULL}};
