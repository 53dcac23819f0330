/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source of a ledger that answers as the input says: each call takes the next record of it, which
 * leaves the honest answer, changes it, or puts other bytes in its place. Whatever is answered, the
 * follower's log is a beginning of the honest one.
 */
#include "fuzz.h"

#include "bcemr/demo/stage.h"
#include "bcemr/demo/story.h"
#include "ledger/follow/follow.h"

#include <bcemr/hash.h>
#include <stdio.h>
#include <string.h>

static const uint8_t *input;
static size_t input_left;
static world *honest;
static bcemr_buf genesis;

static uint64_t take(size_t n)
{
    uint64_t number = 0;
    for (; n > 0 && input_left > 0; n--, input_left--)
        number = number << 8 | *input++;
    return number;
}

static bcemr_status replace(bcemr_buf *answer)
{
    size_t n = (size_t)take(1);
    n = n < input_left ? n : input_left;
    bcemr_status status = bcemr_buf_set(answer, bcemr_span_of(input, n));
    input += n;
    input_left -= n;
    return status;
}

/* A piece of up to 255 bytes is left out. */
static void leave_out(bcemr_buf *answer)
{
    uint64_t at = take(2) % answer->n, n = take(1);
    if (n > answer->n - at)
        n = answer->n - at;
    memmove(answer->p + at, answer->p + at + n, (size_t)(answer->n - at - n));
    answer->n -= n;
}

static bcemr_status meddle(bcemr_buf *answer, uint64_t how)
{
    uint64_t at;
    if (how == 1)
        return take(1) % 2 ? BCEMR_E_TIMED_OUT : BCEMR_E_NOT_FOUND;
    if (how == 3)
        return replace(answer);
    if (answer->n == 0)
        return BCEMR_OK;
    switch (how) {
    case 2:
        at = take(2) % answer->n;
        answer->p[at] ^= (uint8_t)take(1);
        break;
    case 4:
        answer->n = take(2) % (answer->n + 1);
        break;
    case 5:
        at = take(2) % answer->n;
        for (int i = 0; i < 8 && at < answer->n; i++)
            answer->p[at++] = (uint8_t)take(1);
        break;
    case 6:
        leave_out(answer);
        break;
    default:
        break;
    }
    return BCEMR_OK;
}

/* ---- the source ---- */

static bcemr_status head(void *self, ledger_source_head *out, bcemr_error *err)
{
    const ledger_source *behind = self;
    bcemr_buf flat = BCEMR_BUF_EMPTY;
    bcemr_status status = behind->ops->head(behind->self, out, err);
    const uint64_t how = take(1);
    if (status == BCEMR_OK && how >= 128) {
        status = bcemr_buf_set(&flat, bcemr_span_of(&out->at, sizeof out->at));
        if (status == BCEMR_OK)
            status = meddle(&flat, how & 7);
        memcpy(&out->at, flat.p, flat.n < sizeof out->at ? flat.n : sizeof out->at);
        bcemr_buf_free(&flat);
    } else if (status == BCEMR_OK) {
        status = meddle(&out->cosigned, how & 7);
    }
    return status;
}

static bcemr_status leaves(void *self, uint64_t from, uint64_t to, uint64_t bytes, bcemr_buf *out,
                           bcemr_error *err)
{
    const ledger_source *behind = self;
    bcemr_status status = behind->ops->leaves(behind->self, from, to, bytes, out, err);
    return status == BCEMR_OK ? meddle(out, take(1) & 7) : status;
}

static bcemr_status consistency(void *self, uint64_t first, uint64_t second, bcemr_buf *out,
                                bcemr_error *err)
{
    const ledger_source *behind = self;
    bcemr_status status = behind->ops->consistency(behind->self, first, second, out, err);
    return status == BCEMR_OK ? meddle(out, take(1) & 7) : status;
}

static bcemr_status sets(void *self, uint64_t number, uint64_t size, bcemr_buf *out,
                         bcemr_error *err)
{
    const ledger_source *behind = self;
    bcemr_status status = behind->ops->sets(behind->self, number, size, out, err);
    return status == BCEMR_OK ? meddle(out, take(1) & 7) : status;
}

static bcemr_status index_blocks(void *self, const char *name, uint64_t from, uint64_t to,
                                 uint64_t bytes, bcemr_buf *out, bcemr_error *err)
{
    const ledger_source *behind = self;
    return behind->ops->index(behind->self, name, from, to, bytes, out, err);
}

static void close_source(void *self)
{
    ledger_source_close(self);
}

static const ledger_source_ops ops = {.head = head,
                                      .leaves = leaves,
                                      .consistency = consistency,
                                      .sets = sets,
                                      .index = index_blocks,
                                      .close = close_source};

/* ---- one run ---- */

static bcemr_status keep(void *user, const char *source, bcemr_span evidence, bcemr_span guilt,
                         bcemr_error *err)
{
    (void)user;
    (void)source;
    (void)err;
    MUST(bcemr_validate(&bcemr_type_fork, evidence, NULL) == BCEMR_OK);
    MUST(guilt.n == 0); /* nobody signed anything twice */
    return BCEMR_OK;
}

static void begin(void)
{
    static stage s;
    static report r;
    const demo_options options = {.doctors = 3, .threads = 1};
    bcemr_leaf_parts leaf;
    bcemr_buf first = BCEMR_BUF_EMPTY;
    report_begin(&r, stdout, stderr, false);
    r.quiet = true;
    MUST(stage_open_scratch(&s, &r, &options));
    s.doctors = 3;
    honest = bcemr_allocate(sizeof *honest);
    MUST(honest && stage_world(&s, honest, s.folder) == BCEMR_OK);
    MUST(story_until(honest, WORLD_PHASES) == BCEMR_OK);
    MUST(ledger_chain_leaf(honest->chain, 0, &first) == BCEMR_OK);
    MUST(bcemr_leaf_read(bcemr_buf_span(&first), &leaf, NULL) == BCEMR_OK);
    MUST(bcemr_buf_set(&genesis, leaf.signed_entry) == BCEMR_OK);
    bcemr_buf_free(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bcemr_hash mine, theirs;
    ledger_follower *f;
    ledger_source behind;
    if (!honest)
        begin();
    ledger_follow_options options = {.context = honest->context,
                                     .genesis = bcemr_buf_span(&genesis),
                                     .step_bytes = 4096,
                                     .keep = keep};
    input = data;
    input_left = size;
    MUST(ledger_state_memory(&options.state) == BCEMR_OK);
    MUST(ledger_follow_open(&f, &options, NULL) == BCEMR_OK);
    MUST(ledger_source_chain(&behind, honest->chain) == BCEMR_OK);
    const ledger_source source = {&ops, &behind};
    MUST(ledger_follow_add(f, "fuzz", &source, NULL) == BCEMR_OK);
    for (int i = 0; i < 3; i++)
        MUST(ledger_follow_run(f, 1, NULL, NULL) == BCEMR_OK);
    const ledger_chain *own = ledger_follow_chain(f);
    const uint64_t length = ledger_chain_size(own);
    MUST(ledger_chain_root(own, length, &mine) == BCEMR_OK);
    MUST(ledger_chain_root(honest->chain, length, &theirs) == BCEMR_OK);
    MUST(bcemr_hash_equal(&mine, &theirs));
    ledger_follow_close(f);
    return 0;
}
