/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a follower gets a ledger from: a server, a database beside its live writer, an exported
 * file, another follower.
 *
 * A source is trusted for one thing: that it answers at all. Everything that it says is checked
 * against the own log, the rules and the supernodes' signatures. Whoever owns a source, or the line
 * to it, can hold new leaves back, and can show which leaves are asked for; they cannot make a
 * follower take a leaf that the supernodes did not sign (follow.h, ahead).
 *
 * What is served are whole ranges: nobody has to ask for one key, so a source does not learn what
 * its readers look for.
 */
#ifndef LEDGER_SOURCE_H
#define LEDGER_SOURCE_H

#include "ledger/chain/chain.h"

#include <bcemr/content.h>

/* Sets that one answer walks; more are asked for again. */
#define LEDGER_SOURCE_SETS 64
/* No leaf, and no block of an index, is longer. */
#define LEDGER_SOURCE_LEAF_MAX ((uint64_t)1 << 20)

/* What a source says of itself, as of one moment. */
typedef struct ledger_source_head {
    bcemr_tr_checkpoint at; /* of its last block */
    bool bare;              /* of at only ledger, size and root are said (an export) */
    bcemr_buf cosigned;     /* the newest Tr("cosigned") that it has; empty for none */
} ledger_source_head;

/*
 * Buffers are appended to unless said otherwise. Errors: E_NOT_FOUND for what is beyond the
 * source's log; any other when it cannot answer now. Where an answer is bounded by bytes the first
 * item always fits, and the answer is never longer than bytes and one item.
 */
typedef struct ledger_source_ops {
    /* Replaces what out held; its buffer stays the caller's. */
    bcemr_status (*head)(void *self, ledger_source_head *out, bcemr_error *err);
    /* Tr("list"; Tr("leaf")...) of the leaves from, from + 1, ... below to, as many as fit into
     * bytes. Blocks can be made from them, since a leaf says its height and time; a range may begin
     * and end within a block. */
    bcemr_status (*leaves)(void *self, uint64_t from, uint64_t to, uint64_t bytes, bcemr_buf *out,
                           bcemr_error *err);
    /* Tr("consistency") between the trees of the first and second leaves. */
    bcemr_status (*consistency)(void *self, uint64_t first, uint64_t second, bcemr_buf *out,
                                bcemr_error *err);
    /* Tr("list"; Tr("inclusion")...) of the leaves below size that made the sets after number, in
     * their order, at most LEDGER_SOURCE_SETS; each leads to the tree of size leaves. */
    bcemr_status (*sets)(void *self, uint64_t number, uint64_t size, bcemr_buf *out,
                         bcemr_error *err);
    /* Tr("list"; Tr("index")...) of "stops" or "finds", blocks with from <= height <= to, as many
     * as fit into bytes; empty when there are none. */
    bcemr_status (*index)(void *self, const char *name, uint64_t from, uint64_t to, uint64_t bytes,
                          bcemr_buf *out, bcemr_error *err);
    void (*close)(void *self);
} ledger_source_ops;

typedef struct ledger_source {
    const ledger_source_ops *ops;
    void *self;
} ledger_source;
void ledger_source_close(ledger_source *source); /* NULL and closed ones are allowed */

/* An open chain: this node's own, or a follower's. It stays the caller's and outlives the source.
 */
BCEMR_MUST_USE bcemr_status ledger_source_chain(ledger_source *out, const ledger_chain *chain);

/* A chain on a database opened for reading, which another process or thread may be writing to: it
 * is refreshed (ledger_chain_refresh) at the start of every head. It stays the caller's. */
BCEMR_MUST_USE bcemr_status ledger_source_database(ledger_source *out, ledger_chain *chain);

/*
 * An export: 8 bytes of length, Tr("ledger-export"), then for each leaf 8 bytes of length and
 * Tr("leaf"). It is read once from end to end, and of every 1,024 leaves one hash and one place are
 * kept. What is asked of its tree is made from those. bytes stays the caller's and outlives the
 * source.
 * It has no index (E_NOT_FOUND), and its head is bare.
 * Errors: reading's (err->index the leaf); E_REFUSED with BAD_LEAF when the leaves do not give the
 * root that its head says, WRONG_LEDGER when the first is not the genesis of its ledger.
 */
BCEMR_MUST_USE bcemr_status ledger_source_export(ledger_source *out, const bcemr_source *bytes,
                                                 bcemr_error *err);

#endif
