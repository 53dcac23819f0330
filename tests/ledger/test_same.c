/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same blocks give the same root, the same checkpoint after every block and the same rows, in
 * whatever store, with however many threads, whatever is remembered, and opened as often as you
 * like. Blocks that are cut otherwise, by the embedded engine too, give the same but for heights,
 * times and what is hashed from them.
 */
#include "rules_test.h"

#include "ledger/embedded/engine.h"
#include "support/folder.h"
#include "support/model/maker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_MAX 24
#define STEPS_MAX 6000
#define ENTRIES_MIN 500
#define OF_EACH_KIND 3

/* ---- a recorded log ---- */

typedef struct block {
    uint64_t height, size; /* size: leaves up to its end */
    int64_t tau;
    uint64_t first, count; /* of the entries */
    bcemr_hash checkpoint; /* H of the checkpoint at its end: root, heads, set */
} block;

typedef struct record {
    bcemr_buf *entries;
    uint64_t entry_count;
    block *blocks;
    uint64_t block_count;
} record;

static void *grown(void *p, uint64_t count, uint64_t item)
{
    p = realloc(p, (count + 1) * item);
    if (!p)
        abort();
    return p;
}

static bcemr_hash checkpoint_at(const ledger_chain *chain, uint64_t size)
{
    bcemr_tr_checkpoint checkpoint;
    bcemr_hash hash;
    must(ledger_chain_checkpoint_at(chain, size, &checkpoint, NULL));
    must(bcemr_hash_value(&bcemr_type_checkpoint, &checkpoint, &hash, NULL));
    return hash;
}

/* What was posted, block for block: leaves but the genesis and the case headers. */
static record read_record(const ledger_chain *chain)
{
    record r = {0};
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts leaf;
    uint64_t size = ledger_chain_size(chain);
    for (uint64_t i = 1; i < size; i++) {
        bcemr_buf_clear(&held);
        must(ledger_chain_leaf(chain, i, &held));
        must(bcemr_leaf_read(bcemr_buf_span(&held), &leaf, NULL));
        if (r.block_count == 0 || r.blocks[r.block_count - 1].height != leaf.height) {
            r.blocks = grown(r.blocks, r.block_count, sizeof *r.blocks);
            r.blocks[r.block_count++] =
                (block){.height = leaf.height, .tau = leaf.tau, .first = r.entry_count};
        }
        r.blocks[r.block_count - 1].size = i + 1;
        if (leaf.parts.type == &bcemr_type_case_header)
            continue;
        r.entries = grown(r.entries, r.entry_count, sizeof *r.entries);
        r.entries[r.entry_count] = BCEMR_BUF_EMPTY;
        must(bcemr_buf_append(&r.entries[r.entry_count++], leaf.signed_entry));
        r.blocks[r.block_count - 1].count++;
    }
    for (uint64_t i = 0; i < r.block_count; i++)
        r.blocks[i].checkpoint = checkpoint_at(chain, r.blocks[i].size);
    bcemr_buf_free(&held);
    return r;
}

static void free_record(record *r)
{
    for (uint64_t i = 0; i < r->entry_count; i++)
        bcemr_buf_free(&r->entries[i]);
    free(r->entries);
    free(r->blocks);
    memset(r, 0, sizeof *r);
}

/* ---- rows ---- */

typedef struct rows {
    bcemr_buf tables[LEDGER_TABLE_COUNT];
    bool cut; /* without what depends on where blocks end */
    ledger_table table;
    uint64_t headers[512], header_count; /* leaves of case headers */
} rows;

static void add_span(bcemr_buf *to, bcemr_span bytes)
{
    uint8_t length[8];
    bcemr_store_u64(length, bytes.n);
    must(bcemr_buf_append(to, bcemr_span_of(length, sizeof length)));
    must(bcemr_buf_append(to, bytes));
}

