/* SPDX-License-Identifier: Apache-2.0 */
/* Admit, Amend, Sign, Reissue, Abort: sections 3 and 4 of the protocol. */
#include "support/model/model.h"

#include "support/consortium.h"

#include <stdlib.h>
#include <string.h>

static bcemr_span hash_span(const bcemr_hash *hash)
{
    return bcemr_span_of(hash->b, sizeof hash->b);
}

model_visit *model_visit_of(const model *m, const bcemr_hash *vid)
{
    const bcemr_hash name = model_name("vid", hash_span(vid), (bcemr_span){0});
    const uint64_t *found = model_map_find(&m->by_id, &name);
    return found ? m->visits[*found] : NULL;
}

/* The visit that an entry speaks of, open; NULL and a reason otherwise. */
static model_visit *open_visit(const model *m, model_entry *e, const bcemr_hash *vid)
{
    model_visit *visit = model_visit_of(m, vid);
    if (!model_need(e->answer, visit != NULL, LEDGER_R_VISIT_UNKNOWN))
        return NULL;
    (void)model_need(e->answer, visit->status == BCEMR_visit_status_OPEN, LEDGER_R_VISIT_NOT_OPEN);
    return visit;
}

/* The entry becomes a leaf of the visit's case body. */
static void add_leaf(model *m, const model_entry *e, model_visit *visit)
{
    bcemr_buf leaf = BCEMR_BUF_EMPTY;
    must(bcemr_leaf_make(e->signed_entry, m->next_height, m->next_tau, &leaf, NULL));
    visit->leaves = realloc(visit->leaves, (visit->leaf_count + 1) * sizeof(bcemr_span));
    if (!visit->leaves)
        abort();
    visit->leaves[visit->leaf_count++] = model_keep(m, bcemr_buf_span(&leaf));
    visit->touched = true;
    model_mark(m, LEDGER_VISIT_LEAVES, hash_span(&visit->vid),
               bcemr_span_of(&m->size, sizeof m->size));
    bcemr_buf_free(&leaf);
}

/* ---- the team ---- */

/* Doctors who come now: keys as enrolled and active, deadlines ascending and ahead. */
static uint64_t read_team(const model *m, model_entry *e, const bcemr_list *list, int64_t issued,
                          bcemr_tr_team_doctor team[MODEL_TEAM])
{
    uint64_t count = 0;
    int64_t last = issued > m->next_tau ? issued : m->next_tau;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_team_doctor, list);
    bcemr_tr_team_doctor doctor;
    while (bcemr_list_next(&iter, &doctor)) {
        const model_enrolment *now = model_enrolment_of(m, doctor.doctor);
        bool active = now && now->status == BCEMR_enrolment_status_ACTIVE &&
                      now->entry.kind == BCEMR_enrol_kind_DOCTOR &&
                      memcmp(now->entry.x.p, doctor.x.b, 96) == 0 &&
                      memcmp(now->entry.e.p, doctor.e.b, 32) == 0;
        (void)model_need(e->answer, active, LEDGER_R_TEAM_NOT_ACTIVE);
        (void)model_need(e->answer, doctor.deadline > last, LEDGER_R_TEAM_DEADLINES);
        last = doctor.deadline;
        team[count++] = doctor;
    }
    return count;
}

static void no_doctor_twice(model_entry *e, const bcemr_tr_team_doctor *team, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        for (uint64_t k = 0; k < i; k++)
            (void)model_need(e->answer, !bcemr_span_equal(team[i].doctor, team[k].doctor),
                             LEDGER_R_TEAM_REPEATED);
}

/* ---- Admit ---- */

static void check_clouds(const model *m, model_entry *e, const bcemr_tr_visit *v)
{
    bcemr_span clouds[16], cloud;
    uint64_t count = 0;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &v->clouds);
    while (bcemr_list_next(&iter, &cloud)) {
        bool right = model_find(m, BCEMR_role_CLOUD, cloud) != NULL;
        for (uint64_t i = 0; i < count; i++)
            right = right && !bcemr_span_equal(clouds[i], cloud);
        (void)model_need(e->answer, right, LEDGER_R_ADMIT_CLOUDS);
        clouds[count++] = cloud;
    }
    (void)model_need(e->answer, v->u >= 1 && v->u <= count, LEDGER_R_ADMIT_U);
}

