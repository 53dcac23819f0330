/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6962 section 2.1: roots and proofs from stored nodes; their checks are those of RFC 9162. */
#include "wire/error.h"

#include <bcemr/proof.h>
#include <string.h>

/* The largest power of two below n; n at least 2. */
static uint64_t split(uint64_t n)
{
    uint64_t k = 1;
    while (k < n - k)
        k *= 2;
    return k;
}

static uint64_t level_of(uint64_t power)
{
    uint64_t level = 0;
    while (power > 1) {
        power /= 2;
        level++;
    }
    return level;
}

/* MTH(D[start : start + n]), n at least 1, for ranges that the recursion of RFC 6962 meets: start
 * is a multiple of the smallest power of two that is not below n. */
static bcemr_status range_root(const bcemr_node_source *source, uint64_t start, uint64_t n,
                               bcemr_hash *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash parts[64];
    uint64_t count = 0;
    for (uint64_t rest = n; rest > 0;) {
        uint64_t power = rest == 1 ? 1 : split(rest + 1); /* the largest not above rest */
        uint64_t level = level_of(power);
        TRY(source->node(source->user, level, start >> level, &parts[count]));
        count++;
        start += power;
        rest -= power;
    }
    *out = parts[count - 1];
    for (uint64_t i = count - 1; i > 0; i--)
        bcemr_tree_node_hash(&parts[i - 1], out, out);
out:
    return status;
}

bcemr_status bcemr_root_make(const bcemr_node_source *source, uint64_t size, bcemr_hash *out)
{
    if (size > INT64_MAX)
        return BCEMR_E_ARGUMENT;
    if (size > 0)
        return range_root(source, 0, size, out);
    bcemr_sha256((bcemr_span){0}, out);
    return BCEMR_OK;
}

static void reverse(bcemr_hash *path, uint64_t count)
{
    for (uint64_t i = 0; i < count / 2; i++) {
        bcemr_hash other = path[i];
        path[i] = path[count - 1 - i];
        path[count - 1 - i] = other;
    }
}

bcemr_status bcemr_inclusion_path(const bcemr_node_source *source, uint64_t index, uint64_t size,
                                  bcemr_hash *path, uint64_t *count)
{
    bcemr_status status = BCEMR_OK;
    uint64_t start = 0, n = size;
    *count = 0;
    if (index >= size || size > INT64_MAX)
        return BCEMR_E_ARGUMENT;
    while (n > 1) {
        uint64_t k = split(n);
        if (index < k) {
            TRY(range_root(source, start + k, n - k, &path[*count]));
            n = k;
        } else {
            TRY(range_root(source, start, k, &path[*count]));
            start += k;
            index -= k;
            n -= k;
        }
        (*count)++;
    }
    reverse(path, *count);
out:
    return status;
}

bcemr_status bcemr_consistency_path(const bcemr_node_source *source, uint64_t first,
                                    uint64_t second, bcemr_hash *path, uint64_t *count)
{
    bcemr_status status = BCEMR_OK;
    uint64_t start = 0, n = second;
    bool whole = true; /* the older tree's root is known to who checks */
    *count = 0;
    if (first == 0 || first > second || second > INT64_MAX)
        return BCEMR_E_ARGUMENT;
    while (first != n) {
        uint64_t k = split(n);
        if (first <= k) {
            TRY(range_root(source, start + k, n - k, &path[*count]));
            n = k;
        } else {
            TRY(range_root(source, start, k, &path[*count]));
            start += k;
            first -= k;
            n -= k;
            whole = false;
        }
        (*count)++;
    }
    if (!whole) {
        TRY(range_root(source, start, n, &path[*count]));
        (*count)++;
    }
    reverse(path, *count);
out:
    return status;
}

