/* SPDX-License-Identifier: Apache-2.0 */
/* Entries about a visit. */
#include "support/model/maker.h"

#include <stdlib.h>
#include <string.h>

#define NOTHING ((bcemr_span){0})
#define HOUR ((int64_t)3600000)

static const maker_key *hospital_key(maker *mk, bcemr_span id)
{
    const model_member *member = model_find(mk->m, BCEMR_role_HOSPITAL, id);
    return member ? maker_key_of(mk, bcemr_span_of(member->row.a.b, 32)) : maker_other_key(mk);
}

/* ---- teams ---- */

/* Up to count active doctors who are not among the first signed ones; how many. */
static uint64_t choose_team(maker *mk, const bcemr_tr_team_doctor *before, uint64_t before_count,
                            uint64_t count, bcemr_tr_team_doctor *out)
{
    uint64_t n = 0;
    int64_t deadline = mk->m->next_tau;
    for (uint64_t tries = 0; n < count && tries < 24; tries++) {
        const model_enrolment *doctor = maker_doctor(mk, true);
        if (!doctor)
            return n;
        bool valid = doctor->entry.not_before <= mk->m->next_tau &&
                     mk->m->next_tau <= doctor->entry.not_after;
        bool there = !valid && maker_chance(mk, 90);
        for (uint64_t i = 0; i < before_count + n; i++)
            there = there || bcemr_span_equal(i < before_count ? before[i].doctor
                                                               : out[i - before_count].doctor,
                                              doctor->entry.doctor);
        if (there)
            continue;
        deadline += 1 + (int64_t)maker_draw(mk, maker_chance(mk, 12) ? 100000 : 4 * HOUR);
        out[n] = (bcemr_tr_team_doctor){.doctor = doctor->entry.doctor, .deadline = deadline};
        memcpy(out[n].x.b, doctor->entry.x.p, 96);
        memcpy(out[n].e.b, doctor->entry.e.p, 32);
        n++;
    }
    return n;
}

/* fault: 1 twice, 2 no longer enrolled, 3 another's key, 4 and 5 deadlines. */
static void spoil_team(maker *mk, uint64_t fault, const bcemr_tr_team_doctor *before,
                       bcemr_tr_team_doctor *team, uint64_t count)
{
    const model_enrolment *gone = maker_doctor(mk, false);
    bcemr_tr_team_doctor *one = &team[maker_draw(mk, count)];
    int64_t deadline = one->deadline;
    switch (fault) {
    case 1:
        if (before || count > 1)
            *one = before ? *before : team[(uint64_t)(one - team + 1) % count];
        one->deadline = deadline;
        break;
    case 2:
        if (!gone)
            break;
        one->doctor = gone->entry.doctor;
        memcpy(one->x.b, gone->entry.x.p, 96);
        memcpy(one->e.b, gone->entry.e.p, 32);
        break;
    case 3:
        if (maker_chance(mk, 50))
            one->e = maker_other_key(mk)->publics.e;
        else
            one->x = maker_other_key(mk)->publics.x;
        break;
    case 4:
        team[0].deadline = mk->m->next_tau - (int64_t)maker_draw(mk, 2);
        break;
    case 5:
        if (count > 1)
            team[count - 1].deadline = team[count - 2].deadline;
        break;
    default:
        break;
    }
}

/* ---- Admit ---- */

static uint64_t choose_clouds(maker *mk, bcemr_span clouds[16])
{
    const model_set *set = &mk->m->set;
    uint64_t n = 0, most = 1 + maker_draw(mk, 3);
    for (uint64_t i = 0, at = maker_draw(mk, set->count); i < set->count && n < most; i++) {
        const bcemr_tr_member *row = &set->members[(at + i) % set->count].row;
        if (row->role == BCEMR_role_CLOUD)
            clouds[n++] = row->id;
    }
    return n;
}

static bcemr_visit_keys *new_patient(maker *mk)
{
    bcemr_seed seed = {{'p'}};
    mk->patients = realloc(mk->patients, (mk->patient_count + 1) * sizeof *mk->patients);
    if (!mk->patients)
        abort();
    must(bcemr_visit_keys_derive(&seed, &mk->m->ledger, mk->patient_count,
                                 &mk->patients[mk->patient_count]));
    return &mk->patients[mk->patient_count++];
}

