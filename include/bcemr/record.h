/* SPDX-License-Identifier: Apache-2.0 */
/* Capsule, record keys, keyword tags, the payload stream and the record's header (sections 5, 6).
 */
#ifndef BCEMR_RECORD_H
#define BCEMR_RECORD_H

#include <bcemr/hash.h>
#include <bcemr/keys.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- capsule ---- */

/* r <- Zq; B = r pkv; C = r H2(CAPSULE, capsule); K = Z^r. Constant time. r and K: wipe. */
BCEMR_MUST_USE bcemr_status bcemr_capsule_seal(const bcemr_context *context,
                                               const bcemr_g1_raw *pkv, const bcemr_hash *vid,
                                               const bcemr_ed_raw *svk, bcemr_secret_scalar *r,
                                               bcemr_g1_raw *b, bcemr_g2_raw *c,
                                               bcemr_capsule_key *k, bcemr_error *err);
/* The hospital's check: the same from a given r. */
BCEMR_MUST_USE bcemr_status bcemr_capsule_from_r(const bcemr_context *context,
                                                 const bcemr_secret_scalar *r,
                                                 const bcemr_g1_raw *pkv, const bcemr_hash *vid,
                                                 const bcemr_ed_raw *svk, bcemr_g1_raw *b,
                                                 bcemr_g2_raw *c, bcemr_capsule_key *k,
                                                 bcemr_error *err);
/* The cloud's check: e(B, h) = e(pkv, C). Also e(B', h) = e(Y, C) and e(rk_j B, h) = e(C_j, C),
 * with left = B' and right = Y. VALID, or the verdict given as refusal; points that do not decode
 * are UNDECIDED with their status. */
BCEMR_MUST_USE bcemr_verdict bcemr_capsule_check(const bcemr_context *context,
                                                 const bcemr_hash *vid, const bcemr_ed_raw *svk,
                                                 const bcemr_g1_raw *left,
                                                 const bcemr_g1_raw *right, const bcemr_g2_raw *c,
                                                 bcemr_verdict refusal, bcemr_error *err);
/* K = e(x^-1 B, g2): with xv and B the patient's way, with y_v and B' the doctor's. Constant time.
 */
BCEMR_MUST_USE bcemr_status bcemr_capsule_open(const bcemr_context *context,
                                               const bcemr_secret_scalar *x, const bcemr_g1_raw *b,
                                               bcemr_capsule_key *k, bcemr_error *err);
/* B' = rk B, the proxy's whole work on one record. Constant time in rk. */
BCEMR_MUST_USE bcemr_status bcemr_reencrypt(const bcemr_secret_scalar *rk, const bcemr_g1_raw *b,
                                            bcemr_g1_raw *out, bcemr_error *err);
/* The same of a B that was decoded before, as a cloud has it from its check of the capsule. */
void bcemr_reencrypt_decoded(const bcemr_secret_scalar *rk, const bcemr_g1 *b, bcemr_g1_raw *out);

/* dek, kc, kt from K. dek and kt: wipe. */
typedef struct bcemr_record_keys {
    bcemr_key dek;
    bcemr_hash kc;
    bcemr_key kt;
} bcemr_record_keys;
BCEMR_MUST_USE bcemr_status bcemr_record_keys_derive(const bcemr_capsule_key *k,
                                                     const bcemr_hash *vid, const bcemr_ed_raw *svk,
                                                     const bcemr_g2_raw *c, bcemr_record_keys *out,
                                                     bcemr_error *err);

/* ---- keyword tags ---- */

/* HMAC(kt, keyword)[0..16). The word must be normalised already (NFKC, case folded). */
BCEMR_MUST_USE bcemr_status bcemr_keyword_tag(const bcemr_key *kt, bcemr_span word,
                                              bcemr_bytes16 *out, bcemr_error *err);
/* Tags of the distinct words, random tags up to the next of 8, 16, 32, 64, sorted. words:
 * bcemr_span array. tags has room for 64; *tag_count is set. E_TOO_MANY above 64 distinct words. */
BCEMR_MUST_USE bcemr_status bcemr_tags_make(const bcemr_key *kt, const bcemr_span *words,
                                            uint64_t count, bcemr_bytes16 tags[64],
                                            uint64_t *tag_count, bcemr_error *err);
/* Every word's tag is in tags, their number is the padded count, they ascend strictly.
 * VALID or BAD_TAGS. */
