/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every byte of a case file that the demo makes is changed, to two other values; the file is cut at
 * every length, and bytes follow it: each time it is refused, and the refusal has a name. Bytes of
 * documents, of which there are many and whose refusal comes last, are tried at every 401st place
 * and the last; BCEMR_CASE_FLIPS=1 tries them all. Prints which names there were.
 */
#define _XOPEN_SOURCE 700

#include "core/core_test.h"

#include "bcemr/case.h"
#include "bcemr/demo/stage.h"
#include "bcemr/demo/story.h"
#include "bcemr/random.h"

#include <stdlib.h>

static world w;
static stage s;
static bcemr_anchor anchor;
static bcemr_case_report result;
static uint64_t stride;

/* ---- names that were given ---- */

#define NAMES 64
static struct {
    const char *name;
    bcemr_case_step step;
    uint64_t count;
} names[NAMES];

static void count_name(const char *name, bcemr_case_step step)
{
    uint64_t i = 0;
    while (i < NAMES - 1 && names[i].name &&
           (strcmp(names[i].name, name) != 0 || names[i].step != step))
        i++;
    names[i].name = name;
    names[i].step = step;
    names[i].count++;
}

static void print_names(void)
{
    for (uint64_t i = 0; i < NAMES && names[i].name; i++)
        print_message("%8u  %-22s %s\n", (unsigned)names[i].count, names[i].name,
                      bcemr_case_step_text(names[i].step));
    memset(names, 0, sizeof names);
}

/* ---- one file ---- */

static bcemr_status check(bcemr_span bytes, bcemr_error *err)
{
    const bcemr_source source = bcemr_source_bytes(&bytes);
    const bcemr_case_checking checking = {.context = w.context, .anchor = &anchor, .file = &source};
    bcemr_case_report_free(&result);
    return bcemr_case_file_check(&checking, &result, err);
}

static void refused(bcemr_span bytes, uint64_t at, const char *how)
{
    bcemr_error err = {0};
    const bcemr_status status = check(bytes, &err);
    if (status == BCEMR_OK)
        fail_msg("byte %u %s, and the file holds", (unsigned)at, how);
    if (err.status != status || !err.object || status == BCEMR_E_IO ||
        status == BCEMR_E_NO_MEMORY || status == BCEMR_E_STATE ||
        (status == BCEMR_E_REFUSED && err.verdict == BCEMR_VALID))
        fail_msg("byte %u %s: a refusal without a name", (unsigned)at, how);
    count_name(status == BCEMR_E_REFUSED ? bcemr_verdict_name(err.verdict)
                                         : bcemr_status_name(status),
               result.step);
}

/* The next place to try; the last byte is always one. */
static uint64_t next(const bcemr_buf *file, uint64_t i, uint64_t head)
{
    const uint64_t then = i + (i < head ? 1 : stride);
    return then > file->n - 1 && i < file->n - 1 ? file->n - 1 : then;
}

static void every_byte(bcemr_buf *file, uint64_t head)
{
    const bcemr_span bytes = bcemr_buf_span(file);
    for (uint64_t i = 0; i < file->n; i = next(file, i, head)) {
        file->p[i] ^= 1;
        refused(bytes, i, "is another");
        file->p[i] ^= 1 ^ 0x80;
        refused(bytes, i, "is another");
        file->p[i] ^= 0x80;
    }
    print_message("bytes changed:\n");
    print_names();
}

static void every_length(bcemr_buf *file, uint64_t head)
{
    bcemr_buf longer = BCEMR_BUF_EMPTY;
    for (uint64_t n = 0; n < file->n; n = next(file, n, head))
        refused(bcemr_span_of(file->p, n), n, "and what follows is cut");
    assert_int_equal(bcemr_buf_append(&longer, bcemr_buf_span(file)), BCEMR_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(bcemr_buf_append(&longer, bcemr_span_of("\0", 1)), BCEMR_OK);
        refused(bcemr_buf_span(&longer), file->n, "and more follows");
    }
    print_message("cut or appended to:\n");
    print_names();
    bcemr_buf_free(&longer);
}

static void all_of(const char *name)
{
    char path[1200];
    files_error err;
    bcemr_error why = {0};
    bcemr_buf file = BCEMR_BUF_EMPTY;
    (void)snprintf(path, sizeof path, "%s/%s", s.folder, name);
    assert_int_equal(files_read(path, 64u << 20, &file, &err), BCEMR_OK);
    assert_int_equal(check(bcemr_buf_span(&file), &why), BCEMR_OK);
    const uint64_t head = 8 + bcemr_load_u64(file.p);
    print_message("%s: %u bytes, %u of them its head\n", name, (unsigned)file.n, (unsigned)head);
    every_byte(&file, head);
    every_length(&file, head);
    assert_int_equal(check(bcemr_buf_span(&file), &why), BCEMR_OK);
    bcemr_buf_free(&file);
}

static void nothing_opened(void **state)
{
    (void)state;
    all_of("case.bcemr");
}

static void everything_opened(void **state)
{
    (void)state;
    all_of("case-opened.bcemr");
}

/* ---- the demo, played once ---- */

static int play(void **state)
{
    static const demo_options options = {.doctors = 3, .threads = 1, .seed = "case files"};
    static report r;
    bcemr_error err;
    (void)state;
    stride = getenv("BCEMR_CASE_FLIPS") ? 1 : 401;
    random_permit();
    report_begin(&r, stdout, stderr, false);
    r.quiet = true;
    if (!stage_open_scratch(&s, &r, &options) || stage_world(&s, &w, s.folder) != BCEMR_OK ||
        story_until(&w, WORLD_PHASES) != BCEMR_OK || stage_keep(&s, &w) != BCEMR_OK)
        return 1;
    return bcemr_anchor_read(w.context, bcemr_buf_span(&w.genesis), &anchor, &err) == BCEMR_OK ? 0
                                                                                               : 1;
}

static int end(void **state)
{
    (void)state;
    bcemr_case_report_free(&result);
    bcemr_anchor_free(&anchor);
    world_close(&w);
    stage_close(&s);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_opened),
        cmocka_unit_test(everything_opened),
    };
    return cmocka_run_group_tests(tests, play, end);
}
