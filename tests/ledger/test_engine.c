/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded engine: many threads, order, group commit, what is acknowledged and what is not. */
#include "ledger/embedded/internal.h"
#include "rules_test.h"
#include "support/folder.h"

#include <pthread.h>
#include <time.h>

#define THREADS 8
#define EACH 24
#define BOUND_SECONDS 60

/* ---- a store that outlives the engine, fails when told to, and waits when told to ---- */

typedef struct store {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    ledger_state rows;
    bool closed;       /* commits wait at the gate */
    uint64_t waits;    /* commits that came to it */
    uint64_t commits;  /* that were done */
    uint64_t fail_at;  /* the n-th commit fails, 1 the next; 0 never */
    bcemr_status with; /* this */
    bool refresh_fails;
} store;

static bcemr_status store_get(void *self, ledger_table table, bcemr_span key, bcemr_buf *value)
{
    store *s = self;
    pthread_mutex_lock(&s->lock);
    bcemr_status status = s->rows.ops->get(s->rows.self, table, key, value);
    pthread_mutex_unlock(&s->lock);
    return status;
}

static bcemr_status store_scan(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                               ledger_row_visitor visit, void *user)
{
    store *s = self;
    pthread_mutex_lock(&s->lock);
    bcemr_status status = s->rows.ops->scan(s->rows.self, table, prefix, from, visit, user);
    pthread_mutex_unlock(&s->lock);
    return status;
}

static bcemr_status store_put(void *self, ledger_table table, bcemr_span key, bcemr_span value)
{
    store *s = self;
    pthread_mutex_lock(&s->lock);
    bcemr_status status = s->rows.ops->put(s->rows.self, table, key, value);
    pthread_mutex_unlock(&s->lock);
    return status;
}

static bcemr_status store_begin(void *self)
{
    store *s = self;
    pthread_mutex_lock(&s->lock);
    bcemr_status status = s->rows.ops->begin(s->rows.self);
    pthread_mutex_unlock(&s->lock);
    return status;
}

static bcemr_status store_nothing(void *self)
{
    (void)self;
    return BCEMR_OK;
}

static bcemr_status store_commit(void *self)
{
    store *s = self;
    bcemr_status status = BCEMR_OK;
    pthread_mutex_lock(&s->lock);
    s->waits++;
    pthread_cond_broadcast(&s->changed);
    while (s->closed)
        pthread_cond_wait(&s->changed, &s->lock);
    if (s->fail_at > 0 && --s->fail_at == 0)
        status = s->with;
    else
        status = s->rows.ops->commit(s->rows.self);
    s->commits += status == BCEMR_OK;
    pthread_mutex_unlock(&s->lock);
    return status;
}

static void store_rollback(void *self)
{
    store *s = self;
    pthread_mutex_lock(&s->lock);
    s->rows.ops->rollback(s->rows.self);
    pthread_mutex_unlock(&s->lock);
}

static void store_close(void *self)
{
    (void)self;
}

static bcemr_status store_refresh(void *self)
{
    return ((store *)self)->refresh_fails ? BCEMR_E_IO : BCEMR_OK;
}

static const ledger_state_ops store_ops = {.get = store_get,
                                           .put = store_put,
                                           .scan = store_scan,
                                           .begin = store_begin,
                                           .mark = store_nothing,
                                           .keep = store_nothing,
                                           .undo = store_nothing,
                                           .commit = store_commit,
                                           .rollback = store_rollback,
                                           .refresh = store_refresh,
                                           .close = store_close};

static bcemr_status open_one(void *user, ledger_state *out, bcemr_error *err)
{
    (void)err;
    *out = (ledger_state){&store_ops, user};
    return BCEMR_OK;
}

