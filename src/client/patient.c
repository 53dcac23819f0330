/* SPDX-License-Identifier: Apache-2.0 */
/* A patient's visits: come, accept, be present, read (sections 3, 4 and 7). */
#include <bcemr/patient.h>

#include "client/case_check.h"
#include "wire/error.h"

#include <bcemr/hash.h>
#include <string.h>

void bcemr_patient_visit_free(bcemr_patient_visit *visit)
{
    if (!visit)
        return;
    bcemr_visit_keys_wipe(&visit->keys);
    bcemr_buf_free(&visit->identity);
    bcemr_buf_free(&visit->ticket);
    memset(visit, 0, sizeof *visit);
}

bcemr_status bcemr_patient_register(bcemr_wallet *wallet, bcemr_span identity, bcemr_span symptoms,
                                    bcemr_patient_visit *visit, bcemr_buf *message,
                                    bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_facts facts;
    memset(visit, 0, sizeof *visit);
    TRY_AT(wallet->ledger->facts(wallet->ledger->user, &facts), "ledger", NULL);
    TRY_AT(bcemr_visit_keys_derive(&wallet->seed, &facts.ledger, wallet->next_visit, &visit->keys),
           "wallet", "visit");
    visit->j = wallet->next_visit;
    TRY_AT(bcemr_buf_set(&visit->identity, identity), "register", "identity");
    const bcemr_tr_register reg = {.identity = identity,
                                   .symptoms = symptoms,
                                   .pkv = visit->keys.pkv,
                                   .av = visit->keys.av_public,
                                   .r = visit->keys.r};
    TRY(bcemr_write_register(&reg, message, err));
    wallet->next_visit++; /* keys that left the wallet are never used again */
out:
    if (status != BCEMR_OK)
        bcemr_patient_visit_free(visit);
    return status;
}

/* ---- accept ---- */

static bcemr_status check_pseudonym(const bcemr_patient_visit *visit, const bcemr_tr_ticket *ticket,
                                    const bcemr_tr_visit *v, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash pid;
    const bcemr_tr_pid parts = {v->hospital, bcemr_buf_span(&visit->identity), visit->keys.r,
                                ticket->r2};
    TRY(bcemr_pseudonym(&parts, &pid, err));
    REQUIRE(bcemr_hash_equal(&pid, &v->pid), BCEMR_BAD_PSEUDONYM, "ticket", "pid");
out:
    return status;
}

/* Supernodes of their roles, N that in force, deadlines still ahead. */
static bcemr_status check_places(const bcemr_wallet *wallet, const bcemr_ledger_facts *facts,
                                 const bcemr_tr_visit *v, const bcemr_order *order, int64_t now,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_member member;
    bcemr_span cloud;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &v->clouds);
    while (bcemr_list_next(&iter, &cloud))
        TRY(client_member(wallet->ledger, cloud, BCEMR_role_CLOUD, BCEMR_NOW, BCEMR_BAD_TICKET,
                          &buf, &member, err));
    REQUIRE(v->reissues == facts->reissues, BCEMR_BAD_TICKET, "ticket", "reissues");
    REQUIRE(order->doctors[0].deadline > now, BCEMR_BAD_TICKET, "ticket", "deadline");
    REQUIRE(v->issued <= now + (int64_t)facts->clock_difference, BCEMR_BAD_TICKET, "ticket",
            "issued");
out:
    bcemr_buf_free(&buf);
    return status;
}

static bcemr_status check_team(const bcemr_wallet *wallet, const bcemr_order *order,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_e_enrol enrol;
    for (uint64_t i = 0; i < order->count; i++) {
        const bcemr_tr_team_doctor *d = &order->doctors[i];
        TRY(client_enrolment(wallet->ledger, d->doctor, &buf, &enrol, NULL, NULL, err));
        REQUIRE_AT(bcemr_span_equal(enrol.x, bcemr_span_of(d->x.b, sizeof d->x.b)) &&
                       bcemr_span_equal(enrol.e, bcemr_span_of(d->e.b, sizeof d->e.b)),
                   BCEMR_NOT_ENROLLED, "ticket", "team", i);
    }
out:
    bcemr_buf_free(&buf);
    return status;
}

