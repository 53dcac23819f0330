/* SPDX-License-Identifier: Apache-2.0 */
/* A record that its last doctor made as they liked, opened: each check of opening.h has a record
 * that it alone refuses, and of two faults the check that comes first speaks (sections 5 and 7). */
#include "client/client_test.h"

#include "support/clinic.h"

#include "client/doctor_visit.h"

#include <bcemr/hash.h>
#include <sodium.h>

static clinic c;
static client_visit visit;   /* as the ledger has it */
static bcemr_opened honest;  /* what the honest record holds */
static bcemr_capsule_key k;  /* of its capsule */
static bcemr_tr_header base; /* of its capsule: svk, B, C */
static bcemr_buf header_bytes;

/* A record in the making. */
typedef struct forged {
    bcemr_tr_content content;
    bcemr_tr_content_item items[BCEMR_TEAM_MAX];
    bcemr_span amendments[1];
    bcemr_ed_signature signatures[2];
    bcemr_buf documents; /* all of them, and what may follow */
    bcemr_tr_header header;
    bcemr_ed_secret ssk;
    bcemr_span words[8];
    uint64_t word_count;
    /* changes after sealing */
    void (*after)(struct forged *x);
    bcemr_buf payload;
    bcemr_bytes16 tags[64];
    bcemr_buf held; /* for encodings that a change makes */
} forged;

static bcemr_status open_record(const bcemr_tr_header *header, bcemr_span payload,
                                const bcemr_capsule_key *key, bcemr_opened *out)
{
    const bcemr_source source = bcemr_source_bytes(&payload);
    const bcemr_opening opening = {.context = c.consortium.context,
                                   .log = visit.log,
                                   .header = header,
                                   .k = key,
                                   .payload = &source};
    return bcemr_record_open(&opening, out, &why);
}

static int play(void **state)
{
    bcemr_secret_scalar r;
    bcemr_g1_raw b;
    bcemr_g2_raw cc;
    (void)state;
    clinic_play(&c, CLINIC_SIGNED);
    clinic_seal(&c, 2);
    must(client_visit_load(&c.view, &c.vid, &visit, NULL));
    must(bcemr_buf_set(&header_bytes, bcemr_buf_span(&c.header)));
    must(bcemr_read_header(bcemr_buf_span(&header_bytes), &base, NULL));
    r = c.visits[2]->r;
    must(bcemr_capsule_from_r(c.consortium.context, &r, &visit.log->visit.pkv, &c.vid, &base.svk,
                              &b, &cc, &k, NULL));
    must(open_record(&base, c.payload_span, &k, &honest));
    return 0;
}

static int end(void **state)
{
    (void)switches_on(state);
    bcemr_opened_free(&honest);
    client_visit_free(&visit);
    bcemr_buf_free(&header_bytes);
    clinic_end(&c);
    return 0;
}

static void forge_begin(forged *x)
{
    memset(x, 0, sizeof *x);
    x->content = honest.content;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_content_item, &honest.content.diagnoses);
    for (uint64_t i = 0; bcemr_list_next(&iter, &x->items[i]); i++)
        ;
    x->content.diagnoses = BCEMR_LIST_OF(x->items, honest.content.diagnoses.count);
    assert_true(
        bcemr_list_at(&bcemr_type_edsig_item, &honest.content.signatures, 0, &x->signatures[0]));
    x->content.signatures = BCEMR_LIST_OF(x->signatures, 1);
    for (uint64_t d = 0; d < CLINIC_TEAM; d++) {
        must(bcemr_buf_append(&x->documents, c.own[d].span));
        x->words[d] = c.doctors[d].id;
    }
    x->word_count = CLINIC_TEAM;
    x->header = base;
    x->ssk = c.visits[2]->ssk;
}