static void gate(store *s, bool closed)
{
    pthread_mutex_lock(&s->lock);
    s->closed = closed;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* Until a commit stands at the gate for the n-th time. */
static void wait_at_gate(store *s, uint64_t n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += BOUND_SECONDS;
    pthread_mutex_lock(&s->lock);
    while (s->waits < n)
        if (pthread_cond_timedwait(&s->changed, &s->lock, &until) != 0)
            fail_msg("no commit came");
    pthread_mutex_unlock(&s->lock);
}

/* ---- a test's things ---- */

typedef struct bench {
    world *w;
    store store;
    ledger_engine_stores stores;
    ledger_engine_options options;
    ledger_engine *engine;
    int64_t now;
    bcemr_buf entries[THREADS * EACH];
} bench;

static int64_t now(void *user)
{
    return __atomic_load_n((int64_t *)user, __ATOMIC_RELAXED);
}

static void set_now(bench *b, int64_t to)
{
    __atomic_store_n(&b->now, to, __ATOMIC_RELAXED);
}

static int make(void **state, bool reader)
{
    static bench b;
    static world w;
    memset(&b, 0, sizeof b);
    world_begin(&w, 0);
    b.w = &w;
    b.now = WORLD_START;
    pthread_mutexattr_t how;
    pthread_mutexattr_init(&how);
    pthread_mutexattr_settype(&how, PTHREAD_MUTEX_RECURSIVE); /* who scans may read */
    pthread_mutex_init(&b.store.lock, &how);
    pthread_mutexattr_destroy(&how);
    pthread_cond_init(&b.store.changed, NULL);
    must(ledger_state_memory(&b.store.rows));
    b.store.with = BCEMR_E_FULL;
    b.stores = (ledger_engine_stores){open_one, reader ? open_one : NULL, &b.store};
    b.options = (ledger_engine_options){.context = w.c.context,
                                        .now = now,
                                        .now_user = &b.now,
                                        .stores = &b.stores,
                                        .genesis = bcemr_buf_span(&w.c.signed_genesis)};
    *state = &b;
    return 0;
}

static int make_alone(void **state)
{
    return make(state, false);
}

static int make_paired(void **state)
{
    return make(state, true);
}

static int free_bench(void **state)
{
    bench *b = *state;
    gate(&b->store, false);
    ledger_engine_close(b->engine);
    ledger_state_close(&b->store.rows);
    pthread_mutex_destroy(&b->store.lock);
    pthread_cond_destroy(&b->store.changed);
    for (int i = 0; i < THREADS * EACH; i++)
        bcemr_buf_free(&b->entries[i]);
    world_end(b->w);
    return 0;
}

static void open_engine(bench *b)
{
    must(ledger_engine_open(&b->engine, &b->options, NULL));
}

static void close_engine(bench *b)
{
    ledger_engine_close(b->engine);
    b->engine = NULL;
}

/* Entry i: a Revoke of its own, with a bad signature, or one that is no entry. */
static bcemr_span revoke(bench *b, uint64_t i, bool good)
{
    bcemr_tr_e_revoke value;
    world_revoke(b->w, i, &value);
    value.signature.b[0] ^= !good;
    consortium_sign(&b->w->c, &bcemr_type_e_revoke, &value, NULL, 0, &b->entries[i]);
    return bcemr_buf_span(&b->entries[i]);
}

/* The story of the world, entry after entry, in b->entries. */
static uint64_t story(bench *b)
{
    world_visit visit;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts leaf;
    uint64_t n = 0;
    world_sealed_visit(b->w, 0, 3, &visit);
    for (uint64_t i = 1; i < ledger_chain_size(b->w->chain); i++) {
        bcemr_buf_clear(&held);
        must(ledger_chain_leaf(b->w->chain, i, &held));
        must(bcemr_leaf_read(bcemr_buf_span(&held), &leaf, NULL));
        if (leaf.parts.type != &bcemr_type_case_header)
            must(bcemr_buf_append(&b->entries[n++], leaf.signed_entry));
    }
    set_now(b, ledger_chain_tau(b->w->chain));
    bcemr_buf_free(&held);
    world_visit_free(&visit);
    return n;
}

/* Receipts of posts, in the order in which they came. */
typedef struct answers {
    pthread_mutex_t lock;
    pthread_cond_t came;
    uint64_t count;
    uint64_t order[THREADS * EACH];
    ledger_receipt receipts[THREADS * EACH]; /* by number */
} answers;

typedef struct ticket {
    answers *all;
    uint64_t number;
} ticket;

static void take_answer(void *user, const ledger_receipt *receipt)
{
    ticket *t = user;
    pthread_mutex_lock(&t->all->lock);
    t->all->receipts[t->number] = *receipt;
    t->all->order[t->all->count++] = t->number;
    pthread_cond_broadcast(&t->all->came);
    pthread_mutex_unlock(&t->all->lock);
}

static void answers_begin(answers *a, ticket *tickets, uint64_t count)
{
    memset(a, 0, sizeof *a);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->came, NULL);
    for (uint64_t i = 0; i < count; i++)
        tickets[i] = (ticket){a, i};
}

static void answers_wait(answers *a, uint64_t count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += BOUND_SECONDS;
    pthread_mutex_lock(&a->lock);
    while (a->count < count)
        if (pthread_cond_timedwait(&a->came, &a->lock, &until) != 0)
            fail_msg("%u answers of %u", (unsigned)a->count, (unsigned)count);
    assert_int_equal(a->count, count);
    pthread_mutex_unlock(&a->lock);
}

static void answers_end(answers *a)
{
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->came);
}

/* A chain on what is stored, after the engine is closed. */
static ledger_chain *reopen(bench *b)
{
    ledger_chain *chain;
    ledger_chain_options options = {.context = b->w->c.context, .state = {&store_ops, &b->store}};
    must(ledger_chain_open(&chain, &options, bcemr_buf_span(&b->w->c.signed_genesis), NULL));
    return chain;
}

static void in_log(const ledger_chain *chain, bcemr_span entry, const ledger_receipt *receipt)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts leaf;
    must(ledger_chain_leaf(chain, receipt->leaf, &held));
    must(bcemr_leaf_read(bcemr_buf_span(&held), &leaf, NULL));
    assert_true(bcemr_span_equal(leaf.signed_entry, entry));
    assert_int_equal(leaf.height, receipt->height);
    assert_int_equal(leaf.tau, receipt->tau);
    assert_memory_equal(leaf.parts.entry_hash.b, receipt->entry_hash.b, 32);
    bcemr_buf_free(&held);
}

/* ---- many threads ---- */

typedef struct submitter {
    bench *b;
    uint64_t first;
    ledger_receipt receipts[EACH];
    pthread_t thread;
} submitter;

static void *submit_each(void *argument)
{
    submitter *s = argument;
    for (uint64_t i = 0; i < EACH; i++) {
        bcemr_error err = {0};
        bcemr_status status = ledger_engine_submit(
            s->b->engine, bcemr_buf_span(&s->b->entries[s->first + i]), &s->receipts[i], &err);
        if (status != s->receipts[i].status || err.reason != s->receipts[i].reason)
            s->receipts[i].status = BCEMR_E_ARGUMENT;
    }
    return NULL;
}

