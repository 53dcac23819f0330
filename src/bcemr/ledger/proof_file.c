/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/ledger/proof_file.h"
#include "wire/error.h"

#include <string.h>

/* ---- making ---- */

/* The entries that made the sets 1 to number, each in a buffer of its own. */
typedef struct set_walk {
    bcemr_buf *held;
    bcemr_span *entries;
    uint64_t count;
} set_walk;

static void walk_free(set_walk *walk)
{
    for (uint64_t i = 0; walk->held && i < walk->count; i++)
        bcemr_buf_free(&walk->held[i]);
    bcemr_release(walk->held);
    bcemr_release(walk->entries);
}

static bcemr_status read_step(const ledger_chain *chain, const ledger_state *state, uint64_t number,
                              bcemr_buf *held, bcemr_span *entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf row = BCEMR_BUF_EMPTY;
    bcemr_tr_state_set set;
    bcemr_leaf_parts leaf;
    ledger_key key;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, number);
    TRY(ledger_get_record(state, LEDGER_SETS, ledger_key_span(&key), &bcemr_type_state_set, &row,
                          &set, err));
    TRY_AT(ledger_chain_leaf(chain, set.leaf, held), "set", "leaf");
    TRY(bcemr_leaf_read(bcemr_buf_span(held), &leaf, err));
    *entry = leaf.signed_entry;
out:
    bcemr_buf_free(&row);
    return status;
}

static bcemr_status read_walk(const ledger_chain *chain, const ledger_state *state, uint64_t number,
                              set_walk *walk, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    walk->held = bcemr_allocate((number + 1) * sizeof *walk->held);
    walk->entries = bcemr_allocate((number + 1) * sizeof *walk->entries);
    if (!walk->held || !walk->entries)
        FAIL(BCEMR_E_NO_MEMORY, "log-proof", "sets");
    for (; walk->count < number; walk->count++)
        TRY(read_step(chain, state, walk->count + 1, &walk->held[walk->count],
                      &walk->entries[walk->count], err));
out:
    return status;
}

/* The cosigned checkpoint that is held; size 0 for none. */
static bcemr_status held_checkpoint(const ledger_chain *chain, bcemr_buf *cosigned, uint64_t *size,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_view view;
    bcemr_tr_cosigned value;
    bcemr_tr_checkpoint checkpoint;
    *size = 0;
    ledger_chain_view(chain, &view);
    status = view.checkpoint(view.user, cosigned);
    if (status == BCEMR_E_NOT_FOUND)
        return BCEMR_OK;
    TRY_AT(status, "cosigned", NULL);
    TRY(bcemr_read_cosigned(bcemr_buf_span(cosigned), &value, err));
    TRY(bcemr_read_checkpoint(value.checkpoint, &checkpoint, err));
    *size = checkpoint.size;
out:
    return status;
}

/* Paths to the root of size leaves. */
static bcemr_status make_paths(const ledger_chain *chain, const proof_file_request *request,
                               uint64_t size, bcemr_buf *inclusion, bcemr_buf *consistency,
                               bcemr_hash *older, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    if (request->leaf != BCEMR_NOWHERE) {
        if (request->leaf >= size)
            FAIL(BCEMR_E_NOT_FOUND, "log-proof", "leaf");
        TRY(ledger_chain_inclusion(chain, request->leaf, size, inclusion, err));
    }
    if (request->older != BCEMR_NOWHERE) {
        if (request->older == 0 || request->older > size)
            FAIL(BCEMR_E_NOT_FOUND, "log-proof", "older");
        TRY_AT(ledger_chain_root(chain, request->older, older), "log-proof", "older");
        TRY(ledger_chain_consistency(chain, request->older, size, consistency, err));
    }
out:
    return status;
}

bcemr_status proof_file_make(const ledger_chain *chain, const ledger_state *state,
                             const proof_file_request *request, bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY, checkpoint = BCEMR_BUF_EMPTY;
    bcemr_buf inclusion = BCEMR_BUF_EMPTY, consistency = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint to;
    set_walk walk = {.count = 0};
    bcemr_hash older = {{0}};
    uint64_t held_size = 0, size = request->size;
    TRY(held_checkpoint(chain, &cosigned, &held_size, err));
    if (size == BCEMR_NOWHERE && held_size == 0)
        FAIL(BCEMR_E_NOT_FOUND, "log-proof", "cosigned");
    if (size == BCEMR_NOWHERE)
        size = held_size;
    const bool has_cosigned = size == held_size;
    TRY_AT(ledger_chain_checkpoint_at(chain, size, &to, NULL), "log-proof", "size");
    TRY(bcemr_write_checkpoint(&to, &checkpoint, err));
    TRY(make_paths(chain, request, size, &inclusion, &consistency, &older, err));
    TRY(read_walk(chain, state, has_cosigned ? to.set_number : 0, &walk, err));
    const bcemr_span signed_by = bcemr_buf_span(&cosigned), path = bcemr_buf_span(&inclusion),
                     link = bcemr_buf_span(&consistency);
    const bcemr_tr_log_proof value = {.checkpoint = bcemr_buf_span(&checkpoint),
                                      .cosigned = BCEMR_LIST_OF(&signed_by, has_cosigned),
                                      .sets = BCEMR_LIST_OF(walk.entries, walk.count),
                                      .inclusion = BCEMR_LIST_OF(&path, path.n > 0),
                                      .older = BCEMR_LIST_OF(&older, link.n > 0),
                                      .consistency = BCEMR_LIST_OF(&link, link.n > 0)};
    TRY(bcemr_write_log_proof(&value, out, err));
out:
    walk_free(&walk);
    bcemr_buf_free(&cosigned);
    bcemr_buf_free(&checkpoint);
    bcemr_buf_free(&inclusion);
    bcemr_buf_free(&consistency);
    return status;
}

