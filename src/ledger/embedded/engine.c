/* SPDX-License-Identifier: Apache-2.0 */
/* What callers see: opening and closing, the queue, waiting for an answer. */
#include "ledger/embedded/internal.h"

#include <signal.h>
#include <string.h>

#define WAITING_ENTRIES 16384
#define WAITING_BYTES ((uint64_t)64 << 20)
#define BLOCK_ENTRIES 1024
#define BLOCK_BYTES ((uint64_t)4 << 20)
#define DEPTH 3
#define ROW_BYTES ((uint64_t)16 << 20)
/* The rules refuse what is longer without a look at it, so no more of it is kept. */
#define ENTRY_KEPT (2 * (uint64_t)BCEMR_ENTRY_MAX + 1)

/* ---- opening ---- */

static bcemr_status take_options(ledger_engine *e, const ledger_engine_options *given,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    ledger_engine_options *o = &e->options;
    *o = *given;
    if (!o->context || !o->now || (!o->path) == (!o->stores))
        FAIL(BCEMR_E_ARGUMENT, "engine", "options");
    o->waiting_entries = o->waiting_entries ? o->waiting_entries : WAITING_ENTRIES;
    o->waiting_bytes = o->waiting_bytes ? o->waiting_bytes : WAITING_BYTES;
    o->block_entries = o->block_entries ? o->block_entries : BLOCK_ENTRIES;
    o->block_bytes = o->block_bytes ? o->block_bytes : BLOCK_BYTES;
    o->depth = o->depth ? o->depth : DEPTH;
    o->row_bytes = o->row_bytes ? o->row_bytes : ROW_BYTES;
    if (o->depth > LEDGER_FROZEN_MAX || o->block_entries > LEDGER_INDEX_ROWS_MAX)
        FAIL(BCEMR_E_ARGUMENT, "engine", "bounds");
out:
    return status;
}

static bcemr_status make_room(ledger_engine *e, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const uint64_t steps = 2 * e->options.depth;
    e->spans = bcemr_allocate(e->options.block_entries * sizeof *e->spans);
    e->outcomes = bcemr_allocate(e->options.block_entries * sizeof *e->outcomes);
    e->step_memory = bcemr_allocate(steps * sizeof *e->step_memory);
    if (!e->spans || !e->outcomes || !e->step_memory)
        FAIL(BCEMR_E_NO_MEMORY, "engine", NULL);
    for (uint64_t i = 0; i < steps; i++) {
        e->step_memory[i].next = e->spare_steps;
        e->spare_steps = &e->step_memory[i];
    }
out:
    return status;
}

/* An empty store is begun here, and its genesis durable before anything is taken. */
static bcemr_status open_chain(ledger_engine *e, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const ledger_chain_options options = {.context = e->options.context,
                                          .state = engine_state_interface(&e->state),
                                          .parallel = e->options.parallel,
                                          .remembered_claims = e->options.remembered_claims};
    TRY(ledger_chain_open(&e->chain, &options, e->options.genesis, err));
    if (e->state.made_count > 0) {
        const ledger_layer *const layer = e->state.made[0];
        TRY_AT(engine_store_write(&e->store, &layer, 1), "genesis", NULL);
        e->state.made_count = 0;
        engine_state_drop(&e->state, 1);
    }
    TRY_AT(engine_store_refresh(&e->store), "engine", "reader");
    e->facts.size = ledger_chain_size(e->chain);
    e->facts.height = ledger_chain_height(e->chain);
    e->facts.tau = ledger_chain_tau(e->chain);
out:
    return status;
}

/* Signals are for the threads of whoever opened it. */
static bcemr_status start(ledger_engine *e, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    e->writer_runs = pthread_create(&e->writer, NULL, engine_write_all, e) == 0;
    if (e->writer_runs)
        e->checker_runs = pthread_create(&e->checker, NULL, engine_check_all, e) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!e->checker_runs)
        FAIL(BCEMR_E_NO_MEMORY, "engine", "thread");
out:
    return status;
}

/* All of the lock's family or none. */
static bcemr_status make_locks(ledger_engine *e, bcemr_error *err)
{
    if (pthread_mutex_init(&e->lock, NULL) != 0)
        return wire_fail(err, BCEMR_E_NO_MEMORY, "engine", "lock");
    pthread_cond_t *const conditions[] = {&e->arrived, &e->stepped, &e->quiet};
    for (int i = 0; i < 3; i++) {
        if (pthread_cond_init(conditions[i], NULL) == 0)
            continue;
        while (i-- > 0)
            (void)pthread_cond_destroy(conditions[i]);
        (void)pthread_mutex_destroy(&e->lock);
        return wire_fail(err, BCEMR_E_NO_MEMORY, "engine", "lock");
    }
    return BCEMR_OK;
}

