/* SPDX-License-Identifier: Apache-2.0 */
/* All that must hold before a doctor signs, the hand-over to the relay, and the signature. */
#include "client/doctor_visit.h"
#include "wire/error.h"

#include <bcemr/hash.h>
#include <bcemr/proof.h>
#include <string.h>

#define MANIFESTS_MAX (2u << 20) /* of a visit together (section 1, limits) */
#define MANIFEST_LEFT (8u << 10) /* for each doctor still to come */

/* ---- what came before ---- */

static bcemr_status check_part(const bcemr_doctor_visit *visit, uint64_t j, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash commitment;
    uint64_t waiver = 0;
    const bcemr_visit_log *log = visit->ledger.log;
    const bcemr_signed_diagnosis *d = &log->diagnoses[j];
    const doctor_part *part = &visit->parts[j];
    if (!part->held || part->k != d->context.k)
        return wire_fail_at(err, BCEMR_E_STATE, "contribution", "place", j + 1, BCEMR_NOWHERE);
    TRY(bcemr_commitment(&visit->vid, j + 1, &part->contribution.salt, part->contribution.manifest,
                         part->contribution.presence, &commitment, err));
    REQUIRE_AT(bcemr_hash_equal(&commitment, &d->context.commitment), BCEMR_BAD_COMMITMENT,
               "contribution", "commitment", j + 1);
    REQUIRE_AT(d->context.time <= log->order.doctors[j].deadline, BCEMR_PAST_DEADLINE, "Sign",
               "time", j + 1);
    REQUIRE_VALID(bcemr_presence_check(&log->visit, &visit->vid, d->context.doctor, d->context.time,
                                       d->clock_difference, part->contribution.presence, &waiver,
                                       err),
                  "contribution", "presence");
out:
    return status;
}

static bcemr_status check_deltas(const bcemr_doctor_visit *visit, uint64_t count, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_visit_log *log = visit->ledger.log;
    uint64_t bad = 0;
    bcemr_tr_sign *signs = bcemr_allocate((count + 1) * sizeof *signs);
    bcemr_g1_raw *deltas = bcemr_allocate((count + 1) * sizeof *deltas);
    if (!signs || !deltas)
        FAIL(BCEMR_E_NO_MEMORY, "visit", "diagnoses");
    for (uint64_t j = 0; j < count; j++) {
        signs[j] = log->diagnoses[j].context;
        deltas[j] = log->diagnoses[j].delta;
    }
    if (count > 0)
        REQUIRE_VALID(bcemr_prefix_check(visit->doctor->context, &visit->vid, signs, deltas, count,
                                         &bad, err),
                      "Sign", "delta");
out:
    bcemr_release(signs);
    bcemr_release(deltas);
    return status;
}

bcemr_status doctor_manifest_fits(const bcemr_doctor_visit *visit, uint64_t place, uint64_t length,
                                  bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t total = length;
    for (uint64_t j = 0; j + 1 < place; j++)
        total += visit->parts[j].contribution.manifest.n;
    total += MANIFEST_LEFT * (visit->ledger.log->order.count - place);
    REQUIRE(total <= MANIFESTS_MAX, BCEMR_MANIFEST_LIMIT, "manifest", NULL);
out:
    return status;
}

/* Own turn, and the version to sign: 0, or one more after a Reissue. */
static bcemr_status own_turn(const bcemr_doctor_visit *visit, int64_t now, uint64_t *place,
                             uint64_t *k, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_visit_log *log = visit->ledger.log;
    *place = doctor_place(visit);
    *k = 0;
    REQUIRE(*place > 0, BCEMR_NOT_IN_ORDER, "visit", "team");
    if (log->pending_reissue == *place)
        *k = log->diagnoses[*place - 1].context.k + 1;
    else
        REQUIRE(*place == log->signed_count + 1, BCEMR_NOT_IN_ORDER, "visit", "team");
    REQUIRE(*k <= log->visit.reissues, BCEMR_REISSUE_LIMIT, "Sign", "k");
    REQUIRE(now <= log->order.doctors[*place - 1].deadline, BCEMR_PAST_DEADLINE, "visit",
            "deadline");
out:
    return status;
}

/* The run of the group key was for the order that is in force now. */
static bcemr_status epoch_in_force(const bcemr_doctor_visit *visit, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    REQUIRE(visit->epoch == visit->ledger.log->order.amendments, BCEMR_WRONG_ORDER_IN_FORCE,
            "visit", "order");
out:
    return status;
}

