/* SPDX-License-Identifier: Apache-2.0 */
/* What a node holds of checkpoints: cosigned by others, signed itself, refused. */
#include "ledger/chain/internal.h"
#include "ledger/verify/parts.h"

static bcemr_status bad_checkpoint(ledger_bad *bad, ledger_table table, bcemr_span key,
                                   const bcemr_error *error)
{
    const bcemr_status status = verify_bad_row(bad, table, key, LEDGER_ROW_DIFFERENT);
    bad->kind = LEDGER_BAD_CHECKPOINT;
    bad->error = *error;
    return status;
}

/* Failures of reading a record are the record's; those of this node are not. */
static bool is_own_failure(bcemr_status status)
{
    return status == BCEMR_E_NO_MEMORY || status == BCEMR_E_IO || status == BCEMR_E_INTERRUPTED ||
           status == BCEMR_E_STOPPED;
}

/* The log says the same at that size. */
static bcemr_status is_ours(const ledger_chain *chain, bcemr_span checkpoint, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf mine = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint shown, own;
    TRY(bcemr_read_checkpoint(checkpoint, &shown, err));
    status = ledger_chain_checkpoint_at(chain, shown.size, &own, err);
    REQUIRE(status != BCEMR_E_NOT_FOUND, BCEMR_BAD_CHECKPOINT, "checkpoint", "size");
    TRY(status);
    TRY(bcemr_write_checkpoint(&own, &mine, err));
    REQUIRE(bcemr_span_equal(bcemr_buf_span(&mine), checkpoint), BCEMR_BAD_CHECKPOINT, "checkpoint",
            "root");
out:
    bcemr_buf_free(&mine);
    return status;
}

static bcemr_status cosigned_holds(const ledger_chain *chain, bcemr_span cosigned,
                                   ledger_verified *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_tr_cosigned value;
    TRY(bcemr_read_cosigned(cosigned, &value, err));
    TRY(is_ours(chain, value.checkpoint, err));
    TRY(bcemr_read_checkpoint(value.checkpoint, &out->cosigned, err));
    /* Being quick, nobody has made the rows of sets again: who owns the file owns them. */
    TRY(ledger_chain_set_walked(chain, chain->context, out->cosigned.set_number, &set, err));
    REQUIRE_VALID(bcemr_checkpoint_check(chain->context, &chain->id, &set, cosigned, NULL, err),
                  "cosigned", NULL);
    for (uint64_t i = 0; i < set.count; i++)
        out->signers += bcemr_bitmap_get(value.signers, i);
    out->statements++;
    out->has_cosigned = true;
out:
    bcemr_set_free(&set);
    return status;
}

typedef struct looking {
    const ledger_chain *chain;
    ledger_verified *out;
    ledger_table table;
    bcemr_error *err;
} looking;

/* Words of operators are about states of this log. */
static bcemr_status words_hold(const ledger_chain *chain, const bcemr_list *words, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_state_word word;
    bcemr_span bytes;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_state_word, words);
    while (bcemr_list_next(&iter, &bytes)) {
        TRY(bcemr_read_state_word(bytes, &word, err));
        TRY(is_ours(chain, word.log, err));
    }
out:
    return status;
}

static bcemr_status row_holds(const looking *l, bcemr_span key, bcemr_span value, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bool whole = false;
    bcemr_tr_state_cosigner cosigner;
    bcemr_tr_state_refused refused;
    bcemr_span last;
    if (l->table == LEDGER_COSIGNED) {
        REQUIRE(key.n == 0, BCEMR_BAD_DATABASE, "COSIGNED", "key");
        return cosigned_holds(l->chain, value, l->out, err);
    }
    TRY_AT(chain_record_whole(key, value, &whole), ledger_table_name(l->table), "check");
    REQUIRE(whole, BCEMR_BAD_DATABASE, ledger_table_name(l->table), "check");
    if (l->table == LEDGER_REFUSED) {
        TRY(bcemr_read_state_refused(value, &refused, err));
        return is_ours(l->chain, refused.own, err);
    }
    TRY(bcemr_read_state_cosigner(value, &cosigner, err));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_checkpoint, &cosigner.last);
    while (bcemr_list_next(&iter, &last))
        TRY(is_ours(l->chain, last, err));
    TRY(words_hold(l->chain, &cosigner.words, err));
out:
    return status;
}

static bcemr_status look(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    const looking *l = user;
    bcemr_error error = {.index = BCEMR_NOWHERE, .offset = BCEMR_NOWHERE};
    (void)more;
    l->out->rows++;
    const bcemr_status status = row_holds(l, key, value, &error);
    if (status == BCEMR_OK)
        return status;
    if (!is_own_failure(status) && status != BCEMR_E_DAMAGED)
        return bad_checkpoint(&l->out->bad, l->table, key, &error);
    *l->err = error;
    return status;
}

bcemr_status verify_checkpoints(const ledger_state *source, const ledger_chain *chain,
                                ledger_verified *out, bcemr_error *err)
{
    static const ledger_table tables[] = {LEDGER_COSIGNED, LEDGER_COSIGNER, LEDGER_REFUSED};
    bcemr_status status = BCEMR_OK;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && status == BCEMR_OK; i++) {
        looking l = {.chain = chain, .out = out, .table = tables[i], .err = err};
        status = ledger_scan(source, l.table, (bcemr_span){0}, (bcemr_span){0}, look, &l);
        if (status != BCEMR_OK)
            status = verify_unread(&out->bad, l.table, (bcemr_span){0}, status);
    }
    return status;
}
