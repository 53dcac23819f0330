/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's inside. engine.c: what callers see, the queue; check.c: the checking thread;
 * write.c: the writing thread; store.c: the state that the chain works on, layers over a reader.
 *
 * Who touches what: the checking thread alone has chain, stack, reader and spare layers. The
 * writing thread alone has the writer. A frozen layer is read by both and changed by none. All else
 * is under the lock, and nobody holds it while working.
 */
#ifndef LEDGER_ENGINE_INTERNAL_H
#define LEDGER_ENGINE_INTERNAL_H

#include "ledger/embedded/engine.h"
#include "ledger/state/layer.h"
#include "ledger/state/rows.h"
#include "wire/error.h"

#include <pthread.h>

/* ---- rows read or written lately ---- */

typedef struct engine_cache {
    ledger_base under;
    ledger_layer *young, *old;
    uint64_t generation; /* bytes of one */
} engine_cache;
BCEMR_MUST_USE bcemr_status engine_cache_begin(engine_cache *out, ledger_base under,
                                               uint64_t bytes);
void engine_cache_free(engine_cache *cache);
void engine_cache_clear(engine_cache *cache);
/* This layer's rows lie under from now on. */
void engine_cache_renew(engine_cache *cache, const ledger_layer *layer);
ledger_base engine_cache_base(engine_cache *cache);

/* ---- the state of the chain ---- */

/* Where rows are in the end: two connections of one database, or the states of a test. */
typedef struct engine_store {
    ledger_engine_stores stores; /* open_writer NULL: the database */
    ledger_rows *row_writer, *row_reader;
    ledger_state writer, reader;
    bool alone; /* one state for both: the two threads take turns */
} engine_store;

/* Layers over the reader. The chain's transactions end in frozen layers, gathered in made until
 * somebody takes them to be written. */
typedef struct engine_state {
    engine_store *store;
    engine_cache cache;
    ledger_stack stack;
    ledger_layer *made[LEDGER_FROZEN_MAX];
    uint64_t made_count;
    ledger_layer *spare[LEDGER_FROZEN_MAX];
    uint64_t spare_count;
} engine_state;

BCEMR_MUST_USE bcemr_status engine_store_open(engine_store *out,
                                              const ledger_engine_options *options,
                                              bcemr_error *err);
void engine_store_close(engine_store *store);
/* In one transaction, durable on return. Writing thread. */
BCEMR_MUST_USE bcemr_status engine_store_write(engine_store *store,
                                               const ledger_layer *const *layers, uint64_t count);
/* Ends the moment that the reader is at: its next read sees what is written now. */
BCEMR_MUST_USE bcemr_status engine_store_refresh(engine_store *store);

BCEMR_MUST_USE bcemr_status engine_state_begin(engine_state *out, engine_store *store,
                                               uint64_t row_bytes);
/* What a chain is opened with; closing it frees the transaction alone. */
ledger_state engine_state_interface(engine_state *state);
/* The oldest count layers are in the store: takes them off the stack, keeps some for later. */
void engine_state_drop(engine_state *state, uint64_t count);
void engine_state_free(engine_state *state);

/* ---- what waits, and what goes from thread to thread ---- */

/* An entry, or work between blocks. */
typedef struct engine_item {
    struct engine_item *next;
    ledger_engine_done done;
    void *user;
    ledger_engine_work work; /* NULL: an entry; else user is an engine_call */
    ledger_receipt receipt;
    uint64_t length;
    uint8_t entry[];
} engine_item;

/* A block on its way to the disk: its layers (none when nothing was accepted), and who waits. */
typedef struct engine_step {
    struct engine_step *next;
    ledger_layer *layers[LEDGER_FROZEN_MAX];
    uint64_t layer_count;
    engine_item *items;
    uint64_t count, bytes; /* of items */
    uint64_t size, height; /* the ledger after it */
    int64_t tau;
} engine_step;

/* Somebody who waits for a receipt. */
typedef struct engine_call {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool done;
    ledger_receipt receipt;
    bcemr_error error; /* of work */
    void *user;        /* of work */
} engine_call;

struct ledger_engine {
    const bcemr_context *context;
    ledger_engine_options options; /* bounds filled in */
    engine_store store;
    engine_state state;
    ledger_chain *chain;
    bcemr_span *spans; /* of the block that is checked */
    ledger_outcome *outcomes;
    pthread_t checker, writer;
    bool checker_runs, writer_runs; /* were started, and must be joined */

    pthread_mutex_t lock;
    pthread_cond_t arrived; /* for the checker: something waits, room on the way, the end */
    pthread_cond_t stepped; /* for the writer: a step, the end */
    pthread_cond_t quiet;   /* for finish and close: a thread ended, a caller left */
    engine_item *first, **last;
    engine_step *first_step, **last_step;
    engine_step *spare_steps; /* enough: as many as there may be, twice */
    engine_step *step_memory;
    uint64_t waiting, waiting_bytes; /* taken and not answered */
    uint64_t steps;                  /* handed over and not answered */
    uint64_t written;                /* layers in the store that the checker has not dropped */
    uint64_t inside;                 /* callers */
    bool ending, checked_all, written_all, stopped;
    ledger_engine_facts facts;
};

/* With the lock held: nothing is acknowledged any more. */
void engine_stop(ledger_engine *engine, bcemr_status why);

/* ---- the threads; argument: the engine ---- */

void *engine_check_all(void *argument);
void *engine_write_all(void *argument);

#endif
