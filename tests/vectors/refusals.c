/* SPDX-License-Identifier: Apache-2.0 */
/* refusals.json: what must not decode, and the status that it has (1.3, 1.4). */
#include "vectors/vectors.h"

#include <bcemr/group.h>
#include <stdlib.h>

typedef enum value_kind { KIND_G1, KIND_G2, KIND_SCALAR, KIND_ED, KIND_X25519 } value_kind;

static const char *const kinds[] = {"g1", "g2", "scalar", "ed25519", "x25519"};

static bcemr_status decode(value_kind kind, const uint8_t *bytes)
{
    bcemr_g1_raw g1_raw;
    bcemr_g2_raw g2_raw;
    bcemr_scalar_raw scalar_raw;
    bcemr_ed_raw ed_raw;
    bcemr_x25519_raw x_raw;
    bcemr_g1 g1;
    bcemr_g2 g2;
    bcemr_scalar scalar;
    bcemr_ed_public ed;
    bcemr_x25519_public x;
    switch (kind) {
    case KIND_G1:
        memcpy(g1_raw.b, bytes, sizeof g1_raw.b);
        return bcemr_g1_decode(&g1_raw, &g1);
    case KIND_G2:
        memcpy(g2_raw.b, bytes, sizeof g2_raw.b);
        return bcemr_g2_decode(&g2_raw, &g2);
    case KIND_SCALAR:
        memcpy(scalar_raw.b, bytes, sizeof scalar_raw.b);
        return bcemr_scalar_decode(&scalar_raw, &scalar);
    case KIND_ED:
        memcpy(ed_raw.b, bytes, sizeof ed_raw.b);
        return bcemr_ed_decode(&ed_raw, &ed);
    default:
        memcpy(x_raw.b, bytes, sizeof x_raw.b);
        return bcemr_x25519_decode(&x_raw, &x);
    }
}

static void refuse(value_kind kind, const char *name, const uint8_t *bytes)
{
    static const uint64_t sizes[] = {48, 96, 32, 32, 32};
    vec_begin("decode", name);
    vec_word("kind", kinds[kind]);
    vec_bytes("bytes", bytes, sizes[kind]);
    vec_word("status", bcemr_status_name(decode(kind, bytes)));
    vec_end();
}

/* p, big-endian, as the x of a point. */
static const uint8_t field_prime[48] = {
    0x1a, 0x01, 0x11, 0xea, 0x39, 0x7f, 0xe6, 0x9a, 0x4b, 0x1b, 0xa7, 0xb6, 0x43, 0x4b, 0xac, 0xd7,
    0x64, 0x77, 0x4b, 0x84, 0xf3, 0x85, 0x12, 0xbf, 0x67, 0x30, 0xd2, 0xa0, 0xf6, 0xb0, 0xf6, 0x24,
    0x1e, 0xab, 0xff, 0xfe, 0xb1, 0x53, 0xff, 0xff, 0xb9, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xaa, 0xab};

static void changed(value_kind kind, const char *name, const uint8_t *from, uint64_t n, uint64_t at,
                    uint8_t value)
{
    uint8_t bytes[96];
    memcpy(bytes, from, (size_t)n);
    bytes[at] = value;
    refuse(kind, name, bytes);
}

/* The next x from this one's that is (or is not) on the curve, in the group or not. */
static void search(value_kind kind, const char *name, const uint8_t *from, uint64_t n,
                   bcemr_status wanted)
{
    uint8_t bytes[96];
    memcpy(bytes, from, (size_t)n);
    for (unsigned i = 0; i < 256; i++) {
        bytes[n - 1] = (uint8_t)i;
        if (decode(kind, bytes) == wanted) {
            refuse(kind, name, bytes);
            return;
        }
    }
    abort();
}

