/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks: the same entries at the same heights and times give the same roots, however they are
 * checked; what a chain serves proves itself; checkpoints and cosigning on it. */
#include "rules_test.h"
#include "wire/fault.h"

/* ---- a history, and playing it again ---- */

#define HISTORY 64

typedef struct history {
    bcemr_buf entries[HISTORY];
    uint64_t heights[HISTORY];
    int64_t taus[HISTORY];
    uint64_t count;
} history;

static bcemr_status each_leaf(const ledger_chain *chain, uint64_t i, bcemr_buf *held,
                              bcemr_leaf_parts *out)
{
    bcemr_buf_clear(held);
    bcemr_status status = ledger_chain_leaf(chain, i, held);
    return status == BCEMR_OK ? bcemr_leaf_read(bcemr_buf_span(held), out, NULL) : status;
}

/* What was posted: leaves but the genesis and the case headers. */
static void read_history(const ledger_chain *chain, history *h)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts leaf;
    memset(h, 0, sizeof *h);
    for (uint64_t i = 1; i < ledger_chain_size(chain); i++) {
        must(each_leaf(chain, i, &held, &leaf));
        if (leaf.parts.type == &bcemr_type_case_header)
            continue;
        assert_true(h->count < HISTORY);
        must(bcemr_buf_append(&h->entries[h->count], leaf.signed_entry));
        h->heights[h->count] = leaf.height;
        h->taus[h->count++] = leaf.tau;
    }
    bcemr_buf_free(&held);
}

static void free_history(history *h)
{
    for (uint64_t i = 0; i < h->count; i++)
        bcemr_buf_free(&h->entries[i]);
}

static ledger_chain *open_chain(const world *w, uint64_t remembered)
{
    ledger_chain *chain;
    ledger_chain_options options = {.context = w->c.context, .remembered_claims = remembered};
    must(ledger_state_memory(&options.state));
    must(ledger_chain_open(&chain, &options, bcemr_buf_span(&w->c.signed_genesis), NULL));
    return chain;
}

static void replay(ledger_chain *chain, const history *h)
{
    bcemr_span spans[HISTORY];
    for (uint64_t i = 0; i < h->count;) {
        uint64_t n = 0, height = h->heights[i];
        for (; i + n < h->count && h->heights[i + n] == height; n++)
            spans[n] = bcemr_buf_span(&h->entries[i + n]);
        must(ledger_chain_replay(chain, height, h->taus[i], spans, n, NULL));
        i += n;
    }
}

static void same_checkpoint(const ledger_chain *a, const ledger_chain *b)
{
    bcemr_tr_checkpoint one, other;
    bcemr_buf first = BCEMR_BUF_EMPTY, second = BCEMR_BUF_EMPTY;
    must(ledger_chain_checkpoint(a, &one, NULL));
    must(ledger_chain_checkpoint(b, &other, NULL));
    must(bcemr_write_checkpoint(&one, &first, NULL));
    must(bcemr_write_checkpoint(&other, &second, NULL));
    assert_true(bcemr_span_equal(bcemr_buf_span(&first), bcemr_buf_span(&second)));
    bcemr_buf_free(&first);
    bcemr_buf_free(&second);
}

/* Two visits, entries of every family, several in one block. */
static void make_story(world *w)
{
    world_visit one, two;
    bcemr_tr_e_consent consent;
    bcemr_tr_e_access access_entry;
    bcemr_tr_e_revoke revoke;
    world_sealed_visit(w, 0, 3, &one);
    TAKEN(world_join(w, &w->c.nodes[CLOUD_3]));
    world_sealed_visit(w, 1, 1, &two);
    world_consent(w, 1, CLOUD_1, &consent);
    TAKEN(world_post_by(w, &bcemr_type_e_consent, &consent, CLOUD_1));
    world_access(w, 1, CLOUD_1, &access_entry);
    TAKEN(world_post_by(w, &bcemr_type_e_access, &access_entry, CLOUD_1));
    world_revoke(w, 1, &revoke);
    TAKEN(world_post(w, &bcemr_type_e_revoke, &revoke, NULL, 0));
    TAKEN(world_retire(w, 3));
    world_visit_free(&one);
    world_visit_free(&two);
}

