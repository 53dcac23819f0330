/* SPDX-License-Identifier: Apache-2.0 */
/* The reader and the writer over every type of the table, and everything that they must refuse. */
#include "wire/fault.h"
#include "wire/table.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory of one test, and repeatable random numbers ---- */

static void *kept[1 << 20];
static size_t kept_count;
static uint64_t random_state = 1;

static void *keep(uint64_t n)
{
    assert_true(kept_count < sizeof kept / sizeof kept[0]);
    void *p = calloc(1, n > 0 ? (size_t)n : 1);
    assert_non_null(p);
    kept[kept_count++] = p;
    return p;
}

static int forget(void **state)
{
    (void)state;
    while (kept_count > 0)
        free(kept[--kept_count]);
    bcemr_switch_fail_allocation(0);
    return 0;
}

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static bcemr_span copy_of(const void *p, uint64_t n)
{
    uint8_t *to = keep(n);
    if (n > 0)
        memcpy(to, p, (size_t)n);
    return (bcemr_span){to, n};
}

static bcemr_span random_bytes(uint64_t n)
{
    uint8_t *p = keep(n);
    for (uint64_t i = 0; i < n; i++)
        p[i] = (uint8_t)next_random();
    return (bcemr_span){p, n};
}

/* n bytes of clean text, two-byte characters among them. */
static bcemr_span random_text(uint64_t n)
{
    uint8_t *p = keep(n);
    for (uint64_t i = 0; i < n; i++) {
        if (n - i >= 2 && next_random() % 8 == 0) {
            p[i++] = 0xc3;
            p[i] = 0xa4;
        } else {
            p[i] = (uint8_t)('a' + next_random() % 26);
        }
    }
    return (bcemr_span){p, n};
}

/* ---- values of any type ---- */

typedef enum mode { LOW, HIGH, MIXED, MODES } mode;

static void *make(const bcemr_type *type, mode m);

static uint64_t pick(mode m, uint64_t lo, uint64_t hi, uint64_t most)
{
    uint64_t top = hi - lo < most ? hi : lo + most;
    if (m == LOW)
        return lo;
    if (m == HIGH)
        return top;
    return lo + next_random() % (top - lo + 1);
}

static bcemr_span encode(const bcemr_type *type, const void *value)
{
    bcemr_buf out = BCEMR_BUF_EMPTY;
    bcemr_error err = {0};
    bcemr_status status = bcemr_write(type, value, &out, &err);
    if (status != BCEMR_OK)
        fail_msg("%s: %s in %s.%s", type->name, bcemr_status_name(status), err.object,
                 err.field ? err.field : "-");
    bcemr_span bytes = copy_of(out.p, out.n);
    bcemr_buf_free(&out);
    return bytes;
}

static bcemr_span encode_some(const bcemr_type *type, mode m)
{
    uint64_t n = 0;
    while (type->choices && type->choices[n])
        n++;
    if (n > 0)
        type = type->choices[m == LOW ? 0 : m == HIGH ? n - 1 : next_random() % n];
    return encode(type, make(type, m));
}

static void make_atom(const wire_field *f, mode m, uint8_t *to)
{
    bcemr_span part = {NULL, 0};
    if (f->kind == WIRE_FIXED)
        memcpy(to, random_bytes(f->hi).p, (size_t)f->hi);
    else if (f->kind == WIRE_TEXT)
        part = random_text(pick(m, f->lo, f->hi, 4096));
    else if (f->kind == WIRE_BYTES)
        part = random_bytes(pick(m, f->lo, f->hi, 4096));
    else if (f->kind == WIRE_OPT && pick(m, 0, 1, 1) == 1)
        part = random_bytes(f->hi);
    if (f->kind != WIRE_FIXED)
        memcpy(to, &part, sizeof part);
}

static bcemr_list make_list(const wire_field *f, mode m)
{
    uint64_t count = pick(m, f->lo, f->hi, 3), size = wire_item_size(f->item);
    uint8_t *items = keep(count * size);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t *item = items + i * size;
        if (f->item->atom) {
            make_atom(f->item->atom, m, item);
        } else if (wire_is_whole(f->item)) {
            bcemr_span whole = encode_some(f->item, m);
            memcpy(item, &whole, sizeof whole);
        } else {
            memcpy(item, make(f->item, m), (size_t)size);
        }
    }
    return (bcemr_list){count, items, {NULL, 0}};
}

static void make_field(const wire_field *f, mode m, uint8_t *to)
{
    uint64_t number;
    bcemr_span whole;
    bcemr_list list;
    switch (f->kind) {
    case WIRE_UINT:
    case WIRE_TIME:
        number = pick(m, f->lo, f->hi, UINT64_MAX - 1);
        memcpy(to, &number, sizeof number);
        break;
    case WIRE_ENUM:
        number = f->values->values[pick(m, 0, f->values->count - 1, 100)].number;
        memcpy(to, &number, sizeof number);
        break;
    case WIRE_TR:
        whole = encode_some(f->item, m);
        memcpy(to, &whole, sizeof whole);
        break;
    case WIRE_LIST:
        list = make_list(f, m);
        memcpy(to, &list, sizeof list);
        break;
    case WIRE_FIXED:
    case WIRE_OPT:
    case WIRE_TEXT:
    case WIRE_BYTES:
    case WIRE_KINDS:
        make_atom(f, m, to);
        break;
    }
}

static void *make(const bcemr_type *type, mode m)
{
    uint8_t *value = keep(type->size);
    for (uint64_t i = 0; i < type->count; i++)
        make_field(&type->fields[i], m, value + type->fields[i].offset);
    return value;
}

/* ---- what was read is what was written ---- */

static void assert_same(const bcemr_type *type, const uint8_t *a, const uint8_t *b);

static void assert_same_spans(const uint8_t *a, const uint8_t *b)
{
    bcemr_span x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    assert_true(bcemr_span_equal(x, y));
}

