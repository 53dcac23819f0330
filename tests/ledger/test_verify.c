/* SPDX-License-Identifier: Apache-2.0 */
/* A whole state checked against its own log: whatever row of it is changed, taken away or added,
 * that row is named; with the comparison switched off nothing is noticed. */
#include "rules_test.h"

#include "ledger/chain/internal.h"
#include "ledger/verify/verify.h"
#include "support/ledger_story.h"

#include <stdlib.h>

/* ---- copies of a state with one thing changed ---- */

typedef enum change { CHANGE_NONE, CHANGE_VALUE, CHANGE_AWAY, CHANGE_MORE } change;

typedef struct copying {
    ledger_state *to;
    ledger_table table;
    change change;
    ledger_table in; /* what is changed: the row of this number in this table */
    uint64_t number;
    uint64_t at;
    ledger_key key; /* of the row that was changed */
    bool done;
} copying;

static bcemr_status copy_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    copying *c = user;
    bcemr_buf other = BCEMR_BUF_EMPTY;
    (void)more;
    const bool here = c->change != CHANGE_NONE && c->table == c->in && c->at++ == c->number;
    must(bcemr_buf_set(&other, value));
    if (here) {
        c->done = true;
        ledger_key_begin(&c->key);
        ledger_key_add(&c->key, key);
        if (c->change == CHANGE_VALUE)
            other.p[other.n - 1] ^= 1;
        if (c->change == CHANGE_MORE) {
            ledger_key_add(&c->key, bcemr_text("x"));
            must(ledger_put(c->to, c->table, ledger_key_span(&c->key), value));
        }
    }
    if (!here || c->change != CHANGE_AWAY)
        must(ledger_put(c->to, c->table, key, bcemr_buf_span(&other)));
    bcemr_buf_free(&other);
    return BCEMR_OK;
}

static void copy(const ledger_state *from, ledger_state *to, copying *c)
{
    must(ledger_state_memory(to));
    must(to->ops->begin(to->self));
    c->to = to;
    for (int t = 0; t < LEDGER_TABLE_COUNT; t++) {
        c->table = (ledger_table)t;
        must(ledger_scan(from, c->table, (bcemr_span){0}, (bcemr_span){0}, copy_row, c));
    }
    must(to->ops->commit(to->self));
}

/* ---- verifying ---- */

static bcemr_status scratch(void *user, ledger_state *out, bcemr_error *err)
{
    (void)user;
    (void)err;
    return ledger_state_memory(out);
}

static void verify(const world *w, const ledger_state *state, bool quick, ledger_verified *out)
{
    bcemr_error err;
    const ledger_verify_options options = {.context = w->c.context,
                                           .genesis = bcemr_buf_span(&w->c.signed_genesis),
                                           .beside = true,
                                           .batch = 20,
                                           .scratch = scratch,
                                           .quick = quick};
    must(ledger_verify(state, &options, out, &err));
}

static bcemr_status sign_with(void *user, const bcemr_tr_checkpoint *checkpoint, bcemr_g1_raw *out,
                              bcemr_error *err)
{
    const bcemr_secrets *keys = user;
    return bcemr_checkpoint_sign(&keys->x, checkpoint, out, err);
}

/* Rows of what this node signed and would not sign. */
static void sign_and_refuse(world *w)
{
    ledger_cosigner cosigner;
    bcemr_tr_checkpoint checkpoint;
    bcemr_g1_raw signature;
    bcemr_error err;
    must(ledger_cosigner_begin(&cosigner, w->chain, bcemr_text("hospital-1"), sign_with,
                               &w->c.nodes[0].keys, 0, &err));
    must(ledger_chain_checkpoint(w->chain, &checkpoint, &err));
    must(ledger_cosigner_sign(&cosigner, &checkpoint, w->clock, bcemr_text("cloud-1"), &signature,
                              &err));
    checkpoint.root.b[0] ^= 1;
    assert_int_equal(ledger_cosigner_sign(&cosigner, &checkpoint, w->clock, bcemr_text("cloud-1"),
                                          &signature, &err),
                     BCEMR_E_REFUSED);
}

