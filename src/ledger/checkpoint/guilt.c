/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/checkpoint/guilt.h"

#include "ledger/chain/internal.h"
#include "proof/member.h"

#include <string.h>

typedef struct signed_size {
    bcemr_span cosigned;
    bcemr_tr_checkpoint checkpoint;
    bool here; /* the own log has this tree */
} signed_size;

typedef struct maker {
    const ledger_chain *chain;
    const ledger_evidence *evidence;
    signed_size small, large;
    bool two;
    bcemr_tr_guilt guilt;
    bcemr_span other, leaf; /* what the lists of guilt point to */
    bcemr_buf leaf_held;
    bcemr_hash path[BCEMR_CONSISTENCY_MAX + 1];
    /* Which of the sets that were brought are needed. */
    const bcemr_span *branch;
    uint64_t branch_count;
} maker;

/* ---- the two ---- */

static bcemr_status take(const ledger_chain *chain, bcemr_span cosigned, signed_size *out,
                         bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_cosigned value;
    bcemr_hash root;
    out->cosigned = cosigned;
    TRY(bcemr_read_cosigned(cosigned, &value, err));
    TRY(bcemr_read_checkpoint(value.checkpoint, &out->checkpoint, err));
    if (out->checkpoint.size <= chain->tip.size) {
        TRY_AT(ledger_chain_root(chain, out->checkpoint.size, &root), "checkpoint", "root");
        out->here = bcemr_hash_equal(&root, &out->checkpoint.root);
    }
out:
    return status;
}

static bcemr_status take_both(maker *m, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY(take(m->chain, m->evidence->one, &m->small, err));
    m->two = m->evidence->other.n > 0;
    if (!m->two)
        goto out;
    TRY(take(m->chain, m->evidence->other, &m->large, err));
    if (m->large.checkpoint.size < m->small.checkpoint.size) {
        const signed_size held = m->small;
        m->small = m->large;
        m->large = held;
    }
out:
    return status;
}

/* ---- the kinds: each true when it is the one ---- */

static void use(maker *m, bcemr_guilt_kind kind, const signed_size *one, const signed_size *other)
{
    m->guilt.kind = (uint64_t)kind;
    m->guilt.one = one->cosigned;
    if (other) {
        m->other = other->cosigned;
        m->guilt.other = BCEMR_LIST_OF(&m->other, 1);
    }
}

static bcemr_status same_size(maker *m, bool *is, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_cosigned a, b;
    if (!m->two || m->small.checkpoint.size != m->large.checkpoint.size)
        goto out;
    TRY(bcemr_read_cosigned(m->small.cosigned, &a, err));
    TRY(bcemr_read_cosigned(m->large.cosigned, &b, err));
    *is = !bcemr_span_equal(a.checkpoint, b.checkpoint);
    if (*is)
        use(m, BCEMR_guilt_kind_SAME_SIZE, &m->small, &m->large);
out:
    return status;
}

/* The consistency path of the own log, with the first node always there. */
static bcemr_status own_path(maker *m, uint64_t *count, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_consistency proof;
    uint64_t first = m->small.checkpoint.size, n = 0;
    TRY(ledger_chain_consistency(m->chain, first, m->large.checkpoint.size, &held, err));
    TRY(bcemr_read_consistency(bcemr_buf_span(&held), &proof, err));
    if ((first & (first - 1)) == 0)
        TRY_AT(ledger_chain_root(m->chain, first, &m->path[n++]), "checkpoint", "root");
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_hash_item, &proof.path);
    while (n < BCEMR_CONSISTENCY_MAX && bcemr_list_next(&iter, &m->path[n]))
        n++;
    *count = n;
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status other_root(maker *m, bool *is, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash older, newer;
    uint64_t count = m->evidence->path_count;
    if (!m->two || m->small.checkpoint.size >= m->large.checkpoint.size)
        goto out;
    if (count > BCEMR_CONSISTENCY_MAX)
        FAIL(BCEMR_E_TOO_MANY, "consistency", "path");
    if (count > 0)
        memcpy(m->path, m->evidence->path, (size_t)count * sizeof m->path[0]);
    else if (m->large.here)
        TRY(own_path(m, &count, err));
    else
        goto out; /* nobody has shown the larger tree */
    *is = bcemr_consistency_roots(m->small.checkpoint.size, m->large.checkpoint.size, m->path,
                                  count, &older, &newer) == BCEMR_OK &&
          bcemr_hash_equal(&newer, &m->large.checkpoint.root) &&
          !bcemr_hash_equal(&older, &m->small.checkpoint.root);
    if (*is) {
        use(m, BCEMR_guilt_kind_OTHER_ROOT, &m->small, &m->large);
        m->guilt.path = BCEMR_LIST_OF(m->path, count);
    }
out:
    return status;
}

