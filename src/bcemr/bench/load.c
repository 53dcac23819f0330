/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/bench/load.h"

#include "server/authority.h"

#include <bcemr/diagnosis.h>
#include <bcemr/visit.h>
#include <stdio.h>
#include <string.h>

#define DAY ((int64_t)24 * 3600 * 1000)
#define HAND 64
#define TURNS 1000 /* visits whose signatures come in turns */
#define DO(call)                                                                                   \
    do {                                                                                           \
        if ((call) != BCEMR_OK)                                                                    \
            goto failed;                                                                           \
    } while (0)

/* ---- people and genesis ---- */

static bool make_holder(load_holder *h, const char *kind, unsigned number)
{
    (void)snprintf(h->id, sizeof h->id, "%s-%u.example", kind, number);
    if (bcemr_secrets_random(&h->secrets) != BCEMR_OK)
        return false;
    bcemr_secrets_publics(&h->secrets, &h->publics);
    return true;
}

static bool make_people(load *l)
{
    bool good = true;
    for (unsigned n = 0; good && n < LOAD_NODES; n++) {
        load_holder *h = &l->nodes[n];
        good = make_holder(h, n == 0 ? "hospital" : "cloud", n);
        bcemr_tr_member *m = &l->members[n];
        *m = (bcemr_tr_member){.role = n == 0 ? BCEMR_role_HOSPITAL : BCEMR_role_CLOUD,
                               .id = bcemr_text(h->id),
                               .x = h->publics.x,
                               .a = h->publics.a};
        if (n == 0) {
            m->e = bcemr_span_of(h->publics.e.b, sizeof h->publics.e.b);
            m->box = bcemr_span_of(h->publics.box.b, sizeof h->publics.box.b);
        }
        bcemr_sha256(bcemr_span_of(h->publics.a.b, sizeof h->publics.a.b), &m->tls);
    }
    for (unsigned d = 0; good && d < LOAD_DOCTORS; d++)
        good = make_holder(&l->doctors[d], "doctor", d);
    return good;
}

static bool make_genesis(load *l, const authority *office)
{
    bcemr_buf draft = BCEMR_BUF_EMPTY, pops[LOAD_NODES] = {{0}};
    bcemr_span rows[LOAD_NODES];
    bool good = false;
    const authority_parameters parameters = {.reissues = 3,
                                             .clock_difference = 120000,
                                             .retention = (uint64_t)(3650 * DAY),
                                             .quotas = {1000, 1000, 1000},
                                             .members = l->members,
                                             .member_count = LOAD_NODES};
    DO(authority_genesis_draft(office, &parameters, &draft, &l->ledger, NULL));
    for (unsigned n = 0; n < LOAD_NODES; n++) {
        const bcemr_secrets *s = &l->nodes[n].secrets;
        bcemr_tr_pop pop;
        bcemr_member_pop(&l->ledger, &l->members[n], &pop);
        DO(bcemr_pop_make(&s->x, &s->a, &pop, &pops[n], NULL));
        rows[n] = bcemr_buf_span(&pops[n]);
    }
    DO(authority_genesis_sign(office, bcemr_buf_span(&draft), rows, LOAD_NODES, &l->genesis, NULL));
    good = true;
failed:
    bcemr_buf_free(&draft);
    for (unsigned n = 0; n < LOAD_NODES; n++)
        bcemr_buf_free(&pops[n]);
    return good;
}