/* Keys of another visit, or of someone enrolled: all who hold them agree. */
static void used_keys(maker *mk, bcemr_visit_keys *patient)
{
    const model_visit *other = maker_visit(mk, BCEMR_visit_status_OPEN);
    const bcemr_visit_keys *had = other ? maker_patient(mk, &other->vid) : NULL;
    if (had && maker_chance(mk, 50)) {
        patient->xv = had->xv;
        patient->pkv = had->pkv;
    } else if (had && maker_chance(mk, 50)) {
        patient->av = had->av;
        patient->av_public = had->av_public;
    } else {
        const maker_key *key = maker_other_key(mk);
        patient->av = key->secrets.a;
        patient->av_public = key->publics.a;
    }
}

static void accept(maker *mk, draft *d, const bcemr_visit_keys *patient, const bcemr_hash *vid,
                   bcemr_tr_e_admit *admit)
{
    bcemr_tr_acceptance acceptance;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_hash of = *vid;
    if (d->fault == 14) /* of another visit */
        of.b[0] ^= 1;
    const bcemr_tr_accept value = {of};
    must(bcemr_acceptance_make(patient, &of, &acceptance, NULL));
    must(bcemr_write_accept(&value, &message, NULL));
    book_write(&mk->pool->signatures, "ed", bcemr_span_of(patient->av_public.b, 32),
               bcemr_buf_span(&message), bcemr_span_of(acceptance.signature.b, 64));
    book_write(&mk->pool->signatures, "pok", bcemr_span_of(patient->pkv.b, 48),
               bcemr_buf_span(&message), bcemr_span_of(&acceptance.proof, sizeof acceptance.proof));
    if (d->fault == 15)
        acceptance.signature.b[maker_draw(mk, 64)] ^= 1;
    if (d->fault == 16)
        acceptance.proof.response.b[maker_draw(mk, 31)] ^= 1;
    admit->acceptance = maker_hold(d, 1, &bcemr_type_acceptance, &acceptance);
    bcemr_buf_free(&message);
}

static void spoil_visit(maker *mk, draft *d, bcemr_tr_visit *v, bcemr_span *clouds)
{
    const uint64_t clouds_count = v->clouds.count;
    switch (d->fault) {
    case 6:
        v->ledger.b[0] ^= 1;
        break;
    case 7:
        if (clouds_count > 1 && maker_chance(mk, 50))
            clouds[1] = clouds[0];
        else
            clouds[0] = bcemr_text(maker_chance(mk, 50) ? "hospital-2" : "cloud-99");
        break;
    case 8:
        v->u = clouds_count + 1;
        break;
    case 9:
        v->reissues += maker_chance(mk, 50) || v->reissues == 0 ? 1 : -(uint64_t)1;
        break;
    case 11:
        v->hospital = bcemr_text(maker_chance(mk, 50) ? "cloud-1" : "hospital-99");
        break;
    case 12:
        v->issued += 3 * HOUR;
        break;
    case 13:
        if (maker_chance(mk, 50))
            v->pkv.b[47] ^= 1;
        else
            v->av = (bcemr_ed_raw){{1}};
        break;
    default:
        break;
    }
}

/* Of those that are mostly spoken of. */
static uint64_t going_on(const maker *mk)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < mk->m->visit_count && i < 16; i++) {
        const model_visit *visit = mk->m->visits[mk->m->visit_count - 1 - i];
        n += visit->status == BCEMR_visit_status_OPEN && maker_goes_on(mk, visit);
    }
    return n;
}

bool maker_admit(maker *mk, draft *d)
{
    const model_member *hospital = maker_member(mk, BCEMR_role_HOSPITAL);
    bcemr_span clouds[16];
    bcemr_tr_team_doctor team[4];
    bcemr_hash vid;
    if (going_on(mk) >= 6 && maker_chance(mk, 90))
        return false;
    maker_fault(mk, d, 17);
    uint64_t cloud_count = choose_clouds(mk, clouds);
    uint64_t count = choose_team(mk, NULL, 0, 1 + maker_draw(mk, 4), team);
    if (!hospital || cloud_count == 0 || count == 0)
        return false;
    bcemr_visit_keys *patient = new_patient(mk);
    if (d->fault == 10)
        used_keys(mk, patient);
    bcemr_tr_visit v = {.ledger = mk->m->ledger,
                        .hospital = hospital->row.id,
                        .clouds = BCEMR_LIST_OF(clouds, cloud_count),
                        .u = 1 + maker_draw(mk, cloud_count),
                        .pkv = patient->pkv,
                        .av = patient->av_public,
                        .team = BCEMR_LIST_OF(team, count),
                        .reissues = model_params_now(mk->m)->reissues,
                        .issued = mk->m->next_tau - (int64_t)maker_draw(mk, 1000)};
    spoil_team(mk, d->fault, NULL, team, count);
    spoil_visit(mk, d, &v, clouds);
    bcemr_tr_e_admit admit = {.ledger = mk->m->ledger,
                              .visit = maker_hold(d, 0, &bcemr_type_visit, &v)};
    bcemr_sha256(admit.visit, &vid);
    (void)model_map_put(&mk->patient_of, &vid, mk->patient_count - 1);
    accept(mk, d, patient, &vid, &admit);
    const maker_key *key = d->fault == 17 ? maker_other_key(mk) : hospital_key(mk, v.hospital);
    maker_ed(mk, &key->secrets.a, admit.visit, &admit.signature);
    maker_finish(mk, d, &admit);
    return true;
}