/* What of a row stays the same when the same entries came in other blocks. */
static void add_cut(rows *r, bcemr_buf *to, bcemr_span key, bcemr_span value)
{
    bcemr_tr_state_sign sign;
    bcemr_tr_state_mark mark;
    bcemr_tr_state_case c;
    bcemr_tr_index index;
    bcemr_leaf_parts leaf;
    switch (r->table) {
    case LEDGER_TIP:
    case LEDGER_BLOCKS:
    case LEDGER_NODES:
    case LEDGER_QUOTAS:
        return;
    case LEDGER_SIGNS:
        must(bcemr_read_state_sign(value, &sign, NULL));
        sign.tau = 0;
        must(bcemr_write_state_sign(&sign, to, NULL));
        break;
    case LEDGER_CASES:
        must(bcemr_read_state_case(value, &c, NULL));
        assert_true(r->header_count < sizeof r->headers / sizeof r->headers[0]);
        r->headers[r->header_count++] = c.leaf + 1; /* scanned before the entries */
        add_span(to, c.record_case);
        must(bcemr_write_list(&bcemr_type_id_item, &c.clouds, to, NULL));
        break;
    case LEDGER_ENTRIES: /* a case header is hashed with its time in it */
        must(bcemr_read_state_mark(value, &mark, NULL));
        for (uint64_t i = 0; i < r->header_count; i++)
            if (r->headers[i] == mark.leaf)
                return;
        add_span(to, value);
        break;
    case LEDGER_INDEXES: /* rows, block after block */
        must(bcemr_read_index(value, &index, NULL));
        must(bcemr_buf_append(to, index.rows.raw));
        return;
    case LEDGER_LEAVES:
        must(bcemr_leaf_read(value, &leaf, NULL));
        if (leaf.parts.type != &bcemr_type_case_header)
            add_span(to, leaf.signed_entry);
        break;
    default:
        add_span(to, value);
    }
    add_span(to, key);
}

static bcemr_status add_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    rows *r = user;
    bcemr_buf *to = &r->tables[r->table];
    (void)more;
    if (r->cut) {
        add_cut(r, to, key, value);
    } else {
        add_span(to, key);
        add_span(to, value);
    }
    return BCEMR_OK;
}

static void read_rows(const ledger_state *state, bool cut, rows *out)
{
    memset(out, 0, sizeof *out);
    out->cut = cut;
    for (out->table = 0; out->table < LEDGER_TABLE_COUNT; out->table++)
        must(ledger_scan(state, out->table, (bcemr_span){0}, (bcemr_span){0}, add_row, out));
}

static void free_rows(rows *r)
{
    for (int i = 0; i < LEDGER_TABLE_COUNT; i++)
        bcemr_buf_free(&r->tables[i]);
}

static void assert_same_rows(const char *where, const rows *a, const rows *b)
{
    static const char *const names[] = {
#define X(name, text) #name,
        LEDGER_TABLES(X)
#undef X
    };
    for (int i = 0; i < LEDGER_TABLE_COUNT; i++)
        if (!bcemr_span_equal(bcemr_buf_span(&a->tables[i]), bcemr_buf_span(&b->tables[i])))
            fail_msg("%s: other rows in %s", where, names[i]);
}

/* ---- recording ---- */

static const bcemr_type *const kinds[] = {
    &bcemr_type_e_join,    &bcemr_type_e_leave,   &bcemr_type_e_rekey,  &bcemr_type_e_upgrade,
    &bcemr_type_e_enrol,   &bcemr_type_e_retire,  &bcemr_type_e_admit,  &bcemr_type_e_amend,
    &bcemr_type_e_sign,    &bcemr_type_e_reissue, &bcemr_type_e_abort,  &bcemr_type_e_seal,
    &bcemr_type_e_confirm, &bcemr_type_e_consent, &bcemr_type_e_revoke, &bcemr_type_e_access,
    &bcemr_type_e_erase,
};
#define KINDS (sizeof kinds / sizeof kinds[0])

typedef struct world_of {
    consortium c;
    record log; /* the first chain's, and what it came to */
    rows whole, cut;
} world_of;

static bool complete(const uint64_t accepted[KINDS])
{
    uint64_t all = 0;
    for (uint64_t k = 0; k < KINDS; k++) {
        if (accepted[k] < OF_EACH_KIND)
            return false;
        all += accepted[k];
    }
    return all >= ENTRIES_MIN;
}

