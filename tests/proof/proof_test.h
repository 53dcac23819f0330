/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BCEMR_TESTS_PROOF_TEST_H
#define BCEMR_TESTS_PROOF_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/consortium.h"

#include <string.h>

static inline int make_consortium(void **state)
{
    static consortium c; /* large, and spans point into it */
    memset(&c, 0, sizeof c);
    consortium_begin(&c);
    *state = &c;
    return 0;
}

static inline int free_consortium(void **state)
{
    consortium_end(*state);
    return 0;
}

#define VERDICT(name, call) assert_int_equal((call), BCEMR_##name)
#define STATUS(name, call) assert_int_equal((call), BCEMR_##name)
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_consortium, free_consortium)

#endif
