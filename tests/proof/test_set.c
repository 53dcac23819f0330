/* SPDX-License-Identifier: Apache-2.0 */
/* The genesis, and walking the sets from it with nothing else at hand. */
#include "proof_test.h"

typedef struct walk {
    bcemr_set set, next;
    bcemr_g2 authority;
    const bcemr_secrets *voters[BCEMR_SET_MAX];
    bcemr_buf held, signed_entry;
} walk;

static void begin(const consortium *c, walk *w)
{
    memset(w, 0, sizeof *w);
    must(bcemr_set_begin(&c->genesis, &w->set, NULL));
    must(bcemr_g2_decode(&c->p, &w->authority));
    for (int i = 0; i < 4; i++)
        w->voters[i] = &c->nodes[i].keys;
}

static void end(walk *w)
{
    bcemr_set_free(&w->set);
    bcemr_set_free(&w->next);
    bcemr_buf_free(&w->held);
    bcemr_buf_free(&w->signed_entry);
}

static bcemr_span member(walk *w, const bcemr_tr_member *row)
{
    bcemr_buf_clear(&w->held);
    must(bcemr_write_member(row, &w->held, NULL));
    return bcemr_buf_span(&w->held);
}

static bcemr_verdict follow(const consortium *c, walk *w)
{
    return bcemr_set_follow(c->context, &w->authority, &c->ledger, &w->set,
                            bcemr_buf_span(&w->signed_entry), &w->next, NULL);
}

static consortium_row votes_row(const walk *w, uint64_t votes)
{
    return (consortium_row){
        .role = "set", .votes = votes, .voters = w->voters, .places = w->set.count};
}

/* ---- genesis ---- */

static void genesis(void **state)
{
    consortium *c = *state;
    bcemr_hash ledger;
    bcemr_signed_parts parts;
    VERDICT(VALID,
            bcemr_genesis_check(c->context, bcemr_buf_span(&c->signed_genesis), &ledger, NULL));
    assert_memory_equal(ledger.b, c->ledger.b, 32);
    must(bcemr_signed_read(bcemr_buf_span(&c->signed_genesis), &parts, NULL));
    assert_memory_equal(parts.entry_hash.b, c->ledger.b, 32);
}

/* Signs what stands in c->genesis now with the proofs that stood beside the first one. */
static bcemr_verdict recheck(consortium *c)
{
    bcemr_signed_parts parts;
    bcemr_buf entry = BCEMR_BUF_EMPTY, again = BCEMR_BUF_EMPTY;
    must(bcemr_signed_read(bcemr_buf_span(&c->signed_genesis), &parts, NULL));
    must(bcemr_write_genesis(&c->genesis, &entry, NULL));
    const bcemr_tr_signed value = {bcemr_buf_span(&entry), parts.signers};
    must(bcemr_write_signed(&value, &again, NULL));
    bcemr_verdict verdict = bcemr_genesis_check(c->context, bcemr_buf_span(&again), NULL, NULL);
    bcemr_buf_free(&entry);
    bcemr_buf_free(&again);
    return verdict;
}

static void genesis_refused(void **state)
{
    consortium *c = *state;
    bcemr_tr_member saved = c->members[1];
    static const uint8_t small[32] = {1};
    c->genesis.retention++; /* another ledger id: no proof fits */
    VERDICT(BAD_POP, recheck(c));
    c->genesis.retention--;
    VERDICT(VALID, recheck(c));
    c->members[1].id = bcemr_text("hospital-1");
    VERDICT(BAD_GENESIS, recheck(c));
    c->members[1] = saved;
    c->members[1].box = (bcemr_span){0};
    VERDICT(BAD_GENESIS, recheck(c));
    c->members[1] = saved;
    c->members[1].e = bcemr_span_of(small, 32);
    VERDICT(BAD_GENESIS, recheck(c));
    c->members[1] = saved;
    memset(&c->members[1].a, 0, sizeof c->members[1].a);
    c->members[1].a.b[0] = 1;
    VERDICT(BAD_GENESIS, recheck(c));
    c->members[1] = saved;
    memset(&c->members[1].x, 0, sizeof c->members[1].x);
    c->members[1].x.b[0] = 0xc0;
    VERDICT(BAD_GENESIS, recheck(c));
    c->members[1] = saved;
    c->members[1].consensus = bcemr_span_of(small, 32);
    VERDICT(BAD_GENESIS, recheck(c));
    c->members[1] = saved;
    c->members[1].a = c->members[0].a;
    VERDICT(BAD_GENESIS, recheck(c));
    c->members[1] = saved;
    c->members[1].x = c->p;
    VERDICT(BAD_GENESIS, recheck(c));
    c->members[1] = saved;
    c->genesis.members.count = 3;
    VERDICT(BAD_GENESIS, recheck(c));
    c->genesis.members.count = 4;
    const bcemr_tr_thresholds thresholds = {1, 2, {0}};
    bcemr_buf_clear(&c->thresholds);
    must(bcemr_write_thresholds(&thresholds, &c->thresholds, NULL));
    c->genesis.thresholds = bcemr_buf_span(&c->thresholds);
    VERDICT(BAD_GENESIS, recheck(c));
}

