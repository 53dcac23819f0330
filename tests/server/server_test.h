/* SPDX-License-Identifier: Apache-2.0 */
/* What the suites of the server roles share. */
#ifndef BCEMR_TESTS_SERVER_TEST_H
#define BCEMR_TESTS_SERVER_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "support/clinic.h"
#include "wire/fault.h"

/* Refused by this check and no other. */
#define assert_refused(status, err, expected)                                                      \
    do {                                                                                           \
        bcemr_status status_ = (status);                                                           \
        assert_string_equal(bcemr_status_name(status_), "E_REFUSED");                              \
        assert_string_equal(bcemr_verdict_name((err).verdict), bcemr_verdict_name(expected));      \
    } while (0)

#define assert_status(status, expected)                                                            \
    assert_string_equal(bcemr_status_name(status), bcemr_status_name(expected))

/* A function that leaves its refusal in the clinic. */
#define assert_clinic_refused(status, verdict) assert_refused(status, c.error, verdict)

#endif
