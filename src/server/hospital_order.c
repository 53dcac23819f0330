/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a visit that is running: amendment, reissue, abort (sections 3 and 4). */
#include "server/hospital_visit.h"

#include <bcemr/visit.h>

/* ---- who a doctor of the order is now ---- */

/* A visit runs for days: keys that were active when the order was made need not be any more. */
bcemr_status hospital_check_doctor(hospital *h, const bcemr_visit_log *log, uint64_t place,
                                   bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_ledger_facts facts;
    bcemr_tr_e_enrol enrol;
    bool retired = false;
    if (place == 0 || place > log->order.count)
        FAIL(BCEMR_E_ARGUMENT, "visit", "team");
    const bcemr_tr_team_doctor *doctor = &log->order.doctors[place - 1];
    const bcemr_span x = bcemr_span_of(doctor->x.b, sizeof doctor->x.b);
    const bcemr_span e = bcemr_span_of(doctor->e.b, sizeof doctor->e.b);
    TRY(server_facts(h->setup.ledger, &facts, err));
    TRY(server_stopped(h->setup.ledger, "Retire", x, &retired, NULL, err));
    REQUIRE(!retired, BCEMR_DOCTOR_RETIRED, "visit", "team");
    TRY(client_enrolment(h->setup.ledger, doctor->doctor, &buf, &enrol, NULL, NULL, err));
    REQUIRE(bcemr_span_equal(enrol.x, x) && bcemr_span_equal(enrol.e, e), BCEMR_NOT_ENROLLED,
            "enrolment", "x");
    REQUIRE(enrol.not_before <= facts.tau && facts.tau <= enrol.not_after, BCEMR_NOT_ENROLLED,
            "enrolment", "not_after");
out:
    bcemr_buf_free(&buf);
    return status;
}

/* ---- amendment, reissue, abort ---- */

/* The amendment fits the order in force: tried on a copy of it. */
static bcemr_status try_amendment(const bcemr_order *order, bcemr_span amendment, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_order *copy = bcemr_allocate(sizeof *copy);
    if (!copy)
        FAIL(BCEMR_E_NO_MEMORY, "amend", NULL);
    *copy = *order;
    CHECK(bcemr_order_amend(copy, amendment, err), "amend", NULL);
out:
    bcemr_release(copy);
    return status;
}

static bcemr_status post_amendment(hospital *h, const bcemr_visit_log *log,
                                   const bcemr_tr_team_doctor *rows, uint64_t count, int64_t now,
                                   bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf encoding = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    const bcemr_tr_amend amend = {.vid = log->vid,
                                  .number = log->order.amendments + 1,
                                  .previous = *bcemr_order_hash(&log->order),
                                  .signed_count = log->signed_count,
                                  .tail = BCEMR_LIST_OF(rows, count),
                                  .issued = now};
    TRY(bcemr_write_amend(&amend, &encoding, err));
    TRY(try_amendment(&log->order, bcemr_buf_span(&encoding), err));
    TRY(h->setup.signer->sign(h->setup.signer->user, bcemr_buf_span(&encoding), &signature, err));
    const bcemr_tr_e_amend entry = {log->ledger, bcemr_buf_span(&encoding), signature};
    TRY(server_post(h->setup.outbox, &bcemr_type_e_amend, &entry, err));
out:
    bcemr_buf_free(&encoding);
    return status;
}

bcemr_status hospital_amend(hospital *h, const bcemr_hash *vid, const hospital_place *tail,
                            uint64_t count, int64_t now, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    hospital_visit *visit = NULL;
    bcemr_buf buffers[BCEMR_TEAM_MAX] = {{0}};
    bcemr_tr_team_doctor *rows = bcemr_allocate(BCEMR_TEAM_MAX * sizeof *rows);
    if (!rows)
        FAIL(BCEMR_E_NO_MEMORY, "amend", NULL);
    if (count == 0 || count > BCEMR_TEAM_MAX)
        FAIL(count == 0 ? BCEMR_E_TOO_FEW : BCEMR_E_TOO_MANY, "amend", "tail");
    TRY(hospital_open_visit(h, vid, &visit, &log, err));
    REQUIRE(log.log->order.amendments < BCEMR_TEAM_MAX, BCEMR_BAD_AMENDMENT_CHAIN, "amend",
            "number");
    TRY(hospital_rows(h, tail, count, now, buffers, rows, err));
    REQUIRE_AT(tail[0].deadline > now, BCEMR_BAD_TEAM, "amend", "tail", 0);
    TRY(post_amendment(h, log.log, rows, count, now, err));
out:
    for (uint64_t i = 0; i < BCEMR_TEAM_MAX; i++)
        bcemr_buf_free(&buffers[i]);
    bcemr_release(rows);
    client_visit_free(&log);
    return status;
}

/* Signs an entry as the hospital and puts it into the outbox. */
static bcemr_status post_signed(hospital *h, const bcemr_type *type, const void *entry,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf signed_entry = BCEMR_BUF_EMPTY;
    TRY(server_entry_signed(h->setup.signer, "hospital", h->setup.id, type, entry, &signed_entry,
                            err));
    TRY(h->setup.outbox->put(h->setup.outbox->user, bcemr_buf_span(&signed_entry), err));
out:
    bcemr_buf_free(&signed_entry);
    return status;
}

bcemr_status hospital_reissue(hospital *h, const bcemr_hash *vid, bcemr_reissue_reason reason,
                              int64_t now, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    hospital_visit *visit = NULL;
    TRY(hospital_open_visit(h, vid, &visit, &log, err));
    uint64_t n = log.log->order.count;
    const bcemr_tr_sign *last = &log.log->diagnoses[n - 1].context;
    REQUIRE(log.log->signed_count == n, BCEMR_NOT_ALL_SIGNED, "visit", "diagnoses");
    REQUIRE(log.log->pending_reissue == 0, BCEMR_REISSUE_PENDING, "visit", "Reissue");
    REQUIRE(last->k < log.log->visit.reissues, BCEMR_REISSUE_LIMIT, "Reissue", "k");
    REQUIRE(now <= log.log->order.doctors[n - 1].deadline, BCEMR_PAST_DEADLINE, "visit",
            "deadline");
    const bcemr_tr_e_reissue entry = {log.log->ledger, *vid, n, last->k, (uint64_t)reason};
    TRY(post_signed(h, &bcemr_type_e_reissue, &entry, err));
out:
    client_visit_free(&log);
    return status;
}

bcemr_status hospital_abort(hospital *h, const bcemr_hash *vid, bcemr_abort_reason reason,
                            bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    hospital_visit *visit = NULL;
    TRY(hospital_open_visit(h, vid, &visit, &log, err));
    const bcemr_tr_e_abort entry = {log.log->ledger, *vid, (uint64_t)reason};
    TRY(post_signed(h, &bcemr_type_e_abort, &entry, err));
out:
    client_visit_free(&log);
    return status;
}
