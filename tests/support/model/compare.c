/* SPDX-License-Identifier: Apache-2.0 */
#include "support/model/compare.h"

#include "support/consortium.h"

#include <stdio.h>
#include <string.h>

/* The first difference is told; everything after it would follow from it. */
#define SAME(out, condition, ...)                                                                  \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)snprintf((out)->what, sizeof(out)->what, __VA_ARGS__);                           \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

#define NUMBER(x) ((unsigned long long)(x))

static bcemr_span hash_span(const bcemr_hash *hash)
{
    return bcemr_span_of(hash->b, sizeof hash->b);
}

static bool same_bytes(const void *a, const void *b, uint64_t n)
{
    return memcmp(a, b, n) == 0;
}

/* ---- visits ---- */

static bool same_team(const model_visit *visit, const bcemr_tr_state_visit *record, difference *out)
{
    bcemr_tr_team_doctor doctor;
    uint64_t n = 0;
    SAME(out, record->team.count == visit->count, "a team of %llu, not %llu",
         NUMBER(record->team.count), NUMBER(visit->count));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_team_doctor, &record->team);
    for (; bcemr_list_next(&iter, &doctor); n++) {
        const bcemr_tr_team_doctor *is = &visit->team[n];
        SAME(out,
             bcemr_span_equal(doctor.doctor, is->doctor) && same_bytes(&doctor.x, &is->x, 96) &&
                 same_bytes(&doctor.e, &is->e, 32) && doctor.deadline == is->deadline,
             "place %llu of the order", NUMBER(n + 1));
    }
    return true;
}

static bool same_signs(const model *m, const model_visit *visit, const ledger_chain *chain,
                       difference *out)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_sign record;
    bcemr_tr_sign context;
    for (uint64_t i = 1; i <= visit->count; i++) {
        bcemr_status status = ledger_chain_sign(chain, &visit->vid, i, &held, &record, NULL);
        bool there = i <= visit->signed_count;
        const model_sign *is = &visit->signs[i - 1];
        bool same = status == (there ? BCEMR_OK : BCEMR_E_NOT_FOUND);
        if (same && there) {
            must(bcemr_read_sign(record.context, &context, NULL));
            same = same_bytes(&record.hash, &is->hash, 32) &&
                   same_bytes(&record.delta, &is->delta, 48) && record.a == is->a &&
                   record.leaf == is->leaf && context.k == is->k && context.time == is->time &&
                   same_bytes(&record.enrolment, &m->enrolments[is->enrolment]->hash, 32);
        }
        bcemr_buf_free(&held);
        SAME(out, same, "the signature of place %llu", NUMBER(i));
    }
    return true;
}

static bool same_header(const model_visit *visit, const ledger_chain *chain, difference *out)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts leaf;
    bcemr_tr_case_header header;
    bool same = ledger_chain_leaf(chain, visit->seal_leaf + 1, &held) == BCEMR_OK &&
                bcemr_leaf_read(bcemr_buf_span(&held), &leaf, NULL) == BCEMR_OK &&
                leaf.parts.type == &bcemr_type_case_header &&
                bcemr_read_case_header(leaf.parts.entry, &header, NULL) == BCEMR_OK &&
                header.height == visit->header.height && header.tau == visit->header.tau &&
                same_bytes(&header.previous, &visit->header.previous, 32) &&
                same_bytes(&header.vid, &visit->vid, 32) &&
                same_bytes(&header.record_case, &visit->header.record_case, 32) &&
                same_bytes(&header.body, &visit->header.body, 32);
    bcemr_buf_free(&held);
    SAME(out, same, "the case header at leaf %llu", NUMBER(visit->seal_leaf + 1));
    return true;
}

/* Which clouds count, as far as they are in the set. */
static bool same_clouds(const model *m, const model_visit *visit, const ledger_chain *chain,
                        difference *out)
{
    const bcemr_span vid = hash_span(&visit->vid);
    for (uint64_t i = 0; i < m->set.count; i++) {
        const bcemr_span id = m->set.members[i].row.id;
        uint64_t leaf = 0, is = 0;
        bool there = ledger_chain_marked(chain, LEDGER_CONFIRMS, vid, id, &leaf) == BCEMR_OK;
        SAME(out, there == model_marked(m, LEDGER_CONFIRMS, vid, id, &is) && leaf == is,
             "whether %.*s counts", (int)id.n, (const char *)id.p);
    }
    return true;
}

static bool same_sealers(const model_visit *visit, const bcemr_list *clouds)
{
    bcemr_span named, cloud;
    bcemr_iter all = bcemr_list_begin(&bcemr_type_id_item, &visit->v.clouds);
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, clouds);
    for (uint64_t place = 1; bcemr_list_next(&all, &named); place++)
        if ((visit->sealed_by >> place & 1) &&
            !(bcemr_list_next(&iter, &cloud) && bcemr_span_equal(named, cloud)))
            return false;
    return !bcemr_list_next(&iter, &cloud);
}

