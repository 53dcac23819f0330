/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads in windows, and head and documents as one run of bytes, put together and taken apart
 * (section 5). */
#include "client/client_test.h"

#include <bcemr/content.h>
#include <bcemr/hash.h>
#include <sodium.h>

/* ---- sources and sinks that fail ---- */

/* Bytes by place, so that long sources need no memory. */
static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 31 + (offset >> 8) * 7 + (offset >> 16));
}

typedef struct pattern {
    uint64_t fails_at; /* a read that touches this byte fails; UINT64_MAX never */
    uint64_t longest;  /* longest read so far */
} pattern;

static bcemr_status read_pattern(void *user, uint64_t offset, uint8_t *out, uint64_t n)
{
    pattern *p = user;
    p->longest = n > p->longest ? n : p->longest;
    if (p->fails_at >= offset && p->fails_at - offset < n)
        return BCEMR_E_IO;
    for (uint64_t i = 0; i < n; i++)
        out[i] = byte_at(offset + i);
    return BCEMR_OK;
}

static bcemr_source pattern_source(pattern *p, uint64_t length)
{
    *p = (pattern){UINT64_MAX, 0};
    return (bcemr_source){p, length, read_pattern};
}

typedef struct narrow {
    bcemr_buf buf;
    uint64_t room; /* bytes that still fit */
    bcemr_status full;
} narrow;

static bcemr_status write_narrow(void *user, bcemr_span bytes)
{
    narrow *s = user;
    if (bytes.n > s->room)
        return s->full;
    s->room -= bytes.n;
    return bcemr_buf_append(&s->buf, bytes);
}

static bcemr_sink narrow_sink(narrow *s)
{
    return (bcemr_sink){s, write_narrow};
}

typedef struct stopper {
    uint64_t after; /* stop once so much is done */
    uint64_t told, last, total;
} stopper;

static bcemr_status tell(void *user, uint64_t done, uint64_t total)
{
    stopper *s = user;
    assert_true(done > s->last && done <= total);
    s->told++;
    s->last = done;
    s->total = total;
    return done >= s->after ? BCEMR_E_INTERRUPTED : BCEMR_OK;
}

/* ---- the payload ---- */

static bcemr_stream stream_of(uint64_t length)
{
    static const bcemr_key key = {{7}};
    bcemr_stream stream;
    OK(bcemr_stream_begin(&key, bcemr_text("a place"), length, &stream));
    return stream;
}

static const uint64_t lengths[] = {
    1,       BCEMR_CHUNK - 1, BCEMR_CHUNK,          BCEMR_CHUNK + 1, 3 * BCEMR_CHUNK, (1 << 20) - 1,
    1 << 20, (1 << 20) + 1,   3 * (1 << 20) + 12345};

/* One window or many: the same bytes, the same root. */
static void windows_do_not_show(void **state)
{
    static const uint64_t windows[] = {0, 1, BCEMR_CHUNK, 3 * BCEMR_CHUNK + 1, 1 << 22};
    (void)state;
    for (size_t l = 0; l < COUNT(lengths); l++) {
        bcemr_buf first = BCEMR_BUF_EMPTY;
        bcemr_hash first_root;
        for (size_t w = 0; w < COUNT(windows); w++) {
            pattern p;
            bcemr_buf sealed = BCEMR_BUF_EMPTY, opened = BCEMR_BUF_EMPTY;
            const bcemr_stream stream = stream_of(lengths[l]);
            const bcemr_run run = {.window = windows[w]};
            const bcemr_source source = pattern_source(&p, lengths[l]);
            const bcemr_sink to = bcemr_sink_buffer(&sealed), back = bcemr_sink_buffer(&opened);
            bcemr_hash root, again;
            OK(bcemr_payload_seal(&stream, &source, &run, &to, &root, &why));
            assert_int_equal(sealed.n, bcemr_stream_sealed_length(lengths[l]));
            uint64_t most = windows[w] ? (windows[w] + BCEMR_CHUNK - 1) / BCEMR_CHUNK : 16;
            assert_true(p.longest <= most * BCEMR_CHUNK);
            const bcemr_span bytes = bcemr_buf_span(&sealed);
            const bcemr_source from = bcemr_source_bytes(&bytes);
            OK(bcemr_payload_root(&from, &run, &again, &why));
            assert_memory_equal(&again, &root, sizeof root);
            OK(bcemr_payload_open(&stream, &from, &run, BCEMR_BAD_CHUNK, &back, &again, &why));
            assert_memory_equal(&again, &root, sizeof root);
            assert_int_equal(opened.n, lengths[l]);
            for (uint64_t i = 0; i < opened.n; i += i < 100 ? 1 : 997)
                assert_int_equal(opened.p[i], byte_at(i));
            if (w == 0) {
                first = sealed;
                first_root = root;
                sealed = BCEMR_BUF_EMPTY;
            } else {
                assert_true(bcemr_span_equal(bcemr_buf_span(&first), bytes));
                assert_memory_equal(&first_root, &root, sizeof root);
            }
            bcemr_buf_free(&sealed);
            bcemr_buf_free(&opened);
        }
        bcemr_buf_free(&first);
    }
}

