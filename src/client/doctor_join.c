/* SPDX-License-Identifier: Apache-2.0 */
/* A doctor joins a visit's group: the run of section 3 from the doctor's side, and the intake. */
#include "client/doctor_visit.h"
#include "wire/error.h"

#include <bcemr/hash.h>
#include <string.h>

/* A run that takes longer is given up: its one-time keys should not lie about. */
#define RUN_LIMIT_MS 60000

bcemr_status bcemr_doctor_visit_new(const bcemr_doctor *doctor, bcemr_doctor_visit **out)
{
    *out = bcemr_allocate(sizeof **out);
    if (!*out)
        return BCEMR_E_NO_MEMORY;
    (*out)->doctor = doctor;
    return BCEMR_OK;
}

void doctor_part_free(doctor_part *part)
{
    bcemr_buf_free(&part->head);
    bcemr_release(part->documents);
    memset(part, 0, sizeof *part);
}

void bcemr_doctor_visit_free(bcemr_doctor_visit *visit)
{
    if (!visit)
        return;
    for (uint64_t i = 0; i < BCEMR_TEAM_MAX; i++)
        doctor_part_free(&visit->parts[i]);
    bcemr_buf_free(&visit->hello);
    bcemr_buf_free(&visit->intake_bytes);
    bcemr_buf_free(&visit->presence);
    bcemr_buf_free(&visit->manifest);
    bcemr_buf_free(&visit->entry);
    bcemr_buf_free(&visit->header);
    bcemr_release(visit->documents);
    client_visit_free(&visit->ledger);
    bcemr_release_wiped(visit, sizeof *visit);
}

const bcemr_hash *bcemr_doctor_vid(const bcemr_doctor_visit *visit)
{
    return &visit->vid;
}

bcemr_span bcemr_doctor_identity(const bcemr_doctor_visit *visit)
{
    return visit->intake.identity;
}

bcemr_span bcemr_doctor_symptoms(const bcemr_doctor_visit *visit)
{
    return visit->intake.symptoms;
}

bcemr_status doctor_refresh(bcemr_doctor_visit *visit, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit fresh = {0};
    TRY(client_visit_load(visit->doctor->ledger, &visit->vid, &fresh, err));
    client_visit_free(&visit->ledger);
    visit->ledger = fresh;
    REQUIRE(!fresh.log->aborted, BCEMR_NOT_ADMITTED, "visit", "Abort");
out:
    return status;
}

/* ---- hello ---- */

/* The ticket and amendments of the message are, bit for bit, those that the ledger took. */
static bcemr_status hello_is_ledgers(const bcemr_visit_log *log, const bcemr_tr_group_hello *hello,
                                     bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span raw;
    bcemr_ed_signature signature;
    uint64_t i = 0;
    REQUIRE(bcemr_span_equal(hello->visit, log->ticket), BCEMR_NOT_ADMITTED, "group-hello",
            "visit");
    REQUIRE(hello->amendments.count == log->order.amendments &&
                hello->signatures.count == 1 + log->order.amendments,
            BCEMR_WRONG_ORDER_IN_FORCE, "group-hello", "amendments");
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_amend, &hello->amendments);
    for (i = 0; bcemr_list_next(&iter, &raw); i++)
        REQUIRE_AT(bcemr_span_equal(raw, log->amendments[i]), BCEMR_WRONG_ORDER_IN_FORCE,
                   "group-hello", "amendments", i);
    iter = bcemr_list_begin(&bcemr_type_edsig_item, &hello->signatures);
    for (i = 0; bcemr_list_next(&iter, &signature); i++)
        REQUIRE_AT(memcmp(&signature, &log->signatures[i], sizeof signature) == 0,
                   i == 0 ? BCEMR_BAD_TICKET_SIGNATURE : BCEMR_BAD_AMENDMENT_SIGNATURE,
                   "group-hello", "signatures", i);
out:
    return status;
}