/* Leaf that made a set of the own log. */
static bcemr_status set_leaf(const ledger_chain *chain, uint64_t number, uint64_t *leaf,
                             bcemr_error *err)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_set set;
    ledger_key key;
    ledger_key_begin(&key);
    ledger_key_add_number(&key, number);
    bcemr_status status = ledger_get_record(&chain->state, LEDGER_SETS, ledger_key_span(&key),
                                            &bcemr_type_state_set, &held, &set, err);
    if (status == BCEMR_OK)
        *leaf = set.leaf;
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status add_leaf(maker *m, uint64_t leaf, uint64_t size, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    TRY(ledger_chain_inclusion(m->chain, leaf, size, &m->leaf_held, err));
    m->leaf = bcemr_buf_span(&m->leaf_held);
    m->guilt.leaf = BCEMR_LIST_OF(&m->leaf, 1);
out:
    return status;
}

/* Its own tree, which is this log's, made a later set. */
static bcemr_status old_set(maker *m, const signed_size *of, bool *is, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t leaf = 0, next = of->checkpoint.set_number + 1;
    if (!of->here || next > m->chain->tip.set_number)
        goto out;
    TRY(set_leaf(m->chain, next, &leaf, err));
    *is = leaf < of->checkpoint.size;
    if (*is) {
        use(m, BCEMR_guilt_kind_OLD_SET, of, NULL);
        TRY(add_leaf(m, leaf, of->checkpoint.size, err));
    }
out:
    return status;
}

static bcemr_status early_set(maker *m, bool *is, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_checkpoint *small = &m->small.checkpoint, *large = &m->large.checkpoint;
    uint64_t leaf = 0;
    if (!m->two || !m->large.here || small->size >= large->size || small->set_number == 0 ||
        small->set_number > m->chain->tip.set_number)
        goto out;
    TRY(set_leaf(m->chain, small->set_number, &leaf, err));
    *is = leaf >= small->size && leaf < large->size;
    if (*is) {
        use(m, BCEMR_guilt_kind_EARLY_SET, &m->small, &m->large);
        TRY(add_leaf(m, leaf, large->size, err));
    }
out:
    return status;
}

static bcemr_status find_kind(maker *m, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bool is = false;
    TRY(same_size(m, &is, err));
    if (!is)
        TRY(other_root(m, &is, err));
    if (!is)
        TRY(old_set(m, &m->small, &is, err));
    if (!is && m->two)
        TRY(old_set(m, &m->large, &is, err));
    if (!is)
        TRY(early_set(m, &is, err));
    if (!is)
        FAIL(BCEMR_E_NOT_FOUND, "evidence", "guilt");
out:
    return status;
}

/* ---- the sets ---- */

