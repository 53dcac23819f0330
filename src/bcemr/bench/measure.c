/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double measure_now(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool time_part(bench_world *w, floor_id id, bool is_first, double *least)
{
    const double began = measure_now();
    const bool good = floor_run(w->floor, id);
    const double took = (measure_now() - began) / (double)floor_units(id);
    if (is_first || took < *least)
        *least = took;
    return good;
}

static double units_of(const bench_world *w, measure_units units)
{
    if (units == MEASURE_ONE)
        return 1;
    return (double)(units == MEASURE_BATCH ? w->batch.count : w->grant.count);
}

/* The peak of this program's own memory: getrusage would also count what it was forked from. */
uint64_t measure_peak_kib(void)
{
    char line[256];
    uint64_t kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtoull(line + 6, NULL, 10);
    if (status)
        (void)fclose(status);
    return kib;
}

double measure_part_count(const bench_world *w, const measure_operation *o, unsigned p)
{
    const measure_part *part = &o->parts[p];
    const double shared = part->share == MEASURE_DOCTOR ? WORLD_DOCTORS : 1;
    return part->share == MEASURE_EACH ? part->count : shared / units_of(w, o->units);
}

static void add_up(const bench_world *w, measure_result *out)
{
    for (unsigned p = 0; out->operation->parts[p].count > 0; p++) {
        const double cost = measure_part_count(w, out->operation, p) * out->part[p];
        out->floor += cost;
        out->row += out->operation->parts[p].is_input ? 0 : cost;
    }
    out->ratio = out->min / out->floor;
}

bool measure_operation_run(bench_world *w, const measure_operation *operation, uint64_t rounds,
                           measure_result *out)
{
    double samples[MEASURE_ROUNDS];
    *out = (measure_result){.operation = operation, .rounds = rounds};
    /* Once before: what the first run of anything costs is not looked at. */
    bool good = rounds <= MEASURE_ROUNDS && operation->run(w);
    for (uint64_t r = 0; good && r < rounds; r++) {
        const double began = measure_now();
        good = operation->run(w);
        samples[r] = (measure_now() - began) / units_of(w, operation->units);
        for (unsigned p = 0; good && operation->parts[p].count > 0; p++)
            good = time_part(w, operation->parts[p].id, r == 0, &out->part[p]);
    }
    if (!good)
        return false;
    qsort(samples, (size_t)rounds, sizeof samples[0], ascending);
    out->min = samples[0];
    out->median = samples[rounds / 2];
    add_up(w, out);
    return true;
}
