/* SPDX-License-Identifier: Apache-2.0 */
#include "support/follow_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the ledgers ---- */

static void taken(uint32_t reason)
{
    if (reason == 0)
        return;
    (void)fprintf(stderr, "the scene is refused: %s\n", ledger_reason_name(reason));
    abort();
}

/* Consents first to first + count - 1 in one block. */
static void consents(world *w, uint64_t first, uint64_t count)
{
    bcemr_buf held[8];
    bcemr_span spans[8];
    ledger_outcome outcomes[8];
    bcemr_tr_e_consent consent;
    const consortium_row row = world_node_row(w, CLOUD_1);
    for (uint64_t i = 0; i < count; i++) {
        held[i] = BCEMR_BUF_EMPTY;
        world_consent(w, first + i, CLOUD_1, &consent);
        consortium_sign(&w->c, &bcemr_type_e_consent, &consent, &row, 1, &held[i]);
        spans[i] = bcemr_buf_span(&held[i]);
    }
    w->clock = world_next(w);
    must(ledger_chain_submit(w->chain, w->clock, spans, count, outcomes, &w->err));
    for (uint64_t i = 0; i < count; i++) {
        taken(outcomes[i].reason);
        bcemr_buf_free(&held[i]);
    }
}

static void revoke(world *w, uint64_t number)
{
    bcemr_tr_e_revoke entry;
    world_revoke(w, number, &entry);
    taken(world_post(w, &bcemr_type_e_revoke, &entry, NULL, 0));
}

static void sealed(world *w, uint64_t number)
{
    world_visit visit;
    world_sealed_visit(w, number, 1, &visit);
    world_visit_free(&visit);
}

void scene_sign(const world *w, const bcemr_set *set, const bcemr_tr_checkpoint *checkpoint,
                bcemr_buf *out)
{
    bcemr_buf_clear(out);
    consortium_cosign(set, checkpoint, w->voters, ((uint64_t)1 << w->places) - 1, out);
}

static void cosign(world *w)
{
    bcemr_tr_checkpoint checkpoint;
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    must(ledger_chain_set_now(w->chain, &set, NULL));
    must(ledger_chain_checkpoint(w->chain, &checkpoint, NULL));
    scene_sign(w, &set, &checkpoint, &held);
    must(ledger_chain_keep_cosigned(w->chain, bcemr_buf_span(&held), &w->err));
    bcemr_buf_free(&held);
    bcemr_set_free(&set);
}

void scene_cosigned(const ledger_chain *chain, bcemr_buf *out)
{
    bcemr_ledger_view view;
    ledger_chain_view(chain, &view);
    must(view.checkpoint(view.user, out));
}

static void common(world *w)
{
    world_begin(w, 0);
    consents(w, 1, 3);
    sealed(w, 0);
    revoke(w, 1);
}

static void story_of_a(scene *s)
{
    world *w = &s->a;
    common(w);
    cosign(w);
    scene_cosigned(w->chain, &s->first);
    s->first_size = ledger_chain_size(w->chain);
    consents(w, 4, 2);
    taken(world_join(w, &w->c.nodes[CLOUD_3]));
    cosign(w);
    scene_cosigned(w->chain, &s->second);
    s->second_size = ledger_chain_size(w->chain);
    revoke(w, 2);
    sealed(w, 1);
    consents(w, 6, 4);
    taken(world_retire(w, 3));
    cosign(w);
    s->signed_size = ledger_chain_size(w->chain);
    revoke(w, 4);
    revoke(w, 5);
}

/* The same leaves again: patients' proofs are drawn at random, so that no two stories are alike. */
static void replay(world *w, const world *from, uint64_t size)
{
    bcemr_buf held[8];
    bcemr_span entries[8];
    bcemr_leaf_parts leaf;
    world_begin(w, 0);
    memset(held, 0, sizeof held);
    for (uint64_t i = ledger_chain_size(w->chain); i < size;) {
        uint64_t count = 0, height = ledger_chain_height(w->chain) + 1;
        int64_t tau = 0;
        for (; i < size; i++, count++) {
            must(ledger_chain_leaf(from->chain, i, &held[count]));
            must(bcemr_leaf_read(bcemr_buf_span(&held[count]), &leaf, NULL));
            if (leaf.parts.type == &bcemr_type_case_header || leaf.height != height)
                break;
            entries[count] = leaf.signed_entry;
            tau = leaf.tau;
        }
        if (count > 0)
            must(ledger_chain_replay(w->chain, height, tau, entries, count, NULL));
        for (uint64_t k = 0; k < 8; k++)
            bcemr_buf_free(&held[k]);
        i = ledger_chain_size(w->chain);
    }
    w->clock = ledger_chain_tau(w->chain);
}

