/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bcemr/report.h"
#include "bcemr/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a report printed. */
static char *out, *diagnostics;
static size_t out_n, diagnostics_n;
static report r;

static void begin(bool json)
{
    FILE *a = open_memstream(&out, &out_n), *b = open_memstream(&diagnostics, &diagnostics_n);
    assert_non_null(a);
    assert_non_null(b);
    report_begin(&r, a, b, json);
}

static void end(void)
{
    assert_true(report_end(&r));
    (void)fclose(r.out);
    (void)fclose(r.diagnostics);
}

static void forget(void)
{
    free(out);
    free(diagnostics);
}

static void numbers(void **state)
{
    (void)state;
    char text[REPORT_NUMBER];
    static const struct {
        uint64_t bytes;
        const char *text;
    } bytes[] = {{0, "0 B"},          {999, "999 B"},         {1000, "1.0 kB"},
                 {39206, "39.2 kB"},  {999949, "999.9 kB"},   {999950, "1.0 MB"},
                 {1678226, "1.7 MB"}, {1ull << 32, "4.3 GB"}, {UINT64_MAX - 1, "18.4 EB"}};
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++)
        assert_string_equal(report_bytes(bytes[i].bytes, text), bytes[i].text);
    static const struct {
        double seconds;
        const char *text;
    } seconds[] = {{0, "0 µs"},         {-1, "0 µs"},        {0.000085, "85 µs"},
                   {0.0034, "3.4 ms"},  {0.0999, "99.9 ms"}, {0.25, "250 ms"},
                   {0.9996, "1.00 s"},  {1.2, "1.20 s"},     {59.97, "1 min 00 s"},
                   {123, "2 min 03 s"}, {1e300, "years"}};
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++)
        assert_string_equal(report_seconds(seconds[i].seconds, text), seconds[i].text);
    char hex[5];
    assert_string_equal(report_hex((const uint8_t *)"\x0f\xa0", 2, hex), "0fa0");
}

