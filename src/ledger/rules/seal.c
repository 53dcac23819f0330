/* SPDX-License-Identifier: Apache-2.0 */
/* Seal, Confirm (section 6). */
#include "ledger/rules/run.h"

#include <bcemr/diagnosis.h>
#include <string.h>

typedef struct sealing {
    bcemr_tr_e_seal e;
    bcemr_tr_case c;
    rules_visit v;
    bcemr_g2_raw confirmers[1 + 16];
    uint64_t count;
    bcemr_g1_raw sigma; /* the ledger's own sum */
    bcemr_buf sum;      /* cred and ctx of each doctor, for the claim */
} sealing;

/* Who confirmed, by their keys in force now: SEAL_CONFIRMERS, SEAL_HOSPITAL, SEAL_CLOUDS. At least
 * min(u, clouds of V still in the set), never none. */
static bcemr_status check_confirmers(rules *r, sealing *s)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span bitmap = s->e.confirmers, id;
    uint64_t place = 1, there = 0, confirmed = 0;
    bool gone = false;
    bool fits = bcemr_bitmap_check(bitmap, 1 + s->v.visit.clouds.count) == BCEMR_OK;
    CHECK(SEAL_CONFIRMERS, fits);
    NEED(fits);
    TRY(rules_load_set(r));
    const bcemr_tr_member *hospital = rules_member(r, BCEMR_role_HOSPITAL, s->v.visit.hospital);
    CHECK(SEAL_HOSPITAL, bcemr_bitmap_get(bitmap, 0) && hospital != NULL);
    if (hospital && bcemr_bitmap_get(bitmap, 0))
        s->confirmers[s->count++] = hospital->x;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &s->v.visit.clouds);
    for (; bcemr_list_next(&iter, &id) && place <= 16; place++) {
        const bcemr_tr_member *cloud = rules_member(r, BCEMR_role_CLOUD, id);
        there += cloud != NULL;
        if (!bcemr_bitmap_get(bitmap, place))
            continue;
        gone = gone || !cloud;
        confirmed++;
        if (cloud)
            s->confirmers[s->count++] = cloud->x;
    }
    uint64_t needed = s->v.visit.u < there ? s->v.visit.u : there;
    CHECK(SEAL_CLOUDS, !gone && confirmed >= needed && confirmed >= 1);
out:
    return status;
}

static bcemr_status append_part(bcemr_buf *out, const bcemr_type *type, const void *value,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint8_t length[8];
    bcemr_buf part = BCEMR_BUF_EMPTY;
    TRY(bcemr_write(type, value, &part, err));
    bcemr_store_u64(length, part.n);
    TRY_AT(bcemr_buf_append(out, bcemr_span_of(length, sizeof length)), "claim", NULL);
    TRY_AT(bcemr_buf_append(out, bcemr_buf_span(&part)), "claim", NULL);
out:
    bcemr_buf_free(&part);
    return status;
}

/* sigma_i = sigma_i-1 + delta_i + di, from what the ledger holds. */
static bcemr_status add_doctor(rules *r, sealing *s, uint64_t i)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_buf held = BCEMR_BUF_EMPTY, enrolment_held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_sign record;
    bcemr_tr_state_enrolment enrolment;
    bcemr_tr_e_enrol enrol;
    bcemr_tr_cred cred;
    bcemr_tr_sign context;
    bcemr_g1_raw credential;
    TRY(rules_sign_load(r, &s->v, i, &held, &record));
    TRY(bcemr_read_sign(record.context, &context, err));
    TRY(ledger_get_record(r->state, LEDGER_ENROLMENTS,
                          bcemr_span_of(record.enrolment.b, sizeof record.enrolment.b),
                          &bcemr_type_state_enrolment, &enrolment_held, &enrolment, err));
    TRY(bcemr_read_e_enrol(enrolment.entry, &enrol, err));
    NEED(enrol.credential.n == sizeof credential.b);
    memcpy(credential.b, enrol.credential.p, sizeof credential.b);
    TRY_AT(ledger_cred_of_enrol(&enrol, &cred), "Enrol", "x");
    TRY(bcemr_multisignature_add(i == 1 ? NULL : &s->sigma, &record.delta, &credential, &s->sigma,
                                 err));
    TRY(append_part(&s->sum, &bcemr_type_cred, &cred, err));
    TRY(append_part(&s->sum, &bcemr_type_sign, &context, err));
out:
    bcemr_buf_free(&held);
    bcemr_buf_free(&enrolment_held);
    return status;
}

