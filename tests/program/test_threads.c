/* SPDX-License-Identifier: Apache-2.0 */
/* Every index once, whatever runs beside it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bcemr/threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define COUNT 1000

typedef struct work {
    atomic_uint seen[COUNT];
    const bcemr_parallel *parallel; /* for a run inside a job */
} work;

static void job(void *argument, uint64_t index)
{
    work *w = argument;
    atomic_fetch_add(&w->seen[index], 1);
}

static void outer(void *argument, uint64_t index)
{
    work *w = argument;
    (void)index;
    w->parallel->run(w->parallel->user, job, w, COUNT);
}

static void check(work *w, uint64_t count, unsigned times)
{
    for (uint64_t i = 0; i < COUNT; i++)
        assert_int_equal(atomic_load(&w->seen[i]), i < count ? times : 0);
    memset(w, 0, sizeof *w);
}

static void each_index_once(void **state)
{
    (void)state;
    static work w;
    for (uint64_t threads = 0; threads < 9; threads++) {
        threads_pool *pool = NULL;
        assert_int_equal(threads_pool_new(threads, &pool), BCEMR_OK);
        const bcemr_parallel p = threads_pool_parallel(pool);
        assert_int_equal(p.width, threads ? threads : threads_available());
        for (uint64_t count = 0; count < 20; count++) {
            p.run(p.user, job, &w, count);
            check(&w, count, 1);
        }
        p.run(p.user, job, &w, COUNT);
        check(&w, COUNT, 1);
        threads_pool_free(pool);
    }
    threads_pool_free(NULL);
}

static void runs_inside_runs(void **state)
{
    (void)state;
    static work w;
    threads_pool *pool = NULL;
    assert_int_equal(threads_pool_new(4, &pool), BCEMR_OK);
    const bcemr_parallel p = threads_pool_parallel(pool);
    for (unsigned i = 0; i < 20; i++) {
        w.parallel = &p;
        p.run(p.user, outer, &w, 17);
        check(&w, COUNT, 17);
    }
    threads_pool_free(pool);
}

static void *run_many(void *argument)
{
    static _Thread_local work w;
    const bcemr_parallel *p = argument;
    for (unsigned i = 0; i < 50; i++) {
        p->run(p->user, job, &w, COUNT);
        for (uint64_t k = 0; k < COUNT; k++) {
            if (atomic_exchange(&w.seen[k], 0) != 1)
                return argument;
        }
    }
    return NULL;
}

static void several_callers(void **state)
{
    (void)state;
    threads_pool *pool = NULL;
    pthread_t callers[4];
    assert_int_equal(threads_pool_new(3, &pool), BCEMR_OK);
    bcemr_parallel p = threads_pool_parallel(pool);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&callers[i], NULL, run_many, &p), 0);
    for (size_t i = 0; i < 4; i++) {
        void *bad = NULL;
        assert_int_equal(pthread_join(callers[i], &bad), 0);
        assert_null(bad);
    }
    threads_pool_free(pool);
}

static void bounds(void **state)
{
    (void)state;
    threads_pool *pool = NULL;
    assert_int_equal(threads_pool_new(THREADS_MAX + 1, &pool), BCEMR_E_ARGUMENT);
    assert_null(pool);
    static const struct {
        const char *asked;
        uint64_t available; /* 0: the machine's */
    } cases[] = {{"3", 3}, {"256", 256}, {"257", 0}, {"0", 0}, {"-1", 0}, {"2x", 0}, {"", 0}};
    (void)unsetenv("BCEMR_THREADS");
    const uint64_t machine = threads_available();
    assert_true(machine >= 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(setenv("BCEMR_THREADS", cases[i].asked, 1), 0);
        assert_int_equal(threads_available(), cases[i].available ? cases[i].available : machine);
    }
    (void)unsetenv("BCEMR_THREADS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_index_once),
                                       cmocka_unit_test(runs_inside_runs),
                                       cmocka_unit_test(several_callers), cmocka_unit_test(bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
