/* SPDX-License-Identifier: Apache-2.0 */
/* What the suites of patient and doctor share: how a refusal is asked about, and ways to change a
 * message or what the ledger is said to hold. Include after support/clinic.h, where that is used.
 */
#ifndef BCEMR_TESTS_CLIENT_TEST_H
#define BCEMR_TESTS_CLIENT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/fault.h"

#include <bcemr/bytes.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What the last call that was asked about said. */
static bcemr_error why;

static inline void same_name(const char *what, const char *got, const char *wanted,
                             const char *file, int line)
{
    if (strcmp(got, wanted) != 0) {
        print_error("%s is %s, not %s (%s.%s)\n", what, got, wanted, why.object ? why.object : "",
                    why.field ? why.field : "");
        _fail(file, line);
    }
}

#define OK(call)                                                                                   \
    do {                                                                                           \
        why = (bcemr_error){0};                                                                    \
        same_name("status", bcemr_status_name(call), "OK", __FILE__, __LINE__);                    \
    } while (0)

/* A status other than OK and E_REFUSED, which the error tells, too. */
#define FAILS(expected, call)                                                                      \
    do {                                                                                           \
        why = (bcemr_error){0};                                                                    \
        same_name("status", bcemr_status_name(call), bcemr_status_name(expected), __FILE__,        \
                  __LINE__);                                                                       \
        same_name("error", bcemr_status_name(why.status), bcemr_status_name(expected), __FILE__,   \
                  __LINE__);                                                                       \
    } while (0)

/* Refused by this check, and no other. */
#define REFUSED(expected, call)                                                                    \
    do {                                                                                           \
        FAILS(BCEMR_E_REFUSED, call);                                                              \
        same_name("verdict", bcemr_verdict_name(why.verdict), bcemr_verdict_name(expected),        \
                  __FILE__, __LINE__);                                                             \
    } while (0)

/* The same for a table: OK when expected is VALID. */
#define ENDS_WITH(expected, call)                                                                  \
    do {                                                                                           \
        why = (bcemr_error){0};                                                                    \
        bcemr_status status_ = (call);                                                             \
        same_name("status", bcemr_status_name(status_),                                            \
                  (expected) == BCEMR_VALID ? "OK" : "E_REFUSED", __FILE__, __LINE__);             \
        same_name("verdict", bcemr_verdict_name(status_ == BCEMR_OK ? BCEMR_VALID : why.verdict),  \
                  bcemr_verdict_name(expected), __FILE__, __LINE__);                               \
    } while (0)

static inline int switches_on(void **state)
{
    (void)state;
    bcemr_switch_all_on();
    bcemr_switch_fail_allocation(0);
    return 0;
}

/*
 * Lets every allocation of call fail, one after the other, until it makes no more: each time it
 * must say E_NO_MEMORY and leave everything so that it can be called again. It succeeds once, in
 * the end.
 */
#define EVERY_ALLOCATION(call)                                                                     \
    do {                                                                                           \
        for (uint64_t n_ = 1;; n_++) {                                                             \
            bcemr_switch_fail_allocation(n_);                                                      \
            why = (bcemr_error){0};                                                                \
            bcemr_status status_ = (call);                                                         \
            bool reached_ = bcemr_switch_allocations() >= n_;                                      \
            bcemr_switch_fail_allocation(0);                                                       \
            if (!reached_) {                                                                       \
                same_name("status", bcemr_status_name(status_), "OK", __FILE__, __LINE__);         \
                assert_true(n_ > 1);                                                               \
                break;                                                                             \
            }                                                                                      \
            if (status_ == BCEMR_E_REFUSED)                                                        \
                print_error("allocation %u: %s\n", (unsigned)n_, bcemr_verdict_name(why.verdict)); \
            same_name("status", bcemr_status_name(status_), "E_NO_MEMORY", __FILE__, __LINE__);    \
        }                                                                                          \
    } while (0)

#endif
