/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes to the one reader: what it accepts, the writer writes back bit for bit. */
#include "fuzz.h"

#include <bcemr/types.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    union {
        uint8_t bytes[8192];
        uint64_t aligned;
    } value;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    bcemr_error err = {0};
    bcemr_list list;
    bcemr_span in = {data, size};
    const bcemr_type *type = bcemr_type_of(in);
    if (type && bcemr_type_size(type) > 0 && bcemr_type_size(type) <= sizeof value) {
        bcemr_status status = bcemr_read(type, in, value.bytes, &err);
        MUST((status == BCEMR_OK) == (bcemr_validate(type, in, NULL) == BCEMR_OK));
        if (status == BCEMR_OK) {
            MUST(bcemr_write(type, value.bytes, &out, &err) == BCEMR_OK);
            MUST(bcemr_span_equal(bcemr_buf_span(&out), in));
        } else {
            MUST(err.status == status && err.offset <= size);
        }
    }
    if (bcemr_read_list(&bcemr_type_leaf, in, 0, 1000, &list, NULL) == BCEMR_OK) {
        bcemr_span item;
        uint64_t n = 0;
        bcemr_iter iter = bcemr_list_begin(&bcemr_type_leaf, &list);
        while (bcemr_list_next(&iter, &item))
            n++;
        MUST(n == list.count);
    }
    bcemr_buf_free(&out);
    return 0;
}
