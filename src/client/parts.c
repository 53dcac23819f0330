/* SPDX-License-Identifier: Apache-2.0 */
/* Head and documents as one run of bytes, put together and taken apart (section 5). */
#include "wire/error.h"

#include <bcemr/content.h>
#include <string.h>

/* ---- together ---- */

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bcemr_status read_composed(void *user, uint64_t offset, uint8_t *out, uint64_t n)
{
    const bcemr_composed *c = user;
    bcemr_span lead[2] = {{c->length, 8}, c->head};
    uint64_t start = 0;
    for (uint64_t part = 0; part < 2 + c->count && n > 0; part++) {
        uint64_t length = part < 2 ? lead[part].n : c->documents[part - 2].length;
        if (offset < start + length) {
            uint64_t within = offset - start;
            uint64_t take = smaller(n, length - within);
            if (part < 2) {
                memcpy(out, lead[part].p + within, (size_t)take);
            } else {
                const bcemr_source *d = &c->documents[part - 2];
                bcemr_status status = d->read(d->user, within, out, take);
                if (status != BCEMR_OK)
                    return status;
            }
            out += take;
            offset += take;
            n -= take;
        }
        start += length;
    }
    return n == 0 ? BCEMR_OK : BCEMR_E_ARGUMENT;
}

bcemr_source bcemr_composed_source(bcemr_composed *composed, bcemr_span head,
                                   const bcemr_source *documents, uint64_t count)
{
    *composed = (bcemr_composed){.head = head, .documents = documents, .count = count};
    bcemr_store_u64(composed->length, head.n);
    uint64_t length = 8 + head.n;
    for (uint64_t i = 0; i < count; i++)
        length += documents[i].length;
    return (bcemr_source){composed, length, read_composed};
}

/* ---- apart ---- */

struct bcemr_parts_reader {
    bcemr_parts parts;
    const bcemr_parts_kind *kind;
    bcemr_error error;
    uint8_t length[8];
    uint64_t length_held;
    uint64_t head_length;
    bcemr_buf head;
    bool head_done;
    const bcemr_tr_document *documents;
    uint64_t count;
    uint64_t current;
    uint64_t current_done;
    bool current_open;
    bcemr_sink sink;
    bcemr_document_hash hash;
};

bcemr_status bcemr_parts_reader_new_kind(const bcemr_parts *parts, const bcemr_parts_kind *kind,
                                         bcemr_parts_reader **out)
{
    *out = bcemr_allocate(sizeof **out);
    if (!*out)
        return BCEMR_E_NO_MEMORY;
    (*out)->parts = *parts;
    (*out)->kind = kind;
    return BCEMR_OK;
}

bcemr_status bcemr_parts_reader_new(const bcemr_parts *parts, bcemr_parts_reader **out)
{
    static const bcemr_parts_kind content = {"content", BCEMR_BAD_CONTENT, BCEMR_HEAD_MAX};
    return bcemr_parts_reader_new_kind(parts, &content, out);
}

static bcemr_status refuse(bcemr_parts_reader *r, const char *field, uint64_t index)
{
    return wire_refuse(&r->error, r->kind->refusal, r->kind->object, field, index);
}

void bcemr_parts_reader_free(bcemr_parts_reader *reader)
{
    if (!reader)
        return;
    bcemr_buf_free(&reader->head);
    bcemr_release_wiped(reader, sizeof *reader);
}

const bcemr_error *bcemr_parts_reader_error(const bcemr_parts_reader *reader)
{
    return &reader->error;
}

static bcemr_status take_length(bcemr_parts_reader *r, bcemr_span *in)
{
    while (r->length_held < 8 && in->n > 0) {
        r->length[r->length_held++] = *in->p++;
        in->n--;
    }
    if (r->length_held < 8)
        return BCEMR_OK;
    r->head_length = bcemr_load_u64(r->length);
    if (r->head_length == 0 || r->head_length > r->kind->head_max)
        return refuse(r, "head", BCEMR_NOWHERE);
    return bcemr_buf_reserve(&r->head, r->head_length);
}

static bcemr_status take_head(bcemr_parts_reader *r, bcemr_span *in)
{
    uint64_t n = smaller(in->n, r->head_length - r->head.n);
    bcemr_status status = bcemr_buf_append(&r->head, bcemr_span_of(in->p, n));
    if (status != BCEMR_OK)
        return status;
    in->p += n;
    in->n -= n;
    if (r->head.n < r->head_length)
        return BCEMR_OK;
    r->head_done = true;
    return r->parts.on_head(r->parts.user, bcemr_buf_span(&r->head), &r->documents, &r->count,
                            &r->error);
}

