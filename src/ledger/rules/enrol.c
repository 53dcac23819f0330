/* SPDX-License-Identifier: Apache-2.0 */
/* Enrol, Retire (section 2): doctors' and readers' keys. */
#include "ledger/rules/run.h"

#include <string.h>

typedef struct enrolling {
    bcemr_tr_e_enrol e;
    bool doctor;
    /* The last enrolment of this ID, if any. */
    bool known;
    bcemr_buf held;
    bcemr_tr_state_enrolment last;
    bcemr_tr_e_enrol last_entry;
} enrolling;

static bool fields_fit(const enrolling *n)
{
    const bcemr_tr_e_enrol *e = &n->e;
    bool all = e->x.n > 0 && e->e.n > 0 && e->credential.n > 0 && e->hospital.n > 0;
    bool none = e->x.n == 0 && e->e.n == 0 && e->credential.n == 0 && e->hospital.n == 0;
    return n->doctor ? all && e->pops.n == 112 : none && e->pops.n == 64;
}

static bool keys_decode(const enrolling *n)
{
    bcemr_tr_cred cred;
    bcemr_g2 x;
    bcemr_x25519_public decoded;
    if (!rules_ed_decodes(&n->e.a) || bcemr_x25519_decode(&n->e.box, &decoded) != BCEMR_OK)
        return false;
    if (ledger_cred_of_enrol(&n->e, &cred) != BCEMR_OK)
        return !n->doctor;
    return bcemr_g2_decode(&cred.x, &x) == BCEMR_OK &&
           bcemr_x25519_decode(&cred.e, &decoded) == BCEMR_OK;
}

static bool is_active(const enrolling *n)
{
    return n->known && n->last.status == BCEMR_enrolment_status_ACTIVE;
}

static bool is_retired_doctor(const enrolling *n)
{
    return n->doctor && n->known && !is_active(n);
}

/* Rows: the first is the hospital's or the authority's, the second as rules.h says. */
static bcemr_status check_rows(rules *r, const enrolling *n)
{
    bcemr_status status = BCEMR_OK;
    const char *const roles[] = {n->doctor ? "hospital" : "authority",
                                 is_active(n) ? (n->doctor ? "doctor" : "reader") : "*"};
    TRY(rules_rows(r, roles, is_active(n) || is_retired_doctor(n) ? 2 : 1));
    if (n->doctor)
        CHECK(SIGNER_ROWS, rules_row_is(r, 0, n->e.hospital));
    if (is_active(n))
        CHECK(SIGNER_ROWS, rules_row_is(r, 1, n->e.doctor));
out:
    return status;
}

/* The member of the second row after a Retire: the hospital of the last enrolment where the first
 * row is another's (which then is the second supernode), else any other supernode. */
static const bcemr_tr_member *second_supernode(rules *r, const enrolling *n)
{
    uint64_t place = bcemr_set_place(&r->set, r->rows[1].who);
    if (place == BCEMR_NOWHERE || rules_row_is(r, 1, n->e.hospital))
        return NULL;
    const bcemr_tr_member *member = &r->set.members[place];
    if (!bcemr_span_equal(r->rows[1].role, bcemr_text(bcemr_role_name(member->role))))
        return NULL;
    bool same_hospital = bcemr_span_equal(n->last_entry.hospital, n->e.hospital);
    return same_hospital || rules_row_is(r, 1, n->last_entry.hospital) ? member : NULL;
}

static bcemr_status claim_rows(rules *r, const enrolling *n, const bcemr_tr_member *hospital)
{
    bcemr_status status = BCEMR_OK;
    if (n->doctor)
        TRY(rules_claim_row(r, 0, &hospital->a, LEDGER_R_SUPERNODE_SIGNATURE));
    else
        TRY(rules_claim_authority_row(r, 0));
    if (is_active(n))
        TRY(rules_claim_row(r, 1, &n->last_entry.a, LEDGER_R_DOCTOR_SIGNATURE));
    if (is_retired_doctor(n)) {
        const bcemr_tr_member *second = second_supernode(r, n);
        NEED(second != NULL);
        TRY(rules_claim_row(r, 1, &second->a, LEDGER_R_SUPERNODE_SIGNATURE));
    }
out:
    return status;
}

