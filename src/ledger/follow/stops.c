/* SPDX-License-Identifier: Apache-2.0 */
/* The index `stops` of the own node, held against the head that the supernodes signed. */
#include "ledger/follow/follow.h"
#include "wire/error.h"

#include <string.h>

#define PART ((uint64_t)1 << 20)

/* A key to look for on the way: the first row of this kind and key. */
typedef struct wanted {
    const char *kind;
    bcemr_span key;
    bool found;
    uint64_t leaf;
} wanted;

/* The own block that the checkpoint is of. */
static bcemr_status check_signed(const ledger_chain *chain, const bcemr_context *context,
                                 bcemr_span cosigned, bcemr_tr_checkpoint *own, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_buf mine = BCEMR_BUF_EMPTY;
    bcemr_tr_cosigned value;
    bcemr_tr_checkpoint shown;
    TRY(bcemr_read_cosigned(cosigned, &value, err));
    TRY(bcemr_read_checkpoint(value.checkpoint, &shown, err));
    REQUIRE(bcemr_hash_equal(&shown.ledger, ledger_chain_id(chain)), BCEMR_WRONG_LEDGER,
            "checkpoint", "ledger");
    if (shown.size > ledger_chain_size(chain))
        FAIL(BCEMR_E_NOT_FOUND, "checkpoint", "size");
    TRY(ledger_chain_set_walked(chain, context, shown.set_number, &set, err));
    REQUIRE_VALID(
        bcemr_checkpoint_check(context, ledger_chain_id(chain), &set, cosigned, NULL, err),
        "cosigned", NULL);
    status = ledger_chain_checkpoint_at(chain, shown.size, own, err);
    if (status == BCEMR_E_NOT_FOUND) /* no block ends there */
        status = wire_refuse(err, BCEMR_FORK, "checkpoint", "size", BCEMR_NOWHERE);
    TRY(status);
    TRY(bcemr_write_checkpoint(own, &mine, err));
    REQUIRE(bcemr_span_equal(bcemr_buf_span(&mine), value.checkpoint), BCEMR_FORK, "checkpoint",
            "root");
out:
    bcemr_set_free(&set);
    bcemr_buf_free(&mine);
    return status;
}

/* The last block of a list that is not empty: its height and head. */
static bcemr_status last_of(const bcemr_list *blocks, uint64_t *height, bcemr_hash *head,
                            bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span raw = {0};
    bcemr_tr_index block;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_index, blocks);
    while (bcemr_list_next(&iter, &raw))
        ;
    TRY(bcemr_read_index(raw, &block, err));
    bcemr_sha256(raw, head);
    *height = block.height;
out:
    return status;
}

/* All blocks of the index up to a height, a part at a time, each part beginning at the head where
 * the one before it ended. */
static bcemr_status walk(const ledger_chain *chain, uint64_t to, wanted *look, bcemr_hash *head,
                         bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_list blocks;
    uint64_t from = 0;
    *head = *ledger_chain_id(chain);
    while (from <= to) {
        bcemr_hash before = *head;
        uint64_t height = 0;
        bcemr_buf_clear(&held);
        TRY(ledger_chain_index_part(chain, "stops", from, to, PART, &held, err));
        TRY(bcemr_read_list(&bcemr_type_index, bcemr_buf_span(&held), 0, PART, &blocks, err));
        if (blocks.count == 0)
            break;
        TRY(last_of(&blocks, &height, head, err));
        REQUIRE_VALID(bcemr_index_check("stops", &before, &blocks, head, err), "index", "stops");
        if (look && !look->found) {
            status = bcemr_index_find(&blocks, look->kind, look->key, &look->leaf);
            look->found = status == BCEMR_OK;
            if (status != BCEMR_OK && status != BCEMR_E_NOT_FOUND)
                TRY_AT(status, "index", "stops");
            status = BCEMR_OK;
        }
        from = height + 1;
    }
out:
    bcemr_buf_free(&held);
    return status;
}

/* The height of the block that ends at size: that of its last leaf. */
static bcemr_status height_at(const ledger_chain *chain, uint64_t size, uint64_t *height,
                              bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts leaf;
    TRY_AT(ledger_chain_leaf(chain, size - 1, &held), "checkpoint", "leaf");
    TRY(bcemr_leaf_read(bcemr_buf_span(&held), &leaf, err));
    *height = leaf.height;
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status check(const ledger_chain *chain, const bcemr_context *context,
                          bcemr_span cosigned, wanted *look, bcemr_tr_checkpoint *own,
                          bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash head;
    uint64_t height = 0;
    memset(own, 0, sizeof *own);
    TRY(check_signed(chain, context, cosigned, own, err));
    TRY(height_at(chain, own->size, &height, err));
    TRY(walk(chain, height, look, &head, err));
    REQUIRE(bcemr_hash_equal(&head, &own->stops), BCEMR_BAD_INDEX, "index", "head");
out:
    return status;
}

bcemr_status ledger_follow_stops_hold(const ledger_chain *chain, const bcemr_context *context,
                                      bcemr_span cosigned, bcemr_error *err)
{
    bcemr_tr_checkpoint own;
    return check(chain, context, cosigned, NULL, &own, err);
}

bcemr_status ledger_follow_stopped_before(const ledger_chain *chain, const bcemr_context *context,
                                          bcemr_span cosigned, uint64_t leaf, const char *kind,
                                          bcemr_span key, bool *stopped, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    wanted look = {.kind = kind, .key = key};
    bcemr_tr_checkpoint own;
    TRY(check(chain, context, cosigned, &look, &own, err));
    if (leaf >= own.size)
        FAIL(BCEMR_E_ARGUMENT, "stops", "leaf");
    *stopped = look.found && look.leaf < leaf;
out:
    return status;
}
