/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes to the verifier of case files, after 8 bytes of length and a genesis. What it takes
 * tells one whole case; what it refuses tells nothing. Then once more with the checks of hashes and
 * signatures switched off, so that what stands behind them is reached, too.
 */
#include "fuzz.h"

#include "wire/fault.h"

#include <bcemr/case_file.h>
#include <string.h>

static bcemr_context *context;
static bcemr_anchor anchor;

/* The genesis costs as much as all the rest: the last one that held is kept. */
static bool take_genesis(bcemr_span genesis)
{
    bcemr_anchor fresh;
    if (anchor.held.n > 0 && bcemr_span_equal(bcemr_buf_span(&anchor.held), genesis))
        return true;
    if (bcemr_anchor_read(context, genesis, &fresh, NULL) != BCEMR_OK)
        return false;
    bcemr_anchor_free(&anchor);
    anchor = fresh;
    return true;
}

static void check(bcemr_span file)
{
    static bcemr_case_report report;
    bcemr_error err = {0};
    const bcemr_source source = bcemr_source_bytes(&file);
    const bcemr_case_checking checking = {.context = context, .anchor = &anchor, .file = &source};
    if (bcemr_case_file_check(&checking, &report, &err) != BCEMR_OK) {
        MUST(err.status != BCEMR_OK && err.object && report.step < BCEMR_CASE_HOLDS);
        MUST(!report.log && !report.set && !report.documents && report.head.n == 0);
        return;
    }
    MUST(report.step == BCEMR_CASE_HOLDS && report.log->sealed && report.log->signed_count > 0);
    uint64_t documents = 0, opened = 0;
    for (uint64_t i = 0; i < report.log->signed_count; i++) {
        opened += report.diagnoses[i].opened;
        documents += report.diagnoses[i].document_count;
    }
    MUST(opened == report.opened && documents == report.document_count);
    bcemr_case_report_free(&report);
}

static void proofs_off(void)
{
    static const bcemr_verdict off[] = {BCEMR_BAD_INCLUSION,
                                        BCEMR_BAD_CHECKPOINT,
                                        BCEMR_BAD_SET,
                                        BCEMR_BAD_ENTRY_SIGNATURE,
                                        BCEMR_BAD_JOINT_SIGNATURE,
                                        BCEMR_NOT_ENOUGH_SIGNERS,
                                        BCEMR_BAD_CREDENTIAL,
                                        BCEMR_BAD_POP,
                                        BCEMR_BAD_CASE_BLOCK,
                                        BCEMR_BAD_CASE_FILE,
                                        BCEMR_BAD_TICKET_SIGNATURE,
                                        BCEMR_BAD_ACCEPTANCE,
                                        BCEMR_NOT_ENROLLED,
                                        BCEMR_BAD_ACCEPTANCE_PROOF,
                                        BCEMR_BAD_AMENDMENT_SIGNATURE,
                                        BCEMR_BAD_UPGRADE,
                                        BCEMR_BAD_ENROLMENT,
                                        BCEMR_BAD_DIAGNOSIS_SIGNATURE,
                                        BCEMR_WRONG_LEDGER,
                                        BCEMR_BAD_MULTISIGNATURE,
                                        BCEMR_CLOCK_DIFFERENCE,
                                        BCEMR_BAD_PRESENCE,
                                        BCEMR_BAD_COMMITMENT,
                                        BCEMR_NOT_IN_ORDER};
    for (size_t i = 0; i < sizeof off / sizeof off[0]; i++)
        bcemr_switch_off(off[i]);
}

static void check_without(bcemr_span file)
{
    static bcemr_case_report report;
    const bcemr_source source = bcemr_source_bytes(&file);
    const bcemr_case_checking checking = {.context = context, .anchor = &anchor, .file = &source};
    proofs_off();
    (void)!bcemr_case_file_check(&checking, &report, NULL);
    bcemr_switch_all_on();
    bcemr_case_report_free(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!context)
        MUST(bcemr_context_new(&context) == BCEMR_OK);
    if (size < 8 || bcemr_load_u64(data) > size - 8)
        return 0;
    const uint64_t n = bcemr_load_u64(data);
    if (!take_genesis(bcemr_span_of(data + 8, n)))
        return 0;
    const bcemr_span file = bcemr_span_of(data + 8 + n, size - 8 - n);
    check(file);
    check_without(file);
    return 0;
}
