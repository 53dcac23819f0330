/* SPDX-License-Identifier: Apache-2.0 */
/* A member that cosigns on a chain's log: its Rekeys, what it refuses and keeps, and how it comes
 * back after a restore (section 8.2). */
#include "rules_test.h"

#include <stdio.h>

static bcemr_status sign_with(void *user, const bcemr_tr_checkpoint *checkpoint, bcemr_g1_raw *out,
                              bcemr_error *err)
{
    const bcemr_secrets *keys = user;
    return bcemr_checkpoint_sign(&keys->x, checkpoint, out, err);
}

/* cloud-2 gets the keys of a name; the others vote, its old A signs by old (NULL: lost). */
static uint32_t rekey(world *w, const char *seed, const bcemr_secrets *old, const char *tls)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    consortium_node_make(&w->renewed, "cloud-2", BCEMR_role_CLOUD, seed);
    if (tls)
        bcemr_sha256(bcemr_text(tls), &w->renewed.row.tls);
    bcemr_tr_e_rekey e = {
        .ledger = w->c.ledger, .place = CLOUD_2, .lost = old ? BCEMR_yes_no_NO : BCEMR_yes_no_YES};
    consortium_row rows[4] = {world_authority(w), world_votes(w, 7), world_pop(&w->renewed),
                              world_node_row(w, CLOUD_2)};
    rows[3].by = old;
    world_set_now(w, &e.number, &e.before);
    e.number++;
    e.member = world_member(&w->renewed.row, &held);
    uint32_t reason = world_post(w, &bcemr_type_e_rekey, &e, rows, old ? 4 : 3);
    bcemr_buf_free(&held);
    return reason;
}

static bcemr_status sign_now(world *w, ledger_cosigner *cosigner)
{
    bcemr_tr_checkpoint checkpoint;
    bcemr_g1_raw signature;
    must(ledger_chain_checkpoint(w->chain, &checkpoint, NULL));
    return ledger_cosigner_sign(cosigner, &checkpoint, w->clock, bcemr_text("hospital-1"),
                                &signature, &w->err);
}

/* The newest checkpoint, by the first three of the set. */
static void cosign(world *w, bcemr_buf *out)
{
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    must(ledger_chain_checkpoint(w->chain, &checkpoint, NULL));
    must(ledger_chain_set_now(w->chain, &set, NULL));
    bcemr_buf_clear(out);
    consortium_cosign(&set, &checkpoint, w->voters, 7, out);
    bcemr_set_free(&set);
}

static void begin(world *w, const char *id, ledger_cosigner *out)
{
    must(
        ledger_cosigner_begin(out, w->chain, bcemr_text(id), sign_with, &w->renewed.keys, 0, NULL));
}

static void waits_after_its_own_rekey(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner, restarted;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY, old = BCEMR_BUF_EMPTY;
    begin(w, "cloud-2", &cosigner);
    assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
    cosign(w, &old);
    TAKEN(rekey(w, "cloud-2 lost", NULL, NULL));
    assert_int_equal(sign_now(w, &cosigner), BCEMR_E_STATE);
    begin(w, "cloud-2", &restarted);
    assert_int_equal(sign_now(w, &restarted), BCEMR_E_STATE);
    /* What an earlier set signed does not do. */
    assert_int_equal(ledger_cosigner_resume(&restarted, bcemr_buf_span(&old), &w->err),
                     BCEMR_E_REFUSED);
    assert_int_equal(w->err.verdict, BCEMR_BAD_SET);
    assert_int_equal(sign_now(w, &restarted), BCEMR_E_STATE);
    cosign(w, &cosigned);
    must(ledger_cosigner_resume(&restarted, bcemr_buf_span(&cosigned), NULL));
    assert_int_equal(sign_now(w, &restarted), BCEMR_OK);
    /* Kept keys or not: a Rekey is a Rekey. */
    const bcemr_secrets kept = w->renewed.keys;
    TAKEN(rekey(w, "cloud-2 lost", &kept, "another TLS key"));
    assert_int_equal(sign_now(w, &restarted), BCEMR_E_STATE);
    bcemr_buf_free(&cosigned);
    bcemr_buf_free(&old);
}

static void goes_on_after_those_of_others(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    begin(w, "cloud-1", &cosigner);
    assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
    TAKEN(world_join(w, &w->c.nodes[CLOUD_3]));
    TAKEN(rekey(w, "cloud-2 lost", NULL, NULL));
    assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
}