/* Every third has a bad signature, every fifth is cut, every seventh is the one before again. */
static uint32_t make_entry(bench *b, uint64_t i)
{
    if (i % 7 == 6 && i % 3 != 1 && i % EACH != 0) {
        must(bcemr_buf_append(&b->entries[i], bcemr_buf_span(&b->entries[i - 1])));
        return UINT32_MAX;
    }
    revoke(b, i, i % 3 != 0);
    if (i % 5 == 4)
        b->entries[i].n--;
    return i % 5 == 4 ? LEDGER_R_MALFORMED : i % 3 == 0 ? LEDGER_R_REVOKE_SIGNATURE : 0;
}

static void many_threads(void **state)
{
    bench *b = *state;
    static submitter threads[THREADS];
    uint32_t expected[THREADS * EACH];
    uint64_t taken = 0, repeated = 0;
    for (uint64_t i = 0; i < THREADS * EACH; i++)
        expected[i] = make_entry(b, i);
    open_engine(b);
    for (uint64_t t = 0; t < THREADS; t++) {
        threads[t] = (submitter){.b = b, .first = t * EACH};
        assert_int_equal(pthread_create(&threads[t].thread, NULL, submit_each, &threads[t]), 0);
    }
    for (uint64_t t = 0; t < THREADS; t++)
        pthread_join(threads[t].thread, NULL);
    ledger_engine_facts facts;
    ledger_engine_describe(b->engine, &facts);
    close_engine(b);
    ledger_chain *chain = reopen(b);
    for (uint64_t i = 0; i < THREADS * EACH; i++) {
        const ledger_receipt *r = &threads[i / EACH].receipts[i % EACH];
        repeated += expected[i] == UINT32_MAX;
        if (r->status == BCEMR_OK) {
            taken++;
            in_log(chain, bcemr_buf_span(&b->entries[i]), r);
        } else {
            assert_int_equal(r->status, BCEMR_E_REFUSED);
        }
        if (expected[i] != UINT32_MAX)
            assert_int_equal(r->reason, expected[i]);
    }
    assert_true(repeated > 5 && taken > 50);
    assert_int_equal(ledger_chain_size(chain), 1 + taken);
    assert_int_equal(facts.size, 1 + taken);
    assert_int_equal(facts.entries, taken);
    assert_int_equal(facts.refused, THREADS * EACH - taken);
    assert_int_equal(facts.blocks, ledger_chain_height(chain));
    assert_int_equal(facts.waiting, 0);
    assert_false(facts.stopped);
    ledger_chain_close(chain);
}

/* ---- order ---- */

static uint64_t post_all(bench *b, ticket *tickets, uint64_t count)
{
    uint64_t taken = 0;
    for (uint64_t i = 0; i < count; i++)
        if (ledger_engine_post(b->engine, bcemr_buf_span(&b->entries[i]), take_answer,
                               &tickets[i]) == BCEMR_OK)
            taken++;
    return taken;
}

/* Each entry rests on the one before it; answers come in the order of the questions. */
static void in_order(void **state)
{
    bench *b = *state;
    answers a;
    ticket tickets[64];
    const uint64_t count = story(b);
    b->options.block_entries = 3;
    b->options.row_bytes = 2000; /* about two enrolments: rows come and go */
    answers_begin(&a, tickets, count);
    open_engine(b);
    gate(&b->store, true);
    assert_int_equal(post_all(b, tickets, count), count);
    wait_at_gate(&b->store, 2); /* the first was the genesis */
    gate(&b->store, false);
    answers_wait(&a, count);
    close_engine(b);
    ledger_chain *chain = reopen(b);
    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(a.order[i], i);
        assert_int_equal(a.receipts[i].status, BCEMR_OK);
        in_log(chain, bcemr_buf_span(&b->entries[i]), &a.receipts[i]);
    }
    assert_int_equal(ledger_chain_size(chain), 1 + count + 1); /* the case header */
    assert_true(ledger_chain_height(chain) >= (count + 2) / 3);
    ledger_chain_close(chain);
    answers_end(&a);
}

/* ---- the way to the disk ---- */

/* While one block waits for the disk the next ones are checked on top of it, and then one commit
 * serves all that wait. */
static void pipeline(void **state)
{
    bench *b = *state;
    answers a;
    ticket tickets[64];
    const uint64_t count = story(b);
    b->options.block_entries = 1;
    b->options.depth = 4;
    answers_begin(&a, tickets, count);
    open_engine(b);
    gate(&b->store, true);
    assert_int_equal(post_all(b, tickets, count), count);
    wait_at_gate(&b->store, 2);
    ledger_engine_facts facts;
    /* An Enrol has four claims; a block that stands still at the gate has one Enrol. */
    const time_t began = time(NULL);
    do {
        ledger_engine_describe(b->engine, &facts);
        if (time(NULL) > began + BOUND_SECONDS)
            fail_msg("nothing is checked meanwhile");
    } while (facts.claims.single < 4 * 4);
    assert_int_equal(facts.size, 1);
    assert_int_equal(facts.waiting, count);
    const uint64_t before = b->store.commits;
    gate(&b->store, false);
    answers_wait(&a, count);
    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(a.receipts[i].status, BCEMR_OK);
        assert_int_equal(a.receipts[i].height, i + 1);
    }
    close_engine(b);
    assert_true(b->store.commits - before <= count - 2);
    ledger_chain *chain = reopen(b);
    for (uint64_t i = 0; i < count; i++)
        in_log(chain, bcemr_buf_span(&b->entries[i]), &a.receipts[i]);
    ledger_chain_close(chain);
    answers_end(&a);
}

