/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a cloud keeps record payloads and a hospital what its relay holds: named runs of bytes that
 * appear whole or not at all.
 *
 * Trust: what lies here is ciphertext whose keys are elsewhere, and cases, which are public in the
 * end. Who owns the store learns names (visits and one-time keys), lengths and times, and can
 * destroy or withhold. What they change is caught by whoever opens it: a record's chunks by their
 * tags and the root in the case, a relayed contribution by its tags and its commitment. They can
 * bring back an older object under a name; the same checks catch it.
 */
#ifndef SERVER_STORE_H
#define SERVER_STORE_H

#include <bcemr/content.h>

/* Names are 1 to 200 of a-z, 0-9 and '-': good as file names everywhere. */
#define SERVER_STORE_NAME_MAX 200

typedef struct server_store {
    void *user;
    /* Starts an object. Nothing shows under name until finish keeps it. */
    bcemr_status (*begin)(void *user, const char *name, bcemr_sink *sink, void **writing,
                          bcemr_error *err);
    /* Ends a writing: keep makes it durable under its name, in place of what was there, before it
     * returns; otherwise it leaves no trace. After an error there is no trace of it either. */
    bcemr_status (*finish)(void *user, void *writing, bool keep, bcemr_error *err);
    /* Opens one for reading; close ends it. It stays readable when removed or replaced meanwhile.
     * E_NOT_FOUND. */
    bcemr_status (*open)(void *user, const char *name, bcemr_source *out, bcemr_error *err);
    void (*close)(void *user, bcemr_source *source);
    /* Destroys one; OK also when there was none. */
    bcemr_status (*remove)(void *user, const char *name, bcemr_error *err);
} server_store;

/* Puts all of source under name, streamed. */
BCEMR_MUST_USE bcemr_status server_store_put(const server_store *store, const char *name,
                                             const bcemr_source *source, bcemr_error *err);

/* ---- in memory, for tests ---- */

#define SERVER_MEMORY_STORE_MAX 4096 /* objects */

typedef struct server_memory_store server_memory_store;
BCEMR_MUST_USE bcemr_status server_memory_store_new(server_memory_store **out);
void server_memory_store_free(server_memory_store *store);
server_store server_memory_store_interface(server_memory_store *store);
uint64_t server_memory_store_count(const server_memory_store *store);
/* The n-th finish from now (1 the next) fails once: with E_IO and nothing kept, or, when persisted,
 * with E_IO although it was kept. 0: none. */
void server_memory_store_fail(server_memory_store *store, uint64_t n, bool persisted);

#endif
