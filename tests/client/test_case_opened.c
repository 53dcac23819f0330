/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnoses opened in a case file (section 8): none, some or all of them, with their documents; and
 * what must not pass for one. */
#include "client/client_test.h"

#include "support/case_world.h"
#include "support/clinic.h"

#include <bcemr/hash.h>

static clinic c;
static bcemr_buf content, file, forged;
static bcemr_span content_span;
static bcemr_anchor anchor;
static bcemr_case_report report;
static case_pieces pieces;

/* ---- a sealed visit of three, and its content as the patient opens it ---- */

static bcemr_buf documents[CLINIC_TEAM];
static bcemr_sink sinks[CLINIC_TEAM];

static bcemr_status keep_document(void *user, uint64_t index, const bcemr_tr_document *document,
                                  bcemr_sink *sink)
{
    (void)user;
    (void)document;
    assert_true(index < CLINIC_TEAM);
    bcemr_buf_clear(&documents[index]);
    *sink = sinks[index] = bcemr_sink_buffer(&documents[index]);
    return BCEMR_OK;
}

static void open_content(void)
{
    bcemr_opened opened;
    uint8_t length[8];
    const bcemr_source payload = bcemr_source_bytes(&c.payload_span);
    const bcemr_output output = {NULL, keep_document};
    must(bcemr_patient_open(&c.wallet, &c.visit, bcemr_buf_span(&c.header), &payload, NULL, &output,
                            &opened, NULL));
    bcemr_store_u64(length, opened.head.n);
    bcemr_buf_clear(&content);
    must(bcemr_buf_append(&content, bcemr_span_of(length, 8)));
    must(bcemr_buf_append(&content, bcemr_buf_span(&opened.head)));
    for (int i = 0; i < CLINIC_TEAM; i++)
        must(bcemr_buf_append(&content, bcemr_buf_span(&documents[i])));
    content_span = bcemr_buf_span(&content);
    bcemr_opened_free(&opened);
}

static int play(void **state)
{
    (void)switches_on(state);
    clinic_play(&c, CLINIC_SEALED);
    must(bcemr_anchor_read(c.consortium.context, bcemr_buf_span(&c.consortium.signed_genesis),
                           &anchor, NULL));
    open_content();
    return 0;
}

static int end(void **state)
{
    (void)switches_on(state);
    bcemr_case_report_free(&report);
    bcemr_anchor_free(&anchor);
    bcemr_buf_free(&content);
    bcemr_buf_free(&file);
    bcemr_buf_free(&forged);
    for (int i = 0; i < CLINIC_TEAM; i++)
        bcemr_buf_free(&documents[i]);
    clinic_end(&c);
    return 0;
}

static bcemr_status make_of(bcemr_span bytes, uint64_t places)
{
    const bcemr_source source = bcemr_source_bytes(&bytes);
    const bcemr_case_making making = {.context = c.consortium.context,
                                      .view = &c.view,
                                      .vid = c.vid,
                                      .content = bytes.n > 0 ? &source : NULL,
                                      .places = places};
    const bcemr_sink sink = bcemr_sink_buffer(&file);
    bcemr_buf_clear(&file);
    return bcemr_case_file_make(&making, &sink, &why);
}

/* ---- checking, with what comes out ---- */

static uint64_t shown;

static bcemr_status show(void *user, uint64_t index, const bcemr_tr_document *document,
                         bcemr_sink *sink)
{
    bcemr_status status = keep_document(user, index, document, sink);
    shown = index + 1;
    return status;
}

static bcemr_status check_source(const bcemr_source *source, const bcemr_run *run)
{
    const bcemr_case_checking checking = {.context = c.consortium.context,
                                          .anchor = &anchor,
                                          .file = source,
                                          .run = run,
                                          .documents = {NULL, show}};
    bcemr_case_report_free(&report);
    shown = 0;
    return bcemr_case_file_check(&checking, &report, &why);
}