static void busy(void **state)
{
    bench *b = *state;
    answers a;
    ticket tickets[16];
    ledger_receipt receipt;
    bcemr_error err;
    b->options.waiting_entries = 5;
    answers_begin(&a, tickets, 16);
    open_engine(b);
    for (uint64_t i = 0; i < 8; i++)
        revoke(b, i, true);
    gate(&b->store, true);
    assert_int_equal(post_all(b, tickets, 8), 5);
    assert_int_equal(
        ledger_engine_post(b->engine, bcemr_buf_span(&b->entries[7]), take_answer, &tickets[7]),
        BCEMR_E_BUSY);
    assert_int_equal(
        ledger_engine_submit(b->engine, bcemr_buf_span(&b->entries[7]), &receipt, &err),
        BCEMR_E_BUSY);
    assert_int_equal(receipt.status, BCEMR_E_BUSY);
    assert_int_equal(err.status, BCEMR_E_BUSY);
    gate(&b->store, false);
    answers_wait(&a, 5);
    must(ledger_engine_submit(b->engine, bcemr_buf_span(&b->entries[7]), &receipt, &err));
    assert_int_equal(receipt.leaf, 6);
    close_engine(b);
    /* The same by bytes. */
    answers_end(&a);
    answers_begin(&a, tickets, 16);
    b->options.waiting_entries = 0;
    b->options.waiting_bytes = 3 * b->entries[0].n + 1;
    for (uint64_t i = 0; i < 8; i++)
        revoke(b, 8 + i, true);
    open_engine(b);
    gate(&b->store, true);
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(ledger_engine_post(b->engine, bcemr_buf_span(&b->entries[8 + i]),
                                            take_answer, &tickets[i]),
                         i < 3 ? BCEMR_OK : BCEMR_E_BUSY);
    gate(&b->store, false);
    answers_wait(&a, 3);
    answers_end(&a);
}

/* Blocks end at their bounds; an entry over the bound of bytes has a block of its own, and one that
 * nobody could accept is not kept whole. */
static void bounds(void **state)
{
    bench *b = *state;
    answers a;
    ticket tickets[16];
    static const uint8_t junk[3 * BCEMR_ENTRY_MAX];
    answers_begin(&a, tickets, 16);
    for (uint64_t i = 0; i < 7; i++)
        revoke(b, i, true);
    b->options.depth = 1; /* nothing is taken while a block is at the gate */
    b->options.block_bytes = 2 * b->entries[0].n + 1;
    b->options.waiting_bytes = 2 * BCEMR_ENTRY_MAX + 1 + 8 * b->entries[0].n;
    open_engine(b);
    gate(&b->store, true);
    assert_int_equal(post_all(b, tickets, 1), 1);
    wait_at_gate(&b->store, 2);
    for (uint64_t i = 1; i < 7; i++)
        must(ledger_engine_post(b->engine, bcemr_buf_span(&b->entries[i]), take_answer,
                                &tickets[i]));
    must(ledger_engine_post(b->engine, bcemr_span_of(junk, sizeof junk), take_answer, &tickets[7]));
    gate(&b->store, false);
    answers_wait(&a, 8);
    for (uint64_t i = 0; i < 7; i++)
        assert_int_equal(a.receipts[i].height, 1 + (i + 1) / 2);
    assert_int_equal(a.receipts[7].status, BCEMR_E_REFUSED);
    assert_int_equal(a.receipts[7].reason, LEDGER_R_ENTRY_TOO_LONG);
    answers_end(&a);
}

/* ---- failures ---- */

static bcemr_status never(void *user, ledger_chain *chain, bcemr_error *err)
{
    (void)chain;
    (void)err;
    *(bool *)user = true;
    return BCEMR_OK;
}

/* A commit fails: what was answered before is in; that block and all that waits, refusals
 * too, are not answered as done or refused; and nothing is from then on. */
