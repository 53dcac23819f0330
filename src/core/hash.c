/* SPDX-License-Identifier: Apache-2.0 */
/* H, HMAC, KDF, the tree of RFC 6962 and Hdoc (section 1). */
#include "core/declassify.h"
#include "core/hkdf.h"

#include <bcemr/group.h>
#include <bcemr/hash.h>

#include <blst.h>
#include <sodium.h>
#include <string.h>

/* Expand's counter is one byte (RFC 5869, section 2.3). */
#define KDF_MOST (255 * sizeof(bcemr_hash))

/* ---- H ---- */

void bcemr_sha256(bcemr_span message, bcemr_hash *out)
{
    static const uint8_t nothing[1];
    blst_sha256(out->b, message.n > 0 ? message.p : nothing, (size_t)message.n);
}

bcemr_status bcemr_hash_value(const bcemr_type *type, const void *value, bcemr_hash *out,
                              bcemr_error *err)
{
    bcemr_buf encoded = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_write(type, value, &encoded, err);
    if (status == BCEMR_OK)
        bcemr_sha256(bcemr_buf_span(&encoded), out);
    else
        *out = (bcemr_hash){{0}};
    bcemr_buf_free(&encoded);
    return status;
}

bcemr_status bcemr_hash_list(const bcemr_type *item, const bcemr_list *list, bcemr_hash *out,
                             bcemr_error *err)
{
    bcemr_buf encoded = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_write_list(item, list, &encoded, err);
    if (status == BCEMR_OK)
        bcemr_sha256(bcemr_buf_span(&encoded), out);
    else
        *out = (bcemr_hash){{0}};
    bcemr_buf_free(&encoded);
    return status;
}

bool bcemr_hash_equal(const bcemr_hash *a, const bcemr_hash *b)
{
    int differ = sodium_memcmp(a->b, b->b, sizeof a->b);
    CORE_DECLASSIFY("whether the two are equal is told to the caller", &differ, sizeof differ);
    return differ == 0;
}

/* ---- HMAC ---- */

/* libsodium's HMAC takes its message in parts, so nothing is allocated; all messages are short. */
static void hmac_feed(crypto_auth_hmacsha256_state *state, bcemr_span part)
{
    if (part.n > 0)
        (void)crypto_auth_hmacsha256_update(state, part.p, part.n);
}

static void hmac_begin(crypto_auth_hmacsha256_state *state, bcemr_span key)
{
    static const uint8_t nothing[1];
    (void)crypto_auth_hmacsha256_init(state, key.n > 0 ? key.p : nothing, (size_t)key.n);
}

static void hmac_end(crypto_auth_hmacsha256_state *state, bcemr_hash *out)
{
    (void)crypto_auth_hmacsha256_final(state, out->b);
    bcemr_wipe(state, sizeof *state);
}

void bcemr_hmac(bcemr_span key, bcemr_span message, bcemr_hash *out)
{
    crypto_auth_hmacsha256_state state;
    hmac_begin(&state, key);
    hmac_feed(&state, message);
    hmac_end(&state, out);
}

bcemr_status bcemr_hmac_value(bcemr_span key, const bcemr_type *type, const void *value,
                              bcemr_hash *out, bcemr_error *err)
{
    bcemr_buf encoded = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_write(type, value, &encoded, err);
    if (status == BCEMR_OK)
        bcemr_hmac(key, bcemr_buf_span(&encoded), out);
    else
        *out = (bcemr_hash){{0}};
    bcemr_buf_free(&encoded);
    return status;
}

/* ---- KDF ---- */