/* One block of what the maker makes. */
static void add_block(ledger_chain *chain, model *m, maker *mk, uint64_t accepted[KINDS])
{
    bcemr_buf entries[BLOCK_MAX];
    bcemr_span spans[BLOCK_MAX];
    ledger_outcome outcomes[BLOCK_MAX];
    model_answer answer;
    int64_t clock = maker_clock(mk);
    uint64_t count = 1 + maker_draw(mk, BLOCK_MAX);
    if (mk->calm)
        clock = m->tau > 0 ? m->tau + 2000 : WORLD_START;
    model_open_block(m, clock);
    for (uint64_t i = 0; i < count; i++) {
        entries[i] = BCEMR_BUF_EMPTY;
        (void)maker_next(mk, &entries[i]);
        spans[i] = bcemr_buf_span(&entries[i]);
        model_apply(m, spans[i], &answer);
        for (uint64_t k = 0; answer.count == 0 && k < KINDS; k++)
            accepted[k] += answer.type == kinds[k];
    }
    model_close_block(m);
    must(ledger_chain_submit(chain, clock, spans, count, outcomes, NULL));
    assert_int_equal(ledger_chain_size(chain), m->size);
    for (uint64_t i = 0; i < count; i++)
        bcemr_buf_free(&entries[i]);
}

static void record_log(world_of *w, bool calm)
{
    static model m;
    static maker mk;
    maker_pool pool = {0};
    ledger_chain *chain;
    uint64_t accepted[KINDS] = {0};
    memset(w, 0, sizeof *w);
    w->c.quota = calm ? 0 : 4;
    consortium_begin(&w->c);
    const bcemr_span genesis = bcemr_buf_span(&w->c.signed_genesis);
    ledger_chain_options options = {.context = w->c.context};
    must(ledger_state_memory(&options.state));
    must(ledger_chain_open(&chain, &options, genesis, NULL));
    model_begin(&m, &pool.signatures, genesis);
    maker_begin(&mk, &pool, &w->c, &m, 11);
    mk.calm = calm;
    while (mk.past_count < STEPS_MAX && !complete(accepted))
        add_block(chain, &m, &mk, accepted);
    assert_true(complete(accepted));
    w->log = read_record(chain);
    read_rows(&options.state, false, &w->whole);
    read_rows(&options.state, true, &w->cut);
    maker_end(&mk);
    model_end(&m);
    ledger_chain_close(chain);
    maker_pool_free(&pool);
}

static int free_world_of(void **state)
{
    world_of *w = *state;
    free_record(&w->log);
    free_rows(&w->whole);
    free_rows(&w->cut);
    consortium_end(&w->c);
    return 0;
}

static int make_wild(void **state)
{
    static world_of w;
    record_log(&w, false);
    *state = &w;
    return 0;
}

static int make_calm(void **state)
{
    static world_of w;
    record_log(&w, true);
    *state = &w;
    return 0;
}

/* ---- threads ---- */

typedef struct crew {
    void (*job)(void *argument, uint64_t index);
    void *argument;
    uint64_t count, threads;
    atomic_uint_fast64_t next;
} crew;

static void *work(void *user)
{
    crew *c = user;
    for (;;) {
        uint64_t at = atomic_fetch_add(&c->next, 1);
        if (at >= c->count)
            return NULL;
        c->job(c->argument, at);
    }
}

static void run_crew(void *user, void (*job)(void *, uint64_t), void *argument, uint64_t count)
{
    crew *c = user;
    pthread_t threads[8];
    c->job = job;
    c->argument = argument;
    c->count = count;
    atomic_store(&c->next, 0);
    for (uint64_t i = 0; i < c->threads; i++)
        if (pthread_create(&threads[i], NULL, work, c) != 0)
            abort();
    for (uint64_t i = 0; i < c->threads; i++)
        (void)pthread_join(threads[i], NULL);
}

/* ---- the same blocks ---- */

typedef struct variant {
    const char *name;
    uint64_t threads; /* 0: none lent */
    uint64_t remembered;
    bool database, reopened; /* after every block */
} variant;

