/* SPDX-License-Identifier: Apache-2.0 */
/* What the authority makes is taken by the ledger, and what it must not make it refuses. */
#include "server/server_test.h"

static clinic c;

static int play(void **state)
{
    (void)state;
    clinic_begin(&c);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bcemr_switch_all_on();
    clinic_end(&c);
    return 0;
}

/* ---- genesis ---- */

typedef struct founding {
    bcemr_tr_member members[4];
    authority_parameters parameters;
    bcemr_buf draft, made;
    bcemr_buf pops[4];
    bcemr_span spans[4];
    bcemr_hash ledger;
} founding;

static void found(founding *f)
{
    memset(f, 0, sizeof *f);
    for (int i = 0; i < 4; i++)
        f->members[i] = c.consortium.nodes[i].row;
    f->parameters = (authority_parameters){.reissues = 2,
                                           .clock_difference = 1000,
                                           .retention = 1000,
                                           .quotas = {1, 1, 1},
                                           .members = f->members,
                                           .member_count = 4};
    must(authority_genesis_draft(&c.authority, &f->parameters, &f->draft, &f->ledger, NULL));
    for (int i = 0; i < 4; i++) {
        bcemr_tr_pop pop;
        const bcemr_secrets *keys = &c.consortium.nodes[i].keys;
        bcemr_member_pop(&f->ledger, &f->members[i], &pop);
        must(bcemr_pop_make(&keys->x, &keys->a, &pop, &f->pops[i], NULL));
        f->spans[i] = bcemr_buf_span(&f->pops[i]);
    }
}

static void founding_free(founding *f)
{
    bcemr_buf_free(&f->draft);
    bcemr_buf_free(&f->made);
    for (int i = 0; i < 4; i++)
        bcemr_buf_free(&f->pops[i]);
}

static bcemr_status sign(founding *f, uint64_t count)
{
    c.error = (bcemr_error){0};
    bcemr_buf_clear(&f->made);
    return authority_genesis_sign(&c.authority, bcemr_buf_span(&f->draft), f->spans, count,
                                  &f->made, &c.error);
}

static void signs_a_genesis_that_holds(void **state)
{
    (void)state;
    founding f;
    bcemr_hash ledger;
    found(&f);
    assert_status(sign(&f, 4), BCEMR_OK);
    assert_int_equal(
        bcemr_genesis_check(c.consortium.context, bcemr_buf_span(&f.made), &ledger, NULL),
        BCEMR_VALID);
    assert_memory_equal(&ledger, &f.ledger, sizeof ledger);
    founding_free(&f);
}

static void signs_no_genesis_without_every_proof(void **state)
{
    (void)state;
    founding f;
    found(&f);
    f.pops[2].p[3] ^= 1;
    bcemr_status status = sign(&f, 4);
    assert_int_not_equal(status, BCEMR_OK);
    assert_int_equal(f.made.n, 0);
    f.pops[2].p[3] ^= 1;
    f.pops[2].p[60] ^= 1; /* Ed_A's half */
    assert_clinic_refused(sign(&f, 4), BCEMR_BAD_POP);
    assert_int_equal(c.error.index, 2);
    f.pops[2].p[60] ^= 1;
    bcemr_span first = f.spans[0]; /* each stands for its own member */
    f.spans[0] = f.spans[1];
    f.spans[1] = first;
    assert_clinic_refused(sign(&f, 4), BCEMR_BAD_POP);
    assert_clinic_refused(sign(&f, 3), BCEMR_BAD_GENESIS);
    founding_free(&f);
}

static void founds_no_consortium_with_a_key_twice(void **state)
{
    (void)state;
    founding f;
    found(&f);
    f.members[1].a = f.members[0].a;
    bcemr_buf_clear(&f.draft);
    must(authority_genesis_draft(&c.authority, &f.parameters, &f.draft, &f.ledger, NULL));
    for (int i = 0; i < 4; i++) {
        bcemr_tr_pop pop;
        const bcemr_secrets *keys = &c.consortium.nodes[i].keys;
        bcemr_member_pop(&f.ledger, &f.members[i], &pop);
        bcemr_buf_clear(&f.pops[i]);
        must(bcemr_pop_make(&keys->x, i == 1 ? &c.consortium.nodes[0].keys.a : &keys->a, &pop,
                            &f.pops[i], NULL));
        f.spans[i] = bcemr_buf_span(&f.pops[i]);
    }
    assert_clinic_refused(sign(&f, 4), BCEMR_BAD_GENESIS);
    founding_free(&f);
}

