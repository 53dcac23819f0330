/* SPDX-License-Identifier: Apache-2.0 */
/* Join, Leave, Rekey, Upgrade. */
#include "rules_test.h"

#include <stdio.h>

#define ALL 15 /* of the four members */

/* ---- Join ---- */

typedef struct joining {
    bcemr_tr_e_join e;
    bcemr_tr_member member;
    bcemr_buf held;
    consortium_row rows[3];
} joining;

/* A valid Join of cloud-3; change member, then post_join encodes it. */
static void make_join(const world *w, const consortium_node *node, joining *j)
{
    *j = (joining){.e = {.ledger = w->c.ledger},
                   .member = node->row,
                   .held = BCEMR_BUF_EMPTY,
                   .rows = {world_authority(w), world_votes(w, ALL), world_pop(node)}};
    world_set_now(w, &j->e.number, &j->e.before);
    j->e.number++;
}

static uint32_t post_join(world *w, joining *j)
{
    j->e.member = world_member(&j->member, &j->held);
    uint32_t reason = world_post(w, &bcemr_type_e_join, &j->e, j->rows, 3);
    bcemr_buf_free(&j->held);
    return reason;
}

static void join(void **state)
{
    world *w = *state;
    joining j;
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    TAKEN(post_join(w, &j));
    uint64_t number;
    bcemr_hash hash;
    world_set_now(w, &number, &hash);
    assert_int_equal(number, 1);
    bcemr_set set = BCEMR_SET_EMPTY;
    must(ledger_chain_set_at(w->chain, ledger_chain_size(w->chain) - 1, &set, NULL));
    assert_int_equal(set.count, 5); /* that leaf included */
    must(ledger_chain_set_at(w->chain, ledger_chain_size(w->chain) - 2, &set, NULL));
    assert_int_equal(set.count, 4);
    bcemr_set_free(&set);
}

static void join_number_and_hash(void **state)
{
    world *w = *state;
    joining j;
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.e.number++;
    REFUSED(w, SET_NUMBER, post_join(w, &j));
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.e.before.b[0] ^= 1;
    REFUSED(w, SET_HASH, post_join(w, &j));
}

static void join_keys(void **state)
{
    world *w = *state;
    joining j;
    static uint8_t spare[32] = {9};
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.member.e = bcemr_span_of(spare, 32);
    REFUSED(w, SET_KEYS_SHAPE, post_join(w, &j));
    make_join(w, &w->c.nodes[HOSPITAL_3], &j);
    j.member.box = (bcemr_span){0};
    REFUSED(w, SET_KEYS_SHAPE, post_join(w, &j));
    static const uint8_t small[32] = {1};
    make_join(w, &w->c.nodes[HOSPITAL_3], &j);
    j.member.e = bcemr_span_of(small, 32);
    REFUSED(w, KEY_ENCODING, post_join(w, &j));
}

static void join_id_used(void **state)
{
    world *w = *state;
    joining j;
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.member.id = j.rows[2].who = bcemr_text("cloud-1");
    REFUSED(w, SET_ID_USED, post_join(w, &j));
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.member.id = j.rows[2].who = bcemr_text("doctor-1");
    REFUSED(w, SET_ID_USED, post_join(w, &j));
    /* Also of one that has left. */
    TAKEN(world_leave(w, CLOUD_1));
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.rows[1] = world_votes(w, 7);
    j.member.id = j.rows[2].who = bcemr_text("cloud-1");
    REFUSED(w, SET_ID_USED, post_join(w, &j));
}

