/* SPDX-License-Identifier: Apache-2.0 */
/* Consent, Revoke, Access, Erase: section 7 of the protocol. */
#include "support/model/model.h"

#include "support/consortium.h"

#include <string.h>

static bcemr_span hash_span(const bcemr_hash *hash)
{
    return bcemr_span_of(hash->b, sizeof hash->b);
}

/* ---- quotas of a block ---- */

static uint64_t used(const model *m, const char *kind, bcemr_span who)
{
    const bcemr_hash name = model_name(kind, who, (bcemr_span){0});
    const uint64_t *found = model_map_find(&m->quotas, &name);
    return found ? *found : 0;
}

static void use(model *m, const char *kind, bcemr_span who)
{
    const bcemr_hash name = model_name(kind, who, (bcemr_span){0});
    if (!model_map_put(&m->quotas, &name, 1))
        ++*model_map_find(&m->quotas, &name);
}

/* The one row is a cloud's, and that is the cloud of the entry. */
static bool by_cloud(const model *m, model_entry *e, bcemr_span cloud)
{
    static const char *const roles[] = {"cloud"};
    if (!model_rows(e, roles, 1))
        return false;
    const model_member *member = model_find(m, BCEMR_role_CLOUD, cloud);
    (void)model_need(e->answer, bcemr_span_equal(e->rows[0].who, cloud), LEDGER_R_SIGNER_ROWS);
    if (model_need(e->answer, member != NULL, LEDGER_R_NOT_A_CLOUD))
        model_row_ed(m, e, 0, &member->row.a, LEDGER_R_SUPERNODE_SIGNATURE);
    return true;
}

static void check_value(const model *m, model_entry *e, const bcemr_ed_raw *key,
                        const bcemr_type *type, const void *value,
                        const bcemr_ed_signature *signature, uint32_t reason)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    must(bcemr_write(type, value, &message, NULL));
    (void)model_need(e->answer,
                     book_holds(m->signatures, "ed", bcemr_span_of(key->b, sizeof key->b),
                                bcemr_buf_span(&message),
                                bcemr_span_of(signature->b, sizeof signature->b)),
                     reason);
    bcemr_buf_free(&message);
}

/* ---- the entries ---- */

void model_consent(model *m, model_entry *e)
{
    bcemr_tr_e_consent consent;
    must(bcemr_read_e_consent(e->parts.entry, &consent, NULL));
    const bcemr_span r = bcemr_span_of(consent.revoker.b, sizeof consent.revoker.b);
    if (!by_cloud(m, e, consent.cloud))
        return;
    (void)model_need(e->answer, m->next_tau <= consent.latest, LEDGER_R_CONSENT_LATE);
    (void)model_need(e->answer, !model_marked(m, LEDGER_STOPPED, bcemr_text("Revoke"), r, NULL),
                     LEDGER_R_CONSENT_REVOKED);
    (void)model_need(e->answer, !model_marked(m, LEDGER_CONSENT_REVOKERS, r, consent.cloud, NULL),
                     LEDGER_R_CONSENT_REVOKER_USED);
    (void)model_need(
        e->answer,
        !model_marked(m, LEDGER_CONSENT_CMS, hash_span(&consent.cm), consent.cloud, NULL),
        LEDGER_R_CONSENT_CM_USED);
    (void)model_need(e->answer,
                     used(m, "Consent", consent.cloud) < model_params_now(m)->quotas.consents,
                     LEDGER_R_QUOTA);
    (void)model_need(e->answer, model_key_ed(r), LEDGER_R_KEY_ENCODING);
    const bcemr_tr_consent_post post = {m->ledger, consent.cloud, consent.cm, consent.latest};
    check_value(m, e, &consent.revoker, &bcemr_type_consent_post, &post, &consent.signature,
                LEDGER_R_CONSENT_POST_SIGNATURE);
    if (e->answer->count > 0)
        return;
    use(m, "Consent", consent.cloud);
    model_mark(m, LEDGER_REVOKERS, r, (bcemr_span){0});
    model_mark(m, LEDGER_CONSENT_REVOKERS, r, consent.cloud);
    model_mark(m, LEDGER_CONSENT_CMS, hash_span(&consent.cm), consent.cloud);
    model_add_row(m, "finds", "Consent", r);
}