/* Seals it under K as the honest doctor would. */
static void forge_seal(forged *x, const bcemr_record_keys *keys)
{
    bcemr_buf head = BCEMR_BUF_EMPTY;
    bcemr_composed composed;
    bcemr_stream stream;
    must(bcemr_write_content(&x->content, &head, NULL));
    const bcemr_span bytes = bcemr_buf_span(&x->documents);
    const bcemr_source documents = bcemr_source_bytes(&bytes);
    const bcemr_source content =
        bcemr_composed_source(&composed, bcemr_buf_span(&head), &documents, 1);
    const bcemr_sink sink = bcemr_sink_buffer(&x->payload);
    x->header.length = content.length;
    must(bcemr_stream_payload(&keys->dek, &c.vid, &x->header.svk, content.length, &stream, NULL));
    must(bcemr_payload_seal(&stream, &content, NULL, &sink, &x->header.root, NULL));
    bcemr_buf_free(&head);
}

static void sign_header(forged *x)
{
    must(bcemr_header_sign(&x->ssk, &c.vid, bcemr_visit_log_last_context(visit.log), &x->header,
                           NULL));
}

static bcemr_status forge_open(forged *x)
{
    bcemr_record_keys keys;
    bcemr_opened out;
    uint64_t tag_count = 0;
    must(bcemr_record_keys_derive(&k, &c.vid, &x->header.svk, &x->header.c, &keys, NULL));
    x->header.kc = keys.kc;
    must(bcemr_tags_make(&keys.kt, x->words, x->word_count, x->tags, &tag_count, NULL));
    x->header.tags = BCEMR_LIST_OF(x->tags, tag_count);
    forge_seal(x, &keys);
    sign_header(x);
    if (x->after)
        x->after(x);
    bcemr_status status = open_record(&x->header, bcemr_buf_span(&x->payload), &k, &out);
    if (status != BCEMR_OK) {
        static const bcemr_opened nothing;
        assert_memory_equal(&out, &nothing, sizeof out);
    }
    bcemr_opened_free(&out);
    bcemr_buf_free(&x->documents);
    bcemr_buf_free(&x->payload);
    bcemr_buf_free(&x->held);
    return status;
}

static void flip(void *p)
{
    *(uint8_t *)p ^= 1;
}

/* ---- faults, in the order in which they are found ---- */

static void nothing_wrong(forged *x)
{
    (void)x;
}

static void other_kc(forged *x)
{
    flip(&x->header.kc);
}

static void bad_kc(forged *x)
{
    x->after = other_kc;
}

static void chunk_changed(forged *x)
{
    flip(&x->payload.p[x->payload.n - 1]);
}

static void bad_chunk(forged *x)
{
    x->after = chunk_changed;
}

static void length_changed(forged *x)
{
    x->header.length++;
    sign_header(x);
}

static void bad_length(forged *x)
{
    x->after = length_changed;
}

static void bad_document(forged *x)
{
    flip(&x->documents.p[x->documents.n - 1]);
}

static void document_cut(forged *x)
{
    x->documents.n--;
}

static void bytes_left_over(forged *x)
{
    must(bcemr_buf_append(&x->documents, bcemr_text("x")));
}

static void root_changed(forged *x)
{
    flip(&x->header.root);
    sign_header(x);
}

static void bad_root(forged *x)
{
    x->after = root_changed;
}

/* All of it made anew under a one-time key that nobody signed. */
static void other_svk(forged *x)
{
    const uint8_t seed[32] = {1};
    bcemr_ed_from_seed(seed, &x->ssk, &x->header.svk);
}

static void osig_changed(forged *x)
{
    flip(&x->header.osig);
}

static void bad_osig(forged *x)
{
    x->after = osig_changed;
}

static void other_visit(forged *x)
{
    bcemr_tr_visit v = visit.log->visit;
    v.issued++;
    must(bcemr_write_visit(&v, &x->held, NULL));
    x->content.visit = bcemr_buf_span(&x->held);
    bcemr_ed_sign(&c.consortium.nodes[HOSPITAL_1].keys.a, x->content.visit, &x->signatures[0]);
}

static void an_amendment_more(forged *x)
{
    bcemr_tr_team_doctor tail = visit.log->order.doctors[0];
    const bcemr_tr_amend a = {c.vid, 1, c.vid, 3, BCEMR_LIST_OF(&tail, 1), c.now};
    must(bcemr_write_amend(&a, &x->held, NULL));
    x->amendments[0] = bcemr_buf_span(&x->held);
    x->content.amendments = BCEMR_LIST_OF(x->amendments, 1);
    bcemr_ed_sign(&c.consortium.nodes[HOSPITAL_1].keys.a, x->amendments[0], &x->signatures[1]);
    x->content.signatures.count = 2;
}

