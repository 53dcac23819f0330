/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any sequence of entries through a chain: entries of a history as they were, in another order,
 * again, spliced, cut, with another's signers, or bytes of the input. Whatever comes:
 *
 *   - checking a block says what making it then does, and changes no row;
 *   - a block that takes nothing changes no row, and root, height and time stay;
 *   - one that takes some ends one block further, at a later time, with so many leaves more;
 *   - the entries that were taken, played on another chain at the same height and time, give the
 *     same rows: what was refused left nothing behind.
 */
#include "fuzz.h"

#include "ledger/chain/chain.h"
#include "support/model/maker.h"

#include <string.h>

#define HISTORY 240
#define BLOCK_MAX 16
#define BASES 4
#define OPERATIONS_MAX 256

/* ---- a history, and states on its way ---- */

typedef struct turning {
    ledger_state now; /* taken back to a base behind the chain's back */
} turning;

static bcemr_buf history[HISTORY];
static int64_t taus[HISTORY];
static consortium members;
static ledger_state bases[BASES];
static turning states[2];
static ledger_chain *chains[2]; /* the one that is tried, and its mirror */

static bcemr_status turning_get(void *self, ledger_table table, bcemr_span key, bcemr_buf *value)
{
    const turning *t = self;
    return t->now.ops->get(t->now.self, table, key, value);
}

static bcemr_status turning_put(void *self, ledger_table table, bcemr_span key, bcemr_span value)
{
    const turning *t = self;
    return t->now.ops->put(t->now.self, table, key, value);
}

static bcemr_status turning_scan(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                                 ledger_row_visitor visit, void *user)
{
    const turning *t = self;
    return t->now.ops->scan(t->now.self, table, prefix, from, visit, user);
}

#define FORWARD(name)                                                                              \
    static bcemr_status turning_##name(void *self)                                                 \
    {                                                                                              \
        const turning *t = self;                                                                   \
        return t->now.ops->name(t->now.self);                                                      \
    }
FORWARD(begin)
FORWARD(mark)
FORWARD(keep)
FORWARD(undo)
FORWARD(commit)

static void turning_rollback(void *self)
{
    const turning *t = self;
    t->now.ops->rollback(t->now.self);
}

static void turning_close(void *self)
{
    turning *t = self;
    ledger_state_close(&t->now);
}

static const ledger_state_ops turning_ops = {
    .get = turning_get,
    .put = turning_put,
    .scan = turning_scan,
    .begin = turning_begin,
    .mark = turning_mark,
    .keep = turning_keep,
    .undo = turning_undo,
    .commit = turning_commit,
    .rollback = turning_rollback,
    .close = turning_close,
};

typedef struct copying {
    ledger_state *to;
    ledger_table table;
} copying;

static bcemr_status copy_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    const copying *c = user;
    (void)more;
    return ledger_put(c->to, c->table, key, value);
}

static void copy_state(const ledger_state *from, ledger_state *to)
{
    copying c = {to, 0};
    must(ledger_state_memory(to));
    must(to->ops->begin(to->self));
    for (; c.table < LEDGER_TABLE_COUNT; c.table++)
        must(ledger_scan(from, c.table, (bcemr_span){0}, (bcemr_span){0}, copy_row, &c));
    must(to->ops->commit(to->self));
}

static void make_history(void)
{
    static model m;
    static maker mk;
    static maker_pool pool;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    uint64_t count = 0;
    consortium_begin(&members);
    model_begin(&m, &pool.signatures, bcemr_buf_span(&members.signed_genesis));
    maker_begin(&mk, &pool, &members, &m, 5);
    mk.calm = true;
    while (count < HISTORY) {
        model_answer answer;
        model_open_block(&m, m.tau > 0 ? m.tau + 1000 : 1700000000000);
        for (int i = 0; i < 4 && count < HISTORY; i++) {
            (void)maker_next(&mk, &entry);
            model_apply(&m, bcemr_buf_span(&entry), &answer);
            if (answer.count > 0)
                continue;
            taus[count] = m.next_tau;
            must(bcemr_buf_append(&history[count++], bcemr_buf_span(&entry)));
        }
        model_close_block(&m);
    }
    maker_end(&mk);
    model_end(&m);
    maker_pool_free(&pool);
    bcemr_buf_free(&entry);
}

