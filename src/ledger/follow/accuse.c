/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/follow/accuse.h"

#include "ledger/checkpoint/guilt.h"
#include "ledger/follow/internal.h"

#include <string.h>

/* ---- nodes of the other tree ---- */

static bcemr_status ask_path(const ledger_source *source, uint64_t first, uint64_t second,
                             bcemr_hash path[BCEMR_CONSISTENCY_MAX], uint64_t *count, bool *silent,
                             bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    status = source->ops->consistency(source->self, first, second, &held, err);
    *silent = status != BCEMR_OK && status != BCEMR_E_NO_MEMORY;
    TRY_AT(status, "source", "consistency");
    TRY(follow_read_path(bcemr_buf_span(&held), first, second, path, count, err));
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status follow_nodes(const ledger_source *source, uint64_t size, uint64_t to,
                          bcemr_hash path[BCEMR_CONSISTENCY_MAX], uint64_t *count, bool *silent,
                          bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash older, newer;
    *count = 0;
    *silent = false;
    if ((size & (size - 1)) != 0)
        return ask_path(source, size, to, path, count, silent, err);
    /* A complete subtree's root is left out of its proofs: one leaf less shows it. */
    if (size < 4)
        return BCEMR_OK;
    TRY(ask_path(source, size - 1, size, path, count, silent, err));
    if (bcemr_consistency_roots(size - 1, size, path, *count, &older, &newer) == BCEMR_OK) {
        TRY(ask_path(source, size, to, path, count, silent, err));
        if (*count < BCEMR_CONSISTENCY_MAX) {
            memmove(path + 1, path, (size_t)*count * sizeof path[0]);
            path[0] = newer;
            (*count)++;
        }
    } else {
        *count = 0;
    }
out:
    return status;
}

/* ---- sets of the other branch ---- */

#define SETS_MAX 10000 /* that a proof of guilt may name */

/* Signed entries that made sets, one behind the other. */
typedef struct branch {
    bcemr_buf bytes;
    uint64_t lengths[SETS_MAX];
    bcemr_span spans[SETS_MAX];
    uint64_t count;
} branch;

static bcemr_status add_page(branch *b, const bcemr_list *proofs, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_inclusion proof;
    bcemr_leaf_parts leaf;
    bcemr_span bytes;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_inclusion, proofs);
    while (b->count < SETS_MAX && bcemr_list_next(&iter, &bytes)) {
        TRY(bcemr_read_inclusion(bytes, &proof, err));
        TRY(bcemr_leaf_read(proof.leaf, &leaf, err));
        TRY_AT(bcemr_buf_append(&b->bytes, leaf.signed_entry), "source", "sets");
        b->lengths[b->count++] = leaf.signed_entry.n;
    }
out:
    return status;
}

/* All that lead from the genesis to the checkpoint's: nobody knows yet where the branch begins. */
static bcemr_status ask_branch(const ledger_source *other, const bcemr_tr_checkpoint *shown,
                               branch *b, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_list proofs = {0};
    uint64_t offset = 0;
    do {
        bcemr_buf_clear(&held);
        TRY(other->ops->sets(other->self, b->count, shown->size, &held, err));
        TRY(bcemr_read_list(&bcemr_type_inclusion, bcemr_buf_span(&held), 0, LEDGER_SOURCE_SETS,
                            &proofs, err));
        TRY(add_page(b, &proofs, err));
    } while (proofs.count > 0 && b->count < shown->set_number && b->count < SETS_MAX);
    for (uint64_t i = 0; i < b->count; offset += b->lengths[i++])
        b->spans[i] = bcemr_span_of(b->bytes.p + offset, b->lengths[i]);
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status has_set(const ledger_chain *own, const bcemr_tr_checkpoint *shown, bool *has,
                            bcemr_error *err)
{
    bcemr_set set = BCEMR_SET_EMPTY;
    uint64_t leaf;
    const bcemr_status status =
        ledger_chain_set_numbered(own, shown->set_number, &set, &leaf, NULL);
    *has = status == BCEMR_OK && bcemr_hash_equal(&set.hash, &shown->set);
    bcemr_set_free(&set);
    return status == BCEMR_OK || status == BCEMR_E_NOT_FOUND
               ? BCEMR_OK
               : wire_fail(err, status, "ledger", "sets");
}

/* ---- the two ---- */

static bcemr_status read_checkpoint(bcemr_span cosigned, bcemr_tr_checkpoint *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_cosigned value;
    TRY(bcemr_read_cosigned(cosigned, &value, err));
    TRY(bcemr_read_checkpoint(value.checkpoint, out, err));
out:
    return status;
}

typedef struct accusing {
    ledger_source_head said;
    bcemr_buf held; /* the own newest Tr("cosigned") */
    bcemr_tr_checkpoint mine, theirs;
    bcemr_hash path[BCEMR_CONSISTENCY_MAX];
    branch sets;
} accusing;

static bcemr_status take_both(const ledger_chain *own, const ledger_source *other, accusing *a,
                              bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_view view;
    ledger_chain_view(own, &view);
    TRY_AT(view.checkpoint(view.user, &a->held), "ledger", "cosigned");
    TRY(other->ops->head(other->self, &a->said, err));
    if (a->said.cosigned.n == 0)
        FAIL(BCEMR_E_NOT_FOUND, "source", "cosigned");
    TRY(read_checkpoint(bcemr_buf_span(&a->held), &a->mine, err));
    TRY(read_checkpoint(bcemr_buf_span(&a->said.cosigned), &a->theirs, err));
    REQUIRE(bcemr_hash_equal(&a->mine.ledger, &a->theirs.ledger), BCEMR_WRONG_LEDGER, "source",
            "cosigned");
out:
    return status;
}

static bcemr_status accuse(const ledger_chain *own, const ledger_source *other, accusing *a,
                           bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bool has = false, silent = false;
    TRY(take_both(own, other, a, err));
    ledger_evidence evidence = {.one = bcemr_buf_span(&a->held),
                                .other = bcemr_buf_span(&a->said.cosigned)};
    if (a->mine.size < a->theirs.size) {
        TRY(follow_nodes(other, a->mine.size, a->theirs.size, a->path, &evidence.path_count,
                         &silent, err));
        if (evidence.path_count > 0)
            evidence.path = a->path;
    }
    TRY(has_set(own, &a->theirs, &has, err));
    if (!has) {
        TRY(ask_branch(other, &a->theirs, &a->sets, err));
        evidence.sets = a->sets.spans;
        evidence.set_count = a->sets.count;
    }
    TRY(ledger_guilt_make(own, &evidence, out, err));
out:
    return status;
}

bcemr_status ledger_guilt_between(const ledger_chain *own, const ledger_source *other,
                                  bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    accusing *a = bcemr_allocate(sizeof *a);
    if (!a)
        FAIL(BCEMR_E_NO_MEMORY, "guilt", NULL);
    TRY(accuse(own, other, a, out, err));
out:
    if (a) {
        bcemr_buf_free(&a->said.cosigned);
        bcemr_buf_free(&a->held);
        bcemr_buf_free(&a->sets.bytes);
    }
    bcemr_release(a);
    return status;
}
