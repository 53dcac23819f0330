/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the follower share: one scene for all, a follower on a state that lasts, the
 * evidence that it kept. */
#ifndef BCEMR_TESTS_FOLLOW_TEST_H
#define BCEMR_TESTS_FOLLOW_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/follow_scene.h"
#include "wire/fault.h"

#include <string.h>

#define CLOCK ((int64_t)1800000000000)

static scene the;

static inline int begin_scene(void **state)
{
    (void)state;
    scene_begin(&the);
    return 0;
}

static inline int end_scene(void **state)
{
    (void)state;
    scene_end(&the);
    return 0;
}

typedef struct rig {
    lasting state;
    ledger_follower *f;
    uint64_t kept; /* how often evidence was */
    bcemr_buf evidence, guilt;
    bcemr_status keep_fails;
    bcemr_error err;
    bool ahead;
    uint64_t step_bytes, block_bytes;
} rig;

static inline bcemr_status rig_keep(void *user, const char *source, bcemr_span evidence,
                                    bcemr_span guilt, bcemr_error *err)
{
    rig *r = user;
    (void)source;
    (void)err;
    if (r->keep_fails != BCEMR_OK)
        return r->keep_fails;
    r->kept++;
    must(bcemr_buf_set(&r->evidence, evidence));
    must(bcemr_buf_set(&r->guilt, guilt));
    return BCEMR_OK;
}

/* On the rig's state as it is. */
static inline void rig_open(rig *r)
{
    const ledger_follow_options options = {.context = the.a.c.context,
                                           .state = lasting_state(&r->state),
                                           .genesis = bcemr_buf_span(&the.a.c.signed_genesis),
                                           .ahead = r->ahead,
                                           .step_bytes = r->step_bytes,
                                           .block_bytes = r->block_bytes,
                                           .keep = rig_keep,
                                           .keep_user = r};
    must(ledger_follow_open(&r->f, &options, &r->err));
}

static inline void rig_begin(rig *r)
{
    lasting_new(&r->state);
    rig_open(r);
}

static inline void rig_close(rig *r)
{
    ledger_follow_close(r->f);
    r->f = NULL;
}

static inline void rig_end(rig *r)
{
    rig_close(r);
    lasting_free(&r->state);
    bcemr_buf_free(&r->evidence);
    bcemr_buf_free(&r->guilt);
}

static inline uint64_t rig_add(rig *r, const char *name, ledger_source source)
{
    must(ledger_follow_add(r->f, name, &source, &r->err));
    return ledger_follow_sources(r->f) - 1;
}

static inline uint64_t rig_add_chain(rig *r, const char *name, const ledger_chain *chain)
{
    ledger_source source;
    must(ledger_source_chain(&source, chain));
    return rig_add(r, name, source);
}

static inline ledger_follow_facts rig_facts(const rig *r, uint64_t source)
{
    ledger_follow_facts facts;
    ledger_follow_describe(r->f, source, &facts);
    return facts;
}

static inline uint64_t rig_size(const rig *r)
{
    return ledger_chain_size(ledger_follow_chain(r->f));
}

/* Whether the follower's log is the beginning of a chain's. */
static inline bool begins(const rig *r, const ledger_chain *chain)
{
    bcemr_hash own, theirs;
    const uint64_t size = rig_size(r);
    if (size > ledger_chain_size(chain))
        return false;
    must(ledger_chain_root(ledger_follow_chain(r->f), size, &own));
    must(ledger_chain_root(chain, size, &theirs));
    return bcemr_hash_equal(&own, &theirs);
}

static inline void run(rig *r)
{
    must(ledger_follow_run(r->f, CLOCK, NULL, &r->err));
}

#define REFUSED_AS(r, source, name)                                                                \
    do {                                                                                           \
        ledger_follow_facts facts_ = rig_facts(r, source);                                         \
        if (facts_.where != LEDGER_FOLLOW_BAD || facts_.error.verdict != BCEMR_##name)             \
            fail_msg("%s:%d: %d, %s (%s %s) instead of " #name, __FILE__, __LINE__,                \
                     (int)facts_.where, bcemr_verdict_name(facts_.error.verdict),                  \
                     facts_.error.object ? facts_.error.object : "",                               \
                     facts_.error.field ? facts_.error.field : "");                                \
        assert_true(facts_.kept);                                                                  \
    } while (0)

#define STANDS(r, source, name)                                                                    \
    do {                                                                                           \
        ledger_follow_facts facts_ = rig_facts(r, source);                                         \
        if (facts_.where != LEDGER_FOLLOW_##name)                                                  \
            fail_msg("%s:%d: %d, %s %s (%s %s) instead of " #name, __FILE__, __LINE__,             \
                     (int)facts_.where, bcemr_status_name(facts_.error.status),                    \
                     bcemr_verdict_name(facts_.error.verdict),                                     \
                     facts_.error.object ? facts_.error.object : "",                               \
                     facts_.error.field ? facts_.error.field : "");                                \
    } while (0)

#endif
