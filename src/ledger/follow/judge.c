/* SPDX-License-Identifier: Apache-2.0 */
/* Judging what a source says, by its signatures, the own log, and what it said before. */
#include "ledger/follow/internal.h"

#include <string.h>

static bool same_checkpoint(const bcemr_tr_checkpoint *a, const bcemr_tr_checkpoint *b)
{
    return bcemr_hash_equal(&a->ledger, &b->ledger) && a->size == b->size &&
           bcemr_hash_equal(&a->root, &b->root) && a->tau == b->tau &&
           bcemr_hash_equal(&a->stops, &b->stops) && bcemr_hash_equal(&a->finds, &b->finds) &&
           a->set_number == b->set_number && bcemr_hash_equal(&a->set, &b->set);
}

/* ---- what needs no log ---- */

bcemr_status follow_check_said(pull *p, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const followed *s = p->s;
    const bcemr_tr_checkpoint *at = &p->said.at;
    REQUIRE(bcemr_hash_equal(&at->ledger, ledger_chain_id(p->f->chain)), BCEMR_WRONG_LEDGER, "head",
            "ledger");
    REQUIRE(at->size > 0 && at->size <= INT64_MAX, BCEMR_BAD_CHECKPOINT, "head", "size");
    if (at->size == 0 || at->size > INT64_MAX)
        FAIL(BCEMR_E_INTEGER_RANGE, "head", "size");
    REQUIRE(!s->spoke || at->size >= s->at.size, BCEMR_STALE_PROOF, "head", "size");
    REQUIRE(!s->spoke || at->size > s->at.size || bcemr_hash_equal(&at->root, &s->at.root),
            BCEMR_FORK, "head", "root");
    REQUIRE(p->said.cosigned.n > 0 || s->top.size == 0, BCEMR_STALE_PROOF, "cosigned", NULL);
out:
    return status;
}

/* ---- the sets that lead to a checkpoint's ---- */

/* Sets that the own log has need no telling. */
static bcemr_status note_step(pull *p, const bcemr_set *made, bcemr_span signed_entry,
                              bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set own = BCEMR_SET_EMPTY;
    uint64_t leaf;
    status = ledger_chain_set_numbered(p->f->chain, made->number, &own, &leaf, err);
    bool mine = status == BCEMR_OK && bcemr_hash_equal(&own.hash, &made->hash);
    if (status == BCEMR_E_NOT_FOUND)
        status = BCEMR_OK;
    TRY(status);
    if (mine)
        goto out;
    p->walked_all = p->walked_all && p->walked_count < LEDGER_SOURCE_SETS;
    if (p->walked_all)
        TRY_AT(bcemr_buf_set(&p->walked[p->walked_count++], signed_entry), "follow", "sets");
out:
    bcemr_set_free(&own);
    return status;
}

/* One leaf that made a set: in the tree that the checkpoint says, and a step from the set before.
 */
static bcemr_status walk_step(pull *p, const bcemr_tr_checkpoint *shown, bcemr_span inclusion,
                              uint64_t *floor, bcemr_set *set, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set next = BCEMR_SET_EMPTY;
    bcemr_leaf_parts leaf;
    uint64_t index = 0;
    memset(&leaf, 0, sizeof leaf); /* what a switched-off check leaves */
    bcemr_verdict verdict = bcemr_inclusion_check(inclusion, shown, &leaf, &index, err);
    if (verdict != BCEMR_VALID)
        status = wire_verdict(err, verdict, "inclusion", NULL);
    TRY(follow_unreadable(status, BCEMR_BAD_INCLUSION, "inclusion", err));
    REQUIRE(index >= *floor, BCEMR_BAD_SET, "set", "leaf");
    *floor = index + 1;
    verdict = bcemr_set_follow(p->f->o.context, &p->f->authority, ledger_chain_id(p->f->chain), set,
                               leaf.signed_entry, &next, err);
    if (verdict != BCEMR_VALID)
        status = wire_verdict(err, verdict, "set", NULL);
    TRY(follow_unreadable(status, BCEMR_BAD_SET, "set", err));
    TRY(note_step(p, &next, leaf.signed_entry, err));
    bcemr_set_free(set);
    *set = next;
    next = BCEMR_SET_EMPTY;
out:
    bcemr_set_free(&next);
    return status;
}