/* The credential under P, then PoP || Ed_A's over Tr("pop"). */
static bcemr_status claim_doctor(rules *r, const enrolling *n)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_g2_raw p;
    bcemr_tr_cred cred;
    TRY(rules_authority(r, &p));
    NEED(ledger_cred_of_enrol(&n->e, &cred) == BCEMR_OK);
    TRY(bcemr_write_cred(&cred, &message, err));
    const ledger_claim credential = {.kind = LEDGER_CLAIM_BLS,
                                     .purpose = BCEMR_PURPOSE_CRED,
                                     .key = bcemr_span_of(p.b, sizeof p.b),
                                     .message = bcemr_buf_span(&message),
                                     .signature = n->e.credential,
                                     .reason = LEDGER_R_ENROL_CREDENTIAL};
    TRY(rules_claim(r, &credential));
    const bcemr_tr_pop pop = {.ledger = r->ledger,
                              .role = bcemr_text("doctor"),
                              .id = n->e.doctor,
                              .x = cred.x,
                              .a = bcemr_span_of(n->e.a.b, sizeof n->e.a.b),
                              .e = n->e.e,
                              .box = bcemr_span_of(n->e.box.b, sizeof n->e.box.b)};
    bcemr_buf_clear(&message);
    TRY(bcemr_write_pop(&pop, &message, err));
    const ledger_claim possession = {.kind = LEDGER_CLAIM_BLS,
                                     .purpose = BCEMR_PURPOSE_POP,
                                     .key = n->e.x,
                                     .message = bcemr_buf_span(&message),
                                     .signature = bcemr_span_of(n->e.pops.p, 48),
                                     .reason = LEDGER_R_ENROL_POP};
    TRY(rules_claim(r, &possession));
    TRY(rules_claim_ed(r, &n->e.a, bcemr_buf_span(&message), bcemr_span_of(n->e.pops.p + 48, 64),
                       LEDGER_R_ENROL_POP));
out:
    bcemr_buf_free(&message);
    return status;
}

static bcemr_status claim_reader(rules *r, const enrolling *n)
{
    const bcemr_tr_pop_reader pop = {r->ledger, n->e.doctor, n->e.a, n->e.box};
    bcemr_ed_signature signature;
    memcpy(signature.b, n->e.pops.p, sizeof signature.b);
    return rules_claim_ed_value(r, &n->e.a, &bcemr_type_pop_reader, &pop, &signature,
                                LEDGER_R_ENROL_POP);
}

static bcemr_status put_enrolment(rules *r, enrolling *n, bcemr_span entry)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    const bcemr_tr_state_enrolment fresh = {.entry = entry,
                                            .hash = r->effect->parts.entry_hash,
                                            .leaf = r->at.leaf,
                                            .status = BCEMR_enrolment_status_ACTIVE};
    if (is_active(n)) {
        n->last.status = BCEMR_enrolment_status_REPLACED;
        n->last.ended = r->at.leaf;
        TRY(rules_put_enrolment(r, &n->last));
    }
    TRY(rules_put_enrolment(r, &fresh));
    TRY_AT(ledger_put(r->state, LEDGER_DOCTORS, n->e.doctor,
                      bcemr_span_of(fresh.hash.b, sizeof fresh.hash.b)),
           "state-enrolment", NULL);
    TRY(rules_index(r, LEDGER_INDEX_FINDS,
                    n->doctor ? n->e.x : bcemr_span_of(n->e.a.b, sizeof n->e.a.b)));
out:
    return status;
}

/*
 * Enrol: ENROL_FIELDS, ENROL_VALIDITY, ENROL_ID_USED, ENROL_KIND, SIGNER_ROWS, NOT_A_HOSPITAL,
 * ENROL_COUNTERSIGNER, KEY_ENCODING, ENROL_KEY_USED; SUPERNODE_SIGNATURE or AUTHORITY_SIGNATURE,
 * DOCTOR_SIGNATURE or SUPERNODE_SIGNATURE (the second row), ENROL_CREDENTIAL, ENROL_POP.
 */
