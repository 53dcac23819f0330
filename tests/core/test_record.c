/* SPDX-License-Identifier: Apache-2.0 */
/* Keyword tags, the record's header and its case: every field, every check (sections 5 and 6). */
#include <bcemr/record.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>

#include "core/sample.h"

static const bcemr_key kt = {{0x77}};

static int on(void **state)
{
    (void)state;
    bcemr_switch_all_on();
    bcemr_switch_fail_allocation(0);
    return 0;
}

/* ---- tags ---- */

static char words_text[70][16];
static bcemr_span words[70];

static void make_words(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        (void)snprintf(words_text[i], sizeof words_text[i], "word %u", (unsigned)i);
        words[i] = bcemr_text(words_text[i]);
    }
}

static void a_tag_is_a_mac(void **state)
{
    (void)state;
    const bcemr_span word = bcemr_text("diabetes");
    const bcemr_key other = {{0x78}};
    bcemr_buf transcript = BCEMR_BUF_EMPTY;
    bcemr_hash mac;
    bcemr_bytes16 tag, again;
    assert_int_equal(bcemr_keyword_tag(&kt, word, &tag, NULL), BCEMR_OK);
    assert_int_equal(bcemr_write_fields("keyword", &word, 1, &transcript), BCEMR_OK);
    bcemr_hmac(bcemr_span_of(kt.b, 32), bcemr_buf_span(&transcript), &mac);
    assert_memory_equal(tag.b, mac.b, 16);
    assert_int_equal(bcemr_keyword_tag(&other, word, &again, NULL), BCEMR_OK);
    assert_memory_not_equal(tag.b, again.b, 16);
    assert_int_equal(bcemr_keyword_tag(&kt, bcemr_text("diabetis"), &again, NULL), BCEMR_OK);
    assert_memory_not_equal(tag.b, again.b, 16);
    assert_int_equal(bcemr_keyword_tag(&kt, (bcemr_span){NULL, 0}, &again, NULL), BCEMR_E_ABSENT);
    assert_int_equal(bcemr_keyword_tag(&kt, bcemr_text("\xff"), &again, NULL), BCEMR_E_TEXT);
    bcemr_buf_free(&transcript);
}

static bool ascend(const bcemr_bytes16 *tags, uint64_t count)
{
    for (uint64_t i = 1; i < count; i++)
        if (memcmp(&tags[i - 1], &tags[i], sizeof tags[0]) >= 0)
            return false;
    return true;
}

static void tags_are_padded_and_sorted(void **state)
{
    (void)state;
    static const struct {
        uint64_t words, tags;
    } cases[] = {{0, 8},   {1, 8},   {7, 8},   {8, 8},   {9, 16},
                 {16, 16}, {17, 32}, {32, 32}, {33, 64}, {64, 64}};
    make_words(64);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bcemr_bytes16 tags[64];
        uint64_t count = 0;
        assert_int_equal(bcemr_tags_make(&kt, words, cases[i].words, tags, &count, NULL), BCEMR_OK);
        assert_int_equal(count, cases[i].tags);
        assert_true(ascend(tags, count));
        const bcemr_list list = BCEMR_LIST_OF(tags, count);
        assert_int_equal(bcemr_tags_check(&kt, words, cases[i].words, &list, NULL), BCEMR_VALID);
    }
}

