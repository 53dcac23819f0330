/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/follow/export.h"

#include "ledger/follow/source.h"
#include "wire/error.h"

#define WINDOW ((uint64_t)256 << 10)
#define HEAD_MAX ((uint64_t)1 << 16)

/* n bytes from offset; they hold until the next call. */
static bcemr_status look(ledger_export_reader *r, uint64_t offset, uint64_t n, bcemr_span *out)
{
    bcemr_status status = BCEMR_OK;
    const uint64_t length = r->bytes->length;
    if (offset > length || n > length - offset)
        return BCEMR_E_TRUNCATED;
    if (offset < r->window_at || offset + n > r->window_at + r->window.n) {
        uint64_t rest = length - offset, take = n > WINDOW ? n : WINDOW;
        if (take > rest)
            take = rest;
        bcemr_buf_clear(&r->window);
        TRY(bcemr_buf_reserve(&r->window, take));
        TRY(r->bytes->read(r->bytes->user, offset, r->window.p, take));
        r->window.n = take;
        r->window_at = offset;
    }
    *out = bcemr_span_of(r->window.p + (offset - r->window_at), n);
out:
    return status;
}

/* A length and as many bytes; *at moves behind them. */
static bcemr_status look_item(ledger_export_reader *r, uint64_t *at, uint64_t max, bcemr_span *out)
{
    bcemr_status status = BCEMR_OK;
    TRY(look(r, *at, 8, out));
    uint64_t n = bcemr_load_u64(out->p);
    if (n > max)
        return BCEMR_E_TOO_LONG;
    TRY(look(r, *at + 8, n, out));
    *at += 8 + n;
out:
    return status;
}

bcemr_status ledger_export_begin(ledger_export_reader *out, const bcemr_source *bytes,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span head;
    *out = (ledger_export_reader){.bytes = bytes};
    TRY_AT(look_item(out, &out->first, HEAD_MAX, &head), "ledger-export", "head");
    TRY_AT(bcemr_buf_set(&out->head_bytes, head), "ledger-export", "head");
    TRY(bcemr_read_ledger_export(bcemr_buf_span(&out->head_bytes), &out->head, err));
out:
    return status;
}

bcemr_status ledger_export_leaf(ledger_export_reader *reader, uint64_t *at, bcemr_span *out)
{
    return look_item(reader, at, LEDGER_SOURCE_LEAF_MAX, out);
}

bcemr_status ledger_export_end(const ledger_export_reader *reader, uint64_t at, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    if (at != reader->bytes->length)
        FAIL(BCEMR_E_TRAILING, "ledger-export", "leaf");
out:
    return status;
}

void ledger_export_free(ledger_export_reader *reader)
{
    bcemr_buf_free(&reader->head_bytes);
    bcemr_buf_free(&reader->window);
}
