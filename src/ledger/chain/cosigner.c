/* SPDX-License-Identifier: Apache-2.0 */
/* A member that cosigns on a chain's log (section 8.2): what it signed, and what it refused. */
#include "ledger/chain/internal.h"

#include <string.h>

/* ---- evidence ---- */

/* The first stays in slot 0; the others go round. */
/* ---- records that follow from no log ---- */

static bcemr_status record_check(bcemr_span key, bcemr_span record, bcemr_hash *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf all = BCEMR_BUF_EMPTY;
    static const bcemr_hash zeros;
    if (record.n < sizeof out->b)
        return BCEMR_E_TRUNCATED;
    const bcemr_span fields[] = {key, bcemr_span_of(record.p, record.n - sizeof out->b),
                                 bcemr_span_of(zeros.b, sizeof zeros.b)};
    TRY(bcemr_write_fields("record", fields, sizeof fields / sizeof fields[0], &all));
    bcemr_sha256(bcemr_buf_span(&all), out);
out:
    bcemr_buf_free(&all);
    return status;
}

bcemr_status chain_seal_record(bcemr_span key, bcemr_buf *record)
{
    bcemr_hash check;
    const bcemr_status status = record_check(key, bcemr_buf_span(record), &check);
    if (status == BCEMR_OK)
        memcpy(record->p + record->n - sizeof check.b, check.b, sizeof check.b);
    return status;
}

bcemr_status chain_record_whole(bcemr_span key, bcemr_span record, bool *whole)
{
    bcemr_hash check;
    const bcemr_status status = record_check(key, record, &check);
    *whole = status == BCEMR_OK &&
             memcmp(record.p + record.n - sizeof check.b, check.b, sizeof check.b) == 0;
    return status;
}

/* Fails closed: what is damaged says nothing about what was signed. */
static bcemr_status must_be_whole(bcemr_span key, bcemr_span record)
{
    bool whole = false;
    const bcemr_status status = chain_record_whole(key, record, &whole);
    return status == BCEMR_OK && !BCEMR_HOLDS(BCEMR_BAD_DATABASE, whole) ? BCEMR_E_DAMAGED : status;
}

/* ---- refusals ---- */

static uint64_t slot_of(uint64_t number)
{
    return number == 0 ? 0 : 1 + (number - 1) % (LEDGER_REFUSED_MAX - 1);
}

typedef struct refused_scan {
    const bcemr_tr_state_refused *wanted; /* NULL: none */
    bool there;
    uint64_t next; /* number of the next one */
} refused_scan;

static bool same_evidence(const bcemr_tr_state_refused *a, const bcemr_tr_state_refused *b)
{
    return bcemr_span_equal(a->asked, b->asked) && bcemr_span_equal(a->own, b->own) &&
           bcemr_span_equal(a->who, b->who);
}

static bcemr_status scan_one(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    refused_scan *scan = user;
    bcemr_tr_state_refused row;
    bcemr_status status = must_be_whole(key, value);
    if (status == BCEMR_OK)
        status = bcemr_read_state_refused(value, &row, NULL);
    if (status != BCEMR_OK)
        return status;
    if (row.number >= scan->next)
        scan->next = row.number + 1;
    scan->there = scan->there || (scan->wanted && same_evidence(scan->wanted, &row));
    *more = !scan->there;
    return BCEMR_OK;
}

static bcemr_status scan_refused(const ledger_chain *chain, refused_scan *scan)
{
    return ledger_scan(&chain->state, LEDGER_REFUSED, (bcemr_span){0}, (bcemr_span){0}, scan_one,
                       scan);
}

static bcemr_status put_refused(ledger_chain *chain, const bcemr_tr_state_refused *row)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf written = BCEMR_BUF_EMPTY;
    ledger_key key;
    TRY(bcemr_write_state_refused(row, &written, NULL));
    ledger_key_begin(&key);
    ledger_key_add_number(&key, slot_of(row->number));
    TRY(chain_seal_record(ledger_key_span(&key), &written));
    const chain_row one = {LEDGER_REFUSED, ledger_key_span(&key), bcemr_buf_span(&written)};
    TRY(chain_put_alone(chain, &one, 1));
