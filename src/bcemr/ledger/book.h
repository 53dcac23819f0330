/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `bcemr ledger`: a ledger's database on the command line. One file a subcommand; what they share
 * is here. A command is a function over a book, which book_run gives it and frees.
 */
#ifndef BCEMR_LEDGER_BOOK_H
#define BCEMR_LEDGER_BOOK_H

#include "bcemr/command.h"
#include "bcemr/report.h"
#include "bcemr/threads.h"
#include "ledger/chain/chain.h"
#include "ledger/follow/source.h"
#include "ledger/state/sqlite.h"
#include "wire/error.h"

/* The options of all subcommands; each takes some of them. */
typedef struct book_options {
    bool json, quick, init, ahead;
    const char *word; /* the operand */
    const char *db, *genesis, *out, *kind, *visit, *vouch;
    uint64_t from, to, size, consistency, threads, watch;
    command_list sources;
} book_options;

typedef struct book {
    report r;
    const book_options *o;
    bcemr_context *context; /* made by book_context */
    threads_pool *pool;     /* made by book_threads */
    bcemr_parallel parallel;
    ledger_chain *chain; /* opened by book_open: closed at the end */
    ledger_state state;  /* the chain's, for looking at rows */
    bcemr_buf genesis;   /* Tr("signed"; genesis) of chain, or as book_genesis read it */
    int64_t now;         /* ms since 1970 UTC */
    report_json json;
    report_run progress_run;
    bcemr_progress progress;
    bool misused;     /* wrong use was said already */
    bool answered_no; /* all was done, and the answer is that something does not hold */
    char doing[1200];
    bcemr_error error;
    files_error file;
} book;

/* Runs work; says what failed ("cannot DOING: ..."), prints the document of --json. */
int book_run(const book_options *options, bcemr_status (*work)(book *b));
void book_doing(book *b, const char *format, ...) REPORT_FORMAT(2, 3);
/* Says wrong use; returns a status that is not OK. */
BCEMR_MUST_USE bcemr_status book_misuse(book *b, const char *format, ...) REPORT_FORMAT(2, 3);
BCEMR_MUST_USE bcemr_status book_context(book *b);
/* As many as --threads says, else one a processor. */
BCEMR_MUST_USE bcemr_status book_threads(book *b);
/* Progress of a long run, in entries; book_progress_end takes the line away and gives seconds. */
const bcemr_progress *book_progress(book *b, const char *what);
double book_progress_end(book *b);

/* ---- the database ---- */

#define BOOK_GENESIS_MAX ((uint64_t)1 << 20)
/* Reads --genesis into b->genesis: Tr("signed"; genesis). Without the option: nothing. */
BCEMR_MUST_USE bcemr_status book_genesis(book *b);
/* Opens --db for reading, as it is now, and the chain on it; with --genesis it must be its ledger.
 * E_NOT_A_LEDGER also for a database in which no ledger was begun. */
BCEMR_MUST_USE bcemr_status book_open(book *b);

/* The same for writing: E_IN_USE while somebody else writes. */
BCEMR_MUST_USE bcemr_status book_open_writing(book *b);

/* Another database of this ledger, which somebody may be writing to, or an export of it. */
typedef struct book_source {
    ledger_chain *chain;
    files_source *file;
    bcemr_source bytes;
} book_source;
/* Opens what is at path; source is closed before it is freed. With b->genesis it must be of that
 * ledger. */
BCEMR_MUST_USE bcemr_status book_source_open(book *b, const char *path, book_source *opened,
                                             ledger_source *source);
void book_source_free(book_source *opened); /* also when it was never opened */

/*
 * A database in the making, under another name in the same folder: nothing stands under its own
 * before book_fresh_commit, and nothing is left of it without that.
 */
typedef struct book_fresh {
    char path[1024];
    char making[1064];
} book_fresh;
/* Makes it empty and opens it for writing. E_EXISTS when path is taken. */
BCEMR_MUST_USE bcemr_status book_fresh_begin(book *b, const char *path, book_fresh *fresh,
                                             ledger_state *state);
