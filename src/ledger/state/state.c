/* SPDX-License-Identifier: Apache-2.0 */
/* What every store shares: keys made of parts, records. */
#include "ledger/state/state.h"
#include "wire/error.h"

#include <assert.h>
#include <string.h>

void ledger_state_close(ledger_state *state)
{
    if (state && state->ops)
        state->ops->close(state->self);
    if (state)
        *state = (ledger_state){0};
}

bcemr_status ledger_get(const ledger_state *state, ledger_table table, bcemr_span key,
                        bcemr_buf *value)
{
    return state->ops->get(state->self, table, key, value);
}

bcemr_status ledger_put(ledger_state *state, ledger_table table, bcemr_span key, bcemr_span value)
{
    return state->ops->put(state->self, table, key, value);
}

bcemr_status ledger_scan(const ledger_state *state, ledger_table table, bcemr_span prefix,
                         bcemr_span from, ledger_row_visitor visit, void *user)
{
    return state->ops->scan(state->self, table, prefix, from, visit, user);
}

bcemr_status ledger_has(const ledger_state *state, ledger_table table, bcemr_span key, bool *there)
{
    bcemr_buf value = BCEMR_BUF_EMPTY;
    bcemr_status status = ledger_get(state, table, key, &value);
    *there = status == BCEMR_OK;
    bcemr_buf_free(&value);
    return status == BCEMR_E_NOT_FOUND ? BCEMR_OK : status;
}

bcemr_status ledger_get_record(const ledger_state *state, ledger_table table, bcemr_span key,
                               const bcemr_type *type, bcemr_buf *held, void *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY_AT(ledger_get(state, table, key, held), bcemr_type_name(type), NULL);
    TRY(bcemr_read(type, bcemr_buf_span(held), out, err));
out:
    return status;
}

bcemr_status ledger_put_record(ledger_state *state, ledger_table table, bcemr_span key,
                               const bcemr_type *type, const void *value, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf written = BCEMR_BUF_EMPTY;
    TRY(bcemr_write(type, value, &written, err));
    TRY_AT(ledger_put(state, table, key, bcemr_buf_span(&written)), bcemr_type_name(type), NULL);
out:
    bcemr_buf_free(&written);
    return status;
}

/* ---- keys ---- */

void ledger_key_begin(ledger_key *key)
{
    key->n = 0;
}

void ledger_key_add(ledger_key *key, bcemr_span part)
{
    /* Parts are hashes, keys, numbers and names of at most 200 bytes: the types bound them. */
    assert(part.n <= sizeof key->b - key->n);
    if (part.n > 0)
        memcpy(key->b + key->n, part.p, (size_t)part.n);
    key->n += part.n;
}

void ledger_key_add_number(ledger_key *key, uint64_t number)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    ledger_key_add(key, bcemr_span_of(bytes, sizeof bytes));
}

bcemr_span ledger_key_span(const ledger_key *key)
{
    return bcemr_span_of(key->b, key->n);
}
