/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr sign`: a doctor checks all that came before, diagnoses and signs (section 4). */
#include "bcemr/hand/hand.h"
#include "bcemr/inputs.h"

#include <bcemr/doctor.h>
#include <bcemr/hash.h>
#include <string.h>

#define MANIFESTS_MAX (2u << 20) /* of a visit together (section 1, limits) */
#define MANIFEST_LEFT (8u << 10) /* for each doctor still to come */

/* A doctor about to sign. */
typedef struct signing {
    hand_state state;
    keyfile *keys;
    bcemr_secrets secrets;
    hand_holder self;
    uint64_t place;
    /* what they add */
    uint64_t document_count;
    files_source **sources;
    bcemr_source *views;
    bcemr_tr_document *documents;
    bcemr_buf words;
    bcemr_buf manifest, presence, head;
    bcemr_nonce salt;
    bcemr_tr_sign context;
    /* of the last in the order */
    bcemr_ed_raw svk;
    bcemr_buf seal_key;
} signing;

static void signing_free(signing *s)
{
    if (!s)
        return;
    hand_state_free(&s->state);
    for (uint64_t i = 0; s->sources && i <= s->document_count; i++)
        if (s->sources[i])
            files_source_close(s->sources[i]);
    bcemr_release(s->sources);
    bcemr_release(s->views);
    bcemr_release(s->documents);
    hand_holder_free(&s->self);
    bcemr_buf_free(&s->words);
    bcemr_buf_free(&s->manifest);
    bcemr_buf_free(&s->presence);
    bcemr_buf_free(&s->head);
    bcemr_buf_free(&s->seal_key);
    if (s->keys)
        keyfile_free(s->keys);
    bcemr_release_wiped(s, sizeof *s);
}

/* ---- whose turn ---- */

static bcemr_status own_turn(hand *h, signing *s)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_visit_log *log = s->state.visit.log;
    const bcemr_x25519_raw e = hand_holder_e(&s->self);
    s->place = bcemr_order_place(&log->order, s->self.part.id);
    hand_doing(h, "sign as %.200s", hand_name(s->self.part.id));
    HAND_REQUIRE(!log->aborted && !log->sealed, BCEMR_NOT_ADMITTED, "visit", NULL);
    HAND_REQUIRE(s->place > 0 && s->place == log->signed_count + 1 && log->pending_reissue == 0,
                 BCEMR_NOT_IN_ORDER, "visit", "team");
    const bcemr_tr_team_doctor *row = &log->order.doctors[s->place - 1];
    HAND_REQUIRE(memcmp(&row->x, &s->self.part.x, sizeof row->x) == 0 &&
                     memcmp(&row->e, &e, sizeof row->e) == 0,
                 BCEMR_NOT_IN_ORDER, "visit", "team");
    HAND_REQUIRE(h->now <= row->deadline, BCEMR_PAST_DEADLINE, "visit", "deadline");
out:
    return status;
}

/* ---- the own diagnosis ---- */

/* The name as it will stand in the manifest: that of the file, fit to become one again. */
static bcemr_status name_document(hand *h, signing *s, uint64_t i)
{
    bcemr_status status = BCEMR_OK;
    const char *path = h->o->documents.items[i];
    bcemr_tr_document *document = &s->documents[i];
    document->name = bcemr_text(files_base_name(path));
    document->media_type = bcemr_text(inputs_media_type(path));
    HAND(files_name_check(document->name, &h->file));
    for (uint64_t j = 0; j < i; j++)
        if (bcemr_span_equal(document->name, s->documents[j].name))
            HAND_FAIL(BCEMR_E_REPEATED, "document", "name");
out:
    return status;
}

static bcemr_status take_documents(hand *h, signing *s)
{
    bcemr_status status = BCEMR_OK;
    const uint64_t n = h->o->documents.count;
    s->sources = bcemr_allocate((n + 1) * sizeof(files_source *));
    s->views = bcemr_allocate((n + 1) * sizeof *s->views);
    s->documents = bcemr_allocate((n + 1) * sizeof *s->documents);
    if (!s->sources || !s->views || !s->documents)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "manifest", "documents");
    for (; s->document_count < n; s->document_count++) {
        const uint64_t i = s->document_count;
        hand_doing(h, "take the document \"%.200s\"",
                   hand_name(bcemr_text(h->o->documents.items[i])));
        HAND(name_document(h, s, i));
        HAND(files_source_open(h->o->documents.items[i], &s->sources[i], &h->file));
        s->views[i] = files_source_view(s->sources[i]);
        s->documents[i].length = s->views[i].length;
        status = bcemr_source_hash(&s->views[i], hand_run_begin(h, "reading the documents"),
                                   &s->documents[i].hash, &h->error);
        hand_run_end(h);
        if (status != BCEMR_OK)
            hand_source_failed(h, s->sources[i]);
        HAND(status);
    }
out:
    return status;
}

static bcemr_status write_manifest(hand *h, signing *s)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span words[64];
    const command_list *given = &h->o->keywords;
    if (given->count > 64)
        HAND_FAIL(BCEMR_E_TOO_MANY, "manifest", "keywords");
    /* Room for all at once: the spans stay where they point. */
    HAND_AT(bcemr_buf_reserve(&s->words, 200 * given->count + 1), "manifest", "keywords");
    for (uint64_t i = 0; i < given->count; i++) {
        const uint64_t start = s->words.n;
        HAND(bcemr_normalise_keyword(bcemr_text(given->items[i]), &s->words, &h->error));
        words[i] = bcemr_span_of(s->words.p + start, s->words.n - start);
    }
    const bcemr_tr_manifest m = {.documents = BCEMR_LIST_OF(s->documents, s->document_count),
                                 .keywords = BCEMR_LIST_OF(words, given->count)};
    HAND(bcemr_write_manifest(&m, &s->manifest, &h->error));
    const bcemr_visit_log *log = s->state.visit.log;
    uint64_t total = s->manifest.n + MANIFEST_LEFT * (log->order.count - s->place);
    for (uint64_t j = 0; j < s->state.part_count; j++)
        total += s->state.parts[j].contribution.manifest.n;
    HAND_REQUIRE(total <= MANIFESTS_MAX, BCEMR_MANIFEST_LIMIT, "manifest", NULL);
    bcemr_random(s->salt.b, sizeof s->salt.b);
out:
    return status;
}

/* ---- presence, or why there is none ---- */

const char *const hand_waivers[] = {"unconscious", "no-device", "remote-reading", NULL};

static bcemr_status waive(hand *h, signing *s)
{
    bcemr_tr_waived waived = {0};
    for (uint64_t i = 0; hand_waivers[i]; i++)
        if (strcmp(hand_waivers[i], h->o->waive) == 0)
            waived.reason = i + 1;
    return bcemr_write_waived(&waived, &s->presence, &h->error);
}

/* Doctor and patient in one room: the doctor's nonce, the patient's answer. */
static bcemr_status show_presence(hand *h, signing *s)
{
    bcemr_status status = BCEMR_OK;
    keyfile *patient = NULL;
    bcemr_visit_keys keys = {0};
    bcemr_tr_presence presence;
    bcemr_tr_present present = {
        .vid = s->state.visit.log->vid, .doctor = s->self.part.id, .time = h->now};
    HAND(hand_keys_open(h, h->o->patient, BCEMR_key_role_PATIENT, h->o->patient_passphrase,
                        "patient-passphrase-file", &patient));
    HAND(hand_visit_keys(h, patient, &s->state.visit, &keys));
    bcemr_random(present.nonce.b, sizeof present.nonce.b);
    HAND(bcemr_presence_make(&keys, &present, &presence, &h->error));
    HAND(bcemr_write_presence(&presence, &s->presence, &h->error));
out:
    bcemr_visit_keys_wipe(&keys);
    if (patient)
        keyfile_free(patient);
    return status;
}

static bcemr_status take_presence(hand *h, signing *s)
{
    bcemr_status status = BCEMR_OK;
    uint64_t waiver = 0;
    if (!h->o->waive == !h->o->patient)
        return hand_misuse(h, "either --patient FILE or --waive REASON");
    HAND(h->o->waive ? waive(h, s) : show_presence(h, s));
    HAND_VALID(bcemr_presence_check(&s->state.visit.log->visit, &s->state.visit.log->vid,
                                    s->self.part.id, h->now, HAND_CLOCK_DIFFERENCE_MS,
                                    bcemr_buf_span(&s->presence), &waiver, &h->error),
               "presence", NULL);
out:
    return status;
}

/* ---- the signature ---- */

/* svk for the last of the order; ssk's seed goes into a box that this doctor alone opens. */
static bcemr_status draw_seal_key(hand *h, signing *s)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf plain = BCEMR_BUF_EMPTY, box = BCEMR_BUF_EMPTY;
    bcemr_ed_secret ssk = {{0}};
    bcemr_tr_seal_secret secret = {.vid = s->state.visit.log->vid};
    const bcemr_x25519_raw to = hand_holder_box(&s->self);
    bcemr_random(secret.seed.b, sizeof secret.seed.b);
    bcemr_ed_from_seed(secret.seed.b, &ssk, &s->svk);
    HAND(bcemr_write_seal_secret(&secret, &plain, &h->error));
    HAND(bcemr_sealed_box(&to, bcemr_buf_span(&plain), &box, &h->error));
    const bcemr_tr_seal_key file = {secret.vid, s->svk, bcemr_buf_span(&box)};
    HAND(bcemr_write_seal_key(&file, &s->seal_key, &h->error));
    s->context.svk = bcemr_span_of(s->svk.b, sizeof s->svk.b);
out:
    bcemr_wipe(&ssk, sizeof ssk);
    bcemr_wipe(&secret, sizeof secret);
    bcemr_buf_free(&plain);
    bcemr_buf_free(&box);
    return status;
}

static bcemr_status make_context(hand *h, signing *s)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_visit_log *log = s->state.visit.log;
    const int64_t before = s->place > 1 ? log->diagnoses[s->place - 2].context.time : INT64_MIN;
    s->context = (bcemr_tr_sign){.order = *bcemr_order_hash(&log->order),
                                 .i = s->place,
                                 .doctor = s->self.part.id,
                                 .x = s->self.part.x,
                                 .time = h->now > before ? h->now : before + 1,
                                 .previous = *bcemr_visit_log_last_context(log)};
    HAND_REQUIRE(s->context.time <= log->order.doctors[s->place - 1].deadline, BCEMR_PAST_DEADLINE,
                 "Sign", "time");
    HAND(bcemr_commitment(&log->vid, s->place, &s->salt, bcemr_buf_span(&s->manifest),
                          bcemr_buf_span(&s->presence), &s->context.commitment, &h->error));
    if (s->place == log->order.count)
        HAND(draw_seal_key(h, s));
out:
    return status;
}

static bcemr_status sign_entry(hand *h, signing *s, bcemr_buf *visit)
{
    bcemr_status status = BCEMR_OK;
    bcemr_g1_raw delta;
    const bcemr_visit_log *log = s->state.visit.log;
    HAND(make_context(h, s));
    HAND(bcemr_diagnosis_sign(&s->secrets.x, &s->context, &delta, &h->error));
    const bcemr_tr_e_sign sign = {.ledger = log->ledger,
                                  .vid = log->vid,
                                  .i = s->place,
                                  .a = log->order.amendments,
                                  .commitment = s->context.commitment,
                                  .time = s->context.time,
                                  .delta = delta,
                                  .svk = s->context.svk};
    HAND(hand_visit_append(h, &s->state.visit, &bcemr_type_e_sign, &sign, s->context.time, visit));
out:
    return status;
}

/* ---- files ---- */

/* Contribution and one-time key get their names before the visit file: the signature is out only
 * when what it signs is kept. */
static bcemr_status write_files(hand *h, signing *s, bcemr_span visit)
{
    bcemr_status status = BCEMR_OK;
    hand_outputs outputs = {0};
    bcemr_composed composed;
    bcemr_sink sink;
    const bcemr_tr_contribution c = {
        s->state.visit.log->vid,      s->place, 0,
        bcemr_buf_span(&s->manifest), s->salt,  bcemr_buf_span(&s->presence)};
    hand_doing(h, "write the contribution");
    HAND(bcemr_write_contribution(&c, &s->head, &h->error));
    const bcemr_source source =
        bcemr_composed_source(&composed, bcemr_buf_span(&s->head), s->views, s->document_count);
    HAND(hand_output_begin(h, &outputs, h->o->out, ".contribution", &sink));
    status = hand_pump(&source, hand_run_begin(h, "writing the contribution"), &sink);
    hand_run_end(h);
    if (status != BCEMR_OK) {
        hand_sink_failed(h, outputs.sinks[0]);
        for (uint64_t i = 0; i < s->document_count && h->file.status == BCEMR_OK; i++)
            hand_source_failed(h, s->sources[i]);
        goto out;
    }
    if (s->seal_key.n > 0)
        HAND(hand_output_bytes(h, &outputs, h->o->out, ".seal-key", bcemr_buf_span(&s->seal_key)));
    HAND(hand_output_bytes(h, &outputs, h->o->out, "", visit));
    HAND(hand_output_commit(h, &outputs));
out:
    hand_output_free(&outputs);
    return status;
}

static void tell(hand *h, const signing *s)
{
    static const char *const unchecked[] = {
        "that the visit is admitted", "that the doctors are enrolled and not retired",
        "the group key: the contribution lies here in clear", NULL};
    char path[1100], when[REPORT_NUMBER];
    report_line(&h->r, "%s signed as doctor %u of %u at %s: %u document%s, %s; in %s",
                hand_name(s->self.part.id), (unsigned)s->place,
                (unsigned)s->state.visit.log->order.count, hand_time(s->context.time, when),
                (unsigned)s->document_count, s->document_count == 1 ? "" : "s",
                h->o->waive ? "presence waived" : "the patient was there",
                hand_name(bcemr_text(h->o->out)));
    (void)snprintf(path, sizeof path, "%.1000s.contribution", h->o->out);
    report_line(&h->r, "  %s goes to the doctors who come after", hand_name(bcemr_text(path)));
    report_json_text(&h->json, NULL, "doctor", hand_name(s->self.part.id));
    report_json_number(&h->json, NULL, "place", s->place);
    report_json_number(&h->json, NULL, "time", (uint64_t)s->context.time);
    report_json_hash(&h->json, NULL, "commitment", &s->context.commitment);
    report_json_text(&h->json, NULL, "visit", h->o->out);
    report_json_text(&h->json, NULL, "contribution", path);
    if (s->seal_key.n > 0) {
        (void)snprintf(path, sizeof path, "%.1000s.seal-key", h->o->out);
        report_line(&h->r, "  %s seals the record, once: `bcemr seal`",
                    hand_name(bcemr_text(path)));
        report_json_text(&h->json, NULL, "seal_key", path);
    }
    hand_unchecked(h, unchecked);
}

static bcemr_status work(hand *h)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf visit = BCEMR_BUF_EMPTY;
    signing *s = bcemr_allocate(sizeof *s);
    if (!s)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "visit", NULL);
    HAND(hand_state_open(h, &s->state));
    HAND(hand_keys_open(h, h->o->keys, BCEMR_key_role_DOCTOR, h->o->passphrase, "passphrase-file",
                        &s->keys));
    HAND_AT(keyfile_secrets(s->keys, &s->secrets), "key file", NULL);
    HAND(hand_holder_of(h, s->keys, &s->self));
    HAND(own_turn(h, s));
    HAND(take_documents(h, s));
    HAND(write_manifest(h, s));
    HAND(take_presence(h, s));
    hand_doing(h, "sign as %.200s", hand_name(s->self.part.id));
    HAND(sign_entry(h, s, &visit));
    HAND(write_files(h, s, bcemr_buf_span(&visit)));
    tell(h, s);
out:
    bcemr_buf_free(&visit);
    signing_free(s);
    return status;
}

int hand_sign(const void *options)
{
    return hand_run(options, work);
}