/* ---- evidence ---- */

/* What ledger_chain_refused tells, in its order. */
typedef struct evidence_list {
    uint64_t count, stop_at;
    uint64_t numbers[LEDGER_REFUSED_MAX + 1];
    bcemr_tr_checkpoint asked[LEDGER_REFUSED_MAX + 1], own[LEDGER_REFUSED_MAX + 1];
    char who[LEDGER_REFUSED_MAX + 1][32];
    int64_t times[LEDGER_REFUSED_MAX + 1];
} evidence_list;

static evidence_list list;

static bcemr_status note(void *user, const bcemr_tr_state_refused *refused, bool *more)
{
    evidence_list *l = user;
    uint64_t i = l->count++;
    assert_true(i <= LEDGER_REFUSED_MAX);
    l->numbers[i] = refused->number;
    l->times[i] = refused->time;
    must(bcemr_read_checkpoint(refused->asked, &l->asked[i], NULL));
    must(bcemr_read_checkpoint(refused->own, &l->own[i], NULL));
    (void)snprintf(l->who[i], sizeof l->who[i], "%.*s", (int)refused->who.n,
                   (const char *)refused->who.p);
    *more = l->count != l->stop_at;
    return BCEMR_OK;
}

static void read_evidence(const ledger_chain *chain)
{
    memset(&list, 0, sizeof list);
    must(ledger_chain_refused(chain, note, &list, NULL));
}

static bcemr_status ask(world *w, ledger_cosigner *cosigner, const bcemr_tr_checkpoint *asked,
                        const char *who)
{
    bcemr_g1_raw signature;
    w->err = (bcemr_error){0};
    return ledger_cosigner_sign(cosigner, asked, w->clock, bcemr_text(who), &signature, &w->err);
}

#define REFUSES(name, where, call)                                                                 \
    do {                                                                                           \
        assert_int_equal((call), BCEMR_E_REFUSED);                                                 \
        assert_string_equal(bcemr_verdict_name(w->err.verdict), #name);                            \
        assert_string_equal(w->err.field, where);                                                  \
    } while (0)

static void keeps_what_it_refuses(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    bcemr_tr_checkpoint first, last, asked;
    begin(w, "cloud-1", &cosigner);
    must(ledger_chain_checkpoint(w->chain, &first, NULL));
    must(ask(w, &cosigner, &first, "hospital-1"));
    /* A second root of the size that it signed last. */
    asked = first;
    asked.root.b[0] ^= 1;
    REFUSES(BAD_CHECKPOINT, "root", ask(w, &cosigner, &asked, "hospital-2"));
    TAKEN(world_retire(w, 0));
    must(ledger_chain_checkpoint(w->chain, &last, NULL));
    must(ask(w, &cosigner, &last, "hospital-1"));
    /* Of a size before that; a true one is no evidence. */
    asked.root.b[0] ^= 3;
    REFUSES(BAD_CHECKPOINT, "root", ask(w, &cosigner, &asked, "cloud-2"));
    REFUSES(STALE_PROOF, "size", ask(w, &cosigner, &first, "cloud-2"));
    /* The same again is kept once, in another process, too; by another, again. */
    begin(w, "cloud-1", &cosigner);
    REFUSES(BAD_CHECKPOINT, "root", ask(w, &cosigner, &asked, "cloud-2"));
    REFUSES(BAD_CHECKPOINT, "root", ask(w, &cosigner, &asked, "cloud-3"));
    /* Ahead of the log is no contradiction, of another ledger is none of ours. */
    asked = last;
    asked.size++;
    assert_int_equal(ask(w, &cosigner, &asked, "cloud-2"), BCEMR_E_NOT_FOUND);
    asked = last;
    asked.ledger.b[0] ^= 1;
    REFUSES(WRONG_LEDGER, "ledger", ask(w, &cosigner, &asked, "cloud-2"));
    read_evidence(w->chain);
    assert_int_equal(list.count, 3);
    static const char *const who[] = {"hospital-2", "cloud-2", "cloud-3"};
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(list.numbers[i], i);
        assert_string_equal(list.who[i], who[i]);
        assert_int_equal(list.asked[i].size, first.size);
        assert_memory_not_equal(list.asked[i].root.b, first.root.b, 32);
        assert_memory_equal(list.own[i].root.b, first.root.b, 32);
        assert_true(list.times[i] > WORLD_START);
    }
}

