/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a source, and reading what it answers. */
#include "ledger/follow/internal.h"

#include <string.h>

/* An answer that did not come says nothing about anybody: the source is silent. */
static bcemr_status answered(pull *p, bcemr_status status, const char *what,
                             const bcemr_error *detail, bcemr_error *err)
{
    if (status == BCEMR_OK || status == BCEMR_E_NO_MEMORY)
        return status == BCEMR_OK ? status : wire_fail(err, status, "source", what);
    p->silent = true;
    (void)wire_fail(err, status, "source", what);
    if (err && detail->status == status)
        *err = *detail;
    return status;
}

bcemr_status follow_unreadable(bcemr_status status, bcemr_verdict verdict, const char *object,
                               bcemr_error *err)
{
    if (status < BCEMR_E_TRUNCATED || status > BCEMR_E_KEY_MISMATCH)
        return status;
    return wire_refuse(err, verdict, object, "encoding", BCEMR_NOWHERE);
}

bcemr_status follow_own_root(const pull *p, uint64_t size, bcemr_hash *out, bcemr_error *err)
{
    bcemr_status status = ledger_chain_root(p->f->chain, size, out);
    return status == BCEMR_OK ? status : wire_fail(err, status, "follow", "root");
}

bcemr_status follow_edge(const pull *p, uint64_t size, bcemr_tree *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_node_source nodes = ledger_chain_nodes(p->f->chain);
    bcemr_tree_begin(out);
    for (uint64_t level = 0; level < 63; level++)
        if ((size >> level & 1) != 0)
            TRY_AT(nodes.node(nodes.user, level, (size >> level) - 1, &out->nodes[level]), "follow",
                   "node");
    out->count = size;
out:
    return status;
}

bcemr_status follow_ask_head(pull *p, bcemr_error *err)
{
    bcemr_error detail = {0};
    const ledger_source *source = &p->s->source;
    return answered(p, source->ops->head(source->self, &p->said, &detail), "head", &detail, err);
}

bcemr_status follow_ask_leaves(pull *p, uint64_t from, uint64_t to, bcemr_buf *held,
                               bcemr_list *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error detail = {0};
    const ledger_source *source = &p->s->source;
    const uint64_t bytes = p->f->o.step_bytes;
    bcemr_buf_clear(held);
    TRY(answered(p, source->ops->leaves(source->self, from, to, bytes, held, &detail), "leaves",
                 &detail, err));
    REQUIRE(held->n <= bytes + LEDGER_SOURCE_LEAF_MAX, BCEMR_BAD_LEAF, "leaves", "length");
    status = bcemr_read_list(&bcemr_type_leaf, bcemr_buf_span(held), 0, to - from, out, err);
    TRY(follow_unreadable(status, BCEMR_BAD_LEAF, "leaves", err));
    if (out->count == 0)
        TRY(answered(p, BCEMR_E_NOT_FOUND, "leaves", &detail, err));
out:
    return status;
}

static uint64_t read_path(const bcemr_list *list, bcemr_hash path[BCEMR_CONSISTENCY_MAX])
{
    uint64_t count = 0;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_hash_item, list);
    while (count < BCEMR_CONSISTENCY_MAX && bcemr_list_next(&iter, &path[count]))
        count++;
    return count;
}

bcemr_status follow_read_path(bcemr_span consistency, uint64_t first, uint64_t second,
                              bcemr_hash path[BCEMR_CONSISTENCY_MAX], uint64_t *count,
                              bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_consistency proof;
    status = bcemr_read_consistency(consistency, &proof, err);
    TRY(follow_unreadable(status, BCEMR_BAD_CONSISTENCY, "consistency", err));
    REQUIRE(proof.first == first && proof.second == second, BCEMR_BAD_CONSISTENCY, "consistency",
            "size");
    *count = read_path(&proof.path, path);
out:
    return status;
}

/* A proof's nodes as they come; whether they show anything is the caller's. */
static bcemr_status ask_path(pull *p, uint64_t first, uint64_t second,
                             bcemr_hash path[BCEMR_CONSISTENCY_MAX], uint64_t *count,
                             bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error detail = {0};
    const ledger_source *source = &p->s->source;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    TRY(answered(p, source->ops->consistency(source->self, first, second, &held, &detail),
                 "consistency", &detail, err));
    TRY(follow_read_path(bcemr_buf_span(&held), first, second, path, count, err));
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status follow_ask_begins(pull *p, uint64_t size, const bcemr_hash *root, const target *to,
                               bool *begins, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    *begins = false;
    p->path_count = 0;
    if (size >= to->size) {
        *begins = size == to->size && bcemr_hash_equal(root, &to->root);
        return BCEMR_OK;
    }
    TRY(ask_path(p, size, to->size, p->path, &p->path_count, err));
    *begins = bcemr_consistency_holds(size, to->size, root, &to->root, p->path, p->path_count) ==
              BCEMR_VALID;
out:
    return status;
}
