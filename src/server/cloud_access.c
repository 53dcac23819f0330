/* SPDX-License-Identifier: Apache-2.0 */
/* A cloud answers requests by re-encryption, after their access is on the ledger (section 7). */
#include "server/cloud_state.h"

#include <bcemr/grant.h>
#include <bcemr/proof.h>
#include <bcemr/record.h>
#include <string.h>

/* ---- the accesses of a grant ---- */

static bcemr_status note_leaf(cloud_grant *grant, uint64_t leaf, bcemr_error *err)
{
    if (grant->leaf_count == grant->leaf_capacity) {
        uint64_t capacity = grant->leaf_capacity > 0 ? 2 * grant->leaf_capacity : 8;
        uint64_t *leaves = bcemr_allocate(capacity * sizeof *leaves);
        if (!leaves)
            return wire_fail(err, BCEMR_E_NO_MEMORY, "Access", NULL);
        if (grant->leaf_count > 0)
            memcpy(leaves, grant->leaves, (size_t)grant->leaf_count * sizeof *leaves);
        bcemr_release(grant->leaves);
        grant->leaves = leaves;
        grant->leaf_capacity = capacity;
    }
    grant->leaves[grant->leaf_count++] = leaf;
    return BCEMR_OK;
}

/* Where the access with number j of this grant stands; E_NOT_FOUND. Its ka must be held. */
static bcemr_status access_leaf(const cloud *c, const cloud_grant *grant, uint64_t j,
                                uint64_t *leaf)
{
    bcemr_bytes16 handle;
    bcemr_status status = bcemr_access_handle(&grant->ka, j, &handle);
    if (status != BCEMR_OK)
        return status;
    return c->setup.ledger->access(c->setup.ledger->user, c->setup.id, &handle, leaf);
}

bcemr_status cloud_settle(cloud *c, cloud_grant *grant, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    server_outbox_state state = SERVER_OUTBOX_UNKNOWN;
    uint32_t reason = 0;
    uint64_t leaf = 0;
    if (!grant->pending || !grant->ka_held)
        return BCEMR_OK;
    status = access_leaf(c, grant, grant->leaf_count, &leaf);
    if (status == BCEMR_OK) {
        TRY(note_leaf(grant, leaf, err));
        grant->pending = false;
        goto out;
    }
    if (status != BCEMR_E_NOT_FOUND)
        FAIL(status, "ledger", "Access");
    TRY_AT(c->setup.outbox->state(c->setup.outbox->user, &grant->pending_entry, &state, &reason),
           "outbox", NULL);
    /* UNKNOWN: it ended so long ago that it was forgotten, and the ledger does not have it. */
    if (state == SERVER_OUTBOX_REFUSED || state == SERVER_OUTBOX_UNKNOWN)
        grant->pending = grant->asked = false;
out:
    return status;
}

/* ---- the request ---- */

typedef struct asking {
    cloud *c;
    int64_t now;
    bcemr_ledger_facts facts;
    bcemr_tr_access_ask ask;
    bcemr_tr_access_req request;
    cloud_grant *grant;
    uint64_t consent; /* leaf */
    uint64_t nonce;   /* place */
} asking;

static bcemr_status check_grant(asking *a, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_access_req *request = &a->request;
    REQUIRE(bcemr_hash_equal(&request->ledger, &a->facts.ledger), BCEMR_WRONG_LEDGER, "access-req",
            "ledger");
    REQUIRE(bcemr_span_equal(request->cloud, a->c->setup.id), BCEMR_BAD_REQUEST, "access-req",
            "cloud");
    a->grant = server_table_find(&a->c->grants, &request->gid);
    if (!a->grant) {
        status = wire_refuse(err, BCEMR_NO_SUCH_GRANT, "access-req", "gid", BCEMR_NOWHERE);
        goto out;
    }
    TRY(cloud_grant_in_effect(a->c, a->grant, &a->consent, err));
out:
    return status;
}

