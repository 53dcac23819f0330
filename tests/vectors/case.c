/* SPDX-License-Identifier: Apache-2.0 */
/* case.json: case files that hold, and what must be refused at which step (docs/case-file.md). */
#include "support/case_corrupt.h"
#include "vectors/vectors.h"

#include <stdlib.h>

static const char *const steps[] = {
#define X(name, text) #name,
    BCEMR_CASE_STEPS(X)
#undef X
        "HOLDS"};

typedef struct maker {
    world w;
    bcemr_buf genesis; /* of every world: the same */
    bcemr_buf file, forged, content;
    case_pieces pieces;
} maker;

static void taken(uint32_t reason)
{
    if (reason != 0)
        abort();
}

/* What this project's verifier says of it, which must be what is wanted (NULL: anything). */
static void put(const maker *m, const char *name, const bcemr_buf *file, const char *wanted)
{
    bcemr_context *context = NULL;
    bcemr_error err = {0};
    bcemr_case_report report;
    must(bcemr_context_new(&context));
    const bcemr_status status =
        case_world_check(context, bcemr_buf_span(&m->genesis), bcemr_buf_span(file), &report, &err);
    const char *verdict = status == BCEMR_OK          ? "VALID"
                          : status == BCEMR_E_REFUSED ? bcemr_verdict_name(err.verdict)
                                                      : bcemr_status_name(status);
    if (wanted && strcmp(wanted, verdict) != 0)
        abort();
    vec_begin("case_file", name);
    vec_buf("file", file);
    vec_word("step", steps[report.step]);
    vec_word("verdict", verdict);
    vec_end();
    bcemr_case_report_free(&report);
    bcemr_context_free(context);
}

/* ---- a visit with something of everything ---- */

static const int tail[] = {2, 3};

static void play(maker *m, world_visit *v)
{
    world *w = &m->w;
    taken(world_join(w, &w->c.nodes[HOSPITAL_3]));
    taken(case_world_rekey(w, HOSPITAL_1, "hospital-1 anew"));
    taken(case_world_upgrade(w, 2, ledger_chain_height(w->chain) + 2, 3, 60000));
    taken(case_world_enrol_again(w, 0, "doctor-1 anew", BCEMR_NOWHERE));
    taken(world_retire(w, 2));
    taken(case_world_enrol_again(w, 2, "doctor-3 anew", CLOUD_1));
    world_visit_make(w, 1, 2, v);
    v->v.reissues = 3;
    taken(world_post_admit(w, v));
    taken(world_post_sign(w, v, 1, 0));
    taken(world_post_reissue(w, v, 1, 0)); /* by doctor-2, who never signs */
    taken(world_post_sign(w, v, 1, 1));
    taken(world_join(w, &w->c.nodes[CLOUD_3]));
    taken(world_post_amend(w, v, tail, 2));
    taken(case_world_upgrade(w, 3, ledger_chain_height(w->chain) + 2, 3, 30000));
    taken(world_post_sign(w, v, 2, 0));
    taken(world_post_sign(w, v, 3, 0));
    taken(world_post_reissue(w, v, 3, 0)); /* by the hospital */
    taken(world_post_sign(w, v, 3, 1));
    taken(world_post_seal(w, v));
    taken(world_leave(w, 4)); /* hospital-3 */
    case_world_checkpoint(w);
    must(case_world_make(w, &v->vid, &m->file, NULL));
    case_world_take_apart(bcemr_buf_span(&m->file), &m->pieces);
}

/* The pieces as they were changed. */
static void put_pieces(maker *m, const char *name, const char *wanted)
{
    must(case_world_put_together(&m->pieces, &m->forged));
    put(m, name, &m->forged, wanted);
    case_world_take_apart(bcemr_buf_span(&m->file), &m->pieces);
}

static void drop(bcemr_span *items, uint64_t *count, uint64_t i)
{
    --*count;
    memmove(items + i, items + i + 1, (size_t)(*count - i) * sizeof *items);
}

