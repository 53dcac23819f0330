/* SPDX-License-Identifier: Apache-2.0 */
/* A doctor elsewhere reads what a patient granted: checks 1 to 4 of section 7, in their order. */
#include "client/case_check.h"
#include "wire/error.h"

#include <bcemr/doctor.h>
#include <bcemr/grant.h>
#include <string.h>

struct bcemr_held_grant {
    bcemr_buf offer;
    bcemr_tr_grant_offer parsed; /* points into offer */
    bcemr_tr_grant terms;
    uint64_t enrolled_at; /* leaf of the doctor's Enrol */
    bcemr_buf wrapped;
    bcemr_grant_secrets secrets;
    uint64_t checked[BCEMR_CLOUDS_MAX]; /* accesses seen on the ledger, by the terms' clouds */
    /* the last request and what came of it */
    bcemr_buf request;
    bcemr_ed_signature signature;
    uint64_t cloud_place;
    bcemr_buf answer;
    bcemr_tr_access_answer taken; /* points into answer; good when has_answer */
    bool has_answer;
};

void bcemr_held_grant_free(bcemr_held_grant *grant)
{
    if (!grant)
        return;
    bcemr_buf_free(&grant->offer);
    bcemr_buf_free(&grant->wrapped);
    bcemr_buf_free(&grant->request);
    bcemr_buf_free(&grant->answer);
    bcemr_release_wiped(grant, sizeof *grant);
}

const bcemr_tr_grant *bcemr_held_grant_terms(const bcemr_held_grant *grant)
{
    return &grant->terms;
}

/* ---- the offer ---- */

static bcemr_status open_wrapped(const bcemr_doctor *doctor, bcemr_held_grant *grant,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash hash;
    bcemr_tr_wrapped wrapped;
    bcemr_key gs;
    bcemr_sha256(grant->parsed.wrapped, &hash);
    REQUIRE(bcemr_hash_equal(&hash, &grant->terms.wrapped), BCEMR_BAD_WRAPPED, "grant", "wrapped");
    TRY(bcemr_sealed_box_open(&doctor->secrets->box, grant->parsed.wrapped, BCEMR_BAD_WRAPPED,
                              &grant->wrapped, err));
    TRY(bcemr_read_wrapped(bcemr_buf_span(&grant->wrapped), &wrapped, err));
    memcpy(gs.b, wrapped.gs.b, sizeof gs.b);
    TRY_AT(bcemr_grant_from_gs(&gs, &grant->secrets), "grant", "gs");
    REQUIRE(bcemr_hash_equal(&grant->secrets.gid, &grant->terms.gid), BCEMR_BAD_WRAPPED, "grant",
            "gid");
out:
    bcemr_wipe(&gs, sizeof gs);
    bcemr_wipe(&wrapped, sizeof wrapped);
    return status;
}

bcemr_status bcemr_doctor_take_offer(const bcemr_doctor *doctor, bcemr_span offer,
                                     bcemr_held_grant **out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_ledger_facts facts;
    bcemr_tr_e_enrol enrol;
    bcemr_hash enrolment;
    *out = NULL;
    bcemr_held_grant *grant = bcemr_allocate(sizeof *grant);
    if (!grant)
        FAIL(BCEMR_E_NO_MEMORY, "grant", NULL);
    TRY_AT(bcemr_buf_set(&grant->offer, offer), "grant", NULL);
    TRY(bcemr_read_grant_offer(bcemr_buf_span(&grant->offer), &grant->parsed, err));
    TRY(bcemr_read_grant(grant->parsed.terms, &grant->terms, err));
    TRY_AT(doctor->ledger->facts(doctor->ledger->user, &facts), "ledger", NULL);
    REQUIRE(bcemr_hash_equal(&grant->terms.ledger, &facts.ledger), BCEMR_WRONG_LEDGER, "grant",
            "ledger");
    TRY(client_enrolment(doctor->ledger, doctor->id, &buf, &enrol, &enrolment, &grant->enrolled_at,
                         err));
    REQUIRE(bcemr_span_equal(grant->terms.doctor, doctor->id) &&
                bcemr_hash_equal(&grant->terms.enrolment, &enrolment) &&
                grant->parsed.signatures.count == grant->terms.visits.count &&
                grant->terms.clouds.count <= BCEMR_CLOUDS_MAX,
            BCEMR_BAD_TERMS, "grant", "doctor");
    TRY(open_wrapped(doctor, grant, err));
    *out = grant;
    grant = NULL;
out:
    bcemr_held_grant_free(grant);
    bcemr_buf_free(&buf);
    return status;
}

