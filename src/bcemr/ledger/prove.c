/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr ledger prove`: writes a proof about the log as a file, which `bcemr verify` checks. */
#include "bcemr/ledger/book.h"
#include "bcemr/ledger/proof_verify.h"

#include <inttypes.h>
#include <string.h>

/* ---- making ---- */

static bcemr_status read_request(book *b, proof_file_request *request)
{
    bcemr_status status = BCEMR_OK;
    *request =
        (proof_file_request){.leaf = BCEMR_NOWHERE, .older = BCEMR_NOWHERE, .size = b->o->size};
    if (b->o->consistency > 0)
        request->older = b->o->consistency;
    if (b->o->word) {
        book_doing(b, "find %s in the ledger %s", b->o->word, b->o->db);
        BOOK_AT(book_find_entry(b, b->o->word, &request->leaf), "entry", NULL);
    }
out:
    return status;
}

/* What to do about a size that cannot be. */
static bcemr_status explain(book *b, bcemr_status status, const proof_file_request *request)
{
    const char *field = b->error.field ? b->error.field : "";
    if (status != BCEMR_E_NOT_FOUND)
        return status;
    if (strcmp(field, "cosigned") == 0)
        report_warning(&b->r,
                       "no checkpoint is cosigned yet; --size %" PRIu64
                       " would prove it to the root as it is now",
                       ledger_chain_size(b->chain));
    if (strcmp(field, "leaf") == 0)
        report_warning(&b->r,
                       "entry %" PRIu64 " is newer than the checkpoint; --size %" PRIu64
                       " would prove it to the root as it is now",
                       request->leaf, ledger_chain_size(b->chain));
    if (strcmp(field, "size") == 0)
        report_warning(&b->r, "no block ends at %" PRIu64 " entries", request->size);
    return status;
}

static bcemr_status make_file(book *b)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf file = BCEMR_BUF_EMPTY;
    proof_file_request request;
    proof_file_facts facts;
    if (!b->o->word && b->o->consistency == 0)
        return book_misuse(b, "say which entry (N), or which earlier size (--consistency A)");
    BOOK(book_open(b));
    BOOK(read_request(b, &request));
    book_doing(b, "prove it from the ledger %s", b->o->db);
    status = proof_file_make(b->chain, &b->state, &request, &file, &b->error);
    BOOK(explain(b, status, &request));
    /* What is handed out holds for who has nothing but the genesis. */
    if (proof_file_check(b->context, bcemr_buf_span(&b->genesis), bcemr_buf_span(&file), NULL,
                         &facts, &b->error) != BCEMR_VALID) {
        status = b->error.status == BCEMR_OK ? BCEMR_E_DAMAGED : b->error.status;
        goto out;
    }
    BOOK(files_write(b->o->out, bcemr_buf_span(&file), FILES_NEW, &b->file));
    proof_tell(&b->r, &b->json, b->chain, &facts);
    report_step(&b->r, "proof", REPORT_NO_TIME, file.n, "in %s", b->o->out);
    report_json_text(&b->json, NULL, "path", b->o->out);
out:
    bcemr_buf_free(&file);
    return status;
}

int book_prove(const void *options)
{
    return book_run(options, make_file);
}
