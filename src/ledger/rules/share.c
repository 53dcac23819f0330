/* SPDX-License-Identifier: Apache-2.0 */
/* Consent, Revoke, Access, Erase (section 7). */
#include "ledger/rules/run.h"

#include <string.h>

static const char *const cloud_row[] = {"cloud"};

/* The one row is this cloud's, and it is a cloud of the set: SIGNER_ROWS, NOT_A_CLOUD. */
static bcemr_status posting_cloud(rules *r, bcemr_span id, bcemr_ed_raw *key)
{
    bcemr_status status = BCEMR_OK;
    TRY(rules_rows(r, cloud_row, 1));
    CHECK(SIGNER_ROWS, rules_row_is(r, 0, id));
    TRY(rules_load_set(r));
    const bcemr_tr_member *cloud = rules_member(r, BCEMR_role_CLOUD, id);
    CHECK(NOT_A_CLOUD, cloud != NULL);
    NEED(cloud != NULL);
    *key = cloud->a;
out:
    return status;
}

static bcemr_status is_revoked(rules *r, bcemr_span revoker, bool *revoked)
{
    return rules_has_pair(r, LEDGER_STOPPED, bcemr_text("Revoke"), revoker, revoked);
}

/*
 * Consent: SIGNER_ROWS, NOT_A_CLOUD, CONSENT_LATE, CONSENT_REVOKED, CONSENT_REVOKER_USED,
 * CONSENT_CM_USED, QUOTA, KEY_ENCODING (R); SUPERNODE_SIGNATURE, CONSENT_POST_SIGNATURE.
 */
bcemr_status rules_consent(rules *r, bcemr_span entry)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_tr_e_consent e;
    bcemr_ed_raw cloud;
    bool revoked = false, used = false, left = false;
    TRY(bcemr_read_e_consent(entry, &e, err));
    const bcemr_span revoker = bcemr_span_of(e.revoker.b, sizeof e.revoker.b);
    const bcemr_span cm = bcemr_span_of(e.cm.b, sizeof e.cm.b);
    TRY(posting_cloud(r, e.cloud, &cloud));
    CHECK(CONSENT_LATE, r->at.tau <= e.latest);
    TRY(is_revoked(r, revoker, &revoked));
    CHECK(CONSENT_REVOKED, !revoked);
    TRY(rules_has_pair(r, LEDGER_CONSENT_REVOKERS, revoker, e.cloud, &used));
    CHECK(CONSENT_REVOKER_USED, !used);
    TRY(rules_has_pair(r, LEDGER_CONSENT_CMS, cm, e.cloud, &used));
    CHECK(CONSENT_CM_USED, !used);
    TRY(rules_load_params(r));
    TRY(rules_quota_left(r, "Consent", e.cloud, r->quotas->consents, &left));
    CHECK(QUOTA, left);
    CHECK(KEY_ENCODING, rules_ed_decodes(&e.revoker));
    TRY(rules_claim_row(r, 0, &cloud, LEDGER_R_SUPERNODE_SIGNATURE));
    const bcemr_tr_consent_post post = {r->ledger, e.cloud, e.cm, e.latest};
    TRY(rules_claim_ed_value(r, &e.revoker, &bcemr_type_consent_post, &post, &e.signature,
                             LEDGER_R_CONSENT_POST_SIGNATURE));
    TRY(rules_mark_first(r, LEDGER_REVOKERS, revoker));
    TRY(rules_mark_pair(r, LEDGER_CONSENT_REVOKERS, revoker, e.cloud));
    TRY(rules_mark_pair(r, LEDGER_CONSENT_CMS, cm, e.cloud));
    TRY(rules_quota_count(r, "Consent", e.cloud));
    TRY(rules_index(r, LEDGER_INDEX_FINDS, revoker));
out:
    return status;
}

/*
 * Revoke: SIGNER_ROWS, REVOKED_BEFORE, QUOTA (of an R that no Consent named: it carries no
 * supernode's name, so the block holds as many as all members together may bring), KEY_ENCODING
 * (R); REVOKE_SIGNATURE.
 */
bcemr_status rules_revoke(rules *r, bcemr_span entry)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_tr_e_revoke e;
    bool revoked = false, known = false, left = true;
    TRY(bcemr_read_e_revoke(entry, &e, err));
    const bcemr_span revoker = bcemr_span_of(e.revoker.b, sizeof e.revoker.b);
    TRY(rules_rows(r, NULL, 0));
    TRY(is_revoked(r, revoker, &revoked));
    CHECK(REVOKED_BEFORE, !revoked);
    TRY(rules_has(r, LEDGER_REVOKERS, revoker, &known));
    if (!known) {
        TRY(rules_load_params(r));
        TRY(rules_load_set(r));
        TRY(rules_quota_left(r, "Revoke", (bcemr_span){0}, r->quotas->revokes * r->set.count,
                             &left));
        CHECK(QUOTA, left);
    }
    CHECK(KEY_ENCODING, rules_ed_decodes(&e.revoker));
    const bcemr_tr_revoke revoke = {r->ledger, e.revoker};
    TRY(rules_claim_ed_value(r, &e.revoker, &bcemr_type_revoke, &revoke, &e.signature,
                             LEDGER_R_REVOKE_SIGNATURE));
    TRY(rules_stop(r, "Revoke", revoker));
    if (!known)
        TRY(rules_quota_count(r, "Revoke", (bcemr_span){0}));
