/* SPDX-License-Identifier: Apache-2.0 */
#include "support/ledger_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bcemr_span hash_span(const bcemr_hash *hash)
{
    return bcemr_span_of(hash->b, sizeof hash->b);
}

/* ---- the world ---- */

void world_begin(world *w, uint64_t quota)
{
    memset(w, 0, sizeof *w);
    w->c.quota = quota;
    consortium_begin(&w->c);
    w->clock = WORLD_START;
    ledger_chain_options options = {.context = w->c.context};
    must(ledger_state_memory(&options.state));
    must(ledger_chain_open(&w->chain, &options, bcemr_buf_span(&w->c.signed_genesis), &w->err));
    for (w->places = 0; w->places < 4; w->places++)
        w->voters[w->places] = &w->c.nodes[w->places].keys;
    for (int i = 0; i < WORLD_DOCTORS; i++)
        if (world_enrol(w, i, "hospital-1") != 0)
            abort();
}

void world_end(world *w)
{
    ledger_chain_close(w->chain);
    bcemr_buf_free(&w->signed_entry);
    consortium_end(&w->c);
}

int64_t world_next(const world *w)
{
    return w->clock + 1000;
}

uint32_t world_submit(world *w, bcemr_span signed_entry)
{
    w->clock = world_next(w);
    bcemr_status status = ledger_chain_submit_one(w->chain, w->clock, signed_entry, NULL, &w->err);
    if (status == BCEMR_OK)
        return 0;
    if (status != BCEMR_E_REFUSED) {
        (void)fprintf(stderr, "the ledger failed: %s (%s %s)\n", bcemr_status_name(status),
                      w->err.object ? w->err.object : "", w->err.field ? w->err.field : "");
        abort();
    }
    return w->err.reason;
}

uint32_t world_post(world *w, const bcemr_type *type, const void *value, const consortium_row *rows,
                    uint64_t count)
{
    consortium_sign(&w->c, type, value, rows, count, &w->signed_entry);
    return world_submit(w, bcemr_buf_span(&w->signed_entry));
}

/* ---- rows ---- */

consortium_row world_authority(const world *w)
{
    return (consortium_row){.role = "authority", .by = &w->c.authority};
}

consortium_row world_votes(const world *w, uint64_t votes)
{
    return (consortium_row){
        .role = "set", .votes = votes, .voters = w->voters, .places = w->places};
}

consortium_row world_node_row(const world *w, int node)
{
    const consortium_node *n = &w->c.nodes[node];
    return (consortium_row){
        .role = bcemr_role_name(n->row.role), .who = bcemr_text(n->id), .by = &n->keys};
}

consortium_row world_doctor_row(const world *w, int doctor)
{
    const consortium_doctor *d = &w->c.doctors[doctor];
    return (consortium_row){.role = "doctor", .who = bcemr_text(d->id), .by = &d->keys};
}

consortium_row world_pop(const consortium_node *node)
{
    return (consortium_row){
        .role = "pop", .who = bcemr_text(node->id), .by = &node->keys, .member = &node->row};
}

/* ---- sets ---- */

void world_set_now(const world *w, uint64_t *number, bcemr_hash *hash)
{
    bcemr_set set = BCEMR_SET_EMPTY;
    must(ledger_chain_set_now(w->chain, &set, NULL));
    *number = set.number;
    *hash = set.hash;
    bcemr_set_free(&set);
}

bcemr_span world_member(const bcemr_tr_member *member, bcemr_buf *held)
{
    bcemr_buf_clear(held);
    must(bcemr_write_member(member, held, NULL));
    return bcemr_buf_span(held);
}

uint32_t world_join(world *w, const consortium_node *node)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_e_join join = {.ledger = w->c.ledger, .member = world_member(&node->row, &held)};
    world_set_now(w, &join.number, &join.before);
    join.number++;
    const consortium_row rows[] = {world_authority(w),
                                   world_votes(w, ((uint64_t)1 << w->places) - 1), world_pop(node)};
    uint32_t reason = world_post(w, &bcemr_type_e_join, &join, rows, 3);
    if (reason == 0)
        w->voters[w->places++] = &node->keys;
    bcemr_buf_free(&held);
    return reason;
}