/* SEAL_UNSIGNED, SEAL_REISSUE_PENDING, SEAL_ORDER, SEAL_CONTEXT, SEAL_SVK. */
static bcemr_status check_case(rules *r, sealing *s)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_sign last;
    bcemr_tr_sign context;
    CHECK(SEAL_UNSIGNED, s->v.progress.signed_count == s->v.count);
    NEED(s->v.progress.signed_count > 0);
    CHECK(SEAL_REISSUE_PENDING, s->v.progress.pending == BCEMR_yes_no_NO);
    CHECK(SEAL_ORDER, bcemr_hash_equal(&s->c.order, &s->v.record.order));
    TRY(rules_sign_load(r, &s->v, s->v.progress.signed_count, &held, &last));
    CHECK(SEAL_CONTEXT, bcemr_hash_equal(&s->c.last_context, &last.hash));
    TRY(bcemr_read_sign(last.context, &context, err));
    CHECK(SEAL_SVK, bcemr_span_equal(context.svk, bcemr_span_of(s->c.svk.b, sizeof s->c.svk.b)));
out:
    bcemr_buf_free(&held);
    return status;
}

/* SEAL_SIGMA; SEAL_SUM, SEAL_SIGNATURE. */
static bcemr_status claim_seal(rules *r, sealing *s)
{
    bcemr_status status = BCEMR_OK;
    bcemr_g2_raw p;
    for (uint64_t i = 1; i <= s->v.progress.signed_count; i++)
        TRY(add_doctor(r, s, i));
    CHECK(SEAL_SIGMA, memcmp(s->sigma.b, s->c.sigma.b, sizeof s->sigma.b) == 0);
    TRY(rules_authority(r, &p));
    const ledger_claim sum = {.kind = LEDGER_CLAIM_SUM,
                              .purpose = BCEMR_PURPOSE_SIG,
                              .key = bcemr_span_of(p.b, sizeof p.b),
                              .message = bcemr_buf_span(&s->sum),
                              .signature = bcemr_span_of(s->c.sigma.b, sizeof s->c.sigma.b),
                              .reason = LEDGER_R_SEAL_SUM};
    TRY(rules_claim(r, &sum));
    const ledger_claim joint = {
        .kind = LEDGER_CLAIM_JOINT,
        .purpose = BCEMR_PURPOSE_SIG,
        .key = bcemr_span_of(s->confirmers, s->count * sizeof(bcemr_g2_raw)),
        .message = s->e.record_case,
        .signature = bcemr_span_of(s->e.signature.b, sizeof s->e.signature.b),
        .reason = LEDGER_R_SEAL_SIGNATURE};
    TRY(rules_claim(r, &joint));
out:
    return status;
}

/*
 * Seal: SIGNER_ROWS, VISIT_UNKNOWN, VISIT_NOT_OPEN, SEAL_UNSIGNED, SEAL_REISSUE_PENDING,
 * SEAL_ORDER, SEAL_CONTEXT, SEAL_SVK, SEAL_CONFIRMERS, SEAL_HOSPITAL, SEAL_CLOUDS, SEAL_SIGMA;
 * SEAL_SUM, SEAL_SIGNATURE. The log makes the case header that follows, and the record of the case.
 */
bcemr_status rules_seal(rules *r, bcemr_span entry)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    sealing s = {.sum = BCEMR_BUF_EMPTY};
    TRY(bcemr_read_e_seal(entry, &s.e, err));
    TRY(bcemr_read_case(s.e.record_case, &s.c, err));
    TRY(rules_rows(r, NULL, 0));
    TRY(rules_visit_open(r, &s.c.vid, &s.v));
    TRY(rules_visit_details(r, &s.v));
    TRY(check_case(r, &s));
    TRY(check_confirmers(r, &s));
    TRY(claim_seal(r, &s));
    s.v.progress.status = BCEMR_visit_status_SEALED;
    TRY(rules_progress_put(r, &s.v));
    TRY(rules_index(r, LEDGER_INDEX_FINDS, bcemr_span_of(s.v.vid.b, sizeof s.v.vid.b)));
    r->effect->sealed = true;
out:
    rules_visit_free(&s.v);
    bcemr_buf_free(&s.sum);
    return status;
}

/* ---- Confirm ---- */

static bool among(const bcemr_list *ids, bcemr_span id)
{
    bcemr_span each;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, ids);
    while (bcemr_list_next(&iter, &each))
        if (bcemr_span_equal(each, id))
            return true;
    return false;
}

