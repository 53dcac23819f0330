/* SPDX-License-Identifier: Apache-2.0 */
/* Genesis, enrolment, retirement and changes of the set, as the authority makes them (section 2).
 */
#include "server/authority.h"

#include "server/common.h"

#include <string.h>

/* ---- genesis ---- */

bcemr_status authority_genesis_draft(const authority *a, const authority_parameters *parameters,
                                     bcemr_buf *genesis, bcemr_hash *ledger, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf thresholds = BCEMR_BUF_EMPTY, quotas = BCEMR_BUF_EMPTY, draft = BCEMR_BUF_EMPTY;
    const bcemr_tr_thresholds one_of_one = {.t = 1, .n = 1};
    bcemr_tr_genesis fields = {.authority = a->p,
                               .reissues = parameters->reissues,
                               .clock_difference = parameters->clock_difference,
                               .retention = parameters->retention,
                               .rules = 1,
                               .members =
                                   BCEMR_LIST_OF(parameters->members, parameters->member_count)};
    TRY(bcemr_write_thresholds(&one_of_one, &thresholds, err));
    TRY(bcemr_write_quotas(&parameters->quotas, &quotas, err));
    fields.thresholds = bcemr_buf_span(&thresholds);
    fields.quotas = bcemr_buf_span(&quotas);
    TRY(bcemr_write_genesis(&fields, &draft, err));
    TRY_AT(bcemr_buf_append(genesis, bcemr_buf_span(&draft)), "genesis", NULL);
    bcemr_sha256(bcemr_buf_span(&draft), ledger);
out:
    bcemr_buf_free(&thresholds);
    bcemr_buf_free(&quotas);
    bcemr_buf_free(&draft);
    return status;
}

/* Each member's proof, so that a bad one is named. */
static bcemr_status check_pops(const authority *a, const bcemr_hash *ledger, const bcemr_set *set,
                               const bcemr_span *pops, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_pop pop;
    for (uint64_t i = 0; i < set->count; i++) {
        bcemr_member_pop(ledger, &set->members[i], &pop);
        status = server_verdict(bcemr_pop_check(a->context, &pop, pops[i], err), err, "genesis",
                                "members");
        if (status != BCEMR_OK && err)
            err->index = i;
        TRY(status);
    }
out:
    return status;
}

static bcemr_status own_pop(const authority *a, const bcemr_hash *ledger, bcemr_buf *out,
                            bcemr_error *err)
{
    const bcemr_tr_pop pop = {.ledger = *ledger, .role = bcemr_text("authority"), .x = a->p};
    return a->signer.pop(a->signer.user, &pop, out, err);
}

bcemr_status authority_genesis_sign(const authority *a, bcemr_span genesis, const bcemr_span *pops,
                                    uint64_t count, bcemr_buf *signed_genesis, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf own = BCEMR_BUF_EMPTY, made = BCEMR_BUF_EMPTY;
    bcemr_tr_genesis fields;
    bcemr_hash ledger;
    bcemr_set *set = bcemr_allocate(sizeof *set);
    bcemr_tr_signer *rows = bcemr_allocate((BCEMR_SET_MAX + 1) * sizeof *rows);
    if (!set || !rows)
        FAIL(BCEMR_E_NO_MEMORY, "genesis", NULL);
    TRY(bcemr_read_genesis(genesis, &fields, err));
    TRY(bcemr_set_begin(&fields, set, err));
    REQUIRE(count == set->count, BCEMR_BAD_GENESIS, "genesis", "pops");
    if (count != set->count)
        FAIL(BCEMR_E_ARGUMENT, "genesis", "pops");
    bcemr_sha256(genesis, &ledger);
    TRY(check_pops(a, &ledger, set, pops, err));
    TRY(own_pop(a, &ledger, &own, err));
    rows[0] = (bcemr_tr_signer){bcemr_text("pop"), {NULL, 0}, bcemr_buf_span(&own)};
    for (uint64_t i = 0; i < count; i++)
        rows[i + 1] = (bcemr_tr_signer){bcemr_text("pop"), set->members[i].id, pops[i]};
    TRY(bcemr_signed_make(genesis, rows, count + 1, &made, err));
    CHECK(bcemr_genesis_check(a->context, bcemr_buf_span(&made), NULL, err), "genesis", NULL);
    TRY_AT(bcemr_buf_append(signed_genesis, bcemr_buf_span(&made)), "genesis", NULL);
out:
    if (set)
        bcemr_set_free(set);
    bcemr_release(set);
    bcemr_release(rows);
    bcemr_buf_free(&own);
    bcemr_buf_free(&made);
    return status;
}

