/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a corpus: every message, entry and leaf of a seeded story, one file each. */
#include "bcemr/case.h"
#include "bcemr/demo/stage.h"
#include "bcemr/demo/story.h"
#include "bcemr/random.h"

#include <stdio.h>
#include <string.h>

static const char *folder;

static void put(const char *target, const char *name, unsigned number, bcemr_span bytes)
{
    char path[4096];
    files_error err;
    (void)snprintf(path, sizeof path, "%s/%s", folder, target);
    (void)!files_make_folder(path, &err);
    (void)snprintf(path, sizeof path, "%s/%s/%s-%u", folder, target, name, number);
    (void)!files_write(path, bytes, FILES_REPLACE, &err);
}

static bcemr_status keep(world *w, world_point point, bcemr_buf *message)
{
    static unsigned number;
    const bcemr_type *type = bcemr_type_of(bcemr_buf_span(message));
    (void)w;
    (void)point;
    if (type && message->n <= 16384)
        put("wire", bcemr_type_name(type), number++, bcemr_buf_span(message));
    return BCEMR_OK;
}

static void keep_ledger(world *w)
{
    bcemr_buf leaf = BCEMR_BUF_EMPTY, visit = BCEMR_BUF_EMPTY, set = BCEMR_BUF_EMPTY;
    for (uint64_t i = 0; i < ledger_chain_size(w->chain); i++) {
        bcemr_buf_clear(&leaf);
        if (ledger_chain_leaf(w->chain, i, &leaf) == BCEMR_OK)
            put("proof", "leaf", (unsigned)i, bcemr_buf_span(&leaf));
    }
    if (w->view.visit(w->view.user, &w->vid, &visit) == BCEMR_OK)
        put("visit_log", "visit", 0, bcemr_buf_span(&visit));
    if (w->view.set(w->view.user, BCEMR_NOW, &set) == BCEMR_OK)
        put("proof", "set", 0, bcemr_buf_span(&set));
    put("decode", "g2", 0, bcemr_span_of(w->nodes[0].publics.x.b, 96));
    put("decode", "g1", 0, bcemr_span_of(w->visit.keys.pkv.b, 48));
    put("decode", "ed25519", 0, bcemr_span_of(w->nodes[0].publics.a.b, 32));
    put("decode", "x25519", 0, bcemr_span_of(w->nodes[0].publics.e.b, 32));
    bcemr_buf_free(&leaf);
    bcemr_buf_free(&visit);
    bcemr_buf_free(&set);
}

/* A contribution in clear: two small documents, one of them empty. */
static void keep_parts(void)
{
    static const uint8_t text[] = "short";
    bcemr_tr_document documents[2] = {
        {.name = bcemr_text("a.txt"), .media_type = bcemr_text("text/plain"), .length = 5},
        {.name = bcemr_text("b.txt"), .media_type = bcemr_text("text/plain"), .length = 0}};
    bcemr_span bytes[2] = {{text, 5}, {text, 0}};
    bcemr_source sources[2] = {bcemr_source_bytes(&bytes[0]), bcemr_source_bytes(&bytes[1])};
    bcemr_buf manifest = BCEMR_BUF_EMPTY, head = BCEMR_BUF_EMPTY, whole = BCEMR_BUF_EMPTY;
    bcemr_buf waived = BCEMR_BUF_EMPTY;
    bcemr_composed composed;
    const bcemr_tr_waived w = {BCEMR_waiver_NO_DEVICE};
    bool ok = bcemr_source_hash(&sources[0], NULL, &documents[0].hash, NULL) == BCEMR_OK &&
              bcemr_source_hash(&sources[1], NULL, &documents[1].hash, NULL) == BCEMR_OK &&
              bcemr_write_waived(&w, &waived, NULL) == BCEMR_OK;
    const bcemr_tr_manifest m = {.documents = BCEMR_LIST_OF(documents, 2)};
    ok = ok && bcemr_write_manifest(&m, &manifest, NULL) == BCEMR_OK;
    const bcemr_tr_contribution c = {
        .i = 1, .manifest = bcemr_buf_span(&manifest), .presence = bcemr_buf_span(&waived)};
    ok = ok && bcemr_write_contribution(&c, &head, NULL) == BCEMR_OK;
    bcemr_source all = bcemr_composed_source(&composed, bcemr_buf_span(&head), sources, 2);
    ok = ok && bcemr_buf_reserve(&whole, all.length) == BCEMR_OK &&
         all.read(all.user, 0, whole.p, all.length) == BCEMR_OK;
    whole.n = ok ? all.length : 0;
    if (ok)
        put("parts", "contribution", 0, bcemr_buf_span(&whole));
    bcemr_buf_free(&manifest);
    bcemr_buf_free(&head);
    bcemr_buf_free(&whole);
    bcemr_buf_free(&waived);
}

/* What fuzz_apply reads: each entry of a quarter of its history changed, under other signers, and
 * as it was, a few a block; stretches as they were; and what comes late, again and in pieces. */