static void other_ticket_signature(forged *x)
{
    flip(&x->signatures[0]);
}

static void a_signature_more(forged *x)
{
    x->content.signatures.count = 2;
}

static void other_identity(forged *x)
{
    x->content.identity = bcemr_text("Bob Example 1970-01-01");
}

static void other_r(forged *x)
{
    flip(&x->content.r);
}

static void other_r2(forged *x)
{
    flip(&x->content.r2);
}

/* The first doctor's document goes with the diagnosis. */
static void a_diagnosis_fewer(forged *x)
{
    uint64_t n = c.own[2].span.n;
    x->documents.n -= n;
    x->content.diagnoses.count = 2;
}

static void other_k(forged *x)
{
    x->items[1].k++;
}

static void other_a(forged *x)
{
    x->items[1].a++;
}

static void other_time(forged *x)
{
    x->items[1].time++;
}

static void presence_as(forged *x, bcemr_span doctor, int64_t time, bool wrong)
{
    const bcemr_tr_present present = {c.vid, doctor, {{5}}, time};
    bcemr_tr_presence presence;
    must(bcemr_presence_make(&c.visit.keys, &present, &presence, NULL));
    if (wrong)
        flip(&presence.signature);
    bcemr_buf_clear(&x->held);
    must(bcemr_write_presence(&presence, &x->held, NULL));
    x->items[1].presence = bcemr_buf_span(&x->held);
}

static void presence_at_another(forged *x)
{
    presence_as(x, c.doctors[0].id, x->items[1].time, false);
}

static void presence_unsigned(forged *x)
{
    presence_as(x, c.doctors[1].id, x->items[1].time, true);
}

static void presence_before_ticket(forged *x)
{
    presence_as(x, c.doctors[1].id, visit.log->visit.issued - CONSORTIUM_CLOCK_DIFFERENCE - 1,
                false);
}

static void presence_after_signing(forged *x)
{
    presence_as(x, c.doctors[1].id, x->items[1].time + CONSORTIUM_CLOCK_DIFFERENCE + 1, false);
}

static void presence_fresh(forged *x)
{
    presence_as(x, c.doctors[1].id, x->items[1].time, false);
}

static void presence_waived(forged *x)
{
    const bcemr_tr_waived waived = {BCEMR_waiver_UNCONSCIOUS};
    must(bcemr_write_waived(&waived, &x->held, NULL));
    x->items[1].presence = bcemr_buf_span(&x->held);
}

static void other_salt(forged *x)
{
    flip(&x->items[2].salt);
}

static void other_manifest(forged *x)
{
    bcemr_tr_manifest m;
    const bcemr_span word = bcemr_text("other");
    must(bcemr_read_manifest(x->items[2].manifest, &m, NULL));
    m.keywords = BCEMR_LIST_OF(&word, 1);
    must(bcemr_write_manifest(&m, &x->held, NULL));
    x->items[2].manifest = bcemr_buf_span(&x->held);
    x->words[2] = word;
}

static void a_word_without_tag(forged *x)
{
    x->word_count--;
}

static void more_tags_than_due(forged *x)
{
    static const char *const more[] = {"a", "b", "c", "d", "e", "f"};
    for (size_t i = 0; i < COUNT(more) && x->word_count < COUNT(x->words); i++)
        x->words[x->word_count++] = bcemr_text(more[i]);
}

static void tags_unsorted_after(forged *x)
{
    bcemr_bytes16 first = x->tags[0];
    x->tags[0] = x->tags[1];
    x->tags[1] = first;
    sign_header(x);
}

static void tags_unsorted(forged *x)
{
    x->after = tags_unsorted_after;
}

static void too_many_tags_after(forged *x)
{
    for (uint64_t i = 8; i < 16; i++) {
        memset(&x->tags[i], 0xff, sizeof x->tags[i]);
        x->tags[i].b[15] = (uint8_t)i;
    }
    x->header.tags.count = 16;
    sign_header(x);
}

