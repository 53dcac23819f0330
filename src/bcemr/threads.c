/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches wait in a list; every thread takes indexes from the first batch that has some left. Who
 * calls run works on its own batch, so that a job which calls run again cannot wait for itself.
 */
#include "bcemr/threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct batch {
    struct batch *next;
    void (*job)(void *argument, uint64_t index);
    void *argument;
    uint64_t count;
    uint64_t taken;
    uint64_t done;
} batch;

struct threads_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;     /* a batch came, or the end */
    pthread_cond_t finished; /* a batch has all its jobs done */
    batch *first;
    bool ending;
    uint64_t width;
    uint64_t started;
    pthread_t threads[];
};

uint64_t threads_available(void)
{
    const char *asked = getenv("BCEMR_THREADS");
    if (asked && asked[0] >= '1' && asked[0] <= '9') {
        char *end = NULL;
        const unsigned long long n = strtoull(asked, &end, 10);
        if (*end == 0 && n <= THREADS_MAX)
            return n;
    }
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    if (n < 1)
        return 1;
    return n > THREADS_MAX ? THREADS_MAX : (uint64_t)n;
}

/* With the lock held: one index of b, run without the lock. */
static void run_one(threads_pool *pool, batch *b)
{
    const uint64_t index = b->taken++;
    if (b->taken == b->count) {
        /* Nothing is left to take: out of the list, so that it may go when it is done. */
        batch **place = &pool->first;
        while (*place != b)
            place = &(*place)->next;
        *place = b->next;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    b->job(b->argument, index);
    (void)pthread_mutex_lock(&pool->lock);
    if (++b->done == b->count)
        (void)pthread_cond_broadcast(&pool->finished);
}

static void *worker(void *argument)
{
    threads_pool *pool = argument;
    (void)pthread_mutex_lock(&pool->lock);
    for (;;) {
        if (pool->first)
            run_one(pool, pool->first);
        else if (pool->ending)
            break;
        else
            (void)pthread_cond_wait(&pool->work, &pool->lock);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void run(void *user, void (*job)(void *argument, uint64_t index), void *argument,
                uint64_t count)
{
    threads_pool *pool = user;
    if (count == 0)
        return;
    if (count == 1 || pool->started == 0) {
        for (uint64_t i = 0; i < count; i++)
            job(argument, i);
        return;
    }
    batch own = {NULL, job, argument, count, 0, 0};
    (void)pthread_mutex_lock(&pool->lock);
    batch **last = &pool->first;
    while (*last)
        last = &(*last)->next;
    *last = &own;
    (void)pthread_cond_broadcast(&pool->work);
    while (own.taken < own.count)
        run_one(pool, &own);
    while (own.done < own.count)
        (void)pthread_cond_wait(&pool->finished, &pool->lock);
    (void)pthread_mutex_unlock(&pool->lock);
}

/* Signals go to the thread that knows what to do with them: the one that made the pool. */
static void start(threads_pool *pool)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->started + 1 < pool->width &&
           pthread_create(&pool->threads[pool->started], NULL, worker, pool) == 0)
        pool->started++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    /* Fewer threads than asked for do the same work, later. */
    pool->width = pool->started + 1;
}

bcemr_status threads_pool_new(uint64_t count, threads_pool **out)
{
    *out = NULL;
    if (count == 0)
        count = threads_available();
    if (count > THREADS_MAX)
        return BCEMR_E_ARGUMENT;
    threads_pool *pool = bcemr_allocate(sizeof *pool + (count - 1) * sizeof pool->threads[0]);
    if (!pool)
        return BCEMR_E_NO_MEMORY;
    pool->width = count;
    if (pthread_mutex_init(&pool->lock, NULL) != 0)
        goto no_lock;
    if (pthread_cond_init(&pool->work, NULL) != 0)
        goto no_work;
    if (pthread_cond_init(&pool->finished, NULL) != 0)
        goto no_finished;
    start(pool);
    *out = pool;
    return BCEMR_OK;
no_finished:
    (void)pthread_cond_destroy(&pool->work);
no_work:
    (void)pthread_mutex_destroy(&pool->lock);
no_lock:
    bcemr_release(pool);
    return BCEMR_E_NO_MEMORY;
}

bcemr_parallel threads_pool_parallel(threads_pool *pool)
{
    return (bcemr_parallel){run, pool, pool->width};
}

void threads_pool_free(threads_pool *pool)
{
    if (!pool)
        return;
    (void)pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->lock);
    for (uint64_t i = 0; i < pool->started; i++)
        (void)pthread_join(pool->threads[i], NULL);
    (void)pthread_cond_destroy(&pool->finished);
    (void)pthread_cond_destroy(&pool->work);
    (void)pthread_mutex_destroy(&pool->lock);
    bcemr_release(pool);
}
