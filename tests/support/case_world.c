/* SPDX-License-Identifier: Apache-2.0 */
#include "support/case_world.h"

#include <string.h>

void case_world_checkpoint(world *w)
{
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    must(ledger_chain_set_now(w->chain, &set, NULL));
    must(ledger_chain_checkpoint(w->chain, &checkpoint, NULL));
    consortium_cosign(&set, &checkpoint, w->voters, ((uint64_t)1 << w->places) - 1, &cosigned);
    bcemr_error err = {0};
    bcemr_status status = ledger_chain_keep_cosigned(w->chain, bcemr_buf_span(&cosigned), &err);
    must(err.verdict == BCEMR_STALE_PROOF ? BCEMR_OK : status); /* it is kept already */
    bcemr_set_free(&set);
    bcemr_buf_free(&cosigned);
}

bcemr_status case_world_make(world *w, const bcemr_hash *vid, bcemr_buf *out, bcemr_error *err)
{
    bcemr_ledger_view view;
    ledger_chain_view(w->chain, &view);
    const bcemr_case_making making = {.context = w->c.context, .view = &view, .vid = *vid};
    bcemr_buf_clear(out);
    const bcemr_sink sink = bcemr_sink_buffer(out);
    return bcemr_case_file_make(&making, &sink, err);
}

bcemr_status case_world_check(const bcemr_context *context, bcemr_span genesis, bcemr_span file,
                              bcemr_case_report *report, bcemr_error *err)
{
    bcemr_anchor anchor = {.held = BCEMR_BUF_EMPTY};
    memset(report, 0, sizeof *report);
    bcemr_status status = bcemr_anchor_read(context, genesis, &anchor, err);
    if (status == BCEMR_OK) {
        const bcemr_source source = bcemr_source_bytes(&file);
        const bcemr_case_checking checking = {
            .context = context, .anchor = &anchor, .file = &source};
        status = bcemr_case_file_check(&checking, report, err);
    }
    bcemr_anchor_free(&anchor);
    return status;
}

/* ---- the set, parameters and keys change ---- */

static uint64_t place_of(const world *w, const char *id, bcemr_hash *hash, uint64_t *number)
{
    bcemr_set set = BCEMR_SET_EMPTY;
    must(ledger_chain_set_now(w->chain, &set, NULL));
    const uint64_t place = bcemr_set_place(&set, bcemr_text(id));
    *hash = set.hash;
    *number = set.number;
    bcemr_set_free(&set);
    return place;
}

uint32_t case_world_rekey(world *w, int node, const char *seed)
{
    static consortium_node renewed;
    consortium_node *n = &w->c.nodes[node];
    const bcemr_role role = (bcemr_role)n->row.role;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_e_rekey e = {.ledger = w->c.ledger, .lost = BCEMR_yes_no_NO};
    consortium_node_make(&renewed, n->id, role, seed);
    e.place = place_of(w, n->id, &e.before, &e.number);
    e.number++;
    e.member = world_member(&renewed.row, &held);
    const uint64_t all = ((uint64_t)1 << w->places) - 1;
    const consortium_row rows[] = {world_authority(w),
                                   world_votes(w, all & ~((uint64_t)1 << e.place)),
                                   world_pop(&renewed), world_node_row(w, node)};
    uint32_t reason = world_post(w, &bcemr_type_e_rekey, &e, rows, 4);
    if (reason == 0)
        consortium_node_make(n, n->id, role, seed);
    bcemr_buf_free(&held);
    return reason;
}

uint32_t case_world_upgrade(world *w, uint64_t rules, uint64_t height, uint64_t reissues,
                            uint64_t clock_difference)
{
    bcemr_tr_e_upgrade e = {.ledger = w->c.ledger,
                            .rules = rules,
                            .reissues = reissues,
                            .clock_difference = clock_difference,
                            .retention = CONSORTIUM_RETENTION,
                            .thresholds = bcemr_buf_span(&w->c.thresholds),
                            .quotas = bcemr_buf_span(&w->c.quotas),
                            .height = height};
    const consortium_row rows[] = {world_authority(w),
                                   world_votes(w, ((uint64_t)1 << w->places) - 1)};
    world_set_now(w, &e.number, &e.set);
    return world_post(w, &bcemr_type_e_upgrade, &e, rows, 2);
}

uint32_t case_world_enrol_again(world *w, int doctor, const char *seed, uint64_t second)
{
    consortium_enrolment e;
    consortium_doctor *d = &w->c.doctors[doctor], fresh = {.id = d->id};
    consortium_keys(seed, &fresh.keys, &fresh.publics);
    consortium_enrol(&w->c, &fresh, "hospital-1", 0, WORLD_START + 1000 * WORLD_HOUR, &e);
    const consortium_row rows[] = {world_node_row(w, HOSPITAL_1),
                                   second == BCEMR_NOWHERE ? world_doctor_row(w, doctor)
                                                           : world_node_row(w, (int)second)};
    uint32_t reason = world_post(w, &bcemr_type_e_enrol, &e.entry, rows, 2);
    bcemr_buf_free(&e.pops);
    if (reason == 0)
        *d = fresh;
    return reason;
}

/* ---- files in parts ---- */

static uint64_t spans_of(const bcemr_list *list, bcemr_span *out)
{
    uint64_t n = 0;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_inclusion, list);
    while (n < CASE_WORLD_ITEMS && bcemr_list_next(&iter, &out[n]))
        n++;
    return n;
}

