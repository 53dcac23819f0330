/* SPDX-License-Identifier: Apache-2.0 */
/* What a case file proves to be in the log: its leaves under the checkpoint, the walk of the sets,
 * the parameters (docs/case-file.md, steps 1 to 5). */
#include "client/case_file.h"
#include "wire/error.h"

#include <bcemr/hash.h>
#include <string.h>

/* ---- reading ---- */

static bcemr_status read_part(bcemr_span inclusion, case_part *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_inclusion value;
    TRY(bcemr_read_inclusion(inclusion, &value, err));
    out->inclusion = inclusion;
    out->leaf = value.leaf;
    out->index = value.index;
    TRY(bcemr_leaf_read(value.leaf, &out->parts, err));
out:
    return status;
}

/* ascending: each stands in the log behind the one before, so none comes twice. */
static bcemr_status read_parts(const char *name, const bcemr_list *list, bool ascending,
                               case_parts *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span raw;
    out->name = name;
    out->items = bcemr_allocate((list->count + 1) * sizeof *out->items);
    if (!out->items)
        FAIL(BCEMR_E_NO_MEMORY, "case-file", name);
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_inclusion, list);
    for (uint64_t i = 0; i < list->count && bcemr_list_next(&iter, &raw); i++) {
        TRY(read_part(raw, &out->items[i], err));
        out->count = i + 1;
        REQUIRE_AT(!ascending || i == 0 || out->items[i].index > out->items[i - 1].index,
                   BCEMR_BAD_CASE_FILE, "case-file", name, i);
    }
out:
    return status;
}

bcemr_status case_read_parts(case_reader *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_cosigned cosigned;
    const bcemr_tr_case_file *f = &r->file;
    r->out->step = BCEMR_CASE_READ;
    TRY(bcemr_read_case_file(bcemr_buf_span(&r->out->head), &r->file, err));
    TRY(bcemr_read_cosigned(f->checkpoint, &cosigned, err));
    TRY(bcemr_read_checkpoint(cosigned.checkpoint, &r->checkpoint, err));
    TRY(read_parts("sets", &f->sets, true, &r->sets, err));
    TRY(read_parts("upgrades", &f->upgrades, true, &r->upgrades, err));
    TRY(read_parts("enrolments", &f->enrolments, false, &r->enrolments, err));
    TRY(read_parts("body", &f->body, true, &r->body, err));
    TRY(read_part(f->header, &r->header, err));
    REQUIRE(r->header.parts.parts.type == &bcemr_type_case_header, BCEMR_BAD_CASE_FILE, "case-file",
            "header");
    uint64_t seal = r->body.items[r->body.count - 1].index;
    REQUIRE(r->header.index == seal + 1, BCEMR_BAD_CASE_FILE, "case-file", "header");
    for (uint64_t i = 0; i < r->upgrades.count; i++)
        REQUIRE_AT(r->upgrades.items[i].index < seal, BCEMR_BAD_CASE_FILE, "case-file", "upgrades",
                   i);
out:
    return status;
}

/* ---- inclusion ---- */

static bcemr_status included(const case_reader *r, const case_part *part, const char *name,
                             uint64_t index, bcemr_error *err)
{
    bcemr_error here = {0};
    bcemr_verdict verdict =
        bcemr_inclusion_check(part->inclusion, &r->checkpoint, NULL, NULL, &here);
    if (verdict == BCEMR_VALID)
        return BCEMR_OK;
    if (verdict == BCEMR_UNDECIDED)
        return wire_fail_at(err, here.status, "case-file", name, index, BCEMR_NOWHERE);
    return wire_refuse(err, verdict, "case-file", name, index);
}

static bcemr_status all_included(const case_reader *r, const case_parts *parts, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    for (uint64_t i = 0; i < parts->count; i++)
        TRY(included(r, &parts->items[i], parts->name, i, err));
out:
    return status;
}

/* Against the root that the checkpoint claims: who signed it is seen when the sets were walked. */
bcemr_status case_check_included(case_reader *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    r->out->step = BCEMR_CASE_INCLUDED;
    TRY(all_included(r, &r->sets, err));
    TRY(all_included(r, &r->upgrades, err));
    TRY(all_included(r, &r->enrolments, err));
    TRY(included(r, &r->header, "header", BCEMR_NOWHERE, err));
    TRY(all_included(r, &r->body, err));
out:
    return status;
}

/* ---- sets ---- */

static bcemr_status keep_set(case_reader *r, bcemr_set *set, uint64_t leaf)
{
    case_set *kept = &r->walked[r->walked_count++];
    kept->leaf = leaf;
    return bcemr_buf_set(&kept->encoding, bcemr_buf_span(&set->encoding));
}

static bcemr_status step(case_reader *r, uint64_t i, bcemr_set *set, bcemr_set *next,
                         bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error here = {0};
    const case_part *part = &r->sets.items[i];
    bcemr_verdict verdict = bcemr_set_follow(r->context, &r->anchor->authority, &r->anchor->ledger,
                                             set, part->parts.signed_entry, next, &here);
    if (verdict == BCEMR_UNDECIDED)
        return wire_fail_at(err, here.status, "case-file", "sets", i, BCEMR_NOWHERE);
    if (verdict != BCEMR_VALID)
        return wire_refuse(err, verdict, "case-file", "sets", i);
    TRY_AT(keep_set(r, next, part->index), "case-file", "sets");
    TRY(bcemr_set_read(bcemr_buf_span(&next->encoding), set, err));
out:
    return status;
}

