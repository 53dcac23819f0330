/* SPDX-License-Identifier: Apache-2.0 */
/* The seed as 24 words: published answers of BIP-39, and every way to write them wrongly. */
#include "bcemr/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ABANDON_23                                                                                 \
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "     \
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "     \
    "abandon"

static void published_answers(void **state)
{
    (void)state;
    static const struct {
        uint8_t byte;
        const char *last;
        const char *first;
    } known[] = {{0x00, "art", "abandon"},
                 {0x7f, "title", "legal"},
                 {0x80, "bless", "letter"},
                 {0xff, "vote", "zoo"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        bcemr_seed seed, back;
        char text[WORDS_TEXT];
        memset(seed.b, known[i].byte, sizeof seed.b);
        words_from_seed(&seed, text);
        assert_int_equal(strncmp(text, known[i].first, strlen(known[i].first)), 0);
        assert_string_equal(strrchr(text, ' ') + 1, known[i].last);
        assert_int_equal(words_to_seed(bcemr_text(text), &back, NULL), BCEMR_OK);
        assert_memory_equal(&seed, &back, sizeof seed);
    }
}

static void spaces_case_and_four_letters(void **state)
{
    (void)state;
    bcemr_seed seed, zero;
    memset(&zero, 0, sizeof zero);
    assert_int_equal(words_to_seed(bcemr_text("\n\t ABAN " ABANDON_23), &seed, NULL),
                     BCEMR_E_CHECKSUM); /* 24 words, the last of them wrong */
    char text[512];
    (void)snprintf(text, sizeof text, "  %s\r\n\tArt  ", ABANDON_23);
    memcpy(text + 2, "ABAN   ", 7);
    assert_int_equal(words_to_seed(bcemr_text(text), &seed, NULL), BCEMR_OK);
    assert_memory_equal(&seed, &zero, sizeof seed);
}

static void refused(const char *text, bcemr_status expected, uint64_t at)
{
    bcemr_seed seed, zero;
    uint64_t place = 0;
    memset(&zero, 0, sizeof zero);
    memset(&seed, 0xaa, sizeof seed);
    assert_int_equal(words_to_seed(bcemr_text(text), &seed, &place), expected);
    assert_memory_equal(&seed, &zero, sizeof seed);
    if (at > 0)
        assert_int_equal(place, at);
}

static void wrong_words(void **state)
{
    (void)state;
    refused("", BCEMR_E_TOO_FEW, 0);
    refused(ABANDON_23, BCEMR_E_TOO_FEW, 0);
    refused(ABANDON_23 " art art", BCEMR_E_TOO_MANY, 25);
    refused(ABANDON_23 " abandon", BCEMR_E_CHECKSUM, 0);
    refused(ABANDON_23 " arts", BCEMR_E_UNKNOWN_VALUE, 24);
    refused("abandon aba " ABANDON_23, BCEMR_E_UNKNOWN_VALUE, 2); /* three letters are too few */
    refused("abandonabandon " ABANDON_23, BCEMR_E_UNKNOWN_VALUE, 1);
    refused("abandons " ABANDON_23, BCEMR_E_UNKNOWN_VALUE, 1);
}

static void list_is_usable(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORDS_LIST; i++) {
        assert_true(strlen(words_english[i]) >= 3 && strlen(words_english[i]) <= 8);
        for (unsigned j = i + 1; j < WORDS_LIST; j++)
            assert_int_not_equal(strncmp(words_english[i], words_english[j], 4), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_answers),
        cmocka_unit_test(spaces_case_and_four_letters),
        cmocka_unit_test(wrong_words),
        cmocka_unit_test(list_is_usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