static bcemr_status check_ticket(const bcemr_wallet *wallet, const bcemr_patient_visit *visit,
                                 const bcemr_tr_ticket *ticket, int64_t now, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_ledger_facts facts;
    bcemr_tr_member hospital;
    bcemr_tr_visit v;
    bcemr_order *order = bcemr_allocate(sizeof *order);
    if (!order)
        FAIL(BCEMR_E_NO_MEMORY, "ticket", NULL);
    TRY(bcemr_read_visit(ticket->visit, &v, err));
    TRY_AT(wallet->ledger->facts(wallet->ledger->user, &facts), "ledger", NULL);
    REQUIRE(bcemr_hash_equal(&v.ledger, &facts.ledger), BCEMR_WRONG_LEDGER, "ticket", "ledger");
    TRY(client_member(wallet->ledger, v.hospital, BCEMR_role_HOSPITAL, BCEMR_NOW,
                      BCEMR_BAD_TICKET_SIGNATURE, &buf, &hospital, err));
    REQUIRE(bcemr_ed_holds(&hospital.a, ticket->visit, &ticket->signature),
            BCEMR_BAD_TICKET_SIGNATURE, "ticket", "signature");
    REQUIRE(memcmp(&v.pkv, &visit->keys.pkv, sizeof v.pkv) == 0 &&
                memcmp(&v.av, &visit->keys.av_public, sizeof v.av) == 0,
            BCEMR_BAD_TICKET, "ticket", "pkv");
    TRY(check_pseudonym(visit, ticket, &v, err));
    bcemr_verdict verdict = bcemr_order_begin(ticket->visit, order, err);
    if (verdict == BCEMR_UNDECIDED)
        FAIL(err ? err->status : BCEMR_E_ARGUMENT, "ticket", "team");
    REQUIRE_VALID(verdict, "ticket", "team");
    TRY(check_places(wallet, &facts, &v, order, now, err));
    TRY(check_team(wallet, order, err));
out:
    bcemr_release(order);
    bcemr_buf_free(&buf);
    return status;
}

bcemr_status bcemr_patient_accept(const bcemr_wallet *wallet, bcemr_patient_visit *visit,
                                  bcemr_span message, int64_t now, bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_ticket ticket;
    bcemr_tr_acceptance acceptance;
    bcemr_hash vid;
    TRY(bcemr_read_ticket(message, &ticket, err));
    TRY(check_ticket(wallet, visit, &ticket, now, err));
    bcemr_sha256(ticket.visit, &vid);
    TRY(bcemr_acceptance_make(&visit->keys, &vid, &acceptance, err));
    TRY(bcemr_write_acceptance(&acceptance, out, err));
    TRY_AT(bcemr_buf_set(&visit->ticket, ticket.visit), "ticket", NULL);
    visit->vid = vid;
out:
    return status;
}

/* ---- presence ---- */

bcemr_status bcemr_patient_present(const bcemr_wallet *wallet, const bcemr_patient_visit *visit,
                                   bcemr_span doctor, const bcemr_nonce *nonce, int64_t now,
                                   bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit loaded = {0};
    bcemr_tr_presence presence;
    TRY(client_visit_load(wallet->ledger, &visit->vid, &loaded, err));
    REQUIRE(bcemr_order_place(&loaded.log->order, doctor) > 0, BCEMR_NOT_IN_ORDER, "present",
            "doctor");
    const bcemr_tr_present present = {visit->vid, doctor, *nonce, now};
    TRY(bcemr_presence_make(&visit->keys, &present, &presence, err));
    TRY(bcemr_write_presence(&presence, out, err));
out:
    client_visit_free(&loaded);
    return status;
}

/* ---- one's own record ---- */

bcemr_status bcemr_patient_open(const bcemr_wallet *wallet, const bcemr_patient_visit *visit,
                                bcemr_span header, const bcemr_source *payload,
                                const bcemr_run *run, const bcemr_output *where, bcemr_opened *out,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error here = {0};
    bcemr_tr_header h;
    memset(out, 0, sizeof *out);
    TRY(bcemr_read_header(header, &h, err));
    const client_reading reading = {.context = wallet->context,
                                    .view = wallet->ledger,
                                    .vid = &visit->vid,
                                    .header = &h,
                                    .x = &visit->keys.xv,
                                    .b = &h.b,
                                    .payload = payload,
                                    .run = run,
                                    .output = where};
    status = client_read(&reading, out, &here);
    /* With one's own key and the capsule of the case, a wrong kc means a bad capsule. */
    if (status == BCEMR_E_REFUSED && here.verdict == BCEMR_BAD_KEY_COMMITMENT)
        status = wire_refuse(&here, BCEMR_BAD_CAPSULE, "record", "B", BCEMR_NOWHERE);
    if (status != BCEMR_OK && err)
        *err = here;
out:
    return status;
}
