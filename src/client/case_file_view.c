/* SPDX-License-Identifier: Apache-2.0 */
/* A case file as a ledger that holds what the file proves, and nothing else. */
#include "client/case_file.h"
#include "wire/error.h"

#include <string.h>

/* Parameters are asked for by height (clock_difference): which are in force now no file says. */
static bcemr_status facts(void *user, bcemr_ledger_facts *out)
{
    const case_reader *r = user;
    *out = (bcemr_ledger_facts){.ledger = r->anchor->ledger,
                                .authority = r->anchor->genesis.authority,
                                .size = r->checkpoint.size,
                                .height = r->header.parts.height,
                                .tau = r->checkpoint.tau};
    return BCEMR_OK;
}

static bcemr_status member(void *user, bcemr_span id, uint64_t leaf, bcemr_buf *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set *set = bcemr_allocate(sizeof *set);
    if (!set)
        return BCEMR_E_NO_MEMORY;
    TRY(case_set_at(user, leaf, set, NULL));
    uint64_t place = bcemr_set_place(set, id);
    if (place == BCEMR_NOWHERE)
        status = BCEMR_E_NOT_FOUND;
    else
        status = bcemr_write_member(&set->members[place], out, NULL);
out:
    bcemr_set_free(set);
    bcemr_release(set);
    return status;
}

static bcemr_status whole_set(void *user, uint64_t leaf, bcemr_buf *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set *set = bcemr_allocate(sizeof *set);
    if (!set)
        return BCEMR_E_NO_MEMORY;
    TRY(case_set_at(user, leaf, set, NULL));
    TRY(bcemr_buf_append(out, bcemr_buf_span(&set->encoding)));
out:
    bcemr_set_free(set);
    bcemr_release(set);
    return status;
}

static bcemr_status visit(void *user, const bcemr_hash *vid, bcemr_buf *out)
{
    const case_reader *r = user;
    (void)vid; /* the file holds one visit; who asked compares */
    bcemr_span *leaves = bcemr_allocate(r->body.count * sizeof *leaves);
    if (!leaves)
        return BCEMR_E_NO_MEMORY;
    for (uint64_t i = 0; i < r->body.count; i++)
        leaves[i] = r->body.items[i].leaf;
    const bcemr_list list = BCEMR_LIST_OF(leaves, r->body.count);
    bcemr_status status = bcemr_write_list(&bcemr_type_leaf, &list, out, NULL);
    bcemr_release(leaves);
    return status;
}

static bcemr_status case_header(void *user, const bcemr_hash *vid, uint64_t *leaf)
{
    (void)vid;
    *leaf = ((const case_reader *)user)->header.index;
    return BCEMR_OK;
}

static const case_part *part_at(const case_reader *r, uint64_t index)
{
    const case_parts *const lists[] = {&r->body, &r->enrolments, &r->sets, &r->upgrades};
    if (r->header.index == index)
        return &r->header;
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++)
        for (uint64_t i = 0; i < lists[l]->count; i++)
            if (lists[l]->items[i].index == index)
                return &lists[l]->items[i];
    return NULL;
}

static bcemr_status leaf_at(void *user, uint64_t leaf, bcemr_buf *out)
{
    const case_part *part = part_at(user, leaf);
    return part ? bcemr_buf_append(out, part->leaf) : BCEMR_E_NOT_FOUND;
}

static bcemr_status inclusion(void *user, uint64_t leaf, bcemr_buf *out)
{
    const case_part *part = part_at(user, leaf);
    return part ? bcemr_buf_append(out, part->inclusion) : BCEMR_E_NOT_FOUND;
}

static bcemr_status checkpoint(void *user, bcemr_buf *out)
{
    return bcemr_buf_append(out, ((const case_reader *)user)->file.checkpoint);
}

static bcemr_status landed(void *user, const bcemr_hash *entry, uint64_t *leaf)
{
    const case_reader *r = user;
    for (uint64_t i = 0; i < r->body.count; i++)
        if (bcemr_hash_equal(&r->body.items[i].parts.parts.entry_hash, entry)) {
            *leaf = r->body.items[i].index;
            return BCEMR_OK;
        }
    return BCEMR_E_NOT_FOUND;
}

static bcemr_status clock_difference(void *user, uint64_t height, uint64_t *out)
{
    *out = case_params_at(user, height)->clock_difference;
    return BCEMR_OK;
}

/* ---- what no file holds ---- */

static bcemr_status no_enrolment(void *user, bcemr_span id, bcemr_buf *out, uint64_t *leaf)
{
    (void)user;
    (void)id;
    (void)out;
    (void)leaf;
    return BCEMR_E_NOT_FOUND;
}

static bcemr_status no_confirm(void *user, const bcemr_hash *vid, bcemr_span cloud, uint64_t *leaf)
{
    (void)user;
    (void)vid;
    (void)cloud;
    (void)leaf;
    return BCEMR_E_NOT_FOUND;
}

static bcemr_status no_consent(void *user, bcemr_span cloud, const bcemr_hash *cm, uint64_t *leaf)
{
    return no_confirm(user, cm, cloud, leaf);
}

static bcemr_status no_access(void *user, bcemr_span cloud, const bcemr_bytes16 *handle,
                              uint64_t *leaf)
{
    (void)handle;
    return no_confirm(user, NULL, cloud, leaf);
}

static bcemr_status no_key(void *user, const char *kind, bcemr_span key, uint64_t *leaf)
{
    (void)kind;
    return no_confirm(user, NULL, key, leaf);
}

static bcemr_status no_number(void *user, uint64_t number, uint64_t *leaf)
{
    (void)user;
    (void)number;
    (void)leaf;
    return BCEMR_E_NOT_FOUND;
}

void case_view(case_reader *r)
{
    r->view = (bcemr_ledger_view){.user = r,
                                  .facts = facts,
                                  .member = member,
                                  .set = whole_set,
                                  .enrolment = no_enrolment,
                                  .visit = visit,
                                  .case_header = case_header,
                                  .confirm = no_confirm,
                                  .leaf = leaf_at,
                                  .inclusion = inclusion,
                                  .checkpoint = checkpoint,
                                  .consent = no_consent,
                                  .access = no_access,
                                  .stop = no_key,
                                  .landed = landed,
                                  .clock_difference = clock_difference,
                                  .set_change = no_number,
                                  .upgrade = no_number,
                                  .find = no_key};
}
