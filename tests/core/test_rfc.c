/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519, X25519 and the AEAD against the answers of RFC 8032, RFC 7748 and the XChaCha draft. */
#include <bcemr/group_key.h>
#include <bcemr/keys.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>

#include "support/hex.h"

/* RFC 8032, section 7.1. */
static const struct {
    const char *seed, *public_key, *message, *signature;
} ed25519[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
     "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"},
};

static void ed25519_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ed25519 / sizeof ed25519[0]; i++) {
        uint8_t seed[32], message[64];
        bcemr_ed_secret secret;
        bcemr_ed_raw key;
        bcemr_ed_public checked;
        bcemr_ed_signature signature;
        (void)hex(ed25519[i].seed, seed, sizeof seed);
        bcemr_span m = hex(ed25519[i].message, message, sizeof message);
        bcemr_ed_from_seed(seed, &secret, &key);
        assert_hex(key.b, ed25519[i].public_key);
        assert_int_equal(bcemr_ed_decode(&key, &checked), BCEMR_OK);
        bcemr_ed_sign(&secret, m, &signature);
        assert_hex(signature.b, ed25519[i].signature);
        assert_true(bcemr_ed_holds(&key, m, &signature));
        for (unsigned bit = 0; bit < 512; bit++) {
            bcemr_ed_signature changed = signature;
            changed.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(bcemr_ed_holds(&key, m, &changed));
        }
    }
}

/* The group's order added to S: the same equation, another encoding; it must not hold. */
static void no_second_signature(void **state)
{
    (void)state;
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                      0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    uint8_t seed[32] = {1};
    bcemr_ed_secret secret;
    bcemr_ed_raw key;
    bcemr_ed_signature signature;
    unsigned carry = 0;
    bcemr_ed_from_seed(seed, &secret, &key);
    bcemr_ed_sign(&secret, bcemr_text("m"), &signature);
    for (unsigned i = 0; i < 32; i++) {
        carry += (unsigned)signature.b[32 + i] + order[i];
        signature.b[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_false(bcemr_ed_holds(&key, bcemr_text("m"), &signature));
}

/* RFC 7748, section 5.2; the second point has its top bit set, which this suite refuses. */
static void x25519_answers(void **state)
{
    (void)state;
    static const char *const cases[2][3] = {
        {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
         "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
         "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
        {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
         "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
         "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"}};
    for (size_t i = 0; i < 2; i++) {
        uint8_t scalar[32], shared[32];
        bcemr_x25519_raw point;
        bcemr_x25519_public checked;
        (void)hex(cases[i][0], scalar, sizeof scalar);
        (void)hex(cases[i][1], point.b, sizeof point.b);
        assert_int_equal(crypto_scalarmult(shared, scalar, point.b), 0);
        assert_hex(shared, cases[i][2]);
        assert_int_equal(bcemr_x25519_decode(&point, &checked),
                         i == 0 ? BCEMR_OK : BCEMR_E_X25519_ENCODING);
    }
    uint8_t k[32] = {9}, u[32] = {9};
    for (unsigned i = 1; i <= 1000; i++) {
        uint8_t next[32];
        assert_int_equal(crypto_scalarmult(next, k, u), 0);
        memcpy(u, k, sizeof u);
        memcpy(k, next, sizeof k);
        if (i == 1)
            assert_hex(k, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
    assert_hex(k, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

/* RFC 7748, section 6.1. */
static void x25519_agreement(void **state)
{
    (void)state;
    bcemr_x25519_secret a, b;
    bcemr_x25519_raw a_public, b_public;
    uint8_t shared[32];
    (void)hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", a.b, 32);
    (void)hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", b.b, 32);
    bcemr_x25519_public_of(&a, &a_public);
    bcemr_x25519_public_of(&b, &b_public);
    assert_hex(a_public.b, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    assert_hex(b_public.b, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    assert_int_equal(crypto_scalarmult(shared, a.b, b_public.b), 0);
    assert_hex(shared, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

/* draft-irtf-cfrg-xchacha, appendix A.3.1. */
static void aead_answer(void **state)
{
    (void)state;
    static const char text[] = "Ladies and Gentlemen of the class of '99: If I could offer you "
                               "only one tip for the future, sunscreen would be it.";
    uint8_t box[24 + 114 + 16], ad[12];
    bcemr_key key;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    for (uint8_t i = 0; i < 32; i++)
        key.b[i] = (uint8_t)(0x80 + i);
    bcemr_span in = hex("404142434445464748494a4b4c4d4e4f5051525354555657"
                        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
                        "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
                        "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
                        "21f9664c97637da9768812f615c68b13b52e"
                        "c0875924c1c7987947deafd8780acf49",
                        box, sizeof box);
    assert_int_equal(in.n, sizeof box);
    bcemr_span data = hex("50515253c0c1c2c3c4c5c6c7", ad, sizeof ad);
    assert_int_equal(bcemr_aead_open(&key, data, in, BCEMR_BAD_SEALED_MESSAGE, &out, NULL),
                     BCEMR_OK);
    assert_true(bcemr_span_equal(bcemr_buf_span(&out), bcemr_text(text)));
    bcemr_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ed25519_answers), cmocka_unit_test(no_second_signature),
        cmocka_unit_test(x25519_answers),  cmocka_unit_test(x25519_agreement),
        cmocka_unit_test(aead_answer),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
