/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/case.h"

bcemr_status case_write(const case_writing *w, bcemr_error *err, files_error *file)
{
    bcemr_status status = BCEMR_OK;
    files_source *content = NULL;
    files_sink *out = NULL;
    bcemr_source source;
    bcemr_case_making making = {
        .context = w->context, .view = w->view, .vid = *w->vid, .places = w->places, .run = w->run};
    *file = (files_error){.status = BCEMR_OK};
    if (w->content) {
        TRY(files_source_open(w->content, &content, file));
        source = files_source_view(content);
        making.content = &source;
    }
    TRY(files_sink_create(w->path, w->how, &out, file));
    const bcemr_sink sink = files_sink_view(out);
    status = bcemr_case_file_make(&making, &sink, err);
    if (status != BCEMR_OK && content)
        (void)files_source_error(content, file);
    if (status != BCEMR_OK && file->status == BCEMR_OK)
        (void)files_sink_error(out, file);
    TRY(status);
    TRY(files_sink_commit(out, file));
out:
    files_source_close(content);
    files_sink_free(out);
    return status;
}

static bcemr_status append_file(const char *path, const bcemr_sink *sink, files_error *file)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_run run = {0};
    files_source *document = NULL;
    TRY(files_source_open(path, &document, file));
    const bcemr_source source = files_source_view(document);
    status = hand_pump(&source, &run, sink);
    if (status != BCEMR_OK)
        (void)files_source_error(document, file);
out:
    files_source_close(document);
    return status;
}

bcemr_status case_content_write(const char *path, files_how how, bcemr_span head,
                                const char *const *documents, uint64_t count, bcemr_error *err,
                                files_error *file)
{
    bcemr_status status = BCEMR_OK;
    files_sink *out = NULL;
    uint8_t length[8];
    *file = (files_error){.status = BCEMR_OK};
    bcemr_store_u64(length, head.n);
    TRY(files_sink_create(path, how, &out, file));
    const bcemr_sink sink = files_sink_view(out);
    TRY_AT(sink.write(sink.user, bcemr_span_of(length, sizeof length)), "content", NULL);
    TRY_AT(sink.write(sink.user, head), "content", NULL);
    for (uint64_t i = 0; i < count; i++)
        TRY_AT(append_file(documents[i], &sink, file), "content", "documents");
    TRY(files_sink_commit(out, file));
out:
    if (status != BCEMR_OK && file->status == BCEMR_OK && out)
        (void)files_sink_error(out, file);
    files_sink_free(out);
    return status;
}