out:
    bcemr_buf_free(&written);
    return status;
}

static bcemr_status keep_refused(void *user, const bcemr_tr_checkpoint *asked,
                                 const bcemr_tr_checkpoint *own)
{
    const ledger_cosigner *cosigner = user;
    bcemr_status status = BCEMR_OK;
    bcemr_buf first = BCEMR_BUF_EMPTY, second = BCEMR_BUF_EMPTY;
    TRY(bcemr_write_checkpoint(asked, &first, NULL));
    TRY(bcemr_write_checkpoint(own, &second, NULL));
    bcemr_tr_state_refused row = {.asked = bcemr_buf_span(&first),
                                  .own = bcemr_buf_span(&second),
                                  .time = cosigner->now > 0 ? cosigner->now : 0,
                                  .who = cosigner->who};
    refused_scan scan = {.wanted = &row};
    TRY(scan_refused(cosigner->chain, &scan));
    if (scan.there)
        goto out;
    row.number = scan.next;
    status = put_refused(cosigner->chain, &row);
    if (status == BCEMR_E_TEXT || status == BCEMR_E_TOO_LONG) {
        row.who = (bcemr_span){0}; /* a name that nobody can write down must not save the rest */
        status = put_refused(cosigner->chain, &row);
    }
out:
    bcemr_buf_free(&first);
    bcemr_buf_free(&second);
    return status;
}

bcemr_status ledger_chain_refused(const ledger_chain *chain, ledger_refused_visitor visit,
                                  void *user, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_refused row;
    refused_scan scan = {0};
    ledger_key key;
    bool more = true;
    TRY_AT(scan_refused(chain, &scan), "refused", NULL);
    uint64_t oldest = scan.next > LEDGER_REFUSED_MAX ? scan.next - (LEDGER_REFUSED_MAX - 1)
                                                     : 1; /* but the first */
    for (uint64_t number = 0; number < scan.next && more;
         number = number == 0 ? oldest : number + 1) {
        ledger_key_begin(&key);
        ledger_key_add_number(&key, slot_of(number));
        TRY(ledger_get_record(&chain->state, LEDGER_REFUSED, ledger_key_span(&key),
                              &bcemr_type_state_refused, &held, &row, err));
        TRY(visit(user, &row, &more));
    }
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status ledger_chain_cosigner(const ledger_chain *chain, bcemr_span id, bcemr_buf *held,
                                   bcemr_tr_state_cosigner *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY(ledger_get_record(&chain->state, LEDGER_COSIGNER, id, &bcemr_type_state_cosigner, held, out,
                          err));
    TRY_AT(must_be_whole(id, bcemr_buf_span(held)), "cosigner", "check");
out:
    return status;
}

/* ---- what the cosigner asks of its chain ---- */

static bcemr_status own_checkpoint(void *user, uint64_t size, bcemr_tr_checkpoint *out)
{
    const ledger_cosigner *cosigner = user;
    const ledger_chain *chain = cosigner->chain;
    bcemr_status status = ledger_chain_checkpoint_at(chain, size, out, NULL);
    if (status != BCEMR_E_NOT_FOUND || size > chain->tip.size)
        return status;
    status = ledger_chain_checkpoint(chain, out, NULL);
    return status == BCEMR_OK ? BCEMR_E_ABSENT : status;
}

#define WORDS_MAX 16

/* The words that were given before, without the oldest when there would be too many. */
static bcemr_status old_words(const ledger_cosigner *cosigner, bcemr_buf *held, uint64_t room,
                              bcemr_span out[WORDS_MAX], uint64_t *count)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_state_cosigner row;
    *count = 0;
    status = ledger_chain_cosigner(cosigner->chain, cosigner->id, held, &row, NULL);
    if (status == BCEMR_E_NOT_FOUND)
        return BCEMR_OK;
    TRY(status);
    const uint64_t skip = row.words.count > room ? row.words.count - room : 0;
    bcemr_span word;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_state_word, &row.words);
    for (uint64_t i = 0; *count < WORDS_MAX && bcemr_list_next(&iter, &word); i++)
        if (i >= skip)
            out[(*count)++] = word;