/* ---- enrolment ---- */

static bcemr_span key_span(const bcemr_x25519_raw *key)
{
    return bcemr_span_of(key->b, sizeof key->b);
}

static void doctor_pop(const bcemr_hash *ledger, const authority_wish *wish, bcemr_tr_pop *out)
{
    *out = (bcemr_tr_pop){.ledger = *ledger,
                          .role = bcemr_text("doctor"),
                          .id = wish->id,
                          .x = wish->keys.x,
                          .a = bcemr_span_of(wish->keys.a.b, sizeof wish->keys.a.b),
                          .e = key_span(&wish->keys.e),
                          .box = key_span(&wish->keys.box)};
}

static void reader_pop(const bcemr_hash *ledger, const authority_wish *wish,
                       bcemr_tr_pop_reader *out)
{
    *out = (bcemr_tr_pop_reader){*ledger, wish->id, wish->keys.a, wish->keys.box};
}

bcemr_status authority_wish_pops(const bcemr_hash *ledger, const authority_wish *wish,
                                 const bcemr_secrets *secrets, bcemr_buf *pops, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_pop pop;
    bcemr_tr_pop_reader reader;
    bcemr_ed_signature signature;
    if (wish->kind == BCEMR_enrol_kind_DOCTOR) {
        doctor_pop(ledger, wish, &pop);
        return bcemr_pop_make(&secrets->x, &secrets->a, &pop, pops, err);
    }
    reader_pop(ledger, wish, &reader);
    TRY(bcemr_ed_sign_value(&secrets->a, &bcemr_type_pop_reader, &reader, &signature, err));
    TRY_AT(bcemr_buf_append(pops, bcemr_span_of(signature.b, sizeof signature.b)), "pop", NULL);
out:
    return status;
}

static bcemr_status check_wish_pops(const authority *a, const bcemr_hash *ledger,
                                    const authority_wish *wish, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_pop pop;
    bcemr_tr_pop_reader reader;
    bcemr_ed_signature signature = {{0}};
    if (wish->kind == BCEMR_enrol_kind_DOCTOR) {
        doctor_pop(ledger, wish, &pop);
        CHECK(bcemr_pop_check(a->context, &pop, wish->pops, err), "Enrol", "pops");
        return BCEMR_OK;
    }
    reader_pop(ledger, wish, &reader);
    if (wish->pops.n == sizeof signature.b)
        memcpy(signature.b, wish->pops.p, sizeof signature.b);
    REQUIRE(wish->pops.n == sizeof signature.b &&
                bcemr_ed_holds_value(&wish->keys.a, &bcemr_type_pop_reader, &reader, &signature),
            BCEMR_BAD_POP, "Enrol", "pops");
out:
    return status;
}

/* Whether an ID is a supernode's in the set as it stands. */
static bcemr_status is_member(const bcemr_ledger_view *ledger, bcemr_span id, bool *member,
                              bcemr_error *err)
{
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_status status = ledger->member(ledger->user, id, BCEMR_NOW, &buf);
    bcemr_buf_free(&buf);
    *member = status == BCEMR_OK;
    if (status == BCEMR_OK || status == BCEMR_E_NOT_FOUND)
        return BCEMR_OK;
    return wire_fail(err, status, "set", "member");
}

