/* SPDX-License-Identifier: Apache-2.0 */
/* What the families of entries share. */
#include "ledger/rules/run.h"

#include <string.h>

bcemr_status rules_refuse(rules *r, ledger_reason reason)
{
    *r->err = (bcemr_error){.status = BCEMR_E_REFUSED,
                            .verdict = BCEMR_LEDGER_REFUSED,
                            .reason = (uint32_t)reason,
                            .object = bcemr_type_label(r->effect->parts.type),
                            .index = BCEMR_NOWHERE,
                            .offset = BCEMR_NOWHERE};
    return BCEMR_E_REFUSED;
}

/* ---- rows of signers ---- */

static bool role_fits(bcemr_span role, const char *wanted)
{
    if (strcmp(wanted, "*") == 0)
        return bcemr_span_equal(role, bcemr_text("hospital")) ||
               bcemr_span_equal(role, bcemr_text("cloud"));
    return bcemr_span_equal(role, bcemr_text(wanted));
}

static uint64_t signature_length(const char *role)
{
    if (strcmp(role, "authority") == 0 || strcmp(role, "set") == 0)
        return 48;
    return strcmp(role, "pop") == 0 ? 112 : 64;
}

bcemr_status rules_rows(rules *r, const char *const *roles, uint64_t count)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_list *signers = &r->effect->parts.signers;
    CHECK(SIGNER_ROWS, signers->count == count);
    NEED(signers->count == count && count <= RULES_ROWS);
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_signer, signers);
    for (r->row_count = 0; r->row_count < count; r->row_count++) {
        bcemr_tr_signer *row = &r->rows[r->row_count];
        const char *role = roles[r->row_count];
        NEED(bcemr_list_next(&iter, row));
        CHECK(SIGNER_ROWS, role_fits(row->role, role) &&
                               row->signature.n == signature_length(role) &&
                               (row->who.n == 0) == (strcmp(role, "authority") == 0));
        NEED(row->signature.n == signature_length(role));
    }
out:
    return status;
}

bool rules_row_is(const rules *r, uint64_t index, bcemr_span who)
{
    return bcemr_span_equal(r->rows[index].who, who);
}

/* ---- claims ---- */

bcemr_status rules_claim(rules *r, const ledger_claim *claim)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bool holds = false;
    if (r->collect) {
        ledger_claim collected = *claim;
        collected.leaf = r->at.leaf;
        TRY_AT(ledger_verifier_add(r->verifier, &collected), "claim", NULL);
        goto out;
    }
    TRY(ledger_verifier_holds(r->verifier, claim, &holds, err));
    if (!BCEMR_REASON_HOLDS((uint32_t)claim->reason, holds))
        status = rules_refuse(r, claim->reason);
out:
    return status;
}

bcemr_status rules_claim_ed(rules *r, const bcemr_ed_raw *key, bcemr_span message,
                            bcemr_span signature, ledger_reason reason)
{
    const ledger_claim claim = {.kind = LEDGER_CLAIM_ED,
                                .purpose = BCEMR_PURPOSE_SIG,
                                .key = bcemr_span_of(key->b, sizeof key->b),
                                .message = message,
                                .signature = signature,
                                .reason = reason};
    return rules_claim(r, &claim);
}

bcemr_status rules_claim_ed_value(rules *r, const bcemr_ed_raw *key, const bcemr_type *type,
                                  const void *value, const bcemr_ed_signature *signature,
                                  ledger_reason reason)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_write(type, value, &message, r->err);
    if (status == BCEMR_OK)
        status = rules_claim_ed(r, key, bcemr_buf_span(&message),
                                bcemr_span_of(signature->b, sizeof signature->b), reason);
    bcemr_buf_free(&message);
    return status;
}

static bcemr_status row_message(rules *r, uint64_t index, bcemr_buf *out)
{
    const bcemr_tr_entry_message message = {r->rows[index].role, r->effect->parts.entry};
    return bcemr_write_entry_message(&message, out, r->err);
}

