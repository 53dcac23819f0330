/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on the record, its seal and its confirmations (phase 4), and on what a cloud serves. */
#include "bcemr/demo/attacks.h"

#include "client/doctor_visit.h" /* a dishonest doctor knows their own program */

#include <bcemr/hash.h>
#include <string.h>

static world_doctor *last_doctor(world *w)
{
    return &w->team[w->team_count - 1];
}

static bcemr_status play_storage(world *w, bool *succeeded)
{
    bcemr_status status = story_store(w);
    *succeeded = status == BCEMR_OK && attacks_sealed(w);
    return status;
}

/* ---- the last doctor ---- */

/* Signs a changed header with the one-time key, as only the last doctor can. */
static bcemr_status sign_header(world *w, bcemr_tr_header *header)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    bcemr_doctor_visit *v = last_doctor(w)->visit;
    DO(bcemr_header_sign(&v->ssk, &w->vid, bcemr_visit_log_last_context(v->ledger.log), header,
                         &w->error));
    DO(bcemr_write_header(header, &out, &w->error));
    DO(bcemr_buf_set(&v->header, bcemr_buf_span(&out)));
    DO(bcemr_buf_set(&w->header, bcemr_buf_span(&out)));
out:
    bcemr_buf_free(&out);
    return status;
}

static bcemr_status upload_and_seal(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf confirmations[WORLD_CLOUDS] = {{0}};
    for (uint64_t c = 0; c < WORLD_CLOUDS; c++)
        DO(story_upload(w, WORLD_CLOUD_1 + c, &confirmations[c]));
    DO(story_hospital_check(w));
    for (uint64_t c = 0; c < WORLD_CLOUDS; c++)
        DO(story_confirm(w, &confirmations[c]));
    DO(story_block(w));
    *succeeded = attacks_sealed(w);
out:
    for (uint64_t c = 0; c < WORLD_CLOUDS; c++)
        bcemr_buf_free(&confirmations[c]);
    return status;
}

bcemr_status attack_two_keys(world *w, bool *succeeded)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_header header;
    DO(story_seal(w));
    DO(bcemr_buf_set(&held, bcemr_buf_span(&w->header)));
    DO(bcemr_read_header(bcemr_buf_span(&held), &header, &w->error));
    bcemr_random(header.kc.b, sizeof header.kc.b);
    DO(sign_header(w, &header));
    status = upload_and_seal(w, succeeded);
out:
    bcemr_buf_free(&held);
    return status;
}

/* One document is swapped after it was signed. The doctor's own source gives other bytes. */
static bcemr_status other_bytes(void *user, uint64_t offset, uint8_t *out, uint64_t n)
{
    world *w = user;
    bcemr_status status = w->truth.read(w->truth.user, offset, out, n);
    if (status == BCEMR_OK && n > 0 && offset == 0)
        out[0] ^= 1;
    return status;
}

bcemr_status attack_seal_garbage(world *w, bool *succeeded)
{
    world_doctor *d = last_doctor(w);
    w->truth = d->sources[0];
    d->sources[0] = (bcemr_source){w, w->truth.length, other_bytes};
    bcemr_status status = play_storage(w, succeeded);
    d->sources[0] = w->truth;
    return status;
}

bcemr_status attack_seal_identity(world *w, bool *succeeded)
{
    static const char other[] = "Somebody Else, born 1970-01-01";
    last_doctor(w)->visit->intake.identity = bcemr_text(other);
    return play_storage(w, succeeded);
}

/* ---- on the way to the cloud ---- */

static bcemr_status other_capsule(world *w, world_point point, bcemr_buf *message)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    bcemr_tr_header header;
    bcemr_secret_scalar x;
    bcemr_g2 c;
    if (point != POINT_HEADER)
        return BCEMR_OK;
    DO(bcemr_read_header(bcemr_buf_span(message), &header, &w->error));
    if (w->kept.n == 0) {
        DO(bcemr_secret_scalar_random(&x));
        bcemr_g2_from_secret(&x, &c);
        bcemr_g2_encode(&c, &header.c);
        DO(bcemr_buf_set(&w->kept, bcemr_span_of(header.c.b, sizeof header.c.b)));
    }
    memcpy(header.c.b, w->kept.p, sizeof header.c.b);
    DO(bcemr_write_header(&header, &out, &w->error));
    DO(bcemr_buf_set(message, bcemr_buf_span(&out)));