static void refuse_points(value_kind kind, const uint8_t *good, uint64_t n)
{
    uint8_t bytes[96] = {0xc0};
    refuse(kind, "one that is well", good);
    refuse(kind, "the identity", bytes);
    bytes[n - 1] = 1;
    refuse(kind, "the identity with another byte", bytes);
    bytes[n - 1] = 0;
    bytes[0] = 0xe0;
    refuse(kind, "the identity with a sign", bytes);
    changed(kind, "no compression flag", good, n, 0, good[0] & 0x7f);
    changed(kind, "the infinity flag on a point", good, n, 0, good[0] | 0x40);
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, field_prime, sizeof field_prime);
    bytes[0] |= 0x80;
    refuse(kind, "x is p", bytes);
    if (kind == KIND_G2) {
        memcpy(bytes, good, 48);
        memcpy(bytes + 48, field_prime, sizeof field_prime);
        refuse(kind, "the second half of x is p", bytes);
    }
    search(kind, "not on the curve", good, n, BCEMR_E_POINT_NOT_ON_CURVE);
    search(kind, "on the curve, outside the group", good, n, BCEMR_E_POINT_NOT_IN_GROUP);
    memset(bytes, 0, sizeof bytes);
    bytes[0] = 0x80;
    refuse(kind, "x is 0", bytes);
}

static void refuse_scalars(void)
{
    static const uint8_t q[32] = {0x01, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xfe, 0x5b, 0xfe,
                                  0xff, 0x02, 0xa4, 0xbd, 0x53, 0x05, 0xd8, 0xa1, 0x09, 0x08, 0xd8,
                                  0x39, 0x33, 0x48, 0x7d, 0x9d, 0x29, 0x53, 0xa7, 0xed, 0x73};
    uint8_t bytes[32] = {0};
    refuse(KIND_SCALAR, "zero", bytes);
    refuse(KIND_SCALAR, "q", q);
    changed(KIND_SCALAR, "q - 1", q, 32, 0, 0);
    memset(bytes, 0xff, sizeof bytes);
    refuse(KIND_SCALAR, "all bits", bytes);
}

static void refuse_curve25519(void)
{
    /* the five u of small order; RFC 7748's field; and one of them over p */
    static const uint8_t eight[32] = {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae,
                                      0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
                                      0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd,
                                      0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00};
    static const uint8_t other[32] = {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24,
                                      0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
                                      0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86,
                                      0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57};
    uint8_t p[32], bytes[32] = {0};
    memset(p, 0xff, sizeof p);
    p[0] = 0xed;
    p[31] = 0x7f;
    refuse(KIND_X25519, "0", bytes);
    bytes[0] = 1;
    refuse(KIND_X25519, "1", bytes);
    refuse(KIND_X25519, "a u of order 8", eight);
    refuse(KIND_X25519, "the other u of order 8", other);
    changed(KIND_X25519, "p - 1", p, 32, 0, 0xec);
    refuse(KIND_X25519, "p", p);
    changed(KIND_X25519, "the base point with its top bit set", (const uint8_t[32]){9}, 32, 31,
            0x80);
    changed(KIND_X25519, "the base point", (const uint8_t[32]){9}, 32, 0, 9);
}

static void refuse_ed25519(const uint8_t good[32])
{
    uint8_t p[32], bytes[32] = {1};
    memset(p, 0xff, sizeof p);
    p[0] = 0xed;
    p[31] = 0x7f;
    refuse(KIND_ED, "one that is well", good);
    refuse(KIND_ED, "the identity", bytes);
    bytes[0] = 0;
    refuse(KIND_ED, "a point of order 4", bytes);
    bytes[0] = 1;
    bytes[31] = 0x80;
    refuse(KIND_ED, "the identity with the sign of x set", bytes);
    changed(KIND_ED, "the point of order 2", p, 32, 0, 0xec);
    refuse(KIND_ED, "y is p", p);
    changed(KIND_ED, "the identity, y over p", p, 32, 0, 0xee);
    search(KIND_ED, "not a point", good, 32, BCEMR_E_ED25519_ENCODING);
    search(KIND_ED, "a point with a part of small order", good, 32, BCEMR_E_ED25519_SMALL_ORDER);
}