/* Some steps further. */
static bcemr_status walk_some(pull *p, const bcemr_tr_checkpoint *shown, uint64_t *floor,
                              bcemr_set *set, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error detail = {0};
    const ledger_source *source = &p->s->source;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_list proofs;
    bcemr_span proof;
    status = source->ops->sets(source->self, set->number, shown->size, &held, &detail);
    if (status != BCEMR_OK && status != BCEMR_E_NO_MEMORY)
        p->silent = true;
    TRY_AT(status, "source", "sets");
    status = bcemr_read_list(&bcemr_type_inclusion, bcemr_buf_span(&held), 0, LEDGER_SOURCE_SETS,
                             &proofs, err);
    TRY(follow_unreadable(status, BCEMR_BAD_SET, "sets", err));
    REQUIRE(proofs.count > 0, BCEMR_BAD_SET, "sets", "count");
    if (proofs.count == 0)
        FAIL(BCEMR_E_NOT_FOUND, "sets", "count");
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_inclusion, &proofs);
    while (set->number < shown->set_number && bcemr_list_next(&iter, &proof))
        TRY(walk_step(p, shown, proof, floor, set, err));
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status walk_from(pull *p, uint64_t number, uint64_t floor,
                              const bcemr_tr_checkpoint *shown, bcemr_set *set, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t leaf;
    p->walked_count = 0;
    p->walked_all = true;
    TRY(ledger_chain_set_numbered(p->f->chain, number, set, &leaf, err));
    while (set->number < shown->set_number)
        TRY(walk_some(p, shown, &floor, set, err));
out:
    return status;
}

/* The set that a checkpoint names: one of the own log; or one that the source leads to, from the
 * own newest, or from the genesis where the checkpoint is of another branch. */
static bcemr_status find_set(pull *p, const bcemr_tr_checkpoint *shown, bcemr_set *set,
                             bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const uint64_t size = ledger_chain_size(p->f->chain);
    uint64_t leaf;
    status = ledger_chain_set_numbered(p->f->chain, shown->set_number, set, &leaf, err);
    if (status == BCEMR_OK && bcemr_hash_equal(&set->hash, &shown->set))
        return status;
    if (status == BCEMR_E_NOT_FOUND && shown->size > size) {
        TRY(ledger_chain_set_now(p->f->chain, set, err));
        status = walk_from(p, set->number, size, shown, set, err);
        if (status != BCEMR_E_REFUSED)
            return status;
    } else if (status != BCEMR_OK && status != BCEMR_E_NOT_FOUND) {
        return status;
    }
    TRY(walk_from(p, 0, 1, shown, set, err));
out:
    return status;
}

static bcemr_status check_signatures(pull *p, const bcemr_tr_checkpoint *shown, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY;
    TRY(find_set(p, shown, &set, err));
    bcemr_verdict verdict =
        bcemr_checkpoint_check(p->f->o.context, ledger_chain_id(p->f->chain), &set,
                               bcemr_buf_span(&p->said.cosigned), NULL, err);
    if (verdict != BCEMR_VALID)
        status = wire_verdict(err, verdict, "cosigned", NULL);
    TRY(follow_unreadable(status, BCEMR_BAD_CHECKPOINT, "cosigned", err));
out:
    bcemr_set_free(&set);
    return status;
}

/* Two trees that were signed, and the own log has not come to the first: nothing else would compare
 * them once the newer one has taken its place. */
static bcemr_status check_goes_on(pull *p, const bcemr_tr_checkpoint *shown, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_checkpoint *top = &p->s->top;
    const target to = {shown->size, shown->root, true};
    bcemr_hash nodes[BCEMR_CONSISTENCY_MAX], older, newer;
    uint64_t count = 0;
    bool begins = false;
    if (top->size == 0 || top->size >= shown->size || p->s->settled)
        return BCEMR_OK;
    TRY(follow_ask_begins(p, top->size, &top->root, &to, &begins, err));
    if (begins)
        goto out;
    TRY(follow_nodes(&p->s->source, top->size, shown->size, nodes, &count, &p->silent, err));
    const bool other =
        count > 0 &&
        bcemr_consistency_roots(top->size, shown->size, nodes, count, &older, &newer) == BCEMR_OK &&
        bcemr_hash_equal(&newer, &shown->root);
    REQUIRE(begins, other ? BCEMR_FORK : BCEMR_BAD_CONSISTENCY, "cosigned", "root");
out:
    return status;
}