static bcemr_status check(const bcemr_buf *bytes)
{
    const bcemr_span span = bcemr_buf_span(bytes);
    const bcemr_source source = bcemr_source_bytes(&span);
    return check_source(&source, NULL);
}

static void any_choice(void **state)
{
    (void)state;
    for (uint64_t places = 0; places < 8; places++) {
        const uint64_t open = places == 0 ? 7 : places;
        uint64_t n = 0;
        OK(make_of(content_span, places));
        OK(check(&file));
        assert_int_equal(report.step, BCEMR_CASE_HOLDS);
        for (uint64_t i = 0; i < CLINIC_TEAM; i++) {
            const bcemr_case_diagnosis *d = &report.diagnoses[i];
            assert_int_equal(d->opened, open >> i & 1);
            if (!d->opened)
                continue;
            assert_int_equal(d->first_document, n);
            assert_int_equal(d->document_count, 1);
            assert_int_equal(d->waiver, 0);
            assert_true(d->presence > 0);
            assert_int_equal(documents[n].n, c.own[i].span.n);
            assert_memory_equal(documents[n].p, c.own[i].span.p, (size_t)c.own[i].span.n);
            n++;
        }
        assert_int_equal(report.opened, n);
        assert_int_equal(report.document_count, n);
        assert_int_equal(shown, n);
    }
    OK(make_of((bcemr_span){0}, 0));
    OK(check(&file));
    assert_int_equal(report.opened + shown, 0);
    assert_int_equal(report.log->signed_count, CLINIC_TEAM);
}

static void content_that_is_not_the_case(void **state)
{
    (void)state;
    bcemr_buf other = BCEMR_BUF_EMPTY;
    const uint64_t head = bcemr_load_u64(content.p);
    FAILS(BCEMR_E_NOT_FOUND, make_of(content_span, 8));
    assert_string_equal(why.field, "places");
    REFUSED(BCEMR_BAD_CONTENT, make_of(bcemr_span_of(content.p, 7), 0));
    REFUSED(BCEMR_BAD_CONTENT, make_of(bcemr_span_of(content.p, 8 + head - 1), 0));
    REFUSED(BCEMR_BAD_DOCUMENT, make_of(bcemr_span_of(content.p, content.n - 1), 0));
    REFUSED(BCEMR_BAD_CONTENT, make_of(bcemr_span_of(content.p, content.n - 1), 1));
    must(bcemr_buf_append(&other, content_span));
    must(bcemr_buf_append(&other, bcemr_text("x")));
    REFUSED(BCEMR_BAD_CONTENT, make_of(bcemr_buf_span(&other), 0));
    other.n--;
    other.p[other.n - 1] ^= 1;
    REFUSED(BCEMR_BAD_DOCUMENT, make_of(bcemr_buf_span(&other), 0));
    OK(make_of(bcemr_buf_span(&other), 3)); /* what is not opened is not looked at */
    other.p[other.n - 1] ^= 1;
    bcemr_store_u64(other.p, 0);
    REFUSED(BCEMR_BAD_CONTENT, make_of(bcemr_buf_span(&other), 0));
    /* Of another ticket: a time in it is another. */
    bcemr_store_u64(other.p, head);
    bcemr_tr_content value;
    must(bcemr_read_content(bcemr_span_of(other.p + 8, head), &value, NULL));
    other.p[(uint64_t)(value.visit.p - other.p) + value.visit.n - 8] ^= 1;
    REFUSED(BCEMR_CONTENT_NOT_CASE, make_of(bcemr_buf_span(&other), 0));
    bcemr_buf_free(&other);
}

/* ---- forged ---- */

static void refused_at(bcemr_case_step step, bcemr_verdict verdict)
{
    must(case_world_put_together(&pieces, &forged));
    REFUSED(verdict, check(&forged));
    if (report.step != step)
        fail_msg("refused at: %s", bcemr_case_step_text(report.step));
    assert_null(report.log);
    case_world_take_apart(bcemr_buf_span(&file), &pieces);
}

