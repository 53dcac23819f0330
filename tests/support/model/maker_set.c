/* SPDX-License-Identifier: Apache-2.0 */
/* Entries about supernodes and enrolments. */
#include "support/model/maker.h"

#include <stdio.h>
#include <string.h>

#define NOTHING ((bcemr_span){0})

static bcemr_span kept_text(maker *mk, const char *kind, uint64_t number)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%s-%llu", kind, (unsigned long long)number);
    return model_keep(mk->m, bcemr_text(text));
}

static maker_key *new_key(maker *mk, const char *whose)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s/%llu", whose, (unsigned long long)mk->serial++);
    return maker_key_named(mk->pool, name);
}

/* ---- votes ---- */

/* Members picked by chance until they are more than two thirds; one is left out if few. */
static uint64_t votes_of(maker *mk, uint64_t without, bool few)
{
    uint64_t n = mk->m->set.count, of = n - (without < n), votes = 0, count = 0;
    while (count < of && (3 * count <= 2 * of || (without < n && count < 2))) {
        uint64_t at = maker_draw(mk, n);
        if (at == without || (votes >> at & 1))
            continue;
        votes |= (uint64_t)1 << at;
        count++;
    }
    return few ? votes & (votes - 1) : votes;
}

static void change_rows(maker *mk, draft *d, uint64_t without)
{
    d->rows[0] = (maker_row){.role = "authority", .by = maker_key_named(mk->pool, "authority")};
    d->rows[1] = (maker_row){.role = "set", .votes = votes_of(mk, without, d->fault == 3)};
    d->row_count = 2;
}

static void number_and_hash(maker *mk, draft *d, uint64_t *number, bcemr_hash *hash)
{
    *number = mk->m->set.number + 1;
    *hash = mk->m->set.hash;
    if (d->fault == 1)
        *number = maker_chance(mk, 50) && *number > 1 ? *number - 1 : *number + 1;
    if (d->fault == 2)
        hash->b[maker_draw(mk, 32)] ^= 1;
}

/* ---- members ---- */

static void fill_member(const maker_key *key, bcemr_tr_member *row)
{
    row->x = key->publics.x;
    row->a = key->publics.a;
    row->e = row->box = NOTHING;
    if (row->role != BCEMR_role_HOSPITAL)
        return;
    row->e = bcemr_span_of(key->publics.e.b, sizeof key->publics.e.b);
    row->box = bcemr_span_of(key->publics.box.b, sizeof key->publics.box.b);
}

static void spoil_member(maker *mk, draft *d, bcemr_tr_member *row)
{
    static const uint8_t small[32] = {1};
    const maker_key *other = maker_other_key(mk);
    switch (d->fault) {
    case 4:
        row->id = maker_chance(mk, 50) ? bcemr_text("cloud-1") : bcemr_text("doctor-0");
        break;
    case 5: /* keys that someone has, or that look like another's of another kind */
        if (maker_chance(mk, 33))
            row->x = other->publics.x;
        else if (maker_chance(mk, 50))
            row->a = other->publics.a;
        else if (row->box.n > 0)
            row->box = bcemr_span_of(other->publics.e.b, 32);
        break;
    case 6:
        row->box = row->box.n > 0 ? NOTHING : bcemr_span_of(other->publics.box.b, 32);
        break;
    case 7:
        if (maker_chance(mk, 50))
            memcpy(row->a.b, small, 32);
        else
            row->x.b[95] ^= 1;
        break;
    case 8:
        row->box = row->e;
        break;
    case 9:
        row->x = mk->m->authority;
        break;
    case 10:
        row->tls = mk->m->set.members[maker_draw(mk, mk->m->set.count)].row.tls;
        break;
    case 11:
        row->consensus =
            maker_chance(mk, 50) ? bcemr_span_of(small, 32) : bcemr_span_of(other->publics.a.b, 32);
        break;
    default:
        break;
    }
}

static uint64_t count_role(const maker *mk, bcemr_role role)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < mk->m->set.count; i++)
        n += mk->m->set.members[i].row.role == role;
    return n;
}

