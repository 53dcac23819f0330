/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/bench/floor.h"

#include <blst.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define BULK 1000
#define BITS 255
#define SHORT_BITS 128
#define WINDOWS 64
#define WINDOW 16
#define LIMBS (sizeof(blst_fp12) / sizeof(uint64_t))
#define LINES 68
#define TAG crypto_aead_xchacha20poly1305_ietf_ABYTES
#define SEALED (FLOOR_CHUNK + TAG)
#define MESSAGE 128
#define BOX 1024

struct floor_bench {
    byte scalar[32];
    blst_fr fr[2];
    blst_p1 p1;
    blst_p2 p2;
    blst_p1_affine a1;
    blst_p2_affine a2;
    byte raw1[48], raw2[96];
    blst_fp6 lines[LINES];
    blst_fp12 miller;
    uint64_t z[WINDOWS][WINDOW][LIMBS]; /* Z^(d 16^w) */
    blst_p1_affine bulk[BULK];
    byte full[BULK][32], weights[BULK][16];
    limb_t *scratch;
    byte message[MESSAGE], box[BOX], sealed[BOX + TAG];
    byte seed[32], ed_public[32], ed_secret[64], signature[64], key[32], nonce[24], mac[32];
    /* where results go, so that nobody can leave the work out */
    blst_p1 out1;
    blst_p2 out2;
    blst_p1_affine out_a1;
    blst_p2_affine out_a2;
    blst_fp12 out12;
    blst_fr out_fr;
};

const char *floor_text(floor_id id)
{
    static const char *const texts[] = {
#define X(name, units, text) text,
        FLOOR_TABLE(X)
#undef X
    };
    return texts[id];
}

uint64_t floor_units(floor_id id)
{
    static const uint64_t counts[] = {
#define X(name, units, text) units,
        FLOOR_TABLE(X)
#undef X
    };
    return counts[id];
}

const char *floor_sodium(void)
{
    return sodium_version_string();
}

/* ---- inputs ---- */

static const char tag1[] = "BCEMR-V1-SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_";
static const char tag2[] = "BCEMR-V1-CAPSULE_BLS12381G2_XMD:SHA-256_SSWU_RO_";

static void draw_scalar(byte out[32])
{
    byte drawn[48];
    blst_scalar scalar;
    do
        randombytes_buf(drawn, sizeof drawn);
    while (!blst_scalar_from_le_bytes(&scalar, drawn, sizeof drawn));
    memcpy(out, scalar.b, sizeof scalar.b);
}

static void hash1(floor_bench *f, blst_p1 *out)
{
    blst_hash_to_g1(out, f->message, MESSAGE, (const byte *)tag1, sizeof tag1 - 1, NULL, 0);
}

static void hash2(floor_bench *f, blst_p2 *out)
{
    blst_hash_to_g2(out, f->message, MESSAGE, (const byte *)tag2, sizeof tag2 - 1, NULL, 0);
}

static void make_points(floor_bench *f)
{
    hash1(f, &f->p1);
    hash2(f, &f->p2);
    blst_p1_to_affine(&f->a1, &f->p1);
    blst_p2_to_affine(&f->a2, &f->p2);
    blst_p1_compress(f->raw1, &f->p1);
    blst_p2_compress(f->raw2, &f->p2);
    blst_precompute_lines(f->lines, &f->a2);
    blst_miller_loop(&f->miller, &f->a2, &f->a1);
    /* the operands of a multiplication are affine points, as they come from decoding */
    blst_p1_from_affine(&f->p1, &f->a1);
    blst_p2_from_affine(&f->p2, &f->a2);
}

static void make_powers(floor_bench *f)
{
    blst_fp12 base, power;
    blst_miller_loop(&base, blst_p2_affine_generator(), blst_p1_affine_generator());
    blst_final_exp(&base, &base);
    for (unsigned w = 0; w < WINDOWS; w++) {
        power = *blst_fp12_one();
        for (unsigned d = 0; d < WINDOW; d++) {
            memcpy(f->z[w][d], &power, sizeof power);
            blst_fp12_mul(&power, &power, &base);
        }
        base = power;
    }
}

