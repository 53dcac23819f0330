/* SPDX-License-Identifier: Apache-2.0 */
/* The table of entries, what comes before every family's own checks, and leaf 0. */
#include "ledger/rules/run.h"
#include "proof/member.h"

#include <string.h>

/* The order of ledger.md's table. */
static const struct {
    const bcemr_type *type;
    bcemr_status (*apply)(rules *, bcemr_span);
} families[] = {
    {&bcemr_type_e_join, rules_join},     {&bcemr_type_e_leave, rules_leave},
    {&bcemr_type_e_rekey, rules_rekey},   {&bcemr_type_e_upgrade, rules_upgrade},
    {&bcemr_type_e_enrol, rules_enrol},   {&bcemr_type_e_retire, rules_retire},
    {&bcemr_type_e_admit, rules_admit},   {&bcemr_type_e_amend, rules_amend},
    {&bcemr_type_e_sign, rules_sign},     {&bcemr_type_e_reissue, rules_reissue},
    {&bcemr_type_e_seal, rules_seal},     {&bcemr_type_e_confirm, rules_confirm},
    {&bcemr_type_e_abort, rules_abort},   {&bcemr_type_e_consent, rules_consent},
    {&bcemr_type_e_revoke, rules_revoke}, {&bcemr_type_e_access, rules_access},
    {&bcemr_type_e_erase, rules_erase},
};

static bcemr_status (*family_of(const bcemr_type *type))(rules *, bcemr_span)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (families[i].type == type)
            return families[i].apply;
    return NULL;
}

/* Every posted entry begins with the ledger id: Tr(kind; ledger id, fields). */
static bool names_ledger(bcemr_span entry, const bcemr_hash *ledger)
{
    uint64_t label = bcemr_load_u64(entry.p);
    const uint8_t *field = entry.p + 8 + label;
    return bcemr_load_u64(field) == sizeof ledger->b &&
           memcmp(field + 8, ledger->b, sizeof ledger->b) == 0;
}

static bcemr_status read_entry(rules *r, bcemr_span signed_entry)
{
    bcemr_error detail = {0};
    /* Rows and framing add at most 30 KiB: cheap bound before anything is walked. */
    bcemr_status status = signed_entry.n > 2 * BCEMR_ENTRY_MAX
                              ? BCEMR_E_TOO_LONG
                              : bcemr_signed_read(signed_entry, &r->effect->parts, &detail);
    if (status == BCEMR_OK)
        return BCEMR_OK;
    bool too_long = status == BCEMR_E_TOO_LONG &&
                    (detail.object == NULL || strcmp(detail.object, "signed") == 0);
    *r->err = detail;
    r->err->status = BCEMR_E_REFUSED;
    r->err->verdict = BCEMR_LEDGER_REFUSED;
    r->err->reason = too_long ? LEDGER_R_ENTRY_TOO_LONG : LEDGER_R_MALFORMED;
    return BCEMR_E_REFUSED;
}

