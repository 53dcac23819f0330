/* SPDX-License-Identifier: Apache-2.0 */
/* Join, Leave, Rekey, Upgrade: section 2 of the protocol. */
#include "support/model/model.h"

#include "support/consortium.h"

#include <string.h>

/* ---- keys ---- */

#define MEMBER_KEYS 6

static void member_keys(const bcemr_tr_member *row, bcemr_span keys[MEMBER_KEYS])
{
    keys[0] = bcemr_span_of(row->x.b, sizeof row->x.b);
    keys[1] = bcemr_span_of(row->a.b, sizeof row->a.b);
    keys[2] = row->e;
    keys[3] = row->box;
    keys[4] = bcemr_span_of(row->tls.b, sizeof row->tls.b);
    keys[5] = row->consensus;
}

/* "No enrolled key of any kind is ever used twice"; a Rekey may keep what the member has. */
static void keys_are_new(const model *m, model_entry *e, const bcemr_tr_member *row,
                         const bcemr_tr_member *before)
{
    bcemr_span keys[MEMBER_KEYS], old[MEMBER_KEYS];
    member_keys(row, keys);
    if (before)
        member_keys(before, old);
    for (int i = 0; i < MEMBER_KEYS; i++) {
        if (keys[i].n == 0 || (before && bcemr_span_equal(keys[i], old[i])))
            continue;
        bool fresh = !model_marked(m, LEDGER_KEYS, keys[i], (bcemr_span){0}, NULL);
        for (int k = 0; k < i; k++)
            fresh = fresh && !bcemr_span_equal(keys[i], keys[k]);
        (void)model_need(e->answer, fresh, LEDGER_R_SET_KEY_USED);
    }
}

static void keys_decode(model_entry *e, const bcemr_tr_member *row)
{
    bcemr_g2 point;
    bool right = bcemr_g2_decode(&row->x, &point) == BCEMR_OK &&
                 model_key_ed(bcemr_span_of(row->a.b, sizeof row->a.b)) &&
                 (row->e.n == 0 || model_key_x25519(row->e)) &&
                 (row->box.n == 0 || model_key_x25519(row->box)) &&
                 (row->consensus.n == 0 || model_key_ed(row->consensus));
    (void)model_need(e->answer, right, LEDGER_R_KEY_ENCODING);
    bool hospital = row->role == BCEMR_role_HOSPITAL;
    (void)model_need(e->answer, (row->e.n > 0) == hospital && (row->box.n > 0) == hospital,
                     LEDGER_R_SET_KEYS_SHAPE);
}

static void check_pop(const model *m, model_entry *e, uint64_t n, const bcemr_tr_member *row)
{
    bcemr_tr_pop pop;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    const bcemr_tr_signer *signer = &e->rows[n];
    bcemr_member_pop(&m->ledger, row, &pop);
    must(bcemr_write_pop(&pop, &message, NULL));
    const bcemr_span bytes = bcemr_buf_span(&message);
    bool holds = book_holds(m->signatures, "pop", bcemr_span_of(row->x.b, sizeof row->x.b), bytes,
                            bcemr_span_of(signer->signature.p, 48)) &&
                 book_holds(m->signatures, "ed", bcemr_span_of(row->a.b, sizeof row->a.b), bytes,
                            bcemr_span_of(signer->signature.p + 48, 64));
    (void)model_need(e->answer, holds, LEDGER_R_SET_POP);
    (void)model_need(e->answer, bcemr_span_equal(signer->who, row->id), LEDGER_R_SIGNER_ROWS);
    bcemr_buf_free(&message);
}

/* ---- votes ---- */