/* A size at which no block of this log ends. */
static void keeps_a_size_that_is_none(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    bcemr_tr_checkpoint asked, newest;
    world_visit visit;
    begin(w, "cloud-1", &cosigner);
    world_sealed_visit(w, 0, 1, &visit); /* the Seal's block has the case header, too */
    must(ledger_chain_checkpoint(w->chain, &newest, NULL));
    asked = newest;
    asked.size--;
    REFUSES(BAD_CHECKPOINT, "size", ask(w, &cosigner, &asked, "cloud-2"));
    read_evidence(w->chain);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.asked[0].size, newest.size - 1);
    assert_int_equal(list.own[0].size, newest.size);
    world_visit_free(&visit);
}

static void keeps_the_first_and_the_newest(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    bcemr_tr_checkpoint asked;
    const uint64_t many = 3 * LEDGER_REFUSED_MAX + 5;
    must(ledger_chain_checkpoint(w->chain, &asked, NULL));
    begin(w, "cloud-1", &cosigner);
    for (uint64_t i = 0; i < many; i++) {
        bcemr_store_u64(asked.root.b, i);
        assert_int_equal(ask(w, &cosigner, &asked, "cloud-2"), BCEMR_E_REFUSED);
        read_evidence(w->chain);
        uint64_t kept = i + 1 < LEDGER_REFUSED_MAX ? i + 1 : LEDGER_REFUSED_MAX;
        assert_int_equal(list.count, kept);
        for (uint64_t j = 0; j < kept; j++) {
            uint64_t number = j == 0 ? 0 : i + 1 - kept + j;
            assert_int_equal(list.numbers[j], number);
            assert_int_equal(bcemr_load_u64(list.asked[j].root.b), number);
        }
    }
    memset(&list, 0, sizeof list);
    list.stop_at = 2;
    must(ledger_chain_refused(w->chain, note, &list, NULL));
    assert_int_equal(list.count, 2);
}

static void keeps_it_under_a_name_that_is_none(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    bcemr_tr_checkpoint asked;
    char longer[300];
    memset(longer, 'x', sizeof longer);
    longer[299] = 0;
    must(ledger_chain_checkpoint(w->chain, &asked, NULL));
    begin(w, "cloud-1", &cosigner);
    asked.tau++;
    REFUSES(BAD_CHECKPOINT, "tau", ask(w, &cosigner, &asked, "a\nb\xff"));
    asked.tau++;
    REFUSES(BAD_CHECKPOINT, "tau", ask(w, &cosigner, &asked, longer));
    read_evidence(w->chain);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.who[0], "");
    assert_string_equal(list.who[1], "");
}

/* ---- answers between nodes ---- */

static void answers(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    bcemr_tr_checkpoint asked;
    bcemr_tr_cosign_answer answer;
    bcemr_buf question = BCEMR_BUF_EMPTY, held = BCEMR_BUF_EMPTY;
    bcemr_hash hash;
    bcemr_g1_raw signature;
    begin(w, "cloud-1", &cosigner);
    must(ledger_chain_checkpoint(w->chain, &asked, NULL));
    for (int i = 0; i < 2; i++) {
        bcemr_buf_clear(&question);
        bcemr_buf_clear(&held);
        must(bcemr_write_checkpoint(&asked, &question, NULL));
        must(ledger_cosigner_answer(&cosigner, bcemr_buf_span(&question), w->clock,
                                    bcemr_text("hospital-1"), &held, NULL));
        must(bcemr_read_cosign_answer(bcemr_buf_span(&held), &answer, NULL));
        bcemr_sha256(bcemr_buf_span(&question), &hash);
        assert_memory_equal(answer.checkpoint.b, hash.b, 32);
        assert_true(bcemr_span_equal(answer.member, bcemr_text("cloud-1")));
        if (i == 0) {
            must(bcemr_checkpoint_sign(&w->renewed.keys.x, &asked, &signature, NULL));
            assert_true(bcemr_span_equal(answer.signature, bcemr_span_of(signature.b, 48)));
            assert_int_equal(answer.status, BCEMR_OK);
            asked.root.b[0] ^= 1;
            continue;
        }
        assert_int_equal(answer.signature.n, 0);
        assert_int_equal(answer.status, BCEMR_E_REFUSED);
        assert_int_equal(answer.verdict, BCEMR_BAD_CHECKPOINT);
        assert_true(bcemr_span_equal(answer.field, bcemr_text("root")));
    }
    assert_int_equal(ledger_cosigner_answer(&cosigner, bcemr_buf_span(&held), w->clock,
                                            (bcemr_span){0}, &question, &w->err),
                     BCEMR_E_UNKNOWN_KIND);
    bcemr_buf_free(&question);
    bcemr_buf_free(&held);
}

