/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr ledger resume`: an operator's word lets a supernode that waits cosign again. */
#include "bcemr/ledger/book.h"

#include <inttypes.h>
#include <string.h>

/* ---- what there is ---- */

static void tell_checkpoint(book *b, const char *key, const char *what,
                            const bcemr_tr_checkpoint *c)
{
    char hex[65], when[REPORT_NUMBER];
    report_line(&b->r, "%-13s %" PRIu64 " entries up to %s, root %s", what, c->size,
                c->tau ? book_time(c->tau, when) : "the genesis",
                report_hex(c->root.b, sizeof c->root.b, hex));
    json_t *object = report_json_object(&b->json, NULL, key);
    report_json_number(&b->json, object, "size", c->size);
    report_json_number(&b->json, object, "time", (uint64_t)c->tau);
    report_json_hash(&b->json, object, "root", &c->root);
}

static bcemr_status tell_word(book *b, json_t *list, bcemr_span bytes)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_state_word word;
    bcemr_tr_checkpoint log;
    char when[REPORT_NUMBER], hex[65];
    BOOK(bcemr_read_state_word(bytes, &word, &b->error));
    BOOK(bcemr_read_checkpoint(word.log, &log, &b->error));
    report_line(&b->r, "word given    %s, for %" PRIu64 " entries, root %s",
                book_time(word.time, when), log.size,
                report_hex(log.root.b, sizeof log.root.b, hex));
    json_t *item = report_json_item(&b->json, list);
    report_json_number(&b->json, item, "number", word.number);
    report_json_number(&b->json, item, "time", (uint64_t)word.time);
    report_json_number(&b->json, item, "size", log.size);
    report_json_hash(&b->json, item, "root", &log.root);
out:
    return status;
}

/* What it signed last here, and the words that were given before. */
static bcemr_status tell_past(book *b, bcemr_span id)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_cosigner row = {.waits = BCEMR_yes_no_NO};
    bcemr_tr_checkpoint last;
    bcemr_span bytes;
    status = ledger_chain_cosigner(b->chain, id, &held, &row, &b->error);
    if (status == BCEMR_E_NOT_FOUND) {
        b->error = (bcemr_error){.status = BCEMR_OK};
        status = BCEMR_OK;
    }
    BOOK(status);
    if (bcemr_list_at(&bcemr_type_checkpoint, &row.last, 0, &bytes)) {
        BOOK(bcemr_read_checkpoint(bytes, &last, &b->error));
        tell_checkpoint(b, "last", "signed last", &last);
    } else {
        report_line(&b->r, "signed last   nothing, as far as this database knows");
    }
    json_t *list = report_json_list(&b->json, NULL, "words");
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_state_word, &row.words);
    while (bcemr_list_next(&iter, &bytes))
        BOOK(tell_word(b, list, bytes));
out:
    bcemr_buf_free(&held);
    return status;
}

/* ---- the word ---- */

static void say_meaning(book *b, bool entitled, const bcemr_tr_checkpoint *newest)
{
    char hex[65];
    if (!entitled) {
        report_line(&b->r, "it resumes on the next checkpoint that the others sign, which it is "
                           "shown; they are enough for one, so no word is taken");
        return;
    }
    report_line(&b->r, "the word would mean:");
    report_line(&b->r, "  - this log, as it stands, holds all that the key of %s ever signed,",
                b->o->word);
    report_line(&b->r, "    here, on a machine before this one, or with a copy of the key;");
    report_line(&b->r, "  - nothing checks that, and nobody but its operator answers for it;");
    report_line(&b->r, "  - if it is not so, its next signature can be the second one for a size, "
                       "and proves it guilty.");
    report_line(&b->r, "to give it: --vouch %s",
                report_hex(newest->root.b, sizeof newest->root.b, hex));
}

static bcemr_status read_vouched(book *b, bcemr_hash *out)
{
    if (book_read_hex(b->o->vouch, out->b) != sizeof out->b)
        return book_misuse(b, "--vouch takes a root: 64 hexadecimal digits");
    return BCEMR_OK;
}

static bcemr_status give_word(book *b, ledger_cosigner *cosigner, const bcemr_tr_checkpoint *newest)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = &b->error;
    bcemr_hash vouched;
    BOOK(read_vouched(b, &vouched));
    book_doing(b, "take the word for %s", b->o->word);
    REQUIRE(bcemr_hash_equal(&vouched, &newest->root), BCEMR_BAD_CHECKPOINT, "vouch", "root");
    BOOK(ledger_cosigner_resume_by_operator(cosigner, b->now, err));
    report_mark(&b->r, true, "%s cosigns again what continues this log; the word is kept",
                b->o->word);
out:
    return status;
}

/* Nobody's key is needed, and nothing is signed here. */
static bcemr_status no_key(void *user, const bcemr_tr_checkpoint *checkpoint, bcemr_g1_raw *out,
                           bcemr_error *err)
{
    (void)user;
    (void)checkpoint;
    memset(out, 0, sizeof *out);
    return wire_fail(err, BCEMR_E_STATE, "cosigner", "key");
}

/* entitled: without it there is no checkpoint, so that its operator's word is taken. */
static bcemr_status must_be_member(book *b, bcemr_span id, bool *entitled)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = &b->error;
    bcemr_set set = BCEMR_SET_EMPTY;
    BOOK(ledger_chain_set_now(b->chain, &set, err));
    REQUIRE(bcemr_set_place(&set, id) != BCEMR_NOWHERE, BCEMR_BAD_SET, "set", "members");
    *entitled = set.count == 1 || !bcemr_set_majority(set.count, set.count - 1);
out:
    bcemr_set_free(&set);
    return status;
}

static bcemr_status work(book *b)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_span id = bcemr_text(b->o->word);
    ledger_cosigner cosigner;
    bcemr_tr_checkpoint newest;
    bool waits = false, entitled = false;
    /* Only a word is written. */
    BOOK(b->o->vouch ? book_open_writing(b) : book_open(b));
    book_doing(b, "find %s among the supernodes of %s", b->o->word, b->o->db);
    BOOK(must_be_member(b, id, &entitled));
    BOOK(ledger_cosigner_begin(&cosigner, b->chain, id, no_key, NULL, 0, &b->error));
    BOOK(ledger_cosigner_waits(&cosigner, &waits, &b->error));
    BOOK(ledger_chain_checkpoint(b->chain, &newest, &b->error));
    report_line(&b->r, "%-13s %s", b->o->word,
                waits ? "waits: it signs no checkpoint" : "does not wait");
    report_json_text(&b->json, NULL, "member", b->o->word);
    report_json_bool(&b->json, NULL, "waited", waits);
    report_json_bool(&b->json, NULL, "word_is_taken", waits && entitled);
    tell_checkpoint(b, "log", "this log", &newest);
    if (b->o->vouch)
        BOOK(give_word(b, &cosigner, &newest));
    BOOK(tell_past(b, id));
    if (waits && !b->o->vouch)
        say_meaning(b, entitled, &newest);
    report_json_bool(&b->json, NULL, "resumed", waits && b->o->vouch);
out:
    return status;
}

int book_resume(const void *options)
{
    return book_run(options, work);
}
