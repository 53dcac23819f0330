/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The follower (role observer): a node that makes the ledger again from what sources give it. It
 * applies every entry by the same rules, makes case headers and indexes itself, and takes nothing
 * that differs from what it was given.
 *
 * How leaves come in, in this order:
 *   1. the source's newest cosigned checkpoint is checked: the sets from the own one on are walked
 *      (each step is proven to be in the signed tree), then the joint signature;
 *   2. leaves are fetched in ranges; before anything is applied, a consistency proof shows that the
 *      own log with these leaves behind it is the beginning of the signed tree;
 *   3. whole blocks are replayed, in memory; the root must be that of the leaves given;
 *   4. where the checkpoint's size is reached, all of it must equal the own log's;
 *   5. only then are they written, and durable with the next line of this list.
 * So the own log is at every moment a prefix of one that the supernodes signed, and has been
 * checked against the rules besides. Leaves that nobody has cosigned yet are not taken, unless
 * `ahead` says so: then the source's word stands for the checkpoint, and order and times of such
 * leaves rest on it. If another order is cosigned later, this log must be made anew; it cannot be
 * turned back.
 *
 * What contradicts the own log, a checkpoint seen before or the source itself is refused by name,
 * kept as evidence, and the source is not asked again.
 *
 *   FORK           a signed or stated log that has another leaf where the own log has one; another
 *                  checkpoint at one size
 *   BAD_LEAF       leaves that are not those of the root that they came with
 *   BAD_CHECKPOINT, NOT_ENOUGH_SIGNERS, BAD_SET, WRONG_LEDGER   as in proof.h
 *   BAD_CONSISTENCY, BAD_INCLUSION   a proof that shows nothing
 *   STALE_PROOF    the source says less than it said before, or than it shows as signed
 *   LEDGER_REFUSED the rules refuse an entry (err->reason) although it was signed or stated
 *
 * No threads, no clock, no waiting of its own: a step pulls once, bounded; when to step again is
 * the caller's. The own state is the truth: after a restart the follower goes on where it ends.
 */
#ifndef LEDGER_FOLLOW_H
#define LEDGER_FOLLOW_H

#include "ledger/follow/source.h"

#define LEDGER_FOLLOW_SOURCES_MAX 16
#define LEDGER_FOLLOW_STEP ((uint64_t)4 << 20)   /* bytes of leaves that a step asks for */
#define LEDGER_FOLLOW_BLOCK ((uint64_t)64 << 20) /* bytes of leaves that a block may have */

typedef struct ledger_follower ledger_follower;

/*
 * Keeps evidence durably, under a name of the keeper's choice. evidence: Tr("fork"), always there;
 * guilt: Tr("guilt") when what was found proves who signed it guilty, else empty.
 */
typedef bcemr_status (*ledger_follow_keep)(void *user, const char *source, bcemr_span evidence,
                                           bcemr_span guilt, bcemr_error *err);

typedef struct ledger_follow_options {
    const bcemr_context *context;   /* required; outlives the follower */
    ledger_state state;             /* required, opened for writing; closed with the follower */
    bcemr_span genesis;             /* Tr("signed"; genesis); empty: the state's own */
    const bcemr_parallel *parallel; /* NULL: one after the other; outlives the follower */
    uint64_t remembered_claims;     /* 0: the default of the rules */
    bool ahead;                     /* also take leaves that nobody has cosigned yet */
    uint64_t step_bytes;            /* 0: LEDGER_FOLLOW_STEP */
    uint64_t block_bytes;           /* 0: LEDGER_FOLLOW_BLOCK */
    ledger_follow_keep keep;        /* NULL: evidence is not kept */
    void *keep_user;
} ledger_follow_options;

/* Errors: those of ledger_chain_open. On failure the state stays the caller's. */
BCEMR_MUST_USE bcemr_status ledger_follow_open(ledger_follower **out,
                                               const ledger_follow_options *options,
                                               bcemr_error *err);
/* Closes state and sources. NULL is allowed. */
void ledger_follow_close(ledger_follower *follower);
/* The own log: valid while the follower is open; what is read from it is of the last step. Served
 * to others by ledger_source_chain. */
const ledger_chain *ledger_follow_chain(const ledger_follower *follower);
/* Closed with the follower; its number is the count of those before it. name (copied, cut at 200
 * bytes) stands in evidence. E_TOO_MANY. On failure the source stays the caller's. */