static void assert_same_items(const bcemr_type *item, const uint8_t *a, const uint8_t *b)
{
    if (wire_is_whole(item) || (item->atom && item->atom->kind != WIRE_FIXED))
        assert_same_spans(a, b);
    else if (item->atom)
        assert_memory_equal(a, b, item->atom->hi);
    else
        assert_same(item, a, b);
}

static void assert_same_lists(const bcemr_type *item, const uint8_t *a, const uint8_t *b)
{
    bcemr_list x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    assert_int_equal(x.count, y.count);
    bcemr_iter i = bcemr_list_begin(item, &x), k = bcemr_list_begin(item, &y);
    uint8_t *one = keep(wire_item_size(item)), *other = keep(wire_item_size(item));
    uint64_t count = 0;
    for (; bcemr_list_next(&i, one); count++) {
        assert_true(bcemr_list_next(&k, other));
        assert_same_items(item, one, other);
        assert_true(bcemr_list_at(item, &x, count, one));
        assert_true(bcemr_list_at(item, &y, count, other));
        assert_same_items(item, one, other);
    }
    assert_false(bcemr_list_next(&k, other));
    assert_int_equal(count, x.count);
    assert_false(bcemr_list_at(item, &x, count, one));
    assert_false(bcemr_list_at(item, &y, count, other));
}

static void assert_same(const bcemr_type *type, const uint8_t *a, const uint8_t *b)
{
    for (uint64_t i = 0; i < type->count; i++) {
        const wire_field *f = &type->fields[i];
        const uint8_t *x = a + f->offset, *y = b + f->offset;
        if (f->kind == WIRE_FIXED)
            assert_memory_equal(x, y, f->hi);
        else if (f->kind == WIRE_UINT || f->kind == WIRE_TIME || f->kind == WIRE_ENUM)
            assert_memory_equal(x, y, 8);
        else if (f->kind == WIRE_LIST)
            assert_same_lists(f->item, x, y);
        else
            assert_same_spans(x, y);
    }
}

static void round_trips(void **state)
{
    (void)state;
    for (const bcemr_type *const *t = wire_all_types; *t; t++) {
        for (unsigned round = 0; round < 8; round++) {
            uint8_t *value = make(*t, round < 2 ? (mode)round : MIXED), *again = keep((*t)->size);
            if ((*t)->count == 0)
                continue;
            bcemr_span bytes = encode(*t, value);
            assert_int_equal(bcemr_read(*t, bytes, again, NULL), BCEMR_OK);
            assert_int_equal(bcemr_validate(*t, bytes, NULL), BCEMR_OK);
            assert_same(*t, value, again);
            assert_true(bcemr_span_equal(encode(*t, again), bytes));
            const bcemr_type *named = bcemr_type_of(bytes);
            assert_ptr_equal(named, wire_is_whole(*t) ? *t : NULL);
        }
        forget(NULL);
    }
}

static void types_without_fields(void **state)
{
    (void)state;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    assert_int_equal(bcemr_write_empty(&bcemr_type_mac_server, &out), BCEMR_OK);
    assert_memory_equal(out.p, "\6\0\0\0\0\0\0\0server", 14);
    assert_int_equal(out.n, 14);
    assert_int_equal(bcemr_validate(&bcemr_type_mac_server, bcemr_buf_span(&out), NULL), BCEMR_OK);
    assert_int_equal(bcemr_read(&bcemr_type_mac_server, bcemr_buf_span(&out), NULL, NULL),
                     BCEMR_OK);
    assert_int_equal(bcemr_validate(&bcemr_type_mac_doctor, bcemr_buf_span(&out), NULL),
                     BCEMR_E_UNKNOWN_KIND);
    bcemr_buf_free(&out);
}

/* ---- refusals ---- */

static bool all_zero(const uint8_t *p, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

/* Reads a copy that ends exactly where memory does; nothing is left in the struct on failure. */
static bcemr_status read_closed(const bcemr_type *type, bcemr_span in, bcemr_error *err)
{
    bcemr_span exact = {malloc(in.n > 0 ? (size_t)in.n : 1), in.n};
    uint8_t *value = malloc((size_t)type->size + 1);
    assert_non_null(exact.p);
    assert_non_null(value);
    if (in.n > 0)
        memcpy((void *)(uintptr_t)exact.p, in.p, (size_t)in.n);
    memset(value, 0xa5, (size_t)type->size);
    bcemr_error plain = {0};
    bcemr_status status = bcemr_read(type, exact, value, &plain);
    if (status != BCEMR_OK) {
        assert_true(all_zero(value, type->size));
        assert_int_equal(plain.status, status);
        assert_int_equal(plain.verdict, BCEMR_UNDECIDED);
        assert_non_null(plain.object);
    }
    assert_int_equal(bcemr_validate(type, exact, NULL), status);
    if (err)
        *err = plain;
    free(value);
    free((void *)(uintptr_t)exact.p);
    return status;
}

static void truncations_and_extra_bytes(void **state)
{
    (void)state;
    for (const bcemr_type *const *t = wire_all_types; *t; t++) {
        for (mode m = LOW; m <= HIGH; m++) {
            bcemr_span bytes = encode_some(*t, m);
            uint64_t step = bytes.n / 4096 + 1; /* every one of all but a few large types */
            for (uint64_t n = 0; n < bytes.n; n += n < 256 || n + 256 > bytes.n ? 1 : step)
                assert_int_equal(read_closed(*t, (bcemr_span){bytes.p, n}, NULL),
                                 BCEMR_E_TRUNCATED);
            uint8_t *more = keep(bytes.n + 1);
            memcpy(more, bytes.p, (size_t)bytes.n);
            bcemr_error err;
            assert_int_equal(read_closed(*t, (bcemr_span){more, bytes.n + 1}, &err),
                             BCEMR_E_TRAILING);
            assert_string_equal(err.object, (*t)->name);
            assert_int_equal(err.offset, bytes.n);
        }
        forget(NULL);
    }
}

/* Whatever is accepted is the one encoding of what it says. */
static void nothing_has_two_encodings(void **state)
{
    (void)state;
    for (const bcemr_type *const *t = wire_all_types; *t; t++) {
        bcemr_span bytes = encode_some(*t, MIXED);
        uint8_t *changed = keep(bytes.n), *value = keep((*t)->size);
        for (uint64_t i = 0; i < bytes.n && i < 3000 && (*t)->count > 0; i++) {
            memcpy(changed, bytes.p, (size_t)bytes.n);
            changed[i] ^= (uint8_t)(1u << next_random() % 8);
            bcemr_span in = {changed, bytes.n};
            if (read_closed(*t, in, NULL) != BCEMR_OK)
                continue;
            bcemr_buf out = BCEMR_BUF_EMPTY;
            assert_int_equal(bcemr_read(*t, in, value, NULL), BCEMR_OK);
            assert_int_equal(bcemr_write(*t, value, &out, NULL), BCEMR_OK);
            assert_true(bcemr_span_equal(bcemr_buf_span(&out), in));
            bcemr_buf_free(&out);
        }
        forget(NULL);
    }
}

/* ---- one part changed ---- */

/* A transcript taken apart: label, then fields. */
typedef struct parts {
    uint64_t count;
    bcemr_span part[8192];
} parts;

static parts taken, inner;

static void take_apart(bcemr_span in, parts *out)
{
    out->count = 0;
    for (uint64_t at = 0; at < in.n;) {
        uint64_t n = bcemr_load_u64(in.p + at);
        assert_true(out->count < sizeof out->part / sizeof out->part[0]);
        out->part[out->count++] = (bcemr_span){in.p + at + 8, n};
        at += 8 + n;
    }
}

static bcemr_span put_together(const parts *from)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < from->count; i++)
        n += 8 + from->part[i].n;
    uint8_t *p = keep(n), *to = p;
    for (uint64_t i = 0; i < from->count; i++) {
        bcemr_store_u64(to, from->part[i].n);
        if (from->part[i].n > 0)
            memcpy(to + 8, from->part[i].p, (size_t)from->part[i].n);
        to += 8 + from->part[i].n;
    }
    return (bcemr_span){p, n};
}

