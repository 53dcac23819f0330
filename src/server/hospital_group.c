/* SPDX-License-Identifier: Apache-2.0 */
/* The group key run from the server's side, and the intake (section 3). */
#include "server/hospital_visit.h"

#include <string.h>

static void end_run(hospital *h, uint64_t at)
{
    bcemr_buf_free(&h->runs[at]->doctor);
    bcemr_release_wiped(h->runs[at], sizeof *h->runs[at]);
    h->runs[at] = h->runs[--h->run_count];
}

/* Runs that took too long are gone for good. */
static void sweep(hospital *h, int64_t now)
{
    for (uint64_t i = h->run_count; i-- > 0;)
        if (now - h->runs[i]->started > h->setup.run_ms)
            end_run(h, i);
}

/* Where the run of a doctor for a visit stands; BCEMR_NOWHERE. There is one at most, so that nobody
 * takes the places of others. */
static uint64_t run_of(const hospital *h, const hospital_visit *visit, bcemr_span doctor)
{
    for (uint64_t i = 0; i < h->run_count; i++)
        if (h->runs[i]->visit == visit &&
            bcemr_span_equal(bcemr_buf_span(&h->runs[i]->doctor), doctor))
            return i;
    return BCEMR_NOWHERE;
}

static bcemr_status find_run(hospital *h, uint64_t id, uint64_t *at, bcemr_error *err)
{
    for (*at = 0; *at < h->run_count; ++*at)
        if (h->runs[*at]->id == id)
            return BCEMR_OK;
    return wire_fail(err, BCEMR_E_NOT_FOUND, "group", "run");
}

static bcemr_status write_hello(const bcemr_visit_log *log, const bcemr_x25519_raw *once,
                                bcemr_buf *hello, bcemr_error *err)
{
    const bcemr_tr_group_hello message = {
        .visit = log->ticket,
        .amendments = BCEMR_LIST_OF(log->amendments, log->order.amendments),
        .signatures = BCEMR_LIST_OF(log->signatures, 1 + log->order.amendments),
        .once = *once};
    return bcemr_write_group_hello(&message, hello, err);
}

/* All of the transcript but the doctor's one-time key. */
static bcemr_status begin_transcript(hospital *h, const bcemr_visit_log *log, hospital_run *run,
                                     bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_member self;
    bcemr_x25519_raw once;
    TRY(client_member(h->setup.ledger, h->setup.id, BCEMR_role_HOSPITAL, BCEMR_NOW,
                      BCEMR_NOT_ENTITLED, &buf, &self, err));
    if (self.e.n != sizeof once.b)
        FAIL(BCEMR_E_ABSENT, "member", "e");
    TRY_AT(bcemr_x25519_once(&run->once, &once), "group", "server_once");
    run->transcript = (bcemr_tr_group){.visit = bcemr_buf_span(&run->visit->ticket),
                                       .order = *bcemr_order_hash(&log->order),
                                       .server_once = once,
                                       .doctor = bcemr_buf_span(&run->doctor),
                                       .doctor_key = log->order.doctors[run->place - 1].e};
    memcpy(run->transcript.server.b, self.e.p, sizeof run->transcript.server.b);
out:
    bcemr_buf_free(&buf);
    return status;
}

bcemr_status hospital_group_hello(hospital *h, const bcemr_hash *vid, bcemr_span doctor,
                                  int64_t now, uint64_t *id, bcemr_buf *hello, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    hospital_visit *visit = NULL;
    hospital_run *run = bcemr_allocate(sizeof *run);
    if (!run)
        FAIL(BCEMR_E_NO_MEMORY, "group", NULL);
    sweep(h, now);
    TRY(hospital_open_visit(h, vid, &visit, &log, err));
    uint64_t earlier = run_of(h, visit, doctor);
    if (h->run_count == HOSPITAL_RUNS_MAX && earlier == BCEMR_NOWHERE)
        FAIL(BCEMR_E_TOO_MANY, "hospital", "runs");
    uint64_t place = bcemr_order_place(&log.log->order, doctor);
    REQUIRE(place > 0, BCEMR_NOT_IN_ORDER, "visit", "team");
    *run = (hospital_run){.visit = visit,
                          .place = place > 0 ? place : 1,
                          .epoch = log.log->order.amendments,
                          .started = now,
                          .stage = STAGE_HELLO};
    TRY(hospital_check_doctor(h, log.log, run->place, err));
    TRY_AT(bcemr_buf_append(&run->doctor, doctor), "group", "doctor");
    TRY(begin_transcript(h, log.log, run, err));
    TRY(write_hello(log.log, &run->transcript.server_once, hello, err));
    if (earlier != BCEMR_NOWHERE)
        end_run(h, earlier);
    run->id = *id = ++h->last_run;
    h->runs[h->run_count++] = run;
    run = NULL;
out:
    if (run)
        bcemr_buf_free(&run->doctor);
    bcemr_release_wiped(run, sizeof *run);
    client_visit_free(&log);
    return status;
}