static bcemr_status ledger_id(const ledger_state *state, bcemr_hash *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    TRY_AT(ledger_get(state, LEDGER_GENESIS, bcemr_text("id"), &held), "genesis", NULL);
    if (held.n != sizeof out->b)
        FAIL(BCEMR_E_FIELD_LENGTH, "genesis", "id");
    memcpy(out->b, held.p, sizeof out->b);
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status begin(rules *r, bcemr_span signed_entry)
{
    bcemr_status status = BCEMR_OK;
    TRY(read_entry(r, signed_entry));
    const bcemr_signed_parts *parts = &r->effect->parts;
    CHECK(NOT_POSTED, family_of(parts->type) != NULL);
    NEED(family_of(parts->type) != NULL);
    if (r->at.in_force)
        r->ledger = r->at.in_force->ledger;
    else
        TRY(ledger_id(r->state, &r->ledger, r->err));
    CHECK(WRONG_LEDGER, names_ledger(parts->entry, &r->ledger));
out:
    return status;
}

/* Field by field: a set has room for 64 members, and most entries never look at one. */
static void prepare(rules *r, ledger_state *state, ledger_verifier *verifier,
                    const ledger_position *at, ledger_effect *effect, bool collect)
{
    r->state = state;
    r->verifier = verifier;
    r->collect = collect;
    r->at = *at;
    r->effect = effect;
    r->row_count = 0;
    r->params = NULL;
    r->quotas = NULL;
    r->own.held = BCEMR_BUF_EMPTY;
    r->has_set = false;
    r->set.count = 0;
    r->set.encoding = BCEMR_BUF_EMPTY;
}

static bcemr_status run(ledger_state *state, ledger_verifier *verifier, const ledger_position *at,
                        bcemr_span signed_entry, ledger_effect *effect, bool collect,
                        bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    rules r;
    prepare(&r, state, verifier, at, effect, collect);
    r.err = err ? err : &local;
    bcemr_buf_clear(&effect->index_key);
    *effect = (ledger_effect){.index_key = effect->index_key};
    *r.err = (bcemr_error){.index = BCEMR_NOWHERE, .offset = BCEMR_NOWHERE};
    TRY(begin(&r, signed_entry));
    TRY(family_of(effect->parts.type)(&r, effect->parts.entry));
out:
    if (r.has_set)
        bcemr_set_free(&r.set);
    ledger_in_force_free(&r.own);
    if (status == BCEMR_OK)
        *r.err = (bcemr_error){.index = BCEMR_NOWHERE, .offset = BCEMR_NOWHERE};
    return status;
}

/* ---- what is in force ---- */

/* Parameters of the last version whose height has come. */
static bcemr_status params_at(const ledger_state *state, uint64_t height, ledger_in_force *out,
                              bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_block tip;
    bcemr_tr_state_params later;
    bool found = false;
    ledger_key key;
    TRY(ledger_get_record(state, LEDGER_TIP, (bcemr_span){0}, &bcemr_type_state_block, &held, &tip,
                          err));
    for (uint64_t version = tip.rules;; version++) {
        ledger_key_begin(&key);
        ledger_key_add_number(&key, version);
        status = ledger_get_record(state, LEDGER_PARAMS, ledger_key_span(&key),
                                   &bcemr_type_state_params, &held, &later, err);
        if (status == BCEMR_E_NOT_FOUND && found)
            break;
        TRY(status);
        if (later.height > height)
            break;
        TRY_AT(bcemr_buf_set(&out->held, bcemr_buf_span(&held)), "state-params", NULL);
        found = true;
    }
    if (!found)
        FAIL(BCEMR_E_NOT_FOUND, "state-params", NULL);
    TRY(bcemr_read_state_params(bcemr_buf_span(&out->held), &out->params, err));
    TRY(bcemr_read_quotas(out->params.quotas, &out->quotas, err));
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status ledger_in_force_load(const ledger_state *state, uint64_t height, ledger_in_force *out,
                                  bcemr_error *err)
{
    out->held = BCEMR_BUF_EMPTY;
    bcemr_status status = ledger_id(state, &out->ledger, err);
    if (status == BCEMR_OK)
        status = params_at(state, height, out, err);
    if (status != BCEMR_OK)
        ledger_in_force_free(out);
    return status;
}

void ledger_in_force_free(ledger_in_force *in_force)
{
    bcemr_buf_free(&in_force->held);
}

/* ---- one entry ---- */

bcemr_status ledger_apply(ledger_state *state, ledger_verifier *verifier, const ledger_position *at,
                          bcemr_span signed_entry, ledger_effect *effect, bcemr_error *err)
{
    return run(state, verifier, at, signed_entry, effect, false, err);
}

bcemr_status ledger_claims(ledger_state *state, ledger_verifier *verifier,
                           const ledger_position *at, bcemr_span signed_entry,
                           ledger_effect *effect, bcemr_error *err)
{
    return run(state, verifier, at, signed_entry, effect, true, err);
}

void ledger_effect_free(ledger_effect *effect)
{
    if (!effect)
        return;
    bcemr_buf_free(&effect->index_key);
    *effect = (ledger_effect){0};
}

/* ---- leaf 0 ---- */

static bcemr_status put_params(ledger_state *state, const bcemr_tr_genesis *genesis,
                               bcemr_error *err)
{
    const bcemr_tr_state_params params = {.rules = genesis->rules,
                                          .height = 0,
                                          .reissues = genesis->reissues,
                                          .clock_difference = genesis->clock_difference,
                                          .retention = genesis->retention,
                                          .thresholds = genesis->thresholds,
                                          .quotas = genesis->quotas};
    ledger_key key;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, genesis->rules);
    return ledger_put_record(state, LEDGER_PARAMS, ledger_key_span(&key), &bcemr_type_state_params,
                             &params, err);
}

static bcemr_status put_members(ledger_state *state, const bcemr_tr_genesis *genesis,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    rules r = {.state = state, .err = err};
    bcemr_set *set = &r.set;
    proof_member_keys keys;
    ledger_key number;
    TRY(bcemr_set_begin(genesis, set, err));
    ledger_key_begin(&number);
    ledger_key_add_number(&number, 0);
    const bcemr_tr_state_set record = {bcemr_buf_span(&set->encoding), set->hash, 0};
    TRY(ledger_put_record(state, LEDGER_SETS, ledger_key_span(&number), &bcemr_type_state_set,
                          &record, err));
    TRY(rules_mark(&r, LEDGER_KEYS,
                   bcemr_span_of(genesis->authority.b, sizeof genesis->authority.b)));
    for (uint64_t i = 0; i < set->count; i++) {
        TRY(rules_mark(&r, LEDGER_SUPERNODES, set->members[i].id));
        proof_member_list_keys(&set->members[i], &keys);
        TRY(rules_keys_mark(&r, keys.key, PROOF_MEMBER_KEYS));
    }
out:
    bcemr_set_free(set);
    return status;
}

bcemr_status ledger_apply_genesis(ledger_state *state, const bcemr_context *context,
                                  bcemr_span signed_genesis, bcemr_hash *ledger, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local = {0};
    bcemr_signed_parts parts;
    bcemr_tr_genesis genesis;
    if (!err)
        err = &local;
    bcemr_verdict verdict = bcemr_genesis_check(context, signed_genesis, ledger, err);
    if (verdict == BCEMR_UNDECIDED)
        status = err->status;
    else if (verdict != BCEMR_VALID)
        status = wire_refuse(err, verdict, "genesis", err->field, err->index);
    TRY(status);
    TRY(bcemr_signed_read(signed_genesis, &parts, err));
    TRY(bcemr_read_genesis(parts.entry, &genesis, err));
    TRY_AT(ledger_put(state, LEDGER_GENESIS, (bcemr_span){0}, signed_genesis), "genesis", NULL);
    TRY_AT(ledger_put(state, LEDGER_GENESIS, bcemr_text("id"),
                      bcemr_span_of(ledger->b, sizeof ledger->b)),
           "genesis", NULL);
    TRY_AT(ledger_put(state, LEDGER_GENESIS, bcemr_text("P"),
                      bcemr_span_of(genesis.authority.b, sizeof genesis.authority.b)),
           "genesis", NULL);
    const bcemr_tr_state_block tip = {.size = 0,
                                      .stops = *ledger,
                                      .finds = *ledger,
                                      .rules = genesis.rules,
                                      .case_header = *ledger};
    TRY(ledger_put_record(state, LEDGER_TIP, (bcemr_span){0}, &bcemr_type_state_block, &tip, err));
    TRY(put_params(state, &genesis, err));
    TRY(put_members(state, &genesis, err));
out:
    return status;
}
