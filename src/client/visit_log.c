/* SPDX-License-Identifier: Apache-2.0 */
/* A visit replayed from its leaves (sections 3, 4, 6). One function an entry, one table. */
#include "client/visit_replay.h"
#include "wire/error.h"

#include <bcemr/hash.h>
#include <bcemr/visit_log.h>
#include <string.h>

#define CHECK(condition, field) REQUIRE(condition, BCEMR_BAD_CASE_BLOCK, "visit", field)

static bcemr_status on_admit(bcemr_visit_log *log, bcemr_span entry, const bcemr_tr_leaf *leaf,
                             bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_admit admit;
    TRY(bcemr_read_e_admit(entry, &admit, err));
    CHECK(log->ticket.n == 0, "Admit");
    log->ledger = admit.ledger;
    log->ticket = admit.visit;
    log->signatures[0] = admit.signature;
    log->admitted = leaf->tau;
    bcemr_sha256(entry, &log->entries[0]);
    TRY(bcemr_read_visit(admit.visit, &log->visit, err));
    TRY(bcemr_read_acceptance(admit.acceptance, &log->acceptance, err));
    REQUIRE(bcemr_hash_equal(&log->visit.ledger, &admit.ledger), BCEMR_WRONG_LEDGER, "visit",
            "ledger");
    bcemr_verdict verdict = bcemr_order_begin(admit.visit, &log->order, err);
    if (verdict == BCEMR_UNDECIDED)
        status = err ? err->status : BCEMR_E_ARGUMENT;
    else if (verdict != BCEMR_VALID)
        status = wire_refuse(err, verdict, "visit", "team", BCEMR_NOWHERE);
    log->vid = log->order.vid;
out:
    return status;
}

static bcemr_status on_amend(bcemr_visit_log *log, bcemr_span entry, const bcemr_tr_leaf *leaf,
                             bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_amend amend;
    bcemr_tr_amend body;
    TRY(bcemr_read_e_amend(entry, &amend, err));
    TRY(bcemr_read_amend(amend.amend, &body, err));
    REQUIRE(body.signed_count == log->signed_count, BCEMR_BAD_AMENDMENT_CHAIN, "amend",
            "signed_count");
    CHECK(log->order.amendments < BCEMR_TEAM_MAX && !log->sealed && !log->aborted, "Amend");
    bcemr_verdict verdict = bcemr_order_amend(&log->order, amend.amend, err);
    if (verdict == BCEMR_UNDECIDED)
        return err ? err->status : BCEMR_E_ARGUMENT;
    if (verdict != BCEMR_VALID)
        return wire_refuse(err, verdict, "amend", NULL, BCEMR_NOWHERE);
    REQUIRE(log->order.doctors[log->signed_count].deadline > leaf->tau, BCEMR_BAD_TEAM, "amend",
            "deadline");
    log->amendments[log->order.amendments - 1] = amend.amend;
    bcemr_sha256(entry, &log->entries[log->order.amendments]);
    log->signatures[log->order.amendments] = amend.signature;
out:
    return status;
}

/* k is 0, or the last k + 1 after a Reissue; the one asked again is always the last who signed. */
static bool sign_comes_now(const bcemr_visit_log *log, const bcemr_tr_e_sign *sign)
{
    if (log->sealed || log->aborted || sign->a != log->order.amendments ||
        sign->i > log->order.count)
        return false;
    if (log->pending_reissue > 0 && sign->i == log->pending_reissue)
        return sign->i == log->signed_count && sign->k == log->diagnoses[sign->i - 1].context.k + 1;
    return sign->i == log->signed_count + 1 && sign->k == 0;
}

