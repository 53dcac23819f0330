/* SPDX-License-Identifier: Apache-2.0 */
/* types.def, read several times: tables of integers, fields of each type, types, derivations. */
#include "wire/table.h"

#include <string.h>

/* ---- tables of integers ---- */

#define VALUES(table, text) static const wire_value values_of_##table[] = {
#define VALUE(table, name, number, text) {#name, (number), text},
#define VALUES_END(table)                                                                          \
    }                                                                                              \
    ;
#include <bcemr/types_rows_none.h>
#include <bcemr/types.def>
#include <bcemr/types_rows_undef.h>

enum {
#define VALUES(table, text) VALUES_INDEX_##table,
#include <bcemr/types_rows_none.h>
#include <bcemr/types.def>
#include <bcemr/types_rows_undef.h>
    VALUES_COUNT
};

const wire_values wire_all_values[] = {
#define VALUES(table, text)                                                                        \
    {#table, text, values_of_##table, sizeof(values_of_##table) / sizeof(wire_value)},
#include <bcemr/types_rows_none.h>
#include <bcemr/types.def>
#include <bcemr/types_rows_undef.h>
};
const uint64_t wire_values_count = VALUES_COUNT;

/* ---- choices and bare items ---- */

static const bcemr_type *const entry_choices[] = {
    &bcemr_type_genesis,   &bcemr_type_e_join,   &bcemr_type_e_leave,     &bcemr_type_e_rekey,
    &bcemr_type_e_upgrade, &bcemr_type_e_enrol,  &bcemr_type_e_retire,    &bcemr_type_e_admit,
    &bcemr_type_e_amend,   &bcemr_type_e_sign,   &bcemr_type_e_reissue,   &bcemr_type_e_seal,
    &bcemr_type_e_confirm, &bcemr_type_e_abort,  &bcemr_type_case_header, &bcemr_type_e_consent,
    &bcemr_type_e_revoke,  &bcemr_type_e_access, &bcemr_type_e_erase,     NULL};
static const bcemr_type *const presence_choices[] = {&bcemr_type_presence, &bcemr_type_waived,
                                                     NULL};
static const bcemr_type *const terms_choices[] = {&bcemr_type_grant, &bcemr_type_emergency, NULL};

static const bcemr_type any_entry = {.name = "entry", .choices = entry_choices};
static const bcemr_type any_presence = {.name = "presence", .choices = presence_choices};
static const bcemr_type any_terms = {.name = "terms", .choices = terms_choices};

#define ATOM(t, c_type, row, its_kind, low, high, its_text)                                        \
    static const wire_field atom_##t = {.name = #t,                                                \
                                        .shown = #row,                                             \
                                        .kind = (its_kind),                                        \
                                        .lo = (low),                                               \
                                        .hi = (high),                                              \
                                        .text = its_text};                                         \
    const bcemr_type bcemr_type_##t = {                                                            \
        .name = #t, .text = its_text, .size = sizeof(c_type), .atom = &atom_##t};
ATOM(id_item, bcemr_span, ID, WIRE_TEXT, 1, 200, "a name")
ATOM(keyword_item, bcemr_span, TEXT, WIRE_TEXT, 1, 200, "a keyword")
ATOM(hash_item, bcemr_hash, HASH, WIRE_FIXED, 32, 32, "a hash")
ATOM(g1_item, bcemr_g1_raw, G1, WIRE_FIXED, 48, 48, "a point of G1")
ATOM(g2_item, bcemr_g2_raw, G2, WIRE_FIXED, 96, 96, "a point of G2")
ATOM(scalar_item, bcemr_scalar_raw, SCALAR, WIRE_FIXED, 32, 32, "a scalar")
ATOM(edsig_item, bcemr_ed_signature, EDSIG, WIRE_FIXED, 64, 64, "an Ed25519 signature")
ATOM(bytes16_item, bcemr_bytes16, BYTES16, WIRE_FIXED, 16, 16, "16 bytes")

/* ---- fields ---- */

#define ROW(t, field, row, its_kind, low, high, its_item, its_values, its_text)                    \
    {#field,     row,          (its_kind), offsetof(bcemr_tr_##t, field), (low), (high),           \
     (its_item), (its_values), its_text},
#define FIXED(t, field, row, n, text) ROW(t, field, row, WIRE_FIXED, n, n, NULL, NULL, text)

#define TYPE(t, label, section, text) static const wire_field fields_of_##t[] = {
#define TUPLE(t, section, text) static const wire_field fields_of_##t[] = {
#define END(t)                                                                                     \
    }                                                                                              \
    ;