/* ---- the request ---- */

static uint64_t cloud_place(const bcemr_tr_grant *terms, bcemr_span cloud)
{
    bcemr_span id;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &terms->clouds);
    for (uint64_t i = 0; bcemr_list_next(&iter, &id); i++)
        if (bcemr_span_equal(id, cloud))
            return i;
    return BCEMR_NOWHERE;
}

uint64_t bcemr_held_grant_checked(const bcemr_held_grant *grant, bcemr_span cloud)
{
    uint64_t place = cloud_place(&grant->terms, cloud);
    return place == BCEMR_NOWHERE ? 0 : grant->checked[place];
}

bcemr_status bcemr_doctor_ask(const bcemr_doctor *doctor, bcemr_held_grant *grant, bcemr_span cloud,
                              bcemr_span visits, bcemr_access_reason reason,
                              const bcemr_nonce *cloud_nonce, int64_t now, bcemr_buf *ask,
                              bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_access_req request = {.ledger = grant->terms.ledger,
                                   .cloud = cloud,
                                   .gid = grant->terms.gid,
                                   .visits = visits,
                                   .kind = BCEMR_access_kind_READ,
                                   .reason = (uint64_t)reason,
                                   .cloud_nonce = *cloud_nonce,
                                   .time = now};
    uint64_t place = cloud_place(&grant->terms, cloud);
    REQUIRE(place != BCEMR_NOWHERE, BCEMR_BAD_TERMS, "grant", "clouds");
    TRY_AT(bcemr_bitmap_check(visits, grant->terms.visits.count), "access-req", "visits");
    bcemr_random(request.nonce.b, sizeof request.nonce.b);
    bcemr_buf_clear(&grant->request);
    grant->has_answer = false;
    TRY(bcemr_write_access_req(&request, &grant->request, err));
    bcemr_ed_sign(&doctor->secrets->a, bcemr_buf_span(&grant->request), &grant->signature);
    grant->cloud_place = place;
    const bcemr_tr_access_ask message = {bcemr_buf_span(&grant->request), grant->signature,
                                         BCEMR_LIST_OF(NULL, 0)};
    TRY(bcemr_write_access_ask(&message, ask, err));
out:
    return status;
}

/* ---- check 1: terms and the patient's signatures ---- */

/* signed_terms: Tr("terms") of these terms. */
static bcemr_status visit_signature(const bcemr_doctor *doctor, const bcemr_held_grant *grant,
                                    uint64_t index, const bcemr_hash *vid, bcemr_span signed_terms,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit visit = {0};
    bcemr_ed_signature signature = {{0}};
    TRY(client_visit_load(doctor->ledger, vid, &visit, err));
    REQUIRE_AT(
        bcemr_list_at(&bcemr_type_edsig_item, &grant->parsed.signatures, index, &signature) &&
            bcemr_ed_holds(&visit.log->visit.av, signed_terms, &signature),
        BCEMR_BAD_GRANT_SIGNATURE, "grant", "signatures", index);
out:
    client_visit_free(&visit);
    return status;
}

/* The records answer exactly the visits asked for, in the order of the terms. */
static bcemr_status check_terms(const bcemr_doctor *doctor, const bcemr_held_grant *grant,
                                const bcemr_tr_access_req *request,
                                const bcemr_tr_access_answer *answer, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf signed_terms = BCEMR_BUF_EMPTY;
    bcemr_tr_terms terms = {.ledger = grant->terms.ledger};
    bcemr_tr_grant_visit visit;
    bcemr_tr_reencrypted record;
    bcemr_iter records = bcemr_list_begin(&bcemr_type_reencrypted, &answer->records);
    bcemr_iter visits = bcemr_list_begin(&bcemr_type_grant_visit, &grant->terms.visits);
    REQUIRE(answer->records.count == bcemr_bitmap_count(request->visits), BCEMR_BAD_TERMS,
            "access-answer", "records");
    bcemr_sha256(grant->parsed.terms, &terms.terms);
    TRY(bcemr_write_terms(&terms, &signed_terms, err));
    for (uint64_t i = 0; bcemr_list_next(&visits, &visit); i++) {
        if (!bcemr_bitmap_get(request->visits, i))
            continue;
        REQUIRE_AT(bcemr_list_next(&records, &record) && bcemr_hash_equal(&record.vid, &visit.vid),
                   BCEMR_BAD_TERMS, "access-answer", "records", i);
        TRY(visit_signature(doctor, grant, i, &visit.vid, bcemr_buf_span(&signed_terms), err));
    }
out:
    bcemr_buf_free(&signed_terms);
    return status;
}

