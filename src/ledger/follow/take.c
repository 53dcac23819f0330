/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking leaves: fetched until at least one block is whole, proven to be the tree's, replayed,
 * compared with what the own log made of them.
 */
#include "ledger/follow/internal.h"

#include <string.h>

/* A leaf that was given. */
typedef struct given {
    uint64_t offset, length; /* of Tr("leaf") in the bytes */
    bcemr_span entry;        /* once all bytes are there */
    uint64_t height;
    int64_t tau;
    const bcemr_type *type;
    bcemr_hash hash;
} given;

/* What a step has fetched. */
typedef struct fetched {
    bcemr_buf bytes;
    given *leaves;
    uint64_t count, room;
    uint64_t whole;   /* leaves of whole blocks */
    bcemr_tree edge;  /* the tree with all leaves in it ... */
    bcemr_tree ended; /* ... and with those of whole blocks */
    uint64_t first_set, makers;
} fetched;

static bcemr_status more_room(fetched *all)
{
    if (all->count < all->room)
        return BCEMR_OK;
    uint64_t room = all->room ? 2 * all->room : 256;
    given *more = bcemr_allocate(room * sizeof *more);
    if (!more)
        return BCEMR_E_NO_MEMORY;
    if (all->count > 0)
        memcpy(more, all->leaves, (size_t)(all->count * sizeof *more));
    bcemr_release(all->leaves);
    all->leaves = more;
    all->room = room;
    return BCEMR_OK;
}

static bool makes_set(const bcemr_type *type)
{
    return type == &bcemr_type_e_join || type == &bcemr_type_e_leave || type == &bcemr_type_e_rekey;
}

/* ---- fetching ---- */

static bcemr_status add(fetched *all, bcemr_span bytes, const target *to, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_leaf_parts leaf;
    status = bcemr_leaf_read(bytes, &leaf, err);
    TRY(follow_unreadable(status, BCEMR_BAD_LEAF, "leaf", err));
    /* Another height: the block before it has ended. */
    if (all->count > 0 && leaf.height != all->leaves[all->count - 1].height) {
        all->whole = all->count;
        all->ended = all->edge;
    }
    TRY_AT(more_room(all), "follow", "leaves");
    given *g = &all->leaves[all->count];
    *g = (given){.offset = all->bytes.n,
                 .length = bytes.n,
                 .height = leaf.height,
                 .tau = leaf.tau,
                 .type = leaf.parts.type,
                 .hash = leaf.leaf_hash};
    TRY_AT(bcemr_buf_append(&all->bytes, bytes), "follow", "leaves");
    all->count++;
    if (makes_set(g->type))
        all->makers++;
    bcemr_tree_add(&all->edge, &g->hash);
    if (all->edge.count == to->size) {
        all->whole = all->count;
        all->ended = all->edge;
    }
out:
    return status;
}

/* Ranges, until a block is whole. */
static bcemr_status fetch(pull *p, const target *to, fetched *all, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_list list;
    bcemr_span leaf;
    while (all->whole == 0) {
        TRY(follow_ask_leaves(p, all->edge.count, to->size, &held, &list, err));
        bcemr_iter iter = bcemr_list_begin(&bcemr_type_leaf, &list);
        while (bcemr_list_next(&iter, &leaf))
            TRY(add(all, leaf, to, err));
        REQUIRE(all->whole > 0 || all->bytes.n <= p->f->o.block_bytes, BCEMR_BAD_LEAF, "block",
                "length");
        if (all->whole == 0 && all->bytes.n > p->f->o.block_bytes)
            FAIL(BCEMR_E_TOO_LONG, "block", "length");
    }
out:
    bcemr_buf_free(&held);
    return status;
}

/* ---- before anything is applied ---- */

static bcemr_status prove(pull *p, const target *to, const fetched *all, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash root;
    bool begins = false;
    bcemr_tree_root(&all->edge, &root);
    TRY(follow_ask_begins(p, all->edge.count, &root, to, &begins, err));
    if (BCEMR_HOLDS(BCEMR_BAD_LEAF, begins))
        return BCEMR_OK;
    /* Either these are not the tree's leaves, or the own log is no beginning of it. */
    TRY(follow_own_root(p, p->size, &root, err));
    TRY(follow_ask_begins(p, p->size, &root, to, &begins, err));
    if (!begins)
        TRY(follow_explain(p, to, err));
    status = wire_refuse(err, BCEMR_BAD_LEAF, "leaves", "root", p->size);
out:
    return status;
}

/* More sets made than the checkpoint's: those who signed it were no longer in force. */
static bcemr_status check_sets(pull *p, const target *to, const fetched *all, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY;
    if (!to->cosigned || all->makers == 0)
        return BCEMR_OK;
    TRY(ledger_chain_set_now(p->f->chain, &set, err));
    REQUIRE(set.number + all->makers <= p->s->top.set_number, BCEMR_BAD_SET, "cosigned",
            "set_number");
out:
    bcemr_set_free(&set);
    return status;
}

/* ---- applying ---- */

static bcemr_span bytes_of(const fetched *all, const given *g)
{
    return bcemr_span_of(all->bytes.p + g->offset, g->length);
}

static bcemr_status find_entries(fetched *all, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_leaf_parts leaf;
    for (uint64_t i = 0; i < all->whole; i++) {
        TRY(bcemr_leaf_read(bytes_of(all, &all->leaves[i]), &leaf, err));
        all->leaves[i].entry = leaf.signed_entry;
    }
out:
    return status;
}

