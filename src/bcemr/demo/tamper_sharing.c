/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on grants, consents and accesses (phase 5). */
#include "bcemr/demo/attacks.h"

#include <bcemr/grant.h>
#include <bcemr/hash.h>
#include <bcemr/proof.h>
#include <string.h>

#define DAY_MS (24LL * 3600 * 1000)

/* True when this cloud's Consent for the terms that it was given is on the ledger. */
static bool consented(world *w, uint64_t cloud_node, bcemr_span terms)
{
    bcemr_hash cm;
    uint64_t leaf = 0;
    const bcemr_tr_consent consent = {terms, w->grant.secrets.salt};
    return bcemr_hash_value(&bcemr_type_consent, &consent, &cm, NULL) == BCEMR_OK &&
           w->view.consent(w->view.user, world_id(w->nodes[cloud_node].id), &cm, &leaf) == BCEMR_OK;
}

/* ---- grant ---- */

static bcemr_status longer_grant(world *w, world_point point, bcemr_buf *message)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf terms = BCEMR_BUF_EMPTY, out = BCEMR_BUF_EMPTY;
    bcemr_tr_grant_post post;
    bcemr_tr_grant grant;
    if (point != POINT_GRANT_POST)
        return BCEMR_OK;
    DO(bcemr_read_grant_post(bcemr_buf_span(message), &post, &w->error));
    DO(bcemr_read_grant(post.terms, &grant, &w->error));
    grant.expiry += 365 * DAY_MS;
    DO(bcemr_write_grant(&grant, &terms, &w->error));
    post.terms = bcemr_buf_span(&terms);
    DO(bcemr_buf_set(&w->kept, post.terms));
    DO(bcemr_write_grant_post(&post, &out, &w->error));
    DO(bcemr_buf_set(message, bcemr_buf_span(&out)));
out:
    bcemr_buf_free(&terms);
    bcemr_buf_free(&out);
    return status;
}

bcemr_status attack_grant(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    w->hand = longer_grant;
    DO(story_grant(w));
    DO(story_consent(w, WORLD_CLOUD_1));
    *succeeded = consented(w, WORLD_CLOUD_1, bcemr_buf_span(&w->kept));
out:
    return status;
}

static bcemr_status other_rk(world *w, world_point point, bcemr_buf *message)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    bcemr_tr_grant_post post;
    bcemr_secret_scalar rk;
    bcemr_scalar_raw raw;
    if (point != POINT_GRANT_POST)
        return BCEMR_OK;
    DO(bcemr_read_grant_post(bcemr_buf_span(message), &post, &w->error));
    DO(bcemr_secret_scalar_random(&rk));
    memcpy(raw.b, rk.b, sizeof raw.b);
    post.keys = BCEMR_LIST_OF(&raw, 1);
    DO(bcemr_write_grant_post(&post, &out, &w->error));
    DO(bcemr_buf_set(message, bcemr_buf_span(&out)));
out:
    bcemr_buf_free(&out);
    return status;
}

bcemr_status attack_reencryption_key(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    w->hand = other_rk;
    DO(story_grant(w));
    DO(story_consent(w, WORLD_CLOUD_1));
    *succeeded = consented(w, WORLD_CLOUD_1, bcemr_buf_span(&w->grant.terms));
out:
    return status;
}

/* ---- consent ---- */

bcemr_status attack_consent_cloud(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    DO(story_grant(w));
    DO(story_consent(w, WORLD_CLOUD_2)); /* the grant names the first cloud alone */
    *succeeded = consented(w, WORLD_CLOUD_2, bcemr_buf_span(&w->grant.terms));
out:
    return status;
}

