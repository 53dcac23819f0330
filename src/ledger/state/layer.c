/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A skip list a table, its rows and values in blocks of a few sizes, cut from chunks. A row's
 * height hangs on where the layer lies in memory, so that nobody outside can choose keys that make
 * a list long to walk; what is found never hangs on it.
 */
#include "ledger/state/layer.h"
#include "wire/error.h"

#include <string.h>

#define HEIGHTS 12 /* one row in four rises: enough for millions */
#define CLASSES 48 /* class c: blocks of 2^c bytes */
#define FIRST_CLASS 5
#define CHUNK_LEAST ((uint64_t)32 << 10)
#define CHUNK_MOST ((uint64_t)4 << 20)

/* Bytes in a block of the layer. */
typedef struct held {
    uint8_t *p;
    uint32_t n;
    uint8_t block; /* its class */
} held;

struct ledger_layer_row {
    held value;
    uint32_t key_length;
    uint8_t height;
    uint8_t block;
    ledger_layer_row *next[]; /* height of them, then the key */
};

/* What a row held before a put. */
typedef struct change {
    ledger_layer_row *changed;
    held was;
    ledger_table table;
    bool inserted; /* by this put; was is empty */
} change;

typedef struct chunk {
    struct chunk *before;
    uint64_t room, used; /* of the bytes that follow */
} chunk;

typedef struct block_free {
    struct block_free *next;
} block_free;

struct ledger_layer {
    ledger_layer_row *tables[LEDGER_TABLE_COUNT][HEIGHTS];
    block_free *spare[CLASSES];
    chunk *chunks; /* the newest first */
    change *journal;
    uint64_t changes, room, marked;
    uint64_t rows, bytes;
    uint64_t seed;
};

/* ---- space ---- */

static uint8_t class_of(uint64_t n)
{
    uint8_t c = FIRST_CLASS;
    while (((uint64_t)1 << c) < n)
        c++;
    return c;
}

static bool add_chunk(ledger_layer *layer, uint64_t least)
{
    uint64_t room = layer->chunks ? 2 * layer->chunks->room : CHUNK_LEAST;
    if (room > CHUNK_MOST)
        room = CHUNK_MOST;
    if (room < least)
        room = least;
    chunk *fresh = bcemr_allocate(sizeof *fresh + room);
    if (!fresh)
        return false;
    fresh->room = room;
    fresh->before = layer->chunks;
    layer->chunks = fresh;
    return true;
}

/* A block of n bytes or more, NULL without memory. To a test that lets the n-th allocation fail,
 * every block is one. */
static void *take(ledger_layer *layer, uint64_t n, uint8_t *block)
{
    uint8_t c = class_of(n);
    uint64_t size = (uint64_t)1 << c;
    *block = c;
    if (WIRE_ALLOCATION_FAILS())
        return NULL;
    block_free *spare = layer->spare[c];
    if (spare) {
        layer->spare[c] = spare->next;
        return spare;
    }
    if ((!layer->chunks || layer->chunks->room - layer->chunks->used < size) &&
        !add_chunk(layer, size))
        return NULL;
    uint8_t *p = (uint8_t *)(layer->chunks + 1) + layer->chunks->used;
    layer->chunks->used += size;
    return p;
}

static void give_back(ledger_layer *layer, void *p, uint8_t block)
{
    if (!p)
        return;
    block_free *spare = p;
    spare->next = layer->spare[block];
    layer->spare[block] = spare;
}

static void free_chunks(chunk *c)
{
    while (c) {
        chunk *before = c->before;
        bcemr_release(c);
        c = before;
    }
}

/* ---- a table's list ---- */

static bcemr_span key_of(const ledger_layer_row *row)
{
    return bcemr_span_of((const uint8_t *)(row->next + row->height), row->key_length);
}

