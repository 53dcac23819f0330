/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flips: every byte of an object is changed and what its reader says is noted by field. The fields
 * are found by walking the encoding with the table of types.
 */
#ifndef BCEMR_TESTS_FLIPS_H
#define BCEMR_TESTS_FLIPS_H

#include <bcemr/types.h>
#include <stdio.h>

/* What a reader says of the bytes: NULL when it takes them, else the status, verdict or reason. */
typedef const char *(*flips_reader)(void *user, bcemr_span bytes);

/*
 * Flips each byte of the object: every bit of one up to `thorough` bytes, above that one bit in
 * each, another from byte to byte. type NULL: the object is one field. every: look at each
 * every-th byte alone (0 or 1: all). The object itself must be taken.
 */
void flips_run(const char *object, const bcemr_type *type, bcemr_span bytes, uint64_t thorough,
               uint64_t every, flips_reader reader, void *user);
/* Flips that a reader took. */
uint64_t flips_unnoticed(void);
/* The table of all that was run, in Markdown. */
void flips_print(FILE *out);
void flips_end(void);

#endif
