/* SPDX-License-Identifier: Apache-2.0 */
#include "client/case_check.h"

#include "wire/error.h"

#include <string.h>

bcemr_status client_checkpoint(const bcemr_context *context, const bcemr_ledger_view *view,
                               bcemr_span cosigned, bcemr_tr_checkpoint *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf raw = BCEMR_BUF_EMPTY;
    bcemr_ledger_facts facts;
    bcemr_tr_cosigned outer;
    bcemr_set *set = bcemr_allocate(sizeof *set);
    if (!set)
        FAIL(BCEMR_E_NO_MEMORY, "checkpoint", "set");
    TRY_AT(view->facts(view->user, &facts), "ledger", NULL);
    TRY(bcemr_read_cosigned(cosigned, &outer, err));
    TRY(bcemr_read_checkpoint(outer.checkpoint, out, err));
    TRY_AT(view->set(view->user, out->size - 1, &raw), "checkpoint", "size");
    TRY(bcemr_set_read(bcemr_buf_span(&raw), set, err));
    REQUIRE_VALID(bcemr_checkpoint_check(context, &facts.ledger, set, cosigned, out, err),
                  "checkpoint", NULL);
out:
    if (set)
        bcemr_set_free(set);
    bcemr_release(set);
    bcemr_buf_free(&raw);
    return status;
}

/* ---- who confirmed ---- */

typedef struct confirmers {
    bcemr_g2_raw keys[1 + BCEMR_CLOUDS_MAX];
    uint64_t count;
    uint64_t clouds;
} confirmers;

static bcemr_status add_confirmer(const bcemr_ledger_view *view, bcemr_span id, bcemr_role role,
                                  uint64_t seal, confirmers *who, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    bcemr_tr_member member;
    TRY(client_member(view, id, role, seal, BCEMR_BAD_JOINT_SIGNATURE, &buf, &member, err));
    who->keys[who->count++] = member.x;
    who->clouds += role == BCEMR_role_CLOUD;
out:
    bcemr_buf_free(&buf);
    return status;
}

/* A cloud that has left the set since the ticket need not confirm any more. */
static bcemr_status count_in_set(const bcemr_ledger_view *view, bcemr_span cloud, uint64_t seal,
                                 uint64_t *count, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf buf = BCEMR_BUF_EMPTY;
    status = view->member(view->user, cloud, seal, &buf);
    if (status == BCEMR_OK)
        ++*count;
    else if (status == BCEMR_E_NOT_FOUND)
        status = BCEMR_OK;
    else
        (void)wire_fail(err, status, "set", "member");
    bcemr_buf_free(&buf);
    return status;
}

/* Weights hang on the keys that signed alone, so the others can be left out of both. */
static bcemr_status check_confirmations(const bcemr_context *context, const bcemr_ledger_view *view,
                                        const bcemr_visit_log *log, uint64_t seal, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    confirmers who = {.count = 0};
    uint8_t all[3] = {0};
    uint64_t in_set = 0;
    bcemr_span cloud;
    TRY_AT(bcemr_bitmap_check(log->confirmers, 1 + log->visit.clouds.count), "Seal", "confirmers");
    REQUIRE(bcemr_bitmap_get(log->confirmers, 0), BCEMR_NOT_ENOUGH_SIGNERS, "Seal", "confirmers");
    TRY(add_confirmer(view, log->visit.hospital, BCEMR_role_HOSPITAL, seal, &who, err));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &log->visit.clouds);
    for (uint64_t i = 1; bcemr_list_next(&iter, &cloud); i++) {
        TRY(count_in_set(view, cloud, seal, &in_set, err));
        if (bcemr_bitmap_get(log->confirmers, i))
            TRY(add_confirmer(view, cloud, BCEMR_role_CLOUD, seal, &who, err));
    }
    uint64_t needed = log->visit.u < in_set ? log->visit.u : in_set;
    REQUIRE(who.clouds >= 1 && who.clouds >= needed, BCEMR_NOT_ENOUGH_SIGNERS, "Seal",
            "confirmers");
    for (uint64_t i = 0; i < who.count; i++)
        bcemr_bitmap_set(all, i);
    REQUIRE_VALID(bcemr_joint_check(context, who.keys, who.count,
                                    bcemr_span_of(all, bcemr_bitmap_size(who.count)),
                                    log->record_case, &log->confirmation, err),
                  "Seal", "signature");
out:
    return status;
}

/* ---- the case block ---- */

static bcemr_status included_header(const bcemr_context *context, const bcemr_ledger_view *view,
                                    const bcemr_hash *vid, bcemr_buf *inclusion,
                                    bcemr_tr_case_header *header, uint64_t *leaf, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    bcemr_leaf_parts parts;
    uint64_t index = 0;
    TRY_AT(view->case_header(view->user, vid, leaf), "visit", "case-header");
    TRY_AT(view->checkpoint(view->user, &cosigned), "ledger", "checkpoint");
    TRY(client_checkpoint(context, view, bcemr_buf_span(&cosigned), &checkpoint, err));
    TRY_AT(view->inclusion(view->user, *leaf, inclusion), "visit", "case-header");
    REQUIRE_VALID(
        bcemr_inclusion_check(bcemr_buf_span(inclusion), &checkpoint, &parts, &index, err),
        "case-header", "inclusion");
    REQUIRE(parts.parts.type == &bcemr_type_case_header && index == *leaf && index > 0,
            BCEMR_BAD_CASE_BLOCK, "case-header", NULL);
    TRY(bcemr_read_case_header(parts.parts.entry, header, err));
    REQUIRE(bcemr_hash_equal(&header->vid, vid), BCEMR_BAD_CASE_BLOCK, "case-header", "vid");
out:
    bcemr_buf_free(&cosigned);
    return status;
}

bcemr_status client_case_check(const bcemr_context *context, const bcemr_ledger_view *view,
                               const client_visit *visit, bcemr_tr_case *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf inclusion = BCEMR_BUF_EMPTY;
    bcemr_tr_case_header header;
    uint64_t leaf = 0;
    const bcemr_visit_log *log = visit->log;
    REQUIRE(log->sealed, BCEMR_NOT_SEALED, "visit", "Seal");
    TRY(included_header(context, view, &log->vid, &inclusion, &header, &leaf, err));
    REQUIRE_VALID(bcemr_case_block_check(&log->ledger, &header, &visit->list, out, err),
                  "case-header", "body");
    TRY(check_confirmations(context, view, log, leaf - 1, err));
    TRY(client_visit_signatures(context, view, log, err));
out:
    bcemr_buf_free(&inclusion);
    return status;
}

bcemr_status client_read(const client_reading *r, bcemr_opened *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit visit = {0};
    bcemr_capsule_key k = {{0}};
    bcemr_tr_case record_case;
    memset(out, 0, sizeof *out);
    TRY(client_visit_load(r->view, r->vid, &visit, err));
    TRY(client_case_check(r->context, r->view, &visit, &record_case, err));
    REQUIRE_VALID(bcemr_header_is_case(r->header, &record_case, err), "header", "case");
    TRY(bcemr_capsule_open(r->context, r->x, r->b, &k, err));
    const bcemr_opening opening = {.context = r->context,
                                   .log = visit.log,
                                   .header = r->header,
                                   .k = &k,
                                   .payload = r->payload,
                                   .run = r->run,
                                   .output = r->output ? *r->output : (bcemr_output){NULL, NULL}};
    TRY(bcemr_record_open(&opening, out, err));
out:
    bcemr_wipe(&k, sizeof k);
    client_visit_free(&visit);
    return status;
}