static void stopped(void **state)
{
    bench *b = *state;
    answers a;
    ticket tickets[16];
    ledger_receipt receipt, first;
    ledger_engine_facts facts;
    bcemr_error err;
    bool ran = false;
    answers_begin(&a, tickets, 16);
    for (uint64_t i = 0; i < 10; i++)
        revoke(b, i, i != 2);
    b->options.block_entries = 2;
    open_engine(b);
    must(ledger_engine_submit(b->engine, bcemr_buf_span(&b->entries[9]), &first, &err));
    b->store.fail_at = 2;
    gate(&b->store, true);
    assert_int_equal(post_all(b, tickets, 1), 1);
    wait_at_gate(&b->store, 3);
    for (uint64_t i = 1; i < 9; i++)
        must(ledger_engine_post(b->engine, bcemr_buf_span(&b->entries[i]), take_answer,
                                &tickets[i]));
    gate(&b->store, false);
    answers_wait(&a, 9);
    assert_int_equal(a.receipts[0].status, BCEMR_OK);
    for (uint64_t i = 1; i < 9; i++) {
        assert_int_equal(a.order[i], i);
        assert_int_equal(a.receipts[i].status, BCEMR_E_STOPPED);
        assert_int_equal(a.receipts[i].reason, 0);
    }
    ledger_engine_describe(b->engine, &facts);
    assert_true(facts.stopped);
    assert_int_equal(facts.why, BCEMR_E_FULL);
    assert_int_equal(facts.size, 3);
    assert_int_equal(facts.waiting, 0);
    assert_int_equal(
        ledger_engine_submit(b->engine, bcemr_buf_span(&b->entries[4]), &receipt, &err),
        BCEMR_E_STOPPED);
    assert_int_equal(
        ledger_engine_post(b->engine, bcemr_buf_span(&b->entries[4]), take_answer, &tickets[9]),
        BCEMR_E_STOPPED);
    assert_int_equal(ledger_engine_run(b->engine, never, &ran, &err), BCEMR_E_STOPPED);
    assert_false(ran);
    close_engine(b);
    ledger_chain *chain = reopen(b);
    assert_int_equal(ledger_chain_size(chain), 3);
    in_log(chain, bcemr_buf_span(&b->entries[9]), &first);
    in_log(chain, bcemr_buf_span(&b->entries[0]), &a.receipts[0]);
    ledger_chain_close(chain);
    answers_end(&a);
}

/* A reader that cannot come to the newest would read what is no more: the engine stops as well. */
static void reader_stays_behind(void **state)
{
    bench *b = *state;
    ledger_receipt receipt;
    bcemr_error err;
    open_engine(b);
    must(ledger_engine_submit(b->engine, revoke(b, 0, true), &receipt, &err));
    b->store.refresh_fails = true;
    assert_int_equal(ledger_engine_submit(b->engine, revoke(b, 1, true), &receipt, &err),
                     BCEMR_E_STOPPED);
    assert_int_equal(ledger_engine_submit(b->engine, revoke(b, 2, true), &receipt, &err),
                     BCEMR_E_STOPPED);
}

static void time_out_of_range(void **state)
{
    bench *b = *state;
    ledger_receipt receipt;
    bcemr_error err;
    open_engine(b);
    set_now(b, LEDGER_TAU_MAX + 1);
    assert_int_equal(ledger_engine_submit(b->engine, revoke(b, 0, true), &receipt, &err),
                     BCEMR_E_INTEGER_RANGE);
    set_now(b, WORLD_START);
    must(ledger_engine_submit(b->engine, revoke(b, 0, true), &receipt, &err));
    assert_int_equal(receipt.tau, WORLD_START);
}

/* ---- the clock ---- */

static void clock_behind(void **state)
{
    bench *b = *state;
    ledger_engine_facts facts;
    ledger_receipt receipt = {.status = BCEMR_OK};
    bcemr_error err;
    const uint64_t count = story(b);
    int64_t tau = now(&b->now);
    open_engine(b);
    /* Enrols, Admit, three Signs, Seal: all but the last Sign and the Seal. */
    for (uint64_t i = 0; i + 2 < count; i++)
        must(ledger_engine_submit(b->engine, bcemr_buf_span(&b->entries[i]), &receipt, &err));
    assert_true(receipt.tau > tau); /* it stood still */
    ledger_engine_describe(b->engine, &facts);
    assert_false(facts.clock_behind);
    set_now(b, tau - CONSORTIUM_CLOCK_DIFFERENCE - 1);
    assert_int_equal(
        ledger_engine_submit(b->engine, bcemr_buf_span(&b->entries[count - 2]), &receipt, &err),
        BCEMR_E_REFUSED);
    assert_int_equal(err.reason, LEDGER_R_CLOCK_BEHIND);
    assert_int_equal(err.verdict, BCEMR_LEDGER_REFUSED);
    ledger_engine_describe(b->engine, &facts);
    assert_true(facts.clock_behind);
    must(ledger_engine_submit(b->engine, revoke(b, 20, true), &receipt, &err));
    assert_int_equal(receipt.tau, facts.tau + 1);
    set_now(b, tau);
    must(ledger_engine_submit(b->engine, bcemr_buf_span(&b->entries[count - 2]), &receipt, &err));
    ledger_engine_describe(b->engine, &facts);
    assert_false(facts.clock_behind);
}

/* ---- work between blocks ---- */

typedef struct keeping {
    bench *b;
    uint64_t size, durable;
    bool fails;
    bool ran;
} keeping;

static bcemr_status keep(void *user, ledger_chain *chain, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    keeping *k = user;
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    if (k->fails)
        return BCEMR_E_NOT_FOUND;
    k->size = ledger_chain_size(chain);
    ledger_engine_facts facts;
    ledger_engine_describe(k->b->engine, &facts);
    k->durable = facts.size;
    __atomic_store_n(&k->ran, true, __ATOMIC_RELEASE);
    status = ledger_chain_checkpoint(chain, &checkpoint, err);
    if (status == BCEMR_OK)
        status = ledger_chain_set_now(chain, &set, err);
    if (status == BCEMR_OK) {
        consortium_cosign(&set, &checkpoint, k->b->w->voters, 7, &held);
        status = ledger_chain_keep_cosigned(chain, bcemr_buf_span(&held), err);
    }
    bcemr_set_free(&set);
    bcemr_buf_free(&held);
    return status;
}

