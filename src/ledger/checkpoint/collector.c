/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/checkpoint/collector.h"

#include "ledger/chain/internal.h"

#include <string.h>

/* ---- beginning ---- */

/* Who is needed: more than two thirds, or, for one that is to resume, all others. */
static bcemr_status whom_to_ask(ledger_collector *c, bcemr_span resumes, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t others = c->set.count - 1;
    c->resumes = BCEMR_NOWHERE;
    c->needed = bcemr_set_needed(c->set.count);
    if (resumes.n == 0)
        goto out;
    c->resumes = bcemr_set_place(&c->set, resumes);
    REQUIRE(c->resumes != BCEMR_NOWHERE, BCEMR_BAD_SET, "collector", "resumes");
    if (c->resumes == BCEMR_NOWHERE)
        FAIL(BCEMR_E_ARGUMENT, "collector", "resumes");
    REQUIRE(others > 0 && !bcemr_set_majority(c->set.count, others), BCEMR_NOT_ENTITLED,
            "collector", "resumes");
    c->needed = others;
    c->rows[c->resumes].part = LEDGER_PART_EXCLUDED;
out:
    return status;
}

bcemr_status ledger_collector_begin(ledger_collector *out, const ledger_collector_setup *setup,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_checkpoint *checkpoint = setup->checkpoint;
    memset(out, 0, sizeof *out);
    if (setup->ms <= 0 || setup->now < 0 || setup->now > INT64_MAX - setup->ms)
        FAIL(BCEMR_E_ARGUMENT, "collector", "ms");
    out->context = setup->context;
    out->checkpoint = *checkpoint;
    out->deadline = setup->now + setup->ms;
    out->until_then = setup->until_then;
    TRY(bcemr_set_read(bcemr_buf_span(&setup->set->encoding), &out->set, err));
    REQUIRE(checkpoint->set_number == out->set.number &&
                bcemr_hash_equal(&checkpoint->set, &out->set.hash),
            BCEMR_BAD_SET, "checkpoint", "set");
    TRY(whom_to_ask(out, setup->resumes, err));
    TRY(bcemr_write_checkpoint(checkpoint, &out->question, err));
    bcemr_sha256(bcemr_buf_span(&out->question), &out->asked);
out:
    if (status != BCEMR_OK)
        ledger_collector_free(out);
    return status;
}

bcemr_status ledger_collector_begin_at(ledger_collector *out, const ledger_chain *chain,
                                       int64_t now, int64_t ms, bool until_then, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    uint64_t held = 0;
    memset(out, 0, sizeof *out);
    TRY_AT(ledger_chain_cosigned_size(chain, &held), "cosigned", NULL);
    TRY(ledger_chain_checkpoint(chain, &checkpoint, err));
    if (held >= checkpoint.size)
        FAIL(BCEMR_E_EXISTS, "checkpoint", "size");
    TRY(ledger_chain_set_now(chain, &set, err));
    const ledger_collector_setup setup = {.context = chain->context,
                                          .set = &set,
                                          .checkpoint = &checkpoint,
                                          .now = now,
                                          .ms = ms,
                                          .until_then = until_then};
    TRY(ledger_collector_begin(out, &setup, err));
out:
    bcemr_set_free(&set);
    return status;
}

void ledger_collector_free(ledger_collector *collector)
{
    if (!collector)
        return;
    bcemr_set_free(&collector->set);
    bcemr_buf_free(&collector->question);
    bcemr_buf_free(&collector->cosigned);
    memset(collector, 0, sizeof *collector);
}

void ledger_collector_sent(ledger_collector *collector, bcemr_span member)
{
    uint64_t place = bcemr_set_place(&collector->set, member);
    if (place != BCEMR_NOWHERE && collector->rows[place].part == LEDGER_PART_NOT_ASKED)
        collector->rows[place].part = LEDGER_PART_ASKED;
}

/* ---- sums ---- */

static uint64_t signed_count(const ledger_collector *c)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < c->set.count; i++)
        count += c->rows[i].part == LEDGER_PART_SIGNED;
    return count;
}

