/* SPDX-License-Identifier: Apache-2.0 */
/* What a chain answers. */
#include "ledger/chain/internal.h"

#include <string.h>

const bcemr_hash *ledger_chain_id(const ledger_chain *chain)
{
    return &chain->id;
}

uint64_t ledger_chain_size(const ledger_chain *chain)
{
    return chain->tip.size;
}

uint64_t ledger_chain_height(const ledger_chain *chain)
{
    return chain->tip.height;
}

int64_t ledger_chain_tau(const ledger_chain *chain)
{
    return chain->tip.tau;
}

void ledger_chain_counts(const ledger_chain *chain, ledger_verifier_counts *out)
{
    ledger_verifier_count(chain->verifier, out);
}

static bcemr_span hash_span(const bcemr_hash *hash)
{
    return bcemr_span_of(hash->b, sizeof hash->b);
}

/* ---- the log ---- */

bcemr_status ledger_chain_root(const ledger_chain *chain, uint64_t size, bcemr_hash *out)
{
    const bcemr_node_source nodes = ledger_log_nodes(&chain->state);
    return size <= chain->tip.size ? bcemr_root_make(&nodes, size, out) : BCEMR_E_NOT_FOUND;
}

bcemr_node_source ledger_chain_nodes(const ledger_chain *chain)
{
    return ledger_log_nodes(&chain->state);
}

bcemr_status ledger_chain_leaf(const ledger_chain *chain, uint64_t index, bcemr_buf *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    TRY(ledger_log_leaf(&chain->state, index, &held));
    TRY(bcemr_buf_append(out, bcemr_buf_span(&held)));
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status ledger_chain_inclusion(const ledger_chain *chain, uint64_t index, uint64_t size,
                                    bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf leaf = BCEMR_BUF_EMPTY;
    bcemr_hash path[BCEMR_INCLUSION_MAX];
    uint64_t count = 0;
    const bcemr_node_source nodes = ledger_log_nodes(&chain->state);
    if (index >= size || size > chain->tip.size)
        FAIL(BCEMR_E_NOT_FOUND, "inclusion", "index");
    TRY_AT(ledger_log_leaf(&chain->state, index, &leaf), "inclusion", "leaf");
    TRY_AT(bcemr_inclusion_path(&nodes, index, size, path, &count), "inclusion", "path");
    const bcemr_tr_inclusion value = {.leaf = bcemr_buf_span(&leaf),
                                      .index = index,
                                      .size = size,
                                      .path = BCEMR_LIST_OF(path, count)};
    TRY(bcemr_write_inclusion(&value, out, err));
out:
    bcemr_buf_free(&leaf);
    return status;
}

bcemr_status ledger_chain_consistency(const ledger_chain *chain, uint64_t first, uint64_t second,
                                      bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash path[BCEMR_CONSISTENCY_MAX];
    uint64_t count = 0;
    const bcemr_node_source nodes = ledger_log_nodes(&chain->state);
    if (second > chain->tip.size)
        FAIL(BCEMR_E_NOT_FOUND, "consistency", "second");
    TRY_AT(bcemr_consistency_path(&nodes, first, second, path, &count), "consistency", "path");
    const bcemr_tr_consistency value = {first, second, BCEMR_LIST_OF(path, count)};
    TRY(bcemr_write_consistency(&value, out, err));
out:
    return status;
}

/* ---- lists of encodings ---- */

/* Rows of a scan, to be written as one list. */
typedef struct gathered {
    const ledger_chain *chain;
    bcemr_buf bytes;
    uint64_t lengths_room, count;
    uint64_t *lengths;
    uint64_t to;       /* of an index: the last height; of leaves: the last index */
    uint64_t key_skip; /* bytes of the key before that number */
    uint64_t limit;    /* bytes of the list; 0: none */
} gathered;

/* Whether one more item keeps within the limit. */
static bool fits(const gathered *g, bcemr_span bytes)
{
    return g->limit == 0 || g->count == 0 ||
           g->bytes.n + 8 * g->count + bytes.n + 64 <= g->limit; /* lengths, and the list's head */
}

static bcemr_status gather(gathered *g, bcemr_span bytes)
{
    bcemr_status status = BCEMR_OK;
    if (g->count == g->lengths_room) {
        uint64_t room = g->lengths_room ? 2 * g->lengths_room : 32;
        uint64_t *more = bcemr_allocate(room * sizeof *more);
        if (!more)
            return BCEMR_E_NO_MEMORY;
        if (g->count > 0)
            memcpy(more, g->lengths, (size_t)(g->count * sizeof *more));
        bcemr_release(g->lengths);
        g->lengths = more;
        g->lengths_room = room;
    }
    TRY(bcemr_buf_append(&g->bytes, bytes));
    g->lengths[g->count++] = bytes.n;
out:
    return status;
}

static bcemr_status write_gathered(const gathered *g, const bcemr_type *type, bcemr_buf *out,
                                   bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span *spans = bcemr_allocate((g->count + 1) * sizeof *spans);
    const uint8_t *at = g->bytes.p;
    if (!spans)
        FAIL(BCEMR_E_NO_MEMORY, "list", NULL);
    for (uint64_t i = 0; i < g->count; i++) {
        spans[i] = bcemr_span_of(at, g->lengths[i]);
        at += g->lengths[i];
    }
    const bcemr_list list = BCEMR_LIST_OF(spans, g->count);
    TRY(bcemr_write_list(type, &list, out, err));
out:
    bcemr_release(spans);
    return status;
}

static void gathered_free(gathered *g)
{
    bcemr_buf_free(&g->bytes);
    bcemr_release(g->lengths);
}

static uint64_t number_at(const uint8_t *p)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | p[i];
    return number;
}