static world *played(void **state)
{
    world *w = *state;
    story_play(w);
    sign_and_refuse(w);
    return w;
}

static void all_holds(void **state)
{
    const world *w = played(state);
    ledger_verified out;
    bcemr_hash root;
    must(ledger_chain_root(w->chain, ledger_chain_size(w->chain), &root));
    for (int quick = 0; quick < 2; quick++) {
        verify(w, &w->chain->state, quick, &out);
        assert_int_equal(out.bad.kind, LEDGER_BAD_NONE);
        assert_int_equal(out.size, ledger_chain_size(w->chain));
        assert_memory_equal(out.root.b, root.b, sizeof root.b);
        assert_memory_equal(out.ledger.b, w->c.ledger.b, sizeof root.b);
        assert_true(out.has_cosigned);
        assert_int_equal(out.signers, 4);
        assert_int_equal(out.cosigned.size, out.size - 2);
        assert_true(out.rows >= 3 * out.size - 2);
        assert_int_equal(out.blocks, quick ? 0 : ledger_chain_height(w->chain) + 1);
        assert_true(quick || out.statements > out.size);
    }
}

static bcemr_status count_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    (void)key;
    (void)value;
    (void)more;
    ++*(uint64_t *)user;
    return BCEMR_OK;
}

static uint64_t count_rows(const ledger_state *state, ledger_table table)
{
    uint64_t n = 0;
    must(ledger_scan(state, table, (bcemr_span){0}, (bcemr_span){0}, count_row, &n));
    return n;
}

static bool named(const ledger_bad *bad, const copying *c)
{
    ledger_key node;
    ledger_key_begin(&node);
    ledger_key_add_number(&node, 0);
    ledger_key_add_number(&node, bad->leaf);
    if (bad->or_node && c->in == LEDGER_NODES)
        return bcemr_span_equal(ledger_key_span(&node), ledger_key_span(&c->key));
    return bad->table == c->in &&
           bcemr_span_equal(ledger_key_span(&bad->key), ledger_key_span(&c->key));
}

/* A row of what follows from nothing: only what the log knows of it can be held against it. */
static bool is_own(ledger_table table)
{
    return table == LEDGER_COSIGNER || table == LEDGER_REFUSED || table == LEDGER_COSIGNED;
}

static void expect(const world *w, copying c)
{
    static const ledger_row_fault faults[] = {LEDGER_ROW_DIFFERENT, LEDGER_ROW_DIFFERENT,
                                              LEDGER_ROW_MISSING, LEDGER_ROW_ADDITIONAL};
    ledger_state other;
    ledger_verified out;
    copy(&w->chain->state, &other, &c);
    assert_true(c.done);
    verify(w, &other, false, &out);
    if (!named(&out.bad, &c))
        fail_msg("%s %u, change %d: kind %d in %s", ledger_table_name(c.in), (unsigned)c.number,
                 (int)c.change, (int)out.bad.kind, ledger_table_name(out.bad.table));
    if (c.in == LEDGER_LEAVES && c.change == CHANGE_VALUE)
        assert_int_equal(out.bad.kind, LEDGER_BAD_LEAF);
    else if (out.bad.or_node)
        assert_int_equal(out.bad.leaf, ledger_chain_size(w->chain) - 1);
    else if (is_own(c.in))
        assert_int_equal(out.bad.kind, LEDGER_BAD_CHECKPOINT);
    else
        assert_int_equal(out.bad.fault, faults[c.change]);
    assert_true(out.bad.error.verdict == BCEMR_BAD_DATABASE || out.bad.kind != LEDGER_BAD_ROW);
    /* The same, when nobody compares. */
    if (!is_own(c.in) && c.in != LEDGER_LEAVES && c.in != LEDGER_NODES) {
        bcemr_switch_off(BCEMR_BAD_DATABASE);
        verify(w, &other, false, &out);
        bcemr_switch_all_on();
        assert_int_equal(out.bad.kind, LEDGER_BAD_NONE);
    }
    ledger_state_close(&other);
}