static bcemr_status check_before(bcemr_doctor_visit *visit, int64_t now, uint64_t *place,
                                 uint64_t *k, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    if (!visit->joined || visit->presence.n == 0 || visit->manifest.n == 0)
        FAIL(BCEMR_E_STATE, "diagnosis", NULL);
    TRY(doctor_refresh(visit, err));
    TRY(epoch_in_force(visit, err));
    TRY(own_turn(visit, now, place, k, err));
    for (uint64_t j = 0; j + 1 < *place; j++)
        TRY(check_part(visit, j, err));
    TRY(check_deltas(visit, *place - 1, err));
    TRY(doctor_manifest_fits(visit, *place, visit->manifest.n, err));
out:
    return status;
}

/* ---- hand over ---- */

/*
 * Whether a signature of this place and version is out that the ledger may still take. Clocks may
 * differ twice over: between doctor and ledger, and between ledger and the time signed.
 */
static bool entry_is_out(const bcemr_doctor_visit *visit, uint64_t place, uint64_t k,
                         uint64_t clock_difference, int64_t now)
{
    return visit->entry.n > 0 && visit->handed_place == place && visit->handed_k == k &&
           visit->handed_a == visit->epoch &&
           now - visit->entry_time <= 2 * (int64_t)clock_difference;
}

/* Such a signature is given again for the same diagnosis; for another one there is none beside it,
 * or one place and version would have two contents. */
static bcemr_status keep_or_drop_entry(bcemr_doctor_visit *visit, uint64_t place, uint64_t k,
                                       const bcemr_hash *commitment, int64_t now, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_facts facts;
    const bcemr_ledger_view *ledger = visit->doctor->ledger;
    TRY_AT(ledger->facts(ledger->user, &facts), "ledger", NULL);
    if (entry_is_out(visit, place, k, facts.clock_difference, now))
        REQUIRE(bcemr_hash_equal(&visit->commitment, commitment), BCEMR_REISSUE_NOT_ASKED, "Sign",
                "k");
    else
        bcemr_buf_clear(&visit->entry);
out:
    return status;
}

bcemr_status bcemr_doctor_hand_over(bcemr_doctor_visit *visit, const bcemr_source *sources,
                                    int64_t now, const bcemr_run *run, const bcemr_sink *sink,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf head = BCEMR_BUF_EMPTY;
    bcemr_composed composed;
    bcemr_hash commitment;
    uint64_t place = 0, k = 0;
    TRY(check_before(visit, now, &place, &k, err));
    TRY(bcemr_commitment(&visit->vid, place, &visit->salt, bcemr_buf_span(&visit->manifest),
                         bcemr_buf_span(&visit->presence), &commitment, err));
    TRY(keep_or_drop_entry(visit, place, k, &commitment, now, err));
    const bcemr_tr_contribution contribution = {visit->vid,  place,
                                                k,           bcemr_buf_span(&visit->manifest),
                                                visit->salt, bcemr_buf_span(&visit->presence)};
    TRY(bcemr_write_contribution(&contribution, &head, err));
    bcemr_source plain =
        bcemr_composed_source(&composed, bcemr_buf_span(&head), sources, visit->document_count);
    const bcemr_tr_msg ad = {visit->vid, visit->epoch, visit->doctor->id, place, k};
    TRY(bcemr_long_message_seal(&visit->gk, &ad, &plain, run, sink, err));
    visit->handed_over = true;
    visit->handed_place = place;
    visit->handed_k = k;
    visit->handed_a = visit->epoch;
    visit->commitment = commitment;
out:
    bcemr_buf_free(&head);
    return status;
}

uint64_t bcemr_doctor_version(const bcemr_doctor_visit *visit)
{
    return visit->handed_k;
}

/* ---- sign ---- */

static bcemr_status check_receipt(const bcemr_doctor_visit *visit, bcemr_span message,
                                  const bcemr_ed_signature *signature, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_member hospital;
    bcemr_tr_receipt receipt;
    const bcemr_visit_log *log = visit->ledger.log;
    TRY(bcemr_read_receipt(message, &receipt, err));
    TRY(client_member(visit->doctor->ledger, log->visit.hospital, BCEMR_role_HOSPITAL, BCEMR_NOW,
                      BCEMR_BAD_ENTRY_SIGNATURE, &buf, &hospital, err));
    REQUIRE(bcemr_ed_holds(&hospital.a, message, signature), BCEMR_BAD_ENTRY_SIGNATURE, "receipt",
            "signature");
    REQUIRE(bcemr_hash_equal(&receipt.ledger, &log->ledger) &&
                bcemr_hash_equal(&receipt.vid, &visit->vid) && receipt.i == visit->handed_place &&
                receipt.k == visit->handed_k,
            BCEMR_BAD_ENTRY_SIGNATURE, "receipt", "i");
    REQUIRE(bcemr_hash_equal(&receipt.commitment, &visit->commitment), BCEMR_BAD_COMMITMENT,
            "receipt", "commitment");
out:
    bcemr_buf_free(&buf);
    return status;
}