/* A row whose key ends with a number, in order. */
static bcemr_status numbered_row(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    gathered *g = user;
    if (key.n != g->key_skip + 8 || number_at(key.p + g->key_skip) > g->to || !fits(g, value)) {
        *more = false;
        return BCEMR_OK;
    }
    return gather(g, value);
}

bcemr_status ledger_chain_index_part(const ledger_chain *chain, const char *name, uint64_t from,
                                     uint64_t to, uint64_t bytes, bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    gathered g = {.chain = chain, .to = to, .key_skip = strlen(name), .limit = bytes};
    ledger_key start;
    if (strcmp(name, "stops") != 0 && strcmp(name, "finds") != 0)
        FAIL(BCEMR_E_ARGUMENT, "index", "name");
    ledger_key_begin(&start);
    ledger_key_add(&start, bcemr_text(name));
    ledger_key_add_number(&start, from);
    TRY_AT(ledger_scan(&chain->state, LEDGER_INDEXES, bcemr_text(name), ledger_key_span(&start),
                       numbered_row, &g),
           "index", NULL);
    TRY(write_gathered(&g, &bcemr_type_index, out, err));
out:
    gathered_free(&g);
    return status;
}

bcemr_status ledger_chain_index(const ledger_chain *chain, const char *name, uint64_t from,
                                uint64_t to, bcemr_buf *out, bcemr_error *err)
{
    return ledger_chain_index_part(chain, name, from, to, 0, out, err);
}

bcemr_status ledger_chain_leaves(const ledger_chain *chain, uint64_t from, uint64_t to,
                                 uint64_t bytes, bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const uint64_t size = chain->tip.size;
    gathered g = {.chain = chain, .to = (to < size ? to : size) - 1, .limit = bytes};
    ledger_key start;
    if (from >= to || from >= size)
        FAIL(BCEMR_E_NOT_FOUND, "leaves", "from");
    ledger_key_begin(&start);
    ledger_key_add_number(&start, from);
    TRY_AT(ledger_scan(&chain->state, LEDGER_LEAVES, (bcemr_span){0}, ledger_key_span(&start),
                       numbered_row, &g),
           "leaves", NULL);
    TRY(write_gathered(&g, &bcemr_type_leaf, out, err));
out:
    gathered_free(&g);
    return status;
}

/* The key of what belongs to a visit, so far its number alone. */
static bcemr_status visit_key(const ledger_chain *chain, const bcemr_hash *vid, ledger_key *key,
                              bcemr_error *err)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_visit record;
    bcemr_status status = ledger_chain_visit(chain, vid, &held, &record, err);
    ledger_key_begin(key);
    if (status == BCEMR_OK)
        ledger_key_add_number(key, record.leaf);
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status visit_leaf(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    (void)key;
    (void)more;
    bcemr_status status = BCEMR_OK;
    gathered *g = user;
    bcemr_buf leaf = BCEMR_BUF_EMPTY;
    bcemr_tr_state_mark mark;
    TRY(bcemr_read_state_mark(value, &mark, NULL));
    TRY(ledger_log_leaf(&g->chain->state, mark.leaf, &leaf));
    TRY(gather(g, bcemr_buf_span(&leaf)));
out:
    bcemr_buf_free(&leaf);
    return status;
}

