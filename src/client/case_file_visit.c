/* SPDX-License-Identifier: Apache-2.0 */
/* What hangs on more than one entry of a case file: who was enrolled when, who posted what in time,
 * the joint signature, what is opened (docs/case-file.md, steps 8 to 11). */
#include "client/case_file.h"
#include "client/visit_replay.h"
#include "wire/error.h"

#include <bcemr/hash.h>
#include <string.h>

/* ---- enrolments ---- */

static bcemr_status enrolment(case_reader *r, uint64_t i, bcemr_set *set, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error here = {0};
    const case_part *part = &r->enrolments.items[i];
    TRY(case_set_at(r, part->index, set, err));
    bcemr_verdict verdict = bcemr_enrolment_check(
        r->context, &r->anchor->authority, &r->anchor->ledger, set, part->parts.signed_entry,
        &r->enrolled[i].entry, &r->enrolled[i].cred, &here);
    if (verdict == BCEMR_UNDECIDED)
        status = wire_fail_at(err, here.status, "case-file", "enrolments", i, BCEMR_NOWHERE);
    else if (verdict != BCEMR_VALID)
        status = wire_refuse(err, verdict, "case-file", "enrolments", i);
out:
    return status;
}

bcemr_status case_check_enrolments(case_reader *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_set *set = bcemr_allocate(sizeof *set);
    r->out->step = BCEMR_CASE_ENROLMENTS;
    r->enrolled = bcemr_allocate(r->enrolments.count * sizeof *r->enrolled);
    if (!set || !r->enrolled)
        FAIL(BCEMR_E_NO_MEMORY, "case-file", "enrolments");
    REQUIRE(r->enrolments.count >= r->visit.log->signed_count, BCEMR_NOT_ENROLLED, "case-file",
            "enrolments");
    if (r->enrolments.count < r->visit.log->signed_count)
        FAIL(BCEMR_E_ABSENT, "case-file", "enrolments");
    for (uint64_t i = 0; i < r->enrolments.count; i++)
        TRY(enrolment(r, i, set, err));
out:
    if (set)
        bcemr_set_free(set);
    bcemr_release(set);
    return status;
}

/* ---- entries ---- */

typedef struct walking {
    case_reader *r;
    uint64_t named[BCEMR_TEAM_MAX]; /* the leaf that put each place's doctor into the order */
    uint64_t others; /* enrolments used so far: of those who signed, then of others */
} walking;

#define AT(condition, verdict, field)                                                              \
    REQUIRE_AT((condition), (verdict), "case-file", (field), at->index)

static uint64_t leaf_of(const walking *w, const client_visit_leaf *at)
{
    return w->r->body.items[at->index].index;
}

/* Enrolment i is that of the order's place (from 0), and stood before the entry that named them. */
static bcemr_status fits(const walking *w, uint64_t i, const bcemr_tr_team_doctor *doctor,
                         uint64_t place, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_e_enrol *e = &w->r->enrolled[i].entry;
    REQUIRE_AT(bcemr_span_equal(e->doctor, doctor->doctor) &&
                   bcemr_span_equal(e->x, bcemr_span_of(doctor->x.b, sizeof doctor->x.b)) &&
                   bcemr_span_equal(e->e, bcemr_span_of(doctor->e.b, sizeof doctor->e.b)),
               BCEMR_NOT_ENROLLED, "case-file", "enrolments", i);
    REQUIRE_AT(w->r->enrolments.items[i].index < w->named[place], BCEMR_NOT_ENROLLED, "case-file",
               "enrolments", i);
out:
    return status;
}

