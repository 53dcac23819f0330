/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo's clinical files: the real ones that set-up fetched (a folder with MANIFEST.txt, lines
 * "ROLE PATH BYTES SHA256"), and our own small FHIR documents, which are always there. Files are
 * taken only when their length and hash are those of the manifest.
 */
#ifndef BCEMR_PROGRAM_INPUTS_H
#define BCEMR_PROGRAM_INPUTS_H

#include "bcemr/report.h"

/* Whose part of the story a file is. */
typedef enum inputs_discipline {
    INPUTS_GENERAL_PRACTICE,
    INPUTS_RADIOLOGY,
    INPUTS_CARDIOLOGY,
    INPUTS_DISCIPLINES,
    INPUTS_GIVEN = INPUTS_DISCIPLINES /* by --record: nobody's in particular */
} inputs_discipline;

typedef struct inputs_file {
    const char *role;       /* "ct", "fhir-bundle", "given", ...; static */
    const char *text;       /* "CT image (DICOM)"; static */
    const char *media_type; /* static */
    inputs_discipline discipline;
    bool own;   /* one of ours, not a fetched one */
    char *path; /* as it can be opened */
    char *name; /* as it stands in a manifest: passes files_name_check */
    uint64_t bytes;
    bcemr_hash sha256;
} inputs_file;

typedef struct inputs {
    inputs_file *files; /* by discipline, our own before the fetched ones */
    uint64_t count;
    char **missing; /* lines for people: what is not there, and why */
    uint64_t missing_count;
    char *folder; /* of the fetched files, where they were looked for */
} inputs;

/*
 * Finds what is there. data: the folder of fetched files, or NULL for BCEMR_DATA of the
 * environment, else ../data beside the program. Something missing is no error; our own files
 * missing is one.
 */
BCEMR_MUST_USE bcemr_status inputs_find(const char *data, inputs *out, files_error *err);
/* The files that a user gave, in this order. Names that may not stand in a manifest or come twice
 * are changed ("scan.dcm", "scan-2.dcm"). */
BCEMR_MUST_USE bcemr_status inputs_given(const char *const *paths, uint64_t count, inputs *out,
                                         files_error *err);
void inputs_free(inputs *in);

/* The number-th file (from 0) of a discipline, NULL when there is none. */
const inputs_file *inputs_of(const inputs *in, inputs_discipline discipline, uint64_t number);
/* The first file of a role, NULL when there is none. */
const inputs_file *inputs_role(const inputs *in, const char *role);
/* "general practitioner", "radiologist", "cardiologist". */
const char *inputs_discipline_doctor(inputs_discipline discipline);
/* By suffix: "application/dicom", "application/fhir+json", ...; "application/octet-stream" else. */
const char *inputs_media_type(const char *path);
/* Says in words what is missing and how to get it; nothing when all is there. */
void inputs_explain(const inputs *in, report *r);

#endif