static void every_table(void **state)
{
    const world *w = played(state);
    for (int t = 0; t < LEDGER_TABLE_COUNT; t++) {
        const uint64_t rows = count_rows(&w->chain->state, (ledger_table)t);
        const uint64_t places[] = {0, rows / 2, rows - 1};
        assert_true(rows > 0);
        for (uint64_t p = 0; p < 3; p++) {
            if (p > 0 && places[p] == places[p - 1])
                continue;
            for (int how = CHANGE_VALUE; how <= CHANGE_MORE; how++) {
                /* Nothing says that this node ever signed, refused or was shown a checkpoint. */
                if (is_own((ledger_table)t) && how == CHANGE_AWAY)
                    continue;
                expect(w, (copying){
                              .change = (change)how, .in = (ledger_table)t, .number = places[p]});
            }
        }
    }
}

/* What follows from no log: every bit of it counts all the same. */
static void own_records(void **state)
{
    world *w = played(state);
    static const ledger_table own[] = {LEDGER_COSIGNER, LEDGER_REFUSED};
    for (size_t i = 0; i < 2; i++) {
        copying c = {.change = CHANGE_VALUE, .in = own[i]};
        ledger_state other;
        ledger_verified out;
        bcemr_buf value = BCEMR_BUF_EMPTY;
        copy(&w->chain->state, &other, &c);
        must(ledger_get(&w->chain->state, own[i], ledger_key_span(&c.key), &value));
        for (uint64_t at = 0; at < value.n; at++) {
            value.p[at] ^= (uint8_t)(1u << at % 8);
            must(other.ops->begin(other.self));
            must(ledger_put(&other, own[i], ledger_key_span(&c.key), bcemr_buf_span(&value)));
            must(other.ops->commit(other.self));
            value.p[at] ^= (uint8_t)(1u << at % 8);
            verify(w, &other, true, &out);
            assert_int_equal(out.bad.kind, LEDGER_BAD_CHECKPOINT);
            assert_true(named(&out.bad, &c));
        }
        bcemr_buf_free(&value);
        ledger_state_close(&other);
    }
    /* And a cosigner with a damaged memory does not begin. */
    bcemr_buf held = BCEMR_BUF_EMPTY, row = BCEMR_BUF_EMPTY;
    bcemr_tr_state_cosigner memory;
    ledger_cosigner cosigner;
    bcemr_error err;
    ledger_state *own_state = &w->chain->state;
    must(ledger_chain_cosigner(w->chain, bcemr_text("hospital-1"), &held, &memory, &err));
    memory.since ^= 1; /* it reads as before */
    must(bcemr_write_state_cosigner(&memory, &row, &err));
    must(own_state->ops->begin(own_state->self));
    must(ledger_put(own_state, LEDGER_COSIGNER, bcemr_text("hospital-1"), bcemr_buf_span(&row)));
    must(own_state->ops->commit(own_state->self));
    assert_int_equal(ledger_cosigner_begin(&cosigner, w->chain, bcemr_text("hospital-1"), sign_with,
                                           &w->c.nodes[0].keys, 0, &err),
                     BCEMR_E_DAMAGED);
    bcemr_buf_free(&held);
    bcemr_buf_free(&row);
}

