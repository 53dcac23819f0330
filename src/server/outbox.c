/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox in memory. */
#include "server/outbox.h"

#include "wire/error.h"

#include <bcemr/proof.h>
#include <string.h>

typedef struct letter {
    bcemr_hash entry;
    bcemr_buf bytes; /* empty once it is in or refused */
    server_outbox_state state;
    uint32_t reason;
} letter;

struct server_memory_outbox {
    letter *letters;
    uint64_t count, capacity, limit;
};

bcemr_status server_memory_outbox_new(server_memory_outbox **out)
{
    *out = bcemr_allocate(sizeof **out);
    if (!*out)
        return BCEMR_E_NO_MEMORY;
    (*out)->limit = SERVER_MEMORY_OUTBOX_MAX;
    return BCEMR_OK;
}

void server_memory_outbox_limit(server_memory_outbox *outbox, uint64_t limit)
{
    outbox->limit = limit;
}

void server_memory_outbox_free(server_memory_outbox *outbox)
{
    if (!outbox)
        return;
    for (uint64_t i = 0; i < outbox->count; i++)
        bcemr_buf_free(&outbox->letters[i].bytes);
    bcemr_release(outbox->letters);
    bcemr_release(outbox);
}

static letter *find(const server_memory_outbox *outbox, const bcemr_hash *entry)
{
    for (uint64_t i = 0; i < outbox->count; i++)
        if (bcemr_hash_equal(&outbox->letters[i].entry, entry))
            return &outbox->letters[i];
    return NULL;
}

static letter *oldest(const server_memory_outbox *outbox)
{
    for (uint64_t i = 0; i < outbox->count; i++)
        if (outbox->letters[i].state == SERVER_OUTBOX_WAITING)
            return &outbox->letters[i];
    return NULL;
}

/* Forgets the older half of those that came in or were refused: who asked for one may still ask
 * what became of it for a while. */
static void forget_old(server_memory_outbox *outbox)
{
    uint64_t kept = 0, ended = 0;
    for (uint64_t i = 0; i < outbox->count; i++)
        ended += outbox->letters[i].state != SERVER_OUTBOX_WAITING;
    uint64_t leave = (ended + 1) / 2;
    for (uint64_t i = 0; i < outbox->count; i++) {
        if (outbox->letters[i].state != SERVER_OUTBOX_WAITING && leave > 0)
            leave--; /* its bytes went when it ended */
        else
            outbox->letters[kept++] = outbox->letters[i];
    }
    outbox->count = kept;
}

/* Room for one more; what waits is never forgotten. */
static bcemr_status make_room(server_memory_outbox *outbox)
{
    if (outbox->count >= outbox->limit)
        forget_old(outbox);
    if (outbox->count >= outbox->limit)
        return BCEMR_E_TOO_MANY;
    if (outbox->count < outbox->capacity)
        return BCEMR_OK;
    uint64_t capacity = outbox->capacity > 0 ? 2 * outbox->capacity : 16;
    letter *letters = bcemr_allocate(capacity * sizeof *letters);
    if (!letters)
        return BCEMR_E_NO_MEMORY;
    if (outbox->count > 0)
        memcpy(letters, outbox->letters, (size_t)outbox->count * sizeof *letters);
    bcemr_release(outbox->letters);
    outbox->letters = letters;
    outbox->capacity = capacity;
    return BCEMR_OK;
}

static bcemr_status put(void *user, bcemr_span signed_entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    server_memory_outbox *outbox = user;
    bcemr_signed_parts parts;
    letter fresh = {.state = SERVER_OUTBOX_WAITING};
    TRY(bcemr_signed_read(signed_entry, &parts, err));
    letter *known = find(outbox, &parts.entry_hash);
    if (known && known->state != SERVER_OUTBOX_REFUSED)
        goto out;
    fresh.entry = parts.entry_hash;
    TRY_AT(bcemr_buf_append(&fresh.bytes, signed_entry), "outbox", NULL);
    if (known) {
        bcemr_buf_free(&known->bytes);
        *known = fresh;
        fresh.bytes = BCEMR_BUF_EMPTY;
        goto out;
    }
    TRY_AT(make_room(outbox), "outbox", NULL);
    outbox->letters[outbox->count++] = fresh;
    fresh.bytes = BCEMR_BUF_EMPTY;
out:
    bcemr_buf_free(&fresh.bytes);
    return status;
}

static bcemr_status state(void *user, const bcemr_hash *entry, server_outbox_state *out,
                          uint32_t *reason)
{
    const letter *known = find(user, entry);
    *out = known ? known->state : SERVER_OUTBOX_UNKNOWN;
    *reason = known ? known->reason : 0;
    return BCEMR_OK;
}

server_outbox server_memory_outbox_interface(server_memory_outbox *outbox)
{
    return (server_outbox){outbox, put, state};
}

bcemr_status server_memory_outbox_next(const server_memory_outbox *outbox, bcemr_span *signed_entry)
{
    const letter *next = oldest(outbox);
    *signed_entry = next ? bcemr_buf_span(&next->bytes) : (bcemr_span){NULL, 0};
    return next ? BCEMR_OK : BCEMR_E_NOT_FOUND;
}

void server_memory_outbox_done(server_memory_outbox *outbox, bcemr_status status, uint32_t reason)
{
    letter *next = oldest(outbox);
    if (!next)
        return;
    next->state = status == BCEMR_OK ? SERVER_OUTBOX_IN : SERVER_OUTBOX_REFUSED;
    next->reason = status == BCEMR_OK ? 0 : reason;
    bcemr_buf_free(&next->bytes);
}

bcemr_status server_memory_outbox_send(server_memory_outbox *outbox, server_submit submit,
                                       void *user, uint64_t *refused, bcemr_error *err)
{
    bcemr_span entry;
    uint64_t count = 0;
    bcemr_status status = BCEMR_OK;
    while (server_memory_outbox_next(outbox, &entry) == BCEMR_OK) {
        bcemr_error why = {0};
        status = submit(user, entry, &why);
        if (status != BCEMR_OK && err)
            *err = why;
        if (status != BCEMR_OK && status != BCEMR_E_REFUSED)
            break;
        server_memory_outbox_done(outbox, status, why.reason);
        count += status == BCEMR_E_REFUSED;
        status = BCEMR_OK;
    }
    if (refused)
        *refused = count;
    return status;
}
