/* SPDX-License-Identifier: Apache-2.0 */
/* Chance, keys, signatures, rows, and which entry comes next. */
#include "support/model/maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t maker_draw(maker *mk, uint64_t below)
{
    uint64_t z = mk->random += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return below > 0 ? z % below : 0;
}

/* ---- keys ---- */

static void add_key(maker_pool *pool, maker_key *key)
{
    const bcemr_hash a = model_name("key", bcemr_span_of(key->publics.a.b, 32), (bcemr_span){0});
    const bcemr_hash x = model_name("key", bcemr_span_of(key->publics.x.b, 96), (bcemr_span){0});
    pool->keys = realloc(pool->keys, (pool->key_count + 1) * sizeof(maker_key *));
    if (!pool->keys)
        abort();
    (void)model_map_put(&pool->by_key, &a, pool->key_count);
    (void)model_map_put(&pool->by_key, &x, pool->key_count);
    pool->keys[pool->key_count++] = key;
}

maker_key *maker_key_named(maker_pool *pool, const char *name)
{
    const bcemr_hash hash = model_name("name", bcemr_text(name), (bcemr_span){0});
    const uint64_t *found = model_map_find(&pool->named, &hash);
    if (found)
        return pool->keys[*found];
    maker_key *key = calloc(1, sizeof *key);
    if (!key)
        abort();
    consortium_keys(name, &key->secrets, &key->publics);
    (void)model_map_put(&pool->named, &hash, pool->key_count);
    add_key(pool, key);
    return key;
}

maker_key *maker_key_of(const maker *mk, bcemr_span publics)
{
    const bcemr_hash name = model_name("key", publics, (bcemr_span){0});
    const uint64_t *found = model_map_find(&mk->pool->by_key, &name);
    return found ? mk->pool->keys[*found] : NULL;
}

const maker_key *maker_other_key(maker *mk)
{
    return mk->pool->keys[maker_draw(mk, mk->pool->key_count)];
}

const bcemr_visit_keys *maker_patient(const maker *mk, const bcemr_hash *vid)
{
    const uint64_t *found = model_map_find(&mk->patient_of, vid);
    return found ? &mk->patients[*found] : NULL;
}

/* ---- signatures, each written into the book ---- */

void maker_ed(maker *mk, const bcemr_ed_secret *secret, bcemr_span message, bcemr_ed_signature *out)
{
    bcemr_ed_raw key;
    bcemr_ed_public_of(secret, &key);
    bcemr_ed_sign(secret, message, out);
    book_write(&mk->pool->signatures, "ed", bcemr_span_of(key.b, sizeof key.b), message,
               bcemr_span_of(out->b, sizeof out->b));
}

void maker_ed_value(maker *mk, const bcemr_ed_secret *secret, const bcemr_type *type,
                    const void *value, bcemr_ed_signature *out)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    must(bcemr_write(type, value, &message, NULL));
    maker_ed(mk, secret, bcemr_buf_span(&message), out);
    bcemr_buf_free(&message);
}

void maker_bls(maker *mk, const maker_key *key, bcemr_span message, bcemr_g1_raw *out)
{
    must(bcemr_bls_sign(&key->secrets.x, BCEMR_PURPOSE_SIG, message, out));
    book_write(&mk->pool->signatures, "bls", bcemr_span_of(key->publics.x.b, 96), message,
               bcemr_span_of(out->b, sizeof out->b));
}

void maker_joint(maker *mk, const maker_key *const *places, uint64_t count, bcemr_span bitmap,
                 bcemr_span message, bcemr_g1_raw *out)
{
    bcemr_g1_raw signatures[BCEMR_SET_MAX];
    bcemr_g2_raw xs[BCEMR_SET_MAX];
    uint8_t keys[BCEMR_SET_MAX * 96];
    uint64_t n = 0;
    for (uint64_t i = 0; i < count; i++) {
        xs[i] = places[i]->publics.x;
        if (!bcemr_bitmap_get(bitmap, i))
            continue;
        memcpy(keys + 96 * n, xs[i].b, 96);
        maker_bls(mk, places[i], message, &signatures[n++]);
    }
    memset(out, 0, sizeof *out);
    if (n == 0)
        return;
    must(bcemr_joint_combine(xs, count, bitmap, signatures, out, NULL));
    book_write(&mk->pool->signatures, "joint", bcemr_span_of(keys, 96 * n), message,
               bcemr_span_of(out->b, sizeof out->b));
}

