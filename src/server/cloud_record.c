/* SPDX-License-Identifier: Apache-2.0 */
/* A cloud takes, confirms, gives and erases records (sections 6 and 7). */
#include "server/cloud_state.h"

#include <bcemr/record.h>
#include <string.h>

/* ---- who may bring a record, and to whom ---- */

/* The Ed25519 key of who lets this cloud host the record: Av, or V's hospital as it is now. */
static bcemr_status host_key(const cloud *c, const bcemr_visit_log *log, bcemr_asker by,
                             bcemr_ed_raw *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_member member;
    *out = log->visit.av;
    if (by != BCEMR_asker_HOSPITAL)
        return BCEMR_OK;
    TRY(client_member(c->setup.ledger, log->visit.hospital, BCEMR_role_HOSPITAL, BCEMR_NOW,
                      BCEMR_NOT_A_CLOUD_OF_VISIT, &buf, &member, err));
    *out = member.a;
out:
    bcemr_buf_free(&buf);
    return status;
}

/* Av's, or V's hospital's with its key as it is now: the ledger checks it with the key at the leaf
 * of the Confirm, so after a Rekey an older one is worth nothing. */
static bcemr_status check_host(const cloud *c, const bcemr_visit_log *log, bcemr_asker by,
                               const bcemr_ed_signature *signature, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ed_raw key;
    const bcemr_tr_host host = {log->ledger, log->vid, c->setup.id};
    TRY(host_key(c, log, by, &key, err));
    REQUIRE(bcemr_ed_holds_value(&key, &bcemr_type_host, &host, signature),
            BCEMR_NOT_A_CLOUD_OF_VISIT, "host", "signature");
out:
    return status;
}

static bcemr_status check_place(const cloud *c, const cloud_upload *upload,
                                const bcemr_visit_log *log, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    if (server_cloud_place(log, c->setup.id) != BCEMR_NOWHERE)
        return BCEMR_OK;
    bool named = upload->host && upload->host_by != BCEMR_asker_NOBODY;
    REQUIRE(named, BCEMR_NOT_A_CLOUD_OF_VISIT, "visit", "clouds");
    if (named)
        TRY(check_host(c, log, upload->host_by, upload->host, err));
out:
    return status;
}

static bool may_bring(const bcemr_visit_log *log, bcemr_span from)
{
    return bcemr_span_equal(from, log->order.doctors[log->order.count - 1].doctor) ||
           bcemr_span_equal(from, log->visit.hospital) ||
           server_cloud_place(log, from) != BCEMR_NOWHERE;
}

/* ---- the checks of section 6, those that need no payload ---- */

static bcemr_status check_visit(const cloud *c, const cloud_upload *upload,
                                const bcemr_visit_log *log, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bool erased = false;
    TRY(check_place(c, upload, log, err));
    REQUIRE(may_bring(log, upload->from), BCEMR_NOT_ENTITLED, "record", "from");
    REQUIRE(log->signed_count == log->order.count, BCEMR_NOT_ALL_SIGNED, "visit", "diagnoses");
    REQUIRE(log->pending_reissue == 0, BCEMR_REISSUE_PENDING, "visit", "Reissue");
    TRY(server_stopped(c->setup.ledger, "Erase", server_hash_span(&log->vid), &erased, NULL, err));
    REQUIRE(!erased, BCEMR_CASE_ERASED, "visit", "Erase");
out:
    return status;
}

static bcemr_status check_header(const cloud *c, const bcemr_visit_log *log,
                                 const bcemr_tr_header *header, bcemr_span record_case,
                                 bcemr_error *err)
{
    (void)c;
    bcemr_status status = BCEMR_OK;
    bcemr_span svk = log->diagnoses[log->order.count - 1].context.svk;
    REQUIRE(bcemr_span_equal(svk, bcemr_span_of(header->svk.b, sizeof header->svk.b)),
            BCEMR_WRONG_SEAL_KEY, "header", "svk");
    CHECK(bcemr_header_check(&log->vid, bcemr_visit_log_last_context(log), header, err), "header",
          "osig");
    REQUIRE(!log->sealed || bcemr_span_equal(record_case, log->record_case), BCEMR_OTHER_CASE,
            "case", NULL);
out:
    return status;
}

/* ---- the payload ---- */