static void too_many_tags(forged *x)
{
    x->after = too_many_tags_after;
}

static const struct {
    const char *name;
    void (*change)(forged *x);
    bcemr_verdict verdict;
} faults[] = {
    {"nothing", nothing_wrong, BCEMR_VALID},
    {"kc", bad_kc, BCEMR_BAD_KEY_COMMITMENT},
    {"a chunk", bad_chunk, BCEMR_BAD_CHUNK},
    {"length", bad_length, BCEMR_BAD_LENGTH},
    {"a document", bad_document, BCEMR_BAD_DOCUMENT},
    {"a document cut short", document_cut, BCEMR_BAD_DOCUMENT},
    {"bytes left over", bytes_left_over, BCEMR_BAD_CONTENT},
    {"root", bad_root, BCEMR_BAD_ROOT},
    {"svk", other_svk, BCEMR_WRONG_SEAL_KEY},
    {"osig", bad_osig, BCEMR_BAD_SEAL_SIGNATURE},
    {"V", other_visit, BCEMR_CONTENT_NOT_CASE},
    {"an amendment more", an_amendment_more, BCEMR_CONTENT_NOT_CASE},
    {"sigma_V", other_ticket_signature, BCEMR_CONTENT_NOT_CASE},
    {"a signature more", a_signature_more, BCEMR_CONTENT_NOT_CASE},
    {"identity", other_identity, BCEMR_BAD_PSEUDONYM},
    {"r", other_r, BCEMR_BAD_PSEUDONYM},
    {"r'", other_r2, BCEMR_BAD_PSEUDONYM},
    {"a diagnosis fewer", a_diagnosis_fewer, BCEMR_CONTENT_NOT_CASE},
    {"k_i", other_k, BCEMR_CONTENT_NOT_CASE},
    {"a_i", other_a, BCEMR_CONTENT_NOT_CASE},
    {"t_i", other_time, BCEMR_CONTENT_NOT_CASE},
    {"presence at another doctor", presence_at_another, BCEMR_BAD_PRESENCE},
    {"presence not signed", presence_unsigned, BCEMR_BAD_PRESENCE},
    {"presence before the ticket", presence_before_ticket, BCEMR_PRESENCE_TIME},
    {"presence after signing", presence_after_signing, BCEMR_PRESENCE_TIME},
    {"another presence", presence_fresh, BCEMR_BAD_COMMITMENT},
    {"presence waived instead", presence_waived, BCEMR_BAD_COMMITMENT},
    {"salt", other_salt, BCEMR_BAD_COMMITMENT},
    {"manifest", other_manifest, BCEMR_BAD_COMMITMENT},
    {"a word without tag", a_word_without_tag, BCEMR_BAD_TAGS},
    {"tags of words that are not there", more_tags_than_due, BCEMR_VALID},
    {"tags not sorted", tags_unsorted, BCEMR_BAD_TAGS},
    {"too many tags", too_many_tags, BCEMR_BAD_TAGS},
};

static void every_fault_has_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(faults); i++) {
        forged x;
        print_message("%s\n", faults[i].name);
        forge_begin(&x);
        faults[i].change(&x);
        ENDS_WITH(faults[i].verdict, forge_open(&x));
    }
}

/* Each with the next that can be beside it: the first speaks. */
static void of_two_faults_the_first_speaks(void **state)
{
    static void (*const order[])(forged * x) = {bad_kc,
                                                bad_document,
                                                bad_root,
                                                bad_document,
                                                other_svk,
                                                other_visit,
                                                bad_osig,
                                                other_visit,
                                                other_identity,
                                                presence_at_another,
                                                other_identity,
                                                other_k,
                                                presence_after_signing,
                                                other_salt,
                                                a_word_without_tag};
    static const struct {
        size_t first, second;
        bcemr_verdict verdict;
    } pairs[] = {
        {0, 1, BCEMR_BAD_KEY_COMMITMENT}, {2, 3, BCEMR_BAD_DOCUMENT},
        {2, 5, BCEMR_BAD_ROOT},           {4, 5, BCEMR_WRONG_SEAL_KEY},
        {6, 5, BCEMR_BAD_SEAL_SIGNATURE}, {5, 8, BCEMR_CONTENT_NOT_CASE},
        {8, 9, BCEMR_BAD_PSEUDONYM},      {10, 11, BCEMR_BAD_PSEUDONYM},
        {11, 12, BCEMR_CONTENT_NOT_CASE}, {12, 13, BCEMR_PRESENCE_TIME},
        {9, 13, BCEMR_BAD_PRESENCE},      {13, 14, BCEMR_BAD_COMMITMENT},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        forged x;
        forge_begin(&x);
        order[pairs[i].first](&x);
        order[pairs[i].second](&x);
        REFUSED(pairs[i].verdict, forge_open(&x));
    }
}

