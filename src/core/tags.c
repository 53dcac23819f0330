/* SPDX-License-Identifier: Apache-2.0 */
/* Keyword tags (section 5): what a cloud compares without learning the word. */
#include "core/declassify.h"
#include "core/verdict.h"

#include <bcemr/hash.h>
#include <bcemr/record.h>

#include <sodium.h>
#include <string.h>

#define TAGS_MAX 64

bcemr_status bcemr_keyword_tag(const bcemr_key *kt, bcemr_span word, bcemr_bytes16 *out,
                               bcemr_error *err)
{
    const bcemr_tr_keyword keyword = {word};
    bcemr_hash mac;
    bcemr_status status = bcemr_hmac_value(bcemr_span_of(kt->b, sizeof kt->b), &bcemr_type_keyword,
                                           &keyword, &mac, err);
    memcpy(out->b, mac.b, sizeof out->b);
    CORE_DECLASSIFY("a word's tag stands in the header, sorted", out->b, sizeof out->b);
    return status;
}

static int compare(const bcemr_bytes16 *a, const bcemr_bytes16 *b)
{
    return memcmp(a->b, b->b, sizeof a->b);
}

/* Puts a tag where it belongs in an ascending array; false when it is there already. */
static bool insert(bcemr_bytes16 *tags, uint64_t *count, const bcemr_bytes16 *tag)
{
    uint64_t place = 0;
    while (place < *count && compare(&tags[place], tag) < 0)
        place++;
    if (place < *count && compare(&tags[place], tag) == 0)
        return false;
    memmove(tags + place + 1, tags + place, (size_t)(*count - place) * sizeof *tags);
    tags[place] = *tag;
    (*count)++;
    return true;
}

/* The tags of the distinct words, ascending. */
static bcemr_status tags_of_words(const bcemr_key *kt, const bcemr_span *words, uint64_t count,
                                  bcemr_bytes16 tags[TAGS_MAX + 1], uint64_t *tag_count,
                                  bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    *tag_count = 0;
    for (uint64_t i = 0; i < count; i++) {
        bcemr_bytes16 tag;
        TRY(bcemr_keyword_tag(kt, words[i], &tag, err));
        if (insert(tags, tag_count, &tag) && *tag_count > TAGS_MAX) {
            status = wire_fail_at(err, BCEMR_E_TOO_MANY, "tags", "words", i, BCEMR_NOWHERE);
            goto out;
        }
    }
out:
    return status;
}

/* The next of 8, 16, 32, 64: the number of tags says little about the number of words. */
static uint64_t padded(uint64_t count)
{
    uint64_t n = 8;
    while (n < count)
        n *= 2;
    return n;
}

bcemr_status bcemr_tags_make(const bcemr_key *kt, const bcemr_span *words, uint64_t count,
                             bcemr_bytes16 tags[64], uint64_t *tag_count, bcemr_error *err)
{
    bcemr_bytes16 sorted[TAGS_MAX + 1];
    uint64_t n = 0;
    *tag_count = 0;
    bcemr_wipe(tags, TAGS_MAX * sizeof tags[0]);
    bcemr_status status = tags_of_words(kt, words, count, sorted, &n, err);
    if (status == BCEMR_OK) {
        uint64_t wanted = padded(n);
        while (n < wanted) {
            bcemr_bytes16 random;
            randombytes_buf(random.b, sizeof random.b);
            CORE_DECLASSIFY("a random tag stands there, too", random.b, sizeof random.b);
            (void)insert(sorted, &n, &random);
        }
        memcpy(tags, sorted, (size_t)n * sizeof sorted[0]);
        *tag_count = n;
    }
    bcemr_wipe(sorted, sizeof sorted); /* which of them stand for words is nobody's business */
    return status;
}

static bcemr_status check(const bcemr_key *kt, const bcemr_span *words, uint64_t count,
                          const bcemr_list *tags, bcemr_error *err)
{
    bcemr_bytes16 due[TAGS_MAX + 1], tag, last = {{0}};
    uint64_t due_count = 0, found = 0, place = 0;
    bcemr_status status = BCEMR_OK;
    TRY(tags_of_words(kt, words, count, due, &due_count, err));
    REQUIRE(tags->count == padded(due_count), BCEMR_BAD_TAGS, "header", "tags");
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_bytes16_item, tags);
    while (bcemr_list_next(&iter, &tag)) {
        REQUIRE_AT(place == 0 || compare(&last, &tag) < 0, BCEMR_BAD_TAGS, "header", "tags", place);
        /* Both ascend, so one pass finds all. */
        if (found < due_count && compare(&due[found], &tag) == 0)
            found++;
        last = tag;
        place++;
    }
    REQUIRE_AT(found == due_count, BCEMR_BAD_TAGS, "header", "tags", BCEMR_NOWHERE);
out:
    bcemr_wipe(due, sizeof due);
    return status;
}

bcemr_verdict bcemr_tags_check(const bcemr_key *kt, const bcemr_span *words, uint64_t count,
                               const bcemr_list *tags, bcemr_error *err)
{
    bcemr_error local;
    err = core_error(err, &local);
    return core_verdict(check(kt, words, count, tags, err), err);
}