static bcemr_status open_current(bcemr_parts_reader *r)
{
    r->sink = bcemr_sink_nowhere();
    r->current_open = true;
    r->current_done = 0;
    bcemr_document_begin(&r->hash);
    if (!r->parts.open)
        return BCEMR_OK;
    return r->parts.open(r->parts.user, r->current, &r->documents[r->current], &r->sink);
}

static bcemr_status close_current(bcemr_parts_reader *r)
{
    bcemr_hash hash;
    bcemr_document_end(&r->hash, &hash);
    r->current_open = false;
    r->current_done = 0;
    if (!BCEMR_HOLDS(BCEMR_BAD_DOCUMENT, bcemr_hash_equal(&hash, &r->documents[r->current].hash)))
        return wire_refuse(&r->error, BCEMR_BAD_DOCUMENT, "document", "hash", r->current);
    r->current++;
    return BCEMR_OK;
}

static bcemr_status take_document(bcemr_parts_reader *r, bcemr_span *in)
{
    bcemr_status status = r->current_open ? BCEMR_OK : open_current(r);
    if (status != BCEMR_OK)
        return status;
    uint64_t n = smaller(in->n, r->documents[r->current].length - r->current_done);
    bcemr_span piece = bcemr_span_of(in->p, n);
    if (n > 0) {
        bcemr_document_feed(&r->hash, piece);
        status = r->sink.write(r->sink.user, piece);
    }
    if (status != BCEMR_OK)
        return status;
    in->p += n;
    in->n -= n;
    r->current_done += n;
    return r->current_done == r->documents[r->current].length ? close_current(r) : BCEMR_OK;
}

static bcemr_status take_parts(void *user, bcemr_span in)
{
    bcemr_parts_reader *r = user;
    bcemr_status status = BCEMR_OK;
    while (status == BCEMR_OK && in.n > 0) {
        if (r->length_held < 8)
            status = take_length(r, &in);
        else if (!r->head_done)
            status = take_head(r, &in);
        else if (r->current < r->count)
            status = take_document(r, &in);
        else
            status = refuse(r, "documents", r->count);
    }
    if (status != BCEMR_OK && r->error.status == BCEMR_OK)
        (void)wire_fail(&r->error, status, r->kind->object, NULL);
    return status;
}

bcemr_sink bcemr_parts_reader_sink(bcemr_parts_reader *reader)
{
    return (bcemr_sink){reader, take_parts};
}

bcemr_status bcemr_parts_reader_finish(bcemr_parts_reader *r, bcemr_error *err)
{
    bcemr_status status = r->error.status;
    if (status == BCEMR_OK && !r->head_done)
        status = refuse(r, "head", BCEMR_NOWHERE);
    /* Documents of no bytes at the end have had no byte to open them. */
    while (status == BCEMR_OK && r->current < r->count) {
        if (r->documents[r->current].length > 0) {
            status = wire_refuse(&r->error, BCEMR_BAD_DOCUMENT, "document", "length", r->current);
            break;
        }
        status = open_current(r);
        if (status == BCEMR_OK)
            status = close_current(r);
    }
    if (err && status != BCEMR_OK)
        *err = r->error;
    return status;
}

bcemr_status bcemr_manifest_documents(const bcemr_span *manifests, uint64_t count,
                                      bcemr_tr_document **out, uint64_t *document_count,
                                      bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_manifest manifest;
    uint64_t total = 0, filled = 0;
    *out = NULL;
    *document_count = 0;
    for (uint64_t i = 0; i < count; i++) {
        TRY(bcemr_read_manifest(manifests[i], &manifest, err));
        total += manifest.documents.count;
    }
    *out = bcemr_allocate(total * sizeof **out);
    if (!*out)
        FAIL(BCEMR_E_NO_MEMORY, "manifest", "documents");
    for (uint64_t i = 0; i < count; i++) {
        TRY(bcemr_read_manifest(manifests[i], &manifest, err));
        bcemr_iter iter = bcemr_list_begin(&bcemr_type_document, &manifest.documents);
        while (filled < total && bcemr_list_next(&iter, &(*out)[filled]))
            filled++;
    }
    *document_count = filled;
out:
    if (status != BCEMR_OK) {
        bcemr_release(*out);
        *out = NULL;
    }
    return status;
}