void case_world_take_apart(bcemr_span file, case_pieces *p)
{
    const uint64_t head = bcemr_load_u64(file.p);
    memset(p, 0, sizeof *p);
    must(bcemr_read_case_file(bcemr_span_of(file.p + 8, head), &p->value, NULL));
    p->set_count = spans_of(&p->value.sets, p->sets);
    p->upgrade_count = spans_of(&p->value.upgrades, p->upgrades);
    p->enrolment_count = spans_of(&p->value.enrolments, p->enrolments);
    p->body_count = spans_of(&p->value.body, p->body);
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_case_opened, &p->value.opened);
    while (bcemr_list_next(&iter, &p->opened[p->opened_count]))
        p->opened_count++;
    p->documents = bcemr_span_of(file.p + 8 + head, file.n - 8 - head);
}

bcemr_status case_world_put_together(const case_pieces *p, bcemr_buf *out)
{
    bcemr_buf head = BCEMR_BUF_EMPTY;
    bcemr_tr_case_file value = p->value;
    uint8_t length[8];
    value.sets = BCEMR_LIST_OF(p->sets, p->set_count);
    value.upgrades = BCEMR_LIST_OF(p->upgrades, p->upgrade_count);
    value.enrolments = BCEMR_LIST_OF(p->enrolments, p->enrolment_count);
    value.body = BCEMR_LIST_OF(p->body, p->body_count);
    value.opened = BCEMR_LIST_OF(p->opened, p->opened_count);
    bcemr_buf_clear(out);
    bcemr_status status = bcemr_write_case_file(&value, &head, NULL);
    if (status == BCEMR_OK) {
        bcemr_store_u64(length, head.n);
        must(bcemr_buf_append(out, bcemr_span_of(length, 8)));
        must(bcemr_buf_append(out, bcemr_buf_span(&head)));
        must(bcemr_buf_append(out, p->documents));
    }
    bcemr_buf_free(&head);
    return status;
}

/* ---- another log ---- */

#define LEAVES_MAX 128

typedef struct other_log {
    bcemr_buf leaves[LEAVES_MAX];
    bcemr_hash hashes[LEAVES_MAX];
    uint64_t count;
    bcemr_buf proofs[4 * CASE_WORLD_ITEMS];
    uint64_t proof_count;
} other_log;

static bcemr_status node_of(void *user, uint64_t level, uint64_t index, bcemr_hash *out)
{
    const other_log *l = user;
    bcemr_tree tree;
    bcemr_tree_begin(&tree);
    for (uint64_t i = index << level; i < (index + 1) << level; i++)
        bcemr_tree_add(&tree, &l->hashes[i]);
    if (level == 0)
        *out = l->hashes[index];
    else
        bcemr_tree_root(&tree, out);
    return BCEMR_OK;
}

static bcemr_span prove(other_log *l, bcemr_span inclusion)
{
    const bcemr_node_source source = {node_of, l};
    bcemr_hash path[BCEMR_INCLUSION_MAX];
    bcemr_tr_inclusion value;
    uint64_t count = 0;
    bcemr_buf *held = &l->proofs[l->proof_count++];
    must(bcemr_read_inclusion(inclusion, &value, NULL));
    must(bcemr_inclusion_path(&source, value.index, l->count, path, &count));
    value.leaf = bcemr_buf_span(&l->leaves[value.index]);
    value.size = l->count;
    value.path = BCEMR_LIST_OF(path, count);
    must(bcemr_write_inclusion(&value, held, NULL));
    return bcemr_buf_span(held);
}

static void prove_all(other_log *l, bcemr_span *items, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        items[i] = prove(l, items[i]);
}

static void sign_log(const world *w, other_log *l, bcemr_buf *cosigned)
{
    const bcemr_node_source source = {node_of, l};
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    must(ledger_chain_set_now(w->chain, &set, NULL));
    must(ledger_chain_checkpoint(w->chain, &checkpoint, NULL));
    must(bcemr_root_make(&source, l->count, &checkpoint.root));
    consortium_cosign(&set, &checkpoint, w->voters, ((uint64_t)1 << w->places) - 1, cosigned);
    bcemr_set_free(&set);
}

static void take_leaf(const world *w, other_log *l, uint64_t i, const case_leaf *leaves,
                      uint64_t count)
{
    bcemr_buf *held = &l->leaves[i];
    must(ledger_chain_leaf(w->chain, i, held));
    for (uint64_t k = 0; k < count; k++)
        if (leaves[k].index == i)
            must(bcemr_buf_set(held, leaves[k].leaf));
    bcemr_tree_leaf_hash(bcemr_buf_span(held), &l->hashes[i]);
}

void case_world_relog(const world *w, bcemr_span file, const case_leaf *leaves, uint64_t count,
                      bcemr_buf *out)
{
    other_log *l = bcemr_allocate(sizeof *l);
    case_pieces *p = bcemr_allocate(sizeof *p);
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    must(l && p ? BCEMR_OK : BCEMR_E_NO_MEMORY);
    case_world_take_apart(file, p);
    l->count = ledger_chain_size(w->chain);
    for (uint64_t i = 0; i < l->count; i++)
        take_leaf(w, l, i, leaves, count);
    sign_log(w, l, &cosigned);
    p->value.checkpoint = bcemr_buf_span(&cosigned);
    p->value.header = prove(l, p->value.header);
    prove_all(l, p->sets, p->set_count);
    prove_all(l, p->upgrades, p->upgrade_count);
    prove_all(l, p->enrolments, p->enrolment_count);
    prove_all(l, p->body, p->body_count);
    must(case_world_put_together(p, out));
    for (uint64_t i = 0; i < l->count; i++)
        bcemr_buf_free(&l->leaves[i]);
    for (uint64_t i = 0; i < l->proof_count; i++)
        bcemr_buf_free(&l->proofs[i]);
    bcemr_buf_free(&cosigned);
    bcemr_release(l);
    bcemr_release(p);
}
