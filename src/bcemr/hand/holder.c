/* SPDX-License-Identifier: Apache-2.0 */
/* Key files and public parts. */
#include "bcemr/hand/hand.h"

#include <bcemr/hash.h>
#include <string.h>

const char *const hand_roles[] = {"authority", "hospital", "cloud", "doctor", "patient", NULL};

const char *hand_role_text(uint64_t role)
{
    return role >= 1 && role < sizeof hand_roles / sizeof hand_roles[0] ? hand_roles[role - 1]
                                                                        : "?";
}

uint64_t hand_role_number(const char *text)
{
    for (uint64_t i = 0; text && hand_roles[i]; i++)
        if (strcmp(hand_roles[i], text) == 0)
            return i + 1;
    return 0;
}

bcemr_status hand_id_check(hand *h, uint64_t role, const char *id)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf list = BCEMR_BUF_EMPTY;
    const bool named = role != BCEMR_key_role_AUTHORITY && role != BCEMR_key_role_PATIENT;
    if (named && !id)
        return hand_misuse(h, "--id NAME is missing: a %s has a name", hand_role_text(role));
    if (!named && id)
        return hand_misuse(h, "--id is not for the %s, who has no name", hand_role_text(role));
    if (named) {
        const bcemr_span name = bcemr_text(id);
        const bcemr_list one = BCEMR_LIST_OF(&name, 1);
        HAND(bcemr_write_list(&bcemr_type_id_item, &one, &list, &h->error));
    }
out:
    bcemr_buf_free(&list);
    return status;
}

/* ---- key files ---- */

bcemr_status hand_keys_open(hand *h, const char *path, uint64_t role, const char *passphrase_file,
                            const char *option, keyfile **out)
{
    bcemr_status status = BCEMR_OK;
    char what[512];
    *out = NULL;
    keyfile *keys = keyfile_new();
    hand_secret *passphrase = hand_secret_new();
    if (!keys || !passphrase)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "key file", NULL);
    (void)snprintf(what, sizeof what, "passphrase of %.400s", hand_name(bcemr_text(path)));
    if (!files_exists(path)) /* before anyone types a passphrase for it */
        HAND(files_read(path, 1, &(bcemr_buf){0}, &h->file));
    HAND(hand_secret_ask(h, passphrase_file, option, what, false, passphrase));
    hand_doing(h, "open the key file \"%.200s\"", hand_name(bcemr_text(path)));
    HAND(keyfile_read(path, role, bcemr_span_of(passphrase->b, passphrase->n), keys, &h->file,
                      &h->error));
    *out = keys;
    keys = NULL;
out:
    hand_secret_free(passphrase);
    if (keys)
        keyfile_free(keys);
    return status;
}

bcemr_status hand_keys_write(hand *h, const char *path, const keyfile *keys,
                             const char *passphrase_file, const char *option, files_how how)
{
    bcemr_status status = BCEMR_OK;
    char what[512];
    hand_secret *passphrase = hand_secret_new();
    if (!passphrase)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "key file", NULL);
    (void)snprintf(what, sizeof what, "new passphrase of %.400s", hand_name(bcemr_text(path)));
    HAND(hand_secret_ask(h, passphrase_file, option, what, true, passphrase));
    hand_doing(h, "write the key file \"%.200s\"", hand_name(bcemr_text(path)));
    const bcemr_span secret = bcemr_span_of(passphrase->b, passphrase->n);
    HAND(how == FILES_NEW ? keyfile_write(path, keys, secret, KEYFILE_COST, &h->file, &h->error)
                          : keyfile_replace(path, keys, secret, KEYFILE_COST, &h->file, &h->error));
out:
    hand_secret_free(passphrase);
    return status;
}

/* ---- public parts ---- */

static bcemr_status finish(hand *h, hand_holder *out)
{
    bcemr_sha256(bcemr_buf_span(&out->bytes), &out->hash);
    return bcemr_read_public_part(bcemr_buf_span(&out->bytes), &out->part, &h->error);
}