/* ---- a store that fails ---- */

typedef enum failing { NOT_KEPT, KEPT_ALL_THE_SAME } failing;

typedef struct faulty {
    ledger_state inner;
    uint64_t fail_at; /* the n-th commit or put from now fails; 0: none */
    failing how;
} faulty;

static faulty store;

static bool fails_now(void)
{
    return store.fail_at > 0 && --store.fail_at == 0;
}

static bcemr_status faulty_get(void *self, ledger_table table, bcemr_span key, bcemr_buf *value)
{
    (void)self;
    return ledger_get(&store.inner, table, key, value);
}

static bcemr_status faulty_put(void *self, ledger_table table, bcemr_span key, bcemr_span value)
{
    (void)self;
    return fails_now() ? BCEMR_E_IO : ledger_put(&store.inner, table, key, value);
}

static bcemr_status faulty_scan(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                                ledger_row_visitor visit, void *user)
{
    (void)self;
    return ledger_scan(&store.inner, table, prefix, from, visit, user);
}

static bcemr_status faulty_begin(void *self)
{
    (void)self;
    return store.inner.ops->begin(store.inner.self);
}

static bcemr_status faulty_mark(void *self)
{
    (void)self;
    return store.inner.ops->mark(store.inner.self);
}

static bcemr_status faulty_keep(void *self)
{
    (void)self;
    return store.inner.ops->keep(store.inner.self);
}

static bcemr_status faulty_undo(void *self)
{
    (void)self;
    return store.inner.ops->undo(store.inner.self);
}

static bcemr_status faulty_commit(void *self)
{
    (void)self;
    if (!fails_now())
        return store.inner.ops->commit(store.inner.self);
    if (store.how == KEPT_ALL_THE_SAME)
        must(store.inner.ops->commit(store.inner.self));
    return BCEMR_E_IO;
}

static void faulty_rollback(void *self)
{
    (void)self;
    store.inner.ops->rollback(store.inner.self);
}

static void faulty_close(void *self)
{
    (void)self; /* it is opened again */
}

static const ledger_state_ops faulty_ops = {
    .get = faulty_get,
    .put = faulty_put,
    .scan = faulty_scan,
    .begin = faulty_begin,
    .mark = faulty_mark,
    .keep = faulty_keep,
    .undo = faulty_undo,
    .commit = faulty_commit,
    .rollback = faulty_rollback,
    .close = faulty_close,
};

static ledger_chain *open_faulty(const world *w)
{
    ledger_chain *chain;
    const ledger_chain_options options = {.context = w->c.context,
                                          .state = {.ops = &faulty_ops, .self = &store}};
    must(ledger_chain_open(&chain, &options, bcemr_buf_span(&w->c.signed_genesis), NULL));
    return chain;
}

static void enrol(const world *w, ledger_chain *chain, int doctor)
{
    consortium_enrolment e;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    consortium_enrol(&w->c, &w->c.doctors[doctor], "hospital-1", 0, WORLD_START * 2, &e);
    const consortium_row row = world_node_row(w, HOSPITAL_1);
    consortium_sign(&w->c, &bcemr_type_e_enrol, &e.entry, &row, 1, &entry);
    must(ledger_chain_submit_one(chain, WORLD_START, bcemr_buf_span(&entry), NULL, NULL));
    bcemr_buf_free(&entry);
    bcemr_buf_free(&e.pops);
}

static uint64_t signatures;

static bcemr_status count_signature(void *user, const bcemr_tr_checkpoint *checkpoint,
                                    bcemr_g1_raw *out, bcemr_error *err)
{
    signatures++;
    return sign_with(user, checkpoint, out, err);
}

static void begin_on(world *w, ledger_chain *chain, ledger_cosigner *out)
{
    must(ledger_cosigner_begin(out, chain, bcemr_text("cloud-1"), count_signature,
                               &w->c.nodes[CLOUD_1].keys, 0, NULL));
}