/* The run is of this stage, in time, its order still the one in force, its doctor still enrolled
 * with the keys of that order. */
static bcemr_status check_run(hospital *h, const hospital_run *run, hospital_stage stage,
                              int64_t now, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    if (run->stage != stage)
        FAIL(BCEMR_E_STATE, "group", "run");
    REQUIRE(now - run->started <= h->setup.run_ms, BCEMR_RUN_TIMED_OUT, "group", "run");
    TRY(server_visit(h->setup.ledger, &run->visit->vid, &log, err));
    REQUIRE(bcemr_hash_equal(bcemr_order_hash(&log.log->order), &run->transcript.order),
            BCEMR_WRONG_ORDER_IN_FORCE, "group", "order");
    TRY(hospital_check_doctor(h, log.log, run->place, err));
out:
    client_visit_free(&log);
    return status;
}

bcemr_status hospital_group_server(hospital *h, uint64_t id, bcemr_span reply, int64_t now,
                                   bcemr_buf *server, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_group_reply theirs;
    bcemr_tr_group_server ours;
    uint64_t at = 0;
    TRY(find_run(h, id, &at, err));
    hospital_run *run = h->runs[at];
    TRY(check_run(h, run, STAGE_HELLO, now, err));
    TRY(bcemr_read_group_reply(reply, &theirs, err));
    run->transcript.doctor_once = theirs.once;
    TRY(h->setup.signer->group_keys(h->setup.signer->user, &run->once, &run->transcript, &run->keys,
                                    err));
    bcemr_wipe(&run->once, sizeof run->once);
    TRY_AT(bcemr_group_mac(&run->keys, &bcemr_type_mac_server, &ours.mac), "group-server", "mac");
    TRY(bcemr_write_group_server(&ours, server, err));
    run->stage = STAGE_SERVER;
out:
    if (status != BCEMR_OK && at < h->run_count && h->runs[at]->id == id)
        end_run(h, at);
    return status;
}

static void keep_pair(hospital_run *run)
{
    hospital_pair *pair = &run->visit->pairs[run->place - 1];
    *pair = (hospital_pair){.held = true, .epoch = run->epoch, .key = run->keys.pair};
}

bcemr_status hospital_group_key(hospital *h, uint64_t id, bcemr_span proof, int64_t now,
                                bcemr_buf *key, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf box = BCEMR_BUF_EMPTY;
    bcemr_tr_group_doctor theirs;
    bcemr_tr_gk gk = {0};
    uint64_t at = 0;
    TRY(find_run(h, id, &at, err));
    hospital_run *run = h->runs[at];
    TRY(check_run(h, run, STAGE_SERVER, now, err));
    TRY(bcemr_read_group_doctor(proof, &theirs, err));
    CHECK(bcemr_group_mac_check(&run->keys, &bcemr_type_mac_doctor, &theirs.mac, err),
          "group-doctor", "mac");
    gk.epoch = run->epoch;
    memcpy(gk.key.b, hospital_gk(run->visit, run->epoch)->b, sizeof gk.key.b);
    TRY(bcemr_group_key_wrap(&run->keys, &run->transcript, &gk, &box, err));
    const bcemr_tr_group_key message = {bcemr_buf_span(&box)};
    TRY(bcemr_write_group_key(&message, key, err));
    keep_pair(run);
out:
    /* Right or wrong, this was the run's last step: nothing of it can be tried again. */
    if (at < h->run_count && h->runs[at]->id == id)
        end_run(h, at);
    bcemr_wipe(&gk, sizeof gk);
    bcemr_buf_free(&box);
    return status;
}

bcemr_status hospital_intake(hospital *h, const bcemr_hash *vid, bcemr_span doctor, bcemr_buf *box,
                             bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf plain = BCEMR_BUF_EMPTY;
    client_visit log = {0};
    hospital_visit *visit = NULL;
    TRY(hospital_open_visit(h, vid, &visit, &log, err));
    uint64_t epoch = log.log->order.amendments;
    uint64_t place = bcemr_order_place(&log.log->order, doctor);
    REQUIRE(place > 0, BCEMR_NOT_IN_ORDER, "visit", "team");
    TRY(hospital_check_doctor(h, log.log, place > 0 ? place : 1, err));
    const bcemr_tr_intake intake = {visit->patient.identity, visit->patient.r, visit->r2,
                                    visit->patient.symptoms};
    const bcemr_tr_msg ad = {*vid, epoch, h->setup.id, 0, 0};
    TRY(bcemr_write_intake(&intake, &plain, err));
    TRY(bcemr_message_seal(hospital_gk(visit, epoch), &ad, bcemr_buf_span(&plain), box, err));
out:
    bcemr_buf_free(&plain);
    client_visit_free(&log);
    return status;
}