out:
    return status;
}

/* Access: SIGNER_ROWS, NOT_A_CLOUD, ACCESS_HANDLE_USED, QUOTA; SUPERNODE_SIGNATURE. */
bcemr_status rules_access(rules *r, bcemr_span entry)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_tr_e_access e;
    bcemr_ed_raw cloud;
    bcemr_buf key = BCEMR_BUF_EMPTY;
    bool used = false, left = false;
    TRY(bcemr_read_e_access(entry, &e, err));
    const bcemr_span handle = bcemr_span_of(e.handle.b, sizeof e.handle.b);
    TRY(posting_cloud(r, e.cloud, &cloud));
    TRY(rules_has_pair(r, LEDGER_HANDLES, handle, e.cloud, &used));
    CHECK(ACCESS_HANDLE_USED, !used);
    TRY(rules_load_params(r));
    TRY(rules_quota_left(r, "Access", e.cloud, r->quotas->accesses, &left));
    CHECK(QUOTA, left);
    TRY(rules_claim_row(r, 0, &cloud, LEDGER_R_SUPERNODE_SIGNATURE));
    TRY(rules_mark_pair(r, LEDGER_HANDLES, handle, e.cloud));
    TRY(rules_quota_count(r, "Access", e.cloud));
    const bcemr_span fields[] = {e.cloud, handle};
    TRY_AT(bcemr_tuple(fields, 2, &key), "index", "key");
    TRY(rules_index(r, LEDGER_INDEX_FINDS, bcemr_buf_span(&key)));
out:
    bcemr_buf_free(&key);
    return status;
}

/* By the hospital alone only after the retention time; its key is that in force: ERASE_ASKER,
 * ERASE_RETENTION, NOT_A_HOSPITAL. */
static bcemr_status erasing_key(rules *r, const bcemr_tr_e_erase *e, const rules_visit *v,
                                int64_t sealed, bcemr_ed_raw *key)
{
    bcemr_status status = BCEMR_OK;
    CHECK(ERASE_ASKER, e->by == BCEMR_asker_PATIENT || e->by == BCEMR_asker_HOSPITAL);
    *key = v->visit.av;
    if (e->by == BCEMR_asker_PATIENT)
        goto out;
    TRY(rules_load_params(r));
    CHECK(ERASE_RETENTION, (uint64_t)(r->at.tau - sealed) >= r->params->retention);
    const bcemr_tr_member *hospital = rules_member(r, BCEMR_role_HOSPITAL, v->visit.hospital);
    CHECK(NOT_A_HOSPITAL, hospital != NULL);
    NEED(hospital != NULL);
    *key = hospital->a;
out:
    return status;
}

/*
 * Erase: SIGNER_ROWS, NOT_A_CLOUD, CASE_UNKNOWN, ERASED_BEFORE, ERASE_ASKER, ERASE_RETENTION,
 * NOT_A_HOSPITAL; SUPERNODE_SIGNATURE, ERASE_SIGNATURE.
 */
bcemr_status rules_erase(rules *r, bcemr_span entry)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_tr_e_erase e;
    bcemr_ed_raw cloud, asker;
    rules_visit v;
    rules_visit_begin(&v);
    rules_case c = {.held = BCEMR_BUF_EMPTY};
    ledger_key key;
    bool erased = false;
    TRY(bcemr_read_e_erase(entry, &e, err));
    const bcemr_span vid = bcemr_span_of(e.vid.b, sizeof e.vid.b);
    TRY(posting_cloud(r, e.cloud, &cloud));
    TRY(rules_case_load(r, &e.vid, &c));
    TRY(rules_visit_load(r, &e.vid, &v));
    TRY(rules_has_pair(r, LEDGER_ERASES, vid, e.cloud, &erased));
    CHECK(ERASED_BEFORE, !erased);
    TRY(erasing_key(r, &e, &v, c.record.tau, &asker));
    TRY(rules_claim_row(r, 0, &cloud, LEDGER_R_SUPERNODE_SIGNATURE));
    const bcemr_tr_erase erase = {r->ledger, e.vid};
    TRY(rules_claim_ed_value(r, &asker, &bcemr_type_erase, &erase, &e.signature,
                             LEDGER_R_ERASE_SIGNATURE));
    const bcemr_tr_state_erase record = {r->at.leaf, e.by};
    ledger_key_begin(&key);
    ledger_key_add(&key, vid);
    ledger_key_add(&key, e.cloud);
    TRY(ledger_put_record(r->state, LEDGER_ERASES, ledger_key_span(&key), &bcemr_type_state_erase,
                          &record, err));
    TRY(rules_stop(r, "Erase", vid));
out:
    rules_visit_free(&v);
    bcemr_buf_free(&c.held);
    return status;
}
