/* SPDX-License-Identifier: Apache-2.0 */
/* Join, Leave, Rekey, Upgrade (section 2). */
#include "ledger/rules/run.h"
#include "proof/member.h"

#include <string.h>

/* Row 1: the set votes. SET_BITMAP, SET_VOTES. subject: the place of who leaves or rekeys and does
 * not vote (then two at least), BCEMR_NOWHERE when all may. */
static bcemr_status check_votes(rules *r, uint64_t subject)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span bitmap = r->rows[1].who;
    uint64_t n = r->set.count;
    bool all = subject == BCEMR_NOWHERE;
    bool fits = bcemr_bitmap_check(bitmap, n) == BCEMR_OK;
    CHECK(SET_BITMAP, fits && (all || !bcemr_bitmap_get(bitmap, subject)));
    NEED(fits);
    uint64_t votes = bcemr_bitmap_count(bitmap);
    CHECK(SET_VOTES, bcemr_set_majority(all ? n : n - 1, votes) && (all || votes >= 2));
out:
    return status;
}

static bcemr_status claim_votes(rules *r)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    uint8_t keys[BCEMR_SET_MAX * sizeof(bcemr_g2_raw)];
    uint64_t n = 0;
    TRY(bcemr_entry_message("set", r->effect->parts.entry, &message, err));
    for (uint64_t i = 0; i < r->set.count; i++)
        if (bcemr_bitmap_get(r->rows[1].who, i)) {
            memcpy(keys + n, r->set.members[i].x.b, sizeof(bcemr_g2_raw));
            n += sizeof(bcemr_g2_raw);
        }
    const ledger_claim claim = {.kind = LEDGER_CLAIM_JOINT,
                                .purpose = BCEMR_PURPOSE_SIG,
                                .key = bcemr_span_of(keys, n),
                                .message = bcemr_buf_span(&message),
                                .signature = r->rows[1].signature,
                                .reason = LEDGER_R_SET_VOTE_SIGNATURE};
    TRY(rules_claim(r, &claim));
out:
    bcemr_buf_free(&message);
    return status;
}

/* Row 2: PoP || Ed_A's over Tr("pop"). */
static bcemr_status claim_pop(rules *r, const bcemr_tr_member *member)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_tr_pop pop;
    bcemr_span proof = r->rows[2].signature;
    bcemr_member_pop(&r->ledger, member, &pop);
    TRY(bcemr_write_pop(&pop, &message, err));
    const ledger_claim claim = {.kind = LEDGER_CLAIM_BLS,
                                .purpose = BCEMR_PURPOSE_POP,
                                .key = bcemr_span_of(member->x.b, sizeof member->x.b),
                                .message = bcemr_buf_span(&message),
                                .signature = bcemr_span_of(proof.p, 48),
                                .reason = LEDGER_R_SET_POP};
    TRY(rules_claim(r, &claim));
    TRY(rules_claim_ed(r, &member->a, bcemr_buf_span(&message), bcemr_span_of(proof.p + 48, 64),
                       LEDGER_R_SET_POP));
out:
    bcemr_buf_free(&message);
    return status;
}

/* The set that the entry makes, in force from its own leaf on. */
static bcemr_status put_set(rules *r, bcemr_span entry)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_set next = BCEMR_SET_EMPTY;
    bcemr_tr_state_block tip;
    ledger_key key;
    TRY(bcemr_set_next(&r->set, entry, &next, err));
    const bcemr_tr_state_set record = {bcemr_buf_span(&next.encoding), next.hash, r->at.leaf};
    ledger_key_begin(&key);
    ledger_key_add_number(&key, next.number);
    TRY(ledger_put_record(r->state, LEDGER_SETS, ledger_key_span(&key), &bcemr_type_state_set,
                          &record, err));
    TRY(rules_tip(r, &tip));
    tip.set_number = next.number;
    TRY(ledger_put_record(r->state, LEDGER_TIP, (bcemr_span){0}, &bcemr_type_state_block, &tip,
                          err));
    r->effect->set_changed = true;
out:
    bcemr_set_free(&next);
    return status;
}

static bcemr_status check_step(rules *r, uint64_t number, const bcemr_hash *before)
{
    bcemr_status status = BCEMR_OK;
    TRY(rules_load_set(r));
    CHECK(SET_NUMBER, number == r->set.number + 1);
    CHECK(SET_HASH, bcemr_hash_equal(before, &r->set.hash));
out:
    return status;
}

/*
 * Join: SIGNER_ROWS, SET_NUMBER, SET_HASH, SET_FULL, SET_KEYS_SHAPE, KEY_ENCODING, SET_ID_USED,
 * SET_KEY_USED, SET_BITMAP, SET_VOTES; AUTHORITY_SIGNATURE, SET_VOTE_SIGNATURE, SET_POP.
 */
