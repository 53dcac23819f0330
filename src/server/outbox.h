/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Durable before it is sent, sent until it is in": a role puts signed entries here and goes on
 * only when they are durable; who drives the role sends what waits to the ledger, again and again,
 * and notes what became of it. An entry is named by H of the inner entry.
 *
 * Trust: who owns the outbox can withhold what the role posts and see it before it is public (the
 * ledger will show it anyway), and can make the role wait; it can forge nothing, since every entry
 * is signed, and nothing counts before the ledger view shows it.
 */
#ifndef SERVER_OUTBOX_H
#define SERVER_OUTBOX_H

#include <bcemr/hash.h>
#include <bcemr/types.h>

typedef enum server_outbox_state {
    SERVER_OUTBOX_UNKNOWN, /* never put, or long in or refused and forgotten */
    SERVER_OUTBOX_WAITING,
    SERVER_OUTBOX_IN,
    SERVER_OUTBOX_REFUSED /* the ledger's rules refuse it for good: reason */
} server_outbox_state;

typedef struct server_outbox {
    void *user;
    /* Makes Tr("signed") durable. Again with the same inner entry: nothing more happens, unless it
     * was refused: then it waits anew. Errors: E_NO_MEMORY, E_IO, E_TOO_MANY. */
    bcemr_status (*put)(void *user, bcemr_span signed_entry, bcemr_error *err);
    /* What became of one. reason: 0 unless refused. */
    bcemr_status (*state)(void *user, const bcemr_hash *entry, server_outbox_state *state,
                          uint32_t *reason);
} server_outbox;

/* ---- in memory, for tests and the demo: lost with the process ---- */

#define SERVER_MEMORY_OUTBOX_MAX 65536

typedef struct server_memory_outbox server_memory_outbox;
BCEMR_MUST_USE bcemr_status server_memory_outbox_new(server_memory_outbox **out);
void server_memory_outbox_free(server_memory_outbox *outbox);
/* How many it holds, waiting or ended, in place of SERVER_MEMORY_OUTBOX_MAX. When it is full the
 * older half of those that ended is forgotten; E_TOO_MANY only when all wait. */
void server_memory_outbox_limit(server_memory_outbox *outbox, uint64_t limit);
server_outbox server_memory_outbox_interface(server_memory_outbox *outbox);

/* The oldest that waits: its signed entry (valid until the next call that changes the outbox).
 * E_NOT_FOUND when none waits. */
BCEMR_MUST_USE bcemr_status server_memory_outbox_next(const server_memory_outbox *outbox,
                                                      bcemr_span *signed_entry);
/* Notes what became of the oldest that waits: OK, it is in; E_REFUSED with the ledger's reason. */
void server_memory_outbox_done(server_memory_outbox *outbox, bcemr_status status, uint32_t reason);
/* Sends all that waits through submit (OK, E_REFUSED with err->reason, or an error that ends it).
 */
typedef bcemr_status (*server_submit)(void *user, bcemr_span signed_entry, bcemr_error *err);
/* refused: how many the ledger refused (NULL allowed); err then tells of the last. Returns OK, or
 * submit's error that is no refusal. */
BCEMR_MUST_USE bcemr_status server_memory_outbox_send(server_memory_outbox *outbox,
                                                      server_submit submit, void *user,
                                                      uint64_t *refused, bcemr_error *err);

#endif