/* Which leaf the count-th entry of a block was: headers do not count. */
static uint64_t leaf_of_entry(const fetched *all, uint64_t first, uint64_t entry)
{
    for (uint64_t i = first;; i++) {
        if (all->leaves[i].type == &bcemr_type_case_header)
            continue;
        if (entry-- == 0)
            return i;
    }
}

/* The blocks of what was fetched: spans and blocks have room for as many as there are leaves. */
static bcemr_status cut(pull *p, const fetched *all, bcemr_span *spans, follow_block *blocks,
                        uint64_t *count, bcemr_error *err)
{
    *count = 0;
    for (uint64_t i = 0; i < all->whole;) {
        const given *begin = &all->leaves[i];
        follow_block *b = &blocks[(*count)++];
        *b = (follow_block){
            .height = begin->height, .tau = begin->tau, .entries = spans, .first = i};
        for (; i < all->whole && all->leaves[i].height == b->height; i++) {
            p->place = p->size + i;
            if (all->leaves[i].tau != b->tau)
                return wire_refuse(err, BCEMR_BAD_LEAF, "leaf", "tau", p->place);
            if (all->leaves[i].type != &bcemr_type_case_header)
                spans[b->count++] = all->leaves[i].entry;
        }
        if (b->count == 0)
            return wire_refuse(err, BCEMR_BAD_LEAF, "leaf", "case-header", p->place);
        spans += b->count;
    }
    p->place = BCEMR_NOWHERE;
    return BCEMR_OK;
}

static bcemr_status replay_block(pull *p, const fetched *all, const follow_block *b,
                                 bcemr_error *err)
{
    bcemr_error detail = {0};
    bcemr_status status =
        ledger_chain_replay(p->f->chain, b->height, b->tau, b->entries, b->count, &detail);
    if (status == BCEMR_E_REFUSED) {
        p->place =
            p->size + leaf_of_entry(all, b->first, detail.index < b->count ? detail.index : 0);
        (void)wire_refuse(err, BCEMR_LEDGER_REFUSED, "leaf", "entry", p->place);
        if (err)
            err->reason = detail.reason;
    } else if (status == BCEMR_E_UNSORTED || status == BCEMR_E_INTEGER_RANGE) {
        p->place = p->size + b->first;
        status = wire_refuse(err, BCEMR_BAD_LEAF, "leaf", detail.field, p->place);
    } else if (err) {
        *err = detail;
    }
    return status;
}

/* The first leaf that the own log made otherwise. */
static bcemr_status first_other(pull *p, const fetched *all, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t i = 0;
    for (; i < all->whole; i++) {
        bcemr_buf_clear(&p->mine);
        status = ledger_chain_leaf(p->f->chain, p->size + i, &p->mine);
        if (status == BCEMR_E_NOT_FOUND)
            break;
        TRY_AT(status, "follow", "leaf");
        if (!bcemr_span_equal(bcemr_buf_span(&p->mine), bytes_of(all, &all->leaves[i])))
            break;
    }
    if (i < all->whole)
        TRY_AT(bcemr_buf_set(&p->given, bytes_of(all, &all->leaves[i])), "follow", "leaf");
    p->place = p->size + i;
    status = wire_refuse(err, BCEMR_BAD_LEAF, "leaf", "made here", p->place);
out:
    return status;
}

/* What was made here against what was given. */
static bcemr_status compare(pull *p, const fetched *all, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash own, theirs;
    const uint64_t size = ledger_chain_size(p->f->chain);
    TRY(follow_own_root(p, size, &own, err));
    bcemr_tree_root(&all->ended, &theirs);
    if (!BCEMR_HOLDS(BCEMR_BAD_LEAF, size == all->ended.count && bcemr_hash_equal(&own, &theirs)))
        TRY(first_other(p, all, err));
out:
    return status;
}

static bcemr_status replay_all(pull *p, fetched *all, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bool held = false;
    uint64_t count = 0;
    bcemr_span *spans = bcemr_allocate(all->whole * sizeof *spans);
    follow_block *blocks = bcemr_allocate(all->whole * sizeof *blocks);
    if (!spans || !blocks)
        FAIL(BCEMR_E_NO_MEMORY, "follow", "leaves");
    TRY(find_entries(all, err));
    TRY(cut(p, all, spans, blocks, &count, err));
    TRY_AT(ledger_stage_flush(p->f->stage), "follow", "state");
    TRY(follow_together(p, blocks, count, &held, err));
    for (uint64_t i = 0; i < count && !held; i++)
        TRY(replay_block(p, all, &blocks[i], err));
    TRY(compare(p, all, err));
    p->taken += all->whole;
out:
    bcemr_release(spans);
    bcemr_release(blocks);
    return status;
}

bcemr_status follow_take(pull *p, const target *to, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    fetched *all = bcemr_allocate(sizeof *all);
    if (!all)
        FAIL(BCEMR_E_NO_MEMORY, "follow", "leaves");
    TRY(follow_edge(p, p->size, &all->edge, err));
    TRY(fetch(p, to, all, err));
    TRY(prove(p, to, all, err));
    TRY(check_sets(p, to, all, err));
    TRY(replay_all(p, all, err));
out:
    if (all) {
        bcemr_buf_free(&all->bytes);
        bcemr_release(all->leaves);
    }
    bcemr_release(all);
    return status;
}
