/* SPDX-License-Identifier: Apache-2.0 */
/* Phase 4 of the story: the last doctor seals, clouds and hospital check, the case is sealed. */
#include "bcemr/demo/story.h"

#include <bcemr/hash.h>
#include <stdio.h>

static world_doctor *last_doctor(world *w)
{
    return &w->team[w->team_count - 1];
}

bcemr_status story_seal(world *w)
{
    bcemr_status status = BCEMR_OK;
    files_sink *sink = NULL;
    report_run run;
    world_doctor *d = last_doctor(w);
    const bcemr_documents documents = world_documents(d);
    double began = report_now();
    w->crossed = 0;
    (void)snprintf(w->payload, sizeof w->payload, "%.900s/payload", d->folder);
    w->progress = report_run_begin(&run, w->r, "sealing the record");
    w->run.progress = &w->progress;
    DO(files_sink_create(w->payload, FILES_REPLACE, &sink, &w->file_error));
    const bcemr_sink view = files_sink_view(sink);
    w->by = d->id;
    bcemr_buf_clear(&w->header);
    DO(bcemr_doctor_seal(d->visit, d->sources, &documents, &w->run, &view, &w->header, &w->error));
    DO(files_sink_commit(sink, &w->file_error));
out:
    w->run.progress = NULL;
    (void)report_run_end(&run);
    world_documents_close(d);
    files_sink_free(sink);
    if (status == BCEMR_OK)
        report_step(w->r, d->id, report_now() - began, REPORT_NO_BYTES,
                    "sealed the record for the patient under a fresh capsule");
    return status;
}

bcemr_status story_upload(world *w, uint64_t cloud_node, bcemr_buf *confirmation)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf header = BCEMR_BUF_EMPTY;
    files_source *payload = NULL;
    report_run run;
    world_node *c = &w->nodes[cloud_node];
    double began = report_now();
    w->crossed = 0;
    w->progress = report_run_begin(&run, w->r, "uploading the record");
    w->run.progress = &w->progress;
    DO(bcemr_buf_set(&header, bcemr_buf_span(&w->header)));
    DO(world_carry(w, POINT_HEADER, c->id, &header));
    DO(world_file(w, POINT_PAYLOAD, c->id, w->payload));
    DO(files_source_open(w->payload, &payload, &w->file_error));
    const bcemr_source source = files_source_view(payload);
    world_crossed(w, source.length);
    const cloud_upload upload = {.vid = w->vid,
                                 .from = last_doctor(w)->self.id,
                                 .header = bcemr_buf_span(&header),
                                 .payload = &source};
    DO(cloud_take_record(c->cloud, &upload, confirmation, &w->error));
out:
    w->run.progress = NULL;
    (void)report_run_end(&run);
    files_source_close(payload);
    bcemr_buf_free(&header);
    if (status == BCEMR_OK)
        report_step(w->r, c->id, report_now() - began, w->crossed,
                    "checked the header, the capsule and every chunk, stored it, confirms");
    return status;
}

/* The hospital reads the payload back from a cloud and opens all of it before it confirms. */
bcemr_status story_hospital_check(world *w)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf pair_box = BCEMR_BUF_EMPTY, answer = BCEMR_BUF_EMPTY, header = BCEMR_BUF_EMPTY;
    bcemr_source payload = {0};
    world_doctor *d = last_doctor(w);
    world_node *a = &w->nodes[WORLD_HOSPITAL_A], *c = &w->nodes[WORLD_CLOUD_1];
    report_run run;
    double began = report_now();
    w->crossed = 0;
    w->progress = report_run_begin(&run, w->r, "the hospital opens the record");
    w->run.progress = &w->progress;
    w->by = d->id;
    DO(bcemr_doctor_show_r(d->visit, &pair_box, &w->error));
    DO(world_carry(w, POINT_SEAL_R, c->id, &pair_box));
    DO(cloud_read(c->cloud, &w->vid, CLOUD_READER_MEMBER, world_id(a->id), w->now, &header,
                  &payload, &w->error));
    world_crossed(w, payload.length);
    w->by = a->id;
    DO(hospital_check_seal(a->hospital, &w->vid, d->self.id, bcemr_buf_span(&pair_box), &payload,
                           w->now, &answer, &w->error));
    DO(world_carry(w, POINT_SEAL_ANSWER, d->id, &answer));
    DO(bcemr_doctor_sealed(d->visit, bcemr_buf_span(&answer), &w->error));
out:
    w->run.progress = NULL;
    (void)report_run_end(&run);
    if (payload.read)
        cloud_read_close(c->cloud, &payload);
    bcemr_buf_free(&pair_box);
    bcemr_buf_free(&answer);
    bcemr_buf_free(&header);
    if (status == BCEMR_OK)
        report_step(w->r, a->id, report_now() - began, w->crossed,
                    "recomputed the capsule, opened the record, compared every part, confirms");
    return status;
}

bcemr_status story_confirm(world *w, bcemr_buf *confirmation)
{
    bcemr_status status = BCEMR_OK;
    world_node *a = &w->nodes[WORLD_HOSPITAL_A];
    DO(world_carry(w, POINT_CONFIRMATION, a->id, confirmation));
    DO(hospital_confirmation(a->hospital, bcemr_buf_span(confirmation), &w->error));
out:
    return status;
}

bcemr_status story_block(world *w)
{
    bcemr_status status = BCEMR_OK;
    world_node *a = &w->nodes[WORLD_HOSPITAL_A];
    double began = report_now();
    w->crossed = 0;
    w->by = a->id;
    DO(hospital_seal(a->hospital, &w->vid, &w->error));
    DO(world_pump(w, WORLD_HOSPITAL_A));
    report_step(w->r, "ledger", report_now() - began, w->crossed,
                "took the Seal under a joint signature; the case block follows it");
out:
    return status;
}

bcemr_status story_store(world *w)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf confirmations[WORLD_CLOUDS] = {{0}};
    DO(story_seal(w));
    for (uint64_t c = 0; c < WORLD_CLOUDS; c++)
        DO(story_upload(w, WORLD_CLOUD_1 + c, &confirmations[c]));
    DO(story_hospital_check(w));
    for (uint64_t c = 0; c < WORLD_CLOUDS; c++)
        DO(story_confirm(w, &confirmations[c]));
    DO(story_block(w));
out:
    for (uint64_t c = 0; c < WORLD_CLOUDS; c++)
        bcemr_buf_free(&confirmations[c]);
    return status;
}
