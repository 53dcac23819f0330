/* SPDX-License-Identifier: Apache-2.0 */
/* The one reader: walks a transcript by the table and refuses whatever is not exactly it. */
#include "wire/error.h"
#include "wire/table.h"

#include <string.h>

/* Types nest four deep at most (message, inclusion, leaf, signed, entry, ticket, list, tuple). */
#define MAX_DEPTH 16

typedef struct reader {
    const uint8_t *start; /* of the whole input, for offsets */
    bcemr_error *err;
    unsigned depth;
} reader;

static bcemr_status read_body(reader *r, const bcemr_type *type, bcemr_span in, uint8_t *value);

static bcemr_status fail(reader *r, bcemr_status status, const bcemr_type *type,
                         const wire_field *field, uint64_t index, const uint8_t *at)
{
    return wire_fail_at(r->err, status, type->name, field ? field->name : NULL, index,
                        (uint64_t)(at - r->start));
}

/* Takes one length-prefixed part off the front of in. */
static bool take(bcemr_span *in, bcemr_span *part)
{
    if (in->n < 8)
        return false;
    uint64_t n = bcemr_load_u64(in->p);
    if (n > in->n - 8)
        return false;
    *part = (bcemr_span){in->p + 8, n};
    in->p += 8 + n;
    in->n -= 8 + n;
    return true;
}

/* UTF-8 by the table of RFC 3629 section 4, without control characters. */
static bool text_is_clean(const uint8_t *p, uint64_t n)
{
    for (uint64_t i = 0; i < n;) {
        uint8_t c = p[i];
        unsigned more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        if (c < 0x20 || c == 0x7f || (c >= 0x80 && c < 0xc2) || c > 0xf4 || more > n - i - 1)
            return false;
        uint8_t second = more > 0 ? p[i + 1] : 0x80;
        if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) ||
            (c == 0xf0 && second < 0x90) || (c == 0xf4 && second > 0x8f) ||
            (c == 0xc2 && second < 0xa0))
            return false;
        for (unsigned k = 1; k <= more; k++)
            if ((p[i + k] & 0xc0) != 0x80)
                return false;
        i += 1 + more;
    }
    return true;
}

static bcemr_status check_text(const wire_field *f, bcemr_span part)
{
    if (part.n > f->hi)
        return BCEMR_E_TOO_LONG;
    if (part.n < f->lo)
        return part.n == 0 ? BCEMR_E_ABSENT : BCEMR_E_TOO_SHORT;
    return text_is_clean(part.p, part.n) ? BCEMR_OK : BCEMR_E_TEXT;
}

static bool enum_has(const wire_values *values, uint64_t number)
{
    for (uint64_t i = 0; i < values->count; i++)
        if (values->values[i].number == number)
            return true;
    return false;
}

static bcemr_status check_integer(const wire_field *f, uint64_t number)
{
    if (f->kind == WIRE_ENUM)
        return enum_has(f->values, number) ? BCEMR_OK : BCEMR_E_UNKNOWN_VALUE;
    return number >= f->lo && number <= f->hi ? BCEMR_OK : BCEMR_E_INTEGER_RANGE;
}

static bcemr_status check_field(const wire_field *f, bcemr_span part)
{
    switch (f->kind) {
    case WIRE_FIXED:
        if (part.n == f->hi)
            return BCEMR_OK;
        return part.n == 0 ? BCEMR_E_ABSENT : BCEMR_E_FIELD_LENGTH;
    case WIRE_OPT:
        return part.n == 0 || part.n == f->hi ? BCEMR_OK : BCEMR_E_FIELD_LENGTH;
    case WIRE_TEXT:
        return check_text(f, part);
    case WIRE_BYTES:
        if (part.n > f->hi)
            return BCEMR_E_TOO_LONG;
        if (part.n < f->lo)
            return part.n == 0 ? BCEMR_E_ABSENT : BCEMR_E_TOO_SHORT;
        return BCEMR_OK;
    case WIRE_UINT:
    case WIRE_TIME:
    case WIRE_ENUM:
        if (part.n == 8)
            return check_integer(f, bcemr_load_u64(part.p));
        return part.n == 0 ? BCEMR_E_ABSENT : BCEMR_E_FIELD_LENGTH;
    case WIRE_TR:
    case WIRE_LIST:
        return part.n == 0 ? BCEMR_E_ABSENT : BCEMR_OK;
    case WIRE_KINDS:
        break;
    }
    return BCEMR_E_ARGUMENT;
}

