/* SPDX-License-Identifier: Apache-2.0 */
/* The table of types, printed: docs/wire.md, docs/wire.json and the fuzz dictionary. */
#include "wire/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct printer {
    bcemr_line_writer write;
    void *user;
} printer;

static void line(const printer *p, const char *text)
{
    p->write(p->user, text);
}

static void size_text(char *out, size_t n, const wire_field *f)
{
    switch (f->kind) {
    case WIRE_FIXED:
        (void)snprintf(out, n, "%" PRIu64 " bytes", f->hi);
        break;
    case WIRE_OPT:
        (void)snprintf(out, n, "0 or %" PRIu64 " bytes", f->hi);
        break;
    case WIRE_TEXT:
    case WIRE_BYTES:
        (void)snprintf(out, n, "%" PRIu64 " to %" PRIu64 " bytes", f->lo, f->hi);
        break;
    case WIRE_UINT:
        (void)snprintf(out, n, "%" PRIu64 " to %" PRIu64, f->lo, f->hi);
        break;
    case WIRE_TIME:
        (void)snprintf(out, n, "ms since 1970 UTC");
        break;
    case WIRE_ENUM:
        (void)snprintf(out, n, "one of `%s`", f->values->name);
        break;
    case WIRE_TR:
        (void)snprintf(out, n, "transcript `%s`", f->item->name);
        break;
    case WIRE_LIST:
        (void)snprintf(out, n, "%" PRIu64 " to %" PRIu64 " of `%s`", f->lo, f->hi, f->item->name);
        break;
    case WIRE_KINDS:
        out[0] = 0;
        break;
    }
}

static void markdown(const printer *p)
{
    char text[512], size[128];
    line(p, "# Encodings");
    line(p, "");
    line(p, "Made from the table of types by `bcemr wire --format markdown`; do not edit. How a "
            "transcript is written stands in [protocol.md](protocol.md).");
    line(p, "");
    line(p, "## Tables of integers");
    for (uint64_t t = 0; t < wire_values_count; t++) {
        const wire_values *v = &wire_all_values[t];
        (void)snprintf(text, sizeof text,
                       "\n### `%s`: %s\n\n| number | name | meaning |\n|---|---|---|", v->name,
                       v->text);
        line(p, text);
        for (uint64_t i = 0; i < v->count; i++) {
            (void)snprintf(text, sizeof text, "| %" PRIu64 " | %s | %s |", v->values[i].number,
                           v->values[i].name, v->values[i].text);
            line(p, text);
        }
    }
    line(p, "\n## Types");
    for (const bcemr_type *const *t = wire_all_types; *t; t++) {
        (void)snprintf(text, sizeof text, "\n### `%s`\n\nLabel `%s`, section %s: %s.", (*t)->name,
                       (*t)->label, (*t)->section, (*t)->text);
        line(p, text);
        if ((*t)->count > 0)
            line(p, "\n| field | row | size or range | meaning |\n|---|---|---|---|");
        for (uint64_t i = 0; i < (*t)->count; i++) {
            const wire_field *f = &(*t)->fields[i];
            size_text(size, sizeof size, f);
            (void)snprintf(text, sizeof text, "| `%s` | %s | %s | %s |", f->name, f->shown, size,
                           f->text);
            line(p, text);
        }
    }
    line(p, "\n## Derivation labels\n\n| label | key |\n|---|---|");
    for (uint64_t i = 0; i < wire_derivations_count; i++) {
        (void)snprintf(text, sizeof text, "| `%s` | %s |", wire_all_derivations[i].label,
                       wire_all_derivations[i].text);
        line(p, text);
    }
}

static void json_field(const printer *p, const wire_field *f, const char *comma)
{
    char text[768];
    (void)snprintf(text, sizeof text,
                   "    {\"name\": \"%s\", \"row\": \"%s\", \"min\": %" PRIu64 ", \"max\": %" PRIu64
                   ", \"of\": \"%s\", \"text\": \"%s\"}%s",
                   f->name, f->shown, f->lo, f->hi,
                   f->item     ? f->item->name
                   : f->values ? f->values->name
                               : "",
                   f->text, comma);
    line(p, text);
}

static void json_types(const printer *p)
{
    char text[768];
    line(p, " \"types\": [");
    for (const bcemr_type *const *t = wire_all_types; *t; t++) {
        (void)snprintf(text, sizeof text,
                       "  {\"name\": \"%s\", \"label\": \"%s\", \"section\": \"%s\", \"text\": "
                       "\"%s\", \"fields\": [",
                       (*t)->name, (*t)->label, (*t)->section, (*t)->text);
        line(p, text);
        for (uint64_t i = 0; i < (*t)->count; i++)
            json_field(p, &(*t)->fields[i], i + 1 < (*t)->count ? "," : "");
        line(p, t[1] ? "  ]}," : "  ]}");
    }
    line(p, " ],");
}

static void json(const printer *p)
{
    char text[768];
    line(p, "{");
    line(p, " \"values\": [");
    for (uint64_t t = 0; t < wire_values_count; t++) {
        const wire_values *v = &wire_all_values[t];
        (void)snprintf(text, sizeof text, "  {\"table\": \"%s\", \"text\": \"%s\", \"values\": [",
                       v->name, v->text);
        line(p, text);
        for (uint64_t i = 0; i < v->count; i++) {
            (void)snprintf(text, sizeof text,
                           "    {\"number\": %" PRIu64 ", \"name\": \"%s\", \"text\": \"%s\"}%s",
                           v->values[i].number, v->values[i].name, v->values[i].text,
                           i + 1 < v->count ? "," : "");
            line(p, text);
        }
        line(p, t + 1 < wire_values_count ? "  ]}," : "  ]}");
    }
    line(p, " ],");
    json_types(p);
    line(p, " \"derivations\": [");
    for (uint64_t i = 0; i < wire_derivations_count; i++) {
        (void)snprintf(text, sizeof text, "  {\"label\": \"%s\", \"text\": \"%s\"}%s",
                       wire_all_derivations[i].label, wire_all_derivations[i].text,
                       i + 1 < wire_derivations_count ? "," : "");
        line(p, text);
    }
    line(p, " ]");
    line(p, "}");
}

/* One libFuzzer dictionary line a label, with its length in front as on the wire. */
static void dictionary(const printer *p)
{
    char text[256];
    line(p, "# made from the table of types; do not edit");
    line(p, "list=\"\\x04\\x00\\x00\\x00\\x00\\x00\\x00\\x00list\"");
    line(p, "tuple=\"\\x05\\x00\\x00\\x00\\x00\\x00\\x00\\x00tuple\"");
    for (const bcemr_type *const *t = wire_all_types; *t; t++) {
        if (strcmp((*t)->label, "tuple") == 0)
            continue;
        (void)snprintf(text, sizeof text, "%s=\"\\x%02x\\x00\\x00\\x00\\x00\\x00\\x00\\x00%s\"",
                       (*t)->name, (unsigned)strlen((*t)->label), (*t)->label);
        line(p, text);
    }
}

bcemr_status bcemr_wire_describe(const char *format, bcemr_line_writer write, void *user)
{
    static const struct {
        const char *name;
        void (*print)(const printer *);
    } formats[] = {{"markdown", markdown}, {"json", json}, {"dictionary", dictionary}};
    printer p = {write, user};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i].name, format) == 0) {
            formats[i].print(&p);
            return BCEMR_OK;
        }
    return BCEMR_E_ARGUMENT;
}