static void open_variant(const world_of *w, const variant *v, const char *path,
                         const bcemr_parallel *parallel, ledger_chain_options *options,
                         ledger_chain **chain)
{
    const ledger_sqlite_options database = {.writes = true, .scratch = true, .cache_kib = 64};
    *options = (ledger_chain_options){.context = w->c.context,
                                      .parallel = v->threads > 0 ? parallel : NULL,
                                      .remembered_claims = v->remembered};
    if (v->database)
        must(ledger_sqlite_open(path, &database, &options->state, NULL));
    else
        must(ledger_state_memory(&options->state));
    must(ledger_chain_open(chain, options, bcemr_buf_span(&w->c.signed_genesis), NULL));
}

static void play_block(ledger_chain *chain, const record *log, const block *b)
{
    bcemr_span spans[2 * BLOCK_MAX];
    bcemr_hash root, checkpoint;
    assert_true(b->count <= 2 * BLOCK_MAX);
    for (uint64_t i = 0; i < b->count; i++)
        spans[i] = bcemr_buf_span(&log->entries[b->first + i]);
    must(ledger_chain_replay(chain, b->height, b->tau, spans, b->count, NULL));
    assert_int_equal(ledger_chain_size(chain), b->size);
    must(ledger_chain_root(chain, b->size, &root));
    checkpoint = checkpoint_at(chain, b->size);
    assert_memory_equal(&checkpoint, &b->checkpoint, sizeof checkpoint);
}

static void play_variant(const world_of *w, const variant *v)
{
    char folder[FOLDER_ROOM], path[FOLDER_ROOM];
    crew c = {.threads = v->threads};
    const bcemr_parallel parallel = {run_crew, &c, v->threads};
    const ledger_sqlite_options database = {.scratch = true};
    ledger_chain_options options;
    ledger_chain *chain;
    rows all;
    folder_make(folder);
    folder_path(path, folder, "ledger.db");
    if (v->database)
        must(ledger_sqlite_create(path, &database, NULL));
    open_variant(w, v, path, &parallel, &options, &chain);
    for (uint64_t i = 0; i < w->log.block_count; i++) {
        play_block(chain, &w->log, &w->log.blocks[i]);
        if (!v->reopened)
            continue;
        ledger_chain_close(chain);
        open_variant(w, v, path, &parallel, &options, &chain);
    }
    /* Every block's end again, now that all are there. */
    for (uint64_t i = 0; i < w->log.block_count; i++) {
        bcemr_hash checkpoint = checkpoint_at(chain, w->log.blocks[i].size);
        assert_memory_equal(&checkpoint, &w->log.blocks[i].checkpoint, sizeof checkpoint);
    }
    read_rows(&options.state, false, &all);
    assert_same_rows(v->name, &w->whole, &all);
    free_rows(&all);
    ledger_chain_close(chain);
    folder_remove(folder);
}

static void same_blocks(void **state)
{
    static const variant variants[] = {
        {.name = "memory"},
        {.name = "one thread", .threads = 1},
        {.name = "two threads", .threads = 2},
        {.name = "five threads", .threads = 5},
        {.name = "eight claims remembered", .remembered = 8},
        {.name = "five threads, eight claims", .threads = 5, .remembered = 8},
        {.name = "database", .database = true},
        {.name = "database, two threads", .threads = 2, .database = true},
        {.name = "database opened for every block", .database = true, .reopened = true},
    };
    for (uint64_t i = 0; i < sizeof variants / sizeof variants[0]; i++)
        play_variant(*state, &variants[i]);
}

/* ---- other blocks of the same entries ---- */

