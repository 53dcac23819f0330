/* SPDX-License-Identifier: Apache-2.0 */
/* H, HMAC, KDF, transcript hashes and the document hash (section 1). All thread safe. */
#ifndef BCEMR_HASH_H
#define BCEMR_HASH_H

#include <bcemr/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* H(m): SHA-256. */
void bcemr_sha256(bcemr_span message, bcemr_hash *out);
/* H of the transcript of value. Errors: those of bcemr_write. */
BCEMR_MUST_USE bcemr_status bcemr_hash_value(const bcemr_type *type, const void *value,
                                             bcemr_hash *out, bcemr_error *err);
/* H(Tr("list"; count, items)). */
BCEMR_MUST_USE bcemr_status bcemr_hash_list(const bcemr_type *item, const bcemr_list *list,
                                            bcemr_hash *out, bcemr_error *err);
bool bcemr_hash_equal(const bcemr_hash *a, const bcemr_hash *b); /* constant time */

void bcemr_hmac(bcemr_span key, bcemr_span message, bcemr_hash *out);
/* HMAC of the transcript of value. */
BCEMR_MUST_USE bcemr_status bcemr_hmac_value(bcemr_span key, const bcemr_type *type,
                                             const void *value, bcemr_hash *out, bcemr_error *err);

/*
 * KDF(label, ikm, info; L) = HKDF-Expand(HKDF-Extract("BCEMR-V1", ikm), Tr(label; info, L), L).
 * In: info as it stands in the transcript (bytes, or a tuple's encoding); n = L, 1..8160.
 * Errors: E_ARGUMENT, E_NO_MEMORY.
 */
BCEMR_MUST_USE bcemr_status bcemr_kdf(const char *label, bcemr_span ikm, bcemr_span info,
                                      uint8_t *out, uint64_t n);
/* A scalar by KDF with L = 48, little-endian mod q; if 0, info becomes Tr("ctr"; info, 1), 2, ...
 */
struct bcemr_secret_scalar;
BCEMR_MUST_USE bcemr_status bcemr_kdf_scalar(const char *label, bcemr_span ikm, bcemr_span info,
                                             struct bcemr_secret_scalar *out);
/* Encodes Tr("tuple"; fields), as info of a derivation from several values. */
BCEMR_MUST_USE bcemr_status bcemr_tuple(const bcemr_span *fields, uint64_t count, bcemr_buf *out);

/* n bytes from the system's random source. libsodium ends the process when that source fails. */
void bcemr_random(uint8_t *out, uint64_t n);

/* RFC 6962 tree hash, built from the left with 64 nodes of memory. */
typedef struct bcemr_tree {
    uint64_t count;
    bcemr_hash nodes[64];
} bcemr_tree;
void bcemr_tree_begin(bcemr_tree *tree);
void bcemr_tree_leaf_hash(bcemr_span leaf, bcemr_hash *out); /* SHA-256(0x00 || leaf) */
void bcemr_tree_node_hash(const bcemr_hash *left, const bcemr_hash *right, bcemr_hash *out);
void bcemr_tree_add(bcemr_tree *tree, const bcemr_hash *leaf_hash);
void bcemr_tree_root(const bcemr_tree *tree, bcemr_hash *out); /* SHA-256("") when empty */

/* Hdoc(x): RFC 6962 root over the 64 KiB pieces of x. Feed pieces of any size. */
#define BCEMR_PIECE 65536
typedef struct bcemr_document_hash {
    bcemr_tree tree;
    uint64_t length;
    uint64_t held;
    uint8_t piece[1 + BCEMR_PIECE]; /* 0x00, then what has come of the piece */
} bcemr_document_hash;
void bcemr_document_begin(bcemr_document_hash *hash);
void bcemr_document_feed(bcemr_document_hash *hash, bcemr_span bytes);
void bcemr_document_end(bcemr_document_hash *hash, bcemr_hash *out);

#ifdef __cplusplus
}
#endif
#endif
