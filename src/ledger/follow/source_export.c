/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exported ledger as a source: one pass over the file keeps the tree's nodes from GROUP_LEVEL
 * upwards and where each group of leaves begins; what lies below is hashed again when it is asked
 * for, a group at a time.
 */
#include "ledger/follow/export.h"
#include "ledger/follow/source.h"
#include "wire/error.h"

#include <string.h>

#define GROUP_LEVEL 10
#define GROUP ((uint64_t)1 << GROUP_LEVEL)
#define LEVELS (64 - GROUP_LEVEL)

/* Numbers or hashes, appended. */
typedef struct column {
    uint8_t *items;
    uint64_t count, room, size;
} column;

typedef struct export_source {
    ledger_export_reader file;
    column nodes[LEVELS]; /* of complete subtrees, bcemr_hash */
    column places;        /* uint64_t: where leaf 0, GROUP, 2 GROUP, ... begins */
    column makers;        /* uint64_t: leaves that made sets */
    uint64_t group;       /* whose leaf hashes are held; BCEMR_NOWHERE: none */
    uint64_t held;        /* how many */
    bcemr_hash hashes[GROUP];
    uint64_t next_leaf, next_at; /* where the last range ended */
} export_source;

static bcemr_status push(column *c, const void *item)
{
    if (c->count == c->room) {
        uint64_t room = c->room ? 2 * c->room : 64;
        uint8_t *more = bcemr_allocate(room * c->size);
        if (!more)
            return BCEMR_E_NO_MEMORY;
        if (c->count > 0)
            memcpy(more, c->items, (size_t)(c->count * c->size));
        bcemr_release(c->items);
        c->items = more;
        c->room = room;
    }
    memcpy(c->items + c->count++ * c->size, item, (size_t)c->size);
    return BCEMR_OK;
}

static uint64_t number_at(const column *c, uint64_t i)
{
    uint64_t number;
    memcpy(&number, c->items + i * sizeof number, sizeof number);
    return number;
}

/* ---- the one pass ---- */

/* A node and those above it that it completes, from GROUP_LEVEL up. */
static bcemr_status add_group(export_source *s, bcemr_hash node)
{
    bcemr_status status = BCEMR_OK;
    for (uint64_t level = 0; level < LEVELS; level++) {
        column *c = &s->nodes[level];
        TRY(push(c, &node));
        if ((c->count & 1) != 0)
            break;
        bcemr_hash left;
        memcpy(&left, c->items + (c->count - 2) * sizeof left, sizeof left);
        bcemr_tree_node_hash(&left, &node, &node);
    }
out:
    return status;
}

static bool makes_set(const bcemr_type *type)
{
    return type == &bcemr_type_e_join || type == &bcemr_type_e_leave || type == &bcemr_type_e_rekey;
}

static bcemr_status add_leaf(export_source *s, uint64_t index, bcemr_tree *group, bcemr_span bytes,
                             bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_leaf_parts leaf;
    TRY(bcemr_leaf_read(bytes, &leaf, err));
    if (index == 0)
        REQUIRE(bcemr_hash_equal(&leaf.parts.entry_hash, &s->file.head.ledger), BCEMR_WRONG_LEDGER,
                "ledger-export", "ledger");
    if (makes_set(leaf.parts.type))
        TRY_AT(push(&s->makers, &index), "ledger-export", "sets");
    bcemr_tree_add(group, &leaf.leaf_hash);
    if (group->count == GROUP) {
        TRY_AT(add_group(s, group->nodes[GROUP_LEVEL]), "ledger-export", "nodes");
        bcemr_tree_begin(group);
    }
out:
    return status;
}

static bcemr_status node(void *user, uint64_t level, uint64_t index, bcemr_hash *out);

static bcemr_status pass(export_source *s, const bcemr_source *bytes, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error detail = {0};
    const bcemr_node_source nodes = {node, s};
    bcemr_tree group;
    bcemr_hash root;
    bcemr_span leaf;
    bcemr_tree_begin(&group);
    TRY(ledger_export_begin(&s->file, bytes, err));
    uint64_t at = s->file.first;
    for (uint64_t index = 0; index < s->file.head.size; index++) {
        if (index % GROUP == 0)
            TRY_AT(push(&s->places, &at), "ledger-export", "places");
        status = ledger_export_leaf(&s->file, &at, &leaf);
        if (status != BCEMR_OK)
            (void)wire_fail(&detail, status, "ledger-export", "leaf");
        else
            status = add_leaf(s, index, &group, leaf, &detail);
        if (status != BCEMR_OK) {
            detail.index = index;
            if (err)
                *err = detail;
            goto out;
        }
    }
    TRY(ledger_export_end(&s->file, at, err));
    TRY_AT(bcemr_root_make(&nodes, s->file.head.size, &root), "ledger-export", "root");
    REQUIRE(bcemr_hash_equal(&root, &s->file.head.root), BCEMR_BAD_LEAF, "ledger-export", "root");
out:
    return status;
}