static void check_patient(const model *m, model_entry *e, const bcemr_tr_e_admit *admit,
                          const bcemr_tr_visit *v, const bcemr_hash *vid)
{
    const bcemr_span pkv = bcemr_span_of(v->pkv.b, sizeof v->pkv.b);
    const bcemr_span av = bcemr_span_of(v->av.b, sizeof v->av.b);
    const bcemr_tr_accept accept = {*vid};
    bcemr_g1 point;
    bcemr_tr_acceptance acc;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    (void)model_need(e->answer,
                     !model_marked(m, LEDGER_KEYS, pkv, (bcemr_span){0}, NULL) &&
                         !model_marked(m, LEDGER_KEYS, av, (bcemr_span){0}, NULL),
                     LEDGER_R_ADMIT_KEY_USED);
    (void)model_need(e->answer, bcemr_g1_decode(&v->pkv, &point) == BCEMR_OK && model_key_ed(av),
                     LEDGER_R_KEY_ENCODING);
    must(bcemr_read_acceptance(admit->acceptance, &acc, NULL));
    must(bcemr_write_accept(&accept, &message, NULL));
    (void)model_need(e->answer,
                     book_holds(m->signatures, "ed", av, bcemr_buf_span(&message),
                                bcemr_span_of(acc.signature.b, sizeof acc.signature.b)),
                     LEDGER_R_ADMIT_ACCEPTANCE);
    (void)model_need(e->answer,
                     book_holds(m->signatures, "pok", pkv, bcemr_buf_span(&message),
                                bcemr_span_of(&acc.proof, sizeof acc.proof)),
                     LEDGER_R_ADMIT_PROOF);
    bcemr_buf_free(&message);
}

static void put_visit(model *m, const model_entry *e, const bcemr_tr_e_admit *admit,
                      const bcemr_hash *vid)
{
    model_visit *visit = model_allocate(m, sizeof *visit);
    *visit = (model_visit){
        .vid = *vid, .order = *vid, .status = BCEMR_visit_status_OPEN, .leaf = m->size};
    must(bcemr_read_visit(model_keep(m, admit->visit), &visit->v, NULL));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_team_doctor, &visit->v.team);
    while (bcemr_list_next(&iter, &visit->team[visit->count]))
        visit->count++;
    m->visits = realloc(m->visits, (m->visit_count + 1) * sizeof(model_visit *));
    if (!m->visits)
        abort();
    const bcemr_hash name = model_name("vid", hash_span(vid), (bcemr_span){0});
    (void)model_map_put(&m->by_id, &name, m->visit_count);
    m->visits[m->visit_count++] = visit;
    const bcemr_span pkv = bcemr_span_of(visit->v.pkv.b, sizeof visit->v.pkv.b);
    model_mark(m, LEDGER_KEYS, pkv, (bcemr_span){0});
    model_mark(m, LEDGER_KEYS, bcemr_span_of(visit->v.av.b, sizeof visit->v.av.b), (bcemr_span){0});
    model_add_row(m, "finds", "Admit", pkv);
    add_leaf(m, e, visit);
}

void model_admit(model *m, model_entry *e)
{
    bcemr_tr_e_admit admit;
    bcemr_tr_visit v;
    bcemr_tr_team_doctor team[MODEL_TEAM];
    bcemr_hash vid;
    must(bcemr_read_e_admit(e->parts.entry, &admit, NULL));
    must(bcemr_read_visit(admit.visit, &v, NULL));
    bcemr_sha256(admit.visit, &vid);
    if (!model_rows(e, NULL, 0))
        return;
    (void)model_need(e->answer, memcmp(&v.ledger, &m->ledger, 32) == 0,
                     LEDGER_R_ADMIT_VISIT_LEDGER);
    (void)model_need(e->answer, !model_visit_of(m, &vid), LEDGER_R_ADMIT_KNOWN);
    (void)model_need(e->answer, v.reissues == model_params_now(m)->reissues,
                     LEDGER_R_ADMIT_REISSUES);
    check_clouds(m, e, &v);
    uint64_t count = read_team(m, e, &v.team, v.issued, team);
    no_doctor_twice(e, team, count);
    check_patient(m, e, &admit, &v, &vid);
    const model_member *hospital = model_find(m, BCEMR_role_HOSPITAL, v.hospital);
    if (model_need(e->answer, hospital != NULL, LEDGER_R_NOT_A_HOSPITAL))
        (void)model_need(e->answer,
                         book_holds(m->signatures, "ed", bcemr_span_of(hospital->row.a.b, 32),
                                    admit.visit,
                                    bcemr_span_of(admit.signature.b, sizeof admit.signature.b)),
                         LEDGER_R_ADMIT_SIGNATURE);
    if (e->answer->count == 0)
        put_visit(m, e, &admit, &vid);
}