out:
    return status;
}

/* The word that is given now, on the log as it stands. */
static bcemr_status new_word(const ledger_cosigner *cosigner, const bcemr_span *before,
                             bcemr_buf *out)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_cosigner *inner = &cosigner->cosigner;
    bcemr_buf log = BCEMR_BUF_EMPTY, last = BCEMR_BUF_EMPTY;
    bcemr_tr_state_word value = {.time = cosigner->now > 0 ? cosigner->now : 0}, previous;
    bcemr_tr_checkpoint newest;
    TRY(ledger_chain_checkpoint(cosigner->chain, &newest, NULL));
    TRY(bcemr_write_checkpoint(&newest, &log, NULL));
    if (inner->has_last)
        TRY(bcemr_write_checkpoint(&inner->last, &last, NULL));
    if (before) {
        TRY(bcemr_read_state_word(*before, &previous, NULL));
        value.number = previous.number + 1;
    }
    const bcemr_span item = bcemr_buf_span(&last);
    value.log = bcemr_buf_span(&log);
    value.last = BCEMR_LIST_OF(&item, inner->has_last ? 1 : 0);
    TRY(bcemr_write_state_word(&value, out, NULL));
out:
    bcemr_buf_free(&log);
    bcemr_buf_free(&last);
    return status;
}

/* Signed, waiting and whose word ended that are one row, so that resuming is one step. */
static bcemr_status put_row(const ledger_cosigner *cosigner, const bcemr_tr_checkpoint *last,
                            int64_t since)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf written = BCEMR_BUF_EMPTY, row = BCEMR_BUF_EMPTY;
    bcemr_buf held = BCEMR_BUF_EMPTY, word = BCEMR_BUF_EMPTY;
    bcemr_span words[WORDS_MAX];
    uint64_t count = 0;
    if (last)
        TRY(bcemr_write_checkpoint(last, &written, NULL));
    TRY(old_words(cosigner, &held, cosigner->by_word ? WORDS_MAX - 1 : WORDS_MAX, words, &count));
    if (cosigner->by_word) {
        TRY(new_word(cosigner, count > 0 ? &words[count - 1] : NULL, &word));
        words[count++] = bcemr_buf_span(&word);
    }
    const bcemr_span item = bcemr_buf_span(&written);
    const bcemr_tr_state_cosigner value = {
        .last = BCEMR_LIST_OF(&item, last ? 1 : 0),
        .waits = since > 0 ? BCEMR_yes_no_YES : BCEMR_yes_no_NO,
        .since = since,
        .words = BCEMR_LIST_OF(words, count),
    };
    TRY(bcemr_write_state_cosigner(&value, &row, NULL));
    TRY(chain_seal_record(cosigner->id, &row));
    const chain_row one = {LEDGER_COSIGNER, cosigner->id, bcemr_buf_span(&row)};
    TRY(chain_put_alone(cosigner->chain, &one, 1));
out:
    bcemr_buf_free(&written);
    bcemr_buf_free(&row);
    bcemr_buf_free(&held);
    bcemr_buf_free(&word);
    return status;
}

static bcemr_status keep_last(void *user, const bcemr_tr_checkpoint *last)
{
    return put_row(user, last, 0); /* who waits signs nothing, so this ends a wait */
}

static bcemr_status sign_by(void *user, const bcemr_tr_checkpoint *checkpoint, bcemr_g1_raw *out,
                            bcemr_error *err)
{
    const ledger_cosigner *cosigner = user;
    return cosigner->sign(cosigner->user, checkpoint, out, err);
}

static void wire_up(ledger_cosigner *cosigner, int64_t now, bcemr_span who)
{
    cosigner->cosigner.sign = sign_by;
    cosigner->cosigner.own = own_checkpoint;
    cosigner->cosigner.keep = keep_last;
    cosigner->cosigner.refused = keep_refused;
    cosigner->cosigner.user = cosigner;
    cosigner->now = now;
    cosigner->who = who;
}

/* ---- beginning ---- */

