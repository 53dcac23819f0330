/* SPDX-License-Identifier: Apache-2.0 */
/* A hospital registers patients and keeps their visits (section 3); hospital_*.c do the rest. */
#include "server/hospital_visit.h"

#include <bcemr/visit.h>
#include <string.h>

/* ---- the object ---- */

bcemr_status hospital_new(const hospital_setup *setup, hospital **out, bcemr_error *err)
{
    *out = bcemr_allocate(sizeof **out);
    if (!*out)
        return wire_fail(err, BCEMR_E_NO_MEMORY, "hospital", NULL);
    (*out)->setup = *setup;
    (*out)->visits.limit = HOSPITAL_VISITS_MAX;
    if ((*out)->setup.run_ms == 0)
        (*out)->setup.run_ms = HOSPITAL_RUN_MS;
    return BCEMR_OK;
}

void hospital_part_free(hospital_part *part)
{
    bcemr_buf_free(&part->keywords);
    memset(part, 0, sizeof *part);
}

static void visit_free(hospital_visit *visit)
{
    if (!visit)
        return;
    for (uint64_t i = 0; i < visit->part_count; i++)
        hospital_part_free(&visit->parts[i]);
    bcemr_release(visit->parts);
    bcemr_buf_free(&visit->message);
    bcemr_buf_free(&visit->ticket);
    bcemr_buf_free(&visit->record_case);
    bcemr_release_wiped(visit, sizeof *visit);
}

static void run_free(hospital_run *run)
{
    bcemr_buf_free(&run->doctor);
    bcemr_release_wiped(run, sizeof *run);
}

void hospital_end_runs(hospital *h, const hospital_visit *visit)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < h->run_count; i++) {
        if (h->runs[i]->visit == visit)
            run_free(h->runs[i]);
        else
            h->runs[kept++] = h->runs[i];
    }
    h->run_count = kept;
}

void hospital_free(hospital *h)
{
    if (!h)
        return;
    for (uint64_t i = 0; i < h->run_count; i++)
        run_free(h->runs[i]);
    for (uint64_t i = 0; i < h->visits.count; i++)
        visit_free(h->visits.rows[i]);
    server_table_free(&h->visits);
    bcemr_release(h);
}

bcemr_status hospital_find(hospital *h, const bcemr_hash *vid, hospital_visit **out,
                           bcemr_error *err)
{
    *out = server_table_find(&h->visits, vid);
    return *out ? BCEMR_OK : wire_fail(err, BCEMR_E_NOT_FOUND, "visit", "vid");
}

bcemr_status hospital_open_visit(hospital *h, const bcemr_hash *vid, hospital_visit **out,
                                 client_visit *log, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY(hospital_find(h, vid, out, err));
    TRY(server_visit(h->setup.ledger, vid, log, err));
    REQUIRE(!log->log->sealed, BCEMR_NOT_ADMITTED, "visit", "Seal");
out:
    return status;
}

const bcemr_key *hospital_gk(hospital_visit *visit, uint64_t epoch)
{
    if (!visit->has_gk[epoch]) {
        bcemr_random(visit->gk[epoch].b, sizeof visit->gk[epoch].b);
        visit->has_gk[epoch] = true;
    }
    return &visit->gk[epoch];
}

/* ---- section 2: countersigning ---- */

