/* SPDX-License-Identifier: Apache-2.0 */
/* Phase 5 of the story: grant, consent, request, access, opening elsewhere, audit. */
#include "bcemr/demo/people.h"
#include "bcemr/demo/story.h"

#include <bcemr/hash.h>
#include <stdio.h>
#include <string.h>

#define WEEK_MS (7LL * 24 * 3600 * 1000)

bcemr_status story_grant(world *w)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_span at = world_id(w->nodes[WORLD_CLOUD_1].id);
    const bcemr_patient_visit *visits[] = {&w->visit};
    const bcemr_grant_wish wish = {.doctor = w->elsewhere.self.id,
                                   .scope = BCEMR_scope_READ,
                                   .expiry = w->now + WEEK_MS,
                                   .purpose = bcemr_text(people_purpose),
                                   .clouds = &at,
                                   .cloud_count = 1,
                                   .visits = visits,
                                   .visit_count = 1};
    double began = report_now();
    w->crossed = 0;
    w->by = "patient";
    DO(bcemr_patient_grant_make(&w->wallet, &wish, w->now, &w->grant, &w->error));
    report_step(w->r, "patient", report_now() - began, REPORT_NO_BYTES,
                "granted this visit to %s for seven days; no private key left the patient",
                w->elsewhere.id);
out:
    return status;
}

bcemr_status story_consent(world *w, uint64_t cloud_node)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf post = BCEMR_BUF_EMPTY;
    world_node *c = &w->nodes[cloud_node];
    double began = report_now();
    w->crossed = 0;
    DO(bcemr_buf_set(&post, bcemr_buf_span(&w->grant.posts[0])));
    DO(world_carry(w, POINT_GRANT_POST, c->id, &post));
    DO(cloud_take_grant(c->cloud, bcemr_buf_span(&post), w->now, &w->error));
    DO(world_pump(w, cloud_node));
    report_step(w->r, c->id, report_now() - began, w->crossed,
                "checked signatures and re-encryption key; a blinded Consent is on the ledger");
out:
    bcemr_buf_free(&post);
    return status;
}

bcemr_status story_request(world *w, uint64_t cloud_node, bcemr_buf *ask)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf offer = BCEMR_BUF_EMPTY;
    bcemr_nonce nonce;
    const uint8_t visits[1] = {1};
    world_node *c = &w->nodes[cloud_node];
    world_doctor *j = &w->elsewhere;
    w->by = c->id;
    if (!w->held) {
        DO(cloud_offer(c->cloud, j->self.id, 0, w->now, &offer, &w->error));
        DO(world_carry(w, POINT_GRANT_OFFER, j->id, &offer));
        DO(bcemr_doctor_take_offer(&j->self, bcemr_buf_span(&offer), &w->held, &w->error));
    }
    DO(cloud_nonce(c->cloud, j->self.id, w->now, &nonce, &w->error));
    w->by = j->id;
    DO(bcemr_doctor_ask(&j->self, w->held, world_id(c->id), bcemr_span_of(visits, 1),
                        BCEMR_access_reason_SECOND_OPINION, &nonce, w->now, ask, &w->error));
out:
    bcemr_buf_free(&offer);
    return status;
}

bcemr_status story_access(world *w, uint64_t cloud_node, bcemr_buf *ask)
{
    bcemr_status status = BCEMR_OK;
    world_node *c = &w->nodes[cloud_node];
    DO(world_carry(w, POINT_ACCESS_ASK, c->id, ask));
    DO(cloud_access(c->cloud, bcemr_buf_span(ask), w->now, &w->gid, &w->error));
    DO(world_pump(w, cloud_node));
out:
    return status;
}

bcemr_status story_answer(world *w, uint64_t cloud_node)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf answer = BCEMR_BUF_EMPTY;
    world_node *c = &w->nodes[cloud_node];
    world_doctor *j = &w->elsewhere;
    w->by = c->id;
    DO(cloud_answer(c->cloud, &w->gid, bcemr_held_grant_checked(w->held, world_id(c->id)), &answer,
                    &w->error));
    DO(world_carry(w, POINT_ACCESS_ANSWER, j->id, &answer));
    DO(bcemr_doctor_take_answer(&j->self, w->held, bcemr_buf_span(&answer), &w->error));
out:
    bcemr_buf_free(&answer);
    return status;
}

/* ---- what the doctor elsewhere gets to see ---- */

typedef struct showing {
    world *w;
    char folder[1024];
    files_sink **sinks;
    uint64_t count;
    uint64_t limit;
} showing;

static bcemr_status show_document(void *user, uint64_t index, const bcemr_tr_document *document,
                                  bcemr_sink *sink)
{
    showing *s = user;
    if (index >= s->limit)
        return BCEMR_E_TOO_MANY;
    bcemr_status status = files_sink_create_in(s->folder, document->name, FILES_NEW,
                                               &s->sinks[index], &s->w->file_error);
    if (status != BCEMR_OK)
        return status;
    s->count = index + 1;
    *sink = files_sink_view(s->sinks[index]);
    return BCEMR_OK;
}