/* ---- checking ---- */

typedef struct checking {
    const bcemr_context *context;
    bcemr_hash ledger;
    bcemr_tr_genesis genesis;
    bcemr_tr_log_proof file;
    proof_file_facts *out;
} checking;

static bcemr_status begin(checking *c, bcemr_span signed_genesis, bcemr_span file, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_signed_parts parts;
    REQUIRE_VALID(bcemr_genesis_check(c->context, signed_genesis, &c->ledger, err), "genesis",
                  err->field);
    TRY(bcemr_signed_read(signed_genesis, &parts, err));
    TRY(bcemr_read_genesis(parts.entry, &c->genesis, err));
    TRY(bcemr_read_log_proof(file, &c->file, err));
    TRY(bcemr_read_checkpoint(c->file.checkpoint, &c->out->checkpoint, err));
    REQUIRE(bcemr_hash_equal(&c->out->checkpoint.ledger, &c->ledger), BCEMR_WRONG_LEDGER,
            "checkpoint", "ledger");
    REQUIRE(c->file.inclusion.count + c->file.consistency.count > 0, BCEMR_BAD_INCLUSION,
            "log-proof", NULL);
    REQUIRE(c->file.older.count == c->file.consistency.count, BCEMR_BAD_CONSISTENCY, "log-proof",
            "older");
out:
    return status;
}

/* The set that signed, from the genesis on, and its signature. */
static bcemr_status check_cosigned(const checking *c, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set sets[2] = {BCEMR_SET_EMPTY, BCEMR_SET_EMPTY};
    bcemr_g2 authority;
    bcemr_span entry, cosigned;
    bcemr_tr_cosigned value;
    uint64_t step = 0;
    if (!bcemr_list_at(&bcemr_type_cosigned, &c->file.cosigned, 0, &cosigned))
        return BCEMR_OK;
    TRY_AT(bcemr_g2_decode(&c->genesis.authority, &authority), "genesis", "authority");
    TRY(bcemr_set_begin(&c->genesis, &sets[0], err));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_signed, &c->file.sets);
    for (; bcemr_list_next(&iter, &entry); step++) {
        const bcemr_verdict verdict = bcemr_set_follow(
            c->context, &authority, &c->ledger, &sets[step % 2], entry, &sets[(step + 1) % 2], err);
        if (verdict != BCEMR_VALID) {
            status = wire_verdict(err, verdict, "log-proof", "sets");
            err->index = step;
            goto out;
        }
    }
    const bcemr_set *set = &sets[step % 2];
    REQUIRE_VALID(bcemr_checkpoint_check(c->context, &c->ledger, set, cosigned, NULL, err),
                  "cosigned", err->field);
    TRY(bcemr_read_cosigned(cosigned, &value, err));
    REQUIRE(bcemr_span_equal(value.checkpoint, c->file.checkpoint), BCEMR_BAD_CHECKPOINT,
            "log-proof", "cosigned");
    for (uint64_t i = 0; i < set->count; i++)
        c->out->signers += bcemr_bitmap_get(value.signers, i);
    c->out->members = set->count;
    c->out->cosigned = true;
out:
    bcemr_set_free(&sets[0]);
    bcemr_set_free(&sets[1]);
    return status;
}

static bcemr_status check_inclusion(const checking *c, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span inclusion;
    if (!bcemr_list_at(&bcemr_type_inclusion, &c->file.inclusion, 0, &inclusion))
        return BCEMR_OK;
    REQUIRE_VALID(
        bcemr_inclusion_check(inclusion, &c->out->checkpoint, &c->out->leaf, &c->out->index, err),
        "inclusion", err->field);
    c->out->entry = true;
out:
    return status;
}

static bcemr_status check_consistency(const checking *c, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span bytes;
    bcemr_tr_consistency value;
    bcemr_hash path[BCEMR_CONSISTENCY_MAX];
    uint64_t count = 0;
    if (!bcemr_list_at(&bcemr_type_consistency, &c->file.consistency, 0, &bytes))
        return BCEMR_OK;
    (void)bcemr_list_at(&bcemr_type_hash_item, &c->file.older, 0, &c->out->older_root);
    TRY(bcemr_read_consistency(bytes, &value, err));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_hash_item, &value.path);
    while (count < BCEMR_CONSISTENCY_MAX && bcemr_list_next(&iter, &path[count]))
        count++;
    REQUIRE(value.second == c->out->checkpoint.size, BCEMR_BAD_CONSISTENCY, "consistency",
            "second");
    REQUIRE_VALID(bcemr_consistency_holds(value.first, value.second, &c->out->older_root,
                                          &c->out->checkpoint.root, path, count),
                  "consistency", NULL);
    c->out->older_size = value.first;
    c->out->extends = true;
out:
    return status;
}

bcemr_verdict proof_file_check(const bcemr_context *context, bcemr_span signed_genesis,
                               bcemr_span file, const bcemr_hash *root, proof_file_facts *out,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    checking c = {.context = context, .out = out};
    *out = (proof_file_facts){.index = BCEMR_NOWHERE};
    TRY(begin(&c, signed_genesis, file, err));
    if (root)
        REQUIRE(bcemr_hash_equal(root, &out->checkpoint.root), BCEMR_BAD_CHECKPOINT, "checkpoint",
                "root");
    TRY(check_cosigned(&c, err));
    TRY(check_inclusion(&c, err));
    TRY(check_consistency(&c, err));
out:
    if (status == BCEMR_OK)
        return BCEMR_VALID;
    return status == BCEMR_E_REFUSED ? err->verdict : BCEMR_UNDECIDED;
}