/* ---- enrolment ---- */

typedef struct wishing {
    authority_wish wish;
    bcemr_buf pops, entry;
} wishing;

static void wish(wishing *w, bcemr_enrol_kind kind, uint64_t d)
{
    memset(w, 0, sizeof *w);
    w->wish = (authority_wish){.kind = kind,
                               .id = bcemr_text(c.consortium.doctors[d].id),
                               .keys = c.consortium.doctors[d].publics,
                               .not_before = c.now,
                               .not_after = c.now + CLINIC_HOUR};
    if (kind == BCEMR_enrol_kind_DOCTOR)
        w->wish.hospital = c.nodes[HOSPITAL_1].id;
}

/* Proofs for the wish as it stands, then the authority. */
static bcemr_status enrol(wishing *w, uint64_t d, bool spoil)
{
    bcemr_buf_clear(&w->pops);
    bcemr_buf_clear(&w->entry);
    must(authority_wish_pops(&c.consortium.ledger, &w->wish, &c.consortium.doctors[d].keys,
                             &w->pops, NULL));
    w->pops.p[w->pops.n - 40] ^= spoil;
    w->wish.pops = bcemr_buf_span(&w->pops);
    c.error = (bcemr_error){0};
    bcemr_status status = authority_enrol(&c.authority, &c.view, &w->wish, &w->entry, &c.error);
    if (status != BCEMR_OK)
        assert_int_equal(w->entry.n, 0);
    return status;
}

static void wishing_free(wishing *w)
{
    bcemr_buf_free(&w->pops);
    bcemr_buf_free(&w->entry);
}

static void enrols_only_sound_wishes(void **state)
{
    (void)state;
    wishing w;
    wish(&w, BCEMR_enrol_kind_DOCTOR, 5);
    w.wish.not_after = w.wish.not_before;
    assert_clinic_refused(enrol(&w, 5, false), BCEMR_BAD_ENROLMENT);
    wishing_free(&w);
    wish(&w, BCEMR_enrol_kind_DOCTOR, 5);
    w.wish.hospital = c.nodes[CLOUD_1].id;
    assert_clinic_refused(enrol(&w, 5, false), BCEMR_BAD_ENROLMENT);
    w.wish.hospital = bcemr_text("hospital-3");
    assert_clinic_refused(enrol(&w, 5, false), BCEMR_BAD_ENROLMENT);
    wishing_free(&w);
    wish(&w, BCEMR_enrol_kind_DOCTOR, 5);
    w.wish.id = c.nodes[CLOUD_1].id; /* a supernode's name */
    assert_clinic_refused(enrol(&w, 5, false), BCEMR_BAD_ENROLMENT);
    wishing_free(&w);
    wish(&w, BCEMR_enrol_kind_DOCTOR, 5);
    assert_clinic_refused(enrol(&w, 5, true), BCEMR_BAD_POP);
    assert_clinic_refused(enrol(&w, 4, false), BCEMR_BAD_POP); /* another's keys */
    memset(&w.wish.keys.box, 0, sizeof w.wish.keys.box);
    assert_status(enrol(&w, 5, false), BCEMR_E_X25519_SMALL_ORDER);
    wishing_free(&w);
    wish(&w, BCEMR_enrol_kind_DOCTOR, 5);
    assert_status(enrol(&w, 5, false), BCEMR_OK);
    wishing_free(&w);
}

static void enrols_a_reader_by_itself(void **state)
{
    (void)state;
    wishing w;
    bcemr_g1_raw signature;
    bcemr_tr_signer row;
    bcemr_buf made = BCEMR_BUF_EMPTY;
    wish(&w, BCEMR_enrol_kind_READER, 5);
    w.wish.hospital = c.nodes[HOSPITAL_1].id;
    assert_clinic_refused(enrol(&w, 5, false), BCEMR_BAD_ENROLMENT);
    w.wish.hospital = (bcemr_span){NULL, 0};
    assert_clinic_refused(enrol(&w, 5, true), BCEMR_BAD_POP);
    assert_status(enrol(&w, 5, false), BCEMR_OK);
    must(authority_row(&c.authority, bcemr_buf_span(&w.entry), &signature, &row, NULL));
    must(bcemr_signed_make(bcemr_buf_span(&w.entry), &row, 1, &made, NULL));
    assert_status(clinic_post(&c, bcemr_buf_span(&made)), BCEMR_OK);
    bcemr_buf_free(&made);
    made = BCEMR_BUF_EMPTY;
    must(authority_retire(&c.authority, &c.view, w.wish.id, &made, NULL));
    assert_status(clinic_post(&c, bcemr_buf_span(&made)), BCEMR_OK);
    bcemr_buf_free(&made);
    wishing_free(&w);
}

