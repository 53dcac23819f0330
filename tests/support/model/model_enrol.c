/* SPDX-License-Identifier: Apache-2.0 */
/* Enrol, Retire: section 2 of the protocol. */
#include "support/model/model.h"

#include "support/consortium.h"

#include <stdlib.h>
#include <string.h>

model_enrolment *model_enrolment_of(const model *m, bcemr_span id)
{
    const bcemr_hash name = model_name("doctor", id, (bcemr_span){0});
    const uint64_t *found = model_map_find(&m->by_id, &name);
    return found ? m->enrolments[*found] : NULL;
}

#define ENROL_KEYS 4

static void enrol_keys(const bcemr_tr_e_enrol *entry, bcemr_span keys[ENROL_KEYS])
{
    keys[0] = entry->x;
    keys[1] = bcemr_span_of(entry->a.b, sizeof entry->a.b);
    keys[2] = entry->e;
    keys[3] = bcemr_span_of(entry->box.b, sizeof entry->box.b);
}

static void check_keys(const model *m, model_entry *e, const bcemr_tr_e_enrol *entry)
{
    bcemr_span keys[ENROL_KEYS];
    bool doctor = entry->kind == BCEMR_enrol_kind_DOCTOR, fresh = true;
    enrol_keys(entry, keys);
    for (int i = 0; i < ENROL_KEYS; i++) {
        if (keys[i].n == 0)
            continue;
        fresh = fresh && !model_marked(m, LEDGER_KEYS, keys[i], (bcemr_span){0}, NULL);
        for (int k = 0; k < i; k++)
            fresh = fresh && !bcemr_span_equal(keys[i], keys[k]);
    }
    (void)model_need(e->answer, fresh, LEDGER_R_ENROL_KEY_USED);
    bool decode = model_key_ed(keys[1]) && model_key_x25519(keys[3]);
    if (doctor) {
        bcemr_g2_raw raw;
        bcemr_g2 point;
        memcpy(raw.b, entry->x.p, sizeof raw.b);
        decode = decode && bcemr_g2_decode(&raw, &point) == BCEMR_OK && model_key_x25519(keys[2]);
    }
    (void)model_need(e->answer, decode, LEDGER_R_KEY_ENCODING);
}

static bool check_fields(model_entry *e, const bcemr_tr_e_enrol *entry)
{
    bool doctor = entry->kind == BCEMR_enrol_kind_DOCTOR;
    bool fits = (entry->hospital.n > 0) == doctor && (entry->x.n > 0) == doctor &&
                (entry->e.n > 0) == doctor && (entry->credential.n > 0) == doctor &&
                entry->pops.n == (doctor ? 112 : 64);
    return model_need(e->answer, fits, LEDGER_R_ENROL_FIELDS);
}

/* ---- who countersigns ---- */

static void by_supernode(const model *m, model_entry *e, uint64_t n, const model_member *member)
{
    if (model_need_either(e->answer,
                          member && bcemr_span_equal(e->rows[n].role,
                                                     bcemr_text(bcemr_role_name(member->row.role))),
                          LEDGER_R_ENROL_COUNTERSIGNER, LEDGER_R_SIGNER_ROWS))
        model_row_ed(m, e, n, &member->row.a, LEDGER_R_SUPERNODE_SIGNATURE);
}

/* Any supernode but one. */
static const model_member *second(const model *m, bcemr_span who, bcemr_span not_this)
{
    for (uint64_t i = 0; i < m->set.count; i++)
        if (bcemr_span_equal(m->set.members[i].row.id, who) && !bcemr_span_equal(who, not_this))
            return &m->set.members[i];
    return NULL;
}

static void by_old_key(const model *m, model_entry *e, uint64_t n, const model_enrolment *last,
                       const char *role)
{
    if (!model_need(e->answer, bcemr_span_equal(e->rows[n].role, bcemr_text(role)),
                    LEDGER_R_SIGNER_ROWS))
        return;
    (void)model_need_either(e->answer, bcemr_span_equal(e->rows[n].who, last->entry.doctor),
                            LEDGER_R_ENROL_COUNTERSIGNER, LEDGER_R_SIGNER_ROWS);
    model_row_ed(m, e, n, &last->entry.a, LEDGER_R_DOCTOR_SIGNATURE);
}

