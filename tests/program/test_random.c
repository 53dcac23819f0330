/* SPDX-License-Identifier: Apache-2.0 */
/* The seeded source: the same text gives the same bytes, and only where it may. One process knows
 * one installation, so each case is a process. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bcemr/random.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N 64

/* Runs play in a process of its own; what it returns, and N bytes from it. */
static int in_process(int (*play)(uint8_t out[N]), uint8_t out[N])
{
    int ends[2], status = -1;
    uint8_t bytes[N] = {0};
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const int code = play(bytes);
        _exit(write(ends[1], bytes, N) == N ? code : 99);
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], out, N), N);
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int draw(const char *seed, uint8_t out[N])
{
    random_permit();
    const bcemr_status status = random_install_seed(seed);
    if (sodium_init() < 0)
        return 98;
    randombytes_buf(out, N / 2);
    randombytes_buf(out + N / 2, N / 2);
    return (int)status;
}

static int seed_a(uint8_t out[N])
{
    return draw("a", out);
}
static int seed_b(uint8_t out[N])
{
    return draw("b", out);
}
static int seed_empty(uint8_t out[N])
{
    return draw("", out);
}
static int not_permitted(uint8_t out[N])
{
    const bcemr_status status = random_install_seed("a");
    if (sodium_init() < 0 || random_is_seeded())
        return 98;
    randombytes_buf(out, N);
    return (int)status;
}
static int too_late(uint8_t out[N])
{
    if (sodium_init() != 0)
        return 98;
    return draw("a", out);
}
static int twice(uint8_t out[N])
{
    (void)draw("a", out);
    return (int)random_install_seed("b");
}
/* A long draw does not move the one after it. */
static int other_lengths(uint8_t out[N])
{
    uint8_t large[1000];
    random_permit();
    const bcemr_status status = random_install_seed("a");
    randombytes_buf(large, sizeof large);
    memcpy(out, large, N / 2);
    randombytes_buf(out + N / 2, N / 2);
    return (int)status;
}
static int named(uint8_t out[N])
{
    const int status = draw("a", out);
    return strcmp(randombytes_implementation_name(), "bcemr-seeded") == 0 && random_is_seeded() &&
                   randombytes_uniform(10) < 10
               ? status
               : 98;
}

static void text_determines(void **state)
{
    (void)state;
    uint8_t a[N], again[N], b[N], other[N];
    assert_int_equal(in_process(seed_a, a), BCEMR_OK);
    assert_int_equal(in_process(seed_a, again), BCEMR_OK);
    assert_int_equal(in_process(seed_b, b), BCEMR_OK);
    assert_int_equal(in_process(other_lengths, other), BCEMR_OK);
    assert_int_equal(in_process(named, other + 0), BCEMR_OK);
    assert_memory_equal(a, again, N);
    assert_memory_equal(a, other, N);
    assert_memory_not_equal(a, b, N);
    assert_memory_not_equal(a, a + N / 2, N / 2);
}

static void lengths_do_not_move(void **state)
{
    (void)state;
    uint8_t a[N], other[N];
    assert_int_equal(in_process(seed_a, a), BCEMR_OK);
    assert_int_equal(in_process(other_lengths, other), BCEMR_OK);
    assert_memory_equal(a, other, N);
}

static void refused(void **state)
{
    (void)state;
    uint8_t a[N], real[N];
    assert_int_equal(in_process(seed_a, a), BCEMR_OK);
    int (*const plays[])(uint8_t out[N]) = {not_permitted, too_late, seed_empty};
    const bcemr_status statuses[] = {BCEMR_E_STATE, BCEMR_E_STATE, BCEMR_E_ABSENT};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(in_process(plays[i], real), statuses[i]);
        /* and the bytes are those of the real source */
        assert_memory_not_equal(real, a, N);
    }
    assert_int_equal(in_process(twice, real), BCEMR_E_STATE);
}

#define THREADS 4
#define DRAWS 2000
static uint8_t drawn[THREADS * DRAWS][16];

static void *draw_many(void *argument)
{
    uint8_t(*mine)[16] = argument;
    for (size_t i = 0; i < DRAWS; i++)
        randombytes_buf(mine[i], 16);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

/* No two draws are the same, whoever makes them. */
static int many_threads(uint8_t out[N])
{
    pthread_t threads[THREADS];
    (void)draw("a", out);
    for (size_t i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, draw_many, drawn[i * DRAWS]) != 0)
            return 98;
    }
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    qsort(drawn, sizeof drawn / 16, 16, compare);
    for (size_t i = 1; i < sizeof drawn / 16; i++) {
        if (memcmp(drawn[i - 1], drawn[i], 16) == 0)
            return 1;
    }
    return 0;
}

static void threads_share_it(void **state)
{
    (void)state;
    uint8_t out[N];
    assert_int_equal(in_process(many_threads, out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_determines), cmocka_unit_test(lengths_do_not_move),
        cmocka_unit_test(refused), cmocka_unit_test(threads_share_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
