/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/random.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char key[crypto_stream_chacha20_KEYBYTES];
static uint64_t draws;
static int permitted;
static int seeded;

static const char *name(void)
{
    return "bcemr-seeded";
}

/* Draw number k is the stream under nonce k, so that the length of one draw does not move the next.
 */
static void buf(void *const out, const size_t n)
{
    unsigned char nonce[crypto_stream_chacha20_NONCEBYTES];
    (void)pthread_mutex_lock(&lock);
    const uint64_t number = draws++;
    (void)pthread_mutex_unlock(&lock);
    for (unsigned i = 0; i < sizeof nonce; i++)
        nonce[i] = (unsigned char)(number >> (8 * i));
    (void)crypto_stream_chacha20(out, n, nonce, key);
}

static uint32_t word(void)
{
    uint32_t out;
    buf(&out, sizeof out);
    return out;
}

static void nothing(void)
{
}

static int nothing_to_close(void)
{
    return 0;
}

void random_permit(void)
{
    permitted = 1;
}

bcemr_status random_install_seed(const char *text)
{
    static randombytes_implementation implementation = {.implementation_name = name,
                                                        .random = word,
                                                        .stir = nothing,
                                                        .uniform = NULL,
                                                        .buf = buf,
                                                        .close = nothing_to_close};
    static const char domain[] = "bcemr seeded random source 1:";
    if (!permitted || seeded)
        return BCEMR_E_STATE;
    if (text[0] == 0)
        return BCEMR_E_ABSENT;
    crypto_hash_sha256_state hash;
    (void)crypto_hash_sha256_init(&hash);
    (void)crypto_hash_sha256_update(&hash, (const unsigned char *)domain, sizeof domain - 1);
    (void)crypto_hash_sha256_update(&hash, (const unsigned char *)text, strlen(text));
    (void)crypto_hash_sha256_final(&hash, key);
    (void)randombytes_set_implementation(&implementation);
    /* 1: somebody started it before us, and may have made a key from the real source. */
    if (sodium_init() != 0) {
        (void)randombytes_set_implementation(&randombytes_sysrandom_implementation);
        return BCEMR_E_STATE;
    }
    seeded = 1;
    return BCEMR_OK;
}

int random_is_seeded(void)
{
    return seeded;
}
