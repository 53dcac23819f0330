/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes, and the fixed-size encodings that travel. Lengths are uint64_t everywhere (size_t is 32
 * bits in the browser). A `_raw` type is an encoding that nobody has checked yet; core turns it
 * into the validated type of the same name without the suffix, or refuses it (section 1).
 */
#ifndef BCEMR_BYTES_H
#define BCEMR_BYTES_H

#include <bcemr/status.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Borrowed bytes: whoever made the span keeps them alive. An absent value is {NULL, 0}. */
typedef struct bcemr_span {
    const uint8_t *p;
    uint64_t n;
} bcemr_span;

/* Owned bytes, wiped when they are freed or moved. Start with BCEMR_BUF_EMPTY. */
typedef struct bcemr_buf {
    uint8_t *p;
    uint64_t n;
    uint64_t capacity;
} bcemr_buf;

#define BCEMR_BUF_EMPTY ((bcemr_buf){NULL, 0, 0})

typedef struct bcemr_hash {
    uint8_t b[32];
} bcemr_hash; /* SHA-256 */
typedef struct bcemr_g1_raw {
    uint8_t b[48];
} bcemr_g1_raw; /* compressed point of G1 */
typedef struct bcemr_g2_raw {
    uint8_t b[96];
} bcemr_g2_raw; /* compressed point of G2 */
typedef struct bcemr_scalar_raw {
    uint8_t b[32];
} bcemr_scalar_raw; /* little-endian */
typedef struct bcemr_ed_raw {
    uint8_t b[32];
} bcemr_ed_raw; /* Ed25519 public key */
typedef struct bcemr_x25519_raw {
    uint8_t b[32];
} bcemr_x25519_raw; /* X25519 public key */
typedef struct bcemr_ed_signature {
    uint8_t b[64];
} bcemr_ed_signature;
typedef struct bcemr_nonce {
    uint8_t b[32];
} bcemr_nonce; /* 32 random bytes: nonces and salts */
typedef struct bcemr_bytes16 {
    uint8_t b[16];
} bcemr_bytes16; /* keyword tag, access handle */
typedef struct bcemr_nonce24 {
    uint8_t b[24];
} bcemr_nonce24; /* XChaCha20 nonce */

static inline bcemr_span bcemr_span_of(const void *p, uint64_t n)
{
    return (bcemr_span){(const uint8_t *)p, n};
}

static inline bcemr_span bcemr_buf_span(const bcemr_buf *buf)
{
    return (bcemr_span){buf->p, buf->n};
}

/* The bytes of a C string without its end. */
bcemr_span bcemr_text(const char *text);
/* Equal length and bytes. Not constant time: public data only. */
bool bcemr_span_equal(bcemr_span a, bcemr_span b);
/* Lexicographic order: negative, zero, positive. Public data only. */
int bcemr_span_compare(bcemr_span a, bcemr_span b);

/* Room for n more bytes; E_NO_MEMORY leaves buf as it was. Here and in all that appends: bytes that
 * are given must not lie in buf itself, which may move. */
BCEMR_MUST_USE bcemr_status bcemr_buf_reserve(bcemr_buf *buf, uint64_t n);
BCEMR_MUST_USE bcemr_status bcemr_buf_append(bcemr_buf *buf, bcemr_span bytes);
/* buf := bytes, replacing what it held. */
BCEMR_MUST_USE bcemr_status bcemr_buf_set(bcemr_buf *buf, bcemr_span bytes);
/* Wipes, keeps the room. */
void bcemr_buf_clear(bcemr_buf *buf);
/* Wipes and frees; buf is empty afterwards. NULL is allowed. */
void bcemr_buf_free(bcemr_buf *buf);
/* Overwrites with zeros in a way that the compiler keeps. */
void bcemr_wipe(void *p, uint64_t n);

/* The one allocation seam of the library: zeroed memory or NULL. free wipes nothing itself;
 * release_wiped does. */
BCEMR_MUST_USE void *bcemr_allocate(uint64_t n);
void bcemr_release(void *p);
void bcemr_release_wiped(void *p, uint64_t n);

#ifdef __cplusplus
}
#endif
#endif