/* Another supernode's, a doctor's, the authority's, one that left; of every kind. */
static void join_key_used(void **state)
{
    world *w = *state;
    joining j;
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.member.x = w->c.nodes[CLOUD_1].row.x;
    REFUSED(w, SET_KEY_USED, post_join(w, &j));
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.member.x = w->c.p;
    REFUSED(w, SET_KEY_USED, post_join(w, &j));
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.member.a = w->c.doctors[0].publics.a;
    REFUSED(w, SET_KEY_USED, post_join(w, &j));
    make_join(w, &w->c.nodes[HOSPITAL_3], &j);
    j.member.e = w->c.nodes[HOSPITAL_1].row.e;
    REFUSED(w, SET_KEY_USED, post_join(w, &j));
    make_join(w, &w->c.nodes[HOSPITAL_3], &j);
    j.member.box = w->c.nodes[HOSPITAL_1].row.e;
    REFUSED(w, SET_KEY_USED, post_join(w, &j));
    make_join(w, &w->c.nodes[HOSPITAL_3], &j);
    j.member.box = j.member.e;
    REFUSED(w, SET_KEY_USED, post_join(w, &j));
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.member.tls = w->c.nodes[CLOUD_1].row.tls;
    REFUSED(w, SET_KEY_USED, post_join(w, &j));
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.member.consensus = bcemr_span_of(w->c.nodes[CLOUD_1].row.a.b, 32);
    REFUSED(w, SET_KEY_USED, post_join(w, &j));
}

static void join_votes(void **state)
{
    world *w = *state;
    joining j;
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.rows[1] = world_votes(w, 3); /* two of four */
    REFUSED(w, SET_VOTES, post_join(w, &j));
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.rows[1].places = 9; /* a bitmap over nine */
    for (int i = 4; i < 9; i++)
        w->voters[i] = &w->c.nodes[i].keys;
    REFUSED(w, SET_BITMAP, post_join(w, &j));
    /* Three sign, four are counted: the fourth is another's key. */
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    w->voters[3] = &w->c.nodes[CLOUD_4].keys;
    REFUSED(w, SET_VOTE_SIGNATURE, post_join(w, &j));
    w->voters[3] = &w->c.nodes[CLOUD_2].keys;
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.rows[1] = world_votes(w, 7); /* three of four are more than two thirds */
    TAKEN(post_join(w, &j));
}

static void join_signatures(void **state)
{
    world *w = *state;
    joining j;
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.rows[0].by = &w->c.nodes[HOSPITAL_1].keys;
    REFUSED(w, AUTHORITY_SIGNATURE, post_join(w, &j));
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.rows[2].by = &w->c.nodes[CLOUD_4].keys;
    REFUSED(w, SET_POP, post_join(w, &j));
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.rows[2].member = &w->c.nodes[CLOUD_4].row; /* proof for other fields */
    REFUSED(w, SET_POP, post_join(w, &j));
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    j.rows[2].who = bcemr_text("cloud-4");
    REFUSED(w, SIGNER_ROWS, post_join(w, &j));
    make_join(w, &w->c.nodes[CLOUD_3], &j);
    memset(&j.member.x, 0, sizeof j.member.x);
    j.member.x.b[0] = 0xc0; /* the identity: no key at all */
    REFUSED(w, KEY_ENCODING, post_join(w, &j));
}

static void join_full(void **state)
{
    world *w = *state;
    static consortium_node more[BCEMR_SET_MAX + 1];
    static char names[BCEMR_SET_MAX + 1][32];
    for (int i = 4; i <= BCEMR_SET_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "cloud-m%d", i);
        consortium_node_make(&more[i], names[i], BCEMR_role_CLOUD, names[i]);
    }
    for (int i = 4; i < BCEMR_SET_MAX - 1; i++)
        TAKEN(world_join(w, &more[i]));
    joining j;
    make_join(w, &more[BCEMR_SET_MAX - 1], &j);
    j.rows[1] = world_votes(w, UINT64_MAX >> 1);
    TAKEN(post_join(w, &j));
    w->voters[w->places++] = &more[BCEMR_SET_MAX - 1].keys;
    make_join(w, &more[BCEMR_SET_MAX], &j);
    j.rows[1] = world_votes(w, UINT64_MAX);
    REFUSED(w, SET_FULL, post_join(w, &j));
}