static void story_of_b(world *w, const scene *s)
{
    replay(w, &s->a, s->common);
    revoke(w, 3);
    sealed(w, 2);
    revoke(w, 40);
    revoke(w, 41);
    consents(w, 10, 3);
    cosign(w);
}

static void story_of_d(world *w, const scene *s)
{
    replay(w, &s->a, s->common);
    taken(world_join(w, &w->c.nodes[CLOUD_4]));
    sealed(w, 2);
    revoke(w, 40);
    revoke(w, 41);
    consents(w, 10, 3);
    cosign(w);
}

static void same_beginning(const world *one, const world *other, uint64_t size)
{
    bcemr_hash a, b;
    must(ledger_chain_root(one->chain, size, &a));
    must(ledger_chain_root(other->chain, size, &b));
    if (!bcemr_hash_equal(&a, &b))
        abort();
}

void scene_begin(scene *s)
{
    memset(s, 0, sizeof *s);
    story_of_a(s);
    s->common = s->first_size + 2; /* two consents more */
    story_of_b(&s->b, s);
    story_of_d(&s->d, s);
    same_beginning(&s->a, &s->b, s->common);
    same_beginning(&s->a, &s->d, s->common);
}

void scene_end(scene *s)
{
    world_end(&s->a);
    world_end(&s->b);
    world_end(&s->d);
    bcemr_buf_free(&s->first);
    bcemr_buf_free(&s->second);
}

/* ---- a source that changes answers ---- */

static bcemr_status head(void *self, ledger_source_head *out, bcemr_error *err)
{
    meddler *m = self;
    m->heads++;
    bcemr_status status = m->behind.ops->head(m->behind.self, out, err);
    return status == BCEMR_OK && m->head ? m->head(m, out) : status;
}

static bcemr_status leaves(void *self, uint64_t from, uint64_t to, uint64_t bytes, bcemr_buf *out,
                           bcemr_error *err)
{
    meddler *m = self;
    m->ranges++;
    bcemr_status status = m->behind.ops->leaves(m->behind.self, from, to, bytes, out, err);
    if (m->leaves && (status == BCEMR_OK || status == BCEMR_E_NOT_FOUND))
        return m->leaves(m, from, to, out);
    return status;
}

static bcemr_status consistency(void *self, uint64_t first, uint64_t second, bcemr_buf *out,
                                bcemr_error *err)
{
    meddler *m = self;
    m->proofs++;
    bcemr_status status = m->behind.ops->consistency(m->behind.self, first, second, out, err);
    if (m->consistency && (status == BCEMR_OK || status == BCEMR_E_NOT_FOUND))
        return m->consistency(m, first, second, out);
    return status;
}

static bcemr_status sets(void *self, uint64_t number, uint64_t size, bcemr_buf *out,
                         bcemr_error *err)
{
    meddler *m = self;
    m->walks++;
    bcemr_status status = m->behind.ops->sets(m->behind.self, number, size, out, err);
    if (m->sets && (status == BCEMR_OK || status == BCEMR_E_NOT_FOUND))
        return m->sets(m, number, size, out);
    return status;
}

static bcemr_status index_blocks(void *self, const char *name, uint64_t from, uint64_t to,
                                 uint64_t bytes, bcemr_buf *out, bcemr_error *err)
{
    const meddler *m = self;
    return m->behind.ops->index(m->behind.self, name, from, to, bytes, out, err);
}

static void close_meddler(void *self)
{
    meddler *m = self;
    ledger_source_close(&m->behind);
}

static const ledger_source_ops meddler_ops = {.head = head,
                                              .leaves = leaves,
                                              .consistency = consistency,
                                              .sets = sets,
                                              .index = index_blocks,
                                              .close = close_meddler};

ledger_source meddler_source(meddler *m, const ledger_chain *chain)
{
    must(ledger_source_chain(&m->behind, chain));
    return (ledger_source){&meddler_ops, m};
}

/* ---- a state that lasts ---- */

static bool fails(lasting *l)
{
    return ++l->calls == l->fail;
}

