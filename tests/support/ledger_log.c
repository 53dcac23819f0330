/* SPDX-License-Identifier: Apache-2.0 */
#include "support/ledger_log.h"

#include "support/consortium.h"

#include <bcemr/hash.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *room(uint64_t n)
{
    void *p = calloc(1, n > 0 ? (size_t)n : 1);
    if (!p)
        abort();
    return p;
}

static bcemr_status add_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    (void)more;
    bcemr_buf *all = user;
    uint8_t lengths[16];
    bcemr_store_u64(lengths, key.n);
    bcemr_store_u64(lengths + 8, value.n);
    must(bcemr_buf_append(all, bcemr_span_of(lengths, sizeof lengths)));
    must(bcemr_buf_append(all, key));
    must(bcemr_buf_append(all, value));
    return BCEMR_OK;
}

bcemr_status ledger_log_rows(const ledger_state *state, bcemr_hash *out)
{
    bcemr_buf all = BCEMR_BUF_EMPTY;
    bcemr_status status = BCEMR_OK;
    must(bcemr_buf_reserve(&all, 1 << 20));
    for (int t = 0; t < LEDGER_TABLE_COUNT && status == BCEMR_OK; t++) {
        const uint8_t table = (uint8_t)t;
        must(bcemr_buf_append(&all, bcemr_span_of(&table, 1)));
        status =
            ledger_scan(state, (ledger_table)t, (bcemr_span){0}, (bcemr_span){0}, add_row, &all);
    }
    bcemr_sha256(bcemr_buf_span(&all), out);
    bcemr_buf_free(&all);
    return status;
}

/* Leaves of one height are a block. */
static void cut_into_blocks(ledger_log *log)
{
    bcemr_leaf_parts leaf;
    uint64_t last = UINT64_MAX;
    log->blocks = room(log->leaf_count * sizeof *log->blocks);
    for (uint64_t i = 0; i < log->leaf_count; i++) {
        must(bcemr_leaf_read(bcemr_buf_span(&log->leaves[i]), &leaf, NULL));
        if (i == 0 || leaf.height != last) {
            log_block *fresh = &log->blocks[log->count++];
            *fresh = (log_block){.tau = leaf.tau, .height = leaf.height};
            fresh->entries = room(log->leaf_count * sizeof *fresh->entries);
            last = leaf.height;
        }
        log_block *block = &log->blocks[log->count - 1];
        if (leaf.parts.type != &bcemr_type_case_header)
            block->entries[block->count++] = leaf.signed_entry;
    }
}

static void note_end(log_block *block, const ledger_chain *chain, const ledger_state *state)
{
    block->size = ledger_chain_size(chain);
    must(ledger_chain_root(chain, block->size, &block->root));
    must(ledger_log_rows(state, &block->rows));
}

void ledger_log_take(const bcemr_context *context, const ledger_chain *chain, bcemr_span genesis,
                     ledger_log *out)
{
    ledger_chain *again;
    ledger_chain_options options = {.context = context};
    *out = (ledger_log){.leaf_count = ledger_chain_size(chain)};
    must(bcemr_buf_append(&out->genesis, genesis));
    out->leaves = room(out->leaf_count * sizeof *out->leaves);
    for (uint64_t i = 0; i < out->leaf_count; i++)
        must(ledger_chain_leaf(chain, i, &out->leaves[i]));
    cut_into_blocks(out);
    must(ledger_state_memory(&options.state));
    must(ledger_chain_open(&again, &options, genesis, NULL));
    note_end(&out->blocks[0], again, &options.state);
    for (uint64_t i = 1; i < out->count; i++) {
        log_block *block = &out->blocks[i];
        must(ledger_chain_replay(again, block->height, block->tau, block->entries, block->count,
                                 NULL));
        note_end(block, again, &options.state);
    }
    ledger_chain_close(again);
}

void ledger_log_free(ledger_log *log)
{
    for (uint64_t i = 0; i < log->leaf_count; i++)
        bcemr_buf_free(&log->leaves[i]);
    for (uint64_t i = 0; i < log->count; i++)
        free(log->blocks[i].entries);
    bcemr_buf_free(&log->genesis);
    free(log->leaves);
    free(log->blocks);
    *log = (ledger_log){.count = 0};
}

const log_block *ledger_log_at(const ledger_log *log, uint64_t size)
{
    for (uint64_t i = 0; i < log->count; i++)
        if (log->blocks[i].size == size)
            return &log->blocks[i];
    return NULL;
}