/* This doctor stands in the order in force, with the keys that they hold. */
static bcemr_status own_place(const bcemr_doctor *doctor, const bcemr_visit_log *log,
                              bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t place = bcemr_order_place(&log->order, doctor->id);
    REQUIRE(place > 0, BCEMR_NOT_IN_ORDER, "visit", "team");
    const bcemr_tr_team_doctor *row = &log->order.doctors[place > 0 ? place - 1 : 0];
    REQUIRE(memcmp(&row->x, &doctor->publics.x, sizeof row->x) == 0 &&
                memcmp(&row->e, &doctor->publics.e, sizeof row->e) == 0,
            BCEMR_NOT_ENROLLED, "visit", "team");
out:
    return status;
}

static bcemr_status check_hello(bcemr_doctor_visit *visit, const bcemr_tr_group_hello *hello,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_doctor *doctor = visit->doctor;
    bcemr_ledger_facts facts;
    bcemr_ed_raw hospital;
    TRY_AT(doctor->ledger->facts(doctor->ledger->user, &facts), "ledger", NULL);
    TRY(doctor_refresh(visit, err));
    const bcemr_visit_log *log = visit->ledger.log;
    REQUIRE(bcemr_hash_equal(&log->visit.ledger, &facts.ledger), BCEMR_WRONG_LEDGER, "visit",
            "ledger");
    TRY(hello_is_ledgers(log, hello, err));
    TRY(client_hospital_key(doctor->ledger, log, &hospital, err));
    REQUIRE_VALID(bcemr_visit_log_signatures(doctor->context, log, &hospital, err), "visit",
                  "signatures");
    TRY(own_place(doctor, log, err));
out:
    return status;
}

static bcemr_status make_transcript(bcemr_doctor_visit *visit, const bcemr_tr_group_hello *hello,
                                    bcemr_x25519_raw *once, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_member hospital;
    const bcemr_visit_log *log = visit->ledger.log;
    TRY(client_member(visit->doctor->ledger, log->visit.hospital, BCEMR_role_HOSPITAL, BCEMR_NOW,
                      BCEMR_NOT_ADMITTED, &buf, &hospital, err));
    if (hospital.e.n != sizeof(bcemr_x25519_raw))
        FAIL(BCEMR_E_ABSENT, "member", "e");
    TRY_AT(bcemr_x25519_once(&visit->once, once), "group", "doctor_once");
    visit->transcript = (bcemr_tr_group){.visit = hello->visit,
                                         .order = *bcemr_order_hash(&log->order),
                                         .server_once = hello->once,
                                         .doctor = visit->doctor->id,
                                         .doctor_key = visit->doctor->publics.e,
                                         .doctor_once = *once};
    memcpy(visit->transcript.server.b, hospital.e.p, sizeof visit->transcript.server.b);
out:
    bcemr_buf_free(&buf);
    return status;
}

bcemr_status bcemr_doctor_hello(bcemr_doctor_visit *visit, bcemr_span message, int64_t now,
                                bcemr_buf *reply, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_group_hello hello;
    bcemr_tr_group_reply answer;
    bcemr_hash vid;
    TRY(bcemr_read_group_hello(message, &hello, err));
    bcemr_sha256(hello.visit, &vid);
    REQUIRE(!visit->named || bcemr_hash_equal(&vid, &visit->vid), BCEMR_NOT_ADMITTED, "group-hello",
            "visit");
    TRY_AT(bcemr_buf_set(&visit->hello, message), "group-hello", NULL);
    TRY(bcemr_read_group_hello(bcemr_buf_span(&visit->hello), &hello, err));
    visit->vid = vid;
    TRY(check_hello(visit, &hello, err));
    TRY(make_transcript(visit, &hello, &answer.once, err));
    TRY(bcemr_group_keys_doctor(&visit->once, &visit->doctor->secrets->e, &visit->transcript,
                                &visit->keys, err));
    TRY(bcemr_write_group_reply(&answer, reply, err));
    visit->named = true;
    visit->run = RUN_REPLIED;
    visit->run_started = now;
    visit->epoch = visit->ledger.log->order.amendments;
out:
    bcemr_wipe(&visit->once, sizeof visit->once);
    if (status != BCEMR_OK) {
        visit->run = RUN_NONE;
        bcemr_wipe(&visit->keys, sizeof visit->keys);
    }
    return status;
}