static void begin(void)
{
    make_history();
    for (int i = 0; i < 2; i++) {
        ledger_chain_options options = {.context = members.context,
                                        .state = {&turning_ops, &states[i]}};
        must(ledger_state_memory(&states[i].now));
        must(
            ledger_chain_open(&chains[i], &options, bcemr_buf_span(&members.signed_genesis), NULL));
    }
    for (uint64_t i = 0, base = 0; base < BASES; base++) {
        for (; i < base * HISTORY / BASES; i++)
            must(ledger_chain_submit_one(chains[0], taus[i], bcemr_buf_span(&history[i]), NULL,
                                         NULL));
        copy_state(&states[0].now, &bases[base]);
    }
}

static void turn_back(uint64_t base)
{
    for (int i = 0; i < 2; i++) {
        ledger_state_close(&states[i].now);
        copy_state(&bases[base], &states[i].now);
        must(ledger_chain_refresh(chains[i], NULL));
    }
}

/* ---- all rows, as one hash ---- */

static bcemr_status hash_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    bcemr_hash parts[3], *all = user;
    (void)more;
    parts[0] = *all;
    bcemr_sha256(key, &parts[1]);
    bcemr_sha256(value, &parts[2]);
    bcemr_sha256(bcemr_span_of(parts, sizeof parts), all);
    return BCEMR_OK;
}

static bcemr_hash rows(int of)
{
    bcemr_hash all = {{0}};
    for (ledger_table t = 0; t < LEDGER_TABLE_COUNT; t++)
        must(ledger_scan(&states[of].now, t, (bcemr_span){0}, (bcemr_span){0}, hash_row, &all));
    return all;
}