static void pieces_changed(maker *m)
{
    case_pieces *p = &m->pieces;
    drop(p->sets, &p->set_count, 1);
    put_pieces(m, "a change of the set is left out", "BAD_SET");
    drop(p->sets, &p->set_count, p->set_count - 1);
    put_pieces(m, "the last change of the set is left out", "BAD_SET");
    drop(p->upgrades, &p->upgrade_count, 0);
    put_pieces(m, "an upgrade is left out", "BAD_UPGRADE");
    p->upgrade_count = 0;
    put_pieces(m, "all upgrades are left out", "BAD_TICKET");
    drop(p->enrolments, &p->enrolment_count, 1);
    put_pieces(m, "an enrolment is left out", "NOT_ENROLLED");
    drop(p->enrolments, &p->enrolment_count, p->enrolment_count - 1);
    put_pieces(m, "the enrolment of who asked for a reissue is left out", "NOT_ENROLLED");
    p->enrolments[p->enrolment_count++] = p->enrolments[0];
    put_pieces(m, "an enrolment that nobody needs", "BAD_CASE_FILE");
    drop(p->body, &p->body_count, 4);
    put_pieces(m, "a leaf of the body is left out", NULL);
    const bcemr_span held = p->body[1];
    p->body[1] = p->body[2];
    p->body[2] = held;
    put_pieces(m, "two leaves of the body are exchanged", "BAD_CASE_FILE");
    p->value.header = p->body[0];
    put_pieces(m, "no case header", "BAD_CASE_FILE");
    must(bcemr_buf_set(&m->forged, bcemr_buf_span(&m->file)));
    must(bcemr_buf_append(&m->forged, bcemr_text("x")));
    put(m, "a byte follows", &m->forged, "BAD_CASE_FILE");
    m->forged.n -= 2;
    put(m, "cut by a byte", &m->forged, "BAD_CASE_FILE");
    m->forged.n++;
    case_world_take_apart(bcemr_buf_span(&m->forged), p);
    m->forged.p[(uint64_t)(p->value.checkpoint.p - m->forged.p) + p->value.checkpoint.n - 1] ^= 1;
    put(m, "the checkpoint's signature is another", &m->forged, "BAD_CHECKPOINT");
    case_world_take_apart(bcemr_buf_span(&m->file), p);
}

/* ---- diagnoses that can be opened ---- */

#define OPENED 2
static const char *const texts[OPENED] = {"no fracture is seen", ""};

typedef struct opening {
    bcemr_buf manifests[OPENED], presences[OPENED];
    bcemr_tr_content_item items[OPENED];
} opening;

/* Place i (from 0) signs what can be opened: one document; the second doctor waives the presence.
 */
static void diagnose(maker *m, const world_visit *v, uint64_t i, opening *o)
{
    world *w = &m->w;
    bcemr_tr_e_sign e;
    bcemr_span text = bcemr_text(texts[i]);
    const bcemr_source source = bcemr_source_bytes(&text);
    bcemr_tr_document document = {
        .name = bcemr_text("note.txt"), .media_type = bcemr_text("text/plain"), .length = text.n};
    bcemr_tr_manifest manifest = {.documents = BCEMR_LIST_OF(&document, 1)};
    bcemr_tr_presence presence;
    const bcemr_tr_waived waived = {BCEMR_waiver_REMOTE_READING};
    world_sign(w, v, i + 1, 0, &e);
    must(bcemr_source_hash(&source, NULL, &document.hash, NULL));
    const bcemr_tr_present present = {v->vid, v->team[i].doctor, known_nonce("presence"), e.time};
    must(bcemr_presence_make(&v->keys, &present, &presence, NULL));
    if (i == 0)
        (void)encode(&bcemr_type_presence, &presence, &o->presences[i]);
    else
        (void)encode(&bcemr_type_waived, &waived, &o->presences[i]);
    o->items[i] = (bcemr_tr_content_item){
        .time = e.time,
        .manifest = encode(&bcemr_type_manifest, &manifest, &o->manifests[i]),
        .salt = known_nonce(i == 0 ? "salt 1" : "salt 2"),
        .presence = bcemr_buf_span(&o->presences[i])};
    must(bcemr_commitment(&v->vid, i + 1, &o->items[i].salt, o->items[i].manifest,
                          o->items[i].presence, &e.commitment, NULL));
    world_sign_again(w, v, &e);
    taken(world_post(w, &bcemr_type_e_sign, &e, NULL, 0));
}

static void make_content(maker *m, const world_visit *v, const opening *o)
{
    bcemr_ed_signature signature;
    bcemr_buf head = BCEMR_BUF_EMPTY;
    uint8_t length[8];
    bcemr_ed_sign(&m->w.c.nodes[HOSPITAL_1].keys.a, bcemr_buf_span(&v->encoding), &signature);
    const bcemr_tr_content content = {.visit = bcemr_buf_span(&v->encoding),
                                      .signatures = BCEMR_LIST_OF(&signature, 1),
                                      .diagnoses = BCEMR_LIST_OF(o->items, OPENED),
                                      .identity = bcemr_text("the patient"),
                                      .r = known_nonce("r"),
                                      .r2 = known_nonce("r2")};
    (void)encode(&bcemr_type_content, &content, &head);
    bcemr_store_u64(length, head.n);
    must(bcemr_buf_append(&m->content, bcemr_span_of(length, sizeof length)));
    must(bcemr_buf_append(&m->content, bcemr_buf_span(&head)));
    for (int i = 0; i < OPENED; i++)
        must(bcemr_buf_append(&m->content, bcemr_text(texts[i])));
    bcemr_buf_free(&head);
}