bool maker_join(maker *mk, draft *d)
{
    bcemr_tr_e_join join = {.ledger = mk->m->ledger};
    bcemr_tr_member row = {.role = maker_chance(mk, 40) ? BCEMR_role_HOSPITAL : BCEMR_role_CLOUD};
    maker_fault(mk, d, 11);
    if (mk->m->set.count >= 7 && d->fault == 0)
        return false;
    row.id =
        kept_text(mk, row.role == BCEMR_role_HOSPITAL ? "hospital" : "cloud", 10 + mk->nodes++);
    const maker_key *key = new_key(mk, "node");
    const bcemr_hash tls = model_name("tls", row.id, NOTHING);
    row.tls = tls;
    if (maker_chance(mk, 30)) {
        const maker_key *consensus = new_key(mk, "consensus");
        row.consensus = bcemr_span_of(consensus->publics.a.b, 32);
    }
    fill_member(key, &row);
    spoil_member(mk, d, &row);
    number_and_hash(mk, d, &join.number, &join.before);
    join.member = maker_hold(d, 0, &bcemr_type_member, &row);
    change_rows(mk, d, BCEMR_SET_MAX);
    d->rows[d->row_count++] = (maker_row){.role = "pop", .who = row.id, .by = key, .member = &row};
    maker_finish(mk, d, &join);
    return true;
}

bool maker_leave(maker *mk, draft *d)
{
    bcemr_tr_e_leave leave = {.ledger = mk->m->ledger};
    const model_set *set = &mk->m->set;
    maker_fault(mk, d, 5);
    uint64_t place = maker_draw(mk, set->count);
    bcemr_tr_member row = set->members[place].row;
    if (d->fault == 0 && (count_role(mk, (bcemr_role)row.role) <= 2 && maker_chance(mk, 80)))
        return false;
    /* Its own row with one field that is not its own, or someone who is out. */
    if (d->fault == 4)
        row.tls.b[0] ^= 1;
    number_and_hash(mk, d, &leave.number, &leave.before);
    leave.member = maker_hold(d, 0, &bcemr_type_member, &row);
    change_rows(mk, d, place);
    if (d->fault == 5)
        d->rows[1].votes |= (uint64_t)1 << place;
    maker_finish(mk, d, &leave);
    return true;
}

bool maker_rekey(maker *mk, draft *d)
{
    bcemr_tr_e_rekey rekey = {.ledger = mk->m->ledger};
    const model_set *set = &mk->m->set;
    maker_fault(mk, d, 15);
    rekey.place = maker_draw(mk, set->count);
    bcemr_tr_member row = set->members[rekey.place].row;
    const maker_key *old = maker_key_of(mk, bcemr_span_of(row.a.b, 32)), *key = old;
    if (maker_chance(mk, 70)) { /* else it keeps its keys, and has another TLS key at most */
        key = new_key(mk, "node");
        fill_member(key, &row);
    }
    if (key != old || maker_chance(mk, 50))
        bcemr_sha256(bcemr_span_of(&mk->serial, sizeof mk->serial), &row.tls);
    spoil_member(mk, d, &row);
    rekey.lost = maker_chance(mk, 40) ? BCEMR_yes_no_YES : BCEMR_yes_no_NO;
    number_and_hash(mk, d, &rekey.number, &rekey.before);
    uint64_t without = rekey.place;
    if (d->fault == 12)
        rekey.place = maker_draw(mk, set->count + 2);
    if (d->fault == 13)
        row.role = row.role == BCEMR_role_CLOUD ? BCEMR_role_HOSPITAL : BCEMR_role_CLOUD;
    rekey.member = maker_hold(d, 0, &bcemr_type_member, &row);
    change_rows(mk, d, without);
    if (d->fault == 14)
        d->rows[1].votes |= (uint64_t)1 << without;
    d->rows[d->row_count++] = (maker_row){.role = "pop", .who = row.id, .by = key, .member = &row};
    if (rekey.lost == BCEMR_yes_no_NO)
        d->rows[d->row_count++] = (maker_row){
            .role = bcemr_role_name(row.role), .who = row.id, .by = d->fault == 15 ? key : old};
    maker_finish(mk, d, &rekey);
    return true;
}

/* ---- Upgrade ---- */

