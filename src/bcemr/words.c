/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/words.h"

#include <bcemr/hash.h>
#include <stdio.h>
#include <string.h>

#define WORD_BITS 11
#define WORD_LETTERS 8

/* The 11 bits of word number i of seed || first byte of its hash. */
static unsigned word_bits(const uint8_t bytes[33], unsigned i)
{
    unsigned value = 0;
    for (unsigned b = i * WORD_BITS; b < (i + 1) * WORD_BITS; b++)
        value = value << 1 | ((unsigned)bytes[b / 8] >> (7 - b % 8) & 1);
    return value;
}

static void checked_bytes(const bcemr_seed *seed, uint8_t out[33])
{
    bcemr_hash hash;
    bcemr_sha256(bcemr_span_of(seed->b, sizeof seed->b), &hash);
    memcpy(out, seed->b, sizeof seed->b);
    out[32] = hash.b[0];
    bcemr_wipe(&hash, sizeof hash);
}

void words_from_seed(const bcemr_seed *seed, char out[WORDS_TEXT])
{
    uint8_t bytes[33];
    size_t n = 0;
    checked_bytes(seed, bytes);
    for (unsigned i = 0; i < WORDS_SEED; i++)
        n += (size_t)snprintf(out + n, WORDS_TEXT - n, i == 0 ? "%s" : " %s",
                              words_english[word_bits(bytes, i)]);
    bcemr_wipe(bytes, sizeof bytes);
}

static char lower(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Place in the list of a word that is whole or cut to four letters or more; WORDS_LIST: none. */
static unsigned find_word(const char *word, size_t n)
{
    for (unsigned i = 0; i < WORDS_LIST; i++) {
        size_t length = strlen(words_english[i]);
        if (memcmp(words_english[i], word, n < length ? n : length) == 0 &&
            (n == length || (n >= 4 && n < length)))
            return i;
    }
    return WORDS_LIST;
}

/* Takes the next word off the front. False at the end. */
static bool next_word(bcemr_span *text, char word[WORD_LETTERS + 1], size_t *n)
{
    while (text->n > 0 && is_space(*text->p)) {
        text->p++;
        text->n--;
    }
    *n = 0;
    for (; text->n > 0 && !is_space(*text->p); text->p++, text->n--) {
        if (*n <= WORD_LETTERS)
            word[*n] = lower(*text->p);
        (*n)++;
    }
    return *n > 0;
}

static void put_bits(uint8_t bytes[33], unsigned i, unsigned value)
{
    for (unsigned k = 0; k < WORD_BITS; k++) {
        unsigned b = i * WORD_BITS + k;
        bytes[b / 8] = (uint8_t)(bytes[b / 8] | (value >> (WORD_BITS - 1 - k) & 1) << (7 - b % 8));
    }
}

bcemr_status words_to_seed(bcemr_span text, bcemr_seed *seed, uint64_t *place)
{
    bcemr_status status = BCEMR_OK;
    uint8_t bytes[33] = {0}, expected[33];
    char word[WORD_LETTERS + 1];
    size_t n = 0;
    unsigned count = 0;
    for (; next_word(&text, word, &n); count++) {
        unsigned value = n <= WORD_LETTERS ? find_word(word, n) : WORDS_LIST;
        if (count == WORDS_SEED)
            status = BCEMR_E_TOO_MANY;
        else if (value == WORDS_LIST)
            status = BCEMR_E_UNKNOWN_VALUE;
        if (place)
            *place = count + 1;
        if (status != BCEMR_OK)
            goto out;
        put_bits(bytes, count, value);
    }
    if (count < WORDS_SEED)
        status = BCEMR_E_TOO_FEW;
    memcpy(seed->b, bytes, sizeof seed->b);
    checked_bytes(seed, expected);
    if (status == BCEMR_OK && bytes[32] != expected[32])
        status = BCEMR_E_CHECKSUM;
out:
    if (status != BCEMR_OK)
        bcemr_wipe(seed, sizeof *seed);
    bcemr_wipe(bytes, sizeof bytes);
    bcemr_wipe(expected, sizeof expected);
    bcemr_wipe(word, sizeof word);
    return status;
}