static bool label_is(const char *label, bcemr_span got)
{
    return strlen(label) == got.n && memcmp(label, got.p, (size_t)got.n) == 0;
}

/* "label/2" where "label" was expected: the kind in a version that this program does not know. */
static bool label_is_later(const char *label, bcemr_span got)
{
    uint64_t n = strlen(label);
    if (got.n < n + 2 || memcmp(label, got.p, (size_t)n) != 0 || got.p[n] != '/')
        return false;
    bcemr_span number = {got.p + n + 1, got.n - n - 1};
    for (uint64_t i = 0; i < number.n; i++)
        if (number.p[i] < '0' || number.p[i] > '9')
            return false;
    return number.p[0] != '0' && !label_is("1", number);
}

static bcemr_status choose(const bcemr_type **type, bcemr_span label)
{
    const bcemr_type *one[2] = {*type, NULL};
    const bcemr_type *const *candidates = (*type)->choices ? (*type)->choices : one;
    for (const bcemr_type *const *t = candidates; *t; t++)
        if (label_is((*t)->label, label)) {
            *type = *t;
            return BCEMR_OK;
        }
    for (const bcemr_type *const *t = candidates; *t; t++)
        if (label_is_later((*t)->label, label))
            return BCEMR_E_UNKNOWN_VERSION;
    return BCEMR_E_UNKNOWN_KIND;
}

static bcemr_status read_transcript(reader *r, const bcemr_type *type, bcemr_span in,
                                    uint8_t *value)
{
    bcemr_span label, body = in;
    if (!take(&body, &label))
        return fail(r, BCEMR_E_TRUNCATED, type, NULL, BCEMR_NOWHERE, in.p);
    bcemr_status status = choose(&type, label);
    if (status != BCEMR_OK)
        return fail(r, status, type, NULL, BCEMR_NOWHERE, in.p);
    if (++r->depth > MAX_DEPTH)
        return fail(r, BCEMR_E_TOO_LONG, type, NULL, BCEMR_NOWHERE, in.p);
    status = read_body(r, type, body, value);
    r->depth--;
    return status;
}

/* One item of field f of type; errors inside it that name no place in a list of their own get its.
 */
static bcemr_status check_item(reader *r, const bcemr_type *type, const wire_field *f, uint64_t i,
                               bcemr_span part)
{
    bcemr_status status;
    if (f->item->atom) {
        status = check_field(f->item->atom, part);
        return status == BCEMR_OK ? status : fail(r, status, type, f, i, part.p);
    }
    if (part.n == 0)
        return fail(r, BCEMR_E_ABSENT, type, f, i, part.p);
    status = read_transcript(r, f->item, part, NULL);
    if (status != BCEMR_OK && r->err && r->err->index == BCEMR_NOWHERE)
        r->err->index = i;
    return status;
}

static bcemr_status list_count(bcemr_span *in, uint64_t *count)
{
    bcemr_span part;
    if (!take(in, &part))
        return BCEMR_E_TRUNCATED;
    if (!label_is("list", part))
        return BCEMR_E_UNKNOWN_KIND;
    if (!take(in, &part))
        return BCEMR_E_TRUNCATED;
    if (part.n != 8)
        return BCEMR_E_FIELD_LENGTH;
    *count = bcemr_load_u64(part.p);
    return BCEMR_OK;
}

static bcemr_status read_list(reader *r, const bcemr_type *type, const wire_field *f, bcemr_span in,
                              bcemr_list *list)
{
    uint64_t count = 0;
    const uint8_t *at = in.p;
    bcemr_status status = list_count(&in, &count);
    if (status == BCEMR_OK && count > f->hi)
        status = BCEMR_E_TOO_MANY;
    if (status == BCEMR_OK && count < f->lo)
        status = BCEMR_E_TOO_FEW;
    if (status != BCEMR_OK)
        return fail(r, status, type, f, BCEMR_NOWHERE, at);
    bcemr_span items = in;
    for (uint64_t i = 0; i < count; i++) {
        bcemr_span part;
        if (!take(&in, &part))
            return fail(r, BCEMR_E_TRUNCATED, type, f, i, in.p);
        status = check_item(r, type, f, i, part);
        if (status != BCEMR_OK)
            return status;
    }
    if (in.n > 0)
        return fail(r, BCEMR_E_TRAILING, type, f, BCEMR_NOWHERE, in.p);
    if (list)
        *list = (bcemr_list){count, NULL, items};
    return BCEMR_OK;
}

