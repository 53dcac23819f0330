/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content in motion (section 5): sources and sinks that the caller gives, the content as one run of
 * bytes (length of head, head, documents raw), sealing and opening it in windows of constant size.
 * No function here opens anything; a state machine is handed what it reads from and writes to.
 */
#ifndef BCEMR_CONTENT_H
#define BCEMR_CONTENT_H

#include <bcemr/record.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Random access to length bytes. read fills out with exactly n bytes from offset. Errors: E_IO. */
typedef struct bcemr_source {
    void *user;
    uint64_t length;
    bcemr_status (*read)(void *user, uint64_t offset, uint8_t *out, uint64_t n);
} bcemr_source;

/* Takes bytes in order. */
typedef struct bcemr_sink {
    void *user;
    bcemr_status (*write)(void *user, bcemr_span bytes);
} bcemr_sink;

/* Told how far a long run is; may end it by returning anything but OK. NULL: nobody asks. */
typedef struct bcemr_progress {
    void *user;
    bcemr_status (*tell)(void *user, uint64_t done, uint64_t total);
} bcemr_progress;

/* A source over bytes in memory; a sink that appends to a buffer; a sink that forgets. */
bcemr_source bcemr_source_bytes(const bcemr_span *bytes);
bcemr_sink bcemr_sink_buffer(bcemr_buf *buf);
bcemr_sink bcemr_sink_nowhere(void);

/* How a run over a payload is done: threads, bytes a window (rounded up to whole chunks; 0 for
 * 1 MiB), progress. All optional; NULL stands for the defaults. */
typedef struct bcemr_run {
    const bcemr_parallel *parallel;
    uint64_t window;
    const bcemr_progress *progress;
} bcemr_run;

/* Hdoc of a source, and its length as read. */
BCEMR_MUST_USE bcemr_status bcemr_source_hash(const bcemr_source *source, const bcemr_run *run,
                                              bcemr_hash *out, bcemr_error *err);

/* Seals all of source to sink; out: RFC 6962 root over the sealed chunks. */
BCEMR_MUST_USE bcemr_status bcemr_payload_seal(const bcemr_stream *stream,
                                               const bcemr_source *source, const bcemr_run *run,
                                               const bcemr_sink *sink, bcemr_hash *root,
                                               bcemr_error *err);
/* Opens all of source to sink, chunk by verified chunk; root as above. E_REFUSED with BAD_LENGTH
 * when the sealed length is not that of the stream, with refusal at a bad chunk. */
BCEMR_MUST_USE bcemr_status bcemr_payload_open(const bcemr_stream *stream,
                                               const bcemr_source *source, const bcemr_run *run,
                                               bcemr_verdict refusal, const bcemr_sink *sink,
                                               bcemr_hash *root, bcemr_error *err);
/* Root and length of sealed bytes, without a key (clouds). */
BCEMR_MUST_USE bcemr_status bcemr_payload_root(const bcemr_source *source, const bcemr_run *run,
                                               bcemr_hash *root, bcemr_error *err);

/* ---- head and documents as one run of bytes ---- */

#define BCEMR_HEAD_MAX (4u << 20)

/* A composed source: 8-byte length of head, head, then each document's source in order. The parts
 * must outlive it. */
typedef struct bcemr_composed {
    uint8_t length[8];
    bcemr_span head;
    const bcemr_source *documents;
    uint64_t count;
} bcemr_composed;
bcemr_source bcemr_composed_source(bcemr_composed *composed, bcemr_span head,
                                   const bcemr_source *documents, uint64_t count);

/*
 * The other way: a sink that takes such a run apart. on_head gets the head when it is whole and
 * answers with the documents to expect (an array that outlives the reader); open gives a sink for
 * document number index (NULL open: forget the bytes). finish checks that every document had its
 * length and hash and that nothing was left over.
 */
typedef struct bcemr_parts {
    void *user;
    bcemr_status (*on_head)(void *user, bcemr_span head, const bcemr_tr_document **documents,
                            uint64_t *count, bcemr_error *err);
    bcemr_status (*open)(void *user, uint64_t index, const bcemr_tr_document *document,
                         bcemr_sink *sink);
} bcemr_parts;
typedef struct bcemr_parts_reader bcemr_parts_reader;
BCEMR_MUST_USE bcemr_status bcemr_parts_reader_new(const bcemr_parts *parts,
                                                   bcemr_parts_reader **out);
/* What such a run is, where it is no content: what its head and what is left over are called in an
 * error, how they are refused, how long the head may be. */
typedef struct bcemr_parts_kind {
    const char *object;
    bcemr_verdict refusal;
    uint64_t head_max;
} bcemr_parts_kind;
/* kind must outlive the reader. */
BCEMR_MUST_USE bcemr_status bcemr_parts_reader_new_kind(const bcemr_parts *parts,
                                                        const bcemr_parts_kind *kind,
                                                        bcemr_parts_reader **out);
bcemr_sink bcemr_parts_reader_sink(bcemr_parts_reader *reader);
/* OK, or E_REFUSED with BAD_DOCUMENT (err->index the document) or BAD_CONTENT. */
BCEMR_MUST_USE bcemr_status bcemr_parts_reader_finish(bcemr_parts_reader *reader, bcemr_error *err);
/* What went wrong inside the sink, for who got only a status from it. */
const bcemr_error *bcemr_parts_reader_error(const bcemr_parts_reader *reader);
void bcemr_parts_reader_free(bcemr_parts_reader *reader);

/* The documents of one or several manifests (their encodings), in order; *out: bcemr_release. */
BCEMR_MUST_USE bcemr_status bcemr_manifest_documents(const bcemr_span *manifests, uint64_t count,
                                                     bcemr_tr_document **out,
                                                     uint64_t *document_count, bcemr_error *err);

#ifdef __cplusplus
}
#endif
#endif