static void characters(void **state)
{
    (void)state;
    char text[64];
    static const struct {
        const char *in, *out;
    } cases[] = {{"plain", "plain"},
                 {"Röntgen 报告 😀", "Röntgen 报告 😀"},
                 {"a\x1b[31mb", "a\xef\xbf\xbd[31mb"},
                 {"a\nb\r\x07", "a\xef\xbf\xbd"
                                "b\xef\xbf\xbd\xef\xbf\xbd"},
                 {"\xff\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
                 {"\xc2\x9b", "\xef\xbf\xbd"},
                 {"\xe2\x80\xae", "\xef\xbf\xbd"},
                 {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
                 {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(report_printable(bcemr_text(cases[i].in), text, sizeof text),
                            cases[i].out);
    /* Cut at a whole character. */
    assert_string_equal(report_printable(bcemr_text("aöö"), text, 5), "aö");
    assert_string_equal(report_printable(bcemr_text("aöö"), text, 1), "");
    assert_int_equal(report_width("aö"), 2);
    assert_int_equal(report_width("报告"), 4);
    assert_int_equal(report_width("e\xcc\x81"), 1);
}

static void steps(void **state)
{
    (void)state;
    begin(false);
    report_title(&r, "Phase %d", 1);
    report_step(&r, "Dr. Müller", 0.0034, 39206, "signs %d documents", 3);
    report_step(&r, "patient", REPORT_NO_TIME, REPORT_NO_BYTES, "nods\x1b[2J");
    report_mark(&r, true, "identical");
    report_line(&r, "a line");
    end();
    assert_string_equal(out,
                        "\nPhase 1\n"
                        "  Dr. Müller                   3.4 ms   39.2 kB  signs 3 documents\n"
                        "  patient                                        nods\xef\xbf\xbd[2J\n"
                        "  ✓ identical\n"
                        "a line\n");
    assert_int_equal(diagnostics_n, 0);
    forget();
    begin(true);
    report_title(&r, "Phase");
    report_step(&r, "patient", 1, 1, "nods");
    report_line(&r, "a line");
    end();
    assert_int_equal(out_n, 0);
    forget();
}

static void tables(void **state)
{
    (void)state;
    static const report_column columns[] = {{"phase", false}, {"bytes", true}, {"note", false}};
    begin(false);
    report_table *t = report_table_new(columns, 3);
    for (unsigned i = 0; i < 40; i++) {
        report_cell(t, "%s", i == 0 ? "größe" : "x");
        report_cell_bytes(t, i == 0 ? 1000000 : REPORT_NO_BYTES);
        report_cell(t, "%s", "");
    }
    report_table_print(&r, t);
    end();
    static const char head[] = "  phase   bytes  note\n  größe  1.0 MB  \n  x              \n";
    assert_memory_equal(out, head, sizeof head - 1);
    forget();
    begin(false);
    report_table_print(&r, NULL);
    assert_false(report_end(&r));
    (void)fclose(r.out);
    (void)fclose(r.diagnostics);
    forget();
}

static void errors(void **state)
{
    (void)state;
    static const struct {
        bcemr_error error;
        const char *text;
    } cases[] = {
        {{BCEMR_E_TOO_LONG, BCEMR_UNDECIDED, 0, "document", "name", 2, 17},
         "E_TOO_LONG: the value is over its limit, in document.name[2] at byte 17"},
        {{BCEMR_E_REFUSED, BCEMR_BAD_CAPSULE, 0, NULL, NULL, BCEMR_NOWHERE, BCEMR_NOWHERE},
         "BAD_CAPSULE: the capsule was not made for this patient's key"},
        {{BCEMR_E_REFUSED, BCEMR_LEDGER_REFUSED, 13, "e_sign", NULL, BCEMR_NOWHERE, BCEMR_NOWHERE},
         "VISIT_UNKNOWN: no such visit was admitted, in e_sign"},
        {{BCEMR_E_TRAILING, BCEMR_UNDECIDED, 0, NULL, NULL, BCEMR_NOWHERE, 5},
         "E_TRAILING: bytes follow where the value should have ended, in the input at byte 5; "
         "fetch "
         "it again, or see that it is the right file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        assert_string_equal(report_error_text(&cases[i].error, text, sizeof text), cases[i].text);
        /* No room is no reason to write further. */
        text[10] = 'x';
        (void)report_error_text(&cases[i].error, text, 10);
        assert_int_equal(text[9], 0);
        assert_int_equal(text[10], 'x');
    }
    begin(true);
    report_error(&r, "read the ticket", &cases[0].error);
    report_error(&r, "read it again", &cases[0].error);
    end();
    json_t *j = json_loads(out, 0, NULL);
    assert_non_null(j);
    const json_t *e = json_object_get(j, "error");
    assert_string_equal(json_string_value(json_object_get(e, "status")), "E_TOO_LONG");
    assert_string_equal(json_string_value(json_object_get(e, "field")), "name");
    assert_int_equal(json_integer_value(json_object_get(e, "index")), 2);
    assert_null(json_object_get(e, "verdict"));
    json_decref(j);
    assert_non_null(strstr(diagnostics, "bcemr: cannot read the ticket: E_TOO_LONG: "));
    assert_non_null(strstr(diagnostics, "bcemr: cannot read it again: "));
    forget();
    /* What is done may name a file. */
    begin(false);
    report_error(&r, "open \"x\033[31m\xff\"", &cases[1].error);
    end();
    assert_non_null(strstr(diagnostics, "cannot open \"x\xef\xbf\xbd[31m\xef\xbf\xbd\": BAD"));
    forget();
}

static void file_errors(void **state)
{
    (void)state;
    char text[512];
    files_error e = {.status = BCEMR_E_IO, .system = ENOSPC, .doing = "write", .path = "/x\n"};
    (void)report_file_error_text(&e, text, sizeof text);
    assert_memory_equal(text, "E_IO: cannot write \"/x\xef\xbf\xbd\": No space left", 41);
    e = (files_error){.status = BCEMR_E_EXISTS, .system = EEXIST, .doing = "create", .path = "/x"};
    assert_string_equal(report_file_error_text(&e, text, sizeof text),
                        "E_EXISTS: cannot create \"/x\": it exists already and is not overwritten; "
                        "give another name or move it away");
}

static void progress(void **state)
{
    (void)state;
    report_run run;
    begin(false);
    bcemr_progress p = report_run_begin(&run, &r, "sealing");
    assert_int_equal(p.tell(p.user, 10, 100), BCEMR_OK);
    end();
    assert_int_equal(diagnostics_n, 0); /* not in the first second */
    forget();
    begin(false);
    p = report_run_begin(&run, &r, "sealing");
    run.began -= 10;
    run.last -= 10;
    assert_int_equal(p.tell(p.user, 1000, 4000), BCEMR_OK);
    assert_int_equal(p.tell(p.user, 1001, 4000), BCEMR_OK); /* too soon on a pipe */
    assert_true(report_run_end(&run) >= 10);
    end();
    assert_string_equal(diagnostics, "  sealing:  25 %, 1.0 kB of 4.0 kB, 100 B/s, 30.00 s left\n");
    forget();
    begin(false);
    r.live = true;
    p = report_run_begin(&run, &r, "sealing");
    run.began -= 10;
    assert_int_equal(p.tell(p.user, 4000, 4000), BCEMR_OK);
    report_line(&r, "done");
    end();
    assert_string_equal(diagnostics, "\r\033[K  sealing: 100 %, 4.0 kB of 4.0 kB, 400 B/s, 0 µs "
                                     "left\r\033[K");
    forget();
}

static void documents(void **state)
{
    (void)state;
    report_json j;
    bcemr_hash hash;
    memset(&hash, 0xab, sizeof hash);
    begin(true);
    report_json_begin(&j);
    report_json_bool(&j, NULL, "identical", true);
    json_t *list = report_json_list(&j, NULL, "phases");
    json_t *item = report_json_item(&j, list);
    report_json_text(&j, item, "name", "tab\tbad\xff");
    report_json_seconds(&j, item, "seconds", 0.0123456789);
    report_json_number(&j, item, "bytes", UINT64_MAX);
    (void)report_json_file(&j, report_json_list(&j, NULL, "inputs"), "a/b", 3, &hash);
    assert_int_equal(report_json_print(&r, &j), BCEMR_OK);
    end();
    json_t *got = json_loads(out, 0, NULL);
    assert_non_null(got);
    const json_t *phase = json_array_get(json_object_get(got, "phases"), 0);
    assert_string_equal(json_string_value(json_object_get(phase, "name")), "tab\tbad\xef\xbf\xbd");
    assert_true(json_real_value(json_object_get(phase, "seconds")) == 0.012346);
    assert_true(json_integer_value(json_object_get(phase, "bytes")) == INT64_MAX);
    const json_t *file = json_array_get(json_object_get(got, "inputs"), 0);
    assert_int_equal(strlen(json_string_value(json_object_get(file, "sha256"))), 64);
    json_decref(got);
    forget();
    /* A failure on the way is not printed half. */
    begin(true);
    report_json_begin(&j);
    (void)report_json_item(&j, NULL);
    assert_int_equal(report_json_print(&r, &j), BCEMR_E_NO_MEMORY);
    end();
    assert_int_equal(out_n, 0);
    forget();
    begin(false);
    report_json_begin(&j);
    assert_int_equal(report_json_print(&r, &j), BCEMR_OK);
    end();
    assert_int_equal(out_n, 0);
    forget();
}

static void full_disk(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w"), *b = open_memstream(&diagnostics, &diagnostics_n);
    assert_non_null(full); /* every Linux has it: a machine without must not pass unseen */
    report_begin(&r, full, b, false);
    report_line(&r, "lost");
    assert_false(report_end(&r));
    (void)fclose(full);
    (void)fclose(b);
    free(diagnostics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),  cmocka_unit_test(characters), cmocka_unit_test(steps),
        cmocka_unit_test(tables),   cmocka_unit_test(errors),     cmocka_unit_test(file_errors),
        cmocka_unit_test(progress), cmocka_unit_test(documents),  cmocka_unit_test(full_disk)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