static bcemr_status check_enrolment(hospital *h, const bcemr_tr_e_enrol *enrol, bool second,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_facts facts;
    bcemr_g2 authority;
    bcemr_tr_cred cred = {.ledger = enrol->ledger,
                          .doctor = enrol->doctor,
                          .hospital = enrol->hospital,
                          .a = enrol->a,
                          .box = enrol->box,
                          .not_before = enrol->not_before,
                          .not_after = enrol->not_after};
    bcemr_g1_raw credential = {{0}};
    TRY(server_facts(h->setup.ledger, &facts, err));
    REQUIRE(bcemr_hash_equal(&enrol->ledger, &facts.ledger), BCEMR_WRONG_LEDGER, "Enrol", "ledger");
    REQUIRE(enrol->kind == BCEMR_enrol_kind_DOCTOR && enrol->not_before < enrol->not_after &&
                (second || bcemr_span_equal(enrol->hospital, h->setup.id)),
            BCEMR_BAD_ENROLMENT, "Enrol", "hospital");
    if (enrol->x.n != sizeof cred.x || enrol->e.n != sizeof cred.e ||
        enrol->credential.n != sizeof credential)
        FAIL(BCEMR_E_ABSENT, "Enrol", "x");
    memcpy(cred.x.b, enrol->x.p, sizeof cred.x);
    memcpy(cred.e.b, enrol->e.p, sizeof cred.e);
    memcpy(credential.b, enrol->credential.p, sizeof credential);
    const bcemr_tr_pop pop = {.ledger = enrol->ledger,
                              .role = bcemr_text("doctor"),
                              .id = enrol->doctor,
                              .x = cred.x,
                              .a = bcemr_span_of(cred.a.b, sizeof cred.a),
                              .e = enrol->e,
                              .box = bcemr_span_of(cred.box.b, sizeof cred.box)};
    CHECK(bcemr_pop_check(h->setup.context, &pop, enrol->pops, err), "Enrol", "pops");
    TRY_AT(bcemr_g2_decode(&facts.authority, &authority), "genesis", "authority");
    CHECK(bcemr_credential_check(h->setup.context, &authority, &cred, &credential, err), "Enrol",
          "credential");
out:
    return status;
}

bcemr_status hospital_countersign(hospital *h, bcemr_span enrol, bool second,
                                  bcemr_ed_signature *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_tr_e_enrol entry;
    TRY(bcemr_read_e_enrol(enrol, &entry, err));
    TRY(check_enrolment(h, &entry, second, err));
    TRY(bcemr_entry_message("hospital", enrol, &message, err));
    TRY(h->setup.signer->sign(h->setup.signer->user, bcemr_buf_span(&message), out, err));
out:
    bcemr_buf_free(&message);
    return status;
}

/* ---- section 3: the ticket ---- */

bcemr_status hospital_rows(hospital *h, const hospital_place *places, uint64_t count, int64_t now,
                           bcemr_buf *buffers, bcemr_tr_team_doctor *rows, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_enrol enrol;
    for (uint64_t i = 0; i < count; i++) {
        status = client_enrolment(h->setup.ledger, places[i].doctor, &buffers[i], &enrol, NULL,
                                  NULL, err);
        if (status != BCEMR_OK && err)
            err->index = i;
        TRY(status);
        bool keys = enrol.x.n == sizeof rows->x && enrol.e.n == sizeof rows->e;
        REQUIRE_AT(keys && enrol.kind == BCEMR_enrol_kind_DOCTOR && enrol.not_before <= now &&
                       now <= enrol.not_after,
                   BCEMR_NOT_ENROLLED, "visit", "team", i);
        rows[i] = (bcemr_tr_team_doctor){.doctor = enrol.doctor, .deadline = places[i].deadline};
        if (!keys)
            FAIL(BCEMR_E_ABSENT, "Enrol", "x");
        memcpy(rows[i].x.b, enrol.x.p, sizeof rows[i].x);
        memcpy(rows[i].e.b, enrol.e.p, sizeof rows[i].e);
    }
out:
    return status;
}

static bcemr_status check_clouds(hospital *h, const hospital_plan *plan, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_member member;
    if (plan->cloud_count == 0 || plan->cloud_count > BCEMR_CLOUDS_MAX)
        FAIL(plan->cloud_count == 0 ? BCEMR_E_TOO_FEW : BCEMR_E_TOO_MANY, "visit", "clouds");
    for (uint64_t i = 0; i < plan->cloud_count; i++)
        TRY(client_member(h->setup.ledger, plan->clouds[i], BCEMR_role_CLOUD, BCEMR_NOW,
                          BCEMR_BAD_TICKET, &buf, &member, err));
out:
    bcemr_buf_free(&buf);
    return status;
}

