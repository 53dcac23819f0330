/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr ledger refused`: what a cosigner of this node would not sign, and a proof made with the
 * log of who did. */
#include "bcemr/ledger/book.h"
#include "ledger/follow/accuse.h"

#include <inttypes.h>
#include <string.h>

typedef struct listing {
    book *b;
    json_t *list;
    uint64_t shown, newest;
} listing;

/* ---- telling ---- */

/* What differs, as people say it; by the same order in which a cosigner looks. */
static const char *difference(const bcemr_tr_checkpoint *asked, const bcemr_tr_checkpoint *own)
{
    if (asked->size < own->size)
        return "no block of this log ends there";
    if (asked->size > own->size)
        return "this log no longer holds what was signed last";
    if (!bcemr_hash_equal(&asked->root, &own->root))
        return "this log has other entries there";
    if (asked->tau != own->tau)
        return "this log says another time there";
    if (!bcemr_hash_equal(&asked->stops, &own->stops) ||
        !bcemr_hash_equal(&asked->finds, &own->finds))
        return "this log has another index there";
    return "this log has another set of supernodes there";
}

static void tell_checkpoint(book *b, json_t *item, const char *key, const char *what,
                            const bcemr_tr_checkpoint *c)
{
    char hex[65], when[REPORT_NUMBER];
    report_line(&b->r, "    %-9s %" PRIu64 " entries up to %s, set %" PRIu64, what, c->size,
                c->tau ? book_time(c->tau, when) : "the genesis", c->set_number);
    report_line(&b->r, "              root %s", report_hex(c->root.b, sizeof c->root.b, hex));
    json_t *object = report_json_object(&b->json, item, key);
    report_json_number(&b->json, object, "size", c->size);
    report_json_number(&b->json, object, "time", (uint64_t)c->tau);
    report_json_number(&b->json, object, "set", c->set_number);
    report_json_hash(&b->json, object, "root", &c->root);
    report_json_hash(&b->json, object, "stops", &c->stops);
    report_json_hash(&b->json, object, "finds", &c->finds);
}

static bcemr_status tell(void *user, const bcemr_tr_state_refused *refused, bool *more)
{
    bcemr_status status = BCEMR_OK;
    listing *l = user;
    book *b = l->b;
    bcemr_tr_checkpoint asked, own;
    char when[REPORT_NUMBER];
    (void)more;
    BOOK(bcemr_read_checkpoint(refused->asked, &asked, &b->error));
    BOOK(bcemr_read_checkpoint(refused->own, &own, &b->error));
    const char *who = refused->who.n > 0 ? book_name(refused->who) : "somebody";
    report_line(&b->r, "%8" PRIu64 "  %s  %s asked for a signature: %s", refused->number,
                refused->time ? book_time(refused->time, when) : "at an unknown time", who,
                difference(&asked, &own));
    json_t *item = report_json_item(&b->json, l->list);
    report_json_number(&b->json, item, "number", refused->number);
    report_json_number(&b->json, item, "time", (uint64_t)refused->time);
    report_json_text(&b->json, item, "who", who);
    report_json_text(&b->json, item, "text", difference(&asked, &own));
    tell_checkpoint(b, item, "asked", "asked", &asked);
    tell_checkpoint(b, item, "own", "this log", &own);
    l->shown++;
    l->newest = refused->number;
out:
    return status;
}

static bcemr_status tell_all(book *b)
{
    bcemr_status status = BCEMR_OK;
    listing l = {.b = b, .list = report_json_list(&b->json, NULL, "refused")};
    book_doing(b, "read the evidence in %s", b->o->db);
    BOOK(ledger_chain_refused(b->chain, tell, &l, &b->error));
    const uint64_t lost = l.shown > 0 ? l.newest + 1 - l.shown : 0;
    if (l.shown == 0)
        report_line(&b->r, "nothing was refused: all that was asked for is in this log");
    if (lost > 0)
        report_line(&b->r, "%" PRIu64 " more came between the first and these; %u are kept", lost,
                    (unsigned)LEDGER_REFUSED_MAX);
    if (l.shown > 0 && !b->o->out)
        report_line(&b->r, "what was asked for carries no signatures, so this alone proves nobody "
                           "guilty; with the log of who was given it, --from and --out may");
    report_json_number(&b->json, NULL, "not_kept", lost);
out:
    return status;
}

/* ---- the proof ---- */

static bcemr_status try_source(book *b, const char *path, bcemr_buf *proof)
{
    bcemr_status status = BCEMR_OK;
    book_source opened = {.chain = NULL};
    ledger_source source = {NULL, NULL};
    book_doing(b, "compare with %s", path);
    BOOK(book_source_open(b, path, &opened, &source));
    status = ledger_guilt_between(b->chain, &source, proof, &b->error);
    if (status == BCEMR_E_NOT_FOUND) {
        const char *field = b->error.field ? b->error.field : "";
        report_mark(&b->r, false, "%s: %s", path,
                    strcmp(field, "cosigned") == 0
                        ? "it or this ledger holds no cosigned checkpoint"
                        : "its cosigned checkpoint and this ledger's prove nobody guilty");
        b->error = (bcemr_error){.status = BCEMR_OK};
        status = BCEMR_OK;
    }
out:
    ledger_source_close(&source);
    book_source_free(&opened);
    return status;
}

static bcemr_status prove(book *b)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf proof = BCEMR_BUF_EMPTY;
    const char *path = NULL;
    for (uint64_t i = 0; i < b->o->sources.count && proof.n == 0; i++) {
        path = b->o->sources.items[i];
        BOOK(try_source(b, path, &proof));
    }
    b->answered_no = proof.n == 0;
    report_json_bool(&b->json, NULL, "proven", proof.n > 0);
    if (proof.n == 0)
        goto out;
    BOOK(files_write(b->o->out, bcemr_buf_span(&proof), FILES_NEW, &b->file));
    report_mark(&b->r, true, "%s: some have signed its log and this one", path);
    report_step(&b->r, "guilt", REPORT_NO_TIME, proof.n,
                "proven in %s; `bcemr verify` says of whom", b->o->out);
    report_json_text(&b->json, NULL, "path", b->o->out);
out:
    bcemr_buf_free(&proof);
    return status;
}

static bcemr_status work(book *b)
{
    bcemr_status status = BCEMR_OK;
    if ((b->o->out == NULL) != (b->o->sources.count == 0))
        return book_misuse(b, "a proof needs --from, the other log, and --out, where it goes");
    BOOK(book_open(b));
    BOOK(tell_all(b));
    if (b->o->out)
        BOOK(prove(b));
out:
    return status;
}

int book_refused(const void *options)
{
    return book_run(options, work);
}