BCEMR_MUST_USE bcemr_verdict bcemr_tags_check(const bcemr_key *kt, const bcemr_span *words,
                                              uint64_t count, const bcemr_list *tags,
                                              bcemr_error *err);

/* ---- payload stream ---- */

/*
 * Chunks of 64 KiB under one key; nonce = 8-byte LE counter, 15 zero bytes, 1 byte last-chunk flag.
 * The state holds no data, so a chunk can be sealed or opened alone, in any order and on any
 * thread. Memory: the caller's buffers and a tree of 64 nodes.
 */
#define BCEMR_CHUNK 65536
#define BCEMR_CHUNK_SEALED (BCEMR_CHUNK + 16)
typedef struct bcemr_stream {
    bcemr_key key;
    uint64_t length; /* of the plaintext, 1 or more */
    uint64_t ad_length;
    uint8_t ad[1024];
} bcemr_stream; /* wipe */

/* The payload of a record: dek, ad = chunk. */
BCEMR_MUST_USE bcemr_status bcemr_stream_payload(const bcemr_key *dek, const bcemr_hash *vid,
                                                 const bcemr_ed_raw *svk, uint64_t length,
                                                 bcemr_stream *out, bcemr_error *err);
/* Any other key and associated data (long messages). E_TOO_LONG above 1,024 bytes of ad. */
BCEMR_MUST_USE bcemr_status bcemr_stream_begin(const bcemr_key *key, bcemr_span ad, uint64_t length,
                                               bcemr_stream *out);
uint64_t bcemr_stream_chunks(const bcemr_stream *stream);
uint64_t bcemr_stream_sealed_length(uint64_t length); /* length + 16 a chunk */

/*
 * Seals consecutive chunks: in holds whole chunks (the last of the stream may be short), first is
 * the index of the first; out has room for BCEMR_CHUNK_SEALED a chunk and must not overlap in.
 * leaves (one a chunk) receives the RFC 6962 leaf hashes; feed them to a bcemr_tree in order.
 */
BCEMR_MUST_USE bcemr_status bcemr_stream_seal(const bcemr_stream *stream, uint64_t first,
                                              bcemr_span in, const bcemr_parallel *parallel,
                                              uint8_t *out, bcemr_hash *leaves, bcemr_error *err);
/*
 * Opens consecutive sealed chunks; leaves as above, over what came in (NULL when not wanted).
 * E_REFUSED with the verdict refusal at the first bad chunk (err->index its number); then out is
 * wiped whole: nothing is released.
 */
BCEMR_MUST_USE bcemr_status bcemr_stream_open(const bcemr_stream *stream, uint64_t first,
                                              bcemr_span in, const bcemr_parallel *parallel,
                                              bcemr_verdict refusal, uint8_t *out,
                                              bcemr_hash *leaves, bcemr_error *err);
/* Leaf hashes alone, for who holds no key (clouds). */
void bcemr_stream_leaves(bcemr_span in, const bcemr_parallel *parallel, bcemr_hash *leaves);

/* ---- header and case ---- */

/* osig over sealed, from the header's fields. */
BCEMR_MUST_USE bcemr_status bcemr_header_sign(const bcemr_ed_secret *ssk, const bcemr_hash *vid,
                                              const bcemr_hash *last_context,
                                              bcemr_tr_header *header, bcemr_error *err);
/* VALID or BAD_SEAL_SIGNATURE. */
BCEMR_MUST_USE bcemr_verdict bcemr_header_check(const bcemr_hash *vid,
                                                const bcemr_hash *last_context,
                                                const bcemr_tr_header *header, bcemr_error *err);
/* The case of a header: order, H(ctx_n) and sigma_n come from the ledger. */
BCEMR_MUST_USE bcemr_status bcemr_case_make(const bcemr_hash *vid, const bcemr_hash *order,
                                            const bcemr_hash *last_context,
                                            const bcemr_g1_raw *sigma,
                                            const bcemr_tr_header *header, bcemr_tr_case *out,
                                            bcemr_error *err);
/* Field by field. VALID or HEADER_NOT_CASE, err->field the first that differs. */
BCEMR_MUST_USE bcemr_verdict bcemr_header_is_case(const bcemr_tr_header *header,
                                                  const bcemr_tr_case *record_case,
                                                  bcemr_error *err);

#ifdef __cplusplus
}
#endif
#endif
