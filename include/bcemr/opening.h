/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a record and checking all that it says against the visit's log (sections 5 to 7). The
 * hospital does it before it confirms, the patient and the reader elsewhere before they believe
 * a word; what differs is only how they came to K.
 */
#ifndef BCEMR_OPENING_H
#define BCEMR_OPENING_H

#include <bcemr/content.h>
#include <bcemr/visit_log.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Where the documents of an opened record go: document number index of all to the sink that open
 * gives; open NULL forgets the bytes. What it writes may be shown only after the opening was OK.
 */
typedef struct bcemr_output {
    void *user;
    bcemr_status (*open)(void *user, uint64_t index, const bcemr_tr_document *document,
                         bcemr_sink *sink);
} bcemr_output;

typedef struct bcemr_opening {
    const bcemr_context *context;
    const bcemr_visit_log *log; /* with the case when sealed is set */
    const bcemr_tr_header *header;
    const bcemr_capsule_key *k;
    const bcemr_source *payload;
    const bcemr_run *run;
    bcemr_output output;
} bcemr_opening;

/* What a checked record holds. Free with bcemr_opened_free. */
typedef struct bcemr_opened {
    bcemr_buf head;
    bcemr_tr_content content; /* points into head */
    bcemr_tr_document *documents;
    uint64_t document_count;
    uint64_t waivers[BCEMR_TEAM_MAX]; /* reason by doctor, 0: the patient was there */
} bcemr_opened;
void bcemr_opened_free(bcemr_opened *opened);

/*
 * In this order, stopping at the first that fails: kc (BAD_KEY_COMMITMENT); chunks
 * (BAD_CHUNK), length (BAD_LENGTH), documents (BAD_DOCUMENT), root (BAD_ROOT); svk is the last
 * doctor's (WRONG_SEAL_KEY), osig (BAD_SEAL_SIGNATURE); V, amendments, signatures and (k, a, t) of
 * the head are the log's (CONTENT_NOT_CASE); PID (BAD_PSEUDONYM); each presence (BAD_PRESENCE,
 * PRESENCE_TIME) and commitment (BAD_COMMITMENT); tags (BAD_TAGS).
 * Errors: E_REFUSED with one of these; E_IO from the source or a sink; E_NO_MEMORY.
 */
BCEMR_MUST_USE bcemr_status bcemr_record_open(const bcemr_opening *opening, bcemr_opened *out,
                                              bcemr_error *err);

/* All keywords of the content's manifests, as bcemr_span pointing into head; *out: bcemr_release.
 */
BCEMR_MUST_USE bcemr_status bcemr_content_keywords(const bcemr_tr_content *content,
                                                   bcemr_span **out, uint64_t *count,
                                                   bcemr_error *err);

#ifdef __cplusplus
}
#endif
#endif