static bcemr_status on_sign(bcemr_visit_log *log, bcemr_span entry, const bcemr_tr_leaf *leaf,
                            bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_sign sign;
    TRY(bcemr_read_e_sign(entry, &sign, err));
    REQUIRE_AT(sign_comes_now(log, &sign), BCEMR_NOT_IN_ORDER, "Sign", "i", sign.i);
    bool last = sign.i == log->order.count;
    REQUIRE_AT((sign.svk.n > 0) == last, BCEMR_WRONG_SEAL_KEY, "Sign", "svk", sign.i);
    const bcemr_tr_team_doctor *doctor = &log->order.doctors[sign.i - 1];
    REQUIRE_AT(sign.time <= doctor->deadline, BCEMR_PAST_DEADLINE, "Sign", "time", sign.i);
    bcemr_signed_diagnosis *d = &log->diagnoses[sign.i - 1];
    d->context = (bcemr_tr_sign){.order = *bcemr_order_hash(&log->order),
                                 .i = sign.i,
                                 .k = sign.k,
                                 .doctor = doctor->doctor,
                                 .x = doctor->x,
                                 .time = sign.time,
                                 .previous = sign.i == 1 ? log->vid
                                                         : log->diagnoses[sign.i - 2].context_hash,
                                 .commitment = sign.commitment,
                                 .svk = sign.svk};
    d->delta = sign.delta;
    d->a = sign.a;
    d->height = leaf->height;
    d->tau = leaf->tau;
    TRY(bcemr_hash_value(&bcemr_type_sign, &d->context, &d->context_hash, err));
    log->signed_count = sign.i;
    log->pending_reissue = 0; /* answered, or cancelled by the next doctor's signature */
out:
    return status;
}

static bcemr_status on_reissue(bcemr_visit_log *log, bcemr_span entry, const bcemr_tr_leaf *leaf,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_reissue reissue;
    TRY(bcemr_read_e_reissue(entry, &reissue, err));
    CHECK(reissue.i == log->signed_count && log->pending_reissue == 0 &&
              reissue.k == log->diagnoses[reissue.i - 1].context.k && !log->sealed && !log->aborted,
          "Reissue");
    REQUIRE(reissue.k < log->visit.reissues, BCEMR_REISSUE_LIMIT, "Reissue", "k");
    REQUIRE(leaf->tau <= log->order.doctors[reissue.i - 1].deadline, BCEMR_PAST_DEADLINE, "Reissue",
            "i");
    log->pending_reissue = reissue.i;
    log->reissue_reason = reissue.reason;
out:
    return status;
}

static bcemr_status on_abort(bcemr_visit_log *log, bcemr_span entry, const bcemr_tr_leaf *leaf,
                             bcemr_error *err)
{
    (void)entry;
    (void)leaf;
    bcemr_status status = BCEMR_OK;
    CHECK(!log->sealed && !log->aborted, "Abort");
    log->aborted = true;
out:
    return status;
}

static bcemr_status on_seal(bcemr_visit_log *log, bcemr_span entry, const bcemr_tr_leaf *leaf,
                            bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_seal seal;
    bcemr_tr_case record_case;
    TRY(bcemr_read_e_seal(entry, &seal, err));
    TRY(bcemr_read_case(seal.record_case, &record_case, err));
    CHECK(!log->sealed && !log->aborted && bcemr_visit_log_complete(log), "Seal");
    CHECK(bcemr_hash_equal(&record_case.vid, &log->vid) &&
              bcemr_hash_equal(&record_case.order, bcemr_order_hash(&log->order)) &&
              bcemr_hash_equal(&record_case.last_context, bcemr_visit_log_last_context(log)),
          "case");
    CHECK(bcemr_span_equal(bcemr_span_of(record_case.svk.b, sizeof record_case.svk.b),
                           log->diagnoses[log->signed_count - 1].context.svk),
          "svk");
    log->sealed = true;
    log->sealed_at = leaf->tau;
    log->record_case = seal.record_case;
    log->confirmers = seal.confirmers;
    log->confirmation = seal.signature;
out:
    return status;
}

static const struct {
    const bcemr_type *type;
    bcemr_status (*apply)(bcemr_visit_log *, bcemr_span, const bcemr_tr_leaf *, bcemr_error *);
} entries[] = {
    {&bcemr_type_e_admit, on_admit}, {&bcemr_type_e_amend, on_amend},
    {&bcemr_type_e_sign, on_sign},   {&bcemr_type_e_reissue, on_reissue},
    {&bcemr_type_e_abort, on_abort}, {&bcemr_type_e_seal, on_seal},
};