/* ---- Leave ---- */

static uint32_t post_leave(world *w, const bcemr_tr_member *member, uint64_t number, uint64_t votes)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_e_leave e = {.ledger = w->c.ledger, .member = world_member(member, &held)};
    uint64_t now;
    world_set_now(w, &now, &e.before);
    e.number = number;
    const consortium_row rows[] = {world_authority(w), world_votes(w, votes)};
    uint32_t reason = world_post(w, &bcemr_type_e_leave, &e, rows, 2);
    bcemr_buf_free(&held);
    return reason;
}

static void leave(void **state)
{
    world *w = *state;
    const bcemr_tr_member *cloud = &w->c.nodes[CLOUD_2].row;
    bcemr_tr_member other = *cloud;
    REFUSED(w, SET_NOT_MEMBER, post_leave(w, &w->c.nodes[CLOUD_3].row, 1, 7));
    other.a = w->c.nodes[CLOUD_3].row.a;
    REFUSED(w, SET_NOT_MEMBER, post_leave(w, &other, 1, 7));
    REFUSED(w, SET_NUMBER, post_leave(w, cloud, 2, 7));
    /* Who leaves does not vote: all three others are more than two thirds of three, two are not. */
    REFUSED(w, SET_BITMAP, post_leave(w, cloud, 1, ALL));
    REFUSED(w, SET_VOTES, post_leave(w, cloud, 1, 3));
    TAKEN(post_leave(w, cloud, 1, 7));
    w->places = 3;
    TAKEN(post_leave(w, &w->c.nodes[CLOUD_1].row, 2, 3));
    w->places = 2;
    /* Of two, one alone cannot put out the other. */
    REFUSED(w, SET_VOTES, post_leave(w, &w->c.nodes[HOSPITAL_2].row, 3, 1));
}

/* ---- Rekey ---- */

typedef struct rekeying {
    bcemr_tr_e_rekey e;
    bcemr_buf held;
    consortium_row rows[4];
} rekeying;

/* cloud-2 with the keys of another name in its place. */
static void make_rekey(world *w, const char *seed, bool lost, rekeying *k)
{
    consortium_node_make(&w->renewed, "cloud-2", BCEMR_role_CLOUD, seed);
    *k = (rekeying){.e = {.ledger = w->c.ledger,
                          .place = CLOUD_2,
                          .lost = lost ? BCEMR_yes_no_YES : BCEMR_yes_no_NO},
                    .held = BCEMR_BUF_EMPTY,
                    .rows = {world_authority(w), world_votes(w, 7), world_pop(&w->renewed),
                             world_node_row(w, CLOUD_2)}};
    world_set_now(w, &k->e.number, &k->e.before);
    k->e.number++;
}

static uint32_t post_rekey(world *w, rekeying *k)
{
    k->e.member = world_member(&w->renewed.row, &k->held);
    uint32_t reason =
        world_post(w, &bcemr_type_e_rekey, &k->e, k->rows, k->e.lost == BCEMR_yes_no_YES ? 3 : 4);
    bcemr_buf_free(&k->held);
    return reason;
}

static void rekey(void **state)
{
    world *w = *state;
    rekeying k;
    make_rekey(w, "cloud-2 anew", false, &k);
    TAKEN(post_rekey(w, &k));
    /* In its place, and the old key signs no more. */
    bcemr_set set = BCEMR_SET_EMPTY;
    must(ledger_chain_set_now(w->chain, &set, NULL));
    assert_int_equal(bcemr_set_place(&set, bcemr_text("cloud-2")), CLOUD_2);
    bcemr_set_free(&set);
    bcemr_tr_e_access access_entry;
    world_access(w, 1, CLOUD_2, &access_entry);
    REFUSED(w, SUPERNODE_SIGNATURE, world_post_by(w, &bcemr_type_e_access, &access_entry, CLOUD_2));
    consortium_row row = world_node_row(w, CLOUD_2);
    bcemr_secrets renewed = w->renewed.keys;
    row.by = &renewed;
    TAKEN(world_post(w, &bcemr_type_e_access, &access_entry, &row, 1));
    /* Old keys never come back. */
    make_rekey(w, "cloud-2", true, &k);
    REFUSED(w, SET_KEY_USED, post_rekey(w, &k));
}

