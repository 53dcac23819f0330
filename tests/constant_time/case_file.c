/* SPDX-License-Identifier: Apache-2.0 */
/* Key files, after Argon2: crypto_pwhash is replaced, since Argon2id indexes by its input. */
#include "constant_time/ct.h"

#include "bcemr/keyfile.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int crypto_pwhash(unsigned char *const out, unsigned long long outlen, const char *const passwd,
                  unsigned long long passwdlen, const unsigned char *const salt,
                  unsigned long long opslimit, size_t memlimit, int alg)
{
    (void)passwd;
    (void)passwdlen;
    (void)salt;
    (void)opslimit;
    (void)memlimit;
    (void)alg;
    memset(out, 5, outlen);
    SECRET(out, outlen);
    return 0;
}

/* ---- in place of files.c: what is written stays in memory ---- */

static uint8_t kept[4096];
static uint64_t kept_length;

bcemr_status files_write(const char *path, bcemr_span bytes, files_how how, files_error *err)
{
    (void)path;
    (void)how;
    (void)err;
    memcpy(kept, bytes.p, bytes.n);
    kept_length = bytes.n;
    return BCEMR_OK;
}

bcemr_status files_read(const char *path, uint64_t limit, bcemr_buf *out, files_error *err)
{
    (void)path;
    (void)limit;
    (void)err;
    return bcemr_buf_set(out, bcemr_span_of(kept, kept_length));
}

static void key_file(ct_world *w)
{
    char path[] = "/tmp/bcemr-constant-time-XXXXXX"; /* whose permissions are looked at */
    keyfile *keys = keyfile_new(), *got = keyfile_new();
    files_error system;
    bcemr_secrets secrets;
    int fd = mkstemp(path);
    (void)w;
    if (!keys || !got || fd < 0)
        OK(BCEMR_E_IO);
    (void)close(fd);
    OK(keyfile_draw(keys, BCEMR_key_role_DOCTOR, bcemr_text("doctor-1")));
    OK(keyfile_write(path, keys, bcemr_text("passphrase"), KEYFILE_COST_LOW, &system, NULL));
    DECLASSIFY("the file is stored sealed", kept, kept_length);
    OK(keyfile_read(path, 0, bcemr_text("passphrase"), got, &system, NULL));
    (void)unlink(path);
    OK(keyfile_secrets(got, &secrets));
    DECLASSIFY("the test is over; they were secret", &secrets, sizeof secrets);
    OK(keyfile_draw(keys, BCEMR_key_role_HOSPITAL, bcemr_text("hospital-1")));
    OK(keyfile_secrets(keys, &secrets));
    DECLASSIFY("the test is over; they were secret", &secrets, sizeof secrets);
    keyfile_free(keys);
    keyfile_free(got);
}

const ct_case ct_file_cases[] = {{"key-file", key_file}, {NULL, NULL}};
