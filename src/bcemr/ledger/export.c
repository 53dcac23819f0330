/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr ledger export` and `import`: a ledger as one file, and a database made of it. */
#include "bcemr/ledger/book.h"
#include "ledger/follow/export.h"
#include "ledger/verify/replay.h"

#include <inttypes.h>

/* ---- export ---- */

static bcemr_status put_item(book *b, const bcemr_sink *sink, const files_sink *file,
                             bcemr_span bytes)
{
    bcemr_status status = BCEMR_OK;
    uint8_t length[8];
    bcemr_store_u64(length, bytes.n);
    BOOK(sink->write(sink->user, bcemr_span_of(length, sizeof length)));
    BOOK(sink->write(sink->user, bytes));
out:
    if (status != BCEMR_OK)
        (void)files_sink_error(file, &b->file);
    return status;
}

static bcemr_status put_head(book *b, const bcemr_sink *sink, const files_sink *file)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY, head = BCEMR_BUF_EMPTY;
    bcemr_ledger_view view;
    ledger_chain_view(b->chain, &view);
    status = view.checkpoint(view.user, &cosigned);
    if (status != BCEMR_E_NOT_FOUND)
        BOOK_AT(status, "cosigned", NULL);
    const bcemr_span held = bcemr_buf_span(&cosigned);
    bcemr_tr_ledger_export value = {.ledger = *ledger_chain_id(b->chain),
                                    .size = ledger_chain_size(b->chain),
                                    .cosigned = BCEMR_LIST_OF(&held, held.n > 0)};
    BOOK_AT(ledger_chain_root(b->chain, value.size, &value.root), "ledger", "root");
    BOOK(bcemr_write_ledger_export(&value, &head, &b->error));
    BOOK(put_item(b, sink, file, bcemr_buf_span(&head)));
    report_json_hash(&b->json, NULL, "ledger", &value.ledger);
    report_json_number(&b->json, NULL, "size", value.size);
    report_json_hash(&b->json, NULL, "root", &value.root);
out:
    bcemr_buf_free(&cosigned);
    bcemr_buf_free(&head);
    return status;
}

static bcemr_status put_leaves(book *b, const bcemr_sink *sink, const files_sink *file,
                               uint64_t *bytes)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf leaf = BCEMR_BUF_EMPTY;
    const uint64_t size = ledger_chain_size(b->chain);
    const bcemr_progress *progress = book_progress(b, "exporting");
    for (uint64_t i = 0; i < size; i++) {
        bcemr_buf_clear(&leaf);
        BOOK_AT(ledger_chain_leaf(b->chain, i, &leaf), "leaf", NULL);
        BOOK(put_item(b, sink, file, bcemr_buf_span(&leaf)));
        *bytes += leaf.n;
        if (i % 256 == 0)
            BOOK(progress->tell(progress->user, i, size));
    }
out:
    (void)book_progress_end(b);
    bcemr_buf_free(&leaf);
    return status;
}

static bcemr_status export(book *b)
{
    bcemr_status status = BCEMR_OK;
    files_sink *file = NULL;
    uint64_t bytes = 0;
    BOOK(book_open(b));
    book_doing(b, "export the ledger %s", b->o->db);
    BOOK(files_sink_create(b->o->out, FILES_NEW, &file, &b->file));
    const bcemr_sink sink = files_sink_view(file);
    BOOK(put_head(b, &sink, file));
    BOOK(put_leaves(b, &sink, file, &bytes));
    BOOK(files_sink_commit(file, &b->file));
    report_step(&b->r, "ledger", REPORT_NO_TIME, bytes, "exported %" PRIu64 " entries to %s",
                ledger_chain_size(b->chain), b->o->out);
    report_json_text(&b->json, NULL, "path", b->o->out);
out:
    files_sink_free(file);
    return status;
}

int book_export(const void *options)
{
    return book_run(options, export);
}

/* ---- import ---- */

/* An export, read from its beginning to its end. */
typedef struct reading {
    files_source *file;
    bcemr_source bytes;
    ledger_export_reader items;
    uint64_t at;
} reading;

/* What the system said of the file goes before what the reader made of it. */
static bcemr_status read_failed(book *b, const reading *in, bcemr_status status)
{
    (void)files_source_error(in->file, &b->file);
    return status;
}

static bcemr_status begin_reading(book *b, reading *in)
{
    bcemr_status status = BCEMR_OK;
    BOOK(files_source_open(b->o->word, &in->file, &b->file));
    in->bytes = files_source_view(in->file);
    status = ledger_export_begin(&in->items, &in->bytes, &b->error);
    if (status != BCEMR_OK)
        return read_failed(b, in, status);
    in->at = in->items.first;
out:
    return status;
}

/* The genesis is leaf 0: of this ledger and, when one was given, the one given. */
static bcemr_status begin_replay(book *b, const reading *in, bcemr_span leaf, ledger_state *state,
                                 ledger_replay **replay)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = &b->error;
    bcemr_leaf_parts parts;
    bcemr_signed_parts given;
    BOOK(bcemr_leaf_read(leaf, &parts, err));
    REQUIRE(bcemr_hash_equal(&parts.parts.entry_hash, &in->items.head.ledger), BCEMR_WRONG_LEDGER,
            "ledger-export", "ledger");
    if (b->genesis.n > 0) {
        BOOK(bcemr_signed_read(bcemr_buf_span(&b->genesis), &given, err));
        REQUIRE(bcemr_hash_equal(&parts.parts.entry_hash, &given.entry_hash), BCEMR_WRONG_LEDGER,
                "ledger-export", "genesis");
    }
    const ledger_replay_options options = {
        .context = b->context, .parallel = &b->parallel, .state = *state, .beside = true};
    BOOK(ledger_replay_new(replay, &options, parts.signed_entry, err));
    *state = (ledger_state){0}; /* the replay's now */
out:
    return status;
}

static bcemr_status take_leaves(book *b, reading *in, ledger_state *state, ledger_replay **replay)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span leaf;
    const bcemr_progress *progress = book_progress(b, "importing");
    for (uint64_t i = 0; i < in->items.head.size; i++) {
        status = ledger_export_leaf(&in->items, &in->at, &leaf);
        if (status != BCEMR_OK)
            status = read_failed(b, in, wire_fail(&b->error, status, "ledger-export", NULL));
        else if (i == 0)
            status = begin_replay(b, in, leaf, state, replay);
        if (status != BCEMR_OK)
            b->error.index = i;
        BOOK(status);
        BOOK(ledger_replay_leaf(*replay, leaf, &b->error));
        if (i % 256 == 0)
            BOOK(progress->tell(progress->user, i, in->items.head.size));
    }
    BOOK(ledger_export_end(&in->items, in->at, &b->error));
    BOOK(ledger_replay_end(*replay, &b->error));
out:
    (void)book_progress_end(b);
    return status;
}

/* The root that the head promised, and the checkpoint that came with it. */
static bcemr_status check_head(book *b, const reading *in, ledger_chain *chain)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = &b->error;
    bcemr_hash root;
    bcemr_span cosigned;
    BOOK_AT(ledger_chain_root(chain, ledger_chain_size(chain), &root), "ledger", "root");
    REQUIRE(bcemr_hash_equal(&root, &in->items.head.root), BCEMR_BAD_LEAF, "ledger-export", "root");
    if (bcemr_list_at(&bcemr_type_cosigned, &in->items.head.cosigned, 0, &cosigned))
        BOOK(ledger_chain_keep_cosigned(chain, cosigned, err));
    report_json_hash(&b->json, NULL, "ledger", ledger_chain_id(chain));
    report_json_number(&b->json, NULL, "size", ledger_chain_size(chain));
    report_json_hash(&b->json, NULL, "root", &root);
out:
    return status;
}

static bcemr_status import(book *b)
{
    bcemr_status status = BCEMR_OK;
    book_fresh fresh = {.making = ""};
    ledger_state state = {0};
    ledger_replay *replay = NULL;
    reading in = {.at = 0};
    BOOK(book_context(b));
    BOOK(book_threads(b));
    BOOK(book_genesis(b));
    book_doing(b, "import %s", b->o->word);
    BOOK(begin_reading(b, &in));
    BOOK(book_fresh_begin(b, b->o->db, &fresh, &state));
    book_doing(b, "import %s", b->o->word);
    const double began = report_now();
    BOOK(take_leaves(b, &in, &state, &replay));
    BOOK(check_head(b, &in, ledger_replay_open_chain(replay)));
    ledger_replay_free(replay);
    replay = NULL;
    BOOK(book_fresh_commit(b, &fresh));
    report_step(&b->r, "ledger", report_now() - began, in.bytes.length,
                "imported %" PRIu64 " entries into %s, every one verified", in.items.head.size,
                b->o->db);
    report_json_text(&b->json, NULL, "path", b->o->db);
out:
    ledger_replay_free(replay);
    ledger_state_close(&state);
    book_fresh_free(&fresh);
    if (in.file)
        files_source_close(in.file);
    ledger_export_free(&in.items);
    return status;
}

int book_import(const void *options)
{
    return book_run(options, import);
}
