/* SPDX-License-Identifier: Apache-2.0 */
/* The relay: takes, checks and holds what doctors hand over, and gives it to those after them
 * (section 4). */
#include "server/hospital_visit.h"

#include "client/keyword.h"

#include <bcemr/diagnosis.h>
#include <bcemr/message.h>
#include <bcemr/visit.h>
#include <stdlib.h>
#include <string.h>

#define MANIFESTS_MAX (2u << 20) /* of a visit together (section 1, limits) */
#define MANIFEST_LEFT (8u << 10) /* for each doctor still to come */
#define KEYWORDS_MAX 64          /* of a visit */

server_name hospital_part_name(const hospital_visit *visit, const hospital_part *part)
{
    return server_name_of("relay", &visit->vid,
                          bcemr_span_of(part->object.b, sizeof part->object.b), part->epoch);
}

hospital_part *hospital_part_of(hospital_visit *visit, const bcemr_signed_diagnosis *diagnosis)
{
    for (uint64_t p = 0; p < visit->part_count; p++)
        if (visit->parts[p].i == diagnosis->context.i &&
            visit->parts[p].k == diagnosis->context.k &&
            bcemr_hash_equal(&visit->parts[p].commitment, &diagnosis->context.commitment))
            return &visit->parts[p];
    return NULL;
}

/* ---- whose turn it is ---- */

typedef struct taking {
    hospital *h;
    hospital_visit *visit;
    const bcemr_visit_log *log;
    uint64_t place, k;
    int64_t now;
    uint64_t clock_difference;
    bcemr_buf head;
    bcemr_tr_contribution contribution; /* points into head */
    bcemr_tr_manifest manifest;
    bcemr_tr_document *documents;
    uint64_t document_count;
    hospital_part part;
} taking;

/* The next in the order with version 0, the one asked again with its next version, or whoever
 * signed last with what they signed (a receipt that was lost). */
static bcemr_status check_turn(const taking *t, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_visit_log *log = t->log;
    uint64_t last = log->signed_count;
    bool next = t->place == last + 1;
    bool again = t->place == last && last > 0;
    uint64_t held = again ? log->diagnoses[last - 1].context.k : 0;
    REQUIRE(t->place > 0 && (next || again), BCEMR_NOT_IN_ORDER, "visit", "team");
    REQUIRE(next ? t->k == 0
                 : (t->k == held || (t->k == held + 1 && log->pending_reissue == t->place)),
            BCEMR_REISSUE_NOT_ASKED, "contribution", "k");
    REQUIRE(t->place == 0 || t->now <= log->order.doctors[t->place - 1].deadline,
            BCEMR_PAST_DEADLINE, "visit", "deadline");
out:
    return status;
}

/* ---- limits over the visit ---- */

static bcemr_status check_manifests(const taking *t, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t total = t->contribution.manifest.n;
    for (uint64_t j = 0; j + 1 < t->place; j++) {
        const hospital_part *part = hospital_part_of(t->visit, &t->log->diagnoses[j]);
        if (!part)
            return wire_fail_at(err, BCEMR_E_NOT_FOUND, "contribution", "place", j + 1,
                                BCEMR_NOWHERE);
        total += part->manifest_length;
    }
    total += MANIFEST_LEFT * (t->log->order.count - t->place);
    REQUIRE(total <= MANIFESTS_MAX, BCEMR_MANIFEST_LIMIT, "manifest", NULL);
out:
    return status;
}

/* Adds the words of a list that are not among words yet; false when there are too many. */
static bool add_words(const bcemr_list *list, bcemr_span words[KEYWORDS_MAX], uint64_t *count)
{
    bcemr_span word;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_keyword_item, list);
    while (bcemr_list_next(&iter, &word)) {
        uint64_t i = 0;
        while (i < *count && !bcemr_span_equal(words[i], word))
            i++;
        if (i < *count)
            continue;
        if (*count == KEYWORDS_MAX)
            return false;
        words[(*count)++] = word;
    }
    return true;
}