static void make_bulk(floor_bench *f)
{
    blst_p1 point = f->p1;
    for (unsigned i = 0; i < BULK; i++) {
        blst_p1_to_affine(&f->bulk[i], &point);
        blst_p1_add_or_double(&point, &point, &point);
        blst_p1_add_or_double(&point, &point, &f->p1);
        draw_scalar(f->full[i]);
    }
    randombytes_buf(f->weights, sizeof f->weights);
}

static void make_keys(floor_bench *f)
{
    blst_scalar other;
    draw_scalar(f->scalar);
    draw_scalar(other.b);
    blst_fr_from_scalar(&f->fr[1], &other);
    memcpy(other.b, f->scalar, sizeof other.b);
    blst_fr_from_scalar(&f->fr[0], &other);
    randombytes_buf(f->message, sizeof f->message);
    randombytes_buf(f->box, sizeof f->box);
    randombytes_buf(f->seed, sizeof f->seed);
    randombytes_buf(f->key, sizeof f->key);
    (void)crypto_sign_seed_keypair(f->ed_public, f->ed_secret, f->seed);
    (void)crypto_sign_detached(f->signature, NULL, f->message, MESSAGE, f->ed_secret);
}

floor_bench *floor_new(void)
{
    if (sodium_init() < 0)
        return NULL;
    floor_bench *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->scratch = malloc(blst_p1s_mult_pippenger_scratch_sizeof(BULK));
    if (!f->scratch) {
        free(f);
        return NULL;
    }
    make_keys(f);
    make_points(f);
    make_powers(f);
    make_bulk(f);
    return f;
}

void floor_free(floor_bench *f)
{
    if (!f)
        return;
    free(f->scratch);
    free(f);
}

/* ---- the primitives ---- */

/* Z^x by 4-bit windows, every entry of a window read. */
static void z_power(floor_bench *f)
{
    blst_fp12 factor;
    uint64_t sum[LIMBS];
    f->out12 = *blst_fp12_one();
    for (unsigned w = 0; w < WINDOWS; w++) {
        uint64_t digit = f->scalar[w / 2] >> (4 * (w % 2)) & 15;
        memset(sum, 0, sizeof sum);
        for (uint64_t d = 0; d < WINDOW; d++) {
            uint64_t mask = 0 - (((d ^ digit) - 1) >> 63);
            for (unsigned i = 0; i < LIMBS; i++)
                sum[i] |= f->z[w][d][i] & mask;
        }
        memcpy(&factor, sum, sizeof factor);
        blst_fp12_mul(&f->out12, &f->out12, &factor);
    }
}

static void bulk_sum(floor_bench *f, const byte *scalars, size_t bits)
{
    const blst_p1_affine *const points[2] = {f->bulk, NULL};
    const byte *const by[2] = {scalars, NULL};
    blst_p1s_mult_pippenger(&f->out1, points, BULK, by, bits, f->scratch);
}

static void hmac(const byte *key, size_t key_n, const byte *message, size_t n, byte out[32])
{
    crypto_auth_hmacsha256_state state;
    (void)crypto_auth_hmacsha256_init(&state, key, key_n);
    (void)crypto_auth_hmacsha256_update(&state, message, n);
    (void)crypto_auth_hmacsha256_final(&state, out);
}

/* Extract and two blocks of Expand: a derived scalar. */
static void kdf(floor_bench *f)
{
    byte prk[32];
    hmac((const byte *)"BCEMR-V1", 8, f->key, sizeof f->key, prk);
    hmac(prk, sizeof prk, f->message, MESSAGE, f->mac);
    hmac(prk, sizeof prk, f->message, MESSAGE, f->mac);
}

static bool decode1(floor_bench *f)
{
    return blst_p1_uncompress(&f->out_a1, f->raw1) == BLST_SUCCESS &&
           blst_p1_affine_in_g1(&f->out_a1);
}

static bool decode2(floor_bench *f)
{
    return blst_p2_uncompress(&f->out_a2, f->raw2) == BLST_SUCCESS &&
           blst_p2_affine_in_g2(&f->out_a2);
}

