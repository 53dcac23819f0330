/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "bcemr/bench/ledger.h"

#include "bcemr/bench/ledger_result.h"
#include "bcemr/command.h"
#include "bcemr/demo/stage.h"
#include "bcemr/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const ledger_extent full = {100000, 1000, 12000, {1000, 10000, 100000, 1000000}, 2000};
static const ledger_extent quick = {240, 32, 100, {100, 200, 400, 800}, 20};

typedef struct places {
    char folder[LEDGER_PATH - 32], database[LEDGER_PATH], scratch[LEDGER_PATH], tree[LEDGER_PATH];
} places;

static bool make_places(report *out, const char *dir, places *p)
{
    const char *base = dir ? dir : getenv("TMPDIR");
    (void)snprintf(p->folder, sizeof p->folder, "%s/bcemr-bench-XXXXXX",
                   base && *base ? base : "/tmp");
    if (!mkdtemp(p->folder)) {
        report_failure(out, "cannot make a folder like %s: give --dir one that can be written",
                       p->folder);
        return false;
    }
    (void)snprintf(p->database, sizeof p->database, "%s/ledger.db", p->folder);
    (void)snprintf(p->scratch, sizeof p->scratch, "%s/scratch.db", p->folder);
    (void)snprintf(p->tree, sizeof p->tree, "%s/tree.db", p->folder);
    return true;
}

static uint64_t file_bytes(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static bool failed(report *out, const char *what, const bcemr_error *err)
{
    report_error(out, what, err);
    return false;
}

static bool run_database(report *out, load *l, const places *p, const ledger_extent *e,
                         ledger_result *r)
{
    report_run run;
    bcemr_error err = {0};
    bcemr_progress progress = report_run_begin_count(&run, out, "through the engine", "entries");
    err.status = ledger_durable_run(l, p->database, e, &progress, &r->durable, &err);
    (void)report_run_end(&run);
    if (err.status != BCEMR_OK)
        return failed(out, "run the engine", &err);
    r->database_bytes = file_bytes(p->database);
    progress = report_run_begin_count(&run, out, "verified again", "entries");
    err.status = ledger_again_run(l, p->database, p->scratch, &progress, &r->again, &err);
    (void)report_run_end(&run);
    if (err.status != BCEMR_OK)
        return failed(out, "verify the database", &err);
    err.status = ledger_open_apart(p->database, &r->opened);
    return err.status == BCEMR_OK || failed(out, "open the database", &err);
}

static bool run_all(report *out, const bcemr_parallel *two, const places *p, const ledger_extent *e,
                    ledger_result *r)
{
    load *l = NULL;
    report_run run;
    bcemr_error err = {0};
    bcemr_progress progress = report_run_begin_count(&run, out, "signing", "visits");
    bool good = load_new(e->entries, two, &progress, &l);
    (void)report_run_end(&run);
    if (!good)
        report_failure(out, "what is measured cannot be made");
    if (good) {
        r->entries = l->count;
        r->visits = l->visit_count;
        r->signs = l->count - l->signs;
        good = run_database(out, l, p, e, r);
    }
    if (good) {
        progress = report_run_begin_count(&run, out, "a tree for proofs", "leaves");
        err.status = ledger_proofs_run(l, p->tree, e, &progress, r->proofs, &err);
        (void)report_run_end(&run);
        good = err.status == BCEMR_OK || failed(out, "make proofs", &err);
    }
    load_free(l);
    return good;
}

static int show(report *out, const bench_ledger_options *o, const ledger_result *r)
{
    report_json j;
    ledger_tables(out, r);
    report_json_begin(&j);
    ledger_json(r, &j);
    if (report_json_print(out, &j) != BCEMR_OK)
        return COMMAND_FAILED;
    return o->check && ledger_missed(r) > 0 ? COMMAND_FAILED : COMMAND_DONE;
}

static int open_only(report *out, const char *path)
{
    ledger_opened opened;
    report_json j;
    bcemr_error err = {0};
    if (ledger_open_run(path, &opened, &err) != BCEMR_OK) {
        report_error(out, "open the database", &err);
        return COMMAND_FAILED;
    }
    report_line(out, "opened in %.3f s with %u KiB", opened.seconds, (unsigned)opened.rss_kib);
    report_json_begin(&j);
    result_json_real(&j, j.root, "open_seconds", opened.seconds);
    report_json_number(&j, NULL, "open_rss_kib", opened.rss_kib);
    report_json_number(&j, NULL, "size", opened.size);
    return report_json_print(out, &j) == BCEMR_OK ? COMMAND_DONE : COMMAND_FAILED;
}

static int run_bench(report *out, const bench_ledger_options *o)
{
    threads_pool *pool = NULL;
    places p;
    int code = COMMAND_FAILED;
    ledger_result *r = bcemr_allocate(sizeof *r);
    if (!r || threads_pool_new(2, &pool) != BCEMR_OK) {
        report_failure(out, "%s", bcemr_status_text(BCEMR_E_NO_MEMORY));
    } else if (make_places(out, o->dir, &p)) {
        const bcemr_parallel two = threads_pool_parallel(pool);
        r->quick = o->quick;
        r->processors = threads_available();
        result_name_processor(r->processor);
        if (run_all(out, &two, &p, o->quick ? &quick : &full, r))
            code = show(out, o, r);
        stage_remove(p.folder);
    }
    threads_pool_free(pool);
    bcemr_release(r);
    return code;
}

int bench_ledger_main(const void *options)
{
    const bench_ledger_options *o = options;
    report out;
    report_begin(&out, stdout, stderr, o->json);
    int code = o->open ? open_only(&out, o->open) : run_bench(&out, o);
    return report_end(&out) ? code : COMMAND_FAILED;
}
