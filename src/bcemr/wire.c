/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/wire.h"
#include "bcemr/command.h"
#include "bcemr/report.h"

const char *const wire_formats[] = {"markdown", "json", "dictionary", NULL};

static void print_line(void *user, const char *line)
{
    FILE *out = user;
    (void)fprintf(out, "%s\n", line);
}

int wire_main(const void *options)
{
    const wire_options *o = options;
    report r;
    report_begin(&r, stdout, stderr, false);
    const bcemr_status status =
        bcemr_wire_describe(o->json ? "json" : o->format, print_line, stdout);
    if (status != BCEMR_OK) {
        report_failure(&r, "cannot describe the encodings: %s", bcemr_status_text(status));
        return COMMAND_FAILED;
    }
    return report_end(&r) ? COMMAND_DONE : COMMAND_FAILED;
}
