/* SPDX-License-Identifier: Apache-2.0 */
/* The checking thread: takes what waits, makes a block of it in memory, hands it on. */
#include "ledger/embedded/internal.h"

#include <string.h>

/* So many entries go into one block together whatever else: verifying them takes longer than most
 * disks need to sync. */
#define SHARE_LEAST 128

/* ---- with the lock held ---- */

/* Of many entries a block takes half, those on the way to the disk counted: so one half is checked
 * while the other is written, where all at once would have the threads wait for each other. */
static uint64_t share(const ledger_engine *e)
{
    const uint64_t half = e->waiting / 2 > SHARE_LEAST ? e->waiting / 2 : SHARE_LEAST;
    return half < e->options.block_entries ? half : e->options.block_entries;
}

/* Takes what goes into one block off the queue, oldest first: entries up to the bounds, or one
 * piece of work. */
static void take(ledger_engine *e, engine_step *out)
{
    const ledger_engine_options *o = &e->options;
    const uint64_t most = share(e);
    engine_item **end = &e->first;
    while (*end) {
        const engine_item *next = *end;
        bool fits = out->count < most && out->bytes + next->length <= o->block_bytes;
        if (out->count > 0 && (next->work || !fits))
            break;
        out->count++;
        out->bytes += next->length;
        end = &(*end)->next;
        if (next->work)
            break;
    }
    out->items = e->first;
    e->first = *end;
    *end = NULL;
    if (!e->first)
        e->last = &e->first;
}

/* Whether the checker can go on: there is room on the way to the disk, and for work nothing is on
 * that way, so that it sees durable blocks alone. */
static bool is_clear(const ledger_engine *e)
{
    return e->first->work ? e->steps == 0 : e->steps < e->options.depth;
}

static void hand_over(ledger_engine *e, engine_step *step)
{
    *e->last_step = step;
    e->last_step = &step->next;
    e->steps++;
    (void)pthread_cond_signal(&e->stepped);
}

/* ---- without it ---- */

static void answer_all(const engine_step *step, bcemr_status status)
{
    for (engine_item *item = step->items; item; item = item->next)
        item->receipt = (ledger_receipt){.status = status};
}

static void take_outcomes(ledger_engine *e, const engine_step *step)
{
    const uint64_t height = ledger_chain_height(e->chain);
    const int64_t tau = ledger_chain_tau(e->chain);
    const ledger_outcome *outcome = e->outcomes;
    for (engine_item *item = step->items; item; item = item->next, outcome++) {
        item->receipt = (ledger_receipt){.status = outcome->status, .reason = outcome->reason};
        if (outcome->status != BCEMR_OK)
            continue;
        item->receipt.leaf = outcome->leaf;
        item->receipt.entry_hash = outcome->entry_hash;
        item->receipt.height = height;
        item->receipt.tau = tau;
    }
}

static void make_block(ledger_engine *e, const engine_step *step, bool *behind)
{
    uint64_t n = 0;
    const int64_t now = e->options.now(e->options.now_user);
    for (const engine_item *item = step->items; item; item = item->next)
        e->spans[n++] = bcemr_span_of(item->entry, item->length);
    bcemr_status status = ledger_chain_clock_behind(e->chain, now, behind, NULL);
    if (status == BCEMR_OK)
        status = ledger_chain_submit(e->chain, now, e->spans, n, e->outcomes, NULL);
    if (status == BCEMR_OK)
        take_outcomes(e, step);
    else
        answer_all(step, status);
}

static void do_work(ledger_engine *e, const engine_step *step)
{
    engine_item *item = step->items;
    engine_call *call = item->user;
    item->receipt.status = item->work(call->user, e->chain, &call->error);
    /* Whatever it left open is no part of the next block. */
    ledger_state state = engine_state_interface(&e->state);
    state.ops->rollback(state.self);
}

static bcemr_status fill(ledger_engine *e, engine_step *step, bool *behind)
{
    if (step->items->work)
        do_work(e, step);
    else
        make_block(e, step, behind);
    step->layer_count = e->state.made_count;
    memcpy(step->layers, e->state.made, sizeof step->layers);
    e->state.made_count = 0;
    step->size = ledger_chain_size(e->chain);
    step->height = ledger_chain_height(e->chain);
    step->tau = ledger_chain_tau(e->chain);
    /* The next read sees what is written by then, which is more than what is dropped by then; and a
     * moment that is not held lets the database start its log over. */
    return engine_store_refresh(&e->store);
}

/* ---- the thread ---- */

/* One block from the queue; the lock is held before and after, not meanwhile. */
static void check_one(ledger_engine *e)
{
    engine_step *step = e->spare_steps;
    bcemr_status status = BCEMR_OK;
    ledger_verifier_counts claims;
    e->spare_steps = step->next;
    *step = (engine_step){.next = NULL};
    take(e, step);
    bool behind = e->facts.clock_behind;
    const bool stopped = e->stopped;
    const uint64_t written = e->written;
    e->written = 0;
    (void)pthread_mutex_unlock(&e->lock);
    engine_state_drop(&e->state, written);
    if (stopped)
        answer_all(step, BCEMR_E_STOPPED);
    else
        status = fill(e, step, &behind);
    ledger_chain_counts(e->chain, &claims);
    (void)pthread_mutex_lock(&e->lock);
    if (status != BCEMR_OK)
        engine_stop(e, status);
    e->facts.clock_behind = behind;
    e->facts.claims = claims;
    hand_over(e, step);
}

void *engine_check_all(void *argument)
{
    ledger_engine *e = argument;
    (void)pthread_mutex_lock(&e->lock);
    while (e->first || !e->ending) {
        if (e->first && is_clear(e))
            check_one(e);
        else
            (void)pthread_cond_wait(&e->arrived, &e->lock);
    }
    e->checked_all = true;
    (void)pthread_cond_broadcast(&e->stepped);
    (void)pthread_mutex_unlock(&e->lock);
    return NULL;
}
