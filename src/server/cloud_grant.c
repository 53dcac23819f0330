/* SPDX-License-Identifier: Apache-2.0 */
/* A cloud takes grants, logs their consents and tells doctors of them (section 7). */
#include "server/cloud_state.h"

#include <bcemr/grant.h>
#include <bcemr/proof.h>
#include <bcemr/visit.h>
#include <stdlib.h>
#include <string.h>

/* ---- a grant's life ---- */

void cloud_grant_forget(cloud_grant *grant, const bcemr_hash *vid)
{
    bool any = false;
    for (uint64_t v = 0; v < grant->key_count; v++) {
        cloud_grant_key *key = &grant->keys[v];
        if (!vid || bcemr_hash_equal(&key->vid, vid)) {
            bcemr_wipe(&key->rk, sizeof key->rk);
            key->held = false;
        }
        any = any || key->held;
    }
    if (any)
        return;
    bcemr_wipe(&grant->ka, sizeof grant->ka);
    grant->ka_held = false;
}

bcemr_status cloud_grant_in_effect(const cloud *c, const cloud_grant *grant, uint64_t *leaf,
                                   bcemr_error *err)
{
    bcemr_status status =
        c->setup.ledger->consent(c->setup.ledger->user, c->setup.id, &grant->cm, leaf);
    if (status == BCEMR_E_NOT_FOUND)
        return wire_refuse(err, BCEMR_NO_SUCH_GRANT, "grant", "consent", BCEMR_NOWHERE);
    return status == BCEMR_OK ? status : wire_fail(err, status, "ledger", "Consent");
}

bcemr_status cloud_doctor_active(const cloud *c, const bcemr_tr_grant *terms, bcemr_buf *buf,
                                 bcemr_tr_e_enrol *enrol, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash hash;
    TRY(client_enrolment(c->setup.ledger, terms->doctor, buf, enrol, &hash, NULL, err));
    REQUIRE(bcemr_hash_equal(&hash, &terms->enrolment) && enrol->kind == BCEMR_enrol_kind_DOCTOR,
            BCEMR_NOT_ENROLLED, "grant", "enrolment");
out:
    return status;
}

void cloud_grant_free(cloud_grant *grant)
{
    if (!grant)
        return;
    bcemr_buf_free(&grant->offer);
    bcemr_buf_free(&grant->consent);
    bcemr_buf_free(&grant->request);
    bcemr_release_wiped(grant->keys, grant->key_count * sizeof *grant->keys);
    bcemr_release(grant->leaves);
    bcemr_release_wiped(grant, sizeof *grant);
}

/* ---- taking one: what the checks look at ---- */

typedef struct taking {
    cloud *c;
    int64_t now;
    bcemr_ledger_facts facts;
    bcemr_tr_grant_post post;
    bcemr_tr_grant terms;
    bcemr_hash terms_hash;
    uint64_t count; /* visits */
    bcemr_tr_grant_visit *visits;
    bcemr_hash *sorted;
    bcemr_g1_raw *pkvs, *ys;
    bcemr_secret_scalar *rks;
    cloud_grant *grant; /* what it becomes */
} taking;

static void taking_free(taking *t)
{
    bcemr_release(t->visits);
    bcemr_release(t->sorted);
    bcemr_release(t->pkvs);
    bcemr_release(t->ys);
    bcemr_release_wiped(t->rks, t->count * sizeof *t->rks);
    cloud_grant_free(t->grant);
}

static bcemr_status allocate(taking *t, bcemr_error *err)
{
    t->count = t->terms.visits.count;
    t->visits = bcemr_allocate(t->count * sizeof *t->visits);
    t->sorted = bcemr_allocate(t->count * sizeof *t->sorted);
    t->pkvs = bcemr_allocate(t->count * sizeof *t->pkvs);
    t->ys = bcemr_allocate(t->count * sizeof *t->ys);
    t->rks = bcemr_allocate(t->count * sizeof *t->rks);
    bool all = t->visits && t->sorted && t->pkvs && t->ys && t->rks;
    return all ? BCEMR_OK : wire_fail(err, BCEMR_E_NO_MEMORY, "grant", NULL);
}

/* ---- the checks, in the order of cloud.h ---- */

static bcemr_status check_supported(taking *t, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    REQUIRE(bcemr_type_of(t->post.terms) == &bcemr_type_grant, BCEMR_NOT_SUPPORTED, "grant-post",
            "terms");
    TRY(bcemr_read_grant(t->post.terms, &t->terms, err));
    REQUIRE(t->terms.t == 1, BCEMR_NOT_SUPPORTED, "grant", "t");
    REQUIRE(t->terms.scope != BCEMR_scope_SEARCH, BCEMR_NOT_SUPPORTED, "grant", "scope");
    REQUIRE(bcemr_hash_equal(&t->terms.ledger, &t->facts.ledger), BCEMR_WRONG_LEDGER, "grant",
            "ledger");
    bcemr_sha256(t->post.terms, &t->terms_hash);
out:
    return status;
}

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(bcemr_hash));
}

