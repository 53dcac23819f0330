/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader checks of the ledger before they believe a record (sections 6 to 8). */
#ifndef BCEMR_CLIENT_CASE_CHECK_H
#define BCEMR_CLIENT_CASE_CHECK_H

#include "client/view.h"

#include <bcemr/opening.h>
#include <bcemr/proof.h>

/* A cosigned checkpoint against the set that the own view has at its last leaf. BAD_CHECKPOINT,
 * BAD_SET, NOT_ENOUGH_SIGNERS, WRONG_LEDGER. */
BCEMR_MUST_USE bcemr_status client_checkpoint(const bcemr_context *context,
                                              const bcemr_ledger_view *view, bcemr_span cosigned,
                                              bcemr_tr_checkpoint *out, bcemr_error *err);

/*
 * The case block of a visit: header included under a cosigned checkpoint, body hashed and fitting,
 * joint signature of hospital and clouds over the case with their keys at the Seal, and every
 * signature that the body carries. Out: the case; visit must be loaded already.
 * NOT_SEALED, BAD_INCLUSION, BAD_CASE_BLOCK, NOT_ENOUGH_SIGNERS, BAD_JOINT_SIGNATURE, and those of
 * bcemr_visit_log_signatures and client_checkpoint.
 */
BCEMR_MUST_USE bcemr_status client_case_check(const bcemr_context *context,
                                              const bcemr_ledger_view *view,
                                              const client_visit *visit, bcemr_tr_case *out,
                                              bcemr_error *err);

/* Diagnosis i (from 0) of the visit opens to this: presence (BAD_PRESENCE, PRESENCE_TIME), then the
 * commitment (BAD_COMMITMENT). Out: the waiver's reason, 0 when the patient was there. */
BCEMR_MUST_USE bcemr_status client_diagnosis_opens(const bcemr_visit_log *log, uint64_t i,
                                                   bcemr_span manifest, const bcemr_nonce *salt,
                                                   bcemr_span presence, uint64_t *waiver,
                                                   bcemr_error *err);

/* The rest: header against case, K to content against log, where patient and reader are alike. */
typedef struct client_reading {
    const bcemr_context *context;
    const bcemr_ledger_view *view;
    const bcemr_hash *vid;
    const bcemr_tr_header *header;
    const bcemr_secret_scalar *x; /* xv with B, or y_v with B' */
    const bcemr_g1_raw *b;
    const bcemr_source *payload;
    const bcemr_run *run;
    const bcemr_output *output; /* NULL: forget */
} client_reading;
BCEMR_MUST_USE bcemr_status client_read(const client_reading *reading, bcemr_opened *out,
                                        bcemr_error *err);

#endif
