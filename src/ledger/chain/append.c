/* SPDX-License-Identifier: Apache-2.0 */
/* What a block adds besides the entries' own effects: leaves, case headers, index blocks. */
#include "ledger/chain/internal.h"

#include <string.h>

static bcemr_status mark(block *b, ledger_table table, bcemr_span key, uint64_t leaf,
                         bcemr_error *err)
{
    const bcemr_tr_state_mark value = {leaf};
    return ledger_put_record(&b->chain->state, table, key, &bcemr_type_state_mark, &value, err);
}

static bcemr_status append_leaf(block *b, bcemr_span signed_entry, const bcemr_hash *entry_hash,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf leaf = BCEMR_BUF_EMPTY;
    TRY(bcemr_leaf_make(signed_entry, b->height, b->tau, &leaf, err));
    TRY_AT(ledger_log_append(&b->chain->state, b->size, bcemr_buf_span(&leaf)), "leaf", NULL);
    TRY(mark(b, LEDGER_ENTRIES, bcemr_span_of(entry_hash->b, sizeof entry_hash->b), b->size, err));
    b->size++;
out:
    bcemr_buf_free(&leaf);
    return status;
}

/* ---- the case header ---- */

/* The leaves of a visit so far, from the numbers that VISIT_LEAVES holds. */
typedef struct body {
    const ledger_state *state;
    bcemr_buf *leaves; /* one each */
    bcemr_span *spans;
    uint64_t count, room;
} body;

static bcemr_status body_room(body *all)
{
    if (all->count < all->room)
        return BCEMR_OK;
    uint64_t room = all->room ? 2 * all->room : 16;
    bcemr_buf *leaves = bcemr_allocate(room * sizeof *leaves);
    bcemr_span *spans = bcemr_allocate(room * sizeof *spans);
    if (!leaves || !spans) {
        bcemr_release(leaves);
        bcemr_release(spans);
        return BCEMR_E_NO_MEMORY;
    }
    if (all->count > 0) {
        memcpy(leaves, all->leaves, (size_t)(all->count * sizeof *leaves));
        memcpy(spans, all->spans, (size_t)(all->count * sizeof *spans));
    }
    bcemr_release(all->leaves);
    bcemr_release(all->spans);
    all->leaves = leaves;
    all->spans = spans;
    all->room = room;
    return BCEMR_OK;
}

static bcemr_status add_leaf(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    (void)key;
    (void)more;
    bcemr_status status = BCEMR_OK;
    body *all = user;
    bcemr_tr_state_mark at;
    TRY(bcemr_read_state_mark(value, &at, NULL));
    TRY(body_room(all));
    all->leaves[all->count] = BCEMR_BUF_EMPTY;
    TRY(ledger_log_leaf(all->state, at.leaf, &all->leaves[all->count]));
    all->spans[all->count] = bcemr_buf_span(&all->leaves[all->count]);
    all->count++;
out:
    return status;
}

static void body_free(body *all)
{
    for (uint64_t i = 0; i < all->count; i++)
        bcemr_buf_free(&all->leaves[i]);
    bcemr_release(all->leaves);
    bcemr_release(all->spans);
}

/* The clouds of V whose bits are set. */
static uint64_t confirming_clouds(bcemr_span confirmers, const bcemr_list *clouds,
                                  bcemr_span out[16])
{
    bcemr_span id;
    uint64_t place = 1, n = 0;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, clouds);
    for (; n < 16 && bcemr_list_next(&iter, &id); place++)
        if (bcemr_bitmap_get(confirmers, place))
            out[n++] = id;
    return n;
}

