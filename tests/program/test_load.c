/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger is measured with is made with and without threads and somebody who is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bcemr/bench/load.h"
#include "bcemr/threads.h"

#define ENTRIES 300

static bcemr_status count_calls(void *user, uint64_t done, uint64_t total)
{
    assert_true(done <= total);
    ++*(unsigned *)user;
    return BCEMR_OK;
}

static bcemr_status stop(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    (void)done;
    (void)total;
    return BCEMR_E_INTERRUPTED;
}

static void made(const bcemr_parallel *parallel, const bcemr_progress *progress)
{
    load *l = NULL;
    assert_true(load_new(ENTRIES, parallel, progress, &l));
    assert_true(l->count >= ENTRIES);
    for (uint64_t i = 0; i < l->count; i++)
        assert_true(l->entries[i].n > 0);
    load_free(l);
}

static void with_and_without(void **state)
{
    (void)state;
    unsigned calls = 0;
    const bcemr_progress told = {&calls, count_calls};
    threads_pool *pool = NULL;
    assert_int_equal(threads_pool_new(2, &pool), BCEMR_OK);
    const bcemr_parallel two = threads_pool_parallel(pool);
    made(&two, &told);
    assert_true(calls > 0);
    made(&two, NULL);
    made(NULL, &told);
    made(NULL, NULL);
    threads_pool_free(pool);
}

static void stopped_by_who_is_told(void **state)
{
    (void)state;
    load *l = NULL;
    const bcemr_progress told = {NULL, stop};
    assert_false(load_new(ENTRIES, NULL, &told, &l));
    load_free(l);
    load_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_and_without),
        cmocka_unit_test(stopped_by_who_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