/* Of an R that no Consent named, a block takes as many as all members together may bring. */
void model_revoke(model *m, model_entry *e)
{
    bcemr_tr_e_revoke revoke;
    must(bcemr_read_e_revoke(e->parts.entry, &revoke, NULL));
    const bcemr_span r = bcemr_span_of(revoke.revoker.b, sizeof revoke.revoker.b);
    if (!model_rows(e, NULL, 0))
        return;
    bool known = model_marked(m, LEDGER_REVOKERS, r, (bcemr_span){0}, NULL);
    (void)model_need(e->answer, !model_marked(m, LEDGER_STOPPED, bcemr_text("Revoke"), r, NULL),
                     LEDGER_R_REVOKED_BEFORE);
    (void)model_need(e->answer,
                     known || used(m, "Revoke", (bcemr_span){0}) <
                                  model_params_now(m)->quotas.revokes * m->set.count,
                     LEDGER_R_QUOTA);
    (void)model_need(e->answer, model_key_ed(r), LEDGER_R_KEY_ENCODING);
    const bcemr_tr_revoke value = {m->ledger, revoke.revoker};
    check_value(m, e, &revoke.revoker, &bcemr_type_revoke, &value, &revoke.signature,
                LEDGER_R_REVOKE_SIGNATURE);
    if (e->answer->count > 0)
        return;
    if (!known)
        use(m, "Revoke", (bcemr_span){0});
    model_mark(m, LEDGER_STOPPED, bcemr_text("Revoke"), r);
    model_add_row(m, "stops", "Revoke", r);
}

void model_access(model *m, model_entry *e)
{
    bcemr_tr_e_access access_entry;
    must(bcemr_read_e_access(e->parts.entry, &access_entry, NULL));
    const bcemr_span handle = bcemr_span_of(access_entry.handle.b, sizeof access_entry.handle.b);
    const bcemr_span fields[] = {access_entry.cloud, handle};
    bcemr_buf key = BCEMR_BUF_EMPTY;
    if (!by_cloud(m, e, access_entry.cloud))
        return;
    (void)model_need(e->answer, !model_marked(m, LEDGER_HANDLES, handle, access_entry.cloud, NULL),
                     LEDGER_R_ACCESS_HANDLE_USED);
    (void)model_need(e->answer,
                     used(m, "Access", access_entry.cloud) < model_params_now(m)->quotas.accesses,
                     LEDGER_R_QUOTA);
    if (e->answer->count > 0)
        return;
    use(m, "Access", access_entry.cloud);
    model_mark(m, LEDGER_HANDLES, handle, access_entry.cloud);
    must(bcemr_tuple(fields, 2, &key));
    model_add_row(m, "finds", "Access", bcemr_buf_span(&key));
    bcemr_buf_free(&key);
}

void model_erase(model *m, model_entry *e)
{
    bcemr_tr_e_erase entry;
    must(bcemr_read_e_erase(e->parts.entry, &entry, NULL));
    const bcemr_tr_erase value = {m->ledger, entry.vid};
    if (!by_cloud(m, e, entry.cloud))
        return;
    model_visit *visit = model_visit_of(m, &entry.vid);
    if (!model_need(e->answer, visit && visit->status == BCEMR_visit_status_SEALED,
                    LEDGER_R_CASE_UNKNOWN))
        return;
    (void)model_need(e->answer,
                     !model_marked(m, LEDGER_ERASES, hash_span(&entry.vid), entry.cloud, NULL),
                     LEDGER_R_ERASED_BEFORE);
    if (entry.by == BCEMR_asker_PATIENT) {
        check_value(m, e, &visit->v.av, &bcemr_type_erase, &value, &entry.signature,
                    LEDGER_R_ERASE_SIGNATURE);
    } else if (model_need(e->answer, entry.by == BCEMR_asker_HOSPITAL, LEDGER_R_ERASE_ASKER)) {
        const model_member *hospital = model_find(m, BCEMR_role_HOSPITAL, visit->v.hospital);
        /* Both are not negative: a difference cannot overflow. */
        (void)model_need(e->answer,
                         (uint64_t)(m->next_tau - visit->sealed_tau) >=
                             model_params_now(m)->retention,
                         LEDGER_R_ERASE_RETENTION);
        if (model_need(e->answer, hospital != NULL, LEDGER_R_NOT_A_HOSPITAL))
            check_value(m, e, &hospital->row.a, &bcemr_type_erase, &value, &entry.signature,
                        LEDGER_R_ERASE_SIGNATURE);
    }
    if (e->answer->count > 0)
        return;
    visit->erased_by_patient = visit->erased_by_patient || entry.by == BCEMR_asker_PATIENT;
    model_mark(m, LEDGER_ERASES, hash_span(&entry.vid), entry.cloud);
    model_mark(m, LEDGER_STOPPED, bcemr_text("Erase"), hash_span(&entry.vid));
    model_add_row(m, "stops", "Erase", hash_span(&entry.vid));
    visit->touched = true;
}
