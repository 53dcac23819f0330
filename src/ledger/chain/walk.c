/* SPDX-License-Identifier: Apache-2.0 */
/* A set as a verifier finds it who has the genesis: by its entries, not by the rows made of them.
 */
#include "ledger/chain/internal.h"

/* The entry that made the next set, checked against this one. */
static bcemr_status next_set(const ledger_chain *chain, const bcemr_context *context,
                             const bcemr_anchor *anchor, bcemr_set *set, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set kept = BCEMR_SET_EMPTY, next = BCEMR_SET_EMPTY;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts leaf;
    uint64_t at = 0;
    status = ledger_chain_set_numbered(chain, set->number + 1, &kept, &at, err);
    REQUIRE(status != BCEMR_E_NOT_FOUND, BCEMR_BAD_SET, "checkpoint", "set_number");
    TRY(status);
    TRY_AT(ledger_chain_leaf(chain, at, &held), "set", "leaf");
    TRY(bcemr_leaf_read(bcemr_buf_span(&held), &leaf, err));
    REQUIRE_VALID(bcemr_set_follow(context, &anchor->authority, &anchor->ledger, set,
                                   leaf.signed_entry, &next, err),
                  "set", NULL);
    bcemr_set_free(set);
    *set = next;
    next = BCEMR_SET_EMPTY;
out:
    bcemr_set_free(&kept);
    bcemr_set_free(&next);
    bcemr_buf_free(&held);
    return status;
}

bcemr_status ledger_chain_set_walked(const ledger_chain *chain, const bcemr_context *context,
                                     uint64_t number, bcemr_set *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_anchor anchor = {.held = BCEMR_BUF_EMPTY};
    bcemr_leaf_parts leaf;
    TRY_AT(ledger_chain_leaf(chain, 0, &held), "genesis", "leaf");
    TRY(bcemr_leaf_read(bcemr_buf_span(&held), &leaf, err));
    TRY(bcemr_anchor_read(context, leaf.signed_entry, &anchor, err));
    REQUIRE(bcemr_hash_equal(&anchor.ledger, &chain->id), BCEMR_WRONG_LEDGER, "genesis", NULL);
    TRY(bcemr_set_begin(&anchor.genesis, out, err));
    while (out->number < number)
        TRY(next_set(chain, context, &anchor, out, err));
out:
    bcemr_anchor_free(&anchor);
    bcemr_buf_free(&held);
    return status;
}