static void keep_apply(void)
{
    for (unsigned base = 0; base < 4; base++) {
        uint8_t all[1024];
        uint64_t n = 0;
        all[n++] = (uint8_t)base;
        for (unsigned i = base * 60; i < base * 60 + 60; i++) {
            const uint8_t one[] = {2,
                                   (uint8_t)i,
                                   (uint8_t)(i % 3),
                                   (uint8_t)(i * 7),
                                   1,
                                   4,
                                   (uint8_t)i,
                                   (uint8_t)(i + 1),
                                   0,
                                   (uint8_t)i,
                                   8};
            memcpy(all + n, one, sizeof one);
            n += i % 4 == 3 ? sizeof one : sizeof one - 1; /* a block ends now and then */
        }
        put("apply", "each", base, bcemr_span_of(all, n));
    }
    put("apply", "history", 0, bcemr_span_of("\0\6\0\37\10\6\37\37\10\6\76\37", 12));
    put("apply", "again", 0, bcemr_span_of("\1\6\74\37\0\76\0\77\10\0\76\0\100\10", 14));
    put("apply", "spliced", 0,
        bcemr_span_of("\2\6\170\20\1\171\201\0\200\0\200\40\10\4\172\201\10", 17));
    put("apply", "damaged", 0, bcemr_span_of("\3\2\264\1\0\1\3\265\0\100\5\3abc\10", 16));
    put("apply", "late", 0, bcemr_span_of("\1\0\74\0\75\7\20\0\6\76\37\11\377\377\6\135\37", 17));
}

/* A genesis and a case file: nothing opened, and the diagnosis of one place. */
static bcemr_status keep_case(world *w, uint64_t place)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf file = BCEMR_BUF_EMPTY, whole = BCEMR_BUF_EMPTY;
    char content[1200], path[1200];
    uint8_t length[8];
    const char *documents[64];
    (void)snprintf(content, sizeof content, "%.900s/content", w->folder);
    (void)snprintf(path, sizeof path, "%.900s/case", w->folder);
    for (uint64_t i = 0; i < w->opened_count && i < 64; i++)
        documents[i] = w->opened[i].path;
    const case_writing writing = {.context = w->context,
                                  .view = &w->view,
                                  .vid = &w->vid,
                                  .content = place > 0 ? content : NULL,
                                  .places = place > 0 ? (uint64_t)1 << (place - 1) : 0,
                                  .path = path,
                                  .how = FILES_REPLACE};
    DO(case_content_write(content, FILES_REPLACE, bcemr_buf_span(&w->content_head), documents,
                          w->opened_count, &w->error, &w->file_error));
    DO(case_write(&writing, &w->error, &w->file_error));
    DO(files_read(path, 1u << 20, &file, &w->file_error));
    bcemr_store_u64(length, w->genesis.n);
    DO(bcemr_buf_append(&whole, bcemr_span_of(length, sizeof length)));
    DO(bcemr_buf_append(&whole, bcemr_buf_span(&w->genesis)));
    DO(bcemr_buf_append(&whole, bcemr_buf_span(&file)));
    put("case_file", "case", (unsigned)place, bcemr_buf_span(&whole));
out:
    bcemr_buf_free(&file);
    bcemr_buf_free(&whole);
    return status;
}

int main(int argc, char **argv)
{
    const demo_options options = {.doctors = 3, .threads = 1, .seed = "corpus"};
    static world w;
    report r;
    stage s = {0};
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    folder = argv[1];
    random_permit();
    report_begin(&r, stdout, stderr, false);
    r.quiet = true;
    bool ok = stage_open_scratch(&s, &r, &options) && stage_world(&s, &w, s.folder) == BCEMR_OK;
    w.hand = keep;
    ok = ok && story_until(&w, WORLD_PHASES) == BCEMR_OK;
    ok = ok && keep_case(&w, 0) == BCEMR_OK && keep_case(&w, 2) == BCEMR_OK;
    if (ok) {
        keep_ledger(&w);
        keep_parts();
        put("follow", "honest", 0, bcemr_span_of("\0", 1));
        put("follow", "head", 0, bcemr_span_of("\202\0\50\1\205\0\40\7\0\0\0\0\0\0\0", 15));
        put("follow", "leaves", 0, bcemr_span_of("\0\2\2\0\1\0\6\1\0\40", 10));
        put("follow", "proof", 0, bcemr_span_of("\0\0\2\0\200\1\0\0\4\0\120", 11));
        put("follow", "silent", 0, bcemr_span_of("\1\1\0\1\0\0\0\1\1", 9));
        keep_apply();
        put("story", "none", 0, bcemr_span_of("\0\0\0", 3));
        put("story", "one", 0, bcemr_span_of("\5\200\1", 3));
        put("story", "two", 0, bcemr_span_of("\3\100\1\30\20\200", 6));
    }
    world_close(&w);
    stage_close(&s);
    return ok ? 0 : 1;
}