static bool inclusion_holds(const bcemr_hash *leaf_hash, uint64_t index, uint64_t size,
                            const bcemr_hash *path, uint64_t count, const bcemr_hash *root)
{
    if (index >= size)
        return false;
    uint64_t at = index, last = size - 1;
    bcemr_hash hash = *leaf_hash;
    for (uint64_t i = 0; i < count; i++) {
        if (last == 0)
            return false;
        if ((at & 1) != 0 || at == last) {
            bcemr_tree_node_hash(&path[i], &hash, &hash);
            while (at != 0 && (at & 1) == 0) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            bcemr_tree_node_hash(&hash, &path[i], &hash);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && bcemr_hash_equal(&hash, root);
}

bcemr_verdict bcemr_inclusion_holds(const bcemr_hash *leaf_hash, uint64_t index, uint64_t size,
                                    const bcemr_hash *path, uint64_t count, const bcemr_hash *root)
{
    return BCEMR_HOLDS(BCEMR_BAD_INCLUSION,
                       inclusion_holds(leaf_hash, index, size, path, count, root))
               ? BCEMR_VALID
               : BCEMR_BAD_INCLUSION;
}

/* The two trees, rebuilt together from the right edge of the older one up. */
typedef struct both_roots {
    uint64_t at, last;
    bcemr_hash older, newer;
} both_roots;

static void climb(both_roots *roots, const bcemr_hash *node)
{
    if ((roots->at & 1) != 0 || roots->at == roots->last) {
        bcemr_tree_node_hash(node, &roots->older, &roots->older);
        bcemr_tree_node_hash(node, &roots->newer, &roots->newer);
        while (roots->at != 0 && (roots->at & 1) == 0) {
            roots->at >>= 1;
            roots->last >>= 1;
        }
    } else {
        bcemr_tree_node_hash(&roots->newer, node, &roots->newer);
    }
    roots->at >>= 1;
    roots->last >>= 1;
}

/* Where the walk begins: at the largest complete subtree that ends the older tree. */
static both_roots begin_climb(uint64_t first, uint64_t second)
{
    both_roots roots = {.at = first - 1, .last = second - 1};
    while ((roots.at & 1) != 0) {
        roots.at >>= 1;
        roots.last >>= 1;
    }
    return roots;
}

/* Both roots from that subtree's root and the nodes beside the way up; false when there are too
 * many or too few. */
static bool climb_all(both_roots *roots, const bcemr_hash *start, const bcemr_hash *path,
                      uint64_t count)
{
    roots->older = roots->newer = *start;
    for (uint64_t next = 0; next < count; next++) {
        if (roots->last == 0)
            return false;
        climb(roots, &path[next]);
    }
    return roots->last == 0;
}

bcemr_status bcemr_consistency_roots(uint64_t first, uint64_t second, const bcemr_hash *path,
                                     uint64_t count, bcemr_hash *older, bcemr_hash *newer)
{
    if (first == 0 || first >= second || count == 0)
        return BCEMR_E_ARGUMENT;
    both_roots roots = begin_climb(first, second);
    if (!climb_all(&roots, &path[0], path + 1, count - 1))
        return BCEMR_E_ARGUMENT;
    *older = roots.older;
    *newer = roots.newer;
    return BCEMR_OK;
}

static bool consistency_holds(uint64_t first, uint64_t second, const bcemr_hash *first_root,
                              const bcemr_hash *second_root, const bcemr_hash *path, uint64_t count)
{
    if (first == 0 || first > second)
        return false;
    if (first == second)
        return count == 0 && bcemr_hash_equal(first_root, second_root);
    both_roots roots = begin_climb(first, second);
    /* A power of two is a complete subtree: its root is the first node, and is not sent. */
    bool sent = roots.at != 0;
    if (sent && count == 0)
        return false;
    return climb_all(&roots, sent ? &path[0] : first_root, sent ? path + 1 : path,
                     sent ? count - 1 : count) &&
           bcemr_hash_equal(&roots.older, first_root) &&
           bcemr_hash_equal(&roots.newer, second_root);
}

bcemr_verdict bcemr_consistency_holds(uint64_t first, uint64_t second, const bcemr_hash *first_root,
                                      const bcemr_hash *second_root, const bcemr_hash *path,
                                      uint64_t count)
{
    return BCEMR_HOLDS(BCEMR_BAD_CONSISTENCY,
                       consistency_holds(first, second, first_root, second_root, path, count))
               ? BCEMR_VALID
               : BCEMR_BAD_CONSISTENCY;
}