/* ---- Amend ---- */

void model_amend(model *m, model_entry *e)
{
    bcemr_tr_e_amend entry;
    bcemr_tr_amend amend;
    bcemr_tr_team_doctor order[2 * MODEL_TEAM];
    must(bcemr_read_e_amend(e->parts.entry, &entry, NULL));
    must(bcemr_read_amend(entry.amend, &amend, NULL));
    if (!model_rows(e, NULL, 0))
        return;
    model_visit *visit = open_visit(m, e, &amend.vid);
    if (!visit)
        return;
    (void)model_need(e->answer, amend.number == visit->amendments + 1, LEDGER_R_AMEND_NUMBER);
    (void)model_need(e->answer, memcmp(&amend.previous, &visit->order, 32) == 0,
                     LEDGER_R_AMEND_PREVIOUS);
    (void)model_need(e->answer, amend.signed_count == visit->signed_count, LEDGER_R_AMEND_SIGNED);
    memcpy(order, visit->team, visit->signed_count * sizeof order[0]);
    uint64_t count = visit->signed_count +
                     read_team(m, e, &amend.tail, amend.issued, order + visit->signed_count);
    (void)model_need(e->answer, count <= MODEL_TEAM, LEDGER_R_AMEND_TOO_MANY);
    no_doctor_twice(e, order, count);
    const model_member *hospital = model_find(m, BCEMR_role_HOSPITAL, visit->v.hospital);
    if (model_need(e->answer, hospital != NULL, LEDGER_R_NOT_A_HOSPITAL))
        (void)model_need(e->answer,
                         book_holds(m->signatures, "ed", bcemr_span_of(hospital->row.a.b, 32),
                                    entry.amend,
                                    bcemr_span_of(entry.signature.b, sizeof entry.signature.b)),
                         LEDGER_R_AMEND_SIGNATURE);
    if (e->answer->count > 0)
        return;
    must(bcemr_read_amend(model_keep(m, entry.amend), &amend, NULL));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_team_doctor, &amend.tail);
    for (visit->count = visit->signed_count; bcemr_list_next(&iter, &visit->team[visit->count]);)
        visit->count++;
    visit->amendments++;
    bcemr_sha256(entry.amend, &visit->order);
    add_leaf(m, e, visit);
}

/* ---- Sign ---- */

void model_context(const model_visit *visit, const bcemr_tr_e_sign *sign, bcemr_tr_sign *out)
{
    const bcemr_tr_team_doctor *doctor = &visit->team[sign->i - 1];
    *out = (bcemr_tr_sign){.order = visit->order,
                           .i = sign->i,
                           .k = sign->k,
                           .doctor = doctor->doctor,
                           .x = doctor->x,
                           .time = sign->time,
                           .previous = sign->i > 1 ? visit->signs[sign->i - 2].hash : visit->vid,
                           .commitment = sign->commitment,
                           .svk = sign->svk};
}

