/* SPDX-License-Identifier: Apache-2.0 */
/* Phases 1 to 3 of the story: credentials, registration and group key, diagnoses. */
#include "bcemr/demo/people.h"
#include "bcemr/demo/story.h"

#include <bcemr/hash.h>
#include <bcemr/proof.h>
#include <stdio.h>
#include <string.h>

#define HOUR_MS 3600000LL
#define MINUTE_MS 60000LL
#define DAY_MS (24 * HOUR_MS)

/* ---- phase 1 ---- */

static bcemr_status countersigned(world *w, const world_doctor *doctor, bcemr_span enrol,
                                  bcemr_buf *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ed_signature signature;
    const world_node *home = &w->nodes[doctor->home];
    w->by = home->id;
    DO(hospital_countersign(home->hospital, enrol, false, &signature, &w->error));
    const bcemr_tr_signer row = {bcemr_text("hospital"), world_id(home->id),
                                 bcemr_span_of(signature.b, 64)};
    DO(bcemr_signed_make(enrol, &row, 1, out, &w->error));
out:
    return status;
}

bcemr_status story_enrol_doctor(world *w, world_doctor *doctor)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf pops = BCEMR_BUF_EMPTY, enrol = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY;
    bcemr_seed seed;
    bcemr_random(seed.b, sizeof seed.b);
    DO(bcemr_secrets_from_seed(&seed, &doctor->secrets));
    doctor->self = (bcemr_doctor){.context = w->context,
                                  .ledger = &w->view,
                                  .secrets = &doctor->secrets,
                                  .id = world_id(doctor->id)};
    bcemr_secrets_publics(&doctor->secrets, &doctor->self.publics);
    authority_wish wish = {.kind = BCEMR_enrol_kind_DOCTOR,
                           .id = doctor->self.id,
                           .hospital = world_id(w->nodes[doctor->home].id),
                           .keys = doctor->self.publics,
                           .not_before = w->now - HOUR_MS,
                           .not_after = w->now + 365 * DAY_MS};
    DO(authority_wish_pops(&w->ledger, &wish, &doctor->secrets, &pops, &w->error));
    wish.pops = bcemr_buf_span(&pops);
    world_crossed(w, pops.n + sizeof doctor->self.publics);
    w->by = "authority";
    DO(authority_enrol(&w->authority, &w->view, &wish, &enrol, &w->error));
    DO(countersigned(w, doctor, bcemr_buf_span(&enrol), &entry));
    DO(world_post_entry(w, bcemr_buf_span(&entry), NULL));
out:
    bcemr_wipe(&seed, sizeof seed);
    bcemr_buf_free(&pops);
    bcemr_buf_free(&enrol);
    bcemr_buf_free(&entry);
    return status;
}

/* Documents of a discipline go to its doctor; given ones are dealt out in turn. */
static bcemr_status bring_documents(world *w, uint64_t i)
{
    bcemr_status status = BCEMR_OK;
    world_doctor *doctor = &w->team[i];
    for (uint64_t f = 0; f < w->inputs->count; f++) {
        const inputs_file *file = &w->inputs->files[f];
        bool mine = file->discipline == INPUTS_GIVEN ? f % w->team_count == i
                                                     : i == (uint64_t)file->discipline;
        if (!mine || doctor->document_count == WORLD_DOCUMENTS_MAX)
            continue;
        uint64_t d = doctor->document_count;
        DO(files_source_open(file->path, &doctor->files[d], &w->file_error));
        doctor->sources[d] = files_source_view(doctor->files[d]);
        doctor->documents[d] = file;
        doctor->document_count++;
    }
    if (doctor->document_count == 0)
        DO(story_note(w, i));
out:
    return status;
}

bcemr_status story_enrol(world *w)
{
    bcemr_status status = BCEMR_OK;
    double began = report_now();
    for (uint64_t i = 0; i < w->team_count; i++) {
        world_doctor *doctor = &w->team[i];
        const people_doctor *person = i < 3 ? &people_team[i] : NULL;
        if (person)
            (void)snprintf(doctor->id, sizeof doctor->id, "%s", person->id);
        else
            (void)snprintf(doctor->id, sizeof doctor->id, "Dr Consultant %u", (unsigned)i + 1);
        doctor->title = person ? person->title : "consultant";
        doctor->waives = person ? person->waives : true;
        doctor->home = WORLD_HOSPITAL_A;
        (void)snprintf(doctor->folder, sizeof doctor->folder, "%.900s/doctor-%u", w->folder,
                       (unsigned)i + 1);
        DO(files_make_folder(doctor->folder, &w->file_error));
        DO(story_enrol_doctor(w, doctor));
        DO(bring_documents(w, i));
    }
    (void)snprintf(w->elsewhere.id, sizeof w->elsewhere.id, "%s", people_elsewhere.id);
    w->elsewhere.title = people_elsewhere.title;
    w->elsewhere.home = WORLD_HOSPITAL_B;
    DO(story_enrol_doctor(w, &w->elsewhere));
    DO(world_checkpoint(w));
    report_step(w->r, "authority", report_now() - began, w->crossed,
                "issued credentials to %u doctors, each countersigned by their hospital",
                (unsigned)w->team_count + 1);
out:
    return status;
}

