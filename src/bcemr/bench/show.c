/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for people, one JSON document for programs. */
#include "bcemr/bench/result.h"

#include <inttypes.h>

/* ---- the figures due ---- */

uint64_t result_missed(const result *r)
{
    uint64_t missed = 0;
    for (uint64_t i = 0; i < r->operation_count; i++)
        missed += r->operations[i].ratio > MEASURE_DUE;
    for (unsigned i = 0; i < RESULT_BATCHES; i++) {
        missed += r->batches[i].speedup < r->batches[i].due;
        missed += r->batches[i].two_core_speedup < RESULT_TWO_CORE_BATCH_DUE;
    }
    missed += r->path.ratio >= RESULT_PATH_DUE;
    missed += r->grant->ratio > MEASURE_DUE;
    missed += r->payload.seal_ratio < RESULT_PAYLOAD_DUE;
    missed += r->payload.open_ratio < RESULT_PAYLOAD_DUE;
    missed += r->payload.two_core_ratio < RESULT_TWO_CORE_PAYLOAD_DUE;
    missed += r->payload.max_rss_kib >= RESULT_RSS_DUE;
    return missed;
}

/* ---- tables ---- */

static void operations_table(report *out, const result *r)
{
    static const report_column columns[] = {
        {"operation", false}, {"least us", true},       {"median us", true}, {"floor us", true},
        {"ratio", true},      {"row's floor us", true}, {"ratio", true}};
    report_table *t = report_table_new(columns, 7);
    for (uint64_t i = 0; i < r->operation_count; i++) {
        const measure_result *m = &r->operations[i];
        report_cell(t, "%s", m->operation->name);
        report_cell(t, "%.1f", m->min);
        report_cell(t, "%.1f", m->median);
        report_cell(t, "%.1f", m->floor);
        report_cell(t, "%.2f", m->ratio);
        report_cell(t, "%.1f", m->row);
        report_cell(t, "%.2f", m->min / m->row);
    }
    report_table_print(out, t);
}

static void operation_marks(report *out, const result *r)
{
    for (uint64_t i = 0; i < r->operation_count; i++) {
        const measure_result *m = &r->operations[i];
        report_mark(out, m->ratio <= MEASURE_DUE, "%s: %.2f of its floor, at most %.2f due",
                    m->operation->name, m->ratio, MEASURE_DUE);
    }
}

static void other_marks(report *out, const result *r)
{
    for (unsigned i = 0; i < RESULT_BATCHES; i++) {
        const result_batch *b = &r->batches[i];
        report_mark(out, b->speedup >= b->due,
                    "%" PRIu64 " Sign checks by %d doctors: %.1f ms one by one, %.1f ms together, "
                    "%.2f times faster, %.1f due",
                    b->entries, WORLD_DOCTORS, b->one_by_one / 1e3, b->batch / 1e3, b->speedup,
                    b->due);
        report_mark(out, b->two_core_speedup >= RESULT_TWO_CORE_BATCH_DUE,
                    "the same on two cores: %.2f times faster still, %.1f due", b->two_core_speedup,
                    RESULT_TWO_CORE_BATCH_DUE);
    }
    report_mark(out, r->path.ratio < RESULT_PATH_DUE,
                "passing a key on: %.0f us, %.1f G1 multiplications, under %.0f due", r->path.whole,
                r->path.ratio, RESULT_PATH_DUE);
    report_mark(out, r->grant->ratio <= MEASURE_DUE,
                "a grant over %" PRIu64 " visits: %.1f ms, %.2f of the floor, at most %.2f due",
                r->visits, r->grant->min * (double)r->visits / 1e3, r->grant->ratio, MEASURE_DUE);
}

static void payload_marks(report *out, const result *r)
{
    const result_payload *p = &r->payload;
    report_mark(out, p->seal_ratio >= RESULT_PAYLOAD_DUE,
                "sealing a payload: %.2f of AEAD and tree alone, %.2f due", p->seal_ratio,
                RESULT_PAYLOAD_DUE);
    report_mark(out, p->open_ratio >= RESULT_PAYLOAD_DUE,
                "opening it: %.2f of AEAD and tree alone, %.2f due", p->open_ratio,
                RESULT_PAYLOAD_DUE);
    report_mark(out, p->two_core_ratio >= RESULT_TWO_CORE_PAYLOAD_DUE,
                "sealing on two cores: %.2f of one core's AEAD and tree, %.1f due",
                p->two_core_ratio, RESULT_TWO_CORE_PAYLOAD_DUE);
    report_mark(out, p->max_rss_kib < RESULT_RSS_DUE,
                "memory for %.2f GiB: %" PRIu64 " KiB, under %d due",
                (double)p->bytes / (double)(1u << 30), p->max_rss_kib, RESULT_RSS_DUE);
}

void result_tables(report *out, const result *r)
{
    report_title(out, "bcemr bench core, %s%s", r->processor,
                 r->quick ? " (a short run: its times mean nothing)" : "");
    operations_table(out, r);
    report_line(out, "A floor counts each input's decoding that the operation does; the row's "
                     "floor is section 12's to the letter.");
    report_title(out, "figures due");
    operation_marks(out, r);
    other_marks(out, r);
    payload_marks(out, r);
}

/* ---- JSON ---- */

void result_json_real(report_json *j, json_t *object, const char *key, double value)
{
    /* Thousandths: more the clock does not know. */
    const double rounded = (double)(int64_t)(value * 1e3 + 0.5) / 1e3;
    if (json_object_set_new(object, key, json_real(rounded)) != 0)
        j->failed = true;
}

