/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/demo/demo.h"
#include "bcemr/inputs.h"

int demo_main(const demo_options *options)
{
    report r;
    inputs in;
    files_error err;
    report_begin(&r, stdout, stderr, options->json);
    if (inputs_find(options->data, &in, &err) != BCEMR_OK) {
        report_file_error(&r, &err);
        return COMMAND_FAILED;
    }
    static const report_column columns[] = {
        {"file", false}, {"bytes", true}, {"what", false}, {"whose", false}};
    report_table *t = report_table_new(columns, 4);
    for (uint64_t i = 0; i < in.count; i++) {
        report_cell(t, "%s", in.files[i].name);
        report_cell_bytes(t, in.files[i].bytes);
        report_cell(t, "%s", in.files[i].text);
        report_cell(t, "%s", inputs_discipline_doctor(in.files[i].discipline));
    }
    report_table_print(&r, t);
    inputs_explain(&in, &r);
    inputs_free(&in);
    return report_end(&r) ? COMMAND_DONE : COMMAND_FAILED;
}