/* ---- phase 2 ---- */

static bcemr_status get_ticket(world *w, bcemr_buf *ticket)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    hospital_place team[BCEMR_TEAM_MAX];
    const bcemr_span clouds[WORLD_CLOUDS] = {world_id(w->nodes[WORLD_CLOUD_1].id),
                                             world_id(w->nodes[WORLD_CLOUD_2].id)};
    for (uint64_t i = 0; i < w->team_count; i++)
        team[i] =
            (hospital_place){world_id(w->team[i].id), w->now + 8 * HOUR_MS + (int64_t)i * HOUR_MS};
    const hospital_plan plan = {.team = team,
                                .team_count = w->team_count,
                                .clouds = clouds,
                                .cloud_count = WORLD_CLOUDS,
                                .u = w->clouds_needed};
    w->by = "patient";
    DO(bcemr_patient_register(&w->wallet, w->identity, w->symptoms, &w->visit, &message,
                              &w->error));
    DO(world_carry(w, POINT_REGISTER, w->nodes[WORLD_HOSPITAL_A].id, &message));
    DO(hospital_register(w->nodes[WORLD_HOSPITAL_A].hospital, bcemr_buf_span(&message), &plan,
                         w->now, ticket, &w->vid, &w->error));
out:
    bcemr_buf_free(&message);
    return status;
}

bcemr_status story_register(world *w)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf ticket = BCEMR_BUF_EMPTY, acceptance = BCEMR_BUF_EMPTY;
    world_node *a = &w->nodes[WORLD_HOSPITAL_A];
    double began = report_now();
    w->crossed = 0;
    DO(get_ticket(w, &ticket));
    report_step(w->r, a->id, report_now() - began, w->crossed,
                "saw the patient's identity and wrote a ticket for %u doctors under a fresh "
                "pseudonym",
                (unsigned)w->team_count);
    began = report_now();
    w->crossed = 0;
    DO(world_carry(w, POINT_TICKET, "patient", &ticket));
    DO(bcemr_patient_accept(&w->wallet, &w->visit, bcemr_buf_span(&ticket), w->now, &acceptance,
                            &w->error));
    DO(world_carry(w, POINT_ACCEPTANCE, a->id, &acceptance));
    DO(hospital_accept(a->hospital, &w->vid, bcemr_buf_span(&acceptance), w->now, &w->error));
    DO(world_pump(w, WORLD_HOSPITAL_A));
    report_step(w->r, "patient", report_now() - began, w->crossed,
                "checked the ticket, accepted it and proved the visit's key: Admit is on the "
                "ledger");
out:
    bcemr_buf_free(&ticket);
    bcemr_buf_free(&acceptance);
    return status;
}

static bcemr_status group_run(world *w, world_doctor *d, hospital *h, const char *hospital_id)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf to = BCEMR_BUF_EMPTY, from = BCEMR_BUF_EMPTY;
    uint64_t run = 0;
    w->by = hospital_id;
    DO(hospital_group_hello(h, &w->vid, d->self.id, w->now, &run, &to, &w->error));
    DO(world_carry(w, POINT_GROUP_HELLO, d->id, &to));
    DO(bcemr_doctor_hello(d->visit, bcemr_buf_span(&to), w->now, &from, &w->error));
    DO(world_carry(w, POINT_GROUP_REPLY, hospital_id, &from));
    bcemr_buf_clear(&to);
    DO(hospital_group_server(h, run, bcemr_buf_span(&from), w->now, &to, &w->error));
    DO(world_carry(w, POINT_GROUP_SERVER, d->id, &to));
    bcemr_buf_clear(&from);
    DO(bcemr_doctor_prove(d->visit, bcemr_buf_span(&to), w->now, &from, &w->error));
    DO(world_carry(w, POINT_GROUP_DOCTOR, hospital_id, &from));
    bcemr_buf_clear(&to);
    DO(hospital_group_key(h, run, bcemr_buf_span(&from), w->now, &to, &w->error));
    DO(world_carry(w, POINT_GROUP_KEY, d->id, &to));
    DO(bcemr_doctor_group_key(d->visit, bcemr_buf_span(&to), w->now, &w->error));