static void fill_parameters(maker *mk, bcemr_tr_e_upgrade *upgrade, bcemr_tr_quotas *quotas)
{
    static const uint64_t retentions[] = {0, 3600000, 60000, INT64_MAX, 3600001};
    static const uint64_t differences[] = {120000, 1000, 60000, 120000};
    upgrade->reissues = maker_draw(mk, 4);
    upgrade->clock_difference = differences[maker_draw(mk, 4)];
    upgrade->retention = retentions[maker_draw(mk, 5)];
    *quotas =
        (bcemr_tr_quotas){1 + maker_draw(mk, 4), 1 + maker_draw(mk, 4), 1 + maker_draw(mk, 2)};
}

bool maker_upgrade(maker *mk, draft *d)
{
    const model *m = mk->m;
    bcemr_tr_quotas quotas;
    bcemr_tr_thresholds thresholds = {1, 1, {0}};
    const model_params *last = &m->params[m->params_count - 1];
    bcemr_tr_e_upgrade upgrade = {.ledger = m->ledger, .rules = last->rules + 1};
    if (m->params_count > 60)
        return false;
    maker_fault(mk, d, 6);
    number_and_hash(mk, d, &upgrade.number, &upgrade.set);
    upgrade.number -= d->fault == 1 ? 0 : 1;
    fill_parameters(mk, &upgrade, &quotas);
    upgrade.height = last->height > m->next_height ? last->height : m->next_height;
    upgrade.height += mk->calm ? 1000000 : 1 + maker_draw(mk, 5);
    if (d->fault == 4)
        upgrade.height = maker_chance(mk, 50) || last->height == 0 ? m->next_height : last->height;
    if (d->fault == 5)
        upgrade.rules = maker_chance(mk, 50) || last->rules < 2 ? last->rules + 2 : last->rules;
    if (d->fault == 6)
        thresholds = (bcemr_tr_thresholds){2, 1, {0}};
    upgrade.quotas = maker_hold(d, 0, &bcemr_type_quotas, &quotas);
    upgrade.thresholds = maker_hold(d, 1, &bcemr_type_thresholds, &thresholds);
    change_rows(mk, d, BCEMR_SET_MAX);
    maker_finish(mk, d, &upgrade);
    return true;
}

/* ---- Enrol ---- */

typedef struct enrolment {
    bcemr_tr_e_enrol entry;
    const maker_key *key, *by, *possessor;
    const model_enrolment *last;
    bcemr_g1_raw credential;
    bcemr_buf pops;
} enrolment;

static void sign_credential(maker *mk, draft *d, enrolment *e)
{
    bcemr_tr_cred cred = {.ledger = mk->m->ledger,
                          .doctor = e->entry.doctor,
                          .hospital = e->entry.hospital,
                          .a = e->entry.a,
                          .box = e->entry.box,
                          .not_before = e->entry.not_before,
                          .not_after = e->entry.not_after};
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    memcpy(cred.x.b, e->key->publics.x.b, 96);
    memcpy(cred.e.b, e->key->publics.e.b, 32);
    if (d->fault == 10) /* for one hour more */
        cred.not_after += 3600000;
    must(bcemr_credential_make(&e->by->secrets.x, &cred, &e->credential, NULL));
    must(bcemr_write_cred(&cred, &bytes, NULL));
    book_write(&mk->pool->signatures, "cred", bcemr_span_of(e->by->publics.x.b, 96),
               bcemr_buf_span(&bytes), bcemr_span_of(e->credential.b, 48));
    e->entry.credential = bcemr_span_of(e->credential.b, 48);
    bcemr_buf_free(&bytes);
}

static void prove_possession(maker *mk, enrolment *e)
{
    const bcemr_tr_pop pop = {.ledger = mk->m->ledger,
                              .role = bcemr_text("doctor"),
                              .id = e->entry.doctor,
                              .x = e->key->publics.x,
                              .a = bcemr_span_of(e->entry.a.b, 32),
                              .e = e->entry.e,
                              .box = bcemr_span_of(e->entry.box.b, 32)};
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    const maker_key *by = e->possessor;
    must(bcemr_pop_make(&by->secrets.x, &by->secrets.a, &pop, &e->pops, NULL));
    must(bcemr_write_pop(&pop, &bytes, NULL));
    book_write(&mk->pool->signatures, "pop", bcemr_span_of(by->publics.x.b, 96),
               bcemr_buf_span(&bytes), bcemr_span_of(e->pops.p, 48));
    book_write(&mk->pool->signatures, "ed", bcemr_span_of(by->publics.a.b, 32),
               bcemr_buf_span(&bytes), bcemr_span_of(e->pops.p + 48, 64));
    e->entry.pops = bcemr_buf_span(&e->pops);
    bcemr_buf_free(&bytes);
}

