/* SPDX-License-Identifier: Apache-2.0 */
/* A patient grants, revokes and audits (section 7). No private key leaves this file. */
#include <bcemr/patient.h>

#include "client/case_check.h"
#include "wire/error.h"

#include <bcemr/group_key.h>
#include <bcemr/hash.h>
#include <string.h>

#define CONSENT_LATEST_MS 3600000 /* how long a cloud has to post the consent */

void bcemr_patient_grant_free(bcemr_patient_grant *grant)
{
    if (!grant)
        return;
    for (uint64_t i = 0; i < grant->post_count; i++)
        bcemr_buf_free(&grant->posts[i]);
    bcemr_release(grant->posts);
    bcemr_buf_free(&grant->terms);
    bcemr_wipe(grant, sizeof *grant);
}

/* ---- who may act ---- */

/* The cloud confirmed this visit: in its Seal, or later by a Confirm. */
static bcemr_status cloud_confirmed(const bcemr_ledger_view *view, const client_visit *visit,
                                    bcemr_span cloud, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t leaf = 0;
    bcemr_span id;
    const bcemr_visit_log *log = visit->log;
    REQUIRE(log->sealed, BCEMR_NOT_SEALED, "grant", "visits");
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &log->visit.clouds);
    for (uint64_t i = 1; bcemr_list_next(&iter, &id); i++)
        if (bcemr_span_equal(id, cloud) && bcemr_bitmap_get(log->confirmers, i))
            return BCEMR_OK;
    status = view->confirm(view->user, &log->vid, cloud, &leaf);
    if (status == BCEMR_E_NOT_FOUND)
        status = BCEMR_OK;
    else
        TRY_AT(status, "ledger", "Confirm");
    REQUIRE(leaf > 0, BCEMR_NOT_A_CLOUD_OF_VISIT, "grant", "clouds");
out:
    return status;
}

static bcemr_status check_wish(const bcemr_wallet *wallet, const bcemr_grant_wish *wish,
                               int64_t now, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit visit = {0};
    REQUIRE(wish->expiry > now, BCEMR_BAD_TERMS, "grant", "expiry");
    REQUIRE(wish->visit_count > 0 && wish->cloud_count > 0 && wish->cloud_count <= BCEMR_CLOUDS_MAX,
            BCEMR_BAD_TERMS, "grant", "visits");
    REQUIRE(wish->scope != BCEMR_scope_SEARCH, BCEMR_BAD_TERMS, "grant", "scope");
    for (uint64_t v = 0; v < wish->visit_count; v++) {
        client_visit_free(&visit);
        TRY(client_visit_load(wallet->ledger, &wish->visits[v]->vid, &visit, err));
        for (uint64_t c = 0; c < wish->cloud_count; c++)
            TRY(cloud_confirmed(wallet->ledger, &visit, wish->clouds[c], err));
    }
out:
    client_visit_free(&visit);
    return status;
}

/* ---- keys, terms, messages ---- */

/* Everything of a grant in the making; freed and wiped as one. */
typedef struct making {
    uint64_t count;
    bcemr_hash *vids;
    bcemr_secret_scalar *xvs;
    bcemr_secret_scalar *rks;
    bcemr_g1_raw *ys;
    bcemr_tr_grant_visit *rows;
    bcemr_ed_signature *signatures;
    bcemr_buf wrapped;
} making;

static void making_free(making *m)
{
    bcemr_release(m->vids);
    bcemr_release_wiped(m->xvs, m->count * sizeof *m->xvs);
    bcemr_release_wiped(m->rks, m->count * sizeof *m->rks);
    bcemr_release(m->ys);
    bcemr_release(m->rows);
    bcemr_release(m->signatures);
    bcemr_buf_free(&m->wrapped);
}