static bcemr_status on_admit(walking *w, const bcemr_visit_log *log, const client_visit_leaf *at,
                             bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span cloud;
    const uint64_t leaf = leaf_of(w, at);
    const case_params *params = case_params_at(w->r, at->leaf.height);
    bcemr_set *set = bcemr_allocate(sizeof *set);
    if (!set)
        FAIL(BCEMR_E_NO_MEMORY, "case-file", "body");
    TRY(case_set_at(w->r, leaf, set, err));
    AT(log->visit.reissues == params->reissues, BCEMR_BAD_TICKET, "body");
    AT(log->order.doctors[0].deadline > at->leaf.tau, BCEMR_BAD_TICKET, "body");
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_id_item, &log->visit.clouds);
    while (bcemr_list_next(&iter, &cloud))
        AT(bcemr_set_find(set, BCEMR_role_CLOUD, cloud), BCEMR_BAD_TICKET, "body");
    for (uint64_t i = 0; i < log->order.count; i++)
        w->named[i] = leaf;
out:
    if (set)
        bcemr_set_free(set);
    bcemr_release(set);
    return status;
}

static bcemr_status on_amend(walking *w, const bcemr_visit_log *log, const client_visit_leaf *at,
                             bcemr_error *err)
{
    (void)err;
    for (uint64_t i = log->signed_count; i < log->order.count; i++)
        w->named[i] = leaf_of(w, at);
    return BCEMR_OK;
}

static bool within(int64_t a, int64_t b, uint64_t limit)
{
    return (uint64_t)(a > b ? a - b : b - a) <= limit; /* times are not negative */
}

static bcemr_status on_sign(walking *w, const bcemr_visit_log *log, const client_visit_leaf *at,
                            bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const uint64_t i = log->signed_count - 1; /* who signed is the last who did */
    const bcemr_signed_diagnosis *d = &log->diagnoses[i];
    const case_params *params = case_params_at(w->r, at->leaf.height);
    AT(i < w->r->visit.log->signed_count, BCEMR_BAD_CASE_FILE, "body");
    if (i >= w->r->visit.log->signed_count)
        FAIL(BCEMR_E_ABSENT, "case-file", "body");
    const bcemr_tr_e_enrol *e = &w->r->enrolled[i].entry;
    TRY(fits(w, i, &log->order.doctors[i], i, err));
    AT(i == 0 || d->context.time > d[-1].context.time, BCEMR_TIME_ORDER, "body");
    AT(within(at->leaf.tau, d->context.time, params->clock_difference), BCEMR_CLOCK_DIFFERENCE,
       "body");
    AT(e->not_before <= at->leaf.tau && at->leaf.tau <= e->not_after, BCEMR_NOT_ENROLLED, "body");
    w->r->out->diagnoses[i].leaf = leaf_of(w, at);
out:
    return status;
}

/* A version that is asked for again is none of the case's: its signature is looked at here. */
static bcemr_status superseded(walking *w, const bcemr_signed_diagnosis *d,
                               const client_visit_leaf *at, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_g2 x;
    bcemr_g2_lines *lines = bcemr_allocate(sizeof *lines);
    if (!lines)
        FAIL(BCEMR_E_NO_MEMORY, "case-file", "body");
    TRY_AT(bcemr_g2_decode(&d->context.x, &x), "sign", "x");
    bcemr_g2_prepare(&x, lines);
    bcemr_verdict verdict =
        bcemr_diagnosis_check(w->r->context, lines, &d->context, &d->delta, err);
    if (verdict == BCEMR_UNDECIDED) /* that says nothing about the signature */
        FAIL(BCEMR_E_NO_MEMORY, "case-file", "body");
    AT(verdict == BCEMR_VALID, BCEMR_BAD_DIAGNOSIS_SIGNATURE, "body");
out:
    bcemr_release(lines);
    return status;
}

/* Whose enrolment: one of those who signed, or one of the others in the order of their asking. */
static bcemr_status enrolment_of(walking *w, const bcemr_tr_team_doctor *doctor, uint64_t *out,
                                 const client_visit_leaf *at, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_span x = bcemr_span_of(doctor->x.b, sizeof doctor->x.b);
    for (*out = 0; *out < w->others; ++*out)
        if (bcemr_span_equal(w->r->enrolled[*out].entry.x, x))
            return BCEMR_OK;
    AT(w->others < w->r->enrolments.count, BCEMR_NOT_ENROLLED, "body");
    if (w->others >= w->r->enrolments.count)
        FAIL(BCEMR_E_ABSENT, "case-file", "enrolments");
    w->others++;
out:
    return status;
}