/* RFC 5869, section 2.3. */
static void expand(const bcemr_hash *prk, bcemr_span info, uint8_t *out, uint64_t n)
{
    bcemr_hash block = {{0}};
    uint8_t counter = 0;
    for (uint64_t done = 0; done < n;) {
        uint64_t take = n - done < sizeof block.b ? n - done : sizeof block.b;
        crypto_auth_hmacsha256_state state;
        hmac_begin(&state, bcemr_span_of(prk->b, sizeof prk->b));
        hmac_feed(&state, bcemr_span_of(block.b, counter > 0 ? sizeof block.b : 0));
        hmac_feed(&state, info);
        counter++;
        hmac_feed(&state, bcemr_span_of(&counter, 1));
        hmac_end(&state, &block);
        memcpy(out + done, block.b, (size_t)take);
        done += take;
    }
    bcemr_wipe(&block, sizeof block);
}

void core_hkdf(bcemr_span salt, bcemr_span ikm, bcemr_span info, uint8_t *out, uint64_t n)
{
    bcemr_hash prk;
    bcemr_hmac(salt, ikm, &prk);
    expand(&prk, info, out, n);
    bcemr_wipe(&prk, sizeof prk);
}

bcemr_status bcemr_kdf(const char *label, bcemr_span ikm, bcemr_span info, uint8_t *out, uint64_t n)
{
    bcemr_buf encoded = BCEMR_BUF_EMPTY;
    uint8_t length[8];
    if (n == 0 || n > KDF_MOST)
        return BCEMR_E_ARGUMENT;
    bcemr_store_u64(length, n);
    const bcemr_span fields[] = {info, bcemr_span_of(length, sizeof length)};
    bcemr_status status = bcemr_write_fields(label, fields, 2, &encoded);
    if (status == BCEMR_OK)
        core_hkdf(bcemr_text("BCEMR-V1"), ikm, bcemr_buf_span(&encoded), out, n);
    else
        bcemr_wipe(out, n);
    bcemr_buf_free(&encoded);
    return status;
}

/* One try: false in *found when the scalar is 0. */
static bcemr_status kdf_scalar_once(const char *label, bcemr_span ikm, bcemr_span info,
                                    bcemr_secret_scalar *out, bool *found)
{
    uint8_t wide[48];
    blst_scalar scalar;
    bcemr_status status = bcemr_kdf(label, ikm, info, wide, sizeof wide);
    if (status == BCEMR_OK) {
        *found = blst_scalar_from_le_bytes(&scalar, wide, sizeof wide);
        CORE_DECLASSIFY("a scalar of zero is thrown away", found, sizeof *found);
        memcpy(out->b, scalar.b, sizeof out->b);
    }
    bcemr_wipe(wide, sizeof wide);
    bcemr_wipe(&scalar, sizeof scalar);
    return status;
}

bcemr_status bcemr_kdf_scalar(const char *label, bcemr_span ikm, bcemr_span info,
                              struct bcemr_secret_scalar *out)
{
    bcemr_buf again = BCEMR_BUF_EMPTY;
    bool found = false;
    bcemr_status status = kdf_scalar_once(label, ikm, info, out, &found);
    for (uint64_t ctr = 1; status == BCEMR_OK && !found; ctr++) {
        uint8_t number[8];
        bcemr_store_u64(number, ctr);
        const bcemr_span fields[] = {info, bcemr_span_of(number, sizeof number)};
        bcemr_buf_clear(&again);
        status = bcemr_write_fields("ctr", fields, 2, &again);
        if (status == BCEMR_OK)
            status = kdf_scalar_once(label, ikm, bcemr_buf_span(&again), out, &found);
    }
    if (status != BCEMR_OK)
        bcemr_wipe(out, sizeof *out);
    bcemr_buf_free(&again);
    return status;
}

bcemr_status bcemr_tuple(const bcemr_span *fields, uint64_t count, bcemr_buf *out)
{
    return bcemr_write_fields("tuple", fields, count, out);
}

/* ---- the tree of RFC 6962 ---- */

void bcemr_tree_begin(bcemr_tree *tree)
{
    tree->count = 0;
}

