/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transcripts (section 1): C structs for every type of types.def, one writer and one bounded,
 * validating reader for all of them. Reading allocates nothing: variable parts of a struct point
 * into the input, which must outlive it. Writing checks the same bounds as reading, so nothing
 * can be written that would be refused when read. No function keeps state; all are thread safe.
 */
#ifndef BCEMR_TYPES_H
#define BCEMR_TYPES_H

#include <bcemr/bytes.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bcemr_pok_raw {
    bcemr_g1_raw commitment;
    bcemr_scalar_raw response;
} bcemr_pok_raw; /* Schnorr proof (Rk, z) */

/*
 * A list in a struct. For writing, set items and count: items points to an array of the item's C
 * struct (bcemr_span for texts and transcripts). Reading sets raw (the items as encoded) and count,
 * items is NULL; use bcemr_list_begin and bcemr_list_next. A list that was read can be written
 * again.
 */
typedef struct bcemr_list {
    uint64_t count;
    const void *items;
    bcemr_span raw;
} bcemr_list;

#define BCEMR_LIST_OF(array, length) ((bcemr_list){(length), (array), {NULL, 0}})

/* ---- tables of integers ---- */

#define VALUES(table, text)                                                                        \
    typedef enum bcemr_##table                                                                     \
    {
#define VALUE(table, name, number, text) BCEMR_##table##_##name = (number),
#define VALUES_END(table)                                                                          \
    BCEMR_##table##_end_                                                                           \
    }                                                                                              \
    bcemr_##table;
#include <bcemr/types_rows_none.h>
#include <bcemr/types.def>
#include <bcemr/types_rows_undef.h>

/* ---- structs ---- */

#define TYPE(t, label, section, text) typedef struct bcemr_tr_##t {
#define TUPLE(t, section, text) typedef struct bcemr_tr_##t {
#define END(t)                                                                                     \
    }                                                                                              \
    bcemr_tr_##t;
#define HASH(t, field, text) bcemr_hash field;
#define G1(t, field, text) bcemr_g1_raw field;
#define G2(t, field, text) bcemr_g2_raw field;
#define SCALAR(t, field, text) bcemr_scalar_raw field;
#define ED(t, field, text) bcemr_ed_raw field;
#define X25519(t, field, text) bcemr_x25519_raw field;
#define EDSIG(t, field, text) bcemr_ed_signature field;
#define POK(t, field, text) bcemr_pok_raw field;
#define NONCE(t, field, text) bcemr_nonce field;
#define BYTES16(t, field, text) bcemr_bytes16 field;
#define NONCE24(t, field, text) bcemr_nonce24 field;
#define MAC(t, field, text) bcemr_hash field;
#define OPT(t, field, n, text) bcemr_span field;
#define ID(t, field, text) bcemr_span field;
#define TEXT(t, field, lo, hi, text) bcemr_span field;
#define BYTES(t, field, lo, hi, text) bcemr_span field;
#define UINT(t, field, lo, hi, text) uint64_t field;
#define TIME(t, field, text) int64_t field;
#define ENUM(t, field, table, text) uint64_t field;
#define TR(t, field, which, text) bcemr_span field;
#define ENTRY(t, field, text) bcemr_span field;
#define PRESENCE(t, field, text) bcemr_span field;
#define ANY_TERMS(t, field, text) bcemr_span field;
#define LIST(t, field, item, lo, hi, text) bcemr_list field;
#include <bcemr/types_rows_none.h>
#include <bcemr/types.def>
#include <bcemr/types_rows_undef.h>

/* ---- descriptors ---- */

/* What the table says of one type; opaque here, printed by bcemr_wire_describe. */
typedef struct bcemr_type bcemr_type;

#define TYPE(t, label, section, text) extern const bcemr_type bcemr_type_##t;
#define TUPLE(t, section, text) extern const bcemr_type bcemr_type_##t;
#define EMPTY(t, label, section, text) extern const bcemr_type bcemr_type_##t;
#include <bcemr/types_rows_none.h>
#include <bcemr/types.def>
#include <bcemr/types_rows_undef.h>

/* Items of lists that are not tuples; their C types are in brackets. */
extern const bcemr_type bcemr_type_id_item;      /* [bcemr_span] a name, 1..200 bytes of UTF-8 */
extern const bcemr_type bcemr_type_keyword_item; /* [bcemr_span] a text, 1..200 bytes of UTF-8 */
extern const bcemr_type bcemr_type_hash_item;    /* [bcemr_hash] */
extern const bcemr_type bcemr_type_g1_item;      /* [bcemr_g1_raw] */
extern const bcemr_type bcemr_type_g2_item;      /* [bcemr_g2_raw] */
extern const bcemr_type bcemr_type_scalar_item;  /* [bcemr_scalar_raw] */
extern const bcemr_type bcemr_type_edsig_item;   /* [bcemr_ed_signature] */
extern const bcemr_type bcemr_type_bytes16_item; /* [bcemr_bytes16] */