static void doctor_rows(const model *m, model_entry *e, const bcemr_tr_e_enrol *entry,
                        const model_enrolment *last)
{
    const model_member *hospital = model_find(m, BCEMR_role_HOSPITAL, entry->hospital);
    (void)model_need(e->answer, hospital != NULL, LEDGER_R_NOT_A_HOSPITAL);
    if (!model_need(e->answer, e->row_count == (last ? 2u : 1u), LEDGER_R_SIGNER_ROWS))
        return;
    for (uint64_t i = 0; i < e->row_count; i++)
        if (!model_need(e->answer, e->rows[i].signature.n == 64, LEDGER_R_SIGNER_ROWS))
            return;
    (void)model_need(e->answer, bcemr_span_equal(e->rows[0].role, bcemr_text("hospital")),
                     LEDGER_R_SIGNER_ROWS);
    (void)model_need_either(e->answer, bcemr_span_equal(e->rows[0].who, entry->hospital),
                            LEDGER_R_ENROL_COUNTERSIGNER, LEDGER_R_SIGNER_ROWS);
    if (hospital)
        model_row_ed(m, e, 0, &hospital->row.a, LEDGER_R_SUPERNODE_SIGNATURE);
    if (!last)
        return;
    if (last->status == BCEMR_enrolment_status_ACTIVE) {
        by_old_key(m, e, 1, last, "doctor");
    } else if (!bcemr_span_equal(last->entry.hospital, entry->hospital)) {
        (void)model_need_either(e->answer, bcemr_span_equal(e->rows[1].who, last->entry.hospital),
                                LEDGER_R_ENROL_COUNTERSIGNER, LEDGER_R_SIGNER_ROWS);
        by_supernode(m, e, 1, model_find(m, BCEMR_role_HOSPITAL, last->entry.hospital));
    } else {
        by_supernode(m, e, 1, second(m, e->rows[1].who, entry->hospital));
    }
}

static void reader_rows(const model *m, model_entry *e, const model_enrolment *last)
{
    static const char *const roles[] = {"authority", "reader"};
    bool active = last && last->status == BCEMR_enrolment_status_ACTIVE;
    if (!model_rows(e, roles, active ? 2 : 1))
        return;
    model_row_bls(m, e, 0, &m->authority, LEDGER_R_AUTHORITY_SIGNATURE);
    if (active)
        by_old_key(m, e, 1, last, "reader");
}

/* ---- credential and possession ---- */

static void check_doctor(const model *m, model_entry *e, const bcemr_tr_e_enrol *entry)
{
    bcemr_buf cred = BCEMR_BUF_EMPTY, pop = BCEMR_BUF_EMPTY;
    bcemr_tr_cred fields = {.ledger = m->ledger,
                            .doctor = entry->doctor,
                            .hospital = entry->hospital,
                            .a = entry->a,
                            .box = entry->box,
                            .not_before = entry->not_before,
                            .not_after = entry->not_after};
    memcpy(fields.x.b, entry->x.p, sizeof fields.x.b);
    memcpy(fields.e.b, entry->e.p, sizeof fields.e.b);
    const bcemr_tr_pop possession = {.ledger = m->ledger,
                                     .role = bcemr_text("doctor"),
                                     .id = entry->doctor,
                                     .x = fields.x,
                                     .a = bcemr_span_of(entry->a.b, sizeof entry->a.b),
                                     .e = entry->e,
                                     .box = bcemr_span_of(entry->box.b, sizeof entry->box.b)};
    /* A hospital's name that is no text is no hospital's; the authority signed no such thing. */
    if (bcemr_write_cred(&fields, &cred, NULL) != BCEMR_OK)
        model_no(e->answer, LEDGER_R_ENROL_CREDENTIAL);
    must(bcemr_write_pop(&possession, &pop, NULL));
    (void)model_need(e->answer,
                     book_holds(m->signatures, "cred",
                                bcemr_span_of(m->authority.b, sizeof m->authority.b),
                                bcemr_buf_span(&cred), entry->credential),
                     LEDGER_R_ENROL_CREDENTIAL);
    (void)model_need(e->answer,
                     book_holds(m->signatures, "pop", entry->x, bcemr_buf_span(&pop),
                                bcemr_span_of(entry->pops.p, 48)) &&
                         book_holds(m->signatures, "ed", possession.a, bcemr_buf_span(&pop),
                                    bcemr_span_of(entry->pops.p + 48, 64)),
                     LEDGER_R_ENROL_POP);
    bcemr_buf_free(&cred);
    bcemr_buf_free(&pop);
}

