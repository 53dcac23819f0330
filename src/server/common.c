/* SPDX-License-Identifier: Apache-2.0 */
#include "server/common.h"

#include <bcemr/diagnosis.h>
#include <bcemr/proof.h>
#include <bcemr/record.h>
#include <string.h>

bcemr_status server_verdict(bcemr_verdict verdict, bcemr_error *err, const char *object,
                            const char *field)
{
    if (verdict == BCEMR_VALID)
        return BCEMR_OK;
    if (verdict == BCEMR_UNDECIDED)
        return err && err->status != BCEMR_OK ? err->status
                                              : wire_fail(err, BCEMR_E_ARGUMENT, object, field);
    if (err && err->verdict == verdict && err->object)
        return err->status = BCEMR_E_REFUSED;
    return wire_refuse(err, verdict, object, field, BCEMR_NOWHERE);
}

/* ---- tables ---- */

void *server_table_find(const server_table *table, const bcemr_hash *key)
{
    for (uint64_t i = 0; i < table->count; i++)
        if (memcmp(table->rows[i], key, sizeof *key) == 0)
            return table->rows[i];
    return NULL;
}

bcemr_status server_table_add(server_table *table, void *row)
{
    if (table->count >= table->limit)
        return BCEMR_E_TOO_MANY;
    if (table->count == table->capacity) {
        uint64_t capacity = table->capacity > 0 ? 2 * table->capacity : 16;
        void **rows = bcemr_allocate(capacity * sizeof *rows);
        if (!rows)
            return BCEMR_E_NO_MEMORY;
        if (table->count > 0)
            memcpy(rows, table->rows, (size_t)table->count * sizeof *rows);
        bcemr_release(table->rows);
        table->rows = rows;
        table->capacity = capacity;
    }
    table->rows[table->count++] = row;
    return BCEMR_OK;
}

/* Keeps the order of the others: grants are counted in it. */
void server_table_drop(server_table *table, const void *row)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < table->count; i++)
        if (table->rows[i] != row)
            table->rows[kept++] = table->rows[i];
    table->count = kept;
}

void server_table_free(server_table *table)
{
    bcemr_release(table->rows);
    table->rows = NULL;
    table->count = table->capacity = 0;
}

/* ---- names ---- */

static char *put_text(char *at, const char *text)
{
    while (*text)
        *at++ = *text++;
    return at;
}

static char *put_hex(char *at, bcemr_span bytes)
{
    static const char digits[] = "0123456789abcdef";
    *at++ = '-';
    for (uint64_t i = 0; i < bytes.n; i++) {
        *at++ = digits[bytes.p[i] >> 4];
        *at++ = digits[bytes.p[i] & 15];
    }
    return at;
}

server_name server_name_of(const char *kind, const bcemr_hash *first, bcemr_span second,
                           uint64_t number)
{
    server_name name = {{0}};
    uint8_t big_endian[2] = {(uint8_t)(number >> 8), (uint8_t)number};
    char *at = put_text(name.text, kind);
    at = put_hex(at, server_hash_span(first));
    at = put_hex(at, second);
    (void)put_hex(at, bcemr_span_of(big_endian, sizeof big_endian));
    return name;
}

/* ---- tee ---- */

static bcemr_status read_tee(void *user, uint64_t offset, uint8_t *out, uint64_t n)
{
    server_tee *tee = user;
    if (offset != tee->done)
        return BCEMR_E_ARGUMENT;
    bcemr_status status = tee->source->read(tee->source->user, offset, out, n);
    if (status != BCEMR_OK)
        return status;
    tee->done += n;
    return tee->sink->write(tee->sink->user, bcemr_span_of(out, n));
}

bcemr_source server_tee_source(server_tee *tee, const bcemr_source *source, const bcemr_sink *sink)
{
    *tee = (server_tee){source, sink, 0};
    return (bcemr_source){tee, source->length, read_tee};
}

/* ---- the ledger ---- */

bcemr_status server_facts(const bcemr_ledger_view *view, bcemr_ledger_facts *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY_AT(view->facts(view->user, out), "ledger", NULL);
out:
    return status;
}

bcemr_status server_post(const server_outbox *outbox, const bcemr_type *type, const void *entry,
                         bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf signed_entry = BCEMR_BUF_EMPTY;
    TRY(bcemr_signed_make_value(type, entry, NULL, 0, &signed_entry, err));
    TRY(outbox->put(outbox->user, bcemr_buf_span(&signed_entry), err));
out:
    bcemr_buf_free(&signed_entry);
    return status;
}