typedef struct runner {
    bench *b;
    keeping *k;
    bcemr_status status;
    pthread_t thread;
} runner;

static void *run_it(void *argument)
{
    runner *r = argument;
    r->status = ledger_engine_run(r->b->engine, keep, r->k, NULL);
    return NULL;
}

static bool passed(const struct timespec *since, double seconds)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)(t.tv_sec - since->tv_sec) + (double)(t.tv_nsec - since->tv_nsec) / 1e9 >
           seconds;
}

/* Run while a block stands at the gate: unlike checking it waits for the disk, and sees nothing
 * that is not durable. That it does not run shows in time alone. */
static void run_behind_a_block(bench *b, keeping *k)
{
    runner r = {.b = b, .k = k};
    ledger_engine_facts facts;
    struct timespec began;
    wait_at_gate(&b->store, 2);
    clock_gettime(CLOCK_MONOTONIC, &began);
    assert_int_equal(pthread_create(&r.thread, NULL, run_it, &r), 0);
    do {
        ledger_engine_describe(b->engine, &facts);
        if (passed(&began, BOUND_SECONDS))
            fail_msg("the work did not come in");
    } while (facts.waiting < 6 || !passed(&began, 0.05));
    assert_false(__atomic_load_n(&k->ran, __ATOMIC_ACQUIRE));
    gate(&b->store, false);
    pthread_join(r.thread, NULL);
    must(r.status);
    assert_int_equal(k->durable, k->size);
}

static void work(void **state)
{
    bench *b = *state;
    answers a;
    ticket tickets[16];
    keeping k = {.b = b};
    bcemr_error err;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    ledger_receipt receipt;
    answers_begin(&a, tickets, 16);
    for (uint64_t i = 0; i < 6; i++)
        revoke(b, i, true);
    open_engine(b);
    gate(&b->store, true);
    assert_int_equal(post_all(b, tickets, 5), 5);
    run_behind_a_block(b, &k);
    assert_int_equal(a.count, 5); /* they came before, and are answered before */
    assert_int_equal(k.size, 6);
    must(ledger_get(&(ledger_state){&store_ops, &b->store}, LEDGER_COSIGNED, (bcemr_span){0},
                    &held));
    /* Its refusal comes back as it was said, and the engine goes on. */
    assert_int_equal(ledger_engine_run(b->engine, keep, &k, &err), BCEMR_E_REFUSED);
    assert_int_equal(err.verdict, BCEMR_STALE_PROOF);
    k.fails = true;
    assert_int_equal(ledger_engine_run(b->engine, keep, &k, &err), BCEMR_E_NOT_FOUND);
    must(ledger_engine_submit(b->engine, bcemr_buf_span(&b->entries[5]), &receipt, &err));
    assert_int_equal(receipt.leaf, 6);
    /* What it wrote is not durable: it must not count as done. */
    k.fails = false;
    b->store.fail_at = 1;
    assert_int_equal(ledger_engine_run(b->engine, keep, &k, &err), BCEMR_E_STOPPED);
    assert_int_equal(k.size, 7);
    bcemr_buf_free(&held);
    answers_end(&a);
}

/* A block for each of wanted entries; goes on after one that fails when told to. */
typedef struct committing {
    bench *b;
    uint64_t wanted, done, size;
    bcemr_status failed;
    bool hides; /* the work says OK all the same */
} committing;

static bcemr_status commit_many(void *user, ledger_chain *chain, bcemr_error *err)
{
    committing *c = user;
    bcemr_status status = BCEMR_OK;
    c->done = 0;
    for (uint64_t i = 0; i < c->wanted && status == BCEMR_OK; i++) {
        status = ledger_chain_submit_one(chain, __atomic_load_n(&c->b->now, __ATOMIC_RELAXED),
                                         bcemr_buf_span(&c->b->entries[i]), NULL, err);
        c->done += status == BCEMR_OK;
    }
    c->failed = status;
    c->size = ledger_chain_size(chain);
    return c->hides ? BCEMR_OK : status;
}

/* One commit too many is refused by name, and those before it are kept and durable. */
static void too_many_commits(bench *b, bool hides)
{
    committing c = {.b = b, .wanted = LEDGER_ENGINE_COMMITS + 1, .hides = hides};
    ledger_receipt receipt;
    ledger_engine_facts facts;
    bcemr_error err;
    for (uint64_t i = 0; i <= LEDGER_ENGINE_COMMITS; i++)
        revoke(b, i, true);
    open_engine(b);
    assert_int_equal(ledger_engine_run(b->engine, commit_many, &c, &err),
                     hides ? BCEMR_OK : BCEMR_E_BUSY);
    assert_int_equal(c.failed, BCEMR_E_BUSY);
    assert_int_equal(c.done, LEDGER_ENGINE_COMMITS);
    assert_int_equal(c.size, 1 + LEDGER_ENGINE_COMMITS);
    ledger_engine_describe(b->engine, &facts);
    assert_false(facts.stopped);
    assert_int_equal(facts.size, 1 + LEDGER_ENGINE_COMMITS);
    /* The next run, and the next entry, have room again. */
    must(ledger_engine_submit(b->engine, bcemr_buf_span(&b->entries[LEDGER_ENGINE_COMMITS]),
                              &receipt, &err));
    assert_int_equal(receipt.leaf, 1 + LEDGER_ENGINE_COMMITS);
    close_engine(b);
    ledger_chain *chain = reopen(b);
    assert_int_equal(ledger_chain_size(chain), 2 + LEDGER_ENGINE_COMMITS);
    ledger_chain_close(chain);
}