/* Our own ID among the clouds, and none twice. */
static bool clouds_fit(const taking *t)
{
    bcemr_span a, b;
    bool ours = false;
    bcemr_iter i = bcemr_list_begin(&bcemr_type_id_item, &t->terms.clouds);
    while (bcemr_list_next(&i, &a)) {
        ours = ours || bcemr_span_equal(a, t->c->setup.id);
        bcemr_iter j = i;
        while (bcemr_list_next(&j, &b))
            if (bcemr_span_equal(a, b))
                return false;
    }
    return ours && t->terms.t <= t->terms.clouds.count;
}

static bcemr_status check_visits(taking *t, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_grant_visit, &t->terms.visits);
    for (uint64_t v = 0; v < t->count && bcemr_list_next(&iter, &t->visits[v]); v++) {
        bool y = t->visits[v].y.n == sizeof t->ys[v].b;
        REQUIRE_AT(y && t->visits[v].coefficients.count == t->terms.t - 1, BCEMR_BAD_TERMS, "grant",
                   "visits", v);
        if (y)
            memcpy(t->ys[v].b, t->visits[v].y.p, sizeof t->ys[v].b);
        t->sorted[v] = t->visits[v].vid;
    }
    qsort(t->sorted, (size_t)t->count, sizeof *t->sorted, compare_hashes);
    for (uint64_t v = 1; v < t->count; v++)
        REQUIRE(memcmp(&t->sorted[v - 1], &t->sorted[v], sizeof *t->sorted) != 0, BCEMR_BAD_TERMS,
                "grant", "visits");
out:
    return status;
}

static bcemr_status check_terms(taking *t, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash wrapped;
    REQUIRE(clouds_fit(t), BCEMR_BAD_TERMS, "grant", "clouds");
    REQUIRE(t->post.signatures.count == t->count && t->post.keys.count == t->count, BCEMR_BAD_TERMS,
            "grant-post", "keys");
    TRY(check_visits(t, err));
    REQUIRE(t->terms.expiry > t->terms.issued &&
                (t->terms.issued <= t->now ||
                 cloud_time_is_near(t->terms.issued, t->now, t->facts.clock_difference)),
            BCEMR_BAD_TERMS, "grant", "issued");
    bcemr_sha256(t->post.wrapped, &wrapped);
    REQUIRE(bcemr_hash_equal(&wrapped, &t->terms.wrapped), BCEMR_BAD_WRAPPED, "grant", "wrapped");
out:
    return status;
}

/* gid, R and cm are new here. cm may be on the ledger though the table lost it. */
static bcemr_status check_fresh(taking *t, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const server_table *grants = &t->c->grants;
    const bcemr_tr_consent consent = {t->post.terms, t->post.salt};
    uint64_t leaf = 0;
    TRY(bcemr_hash_value(&bcemr_type_consent, &consent, &t->grant->cm, err));
    REQUIRE(!server_table_find(grants, &t->terms.gid), BCEMR_GRANT_REPEATED, "grant", "gid");
    for (uint64_t g = 0; g < grants->count; g++)
        REQUIRE(memcmp(&((const cloud_grant *)grants->rows[g])->terms.revoker, &t->terms.revoker,
                       sizeof t->terms.revoker) != 0,
                BCEMR_GRANT_REPEATED, "grant", "revoker");
    status = cloud_grant_in_effect(t->c, t->grant, &leaf, err);
    bool known = status == BCEMR_OK;
    if (status != BCEMR_OK && status != BCEMR_E_REFUSED)
        goto out;
    status = BCEMR_OK;
    REQUIRE(!known, BCEMR_GRANT_REPEATED, "grant", "consent");
    REQUIRE(t->now <= t->terms.expiry, BCEMR_GRANT_EXPIRED, "grant", "expiry");
out:
    return status;
}

static bcemr_status check_doctor(taking *t, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_e_enrol enrol;
    bool revoked = false;
    TRY(cloud_doctor_active(t->c, &t->terms, &buf, &enrol, err));
    if (enrol.x.n == sizeof t->grant->doctor_key)
        memcpy(t->grant->doctor_key.b, enrol.x.p, sizeof t->grant->doctor_key);
    TRY(server_stopped(t->c->setup.ledger, "Revoke",
                       bcemr_span_of(t->terms.revoker.b, sizeof t->terms.revoker.b), &revoked, NULL,
                       err));
    REQUIRE(!revoked, BCEMR_GRANT_REVOKED, "grant", "revoker");
out:
    bcemr_buf_free(&buf);
    return status;
}