/* ---- check 2: consent ---- */

static bcemr_status check_consent(const bcemr_held_grant *grant, const bcemr_tr_access_req *request,
                                  const bcemr_tr_access_answer *answer,
                                  const bcemr_tr_checkpoint *checkpoint, uint64_t *index,
                                  bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_leaf_parts leaf;
    bcemr_tr_e_consent consent;
    bcemr_hash cm;
    const bcemr_tr_consent opening = {grant->parsed.terms, answer->consent_salt};
    bcemr_verdict included = bcemr_inclusion_check(answer->consent, checkpoint, &leaf, index, err);
    REQUIRE(included == BCEMR_VALID, BCEMR_CONSENT_NOT_INCLUDED, "access-answer", "consent");
    REQUIRE(leaf.parts.type == &bcemr_type_e_consent, BCEMR_BAD_CONSENT, "access-answer",
            "consent");
    TRY(bcemr_read_e_consent(leaf.parts.entry, &consent, err));
    TRY(bcemr_hash_value(&bcemr_type_consent, &opening, &cm, err));
    REQUIRE(bcemr_hash_equal(&cm, &consent.cm), BCEMR_BAD_CONSENT, "Consent", "cm");
    REQUIRE(memcmp(&consent.revoker, &grant->terms.revoker, sizeof consent.revoker) == 0,
            BCEMR_BAD_CONSENT, "Consent", "revoker");
    REQUIRE(bcemr_span_equal(consent.cloud, request->cloud), BCEMR_BAD_CONSENT, "Consent", "cloud");
    REQUIRE(leaf.tau <= consent.latest, BCEMR_CONSENT_LATE, "Consent", "latest");
out:
    return status;
}

/* ---- check 3: access ---- */

static bcemr_status audit_key_of(const bcemr_held_grant *grant, bcemr_span cloud, bcemr_key *out,
                                 bcemr_error *err)
{
    bcemr_tr_wrapped wrapped;
    bcemr_tr_audit_key row;
    bcemr_status status = bcemr_read_wrapped(bcemr_buf_span(&grant->wrapped), &wrapped, err);
    if (status != BCEMR_OK)
        return status;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_audit_key, &wrapped.audit_keys);
    while (bcemr_list_next(&iter, &row))
        if (bcemr_span_equal(row.cloud, cloud)) {
            memcpy(out->b, row.ka.b, sizeof out->b);
            bcemr_wipe(&row, sizeof row);
            return BCEMR_OK;
        }
    return wire_refuse(err, BCEMR_BAD_WRAPPED, "wrapped", "audit_keys", BCEMR_NOWHERE);
}

/* One Access entry of this cloud, proven to be in, with the handle of j. */
static bcemr_status included_access(bcemr_span inclusion, const bcemr_tr_checkpoint *checkpoint,
                                    bcemr_span cloud, const bcemr_key *ka, uint64_t j,
                                    bcemr_verdict refusal, bcemr_leaf_parts *leaf, uint64_t *index,
                                    bcemr_tr_e_access *access, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_bytes16 handle;
    bcemr_verdict included = bcemr_inclusion_check(inclusion, checkpoint, leaf, index, err);
    REQUIRE_AT(included == BCEMR_VALID, BCEMR_ACCESS_NOT_INCLUDED, "access-answer", "access", j);
    REQUIRE_AT(leaf->parts.type == &bcemr_type_e_access, refusal, "access-answer", "access", j);
    TRY(bcemr_read_e_access(leaf->parts.entry, access, err));
    TRY_AT(bcemr_access_handle(ka, j, &handle), "Access", "handle");
    REQUIRE_AT(bcemr_span_equal(access->cloud, cloud) &&
                   memcmp(&handle, &access->handle, sizeof handle) == 0,
               refusal, "Access", "handle", j);
out:
    return status;
}