static bcemr_status check_scope(const asking *a, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_access_req *request = &a->request;
    uint64_t visits = a->grant->terms.visits.count;
    REQUIRE(request->kind == BCEMR_access_kind_READ, BCEMR_NOT_SUPPORTED, "access-req", "kind");
    REQUIRE(a->grant->terms.scope == BCEMR_scope_READ ||
                a->grant->terms.scope == BCEMR_scope_READ_SEARCH,
            BCEMR_REQUEST_SCOPE, "access-req", "kind");
    TRY_AT(bcemr_bitmap_check(request->visits, visits), "access-req", "visits");
    REQUIRE(bcemr_bitmap_count(request->visits) > 0, BCEMR_REQUEST_SCOPE, "access-req", "visits");
    REQUIRE(request->tags.n == 0 && a->ask.tags.count == 0, BCEMR_BAD_REQUEST, "access-req",
            "tags");
out:
    return status;
}

static bcemr_status check_asker(const asking *a, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_e_enrol enrol;
    bool retired = false;
    bcemr_span x = bcemr_span_of(a->grant->doctor_key.b, sizeof a->grant->doctor_key.b);
    TRY(server_stopped(a->c->setup.ledger, "Retire", x, &retired, NULL, err));
    REQUIRE(!retired, BCEMR_DOCTOR_RETIRED, "grant", "enrolment");
    TRY(cloud_doctor_active(a->c, &a->grant->terms, &buf, &enrol, err));
    REQUIRE(bcemr_ed_holds(&enrol.a, a->ask.request, &a->ask.signature), BCEMR_BAD_REQUEST,
            "access-ask", "signature");
out:
    bcemr_buf_free(&buf);
    return status;
}

bcemr_status cloud_check_stops(const cloud *c, const cloud_grant *grant, const bcemr_hash *vid,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bool stopped = false;
    bcemr_span revoker = bcemr_span_of(grant->terms.revoker.b, sizeof grant->terms.revoker.b);
    bcemr_span x = bcemr_span_of(grant->doctor_key.b, sizeof grant->doctor_key.b);
    TRY(server_stopped(c->setup.ledger, "Revoke", revoker, &stopped, NULL, err));
    REQUIRE(!stopped, BCEMR_GRANT_REVOKED, "grant", "revoker");
    TRY(server_stopped(c->setup.ledger, "Retire", x, &stopped, NULL, err));
    REQUIRE(!stopped, BCEMR_DOCTOR_RETIRED, "grant", "enrolment");
    TRY(server_stopped(c->setup.ledger, "Erase", server_hash_span(vid), &stopped, NULL, err));
    REQUIRE(!stopped, BCEMR_CASE_ERASED, "grant", "visits");
out:
    return status;
}

/* For each visit asked for. Whether a stop stands before the Access or after it: the cloud has seen
 * it, so the keys should be gone and nothing is answered. */
static bcemr_status check_stops(const cloud *c, const cloud_grant *grant,
                                const bcemr_tr_access_req *request, bcemr_error *err)
{
    for (uint64_t v = 0; v < grant->key_count; v++) {
        if (!bcemr_bitmap_get(request->visits, v))
            continue;
        bcemr_status status = cloud_check_stops(c, grant, &grant->keys[v].vid, err);
        if (status != BCEMR_OK && err)
            err->index = v;
        if (status != BCEMR_OK)
            return status;
    }
    return BCEMR_OK;
}

static bcemr_status check_time(asking *a, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bool known =
        cloud_nonce_find(a->c, a->grant->terms.doctor, &a->request.cloud_nonce, a->now, &a->nonce);
    REQUIRE(known, BCEMR_REQUEST_REPLAYED, "access-req", "cloud_nonce");
    REQUIRE(cloud_time_is_near(a->request.time, a->now, a->facts.clock_difference),
            BCEMR_REQUEST_REPLAYED, "access-req", "time");
    REQUIRE(a->now <= a->grant->terms.expiry, BCEMR_GRANT_EXPIRED, "grant", "expiry");
out:
    return status;
}

/* Every key that the answer will need is here. */
static bcemr_status check_keys(const cloud_grant *grant, const bcemr_tr_access_req *request,
                               bcemr_error *err)
{
    for (uint64_t v = 0; v < grant->key_count; v++)
        if (bcemr_bitmap_get(request->visits, v) && !grant->keys[v].held)
            return wire_fail_at(err, BCEMR_E_STATE, "grant", "keys", v, BCEMR_NOWHERE);
    return grant->ka_held ? BCEMR_OK : wire_fail(err, BCEMR_E_STATE, "grant", "ka");
}

