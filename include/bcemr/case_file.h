/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Case files (.bcemr, section 8): a sealed case with everything that it rests on, made from a
 * ledger and verified without one, by whoever holds the genesis. docs/case-file.md says the format
 * and every check in its order.
 *
 * The same functions check a case here and when a doctor opens a record: a case file is looked at
 * as a ledger that holds what the file proves, and nothing else.
 */
#ifndef BCEMR_CASE_FILE_H
#define BCEMR_CASE_FILE_H

#include <bcemr/ledger_view.h>
#include <bcemr/opening.h>
#include <bcemr/proof.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BCEMR_CASE_HEAD_MAX (32u << 20)

/* ---- making ---- */

typedef struct bcemr_case_making {
    const bcemr_context *context;
    const bcemr_ledger_view *view; /* its checkpoint is what all proofs lead to */
    bcemr_hash vid;
    const bcemr_source *content; /* the record's content in clear; NULL: nothing is opened */
    uint64_t places;             /* bit i - 1: open the diagnosis of place i; 0: all of content */
    const bcemr_run *run;        /* NULL: the defaults */
} bcemr_case_making;

/*
 * Writes a case file to sink, and checks its head as bcemr_case_file_check does before a byte of it
 * is written, and each document as it is copied: on any error what sink was given is to be thrown
 * away.
 * Errors: E_REFUSED with NOT_ADMITTED, NOT_SEALED (also: the checkpoint does not cover the case
 * yet), CONTENT_NOT_CASE (content of another visit), BAD_DOCUMENT, BAD_CONTENT, and whatever the
 * check says; E_NOT_FOUND (field "places": nobody signed there); E_TOO_LONG; E_IO; E_NO_MEMORY.
 */
BCEMR_MUST_USE bcemr_status bcemr_case_file_make(const bcemr_case_making *making,
                                                 const bcemr_sink *sink, bcemr_error *err);

/* ---- verifying ---- */

/* X(NAME, text): what is checked, in this order; the first that does not hold ends it. */
#define BCEMR_CASE_STEPS(X)                                                                        \
    X(READ, "the file is written as a case file is")                                               \
    X(INCLUDED, "every entry that it shows is in the log of the checkpoint")                       \
    X(SETS, "each supernode set was voted for by the one before, from the genesis on")             \
    X(CHECKPOINT, "more than two thirds of the last set signed the checkpoint")                    \
    X(UPGRADES, "the parameters follow from the genesis")                                          \
    X(VISIT, "the visit's entries follow each other, from the ticket to the seal")                 \
    X(CASE, "hospital and clouds confirmed the case, patient and doctors signed what is theirs")   \
    X(ENROLMENTS, "the doctors were enrolled by the authority and their hospitals")                \
    X(ENTRIES, "each entry came from whom it had to come, and in time")                            \
    X(SUM, "the record's joint signature is that of these doctors in this order")                  \
    X(OPENED, "what is opened is what was signed")                                                 \
    X(DOCUMENTS, "every document has the length and hash that were signed, and nothing follows")

typedef enum bcemr_case_step {
#define X(name, text) BCEMR_CASE_##name,
    BCEMR_CASE_STEPS(X)
#undef X
        BCEMR_CASE_HOLDS /* all of them */
} bcemr_case_step;
/* The text of a step; of BCEMR_CASE_HOLDS "all of it holds". Static. */
const char *bcemr_case_step_text(bcemr_case_step step);

/* A diagnosis of the case, by the place of its doctor in the order. */
typedef struct bcemr_case_diagnosis {
    uint64_t leaf;          /* of the Sign that counts; what it says is in the log's diagnoses */
    bcemr_tr_e_enrol enrol; /* the enrolment that was in force then */
    uint64_t enrol_leaf;
    bool opened;
    uint64_t waiver;         /* opened: why the patient was not there; 0: they were */
    int64_t presence;        /* opened, no waiver: when they showed it */
    bcemr_span manifest;     /* opened: its encoding */
    uint64_t first_document; /* opened: into documents */
    uint64_t document_count;
} bcemr_case_diagnosis;

/* What a case file that holds says. Spans lead into head and leaves. Large: not for small stacks.
 */
typedef struct bcemr_case_report {
    bcemr_case_step step; /* HOLDS, or what did not; the rest is empty then */
    bcemr_buf head, leaves;
    bcemr_hash ledger;
    bcemr_tr_checkpoint checkpoint;
    bcemr_set *set;     /* that signed it */
    bcemr_span signers; /* bitmap over that set */
    uint64_t sets;      /* changes of the set up to the checkpoint */
    uint64_t upgrades;  /* changes of the parameters up to the Seal */
    bcemr_tr_case_header header;
    uint64_t header_leaf;
    bcemr_tr_case record_case;
    bcemr_visit_log *log; /* ticket, order, amendments, who signed when; sealed */
    uint64_t reissues;    /* how many were asked for */
    bcemr_case_diagnosis diagnoses[BCEMR_TEAM_MAX]; /* log->signed_count of them */
    uint64_t opened;
    bcemr_tr_document *documents; /* of the diagnoses opened, in the order of the file */
    uint64_t document_count;
} bcemr_case_report;
void bcemr_case_report_free(bcemr_case_report *report);

typedef struct bcemr_case_checking {
    const bcemr_context *context;
    const bcemr_anchor *anchor; /* the genesis that the verifier believes */
    const bcemr_source *file;
    const bcemr_run *run;   /* NULL: the defaults */
    bcemr_output documents; /* open NULL: forgotten. Nothing may be shown before the end */
} bcemr_case_checking;

/*
 * Checks a case file as a whole, in memory that does not grow with its documents. report (zeroed at
 * first; bcemr_case_report_free) is filled only when all of it holds; its step says how far it
 * came. Errors: E_REFUSED with the verdict of the step, those of reading, E_IO, E_NO_MEMORY.
 * err->object and field say what; err->index which item of a list of the file, or which document.
 */
BCEMR_MUST_USE bcemr_status bcemr_case_file_check(const bcemr_case_checking *checking,
                                                  bcemr_case_report *report, bcemr_error *err);

#ifdef __cplusplus
}
#endif
#endif
