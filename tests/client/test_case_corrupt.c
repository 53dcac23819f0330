/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a whole consortium could do (section 8): its ledger takes what the rules refuse, and all of
 * its supernodes cosign that. The case file of it is refused by one named check; with that check
 * switched off it holds, so nothing else would have caught it.
 */
#include "client/client_test.h"

/* clinic.h is named so that every room is linked. */
#include "support/case_corrupt.h"
#include "support/clinic.h"

static world w;
static world_visit visit;
static bcemr_buf file;
static bcemr_case_report report;

static bcemr_status check(void)
{
    bcemr_case_report_free(&report);
    return case_world_check(w.c.context, bcemr_buf_span(&w.c.signed_genesis), bcemr_buf_span(&file),
                            &report, &why);
}

static void one(const case_corrupt *c)
{
    world_begin(&w, 0);
    case_corrupt_play(c, &w, &visit);
    /* Nobody is handed such a file by who makes it either. */
    REFUSED(c->verdict, case_world_make(&w, &visit.vid, &file, &why));
    bcemr_switch_off(c->verdict);
    if (c->also != BCEMR_VALID) {
        REFUSED(c->also, case_world_make(&w, &visit.vid, &file, &why));
        bcemr_switch_off(c->also);
    }
    OK(case_world_make(&w, &visit.vid, &file, &why));
    OK(check());
    bcemr_switch_all_on();
    REFUSED(c->verdict, check());
    if (report.step != c->step)
        fail_msg("refused at: %s", bcemr_case_step_text(report.step));
    bcemr_case_report_free(&report);
    world_visit_free(&visit);
    bcemr_buf_free(&file);
    world_end(&w);
}

static void caught_by_one_check(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < case_corrupt_count; i++) {
        print_message("%s\n", case_corrupts[i].name);
        one(&case_corrupts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(caught_by_one_check, switches_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