/* Only now, after every check, do the files get their names. */
static bcemr_status name_documents(showing *s, const bcemr_opened *opened)
{
    bcemr_status status = BCEMR_OK;
    world *w = s->w;
    w->opened = bcemr_allocate(opened->document_count * sizeof *w->opened);
    if (!w->opened)
        DO(BCEMR_E_NO_MEMORY);
    for (uint64_t d = 0; d < s->count; d++) {
        world_opened *o = &w->opened[d];
        if (!s->sinks[d])
            continue;
        DO(files_sink_commit(s->sinks[d], &w->file_error));
        (void)snprintf(o->path, sizeof o->path, "%s", files_sink_path(s->sinks[d]));
        DO(files_sha256(o->path, &o->sha256, &o->bytes, &w->file_error));
        w->opened_count = d + 1;
    }
out:
    return status;
}

static bcemr_status open_record(world *w, uint64_t cloud_node, showing *s, bcemr_opened *opened)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf header = BCEMR_BUF_EMPTY;
    bcemr_source payload = {0};
    world_node *c = &w->nodes[cloud_node];
    const bcemr_output output = {s, show_document};
    w->by = c->id;
    DO(cloud_read(c->cloud, &w->vid, CLOUD_READER_DOCTOR, w->elsewhere.self.id, w->now, &header,
                  &payload, &w->error));
    world_crossed(w, payload.length);
    w->by = w->elsewhere.id;
    const bcemr_source served = w->lie ? w->lie(w, payload) : payload;
    DO(bcemr_doctor_open(&w->elsewhere.self, w->held, 0, &served, &w->run, &output, opened,
                         &w->error));
out:
    if (payload.read)
        cloud_read_close(c->cloud, &payload);
    bcemr_buf_free(&header);
    return status;
}

bcemr_status story_open(world *w, uint64_t cloud_node)
{
    bcemr_status status = BCEMR_OK;
    bcemr_opened opened = {0};
    report_run run;
    showing s = {.w = w, .limit = 1024};
    double began = report_now();
    w->crossed = 0;
    w->progress = report_run_begin(&run, w->r, "opening the record");
    w->run.progress = &w->progress;
    (void)snprintf(s.folder, sizeof s.folder, "%.900s/opened", w->base);
    s.sinks = bcemr_allocate(s.limit * sizeof(files_sink *));
    if (!s.sinks)
        DO(BCEMR_E_NO_MEMORY);
    DO(files_make_folder(s.folder, &w->file_error));
    DO(open_record(w, cloud_node, &s, &opened));
    DO(name_documents(&s, &opened));
    DO(bcemr_buf_set(&w->content_head, bcemr_buf_span(&opened.head)));
out:
    w->run.progress = NULL;
    (void)report_run_end(&run);
    for (uint64_t d = 0; s.sinks && d < s.count; d++)
        files_sink_free(s.sinks[d]);
    bcemr_release(s.sinks);
    if (status == BCEMR_OK)
        report_step(w->r, w->elsewhere.id, report_now() - began, w->crossed,
                    "opened the record and verified %u doctors' signatures, presence and every "
                    "document",
                    (unsigned)opened.content.diagnoses.count);
    bcemr_opened_free(&opened);
    return status;
}

static void tell_access(void *user, const bcemr_audited *a)
{
    world *w = user;
    if (a->verdict != BCEMR_VALID) {
        report_mark(w->r, false, "entry %u by %.*s is no access of %s: %s", (unsigned)a->leaf,
                    (int)a->cloud.n, (const char *)a->cloud.p, w->elsewhere.id,
                    bcemr_verdict_text(a->verdict));
        return;
    }
    const char *reason = bcemr_value_text("access_reason", a->request.reason);
    report_step(w->r, "patient", REPORT_NO_TIME, REPORT_NO_BYTES,
                "finds on the ledger: %s read this record through %.*s (%s), entry %u",
                w->elsewhere.id, (int)a->cloud.n, (const char *)a->cloud.p, reason ? reason : "?",
                (unsigned)a->leaf);
}

bcemr_status story_audit(world *w)
{
    w->by = "patient";
    return bcemr_patient_audit(&w->wallet, &w->grant, tell_access, w, &w->error);
}

bcemr_status story_share(world *w)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf ask = BCEMR_BUF_EMPTY;
    world_node *c = &w->nodes[WORLD_CLOUD_1];
    DO(story_grant(w));
    DO(story_consent(w, WORLD_CLOUD_1));
    double began = report_now();
    w->crossed = 0;
    DO(story_request(w, WORLD_CLOUD_1, &ask));
    DO(story_access(w, WORLD_CLOUD_1, &ask));
    DO(story_answer(w, WORLD_CLOUD_1));
    report_step(w->r, c->id, report_now() - began, w->crossed,
                "logged the access, then re-encrypted the capsule for %s", w->elsewhere.id);
    DO(story_open(w, WORLD_CLOUD_1));
    DO(story_audit(w));
out:
    bcemr_buf_free(&ask);
    return status;
}
