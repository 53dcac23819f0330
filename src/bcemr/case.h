/* SPDX-License-Identifier: Apache-2.0 */
/* Case files as files: made from a ledger, with what is opened from a record's content, and checked
 * by the genesis. */
#ifndef BCEMR_PROGRAM_CASE_H
#define BCEMR_PROGRAM_CASE_H

#include "bcemr/hand/hand.h"

#include <bcemr/case_file.h>

typedef struct case_writing {
    const bcemr_context *context;
    const bcemr_ledger_view *view;
    const bcemr_hash *vid;
    const char *content; /* a file with the record's content; NULL: nothing is opened */
    uint64_t places;     /* as in bcemr_case_making */
    const char *path;
    files_how how;
    const bcemr_run *run; /* NULL: the defaults */
} case_writing;
/* The file is there whole or not at all. Errors: those of bcemr_case_file_make in err; in file,
 * when the system spoke (its status is OK otherwise). */
BCEMR_MUST_USE bcemr_status case_write(const case_writing *writing, bcemr_error *err,
                                       files_error *file);

/* A record's content as a file, from the head that an opening gave and its documents, which are
 * files in their order. Errors as above. */
BCEMR_MUST_USE bcemr_status case_content_write(const char *path, files_how how, bcemr_span head,
                                               const char *const *documents, uint64_t count,
                                               bcemr_error *err, files_error *file);

/* `bcemr case export`; what `bcemr verify` does with a case file: file, genesis and documents_to of
 * the options. */
int case_export(const void *options);
BCEMR_MUST_USE bcemr_status case_verify_work(hand *h);

#endif
