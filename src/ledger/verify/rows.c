/* SPDX-License-Identifier: Apache-2.0 */
/* Tables side by side, in order of keys, a chunk of rows of each at a time. */
#include "ledger/verify/parts.h"

#define CHUNK ((uint64_t)256 << 10) /* bytes of rows, at least one row */

/* ---- a cursor over a table ---- */

typedef struct cursor {
    const ledger_state *state;
    ledger_table table;
    bcemr_buf rows; /* length and bytes of key and value, one row after the other */
    uint64_t at;
    bcemr_buf last; /* the last key that was read: the next chunk goes on behind it */
    bool begun, ended;
    bcemr_span key, value; /* of the row that stands now */
    bool any;
} cursor;

static bcemr_status add_part(bcemr_buf *rows, bcemr_span part)
{
    bcemr_status status = BCEMR_OK;
    uint8_t length[8];
    bcemr_store_u64(length, part.n);
    TRY(bcemr_buf_append(rows, bcemr_span_of(length, sizeof length)));
    TRY(bcemr_buf_append(rows, part));
out:
    return status;
}

static bcemr_status read_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    bcemr_status status = BCEMR_OK;
    cursor *c = user;
    if (c->begun && bcemr_span_equal(key, bcemr_buf_span(&c->last)))
        return BCEMR_OK; /* the scan begins with the last one */
    TRY(add_part(&c->rows, key));
    TRY(add_part(&c->rows, value));
    TRY(bcemr_buf_set(&c->last, key));
    c->begun = true;
    *more = c->rows.n < CHUNK;
out:
    return status;
}

static bcemr_status fill(cursor *c)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf from = BCEMR_BUF_EMPTY;
    bcemr_buf_clear(&c->rows);
    c->at = 0;
    TRY(bcemr_buf_set(&from, bcemr_buf_span(&c->last)));
    TRY(ledger_scan(c->state, c->table, (bcemr_span){0}, bcemr_buf_span(&from), read_row, c));
    c->ended = c->rows.n < CHUNK;
out:
    bcemr_buf_free(&from);
    return status;
}

static bcemr_span take_part(cursor *c)
{
    const bcemr_span part = bcemr_span_of(c->rows.p + c->at + 8, bcemr_load_u64(c->rows.p + c->at));
    c->at += 8 + part.n;
    return part;
}

/* The next row, or none: then any is false. */
static bcemr_status step(cursor *c)
{
    bcemr_status status = BCEMR_OK;
    if (c->at == c->rows.n && !c->ended)
        TRY(fill(c));
    c->any = c->at < c->rows.n;
    if (c->any) {
        c->key = take_part(c);
        c->value = take_part(c);
    }
out:
    return status;
}

static void cursor_free(cursor *c)
{
    bcemr_buf_free(&c->rows);
    bcemr_buf_free(&c->last);
}

/* ---- side by side ---- */

static bcemr_status step_kept(cursor *kept, ledger_bad *bad)
{
    bcemr_status status = step(kept);
    if (status != BCEMR_OK)
        status = verify_unread(bad, kept->table, bcemr_buf_span(&kept->last), status);
    return status;
}

/* The rows that stand: which of the two comes first, and what that means. */
static bcemr_status compare(const cursor *kept, const cursor *derived, int *order, ledger_bad *bad)
{
    *order = !kept->any ? 1 : !derived->any ? -1 : bcemr_span_compare(kept->key, derived->key);
    if (!BCEMR_HOLDS(BCEMR_BAD_DATABASE, *order >= 0))
        return verify_bad_row(bad, kept->table, kept->key, LEDGER_ROW_ADDITIONAL);
    if (!BCEMR_HOLDS(BCEMR_BAD_DATABASE, *order <= 0))
        return verify_bad_row(bad, kept->table, derived->key, LEDGER_ROW_MISSING);
    if (*order == 0 &&
        !BCEMR_HOLDS(BCEMR_BAD_DATABASE, bcemr_span_equal(kept->value, derived->value)))
        return verify_bad_row(bad, kept->table, kept->key, LEDGER_ROW_DIFFERENT);
    return BCEMR_OK;
}

bcemr_status verify_same_rows(const ledger_state *kept, const ledger_state *derived,
                              ledger_table table, ledger_bad *bad, uint64_t *rows)
{
    bcemr_status status = BCEMR_OK;
    cursor ours = {.state = kept, .table = table}, made = {.state = derived, .table = table};
    TRY(step_kept(&ours, bad));
    TRY(step(&made));
    while (ours.any || made.any) {
        int order = 0;
        TRY(compare(&ours, &made, &order, bad));
        (*rows)++;
        if (order <= 0)
            TRY(step_kept(&ours, bad));
        if (order >= 0)
            TRY(step(&made));
    }
out:
    cursor_free(&ours);
    cursor_free(&made);
    return status;
}

/* ---- what lies beyond the tree ---- */

typedef struct beyond {
    ledger_table table;
    uint64_t size;
    ledger_bad *bad;
    ledger_key last;
} beyond;

static uint64_t number_of(bcemr_span key, uint64_t at)
{
    uint64_t number = 0;
    for (uint64_t i = at; i < at + 8; i++)
        number = number << 8 | key.p[i];
    return number;
}

static bool in_tree(ledger_table table, bcemr_span key, uint64_t size)
{
    if (table == LEDGER_LEAVES)
        return key.n == 8 && number_of(key, 0) < size;
    if (key.n != 16 || number_of(key, 0) > 62)
        return false;
    return number_of(key, 8) < size >> number_of(key, 0);
}

static bcemr_status look(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    beyond *b = user;
    (void)value;
    (void)more;
    if (!BCEMR_HOLDS(BCEMR_BAD_DATABASE, in_tree(b->table, key, b->size)))
        return verify_bad_row(b->bad, b->table, key, LEDGER_ROW_ADDITIONAL);
    ledger_key_begin(&b->last);
    if (key.n <= sizeof b->last.b)
        ledger_key_add(&b->last, key);
    return BCEMR_OK;
}

bcemr_status verify_nothing_beyond(const ledger_state *source, uint64_t size, ledger_bad *bad)
{
    bcemr_status status = BCEMR_OK;
    static const ledger_table tables[] = {LEDGER_LEAVES, LEDGER_NODES};
    for (size_t i = 0; i < 2 && status == BCEMR_OK; i++) {
        beyond b = {.table = tables[i], .size = size, .bad = bad};
        status = ledger_scan(source, b.table, (bcemr_span){0}, (bcemr_span){0}, look, &b);
        if (status != BCEMR_OK)
            status = verify_unread(bad, b.table, ledger_key_span(&b.last), status);
    }
    return status;
}
