/* SPDX-License-Identifier: Apache-2.0 */
#include "client/view.h"

#include "wire/error.h"

#include <bcemr/hash.h>
#include <bcemr/proof.h>
#include <string.h>

bcemr_status client_member(const bcemr_ledger_view *view, bcemr_span id, bcemr_role role,
                           uint64_t leaf, bcemr_verdict refusal, bcemr_buf *buf,
                           bcemr_tr_member *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf_clear(buf);
    status = view->member(view->user, id, leaf, buf);
    if (status == BCEMR_E_NOT_FOUND)
        return wire_refuse(err, refusal, "set", "member", BCEMR_NOWHERE);
    TRY_AT(status, "set", "member");
    TRY(bcemr_read_member(bcemr_buf_span(buf), out, err));
    REQUIRE(out->role == (uint64_t)role, refusal, "set", "role");
out:
    return status;
}

bcemr_status client_enrolment(const bcemr_ledger_view *view, bcemr_span doctor, bcemr_buf *buf,
                              bcemr_tr_e_enrol *out, bcemr_hash *hash, uint64_t *leaf,
                              bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t at = 0;
    bcemr_buf_clear(buf);
    status = view->enrolment(view->user, doctor, buf, &at);
    if (status == BCEMR_E_NOT_FOUND)
        return wire_refuse(err, BCEMR_NOT_ENROLLED, "enrolment", "doctor", BCEMR_NOWHERE);
    TRY_AT(status, "enrolment", "doctor");
    TRY(bcemr_read_e_enrol(bcemr_buf_span(buf), out, err));
    if (hash)
        bcemr_sha256(bcemr_buf_span(buf), hash);
    if (leaf)
        *leaf = at;
out:
    return status;
}

bcemr_status client_visit_load(const bcemr_ledger_view *view, const bcemr_hash *vid,
                               client_visit *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    memset(out, 0, sizeof *out);
    status = view->visit(view->user, vid, &out->leaves);
    if (status == BCEMR_E_NOT_FOUND) {
        status = wire_refuse(err, BCEMR_NOT_ADMITTED, "visit", NULL, BCEMR_NOWHERE);
        goto out;
    }
    TRY_AT(status, "visit", "leaves");
    TRY(bcemr_read_list(&bcemr_type_leaf, bcemr_buf_span(&out->leaves), 1, UINT64_MAX, &out->list,
                        err));
    out->log = bcemr_allocate(sizeof *out->log);
    if (!out->log)
        FAIL(BCEMR_E_NO_MEMORY, "visit", NULL);
    TRY(bcemr_visit_log_read(&out->list, out->log, err));
    REQUIRE(bcemr_hash_equal(&out->log->vid, vid), BCEMR_NOT_ADMITTED, "visit", "vid");
    for (uint64_t i = 0; i < out->log->signed_count; i++) {
        bcemr_signed_diagnosis *d = &out->log->diagnoses[i];
        TRY_AT(view->clock_difference(view->user, d->height, &d->clock_difference), "visit",
               "height");
    }
out:
    if (status != BCEMR_OK)
        client_visit_free(out);
    return status;
}

void client_visit_free(client_visit *visit)
{
    bcemr_buf_free(&visit->leaves);
    bcemr_release(visit->log);
    memset(visit, 0, sizeof *visit);
}

static bcemr_status hospital_key(const bcemr_ledger_view *view, const bcemr_visit_log *log,
                                 uint64_t entry, bcemr_ed_raw *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_member member;
    uint64_t leaf = 0;
    TRY_AT(view->landed(view->user, &log->entries[entry], &leaf), "visit", "entry");
    TRY(client_member(view, log->visit.hospital, BCEMR_role_HOSPITAL, leaf,
                      entry == 0 ? BCEMR_BAD_TICKET_SIGNATURE : BCEMR_BAD_AMENDMENT_SIGNATURE, &buf,
                      &member, err));
    *out = member.a;
out:
    bcemr_buf_free(&buf);
    return status;
}

bcemr_status client_visit_signatures(const bcemr_context *context, const bcemr_ledger_view *view,
                                     const bcemr_visit_log *log, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ed_raw keys[1 + BCEMR_TEAM_MAX];
    bcemr_error here = {.index = BCEMR_NOWHERE};
    for (uint64_t entry = 0; entry <= log->order.amendments; entry++)
        TRY(hospital_key(view, log, entry, &keys[entry], err));
    bcemr_verdict verdict = bcemr_visit_log_signatures(context, log, keys, &here);
    if (verdict == BCEMR_UNDECIDED)
        status = wire_fail(err, here.status, "visit", "signatures");
    else if (verdict != BCEMR_VALID) /* which diagnosis, where it is one */
        status =
            wire_refuse(err, verdict, "visit", here.field ? here.field : "signatures", here.index);
out:
    return status;
}

bcemr_status client_signed_by(const bcemr_type *type, const void *entry, const char *role,
                              bcemr_span who, const bcemr_ed_secret *key, bcemr_buf *out,
                              bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf inner = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    TRY(bcemr_write(type, entry, &inner, err));
    TRY(bcemr_entry_sign_ed(key, role, bcemr_buf_span(&inner), &signature, err));
    const bcemr_tr_signer row = {bcemr_text(role), who, bcemr_span_of(signature.b, 64)};
    TRY(bcemr_signed_make(bcemr_buf_span(&inner), &row, 1, out, err));
out:
    bcemr_buf_free(&inner);
    return status;
}