/* Bytes before the content of a part. */
static uint64_t place_of(const parts *from, uint64_t part)
{
    uint64_t at = 8;
    for (uint64_t i = 0; i < part; i++)
        at += 8 + from->part[i].n;
    return at;
}

/* A type and the field whose content is replaced. */
typedef struct target {
    const bcemr_type *type;
    const wire_field *field;
    uint64_t part; /* of taken */
} target;

static void refused_at(const target *t, bcemr_span content, bcemr_status expected,
                       const char *object, const char *field, uint64_t index, uint64_t inside)
{
    bcemr_span before = taken.part[t->part];
    bcemr_error err = {0};
    taken.part[t->part] = content;
    bcemr_status status = read_closed(t->type, put_together(&taken), &err);
    uint64_t offset = place_of(&taken, t->part) + inside;
    taken.part[t->part] = before;
    if (status != expected || strcmp(err.object, object) != 0)
        fail_msg("%s.%s: %s in %s.%s, not %s in %s", t->type->name, t->field->name,
                 bcemr_status_name(status), err.object, err.field ? err.field : "-",
                 bcemr_status_name(expected), object);
    if (field)
        assert_string_equal(err.field, field);
    else
        assert_null(err.field);
    assert_int_equal(err.index, index);
    assert_int_equal(err.offset, offset);
}

static void refused(const target *t, bcemr_span content, bcemr_status expected)
{
    refused_at(t, content, expected, t->type->name, t->field->name, BCEMR_NOWHERE, 0);
}

static bcemr_span number(uint64_t value)
{
    uint8_t bytes[8];
    bcemr_store_u64(bytes, value);
    return copy_of(bytes, 8);
}

static void bad_integer(const target *t)
{
    const wire_field *f = t->field;
    refused(t, (bcemr_span){NULL, 0}, BCEMR_E_ABSENT);
    refused(t, random_bytes(7), BCEMR_E_FIELD_LENGTH);
    refused(t, random_bytes(9), BCEMR_E_FIELD_LENGTH);
    if (f->kind == WIRE_ENUM) {
        uint64_t unknown = 0;
        for (uint64_t i = 0; i < f->values->count; i++)
            if (f->values->values[i].number >= unknown)
                unknown = f->values->values[i].number + 1;
        refused(t, number(unknown), BCEMR_E_UNKNOWN_VALUE);
        refused(t, number(UINT64_MAX), BCEMR_E_UNKNOWN_VALUE);
        return;
    }
    refused(t, number(f->hi + 1), BCEMR_E_INTEGER_RANGE);
    refused(t, number(UINT64_MAX), BCEMR_E_INTEGER_RANGE);
    if (f->lo > 0)
        refused(t, number(f->lo - 1), BCEMR_E_INTEGER_RANGE);
}

static void bad_bytes(const target *t)
{
    const wire_field *f = t->field;
    if (f->kind == WIRE_FIXED || f->kind == WIRE_OPT) {
        refused(t, random_bytes(f->hi - 1), BCEMR_E_FIELD_LENGTH);
        refused(t, random_bytes(f->hi + 1), BCEMR_E_FIELD_LENGTH);
        refused(t, random_bytes(1), BCEMR_E_FIELD_LENGTH);
        if (f->kind == WIRE_FIXED)
            refused(t, (bcemr_span){NULL, 0}, BCEMR_E_ABSENT);
        return;
    }
    refused(t, random_text(f->hi + 1), BCEMR_E_TOO_LONG);
    if (f->lo > 0)
        refused(t, (bcemr_span){NULL, 0}, BCEMR_E_ABSENT);
    if (f->lo > 1)
        refused(t, random_text(f->lo - 1), BCEMR_E_TOO_SHORT);
    if (f->kind == WIRE_TEXT)
        refused(t, bcemr_text("\xc3("), BCEMR_E_TEXT);
}