static bcemr_status check_keywords(const taking *t, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span words[KEYWORDS_MAX];
    uint64_t count = 0;
    bcemr_list list;
    for (uint64_t j = 0; j + 1 < t->place; j++) {
        const hospital_part *part = hospital_part_of(t->visit, &t->log->diagnoses[j]);
        if (!part)
            continue; /* check_manifests has said so */
        TRY(bcemr_read_list(&bcemr_type_keyword_item, bcemr_buf_span(&part->keywords), 0,
                            KEYWORDS_MAX, &list, err));
        (void)add_words(&list, words, &count);
    }
    REQUIRE(add_words(&t->manifest.keywords, words, &count), BCEMR_KEYWORD_LIMIT, "manifest",
            "keywords");
out:
    return status;
}

static int compare_names(const void *a, const void *b)
{
    return bcemr_span_compare(*(const bcemr_span *)a, *(const bcemr_span *)b);
}

/* A reader puts a doctor's documents into one folder under their names: none may come twice. */
static bcemr_status check_names(const taking *t, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span *names = bcemr_allocate((t->document_count + 1) * sizeof *names);
    if (!names)
        FAIL(BCEMR_E_NO_MEMORY, "manifest", "documents");
    for (uint64_t i = 0; i < t->document_count; i++)
        names[i] = t->documents[i].name;
    qsort(names, (size_t)t->document_count, sizeof *names, compare_names);
    for (uint64_t i = 1; i < t->document_count; i++)
        REQUIRE(!bcemr_span_equal(names[i - 1], names[i]), BCEMR_BAD_CONTENT, "document", "name");
out:
    bcemr_release(names);
    return status;
}

/* ---- the contribution, taken apart as it comes ---- */

static bcemr_status on_head(void *user, bcemr_span head, const bcemr_tr_document **documents,
                            uint64_t *count, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    taking *t = user;
    TRY_AT(bcemr_buf_set(&t->head, head), "contribution", NULL);
    TRY(bcemr_read_contribution(bcemr_buf_span(&t->head), &t->contribution, err));
    TRY(bcemr_read_manifest(t->contribution.manifest, &t->manifest, err));
    REQUIRE(bcemr_hash_equal(&t->contribution.vid, &t->visit->vid) &&
                t->contribution.i == t->place && t->contribution.k == t->k,
            BCEMR_BAD_CONTENT, "contribution", "i");
    TRY(check_manifests(t, err));
    TRY(client_keywords_normal(&t->manifest, err));
    TRY(check_keywords(t, err));
    TRY(bcemr_manifest_documents(&t->contribution.manifest, 1, &t->documents, &t->document_count,
                                 err));
    TRY(check_names(t, err));
    *documents = t->documents;
    *count = t->document_count;
out:
    return status;
}

/* What is sealed goes to sink as it came, while it is opened and looked at. */
static bcemr_status go_through(taking *t, const bcemr_source *sealed, const bcemr_sink *sink,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_msg ad = {t->visit->vid, t->part.epoch,
                             t->log->order.doctors[t->place - 1].doctor, t->place, t->k};
    bcemr_parts parts = {t, on_head, NULL};
    bcemr_parts_reader *reader = NULL;
    server_tee tee;
    bcemr_source source = server_tee_source(&tee, sealed, sink);
    TRY_AT(bcemr_parts_reader_new(&parts, &reader), "contribution", NULL);
    bcemr_sink clear = bcemr_parts_reader_sink(reader);
    status = bcemr_long_message_open(&t->visit->gk[t->part.epoch], &ad, &source, t->h->setup.run,
                                     &clear, err);
    if (status != BCEMR_OK && bcemr_parts_reader_error(reader)->status != BCEMR_OK && err)
        *err = *bcemr_parts_reader_error(reader);
    if (status == BCEMR_OK)
        status = bcemr_parts_reader_finish(reader, err);
out:
    bcemr_parts_reader_free(reader);
    return status;
}

/* Presence at this time, c_i, and what later steps need to know. */
static bcemr_status conclude(taking *t, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t waiver = 0;
    const bcemr_tr_contribution *c = &t->contribution;
    CHECK(bcemr_presence_check(&t->log->visit, &t->visit->vid,
                               t->log->order.doctors[t->place - 1].doctor, t->now,
                               t->clock_difference, c->presence, &waiver, err),
          "contribution", "presence");
    TRY(bcemr_commitment(&t->visit->vid, t->place, &c->salt, c->manifest, c->presence,
                         &t->part.commitment, err));
    t->part.manifest_length = c->manifest.n;
    bcemr_buf_clear(&t->part.keywords);
    TRY(bcemr_write_list(&bcemr_type_keyword_item, &t->manifest.keywords, &t->part.keywords, err));
out:
    return status;
}