/* ---- Amend ---- */

bool maker_amend(maker *mk, draft *d)
{
    const model_visit *visit = maker_visit(mk, BCEMR_visit_status_OPEN);
    bcemr_tr_team_doctor tail[4];
    if (!visit)
        return false;
    /* Not too often, or nothing is ever signed: those whose time is over, and a few others. */
    if (maker_chance(mk, maker_goes_on(mk, visit)              ? 85
                         : visit->signed_count == visit->count ? 80
                                                               : 0))
        return false;
    maker_fault(mk, d, 10);
    uint64_t count = choose_team(mk, visit->team, visit->signed_count, 1 + maker_draw(mk, 3), tail);
    if (count == 0)
        return false;
    spoil_team(mk, d->fault, visit->signed_count > 0 ? visit->team : NULL, tail, count);
    bcemr_tr_amend amend = {.vid = visit->vid,
                            .number = visit->amendments + 1,
                            .previous = visit->order,
                            .signed_count = visit->signed_count,
                            .tail = BCEMR_LIST_OF(tail, count),
                            .issued = mk->m->next_tau};
    if (d->fault == 6)
        amend.number =
            maker_chance(mk, 50) && amend.number > 1 ? amend.number - 1 : amend.number + 1;
    if (d->fault == 7)
        amend.previous.b[0] ^= 1;
    if (d->fault == 8)
        amend.signed_count = maker_chance(mk, 50) && amend.signed_count > 0
                                 ? amend.signed_count - 1
                                 : amend.signed_count + 1;
    if (d->fault == 9)
        amend.issued += 5 * HOUR;
    if (amend.number > 64)
        return false;
    bcemr_tr_e_amend entry = {.ledger = mk->m->ledger,
                              .amend = maker_hold(d, 0, &bcemr_type_amend, &amend)};
    const maker_key *key =
        d->fault == 10 ? maker_other_key(mk) : hospital_key(mk, visit->v.hospital);
    maker_ed(mk, &key->secrets.a, entry.amend, &entry.signature);
    maker_finish(mk, d, &entry);
    return true;
}

/* ---- Sign ---- */

/* An open visit, rather one of which want holds. */
static const model_visit *rather(maker *mk, bool (*want)(const maker *, const model_visit *))
{
    const model_visit *visit = NULL;
    for (int tries = 0; tries < 8; tries++) {
        visit = maker_visit(mk, BCEMR_visit_status_OPEN);
        if (visit && visit->status == BCEMR_visit_status_OPEN && want(mk, visit))
            return visit;
    }
    return visit;
}

static bool some_signed(const maker *mk, const model_visit *visit)
{
    (void)mk;
    return visit->signed_count > 0 && !visit->pending;
}

static bool all_signed(const maker *mk, const model_visit *visit)
{
    (void)mk;
    return visit->signed_count == visit->count;
}

static int64_t wrong_time(maker *mk, const model_visit *visit, const bcemr_tr_e_sign *sign)
{
    const int64_t tau = mk->m->next_tau;
    const int64_t apart = (int64_t)model_params_now(mk->m)->clock_difference;
    switch (maker_draw(mk, 5)) {
    case 0:
        return tau + apart + (int64_t)maker_draw(mk, 2);
    case 1:
        return tau - apart - (int64_t)maker_draw(mk, 2);
    case 2:
        return visit->team[sign->i - 1].deadline + (int64_t)maker_draw(mk, 2);
    case 3:
        return sign->i > 1 ? visit->signs[sign->i - 2].time : tau - 1;
    default:
        return tau + (int64_t)maker_draw(mk, 200000) - 100000;
    }
}

