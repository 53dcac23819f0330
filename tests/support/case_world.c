/* SPDX-License-Identifier: Apache-2.0 */
#include "support/case_world.h"

#include <string.h>

void case_world_checkpoint(world *w)
{
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_tr_checkpoint checkpoint;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY;
    must(ledger_chain_set_now(w->chain, &set, NULL));
    must(ledger_chain_checkpoint(w->chain, &checkpoint, NULL));
    consortium_cosign(&set, &checkpoint, w->voters, ((uint64_t)1 << w->places) - 1, &cosigned);
    must(ledger_chain_keep_cosigned(w->chain, bcemr_buf_span(&cosigned), NULL));
    bcemr_set_free(&set);
    bcemr_buf_free(&cosigned);
}

bcemr_status case_world_make(world *w, const bcemr_hash *vid, bcemr_buf *out, bcemr_error *err)
{
    bcemr_ledger_view view;
    ledger_chain_view(w->chain, &view);
    const bcemr_case_making making = {.context = w->c.context, .view = &view, .vid = *vid};
    bcemr_buf_clear(out);
    const bcemr_sink sink = bcemr_sink_buffer(out);
    return bcemr_case_file_make(&making, &sink, err);
}

bcemr_status case_world_check(const bcemr_context *context, bcemr_span genesis, bcemr_span file,
                              bcemr_case_report *report, bcemr_error *err)
{
    bcemr_anchor anchor = {.held = BCEMR_BUF_EMPTY};
    memset(report, 0, sizeof *report);
    bcemr_status status = bcemr_anchor_read(context, genesis, &anchor, err);
    if (status == BCEMR_OK) {
        const bcemr_source source = bcemr_source_bytes(&file);
        const bcemr_case_checking checking = {
            .context = context, .anchor = &anchor, .file = &source};
        status = bcemr_case_file_check(&checking, report, err);
    }
    bcemr_anchor_free(&anchor);
    return status;
}

static uint64_t spans_of(const bcemr_list *list, bcemr_span *out)
{
    uint64_t n = 0;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_inclusion, list);
    while (n < CASE_WORLD_ITEMS && bcemr_list_next(&iter, &out[n]))
        n++;
    return n;
}

void case_world_take_apart(bcemr_span file, case_pieces *p)
{
    const uint64_t head = bcemr_load_u64(file.p);
    memset(p, 0, sizeof *p);
    must(bcemr_read_case_file(bcemr_span_of(file.p + 8, head), &p->value, NULL));
    p->set_count = spans_of(&p->value.sets, p->sets);
    p->upgrade_count = spans_of(&p->value.upgrades, p->upgrades);
    p->enrolment_count = spans_of(&p->value.enrolments, p->enrolments);
    p->body_count = spans_of(&p->value.body, p->body);
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_case_opened, &p->value.opened);
    while (bcemr_list_next(&iter, &p->opened[p->opened_count]))
        p->opened_count++;
    p->documents = bcemr_span_of(file.p + 8 + head, file.n - 8 - head);
}

bcemr_status case_world_put_together(const case_pieces *p, bcemr_buf *out)
{
    bcemr_buf head = BCEMR_BUF_EMPTY;
    bcemr_tr_case_file value = p->value;
    uint8_t length[8];
    value.sets = BCEMR_LIST_OF(p->sets, p->set_count);
    value.upgrades = BCEMR_LIST_OF(p->upgrades, p->upgrade_count);
    value.enrolments = BCEMR_LIST_OF(p->enrolments, p->enrolment_count);
    value.body = BCEMR_LIST_OF(p->body, p->body_count);
    value.opened = BCEMR_LIST_OF(p->opened, p->opened_count);
    bcemr_buf_clear(out);
    bcemr_status status = bcemr_write_case_file(&value, &head, NULL);
    if (status == BCEMR_OK) {
        bcemr_store_u64(length, head.n);
        must(bcemr_buf_append(out, bcemr_span_of(length, 8)));
        must(bcemr_buf_append(out, bcemr_buf_span(&head)));
        must(bcemr_buf_append(out, p->documents));
    }
    bcemr_buf_free(&head);
    return status;
}