/* The same entries in pieces of the blocks; each a millisecond after the one before. */
static void cut_otherwise(const world_of *w, uint64_t most)
{
    ledger_chain_options options = {.context = w->c.context};
    ledger_chain *chain;
    rows all;
    uint64_t height = 0;
    must(ledger_state_memory(&options.state));
    must(ledger_chain_open(&chain, &options, bcemr_buf_span(&w->c.signed_genesis), NULL));
    for (uint64_t b = 0; b < w->log.block_count; b++) {
        const block *whole = &w->log.blocks[b];
        for (uint64_t at = 0, piece = 0; at < whole->count; piece++) {
            bcemr_span spans[BLOCK_MAX];
            uint64_t n = 0;
            for (; n < most && at < whole->count; n++, at++)
                spans[n] = bcemr_buf_span(&w->log.entries[whole->first + at]);
            must(ledger_chain_replay(chain, ++height, whole->tau + (int64_t)piece, spans, n, NULL));
        }
        assert_int_equal(ledger_chain_size(chain), whole->size);
    }
    read_rows(&options.state, true, &all);
    assert_same_rows("blocks cut otherwise", &w->cut, &all);
    free_rows(&all);
    ledger_chain_close(chain);
}

static void other_blocks(void **state)
{
    for (uint64_t most = 1; most <= 7; most += 2)
        cut_otherwise(*state, most);
}

/* ---- the embedded engine ---- */

typedef struct desk {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t answers, accepted;
    int64_t now;
} desk;

static int64_t desk_now(void *user)
{
    desk *d = user;
    pthread_mutex_lock(&d->lock);
    int64_t now = d->now;
    pthread_mutex_unlock(&d->lock);
    return now;
}

static void answered(void *user, const ledger_receipt *receipt)
{
    desk *d = user;
    pthread_mutex_lock(&d->lock);
    d->answers++;
    d->accepted += receipt->status == BCEMR_OK;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

/* Posts the entries block after block, at the blocks' times. */
static void feed(ledger_engine *engine, desk *d, const record *log)
{
    for (uint64_t b = 0; b < log->block_count; b++) {
        const block *each = &log->blocks[b];
        pthread_mutex_lock(&d->lock);
        d->now = each->tau;
        pthread_mutex_unlock(&d->lock);
        for (uint64_t i = 0; i < each->count; i++)
            must(ledger_engine_post(engine, bcemr_buf_span(&log->entries[each->first + i]),
                                    answered, d));
        pthread_mutex_lock(&d->lock);
        while (d->answers < each->first + each->count)
            pthread_cond_wait(&d->changed, &d->lock);
        pthread_mutex_unlock(&d->lock);
    }
}

static void through_the_engine(void **state)
{
    const world_of *w = *state;
    char folder[FOLDER_ROOM], path[FOLDER_ROOM];
    desk d = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    const ledger_sqlite_options database = {.scratch = true};
    ledger_engine *engine;
    folder_make(folder);
    folder_path(path, folder, "ledger.db");
    must(ledger_sqlite_create(path, &database, NULL));
    const ledger_engine_options options = {.context = w->c.context,
                                           .now = desk_now,
                                           .now_user = &d,
                                           .path = path,
                                           .database = &database,
                                           .genesis = bcemr_buf_span(&w->c.signed_genesis),
                                           .block_entries = 8};
    must(ledger_engine_open(&engine, &options, NULL));
    feed(engine, &d, &w->log);
    ledger_engine_close(engine);
    assert_int_equal(d.accepted, w->log.entry_count);

    /* What it made of them, and its own blocks played again. */
    world_of own = {.c = w->c};
    ledger_chain_options reading = {.context = w->c.context};
    ledger_chain *chain;
    rows all;
    must(ledger_sqlite_open(path, &database, &reading.state, NULL));
    must(ledger_chain_open(&chain, &reading, bcemr_buf_span(&w->c.signed_genesis), NULL));
    own.log = read_record(chain);
    read_rows(&reading.state, false, &own.whole);
    read_rows(&reading.state, true, &all);
    ledger_chain_close(chain);
    assert_same_rows("the engine's blocks", &w->cut, &all);
    play_variant(&own, &(variant){.name = "the engine's blocks in memory"});
    free_rows(&all);
    free_rows(&own.whole);
    free_record(&own.log);
    folder_remove(folder);
}

#define ON(name, make) cmocka_unit_test_setup_teardown(name, make, free_world_of)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(same_blocks, make_wild),
        ON(other_blocks, make_calm),
        ON(through_the_engine, make_calm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
