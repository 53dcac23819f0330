/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A visit by hand: each phase as one command on files, without a ledger. A visit file is the body
 * of a case block (a list of leaves from Admit on), so the library's replay reads it; what hangs on
 * the ledger is not checked, and every command says so.
 */
#ifndef BCEMR_HAND_HAND_H
#define BCEMR_HAND_HAND_H

#include "bcemr/command.h"
#include "bcemr/keyfile.h"
#include "bcemr/report.h"
#include "wire/error.h"

#include <bcemr/content.h>
#include <bcemr/visit_log.h>

/* The options of all commands by hand; each takes some of them. */
typedef struct hand_options {
    bool json, replace, yes;
    const char *file; /* the operand */
    const char *keys, *passphrase, *new_passphrase;
    const char *patient, *patient_passphrase;
    const char *role, *id, *words;
    const char *hospital, *doctor, *cloud;
    const char *identity, *intake, *ledger, *waive, *purpose;
    const char *seal_key, *header, *payload, *post, *offer, *capsule;
    const char *out;
    const char *genesis, *documents_to, *db, *visit, *content; /* of case files */
    const char *root;                                          /* of proofs about a log */
    command_list open;
    command_list doctors, clouds, contributions, documents, keywords;
    uint64_t number, hours, days;
} hand_options;

/* A command at work. What fails is in file (the system spoke) or error. */
typedef struct hand {
    report r;
    const hand_options *o;
    bcemr_context *context; /* made by hand_context */
    int64_t now;
    report_json json;
    report_run progress_run;
    bcemr_progress progress;
    bcemr_run run;
    bool misused;     /* wrong use was said already */
    bool answered_no; /* all was done, and the answer is that it does not hold */
    char doing[256];
    bcemr_error error;
    files_error file;
} hand;

/* Allowed between clocks, where no ledger says it: that of the demo's genesis. */
#define HAND_CLOCK_DIFFERENCE_MS 120000

/* Runs work, reports what failed, prints the document of --json. */
int hand_run(const hand_options *options, bcemr_status (*work)(hand *h));
/* What fails from here on, failed at: "cannot DOING: ...". Returns nothing that can fail. */
void hand_doing(hand *h, const char *format, ...) REPORT_FORMAT(2, 3);
/* Says wrong use; returns a status that is not OK. */
BCEMR_MUST_USE bcemr_status hand_misuse(hand *h, const char *format, ...) REPORT_FORMAT(2, 3);
BCEMR_MUST_USE bcemr_status hand_context(hand *h);
/* Progress of a long run: shown after a second. hand_run_end takes the line away. */
const bcemr_run *hand_run_begin(hand *h, const char *what);
void hand_run_end(hand *h);
/* The library's sink or source failed: what the system said goes into h->file. */
void hand_sink_failed(hand *h, const files_sink *sink);
void hand_source_failed(hand *h, const files_source *source);
/* "2026-11-23 10:15:00 UTC". Returns out. */
char *hand_time(int64_t ms, char out[REPORT_NUMBER]);
/* A name from a file, fit for a terminal; good until the fourth call after it. */
const char *hand_name(bcemr_span name);

/* As TRY, FAIL and REQUIRE of wire/error.h; what failed goes into h->error. */
#define HAND(call)                                                                                 \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != BCEMR_OK)                                                                    \
            goto out;                                                                              \
    } while (0)
#define HAND_FAIL(which, object, field)                                                            \
    do {                                                                                           \
        status = wire_fail(&h->error, (which), (object), (field));                                 \
        goto out;                                                                                  \
    } while (0)
/* For calls that fill no error. */
#define HAND_AT(call, object, field)                                                               \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != BCEMR_OK)                                                                    \
            HAND_FAIL(status, object, field);                                                      \
    } while (0)
