/* SPDX-License-Identifier: Apache-2.0 */
#include "support/consortium.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void must(bcemr_status status)
{
    if (status == BCEMR_OK)
        return;
    (void)fprintf(stderr, "fixture: %s\n", bcemr_status_text(status));
    abort();
}

void consortium_keys(const char *name, bcemr_secrets *keys, bcemr_publics *publics)
{
    bcemr_hash hash;
    bcemr_seed seed;
    bcemr_sha256(bcemr_text(name), &hash);
    memcpy(seed.b, hash.b, sizeof seed.b);
    must(bcemr_secrets_from_seed(&seed, keys));
    bcemr_secrets_publics(keys, publics);
}

void consortium_node_make(consortium_node *out, const char *id, bcemr_role role, const char *seed)
{
    out->id = id;
    consortium_keys(seed, &out->keys, &out->publics);
    bool hospital = role == BCEMR_role_HOSPITAL;
    out->row = (bcemr_tr_member){
        .role = role, .id = bcemr_text(id), .x = out->publics.x, .a = out->publics.a};
    if (hospital) {
        out->row.e = bcemr_span_of(out->publics.e.b, sizeof out->publics.e.b);
        out->row.box = bcemr_span_of(out->publics.box.b, sizeof out->publics.box.b);
    }
    char tls[64];
    (void)snprintf(tls, sizeof tls, "tls %s", seed);
    bcemr_sha256(bcemr_text(tls), &out->row.tls);
}

static const struct {
    const char *id;
    bcemr_role role;
} node_names[CONSORTIUM_NODES] = {
    {"hospital-1", BCEMR_role_HOSPITAL}, {"hospital-2", BCEMR_role_HOSPITAL},
    {"cloud-1", BCEMR_role_CLOUD},       {"cloud-2", BCEMR_role_CLOUD},
    {"hospital-3", BCEMR_role_HOSPITAL}, {"cloud-3", BCEMR_role_CLOUD},
    {"cloud-4", BCEMR_role_CLOUD},       {"hospital-4", BCEMR_role_HOSPITAL},
    {"cloud-5", BCEMR_role_CLOUD},       {"cloud-6", BCEMR_role_CLOUD},
    {"cloud-7", BCEMR_role_CLOUD},       {"cloud-8", BCEMR_role_CLOUD},
};
static const char *const doctor_names[CONSORTIUM_DOCTORS] = {"doctor-1", "doctor-2", "doctor-3",
                                                             "doctor-4", "doctor-5", "doctor-6"};

static void make_genesis(consortium *c)
{
    const bcemr_tr_thresholds thresholds = {1, 1, {0}};
    uint64_t quota = c->quota ? c->quota : 1000;
    const bcemr_tr_quotas quotas = {quota, quota, quota};
    must(bcemr_write_thresholds(&thresholds, &c->thresholds, NULL));
    must(bcemr_write_quotas(&quotas, &c->quotas, NULL));
    for (int i = 0; i < 4; i++)
        c->members[i] = c->nodes[i].row;
    c->genesis = (bcemr_tr_genesis){.authority = c->p,
                                    .reissues = CONSORTIUM_REISSUES,
                                    .clock_difference = CONSORTIUM_CLOCK_DIFFERENCE,
                                    .retention = CONSORTIUM_RETENTION,
                                    .thresholds = bcemr_buf_span(&c->thresholds),
                                    .quotas = bcemr_buf_span(&c->quotas),
                                    .rules = 1,
                                    .members = BCEMR_LIST_OF(c->members, 4)};
}

static void sign_genesis(consortium *c)
{
    bcemr_tr_signer rows[5];
    bcemr_buf entry = BCEMR_BUF_EMPTY, proofs[5];
    must(bcemr_write_genesis(&c->genesis, &entry, NULL));
    bcemr_sha256(bcemr_buf_span(&entry), &c->ledger);
    const bcemr_tr_pop first = {.ledger = c->ledger, .role = bcemr_text("authority"), .x = c->p};
    for (int i = 0; i < 5; i++) {
        bcemr_tr_pop pop = first;
        proofs[i] = BCEMR_BUF_EMPTY;
        if (i > 0)
            bcemr_member_pop(&c->ledger, &c->nodes[i - 1].row, &pop);
        const bcemr_secrets *keys = i > 0 ? &c->nodes[i - 1].keys : &c->authority;
        must(bcemr_pop_make(&keys->x, i > 0 ? &keys->a : NULL, &pop, &proofs[i], NULL));
        rows[i] = (bcemr_tr_signer){bcemr_text("pop"), pop.id, bcemr_buf_span(&proofs[i])};
    }
    must(bcemr_signed_make(bcemr_buf_span(&entry), rows, 5, &c->signed_genesis, NULL));
    for (int i = 0; i < 5; i++)
        bcemr_buf_free(&proofs[i]);
    bcemr_buf_free(&entry);
}