static bcemr_status l_get(void *self, ledger_table table, bcemr_span key, bcemr_buf *value)
{
    const lasting *l = self;
    return l->inner.ops->get(l->inner.self, table, key, value);
}

static bcemr_status l_put(void *self, ledger_table table, bcemr_span key, bcemr_span value)
{
    lasting *l = self;
    return fails(l) ? BCEMR_E_IO : l->inner.ops->put(l->inner.self, table, key, value);
}

static bcemr_status l_scan(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                           ledger_row_visitor visit, void *user)
{
    const lasting *l = self;
    return l->inner.ops->scan(l->inner.self, table, prefix, from, visit, user);
}

static bcemr_status l_begin(void *self)
{
    lasting *l = self;
    return fails(l) ? BCEMR_E_IO : l->inner.ops->begin(l->inner.self);
}

static bcemr_status l_commit(void *self)
{
    lasting *l = self;
    return fails(l) ? BCEMR_E_FULL : l->inner.ops->commit(l->inner.self);
}

static bcemr_status l_mark(void *self)
{
    const lasting *l = self;
    return l->inner.ops->mark(l->inner.self);
}

static bcemr_status l_keep(void *self)
{
    const lasting *l = self;
    return l->inner.ops->keep(l->inner.self);
}

static bcemr_status l_undo(void *self)
{
    const lasting *l = self;
    return l->inner.ops->undo(l->inner.self);
}

static void l_rollback(void *self)
{
    const lasting *l = self;
    l->inner.ops->rollback(l->inner.self);
}

static void l_close(void *self)
{
    (void)self;
}

static const ledger_state_ops lasting_ops = {.get = l_get,
                                             .put = l_put,
                                             .scan = l_scan,
                                             .begin = l_begin,
                                             .mark = l_mark,
                                             .keep = l_keep,
                                             .undo = l_undo,
                                             .commit = l_commit,
                                             .rollback = l_rollback,
                                             .close = l_close};

void lasting_new(lasting *l)
{
    memset(l, 0, sizeof *l);
    must(ledger_state_memory(&l->inner));
}

ledger_state lasting_state(lasting *l)
{
    return (ledger_state){&lasting_ops, l};
}

typedef struct copying {
    ledger_state *to;
    ledger_table table;
} copying;

static bcemr_status copy_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    const copying *c = user;
    (void)more;
    return ledger_put(c->to, c->table, key, value);
}

void lasting_copy(const lasting *from, lasting *to)
{
    copying c = {.to = &to->inner};
    lasting_new(to);
    must(to->inner.ops->begin(to->inner.self));
    for (int t = 0; t < LEDGER_TABLE_COUNT; t++) {
        c.table = (ledger_table)t;
        must(ledger_scan(&from->inner, c.table, (bcemr_span){0}, (bcemr_span){0}, copy_row, &c));
    }
    must(to->inner.ops->commit(to->inner.self));
}

void lasting_free(lasting *l)
{
    ledger_state_close(&l->inner);
}

/* ---- an export ---- */

static void put_item(bcemr_buf *out, bcemr_span bytes)
{
    uint8_t length[8];
    bcemr_store_u64(length, bytes.n);
    must(bcemr_buf_append(out, bcemr_span_of(length, sizeof length)));
    must(bcemr_buf_append(out, bytes));
}

void scene_export(const ledger_chain *chain, bcemr_buf *out)
{
    bcemr_buf item = BCEMR_BUF_EMPTY, held = BCEMR_BUF_EMPTY;
    bcemr_ledger_view view;
    bcemr_tr_ledger_export head_value = {.ledger = *ledger_chain_id(chain),
                                         .size = ledger_chain_size(chain)};
    ledger_chain_view(chain, &view);
    must(ledger_chain_root(chain, head_value.size, &head_value.root));
    bool is_signed = view.checkpoint(view.user, &held) == BCEMR_OK;
    const bcemr_span span = bcemr_buf_span(&held);
    head_value.cosigned = BCEMR_LIST_OF(&span, is_signed ? 1 : 0);
    must(bcemr_write_ledger_export(&head_value, &item, NULL));
    bcemr_buf_clear(out);
    put_item(out, bcemr_buf_span(&item));
    for (uint64_t i = 0; i < head_value.size; i++) {
        bcemr_buf_clear(&item);
        must(ledger_chain_leaf(chain, i, &item));
        put_item(out, bcemr_buf_span(&item));
    }
    bcemr_buf_free(&item);
    bcemr_buf_free(&held);
}