/* All signatures at hand as one, checked as who gets it will. */
static bcemr_status join(const ledger_collector *c, bcemr_buf *out, bool *holds, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_g1_raw signatures[BCEMR_SET_MAX];
    uint8_t signers[8] = {0};
    uint64_t n = 0;
    for (uint64_t i = 0; i < c->set.count; i++)
        if (c->rows[i].part == LEDGER_PART_SIGNED) {
            bcemr_bitmap_set(signers, i);
            signatures[n++] = c->rows[i].signature;
        }
    status = bcemr_checkpoint_join(&c->set, &c->checkpoint,
                                   bcemr_span_of(signers, bcemr_bitmap_size(c->set.count)),
                                   signatures, out, err);
    if (status == BCEMR_E_POINT_IDENTITY) {
        *holds = false; /* they cancel: some are bad */
        return BCEMR_OK;
    }
    TRY(status);
    bcemr_span made = bcemr_buf_span(out);
    const bcemr_hash *ledger = &c->checkpoint.ledger;
    bcemr_verdict verdict =
        c->resumes == BCEMR_NOWHERE
            ? bcemr_checkpoint_check(c->context, ledger, &c->set, made, NULL, err)
            : bcemr_checkpoint_others_check(c->context, ledger, &c->set, c->resumes, made, NULL,
                                            err);
    if (verdict == BCEMR_UNDECIDED)
        return wire_verdict(err, verdict, "cosigned", NULL);
    *holds = verdict == BCEMR_VALID;
out:
    return status;
}

/* One signature by itself. A bad one makes room for another. */
static bcemr_status check_single(ledger_collector *c, uint64_t place, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    ledger_part_row *row = &c->rows[place];
    if (row->part != LEDGER_PART_SIGNED || row->checked)
        goto out;
    bcemr_verdict verdict = bcemr_checkpoint_part_check(c->context, &c->set.members[place],
                                                        &c->checkpoint, &row->signature, err);
    if (verdict == BCEMR_UNDECIDED && err->status == BCEMR_E_NO_MEMORY)
        TRY(err->status);
    row->checked = verdict == BCEMR_VALID;
    if (!row->checked)
        row->part = LEDGER_PART_BAD;
out:
    return status;
}

/* Joins when there are enough, and more than the result has. When the sum does not hold, the bad
 * ones are named and what is left is tried again. */
static bcemr_status settle(ledger_collector *c, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf made = BCEMR_BUF_EMPTY;
    bool holds = false;
    for (int round = 0; round < 2 && !holds; round++) {
        uint64_t count = signed_count(c);
        if (count < c->needed || count <= c->joined)
            break;
        bcemr_buf_clear(&made);
        TRY(join(c, &made, &holds, err));
        for (uint64_t i = 0; i < c->set.count && !holds; i++)
            TRY(check_single(c, i, err));
        if (!holds)
            continue;
        bcemr_buf_free(&c->cosigned);
        c->cosigned = made;
        c->joined = count;
        made = BCEMR_BUF_EMPTY;
    }
out:
    bcemr_buf_free(&made);
    return status;
}

/* ---- answers ---- */

static bcemr_status take_signature(ledger_collector *c, uint64_t place, bcemr_span signature,
                                   bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    ledger_part_row *row = &c->rows[place];
    bcemr_g1_raw raw;
    bcemr_g1 point;
    memcpy(raw.b, signature.p, sizeof raw.b);
    /* Another one than what is held: one of the two is bad, since there is but one. */
    if (row->part == LEDGER_PART_SIGNED && memcmp(row->signature.b, raw.b, sizeof raw.b) != 0)
        TRY(check_single(c, place, err));
    if (row->part == LEDGER_PART_SIGNED)
        FAIL(BCEMR_E_REPEATED, "part", "member");
    row->part = LEDGER_PART_BAD;
    REQUIRE_AT(bcemr_g1_decode(&raw, &point) == BCEMR_OK, BCEMR_BAD_CHECKPOINT, "part", "signature",
               place);
    *row = (ledger_part_row){.part = LEDGER_PART_SIGNED, .signature = raw};
    status = settle(c, err);
    if (status != BCEMR_OK)
        row->part = LEDGER_PART_ASKED; /* nothing is known of it: it may come again */
    TRY(status);
    REQUIRE_AT(row->part == LEDGER_PART_SIGNED, BCEMR_BAD_CHECKPOINT, "part", "signature", place);
out:
    return status;
}

