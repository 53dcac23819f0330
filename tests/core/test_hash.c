/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes, MACs, derivations and trees against published answers and slow definitions (section 1).
 */
#include "core/hkdf.h"
#include "wire/fault.h"

#include <bcemr/group.h>
#include <bcemr/hash.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>

#include "support/hex.h"

/* ---- FIPS 180-4 ---- */

static void sha256_answers(void **state)
{
    (void)state;
    bcemr_hash h;
    bcemr_sha256((bcemr_span){NULL, 0}, &h);
    assert_hex(h.b, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    bcemr_sha256(bcemr_text("abc"), &h);
    assert_hex(h.b, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    bcemr_sha256(bcemr_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), &h);
    assert_hex(h.b, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    uint8_t *million = malloc(1000000);
    assert_non_null(million);
    memset(million, 'a', 1000000);
    bcemr_sha256(bcemr_span_of(million, 1000000), &h);
    assert_hex(h.b, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    for (uint64_t n = 0; n < 400; n++) {
        uint8_t other[32];
        bcemr_sha256(bcemr_span_of(million, n), &h);
        crypto_hash_sha256(other, million, n);
        assert_memory_equal(h.b, other, 32);
    }
    free(million);
}

/* ---- RFC 4231 ---- */

static bcemr_span repeated(uint8_t *out, uint8_t byte, uint64_t n)
{
    memset(out, byte, (size_t)n);
    return (bcemr_span){out, n};
}

static void hmac_answers(void **state)
{
    (void)state;
    uint8_t key[131], message[50];
    bcemr_hash mac;
    bcemr_hmac(repeated(key, 0x0b, 20), bcemr_text("Hi There"), &mac);
    assert_hex(mac.b, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    bcemr_hmac(bcemr_text("Jefe"), bcemr_text("what do ya want for nothing?"), &mac);
    assert_hex(mac.b, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    bcemr_hmac(repeated(key, 0xaa, 20), repeated(message, 0xdd, 50), &mac);
    assert_hex(mac.b, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    for (uint8_t i = 0; i < 25; i++)
        key[i] = (uint8_t)(i + 1);
    bcemr_hmac(bcemr_span_of(key, 25), repeated(message, 0xcd, 50), &mac);
    assert_hex(mac.b, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    bcemr_hmac(repeated(key, 0x0c, 20), bcemr_text("Test With Truncation"), &mac);
    assert_hex(mac.b, "a3b6167473100ee06e0c796c2955552b");
    bcemr_hmac(repeated(key, 0xaa, 131),
               bcemr_text("Test Using Larger Than Block-Size Key - Hash Key First"), &mac);
    assert_hex(mac.b, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    bcemr_hmac(repeated(key, 0xaa, 131),
               bcemr_text("This is a test using a larger than block-size key and a larger than "
                          "block-size data. The key needs to be hashed before being used by the "
                          "HMAC algorithm."),
               &mac);
    assert_hex(mac.b, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

/* ---- RFC 5869 ---- */

static bcemr_span counted(uint8_t *out, uint8_t from, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        out[i] = (uint8_t)(from + i);
    return (bcemr_span){out, n};
}

static void hkdf_answers(void **state)
{
    (void)state;
    uint8_t ikm[80], salt[80], info[80], out[82];
    core_hkdf(counted(salt, 0, 13), repeated(ikm, 0x0b, 22), counted(info, 0xf0, 10), out, 42);
    assert_hex(out, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                    "34007208d5b887185865");
    core_hkdf(counted(salt, 0x60, 80), counted(ikm, 0, 80), counted(info, 0xb0, 80), out, 82);
    assert_hex(out, "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
                    "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
                    "cc30c58179ec3e87c14c01d5c1f3434f1d87");
    core_hkdf((bcemr_span){NULL, 0}, repeated(ikm, 0x0b, 22), (bcemr_span){NULL, 0}, out, 42);
    assert_hex(out, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                    "9d201395faa4b61a96c8");
}

/* KDF is HKDF with the suite's name as salt and Tr(label; info, L) as info, spelt out here. */
static void kdf_is_hkdf_of_the_transcript(void **state)
{
    (void)state;
    uint8_t got[96], due[96];
    static const uint8_t info[] = "\5\0\0\0\0\0\0\0visit\3\0\0\0\0\0\0\0abc"
                                  "\10\0\0\0\0\0\0\0\140\0\0\0\0\0\0\0";
    assert_int_equal(bcemr_kdf("visit", bcemr_text("secret"), bcemr_text("abc"), got, sizeof got),
                     BCEMR_OK);
    core_hkdf(bcemr_text("BCEMR-V1"), bcemr_text("secret"), bcemr_span_of(info, sizeof info - 1),
              due, sizeof due);
    assert_memory_equal(got, due, sizeof got);
    /* The length is part of the info: a shorter key is not the beginning of a longer one. */
    assert_int_equal(bcemr_kdf("visit", bcemr_text("secret"), bcemr_text("abc"), got, 32),
                     BCEMR_OK);
    assert_memory_not_equal(got, due, 32);
    assert_int_equal(bcemr_kdf("visis", bcemr_text("secret"), bcemr_text("abc"), due, 32),
                     BCEMR_OK);
    assert_memory_not_equal(got, due, 32);
}

static void kdf_limits(void **state)
{
    (void)state;
    uint8_t *out = malloc(8161);
    assert_non_null(out);
    const bcemr_span ikm = bcemr_text("k"), none = {NULL, 0};
    assert_int_equal(bcemr_kdf("x", ikm, none, out, 0), BCEMR_E_ARGUMENT);
    assert_int_equal(bcemr_kdf("x", ikm, none, out, 8161), BCEMR_E_ARGUMENT);
    assert_int_equal(bcemr_kdf("x", ikm, none, out, 8160), BCEMR_OK);
    assert_int_equal(bcemr_kdf("x", none, none, out, 1), BCEMR_OK);
    memset(out, 1, 64);
    bcemr_switch_fail_allocation(1);
    assert_int_equal(bcemr_kdf("x", ikm, none, out, 64), BCEMR_E_NO_MEMORY);
    assert_true(sodium_is_zero(out, 64));
    bcemr_secret_scalar scalar = {{1}};
    bcemr_switch_fail_allocation(1);
    assert_int_equal(bcemr_kdf_scalar("x", ikm, none, &scalar), BCEMR_E_NO_MEMORY);
    bcemr_switch_fail_allocation(0);
    assert_true(sodium_is_zero(scalar.b, sizeof scalar.b));
    free(out);
}

/* q, little-endian. */
static const uint8_t order[32] = {0x01, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xfe, 0x5b, 0xfe,
                                  0xff, 0x02, 0xa4, 0xbd, 0x53, 0x05, 0xd8, 0xa1, 0x09, 0x08, 0xd8,
                                  0x39, 0x33, 0x48, 0x7d, 0x9d, 0x29, 0x53, 0xa7, 0xed, 0x73};

/* 48 bytes little-endian mod q, a bit at a time. */
static void slow_reduce(const uint8_t wide[48], uint8_t out[32])
{
    uint8_t r[33] = {0}, less[33];
    for (int bit = 383; bit >= 0; bit--) {
        unsigned carry = wide[bit / 8] >> (bit % 8) & 1;
        for (int i = 0; i < 33; i++) {
            carry |= (unsigned)r[i] << 1;
            r[i] = (uint8_t)carry;
            carry >>= 8;
        }
        int borrow = 0;
        for (int i = 0; i < 33; i++) {
            int d = r[i] - (i < 32 ? order[i] : 0) - borrow;
            borrow = d < 0;
            less[i] = (uint8_t)d;
        }
        if (!borrow)
            memcpy(r, less, sizeof r);
    }
    memcpy(out, r, 32);
}

static void scalars_are_wide_output_mod_q(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        uint8_t ikm[32], wide[48], due[32];
        bcemr_secret_scalar got;
        randombytes_buf(ikm, sizeof ikm);
        const bcemr_span key = bcemr_span_of(ikm, sizeof ikm);
        assert_int_equal(bcemr_kdf_scalar("grant", key, bcemr_text("i"), &got), BCEMR_OK);
        assert_int_equal(bcemr_kdf("grant", key, bcemr_text("i"), wide, sizeof wide), BCEMR_OK);
        slow_reduce(wide, due);
        assert_memory_equal(got.b, due, sizeof due);
    }
}

/* ---- transcripts ---- */

static void hashes_of_values(void **state)
{
    (void)state;
    const bcemr_tr_accept accept = {{{7}}};
    const bcemr_hash hashes[2] = {{{1}}, {{2}}};
    const bcemr_list list = BCEMR_LIST_OF(hashes, 2);
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    bcemr_hash due, got;
    const bcemr_span key = bcemr_text("key");
    assert_int_equal(bcemr_write_accept(&accept, &bytes, NULL), BCEMR_OK);
    bcemr_sha256(bcemr_buf_span(&bytes), &due);
    assert_int_equal(bcemr_hash_value(&bcemr_type_accept, &accept, &got, NULL), BCEMR_OK);
    assert_true(bcemr_hash_equal(&due, &got));
    bcemr_hmac(key, bcemr_buf_span(&bytes), &due);
    assert_false(bcemr_hash_equal(&due, &got));
    assert_int_equal(bcemr_hmac_value(key, &bcemr_type_accept, &accept, &got, NULL), BCEMR_OK);
    assert_true(bcemr_hash_equal(&due, &got));
    bcemr_buf_clear(&bytes);
    assert_int_equal(bcemr_write_list(&bcemr_type_hash_item, &list, &bytes, NULL), BCEMR_OK);
    bcemr_sha256(bcemr_buf_span(&bytes), &due);
    assert_int_equal(bcemr_hash_list(&bcemr_type_hash_item, &list, &got, NULL), BCEMR_OK);
    assert_true(bcemr_hash_equal(&due, &got));
    bcemr_buf_free(&bytes);
}

static void hashes_that_cannot_be_made(void **state)
{
    (void)state;
    const bcemr_hash zero = {{0}};
    const bcemr_tr_host no_cloud = {zero, zero, {NULL, 0}};
    const bcemr_span names[1] = {{NULL, 0}};
    const bcemr_list list = BCEMR_LIST_OF(names, 1);
    bcemr_hash got = {{1}};
    bcemr_error err;
    assert_int_equal(bcemr_hash_value(&bcemr_type_host, &no_cloud, &got, &err), BCEMR_E_ABSENT);
    assert_string_equal(err.field, "cloud");
    assert_true(bcemr_hash_equal(&got, &zero));
    got.b[0] = 1;
    assert_int_equal(bcemr_hmac_value(names[0], &bcemr_type_host, &no_cloud, &got, NULL),
                     BCEMR_E_ABSENT);
    assert_true(bcemr_hash_equal(&got, &zero));
    got.b[0] = 1;
    assert_int_equal(bcemr_hash_list(&bcemr_type_id_item, &list, &got, NULL), BCEMR_E_ABSENT);
    assert_true(bcemr_hash_equal(&got, &zero));
}

static void tuples(void **state)
{
    (void)state;
    const bcemr_span fields[] = {bcemr_text("ab"), {NULL, 0}};
    bcemr_buf out = BCEMR_BUF_EMPTY;
    assert_int_equal(bcemr_tuple(fields, 2, &out), BCEMR_OK);
    assert_int_equal(out.n, 31);
    assert_memory_equal(out.p, "\5\0\0\0\0\0\0\0tuple\2\0\0\0\0\0\0\0ab\0\0\0\0\0\0\0\0", 31);
    bcemr_buf_free(&out);
}

/* ---- trees ---- */

/* The example leaves and roots that certificate transparency's implementations share. */
static void tree_answers(void **state)
{
    (void)state;
    static const char *const leaves[] = {"",
                                         "00",
                                         "10",
                                         "2021",
                                         "3031",
                                         "40414243",
                                         "5051525354555657",
                                         "606162636465666768696a6b6c6d6e6f"};
    static const char *const roots[] = {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    bcemr_tree tree;
    bcemr_tree_begin(&tree);
    for (size_t i = 0; i <= 8; i++) {
        bcemr_hash root, leaf;
        uint8_t bytes[16];
        bcemr_tree_root(&tree, &root);
        assert_hex(root.b, roots[i]);
        if (i == 8)
            break;
        bcemr_tree_leaf_hash(hex(leaves[i], bytes, sizeof bytes), &leaf);
        bcemr_tree_add(&tree, &leaf);
        assert_int_equal(tree.count, i + 1);
    }
}

/* RFC 6962, section 2.1, as it is written there. */
static void slow_root(const bcemr_hash *leaves, uint64_t n, bcemr_hash *out)
{
    if (n == 1) {
        *out = leaves[0];
        return;
    }
    uint64_t k = 1;
    uint8_t bytes[65] = {1};
    bcemr_hash left, right;
    while (k * 2 < n)
        k *= 2;
    slow_root(leaves, k, &left);
    slow_root(leaves + k, n - k, &right);
    memcpy(bytes + 1, left.b, 32);
    memcpy(bytes + 33, right.b, 32);
    crypto_hash_sha256(out->b, bytes, sizeof bytes);
}

static void trees_of_all_sizes(void **state)
{
    (void)state;
    static bcemr_hash leaves[260];
    bcemr_tree tree;
    bcemr_tree_begin(&tree);
    for (uint64_t n = 1; n <= 260; n++) {
        bcemr_hash due, got;
        randombytes_buf(leaves[n - 1].b, 32);
        bcemr_tree_add(&tree, &leaves[n - 1]);
        slow_root(leaves, n, &due);
        bcemr_tree_root(&tree, &got);
        assert_memory_equal(due.b, got.b, 32);
    }
}

static void leaves_of_all_lengths(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {0,     1,     54,    55,    63,    64,    65535,
                                       65536, 65551, 65552, 65553, 70000, 200000};
    uint8_t *bytes = malloc(200001);
    assert_non_null(bytes);
    randombytes_buf(bytes, 200001);
    bytes[0] = 0;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        bcemr_hash got, due;
        bcemr_tree_leaf_hash(bcemr_span_of(bytes + 1, lengths[i]), &got);
        crypto_hash_sha256(due.b, bytes, lengths[i] + 1);
        assert_memory_equal(got.b, due.b, 32);
    }
    free(bytes);
}

/* ---- documents ---- */

static void slow_document(const uint8_t *p, uint64_t n, bcemr_hash *out)
{
    bcemr_hash leaves[8];
    uint64_t count = 0;
    for (uint64_t at = 0; at < n; at += BCEMR_PIECE, count++)
        bcemr_tree_leaf_hash(bcemr_span_of(p + at, n - at < BCEMR_PIECE ? n - at : BCEMR_PIECE),
                             &leaves[count]);
    if (count == 0)
        crypto_hash_sha256(out->b, p, 0);
    else
        slow_root(leaves, count, out);
}

static void documents_in_any_portions(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {0, 1, 65535, 65536, 65537, 131072, 131073, 400000};
    static bcemr_document_hash hash;
    uint8_t *bytes = malloc(400000);
    assert_non_null(bytes);
    randombytes_buf(bytes, 400000);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        bcemr_hash due, got;
        slow_document(bytes, lengths[i], &due);
        for (unsigned round = 0; round < 6; round++) {
            static const uint32_t most[] = {400001, 65537, 65536, 70000, 1000, 7};
            bcemr_document_begin(&hash);
            for (uint64_t at = 0; at < lengths[i];) {
                uint64_t n = round == 2 ? BCEMR_PIECE : 1 + randombytes_uniform(most[round]);
                n = n < lengths[i] - at ? n : lengths[i] - at;
                bcemr_document_feed(&hash, bcemr_span_of(bytes + at, n));
                at += n;
            }
            assert_int_equal(hash.length, lengths[i]);
            bcemr_document_end(&hash, &got);
            assert_memory_equal(due.b, got.b, 32);
            assert_true(sodium_is_zero(hash.piece, sizeof hash.piece));
        }
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_answers),
        cmocka_unit_test(hmac_answers),
        cmocka_unit_test(hkdf_answers),
        cmocka_unit_test(kdf_is_hkdf_of_the_transcript),
        cmocka_unit_test(kdf_limits),
        cmocka_unit_test(scalars_are_wide_output_mod_q),
        cmocka_unit_test(hashes_of_values),
        cmocka_unit_test(hashes_that_cannot_be_made),
        cmocka_unit_test(tuples),
        cmocka_unit_test(tree_answers),
        cmocka_unit_test(trees_of_all_sizes),
        cmocka_unit_test(leaves_of_all_lengths),
        cmocka_unit_test(documents_in_any_portions),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
