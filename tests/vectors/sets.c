/* SPDX-License-Identifier: Apache-2.0 */
/* sets.json: the genesis, steps from set to set, enrolments (2.3, 2.4). */
#include "vectors/vectors.h"

#include <bcemr/group.h>

typedef struct walk {
    const story *s;
    bcemr_g2 authority;
    bcemr_set set, next;
    const bcemr_secrets *voters[BCEMR_SET_MAX];
    bcemr_buf member, signed_entry;
} walk;

static bcemr_span member_of(walk *w, const consortium_node *node)
{
    return encode(&bcemr_type_member, &node->row, &w->member);
}

static void step(walk *w, const char *name, const bcemr_type *type, const void *entry,
                 const consortium_row *rows, uint64_t count)
{
    const consortium *c = w->s->c;
    consortium_sign(c, type, entry, rows, count, &w->signed_entry);
    const bcemr_span signed_entry = bcemr_buf_span(&w->signed_entry);
    holds(bcemr_set_follow(c->context, &w->authority, &c->ledger, &w->set, signed_entry, &w->next,
                           NULL));
    vec_begin("set_step", name);
    VEC("P", c->p);
    VEC("ledger", c->ledger);
    vec_buf("before", &w->set.encoding);
    vec_span("signed", signed_entry);
    vec_buf("after", &w->next.encoding);
    VEC("after_hash", w->next.hash);
    vec_end();
    must(bcemr_set_read(bcemr_buf_span(&w->next.encoding), &w->set, NULL));
}

static consortium_row authority_row(const walk *w)
{
    return (consortium_row){.role = "authority", .by = &w->s->c->authority};
}

static consortium_row votes_row(const walk *w, uint64_t votes)
{
    return (consortium_row){
        .role = "set", .votes = votes, .voters = w->voters, .places = w->set.count};
}

static consortium_row pop_row(const consortium_node *node)
{
    return (consortium_row){
        .role = "pop", .who = bcemr_text(node->id), .by = &node->keys, .member = &node->row};
}

static void steps(walk *w)
{
    const consortium *c = w->s->c;
    const consortium_node *joining = &c->nodes[HOSPITAL_3];
    static consortium_node renewed;
    consortium_node_make(&renewed, c->nodes[CLOUD_1].id, BCEMR_role_CLOUD, "new keys");
    const bcemr_tr_e_join join = {c->ledger, 1, w->set.hash, member_of(w, joining)};
    const consortium_row join_rows[3] = {authority_row(w), votes_row(w, 0x07), pop_row(joining)};
    step(w, "Join", &bcemr_type_e_join, &join, join_rows, 3);
    w->voters[4] = &joining->keys;
    const bcemr_tr_e_rekey rekey = {c->ledger, 2, w->set.hash, 2, member_of(w, &renewed), 0};
    const consortium_row old = {
        .role = "cloud", .who = bcemr_text(renewed.id), .by = &c->nodes[CLOUD_1].keys};
    const consortium_row rekey_rows[4] = {authority_row(w), votes_row(w, 0x1b), pop_row(&renewed),
                                          old};
    step(w, "Rekey, signed by the old A", &bcemr_type_e_rekey, &rekey, rekey_rows, 4);
    w->voters[2] = &renewed.keys;
    const bcemr_tr_e_leave leave = {c->ledger, 3, w->set.hash, member_of(w, &c->nodes[HOSPITAL_2])};
    const consortium_row leave_rows[2] = {authority_row(w), votes_row(w, 0x1d)};
    step(w, "Leave", &bcemr_type_e_leave, &leave, leave_rows, 2);
}

static void genesis(const walk *w)
{
    const consortium *c = w->s->c;
    vec_begin("genesis", "leaf 0, the ledger id and set 0");
    vec_buf("signed", &c->signed_genesis);
    VEC("ledger", c->ledger);
    vec_buf("set", &w->set.encoding);
    VEC("set_hash", w->set.hash);
    vec_end();
}

static void enrolments(const walk *w)
{
    const consortium *c = w->s->c;
    consortium_enrolment doctor, reader;
    bcemr_buf signed_entry = BCEMR_BUF_EMPTY;
    consortium_enrol(c, &c->doctors[0], "hospital-1", STORY_ISSUED, STORY_ISSUED + 1000, &doctor);
    consortium_enrol_reader(c, &c->doctors[5], STORY_ISSUED, STORY_ISSUED + 1000, &reader);
    const consortium_row rows[2] = {
        {.role = "hospital", .who = bcemr_text("hospital-1"), .by = &c->nodes[HOSPITAL_1].keys},
        authority_row(w)};
    for (int i = 0; i < 2; i++) {
        consortium_sign(c, &bcemr_type_e_enrol, i ? &reader.entry : &doctor.entry, &rows[i], 1,
                        &signed_entry);
        vec_begin("enrolment", i ? "a reader" : "a doctor");
        VEC("P", c->p);
        VEC("ledger", c->ledger);
        if (i == 0)
            VEC("A", c->nodes[HOSPITAL_1].publics.a);
        vec_buf("signed", &signed_entry);
        vec_end();
    }
    bcemr_buf_free(&doctor.pops);
    bcemr_buf_free(&reader.pops);
    bcemr_buf_free(&signed_entry);
}

void vectors_set(story *s)
{
    walk w = {.s = s, .set = BCEMR_SET_EMPTY, .next = BCEMR_SET_EMPTY};
    must(bcemr_g2_decode(&s->c->p, &w.authority));
    must(bcemr_set_begin(&s->c->genesis, &w.set, NULL));
    for (int i = 0; i < 4; i++)
        w.voters[i] = &s->c->nodes[i].keys;
    vec_open("sets", "the genesis, steps from set to set, enrolments (2.3, 2.4)");
    genesis(&w);
    steps(&w);
    enrolments(&w);
    vec_close();
    bcemr_set_free(&w.set);
    bcemr_set_free(&w.next);
    bcemr_buf_free(&w.member);
    bcemr_buf_free(&w.signed_entry);
}
