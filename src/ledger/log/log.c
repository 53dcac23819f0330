/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/log/log.h"
#include "wire/error.h"

#include <string.h>

static void node_key(ledger_key *key, uint64_t level, uint64_t index)
{
    ledger_key_begin(key);
    ledger_key_add_number(key, level);
    ledger_key_add_number(key, index);
}

static bcemr_status node_get(void *user, uint64_t level, uint64_t index, bcemr_hash *out)
{
    const ledger_state *state = user;
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    ledger_key key;
    node_key(&key, level, index);
    TRY(ledger_get(state, LEDGER_NODES, ledger_key_span(&key), &held));
    if (held.n != sizeof out->b)
        status = BCEMR_E_FIELD_LENGTH;
    else
        memcpy(out->b, held.p, sizeof out->b);
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status node_put(ledger_state *state, uint64_t level, uint64_t index,
                             const bcemr_hash *hash)
{
    ledger_key key;
    node_key(&key, level, index);
    return ledger_put(state, LEDGER_NODES, ledger_key_span(&key),
                      bcemr_span_of(hash->b, sizeof hash->b));
}

bcemr_node_source ledger_log_nodes(const ledger_state *state)
{
    /* node_get only reads; the source's user is not const because others may need it so. */
    return (bcemr_node_source){node_get, (void *)(uintptr_t)state};
}

bcemr_status ledger_log_append(ledger_state *state, uint64_t size, bcemr_span leaf)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_node_source nodes = ledger_log_nodes(state);
    bcemr_hash hash, left;
    ledger_key key;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, size);
    TRY(ledger_put(state, LEDGER_LEAVES, ledger_key_span(&key), leaf));
    bcemr_tree_leaf_hash(leaf, &hash);
    TRY(node_put(state, 0, size, &hash));
    /* A right child completes its parent, and so on up. */
    uint64_t index = size;
    for (uint64_t level = 0; (index & 1) != 0; level++) {
        TRY(nodes.node(nodes.user, level, index - 1, &left));
        bcemr_tree_node_hash(&left, &hash, &hash);
        index >>= 1;
        TRY(node_put(state, level + 1, index, &hash));
    }
out:
    return status;
}

bcemr_status ledger_log_leaf(const ledger_state *state, uint64_t index, bcemr_buf *out)
{
    ledger_key key;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, index);
    return ledger_get(state, LEDGER_LEAVES, ledger_key_span(&key), out);
}
