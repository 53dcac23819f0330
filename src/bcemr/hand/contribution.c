/* SPDX-License-Identifier: Apache-2.0 */
/* What a doctor adds, as a file: the head of their contribution, then the documents raw. */
#include "bcemr/hand/hand.h"

#include <bcemr/hash.h>
#include <string.h>

typedef struct taking {
    hand *h;
    hand_part *part;
    const bcemr_visit_log *log;
    uint64_t place;
} taking;

/* The head is what this doctor signed. */
static bcemr_status on_head(void *user, bcemr_span head, const bcemr_tr_document **documents,
                            uint64_t *count, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const taking *t = user;
    hand_part *part = t->part;
    bcemr_hash commitment;
    uint64_t waiver = 0;
    const bcemr_signed_diagnosis *d = &t->log->diagnoses[t->place - 1];
    const bcemr_tr_contribution *c = &part->contribution;
    TRY_AT(bcemr_buf_set(&part->head, head), "contribution", NULL);
    TRY(bcemr_read_contribution(bcemr_buf_span(&part->head), &part->contribution, err));
    REQUIRE(bcemr_hash_equal(&c->vid, &t->log->vid) && c->i == t->place && c->k == d->context.k,
            BCEMR_BAD_CONTENT, "contribution", "i");
    TRY(bcemr_commitment(&c->vid, c->i, &c->salt, c->manifest, c->presence, &commitment, err));
    REQUIRE_AT(bcemr_hash_equal(&commitment, &d->context.commitment), BCEMR_BAD_COMMITMENT,
               "contribution", "commitment", t->place);
    REQUIRE_VALID(bcemr_presence_check(&t->log->visit, &t->log->vid, d->context.doctor,
                                       d->context.time, d->clock_difference, c->presence, &waiver,
                                       err),
                  "contribution", "presence");
    TRY(bcemr_manifest_documents(&c->manifest, 1, &part->documents, &part->document_count, err));
    *documents = part->documents;
    *count = part->document_count;
out:
    return status;
}

bcemr_status hand_pump(const bcemr_source *source, const bcemr_run *run, const bcemr_sink *sink)
{
    bcemr_status status = BCEMR_OK;
    const uint64_t window = 1u << 20;
    uint8_t *bytes = bcemr_allocate(window);
    if (!bytes)
        return BCEMR_E_NO_MEMORY;
    for (uint64_t at = 0; at < source->length && status == BCEMR_OK; at += window) {
        const uint64_t n = source->length - at < window ? source->length - at : window;
        status = source->read(source->user, at, bytes, n);
        if (status == BCEMR_OK)
            status = sink->write(sink->user, bcemr_span_of(bytes, n));
        if (status == BCEMR_OK && run->progress)
            status = run->progress->tell(run->progress->user, at + n, source->length);
    }
    bcemr_release_wiped(bytes, window);
    return status;
}

bcemr_status hand_part_open(hand *h, const char *path, const hand_visit *visit, uint64_t place,
                            hand_part *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_parts_reader *reader = NULL;
    memset(out, 0, sizeof *out);
    taking t = {h, out, visit->log, place};
    const bcemr_parts parts = {&t, on_head, NULL};
    HAND(files_source_open(path, &out->file, &h->file));
    hand_doing(h, "believe the contribution \"%.200s\"", hand_name(bcemr_text(path)));
    out->whole = files_source_view(out->file);
    HAND_AT(bcemr_parts_reader_new(&parts, &reader), "contribution", NULL);
    const bcemr_sink sink = bcemr_parts_reader_sink(reader);
    status = hand_pump(&out->whole, hand_run_begin(h, "reading a contribution"), &sink);
    hand_run_end(h);
    if (status != BCEMR_OK) {
        hand_source_failed(h, out->file);
        h->error = *bcemr_parts_reader_error(reader);
        goto out;
    }
    HAND(bcemr_parts_reader_finish(reader, &h->error));
out:
    bcemr_parts_reader_free(reader);
    return status;
}

void hand_part_free(hand_part *part)
{
    bcemr_buf_free(&part->head);
    bcemr_release(part->documents);
    if (part->file)
        files_source_close(part->file);
    memset(part, 0, sizeof *part);
}

static bcemr_status read_window(void *user, uint64_t offset, uint8_t *out, uint64_t n)
{
    const hand_window *w = user;
    return w->whole->read(w->whole->user, w->offset + offset, out, n);
}

void hand_part_sources(const hand_part *part, hand_window *windows, bcemr_source *sources)
{
    uint64_t at = 8 + part->head.n;
    for (uint64_t d = 0; d < part->document_count; d++) {
        windows[d] = (hand_window){&part->whole, at};
        sources[d] = (bcemr_source){&windows[d], part->documents[d].length, read_window};
        at += part->documents[d].length;
    }
}

/* ---- a visit with its contributions ---- */

bcemr_status hand_state_open(hand *h, hand_state *out)
{
    bcemr_status status = BCEMR_OK;
    const command_list *given = &h->o->contributions;
    HAND(hand_visit_open(h, h->o->file, h->o->hospital, &out->visit));
    HAND(hand_intake_read(h, h->o->intake, &out->visit, &out->intake_bytes, &out->intake));
    if (given->count != out->visit.log->signed_count)
        return hand_misuse(h,
                           "%u doctors have signed: --contribution takes theirs, in order, not %u",
                           (unsigned)out->visit.log->signed_count, (unsigned)given->count);
    for (uint64_t i = 0; i < given->count; i++) {
        HAND(hand_part_open(h, given->items[i], &out->visit, i + 1, &out->parts[i]));
        out->part_count = i + 1;
    }
out:
    return status;
}

void hand_state_free(hand_state *state)
{
    for (uint64_t i = 0; i < BCEMR_TEAM_MAX; i++)
        hand_part_free(&state->parts[i]);
    bcemr_buf_free(&state->intake_bytes);
    hand_visit_free(&state->visit);
}