/* A new ID, one that is active, or one that was retired. */
static void choose_id(maker *mk, enrolment *e)
{
    if (mk->doctors >= 4 && maker_chance(mk, mk->doctors < 14 ? 60 : 95))
        e->last = maker_doctor(mk, maker_chance(mk, 30));
    if (e->last) {
        e->entry.doctor = e->last->entry.doctor;
        e->last = model_enrolment_of(mk->m, e->entry.doctor);
    } else {
        e->entry.doctor = kept_text(mk, "doctor", mk->doctors++);
    }
}

static void spoil_enrolment(maker *mk, draft *d, enrolment *e)
{
    static const uint8_t small[32] = {1};
    const maker_key *other = maker_other_key(mk);
    const model_member *member = maker_member(mk, BCEMR_role_CLOUD);
    switch (d->fault) {
    case 1:
        e->entry.not_before = e->entry.not_after + (int64_t)maker_draw(mk, 2);
        break;
    case 2:
        e->entry.doctor = maker_chance(mk, 50) ? bcemr_text("cloud-2") : bcemr_text("reader-0");
        break;
    case 3: /* a key that another has, or that stands twice here */
        if (maker_chance(mk, 50))
            e->entry.box = e->key->publics.e;
        else
            e->entry.a = other->publics.a;
        break;
    case 4:
        e->entry.hospital = member && maker_chance(mk, 50) ? member->row.id : bcemr_text("nobody");
        break;
    case 5:
        e->by = other;
        break;
    case 6:
        e->possessor = other;
        break;
    case 7:
        memcpy(e->entry.a.b, small, 32);
        break;
    case 8:
        e->entry.e = NOTHING;
        break;
    case 9:
        e->key = other;
        break;
    default:
        break;
    }
}

static void enrol_rows(maker *mk, draft *d, const enrolment *e)
{
    const model_member *hospital = model_find(mk->m, BCEMR_role_HOSPITAL, e->entry.hospital);
    const model_member *any = &mk->m->set.members[maker_draw(mk, mk->m->set.count)];
    d->rows[0] = (maker_row){.role = "hospital", .who = e->entry.hospital};
    d->rows[0].by =
        hospital ? maker_key_of(mk, bcemr_span_of(hospital->row.a.b, 32)) : maker_other_key(mk);
    d->row_count = 1;
    if (!e->last)
        return;
    const model_member *first = model_find(mk->m, BCEMR_role_HOSPITAL, e->last->entry.hospital);
    if (e->last->status == BCEMR_enrolment_status_ACTIVE && d->fault != 11) {
        d->rows[1] = (maker_row){.role = "doctor", .who = e->entry.doctor};
        d->rows[1].by = maker_key_of(mk, bcemr_span_of(e->last->entry.a.b, 32));
    } else {
        if (first && first != hospital && d->fault != 12)
            any = first;
        d->rows[1] = (maker_row){.role = bcemr_role_name(any->row.role), .who = any->row.id};
        d->rows[1].by = maker_key_of(mk, bcemr_span_of(any->row.a.b, 32));
    }
    d->row_count = 2;
}