/* Its fields point into what the load keeps, but pops. */
static bool make_enrol(load *l, const bcemr_secret_scalar *s, unsigned d)
{
    const load_holder *h = &l->doctors[d];
    bcemr_g1_raw credential;
    bcemr_ed_signature by;
    bcemr_buf pops = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY;
    bool good = false;
    const bcemr_tr_cred cred = {.ledger = l->ledger,
                                .doctor = bcemr_text(h->id),
                                .hospital = bcemr_text(l->nodes[0].id),
                                .x = h->publics.x,
                                .a = h->publics.a,
                                .e = h->publics.e,
                                .box = h->publics.box,
                                .not_after = LOAD_CLOCK + 3650 * DAY};
    const authority_wish wish = {.kind = BCEMR_enrol_kind_DOCTOR,
                                 .id = cred.doctor,
                                 .hospital = cred.hospital,
                                 .keys = h->publics,
                                 .not_after = cred.not_after};
    DO(authority_wish_pops(&l->ledger, &wish, &h->secrets, &pops, NULL));
    DO(bcemr_credential_make(s, &cred, &credential, NULL));
    const bcemr_tr_e_enrol value = {.ledger = l->ledger,
                                    .kind = BCEMR_enrol_kind_DOCTOR,
                                    .doctor = cred.doctor,
                                    .hospital = cred.hospital,
                                    .x = bcemr_span_of(h->publics.x.b, sizeof h->publics.x.b),
                                    .a = cred.a,
                                    .e = bcemr_span_of(h->publics.e.b, sizeof h->publics.e.b),
                                    .box = cred.box,
                                    .not_after = cred.not_after,
                                    .credential = bcemr_span_of(credential.b, sizeof credential.b),
                                    .pops = bcemr_buf_span(&pops)};
    DO(bcemr_write_e_enrol(&value, &entry, NULL));
    DO(bcemr_entry_sign_ed(&l->nodes[0].secrets.a, "hospital", bcemr_buf_span(&entry), &by, NULL));
    const bcemr_tr_signer row = {bcemr_text("hospital"), cred.hospital,
                                 bcemr_span_of(by.b, sizeof by.b)};
    DO(bcemr_signed_make(bcemr_buf_span(&entry), &row, 1, &l->entries[d], NULL));
    good = true;
failed:
    bcemr_buf_free(&pops);
    bcemr_buf_free(&entry);
    return good;
}

/* ---- visits ---- */

static bool make_sign(load *l, const load_visit *visit, const bcemr_hash *vid, uint64_t i,
                      bcemr_span svk, bcemr_hash *previous)
{
    const unsigned doctor = (unsigned)((visit->first + i) % LOAD_DOCTORS);
    const load_holder *h = &l->doctors[doctor];
    load_statement *statement = &l->statements[visit->sign[i] - l->signs];
    bcemr_tr_sign ctx = {.order = *vid,
                         .i = i + 1,
                         .doctor = bcemr_text(h->id),
                         .x = h->publics.x,
                         .time = LOAD_CLOCK + (int64_t)i,
                         .previous = *previous,
                         .svk = i + 1 == visit->size ? svk : (bcemr_span){0}};
    bool good = false;
    bcemr_random(ctx.commitment.b, sizeof ctx.commitment.b);
    bcemr_tr_e_sign value = {.ledger = l->ledger,
                             .vid = *vid,
                             .i = ctx.i,
                             .commitment = ctx.commitment,
                             .time = ctx.time,
                             .svk = ctx.svk};
    DO(bcemr_write_sign(&ctx, &statement->message, NULL));
    bcemr_sha256(bcemr_buf_span(&statement->message), previous);
    DO(bcemr_diagnosis_sign(&h->secrets.x, &ctx, &value.delta, NULL));
    statement->doctor = doctor;
    statement->delta = value.delta;
    DO(bcemr_signed_make_value(&bcemr_type_e_sign, &value, NULL, 0, &l->entries[visit->sign[i]],
                               NULL));
    good = true;
failed:
    return good;
}