/* The Access: durable in the outbox before anything is sent, and before this grant's next. */
static bcemr_status post_access(asking *a, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    cloud_grant *grant = a->grant;
    bcemr_buf body = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY, request = BCEMR_BUF_EMPTY;
    bcemr_tr_e_access access;
    const bcemr_tr_access_body fields = {.request = a->ask.request,
                                         .signature = a->ask.signature,
                                         .consent = a->consent,
                                         .j = grant->leaf_count,
                                         .time = a->now};
    TRY(bcemr_write_access_body(&fields, &body, err));
    TRY(bcemr_access_make(&grant->ka, &a->facts.ledger, a->c->setup.id, bcemr_buf_span(&body),
                          &entry, err));
    TRY(bcemr_read_e_access(bcemr_buf_span(&entry), &access, err));
    TRY_AT(bcemr_buf_append(&request, a->ask.request), "access-req", NULL);
    TRY(cloud_post(a->c, &bcemr_type_e_access, &access, err));
    bcemr_sha256(bcemr_buf_span(&entry), &grant->pending_entry);
    bcemr_buf_free(&grant->request);
    grant->request = request;
    request = BCEMR_BUF_EMPTY;
    grant->pending = grant->asked = true;
    grant->answered = false;
out:
    bcemr_buf_free(&body);
    bcemr_buf_free(&entry);
    bcemr_buf_free(&request);
    return status;
}

bcemr_status cloud_access(cloud *c, bcemr_span access_ask, int64_t now, bcemr_hash *gid,
                          bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    asking a = {.c = c, .now = now};
    TRY(server_facts(c->setup.ledger, &a.facts, err));
    TRY(bcemr_read_access_ask(access_ask, &a.ask, err));
    TRY(bcemr_read_access_req(a.ask.request, &a.request, err));
    TRY(check_grant(&a, err));
    TRY(check_scope(&a, err));
    TRY(check_asker(&a, err));
    TRY(check_time(&a, err));
    TRY(check_stops(c, a.grant, &a.request, err));
    TRY(check_keys(a.grant, &a.request, err));
    TRY(cloud_settle(c, a.grant, err));
    if (a.grant->pending)
        FAIL(BCEMR_E_STATE, "Access", "j");
    TRY(post_access(&a, err));
    cloud_nonce_use(c, a.nonce);
    *gid = a.request.gid;
out:
    return status;
}

/* ---- the answer ---- */

typedef struct answering {
    cloud *c;
    cloud_grant *grant;
    bcemr_tr_access_req request;
    bcemr_buf consent, access, checkpoint;
    bcemr_tr_reencrypted *records;
    uint64_t record_count;
    bcemr_buf *earlier;
    bcemr_span *earlier_spans;
    uint64_t earlier_count;
} answering;

static void answering_free(answering *a)
{
    for (uint64_t i = 0; a->earlier && i < a->earlier_count; i++)
        bcemr_buf_free(&a->earlier[i]);
    bcemr_release(a->earlier);
    bcemr_release(a->earlier_spans);
    bcemr_release(a->records);
    bcemr_buf_free(&a->consent);
    bcemr_buf_free(&a->access);
    bcemr_buf_free(&a->checkpoint);
}

static bcemr_status prove(const cloud *c, uint64_t leaf, bcemr_verdict refusal, bcemr_buf *out,
                          bcemr_error *err)
{
    bcemr_status status = c->setup.ledger->inclusion(c->setup.ledger->user, leaf, out);
    if (status == BCEMR_E_NOT_FOUND)
        return wire_refuse(err, refusal, "ledger", "inclusion", BCEMR_NOWHERE);
    return status == BCEMR_OK ? status : wire_fail(err, status, "ledger", "inclusion");
}

/* The Access under a cosigned checkpoint, in time by the ledger, and nothing that ends the grant.
 */
