/* SPDX-License-Identifier: Apache-2.0 */
/* The hospital checks the sealed record, collects confirmations and seals (sections 5 and 6). */
#include "server/hospital_visit.h"

#include <bcemr/opening.h>
#include <bcemr/record.h>
#include <string.h>

/* All signed, nothing asked again. */
static bcemr_status check_complete(const bcemr_visit_log *log, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    REQUIRE(log->signed_count == log->order.count, BCEMR_NOT_ALL_SIGNED, "visit", "diagnoses");
    REQUIRE(log->pending_reissue == 0, BCEMR_REISSUE_PENDING, "visit", "Reissue");
out:
    return status;
}

/* ---- seal-r ---- */

/* The last doctor's pair key of the epoch in force. */
static bcemr_status find_pair(hospital_visit *visit, const bcemr_visit_log *log, bcemr_span doctor,
                              hospital_pair **out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t place = bcemr_order_place(&log->order, doctor);
    *out = &visit->pairs[place > 0 ? place - 1 : 0];
    REQUIRE(place == log->order.count, BCEMR_NOT_IN_ORDER, "visit", "team");
    if (place == 0 || !(*out)->held || (*out)->epoch != log->order.amendments)
        FAIL(BCEMR_E_STATE, "pair-box", NULL);
out:
    return status;
}

/* Opens a pair-box whose counter is the next or above it; *counter is what it was. */
static bcemr_status open_pair(const hospital_pair *pair, const bcemr_hash *vid, bcemr_span box,
                              uint64_t *counter, bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_pair_box read;
    TRY(bcemr_read_pair_box(box, &read, err));
    REQUIRE(read.counter >= pair->next_in, BCEMR_BAD_SEALED_MESSAGE, "pair-box", "counter");
    TRY(bcemr_pair_open(&pair->key, vid, BCEMR_direction_TO_SERVER, read.counter, box, out, err));
    *counter = read.counter;
out:
    return status;
}

/* B, C and K again from r: the capsule is for this patient's key and for nobody else's. */
static bcemr_status recompute(hospital *h, const bcemr_visit_log *log, const bcemr_scalar_raw *raw,
                              const bcemr_tr_header *header, bcemr_capsule_key *k, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_secret_scalar r;
    bcemr_g1_raw b;
    bcemr_g2_raw c;
    TRY_AT(bcemr_secret_scalar_decode(raw, &r), "seal-r", "r");
    TRY(bcemr_capsule_from_r(h->setup.context, &r, &log->visit.pkv, &log->vid, &header->svk, &b, &c,
                             k, err));
    REQUIRE(memcmp(&b, &header->b, sizeof b) == 0, BCEMR_BAD_CAPSULE, "header", "b");
    REQUIRE(memcmp(&c, &header->c, sizeof c) == 0, BCEMR_BAD_CAPSULE_POINT, "header", "c");
out:
    bcemr_wipe(&r, sizeof r);
    return status;
}

static bcemr_status open_record(hospital *h, const bcemr_visit_log *log,
                                const bcemr_tr_header *header, const bcemr_capsule_key *k,
                                const bcemr_source *payload, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_facts facts;
    bcemr_opened opened = {0};
    TRY(server_facts(h->setup.ledger, &facts, err));
    const bcemr_opening opening = {.context = h->setup.context,
                                   .log = log,
                                   .header = header,
                                   .k = k,
                                   .payload = payload,
                                   .run = h->setup.run};
    TRY(bcemr_record_open(&opening, &opened, err));
out:
    bcemr_opened_free(&opened);
    return status;
}

/* True while what was confirmed before rests on the last signature as it stands. */
static bool case_is_current(const hospital_visit *visit, const bcemr_visit_log *log)
{
    bcemr_tr_case record_case;
    return visit->record_case.n > 0 &&
           bcemr_read_case(bcemr_buf_span(&visit->record_case), &record_case, NULL) == BCEMR_OK &&
           bcemr_hash_equal(&record_case.order, bcemr_order_hash(&log->order)) &&
           bcemr_hash_equal(&record_case.last_context, bcemr_visit_log_last_context(log));
}

static bcemr_status write_confirmation(hospital *h, bcemr_span record_case,
                                       const bcemr_g1_raw *signature, bcemr_buf *out,
                                       bcemr_error *err)
{
    const bcemr_tr_confirmation message = {record_case, h->setup.id, *signature};
    return bcemr_write_confirmation(&message, out, err);
}

/*
 * Case and signature, durable before anyone sees them. For one signature of the last doctor the
 * hospital confirms one case, whatever comes after.
 */
