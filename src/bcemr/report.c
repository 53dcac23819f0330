/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/report.h"
#include "bcemr/report_parts.h"
#include "bcemr/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The columns of a step; what was done comes last, since nobody knows how long that is. */
#define WHO 24
#define NUMBER 10

/* ---- streams ---- */

static bool wants_colour(FILE *stream)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if ((no && no[0]) || !term || strcmp(term, "dumb") == 0)
        return false;
    return isatty(fileno(stream)) == 1;
}

void report_begin(report *r, FILE *out, FILE *diagnostics, bool json)
{
    *r = (report){.out = out,
                  .diagnostics = diagnostics,
                  .json = json,
                  .colour_out = wants_colour(out),
                  .colour_diagnostics = wants_colour(diagnostics),
                  .live = isatty(fileno(diagnostics)) == 1};
}

bool report_end(report *r)
{
    report_undraw(r);
    (void)fflush(r->diagnostics);
    if (fflush(r->out) != 0 || ferror(r->out))
        r->failed = true;
    if (r->failed)
        (void)fprintf(r->diagnostics, "bcemr: the output could not be written in full\n");
    return !r->failed;
}

double report_now(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void report_undraw(report *r)
{
    if (r->drawn)
        (void)fputs("\r\033[K", r->diagnostics);
    r->drawn = false;
}

/* ---- text ---- */

char *report_format(char *out, size_t n, const char *format, va_list arguments)
{
    char raw[REPORT_LINE];
    const int length = vsnprintf(raw, sizeof raw, format, arguments);
    const size_t have = length < 0                    ? 0
                        : (size_t)length < sizeof raw ? (size_t)length
                                                      : sizeof raw - 1;
    return report_printable(bcemr_span_of(raw, have), out, n);
}

char *report_printable(bcemr_span text, char *out, size_t n)
{
    static const char replacement[] = "\xef\xbf\xbd";
    size_t used = 0;
    for (uint64_t at = 0; at < text.n;) {
        const uint64_t from = at;
        const uint32_t c = text_next(text, &at);
        const bool good = !text_is_control(c);
        const size_t more = good ? (size_t)(at - from) : sizeof replacement - 1;
        if (used + more + 1 > n)
            break;
        memcpy(out + used, good ? (const char *)text.p + from : replacement, more);
        used += more;
    }
    if (n > 0)
        out[used] = 0;
    return out;
}

uint64_t report_width(const char *text)
{
    const bcemr_span span = bcemr_text(text);
    uint64_t columns = 0;
    for (uint64_t at = 0; at < span.n;)
        columns += text_columns(text_next(span, &at));
    return columns;
}

void report_pad(FILE *out, const char *text, uint64_t columns, bool right)
{
    const uint64_t width = report_width(text);
    const int spaces = width < columns ? (int)(columns - width) : 0;
    (void)fprintf(out, "%*s%s%*s", right ? spaces : 0, "", text, right ? 0 : spaces, "");
}

char *report_hex(const uint8_t *bytes, uint64_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (uint64_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = 0;
    return out;
}

char *report_bytes(uint64_t bytes, char out[REPORT_NUMBER])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) {
        (void)snprintf(out, REPORT_NUMBER, "%u B", (unsigned)bytes);
        return out;
    }
    size_t unit = 0;
    double value = (double)bytes / 1000;
    while (value >= 999.95 && unit < 5) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(out, REPORT_NUMBER, "%.1f %s", value, units[unit]);
    return out;
}

char *report_seconds(double seconds, char out[REPORT_NUMBER])
{
    if (seconds < 0)
        seconds = 0;
    if (seconds < 0.0009995)
        (void)snprintf(out, REPORT_NUMBER, "%.0f µs", seconds * 1e6);
    else if (seconds < 0.9995)
        (void)snprintf(out, REPORT_NUMBER, seconds < 0.09995 ? "%.1f ms" : "%.0f ms",
                       seconds * 1e3);
    else if (seconds < 59.95)
        (void)snprintf(out, REPORT_NUMBER, "%.2f s", seconds);
    else if (seconds < 1e9)
        (void)snprintf(out, REPORT_NUMBER, "%lu min %02lu s", (unsigned long)(seconds + 0.5) / 60,
                       (unsigned long)(seconds + 0.5) % 60);
    else
        (void)snprintf(out, REPORT_NUMBER, "years");
    return out;
}

/* ---- lines ---- */

static bool silent(report *r)
{
    report_undraw(r);
    return r->json || r->quiet;
}

