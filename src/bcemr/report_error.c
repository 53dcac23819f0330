/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as people read them: what, where, and what to do. */
#include "bcemr/report.h"
#include "bcemr/report_parts.h"
#include "ledger/rules/rules.h"

#include <inttypes.h>
#include <string.h>

/* Only where the text of the status does not say it already, and something can be done. */
static const struct {
    bcemr_status status;
    const char *advice;
} advice[] = {
    {BCEMR_E_IO, "see that the disk is there, has room and may be written to"},
    {BCEMR_E_NOT_FOUND, "check the name and the folder"},
    {BCEMR_E_EXISTS, "give another name or move it away"},
    {BCEMR_E_RANDOM, "nothing secret was made; restart the machine or see its log"},
    {BCEMR_E_TRUNCATED, "fetch it again: it was probably cut on its way"},
    {BCEMR_E_TRAILING, "fetch it again, or see that it is the right file"},
    {BCEMR_E_UNKNOWN_KIND, "see that it is the right file"},
    {BCEMR_E_KEY_MISMATCH, "see that both come from the same key file"},
};

static const char *advice_for(bcemr_status status)
{
    for (size_t i = 0; i < sizeof advice / sizeof advice[0]; i++) {
        if (advice[i].status == status)
            return advice[i].advice;
    }
    return NULL;
}

typedef struct writer {
    char *out;
    size_t n;
    size_t used;
} writer;

static void put(writer *w, const char *format, ...) REPORT_FORMAT(2, 3);
static void put(writer *w, const char *format, ...)
{
    va_list arguments;
    if (w->used >= w->n)
        return;
    va_start(arguments, format);
    const int more = vsnprintf(w->out + w->used, w->n - w->used, format, arguments);
    va_end(arguments);
    w->used += more > 0 ? (size_t)more : 0;
}

static bool by_verdict(const bcemr_error *e)
{
    return e->status == BCEMR_E_REFUSED && e->verdict != BCEMR_VALID;
}

static void put_where(writer *w, const bcemr_error *e)
{
    if (!e->object && !e->field && e->offset == BCEMR_NOWHERE)
        return;
    put(w, ", in %s%s%s", e->object ? e->object : "", e->object && e->field ? "." : "",
        e->field    ? e->field
        : e->object ? ""
                    : "the input");
    if (e->index != BCEMR_NOWHERE)
        put(w, "[%" PRIu64 "]", e->index);
    if (e->offset != BCEMR_NOWHERE)
        put(w, " at byte %" PRIu64, e->offset);
}

char *report_error_text(const bcemr_error *e, char *out, size_t n)
{
    writer w = {out, n, 0};
    if (by_verdict(e) && e->reason != 0)
        put(&w, "%s: %s", ledger_reason_name(e->reason), ledger_reason_text(e->reason));
    else if (by_verdict(e))
        put(&w, "%s: %s", bcemr_verdict_name(e->verdict), bcemr_verdict_text(e->verdict));
    else
        put(&w, "%s: %s", bcemr_status_name(e->status), bcemr_status_text(e->status));
    put_where(&w, e);
    if (advice_for(e->status))
        put(&w, "; %s", advice_for(e->status));
    return out;
}

char *report_file_error_text(const files_error *e, char *out, size_t n)
{
    char path[sizeof e->path + 512];
    writer w = {out, n, 0};
    report_printable(bcemr_text(e->path), path, sizeof path);
    put(&w, "%s: cannot %s \"%s\": %s", bcemr_status_name(e->status), e->doing ? e->doing : "use",
        path,
        e->why                                 ? e->why
        : e->system && e->status == BCEMR_E_IO ? strerror(e->system)
                                               : bcemr_status_text(e->status));
    if (!e->why && advice_for(e->status))
        put(&w, "; %s", advice_for(e->status));
    return out;
}

/* ---- printing ---- */

static void say(report *r, bool bad, const char *text)
{
    report_undraw(r);
    (void)fflush(r->out);
    const char *colour = bad ? "\033[31m" : "\033[33m";
    (void)fprintf(r->diagnostics, "%sbcemr:%s %s\n", r->colour_diagnostics ? colour : "",
                  r->colour_diagnostics ? "\033[0m" : "", text);
    (void)fflush(r->diagnostics);
}

void report_warning(report *r, const char *format, ...)
{
    char text[REPORT_LINE];
    va_list arguments;
    va_start(arguments, format);
    report_format(text, sizeof text, format, arguments);
    va_end(arguments);
    say(r, false, text);
}

/* The document of an error, if the report is one in JSON. */
static void answer(report *r, report_json *j)
{
    if (report_json_print(r, j) != BCEMR_OK)
        r->failed = true;
}

void report_failure(report *r, const char *format, ...)
{
    char text[REPORT_LINE];
    va_list arguments;
    va_start(arguments, format);
    report_format(text, sizeof text, format, arguments);
    va_end(arguments);
    say(r, true, text);
    report_json j;
    report_json_begin(&j);
    json_t *error = report_json_object(&j, NULL, "error");
    report_json_text(&j, error, "text", text);
    answer(r, &j);
}

void report_error(report *r, const char *doing, const bcemr_error *e)
{
    char reason[REPORT_LINE], text[REPORT_LINE], what[204];
    report_error_text(e, reason, sizeof reason);
    /* What is done may name a file, whose name is anybody's. */
    report_printable(bcemr_text(doing), what, sizeof what);
    (void)snprintf(text, sizeof text, "cannot %s: %.1700s", what, reason);
    say(r, true, text);
    report_json j;
    report_json_begin(&j);
    json_t *error = report_json_object(&j, NULL, "error");
    report_json_text(&j, error, "doing", doing);
    report_json_text(&j, error, "status", bcemr_status_name(e->status));
    if (by_verdict(e))
        report_json_text(&j, error, "verdict", bcemr_verdict_name(e->verdict));
    if (e->reason != 0)
        report_json_text(&j, error, "reason", ledger_reason_name(e->reason));
    report_json_text(&j, error, "text", reason);
    if (e->object)
        report_json_text(&j, error, "object", e->object);
    if (e->field)
        report_json_text(&j, error, "field", e->field);
    if (e->index != BCEMR_NOWHERE)
        report_json_number(&j, error, "index", e->index);
    if (e->offset != BCEMR_NOWHERE)
        report_json_number(&j, error, "offset", e->offset);
    answer(r, &j);
}

void report_file_error(report *r, const files_error *e)
{
    char text[REPORT_LINE];
    report_file_error_text(e, text, sizeof text);
    say(r, true, text);
    report_json j;
    report_json_begin(&j);
    json_t *error = report_json_object(&j, NULL, "error");
    report_json_text(&j, error, "doing", e->doing ? e->doing : "use");
    report_json_text(&j, error, "status", bcemr_status_name(e->status));
    report_json_text(&j, error, "path", e->path);
    if (e->system)
        report_json_text(&j, error, "system", strerror(e->system));
    report_json_text(&j, error, "text", text);
    answer(r, &j);
}
