/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as signed entries, leaves, sets and case blocks. */
#include "fuzz.h"

#include <bcemr/proof.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bcemr_set set;
    bcemr_span in = {data, size};
    bcemr_signed_parts parts;
    bcemr_leaf_parts leaf;
    bcemr_tr_checkpoint checkpoint = {.size = 13};
    uint64_t index;
    if (bcemr_signed_read(in, &parts, NULL) == BCEMR_OK)
        MUST(parts.entry.n > 0 && bcemr_type_is_entry(parts.type));
    if (bcemr_leaf_read(in, &leaf, NULL) == BCEMR_OK)
        MUST(leaf.tau >= 0);
    if (bcemr_set_read(in, &set, NULL) == BCEMR_OK)
        MUST(set.count >= 1 && set.count <= BCEMR_SET_MAX);
    bcemr_set_free(&set);
    /* No input holds against a root of zeros. */
    MUST(bcemr_inclusion_check(in, &checkpoint, &leaf, &index, NULL) != BCEMR_VALID);
    return 0;
}
