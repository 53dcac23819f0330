/* SPDX-License-Identifier: Apache-2.0 */
/* Sign, Reissue (section 4). */
#include "ledger/rules/run.h"

#include <string.h>

typedef struct signing {
    bcemr_tr_e_sign e;
    rules_visit v;
    bcemr_tr_team_doctor doctor;
    bcemr_hash previous;   /* H(ctx_i-1), vid for the first */
    int64_t previous_time; /* t_i-1, -1 for the first */
    uint64_t last_k;       /* of what this place has signed already */
    bcemr_buf held;        /* of the enrolment */
    bcemr_tr_state_enrolment enrolment;
    bcemr_tr_e_enrol enrol;
} signing;

/* What the ledger knows of the place before, and of this one. */
static bcemr_status load_before(rules *r, signing *s)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_sign record;
    bcemr_tr_sign context;
    s->previous = s->v.vid;
    s->previous_time = -1;
    /* The second half always holds after check_place, but in a test that turned SIGN_PLACE off. */
    if (s->e.i > 1 && s->e.i <= s->v.progress.signed_count + 1) {
        TRY(rules_sign_load(r, &s->v, s->e.i - 1, &held, &record));
        TRY(bcemr_read_sign(record.context, &context, err));
        s->previous = record.hash;
        s->previous_time = context.time;
    }
    if (s->e.i <= s->v.progress.signed_count) {
        TRY(rules_sign_load(r, &s->v, s->e.i, &held, &record));
        TRY(bcemr_read_sign(record.context, &context, err));
        s->last_k = context.k;
    }
out:
    bcemr_buf_free(&held);
    return status;
}

/* Who comes now, in which version: SIGN_ORDER_IN_FORCE, SIGN_PLACE, SIGNED_AFTER, SIGN_NOT_ASKED,
 * SIGN_VERSION. */
static bcemr_status check_place(rules *r, signing *s)
{
    bcemr_status status = BCEMR_OK;
    uint64_t done = s->v.progress.signed_count;
    CHECK(SIGN_ORDER_IN_FORCE, s->e.a == s->v.record.amendments);
    CHECK(SIGN_PLACE, s->e.i <= s->v.count && s->e.i <= done + 1);
    NEED(s->e.i <= s->v.count);
    CHECK(SIGNED_AFTER, s->e.i >= done);
    TRY(load_before(r, s));
    bool again = s->e.i <= done;
    CHECK(SIGN_NOT_ASKED, !again || s->v.progress.pending == BCEMR_yes_no_YES);
    CHECK(SIGN_VERSION, s->e.k == (again ? s->last_k + 1 : 0));
out:
    return status;
}

static bool svk_decodes(bcemr_span svk)
{
    bcemr_ed_raw raw;
    bcemr_ed_public decoded;
    if (svk.n != sizeof raw.b)
        return svk.n == 0;
    memcpy(raw.b, svk.p, sizeof raw.b);
    return bcemr_ed_decode(&raw, &decoded) == BCEMR_OK;
}

/* Whether a and b are at most limit apart; times are not negative. */
static bool within(int64_t a, int64_t b, uint64_t limit)
{
    return (uint64_t)(a > b ? a - b : b - a) <= limit;
}

/* SIGN_SVK, KEY_ENCODING, SIGN_DEADLINE, SIGN_CLOCK, SIGN_TIME_ORDER, SIGN_ENROLMENT,
 * SIGN_VALIDITY. */
