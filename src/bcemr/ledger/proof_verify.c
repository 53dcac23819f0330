/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/ledger/proof_verify.h"

#include "bcemr/ledger/book.h"

#include <inttypes.h>

/* ---- what a file says ---- */

static void tell_entry(report *r, report_json *json, const ledger_chain *chain,
                       const proof_file_facts *f)
{
    char text[1024], when[REPORT_NUMBER], hex[65];
    book_entry_text(chain, &f->leaf, text, sizeof text);
    report_line(r, "entry %" PRIu64 " of the ledger is (%s, %s)", f->index,
                bcemr_type_label(f->leaf.parts.type),
                f->leaf.tau ? book_time(f->leaf.tau, when) : "the beginning");
    report_line(r, "  %s", text);
    report_line(r, "  entry hash %s", report_hex(f->leaf.parts.entry_hash.b, 32, hex));
    json_t *entry = report_json_object(json, NULL, "entry");
    report_json_number(json, entry, "number", f->index);
    report_json_text(json, entry, "kind", bcemr_type_label(f->leaf.parts.type));
    report_json_number(json, entry, "time", (uint64_t)f->leaf.tau);
    report_json_text(json, entry, "text", text);
    report_json_hash(json, entry, "hash", &f->leaf.parts.entry_hash);
}

void proof_tell(report *r, report_json *json, const ledger_chain *chain,
                const proof_file_facts *facts)
{
    const proof_file_facts *f = facts;
    char hex[65];
    report_line(r, "ledger %s", report_hex(f->checkpoint.ledger.b, 32, hex));
    if (f->entry)
        tell_entry(r, json, chain, f);
    if (f->extends) {
        report_line(r, "the state of %" PRIu64 " entries is its beginning; its root was",
                    f->older_size);
        report_line(r, "  %s", report_hex(f->older_root.b, 32, hex));
        json_t *older = report_json_object(json, NULL, "older");
        report_json_number(json, older, "size", f->older_size);
        report_json_hash(json, older, "root", &f->older_root);
    }
    report_line(r, "in the state of %" PRIu64 " entries, whose root is", f->checkpoint.size);
    report_line(r, "  %s", report_hex(f->checkpoint.root.b, 32, hex));
    if (f->cosigned)
        report_line(r, "which %" PRIu64 " of %" PRIu64 " supernodes of set %" PRIu64 " have signed",
                    f->signers, f->members, f->checkpoint.set_number);
    else
        report_line(r, "which nobody has signed: it proves something only to who knows this "
                       "root from elsewhere (--root)");
    report_json_hash(json, NULL, "ledger", &f->checkpoint.ledger);
    report_json_number(json, NULL, "size", f->checkpoint.size);
    report_json_hash(json, NULL, "root", &f->checkpoint.root);
    report_json_bool(json, NULL, "cosigned", f->cosigned);
    report_json_number(json, NULL, "signers", f->signers);
    report_json_number(json, NULL, "members", f->members);
}

/* ---- checking ---- */

static bcemr_status check(hand *h, bcemr_span genesis, bcemr_span file)
{
    bcemr_status status = BCEMR_OK;
    proof_file_facts facts;
    bcemr_hash root;
    if (h->o->root && book_read_hex(h->o->root, root.b) != sizeof root.b)
        return hand_misuse(h, "--root takes 64 hexadecimal digits");
    HAND_VALID(
        proof_file_check(h->context, genesis, file, h->o->root ? &root : NULL, &facts, &h->error),
        "log-proof", h->error.field);
    proof_tell(&h->r, &h->json, NULL, &facts);
    /* Whoever has neither a signature nor the root has learnt nothing. */
    h->answered_no = !facts.cosigned && !h->o->root;
    report_json_bool(&h->json, NULL, "holds", !h->answered_no);
    report_mark(&h->r, !h->answered_no, "%s",
                h->answered_no ? "it hangs together, but nothing vouches for its root"
                               : "it holds");
out:
    return status;
}

bcemr_status proof_verify_work(hand *h)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf genesis = BCEMR_BUF_EMPTY, file = BCEMR_BUF_EMPTY;
    HAND(hand_context(h));
    HAND(files_read(h->o->genesis, BOOK_GENESIS_MAX, &genesis, &h->file));
    HAND(files_read(h->o->file, PROOF_FILE_MAX, &file, &h->file));
    HAND(check(h, bcemr_buf_span(&genesis), bcemr_buf_span(&file)));
out:
    bcemr_buf_free(&genesis);
    bcemr_buf_free(&file);
    return status;
}