uint32_t world_leave(world *w, int place)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_set set = BCEMR_SET_EMPTY;
    must(ledger_chain_set_now(w->chain, &set, NULL));
    const bcemr_tr_e_leave leave = {.ledger = w->c.ledger,
                                    .number = set.number + 1,
                                    .before = set.hash,
                                    .member = world_member(&set.members[place], &held)};
    uint64_t all = ((uint64_t)1 << w->places) - 1;
    const consortium_row rows[] = {world_authority(w),
                                   world_votes(w, all & ~((uint64_t)1 << place))};
    uint32_t reason = world_post(w, &bcemr_type_e_leave, &leave, rows, 2);
    if (reason == 0)
        for (w->places--; (uint64_t)place < w->places; place++)
            w->voters[place] = w->voters[place + 1];
    bcemr_buf_free(&held);
    bcemr_set_free(&set);
    return reason;
}

/* ---- enrolments ---- */

static int node_of(const world *w, const char *id)
{
    for (int i = 0; i < CONSORTIUM_NODES; i++)
        if (strcmp(w->c.nodes[i].id, id) == 0)
            return i;
    abort();
}

uint32_t world_enrol(world *w, int doctor, const char *hospital)
{
    consortium_enrolment e;
    consortium_enrol(&w->c, &w->c.doctors[doctor], hospital, 0, WORLD_START + 1000 * WORLD_HOUR,
                     &e);
    const consortium_row row = world_node_row(w, node_of(w, hospital));
    uint32_t reason = world_post(w, &bcemr_type_e_enrol, &e.entry, &row, 1);
    bcemr_buf_free(&e.pops);
    return reason;
}

uint32_t world_retire(world *w, int doctor)
{
    const consortium_doctor *d = &w->c.doctors[doctor];
    const bcemr_tr_e_retire retire = {w->c.ledger, bcemr_text(d->id),
                                      bcemr_span_of(d->publics.x.b, sizeof d->publics.x.b)};
    const consortium_row row = world_authority(w);
    return world_post(w, &bcemr_type_e_retire, &retire, &row, 1);
}

/* ---- visits ---- */

bcemr_tr_team_doctor world_team(const world *w, int doctor, int64_t deadline)
{
    const consortium_doctor *d = &w->c.doctors[doctor];
    return (bcemr_tr_team_doctor){
        .doctor = bcemr_text(d->id), .x = d->publics.x, .e = d->publics.e, .deadline = deadline};
}

void world_visit_make(const world *w, uint64_t number, uint64_t count, world_visit *out)
{
    memset(out, 0, sizeof *out);
    bcemr_seed seed = {{0}};
    bcemr_hash hash;
    memcpy(seed.b, "patient", 7);
    must(bcemr_visit_keys_derive(&seed, &w->c.ledger, number, &out->keys));
    bcemr_sha256(bcemr_span_of(&out->keys.pkv, sizeof out->keys.pkv), &hash);
    bcemr_ed_from_seed(hash.b, &out->ssk, &out->svk);
    out->clouds[0] = bcemr_text("cloud-1");
    out->clouds[1] = bcemr_text("cloud-2");
    for (uint64_t i = 0; i < count; i++) {
        out->doctors[i] = (int)i;
        out->team[i] = world_team(w, (int)i, w->clock + ((int64_t)i + 1) * WORLD_HOUR);
    }
    out->count = count;
    out->v = (bcemr_tr_visit){.ledger = w->c.ledger,
                              .hospital = bcemr_text("hospital-1"),
                              .clouds = BCEMR_LIST_OF(out->clouds, 2),
                              .u = 1,
                              .pid = hash,
                              .pkv = out->keys.pkv,
                              .av = out->keys.av_public,
                              .team = BCEMR_LIST_OF(out->team, count),
                              .reissues = CONSORTIUM_REISSUES,
                              .issued = w->clock};
}

void world_visit_free(world_visit *visit)
{
    bcemr_visit_keys_wipe(&visit->keys);
    bcemr_buf_free(&visit->encoding);
    bcemr_buf_free(&visit->acceptance_held);
    bcemr_buf_free(&visit->amend_held);
    bcemr_buf_free(&visit->case_held);
}