static bcemr_status check_wish(const authority *a, const bcemr_ledger_view *ledger,
                               const authority_wish *wish, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_member hospital;
    bcemr_x25519_public key;
    bcemr_ledger_facts facts;
    bool member = false;
    bool doctor = wish->kind == BCEMR_enrol_kind_DOCTOR;
    TRY(server_facts(ledger, &facts, err));
    REQUIRE(wish->not_before < wish->not_after, BCEMR_BAD_ENROLMENT, "Enrol", "not_after");
    TRY(is_member(ledger, wish->id, &member, err));
    REQUIRE(!member, BCEMR_BAD_ENROLMENT, "Enrol", "doctor");
    REQUIRE(doctor || wish->hospital.n == 0, BCEMR_BAD_ENROLMENT, "Enrol", "hospital");
    if (doctor) {
        TRY(client_member(ledger, wish->hospital, BCEMR_role_HOSPITAL, BCEMR_NOW,
                          BCEMR_BAD_ENROLMENT, &buf, &hospital, err));
        TRY_AT(bcemr_x25519_decode(&wish->keys.e, &key), "Enrol", "e");
    }
    TRY_AT(bcemr_x25519_decode(&wish->keys.box, &key), "Enrol", "box");
    TRY(check_wish_pops(a, &facts.ledger, wish, err));
out:
    bcemr_buf_free(&buf);
    return status;
}

static bcemr_status make_credential(const authority *a, const bcemr_hash *ledger,
                                    const authority_wish *wish, bcemr_g1_raw *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf transcript = BCEMR_BUF_EMPTY;
    const bcemr_tr_cred cred = {.ledger = *ledger,
                                .doctor = wish->id,
                                .hospital = wish->hospital,
                                .x = wish->keys.x,
                                .a = wish->keys.a,
                                .e = wish->keys.e,
                                .box = wish->keys.box,
                                .not_before = wish->not_before,
                                .not_after = wish->not_after};
    TRY(bcemr_write_cred(&cred, &transcript, err));
    TRY(a->signer.credential(a->signer.user, bcemr_buf_span(&transcript), out, err));
out:
    bcemr_buf_free(&transcript);
    return status;
}

bcemr_status authority_enrol(const authority *a, const bcemr_ledger_view *ledger,
                             const authority_wish *wish, bcemr_buf *entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_facts facts;
    bcemr_g1_raw credential;
    TRY(check_wish(a, ledger, wish, err));
    TRY(server_facts(ledger, &facts, err));
    bcemr_tr_e_enrol enrol = {.ledger = facts.ledger,
                              .kind = (uint64_t)wish->kind,
                              .doctor = wish->id,
                              .hospital = wish->hospital,
                              .a = wish->keys.a,
                              .box = wish->keys.box,
                              .not_before = wish->not_before,
                              .not_after = wish->not_after,
                              .pops = wish->pops};
    if (wish->kind == BCEMR_enrol_kind_DOCTOR) {
        TRY(make_credential(a, &facts.ledger, wish, &credential, err));
        enrol.x = bcemr_span_of(wish->keys.x.b, sizeof wish->keys.x.b);
        enrol.e = key_span(&wish->keys.e);
        enrol.credential = bcemr_span_of(credential.b, sizeof credential.b);
    }
    TRY(bcemr_write_e_enrol(&enrol, entry, err));
out:
    return status;
}

bcemr_status authority_row(const authority *a, bcemr_span entry, bcemr_g1_raw *out,
                           bcemr_tr_signer *row, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    TRY(bcemr_entry_message("authority", entry, &message, err));
    TRY(a->signer.entry(a->signer.user, bcemr_buf_span(&message), out, err));
    *row =
        (bcemr_tr_signer){bcemr_text("authority"), {NULL, 0}, bcemr_span_of(out->b, sizeof out->b)};
out:
    bcemr_buf_free(&message);
    return status;
}

bcemr_status authority_retire(const authority *a, const bcemr_ledger_view *ledger,
                              bcemr_span doctor, bcemr_buf *signed_entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY;
    bcemr_tr_e_enrol enrol;
    bcemr_g1_raw signature;
    bcemr_tr_signer row;
    TRY(client_enrolment(ledger, doctor, &buf, &enrol, NULL, NULL, err));
    bcemr_tr_e_retire retire = {enrol.ledger, doctor, enrol.x};
    if (enrol.kind == BCEMR_enrol_kind_READER)
        retire.key = bcemr_span_of(enrol.a.b, sizeof enrol.a.b);
    TRY(bcemr_write_e_retire(&retire, &entry, err));
    TRY(authority_row(a, bcemr_buf_span(&entry), &signature, &row, err));
    TRY(bcemr_signed_make(bcemr_buf_span(&entry), &row, 1, signed_entry, err));
out:
    bcemr_buf_free(&buf);
    bcemr_buf_free(&entry);
    return status;
}
