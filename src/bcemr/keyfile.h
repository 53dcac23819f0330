/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key files: secrets under a passphrase. Argon2id makes the key (libsodium's, parallelism 1, 32
 * bytes), XChaCha20-Poly1305 the box, with the header as associated data, so that role, name and
 * costs cannot be changed. Written whole or not at all, mode 0600, over another file only by
 * keyfile_replace. Costs are bounded by the table of types before any memory is asked for.
 */
#ifndef BCEMR_PROGRAM_KEYFILE_H
#define BCEMR_PROGRAM_KEYFILE_H

#include "bcemr/files.h"

#include <bcemr/keys.h>

/* How dear a guess is. */
typedef struct keyfile_cost {
    uint64_t operations;
    uint64_t memory; /* KiB */
} keyfile_cost;
#define KEYFILE_COST ((keyfile_cost){3, 262144})   /* 256 MiB: about half a second */
#define KEYFILE_COST_LOW ((keyfile_cost){1, 8192}) /* tests */

#define KEYFILE_SECRET_MAX 160

/* An opened key file, in locked memory: make with keyfile_new, end with keyfile_free. */
typedef struct keyfile {
    bcemr_key_role role;
    uint64_t id_length;
    uint8_t id[200];
    uint64_t length;
    uint8_t secret[KEYFILE_SECRET_MAX];
} keyfile;
BCEMR_MUST_USE keyfile *keyfile_new(void);
void keyfile_free(keyfile *keys);

/* Fresh secrets for a role, from the system's random source. E_TOO_LONG for a name over 200. */
BCEMR_MUST_USE bcemr_status keyfile_draw(keyfile *keys, bcemr_key_role role, bcemr_span id);
/* All four keys of a hospital, a cloud or a doctor; E_ROLE for others. Wipe out. */
BCEMR_MUST_USE bcemr_status keyfile_secrets(const keyfile *keys, bcemr_secrets *out);

/* Errors: E_EXISTS, E_IO, E_NO_MEMORY; E_COST. system: NULL allowed. */
BCEMR_MUST_USE bcemr_status keyfile_write(const char *path, const keyfile *keys,
                                          bcemr_span passphrase, keyfile_cost cost,
                                          files_error *system, bcemr_error *err);
/* The same in place of the file that is there, which stays until the new one is whole. */
BCEMR_MUST_USE bcemr_status keyfile_replace(const char *path, const keyfile *keys,
                                            bcemr_span passphrase, keyfile_cost cost,
                                            files_error *system, bcemr_error *err);
/*
 * role 0: any. Errors: E_NOT_FOUND, E_IO, E_PERMISSIONS (group or others may read it, or it is
 * another user's), E_UNKNOWN_VERSION and the other errors of reading, E_ROLE, E_COST, E_NO_MEMORY
 * (Argon2id), E_PASSPHRASE. keys is wiped then.
 */
BCEMR_MUST_USE bcemr_status keyfile_read(const char *path, uint64_t role, bcemr_span passphrase,
                                         keyfile *keys, files_error *system, bcemr_error *err);

#endif