static bcemr_status make_case(hospital *h, hospital_visit *visit, const bcemr_visit_log *log,
                              const bcemr_tr_header *header, bcemr_buf *message, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf record_case = BCEMR_BUF_EMPTY;
    bcemr_g1_raw signature;
    bool held = case_is_current(visit, log);
    TRY(server_case(h->setup.ledger, log, header, &record_case, err));
    REQUIRE(!held ||
                bcemr_span_equal(bcemr_buf_span(&record_case), bcemr_buf_span(&visit->record_case)),
            BCEMR_OTHER_CASE, "case", NULL);
    TRY(h->setup.signer->confirm(h->setup.signer->user, bcemr_buf_span(&record_case), &signature,
                                 err));
    TRY(write_confirmation(h, bcemr_buf_span(&record_case), &signature, message, err));
    bcemr_span bytes = bcemr_buf_span(message);
    bcemr_source source = bcemr_source_bytes(&bytes);
    server_name name = server_name_of("case", &visit->vid, server_hash_span(&header->root), 0);
    TRY(server_store_put(h->setup.store, name.text, &source, err));
    if (!held)
        memset(visit->confirmed, 0, sizeof visit->confirmed);
    bcemr_buf_free(&visit->record_case);
    visit->record_case = record_case;
    visit->confirmation = signature;
    record_case = BCEMR_BUF_EMPTY;
out:
    bcemr_buf_free(&record_case);
    return status;
}

static bcemr_status check_record(hospital *h, hospital_visit *visit, const bcemr_visit_log *log,
                                 bcemr_span plain, const bcemr_source *payload, bcemr_buf *message,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_seal_r seal_r = {0};
    bcemr_tr_header header;
    bcemr_capsule_key k = {{0}};
    TRY(bcemr_read_seal_r(plain, &seal_r, err));
    TRY(bcemr_read_header(seal_r.header, &header, err));
    TRY(recompute(h, log, &seal_r.r, &header, &k, err));
    TRY(open_record(h, log, &header, &k, payload, err));
    TRY(make_case(h, visit, log, &header, message, err));
out:
    bcemr_wipe(&seal_r, sizeof seal_r);
    bcemr_wipe(&k, sizeof k);
    return status;
}

bcemr_status hospital_check_seal(hospital *h, const bcemr_hash *vid, bcemr_span doctor,
                                 bcemr_span pair_box, const bcemr_source *payload, int64_t now,
                                 bcemr_buf *answer, bcemr_error *err)
{
    (void)now; /* nothing here has a deadline: the last doctor has signed */
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    bcemr_buf plain = BCEMR_BUF_EMPTY, message = BCEMR_BUF_EMPTY;
    hospital_visit *visit = NULL;
    hospital_pair *pair = NULL;
    uint64_t counter = 0;
    TRY(hospital_open_visit(h, vid, &visit, &log, err));
    TRY(check_complete(log.log, err));
    TRY(find_pair(visit, log.log, doctor, &pair, err));
    TRY(open_pair(pair, vid, pair_box, &counter, &plain, err));
    TRY(check_record(h, visit, log.log, bcemr_buf_span(&plain), payload, &message, err));
    TRY(bcemr_pair_seal(&pair->key, vid, BCEMR_direction_TO_DOCTOR, pair->next_out,
                        bcemr_buf_span(&message), answer, err));
    pair->next_in = counter + 1;
    pair->next_out++;
out:
    bcemr_buf_free(&plain); /* wiped: it held r */
    bcemr_buf_free(&message);
    client_visit_free(&log);
    return status;
}

/* ---- confirmations ---- */

/* One supernode's signature over the case, with its key as it is now. False also when it is no
 * member of this role (any more). */
static bool holds(hospital *h, bcemr_span id, bcemr_role role, bcemr_span record_case,
                  const bcemr_g1_raw *signature, bcemr_g2_raw *key)
{
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_member member;
    bcemr_g2 x;
    bool result = false;
    if (client_member(h->setup.ledger, id, role, BCEMR_NOW, BCEMR_NOT_A_CLOUD_OF_VISIT, &buf,
                      &member, NULL) == BCEMR_OK) {
        *key = member.x;
        result = bcemr_g2_decode(&member.x, &x) == BCEMR_OK &&
                 BCEMR_HOLDS(BCEMR_BAD_CONFIRMATION,
                             bcemr_bls_holds(h->setup.context, &x, BCEMR_PURPOSE_SIG, record_case,
                                             signature));
    }
    bcemr_buf_free(&buf);
    return result;
}

bcemr_status hospital_confirmation(hospital *h, bcemr_span message, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    hospital_visit *visit = NULL;
    bcemr_tr_confirmation given;
    bcemr_tr_case record_case;
    bcemr_g2_raw key;
    TRY(bcemr_read_confirmation(message, &given, err));
    TRY(bcemr_read_case(given.record_case, &record_case, err));
    TRY(hospital_open_visit(h, &record_case.vid, &visit, &log, err));
    if (visit->record_case.n == 0)
        FAIL(BCEMR_E_STATE, "confirmation", NULL);
    uint64_t place = server_cloud_place(log.log, given.who);
    REQUIRE(place != BCEMR_NOWHERE, BCEMR_NOT_A_CLOUD_OF_VISIT, "confirmation", "who");
    REQUIRE(bcemr_span_equal(given.record_case, bcemr_buf_span(&visit->record_case)),
            BCEMR_OTHER_CASE, "confirmation", "case");
    REQUIRE(holds(h, given.who, BCEMR_role_CLOUD, given.record_case, &given.signature, &key),
            BCEMR_BAD_CONFIRMATION, "confirmation", "signature");
    if (place < BCEMR_CLOUDS_MAX) {
        visit->confirmations[place] = given.signature;
        visit->confirmed[place] = true;
    }
out:
    client_visit_free(&log);
    return status;
}