static bcemr_status check_earlier(const bcemr_held_grant *grant, const bcemr_tr_access_req *request,
                                  const bcemr_tr_access_answer *answer,
                                  const bcemr_tr_checkpoint *checkpoint, const bcemr_key *ka,
                                  uint64_t before, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span inclusion;
    bcemr_leaf_parts leaf;
    bcemr_tr_e_access access;
    uint64_t j = grant->checked[grant->cloud_place], index = 0;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_inclusion, &answer->earlier);
    for (; bcemr_list_next(&iter, &inclusion); j++) {
        TRY(included_access(inclusion, checkpoint, request->cloud, ka, j, BCEMR_ACCESS_HIDDEN,
                            &leaf, &index, &access, err));
        REQUIRE_AT(index < before, BCEMR_ACCESS_HIDDEN, "Access", "index", j);
    }
out:
    return status;
}

static bcemr_status check_body(const bcemr_held_grant *grant, const bcemr_key *ka, uint64_t j,
                               uint64_t consent_index, const bcemr_tr_e_access *access,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf plain = BCEMR_BUF_EMPTY;
    bcemr_tr_access_body body;
    TRY(bcemr_access_open(ka, j, access, &plain, err));
    TRY(bcemr_read_access_body(bcemr_buf_span(&plain), &body, err));
    REQUIRE(bcemr_span_equal(body.request, bcemr_buf_span(&grant->request)) &&
                memcmp(&body.signature, &grant->signature, sizeof body.signature) == 0,
            BCEMR_BAD_ACCESS, "Access", "request");
    REQUIRE(body.consent == consent_index, BCEMR_BAD_ACCESS, "Access", "consent");
out:
    bcemr_buf_free(&plain);
    return status;
}

/* True when an entry that stops this stands after `from` and before the access. */
static bcemr_status stopped(const bcemr_ledger_view *view, const char *kind, bcemr_span key,
                            uint64_t from, uint64_t access, bool *out)
{
    uint64_t leaf = 0;
    bcemr_status status = view->stop(view->user, kind, key, &leaf);
    *out = status == BCEMR_OK && leaf >= from && leaf < access;
    return status == BCEMR_E_NOT_FOUND ? BCEMR_OK : status;
}

static bcemr_status check_stops(const bcemr_doctor *doctor, const bcemr_held_grant *grant,
                                const bcemr_tr_access_answer *answer, uint64_t access,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_reencrypted record;
    bool is_stopped = false;
    const bcemr_ledger_view *view = doctor->ledger;
    TRY_AT(
        stopped(view, "Revoke", bcemr_span_of(grant->terms.revoker.b, 32), 0, access, &is_stopped),
        "ledger", "Revoke");
    REQUIRE(!is_stopped, BCEMR_GRANT_REVOKED, "grant", "revoker");
    TRY_AT(stopped(view, "Retire", bcemr_span_of(doctor->publics.x.b, 96), grant->enrolled_at,
                   access, &is_stopped),
           "ledger", "Retire");
    REQUIRE(!is_stopped, BCEMR_DOCTOR_RETIRED, "grant", "doctor");
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_reencrypted, &answer->records);
    for (uint64_t i = 0; bcemr_list_next(&iter, &record); i++) {
        TRY_AT(stopped(view, "Erase", bcemr_span_of(record.vid.b, 32), 0, access, &is_stopped),
               "ledger", "Erase");
        REQUIRE_AT(!is_stopped, BCEMR_CASE_ERASED, "grant", "visits", i);
    }
out:
    return status;
}

static bcemr_status check_access(const bcemr_doctor *doctor, const bcemr_held_grant *grant,
                                 const bcemr_tr_access_req *request,
                                 const bcemr_tr_access_answer *answer,
                                 const bcemr_tr_checkpoint *checkpoint, uint64_t consent_index,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_key ka = {{0}};
    bcemr_leaf_parts leaf;
    bcemr_tr_e_access access;
    uint64_t index = 0, j = grant->checked[grant->cloud_place] + answer->earlier.count;
    TRY(audit_key_of(grant, request->cloud, &ka, err));
    TRY(included_access(answer->access, checkpoint, request->cloud, &ka, j, BCEMR_BAD_ACCESS, &leaf,
                        &index, &access, err));
    TRY(check_body(grant, &ka, j, consent_index, &access, err));
    REQUIRE(consent_index < index, BCEMR_BAD_ACCESS, "Access", "consent");
    TRY(check_earlier(grant, request, answer, checkpoint, &ka, index, err));
    TRY(check_stops(doctor, grant, answer, index, err));
    REQUIRE(leaf.tau <= grant->terms.expiry, BCEMR_GRANT_EXPIRED, "grant", "expiry");
out:
    bcemr_wipe(&ka, sizeof ka);
    return status;
}