static bcemr_status asker_key(walking *w, const bcemr_visit_log *log, const client_visit_leaf *at,
                              bcemr_span *who, bcemr_ed_raw *key, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_member member;
    uint64_t i = 0, place = log->signed_count;
    if (place >= log->order.count) {
        *who = log->visit.hospital;
        TRY(client_member(&w->r->view, *who, BCEMR_role_HOSPITAL, leaf_of(w, at),
                          BCEMR_BAD_ENTRY_SIGNATURE, &held, &member, err));
        *key = member.a;
        goto out;
    }
    const bcemr_tr_team_doctor *doctor = &log->order.doctors[place];
    *who = doctor->doctor;
    TRY(enrolment_of(w, doctor, &i, at, err));
    TRY(fits(w, i, doctor, place, err));
    *key = w->r->enrolled[i].entry.a;
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status on_reissue(walking *w, const bcemr_visit_log *log, const client_visit_leaf *at,
                               bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf message = BCEMR_BUF_EMPTY;
    bcemr_tr_signer row;
    bcemr_span who;
    bcemr_ed_raw key;
    bcemr_ed_signature signature;
    const char *role = log->signed_count >= log->order.count ? "hospital" : "doctor";
    TRY(superseded(w, &log->diagnoses[log->signed_count - 1], at, err));
    TRY(asker_key(w, log, at, &who, &key, err));
    bool there = bcemr_list_at(&bcemr_type_signer, &at->entry.signers, 0, &row);
    AT(there && at->entry.signers.count == 1 && row.signature.n == sizeof signature.b &&
           bcemr_span_equal(row.role, bcemr_text(role)) && bcemr_span_equal(row.who, who),
       BCEMR_BAD_ENTRY_SIGNATURE, "body");
    if (!there || row.signature.n != sizeof signature.b)
        FAIL(BCEMR_E_ABSENT, "signed", "signers");
    memcpy(signature.b, row.signature.p, sizeof signature.b);
    TRY(bcemr_entry_message(role, at->entry.entry, &message, err));
    AT(bcemr_ed_holds(&key, bcemr_buf_span(&message), &signature), BCEMR_BAD_ENTRY_SIGNATURE,
       "body");
    w->r->out->reissues++;
out:
    bcemr_buf_free(&message);
    return status;
}

static bcemr_status after(void *user, const bcemr_visit_log *log, const client_visit_leaf *at,
                          bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    walking *w = user;
    if (at->type == &bcemr_type_e_reissue)
        return on_reissue(w, log, at, err);
    AT(at->entry.signers.count == 0, BCEMR_BAD_ENTRY_SIGNATURE, "body");
    if (at->type == &bcemr_type_e_admit)
        TRY(on_admit(w, log, at, err));
    if (at->type == &bcemr_type_e_amend)
        TRY(on_amend(w, log, at, err));
    if (at->type == &bcemr_type_e_sign)
        TRY(on_sign(w, log, at, err));
out:
    return status;
}

/* The header is the ledger's own: nobody signs it, its block and time are those of the Seal. */
static bcemr_status check_header(const case_reader *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_tr_case_header *header = &r->out->header;
    const bcemr_leaf_parts *leaf = &r->header.parts;
    const bcemr_leaf_parts *seal = &r->body.items[r->body.count - 1].parts;
    REQUIRE(leaf->parts.signers.count == 0, BCEMR_BAD_CASE_BLOCK, "case-file", "header");
    REQUIRE(leaf->height == seal->height && leaf->tau == seal->tau, BCEMR_BAD_CASE_BLOCK,
            "case-file", "header");
    REQUIRE((header->height == 0) == bcemr_hash_equal(&header->previous, &r->anchor->ledger),
            BCEMR_BAD_CASE_BLOCK, "case-header", "previous");
out:
    return status;
}

bcemr_status case_check_entries(case_reader *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    walking w = {.r = r, .others = r->visit.log->signed_count};
    const client_visit_watcher watcher = {&w, after};
    bcemr_visit_log *log = bcemr_allocate(sizeof *log);
    r->out->step = BCEMR_CASE_ENTRIES;
    if (!log)
        FAIL(BCEMR_E_NO_MEMORY, "case-file", "body");
    TRY(check_header(r, err));
    TRY(client_visit_replay(&r->visit.list, &watcher, log, err));
    REQUIRE_AT(w.others == r->enrolments.count, BCEMR_BAD_CASE_FILE, "case-file", "enrolments",
               w.others);
    for (uint64_t i = 0; i < r->visit.log->signed_count; i++) {
        r->out->diagnoses[i].enrol = r->enrolled[i].entry;
        r->out->diagnoses[i].enrol_leaf = r->enrolments.items[i].index;
    }
out:
    bcemr_release(log);
    return status;
}

/* ---- sigma_n ---- */

bcemr_status case_check_sum(case_reader *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_visit_log *log = r->visit.log;
    bcemr_tr_cred *creds = bcemr_allocate(log->signed_count * sizeof *creds);
    bcemr_tr_sign *signs = bcemr_allocate(log->signed_count * sizeof *signs);
    r->out->step = BCEMR_CASE_SUM;
    if (!creds || !signs)
        FAIL(BCEMR_E_NO_MEMORY, "case-file", "body");
    for (uint64_t i = 0; i < log->signed_count; i++) {
        creds[i] = r->enrolled[i].cred;
        signs[i] = log->diagnoses[i].context;
    }
    REQUIRE_VALID(bcemr_multisignature_check(r->context, &r->anchor->authority, creds, signs,
                                             log->signed_count, &r->out->record_case.sigma, err),
                  "case", "sigma");
out:
    bcemr_release(creds);
    bcemr_release(signs);
    return status;
}

/* ---- what is opened ---- */

static bcemr_status opens(case_reader *r, const bcemr_tr_case_opened *o, uint64_t *documents,
                          bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_presence presence;
    bcemr_tr_manifest manifest;
    bcemr_case_diagnosis *d = &r->out->diagnoses[o->i - 1];
    TRY(client_diagnosis_opens(r->visit.log, o->i - 1, o->manifest, &o->salt, o->presence,
                               &d->waiver, err));
    if (d->waiver == 0) {
        TRY(bcemr_read_presence(o->presence, &presence, err));
        d->presence = presence.time;
    }
    TRY(bcemr_read_manifest(o->manifest, &manifest, err));
    d->opened = true;
    d->manifest = o->manifest;
    d->first_document = *documents;
    d->document_count = manifest.documents.count;
    *documents += manifest.documents.count;
    r->out->opened++;
out:
    return status;
}

bcemr_status case_check_opened(case_reader *r, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span manifests[BCEMR_TEAM_MAX];
    bcemr_tr_case_opened o;
    bcemr_error here = {0};
    uint64_t documents = 0, last = 0, n = 0;
    r->out->step = BCEMR_CASE_OPENED;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_case_opened, &r->file.opened);
    for (; n < BCEMR_TEAM_MAX && bcemr_list_next(&iter, &o); n++) {
        REQUIRE_AT(o.i > last && o.i <= r->visit.log->signed_count, BCEMR_BAD_CASE_FILE,
                   "case-file", "opened", n);
        if (o.i == 0 || o.i > r->visit.log->signed_count)
            FAIL(BCEMR_E_INTEGER_RANGE, "case-file", "opened");
        status = opens(r, &o, &documents, &here);
        if (status == BCEMR_E_REFUSED)
            (void)wire_refuse(&here, here.verdict, "case-file", "opened", n);
        if (status != BCEMR_OK && err)
            *err = here;
        TRY(status);
        last = o.i;
        manifests[n] = o.manifest;
    }
    TRY(bcemr_manifest_documents(manifests, n, &r->out->documents, &r->out->document_count, err));
out:
    return status;
}
