/* SPDX-License-Identifier: Apache-2.0 */
#include "support/flips.h"

#include "wire/table.h"

#include <stdlib.h>
#include <string.h>

#define ROWS 2000
#define ANSWERS 16

typedef struct row {
    char object[48];
    char field[112];
    uint64_t flips;
    uint64_t unnoticed;
    const char *answers[ANSWERS];
    unsigned answer_count;
} row;

static row *rows;
static unsigned row_count;
static uint64_t unnoticed;

/* ---- which field a byte belongs to ---- */

typedef struct map {
    const char *object;
    unsigned first; /* of this object's rows */
    uint16_t *row_of;
    bcemr_span bytes;
} map;

static unsigned row_named(map *m, const char *field)
{
    for (unsigned i = m->first; i < row_count; i++)
        if (strcmp(rows[i].field, field) == 0)
            return i;
    if (row_count == ROWS)
        abort();
    (void)snprintf(rows[row_count].object, sizeof rows[0].object, "%s", m->object);
    (void)snprintf(rows[row_count].field, sizeof rows[0].field, "%s", field);
    return row_count++;
}

static void mark(map *m, uint64_t at, uint64_t n, const char *field)
{
    unsigned which = row_named(m, field);
    for (uint64_t i = 0; i < n; i++)
        m->row_of[at + i] = (uint16_t)which;
}

static uint64_t length_at(const map *m, uint64_t at)
{
    return bcemr_load_u64(m->bytes.p + at);
}

static void walk(map *m, const bcemr_type *type, uint64_t at, uint64_t n, const char *prefix);

static void walk_list(map *m, const bcemr_type *item, uint64_t at, uint64_t n, const char *field)
{
    uint64_t p = at + 8 + length_at(m, at);
    p += 8 + length_at(m, p); /* the count */
    while (p < at + n) {
        uint64_t length = length_at(m, p);
        if (item->atom)
            mark(m, p + 8, length, field);
        else
            walk(m, item, p + 8, length, field);
        p += 8 + length;
    }
}

static void walk_fields(map *m, const bcemr_type *type, uint64_t at, const char *prefix)
{
    char name[112];
    uint64_t p = at + 8 + length_at(m, at);
    for (uint64_t i = 0; i < type->count; i++) {
        const wire_field *f = &type->fields[i];
        uint64_t length = length_at(m, p);
        (void)snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] ? "." : "", f->name);
        p += 8;
        if (f->kind == WIRE_TR && length > 0)
            walk(m, f->item, p, length, name);
        else if (f->kind == WIRE_LIST)
            walk_list(m, f->item, p, length, name);
        else
            mark(m, p, length, name);
        p += length;
    }
}

static void walk(map *m, const bcemr_type *type, uint64_t at, uint64_t n, const char *prefix)
{
    if (type && type->choices)
        type = bcemr_type_of(bcemr_span_of(m->bytes.p + at, n));
    if (!type)
        mark(m, at, n, prefix);
    else
        walk_fields(m, type, at, prefix);
}

/* ---- flipping ---- */

static void note(row *r, const char *answer)
{
    r->flips++;
    if (!answer) {
        r->unnoticed++;
        unnoticed++;
        return;
    }
    for (unsigned i = 0; i < r->answer_count; i++)
        if (strcmp(r->answers[i], answer) == 0)
            return;
    if (r->answer_count == ANSWERS)
        abort();
    r->answers[r->answer_count++] = answer;
}

static void flip_all(const map *m, uint8_t *copy, bool thorough, uint64_t every,
                     flips_reader reader, void *user)
{
    for (uint64_t i = 0; i < m->bytes.n; i += every) {
        for (unsigned bit = 0; bit < (thorough ? 8u : 1u); bit++) {
            uint8_t flip = (uint8_t)(1u << (thorough ? bit : (unsigned)(i / every) % 8));
            copy[i] ^= flip;
            note(&rows[m->row_of[i]], reader(user, bcemr_span_of(copy, m->bytes.n)));
            copy[i] ^= flip;
        }
    }
}

void flips_run(const char *object, const bcemr_type *type, bcemr_span bytes, uint64_t thorough,
               uint64_t every, flips_reader reader, void *user)
{
    if (!rows)
        rows = calloc(ROWS, sizeof *rows);
    uint8_t *copy = malloc((size_t)bytes.n);
    map m = {object, row_count, calloc((size_t)bytes.n, sizeof *m.row_of), bytes};
    if (!rows || !copy || !m.row_of)
        abort();
    memcpy(copy, bytes.p, (size_t)bytes.n);
    const char *answer = reader(user, bcemr_span_of(copy, bytes.n));
    if (answer) {
        (void)fprintf(stderr, "%s is refused as it is: %s\n", object, answer);
        abort();
    }
    if (type) {
        mark(&m, 0, bytes.n, "(labels, lengths)");
        walk(&m, type, 0, bytes.n, "");
    } else {
        mark(&m, 0, bytes.n, "(all of it)");
    }
    flip_all(&m, copy, bytes.n <= thorough, every > 0 ? every : 1, reader, user);
    free(m.row_of);
    free(copy);
}

/* ---- the table ---- */

uint64_t flips_unnoticed(void)
{
    return unnoticed;
}

static int by_name(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

void flips_print(FILE *out)
{
    for (unsigned i = 0; i < row_count; i++) {
        row *r = &rows[i];
        if (i == 0 || strcmp(r->object, rows[i - 1].object) != 0)
            (void)fprintf(out, "\n## %s\n\n| field | what its flips give |\n|---|---|\n",
                          r->object);
        if (r->flips == 0)
            continue;
        qsort(r->answers, r->answer_count, sizeof r->answers[0], by_name);
        (void)fprintf(out, "| %s | ", r->field);
        for (unsigned a = 0; a < r->answer_count; a++)
            (void)fprintf(out, "%s%s", a > 0 ? ", " : "", r->answers[a]);
        (void)fprintf(out, "%s |\n", r->unnoticed > 0 ? " **UNNOTICED**" : "");
    }
}

void flips_end(void)
{
    free(rows);
    rows = NULL;
    row_count = 0;
    unnoticed = 0;
}