/* A sealed payload of three windows and a bit, one chunk each. */
typedef struct sealed_payload {
    bcemr_stream stream;
    bcemr_run run;
    bcemr_buf bytes;
    bcemr_span span;
    bcemr_hash root;
} sealed_payload;

#define LENGTH (3 * (uint64_t)BCEMR_CHUNK + 100)

static void seal_three(sealed_payload *s)
{
    pattern p;
    const bcemr_source source = pattern_source(&p, LENGTH);
    *s = (sealed_payload){.stream = stream_of(LENGTH), .run = {.window = BCEMR_CHUNK}};
    const bcemr_sink sink = bcemr_sink_buffer(&s->bytes);
    OK(bcemr_payload_seal(&s->stream, &source, &s->run, &sink, &s->root, &why));
    s->span = bcemr_buf_span(&s->bytes);
}

/* What comes out before the bad chunk is right, and of it and after it comes nothing. */
static void a_bad_chunk_releases_nothing_of_itself(void **state)
{
    sealed_payload s;
    (void)state;
    seal_three(&s);
    for (uint64_t chunk = 0; chunk < 4; chunk++) {
        narrow out = {BCEMR_BUF_EMPTY, UINT64_MAX, BCEMR_OK};
        const bcemr_sink sink = narrow_sink(&out);
        const bcemr_source source = bcemr_source_bytes(&s.span);
        bcemr_hash root;
        s.bytes.p[chunk * BCEMR_CHUNK_SEALED + 50] ^= 1;
        REFUSED(BCEMR_BAD_CHUNK, bcemr_payload_open(&s.stream, &source, &s.run, BCEMR_BAD_CHUNK,
                                                    &sink, &root, &why));
        assert_int_equal(why.index, chunk);
        assert_int_equal(out.buf.n, chunk * BCEMR_CHUNK);
        s.bytes.p[chunk * BCEMR_CHUNK_SEALED + 50] ^= 1;
        bcemr_buf_free(&out.buf);
    }
    bcemr_buf_free(&s.bytes);
}

static void the_sealed_length_is_that_of_the_stream(void **state)
{
    sealed_payload s;
    (void)state;
    seal_three(&s);
    for (int longer = 0; longer < 2; longer++) {
        bcemr_buf bytes = BCEMR_BUF_EMPTY;
        const bcemr_sink nowhere = bcemr_sink_nowhere();
        bcemr_hash root;
        OK(bcemr_buf_set(&bytes, s.span));
        OK(bcemr_buf_append(&bytes, bcemr_text("x")));
        const bcemr_span span = {bytes.p, longer ? bytes.n : bytes.n - 2};
        const bcemr_source source = bcemr_source_bytes(&span);
        REFUSED(BCEMR_BAD_LENGTH, bcemr_payload_open(&s.stream, &source, &s.run, BCEMR_BAD_CHUNK,
                                                     &nowhere, &root, &why));
        bcemr_buf_free(&bytes);
    }
    /* chunks cut off whole, chunks that change places */
    const bcemr_span three = {s.bytes.p, 3 * BCEMR_CHUNK_SEALED};
    const bcemr_source cut = bcemr_source_bytes(&three);
    const bcemr_sink nowhere = bcemr_sink_nowhere();
    bcemr_hash root;
    const bcemr_stream shorter = stream_of(3 * (uint64_t)BCEMR_CHUNK);
    REFUSED(BCEMR_BAD_CHUNK,
            bcemr_payload_open(&shorter, &cut, &s.run, BCEMR_BAD_CHUNK, &nowhere, &root, &why));
    assert_int_equal(why.index, 2); /* it was not the last one */
    bcemr_buf_free(&s.bytes);
}

