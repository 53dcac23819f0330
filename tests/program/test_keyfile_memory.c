/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key files without memory: no locked memory for the secrets, none for Argon2id, none of the
 * library's. The two functions of libsodium are put before its own here.
 */
#define _GNU_SOURCE

#include "bcemr/keyfile.h"

#include "wire/fault.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static bool no_locked_memory, no_argon2;
static char folder[] = "/tmp/bcemr-keyfile-XXXXXX";
static char path[256];
static const char passphrase[] = "correct horse battery staple";

typedef void *(*allocator)(size_t n);
typedef int (*stretcher)(unsigned char *, unsigned long long, const char *, unsigned long long,
                         const unsigned char *, unsigned long long, size_t, int);

/* ISO C has no cast from an object to a function. */
static void original_of(const char *name, void *function, size_t n)
{
    void *p = dlsym(RTLD_NEXT, name);
    assert_non_null(p);
    memcpy(function, &p, n);
}

void *sodium_malloc(const size_t n)
{
    allocator original;
    original_of("sodium_malloc", &original, sizeof original);
    return no_locked_memory ? NULL : original(n);
}

int crypto_pwhash(unsigned char *const out, unsigned long long outlen, const char *const passwd,
                  unsigned long long passwdlen, const unsigned char *const salt,
                  unsigned long long opslimit, size_t memlimit, int alg)
{
    stretcher original;
    original_of("crypto_pwhash", &original, sizeof original);
    return no_argon2 ? -1 : original(out, outlen, passwd, passwdlen, salt, opslimit, memlimit, alg);
}

static bcemr_status write_it(const keyfile *keys)
{
    files_error system;
    return keyfile_write(path, keys, bcemr_text(passphrase), KEYFILE_COST_LOW, &system, NULL);
}

static bcemr_status read_it(keyfile *keys)
{
    files_error system;
    return keyfile_read(path, 0, bcemr_text(passphrase), keys, &system, NULL);
}

static keyfile *drawn(void)
{
    keyfile *keys = keyfile_new();
    assert_non_null(keys);
    assert_int_equal(keyfile_draw(keys, BCEMR_key_role_DOCTOR, bcemr_text("doctor-1")), BCEMR_OK);
    return keys;
}

static void no_place_for_secrets(void **state)
{
    (void)state;
    no_locked_memory = true;
    assert_null(keyfile_new());
    no_locked_memory = false;
    keyfile *keys = keyfile_new();
    assert_non_null(keys);
    keyfile_free(keys);
    keyfile_free(NULL);
}

static void no_memory_for_argon2(void **state)
{
    (void)state;
    keyfile *keys = drawn(), *got = keyfile_new();
    no_argon2 = true;
    assert_int_equal(write_it(keys), BCEMR_E_NO_MEMORY);
    assert_int_equal(access(path, F_OK), -1); /* nothing was written */
    no_argon2 = false;
    assert_int_equal(write_it(keys), BCEMR_OK);
    no_argon2 = true;
    memset(got, 0x55, sizeof *got);
    assert_int_equal(read_it(got), BCEMR_E_NO_MEMORY);
    assert_true(sodium_is_zero((const uint8_t *)got, sizeof *got));
    no_argon2 = false;
    assert_int_equal(read_it(got), BCEMR_OK);
    assert_memory_equal(got->secret, keys->secret, keys->length);
    (void)remove(path);
    keyfile_free(keys);
    keyfile_free(got);
}

/* The n-th allocation fails, for every n; made is how many there were. */
static bcemr_status failing(uint64_t n, bool writes, keyfile *keys, uint64_t *made)
{
    bcemr_switch_fail_allocation(n);
    bcemr_status status = writes ? write_it(keys) : read_it(keys);
    *made = bcemr_switch_allocations();
    bcemr_switch_fail_allocation(0);
    return status;
}

static void every_allocation(void **state)
{
    (void)state;
    keyfile *keys = drawn(), *got = keyfile_new();
    uint64_t made = 1;
    for (uint64_t n = 1, more = 1; more; n++) {
        bcemr_status status = failing(n, true, keys, &made);
        more = made >= n;
        assert_int_equal(status, more ? BCEMR_E_NO_MEMORY : BCEMR_OK);
        assert_int_equal(access(path, F_OK), more ? -1 : 0);
    }
    for (uint64_t n = 1, more = 1; more; n++) {
        memset(got, 0x55, sizeof *got);
        bcemr_status status = failing(n, false, got, &made);
        more = made >= n;
        assert_int_equal(status, more ? BCEMR_E_NO_MEMORY : BCEMR_OK);
        assert_true((status == BCEMR_OK) !=
                    (sodium_is_zero((const uint8_t *)got, sizeof *got) == 1));
    }
    assert_memory_equal(got->secret, keys->secret, keys->length);
    (void)remove(path);
    keyfile_free(keys);
    keyfile_free(got);
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_place_for_secrets),
        cmocka_unit_test(no_memory_for_argon2),
        cmocka_unit_test(every_allocation),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