static bcemr_status enrol(rules *r, enrolling *n, bcemr_span entry)
{
    bcemr_status status = BCEMR_OK;
    bool supernode = false, unused = false;
    const bcemr_tr_member *hospital = NULL;
    CHECK(ENROL_FIELDS, fields_fit(n));
    NEED(fields_fit(n));
    CHECK(ENROL_VALIDITY, n->e.not_before < n->e.not_after);
    TRY(rules_has(r, LEDGER_SUPERNODES, n->e.doctor, &supernode));
    CHECK(ENROL_ID_USED, !supernode);
    TRY(rules_enrolment(r, n->e.doctor, &n->held, &n->last, &n->last_entry, &n->known));
    CHECK(ENROL_KIND, !n->known || n->last_entry.kind == n->e.kind);
    TRY(check_rows(r, n));
    TRY(rules_load_set(r));
    if (n->doctor) {
        hospital = rules_member(r, BCEMR_role_HOSPITAL, n->e.hospital);
        CHECK(NOT_A_HOSPITAL, hospital != NULL);
        NEED(hospital != NULL);
    }
    if (is_retired_doctor(n))
        CHECK(ENROL_COUNTERSIGNER, second_supernode(r, n) != NULL);
    CHECK(KEY_ENCODING, keys_decode(n));
    const bcemr_span keys[] = {n->e.x, bcemr_span_of(n->e.a.b, sizeof n->e.a.b), n->e.e,
                               bcemr_span_of(n->e.box.b, sizeof n->e.box.b)};
    TRY(rules_keys_unused(r, keys, 4, &unused));
    CHECK(ENROL_KEY_USED, unused);
    TRY(claim_rows(r, n, hospital));
    TRY(n->doctor ? claim_doctor(r, n) : claim_reader(r, n));
    TRY(put_enrolment(r, n, entry));
    TRY(rules_keys_mark(r, keys, 4));
out:
    return status;
}

bcemr_status rules_enrol(rules *r, bcemr_span entry)
{
    enrolling n = {.held = BCEMR_BUF_EMPTY};
    bcemr_status status = bcemr_read_e_enrol(entry, &n.e, r->err);
    n.doctor = n.e.kind == BCEMR_enrol_kind_DOCTOR;
    if (status == BCEMR_OK)
        status = enrol(r, &n, entry);
    bcemr_buf_free(&n.held);
    return status;
}

/* Retire: SIGNER_ROWS, RETIRE_NOT_ACTIVE; AUTHORITY_SIGNATURE. */
bcemr_status rules_retire(rules *r, bcemr_span entry)
{
    static const char *const roles[] = {"authority"};
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_tr_e_retire retire;
    enrolling n = {.held = BCEMR_BUF_EMPTY};
    TRY(bcemr_read_e_retire(entry, &retire, err));
    TRY(rules_rows(r, roles, 1));
    TRY(rules_enrolment(r, retire.doctor, &n.held, &n.last, &n.last_entry, &n.known));
    bcemr_span key = n.last_entry.kind == BCEMR_enrol_kind_DOCTOR
                         ? n.last_entry.x
                         : bcemr_span_of(n.last_entry.a.b, sizeof n.last_entry.a.b);
    CHECK(RETIRE_NOT_ACTIVE, is_active(&n) && bcemr_span_equal(key, retire.key));
    NEED(n.known);
    TRY(rules_claim_authority_row(r, 0));
    n.last.status = BCEMR_enrolment_status_RETIRED;
    n.last.ended = r->at.leaf;
    TRY(rules_put_enrolment(r, &n.last));
    TRY(rules_stop(r, "Retire", retire.key));
out:
    bcemr_buf_free(&n.held);
    return status;
}

bcemr_status ledger_cred_of_enrol(const bcemr_tr_e_enrol *enrol_entry, bcemr_tr_cred *out)
{
    *out = (bcemr_tr_cred){0};
    if (enrol_entry->x.n != sizeof out->x.b || enrol_entry->e.n != sizeof out->e.b)
        return BCEMR_E_ABSENT;
    out->ledger = enrol_entry->ledger;
    out->doctor = enrol_entry->doctor;
    out->hospital = enrol_entry->hospital;
    memcpy(out->x.b, enrol_entry->x.p, sizeof out->x.b);
    out->a = enrol_entry->a;
    memcpy(out->e.b, enrol_entry->e.p, sizeof out->e.b);
    out->box = enrol_entry->box;
    out->not_before = enrol_entry->not_before;
    out->not_after = enrol_entry->not_after;
    return BCEMR_OK;
}