/* ---- the Seal ---- */

typedef struct joining {
    bcemr_g2_raw members[1 + BCEMR_CLOUDS_MAX]; /* the hospital, then the clouds of V */
    bcemr_g1_raw signatures[1 + BCEMR_CLOUDS_MAX];
    uint8_t bitmap[(1 + BCEMR_CLOUDS_MAX + 7) / 8];
    uint64_t places, count, clouds_in_set;
} joining;

/* Who confirmed, with keys as they are now: after a Rekey an older signature does not count. */
static bcemr_status gather(hospital *h, const hospital_visit *visit, const bcemr_visit_log *log,
                           joining *j, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_member member;
    bcemr_span id, record_case = bcemr_buf_span(&visit->record_case);
    j->signatures[0] = visit->confirmation;
    if (!holds(h, h->setup.id, BCEMR_role_HOSPITAL, record_case, &visit->confirmation,
               &j->members[0]))
        TRY(h->setup.signer->confirm(h->setup.signer->user, record_case, &j->signatures[0], err));
    bcemr_bitmap_set(j->bitmap, 0);
    j->count = 1;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &log->visit.clouds);
    for (j->places = 1; bcemr_list_next(&iter, &id); j->places++) {
        uint64_t place = j->places - 1;
        status = client_member(h->setup.ledger, id, BCEMR_role_CLOUD, BCEMR_NOW,
                               BCEMR_NOT_A_CLOUD_OF_VISIT, &buf, &member, NULL);
        j->clouds_in_set += status == BCEMR_OK;
        if (status != BCEMR_OK && status != BCEMR_E_REFUSED)
            FAIL(status, "set", "member");
        status = BCEMR_OK;
        if (!visit->confirmed[place] ||
            !holds(h, id, BCEMR_role_CLOUD, record_case, &visit->confirmations[place],
                   &j->members[j->places]))
            continue;
        j->signatures[j->count++] = visit->confirmations[place];
        bcemr_bitmap_set(j->bitmap, j->places);
    }
out:
    bcemr_buf_free(&buf);
    return status;
}

static bcemr_status join(hospital *h, const hospital_visit *visit, const bcemr_visit_log *log,
                         bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    joining *j = bcemr_allocate(sizeof *j);
    bcemr_tr_e_seal seal = {.ledger = log->ledger,
                            .record_case = bcemr_buf_span(&visit->record_case)};
    if (!j)
        FAIL(BCEMR_E_NO_MEMORY, "Seal", NULL);
    TRY(gather(h, visit, log, j, err));
    uint64_t needed = log->visit.u < j->clouds_in_set ? log->visit.u : j->clouds_in_set;
    REQUIRE(needed > 0 && j->count - 1 >= needed, BCEMR_NOT_ENOUGH_SIGNERS, "Seal", "confirmers");
    seal.confirmers = bcemr_span_of(j->bitmap, bcemr_bitmap_size(j->places));
    TRY(bcemr_joint_combine(j->members, j->places, seal.confirmers, j->signatures, &seal.signature,
                            err));
    TRY(server_post(h->setup.outbox, &bcemr_type_e_seal, &seal, err));
out:
    bcemr_release(j);
    return status;
}

bcemr_status hospital_seal(hospital *h, const bcemr_hash *vid, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    hospital_visit *visit = NULL;
    TRY(hospital_open_visit(h, vid, &visit, &log, err));
    if (visit->record_case.n == 0)
        FAIL(BCEMR_E_STATE, "Seal", NULL);
    TRY(check_complete(log.log, err));
    REQUIRE(case_is_current(visit, log.log), BCEMR_OTHER_CASE, "case", NULL);
    TRY(join(h, visit, log.log, err));
out:
    client_visit_free(&log);
    return status;
}

bcemr_status hospital_host(hospital *h, const bcemr_hash *vid, bcemr_span cloud,
                           bcemr_ed_signature *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_member member;
    TRY(server_visit(h->setup.ledger, vid, &log, err));
    REQUIRE(bcemr_span_equal(log.log->visit.hospital, h->setup.id), BCEMR_NOT_ENTITLED, "visit",
            "hospital");
    TRY(client_member(h->setup.ledger, cloud, BCEMR_role_CLOUD, BCEMR_NOW,
                      BCEMR_NOT_A_CLOUD_OF_VISIT, &buf, &member, err));
    const bcemr_tr_host host = {log.log->ledger, *vid, cloud};
    TRY(server_sign_value(h->setup.signer, &bcemr_type_host, &host, out, err));
out:
    bcemr_buf_free(&buf);
    client_visit_free(&log);
    return status;
}
