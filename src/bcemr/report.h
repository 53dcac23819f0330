/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people see. Text goes to out, one line a step; progress, warnings and errors go to
 * diagnostics. With json nothing but one document at the end goes to out. Names and texts that came
 * from files are shown with their control characters replaced, so that they cannot drive a
 * terminal.
 */
#ifndef BCEMR_PROGRAM_REPORT_H
#define BCEMR_PROGRAM_REPORT_H

#include "bcemr/files.h"

#include <jansson.h>
#include <stdio.h>

#if defined(__GNUC__)
#define REPORT_FORMAT(string, first) __attribute__((format(printf, string, first)))
#else
#define REPORT_FORMAT(string, first)
#endif

typedef struct report {
    FILE *out;
    FILE *diagnostics;
    bool json;
    bool quiet;              /* steps and lines are not shown */
    bool colour_out;         /* only on a terminal, and never with NO_COLOR */
    bool colour_diagnostics; /* the same */
    bool live;               /* diagnostics is a terminal: progress may redraw its line */
    bool drawn;              /* a progress line stands there and must go before other text */
    bool answered;           /* the one JSON document is out */
    bool failed;             /* something could not be written */
} report;

#define REPORT_NO_BYTES UINT64_MAX
#define REPORT_NO_TIME (-1.0)

/* A report on these streams (usually stdout and stderr). */
void report_begin(report *r, FILE *out, FILE *diagnostics, bool json);
/* Flushes; false when something could not be written (a full disk, a closed pipe). */
BCEMR_MUST_USE bool report_end(report *r);

/* Seconds of a clock that only goes forward. */
double report_now(void);

/* A heading, with an empty line before it. */
void report_title(report *r, const char *format, ...) REPORT_FORMAT(2, 3);
/* Who did what, how long it took (or REPORT_NO_TIME), how many bytes crossed (or REPORT_NO_BYTES).
 */
void report_step(report *r, const char *who, double seconds, uint64_t bytes, const char *format,
                 ...) REPORT_FORMAT(5, 6);
/* A line of text. */
void report_line(report *r, const char *format, ...) REPORT_FORMAT(2, 3);
/* A line that begins with a mark for good or bad. */
void report_mark(report *r, bool good, const char *format, ...) REPORT_FORMAT(3, 4);

/* ---- errors: one line on diagnostics, and with json the document {"error": {...}} on out ---- */

/* "bcemr: TEXT" on diagnostics alone; the same, but an error. */
void report_warning(report *r, const char *format, ...) REPORT_FORMAT(2, 3);
void report_failure(report *r, const char *format, ...) REPORT_FORMAT(2, 3);
/* What failed ("bcemr: cannot seal the record: ..."), its name and text, where, and what to do. */
void report_error(report *r, const char *doing, const bcemr_error *error);
void report_file_error(report *r, const files_error *error);
/* The same as one line, for elsewhere; returns out. */
char *report_error_text(const bcemr_error *error, char *out, size_t n);
char *report_file_error_text(const files_error *error, char *out, size_t n);

/* ---- progress: appears after a second, and goes when it is done ---- */

typedef struct report_run {
    report *r;
    const char *what;
    const char *unit; /* what is counted; NULL for bytes */
    double began;
    double last;
    uint64_t bytes;
} report_run;
/* The progress to give to a long run; run and what must outlive it. */
bcemr_progress report_run_begin(report_run *run, report *r, const char *what);
/* The same for what is counted in something else than bytes: "entries". */
bcemr_progress report_run_begin_count(report_run *run, report *r, const char *what,
                                      const char *unit);
/* Takes the line away. Returns the seconds that it took. */
double report_run_end(report_run *run);

/* ---- tables ---- */

typedef struct report_column {
    const char *title;
    bool right; /* numbers */
} report_column;
typedef struct report_table report_table;
/* columns must outlive it. NULL without memory; every call below takes NULL. */
report_table *report_table_new(const report_column *columns, uint64_t count);
/* The next cell, row after row. */
void report_cell(report_table *table, const char *format, ...) REPORT_FORMAT(2, 3);
void report_cell_bytes(report_table *table, uint64_t bytes);
void report_cell_seconds(report_table *table, double seconds);
/* Prints and frees it. */
void report_table_print(report *r, report_table *table);

/* ---- for people ---- */

#define REPORT_NUMBER 32
/* "512 B", "39.2 kB", "1.7 MB": units of 1000. Returns out. */
char *report_bytes(uint64_t bytes, char out[REPORT_NUMBER]);
/* "85 µs", "3.4 ms", "1.20 s", "2 min 03 s". Returns out. */
char *report_seconds(double seconds, char out[REPORT_NUMBER]);
/* Columns that a text takes on a terminal: not its bytes. */
uint64_t report_width(const char *text);
/* text with what is not UTF-8 or is a control character as U+FFFD; cut to n at a whole character.
 * Returns out. */
char *report_printable(bcemr_span text, char *out, size_t n);
/* Lower-case hexadecimal; out has 2 n + 1 bytes. Returns out. */
char *report_hex(const uint8_t *bytes, uint64_t n, char *out);

/* ---- JSON; a NULL from jansson (no memory) is remembered and reported at the end ---- */

typedef struct report_json {
    json_t *root; /* an object */
    bool failed;
} report_json;
void report_json_begin(report_json *j);
/* Adds to object (NULL: the root). What is not UTF-8 in a text is replaced, as above. */
void report_json_text(report_json *j, json_t *object, const char *key, const char *text);
void report_json_number(report_json *j, json_t *object, const char *key, uint64_t number);
void report_json_seconds(report_json *j, json_t *object, const char *key, double seconds);
void report_json_bool(report_json *j, json_t *object, const char *key, bool value);
void report_json_hash(report_json *j, json_t *object, const char *key, const bcemr_hash *hash);
/* A new list in object, a new object at the end of a list; borrowed. */
json_t *report_json_list(report_json *j, json_t *object, const char *key);
json_t *report_json_object(report_json *j, json_t *object, const char *key);
json_t *report_json_item(report_json *j, json_t *list);
/* {"path", "bytes", "sha256"} at the end of a list. */
json_t *report_json_file(report_json *j, json_t *list, const char *path, uint64_t bytes,
                         const bcemr_hash *sha256);
/* Prints the document to out if the report is one in JSON; frees it in any case. E_NO_MEMORY, E_IO.
 */
BCEMR_MUST_USE bcemr_status report_json_print(report *r, report_json *j);

#endif
