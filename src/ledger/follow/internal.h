/* SPDX-License-Identifier: Apache-2.0 */
/* The follower's inside: follow.c steps, judge.c checks what is said, take.c applies leaves,
 * evidence.c says what was found. */
#ifndef LEDGER_FOLLOW_INTERNAL_H
#define LEDGER_FOLLOW_INTERNAL_H

#include "ledger/follow/follow.h"
#include "ledger/follow/stage.h"
#include "wire/error.h"

#define SOURCE_NAME 200

/* A source, and what is remembered of it. */
typedef struct followed {
    ledger_source source;
    char name[SOURCE_NAME + 1];
    ledger_follow_facts facts;
    bool spoke;              /* it has said something ... */
    bcemr_tr_checkpoint at;  /* ... this, last, of its last block */
    bool bare;               /* as in ledger_source_head */
    bcemr_buf cosigned;      /* the newest of it whose signature was checked */
    bcemr_tr_checkpoint top; /* in it; size 0: none */
    bool settled;            /* it was found equal to the own log */
} followed;

struct ledger_follower {
    ledger_follow_options o;
    ledger_stage *stage;
    ledger_chain *chain; /* on the stage */
    bcemr_g2 authority;
    followed *sources[LEDGER_FOLLOW_SOURCES_MAX];
    uint64_t count;
};

/* Where a tree is to end, and what it is then. */
typedef struct target {
    uint64_t size;
    bcemr_hash root;
    bool cosigned; /* by the supernodes; else the source alone says so */
} target;

/* A step on its way. */
typedef struct pull {
    ledger_follower *f;
    followed *s;
    int64_t clock;
    ledger_source_head said;
    bool silent;   /* what failed is the source's answer */
    uint64_t size; /* of the own log when the step began */
    uint64_t taken;
    /* Signed entries that made sets of the source's checkpoint which the own log does not have. */
    bcemr_buf walked[LEDGER_SOURCE_SETS];
    uint64_t walked_count;
    bool walked_all; /* none had to be left out */
    /* What is found when something is wrong. */
    uint64_t place;
    bcemr_buf mine, given;
    bcemr_hash path[BCEMR_CONSISTENCY_MAX];
    uint64_t path_count;
    bcemr_buf guilt;
} pull;

/* The own log's root at a size up to its own. */
BCEMR_MUST_USE bcemr_status follow_own_root(const pull *p, uint64_t size, bcemr_hash *out,
                                            bcemr_error *err);
/* The right edge of the own tree at a size, to which leaves can be added. */
BCEMR_MUST_USE bcemr_status follow_edge(const pull *p, uint64_t size, bcemr_tree *out,
                                        bcemr_error *err);

/* ---- asking: what the source cannot answer makes the pull silent ---- */

BCEMR_MUST_USE bcemr_status follow_ask_head(pull *p, bcemr_error *err);
/* Leaves from on, below to: their list's bytes into held (replaced), at least one. */
BCEMR_MUST_USE bcemr_status follow_ask_leaves(pull *p, uint64_t from, uint64_t to, bcemr_buf *held,
                                              bcemr_list *out, bcemr_error *err);
/* Whether root is that of the beginning of size leaves of to, by a proof of the source's (left in
 * the pull's path). */
BCEMR_MUST_USE bcemr_status follow_ask_begins(pull *p, uint64_t size, const bcemr_hash *root,
                                              const target *to, bool *begins, bcemr_error *err);
/* Tr("consistency") from first to second as its nodes; whether they show anything is the caller's.
 */
BCEMR_MUST_USE bcemr_status follow_read_path(bcemr_span consistency, uint64_t first,
                                             uint64_t second,
                                             bcemr_hash path[BCEMR_CONSISTENCY_MAX],
                                             uint64_t *count, bcemr_error *err);
/* The nodes of a source's tree of to leaves that lead from size to it, the first node always there
 * (proof.h, bcemr_consistency_roots); *count 0 when it does not show them. *silent: it
 * did not answer. */
BCEMR_MUST_USE bcemr_status follow_nodes(const ledger_source *source, uint64_t size, uint64_t to,
                                         bcemr_hash path[BCEMR_CONSISTENCY_MAX], uint64_t *count,
                                         bool *silent, bcemr_error *err);
/* A reading error in what a source gave is a refusal of the source. */
bcemr_status follow_unreadable(bcemr_status status, bcemr_verdict verdict, const char *object,
                               bcemr_error *err);

/* ---- judging ---- */

/* What needs no log: ledger, sizes against those said before and each other. */
BCEMR_MUST_USE bcemr_status follow_check_said(pull *p, bcemr_error *err);
/* A new cosigned checkpoint: its set, its signatures. */
BCEMR_MUST_USE bcemr_status follow_check_cosigned(pull *p, bcemr_error *err);
/* Once the own log has come to its size: all of it is the own log's, and it is kept. */
BCEMR_MUST_USE bcemr_status follow_settle(pull *p, bcemr_error *err);
/* What the source says of its last block against the own log. */
BCEMR_MUST_USE bcemr_status follow_check_head(pull *p, bcemr_error *err);
/* The own log is no beginning of to, nor to of the own log: finds where they part. Always a
 * refusal: FORK, or what the source gives proves nothing. */
BCEMR_MUST_USE bcemr_status follow_explain(pull *p, const target *to, bcemr_error *err);

/* ---- taking ---- */

BCEMR_MUST_USE bcemr_status follow_take(pull *p, const target *to, bcemr_error *err);

/* A block as it was given, without case headers. */
typedef struct follow_block {
    uint64_t height;
    int64_t tau;
    const bcemr_span *entries;
    uint64_t count, first; /* first: its first leaf, among those fetched */
} follow_block;
/* Makes all of them on a stage that holds nothing else. held false: it holds nothing again. */
BCEMR_MUST_USE bcemr_status follow_together(pull *p, const follow_block *blocks, uint64_t count,
                                            bool *held, bcemr_error *err);

/* ---- evidence ---- */

/* Of a refusal: writes it, hands it to the keeper, fills the facts. */
BCEMR_MUST_USE bcemr_status follow_keep_evidence(pull *p, const bcemr_error *why, bcemr_error *err);

#endif