static void only_a_complete_visit_has_a_record(void **state)
{
    bcemr_opened out;
    (void)state;
    visit.log->signed_count--;
    REFUSED(BCEMR_NOT_IN_ORDER, open_record(&base, c.payload_span, &k, &out));
    visit.log->signed_count++;
    bcemr_capsule_key other = k;
    other.b[100] ^= 1;
    REFUSED(BCEMR_BAD_KEY_COMMITMENT, open_record(&base, c.payload_span, &other, &out));
    OK(open_record(&base, c.payload_span, &k, &out));
    bcemr_opened_free(&out);
}

static void what_was_checked_is_told(void **state)
{
    bcemr_span *words = NULL;
    uint64_t count = 0;
    (void)state;
    assert_int_equal(honest.document_count, CLINIC_TEAM);
    for (uint64_t d = 0; d < CLINIC_TEAM; d++) {
        assert_int_equal(honest.documents[d].length, c.own[d].span.n);
        assert_int_equal(honest.waivers[d], 0);
    }
    OK(bcemr_content_keywords(&honest.content, &words, &count, &why));
    assert_int_equal(count, CLINIC_TEAM);
    for (uint64_t d = 0; d < CLINIC_TEAM; d++)
        assert_true(bcemr_span_equal(words[d], c.doctors[d].id));
    bcemr_release(words);
}

/* ---- outputs ---- */

typedef struct output {
    bcemr_buf documents[CLINIC_TEAM];
    bcemr_status answer;
} output;

static bcemr_status open_one(void *user, uint64_t index, const bcemr_tr_document *document,
                             bcemr_sink *sink)
{
    output *o = user;
    assert_int_equal(document->length, c.own[index].span.n);
    *sink = bcemr_sink_buffer(&o->documents[index]);
    return o->answer;
}

static bcemr_status open_to(output *o)
{
    bcemr_opened out;
    const bcemr_source source = bcemr_source_bytes(&c.payload_span);
    const bcemr_run run = {.window = 1};
    const bcemr_opening opening = {.context = c.consortium.context,
                                   .log = visit.log,
                                   .header = &base,
                                   .k = &k,
                                   .payload = &source,
                                   .run = &run,
                                   .output = {o, open_one}};
    bcemr_status status = bcemr_record_open(&opening, &out, &why);
    bcemr_opened_free(&out);
    return status;
}

static void documents_go_where_they_are_sent(void **state)
{
    output o = {.answer = BCEMR_OK};
    (void)state;
    OK(open_to(&o));
    for (uint64_t d = 0; d < CLINIC_TEAM; d++) {
        assert_true(bcemr_span_equal(bcemr_buf_span(&o.documents[d]), c.own[d].span));
        bcemr_buf_free(&o.documents[d]);
    }
    o.answer = BCEMR_E_EXISTS;
    FAILS(BCEMR_E_EXISTS, open_to(&o));
}

static bcemr_status open_again(void)
{
    bcemr_opened out;
    bcemr_status status = open_record(&base, c.payload_span, &k, &out);
    bcemr_opened_free(&out);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    EVERY_ALLOCATION(open_again());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_its_name),
        cmocka_unit_test(of_two_faults_the_first_speaks),
        cmocka_unit_test(only_a_complete_visit_has_a_record),
        cmocka_unit_test(what_was_checked_is_told),
        cmocka_unit_test(documents_go_where_they_are_sent),
        cmocka_unit_test_teardown(every_allocation_may_fail, switches_on),
    };
    return cmocka_run_group_tests(tests, play, end);
}
