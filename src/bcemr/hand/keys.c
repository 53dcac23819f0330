/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr keys new|show|words|restore|passphrase`. */
#include "bcemr/hand/hand.h"
#include "bcemr/words.h"

#include <string.h>
#include <unistd.h>

/* ---- new ---- */

static void tell_holder(hand *h, uint64_t role, bcemr_span id, const char *file)
{
    report_json_text(&h->json, NULL, "role", hand_role_text(role));
    if (id.n > 0)
        report_json_text(&h->json, NULL, "id", hand_name(id));
    report_json_text(&h->json, NULL, "file", file);
}

static bcemr_status make_new(hand *h)
{
    bcemr_status status = BCEMR_OK;
    const uint64_t role = hand_role_number(h->o->role);
    keyfile *keys = keyfile_new();
    hand_doing(h, "make new keys");
    if (!keys)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "key file", NULL);
    HAND(hand_id_check(h, role, h->o->id));
    HAND_AT(keyfile_draw(keys, (bcemr_key_role)role, bcemr_text(h->o->id ? h->o->id : "")),
            "key file", "id");
    HAND(hand_keys_write(h, h->o->out, keys, h->o->passphrase, "passphrase-file", FILES_NEW));
    report_line(&h->r, "new %s keys%s%s in %s, under its passphrase", hand_role_text(role),
                h->o->id ? " of " : "", h->o->id ? hand_name(bcemr_text(h->o->id)) : "",
                hand_name(bcemr_text(h->o->out)));
    tell_holder(h, role, bcemr_text(h->o->id ? h->o->id : ""), h->o->out);
out:
    keyfile_free(keys);
    return status;
}

int hand_keys_new(const void *options)
{
    return hand_run(options, make_new);
}

/* ---- show ---- */

static void show_key(hand *h, json_t *keys, const char *name, const char *text, bcemr_span key)
{
    char hex[2 * 96 + 1];
    if (key.n == 0 || key.n > 96)
        return;
    report_line(&h->r, "  %-4s %s", name, report_hex(key.p, key.n, hex));
    report_line(&h->r, "       %s", text);
    report_json_text(&h->json, keys, name, hex);
}

static bcemr_status show_holder(hand *h, const hand_holder *holder)
{
    bcemr_status status = BCEMR_OK;
    hand_outputs outputs = {0};
    char hex[2 * 32 + 1];
    const bcemr_tr_public_part *p = &holder->part;
    if (h->o->out) {
        hand_doing(h, "write the public part");
        HAND(hand_output_bytes(h, &outputs, h->o->out, "", bcemr_buf_span(&holder->bytes)));
        HAND(hand_output_commit(h, &outputs));
    }
    report_line(&h->r, "%s%s%s", hand_role_text(p->role), p->id.n > 0 ? " " : "", hand_name(p->id));
    tell_holder(h, p->role, p->id, h->o->file);
    json_t *keys = report_json_object(&h->json, NULL, "public");
    show_key(h, keys, "X",
             p->role == BCEMR_key_role_AUTHORITY ? "P, checks credentials"
                                                 : "BLS, checks diagnoses and cases",
             bcemr_span_of(p->x.b, sizeof p->x.b));
    show_key(h, keys, "A", "Ed25519, checks entries and requests", p->a);
    show_key(h, keys, "E", "X25519, for the group key", p->e);
    show_key(h, keys, "Box", "X25519, for sealed boxes", p->box);
    report_line(&h->r, "  hash %s", report_hex(holder->hash.b, 32, hex));
    report_json_hash(&h->json, NULL, "hash", &holder->hash);
    if (h->o->out) {
        report_line(&h->r, "public part in %s: give it to whoever has to check or to seal to it",
                    hand_name(bcemr_text(h->o->out)));
        report_json_text(&h->json, NULL, "out", h->o->out);
    }
out:
    hand_output_free(&outputs);
    return status;
}

static bcemr_status show(hand *h)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    hand_holder holder = {0};
    keyfile *keys = NULL;
    HAND(files_read(h->o->file, 4096, &bytes, &h->file));
    if (bcemr_type_of(bcemr_buf_span(&bytes)) == &bcemr_type_public_part) {
        HAND(hand_holder_read(h, h->o->file, 0, &holder));
        HAND(show_holder(h, &holder));
        goto out;
    }
    HAND(hand_keys_open(h, h->o->file, 0, h->o->passphrase, "passphrase-file", &keys));
    if (keys->role != BCEMR_key_role_PATIENT) {
        HAND(hand_holder_of(h, keys, &holder));
        HAND(show_holder(h, &holder));
        goto out;
    }
    if (h->o->out) {
        hand_doing(h, "write a public part: a patient has fresh keys for each visit and none that "
                      "last");
        HAND_FAIL(BCEMR_E_ROLE, "key file", "role");
    }
    report_line(&h->r,
                "patient: a seed, with fresh keys for each visit and no public key that lasts");
    tell_holder(h, keys->role, bcemr_text(""), h->o->file);
out:
    bcemr_buf_free(&bytes);
    hand_holder_free(&holder);
    if (keys)
        keyfile_free(keys);
    return status;
}

int hand_keys_show(const void *options)
{
    return hand_run(options, show);
}

/* ---- words ---- */

static bcemr_status need_seed(hand *h, const keyfile *keys)
{
    bcemr_status status = BCEMR_OK;
    hand_doing(h, "write these keys as words: doctors and patients have a seed, a %s has not",
               hand_role_text((uint64_t)keys->role));
    if (keys->role != BCEMR_key_role_DOCTOR && keys->role != BCEMR_key_role_PATIENT)
        HAND_FAIL(BCEMR_E_ROLE, "key file", "role");
out:
    return status;
}

static bcemr_status say_words(hand *h)
{
    bcemr_status status = BCEMR_OK;
    keyfile *keys = NULL;
    bcemr_seed seed = {{0}};
    char text[WORDS_TEXT] = {0};
    if (!h->o->yes && (h->o->json || isatty(STDOUT_FILENO) != 1))
        return hand_misuse(h, "the words open everything and this is no terminal; --yes if you "
                              "mean it");
    HAND(hand_keys_open(h, h->o->file, 0, h->o->passphrase, "passphrase-file", &keys));
    HAND(need_seed(h, keys));
    memcpy(seed.b, keys->secret, sizeof seed.b);
    words_from_seed(&seed, text);
    report_line(&h->r, "%s", text);
    if (!h->o->json)
        (void)fprintf(stderr, "bcemr: whoever has these 24 words has the keys: on paper, locked "
                              "away, never in a photograph\n");
    report_json_text(&h->json, NULL, "words", text);
out:
    bcemr_wipe(&seed, sizeof seed);
    bcemr_wipe(text, sizeof text);
    if (keys)
        keyfile_free(keys);
    return status;
}

int hand_keys_words(const void *options)
{
    return hand_run(options, say_words);
}

/* ---- restore ---- */

static bcemr_status read_words(hand *h, bcemr_seed *seed)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    uint64_t place = 0;
    hand_secret *typed = hand_secret_new();
    if (!typed)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "words", NULL);
    if (h->o->words) {
        HAND(hand_private_file(h, h->o->words, 4096, &bytes));
    } else {
        HAND(hand_secret_ask(h, NULL, "words-file", "24 words", false, typed));
        HAND_AT(bcemr_buf_set(&bytes, bcemr_span_of(typed->b, typed->n)), "words", NULL);
    }
    status = words_to_seed(bcemr_buf_span(&bytes), seed, &place);
    if (status == BCEMR_E_UNKNOWN_VALUE)
        hand_doing(h, "read the words: number %u is none of the list", (unsigned)place);
    else
        hand_doing(h, "read the words");
    if (status != BCEMR_OK)
        HAND_FAIL(status, "words", NULL);
out:
    hand_secret_free(typed);
    bcemr_buf_free(&bytes);
    return status;
}

static bcemr_status restore(hand *h)
{
    bcemr_status status = BCEMR_OK;
    bcemr_seed seed = {{0}};
    const uint64_t role = hand_role_number(h->o->role);
    keyfile *keys = keyfile_new();
    hand_doing(h, "restore keys");
    if (!keys)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "key file", NULL);
    HAND(hand_id_check(h, role, h->o->id));
    HAND_AT(keyfile_draw(keys, (bcemr_key_role)role, bcemr_text(h->o->id ? h->o->id : "")),
            "key file", "id");
    HAND(need_seed(h, keys));
    HAND(read_words(h, &seed));
    memcpy(keys->secret, seed.b, sizeof seed.b);
    HAND(hand_keys_write(h, h->o->out, keys, h->o->passphrase, "passphrase-file", FILES_NEW));
    report_line(&h->r, "%s keys restored from 24 words in %s", hand_role_text(role),
                hand_name(bcemr_text(h->o->out)));
    tell_holder(h, role, bcemr_text(h->o->id ? h->o->id : ""), h->o->out);
out:
    bcemr_wipe(&seed, sizeof seed);
    keyfile_free(keys);
    return status;
}

int hand_keys_restore(const void *options)
{
    return hand_run(options, restore);
}

/* ---- passphrase ---- */

static bcemr_status change_passphrase(hand *h)
{
    bcemr_status status = BCEMR_OK;
    keyfile *keys = NULL;
    HAND(hand_keys_open(h, h->o->file, 0, h->o->passphrase, "passphrase-file", &keys));
    HAND(hand_keys_write(h, h->o->file, keys, h->o->new_passphrase, "new-passphrase-file",
                         FILES_REPLACE));
    report_line(&h->r, "%s is under its new passphrase; copies made before open with the old one",
                hand_name(bcemr_text(h->o->file)));
    tell_holder(h, (uint64_t)keys->role, bcemr_span_of(keys->id, keys->id_length), h->o->file);
out:
    if (keys)
        keyfile_free(keys);
    return status;
}

int hand_keys_passphrase(const void *options)
{
    return hand_run(options, change_passphrase);
}