/* Every cloud of the terms has confirmed this visit. */
static bcemr_status check_clouds_of(const taking *t, const bcemr_visit_log *log, uint64_t v,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span id;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &t->terms.clouds);
    while (bcemr_list_next(&iter, &id)) {
        bool counts = false;
        TRY(cloud_counts(t->c, log, id, &counts, err));
        REQUIRE_AT(counts, BCEMR_NOT_A_CLOUD_OF_VISIT, "grant", "clouds", v);
    }
out:
    return status;
}

/* One visit of the terms: sealed, not erased, held here, shared by its Av. */
static bcemr_status check_visit(taking *t, uint64_t v, const bcemr_ed_signature *signature,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_terms terms = {t->facts.ledger, t->terms_hash};
    client_visit log = {0};
    cloud_record *record = NULL;
    bool erased = false;
    const bcemr_hash *vid = &t->visits[v].vid;
    TRY(server_visit(t->c->setup.ledger, vid, &log, err));
    REQUIRE_AT(log.log->sealed, BCEMR_NOT_SEALED, "grant", "visits", v);
    TRY(server_stopped(t->c->setup.ledger, "Erase", server_hash_span(vid), &erased, NULL, err));
    REQUIRE_AT(!erased, BCEMR_CASE_ERASED, "grant", "visits", v);
    TRY(check_clouds_of(t, log.log, v, err));
    TRY(cloud_find_record(t->c, vid, &record, err));
    REQUIRE_AT(bcemr_ed_holds_value(&record->av, &bcemr_type_terms, &terms, signature),
               BCEMR_BAD_GRANT_SIGNATURE, "grant-post", "signatures", v);
    t->pkvs[v] = record->pkv;
out:
    if (status != BCEMR_OK && err)
        err->index = v;
    client_visit_free(&log);
    return status;
}

static bcemr_status check_consent(const taking *t, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_consent_post post = {t->facts.ledger, t->c->setup.id, t->grant->cm,
                                        t->post.latest};
    REQUIRE(t->now <= t->post.latest, BCEMR_CONSENT_LATE, "grant-post", "latest");
    REQUIRE(bcemr_ed_holds_value(&t->terms.revoker, &bcemr_type_consent_post, &post,
                                 &t->post.consent_post),
            BCEMR_BAD_CONSENT_POST, "grant-post", "consent_post");
out:
    return status;
}

/* Visit by visit and no further than the first bad one: who sends many cannot make the cloud load
 * and check them all. */
static bcemr_status check_all_visits(taking *t, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ed_signature signature;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_edsig_item, &t->post.signatures);
    for (uint64_t v = 0; v < t->count && bcemr_list_next(&iter, &signature); v++)
        TRY(check_visit(t, v, &signature, err));
out:
    return status;
}

static bcemr_status check_keys(taking *t, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_scalar_raw raw;
    uint64_t bad = 0;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_scalar_item, &t->post.keys);
    for (uint64_t v = 0; v < t->count && bcemr_list_next(&iter, &raw); v++)
        TRY_AT(bcemr_secret_scalar_decode(&raw, &t->rks[v]), "grant-post", "keys");
    bcemr_verdict verdict = bcemr_grant_keys_check(t->pkvs, t->ys, t->rks, t->count, &bad, err);
    CHECK(verdict, "grant-post", "keys");
out:
    if (status == BCEMR_E_REFUSED && err)
        err->index = bad;
    bcemr_wipe(&raw, sizeof raw);
    return status;
}

/* ---- keeping ---- */

static bcemr_status fill_grant(taking *t, bcemr_span post, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    cloud_grant *grant = t->grant;
    const bcemr_tr_grant_offer offer = {t->post.terms, t->post.signatures, t->post.wrapped};
    TRY(bcemr_write_grant_offer(&offer, &grant->offer, err));
    TRY(bcemr_read_grant_offer(bcemr_buf_span(&grant->offer), &grant->offered, err));
    TRY(bcemr_read_grant(grant->offered.terms, &grant->terms, err));
    grant->gid = t->terms.gid;
    bcemr_sha256(post, &grant->post);
    grant->salt = t->post.salt;
    memcpy(grant->ka.b, t->post.ka.b, sizeof grant->ka.b);
    grant->ka_held = true;
    grant->keys = bcemr_allocate(t->count * sizeof *grant->keys);
    if (!grant->keys)
        FAIL(BCEMR_E_NO_MEMORY, "grant", "keys");
    grant->key_count = t->count;
    for (uint64_t v = 0; v < t->count; v++)
        grant->keys[v] = (cloud_grant_key){t->visits[v].vid, true, t->rks[v]};
    const bcemr_tr_e_consent consent = {t->facts.ledger, grant->cm,      t->terms.revoker,
                                        t->c->setup.id,  t->post.latest, t->post.consent_post};
    TRY(server_entry_signed(t->c->setup.signer, "cloud", t->c->setup.id, &bcemr_type_e_consent,
                            &consent, &grant->consent, err));
out:
    return status;
}