static bcemr_status apply_leaf(bcemr_visit_log *log, client_visit_leaf *at, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY(bcemr_read_leaf(at->raw, &at->leaf, err));
    TRY(bcemr_read_signed(at->leaf.signed_entry, &at->entry, err));
    at->type = bcemr_type_of(at->entry.entry);
    CHECK((log->ticket.n > 0) == (at->type != &bcemr_type_e_admit), "Admit");
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
        if (entries[i].type == at->type)
            return entries[i].apply(log, at->entry.entry, &at->leaf, err);
    CHECK(false, "entry");
out:
    return status;
}

bcemr_status client_visit_replay(const bcemr_list *leaves, const client_visit_watcher *watcher,
                                 bcemr_visit_log *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error here = {0};
    client_visit_leaf at = {.index = 0};
    memset(out, 0, sizeof *out);
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_leaf, leaves);
    for (; bcemr_list_next(&iter, &at.raw); at.index++) {
        TRY(apply_leaf(out, &at, &here));
        if (watcher)
            TRY(watcher->after(watcher->user, out, &at, &here));
    }
    if (out->ticket.n == 0)
        status = wire_refuse(&here, BCEMR_NOT_ADMITTED, "visit", NULL, BCEMR_NOWHERE);
out:
    if (status != BCEMR_OK) {
        memset(out, 0, sizeof *out);
        if (err)
            *err = here;
    }
    return status;
}

bcemr_status bcemr_visit_log_read(const bcemr_list *leaves, bcemr_visit_log *out, bcemr_error *err)
{
    return client_visit_replay(leaves, NULL, out, err);
}

const bcemr_hash *bcemr_visit_log_last_context(const bcemr_visit_log *log)
{
    return log->signed_count > 0 ? &log->diagnoses[log->signed_count - 1].context_hash : &log->vid;
}

bool bcemr_visit_log_complete(const bcemr_visit_log *log)
{
    return log->signed_count == log->order.count && log->pending_reissue == 0;
}

static bcemr_verdict deltas(const bcemr_context *context, const bcemr_visit_log *log,
                            bcemr_error *err)
{
    bcemr_verdict verdict = BCEMR_UNDECIDED;
    uint64_t bad = 0, n = log->signed_count;
    bcemr_tr_sign *signs = bcemr_allocate((n + 1) * sizeof *signs);
    bcemr_g1_raw *shares = bcemr_allocate((n + 1) * sizeof *shares);
    if (!signs || !shares) {
        (void)wire_fail(err, BCEMR_E_NO_MEMORY, "visit", NULL);
        goto out;
    }
    for (uint64_t i = 0; i < n; i++) {
        signs[i] = log->diagnoses[i].context;
        shares[i] = log->diagnoses[i].delta;
    }
    verdict =
        n == 0 ? BCEMR_VALID : bcemr_prefix_check(context, &log->vid, signs, shares, n, &bad, err);
    if (verdict != BCEMR_VALID && verdict != BCEMR_UNDECIDED)
        (void)wire_refuse(err, verdict, "visit", "diagnoses", bad);
out:
    bcemr_release(signs);
    bcemr_release(shares);
    return verdict;
}

bcemr_verdict bcemr_visit_log_signatures(const bcemr_context *context, const bcemr_visit_log *log,
                                         const bcemr_ed_raw *hospital, bcemr_error *err)
{
    if (!BCEMR_HOLDS(BCEMR_BAD_TICKET_SIGNATURE,
                     bcemr_ed_holds(&hospital[0], log->ticket, &log->signatures[0])))
        return BCEMR_BAD_TICKET_SIGNATURE;
    for (uint64_t a = 0; a < log->order.amendments; a++)
        if (!BCEMR_HOLDS(
                BCEMR_BAD_AMENDMENT_SIGNATURE,
                bcemr_ed_holds(&hospital[a + 1], log->amendments[a], &log->signatures[a + 1])))
            return BCEMR_BAD_AMENDMENT_SIGNATURE;
    bcemr_verdict verdict = bcemr_acceptance_check(&log->visit, &log->vid, &log->acceptance, err);
    return verdict == BCEMR_VALID ? deltas(context, log, err) : verdict;
}
