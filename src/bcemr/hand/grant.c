/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr grant`: the patient lets one doctor read this visit, through one cloud (section 7). */
#include "bcemr/hand/terms.h"

#include <bcemr/grant.h>
#include <bcemr/group_key.h>
#include <bcemr/hash.h>
#include <string.h>

#define DAY_MS (24LL * 3600 * 1000)
#define CONSENT_LATEST_MS 3600000

/* A grant in the making. */
typedef struct granting {
    hand_visit visit;
    keyfile *patient;
    bcemr_visit_keys keys;
    hand_holder doctor, cloud;
    bcemr_seed seed; /* of this grant */
    bcemr_ed_secret revoker;
    bcemr_ed_raw revoker_public;
    bcemr_grant_secrets secrets;
    bcemr_key ka;
    bcemr_secret_scalar rk;
    bcemr_g1_raw y;
    int64_t expiry;
    bcemr_buf wrapped, terms, offer, post;
    bcemr_ed_signature signature;
} granting;

static void granting_free(granting *g)
{
    if (!g)
        return;
    hand_visit_free(&g->visit);
    hand_holder_free(&g->doctor);
    hand_holder_free(&g->cloud);
    bcemr_buf_free(&g->wrapped);
    bcemr_buf_free(&g->terms);
    bcemr_buf_free(&g->offer);
    bcemr_buf_free(&g->post);
    if (g->patient)
        keyfile_free(g->patient);
    bcemr_release_wiped(g, sizeof *g);
}

static bcemr_status check_cloud(hand *h, const granting *g)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span id;
    bool named = false;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &g->visit.log->visit.clouds);
    while (bcemr_list_next(&iter, &id))
        named = named || bcemr_span_equal(id, g->cloud.part.id);
    HAND_REQUIRE(named, BCEMR_NOT_A_CLOUD_OF_VISIT, "grant", "clouds");
out:
    return status;
}

static bcemr_status derive(hand *h, granting *g)
{
    bcemr_status status = BCEMR_OK;
    bcemr_seed seed;
    const bcemr_visit_log *log = g->visit.log;
    memcpy(seed.b, g->patient->secret, sizeof seed.b);
    HAND(bcemr_grant_seed(&seed, &log->ledger, h->o->number, &g->seed, &g->revoker,
                          &g->revoker_public, &h->error));
    HAND(bcemr_grant_derive(&g->seed, &g->doctor.hash, h->now, &log->vid, 1, &g->secrets,
                            &h->error));
    HAND(bcemr_grant_keys(&g->secrets.gs, &g->secrets.gid, &g->keys.xv, &log->vid, 1, &g->y, &g->rk,
                          &h->error));
    HAND_AT(bcemr_audit_key(&g->secrets.gs, g->cloud.part.id, &g->ka), "grant", "audit");
out:
    bcemr_wipe(&seed, sizeof seed);
    return status;
}

static bcemr_status wrap(hand *h, granting *g)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf plain = BCEMR_BUF_EMPTY;
    bcemr_tr_audit_key row = {.cloud = g->cloud.part.id};
    bcemr_tr_wrapped wrapped = {.audit_keys = BCEMR_LIST_OF(&row, 1)};
    const bcemr_x25519_raw to = hand_holder_box(&g->doctor);
    memcpy(row.ka.b, g->ka.b, sizeof row.ka.b);
    memcpy(wrapped.gs.b, g->secrets.gs.b, sizeof wrapped.gs.b);
    HAND(bcemr_write_wrapped(&wrapped, &plain, &h->error));
    HAND(bcemr_sealed_box(&to, bcemr_buf_span(&plain), &g->wrapped, &h->error));
out:
    bcemr_wipe(&row, sizeof row);
    bcemr_wipe(&wrapped, sizeof wrapped);
    bcemr_buf_free(&plain);
    return status;
}

static bcemr_status make_terms(hand *h, granting *g)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_visit_log *log = g->visit.log;
    const bcemr_tr_grant_visit row = {.vid = log->vid, .y = bcemr_span_of(g->y.b, sizeof g->y.b)};
    bcemr_tr_terms message = {.ledger = log->ledger};
    bcemr_tr_grant terms = {.ledger = log->ledger,
                            .clouds = BCEMR_LIST_OF(&g->cloud.part.id, 1),
                            .t = 1,
                            .gid = g->secrets.gid,
                            .doctor = g->doctor.part.id,
                            .enrolment = g->doctor.hash,
                            .scope = BCEMR_scope_READ,
                            .issued = h->now,
                            .expiry = g->expiry,
                            .purpose = bcemr_text(h->o->purpose ? h->o->purpose : ""),
                            .visits = BCEMR_LIST_OF(&row, 1),
                            .revoker = g->revoker_public};
    bcemr_sha256(bcemr_buf_span(&g->wrapped), &terms.wrapped);
    HAND(bcemr_write_grant(&terms, &g->terms, &h->error));
    bcemr_sha256(bcemr_buf_span(&g->terms), &message.terms);
    HAND(bcemr_ed_sign_value(&g->keys.av, &bcemr_type_terms, &message, &g->signature, &h->error));
out:
    return status;
}

/* To the doctor: terms and wrapped. To the cloud, besides: rk, its audit key, the consent's post.
 */
static bcemr_status make_messages(hand *h, granting *g)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_list signatures = BCEMR_LIST_OF(&g->signature, 1);
    const bcemr_tr_consent consent = {bcemr_buf_span(&g->terms), g->secrets.salt};
    bcemr_tr_consent_post consent_post = {.ledger = g->visit.log->ledger,
                                          .cloud = g->cloud.part.id,
                                          .latest = h->now + CONSENT_LATEST_MS};
    const bcemr_tr_grant_offer offer = {bcemr_buf_span(&g->terms), signatures,
                                        bcemr_buf_span(&g->wrapped)};
    bcemr_tr_grant_post post = {.terms = bcemr_buf_span(&g->terms),
                                .signatures = signatures,
                                .salt = g->secrets.salt,
                                .wrapped = bcemr_buf_span(&g->wrapped),
                                .keys = BCEMR_LIST_OF(&g->rk, 1),
                                .latest = consent_post.latest};
    memcpy(post.ka.b, g->ka.b, sizeof post.ka.b);
    HAND(bcemr_hash_value(&bcemr_type_consent, &consent, &consent_post.cm, &h->error));
    HAND(bcemr_ed_sign_value(&g->revoker, &bcemr_type_consent_post, &consent_post,
                             &post.consent_post, &h->error));
    HAND(bcemr_write_grant_offer(&offer, &g->offer, &h->error));
    HAND(bcemr_write_grant_post(&post, &g->post, &h->error));
out:
    bcemr_wipe(&post, sizeof post);
    return status;
}

static bcemr_status write_files(hand *h, const granting *g)
{
    bcemr_status status = BCEMR_OK;
    hand_outputs outputs = {0};
    HAND(hand_output_bytes(h, &outputs, h->o->out, ".offer", bcemr_buf_span(&g->offer)));
    HAND(hand_output_bytes(h, &outputs, h->o->out, ".post", bcemr_buf_span(&g->post)));
    HAND(hand_output_commit(h, &outputs));
out:
    hand_output_free(&outputs);
    return status;
}

static void tell(hand *h, const granting *g)
{
    static const char *const unchecked[] = {"that the doctor is enrolled and not retired",
                                            "that the cloud confirmed the record", NULL};
    char when[REPORT_NUMBER], path[1100];
    report_line(&h->r, "%s may read this visit through %s until %s", hand_name(g->doctor.part.id),
                hand_name(g->cloud.part.id), hand_time(g->expiry, when));
    report_json_hash(&h->json, NULL, "gid", &g->secrets.gid);
    report_json_number(&h->json, NULL, "expiry", (uint64_t)g->expiry);
    (void)snprintf(path, sizeof path, "%.1000s.offer", h->o->out);
    report_line(&h->r, "  %s is for the doctor: terms, and a box that they alone open",
                hand_name(bcemr_text(path)));
    report_json_text(&h->json, NULL, "offer", path);
    (void)snprintf(path, sizeof path, "%.1000s.post", h->o->out);
    report_line(&h->r, "  %s is for the cloud alone: the re-encryption key is in it",
                hand_name(bcemr_text(path)));
    report_json_text(&h->json, NULL, "post", path);
    hand_unchecked(h, unchecked);
}

static bcemr_status work(hand *h)
{
    bcemr_status status = BCEMR_OK;
    granting *g = bcemr_allocate(sizeof *g);
    if (!g)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "grant", NULL);
    g->expiry = h->now + (int64_t)h->o->days * DAY_MS;
    HAND(hand_visit_open(h, h->o->file, h->o->hospital, &g->visit));
    HAND(hand_holder_read(h, h->o->doctor, BCEMR_key_role_DOCTOR, &g->doctor));
    HAND(hand_holder_read(h, h->o->cloud, BCEMR_key_role_CLOUD, &g->cloud));
    hand_doing(h, "grant this visit");
    HAND_REQUIRE(bcemr_visit_log_complete(g->visit.log), BCEMR_NOT_ALL_SIGNED, "visit",
                 "diagnoses");
    HAND(check_cloud(h, g));
    HAND(hand_keys_open(h, h->o->keys, BCEMR_key_role_PATIENT, h->o->passphrase, "passphrase-file",
                        &g->patient));
    HAND(hand_visit_keys(h, g->patient, &g->visit, &g->keys));
    hand_doing(h, "grant this visit");
    HAND(derive(h, g));
    HAND(wrap(h, g));
    HAND(make_terms(h, g));
    HAND(make_messages(h, g));
    HAND(write_files(h, g));
    tell(h, g);
out:
    granting_free(g);
    return status;
}

int hand_grant(const void *options)
{
    return hand_run(options, work);
}