static void same_root_again(void **state)
{
    world *w = *state;
    history h;
    make_story(w);
    read_history(w->chain, &h);
    for (uint64_t remembered = 8; remembered <= 65536; remembered *= 8192) {
        ledger_chain *again = open_chain(w, remembered);
        replay(again, &h);
        same_checkpoint(w->chain, again);
        ledger_chain_close(again);
    }
    free_history(&h);
}

static void run_backwards(void *user, void (*job)(void *, uint64_t), void *argument, uint64_t count)
{
    (void)user;
    while (count > 0)
        job(argument, --count);
}

/* All in one block or one a block; one after the other or through lent threads: batches differ,
 * what is accepted does not. */
static void batches_do_not_matter(void **state)
{
    world *w = *state;
    history h;
    bcemr_span spans[HISTORY];
    ledger_outcome outcomes[HISTORY];
    const bcemr_parallel parallel = {run_backwards, NULL, 4};
    make_story(w);
    read_history(w->chain, &h);
    ledger_chain *chains[2];
    for (int i = 0; i < 2; i++) {
        ledger_chain_options options = {.context = w->c.context,
                                        .parallel = i == 0 ? NULL : &parallel};
        must(ledger_state_memory(&options.state));
        must(ledger_chain_open(&chains[i], &options, bcemr_buf_span(&w->c.signed_genesis), NULL));
        for (uint64_t j = 0; j < h.count; j++)
            spans[j] = bcemr_buf_span(&h.entries[j]);
        /* The story takes less time than clocks may differ, so every Sign is in time. */
        must(ledger_chain_submit(chains[i], h.taus[h.count / 2], spans, h.count, outcomes, NULL));
        uint64_t taken = 0;
        for (uint64_t j = 0; j < h.count; j++)
            taken += outcomes[j].status == BCEMR_OK;
        assert_int_equal(taken, h.count);
        assert_int_equal(ledger_chain_height(chains[i]), 1);
    }
    same_checkpoint(chains[0], chains[1]);
    ledger_verifier_counts counts;
    ledger_chain_counts(chains[1], &counts);
    assert_true(counts.batched > counts.single);
    ledger_chain_close(chains[0]);
    ledger_chain_close(chains[1]);
    free_history(&h);
}

/* ---- blocks ---- */

/* One bad entry among good ones: it is left out here, and refuses the block of another engine. */
static void bad_entry_in_a_block(void **state)
{
    world *w = *state;
    bcemr_tr_e_revoke revoke;
    bcemr_buf held[3] = {0};
    bcemr_span spans[3];
    ledger_outcome outcomes[3];
    bcemr_error err;
    for (uint64_t i = 0; i < 3; i++) {
        world_revoke(w, i, &revoke);
        revoke.signature.b[0] ^= i == 1;
        consortium_sign(&w->c, &bcemr_type_e_revoke, &revoke, NULL, 0, &held[i]);
        spans[i] = bcemr_buf_span(&held[i]);
    }
    uint64_t size = ledger_chain_size(w->chain), height = ledger_chain_height(w->chain);
    assert_int_equal(ledger_chain_replay(w->chain, height + 1, w->clock + 5, spans, 3, &err),
                     BCEMR_E_REFUSED);
    assert_int_equal(err.index, 1);
    assert_int_equal(err.reason, LEDGER_R_REVOKE_SIGNATURE);
    assert_int_equal(ledger_chain_size(w->chain), size);
    must(ledger_chain_check(w->chain, w->clock, spans, 3, outcomes, NULL));
    assert_int_equal(outcomes[1].reason, LEDGER_R_REVOKE_SIGNATURE);
    assert_int_equal(ledger_chain_size(w->chain), size);
    must(ledger_chain_submit(w->chain, w->clock, spans, 3, outcomes, NULL));
    assert_int_equal(outcomes[0].leaf, size);
    assert_int_equal(outcomes[1].reason, LEDGER_R_REVOKE_SIGNATURE);
    assert_int_equal(outcomes[2].leaf, size + 1);
    assert_int_equal(ledger_chain_height(w->chain), height + 1);
    uint64_t leaf;
    must(ledger_chain_landed(w->chain, &outcomes[2].entry_hash, &leaf));
    assert_int_equal(leaf, size + 1);
    for (int i = 0; i < 3; i++)
        bcemr_buf_free(&held[i]);
}

