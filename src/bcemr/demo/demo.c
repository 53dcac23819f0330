/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr demo`: sets the stage, plays the five phases, compares what came out with what went in. */
#define _XOPEN_SOURCE 700

#include "bcemr/demo/demo.h"

#include "bcemr/demo/stage.h"
#include "bcemr/demo/story.h"
#include "bcemr/demo/tamper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what went in, what came out ---- */

/* The n-th document of the content: doctors in order, each one's in order. */
static const inputs_file *input_of(const world *w, uint64_t n)
{
    for (uint64_t i = 0; i < w->team_count; i++) {
        if (n < w->team[i].document_count)
            return w->team[i].documents[n];
        n -= w->team[i].document_count;
    }
    return NULL;
}

static bool compare(world *w)
{
    bool all = true;
    uint64_t n = 0;
    for (; n < w->opened_count; n++) {
        const inputs_file *in = input_of(w, n);
        world_opened *o = &w->opened[n];
        o->identical = in && in->bytes == o->bytes && bcemr_hash_equal(&in->sha256, &o->sha256);
        all = all && o->identical;
    }
    return all && n > 0 && input_of(w, n) == NULL;
}

/* Each input stands beside what was opened, as a link: the two can be compared by anyone. */
static void link_inputs(const stage *s, const world *w)
{
    char folder[1200], path[1600], target[4096];
    (void)snprintf(folder, sizeof folder, "%s/input", s->folder);
    files_error err;
    if (files_make_folder(folder, &err) != BCEMR_OK)
        return;
    const inputs_file *in;
    for (uint64_t n = 0; (in = input_of(w, n)) != NULL; n++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, in->name);
        if (strcmp(path, in->path) == 0)
            continue; /* a note that was written here */
        if (realpath(in->path, target) && symlink(target, path) != 0)
            report_warning(s->report, "cannot link %s", path);
    }
}

static void print_result(report *r, const world *w, const char *folder, bool identical)
{
    static const report_column columns[] = {{"phase", false}, {"time", true}, {"crossed", true}};
    report_title(r, "The five phases");
    report_table *table = report_table_new(columns, 3);
    for (uint64_t p = 0; p < WORLD_PHASES; p++) {
        report_cell(table, "%u. %s", (unsigned)p + 1, w->phases[p].name);
        report_cell_seconds(table, w->phases[p].seconds);
        report_cell_bytes(table, w->phases[p].bytes);
    }
    report_table_print(r, table);
    report_line(r, " ");
    report_mark(r, identical, "%u document%s opened elsewhere, %s what went in",
                (unsigned)w->opened_count, world_plural(w->opened_count),
                identical ? "byte for byte" : "NOT THE SAME as");
    report_line(r, "  %s/opened, beside %s/input", folder, folder);
}

static void json_result(report_json *j, const world *w, const stage *s, bool identical)
{
    report_json_bool(j, NULL, "identical", identical);
    report_json_hash(j, NULL, "ledger", &w->ledger);
    report_json_hash(j, NULL, "vid", &w->vid);
    report_json_text(j, NULL, "folder", s->folder);
    json_t *list = report_json_list(j, NULL, "phases");
    for (uint64_t p = 0; p < WORLD_PHASES; p++) {
        json_t *item = report_json_item(j, list);
        report_json_text(j, item, "name", w->phases[p].name);
        report_json_seconds(j, item, "seconds", w->phases[p].seconds);
        report_json_number(j, item, "bytes", w->phases[p].bytes);
    }
    const inputs_file *in;
    list = report_json_list(j, NULL, "inputs");
    for (uint64_t n = 0; (in = input_of(w, n)) != NULL; n++)
        (void)report_json_file(j, list, in->path, in->bytes, &in->sha256);
    list = report_json_list(j, NULL, "opened");
    for (uint64_t n = 0; n < w->opened_count; n++)
        (void)report_json_file(j, list, w->opened[n].path, w->opened[n].bytes,
                               &w->opened[n].sha256);
    list = report_json_list(j, NULL, "missing");
    for (uint64_t n = 0; n < s->inputs.missing_count; n++)
        report_json_text(j, report_json_item(j, list), "text", s->inputs.missing[n]);
}

/* ---- the play ---- */

static bcemr_status play(stage *s, world *w)
{
    bcemr_status status = BCEMR_OK;
    DO(stage_world(s, w, s->folder));
    DO(story_until(w, WORLD_PHASES));
    if (s->keep)
        DO(stage_keep(s, w));
out:
    return status;
}

static int failed(stage *s, const world *w)
{
    char doing[256];
    (void)snprintf(doing, sizeof doing, "go on with the story (%s)", w->by ? w->by : "start");
    if (w->file_error.status != BCEMR_OK)
        report_file_error(s->report, &w->file_error);
    else
        report_error(s->report, doing, &w->error);
    return COMMAND_FAILED;
}

static int tell(stage *s, world *w)
{
    report_json j;
    bool identical = compare(w);
    link_inputs(s, w);
    print_result(s->report, w, s->folder, identical);
    report_json_begin(&j);
    json_result(&j, w, s, identical);
    if (report_json_print(s->report, &j) != BCEMR_OK)
        return COMMAND_FAILED;
    return identical ? COMMAND_DONE : COMMAND_FAILED;
}

static int run_story(stage *s)
{
    int code;
    char work[1200];
    world *w = bcemr_allocate(sizeof *w);
    if (!w)
        return COMMAND_FAILED;
    inputs_explain(&s->inputs, s->report);
    bool played = play(s, w) == BCEMR_OK;
    code = played ? tell(s, w) : failed(s, w);
    world_close(w);
    (void)snprintf(work, sizeof work, "%s/work", s->folder);
    stage_remove(played || s->keep ? work : s->folder); /* a folder that nobody was told of goes */
    bcemr_release_wiped(w, sizeof *w);
    return code;
}

int demo_main(const demo_options *options)
{
    report r;
    stage s = {0};
    int code = COMMAND_FAILED;
    report_begin(&r, stdout, stderr, options->json);
    if (options->tamper)
        code = tamper_main(options, &r);
    else if (stage_open(&s, &r, options))
        code = run_story(&s);
    stage_close(&s);
    return report_end(&r) ? code : COMMAND_FAILED;
}
