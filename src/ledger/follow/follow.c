/* SPDX-License-Identifier: Apache-2.0 */
/* The follower: its sources, a step, the loop over steps. */
#include "ledger/follow/internal.h"

#include <string.h>

/* ---- opening ---- */

static bcemr_status open_chain(ledger_follower *f, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_ledger_view view;
    bcemr_ledger_facts facts;
    const ledger_chain_options options = {.context = f->o.context,
                                          .state = ledger_stage_state(f->stage),
                                          .parallel = f->o.parallel,
                                          .remembered_claims = f->o.remembered_claims};
    TRY(ledger_chain_open(&f->chain, &options, f->o.genesis, err));
    TRY_AT(ledger_stage_flush(f->stage), "follow", "state"); /* a ledger that begins here */
    ledger_chain_view(f->chain, &view);
    TRY_AT(view.facts(view.user, &facts), "follow", "facts");
    TRY_AT(bcemr_g2_decode(&facts.authority, &f->authority), "follow", "authority");
out:
    return status;
}

static void close_chain(ledger_follower *f)
{
    ledger_chain_close(f->chain);
    ledger_stage_free(f->stage);
}

bcemr_status ledger_follow_open(ledger_follower **out, const ledger_follow_options *options,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    ledger_follower *f = bcemr_allocate(sizeof *f);
    *out = NULL;
    if (!f)
        return wire_fail(err, BCEMR_E_NO_MEMORY, "follow", NULL);
    f->o = *options;
    if (f->o.step_bytes == 0)
        f->o.step_bytes = LEDGER_FOLLOW_STEP;
    if (f->o.block_bytes == 0)
        f->o.block_bytes = LEDGER_FOLLOW_BLOCK;
    TRY_AT(ledger_stage_new(&f->stage, &f->o.state), "follow", "state");
    TRY(open_chain(f, err));
    *out = f;
out:
    if (status != BCEMR_OK) {
        close_chain(f);
        bcemr_release(f);
    }
    return status;
}

static void forget_source(followed *s)
{
    ledger_source_close(&s->source);
    bcemr_buf_free(&s->cosigned);
    bcemr_release(s);
}

void ledger_follow_close(ledger_follower *f)
{
    if (!f)
        return;
    for (uint64_t i = 0; i < f->count; i++)
        forget_source(f->sources[i]);
    close_chain(f);
    ledger_state_close(&f->o.state);
    bcemr_release(f);
}

const ledger_chain *ledger_follow_chain(const ledger_follower *f)
{
    return f->chain;
}

/* A name that stands in evidence: cut between characters. */
static void copy_name(char out[SOURCE_NAME + 1], const char *name)
{
    size_t n = strlen(name);
    if (n > SOURCE_NAME)
        for (n = SOURCE_NAME; n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80;)
            n--;
    memcpy(out, name, n);
    out[n] = 0;
}

bcemr_status ledger_follow_add(ledger_follower *f, const char *name, const ledger_source *source,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    if (f->count == LEDGER_FOLLOW_SOURCES_MAX)
        FAIL(BCEMR_E_TOO_MANY, "follow", "sources");
    followed *s = bcemr_allocate(sizeof *s);
    if (!s)
        FAIL(BCEMR_E_NO_MEMORY, "follow", "source");
    s->source = *source;
    copy_name(s->name, name);
    s->facts = (ledger_follow_facts){.place = BCEMR_NOWHERE};
    f->sources[f->count++] = s;
out:
    return status;
}

uint64_t ledger_follow_sources(const ledger_follower *f)
{
    return f->count;
}

void ledger_follow_describe(const ledger_follower *f, uint64_t source, ledger_follow_facts *out)
{
    const followed *s = f->sources[source];
    *out = s->facts;
    out->name = s->name;
    out->size = s->at.size;
    out->cosigned = s->top.size;
}

/* ---- a step ---- */

/* The tree that leaves may be taken of now; false: none. */
static bool choose(const pull *p, target *out)
{
    const followed *s = p->s;
    const uint64_t size = ledger_chain_size(p->f->chain);
    if (s->top.size > size)
        *out = (target){s->top.size, s->top.root, true};
    else if (p->f->o.ahead && p->said.at.size > size)
        *out = (target){p->said.at.size, p->said.at.root, false};
    else
        return false;
    return true;
}

static ledger_follow_where where_now(const pull *p)
{
    const uint64_t size = ledger_chain_size(p->f->chain);
    if (p->taken > 0)
        return LEDGER_FOLLOW_MOVED;
    if (p->said.at.size == size)
        return LEDGER_FOLLOW_UP;
    return p->said.at.size < size ? LEDGER_FOLLOW_BEHIND : LEDGER_FOLLOW_UNSIGNED;
}

