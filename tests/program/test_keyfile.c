/* SPDX-License-Identifier: Apache-2.0 */
/* Key files: there and back for every role, and each refusal by its name. */
#define _XOPEN_SOURCE 700

#include "bcemr/keyfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/bcemr-keyfile-XXXXXX";
static char path[256];
static const char passphrase[] = "correct horse battery staple";

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return 1;
    (void)snprintf(path, sizeof path, "%s/key", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)remove(path);
    return rmdir(folder);
}

static keyfile *fresh(bcemr_key_role role)
{
    files_error system;
    keyfile *keys = keyfile_new();
    (void)remove(path);
    assert_non_null(keys);
    assert_int_equal(keyfile_draw(keys, role, bcemr_text("Dr Amara Okafor")), BCEMR_OK);
    assert_int_equal(
        keyfile_write(path, keys, bcemr_text(passphrase), KEYFILE_COST_LOW, &system, NULL),
        BCEMR_OK);
    return keys;
}

/* Reads and expects a status; when it fails nothing may be left in keys. */
static bcemr_error reading(uint64_t role, const char *phrase, bcemr_status expected)
{
    files_error system;
    bcemr_error err = {0};
    keyfile *keys = keyfile_new(), *zero = keyfile_new();
    memset(keys, 0x55, sizeof *keys);
    assert_int_equal(keyfile_read(path, role, bcemr_text(phrase), keys, &system, &err), expected);
    if (expected != BCEMR_OK)
        assert_memory_equal(keys, zero, sizeof *keys);
    keyfile_free(keys);
    keyfile_free(zero);
    return err;
}

static void there_and_back(void **state)
{
    (void)state;
    for (int role = BCEMR_key_role_AUTHORITY; role <= BCEMR_key_role_PATIENT; role++) {
        files_error system;
        struct stat st;
        bcemr_secrets a, b;
        keyfile *keys = fresh((bcemr_key_role)role), *back = keyfile_new();
        assert_int_equal(
            keyfile_read(path, (uint64_t)role, bcemr_text(passphrase), back, &system, NULL),
            BCEMR_OK);
        assert_int_equal(back->role, role);
        assert_int_equal(back->length, keys->length);
        assert_memory_equal(back->secret, keys->secret, keys->length);
        assert_int_equal(back->id_length, 15);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        bcemr_status status = keyfile_secrets(keys, &a);
        assert_int_equal(keyfile_secrets(back, &b), status);
        assert_memory_equal(&a, &b, sizeof a);
        keyfile_free(keys);
        keyfile_free(back);
    }
}

static void refusals(void **state)
{
    (void)state;
    keyfile_free(fresh(BCEMR_key_role_DOCTOR));
    (void)reading(0, "correct horse battery stapl", BCEMR_E_PASSPHRASE);
    (void)reading(0, "", BCEMR_E_PASSPHRASE);
    (void)reading(BCEMR_key_role_PATIENT, passphrase, BCEMR_E_ROLE);
    assert_int_equal(chmod(path, 0640), 0);
    (void)reading(0, passphrase, BCEMR_E_PERMISSIONS);
    assert_int_equal(chmod(path, 0604), 0);
    (void)reading(0, passphrase, BCEMR_E_PERMISSIONS);
    assert_int_equal(chmod(path, 0600), 0);
    (void)reading(0, passphrase, BCEMR_OK);
    (void)remove(path);
    (void)reading(0, passphrase, BCEMR_E_NOT_FOUND);
}

static void never_over_another(void **state)
{
    (void)state;
    files_error system;
    keyfile *keys = fresh(BCEMR_key_role_CLOUD);
    assert_int_equal(
        keyfile_write(path, keys, bcemr_text("other"), KEYFILE_COST_LOW, &system, NULL),
        BCEMR_E_EXISTS);
    (void)reading(BCEMR_key_role_CLOUD, passphrase, BCEMR_OK);
    keyfile_free(keys);
}

static void put_back(const uint8_t *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

/* Cut at every byte, and every byte changed: never opened, always named. */
static void every_byte(void **state)
{
    (void)state;
    files_error system;
    bcemr_buf whole = BCEMR_BUF_EMPTY;
    keyfile_free(fresh(BCEMR_key_role_DOCTOR));
    assert_int_equal(files_read(path, 4096, &whole, &system), BCEMR_OK);
    for (size_t n = 0; n < whole.n; n++) {
        keyfile *keys = keyfile_new();
        put_back(whole.p, n);
        bcemr_status status = keyfile_read(path, 0, bcemr_text(passphrase), keys, &system, NULL);
        assert_true(status == BCEMR_E_TRUNCATED || status == BCEMR_E_UNKNOWN_KIND);
        whole.p[n] ^= 0x10;
        put_back(whole.p, whole.n);
        assert_int_not_equal(keyfile_read(path, 0, bcemr_text(passphrase), keys, &system, NULL),
                             BCEMR_OK);
        whole.p[n] ^= 0x10;
        keyfile_free(keys);
    }
    bcemr_buf_free(&whole);
}

static size_t find(const bcemr_buf *in, const char *what, size_t n)
{
    for (size_t i = 0; i + n <= in->n; i++)
        if (memcmp(in->p + i, what, n) == 0)
            return i;
    fail();
    return 0;
}

static void other_version_and_cost(void **state)
{
    (void)state;
    files_error system;
    bcemr_buf whole = BCEMR_BUF_EMPTY, later = BCEMR_BUF_EMPTY;
    keyfile_free(fresh(BCEMR_key_role_DOCTOR));
    assert_int_equal(files_read(path, 4096, &whole, &system), BCEMR_OK);
    /* 8,192 KiB as it stands in the header: asked for 2^56 KiB instead. */
    size_t at = find(&whole, "\x00\x20\x00\x00\x00\x00\x00\x00", 8);
    whole.p[at + 7] = 1;
    put_back(whole.p, whole.n);
    (void)reading(0, passphrase, BCEMR_E_COST);
    whole.p[at + 7] = 0;
    assert_int_equal(bcemr_buf_append(&later, bcemr_span_of("\x0a\0\0\0\0\0\0\0key-file/2", 18)),
                     BCEMR_OK);
    assert_int_equal(bcemr_buf_append(&later, bcemr_span_of(whole.p + 16, whole.n - 16)), BCEMR_OK);
    put_back(later.p, later.n);
    (void)reading(0, passphrase, BCEMR_E_UNKNOWN_VERSION);
    bcemr_buf_free(&whole);
    bcemr_buf_free(&later);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),         cmocka_unit_test(refusals),
        cmocka_unit_test(never_over_another),     cmocka_unit_test(every_byte),
        cmocka_unit_test(other_version_and_cost),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
