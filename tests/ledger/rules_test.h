/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the rules share: a world for each test, refusals by name, nothing changed. */
#ifndef BCEMR_TESTS_RULES_TEST_H
#define BCEMR_TESTS_RULES_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/ledger_world.h"
#include "wire/fault.h"

#include <stdlib.h>
#include <string.h>

/* BCEMR_WITHOUT=REASON: the suite runs with that check off, and must fail (planted.sh). */
static inline void leave_out(void)
{
    const char *without = getenv("BCEMR_WITHOUT");
#define X(name, number, text)                                                                      \
    if (without && strcmp(without, #name) == 0)                                                    \
        bcemr_switch_off_reason(number);
#include "ledger/rules/reasons.def"
#undef X
}

static inline int make_world(void **state)
{
    static world w; /* large, and spans point into it */
    world_begin(&w, 0);
    leave_out();
    *state = &w;
    return 0;
}

static inline int make_small_world(void **state)
{
    static world w;
    world_begin(&w, 2);
    leave_out();
    *state = &w;
    return 0;
}

static inline int free_world(void **state)
{
    world_end(*state);
    return 0;
}

/* The call is refused with this reason, and the ledger is as it was. */
#define REFUSED(w, name, call)                                                                     \
    do {                                                                                           \
        uint64_t size_ = ledger_chain_size((w)->chain);                                            \
        uint32_t reason_ = (call);                                                                 \
        if (reason_ != LEDGER_R_##name)                                                            \
            fail_msg("refused with %s instead of " #name,                                          \
                     reason_ ? ledger_reason_name(reason_) : "nothing");                           \
        assert_int_equal(ledger_chain_size((w)->chain), size_);                                    \
    } while (0)

#define TAKEN(call)                                                                                \
    do {                                                                                           \
        uint32_t reason_ = (call);                                                                 \
        if (reason_ != 0)                                                                          \
            fail_msg("refused with %s", ledger_reason_name(reason_));                              \
    } while (0)

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, free_world)
#define SMALL_TEST(name) cmocka_unit_test_setup_teardown(name, make_small_world, free_world)

#endif