static bool same_visit(const model *m, const model_visit *visit, const ledger_chain *chain,
                       difference *out)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_visit record;
    bcemr_tr_state_case c;
    bcemr_tr_state_progress progress;
    bool same = ledger_chain_visit(chain, &visit->vid, &held, &record, NULL) == BCEMR_OK;
    if (same && !same_team(visit, &record, out)) {
        bcemr_buf_free(&held);
        return false;
    }
    same = same && ledger_chain_progress(chain, &visit->vid, &progress, NULL) == BCEMR_OK &&
           progress.status == (uint64_t)visit->status && record.leaf == visit->leaf &&
           record.amendments == visit->amendments && progress.signed_count == visit->signed_count &&
           (progress.pending == BCEMR_yes_no_YES) == visit->pending &&
           same_bytes(&record.order, &visit->order, 32);
    bcemr_status status = ledger_chain_case(chain, &visit->vid, &held, &c, NULL);
    bool sealed = visit->status == BCEMR_visit_status_SEALED;
    same = same && status == (sealed ? BCEMR_OK : BCEMR_E_NOT_FOUND);
    if (same && sealed)
        same = c.tau == visit->sealed_tau && c.leaf == visit->seal_leaf &&
               bcemr_span_equal(c.record_case, visit->record_case) &&
               same_sealers(visit, &c.clouds);
    bcemr_buf_free(&held);
    SAME(out, same, "how far a visit has come");
    return same_signs(m, visit, chain, out) && same_clouds(m, visit, chain, out) &&
           (!sealed || same_header(visit, chain, out));
}

/* ---- enrolments, sets, parameters ---- */

static bool same_enrolment(const model *m, const model_enrolment *e, const ledger_chain *chain,
                           difference *out)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_enrolment record;
    bool same = ledger_chain_enrolment_of(chain, &e->hash, &held, &record, NULL) == BCEMR_OK &&
                record.status == (uint64_t)e->status && record.leaf == e->leaf &&
                record.ended == e->ended;
    same = same &&
           ledger_chain_enrolment(chain, e->entry.doctor, &held, &record, NULL) == BCEMR_OK &&
           same_bytes(&record.hash, &model_enrolment_of(m, e->entry.doctor)->hash, 32);
    bcemr_buf_free(&held);
    SAME(out, same, "the enrolment of %.*s", (int)e->entry.doctor.n,
         (const char *)e->entry.doctor.p);
    return true;
}

static bool same_set(const model *m, const ledger_chain *chain, difference *out)
{
    bcemr_set set = BCEMR_SET_EMPTY;
    must(ledger_chain_set_now(chain, &set, NULL));
    bool same = set.number == m->set.number && same_bytes(&set.hash, &m->set.hash, 32) &&
                set.count == m->set.count;
    bcemr_set_free(&set);
    SAME(out, same, "the set in force");
    return true;
}

static bool same_params(model *m, const ledger_chain *chain, difference *out)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_params record;
    must(ledger_chain_params(chain, &held, &record, NULL));
    m->next_height = m->height + 1;
    const model_params *now = model_params_now(m);
    bool same = record.rules == now->rules && record.reissues == now->reissues &&
                record.clock_difference == now->clock_difference &&
                record.retention == now->retention;
    bcemr_buf_free(&held);
    SAME(out, same, "the parameters in force");
    return true;
}

static bool same_some(model *m, const ledger_chain *chain, bool all, difference *out)
{
    SAME(out, ledger_chain_size(chain) == m->size, "a size of %llu, not %llu",
         NUMBER(ledger_chain_size(chain)), NUMBER(m->size));
    SAME(out, ledger_chain_height(chain) == m->height, "the height");
    SAME(out, ledger_chain_tau(chain) == m->tau, "tau");
    for (uint64_t i = 0; i < m->visit_count; i++) {
        if (!all && !m->visits[i]->touched)
            continue;
        if (!same_visit(m, m->visits[i], chain, out))
            return false;
        m->visits[i]->touched = false;
    }
    for (uint64_t i = 0; i < m->enrolment_count; i++) {
        if (!all && !m->enrolments[i]->touched)
            continue;
        if (!same_enrolment(m, m->enrolments[i], chain, out))
            return false;
        m->enrolments[i]->touched = false;
    }
    return same_set(m, chain, out) && same_params(m, chain, out);
}

bool model_same_touched(model *m, const ledger_chain *chain, difference *out)
{
    return same_some(m, chain, false, out);
}

/* ---- everything ---- */

static bcemr_status count_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    (void)key;
    (void)value;
    (void)more;
    ++*(uint64_t *)user;
    return BCEMR_OK;
}

