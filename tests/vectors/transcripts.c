/* SPDX-License-Identifier: Apache-2.0 */
/* transcripts.json: each type of the table, filled with known values. */
#include "vectors/vectors.h"
#include "wire/table.h"

#include <stdio.h>
#include <stdlib.h>

/* least: every optional value absent, every list and text as short as it may be. */
static bool least;
static uint8_t next_byte;
static uint8_t arena[1 << 20];
static uint64_t used;
static int depth; /* only the outermost lists are long, to keep the file small */

static void *room(uint64_t n)
{
    uint64_t at = used;
    used += (n + 15) & ~(uint64_t)15;
    if (used > sizeof arena)
        abort();
    memset(arena + at, 0, (size_t)n);
    return arena + at;
}

static void fill(const bcemr_type *type, uint8_t *value);

/* Bytes that count up. */
static bcemr_span bytes_of(uint64_t n)
{
    uint8_t *p = room(n);
    for (uint64_t i = 0; i < n; i++)
        p[i] = next_byte++;
    return (bcemr_span){p, n};
}

static bcemr_span text_of(const char *name, uint64_t lo, uint64_t hi)
{
    static const char longer[] = "Müller & Søn \"q\"";
    if (lo == 0 && least)
        return (bcemr_span){NULL, 0};
    if (!least && hi == 200)
        return bcemr_text(longer);
    return hi < strlen(name) ? bcemr_span_of(name, hi) : bcemr_text(name);
}

static bcemr_span whole(const bcemr_type *type)
{
    static bcemr_buf made;
    if (type->choices)
        type = !type->choices[2] ? type->choices[least]
               : least           ? &bcemr_type_e_abort
                                 : &bcemr_type_e_retire;
    uint8_t *value = room(type->size);
    depth++;
    fill(type, value);
    bcemr_buf_clear(&made);
    must(type->count > 0 ? bcemr_write(type, value, &made, NULL) : bcemr_write_empty(type, &made));
    depth--;
    uint8_t *kept = room(made.n);
    memcpy(kept, made.p, made.n);
    return (bcemr_span){kept, made.n};
}

static void fill_item(const bcemr_type *item, uint8_t *value)
{
    bcemr_span bytes;
    if (item->atom && item->atom->kind == WIRE_FIXED) {
        bytes = bytes_of(item->size);
        memcpy(value, bytes.p, (size_t)bytes.n);
    } else if (item->atom || wire_is_whole(item)) {
        bytes = item->atom ? text_of("item", 1, 200) : whole(item);
        memcpy(value, &bytes, sizeof bytes);
    } else {
        fill(item, value);
    }
}

static void fill_list(const wire_field *f, uint8_t *at)
{
    uint64_t count = f->lo, size = wire_item_size(f->item);
    if (!least && count < 2 && f->hi >= 2)
        count = depth == 1 ? 2 : 1;
    uint8_t *items = room(count * size + 1);
    for (uint64_t i = 0; i < count; i++)
        fill_item(f->item, items + i * size);
    const bcemr_list list = BCEMR_LIST_OF(items, count);
    memcpy(at, &list, sizeof list);
}

static uint64_t number_of(const wire_field *f)
{
    if (f->kind == WIRE_ENUM)
        return f->values->values[least ? 0 : f->values->count - 1].number;
    if (f->kind == WIRE_TIME)
        return least ? 0 : (uint64_t)STORY_ISSUED;
    return least ? f->lo : f->hi;
}

static void fill_field(const wire_field *f, uint8_t *at)
{
    bcemr_span bytes = {NULL, 0};
    if (f->kind == WIRE_LIST) {
        fill_list(f, at);
        return;
    }
    if (f->kind == WIRE_UINT || f->kind == WIRE_TIME || f->kind == WIRE_ENUM) {
        const uint64_t number = number_of(f);
        memcpy(at, &number, sizeof number);
        return;
    }
    if (f->kind == WIRE_FIXED) {
        bytes = bytes_of(f->hi);
        memcpy(at, bytes.p, (size_t)bytes.n);
        return;
    }
    if (f->kind == WIRE_TR)
        bytes = whole(f->item);
    else if (f->kind == WIRE_TEXT)
        bytes = text_of(f->name, f->lo, f->hi);
    else if (f->kind == WIRE_OPT)
        bytes = least ? bytes : bytes_of(f->hi);
    else
        bytes = bytes_of(least || f->lo >= f->hi ? f->lo : f->lo + 1);
    memcpy(at, &bytes, sizeof bytes);
}

static void fill(const bcemr_type *type, uint8_t *value)
{
    for (uint64_t i = 0; i < type->count; i++)
        fill_field(&type->fields[i], value + type->fields[i].offset);
}

/* Both variants, the second only where it differs. */
static void one_type(const bcemr_type *type)
{
    bcemr_buf before = BCEMR_BUF_EMPTY;
    for (int variant = 0; variant < 2; variant++) {
        least = variant == 1;
        next_byte = 0;
        used = 0;
        const bcemr_span encoding = whole(type);
        if (bcemr_span_equal(encoding, bcemr_buf_span(&before)))
            break;
        must(bcemr_buf_set(&before, encoding));
        vec_begin("transcript", variant ? "least" : "full");
        vec_word("type", type->name);
        vec_value("fields", type, encoding);
        vec_span("encoding", encoding);
        vec_end();
    }
    bcemr_buf_free(&before);
}

void vectors_transcripts(void)
{
    vec_open("transcripts", "every type of the table, as fields and as bytes (1.4)");
    for (const bcemr_type *const *t = wire_all_types; *t; t++)
        one_type(*t);
    vec_close();
}