/* Whether an Admit or an Enrol has used a key. */
static bcemr_status is_used(hospital *h, bcemr_span key, bool *used, bcemr_error *err)
{
    static const char *const kinds[] = {"Admit", "Enrol"};
    const bcemr_ledger_view *ledger = h->setup.ledger;
    uint64_t leaf = 0;
    *used = false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        bcemr_status status = ledger->find(ledger->user, kinds[i], key, &leaf);
        *used = *used || status == BCEMR_OK;
        if (status != BCEMR_OK && status != BCEMR_E_NOT_FOUND)
            return wire_fail(err, status, "ledger", "finds");
    }
    return BCEMR_OK;
}

/* The ledger has seen neither pkv nor Av: a visit's keys are fresh. */
static bcemr_status check_fresh(hospital *h, const bcemr_tr_register *patient, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bool used = false;
    TRY(is_used(h, bcemr_span_of(patient->pkv.b, sizeof patient->pkv.b), &used, err));
    REQUIRE(!used, BCEMR_BAD_TICKET, "register", "pkv");
    TRY(is_used(h, bcemr_span_of(patient->av.b, sizeof patient->av.b), &used, err));
    REQUIRE(!used, BCEMR_BAD_TICKET, "register", "av");
out:
    return status;
}

static bcemr_status check_patient(hospital *h, const bcemr_tr_register *patient, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_g1 pkv;
    bcemr_ed_public av;
    TRY_AT(bcemr_g1_decode(&patient->pkv, &pkv), "register", "pkv");
    TRY_AT(bcemr_ed_decode(&patient->av, &av), "register", "av");
    TRY(check_fresh(h, patient, err));
out:
    return status;
}

static bcemr_status make_ticket(hospital *h, const hospital_plan *plan,
                                const bcemr_tr_team_doctor *rows, int64_t now,
                                hospital_visit *visit, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_facts facts;
    bcemr_order *order = bcemr_allocate(sizeof *order);
    bcemr_tr_visit v = {.hospital = h->setup.id,
                        .clouds = BCEMR_LIST_OF(plan->clouds, plan->cloud_count),
                        .u = plan->u,
                        .pkv = visit->patient.pkv,
                        .av = visit->patient.av,
                        .team = BCEMR_LIST_OF(rows, plan->team_count),
                        .issued = now};
    const bcemr_tr_pid pid = {h->setup.id, visit->patient.identity, visit->patient.r, visit->r2};
    if (!order)
        FAIL(BCEMR_E_NO_MEMORY, "visit", NULL);
    TRY(server_facts(h->setup.ledger, &facts, err));
    v.ledger = facts.ledger;
    v.reissues = facts.reissues;
    if (v.u == 0)
        v.u = plan->cloud_count > 1 ? plan->cloud_count - 1 : 1;
    TRY(bcemr_pseudonym(&pid, &v.pid, err));
    TRY(bcemr_write_visit(&v, &visit->ticket, err));
    CHECK(bcemr_order_begin(bcemr_buf_span(&visit->ticket), order, err), "visit", "team");
    visit->vid = order->vid;
    visit->first_deadline = rows[0].deadline;
    TRY(h->setup.signer->sign(h->setup.signer->user, bcemr_buf_span(&visit->ticket),
                              &visit->signature, err));
out:
    bcemr_release(order);
    return status;
}

/* Whether the Admit that was posted is on the ledger. */
static bcemr_status is_admitted(const hospital *h, const bcemr_hash *admit, bool *admitted,
                                bcemr_error *err)
{
    uint64_t leaf = 0;
    bcemr_status status = h->setup.ledger->landed(h->setup.ledger->user, admit, &leaf);
    *admitted = status == BCEMR_OK;
    if (status == BCEMR_OK || status == BCEMR_E_NOT_FOUND)
        return BCEMR_OK;
    return wire_fail(err, status, "ledger", "Admit");
}

