/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that go into FOLDER/1, FOLDER/2, ... by doctor: hidden files until all has held. */
#include "bcemr/hand/hand.h"

#include <string.h>
#include <unistd.h>

#define DOCUMENTS_MAX ((uint64_t)BCEMR_TEAM_MAX * 1024)

bcemr_status hand_folder_begin(hand *h, const char *path, hand_folder *out)
{
    bcemr_status status = BCEMR_OK;
    memset(out, 0, sizeof *out);
    out->path = path;
    out->sinks = bcemr_allocate(DOCUMENTS_MAX * sizeof(files_sink *));
    if (!out->sinks)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "documents", NULL);
out:
    return status;
}

static void folder_of(const hand_folder *f, uint64_t place, char out[1024])
{
    (void)snprintf(out, 1024, "%.900s/%u", f->path, (unsigned)place);
}

bcemr_status hand_folder_document(hand *h, hand_folder *f, uint64_t place, bcemr_span name,
                                  bcemr_sink *sink)
{
    char folder[1024];
    if (f->count >= DOCUMENTS_MAX || place > BCEMR_TEAM_MAX)
        return BCEMR_E_TOO_MANY;
    folder_of(f, place, folder);
    f->made_out = f->made_out || !files_exists(f->path);
    f->made_folder[place] = f->made_folder[place] || !files_exists(folder);
    bcemr_status status = files_make_folder(folder, &h->file);
    if (status == BCEMR_OK)
        status = files_sink_create_in(folder, name, h->o->replace ? FILES_REPLACE : FILES_NEW,
                                      &f->sinks[f->count], &h->file);
    if (status != BCEMR_OK)
        return status;
    *sink = files_sink_view(f->sinks[f->count++]);
    return BCEMR_OK;
}

/* Nothing came of it: what is empty and ours goes. */
static void remove_folders(hand_folder *f)
{
    char folder[1024];
    for (uint64_t i = 0; i < f->count; i++)
        files_sink_free(f->sinks[i]);
    f->count = 0;
    for (uint64_t place = 0; place <= BCEMR_TEAM_MAX; place++) {
        folder_of(f, place, folder);
        if (f->made_folder[place])
            (void)rmdir(folder);
    }
    if (f->made_out)
        (void)rmdir(f->path);
}

bcemr_status hand_folder_end(hand *h, hand_folder *f, bcemr_status status)
{
    for (uint64_t i = 0; status != BCEMR_OK && i < f->count; i++)
        if (h->file.status == BCEMR_OK)
            hand_sink_failed(h, f->sinks[i]);
    if (status == BCEMR_OK)
        status = hand_commit_all(h, f->sinks, f->count);
    if (status != BCEMR_OK)
        remove_folders(f);
    return status;
}

void hand_folder_free(hand_folder *f)
{
    for (uint64_t i = 0; f->sinks && i < f->count; i++)
        files_sink_free(f->sinks[i]);
    bcemr_release(f->sinks);
    memset(f, 0, sizeof *f);
}
