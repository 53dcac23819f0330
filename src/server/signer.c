/* SPDX-License-Identifier: Apache-2.0 */
/* The signer in this process, and what roles make with any. */
#include "server/signer.h"

#include "wire/error.h"

#include <string.h>

/* ---- what each role may have signed ---- */

typedef struct permitted {
    bcemr_role role;
    const bcemr_type *type;
} permitted;

static const permitted statements[] = {
    {BCEMR_role_HOSPITAL, &bcemr_type_visit},   {BCEMR_role_HOSPITAL, &bcemr_type_amend},
    {BCEMR_role_HOSPITAL, &bcemr_type_receipt}, {BCEMR_role_HOSPITAL, &bcemr_type_erase},
    {BCEMR_role_HOSPITAL, &bcemr_type_host},
};

static const permitted entries[] = {
    {BCEMR_role_HOSPITAL, &bcemr_type_e_enrol}, {BCEMR_role_HOSPITAL, &bcemr_type_e_reissue},
    {BCEMR_role_HOSPITAL, &bcemr_type_e_abort}, {BCEMR_role_HOSPITAL, &bcemr_type_e_rekey},
    {BCEMR_role_CLOUD, &bcemr_type_e_consent},  {BCEMR_role_CLOUD, &bcemr_type_e_access},
    {BCEMR_role_CLOUD, &bcemr_type_e_erase},    {BCEMR_role_CLOUD, &bcemr_type_e_rekey},
    {BCEMR_role_CLOUD, &bcemr_type_e_enrol}, /* as the second supernode of a lost key */
};

static const bcemr_type *const votes[] = {&bcemr_type_e_join, &bcemr_type_e_leave,
                                          &bcemr_type_e_rekey, &bcemr_type_e_upgrade};

static const bcemr_type *const of_authority[] = {&bcemr_type_e_enrol, &bcemr_type_e_retire,
                                                 &bcemr_type_e_join,  &bcemr_type_e_leave,
                                                 &bcemr_type_e_rekey, &bcemr_type_e_upgrade};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool is_permitted(const permitted *table, size_t count, bcemr_role role,
                         const bcemr_type *type)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].role == role && table[i].type == type)
            return true;
    return false;
}

/* Tr("entry") with this role over an entry of one of these kinds. */
static bool is_entry_of(bcemr_span transcript, const char *role, const bcemr_type **type)
{
    bcemr_tr_entry_message message;
    if (bcemr_read_entry_message(transcript, &message, NULL) != BCEMR_OK)
        return false;
    *type = bcemr_type_of(message.entry);
    return *type && bcemr_span_equal(message.role, bcemr_text(role));
}

static bool is_one_of(bcemr_span transcript, const char *role, const bcemr_type *const *table,
                      size_t count)
{
    const bcemr_type *type = NULL;
    if (!is_entry_of(transcript, role, &type))
        return false;
    for (size_t i = 0; i < count; i++)
        if (table[i] == type)
            return true;
    return false;
}

static bool may_sign(bcemr_role role, bcemr_span transcript)
{
    const bcemr_type *type = bcemr_type_of(transcript);
    if (type == &bcemr_type_entry_message)
        return is_entry_of(transcript, bcemr_role_name(role), &type) &&
               is_permitted(entries, COUNT(entries), role, type);
    return type && is_permitted(statements, COUNT(statements), role, type) &&
           bcemr_validate(type, transcript, NULL) == BCEMR_OK;
}

/* ---- the local signer ---- */

static bcemr_status local_sign(void *user, bcemr_span transcript, bcemr_ed_signature *out,
                               bcemr_error *err)
{
    const server_local_signer *local = user;
    if (!may_sign(local->role, transcript))
        return wire_fail(err, BCEMR_E_ARGUMENT, "signer", "transcript");
    bcemr_ed_sign(&local->secrets->a, transcript, out);
    return BCEMR_OK;
}

static bcemr_status bls(const bcemr_secret_scalar *x, bool permitted_now, bcemr_span transcript,
                        bcemr_g1_raw *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    if (!permitted_now)
        FAIL(BCEMR_E_ARGUMENT, "signer", "transcript");
    TRY_AT(bcemr_bls_sign(x, BCEMR_PURPOSE_SIG, transcript, out), "signer", NULL);
out:
    return status;
}

static bcemr_status local_confirm(void *user, bcemr_span record_case, bcemr_g1_raw *out,
                                  bcemr_error *err)
{
    const server_local_signer *local = user;
    bool is_case = bcemr_validate(&bcemr_type_case, record_case, NULL) == BCEMR_OK;
    return bls(&local->secrets->x, is_case, record_case, out, err);
}