static bcemr_status making_new(const bcemr_grant_wish *wish, making *m)
{
    uint64_t n = m->count = wish->visit_count;
    m->vids = bcemr_allocate(n * sizeof *m->vids);
    m->xvs = bcemr_allocate(n * sizeof *m->xvs);
    m->rks = bcemr_allocate(n * sizeof *m->rks);
    m->ys = bcemr_allocate(n * sizeof *m->ys);
    m->rows = bcemr_allocate(n * sizeof *m->rows);
    m->signatures = bcemr_allocate(n * sizeof *m->signatures);
    if (!m->vids || !m->xvs || !m->rks || !m->ys || !m->rows || !m->signatures)
        return BCEMR_E_NO_MEMORY;
    for (uint64_t v = 0; v < n; v++) {
        m->vids[v] = wish->visits[v]->vid;
        m->xvs[v] = wish->visits[v]->keys.xv;
    }
    return BCEMR_OK;
}

static bcemr_status wrap(const bcemr_grant_wish *wish, const bcemr_tr_e_enrol *enrol,
                         const bcemr_grant_secrets *secrets, making *m, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf plain = BCEMR_BUF_EMPTY;
    bcemr_tr_audit_key rows[BCEMR_CLOUDS_MAX] = {0};
    bcemr_key ka;
    for (uint64_t c = 0; c < wish->cloud_count; c++) {
        TRY_AT(bcemr_audit_key(&secrets->gs, wish->clouds[c], &ka), "grant", "audit");
        rows[c].cloud = wish->clouds[c];
        memcpy(rows[c].ka.b, ka.b, sizeof ka.b);
    }
    bcemr_tr_wrapped wrapped = {.audit_keys = BCEMR_LIST_OF(rows, wish->cloud_count)};
    memcpy(wrapped.gs.b, secrets->gs.b, sizeof wrapped.gs.b);
    TRY(bcemr_write_wrapped(&wrapped, &plain, err));
    bcemr_wipe(&wrapped, sizeof wrapped);
    TRY(bcemr_sealed_box(&enrol->box, bcemr_buf_span(&plain), &m->wrapped, err));
out:
    bcemr_wipe(rows, sizeof rows);
    bcemr_wipe(&ka, sizeof ka);
    bcemr_buf_free(&plain);
    return status;
}

static bcemr_status make_terms(const bcemr_hash *ledger, const bcemr_grant_wish *wish,
                               const bcemr_hash *enrolment, int64_t now, making *m,
                               bcemr_patient_grant *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_terms signed_terms = {.ledger = *ledger};
    for (uint64_t v = 0; v < m->count; v++)
        m->rows[v] = (bcemr_tr_grant_visit){.vid = m->vids[v],
                                            .y = bcemr_span_of(m->ys[v].b, sizeof m->ys[v].b)};
    bcemr_tr_grant terms = {.ledger = *ledger,
                            .clouds = BCEMR_LIST_OF(wish->clouds, wish->cloud_count),
                            .t = 1,
                            .gid = out->secrets.gid,
                            .doctor = wish->doctor,
                            .enrolment = *enrolment,
                            .scope = (uint64_t)wish->scope,
                            .issued = now,
                            .expiry = wish->expiry,
                            .purpose = wish->purpose,
                            .visits = BCEMR_LIST_OF(m->rows, m->count),
                            .revoker = out->revoker_public};
    bcemr_sha256(bcemr_buf_span(&m->wrapped), &terms.wrapped);
    TRY(bcemr_write_grant(&terms, &out->terms, err));
    bcemr_sha256(bcemr_buf_span(&out->terms), &signed_terms.terms);
    for (uint64_t v = 0; v < m->count; v++)
        TRY(bcemr_ed_sign_value(&wish->visits[v]->keys.av, &bcemr_type_terms, &signed_terms,
                                &m->signatures[v], err));
out:
    return status;
}

