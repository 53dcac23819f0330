/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries through the embedded engine, so many in flight: whatever is answered makes room for the
 * next. Then the statements of the same blocks, in batches of the same sizes, verified alone. In
 * turns, so that both see the same machine. One thread verifies on each side.
 */
#include "bcemr/bench/ledger_result.h"

#include "ledger/embedded/engine.h"
#include "wire/error.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct flight {
    pthread_mutex_t lock;
    pthread_cond_t landed;
    ledger_engine *engine;
    const load *l;
    uint64_t next, end, left; /* to post, and not answered */
    uint64_t height, run;     /* the block whose entries come in now */
    uint64_t *sizes;          /* of blocks, one after the other */
    uint64_t blocks;
    bcemr_status status; /* the first that is not OK */
} flight;

static int64_t stands_still(void *user)
{
    (void)user;
    return LOAD_CLOCK;
}

static void block_ends(flight *f)
{
    if (f->run > 0)
        f->sizes[f->blocks++] = f->run;
    f->run = 0;
}

static void answered(void *user, const ledger_receipt *receipt);

/* Posts the next, if there is one: on the engine's thread, which does nothing else then. */
static void post_next(flight *f)
{
    if (f->next == f->end)
        return;
    const bcemr_span entry = bcemr_buf_span(&f->l->entries[f->next++]);
    const bcemr_status status = ledger_engine_post(f->engine, entry, answered, f);
    if (status == BCEMR_OK)
        return;
    f->status = f->status == BCEMR_OK ? status : f->status;
    f->left -= f->end - f->next + 1;
    f->next = f->end;
}

static void answered(void *user, const ledger_receipt *receipt)
{
    flight *f = user;
    (void)pthread_mutex_lock(&f->lock);
    if (receipt->status != BCEMR_OK && f->status == BCEMR_OK)
        f->status = receipt->status;
    if (receipt->height != f->height)
        block_ends(f);
    f->height = receipt->height;
    f->run++;
    f->left--;
    post_next(f);
    if (f->left == 0)
        (void)pthread_cond_signal(&f->landed);
    (void)pthread_mutex_unlock(&f->lock);
}

/* From the first post to the last answer; us. */
static bcemr_status fly(flight *f, uint64_t from, uint64_t to, uint64_t in_flight, double *took)
{
    const double began = measure_now();
    (void)pthread_mutex_lock(&f->lock);
    f->blocks = 0;
    f->next = from;
    f->end = to;
    f->left = to - from;
    for (uint64_t i = 0; i < in_flight; i++)
        post_next(f);
    while (f->left > 0)
        (void)pthread_cond_wait(&f->landed, &f->lock);
    block_ends(f);
    (void)pthread_mutex_unlock(&f->lock);
    *took = measure_now() - began;
    return f->status;
}

/* ---- alone ---- */

static bcemr_status batches(const load *l, uint64_t from, const flight *f, double *took)
{
    bcemr_status status = BCEMR_OK;
    bcemr_bls_statement *statements = bcemr_allocate(LEDGER_BATCH * sizeof *statements);
    bool *bad = bcemr_allocate(LEDGER_BATCH * sizeof *bad);
    const load_statement *next = &l->statements[from - l->signs];
    const double began = measure_now();
    for (uint64_t b = 0; statements && bad && status == BCEMR_OK && b < f->blocks; b++) {
        for (uint64_t i = 0; i < f->sizes[b]; i++, next++)
            statements[i] = (bcemr_bls_statement){.key = &l->lines[next->doctor],
                                                  .purpose = BCEMR_PURPOSE_SIG,
                                                  .message = bcemr_buf_span(&next->message),
                                                  .signature = next->delta};
        if (bcemr_bls_batch(l->context, statements, f->sizes[b], NULL, bad, NULL) != BCEMR_VALID)
            status = BCEMR_E_REFUSED;
    }
    *took = measure_now() - began;
    if (!statements || !bad)
        status = BCEMR_E_NO_MEMORY;
    bcemr_release(statements);
    bcemr_release(bad);
    return status;
}

/* ---- all of it ---- */

static int ascending(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void count_sizes(uint64_t *sizes, uint64_t count, ledger_durable *out)
{
    qsort(sizes, (size_t)count, sizeof *sizes, ascending);
    out->blocks = count;
    out->least = sizes[0];
    out->median = sizes[count / 2];
    out->most = sizes[count - 1];
    for (uint64_t i = 0; i < count; i++) {
        unsigned bucket = 0;
        while (sizes[i] >> (bucket + 1) != 0 && bucket + 1 < LEDGER_SIZES)
            bucket++;
        out->of_size[bucket]++;
    }
}

static bcemr_status measure_signs(flight *f, const ledger_extent *e, const bcemr_progress *progress,
                                  ledger_durable *out)
{
    bcemr_status status = BCEMR_OK;
    const load *l = f->l;
    uint64_t *all = bcemr_allocate((l->count - l->signs) * sizeof *all);
    uint64_t blocks = 0;
    if (!all)
        return BCEMR_E_NO_MEMORY;
    for (uint64_t from = l->signs; from < l->count; from += e->chunk) {
        const uint64_t to = from + e->chunk < l->count ? from + e->chunk : l->count;
        double engine = 0, batch = 0;
        TRY(fly(f, from, to, e->in_flight, &engine));
        TRY(batches(l, from, f, &batch));
        out->engine += engine;
        out->batch += batch;
        memcpy(all + blocks, f->sizes, (size_t)(f->blocks * sizeof *all));
        blocks += f->blocks;
        TRY(progress->tell(progress->user, to - l->signs, l->count - l->signs));
    }
    count_sizes(all, blocks, out);
    out->signs = l->count - l->signs;
    out->in_flight = e->in_flight;
    out->ratio = out->batch / out->engine;
out:
    bcemr_release(all);
    return status;
}

bcemr_status ledger_durable_run(load *l, const char *path, const ledger_extent *e,
                                const bcemr_progress *progress, ledger_durable *out,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const ledger_sqlite_options database = {.writes = true};
    const ledger_engine_options options = {.context = l->context,
                                           .now = stands_still,
                                           .path = path,
                                           .genesis = bcemr_buf_span(&l->genesis)};
    flight f = {.l = l, .status = BCEMR_OK};
    double took = 0;
    (void)pthread_mutex_init(&f.lock, NULL);
    (void)pthread_cond_init(&f.landed, NULL);
    f.sizes = bcemr_allocate(l->count * sizeof *f.sizes);
    if (!f.sizes)
        FAIL(BCEMR_E_NO_MEMORY, "bench", NULL);
    TRY(ledger_sqlite_create(path, &database, err));
    TRY(ledger_engine_open(&f.engine, &options, err));
    TRY_AT(fly(&f, 0, l->signs, e->in_flight, &took), "bench", "admits");
    TRY_AT(measure_signs(&f, e, progress, out), "bench", "signs");
out:
    ledger_engine_close(f.engine);
    bcemr_release(f.sizes);
    (void)pthread_cond_destroy(&f.landed);
    (void)pthread_mutex_destroy(&f.lock);
    return status;
}
