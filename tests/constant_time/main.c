/* SPDX-License-Identifier: Apache-2.0 */
/* Runs all cases, or those whose names are given; only under valgrind. */
#include "constant_time/ct.h"

#include <bcemr/hash.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <valgrind/memcheck.h>

void ct_secret(void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

void ct_declassify(const char *file, int line, void *p, size_t n)
{
    static unsigned char bits[1 << 17];
    bool is_secret = false;
    if (n > sizeof bits || VALGRIND_GET_VBITS(p, bits, n) != 1)
        abort();
    for (size_t i = 0; i < n; i++)
        is_secret = is_secret || bits[i] != 0;
    if (!is_secret) {
        (void)fprintf(stderr, "%s:%d: nothing secret to declassify\n", file, line);
        exit(3);
    }
    (void)VALGRIND_MAKE_MEM_DEFINED(p, n);
}

void ct_ok(const char *file, int line, int status)
{
    if (status == BCEMR_OK)
        return;
    (void)fprintf(stderr, "%s:%d: %s\n", file, line, bcemr_status_name((bcemr_status)status));
    exit(3);
}

/* ---- random bytes are secret until they are declassified ---- */

static const char *source_name(void)
{
    return "constant-time";
}

static void source_bytes(void *const out, const size_t n)
{
    static const unsigned char key[crypto_stream_chacha20_KEYBYTES] = {7};
    static unsigned char nonce[crypto_stream_chacha20_NONCEBYTES];
    sodium_increment(nonce, sizeof nonce);
    (void)crypto_stream_chacha20(out, n, nonce, key);
    ct_secret(out, n);
}

static uint32_t source_word(void)
{
    uint32_t word;
    source_bytes(&word, sizeof word);
    return word;
}

static void install_source(void)
{
    static randombytes_implementation source = {
        .implementation_name = source_name, .random = source_word, .buf = source_bytes};
    (void)randombytes_set_implementation(&source);
}

/* ---- the world ---- */

static void fill(void *p, size_t n, const char *label)
{
    static const uint8_t ikm[32] = {1};
    OK(bcemr_kdf(label, bcemr_span_of(ikm, sizeof ikm), (bcemr_span){NULL, 0}, p, n));
}

static void begin(ct_world *w)
{
    bcemr_g1 point;
    uint8_t seed[32];
    memset(w, 0, sizeof *w);
    OK(bcemr_context_new(&w->context));
    fill(w->x.b, 31, "x");
    fill(w->x2.b, 31, "x2");
    bcemr_g1_from_secret(&w->x, &point);
    bcemr_g1_encode(&point, &w->x_g1);
    fill(w->seed.b, 32, "seed");
    fill(w->key.b, 32, "key");
    fill(seed, 32, "ed");
    bcemr_ed_from_seed(seed, &w->ed, &w->ed_public);
    fill(w->box.b, 32, "box");
    bcemr_x25519_public_of(&w->box, &w->box_public);
    fill(w->ledger.b, 32, "ledger");
    fill(w->vid.b, 32, "vid");
    w->message = bcemr_text("what is signed, sealed or hashed");
    SECRET(&w->x, sizeof w->x);
    SECRET(&w->x2, sizeof w->x2);
    SECRET(&w->seed, sizeof w->seed);
    SECRET(&w->key, sizeof w->key);
    SECRET(&w->ed, 32); /* libsodium keeps the public key in the other half */
    SECRET(&w->box, sizeof w->box);
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc == 1;
}

int main(int argc, char **argv)
{
    static const ct_case *const files[] = {ct_group_cases,   ct_key_cases,    ct_visit_cases,
                                           ct_message_cases, ct_record_cases, ct_grant_cases,
                                           ct_file_cases};
    ct_world w;
    int ran = 0;
    if (!RUNNING_ON_VALGRIND) {
        (void)fputs("only under valgrind: see docs/constant-time.md\n", stderr);
        return 2;
    }
    if (sodium_init() < 0)
        return 2;
    install_source();
    begin(&w);
    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++)
        for (const ct_case *c = files[f]; c->name; c++) {
            if (!is_wanted(c->name, argc, argv))
                continue;
            unsigned before = VALGRIND_COUNT_ERRORS;
            c->run(&w);
            (void)printf("%s %s\n", c->name, VALGRIND_COUNT_ERRORS == before ? "ok" : "FAILED");
            ran++;
        }
    bcemr_context_free(w.context);
    return ran > 0 ? 0 : 2;
}