static bcemr_status by_patient(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    (void)key;
    bcemr_tr_state_erase erase;
    bcemr_status status = bcemr_read_state_erase(value, &erase, NULL);
    if (status == BCEMR_OK && erase.by == BCEMR_asker_PATIENT) {
        *(bool *)user = true;
        *more = false;
    }
    return status;
}

/* CONFIRM_COUNTED, CONFIRM_ERASED, CONFIRM_HOST. */
static bcemr_status check_cloud(rules *r, const bcemr_tr_e_confirm *e, const rules_visit *v,
                                const rules_case *c)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bool counted = false, erased = false;
    bcemr_span vid = bcemr_span_of(e->vid.b, sizeof e->vid.b);
    TRY(rules_has_pair(r, LEDGER_CONFIRMS, vid, e->cloud, &counted));
    CHECK(CONFIRM_COUNTED, !counted && !among(&c->record.clouds, e->cloud));
    TRY_AT(ledger_scan(r->state, LEDGER_ERASES, vid, vid, by_patient, &erased), "state-erase",
           NULL);
    CHECK(CONFIRM_ERASED, !erased);
    bool named = among(&v->visit.clouds, e->cloud);
    bool hosted = e->host_by != BCEMR_asker_NOBODY && e->host.n == sizeof(bcemr_ed_signature);
    bool nothing = e->host_by == BCEMR_asker_NOBODY && e->host.n == 0;
    CHECK(CONFIRM_HOST, named ? nothing : hosted);
out:
    return status;
}

/* Tr("host") by Av or V's hospital: NOT_A_HOSPITAL; CONFIRM_HOST_SIGNATURE. */
static bcemr_status claim_host(rules *r, const bcemr_tr_e_confirm *e, const rules_visit *v)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_host host = {r->ledger, e->vid, e->cloud};
    bcemr_ed_signature signature;
    if (e->host_by == BCEMR_asker_NOBODY)
        goto out;
    NEED(e->host.n == sizeof signature.b);
    memcpy(signature.b, e->host.p, sizeof signature.b);
    const bcemr_tr_member *hospital = rules_member(r, BCEMR_role_HOSPITAL, v->visit.hospital);
    CHECK(NOT_A_HOSPITAL, e->host_by == BCEMR_asker_PATIENT || hospital != NULL);
    NEED(e->host_by == BCEMR_asker_PATIENT || hospital != NULL);
    TRY(rules_claim_ed_value(r, e->host_by == BCEMR_asker_PATIENT ? &v->visit.av : &hospital->a,
                             &bcemr_type_host, &host, &signature, LEDGER_R_CONFIRM_HOST_SIGNATURE));
out:
    return status;
}

/*
 * Confirm: SIGNER_ROWS, CASE_UNKNOWN, NOT_A_CLOUD, CONFIRM_COUNTED, CONFIRM_ERASED, CONFIRM_HOST,
 * NOT_A_HOSPITAL; CONFIRM_HOST_SIGNATURE, CONFIRM_SIGNATURE.
 */
bcemr_status rules_confirm(rules *r, bcemr_span entry)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_tr_e_confirm e;
    rules_visit v;
    rules_visit_begin(&v);
    rules_case c = {.held = BCEMR_BUF_EMPTY};
    TRY(bcemr_read_e_confirm(entry, &e, err));
    TRY(rules_rows(r, NULL, 0));
    TRY(rules_case_load(r, &e.vid, &c));
    TRY(rules_visit_load(r, &e.vid, &v));
    TRY(rules_load_set(r));
    const bcemr_tr_member *cloud = rules_member(r, BCEMR_role_CLOUD, e.cloud);
    CHECK(NOT_A_CLOUD, cloud != NULL);
    NEED(cloud != NULL);
    TRY(check_cloud(r, &e, &v, &c));
    TRY(claim_host(r, &e, &v));
    const ledger_claim claim = {.kind = LEDGER_CLAIM_BLS,
                                .purpose = BCEMR_PURPOSE_SIG,
                                .key = bcemr_span_of(cloud->x.b, sizeof cloud->x.b),
                                .message = c.record.record_case,
                                .signature = bcemr_span_of(e.signature.b, sizeof e.signature.b),
                                .reason = LEDGER_R_CONFIRM_SIGNATURE};
    TRY(rules_claim(r, &claim));
    TRY(rules_mark_pair(r, LEDGER_CONFIRMS, bcemr_span_of(e.vid.b, sizeof e.vid.b), e.cloud));
out:
    rules_visit_free(&v);
    bcemr_buf_free(&c.held);
    return status;
}
