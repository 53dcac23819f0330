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

static void run_end(doctor_run *run)
{
    bcemr_buf_free(&run->hello);
    bcemr_wipe(run, sizeof *run);
}

void bcemr_doctor_visit_free(bcemr_doctor_visit *visit)
{
    if (!visit)
        return;
    for (uint64_t i = 0; i < BCEMR_TEAM_MAX; i++)
        doctor_part_free(&visit->parts[i]);
    run_end(&visit->run);
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

static bcemr_status load_open(const bcemr_ledger_view *ledger, const bcemr_hash *vid,
                              client_visit *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY(client_visit_load(ledger, vid, out, err));
    REQUIRE(!out->log->aborted, BCEMR_NOT_ADMITTED, "visit", "Abort");
out:
    if (status != BCEMR_OK)
        client_visit_free(out);
    return status;
}

bcemr_status doctor_refresh(bcemr_doctor_visit *visit, bcemr_error *err)
{
    client_visit fresh = {0};
    bcemr_status status = load_open(visit->doctor->ledger, &visit->vid, &fresh, err);
    if (status != BCEMR_OK)
        return status;
    client_visit_free(&visit->ledger);
    visit->ledger = fresh;
    return BCEMR_OK;
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

static bcemr_status check_hello(const bcemr_doctor *doctor, const client_visit *visit,
                                const bcemr_tr_group_hello *hello, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_facts facts;
    const bcemr_visit_log *log = visit->log;
    TRY_AT(doctor->ledger->facts(doctor->ledger->user, &facts), "ledger", NULL);
    REQUIRE(bcemr_hash_equal(&log->visit.ledger, &facts.ledger), BCEMR_WRONG_LEDGER, "visit",
            "ledger");
    TRY(hello_is_ledgers(log, hello, err));
    TRY(client_visit_signatures(doctor->context, doctor->ledger, log, err));
    TRY(own_place(doctor, log, err));
out:
    return status;
}

/* Draws the doctor's one-time key; the transcript and the keys that follow from it. */
static bcemr_status make_keys(const bcemr_doctor *doctor, const bcemr_visit_log *log,
                              const bcemr_tr_group_hello *hello, doctor_run *run,
                              bcemr_x25519_raw *public_once, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_x25519_secret once = {{0}};
    bcemr_tr_member hospital;
    TRY(client_member(doctor->ledger, log->visit.hospital, BCEMR_role_HOSPITAL, BCEMR_NOW,
                      BCEMR_NOT_ADMITTED, &buf, &hospital, err));
    if (hospital.e.n != sizeof(bcemr_x25519_raw))
        FAIL(BCEMR_E_ABSENT, "member", "e");
    TRY_AT(bcemr_x25519_once(&once, public_once), "group", "doctor_once");
    run->transcript = (bcemr_tr_group){.visit = hello->visit,
                                       .order = *bcemr_order_hash(&log->order),
                                       .server_once = hello->once,
                                       .doctor = doctor->id,
                                       .doctor_key = doctor->publics.e,
                                       .doctor_once = *public_once};
    memcpy(run->transcript.server.b, hospital.e.p, sizeof run->transcript.server.b);
    TRY(bcemr_group_keys_doctor(&once, &doctor->secrets->e, &run->transcript, &run->keys, err));
out:
    bcemr_wipe(&once, sizeof once);
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
    client_visit loaded = {0};
    doctor_run run = {.step = RUN_REPLIED, .started = now};
    TRY_AT(bcemr_buf_set(&run.hello, message), "group-hello", NULL);
    TRY(bcemr_read_group_hello(bcemr_buf_span(&run.hello), &hello, err));
    bcemr_sha256(hello.visit, &vid);
    REQUIRE(!visit->named || bcemr_hash_equal(&vid, &visit->vid), BCEMR_NOT_ADMITTED, "group-hello",
            "visit");
    TRY(load_open(visit->doctor->ledger, &vid, &loaded, err));
    TRY(check_hello(visit->doctor, &loaded, &hello, err));
    TRY(make_keys(visit->doctor, loaded.log, &hello, &run, &answer.once, err));
    TRY(bcemr_write_group_reply(&answer, reply, err));
    run.epoch = loaded.log->order.amendments;
    visit->named = true;
    visit->vid = vid;
    client_visit_free(&visit->ledger);
    visit->ledger = loaded;
    loaded = (client_visit){0};
    run_end(&visit->run);
    visit->run = run;
    run = (doctor_run){0};
out:
    client_visit_free(&loaded);
    run_end(&run);
    return status;
}

bcemr_status bcemr_doctor_prove(bcemr_doctor_visit *visit, bcemr_span server, int64_t now,
                                bcemr_buf *proof, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_group_server theirs;
    bcemr_tr_group_doctor ours;
    if (visit->run.step != RUN_REPLIED)
        return wire_fail(err, BCEMR_E_STATE, "group-server", NULL);
    const bcemr_group_keys *keys = &visit->run.keys;
    TRY(bcemr_read_group_server(server, &theirs, err));
    REQUIRE(now - visit->run.started <= RUN_LIMIT_MS, BCEMR_RUN_TIMED_OUT, "group-server", NULL);
    REQUIRE_VALID(bcemr_group_mac_check(keys, &bcemr_type_mac_server, &theirs.mac, err),
                  "group-server", "mac");
    TRY_AT(bcemr_group_mac(keys, &bcemr_type_mac_doctor, &ours.mac), "group-doctor", "mac");
    TRY(bcemr_write_group_doctor(&ours, proof, err));
    visit->run.step = RUN_PROVED;
out:
    if (status == BCEMR_E_REFUSED) /* a failed run ends: its keys are gone */
        run_end(&visit->run);
    return status;
}

bcemr_status bcemr_doctor_group_key(bcemr_doctor_visit *visit, bcemr_span message, int64_t now,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_group_key wrapped;
    bcemr_tr_gk gk = {0};
    const doctor_run *run = &visit->run;
    if (run->step != RUN_PROVED)
        return wire_fail(err, BCEMR_E_STATE, "group-key", NULL);
    TRY(bcemr_read_group_key(message, &wrapped, err));
    REQUIRE(now - run->started <= RUN_LIMIT_MS, BCEMR_RUN_TIMED_OUT, "group-key", NULL);
    TRY(bcemr_group_key_unwrap(&run->keys, &run->transcript, wrapped.box, &gk, err));
    REQUIRE(gk.epoch == run->epoch, BCEMR_WRONG_ORDER_IN_FORCE, "gk", "epoch");
    memcpy(visit->gk.b, gk.key.b, sizeof visit->gk.b);
    visit->keys.pair = run->keys.pair; /* the other two are spent */
    visit->epoch = run->epoch;
    visit->sent = visit->received = 0;
    visit->joined = true;
    run_end(&visit->run);
out:
    if (status == BCEMR_E_REFUSED)
        run_end(&visit->run);
    bcemr_wipe(&gk, sizeof gk);
    return status;
}

bcemr_status bcemr_doctor_intake(bcemr_doctor_visit *visit, bcemr_span box, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf plain = BCEMR_BUF_EMPTY;
    bcemr_tr_intake intake;
    bcemr_hash pid;
    if (!visit->joined)
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
