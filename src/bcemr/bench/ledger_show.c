/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's bench: a table and marks for people, one JSON document for programs. */
#include "bcemr/bench/ledger_result.h"

#include <inttypes.h>

static double per_second(uint64_t count, double us)
{
    return (double)count / us * 1e6;
}

/* ---- the figures due ---- */

static const ledger_proofs *largest(const ledger_result *r)
{
    return &r->proofs[LEDGER_PROOFS - 1];
}

uint64_t ledger_missed(const ledger_result *r)
{
    uint64_t missed = 0;
    missed += r->durable.ratio < LEDGER_DURABLE_DUE;
    missed += r->again.ratio < LEDGER_REPLAY_DUE;
    missed += r->opened.seconds >= LEDGER_OPEN_DUE;
    missed += r->opened.rss_kib >= LEDGER_RSS_DUE;
    missed += largest(r)->mean >= LEDGER_PROOF_DUE;
    return missed;
}

/* ---- tables ---- */

static void rates_table(report *out, const ledger_result *r)
{
    static const report_column columns[] = {{"what", false},
                                            {"entries", true},
                                            {"a second", true},
                                            {"signatures alone", true},
                                            {"ratio", true}};
    report_table *t = report_table_new(columns, 5);
    report_cell(t, "Sign, durable");
    report_cell(t, "%" PRIu64, r->durable.signs);
    report_cell(t, "%.0f", per_second(r->durable.signs, r->durable.engine));
    report_cell(t, "%.0f", per_second(r->durable.signs, r->durable.batch));
    report_cell(t, "%.3f", r->durable.ratio);
    report_cell(t, "verified again");
    report_cell(t, "%" PRIu64, r->again.entries);
    report_cell(t, "%.0f", per_second(r->again.entries, r->again.verify));
    report_cell(t, "%.0f", per_second(r->again.entries, r->again.batch));
    report_cell(t, "%.3f", r->again.ratio);
    report_table_print(out, t);
}

static void sizes_table(report *out, const ledger_durable *d)
{
    static const report_column columns[] = {{"entries of a block", false}, {"blocks", true}};
    report_table *t = report_table_new(columns, 2);
    for (unsigned i = 0; i < LEDGER_SIZES; i++) {
        if (d->of_size[i] == 0)
            continue;
        report_cell(t, "%u to %u", 1u << i, (2u << i) - 1);
        report_cell(t, "%" PRIu64, d->of_size[i]);
    }
    report_table_print(out, t);
}

static void proofs_table(report *out, const ledger_result *r)
{
    static const report_column columns[] = {
        {"leaves", true}, {"proof us", true}, {"slowest us", true}, {"bytes", true}};
    report_table *t = report_table_new(columns, 4);
    for (unsigned i = 0; i < LEDGER_PROOFS; i++) {
        report_cell(t, "%" PRIu64, r->proofs[i].leaves);
        report_cell(t, "%.1f", r->proofs[i].mean);
        report_cell(t, "%.1f", r->proofs[i].most);
        report_cell(t, "%" PRIu64, r->proofs[i].bytes);
    }
    report_table_print(out, t);
}

static void marks(report *out, const ledger_result *r)
{
    const ledger_durable *d = &r->durable;
    report_mark(out, d->ratio >= LEDGER_DURABLE_DUE,
                "Sign, checked and durable, %" PRIu64 " in flight: %.3f of its signatures alone, "
                "%.1f due",
                d->in_flight, d->ratio, LEDGER_DURABLE_DUE);
    report_mark(out, r->again.ratio >= LEDGER_REPLAY_DUE,
                "a database of %" PRIu64 " entries verified again: %.3f of its signatures alone, "
                "%.1f due",
                r->again.entries, r->again.ratio, LEDGER_REPLAY_DUE);
    report_mark(out, r->opened.seconds < LEDGER_OPEN_DUE, "opening it: %.3f s, under %.0f due",
                r->opened.seconds, LEDGER_OPEN_DUE);
    report_mark(out, r->opened.rss_kib < LEDGER_RSS_DUE,
                "memory for that: %" PRIu64 " KiB, under %d due", r->opened.rss_kib,
                LEDGER_RSS_DUE);
    report_mark(out, largest(r)->mean < LEDGER_PROOF_DUE,
                "an inclusion proof at %" PRIu64 " leaves: %.1f us, under %.0f due",
                largest(r)->leaves, largest(r)->mean, LEDGER_PROOF_DUE);
}

static double bytes_of_entry(const ledger_result *r)
{
    return (double)r->database_bytes / (double)r->entries;
}

