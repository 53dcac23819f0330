/* SPDX-License-Identifier: Apache-2.0 */
/* The state that a replay for comparison writes to, and what it is compared with at once. */
#include "ledger/verify/parts.h"

#include <string.h>

/* ---- findings ---- */

bcemr_status verify_bad_row(ledger_bad *bad, ledger_table table, bcemr_span key,
                            ledger_row_fault fault)
{
    if (bad->kind != LEDGER_BAD_NONE)
        return BCEMR_E_DAMAGED;
    *bad =
        (ledger_bad){.kind = LEDGER_BAD_ROW, .leaf = BCEMR_NOWHERE, .table = table, .fault = fault};
    ledger_key_begin(&bad->key);
    /* A key of a damaged row may be longer than any that a ledger makes. */
    ledger_key_add(&bad->key,
                   bcemr_span_of(key.p, key.n < sizeof bad->key.b ? key.n : sizeof bad->key.b));
    (void)wire_refuse(&bad->error, BCEMR_BAD_DATABASE, ledger_table_name(table), NULL,
                      BCEMR_NOWHERE);
    return BCEMR_E_DAMAGED;
}

bcemr_status verify_bad_leaf(ledger_bad *bad, uint64_t leaf, const bcemr_error *error)
{
    if (bad->kind != LEDGER_BAD_NONE)
        return BCEMR_E_DAMAGED;
    *bad = (ledger_bad){.kind = LEDGER_BAD_LEAF, .leaf = leaf, .table = LEDGER_LEAVES};
    ledger_key_begin(&bad->key);
    ledger_key_add_number(&bad->key, leaf);
    if (error)
        bad->error = *error;
    else
        (void)wire_refuse(&bad->error, BCEMR_BAD_LEAF, "leaf", NULL, leaf);
    if (bad->error.verdict == BCEMR_LEDGER_REFUSED)
        bad->kind = LEDGER_BAD_ENTRY;
    return BCEMR_E_DAMAGED;
}

bcemr_status verify_unread(ledger_bad *bad, ledger_table table, bcemr_span key, bcemr_status status)
{
    if (status != BCEMR_E_DAMAGED || bad->kind != LEDGER_BAD_NONE)
        return status;
    (void)verify_bad_row(bad, table, key, LEDGER_ROW_UNREADABLE);
    bad->kind = LEDGER_BAD_READ;
    (void)wire_fail(&bad->error, BCEMR_E_DAMAGED, ledger_table_name(table), NULL);
    return status;
}

/* ---- the tree ---- */

static void node_key(ledger_key *key, uint64_t level, uint64_t index)
{
    ledger_key_begin(key);
    ledger_key_add_number(key, level);
    ledger_key_add_number(key, index);
}

bcemr_status verify_node(const ledger_state *source, uint64_t level, uint64_t index,
                         const bcemr_hash *hash, ledger_bad *bad)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    ledger_key key;
    node_key(&key, level, index);
    status = ledger_get(source, LEDGER_NODES, ledger_key_span(&key), &held);
    const bool same = status == BCEMR_OK &&
                      bcemr_span_equal(bcemr_buf_span(&held), bcemr_span_of(hash->b, sizeof *hash));
    if (status != BCEMR_OK && status != BCEMR_E_NOT_FOUND)
        status = verify_unread(bad, LEDGER_NODES, ledger_key_span(&key), status);
    else if (!BCEMR_HOLDS(BCEMR_BAD_LEAF, same))
        status = verify_bad_row(bad, LEDGER_NODES, ledger_key_span(&key),
                                status == BCEMR_OK ? LEDGER_ROW_DIFFERENT : LEDGER_ROW_MISSING);
    else
        status = BCEMR_OK;
    bcemr_buf_free(&held);
    return status;
}

/* Whether what is kept above a leaf's node, and beside it, fits what is kept as that node. The last
 * leaf may have nothing above it yet: then nobody can tell (E_NOT_FOUND). */
static bcemr_status node_fits(const ledger_state *source, uint64_t index, bool *fits)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_node_source nodes = ledger_log_nodes(source);
    bcemr_hash pair[2], parent, made;
    *fits = false;
    for (uint64_t i = 0; i < 2; i++)
        TRY(nodes.node(nodes.user, 0, (index & ~UINT64_C(1)) + i, &pair[i]));
    TRY(nodes.node(nodes.user, 1, index >> 1, &parent));
    bcemr_tree_node_hash(&pair[0], &pair[1], &made);
    *fits = bcemr_hash_equal(&made, &parent);