bcemr_status server_visit(const bcemr_ledger_view *view, const bcemr_hash *vid, client_visit *out,
                          bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY(client_visit_load(view, vid, out, err));
    REQUIRE(!out->log->aborted, BCEMR_NOT_ADMITTED, "visit", "Abort");
out:
    if (status != BCEMR_OK)
        client_visit_free(out);
    return status;
}

/* The Enrol that brought a BLS key: keys are never used twice, so there is one at most. */
static bcemr_status enrolment_of_key(const bcemr_ledger_view *view, const bcemr_g2_raw *x,
                                     bcemr_buf *buf, bcemr_tr_e_enrol *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_leaf_parts leaf;
    uint64_t at = 0;
    bcemr_buf_clear(buf);
    status = view->find(view->user, "Enrol", bcemr_span_of(x->b, sizeof x->b), &at);
    if (status == BCEMR_E_NOT_FOUND)
        return wire_refuse(err, BCEMR_NOT_ENROLLED, "enrolment", "x", BCEMR_NOWHERE);
    TRY_AT(status, "enrolment", "x");
    TRY_AT(view->leaf(view->user, at, buf), "enrolment", "leaf");
    TRY(bcemr_leaf_read(bcemr_buf_span(buf), &leaf, err));
    TRY(bcemr_read_e_enrol(leaf.parts.entry, out, err));
out:
    return status;
}

static bcemr_status credential_of(const bcemr_ledger_view *view,
                                  const bcemr_signed_diagnosis *diagnosis, bcemr_g1_raw *out,
                                  bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_e_enrol enrol = {0};
    const bcemr_g2_raw *x = &diagnosis->context.x;
    TRY(enrolment_of_key(view, x, &buf, &enrol, err));
    REQUIRE(bcemr_span_equal(enrol.x, bcemr_span_of(x->b, sizeof x->b)) &&
                enrol.credential.n == sizeof out->b,
            BCEMR_NOT_ENROLLED, "enrolment", "x");
    if (enrol.credential.n == sizeof out->b)
        memcpy(out->b, enrol.credential.p, sizeof out->b);
out:
    bcemr_buf_free(&buf);
    return status;
}

bcemr_status server_sigma(const bcemr_ledger_view *view, const bcemr_visit_log *log,
                          bcemr_g1_raw *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_g1_raw sum, credential = {{0}};
    if (log->signed_count == 0)
        FAIL(BCEMR_E_STATE, "visit", "diagnoses");
    for (uint64_t i = 0; i < log->signed_count; i++) {
        TRY(credential_of(view, &log->diagnoses[i], &credential, err));
        TRY(bcemr_multisignature_add(i == 0 ? NULL : &sum, &log->diagnoses[i].delta, &credential,
                                     out, err));
        sum = *out;
    }
out:
    return status;
}

bcemr_status server_case(const bcemr_ledger_view *view, const bcemr_visit_log *log,
                         const bcemr_tr_header *header, bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_g1_raw sigma;
    bcemr_tr_case record_case;
    TRY(server_sigma(view, log, &sigma, err));
    TRY(bcemr_case_make(&log->vid, bcemr_order_hash(&log->order), bcemr_visit_log_last_context(log),
                        &sigma, header, &record_case, err));
    TRY(bcemr_write_case(&record_case, out, err));
out:
    return status;
}

uint64_t server_cloud_place(const bcemr_visit_log *log, bcemr_span cloud)
{
    bcemr_span id;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &log->visit.clouds);
    for (uint64_t i = 0; bcemr_list_next(&iter, &id); i++)
        if (bcemr_span_equal(id, cloud))
            return i;
    return BCEMR_NOWHERE;
}

bcemr_status server_stopped(const bcemr_ledger_view *view, const char *kind, bcemr_span key,
                            bool *there, uint64_t *leaf, bcemr_error *err)
{
    uint64_t at = 0;
    bcemr_status status = view->stop(view->user, kind, key, &at);
    *there = status == BCEMR_OK;
    if (leaf)
        *leaf = at;
    if (status == BCEMR_OK || status == BCEMR_E_NOT_FOUND)
        return BCEMR_OK;
    return wire_fail(err, status, "ledger", "stops");
}