/* ---- the tree ---- */

/* Where leaf index begins. */
static bcemr_status find_leaf(export_source *s, uint64_t index, uint64_t *at)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span bytes;
    uint64_t leaf = index / GROUP * GROUP;
    *at = number_at(&s->places, index / GROUP);
    if (s->next_leaf <= index && s->next_leaf > leaf) {
        leaf = s->next_leaf;
        *at = s->next_at;
    }
    for (; leaf < index; leaf++)
        TRY(ledger_export_leaf(&s->file, at, &bytes));
out:
    return status;
}

static bcemr_status load_group(export_source *s, uint64_t group)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span bytes;
    uint64_t at, left = s->file.head.size - group * GROUP;
    if (s->group == group)
        return BCEMR_OK;
    s->group = BCEMR_NOWHERE;
    at = number_at(&s->places, group);
    for (s->held = 0; s->held < GROUP && s->held < left; s->held++) {
        TRY(ledger_export_leaf(&s->file, &at, &bytes));
        bcemr_tree_leaf_hash(bytes, &s->hashes[s->held]);
    }
    s->group = group;
out:
    return status;
}

static bcemr_status node(void *user, uint64_t level, uint64_t index, bcemr_hash *out)
{
    bcemr_status status = BCEMR_OK;
    export_source *s = user;
    bcemr_tree tree;
    if (level >= GROUP_LEVEL) {
        const column *c = level < 64 ? &s->nodes[level - GROUP_LEVEL] : NULL;
        if (!c || index >= c->count)
            return BCEMR_E_NOT_FOUND;
        memcpy(out, c->items + index * sizeof *out, sizeof *out);
        return BCEMR_OK;
    }
    const uint64_t first = index << level, count = (uint64_t)1 << level;
    if (index > s->file.head.size || first >= s->file.head.size ||
        count > s->file.head.size - first)
        return BCEMR_E_NOT_FOUND;
    TRY(load_group(s, first / GROUP));
    bcemr_tree_begin(&tree);
    for (uint64_t i = 0; i < count; i++)
        bcemr_tree_add(&tree, &s->hashes[first % GROUP + i]);
    bcemr_tree_root(&tree, out);
out:
    return status;
}

/* ---- what is asked ---- */

static bcemr_status head(void *self, ledger_source_head *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const export_source *s = self;
    bcemr_span cosigned;
    out->at = (bcemr_tr_checkpoint){
        .ledger = s->file.head.ledger, .size = s->file.head.size, .root = s->file.head.root};
    out->bare = true;
    bcemr_buf_clear(&out->cosigned);
    if (bcemr_list_at(&bcemr_type_cosigned, &s->file.head.cosigned, 0, &cosigned))
        TRY_AT(bcemr_buf_append(&out->cosigned, cosigned), "source", "cosigned");
out:
    return status;
}

static bcemr_status leaves(void *self, uint64_t from, uint64_t to, uint64_t bytes, bcemr_buf *out,
                           bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    export_source *s = self;
    bcemr_buf all = BCEMR_BUF_EMPTY;
    column lengths = {.size = sizeof(uint64_t)};
    bcemr_span leaf, *spans = NULL;
    uint64_t at = 0, end = to < s->file.head.size ? to : s->file.head.size;
    if (from >= end)
        FAIL(BCEMR_E_NOT_FOUND, "leaves", "from");
    TRY_AT(find_leaf(s, from, &at), "leaves", "from");
    for (uint64_t i = from; i < end; i++) {
        uint64_t behind = at;
        TRY_AT(ledger_export_leaf(&s->file, &behind, &leaf), "leaves", "leaf");
        if (lengths.count > 0 && all.n + 8 * lengths.count + leaf.n + 64 > bytes)
            break;
        TRY_AT(bcemr_buf_append(&all, leaf), "leaves", NULL);
        TRY_AT(push(&lengths, &leaf.n), "leaves", NULL);
        at = behind;
    }
    s->next_leaf = from + lengths.count;
    s->next_at = at;
    spans = bcemr_allocate(lengths.count * sizeof *spans);
    if (!spans)
        FAIL(BCEMR_E_NO_MEMORY, "leaves", NULL);
    for (uint64_t i = 0, begin = 0; i < lengths.count; begin += spans[i++].n)
        spans[i] = bcemr_span_of(all.p + begin, number_at(&lengths, i));
    const bcemr_list list = BCEMR_LIST_OF(spans, lengths.count);
    TRY(bcemr_write_list(&bcemr_type_leaf, &list, out, err));
out:
    bcemr_buf_free(&all);
    bcemr_release(lengths.items);
    bcemr_release(spans);
    return status;
}