/* What was signed, and whether it waited when this process began. */
static bcemr_status load(ledger_cosigner *cosigner, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const ledger_chain *chain = cosigner->chain;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_cosigner row = {.waits = BCEMR_yes_no_NO};
    bcemr_tr_checkpoint last;
    bcemr_span item;
    status = ledger_chain_cosigner(chain, cosigner->id, &held, &row, err);
    if (status == BCEMR_E_NOT_FOUND)
        status = BCEMR_OK;
    TRY(status);
    bool has_last = bcemr_list_at(&bcemr_type_checkpoint, &row.last, 0, &item);
    if (has_last)
        TRY(bcemr_read_checkpoint(item, &last, err));
    bcemr_cosigner_begin(&cosigner->cosigner, &chain->id, has_last ? &last : NULL);
    if (row.waits == BCEMR_yes_no_YES)
        bcemr_cosigner_distrust(&cosigner->cosigner, row.since);
out:
    bcemr_buf_free(&held);
    return status;
}

/* The clock that made what was signed may have been ahead of this one. */
static bcemr_status begin_waiting(ledger_cosigner *cosigner, int64_t restored, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_params params;
    bcemr_cosigner *inner = &cosigner->cosigner;
    if (restored < 0 || restored > LEDGER_TAU_MAX)
        FAIL(BCEMR_E_INTEGER_RANGE, "cosigner", "restored");
    TRY(ledger_chain_params(cosigner->chain, &held, &params, err));
    bcemr_cosigner_distrust(inner, restored + (int64_t)params.clock_difference);
    TRY_AT(put_row(cosigner, inner->has_last ? &inner->last : NULL, inner->since), "cosigner",
           "restored");
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status ledger_cosigner_begin(ledger_cosigner *out, ledger_chain *chain, bcemr_span id,
                                   bcemr_checkpoint_signer sign, void *user, int64_t restored,
                                   bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    *out = (ledger_cosigner){.chain = chain, .id = id, .sign = sign, .user = user};
    TRY(load(out, err));
    if (restored != 0)
        TRY(begin_waiting(out, restored, err));
out:
    return status;
}

/* ---- Rekeys ---- */

/* Whether the entry that made set number is a Rekey of this member. */
static bcemr_status is_own_rekey(const ledger_cosigner *cosigner, uint64_t number, bool *own,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const ledger_chain *chain = cosigner->chain;
    bcemr_buf held = BCEMR_BUF_EMPTY, bytes = BCEMR_BUF_EMPTY;
    bcemr_tr_state_set set;
    bcemr_leaf_parts leaf;
    bcemr_tr_e_rekey rekey;
    bcemr_tr_member member;
    ledger_key key;
    *own = false;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, number);
    TRY(ledger_get_record(&chain->state, LEDGER_SETS, ledger_key_span(&key), &bcemr_type_state_set,
                          &held, &set, err));
    TRY_AT(ledger_chain_leaf(chain, set.leaf, &bytes), "set", "leaf");
    TRY(bcemr_leaf_read(bcemr_buf_span(&bytes), &leaf, err));
    if (leaf.parts.type != &bcemr_type_e_rekey)
        goto out;
    TRY(bcemr_read_e_rekey(leaf.parts.entry, &rekey, err));
    TRY(bcemr_read_member(rekey.member, &member, err));
    *own = bcemr_span_equal(member.id, cosigner->id);
out:
    bcemr_buf_free(&held);
    bcemr_buf_free(&bytes);
    return status;
}

/* A Rekey since the last signature, whoever asked for it: what the new keys may have signed
 * elsewhere is not known here. It holds over a restart: the last checkpoint is kept. */
static bcemr_status distrust_after_rekey(ledger_cosigner *cosigner, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_cosigner *inner = &cosigner->cosigner;
    bool rekeyed = false;
    uint64_t number = inner->has_last ? inner->last.set_number : 0;
    while (!rekeyed && number < cosigner->chain->tip.set_number)
        TRY(is_own_rekey(cosigner, ++number, &rekeyed, err));
    if (rekeyed)
        bcemr_cosigner_distrust(&cosigner->cosigner, 0);
out:
    return status;
}

