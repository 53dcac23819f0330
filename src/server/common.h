/* SPDX-License-Identifier: Apache-2.0 */
/* What the server roles share: bounded tables, names in the store, questions to the ledger. */
#ifndef SERVER_COMMON_H
#define SERVER_COMMON_H

#include "client/view.h"
#include "server/outbox.h"
#include "server/store.h"
#include "wire/error.h"

#include <bcemr/hash.h>

/* Passes a verdict on as REQUIRE_VALID does, but keeps the status behind UNDECIDED and the place
 * that the check itself named. */
#define CHECK(call, object, field)                                                                 \
    do {                                                                                           \
        status = server_verdict((call), err, (object), (field));                                   \
        if (status != BCEMR_OK)                                                                    \
            goto out;                                                                              \
    } while (0)
bcemr_status server_verdict(bcemr_verdict verdict, bcemr_error *err, const char *object,
                            const char *field);

/* Rows that begin with a bcemr_hash, found by it. Rows are the caller's to free. */
typedef struct server_table {
    void **rows;
    uint64_t count, capacity, limit;
} server_table;
void *server_table_find(const server_table *table, const bcemr_hash *key);
/* E_TOO_MANY at the limit. */
BCEMR_MUST_USE bcemr_status server_table_add(server_table *table, void *row);
void server_table_drop(server_table *table, const void *row);
void server_table_free(server_table *table);

/* "kind-" and hexadecimal hashes and numbers, each after a '-'. */
typedef struct server_name {
    char text[SERVER_STORE_NAME_MAX + 1];
} server_name;
server_name server_name_of(const char *kind, const bcemr_hash *first, bcemr_span second,
                           uint64_t number);

/* A source whose bytes, read once and in order, also go to a sink. */
typedef struct server_tee {
    const bcemr_source *source;
    const bcemr_sink *sink;
    uint64_t done;
} server_tee;
bcemr_source server_tee_source(server_tee *tee, const bcemr_source *source, const bcemr_sink *sink);

BCEMR_MUST_USE bcemr_status server_facts(const bcemr_ledger_view *view, bcemr_ledger_facts *out,
                                         bcemr_error *err);
/* Writes an entry that carries its own signatures and puts it into the outbox. */
BCEMR_MUST_USE bcemr_status server_post(const server_outbox *outbox, const bcemr_type *type,
                                        const void *entry, bcemr_error *err);
/* The visit's log, which must not be aborted (NOT_ADMITTED). */
BCEMR_MUST_USE bcemr_status server_visit(const bcemr_ledger_view *view, const bcemr_hash *vid,
                                         client_visit *out, bcemr_error *err);
/* sigma_n: every delta that counts and the credential of the keys behind it (section 4). */
BCEMR_MUST_USE bcemr_status server_sigma(const bcemr_ledger_view *view, const bcemr_visit_log *log,
                                         bcemr_g1_raw *out, bcemr_error *err);
/* Appends the case that a header makes of a visit whose order has signed. */
BCEMR_MUST_USE bcemr_status server_case(const bcemr_ledger_view *view, const bcemr_visit_log *log,
                                        const bcemr_tr_header *header, bcemr_buf *out,
                                        bcemr_error *err);
/* Place of a cloud in V, from 0; BCEMR_NOWHERE when V does not name it. */
uint64_t server_cloud_place(const bcemr_visit_log *log, bcemr_span cloud);
/* Whether the ledger holds a stop of this kind for this key; leaf (NULL allowed): the first. */
BCEMR_MUST_USE bcemr_status server_stopped(const bcemr_ledger_view *view, const char *kind,
                                           bcemr_span key, bool *there, uint64_t *leaf,
                                           bcemr_error *err);

static inline bcemr_span server_hash_span(const bcemr_hash *hash)
{
    return bcemr_span_of(hash->b, sizeof hash->b);
}

#endif