static void spoil_sign(maker *mk, const draft *d, const model_visit *visit, bcemr_tr_e_sign *sign)
{
    static const uint8_t small[32] = {1};
    switch (d->fault) {
    case 1: /* skipped, repeated, long past */
        sign->i = 1 + maker_draw(mk, visit->count + 1);
        break;
    case 2:
        sign->k = maker_draw(mk, 4);
        break;
    case 3:
        sign->a = maker_chance(mk, 50) && sign->a > 0 ? sign->a - 1 : sign->a + 1;
        break;
    case 4:
        sign->svk = sign->svk.n > 0 ? NOTHING : bcemr_span_of(visit->v.av.b, 32);
        break;
    case 5:
        if (sign->svk.n > 0)
            sign->svk = bcemr_span_of(small, 32);
        break;
    case 6:
    case 7:
    case 8:
        sign->time = wrong_time(mk, visit, sign);
        break;
    default:
        break;
    }
}

/* delta over what the ledger will build, or over something near it. */
static void sign_context(maker *mk, const draft *d, const model_visit *visit, bcemr_tr_e_sign *sign)
{
    bcemr_tr_sign context;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    bcemr_tr_e_sign in_order = *sign;
    if (in_order.i > visit->count)
        in_order.i = visit->count;
    model_context(visit, &in_order, &context);
    if (d->fault == 9)
        context.order = visit->vid;
    if (d->fault == 10)
        context.previous.b[0] ^= 1;
    if (d->fault == 11)
        context.commitment.b[0] ^= 1;
    const maker_key *key = maker_key_of(mk, bcemr_span_of(context.x.b, 96));
    if (d->fault == 12 || !key)
        key = maker_other_key(mk);
    must(bcemr_write_sign(&context, &bytes, NULL));
    maker_bls(mk, key, bcemr_buf_span(&bytes), &sign->delta);
    if (d->fault == 13)
        sign->delta.b[maker_draw(mk, 48)] ^= (uint8_t)(1u << maker_draw(mk, 8));
    bcemr_buf_free(&bytes);
}

bool maker_sign(maker *mk, draft *d)
{
    const model_visit *visit = rather(mk, maker_goes_on);
    bcemr_ed_secret ssk;
    bcemr_ed_raw svk;
    if (!visit)
        return false;
    /* What can only be late is posted now and then. */
    if (!maker_goes_on(mk, visit) && maker_chance(mk, 92))
        return false;
    maker_fault(mk, d, 13);
    bool again = visit->signed_count > 0 &&
                 (visit->signed_count == visit->count || (visit->pending && maker_chance(mk, 60)));
    bcemr_tr_e_sign sign = {.ledger = mk->m->ledger,
                            .vid = visit->vid,
                            .i = visit->signed_count + !again,
                            .a = visit->amendments};
    if (again)
        sign.k = visit->signs[sign.i - 1].k + 1;
    sign.time = mk->m->next_tau;
    if (sign.i > 1 && sign.time <= visit->signs[sign.i - 2].time)
        sign.time = visit->signs[sign.i - 2].time + 1;
    bcemr_store_u64(sign.commitment.b, mk->serial++);
    if (sign.i == visit->count) {
        bcemr_ed_from_seed(sign.commitment.b, &ssk, &svk);
        sign.svk = bcemr_span_of(svk.b, sizeof svk.b);
    }
    spoil_sign(mk, d, visit, &sign);
    sign_context(mk, d, visit, &sign);
    maker_finish(mk, d, &sign);
    return true;
}

/* ---- Reissue, Abort ---- */