static void make_opened(maker *m, const world_visit *v, uint64_t places)
{
    bcemr_ledger_view view;
    const bcemr_span span = bcemr_buf_span(&m->content);
    const bcemr_source source = bcemr_source_bytes(&span);
    ledger_chain_view(m->w.chain, &view);
    const bcemr_case_making making = {.context = m->w.c.context,
                                      .view = &view,
                                      .vid = v->vid,
                                      .content = &source,
                                      .places = places};
    const bcemr_sink sink = bcemr_sink_buffer(&m->file);
    bcemr_buf_clear(&m->file);
    must(bcemr_case_file_make(&making, &sink, NULL));
    case_world_take_apart(bcemr_buf_span(&m->file), &m->pieces);
}

static void opened_forged(maker *m)
{
    bcemr_buf waived = BCEMR_BUF_EMPTY;
    const bcemr_tr_waived value = {BCEMR_waiver_NO_DEVICE};
    case_pieces *p = &m->pieces;
    p->opened[0].salt.b[0] ^= 1;
    put_pieces(m, "a salt is another", "BAD_COMMITMENT");
    p->opened[0].presence = encode(&bcemr_type_waived, &value, &waived);
    put_pieces(m, "a waiver in place of a presence", "BAD_COMMITMENT");
    p->opened[1].i = 1;
    put_pieces(m, "one place twice", "BAD_CASE_FILE");
    p->opened[0].i = 2;
    p->opened_count = 1;
    put_pieces(m, "a presence with another doctor", "BAD_PRESENCE");
    p->opened_count = 0;
    put_pieces(m, "a document of a diagnosis that is not opened", "BAD_CASE_FILE");
    p->documents = bcemr_text("No fracture is seen");
    put_pieces(m, "a document is another", "BAD_DOCUMENT");
    p->documents = bcemr_text("no fracture is see");
    put_pieces(m, "a document is cut", "BAD_DOCUMENT");
    p->documents = bcemr_text("no fracture is seen.");
    put_pieces(m, "a byte follows the documents", "BAD_CASE_FILE");
    bcemr_buf_free(&waived);
}

static void opened(maker *m)
{
    world_visit v;
    opening o = {.manifests = {{0}}};
    world_begin(&m->w, 0);
    world_visit_make(&m->w, 1, OPENED, &v);
    taken(world_post_admit(&m->w, &v));
    for (uint64_t i = 0; i < OPENED; i++)
        diagnose(m, &v, i, &o);
    taken(world_post_seal(&m->w, &v));
    case_world_checkpoint(&m->w);
    make_content(m, &v, &o);
    make_opened(m, &v, 2);
    put(m, "the second of two diagnoses opened: a waiver, an empty document", &m->file, "VALID");
    make_opened(m, &v, 0);
    put(m, "both opened", &m->file, "VALID");
    opened_forged(m);
    for (int i = 0; i < OPENED; i++) {
        bcemr_buf_free(&o.manifests[i]);
        bcemr_buf_free(&o.presences[i]);
    }
    world_visit_free(&v);
    world_end(&m->w);
}

/* ---- the file ---- */

static void whole(maker *m)
{
    world_visit v;
    world_begin(&m->w, 0);
    must(bcemr_buf_append(&m->genesis, bcemr_buf_span(&m->w.c.signed_genesis)));
    vec_begin("case_genesis", "of every case file here");
    vec_buf("genesis", &m->genesis);
    VEC("ledger", m->w.c.ledger);
    vec_end();
    world_sealed_visit(&m->w, 2, 1, &v);
    case_world_checkpoint(&m->w);
    must(case_world_make(&m->w, &v.vid, &m->file, NULL));
    put(m, "one doctor", &m->file, "VALID");
    world_visit_free(&v);
    play(m, &v);
    put(m, "changes of set, parameters, keys and order; reissues", &m->file, "VALID");
    pieces_changed(m);
    world_visit_free(&v);
    world_end(&m->w);
}

void vectors_case(void)
{
    maker *m = bcemr_allocate(sizeof *m);
    must(m ? BCEMR_OK : BCEMR_E_NO_MEMORY);
    vec_open("case", "case files, whole and forged (docs/case-file.md)");
    whole(m);
    opened(m);
    for (uint64_t i = 0; i < case_corrupt_count; i++) {
        bcemr_buf_clear(&m->file);
        case_corrupt_make(&case_corrupts[i], &m->file);
        put(m, case_corrupts[i].name, &m->file, bcemr_verdict_name(case_corrupts[i].verdict));
    }
    vec_close();
    bcemr_buf_free(&m->genesis);
    bcemr_buf_free(&m->file);
    bcemr_buf_free(&m->forged);
    bcemr_buf_free(&m->content);
    bcemr_release(m);
}