/*
 * A crash between keeping and signing, for each write that can fail and for both that may have come
 * of it. Nothing is signed; afterwards the same checkpoint gets the one signature, and another of
 * that size none.
 */
static void crashes_between_keeping_and_signing(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    bcemr_tr_checkpoint asked, other;
    bcemr_g1_raw signature, expected;
    for (int run = 0; run < 4; run++) {
        must(ledger_state_memory(&store.inner));
        store.fail_at = 0;
        ledger_chain *chain = open_faulty(w);
        enrol(w, chain, 0);
        begin_on(w, chain, &cosigner);
        must(ledger_chain_checkpoint(chain, &asked, NULL));
        must(ledger_cosigner_sign(&cosigner, &asked, 1, (bcemr_span){0}, &signature, NULL));
        enrol(w, chain, 1);
        must(ledger_chain_checkpoint(chain, &asked, NULL));
        must(bcemr_checkpoint_sign(&w->c.nodes[CLOUD_1].keys.x, &asked, &expected, NULL));
        signatures = 0;
        store.fail_at = (uint64_t)run / 2 + 1; /* the put, the commit */
        store.how = (failing)(run % 2);
        assert_int_equal(
            ledger_cosigner_sign(&cosigner, &asked, 1, (bcemr_span){0}, &signature, &w->err),
            BCEMR_E_IO);
        assert_int_equal(signatures, 0);
        ledger_chain_close(chain);
        chain = open_faulty(w);
        begin_on(w, chain, &cosigner);
        other = asked;
        other.root.b[0] ^= 1;
        REFUSES(BAD_CHECKPOINT, "root", ask(w, &cosigner, &other, "cloud-2"));
        must(ledger_cosigner_sign(&cosigner, &asked, 1, (bcemr_span){0}, &signature, NULL));
        assert_memory_equal(signature.b, expected.b, sizeof expected.b);
        read_evidence(chain);
        assert_int_equal(list.count, 1);
        ledger_chain_close(chain);
        ledger_state_close(&store.inner);
    }
}

/* Evidence that could not be kept is no refusal that was told: the store's failure is. */
static void a_refusal_waits_for_its_evidence(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    bcemr_tr_checkpoint asked;
    must(ledger_state_memory(&store.inner));
    store.fail_at = 0;
    ledger_chain *chain = open_faulty(w);
    begin_on(w, chain, &cosigner);
    must(ledger_chain_checkpoint(chain, &asked, NULL));
    asked.root.b[0] ^= 1;
    for (int run = 0; run < 4; run++) {
        store.fail_at = (uint64_t)run / 2 + 1;
        store.how = (failing)(run % 2);
        bcemr_status status = ask(w, &cosigner, &asked, "cloud-2");
        assert_int_equal(status, BCEMR_E_IO);
    }
    store.fail_at = 0;
    REFUSES(BAD_CHECKPOINT, "root", ask(w, &cosigner, &asked, "cloud-2"));
    read_evidence(chain);
    assert_int_equal(list.count, 1); /* the last failure had kept it, and once is enough */
    ledger_chain_close(chain);
    ledger_state_close(&store.inner);
}

/* Its log was exchanged under it: it signs nothing that drops what it signed, and keeps both. */
static void refuses_on_a_log_without_its_past(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    bcemr_tr_checkpoint first, asked;
    bcemr_buf row = BCEMR_BUF_EMPTY;
    must(ledger_state_memory(&store.inner));
    ledger_chain *chain = open_faulty(w);
    begin_on(w, chain, &cosigner);
    enrol(w, chain, 0);
    must(ledger_chain_checkpoint(chain, &first, NULL));
    must(ask(w, &cosigner, &first, "cloud-2"));
    must(ledger_get(&store.inner, LEDGER_COSIGNER, bcemr_text("cloud-1"), &row));
    ledger_chain_close(chain);
    ledger_state_close(&store.inner);
    must(ledger_state_memory(&store.inner));
    chain = open_faulty(w);
    enrol(w, chain, 1);
    enrol(w, chain, 0);
    must(store.inner.ops->begin(store.inner.self));
    must(ledger_put(&store.inner, LEDGER_COSIGNER, bcemr_text("cloud-1"), bcemr_buf_span(&row)));
    must(store.inner.ops->commit(store.inner.self));
    begin_on(w, chain, &cosigner);
    must(ledger_chain_checkpoint(chain, &asked, NULL));
    REFUSES(BAD_CONSISTENCY, "root", ask(w, &cosigner, &asked, "cloud-2"));
    read_evidence(chain);
    assert_int_equal(list.count, 1);
    assert_memory_equal(list.asked[0].root.b, asked.root.b, 32);
    assert_memory_equal(list.own[0].root.b, first.root.b, 32);
    ledger_chain_close(chain);
    ledger_state_close(&store.inner);
    bcemr_buf_free(&row);
}