static void sources_and_sinks_may_fail(void **state)
{
    sealed_payload s;
    pattern p;
    stopper stop = {.after = 2 * (uint64_t)BCEMR_CHUNK_SEALED};
    bcemr_hash root;
    (void)state;
    seal_three(&s);
    const bcemr_source sealed = bcemr_source_bytes(&s.span);
    const bcemr_sink nowhere = bcemr_sink_nowhere();
    bcemr_source source = pattern_source(&p, LENGTH);
    for (p.fails_at = 0; p.fails_at < LENGTH; p.fails_at += BCEMR_CHUNK) {
        FAILS(BCEMR_E_IO, bcemr_payload_seal(&s.stream, &source, &s.run, &nowhere, &root, &why));
        FAILS(BCEMR_E_IO, bcemr_payload_root(&source, &s.run, &root, &why));
        FAILS(BCEMR_E_IO, bcemr_source_hash(&source, &s.run, &root, &why));
    }
    for (uint64_t room = 0; room < LENGTH; room += BCEMR_CHUNK) {
        narrow out = {BCEMR_BUF_EMPTY, room, BCEMR_E_TOO_LONG};
        const bcemr_sink sink = narrow_sink(&out);
        source = pattern_source(&p, LENGTH);
        assert_int_equal(bcemr_payload_seal(&s.stream, &source, &s.run, &sink, &root, NULL),
                         BCEMR_E_TOO_LONG);
        assert_int_equal(
            bcemr_payload_open(&s.stream, &sealed, &s.run, BCEMR_BAD_CHUNK, &sink, &root, NULL),
            BCEMR_E_TOO_LONG);
        assert_true(out.buf.n <= room);
        bcemr_buf_free(&out.buf);
    }
    const bcemr_progress progress = {&stop, tell};
    s.run.progress = &progress;
    FAILS(BCEMR_E_INTERRUPTED,
          bcemr_payload_open(&s.stream, &sealed, &s.run, BCEMR_BAD_CHUNK, &nowhere, &root, &why));
    assert_int_equal(stop.told, 2);
    assert_int_equal(stop.total, s.span.n);
    stop = (stopper){.after = 1};
    FAILS(BCEMR_E_INTERRUPTED, bcemr_payload_root(&sealed, &s.run, &root, &why));
    stop = (stopper){.after = LENGTH};
    FAILS(BCEMR_E_INTERRUPTED,
          bcemr_payload_seal(&s.stream, &source, &s.run, &nowhere, &root, &why));
    assert_int_equal(stop.told, 4);
    source.length--;
    FAILS(BCEMR_E_ARGUMENT, bcemr_payload_seal(&s.stream, &source, NULL, &nowhere, &root, &why));
    bcemr_buf_free(&s.bytes);
}

static void a_source_hashes_like_its_bytes(void **state)
{
    (void)state;
    for (size_t l = 0; l < COUNT(lengths); l++) {
        pattern p;
        bcemr_document_hash hash;
        bcemr_hash whole, windowed;
        const bcemr_source source = pattern_source(&p, lengths[l]);
        const bcemr_run run = {.window = 1};
        uint8_t *bytes = bcemr_allocate(lengths[l]);
        assert_non_null(bytes);
        OK(read_pattern(&p, 0, bytes, lengths[l]));
        bcemr_document_begin(&hash);
        bcemr_document_feed(&hash, bcemr_span_of(bytes, lengths[l]));
        bcemr_document_end(&hash, &whole);
        OK(bcemr_source_hash(&source, &run, &windowed, &why));
        assert_memory_equal(&whole, &windowed, sizeof whole);
        bcemr_release(bytes);
    }
}