/* Read once: hashed and stored as it passes. */
static bcemr_status store_payload(cloud *c, const cloud_record *record,
                                  const bcemr_tr_header *header, const bcemr_source *payload,
                                  bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const server_store *store = c->setup.store;
    bcemr_sink sink;
    bcemr_hash root;
    void *writing = NULL;
    server_tee tee;
    server_name name = cloud_payload_name(record);
    REQUIRE(payload->length == bcemr_stream_sealed_length(header->length), BCEMR_BAD_LENGTH,
            "payload", "length");
    TRY(store->begin(store->user, name.text, &sink, &writing, err));
    bcemr_source passing = server_tee_source(&tee, payload, &sink);
    TRY(bcemr_payload_root(&passing, c->setup.run, &root, err));
    REQUIRE(bcemr_hash_equal(&root, &header->root), BCEMR_BAD_ROOT, "header", "root");
    void *ended = writing;
    writing = NULL;
    TRY(store->finish(store->user, ended, true, err));
out:
    if (writing)
        (void)store->finish(store->user, writing, false, NULL);
    return status;
}

/* ---- taking ---- */

static bcemr_status confirm(const cloud *c, bcemr_span record_case, bcemr_buf *confirmation,
                            bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_g1_raw signature;
    TRY(c->setup.signer->confirm(c->setup.signer->user, record_case, &signature, err));
    const bcemr_tr_confirmation message = {record_case, c->setup.id, signature};
    TRY(bcemr_write_confirmation(&message, confirmation, err));
out:
    return status;
}

static void set_host(cloud_record *record, const cloud_upload *upload)
{
    record->host_by = upload->host_by;
    record->host = *upload->host;
}

static bcemr_status make_record(const cloud_upload *upload, const bcemr_visit_log *log,
                                const bcemr_tr_header *header, bcemr_span record_case,
                                cloud_record *record, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    record->vid = log->vid;
    record->order = *bcemr_order_hash(&log->order);
    record->last_context = *bcemr_visit_log_last_context(log);
    record->svk = header->svk;
    record->pkv = log->visit.pkv;
    record->av = log->visit.av;
    if (upload->host)
        set_host(record, upload);
    TRY_AT(bcemr_g1_decode(&header->b, &record->b), "header", "b");
    TRY_AT(bcemr_buf_append(&record->header, upload->header), "record", NULL);
    TRY_AT(bcemr_buf_append(&record->record_case, record_case), "record", NULL);
out:
    return status;
}

/* A new record: the pairing, the payload, then a row. */
static bcemr_status take_new(cloud *c, const cloud_upload *upload, const bcemr_visit_log *log,
                             const bcemr_tr_header *header, bcemr_span record_case,
                             bcemr_buf *confirmation, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    cloud_record *record = bcemr_allocate(sizeof *record);
    uint64_t before = confirmation->n;
    if (!record)
        FAIL(BCEMR_E_NO_MEMORY, "record", NULL);
    if (c->records.count >= c->records.limit)
        FAIL(BCEMR_E_TOO_MANY, "cloud", "records");
    CHECK(bcemr_capsule_check(c->setup.context, &log->vid, &header->svk, &header->b,
                              &log->visit.pkv, &header->c, BCEMR_BAD_CAPSULE, err),
          "header", "b");
    TRY(make_record(upload, log, header, record_case, record, err));
    TRY(confirm(c, record_case, confirmation, err));
    TRY_AT(server_table_add(&c->records, record), "cloud", "records");
    status = store_payload(c, record, header, upload->payload, err);
    if (status != BCEMR_OK) {
        server_table_drop(&c->records, record);
        confirmation->n = before;
        goto out;
    }
    record = NULL;
out:
    if (record) {
        bcemr_buf_free(&record->header);
        bcemr_buf_free(&record->record_case);
    }
    bcemr_release(record);
    return status;
}

bcemr_status cloud_take_record(cloud *c, const cloud_upload *upload, bcemr_buf *confirmation,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    bcemr_buf record_case = BCEMR_BUF_EMPTY;
    bcemr_tr_header header;
    TRY(server_visit(c->setup.ledger, &upload->vid, &log, err));
    TRY(check_visit(c, upload, log.log, err));
    TRY(bcemr_read_header(upload->header, &header, err));
    TRY(server_case(c->setup.ledger, log.log, &header, &record_case, err));
    TRY(check_header(c, log.log, &header, bcemr_buf_span(&record_case), err));
    cloud_record *held = server_table_find(&c->records, &upload->vid);
    REQUIRE(!held || !(held->erased || held->erasing), BCEMR_CASE_ERASED, "record", "vid");
    if (held && !cloud_record_is_current(held, log.log)) {
        TRY(cloud_drop_record(c, held, false, err));
        held = NULL;
    }
    bool same = held && bcemr_span_equal(bcemr_buf_span(&held->header), upload->header);
    REQUIRE(!held || same, BCEMR_RECORD_REPEATED, "record", "header");
    if (same) {
        if (upload->host) /* a fresh one, should the hospital's key have changed */
            set_host(held, upload);
        TRY(confirm(c, bcemr_buf_span(&record_case), confirmation, err));
        goto out;
    }
    if (held)
        TRY(cloud_drop_record(c, held, false, err));
    TRY(take_new(c, upload, log.log, &header, bcemr_buf_span(&record_case), confirmation, err));
out:
    bcemr_buf_free(&record_case);
    client_visit_free(&log);
    return status;
}