/* A new database at path in which the ledger of b->genesis was begun. E_EXISTS. */
BCEMR_MUST_USE bcemr_status book_begin(book *b, const char *path, bcemr_hash *id);
/* After the state was closed: durable, under its own name. */
BCEMR_MUST_USE bcemr_status book_fresh_commit(book *b, book_fresh *fresh);
/* Takes away what there is; nothing after a commit. The state is closed before. */
void book_fresh_free(book_fresh *fresh);

/* An empty state that goes with the process, in a folder for temporary files. Closing it and then
 * book_scratch_free takes it away. */
typedef struct book_scratch {
    char folder[1024];
} book_scratch;
BCEMR_MUST_USE bcemr_status book_scratch_open(book *b, book_scratch *scratch, ledger_state *out,
                                              bcemr_error *err);
void book_scratch_free(book_scratch *scratch);

/* ---- words ---- */

/* "2026-11-23 10:15:00 UTC". Returns out. */
char *book_time(int64_t ms, char out[REPORT_NUMBER]);
/* A name from the ledger, fit for a terminal; good until the fourth call after it. */
const char *book_name(bcemr_span name);
/* The first ten digits of a hash; good until the fourth call after it. */
const char *book_short(bcemr_span hash);

/* Who did what in an entry: "dr-ada signed as doctor 2 of visit 3fa9...". chain (NULL allowed)
 * knows names that the entry itself does not say. Returns out. */
char *book_entry_text(const ledger_chain *chain, const bcemr_leaf_parts *leaf, char *out, size_t n);
/* The labels of all entries; ends with NULL. */
extern const char *const book_kinds[];
/* The visit that an entry is about. False when it is about none. */
bool book_entry_visit(const bcemr_leaf_parts *leaf, bcemr_hash *vid);

/* The bytes of a field of a transcript that was read before. False: there is none of that name. */
bool book_field(const bcemr_type *type, bcemr_span bytes, const char *name, bcemr_span *out);
/* All fields of a transcript that was read before by their names: as lines and in object. */
void book_fields(book *b, const bcemr_type *type, bcemr_span bytes, unsigned indent,
                 json_t *object);

/* Hexadecimal digits, an even number and at most 64, as bytes; their number, 0 when it is not that.
 */
uint64_t book_read_hex(const char *text, uint8_t out[32]);
/*
 * A word as a leaf's number: a number, or the hash of an entry, or its first eight digits or more.
 * E_NOT_FOUND; E_REPEATED when the digits are those of several.
 */
BCEMR_MUST_USE bcemr_status book_find_entry(book *b, const char *word, uint64_t *leaf);
/* The same for a visit; *vid. */
BCEMR_MUST_USE bcemr_status book_find_visit(book *b, const char *word, bcemr_hash *vid);

/* As TRY, FAIL and REQUIRE of wire/error.h; what failed goes into b->error. */
#define BOOK(call)                                                                                 \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != BCEMR_OK)                                                                    \
            goto out;                                                                              \
    } while (0)
#define BOOK_FAIL(which, object, field)                                                            \
    do {                                                                                           \
        status = wire_fail(&b->error, (which), (object), (field));                                 \
        goto out;                                                                                  \
    } while (0)
/* For calls that fill no error. */
#define BOOK_AT(call, object, field)                                                               \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != BCEMR_OK)                                                                    \
            BOOK_FAIL(status, object, field);                                                      \
    } while (0)

/* ---- the commands ---- */

int book_init(const void *options);
int book_head(const void *options);
int book_follow(const void *options);
int book_list(const void *options);
int book_show(const void *options);
int book_prove(const void *options);
int book_verify(const void *options);
int book_export(const void *options);
int book_import(const void *options);
int book_refused(const void *options);
int book_resume(const void *options);

#endif