static void make_pop(maker *mk, const maker_row *row, bcemr_buf *out)
{
    bcemr_tr_pop pop;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_member_pop(&mk->m->ledger, row->member, &pop);
    must(bcemr_write_pop(&pop, &message, NULL));
    must(bcemr_pop_make(&row->by->secrets.x, &row->by->secrets.a, &pop, out, NULL));
    book_write(&mk->pool->signatures, "pop", bcemr_span_of(row->by->publics.x.b, 96),
               bcemr_buf_span(&message), bcemr_span_of(out->p, 48));
    book_write(&mk->pool->signatures, "ed", bcemr_span_of(row->by->publics.a.b, 32),
               bcemr_buf_span(&message), bcemr_span_of(out->p + 48, 64));
    bcemr_buf_free(&message);
}

/* ---- rows ---- */

static void make_row(maker *mk, maker_row *row, bcemr_span entry, uint8_t bitmap[8],
                     bcemr_buf *signature)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_g1_raw bls;
    bcemr_ed_signature ed;
    must(bcemr_entry_message(row->role, entry, &message, NULL));
    if (strcmp(row->role, "pop") == 0 && row->member) {
        make_pop(mk, row, signature);
    } else if (strcmp(row->role, "authority") == 0) {
        maker_bls(mk, row->by, bcemr_buf_span(&message), &bls);
        must(bcemr_buf_append(signature, bcemr_span_of(bls.b, sizeof bls.b)));
    } else if (strcmp(row->role, "set") == 0) {
        const maker_key *places[BCEMR_SET_MAX];
        for (uint64_t i = 0; i < mk->m->set.count; i++) {
            const bcemr_tr_member *member = &mk->m->set.members[i].row;
            places[i] = maker_key_of(mk, bcemr_span_of(member->x.b, 96));
            if (row->votes >> i & 1)
                bcemr_bitmap_set(bitmap, i);
        }
        row->who = bcemr_span_of(bitmap, bcemr_bitmap_size(mk->m->set.count));
        maker_joint(mk, places, mk->m->set.count, row->who, bcemr_buf_span(&message), &bls);
        must(bcemr_buf_append(signature, bcemr_span_of(bls.b, sizeof bls.b)));
    } else {
        maker_ed(mk, &row->by->secrets.a, bcemr_buf_span(&message), &ed);
        must(bcemr_buf_append(signature, bcemr_span_of(ed.b, sizeof ed.b)));
    }
    bcemr_buf_free(&message);
}

#define ROW_FAULTS 8

/* Faults of rows before they are signed. */
static void spoil_rows(maker *mk, draft *d, uint64_t fault)
{
    static const char *const roles[] = {"hospital", "cloud", "doctor", "authority", "reader"};
    uint64_t at = maker_draw(mk, d->row_count);
    switch (fault) {
    case 1: /* signed by someone else */
        if (d->row_count > 0)
            d->rows[at].by = maker_other_key(mk);
        break;
    case 2: /* someone else's name */
        if (d->row_count > 0)
            d->rows[at].who = bcemr_text(maker_chance(mk, 50) ? "nobody" : "cloud-1");
        break;
    case 3:
        if (d->row_count > 0)
            d->row_count--;
        break;
    case 4:
        if (d->row_count < MAKER_ROWS)
            d->rows[d->row_count++] = (maker_row){.role = roles[maker_draw(mk, 5)],
                                                  .who = bcemr_text("hospital-1"),
                                                  .by = maker_other_key(mk)};
        break;
    case 5:
        if (d->row_count > 0 && strcmp(d->rows[at].role, "set") != 0)
            d->rows[at].role = roles[maker_draw(mk, 5)];
        break;
    case 6:
        if (d->row_count > 1) {
            maker_row first = d->rows[0];
            d->rows[0] = d->rows[d->row_count - 1];
            d->rows[d->row_count - 1] = first;
        }
        break;
    default:
        break;
    }
}