static void rekey_lost_and_kept(void **state)
{
    world *w = *state;
    rekeying k;
    make_rekey(w, "cloud-2 lost", true, &k);
    TAKEN(post_rekey(w, &k));
    /* Kept keys with another TLS key. */
    bcemr_secrets kept = w->renewed.keys;
    make_rekey(w, "cloud-2 lost", false, &k);
    bcemr_sha256(bcemr_text("another TLS key"), &w->renewed.row.tls);
    k.rows[3].by = &kept;
    TAKEN(post_rekey(w, &k));
}

static void rekey_refused(void **state)
{
    world *w = *state;
    rekeying k;
    make_rekey(w, "cloud-2 anew", false, &k);
    k.e.place = 4;
    REFUSED(w, SET_NOT_MEMBER, post_rekey(w, &k));
    make_rekey(w, "cloud-2 anew", false, &k);
    k.e.place = CLOUD_1;
    REFUSED(w, SET_REKEY_IDENTITY, post_rekey(w, &k));
    make_rekey(w, "cloud-2 anew", true, &k);
    consortium_node_make(&w->renewed, "cloud-2", BCEMR_role_HOSPITAL, "cloud-2 anew");
    REFUSED(w, SET_REKEY_IDENTITY, post_rekey(w, &k));
    make_rekey(w, "cloud-2 anew", false, &k);
    w->renewed.row.a = w->c.nodes[CLOUD_1].row.a;
    REFUSED(w, SET_KEY_USED, post_rekey(w, &k));
    make_rekey(w, "cloud-2 anew", false, &k);
    k.rows[1] = world_votes(w, ALL);
    REFUSED(w, SET_BITMAP, post_rekey(w, &k));
    make_rekey(w, "cloud-2 anew", false, &k);
    k.rows[1] = world_votes(w, 3);
    REFUSED(w, SET_VOTES, post_rekey(w, &k));
    make_rekey(w, "cloud-2 anew", false, &k);
    k.rows[3].by = &w->renewed.keys;
    REFUSED(w, SUPERNODE_SIGNATURE, post_rekey(w, &k));
    make_rekey(w, "cloud-2 anew", false, &k);
    k.rows[3].role = "hospital";
    REFUSED(w, SIGNER_ROWS, post_rekey(w, &k));
    make_rekey(w, "cloud-2 anew", false, &k);
    k.rows[2].by = &w->c.nodes[CLOUD_2].keys;
    REFUSED(w, SET_POP, post_rekey(w, &k));
    make_rekey(w, "cloud-2 anew", false, &k);
    static const uint8_t spare[32] = {9};
    w->renewed.row.e = bcemr_span_of(spare, 32);
    REFUSED(w, SET_KEYS_SHAPE, post_rekey(w, &k));
}

/* ---- Upgrade ---- */

typedef struct upgrading {
    bcemr_tr_e_upgrade e;
    bcemr_buf thresholds, quotas;
    consortium_row rows[2];
} upgrading;

static void make_upgrade(world *w, uint64_t rules, uint64_t height, uint64_t reissues, upgrading *u)
{
    *u = (upgrading){.e = {.ledger = w->c.ledger,
                           .rules = rules,
                           .reissues = reissues,
                           .clock_difference = CONSORTIUM_CLOCK_DIFFERENCE,
                           .retention = CONSORTIUM_RETENTION,
                           .thresholds = bcemr_buf_span(&w->c.thresholds),
                           .quotas = bcemr_buf_span(&w->c.quotas),
                           .height = height},
                     .rows = {world_authority(w), world_votes(w, 7)}};
    world_set_now(w, &u->e.number, &u->e.set);
}

