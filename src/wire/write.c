/* SPDX-License-Identifier: Apache-2.0 */
/* The one writer: sizes first, then bytes, under the same bounds as the reader. */
#include "wire/error.h"
#include "wire/table.h"

#include <string.h>

/* ---- sizes ---- */

static uint64_t size_of(const bcemr_type *type, const uint8_t *value);

static uint64_t size_of_item(const bcemr_type *item, const uint8_t *value)
{
    if (wire_is_whole(item) || (item->atom && item->atom->kind != WIRE_FIXED)) {
        bcemr_span part;
        memcpy(&part, value, sizeof part);
        return part.n;
    }
    return item->atom ? item->atom->hi : size_of(item, value);
}

static uint64_t size_of_list(const bcemr_type *item, const bcemr_list *list)
{
    uint64_t n = 8 + 4 + 8 + 8; /* "list", count */
    if (!list->items)
        return n + list->raw.n;
    for (uint64_t i = 0; i < list->count; i++)
        n += 8 + size_of_item(item, (const uint8_t *)list->items + i * wire_item_size(item));
    return n;
}

static uint64_t size_of_field(const wire_field *f, const uint8_t *from)
{
    bcemr_span part;
    bcemr_list list;
    switch (f->kind) {
    case WIRE_FIXED:
        return f->hi;
    case WIRE_UINT:
    case WIRE_TIME:
    case WIRE_ENUM:
        return 8;
    case WIRE_LIST:
        memcpy(&list, from, sizeof list);
        return size_of_list(f->item, &list);
    case WIRE_OPT:
    case WIRE_TEXT:
    case WIRE_BYTES:
    case WIRE_TR:
    case WIRE_KINDS:
        break;
    }
    memcpy(&part, from, sizeof part);
    return part.n;
}

static uint64_t size_of(const bcemr_type *type, const uint8_t *value)
{
    uint64_t n = 8 + strlen(type->label);
    for (uint64_t i = 0; i < type->count; i++)
        n += 8 + size_of_field(&type->fields[i], value + type->fields[i].offset);
    return n;
}

/* ---- bytes; room was reserved, so nothing here allocates or fails ---- */

static void put(bcemr_buf *out, const void *bytes, uint64_t n)
{
    if (n > 0)
        memcpy(out->p + out->n, bytes, (size_t)n);
    out->n += n;
}

static void put_u64(bcemr_buf *out, uint64_t value)
{
    uint8_t bytes[8];
    bcemr_store_u64(bytes, value);
    put(out, bytes, 8);
}

static void put_label(bcemr_buf *out, const char *label)
{
    uint64_t n = strlen(label);
    put_u64(out, n);
    put(out, label, n);
}

static void put_value(bcemr_buf *out, const bcemr_type *type, const uint8_t *value);

static void put_item(bcemr_buf *out, const bcemr_type *item, const uint8_t *value)
{
    put_u64(out, size_of_item(item, value));
    if (wire_is_whole(item) || (item->atom && item->atom->kind != WIRE_FIXED)) {
        bcemr_span part;
        memcpy(&part, value, sizeof part);
        put(out, part.p, part.n);
    } else if (item->atom) {
        put(out, value, item->atom->hi);
    } else {
        put_value(out, item, value);
    }
}

static void put_list(bcemr_buf *out, const bcemr_type *item, const bcemr_list *list)
{
    put_label(out, "list");
    put_u64(out, 8);
    put_u64(out, list->count);
    if (!list->items) {
        put(out, list->raw.p, list->raw.n);
        return;
    }
    for (uint64_t i = 0; i < list->count; i++)
        put_item(out, item, (const uint8_t *)list->items + i * wire_item_size(item));
}

static void put_field(bcemr_buf *out, const wire_field *f, const uint8_t *from)
{
    bcemr_span part;
    bcemr_list list;
    uint64_t number;
    put_u64(out, size_of_field(f, from));
    switch (f->kind) {
    case WIRE_FIXED:
        put(out, from, f->hi);
        break;
    case WIRE_UINT:
    case WIRE_TIME:
    case WIRE_ENUM:
        memcpy(&number, from, sizeof number);
        put_u64(out, number);
        break;
    case WIRE_LIST:
        memcpy(&list, from, sizeof list);
        put_list(out, f->item, &list);
        break;
    case WIRE_OPT:
    case WIRE_TEXT:
    case WIRE_BYTES:
    case WIRE_TR:
    case WIRE_KINDS:
        memcpy(&part, from, sizeof part);
        put(out, part.p, part.n);
        break;
    }
}

static void put_value(bcemr_buf *out, const bcemr_type *type, const uint8_t *value)
{
    put_label(out, type->label);
    for (uint64_t i = 0; i < type->count; i++)
        put_field(out, &type->fields[i], value + type->fields[i].offset);
}

/* What was written is read back by the one reader: the bounds are its, and stated once. On any
 * failure the bytes are taken off again. */
static bcemr_status keep_if_valid(const bcemr_type *type, bcemr_buf *out, uint64_t start,
                                  bcemr_error *err)
{
    bcemr_span written = {out->p + start, out->n - start};
    bcemr_status status = bcemr_validate(type, written, err);
    if (status != BCEMR_OK) {
        bcemr_wipe(out->p + start, out->n - start);
        out->n = start;
    }
    return status;
}

bcemr_status bcemr_write(const bcemr_type *type, const void *value, bcemr_buf *out,
                         bcemr_error *err)
{
    uint64_t start = out->n;
    bcemr_status status = bcemr_buf_reserve(out, size_of(type, value));
    if (status != BCEMR_OK)
        return wire_fail(err, status, type->name, NULL);
    put_value(out, type, value);
    return keep_if_valid(type, out, start, err);
}

bcemr_status bcemr_write_empty(const bcemr_type *type, bcemr_buf *out)
{
    return bcemr_write_fields(type->label, NULL, 0, out);
}

bcemr_status bcemr_write_list(const bcemr_type *item, const bcemr_list *list, bcemr_buf *out,
                              bcemr_error *err)
{
    bcemr_list read_back;
    uint64_t start = out->n;
    bcemr_status status = bcemr_buf_reserve(out, size_of_list(item, list));
    if (status != BCEMR_OK)
        return wire_fail(err, status, item->name, "list");
    put_list(out, item, list);
    status = bcemr_read_list(item, (bcemr_span){out->p + start, out->n - start}, 0, UINT64_MAX,
                             &read_back, err);
    if (status != BCEMR_OK) {
        bcemr_wipe(out->p + start, out->n - start);
        out->n = start;
    }
    return status;
}

bcemr_status bcemr_write_fields(const char *label, const bcemr_span *fields, uint64_t count,
                                bcemr_buf *out)
{
    uint64_t n = 8 + strlen(label);
    for (uint64_t i = 0; i < count; i++)
        n += 8 + fields[i].n;
    bcemr_status status = bcemr_buf_reserve(out, n);
    if (status != BCEMR_OK)
        return status;
    put_label(out, label);
    for (uint64_t i = 0; i < count; i++) {
        put_u64(out, fields[i].n);
        put(out, fields[i].p, fields[i].n);
    }
    return BCEMR_OK;
}