/* ---- after a restore ---- */

static void restored_at(world *w, const char *id, int64_t time, ledger_cosigner *out)
{
    must(ledger_cosigner_begin(out, w->chain, bcemr_text(id), sign_with, &w->renewed.keys, time,
                               NULL));
}

/* What it signed and forgot is not later than its restore, so an old checkpoint does not do. */
static void resumes_on_a_later_checkpoint(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    bcemr_buf old = BCEMR_BUF_EMPTY, fresh = BCEMR_BUF_EMPTY;
    cosign(w, &old);
    restored_at(w, "cloud-2", w->clock, &cosigner);
    assert_int_equal(sign_now(w, &cosigner), BCEMR_E_STATE);
    REFUSES(STALE_PROOF, "tau", ledger_cosigner_resume(&cosigner, bcemr_buf_span(&old), &w->err));
    w->clock += CONSORTIUM_CLOCK_DIFFERENCE - 1001;
    TAKEN(world_retire(w, 0)); /* later, but not by more than clocks may differ */
    cosign(w, &fresh);
    REFUSES(STALE_PROOF, "tau", ledger_cosigner_resume(&cosigner, bcemr_buf_span(&fresh), &w->err));
    /* It waits over restarts, whatever the next one says. */
    begin(w, "cloud-2", &cosigner);
    assert_int_equal(sign_now(w, &cosigner), BCEMR_E_STATE);
    REFUSES(STALE_PROOF, "tau", ledger_cosigner_resume(&cosigner, bcemr_buf_span(&fresh), &w->err));
    TAKEN(world_retire(w, 1));
    cosign(w, &fresh);
    must(ledger_cosigner_resume(&cosigner, bcemr_buf_span(&fresh), &w->err));
    assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
    begin(w, "cloud-2", &cosigner); /* and so does not wait any more */
    assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
    assert_int_equal(ledger_cosigner_begin(&cosigner, w->chain, bcemr_text("cloud-2"), sign_with,
                                           &w->renewed.keys, -5, &w->err),
                     BCEMR_E_INTEGER_RANGE);
    bcemr_buf_free(&old);
    bcemr_buf_free(&fresh);
}

/* A node may hold two members: what one signs is not what the other did. */
static void two_members_at_one_node(void **state)
{
    world *w = *state;
    ledger_cosigner one, two;
    begin(w, "cloud-1", &one);
    assert_int_equal(sign_now(w, &one), BCEMR_OK);
    restored_at(w, "hospital-1", w->clock, &two);
    assert_int_equal(sign_now(w, &two), BCEMR_E_STATE);
    TAKEN(world_retire(w, 0));
    assert_int_equal(sign_now(w, &one), BCEMR_OK);
    begin(w, "hospital-1", &two);
    assert_int_equal(sign_now(w, &two), BCEMR_E_STATE);
    assert_false(two.cosigner.has_last);
}

/* ---- small sets ---- */

/* The word of those in votes, of the newest checkpoint. */
static void word(world *w, uint64_t votes, bcemr_buf *out)
{
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    must(ledger_chain_checkpoint(w->chain, &checkpoint, NULL));
    must(ledger_chain_set_now(w->chain, &set, NULL));
    consortium_cosign(&set, &checkpoint, w->voters, votes, out);
    bcemr_set_free(&set);
}

/* Three members: hospital-1, hospital-2, cloud-2 at place 2, which changes its keys. */
static void rekeyed_of_three(world *w, ledger_cosigner *out)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    TAKEN(world_leave(w, CLOUD_1));
    begin(w, "cloud-2", out);
    assert_int_equal(sign_now(w, out), BCEMR_OK);
    consortium_node_make(&w->renewed, "cloud-2", BCEMR_role_CLOUD, "cloud-2 anew");
    bcemr_tr_e_rekey e = {.ledger = w->c.ledger, .place = 2, .lost = BCEMR_yes_no_YES};
    const consortium_row rows[] = {world_authority(w), world_votes(w, 3), world_pop(&w->renewed)};
    world_set_now(w, &e.number, &e.before);
    e.number++;
    e.member = world_member(&w->renewed.row, &held);
    TAKEN(world_post(w, &bcemr_type_e_rekey, &e, rows, 3));
    bcemr_buf_free(&held);
}