/* ctx_i of the version that was handed over. The last of the order draws its one-time key here. */
static bcemr_status make_context(bcemr_doctor_visit *visit, int64_t now, bcemr_tr_sign *context,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_visit_log *log = visit->ledger.log;
    uint64_t place = visit->handed_place;
    int64_t before = place == 1 ? INT64_MIN : log->diagnoses[place - 2].context.time;
    *context = (bcemr_tr_sign){.order = *bcemr_order_hash(&log->order),
                               .i = place,
                               .k = visit->handed_k,
                               .doctor = visit->doctor->id,
                               .x = visit->doctor->publics.x,
                               .time = now > before ? now : before + 1,
                               .previous =
                                   place == 1 ? visit->vid : log->diagnoses[place - 2].context_hash,
                               .commitment = visit->commitment};
    REQUIRE(context->time <= log->order.doctors[place - 1].deadline, BCEMR_PAST_DEADLINE, "Sign",
            "time");
    if (place == log->order.count) { /* a fresh one for every payload, always */
        uint8_t seed[32];
        bcemr_random(seed, sizeof seed);
        bcemr_ed_from_seed(seed, &visit->ssk, &visit->svk);
        bcemr_wipe(seed, sizeof seed);
        visit->sealed = false;
        context->svk = bcemr_span_of(visit->svk.b, sizeof visit->svk.b);
    }
out:
    return status;
}

static bcemr_status make_entry(bcemr_doctor_visit *visit, int64_t now, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_sign context;
    bcemr_g1_raw delta;
    TRY(make_context(visit, now, &context, err));
    TRY(bcemr_diagnosis_sign(&visit->doctor->secrets->x, &context, &delta, err));
    const bcemr_tr_e_sign sign = {.ledger = visit->ledger.log->ledger,
                                  .vid = visit->vid,
                                  .i = context.i,
                                  .k = context.k,
                                  .a = visit->handed_a,
                                  .commitment = context.commitment,
                                  .time = context.time,
                                  .delta = delta,
                                  .svk = context.svk};
    TRY(bcemr_signed_make_value(&bcemr_type_e_sign, &sign, NULL, 0, &visit->entry, err));
    visit->entry_time = context.time;
out:
    return status;
}

bcemr_status bcemr_doctor_sign(bcemr_doctor_visit *visit, bcemr_span receipt,
                               const bcemr_ed_signature *signature, int64_t now, bcemr_buf *entry,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t place = 0, k = 0;
    if (!visit->handed_over)
        FAIL(BCEMR_E_STATE, "Sign", NULL);
    /* Lost transport is answered by the same signature again (section 4, Reissue). */
    if (visit->entry.n == 0) {
        TRY(check_before(visit, now, &place, &k, err));
        REQUIRE(place == visit->handed_place && k == visit->handed_k &&
                    visit->epoch == visit->handed_a,
                BCEMR_WRONG_ORDER_IN_FORCE, "Sign", "i");
        TRY(check_receipt(visit, receipt, signature, err));
        TRY(make_entry(visit, now, err));
    }
    TRY_AT(bcemr_buf_append(entry, bcemr_buf_span(&visit->entry)), "Sign", NULL);
out:
    return status;
}

bcemr_status bcemr_doctor_reissue(bcemr_doctor_visit *visit, bcemr_reissue_reason reason,
                                  bcemr_buf *entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY(doctor_refresh(visit, err));
    const bcemr_visit_log *log = visit->ledger.log;
    uint64_t place = doctor_place(visit);
    REQUIRE(place > 1 && log->signed_count == place - 1, BCEMR_NOT_IN_ORDER, "Reissue", "i");
    const bcemr_tr_sign *before = &log->diagnoses[place - 2].context;
    REQUIRE(before->k < log->visit.reissues, BCEMR_REISSUE_LIMIT, "Reissue", "k");
    const bcemr_tr_e_reissue reissue = {log->ledger, visit->vid, place - 1, before->k,
                                        (uint64_t)reason};
    TRY(client_signed_by(&bcemr_type_e_reissue, &reissue, "doctor", visit->doctor->id,
                         &visit->doctor->secrets->a, entry, err));
out:
    return status;
}