static bcemr_status put_case(block *b, const bcemr_tr_e_seal *seal, const bcemr_hash *vid,
                             uint64_t seal_leaf, bcemr_span header, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_visit visit_record;
    bcemr_tr_visit visit;
    bcemr_span clouds[16];
    bcemr_span key = bcemr_span_of(vid->b, sizeof vid->b);
    TRY(ledger_get_record(&b->chain->state, LEDGER_VISITS, key, &bcemr_type_state_visit, &held,
                          &visit_record, err));
    TRY(bcemr_read_visit(visit_record.visit, &visit, err));
    uint64_t n = confirming_clouds(seal->confirmers, &visit.clouds, clouds);
    const bcemr_tr_state_case record = {.record_case = seal->record_case,
                                        .tau = b->tau,
                                        .leaf = seal_leaf,
                                        .header = header,
                                        .clouds = BCEMR_LIST_OF(clouds, n)};
    TRY(ledger_put_record(&b->chain->state, LEDGER_CASES, key, &bcemr_type_state_case, &record,
                          err));
out:
    bcemr_buf_free(&held);
    return status;
}

/* Right after Seal the log takes the case block's header as a leaf of its own (section 6). */
static bcemr_status append_header(block *b, bcemr_span seal_entry, const ledger_effect *effect,
                                  uint64_t seal_leaf, bcemr_error *err)
{
    const bcemr_hash *vid = &effect->vid;
    ledger_key key;
    bcemr_status status = BCEMR_OK;
    body all = {.state = &b->chain->state};
    bcemr_buf entry = BCEMR_BUF_EMPTY, signed_header = BCEMR_BUF_EMPTY;
    bcemr_tr_e_seal seal;
    bcemr_tr_case record_case;
    bcemr_tr_case_header header;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, effect->visit);
    const bcemr_span prefix = ledger_key_span(&key);
    TRY(bcemr_read_e_seal(seal_entry, &seal, err));
    TRY(bcemr_read_case(seal.record_case, &record_case, err));
    TRY_AT(ledger_scan(all.state, LEDGER_VISIT_LEAVES, prefix, prefix, add_leaf, &all),
           "case-header", "body");
    const bcemr_list leaves = BCEMR_LIST_OF(all.spans, all.count);
    TRY(bcemr_case_header_make(b->cases, &b->case_header, b->tau, vid, &record_case, &leaves,
                               &header, err));
    TRY(bcemr_write_case_header(&header, &entry, err));
    TRY(bcemr_signed_make(bcemr_buf_span(&entry), NULL, 0, &signed_header, err));
    TRY(put_case(b, &seal, vid, seal_leaf, bcemr_buf_span(&entry), err));
    bcemr_sha256(bcemr_buf_span(&entry), &b->case_header);
    b->cases++;
    TRY(append_leaf(b, bcemr_buf_span(&signed_header), &b->case_header, err));
out:
    body_free(&all);
    bcemr_buf_free(&entry);
    bcemr_buf_free(&signed_header);
    return status;
}

/* ---- indexes ---- */

static bcemr_status add_row(index_rows *index, uint64_t leaf, bcemr_span kind, bcemr_span key)
{
    if (index->count == index->room) {
        uint64_t room = index->room ? 2 * index->room : 16;
        bcemr_tr_index_row *more = bcemr_allocate(room * sizeof *more);
        if (!more)
            return BCEMR_E_NO_MEMORY;
        if (index->count > 0)
            memcpy(more, index->rows, (size_t)(index->count * sizeof *more));
        bcemr_release(index->rows);
        index->rows = more;
        index->room = room;
    }
    uint8_t *copy = bcemr_allocate(key.n);
    if (!copy)
        return BCEMR_E_NO_MEMORY;
    memcpy(copy, key.p, (size_t)key.n);
    index->rows[index->count++] = (bcemr_tr_index_row){leaf, kind, bcemr_span_of(copy, key.n)};
    return BCEMR_OK;
}

static void rows_free(index_rows *index)
{
    for (uint64_t i = 0; i < index->count; i++)
        bcemr_release((void *)(uintptr_t)index->rows[i].key.p);
    bcemr_release(index->rows);
    *index = (index_rows){0};
}

