/* SPDX-License-Identifier: Apache-2.0 */
/* A case file taken apart: its leaves with their places, the sets that it walks, and a ledger view
 * over them, so that the checks of an opening can be run on it. */
#ifndef BCEMR_CLIENT_CASE_FILE_H
#define BCEMR_CLIENT_CASE_FILE_H

#include "client/case_check.h"

#include <bcemr/case_file.h>

#define CASE_ENROLMENTS_MAX 128

/* A leaf of the file. */
typedef struct case_part {
    bcemr_span inclusion;
    bcemr_span leaf;
    uint64_t index;
    bcemr_leaf_parts parts;
} case_part;

typedef struct case_parts {
    const char *name; /* of the file's list */
    case_part *items;
    uint64_t count;
} case_parts;

typedef struct case_set {
    bcemr_buf encoding;
    uint64_t leaf; /* the first at which it is in force */
} case_set;

typedef struct case_params {
    uint64_t rules, height, reissues, clock_difference;
} case_params;

typedef struct case_enrolment {
    bcemr_tr_e_enrol entry;
    bcemr_tr_cred cred;
} case_enrolment;

typedef struct case_reader {
    const bcemr_context *context;
    const bcemr_anchor *anchor;
    bcemr_case_report *out; /* its step goes on with the checks */
    bcemr_tr_case_file file;
    bcemr_tr_checkpoint checkpoint;
    case_parts sets, upgrades, enrolments, body;
    case_part header;
    case_set *walked; /* set 0 and one for each of sets */
    uint64_t walked_count;
    case_params *params; /* of the genesis and of each upgrade */
    uint64_t params_count;
    case_enrolment *enrolled; /* one for each of enrolments */
    bcemr_ledger_view view;
    client_visit visit;
} case_reader;

/* ---- case_file_log.c: what the file proves to be in the log ---- */

/* Reads all lists: READ; and holds every leaf against the root that the checkpoint claims:
 * INCLUDED. */
BCEMR_MUST_USE bcemr_status case_read_parts(case_reader *r, bcemr_error *err);
BCEMR_MUST_USE bcemr_status case_check_included(case_reader *r, bcemr_error *err);
BCEMR_MUST_USE bcemr_status case_walk_sets(case_reader *r, bcemr_error *err);
BCEMR_MUST_USE bcemr_status case_check_checkpoint(case_reader *r, bcemr_error *err);
BCEMR_MUST_USE bcemr_status case_check_upgrades(case_reader *r, bcemr_error *err);
/* The set in force at a leaf (BCEMR_NOW: the last); the parameters in force in a block. */
BCEMR_MUST_USE bcemr_status case_set_at(const case_reader *r, uint64_t leaf, bcemr_set *out,
                                        bcemr_error *err);
const case_params *case_params_at(const case_reader *r, uint64_t height);
void case_reader_free(case_reader *r);

/* ---- case_file_view.c ---- */

/* The ledger as the file proves it. */
void case_view(case_reader *r);

/* ---- case_file_visit.c: what hangs on more than one entry ---- */

/* Each enrolment by itself: ENROLMENTS. */
BCEMR_MUST_USE bcemr_status case_check_enrolments(case_reader *r, bcemr_error *err);
/* Each entry of the body at its place: ENTRIES. */
BCEMR_MUST_USE bcemr_status case_check_entries(case_reader *r, bcemr_error *err);
BCEMR_MUST_USE bcemr_status case_check_sum(case_reader *r, bcemr_error *err);
BCEMR_MUST_USE bcemr_status case_check_opened(case_reader *r, bcemr_error *err);

/* ---- case_file.c ---- */

/* All steps but DOCUMENTS, on the head alone. report is filled when they hold; its step is
 * DOCUMENTS then. */
BCEMR_MUST_USE bcemr_status case_check_head(const bcemr_context *context,
                                            const bcemr_anchor *anchor, bcemr_span head,
                                            bcemr_case_report *report, bcemr_error *err);
/* Reads all of source in windows of constant size. */
BCEMR_MUST_USE bcemr_status case_pump(const bcemr_source *source, uint64_t from, uint64_t to,
                                      const bcemr_run *run, const bcemr_sink *sink,
                                      bcemr_error *err);

#endif
