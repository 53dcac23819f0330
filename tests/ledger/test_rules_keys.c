/* SPDX-License-Identifier: Apache-2.0 */
/* Every key of every entry that somebody will use later decodes (section 1): one that is the
 * identity, of small or mixed order, outside the group or not canonical is refused by its field. */
#include "rules_test.h"

#include <sodium.h>

#define WAYS 4 /* ways in which a key can be bad */

static const uint8_t x25519_bad[WAYS][32] = {
    {0},
    {1},
    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {9, [31] = 0x80}, /* the top bit */
};

/* Not canonical (p, which is 0), and the point of order 2. */
static const uint8_t order_2[32] = {
    0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};

/* The identity, order 4, p for 0, and a good key plus a point of order 2. */
static void ed_bad(int way, bcemr_ed_raw *key)
{
    const bcemr_ed_raw good = *key;
    memset(key, 0, sizeof *key);
    if (way == 0)
        key->b[0] = 1;
    if (way == 2)
        memcpy(key->b, x25519_bad[2], sizeof key->b);
    if (way == 3)
        assert_int_equal(crypto_core_ed25519_add(key->b, good.b, order_2), 0);
}

/* The identity, nothing, x above p, a point of the curve outside the group (or none at all). */
static void point_bad(int way, uint8_t *b, size_t n)
{
    uint8_t first[WAYS] = {0xc0, 0x00, 0x9f, 0x80};
    memset(b, way == 2 ? 0xff : 0, n);
    b[0] = first[way];
    b[n - 1] |= way == 3 ? 4 : 0;
}

/* ---- sets ---- */

static uint32_t join_with(world *w, const bcemr_tr_member *member)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    const consortium_row rows[3] = {world_authority(w), world_votes(w, 0xf),
                                    world_pop(&w->c.nodes[HOSPITAL_3])};
    bcemr_tr_e_join join = {.ledger = w->c.ledger};
    world_set_now(w, &join.number, &join.before);
    join.number++;
    join.member = world_member(member, &held);
    uint32_t reason = world_post(w, &bcemr_type_e_join, &join, rows, 3);
    bcemr_buf_free(&held);
    return reason;
}

static void keys_of_a_member(void **state)
{
    world *w = *state;
    const bcemr_tr_member good = w->c.nodes[HOSPITAL_3].row;
    for (int way = 0; way < WAYS; way++) {
        bcemr_tr_member m = good;
        bcemr_ed_raw consensus = m.a;
        point_bad(way, m.x.b, sizeof m.x.b);
        REFUSED(w, KEY_ENCODING, join_with(w, &m));
        m = good;
        ed_bad(way, &m.a);
        REFUSED(w, KEY_ENCODING, join_with(w, &m));
        m = good;
        ed_bad(way, &consensus);
        m.consensus = bcemr_span_of(consensus.b, sizeof consensus.b);
        REFUSED(w, KEY_ENCODING, join_with(w, &m));
        m = good;
        m.e = bcemr_span_of(x25519_bad[way], 32);
        REFUSED(w, KEY_ENCODING, join_with(w, &m));
        m = good;
        m.box = bcemr_span_of(x25519_bad[way], 32);
        REFUSED(w, KEY_ENCODING, join_with(w, &m));
    }
    TAKEN(join_with(w, &good));
}

static void keys_of_a_rekey(void **state)
{
    world *w = *state;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    const consortium_node *node = &w->c.nodes[HOSPITAL_1];
    bcemr_tr_member m = node->row;
    const consortium_row rows[4] = {world_authority(w), world_votes(w, 0xe), world_pop(node),
                                    world_node_row(w, HOSPITAL_1)};
    bcemr_tr_e_rekey rekey = {.ledger = w->c.ledger, .place = 0, .lost = BCEMR_yes_no_NO};
    world_set_now(w, &rekey.number, &rekey.before);
    rekey.number++;
    ed_bad(3, &m.a);
    rekey.member = world_member(&m, &held);
    REFUSED(w, KEY_ENCODING, world_post(w, &bcemr_type_e_rekey, &rekey, rows, 4));
    bcemr_buf_free(&held);
}

