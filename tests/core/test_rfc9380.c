/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashing to the curves (section 1): the vectors of RFC 9380 as blst's tree brings them, and the
 * domain tags of each purpose. The files are pinned by hash, so a scanner of three keys reads them
 * (in the browser, too, where there is no JSON library).
 */
#include "core_test.h"

#include <stdio.h>
#include <stdlib.h>

static char *load(const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/vectors/hash_to_curve/%s", BCEMR_TEST_DATA, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, 65536);
    assert_non_null(text);
    size_t n = fread(text, 1, 65535, file);
    assert_in_range(n, 1, 65534);
    (void)fclose(file);
    return text;
}

/* The string after "key": from at; *end is behind it. */
static bcemr_span string_of(const char *at, const char *key, const char **end)
{
    char quoted[16];
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", key);
    const char *p = strstr(at, quoted);
    assert_non_null(p);
    p = strchr(p + strlen(quoted), '"');
    assert_non_null(p);
    const char *q = strchr(p + 1, '"');
    assert_non_null(q);
    *end = q + 1;
    return bcemr_span_of(p + 1, (uint64_t)(q - p - 1));
}

/* "0x..." of 48 bytes, or two of them with a comma (real part first). */
static void coordinate(bcemr_span text, unsigned parts, uint8_t *out)
{
    assert_int_equal(text.n, parts * 98 + parts - 1);
    for (unsigned i = 0; i < parts; i++) {
        size_t n = 0;
        const char *hex = (const char *)text.p + i * 99;
        assert_memory_equal(hex, "0x", 2);
        OK(sodium_hex2bin(out + 48u * i, 48, hex + 2, 96, NULL, &n, NULL));
        assert_int_equal(n, 48);
    }
}

static unsigned check_file(const char *name, bool second_group)
{
    char *text = load(name);
    const char *at = text;
    unsigned count = 0, parts = second_group ? 2 : 1;
    bcemr_span tag = string_of(text, "dst", &at);
    while (strstr(at, "\"P\"")) {
        uint8_t expected[192], x[96], y[96], got[192];
        blst_p1 one;
        blst_p2 two;
        const char *next = strstr(at, "\"P\"");
        coordinate(string_of(next, "x", &next), parts, x);
        coordinate(string_of(next, "y", &next), parts, y);
        bcemr_span message = string_of(next, "msg", &next);
        at = next;
        if (second_group) {
            /* The ZCash form puts the imaginary part first. */
            memcpy(expected, x + 48, 48);
            memcpy(expected + 48, x, 48);
            memcpy(expected + 96, y + 48, 48);
            memcpy(expected + 144, y, 48);
            OK(core_hash_to_g2_with(tag, message, &two));
            blst_p2_serialize(got, &two);
        } else {
            memcpy(expected, x, 48);
            memcpy(expected + 48, y, 48);
            OK(core_hash_to_g1_with(tag, message, &one));
            blst_p1_serialize(got, &one);
        }
        assert_memory_equal(got, expected, 96u * parts);
        count++;
    }
    free(text);
    return count;
}

static void vectors_g1(void **state)
{
    (void)state;
    assert_int_equal(check_file("BLS12381G1_XMD_SHA-256_SSWU_RO_.json", false), 5);
}

static void vectors_g2(void **state)
{
    (void)state;
    assert_int_equal(check_file("BLS12381G2_XMD_SHA-256_SSWU_RO_.json", true), 5);
}

/* Each purpose has the tag of section 1, and none another's. */
static void tags(void **state)
{
    (void)state;
    static const struct {
        bcemr_purpose purpose;
        const char *tag;
    } rows[] = {
        {BCEMR_PURPOSE_CRED, "BCEMR-V1-CRED_BLS12381G1_XMD:SHA-256_SSWU_RO_"},
        {BCEMR_PURPOSE_SIG, "BCEMR-V1-SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_"},
        {BCEMR_PURPOSE_POP, "BCEMR-V1-POP_BLS12381G1_XMD:SHA-256_SSWU_RO_"},
    };
    const bcemr_span message = bcemr_text("the message");
    bcemr_g1 got[3];
    bcemr_g2 got2;
    for (unsigned i = 0; i < COUNT(rows); i++) {
        blst_p1 point;
        blst_p1_affine expected;
        blst_hash_to_g1(&point, message.p, (size_t)message.n, (const byte *)rows[i].tag,
                        strlen(rows[i].tag), NULL, 0);
        blst_p1_to_affine(&expected, &point);
        OK(bcemr_hash_to_g1(rows[i].purpose, message, &got[i]));
        assert_memory_equal(&got[i], &expected, sizeof expected);
        assert_true(i == 0 || !bcemr_g1_equal(&got[i], &got[i - 1]));
    }
    const char *capsule = "BCEMR-V1-CAPSULE_BLS12381G2_XMD:SHA-256_SSWU_RO_";
    blst_p2 point;
    blst_p2_affine expected;
    blst_hash_to_g2(&point, message.p, (size_t)message.n, (const byte *)capsule, strlen(capsule),
                    NULL, 0);
    blst_p2_to_affine(&expected, &point);
    OK(bcemr_hash_to_g2(BCEMR_PURPOSE_CAPSULE, message, &got2));
    assert_memory_equal(&got2, &expected, sizeof expected);
}

/* A purpose belongs to one group. */
static void wrong_group(void **state)
{
    (void)state;
    const bcemr_span message = bcemr_text("m");
    bcemr_g1 one;
    bcemr_g2 two;
    assert_int_equal(bcemr_hash_to_g1(BCEMR_PURPOSE_CAPSULE, message, &one), BCEMR_E_ARGUMENT);
    assert_true(all_zero(&one, sizeof one));
    assert_int_equal(bcemr_hash_to_g2(BCEMR_PURPOSE_SIG, message, &two), BCEMR_E_ARGUMENT);
    assert_true(all_zero(&two, sizeof two));
    assert_int_equal(bcemr_hash_to_g2(BCEMR_PURPOSE_CRED, message, &two), BCEMR_E_ARGUMENT);
    assert_int_equal(bcemr_hash_to_g2(BCEMR_PURPOSE_POP, message, &two), BCEMR_E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_g1),
        cmocka_unit_test(vectors_g2),
        cmocka_unit_test(tags),
        cmocka_unit_test(wrong_group),
    };
    return cmocka_run_group_tests_name("core/rfc9380", tests, NULL, NULL);
}
