/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr reencrypt`: the proxy's part of a cloud: checks a grant, then B' = rk B (section 7). */
#include "bcemr/hand/terms.h"

#include <bcemr/grant.h>
#include <bcemr/hash.h>
#include <string.h>

typedef struct proxy {
    hand_visit visit;
    bcemr_buf header_bytes, post_bytes, capsule;
    bcemr_tr_header header;
    bcemr_tr_grant_post post;
    bcemr_tr_grant terms;
    bcemr_tr_grant_visit row;
    bcemr_secret_scalar rk;
} proxy;

static void proxy_free(proxy *p)
{
    if (!p)
        return;
    hand_visit_free(&p->visit);
    bcemr_buf_free(&p->header_bytes);
    bcemr_buf_free(&p->post_bytes);
    bcemr_buf_free(&p->capsule);
    bcemr_release_wiped(p, sizeof *p);
}

/* What R signed lets the one cloud of the terms post this consent. */
static bcemr_status check_consent(hand *h, const proxy *p)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_consent consent = {p->post.terms, p->post.salt};
    bcemr_tr_consent_post message = {.ledger = p->terms.ledger, .latest = p->post.latest};
    HAND_REQUIRE(p->terms.clouds.count == 1 &&
                     bcemr_list_at(&bcemr_type_id_item, &p->terms.clouds, 0, &message.cloud),
                 BCEMR_BAD_TERMS, "grant", "clouds");
    HAND(bcemr_hash_value(&bcemr_type_consent, &consent, &message.cm, &h->error));
    HAND_REQUIRE(bcemr_ed_holds_value(&p->terms.revoker, &bcemr_type_consent_post, &message,
                                      &p->post.consent_post),
                 BCEMR_BAD_CONSENT_POST, "grant", "consent_post");
out:
    return status;
}

static bcemr_status check_key(hand *h, proxy *p)
{
    bcemr_status status = BCEMR_OK;
    bcemr_scalar_raw raw = {{0}};
    bcemr_hash wrapped;
    bcemr_g1_raw y;
    uint64_t bad = 0;
    memcpy(y.b, p->row.y.p, sizeof y.b);
    bcemr_sha256(p->post.wrapped, &wrapped);
    HAND_REQUIRE(bcemr_hash_equal(&wrapped, &p->terms.wrapped), BCEMR_BAD_WRAPPED, "grant",
                 "wrapped");
    HAND_REQUIRE(p->post.keys.count == 1 &&
                     bcemr_list_at(&bcemr_type_scalar_item, &p->post.keys, 0, &raw),
                 BCEMR_BAD_GRANT_KEY, "grant", "keys");
    HAND_AT(bcemr_secret_scalar_decode(&raw, &p->rk), "grant", "keys");
    HAND_VALID(bcemr_grant_keys_check(&p->visit.log->visit.pkv, &y, &p->rk, 1, &bad, &h->error),
               "grant", "keys");
out:
    bcemr_wipe(&raw, sizeof raw);
    return status;
}

static bcemr_status write_file(hand *h, proxy *p)
{
    bcemr_status status = BCEMR_OK;
    hand_outputs outputs = {0};
    bcemr_tr_hand_capsule capsule = {.vid = p->visit.log->vid, .gid = p->terms.gid};
    HAND(bcemr_reencrypt(&p->rk, &p->header.b, &capsule.b, &h->error));
    HAND(bcemr_write_hand_capsule(&capsule, &p->capsule, &h->error));
    HAND(hand_output_bytes(h, &outputs, h->o->out, "", bcemr_buf_span(&p->capsule)));
    HAND(hand_output_commit(h, &outputs));
out:
    hand_output_free(&outputs);
    return status;
}

static bcemr_status work(hand *h)
{
    static const char *const unchecked[] = {"consent and access on the ledger",
                                            "that neither Revoke, Retire nor Erase stands before",
                                            "that the doctor asked, and signed for it", NULL};
    bcemr_status status = BCEMR_OK;
    proxy *p = bcemr_allocate(sizeof *p);
    if (!p)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "grant", NULL);
    HAND(hand_visit_open(h, h->o->file, h->o->hospital, &p->visit));
    HAND(hand_header_read(h, &p->visit, &p->header_bytes, &p->header));
    HAND(hand_private_file(h, h->o->post, 2u << 20, &p->post_bytes));
    hand_doing(h, "take the grant \"%.200s\"", hand_name(bcemr_text(h->o->post)));
    HAND(bcemr_read_grant_post(bcemr_buf_span(&p->post_bytes), &p->post, &h->error));
    HAND(hand_terms_check(h, p->post.terms, &p->post.signatures, &p->visit, &p->terms, &p->row));
    HAND(check_consent(h, p));
    HAND(check_key(h, p));
    HAND(write_file(h, p));
    report_line(&h->r, "re-encrypted the capsule for %s in %s; nothing was decrypted",
                hand_name(p->terms.doctor), hand_name(bcemr_text(h->o->out)));
    report_json_text(&h->json, NULL, "capsule", h->o->out);
    report_json_hash(&h->json, NULL, "gid", &p->terms.gid);
    hand_unchecked(h, unchecked);
out:
    proxy_free(p);
    return status;
}

int hand_reencrypt(const void *options)
{
    return hand_run(options, work);
}
