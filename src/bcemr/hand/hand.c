/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/hand/hand.h"

#include <string.h>
#include <time.h>

static int report_failed(hand *h, bcemr_status status)
{
    if (h->misused)
        return COMMAND_MISUSED;
    if (h->answered_no && status == BCEMR_OK)
        return COMMAND_FAILED;
    if (h->file.status != BCEMR_OK) {
        report_file_error(&h->r, &h->file);
    } else {
        if (h->error.status == BCEMR_OK)
            h->error = (bcemr_error){.status = status,
                                     .verdict = BCEMR_UNDECIDED,
                                     .index = BCEMR_NOWHERE,
                                     .offset = BCEMR_NOWHERE};
        report_error(&h->r, h->doing, &h->error);
    }
    return COMMAND_FAILED;
}

int hand_run(const hand_options *options, bcemr_status (*work)(hand *h))
{
    struct timespec now = {0, 0};
    hand *h = bcemr_allocate(sizeof *h);
    if (!h) {
        (void)fprintf(stderr, "bcemr: %s\n", bcemr_status_text(BCEMR_E_NO_MEMORY));
        return COMMAND_FAILED;
    }
    h->o = options;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    h->now = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    report_begin(&h->r, stdout, stderr, options->json);
    report_json_begin(&h->json);
    hand_doing(h, "do this");
    const bcemr_status status = work(h);
    int code = COMMAND_DONE;
    if (status != BCEMR_OK || h->answered_no)
        code = report_failed(h, status);
    if (status == BCEMR_OK && report_json_print(&h->r, &h->json) != BCEMR_OK)
        code = COMMAND_FAILED;
    if (status != BCEMR_OK)
        json_decref(h->json.root);
    if (!report_end(&h->r))
        code = COMMAND_FAILED;
    bcemr_context_free(h->context);
    bcemr_release(h);
    return code;
}

void hand_doing(hand *h, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(h->doing, sizeof h->doing, format, arguments);
    va_end(arguments);
}

bcemr_status hand_misuse(hand *h, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)command_misuse(NULL, "%s", text);
    h->misused = true;
    return BCEMR_E_ARGUMENT;
}

bcemr_status hand_context(hand *h)
{
    bcemr_status status = BCEMR_OK;
    if (!h->context)
        HAND_AT(bcemr_context_new(&h->context), "context", NULL);
out:
    return status;
}

const bcemr_run *hand_run_begin(hand *h, const char *what)
{
    h->progress = report_run_begin(&h->progress_run, &h->r, what);
    h->run.progress = &h->progress;
    return &h->run;
}

void hand_run_end(hand *h)
{
    if (h->run.progress)
        (void)report_run_end(&h->progress_run);
    h->run.progress = NULL;
}

void hand_sink_failed(hand *h, const files_sink *sink)
{
    if (sink)
        (void)files_sink_error(sink, &h->file);
}

void hand_source_failed(hand *h, const files_source *source)
{
    if (source)
        (void)files_source_error(source, &h->file);
}

char *hand_time(int64_t ms, char out[REPORT_NUMBER])
{
    const time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || strftime(out, REPORT_NUMBER, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        (void)snprintf(out, REPORT_NUMBER, "?");
    return out;
}

const char *hand_name(bcemr_span name)
{
    static char texts[4][256];
    static unsigned next;
    next = (next + 1) % 4;
    return report_printable(name, texts[next], sizeof texts[next]);
}

/* ---- output ---- */

bcemr_status hand_output_begin(hand *h, hand_outputs *outputs, const char *out, const char *suffix,
                               bcemr_sink *sink)
{
    bcemr_status status = BCEMR_OK;
    char path[1024];
    if ((size_t)snprintf(path, sizeof path, "%s%s", out, suffix) >= sizeof path)
        HAND_FAIL(BCEMR_E_TOO_LONG, "out", NULL);
    HAND(files_sink_create(path, h->o->replace ? FILES_REPLACE : FILES_NEW,
                           &outputs->sinks[outputs->count], &h->file));
    *sink = files_sink_view(outputs->sinks[outputs->count]);
    outputs->count++;
out:
    return status;
}

bcemr_status hand_output_bytes(hand *h, hand_outputs *outputs, const char *out, const char *suffix,
                               bcemr_span bytes)
{
    bcemr_status status = BCEMR_OK;
    bcemr_sink sink = bcemr_sink_nowhere();
    HAND(hand_output_begin(h, outputs, out, suffix, &sink));
    status = sink.write(sink.user, bytes);
    if (status != BCEMR_OK)
        hand_sink_failed(h, outputs->sinks[outputs->count - 1]);
out:
    return status;
}

bcemr_status hand_commit_all(hand *h, files_sink *const *sinks, uint64_t count)
{
    bcemr_status status = BCEMR_OK;
    files_error ignored;
    uint64_t done = 0;
    for (; done < count; done++) {
        status = files_sink_commit(sinks[done], &h->file);
        if (status != BCEMR_OK)
            break;
    }
    /* All or none: those before the one that failed are ours, and go; one that took the place of an
     * older file stays, since that file cannot come back. */
    while (status != BCEMR_OK && done-- > 0 && !h->o->replace)
        if (files_remove(files_sink_path(sinks[done]), &ignored) != BCEMR_OK)
            report_warning(&h->r, "%s is left over", hand_name(bcemr_text(ignored.path)));
    return status;
}

bcemr_status hand_output_commit(hand *h, hand_outputs *outputs)
{
    return hand_commit_all(h, outputs->sinks, outputs->count);
}

void hand_output_free(hand_outputs *outputs)
{
    for (uint64_t i = 0; i < outputs->count; i++)
        files_sink_free(outputs->sinks[i]);
    outputs->count = 0;
}

void hand_unchecked(hand *h, const char *const *what)
{
    char text[512];
    size_t n = 0;
    json_t *list = report_json_list(&h->json, NULL, "not_checked");
    for (const char *const *w = what; *w; w++) {
        const int more = snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "", *w);
        n = more > 0 && n + (size_t)more < sizeof text ? n + (size_t)more : sizeof text - 1;
        if (list && json_array_append_new(list, json_string(*w)) != 0)
            h->json.failed = true;
    }
    report_line(&h->r, "not checked, for want of a ledger: %s", text);
}