out:
    bcemr_buf_free(&out);
    return status;
}

bcemr_status attack_capsule(world *w, bool *succeeded)
{
    w->hand = other_capsule;
    return play_storage(w, succeeded);
}

/* ---- confirmations ---- */

/* The second cloud's signature is made by the hospital with its own key. */
static bcemr_status invented_confirmation(world *w, world_point point, bcemr_buf *message)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf out = BCEMR_BUF_EMPTY;
    bcemr_tr_confirmation confirmation;
    if (point != POINT_CONFIRMATION)
        return BCEMR_OK;
    DO(bcemr_read_confirmation(bcemr_buf_span(message), &confirmation, &w->error));
    if (!bcemr_span_equal(confirmation.who, world_id(w->nodes[WORLD_CLOUD_2].id)))
        goto out;
    DO(bcemr_bls_sign(&w->nodes[WORLD_HOSPITAL_A].secrets.x, BCEMR_PURPOSE_SIG,
                      confirmation.record_case, &confirmation.signature));
    DO(bcemr_write_confirmation(&confirmation, &out, &w->error));
    DO(bcemr_buf_set(message, bcemr_buf_span(&out)));
out:
    bcemr_buf_free(&out);
    return status;
}

bcemr_status attack_confirmations(world *w, bool *succeeded)
{
    w->hand = invented_confirmation;
    return play_storage(w, succeeded);
}

/* ---- what a cloud serves ---- */

static bcemr_status lying_read(void *user, uint64_t offset, uint8_t *out, uint64_t n)
{
    world *w = user;
    bcemr_status status = w->truth.read(w->truth.user, offset, out, n);
    if (status == BCEMR_OK && w->lie_offset >= offset && w->lie_offset - offset < n)
        out[w->lie_offset - offset] ^= 1;
    return status;
}

/* A bit of the last document, before the last chunk's tag. */
static bcemr_source lying_payload(world *w, bcemr_source payload)
{
    w->truth = payload;
    w->lie_offset = payload.length - 40;
    return (bcemr_source){w, payload.length, lying_read};
}

static bcemr_status play_sharing(world *w, bool *succeeded)
{
    bcemr_status status = story_share(w);
    *succeeded = status == BCEMR_OK && w->opened_count > 0;
    return status;
}

bcemr_status attack_payload(world *w, bool *succeeded)
{
    w->lie = lying_payload;
    return play_sharing(w, succeeded);
}

/* The answer with a changed header in its one record. */
static bcemr_status other_tag(world *w, world_point point, bcemr_buf *message)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf out = BCEMR_BUF_EMPTY, head = BCEMR_BUF_EMPTY;
    bcemr_tr_access_answer answer;
    bcemr_tr_reencrypted record;
    bcemr_tr_header header;
    bcemr_bytes16 tags[64];
    uint64_t n = 0;
    if (point != POINT_ACCESS_ANSWER)
        return BCEMR_OK;
    DO(bcemr_read_access_answer(bcemr_buf_span(message), &answer, &w->error));
    if (!bcemr_list_at(&bcemr_type_reencrypted, &answer.records, 0, &record))
        DO(BCEMR_E_NOT_FOUND);
    DO(bcemr_read_header(record.header, &header, &w->error));
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_bytes16_item, &header.tags);
    while (n < 64 && bcemr_list_next(&iter, &tags[n]))
        n++;
    memset(&tags[n - 1], 0xff, sizeof tags[0]); /* still ascending */
    header.tags = BCEMR_LIST_OF(tags, n);
    DO(bcemr_write_header(&header, &head, &w->error));
    record.header = bcemr_buf_span(&head);
    answer.records = BCEMR_LIST_OF(&record, 1);
    DO(bcemr_write_access_answer(&answer, &out, &w->error));
    DO(bcemr_buf_set(message, bcemr_buf_span(&out)));
out:
    bcemr_buf_free(&out);
    bcemr_buf_free(&head);
    return status;
}

bcemr_status attack_tags(world *w, bool *succeeded)
{
    w->hand = other_tag;
    return play_sharing(w, succeeded);
}