/* The last row below key at each height, as the place that points to what follows it. */
static void places(const ledger_layer *layer, ledger_table table, bcemr_span key,
                   ledger_layer_row **out[HEIGHTS])
{
    ledger_layer_row **at = (ledger_layer_row **)(uintptr_t)layer->tables[table];
    for (int h = HEIGHTS - 1; h >= 0; h--) {
        while (at[h] && bcemr_span_compare(key_of(at[h]), key) < 0)
            at = at[h]->next;
        out[h] = &at[h];
    }
}

/* The first row not below key. */
static ledger_layer_row *first_from(const ledger_layer *layer, ledger_table table, bcemr_span key)
{
    ledger_layer_row *const *at = layer->tables[table];
    for (int h = HEIGHTS - 1; h >= 0; h--)
        while (at[h] && bcemr_span_compare(key_of(at[h]), key) < 0)
            at = at[h]->next;
    return at[0];
}

static ledger_layer_row *find(const ledger_layer *layer, ledger_table table, bcemr_span key)
{
    ledger_layer_row *row = first_from(layer, table, key);
    return row && bcemr_span_equal(key_of(row), key) ? row : NULL;
}

static uint8_t draw_height(ledger_layer *layer)
{
    /* xorshift; the seed is never 0. */
    layer->seed ^= layer->seed << 13;
    layer->seed ^= layer->seed >> 7;
    layer->seed ^= layer->seed << 17;
    uint64_t bits = layer->seed >> 16;
    uint8_t height = 1;
    while (height < HEIGHTS && (bits & 3) == 0) {
        height++;
        bits >>= 2;
    }
    return height;
}

/* A row between those that at points past (places). */
static ledger_layer_row *insert(ledger_layer *layer, bcemr_span key, ledger_layer_row **at[HEIGHTS])
{
    uint8_t height = draw_height(layer), block;
    ledger_layer_row *row =
        take(layer, sizeof *row + height * sizeof(ledger_layer_row *) + key.n, &block);
    if (!row)
        return NULL;
    *row = (ledger_layer_row){.key_length = (uint32_t)key.n, .height = height, .block = block};
    if (key.n > 0)
        memcpy((uint8_t *)(row->next + height), key.p, (size_t)key.n);
    for (int h = 0; h < height; h++) {
        row->next[h] = *at[h];
        *at[h] = row;
    }
    layer->rows++;
    layer->bytes += key.n;
    return row;
}

static void take_out(ledger_layer *layer, ledger_table table, ledger_layer_row *row)
{
    ledger_layer_row **at[HEIGHTS];
    places(layer, table, key_of(row), at);
    for (int h = 0; h < row->height; h++)
        *at[h] = row->next[h];
    layer->rows--;
    layer->bytes -= row->key_length;
    give_back(layer, row, row->block);
}

/* ---- changes ---- */

/* Room in the journal for one change more. */
static bcemr_status make_room(ledger_layer *layer)
{
    if (layer->changes < layer->room)
        return BCEMR_OK;
    uint64_t room = layer->room ? 2 * layer->room : 256;
    change *more = bcemr_allocate(room * sizeof *more);
    if (!more)
        return BCEMR_E_NO_MEMORY;
    if (layer->changes > 0)
        memcpy(more, layer->journal, (size_t)(layer->changes * sizeof *more));
    bcemr_release(layer->journal);
    layer->journal = more;
    layer->room = room;
    return BCEMR_OK;
}

