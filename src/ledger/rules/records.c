/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolments, visits, signatures and cases as the families load and put them. */
#include "ledger/rules/run.h"

#include <string.h>

bcemr_status rules_enrolment(rules *r, bcemr_span id, bcemr_buf *held,
                             bcemr_tr_state_enrolment *out, bcemr_tr_e_enrol *enrol, bool *there)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_buf last = BCEMR_BUF_EMPTY;
    *there = false;
    status = ledger_get(r->state, LEDGER_DOCTORS, id, &last);
    if (status == BCEMR_E_NOT_FOUND) {
        status = BCEMR_OK;
        goto out;
    }
    TRY_AT(status, "state-enrolment", NULL);
    TRY(ledger_get_record(r->state, LEDGER_ENROLMENTS, bcemr_buf_span(&last),
                          &bcemr_type_state_enrolment, held, out, err));
    TRY(bcemr_read_e_enrol(out->entry, enrol, err));
    *there = true;
out:
    bcemr_buf_free(&last);
    return status;
}

bcemr_status rules_put_enrolment(rules *r, const bcemr_tr_state_enrolment *enrolment)
{
    return ledger_put_record(r->state, LEDGER_ENROLMENTS,
                             bcemr_span_of(enrolment->hash.b, sizeof enrolment->hash.b),
                             &bcemr_type_state_enrolment, enrolment, r->err);
}

/* ---- visits ---- */

static bcemr_span vid_span(const bcemr_hash *vid)
{
    return bcemr_span_of(vid->b, sizeof vid->b);
}

void rules_visit_begin(rules_visit *visit)
{
    visit->held = BCEMR_BUF_EMPTY;
    visit->count = 0;
}

void rules_visit_free(rules_visit *visit)
{
    bcemr_buf_free(&visit->held);
}

static bcemr_span visit_key(const bcemr_tr_state_visit *visit, ledger_key *key)
{
    ledger_key_begin(key);
    ledger_key_add_number(key, visit->leaf);
    return ledger_key_span(key);
}

static bcemr_status load_records(rules *r, const bcemr_hash *vid, rules_visit *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_buf held = BCEMR_BUF_EMPTY; /* the record has no spans */
    ledger_key key;
    status = ledger_get_record(r->state, LEDGER_VISITS, vid_span(vid), &bcemr_type_state_visit,
                               &out->held, &out->record, err);
    if (status == BCEMR_E_NOT_FOUND)
        return rules_refuse(r, LEDGER_R_VISIT_UNKNOWN);
    TRY(status);
    TRY(ledger_get_record(r->state, LEDGER_PROGRESS, visit_key(&out->record, &key),
                          &bcemr_type_state_progress, &held, &out->progress, err));
    out->vid = *vid;
    out->count = out->record.team.count;
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status rules_visit_details(rules *r, rules_visit *visit)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    TRY(bcemr_read_visit(visit->record.visit, &visit->visit, err));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_team_doctor, &visit->record.team);
    for (uint64_t i = 0; i < visit->count; i++)
        NEED(i < 64 && bcemr_list_next(&iter, &visit->team[i]));
out:
    return status;
}

bcemr_status rules_visit_load(rules *r, const bcemr_hash *vid, rules_visit *out)
{
    bcemr_status status = load_records(r, vid, out);
    return status == BCEMR_OK ? rules_visit_details(r, out) : status;
}

bcemr_status rules_visit_open(rules *r, const bcemr_hash *vid, rules_visit *out)
{
    bcemr_status status = BCEMR_OK;
    TRY(load_records(r, vid, out));
    CHECK(VISIT_NOT_OPEN, out->progress.status == BCEMR_visit_status_OPEN);
    r->effect->of_visit = true;
    r->effect->vid = *vid;
    r->effect->visit = out->record.leaf;
out:
    return status;
}

bcemr_status rules_visit_doctor(rules *r, const rules_visit *visit, uint64_t i,
                                bcemr_tr_team_doctor *out)
{
    bcemr_status status = BCEMR_OK;
    NEED(i > 0 && bcemr_list_at(&bcemr_type_team_doctor, &visit->record.team, i - 1, out));
out:
    return status;
}

bcemr_status rules_visit_put(rules *r, const rules_visit *visit)
{
    return ledger_put_record(r->state, LEDGER_VISITS, vid_span(&visit->vid),
                             &bcemr_type_state_visit, &visit->record, r->err);
}

bcemr_status rules_progress_put(rules *r, const rules_visit *visit)
{
    ledger_key key;
    return ledger_put_record(r->state, LEDGER_PROGRESS, visit_key(&visit->record, &key),
                             &bcemr_type_state_progress, &visit->progress, r->err);
}

bcemr_status rules_sign_load(rules *r, const rules_visit *visit, uint64_t i, bcemr_buf *held,
                             bcemr_tr_state_sign *out)
{
    ledger_key key;
    (void)visit_key(&visit->record, &key);
    ledger_key_add_number(&key, i);
    return ledger_get_record(r->state, LEDGER_SIGNS, ledger_key_span(&key), &bcemr_type_state_sign,
                             held, out, r->err);
}

/* ---- teams ---- */

bool rules_team_differs(const bcemr_tr_team_doctor *team, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        for (uint64_t j = 0; j < i; j++)
            if (bcemr_span_equal(team[i].doctor, team[j].doctor))
                return false;
    return true;
}

bool rules_team_in_time(const rules *r, const bcemr_tr_team_doctor *team, uint64_t count)
{
    int64_t before = r->at.tau;
    for (uint64_t i = 0; i < count; i++) {
        if (team[i].deadline <= before)
            return false;
        before = team[i].deadline;
    }
    return true;
}

bcemr_status rules_team_active(rules *r, const bcemr_tr_team_doctor *team, uint64_t count,
                               bool *active)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_enrolment enrolment;
    bcemr_tr_e_enrol enrol;
    bool there = false;
    *active = true;
    for (uint64_t i = 0; i < count && *active; i++) {
        TRY(rules_enrolment(r, team[i].doctor, &held, &enrolment, &enrol, &there));
        *active = there && enrolment.status == BCEMR_enrolment_status_ACTIVE &&
                  bcemr_span_equal(enrol.x, bcemr_span_of(team[i].x.b, sizeof team[i].x.b)) &&
                  bcemr_span_equal(enrol.e, bcemr_span_of(team[i].e.b, sizeof team[i].e.b));
    }
out:
    bcemr_buf_free(&held);
    return status;
}

/* ---- cases ---- */

bcemr_status rules_case_load(rules *r, const bcemr_hash *vid, rules_case *out)
{
    bcemr_status status =
        ledger_get_record(r->state, LEDGER_CASES, vid_span(vid), &bcemr_type_state_case, &out->held,
                          &out->record, r->err);
    if (status == BCEMR_E_NOT_FOUND)
        return rules_refuse(r, LEDGER_R_CASE_UNKNOWN);
    if (status == BCEMR_OK)
        status = bcemr_read_case(out->record.record_case, &out->value, r->err);
    return status;
}