bcemr_status follow_check_cosigned(pull *p, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    followed *s = p->s;
    const bcemr_span bytes = bcemr_buf_span(&p->said.cosigned);
    bcemr_tr_cosigned value;
    bcemr_tr_checkpoint shown = {0};
    if (bytes.n == 0 || bcemr_span_equal(bytes, bcemr_buf_span(&s->cosigned)))
        return BCEMR_OK;
    status = bcemr_read_cosigned(bytes, &value, err);
    if (status == BCEMR_OK)
        status = bcemr_read_checkpoint(value.checkpoint, &shown, err);
    TRY(follow_unreadable(status, BCEMR_BAD_CHECKPOINT, "cosigned", err));
    REQUIRE(bcemr_hash_equal(&shown.ledger, ledger_chain_id(p->f->chain)), BCEMR_WRONG_LEDGER,
            "cosigned", "ledger");
    REQUIRE(shown.size >= s->top.size, BCEMR_STALE_PROOF, "cosigned", "size");
    REQUIRE(shown.size <= p->said.at.size, BCEMR_STALE_PROOF, "head", "size");
    TRY(check_signatures(p, &shown, err));
    REQUIRE(s->top.size != shown.size || same_checkpoint(&s->top, &shown), BCEMR_FORK, "cosigned",
            "checkpoint");
    TRY(check_goes_on(p, &shown, err));
    TRY_AT(bcemr_buf_set(&s->cosigned, bytes), "follow", "cosigned");
    s->top = shown;
    s->settled = false;
out:
    return status;
}

/* ---- against the own log ---- */

/* The own checkpoint at a size that the log has come to; false when no block ends there. */
static bcemr_status own_at(const pull *p, uint64_t size, bool *there, bcemr_tr_checkpoint *out,
                           bcemr_error *err)
{
    bcemr_status status = ledger_chain_checkpoint_at(p->f->chain, size, out, err);
    *there = status == BCEMR_OK;
    return status == BCEMR_E_NOT_FOUND ? BCEMR_OK : status;
}