static bool same_counts(const model *m, const ledger_state *state, difference *out)
{
    uint64_t signs = 0;
    for (uint64_t i = 0; i < m->visit_count; i++)
        signs += m->visits[i]->signed_count;
    uint64_t ids = 0;
    for (uint64_t i = 0; i < m->enrolment_count; i++)
        ids += model_enrolment_of(m, m->enrolments[i]->entry.doctor) == m->enrolments[i];
    const struct {
        const char *name;
        ledger_table table;
        uint64_t rows;
    } tables[] = {
#define MARKED(name) {#name, LEDGER_##name, m->marked[LEDGER_##name]}
        MARKED(KEYS),
        MARKED(SUPERNODES),
        MARKED(VISIT_LEAVES),
        MARKED(CASES),
        MARKED(ERASES),
        MARKED(REVOKERS),
        MARKED(CONSENT_REVOKERS),
        MARKED(CONSENT_CMS),
        MARKED(HANDLES),
        MARKED(CONFIRMS),
        MARKED(STOPPED),
#undef MARKED
        {"VISITS", LEDGER_VISITS, m->visit_count},
        {"PROGRESS", LEDGER_PROGRESS, m->visit_count},
        {"SIGNS", LEDGER_SIGNS, signs},
        {"ENROLMENTS", LEDGER_ENROLMENTS, m->enrolment_count},
        {"DOCTORS", LEDGER_DOCTORS, ids},
        {"SETS", LEDGER_SETS, m->set.number + 1},
        {"PARAMS", LEDGER_PARAMS, m->params_count},
        {"LEAVES", LEDGER_LEAVES, m->size},
        {"BLOCKS", LEDGER_BLOCKS, m->height + 1},
    };
    for (uint64_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        uint64_t rows = 0;
        must(ledger_scan(state, tables[i].table, (bcemr_span){0}, (bcemr_span){0}, count_row,
                         &rows));
        SAME(out, rows == tables[i].rows, "%llu rows of %s, not %llu", NUMBER(rows), tables[i].name,
             NUMBER(tables[i].rows));
    }
    return true;
}

/* Who erased what, as far as they are in the set. */
static bool same_erases(const model *m, const ledger_state *state, difference *out)
{
    for (uint64_t i = 0; i < m->visit_count; i++) {
        for (uint64_t k = 0; k < m->set.count; k++) {
            const bcemr_span vid = hash_span(&m->visits[i]->vid), id = m->set.members[k].row.id;
            ledger_key key;
            bool there = false;
            ledger_key_begin(&key);
            ledger_key_add(&key, vid);
            ledger_key_add(&key, id);
            must(ledger_has(state, LEDGER_ERASES, ledger_key_span(&key), &there));
            SAME(out, there == model_marked(m, LEDGER_ERASES, vid, id, NULL), "whether %.*s erased",
                 (int)id.n, (const char *)id.p);
        }
    }
    return true;
}

/* Every row of an index, in its block and order. */
static bool same_index(const model *m, const ledger_chain *chain, const char *name, difference *out)
{
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    bcemr_list blocks;
    bcemr_tr_index block;
    bcemr_tr_index_row row;
    bcemr_span encoded;
    uint64_t at = 0;
    bool same = true;
    must(ledger_chain_index(chain, name, 0, LEDGER_HEIGHT_MAX, &bytes, NULL));
    must(bcemr_read_list(&bcemr_type_index, bcemr_buf_span(&bytes), 0, UINT64_MAX, &blocks, NULL));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_index, &blocks);
    while (same && bcemr_list_next(&iter, &encoded)) {
        must(bcemr_read_index(encoded, &block, NULL));
        bcemr_iter rows = bcemr_list_begin(&bcemr_type_index_row, &block.rows);
        while (same && bcemr_list_next(&rows, &row)) {
            while (at < m->row_count && strcmp(m->rows[at].index, name) != 0)
                at++;
            same = at < m->row_count && m->rows[at].height == block.height &&
                   m->rows[at].leaf == row.leaf && bcemr_span_equal(m->rows[at].key, row.key) &&
                   bcemr_span_equal(bcemr_text(m->rows[at].kind), row.kind);
            at++;
        }
    }
    while (at < m->row_count && strcmp(m->rows[at].index, name) != 0)
        at++;
    bcemr_buf_free(&bytes);
    SAME(out, same && at == m->row_count, "the index %s", name);
    return true;
}

bool model_same_all(model *m, const ledger_chain *chain, const ledger_state *state, difference *out)
{
    return same_some(m, chain, true, out) && same_counts(m, state, out) &&
           same_erases(m, state, out) && same_index(m, chain, "stops", out) &&
           same_index(m, chain, "finds", out);
}