void world_admit(const world *w, world_visit *visit, bcemr_tr_e_admit *out)
{
    bcemr_tr_acceptance acceptance;
    bcemr_buf_clear(&visit->encoding);
    bcemr_buf_clear(&visit->acceptance_held);
    must(bcemr_write_visit(&visit->v, &visit->encoding, NULL));
    bcemr_sha256(bcemr_buf_span(&visit->encoding), &visit->vid);
    visit->order = visit->vid;
    must(bcemr_acceptance_make(&visit->keys, &visit->vid, &acceptance, NULL));
    must(bcemr_write_acceptance(&acceptance, &visit->acceptance_held, NULL));
    *out = (bcemr_tr_e_admit){.ledger = w->c.ledger,
                              .visit = bcemr_buf_span(&visit->encoding),
                              .acceptance = bcemr_buf_span(&visit->acceptance_held)};
    bcemr_ed_sign(&w->c.nodes[HOSPITAL_1].keys.a, out->visit, &out->signature);
}

uint32_t world_post_admit(world *w, world_visit *visit)
{
    bcemr_tr_e_admit admit;
    world_admit(w, visit, &admit);
    return world_post(w, &bcemr_type_e_admit, &admit, NULL, 0);
}

static void visit_record(const world *w, const world_visit *visit, bcemr_buf *held,
                         bcemr_tr_state_visit *out)
{
    must(ledger_chain_visit(w->chain, &visit->vid, held, out, NULL));
}

static uint64_t signed_count(const world *w, const world_visit *visit)
{
    bcemr_tr_state_progress progress;
    must(ledger_chain_progress(w->chain, &visit->vid, &progress, NULL));
    return progress.signed_count;
}

void world_amend(const world *w, world_visit *visit, const int *doctors, uint64_t count)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_visit record;
    visit_record(w, visit, &held, &record);
    visit->count = signed_count(w, visit) + count;
    for (uint64_t i = 0; i < count; i++) {
        visit->doctors[signed_count(w, visit) + i] = doctors[i];
        visit->tail[i] = world_team(w, doctors[i], w->clock + ((int64_t)i + 1) * WORLD_HOUR);
    }
    visit->amend = (bcemr_tr_amend){.vid = visit->vid,
                                    .number = record.amendments + 1,
                                    .previous = record.order,
                                    .signed_count = signed_count(w, visit),
                                    .tail = BCEMR_LIST_OF(visit->tail, count),
                                    .issued = w->clock};
    bcemr_buf_free(&held);
}

void world_amend_sign(const world *w, world_visit *visit, bcemr_tr_e_amend *out)
{
    bcemr_buf_clear(&visit->amend_held);
    must(bcemr_write_amend(&visit->amend, &visit->amend_held, NULL));
    *out = (bcemr_tr_e_amend){.ledger = w->c.ledger, .amend = bcemr_buf_span(&visit->amend_held)};
    bcemr_ed_sign(&w->c.nodes[HOSPITAL_1].keys.a, out->amend, &out->signature);
}

uint32_t world_post_amend(world *w, world_visit *visit, const int *doctors, uint64_t count)
{
    bcemr_tr_e_amend amend;
    world_amend(w, visit, doctors, count);
    world_amend_sign(w, visit, &amend);
    return world_post(w, &bcemr_type_e_amend, &amend, NULL, 0);
}

void world_sign(const world *w, const world_visit *visit, uint64_t i, uint64_t k,
                bcemr_tr_e_sign *out)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_visit record;
    visit_record(w, visit, &held, &record);
    uint8_t what[16];
    bcemr_store_u64(what, i);
    bcemr_store_u64(what + 8, k);
    *out = (bcemr_tr_e_sign){.ledger = w->c.ledger,
                             .vid = visit->vid,
                             .i = i,
                             .k = k,
                             .a = record.amendments,
                             .time = world_next(w)};
    bcemr_sha256(bcemr_span_of(what, sizeof what), &out->commitment);
    if (i == record.team.count)
        out->svk = bcemr_span_of(visit->svk.b, sizeof visit->svk.b);
    world_sign_again(w, visit, out);
    bcemr_buf_free(&held);
}

void world_sign_again(const world *w, const world_visit *visit, bcemr_tr_e_sign *sign)
{
    bcemr_buf held = BCEMR_BUF_EMPTY, before = BCEMR_BUF_EMPTY;
    bcemr_tr_state_visit record;
    bcemr_tr_state_sign last;
    bcemr_tr_team_doctor doctor;
    visit_record(w, visit, &held, &record);
    if (bcemr_list_at(&bcemr_type_team_doctor, &record.team, sign->i - 1, &doctor)) {
        bcemr_tr_sign context = {.order = record.order,
                                 .i = sign->i,
                                 .k = sign->k,
                                 .doctor = doctor.doctor,
                                 .x = doctor.x,
                                 .time = sign->time,
                                 .previous = visit->vid,
                                 .commitment = sign->commitment,
                                 .svk = sign->svk};
        if (sign->i > 1 &&
            ledger_chain_sign(w->chain, &visit->vid, sign->i - 1, &before, &last, NULL) == BCEMR_OK)
            context.previous = last.hash;
        const consortium_doctor *d = &w->c.doctors[visit->doctors[sign->i - 1]];
        must(bcemr_diagnosis_sign(&d->keys.x, &context, &sign->delta, NULL));
    }
    bcemr_buf_free(&held);
    bcemr_buf_free(&before);
}