static void json_operation(const bench_world *w, const measure_result *m, report_json *j,
                           json_t *item)
{
    report_json_text(j, item, "name", m->operation->name);
    report_json_number(j, item, "rounds", m->rounds);
    result_json_real(j, item, "min_us", m->min);
    result_json_real(j, item, "median_us", m->median);
    result_json_real(j, item, "floor_us", m->floor);
    result_json_real(j, item, "ratio", m->ratio);
    result_json_real(j, item, "row_floor_us", m->row);
    result_json_real(j, item, "row_ratio", m->min / m->row);
    report_json_bool(j, item, "met", m->ratio <= MEASURE_DUE);
    json_t *parts = report_json_list(j, item, "floor");
    for (unsigned p = 0; m->operation->parts[p].count > 0; p++) {
        json_t *part = report_json_item(j, parts);
        report_json_text(j, part, "primitive", floor_text(m->operation->parts[p].id));
        result_json_real(j, part, "count", measure_part_count(w, m->operation, p));
        result_json_real(j, part, "us", m->part[p]);
        report_json_bool(j, part, "beyond_row", m->operation->parts[p].is_input);
    }
}

static void json_batch(const result_batch *b, report_json *j, json_t *item)
{
    report_json_number(j, item, "entries", b->entries);
    report_json_number(j, item, "doctors", WORLD_DOCTORS);
    result_json_real(j, item, "one_by_one_us", b->one_by_one);
    result_json_real(j, item, "batch_us", b->batch);
    result_json_real(j, item, "speedup", b->speedup);
    result_json_real(j, item, "two_core_us", b->two_cores);
    result_json_real(j, item, "two_core_speedup", b->two_core_speedup);
    report_json_bool(j, item, "met",
                     b->speedup >= b->due && b->two_core_speedup >= RESULT_TWO_CORE_BATCH_DUE);
}

static void json_path(const result_path *p, report_json *j)
{
    result_json_real(j, j->root, "path_us", p->whole);
    json_t *o = report_json_object(j, NULL, "path");
    result_json_real(j, o, "seal_us", p->seal);
    result_json_real(j, o, "keys_us", p->keys);
    result_json_real(j, o, "check_us", p->check);
    result_json_real(j, o, "reencrypt_us", p->reencrypt);
    result_json_real(j, o, "open_us", p->open);
    result_json_real(j, o, "path_us", p->whole);
    result_json_real(j, o, "decode_b_us", p->decode);
    result_json_real(j, o, "g1_multiply_us", p->g1);
    result_json_real(j, o, "ratio", p->ratio);
    report_json_bool(j, o, "met", p->ratio < RESULT_PATH_DUE);
}

static void json_payload(const result_payload *p, report_json *j)
{
    json_t *o = report_json_object(j, NULL, "payload");
    report_json_number(j, o, "bytes", p->bytes);
    report_json_number(j, o, "window", p->window);
    result_json_real(j, o, "aead_seal_us", p->aead_seal);
    result_json_real(j, o, "aead_open_us", p->aead_open);
    result_json_real(j, o, "tree_us", p->tree);
    result_json_real(j, o, "seal_us", p->seal);
    result_json_real(j, o, "open_us", p->open);
    result_json_real(j, o, "two_core_seal_us", p->two_core_seal);
    result_json_real(j, o, "seal_ratio", p->seal_ratio);
    result_json_real(j, o, "open_ratio", p->open_ratio);
    result_json_real(j, o, "two_core_ratio", p->two_core_ratio);
    result_json_real(j, o, "gigabytes_per_second", p->gigabytes_a_second);
    report_json_number(j, o, "max_rss_kib", p->max_rss_kib);
    report_json_bool(j, o, "met",
                     p->seal_ratio >= RESULT_PAYLOAD_DUE && p->open_ratio >= RESULT_PAYLOAD_DUE &&
                         p->two_core_ratio >= RESULT_TWO_CORE_PAYLOAD_DUE &&
                         p->max_rss_kib < RESULT_RSS_DUE);
}

void result_json_head(const char *processor, uint64_t processors, bool quick, report_json *j)
{
    json_t *machine = report_json_object(j, NULL, "machine");
    report_json_text(j, machine, "processor", processor);
    report_json_number(j, machine, "processors", processors);
    json_t *versions = report_json_object(j, NULL, "versions");
    report_json_text(j, versions, "bcemr", BCEMR_VERSION);
    report_json_text(j, versions, "blst", BCEMR_BLST_VERSION);
    report_json_text(j, versions, "libsodium", floor_sodium());
    report_json_text(j, versions, "compiler", __VERSION__);
    report_json_bool(j, NULL, "quick", quick);
}

void result_json(const bench_world *w, const result *r, report_json *j)
{
    result_json_head(r->processor, r->processors, r->quick, j);
    json_t *operations = report_json_list(j, NULL, "operations");
    for (uint64_t i = 0; i < r->operation_count; i++)
        json_operation(w, &r->operations[i], j, report_json_item(j, operations));
    json_t *batches = report_json_list(j, NULL, "batch");
    for (unsigned i = 0; i < RESULT_BATCHES; i++)
        json_batch(&r->batches[i], j, report_json_item(j, batches));
    json_path(&r->path, j);
    json_t *grant = report_json_object(j, NULL, "grant");
    report_json_number(j, grant, "visits", r->visits);
    result_json_real(j, grant, "grant_us", r->grant->min * (double)r->visits);
    result_json_real(j, grant, "floor_us", r->grant->floor * (double)r->visits);
    result_json_real(j, grant, "ratio", r->grant->ratio);
    report_json_bool(j, grant, "met", r->grant->ratio <= MEASURE_DUE);
    json_payload(&r->payload, j);
    report_json_number(j, NULL, "missed", result_missed(r));
}
