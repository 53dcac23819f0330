/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded engine: this process decides the order. Entries come from any number of threads;
 * what waits goes into the next block together, one sync makes the block durable for all of them,
 * and only then is any of them answered.
 *
 * Two threads. One checks: it collects the claims of a block, verifies them in one batch and
 * applies them in memory, on top of blocks that are not durable yet. The other writes: a block a
 * transaction, in order, and answers. Neither holds a lock while it works.
 *
 * After a write that failed nothing more is acknowledged: what waits and what comes later gets
 * E_STOPPED, and the process should end. What the log holds then is known to who opens it anew.
 *
 * Readers have states of their own (ledger_sqlite_open without writes, ledger_chain_refresh); they
 * see durable blocks only.
 */
#ifndef LEDGER_ENGINE_H
#define LEDGER_ENGINE_H

#include "ledger/chain/chain.h"
#include "ledger/state/sqlite.h"

typedef struct ledger_engine ledger_engine;

/* Stores that are no database at a path: tests bring their own. */
typedef struct ledger_engine_stores {
    /* The one that blocks are written to, and one that only reads, for another thread (its refresh,
     * if it has one, comes after every block). Closed by the engine. open_reader NULL: there is but
     * one, and a block is checked only when the one before it is written. */
    bcemr_status (*open_writer)(void *user, ledger_state *out, bcemr_error *err);
    bcemr_status (*open_reader)(void *user, ledger_state *out, bcemr_error *err);
    void *user;
} ledger_engine_stores;

typedef struct ledger_engine_options {
    const bcemr_context *context;   /* required; outlives the engine */
    const bcemr_parallel *parallel; /* NULL: a batch on one thread; outlives the engine */
    int64_t (*now)(void *user);     /* required: ms since 1970 UTC; called on the checking thread */
    void *now_user;
    const char *path;                      /* of a database that ledger_sqlite_create made */
    const ledger_sqlite_options *database; /* NULL: none; of it ledger, vfs, cache_kib, scratch */
    const ledger_engine_stores *stores;    /* instead of path */
    bcemr_span genesis;                    /* Tr("signed"; genesis); empty: the store's own */
    /* Bounds; 0 stands for what the comment says. */
    uint64_t waiting_entries;   /* taken and not answered: 16,384 */
    uint64_t waiting_bytes;     /* their bytes: 64 MiB */
    uint64_t block_entries;     /* of one block: 1,024 */
    uint64_t block_bytes;       /* of one block; one entry always fits: 4 MiB */
    uint64_t depth;             /* blocks checked and not yet durable: 3 */
    uint64_t row_bytes;         /* of rows read or written lately: 16 MiB */
    uint64_t remembered_claims; /* 0: the default of the rules */
} ledger_engine_options;

/*
 * Opens the store, reads or begins the ledger (an empty store needs the genesis), starts the two
 * threads. Errors: of ledger_sqlite_open and ledger_chain_open; E_ARGUMENT; E_NO_MEMORY also when
 * no thread could be started.
 */
BCEMR_MUST_USE bcemr_status ledger_engine_open(ledger_engine **out,
                                               const ledger_engine_options *options,
                                               bcemr_error *err);
/* From now on every new entry gets E_STATE; what was taken is still made durable and answered.
 * Returns when all is. From any thread but the engine's own; more than once is allowed. */
void ledger_engine_finish(ledger_engine *engine);
/* Finishes, waits for who is still inside a call, closes the store and frees. NULL is allowed. */
void ledger_engine_close(ledger_engine *engine);

/* What became of an entry. */
typedef struct ledger_receipt {
    /* OK: in the log, durably. E_REFUSED: the rules refuse it, reason says why. E_BUSY: too much is
     * waiting. E_STOPPED: a write failed, now or before: not known to be in. E_STATE: closing.
     * Anything else: this node could not check it, and it is not in. */
    bcemr_status status;
    uint32_t reason;
    uint64_t leaf, height; /* of OK */
    int64_t tau;
    bcemr_hash entry_hash; /* of OK */
} ledger_receipt;

/*
 * Takes a signed entry and waits until it is decided. The status is the receipt's, err names the
 * reason (LEDGER_REFUSED, err->reason). Any thread but the engine's own.
 */
BCEMR_MUST_USE bcemr_status ledger_engine_submit(ledger_engine *engine, bcemr_span signed_entry,
                                                 ledger_receipt *out, bcemr_error *err);
/*
 * The same without waiting. OK: it was taken (the bytes are copied), and done will be called
 * exactly once, on the writing thread, in the order in which entries were taken. Otherwise done is
 * never called: E_BUSY, E_STOPPED, E_STATE, E_NO_MEMORY. done must be quick; it may post, but not
 * submit, run, finish or close.
 */
typedef void (*ledger_engine_done)(void *user, const ledger_receipt *receipt);
BCEMR_MUST_USE bcemr_status ledger_engine_post(ledger_engine *engine, bcemr_span signed_entry,
                                               ledger_engine_done done, void *user);

/* How often one piece of work may commit: each block that it submits or replays, and each row that
 * it keeps beside them (a cosigner's record, evidence, a cosigned checkpoint) is one. */
#define LEDGER_ENGINE_COMMITS 16
/*
 * Runs work on the checking thread between two blocks, after everything taken before it, with the
 * chain that writes: cosigners, ledger_chain_keep_cosigned. Waits until what it wrote, and all
 * blocks that it saw, are durable: nothing that it made may leave the process unless this returned
 * OK. Nothing of the work is durable before its end, so what it commits waits in memory: the commit
 * after LEDGER_ENGINE_COMMITS fails inside the work as E_BUSY and changes nothing; those before it
 * stay. More is done in another run.
 * Errors: the work's; E_STOPPED, E_STATE, E_BUSY, E_NO_MEMORY.
 */
typedef bcemr_status (*ledger_engine_work)(void *user, ledger_chain *chain, bcemr_error *err);
BCEMR_MUST_USE bcemr_status ledger_engine_run(ledger_engine *engine, ledger_engine_work work,
                                              void *user, bcemr_error *err);

/* How it is, for monitoring; any thread. */
typedef struct ledger_engine_facts {
    uint64_t size, height; /* durable */
    int64_t tau;
    uint64_t waiting;         /* taken and not answered */
    uint64_t blocks, entries; /* made durable since it was opened */
    uint64_t refused;         /* by the rules */
    bool clock_behind;        /* at the last block: Sign entries are refused */
    bool stopped;             /* a write failed ... */
    bcemr_status why;         /* ... with this */
    ledger_verifier_counts claims;
} ledger_engine_facts;
void ledger_engine_describe(ledger_engine *engine, ledger_engine_facts *out);

#endif