static bcemr_status check_access(answering *a, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_inclusion inclusion;
    bcemr_leaf_parts leaf;
    const bcemr_ledger_view *ledger = a->c->setup.ledger;
    TRY(check_stops(a->c, a->grant, &a->request, err));
    TRY(prove(a->c, a->grant->leaves[a->grant->leaf_count - 1], BCEMR_ACCESS_NOT_INCLUDED,
              &a->access, err));
    status = ledger->checkpoint(ledger->user, &a->checkpoint);
    if (status == BCEMR_E_NOT_FOUND)
        status = wire_refuse(err, BCEMR_ACCESS_NOT_INCLUDED, "ledger", "checkpoint", BCEMR_NOWHERE);
    TRY(status);
    TRY(bcemr_read_inclusion(bcemr_buf_span(&a->access), &inclusion, err));
    TRY(bcemr_leaf_read(inclusion.leaf, &leaf, err));
    REQUIRE(leaf.tau <= a->grant->terms.expiry, BCEMR_GRANT_EXPIRED, "grant", "expiry");
    TRY(check_keys(a->grant, &a->request, err));
out:
    return status;
}

static bcemr_status prove_consent(answering *a, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t leaf = 0;
    TRY(cloud_grant_in_effect(a->c, a->grant, &leaf, err));
    TRY(prove(a->c, leaf, BCEMR_CONSENT_NOT_INCLUDED, &a->consent, err));
out:
    return status;
}

static bcemr_status prove_earlier(answering *a, uint64_t first, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t last = a->grant->leaf_count - 1;
    uint64_t count = first < last ? last - first : 0;
    a->earlier = bcemr_allocate((count + 1) * sizeof *a->earlier);
    a->earlier_spans = bcemr_allocate((count + 1) * sizeof *a->earlier_spans);
    if (!a->earlier || !a->earlier_spans)
        FAIL(BCEMR_E_NO_MEMORY, "access-answer", "earlier");
    for (; a->earlier_count < count; a->earlier_count++) {
        uint64_t i = a->earlier_count;
        status = prove(a->c, a->grant->leaves[first + i], BCEMR_ACCESS_NOT_INCLUDED, &a->earlier[i],
                       err);
        if (status != BCEMR_OK)
            bcemr_buf_free(&a->earlier[i]);
        TRY(status);
        a->earlier_spans[i] = bcemr_buf_span(&a->earlier[i]);
    }
out:
    return status;
}

/* B' = rk B of our own record: no capsule ever comes from outside. */
static bcemr_status reencrypt(answering *a, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    cloud_record *record = NULL;
    const cloud_grant *grant = a->grant;
    a->records = bcemr_allocate(grant->key_count * sizeof *a->records);
    if (!a->records)
        FAIL(BCEMR_E_NO_MEMORY, "access-answer", "records");
    for (uint64_t v = 0; v < grant->key_count; v++) {
        if (!bcemr_bitmap_get(a->request.visits, v))
            continue;
        bcemr_tr_reencrypted *out = &a->records[a->record_count];
        TRY(cloud_find_record(a->c, &grant->keys[v].vid, &record, err));
        out->vid = record->vid;
        out->header = bcemr_buf_span(&record->header);
        bcemr_reencrypt_decoded(&grant->keys[v].rk, &record->b, &out->b);
        a->record_count++;
    }
out:
    return status;
}

static bcemr_status write_answer(const answering *a, bcemr_buf *answer, bcemr_error *err)
{
    const bcemr_tr_access_answer message = {.records = BCEMR_LIST_OF(a->records, a->record_count),
                                            .consent_salt = a->grant->salt,
                                            .consent = bcemr_buf_span(&a->consent),
                                            .access = bcemr_buf_span(&a->access),
                                            .earlier =
                                                BCEMR_LIST_OF(a->earlier_spans, a->earlier_count),
                                            .checkpoint = bcemr_buf_span(&a->checkpoint)};
    return bcemr_write_access_answer(&message, answer, err);
}

