/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/report.h"
#include "bcemr/report_parts.h"

#include <string.h>

struct report_table {
    const report_column *columns;
    uint64_t column_count;
    char **cells;
    uint64_t count;
    uint64_t room;
    bool failed;
};

report_table *report_table_new(const report_column *columns, uint64_t count)
{
    report_table *t = bcemr_allocate(sizeof *t);
    if (t)
        *t = (report_table){.columns = columns, .column_count = count};
    return t;
}

static bool make_room(report_table *t)
{
    if (t->count < t->room)
        return true;
    const uint64_t room = t->room ? 2 * t->room : 32;
    char **cells = bcemr_allocate(room * sizeof cells[0]);
    if (!cells)
        return false;
    if (t->count > 0)
        memcpy(cells, t->cells, (size_t)t->count * sizeof cells[0]);
    bcemr_release(t->cells);
    t->cells = cells;
    t->room = room;
    return true;
}

void report_cell(report_table *t, const char *format, ...)
{
    char text[REPORT_LINE];
    va_list arguments;
    if (!t)
        return;
    va_start(arguments, format);
    report_format(text, sizeof text, format, arguments);
    va_end(arguments);
    char *copy = make_room(t) ? bcemr_allocate(strlen(text) + 1) : NULL;
    if (!copy) {
        t->failed = true;
        return;
    }
    memcpy(copy, text, strlen(text));
    t->cells[t->count++] = copy;
}

void report_cell_bytes(report_table *t, uint64_t bytes)
{
    char text[REPORT_NUMBER];
    report_cell(t, "%s", bytes == REPORT_NO_BYTES ? "" : report_bytes(bytes, text));
}

void report_cell_seconds(report_table *t, double seconds)
{
    char text[REPORT_NUMBER];
    report_cell(t, "%s", seconds < 0 ? "" : report_seconds(seconds, text));
}

static uint64_t column_width(const report_table *t, uint64_t column)
{
    uint64_t width = report_width(t->columns[column].title);
    for (uint64_t i = column; i < t->count; i += t->column_count) {
        const uint64_t w = report_width(t->cells[i]);
        width = w > width ? w : width;
    }
    return width;
}

static void print(report *r, const report_table *t)
{
    for (uint64_t i = 0; i < t->column_count + t->count; i++) {
        const uint64_t column = i % t->column_count;
        const bool heading = i < t->column_count;
        const report_column *c = &t->columns[column];
        const char *text = heading ? c->title : t->cells[i - t->column_count];
        const bool last = column + 1 == t->column_count;
        (void)fputs(r->colour_out && heading ? "  \033[1m" : "  ", r->out);
        report_pad(r->out, text, last && !c->right ? 0 : column_width(t, column), c->right);
        if (r->colour_out && heading)
            (void)fputs("\033[0m", r->out);
        if (last)
            (void)fputc('\n', r->out);
    }
    if (t->count % t->column_count != 0)
        (void)fputc('\n', r->out);
    (void)fflush(r->out);
}

void report_table_print(report *r, report_table *t)
{
    report_undraw(r);
    if (!t) {
        r->failed = true;
        return;
    }
    r->failed |= t->failed;
    if (!r->json && !r->quiet)
        print(r, t);
    for (uint64_t i = 0; i < t->count; i++)
        bcemr_release(t->cells[i]);
    bcemr_release(t->cells);
    bcemr_release(t);
}