bcemr_status ledger_engine_open(ledger_engine **out, const ledger_engine_options *options,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    *out = NULL;
    ledger_engine *e = bcemr_allocate(sizeof *e);
    if (!e)
        return wire_fail(err, BCEMR_E_NO_MEMORY, "engine", NULL);
    status = make_locks(e, err);
    if (status != BCEMR_OK) {
        bcemr_release(e);
        return status;
    }
    e->last = &e->first;
    e->last_step = &e->first_step;
    TRY(take_options(e, options, err));
    TRY(make_room(e, err));
    TRY(engine_store_open(&e->store, &e->options, err));
    if (e->store.alone)
        e->options.depth = 1;
    TRY_AT(engine_state_begin(&e->state, &e->store, e->options.row_bytes), "engine", NULL);
    TRY(open_chain(e, err));
    TRY(start(e, err));
    *out = e;
out:
    if (status != BCEMR_OK)
        ledger_engine_close(e);
    return status;
}

/* ---- closing ---- */

/* With the lock held. A thread that was never started has nothing to end. */
static void wait_for_threads(ledger_engine *e)
{
    e->ending = true;
    if (!e->checker_runs)
        e->checked_all = true;
    (void)pthread_cond_signal(&e->arrived);
    (void)pthread_cond_signal(&e->stepped);
    while (e->writer_runs && !e->written_all)
        (void)pthread_cond_wait(&e->quiet, &e->lock);
}

void ledger_engine_finish(ledger_engine *engine)
{
    (void)pthread_mutex_lock(&engine->lock);
    wait_for_threads(engine);
    (void)pthread_mutex_unlock(&engine->lock);
}

void ledger_engine_close(ledger_engine *engine)
{
    if (!engine)
        return;
    (void)pthread_mutex_lock(&engine->lock);
    wait_for_threads(engine);
    while (engine->inside > 0)
        (void)pthread_cond_wait(&engine->quiet, &engine->lock);
    (void)pthread_mutex_unlock(&engine->lock);
    if (engine->checker_runs)
        (void)pthread_join(engine->checker, NULL);
    if (engine->writer_runs)
        (void)pthread_join(engine->writer, NULL);
    ledger_chain_close(engine->chain);
    engine_state_free(&engine->state);
    engine_store_close(&engine->store);
    bcemr_release(engine->spans);
    bcemr_release(engine->outcomes);
    bcemr_release(engine->step_memory);
    (void)pthread_cond_destroy(&engine->arrived);
    (void)pthread_cond_destroy(&engine->stepped);
    (void)pthread_cond_destroy(&engine->quiet);
    (void)pthread_mutex_destroy(&engine->lock);
    bcemr_release(engine);
}

/* ---- the queue ---- */

static bcemr_status has_room(const ledger_engine *e, uint64_t length)
{
    const ledger_engine_options *o = &e->options;
    if (e->stopped)
        return BCEMR_E_STOPPED;
    if (e->ending)
        return BCEMR_E_STATE;
    bool full = e->waiting >= o->waiting_entries ||
                (e->waiting > 0 && length > o->waiting_bytes - e->waiting_bytes) ||
                length > o->waiting_bytes;
    return full ? BCEMR_E_BUSY : BCEMR_OK;
}

/* Takes the item over, or frees it. */
static bcemr_status enqueue(ledger_engine *e, engine_item *item)
{
    if (!item)
        return BCEMR_E_NO_MEMORY;
    (void)pthread_mutex_lock(&e->lock);
    bcemr_status status = has_room(e, item->length);
    if (status == BCEMR_OK) {
        *e->last = item;
        e->last = &item->next;
        e->waiting++;
        e->waiting_bytes += item->length;
        (void)pthread_cond_signal(&e->arrived);
    }
    (void)pthread_mutex_unlock(&e->lock);
    if (status != BCEMR_OK)
        bcemr_release(item);
    return status;
}

static engine_item *new_entry(bcemr_span entry, ledger_engine_done done, void *user)
{
    const uint64_t length = entry.n < ENTRY_KEPT ? entry.n : ENTRY_KEPT;
    engine_item *item = bcemr_allocate(sizeof *item + length);
    if (!item)
        return NULL;
    item->done = done;
    item->user = user;
    item->length = length;
    if (length > 0)
        memcpy(item->entry, entry.p, (size_t)length);
    return item;
}