/* A block that adds to an index makes a new head; others leave it. */
static bcemr_status finish_index(block *b, const char *name, const index_rows *rows,
                                 bcemr_hash *head, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf encoding = BCEMR_BUF_EMPTY;
    ledger_key key;
    if (rows->count == 0)
        return BCEMR_OK;
    const bcemr_tr_index value = {.name = bcemr_text(name),
                                  .before = *head,
                                  .height = b->height,
                                  .rows = BCEMR_LIST_OF(rows->rows, rows->count)};
    TRY(bcemr_write_index(&value, &encoding, err));
    ledger_key_begin(&key);
    ledger_key_add(&key, bcemr_text(name));
    ledger_key_add_number(&key, b->height);
    TRY_AT(ledger_put(&b->chain->state, LEDGER_INDEXES, ledger_key_span(&key),
                      bcemr_buf_span(&encoding)),
           "index", NULL);
    bcemr_sha256(bcemr_buf_span(&encoding), head);
out:
    bcemr_buf_free(&encoding);
    return status;
}

/* ---- a block ---- */

static bcemr_status note_visit_leaf(block *b, const ledger_effect *effect, bcemr_error *err)
{
    ledger_key key;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, effect->visit);
    ledger_key_add_number(&key, b->size);
    return mark(b, LEDGER_VISIT_LEAVES, ledger_key_span(&key), b->size, err);
}

bcemr_status chain_append(block *b, bcemr_span signed_entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const ledger_effect *effect = &b->effect;
    const uint64_t leaf = b->size;
    const index_rows *rows = effect->index == LEDGER_INDEX_STOPS ? &b->stops : &b->finds;
    if (!BCEMR_REASON_HOLDS(LEDGER_R_QUOTA, effect->index == LEDGER_INDEX_NONE ||
                                                rows->count < LEDGER_INDEX_ROWS_MAX)) {
        status = wire_refuse(err, BCEMR_LEDGER_REFUSED, "block", "index", BCEMR_NOWHERE);
        if (err)
            err->reason = LEDGER_R_QUOTA;
        goto out;
    }
    if (effect->index != LEDGER_INDEX_NONE)
        TRY_AT(add_row(effect->index == LEDGER_INDEX_STOPS ? &b->stops : &b->finds, leaf,
                       bcemr_text(bcemr_type_label(effect->parts.type)),
                       bcemr_buf_span(&effect->index_key)),
               "index", NULL);
    if (effect->of_visit)
        TRY(note_visit_leaf(b, effect, err));
    TRY(append_leaf(b, signed_entry, &effect->parts.entry_hash, err));
    if (effect->sealed)
        TRY(append_header(b, effect->parts.entry, effect, leaf, err));
out:
    return status;
}

/* The rule version in force at the block's height. */
static bcemr_status version_at(block *b, uint64_t *version, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_params params;
    ledger_key key;
    for (;;) {
        ledger_key_begin(&key);
        ledger_key_add_number(&key, *version + 1);
        status = ledger_get_record(&b->chain->state, LEDGER_PARAMS, ledger_key_span(&key),
                                   &bcemr_type_state_params, &held, &params, NULL);
        if (status == BCEMR_E_NOT_FOUND) {
            status = BCEMR_OK;
            break;
        }
        TRY_AT(status, "state-params", NULL);
        if (params.height > b->height)
            break;
        (*version)++;
    }
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status chain_finish(block *b, bcemr_tr_state_block *tip, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    ledger_state *state = &b->chain->state;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    ledger_key key;
    TRY(ledger_get_record(state, LEDGER_TIP, (bcemr_span){0}, &bcemr_type_state_block, &held, tip,
                          err));
    TRY(finish_index(b, "stops", &b->stops, &tip->stops, err));
    TRY(finish_index(b, "finds", &b->finds, &tip->finds, err));
    tip->height = b->height;
    tip->tau = b->tau;
    tip->size = b->size;
    tip->cases = b->cases;
    tip->case_header = b->case_header;
    TRY(version_at(b, &tip->rules, err));
    TRY(ledger_put_record(state, LEDGER_TIP, (bcemr_span){0}, &bcemr_type_state_block, tip, err));
    ledger_key_begin(&key);
    ledger_key_add_number(&key, tip->size);
    TRY(ledger_put_record(state, LEDGER_BLOCKS, ledger_key_span(&key), &bcemr_type_state_block, tip,
                          err));
out:
    bcemr_buf_free(&held);
    return status;
}

void chain_block_free(block *b)
{
    rows_free(&b->stops);
    rows_free(&b->finds);
    ledger_effect_free(&b->effect);
}
