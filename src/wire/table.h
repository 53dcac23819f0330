/* SPDX-License-Identifier: Apache-2.0 */
/* The table of types as data: what table.c makes of types.def for the reader and the writer. */
#ifndef BCEMR_WIRE_TABLE_H
#define BCEMR_WIRE_TABLE_H

#include <bcemr/types.h>

typedef enum wire_kind {
    WIRE_FIXED, /* exactly hi bytes, stored in the struct */
    WIRE_OPT,   /* empty or exactly hi bytes, span */
    WIRE_TEXT,  /* UTF-8, lo..hi bytes, span */
    WIRE_BYTES, /* lo..hi bytes, span */
    WIRE_UINT,  /* 8 bytes, lo..hi */
    WIRE_TIME,  /* 8 bytes, not negative */
    WIRE_ENUM,  /* 8 bytes, one of values */
    WIRE_TR,    /* a transcript of type item, span */
    WIRE_LIST,  /* lo..hi items of type item */
    WIRE_KINDS
} wire_kind;

typedef struct wire_value {
    const char *name;
    uint64_t number;
    const char *text;
} wire_value;

typedef struct wire_values {
    const char *name;
    const char *text;
    const wire_value *values;
    uint64_t count;
} wire_values;

typedef struct wire_field {
    const char *name;
    const char *shown; /* the row's name in the table: HASH, G1, ... */
    wire_kind kind;
    size_t offset;
    uint64_t lo, hi;
    const bcemr_type *item;
    const wire_values *values;
    const char *text;
} wire_field;

/* Three forms: a transcript (label), a choice among transcripts (choices), a bare item (atom). */
struct bcemr_type {
    const char *name;
    const char *label;
    const char *section;
    const char *text;
    const wire_field *fields;
    uint64_t count;
    uint64_t size;
    const bcemr_type *const *choices;
    const wire_field *atom;
};

/* Stands in a C list as its bytes (bcemr_span) rather than as a struct: a labelled transcript, that
 * is, any but a tuple. */
bool wire_is_whole(const bcemr_type *type);
/* Bytes of one item in a C array of a list. */
uint64_t wire_item_size(const bcemr_type *item);

/* Every TYPE, TUPLE and EMPTY in the order of the table; ends with NULL. */
extern const bcemr_type *const wire_all_types[];
extern const wire_values wire_all_values[];
extern const uint64_t wire_values_count;

typedef struct wire_derivation {
    const char *name, *label, *text;
} wire_derivation;
extern const wire_derivation wire_all_derivations[];
extern const uint64_t wire_derivations_count;

#endif