/* ---- enrolments ---- */

typedef enum enrol_field { FIELD_X, FIELD_A, FIELD_E, FIELD_BOX, FIELDS } enrol_field;

static uint32_t enrol_with(world *w, enrol_field field, int way)
{
    consortium_enrolment n;
    bcemr_g2_raw x;
    consortium_enrol(&w->c, &w->c.doctors[4], "hospital-1", 0, WORLD_START + WORLD_HOUR, &n);
    const consortium_row row = world_node_row(w, HOSPITAL_1);
    if (field == FIELD_X) {
        point_bad(way, x.b, sizeof x.b);
        n.entry.x = bcemr_span_of(x.b, sizeof x.b);
    }
    if (field == FIELD_A)
        ed_bad(way, &n.entry.a);
    if (field == FIELD_E)
        n.entry.e = bcemr_span_of(x25519_bad[way], 32);
    if (field == FIELD_BOX)
        memcpy(n.entry.box.b, x25519_bad[way], sizeof n.entry.box.b);
    uint32_t reason = world_post(w, &bcemr_type_e_enrol, &n.entry, &row, 1);
    bcemr_buf_free(&n.pops);
    return reason;
}

static void keys_of_a_doctor(void **state)
{
    world *w = *state;
    for (int way = 0; way < WAYS; way++)
        for (int field = 0; field < FIELDS; field++)
            REFUSED(w, KEY_ENCODING, enrol_with(w, (enrol_field)field, way));
    TAKEN(enrol_with(w, FIELDS, 0));
}

/* ---- visits ---- */

static void keys_of_a_patient(void **state)
{
    world *w = *state;
    world_visit visit;
    world_visit_make(w, 0, 1, &visit);
    for (int way = 0; way < WAYS; way++) {
        point_bad(way, visit.v.pkv.b, sizeof visit.v.pkv.b);
        REFUSED(w, KEY_ENCODING, world_post_admit(w, &visit));
        visit.v.pkv = visit.keys.pkv;
        ed_bad(way, &visit.v.av);
        REFUSED(w, KEY_ENCODING, world_post_admit(w, &visit));
        visit.v.av = visit.keys.av_public;
    }
    TAKEN(world_post_admit(w, &visit));
    world_visit_free(&visit);
}

static void keys_of_a_seal(void **state)
{
    world *w = *state;
    world_visit visit;
    bcemr_tr_e_sign sign;
    world_visit_make(w, 0, 1, &visit);
    TAKEN(world_post_admit(w, &visit));
    for (int way = 0; way < WAYS; way++) {
        bcemr_ed_raw svk = visit.svk;
        ed_bad(way, &svk);
        world_sign(w, &visit, 1, 0, &sign);
        sign.svk = bcemr_span_of(svk.b, sizeof svk.b);
        world_sign_again(w, &visit, &sign);
        REFUSED(w, KEY_ENCODING, world_post(w, &bcemr_type_e_sign, &sign, NULL, 0));
    }
    TAKEN(world_post_sign(w, &visit, 1, 0));
    world_visit_free(&visit);
}

/* ---- grants ---- */

static void keys_of_a_grant(void **state)
{
    world *w = *state;
    bcemr_tr_e_consent consent;
    bcemr_tr_e_revoke revoke;
    for (int way = 0; way < WAYS; way++) {
        world_consent(w, 1, CLOUD_1, &consent);
        ed_bad(way, &consent.revoker);
        REFUSED(w, KEY_ENCODING, world_post_by(w, &bcemr_type_e_consent, &consent, CLOUD_1));
        world_revoke(w, 1, &revoke);
        ed_bad(way, &revoke.revoker);
        REFUSED(w, KEY_ENCODING, world_post(w, &bcemr_type_e_revoke, &revoke, NULL, 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_of_a_member),  TEST(keys_of_a_rekey), TEST(keys_of_a_doctor),
        TEST(keys_of_a_patient), TEST(keys_of_a_seal),  TEST(keys_of_a_grant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