static void opened_by_another(void **state)
{
    (void)state;
    OK(make_of(content_span, 0));
    case_world_take_apart(bcemr_buf_span(&file), &pieces);
    assert_int_equal(pieces.opened_count, CLINIC_TEAM);
    /* in another place, twice, out of order, where nobody signed */
    pieces.opened[0].i = 2;
    refused_at(BCEMR_CASE_OPENED, BCEMR_BAD_PRESENCE);
    pieces.opened[1] = pieces.opened[0];
    refused_at(BCEMR_CASE_OPENED, BCEMR_BAD_CASE_FILE);
    pieces.opened[0] = pieces.opened[1];
    pieces.opened[1] = pieces.opened[2];
    pieces.opened[2] = pieces.opened[0];
    refused_at(BCEMR_CASE_OPENED, BCEMR_BAD_CASE_FILE);
    pieces.opened[2].i = 4;
    refused_at(BCEMR_CASE_OPENED, BCEMR_BAD_CASE_FILE);
    /* another's manifest, salt */
    pieces.opened[0].manifest = pieces.opened[1].manifest;
    refused_at(BCEMR_CASE_OPENED, BCEMR_BAD_COMMITMENT);
    pieces.opened[0].salt = pieces.opened[1].salt;
    refused_at(BCEMR_CASE_OPENED, BCEMR_BAD_COMMITMENT);
    pieces.opened[0].presence = pieces.opened[1].presence;
    refused_at(BCEMR_CASE_OPENED, BCEMR_BAD_PRESENCE);
    assert_string_equal(why.field, "opened");
    assert_int_equal(why.index, 0);
}

static void a_waiver_instead(void **state)
{
    (void)state;
    bcemr_buf waived = BCEMR_BUF_EMPTY;
    const bcemr_tr_waived value = {BCEMR_waiver_NO_DEVICE};
    must(bcemr_write_waived(&value, &waived, NULL));
    OK(make_of(content_span, 0));
    case_world_take_apart(bcemr_buf_span(&file), &pieces);
    pieces.opened[1].presence = bcemr_buf_span(&waived);
    refused_at(BCEMR_CASE_OPENED, BCEMR_BAD_COMMITMENT);
    bcemr_buf_free(&waived);
}

static void documents_changed(void **state)
{
    (void)state;
    OK(make_of(content_span, 0));
    case_world_take_apart(bcemr_buf_span(&file), &pieces);
    const bcemr_span all = pieces.documents;
    /* cut, appended to, exchanged, left out */
    pieces.documents = bcemr_span_of(all.p, all.n - 1);
    refused_at(BCEMR_CASE_DOCUMENTS, BCEMR_BAD_DOCUMENT);
    pieces.documents = bcemr_span_of(all.p + 1, all.n - 1);
    refused_at(BCEMR_CASE_DOCUMENTS, BCEMR_BAD_DOCUMENT);
    pieces.documents = (bcemr_span){0};
    refused_at(BCEMR_CASE_DOCUMENTS, BCEMR_BAD_DOCUMENT);
    must(bcemr_buf_set(&forged, bcemr_buf_span(&file)));
    must(bcemr_buf_append(&forged, bcemr_text("x")));
    REFUSED(BCEMR_BAD_CASE_FILE, check(&forged));
    assert_string_equal(why.field, "documents");
    /* of a diagnosis that is not opened */
    pieces.opened_count--;
    refused_at(BCEMR_CASE_DOCUMENTS, BCEMR_BAD_CASE_FILE);
    /* a byte in the middle of the first */
    must(bcemr_buf_set(&forged, bcemr_buf_span(&file)));
    forged.p[forged.n - all.n + c.own[0].span.n / 2] ^= 4;
    REFUSED(BCEMR_BAD_DOCUMENT, check(&forged));
    assert_int_equal(why.index, 0);
    bcemr_switch_off(BCEMR_BAD_DOCUMENT);
    OK(check(&forged));
    bcemr_switch_all_on();
}