/* ---- head and documents ---- */

#define DOCUMENTS 6

typedef struct record {
    bcemr_buf head;
    uint64_t count;
    uint64_t sizes[DOCUMENTS];
    pattern patterns[DOCUMENTS];
    bcemr_source sources[DOCUMENTS];
    bcemr_tr_document documents[DOCUMENTS];
    bcemr_buf content; /* all of it as one run */
    /* what the reader gave */
    uint64_t heads, opened;
    narrow out[DOCUMENTS];
    bcemr_status head_answer, open_answer;
} record;

static void record_make(record *r, uint64_t head, const uint64_t *sizes, uint64_t count)
{
    memset(r, 0, sizeof *r);
    r->count = count;
    for (uint64_t i = 0; i < head; i++)
        OK(bcemr_buf_append(&r->head, bcemr_text("h")));
    for (uint64_t i = 0; i < count; i++) {
        r->sizes[i] = sizes[i];
        r->sources[i] = pattern_source(&r->patterns[i], sizes[i]);
        r->documents[i] =
            (bcemr_tr_document){bcemr_text("a"), bcemr_text("text/plain"), sizes[i], {{0}}};
        r->out[i] = (narrow){BCEMR_BUF_EMPTY, UINT64_MAX, BCEMR_E_IO};
        OK(bcemr_source_hash(&r->sources[i], NULL, &r->documents[i].hash, &why));
    }
    bcemr_composed composed;
    const bcemr_source whole =
        bcemr_composed_source(&composed, bcemr_buf_span(&r->head), r->sources, count);
    OK(bcemr_buf_reserve(&r->content, whole.length + 1)); /* room for a byte too many */
    OK(whole.read(whole.user, 0, r->content.p, whole.length));
    r->content.n = whole.length;
}

static void record_free(record *r)
{
    bcemr_buf_free(&r->head);
    bcemr_buf_free(&r->content);
    for (uint64_t i = 0; i < DOCUMENTS; i++)
        bcemr_buf_free(&r->out[i].buf);
}

static bcemr_status on_head(void *user, bcemr_span head, const bcemr_tr_document **documents,
                            uint64_t *count, bcemr_error *err)
{
    record *r = user;
    (void)err;
    r->heads++;
    assert_true(bcemr_span_equal(head, bcemr_buf_span(&r->head)));
    *documents = r->documents;
    *count = r->count;
    return r->head_answer;
}

static bcemr_status open_one(void *user, uint64_t index, const bcemr_tr_document *document,
                             bcemr_sink *sink)
{
    record *r = user;
    assert_int_equal(index, r->opened);
    assert_ptr_equal(document, &r->documents[index]);
    r->opened++;
    *sink = narrow_sink(&r->out[index]);
    return r->open_answer;
}

/* Takes bytes apart, piece bytes at a time. */
static bcemr_status take_apart(record *r, bcemr_span bytes, uint64_t piece, bool keep)
{
    bcemr_parts_reader *reader = NULL;
    const bcemr_parts parts = {r, on_head, keep ? open_one : NULL};
    r->heads = r->opened = 0;
    for (uint64_t i = 0; i < DOCUMENTS; i++)
        bcemr_buf_clear(&r->out[i].buf);
    bcemr_status status = bcemr_parts_reader_new(&parts, &reader);
    if (status != BCEMR_OK)
        return status;
    const bcemr_sink sink = bcemr_parts_reader_sink(reader);
    for (uint64_t at = 0; at < bytes.n && status == BCEMR_OK; at += piece)
        status = sink.write(
            sink.user, bcemr_span_of(bytes.p + at, bytes.n - at < piece ? bytes.n - at : piece));
    if (status != BCEMR_OK) {
        assert_int_equal(bcemr_parts_reader_error(reader)->status, status);
        /* what failed once stays failed, to the same words */
        bcemr_error later = {0};
        assert_int_equal(bcemr_parts_reader_finish(reader, &later), status);
        assert_memory_equal(&later, bcemr_parts_reader_error(reader), sizeof later);
        why = later;
    } else {
        status = bcemr_parts_reader_finish(reader, &why);
    }
    bcemr_parts_reader_free(reader);
    return status;
}