static void store_field(const wire_field *f, bcemr_span part, uint8_t *to)
{
    uint64_t number;
    switch (f->kind) {
    case WIRE_FIXED:
        memcpy(to, part.p, (size_t)part.n);
        break;
    case WIRE_UINT:
    case WIRE_TIME:
    case WIRE_ENUM:
        number = bcemr_load_u64(part.p);
        memcpy(to, &number, sizeof number);
        break;
    case WIRE_OPT:
    case WIRE_TEXT:
    case WIRE_BYTES:
    case WIRE_TR:
        memcpy(to, &part, sizeof part);
        break;
    case WIRE_LIST:
    case WIRE_KINDS:
        break;
    }
}

static bcemr_status read_body(reader *r, const bcemr_type *type, bcemr_span in, uint8_t *value)
{
    for (uint64_t i = 0; i < type->count; i++) {
        const wire_field *f = &type->fields[i];
        bcemr_span part;
        if (!take(&in, &part))
            return fail(r, BCEMR_E_TRUNCATED, type, f, BCEMR_NOWHERE, in.p);
        bcemr_status status = check_field(f, part);
        if (status != BCEMR_OK)
            return fail(r, status, type, f, BCEMR_NOWHERE, part.p);
        uint8_t *to = value ? value + f->offset : NULL;
        if (f->kind == WIRE_TR)
            status = read_transcript(r, f->item, part, NULL);
        else if (f->kind == WIRE_LIST)
            status = read_list(r, type, f, part, (bcemr_list *)(void *)to);
        if (status != BCEMR_OK)
            return status;
        if (to)
            store_field(f, part, to);
    }
    if (in.n > 0)
        return fail(r, BCEMR_E_TRAILING, type, NULL, BCEMR_NOWHERE, in.p);
    return BCEMR_OK;
}

bcemr_status bcemr_read(const bcemr_type *type, bcemr_span in, void *value, bcemr_error *err)
{
    static const uint8_t nothing[1];
    if (in.n == 0)
        in.p = nothing;
    reader r = {in.p, err, 0};
    if (value && type->size > 0)
        memset(value, 0, (size_t)type->size);
    bcemr_status status = read_transcript(&r, type, in, value);
    if (status != BCEMR_OK && value && type->size > 0)
        memset(value, 0, (size_t)type->size);
    return status;
}

bcemr_status bcemr_validate(const bcemr_type *type, bcemr_span in, bcemr_error *err)
{
    return bcemr_read(type, in, NULL, err);
}

bcemr_status bcemr_read_list(const bcemr_type *item, bcemr_span in, uint64_t lo, uint64_t hi,
                             bcemr_list *list, bcemr_error *err)
{
    const wire_field field = {.name = "items", .kind = WIRE_LIST, .lo = lo, .hi = hi, .item = item};
    reader r = {in.p, err, 0};
    *list = (bcemr_list){0};
    return read_list(&r, item, &field, in, list);
}

/* ---- walking lists ---- */

bcemr_iter bcemr_list_begin(const bcemr_type *item, const bcemr_list *list)
{
    return (bcemr_iter){item, list, 0, 0};
}

bool bcemr_list_next(bcemr_iter *iter, void *item)
{
    const bcemr_list *list = iter->list;
    if (iter->position >= list->count)
        return false;
    const bcemr_type *type = iter->item;
    if (list->items) {
        uint64_t size = wire_item_size(type);
        memcpy(item, (const uint8_t *)list->items + size * iter->position, (size_t)size);
        iter->position++;
        return true;
    }
    bcemr_span rest = {list->raw.p + iter->offset, list->raw.n - iter->offset}, part;
    if (!take(&rest, &part))
        return false;
    iter->offset = (uint64_t)(rest.p - list->raw.p);
    iter->position++;
    if (wire_is_whole(type))
        memcpy(item, &part, sizeof part);
    else if (!type->atom)
        return bcemr_read(type, part, item, NULL) == BCEMR_OK;
    else if (check_field(type->atom, part) == BCEMR_OK)
        store_field(type->atom, part, item);
    else
        return false;
    return true;
}

bool bcemr_list_at(const bcemr_type *item, const bcemr_list *list, uint64_t index, void *value)
{
    bcemr_iter iter = bcemr_list_begin(item, list);
    if (list->items)
        iter.position = index;
    while (bcemr_list_next(&iter, value))
        if (iter.position == index + 1)
            return true;
    return false;
}