#define HASH(t, field, text) FIXED(t, field, "HASH", 32, text)
#define G1(t, field, text) FIXED(t, field, "G1", 48, text)
#define G2(t, field, text) FIXED(t, field, "G2", 96, text)
#define SCALAR(t, field, text) FIXED(t, field, "SCALAR", 32, text)
#define ED(t, field, text) FIXED(t, field, "ED", 32, text)
#define X25519(t, field, text) FIXED(t, field, "X25519", 32, text)
#define EDSIG(t, field, text) FIXED(t, field, "EDSIG", 64, text)
#define POK(t, field, text) FIXED(t, field, "POK", 80, text)
#define NONCE(t, field, text) FIXED(t, field, "NONCE", 32, text)
#define BYTES16(t, field, text) FIXED(t, field, "BYTES16", 16, text)
#define NONCE24(t, field, text) FIXED(t, field, "NONCE24", 24, text)
#define MAC(t, field, text) FIXED(t, field, "MAC", 32, text)
#define OPT(t, field, n, text) ROW(t, field, "OPT", WIRE_OPT, 0, n, NULL, NULL, text)
#define ID(t, field, text) ROW(t, field, "ID", WIRE_TEXT, 1, 200, NULL, NULL, text)
#define TEXT(t, field, lo, hi, text) ROW(t, field, "TEXT", WIRE_TEXT, lo, hi, NULL, NULL, text)
#define BYTES(t, field, lo, hi, text) ROW(t, field, "BYTES", WIRE_BYTES, lo, hi, NULL, NULL, text)
#define UINT(t, field, lo, hi, text) ROW(t, field, "UINT", WIRE_UINT, lo, hi, NULL, NULL, text)
#define TIME(t, field, text) ROW(t, field, "TIME", WIRE_TIME, 0, INT64_MAX, NULL, NULL, text)
#define ENUM(t, field, table, text)                                                                \
    ROW(t, field, "ENUM", WIRE_ENUM, 0, 0, NULL, &wire_all_values[VALUES_INDEX_##table], text)
#define TR(t, field, which, text)                                                                  \
    ROW(t, field, "TR", WIRE_TR, 0, 0, &bcemr_type_##which, NULL, text)
#define ENTRY(t, field, text) ROW(t, field, "ENTRY", WIRE_TR, 0, 0, &any_entry, NULL, text)
#define PRESENCE(t, field, text) ROW(t, field, "PRESENCE", WIRE_TR, 0, 0, &any_presence, NULL, text)
#define ANY_TERMS(t, field, text) ROW(t, field, "ANY_TERMS", WIRE_TR, 0, 0, &any_terms, NULL, text)
#define LIST(t, field, item, lo, hi, text)                                                         \
    ROW(t, field, "LIST", WIRE_LIST, lo, hi, &bcemr_type_##item, NULL, text)
#include <bcemr/types_rows_none.h>
#include <bcemr/types.def>
#include <bcemr/types_rows_undef.h>

/* ---- types ---- */

#define TYPE(t, its_label, its_section, its_text)                                                  \
    const bcemr_type bcemr_type_##t = {                                                            \
        .name = #t,                                                                                \
        .label = its_label,                                                                        \
        .section = its_section,                                                                    \
        .text = its_text,                                                                          \
        .fields = fields_of_##t,                                                                   \
        .count = sizeof(fields_of_##t) / sizeof(wire_field),                                       \
        .size = sizeof(bcemr_tr_##t),                                                              \
    };
#define TUPLE(t, section, text) TYPE(t, "tuple", section, text)
#define EMPTY(t, its_label, its_section, its_text)                                                 \
    const bcemr_type bcemr_type_##t = {                                                            \
        .name = #t, .label = its_label, .section = its_section, .text = its_text};
#include <bcemr/types_rows_none.h>
#include <bcemr/types.def>
#include <bcemr/types_rows_undef.h>

const bcemr_type *const wire_all_types[] = {
#define TYPE(t, label, section, text) &bcemr_type_##t,
#define TUPLE(t, section, text) &bcemr_type_##t,
#define EMPTY(t, label, section, text) &bcemr_type_##t,
#include <bcemr/types_rows_none.h>
#include <bcemr/types.def>
#include <bcemr/types_rows_undef.h>
    NULL};

const wire_derivation wire_all_derivations[] = {
#define DERIVATION(name, label, text) {#name, label, text},
#include <bcemr/types_rows_none.h>
#include <bcemr/types.def>
#include <bcemr/types_rows_undef.h>
};
const uint64_t wire_derivations_count = sizeof(wire_all_derivations) / sizeof(wire_derivation);

/* ---- looking things up ---- */

bool wire_is_whole(const bcemr_type *type)
{
    return type->choices || (type->label && strcmp(type->label, "tuple") != 0);
}

uint64_t wire_item_size(const bcemr_type *item)
{
    return wire_is_whole(item) ? sizeof(bcemr_span) : item->size;
}

const bcemr_type *bcemr_type_of(bcemr_span in)
{
    if (in.n < 8)
        return NULL;
    uint64_t n = bcemr_load_u64(in.p);
    if (n > in.n - 8)
        return NULL;
    for (const bcemr_type *const *t = wire_all_types; *t; t++) {
        const char *label = (*t)->label;
        if (strlen(label) == n && memcmp(label, in.p + 8, (size_t)n) == 0)
            return strcmp(label, "tuple") == 0 ? NULL : *t;
    }
    return NULL;
}

const char *bcemr_type_name(const bcemr_type *type)
{
    return type->name;
}

const char *bcemr_type_label(const bcemr_type *type)
{
    return type->label;
}

bool bcemr_type_is_entry(const bcemr_type *type)
{
    for (const bcemr_type *const *t = entry_choices; *t; t++)
        if (*t == type)
            return true;
    return false;
}

uint64_t bcemr_type_size(const bcemr_type *type)
{
    return type->size;
}

static const wire_value *find_value(const char *table, uint64_t number)
{
    for (uint64_t t = 0; t < wire_values_count; t++) {
        if (strcmp(wire_all_values[t].name, table) != 0)
            continue;
        for (uint64_t v = 0; v < wire_all_values[t].count; v++)
            if (wire_all_values[t].values[v].number == number)
                return &wire_all_values[t].values[v];
    }
    return NULL;
}

const char *bcemr_value_name(const char *table, uint64_t number)
{
    const wire_value *value = find_value(table, number);
    return value ? value->name : NULL;
}

const char *bcemr_value_text(const char *table, uint64_t number)
{
    const wire_value *value = find_value(table, number);
    return value ? value->text : NULL;
}