/* Row n: more than two thirds of the set, or of the set without the member at a place. */
static void check_votes(const model *m, model_entry *e, uint64_t n, uint64_t without)
{
    const bcemr_tr_signer *row = &e->rows[n];
    uint64_t of = m->set.count - (without < m->set.count), votes = 0;
    uint8_t keys[BCEMR_SET_MAX * 96];
    bcemr_buf message = BCEMR_BUF_EMPTY;
    if (!model_need(e->answer, bcemr_bitmap_check(row->who, m->set.count) == BCEMR_OK,
                    LEDGER_R_SET_BITMAP))
        return;
    if (without < m->set.count)
        (void)model_need(e->answer, !bcemr_bitmap_get(row->who, without), LEDGER_R_SET_BITMAP);
    for (uint64_t i = 0; i < m->set.count; i++)
        if (bcemr_bitmap_get(row->who, i))
            memcpy(keys + 96 * votes++, m->set.members[i].row.x.b, 96);
    (void)model_need(e->answer, 3 * votes > 2 * of && (without == BCEMR_SET_MAX || votes >= 2),
                     LEDGER_R_SET_VOTES);
    must(bcemr_entry_message("set", e->parts.entry, &message, NULL));
    (void)model_need(e->answer,
                     votes > 0 &&
                         book_holds(m->signatures, "joint", bcemr_span_of(keys, 96 * votes),
                                    bcemr_buf_span(&message), row->signature),
                     LEDGER_R_SET_VOTE_SIGNATURE);
    bcemr_buf_free(&message);
}

static void check_number(const model *m, model_entry *e, uint64_t number, uint64_t expected,
                         const bcemr_hash *hash)
{
    (void)model_need(e->answer, number == expected, LEDGER_R_SET_NUMBER);
    (void)model_need(e->answer, memcmp(hash, &m->set.hash, sizeof *hash) == 0, LEDGER_R_SET_HASH);
}

/* ---- the next set ---- */

static void put_member(model *m, uint64_t place, bcemr_span bytes)
{
    model_member *member = &m->set.members[place];
    bcemr_span keys[MEMBER_KEYS];
    member->bytes = model_keep(m, bytes);
    must(bcemr_read_member(member->bytes, &member->row, NULL));
    member_keys(&member->row, keys);
    for (int i = 0; i < MEMBER_KEYS; i++)
        if (keys[i].n > 0)
            model_mark(m, LEDGER_KEYS, keys[i], (bcemr_span){0});
    model_mark(m, LEDGER_SUPERNODES, member->row.id, (bcemr_span){0});
}

static void next_set(model *m)
{
    bcemr_tr_member rows[BCEMR_SET_MAX];
    for (uint64_t i = 0; i < m->set.count; i++)
        rows[i] = m->set.members[i].row;
    m->set.number++;
    m->set.leaf = m->size;
    m->set_changes++;
    const bcemr_tr_set set = {m->set.number, BCEMR_LIST_OF(rows, m->set.count)};
    must(bcemr_hash_value(&bcemr_type_set, &set, &m->set.hash, NULL));
}

void model_join(model *m, model_entry *e)
{
    static const char *const roles[] = {"authority", "set", "pop"};
    bcemr_tr_e_join join;
    bcemr_tr_member row;
    must(bcemr_read_e_join(e->parts.entry, &join, NULL));
    must(bcemr_read_member(join.member, &row, NULL));
    if (!model_rows(e, roles, 3))
        return;
    check_number(m, e, join.number, m->set.number + 1, &join.before);
    (void)model_need(e->answer, m->set.count < BCEMR_SET_MAX, LEDGER_R_SET_FULL);
    (void)model_need(e->answer,
                     !model_marked(m, LEDGER_SUPERNODES, row.id, (bcemr_span){0}, NULL) &&
                         !model_enrolment_of(m, row.id),
                     LEDGER_R_SET_ID_USED);
    keys_decode(e, &row);
    keys_are_new(m, e, &row, NULL);
    model_row_bls(m, e, 0, &m->authority, LEDGER_R_AUTHORITY_SIGNATURE);
    check_votes(m, e, 1, BCEMR_SET_MAX);
    check_pop(m, e, 2, &row);
    if (e->answer->count > 0)
        return;
    put_member(m, m->set.count++, join.member);
    next_set(m);
}