static bool run_group(floor_bench *f, floor_id id)
{
    switch (id) {
    case FLOOR_G1_MULTIPLY:
        blst_p1_mult(&f->out1, &f->p1, f->scalar, BITS);
        blst_p1_to_affine(&f->out_a1, &f->out1);
        break;
    case FLOOR_G2_MULTIPLY:
        blst_p2_mult(&f->out2, &f->p2, f->scalar, BITS);
        blst_p2_to_affine(&f->out_a2, &f->out2);
        break;
    case FLOOR_H1:
        hash1(f, &f->out1);
        break;
    case FLOOR_H2:
        hash2(f, &f->out2);
        break;
    case FLOOR_MILLER:
        blst_miller_loop(&f->out12, &f->a2, &f->a1);
        break;
    case FLOOR_MILLER_LINES:
        blst_miller_loop_lines(&f->out12, f->lines, &f->a1);
        break;
    case FLOOR_FINAL_EXP:
        blst_final_exp(&f->out12, &f->miller);
        break;
    case FLOOR_Z_POWER:
        z_power(f);
        break;
    case FLOOR_G1_DECODE:
        return decode1(f);
    case FLOOR_G2_DECODE:
        return decode2(f);
    case FLOOR_SUM_SHORT:
        bulk_sum(f, f->weights[0], SHORT_BITS);
        break;
    case FLOOR_SUM_FULL:
        bulk_sum(f, f->full[0], BITS);
        break;
    case FLOOR_SCALAR:
        blst_fr_mul(&f->out_fr, &f->fr[0], &f->fr[1]);
        break;
    case FLOOR_INVERSE:
        blst_fr_inverse(&f->out_fr, &f->fr[0]);
        break;
    default:
        return false;
    }
    return true;
}

static bool run_one(floor_bench *f, floor_id id)
{
    switch (id) {
    case FLOOR_ED_KEY:
        return crypto_sign_seed_keypair(f->ed_public, f->ed_secret, f->seed) == 0;
    case FLOOR_ED_SIGN:
        return crypto_sign_detached(f->signature, NULL, f->message, MESSAGE, f->ed_secret) == 0;
    case FLOOR_ED_CHECK:
        return crypto_sign_verify_detached(f->signature, f->message, MESSAGE, f->ed_public) == 0;
    case FLOOR_KDF:
        kdf(f);
        return true;
    case FLOOR_HMAC:
        hmac(f->key, sizeof f->key, f->message, MESSAGE, f->mac);
        return true;
    case FLOOR_AEAD:
        return crypto_aead_xchacha20poly1305_ietf_encrypt(f->sealed, NULL, f->box, BOX, f->message,
                                                          64, NULL, f->nonce, f->key) == 0;
    default:
        return run_group(f, id);
    }
}

bool floor_run(floor_bench *f, floor_id id)
{
    bool is_bulk = id == FLOOR_SUM_SHORT || id == FLOOR_SUM_FULL;
    uint64_t times = is_bulk ? 1 : floor_units(id);
    bool good = true;
    for (uint64_t i = 0; i < times; i++)
        good = run_one(f, id) && good;
    return good;
}

/* ---- payload ---- */

void floor_seal(floor_bench *f, const uint8_t *plain, uint8_t *sealed, uint64_t chunks)
{
    for (uint64_t i = 0; i < chunks; i++)
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + i * SEALED, NULL,
                                                         plain + i * FLOOR_CHUNK, FLOOR_CHUNK,
                                                         f->message, 80, NULL, f->nonce, f->key);
}

bool floor_open(floor_bench *f, const uint8_t *sealed, uint8_t *plain, uint64_t chunks)
{
    bool good = true;
    for (uint64_t i = 0; i < chunks; i++)
        good = crypto_aead_xchacha20poly1305_ietf_decrypt(plain + i * FLOOR_CHUNK, NULL, NULL,
                                                          sealed + i * SEALED, SEALED, f->message,
                                                          80, f->nonce, f->key) == 0 &&
               good;
    return good;
}

/* chunks is a power of two. The byte before each leaf is left out: less than the real tree. */
void floor_tree(const uint8_t *sealed, uint64_t chunks, uint8_t root[32])
{
    byte nodes[64][32], both[65];
    unsigned level = 0;
    for (uint64_t i = 0; i < chunks; i++) {
        byte node[32];
        blst_sha256(node, sealed + i * SEALED, SEALED);
        level = 0;
        for (uint64_t bits = i; bits & 1; bits >>= 1) {
            both[0] = 1;
            memcpy(both + 1, nodes[level++], 32);
            memcpy(both + 33, node, 32);
            blst_sha256(node, both, sizeof both);
        }
        memcpy(nodes[level], node, 32);
    }
    memcpy(root, nodes[level], 32);
}