bool maker_enrol(maker *mk, draft *d)
{
    enrolment e = {.pops = BCEMR_BUF_EMPTY};
    const model_member *hospital = maker_member(mk, BCEMR_role_HOSPITAL);
    if (!hospital)
        return false;
    maker_fault(mk, d, 12);
    choose_id(mk, &e);
    /* A renewal ends what the doctor has begun: not too many. */
    if (e.last && e.last->status == BCEMR_enrolment_status_ACTIVE && maker_chance(mk, 75))
        return false;
    e.key = e.possessor = new_key(mk, "doctor");
    e.by = maker_key_named(mk->pool, "authority");
    e.entry = (bcemr_tr_e_enrol){.ledger = mk->m->ledger,
                                 .kind = BCEMR_enrol_kind_DOCTOR,
                                 .doctor = e.entry.doctor,
                                 .hospital = hospital->row.id,
                                 .a = e.key->publics.a,
                                 .box = e.key->publics.box};
    const int64_t tau = mk->m->next_tau;
    e.entry.not_before =
        mk->calm || maker_chance(mk, 85) ? 0 : tau + (int64_t)maker_draw(mk, 3) * 60000;
    e.entry.not_after =
        tau + (int64_t)(maker_chance(mk, 75) ? 30000 : 1 + maker_draw(mk, 60)) * 120000;
    if (e.last && maker_chance(mk, 60))
        e.entry.hospital = e.last->entry.hospital;
    e.entry.e = bcemr_span_of(e.key->publics.e.b, 32);
    spoil_enrolment(mk, d, &e);
    e.entry.x = bcemr_span_of(e.key->publics.x.b, 96);
    sign_credential(mk, d, &e);
    prove_possession(mk, &e);
    enrol_rows(mk, d, &e);
    maker_finish(mk, d, &e.entry);
    bcemr_buf_free(&e.pops);
    return true;
}

bool maker_enrol_reader(maker *mk, draft *d)
{
    maker_fault(mk, d, 4);
    const maker_key *key = new_key(mk, "reader");
    bcemr_ed_signature signature;
    bool again = mk->readers > 0 && maker_chance(mk, 60);
    bcemr_tr_e_enrol entry = {
        .ledger = mk->m->ledger,
        .kind = BCEMR_enrol_kind_READER,
        .doctor = kept_text(mk, "reader", again ? maker_draw(mk, mk->readers) : mk->readers++),
        .a = key->publics.a,
        .box = key->publics.box,
        .not_after = mk->m->next_tau + 3600000};
    if (d->fault == 1)
        entry.doctor = bcemr_text("doctor-0");
    if (d->fault == 2)
        entry.hospital = bcemr_text("hospital-1");
    if (d->fault == 3)
        memcpy(entry.box.b, key->publics.a.b, 32);
    const bcemr_tr_pop_reader pop = {entry.ledger, entry.doctor, entry.a, entry.box};
    maker_ed_value(mk, &(d->fault == 4 ? maker_other_key(mk) : key)->secrets.a,
                   &bcemr_type_pop_reader, &pop, &signature);
    entry.pops = bcemr_span_of(signature.b, sizeof signature.b);
    const model_enrolment *last = model_enrolment_of(mk->m, entry.doctor);
    d->rows[0] = (maker_row){.role = "authority", .by = maker_key_named(mk->pool, "authority")};
    d->row_count = 1;
    if (last && last->status == BCEMR_enrolment_status_ACTIVE)
        d->rows[d->row_count++] =
            (maker_row){.role = "reader",
                        .who = entry.doctor,
                        .by = maker_key_of(mk, bcemr_span_of(last->entry.a.b, 32))};
    maker_finish(mk, d, &entry);
    return true;
}

bool maker_retire(maker *mk, draft *d)
{
    const model *m = mk->m;
    if (m->enrolment_count < 6)
        return false;
    maker_fault(mk, d, 3);
    const model_enrolment *last = m->enrolments[maker_draw(mk, m->enrolment_count)];
    const model_enrolment *other = m->enrolments[maker_draw(mk, m->enrolment_count)];
    bool doctor = last->entry.kind == BCEMR_enrol_kind_DOCTOR;
    bcemr_tr_e_retire retire = {.ledger = m->ledger,
                                .doctor = last->entry.doctor,
                                .key = doctor ? last->entry.x : bcemr_span_of(last->entry.a.b, 32)};
    if (d->fault == 1)
        retire.key = bcemr_span_of(other->entry.a.b, 32);
    if (d->fault == 2)
        retire.doctor = other->entry.doctor;
    if (d->fault == 3)
        retire.key = bcemr_span_of(last->entry.a.b, 32); /* a doctor's is X */
    d->rows[0] = (maker_row){.role = "authority", .by = maker_key_named(mk->pool, "authority")};
    d->row_count = 1;
    maker_finish(mk, d, &retire);
    return true;
}