bcemr_status ledger_chain_visit_leaves(const ledger_chain *chain, const bcemr_hash *vid,
                                       bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    gathered g = {.chain = chain};
    ledger_key key;
    TRY(visit_key(chain, vid, &key, err));
    TRY_AT(ledger_scan(&chain->state, LEDGER_VISIT_LEAVES, ledger_key_span(&key),
                       ledger_key_span(&key), visit_leaf, &g),
           "visit", "leaves");
    TRY(write_gathered(&g, &bcemr_type_leaf, out, err));
out:
    gathered_free(&g);
    return status;
}

/* ---- records ---- */

bcemr_status ledger_chain_visit(const ledger_chain *chain, const bcemr_hash *vid, bcemr_buf *held,
                                bcemr_tr_state_visit *out, bcemr_error *err)
{
    return ledger_get_record(&chain->state, LEDGER_VISITS, hash_span(vid), &bcemr_type_state_visit,
                             held, out, err);
}

bcemr_status ledger_chain_progress(const ledger_chain *chain, const bcemr_hash *vid,
                                   bcemr_tr_state_progress *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY; /* the record has no spans */
    ledger_key key;
    TRY(visit_key(chain, vid, &key, err));
    TRY(ledger_get_record(&chain->state, LEDGER_PROGRESS, ledger_key_span(&key),
                          &bcemr_type_state_progress, &held, out, err));
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status ledger_chain_sign(const ledger_chain *chain, const bcemr_hash *vid, uint64_t i,
                               bcemr_buf *held, bcemr_tr_state_sign *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    ledger_key key;
    TRY(visit_key(chain, vid, &key, err));
    ledger_key_add_number(&key, i);
    TRY(ledger_get_record(&chain->state, LEDGER_SIGNS, ledger_key_span(&key),
                          &bcemr_type_state_sign, held, out, err));
out:
    return status;
}

bcemr_status ledger_chain_case(const ledger_chain *chain, const bcemr_hash *vid, bcemr_buf *held,
                               bcemr_tr_state_case *out, bcemr_error *err)
{
    return ledger_get_record(&chain->state, LEDGER_CASES, hash_span(vid), &bcemr_type_state_case,
                             held, out, err);
}

bcemr_status ledger_chain_enrolment_of(const ledger_chain *chain, const bcemr_hash *entry,
                                       bcemr_buf *held, bcemr_tr_state_enrolment *out,
                                       bcemr_error *err)
{
    return ledger_get_record(&chain->state, LEDGER_ENROLMENTS, hash_span(entry),
                             &bcemr_type_state_enrolment, held, out, err);
}

bcemr_status ledger_chain_enrolment(const ledger_chain *chain, bcemr_span id, bcemr_buf *held,
                                    bcemr_tr_state_enrolment *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf last = BCEMR_BUF_EMPTY;
    TRY_AT(ledger_get(&chain->state, LEDGER_DOCTORS, id, &last), "state-enrolment", "id");
    TRY(ledger_get_record(&chain->state, LEDGER_ENROLMENTS, bcemr_buf_span(&last),
                          &bcemr_type_state_enrolment, held, out, err));
out:
    bcemr_buf_free(&last);
    return status;
}

bcemr_status ledger_chain_params(const ledger_chain *chain, bcemr_buf *held,
                                 bcemr_tr_state_params *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf next = BCEMR_BUF_EMPTY;
    bcemr_tr_state_params later;
    ledger_key key;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, chain->tip.rules);
    TRY(ledger_get_record(&chain->state, LEDGER_PARAMS, ledger_key_span(&key),
                          &bcemr_type_state_params, held, out, err));
    for (uint64_t version = chain->tip.rules + 1;; version++) {
        ledger_key_begin(&key);
        ledger_key_add_number(&key, version);
        status = ledger_get_record(&chain->state, LEDGER_PARAMS, ledger_key_span(&key),
                                   &bcemr_type_state_params, &next, &later, NULL);
        if (status == BCEMR_E_NOT_FOUND ||
            (status == BCEMR_OK && later.height > chain->tip.height + 1)) {
            status = BCEMR_OK;
            break;
        }
        TRY_AT(status, "state-params", NULL);
        TRY_AT(bcemr_buf_set(held, bcemr_buf_span(&next)), "state-params", NULL);
        TRY(bcemr_read_state_params(bcemr_buf_span(held), out, err));
    }
out:
    bcemr_buf_free(&next);
    return status;
}