static void make_ticket(const load *l, const load_visit *visit, const bcemr_visit_keys *keys,
                        bcemr_span clouds[LOAD_NODES], bcemr_tr_team_doctor team[LOAD_DOCTORS],
                        bcemr_tr_visit *out)
{
    for (unsigned n = 1; n < LOAD_NODES; n++)
        clouds[n - 1] = bcemr_text(l->nodes[n].id);
    for (uint64_t i = 0; i < visit->size; i++) {
        const load_holder *h = &l->doctors[(visit->first + i) % LOAD_DOCTORS];
        team[i] = (bcemr_tr_team_doctor){.doctor = bcemr_text(h->id),
                                         .x = h->publics.x,
                                         .e = h->publics.e,
                                         .deadline = LOAD_CLOCK + ((int64_t)i + 1) * DAY};
    }
    *out = (bcemr_tr_visit){.ledger = l->ledger,
                            .hospital = bcemr_text(l->nodes[0].id),
                            .clouds = BCEMR_LIST_OF(clouds, LOAD_NODES - 1),
                            .u = LOAD_NODES - 2,
                            .pkv = keys->pkv,
                            .av = keys->av_public,
                            .team = BCEMR_LIST_OF(team, visit->size),
                            .reissues = 3,
                            .issued = LOAD_CLOCK};
    bcemr_random(out->pid.b, sizeof out->pid.b);
}

static bool make_admit(load *l, const load_visit *visit, const bcemr_visit_keys *keys,
                       bcemr_hash *vid, bcemr_buf *out)
{
    bcemr_span clouds[LOAD_NODES];
    bcemr_tr_team_doctor team[LOAD_DOCTORS];
    bcemr_tr_visit ticket;
    bcemr_tr_acceptance acceptance;
    bcemr_buf v = BCEMR_BUF_EMPTY, accepted = BCEMR_BUF_EMPTY;
    bool good = false;
    make_ticket(l, visit, keys, clouds, team, &ticket);
    DO(bcemr_write_visit(&ticket, &v, NULL));
    bcemr_sha256(bcemr_buf_span(&v), vid);
    DO(bcemr_acceptance_make(keys, vid, &acceptance, NULL));
    DO(bcemr_write_acceptance(&acceptance, &accepted, NULL));
    bcemr_tr_e_admit value = {
        .ledger = l->ledger, .visit = bcemr_buf_span(&v), .acceptance = bcemr_buf_span(&accepted)};
    bcemr_ed_sign(&l->nodes[0].secrets.a, value.visit, &value.signature);
    DO(bcemr_signed_make_value(&bcemr_type_e_admit, &value, NULL, 0, out, NULL));
    good = true;
failed:
    bcemr_buf_free(&v);
    bcemr_buf_free(&accepted);
    return good;
}

static bool make_visit(load *l, uint64_t number)
{
    const load_visit *visit = &l->visits[number];
    bcemr_seed seed;
    bcemr_visit_keys keys;
    bcemr_ed_secret ssk;
    bcemr_ed_raw svk;
    bcemr_hash vid, previous;
    bcemr_random(seed.b, sizeof seed.b);
    if (bcemr_visit_keys_derive(&seed, &l->ledger, number, &keys) != BCEMR_OK)
        return false;
    bcemr_ed_from_seed(seed.b, &ssk, &svk);
    bool good = make_admit(l, visit, &keys, &vid, &l->entries[l->admits + number]);
    previous = vid;
    for (uint64_t i = 0; good && i < visit->size; i++)
        good = make_sign(l, visit, &vid, i, bcemr_span_of(svk.b, sizeof svk.b), &previous);
    bcemr_visit_keys_wipe(&keys);
    bcemr_wipe(&ssk, sizeof ssk);
    return good;
}

/* A hand of visits, so that somebody can be told between two. */
typedef struct hand {
    load *l;
    uint64_t from;
} hand;

static void visit_job(void *argument, uint64_t number)
{
    const hand *h = argument;
    if (!make_visit(h->l, h->from + number))
        __atomic_store_n(&h->l->failed, true, __ATOMIC_RELAXED);
}

static void make_hand(hand *h, const bcemr_parallel *parallel, uint64_t count)
{
    if (parallel)
        parallel->run(parallel->user, visit_job, h, count);
    for (uint64_t i = 0; !parallel && i < count; i++)
        visit_job(h, i);
}

