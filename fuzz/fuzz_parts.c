/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a contribution, in pieces of any size: it ends, and what it gives out was in it. */
#include "fuzz.h"

#include <bcemr/content.h>
#include <string.h>

typedef struct taken {
    bcemr_buf head;
    bcemr_tr_document *documents;
    uint64_t count;
    uint64_t bytes;
} taken;

static bcemr_status on_head(void *user, bcemr_span head, const bcemr_tr_document **documents,
                            uint64_t *count, bcemr_error *err)
{
    taken *t = user;
    bcemr_tr_contribution contribution;
    bcemr_status status = bcemr_buf_append(&t->head, head);
    if (status == BCEMR_OK)
        status = bcemr_read_contribution(bcemr_buf_span(&t->head), &contribution, err);
    if (status == BCEMR_OK)
        status = bcemr_manifest_documents(&contribution.manifest, 1, &t->documents, &t->count, err);
    *documents = t->documents;
    *count = t->count;
    return status;
}

static bcemr_status count_bytes(void *user, bcemr_span bytes)
{
    ((taken *)user)->bytes += bytes.n;
    return BCEMR_OK;
}

static bcemr_status open_document(void *user, uint64_t index, const bcemr_tr_document *document,
                                  bcemr_sink *sink)
{
    (void)index;
    (void)document;
    *sink = (bcemr_sink){user, count_bytes};
    return BCEMR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    taken t = {0};
    bcemr_parts parts = {&t, on_head, open_document};
    bcemr_parts_reader *reader = NULL;
    size_t step = size > 0 ? 1 + data[size - 1] : 1;
    MUST(bcemr_parts_reader_new(&parts, &reader) == BCEMR_OK);
    bcemr_sink sink = bcemr_parts_reader_sink(reader);
    bcemr_status status = BCEMR_OK;
    for (size_t at = 0; at < size && status == BCEMR_OK; at += step)
        status =
            sink.write(sink.user, bcemr_span_of(data + at, size - at < step ? size - at : step));
    bcemr_status end = bcemr_parts_reader_finish(reader, NULL);
    MUST(status == BCEMR_OK || end != BCEMR_OK);
    MUST(t.bytes <= size);
    bcemr_parts_reader_free(reader);
    bcemr_buf_free(&t.head);
    bcemr_release(t.documents);
    return 0;
}