#define HAND_REQUIRE(condition, verdict, object, field)                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            status = wire_refuse(&h->error, (verdict), (object), (field), BCEMR_NOWHERE);          \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)
/* Refuses with the verdict of a checking function that was handed &h->error. */
#define HAND_VALID(call, object, field)                                                            \
    do {                                                                                           \
        const bcemr_verdict verdict_ = (call);                                                     \
        if (verdict_ != BCEMR_VALID) {                                                             \
            status = wire_verdict(&h->error, verdict_, (object), (field));                         \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

/* ---- secrets (secret.c) ---- */

#define HAND_SECRET_MAX 1024
typedef struct hand_secret {
    uint64_t n;
    uint8_t b[HAND_SECRET_MAX];
} hand_secret; /* in locked memory */
BCEMR_MUST_USE hand_secret *hand_secret_new(void);
void hand_secret_free(hand_secret *secret);
/* The first line of a file that nobody else may read, or what is typed at the prompt ("passphrase
 * of FILE"), without echo; twice when it is a new one, which has 8 bytes or more. */
BCEMR_MUST_USE bcemr_status hand_secret_ask(hand *h, const char *file, const char *option,
                                            const char *what, bool fresh, hand_secret *out);
/* All of a file that nobody else may read. */
BCEMR_MUST_USE bcemr_status hand_private_file(hand *h, const char *path, uint64_t limit,
                                              bcemr_buf *out);

/* ---- key files and public parts (holder.c) ---- */

extern const char *const hand_roles[]; /* in the order of the table key_role */
const char *hand_role_text(uint64_t role);
/* 0 for no such word */
uint64_t hand_role_number(const char *text);
/* Opens a key file; role 0: any. *out: keyfile_free, and not NULL only when OK. */
BCEMR_MUST_USE bcemr_status hand_keys_open(hand *h, const char *path, uint64_t role,
                                           const char *passphrase_file, const char *option,
                                           keyfile **out);
/* A new key file under a new passphrase. */
BCEMR_MUST_USE bcemr_status hand_keys_write(hand *h, const char *path, const keyfile *keys,
                                            const char *passphrase_file, const char *option,
                                            files_how how);
BCEMR_MUST_USE bcemr_status hand_id_check(hand *h, uint64_t role, const char *id);

/* Whose public keys: read from a public part, or made from a key file. */
typedef struct hand_holder {
    bcemr_buf bytes;           /* the public part's encoding */
    bcemr_tr_public_part part; /* points into bytes */
    bcemr_hash hash;
} hand_holder;
BCEMR_MUST_USE bcemr_status hand_holder_of(hand *h, const keyfile *keys, hand_holder *out);
BCEMR_MUST_USE bcemr_status hand_holder_read(hand *h, const char *path, uint64_t role,
                                             hand_holder *out);
void hand_holder_free(hand_holder *holder);
bcemr_ed_raw hand_holder_a(const hand_holder *holder);
bcemr_x25519_raw hand_holder_e(const hand_holder *holder);
bcemr_x25519_raw hand_holder_box(const hand_holder *holder);

/* ---- the visit file (visit_file.c) ---- */

typedef struct hand_visit {
    bcemr_buf bytes;
    bcemr_list leaves;
    bcemr_visit_log *log;
} hand_visit;
/* Reads and replays it. */
BCEMR_MUST_USE bcemr_status hand_visit_read(hand *h, const char *path, hand_visit *out);
/* The same, and every signature in it, the hospital's by its public part (a file). */
BCEMR_MUST_USE bcemr_status hand_visit_open(hand *h, const char *path, const char *hospital,
                                            hand_visit *out);
BCEMR_MUST_USE bcemr_verdict hand_visit_signatures(hand *h, const hand_visit *visit,
                                                   const hand_holder *hospital);
void hand_visit_free(hand_visit *visit);
/* Appends to out the list of visit's leaves (NULL: none) and one more, of this entry. */
BCEMR_MUST_USE bcemr_status hand_visit_append(hand *h, const hand_visit *visit,
                                              const bcemr_type *type, const void *entry,
                                              int64_t tau, bcemr_buf *out);
/* Which of the patient's visits it is: finds j and its keys. Wipe keys. */
BCEMR_MUST_USE bcemr_status hand_visit_keys(hand *h, const keyfile *patient,
                                            const hand_visit *visit, bcemr_visit_keys *keys);
/* What the team alone knows, checked against PID; buf holds it. */
BCEMR_MUST_USE bcemr_status hand_intake_read(hand *h, const char *path, const hand_visit *visit,
                                             bcemr_buf *buf, bcemr_tr_intake *out);

/* ---- contributions (contribution.c) ---- */

typedef struct hand_part {
    files_source *file;
    bcemr_source whole;
    bcemr_buf head;
    bcemr_tr_contribution contribution; /* points into head */
    bcemr_tr_document *documents;
    uint64_t document_count;
} hand_part;
/*
 * Reads the contribution of place (from 1) and holds it against what that doctor signed: vid, place
 * and version, commitment, presence, each document's length and hash.
 */
BCEMR_MUST_USE bcemr_status hand_part_open(hand *h, const char *path, const hand_visit *visit,
                                           uint64_t place, hand_part *out);
void hand_part_free(hand_part *part);
/* The documents as sources; user data lives in windows (document_count each). */
typedef struct hand_window {
    const bcemr_source *whole;
    uint64_t offset;
} hand_window;
void hand_part_sources(const hand_part *part, hand_window *windows, bcemr_source *sources);

/* Feeds all of a source to a sink. */
BCEMR_MUST_USE bcemr_status hand_pump(const bcemr_source *source, const bcemr_run *run,
                                      const bcemr_sink *sink);

/* A visit with what was said in it, everything checked that the files tell. */
typedef struct hand_state {
    hand_visit visit;
    uint64_t part_count;
    hand_part parts[BCEMR_TEAM_MAX];
    bcemr_buf intake_bytes;
    bcemr_tr_intake intake;
} hand_state;
/* The operand, --hospital, --intake and --contribution: one for each who signed, in order. */
BCEMR_MUST_USE bcemr_status hand_state_open(hand *h, hand_state *out);
void hand_state_free(hand_state *state);

/* In the order of the table waiver. */
extern const char *const hand_waivers[];

/* ---- output (hand.c) ---- */

/* Files that appear together, in the order in which they were begun: all or none. */
#define HAND_OUTPUTS 4
typedef struct hand_outputs {
    uint64_t count;
    files_sink *sinks[HAND_OUTPUTS];
} hand_outputs;
/* "out" + suffix; refused now when it is there and --replace was not given. */
BCEMR_MUST_USE bcemr_status hand_output_begin(hand *h, hand_outputs *outputs, const char *out,
                                              const char *suffix, bcemr_sink *sink);
BCEMR_MUST_USE bcemr_status hand_output_bytes(hand *h, hand_outputs *outputs, const char *out,
                                              const char *suffix, bcemr_span bytes);
BCEMR_MUST_USE bcemr_status hand_output_commit(hand *h, hand_outputs *outputs);
/* The same for any number of sinks. */
BCEMR_MUST_USE bcemr_status hand_commit_all(hand *h, files_sink *const *sinks, uint64_t count);
void hand_output_free(hand_outputs *outputs);
/* Documents on their way into FOLDER/1, FOLDER/2, ... by doctor (documents.c). */
typedef struct hand_folder {
    const char *path;
    files_sink **sinks;
    uint64_t count;
    bool made_out;                        /* the folder was not there before, */
    bool made_folder[BCEMR_TEAM_MAX + 1]; /* nor those in it, by place */
} hand_folder;
BCEMR_MUST_USE bcemr_status hand_folder_begin(hand *h, const char *path, hand_folder *out);
/* The next document's sink: a hidden file, which --replace lets take another's place in the end. */
BCEMR_MUST_USE bcemr_status hand_folder_document(hand *h, hand_folder *folder, uint64_t place,
                                                 bcemr_span name, bcemr_sink *sink);
/* status is what became of it all: OK gives the files their names, anything else leaves nothing of
 * them. Returns what is the case then. */
BCEMR_MUST_USE bcemr_status hand_folder_end(hand *h, hand_folder *folder, bcemr_status status);
void hand_folder_free(hand_folder *folder);
/* Says, and puts into the document of --json, what cannot be known without a ledger. */
void hand_unchecked(hand *h, const char *const *what);

/* ---- the commands ---- */

int hand_keys_new(const void *options);
int hand_keys_show(const void *options);
int hand_keys_words(const void *options);
int hand_keys_restore(const void *options);
int hand_keys_passphrase(const void *options);
int hand_ticket(const void *options);
int hand_sign(const void *options);
/* What `bcemr verify` (verify.h) does with a visit file. */
BCEMR_MUST_USE bcemr_status hand_verify_work(hand *h);
int hand_seal(const void *options);
int hand_open(const void *options);
int hand_grant(const void *options);
int hand_reencrypt(const void *options);

#endif
