/* SPDX-License-Identifier: Apache-2.0 */
/* A cloud as an object: its tables, nonces, and what the ledger says meanwhile. */
#include "server/cloud_state.h"

#include <bcemr/proof.h>
#include <string.h>

bcemr_status cloud_new(const cloud_setup *setup, cloud **out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_facts facts;
    cloud *c = bcemr_allocate(sizeof *c);
    *out = NULL;
    if (!c)
        FAIL(BCEMR_E_NO_MEMORY, "cloud", NULL);
    TRY(server_facts(setup->ledger, &facts, err));
    c->setup = *setup;
    c->records.limit = CLOUD_RECORDS_MAX;
    c->grants.limit = CLOUD_GRANTS_MAX;
    c->observed = facts.size;
    if (c->setup.nonce_ms == 0)
        c->setup.nonce_ms = CLOUD_NONCE_MS;
    *out = c;
    c = NULL;
out:
    bcemr_release(c);
    return status;
}

static void record_free(cloud_record *record)
{
    bcemr_buf_free(&record->header);
    bcemr_buf_free(&record->record_case);
    bcemr_release_wiped(record, sizeof *record);
}

void cloud_free(cloud *c)
{
    if (!c)
        return;
    for (uint64_t i = 0; i < c->records.count; i++)
        record_free(c->records.rows[i]);
    for (uint64_t i = 0; i < c->grants.count; i++)
        cloud_grant_free(c->grants.rows[i]);
    server_table_free(&c->records);
    server_table_free(&c->grants);
    bcemr_release_wiped(c, sizeof *c);
}

/* ---- records ---- */

server_name cloud_payload_name(const cloud_record *record)
{
    return server_name_of("record", &record->vid,
                          bcemr_span_of(record->svk.b, sizeof record->svk.b), 0);
}

bcemr_status cloud_find_record(cloud *c, const bcemr_hash *vid, cloud_record **out,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    *out = server_table_find(&c->records, vid);
    if (!*out)
        FAIL(BCEMR_E_NOT_FOUND, "record", "vid");
    if ((*out)->erased ||
        (*out)->erasing) /* nothing is left that a switched-off check could give out */
        status = wire_refuse(err, BCEMR_CASE_ERASED, "record", "vid", BCEMR_NOWHERE);
out:
    return status;
}

bool cloud_record_is_current(const cloud_record *record, const bcemr_visit_log *log)
{
    if (log->aborted || log->pending_reissue > 0)
        return false;
    if (log->sealed)
        return bcemr_span_equal(bcemr_buf_span(&record->record_case), log->record_case);
    return bcemr_hash_equal(&record->order, bcemr_order_hash(&log->order)) &&
           bcemr_hash_equal(&record->last_context, bcemr_visit_log_last_context(log));
}

bcemr_status cloud_drop_record(cloud *c, cloud_record *record, bool erased, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    server_name name = cloud_payload_name(record);
    TRY(c->setup.store->remove(c->setup.store->user, name.text, err));
    bcemr_buf_free(&record->header);
    bcemr_buf_free(&record->record_case);
    bcemr_wipe(&record->b, sizeof record->b);
    record->erased = erased;
    if (!erased) {
        server_table_drop(&c->records, record);
        record_free(record);
    }
out:
    return status;
}

bcemr_status cloud_counts(const cloud *c, const bcemr_visit_log *log, bcemr_span cloud_id,
                          bool *counts, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t leaf = 0, place = server_cloud_place(log, cloud_id);
    *counts = place != BCEMR_NOWHERE && bcemr_bitmap_get(log->confirmers, place + 1);
    if (*counts)
        return BCEMR_OK;
    status = c->setup.ledger->confirm(c->setup.ledger->user, &log->vid, cloud_id, &leaf);
    *counts = status == BCEMR_OK;
    if (status == BCEMR_OK || status == BCEMR_E_NOT_FOUND)
        return BCEMR_OK;
    return wire_fail(err, status, "ledger", "Confirm");
}

/* ---- nonces ---- */

