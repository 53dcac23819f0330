/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/verify/verify.h"
#include "ledger/chain/internal.h"
#include "ledger/verify/parts.h"
#include "ledger/verify/replay.h"

#include <string.h>

static const struct {
    const char *name, *text;
} tables[] = {
#define X(name, text) {#name, text},
    LEDGER_TABLES(X)
#undef X
};

const char *ledger_table_name(ledger_table table)
{
    return tables[table].name;
}

const char *ledger_table_text(ledger_table table)
{
    return tables[table].text;
}

typedef struct verifying {
    const ledger_state *source;
    const ledger_verify_options *o;
    ledger_verified *out;
    uint64_t expected; /* leaves, by the tip that is kept; 0 when it does not read */
    bcemr_buf leaf;
    verify_shadow shadow;
    ledger_replay *replay; /* NULL when quick */
    bcemr_tree tree;
    bcemr_error *err;
} verifying;

/* ---- leaves ---- */

/* The next leaf into v->leaf; E_NOT_FOUND behind the last. */
static bcemr_status fetch(verifying *v, uint64_t index)
{
    bcemr_status status = ledger_log_leaf(v->source, index, &v->leaf);
    ledger_key key;
    if (status == BCEMR_OK || status == BCEMR_E_NOT_FOUND)
        return status;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, index);
    status = verify_unread(&v->out->bad, LEDGER_LEAVES, ledger_key_span(&key), status);
    if (v->out->bad.kind == LEDGER_BAD_READ)
        v->out->bad.leaf = index;
    return status;
}

static bcemr_status found_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    (void)key;
    (void)value;
    *(bool *)user = true;
    *more = false;
    return BCEMR_OK;
}

/* No leaf at size: the end of the log, unless something that is kept goes on behind it. */
static bcemr_status check_end(verifying *v, uint64_t size)
{
    bcemr_status status = BCEMR_OK;
    bool more = false;
    ledger_key leaf, node;
    ledger_key_begin(&leaf);
    ledger_key_add_number(&leaf, size);
    ledger_key_begin(&node);
    ledger_key_add_number(&node, 0);
    ledger_key_add_number(&node, size);
    TRY(ledger_scan(v->source, LEDGER_LEAVES, (bcemr_span){0}, ledger_key_span(&leaf), found_row,
                    &more));
    if (!more)
        TRY(ledger_has(v->source, LEDGER_NODES, ledger_key_span(&node), &more));
    if (!BCEMR_HOLDS(BCEMR_BAD_DATABASE, !more && size > 0)) {
        status =
            verify_bad_row(&v->out->bad, LEDGER_LEAVES, ledger_key_span(&leaf), LEDGER_ROW_MISSING);
        v->out->bad.leaf = size;
    }
out:
    return status;
}

/* What the replay says of a leaf is said of the database. */
static bcemr_status judge(verifying *v, bcemr_status status, const bcemr_error *error)
{
    ledger_bad *bad = &v->out->bad;
    if (status == BCEMR_OK || bad->kind == LEDGER_BAD_READ)
        return status;
    if (error->index == BCEMR_NOWHERE) {
        *v->err = *error;
        return status;
    }
    /* A signature in a leaf before the finding, or of the very leaf, comes first. */
    if (bad->kind == LEDGER_BAD_NONE || error->index <= v->out->size)
        bad->kind = LEDGER_BAD_NONE;
    return verify_bad_leaf(bad, error->index, error);
}

/* The leaf is not what the tree was made of; but signatures before it may not have been looked at.
 */
static bcemr_status first_of(verifying *v, bcemr_status status)
{
    bcemr_error error;
    if (!v->replay || v->out->bad.kind == LEDGER_BAD_NONE)
        return status;
    const bcemr_status ended = ledger_replay_end(v->replay, &error);
    if (ended == BCEMR_E_REFUSED && error.verdict == BCEMR_LEDGER_REFUSED &&
        error.index < v->out->size)
        return judge(v, ended, &error);
    return status;
}