void report_title(report *r, const char *format, ...)
{
    char text[REPORT_LINE];
    va_list arguments;
    if (silent(r))
        return;
    va_start(arguments, format);
    report_format(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)fprintf(r->out, "\n%s%s%s\n", r->colour_out ? "\033[1m" : "", text,
                  r->colour_out ? "\033[0m" : "");
    (void)fflush(r->out);
}

void report_step(report *r, const char *who, double seconds, uint64_t bytes, const char *format,
                 ...)
{
    char text[REPORT_LINE], name[256], time[REPORT_NUMBER] = "", size[REPORT_NUMBER] = "";
    va_list arguments;
    if (silent(r))
        return;
    va_start(arguments, format);
    report_format(text, sizeof text, format, arguments);
    va_end(arguments);
    report_printable(bcemr_text(who), name, sizeof name);
    if (seconds >= 0)
        report_seconds(seconds, time);
    if (bytes != REPORT_NO_BYTES)
        report_bytes(bytes, size);
    (void)fputs(r->colour_out ? "  \033[36m" : "  ", r->out);
    report_pad(r->out, name, WHO, false);
    (void)fputs(r->colour_out ? "\033[0m " : " ", r->out);
    report_pad(r->out, time, NUMBER, true);
    report_pad(r->out, size, NUMBER, true);
    (void)fprintf(r->out, "  %s\n", text);
    (void)fflush(r->out);
}

void report_line(report *r, const char *format, ...)
{
    char text[REPORT_LINE];
    va_list arguments;
    if (silent(r))
        return;
    va_start(arguments, format);
    report_format(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)fprintf(r->out, "%s\n", text);
    (void)fflush(r->out);
}

void report_mark(report *r, bool good, const char *format, ...)
{
    char text[REPORT_LINE];
    va_list arguments;
    if (silent(r))
        return;
    va_start(arguments, format);
    report_format(text, sizeof text, format, arguments);
    va_end(arguments);
    const char *colour = good ? "\033[32m" : "\033[31m";
    (void)fprintf(r->out, "  %s%s%s %s\n", r->colour_out ? colour : "", good ? "✓" : "✗",
                  r->colour_out ? "\033[0m" : "", text);
    (void)fflush(r->out);
}

/* ---- progress ---- */

#define APPEARS_AFTER 1.0
#define REDRAWN_EVERY 0.1
#define REPEATED_EVERY 5.0

static void show_amount(const report_run *run, uint64_t amount, char out[REPORT_NUMBER])
{
    if (run->unit)
        (void)snprintf(out, REPORT_NUMBER, "%" PRIu64, amount);
    else
        report_bytes(amount, out);
}

static void draw(report_run *run, uint64_t done, uint64_t total, double now)
{
    char have[REPORT_NUMBER], all[REPORT_NUMBER], left[REPORT_NUMBER], rate[REPORT_NUMBER];
    report *r = run->r;
    const double passed = now - run->began;
    const double share = total > 0 ? (double)done / (double)total : 1;
    show_amount(run, done, have);
    show_amount(run, total, all);
    show_amount(run, (uint64_t)((double)done / passed + 0.5), rate);
    report_seconds(share > 0 ? passed / share - passed : 0, left);
    (void)fprintf(r->diagnostics, "%s  %s: %3.0f %%, %s of %s%s%s, %s/s, %s left%s",
                  r->live ? "\r\033[K" : "", run->what, share * 100, have, all,
                  run->unit ? " " : "", run->unit ? run->unit : "", rate, left,
                  r->live ? "" : "\n");
    (void)fflush(r->diagnostics);
    r->drawn = r->live;
    run->last = now;
}

static bcemr_status tell(void *user, uint64_t done, uint64_t total)
{
    report_run *run = user;
    const double now = report_now();
    run->bytes = done;
    if (run->r->quiet || now - run->began < APPEARS_AFTER)
        return BCEMR_OK;
    if (now - run->last >= (run->r->live ? REDRAWN_EVERY : REPEATED_EVERY))
        draw(run, done, total, now);
    return BCEMR_OK;
}

bcemr_progress report_run_begin(report_run *run, report *r, const char *what)
{
    const double now = report_now();
    *run = (report_run){.r = r, .what = what, .began = now, .last = r->live ? 0 : now};
    return (bcemr_progress){run, tell};
}

bcemr_progress report_run_begin_count(report_run *run, report *r, const char *what,
                                      const char *unit)
{
    const bcemr_progress progress = report_run_begin(run, r, what);
    run->unit = unit;
    return progress;
}

double report_run_end(report_run *run)
{
    report_undraw(run->r);
    return report_now() - run->began;
}