static bcemr_status make_post(const bcemr_hash *ledger, bcemr_span cloud, const making *m,
                              int64_t now, const bcemr_patient_grant *grant, bcemr_buf *out,
                              bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_key ka = {{0}};
    const bcemr_tr_consent consent = {bcemr_buf_span(&grant->terms), grant->secrets.salt};
    bcemr_tr_consent_post post = {
        .ledger = *ledger, .cloud = cloud, .latest = now + CONSENT_LATEST_MS};
    bcemr_tr_grant_post message = {.terms = bcemr_buf_span(&grant->terms),
                                   .signatures = BCEMR_LIST_OF(m->signatures, m->count),
                                   .salt = grant->secrets.salt,
                                   .wrapped = bcemr_buf_span(&m->wrapped),
                                   .keys = BCEMR_LIST_OF(m->rks, m->count),
                                   .latest = post.latest};
    TRY(bcemr_hash_value(&bcemr_type_consent, &consent, &post.cm, err));
    TRY(bcemr_ed_sign_value(&grant->revoker, &bcemr_type_consent_post, &post, &message.consent_post,
                            err));
    TRY_AT(bcemr_audit_key(&grant->secrets.gs, cloud, &ka), "grant", "audit");
    memcpy(message.ka.b, ka.b, sizeof ka.b);
    TRY(bcemr_write_grant_post(&message, out, err));
out:
    bcemr_wipe(&ka, sizeof ka);
    bcemr_wipe(&message, sizeof message);
    return status;
}

static bcemr_status derive(const bcemr_wallet *wallet, const bcemr_hash *ledger,
                           const bcemr_hash *enrolment, int64_t now, making *m,
                           bcemr_patient_grant *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_seed seed = {{0}};
    out->j = wallet->next_grant;
    TRY(bcemr_grant_seed(&wallet->seed, ledger, out->j, &seed, &out->revoker, &out->revoker_public,
                         err));
    TRY(bcemr_grant_derive(&seed, enrolment, now, m->vids, m->count, &out->secrets, err));
    TRY(bcemr_grant_keys(&out->secrets.gs, &out->secrets.gid, m->xvs, m->vids, m->count, m->ys,
                         m->rks, err));
out:
    bcemr_wipe(&seed, sizeof seed);
    return status;
}

bcemr_status bcemr_patient_grant_make(bcemr_wallet *wallet, const bcemr_grant_wish *wish,
                                      int64_t now, bcemr_patient_grant *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    making m = {0};
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_ledger_facts facts;
    bcemr_tr_e_enrol enrol;
    bcemr_hash enrolment;
    memset(out, 0, sizeof *out);
    TRY(check_wish(wallet, wish, now, err));
    TRY_AT(wallet->ledger->facts(wallet->ledger->user, &facts), "ledger", NULL);
    TRY(client_enrolment(wallet->ledger, wish->doctor, &buf, &enrol, &enrolment, NULL, err));
    REQUIRE(enrol.kind == BCEMR_enrol_kind_DOCTOR, BCEMR_NOT_ENROLLED, "grant", "doctor");
    TRY_AT(making_new(wish, &m), "grant", NULL);
    TRY(derive(wallet, &facts.ledger, &enrolment, now, &m, out, err));
    TRY(wrap(wish, &enrol, &out->secrets, &m, err));
    TRY(make_terms(&facts.ledger, wish, &enrolment, now, &m, out, err));
    out->posts = bcemr_allocate(wish->cloud_count * sizeof *out->posts);
    if (!out->posts)
        FAIL(BCEMR_E_NO_MEMORY, "grant", NULL);
    out->post_count = wish->cloud_count;
    for (uint64_t c = 0; c < wish->cloud_count; c++)
        TRY(make_post(&facts.ledger, wish->clouds[c], &m, now, out, &out->posts[c], err));
    wallet->next_grant++;
out:
    making_free(&m);
    bcemr_buf_free(&buf);
    if (status != BCEMR_OK)
        bcemr_patient_grant_free(out);
    return status;
}

bcemr_status bcemr_patient_revoke(const bcemr_wallet *wallet, const bcemr_patient_grant *grant,
                                  bcemr_buf *entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_facts facts;
    TRY_AT(wallet->ledger->facts(wallet->ledger->user, &facts), "ledger", NULL);
    const bcemr_tr_revoke revoke = {facts.ledger, grant->revoker_public};
    bcemr_tr_e_revoke e = {.ledger = facts.ledger, .revoker = grant->revoker_public};
    TRY(bcemr_ed_sign_value(&grant->revoker, &bcemr_type_revoke, &revoke, &e.signature, err));
    TRY(bcemr_signed_make_value(&bcemr_type_e_revoke, &e, NULL, 0, entry, err));
out:
    return status;
}