/* ---- transcripts ---- */

static void refuse_transcript(const char *name, const bcemr_type *type, bcemr_span bytes)
{
    vec_begin("read", name);
    vec_word("type", bcemr_type_name(type));
    vec_span("bytes", bytes);
    vec_word("status", bcemr_status_name(bcemr_validate(type, bytes, NULL)));
    vec_end();
}

static void refuse_fields(const char *name, const bcemr_type *type, const char *label,
                          const bcemr_span *fields, uint64_t count)
{
    bcemr_buf made = BCEMR_BUF_EMPTY;
    must(bcemr_write_fields(label, fields, count, &made));
    refuse_transcript(name, type, bcemr_buf_span(&made));
    bcemr_buf_free(&made);
}

static void refuse_waived(void)
{
    static const uint8_t zeros[9] = {0}, two[8] = {2};
    const bcemr_span good[1] = {bcemr_span_of(two, 8)}, over[1] = {bcemr_span_of(zeros, 8)};
    const bcemr_span longer[1] = {bcemr_span_of(zeros, 9)};
    uint8_t bytes[31];
    bcemr_buf made = BCEMR_BUF_EMPTY;
    must(bcemr_write_fields("waived", good, 1, &made));
    refuse_transcript("one that is well", &bcemr_type_waived, bcemr_buf_span(&made));
    refuse_transcript("no bytes", &bcemr_type_waived, (bcemr_span){NULL, 0});
    for (uint64_t n = 1; n < made.n; n += 7)
        refuse_transcript("its beginning", &bcemr_type_waived, bcemr_span_of(made.p, n));
    memcpy(bytes, made.p, 30);
    bytes[30] = 0;
    refuse_transcript("a byte behind it", &bcemr_type_waived, bcemr_span_of(bytes, 31));
    memset(bytes + 14, 0xff, 8);
    refuse_transcript("a length of 2^64 - 1", &bcemr_type_waived, bcemr_span_of(bytes, 30));
    refuse_fields("another label", &bcemr_type_waived, "weaved", good, 1);
    refuse_fields("a later version", &bcemr_type_waived, "waived/2", good, 1);
    refuse_fields("version 1 spelt out", &bcemr_type_waived, "waived/1", good, 1);
    refuse_fields("no field", &bcemr_type_waived, "waived", NULL, 0);
    refuse_fields("an integer of nine bytes", &bcemr_type_waived, "waived", longer, 1);
    refuse_fields("a number of no meaning", &bcemr_type_waived, "waived", over, 1);
    bcemr_buf_free(&made);
}

static void refuse_texts(void)
{
    static const struct {
        const char *name, *text;
    } texts[] = {{"a keyword", "fi\xef\xac\x81 \xe6\x97\xa5"},
                 {"a control character", "a\x1f"},
                 {"delete", "a\x7f"},
                 {"a control character of two bytes", "\xc2\x80"},
                 {"a byte that begins nothing", "\xff"},
                 {"a longer form than needed", "\xc0\xaf"},
                 {"half of a pair", "\xed\xa0\x80"},
                 {"over U+10FFFF", "\xf4\x90\x80\x80"},
                 {"a character cut off", "a\xe6\x97"},
                 {"nothing", ""}};
    uint8_t longest[201];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const bcemr_span text = bcemr_text(texts[i].text);
        refuse_fields(texts[i].name, &bcemr_type_keyword, "keyword", &text, 1);
    }
    memset(longest, 'a', sizeof longest);
    const bcemr_span over = bcemr_span_of(longest, 201);
    refuse_fields("201 bytes", &bcemr_type_keyword, "keyword", &over, 1);
}