bcemr_status case_walk_sets(case_reader *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set *both = bcemr_allocate(2 * sizeof *both);
    r->out->step = BCEMR_CASE_SETS;
    r->walked = bcemr_allocate((r->sets.count + 1) * sizeof *r->walked);
    if (!both || !r->walked)
        FAIL(BCEMR_E_NO_MEMORY, "case-file", "sets");
    TRY(bcemr_set_begin(&r->anchor->genesis, &both[0], err));
    TRY_AT(keep_set(r, &both[0], 0), "case-file", "sets");
    for (uint64_t i = 0; i < r->sets.count; i++)
        TRY(step(r, i, &both[0], &both[1], err));
out:
    if (both) {
        bcemr_set_free(&both[0]);
        bcemr_set_free(&both[1]);
    }
    bcemr_release(both);
    return status;
}

bcemr_status case_set_at(const case_reader *r, uint64_t leaf, bcemr_set *out, bcemr_error *err)
{
    uint64_t i = r->walked_count - 1;
    while (leaf != BCEMR_NOW && i > 0 && r->walked[i].leaf > leaf)
        i--;
    return bcemr_set_read(bcemr_buf_span(&r->walked[i].encoding), out, err);
}

bcemr_status case_check_checkpoint(case_reader *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_cosigned cosigned;
    r->out->step = BCEMR_CASE_CHECKPOINT;
    TRY(client_checkpoint(r->context, &r->view, r->file.checkpoint, &r->out->checkpoint, err));
    r->out->set = bcemr_allocate(sizeof *r->out->set);
    if (!r->out->set)
        FAIL(BCEMR_E_NO_MEMORY, "case-file", "checkpoint");
    TRY(case_set_at(r, BCEMR_NOW, r->out->set, err));
    TRY(bcemr_read_cosigned(r->file.checkpoint, &cosigned, err));
    r->out->signers = cosigned.signers;
    r->out->sets = r->sets.count;
out:
    return status;
}

/* ---- parameters ---- */

static bcemr_status upgrade(case_reader *r, uint64_t i, bcemr_set *set, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error here = {0};
    bcemr_tr_e_upgrade entry = {0};
    const case_part *part = &r->upgrades.items[i];
    const case_params *before = &r->params[i];
    TRY(case_set_at(r, part->index, set, err));
    bcemr_verdict verdict =
        bcemr_upgrade_check(r->context, &r->anchor->authority, &r->anchor->ledger, set,
                            part->parts.signed_entry, &entry, &here);
    if (verdict == BCEMR_UNDECIDED)
        return wire_fail_at(err, here.status, "case-file", "upgrades", i, BCEMR_NOWHERE);
    if (verdict != BCEMR_VALID)
        return wire_refuse(err, verdict, "case-file", "upgrades", i);
    REQUIRE_AT(entry.rules == before->rules + 1, BCEMR_BAD_UPGRADE, "case-file", "upgrades", i);
    REQUIRE_AT(entry.height > part->parts.height && entry.height > before->height,
               BCEMR_BAD_UPGRADE, "case-file", "upgrades", i);
    r->params[i + 1] = (case_params){.rules = entry.rules,
                                     .height = entry.height,
                                     .reissues = entry.reissues,
                                     .clock_difference = entry.clock_difference};
    r->params_count = i + 2;
out:
    return status;
}

bcemr_status case_check_upgrades(case_reader *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_genesis *genesis = &r->anchor->genesis;
    bcemr_set *set = bcemr_allocate(sizeof *set);
    r->out->step = BCEMR_CASE_UPGRADES;
    r->params = bcemr_allocate((r->upgrades.count + 1) * sizeof *r->params);
    if (!set || !r->params)
        FAIL(BCEMR_E_NO_MEMORY, "case-file", "upgrades");
    r->params[0] = (case_params){.rules = genesis->rules,
                                 .height = 0,
                                 .reissues = genesis->reissues,
                                 .clock_difference = genesis->clock_difference};
    r->params_count = 1;
    for (uint64_t i = 0; i < r->upgrades.count; i++)
        TRY(upgrade(r, i, set, err));
    r->out->upgrades = r->upgrades.count;
out:
    if (set)
        bcemr_set_free(set);
    bcemr_release(set);
    return status;
}

const case_params *case_params_at(const case_reader *r, uint64_t height)
{
    uint64_t i = r->params_count - 1;
    while (i > 0 && r->params[i].height > height)
        i--;
    return &r->params[i];
}

void case_reader_free(case_reader *r)
{
    if (!r)
        return;
    for (uint64_t i = 0; i < r->walked_count; i++)
        bcemr_buf_free(&r->walked[i].encoding);
    bcemr_release(r->walked);
    bcemr_release(r->params);
    bcemr_release(r->enrolled);
    bcemr_release(r->sets.items);
    bcemr_release(r->upgrades.items);
    bcemr_release(r->enrolments.items);
    bcemr_release(r->body.items);
    client_visit_free(&r->visit);
    bcemr_release(r);
}