/* The same entry twice in a block: the second is refused on what the first did. */
static void twice_in_a_block(void **state)
{
    world *w = *state;
    bcemr_tr_e_revoke revoke;
    bcemr_span spans[2];
    ledger_outcome outcomes[2];
    world_revoke(w, 1, &revoke);
    consortium_sign(&w->c, &bcemr_type_e_revoke, &revoke, NULL, 0, &w->signed_entry);
    spans[0] = spans[1] = bcemr_buf_span(&w->signed_entry);
    must(ledger_chain_submit(w->chain, w->clock, spans, 2, outcomes, NULL));
    assert_int_equal(outcomes[0].reason, 0);
    assert_int_equal(outcomes[1].reason, LEDGER_R_REVOKED_BEFORE);
}

static void time_and_height(void **state)
{
    world *w = *state;
    bcemr_tr_e_revoke revoke;
    bcemr_tr_e_sign sign;
    world_visit visit;
    ledger_outcome outcome;
    bcemr_span span;
    world_visit_make(w, 0, 1, &visit);
    TAKEN(world_post_admit(w, &visit));
    int64_t tau = ledger_chain_tau(w->chain);
    uint64_t height = ledger_chain_height(w->chain);
    world_revoke(w, 1, &revoke);
    consortium_sign(&w->c, &bcemr_type_e_revoke, &revoke, NULL, 0, &w->signed_entry);
    span = bcemr_buf_span(&w->signed_entry);
    assert_int_equal(ledger_chain_replay(w->chain, height, tau + 1, &span, 1, NULL),
                     BCEMR_E_UNSORTED);
    assert_int_equal(ledger_chain_replay(w->chain, height + 1, tau, &span, 1, NULL),
                     BCEMR_E_UNSORTED);
    /* A clock that stands still or behind: the ledger's time goes on by one. */
    must(ledger_chain_submit(w->chain, tau - 5, &span, 1, &outcome, NULL));
    assert_int_equal(outcome.reason, 0);
    assert_int_equal(ledger_chain_tau(w->chain), tau + 1);
    /* Behind by more than the allowed difference: no Sign, but other entries. */
    int64_t behind = tau + 1 - CONSORTIUM_CLOCK_DIFFERENCE - 1;
    bool is_behind = false;
    must(ledger_chain_clock_behind(w->chain, behind, &is_behind, NULL));
    assert_true(is_behind);
    must(ledger_chain_clock_behind(w->chain, behind + 1, &is_behind, NULL));
    assert_false(is_behind);
    world_sign(w, &visit, 1, 0, &sign);
    consortium_sign(&w->c, &bcemr_type_e_sign, &sign, NULL, 0, &w->signed_entry);
    span = bcemr_buf_span(&w->signed_entry);
    must(ledger_chain_submit(w->chain, behind, &span, 1, &outcome, NULL));
    assert_int_equal(outcome.reason, LEDGER_R_CLOCK_BEHIND);
    must(ledger_chain_submit(w->chain, behind + 1, &span, 1, &outcome, NULL));
    assert_int_equal(outcome.reason, 0);
    world_visit_free(&visit);
}

/* A state that holds something is opened by its own genesis alone. */
static void opened_again(void **state)
{
    world *w = *state;
    bcemr_error err;
    ledger_chain *other;
    static consortium second; /* the same people, another ledger */
    second.quota = 5;
    consortium_begin(&second);
    ledger_chain_options options = {.context = w->c.context};
    must(ledger_state_memory(&options.state));
    must(options.state.ops->begin(options.state.self));
    must(ledger_put(&options.state, LEDGER_GENESIS, (bcemr_span){0},
                    bcemr_buf_span(&second.signed_genesis)));
    must(options.state.ops->commit(options.state.self));
    assert_int_equal(
        ledger_chain_open(&other, &options, bcemr_buf_span(&w->c.signed_genesis), &err),
        BCEMR_E_REFUSED);
    assert_int_equal(err.verdict, BCEMR_WRONG_LEDGER);
    assert_null(other);
    ledger_state_close(&options.state);
    /* A genesis whose proofs do not hold begins nothing. */
    must(ledger_state_memory(&options.state));
    second.signed_genesis.p[second.signed_genesis.n - 1] ^= 1;
    assert_int_equal(
        ledger_chain_open(&other, &options, bcemr_buf_span(&second.signed_genesis), &err),
        BCEMR_E_REFUSED);
    assert_int_equal(err.verdict, BCEMR_BAD_POP);
    must(ledger_chain_open(&other, &options, bcemr_buf_span(&w->c.signed_genesis), &err));
    assert_int_equal(ledger_chain_size(other), 1);
    assert_int_equal(ledger_chain_height(other), 0);
    assert_memory_equal(ledger_chain_id(other)->b, w->c.ledger.b, 32);
    ledger_chain_close(other);
    consortium_end(&second);
}