static void repeated_words_count_once(void **state)
{
    (void)state;
    bcemr_span many[640];
    bcemr_bytes16 tags[64];
    uint64_t count;
    bcemr_error err = {0};
    make_words(65);
    for (size_t i = 0; i < 640; i++)
        many[i] = words[i % 64];
    assert_int_equal(bcemr_tags_make(&kt, many, 640, tags, &count, NULL), BCEMR_OK);
    assert_int_equal(count, 64);
    const bcemr_list list = BCEMR_LIST_OF(tags, count);
    assert_int_equal(bcemr_tags_check(&kt, many, 640, &list, NULL), BCEMR_VALID);
    many[639] = words[64];
    assert_int_equal(bcemr_tags_make(&kt, many, 640, tags, &count, &err), BCEMR_E_TOO_MANY);
    assert_int_equal(err.index, 639);
    assert_int_equal(count, 0);
    assert_true(sodium_is_zero((const unsigned char *)tags, sizeof tags));
    assert_int_equal(bcemr_tags_check(&kt, many, 640, &list, &err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_TOO_MANY);
}

static void tags_refused(const bcemr_bytes16 *tags, uint64_t count, uint64_t word_count)
{
    const bcemr_list list = BCEMR_LIST_OF(tags, count);
    bcemr_error err = {0};
    assert_int_equal(bcemr_tags_check(&kt, words, word_count, &list, &err), BCEMR_BAD_TAGS);
    assert_int_equal(err.verdict, BCEMR_BAD_TAGS);
    bcemr_switch_off(BCEMR_BAD_TAGS);
    assert_int_equal(bcemr_tags_check(&kt, words, word_count, &list, NULL), BCEMR_VALID);
    bcemr_switch_all_on();
}

static void tags_that_do_not_fit(void **state)
{
    (void)state;
    bcemr_bytes16 tags[64], changed[64], tag;
    uint64_t count, place = 0;
    make_words(10);
    assert_int_equal(bcemr_tags_make(&kt, words, 9, tags, &count, NULL), BCEMR_OK);
    assert_int_equal(count, 16);
    assert_int_equal(bcemr_keyword_tag(&kt, words[4], &tag, NULL), BCEMR_OK);
    while (memcmp(&tags[place], &tag, sizeof tag) != 0)
        place++;
    memcpy(changed, tags, sizeof changed);
    changed[place].b[15] ^= 1; /* a keyword hidden from search */
    tags_refused(changed, 16, 9);
    tags_refused(tags, 16, 10); /* one that was not tagged */
    tags_refused(tags, 15, 9);
    tags_refused(tags, 8, 9);
    memcpy(changed, tags, sizeof changed);
    changed[1] = tags[0];
    changed[0] = tags[1];
    tags_refused(changed, 16, 9); /* not sorted */
    tags_refused(tags, 16, 0);    /* more padding than the number of words calls for */
    make_words(9);
    for (uint64_t i = 0; i < 15; i++) { /* one twice in place of a random one */
        memcpy(changed, tags, sizeof changed);
        changed[i] = changed[i + 1];
        tags_refused(changed, 16, 9);
    }
}

/* ---- header and case ---- */

static bcemr_tr_header header;
static bcemr_bytes16 header_tags[8];
static bcemr_ed_secret ssk;
static const bcemr_hash vid = {{1}}, last_context = {{2}}, order = {{3}};
static const bcemr_g1_raw sigma = {{4}};

static int make_header(void **state)
{
    uint8_t seed[32] = {5};
    for (uint8_t i = 0; i < 8; i++)
        header_tags[i].b[0] = i;
    header = (bcemr_tr_header){.b = {{6}},
                               .c = {{7}},
                               .tags = BCEMR_LIST_OF(header_tags, 8),
                               .kc = {{8}},
                               .root = {{9}},
                               .length = 1000};
    bcemr_ed_from_seed(seed, &ssk, &header.svk);
    assert_int_equal(bcemr_header_sign(&ssk, &vid, &last_context, &header, NULL), BCEMR_OK);
    return on(state);
}

/* The header with its n-th field changed; osig is the last. */
static bcemr_tr_header changed_header(unsigned n, bcemr_bytes16 tags[8])
{
    bcemr_tr_header changed = header;
    memcpy(tags, header_tags, sizeof header_tags);
    changed.tags = BCEMR_LIST_OF(tags, 8);
    switch (n) {
    case 0:
        changed.svk.b[0] ^= 1;
        break;
    case 1:
        changed.b.b[47] ^= 1;
        break;
    case 2:
        changed.c.b[95] ^= 1;
        break;
    case 3:
        tags[7].b[15] ^= 1;
        break;
    case 4:

        tags[0] = tags[1];
        break;
    case 5:
        changed.kc.b[31] ^= 1;
        break;
    case 6:
        changed.root.b[31] ^= 1;
        break;
    case 7:
        changed.length++;
        break;
    default:
        changed.osig.b[63] ^= 1;
        break;
    }
    return changed;
}
#define HEADER_CHANGES 9

static void the_seal_signature_covers_everything(void **state)
{
    (void)state;
    bcemr_bytes16 tags[8];
    bcemr_hash other = vid;
    bcemr_error err = {0};
    assert_int_equal(bcemr_header_check(&vid, &last_context, &header, NULL), BCEMR_VALID);
    for (unsigned n = 0; n < HEADER_CHANGES; n++) {
        const bcemr_tr_header changed = changed_header(n, tags);
        assert_int_equal(bcemr_header_check(&vid, &last_context, &changed, &err),
                         BCEMR_BAD_SEAL_SIGNATURE);
        assert_string_equal(err.field, "osig");
    }
    other.b[0] ^= 0x80;
    assert_int_equal(bcemr_header_check(&other, &last_context, &header, NULL),
                     BCEMR_BAD_SEAL_SIGNATURE);
    assert_int_equal(bcemr_header_check(&vid, &other, &header, NULL), BCEMR_BAD_SEAL_SIGNATURE);
    bcemr_switch_off(BCEMR_BAD_SEAL_SIGNATURE);
    assert_int_equal(bcemr_header_check(&vid, &other, &header, NULL), BCEMR_VALID);
}

static void headers_that_cannot_be_signed(void **state)
{
    (void)state;
    bcemr_error err = {0};
    bcemr_tr_header changed = header;
    changed.svk.b[0] ^= 1;
    assert_int_equal(bcemr_header_sign(&ssk, &vid, &last_context, &changed, &err),
                     BCEMR_E_KEY_MISMATCH);
    assert_string_equal(err.field, "svk");
    changed = header;
    changed.tags.count = 7;
    assert_int_equal(bcemr_header_sign(&ssk, &vid, &last_context, &changed, &err), BCEMR_E_TOO_FEW);
    assert_int_equal(bcemr_header_check(&vid, &last_context, &changed, &err), BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_TOO_FEW);
    changed = header;
    changed.length = 8;
    assert_int_equal(bcemr_header_sign(&ssk, &vid, &last_context, &changed, &err),
                     BCEMR_E_INTEGER_RANGE);
}

static void a_header_that_was_read_is_the_same(void **state)
{
    (void)state;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    bcemr_tr_header read;
    bcemr_tr_case record_case;
    assert_int_equal(bcemr_write_header(&header, &bytes, NULL), BCEMR_OK);
    assert_int_equal(bcemr_read_header(bcemr_buf_span(&bytes), &read, NULL), BCEMR_OK);
    assert_int_equal(bcemr_header_check(&vid, &last_context, &read, NULL), BCEMR_VALID);
    assert_int_equal(
        bcemr_case_make(&vid, &order, &last_context, &sigma, &header, &record_case, NULL),
        BCEMR_OK);
    assert_int_equal(bcemr_header_is_case(&read, &record_case, NULL), BCEMR_VALID);
    bcemr_buf_free(&bytes);
}

static void the_case_names_the_header(void **state)
{
    (void)state;
    bcemr_buf capsule = BCEMR_BUF_EMPTY, tags = BCEMR_BUF_EMPTY;
    bcemr_tr_case made;
    bcemr_hash due;
    assert_int_equal(bcemr_case_make(&vid, &order, &last_context, &sigma, &header, &made, NULL),
                     BCEMR_OK);
    assert_memory_equal(&made.vid, &vid, sizeof vid);
    assert_memory_equal(&made.order, &order, sizeof order);
    assert_memory_equal(&made.last_context, &last_context, sizeof last_context);
    assert_memory_equal(&made.sigma, &sigma, sizeof sigma);
    assert_memory_equal(&made.svk, &header.svk, sizeof header.svk);
    assert_memory_equal(&made.kc, &header.kc, sizeof header.kc);
    assert_memory_equal(&made.root, &header.root, sizeof header.root);
    assert_int_equal(made.length, header.length);
    const bcemr_span points[] = {bcemr_span_of(header.b.b, 48), bcemr_span_of(header.c.b, 96)};
    assert_int_equal(bcemr_write_fields("capsule-hash", points, 2, &capsule), BCEMR_OK);
    bcemr_sha256(bcemr_buf_span(&capsule), &due);
    assert_memory_equal(&made.capsule, &due, sizeof due);
    const bcemr_tr_tags list = {header.tags};
    assert_int_equal(bcemr_write_tags(&list, &tags, NULL), BCEMR_OK);
    bcemr_sha256(bcemr_buf_span(&tags), &due);
    assert_memory_equal(&made.tags, &due, sizeof due);
    bcemr_sha256(bcemr_span_of(header.osig.b, 64), &due);
    assert_memory_equal(&made.osig, &due, sizeof due);
    bcemr_buf_free(&capsule);
    bcemr_buf_free(&tags);
}

static void every_field_of_the_header_is_compared(void **state)
{
    (void)state;
    static const char *const fields[HEADER_CHANGES] = {"svk", "capsule", "capsule", "tags", "tags",
                                                       "kc",  "root",    "length",  "osig"};
    bcemr_bytes16 tags[8];
    bcemr_tr_case record_case;
    assert_int_equal(
        bcemr_case_make(&vid, &order, &last_context, &sigma, &header, &record_case, NULL),
        BCEMR_OK);
    assert_int_equal(bcemr_header_is_case(&header, &record_case, NULL), BCEMR_VALID);
    for (unsigned n = 0; n < HEADER_CHANGES; n++) {
        const bcemr_tr_header changed = changed_header(n, tags);
        bcemr_error err = {0};
        assert_int_equal(bcemr_header_is_case(&changed, &record_case, &err), BCEMR_HEADER_NOT_CASE);
        assert_string_equal(err.object, "case");
        assert_string_equal(err.field, fields[n]);
        bcemr_switch_off(BCEMR_HEADER_NOT_CASE);
        assert_int_equal(bcemr_header_is_case(&changed, &record_case, NULL), BCEMR_VALID);
        bcemr_switch_all_on();
    }
    bcemr_tr_header more = header; /* the same tags and another after them */
    bcemr_bytes16 nine[9];
    memcpy(nine, header_tags, sizeof header_tags);
    nine[8] = (bcemr_bytes16){{0xff}};
    more.tags = BCEMR_LIST_OF(nine, 9);
    assert_int_equal(bcemr_header_is_case(&more, &record_case, NULL), BCEMR_HEADER_NOT_CASE);
    more.tags.count = 7;
    assert_int_equal(bcemr_header_is_case(&more, &record_case, NULL), BCEMR_UNDECIDED);
}

/* ---- a record as a whole ---- */

typedef struct record {
    bcemr_hash vid;
    bcemr_ed_raw svk;
    bcemr_g1_raw b;
    bcemr_g2_raw c;
    bcemr_record_keys keys;
} record;

static void open_record(const bcemr_context *context, const bcemr_secret_scalar *x, const record *r,
                        bcemr_record_keys *keys)
{
    bcemr_capsule_key k;
    assert_int_equal(bcemr_capsule_open(context, x, &r->b, &k, NULL), BCEMR_OK);
    assert_int_equal(bcemr_record_keys_derive(&k, &r->vid, &r->svk, &r->c, keys, NULL), BCEMR_OK);
}

/* kc tells a key that is not the record's; nothing of the payload opens under it either. */
static void the_key_commitment_tells_wrong_keys(void **state)
{
    (void)state;
    const bcemr_seed seeds[2] = {{{1}}, {{2}}};
    uint8_t plain[100] = {1}, sealed[116], opened[100];
    bcemr_context *context;
    bcemr_visit_keys patient, other;
    bcemr_secret_scalar r;
    bcemr_capsule_key k;
    bcemr_record_keys keys;
    bcemr_stream stream;
    record right = {.vid = vid, .svk = header.svk}, changed;
    assert_int_equal(bcemr_context_new(&context), BCEMR_OK);
    assert_int_equal(bcemr_visit_keys_derive(&seeds[0], &vid, 0, &patient), BCEMR_OK);
    assert_int_equal(bcemr_visit_keys_derive(&seeds[1], &vid, 0, &other), BCEMR_OK);
    assert_int_equal(bcemr_capsule_seal(context, &patient.pkv, &right.vid, &right.svk, &r, &right.b,
                                        &right.c, &k, NULL),
                     BCEMR_OK);
    assert_int_equal(
        bcemr_record_keys_derive(&k, &right.vid, &right.svk, &right.c, &right.keys, NULL),
        BCEMR_OK);
    assert_int_equal(
        bcemr_stream_payload(&right.keys.dek, &right.vid, &right.svk, 100, &stream, NULL),
        BCEMR_OK);
    assert_int_equal(
        bcemr_stream_seal(&stream, 0, bcemr_span_of(plain, 100), NULL, sealed, NULL, NULL),
        BCEMR_OK);
    open_record(context, &patient.xv, &right, &keys);
    assert_memory_equal(&keys, &right.keys, sizeof keys);
    for (unsigned n = 0; n < 4; n++) {
        changed = right;
        if (n == 1)
            changed.vid.b[9] ^= 1;
        else if (n == 2)
            changed.svk.b[9] ^= 1;
        else if (n == 3)
            changed.c.b[90] ^= 1;
        open_record(context, n == 0 ? &other.xv : &patient.xv, &changed, &keys);
        assert_false(bcemr_hash_equal(&keys.kc, &right.keys.kc));
        assert_int_equal(
            bcemr_stream_payload(&keys.dek, &right.vid, &right.svk, 100, &stream, NULL), BCEMR_OK);
        assert_int_equal(bcemr_stream_open(&stream, 0, bcemr_span_of(sealed, 116), NULL,
                                           BCEMR_BAD_CHUNK, opened, NULL, NULL),
                         BCEMR_E_REFUSED);
        assert_true(sodium_is_zero(opened, sizeof opened));
    }
    bcemr_context_free(context);
}

/* ---- memory ---- */

static void without_memory(void **state)
{
    (void)state;
    bcemr_bytes16 tags[64], tag;
    bcemr_tr_case made;
    bcemr_error err;
    uint64_t count;
    make_words(3);
    STATUS_WITHOUT_MEMORY(bcemr_keyword_tag(&kt, words[0], &tag, &err));
    STATUS_WITHOUT_MEMORY(bcemr_tags_make(&kt, words, 3, tags, &count, &err));
    const bcemr_list list = BCEMR_LIST_OF(tags, count);
    VERDICT_WITHOUT_MEMORY(bcemr_tags_check(&kt, words, 3, &list, &err));
    STATUS_WITHOUT_MEMORY(bcemr_header_sign(&ssk, &vid, &last_context, &header, &err));
    VERDICT_WITHOUT_MEMORY(bcemr_header_check(&vid, &last_context, &header, &err));
    STATUS_WITHOUT_MEMORY(
        bcemr_case_make(&vid, &order, &last_context, &sigma, &header, &made, &err));
    VERDICT_WITHOUT_MEMORY(bcemr_header_is_case(&header, &made, &err));
    bcemr_switch_fail_allocation(1);
    assert_int_equal(bcemr_header_is_case(&header, &made, NULL), BCEMR_UNDECIDED);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_header, on)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tag_is_a_mac),
        TEST(tags_are_padded_and_sorted),
        TEST(repeated_words_count_once),
        TEST(tags_that_do_not_fit),
        TEST(the_seal_signature_covers_everything),
        TEST(headers_that_cannot_be_signed),
        TEST(a_header_that_was_read_is_the_same),
        TEST(the_case_names_the_header),
        TEST(every_field_of_the_header_is_compared),
        TEST(the_key_commitment_tells_wrong_keys),
        TEST(without_memory),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
