/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700 /* mkdtemp, nftw */

#include "bcemr/case.h"
#include "bcemr/demo/stage.h"

#include "bcemr/random.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* When a seeded story begins: 2026-01-15 08:00 UTC. */
#define SEEDED_START_MS 1768464000000LL

static int64_t clock_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- folders ---- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void stage_remove(const char *folder)
{
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool scratch_folder(stage *s)
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(s->folder, sizeof s->folder, "%s/bcemr-demo-XXXXXX",
                   base && *base ? base : "/tmp");
    if (mkdtemp(s->folder))
        return true;
    report_failure(s->report, "cannot make a folder like %s: set TMPDIR to one that can be written",
                   s->folder);
    return false;
}

static bool kept_folder(stage *s, const char *keep)
{
    files_error err;
    char path[1200];
    (void)snprintf(s->folder, sizeof s->folder, "%s", keep);
    (void)snprintf(path, sizeof path, "%s/opened", s->folder);
    if (strlen(keep) >= sizeof s->folder || files_exists(path)) {
        report_failure(s->report, "%s holds an earlier run: give --keep another folder", keep);
        return false;
    }
    if (files_make_folder(keep, &err) == BCEMR_OK)
        return true;
    report_file_error(s->report, &err);
    return false;
}

/* ---- opening ---- */

static bool begin(stage *s, report *r, const demo_options *options)
{
    bcemr_error err = {0};
    s->report = r;
    s->doctors = options->doctors;
    s->start = options->seed ? SEEDED_START_MS : clock_now();
    if (options->seed) {
        err.status = random_install_seed(options->seed);
        if (err.status != BCEMR_OK) {
            report_error(r, "use --seed", &err);
            return false;
        }
    }
    err.status = threads_pool_new(options->threads, &s->pool);
    if (err.status == BCEMR_OK)
        err.status = bcemr_context_new(&s->context);
    if (err.status != BCEMR_OK) {
        report_error(r, "start", &err);
        return false;
    }
    s->parallel = threads_pool_parallel(s->pool);
    return true;
}

static bool take_inputs(stage *s, const demo_options *options)
{
    files_error err;
    bcemr_status status =
        options->records.count > 0
            ? inputs_given(options->records.items, options->records.count, &s->inputs, &err)
            : inputs_find(options->data, &s->inputs, &err);
    if (status != BCEMR_OK)
        report_file_error(s->report, &err);
    return status == BCEMR_OK;
}

bool stage_open(stage *s, report *r, const demo_options *options)
{
    s->keep = options->keep != NULL;
    return begin(s, r, options) && take_inputs(s, options) &&
           (options->keep ? kept_folder(s, options->keep) : scratch_folder(s));
}

bool stage_open_scratch(stage *s, report *r, const demo_options *options)
{
    files_error err;
    s->scratch = true;
    if (!begin(s, r, options) || !scratch_folder(s))
        return false;
    /* A folder without fetched files: our own small documents alone, so that a tamper is quick. */
    bcemr_status status = inputs_find(s->folder, &s->inputs, &err);
    if (status != BCEMR_OK)
        report_file_error(r, &err);
    return status == BCEMR_OK;
}

void stage_close(stage *s)
{
    if (s->scratch && s->folder[0])
        stage_remove(s->folder);
    inputs_free(&s->inputs);
    bcemr_context_free(s->context);
    threads_pool_free(s->pool);
    memset(s, 0, sizeof *s);
}

bcemr_status stage_world(const stage *s, world *w, const char *base)
{
    bcemr_status status = BCEMR_OK;
    char work[1024], database[1040];
    files_error err;
    (void)snprintf(work, sizeof work, "%.1000s/work", base);
    (void)snprintf(database, sizeof database, "%s/ledger.db", s->keep ? base : work);
    status = files_make_folder(work, &err);
    if (status != BCEMR_OK) {
        memset(w, 0, sizeof *w);
        w->file_error = err;
        return status;
    }
    status = world_open(w, s->report, &s->inputs, s->doctors, s->context, &s->parallel, s->start,
                        work, database);
    (void)snprintf(w->base, sizeof w->base, "%s", base);
    return status;
}

/* ---- keeping ---- */

static bcemr_status keep_bytes(const stage *s, world *w, const char *name, bcemr_span bytes)
{
    char path[1200];
    (void)snprintf(path, sizeof path, "%s/%s", s->folder, name);
    return files_write(path, bytes, FILES_NEW, &w->file_error);
}

/* The terms with what shows that they are those of the Consent and that the visit's key signed
 * them. */
static bcemr_status keep_grant(const stage *s, world *w)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_grant_post post;
    const bcemr_tr_consent opening = {bcemr_buf_span(&w->grant.terms), w->grant.secrets.salt};
    DO(keep_bytes(s, w, "grant.terms", opening.terms));
    DO(bcemr_write_consent(&opening, &held, &w->error));
    DO(keep_bytes(s, w, "grant.consent", bcemr_buf_span(&held)));
    DO(bcemr_read_grant_post(bcemr_buf_span(&w->grant.posts[0]), &post, &w->error));
    bcemr_buf_clear(&held);
    DO(bcemr_write_list(&bcemr_type_edsig_item, &post.signatures, &held, &w->error));
    DO(keep_bytes(s, w, "grant.signatures", bcemr_buf_span(&held)));
out:
    bcemr_buf_free(&held);
    return status;
}

/* The content as the reader opened it, a case file without and one with all of it. */
static bcemr_status keep_case(const stage *s, world *w)
{
    bcemr_status status = BCEMR_OK;
    char content[1200], path[1200];
    const char **paths = bcemr_allocate((w->opened_count + 1) * sizeof *paths);
    case_writing writing = {
        .context = w->context, .view = &w->view, .vid = &w->vid, .path = path, .how = FILES_NEW};
    if (!paths)
        DO(BCEMR_E_NO_MEMORY);
    for (uint64_t i = 0; i < w->opened_count; i++)
        paths[i] = w->opened[i].path;
    (void)snprintf(content, sizeof content, "%s/content", s->folder);
    DO(case_content_write(content, FILES_NEW, bcemr_buf_span(&w->content_head), paths,
                          w->opened_count, &w->error, &w->file_error));
    (void)snprintf(path, sizeof path, "%s/case.bcemr", s->folder);
    DO(case_write(&writing, &w->error, &w->file_error));
    (void)snprintf(path, sizeof path, "%s/case-opened.bcemr", s->folder);
    writing.content = content;
    DO(case_write(&writing, &w->error, &w->file_error));
out:
    bcemr_release(paths);
    return status;
}

bcemr_status stage_keep(const stage *s, world *w)
{
    bcemr_status status = BCEMR_OK;
    char path[1200];
    (void)snprintf(path, sizeof path, "%s/record.payload", s->folder);
    DO(keep_bytes(s, w, "genesis", bcemr_buf_span(&w->genesis)));
    DO(keep_bytes(s, w, "record.header", bcemr_buf_span(&w->header)));
    if (rename(w->payload, path) != 0)
        DO(BCEMR_E_IO);
    DO(keep_grant(s, w));
    DO(keep_case(s, w));
out:
    return status;
}