out:
    return status;
}

bcemr_status verify_leaf_hash(const ledger_state *source, uint64_t index, const bcemr_hash *hash,
                              ledger_bad *bad)
{
    ledger_bad node = {.kind = LEDGER_BAD_NONE};
    bool fits = false;
    bcemr_status status = verify_node(source, 0, index, hash, &node);
    if (bad->kind != LEDGER_BAD_NONE || node.kind == LEDGER_BAD_NONE)
        return status;
    if (node.kind == LEDGER_BAD_ROW && node.fault == LEDGER_ROW_DIFFERENT) {
        const bcemr_status above = node_fits(source, index, &fits);
        if (fits || above == BCEMR_E_NOT_FOUND) {
            status = verify_bad_leaf(bad, index, NULL);
            bad->or_node = !fits;
            return status;
        }
    }
    *bad = node;
    return status;
}

/* ---- the state of the replay ---- */

static bool is_compared(ledger_table table)
{
    return table == LEDGER_LEAVES || table == LEDGER_NODES;
}

static bcemr_status get(void *self, ledger_table table, bcemr_span key, bcemr_buf *value)
{
    verify_shadow *s = self;
    if (!is_compared(table))
        return ledger_get(&s->scratch, table, key, value);
    const bcemr_status status = ledger_get(s->source, table, key, value);
    return status == BCEMR_OK || status == BCEMR_E_NOT_FOUND
               ? status
               : verify_unread(s->bad, table, key, status);
}

static uint64_t number_of(bcemr_span key, uint64_t at)
{
    uint64_t number = 0;
    for (uint64_t i = at; i < at + 8; i++)
        number = number << 8 | key.p[i];
    return number;
}

static bcemr_status same_leaf(verify_shadow *s, bcemr_span key, bcemr_span value)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_status status = ledger_get(s->source, LEDGER_LEAVES, key, &held);
    const bool same = status == BCEMR_OK && bcemr_span_equal(bcemr_buf_span(&held), value);
    if (status != BCEMR_OK && status != BCEMR_E_NOT_FOUND)
        status = verify_unread(s->bad, LEDGER_LEAVES, key, status);
    else if (!BCEMR_HOLDS(BCEMR_BAD_LEAF, same))
        status = verify_bad_leaf(s->bad, number_of(key, 0), NULL);
    else
        status = BCEMR_OK;
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status put(void *self, ledger_table table, bcemr_span key, bcemr_span value)
{
    verify_shadow *s = self;
    bcemr_hash hash;
    if (!is_compared(table))
        return ledger_put(&s->scratch, table, key, value);
    s->compared++;
    if (table == LEDGER_LEAVES)
        return same_leaf(s, key, value);
    memcpy(hash.b, value.p, sizeof hash.b);
    const uint64_t level = number_of(key, 0), index = number_of(key, 8);
    return level == 0 ? verify_leaf_hash(s->source, index, &hash, s->bad)
                      : verify_node(s->source, level, index, &hash, s->bad);
}

static bcemr_status scan(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                         ledger_row_visitor visit, void *user)
{
    verify_shadow *s = self;
    return ledger_scan(is_compared(table) ? s->source : &s->scratch, table, prefix, from, visit,
                       user);
}

static bcemr_status begin(void *self)
{
    verify_shadow *s = self;
    return s->scratch.ops->begin(s->scratch.self);
}

static bcemr_status mark(void *self)
{
    verify_shadow *s = self;
    return s->scratch.ops->mark(s->scratch.self);
}

static bcemr_status keep(void *self)
{
    verify_shadow *s = self;
    return s->scratch.ops->keep(s->scratch.self);
}

static bcemr_status undo(void *self)
{
    verify_shadow *s = self;
    return s->scratch.ops->undo(s->scratch.self);
}

static bcemr_status commit(void *self)
{
    verify_shadow *s = self;
    return s->scratch.ops->commit(s->scratch.self);
}

static void rollback(void *self)
{
    verify_shadow *s = self;
    s->scratch.ops->rollback(s->scratch.self);
}

static void close_shadow(void *self)
{
    verify_shadow *s = self;
    ledger_state_close(&s->scratch);
}

ledger_state verify_shadow_state(verify_shadow *shadow)
{
    static const ledger_state_ops ops = {get,  put,    scan,     begin,        mark, keep,
                                         undo, commit, rollback, close_shadow, NULL};
    return (ledger_state){&ops, shadow};
}