static bcemr_status consistency(void *self, uint64_t first, uint64_t second, bcemr_buf *out,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    export_source *s = self;
    const bcemr_node_source nodes = {node, s};
    bcemr_hash path[BCEMR_CONSISTENCY_MAX];
    uint64_t count = 0;
    if (second > s->file.head.size)
        FAIL(BCEMR_E_NOT_FOUND, "consistency", "second");
    TRY_AT(bcemr_consistency_path(&nodes, first, second, path, &count), "consistency", "path");
    const bcemr_tr_consistency value = {first, second, BCEMR_LIST_OF(path, count)};
    TRY(bcemr_write_consistency(&value, out, err));
out:
    return status;
}

static bcemr_status prove(export_source *s, uint64_t index, uint64_t size, bcemr_buf *out,
                          bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_node_source nodes = {node, s};
    bcemr_hash path[BCEMR_INCLUSION_MAX];
    bcemr_span leaf;
    uint64_t at = 0, count = 0;
    TRY_AT(bcemr_inclusion_path(&nodes, index, size, path, &count), "inclusion", "path");
    TRY_AT(find_leaf(s, index, &at), "inclusion", "leaf");
    TRY_AT(ledger_export_leaf(&s->file, &at, &leaf), "inclusion", "leaf");
    const bcemr_tr_inclusion value = {
        .leaf = leaf, .index = index, .size = size, .path = BCEMR_LIST_OF(path, count)};
    TRY(bcemr_write_inclusion(&value, out, err));
out:
    return status;
}

/* The n-th leaf that made a set made set n + 1: the genesis has set 0. */
static bcemr_status sets(void *self, uint64_t number, uint64_t size, bcemr_buf *out,
                         bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    export_source *s = self;
    bcemr_buf *proofs = bcemr_allocate(LEDGER_SOURCE_SETS * sizeof *proofs);
    bcemr_span spans[LEDGER_SOURCE_SETS];
    uint64_t count = 0;
    if (!proofs)
        FAIL(BCEMR_E_NO_MEMORY, "source", "sets");
    if (size > s->file.head.size)
        FAIL(BCEMR_E_NOT_FOUND, "source", "sets");
    for (; count < LEDGER_SOURCE_SETS && number < s->makers.count; number++, count++) {
        if (number_at(&s->makers, number) >= size)
            break;
        TRY(prove(s, number_at(&s->makers, number), size, &proofs[count], err));
        spans[count] = bcemr_buf_span(&proofs[count]);
    }
    const bcemr_list list = BCEMR_LIST_OF(spans, count);
    TRY(bcemr_write_list(&bcemr_type_inclusion, &list, out, err));
out:
    for (uint64_t i = 0; proofs && i < LEDGER_SOURCE_SETS; i++)
        bcemr_buf_free(&proofs[i]);
    bcemr_release(proofs);
    return status;
}

static bcemr_status index_blocks(void *self, const char *name, uint64_t from, uint64_t to,
                                 uint64_t bytes, bcemr_buf *out, bcemr_error *err)
{
    (void)self;
    (void)name;
    (void)from;
    (void)to;
    (void)bytes;
    (void)out;
    return wire_fail(err, BCEMR_E_NOT_FOUND, "source", "index");
}

static void close_source(void *self)
{
    export_source *s = self;
    for (uint64_t level = 0; level < LEVELS; level++)
        bcemr_release(s->nodes[level].items);
    bcemr_release(s->places.items);
    bcemr_release(s->makers.items);
    ledger_export_free(&s->file);
    bcemr_release(s);
}

static const ledger_source_ops export_ops = {.head = head,
                                             .leaves = leaves,
                                             .consistency = consistency,
                                             .sets = sets,
                                             .index = index_blocks,
                                             .close = close_source};

bcemr_status ledger_source_export(ledger_source *out, const bcemr_source *bytes, bcemr_error *err)
{
    export_source *s = bcemr_allocate(sizeof *s);
    *out = (ledger_source){NULL, NULL};
    if (!s)
        return wire_fail(err, BCEMR_E_NO_MEMORY, "ledger-export", NULL);
    s->group = BCEMR_NOWHERE;
    s->places.size = s->makers.size = sizeof(uint64_t);
    for (uint64_t level = 0; level < LEVELS; level++)
        s->nodes[level].size = sizeof(bcemr_hash);
    bcemr_status status = pass(s, bytes, err);
    if (status != BCEMR_OK) {
        close_source(s);
        return status;
    }
    *out = (ledger_source){&export_ops, s};
    return BCEMR_OK;
}
