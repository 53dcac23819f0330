/* SPDX-License-Identifier: Apache-2.0 */
/* The chain as roles look at it (bcemr/ledger_view.h). */
#include "ledger/chain/internal.h"

#include <string.h>

static bcemr_span hash_span(const bcemr_hash *hash)
{
    return bcemr_span_of(hash->b, sizeof hash->b);
}

static bcemr_status facts(void *user, bcemr_ledger_facts *out)
{
    const ledger_chain *chain = user;
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY, p = BCEMR_BUF_EMPTY;
    bcemr_tr_state_params params;
    TRY(ledger_chain_params(chain, &held, &params, NULL));
    TRY(ledger_get(&chain->state, LEDGER_GENESIS, bcemr_text("P"), &p));
    *out = (bcemr_ledger_facts){.ledger = chain->id,
                                .reissues = params.reissues,
                                .clock_difference = params.clock_difference,
                                .retention = params.retention,
                                .rules = params.rules,
                                .size = chain->tip.size,
                                .height = chain->tip.height,
                                .tau = chain->tip.tau};
    if (p.n == sizeof out->authority.b)
        memcpy(out->authority.b, p.p, sizeof out->authority.b);
out:
    bcemr_buf_free(&held);
    bcemr_buf_free(&p);
    return status;
}

static bcemr_status set_of(const ledger_chain *chain, uint64_t leaf, bcemr_set *set)
{
    return leaf == BCEMR_NOW ? ledger_chain_set_now(chain, set, NULL)
                             : ledger_chain_set_at(chain, leaf, set, NULL);
}

static bcemr_status member(void *user, bcemr_span id, uint64_t leaf, bcemr_buf *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY;
    TRY(set_of(user, leaf, &set));
    uint64_t place = bcemr_set_place(&set, id);
    if (place == BCEMR_NOWHERE)
        status = BCEMR_E_NOT_FOUND;
    else
        status = bcemr_write_member(&set.members[place], out, NULL);
out:
    bcemr_set_free(&set);
    return status;
}

static bcemr_status whole_set(void *user, uint64_t leaf, bcemr_buf *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY;
    TRY(set_of(user, leaf, &set));
    TRY(bcemr_buf_append(out, bcemr_buf_span(&set.encoding)));
out:
    bcemr_set_free(&set);
    return status;
}

static bcemr_status enrolment(void *user, bcemr_span doctor, bcemr_buf *out, uint64_t *leaf)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_enrolment record;
    TRY(ledger_chain_enrolment(user, doctor, &held, &record, NULL));
    if (record.status != BCEMR_enrolment_status_ACTIVE) {
        status = BCEMR_E_NOT_FOUND;
        goto out;
    }
    TRY(bcemr_buf_append(out, record.entry));
    *leaf = record.leaf;
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status visit(void *user, const bcemr_hash *vid, bcemr_buf *out)
{
    return ledger_chain_visit_leaves(user, vid, out, NULL);
}

static bcemr_status case_header(void *user, const bcemr_hash *vid, uint64_t *leaf)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_case record;
    bcemr_status status = ledger_chain_case(user, vid, &held, &record, NULL);
    if (status == BCEMR_OK)
        *leaf = record.leaf + 1;
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status confirm(void *user, const bcemr_hash *vid, bcemr_span cloud, uint64_t *leaf)
{
    return ledger_chain_marked(user, LEDGER_CONFIRMS, hash_span(vid), cloud, leaf);
}

static bcemr_status leaf_at(void *user, uint64_t leaf, bcemr_buf *out)
{
    return ledger_chain_leaf(user, leaf, out);
}