static uint32_t post_upgrade(world *w, const upgrading *u)
{
    return world_post(w, &bcemr_type_e_upgrade, &u->e, u->rows, 2);
}

static uint64_t reissues_now(const world *w)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_params params;
    must(ledger_chain_params(w->chain, &held, &params, NULL));
    bcemr_buf_free(&held);
    return params.reissues;
}

static void upgrade(void **state)
{
    world *w = *state;
    upgrading u;
    uint64_t height = ledger_chain_height(w->chain);
    make_upgrade(w, 2, height + 3, 7, &u);
    TAKEN(post_upgrade(w, &u));
    make_upgrade(w, 3, height + 3, 8, &u);
    REFUSED(w, UPGRADE_HEIGHT, post_upgrade(w, &u)); /* not after that of the one before */
    make_upgrade(w, 3, height + 4, 8, &u);
    assert_int_equal(reissues_now(w), CONSORTIUM_REISSUES);
    TAKEN(post_upgrade(w, &u)); /* block height + 2 */
    assert_int_equal(reissues_now(w), 7);
    TAKEN(world_enrol(w, 4, "hospital-1"));
    assert_int_equal(reissues_now(w), 8);
    TAKEN(world_enrol(w, 5, "hospital-1"));
    assert_int_equal(reissues_now(w), 8);
}

static void upgrade_refused(void **state)
{
    world *w = *state;
    upgrading u;
    uint64_t height = ledger_chain_height(w->chain);
    make_upgrade(w, 3, height + 9, 7, &u);
    REFUSED(w, UPGRADE_VERSION, post_upgrade(w, &u));
    make_upgrade(w, 2, height + 1, 7, &u); /* the block it stands in */
    REFUSED(w, UPGRADE_HEIGHT, post_upgrade(w, &u));
    make_upgrade(w, 2, height + 9, 7, &u);
    u.e.number++;
    REFUSED(w, SET_NUMBER, post_upgrade(w, &u));
    make_upgrade(w, 2, height + 9, 7, &u);
    u.e.set.b[0] ^= 1;
    REFUSED(w, SET_HASH, post_upgrade(w, &u));
    make_upgrade(w, 2, height + 9, 7, &u);
    const bcemr_tr_thresholds thresholds = {2, 1, {0}};
    must(bcemr_write_thresholds(&thresholds, &u.thresholds, NULL));
    u.e.thresholds = bcemr_buf_span(&u.thresholds);
    REFUSED(w, UPGRADE_THRESHOLDS, post_upgrade(w, &u));
    bcemr_buf_free(&u.thresholds);
    make_upgrade(w, 2, height + 9, 7, &u);
    u.rows[1] = world_votes(w, 3);
    REFUSED(w, SET_VOTES, post_upgrade(w, &u));
    make_upgrade(w, 2, height + 9, 7, &u);
    u.rows[0].by = &w->c.nodes[HOSPITAL_1].keys;
    REFUSED(w, AUTHORITY_SIGNATURE, post_upgrade(w, &u));
    make_upgrade(w, 2, height + 9, 7, &u);
    w->voters[0] = &w->c.nodes[CLOUD_4].keys;
    REFUSED(w, SET_VOTE_SIGNATURE, post_upgrade(w, &u));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(join),
        TEST(join_number_and_hash),
        TEST(join_keys),
        TEST(join_id_used),
        TEST(join_key_used),
        TEST(join_votes),
        TEST(join_signatures),
        TEST(join_full),
        TEST(leave),
        TEST(rekey),
        TEST(rekey_lost_and_kept),
        TEST(rekey_refused),
        TEST(upgrade),
        TEST(upgrade_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