static bcemr_status keep_grant(taking *t, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    cloud *c = t->c;
    TRY_AT(server_table_add(&c->grants, t->grant), "cloud", "grants");
    status = c->setup.outbox->put(c->setup.outbox->user, bcemr_buf_span(&t->grant->consent), err);
    if (status != BCEMR_OK)
        server_table_drop(&c->grants, t->grant);
    else
        t->grant = NULL;
out:
    return status;
}

/* ---- one that came before ---- */

/* A Consent that the ledger refused for good leaves the gid free: the same terms may come again
 * under a later latest time. */
static bcemr_status forget_refused(cloud *c, cloud_grant *grant, bool *forgotten, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_signed_parts parts;
    server_outbox_state state = SERVER_OUTBOX_UNKNOWN;
    uint32_t reason = 0;
    uint64_t leaf = 0;
    *forgotten = false;
    TRY(bcemr_signed_read(bcemr_buf_span(&grant->consent), &parts, err));
    TRY_AT(c->setup.outbox->state(c->setup.outbox->user, &parts.entry_hash, &state, &reason),
           "outbox", NULL);
    bool lost = state == SERVER_OUTBOX_UNKNOWN; /* refused so long ago that it was forgotten */
    if (lost) {
        status = cloud_grant_in_effect(c, grant, &leaf, err);
        lost = status == BCEMR_E_REFUSED;
        if (status != BCEMR_OK && !lost)
            goto out;
        status = BCEMR_OK;
    }
    if (state == SERVER_OUTBOX_REFUSED || lost) {
        server_table_drop(&c->grants, grant);
        cloud_grant_free(grant);
        *forgotten = true;
    }
out:
    return status;
}

/* The very same message: its Consent is posted again. *done when that was all. */
static bcemr_status take_known(taking *t, bcemr_span message, bool *done, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash hash;
    *done = false;
    cloud_grant *known = server_table_find(&t->c->grants, &t->terms.gid);
    if (!known)
        goto out;
    bcemr_sha256(message, &hash);
    if (!bcemr_hash_equal(&hash, &known->post)) {
        bool forgotten = false;
        TRY(forget_refused(t->c, known, &forgotten, err));
        goto out;
    }
    *done = true;
    REQUIRE(t->now <= t->post.latest, BCEMR_CONSENT_LATE, "grant-post", "latest");
    TRY(t->c->setup.outbox->put(t->c->setup.outbox->user, bcemr_buf_span(&known->consent), err));
out:
    return status;
}

bcemr_status cloud_take_grant(cloud *c, bcemr_span grant_post, int64_t now, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    taking t = {.c = c, .now = now};
    bool done = false;
    TRY(server_facts(c->setup.ledger, &t.facts, err));
    TRY(bcemr_read_grant_post(grant_post, &t.post, err));
    TRY(check_supported(&t, err));
    TRY(take_known(&t, grant_post, &done, err));
    if (done)
        goto out;
    t.grant = bcemr_allocate(sizeof *t.grant);
    if (!t.grant)
        FAIL(BCEMR_E_NO_MEMORY, "grant", NULL);
    TRY(allocate(&t, err));
    TRY(check_terms(&t, err));
    TRY(check_fresh(&t, err));
    TRY(check_doctor(&t, err));
    TRY(check_consent(&t, err));
    TRY(check_all_visits(&t, err));
    TRY(check_keys(&t, err));
    TRY(fill_grant(&t, grant_post, err));
    TRY(keep_grant(&t, err));
out:
    taking_free(&t);
    return status;
}

/* ---- offers ---- */

bcemr_status cloud_offer(cloud *c, bcemr_span doctor, uint64_t n, int64_t now, bcemr_buf *offer,
                         bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t leaf = 0;
    for (uint64_t g = 0; g < c->grants.count; g++) {
        const cloud_grant *grant = c->grants.rows[g];
        if (!grant->ka_held || now > grant->terms.expiry ||
            !bcemr_span_equal(grant->terms.doctor, doctor))
            continue;
        status = cloud_grant_in_effect(c, grant, &leaf, err);
        if (status == BCEMR_E_REFUSED || (status == BCEMR_OK && n-- > 0))
            continue;
        TRY(status);
        TRY_AT(bcemr_buf_append(offer, bcemr_buf_span(&grant->offer)), "grant-offer", NULL);
        return BCEMR_OK;
    }
    FAIL(BCEMR_E_NOT_FOUND, "grant-offer", NULL);
out:
    return status;
}