bcemr_status rules_claim_row(rules *r, uint64_t index, const bcemr_ed_raw *key,
                             ledger_reason reason)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_status status = row_message(r, index, &message);
    if (status == BCEMR_OK)
        status = rules_claim_ed(r, key, bcemr_buf_span(&message), r->rows[index].signature, reason);
    bcemr_buf_free(&message);
    return status;
}

bcemr_status rules_claim_authority_row(rules *r, uint64_t index)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_g2_raw p;
    TRY(rules_authority(r, &p));
    TRY(row_message(r, index, &message));
    const ledger_claim claim = {.kind = LEDGER_CLAIM_BLS,
                                .purpose = BCEMR_PURPOSE_SIG,
                                .key = bcemr_span_of(p.b, sizeof p.b),
                                .message = bcemr_buf_span(&message),
                                .signature = r->rows[index].signature,
                                .reason = LEDGER_R_AUTHORITY_SIGNATURE};
    TRY(rules_claim(r, &claim));
out:
    bcemr_buf_free(&message);
    return status;
}

/* ---- what is in force ---- */

bcemr_status rules_tip(rules *r, bcemr_tr_state_block *out)
{
    bcemr_buf held = BCEMR_BUF_EMPTY; /* the record has no spans */
    bcemr_status status = ledger_get_record(r->state, LEDGER_TIP, (bcemr_span){0},
                                            &bcemr_type_state_block, &held, out, r->err);
    bcemr_buf_free(&held);
    return status;
}

bcemr_status rules_load_set(rules *r)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_block tip;
    bcemr_tr_state_set record;
    ledger_key key;
    if (r->has_set)
        return BCEMR_OK;
    TRY(rules_tip(r, &tip));
    ledger_key_begin(&key);
    ledger_key_add_number(&key, tip.set_number);
    TRY(ledger_get_record(r->state, LEDGER_SETS, ledger_key_span(&key), &bcemr_type_state_set,
                          &held, &record, err));
    TRY(bcemr_set_read(record.set, &r->set, err));
    r->has_set = true;
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status rules_load_params(rules *r)
{
    const ledger_in_force *from = r->at.in_force;
    bcemr_status status = BCEMR_OK;
    if (r->params)
        return BCEMR_OK;
    if (!from) {
        TRY(ledger_in_force_load(r->state, r->at.height, &r->own, r->err));
        from = &r->own;
    }
    r->params = &from->params;
    r->quotas = &from->quotas;
out:
    return status;
}

bcemr_status rules_authority(rules *r, bcemr_g2_raw *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    TRY_AT(ledger_get(r->state, LEDGER_GENESIS, bcemr_text("P"), &held), "genesis", "authority");
    NEED(held.n == sizeof out->b);
    memcpy(out->b, held.p, sizeof out->b);
out:
    bcemr_buf_free(&held);
    return status;
}

const bcemr_tr_member *rules_member(rules *r, bcemr_role role, bcemr_span id)
{
    return r->has_set ? bcemr_set_find(&r->set, role, id) : NULL;
}

/* ---- marks ---- */

bcemr_status rules_has(rules *r, ledger_table table, bcemr_span key, bool *there)
{
    bcemr_status status = ledger_has(r->state, table, key, there);
    return status == BCEMR_OK ? status : wire_fail(r->err, status, "state", NULL);
}

static void pair_key(ledger_key *key, bcemr_span a, bcemr_span b)
{
    ledger_key_begin(key);
    ledger_key_add(key, a);
    ledger_key_add(key, b);
}

bcemr_status rules_has_pair(rules *r, ledger_table table, bcemr_span a, bcemr_span b, bool *there)
{
    ledger_key key;
    pair_key(&key, a, b);
    return rules_has(r, table, ledger_key_span(&key), there);
}