static bcemr_status pull_once(pull *p, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    followed *s = p->s;
    target to;
    TRY(follow_ask_head(p, err));
    TRY(follow_check_said(p, err));
    TRY(follow_check_cosigned(p, err));
    s->at = p->said.at;
    s->bare = p->said.bare;
    s->spoke = true;
    TRY(follow_settle(p, err));
    if (choose(p, &to)) {
        TRY(follow_take(p, &to, err));
        TRY(follow_settle(p, err));
    } else {
        TRY(follow_check_head(p, err));
    }
    TRY_AT(ledger_stage_flush(p->f->stage), "follow", "state");
    s->facts.taken += p->taken;
    s->facts.where = where_now(p);
out:
    return status;
}

/* What a step that failed has made is as if it had never been. */
static bcemr_status take_back(ledger_follower *f, bcemr_error *err)
{
    ledger_stage_discard(f->stage);
    return ledger_chain_refresh(f->chain, err);
}

/* The step failed: by the source's fault, its silence, or this node's. */
static bcemr_status conclude(pull *p, bcemr_status status, const bcemr_error *why, bcemr_error *err)
{
    bcemr_error detail = {0};
    ledger_follow_facts *facts = &p->s->facts;
    const bcemr_status back = take_back(p->f, &detail);
    if (status == BCEMR_E_REFUSED) {
        facts->where = LEDGER_FOLLOW_BAD;
        facts->error = *why;
        facts->error.index = p->place;
        p->s->settled = false;
        bcemr_status kept = back == BCEMR_OK ? follow_keep_evidence(p, why, &detail) : back;
        if (err)
            *err = kept == BCEMR_OK ? facts->error : detail;
        return kept == BCEMR_OK ? status : kept;
    }
    if (p->silent && back == BCEMR_OK) {
        facts->where = LEDGER_FOLLOW_SILENT;
        facts->error = *why;
        return BCEMR_OK;
    }
    if (err)
        *err = p->silent ? detail : *why;
    return p->silent ? back : status;
}

static void pull_free(pull *p)
{
    bcemr_buf_free(&p->said.cosigned);
    bcemr_buf_free(&p->mine);
    bcemr_buf_free(&p->given);
    bcemr_buf_free(&p->guilt);
    for (uint64_t i = 0; i < LEDGER_SOURCE_SETS; i++)
        bcemr_buf_free(&p->walked[i]);
    bcemr_release(p);
}

bcemr_status ledger_follow_step(ledger_follower *f, uint64_t source, int64_t clock,
                                bcemr_error *err)
{
    bcemr_error why = {.index = BCEMR_NOWHERE, .offset = BCEMR_NOWHERE};
    if (source >= f->count)
        return wire_fail(err, BCEMR_E_ARGUMENT, "follow", "source");
    followed *s = f->sources[source];
    if (s->facts.where == LEDGER_FOLLOW_BAD) {
        if (err)
            *err = s->facts.error;
        return BCEMR_E_REFUSED;
    }
    pull *p = bcemr_allocate(sizeof *p);
    if (!p)
        return wire_fail(err, BCEMR_E_NO_MEMORY, "follow", NULL);
    p->f = f;
    p->s = s;
    p->clock = clock;
    p->size = ledger_chain_size(f->chain);
    p->place = BCEMR_NOWHERE;
    bcemr_status status = pull_once(p, &why);
    if (status != BCEMR_OK)
        status = conclude(p, status, &why, err);
    pull_free(p);
    return status;
}

/* ---- the loop ---- */

static bcemr_status tell(const ledger_follower *f, const bcemr_progress *progress)
{
    const uint64_t size = ledger_chain_size(f->chain);
    uint64_t total = size;
    if (!progress)
        return BCEMR_OK;
    for (uint64_t i = 0; i < f->count; i++) {
        const followed *s = f->sources[i];
        const uint64_t reach = f->o.ahead ? s->at.size : s->top.size;
        if (s->facts.where != LEDGER_FOLLOW_BAD && reach > total)
            total = reach;
    }
    return progress->tell(progress->user, size, total);
}

bcemr_status ledger_follow_run(ledger_follower *f, int64_t clock, const bcemr_progress *progress,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bool moved = true;
    while (moved) {
        moved = false;
        for (uint64_t i = 0; i < f->count; i++) {
            if (f->sources[i]->facts.where == LEDGER_FOLLOW_BAD)
                continue;
            status = ledger_follow_step(f, i, clock, err);
            if (status != BCEMR_OK && status != BCEMR_E_REFUSED)
                goto out;
            moved = moved || f->sources[i]->facts.where == LEDGER_FOLLOW_MOVED;
            TRY_AT(tell(f, progress), "follow", "progress");
        }
    }
out:
    return status;
}