static const uint64_t shapes[][DOCUMENTS] = {
    {5, 7, 9, 1, 1, 1}, {0, 7, 9, 1, 1, 1},         {5, 0, 9, 1, 1, 1},
    {5, 7, 9, 1, 1, 0}, {0, 0, 0, 0, 0, 0},         {0, 0, 5, 0, 0, 0},
    {5, 0, 0, 0, 0, 7}, {0, 65536, 0, 1, 65537, 0}, {200000, 1, 0, 65535, 3, 0},
};

static void documents_come_back_however_they_are_cut(void **state)
{
    static const uint64_t pieces[] = {1, 3, 8, 9, 65536, UINT64_MAX};
    (void)state;
    for (size_t s = 0; s < COUNT(shapes); s++)
        for (uint64_t count = 0; count <= DOCUMENTS; count += 3) {
            record r;
            record_make(&r, 20, shapes[s], count);
            for (size_t p = 0; p < COUNT(pieces); p++) {
                OK(take_apart(&r, bcemr_buf_span(&r.content), pieces[p], true));
                assert_int_equal(r.heads, 1);
                assert_int_equal(r.opened, count);
                for (uint64_t d = 0; d < count; d++) {
                    assert_int_equal(r.out[d].buf.n, r.sizes[d]);
                    for (uint64_t i = 0; i < r.sizes[d]; i += i < 10 ? 1 : 1009)
                        assert_int_equal(r.out[d].buf.p[i], byte_at(i));
                }
                OK(take_apart(&r, bcemr_buf_span(&r.content), pieces[p], false));
            }
            record_free(&r);
        }
}

static void composed_bytes_are_the_same_from_anywhere(void **state)
{
    record r;
    bcemr_composed composed;
    uint8_t part[64];
    (void)state;
    record_make(&r, 20, shapes[5], DOCUMENTS);
    bcemr_source whole =
        bcemr_composed_source(&composed, bcemr_buf_span(&r.head), r.sources, DOCUMENTS);
    assert_int_equal(bcemr_load_u64(r.content.p), 20);
    for (uint64_t at = 0; at <= whole.length; at++)
        for (uint64_t n = 0; n <= whole.length - at; n++) {
            OK(whole.read(whole.user, at, part, n));
            assert_memory_equal(part, r.content.p + at, n);
        }
    assert_int_equal(whole.read(whole.user, whole.length, part, 1), BCEMR_E_ARGUMENT);
    assert_int_equal(whole.read(whole.user, 0, part, whole.length + 1), BCEMR_E_ARGUMENT);
    r.patterns[2].fails_at = 3;
    assert_int_equal(whole.read(whole.user, 0, part, whole.length), BCEMR_E_IO);
    OK(whole.read(whole.user, 0, part, 28 + 3));
    record_free(&r);
}