/* ---- keeping ---- */

/* Once a Sign is in, the other versions that its doctor handed over for it are of no use; nor are
 * those for places that nobody signed under an earlier order. */
static bool is_useless(const taking *t, const hospital_part *part)
{
    if (part->i > t->log->signed_count)
        return part->epoch != t->log->order.amendments;
    const bcemr_tr_sign *context = &t->log->diagnoses[part->i - 1].context;
    return part->k < context->k ||
           (part->k == context->k && !bcemr_hash_equal(&part->commitment, &context->commitment));
}

static void drop_useless(const taking *t)
{
    const server_store *store = t->h->setup.store;
    uint64_t kept = 0;
    for (uint64_t p = 0; p < t->visit->part_count; p++) {
        hospital_part *part = &t->visit->parts[p];
        server_name name = hospital_part_name(t->visit, part);
        if (is_useless(t, part) && store->remove(store->user, name.text, NULL) == BCEMR_OK)
            hospital_part_free(part);
        else
            t->visit->parts[kept++] = *part;
    }
    t->visit->part_count = kept;
}

/* Room for one more part; a doctor cannot fill the store by handing over again and again. */
static bcemr_status make_room(const taking *t, bcemr_error *err)
{
    hospital_visit *visit = t->visit;
    uint64_t offers = 0;
    for (uint64_t p = 0; p < visit->part_count; p++)
        offers += visit->parts[p].i == t->place && visit->parts[p].k == t->k;
    if (offers >= HOSPITAL_OFFERS_MAX)
        return wire_fail(err, BCEMR_E_TOO_MANY, "contribution", "place");
    hospital_part *parts = bcemr_allocate((visit->part_count + 1) * sizeof *parts);
    if (!parts)
        return wire_fail(err, BCEMR_E_NO_MEMORY, "contribution", NULL);
    if (visit->part_count > 0)
        memcpy(parts, visit->parts, (size_t)visit->part_count * sizeof *parts);
    bcemr_release(visit->parts);
    visit->parts = parts;
    return BCEMR_OK;
}

static bool is_held(const taking *t)
{
    for (uint64_t p = 0; p < t->visit->part_count; p++) {
        const hospital_part *part = &t->visit->parts[p];
        if (part->i == t->part.i && part->k == t->part.k &&
            bcemr_hash_equal(&part->commitment, &t->part.commitment))
            return true;
    }
    return false;
}

static bcemr_status give_receipt(const taking *t, bcemr_buf *receipt, bcemr_ed_signature *signature,
                                 bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_receipt given = {.ledger = t->log->ledger,
                                    .vid = t->visit->vid,
                                    .i = t->place,
                                    .k = t->k,
                                    .commitment = t->part.commitment,
                                    .time = t->now};
    TRY(server_sign_value(t->h->setup.signer, &bcemr_type_receipt, &given, signature, err));
    TRY(bcemr_write_receipt(&given, receipt, err));
out:
    return status;
}

/* Through the checks and into the store in one reading; kept only when all held. The receipt is
 * made before, so that nothing can fail after, and leaves only when what it says is durable. */
static bcemr_status store_checked(taking *t, const bcemr_source *sealed, bcemr_buf *receipt,
                                  bcemr_ed_signature *signature, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const server_store *store = t->h->setup.store;
    bcemr_sink sink;
    void *writing = NULL;
    uint64_t before = receipt->n;
    bcemr_random(t->part.object.b, sizeof t->part.object.b);
    server_name name = hospital_part_name(t->visit, &t->part);
    TRY(store->begin(store->user, name.text, &sink, &writing, err));
    TRY(go_through(t, sealed, &sink, err));
    TRY(conclude(t, err));
    TRY(give_receipt(t, receipt, signature, err));
    if (is_held(t))
        goto out; /* it came before: what is held is as good */
    drop_useless(t);
    TRY(make_room(t, err));
    void *ended = writing;
    writing = NULL;
    TRY(store->finish(store->user, ended, true, err));
    t->visit->parts[t->visit->part_count++] = t->part;
    t->part.keywords = BCEMR_BUF_EMPTY;
out:
    if (writing)
        (void)store->finish(store->user, writing, false, NULL);
    if (status != BCEMR_OK)
        receipt->n = before;
    return status;
}

