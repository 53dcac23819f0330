/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/verify/worker.h"

#include <pthread.h>

struct ledger_worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void (*job)(void *argument); /* NULL: nothing to do */
    void *argument;
    bool ends;
};

static void *work(void *user)
{
    ledger_worker *w = user;
    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->job && !w->ends)
            (void)pthread_cond_wait(&w->changed, &w->lock);
        if (!w->job)
            break;
        (void)pthread_mutex_unlock(&w->lock);
        w->job(w->argument);
        (void)pthread_mutex_lock(&w->lock);
        w->job = NULL;
        (void)pthread_cond_broadcast(&w->changed);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

bcemr_status ledger_worker_new(ledger_worker **out)
{
    *out = NULL;
    ledger_worker *w = bcemr_allocate(sizeof *w);
    if (!w)
        return BCEMR_E_NO_MEMORY;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->changed, NULL);
    if (pthread_create(&w->thread, NULL, work, w) != 0) {
        (void)pthread_cond_destroy(&w->changed);
        (void)pthread_mutex_destroy(&w->lock);
        bcemr_release(w);
        return BCEMR_E_NO_MEMORY;
    }
    *out = w;
    return BCEMR_OK;
}

static void wait_locked(ledger_worker *w)
{
    while (w->job)
        (void)pthread_cond_wait(&w->changed, &w->lock);
}

void ledger_worker_give(ledger_worker *worker, void (*job)(void *argument), void *argument)
{
    (void)pthread_mutex_lock(&worker->lock);
    wait_locked(worker);
    worker->job = job;
    worker->argument = argument;
    (void)pthread_cond_broadcast(&worker->changed);
    (void)pthread_mutex_unlock(&worker->lock);
}

void ledger_worker_wait(ledger_worker *worker)
{
    (void)pthread_mutex_lock(&worker->lock);
    wait_locked(worker);
    (void)pthread_mutex_unlock(&worker->lock);
}

void ledger_worker_free(ledger_worker *worker)
{
    if (!worker)
        return;
    (void)pthread_mutex_lock(&worker->lock);
    wait_locked(worker);
    worker->ends = true;
    (void)pthread_cond_broadcast(&worker->changed);
    (void)pthread_mutex_unlock(&worker->lock);
    (void)pthread_join(worker->thread, NULL);
    (void)pthread_cond_destroy(&worker->changed);
    (void)pthread_mutex_destroy(&worker->lock);
    bcemr_release(worker);
}