bcemr_status rules_join(rules *r, bcemr_span entry)
{
    static const char *const roles[] = {"authority", "set", "pop"};
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_tr_e_join join;
    bcemr_tr_member member;
    proof_member_keys keys;
    bool unused = false, supernode = false, doctor = false;
    TRY(bcemr_read_e_join(entry, &join, err));
    TRY(bcemr_read_member(join.member, &member, err));
    TRY(rules_rows(r, roles, 3));
    CHECK(SIGNER_ROWS, rules_row_is(r, 2, member.id));
    TRY(check_step(r, join.number, &join.before));
    CHECK(SET_FULL, r->set.count < BCEMR_SET_MAX);
    CHECK(SET_KEYS_SHAPE, proof_member_shape(&member));
    CHECK(KEY_ENCODING, proof_member_keys_decode(&member));
    TRY(rules_has(r, LEDGER_SUPERNODES, member.id, &supernode));
    TRY(rules_has(r, LEDGER_DOCTORS, member.id, &doctor));
    CHECK(SET_ID_USED, !supernode && !doctor);
    proof_member_list_keys(&member, &keys);
    TRY(rules_keys_unused(r, keys.key, PROOF_MEMBER_KEYS, &unused));
    CHECK(SET_KEY_USED, unused);
    TRY(check_votes(r, BCEMR_NOWHERE));
    TRY(rules_claim_authority_row(r, 0));
    TRY(claim_votes(r));
    TRY(claim_pop(r, &member));
    TRY(put_set(r, entry));
    TRY(rules_mark_first(r, LEDGER_SUPERNODES, member.id));
    TRY(rules_keys_mark(r, keys.key, PROOF_MEMBER_KEYS));
out:
    return status;
}

/* Whether the member at place (BCEMR_NOWHERE: none) is exactly this one. */
static bcemr_status is_member(const rules *r, uint64_t place, bcemr_span encoding, bool *same)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf written = BCEMR_BUF_EMPTY;
    *same = false;
    if (place >= r->set.count)
        goto out;
    TRY(bcemr_write_member(&r->set.members[place], &written, r->err));
    *same = bcemr_span_equal(bcemr_buf_span(&written), encoding);
out:
    bcemr_buf_free(&written);
    return status;
}

/*
 * Leave: SIGNER_ROWS, SET_NUMBER, SET_HASH, SET_NOT_MEMBER, SET_BITMAP, SET_VOTES;
 * AUTHORITY_SIGNATURE, SET_VOTE_SIGNATURE.
 */
bcemr_status rules_leave(rules *r, bcemr_span entry)
{
    static const char *const roles[] = {"authority", "set"};
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_tr_e_leave leave;
    bcemr_tr_member member;
    bool same = false;
    TRY(bcemr_read_e_leave(entry, &leave, err));
    TRY(bcemr_read_member(leave.member, &member, err));
    TRY(rules_rows(r, roles, 2));
    TRY(check_step(r, leave.number, &leave.before));
    uint64_t place = bcemr_set_place(&r->set, member.id);
    TRY(is_member(r, place, leave.member, &same));
    CHECK(SET_NOT_MEMBER, same);
    NEED(place != BCEMR_NOWHERE);
    TRY(check_votes(r, place));
    TRY(rules_claim_authority_row(r, 0));
    TRY(claim_votes(r));
    TRY(put_set(r, entry));
out:
    return status;
}

/* Keys that are not the old member's own at the same place. */
static void changed_keys(const bcemr_tr_member *old, const bcemr_tr_member *fresh,
                         proof_member_keys *out)
{
    proof_member_keys before;
    proof_member_list_keys(old, &before);
    proof_member_list_keys(fresh, out);
    for (uint64_t i = 0; i < PROOF_MEMBER_KEYS; i++)
        if (bcemr_span_equal(before.key[i], out->key[i]))
            out->key[i] = (bcemr_span){0};
}

/*
 * Rekey: SIGNER_ROWS, SET_NUMBER, SET_HASH, SET_NOT_MEMBER, SET_REKEY_IDENTITY, SET_KEYS_SHAPE,
 * KEY_ENCODING, SET_KEY_USED, SET_BITMAP, SET_VOTES; AUTHORITY_SIGNATURE, SET_VOTE_SIGNATURE,
 * SET_POP, SUPERNODE_SIGNATURE (by the old A, unless it is lost).
 */