void maker_fault(maker *mk, draft *d, uint64_t faults)
{
    d->fault = maker_chance(mk, mk->calm ? 0 : 40) ? 1 + maker_draw(mk, faults + ROW_FAULTS) : 0;
    /* Faults of rows are the same for all: numbered from 100. */
    if (d->fault > faults)
        d->fault = 100 + d->fault - faults;
}

bcemr_span maker_hold(draft *d, uint64_t n, const bcemr_type *type, const void *value)
{
    bcemr_buf_clear(&d->held[n]);
    must(bcemr_write(type, value, &d->held[n], NULL));
    return bcemr_buf_span(&d->held[n]);
}

void maker_finish(maker *mk, draft *d, const void *value)
{
    bcemr_tr_signer signers[MAKER_ROWS];
    bcemr_buf entry = BCEMR_BUF_EMPTY, signatures[MAKER_ROWS];
    uint8_t bitmaps[MAKER_ROWS][8];
    memset(bitmaps, 0, sizeof bitmaps);
    must(bcemr_write(d->type, value, &entry, NULL));
    if (d->fault >= 100)
        spoil_rows(mk, d, d->fault - 100);
    if (d->fault == 107) { /* of another ledger, signed as such */
        const uint64_t at = 8 + bcemr_text(bcemr_type_label(d->type)).n + 8;
        entry.p[at + maker_draw(mk, 32)] ^= 1;
    }
    for (uint64_t i = 0; i < d->row_count; i++) {
        signatures[i] = BCEMR_BUF_EMPTY;
        make_row(mk, &d->rows[i], bcemr_buf_span(&entry), bitmaps[i], &signatures[i]);
        signers[i] = (bcemr_tr_signer){bcemr_text(d->rows[i].role), d->rows[i].who,
                                       bcemr_buf_span(&signatures[i])};
    }
    if (d->fault == 108 && d->row_count > 0) {
        bcemr_buf *spoilt = &signatures[maker_draw(mk, d->row_count)];
        spoilt->p[maker_draw(mk, spoilt->n)] ^= (uint8_t)(1u << maker_draw(mk, 8));
    }
    bcemr_buf_clear(d->out);
    must(bcemr_signed_make(bcemr_buf_span(&entry), signers, d->row_count, d->out, NULL));
    for (uint64_t i = 0; i < d->row_count; i++)
        bcemr_buf_free(&signatures[i]);
    bcemr_buf_free(&entry);
}

/* ---- whom and what to speak of ---- */

const model_member *maker_member(maker *mk, bcemr_role role)
{
    const model_set *set = &mk->m->set;
    for (uint64_t i = maker_draw(mk, set->count), n = 0; n < set->count; i++, n++)
        if (set->members[i % set->count].row.role == role)
            return &set->members[i % set->count];
    return NULL;
}

const model_enrolment *maker_doctor(maker *mk, bool active)
{
    const model *m = mk->m;
    for (uint64_t n = 0; n < 64 && m->enrolment_count > 0; n++) {
        const model_enrolment *e = m->enrolments[maker_draw(mk, m->enrolment_count)];
        if (e->entry.kind == BCEMR_enrol_kind_DOCTOR &&
            (e->status == BCEMR_enrolment_status_ACTIVE) == active)
            return e;
    }
    return NULL;
}

bool maker_goes_on(const maker *mk, const model_visit *visit)
{
    const int64_t tau = mk->m->next_tau;
    if (visit->signed_count == visit->count)
        return visit->pending;
    const bcemr_tr_team_doctor *next = &visit->team[visit->signed_count];
    const model_enrolment *e = model_enrolment_of(mk->m, next->doctor);
    return next->deadline >= tau && e && e->status == BCEMR_enrolment_status_ACTIVE &&
           memcmp(e->entry.x.p, next->x.b, 96) == 0 && e->entry.not_before <= tau &&
           tau <= e->entry.not_after;
}