void model_leave(model *m, model_entry *e)
{
    static const char *const roles[] = {"authority", "set"};
    bcemr_tr_e_leave leave;
    uint64_t place = 0;
    must(bcemr_read_e_leave(e->parts.entry, &leave, NULL));
    if (!model_rows(e, roles, 2))
        return;
    check_number(m, e, leave.number, m->set.number + 1, &leave.before);
    while (place < m->set.count && !bcemr_span_equal(m->set.members[place].bytes, leave.member))
        place++;
    model_row_bls(m, e, 0, &m->authority, LEDGER_R_AUTHORITY_SIGNATURE);
    if (!model_need(e->answer, place < m->set.count, LEDGER_R_SET_NOT_MEMBER))
        return;
    check_votes(m, e, 1, place);
    if (e->answer->count > 0)
        return;
    for (m->set.count--; place < m->set.count; place++)
        m->set.members[place] = m->set.members[place + 1];
    next_set(m);
}

void model_rekey(model *m, model_entry *e)
{
    bcemr_tr_e_rekey rekey;
    bcemr_tr_member row;
    must(bcemr_read_e_rekey(e->parts.entry, &rekey, NULL));
    must(bcemr_read_member(rekey.member, &row, NULL));
    const char *const roles[] = {"authority", "set", "pop", bcemr_role_name(row.role)};
    bool lost = rekey.lost == BCEMR_yes_no_YES;
    if (!model_rows(e, roles, lost ? 3 : 4))
        return;
    check_number(m, e, rekey.number, m->set.number + 1, &rekey.before);
    model_row_bls(m, e, 0, &m->authority, LEDGER_R_AUTHORITY_SIGNATURE);
    check_pop(m, e, 2, &row);
    keys_decode(e, &row);
    (void)model_need(e->answer, lost || bcemr_span_equal(e->rows[3].who, row.id),
                     LEDGER_R_SIGNER_ROWS);
    if (!model_need(e->answer, rekey.place < m->set.count, LEDGER_R_SET_NOT_MEMBER))
        return;
    const bcemr_tr_member *before = &m->set.members[rekey.place].row;
    (void)model_need(e->answer, row.role == before->role && bcemr_span_equal(row.id, before->id),
                     LEDGER_R_SET_REKEY_IDENTITY);
    keys_are_new(m, e, &row, before);
    check_votes(m, e, 1, rekey.place);
    if (!lost)
        model_row_ed(m, e, 3, &before->a, LEDGER_R_SUPERNODE_SIGNATURE);
    if (e->answer->count > 0)
        return;
    put_member(m, rekey.place, rekey.member);
    next_set(m);
}

void model_upgrade(model *m, model_entry *e)
{
    static const char *const roles[] = {"authority", "set"};
    bcemr_tr_e_upgrade upgrade;
    bcemr_tr_thresholds thresholds;
    must(bcemr_read_e_upgrade(e->parts.entry, &upgrade, NULL));
    must(bcemr_read_thresholds(upgrade.thresholds, &thresholds, NULL));
    if (!model_rows(e, roles, 2))
        return;
    const model_params *last = &m->params[m->params_count - 1];
    check_number(m, e, upgrade.number, m->set.number, &upgrade.set);
    (void)model_need(e->answer, upgrade.rules == last->rules + 1, LEDGER_R_UPGRADE_VERSION);
    (void)model_need(e->answer,
                     thresholds.t <= thresholds.n &&
                         thresholds.shares.count == (thresholds.n == 1 ? 0 : thresholds.n),
                     LEDGER_R_UPGRADE_THRESHOLDS);
    (void)model_need(e->answer, upgrade.height > m->next_height && upgrade.height > last->height,
                     LEDGER_R_UPGRADE_HEIGHT);
    model_row_bls(m, e, 0, &m->authority, LEDGER_R_AUTHORITY_SIGNATURE);
    check_votes(m, e, 1, BCEMR_SET_MAX);
    if (e->answer->count > 0)
        return;
    model_params *next = &m->params[m->params_count++];
    *next = (model_params){.rules = upgrade.rules,
                           .height = upgrade.height,
                           .reissues = upgrade.reissues,
                           .clock_difference = upgrade.clock_difference,
                           .retention = upgrade.retention};
    must(bcemr_read_quotas(upgrade.quotas, &next->quotas, NULL));
}