bcemr_status rules_rekey(rules *r, bcemr_span entry)
{
    static const char *const roles[] = {"authority", "set", "pop", "*"};
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_tr_e_rekey rekey;
    bcemr_tr_member member;
    proof_member_keys keys;
    bool unused = false;
    TRY(bcemr_read_e_rekey(entry, &rekey, err));
    TRY(bcemr_read_member(rekey.member, &member, err));
    bool old_signs = rekey.lost == BCEMR_yes_no_NO;
    TRY(rules_rows(r, roles, old_signs ? 4 : 3));
    CHECK(SIGNER_ROWS, rules_row_is(r, 2, member.id));
    CHECK(SIGNER_ROWS, !old_signs || (rules_row_is(r, 3, member.id) &&
                                      bcemr_span_equal(r->rows[3].role,
                                                       bcemr_text(bcemr_role_name(member.role)))));
    TRY(check_step(r, rekey.number, &rekey.before));
    CHECK(SET_NOT_MEMBER, rekey.place < r->set.count);
    NEED(rekey.place < r->set.count);
    const bcemr_tr_member *old = &r->set.members[rekey.place];
    CHECK(SET_REKEY_IDENTITY, bcemr_span_equal(old->id, member.id) && old->role == member.role);
    CHECK(SET_KEYS_SHAPE, proof_member_shape(&member));
    CHECK(KEY_ENCODING, proof_member_keys_decode(&member));
    changed_keys(old, &member, &keys);
    TRY(rules_keys_unused(r, keys.key, PROOF_MEMBER_KEYS, &unused));
    CHECK(SET_KEY_USED, unused);
    TRY(check_votes(r, rekey.place));
    TRY(rules_claim_authority_row(r, 0));
    TRY(claim_votes(r));
    TRY(claim_pop(r, &member));
    if (old_signs)
        TRY(rules_claim_row(r, 3, &old->a, LEDGER_R_SUPERNODE_SIGNATURE));
    TRY(put_set(r, entry));
    TRY(rules_keys_mark(r, keys.key, PROOF_MEMBER_KEYS));
out:
    return status;
}

/* The last version that is on the ledger, in force or still ahead. */
static bcemr_status last_version(rules *r, uint64_t *version, uint64_t *height)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_params params;
    ledger_key key;
    TRY(rules_load_params(r));
    *version = r->params->rules;
    *height = r->params->height;
    for (uint64_t next = *version + 1;; next++) {
        ledger_key_begin(&key);
        ledger_key_add_number(&key, next);
        status = ledger_get_record(r->state, LEDGER_PARAMS, ledger_key_span(&key),
                                   &bcemr_type_state_params, &held, &params, err);
        if (status == BCEMR_E_NOT_FOUND) {
            status = BCEMR_OK;
            break;
        }
        TRY(status);
        *version = params.rules;
        *height = params.height;
    }
out:
    bcemr_buf_free(&held);
    return status;
}

/*
 * Upgrade: SIGNER_ROWS, SET_NUMBER, SET_HASH, UPGRADE_VERSION, UPGRADE_THRESHOLDS, UPGRADE_HEIGHT,
 * SET_BITMAP, SET_VOTES; AUTHORITY_SIGNATURE, SET_VOTE_SIGNATURE.
 */
bcemr_status rules_upgrade(rules *r, bcemr_span entry)
{
    static const char *const roles[] = {"authority", "set"};
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_tr_e_upgrade upgrade;
    uint64_t version = 0, height = 0;
    ledger_key key;
    TRY(bcemr_read_e_upgrade(entry, &upgrade, err));
    TRY(rules_rows(r, roles, 2));
    TRY(rules_load_set(r));
    CHECK(SET_NUMBER, upgrade.number == r->set.number);
    CHECK(SET_HASH, bcemr_hash_equal(&upgrade.set, &r->set.hash));
    TRY(last_version(r, &version, &height));
    CHECK(UPGRADE_VERSION, upgrade.rules == version + 1);
    CHECK(UPGRADE_THRESHOLDS, proof_thresholds_hold(upgrade.thresholds));
    CHECK(UPGRADE_HEIGHT, upgrade.height > r->at.height && upgrade.height > height);
    TRY(check_votes(r, BCEMR_NOWHERE));
    TRY(rules_claim_authority_row(r, 0));
    TRY(claim_votes(r));
    const bcemr_tr_state_params params = {.rules = upgrade.rules,
                                          .height = upgrade.height,
                                          .leaf = r->at.leaf,
                                          .reissues = upgrade.reissues,
                                          .clock_difference = upgrade.clock_difference,
                                          .retention = upgrade.retention,
                                          .thresholds = upgrade.thresholds,
                                          .quotas = upgrade.quotas};
    ledger_key_begin(&key);
    ledger_key_add_number(&key, upgrade.rules);
    TRY(ledger_put_record(r->state, LEDGER_PARAMS, ledger_key_span(&key), &bcemr_type_state_params,
                          &params, err));
out:
    return status;
}
