/* SPDX-License-Identifier: Apache-2.0 */
#include "vectors/vectors.h"
#include "wire/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *folder;
static FILE *out;
static bool first_vector;

void vec_folder(const char *path)
{
    folder = path;
}

void vec_open(const char *name, const char *about)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s.json", folder, name);
    out = fopen(path, "w");
    if (!out) {
        perror(path);
        exit(1);
    }
    (void)fprintf(out, "{\n \"about\": \"%s\",\n \"vectors\": [", about);
    first_vector = true;
}

void vec_close(void)
{
    (void)fprintf(out, "\n ]\n}\n");
    if (fclose(out) != 0) {
        perror("vectors");
        exit(1);
    }
}

void vec_begin(const char *op, const char *name)
{
    (void)fprintf(out, "%s\n  {\n   \"op\": \"%s\",\n   \"name\": \"%s\"", first_vector ? "" : ",",
                  op, name);
    first_vector = false;
}

void vec_end(void)
{
    (void)fprintf(out, "\n  }");
}

static void key_of(const char *key)
{
    (void)fprintf(out, ",\n   \"%s\": ", key);
}

static void hex_of(bcemr_span bytes)
{
    (void)fputc('"', out);
    for (uint64_t i = 0; i < bytes.n; i++)
        (void)fprintf(out, "%02x", bytes.p[i]);
    (void)fputc('"', out);
}

static void text_of(bcemr_span text)
{
    (void)fputc('"', out);
    for (uint64_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\')
            (void)fputc('\\', out);
        (void)fputc(text.p[i], out);
    }
    (void)fputc('"', out);
}

static void number_of(uint64_t value)
{
    const char *quote = value >> 53 ? "\"" : "";
    (void)fprintf(out, "%s%" PRIu64 "%s", quote, value, quote);
}

void vec_span(const char *key, bcemr_span bytes)
{
    key_of(key);
    hex_of(bytes);
}

void vec_bytes(const char *key, const void *p, uint64_t n)
{
    vec_span(key, bcemr_span_of(p, n));
}

void vec_buf(const char *key, const bcemr_buf *bytes)
{
    vec_span(key, bcemr_buf_span(bytes));
}

void vec_text(const char *key, bcemr_span text)
{
    key_of(key);
    text_of(text);
}

void vec_word(const char *key, const char *text)
{
    vec_text(key, bcemr_text(text));
}

void vec_uint(const char *key, uint64_t value)
{
    key_of(key);
    number_of(value);
}

void vec_spans(const char *key, const bcemr_span *spans, uint64_t count)
{
    key_of(key);
    (void)fputc('[', out);
    for (uint64_t i = 0; i < count; i++) {
        (void)fprintf(out, "%s\n    ", i > 0 ? "," : "");
        hex_of(spans[i]);
    }
    (void)fputc(']', out);
}

void vec_array(const char *key, const void *p, uint64_t size, uint64_t count)
{
    bcemr_span spans[256];
    if (count > 256)
        abort();
    for (uint64_t i = 0; i < count; i++)
        spans[i] = bcemr_span_of((const uint8_t *)p + i * size, size);
    vec_spans(key, spans, count);
}

/* ---- encodings taken apart ---- */

static void transcript_of(const bcemr_type *type, bcemr_span encoding, int depth);

static void indent(int depth)
{
    (void)fprintf(out, "\n%*s", 3 + depth, "");
}

static void fields_of(const bcemr_type *type, const uint8_t *value, int depth);

/* An item of a list, as bcemr_list_next gives it. */
static void item_of(const bcemr_type *item, const uint8_t *value, int depth)
{
    bcemr_span bytes;
    if (item->atom && item->atom->kind == WIRE_FIXED) {
        hex_of(bcemr_span_of(value, item->size));
    } else if (item->atom || wire_is_whole(item)) {
        memcpy(&bytes, value, sizeof bytes);
        if (item->atom)
            text_of(bytes);
        else
            transcript_of(item, bytes, depth);
    } else {
        fields_of(item, value, depth);
    }
}

static void list_of(const wire_field *f, const bcemr_list *list, int depth)
{
    bcemr_iter iter = bcemr_list_begin(f->item, list);
    uint8_t *value = calloc(1, (size_t)wire_item_size(f->item));
    if (!value)
        abort();
    (void)fputc('[', out);
    for (bool first = true; bcemr_list_next(&iter, value); first = false) {
        (void)fputs(first ? "" : ",", out);
        indent(depth + 1);
        item_of(f->item, value, depth + 1);
    }
    (void)fputc(']', out);
    free(value);
}

static void field_of(const wire_field *f, const uint8_t *at, int depth)
{
    bcemr_span bytes = {NULL, 0};
    bcemr_list list;
    uint64_t number;
    if (f->kind == WIRE_FIXED) {
        hex_of(bcemr_span_of(at, f->hi));
    } else if (f->kind == WIRE_LIST) {
        memcpy(&list, at, sizeof list);
        list_of(f, &list, depth);
    } else if (f->kind == WIRE_UINT || f->kind == WIRE_TIME || f->kind == WIRE_ENUM) {
        memcpy(&number, at, sizeof number);
        number_of(number);
    } else {
        memcpy(&bytes, at, sizeof bytes);
        if (f->kind == WIRE_TEXT)
            text_of(bytes);
        else if (f->kind == WIRE_TR)
            transcript_of(f->item, bytes, depth);
        else
            hex_of(bytes);
    }
}

static void fields_of(const bcemr_type *type, const uint8_t *value, int depth)
{
    (void)fprintf(out, "{\"_\": \"%s\"", type->name);
    for (uint64_t i = 0; i < type->count; i++) {
        (void)fputc(',', out);
        indent(depth + 1);
        (void)fprintf(out, "\"%s\": ", type->fields[i].name);
        field_of(&type->fields[i], value + type->fields[i].offset, depth + 1);
    }
    (void)fputc('}', out);
}

static void transcript_of(const bcemr_type *type, bcemr_span encoding, int depth)
{
    if (type->choices)
        type = bcemr_type_of(encoding);
    uint8_t *value = calloc(1, (size_t)type->size + 1);
    if (!value)
        abort();
    must(bcemr_read(type, encoding, type->size ? value : NULL, NULL));
    fields_of(type, value, depth);
    free(value);
}

void vec_value(const char *key, const bcemr_type *type, bcemr_span encoding)
{
    key_of(key);
    transcript_of(type, encoding, 0);
}