/* Leaves up to a chunk and its tag are hashed from the stack, since blst wants one piece. */
#define LEAF_ON_STACK (BCEMR_PIECE + 16)

void bcemr_tree_leaf_hash(bcemr_span leaf, bcemr_hash *out)
{
    if (leaf.n <= LEAF_ON_STACK) {
        uint8_t bytes[1 + LEAF_ON_STACK];
        bytes[0] = 0;
        if (leaf.n > 0)
            memcpy(bytes + 1, leaf.p, (size_t)leaf.n);
        blst_sha256(out->b, bytes, (size_t)leaf.n + 1);
        return;
    }
    static const uint8_t prefix[1] = {0};
    crypto_hash_sha256_state state;
    (void)crypto_hash_sha256_init(&state);
    (void)crypto_hash_sha256_update(&state, prefix, sizeof prefix);
    (void)crypto_hash_sha256_update(&state, leaf.p, leaf.n);
    (void)crypto_hash_sha256_final(&state, out->b);
}

void bcemr_tree_node_hash(const bcemr_hash *left, const bcemr_hash *right, bcemr_hash *out)
{
    uint8_t bytes[1 + 2 * sizeof left->b];
    bytes[0] = 1;
    memcpy(bytes + 1, left->b, sizeof left->b);
    memcpy(bytes + 1 + sizeof left->b, right->b, sizeof right->b);
    blst_sha256(out->b, bytes, sizeof bytes);
}

/* nodes[k] is the root of a full tree of 2^k leaves where bit k of count is set: adding a leaf is
 * adding one to a binary number, each carry a node. */
void bcemr_tree_add(bcemr_tree *tree, const bcemr_hash *leaf_hash)
{
    bcemr_hash carry = *leaf_hash;
    unsigned level = 0;
    for (uint64_t bits = tree->count; bits & 1; bits >>= 1)
        bcemr_tree_node_hash(&tree->nodes[level++], &carry, &carry);
    tree->nodes[level] = carry;
    tree->count++;
}

void bcemr_tree_root(const bcemr_tree *tree, bcemr_hash *out)
{
    bool begun = false;
    bcemr_hash root = {{0}};
    for (unsigned level = 0; level < 64; level++) {
        if (!(tree->count >> level & 1))
            continue;
        if (begun)
            bcemr_tree_node_hash(&tree->nodes[level], &root, &root);
        else
            root = tree->nodes[level];
        begun = true;
    }
    if (begun)
        *out = root;
    else
        bcemr_sha256((bcemr_span){NULL, 0}, out);
}

/* ---- Hdoc ---- */

void bcemr_document_begin(bcemr_document_hash *hash)
{
    bcemr_tree_begin(&hash->tree);
    hash->length = 0;
    hash->held = 0;
    hash->piece[0] = 0; /* the leaf prefix: a piece is hashed where it was gathered */
}

static void document_flush(bcemr_document_hash *hash)
{
    bcemr_hash leaf;
    blst_sha256(leaf.b, hash->piece, (size_t)hash->held + 1);
    bcemr_tree_add(&hash->tree, &leaf);
    hash->held = 0;
}

void bcemr_document_feed(bcemr_document_hash *hash, bcemr_span bytes)
{
    hash->length += bytes.n;
    while (bytes.n > 0) {
        uint64_t room = BCEMR_PIECE - hash->held;
        uint64_t take = bytes.n < room ? bytes.n : room;
        memcpy(hash->piece + 1 + hash->held, bytes.p, (size_t)take);
        hash->held += take;
        bytes.p += take;
        bytes.n -= take;
        if (hash->held == BCEMR_PIECE)
            document_flush(hash);
    }
}

void bcemr_document_end(bcemr_document_hash *hash, bcemr_hash *out)
{
    if (hash->held > 0)
        document_flush(hash);
    bcemr_tree_root(&hash->tree, out);
    bcemr_wipe(hash->piece, sizeof hash->piece); /* it held a patient's document */
}