/* Each proof in its place, by its own key. */
static void genesis_proofs(void **state)
{
    consortium *c = *state;
    for (uint64_t i = 0; i < 5; i++) {
        bcemr_signed_parts parts;
        bcemr_tr_signer rows[5];
        uint8_t proof[112];
        bcemr_buf again = BCEMR_BUF_EMPTY;
        must(bcemr_signed_read(bcemr_buf_span(&c->signed_genesis), &parts, NULL));
        for (uint64_t j = 0; j < 5; j++)
            assert_true(bcemr_list_at(&bcemr_type_signer, &parts.signers, j, &rows[j]));
        const bcemr_tr_signer good = rows[i];
        memcpy(proof, good.signature.p, (size_t)good.signature.n);
        proof[good.signature.n - 2] ^= 1;
        rows[i].signature.p = proof;
        must(bcemr_signed_make(parts.entry, rows, 5, &again, NULL));
        VERDICT(BAD_POP, bcemr_genesis_check(c->context, bcemr_buf_span(&again), NULL, NULL));
        rows[i] = good;
        rows[i].role = bcemr_text("authority");
        bcemr_buf_clear(&again);
        must(bcemr_signed_make(parts.entry, rows, 5, &again, NULL));
        VERDICT(BAD_GENESIS, bcemr_genesis_check(c->context, bcemr_buf_span(&again), NULL, NULL));
        bcemr_buf_free(&again);
    }
}

/* ---- sets ---- */

static void majority(void **state)
{
    (void)state;
    static const uint64_t needed[] = {1, 1, 2, 3, 3, 4, 5, 5, 6, 7};
    for (uint64_t n = 1; n < 10; n++) {
        assert_int_equal(bcemr_set_needed(n), needed[n]);
        assert_true(bcemr_set_majority(n, needed[n]));
        assert_false(bcemr_set_majority(n, needed[n] - 1));
    }
}

static void look_up(void **state)
{
    consortium *c = *state;
    walk w;
    begin(c, &w);
    assert_int_equal(bcemr_set_place(&w.set, bcemr_text("cloud-1")), CLOUD_1);
    assert_true(bcemr_set_place(&w.set, bcemr_text("cloud-3")) == BCEMR_NOWHERE);
    assert_non_null(bcemr_set_find(&w.set, BCEMR_role_CLOUD, bcemr_text("cloud-1")));
    assert_null(bcemr_set_find(&w.set, BCEMR_role_HOSPITAL, bcemr_text("cloud-1")));
    bcemr_set again = BCEMR_SET_EMPTY;
    must(bcemr_set_read(bcemr_buf_span(&w.set.encoding), &again, NULL));
    assert_memory_equal(again.hash.b, w.set.hash.b, 32);
    bcemr_set_free(&again);
    end(&w);
}

static void sign_join(const consortium *c, walk *w, uint64_t votes)
{
    const bcemr_tr_e_join join = {.ledger = c->ledger,
                                  .number = 1,
                                  .before = w->set.hash,
                                  .member = member(w, &c->nodes[CLOUD_3].row)};
    const consortium_row rows[] = {{.role = "authority", .by = &c->authority},
                                   votes_row(w, votes),
                                   {.role = "pop",
                                    .who = bcemr_text("cloud-3"),
                                    .by = &c->nodes[CLOUD_3].keys,
                                    .member = &c->nodes[CLOUD_3].row}};
    consortium_sign(c, &bcemr_type_e_join, &join, rows, 3, &w->signed_entry);
}

static void walk_join(void **state)
{
    consortium *c = *state;
    walk w;
    begin(c, &w);
    sign_join(c, &w, 7);
    VERDICT(VALID, follow(c, &w));
    assert_int_equal(w.next.count, 5);
    assert_int_equal(w.next.number, 1);
    sign_join(c, &w, 3); /* the authority alone cannot make a majority */
    VERDICT(NOT_ENOUGH_SIGNERS, follow(c, &w));
    w.voters[3] = &c->nodes[CLOUD_4].keys;
    sign_join(c, &w, 15);
    VERDICT(BAD_JOINT_SIGNATURE, follow(c, &w));
    w.voters[3] = &c->nodes[CLOUD_2].keys;
    c->authority = c->nodes[HOSPITAL_1].keys; /* the members alone neither */
    sign_join(c, &w, 15);
    VERDICT(BAD_ENTRY_SIGNATURE, follow(c, &w));
    end(&w);
}