static void quick_sees_the_tree(void **state)
{
    const world *w = played(state);
    static const struct {
        ledger_table table;
        change change;
        bool seen;
    } cases[] = {
        {LEDGER_LEAVES, CHANGE_VALUE, true},  {LEDGER_LEAVES, CHANGE_AWAY, true},
        {LEDGER_LEAVES, CHANGE_MORE, true},   {LEDGER_NODES, CHANGE_VALUE, true},
        {LEDGER_NODES, CHANGE_AWAY, true},    {LEDGER_NODES, CHANGE_MORE, true},
        {LEDGER_TIP, CHANGE_AWAY, true},      {LEDGER_COSIGNED, CHANGE_VALUE, true},
        {LEDGER_BLOCKS, CHANGE_VALUE, false}, {LEDGER_KEYS, CHANGE_AWAY, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        copying c = {.change = cases[i].change, .in = cases[i].table};
        ledger_state other;
        ledger_verified out;
        copy(&w->chain->state, &other, &c);
        verify(w, &other, true, &out);
        assert_int_equal(out.bad.kind != LEDGER_BAD_NONE, cases[i].seen);
        assert_true(!cases[i].seen || named(&out.bad, &c));
        ledger_state_close(&other);
    }
}

/* Who owns the file puts a set of one into it, and signs as that: also the quick check walks. */
static void signed_by_a_set_of_ones_own(void **state)
{
    const world *w = played(state);
    copying none = {.change = CHANGE_NONE};
    ledger_state other;
    ledger_verified out;
    bcemr_buf encoding = BCEMR_BUF_EMPTY, cosigned = BCEMR_BUF_EMPTY;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    const bcemr_tr_member member = w->c.nodes[HOSPITAL_4].row;
    const bcemr_secrets *const keys[] = {&w->c.nodes[HOSPITAL_4].keys};
    ledger_key key;
    must(ledger_chain_checkpoint(w->chain, &checkpoint, NULL));
    const bcemr_tr_set made = {checkpoint.set_number, BCEMR_LIST_OF(&member, 1)};
    must(bcemr_write_set(&made, &encoding, NULL));
    must(bcemr_set_read(bcemr_buf_span(&encoding), &set, NULL));
    const bcemr_tr_state_set row = {bcemr_buf_span(&encoding), set.hash, 0};
    checkpoint.set = set.hash;
    consortium_cosign(&set, &checkpoint, keys, 1, &cosigned);
    copy(&w->chain->state, &other, &none);
    ledger_key_begin(&key);
    ledger_key_add_number(&key, checkpoint.set_number);
    must(other.ops->begin(other.self));
    must(ledger_put_record(&other, LEDGER_SETS, ledger_key_span(&key), &bcemr_type_state_set, &row,
                           NULL));
    must(ledger_put(&other, LEDGER_COSIGNED, (bcemr_span){0}, bcemr_buf_span(&cosigned)));
    must(other.ops->commit(other.self));
    verify(w, &other, true, &out);
    assert_int_equal(out.bad.kind, LEDGER_BAD_CHECKPOINT);
    assert_int_equal(out.bad.error.verdict, BCEMR_BAD_SET);
    ledger_state_close(&other);
    bcemr_set_free(&set);
    bcemr_buf_free(&encoding);
    bcemr_buf_free(&cosigned);
}

/* A log whose tree, rows and all fit a leaf that the rules refuse: whoever owns the store made it
 * so. The signature is what gives it away. */
static void forged(void **state)
{
    const world *w = played(state);
    copying none = {.change = CHANGE_NONE};
    ledger_state other;
    ledger_verified out;
    bcemr_buf leaf = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts parts;
    bcemr_tr_signer row;
    bcemr_hash hash, left;
    ledger_key key;
    copy(&w->chain->state, &other, &none);
    const uint64_t last = ledger_chain_size(w->chain) - 1;
    must(ledger_log_leaf(&other, last, &leaf));
    must(bcemr_leaf_read(bcemr_buf_span(&leaf), &parts, NULL));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_signer, &parts.parts.signers);
    assert_true(bcemr_list_next(&iter, &row));
    leaf.p[row.signature.p - leaf.p] ^= 1;
    must(other.ops->begin(other.self));
    ledger_key_begin(&key);
    ledger_key_add_number(&key, last);
    must(ledger_put(&other, LEDGER_LEAVES, ledger_key_span(&key), bcemr_buf_span(&leaf)));
    bcemr_tree_leaf_hash(bcemr_buf_span(&leaf), &hash);
    const bcemr_node_source nodes = ledger_log_nodes(&other);
    for (uint64_t level = 0, i = last;; level++, i >>= 1) {
        ledger_key_begin(&key);
        ledger_key_add_number(&key, level);
        ledger_key_add_number(&key, i);
        must(ledger_put(&other, LEDGER_NODES, ledger_key_span(&key),
                        bcemr_span_of(hash.b, sizeof hash.b)));
        if ((i & 1) == 0)
            break;
        must(nodes.node(nodes.user, level, i - 1, &left));
        bcemr_tree_node_hash(&left, &hash, &hash);
    }
    must(other.ops->commit(other.self));
    /* Quick sees no more than that this node had signed something else. */
    verify(w, &other, true, &out);
    assert_int_equal(out.bad.kind, LEDGER_BAD_CHECKPOINT);
    verify(w, &other, false, &out);
    assert_int_equal(out.bad.kind, LEDGER_BAD_ENTRY);
    assert_int_equal(out.bad.leaf, last);
    assert_int_equal(out.bad.error.reason, LEDGER_R_SUPERNODE_SIGNATURE);
    ledger_state_close(&other);
    bcemr_buf_free(&leaf);
}