/* An Admit that the ledger refused, or will refuse since its first deadline has passed there, is
 * as if nobody had accepted the ticket. */
static bcemr_status settle_admit(const hospital *h, hospital_visit *visit, int64_t tau,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const server_outbox *outbox = h->setup.outbox;
    server_outbox_state state = SERVER_OUTBOX_UNKNOWN;
    uint32_t reason = 0;
    bool admitted = false;
    if (!visit->accepted)
        return BCEMR_OK;
    TRY(is_admitted(h, &visit->admit, &admitted, err));
    if (admitted)
        goto out;
    TRY_AT(outbox->state(outbox->user, &visit->admit, &state, &reason), "outbox", NULL);
    if (state == SERVER_OUTBOX_REFUSED || visit->first_deadline <= tau)
        visit->accepted = false;
out:
    return status;
}

/* Tickets that nobody accepted in time, or in vain, make room. */
static bcemr_status sweep(hospital *h, int64_t now, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_facts facts;
    TRY(server_facts(h->setup.ledger, &facts, err));
    for (uint64_t i = h->visits.count; i-- > 0;) {
        hospital_visit *visit = h->visits.rows[i];
        bool accepted = visit->accepted;
        TRY(settle_admit(h, visit, facts.tau, err));
        bool in_vain = accepted && !visit->accepted;
        if (visit->accepted || (visit->first_deadline >= now && !in_vain))
            continue;
        hospital_end_runs(h, visit);
        server_table_drop(&h->visits, visit);
        visit_free(visit);
    }
out:
    return status;
}

static bcemr_status take_patient(bcemr_span message, hospital_visit *visit, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY_AT(bcemr_buf_append(&visit->message, message), "register", NULL);
    TRY(bcemr_read_register(bcemr_buf_span(&visit->message), &visit->patient, err));
    bcemr_random(visit->r2.b, sizeof visit->r2.b);
out:
    return status;
}

bcemr_status hospital_register(hospital *h, bcemr_span message, const hospital_plan *plan,
                               int64_t now, bcemr_buf *ticket, bcemr_hash *vid, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buffers[BCEMR_TEAM_MAX] = {{0}};
    bcemr_tr_team_doctor *rows = bcemr_allocate(BCEMR_TEAM_MAX * sizeof *rows);
    hospital_visit *visit = bcemr_allocate(sizeof *visit);
    if (!rows || !visit)
        FAIL(BCEMR_E_NO_MEMORY, "visit", NULL);
    if (plan->team_count == 0 || plan->team_count > BCEMR_TEAM_MAX)
        FAIL(plan->team_count == 0 ? BCEMR_E_TOO_FEW : BCEMR_E_TOO_MANY, "visit", "team");
    TRY(take_patient(message, visit, err));
    TRY(check_patient(h, &visit->patient, err));
    TRY(check_clouds(h, plan, err));
    TRY(hospital_rows(h, plan->team, plan->team_count, now, buffers, rows, err));
    TRY(make_ticket(h, plan, rows, now, visit, err));
    if (h->visits.count == h->visits.limit)
        TRY(sweep(h, now, err));
    const bcemr_tr_ticket answer = {bcemr_buf_span(&visit->ticket), visit->signature, visit->r2};
    uint64_t before = ticket->n;
    TRY(bcemr_write_ticket(&answer, ticket, err));
    status = server_table_add(&h->visits, visit);
    if (status != BCEMR_OK) {
        ticket->n = before;
        FAIL(status, "hospital", "visits");
    }
    *vid = visit->vid;
    visit = NULL;
out:
    for (uint64_t i = 0; i < BCEMR_TEAM_MAX; i++)
        bcemr_buf_free(&buffers[i]);
    bcemr_release(rows);
    visit_free(visit);
    return status;
}