/* ---- sources and sinks that fail, and windows of any size ---- */

static uint64_t reads_left;

static bcemr_status failing_read(void *user, uint64_t offset, uint8_t *out, uint64_t n)
{
    const bcemr_source *source = user;
    if (reads_left == 0)
        return BCEMR_E_IO;
    reads_left--;
    return source->read(source->user, offset, out, n);
}

static bcemr_status stop(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    return done * 2 > total ? BCEMR_E_INTERRUPTED : BCEMR_OK;
}

static void sources_that_fail(void **state)
{
    (void)state;
    OK(make_of(content_span, 0));
    const bcemr_span span = bcemr_buf_span(&file);
    bcemr_source whole = bcemr_source_bytes(&span);
    const bcemr_source failing = {&whole, whole.length, failing_read};
    const uint64_t windows[] = {1, 7, 1000, 0};
    for (size_t i = 0; i < COUNT(windows); i++) {
        const bcemr_run run = {.window = windows[i]};
        OK(check_source(&whole, &run));
        assert_int_equal(shown, CLINIC_TEAM);
    }
    const bcemr_run run = {.window = 4096};
    for (uint64_t n = 0; n * 4096 < span.n; n++) {
        reads_left = n;
        FAILS(BCEMR_E_IO, check_source(&failing, &run));
        assert_null(report.log);
    }
    reads_left = UINT64_MAX;
    OK(check_source(&failing, &run));
    const bcemr_progress progress = {NULL, stop};
    const bcemr_run stopped = {.window = 512, .progress = &progress};
    FAILS(BCEMR_E_INTERRUPTED, check_source(&whole, &stopped));
}

static uint64_t writes_left;

static bcemr_status failing_write(void *user, bcemr_span bytes)
{
    (void)user;
    (void)bytes;
    return writes_left-- == 0 ? BCEMR_E_IO : BCEMR_OK;
}

static void sinks_that_fail(void **state)
{
    (void)state;
    const bcemr_source source = bcemr_source_bytes(&content_span);
    const bcemr_source failing = {(void *)(uintptr_t)&source, source.length, failing_read};
    bcemr_case_making making = {
        .context = c.consortium.context, .view = &c.view, .vid = c.vid, .content = &source};
    const bcemr_sink sink = {NULL, failing_write};
    for (uint64_t n = 0; n < 2 + CLINIC_TEAM; n++) {
        writes_left = n;
        FAILS(BCEMR_E_IO, bcemr_case_file_make(&making, &sink, &why));
    }
    writes_left = 100;
    OK(bcemr_case_file_make(&making, &sink, &why));
    making.content = &failing;
    for (uint64_t n = 0; n < 2 + CLINIC_TEAM; n++) {
        reads_left = n;
        writes_left = 100;
        FAILS(BCEMR_E_IO, bcemr_case_file_make(&making, &sink, &why));
    }
}

static void memory_runs_out(void **state)
{
    (void)state;
    EVERY_ALLOCATION(make_of(content_span, 5));
    OK(make_of(content_span, 5));
    EVERY_ALLOCATION(check(&file));
    assert_int_equal(report.opened, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(any_choice, switches_on),
        cmocka_unit_test_teardown(content_that_is_not_the_case, switches_on),
        cmocka_unit_test_teardown(opened_by_another, switches_on),
        cmocka_unit_test_teardown(a_waiver_instead, switches_on),
        cmocka_unit_test_teardown(documents_changed, switches_on),
        cmocka_unit_test_teardown(sources_that_fail, switches_on),
        cmocka_unit_test_teardown(sinks_that_fail, switches_on),
        cmocka_unit_test_teardown(memory_runs_out, switches_on),
    };
    return cmocka_run_group_tests(tests, play, end);
}