bcemr_status cloud_confirm(cloud *c, const bcemr_hash *vid, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    cloud_record *record = NULL;
    bool counts = false;
    TRY(cloud_find_record(c, vid, &record, err));
    TRY(server_visit(c->setup.ledger, vid, &log, err));
    REQUIRE(log.log->sealed, BCEMR_NOT_SEALED, "visit", NULL);
    REQUIRE(bcemr_span_equal(bcemr_buf_span(&record->record_case), log.log->record_case),
            BCEMR_HEADER_NOT_CASE, "case", NULL);
    TRY(cloud_counts(c, log.log, c->setup.id, &counts, err));
    if (counts)
        FAIL(BCEMR_E_EXISTS, "Confirm", NULL);
    bcemr_tr_e_confirm entry = {
        .ledger = log.log->ledger, .vid = *vid, .cloud = c->setup.id, .host_by = record->host_by};
    if (record->host_by != BCEMR_asker_NOBODY)
        TRY(check_host(c, log.log, record->host_by, &record->host, err));
    if (record->host_by != BCEMR_asker_NOBODY)
        entry.host = bcemr_span_of(record->host.b, sizeof record->host.b);
    /* Signed anew: after a Rekey only the key of now counts. */
    TRY(c->setup.signer->confirm(c->setup.signer->user, bcemr_buf_span(&record->record_case),
                                 &entry.signature, err));
    TRY(server_post(c->setup.outbox, &bcemr_type_e_confirm, &entry, err));
out:
    client_visit_free(&log);
    return status;
}

/* ---- giving ---- */

/* A grant of this doctor's with an answered access that named this visit, still with its key: keys
 * go with revocation, retirement, erasure and expiry. */
static bool has_answer(const cloud_grant *grant, const bcemr_hash *vid, bcemr_span doctor)
{
    bcemr_tr_access_req request;
    if (!grant->answered || !bcemr_span_equal(grant->terms.doctor, doctor) ||
        bcemr_read_access_req(bcemr_buf_span(&grant->request), &request, NULL) != BCEMR_OK)
        return false;
    for (uint64_t v = 0; v < grant->key_count; v++)
        if (grant->keys[v].held && bcemr_hash_equal(&grant->keys[v].vid, vid) &&
            bcemr_bitmap_get(request.visits, v))
            return true;
    return false;
}

/* Keys may still be held though the ledger has ended the grant: it is asked each time. */
static bcemr_status check_in_effect(const cloud *c, const cloud_grant *grant, const bcemr_hash *vid,
                                    int64_t now, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_ledger_facts facts;
    bcemr_tr_e_enrol enrol;
    TRY(server_facts(c->setup.ledger, &facts, err));
    REQUIRE(now <= grant->terms.expiry && facts.tau <= grant->terms.expiry, BCEMR_GRANT_EXPIRED,
            "grant", "expiry");
    TRY(cloud_check_stops(c, grant, vid, err));
    TRY(cloud_doctor_active(c, &grant->terms, &buf, &enrol, err));
out:
    bcemr_buf_free(&buf);
    return status;
}

/* One grant that lets the doctor read is enough; else why the last one does not. */
static bcemr_status check_doctor(const cloud *c, const bcemr_hash *vid, bcemr_span doctor,
                                 int64_t now, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bool any = false;
    for (uint64_t g = 0; g < c->grants.count; g++) {
        const cloud_grant *grant = c->grants.rows[g];
        if (!has_answer(grant, vid, doctor))
            continue;
        any = true;
        status = check_in_effect(c, grant, vid, now, err);
        if (status != BCEMR_E_REFUSED)
            return status;
    }
    REQUIRE(any, BCEMR_NOT_ENTITLED, "record", "who");
out:
    return status;
}