static bcemr_status check_time_and_keys(rules *r, signing *s)
{
    bcemr_status status = BCEMR_OK;
    bool there = false;
    CHECK(SIGN_SVK, (s->e.svk.n > 0) == (s->e.i == s->v.count));
    CHECK(KEY_ENCODING, svk_decodes(s->e.svk));
    CHECK(SIGN_DEADLINE, s->e.time <= s->doctor.deadline);
    TRY(rules_load_params(r));
    CHECK(SIGN_CLOCK, within(r->at.tau, s->e.time, r->params->clock_difference));
    CHECK(SIGN_TIME_ORDER, s->e.time > s->previous_time);
    TRY(rules_enrolment(r, s->doctor.doctor, &s->held, &s->enrolment, &s->enrol, &there));
    CHECK(SIGN_ENROLMENT,
          there && s->enrolment.status == BCEMR_enrolment_status_ACTIVE &&
              bcemr_span_equal(s->enrol.x, bcemr_span_of(s->doctor.x.b, sizeof s->doctor.x.b)));
    NEED(there);
    CHECK(SIGN_VALIDITY, s->enrol.not_before <= r->at.tau && r->at.tau <= s->enrol.not_after);
out:
    return status;
}

/* ctx_i is not in the entry: the ledger makes it from what it knows. */
static bcemr_status claim_and_put(rules *r, signing *s)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_buf context = BCEMR_BUF_EMPTY;
    ledger_key key;
    const bcemr_tr_sign ctx = {.order = s->v.record.order,
                               .i = s->e.i,
                               .k = s->e.k,
                               .doctor = s->doctor.doctor,
                               .x = s->doctor.x,
                               .time = s->e.time,
                               .previous = s->previous,
                               .commitment = s->e.commitment,
                               .svk = s->e.svk};
    TRY(bcemr_write_sign(&ctx, &context, err));
    const ledger_claim claim = {.kind = LEDGER_CLAIM_BLS,
                                .purpose = BCEMR_PURPOSE_SIG,
                                .key = bcemr_span_of(ctx.x.b, sizeof ctx.x.b),
                                .message = bcemr_buf_span(&context),
                                .signature = bcemr_span_of(s->e.delta.b, sizeof s->e.delta.b),
                                .reason = LEDGER_R_SIGN_DELTA};
    TRY(rules_claim(r, &claim));
    bcemr_tr_state_sign record = {.context = bcemr_buf_span(&context),
                                  .a = s->e.a,
                                  .delta = s->e.delta,
                                  .enrolment = s->enrolment.hash,
                                  .tau = r->at.tau,
                                  .leaf = r->at.leaf};
    bcemr_sha256(record.context, &record.hash);
    ledger_key_begin(&key);
    ledger_key_add_number(&key, s->v.record.leaf);
    ledger_key_add_number(&key, s->e.i);
    TRY(ledger_put_record(r->state, LEDGER_SIGNS, ledger_key_span(&key), &bcemr_type_state_sign,
                          &record, err));
    s->v.progress.signed_count = s->e.i;
    s->v.progress.pending = BCEMR_yes_no_NO; /* answered, or cancelled by the next doctor */
    TRY(rules_progress_put(r, &s->v));
out:
    bcemr_buf_free(&context);
    return status;
}

/*
 * Sign: SIGNER_ROWS, VISIT_UNKNOWN, VISIT_NOT_OPEN, SIGN_ORDER_IN_FORCE, SIGN_PLACE, SIGNED_AFTER,
 * SIGN_NOT_ASKED, SIGN_VERSION, SIGN_SVK, KEY_ENCODING, SIGN_DEADLINE, SIGN_CLOCK, SIGN_TIME_ORDER,
 * SIGN_ENROLMENT, SIGN_VALIDITY; SIGN_DELTA.
 */
bcemr_status rules_sign(rules *r, bcemr_span entry)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    signing s;
    s.held = BCEMR_BUF_EMPTY;
    s.last_k = 0;
    rules_visit_begin(&s.v);
    TRY(bcemr_read_e_sign(entry, &s.e, err));
    TRY(rules_rows(r, NULL, 0));
    TRY(rules_visit_open(r, &s.e.vid, &s.v));
    TRY(check_place(r, &s));
    TRY(rules_visit_doctor(r, &s.v, s.e.i, &s.doctor));
    TRY(check_time_and_keys(r, &s));
    TRY(claim_and_put(r, &s));
