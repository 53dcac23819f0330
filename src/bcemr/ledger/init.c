/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr ledger init`: makes a database and begins a ledger in it. */
#include "bcemr/ledger/book.h"

#include <inttypes.h>

static bcemr_status begin(book *b, ledger_state *state)
{
    bcemr_status status = BCEMR_OK;
    ledger_chain_options options = {.context = b->context, .remembered_claims = 8};
    options.state = *state;
    book_doing(b, "begin the ledger of %s", b->o->genesis);
    BOOK(ledger_chain_open(&b->chain, &options, bcemr_buf_span(&b->genesis), &b->error));
    *state = (ledger_state){0}; /* the chain's now */
out:
    return status;
}

bcemr_status book_begin(book *b, const char *path, bcemr_hash *id)
{
    bcemr_status status = BCEMR_OK;
    book_fresh fresh = {.making = ""};
    ledger_state state = {0};
    char hex[65];
    BOOK(book_fresh_begin(b, path, &fresh, &state));
    BOOK(begin(b, &state));
    *id = *ledger_chain_id(b->chain);
    ledger_chain_close(b->chain);
    b->chain = NULL;
    BOOK(book_fresh_commit(b, &fresh));
    report_step(&b->r, "ledger", REPORT_NO_TIME, REPORT_NO_BYTES, "began %s in %s",
                report_hex(id->b, sizeof id->b, hex), path);
out:
    ledger_state_close(&state);
    ledger_chain_close(b->chain);
    b->chain = NULL;
    book_fresh_free(&fresh);
    return status;
}

static bcemr_status work(book *b)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash id;
    BOOK(book_context(b));
    BOOK(book_genesis(b));
    BOOK(book_begin(b, b->o->db, &id));
    report_json_hash(&b->json, NULL, "ledger", &id);
    report_json_text(&b->json, NULL, "path", b->o->db);
out:
    return status;
}

int book_init(const void *options)
{
    return book_run(options, work);
}