static bcemr_status newer_than_kept(const pull *p, uint64_t size, bool *newer, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_ledger_view view;
    bcemr_tr_cosigned value;
    bcemr_tr_checkpoint checkpoint;
    *newer = true;
    ledger_chain_view(p->f->chain, &view);
    status = view.checkpoint(view.user, &held);
    if (status == BCEMR_E_NOT_FOUND)
        return BCEMR_OK;
    TRY_AT(status, "follow", "cosigned");
    TRY(bcemr_read_cosigned(bcemr_buf_span(&held), &value, err));
    TRY(bcemr_read_checkpoint(value.checkpoint, &checkpoint, err));
    *newer = size > checkpoint.size;
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status follow_settle(pull *p, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    followed *s = p->s;
    bcemr_tr_checkpoint own;
    bool there = false, newer = false;
    if (s->top.size == 0 || s->settled || s->top.size > ledger_chain_size(p->f->chain))
        return BCEMR_OK;
    const target to = {s->top.size, s->top.root, true};
    TRY(own_at(p, s->top.size, &there, &own, err));
    if (there && bcemr_hash_equal(&own.root, &s->top.root))
        /* A set that is gone signed, or one that had not come. */
        REQUIRE(own.set_number == s->top.set_number, BCEMR_BAD_SET, "cosigned", "set_number");
    if (!BCEMR_HOLDS(BCEMR_FORK, there && same_checkpoint(&own, &s->top)))
        TRY(follow_explain(p, &to, err));
    if (there)
        TRY(newer_than_kept(p, s->top.size, &newer, err));
    if (newer)
        TRY(ledger_chain_keep_cosigned(p->f->chain, bcemr_buf_span(&s->cosigned), err));
    s->settled = true;
    s->facts.checked++;
out:
    return status;
}

/* Of a bare head only size and root are said. */
static bcemr_status head_is_own(pull *p, bool *same, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_checkpoint *at = &p->said.at;
    bcemr_tr_checkpoint own;
    bcemr_hash root;
    if (p->said.bare) {
        TRY(follow_own_root(p, at->size, &root, err));
        *same = bcemr_hash_equal(&root, &at->root);
    } else {
        TRY(own_at(p, at->size, same, &own, err));
        *same = *same && same_checkpoint(&own, at);
    }
out:
    return status;
}

bcemr_status follow_check_head(pull *p, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const uint64_t size = ledger_chain_size(p->f->chain);
    const target to = {p->said.at.size, p->said.at.root, false};
    bcemr_hash root;
    bool same = false;
    if (to.size <= size) {
        TRY(head_is_own(p, &same, err));
    } else {
        TRY(follow_own_root(p, size, &root, err));
        TRY(follow_ask_begins(p, size, &root, &to, &same, err));
    }
    if (!BCEMR_HOLDS(BCEMR_FORK, same))
        TRY(follow_explain(p, &to, err));
out:
    return status;
}

/* ---- where they part ---- */

static bcemr_status own_begins(pull *p, uint64_t size, const target *to, bool *begins,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash root;
    TRY(follow_own_root(p, size, &root, err));
    TRY(follow_ask_begins(p, size, &root, to, begins, err));
out:
    return status;
}

/* The source's leaf at the place where they part, and by a proof that it stands there. */
static bcemr_status other_leaf(pull *p, const target *to, bool *proven, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_list list;
    bcemr_span given = {0};
    bcemr_tree tree;
    bcemr_hash hash;
    TRY(follow_ask_leaves(p, p->place, p->place + 1, &held, &list, err));
    (void)bcemr_list_at(&bcemr_type_leaf, &list, 0, &given);
    TRY_AT(bcemr_buf_set(&p->given, given), "follow", "leaf");
    bcemr_buf_clear(&p->mine);
    TRY_AT(ledger_chain_leaf(p->f->chain, p->place, &p->mine), "follow", "leaf");
    TRY(follow_edge(p, p->place, &tree, err));
    bcemr_tree_leaf_hash(given, &hash);
    bcemr_tree_add(&tree, &hash);
    bcemr_tree_root(&tree, &hash);
    TRY(follow_ask_begins(p, p->place + 1, &hash, to, proven, err));
    *proven = *proven && !bcemr_span_equal(given, bcemr_buf_span(&p->mine));
out:
    bcemr_buf_free(&held);
    return status;
}

/* The last size at which the own log still is a beginning of to: the leaf there differs. */
static bcemr_status part(pull *p, const target *to, bool *found, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const uint64_t size = ledger_chain_size(p->f->chain);
    uint64_t holds = 1, fails = size < to->size ? size : to->size;
    TRY(own_begins(p, 1, to, found, err));
    while (*found && holds + 1 < fails) {
        const uint64_t middle = holds + (fails - holds) / 2;
        bool begins = false;
        TRY(own_begins(p, middle, to, &begins, err));
        if (begins)
            holds = middle;
        else
            fails = middle;
    }
    *found = *found && holds < size; /* else it now says what it denied before */
    if (*found) {
        p->place = holds;
        TRY(other_leaf(p, to, found, err));
    }
out:
    return status;
}

bcemr_status follow_explain(pull *p, const target *to, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error detail = {0};
    bcemr_hash root;
    bool found = false;
    const uint64_t size = ledger_chain_size(p->f->chain);
    if (to->size <= size) {
        TRY(follow_own_root(p, to->size, &root, err));
        if (bcemr_hash_equal(&root, &to->root))
            return wire_refuse(err, BCEMR_FORK, to->cosigned ? "cosigned" : "head", "checkpoint",
                               BCEMR_NOWHERE);
    }
    status = part(p, to, &found, &detail);
    if (status == BCEMR_E_NO_MEMORY ||
        (status != BCEMR_OK && status != BCEMR_E_REFUSED && !p->silent)) {
        if (err)
            *err = detail;
        return status;
    }
    /* A signed checkpoint at a size that the own log has come to contradicts it whatever the source
     * says or holds back now. */
    if (to->cosigned && to->size <= size) {
        p->silent = false;
        found = true;
    } else if (status != BCEMR_OK) {
        if (err)
            *err = detail;
        return status;
    }
    status = wire_refuse(err, found ? BCEMR_FORK : BCEMR_BAD_CONSISTENCY,
                         to->cosigned ? "cosigned" : "head", "root", p->place);
out:
    return status;
}