bcemr_status ledger_engine_post(ledger_engine *engine, bcemr_span signed_entry,
                                ledger_engine_done done, void *user)
{
    return enqueue(engine, new_entry(signed_entry, done, user));
}

/* ---- waiting for an answer ---- */

/* Close waits for callers, whose answer came before they have looked at it. */
static void enter(ledger_engine *e)
{
    (void)pthread_mutex_lock(&e->lock);
    e->inside++;
    (void)pthread_mutex_unlock(&e->lock);
}

static void leave(ledger_engine *e)
{
    (void)pthread_mutex_lock(&e->lock);
    if (--e->inside == 0)
        (void)pthread_cond_broadcast(&e->quiet);
    (void)pthread_mutex_unlock(&e->lock);
}

static bcemr_status call_begin(engine_call *call)
{
    *call = (engine_call){.done = false};
    if (pthread_mutex_init(&call->lock, NULL) != 0)
        return BCEMR_E_NO_MEMORY;
    if (pthread_cond_init(&call->answered, NULL) == 0)
        return BCEMR_OK;
    (void)pthread_mutex_destroy(&call->lock);
    return BCEMR_E_NO_MEMORY;
}

static void call_end(engine_call *call)
{
    (void)pthread_cond_destroy(&call->answered);
    (void)pthread_mutex_destroy(&call->lock);
}

static void call_answer(void *user, const ledger_receipt *receipt)
{
    engine_call *call = user;
    (void)pthread_mutex_lock(&call->lock);
    call->receipt = *receipt;
    call->done = true;
    (void)pthread_cond_signal(&call->answered);
    (void)pthread_mutex_unlock(&call->lock);
}

static void call_wait(engine_call *call)
{
    (void)pthread_mutex_lock(&call->lock);
    while (!call->done)
        (void)pthread_cond_wait(&call->answered, &call->lock);
    (void)pthread_mutex_unlock(&call->lock);
}

static bcemr_status refused(const ledger_receipt *receipt, bcemr_error *err)
{
    if (receipt->status != BCEMR_E_REFUSED)
        return wire_fail(err, receipt->status, "entry", NULL);
    bcemr_status status = wire_refuse(err, BCEMR_LEDGER_REFUSED, "entry", NULL, BCEMR_NOWHERE);
    if (err)
        err->reason = receipt->reason;
    return status;
}

bcemr_status ledger_engine_submit(ledger_engine *engine, bcemr_span signed_entry,
                                  ledger_receipt *out, bcemr_error *err)
{
    engine_call call;
    *out = (ledger_receipt){.status = BCEMR_E_NO_MEMORY};
    enter(engine);
    bcemr_status status = call_begin(&call);
    if (status == BCEMR_OK) {
        status = ledger_engine_post(engine, signed_entry, call_answer, &call);
        if (status == BCEMR_OK)
            call_wait(&call);
        *out = status == BCEMR_OK ? call.receipt : (ledger_receipt){.status = status};
        call_end(&call);
    }
    leave(engine);
    return out->status == BCEMR_OK ? BCEMR_OK : refused(out, err);
}

bcemr_status ledger_engine_run(ledger_engine *engine, ledger_engine_work work, void *user,
                               bcemr_error *err)
{
    engine_call call;
    enter(engine);
    bcemr_status status = call_begin(&call);
    if (status == BCEMR_OK) {
        call.user = user;
        engine_item *item = new_entry((bcemr_span){0}, call_answer, &call);
        if (item)
            item->work = work;
        status = enqueue(engine, item);
        if (status == BCEMR_OK)
            call_wait(&call);
        bool answered = status == BCEMR_OK;
        status = answered ? call.receipt.status : status;
        if (answered && status != BCEMR_E_STOPPED && err)
            *err = call.error;
        else if (status != BCEMR_OK)
            (void)wire_fail(err, status, "engine", NULL);
        call_end(&call);
    }
    leave(engine);
    return status;
}

void ledger_engine_describe(ledger_engine *engine, ledger_engine_facts *out)
{
    (void)pthread_mutex_lock(&engine->lock);
    *out = engine->facts;
    out->waiting = engine->waiting;
    out->stopped = engine->stopped;
    (void)pthread_mutex_unlock(&engine->lock);
}