void consortium_begin(consortium *c)
{
    bcemr_publics publics;
    uint64_t quota = c->quota;
    memset(c, 0, sizeof *c);
    c->quota = quota;
    must(bcemr_context_new(&c->context));
    consortium_keys("authority", &c->authority, &publics);
    c->p = publics.x;
    for (int i = 0; i < CONSORTIUM_NODES; i++)
        consortium_node_make(&c->nodes[i], node_names[i].id, node_names[i].role, node_names[i].id);
    for (int i = 0; i < CONSORTIUM_DOCTORS; i++) {
        c->doctors[i].id = doctor_names[i];
        consortium_keys(doctor_names[i], &c->doctors[i].keys, &c->doctors[i].publics);
    }
    make_genesis(c);
    sign_genesis(c);
}

void consortium_end(consortium *c)
{
    bcemr_context_free(c->context);
    bcemr_buf_free(&c->thresholds);
    bcemr_buf_free(&c->quotas);
    bcemr_buf_free(&c->signed_genesis);
    memset(c, 0, sizeof *c);
}

/* ---- rows ---- */

typedef struct row_bytes {
    uint8_t bitmap[8];
    bcemr_buf signature;
} row_bytes;

static void vote(const consortium_row *row, bcemr_span entry, row_bytes *bytes, bcemr_span *who)
{
    bcemr_g1_raw signatures[BCEMR_SET_MAX], joint = {{0}};
    bcemr_g2_raw xs[BCEMR_SET_MAX];
    bcemr_g2 point;
    uint64_t n = 0;
    memset(bytes->bitmap, 0, sizeof bytes->bitmap);
    for (uint64_t i = 0; i < row->places; i++) {
        bcemr_g2_from_secret(&row->voters[i]->x, &point);
        bcemr_g2_encode(&point, &xs[i]);
        if ((row->votes >> i & 1) == 0)
            continue;
        bcemr_bitmap_set(bytes->bitmap, i);
        must(bcemr_entry_sign_bls(&row->voters[i]->x, "set", entry, &signatures[n++], NULL));
    }
    *who = bcemr_span_of(bytes->bitmap, bcemr_bitmap_size(row->places));
    if (n > 0)
        must(bcemr_joint_combine(xs, row->places, *who, signatures, &joint, NULL));
    must(bcemr_buf_append(&bytes->signature, bcemr_span_of(joint.b, sizeof joint.b)));
}

static void make_row(const consortium *c, const consortium_row *row, bcemr_span entry,
                     row_bytes *bytes, bcemr_tr_signer *out)
{
    bcemr_g1_raw bls;
    bcemr_ed_signature ed;
    bcemr_tr_pop pop;
    *out = (bcemr_tr_signer){.role = bcemr_text(row->role), .who = row->who};
    bytes->signature = BCEMR_BUF_EMPTY;
    if (strcmp(row->role, "authority") == 0) {
        must(bcemr_entry_sign_bls(&row->by->x, row->role, entry, &bls, NULL));
        must(bcemr_buf_append(&bytes->signature, bcemr_span_of(bls.b, sizeof bls.b)));
    } else if (strcmp(row->role, "set") == 0) {
        vote(row, entry, bytes, &out->who);
    } else if (strcmp(row->role, "pop") == 0) {
        bcemr_member_pop(&c->ledger, row->member, &pop);
        must(bcemr_pop_make(&row->by->x, &row->by->a, &pop, &bytes->signature, NULL));
    } else {
        must(bcemr_entry_sign_ed(&row->by->a, row->role, entry, &ed, NULL));
        must(bcemr_buf_append(&bytes->signature, bcemr_span_of(ed.b, sizeof ed.b)));
    }
    out->signature = bcemr_buf_span(&bytes->signature);
}

void consortium_sign(const consortium *c, const bcemr_type *type, const void *value,
                     const consortium_row *rows, uint64_t count, bcemr_buf *out)
{
    bcemr_tr_signer signers[8];
    row_bytes bytes[8];
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    bcemr_buf_clear(out);
    must(bcemr_write(type, value, &entry, NULL));
    for (uint64_t i = 0; i < count; i++)
        make_row(c, &rows[i], bcemr_buf_span(&entry), &bytes[i], &signers[i]);
    must(bcemr_signed_make(bcemr_buf_span(&entry), signers, count, out, NULL));
    for (uint64_t i = 0; i < count; i++)
        bcemr_buf_free(&bytes[i].signature);
    bcemr_buf_free(&entry);
}