/* Whichever allocation fails while a block is made: it fails, and the chain is as it was. */
static void out_of_memory(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_checkpoint before, after;
    bcemr_tr_e_admit admit;
    bcemr_tr_e_revoke revoke;
    bcemr_buf held[2] = {0};
    bcemr_span spans[2];
    ledger_outcome outcomes[2];
    world_visit_make(w, 0, 2, &visit);
    world_admit(w, &visit, &admit);
    world_revoke(w, 1, &revoke);
    consortium_sign(&w->c, &bcemr_type_e_admit, &admit, NULL, 0, &held[0]);
    consortium_sign(&w->c, &bcemr_type_e_revoke, &revoke, NULL, 0, &held[1]);
    for (int i = 0; i < 2; i++)
        spans[i] = bcemr_buf_span(&held[i]);
    must(ledger_chain_checkpoint(w->chain, &before, NULL));
    bcemr_status status = BCEMR_E_NO_MEMORY;
    uint64_t failed = 0;
    for (uint64_t n = 1; status != BCEMR_OK; n++) {
        bcemr_switch_fail_allocation(n);
        status = ledger_chain_submit(w->chain, w->clock + 1, spans, 2, outcomes, NULL);
        bcemr_switch_fail_allocation(0);
        bool refused = status == BCEMR_OK &&
                       (outcomes[0].status != BCEMR_OK || outcomes[1].status != BCEMR_OK);
        assert_false(refused); /* a lack of memory is no reason */
        if (status == BCEMR_OK)
            break;
        failed++;
        assert_int_equal(status, BCEMR_E_NO_MEMORY);
        must(ledger_chain_checkpoint(w->chain, &after, NULL));
        assert_memory_equal(before.root.b, after.root.b, 32);
        assert_int_equal(before.size, after.size);
    }
    assert_true(failed > 50);
    assert_int_equal(ledger_chain_size(w->chain), before.size + 2);
    bcemr_buf_free(&held[0]);
    bcemr_buf_free(&held[1]);
    world_visit_free(&visit);
}

/* The same for every entry of the story, one a block. */
static void out_of_memory_anywhere(void **state)
{
    world *w = *state;
    history h;
    uint64_t failed = 0;
    make_story(w);
    read_history(w->chain, &h);
    ledger_chain *again = open_chain(w, 0);
    for (uint64_t i = 0; i < h.count; i++) {
        const bcemr_span span = bcemr_buf_span(&h.entries[i]);
        bcemr_status status = BCEMR_E_NO_MEMORY;
        uint64_t size = ledger_chain_size(again);
        for (uint64_t n = 1; status != BCEMR_OK; n++) {
            bcemr_switch_fail_allocation(n);
            status = ledger_chain_replay(again, h.heights[i], h.taus[i], &span, 1, NULL);
            uint64_t made = bcemr_switch_allocations();
            bcemr_switch_fail_allocation(0);
            if (status == BCEMR_OK) {
                assert_true(made < n); /* none failed unnoticed */
                break;
            }
            assert_int_equal(status, BCEMR_E_NO_MEMORY);
            assert_int_equal(ledger_chain_size(again), size);
            failed++;
        }
    }
    same_checkpoint(w->chain, again);
    assert_true(failed > 400);
    ledger_chain_close(again);
    free_history(&h);
}

/* ---- what is served ---- */