static bcemr_status begin_replay(verifying *v, bcemr_span signed_genesis)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error error = {.index = BCEMR_NOWHERE, .offset = BCEMR_NOWHERE};
    v->shadow = (verify_shadow){.source = v->source, .bad = &v->out->bad};
    TRY(v->o->scratch(v->o->user, &v->shadow.scratch, v->err));
    const ledger_replay_options options = {.context = v->o->context,
                                           .parallel = v->o->parallel,
                                           .state = verify_shadow_state(&v->shadow),
                                           .beside = v->o->beside,
                                           .batch = v->o->batch};
    status = ledger_replay_new(&v->replay, &options, signed_genesis, &error);
    if (status == BCEMR_OK)
        goto out;
    ledger_state_close(&v->shadow.scratch);
    if (status == BCEMR_E_REFUSED && v->out->bad.kind == LEDGER_BAD_NONE) {
        status = verify_bad_leaf(&v->out->bad, 0, &error);
        v->out->bad.kind = LEDGER_BAD_GENESIS;
    } else if (v->out->bad.kind == LEDGER_BAD_NONE) {
        *v->err = error;
    }
out:
    return status;
}

/* Leaf 0: which ledger it is, and the beginning of the replay. */
static bcemr_status begin(verifying *v, const bcemr_leaf_parts *leaf)
{
    bcemr_status status = BCEMR_OK;
    bcemr_signed_parts wanted;
    bcemr_error *err = v->err;
    v->out->ledger = leaf->parts.entry_hash;
    if (v->o->genesis.n > 0) {
        TRY(bcemr_signed_read(v->o->genesis, &wanted, err));
        if (!BCEMR_HOLDS(BCEMR_WRONG_LEDGER,
                         bcemr_hash_equal(&wanted.entry_hash, &v->out->ledger))) {
            bcemr_error error;
            (void)wire_refuse(&error, BCEMR_WRONG_LEDGER, "genesis", NULL, 0);
            status = verify_bad_leaf(&v->out->bad, 0, &error);
            v->out->bad.kind = LEDGER_BAD_GENESIS;
            goto out;
        }
    }
    if (!v->o->quick)
        TRY(begin_replay(v, leaf->signed_entry));
out:
    return status;
}

/* Nodes above a leaf that it completes: what a replay would compare. */
static bcemr_status check_nodes(verifying *v, uint64_t index, const bcemr_hash *leaf)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_node_source nodes = ledger_log_nodes(v->source);
    bcemr_hash hash = *leaf, left;
    for (uint64_t level = 0; (index & 1) != 0; level++) {
        TRY(nodes.node(nodes.user, level, index - 1, &left));
        bcemr_tree_node_hash(&left, &hash, &hash);
        index >>= 1;
        TRY(verify_node(v->source, level + 1, index, &hash, &v->out->bad));
        v->out->rows++;
    }
out:
    return status;
}

static bcemr_status take(verifying *v, uint64_t index)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error error = {.index = index, .offset = BCEMR_NOWHERE};
    bcemr_leaf_parts leaf;
    const bcemr_span bytes = bcemr_buf_span(&v->leaf);
    bcemr_hash hash;
    bcemr_tree_leaf_hash(bytes, &hash);
    status = verify_leaf_hash(v->source, index, &hash, &v->out->bad);
    if (status != BCEMR_OK)
        return first_of(v, status);
    bcemr_tree_add(&v->tree, &hash);
    if (index == 0 || v->o->quick) {
        status = bcemr_leaf_read(bytes, &leaf, &error);
        error.index = index;
        TRY(judge(v, status, &error));
    }
    if (index == 0)
        TRY(begin(v, &leaf));
    if (v->o->quick)
        TRY(check_nodes(v, index, &hash));
    else
        TRY(judge(v, ledger_replay_leaf(v->replay, bytes, &error), &error));
    v->out->size++;
    v->out->rows += v->o->quick ? 2 : 0; /* else the shadow counts */
out:
    return status;
}

static bcemr_status all_leaves(verifying *v)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_progress *progress = v->o->progress;
    for (uint64_t i = 0;; i++) {
        status = fetch(v, i);
        if (status == BCEMR_E_NOT_FOUND)
            return first_of(v, check_end(v, i));
        TRY(status);
        TRY(take(v, i));
        if (progress && i % 256 == 0)
            TRY(progress->tell(progress->user, i, v->expected > i ? v->expected : i + 1));
    }
