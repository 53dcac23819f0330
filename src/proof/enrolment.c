/* SPDX-License-Identifier: Apache-2.0 */
/* A doctor's Enrol, as a verifier checks it who has the set in force at its leaf (section 2). */
#include "core/verdict.h"
#include "proof/member.h"
#include "wire/error.h"

#include <string.h>

typedef struct enrolment {
    const bcemr_context *context;
    const bcemr_hash *ledger;
    const bcemr_set *set;
    bcemr_signed_parts parts;
    bcemr_tr_e_enrol e;
    bcemr_tr_cred cred;
    bcemr_buf message;
} enrolment;

static bcemr_status check_fields(enrolment *n, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_x25519_public key;
    const bcemr_tr_e_enrol *e = &n->e;
    REQUIRE(bcemr_hash_equal(&e->ledger, n->ledger), BCEMR_WRONG_LEDGER, "Enrol", "ledger");
    REQUIRE(e->kind == BCEMR_enrol_kind_DOCTOR, BCEMR_BAD_ENROLMENT, "Enrol", "kind");
    REQUIRE(e->hospital.n > 0, BCEMR_BAD_ENROLMENT, "Enrol", "hospital");
    REQUIRE(e->not_before < e->not_after, BCEMR_BAD_ENROLMENT, "Enrol", "not_after");
    REQUIRE(bcemr_set_place(n->set, e->doctor) == BCEMR_NOWHERE, BCEMR_BAD_ENROLMENT, "Enrol",
            "doctor");
    if (e->x.n != sizeof n->cred.x.b || e->e.n != sizeof n->cred.e.b ||
        e->credential.n != sizeof(bcemr_g1_raw) || e->hospital.n == 0)
        FAIL(BCEMR_E_ABSENT, "Enrol", "x");
    n->cred = (bcemr_tr_cred){.ledger = e->ledger,
                              .doctor = e->doctor,
                              .hospital = e->hospital,
                              .a = e->a,
                              .box = e->box,
                              .not_before = e->not_before,
                              .not_after = e->not_after};
    memcpy(n->cred.x.b, e->x.p, sizeof n->cred.x.b);
    memcpy(n->cred.e.b, e->e.p, sizeof n->cred.e.b);
    REQUIRE(bcemr_x25519_decode(&e->box, &key) == BCEMR_OK &&
                bcemr_x25519_decode(&n->cred.e, &key) == BCEMR_OK,
            BCEMR_BAD_ENROLMENT, "Enrol", "box");
out:
    return status;
}

static bcemr_status check_row(enrolment *n, const bcemr_tr_member *member,
                              const bcemr_tr_signer *row, uint64_t index, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const char *role = bcemr_role_name(member->role);
    bcemr_ed_signature signature;
    REQUIRE_AT(bcemr_span_equal(row->role, bcemr_text(role)), BCEMR_BAD_ENTRY_SIGNATURE, "signed",
               "role", index);
    REQUIRE_AT(row->signature.n == sizeof signature.b, BCEMR_BAD_ENTRY_SIGNATURE, "signed",
               "signature", index);
    if (row->signature.n < sizeof signature.b)
        FAIL(BCEMR_E_FIELD_LENGTH, "signed", "signature");
    memcpy(signature.b, row->signature.p, sizeof signature.b);
    bcemr_buf_clear(&n->message);
    TRY(bcemr_entry_message(role, n->parts.entry, &n->message, err));
    REQUIRE_AT(bcemr_ed_holds(&member->a, bcemr_buf_span(&n->message), &signature),
               BCEMR_BAD_ENTRY_SIGNATURE, "signed", "signature", index);
out:
    return status;
}

/* The hospital's row; then none, the old key's, or a second supernode's. */
static bcemr_status check_rows(enrolment *n, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_signer row;
    const bcemr_list *rows = &n->parts.signers;
    const bcemr_tr_member *hospital = bcemr_set_find(n->set, BCEMR_role_HOSPITAL, n->e.hospital);
    REQUIRE(hospital, BCEMR_BAD_ENROLMENT, "Enrol", "hospital");
    REQUIRE(rows->count == 1 || rows->count == 2, BCEMR_BAD_ENTRY_SIGNATURE, "signed", "signers");
    if (!hospital || !bcemr_list_at(&bcemr_type_signer, rows, 0, &row))
        FAIL(BCEMR_E_ABSENT, "signed", "signers");
    REQUIRE_AT(bcemr_span_equal(row.who, n->e.hospital), BCEMR_BAD_ENTRY_SIGNATURE, "signed", "who",
               0);
    TRY(check_row(n, hospital, &row, 0, err));
    if (!bcemr_list_at(&bcemr_type_signer, rows, 1, &row))
        goto out;
    if (bcemr_span_equal(row.role, bcemr_text("doctor"))) {
        REQUIRE_AT(bcemr_span_equal(row.who, n->e.doctor) &&
                       row.signature.n == sizeof(bcemr_ed_signature),
                   BCEMR_BAD_ENTRY_SIGNATURE, "signed", "who", 1);
        goto out;
    }
    uint64_t place = bcemr_set_place(n->set, row.who);
    REQUIRE_AT(place != BCEMR_NOWHERE && !bcemr_span_equal(row.who, n->e.hospital),
               BCEMR_BAD_ENTRY_SIGNATURE, "signed", "who", 1);
    if (place == BCEMR_NOWHERE)
        FAIL(BCEMR_E_ABSENT, "signed", "who");
    TRY(check_row(n, &n->set->members[place], &row, 1, err));
out:
    return status;
}

static bcemr_status check_keys(enrolment *n, const bcemr_g2 *authority, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_g1_raw credential;
    const bcemr_tr_e_enrol *e = &n->e;
    const bcemr_tr_pop pop = {.ledger = *n->ledger,
                              .role = bcemr_text("doctor"),
                              .id = e->doctor,
                              .x = n->cred.x,
                              .a = bcemr_span_of(e->a.b, sizeof e->a.b),
                              .e = e->e,
                              .box = bcemr_span_of(e->box.b, sizeof e->box.b)};
    memcpy(credential.b, e->credential.p, sizeof credential.b);
    REQUIRE_VALID(bcemr_credential_check(n->context, authority, &n->cred, &credential, err),
                  "Enrol", "credential");
    REQUIRE_VALID(bcemr_pop_check(n->context, &pop, e->pops, err), "Enrol", "pops");
out:
    return status;
}

bcemr_verdict bcemr_enrolment_check(const bcemr_context *context, const bcemr_g2 *authority,
                                    const bcemr_hash *ledger, const bcemr_set *set,
                                    bcemr_span signed_entry, bcemr_tr_e_enrol *out,
                                    bcemr_tr_cred *cred, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    enrolment n = {.context = context, .ledger = ledger, .set = set, .message = BCEMR_BUF_EMPTY};
    err = core_error(err, &local);
    TRY(bcemr_signed_read(signed_entry, &n.parts, err));
    REQUIRE(n.parts.type == &bcemr_type_e_enrol, BCEMR_BAD_ENROLMENT, "signed", "entry");
    TRY(bcemr_read_e_enrol(n.parts.entry, &n.e, err));
    TRY(check_fields(&n, err));
    TRY(check_rows(&n, err));
    TRY(check_keys(&n, authority, err));
    if (out)
        *out = n.e;
    if (cred)
        *cred = n.cred;
out:
    bcemr_buf_free(&n.message);
    return core_verdict(status, err);
}