/* ---- enrolments ---- */

void consortium_enrol_again(const consortium *c, const bcemr_secrets *keys, consortium_enrolment *e)
{
    bcemr_tr_cred cred = {.ledger = e->entry.ledger,
                          .doctor = e->entry.doctor,
                          .hospital = e->entry.hospital,
                          .a = e->entry.a,
                          .box = e->entry.box,
                          .not_before = e->entry.not_before,
                          .not_after = e->entry.not_after};
    memcpy(cred.x.b, e->entry.x.p, sizeof cred.x.b);
    memcpy(cred.e.b, e->entry.e.p, sizeof cred.e.b);
    must(bcemr_credential_make(&c->authority.x, &cred, &e->credential, NULL));
    e->entry.credential = bcemr_span_of(e->credential.b, sizeof e->credential.b);
    const bcemr_tr_pop pop = {.ledger = e->entry.ledger,
                              .role = bcemr_text("doctor"),
                              .id = e->entry.doctor,
                              .x = cred.x,
                              .a = bcemr_span_of(e->entry.a.b, sizeof e->entry.a.b),
                              .e = e->entry.e,
                              .box = bcemr_span_of(e->entry.box.b, sizeof e->entry.box.b)};
    bcemr_buf_clear(&e->pops);
    must(bcemr_pop_make(&keys->x, &keys->a, &pop, &e->pops, NULL));
    e->entry.pops = bcemr_buf_span(&e->pops);
}

void consortium_enrol(const consortium *c, const consortium_doctor *d, const char *hospital,
                      int64_t not_before, int64_t not_after, consortium_enrolment *out)
{
    *out =
        (consortium_enrolment){.entry = {.ledger = c->ledger,
                                         .kind = BCEMR_enrol_kind_DOCTOR,
                                         .doctor = bcemr_text(d->id),
                                         .hospital = bcemr_text(hospital),
                                         .x = bcemr_span_of(d->publics.x.b, sizeof d->publics.x.b),
                                         .a = d->publics.a,
                                         .e = bcemr_span_of(d->publics.e.b, sizeof d->publics.e.b),
                                         .box = d->publics.box,
                                         .not_before = not_before,
                                         .not_after = not_after},
                               .pops = BCEMR_BUF_EMPTY};
    consortium_enrol_again(c, &d->keys, out);
}

void consortium_enrol_reader(const consortium *c, const consortium_doctor *d, int64_t not_before,
                             int64_t not_after, consortium_enrolment *out)
{
    bcemr_ed_signature signature;
    *out = (consortium_enrolment){.entry = {.ledger = c->ledger,
                                            .kind = BCEMR_enrol_kind_READER,
                                            .doctor = bcemr_text(d->id),
                                            .a = d->publics.a,
                                            .box = d->publics.box,
                                            .not_before = not_before,
                                            .not_after = not_after},
                                  .pops = BCEMR_BUF_EMPTY};
    const bcemr_tr_pop_reader pop = {c->ledger, out->entry.doctor, d->publics.a, d->publics.box};
    must(bcemr_ed_sign_value(&d->keys.a, &bcemr_type_pop_reader, &pop, &signature, NULL));
    must(bcemr_buf_append(&out->pops, bcemr_span_of(signature.b, sizeof signature.b)));
    out->entry.pops = bcemr_buf_span(&out->pops);
}

/* ---- checkpoints ---- */

void consortium_cosign(const bcemr_set *set, const bcemr_tr_checkpoint *checkpoint,
                       const bcemr_secrets *const *voters, uint64_t votes, bcemr_buf *out)
{
    bcemr_g1_raw signatures[BCEMR_SET_MAX];
    uint8_t bitmap[8] = {0};
    uint64_t n = 0;
    for (uint64_t i = 0; i < set->count; i++) {
        if ((votes >> i & 1) == 0)
            continue;
        bcemr_bitmap_set(bitmap, i);
        must(bcemr_checkpoint_sign(&voters[i]->x, checkpoint, &signatures[n++], NULL));
    }
    bcemr_buf_clear(out);
    must(bcemr_checkpoint_join(set, checkpoint,
                               bcemr_span_of(bitmap, bcemr_bitmap_size(set->count)), signatures,
                               out, NULL));
}
