/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr ledger list`: one line an entry, as they are read. */
#include "bcemr/ledger/book.h"

#include <inttypes.h>
#include <string.h>

typedef struct listing {
    uint64_t shown;
    bool by_visit;
    bcemr_hash vid;
} listing;

/* One object of the document that is printed as it is made. */
static bcemr_status print_object(book *b, const listing *l, const bcemr_leaf_parts *leaf,
                                 uint64_t number, const char *text)
{
    report_json one;
    bcemr_hash vid;
    report_json_begin(&one);
    report_json_number(&one, NULL, "number", number);
    report_json_number(&one, NULL, "height", leaf->height);
    report_json_number(&one, NULL, "time", (uint64_t)leaf->tau);
    report_json_text(&one, NULL, "kind", bcemr_type_label(leaf->parts.type));
    report_json_hash(&one, NULL, "entry", &leaf->parts.entry_hash);
    if (book_entry_visit(leaf, &vid))
        report_json_hash(&one, NULL, "visit", &vid);
    report_json_text(&one, NULL, "text", text);
    bool printed = !one.failed && fputs(l->shown ? ",\n    " : "\n    ", b->r.out) != EOF &&
                   json_dumpf(one.root, b->r.out, JSON_COMPACT) == 0;
    json_decref(one.root);
    if (printed)
        return BCEMR_OK;
    b->r.failed = !one.failed;
    return one.failed ? BCEMR_E_NO_MEMORY : BCEMR_E_IO;
}

static bool is_wanted(const book *b, const listing *l, const bcemr_leaf_parts *leaf)
{
    bcemr_hash vid;
    if (b->o->kind && strcmp(bcemr_type_label(leaf->parts.type), b->o->kind) != 0)
        return false;
    return !l->by_visit || (book_entry_visit(leaf, &vid) && bcemr_hash_equal(&vid, &l->vid));
}

static bcemr_status list_one(book *b, listing *l, uint64_t number, bcemr_buf *held)
{
    bcemr_status status = BCEMR_OK;
    bcemr_leaf_parts leaf;
    char text[1024], when[REPORT_NUMBER];
    bcemr_buf_clear(held);
    BOOK_AT(ledger_chain_leaf(b->chain, number, held), "leaf", NULL);
    BOOK(bcemr_leaf_read(bcemr_buf_span(held), &leaf, &b->error));
    if (!is_wanted(b, l, &leaf))
        goto out;
    book_entry_text(b->chain, &leaf, text, sizeof text);
    if (b->r.json)
        BOOK(print_object(b, l, &leaf, number, text));
    report_line(&b->r, "%8" PRIu64 "  %-23s  %-11s  %s", number,
                leaf.tau ? book_time(leaf.tau, when) : "", bcemr_type_label(leaf.parts.type), text);
    l->shown++;
out:
    return status;
}

static bcemr_status work(book *b)
{
    bcemr_status status = BCEMR_OK;
    listing l = {.by_visit = b->o->visit != NULL};
    bcemr_buf held = BCEMR_BUF_EMPTY;
    if (b->o->from > b->o->to)
        return book_misuse(b, "--from %" PRIu64 " comes after --to %" PRIu64, b->o->from, b->o->to);
    BOOK(book_open(b));
    if (l.by_visit) {
        book_doing(b, "find the visit %s", b->o->visit);
        BOOK_AT(book_find_visit(b, b->o->visit, &l.vid), "visit", NULL);
    }
    book_doing(b, "read the ledger %s", b->o->db);
    const uint64_t size = ledger_chain_size(b->chain);
    /* The document is printed as it is made: a ledger is longer than memory. */
    if (b->r.json)
        (void)fputs("{\n  \"entries\": [", b->r.out);
    b->r.answered = b->r.json;
    for (uint64_t i = b->o->from; i < size && i <= b->o->to; i++)
        BOOK(list_one(b, &l, i, &held));
    if (b->r.json)
        (void)fputs("\n  ]\n}\n", b->r.out);
out:
    bcemr_buf_free(&held);
    return status;
}

int book_list(const void *options)
{
    return book_run(options, work);
}
