/* SPDX-License-Identifier: Apache-2.0 */
/* The two indexes, `stops` and `finds`: heads, ranges, rows (ledger.md, Log and state). */
#include "core/verdict.h"
#include "wire/error.h"

#include <bcemr/proof.h>
#include <string.h>

bcemr_status bcemr_index_head(const bcemr_tr_index *block, bcemr_hash *out, bcemr_error *err)
{
    return bcemr_hash_value(&bcemr_type_index, block, out, err);
}

/* Leaves ascend from row to row, over blocks, too. */
static bool rows_ascend(const bcemr_list *rows, uint64_t *next_leaf)
{
    bcemr_tr_index_row row;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_index_row, rows);
    while (bcemr_list_next(&iter, &row)) {
        if (row.leaf < *next_leaf)
            return false;
        *next_leaf = row.leaf + 1;
    }
    return true;
}

bcemr_verdict bcemr_index_check(const char *name, const bcemr_hash *before,
                                const bcemr_list *blocks, const bcemr_hash *head, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bcemr_tr_index block;
    bcemr_span raw;
    bcemr_hash at = *before;
    uint64_t number = 0, next_height = 0, next_leaf = 0;
    err = core_error(err, &local);
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_index, blocks);
    while (bcemr_list_next(&iter, &raw)) {
        TRY(bcemr_read_index(raw, &block, err));
        REQUIRE_AT(bcemr_span_equal(block.name, bcemr_text(name)), BCEMR_BAD_INDEX, "index", "name",
                   number);
        REQUIRE_AT(bcemr_hash_equal(&block.before, &at), BCEMR_BAD_INDEX, "index", "before",
                   number);
        REQUIRE_AT(block.height >= next_height, BCEMR_BAD_INDEX, "index", "height", number);
        REQUIRE_AT(rows_ascend(&block.rows, &next_leaf), BCEMR_BAD_INDEX, "index", "rows", number);
        bcemr_sha256(raw, &at);
        next_height = block.height + 1;
        number++;
    }
    REQUIRE_AT(bcemr_hash_equal(&at, head), BCEMR_BAD_INDEX, "index", "head", number);
out:
    return core_verdict(status, err);
}

bcemr_status bcemr_index_find(const bcemr_list *blocks, const char *kind, bcemr_span key,
                              uint64_t *leaf)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_index block;
    bcemr_tr_index_row row;
    bcemr_span raw;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_index, blocks);
    while (bcemr_list_next(&iter, &raw)) {
        TRY(bcemr_read_index(raw, &block, NULL));
        bcemr_iter rows = bcemr_list_begin(&bcemr_type_index_row, &block.rows);
        while (bcemr_list_next(&rows, &row))
            if (bcemr_span_equal(row.key, key) && bcemr_span_equal(row.kind, bcemr_text(kind))) {
                *leaf = row.leaf;
                return BCEMR_OK;
            }
    }
    status = BCEMR_E_NOT_FOUND;
out:
    return status;
}