out:
    rules_visit_free(&s.v);
    bcemr_buf_free(&s.held);
    return status;
}

/* ---- Reissue ---- */

/* The next doctor by their active A, or for the last one the hospital: REISSUE_ASKER,
 * NOT_A_HOSPITAL or TEAM_NOT_ACTIVE; SUPERNODE_SIGNATURE or DOCTOR_SIGNATURE. */
static bcemr_status asker(rules *r, const rules_visit *v, uint64_t i)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_enrolment enrolment;
    bcemr_tr_e_enrol enrol = {0};
    bool last = i >= v->count, there = false, active = false;
    bcemr_span who = last ? v->visit.hospital : v->team[i].doctor;
    CHECK(REISSUE_ASKER,
          bcemr_span_equal(r->rows[0].role, bcemr_text(last ? "hospital" : "doctor")) &&
              rules_row_is(r, 0, who));
    if (last) {
        TRY(rules_load_set(r));
        const bcemr_tr_member *hospital = rules_member(r, BCEMR_role_HOSPITAL, who);
        CHECK(NOT_A_HOSPITAL, hospital != NULL);
        NEED(hospital != NULL);
        TRY(rules_claim_row(r, 0, &hospital->a, LEDGER_R_SUPERNODE_SIGNATURE));
        goto out;
    }
    TRY(rules_team_active(r, &v->team[i], 1, &active));
    CHECK(TEAM_NOT_ACTIVE, active);
    TRY(rules_enrolment(r, who, &held, &enrolment, &enrol, &there));
    NEED(there);
    TRY(rules_claim_row(r, 0, &enrol.a, LEDGER_R_DOCTOR_SIGNATURE));
out:
    bcemr_buf_free(&held);
    return status;
}

/*
 * Reissue: SIGNER_ROWS, VISIT_UNKNOWN, VISIT_NOT_OPEN, REISSUE_PLACE, REISSUE_VERSION,
 * REISSUE_PENDING, REISSUE_LIMIT, REISSUE_DEADLINE, REISSUE_ASKER, NOT_A_HOSPITAL or
 * TEAM_NOT_ACTIVE; SUPERNODE_SIGNATURE or DOCTOR_SIGNATURE.
 */
bcemr_status rules_reissue(rules *r, bcemr_span entry)
{
    static const char *const by_doctor[] = {"doctor"}, *const by_hospital[] = {"hospital"};
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_tr_e_reissue e;
    bcemr_tr_state_sign record;
    bcemr_tr_sign context;
    bcemr_tr_signer row;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    rules_visit v;
    rules_visit_begin(&v);
    TRY(bcemr_read_e_reissue(entry, &e, err));
    bool from_hospital = bcemr_list_at(&bcemr_type_signer, &r->effect->parts.signers, 0, &row) &&
                         bcemr_span_equal(row.role, bcemr_text("hospital"));
    TRY(rules_rows(r, from_hospital ? by_hospital : by_doctor, 1));
    TRY(rules_visit_open(r, &e.vid, &v));
    TRY(rules_visit_details(r, &v));
    CHECK(REISSUE_PLACE, e.i == v.progress.signed_count);
    NEED(e.i <= v.progress.signed_count && e.i <= v.count);
    TRY(rules_sign_load(r, &v, e.i, &held, &record));
    TRY(bcemr_read_sign(record.context, &context, err));
    CHECK(REISSUE_VERSION, e.k == context.k);
    CHECK(REISSUE_PENDING, v.progress.pending == BCEMR_yes_no_NO);
    CHECK(REISSUE_LIMIT, e.k < v.visit.reissues);
    CHECK(REISSUE_DEADLINE, r->at.tau <= v.team[e.i - 1].deadline);
    TRY(asker(r, &v, e.i));
    v.progress.pending = BCEMR_yes_no_YES;
    TRY(rules_progress_put(r, &v));
out:
    rules_visit_free(&v);
    bcemr_buf_free(&held);
    return status;
}