static bcemr_span with_label(bcemr_span transcript, const char *label)
{
    take_apart(transcript, &inner);
    inner.part[0] = bcemr_text(label);
    return put_together(&inner);
}

static void bad_transcript(const target *t)
{
    bcemr_span good = taken.part[t->part];
    char later[64];
    take_apart(good, &inner);
    memcpy(later, inner.part[0].p, (size_t)inner.part[0].n);
    memcpy(later + inner.part[0].n, "/2", 3);
    const char *choice = t->field->item->name; /* named as long as the label says nothing */
    const bcemr_type *found = t->field->item->choices ? bcemr_type_of(good) : t->field->item;
    refused(t, (bcemr_span){NULL, 0}, BCEMR_E_ABSENT);
    refused_at(t, random_bytes(7), BCEMR_E_TRUNCATED, choice, NULL, BCEMR_NOWHERE, 0);
    refused_at(t, with_label(good, "nonsense"), BCEMR_E_UNKNOWN_KIND, choice, NULL, BCEMR_NOWHERE,
               0);
    refused_at(t, with_label(good, later), BCEMR_E_UNKNOWN_VERSION, choice, NULL, BCEMR_NOWHERE, 0);
    take_apart(good, &inner);
    inner.count--;
    bcemr_span short_one = put_together(&inner);
    refused_at(t, short_one, BCEMR_E_TRUNCATED, found->name, found->fields[found->count - 1].name,
               BCEMR_NOWHERE, short_one.n);
    inner.count++;
    inner.part[inner.count++] = number(1);
    refused_at(t, put_together(&inner), BCEMR_E_TRAILING, found->name, NULL, BCEMR_NOWHERE, good.n);
}

static void bad_count(const target *t, uint64_t count, bcemr_status expected, uint64_t index,
                      uint64_t inside)
{
    take_apart(taken.part[t->part], &inner);
    inner.part[1] = number(count);
    refused_at(t, put_together(&inner), expected, t->type->name, t->field->name, index, inside);
}

/* The last item goes bad: the error names the item, inside it the field where it has any. */
static void bad_item(const target *t)
{
    const wire_field *f = t->field;
    take_apart(taken.part[t->part], &inner);
    if (inner.count < 3)
        return;
    uint64_t last = inner.count - 1, at = place_of(&inner, last);
    if (f->item->atom) {
        inner.part[last] = random_text(f->item->atom->hi + 1);
        refused_at(t, put_together(&inner),
                   f->item->atom->kind == WIRE_FIXED ? BCEMR_E_FIELD_LENGTH : BCEMR_E_TOO_LONG,
                   t->type->name, f->name, last - 2, at);
        return;
    }
    bcemr_span item = inner.part[last];
    inner.part[last].n = 8 + strlen(f->item->label);
    refused_at(t, put_together(&inner), BCEMR_E_TRUNCATED, f->item->name, f->item->fields[0].name,
               last - 2, at + inner.part[last].n);
    uint8_t *wrong = keep(item.n);
    memcpy(wrong, item.p, (size_t)item.n);
    wrong[8] ^= 1;
    inner.part[last] = (bcemr_span){wrong, item.n};
    refused_at(t, put_together(&inner), BCEMR_E_UNKNOWN_KIND, f->item->name, NULL, last - 2, at);
}

static void bad_list(const target *t)
{
    const wire_field *f = t->field;
    bcemr_span good = taken.part[t->part];
    take_apart(good, &inner);
    uint64_t count = inner.count - 2, items = place_of(&inner, 1) + 8;
    refused(t, (bcemr_span){NULL, 0}, BCEMR_E_ABSENT);
    refused(t, (bcemr_span){good.p, 11}, BCEMR_E_TRUNCATED);
    refused(t, (bcemr_span){good.p, 19}, BCEMR_E_TRUNCATED);
    refused(t, with_label(good, "lisp"), BCEMR_E_UNKNOWN_KIND);
    take_apart(good, &inner);
    inner.part[1] = random_bytes(4);
    refused(t, put_together(&inner), BCEMR_E_FIELD_LENGTH);
    bad_count(t, f->hi + 1, BCEMR_E_TOO_MANY, BCEMR_NOWHERE, 0);
    bad_count(t, UINT64_MAX, BCEMR_E_TOO_MANY, BCEMR_NOWHERE, 0);
    if (f->lo > 0)
        bad_count(t, f->lo - 1, BCEMR_E_TOO_FEW, BCEMR_NOWHERE, 0);
    if (count < f->hi)
        bad_count(t, count + 1, BCEMR_E_TRUNCATED, count, good.n);
    if (count > f->lo) {
        take_apart(good, &inner);
        uint64_t last = place_of(&inner, inner.count - 1) - 8;
        bad_count(t, count - 1, BCEMR_E_TRAILING, BCEMR_NOWHERE, last);
    }
    if (count == 0)
        return;
    take_apart(good, &inner);
    inner.part[2] = (bcemr_span){NULL, 0};
    refused_at(t, put_together(&inner), BCEMR_E_ABSENT, t->type->name, f->name, 0, items + 8);
    bad_item(t);
}

static void every_field_is_checked(void **state)
{
    (void)state;
    for (const bcemr_type *const *type = wire_all_types; *type; type++) {
        for (unsigned round = 0; round < 3; round++) {
            take_apart(encode_some(*type, (mode)round), &taken);
            assert_int_equal(taken.count, (*type)->count + 1);
            for (uint64_t i = 0; i < (*type)->count; i++) {
                const target t = {*type, &(*type)->fields[i], i + 1};
                wire_kind kind = t.field->kind;
                if (kind == WIRE_UINT || kind == WIRE_TIME || kind == WIRE_ENUM)
                    bad_integer(&t);
                else if (kind == WIRE_TR)
                    bad_transcript(&t);
                else if (kind == WIRE_LIST)
                    bad_list(&t);
                else
                    bad_bytes(&t);
            }
            forget(NULL);
        }
    }
}

