/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A patient finds what was read under a grant (section 7): entries by their handles, each opened
 * and held against terms, consent and the asking doctor's signature. What a cloud posted wrongly is
 * told as such and hides nothing that comes after it.
 */
#include <bcemr/patient.h>

#include "client/case_check.h"
#include "wire/error.h"

#include <bcemr/hash.h>
#include <string.h>

/* What every access under one grant at one cloud must fit. */
typedef struct auditing {
    const bcemr_ledger_view *view;
    bcemr_tr_grant terms;
    bcemr_ed_raw doctor; /* A of the enrolment that the terms name */
    bcemr_span cloud;
    bcemr_key ka;
    bool consented;
    uint64_t consent; /* leaf of this cloud's Consent */
    void (*tell)(void *user, const bcemr_audited *);
    void *user;
} auditing;

static bcemr_status find_doctor(auditing *a, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf raw = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts leaf;
    bcemr_tr_e_enrol enrol;
    uint64_t at = 0;
    TRY_AT(a->view->landed(a->view->user, &a->terms.enrolment, &at), "grant", "enrolment");
    TRY_AT(a->view->leaf(a->view->user, at, &raw), "ledger", "Enrol");
    TRY(bcemr_leaf_read(bcemr_buf_span(&raw), &leaf, err));
    TRY(bcemr_read_e_enrol(leaf.parts.entry, &enrol, err));
    a->doctor = enrol.a;
out:
    bcemr_buf_free(&raw);
    return status;
}

static bcemr_status find_consent(auditing *a, const bcemr_patient_grant *grant, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash cm;
    const bcemr_tr_consent consent = {bcemr_buf_span(&grant->terms), grant->secrets.salt};
    TRY(bcemr_hash_value(&bcemr_type_consent, &consent, &cm, err));
    status = a->view->consent(a->view->user, a->cloud, &cm, &a->consent);
    a->consented = status == BCEMR_OK;
    if (status == BCEMR_E_NOT_FOUND)
        return BCEMR_OK;
    TRY_AT(status, "ledger", "Consent");
out:
    return status;
}

/* The body is a request that this doctor signed, for this grant, at this cloud, after its consent.
 */
static bcemr_verdict check_body(const auditing *a, const bcemr_audited *found)
{
    const bcemr_tr_access_req *r = &found->request;
    if (!BCEMR_HOLDS(BCEMR_BAD_REQUEST, bcemr_hash_equal(&r->ledger, &a->terms.ledger) &&
                                            bcemr_hash_equal(&r->gid, &a->terms.gid) &&
                                            bcemr_span_equal(r->cloud, a->cloud)))
        return BCEMR_BAD_REQUEST;
    if (!BCEMR_HOLDS(BCEMR_BAD_REQUEST,
                     bcemr_ed_holds(&a->doctor, found->body.request, &found->body.signature)))
        return BCEMR_BAD_REQUEST;
    if (!BCEMR_HOLDS(BCEMR_REQUEST_SCOPE,
                     bcemr_bitmap_check(r->visits, a->terms.visits.count) == BCEMR_OK))
        return BCEMR_REQUEST_SCOPE;
    if (!BCEMR_HOLDS(BCEMR_BAD_CONSENT,
                     a->consented && found->body.consent == a->consent && a->consent < found->leaf))
        return BCEMR_BAD_CONSENT;
    if (!BCEMR_HOLDS(BCEMR_GRANT_EXPIRED, found->tau <= a->terms.expiry))
        return BCEMR_GRANT_EXPIRED;
    uint64_t revoked = 0;
    bool stopped = a->view->stop(a->view->user, "Revoke",
                                 bcemr_span_of(a->terms.revoker.b, sizeof a->terms.revoker.b),
                                 &revoked) == BCEMR_OK &&
                   revoked < found->leaf;
    return BCEMR_HOLDS(BCEMR_GRANT_REVOKED, !stopped) ? BCEMR_VALID : BCEMR_GRANT_REVOKED;
}

/* Opens one entry and says what it is; only a failure of this node ends the audit. */
static bcemr_status audit_one(const auditing *a, uint64_t j, uint64_t leaf_index, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf raw = BCEMR_BUF_EMPTY, body = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts leaf;
    bcemr_tr_e_access access;
    bcemr_audited found = {.leaf = leaf_index, .j = j, .cloud = a->cloud, .verdict = BCEMR_VALID};
    TRY_AT(a->view->leaf(a->view->user, leaf_index, &raw), "ledger", "Access");
    TRY(bcemr_leaf_read(bcemr_buf_span(&raw), &leaf, err));
    TRY(bcemr_read_e_access(leaf.parts.entry, &access, err));
    found.tau = leaf.tau;
    status = bcemr_access_open(&a->ka, j, &access, &body, err);
    if (status == BCEMR_OK)
        status = bcemr_read_access_body(bcemr_buf_span(&body), &found.body, err);
    if (status == BCEMR_OK)
        status = bcemr_read_access_req(found.body.request, &found.request, err);
    if (status == BCEMR_E_NO_MEMORY)
        goto out;
    found.verdict = status == BCEMR_OK ? check_body(a, &found) : BCEMR_BAD_ACCESS;
    status = BCEMR_OK;
    a->tell(a->user, &found);
out:
    bcemr_buf_free(&raw);
    bcemr_buf_free(&body);
    return status;
}

static bcemr_status audit_cloud(const auditing *a, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_bytes16 handle;
    uint64_t leaf = 0;
    for (uint64_t j = 0;; j++) {
        TRY_AT(bcemr_access_handle(&a->ka, j, &handle), "Access", "handle");
        status = a->view->access(a->view->user, a->cloud, &handle, &leaf);
        if (status == BCEMR_E_NOT_FOUND)
            return BCEMR_OK;
        TRY_AT(status, "ledger", "Access");
        TRY(audit_one(a, j, leaf, err));
    }
out:
    return status;
}

bcemr_status bcemr_patient_audit(const bcemr_wallet *wallet, const bcemr_patient_grant *grant,
                                 void (*tell)(void *user, const bcemr_audited *), void *user,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    auditing a = {.view = wallet->ledger, .tell = tell, .user = user};
    TRY(bcemr_read_grant(bcemr_buf_span(&grant->terms), &a.terms, err));
    TRY(find_doctor(&a, err));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &a.terms.clouds);
    while (bcemr_list_next(&iter, &a.cloud)) {
        TRY_AT(bcemr_audit_key(&grant->secrets.gs, a.cloud, &a.ka), "grant", "audit");
        TRY(find_consent(&a, grant, err));
        TRY(audit_cloud(&a, err));
    }
out:
    bcemr_wipe(&a.ka, sizeof a.ka);
    return status;
}