bcemr_status bcemr_doctor_take_answer(const bcemr_doctor *doctor, bcemr_held_grant *grant,
                                      bcemr_span message, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_access_answer answer;
    bcemr_tr_access_req request;
    bcemr_tr_checkpoint checkpoint;
    uint64_t consent_index = 0;
    if (grant->request.n == 0)
        FAIL(BCEMR_E_STATE, "access-answer", NULL);
    TRY_AT(bcemr_buf_set(&held, message), "access-answer", NULL);
    TRY(bcemr_read_access_answer(bcemr_buf_span(&held), &answer, err));
    TRY(bcemr_read_access_req(bcemr_buf_span(&grant->request), &request, err));
    TRY(check_terms(doctor, grant, &request, &answer, err));
    TRY(client_checkpoint(doctor->context, doctor->ledger, answer.checkpoint, &checkpoint, err));
    TRY(check_consent(grant, &request, &answer, &checkpoint, &consent_index, err));
    TRY(check_access(doctor, grant, &request, &answer, &checkpoint, consent_index, err));
    grant->checked[grant->cloud_place] += answer.earlier.count + 1;
    bcemr_buf_free(&grant->answer);
    grant->answer = held;
    held = BCEMR_BUF_EMPTY;
    grant->taken = answer;
    grant->has_answer = true;
out:
    bcemr_buf_free(&held);
    return status;
}

/* ---- check 4: the record ---- */

/* When kc fails: whose fault it is (section 7). */
static bcemr_status name_fault(const bcemr_doctor *doctor, const bcemr_secret_scalar *y,
                               const bcemr_tr_grant_visit *visit,
                               const bcemr_tr_reencrypted *record, const bcemr_tr_header *header,
                               bcemr_error *err)
{
    bcemr_g1_raw y_public = {{0}};
    if (visit->y.n == sizeof y_public.b)
        memcpy(y_public.b, visit->y.p, sizeof y_public.b);
    bcemr_verdict verdict = bcemr_grant_y_check(y, &y_public, err);
    if (verdict == BCEMR_VALID)
        verdict = bcemr_capsule_check(doctor->context, &visit->vid, &header->svk, &record->b,
                                      &y_public, &header->c, BCEMR_BAD_REENCRYPTION, err);
    if (verdict == BCEMR_VALID)
        verdict = BCEMR_BAD_CAPSULE;
    return wire_refuse(err, verdict, "record", "B'", BCEMR_NOWHERE);
}

static bool visit_of(const bcemr_held_grant *grant, const bcemr_hash *vid,
                     bcemr_tr_grant_visit *out)
{
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_grant_visit, &grant->terms.visits);
    while (bcemr_list_next(&iter, out))
        if (bcemr_hash_equal(&out->vid, vid))
            return true;
    return false;
}

bcemr_status bcemr_doctor_open(const bcemr_doctor *doctor, const bcemr_held_grant *grant,
                               uint64_t index, const bcemr_source *payload, const bcemr_run *run,
                               const bcemr_output *where, bcemr_opened *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error here = {0};
    bcemr_secret_scalar y = {{0}};
    bcemr_tr_reencrypted record;
    bcemr_tr_header header;
    bcemr_tr_grant_visit visit;
    memset(out, 0, sizeof *out);
    if (!grant->has_answer)
        FAIL(BCEMR_E_STATE, "record", NULL);
    if (!bcemr_list_at(&bcemr_type_reencrypted, &grant->taken.records, index, &record) ||
        !visit_of(grant, &record.vid, &visit))
        FAIL(BCEMR_E_NOT_FOUND, "access-answer", "records");
    TRY(bcemr_read_header(record.header, &header, err));
    TRY_AT(bcemr_grant_y(&grant->secrets.gs, &grant->terms.gid, &record.vid, &y), "grant", "y");
    const client_reading reading = {.context = doctor->context,
                                    .view = doctor->ledger,
                                    .vid = &record.vid,
                                    .header = &header,
                                    .x = &y,
                                    .b = &record.b,
                                    .payload = payload,
                                    .run = run,
                                    .output = where};
    status = client_read(&reading, out, &here);
    if (status == BCEMR_E_REFUSED && here.verdict == BCEMR_BAD_KEY_COMMITMENT)
        status = name_fault(doctor, &y, &visit, &record, &header, &here);
    if (status != BCEMR_OK && err)
        *err = here;
out:
    bcemr_wipe(&y, sizeof y);
    return status;
}