out:
    return status;
}

/* ---- the rest ---- */

static bool follows_from_the_log(ledger_table table)
{
    return table != LEDGER_LEAVES && table != LEDGER_NODES && table != LEDGER_COSIGNED &&
           table != LEDGER_COSIGNER && table != LEDGER_REFUSED;
}

static bcemr_status all_rows(verifying *v)
{
    bcemr_status status = BCEMR_OK;
    ledger_bad *bad = &v->out->bad;
    for (int t = 0; t < LEDGER_TABLE_COUNT && status == BCEMR_OK; t++)
        if (follows_from_the_log((ledger_table)t))
            status = verify_same_rows(v->source, &v->shadow.scratch, (ledger_table)t, bad,
                                      &v->out->rows);
    return status;
}

/* Quick: the kept records are taken as they are, but must speak of the leaves that are there. */
static bcemr_status quick_end(verifying *v)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = v->err;
    ledger_chain chain = {.context = v->o->context, .state = *v->source, .id = v->out->ledger};
    bcemr_buf held = BCEMR_BUF_EMPTY;
    TRY(verify_nothing_beyond(v->source, v->out->size, &v->out->bad));
    status = ledger_get_record(v->source, LEDGER_TIP, (bcemr_span){0}, &bcemr_type_state_block,
                               &held, &chain.tip, err);
    const bool same = status == BCEMR_OK && chain.tip.size == v->out->size;
    if (!same && (status == BCEMR_E_IO || status == BCEMR_E_NO_MEMORY))
        goto out;
    if (!BCEMR_HOLDS(BCEMR_BAD_DATABASE, same)) {
        status =
            verify_bad_row(&v->out->bad, LEDGER_TIP, (bcemr_span){0},
                           status == BCEMR_E_NOT_FOUND ? LEDGER_ROW_MISSING : LEDGER_ROW_DIFFERENT);
        goto out;
    }
    TRY(verify_checkpoints(v->source, &chain, v->out, err));
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status full_end(verifying *v)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error error = {.index = BCEMR_NOWHERE, .offset = BCEMR_NOWHERE};
    ledger_verifier_counts counts;
    if (!v->replay)
        return wire_fail(v->err, BCEMR_E_STATE, "ledger", NULL);
    TRY(judge(v, ledger_replay_end(v->replay, &error), &error));
    v->out->blocks = ledger_replay_blocks(v->replay);
    ledger_replay_counts(v->replay, &counts);
    v->out->statements = counts.single + counts.batched;
    v->out->rows = v->shadow.compared;
    TRY(verify_nothing_beyond(v->source, v->out->size, &v->out->bad));
    TRY(all_rows(v));
    TRY(verify_checkpoints(v->source, ledger_replay_chain(v->replay), v->out, v->err));
out:
    return status;
}

static bcemr_status work(verifying *v)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_block tip;
    if (ledger_get_record(v->source, LEDGER_TIP, (bcemr_span){0}, &bcemr_type_state_block, &held,
                          &tip, NULL) == BCEMR_OK)
        v->expected = tip.size;
    bcemr_tree_begin(&v->tree);
    TRY(all_leaves(v));
    TRY(v->o->quick ? quick_end(v) : full_end(v));
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status ledger_verify(const ledger_state *state, const ledger_verify_options *options,
                           ledger_verified *out, bcemr_error *err)
{
    bcemr_error local = {.index = BCEMR_NOWHERE, .offset = BCEMR_NOWHERE};
    verifying v = {.source = state, .o = options, .out = out, .err = err ? err : &local};
    *out = (ledger_verified){.bad = {.leaf = BCEMR_NOWHERE}};
    bcemr_status status = work(&v);
    if (status == BCEMR_E_DAMAGED && out->bad.kind != LEDGER_BAD_NONE)
        status = BCEMR_OK;
    bcemr_tree_root(&v.tree, &out->root);
    ledger_replay_free(v.replay);
    bcemr_buf_free(&v.leaf);
    if (status != BCEMR_OK && v.err->status != status)
        (void)wire_fail(v.err, status, "ledger", NULL);
    return status;
}