bool maker_reissue(maker *mk, draft *d)
{
    const model_visit *visit = rather(mk, some_signed);
    if (!visit || (visit->signed_count == 0 && maker_chance(mk, 90)) ||
        (visit->pending && maker_chance(mk, 70)))
        return false;
    maker_fault(mk, d, 4);
    bcemr_tr_e_reissue reissue = {mk->m->ledger, visit->vid, visit->signed_count, 0,
                                  BCEMR_reissue_reason_OTHER};
    if (reissue.i == 0)
        reissue.i = 1;
    reissue.k = visit->signed_count > 0 ? visit->signs[reissue.i - 1].k : 0;
    if (d->fault == 1)
        reissue.i = 1 + maker_draw(mk, visit->count);
    if (d->fault == 2)
        reissue.k = maker_draw(mk, 4);
    bool hospital = (reissue.i >= visit->count) != (d->fault == 3);
    uint64_t next = reissue.i < visit->count ? reissue.i : 0;
    if (d->fault == 4)
        next = maker_draw(mk, visit->count);
    const bcemr_tr_team_doctor *doctor = &visit->team[next];
    d->rows[0] = hospital ? (maker_row){.role = "hospital",
                                        .who = visit->v.hospital,
                                        .by = hospital_key(mk, visit->v.hospital)}
                          : (maker_row){.role = "doctor",
                                        .who = doctor->doctor,
                                        .by = maker_key_of(mk, bcemr_span_of(doctor->x.b, 96))};
    if (!d->rows[0].by)
        d->rows[0].by = maker_other_key(mk);
    d->row_count = 1;
    maker_finish(mk, d, &reissue);
    return true;
}

bool maker_abort(maker *mk, draft *d)
{
    const model_visit *visit = maker_visit(mk, BCEMR_visit_status_OPEN);
    if (!visit)
        return false;
    maker_fault(mk, d, 1);
    const bcemr_tr_e_abort entry = {mk->m->ledger, visit->vid, BCEMR_abort_reason_OTHER};
    d->rows[0] = (maker_row){
        .role = "hospital", .who = visit->v.hospital, .by = hospital_key(mk, visit->v.hospital)};
    if (d->fault == 1) {
        d->rows[0].who = bcemr_text("hospital-2");
        d->rows[0].by = hospital_key(mk, d->rows[0].who);
    }
    d->row_count = 1;
    maker_finish(mk, d, &entry);
    return true;
}

/* ---- Seal ---- */

/* Bit 0 the hospital, then V's clouds: as many as must of those that are in the set, or more. */
static uint64_t choose_confirmers(maker *mk, const draft *d, const model_visit *visit)
{
    uint64_t bits = 1, present = 0, at = 0, n = 0;
    bcemr_span cloud;
    bool in[17] = {false};
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &visit->v.clouds);
    while (bcemr_list_next(&iter, &cloud))
        present += in[++at] = model_find(mk->m, BCEMR_role_CLOUD, cloud) != NULL;
    uint64_t least = visit->v.u < present ? visit->v.u : present;
    least = least > 0 ? least : 1;
    for (uint64_t i = 1; i <= at && n < least; i++)
        if (in[i]) {
            bits |= (uint64_t)1 << i;
            n++;
        }
    for (uint64_t i = 1; i <= at; i++)
        if (in[i] && maker_chance(mk, 40))
            bits |= (uint64_t)1 << i;
    if (d->fault == 1)
        bits &= ~(uint64_t)1;
    if (d->fault == 2) /* one too few, most of the time */
        for (uint64_t i = 16; i > 0; i--)
            if (bits >> i & 1) {
                bits &= ~((uint64_t)1 << i);
                break;
            }
    if (d->fault == 3) /* one that may have left */
        bits |= (uint64_t)1 << (1 + maker_draw(mk, at));
    return bits;
}

static void fill_case(maker *mk, const draft *d, const model_visit *visit, bcemr_tr_case *c)
{
    *c = (bcemr_tr_case){.vid = visit->vid, .order = visit->order, .length = 1000};
    bcemr_store_u64(c->root.b, mk->serial++);
    c->sigma = visit->v.pkv; /* some point */
    c->svk = visit->v.av;
    if (visit->signed_count > 0) {
        const model_sign *last = &visit->signs[visit->signed_count - 1];
        c->last_context = last->hash;
        model_sigma(mk->m, visit, &c->sigma);
        if (last->svk.n > 0)
            memcpy(c->svk.b, last->svk.p, 32);
    }
    if (d->fault == 4)
        c->order.b[0] ^= 1;
    if (d->fault == 5)
        c->last_context.b[0] ^= 1;
    if (d->fault == 6)
        c->svk.b[0] ^= 1;
    if (d->fault == 7)
        c->sigma = visit->v.pkv;
}

