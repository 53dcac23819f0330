/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/keyfile.h"

#include "wire/error.h"

#include <bcemr/hash.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 4096

/* How many bytes the secrets of a role are. */
static uint64_t secret_length(uint64_t role)
{
    switch (role) {
    case BCEMR_key_role_HOSPITAL:
        return 32 + 64 + 32 + 32;
    case BCEMR_key_role_CLOUD:
        return 32 + 64;
    default:
        return 32;
    }
}

keyfile *keyfile_new(void)
{
    if (sodium_init() < 0)
        return NULL;
    keyfile *keys = sodium_malloc(sizeof *keys);
    if (keys)
        memset(keys, 0, sizeof *keys);
    return keys;
}

void keyfile_free(keyfile *keys)
{
    sodium_free(keys); /* wipes */
}

/* ---- the secrets of each role ---- */

static void pack(const bcemr_secrets *s, keyfile *keys)
{
    uint8_t *p = keys->secret;
    memcpy(p, s->x.b, 32);
    memcpy(p + 32, s->a.b, 64);
    if (keys->role != BCEMR_key_role_HOSPITAL)
        return;
    memcpy(p + 96, s->e.b, 32);
    memcpy(p + 128, s->box.b, 32);
}

bcemr_status keyfile_draw(keyfile *keys, bcemr_key_role role, bcemr_span id)
{
    bcemr_status status = BCEMR_OK;
    bcemr_secrets s;
    bcemr_secret_scalar x;
    if (id.n > sizeof keys->id)
        return BCEMR_E_TOO_LONG;
    keys->role = role;
    keys->id_length = id.n;
    if (id.n > 0)
        memcpy(keys->id, id.p, (size_t)id.n);
    keys->length = secret_length((uint64_t)role);
    switch (role) {
    case BCEMR_key_role_HOSPITAL:
    case BCEMR_key_role_CLOUD:
        status = bcemr_secrets_random(&s);
        if (status == BCEMR_OK)
            pack(&s, keys);
        bcemr_secrets_wipe(&s);
        break;
    case BCEMR_key_role_AUTHORITY:
        status = bcemr_secret_scalar_random(&x);
        memcpy(keys->secret, x.b, sizeof x.b);
        bcemr_wipe(&x, sizeof x);
        break;
    case BCEMR_key_role_DOCTOR:
    case BCEMR_key_role_PATIENT:
    case BCEMR_key_role_end_:
        bcemr_random(keys->secret, 32);
        break;
    }
    return status;
}

bcemr_status keyfile_secrets(const keyfile *keys, bcemr_secrets *out)
{
    bcemr_seed seed;
    memset(out, 0, sizeof *out);
    if (keys->role == BCEMR_key_role_DOCTOR) {
        memcpy(seed.b, keys->secret, sizeof seed.b);
        bcemr_status status = bcemr_secrets_from_seed(&seed, out);
        bcemr_wipe(&seed, sizeof seed);
        return status;
    }
    if (keys->role != BCEMR_key_role_HOSPITAL && keys->role != BCEMR_key_role_CLOUD)
        return BCEMR_E_ROLE;
    memcpy(out->x.b, keys->secret, 32);
    memcpy(out->a.b, keys->secret + 32, 64);
    if (keys->role == BCEMR_key_role_HOSPITAL) {
        memcpy(out->e.b, keys->secret + 96, 32);
        memcpy(out->box.b, keys->secret + 128, 32);
    }
    return BCEMR_OK;
}

/* ---- passphrase to key ---- */