bcemr_status bcemr_doctor_prove(bcemr_doctor_visit *visit, bcemr_span server, int64_t now,
                                bcemr_buf *proof, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_group_server theirs;
    bcemr_tr_group_doctor ours;
    bcemr_hash expected = {{0}};
    if (visit->run != RUN_REPLIED)
        FAIL(BCEMR_E_STATE, "group-server", NULL);
    TRY(bcemr_read_group_server(server, &theirs, err));
    REQUIRE(now - visit->run_started <= RUN_LIMIT_MS, BCEMR_RUN_TIMED_OUT, "group-server", NULL);
    TRY_AT(bcemr_group_mac(&visit->keys, &bcemr_type_mac_server, &expected), "group-server", "mac");
    REQUIRE(bcemr_hash_equal(&expected, &theirs.mac), BCEMR_BAD_SERVER_MAC, "group-server", "mac");
    TRY_AT(bcemr_group_mac(&visit->keys, &bcemr_type_mac_doctor, &ours.mac), "group-doctor", "mac");
    TRY(bcemr_write_group_doctor(&ours, proof, err));
    visit->run = RUN_PROVED;
out:
    if (status != BCEMR_OK) { /* a failed run ends: its keys are gone */
        visit->run = RUN_NONE;
        bcemr_wipe(&visit->keys, sizeof visit->keys);
    }
    return status;
}

bcemr_status bcemr_doctor_group_key(bcemr_doctor_visit *visit, bcemr_span message, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_group_key wrapped;
    bcemr_tr_gk gk = {0};
    if (visit->run != RUN_PROVED)
        FAIL(BCEMR_E_STATE, "group-key", NULL);
    TRY(bcemr_read_group_key(message, &wrapped, err));
    TRY(bcemr_group_key_unwrap(&visit->keys, &visit->transcript, wrapped.box, &gk, err));
    REQUIRE(gk.epoch == visit->epoch, BCEMR_WRONG_ORDER_IN_FORCE, "gk", "epoch");
    memcpy(visit->gk.b, gk.key.b, sizeof visit->gk.b);
    visit->run = RUN_JOINED;
    visit->sent = visit->received = 0;
out:
    bcemr_wipe(&gk, sizeof gk);
    return status;
}

bcemr_status bcemr_doctor_intake(bcemr_doctor_visit *visit, bcemr_span box, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf plain = BCEMR_BUF_EMPTY;
    bcemr_tr_intake intake;
    bcemr_hash pid;
    if (visit->run != RUN_JOINED)
        FAIL(BCEMR_E_STATE, "intake", NULL);
    const bcemr_tr_visit *v = &visit->ledger.log->visit;
    const bcemr_tr_msg ad = {visit->vid, visit->epoch, v->hospital, 0, 0};
    TRY(bcemr_message_open(&visit->gk, &ad, box, &plain, err));
    TRY(bcemr_read_intake(bcemr_buf_span(&plain), &intake, err));
    const bcemr_tr_pid parts = {v->hospital, intake.identity, intake.r, intake.r2};
    TRY(bcemr_pseudonym(&parts, &pid, err));
    REQUIRE(bcemr_hash_equal(&pid, &v->pid), BCEMR_BAD_PSEUDONYM, "intake", "identity");
    bcemr_buf_free(&visit->intake_bytes);
    visit->intake_bytes = plain;
    visit->intake = intake;
    plain = BCEMR_BUF_EMPTY;
out:
    bcemr_buf_free(&plain);
    return status;
}
