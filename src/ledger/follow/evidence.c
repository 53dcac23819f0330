/* SPDX-License-Identifier: Apache-2.0 */
/* What was found, in one encoding, for people and for whoever is to judge. */
#include "ledger/checkpoint/guilt.h"
#include "ledger/follow/internal.h"

#include <string.h>

/* "object field", cut to n. */
static bcemr_span about(const bcemr_error *why, char *out, uint64_t n)
{
    const char *parts[2] = {why->object ? why->object : "", why->field ? why->field : ""};
    uint64_t at = 0;
    for (int i = 0; i < 2; i++) {
        if (at > 0 && parts[i][0] != 0 && at < n)
            out[at++] = ' ';
        for (const char *c = parts[i]; *c && at < n; c++)
            out[at++] = *c;
    }
    return bcemr_span_of(out, at);
}

/* The newest cosigned checkpoint that stood before this one; empty when there is none. */
static bcemr_status held_cosigned(const pull *p, bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_view view;
    const bcemr_buf *before = &p->s->cosigned;
    if (before->n > 0 &&
        !bcemr_span_equal(bcemr_buf_span(before), bcemr_buf_span(&p->said.cosigned))) {
        TRY_AT(bcemr_buf_set(out, bcemr_buf_span(before)), "fork", "held");
        return status;
    }
    ledger_chain_view(p->f->chain, &view);
    status = view.checkpoint(view.user, out);
    if (status == BCEMR_E_NOT_FOUND)
        status = BCEMR_OK;
    TRY_AT(status, "fork", "held");
out:
    return status;
}

/* The own log's block at the size that the source says, if there is one; else its last. */
static bcemr_status own_block(const pull *p, bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_checkpoint own;
    status = ledger_chain_checkpoint_at(p->f->chain, p->said.at.size, &own, err);
    if (status == BCEMR_E_NOT_FOUND)
        status = ledger_chain_checkpoint(p->f->chain, &own, err);
    TRY(status);
    TRY(bcemr_write_checkpoint(&own, out, err));
out:
    return status;
}

static bcemr_list one_if(const bcemr_type *type, const bcemr_span *bytes)
{
    bool reads = bytes->n > 0 && bcemr_validate(type, *bytes, NULL) == BCEMR_OK;
    return BCEMR_LIST_OF(bytes, reads ? 1 : 0);
}

static bcemr_status write_fork(const pull *p, const bcemr_error *why, bcemr_span kept,
                               bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf own = BCEMR_BUF_EMPTY;
    char text[80];
    TRY(own_block(p, &own, err));
    const bcemr_span shown = bcemr_buf_span(&p->said.cosigned);
    const bcemr_span mine = bcemr_buf_span(&p->mine), given = bcemr_buf_span(&p->given);
    const uint64_t size = p->said.at.size;
    const bcemr_tr_fork value = {.source = bcemr_text(p->s->name),
                                 .time = p->clock < 0 ? 0 : p->clock,
                                 .verdict = (uint64_t)why->verdict,
                                 .reason = why->reason,
                                 .about = about(why, text, sizeof text),
                                 .own = bcemr_buf_span(&own),
                                 .held = one_if(&bcemr_type_cosigned, &kept),
                                 .shown = one_if(&bcemr_type_cosigned, &shown),
                                 .size = size <= INT64_MAX ? size : INT64_MAX,
                                 .root = p->said.at.root,
                                 .mine = one_if(&bcemr_type_leaf, &mine),
                                 .given = one_if(&bcemr_type_leaf, &given),
                                 .place = p->place == BCEMR_NOWHERE ? p->size : p->place,
                                 .path = BCEMR_LIST_OF(p->path, p->path_count)};
    TRY(bcemr_write_fork(&value, out, err));
out:
    bcemr_buf_free(&own);
    return status;
}

static bcemr_status size_of(bcemr_span cosigned, uint64_t *size)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_cosigned value;
    bcemr_tr_checkpoint checkpoint;
    TRY(bcemr_read_cosigned(cosigned, &value, NULL));
    TRY(bcemr_read_checkpoint(value.checkpoint, &checkpoint, NULL));
    *size = checkpoint.size;
out:
    return status;
}

/* Whom the two checkpoints prove guilty: their signers. What proves nobody guilty is no failure. */
static bcemr_status find_guilt(pull *p, bcemr_span held, bcemr_error *err)
{
    bcemr_hash path[BCEMR_CONSISTENCY_MAX];
    bcemr_span sets[LEDGER_SOURCE_SETS];
    ledger_evidence evidence = {.one = bcemr_buf_span(&p->said.cosigned), .other = held};
    uint64_t shown_size = 0, held_size = 0;
    bool silent = false;
    if (evidence.one.n == 0 || size_of(evidence.one, &shown_size) != BCEMR_OK)
        return BCEMR_OK;
    if (held.n > 0 && size_of(held, &held_size) == BCEMR_OK && held_size < shown_size &&
        follow_nodes(&p->s->source, held_size, shown_size, path, &evidence.path_count, &silent,
                     NULL) == BCEMR_OK &&
        evidence.path_count > 0)
        evidence.path = path;
    else
        evidence.path_count = 0;
    for (uint64_t i = 0; i < p->walked_count && p->walked_all; i++)
        sets[evidence.set_count++] = bcemr_buf_span(&p->walked[i]);
    evidence.sets = sets;
    bcemr_status status = ledger_guilt_make(p->f->chain, &evidence, &p->guilt, err);
    return status == BCEMR_E_NO_MEMORY ? status : BCEMR_OK;
}

/* Whether the own log holds the place on its own account: nobody had cosigned it. */
static bcemr_status is_unsigned_here(const pull *p, bool *own, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_ledger_view view;
    bcemr_tr_cosigned value;
    bcemr_tr_checkpoint kept = {0};
    *own = false;
    if (p->place == BCEMR_NOWHERE || p->place >= ledger_chain_size(p->f->chain))
        return BCEMR_OK;
    ledger_chain_view(p->f->chain, &view);
    status = view.checkpoint(view.user, &held);
    if (status == BCEMR_OK) {
        TRY(bcemr_read_cosigned(bcemr_buf_span(&held), &value, err));
        TRY(bcemr_read_checkpoint(value.checkpoint, &kept, err));
    } else if (status != BCEMR_E_NOT_FOUND) {
        TRY_AT(status, "follow", "cosigned");
    }
    status = BCEMR_OK;
    *own = p->place >= kept.size;
out:
    bcemr_buf_free(&held);
    return status;
}

bcemr_status follow_keep_evidence(pull *p, const bcemr_error *why, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf evidence = BCEMR_BUF_EMPTY, held = BCEMR_BUF_EMPTY;
    const ledger_follow_options *o = &p->f->o;
    ledger_follow_facts *facts = &p->s->facts;
    facts->place = p->place;
    if (why->verdict == BCEMR_FORK)
        TRY(is_unsigned_here(p, &facts->own, err));
    TRY(held_cosigned(p, &held, err));
    TRY(find_guilt(p, bcemr_buf_span(&held), err));
    TRY(write_fork(p, why, bcemr_buf_span(&held), &evidence, err));
    if (o->keep) {
        TRY(o->keep(o->keep_user, p->s->name, bcemr_buf_span(&evidence), bcemr_buf_span(&p->guilt),
                    err));
        facts->kept = true;
        facts->guilt = p->guilt.n > 0;
    }
out:
    bcemr_buf_free(&evidence);
    bcemr_buf_free(&held);
    return status;
}
