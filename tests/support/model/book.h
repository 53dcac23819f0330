/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the model knows of cryptography: a signature holds when someone with the key made it.
 * Whoever makes one in these tests writes it down here; nothing is ever verified. So the model says
 * what the ledger must do without any of the code that the ledger does it with.
 */
#ifndef BCEMR_TESTS_MODEL_BOOK_H
#define BCEMR_TESTS_MODEL_BOOK_H

#include <bcemr/hash.h>
#include <bcemr/keys.h>

/* A map of names (hashes) to numbers. Start with zeros. */
typedef struct model_map {
    bcemr_hash *names;
    uint64_t *numbers;
    uint64_t count, room;
} model_map;
/* NULL when it is not there. The pointer holds until the next put. */
uint64_t *model_map_find(const model_map *map, const bcemr_hash *name);
/* Puts it, or leaves the number that is there. Returns whether it is new. */
bool model_map_put(model_map *map, const bcemr_hash *name, uint64_t number);
void model_map_free(model_map *map);

/* The name of a few parts under a word. */
bcemr_hash model_name(const char *word, bcemr_span a, bcemr_span b);

/* All that was ever signed. Start with zeros. */
typedef struct book {
    model_map signatures;
} book;
void book_free(book *b);

/* kind: "ed", "bls", "pop", "cred", "pok", "joint"; key: one public key, for "joint" those of all
 * who signed, one after the other. */
void book_write(book *b, const char *kind, bcemr_span key, bcemr_span message,
                bcemr_span signature);
bool book_holds(const book *b, const char *kind, bcemr_span key, bcemr_span message,
                bcemr_span signature);

#endif