/* May this place sign now, and as which version? */
static bool check_place(const model_visit *visit, model_entry *e, const bcemr_tr_e_sign *sign)
{
    if (!model_need(e->answer, sign->i <= visit->signed_count + 1 && sign->i <= visit->count,
                    LEDGER_R_SIGN_PLACE) ||
        !model_need(e->answer, sign->i >= visit->signed_count, LEDGER_R_SIGNED_AFTER))
        return false;
    bool again = sign->i == visit->signed_count;
    (void)model_need(e->answer, !again || visit->pending, LEDGER_R_SIGN_NOT_ASKED);
    uint64_t k = again ? visit->signs[sign->i - 1].k + 1 : 0;
    (void)model_need(e->answer, sign->k == k, LEDGER_R_SIGN_VERSION);
    return true;
}

static void check_time(const model *m, const model_visit *visit, model_entry *e,
                       const bcemr_tr_e_sign *sign)
{
    int64_t apart = m->next_tau - sign->time;
    (void)model_need(e->answer,
                     (apart < 0 ? -apart : apart) <= (int64_t)model_params_now(m)->clock_difference,
                     LEDGER_R_SIGN_CLOCK);
    (void)model_need(e->answer, sign->time <= visit->team[sign->i - 1].deadline,
                     LEDGER_R_SIGN_DEADLINE);
    (void)model_need(e->answer, sign->i == 1 || sign->time > visit->signs[sign->i - 2].time,
                     LEDGER_R_SIGN_TIME_ORDER);
}

static void check_signer(const model *m, const model_visit *visit, model_entry *e,
                         const bcemr_tr_e_sign *sign)
{
    const bcemr_tr_team_doctor *doctor = &visit->team[sign->i - 1];
    const model_enrolment *now = model_enrolment_of(m, doctor->doctor);
    bool active = now && now->status == BCEMR_enrolment_status_ACTIVE &&
                  now->entry.kind == BCEMR_enrol_kind_DOCTOR &&
                  memcmp(now->entry.x.p, doctor->x.b, 96) == 0;
    if (model_need(e->answer, active, LEDGER_R_SIGN_ENROLMENT))
        (void)model_need(
            e->answer, now->entry.not_before <= m->next_tau && m->next_tau <= now->entry.not_after,
            LEDGER_R_SIGN_VALIDITY);
    bcemr_tr_sign context;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    model_context(visit, sign, &context);
    must(bcemr_write_sign(&context, &bytes, NULL));
    (void)model_need(e->answer,
                     book_holds(m->signatures, "bls", bcemr_span_of(doctor->x.b, 96),
                                bcemr_buf_span(&bytes),
                                bcemr_span_of(sign->delta.b, sizeof sign->delta.b)),
                     LEDGER_R_SIGN_DELTA);
    bcemr_buf_free(&bytes);
}

static void put_sign(model *m, model_visit *visit, const bcemr_tr_e_sign *sign)
{
    bcemr_tr_sign context;
    model_sign *now = &visit->signs[sign->i - 1];
    const bcemr_hash name = model_name("doctor", visit->team[sign->i - 1].doctor, (bcemr_span){0});
    model_context(visit, sign, &context);
    *now = (model_sign){.k = sign->k,
                        .a = sign->a,
                        .enrolment = *model_map_find(&m->by_id, &name),
                        .leaf = m->size,
                        .time = sign->time,
                        .delta = sign->delta,
                        .svk = model_keep(m, sign->svk)};
    must(bcemr_hash_value(&bcemr_type_sign, &context, &now->hash, NULL));
    visit->signed_count = sign->i;
    visit->pending = false;
}

void model_sign_entry(model *m, model_entry *e)
{
    bcemr_tr_e_sign sign;
    must(bcemr_read_e_sign(e->parts.entry, &sign, NULL));
    if (!model_rows(e, NULL, 0))
        return;
    model_visit *visit = open_visit(m, e, &sign.vid);
    if (!visit)
        return;
    (void)model_need(e->answer, sign.a == visit->amendments, LEDGER_R_SIGN_ORDER_IN_FORCE);
    if (!check_place(visit, e, &sign))
        return;
    (void)model_need(e->answer, (sign.svk.n > 0) == (sign.i == visit->count), LEDGER_R_SIGN_SVK);
    if (sign.svk.n > 0)
        (void)model_need(e->answer, model_key_ed(sign.svk), LEDGER_R_KEY_ENCODING);
    check_time(m, visit, e, &sign);
    check_signer(m, visit, e, &sign);
    if (e->answer->count > 0)
        return;
    put_sign(m, visit, &sign);
    add_leaf(m, e, visit);
}