/* ---- signing and resuming ---- */

bcemr_status ledger_cosigner_sign(ledger_cosigner *cosigner, const bcemr_tr_checkpoint *asked,
                                  int64_t now, bcemr_span who, bcemr_g1_raw *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    wire_up(cosigner, now, who);
    TRY(distrust_after_rekey(cosigner, err));
    TRY(bcemr_cosigner_sign(&cosigner->cosigner, asked, out, err));
out:
    return status;
}

bcemr_status ledger_cosigner_answer(ledger_cosigner *cosigner, bcemr_span question, int64_t now,
                                    bcemr_span who, bcemr_buf *answer, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_checkpoint asked;
    bcemr_g1_raw signature;
    bcemr_error why = {0};
    bcemr_tr_cosign_answer value = {.member = cosigner->id};
    TRY(bcemr_read_checkpoint(question, &asked, err));
    bcemr_sha256(question, &value.checkpoint);
    status = ledger_cosigner_sign(cosigner, &asked, now, who, &signature, &why);
    if (status == BCEMR_OK) {
        value.signature = bcemr_span_of(signature.b, sizeof signature.b);
    } else {
        value.status = (uint64_t)status;
        value.verdict = status == BCEMR_E_REFUSED ? (uint64_t)why.verdict : 0;
        value.field = why.field ? bcemr_text(why.field) : value.field;
    }
    TRY(bcemr_write_cosign_answer(&value, answer, err));
out:
    return status;
}

/* In a set where all others are too few, they may still give their word. */
static bcemr_status is_word_of_others(const bcemr_set *set, uint64_t place, bcemr_span cosigned,
                                      bool *word, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_cosigned value;
    TRY(bcemr_read_cosigned(cosigned, &value, err));
    *word = place != BCEMR_NOWHERE && bcemr_bitmap_check(value.signers, set->count) == BCEMR_OK &&
            !bcemr_bitmap_get(value.signers, place) &&
            !bcemr_set_majority(set->count, set->count - 1);
out:
    return status;
}

bcemr_status ledger_cosigner_resume(ledger_cosigner *cosigner, bcemr_span cosigned,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_context *context = cosigner->chain->context;
    bcemr_set set = BCEMR_SET_EMPTY;
    bool word = false;
    wire_up(cosigner, 0, (bcemr_span){0});
    TRY(distrust_after_rekey(cosigner, err));
    TRY(ledger_chain_set_now(cosigner->chain, &set, err));
    uint64_t place = bcemr_set_place(&set, cosigner->id);
    TRY(is_word_of_others(&set, place, cosigned, &word, err));
    if (word)
        TRY(bcemr_cosigner_resume_by_others(&cosigner->cosigner, context, &set, place, cosigned,
                                            err));
    else
        TRY(bcemr_cosigner_resume(&cosigner->cosigner, context, &set, place, cosigned, err));
out:
    bcemr_set_free(&set);
    return status;
}

bcemr_status ledger_cosigner_waits(ledger_cosigner *cosigner, bool *waits, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY(distrust_after_rekey(cosigner, err));
    *waits = !cosigner->cosigner.trusted;
out:
    return status;
}

bcemr_status ledger_cosigner_resume_by_operator(ledger_cosigner *cosigner, int64_t now,
                                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_tr_checkpoint newest;
    bool waits = false;
    wire_up(cosigner, now, (bcemr_span){0});
    TRY(ledger_cosigner_waits(cosigner, &waits, err));
    if (!waits)
        FAIL(BCEMR_E_STATE, "cosigner", "waits");
    TRY(ledger_chain_set_now(cosigner->chain, &set, err));
    REQUIRE(bcemr_set_place(&set, cosigner->id) != BCEMR_NOWHERE, BCEMR_BAD_SET, "set", "members");
    TRY(ledger_chain_checkpoint(cosigner->chain, &newest, err));
    cosigner->by_word = true;
    TRY(bcemr_cosigner_resume_by_operator(&cosigner->cosigner, &set, &newest, err));
out:
    cosigner->by_word = false;
    bcemr_set_free(&set);
    return status;
}
