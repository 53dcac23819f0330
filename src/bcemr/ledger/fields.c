/* SPDX-License-Identifier: Apache-2.0 */
/* Transcripts shown field by field, as the table of types names them. */
#include "bcemr/ledger/book.h"
#include "bcemr/text.h"
#include "wire/table.h"

#include <inttypes.h>
#include <string.h>

#define LINE_BYTES 48 /* of a value in hexadecimal: longer ones are cut in text, never in JSON */

/* Takes one part off the front; what is walked here was read before. */
static bcemr_span take(bcemr_span *in)
{
    bcemr_span part = {in->p, 0};
    if (in->n < 8 || bcemr_load_u64(in->p) > in->n - 8) {
        in->n = 0;
        return part;
    }
    part = bcemr_span_of(in->p + 8, bcemr_load_u64(in->p));
    *in = bcemr_span_of(part.p + part.n, in->n - 8 - part.n);
    return part;
}

bool book_field(const bcemr_type *type, bcemr_span bytes, const char *name, bcemr_span *out)
{
    (void)take(&bytes);
    for (uint64_t i = 0; i < type->count; i++) {
        *out = take(&bytes);
        if (strcmp(type->fields[i].name, name) == 0)
            return true;
    }
    return false;
}

typedef struct showing {
    book *b;
    char name[128];
    unsigned indent;
    json_t *object; /* where the value goes, NULL for a list ... */
    json_t *list;   /* ... and then here */
} showing;

static void put_json(const showing *s, json_t *value)
{
    if (!value || (s->object ? json_object_set_new(s->object, s->name, value)
                             : json_array_append_new(s->list, value)) != 0)
        s->b->json.failed = true;
}

static void line(const showing *s, const char *text)
{
    report_line(&s->b->r, "%*s%s%s%s", (int)s->indent, "", s->name, s->name[0] ? ": " : "", text);
}

/* Names among bytes that may also be keys. */
static bool is_text(bcemr_span bytes)
{
    for (uint64_t at = 0; at < bytes.n;) {
        const uint32_t c = text_next(bytes, &at);
        if (c == TEXT_INVALID || text_is_control(c))
            return false;
    }
    return bytes.n > 0;
}

static void show_text(const showing *s, bcemr_span bytes)
{
    char text[1024];
    report_printable(bytes, text, sizeof text);
    line(s, text);
    put_json(s, json_string(text));
}

static void show_bytes(const showing *s, bcemr_span bytes)
{
    char cut[2 * LINE_BYTES + 64];
    char *all = bcemr_allocate(2 * bytes.n + 1);
    if (!all) {
        s->b->json.failed = true;
        return;
    }
    report_hex(bytes.p, bytes.n, all);
    if (bytes.n > 96)
        (void)snprintf(cut, sizeof cut, "%.*s... (%" PRIu64 " bytes)", 2 * LINE_BYTES, all,
                       bytes.n);
    line(s, bytes.n == 0 ? "-" : bytes.n > 96 ? cut : all);
    put_json(s, json_string(all));
    bcemr_release(all);
}

static void show_number(const showing *s, const wire_field *f, uint64_t number)
{
    char text[256], when[REPORT_NUMBER];
    if (f->kind == WIRE_TIME)
        (void)snprintf(text, sizeof text, "%s", book_time((int64_t)number, when));
    else if (f->kind == WIRE_ENUM)
        (void)snprintf(text, sizeof text, "%s", bcemr_value_text(f->values->name, number));
    else
        (void)snprintf(text, sizeof text, "%" PRIu64, number);
    line(s, text);
    if (f->kind == WIRE_ENUM)
        put_json(s, json_string(bcemr_value_name(f->values->name, number)));
    else
        put_json(s, json_integer((json_int_t)number));
}

static void show_nested(const showing *s, const bcemr_type *type, bcemr_span bytes)
{
    if (type->choices)
        type = bcemr_type_of(bytes);
    line(s, !type || strcmp(type->label, "tuple") == 0 ? "" : type->label);
    json_t *object = json_object();
    put_json(s, object);
    if (type && object)
        book_fields(s->b, type, bytes, s->indent + 2, object);
}

static void show_value(const showing *s, const wire_field *f, bcemr_span part);

static void show_list(const showing *s, const bcemr_type *item, bcemr_span bytes)
{
    char text[REPORT_NUMBER];
    (void)take(&bytes); /* "list" */
    (void)snprintf(text, sizeof text, "%" PRIu64, bcemr_load_u64(take(&bytes).p));
    line(s, text);
    json_t *list = json_array();
    put_json(s, list);
    for (uint64_t i = 1; bytes.n > 0 && list; i++) {
        showing each = {.b = s->b, .indent = s->indent + 2, .list = list};
        const bcemr_span part = take(&bytes);
        (void)snprintf(each.name, sizeof each.name, "%" PRIu64, i);
        if (item->atom)
            show_value(&each, item->atom, part);
        else
            show_nested(&each, item, part);
    }
}

static void show_value(const showing *s, const wire_field *f, bcemr_span part)
{
    switch (f->kind) {
    case WIRE_TEXT:
        show_text(s, part);
        break;
    case WIRE_UINT:
    case WIRE_TIME:
    case WIRE_ENUM:
        show_number(s, f, bcemr_load_u64(part.p));
        break;
    case WIRE_TR:
        show_nested(s, f->item, part);
        break;
    case WIRE_LIST:
        show_list(s, f->item, part);
        break;
    case WIRE_BYTES:
        if (is_text(part)) {
            show_text(s, part);
            break;
        }
        show_bytes(s, part);
        break;
    default:
        show_bytes(s, part);
    }
}

void book_fields(book *b, const bcemr_type *type, bcemr_span bytes, unsigned indent, json_t *object)
{
    (void)take(&bytes);
    for (uint64_t i = 0; i < type->count; i++) {
        showing s = {.b = b, .indent = indent, .object = object};
        (void)snprintf(s.name, sizeof s.name, "%s", type->fields[i].name);
        show_value(&s, &type->fields[i], take(&bytes));
    }
}