out:
    bcemr_buf_free(&to);
    bcemr_buf_free(&from);
    return status;
}

bcemr_status story_join(world *w, uint64_t i)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf intake = BCEMR_BUF_EMPTY;
    world_doctor *d = &w->team[i];
    world_node *a = &w->nodes[WORLD_HOSPITAL_A];
    if (!d->visit)
        DO(bcemr_doctor_visit_new(&d->self, &d->visit));
    DO(group_run(w, d, a->hospital, a->id));
    w->by = a->id;
    DO(hospital_intake(a->hospital, &w->vid, d->self.id, &intake, &w->error));
    DO(world_carry(w, POINT_INTAKE, d->id, &intake));
    DO(bcemr_doctor_intake(d->visit, bcemr_buf_span(&intake), &w->error));
out:
    bcemr_buf_free(&intake);
    return status;
}

/* ---- phase 3 ---- */

/* Documents that came from others lie in the doctor's folder, by place and number. */
static void part_path(const world_doctor *d, uint64_t place, uint64_t index, char *out, size_t n)
{
    (void)snprintf(out, n, "%.900s/from-%u-%u", d->folder, (unsigned)place, (unsigned)index);
}

static bcemr_status take_one(world *w, uint64_t i, uint64_t place)
{
    bcemr_status status = BCEMR_OK;
    bcemr_source sealed = {0};
    uint64_t k = 0;
    world_doctor *d = &w->team[i];
    world_node *a = &w->nodes[WORLD_HOSPITAL_A];
    w->by = a->id;
    const bcemr_documents documents = world_documents(d);
    DO(hospital_relay(a->hospital, &w->vid, d->self.id, place, &sealed, &k, &w->error));
    world_crossed(w, sealed.length);
    w->by = d->id;
    DO(bcemr_doctor_take(d->visit, place, k, &sealed, &w->run, &documents, &w->error));
    DO(world_documents_flush(d, &w->file_error));
out:
    if (sealed.read)
        hospital_relay_close(a->hospital, &sealed);
    return status;
}

bcemr_status story_take_before(world *w, uint64_t i)
{
    bcemr_status status = BCEMR_OK;
    for (uint64_t place = 1; place <= i; place++)
        DO(take_one(w, i, place));
out:
    return status;
}

bcemr_status story_presence(world *w, uint64_t i)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf presence = BCEMR_BUF_EMPTY;
    bcemr_nonce nonce;
    world_doctor *d = &w->team[i];
    w->by = d->id;
    if (d->waives) {
        DO(bcemr_doctor_waive(d->visit, BCEMR_waiver_REMOTE_READING, &w->error));
        goto out;
    }
    DO(bcemr_doctor_ask_presence(d->visit, &nonce, &w->error));
    w->by = "patient";
    DO(bcemr_patient_present(&w->wallet, &w->visit, d->self.id, &nonce, w->now, &presence,
                             &w->error));
    DO(world_carry(w, POINT_PRESENCE, d->id, &presence));
    DO(bcemr_doctor_presence(d->visit, bcemr_buf_span(&presence), w->now, &w->error));
out:
    bcemr_buf_free(&presence);
    return status;
}

bcemr_status story_diagnose(world *w, uint64_t i)
{
    bcemr_status status = BCEMR_OK;
    world_doctor *d = &w->team[i];
    bcemr_tr_document documents[WORLD_DOCUMENTS_MAX] = {0};
    bcemr_span keywords[4];
    uint64_t keyword_count = 0;
    for (uint64_t n = 0; n < d->document_count; n++) {
        documents[n].name = bcemr_text(d->documents[n]->name);
        documents[n].media_type = bcemr_text(d->documents[n]->media_type);
    }
    if (i < INPUTS_DISCIPLINES)
        for (; people_keywords[i][keyword_count]; keyword_count++)
            keywords[keyword_count] = bcemr_text(people_keywords[i][keyword_count]);
    w->by = d->id;
    DO(bcemr_doctor_diagnose(d->visit, documents, d->sources, d->document_count, keywords,
                             keyword_count, NULL, 0, &w->run, &w->error));
out:
    return status;
}