/*
 * Reads a whole transcript of the given type from in: label, number of fields, every length, range,
 * text and nested transcript are checked, and not one byte may follow.
 * Out: value, the type's struct, pointing into in; zeroed on failure. err may be NULL.
 * Errors: every E_ from TRUNCATED to REPEATED; err names type, field, item and byte.
 */
BCEMR_MUST_USE bcemr_status bcemr_read(const bcemr_type *type, bcemr_span in, void *value,
                                       bcemr_error *err);
/* The same checks without a struct. */
BCEMR_MUST_USE bcemr_status bcemr_validate(const bcemr_type *type, bcemr_span in, bcemr_error *err);
/* Appends the transcript of value to out (owned by the caller). On failure out is as it was.
 * Errors: as for reading; E_NO_MEMORY. */
BCEMR_MUST_USE bcemr_status bcemr_write(const bcemr_type *type, const void *value, bcemr_buf *out,
                                        bcemr_error *err);

/* Typed forms: bcemr_read_visit(span, &visit, err), bcemr_write_visit(&visit, &buf, err). */
#define TYPE(t, label, section, text)                                                              \
    static inline BCEMR_MUST_USE bcemr_status bcemr_read_##t(                                      \
        bcemr_span in, struct bcemr_tr_##t *value, bcemr_error *err)                               \
    {                                                                                              \
        return bcemr_read(&bcemr_type_##t, in, value, err);                                        \
    }                                                                                              \
    static inline BCEMR_MUST_USE bcemr_status bcemr_write_##t(const struct bcemr_tr_##t *value,    \
                                                              bcemr_buf *out, bcemr_error *err)    \
    {                                                                                              \
        return bcemr_write(&bcemr_type_##t, value, out, err);                                      \
    }
#define TUPLE(t, section, text) TYPE(t, "tuple", section, text)
#include <bcemr/types_rows_none.h>
#include <bcemr/types.def>
#include <bcemr/types_rows_undef.h>

/* A transcript without fields, by its type (EMPTY in the table). */
BCEMR_MUST_USE bcemr_status bcemr_write_empty(const bcemr_type *type, bcemr_buf *out);
/* Tr("list"; count, items) on its own, as hashed in several places. item is the item's type. */
BCEMR_MUST_USE bcemr_status bcemr_write_list(const bcemr_type *item, const bcemr_list *list,
                                             bcemr_buf *out, bcemr_error *err);
/* Reads Tr("list"; ...) on its own, count in lo..hi. */
BCEMR_MUST_USE bcemr_status bcemr_read_list(const bcemr_type *item, bcemr_span in, uint64_t lo,
                                            uint64_t hi, bcemr_list *list, bcemr_error *err);

/* Walks a list that was read or that points to an array. next fills item (the item's C type) and
 * returns true until the end. Lists that the reader accepted cannot fail here. */
typedef struct bcemr_iter {
    const bcemr_type *item;
    const bcemr_list *list;
    uint64_t position;
    uint64_t offset;
} bcemr_iter;
bcemr_iter bcemr_list_begin(const bcemr_type *item, const bcemr_list *list);
bool bcemr_list_next(bcemr_iter *iter, void *item);
/* The item at place index (from 0); false when there is none. Linear in index for lists read. */
bool bcemr_list_at(const bcemr_type *item, const bcemr_list *list, uint64_t index, void *value);

/* ---- free-form transcripts, for derivations and MACs only ---- */

/* Appends Tr(label; fields). */
BCEMR_MUST_USE bcemr_status bcemr_write_fields(const char *label, const bcemr_span *fields,
                                               uint64_t count, bcemr_buf *out);
/* 8-byte little-endian form of an integer. */
void bcemr_store_u64(uint8_t out[8], uint64_t value);
uint64_t bcemr_load_u64(const uint8_t in[8]);

/* ---- looking at what came ---- */

/* The type that the label at the start of in names; NULL when it names none. */
const bcemr_type *bcemr_type_of(bcemr_span in);
/* Name in the table ("visit", "e_sign") and label on the wire ("visit", "Sign"). Static strings. */
const char *bcemr_type_name(const bcemr_type *type);
const char *bcemr_type_label(const bcemr_type *type);
/* True for types that may stand as an entry of the ledger. */
bool bcemr_type_is_entry(const bcemr_type *type);
/* Size of the type's C struct or item, in bytes. */
uint64_t bcemr_type_size(const bcemr_type *type);
/* Name of an integer's value in one of the tables ("scope", 1 gives "READ"); NULL if unknown. */
const char *bcemr_value_name(const char *table, uint64_t number);
const char *bcemr_value_text(const char *table, uint64_t number);

/* What the table holds, printed for people and programs by one line writer that the caller gives.
 * format: "markdown", "json" or "dictionary" (libFuzzer). */
typedef void (*bcemr_line_writer)(void *user, const char *line);
BCEMR_MUST_USE bcemr_status bcemr_wire_describe(const char *format, bcemr_line_writer write,
                                                void *user);

#ifdef __cplusplus
}
#endif
#endif
