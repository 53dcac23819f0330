/* SPDX-License-Identifier: Apache-2.0 */
/* The model's life: genesis, blocks, what every entry has in common. */
#include "support/model/model.h"

#include "support/consortium.h"

#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

void *model_allocate(model *m, uint64_t n)
{
    m->kept = realloc(m->kept, (m->kept_count + 1) * sizeof *m->kept);
    void *p = calloc(1, n > 0 ? n : 1);
    if (!m->kept || !p)
        abort();
    m->kept[m->kept_count++] = p;
    return p;
}

bcemr_span model_keep(model *m, bcemr_span bytes)
{
    if (bytes.n == 0)
        return (bcemr_span){0};
    void *p = model_allocate(m, bytes.n);
    memcpy(p, bytes.p, bytes.n);
    return bcemr_span_of(p, bytes.n);
}

/* ---- answers ---- */

bool model_gives(const model_answer *answer, uint32_t reason)
{
    for (uint64_t i = 0; i < answer->count; i++)
        if (answer->reasons[i] == reason)
            return true;
    return false;
}

void model_no(model_answer *answer, uint32_t reason)
{
    answer->faults++;
    if (model_gives(answer, reason))
        return;
    if (answer->count == MODEL_REASONS)
        abort();
    answer->reasons[answer->count++] = reason;
}

/* ---- what is marked ---- */

static bcemr_hash mark_name(ledger_table table, bcemr_span a, bcemr_span b)
{
    char word[16] = {'t', (char)('0' + (int)table / 10), (char)('0' + (int)table % 10)};
    return model_name(word, a, b);
}

bool model_marked(const model *m, ledger_table table, bcemr_span a, bcemr_span b, uint64_t *leaf)
{
    const bcemr_hash name = mark_name(table, a, b);
    const uint64_t *found = model_map_find(&m->marks, &name);
    if (found && leaf)
        *leaf = *found;
    return found != NULL;
}

void model_mark(model *m, ledger_table table, bcemr_span a, bcemr_span b)
{
    const bcemr_hash name = mark_name(table, a, b);
    if (model_map_put(&m->marks, &name, m->size))
        m->marked[table]++;
}

void model_add_row(model *m, const char *index, const char *kind, bcemr_span key)
{
    m->rows = realloc(m->rows, (m->row_count + 1) * sizeof *m->rows);
    if (!m->rows)
        abort();
    m->rows[m->row_count++] = (model_row){index, kind, model_keep(m, key), m->size, m->next_height};
}

const model_params *model_params_now(const model *m)
{
    const model_params *now = &m->params[0];
    for (uint64_t i = 1; i < m->params_count; i++)
        if (m->params[i].height <= m->next_height)
            now = &m->params[i];
    return now;
}

const model_member *model_find(const model *m, bcemr_role role, bcemr_span id)
{
    for (uint64_t i = 0; i < m->set.count; i++)
        if (m->set.members[i].row.role == role && bcemr_span_equal(m->set.members[i].row.id, id))
            return &m->set.members[i];
    return NULL;
}

bool model_key_ed(bcemr_span key)
{
    bcemr_ed_raw raw;
    bcemr_ed_public out;
    if (key.n != sizeof raw)
        return false;
    memcpy(raw.b, key.p, sizeof raw);
    return bcemr_ed_decode(&raw, &out) == BCEMR_OK;
}

bool model_key_x25519(bcemr_span key)
{
    bcemr_x25519_raw raw;
    bcemr_x25519_public out;
    if (key.n != sizeof raw)
        return false;
    memcpy(raw.b, key.p, sizeof raw);
    return bcemr_x25519_decode(&raw, &out) == BCEMR_OK;
}

/* ---- rows of signers ---- */

bool model_rows(model_entry *e, const char *const *roles, uint64_t count)
{
    bool fits = e->row_count == count;
    for (uint64_t i = 0; fits && i < count; i++) {
        const bcemr_tr_signer *row = &e->rows[i];
        uint64_t length = 64;
        if (strcmp(roles[i], "authority") == 0 || strcmp(roles[i], "set") == 0)
            length = 48;
        else if (strcmp(roles[i], "pop") == 0)
            length = 112;
        fits = bcemr_span_equal(row->role, bcemr_text(roles[i])) && row->signature.n == length &&
               (row->who.n == 0) == (strcmp(roles[i], "authority") == 0);
    }
    return model_need(e->answer, fits, LEDGER_R_SIGNER_ROWS);
}