BCEMR_MUST_USE bcemr_status ledger_follow_add(ledger_follower *follower, const char *name,
                                              const ledger_source *source, bcemr_error *err);

/* How it stands with a source after its last step. */
typedef enum ledger_follow_where {
    LEDGER_FOLLOW_NEW,      /* not asked yet */
    LEDGER_FOLLOW_MOVED,    /* leaves were taken; there may be more */
    LEDGER_FOLLOW_UP,       /* the own log ends where the source's does, and is the same */
    LEDGER_FOLLOW_BEHIND,   /* the source has fewer leaves; what it has is the same */
    LEDGER_FOLLOW_UNSIGNED, /* it has more, which nobody has cosigned and is not taken */
    LEDGER_FOLLOW_SILENT,   /* it did not answer, or not with what it says it has: error says why */
    LEDGER_FOLLOW_BAD       /* refused: error says why; not asked again */
} ledger_follow_where;

typedef struct ledger_follow_facts {
    const char *name;
    ledger_follow_where where;
    uint64_t size;     /* leaves that it said it has, last */
    uint64_t cosigned; /* size of the newest cosigned checkpoint of it that was checked; 0: none */
    uint64_t taken;    /* leaves that came from it since the follower was opened */
    uint64_t checked;  /* checkpoints of it that were found to equal the own log's */
    bcemr_error error; /* of SILENT and BAD */
    uint64_t place;    /* of FORK and BAD_LEAF: the first leaf that differs, or BCEMR_NOWHERE */
    bool kept;         /* evidence was kept ... */
    bool guilt;        /* ... and it proves supernodes guilty */
    bool own;          /* of FORK: what differs in the own log was not cosigned, but taken ahead */
} ledger_follow_facts;
uint64_t ledger_follow_sources(const ledger_follower *follower);
void ledger_follow_describe(const ledger_follower *follower, uint64_t source,
                            ledger_follow_facts *out);

/*
 * Pulls once from a source. clock (ms since 1970 UTC) dates evidence, nothing else.
 * OK: the facts' where says what came of it. E_REFUSED: it is bad, err->verdict says why (again on
 * every later call). Anything else is a failure of this node: of its state, its memory, or of
 * keeping evidence (then the source is bad all the same).
 */
BCEMR_MUST_USE bcemr_status ledger_follow_step(ledger_follower *follower, uint64_t source,
                                               int64_t clock, bcemr_error *err);

/*
 * Steps over all sources in turns until none of them moves the own log any more. progress (NULL
 * allowed) is told the own size and the largest size that a source may be followed to.
 * OK whatever became of single sources: see their facts. E_INTERRUPTED by progress; failures of
 * this node as above.
 */
BCEMR_MUST_USE bcemr_status ledger_follow_run(ledger_follower *follower, int64_t clock,
                                              const bcemr_progress *progress, bcemr_error *err);

/* ---- for readers ---- */

/*
 * Whether the index `stops` as this node holds it is the one that the supernodes signed: cosigned
 * is by the set in force and equals the own log at its size, and all blocks of `stops` up to there
 * lead to the head in it. Then what is not in it before its size is not in the ledger either.
 * Errors: E_NOT_FOUND: the own log has not come so far; E_REFUSED with BAD_CHECKPOINT,
 * NOT_ENOUGH_SIGNERS, BAD_SET, WRONG_LEDGER, FORK, BAD_INDEX; the store's.
 */
BCEMR_MUST_USE bcemr_status ledger_follow_stops_hold(const ledger_chain *chain,
                                                     const bcemr_context *context,
                                                     bcemr_span cosigned, bcemr_error *err);
/*
 * After that: whether "Revoke" of R, "Retire" of X or "Erase" of vid stands before leaf, where leaf
 * (an Access) is below the size of the checkpoint. Looked up in the whole index, so the answer
 * rests on nothing but the signed head. E_ARGUMENT when leaf is not below it; as above.
 */
BCEMR_MUST_USE bcemr_status ledger_follow_stopped_before(const ledger_chain *chain,
                                                         const bcemr_context *context,
                                                         bcemr_span cosigned, uint64_t leaf,
                                                         const char *kind, bcemr_span key,
                                                         bool *stopped, bcemr_error *err);

#endif