static void labels_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        bcemr_status status;
    } cases[] = {
        {"visit/2", BCEMR_E_UNKNOWN_VERSION},  {"visit/31", BCEMR_E_UNKNOWN_VERSION},
        {"visit/10", BCEMR_E_UNKNOWN_VERSION}, {"visit/9", BCEMR_E_UNKNOWN_VERSION},
        {"visit/1", BCEMR_E_UNKNOWN_KIND},     {"visit/0", BCEMR_E_UNKNOWN_KIND},
        {"visit/02", BCEMR_E_UNKNOWN_KIND},    {"visit/", BCEMR_E_UNKNOWN_KIND},
        {"visit/2a", BCEMR_E_UNKNOWN_KIND},    {"visits", BCEMR_E_UNKNOWN_KIND},
        {"visi", BCEMR_E_UNKNOWN_KIND},        {"", BCEMR_E_UNKNOWN_KIND},
        {"Visit", BCEMR_E_UNKNOWN_KIND},       {"accept", BCEMR_E_UNKNOWN_KIND},
        {"visit/-2", BCEMR_E_UNKNOWN_KIND},    {"visit/2/2", BCEMR_E_UNKNOWN_KIND},
    };
    bcemr_span good = encode_some(&bcemr_type_visit, LOW);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bcemr_error err;
        bcemr_span changed = with_label(good, cases[i].label);
        assert_int_equal(read_closed(&bcemr_type_visit, changed, &err), cases[i].status);
        assert_string_equal(err.object, "visit");
        assert_int_equal(err.offset, 0);
    }
    for (const bcemr_type *const *t = wire_all_types; *t; t++) {
        bcemr_span other = encode_some(*t, LOW);
        if (*t != &bcemr_type_visit)
            assert_int_equal(read_closed(&bcemr_type_visit, other, NULL), BCEMR_E_UNKNOWN_KIND);
    }
}

static void a_length_that_wraps_is_refused(void **state)
{
    (void)state;
    bcemr_span good = encode_some(&bcemr_type_accept, LOW);
    static const uint64_t lengths[] = {UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - 8,
                                       (uint64_t)1 << 63, (uint64_t)1 << 32};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t *changed = (uint8_t *)(uintptr_t)copy_of(good.p, good.n).p;
        bcemr_store_u64(changed, lengths[i]);
        bcemr_span in = {changed, good.n};
        assert_int_equal(read_closed(&bcemr_type_accept, in, NULL), BCEMR_E_TRUNCATED);
        assert_null(bcemr_type_of(in));
        memcpy(changed, good.p, (size_t)good.n);
        bcemr_store_u64(changed + 14, lengths[i]);
        assert_int_equal(read_closed(&bcemr_type_accept, in, NULL), BCEMR_E_TRUNCATED);
    }
    assert_int_equal(read_closed(&bcemr_type_accept, (bcemr_span){NULL, 0}, NULL),
                     BCEMR_E_TRUNCATED);
    assert_int_equal(bcemr_validate(&bcemr_type_accept, (bcemr_span){NULL, 0}, NULL),
                     BCEMR_E_TRUNCATED);
    assert_null(bcemr_type_of((bcemr_span){NULL, 0}));
}

/* ---- text ---- */