static void work_commits_too_often(void **state)
{
    too_many_commits(*state, false);
}

static void work_hides_that(void **state)
{
    too_many_commits(*state, true);
}

static void work_commits_as_often_as_it_may(void **state)
{
    bench *b = *state;
    committing c = {.b = b, .wanted = LEDGER_ENGINE_COMMITS};
    bcemr_error err;
    for (uint64_t i = 0; i < LEDGER_ENGINE_COMMITS; i++)
        revoke(b, i, true);
    open_engine(b);
    must(ledger_engine_run(b->engine, commit_many, &c, &err));
    assert_int_equal(c.done, LEDGER_ENGINE_COMMITS);
}

/* ---- closing ---- */

typedef struct closer {
    bench *b;
    pthread_t thread;
} closer;

static void *close_it(void *argument)
{
    ledger_engine_close(((closer *)argument)->b->engine);
    return NULL;
}

/* What was taken when it closes is still made durable and answered. */
static void close_while_submitting(void **state)
{
    bench *b = *state;
    static submitter threads[THREADS];
    ledger_engine_facts facts;
    closer c = {.b = b};
    for (uint64_t t = 0; t < THREADS * EACH; t++)
        revoke(b, t, true);
    open_engine(b);
    gate(&b->store, true);
    for (uint64_t t = 0; t < THREADS; t++) {
        threads[t] = (submitter){.b = b, .first = t * EACH};
        assert_int_equal(pthread_create(&threads[t].thread, NULL, submit_each, &threads[t]), 0);
    }
    const time_t began = time(NULL);
    do {
        ledger_engine_describe(b->engine, &facts);
        if (time(NULL) > began + BOUND_SECONDS)
            fail_msg("not all came in");
    } while (facts.waiting < THREADS);
    /* In the end of every thread's list nobody is in the engine: those get E_STATE meanwhile, and
     * finish, unlike close, allows it. */
    gate(&b->store, false);
    ledger_engine_finish(b->engine);
    for (uint64_t t = 0; t < THREADS; t++)
        pthread_join(threads[t].thread, NULL);
    assert_int_equal(pthread_create(&c.thread, NULL, close_it, &c), 0);
    pthread_join(c.thread, NULL);
    b->engine = NULL;
    ledger_chain *chain = reopen(b);
    uint64_t in = 0;
    for (uint64_t i = 0; i < THREADS * EACH; i++) {
        const ledger_receipt *r = &threads[i / EACH].receipts[i % EACH];
        if (i % EACH == 0)
            assert_int_equal(r->status, BCEMR_OK);
        if (r->status == BCEMR_OK) {
            in_log(chain, bcemr_buf_span(&b->entries[i]), r);
            in++;
        } else {
            assert_int_equal(r->status, BCEMR_E_STATE);
        }
    }
    assert_int_equal(ledger_chain_size(chain), 1 + in);
    ledger_chain_close(chain);
}

/* ---- opening ---- */

static bcemr_status open_none(void *user, ledger_state *out, bcemr_error *err)
{
    (void)user;
    *out = (ledger_state){0};
    if (err)
        *err = (bcemr_error){.status = BCEMR_E_IN_USE};
    return BCEMR_E_IN_USE;
}

static void opening(void **state)
{
    bench *b = *state;
    ledger_receipt receipt;
    bcemr_error err;
    ledger_engine_options o = b->options;
    o.now = NULL;
    assert_int_equal(ledger_engine_open(&b->engine, &o, &err), BCEMR_E_ARGUMENT);
    assert_null(b->engine);
    o = b->options;
    o.depth = 99;
    assert_int_equal(ledger_engine_open(&b->engine, &o, &err), BCEMR_E_ARGUMENT);
    o = b->options;
    o.genesis = (bcemr_span){0};
    assert_int_equal(ledger_engine_open(&b->engine, &o, &err), BCEMR_E_NOT_FOUND);
    assert_string_equal(err.object, "genesis");
    b->stores.open_writer = open_none;
    assert_int_equal(ledger_engine_open(&b->engine, &b->options, &err), BCEMR_E_IN_USE);
    b->stores.open_writer = open_one;
    b->store.fail_at = 1;
    assert_int_equal(ledger_engine_open(&b->engine, &b->options, &err), BCEMR_E_FULL);
    open_engine(b);
    must(ledger_engine_submit(b->engine, revoke(b, 0, true), &receipt, &err));
    close_engine(b);
    /* Once begun it needs no genesis, and takes no other. */
    b->options.genesis = (bcemr_span){0};
    open_engine(b);
    assert_int_equal(ledger_engine_submit(b->engine, revoke(b, 0, true), &receipt, &err),
                     BCEMR_E_REFUSED);
    assert_int_equal(err.reason, LEDGER_R_REVOKED_BEFORE);
    close_engine(b);
    ledger_engine_close(NULL);
}

/* ---- rows read or written lately ---- */

static bcemr_status under_get(void *self, ledger_table table, bcemr_span key, bcemr_buf *value)
{
    return ledger_get(self, table, key, value);
}

