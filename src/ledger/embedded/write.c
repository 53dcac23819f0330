/* SPDX-License-Identifier: Apache-2.0 */
/* The writing thread: makes steps durable, as many as wait by one sync, and answers. */
#include "ledger/embedded/internal.h"

void engine_stop(ledger_engine *e, bcemr_status why)
{
    if (e->stopped)
        return;
    e->stopped = true;
    e->facts.why = why;
}

/* With the lock held: the steps that go into one transaction, oldest first. */
static engine_step *take(ledger_engine *e, uint64_t *count)
{
    engine_step *first = e->first_step;
    engine_step **end = &e->first_step;
    uint64_t layers = 0;
    for (*count = 0; *end && layers + (*end)->layer_count <= LEDGER_FROZEN_MAX; (*count)++) {
        layers += (*end)->layer_count;
        end = &(*end)->next;
    }
    e->first_step = *end;
    *end = NULL;
    if (!e->first_step)
        e->last_step = &e->first_step;
    return first;
}

/* *written: how many layers. */
static bcemr_status write_layers(ledger_engine *e, const engine_step *first, uint64_t *written)
{
    const ledger_layer *layers[LEDGER_FROZEN_MAX];
    *written = 0;
    for (const engine_step *s = first; s; s = s->next)
        for (uint64_t i = 0; i < s->layer_count; i++)
            layers[(*written)++] = s->layers[i];
    return *written > 0 ? engine_store_write(&e->store, layers, *written) : BCEMR_OK;
}

/* With the lock held: these steps are off the way; durable, if the engine is not stopped. */
static void account(ledger_engine *e, const engine_step *first, uint64_t count, uint64_t layers)
{
    ledger_engine_facts *f = &e->facts;
    e->steps -= count;
    if (!e->stopped)
        e->written += layers;
    for (const engine_step *s = first; s; s = s->next) {
        e->waiting -= s->count;
        e->waiting_bytes -= s->bytes;
        if (e->stopped)
            continue;
        f->blocks += s->height > f->height;
        f->size = s->size;
        f->height = s->height;
        f->tau = s->tau;
        for (const engine_item *item = s->items; item; item = item->next) {
            f->entries += !item->work && item->receipt.status == BCEMR_OK;
            f->refused += !item->work && item->receipt.status == BCEMR_E_REFUSED;
        }
    }
    (void)pthread_cond_signal(&e->arrived);
}

/* Refusals too wait for the blocks that they rest on, and are no answer when those are lost. */
static void answer(const engine_step *step, bool stopped)
{
    engine_item *next = NULL;
    for (engine_item *item = step->items; item; item = next) {
        next = item->next;
        if (stopped)
            item->receipt = (ledger_receipt){.status = BCEMR_E_STOPPED};
        item->done(item->user, &item->receipt);
        bcemr_release(item);
    }
}

/* The lock is held before and after, not meanwhile. */
static void write_some(ledger_engine *e)
{
    uint64_t count = 0, layers = 0;
    engine_step *first = take(e, &count);
    bcemr_status status = e->stopped ? BCEMR_E_STOPPED : BCEMR_OK;
    (void)pthread_mutex_unlock(&e->lock);
    if (status == BCEMR_OK)
        status = write_layers(e, first, &layers);
    (void)pthread_mutex_lock(&e->lock);
    if (status != BCEMR_OK)
        engine_stop(e, status);
    account(e, first, count, layers);
    const bool stopped = e->stopped;
    (void)pthread_mutex_unlock(&e->lock);
    for (const engine_step *s = first; s; s = s->next)
        answer(s, stopped);
    (void)pthread_mutex_lock(&e->lock);
    while (first) {
        engine_step *next = first->next;
        first->next = e->spare_steps;
        e->spare_steps = first;
        first = next;
    }
}

void *engine_write_all(void *argument)
{
    ledger_engine *e = argument;
    (void)pthread_mutex_lock(&e->lock);
    while (e->first_step || !e->checked_all) {
        if (e->first_step)
            write_some(e);
        else
            (void)pthread_cond_wait(&e->stepped, &e->lock);
    }
    e->written_all = true;
    (void)pthread_cond_broadcast(&e->quiet);
    (void)pthread_mutex_unlock(&e->lock);
    return NULL;
}