static void join_case(maker *mk, const draft *d, const model_visit *visit, bcemr_span bitmap,
                      bcemr_tr_e_seal *seal)
{
    const maker_key *places[17];
    uint64_t count = 1;
    bcemr_span cloud;
    places[0] = hospital_key(mk, visit->v.hospital);
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &visit->v.clouds);
    while (bcemr_list_next(&iter, &cloud)) {
        const model_member *member = model_find(mk->m, BCEMR_role_CLOUD, cloud);
        places[count++] =
            member ? maker_key_of(mk, bcemr_span_of(member->row.a.b, 32)) : maker_other_key(mk);
    }
    if (d->fault == 8)
        places[0] = maker_other_key(mk);
    maker_joint(mk, places, count, bitmap, seal->record_case, &seal->signature);
    if (d->fault == 9)
        seal->signature.b[maker_draw(mk, 48)] ^= 1;
}

bool maker_seal(maker *mk, draft *d)
{
    const model_visit *visit = rather(mk, all_signed);
    bcemr_tr_case c;
    uint8_t bitmap[8] = {0};
    if (!visit || visit->signed_count == 0)
        return false;
    if ((visit->signed_count < visit->count || visit->pending) && maker_chance(mk, 90))
        return false;
    maker_fault(mk, d, 10);
    fill_case(mk, d, visit, &c);
    uint64_t bits = choose_confirmers(mk, d, visit);
    for (uint64_t i = 0; i < 17; i++)
        if (bits >> i & 1)
            bcemr_bitmap_set(bitmap, i);
    uint64_t n = bcemr_bitmap_size(1 + visit->v.clouds.count);
    bcemr_tr_e_seal seal = {.ledger = mk->m->ledger,
                            .record_case = maker_hold(d, 0, &bcemr_type_case, &c),
                            .confirmers = bcemr_span_of(bitmap, n)};
    join_case(mk, d, visit, seal.confirmers, &seal);
    if (d->fault == 10) { /* a spare bit, or a byte too many */
        if (maker_chance(mk, 50))
            bitmap[0] |= 0x80;
        else
            seal.confirmers.n = n + 1;
    }
    maker_finish(mk, d, &seal);
    return true;
}

/* ---- Confirm ---- */

static void let_host(maker *mk, draft *d, const model_visit *visit, bcemr_tr_e_confirm *confirm,
                     bcemr_ed_signature *signature)
{
    const bcemr_visit_keys *patient = maker_patient(mk, &visit->vid);
    bcemr_tr_host host = {mk->m->ledger, visit->vid, confirm->cloud};
    confirm->host_by = maker_chance(mk, 50) ? BCEMR_asker_PATIENT : BCEMR_asker_HOSPITAL;
    const bcemr_ed_secret *secret = confirm->host_by == BCEMR_asker_PATIENT && patient
                                        ? &patient->av
                                        : &hospital_key(mk, visit->v.hospital)->secrets.a;
    if (d->fault == 3)
        secret = &maker_other_key(mk)->secrets.a;
    if (d->fault == 4)
        host.cloud = bcemr_text("cloud-2");
    maker_ed_value(mk, secret, &bcemr_type_host, &host, signature);
    confirm->host = bcemr_span_of(signature->b, sizeof signature->b);
}

bool maker_confirm(maker *mk, draft *d)
{
    const model_visit *visit = maker_visit(mk, BCEMR_visit_status_SEALED);
    const model_member *cloud = maker_member(mk, BCEMR_role_CLOUD);
    bcemr_ed_signature signature;
    bool named = false;
    bcemr_span each;
    if (!visit || !cloud || (visit->record_case.n == 0 && maker_chance(mk, 90)))
        return false;
    maker_fault(mk, d, 7);
    const maker_key *key = maker_key_of(mk, bcemr_span_of(cloud->row.a.b, 32));
    bcemr_tr_e_confirm confirm = {
        .ledger = mk->m->ledger, .vid = visit->vid, .cloud = cloud->row.id};
    if (d->fault == 1)
        confirm.cloud = bcemr_text(maker_chance(mk, 50) ? "hospital-1" : "cloud-99");
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &visit->v.clouds);
    while (bcemr_list_next(&iter, &each))
        named = named || bcemr_span_equal(each, confirm.cloud);
    if (named == (d->fault == 2))
        let_host(mk, d, visit, &confirm, &signature);
    if (d->fault == 5)
        key = maker_other_key(mk);
    bcemr_span message = visit->record_case.n > 0 ? visit->record_case : bcemr_text("no case");
    maker_bls(mk, key, message, &confirm.signature);
    if (d->fault == 6)
        confirm.signature.b[maker_draw(mk, 48)] ^= 1;
    if (d->fault == 7)
        confirm.host = NOTHING;
    maker_finish(mk, d, &confirm);
    return true;
}