bcemr_status ledger_layer_put(ledger_layer *layer, ledger_table table, bcemr_span key,
                              bcemr_span value)
{
    bcemr_status status = BCEMR_OK;
    held fresh;
    ledger_layer_row **at[HEIGHTS];
    if (key.n > UINT32_MAX || value.n > UINT32_MAX)
        return BCEMR_E_TOO_LONG;
    TRY(make_room(layer));
    fresh.n = (uint32_t)value.n;
    fresh.p = take(layer, value.n, &fresh.block);
    if (!fresh.p)
        return BCEMR_E_NO_MEMORY;
    if (value.n > 0)
        memcpy(fresh.p, value.p, (size_t)value.n);
    places(layer, table, key, at);
    ledger_layer_row *row = *at[0];
    const bool inserted = !row || !bcemr_span_equal(key_of(row), key);
    if (inserted)
        row = insert(layer, key, at);
    if (!row) {
        give_back(layer, fresh.p, fresh.block);
        return BCEMR_E_NO_MEMORY;
    }
    layer->journal[layer->changes++] = (change){row, row->value, table, inserted};
    layer->bytes += value.n - row->value.n;
    row->value = fresh;
out:
    return status;
}

static void step_back(ledger_layer *layer)
{
    change *c = &layer->journal[--layer->changes];
    layer->bytes -= c->changed->value.n;
    give_back(layer, c->changed->value.p, c->changed->value.block);
    c->changed->value = c->was;
    layer->bytes += c->was.n;
    if (c->inserted)
        take_out(layer, c->table, c->changed);
}

void ledger_layer_mark(ledger_layer *layer)
{
    layer->marked = layer->changes;
}

void ledger_layer_undo(ledger_layer *layer)
{
    while (layer->changes > layer->marked)
        step_back(layer);
}

void ledger_layer_revert(ledger_layer *layer)
{
    layer->marked = 0;
    ledger_layer_undo(layer);
}

void ledger_layer_settle(ledger_layer *layer)
{
    for (uint64_t i = 0; i < layer->changes; i++)
        give_back(layer, layer->journal[i].was.p, layer->journal[i].was.block);
    layer->changes = 0;
    layer->marked = 0;
}

/* ---- the whole ---- */

bcemr_status ledger_layer_new(ledger_layer **out)
{
    ledger_layer *layer = bcemr_allocate(sizeof *layer);
    *out = layer;
    if (!layer)
        return BCEMR_E_NO_MEMORY;
    layer->seed = ((uint64_t)(uintptr_t)layer * 0x9e3779b97f4a7c15u) | 1;
    return BCEMR_OK;
}

void ledger_layer_free(ledger_layer *layer)
{
    if (!layer)
        return;
    free_chunks(layer->chunks);
    bcemr_release(layer->journal);
    bcemr_release(layer);
}

void ledger_layer_clear(ledger_layer *layer)
{
    chunk *kept = layer->chunks;
    if (kept && kept->room <= CHUNK_MOST) {
        free_chunks(kept->before);
        kept->before = NULL;
        kept->used = 0;
    } else {
        free_chunks(kept);
        kept = NULL;
    }
    *layer = (ledger_layer){
        .chunks = kept, .journal = layer->journal, .room = layer->room, .seed = layer->seed};
}

bool ledger_layer_find(const ledger_layer *layer, ledger_table table, bcemr_span key,
                       bcemr_span *value)
{
    const ledger_layer_row *row = find(layer, table, key);
    if (row)
        *value = ledger_layer_value(row);
    return row != NULL;
}

uint64_t ledger_layer_rows(const ledger_layer *layer)
{
    return layer->rows;
}

uint64_t ledger_layer_bytes(const ledger_layer *layer)
{
    return layer->bytes;
}

uint64_t ledger_layer_room(const ledger_layer *layer)
{
    uint64_t room = 0;
    for (const chunk *c = layer->chunks; c; c = c->before)
        room += c->room;
    return room;
}

const ledger_layer_row *ledger_layer_from(const ledger_layer *layer, ledger_table table,
                                          bcemr_span from)
{
    return first_from(layer, table, from);
}

const ledger_layer_row *ledger_layer_next(const ledger_layer_row *row)
{
    return row->next[0];
}

bcemr_span ledger_layer_key(const ledger_layer_row *row)
{
    return key_of(row);
}

bcemr_span ledger_layer_value(const ledger_layer_row *row)
{
    return bcemr_span_of(row->value.p, row->value.n);
}