static void resumes_on_the_word_of_all_others(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    bcemr_buf old = BCEMR_BUF_EMPTY, said = BCEMR_BUF_EMPTY;
    TAKEN(world_retire(w, 0));
    rekeyed_of_three(w, &cosigner);
    assert_int_equal(sign_now(w, &cosigner), BCEMR_E_STATE);
    word(w, 1, &said); /* not all others */
    REFUSES(NOT_ENOUGH_SIGNERS, "signers",
            ledger_cosigner_resume(&cosigner, bcemr_buf_span(&said), &w->err));
    word(w, 3, &said);
    /* No checkpoint to anybody. */
    REFUSES(NOT_ENOUGH_SIGNERS, "signers",
            ledger_chain_keep_cosigned(w->chain, bcemr_buf_span(&said), &w->err));
    must(ledger_cosigner_resume(&cosigner, bcemr_buf_span(&said), &w->err));
    assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
    begin(w, "cloud-2", &cosigner);
    assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
    bcemr_buf_free(&old);
    bcemr_buf_free(&said);
}

static void a_word_must_be_of_this_log_and_set(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    bcemr_buf said = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    rekeyed_of_three(w, &cosigner);
    must(ledger_chain_checkpoint(w->chain, &checkpoint, NULL));
    must(ledger_chain_set_now(w->chain, &set, NULL));
    checkpoint.root.b[0] ^= 1;
    consortium_cosign(&set, &checkpoint, w->voters, 3, &said);
    REFUSES(BAD_CHECKPOINT, "root",
            ledger_cosigner_resume(&cosigner, bcemr_buf_span(&said), &w->err));
    /* Before the Rekey: of the set that was. */
    must(ledger_chain_checkpoint_at(w->chain, checkpoint.size - 1, &checkpoint, NULL));
    must(ledger_chain_set_at(w->chain, checkpoint.size - 1, &set, NULL));
    consortium_cosign(&set, &checkpoint, w->voters, 3, &said);
    REFUSES(BAD_SET, "set_number",
            ledger_cosigner_resume(&cosigner, bcemr_buf_span(&said), &w->err));
    /* Forged. */
    const bcemr_secrets *honest = w->voters[0];
    w->voters[0] = &w->c.nodes[CLOUD_4].keys;
    word(w, 3, &said);
    w->voters[0] = honest;
    REFUSES(BAD_CHECKPOINT, "signature",
            ledger_cosigner_resume(&cosigner, bcemr_buf_span(&said), &w->err));
    assert_int_equal(sign_now(w, &cosigner), BCEMR_E_STATE);
    bcemr_set_free(&set);
    bcemr_buf_free(&said);
}

/* In a set of two, and only later than its restore. */
static void of_two(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    bcemr_buf said = BCEMR_BUF_EMPTY;
    TAKEN(world_leave(w, CLOUD_2));
    TAKEN(world_leave(w, CLOUD_1));
    restored_at(w, "hospital-2", w->clock, &cosigner);
    word(w, 1, &said);
    REFUSES(STALE_PROOF, "tau", ledger_cosigner_resume(&cosigner, bcemr_buf_span(&said), &w->err));
    w->clock += CONSORTIUM_CLOCK_DIFFERENCE;
    TAKEN(world_retire(w, 0));
    word(w, 1, &said);
    must(ledger_cosigner_resume(&cosigner, bcemr_buf_span(&said), &w->err));
    assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
    bcemr_buf_free(&said);
}

/* Four make a checkpoint without the one that waits, so fewer are not heard. */
static void not_in_a_larger_set(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    bcemr_buf said = BCEMR_BUF_EMPTY;
    restored_at(w, "cloud-2", 1, &cosigner);
    word(w, 3, &said);
    REFUSES(NOT_ENOUGH_SIGNERS, "signers",
            ledger_cosigner_resume(&cosigner, bcemr_buf_span(&said), &w->err));
    REFUSES(NOT_ENTITLED, "members",
            ledger_cosigner_resume_by_operator(&cosigner, w->clock, &w->err));
    bcemr_buf_free(&said);
}