bcemr_status story_hand_over(world *w, uint64_t i, bcemr_buf *receipt,
                             bcemr_ed_signature *signature)
{
    bcemr_status status = BCEMR_OK;
    char path[1200];
    files_sink *sink = NULL;
    files_source *sealed = NULL;
    world_doctor *d = &w->team[i];
    world_node *a = &w->nodes[WORLD_HOSPITAL_A];
    (void)snprintf(path, sizeof path, "%.900s/contribution", d->folder);
    DO(files_sink_create(path, FILES_REPLACE, &sink, &w->file_error));
    const bcemr_sink view = files_sink_view(sink);
    w->by = d->id;
    DO(bcemr_doctor_hand_over(d->visit, d->sources, w->now, &w->run, &view, &w->error));
    DO(files_sink_commit(sink, &w->file_error));
    DO(world_file(w, POINT_CONTRIBUTION, a->id, path));
    DO(files_source_open(path, &sealed, &w->file_error));
    const bcemr_source source = files_source_view(sealed);
    world_crossed(w, source.length);
    DO(hospital_take(a->hospital, &w->vid, d->self.id, bcemr_doctor_version(d->visit), &source,
                     w->now, receipt, signature, &w->error));
    DO(world_carry(w, POINT_RECEIPT, d->id, receipt));
out:
    files_source_close(sealed);
    files_sink_free(sink);
    return status;
}

bcemr_status story_sign(world *w, uint64_t i, bcemr_span receipt,
                        const bcemr_ed_signature *signature)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    world_doctor *d = &w->team[i];
    w->by = d->id;
    DO(bcemr_doctor_sign(d->visit, receipt, signature, w->now, &entry, &w->error));
    DO(world_post_entry(w, bcemr_buf_span(&entry), NULL));
    DO(world_checkpoint(w));
out:
    bcemr_buf_free(&entry);
    return status;
}

bcemr_status story_visit_doctor(world *w, uint64_t i)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf receipt = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    world_doctor *d = &w->team[i];
    report_run run;
    double began = report_now();
    w->crossed = 0;
    world_wait(w, 20 * MINUTE_MS);
    w->progress = report_run_begin(&run, w->r, d->id);
    w->run.progress = &w->progress;
    DO(story_take_before(w, i));
    DO(story_presence(w, i));
    DO(story_diagnose(w, i));
    DO(story_hand_over(w, i, &receipt, &signature));
    DO(story_sign(w, i, bcemr_buf_span(&receipt), &signature));
out:
    w->run.progress = NULL;
    (void)report_run_end(&run);
    if (status == BCEMR_OK)
        report_step(w->r, d->id, report_now() - began, w->crossed,
                    "(%s, %s) verified %u signed before, added %u document%s, signed", d->title,
                    d->waives ? "reading remotely" : "patient present", (unsigned)i,
                    (unsigned)d->document_count, world_plural(d->document_count));
    bcemr_buf_free(&receipt);
    return status;
}

/* ---- the folder of a doctor ---- */

static bcemr_status put_part(void *user, uint64_t place, uint64_t index,
                             const bcemr_tr_document *document, bcemr_sink *sink)
{
    world_doctor *d = user;
    char path[1200];
    (void)document;
    bcemr_status status = world_documents_flush(d, NULL);
    if (status != BCEMR_OK)
        return status;
    part_path(d, place, index, path, sizeof path);
    status = files_sink_create(path, FILES_REPLACE, &d->writing, NULL);
    if (status == BCEMR_OK)
        *sink = files_sink_view(d->writing);
    return status;
}

static bcemr_status get_part(void *user, uint64_t place, uint64_t index,
                             const bcemr_tr_document *document, bcemr_source *source)
{
    world_doctor *d = user;
    char path[1200];
    (void)document;
    if (d->held_count == WORLD_HELD_MAX)
        return BCEMR_E_TOO_MANY;
    part_path(d, place, index, path, sizeof path);
    bcemr_status status = files_source_open(path, &d->held[d->held_count], NULL);
    if (status == BCEMR_OK)
        *source = files_source_view(d->held[d->held_count++]);
    return status;
}

bcemr_documents world_documents(world_doctor *doctor)
{
    return (bcemr_documents){doctor, put_part, get_part};
}

bcemr_status world_documents_flush(world_doctor *d, files_error *err)
{
    if (!d->writing)
        return BCEMR_OK;
    bcemr_status status = files_sink_commit(d->writing, err);
    files_sink_free(d->writing);
    d->writing = NULL;
    return status;
}

void world_documents_close(world_doctor *d)
{
    files_sink_free(d->writing);
    d->writing = NULL;
    for (uint64_t i = 0; i < d->held_count; i++)
        files_source_close(d->held[i]);
    d->held_count = 0;
}