model_visit *maker_visit(maker *mk, bcemr_visit_status status)
{
    const model *m = mk->m;
    if (m->visit_count == 0)
        return NULL;
    if (mk->turning && mk->turning->status == status && maker_chance(mk, 60))
        return mk->turning;
    uint64_t among = m->visit_count < 16 || maker_chance(mk, 4) ? m->visit_count : 16;
    model_visit *visit = NULL;
    for (uint64_t n = 0; n < 32; n++) {
        visit = m->visits[m->visit_count - 1 - maker_draw(mk, among)];
        if (visit->status == status)
            return visit;
    }
    return visit;
}

/* ---- what came before, and what was damaged ---- */

static void replace_all(bcemr_buf *in, bcemr_span what, bcemr_span by)
{
    for (uint64_t i = 0; i + what.n <= in->n; i++)
        if (memcmp(in->p + i, what.p, what.n) == 0)
            memcpy(in->p + i, by.p, what.n);
}

/* Speaks of another visit, or is of another ledger but says that it is of this one. */
static void splice(maker *mk, bcemr_buf *out)
{
    const model *m = mk->m;
    if (mk->pool->foreign_count > 0 && maker_chance(mk, 30)) {
        must(bcemr_buf_set(
            out, bcemr_buf_span(&mk->pool->foreign[maker_draw(mk, mk->pool->foreign_count)])));
        bcemr_tr_signed s;
        if (bcemr_read_signed(bcemr_buf_span(out), &s, NULL) != BCEMR_OK)
            return;
        const uint64_t at = 8 + bcemr_load_u64(s.entry.p) + 8;
        uint8_t ledger[32];
        if (s.entry.n < at + 32)
            return;
        memcpy(ledger, s.entry.p + at, 32);
        if (maker_chance(mk, 50))
            replace_all(out, bcemr_span_of(ledger, 32), bcemr_span_of(m->ledger.b, 32));
        else
            memcpy(out->p + (s.entry.p - out->p) + at, m->ledger.b, 32);
    } else if (m->visit_count > 1) {
        const model_visit *from = m->visits[maker_draw(mk, m->visit_count)];
        const model_visit *to = maker_visit(mk, BCEMR_visit_status_OPEN);
        replace_all(out, bcemr_span_of(from->vid.b, 32), bcemr_span_of(to->vid.b, 32));
    }
}

/* The signers of another entry. */
static void graft(maker *mk, bcemr_buf *out)
{
    bcemr_tr_signed one, other;
    bcemr_buf made = BCEMR_BUF_EMPTY;
    const bcemr_buf *from = &mk->past[maker_draw(mk, mk->past_count)];
    if (bcemr_read_signed(bcemr_buf_span(out), &one, NULL) != BCEMR_OK ||
        bcemr_read_signed(bcemr_buf_span(from), &other, NULL) != BCEMR_OK)
        return;
    one.signers = other.signers;
    must(bcemr_write_signed(&one, &made, NULL));
    must(bcemr_buf_set(out, bcemr_buf_span(&made)));
    bcemr_buf_free(&made);
}

/* What nobody posts: leaf 0, a case header; and what is too long to be looked at. */
static void never_posted(maker *mk, bcemr_buf *out)
{
    static const uint8_t junk[2 * BCEMR_ENTRY_MAX + 1];
    const model *m = mk->m;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    bcemr_buf_clear(out);
    switch (maker_draw(mk, 3)) {
    case 0:
        must(bcemr_buf_set(out, bcemr_buf_span(&mk->c->signed_genesis)));
        break;
    case 1: {
        const bcemr_tr_case_header header = {.height = m->cases, .previous = m->case_header};
        must(bcemr_write_case_header(&header, &entry, NULL));
        must(bcemr_signed_make(bcemr_buf_span(&entry), NULL, 0, out, NULL));
        break;
    }
    default:
        must(bcemr_buf_append(out, bcemr_span_of(junk, sizeof junk)));
    }
    bcemr_buf_free(&entry);
}