static void text_is_utf8_without_controls(void **state)
{
    (void)state;
    static const char *const good[] = {"a",
                                       "Z\xc3\xbcrich",
                                       "\xc2\xa0",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbd",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       " ~"};
    static const char *const bad[] = {"\x01",
                                      "a\n",
                                      "\t",
                                      "\x1f",
                                      "\x7f",
                                      "\xc2\x80",
                                      "\xc2\x9f",
                                      "\x80",
                                      "\xbf",
                                      "\xc0\xaf",
                                      "\xc1\xbf",
                                      "\xc3",
                                      "\xc3(",
                                      "\xe0\x9f\xbf",
                                      "\xe0\xa0",
                                      "\xe2\x82",
                                      "\xe2(\xa1",
                                      "\xe2\x82(",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf0\x90\x80",
                                      "\xf0\x90(\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xfe",
                                      "\xf8\x88\x80\x80\x80",
                                      "ok\xc3"};
    const bcemr_hash zero = {{0}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        bcemr_tr_host host = {zero, zero, bcemr_text(good[i])};
        assert_int_equal(read_closed(&bcemr_type_host, encode(&bcemr_type_host, &host), NULL),
                         BCEMR_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bcemr_tr_host host = {zero, zero, bcemr_text(bad[i])};
        bcemr_buf out = BCEMR_BUF_EMPTY;
        assert_int_equal(bcemr_write_host(&host, &out, NULL), BCEMR_E_TEXT);
        assert_int_equal(out.n, 0);
        bcemr_buf_free(&out);
    }
    const bcemr_tr_host nul = {zero, zero, {(const uint8_t *)"a\0b", 3}};
    bcemr_buf out = BCEMR_BUF_EMPTY;
    assert_int_equal(bcemr_write_host(&nul, &out, NULL), BCEMR_E_TEXT);
    bcemr_buf_free(&out);
}

/* ---- writing ---- */

/* Makes one field of a good value one that no reader would take. */
static bool spoil(const wire_field *f, uint8_t *at)
{
    uint64_t wrong = f->hi + 1;
    bcemr_span part = {NULL, 0};
    bcemr_list list;
    switch (f->kind) {
    case WIRE_FIXED:
    case WIRE_KINDS:
        return false; /* a struct cannot hold a wrong length */
    case WIRE_ENUM:
        wrong = UINT64_MAX;
        memcpy(at, &wrong, sizeof wrong);
        return true;
    case WIRE_UINT:
    case WIRE_TIME:
        memcpy(at, &wrong, sizeof wrong);
        return true;
    case WIRE_LIST:
        memcpy(&list, at, sizeof list);
        list.count = f->hi + 1;
        list.items = NULL;
        memcpy(at, &list, sizeof list);
        return true;
    case WIRE_TR:
        memcpy(at, &part, sizeof part);
        return true;
    case WIRE_OPT:
    case WIRE_TEXT:
    case WIRE_BYTES:
        part = random_text(wrong);
        memcpy(at, &part, sizeof part);
        return true;
    }
    return false;
}

static void nothing_bad_can_be_written(void **state)
{
    (void)state;
    for (const bcemr_type *const *t = wire_all_types; *t; t++) {
        for (uint64_t i = 0; i < (*t)->count; i++) {
            const wire_field *f = &(*t)->fields[i];
            uint8_t *value = make(*t, LOW);
            if (!spoil(f, value + f->offset))
                continue;
            bcemr_buf out = BCEMR_BUF_EMPTY;
            bcemr_error err = {0};
            assert_int_equal(bcemr_buf_append(&out, bcemr_text("before")), BCEMR_OK);
            assert_int_not_equal(bcemr_write(*t, value, &out, &err), BCEMR_OK);
            assert_string_equal(err.object, (*t)->name);
            assert_string_equal(err.field, f->name);
            assert_int_equal(out.n, 6);
            assert_memory_equal(out.p, "before", 6);
            bcemr_buf_free(&out);
        }
        forget(NULL);
    }
}

static void writing_without_memory(void **state)
{
    (void)state;
    for (const bcemr_type *const *t = wire_all_types; *t; t++) {
        void *value = make(*t, LOW);
        bcemr_buf out = BCEMR_BUF_EMPTY;
        bcemr_error err = {0};
        bcemr_switch_fail_allocation(1);
        bcemr_status status = bcemr_write(*t, value, &out, &err);
        bcemr_switch_fail_allocation(0);
        assert_int_equal(status, BCEMR_E_NO_MEMORY);
        assert_int_equal(err.status, BCEMR_E_NO_MEMORY);
        assert_null(out.p);
        assert_int_equal(bcemr_write(*t, value, &out, &err), BCEMR_OK);
        bcemr_buf_free(&out);
        forget(NULL);
    }
    bcemr_buf out = BCEMR_BUF_EMPTY;
    const bcemr_list list = {0};
    bcemr_switch_fail_allocation(1);
    assert_int_equal(bcemr_write_list(&bcemr_type_hash_item, &list, &out, NULL), BCEMR_E_NO_MEMORY);
    bcemr_switch_fail_allocation(1);
    assert_int_equal(bcemr_write_fields("x", NULL, 0, &out), BCEMR_E_NO_MEMORY);
    assert_null(out.p);
}

/* ---- lists ---- */

static void lists_on_their_own(void **state)
{
    (void)state;
    const bcemr_hash hashes[3] = {{{1}}, {{2}}, {{3}}};
    const bcemr_list list = BCEMR_LIST_OF(hashes, 3);
    bcemr_buf out = BCEMR_BUF_EMPTY;
    bcemr_list again;
    bcemr_hash one;
    bcemr_error err;
    assert_int_equal(bcemr_write_list(&bcemr_type_hash_item, &list, &out, NULL), BCEMR_OK);
    bcemr_span bytes = bcemr_buf_span(&out);
    assert_int_equal(bcemr_read_list(&bcemr_type_hash_item, bytes, 3, 3, &again, NULL), BCEMR_OK);
    assert_int_equal(again.count, 3);
    assert_true(bcemr_list_at(&bcemr_type_hash_item, &again, 2, &one));
    assert_memory_equal(&one, &hashes[2], sizeof one);
    assert_int_equal(bcemr_read_list(&bcemr_type_hash_item, bytes, 4, 9, &again, &err),
                     BCEMR_E_TOO_FEW);
    assert_int_equal(again.count, 0);
    assert_string_equal(err.field, "items");
    assert_int_equal(bcemr_read_list(&bcemr_type_hash_item, bytes, 0, 2, &again, NULL),
                     BCEMR_E_TOO_MANY);
    assert_int_equal(bcemr_read_list(&bcemr_type_g1_item, bytes, 0, 9, &again, &err),
                     BCEMR_E_FIELD_LENGTH);
    assert_int_equal(err.index, 0);
    bytes.n--;
    assert_int_equal(bcemr_read_list(&bcemr_type_hash_item, bytes, 0, 9, &again, &err),
                     BCEMR_E_TRUNCATED);
    assert_int_equal(err.index, 2);
    assert_int_equal(
        bcemr_read_list(&bcemr_type_hash_item, (bcemr_span){NULL, 0}, 0, 9, &again, NULL),
        BCEMR_E_TRUNCATED);
    bcemr_buf_clear(&out);
    const bcemr_span names[2] = {bcemr_text("a"), {NULL, 0}};
    const bcemr_list bad = BCEMR_LIST_OF(names, 2);
    assert_int_equal(bcemr_write_list(&bcemr_type_id_item, &bad, &out, &err), BCEMR_E_ABSENT);
    assert_int_equal(err.index, 1);
    assert_int_equal(out.n, 0);
    bcemr_buf_free(&out);
}

/* Lists that nobody read may hold anything; walking them ends, and never outside. */
static void lists_that_nobody_read(void **state)
{
    (void)state;
    static const uint8_t bytes[48] = {32};
    uint8_t item[256];
    const bcemr_list cut = {3, NULL, {bytes, 39}}, empty = {3, NULL, {bytes, 0}};
    const bcemr_list one = {3, NULL, {bytes, 48}};
    assert_false(bcemr_list_at(&bcemr_type_hash_item, &cut, 0, item));
    assert_false(bcemr_list_at(&bcemr_type_hash_item, &empty, 0, item));
    assert_false(bcemr_list_at(&bcemr_type_g1_item, &one, 0, item));
    assert_false(bcemr_list_at(&bcemr_type_document, &one, 0, item));
    assert_false(bcemr_list_at(&bcemr_type_amend, &cut, 0, item));
    assert_true(bcemr_list_at(&bcemr_type_hash_item, &one, 0, item));
    assert_false(bcemr_list_at(&bcemr_type_hash_item, &one, 1, item));
}

/* What stands in the buffer stays before what is written. */
static void writing_appends(void **state)
{
    (void)state;
    const bcemr_tr_accept accept = {{{1}}};
    const bcemr_hash hashes[1] = {{{1}}};
    const bcemr_list list = BCEMR_LIST_OF(hashes, 1);
    bcemr_buf out = BCEMR_BUF_EMPTY;
    bcemr_list again;
    assert_int_equal(bcemr_buf_append(&out, bcemr_text("a")), BCEMR_OK);
    assert_int_equal(bcemr_write_accept(&accept, &out, NULL), BCEMR_OK);
    assert_int_equal(bcemr_validate(&bcemr_type_accept, bcemr_span_of(out.p + 1, out.n - 1), NULL),
                     BCEMR_OK);
    uint64_t n = out.n;
    assert_int_equal(bcemr_write_list(&bcemr_type_hash_item, &list, &out, NULL), BCEMR_OK);
    assert_int_equal(bcemr_read_list(&bcemr_type_hash_item, bcemr_span_of(out.p + n, out.n - n), 1,
                                     1, &again, NULL),
                     BCEMR_OK);
    n = out.n;
    assert_int_equal(bcemr_write_fields("x", NULL, 0, &out), BCEMR_OK);
    assert_int_equal(out.n, n + 9);
    n = out.n;
    const bcemr_span names[1] = {{NULL, 0}};
    const bcemr_list bad = BCEMR_LIST_OF(names, 1);
    assert_int_equal(bcemr_write_list(&bcemr_type_id_item, &bad, &out, NULL), BCEMR_E_ABSENT);
    assert_int_equal(out.n, n);
    assert_int_equal(out.p[0], 'a');
    bcemr_buf_free(&out);
}

/* Whole transcripts are handed out as their bytes, tuples as structs; from an array and from input.
 */
static void items_of_lists(void **state)
{
    (void)state;
    bcemr_tr_content *content = make(&bcemr_type_content, HIGH), again;
    bcemr_span bytes = encode(&bcemr_type_content, content), one, other;
    bcemr_tr_content_item item;
    assert_int_equal(bcemr_read_content(bytes, &again, NULL), BCEMR_OK);
    assert_int_equal(again.amendments.count, 3);
    for (uint64_t i = 0; i < 3; i++) {
        bcemr_tr_amend amend;
        assert_true(bcemr_list_at(&bcemr_type_amend, &content->amendments, i, &one));
        assert_true(bcemr_list_at(&bcemr_type_amend, &again.amendments, i, &other));
        assert_true(bcemr_span_equal(one, other));
        assert_int_equal(bcemr_read_amend(other, &amend, NULL), BCEMR_OK);
        assert_true(other.p > bytes.p && other.p < bytes.p + bytes.n);
    }
    assert_true(bcemr_list_at(&bcemr_type_content_item, &again.diagnoses, 0, &item));
    assert_int_equal(item.k, 1000);
    assert_ptr_equal(bcemr_type_of(item.presence), &bcemr_type_waived);
}

static void only_entries_stand_as_entries(void **state)
{
    (void)state;
    unsigned entries = 0;
    for (const bcemr_type *const *t = wire_all_types; *t; t++) {
        const bcemr_tr_signed logged = {encode_some(*t, LOW), {0}};
        bcemr_buf out = BCEMR_BUF_EMPTY;
        bcemr_status status = bcemr_write_signed(&logged, &out, NULL);
        assert_int_equal(status, bcemr_type_is_entry(*t) ? BCEMR_OK : BCEMR_E_UNKNOWN_KIND);
        entries += bcemr_type_is_entry(*t);
        bcemr_buf_free(&out);
        forget(NULL);
    }
    assert_int_equal(entries, 19);
}

/* ---- the table itself ---- */

static void labels_are_unique(void **state)
{
    (void)state;
    for (const bcemr_type *const *a = wire_all_types; *a; a++) {
        assert_non_null((*a)->label);
        assert_true(bcemr_type_size(*a) == (*a)->size);
        for (const bcemr_type *const *b = wire_all_types; b != a; b++) {
            assert_string_not_equal(bcemr_type_name(*a), bcemr_type_name(*b));
            if (wire_is_whole(*a))
                assert_string_not_equal(bcemr_type_label(*a), bcemr_type_label(*b));
        }
    }
    for (uint64_t t = 0; t < wire_values_count; t++)
        for (uint64_t a = 0; a < wire_all_values[t].count; a++)
            for (uint64_t b = 0; b < a; b++)
                assert_int_not_equal(wire_all_values[t].values[a].number,
                                     wire_all_values[t].values[b].number);
    assert_string_equal(bcemr_value_name("scope", BCEMR_scope_READ_SEARCH), "READ_SEARCH");
    assert_string_equal(bcemr_value_text("yes_no", 1), "yes");
    assert_null(bcemr_value_name("scope", 99));
    assert_null(bcemr_value_text("nothing", 1));
}

typedef struct seen {
    uint64_t lines;
    int depth;
    char text[1 << 18];
    size_t n;
} seen;

static void look(void *user, const char *line)
{
    seen *s = user;
    size_t n = strlen(line);
    assert_true(s->n + n + 2 < sizeof s->text);
    memcpy(s->text + s->n, line, n);
    s->n += n;
    s->text[s->n++] = '\n';
    s->text[s->n] = 0;
    s->lines++;
    for (const char *c = line; *c; c++)
        s->depth += (*c == '{' || *c == '[') - (*c == '}' || *c == ']');
}

static void the_table_is_printed(void **state)
{
    (void)state;
    static const char *const formats[] = {"markdown", "json", "dictionary"};
    seen *s = keep(sizeof *s);
    for (size_t i = 0; i < 3; i++) {
        memset(s, 0, sizeof *s);
        assert_int_equal(bcemr_wire_describe(formats[i], look, s), BCEMR_OK);
        assert_true(s->lines > 100);
        for (const bcemr_type *const *t = wire_all_types; *t; t++)
            if (i < 2 || wire_is_whole(*t))
                assert_non_null(strstr(s->text, (*t)->name));
        if (i == 1)
            assert_int_equal(s->depth, 0);
    }
    assert_int_equal(bcemr_wire_describe("xml", look, s), BCEMR_E_ARGUMENT);
}

static void names_and_texts(void **state)
{
    (void)state;
    assert_string_equal(bcemr_status_name(BCEMR_E_TRUNCATED), "E_TRUNCATED");
    assert_string_equal(bcemr_status_text(BCEMR_OK), "done");
    assert_string_equal(bcemr_verdict_name(BCEMR_BAD_CHUNK), "BAD_CHUNK");
    assert_string_equal(bcemr_verdict_text(BCEMR_VALID), "holds");
    assert_string_equal(bcemr_status_name((bcemr_status)9999), "UNKNOWN");
    assert_string_equal(bcemr_verdict_name((bcemr_verdict)9999), "UNKNOWN");
    assert_non_null(strstr(bcemr_verdict_text((bcemr_verdict)9999), "does not know"));
#define X(name, value, text) assert_string_equal(bcemr_status_name(BCEMR_##name), #name);
    BCEMR_STATUS_TABLE(X)
#undef X
#define X(name, value, text) assert_string_equal(bcemr_verdict_name(BCEMR_##name), #name);
    BCEMR_VERDICT_TABLE(X)
#undef X
}

/* ---- bytes ---- */

static void spans_compare(void **state)
{
    (void)state;
    const bcemr_span none = {NULL, 0};
    assert_true(bcemr_span_equal(none, bcemr_text("")));
    assert_false(bcemr_span_equal(none, bcemr_text("a")));
    assert_false(bcemr_span_equal(bcemr_text("a"), bcemr_text("b")));
    assert_int_equal(bcemr_span_compare(none, none), 0);
    assert_true(bcemr_span_compare(none, bcemr_text("a")) < 0);
    assert_true(bcemr_span_compare(bcemr_text("ab"), bcemr_text("a")) > 0);
    assert_true(bcemr_span_compare(bcemr_text("a"), bcemr_text("b")) < 0);
    assert_true(bcemr_span_compare(bcemr_text("\xff"), bcemr_text("a")) > 0);
    for (uint64_t v = 1, i = 0; i < 64; i++, v = v * 3 + 1) {
        uint8_t bytes[8];
        bcemr_store_u64(bytes, v);
        assert_int_equal(bytes[0], v & 0xff);
        assert_true(bcemr_load_u64(bytes) == v);
    }
}

static void buffers_grow_and_are_wiped(void **state)
{
    (void)state;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(bcemr_buf_append(&buf, bcemr_text("abc")), BCEMR_OK);
    assert_int_equal(buf.n, 3000);
    assert_memory_equal(buf.p + 2997, "abc", 3);
    bcemr_switch_fail_allocation(1);
    assert_int_equal(bcemr_buf_reserve(&buf, 1 << 20), BCEMR_E_NO_MEMORY);
    assert_int_equal(buf.n, 3000);
    bcemr_switch_fail_allocation(0);
    assert_int_equal(bcemr_buf_reserve(&buf, UINT64_MAX), BCEMR_E_TOO_LONG);
    assert_int_equal(bcemr_buf_set(&buf, bcemr_text("x")), BCEMR_OK);
    assert_int_equal(buf.n, 1);
    assert_true(all_zero(buf.p + 1, 2999));
    bcemr_buf_clear(&buf);
    assert_true(all_zero(buf.p, buf.capacity));
    bcemr_buf_free(&buf);
    assert_null(buf.p);
    bcemr_buf_free(&buf);
    bcemr_buf_free(NULL);
    bcemr_release_wiped(NULL, 5);
    uint8_t *p = bcemr_allocate(0);
    assert_non_null(p);
    bcemr_release(p);
}

static void the_switches(void **state)
{
    (void)state;
    assert_false(bcemr_switch_is_off(BCEMR_BAD_CHUNK));
    bcemr_switch_off(BCEMR_BAD_CHUNK);
    bcemr_switch_off_reason(7);
    assert_true(bcemr_switch_is_off(BCEMR_BAD_CHUNK));
    assert_true(BCEMR_HOLDS(BCEMR_BAD_CHUNK, false));
    assert_false(BCEMR_HOLDS(BCEMR_BAD_ROOT, false));
    assert_true(BCEMR_REASON_HOLDS(7, false));
    assert_false(BCEMR_REASON_HOLDS(8, false));
    bcemr_switch_all_on();
    assert_false(BCEMR_HOLDS(BCEMR_BAD_CHUNK, false));
    assert_false(BCEMR_REASON_HOLDS(7, false));
    bcemr_switch_fail_allocation(2);
    void *p = bcemr_allocate(1);
    assert_non_null(p);
    assert_null(bcemr_allocate(1));
    assert_int_equal(bcemr_switch_allocations(), 2);
    bcemr_release(p);
}

#define TEST(function) cmocka_unit_test_teardown(function, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(round_trips),
        TEST(types_without_fields),
        TEST(truncations_and_extra_bytes),
        TEST(nothing_has_two_encodings),
        TEST(every_field_is_checked),
        TEST(labels_are_checked),
        TEST(a_length_that_wraps_is_refused),
        TEST(text_is_utf8_without_controls),
        TEST(nothing_bad_can_be_written),
        TEST(writing_without_memory),
        TEST(lists_on_their_own),
        TEST(lists_that_nobody_read),
        TEST(writing_appends),
        TEST(items_of_lists),
        TEST(only_entries_stand_as_entries),
        TEST(labels_are_unique),
        TEST(the_table_is_printed),
        TEST(names_and_texts),
        TEST(spans_compare),
        TEST(buffers_grow_and_are_wiped),
        TEST(the_switches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