/* ---- Reissue, Abort ---- */

static void by_hospital(const model *m, const model_visit *visit, model_entry *e, uint32_t reason)
{
    const model_member *hospital = model_find(m, BCEMR_role_HOSPITAL, visit->v.hospital);
    (void)model_need(e->answer, bcemr_span_equal(e->rows[0].who, visit->v.hospital), reason);
    if (model_need(e->answer, hospital != NULL, LEDGER_R_NOT_A_HOSPITAL))
        model_row_ed(m, e, 0, &hospital->row.a, LEDGER_R_SUPERNODE_SIGNATURE);
}

/* The next of the order asks; for the last one the hospital does. */
static void check_asker(const model *m, const model_visit *visit, model_entry *e, uint64_t i)
{
    if (i >= visit->count) {
        (void)model_need(e->answer, bcemr_span_equal(e->rows[0].role, bcemr_text("hospital")),
                         LEDGER_R_REISSUE_ASKER);
        by_hospital(m, visit, e, LEDGER_R_REISSUE_ASKER);
        return;
    }
    const bcemr_tr_team_doctor *next = &visit->team[i];
    const model_enrolment *now = model_enrolment_of(m, next->doctor);
    (void)model_need(e->answer,
                     bcemr_span_equal(e->rows[0].role, bcemr_text("doctor")) &&
                         bcemr_span_equal(e->rows[0].who, next->doctor),
                     LEDGER_R_REISSUE_ASKER);
    bool active = now && now->status == BCEMR_enrolment_status_ACTIVE &&
                  now->entry.kind == BCEMR_enrol_kind_DOCTOR &&
                  memcmp(now->entry.x.p, next->x.b, 96) == 0;
    if (model_need(e->answer, active, LEDGER_R_TEAM_NOT_ACTIVE))
        model_row_ed(m, e, 0, &now->entry.a, LEDGER_R_DOCTOR_SIGNATURE);
}

void model_reissue(model *m, model_entry *e)
{
    bcemr_tr_e_reissue reissue;
    must(bcemr_read_e_reissue(e->parts.entry, &reissue, NULL));
    bool rows = e->row_count == 1 && e->rows[0].signature.n == 64 && e->rows[0].who.n > 0 &&
                (bcemr_span_equal(e->rows[0].role, bcemr_text("doctor")) ||
                 bcemr_span_equal(e->rows[0].role, bcemr_text("hospital")));
    if (!model_need(e->answer, rows, LEDGER_R_SIGNER_ROWS))
        return;
    model_visit *visit = open_visit(m, e, &reissue.vid);
    if (!visit || !model_need(e->answer, reissue.i == visit->signed_count, LEDGER_R_REISSUE_PLACE))
        return;
    const model_sign *sign = &visit->signs[reissue.i - 1];
    (void)model_need(e->answer, reissue.k == sign->k, LEDGER_R_REISSUE_VERSION);
    (void)model_need(e->answer, !visit->pending, LEDGER_R_REISSUE_PENDING);
    (void)model_need(e->answer, reissue.k < visit->v.reissues, LEDGER_R_REISSUE_LIMIT);
    (void)model_need(e->answer, m->next_tau <= visit->team[reissue.i - 1].deadline,
                     LEDGER_R_REISSUE_DEADLINE);
    check_asker(m, visit, e, reissue.i);
    if (e->answer->count > 0)
        return;
    visit->pending = true;
    add_leaf(m, e, visit);
}

void model_abort(model *m, model_entry *e)
{
    static const char *const roles[] = {"hospital"};
    bcemr_tr_e_abort entry;
    must(bcemr_read_e_abort(e->parts.entry, &entry, NULL));
    if (!model_rows(e, roles, 1))
        return;
    model_visit *visit = open_visit(m, e, &entry.vid);
    if (!visit)
        return;
    by_hospital(m, visit, e, LEDGER_R_SIGNER_ROWS);
    if (e->answer->count > 0)
        return;
    visit->status = BCEMR_visit_status_ABORTED;
    add_leaf(m, e, visit);
}