static void retires_only_the_enrolled(void **state)
{
    (void)state;
    bcemr_buf made = BCEMR_BUF_EMPTY;
    c.error = (bcemr_error){0};
    assert_clinic_refused(
        authority_retire(&c.authority, &c.view, bcemr_text("nobody"), &made, &c.error),
        BCEMR_NOT_ENROLLED);
    must(authority_retire(&c.authority, &c.view, c.doctors[0].id, &made, NULL));
    assert_status(clinic_post(&c, bcemr_buf_span(&made)), BCEMR_OK);
    bcemr_buf_clear(&made);
    assert_clinic_refused(authority_retire(&c.authority, &c.view, c.doctors[0].id, &made, &c.error),
                          BCEMR_NOT_ENROLLED);
    bcemr_buf_free(&made);
}

/* ---- changes of the set ---- */

static void pop_of(const consortium_node *node, bcemr_buf *out)
{
    bcemr_tr_pop pop;
    bcemr_buf_clear(out);
    bcemr_member_pop(&c.consortium.ledger, &node->row, &pop);
    must(bcemr_pop_make(&node->keys.x, &node->keys.a, &pop, out, NULL));
}

static void vote(bcemr_span entry, uint64_t node, authority_vote *out)
{
    out->id = c.nodes[node].id;
    must(server_vote(&c.nodes[node].signer, entry, &out->signature, NULL));
}

static bcemr_status change(bcemr_span entry, const authority_vote *votes, uint64_t count,
                           bcemr_span pop, const bcemr_ed_signature *old, bcemr_buf *made)
{
    c.error = (bcemr_error){0};
    bcemr_buf_clear(made);
    bcemr_status status =
        authority_change(&c.authority, &c.view, entry, votes, count, pop, old, made, &c.error);
    if (status != BCEMR_OK)
        assert_int_equal(made->n, 0);
    return status;
}

static void joins_by_a_majority(void **state)
{
    (void)state;
    const consortium_node *node = &c.consortium.nodes[HOSPITAL_3];
    bcemr_buf entry = BCEMR_BUF_EMPTY, pop = BCEMR_BUF_EMPTY, made = BCEMR_BUF_EMPTY;
    authority_vote votes[3];
    assert_clinic_refused(
        authority_join(&c.view, &c.consortium.nodes[CLOUD_1].row, &entry, &c.error), BCEMR_BAD_SET);
    must(authority_join(&c.view, &node->row, &entry, NULL));
    pop_of(node, &pop);
    const bcemr_span e = bcemr_buf_span(&entry), p = bcemr_buf_span(&pop);
    for (uint64_t n = 0; n < 3; n++)
        vote(e, n, &votes[n]);
    assert_clinic_refused(change(e, votes, 2, p, NULL, &made), BCEMR_NOT_ENOUGH_SIGNERS);
    votes[2] = votes[1]; /* the same twice is one */
    assert_clinic_refused(change(e, votes, 3, p, NULL, &made), BCEMR_NOT_ENOUGH_SIGNERS);
    votes[2].id = c.nodes[CLOUD_1].id; /* hospital-2's, counted for cloud-1 */
    assert_clinic_refused(change(e, votes, 3, p, NULL, &made), BCEMR_BAD_JOINT_SIGNATURE);
    assert_int_equal(c.error.index, 2);
    vote(e, 2, &votes[2]);
    pop.p[70] ^= 1;
    assert_clinic_refused(change(e, votes, 3, p, NULL, &made), BCEMR_BAD_POP);
    pop.p[70] ^= 1;
    assert_status(change(e, votes, 3, p, NULL, &made), BCEMR_OK);
    assert_status(clinic_post(&c, bcemr_buf_span(&made)), BCEMR_OK);
    assert_clinic_refused(change(e, votes, 3, p, NULL, &made), BCEMR_BAD_SET); /* of a set gone */
    bcemr_buf_free(&entry);
    bcemr_buf_free(&pop);
    bcemr_buf_free(&made);
}

