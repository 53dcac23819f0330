/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6962 trees: known answers of the certificate transparency project, then every pair of sizes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bcemr/proof.h>
#include <string.h>

#include "support/hex.h"

#define MOST 70

static const char *const leaves[8] = {"",
                                      "00",
                                      "10",
                                      "2021",
                                      "3031",
                                      "40414243",
                                      "5051525354555657",
                                      "606162636465666768696a6b6c6d6e6f"};
static const char *const roots[8] = {
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

/* A tree in memory: nodes of complete subtrees, made level by level. */
typedef struct nodes {
    bcemr_hash level[8][MOST];
    uint64_t leaves;
    uint64_t asked;
} nodes;

static bcemr_status node(void *user, uint64_t level, uint64_t index, bcemr_hash *out)
{
    nodes *n = user;
    n->asked++;
    if (level >= 8 || (index + 1) << level > n->leaves)
        return BCEMR_E_NOT_FOUND; /* not complete: nobody may ask for it */
    *out = n->level[level][index];
    return BCEMR_OK;
}

static void grow(nodes *n, const bcemr_hash *leaf_hash)
{
    n->level[0][n->leaves++] = *leaf_hash;
    for (uint64_t level = 1, index = n->leaves; level < 8 && (index & 1) == 0; level++) {
        index >>= 1;
        bcemr_tree_node_hash(&n->level[level - 1][2 * index - 2],
                             &n->level[level - 1][2 * index - 1], &n->level[level][index - 1]);
    }
}

static void known_tree(nodes *n)
{
    uint8_t bytes[32];
    bcemr_hash hash;
    memset(n, 0, sizeof *n);
    for (int i = 0; i < 8; i++) {
        bcemr_tree_leaf_hash(hex(leaves[i], bytes, sizeof bytes), &hash);
        grow(n, &hash);
    }
}

static void known_roots(void **state)
{
    (void)state;
    nodes n;
    bcemr_hash root;
    known_tree(&n);
    const bcemr_node_source source = {node, &n};
    for (uint64_t size = 1; size <= 8; size++) {
        assert_int_equal(bcemr_root_make(&source, size, &root), BCEMR_OK);
        assert_hex(root.b, roots[size - 1]);
    }
    assert_int_equal(bcemr_root_make(&source, 0, &root), BCEMR_OK);
    assert_hex(root.b, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#define A "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
#define B "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
#define C "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
#define D "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
#define E "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
#define F "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
#define G "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
#define H "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
#define I "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"

static void known_paths(void **state)
{
    (void)state;
    static const struct {
        uint64_t index, size, count;
        const char *path[3];
    } inclusions[] = {{0, 1, 0, {NULL}},
                      {0, 8, 3, {A, B, C}},
                      {5, 8, 3, {D, E, F}},
                      {2, 3, 1, {H}},
                      {1, 5, 3, {G, B, D}}};
    static const struct {
        uint64_t first, second, count;
        const char *path[3];
    } consistencies[] = {
        {1, 1, 0, {NULL}}, {1, 8, 3, {A, B, C}}, {6, 8, 3, {I, E, F}}, {2, 5, 2, {B, D}}};
    nodes n;
    bcemr_hash path[BCEMR_CONSISTENCY_MAX];
    uint64_t count;
    known_tree(&n);
    const bcemr_node_source source = {node, &n};
    for (size_t i = 0; i < sizeof inclusions / sizeof inclusions[0]; i++) {
        assert_int_equal(
            bcemr_inclusion_path(&source, inclusions[i].index, inclusions[i].size, path, &count),
            BCEMR_OK);
        assert_int_equal(count, inclusions[i].count);
        for (uint64_t j = 0; j < count; j++)
            assert_hex(path[j].b, inclusions[i].path[j]);
    }
    for (size_t i = 0; i < sizeof consistencies / sizeof consistencies[0]; i++) {
        assert_int_equal(bcemr_consistency_path(&source, consistencies[i].first,
                                                consistencies[i].second, path, &count),
                         BCEMR_OK);
        assert_int_equal(count, consistencies[i].count);
        for (uint64_t j = 0; j < count; j++)
            assert_hex(path[j].b, consistencies[i].path[j]);
    }
}

static void numbered_tree(nodes *n)
{
    uint8_t bytes[8];
    bcemr_hash hash;
    memset(n, 0, sizeof *n);
    for (uint64_t i = 0; i < MOST; i++) {
        bcemr_store_u64(bytes, i);
        bcemr_tree_leaf_hash(bcemr_span_of(bytes, 8), &hash);
        grow(n, &hash);
    }
}

/* What is stored and what is built from the left agree, at every size. */
static void roots_agree(void **state)
{
    (void)state;
    nodes n;
    bcemr_tree tree;
    bcemr_hash stored, built;
    numbered_tree(&n);
    const bcemr_node_source source = {node, &n};
    bcemr_tree_begin(&tree);
    for (uint64_t size = 1; size <= MOST; size++) {
        bcemr_tree_add(&tree, &n.level[0][size - 1]);
        bcemr_tree_root(&tree, &built);
        assert_int_equal(bcemr_root_make(&source, size, &stored), BCEMR_OK);
        assert_memory_equal(stored.b, built.b, 32);
    }
}

static void refused_when_changed(const bcemr_hash *leaf, uint64_t index, uint64_t size,
                                 bcemr_hash *path, uint64_t count, const bcemr_hash *root)
{
    bcemr_hash other = *leaf;
    other.b[7] ^= 1;
    assert_int_equal(bcemr_inclusion_holds(&other, index, size, path, count, root),
                     BCEMR_BAD_INCLUSION);
    for (uint64_t i = 0; i < count; i++) {
        path[i].b[3] ^= 1;
        assert_int_equal(bcemr_inclusion_holds(leaf, index, size, path, count, root),
                         BCEMR_BAD_INCLUSION);
        path[i].b[3] ^= 1;
    }
    path[count] = *leaf;
    assert_int_equal(bcemr_inclusion_holds(leaf, index, size, path, count + 1, root),
                     BCEMR_BAD_INCLUSION);
    if (count > 0) {
        assert_int_equal(bcemr_inclusion_holds(leaf, index, size, path, count - 1, root),
                         BCEMR_BAD_INCLUSION);
        assert_int_equal(bcemr_inclusion_holds(leaf, index ^ 1, size, path, count, root),
                         BCEMR_BAD_INCLUSION);
    }
    assert_int_equal(bcemr_inclusion_holds(leaf, size, size, path, count, root),
                     BCEMR_BAD_INCLUSION);
}

static void every_inclusion(void **state)
{
    (void)state;
    nodes n;
    bcemr_hash path[BCEMR_INCLUSION_MAX + 1], root;
    uint64_t count;
    numbered_tree(&n);
    const bcemr_node_source source = {node, &n};
    for (uint64_t size = 1; size <= MOST; size++) {
        assert_int_equal(bcemr_root_make(&source, size, &root), BCEMR_OK);
        for (uint64_t index = 0; index < size; index++) {
            assert_int_equal(bcemr_inclusion_path(&source, index, size, path, &count), BCEMR_OK);
            assert_int_equal(
                bcemr_inclusion_holds(&n.level[0][index], index, size, path, count, &root),
                BCEMR_VALID);
            refused_when_changed(&n.level[0][index], index, size, path, count, &root);
        }
        assert_int_equal(bcemr_inclusion_path(&source, size, size, path, &count), BCEMR_E_ARGUMENT);
    }
}

static void consistency_refused_when_changed(uint64_t first, uint64_t second,
                                             const bcemr_hash *from, const bcemr_hash *to,
                                             bcemr_hash *path, uint64_t count)
{
    bcemr_hash other = *from;
    other.b[0] ^= 1;
    assert_int_equal(bcemr_consistency_holds(first, second, &other, to, path, count),
                     BCEMR_BAD_CONSISTENCY);
    other = *to;
    other.b[0] ^= 1;
    assert_int_equal(bcemr_consistency_holds(first, second, from, &other, path, count),
                     BCEMR_BAD_CONSISTENCY);
    for (uint64_t i = 0; i < count; i++) {
        path[i].b[31] ^= 1;
        assert_int_equal(bcemr_consistency_holds(first, second, from, to, path, count),
                         BCEMR_BAD_CONSISTENCY);
        path[i].b[31] ^= 1;
    }
    path[count] = *from;
    assert_int_equal(bcemr_consistency_holds(first, second, from, to, path, count + 1),
                     BCEMR_BAD_CONSISTENCY);
    if (count > 0)
        assert_int_equal(bcemr_consistency_holds(first, second, from, to, path, count - 1),
                         BCEMR_BAD_CONSISTENCY);
}

static void every_consistency(void **state)
{
    (void)state;
    nodes n;
    bcemr_hash path[BCEMR_CONSISTENCY_MAX + 1], from, to;
    uint64_t count;
    numbered_tree(&n);
    const bcemr_node_source source = {node, &n};
    for (uint64_t second = 1; second <= MOST; second++) {
        assert_int_equal(bcemr_root_make(&source, second, &to), BCEMR_OK);
        for (uint64_t first = 1; first <= second; first++) {
            assert_int_equal(bcemr_root_make(&source, first, &from), BCEMR_OK);
            assert_int_equal(bcemr_consistency_path(&source, first, second, path, &count),
                             BCEMR_OK);
            assert_int_equal(bcemr_consistency_holds(first, second, &from, &to, path, count),
                             BCEMR_VALID);
            consistency_refused_when_changed(first, second, &from, &to, path, count);
        }
    }
    assert_int_equal(bcemr_consistency_path(&source, 0, 3, path, &count), BCEMR_E_ARGUMENT);
    assert_int_equal(bcemr_consistency_path(&source, 4, 3, path, &count), BCEMR_E_ARGUMENT);
    assert_int_equal(bcemr_consistency_holds(0, 3, &from, &to, path, 0), BCEMR_BAD_CONSISTENCY);
}

/* A proof costs a logarithm of look-ups, and an error of the source ends it. */
static void source(void **state)
{
    (void)state;
    nodes n;
    bcemr_hash path[BCEMR_INCLUSION_MAX];
    uint64_t count;
    numbered_tree(&n);
    const bcemr_node_source source_of = {node, &n};
    n.asked = 0;
    assert_int_equal(bcemr_inclusion_path(&source_of, 5, MOST, path, &count), BCEMR_OK);
    assert_true(n.asked < 16);
    n.leaves = 8;
    assert_int_equal(bcemr_inclusion_path(&source_of, 5, MOST, path, &count), BCEMR_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_roots), cmocka_unit_test(known_paths),
        cmocka_unit_test(roots_agree), cmocka_unit_test(every_inclusion),
        cmocka_unit_test(source),      cmocka_unit_test(every_consistency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