static bcemr_status checkpoint(void *user, bcemr_buf *out)
{
    const ledger_chain *chain = user;
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    TRY(ledger_get(&chain->state, LEDGER_COSIGNED, (bcemr_span){0}, &held));
    TRY(bcemr_buf_append(out, bcemr_buf_span(&held)));
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status inclusion(void *user, uint64_t leaf, bcemr_buf *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_cosigned cosigned;
    bcemr_tr_checkpoint to;
    TRY(checkpoint(user, &held));
    TRY(bcemr_read_cosigned(bcemr_buf_span(&held), &cosigned, NULL));
    TRY(bcemr_read_checkpoint(cosigned.checkpoint, &to, NULL));
    TRY(ledger_chain_inclusion(user, leaf, to.size, out, NULL));
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status consent(void *user, bcemr_span cloud, const bcemr_hash *cm, uint64_t *leaf)
{
    return ledger_chain_marked(user, LEDGER_CONSENT_CMS, hash_span(cm), cloud, leaf);
}

static bcemr_status access_at(void *user, bcemr_span cloud, const bcemr_bytes16 *handle,
                              uint64_t *leaf)
{
    return ledger_chain_marked(user, LEDGER_HANDLES, bcemr_span_of(handle->b, sizeof handle->b),
                               cloud, leaf);
}

static bcemr_status stop(void *user, const char *kind, bcemr_span key, uint64_t *leaf)
{
    return ledger_chain_stopped(user, kind, key, leaf);
}

/* Whether the leaf holds an entry of this kind. */
static bcemr_status is_of_kind(const ledger_chain *chain, uint64_t leaf, const char *kind,
                               bool *same)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts parts;
    TRY(ledger_chain_leaf(chain, leaf, &held));
    TRY(bcemr_leaf_read(bcemr_buf_span(&held), &parts, NULL));
    *same = strcmp(bcemr_type_label(parts.parts.type), kind) == 0;
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status landed(void *user, const bcemr_hash *entry, uint64_t *leaf)
{
    return ledger_chain_landed(user, entry, leaf);
}

static bcemr_status clock_difference(void *user, uint64_t height, uint64_t *out)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_params params;
    bcemr_status status = ledger_chain_params_at(user, height, &held, &params, NULL);
    if (status == BCEMR_OK)
        *out = params.clock_difference;
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status set_change(void *user, uint64_t number, uint64_t *leaf)
{
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_status status =
        number == 0 ? BCEMR_E_NOT_FOUND : ledger_chain_set_numbered(user, number, &set, leaf, NULL);
    bcemr_set_free(&set);
    return status;
}

static bcemr_status upgrade(void *user, uint64_t version, uint64_t *leaf)
{
    return ledger_chain_upgrade(user, version, leaf);
}

/* KEYS holds every key that came once, whatever entry brought it. */
static bcemr_status find(void *user, const char *kind, bcemr_span key, uint64_t *leaf)
{
    bcemr_status status = BCEMR_OK;
    uint64_t at = 0;
    bool same = false;
    bool consent_kind = strcmp(kind, "Consent") == 0;
    if (!consent_kind && strcmp(kind, "Admit") != 0 && strcmp(kind, "Enrol") != 0)
        return BCEMR_E_ARGUMENT;
    TRY(ledger_chain_marked(user, consent_kind ? LEDGER_REVOKERS : LEDGER_KEYS, key,
                            (bcemr_span){0}, &at));
    TRY(is_of_kind(user, at, kind, &same));
    if (same)
        *leaf = at;
    else
        status = BCEMR_E_NOT_FOUND;
out:
    return status;
}

void ledger_chain_view(const ledger_chain *chain, bcemr_ledger_view *out)
{
    /* The functions above only read; the view's user is not const because others may need it so. */
    *out = (bcemr_ledger_view){.user = (void *)(uintptr_t)chain,
                               .facts = facts,
                               .member = member,
                               .set = whole_set,
                               .enrolment = enrolment,
                               .visit = visit,
                               .case_header = case_header,
                               .confirm = confirm,
                               .leaf = leaf_at,
                               .inclusion = inclusion,
                               .checkpoint = checkpoint,
                               .consent = consent,
                               .access = access_at,
                               .stop = stop,
                               .landed = landed,
                               .clock_difference = clock_difference,
                               .set_change = set_change,
                               .upgrade = upgrade,
                               .find = find};
}
