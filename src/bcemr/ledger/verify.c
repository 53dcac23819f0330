/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr ledger verify`: everything that a database holds, checked again. */
#include "bcemr/ledger/book.h"
#include "ledger/verify/pages.h"
#include "ledger/verify/verify.h"

#include <inttypes.h>
#include <string.h>

typedef struct checking {
    book_scratch scratch;
    ledger_verified found;
    ledger_pages pages;
    char file_words[LEDGER_PAGES_WORDS]; /* what SQLite says, empty for nothing */
} checking;

/* ---- what is bad ---- */

static void name_row(const ledger_bad *bad, char *out, size_t n)
{
    char hex[2 * sizeof bad->key.b + 1];
    const bcemr_span key = ledger_key_span(&bad->key);
    (void)snprintf(out, n, "%s %s%s", ledger_table_name(bad->table),
                   key.n ? report_hex(key.p, key.n < 40 ? key.n : 40, hex) : "(empty key)",
                   key.n > 40 ? "..." : "");
}

static void say_bad(const ledger_bad *bad, char *out, size_t n)
{
    static const char *const faults[] = {"is missing", "is not what the log gives",
                                         "follows from nothing in the log", "cannot be read"};
    char row[256], why[512];
    name_row(bad, row, sizeof row);
    report_error_text(&bad->error, why, sizeof why);
    switch (bad->kind) {
    case LEDGER_BAD_NONE:
        (void)snprintf(out, n, "nothing is bad");
        break;
    case LEDGER_BAD_GENESIS:
        (void)snprintf(out, n, "the genesis in it does not hold: %s", why);
        break;
    case LEDGER_BAD_LEAF:
        (void)snprintf(out, n, "entry %" PRIu64 "%s was changed: %s", bad->leaf,
                       bad->or_node ? ", or its hash in the tree," : "", why);
        break;
    case LEDGER_BAD_ENTRY:
        (void)snprintf(out, n, "entry %" PRIu64 " is one that the rules refuse: %s", bad->leaf,
                       why);
        break;
    case LEDGER_BAD_CHECKPOINT:
        (void)snprintf(out, n, "a checkpoint that is kept (%s) does not hold: %s", row, why);
        break;
    case LEDGER_BAD_READ:
        (void)snprintf(out, n, "at or after the row %s the file is damaged", row);
        break;
    case LEDGER_BAD_ROW:
        (void)snprintf(out, n, "the row %s (%s) %s", row, ledger_table_text(bad->table),
                       faults[bad->fault]);
        break;
    }
}

static void say_pages(const ledger_pages *pages, char *out, size_t n)
{
    size_t used = 0;
    out[0] = 0;
    for (uint64_t i = 0; i < pages->count; i++) {
        const int more =
            snprintf(out + used, n - used, "%s%" PRIu32, i ? ", " : "", pages->pages[i]);
        used = more > 0 && used + (size_t)more < n ? used + (size_t)more : n - 1;
    }
}

static void tell_bad(book *b, const checking *c)
{
    const ledger_bad *bad = &c->found.bad;
    char text[1500], pages[256], row[256];
    if (c->file_words[0])
        (void)snprintf(text, sizeof text, "the file is damaged: %s", c->file_words);
    else
        say_bad(bad, text, sizeof text);
    report_mark(&b->r, false, "%s", text);
    say_pages(&c->pages, pages, sizeof pages);
    if (pages[0])
        report_line(&b->r, "    in page%s %s%s of %s", c->pages.count > 1 ? "s" : "", pages,
                    c->pages.more ? " and more" : "", b->o->db);
    json_t *o = report_json_object(&b->json, NULL, "bad");
    report_json_text(&b->json, o, "text", text);
    if (!c->file_words[0]) {
        name_row(bad, row, sizeof row);
        report_json_text(&b->json, o, "row", row);
        report_json_text(&b->json, o, "name",
                         bad->error.reason ? ledger_reason_name(bad->error.reason)
                         : bad->error.status == BCEMR_E_REFUSED
                             ? bcemr_verdict_name(bad->error.verdict)
                             : bcemr_status_name(bad->error.status));
        if (bad->leaf != BCEMR_NOWHERE)
            report_json_number(&b->json, o, "entry", bad->leaf);
    } else {
        report_json_text(&b->json, o, "name", bcemr_status_name(BCEMR_E_DAMAGED));
    }
    json_t *list = report_json_list(&b->json, o, "pages");
    for (uint64_t i = 0; i < c->pages.count; i++)
        if (!list || json_array_append_new(list, json_integer(c->pages.pages[i])) != 0)
            b->json.failed = true;
}

/* ---- what is good ---- */

static void tell_good(book *b, const ledger_verified *v, double seconds)
{
    char took[REPORT_NUMBER], hex[65];
    report_mark(&b->r, true, "ledger %s", report_hex(v->ledger.b, 32, hex));
    report_mark(&b->r, true, "the root of its %" PRIu64 " entries is %s", v->size,
                report_hex(v->root.b, 32, hex));
    if (b->o->quick)
        report_mark(&b->r, true, "every entry is the one that the root was made of");
    else
        report_mark(&b->r, true,
                    "every entry is accepted by the rules (blocks: %" PRIu64
                    "; signatures and proofs: %" PRIu64 ")",
                    v->blocks, v->statements);
    report_mark(&b->r, true,
                "every row is what the log gives, none is missing or too many "
                "(%" PRIu64 ")",
                v->rows);
    if (v->has_cosigned)
        report_mark(&b->r, true, "%" PRIu64 " supernodes have signed the first %" PRIu64 " entries",
                    v->signers, v->cosigned.size);
    else
        report_line(&b->r, "    no cosigned checkpoint is kept");
    if (b->o->quick)
        report_line(&b->r, "not checked, being quick: rules, signatures, derived rows");
    report_line(&b->r, "all of it holds (%s)", report_seconds(seconds, took));
}

static void tell_facts(book *b, const ledger_verified *v, double seconds)
{
    report_json_bool(&b->json, NULL, "holds", v->bad.kind == LEDGER_BAD_NONE && !b->answered_no);
    report_json_bool(&b->json, NULL, "quick", b->o->quick);
    report_json_hash(&b->json, NULL, "ledger", &v->ledger);
    report_json_number(&b->json, NULL, "size", v->size);
    report_json_hash(&b->json, NULL, "root", &v->root);
    report_json_number(&b->json, NULL, "blocks", v->blocks);
    report_json_number(&b->json, NULL, "statements", v->statements);
    report_json_number(&b->json, NULL, "rows", v->rows);
    report_json_number(&b->json, NULL, "signers", v->signers);
    report_json_seconds(&b->json, NULL, "seconds", seconds);
}

/* ---- the check ---- */

typedef struct scratch_user {
    book *b;
    book_scratch *scratch;
} scratch_user;

static bcemr_status open_scratch(void *user, ledger_state *out, bcemr_error *err)
{
    const scratch_user *u = user;
    return book_scratch_open(u->b, u->scratch, out, err);
}

static bcemr_status check_file(book *b, checking *c)
{
    bool good = false;
    b->progress = report_run_begin_count(&b->progress_run, &b->r, "reading every page", "pages");
    bcemr_status status =
        ledger_pages_check(b->o->db, &b->progress, &good, c->file_words, &c->pages, &b->error);
    (void)book_progress_end(b);
    if (status == BCEMR_OK && good)
        c->file_words[0] = 0;
    b->answered_no = status == BCEMR_OK && !good;
    return status;
}

/* Where the row, or either of the two that contradict each other, lies. */
static bcemr_status find_pages(book *b, checking *c)
{
    bcemr_status status = BCEMR_OK;
    const ledger_bad *bad = &c->found.bad;
    ledger_pages node = {.count = 0};
    ledger_key key;
    BOOK_AT((bad->kind == LEDGER_BAD_READ ? ledger_pages_of_damage : ledger_pages_of_row)(
                b->o->db, bad->table, ledger_key_span(&bad->key), &c->pages),
            "database", "pages");
    if (!bad->or_node)
        goto out;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, 0);
    ledger_key_add_number(&key, bad->leaf);
    BOOK_AT(ledger_pages_of_row(b->o->db, LEDGER_NODES, ledger_key_span(&key), &node), "database",
            "pages");
    for (uint64_t i = 0; i < node.count && c->pages.count < LEDGER_PAGES_MAX; i++)
        c->pages.pages[c->pages.count++] = node.pages[i];
out:
    return status;
}

static bcemr_status check_ledger(book *b, checking *c)
{
    bcemr_status status = BCEMR_OK;
    const ledger_sqlite_options options = {.writes = false};
    scratch_user user = {b, &c->scratch};
    ledger_state state = {0};
    const ledger_verify_options how = {.context = b->context,
                                       .parallel = &b->parallel,
                                       .genesis = bcemr_buf_span(&b->genesis),
                                       .beside = true,
                                       .scratch = open_scratch,
                                       .user = &user,
                                       .quick = b->o->quick,
                                       .progress = book_progress(b, "verifying")};
    BOOK(ledger_sqlite_open(b->o->db, &options, &state, &b->error));
    BOOK(ledger_verify(&state, &how, &c->found, &b->error));
    b->answered_no = c->found.bad.kind != LEDGER_BAD_NONE;
    if (b->answered_no)
        BOOK(find_pages(b, c));
out:
    (void)book_progress_end(b);
    ledger_state_close(&state);
    book_scratch_free(&c->scratch);
    return status;
}

static bcemr_status work(book *b)
{
    bcemr_status status = BCEMR_OK;
    checking *c = bcemr_allocate(sizeof *c);
    if (!c)
        BOOK_FAIL(BCEMR_E_NO_MEMORY, "verify", NULL);
    BOOK(book_context(b));
    BOOK(book_threads(b));
    BOOK(book_genesis(b));
    book_doing(b, "verify the ledger %s", b->o->db);
    const double began = report_now();
    BOOK(check_file(b, c));
    if (!b->answered_no)
        BOOK(check_ledger(b, c));
    tell_facts(b, &c->found, report_now() - began);
    if (b->answered_no)
        tell_bad(b, c);
    else
        tell_good(b, &c->found, report_now() - began);
out:
    bcemr_release(c);
    return status;
}

int book_verify(const void *options)
{
    return book_run(options, work);
}
