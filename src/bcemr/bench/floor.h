/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The primitives of section 12, straight from blst and libsodium: what an operation cannot do
 * without. floor.c is the one file of the program that calls blst; nothing of bcemr is in it, so a
 * floor cannot inherit what an operation wastes.
 */
#ifndef BCEMR_BENCH_FLOOR_H
#define BCEMR_BENCH_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

/* X(NAME, units in one run, name) */
#define FLOOR_TABLE(X)                                                                             \
    X(G1_MULTIPLY, 1, "G1 multiplication")                                                         \
    X(G2_MULTIPLY, 1, "G2 multiplication")                                                         \
    X(H1, 1, "hash to G1")                                                                         \
    X(H2, 1, "hash to G2")                                                                         \
    X(MILLER, 1, "Miller loop")                                                                    \
    X(MILLER_LINES, 1, "Miller loop with lines")                                                   \
    X(FINAL_EXP, 1, "final exponentiation")                                                        \
    X(Z_POWER, 1, "power of Z")                                                                    \
    X(G1_DECODE, 1, "decoded point of G1")                                                         \
    X(G2_DECODE, 1, "decoded point of G2")                                                         \
    X(SUM_SHORT, 1000, "128-bit multiplication in a bulk sum")                                     \
    X(SUM_FULL, 1000, "full multiplication in a bulk sum")                                         \
    X(ED_KEY, 1, "Ed25519 key")                                                                    \
    X(ED_SIGN, 1, "Ed25519 signature")                                                             \
    X(ED_CHECK, 1, "Ed25519 check")                                                                \
    X(KDF, 16, "HKDF")                                                                             \
    X(HMAC, 16, "HMAC")                                                                            \
    X(AEAD, 16, "AEAD of 1 KiB")                                                                   \
    X(SCALAR, 256, "scalar multiplication")                                                        \
    X(INVERSE, 1, "scalar inversion")

typedef enum floor_id {
#define X(name, units, text) FLOOR_##name,
    FLOOR_TABLE(X)
#undef X
        FLOOR_COUNT
} floor_id;

const char *floor_text(floor_id id);
/* How many of it one run does: cheap ones and those of a bulk are timed many at once. */
uint64_t floor_units(floor_id id);
/* The version of libsodium. */
const char *floor_sodium(void);

typedef struct floor_bench floor_bench;
/* Random inputs and the tables. NULL without memory or a random source. */
floor_bench *floor_new(void);
void floor_free(floor_bench *bench);
/* False when the libraries refuse what they should take. */
bool floor_run(floor_bench *bench, floor_id id);

/* ---- payload: what a window of whole chunks cannot do without ---- */

#define FLOOR_CHUNK 65536
/* Of chunks of 64 KiB in a row; sealed has 16 bytes more a chunk. */
void floor_seal(floor_bench *bench, const uint8_t *plain, uint8_t *sealed, uint64_t chunks);
bool floor_open(floor_bench *bench, const uint8_t *sealed, uint8_t *plain, uint64_t chunks);
/* The tree of RFC 6962 over sealed chunks. */
void floor_tree(const uint8_t *sealed, uint64_t chunks, uint8_t root[32]);

#endif