static void other_ledgers(void **state)
{
    world *w = played(state);
    ledger_verified out;
    bcemr_buf own = w->c.signed_genesis, changed = BCEMR_BUF_EMPTY;
    bcemr_signed_parts parts;
    must(bcemr_buf_set(&changed, bcemr_buf_span(&own)));
    must(bcemr_signed_read(bcemr_buf_span(&changed), &parts, NULL));
    changed.p[parts.entry.p - changed.p + 8 + 7 + 8 + 96 + 8] ^= 1; /* N */
    w->c.signed_genesis = changed;
    verify(w, &w->chain->state, false, &out);
    assert_int_equal(out.bad.kind, LEDGER_BAD_GENESIS);
    assert_int_equal(out.bad.error.verdict, BCEMR_WRONG_LEDGER);
    w->c.signed_genesis = own;
    bcemr_buf_free(&changed);
    /* No ledger at all. */
    ledger_state empty;
    must(ledger_state_memory(&empty));
    verify(w, &empty, false, &out);
    assert_int_equal(out.bad.kind, LEDGER_BAD_ROW);
    assert_int_equal(out.bad.table, LEDGER_LEAVES);
    assert_int_equal(out.bad.fault, LEDGER_ROW_MISSING);
    ledger_state_close(&empty);
}

static bcemr_status interrupt(void *user, uint64_t done, uint64_t total)
{
    ++*(uint64_t *)user;
    return done < total ? BCEMR_E_INTERRUPTED : BCEMR_OK;
}

static void stopped_and_out_of_memory(void **state)
{
    const world *w = played(state);
    ledger_verified out;
    bcemr_error err;
    uint64_t told = 0;
    const bcemr_progress progress = {&told, interrupt};
    ledger_verify_options options = {
        .context = w->c.context, .scratch = scratch, .batch = 20, .progress = &progress};
    assert_int_equal(ledger_verify(&w->chain->state, &options, &out, &err), BCEMR_E_INTERRUPTED);
    assert_int_equal(told, 1);
    options.progress = NULL;
    bcemr_switch_fail_allocation(0);
    const uint64_t before = bcemr_switch_allocations();
    must(ledger_verify(&w->chain->state, &options, &out, &err));
    const uint64_t all = bcemr_switch_allocations() - before;
    for (uint64_t n = 1; n <= all; n += 1 + n / 6) {
        bcemr_switch_fail_allocation(n);
        const bcemr_status status = ledger_verify(&w->chain->state, &options, &out, &err);
        bcemr_switch_fail_allocation(0);
        /* Never a finding: nothing is bad. */
        assert_true(status == BCEMR_OK || status == BCEMR_E_NO_MEMORY);
        assert_int_equal(out.bad.kind, LEDGER_BAD_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_holds),
        TEST(every_table),
        TEST(quick_sees_the_tree),
        TEST(own_records),
        TEST(signed_by_a_set_of_ones_own),
        TEST(forged),
        TEST(other_ledgers),
        TEST(stopped_and_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