uint32_t world_post_sign(world *w, const world_visit *visit, uint64_t i, uint64_t k)
{
    bcemr_tr_e_sign sign;
    world_sign(w, visit, i, k, &sign);
    return world_post(w, &bcemr_type_e_sign, &sign, NULL, 0);
}

uint32_t world_post_reissue(world *w, const world_visit *visit, uint64_t i, uint64_t k)
{
    const bcemr_tr_e_reissue reissue = {w->c.ledger, visit->vid, i, k,
                                        BCEMR_reissue_reason_INCOMPLETE};
    const consortium_row row =
        i < visit->count ? world_doctor_row(w, visit->doctors[i]) : world_node_row(w, HOSPITAL_1);
    return world_post(w, &bcemr_type_e_reissue, &reissue, &row, 1);
}

uint32_t world_post_abort(world *w, const world_visit *visit)
{
    const bcemr_tr_e_abort abort_entry = {w->c.ledger, visit->vid, BCEMR_abort_reason_OTHER};
    return world_post_by(w, &bcemr_type_e_abort, &abort_entry, HOSPITAL_1);
}

void world_case(const world *w, const world_visit *visit, bcemr_tr_case *out)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_visit record;
    bcemr_tr_state_sign last;
    bcemr_hash other;
    bcemr_sha256(hash_span(&visit->vid), &other);
    visit_record(w, visit, &held, &record);
    *out = (bcemr_tr_case){.vid = visit->vid,
                           .order = record.order,
                           .svk = visit->svk,
                           .capsule = other,
                           .tags = other,
                           .kc = other,
                           .root = other,
                           .length = 1000,
                           .osig = other};
    if (signed_count(w, visit) > 0) {
        uint64_t n = signed_count(w, visit);
        must(ledger_chain_sign(w->chain, &visit->vid, n, &held, &last, NULL));
        out->last_context = last.hash;
        must(ledger_chain_sigma(w->chain, &visit->vid, &out->sigma, NULL));
    }
    bcemr_buf_free(&held);
}

void world_seal(const world *w, world_visit *visit, const bcemr_tr_case *record_case,
                uint64_t confirmers, bcemr_tr_e_seal *out, uint8_t bitmap[4])
{
    static const int nodes[] = {HOSPITAL_1, CLOUD_1, CLOUD_2, CLOUD_3};
    bcemr_g2_raw xs[4];
    bcemr_g1_raw signatures[4];
    uint64_t n = 0, places = 1 + visit->v.clouds.count;
    memset(bitmap, 0, 4);
    bcemr_buf_clear(&visit->case_held);
    must(bcemr_write_case(record_case, &visit->case_held, NULL));
    for (uint64_t i = 0; i < places; i++) {
        xs[i] = w->c.nodes[nodes[i]].row.x;
        if ((confirmers >> i & 1) == 0)
            continue;
        bcemr_bitmap_set(bitmap, i);
        must(bcemr_bls_sign(&w->c.nodes[nodes[i]].keys.x, BCEMR_PURPOSE_SIG,
                            bcemr_buf_span(&visit->case_held), &signatures[n++]));
    }
    *out = (bcemr_tr_e_seal){.ledger = w->c.ledger,
                             .record_case = bcemr_buf_span(&visit->case_held),
                             .confirmers = bcemr_span_of(bitmap, 1)};
    must(bcemr_joint_combine(xs, places, out->confirmers, signatures, &out->signature, NULL));
}

uint32_t world_post_seal(world *w, world_visit *visit)
{
    bcemr_tr_case record_case;
    bcemr_tr_e_seal seal;
    uint8_t bitmap[4];
    world_case(w, visit, &record_case);
    world_seal(w, visit, &record_case, 7, &seal, bitmap);
    return world_post(w, &bcemr_type_e_seal, &seal, NULL, 0);
}