/* The cloud changes R in its Consent, so that the patient's Revoke would not be about it. */
static bcemr_status own_revoker(world *w, world_point point, bcemr_buf *message)
{
    bcemr_tr_e_consent consent;
    bcemr_ed_secret revoker;
    uint8_t seed[32];
    if (point != POINT_ENTRY || !attacks_entry_is(message, &bcemr_type_e_consent, &consent))
        return BCEMR_OK;
    bcemr_random(seed, sizeof seed);
    bcemr_ed_from_seed(seed, &revoker, &consent.revoker);
    const bcemr_tr_consent_post post = {consent.ledger, consent.cloud, consent.cm, consent.latest};
    bcemr_status status = bcemr_ed_sign_value(&revoker, &bcemr_type_consent_post, &post,
                                              &consent.signature, &w->error);
    if (status != BCEMR_OK)
        return status;
    bcemr_buf copy = *message; /* consent points into it */
    *message = BCEMR_BUF_EMPTY;
    status = attacks_replace_entry(w, message, &bcemr_type_e_consent, &consent,
                                   &w->nodes[WORLD_CLOUD_1]);
    bcemr_buf_free(&copy);
    return status;
}

bcemr_status attack_consent_revoker(world *w, bool *succeeded)
{
    w->hand = own_revoker;
    bcemr_status status = story_share(w);
    *succeeded = status == BCEMR_OK && w->opened_count > 0;
    return status;
}

bcemr_status attack_consent_revoked(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf revoke = BCEMR_BUF_EMPTY;
    DO(story_grant(w));
    DO(bcemr_patient_revoke(&w->wallet, &w->grant, &revoke, &w->error));
    DO(world_post_entry(w, bcemr_buf_span(&revoke), NULL));
    DO(world_checkpoint(w));
    DO(story_consent(w, WORLD_CLOUD_1));
    *succeeded = consented(w, WORLD_CLOUD_1, bcemr_buf_span(&w->grant.terms));
out:
    bcemr_buf_free(&revoke);
    return status;
}

/* ---- access ---- */

/* A first access, as it should be. */
static bcemr_status first_access(world *w, bcemr_buf *ask)
{
    bcemr_status status = BCEMR_OK;
    DO(story_grant(w));
    DO(story_consent(w, WORLD_CLOUD_1));
    DO(story_request(w, WORLD_CLOUD_1, ask));
    DO(story_access(w, WORLD_CLOUD_1, ask));
    DO(story_answer(w, WORLD_CLOUD_1));
out:
    return status;
}

bcemr_status attack_replay(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf ask = BCEMR_BUF_EMPTY;
    DO(first_access(w, &ask));
    uint64_t size = ledger_chain_size(w->chain);
    DO(story_access(w, WORLD_CLOUD_1, &ask));
    *succeeded = ledger_chain_size(w->chain) > size;
out:
    bcemr_buf_free(&ask);
    return status;
}

/* Keeps the first answer and gives it again for the second request. */
static bcemr_status old_answer(world *w, world_point point, bcemr_buf *message)
{
    if (point != POINT_ACCESS_ANSWER)
        return BCEMR_OK;
    if (w->kept.n == 0)
        return bcemr_buf_set(&w->kept, bcemr_buf_span(message));
    return bcemr_buf_set(message, bcemr_buf_span(&w->kept));
}

bcemr_status attack_access_old(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf ask = BCEMR_BUF_EMPTY;
    w->hand = old_answer;
    DO(first_access(w, &ask));
    bcemr_buf_clear(&ask);
    /* On another device the doctor does not remember how many accesses there were. */
    bcemr_held_grant_free(w->held);
    w->held = NULL;
    DO(story_request(w, WORLD_CLOUD_1, &ask));
    DO(story_access(w, WORLD_CLOUD_1, &ask));
    DO(story_answer(w, WORLD_CLOUD_1));
    *succeeded = true;
out:
    bcemr_buf_free(&ask);
    return status;
}