/* A vote on one branch is no vote on another. */
static void walk_other_branch(void **state)
{
    consortium *c = *state;
    walk w;
    begin(c, &w);
    sign_join(c, &w, 15);
    w.set.hash.b[0] ^= 1;
    VERDICT(BAD_SET, follow(c, &w));
    w.set.hash.b[0] ^= 1;
    w.set.number = 1;
    VERDICT(BAD_SET, follow(c, &w));
    end(&w);
}

static void sign_leave(const consortium *c, walk *w, const bcemr_tr_member *row, uint64_t votes)
{
    const bcemr_tr_e_leave leave = {.ledger = c->ledger,
                                    .number = w->set.number + 1,
                                    .before = w->set.hash,
                                    .member = member(w, row)};
    const consortium_row rows[] = {{.role = "authority", .by = &c->authority}, votes_row(w, votes)};
    consortium_sign(c, &bcemr_type_e_leave, &leave, rows, 2, &w->signed_entry);
}

static void walk_leave(void **state)
{
    consortium *c = *state;
    walk w;
    begin(c, &w);
    sign_leave(c, &w, &c->nodes[HOSPITAL_2].row, 13);
    VERDICT(VALID, follow(c, &w));
    assert_int_equal(w.next.count, 3); /* the gap is closed */
    assert_int_equal(bcemr_set_place(&w.next, bcemr_text("cloud-1")), 1);
    sign_leave(c, &w, &c->nodes[HOSPITAL_2].row, 15);
    VERDICT(NOT_ENOUGH_SIGNERS, follow(c, &w));
    sign_leave(c, &w, &c->nodes[HOSPITAL_2].row, 5);
    VERDICT(NOT_ENOUGH_SIGNERS, follow(c, &w));
    sign_leave(c, &w, &c->nodes[CLOUD_3].row, 13);
    VERDICT(BAD_SET, follow(c, &w));
    end(&w);
}

static void sign_rekey(const consortium *c, walk *w, const consortium_node *fresh, uint64_t place,
                       const bcemr_secrets *old)
{
    const bcemr_tr_e_rekey rekey = {.ledger = c->ledger,
                                    .number = 1,
                                    .before = w->set.hash,
                                    .place = place,
                                    .member = member(w, &fresh->row),
                                    .lost = old ? BCEMR_yes_no_NO : BCEMR_yes_no_YES};
    const consortium_row rows[] = {
        {.role = "authority", .by = &c->authority},
        votes_row(w, 7),
        {.role = "pop", .who = bcemr_text(fresh->id), .by = &fresh->keys, .member = &fresh->row},
        {.role = "cloud", .who = bcemr_text(fresh->id), .by = old}};
    consortium_sign(c, &bcemr_type_e_rekey, &rekey, rows, old ? 4 : 3, &w->signed_entry);
}

static void walk_rekey(void **state)
{
    consortium *c = *state;
    walk w;
    consortium_node fresh, other;
    begin(c, &w);
    consortium_node_make(&fresh, "cloud-2", BCEMR_role_CLOUD, "fresh");
    consortium_node_make(&other, "cloud-9", BCEMR_role_CLOUD, "fresh");
    sign_rekey(c, &w, &fresh, 3, &c->nodes[CLOUD_2].keys);
    VERDICT(VALID, follow(c, &w));
    assert_memory_equal(w.next.members[3].a.b, fresh.row.a.b, 32);
    sign_rekey(c, &w, &fresh, 3, NULL);
    VERDICT(VALID, follow(c, &w));
    sign_rekey(c, &w, &fresh, 3, &fresh.keys);
    VERDICT(BAD_ENTRY_SIGNATURE, follow(c, &w));
    sign_rekey(c, &w, &fresh, 2, &c->nodes[CLOUD_2].keys);
    VERDICT(BAD_SET, follow(c, &w));
    sign_rekey(c, &w, &other, 3, &c->nodes[CLOUD_2].keys);
    VERDICT(BAD_SET, follow(c, &w));
    sign_rekey(c, &w, &fresh, 9, NULL);
    VERDICT(BAD_SET, follow(c, &w));
    consortium_keys("yet another", &fresh.keys, &fresh.publics);
    sign_rekey(c, &w, &fresh, 3, &c->nodes[CLOUD_2].keys);
    VERDICT(BAD_POP, follow(c, &w));
    end(&w);
}