/* The own log's set of a number; E_NOT_FOUND beyond its last. out: BCEMR_SET_EMPTY at first. */
static bcemr_status own_set(const ledger_chain *chain, uint64_t number, bcemr_set *out,
                            bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_set set;
    ledger_key key;
    if (number > chain->tip.set_number)
        FAIL(BCEMR_E_NOT_FOUND, "evidence", "sets");
    ledger_key_begin(&key);
    ledger_key_add_number(&key, number);
    TRY(ledger_get_record(&chain->state, LEDGER_SETS, ledger_key_span(&key), &bcemr_type_state_set,
                          &held, &set, err));
    TRY(bcemr_set_read(set.set, out, err));
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status is_own(const ledger_chain *chain, uint64_t number, const bcemr_hash *hash,
                           bool *own, bcemr_error *err)
{
    bcemr_set set = BCEMR_SET_EMPTY;
    bcemr_status status = own_set(chain, number, &set, err);
    *own = status == BCEMR_OK && bcemr_hash_equal(&set.hash, hash);
    bcemr_set_free(&set);
    return status == BCEMR_E_NOT_FOUND ? BCEMR_OK : status;
}

/* The checkpoints that go into the file. */
static uint64_t used_sides(const maker *m, const bcemr_tr_checkpoint *out[2])
{
    const signed_size *sides[2] = {&m->small, &m->large};
    uint64_t n = 0;
    for (int i = 0; i < 2; i++)
        if (bcemr_span_equal(sides[i]->cosigned, m->guilt.one) ||
            (m->other.n > 0 && bcemr_span_equal(sides[i]->cosigned, m->other)))
            out[n++] = &sides[i]->checkpoint;
    return n;
}

/* How far the own log's sets are needed for those that signed, and how many of these it has not. */
static bcemr_status own_sets(const maker *m, uint64_t *last, uint64_t *others, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_checkpoint *used[2];
    uint64_t n = used_sides(m, used);
    *last = *others = 0;
    for (uint64_t i = 0; i < n; i++) {
        bool own = false;
        TRY(is_own(m->chain, used[i]->set_number, &used[i]->set, &own, err));
        if (!own)
            ++*others;
        else if (used[i]->set_number > *last)
            *last = used[i]->set_number;
    }
out:
    return status;
}

/* Whether the set is one that signed. */
static bool is_named(const maker *m, const bcemr_set *set)
{
    const bcemr_tr_checkpoint *used[2];
    uint64_t n = used_sides(m, used);
    for (uint64_t i = 0; i < n; i++)
        if (used[i]->set_number == set->number && bcemr_hash_equal(&used[i]->set, &set->hash))
            return true;
    return false;
}

/*
 * Of the sets that were brought, those from where they leave the own log's to the last that signed:
 * who brings them may not know where either is. What does not follow stays; the check names it.
 */
static bcemr_status find_branch(maker *m, uint64_t *base, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set set = BCEMR_SET_EMPTY, next = BCEMR_SET_EMPTY;
    bcemr_signed_parts parts;
    bcemr_hash before;
    uint64_t number = 0, first = 0, last = 0;
    for (uint64_t i = 0; i < m->evidence->set_count; i++) {
        bool own = false;
        TRY(bcemr_signed_read(m->evidence->sets[i], &parts, err));
        if (!proof_set_entry(parts.entry, &number, &before))
            FAIL(BCEMR_E_NOT_FOUND, "evidence", "sets");
        if (i == 0)
            TRY(own_set(m->chain, number - 1, &set, err));
        if (bcemr_set_next(&set, parts.entry, &next, NULL) != BCEMR_OK)
            FAIL(BCEMR_E_NOT_FOUND, "evidence", "sets");
        bcemr_set_free(&set);
        set = next;
        next = BCEMR_SET_EMPTY;
        TRY(is_own(m->chain, set.number, &set.hash, &own, err));
        if (own && first == i)
            first = last = i + 1;
        else if (is_named(m, &set))
            last = i + 1;
        if (first == i)
            *base = number - 1;
    }
    m->branch_count = last - first;
    if (m->branch_count > 0)
        m->branch = m->evidence->sets + first;
out:
    bcemr_set_free(&set);
    bcemr_set_free(&next);
    return status;
}

/* How far the own log's sets go into the file, and what follows them. */
static bcemr_status last_set(maker *m, uint64_t *last, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t others = 0, base = 0;
    TRY(own_sets(m, last, &others, err));
    if (others == 0)
        goto out;
    TRY(find_branch(m, &base, err));
    if (m->branch_count > 0 && base > *last)
        *last = base;
out:
    return status;
}

/* Appends the encodings of all set changes; lengths tells them apart, since the buffer moves. */
static bcemr_status gather_sets(const maker *m, uint64_t last, bcemr_buf *held, uint64_t *lengths,
                                bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf leaf = BCEMR_BUF_EMPTY;
    bcemr_leaf_parts parts;
    uint64_t at = 0, n = 0;
    for (uint64_t number = 1; number <= last; number++) {
        TRY(set_leaf(m->chain, number, &at, err));
        bcemr_buf_clear(&leaf);
        TRY_AT(ledger_chain_leaf(m->chain, at, &leaf), "set", "leaf");
        TRY(bcemr_leaf_read(bcemr_buf_span(&leaf), &parts, err));
        TRY_AT(bcemr_buf_append(held, parts.signed_entry), "guilt", "sets");
        lengths[n++] = parts.signed_entry.n;
    }
    for (uint64_t i = 0; i < m->branch_count; i++) {
        TRY_AT(bcemr_buf_append(held, m->branch[i]), "guilt", "sets");
        lengths[n++] = m->branch[i].n;
    }
out:
    bcemr_buf_free(&leaf);
    return status;
}

static bcemr_status write_with_sets(maker *m, bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    uint64_t last = 0, offset = 0, *lengths = NULL;
    bcemr_span *spans = NULL;
    TRY(last_set(m, &last, err));
    uint64_t count = last + m->branch_count;
    lengths = bcemr_allocate((count + 1) * sizeof *lengths);
    spans = bcemr_allocate((count + 1) * sizeof *spans);
    if (!lengths || !spans)
        FAIL(BCEMR_E_NO_MEMORY, "guilt", "sets");
    TRY(gather_sets(m, last, &held, lengths, err));
    for (uint64_t i = 0; i < count; i++) {
        spans[i] = bcemr_span_of(held.p + offset, lengths[i]);
        offset += lengths[i];
    }
    m->guilt.sets = BCEMR_LIST_OF(spans, count);
    TRY(bcemr_write_guilt(&m->guilt, out, err));
out:
    bcemr_release(lengths);
    bcemr_release(spans);
    bcemr_buf_free(&held);
    return status;
}

bcemr_status ledger_guilt_make(const ledger_chain *chain, const ledger_evidence *evidence,
                               bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local = {0};
    bcemr_buf made = BCEMR_BUF_EMPTY, genesis = BCEMR_BUF_EMPTY;
    maker *m = bcemr_allocate(sizeof *m);
    err = err ? err : &local;
    if (!m)
        FAIL(BCEMR_E_NO_MEMORY, "guilt", NULL);
    m->chain = chain;
    m->evidence = evidence;
    TRY(take_both(m, err));
    TRY(find_kind(m, err));
    TRY(write_with_sets(m, &made, err));
    /* Nobody is accused by what others would not take. */
    TRY_AT(ledger_get(&chain->state, LEDGER_GENESIS, (bcemr_span){0}, &genesis), "genesis", NULL);
    REQUIRE_VALID(bcemr_guilt_check(chain->context, bcemr_buf_span(&genesis), bcemr_buf_span(&made),
                                    NULL, err),
                  "guilt", NULL);
    TRY_AT(bcemr_buf_append(out, bcemr_buf_span(&made)), "guilt", NULL);
out:
    if (m)
        bcemr_buf_free(&m->leaf_held);
    bcemr_release(m);
    bcemr_buf_free(&made);
    bcemr_buf_free(&genesis);
    return status;
}
