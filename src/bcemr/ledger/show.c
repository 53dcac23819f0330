/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr ledger show`: one entry in full, or a visit and what became of it. */
#include "bcemr/ledger/book.h"

#include <inttypes.h>
#include <string.h>

/* ---- signatures ---- */

static const char *key_of_role(bcemr_span role)
{
    if (bcemr_span_equal(role, bcemr_text("authority")))
        return "the authority";
    return bcemr_span_equal(role, bcemr_text("pop")) ? "proof of possession of" : "";
}

/* The members whose bits are set. */
static bcemr_status voters(book *b, uint64_t leaf, bcemr_span bitmap, char *out, size_t n)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY;
    size_t used = 0;
    /* Votes are of the set before. */
    BOOK(ledger_chain_set_at(b->chain, leaf > 0 ? leaf - 1 : 0, &set, &b->error));
    for (uint64_t i = 0; i < set.count; i++) {
        if (!bcemr_bitmap_get(bitmap, i))
            continue;
        const int more =
            snprintf(out + used, n - used, "%s%s", used ? ", " : "", book_name(set.members[i].id));
        used = more > 0 && used + (size_t)more < n ? used + (size_t)more : n - 1;
    }
out:
    bcemr_set_free(&set);
    return status;
}

static bcemr_status show_signers(book *b, const bcemr_leaf_parts *leaf, uint64_t number)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_signer row;
    char who[1500], hex[2 * 112 + 1];
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_signer, &leaf->parts.signers);
    json_t *list = report_json_list(&b->json, NULL, "signers");
    if (leaf->parts.signers.count == 0)
        report_line(&b->r, "signed by     nobody beside it: %s",
                    leaf->parts.type == &bcemr_type_case_header ? "the ledger makes it"
                                                                : "it carries its own signatures");
    while (bcemr_list_next(&iter, &row)) {
        const char *role = book_name(row.role);
        if (bcemr_span_equal(row.role, bcemr_text("set")))
            BOOK(voters(b, number, row.who, who, sizeof who));
        else
            (void)snprintf(who, sizeof who, "%s%s%s", key_of_role(row.role),
                           key_of_role(row.role)[0] && row.who.n ? " " : "",
                           row.who.n ? book_name(row.who) : "");
        report_line(&b->r, "signed by     %s (%s)", who, role);
        json_t *item = report_json_item(&b->json, list);
        report_json_text(&b->json, item, "role", role);
        report_json_text(&b->json, item, "who", who);
        report_json_text(&b->json, item, "signature",
                         report_hex(row.signature.p, row.signature.n, hex));
    }
out:
    return status;
}

/* ---- an entry ---- */

static bcemr_status show_entry(book *b, uint64_t number)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts leaf;
    char text[1024], when[REPORT_NUMBER], hex[65];
    BOOK_AT(ledger_chain_leaf(b->chain, number, &held), "leaf", NULL);
    BOOK(bcemr_leaf_read(bcemr_buf_span(&held), &leaf, &b->error));
    const char *kind = bcemr_type_label(leaf.parts.type);
    book_entry_text(b->chain, &leaf, text, sizeof text);
    report_line(&b->r, "entry %" PRIu64 "       %s: %s", number, kind, text);
    report_line(&b->r, "block         %" PRIu64 ", %s", leaf.height,
                leaf.tau ? book_time(leaf.tau, when) : "which has no time");
    report_line(&b->r, "entry hash    %s", report_hex(leaf.parts.entry_hash.b, 32, hex));
    report_json_number(&b->json, NULL, "number", number);
    report_json_text(&b->json, NULL, "kind", kind);
    report_json_text(&b->json, NULL, "text", text);
    report_json_number(&b->json, NULL, "height", leaf.height);
    report_json_number(&b->json, NULL, "time", (uint64_t)leaf.tau);
    report_json_hash(&b->json, NULL, "entry", &leaf.parts.entry_hash);
    report_line(&b->r, "leaf hash     %s", report_hex(leaf.leaf_hash.b, 32, hex));
    report_json_hash(&b->json, NULL, "leaf", &leaf.leaf_hash);
    BOOK(show_signers(b, &leaf, number));
    report_line(&b->r, "fields");
    book_fields(b, leaf.parts.type, leaf.parts.entry, 2,
                report_json_object(&b->json, NULL, "fields"));
out:
    bcemr_buf_free(&held);
    return status;
}

/* ---- a visit ---- */

static bcemr_status visit_lines(book *b, const bcemr_hash *vid, json_t *list)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts leaf;
    bcemr_list leaves;
    bcemr_span bytes;
    char text[1024], when[REPORT_NUMBER];
    BOOK(ledger_chain_visit_leaves(b->chain, vid, &held, &b->error));
    BOOK(bcemr_read_list(&bcemr_type_leaf, bcemr_buf_span(&held), 0, UINT64_MAX, &leaves,
                         &b->error));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_leaf, &leaves);
    while (bcemr_list_next(&iter, &bytes)) {
        uint64_t number = 0;
        BOOK(bcemr_leaf_read(bytes, &leaf, &b->error));
        BOOK_AT(ledger_chain_landed(b->chain, &leaf.parts.entry_hash, &number), "entry", NULL);
        book_entry_text(b->chain, &leaf, text, sizeof text);
        report_line(&b->r, "%8" PRIu64 "  %-23s  %-11s  %s", number, book_time(leaf.tau, when),
                    bcemr_type_label(leaf.parts.type), text);
        json_t *item = report_json_item(&b->json, list);
        report_json_number(&b->json, item, "number", number);
        report_json_number(&b->json, item, "time", (uint64_t)leaf.tau);
        report_json_text(&b->json, item, "kind", bcemr_type_label(leaf.parts.type));
        report_json_text(&b->json, item, "text", text);
    }
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status show_visit(book *b, const bcemr_hash *vid)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_visit record;
    bcemr_tr_state_progress progress;
    char hex[65];
    BOOK(ledger_chain_visit(b->chain, vid, &held, &record, &b->error));
    BOOK(ledger_chain_progress(b->chain, vid, &progress, &b->error));
    const char *state = bcemr_value_text("visit_status", progress.status);
    report_line(&b->r, "visit         %s", report_hex(vid->b, 32, hex));
    report_line(&b->r, "              %s; %" PRIu64 " of %" PRIu64 " doctors have signed", state,
                progress.signed_count, record.team.count);
    report_json_hash(&b->json, NULL, "visit", vid);
    report_json_text(&b->json, NULL, "status", bcemr_value_name("visit_status", progress.status));
    report_json_number(&b->json, NULL, "signed", progress.signed_count);
    report_json_number(&b->json, NULL, "doctors", record.team.count);
    BOOK(visit_lines(b, vid, report_json_list(&b->json, NULL, "entries")));
    report_line(&b->r, "fields");
    book_fields(b, &bcemr_type_visit, record.visit, 2,
                report_json_object(&b->json, NULL, "fields"));
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status work(book *b)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash vid;
    uint64_t leaf = 0;
    BOOK(book_open(b));
    book_doing(b, "find %s in the ledger %s", b->o->word, b->o->db);
    status = book_find_entry(b, b->o->word, &leaf);
    if (status == BCEMR_OK) {
        BOOK(show_entry(b, leaf));
    } else {
        if (status == BCEMR_E_NOT_FOUND)
            status = book_find_visit(b, b->o->word, &vid);
        BOOK_AT(status, "entry", NULL);
        BOOK(show_visit(b, &vid));
    }
out:
    return status;
}

int book_show(const void *options)
{
    return book_run(options, work);
}
