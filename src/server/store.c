/* SPDX-License-Identifier: Apache-2.0 */
/* Streaming into a store; the store in memory. */
#include "server/store.h"

#include "wire/error.h"

#include <string.h>

#define WINDOW 65536

static bcemr_status copy(const bcemr_source *source, const bcemr_sink *sink, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint8_t *window = bcemr_allocate(WINDOW);
    if (!window)
        FAIL(BCEMR_E_NO_MEMORY, "store", NULL);
    for (uint64_t done = 0; done < source->length;) {
        uint64_t n = source->length - done < WINDOW ? source->length - done : WINDOW;
        TRY_AT(source->read(source->user, done, window, n), "store", "source");
        TRY_AT(sink->write(sink->user, bcemr_span_of(window, n)), "store", "sink");
        done += n;
    }
out:
    bcemr_release_wiped(window, WINDOW);
    return status;
}

bcemr_status server_store_put(const server_store *store, const char *name,
                              const bcemr_source *source, bcemr_error *err)
{
    bcemr_sink sink;
    void *writing = NULL;
    bcemr_status status = store->begin(store->user, name, &sink, &writing, err);
    if (status != BCEMR_OK)
        return status;
    status = copy(source, &sink, err);
    if (status == BCEMR_OK)
        return store->finish(store->user, writing, true, err);
    (void)store->finish(store->user, writing, false, NULL);
    return status;
}

/* ---- in memory ---- */

/* Shared by the table and by those who read it. */
typedef struct object {
    char name[SERVER_STORE_NAME_MAX + 1];
    bcemr_buf bytes;
    uint64_t users;
} object;

struct server_memory_store {
    object *objects[SERVER_MEMORY_STORE_MAX];
    uint64_t count;
    uint64_t failing;
    bool persisted;
};

static void let_go(object *o)
{
    if (--o->users > 0)
        return;
    bcemr_buf_free(&o->bytes);
    bcemr_release(o);
}

bcemr_status server_memory_store_new(server_memory_store **out)
{
    *out = bcemr_allocate(sizeof **out);
    return *out ? BCEMR_OK : BCEMR_E_NO_MEMORY;
}

void server_memory_store_free(server_memory_store *store)
{
    if (!store)
        return;
    for (uint64_t i = 0; i < store->count; i++)
        let_go(store->objects[i]);
    bcemr_release(store);
}

uint64_t server_memory_store_count(const server_memory_store *store)
{
    return store->count;
}

void server_memory_store_fail(server_memory_store *store, uint64_t n, bool persisted)
{
    store->failing = n;
    store->persisted = persisted;
}

static uint64_t place_of(const server_memory_store *store, const char *name)
{
    uint64_t i = 0;
    while (i < store->count && strcmp(store->objects[i]->name, name) != 0)
        i++;
    return i;
}

static bool good_name(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", name[i]))
            return false;
    return n > 0 && n <= SERVER_STORE_NAME_MAX;
}

static bcemr_status write_object(void *user, bcemr_span bytes)
{
    return bcemr_buf_append(&((object *)user)->bytes, bytes);
}

static bcemr_status begin(void *user, const char *name, bcemr_sink *sink, void **writing,
                          bcemr_error *err)
{
    (void)user;
    *writing = NULL;
    if (!good_name(name))
        return wire_fail(err, BCEMR_E_ARGUMENT, "store", "name");
    object *o = bcemr_allocate(sizeof *o);
    if (!o)
        return wire_fail(err, BCEMR_E_NO_MEMORY, "store", NULL);
    memcpy(o->name, name, strlen(name));
    o->users = 1;
    *sink = (bcemr_sink){o, write_object};
    *writing = o;
    return BCEMR_OK;
}

static bcemr_status finish(void *user, void *writing, bool keep, bcemr_error *err)
{
    server_memory_store *store = user;
    bool fails = keep && store->failing > 0 && --store->failing == 0;
    uint64_t at = place_of(store, ((object *)writing)->name);
    if (!keep || (fails && !store->persisted)) {
        let_go(writing);
    } else if (at == SERVER_MEMORY_STORE_MAX) {
        let_go(writing);
        return wire_fail(err, BCEMR_E_TOO_MANY, "store", NULL);
    } else {
        if (at < store->count)
            let_go(store->objects[at]);
        else
            store->count++;
        store->objects[at] = writing;
    }
    return fails ? wire_fail(err, BCEMR_E_IO, "store", "finish") : BCEMR_OK;
}

static bcemr_status read_object(void *user, uint64_t offset, uint8_t *out, uint64_t n)
{
    const object *o = user;
    if (offset > o->bytes.n || n > o->bytes.n - offset)
        return BCEMR_E_ARGUMENT;
    if (n > 0)
        memcpy(out, o->bytes.p + offset, (size_t)n);
    return BCEMR_OK;
}

static bcemr_status open_object(void *user, const char *name, bcemr_source *out, bcemr_error *err)
{
    const server_memory_store *store = user;
    uint64_t at = place_of(store, name);
    if (at == store->count)
        return wire_fail(err, BCEMR_E_NOT_FOUND, "store", "name");
    object *o = store->objects[at];
    o->users++;
    *out = (bcemr_source){o, o->bytes.n, read_object};
    return BCEMR_OK;
}

static void close_object(void *user, bcemr_source *source)
{
    (void)user;
    if (source->user)
        let_go(source->user);
    *source = (bcemr_source){0};
}

static bcemr_status remove_object(void *user, const char *name, bcemr_error *err)
{
    (void)err;
    server_memory_store *store = user;
    uint64_t at = place_of(store, name);
    if (at == store->count)
        return BCEMR_OK;
    let_go(store->objects[at]);
    store->objects[at] = store->objects[--store->count];
    return BCEMR_OK;
}

server_store server_memory_store_interface(server_memory_store *store)
{
    return (server_store){store, begin, finish, open_object, close_object, remove_object};
}