void world_sealed_visit(world *w, uint64_t number, uint64_t count, world_visit *out)
{
    world_visit_make(w, number, count, out);
    uint32_t reason = world_post_admit(w, out);
    for (uint64_t i = 1; i <= count && reason == 0; i++)
        reason = world_post_sign(w, out, i, 0);
    if (reason == 0)
        reason = world_post_seal(w, out);
    if (reason != 0) {
        (void)fprintf(stderr, "fixture: %s\n", ledger_reason_name(reason));
        abort();
    }
}

/* ---- sharing ---- */

void world_grant_key(uint64_t number, bcemr_ed_secret *secret, bcemr_ed_raw *key)
{
    uint8_t seed[32] = "grant";
    bcemr_store_u64(seed + 16, number);
    bcemr_ed_from_seed(seed, secret, key);
}

void world_consent(const world *w, uint64_t number, int cloud, bcemr_tr_e_consent *out)
{
    bcemr_ed_secret secret;
    *out = (bcemr_tr_e_consent){.ledger = w->c.ledger,
                                .cloud = bcemr_text(w->c.nodes[cloud].id),
                                .latest = w->clock + WORLD_HOUR};
    world_grant_key(number, &secret, &out->revoker);
    bcemr_sha256(bcemr_span_of(out->revoker.b, sizeof out->revoker.b), &out->cm);
    const bcemr_tr_consent_post post = {w->c.ledger, out->cloud, out->cm, out->latest};
    must(bcemr_ed_sign_value(&secret, &bcemr_type_consent_post, &post, &out->signature, NULL));
}

void world_revoke(const world *w, uint64_t number, bcemr_tr_e_revoke *out)
{
    bcemr_ed_secret secret;
    *out = (bcemr_tr_e_revoke){.ledger = w->c.ledger};
    world_grant_key(number, &secret, &out->revoker);
    const bcemr_tr_revoke revoke = {w->c.ledger, out->revoker};
    must(bcemr_ed_sign_value(&secret, &bcemr_type_revoke, &revoke, &out->signature, NULL));
}

void world_access(const world *w, uint64_t number, int cloud, bcemr_tr_e_access *out)
{
    static const uint8_t box[1040];
    *out = (bcemr_tr_e_access){.ledger = w->c.ledger,
                               .cloud = bcemr_text(w->c.nodes[cloud].id),
                               .box = bcemr_span_of(box, sizeof box)};
    bcemr_store_u64(out->handle.b, number);
}

void world_erase(const world *w, const world_visit *visit, int cloud, bcemr_asker by,
                 bcemr_tr_e_erase *out)
{
    const bcemr_tr_erase erase = {w->c.ledger, visit->vid};
    *out = (bcemr_tr_e_erase){.ledger = w->c.ledger,
                              .vid = visit->vid,
                              .cloud = bcemr_text(w->c.nodes[cloud].id),
                              .by = by};
    must(bcemr_ed_sign_value(by == BCEMR_asker_PATIENT ? &visit->keys.av
                                                       : &w->c.nodes[HOSPITAL_1].keys.a,
                             &bcemr_type_erase, &erase, &out->signature, NULL));
}

void world_confirm(const world *w, const world_visit *visit, int cloud, bcemr_asker host,
                   uint8_t host_signature[64], bcemr_tr_e_confirm *out)
{
    const bcemr_tr_host value = {w->c.ledger, visit->vid, bcemr_text(w->c.nodes[cloud].id)};
    bcemr_ed_signature signature;
    *out = (bcemr_tr_e_confirm){
        .ledger = w->c.ledger, .vid = visit->vid, .cloud = value.cloud, .host_by = host};
    must(bcemr_bls_sign(&w->c.nodes[cloud].keys.x, BCEMR_PURPOSE_SIG,
                        bcemr_buf_span(&visit->case_held), &out->signature));
    if (host == BCEMR_asker_NOBODY)
        return;
    must(bcemr_ed_sign_value(host == BCEMR_asker_PATIENT ? &visit->keys.av
                                                         : &w->c.nodes[HOSPITAL_1].keys.a,
                             &bcemr_type_host, &value, &signature, NULL));
    memcpy(host_signature, signature.b, 64);
    out->host = bcemr_span_of(host_signature, 64);
}

uint32_t world_post_by(world *w, const bcemr_type *type, const void *value, int node)
{
    const consortium_row row = world_node_row(w, node);
    return world_post(w, type, value, &row, 1);
}