/* The same access under number 1: number 0 stays empty, where the patient's scan would end. */
static bcemr_status skip_number(world *w, bcemr_buf *message)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf body = BCEMR_BUF_EMPTY, other = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY;
    bcemr_tr_e_access access, moved;
    bcemr_tr_access_body opened;
    bcemr_key ka;
    bcemr_span at = world_id(w->nodes[WORLD_CLOUD_1].id);
    if (!attacks_entry_is(message, &bcemr_type_e_access, &access))
        return BCEMR_OK;
    DO(bcemr_audit_key(&w->grant.secrets.gs, at, &ka));
    DO(bcemr_access_open(&ka, 0, &access, &body, &w->error));
    DO(bcemr_read_access_body(bcemr_buf_span(&body), &opened, &w->error));
    opened.j = 1;
    DO(bcemr_write_access_body(&opened, &other, &w->error));
    DO(bcemr_access_make(&ka, &w->ledger, at, bcemr_buf_span(&other), &entry, &w->error));
    DO(bcemr_read_e_access(bcemr_buf_span(&entry), &moved, &w->error));
    DO(attacks_replace_entry(w, message, &bcemr_type_e_access, &moved, &w->nodes[WORLD_CLOUD_1]));
    w->kept_count = ledger_chain_size(w->chain); /* where it will stand */
out:
    bcemr_buf_free(&body);
    bcemr_buf_free(&other);
    bcemr_buf_free(&entry);
    return status;
}

/* The answer that such a cloud gives: the moved entry, and the same one again as what came before.
 */
static bcemr_status forge_answer(world *w, bcemr_buf *out)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf consent = BCEMR_BUF_EMPTY, access = BCEMR_BUF_EMPTY, cosigned = BCEMR_BUF_EMPTY;
    bcemr_tr_grant_post post;
    bcemr_tr_header header;
    bcemr_scalar_raw raw = {{0}};
    bcemr_secret_scalar rk;
    bcemr_tr_reencrypted record = {.vid = w->vid, .header = bcemr_buf_span(&w->header)};
    bcemr_hash cm;
    uint64_t leaf = 0;
    const bcemr_tr_consent opening = {bcemr_buf_span(&w->grant.terms), w->grant.secrets.salt};
    DO(bcemr_read_grant_post(bcemr_buf_span(&w->grant.posts[0]), &post, &w->error));
    (void)bcemr_list_at(&bcemr_type_scalar_item, &post.keys, 0, &raw);
    DO(bcemr_secret_scalar_decode(&raw, &rk));
    DO(bcemr_read_header(record.header, &header, &w->error));
    DO(bcemr_reencrypt(&rk, &header.b, &record.b, &w->error));
    DO(bcemr_hash_value(&bcemr_type_consent, &opening, &cm, &w->error));
    DO(w->view.consent(w->view.user, world_id(w->nodes[WORLD_CLOUD_1].id), &cm, &leaf));
    DO(w->view.inclusion(w->view.user, leaf, &consent));
    DO(w->view.inclusion(w->view.user, w->kept_count, &access));
    DO(w->view.checkpoint(w->view.user, &cosigned));
    const bcemr_span one = bcemr_buf_span(&access);
    const bcemr_tr_access_answer answer = {.records = BCEMR_LIST_OF(&record, 1),
                                           .consent_salt = w->grant.secrets.salt,
                                           .consent = bcemr_buf_span(&consent),
                                           .access = one,
                                           .earlier = BCEMR_LIST_OF(&one, 1),
                                           .checkpoint = bcemr_buf_span(&cosigned)};
    DO(bcemr_write_access_answer(&answer, out, &w->error));
out:
    bcemr_buf_free(&consent);
    bcemr_buf_free(&access);
    bcemr_buf_free(&cosigned);
    return status;
}

static bcemr_status hide_access(world *w, world_point point, bcemr_buf *message)
{
    return point == POINT_ENTRY ? skip_number(w, message) : BCEMR_OK;
}

bcemr_status attack_access_hidden(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf ask = BCEMR_BUF_EMPTY, answer = BCEMR_BUF_EMPTY;
    DO(story_grant(w));
    DO(story_consent(w, WORLD_CLOUD_1));
    DO(story_request(w, WORLD_CLOUD_1, &ask));
    w->hand = hide_access;
    DO(story_access(w, WORLD_CLOUD_1, &ask));
    DO(forge_answer(w, &answer));
    w->by = w->elsewhere.id;
    DO(bcemr_doctor_take_answer(&w->elsewhere.self, w->held, bcemr_buf_span(&answer), &w->error));
    *succeeded = true;
out:
    bcemr_buf_free(&ask);
    bcemr_buf_free(&answer);
    return status;
}