static bool row_holds(const model *m, const model_entry *e, uint64_t n, const char *kind,
                      bcemr_span key)
{
    char role[32] = {0};
    bcemr_buf message = BCEMR_BUF_EMPTY;
    memcpy(role, e->rows[n].role.p, e->rows[n].role.n);
    must(bcemr_entry_message(role, e->parts.entry, &message, NULL));
    bool holds =
        book_holds(m->signatures, kind, key, bcemr_buf_span(&message), e->rows[n].signature);
    bcemr_buf_free(&message);
    return holds;
}

void model_row_ed(const model *m, model_entry *e, uint64_t n, const bcemr_ed_raw *key,
                  uint32_t reason)
{
    (void)model_need(e->answer, row_holds(m, e, n, "ed", bcemr_span_of(key->b, sizeof key->b)),
                     reason);
}

void model_row_bls(const model *m, model_entry *e, uint64_t n, const bcemr_g2_raw *key,
                   uint32_t reason)
{
    (void)model_need(e->answer, row_holds(m, e, n, "bls", bcemr_span_of(key->b, sizeof key->b)),
                     reason);
}

/* ---- genesis ---- */

static void begin_set(model *m, const bcemr_tr_genesis *genesis)
{
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_member, &genesis->members);
    bcemr_tr_member row;
    while (bcemr_list_next(&iter, &row)) {
        model_member *member = &m->set.members[m->set.count++];
        bcemr_buf bytes = BCEMR_BUF_EMPTY;
        must(bcemr_write_member(&row, &bytes, NULL));
        member->bytes = model_keep(m, bcemr_buf_span(&bytes));
        must(bcemr_read_member(member->bytes, &member->row, NULL));
        bcemr_buf_free(&bytes);
        model_mark(m, LEDGER_SUPERNODES, row.id, (bcemr_span){0});
        const bcemr_span keys[] = {bcemr_span_of(row.x.b, sizeof row.x.b),
                                   bcemr_span_of(row.a.b, sizeof row.a.b),
                                   row.e,
                                   row.box,
                                   bcemr_span_of(row.tls.b, sizeof row.tls.b),
                                   row.consensus};
        for (int i = 0; i < 6; i++)
            if (keys[i].n > 0)
                model_mark(m, LEDGER_KEYS, keys[i], (bcemr_span){0});
    }
    const bcemr_tr_set set = {0, genesis->members};
    must(bcemr_hash_value(&bcemr_type_set, &set, &m->set.hash, NULL));
}

void model_begin(model *m, const book *signatures, bcemr_span signed_genesis)
{
    bcemr_signed_parts parts;
    bcemr_tr_genesis genesis;
    memset(m, 0, sizeof *m);
    m->signatures = signatures;
    must(bcemr_signed_read(signed_genesis, &parts, NULL));
    must(bcemr_read_genesis(parts.entry, &genesis, NULL));
    m->ledger = parts.entry_hash;
    m->case_header = m->ledger;
    m->authority = genesis.authority;
    m->params[0] = (model_params){.rules = genesis.rules,
                                  .reissues = genesis.reissues,
                                  .clock_difference = genesis.clock_difference,
                                  .retention = genesis.retention};
    m->params_count = 1;
    must(bcemr_read_quotas(genesis.quotas, &m->params[0].quotas, NULL));
    begin_set(m, &genesis);
    model_mark(m, LEDGER_KEYS, bcemr_span_of(genesis.authority.b, sizeof genesis.authority.b),
               (bcemr_span){0});
    m->size = 1;
}