static void proofs(void **state)
{
    world *w = *state;
    bcemr_buf held = BCEMR_BUF_EMPTY, other = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    bcemr_hash from, path[BCEMR_CONSISTENCY_MAX];
    make_story(w);
    must(ledger_chain_checkpoint(w->chain, &checkpoint, NULL));
    for (uint64_t i = 0; i < checkpoint.size; i++) {
        bcemr_leaf_parts leaf;
        uint64_t index;
        bcemr_buf_clear(&held);
        must(ledger_chain_inclusion(w->chain, i, checkpoint.size, &held, NULL));
        assert_int_equal(
            bcemr_inclusion_check(bcemr_buf_span(&held), &checkpoint, &leaf, &index, NULL),
            BCEMR_VALID);
        assert_int_equal(index, i);
        bcemr_buf_clear(&other);
        must(ledger_chain_consistency(w->chain, i + 1, checkpoint.size, &other, NULL));
        bcemr_tr_consistency value;
        uint64_t n = 0;
        must(bcemr_read_consistency(bcemr_buf_span(&other), &value, NULL));
        bcemr_iter iter = bcemr_list_begin(&bcemr_type_hash_item, &value.path);
        while (bcemr_list_next(&iter, &path[n]))
            n++;
        must(ledger_chain_root(w->chain, i + 1, &from));
        assert_int_equal(
            bcemr_consistency_holds(i + 1, checkpoint.size, &from, &checkpoint.root, path, n),
            BCEMR_VALID);
    }
    assert_int_equal(
        ledger_chain_inclusion(w->chain, checkpoint.size, checkpoint.size, &held, NULL),
        BCEMR_E_NOT_FOUND);
    assert_int_equal(ledger_chain_inclusion(w->chain, 0, checkpoint.size + 1, &held, NULL),
                     BCEMR_E_NOT_FOUND);
    bcemr_buf_free(&held);
    bcemr_buf_free(&other);
}

static void check_index(const world *w, const char *name, const bcemr_hash *head, uint64_t rows)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_list blocks;
    bcemr_span raw;
    bcemr_tr_index block;
    uint64_t count = 0;
    must(ledger_chain_index(w->chain, name, 0, UINT64_MAX, &held, NULL));
    must(bcemr_read_list(&bcemr_type_index, bcemr_buf_span(&held), 0, 1000, &blocks, NULL));
    assert_int_equal(bcemr_index_check(name, &w->c.ledger, &blocks, head, NULL), BCEMR_VALID);
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_index, &blocks);
    while (bcemr_list_next(&iter, &raw)) {
        must(bcemr_read_index(raw, &block, NULL));
        count += block.rows.count;
    }
    assert_int_equal(count, rows);
    bcemr_buf_free(&held);
}

static void indexes(void **state)
{
    world *w = *state;
    bcemr_tr_checkpoint checkpoint;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_list blocks;
    make_story(w);
    must(ledger_chain_checkpoint(w->chain, &checkpoint, NULL));
    check_index(w, "stops", &checkpoint.stops, 2);
    check_index(w, "finds", &checkpoint.finds, WORLD_DOCTORS + 2 + 2 + 2);
    must(ledger_chain_index(w->chain, "finds", 2, 3, &held, NULL));
    must(bcemr_read_list(&bcemr_type_index, bcemr_buf_span(&held), 0, 1000, &blocks, NULL));
    assert_int_equal(blocks.count, 2);
    bcemr_buf_clear(&held);
    must(ledger_chain_index(w->chain, "stops", 0, 3, &held, NULL));
    must(bcemr_read_list(&bcemr_type_index, bcemr_buf_span(&held), 0, 1000, &blocks, NULL));
    assert_int_equal(blocks.count, 0);
    assert_int_equal(ledger_chain_index(w->chain, "others", 0, 3, &held, NULL), BCEMR_E_ARGUMENT);
    bcemr_buf_free(&held);
}