static void sweep_nonces(cloud *c, int64_t now)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < c->nonce_count; i++)
        if (c->nonces[i].until >= now)
            c->nonces[kept++] = c->nonces[i];
    c->nonce_count = kept;
}

static void drop_nonce(cloud *c, uint64_t place)
{
    uint64_t after = c->nonce_count - place - 1;
    memmove(&c->nonces[place], &c->nonces[place + 1], (size_t)after * sizeof c->nonces[0]);
    c->nonce_count--;
}

bcemr_status cloud_nonce(cloud *c, bcemr_span who, int64_t now, bcemr_nonce *out, bcemr_error *err)
{
    cloud_nonce_row row = {.until = now + c->setup.nonce_ms};
    uint64_t theirs = 0, oldest = 0;
    if (who.n == 0)
        return wire_fail(err, BCEMR_E_ARGUMENT, "cloud", "who");
    bcemr_sha256(who, &row.who);
    sweep_nonces(c, now);
    for (uint64_t i = c->nonce_count; i-- > 0;)
        if (bcemr_hash_equal(&c->nonces[i].who, &row.who)) {
            theirs++;
            oldest = i;
        }
    if (theirs >= CLOUD_NONCES_EACH)
        drop_nonce(c, oldest);
    else if (c->nonce_count == CLOUD_NONCES_MAX)
        drop_nonce(c, 0);
    bcemr_random(row.nonce.b, sizeof row.nonce.b);
    c->nonces[c->nonce_count++] = row;
    *out = row.nonce;
    return BCEMR_OK;
}

bool cloud_nonce_find(const cloud *c, bcemr_span who, const bcemr_nonce *nonce, int64_t now,
                      uint64_t *place)
{
    bcemr_hash hash;
    bcemr_sha256(who, &hash);
    for (*place = 0; *place < c->nonce_count; ++*place)
        if (memcmp(&c->nonces[*place].nonce, nonce, sizeof *nonce) == 0)
            return c->nonces[*place].until >= now &&
                   bcemr_hash_equal(&c->nonces[*place].who, &hash);
    return false;
}

void cloud_nonce_use(cloud *c, uint64_t place)
{
    if (place < c->nonce_count)
        drop_nonce(c, place);
}

bool cloud_time_is_near(int64_t time, int64_t now, uint64_t difference)
{
    uint64_t apart = time > now ? (uint64_t)(time - now) : (uint64_t)(now - time);
    return apart <= difference;
}

bcemr_status cloud_post(cloud *c, const bcemr_type *type, const void *entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf signed_entry = BCEMR_BUF_EMPTY;
    TRY(server_entry_signed(c->setup.signer, "cloud", c->setup.id, type, entry, &signed_entry,
                            err));
    TRY(c->setup.outbox->put(c->setup.outbox->user, bcemr_buf_span(&signed_entry), err));
out:
    bcemr_buf_free(&signed_entry);
    return status;
}

/* ---- what the ledger says meanwhile ---- */

static bcemr_status on_revoke(cloud *c, bcemr_span entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_revoke revoke;
    TRY(bcemr_read_e_revoke(entry, &revoke, err));
    for (uint64_t i = 0; i < c->grants.count; i++) {
        cloud_grant *grant = c->grants.rows[i];
        if (memcmp(&grant->terms.revoker, &revoke.revoker, sizeof revoke.revoker) == 0)
            cloud_grant_forget(grant, NULL);
    }
out:
    return status;
}

static bcemr_status on_retire(cloud *c, bcemr_span entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_retire retire;
    TRY(bcemr_read_e_retire(entry, &retire, err));
    for (uint64_t i = 0; i < c->grants.count; i++) {
        cloud_grant *grant = c->grants.rows[i];
        bcemr_span x = bcemr_span_of(grant->doctor_key.b, sizeof grant->doctor_key.b);
        if (bcemr_span_equal(retire.key, x))
            cloud_grant_forget(grant, NULL);
    }
out:
    return status;
}

/* A cloud destroys the record: no access to it may be answered any more. When it is this one, and
 * was cut short, it finishes. */
