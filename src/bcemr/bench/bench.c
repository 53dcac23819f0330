/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/bench/bench.h"
#include "bcemr/bench/result.h"
#include "bcemr/command.h"
#include "bcemr/threads.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* How much of everything; a short run says nothing about speed, it shows that all of it works. */
typedef struct extent {
    uint64_t rounds, entries, visits;
    uint64_t batches[RESULT_BATCHES], batch_rounds[RESULT_BATCHES];
    uint64_t payload, payload_rounds;
} extent;

static const extent full = {200, 1000, WORLD_VISITS, {1000, 10000}, {6, 2}, (uint64_t)4 << 30, 100};
static const extent quick = {3, 40, 40, {40, 80}, {1, 1}, (uint64_t)8 << 20, 1};

void result_name_processor(char out[RESULT_CPU])
{
    char line[256];
    FILE *info = fopen("/proc/cpuinfo", "r");
    (void)snprintf(out, RESULT_CPU, "unknown");
    while (info && fgets(line, sizeof line, info)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon || colon[1] == 0)
            continue;
        line[strcspn(line, "\n")] = 0;
        report_printable(bcemr_text(colon + 2), out, RESULT_CPU);
        break;
    }
    if (info)
        (void)fclose(info);
}

static bool run_operations(report *out, bench_world *w, uint64_t rounds, result *r)
{
    for (const measure_operation *o = measure_operations; o->name; o++) {
        measure_result *to = &r->operations[r->operation_count++];
        report_run progress;
        (void)report_run_begin(&progress, out, o->name);
        const bool good = measure_operation_run(w, o, rounds, to);
        (void)report_run_end(&progress);
        if (!good) {
            report_failure(out, "%s: the operation failed", o->name);
            return false;
        }
        if (o->units == MEASURE_GRANT && !r->grant)
            r->grant = to;
    }
    return true;
}

static bool run_batches(bench_world *w, const extent *e, const bcemr_parallel *two, result *r)
{
    static const double due[RESULT_BATCHES] = {4.8, 5.0};
    bool good = true;
    for (unsigned i = 0; good && i < RESULT_BATCHES; i++) {
        r->batches[i].due = due[i];
        good = result_batch_run(w, e->batches[i], e->batch_rounds[i], two, &r->batches[i]);
    }
    return good;
}

/* The payload first: its peak of memory is the program's. */
static bool run_all(report *out, const extent *e, const bcemr_parallel *two, bench_world **w,
                    result *r)
{
    floor_bench *floor = floor_new();
    bool good = floor && result_payload_run(floor, e->payload, e->payload_rounds, two, &r->payload);
    floor_free(floor);
    if (!good) {
        report_failure(out, "the payload does not seal and open");
        return false;
    }
    r->visits = e->visits;
    if (!world_new(e->entries, e->visits, w)) {
        report_failure(out, "what is measured cannot be made");
        return false;
    }
    if (!run_operations(out, *w, e->rounds, r))
        return false;
    good = result_path_run(*w, e->rounds, &r->path) && run_batches(*w, e, two, r);
    if (!good)
        report_failure(out, "a path or a batch does not hold");
    return good;
}

static int show(report *out, const bench_options *o, const bench_world *w, const result *r)
{
    report_json j;
    if (o->plot && !result_plot(r, o->plot)) {
        report_failure(out, "cannot write the plot: %s", strerror(errno));
        return COMMAND_FAILED;
    }
    result_tables(out, r);
    report_json_begin(&j);
    result_json(w, r, &j);
    if (report_json_print(out, &j) != BCEMR_OK)
        return COMMAND_FAILED;
    return o->check && result_missed(r) > 0 ? COMMAND_FAILED : COMMAND_DONE;
}

int bench_main(const void *options)
{
    const bench_options *o = options;
    const extent *e = o->quick ? &quick : &full;
    report out;
    threads_pool *pool = NULL;
    bench_world *w = NULL;
    int code = COMMAND_FAILED;
    report_begin(&out, stdout, stderr, o->json);
    result *r = bcemr_allocate(sizeof *r);
    if (r && threads_pool_new(2, &pool) == BCEMR_OK) {
        const bcemr_parallel two = threads_pool_parallel(pool);
        r->quick = o->quick;
        r->processors = threads_available();
        result_name_processor(r->processor);
        if (run_all(&out, e, &two, &w, r))
            code = show(&out, o, w, r);
    } else {
        report_failure(&out, "%s", bcemr_status_text(BCEMR_E_NO_MEMORY));
    }
    world_free(w);
    threads_pool_free(pool);
    bcemr_release(r);
    return report_end(&out) ? code : COMMAND_FAILED;
}