static void check_reader(const model *m, model_entry *e, const bcemr_tr_e_enrol *entry)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    const bcemr_tr_pop_reader pop = {m->ledger, entry->doctor, entry->a, entry->box};
    must(bcemr_write_pop_reader(&pop, &message, NULL));
    (void)model_need(e->answer,
                     book_holds(m->signatures, "ed", bcemr_span_of(entry->a.b, sizeof entry->a.b),
                                bcemr_buf_span(&message), entry->pops),
                     LEDGER_R_ENROL_POP);
    bcemr_buf_free(&message);
}

static void put_enrolment(model *m, const model_entry *e, model_enrolment *last)
{
    model_enrolment *now = model_allocate(m, sizeof *now);
    bcemr_span keys[ENROL_KEYS];
    must(bcemr_read_e_enrol(model_keep(m, e->parts.entry), &now->entry, NULL));
    *now = (model_enrolment){.entry = now->entry,
                             .hash = e->parts.entry_hash,
                             .status = BCEMR_enrolment_status_ACTIVE,
                             .leaf = m->size,
                             .touched = true};
    enrol_keys(&now->entry, keys);
    for (int i = 0; i < ENROL_KEYS; i++)
        if (keys[i].n > 0)
            model_mark(m, LEDGER_KEYS, keys[i], (bcemr_span){0});
    if (last && last->status == BCEMR_enrolment_status_ACTIVE) {
        last->status = BCEMR_enrolment_status_REPLACED;
        last->ended = m->size;
        last->touched = true;
    }
    const bcemr_hash name = model_name("doctor", now->entry.doctor, (bcemr_span){0});
    if (!model_map_put(&m->by_id, &name, m->enrolment_count))
        *model_map_find(&m->by_id, &name) = m->enrolment_count;
    m->enrolments = realloc(m->enrolments, (m->enrolment_count + 1) * sizeof(model_enrolment *));
    if (!m->enrolments)
        abort();
    m->enrolments[m->enrolment_count++] = now;
    model_add_row(m, "finds", "Enrol",
                  now->entry.kind == BCEMR_enrol_kind_DOCTOR ? now->entry.x : keys[1]);
}

void model_enrol(model *m, model_entry *e)
{
    bcemr_tr_e_enrol entry;
    must(bcemr_read_e_enrol(e->parts.entry, &entry, NULL));
    bool doctor = entry.kind == BCEMR_enrol_kind_DOCTOR;
    model_enrolment *last = model_enrolment_of(m, entry.doctor);
    if (!check_fields(e, &entry))
        return;
    (void)model_need(e->answer, entry.not_before < entry.not_after, LEDGER_R_ENROL_VALIDITY);
    (void)model_need(e->answer,
                     !model_marked(m, LEDGER_SUPERNODES, entry.doctor, (bcemr_span){0}, NULL),
                     LEDGER_R_ENROL_ID_USED);
    (void)model_need(e->answer, !last || last->entry.kind == entry.kind, LEDGER_R_ENROL_KIND);
    check_keys(m, e, &entry);
    if (doctor) {
        doctor_rows(m, e, &entry, last);
        check_doctor(m, e, &entry);
    } else {
        reader_rows(m, e, last);
        check_reader(m, e, &entry);
    }
    if (e->answer->count == 0)
        put_enrolment(m, e, last);
}

void model_retire(model *m, model_entry *e)
{
    static const char *const roles[] = {"authority"};
    bcemr_tr_e_retire retire;
    must(bcemr_read_e_retire(e->parts.entry, &retire, NULL));
    model_enrolment *last = model_enrolment_of(m, retire.doctor);
    if (!model_rows(e, roles, 1))
        return;
    model_row_bls(m, e, 0, &m->authority, LEDGER_R_AUTHORITY_SIGNATURE);
    bool active = last && last->status == BCEMR_enrolment_status_ACTIVE;
    if (active) {
        const bcemr_span a = bcemr_span_of(last->entry.a.b, sizeof last->entry.a.b);
        bool doctor = last->entry.kind == BCEMR_enrol_kind_DOCTOR;
        active = bcemr_span_equal(retire.key, doctor ? last->entry.x : a);
    }
    (void)model_need(e->answer, active, LEDGER_R_RETIRE_NOT_ACTIVE);
    if (e->answer->count > 0 || !last)
        return;
    last->status = BCEMR_enrolment_status_RETIRED;
    last->ended = m->size;
    last->touched = true;
    model_mark(m, LEDGER_STOPPED, bcemr_text("Retire"), retire.key);
    model_add_row(m, "stops", "Retire", retire.key);
}