static bool same(const bcemr_hash *a, const bcemr_hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- a block ---- */

typedef struct batch {
    bcemr_buf entries[BLOCK_MAX];
    uint64_t count;
    int64_t clock;
} batch;

static void agree(const ledger_outcome *checked, const ledger_outcome *made)
{
    MUST(checked->status == made->status);
    MUST(made->status == BCEMR_OK || made->status == BCEMR_E_REFUSED);
    MUST(made->status == BCEMR_OK ? made->reason == 0 : made->reason == checked->reason);
    MUST(made->status == BCEMR_OK || strcmp(ledger_reason_name(made->reason), "UNKNOWN") != 0);
}

static void make_block(batch *b)
{
    bcemr_span spans[BLOCK_MAX], taken[BLOCK_MAX];
    ledger_outcome checked[BLOCK_MAX], made[BLOCK_MAX];
    uint64_t accepted = 0, size = ledger_chain_size(chains[0]);
    uint64_t height = ledger_chain_height(chains[0]);
    int64_t tau = ledger_chain_tau(chains[0]);
    for (uint64_t i = 0; i < b->count; i++)
        spans[i] = bcemr_buf_span(&b->entries[i]);
    memset(checked, 0, sizeof checked);
    memset(made, 0, sizeof made);
    const bcemr_hash before = rows(0);
    must(ledger_chain_check(chains[0], b->clock, spans, b->count, checked, NULL));
    bcemr_hash after = rows(0);
    MUST(same(&before, &after));
    must(ledger_chain_submit(chains[0], b->clock, spans, b->count, made, NULL));
    for (uint64_t i = 0; i < b->count; i++) {
        agree(&checked[i], &made[i]);
        if (made[i].status == BCEMR_OK)
            taken[accepted++] = spans[i];
    }
    after = rows(0);
    if (accepted == 0) {
        MUST(same(&before, &after) && ledger_chain_size(chains[0]) == size);
        MUST(ledger_chain_height(chains[0]) == height && ledger_chain_tau(chains[0]) == tau);
    } else {
        MUST(ledger_chain_size(chains[0]) >= size + accepted);
        MUST(ledger_chain_height(chains[0]) == height + 1 && ledger_chain_tau(chains[0]) > tau);
        must(ledger_chain_replay(chains[1], height + 1, ledger_chain_tau(chains[0]), taken,
                                 accepted, NULL));
        const bcemr_hash mirrored = rows(1);
        MUST(same(&mirrored, &after));
    }
    b->count = 0;
}

/* ---- what the input says ---- */

static const uint8_t *input;
static size_t input_left;

static uint64_t take(size_t n)
{
    uint64_t number = 0;
    for (; n > 0 && input_left > 0; n--, input_left--)
        number = number << 8 | *input++;
    return number;
}

static const bcemr_buf *some_entry(void)
{
    return &history[take(1) % HISTORY];
}

/* A piece of another entry in place of one. */
static void splice(bcemr_buf *entry)
{
    const bcemr_buf *from = some_entry();
    uint64_t at = take(2) % entry->n, source = take(2) % from->n, n = take(1);
    n = n < entry->n - at ? n : entry->n - at;
    n = n < from->n - source ? n : from->n - source;
    memcpy(entry->p + at, from->p + source, (size_t)n);
}

static void graft(bcemr_buf *entry)
{
    bcemr_tr_signed one, other;
    bcemr_buf made = BCEMR_BUF_EMPTY;
    if (bcemr_read_signed(bcemr_buf_span(entry), &one, NULL) == BCEMR_OK &&
        bcemr_read_signed(bcemr_buf_span(some_entry()), &other, NULL) == BCEMR_OK) {
        one.signers = other.signers;
        must(bcemr_write_signed(&one, &made, NULL));
        must(bcemr_buf_set(entry, bcemr_buf_span(&made)));
    }
    bcemr_buf_free(&made);
}

static void add(batch *b, uint64_t how)
{
    bcemr_buf *entry = &b->entries[b->count];
    if (b->count == BLOCK_MAX)
        return;
    must(bcemr_buf_set(entry, bcemr_buf_span(some_entry())));
    switch (how) {
    case 1:
        splice(entry);
        break;
    case 2:
        entry->p[take(2) % entry->n] ^= (uint8_t)take(1);
        break;
    case 3:
        entry->n = take(2) % entry->n;
        break;
    case 4:
        graft(entry);
        break;
    case 5: { /* what the input says */
        uint64_t n = take(1);
        n = n < input_left ? n : input_left;
        must(bcemr_buf_set(entry, bcemr_span_of(input, n)));
        input += n;
        input_left -= (size_t)n;
        break;
    }
    default:
        break;
    }
    b->count++;
}

/* A stretch of the history, block for block, where it was or later. */
static void run_history(batch *b)
{
    uint64_t at = take(1) % HISTORY, end = at + take(1) % 32;
    for (; at < end && at < HISTORY; at++) {
        if (b->count == BLOCK_MAX || (b->count > 0 && taus[at] > b->clock))
            make_block(b);
        if (taus[at] > b->clock)
            b->clock = taus[at];
        must(bcemr_buf_set(&b->entries[b->count++], bcemr_buf_span(&history[at])));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool begun;
    batch b = {.count = 0};
    if (!begun)
        begin();
    begun = true;
    input = data;
    input_left = size;
    turn_back(take(1) % BASES);
    b.clock = ledger_chain_tau(chains[0]) > 0 ? ledger_chain_tau(chains[0]) : taus[0];
    for (int n = 0; n < OPERATIONS_MAX && input_left > 0; n++) {
        uint64_t how = take(1) % 10;
        if (how < 6) {
            add(&b, how);
        } else if (how == 6) {
            run_history(&b);
        } else { /* the block ends; later, a second later, or with a clock that fell behind */
            make_block(&b);
            b.clock += how == 7   ? (int64_t)take(2) * 1000
                       : how == 8 ? 1000
                                  : -(int64_t)take(2) * 10;
        }
    }
    make_block(&b);
    for (int i = 0; i < BLOCK_MAX; i++)
        bcemr_buf_free(&b.entries[i]);
    return 0;
}
