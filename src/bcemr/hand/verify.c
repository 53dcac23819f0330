/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr verify`: who signed what, in which order and when, and what exactly does not hold. */
#include "bcemr/hand/hand.h"

#include <bcemr/hash.h>
#include <bcemr/record.h>
#include <string.h>

typedef struct verifying {
    hand_holder hospital;
    hand_visit visit;
    json_t *checks;
    bool all;
} verifying;

/* One check, as a line and in the document of --json. index: the doctor's place, 0 for none. */
static void told(hand *h, verifying *v, const char *what, bcemr_verdict verdict)
{
    const bool holds = verdict == BCEMR_VALID;
    char text[256] = "";
    if (verdict == BCEMR_UNDECIDED && h->error.status != BCEMR_OK)
        (void)snprintf(text, sizeof text, "%s: %s", bcemr_status_name(h->error.status),
                       bcemr_status_text(h->error.status));
    else if (!holds)
        (void)snprintf(text, sizeof text, "%s: %s", bcemr_verdict_name(verdict),
                       bcemr_verdict_text(verdict));
    report_mark(&h->r, holds, "%s%s%s", what, holds ? "" : ": ", text);
    json_t *item = report_json_item(&h->json, v->checks);
    report_json_text(&h->json, item, "what", what);
    report_json_bool(&h->json, item, "holds", holds);
    if (!holds)
        report_json_text(&h->json, item, "verdict",
                         verdict == BCEMR_UNDECIDED ? bcemr_status_name(h->error.status)
                                                    : bcemr_verdict_name(verdict));
    v->all = v->all && holds;
    h->error = (bcemr_error){.status = BCEMR_OK};
}

/* ---- ticket and acceptance ---- */

static void check_ticket(hand *h, verifying *v)
{
    char when[REPORT_NUMBER], text[512];
    const bcemr_visit_log *log = v->visit.log;
    const bcemr_ed_raw a = hand_holder_a(&v->hospital);
    const bool named = bcemr_span_equal(v->hospital.part.id, log->visit.hospital);
    (void)snprintf(text, sizeof text, "%.200s signed the ticket for %u doctors at %s",
                   hand_name(log->visit.hospital), (unsigned)log->visit.team.count,
                   hand_time(log->visit.issued, when));
    told(h, v, text,
         named && bcemr_ed_holds(&a, log->ticket, &log->signatures[0])
             ? BCEMR_VALID
             : BCEMR_BAD_TICKET_SIGNATURE);
    told(h, v, "the patient accepted it, and holds the visit's key",
         bcemr_acceptance_check(&log->visit, &log->vid, &log->acceptance, &h->error));
    for (uint64_t i = 0; i < log->order.amendments; i++) {
        (void)snprintf(text, sizeof text, "the hospital changed the order (amendment %u)",
                       (unsigned)i + 1);
        told(h, v, text,
             bcemr_ed_holds(&a, log->amendments[i], &log->signatures[i + 1])
                 ? BCEMR_VALID
                 : BCEMR_BAD_AMENDMENT_SIGNATURE);
    }
}

/* ---- the doctors ---- */

static bcemr_verdict check_delta(hand *h, const bcemr_signed_diagnosis *d)
{
    bcemr_verdict verdict = BCEMR_UNDECIDED;
    bcemr_g2 x;
    bcemr_g2_lines *lines = bcemr_allocate(sizeof *lines);
    const bcemr_status status = lines ? bcemr_g2_decode(&d->context.x, &x) : BCEMR_E_NO_MEMORY;
    if (status != BCEMR_OK) {
        (void)wire_fail(&h->error, status, "sign", "x");
    } else {
        bcemr_g2_prepare(&x, lines);
        verdict = bcemr_diagnosis_check(h->context, lines, &d->context, &d->delta, &h->error);
    }
    bcemr_release(lines);
    return verdict;
}

static void say_documents(hand *h, json_t *doctor, const hand_part *part)
{
    char size[REPORT_NUMBER];
    const char *waived = NULL;
    bcemr_tr_waived waiver;
    json_t *list = report_json_list(&h->json, doctor, "documents");
    for (uint64_t d = 0; d < part->document_count; d++) {
        const bcemr_tr_document *document = &part->documents[d];
        report_line(&h->r, "      %s (%s, %s)", hand_name(document->name),
                    hand_name(document->media_type), report_bytes(document->length, size));
        json_t *item = report_json_item(&h->json, list);
        report_json_text(&h->json, item, "name", hand_name(document->name));
        report_json_number(&h->json, item, "bytes", document->length);
        report_json_hash(&h->json, item, "hash", &document->hash);
    }
    if (bcemr_read_waived(part->contribution.presence, &waiver, NULL) == BCEMR_OK)
        waived = bcemr_value_text("waiver", waiver.reason);
    report_line(&h->r, "      %s%s", waived ? "presence waived: " : "the patient was there",
                waived ? waived : "");
    report_json_text(&h->json, doctor, "presence", waived ? waived : "there");
}

static bcemr_status check_contribution(hand *h, verifying *v, json_t *doctor, uint64_t place)
{
    bcemr_status status = BCEMR_OK;
    hand_part part = {0};
    const char *path = h->o->contributions.items[place - 1];
    char text[512];
    (void)snprintf(text, sizeof text, "%.300s is what they signed", hand_name(bcemr_text(path)));
    status = hand_part_open(h, path, &v->visit, place, &part);
    if (status == BCEMR_OK) {
        told(h, v, text, BCEMR_VALID);
        say_documents(h, doctor, &part);
    } else if (h->file.status == BCEMR_OK) {
        told(h, v, text, status == BCEMR_E_REFUSED ? h->error.verdict : BCEMR_UNDECIDED);
        status = BCEMR_OK;
    }
    hand_part_free(&part);
    return status;
}

static bcemr_status check_doctors(hand *h, verifying *v)
{
    bcemr_status status = BCEMR_OK;
    char when[REPORT_NUMBER], text[512];
    const bcemr_visit_log *log = v->visit.log;
    json_t *list = report_json_list(&h->json, NULL, "doctors");
    for (uint64_t i = 0; i < log->order.count; i++) {
        const bcemr_signed_diagnosis *d = &log->diagnoses[i];
        json_t *item = report_json_item(&h->json, list);
        report_json_text(&h->json, item, "doctor", hand_name(log->order.doctors[i].doctor));
        report_json_bool(&h->json, item, "signed", i < log->signed_count);
        if (i >= log->signed_count) {
            report_line(&h->r, "  %u. %s has not signed; due by %s", (unsigned)i + 1,
                        hand_name(log->order.doctors[i].doctor),
                        hand_time(log->order.doctors[i].deadline, when));
            continue;
        }
        report_json_number(&h->json, item, "time", (uint64_t)d->context.time);
        report_json_hash(&h->json, item, "commitment", &d->context.commitment);
        (void)snprintf(text, sizeof text, "%u. %.200s signed at %s%s", (unsigned)i + 1,
                       hand_name(d->context.doctor), hand_time(d->context.time, when),
                       d->context.svk.n > 0 ? ", as the last, the record's one-time key with it"
                                            : "");
        told(h, v, text, check_delta(h, d));
        if (h->o->contributions.count > 0)
            HAND(check_contribution(h, v, item, i + 1));
    }
out:
    return status;
}

/* ---- the record, without opening it ---- */

static bcemr_status check_payload(hand *h, verifying *v, const bcemr_tr_header *header)
{
    bcemr_status status = BCEMR_OK;
    files_source *file = NULL;
    bcemr_hash root = {{0}};
    HAND(files_source_open(h->o->payload, &file, &h->file));
    const bcemr_source source = files_source_view(file);
    status =
        bcemr_payload_root(&source, hand_run_begin(h, "hashing the payload"), &root, &h->error);
    hand_run_end(h);
    if (status != BCEMR_OK) {
        hand_source_failed(h, file);
        goto out;
    }
    told(h, v, "the payload has the header's length",
         source.length == bcemr_stream_sealed_length(header->length) ? BCEMR_VALID
                                                                     : BCEMR_BAD_LENGTH);
    told(h, v, "the payload hashes to the header's root",
         bcemr_hash_equal(&root, &header->root) ? BCEMR_VALID : BCEMR_BAD_ROOT);
out:
    if (file)
        files_source_close(file);
    return status;
}

static bcemr_status check_record(hand *h, verifying *v)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf bytes = BCEMR_BUF_EMPTY;
    bcemr_tr_header header;
    const bcemr_visit_log *log = v->visit.log;
    if (!h->o->header && !h->o->payload)
        return BCEMR_OK;
    if (!h->o->header)
        return hand_misuse(h, "--payload needs its --header");
    HAND(files_read(h->o->header, 1u << 20, &bytes, &h->file));
    hand_doing(h, "read the header");
    HAND(bcemr_read_header(bcemr_buf_span(&bytes), &header, &h->error));
    told(h, v, "all of the order have signed",
         bcemr_visit_log_complete(log) ? BCEMR_VALID : BCEMR_NOT_ALL_SIGNED);
    if (bcemr_visit_log_complete(log)) {
        const bcemr_span svk = log->diagnoses[log->signed_count - 1].context.svk;
        told(h, v, "the header is under the one-time key that the last doctor signed",
             bcemr_span_equal(svk, bcemr_span_of(header.svk.b, 32)) ? BCEMR_VALID
                                                                    : BCEMR_WRONG_SEAL_KEY);
        told(h, v, "the one-time key signed the header",
             bcemr_header_check(&log->vid, bcemr_visit_log_last_context(log), &header, &h->error));
    }
    told(h, v, "the capsule is for this visit's patient",
         bcemr_capsule_check(h->context, &log->vid, &header.svk, &header.b, &log->visit.pkv,
                             &header.c, BCEMR_BAD_CAPSULE, &h->error));
    if (h->o->payload)
        HAND(check_payload(h, v, &header));
out:
    bcemr_buf_free(&bytes);
    return status;
}

bcemr_status hand_verify_work(hand *h)
{
    static const char *const unchecked[] = {"that the ledger holds these entries (inclusion)",
                                            "that the visit is admitted",
                                            "that the doctors are enrolled and not retired",
                                            "that hospital and clouds confirmed the record", NULL};
    bcemr_status status = BCEMR_OK;
    verifying v = {.all = true};
    char hex[65];
    HAND(hand_context(h));
    HAND(hand_holder_read(h, h->o->hospital, BCEMR_key_role_HOSPITAL, &v.hospital));
    HAND(hand_visit_read(h, h->o->file, &v.visit));
    if (h->o->contributions.count > 0 && h->o->contributions.count != v.visit.log->signed_count) {
        status = hand_misuse(h, "%u doctors have signed: --contribution takes theirs, in order",
                             (unsigned)v.visit.log->signed_count);
        goto out;
    }
    report_line(&h->r, "visit %s", report_hex(v.visit.log->vid.b, 32, hex));
    report_json_hash(&h->json, NULL, "vid", &v.visit.log->vid);
    v.checks = report_json_list(&h->json, NULL, "checks");
    check_ticket(h, &v);
    HAND(check_doctors(h, &v));
    HAND(check_record(h, &v));
    report_json_bool(&h->json, NULL, "holds", v.all);
    report_line(&h->r, "%s", v.all ? "all of it holds" : "not all of it holds");
    hand_unchecked(h, unchecked);
    h->answered_no = !v.all;
out:
    hand_holder_free(&v.hospital);
    hand_visit_free(&v.visit);
    return status;
}
