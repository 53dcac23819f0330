/* SPDX-License-Identifier: Apache-2.0 */
/* Capsule, record keys, tags, payload, header. */
#include "constant_time/ct.h"

#include <bcemr/record.h>

#include <string.h>

static void capsule(ct_world *w)
{
    bcemr_secret_scalar r;
    bcemr_g1_raw b, again;
    bcemr_g2_raw c;
    bcemr_capsule_key k;
    OK(bcemr_capsule_seal(w->context, &w->x_g1, &w->vid, &w->ed_public, &r, &b, &c, &k, NULL));
    DECLASSIFY("B stands in the header", &b, sizeof b);
    DECLASSIFY("C stands in the header", &c, sizeof c);
    OK(bcemr_capsule_from_r(w->context, &r, &w->x_g1, &w->vid, &w->ed_public, &again, &c, &k,
                            NULL));
    DECLASSIFY("B stands in the header", &again, sizeof again);
    DECLASSIFY("C stands in the header", &c, sizeof c);
    OK(bcemr_capsule_open(w->context, &w->x, &b, &k, NULL));
    DECLASSIFY("the test is over; it was secret", &k, sizeof k);
    OK(bcemr_reencrypt(&w->x2, &b, &again, NULL));
    DECLASSIFY("B' is sent", &again, sizeof again);
}

static void record_keys(ct_world *w)
{
    bcemr_capsule_key k;
    bcemr_record_keys keys;
    const bcemr_g2_raw c = {{1}};
    memset(&k, 1, sizeof k);
    SECRET(&k, sizeof k);
    OK(bcemr_record_keys_derive(&k, &w->vid, &w->ed_public, &c, &keys, NULL));
    DECLASSIFY("kc stands in the header", &keys.kc, sizeof keys.kc);
    DECLASSIFY("the test is over; it was secret", &keys.dek, sizeof keys.dek);
    DECLASSIFY("the test is over; it was secret", &keys.kt, sizeof keys.kt);
}

static void tags(ct_world *w)
{
    const bcemr_span words[] = {bcemr_text("asthma"), bcemr_text("cough"), bcemr_text("asthma")};
    bcemr_bytes16 made[64], tag;
    uint64_t count;
    OK(bcemr_tags_make(&w->key, words, 3, made, &count, NULL));
    const bcemr_list list = BCEMR_LIST_OF(made, count);
    OK(bcemr_tags_check(&w->key, words, 3, &list, NULL));
    OK(bcemr_keyword_tag(&w->key, words[0], &tag, NULL));
}

static void stream(ct_world *w)
{
    static uint8_t in[BCEMR_CHUNK + 10], sealed[BCEMR_CHUNK + 10 + 32], out[BCEMR_CHUNK + 10];
    bcemr_hash leaves[2];
    bcemr_stream s;
    SECRET(in, sizeof in);
    OK(bcemr_stream_payload(&w->key, &w->vid, &w->ed_public, sizeof in, &s, NULL));
    OK(bcemr_stream_seal(&s, 0, bcemr_span_of(in, sizeof in), NULL, sealed, leaves, NULL));
    DECLASSIFY("the payload lies at a cloud", sealed, sizeof sealed);
    DECLASSIFY("its tree's root stands in the header", leaves, sizeof leaves);
    OK(bcemr_stream_open(&s, 0, bcemr_span_of(sealed, sizeof sealed), NULL,
                         BCEMR_BAD_SEALED_MESSAGE, out, leaves, NULL));
    DECLASSIFY("the test is over; it was secret", out, sizeof out);
}

static void header_sign(ct_world *w)
{
    bcemr_bytes16 tag[8] = {{{0}}};
    bcemr_tr_header header = {.svk = w->ed_public, .tags = BCEMR_LIST_OF(tag, 8), .length = 100};
    OK(bcemr_header_sign(&w->ed, &w->vid, &w->vid, &header, NULL));
    DECLASSIFY("osig stands in the header", &header.osig, sizeof header.osig);
    OK(bcemr_header_check(&w->vid, &w->vid, &header, NULL));
}

const ct_case ct_record_cases[] = {
    {"capsule", capsule}, {"record-keys", record_keys}, {"tags", tags},
    {"stream", stream},   {"header-sign", header_sign}, {NULL, NULL}};