bcemr_status rules_mark(rules *r, ledger_table table, bcemr_span key)
{
    const bcemr_tr_state_mark mark = {r->at.leaf};
    return ledger_put_record(r->state, table, key, &bcemr_type_state_mark, &mark, r->err);
}

bcemr_status rules_mark_pair(rules *r, ledger_table table, bcemr_span a, bcemr_span b)
{
    ledger_key key;
    pair_key(&key, a, b);
    return rules_mark(r, table, ledger_key_span(&key));
}

bcemr_status rules_mark_first(rules *r, ledger_table table, bcemr_span key)
{
    bool there = false;
    bcemr_status status = rules_has(r, table, key, &there);
    return status == BCEMR_OK && !there ? rules_mark(r, table, key) : status;
}

bcemr_status rules_stop(rules *r, const char *kind, bcemr_span key)
{
    ledger_key full;
    pair_key(&full, bcemr_text(kind), key);
    bcemr_status status = rules_mark_first(r, LEDGER_STOPPED, ledger_key_span(&full));
    return status == BCEMR_OK ? rules_index(r, LEDGER_INDEX_STOPS, key) : status;
}

bcemr_status rules_index(rules *r, ledger_index_name name, bcemr_span key)
{
    r->effect->index = name;
    bcemr_status status = bcemr_buf_set(&r->effect->index_key, key);
    return status == BCEMR_OK ? status : wire_fail(r->err, status, "index", NULL);
}

bool rules_ed_decodes(const bcemr_ed_raw *key)
{
    bcemr_ed_public decoded;
    return bcemr_ed_decode(key, &decoded) == BCEMR_OK;
}

bcemr_status rules_keys_unused(rules *r, const bcemr_span *keys, uint64_t count, bool *unused)
{
    bcemr_status status = BCEMR_OK;
    bool there = false;
    *unused = true;
    for (uint64_t i = 0; i < count; i++) {
        if (keys[i].n == 0)
            continue;
        for (uint64_t j = 0; j < i; j++)
            if (bcemr_span_equal(keys[i], keys[j]))
                *unused = false;
        TRY(rules_has(r, LEDGER_KEYS, keys[i], &there));
        if (there)
            *unused = false;
    }
out:
    return status;
}

bcemr_status rules_keys_mark(rules *r, const bcemr_span *keys, uint64_t count)
{
    bcemr_status status = BCEMR_OK;
    for (uint64_t i = 0; i < count; i++)
        if (keys[i].n > 0)
            TRY(rules_mark_first(r, LEDGER_KEYS, keys[i]));
out:
    return status;
}

/* ---- quotas ---- */

static bcemr_status quota_used(rules *r, const ledger_key *key, uint64_t *used)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_quota quota;
    bcemr_status status = ledger_get_record(r->state, LEDGER_QUOTAS, ledger_key_span(key),
                                            &bcemr_type_state_quota, &held, &quota, r->err);
    *used = status == BCEMR_OK && quota.height == r->at.height ? quota.count : 0;
    bcemr_buf_free(&held);
    return status == BCEMR_E_NOT_FOUND ? BCEMR_OK : status;
}

bcemr_status rules_quota_left(rules *r, const char *kind, bcemr_span who, uint64_t limit,
                              bool *left)
{
    ledger_key key;
    uint64_t used = 0;
    pair_key(&key, bcemr_text(kind), who);
    bcemr_status status = quota_used(r, &key, &used);
    *left = used < limit;
    return status;
}

bcemr_status rules_quota_count(rules *r, const char *kind, bcemr_span who)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error *err = r->err;
    ledger_key key;
    uint64_t used = 0;
    pair_key(&key, bcemr_text(kind), who);
    TRY(quota_used(r, &key, &used));
    const bcemr_tr_state_quota quota = {r->at.height, used + 1};
    TRY(ledger_put_record(r->state, LEDGER_QUOTAS, ledger_key_span(&key), &bcemr_type_state_quota,
                          &quota, err));
out:
    return status;
}