bcemr_status cloud_answer(cloud *c, const bcemr_hash *gid, uint64_t first, bcemr_buf *answer,
                          bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    answering a = {.c = c, .grant = server_table_find(&c->grants, gid)};
    if (!a.grant || !a.grant->asked)
        FAIL(BCEMR_E_STATE, "access-answer", "request");
    TRY(cloud_settle(c, a.grant, err));
    if (!a.grant->asked || (!a.grant->pending && a.grant->leaf_count == 0))
        FAIL(BCEMR_E_STATE, "access-answer", "request");
    TRY(bcemr_read_access_req(bcemr_buf_span(&a.grant->request), &a.request, err));
    if (a.grant->pending) { /* stopped while it waited, or not there yet */
        TRY(check_stops(c, a.grant, &a.request, err));
        status = wire_refuse(err, BCEMR_ACCESS_NOT_INCLUDED, "Access", NULL, BCEMR_NOWHERE);
        goto out;
    }
    TRY(check_access(&a, err));
    TRY(prove_consent(&a, err));
    TRY(prove_earlier(&a, first, err));
    TRY(reencrypt(&a, err));
    TRY(write_answer(&a, answer, err));
    a.grant->answered = true;
out:
    answering_free(&a);
    return status;
}

/* ---- the patient's own requests ---- */

static bcemr_status own_grants(cloud *c, const bcemr_hash *vid, bcemr_buf *answer, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t count = 0;
    bcemr_span *offers = bcemr_allocate((c->grants.count + 1) * sizeof *offers);
    if (!offers)
        FAIL(BCEMR_E_NO_MEMORY, "own-req", "GRANTS");
    for (uint64_t g = 0; g < c->grants.count; g++) {
        const cloud_grant *grant = c->grants.rows[g];
        for (uint64_t v = 0; v < grant->key_count; v++)
            if (bcemr_hash_equal(&grant->keys[v].vid, vid)) {
                offers[count++] = bcemr_buf_span(&grant->offer);
                break;
            }
    }
    const bcemr_list list = BCEMR_LIST_OF(offers, count);
    TRY(bcemr_write_list(&bcemr_type_grant_offer, &list, answer, err));
out:
    bcemr_release(offers);
    return status;
}

static bcemr_status check_own(cloud *c, bcemr_span bytes, const bcemr_tr_own_req *request,
                              const bcemr_ed_signature *signature, int64_t now,
                              cloud_record **record, uint64_t *nonce, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_facts facts;
    TRY(server_facts(c->setup.ledger, &facts, err));
    REQUIRE(bcemr_hash_equal(&request->ledger, &facts.ledger), BCEMR_WRONG_LEDGER, "own-req",
            "ledger");
    REQUIRE(bcemr_span_equal(request->cloud, c->setup.id), BCEMR_BAD_REQUEST, "own-req", "cloud");
    REQUIRE(request->kind != BCEMR_own_kind_SEARCH, BCEMR_NOT_SUPPORTED, "own-req", "kind");
    TRY(cloud_find_record(c, &request->vid, record, err));
    REQUIRE(bcemr_ed_holds(&(*record)->av, bytes, signature), BCEMR_BAD_REQUEST, "own-req",
            "signature");
    const bcemr_span av = bcemr_span_of((*record)->av.b, sizeof(*record)->av.b);
    REQUIRE(cloud_nonce_find(c, av, &request->cloud_nonce, now, nonce), BCEMR_REQUEST_REPLAYED,
            "own-req", "cloud_nonce");
    REQUIRE(cloud_time_is_near(request->time, now, facts.clock_difference), BCEMR_REQUEST_REPLAYED,
            "own-req", "time");
out:
    return status;
}

bcemr_status cloud_own(cloud *c, bcemr_span bytes, const bcemr_ed_signature *signature, int64_t now,
                       bcemr_buf *answer, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_own_req request;
    cloud_record *record = NULL;
    uint64_t nonce = 0;
    TRY(bcemr_read_own_req(bytes, &request, err));
    TRY(check_own(c, bytes, &request, signature, now, &record, &nonce, err));
    if (request.kind == BCEMR_own_kind_GRANTS)
        TRY(own_grants(c, &request.vid, answer, err));
    else if (record)
        TRY_AT(bcemr_buf_append(answer, bcemr_buf_span(&record->header)), "header", NULL);
    cloud_nonce_use(c, nonce);
out:
    return status;
}