/* One key in two places would count twice. */
static void walk_keys_of_others(void **state)
{
    consortium *c = *state;
    walk w;
    consortium_node twin;
    begin(c, &w);
    consortium_node_make(&twin, "cloud-2", BCEMR_role_CLOUD, "twin");
    const consortium_node fresh = twin;
    sign_rekey(c, &w, &twin, 3, NULL);
    VERDICT(VALID, follow(c, &w));
    for (int kind = 0; kind < 4; kind++) {
        twin = fresh;
        if (kind == 0) { /* another member's, all of them */
            consortium_node_make(&twin, "cloud-2", BCEMR_role_CLOUD, "cloud-1");
        } else if (kind == 1) { /* one of them, under another name */
            memcpy(twin.row.tls.b, c->nodes[HOSPITAL_1].publics.box.b, 32);
        } else if (kind == 2) { /* its own twice */
            memcpy(twin.row.tls.b, twin.row.a.b, 32);
        } else { /* those that it had */
            consortium_node_make(&twin, "cloud-2", BCEMR_role_CLOUD, "cloud-2");
        }
        sign_rekey(c, &w, &twin, 3, NULL);
        assert_int_equal(follow(c, &w), kind < 3 ? BCEMR_BAD_SET : BCEMR_VALID);
    }
    end(&w);
}

/* The rows as the ledger takes them: none more, and each under its name. */
static void walk_rows(void **state)
{
    consortium *c = *state;
    walk w;
    consortium_node fresh;
    bcemr_error err;
    bcemr_buf good = BCEMR_BUF_EMPTY;
    bcemr_signed_parts parts;
    bcemr_tr_signer rows[5];
    begin(c, &w);
    consortium_node_make(&fresh, "cloud-2", BCEMR_role_CLOUD, "fresh");
    for (int kind = 0; kind < 3; kind++) {
        if (kind == 0)
            sign_join(c, &w, 15);
        else if (kind == 1)
            sign_leave(c, &w, &c->nodes[HOSPITAL_2].row, 13);
        else
            sign_rekey(c, &w, &fresh, 3, &c->nodes[CLOUD_2].keys);
        must(bcemr_buf_set(&good, bcemr_buf_span(&w.signed_entry)));
        must(bcemr_signed_read(bcemr_buf_span(&good), &parts, NULL));
        uint64_t count = parts.signers.count;
        for (uint64_t i = 0; i < count; i++)
            assert_true(bcemr_list_at(&bcemr_type_signer, &parts.signers, i, &rows[i]));
        rows[count] = rows[count - 1];
        for (uint64_t more = 0; more < 2; more++) {
            bcemr_buf_clear(&w.signed_entry);
            must(bcemr_signed_make(parts.entry, rows, count + more, &w.signed_entry, NULL));
            assert_int_equal(follow(c, &w), more ? BCEMR_BAD_SET : BCEMR_VALID);
        }
        /* Rows with a name have their member's, the others none but the bitmap. */
        for (uint64_t i = 0; i < count; i++) {
            const bcemr_tr_signer held = rows[i];
            if (i == 1)
                continue;
            rows[i].who = bcemr_text("cloud-9");
            bcemr_buf_clear(&w.signed_entry);
            must(bcemr_signed_make(parts.entry, rows, count, &w.signed_entry, NULL));
            assert_int_not_equal(bcemr_set_follow(c->context, &w.authority, &c->ledger, &w.set,
                                                  bcemr_buf_span(&w.signed_entry), &w.next, &err),
                                 BCEMR_VALID);
            assert_int_equal(err.status, BCEMR_E_REFUSED);
            rows[i] = held;
        }
    }
    bcemr_buf_free(&good);
    end(&w);
}

static void only_changes_of_the_set(void **state)
{
    consortium *c = *state;
    walk w;
    bcemr_set next = BCEMR_SET_EMPTY;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    const bcemr_tr_e_retire retire = {c->ledger, bcemr_text("x"), bcemr_span_of(c->p.b, 96)};
    begin(c, &w);
    must(bcemr_write_e_retire(&retire, &entry, NULL));
    STATUS(E_REFUSED, bcemr_set_next(&w.set, bcemr_buf_span(&entry), &next, NULL));
    bcemr_buf_free(&entry);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(genesis),           TEST(genesis_refused),
        TEST(genesis_proofs),    TEST(majority),
        TEST(look_up),           TEST(walk_join),
        TEST(walk_leave),        TEST(walk_rekey),
        TEST(walk_other_branch), TEST(only_changes_of_the_set),
        TEST(walk_rows),         TEST(walk_keys_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
