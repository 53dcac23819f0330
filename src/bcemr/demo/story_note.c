/* SPDX-License-Identifier: Apache-2.0 */
/* A doctor who was dealt no document writes a short note, so that nobody signs nothing. */
#include "bcemr/demo/story.h"

#include <stdio.h>
#include <string.h>

static bool name_taken(const world *w, const char *name)
{
    for (uint64_t f = 0; f < w->inputs->count; f++)
        if (strcmp(w->inputs->files[f].name, name) == 0)
            return true;
    return false;
}

/* Beside the inputs, under a name that none of them has. */
static void name_note(const world *w, uint64_t i, world_note *note)
{
    (void)snprintf(note->name, sizeof note->name, "consultation-note-%u.txt", (unsigned)i + 1);
    for (unsigned n = 2; name_taken(w, note->name); n++)
        (void)snprintf(note->name, sizeof note->name, "consultation-note-%u-%u.txt",
                       (unsigned)i + 1, n);
    (void)snprintf(note->path, sizeof note->path, "%.1000s/input/%s", w->base, note->name);
}

static bcemr_status write_note(world *w, const world_doctor *doctor)
{
    bcemr_status status = BCEMR_OK;
    char folder[1100], text[512];
    (void)snprintf(folder, sizeof folder, "%.1000s/input", w->base);
    (void)snprintf(text, sizeof text,
                   "Consultation note\n"
                   "%.90s, %.60s\n\n"
                   "Asked to join the case conference. Went through the history and the findings "
                   "of the\ncolleagues who signed before. Agrees with their assessment; no "
                   "further investigation is\nneeded from this side.\n",
                   doctor->id, doctor->title);
    DO(files_make_folder(folder, &w->file_error));
    DO(files_write(doctor->note.path, bcemr_text(text), FILES_NEW, &w->file_error));
out:
    return status;
}

bcemr_status story_note(world *w, uint64_t i)
{
    bcemr_status status = BCEMR_OK;
    world_doctor *doctor = &w->team[i];
    world_note *note = &doctor->note;
    name_note(w, i, note);
    DO(write_note(w, doctor));
    note->file = (inputs_file){.role = "note",
                               .text = "consultation note",
                               .media_type = inputs_media_type(note->name),
                               .discipline = INPUTS_GIVEN,
                               .own = true,
                               .path = note->path,
                               .name = note->name};
    DO(files_sha256(note->path, &note->file.sha256, &note->file.bytes, &w->file_error));
    DO(files_source_open(note->path, &doctor->files[0], &w->file_error));
    doctor->sources[0] = files_source_view(doctor->files[0]);
    doctor->documents[0] = &note->file;
    doctor->document_count = 1;
out:
    return status;
}