static bcemr_status local_vote(void *user, bcemr_span transcript, bcemr_g1_raw *out,
                               bcemr_error *err)
{
    const server_local_signer *local = user;
    return bls(&local->secrets->x, is_one_of(transcript, "set", votes, COUNT(votes)), transcript,
               out, err);
}

static bcemr_status local_checkpoint(void *user, const bcemr_tr_checkpoint *checkpoint,
                                     bcemr_g1_raw *out, bcemr_error *err)
{
    const server_local_signer *local = user;
    return bcemr_checkpoint_sign(&local->secrets->x, checkpoint, out, err);
}

static bcemr_status local_group_keys(void *user, const bcemr_x25519_secret *once,
                                     const bcemr_tr_group *transcript, bcemr_group_keys *out,
                                     bcemr_error *err)
{
    const server_local_signer *local = user;
    if (local->role != BCEMR_role_HOSPITAL)
        return wire_fail(err, BCEMR_E_ARGUMENT, "signer", "role");
    return bcemr_group_keys_server(once, &local->secrets->e, transcript, out, err);
}

static bcemr_status local_unseal(void *user, bcemr_span box, bcemr_verdict refusal, bcemr_buf *out,
                                 bcemr_error *err)
{
    const server_local_signer *local = user;
    if (local->role != BCEMR_role_HOSPITAL)
        return wire_fail(err, BCEMR_E_ARGUMENT, "signer", "role");
    return bcemr_sealed_box_open(&local->secrets->box, box, refusal, out, err);
}

server_signer server_signer_local(server_local_signer *local)
{
    return (server_signer){.user = local,
                           .sign = local_sign,
                           .confirm = local_confirm,
                           .vote = local_vote,
                           .checkpoint = local_checkpoint,
                           .group_keys = local_group_keys,
                           .unseal = local_unseal};
}

/* ---- the authority's ---- */

static bcemr_status local_credential(void *user, bcemr_span cred, bcemr_g1_raw *out,
                                     bcemr_error *err)
{
    bcemr_tr_cred read;
    bcemr_status status = BCEMR_OK;
    TRY(bcemr_read_cred(cred, &read, err));
    TRY(bcemr_credential_make(user, &read, out, err));
out:
    return status;
}

static bcemr_status local_authority_entry(void *user, bcemr_span transcript, bcemr_g1_raw *out,
                                          bcemr_error *err)
{
    return bls(user, is_one_of(transcript, "authority", of_authority, COUNT(of_authority)),
               transcript, out, err);
}

static bcemr_status local_pop(void *user, const bcemr_tr_pop *pop, bcemr_buf *out, bcemr_error *err)
{
    if (!bcemr_span_equal(pop->role, bcemr_text("authority")) || pop->a.n > 0)
        return wire_fail(err, BCEMR_E_ARGUMENT, "signer", "pop");
    return bcemr_pop_make(user, NULL, pop, out, err);
}

authority_signer authority_signer_local(bcemr_secret_scalar *s)
{
    return (authority_signer){s, local_credential, local_authority_entry, local_pop};
}

/* ---- what roles make with a signer ---- */

bcemr_status server_sign_value(const server_signer *signer, const bcemr_type *type,
                               const void *value, bcemr_ed_signature *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf transcript = BCEMR_BUF_EMPTY;
    TRY(bcemr_write(type, value, &transcript, err));
    TRY(signer->sign(signer->user, bcemr_buf_span(&transcript), out, err));
out:
    bcemr_buf_free(&transcript);
    return status;
}

bcemr_status server_entry_signed(const server_signer *signer, const char *role, bcemr_span id,
                                 const bcemr_type *type, const void *entry, bcemr_buf *out,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf inner = BCEMR_BUF_EMPTY, message = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    TRY(bcemr_write(type, entry, &inner, err));
    TRY(bcemr_entry_message(role, bcemr_buf_span(&inner), &message, err));
    TRY(signer->sign(signer->user, bcemr_buf_span(&message), &signature, err));
    const bcemr_tr_signer row = {bcemr_text(role), id,
                                 bcemr_span_of(signature.b, sizeof signature.b)};
    TRY(bcemr_signed_make(bcemr_buf_span(&inner), &row, 1, out, err));
out:
    bcemr_buf_free(&inner);
    bcemr_buf_free(&message);
    return status;
}

bcemr_status server_vote(const server_signer *signer, bcemr_span entry, bcemr_g1_raw *out,
                         bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    TRY(bcemr_entry_message("set", entry, &message, err));
    TRY(signer->vote(signer->user, bcemr_buf_span(&message), out, err));
out:
    bcemr_buf_free(&message);
    return status;
}