static bcemr_status on_erase(cloud *c, bcemr_span entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_erase erase;
    TRY(bcemr_read_e_erase(entry, &erase, err));
    for (uint64_t i = 0; i < c->grants.count; i++)
        cloud_grant_forget(c->grants.rows[i], &erase.vid);
    cloud_record *record = server_table_find(&c->records, &erase.vid);
    if (record && bcemr_span_equal(erase.cloud, c->setup.id))
        TRY(cloud_finish_erasure(c, record, err));
out:
    return status;
}

/* Something changed in a visit: an upload that no longer fits goes. */
static bcemr_status visit_changed(cloud *c, const bcemr_hash *vid, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    cloud_record *record = server_table_find(&c->records, vid);
    if (!record || record->erased || record->erasing)
        goto out;
    TRY(client_visit_load(c->setup.ledger, vid, &log, err));
    if (!cloud_record_is_current(record, log.log))
        TRY(cloud_drop_record(c, record, false, err));
out:
    client_visit_free(&log);
    return status;
}

static bcemr_status on_amend(cloud *c, bcemr_span entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_amend outer;
    bcemr_tr_amend amend;
    TRY(bcemr_read_e_amend(entry, &outer, err));
    TRY(bcemr_read_amend(outer.amend, &amend, err));
    TRY(visit_changed(c, &amend.vid, err));
out:
    return status;
}

static bcemr_status on_reissue(cloud *c, bcemr_span entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_reissue reissue;
    TRY(bcemr_read_e_reissue(entry, &reissue, err));
    TRY(visit_changed(c, &reissue.vid, err));
out:
    return status;
}

static bcemr_status on_abort(cloud *c, bcemr_span entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_abort abort_entry;
    TRY(bcemr_read_e_abort(entry, &abort_entry, err));
    TRY(visit_changed(c, &abort_entry.vid, err));
out:
    return status;
}

static bcemr_status on_seal(cloud *c, bcemr_span entry, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_e_seal seal;
    bcemr_tr_case record_case;
    TRY(bcemr_read_e_seal(entry, &seal, err));
    TRY(bcemr_read_case(seal.record_case, &record_case, err));
    TRY(visit_changed(c, &record_case.vid, err));
out:
    return status;
}

static const struct {
    const bcemr_type *type;
    bcemr_status (*apply)(cloud *, bcemr_span, bcemr_error *);
} observed[] = {
    {&bcemr_type_e_revoke, on_revoke},   {&bcemr_type_e_retire, on_retire},
    {&bcemr_type_e_erase, on_erase},     {&bcemr_type_e_amend, on_amend},
    {&bcemr_type_e_reissue, on_reissue}, {&bcemr_type_e_abort, on_abort},
    {&bcemr_type_e_seal, on_seal},
};

static bcemr_status observe_leaf(cloud *c, uint64_t index, bcemr_buf *buf, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_leaf_parts leaf;
    bcemr_buf_clear(buf);
    TRY_AT(c->setup.ledger->leaf(c->setup.ledger->user, index, buf), "ledger", "leaf");
    TRY(bcemr_leaf_read(bcemr_buf_span(buf), &leaf, err));
    for (size_t i = 0; i < sizeof observed / sizeof observed[0]; i++)
        if (observed[i].type == leaf.parts.type)
            TRY(observed[i].apply(c, leaf.parts.entry, err));
out:
    return status;
}

bcemr_status cloud_observe(cloud *c, int64_t now, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_ledger_facts facts;
    TRY(server_facts(c->setup.ledger, &facts, err));
    for (; c->observed < facts.size; c->observed++)
        TRY(observe_leaf(c, c->observed, &buf, err));
    for (uint64_t i = 0; i < c->records.count; i++) {
        cloud_record *record = c->records.rows[i];
        if (record->erasing && !record->erased)
            TRY(cloud_finish_erasure(c, record, err));
    }
    for (uint64_t i = 0; i < c->grants.count; i++) {
        cloud_grant *grant = c->grants.rows[i];
        if (grant->terms.expiry < now)
            cloud_grant_forget(grant, NULL);
        TRY(cloud_settle(c, grant, err));
    }
    sweep_nonces(c, now);
out:
    bcemr_buf_free(&buf);
    return status;
}