static bcemr_status take_refusal(ledger_collector *c, uint64_t place,
                                 const bcemr_tr_cosign_answer *answer, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    ledger_part_row *row = &c->rows[place];
    if (row->part == LEDGER_PART_SIGNED)
        FAIL(BCEMR_E_REPEATED, "part", "member"); /* what is signed stays signed */
    if (answer->status == BCEMR_OK)
        FAIL(BCEMR_E_ABSENT, "part", "signature");
    *row = (ledger_part_row){.part = LEDGER_PART_REFUSED,
                             .status = (bcemr_status)answer->status,
                             .verdict = (bcemr_verdict)answer->verdict};
    memcpy(row->field, answer->field.p ? answer->field.p : (const uint8_t *)"",
           (size_t)answer->field.n);
out:
    return status;
}

bcemr_status ledger_collector_take(ledger_collector *c, int64_t now, bcemr_span answer,
                                   bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_cosign_answer value;
    bcemr_error local = {0};
    err = err ? err : &local;
    if (now >= c->deadline)
        FAIL(BCEMR_E_TIMED_OUT, "collector", "deadline");
    TRY(bcemr_read_cosign_answer(answer, &value, err));
    uint64_t place = bcemr_set_place(&c->set, value.member);
    REQUIRE(place != BCEMR_NOWHERE && place != c->resumes, BCEMR_BAD_SET, "part", "member");
    if (place == BCEMR_NOWHERE)
        FAIL(BCEMR_E_NOT_FOUND, "part", "member");
    REQUIRE_AT(bcemr_hash_equal(&value.checkpoint, &c->asked), BCEMR_BAD_CHECKPOINT, "part",
               "checkpoint", place);
    if (value.signature.n > 0)
        TRY(take_signature(c, place, value.signature, err));
    else
        TRY(take_refusal(c, place, &value, err));
out:
    return status;
}

/* ---- the end ---- */

ledger_collecting ledger_collector_state(const ledger_collector *c, int64_t now)
{
    uint64_t asked = c->set.count - (c->resumes != BCEMR_NOWHERE);
    if (c->joined > 0 && (!c->until_then || c->joined == asked || now >= c->deadline))
        return LEDGER_COLLECTED;
    return now < c->deadline ? LEDGER_COLLECTING : LEDGER_MISSED;
}

bcemr_status ledger_collector_result(const ledger_collector *c, int64_t now, bcemr_buf *out,
                                     bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    ledger_collecting state = ledger_collector_state(c, now);
    if (state == LEDGER_COLLECTING)
        FAIL(BCEMR_E_STATE, "collector", "deadline");
    for (uint64_t i = 0; state == LEDGER_MISSED && i < c->set.count; i++)
        if (c->rows[i].part == LEDGER_PART_NOT_ASKED || c->rows[i].part == LEDGER_PART_ASKED)
            FAIL(BCEMR_E_TIMED_OUT, "checkpoint", "signers");
    if (state == LEDGER_MISSED)
        return wire_refuse(err, BCEMR_NOT_ENOUGH_SIGNERS, "checkpoint", "signers", BCEMR_NOWHERE);
    TRY_AT(bcemr_buf_append(out, bcemr_buf_span(&c->cosigned)), "checkpoint", NULL);
out:
    return status;
}

const char *ledger_part_text(ledger_part part)
{
    switch (part) {
    case LEDGER_PART_NOT_ASKED:
        return "never asked";
    case LEDGER_PART_ASKED:
        return "no answer";
    case LEDGER_PART_SIGNED:
        return "signed";
    case LEDGER_PART_REFUSED:
        return "refused";
    case LEDGER_PART_BAD:
        return "sent a signature that does not hold";
    case LEDGER_PART_EXCLUDED:
        return "is to resume on this";
    }
    return "unknown";
}