bcemr_status hand_holder_of(hand *h, const keyfile *keys, hand_holder *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_secrets secrets = {0};
    bcemr_publics publics = {0};
    bcemr_secret_scalar s = {{0}};
    bcemr_g2 point;
    memset(out, 0, sizeof *out);
    bcemr_tr_public_part part = {.role = (uint64_t)keys->role,
                                 .id = bcemr_span_of(keys->id, keys->id_length)};
    if (keys->role == BCEMR_key_role_AUTHORITY) {
        memcpy(s.b, keys->secret, sizeof s.b);
        bcemr_g2_from_secret(&s, &point);
        bcemr_g2_encode(&point, &publics.x);
    } else {
        HAND_AT(keyfile_secrets(keys, &secrets), "public-part", "role");
        bcemr_secrets_publics(&secrets, &publics);
        part.a = bcemr_span_of(publics.a.b, 32);
    }
    if (keys->role == BCEMR_key_role_HOSPITAL || keys->role == BCEMR_key_role_DOCTOR) {
        part.e = bcemr_span_of(publics.e.b, 32);
        part.box = bcemr_span_of(publics.box.b, 32);
    }
    part.x = publics.x;
    HAND(bcemr_write_public_part(&part, &out->bytes, &h->error));
    HAND(finish(h, out));
out:
    bcemr_secrets_wipe(&secrets);
    bcemr_wipe(&s, sizeof s);
    return status;
}

/* Each key decodes, and those that the role has are there. */
static bcemr_status check_keys(hand *h, const hand_holder *holder)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_public_part *p = &holder->part;
    const bool named = p->role != BCEMR_key_role_AUTHORITY;
    const bool whole = p->role == BCEMR_key_role_HOSPITAL || p->role == BCEMR_key_role_DOCTOR;
    const bcemr_ed_raw a = hand_holder_a(holder);
    const bcemr_x25519_raw e = hand_holder_e(holder), box = hand_holder_box(holder);
    bcemr_g2 x;
    bcemr_ed_public ed;
    bcemr_x25519_public x25519;
    HAND_AT(bcemr_g2_decode(&p->x, &x), "public-part", "x");
    if ((p->a.n > 0) != named || (p->e.n > 0) != whole || (p->box.n > 0) != whole ||
        (p->id.n > 0) != named)
        HAND_FAIL(BCEMR_E_ABSENT, "public-part", "keys");
    if (named)
        HAND_AT(bcemr_ed_decode(&a, &ed), "public-part", "a");
    if (whole) {
        HAND_AT(bcemr_x25519_decode(&e, &x25519), "public-part", "e");
        HAND_AT(bcemr_x25519_decode(&box, &x25519), "public-part", "box");
    }
out:
    return status;
}

bcemr_status hand_holder_read(hand *h, const char *path, uint64_t role, hand_holder *out)
{
    bcemr_status status = BCEMR_OK;
    memset(out, 0, sizeof *out);
    HAND(files_read(path, 4096, &out->bytes, &h->file));
    hand_doing(h, "use \"%.200s\" as a %s's public part", hand_name(bcemr_text(path)),
               role ? hand_role_text(role) : "key holder");
    HAND(finish(h, out));
    if (role != 0 && out->part.role != role)
        HAND_FAIL(BCEMR_E_ROLE, "public-part", "role");
    HAND(check_keys(h, out));
out:
    return status;
}

void hand_holder_free(hand_holder *holder)
{
    bcemr_buf_free(&holder->bytes);
    memset(holder, 0, sizeof *holder);
}

bcemr_ed_raw hand_holder_a(const hand_holder *holder)
{
    bcemr_ed_raw out = {{0}};
    if (holder->part.a.n == sizeof out.b)
        memcpy(out.b, holder->part.a.p, sizeof out.b);
    return out;
}

static bcemr_x25519_raw x25519_of(bcemr_span key)
{
    bcemr_x25519_raw out = {{0}};
    if (key.n == sizeof out.b)
        memcpy(out.b, key.p, sizeof out.b);
    return out;
}

bcemr_x25519_raw hand_holder_e(const hand_holder *holder)
{
    return x25519_of(holder->part.e);
}

bcemr_x25519_raw hand_holder_box(const hand_holder *holder)
{
    return x25519_of(holder->part.box);
}
