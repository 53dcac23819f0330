/* SPDX-License-Identifier: Apache-2.0 */
/* Case files: honest ones of every kind of visit are made and hold, and say what happened
 * (section 8). */
#include "client/client_test.h"

/* Links every room, as "support/clinic.h" does. */
#include "support/clinic.h"
#include "support/case_world.h"

static world w;
static bcemr_buf file;
static bcemr_case_report report;

static bcemr_status make(const bcemr_hash *vid)
{
    case_world_checkpoint(&w);
    return case_world_make(&w, vid, &file, &why);
}

static bcemr_status check(bcemr_span bytes)
{
    bcemr_case_report_free(&report);
    return case_world_check(w.c.context, bcemr_buf_span(&w.c.signed_genesis), bytes, &report, &why);
}

static int begin(void **state)
{
    (void)switches_on(state);
    world_begin(&w, 0);
    return 0;
}

static int end(void **state)
{
    (void)switches_on(state);
    bcemr_case_report_free(&report);
    bcemr_buf_free(&file);
    world_end(&w);
    return 0;
}

static void one_doctor_to_four(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 4; n++) {
        world_visit visit;
        world_sealed_visit(&w, n, n, &visit);
        OK(make(&visit.vid));
        OK(check(bcemr_buf_span(&file)));
        assert_int_equal(report.step, BCEMR_CASE_HOLDS);
        assert_int_equal(report.log->signed_count, n);
        print_message("%u doctors: %u bytes\n", (unsigned)n, (unsigned)file.n);
        world_visit_free(&visit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_doctor_to_four, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