static void leaves_without_its_own_vote(void **state)
{
    (void)state;
    bcemr_buf entry = BCEMR_BUF_EMPTY, made = BCEMR_BUF_EMPTY;
    const bcemr_span none = {NULL, 0};
    authority_vote votes[3];
    assert_clinic_refused(authority_leave(&c.view, bcemr_text("nobody"), &entry, &c.error),
                          BCEMR_BAD_SET);
    must(authority_leave(&c.view, c.nodes[CLOUD_2].id, &entry, NULL));
    const bcemr_span e = bcemr_buf_span(&entry);
    for (uint64_t n = 0; n < 3; n++)
        vote(e, n, &votes[n]);
    assert_clinic_refused(change(e, votes, 2, none, NULL, &made), BCEMR_NOT_ENOUGH_SIGNERS);
    authority_vote own = votes[2];
    vote(e, CLOUD_2, &votes[2]);
    assert_clinic_refused(change(e, votes, 3, none, NULL, &made), BCEMR_BAD_JOINT_SIGNATURE);
    votes[2] = own;
    assert_status(change(e, votes, 3, none, NULL, &made), BCEMR_OK);
    assert_status(clinic_post(&c, bcemr_buf_span(&made)), BCEMR_OK);
    bcemr_buf_free(&entry);
    bcemr_buf_free(&made);
}

static void rekeys_with_the_old_key_or_without(void **state)
{
    (void)state;
    consortium_node fresh;
    bcemr_buf entry = BCEMR_BUF_EMPTY, pop = BCEMR_BUF_EMPTY, made = BCEMR_BUF_EMPTY;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_ed_signature old;
    authority_vote votes[3];
    consortium_node_make(&fresh, "cloud-2", BCEMR_role_HOSPITAL, "fresh");
    assert_clinic_refused(authority_rekey(&c.view, &fresh.row, false, &entry, &c.error),
                          BCEMR_BAD_SET);
    consortium_node_make(&fresh, "cloud-2", BCEMR_role_CLOUD, "fresh");
    must(authority_rekey(&c.view, &fresh.row, false, &entry, NULL));
    pop_of(&fresh, &pop);
    const bcemr_span e = bcemr_buf_span(&entry), p = bcemr_buf_span(&pop);
    for (uint64_t n = 0; n < 3; n++)
        vote(e, n, &votes[n]);
    assert_status(change(e, votes, 3, p, NULL, &made), BCEMR_E_ABSENT);
    must(bcemr_entry_message("cloud", e, &message, NULL));
    must(c.nodes[CLOUD_2].signer.sign(c.nodes[CLOUD_2].signer.user, bcemr_buf_span(&message), &old,
                                      NULL));
    assert_status(change(e, votes, 3, p, &old, &made), BCEMR_OK);
    assert_status(clinic_post(&c, bcemr_buf_span(&made)), BCEMR_OK);
    consortium_node_make(&fresh, "cloud-2", BCEMR_role_CLOUD, "fresher");
    bcemr_buf_clear(&entry);
    must(authority_rekey(&c.view, &fresh.row, true, &entry, NULL));
    pop_of(&fresh, &pop);
    for (uint64_t n = 0; n < 3; n++)
        vote(bcemr_buf_span(&entry), n, &votes[n]);
    assert_status(change(bcemr_buf_span(&entry), votes, 3, bcemr_buf_span(&pop), NULL, &made),
                  BCEMR_OK);
    assert_status(clinic_post(&c, bcemr_buf_span(&made)), BCEMR_OK);
    bcemr_buf_free(&entry);
    bcemr_buf_free(&pop);
    bcemr_buf_free(&made);
    bcemr_buf_free(&message);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, play, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(signs_a_genesis_that_holds),
        FRESH(signs_no_genesis_without_every_proof),
        FRESH(founds_no_consortium_with_a_key_twice),
        FRESH(enrols_only_sound_wishes),
        FRESH(enrols_a_reader_by_itself),
        FRESH(retires_only_the_enrolled),
        FRESH(joins_by_a_majority),
        FRESH(leaves_without_its_own_vote),
        FRESH(rekeys_with_the_old_key_or_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