static void refuse_numbers(void)
{
    static const uint8_t top[8] = {0, 0, 0, 0, 0, 0, 0, 0x80}, one[8] = {1};
    const bcemr_hash a = known_hash("a");
    const bcemr_span hash = bcemr_span_of(a.b, 32), number = bcemr_span_of(one, 8);
    const bcemr_span late[5] = {hash, bcemr_text("c"), hash, bcemr_span_of(top, 8)};
    const bcemr_span absent[3] = {hash, {NULL, 0}, hash};
    const bcemr_span short_hash[1] = {bcemr_span_of(a.b, 31)};
    refuse_fields("a time of 2^63", &bcemr_type_consent_post, "consent-post", late, 4);
    refuse_fields("a counter over its range", &bcemr_type_pair, "pair",
                  (const bcemr_span[3]){hash, number, bcemr_span_of(top, 8)}, 3);
    refuse_fields("a first of 2^63", &bcemr_type_consistency, "consistency",
                  (const bcemr_span[3]){bcemr_span_of(top, 8), number, hash}, 3);
    refuse_fields("not a list", &bcemr_type_consistency, "consistency",
                  (const bcemr_span[3]){number, number, hash}, 3);
    refuse_fields("an absent name", &bcemr_type_e_retire, "Retire", absent, 3);
    refuse_fields("an absent integer", &bcemr_type_consistency, "consistency", &absent[1], 1);
    refuse_fields("an absent list", &bcemr_type_tags, "tags", &absent[1], 1);
    refuse_fields("an absent transcript", &bcemr_type_ticket, "ticket", &absent[1], 1);
    refuse_fields("absent bytes", &bcemr_type_group_key, "group-key", &absent[1], 1);
    refuse_fields("a key of 31 bytes", &bcemr_type_e_retire, "Retire",
                  (const bcemr_span[3]){hash, bcemr_text("d"), bcemr_span_of(a.b, 31)}, 3);
    refuse_fields("an absent hash", &bcemr_type_accept, "accept", &absent[1], 1);
    refuse_fields("a hash of 31 bytes", &bcemr_type_accept, "accept", short_hash, 1);
}

/* Tr("tags"; list of count tags, counted as said). */
static void refuse_tags(const char *name, uint64_t count, uint64_t said)
{
    static const uint8_t tag[16] = {1};
    uint8_t number[8];
    bcemr_span fields[67];
    bcemr_buf list = BCEMR_BUF_EMPTY;
    bcemr_store_u64(number, said);
    fields[0] = bcemr_span_of(number, 8);
    for (uint64_t i = 0; i < count; i++)
        fields[i + 1] = bcemr_span_of(tag, 16);
    must(bcemr_write_fields("list", fields, count + 1, &list));
    const bcemr_span field = bcemr_buf_span(&list);
    refuse_fields(name, &bcemr_type_tags, "tags", &field, 1);
    bcemr_buf_free(&list);
}

void vectors_refusals(void)
{
    const bcemr_secret_scalar x = known_scalar("a point");
    const bcemr_g1_raw g1 = g1_of(&x);
    const bcemr_g2_raw g2 = g2_of(&x);
    bcemr_ed_secret secret;
    bcemr_ed_raw ed;
    bcemr_ed_from_seed(x.b, &secret, &ed);
    vec_open("refusals", "what must not decode and its status; OK for neighbours that must");
    refuse_points(KIND_G1, g1.b, 48);
    refuse_points(KIND_G2, g2.b, 96);
    refuse_scalars();
    refuse_curve25519();
    refuse_ed25519(ed.b);
    refuse_waived();
    refuse_texts();
    refuse_numbers();
    refuse_tags("8 tags", 8, 8);
    refuse_tags("7 tags", 7, 7);
    refuse_tags("65 tags", 65, 65);
    refuse_tags("8 tags, said to be 9", 8, 9);
    refuse_tags("9 tags, said to be 8", 9, 8);
    refuse_tags("a count of 2^64 - 1", 8, UINT64_MAX);
    vec_close();
}
