/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules on other stores. A plain list of puts, searched from its end, shares nothing with the
 * states that ship, so a chain on it that comes to the same roots owes nothing to how a store is
 * made. And SQLite, opened again after every other block.
 */
#include "rules_test.h"

#include "ledger/state/sqlite.h"
#include "support/folder.h"

#include <stdlib.h>

typedef struct put_row {
    ledger_table table;
    bcemr_buf key, value;
} put_row;

typedef struct list_store {
    put_row *rows;
    uint64_t count, room, begun, marked;
} list_store;

static void cut_to(list_store *s, uint64_t count)
{
    while (s->count > count) {
        bcemr_buf_free(&s->rows[--s->count].key);
        bcemr_buf_free(&s->rows[s->count].value);
    }
}

static const put_row *latest(const list_store *s, ledger_table table, bcemr_span key)
{
    for (uint64_t i = s->count; i > 0; i--)
        if (s->rows[i - 1].table == table &&
            bcemr_span_equal(bcemr_buf_span(&s->rows[i - 1].key), key))
            return &s->rows[i - 1];
    return NULL;
}

static bcemr_status list_get(void *self, ledger_table table, bcemr_span key, bcemr_buf *value)
{
    const put_row *row = latest(self, table, key);
    return row ? bcemr_buf_set(value, bcemr_buf_span(&row->value)) : BCEMR_E_NOT_FOUND;
}

static bcemr_status list_put(void *self, ledger_table table, bcemr_span key, bcemr_span value)
{
    list_store *s = self;
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 1024;
        s->rows = realloc(s->rows, (size_t)s->room * sizeof *s->rows);
        assert_non_null(s->rows);
    }
    put_row *row = &s->rows[s->count++];
    *row = (put_row){.table = table};
    must(bcemr_buf_append(&row->key, key));
    must(bcemr_buf_append(&row->value, value));
    return BCEMR_OK;
}

static int by_key(const void *a, const void *b)
{
    const put_row *const *one = a, *const *other = b;
    return bcemr_span_compare(bcemr_buf_span(&(*one)->key), bcemr_buf_span(&(*other)->key));
}

static bcemr_status list_scan(void *self, ledger_table table, bcemr_span prefix, bcemr_span from,
                              ledger_row_visitor visit, void *user)
{
    const list_store *s = self;
    bcemr_status status = BCEMR_OK;
    bool more = true;
    uint64_t n = 0;
    const put_row **found = calloc((size_t)s->count + 1, sizeof *found);
    assert_non_null(found);
    for (uint64_t i = 0; i < s->count; i++) {
        bcemr_span key = bcemr_buf_span(&s->rows[i].key);
        if (s->rows[i].table == table && key.n >= prefix.n &&
            bcemr_span_equal(bcemr_span_of(key.p, prefix.n), prefix) &&
            bcemr_span_compare(key, from) >= 0 && latest(s, table, key) == &s->rows[i])
            found[n++] = &s->rows[i];
    }
    qsort(found, (size_t)n, sizeof *found, by_key);
    for (uint64_t i = 0; i < n && more && status == BCEMR_OK; i++)
        status =
            visit(user, bcemr_buf_span(&found[i]->key), bcemr_buf_span(&found[i]->value), &more);
    free(found);
    return status;
}

static bcemr_status list_begin(void *self)
{
    list_store *s = self;
    s->begun = s->count;
    return BCEMR_OK;
}

static bcemr_status list_mark(void *self)
{
    list_store *s = self;
    s->marked = s->count;
    return BCEMR_OK;
}

static bcemr_status list_undo(void *self)
{
    list_store *s = self;
    cut_to(s, s->marked);
    return BCEMR_OK;
}

static bcemr_status list_commit(void *self)
{
    return list_begin(self);
}

static void list_rollback(void *self)
{
    list_store *s = self;
    cut_to(s, s->begun);
}

static void list_close(void *self)
{
    list_store *s = self;
    cut_to(s, 0);
    free(s->rows);
}

static const ledger_state_ops list_ops = {
    .get = list_get,
    .put = list_put,
    .scan = list_scan,
    .begin = list_begin,
    .mark = list_mark,
    .keep = list_mark,
    .undo = list_undo,
    .commit = list_commit,
    .rollback = list_rollback,
    .close = list_close,
};

static void make_story(world *w)
{
    world_visit visit;
    bcemr_tr_e_consent consent;
    bcemr_tr_e_erase erase;
    world_sealed_visit(w, 0, 3, &visit);
    TAKEN(world_join(w, &w->c.nodes[CLOUD_3]));
    world_consent(w, 1, CLOUD_1, &consent);
    TAKEN(world_post_by(w, &bcemr_type_e_consent, &consent, CLOUD_1));
    for (int cloud = CLOUD_1; cloud <= CLOUD_2; cloud++) {
        world_erase(w, &visit, cloud, BCEMR_asker_PATIENT, &erase);
        TAKEN(world_post_by(w, &bcemr_type_e_erase, &erase, cloud));
    }
    TAKEN(world_leave(w, HOSPITAL_2));
    TAKEN(world_retire(w, 0));
    world_visit_free(&visit);
}

/* Another store: how a chain on it is opened, and opened again (NULL: it stays open). */
typedef struct other_store {
    ledger_state state;
    void (*again)(struct other_store *store);
    char path[FOLDER_ROOM];
} other_store;

static void open_chain(const world *w, other_store *store, bool first, ledger_chain **out)
{
    const ledger_chain_options options = {.context = w->c.context, .state = store->state};
    must(ledger_chain_open(out, &options,
                           first ? bcemr_buf_span(&w->c.signed_genesis) : (bcemr_span){0}, NULL));
}