bcemr_status hospital_accept(hospital *h, const bcemr_hash *vid, bcemr_span acceptance, int64_t now,
                             bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    hospital_visit *visit = NULL;
    bcemr_tr_visit v;
    bcemr_tr_acceptance given;
    bcemr_hash hash;
    bool admitted = false;
    TRY(hospital_find(h, vid, &visit, err));
    TRY(bcemr_read_acceptance(acceptance, &given, err));
    TRY(bcemr_read_visit(bcemr_buf_span(&visit->ticket), &v, err));
    REQUIRE(now < visit->first_deadline, BCEMR_PAST_DEADLINE, "visit", "team");
    CHECK(bcemr_acceptance_check(&v, vid, &given, err), "acceptance", NULL);
    const bcemr_tr_e_admit admit = {v.ledger, bcemr_buf_span(&visit->ticket), visit->signature,
                                    acceptance};
    TRY(bcemr_hash_value(&bcemr_type_e_admit, &admit, &hash, err));
    TRY(is_admitted(h, &hash, &admitted, err));
    if (!admitted) /* another visit may have used the keys since */
        TRY(check_fresh(h, &visit->patient, err));
    TRY(server_post(h->setup.outbox, &bcemr_type_e_admit, &admit, err));
    visit->accepted = true;
    visit->admit = hash;
out:
    return status;
}

/* ---- section 7: the end of a visit's data ---- */

static bcemr_status remove_parts(hospital *h, hospital_visit *visit, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const server_store *store = h->setup.store;
    while (visit->part_count > 0) {
        hospital_part *part = &visit->parts[visit->part_count - 1];
        server_name name = hospital_part_name(visit, part);
        TRY(store->remove(store->user, name.text, err));
        hospital_part_free(part);
        visit->part_count--;
    }
out:
    return status;
}

bcemr_status hospital_forget(hospital *h, const bcemr_hash *vid, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    bcemr_ledger_facts facts;
    hospital_visit *visit = NULL;
    TRY(hospital_find(h, vid, &visit, err));
    TRY(server_facts(h->setup.ledger, &facts, err));
    TRY(settle_admit(h, visit, facts.tau, err));
    status = client_visit_load(h->setup.ledger, vid, &log, err);
    bool admitted = status == BCEMR_OK;
    if (!admitted && !(status == BCEMR_E_REFUSED && !visit->accepted))
        goto out;
    if (admitted && !log.log->sealed && !log.log->aborted)
        FAIL(BCEMR_E_STATE, "visit", NULL);
    TRY(remove_parts(h, visit, err));
    hospital_end_runs(h, visit);
    server_table_drop(&h->visits, visit);
    visit_free(visit);
out:
    client_visit_free(&log);
    return status;
}

bcemr_status hospital_erase(hospital *h, const bcemr_hash *vid, int64_t now, bcemr_buf *erase,
                            bcemr_ed_signature *signature, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    bcemr_ledger_facts facts;
    TRY(server_facts(h->setup.ledger, &facts, err));
    TRY(server_visit(h->setup.ledger, vid, &log, err));
    REQUIRE(bcemr_span_equal(log.log->visit.hospital, h->setup.id), BCEMR_NOT_ENTITLED, "visit",
            "hospital");
    REQUIRE(log.log->sealed, BCEMR_NOT_SEALED, "visit", NULL);
    REQUIRE(now > log.log->sealed_at && (uint64_t)(now - log.log->sealed_at) > facts.retention,
            BCEMR_RETENTION_RUNS, "visit", "retention");
    const bcemr_tr_erase asked = {facts.ledger, *vid};
    TRY(server_sign_value(h->setup.signer, &bcemr_type_erase, &asked, signature, err));
    TRY(bcemr_write_erase(&asked, erase, err));
out:
    client_visit_free(&log);
    return status;
}