static void view(void **state)
{
    world *w = *state;
    bcemr_ledger_view v;
    bcemr_ledger_facts facts;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    world_visit visit;
    uint64_t leaf = 0;
    world_sealed_visit(w, 0, 2, &visit);
    ledger_chain_view(w->chain, &v);
    must(v.facts(v.user, &facts));
    assert_memory_equal(facts.authority.b, w->c.p.b, 96);
    assert_int_equal(facts.size, ledger_chain_size(w->chain));
    assert_int_equal(facts.clock_difference, CONSORTIUM_CLOCK_DIFFERENCE);
    must(v.member(v.user, bcemr_text("cloud-1"), BCEMR_NOW, &held));
    assert_int_equal(v.member(v.user, bcemr_text("cloud-3"), BCEMR_NOW, &held), BCEMR_E_NOT_FOUND);
    bcemr_buf_clear(&held);
    must(v.enrolment(v.user, bcemr_text("doctor-1"), &held, &leaf));
    assert_int_equal(leaf, 1);
    assert_int_equal(v.enrolment(v.user, bcemr_text("doctor-6"), &held, &leaf), BCEMR_E_NOT_FOUND);
    must(v.case_header(v.user, &visit.vid, &leaf));
    assert_int_equal(leaf, facts.size - 1);
    must(v.find(v.user, "Admit", bcemr_span_of(visit.keys.pkv.b, 48), &leaf));
    assert_int_equal(leaf, WORLD_DOCTORS + 1);
    must(v.find(v.user, "Enrol", bcemr_span_of(w->c.doctors[1].publics.x.b, 96), &leaf));
    assert_int_equal(leaf, 2);
    assert_int_equal(v.find(v.user, "Enrol", bcemr_span_of(w->c.nodes[0].row.x.b, 96), &leaf),
                     BCEMR_E_NOT_FOUND); /* the genesis brought it */
    assert_int_equal(v.find(v.user, "Seal", bcemr_span_of(visit.vid.b, 32), &leaf),
                     BCEMR_E_ARGUMENT);
    assert_int_equal(v.confirm(v.user, &visit.vid, bcemr_text("cloud-1"), &leaf),
                     BCEMR_E_NOT_FOUND);
    assert_int_equal(v.checkpoint(v.user, &held), BCEMR_E_NOT_FOUND);
    assert_int_equal(v.stop(v.user, "Erase", bcemr_span_of(visit.vid.b, 32), &leaf),
                     BCEMR_E_NOT_FOUND);
    bcemr_tr_e_erase erase;
    world_erase(w, &visit, CLOUD_1, BCEMR_asker_PATIENT, &erase);
    TAKEN(world_post_by(w, &bcemr_type_e_erase, &erase, CLOUD_1));
    must(v.stop(v.user, "Erase", bcemr_span_of(visit.vid.b, 32), &leaf));
    assert_int_equal(leaf, facts.size);
    assert_int_equal(v.stop(v.user, "Revoke", bcemr_span_of(visit.vid.b, 32), &leaf),
                     BCEMR_E_NOT_FOUND);
    TAKEN(world_retire(w, 0));
    assert_int_equal(v.enrolment(v.user, bcemr_text("doctor-1"), &held, &leaf), BCEMR_E_NOT_FOUND);
    bcemr_buf_free(&held);
    world_visit_free(&visit);
}

/* ---- checkpoints ---- */

static bcemr_status sign_with(void *user, const bcemr_tr_checkpoint *checkpoint, bcemr_g1_raw *out,
                              bcemr_error *err)
{
    const bcemr_secrets *keys = user;
    return bcemr_checkpoint_sign(&keys->x, checkpoint, out, err);
}