/* A bit, a byte too many, a byte too few: each is named, and where. */
static void what_does_not_fit_is_refused(void **state)
{
    record r;
    (void)state;
    record_make(&r, 20, (const uint64_t[]){5, 0, 7}, 3);
    const bcemr_span whole = bcemr_buf_span(&r.content);
    for (uint64_t i = 28; i < whole.n; i++) {
        r.content.p[i] ^= 1;
        REFUSED(BCEMR_BAD_DOCUMENT, take_apart(&r, whole, 4, true));
        assert_int_equal(why.index, i < 33 ? 0 : 2);
        r.content.p[i] ^= 1;
    }
    for (uint64_t n = 28; n < whole.n; n++) {
        REFUSED(BCEMR_BAD_DOCUMENT, take_apart(&r, bcemr_span_of(whole.p, n), 4, true));
        assert_int_equal(why.index, n < 33 ? 0 : 2);
    }
    for (uint64_t n = 0; n < 28; n++)
        REFUSED(BCEMR_BAD_CONTENT, take_apart(&r, bcemr_span_of(whole.p, n), 4, true));
    OK(bcemr_buf_append(&r.content, bcemr_text("x")));
    REFUSED(BCEMR_BAD_CONTENT, take_apart(&r, bcemr_buf_span(&r.content), 4, true));
    r.content.n--;
    r.documents[1].hash.b[0] ^= 1; /* also one without a byte has a hash */
    REFUSED(BCEMR_BAD_DOCUMENT, take_apart(&r, whole, 4, true));
    assert_int_equal(why.index, 1);
    r.documents[1].hash.b[0] ^= 1;
    OK(take_apart(&r, whole, 4, true));
    record_free(&r);
    record_make(&r, 20, (const uint64_t[]){5, 0}, 2);
    r.documents[1].hash.b[0] ^= 1; /* nor at the end */
    REFUSED(BCEMR_BAD_DOCUMENT, take_apart(&r, bcemr_buf_span(&r.content), 4, true));
    assert_int_equal(why.index, 1);
    r.documents[1].hash.b[0] ^= 1;
    r.documents[0].length = 6; /* the next one's bytes are not there to take */
    REFUSED(BCEMR_BAD_DOCUMENT, take_apart(&r, bcemr_buf_span(&r.content), 4, true));
    r.documents[0].length = 4;
    REFUSED(BCEMR_BAD_DOCUMENT, take_apart(&r, bcemr_buf_span(&r.content), 4, true));
    record_free(&r);
}

static void a_head_has_its_limit(void **state)
{
    record r;
    uint64_t allocations;
    static const uint64_t bad[] = {0, BCEMR_HEAD_MAX + 1, 1ull << 40, UINT64_MAX};
    (void)state;
    record_make(&r, 20, shapes[0], 1);
    for (size_t i = 0; i < COUNT(bad); i++) {
        bcemr_store_u64(r.content.p, bad[i]);
        bcemr_switch_fail_allocation(0);
        REFUSED(BCEMR_BAD_CONTENT, take_apart(&r, bcemr_buf_span(&r.content), 1000, true));
        allocations = bcemr_switch_allocations();
        assert_int_equal(allocations, 1); /* the reader; nothing of such a size */
        assert_int_equal(r.heads, 0);
    }
    record_free(&r);
    record_make(&r, BCEMR_HEAD_MAX, shapes[0], 1);
    OK(take_apart(&r, bcemr_buf_span(&r.content), 65521, true));
    assert_int_equal(r.heads, 1);
    record_free(&r);
}

static void callbacks_may_fail(void **state)
{
    record r;
    (void)state;
    record_make(&r, 20, shapes[0], 3);
    r.head_answer = BCEMR_E_TEXT;
    FAILS(BCEMR_E_TEXT, take_apart(&r, bcemr_buf_span(&r.content), 5, true));
    assert_int_equal(r.opened, 0);
    r.head_answer = BCEMR_OK;
    r.open_answer = BCEMR_E_EXISTS;
    FAILS(BCEMR_E_EXISTS, take_apart(&r, bcemr_buf_span(&r.content), 5, true));
    assert_int_equal(r.opened, 1);
    r.open_answer = BCEMR_OK;
    for (uint64_t d = 0; d < 3; d++) {
        r.out[d].room = 2;
        FAILS(BCEMR_E_IO, take_apart(&r, bcemr_buf_span(&r.content), 5, true));
        assert_int_equal(r.opened, d + 1);
        r.out[d].room = UINT64_MAX;
    }
    OK(take_apart(&r, bcemr_buf_span(&r.content), 5, true));
    record_free(&r);
    /* at the end, where no byte opens a document any more */
    record_make(&r, 20, (const uint64_t[]){0}, 1);
    r.open_answer = BCEMR_E_EXISTS;
    assert_int_equal(take_apart(&r, bcemr_buf_span(&r.content), 5, true), BCEMR_E_EXISTS);
    record_free(&r);
}

/* ---- documents of manifests ---- */

