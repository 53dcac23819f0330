/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/store.h"

#include <pthread.h>
#include <string.h>

struct files_store {
    char *folder;
    pthread_mutex_t lock; /* of last */
    files_error last;
};

/* Keeps what the system said, and says the status where the roles look for it. */
static bcemr_status fail(files_store *store, const files_error *why, bcemr_error *err)
{
    (void)pthread_mutex_lock(&store->lock);
    store->last = *why;
    (void)pthread_mutex_unlock(&store->lock);
    if (err)
        *err = (bcemr_error){.status = why->status,
                             .verdict = BCEMR_UNDECIDED,
                             .object = "store",
                             .index = BCEMR_NOWHERE,
                             .offset = BCEMR_NOWHERE};
    return why->status;
}

/* The path of an object; NULL with why for a name that is none. */
static char *path_of(const files_store *store, const char *name, files_error *why)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    const size_t n = strlen(name);
    *why = (files_error){.status = BCEMR_E_ARGUMENT, .doing = "use as a name"};
    if (n == 0 || n > SERVER_STORE_NAME_MAX || strspn(name, letters) != n)
        return NULL;
    char *path = files_join(store->folder, name);
    if (!path)
        why->status = BCEMR_E_NO_MEMORY;
    return path;
}

static bcemr_status store_begin(void *user, const char *name, bcemr_sink *sink, void **writing,
                                bcemr_error *err)
{
    files_store *store = user;
    files_error why;
    files_sink *file = NULL;
    *writing = NULL;
    char *path = path_of(store, name, &why);
    if (!path)
        return fail(store, &why, err);
    const bcemr_status status = files_sink_create(path, FILES_REPLACE, &file, &why);
    bcemr_release(path);
    if (status != BCEMR_OK)
        return fail(store, &why, err);
    *sink = files_sink_view(file);
    *writing = file;
    return BCEMR_OK;
}

static bcemr_status store_finish(void *user, void *writing, bool keep, bcemr_error *err)
{
    files_sink *file = writing;
    files_error why;
    const bcemr_status status = keep ? files_sink_commit(file, &why) : BCEMR_OK;
    files_sink_free(file);
    return status == BCEMR_OK ? BCEMR_OK : fail(user, &why, err);
}

static bcemr_status store_open(void *user, const char *name, bcemr_source *out, bcemr_error *err)
{
    files_store *store = user;
    files_error why;
    files_source *file = NULL;
    char *path = path_of(store, name, &why);
    if (!path)
        return fail(store, &why, err);
    const bcemr_status status = files_source_open(path, &file, &why);
    bcemr_release(path);
    if (status != BCEMR_OK)
        return fail(store, &why, err);
    *out = files_source_view(file);
    return BCEMR_OK;
}

static void store_close(void *user, bcemr_source *source)
{
    files_store *store = user;
    files_source *file = source->user;
    files_error why = {.status = BCEMR_OK};
    *source = (bcemr_source){NULL, 0, NULL};
    if (!file)
        return;
    /* A read that failed is remembered: its status alone reached whoever asked. */
    if (files_source_error(file, &why))
        (void)fail(store, &why, NULL);
    files_source_close(file);
}

static bcemr_status store_remove(void *user, const char *name, bcemr_error *err)
{
    files_store *store = user;
    files_error why;
    char *path = path_of(store, name, &why);
    if (!path)
        return fail(store, &why, err);
    const bcemr_status status = files_remove(path, &why);
    bcemr_release(path);
    return status == BCEMR_OK || status == BCEMR_E_NOT_FOUND ? BCEMR_OK : fail(store, &why, err);
}

bcemr_status files_store_new(const char *folder, files_store **out, files_error *err)
{
    *out = NULL;
    const bcemr_status status = files_make_folder(folder, err);
    if (status != BCEMR_OK)
        return status;
    files_store *store = bcemr_allocate(sizeof *store);
    char *copy = store ? files_join(folder, "") : NULL;
    if (!copy || pthread_mutex_init(&store->lock, NULL) != 0) {
        bcemr_release(copy);
        bcemr_release(store);
        if (err)
            *err = (files_error){.status = BCEMR_E_NO_MEMORY, .doing = "open the store"};
        return BCEMR_E_NO_MEMORY;
    }
    store->folder = copy;
    *out = store;
    return BCEMR_OK;
}

server_store files_store_interface(files_store *store)
{
    return (server_store){store, store_begin, store_finish, store_open, store_close, store_remove};
}

bool files_store_error(files_store *store, files_error *out)
{
    (void)pthread_mutex_lock(&store->lock);
    *out = store->last;
    (void)pthread_mutex_unlock(&store->lock);
    return out->status != BCEMR_OK;
}

void files_store_free(files_store *store)
{
    if (!store)
        return;
    (void)pthread_mutex_destroy(&store->lock);
    bcemr_release(store->folder);
    bcemr_release(store);
}
