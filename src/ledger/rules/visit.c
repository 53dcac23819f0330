/* SPDX-License-Identifier: Apache-2.0 */
/* Admit, Amend, Abort (section 3): a visit begins, changes its order, ends without a record. */
#include "ledger/rules/run.h"

#include <string.h>

/* Named once each, and clouds of the set in force. */
static bool clouds_fit(rules *r, const bcemr_tr_visit *visit)
{
    bcemr_span ids[16];
    uint64_t n = 0;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &visit->clouds);
    for (; n < 16 && bcemr_list_next(&iter, &ids[n]); n++) {
        if (!rules_member(r, BCEMR_role_CLOUD, ids[n]))
            return false;
        for (uint64_t j = 0; j < n; j++)
            if (bcemr_span_equal(ids[j], ids[n]))
                return false;
    }
    return true;
}

static bool patient_keys_decode(const bcemr_tr_visit *visit)
{
    bcemr_g1 pkv;
    return rules_ed_decodes(&visit->av) && bcemr_g1_decode(&visit->pkv, &pkv) == BCEMR_OK;
}

/* sigma_V, then the two proofs of acceptance. */
static bcemr_status claim_admit(rules *r, const bcemr_tr_e_admit *admit,
                                const bcemr_tr_visit *visit, const bcemr_hash *vid,
                                const bcemr_tr_member *hospital)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_tr_acceptance acceptance;
    const bcemr_tr_accept accept = {*vid};
    uint8_t proof[sizeof(bcemr_pok_raw)];
    TRY(bcemr_read_acceptance(admit->acceptance, &acceptance, err));
    TRY(rules_claim_ed(r, &hospital->a, admit->visit,
                       bcemr_span_of(admit->signature.b, sizeof admit->signature.b),
                       LEDGER_R_ADMIT_SIGNATURE));
    TRY(bcemr_write_accept(&accept, &message, err));
    TRY(rules_claim_ed(r, &visit->av, bcemr_buf_span(&message),
                       bcemr_span_of(acceptance.signature.b, sizeof acceptance.signature.b),
                       LEDGER_R_ADMIT_ACCEPTANCE));
    memcpy(proof, &acceptance.proof, sizeof proof);
    const ledger_claim claim = {.kind = LEDGER_CLAIM_POK,
                                .purpose = BCEMR_PURPOSE_SIG,
                                .key = bcemr_span_of(visit->pkv.b, sizeof visit->pkv.b),
                                .message = bcemr_buf_span(&message),
                                .signature = bcemr_span_of(proof, sizeof proof),
                                .reason = LEDGER_R_ADMIT_PROOF};
    TRY(rules_claim(r, &claim));
out:
    bcemr_buf_free(&message);
    return status;
}

/* TEAM_REPEATED over the whole order; TEAM_DEADLINES (ahead of the ledger's time and of issued, so
 * that what is admitted is what readers accept), TEAM_NOT_ACTIVE from place first on. */
static bcemr_status check_team(rules *r, const bcemr_tr_team_doctor *team, uint64_t count,
                               uint64_t first, int64_t issued)
{
    bcemr_status status = BCEMR_OK;
    bool active = false;
    CHECK(TEAM_REPEATED, rules_team_differs(team, count));
    CHECK(TEAM_DEADLINES,
          team[first].deadline > issued && rules_team_in_time(r, team + first, count - first));
    TRY(rules_team_active(r, team + first, count - first, &active));
    CHECK(TEAM_NOT_ACTIVE, active);
out:
    return status;
}

static bcemr_status check_ticket(rules *r, const bcemr_tr_visit *visit, const bcemr_hash *vid)
{
    bcemr_status status = BCEMR_OK;
    bool known = false;
    CHECK(ADMIT_VISIT_LEDGER, bcemr_hash_equal(&visit->ledger, &r->ledger));
    TRY(rules_has(r, LEDGER_VISITS, bcemr_span_of(vid->b, sizeof vid->b), &known));
    CHECK(ADMIT_KNOWN, !known);
    TRY(rules_load_set(r));
    CHECK(NOT_A_HOSPITAL, rules_member(r, BCEMR_role_HOSPITAL, visit->hospital) != NULL);
    TRY(rules_load_params(r));
    CHECK(ADMIT_REISSUES, visit->reissues == r->params->reissues);
    CHECK(ADMIT_CLOUDS, clouds_fit(r, visit));
    CHECK(ADMIT_U, visit->u >= 1 && visit->u <= visit->clouds.count);
out:
    return status;
}

/*
 * Admit: SIGNER_ROWS, ADMIT_VISIT_LEDGER, ADMIT_KNOWN, NOT_A_HOSPITAL, ADMIT_REISSUES,
 * ADMIT_CLOUDS, ADMIT_U, ADMIT_KEY_USED, TEAM_REPEATED, TEAM_DEADLINES, TEAM_NOT_ACTIVE,
 * KEY_ENCODING (pkv, Av); ADMIT_SIGNATURE, ADMIT_ACCEPTANCE, ADMIT_PROOF.
 */