static bool make_visits(load *l, const bcemr_parallel *parallel, const bcemr_progress *progress)
{
    for (uint64_t from = 0; from < l->visit_count && !l->failed; from += HAND) {
        hand h = {l, from};
        const uint64_t left = l->visit_count - from;
        make_hand(&h, parallel, left < HAND ? left : HAND);
        if (progress && progress->tell(progress->user, from, l->visit_count) != BCEMR_OK)
            return false;
    }
    return !l->failed;
}

static bool prepare_lines(load *l)
{
    bool good = true;
    for (unsigned d = 0; good && d < LOAD_DOCTORS; d++) {
        bcemr_g2 x;
        good = bcemr_g2_decode(&l->doctors[d].publics.x, &x) == BCEMR_OK;
        if (good)
            bcemr_g2_prepare(&x, &l->lines[d]);
    }
    return good;
}

/* ---- the plan ---- */

static bool plan(load *l, uint64_t entries)
{
    uint64_t signs = 0;
    l->visits = bcemr_allocate((entries / 2 + 1) * sizeof *l->visits);
    if (!l->visits)
        return false;
    while (l->visit_count == 0 || LOAD_DOCTORS + l->visit_count + signs < entries) {
        load_visit *v = &l->visits[l->visit_count];
        v->first = 7 * l->visit_count % LOAD_DOCTORS;
        v->size = l->visit_count % LOAD_DOCTORS + 1;
        signs += v->size;
        l->visit_count++;
    }
    l->admits = LOAD_DOCTORS;
    l->signs = l->admits + l->visit_count;
    l->count = l->signs + signs;
    uint64_t place = l->signs;
    for (uint64_t from = 0; from < l->visit_count; from += TURNS)
        for (uint64_t i = 0; i < LOAD_DOCTORS; i++)
            for (uint64_t v = from; v < l->visit_count && v < from + TURNS; v++)
                if (i < l->visits[v].size)
                    l->visits[v].sign[i] = place++;
    l->entries = bcemr_allocate(l->count * sizeof *l->entries);
    l->statements = bcemr_allocate(signs * sizeof *l->statements);
    l->lines = bcemr_allocate(LOAD_DOCTORS * sizeof *l->lines);
    return l->entries && l->statements && l->lines;
}

static bool make_all(load *l, const bcemr_parallel *parallel, const bcemr_progress *progress)
{
    bcemr_secret_scalar s;
    authority office = {.context = l->context};
    bcemr_g2 p;
    if (bcemr_secret_scalar_random(&s) != BCEMR_OK)
        return false;
    bcemr_g2_from_secret(&s, &p);
    bcemr_g2_encode(&p, &office.p);
    office.signer = authority_signer_local(&s);
    bool good = make_people(l) && make_genesis(l, &office);
    for (unsigned d = 0; good && d < LOAD_DOCTORS; d++)
        good = make_enrol(l, &s, d);
    bcemr_wipe(&s, sizeof s);
    return good && prepare_lines(l) && make_visits(l, parallel, progress);
}

bool load_new(uint64_t entries, const bcemr_parallel *parallel, const bcemr_progress *progress,
              load **out)
{
    load *l = *out = bcemr_allocate(sizeof *l);
    return l && bcemr_context_new(&l->context) == BCEMR_OK && plan(l, entries) &&
           make_all(l, parallel, progress);
}

void load_free(load *l)
{
    if (!l)
        return;
    for (uint64_t i = 0; l->entries && i < l->count; i++)
        bcemr_buf_free(&l->entries[i]);
    for (uint64_t i = 0; l->statements && i < l->count - l->signs; i++)
        bcemr_buf_free(&l->statements[i].message);
    for (unsigned n = 0; n < LOAD_NODES; n++)
        bcemr_secrets_wipe(&l->nodes[n].secrets);
    for (unsigned d = 0; d < LOAD_DOCTORS; d++)
        bcemr_secrets_wipe(&l->doctors[d].secrets);
    bcemr_release(l->entries);
    bcemr_release(l->statements);
    bcemr_release(l->lines);
    bcemr_release(l->visits);
    bcemr_buf_free(&l->genesis);
    bcemr_context_free(l->context);
    bcemr_release(l);
}