static void manifest_of(uint64_t first, uint64_t count, bcemr_buf *out)
{
    bcemr_tr_document documents[4] = {0};
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    for (uint64_t i = 0; i < count; i++)
        documents[i] = (bcemr_tr_document){
            bcemr_text(names[first + i]), bcemr_text("text/plain"), first + i, {{0}}};
    const bcemr_tr_manifest m = {.documents = BCEMR_LIST_OF(documents, count)};
    OK(bcemr_write_manifest(&m, out, &why));
}

static void documents_of_manifests_come_in_order(void **state)
{
    bcemr_buf m[3] = {{0}};
    bcemr_tr_document *documents = NULL;
    uint64_t count = 0;
    (void)state;
    manifest_of(0, 2, &m[0]);
    manifest_of(0, 0, &m[1]);
    manifest_of(2, 3, &m[2]);
    bcemr_span spans[3] = {bcemr_buf_span(&m[0]), bcemr_buf_span(&m[1]), bcemr_buf_span(&m[2])};
    OK(bcemr_manifest_documents(spans, 3, &documents, &count, &why));
    assert_int_equal(count, 5);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(documents[i].length, i);
    bcemr_release(documents);
    OK(bcemr_manifest_documents(&spans[1], 1, &documents, &count, &why));
    assert_int_equal(count, 0);
    bcemr_release(documents);
    spans[2].n--;
    FAILS(BCEMR_E_TRUNCATED, bcemr_manifest_documents(spans, 3, &documents, &count, &why));
    assert_null(documents);
    for (int i = 0; i < 3; i++)
        bcemr_buf_free(&m[i]);
}

/* ---- no memory ---- */

static bcemr_status seal_and_open(void)
{
    pattern p;
    bcemr_hash root;
    bcemr_buf sealed = BCEMR_BUF_EMPTY;
    const bcemr_stream stream = stream_of(100);
    const bcemr_source source = pattern_source(&p, 100);
    const bcemr_sink sink = bcemr_sink_buffer(&sealed), nowhere = bcemr_sink_nowhere();
    bcemr_status status = bcemr_payload_seal(&stream, &source, NULL, &sink, &root, &why);
    const bcemr_span bytes = bcemr_buf_span(&sealed);
    const bcemr_source from = bcemr_source_bytes(&bytes);
    if (status == BCEMR_OK)
        status = bcemr_payload_root(&from, NULL, &root, &why);
    if (status == BCEMR_OK)
        status = bcemr_payload_open(&stream, &from, NULL, BCEMR_BAD_CHUNK, &nowhere, &root, &why);
    if (status == BCEMR_OK)
        status = bcemr_source_hash(&source, NULL, &root, &why);
    bcemr_buf_free(&sealed);
    return status;
}

static bcemr_status manifests_again(bcemr_span manifest)
{
    bcemr_tr_document *documents = NULL;
    uint64_t count = 0;
    bcemr_status status = bcemr_manifest_documents(&manifest, 1, &documents, &count, &why);
    assert_true((documents != NULL) == (status == BCEMR_OK));
    bcemr_release(documents);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    record r;
    bcemr_buf m = BCEMR_BUF_EMPTY;
    (void)state;
    EVERY_ALLOCATION(seal_and_open());
    record_make(&r, 20, shapes[5], DOCUMENTS);
    EVERY_ALLOCATION(take_apart(&r, bcemr_buf_span(&r.content), 7, true));
    record_free(&r);
    manifest_of(0, 2, &m);
    EVERY_ALLOCATION(manifests_again(bcemr_buf_span(&m)));
    bcemr_buf_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_do_not_show),
        cmocka_unit_test(a_bad_chunk_releases_nothing_of_itself),
        cmocka_unit_test(the_sealed_length_is_that_of_the_stream),
        cmocka_unit_test(sources_and_sinks_may_fail),
        cmocka_unit_test(a_source_hashes_like_its_bytes),
        cmocka_unit_test(documents_come_back_however_they_are_cut),
        cmocka_unit_test(composed_bytes_are_the_same_from_anywhere),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_head_has_its_limit),
        cmocka_unit_test(callbacks_may_fail),
        cmocka_unit_test(documents_of_manifests_come_in_order),
        cmocka_unit_test_teardown(every_allocation_may_fail, switches_on),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