/* Every member follows with a chain of its own, cosigns, and the view serves what was joined. */
static void cosigned(void **state)
{
    world *w = *state;
    history h;
    bcemr_tr_checkpoint checkpoint;
    bcemr_g1_raw signature;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_buf held = BCEMR_BUF_EMPTY, proof = BCEMR_BUF_EMPTY;
    bcemr_ledger_view v;
    world_visit visit;
    bcemr_error err;
    world_sealed_visit(w, 0, 2, &visit);
    read_history(w->chain, &h);
    ledger_chain *own = open_chain(w, 0);
    replay(own, &h);
    ledger_cosigner cosigner;
    must(ledger_cosigner_begin(&cosigner, own, bcemr_text("hospital-1"), sign_with,
                               &w->c.nodes[0].keys, 0, &err));
    must(ledger_chain_checkpoint(w->chain, &checkpoint, &err));
    must(ledger_cosigner_sign(&cosigner, &checkpoint, w->clock, bcemr_text("hospital-2"),
                              &signature, &err));
    must(ledger_chain_set_now(w->chain, &set, &err));
    assert_int_equal(
        bcemr_checkpoint_part_check(w->c.context, &set.members[0], &checkpoint, &signature, &err),
        BCEMR_VALID);
    checkpoint.root.b[0] ^= 1;
    assert_int_equal(ledger_cosigner_sign(&cosigner, &checkpoint, w->clock,
                                          bcemr_text("hospital-2"), &signature, &err),
                     BCEMR_E_REFUSED);
    checkpoint.root.b[0] ^= 1;
    /* It remembers across a restart, and after a restore it waits. */
    must(ledger_cosigner_begin(&cosigner, own, bcemr_text("hospital-1"), sign_with,
                               &w->c.nodes[0].keys, 0, &err));
    assert_true(cosigner.cosigner.has_last);
    assert_int_equal(cosigner.cosigner.last.size, checkpoint.size);
    must(ledger_cosigner_begin(&cosigner, own, bcemr_text("hospital-1"), sign_with,
                               &w->c.nodes[0].keys, 1, &err));
    assert_int_equal(ledger_cosigner_sign(&cosigner, &checkpoint, w->clock,
                                          bcemr_text("hospital-2"), &signature, &err),
                     BCEMR_E_STATE);
    consortium_cosign(&set, &checkpoint, w->voters, 14, &held);
    must(ledger_cosigner_resume(&cosigner, bcemr_buf_span(&held), &err));
    must(ledger_cosigner_sign(&cosigner, &checkpoint, w->clock, bcemr_text("hospital-2"),
                              &signature, &err));
    /* Served once enough have signed. */
    must(ledger_chain_keep_cosigned(w->chain, bcemr_buf_span(&held), &err));
    assert_int_equal(ledger_chain_keep_cosigned(w->chain, bcemr_buf_span(&held), &err),
                     BCEMR_E_REFUSED);
    assert_int_equal(err.verdict, BCEMR_STALE_PROOF);
    ledger_chain_view(w->chain, &v);
    must(v.inclusion(v.user, 3, &proof));
    assert_int_equal(bcemr_inclusion_check(bcemr_buf_span(&proof), &checkpoint, NULL, NULL, NULL),
                     BCEMR_VALID);
    TAKEN(world_retire(w, 3)); /* after the checkpoint: not proven by it */
    assert_int_equal(v.inclusion(v.user, checkpoint.size, &proof), BCEMR_E_NOT_FOUND);
    bcemr_buf_free(&held);
    bcemr_buf_free(&proof);
    bcemr_set_free(&set);
    ledger_chain_close(own);
    free_history(&h);
    world_visit_free(&visit);
}

static void keep_only_what_holds(void **state)
{
    world *w = *state;
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_error err;
    TAKEN(world_join(w, &w->c.nodes[CLOUD_3]));
    must(ledger_chain_set_now(w->chain, &set, &err));
    must(ledger_chain_checkpoint(w->chain, &checkpoint, &err));
    assert_int_equal(checkpoint.set_number, 1); /* the leaf of the Join included */
    consortium_cosign(&set, &checkpoint, w->voters, 7, &held);
    assert_int_equal(ledger_chain_keep_cosigned(w->chain, bcemr_buf_span(&held), &err),
                     BCEMR_E_REFUSED);
    assert_int_equal(err.verdict, BCEMR_NOT_ENOUGH_SIGNERS);
    checkpoint.root.b[0] ^= 1;
    consortium_cosign(&set, &checkpoint, w->voters, 31, &held);
    assert_int_equal(ledger_chain_keep_cosigned(w->chain, bcemr_buf_span(&held), &err),
                     BCEMR_E_REFUSED);
    assert_int_equal(err.verdict, BCEMR_BAD_CHECKPOINT);
    checkpoint.root.b[0] ^= 1;
    consortium_cosign(&set, &checkpoint, w->voters, 15, &held);
    must(ledger_chain_keep_cosigned(w->chain, bcemr_buf_span(&held), &err));
    /* No checkpoint within a block. */
    world_visit visit;
    world_sealed_visit(w, 0, 1, &visit);
    assert_int_equal(
        ledger_chain_checkpoint_at(w->chain, ledger_chain_size(w->chain) - 1, &checkpoint, &err),
        BCEMR_E_NOT_FOUND);
    world_visit_free(&visit);
    bcemr_buf_free(&held);
    bcemr_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(same_root_again),
        TEST(batches_do_not_matter),
        TEST(bad_entry_in_a_block),
        TEST(twice_in_a_block),
        TEST(time_and_height),
        TEST(out_of_memory),
        TEST(proofs),
        TEST(indexes),
        TEST(view),
        TEST(cosigned),
        TEST(keep_only_what_holds),
        TEST(opened_again),
        TEST(out_of_memory_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