void model_end(model *m)
{
    for (uint64_t i = 0; i < m->visit_count; i++)
        free(m->visits[i]->leaves);
    for (uint64_t i = 0; i < m->kept_count; i++)
        free(m->kept[i]);
    free(m->kept);
    free(m->rows);
    free(m->visits);
    free(m->enrolments);
    model_map_free(&m->quotas);
    model_map_free(&m->marks);
    model_map_free(&m->by_id);
    memset(m, 0, sizeof *m);
}

/* ---- blocks ---- */

void model_open_block(model *m, int64_t clock)
{
    m->next_height = m->height + 1;
    m->next_tau = clock > m->tau + 1 ? clock : m->tau + 1;
    m->behind = clock < m->tau - (int64_t)model_params_now(m)->clock_difference;
    m->any = false;
    model_map_free(&m->quotas);
}

void model_close_block(model *m)
{
    if (!m->any)
        return;
    m->height = m->next_height;
    m->tau = m->next_tau;
}

static bool read_entry(bcemr_span signed_entry, model_entry *e)
{
    bcemr_tr_signer row;
    bool reads = bcemr_signed_read(signed_entry, &e->parts, NULL) == BCEMR_OK;
    /* The entry within is bounded: what does not read says not how long that is. */
    uint32_t other =
        signed_entry.n > BCEMR_ENTRY_MAX ? LEDGER_R_ENTRY_TOO_LONG : LEDGER_R_MALFORMED;
    if (!model_need_either(e->answer, reads, LEDGER_R_MALFORMED, other))
        return false;
    e->signed_entry = signed_entry;
    e->answer->type = e->parts.type;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_signer, &e->parts.signers);
    for (; bcemr_list_next(&iter, &row); e->row_count++)
        if (e->row_count < 8)
            e->rows[e->row_count] = row;
    return true;
}

/* Every entry that is posted begins with the ledger id. */
static bool right_ledger(const model *m, const model_entry *e)
{
    const bcemr_span label = bcemr_text(bcemr_type_label(e->parts.type));
    /* len(label), label, len(field), field: section 1 */
    uint64_t at = 8 + label.n + 8;
    return e->parts.entry.n >= at + 32 && memcmp(e->parts.entry.p + at, m->ledger.b, 32) == 0;
}

static const struct {
    const bcemr_type *type;
    void (*apply)(model *m, model_entry *e);
} kinds[] = {
    {&bcemr_type_e_join, model_join},       {&bcemr_type_e_leave, model_leave},
    {&bcemr_type_e_rekey, model_rekey},     {&bcemr_type_e_upgrade, model_upgrade},
    {&bcemr_type_e_enrol, model_enrol},     {&bcemr_type_e_retire, model_retire},
    {&bcemr_type_e_admit, model_admit},     {&bcemr_type_e_amend, model_amend},
    {&bcemr_type_e_sign, model_sign_entry}, {&bcemr_type_e_reissue, model_reissue},
    {&bcemr_type_e_abort, model_abort},     {&bcemr_type_e_seal, model_seal},
    {&bcemr_type_e_confirm, model_confirm}, {&bcemr_type_e_consent, model_consent},
    {&bcemr_type_e_revoke, model_revoke},   {&bcemr_type_e_access, model_access},
    {&bcemr_type_e_erase, model_erase},
};

void model_apply(model *m, bcemr_span signed_entry, model_answer *out)
{
    model_entry e = {.answer = out};
    memset(out, 0, sizeof *out);
    if (!read_entry(signed_entry, &e))
        return;
    for (uint64_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].type != e.parts.type)
            continue;
        if (e.parts.type == &bcemr_type_e_sign)
            (void)model_need(out, !m->behind, LEDGER_R_CLOCK_BEHIND);
        if (!model_need(out, right_ledger(m, &e), LEDGER_R_WRONG_LEDGER))
            return;
        out->leaf = m->size;
        kinds[i].apply(m, &e);
        if (out->count > 0)
            return;
        model_mark(m, LEDGER_ENTRIES, bcemr_span_of(e.parts.entry_hash.b, 32), (bcemr_span){0});
        m->any = true;
        /* A Seal has added its case header already. */
        m->size = out->leaf + 1 + (e.parts.type == &bcemr_type_e_seal);
        return;
    }
    model_no(out, LEDGER_R_NOT_POSTED);
}