static bool may_read(const bcemr_visit_log *log, cloud_reader_kind kind, bcemr_span who)
{
    switch (kind) {
    case CLOUD_READER_MEMBER:
        return bcemr_span_equal(who, log->visit.hospital) ||
               (log->sealed && server_cloud_place(log, who) != BCEMR_NOWHERE);
    case CLOUD_READER_PATIENT:
        return log->sealed &&
               bcemr_span_equal(who, bcemr_span_of(log->visit.av.b, sizeof log->visit.av.b));
    case CLOUD_READER_DOCTOR:
        return log->sealed; /* and by a grant: check_doctor */
    }
    return false;
}

bcemr_status cloud_read(cloud *c, const bcemr_hash *vid, cloud_reader_kind kind, bcemr_span who,
                        int64_t now, bcemr_buf *header, bcemr_source *payload, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    cloud_record *record = NULL;
    TRY(cloud_find_record(c, vid, &record, err));
    TRY(server_visit(c->setup.ledger, vid, &log, err));
    REQUIRE(may_read(log.log, kind, who), BCEMR_NOT_ENTITLED, "record", "who");
    if (kind == CLOUD_READER_DOCTOR)
        TRY(check_doctor(c, vid, who, now, err));
    REQUIRE(cloud_record_is_current(record, log.log), BCEMR_HEADER_NOT_CASE, "record", "case");
    server_name name = cloud_payload_name(record);
    TRY(c->setup.store->open(c->setup.store->user, name.text, payload, err));
    status = bcemr_buf_append(header, bcemr_buf_span(&record->header));
    if (status != BCEMR_OK) {
        cloud_read_close(c, payload);
        FAIL(status, "header", NULL);
    }
out:
    client_visit_free(&log);
    return status;
}

void cloud_read_close(cloud *c, bcemr_source *payload)
{
    c->setup.store->close(c->setup.store->user, payload);
}

/* ---- erasing ---- */

static bcemr_status check_erasure(const cloud *c, const bcemr_visit_log *log,
                                  const bcemr_tr_erase *asked, bcemr_asker by,
                                  const bcemr_ed_signature *signature, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_facts facts;
    bcemr_ed_raw key;
    TRY(server_facts(c->setup.ledger, &facts, err));
    REQUIRE(bcemr_hash_equal(&asked->ledger, &facts.ledger), BCEMR_WRONG_LEDGER, "erase", "ledger");
    REQUIRE(log->sealed, BCEMR_NOT_SEALED, "visit", NULL);
    REQUIRE(by == BCEMR_asker_PATIENT || by == BCEMR_asker_HOSPITAL, BCEMR_BAD_ERASURE, "erase",
            "by");
    TRY(host_key(c, log, by, &key, err));
    REQUIRE(bcemr_ed_holds_value(&key, &bcemr_type_erase, asked, signature), BCEMR_BAD_ERASURE,
            "erase", "signature");
    /* By the ledger's time, which only grows: nothing is destroyed whose Erase it would refuse. */
    bool passed =
        facts.tau >= log->sealed_at && (uint64_t)(facts.tau - log->sealed_at) >= facts.retention;
    REQUIRE(by == BCEMR_asker_PATIENT || passed, BCEMR_RETENTION_RUNS, "erase", "retention");
out:
    return status;
}

bcemr_status cloud_finish_erasure(cloud *c, cloud_record *record, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    record->erasing = true;
    for (uint64_t i = 0; i < c->grants.count; i++)
        cloud_grant_forget(c->grants.rows[i], &record->vid);
    if (!record->erased)
        TRY(cloud_drop_record(c, record, true, err));
out:
    return status;
}

bcemr_status cloud_erase(cloud *c, bcemr_span erase, bcemr_asker by,
                         const bcemr_ed_signature *signature, int64_t now, bcemr_error *err)
{
    (void)now; /* the ledger's time decides */
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    bcemr_tr_erase asked;
    TRY(bcemr_read_erase(erase, &asked, err));
    cloud_record *record = server_table_find(&c->records, &asked.vid);
    if (!record)
        FAIL(BCEMR_E_NOT_FOUND, "record", "vid");
    TRY(client_visit_load(c->setup.ledger, &asked.vid, &log, err));
    TRY(check_erasure(c, log.log, &asked, by, signature, err));
    /* Durable in the outbox first: from then on the cloud is bound to it, whatever comes between.
     */
    const bcemr_tr_e_erase entry = {asked.ledger, asked.vid, c->setup.id, (uint64_t)by, *signature};
    TRY(cloud_post(c, &bcemr_type_e_erase, &entry, err));
    TRY(cloud_finish_erasure(c, record, err));
out:
    client_visit_free(&log);
    return status;
}