static void taking_free(taking *t)
{
    bcemr_buf_free(&t->head);
    bcemr_release_wiped(t->documents, t->document_count * sizeof *t->documents);
    hospital_part_free(&t->part);
}

bcemr_status hospital_take(hospital *h, const bcemr_hash *vid, bcemr_span doctor, uint64_t k,
                           const bcemr_source *sealed, int64_t now, bcemr_buf *receipt,
                           bcemr_ed_signature *signature, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    bcemr_ledger_facts facts;
    taking t = {.h = h, .k = k, .now = now};
    TRY(hospital_open_visit(h, vid, &t.visit, &log, err));
    TRY(server_facts(h->setup.ledger, &facts, err));
    t.log = log.log;
    t.clock_difference = facts.clock_difference;
    t.place = bcemr_order_place(&log.log->order, doctor);
    t.part = (hospital_part){.i = t.place, .k = k, .epoch = log.log->order.amendments};
    TRY(check_turn(&t, err));
    TRY(hospital_check_doctor(h, log.log, t.place, err));
    if (t.place == 0 || !t.visit->has_gk[t.part.epoch])
        FAIL(BCEMR_E_STATE, "contribution", "epoch");
    TRY(store_checked(&t, sealed, receipt, signature, err));
out:
    taking_free(&t);
    client_visit_free(&log);
    return status;
}

/* ---- giving ---- */

/* After an amendment: sealed anew for the epoch in force, under the same place and version. */
static bcemr_status renew(hospital *h, hospital_visit *visit, bcemr_span doctor,
                          hospital_part *part, uint64_t epoch, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const server_store *store = h->setup.store;
    bcemr_source old = {0};
    bcemr_sink sink;
    void *writing = NULL;
    hospital_part fresh = *part;
    fresh.epoch = epoch;
    bcemr_random(fresh.object.b, sizeof fresh.object.b);
    const bcemr_tr_msg from = {visit->vid, part->epoch, doctor, part->i, part->k};
    const bcemr_tr_msg to = {visit->vid, epoch, doctor, part->i, part->k};
    server_name before = hospital_part_name(visit, part);
    server_name after = hospital_part_name(visit, &fresh);
    TRY(store->open(store->user, before.text, &old, err));
    TRY(store->begin(store->user, after.text, &sink, &writing, err));
    TRY(bcemr_long_message_reseal(&visit->gk[part->epoch], &from, hospital_gk(visit, epoch), &to,
                                  &old, h->setup.run, &sink, err));
    void *ended = writing;
    writing = NULL;
    TRY(store->finish(store->user, ended, true, err));
    *part = fresh;
    (void)store->remove(store->user, before.text, NULL); /* what stays is only space */
out:
    if (writing)
        (void)store->finish(store->user, writing, false, NULL);
    if (old.user)
        store->close(store->user, &old);
    return status;
}

bcemr_status hospital_relay(hospital *h, const bcemr_hash *vid, bcemr_span doctor, uint64_t place,
                            bcemr_source *out, uint64_t *k, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    client_visit log = {0};
    hospital_visit *visit = NULL;
    TRY(hospital_open_visit(h, vid, &visit, &log, err));
    uint64_t own = bcemr_order_place(&log.log->order, doctor);
    REQUIRE(own > 0 && place <= own, BCEMR_NOT_IN_ORDER, "visit", "team");
    TRY(hospital_check_doctor(h, log.log, own > 0 ? own : 1, err));
    if (place == 0 || place > log.log->signed_count)
        FAIL(BCEMR_E_NOT_FOUND, "contribution", "place");
    const bcemr_signed_diagnosis *diagnosis = &log.log->diagnoses[place - 1];
    hospital_part *part = hospital_part_of(visit, diagnosis);
    if (!part)
        FAIL(BCEMR_E_NOT_FOUND, "contribution", "place");
    if (part->epoch != log.log->order.amendments)
        TRY(renew(h, visit, diagnosis->context.doctor, part, log.log->order.amendments, err));
    server_name name = hospital_part_name(visit, part);
    TRY(h->setup.store->open(h->setup.store->user, name.text, out, err));
    *k = part->k;
out:
    client_visit_free(&log);
    return status;
}

void hospital_relay_close(hospital *h, bcemr_source *source)
{
    h->setup.store->close(h->setup.store->user, source);
}