bcemr_status rules_admit(rules *r, bcemr_span entry)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_tr_e_admit admit;
    rules_visit v;
    rules_visit_begin(&v);
    bool unused = false;
    TRY(bcemr_read_e_admit(entry, &admit, err));
    TRY(bcemr_read_visit(admit.visit, &v.visit, err));
    TRY(rules_rows(r, NULL, 0));
    bcemr_sha256(admit.visit, &v.vid);
    TRY(check_ticket(r, &v.visit, &v.vid));
    const bcemr_tr_member *hospital = rules_member(r, BCEMR_role_HOSPITAL, v.visit.hospital);
    NEED(hospital != NULL);
    const bcemr_span keys[] = {bcemr_span_of(v.visit.pkv.b, sizeof v.visit.pkv.b),
                               bcemr_span_of(v.visit.av.b, sizeof v.visit.av.b)};
    TRY(rules_keys_unused(r, keys, 2, &unused));
    CHECK(ADMIT_KEY_USED, unused);
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_team_doctor, &v.visit.team);
    while (v.count < 64 && bcemr_list_next(&iter, &v.team[v.count]))
        v.count++;
    TRY(check_team(r, v.team, v.count, 0, v.visit.issued));
    CHECK(KEY_ENCODING, patient_keys_decode(&v.visit));
    TRY(claim_admit(r, &admit, &v.visit, &v.vid, hospital));
    v.record = (bcemr_tr_state_visit){.visit = admit.visit,
                                      .signature = admit.signature,
                                      .leaf = r->at.leaf,
                                      .order = v.vid,
                                      .team = v.visit.team};
    v.progress =
        (bcemr_tr_state_progress){.status = BCEMR_visit_status_OPEN, .pending = BCEMR_yes_no_NO};
    TRY(rules_visit_put(r, &v));
    TRY(rules_progress_put(r, &v));
    TRY(rules_keys_mark(r, keys, 2));
    TRY(rules_index(r, LEDGER_INDEX_FINDS, keys[0]));
    r->effect->of_visit = true;
    r->effect->vid = v.vid;
    r->effect->visit = r->at.leaf;
out:
    return status;
}

/* The whole order after the amendment: those who have signed, then the tail. */
static bcemr_status new_order(rules *r, rules_visit *v, const bcemr_tr_amend *amend)
{
    bcemr_status status = BCEMR_OK;
    v->count = v->progress.signed_count;
    CHECK(AMEND_TOO_MANY, v->count + amend->tail.count <= 64);
    NEED(v->count + amend->tail.count <= 64);
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_team_doctor, &amend->tail);
    while (bcemr_list_next(&iter, &v->team[v->count]))
        if (++v->count == 64)
            break;
out:
    return status;
}

/*
 * Amend: SIGNER_ROWS, VISIT_UNKNOWN, VISIT_NOT_OPEN, AMEND_NUMBER, AMEND_PREVIOUS, AMEND_SIGNED,
 * NOT_A_HOSPITAL, AMEND_TOO_MANY, TEAM_REPEATED, TEAM_DEADLINES, TEAM_NOT_ACTIVE; AMEND_SIGNATURE.
 * A reissue that is pending stays so: the last doctor who signed may have vanished.
 */
bcemr_status rules_amend(rules *r, bcemr_span entry)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_tr_e_amend e;
    bcemr_tr_amend amend;
    rules_visit v;
    rules_visit_begin(&v);
    TRY(bcemr_read_e_amend(entry, &e, err));
    TRY(bcemr_read_amend(e.amend, &amend, err));
    TRY(rules_rows(r, NULL, 0));
    TRY(rules_visit_open(r, &amend.vid, &v));
    TRY(rules_visit_details(r, &v));
    CHECK(AMEND_NUMBER, amend.number == v.record.amendments + 1);
    CHECK(AMEND_PREVIOUS, bcemr_hash_equal(&amend.previous, &v.record.order));
    CHECK(AMEND_SIGNED, amend.signed_count == v.progress.signed_count);
    TRY(rules_load_set(r));
    const bcemr_tr_member *hospital = rules_member(r, BCEMR_role_HOSPITAL, v.visit.hospital);
    CHECK(NOT_A_HOSPITAL, hospital != NULL);
    NEED(hospital != NULL);
    TRY(new_order(r, &v, &amend));
    TRY(check_team(r, v.team, v.count, v.progress.signed_count, amend.issued));
    TRY(rules_claim_ed(r, &hospital->a, e.amend, bcemr_span_of(e.signature.b, sizeof e.signature.b),
                       LEDGER_R_AMEND_SIGNATURE));
    bcemr_sha256(e.amend, &v.record.order);
    v.record.amendments = amend.number;
    v.record.team = BCEMR_LIST_OF(v.team, v.count);
    TRY(rules_visit_put(r, &v));
out:
    rules_visit_free(&v);
    return status;
}

/* Abort: SIGNER_ROWS, VISIT_UNKNOWN, VISIT_NOT_OPEN, NOT_A_HOSPITAL; SUPERNODE_SIGNATURE. */
bcemr_status rules_abort(rules *r, bcemr_span entry)
{
    static const char *const roles[] = {"hospital"};
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_tr_e_abort e;
    rules_visit v;
    rules_visit_begin(&v);
    TRY(bcemr_read_e_abort(entry, &e, err));
    TRY(rules_rows(r, roles, 1));
    TRY(rules_visit_open(r, &e.vid, &v));
    TRY(rules_visit_details(r, &v));
    CHECK(SIGNER_ROWS, rules_row_is(r, 0, v.visit.hospital));
    TRY(rules_load_set(r));
    const bcemr_tr_member *hospital = rules_member(r, BCEMR_role_HOSPITAL, v.visit.hospital);
    CHECK(NOT_A_HOSPITAL, hospital != NULL);
    NEED(hospital != NULL);
    TRY(rules_claim_row(r, 0, &hospital->a, LEDGER_R_SUPERNODE_SIGNATURE));
    v.progress.status = BCEMR_visit_status_ABORTED;
    TRY(rules_progress_put(r, &v));
out:
    rules_visit_free(&v);
    return status;
}
