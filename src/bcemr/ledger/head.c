/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr ledger head`: what a ledger is and how far it has come. */
#include "bcemr/ledger/book.h"

#include <inttypes.h>
#include <string.h>

/* Supernodes in words, and how many of them may fail. */
static bcemr_status show_set(book *b)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY;
    char names[1500] = "";
    size_t n = 0;
    BOOK(ledger_chain_set_now(b->chain, &set, &b->error));
    json_t *object = report_json_object(&b->json, NULL, "set");
    json_t *members = report_json_list(&b->json, object, "members");
    for (uint64_t i = 0; i < set.count; i++) {
        const char *name = book_name(set.members[i].id);
        const int more = snprintf(names + n, sizeof names - n, "%s%s (%s)", i ? ", " : "", name,
                                  bcemr_role_name(set.members[i].role));
        n = more > 0 && n + (size_t)more < sizeof names ? n + (size_t)more : sizeof names - 1;
        json_t *item = report_json_item(&b->json, members);
        report_json_text(&b->json, item, "id", name);
        report_json_text(&b->json, item, "role", bcemr_role_name(set.members[i].role));
    }
    const uint64_t may_fail = set.count - bcemr_set_needed(set.count);
    report_line(&b->r, "supernodes   set %" PRIu64 ": %s", set.number, names);
    report_line(&b->r, "             %" PRIu64 " of them must sign, %" PRIu64 " may fail",
                bcemr_set_needed(set.count), may_fail);
    report_json_number(&b->json, object, "number", set.number);
    report_json_hash(&b->json, object, "hash", &set.hash);
    report_json_number(&b->json, object, "needed", bcemr_set_needed(set.count));
    report_json_number(&b->json, object, "may_fail", may_fail);
out:
    bcemr_set_free(&set);
    return status;
}

static bcemr_status show_params(book *b)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_params p;
    bcemr_tr_quotas q;
    char clock[REPORT_NUMBER];
    BOOK(ledger_chain_params(b->chain, &held, &p, &b->error));
    BOOK(bcemr_read_quotas(p.quotas, &q, &b->error));
    report_line(&b->r,
                "parameters   rule version %" PRIu64 ", %" PRIu64 " reissues, clocks may differ by "
                "%s, retention %.1f days",
                p.rules, p.reissues, report_seconds((double)p.clock_difference / 1000, clock),
                (double)p.retention / 86400000);
    report_line(&b->r,
                "             quotas a cloud and block: %" PRIu64 " consents, %" PRIu64
                " accesses, %" PRIu64 " revocations",
                q.consents, q.accesses, q.revokes);
    json_t *object = report_json_object(&b->json, NULL, "parameters");
    report_json_number(&b->json, object, "rules", p.rules);
    report_json_number(&b->json, object, "reissues", p.reissues);
    report_json_number(&b->json, object, "clock_difference_ms", p.clock_difference);
    report_json_number(&b->json, object, "retention_ms", p.retention);
    report_json_number(&b->json, object, "consents", q.consents);
    report_json_number(&b->json, object, "accesses", q.accesses);
    report_json_number(&b->json, object, "revokes", q.revokes);
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status show_signers(book *b, const bcemr_tr_cosigned *cosigned, uint64_t leaf,
                                 json_t *object)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY;
    char names[1024] = "";
    size_t n = 0;
    BOOK(ledger_chain_set_at(b->chain, leaf, &set, &b->error));
    json_t *signers = report_json_list(&b->json, object, "signers");
    for (uint64_t i = 0; i < set.count; i++) {
        if (!bcemr_bitmap_get(cosigned->signers, i))
            continue;
        const char *name = book_name(set.members[i].id);
        const int more = snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", name);
        n = more > 0 && n + (size_t)more < sizeof names ? n + (size_t)more : sizeof names - 1;
        if (signers && json_array_append_new(signers, json_string(name)) != 0)
            b->json.failed = true;
    }
    report_line(&b->r, "             by %s of set %" PRIu64, names, set.number);
out:
    bcemr_set_free(&set);
    return status;
}

static bcemr_status show_checkpoint(book *b)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_ledger_view view;
    bcemr_tr_cosigned cosigned;
    bcemr_tr_checkpoint checkpoint;
    char when[REPORT_NUMBER];
    ledger_chain_view(b->chain, &view);
    status = view.checkpoint(view.user, &held);
    if (status == BCEMR_E_NOT_FOUND) {
        report_line(&b->r, "checkpoint   none is cosigned yet");
        return BCEMR_OK;
    }
    BOOK_AT(status, "cosigned", NULL);
    BOOK(bcemr_read_cosigned(bcemr_buf_span(&held), &cosigned, &b->error));
    BOOK(bcemr_read_checkpoint(cosigned.checkpoint, &checkpoint, &b->error));
    report_line(&b->r, "checkpoint   of the first %" PRIu64 " entries, %s, cosigned",
                checkpoint.size, book_time(checkpoint.tau, when));
    json_t *object = report_json_object(&b->json, NULL, "checkpoint");
    report_json_number(&b->json, object, "size", checkpoint.size);
    report_json_number(&b->json, object, "time", (uint64_t)checkpoint.tau);
    report_json_hash(&b->json, object, "root", &checkpoint.root);
    BOOK(show_signers(b, &cosigned, checkpoint.size - 1, object));
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status show_clock(book *b)
{
    bcemr_status status = BCEMR_OK;
    bool behind = false;
    char text[REPORT_NUMBER];
    BOOK(ledger_chain_clock_behind(b->chain, b->now, &behind, &b->error));
    const double passed = (double)(b->now - ledger_chain_tau(b->chain)) / 1000;
    const double apart = passed < 0 ? -passed : passed;
    if (apart < 2 * 86400)
        report_seconds(apart, text);
    else
        (void)snprintf(text, sizeof text, "%.0f days", apart / 86400);
    if (behind)
        report_line(&b->r,
                    "clock        this machine's stands %s behind the ledger's: Signs would be "
                    "refused (CLOCK_BEHIND)",
                    text);
    else
        report_line(&b->r, "clock        the last block was made %s %s", text,
                    passed < 0 ? "ahead of this machine's clock" : "ago");
    report_json_bool(&b->json, NULL, "clock_behind", behind);
    report_json_seconds(&b->json, NULL, "seconds_since_last_block", passed);
out:
    return status;
}

static bcemr_status work(book *b)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_checkpoint now;
    char hex[65], when[REPORT_NUMBER];
    BOOK(book_open(b));
    book_doing(b, "read the ledger %s", b->o->db);
    BOOK(ledger_chain_checkpoint(b->chain, &now, &b->error));
    report_line(&b->r, "ledger       %s", report_hex(now.ledger.b, 32, hex));
    report_line(&b->r, "size         %" PRIu64 " entries in %" PRIu64 " blocks after the genesis",
                now.size, ledger_chain_height(b->chain));
    report_line(&b->r, "time         %s", now.tau ? book_time(now.tau, when) : "none yet");
    report_line(&b->r, "root         %s", report_hex(now.root.b, 32, hex));
    report_json_hash(&b->json, NULL, "ledger", &now.ledger);
    report_json_number(&b->json, NULL, "size", now.size);
    report_json_number(&b->json, NULL, "height", ledger_chain_height(b->chain));
    report_json_number(&b->json, NULL, "time", (uint64_t)now.tau);
    report_json_hash(&b->json, NULL, "root", &now.root);
    report_json_hash(&b->json, NULL, "stops", &now.stops);
    report_json_hash(&b->json, NULL, "finds", &now.finds);
    BOOK(show_set(b));
    BOOK(show_params(b));
    BOOK(show_checkpoint(b));
    BOOK(show_clock(b));
out:
    return status;
}

int book_head(const void *options)
{
    return book_run(options, work);
}