static const char *again(maker *mk, bcemr_buf *out)
{
    if (maker_chance(mk, 1)) {
        never_posted(mk, out);
        return "never posted";
    }
    uint64_t among = maker_chance(mk, 50) && mk->past_count > 40 ? 40 : mk->past_count;
    const bcemr_buf *past = &mk->past[mk->past_count - 1 - maker_draw(mk, among)];
    if (mk->pool->foreign_count > 0 && maker_chance(mk, 8)) {
        past = &mk->pool->foreign[maker_draw(mk, mk->pool->foreign_count)];
        must(bcemr_buf_set(out, bcemr_buf_span(past)));
        return "of another ledger";
    }
    must(bcemr_buf_set(out, bcemr_buf_span(past)));
    switch (maker_draw(mk, 10)) {
    case 0:
        splice(mk, out);
        return "spliced";
    case 1:
        graft(mk, out);
        return "grafted";
    case 2:
        if (out->n > 0)
            out->p[maker_draw(mk, out->n)] ^= (uint8_t)(1u << maker_draw(mk, 8));
        return "flipped";
    case 3:
        if (maker_chance(mk, 50))
            out->n = maker_draw(mk, out->n + 1);
        else
            must(bcemr_buf_append(out, bcemr_span_of("x", 1)));
        return "cut";
    default:
        return "repeated";
    }
}

/* ---- what comes next ---- */