static void play(world *w, other_store *store)
{
    ledger_chain *other;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts leaf;
    bcemr_hash one, two;
    make_story(w);
    open_chain(w, store, true, &other);
    for (uint64_t i = 1; i < ledger_chain_size(w->chain); i++) {
        bcemr_buf_clear(&held);
        must(ledger_chain_leaf(w->chain, i, &held));
        must(bcemr_leaf_read(bcemr_buf_span(&held), &leaf, NULL));
        if (leaf.parts.type == &bcemr_type_case_header)
            continue;
        /* An entry that is refused before each that is taken: nothing of it stays. */
        assert_int_equal(ledger_chain_replay(other, leaf.height, leaf.tau,
                                             (bcemr_span[]){leaf.signed_entry, leaf.signed_entry},
                                             2, NULL),
                         BCEMR_E_REFUSED);
        must(ledger_chain_replay(other, leaf.height, leaf.tau, &leaf.signed_entry, 1, NULL));
        must(ledger_chain_root(other, ledger_chain_size(other), &one));
        must(ledger_chain_root(w->chain, ledger_chain_size(other), &two));
        assert_memory_equal(one.b, two.b, 32);
        if (store->again && i % 2 == 0) {
            ledger_chain_close(other);
            store->again(store);
            open_chain(w, store, false, &other);
        }
    }
    bcemr_tr_checkpoint a, b;
    must(ledger_chain_checkpoint(w->chain, &a, NULL));
    must(ledger_chain_checkpoint(other, &b, NULL));
    assert_memory_equal(a.stops.b, b.stops.b, 32);
    assert_memory_equal(a.finds.b, b.finds.b, 32);
    assert_memory_equal(a.set.b, b.set.b, 32);
    assert_int_equal(a.size, b.size);
    bcemr_buf_free(&held);
    ledger_chain_close(other);
}

static void in_a_list(void **state)
{
    list_store rows = {0};
    other_store store = {.state = {&list_ops, &rows}};
    play(*state, &store);
}

static void sqlite_again(other_store *store)
{
    const ledger_sqlite_options options = {.writes = true, .scratch = true};
    must(ledger_sqlite_open(store->path, &options, &store->state, NULL));
}

static void in_sqlite(void **state)
{
    char folder[FOLDER_ROOM];
    const ledger_sqlite_options options = {.scratch = true};
    other_store store = {.again = sqlite_again};
    folder_make(folder);
    folder_path(store.path, folder, "ledger.db");
    must(ledger_sqlite_create(store.path, &options, NULL));
    sqlite_again(&store);
    play(*state, &store);
    folder_remove(folder);
}

/* A chain that reads beside one that writes: of one moment until it is refreshed, and then the
 * newest. */
static void read_beside(void **state)
{
    world *w = *state;
    char folder[FOLDER_ROOM], path[FOLDER_ROOM];
    const ledger_sqlite_options writes = {.writes = true, .scratch = true}, reads = {0};
    ledger_chain_options how = {.context = w->c.context}, of_reader = how;
    ledger_chain *reader;
    bcemr_tr_e_revoke revoke;
    bcemr_hash one, two;
    ledger_outcome outcome;
    folder_make(folder);
    folder_path(path, folder, "ledger.db");
    must(ledger_sqlite_create(path, &writes, NULL));
    must(ledger_sqlite_open(path, &reads, &of_reader.state, NULL));
    assert_int_equal(ledger_chain_open(&reader, &of_reader, (bcemr_span){0}, NULL),
                     BCEMR_E_NOT_FOUND);
    must(ledger_sqlite_open(path, &writes, &how.state, NULL));
    ledger_chain_close(w->chain);
    must(ledger_chain_open(&w->chain, &how, bcemr_buf_span(&w->c.signed_genesis), NULL));
    must(ledger_sqlite_refresh(&of_reader.state));
    must(ledger_chain_open(&reader, &of_reader, (bcemr_span){0}, NULL));
    for (uint64_t i = 0; i < 10; i++) {
        world_revoke(w, i, &revoke);
        TAKEN(world_post(w, &bcemr_type_e_revoke, &revoke, NULL, 0));
        const bcemr_span entry = bcemr_buf_span(&w->signed_entry);
        assert_int_equal(ledger_chain_size(reader), i + 1);
        /* To it the entry is new still; to put it in is not its affair. */
        must(ledger_chain_check(reader, w->clock, &entry, 1, &outcome, NULL));
        assert_int_equal(outcome.reason, 0);
        assert_int_equal(ledger_chain_submit_one(reader, w->clock, entry, NULL, NULL),
                         BCEMR_E_STATE);
        must(ledger_chain_refresh(reader, NULL));
        assert_int_equal(ledger_chain_size(reader), i + 2);
        must(ledger_chain_root(reader, i + 2, &one));
        must(ledger_chain_root(w->chain, i + 2, &two));
        assert_memory_equal(one.b, two.b, sizeof one.b);
        must(ledger_chain_check(reader, w->clock, &entry, 1, &outcome, NULL));
        assert_int_equal(outcome.reason, LEDGER_R_REVOKED_BEFORE);
    }
    ledger_chain_close(reader);
    ledger_chain_close(w->chain);
    must(ledger_state_memory(&how.state)); /* for the world's end */
    must(ledger_chain_open(&w->chain, &how, bcemr_buf_span(&w->c.signed_genesis), NULL));
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(in_a_list), TEST(in_sqlite), TEST(read_beside)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