void ledger_tables(report *out, const ledger_result *r)
{
    report_title(out, "bcemr bench ledger, %s%s", r->processor,
                 r->quick ? " (a short run: its times mean nothing)" : "");
    rates_table(out, r);
    report_line(out, "One thread verifies signatures on each side; the engine writes, and a replay "
                     "applies the rules, on another.");
    sizes_table(out, &r->durable);
    proofs_table(out, r);
    report_line(out, "%" PRIu64 " entries of %" PRIu64 " visits: %.0f bytes of database an entry",
                r->entries, r->visits, bytes_of_entry(r));
    report_title(out, "figures due");
    marks(out, r);
}

/* ---- JSON ---- */

static void json_durable(const ledger_durable *d, report_json *j)
{
    json_t *o = report_json_object(j, NULL, "durable");
    report_json_number(j, o, "signs", d->signs);
    report_json_number(j, o, "in_flight", d->in_flight);
    report_json_number(j, o, "verifying_threads", 1);
    result_json_real(j, o, "seconds", d->engine / 1e6);
    result_json_real(j, o, "per_second", per_second(d->signs, d->engine));
    result_json_real(j, o, "batch_seconds", d->batch / 1e6);
    result_json_real(j, o, "batch_per_second", per_second(d->signs, d->batch));
    result_json_real(j, o, "ratio", d->ratio);
    report_json_bool(j, o, "met", d->ratio >= LEDGER_DURABLE_DUE);
    json_t *blocks = report_json_object(j, o, "blocks");
    report_json_number(j, blocks, "count", d->blocks);
    report_json_number(j, blocks, "least", d->least);
    report_json_number(j, blocks, "median", d->median);
    report_json_number(j, blocks, "most", d->most);
    json_t *sizes = report_json_list(j, blocks, "sizes");
    for (unsigned i = 0; i < LEDGER_SIZES; i++) {
        if (d->of_size[i] == 0)
            continue;
        json_t *item = report_json_item(j, sizes);
        report_json_number(j, item, "from", 1u << i);
        report_json_number(j, item, "to", (2u << i) - 1);
        report_json_number(j, item, "blocks", d->of_size[i]);
    }
}

static void json_replay(const ledger_again *a, report_json *j)
{
    json_t *o = report_json_object(j, NULL, "replay");
    report_json_number(j, o, "entries", a->entries);
    report_json_number(j, o, "statements", a->statements);
    report_json_number(j, o, "batch", LEDGER_BATCH);
    report_json_number(j, o, "verifying_threads", 1);
    result_json_real(j, o, "seconds", a->verify / 1e6);
    result_json_real(j, o, "per_second", per_second(a->entries, a->verify));
    result_json_real(j, o, "batch_seconds", a->batch / 1e6);
    result_json_real(j, o, "batch_per_second", per_second(a->entries, a->batch));
    result_json_real(j, o, "ratio", a->ratio);
    report_json_bool(j, o, "met", a->ratio >= LEDGER_REPLAY_DUE);
}

static void json_proofs(const ledger_result *r, report_json *j)
{
    json_t *list = report_json_list(j, NULL, "proofs");
    for (unsigned i = 0; i < LEDGER_PROOFS; i++) {
        json_t *item = report_json_item(j, list);
        report_json_number(j, item, "leaves", r->proofs[i].leaves);
        result_json_real(j, item, "us", r->proofs[i].mean);
        result_json_real(j, item, "slowest_us", r->proofs[i].most);
        report_json_number(j, item, "bytes", r->proofs[i].bytes);
    }
}

void ledger_json(const ledger_result *r, report_json *j)
{
    result_json_head(r->processor, r->processors, r->quick, j);
    json_t *o = report_json_object(j, NULL, "load");
    report_json_number(j, o, "entries", r->entries);
    report_json_number(j, o, "visits", r->visits);
    report_json_number(j, o, "signs", r->signs);
    report_json_number(j, o, "doctors", LOAD_DOCTORS);
    json_durable(&r->durable, j);
    json_replay(&r->again, j);
    json_proofs(r, j);
    result_json_real(j, j->root, "durable_ratio", r->durable.ratio);
    result_json_real(j, j->root, "replay_ratio", r->again.ratio);
    result_json_real(j, j->root, "open_seconds", r->opened.seconds);
    report_json_number(j, NULL, "open_rss_kib", r->opened.rss_kib);
    result_json_real(j, j->root, "proof_us", largest(r)->mean);
    result_json_real(j, j->root, "bytes_per_entry", bytes_of_entry(r));
    report_json_number(j, NULL, "missed", ledger_missed(r));
}