bcemr_status ledger_chain_params_at(const ledger_chain *chain, uint64_t height, bcemr_buf *held,
                                    bcemr_tr_state_params *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    ledger_key key;
    TRY(ledger_chain_params(chain, held, out, err));
    while (out->height > height && out->rules > 1) {
        ledger_key_begin(&key);
        ledger_key_add_number(&key, out->rules - 1);
        TRY(ledger_get_record(&chain->state, LEDGER_PARAMS, ledger_key_span(&key),
                              &bcemr_type_state_params, held, out, err));
    }
out:
    return status;
}

bcemr_status ledger_chain_set_numbered(const ledger_chain *chain, uint64_t number, bcemr_set *out,
                                       uint64_t *leaf, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_set record;
    ledger_key key;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, number);
    TRY(ledger_get_record(&chain->state, LEDGER_SETS, ledger_key_span(&key), &bcemr_type_state_set,
                          &held, &record, err));
    TRY(bcemr_set_read(record.set, out, err));
    *leaf = record.leaf;
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status ledger_chain_set_now(const ledger_chain *chain, bcemr_set *out, bcemr_error *err)
{
    uint64_t leaf;
    return ledger_chain_set_numbered(chain, chain->tip.set_number, out, &leaf, err);
}

bcemr_status ledger_chain_set_at(const ledger_chain *chain, uint64_t leaf, bcemr_set *out,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t from = 0;
    if (leaf >= chain->tip.size)
        FAIL(BCEMR_E_NOT_FOUND, "set", "leaf");
    /* From the last one back: sets change seldom, and old ones are asked for seldom. */
    for (uint64_t number = chain->tip.set_number;; number--) {
        TRY(ledger_chain_set_numbered(chain, number, out, &from, err));
        if (from <= leaf || number == 0)
            break;
    }
out:
    return status;
}

bcemr_status ledger_chain_upgrade(const ledger_chain *chain, uint64_t version, uint64_t *leaf)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_params record = {0};
    ledger_key key;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, version);
    bcemr_status status = ledger_get_record(&chain->state, LEDGER_PARAMS, ledger_key_span(&key),
                                            &bcemr_type_state_params, &held, &record, NULL);
    *leaf = record.leaf;
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status mark_at(const ledger_chain *chain, ledger_table table, bcemr_span key,
                            uint64_t *leaf)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_mark mark;
    bcemr_status status =
        ledger_get_record(&chain->state, table, key, &bcemr_type_state_mark, &held, &mark, NULL);
    if (status == BCEMR_OK)
        *leaf = mark.leaf;
    bcemr_buf_free(&held);
    return status;
}

bcemr_status ledger_chain_stopped(const ledger_chain *chain, const char *kind, bcemr_span key,
                                  uint64_t *leaf)
{
    ledger_key full;
    if (key.n > 400 || strlen(kind) > 16)
        return BCEMR_E_ARGUMENT;
    ledger_key_begin(&full);
    ledger_key_add(&full, bcemr_text(kind));
    ledger_key_add(&full, key);
    return mark_at(chain, LEDGER_STOPPED, ledger_key_span(&full), leaf);
}

bcemr_status ledger_chain_landed(const ledger_chain *chain, const bcemr_hash *entry, uint64_t *leaf)
{
    return mark_at(chain, LEDGER_ENTRIES, hash_span(entry), leaf);
}

bcemr_status ledger_chain_marked(const ledger_chain *chain, ledger_table table, bcemr_span a,
                                 bcemr_span b, uint64_t *leaf)
{
    ledger_key key;
    if (a.n > 200 || b.n > 200)
        return BCEMR_E_ARGUMENT;
    ledger_key_begin(&key);
    ledger_key_add(&key, a);
    ledger_key_add(&key, b);
    return mark_at(chain, table, ledger_key_span(&key), leaf);
}