static bcemr_status stretch(bcemr_span passphrase, const bcemr_tr_key_header *header,
                            bcemr_key *out, bcemr_error *err)
{
    if (crypto_pwhash(out->b, sizeof out->b, (const char *)passphrase.p, passphrase.n,
                      header->salt.p, header->operations, (size_t)header->memory * 1024,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        return wire_fail(err, BCEMR_E_NO_MEMORY, "key file", "memory");
    return BCEMR_OK;
}

/* ---- writing ---- */

static bcemr_status seal(const keyfile *keys, bcemr_span header, const bcemr_key *key,
                         bcemr_buf *out, bcemr_error *err)
{
    uint8_t box[KEYFILE_SECRET_MAX + crypto_aead_xchacha20poly1305_ietf_ABYTES];
    unsigned long long n = 0;
    bcemr_tr_key_file file = {.header = header};
    bcemr_random(file.nonce.b, sizeof file.nonce.b);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box, &n, keys->secret, keys->length, header.p,
                                               header.n, NULL, file.nonce.b, key->b);
    file.box = bcemr_span_of(box, n);
    return bcemr_write_key_file(&file, out, err);
}

static bcemr_status write_file(const char *path, const keyfile *keys, bcemr_span passphrase,
                               keyfile_cost cost, files_how how, files_error *system,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf header = BCEMR_BUF_EMPTY, file = BCEMR_BUF_EMPTY;
    bcemr_key key = {{0}};
    uint8_t salt[16];
    bcemr_random(salt, sizeof salt);
    const bcemr_tr_key_header h = {.role = (uint64_t)keys->role,
                                   .id = bcemr_span_of(keys->id, keys->id_length),
                                   .operations = cost.operations,
                                   .memory = cost.memory,
                                   .salt = bcemr_span_of(salt, sizeof salt)};
    TRY(bcemr_write_key_header(&h, &header, err));
    TRY(stretch(passphrase, &h, &key, err));
    TRY(seal(keys, bcemr_buf_span(&header), &key, &file, err));
    TRY_AT(files_write(path, bcemr_buf_span(&file), how, system), "key file", NULL);
out:
    bcemr_wipe(&key, sizeof key);
    bcemr_buf_free(&header);
    bcemr_buf_free(&file);
    return status;
}

bcemr_status keyfile_write(const char *path, const keyfile *keys, bcemr_span passphrase,
                           keyfile_cost cost, files_error *system, bcemr_error *err)
{
    return write_file(path, keys, passphrase, cost, FILES_NEW, system, err);
}

bcemr_status keyfile_replace(const char *path, const keyfile *keys, bcemr_span passphrase,
                             keyfile_cost cost, files_error *system, bcemr_error *err)
{
    return write_file(path, keys, passphrase, cost, FILES_REPLACE, system, err);
}

/* ---- reading ---- */

static bcemr_status check_permissions(const char *path, bcemr_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return wire_fail(err, BCEMR_E_NOT_FOUND, "key file", NULL);
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0 || (st.st_uid != geteuid() && geteuid() != 0))
        return wire_fail(err, BCEMR_E_PERMISSIONS, "key file", NULL);
    return BCEMR_OK;
}

/* Out of its bounds, a cost has a name of its own: it is what an attacker would change. */
static bcemr_status read_header(bcemr_span raw, bcemr_tr_key_header *header, bcemr_error *err)
{
    bcemr_error here = {0};
    bcemr_status status = bcemr_read_key_header(raw, header, &here);
    if (status == BCEMR_E_INTEGER_RANGE)
        status = here.status = BCEMR_E_COST;
    if (status != BCEMR_OK && err)
        *err = here;
    return status;
}

static bcemr_status open_box(const bcemr_tr_key_file *file, const bcemr_tr_key_header *header,
                             const bcemr_key *key, keyfile *keys, bcemr_error *err)
{
    uint64_t length = secret_length(header->role);
    if (file->box.n != length + crypto_aead_xchacha20poly1305_ietf_ABYTES ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(keys->secret, NULL, NULL, file->box.p,
                                                   file->box.n, file->header.p, file->header.n,
                                                   file->nonce.b, key->b) != 0)
        return wire_fail(err, BCEMR_E_PASSPHRASE, "key file", "box");
    keys->role = (bcemr_key_role)header->role;
    keys->length = length;
    keys->id_length = header->id.n;
    if (header->id.n > 0)
        memcpy(keys->id, header->id.p, (size_t)header->id.n);
    return BCEMR_OK;
}

bcemr_status keyfile_read(const char *path, uint64_t role, bcemr_span passphrase, keyfile *keys,
                          files_error *system, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    bcemr_tr_key_file file;
    bcemr_tr_key_header header;
    bcemr_key key = {{0}};
    TRY(check_permissions(path, err));
    TRY_AT(files_read(path, FILE_MAX, &bytes, system), "key file", NULL);
    /* The header is looked at first, so that a cost out of bounds gets its own name. */
    status = bcemr_read_key_file(bcemr_buf_span(&bytes), &file, err);
    if (status == BCEMR_E_INTEGER_RANGE)
        FAIL(BCEMR_E_COST, "key file", err ? err->field : NULL);
    TRY(status);
    TRY(read_header(file.header, &header, err));
    if (role != 0 && header.role != role)
        FAIL(BCEMR_E_ROLE, "key file", "role");
    TRY(stretch(passphrase, &header, &key, err));
    TRY(open_box(&file, &header, &key, keys, err));
out:
    bcemr_wipe(&key, sizeof key);
    bcemr_buf_free(&bytes);
    if (status != BCEMR_OK)
        sodium_memzero(keys, sizeof *keys);
    return status;
}
