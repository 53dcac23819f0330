/* SPDX-License-Identifier: Apache-2.0 */
/* An open chain as a source. */
#include "ledger/follow/source.h"
#include "wire/error.h"

typedef struct chain_source {
    const ledger_chain *chain;
    ledger_chain *reader; /* the same, where it is to be refreshed; else NULL */
} chain_source;

static bcemr_status head(void *self, ledger_source_head *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const chain_source *s = self;
    bcemr_ledger_view view;
    if (s->reader)
        TRY(ledger_chain_refresh(s->reader, err));
    TRY(ledger_chain_checkpoint(s->chain, &out->at, err));
    out->bare = false;
    bcemr_buf_clear(&out->cosigned);
    ledger_chain_view(s->chain, &view);
    status = view.checkpoint(view.user, &out->cosigned);
    if (status == BCEMR_E_NOT_FOUND)
        status = BCEMR_OK;
    TRY_AT(status, "source", "cosigned");
out:
    return status;
}

static bcemr_status leaves(void *self, uint64_t from, uint64_t to, uint64_t bytes, bcemr_buf *out,
                           bcemr_error *err)
{
    const chain_source *s = self;
    return ledger_chain_leaves(s->chain, from, to, bytes, out, err);
}

static bcemr_status consistency(void *self, uint64_t first, uint64_t second, bcemr_buf *out,
                                bcemr_error *err)
{
    const chain_source *s = self;
    return ledger_chain_consistency(s->chain, first, second, out, err);
}

/* What walks the sets: their leaves' proofs, one buffer each. */
typedef struct walk {
    bcemr_buf proofs[LEDGER_SOURCE_SETS];
    bcemr_span spans[LEDGER_SOURCE_SETS];
    uint64_t count;
} walk;

static bcemr_status gather(const ledger_chain *chain, uint64_t number, uint64_t size, walk *w,
                           bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY;
    uint64_t leaf = 0;
    while (w->count < LEDGER_SOURCE_SETS) {
        status = ledger_chain_set_numbered(chain, ++number, &set, &leaf, err);
        if (status == BCEMR_E_NOT_FOUND || (status == BCEMR_OK && leaf >= size)) {
            status = BCEMR_OK;
            break;
        }
        TRY(status);
        bcemr_buf *proof = &w->proofs[w->count];
        TRY(ledger_chain_inclusion(chain, leaf, size, proof, err));
        w->spans[w->count++] = bcemr_buf_span(proof);
    }
out:
    bcemr_set_free(&set);
    return status;
}

static bcemr_status sets(void *self, uint64_t number, uint64_t size, bcemr_buf *out,
                         bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const chain_source *s = self;
    walk *w = bcemr_allocate(sizeof *w);
    if (!w)
        FAIL(BCEMR_E_NO_MEMORY, "source", "sets");
    if (size > ledger_chain_size(s->chain))
        FAIL(BCEMR_E_NOT_FOUND, "source", "sets");
    TRY(gather(s->chain, number, size, w, err));
    const bcemr_list list = BCEMR_LIST_OF(w->spans, w->count);
    TRY(bcemr_write_list(&bcemr_type_inclusion, &list, out, err));
out:
    for (uint64_t i = 0; w && i < LEDGER_SOURCE_SETS; i++)
        bcemr_buf_free(&w->proofs[i]);
    bcemr_release(w);
    return status;
}

static bcemr_status index_blocks(void *self, const char *name, uint64_t from, uint64_t to,
                                 uint64_t bytes, bcemr_buf *out, bcemr_error *err)
{
    const chain_source *s = self;
    return ledger_chain_index_part(s->chain, name, from, to, bytes, out, err);
}

static void close_source(void *self)
{
    bcemr_release(self);
}

static const ledger_source_ops chain_ops = {.head = head,
                                            .leaves = leaves,
                                            .consistency = consistency,
                                            .sets = sets,
                                            .index = index_blocks,
                                            .close = close_source};

static bcemr_status make(ledger_source *out, const ledger_chain *chain, ledger_chain *reader)
{
    chain_source *s = bcemr_allocate(sizeof *s);
    *out = (ledger_source){NULL, NULL};
    if (!s)
        return BCEMR_E_NO_MEMORY;
    *s = (chain_source){chain, reader};
    *out = (ledger_source){&chain_ops, s};
    return BCEMR_OK;
}

bcemr_status ledger_source_chain(ledger_source *out, const ledger_chain *chain)
{
    return make(out, chain, NULL);
}

bcemr_status ledger_source_database(ledger_source *out, ledger_chain *chain)
{
    return make(out, chain, chain);
}

void ledger_source_close(ledger_source *source)
{
    if (!source || !source->ops)
        return;
    source->ops->close(source->self);
    *source = (ledger_source){NULL, NULL};
}
