/* SPDX-License-Identifier: Apache-2.0 */
/* Known answers are written in hexadecimal. Include after cmocka.h. */
#ifndef BCEMR_TEST_HEX_H
#define BCEMR_TEST_HEX_H

#include <bcemr/bytes.h>
#include <string.h>

static inline uint8_t hex_digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Decodes text into out (room for most bytes) and gives what was decoded. */
static inline bcemr_span hex(const char *text, uint8_t *out, uint64_t most)
{
    uint64_t n = strlen(text) / 2;
    assert_true(n <= most);
    for (uint64_t i = 0; i < n; i++)
        out[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    return (bcemr_span){out, n};
}

static inline void assert_hex(const void *got, const char *text)
{
    uint8_t expected[1024];
    bcemr_span bytes = hex(text, expected, sizeof expected);
    assert_memory_equal(got, bytes.p, bytes.n);
}

#endif
