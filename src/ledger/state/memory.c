/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state in memory: a treap a table, its priorities derived from the keys (so that the same rows
 * make the same tree), and a journal of what was there before, for undo. An insertion that is
 * undone takes its node out again: what is refused leaves nothing.
 */
#include "ledger/state/state.h"
#include "wire/error.h"

#include <string.h>

typedef struct row {
    struct row *left, *right;
    uint64_t priority;
    bcemr_buf value;
    uint64_t key_length;
    uint8_t key[];
} row;

/* What a row held before a put. */
typedef struct change {
    row *changed;
    bool inserted; /* by this put, into table; was is empty */
    ledger_table table;
    bcemr_buf was;
} change;

typedef struct memory {
    row *tables[LEDGER_TABLE_COUNT];
    change *journal;
    uint64_t changes, room;
    uint64_t marked;
    uint64_t rows; /* nodes of all tables */
    bool open;     /* in a transaction */
} memory;

static uint64_t priority_of(bcemr_span key)
{
    /* FNV-1a, then mixed: neighbours must not get neighbouring priorities. */
    uint64_t h = 14695981039346656037u;
    for (uint64_t i = 0; i < key.n; i++)
        h = (h ^ key.p[i]) * 1099511628211u;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

static bcemr_span key_of(const row *r)
{
    return bcemr_span_of(r->key, r->key_length);
}

static row *find(row *r, bcemr_span key)
{
    while (r) {
        int order = bcemr_span_compare(key, key_of(r));
        if (order == 0)
            return r;
        r = order < 0 ? r->left : r->right;
    }
    return NULL;
}

/* Takes tree apart into what is below key and what is above. */
static void cut(row *tree, bcemr_span key, row **below, row **above)
{
    while (tree) {
        if (bcemr_span_compare(key_of(tree), key) < 0) {
            *below = tree;
            below = &tree->right;
            tree = tree->right;
        } else {
            *above = tree;
            above = &tree->left;
            tree = tree->left;
        }
    }
    *below = NULL;
    *above = NULL;
}

static row *insert(row **root, bcemr_span key)
{
    row *fresh = bcemr_allocate(sizeof *fresh + key.n);
    if (!fresh)
        return NULL;
    fresh->key_length = key.n;
    if (key.n > 0)
        memcpy(fresh->key, key.p, (size_t)key.n);
    fresh->priority = priority_of(key);
    row **at = root;
    while (*at && (*at)->priority >= fresh->priority)
        at = bcemr_span_compare(key, key_of(*at)) < 0 ? &(*at)->left : &(*at)->right;
    cut(*at, key, &fresh->left, &fresh->right);
    *at = fresh;
    return fresh;
}

/* Two trees as one, all keys of the first below those of the second. */
static row *join(row *below, row *above)
{
    row *joined = NULL, **at = &joined;
    while (below && above) {
        if (below->priority >= above->priority) {
            *at = below;
            at = &below->right;
            below = below->right;
        } else {
            *at = above;
            at = &above->left;
            above = above->left;
        }
    }
    *at = below ? below : above;
    return joined;
}

/* Takes a node out of its tree and frees it. */
static void take_out(row **root, row *r)
{
    row **at = root;
    while (*at != r)
        at = bcemr_span_compare(key_of(r), key_of(*at)) < 0 ? &(*at)->left : &(*at)->right;
    *at = join(r->left, r->right);
    bcemr_buf_free(&r->value);
    bcemr_release(r);
}

static bcemr_status get(void *self, ledger_table table, bcemr_span key, bcemr_buf *value)
{
    const memory *m = self;
    const row *r = find(m->tables[table], key);
    if (!r)
        return BCEMR_E_NOT_FOUND;
    return bcemr_buf_set(value, bcemr_buf_span(&r->value));
}

/* Room in the journal for one change more. */
static bcemr_status make_room(memory *m)
{
    if (m->changes < m->room)
        return BCEMR_OK;
    uint64_t room = m->room ? 2 * m->room : 256;
    change *more = bcemr_allocate(room * sizeof *more);
    if (!more)
        return BCEMR_E_NO_MEMORY;
    if (m->changes > 0)
        memcpy(more, m->journal, (size_t)(m->changes * sizeof *more));
    bcemr_release(m->journal);
    m->journal = more;
    m->room = room;
    return BCEMR_OK;
}

static void step_back(memory *m)
{
    change *c = &m->journal[--m->changes];
    if (c->inserted) {
        take_out(&m->tables[c->table], c->changed);
        m->rows--;
        return;
    }
    bcemr_buf_free(&c->changed->value);
    c->changed->value = c->was;
}

static bcemr_status put(void *self, ledger_table table, bcemr_span key, bcemr_span value)
{
    bcemr_status status = BCEMR_OK;
    memory *m = self;
    bcemr_buf copy = BCEMR_BUF_EMPTY;
    if (!m->open)
        return BCEMR_E_STATE;
    TRY(bcemr_buf_append(&copy, value));
    TRY(make_room(m));
    row *r = find(m->tables[table], key);
    bool inserted = !r;
    if (!r)
        r = insert(&m->tables[table], key);
    if (!r) {
        status = BCEMR_E_NO_MEMORY;
        goto out;
    }
    m->rows += inserted;
    m->journal[m->changes++] = (change){r, inserted, table, r->value};
    r->value = copy;
    copy = BCEMR_BUF_EMPTY;
out:
    bcemr_buf_free(&copy);
    return status;
}

static bool starts_with(bcemr_span key, bcemr_span prefix)
{
    return key.n >= prefix.n && (prefix.n == 0 || memcmp(key.p, prefix.p, (size_t)prefix.n) == 0);
}

/* A walk in order with the rows still to come on a stack; depth is logarithmic but for an
 * adversary who chooses keys by their priorities, so the stack grows. */
typedef struct waiting {
    const row *next;
} waiting;

typedef struct walk {
    waiting *rows;
    uint64_t count, room;
} walk;

static bcemr_status push(walk *w, const row *r)
{
    if (w->count == w->room) {
        uint64_t room = w->room ? 2 * w->room : 64;
        waiting *more = bcemr_allocate(room * sizeof *more);
        if (!more)
            return BCEMR_E_NO_MEMORY;
        if (w->count > 0)
            memcpy(more, w->rows, (size_t)(w->count * sizeof *more));
        bcemr_release(w->rows);
        w->rows = more;
        w->room = room;
    }
    w->rows[w->count++].next = r;
    return BCEMR_OK;
}

/* The leftmost way down to rows not below from. */
static bcemr_status descend(walk *w, const row *r, bcemr_span from)
{
    bcemr_status status = BCEMR_OK;
    while (r) {
        if (bcemr_span_compare(key_of(r), from) >= 0) {
            TRY(push(w, r));
            r = r->left;
        } else {
            r = r->right;
        }
    }
out:
    return status;
}

static bcemr_status scan(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                         ledger_row_visitor visit, void *user)
{
    bcemr_status status = BCEMR_OK;
    const memory *m = self;
    walk w = {0};
    bool more = true;
    bcemr_span start = bcemr_span_compare(prefix, from) > 0 ? prefix : from;
    TRY(descend(&w, m->tables[table], start));
    while (more && w.count > 0) {
        const row *r = w.rows[--w.count].next;
        if (!starts_with(key_of(r), prefix))
            break;
        TRY(visit(user, key_of(r), bcemr_buf_span(&r->value), &more));
        TRY(descend(&w, r->right, start));
    }
out:
    bcemr_release(w.rows);
    return status;
}

static bcemr_status begin(void *self)
{
    memory *m = self;
    if (m->open)
        return BCEMR_E_STATE;
    m->open = true;
    m->marked = 0;
    return BCEMR_OK;
}

static bcemr_status mark(void *self)
{
    memory *m = self;
    if (!m->open)
        return BCEMR_E_STATE;
    m->marked = m->changes;
    return BCEMR_OK;
}

static bcemr_status keep(void *self)
{
    return mark(self);
}

static bcemr_status undo(void *self)
{
    memory *m = self;
    if (!m->open)
        return BCEMR_E_STATE;
    while (m->changes > m->marked)
        step_back(m);
    return BCEMR_OK;
}

static bcemr_status commit(void *self)
{
    memory *m = self;
    if (!m->open)
        return BCEMR_E_STATE;
    for (uint64_t i = 0; i < m->changes; i++)
        bcemr_buf_free(&m->journal[i].was);
    m->changes = 0;
    m->open = false;
    return BCEMR_OK;
}

static void rollback(void *self)
{
    memory *m = self;
    while (m->changes > 0)
        step_back(m);
    m->open = false;
}

/* By rotations, so that no stack is needed. */
static void free_tree(row *r)
{
    while (r) {
        if (r->left) {
            row *left = r->left;
            r->left = left->right;
            left->right = r;
            r = left;
        } else {
            row *right = r->right;
            bcemr_buf_free(&r->value);
            bcemr_release(r);
            r = right;
        }
    }
}

static void close_memory(void *self)
{
    memory *m = self;
    rollback(m);
    for (int t = 0; t < LEDGER_TABLE_COUNT; t++)
        free_tree(m->tables[t]);
    bcemr_release(m->journal);
    bcemr_release(m);
}

static const ledger_state_ops memory_ops = {get,  put,  scan,   begin,    mark,
                                            keep, undo, commit, rollback, close_memory};

uint64_t ledger_state_memory_rows(const ledger_state *state)
{
    return ((const memory *)state->self)->rows;
}

bcemr_status ledger_state_memory(ledger_state *out)
{
    *out = (ledger_state){0};
    memory *m = bcemr_allocate(sizeof *m);
    if (!m)
        return BCEMR_E_NO_MEMORY;
    *out = (ledger_state){&memory_ops, m};
    return BCEMR_OK;
}
