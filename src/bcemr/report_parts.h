/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that make up report.h share. */
#ifndef BCEMR_PROGRAM_REPORT_PARTS_H
#define BCEMR_PROGRAM_REPORT_PARTS_H

#include "bcemr/report.h"

#include <stdarg.h>

/* The longest line that is shown; what is longer is cut. */
#define REPORT_LINE 2048

/* printf, then report_printable. Returns out. */
char *report_format(char *out, size_t n, const char *format, va_list arguments);
/* text filled with spaces up to columns. */
void report_pad(FILE *out, const char *text, uint64_t columns, bool right);
/* Takes a progress line away. */
void report_undraw(report *r);

#endif