/* Whatever is read, written and thrown out: a row is the one that lies under. */
static void rows_lately(void **state)
{
    (void)state;
    static const ledger_table tables[] = {LEDGER_VISITS, LEDGER_PROGRESS, LEDGER_NODES};
    ledger_state under;
    ledger_layer *layer;
    engine_cache cache;
    bcemr_buf value = BCEMR_BUF_EMPTY, held = BCEMR_BUF_EMPTY;
    uint32_t seed = 7;
    must(ledger_state_memory(&under));
    must(ledger_layer_new(&layer));
    must(engine_cache_begin(&cache, (ledger_base){under_get, NULL, &under}, 1500));
    for (uint32_t i = 0; i < 20000; i++) {
        seed = seed * 1664525u + 1013904223u;
        const ledger_table table = tables[seed >> 20 & 1 ? 0 : seed >> 21 & 1 ? 1 : 2];
        const uint8_t key = (uint8_t)(seed >> 24);
        const bcemr_span k = bcemr_span_of(&key, 1);
        if (seed >> 16 & 3) {
            const ledger_base base = engine_cache_base(&cache);
            bcemr_status expected = ledger_get(&under, table, k, &held);
            assert_int_equal(base.get(base.self, table, k, &value), expected);
            if (expected == BCEMR_OK)
                assert_true(bcemr_span_equal(bcemr_buf_span(&value), bcemr_buf_span(&held)));
            continue;
        }
        ledger_layer_clear(layer);
        must(ledger_layer_put(layer, table, k, bcemr_span_of(&i, sizeof i)));
        must(under.ops->begin(under.self));
        must(ledger_put(&under, table, k, bcemr_span_of(&i, sizeof i)));
        must(under.ops->commit(under.self));
        engine_cache_renew(&cache, layer);
        assert_true(ledger_layer_bytes(cache.young) <= 750);
    }
    assert_true(ledger_layer_rows(cache.old) > 0);
    engine_cache_free(&cache);
    ledger_layer_free(layer);
    ledger_state_close(&under);
    bcemr_buf_free(&value);
    bcemr_buf_free(&held);
}

/* ---- a database ---- */

/* The story through a database, and a reader beside it that sees what was answered; whoever opens
 * the log later finds all of it. */
static void on_disk(void **state)
{
    bench *b = *state;
    char folder[FOLDER_ROOM], path[FOLDER_ROOM];
    const ledger_sqlite_options sqlite = {.writes = true};
    ledger_engine *second;
    ledger_chain *reader;
    ledger_receipt receipts[64];
    bcemr_error err;
    const uint64_t count = story(b);
    folder_make(folder);
    folder_path(path, folder, "ledger.db");
    b->options.stores = NULL;
    b->options.path = path;
    assert_int_equal(ledger_engine_open(&b->engine, &b->options, &err), BCEMR_E_NOT_FOUND);
    must(ledger_sqlite_create(path, &sqlite, &err));
    open_engine(b);
    assert_int_equal(ledger_engine_open(&second, &b->options, &err), BCEMR_E_IN_USE);
    ledger_chain_options options = {.context = b->w->c.context};
    must(ledger_sqlite_open(path, &(ledger_sqlite_options){0}, &options.state, &err));
    must(ledger_chain_open(&reader, &options, (bcemr_span){0}, &err));
    for (uint64_t i = 0; i < count; i++) {
        must(ledger_engine_submit(b->engine, bcemr_buf_span(&b->entries[i]), &receipts[i], &err));
        assert_true(ledger_chain_size(reader) <= receipts[i].leaf);
        must(ledger_chain_refresh(reader, &err));
        in_log(reader, bcemr_buf_span(&b->entries[i]), &receipts[i]);
    }
    close_engine(b);
    must(ledger_chain_refresh(reader, &err));
    for (uint64_t i = 0; i < count; i++)
        in_log(reader, bcemr_buf_span(&b->entries[i]), &receipts[i]);
    ledger_chain_close(reader);
    open_engine(b);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(
            ledger_engine_submit(b->engine, bcemr_buf_span(&b->entries[i]), &receipts[i], &err),
            BCEMR_E_REFUSED);
    must(ledger_engine_submit(b->engine, revoke(b, 60, true), &receipts[0], &err));
    assert_int_equal(receipts[0].leaf, 1 + count + 1);
    close_engine(b);
    folder_remove(folder);
}

#define ALONE(name) cmocka_unit_test_setup_teardown(name, make_alone, free_bench)
#define PAIRED(name) cmocka_unit_test_setup_teardown(name, make_paired, free_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(many_threads),
        PAIRED(many_threads),
        ALONE(in_order),
        PAIRED(in_order),
        PAIRED(pipeline),
        ALONE(busy),
        PAIRED(busy),
        PAIRED(bounds),
        ALONE(stopped),
        PAIRED(stopped),
        ALONE(time_out_of_range),
        ALONE(clock_behind),
        PAIRED(clock_behind),
        ALONE(work),
        PAIRED(work),
        ALONE(work_commits_as_often_as_it_may),
        PAIRED(work_commits_as_often_as_it_may),
        ALONE(work_commits_too_often),
        PAIRED(work_commits_too_often),
        PAIRED(work_hides_that),
        ALONE(close_while_submitting),
        PAIRED(close_while_submitting),
        PAIRED(reader_stays_behind),
        cmocka_unit_test(rows_lately),
        ALONE(on_disk),
        ALONE(opening),
        PAIRED(opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