/* Two of three wait for each other: then it is their operators' word, one after the other. */
static void on_the_operators_word(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner, stranger;
    TAKEN(world_leave(w, CLOUD_1));
    restored_at(w, "cloud-2", w->clock, &cosigner);
    restored_at(w, "cloud-1", w->clock, &stranger); /* it has left */
    REFUSES(BAD_SET, "members", ledger_cosigner_resume_by_operator(&stranger, w->clock, &w->err));
    assert_int_equal(sign_now(w, &cosigner), BCEMR_E_STATE);
    must(ledger_cosigner_resume_by_operator(&cosigner, w->clock, &w->err));
    assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
    begin(w, "cloud-2", &cosigner);
    assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
    /* Who does not wait needs none. */
    assert_int_equal(ledger_cosigner_resume_by_operator(&cosigner, w->clock, &w->err),
                     BCEMR_E_STATE);
}

/* The times and numbers of the words that are kept of cloud-2. */
static uint64_t read_words(const world *w, int64_t times[16], uint64_t numbers[16])
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_cosigner row;
    bcemr_tr_state_word word;
    bcemr_span bytes;
    uint64_t n = 0;
    must(ledger_chain_cosigner(w->chain, bcemr_text("cloud-2"), &held, &row, NULL));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_state_word, &row.words);
    for (; bcemr_list_next(&iter, &bytes); n++) {
        must(bcemr_read_state_word(bytes, &word, NULL));
        times[n] = word.time;
        numbers[n] = word.number;
    }
    bcemr_buf_free(&held);
    return n;
}

/* Words stay when it signs, waits again and begins anew; of many the newest. */
static void keeps_the_words(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    int64_t times[16];
    uint64_t numbers[16];
    TAKEN(world_leave(w, CLOUD_1));
    for (uint64_t i = 0; i < 18; i++) {
        restored_at(w, "cloud-2", w->clock, &cosigner);
        must(ledger_cosigner_resume_by_operator(&cosigner, (int64_t)i + 1, &w->err));
        assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
        begin(w, "cloud-2", &cosigner);
        if (i < WORLD_DOCTORS)
            TAKEN(world_retire(w, (int)i));
        assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
        const uint64_t n = read_words(w, times, numbers);
        assert_int_equal(n, i < 16 ? i + 1 : 16);
        assert_int_equal(times[n - 1], i + 1);
        assert_int_equal(numbers[0], i < 16 ? 0 : i - 15);
    }
}

/* The word is that the log holds all that was signed: it does not hold what is kept here. */
static void no_word_against_what_is_kept(void **state)
{
    world *w = *state;
    ledger_cosigner cosigner;
    TAKEN(world_leave(w, CLOUD_1));
    begin(w, "cloud-2", &cosigner);
    assert_int_equal(sign_now(w, &cosigner), BCEMR_OK);
    bcemr_cosigner_distrust(&cosigner.cosigner, 1);
    cosigner.cosigner.last.root.b[0] ^= 1;
    REFUSES(BAD_CONSISTENCY, "root",
            ledger_cosigner_resume_by_operator(&cosigner, w->clock, &w->err));
    cosigner.cosigner.last.root.b[0] ^= 1;
    cosigner.cosigner.last.size += 1000; /* its log has not come so far */
    REFUSES(BAD_CONSISTENCY, "root",
            ledger_cosigner_resume_by_operator(&cosigner, w->clock, &w->err));
    cosigner.cosigner.last.size -= 1000;
    must(ledger_cosigner_resume_by_operator(&cosigner, w->clock, &w->err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(waits_after_its_own_rekey),
        TEST(goes_on_after_those_of_others),
        TEST(keeps_what_it_refuses),
        TEST(keeps_a_size_that_is_none),
        TEST(keeps_the_first_and_the_newest),
        TEST(keeps_it_under_a_name_that_is_none),
        TEST(answers),
        TEST(crashes_between_keeping_and_signing),
        TEST(a_refusal_waits_for_its_evidence),
        TEST(refuses_on_a_log_without_its_past),
        TEST(resumes_on_a_later_checkpoint),
        TEST(two_members_at_one_node),
        TEST(resumes_on_the_word_of_all_others),
        TEST(a_word_must_be_of_this_log_and_set),
        TEST(of_two),
        TEST(not_in_a_larger_set),
        TEST(on_the_operators_word),
        TEST(keeps_the_words),
        TEST(no_word_against_what_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
