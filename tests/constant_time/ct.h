/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constant time: secrets are undefined memory for valgrind, which reports every branch and every
 * index that depends on them. What a function gives away is declassified here, one line each with
 * its reason (docs/constant-time.md lists them).
 */
#ifndef BCEMR_TESTS_CONSTANT_TIME_H
#define BCEMR_TESTS_CONSTANT_TIME_H

#include <bcemr/keys.h>
#include <bcemr/visit.h>

#include <stddef.h>

/* Makes n bytes secret. */
void ct_secret(void *p, size_t n);
/* Ends the program unless some of the n bytes are secret (did the secret get in at all?), and makes
 * them public. */
void ct_declassify(const char *file, int line, void *p, size_t n);
/* Ends the program unless the status is OK or the verdict VALID. */
void ct_ok(const char *file, int line, int status);

#define SECRET(p, n) ct_secret((p), (n))
#define DECLASSIFY(reason, p, n) ct_declassify(__FILE__, __LINE__, (p), (n))
#define OK(call) ct_ok(__FILE__, __LINE__, (int)(call))

/* What the cases share: public things that are defined, secrets that are not. */
typedef struct ct_world {
    bcemr_context *context;
    bcemr_secret_scalar x;  /* secret */
    bcemr_secret_scalar x2; /* secret */
    bcemr_g1_raw x_g1;      /* x g1, public */
    bcemr_seed seed;        /* secret */
    bcemr_key key;          /* secret */
    bcemr_ed_secret ed;     /* secret but for the public half */
    bcemr_ed_raw ed_public;
    bcemr_x25519_secret box; /* secret */
    bcemr_x25519_raw box_public;
    bcemr_hash ledger, vid;
    bcemr_span message;
} ct_world;

typedef struct ct_case {
    const char *name;
    void (*run)(ct_world *w);
} ct_case;

/* Each file's cases; a NULL name ends them. */
extern const ct_case ct_group_cases[], ct_key_cases[], ct_visit_cases[], ct_message_cases[],
    ct_record_cases[], ct_grant_cases[], ct_file_cases[];

#endif