static const struct {
    const char *name;
    const bcemr_type *type;
    uint64_t weight;
    bool (*make)(maker *mk, draft *d);
} kinds[] = {
    {"Sign", &bcemr_type_e_sign, 260, maker_sign},
    {"Reissue", &bcemr_type_e_reissue, 60, maker_reissue},
    {"Amend", &bcemr_type_e_amend, 40, maker_amend},
    {"Admit", &bcemr_type_e_admit, 45, maker_admit},
    {"Seal", &bcemr_type_e_seal, 80, maker_seal},
    {"Confirm", &bcemr_type_e_confirm, 60, maker_confirm},
    {"Abort", &bcemr_type_e_abort, 5, maker_abort},
    {"Consent", &bcemr_type_e_consent, 70, maker_consent},
    {"Revoke", &bcemr_type_e_revoke, 45, maker_revoke},
    {"Access", &bcemr_type_e_access, 60, maker_access},
    {"Erase", &bcemr_type_e_erase, 60, maker_erase},
    {"Enrol", &bcemr_type_e_enrol, 18, maker_enrol},
    {"Enrol of a reader", &bcemr_type_e_enrol, 12, maker_enrol_reader},
    {"Retire", &bcemr_type_e_retire, 6, maker_retire},
    {"Join", &bcemr_type_e_join, 5, maker_join},
    {"Leave", &bcemr_type_e_leave, 4, maker_leave},
    {"Rekey", &bcemr_type_e_rekey, 6, maker_rekey},
    {"Upgrade", &bcemr_type_e_upgrade, 4, maker_upgrade},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static uint64_t place_of(bool (*make)(maker *mk, draft *d))
{
    uint64_t i = 0;
    while (kinds[i].make != make)
        i++;
    return i;
}

static const char *make_new(maker *mk, bcemr_buf *out)
{
    uint64_t all = 0, at;
    for (uint64_t i = 0; i < KINDS; i++)
        all += kinds[i].weight;
    for (;;) {
        uint64_t i = 0;
        for (at = maker_draw(mk, all); at >= kinds[i].weight; i++)
            at -= kinds[i].weight;
        if (mk->turning && maker_chance(mk, 40)) /* what the turn is about */
            i = place_of(mk->turning->status == BCEMR_visit_status_SEALED ? maker_erase
                         : maker_chance(mk, 50)                           ? maker_sign
                                                                          : maker_reissue);
        draft d = {.type = kinds[i].type, .out = out};
        bool made = kinds[i].make(mk, &d);
        for (uint64_t n = 0; n < MAKER_HELD; n++)
            bcemr_buf_free(&d.held[n]);
        if (made)
            return kinds[i].name;
    }
}

const char *maker_next(maker *mk, bcemr_buf *out)
{
    const char *what = mk->past_count > 20 && maker_chance(mk, mk->calm ? 0 : 33)
                           ? again(mk, out)
                           : make_new(mk, out);
    mk->past = realloc(mk->past, (mk->past_count + 1) * sizeof *mk->past);
    if (!mk->past)
        abort();
    mk->past[mk->past_count] = BCEMR_BUF_EMPTY;
    must(bcemr_buf_append(&mk->past[mk->past_count++], bcemr_buf_span(out)));
    return what;
}

/* A time at which something turns for the visit, or 0: a deadline, the end of a validity or of the
 * retention. */
static int64_t turning_point(maker *mk, const model_visit *visit)
{
    const model_params *params = model_params_now(mk->m);
    if (visit->status == BCEMR_visit_status_SEALED)
        return params->retention < (uint64_t)1 << 40
                   ? visit->sealed_tau + (int64_t)params->retention
                   : 0;
    if (visit->signed_count > 0 && maker_chance(mk, 40))
        return visit->team[visit->signed_count - 1].deadline;
    if (visit->signed_count == visit->count)
        return 0;
    const bcemr_tr_team_doctor *next = &visit->team[visit->signed_count];
    return maker_chance(mk, 50) ? next->deadline
                                : model_enrolment_of(mk->m, next->doctor)->entry.not_after;
}

/* Sets the clock for a visit of which something turns soon: to the turn, just before or just after.
 */
static bool turn(maker *mk, int64_t tau, int64_t *clock)
{
    for (int tries = 0; tries < 16; tries++) {
        model_visit *visit = maker_visit(mk, maker_chance(mk, 75) ? BCEMR_visit_status_OPEN
                                                                  : BCEMR_visit_status_SEALED);
        int64_t at = visit ? turning_point(mk, visit) : 0;
        if (at <= tau + 1 || at >= tau + (maker_chance(mk, 10) ? 7200000 : 900000))
            continue;
        *clock = at - 1 + (int64_t)maker_draw(mk, 3);
        mk->turning = visit;
        return true;
    }
    return false;
}

int64_t maker_clock(maker *mk)
{
    int64_t tau = mk->m->tau > 0 ? mk->m->tau : 1700000000000;
    int64_t clock = 0;
    mk->turning = NULL;
    if (maker_chance(mk, 8) && turn(mk, tau, &clock))
        return clock;
    switch (maker_draw(mk, 100)) {
    case 0: /* ahead */
        return tau + (int64_t)maker_draw(mk, maker_chance(mk, 30) ? 7200000 : 300000);
    case 1:
    case 2: /* stands still */
        return tau;
    case 3:
    case 4: /* behind, by about as much as may be */
        return tau - (int64_t)model_params_now(mk->m)->clock_difference - 1 +
               (int64_t)maker_draw(mk, 3);
    case 5:
        return tau - (int64_t)maker_draw(mk, 10000000);
    default:
        return tau + 1 + (int64_t)maker_draw(mk, 2000);
    }
}

/* ---- life ---- */

void maker_begin(maker *mk, maker_pool *pool, consortium *c, model *m, uint64_t seed)
{
    *mk = (maker){.pool = pool, .c = c, .m = m, .random = seed};
    (void)maker_key_named(pool, "authority");
    for (int i = 0; i < 4; i++)
        (void)maker_key_named(pool, c->nodes[i].id);
}

void maker_end(maker *mk)
{
    maker_pool *pool = mk->pool;
    for (uint64_t i = 0; i < pool->foreign_count; i++)
        bcemr_buf_free(&pool->foreign[i]);
    free(pool->foreign);
    pool->foreign = mk->past;
    pool->foreign_count = mk->past_count;
    for (uint64_t i = 0; i < mk->patient_count; i++)
        bcemr_visit_keys_wipe(&mk->patients[i]);
    free(mk->patients);
    model_map_free(&mk->patient_of);
    memset(mk, 0, sizeof *mk);
}

void maker_pool_free(maker_pool *pool)
{
    for (uint64_t i = 0; i < pool->foreign_count; i++)
        bcemr_buf_free(&pool->foreign[i]);
    free(pool->foreign);
    for (uint64_t i = 0; i < pool->key_count; i++)
        free(pool->keys[i]);
    free(pool->keys);
    model_map_free(&pool->by_key);
    model_map_free(&pool->named);
    book_free(&pool->signatures);
    memset(pool, 0, sizeof *pool);
}
