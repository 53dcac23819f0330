/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr open`: the patient's way into a record, or a doctor's by a grant (sections 5 and 7). */
#include "bcemr/case.h"
#include "bcemr/hand/terms.h"

#include <bcemr/grant.h>
#include <bcemr/group_key.h>
#include <bcemr/hash.h>
#include <bcemr/opening.h>
#include <string.h>

/* A record being opened. Documents are hidden files until all has held. */
typedef struct reading {
    hand_visit visit;
    keyfile *keys;
    bcemr_buf header_bytes;
    bcemr_tr_header header;
    files_source *payload;
    bcemr_capsule_key k;
    bcemr_opened opened;
    hand *h;
    hand_folder folder;
    /* the doctor's way */
    bcemr_secret_scalar y;
    bcemr_g1_raw y_public, b;
} reading;

static void reading_free(reading *r)
{
    if (!r)
        return;
    hand_folder_free(&r->folder);
    bcemr_opened_free(&r->opened);
    hand_visit_free(&r->visit);
    bcemr_buf_free(&r->header_bytes);
    if (r->payload)
        files_source_close(r->payload);
    if (r->keys)
        keyfile_free(r->keys);
    bcemr_release_wiped(r, sizeof *r);
}

/* ---- to K ---- */

static bcemr_status patients_way(hand *h, reading *r)
{
    bcemr_status status = BCEMR_OK;
    bcemr_visit_keys keys = {0};
    HAND(hand_visit_keys(h, r->keys, &r->visit, &keys));
    hand_doing(h, "open the record");
    HAND(bcemr_capsule_open(h->context, &keys.xv, &r->header.b, &r->k, &h->error));
out:
    bcemr_visit_keys_wipe(&keys);
    return status;
}

/* gs from the box, and that it is the one of the terms. */
static bcemr_status unwrap(hand *h, reading *r, const bcemr_secrets *secrets,
                           const bcemr_tr_grant_offer *offer, const bcemr_tr_grant *terms)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf plain = BCEMR_BUF_EMPTY;
    bcemr_hash hash;
    bcemr_tr_wrapped wrapped = {0};
    bcemr_grant_secrets grant = {0};
    bcemr_key gs = {{0}};
    bcemr_sha256(offer->wrapped, &hash);
    HAND_REQUIRE(bcemr_hash_equal(&hash, &terms->wrapped), BCEMR_BAD_WRAPPED, "grant", "wrapped");
    HAND(
        bcemr_sealed_box_open(&secrets->box, offer->wrapped, BCEMR_BAD_WRAPPED, &plain, &h->error));
    HAND(bcemr_read_wrapped(bcemr_buf_span(&plain), &wrapped, &h->error));
    memcpy(gs.b, wrapped.gs.b, sizeof gs.b);
    HAND_AT(bcemr_grant_from_gs(&gs, &grant), "grant", "gs");
    HAND_REQUIRE(bcemr_hash_equal(&grant.gid, &terms->gid), BCEMR_BAD_WRAPPED, "grant", "gid");
    HAND_AT(bcemr_grant_y(&gs, &terms->gid, &r->visit.log->vid, &r->y), "grant", "y");
out:
    bcemr_wipe(&wrapped, sizeof wrapped);
    bcemr_wipe(&grant, sizeof grant);
    bcemr_wipe(&gs, sizeof gs);
    bcemr_buf_free(&plain);
    return status;
}

static bcemr_status take_offer(hand *h, reading *r, bcemr_tr_grant *terms, bcemr_buf *bytes)
{
    bcemr_status status = BCEMR_OK;
    bcemr_secrets secrets = {0};
    hand_holder self = {0};
    bcemr_tr_grant_offer offer;
    bcemr_tr_grant_visit row;
    HAND(files_read(h->o->offer, 2u << 20, bytes, &h->file));
    hand_doing(h, "take the grant \"%.200s\"", hand_name(bcemr_text(h->o->offer)));
    HAND(bcemr_read_grant_offer(bcemr_buf_span(bytes), &offer, &h->error));
    HAND(hand_terms_check(h, offer.terms, &offer.signatures, &r->visit, terms, &row));
    HAND_AT(keyfile_secrets(r->keys, &secrets), "key file", NULL);
    HAND(hand_holder_of(h, r->keys, &self));
    HAND_REQUIRE(bcemr_span_equal(terms->doctor, self.part.id) &&
                     bcemr_hash_equal(&terms->enrolment, &self.hash),
                 BCEMR_BAD_TERMS, "grant", "doctor");
    memcpy(r->y_public.b, row.y.p, sizeof r->y_public.b);
    HAND(unwrap(h, r, &secrets, &offer, terms));
out:
    bcemr_secrets_wipe(&secrets);
    hand_holder_free(&self);
    return status;
}

static bcemr_status doctors_way(hand *h, reading *r)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf offer = BCEMR_BUF_EMPTY, bytes = BCEMR_BUF_EMPTY;
    bcemr_tr_grant terms;
    bcemr_tr_hand_capsule capsule;
    HAND(take_offer(h, r, &terms, &offer));
    HAND(files_read(h->o->capsule, 4096, &bytes, &h->file));
    hand_doing(h, "take the re-encrypted capsule \"%.200s\"", hand_name(bcemr_text(h->o->capsule)));
    HAND(bcemr_read_hand_capsule(bcemr_buf_span(&bytes), &capsule, &h->error));
    HAND_REQUIRE(bcemr_hash_equal(&capsule.vid, &r->visit.log->vid) &&
                     bcemr_hash_equal(&capsule.gid, &terms.gid),
                 BCEMR_BAD_REENCRYPTION, "hand-capsule", "gid");
    r->b = capsule.b;
    hand_doing(h, "open the record");
    HAND(bcemr_capsule_open(h->context, &r->y, &r->b, &r->k, &h->error));
out:
    bcemr_buf_free(&offer);
    bcemr_buf_free(&bytes);
    return status;
}

/* When kc fails: whose fault it is (section 7). With one's own key it is the capsule's. */
static bcemr_verdict whose_fault(hand *h, const reading *r)
{
    bcemr_verdict verdict = BCEMR_VALID;
    if (r->keys->role == BCEMR_key_role_DOCTOR) {
        verdict = bcemr_grant_y_check(&r->y, &r->y_public, &h->error);
        if (verdict == BCEMR_VALID)
            verdict =
                bcemr_capsule_check(h->context, &r->visit.log->vid, &r->header.svk, &r->b,
                                    &r->y_public, &r->header.c, BCEMR_BAD_REENCRYPTION, &h->error);
    }
    return verdict == BCEMR_VALID ? BCEMR_BAD_CAPSULE : verdict;
}

/* ---- the documents ---- */

/* Which doctor's a document is, counting all of them. */
static uint64_t place_of(const reading *r, uint64_t index)
{
    bcemr_tr_content_item item;
    bcemr_tr_manifest manifest;
    uint64_t place = 0;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_content_item, &r->opened.content.diagnoses);
    while (bcemr_list_next(&iter, &item)) {
        place++;
        if (bcemr_read_manifest(item.manifest, &manifest, NULL) != BCEMR_OK)
            return 0;
        if (index < manifest.documents.count)
            return place;
        index -= manifest.documents.count;
    }
    return 0;
}

static bcemr_status open_document(void *user, uint64_t index, const bcemr_tr_document *document,
                                  bcemr_sink *sink)
{
    reading *r = user;
    return hand_folder_document(r->h, &r->folder, place_of(r, index), document->name, sink);
}

static bcemr_status open_record(hand *h, reading *r)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_source payload = files_source_view(r->payload);
    const bcemr_opening opening = {.context = h->context,
                                   .log = r->visit.log,
                                   .header = &r->header,
                                   .k = &r->k,
                                   .payload = &payload,
                                   .run = hand_run_begin(h, "opening the record"),
                                   .output = {r, open_document}};
    HAND(hand_folder_begin(h, h->o->out, &r->folder));
    status = bcemr_record_open(&opening, &r->opened, &h->error);
    hand_run_end(h);
    if (status == BCEMR_E_REFUSED && h->error.verdict == BCEMR_BAD_KEY_COMMITMENT)
        status = wire_refuse(&h->error, whose_fault(h, r), "record", "kc", BCEMR_NOWHERE);
    if (status != BCEMR_OK && h->file.status == BCEMR_OK)
        hand_source_failed(h, r->payload);
    /* Only now, after every check, do the files get their names. */
    status = hand_folder_end(h, &r->folder, status);
out:
    return status;
}

/* The content in clear, as a case file can be made of it. */
static bcemr_status keep_content(hand *h, const reading *r)
{
    bcemr_status status = BCEMR_OK;
    const char **paths = bcemr_allocate((r->folder.count + 1) * sizeof *paths);
    if (!paths)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "content", NULL);
    for (uint64_t i = 0; i < r->folder.count; i++)
        paths[i] = files_sink_path(r->folder.sinks[i]);
    hand_doing(h, "write the content");
    HAND(case_content_write(h->o->content, h->o->replace ? FILES_REPLACE : FILES_NEW,
                            bcemr_buf_span(&r->opened.head), paths, r->folder.count, &h->error,
                            &h->file));
out:
    bcemr_release(paths);
    return status;
}

static bcemr_status tell(hand *h, const reading *r)
{
    static const char *const unchecked[] = {
        "that the ledger holds these entries (inclusion)", "admission and enrolment",
        "that hospital and clouds confirmed the record", "revocation", NULL};
    bcemr_status status = BCEMR_OK;
    json_t *list = report_json_list(&h->json, NULL, "documents");
    report_line(&h->r,
                "opened %u documents of %u doctors in %s; signatures, order, presence and "
                "every hash hold",
                (unsigned)r->folder.count, (unsigned)r->opened.content.diagnoses.count,
                hand_name(bcemr_text(h->o->out)));
    report_line(&h->r, "  patient: %s", hand_name(r->opened.content.identity));
    report_json_text(&h->json, NULL, "identity", hand_name(r->opened.content.identity));
    for (uint64_t i = 0; i < r->folder.count; i++) {
        bcemr_hash sha256;
        uint64_t bytes = 0;
        const char *path = files_sink_path(r->folder.sinks[i]);
        HAND(files_sha256(path, &sha256, &bytes, &h->file));
        report_line(&h->r, "  %s", hand_name(bcemr_text(path)));
        (void)report_json_file(&h->json, list, path, bytes, &sha256);
    }
    hand_unchecked(h, unchecked);
out:
    return status;
}

static bcemr_status work(hand *h)
{
    bcemr_status status = BCEMR_OK;
    const bool by_grant = h->o->offer && h->o->capsule;
    reading *r = bcemr_allocate(sizeof *r);
    if (!r)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "record", NULL);
    r->h = h;
    if (!h->o->offer != !h->o->capsule) {
        status = hand_misuse(h, "--offer and --capsule go together");
        goto out;
    }
    HAND(hand_visit_open(h, h->o->file, h->o->hospital, &r->visit));
    HAND(hand_header_read(h, &r->visit, &r->header_bytes, &r->header));
    HAND(files_source_open(h->o->payload, &r->payload, &h->file));
    HAND(hand_keys_open(h, h->o->keys, by_grant ? BCEMR_key_role_DOCTOR : BCEMR_key_role_PATIENT,
                        h->o->passphrase, "passphrase-file", &r->keys));
    HAND(by_grant ? doctors_way(h, r) : patients_way(h, r));
    HAND(open_record(h, r));
    if (h->o->content)
        HAND(keep_content(h, r));
    HAND(tell(h, r));
out:
    reading_free(r);
    return status;
}

int hand_open(const void *options)
{
    return hand_run(options, work);
}
