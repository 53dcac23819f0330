/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files as the library's sources and sinks. What is written appears whole or not at all: it goes to
 * a nameless (or hidden) file of the same folder, is made durable, and only then gets its name. A
 * file that is there is never overwritten unless the caller says FILES_REPLACE. Offsets are 64
 * bits.
 *
 * Every fallible call fills an optional files_error, which says which file, what was being done to
 * it and what the system answered; report_file_error prints it.
 */
#ifndef BCEMR_PROGRAM_FILES_H
#define BCEMR_PROGRAM_FILES_H

#include <bcemr/content.h>

typedef struct files_error {
    bcemr_status status;
    int system;        /* errno, or 0 when the system had nothing to say */
    const char *doing; /* "open", "write", ...; static */
    const char *why;   /* our own reason, or NULL; static */
    char path[1024];   /* shortened at its front when longer */
} files_error;

/* ---- reading ---- */

/* A regular file, read in any order; safe to read from several threads. Errors: E_NOT_FOUND, E_IO,
 * E_ARGUMENT (a folder, a pipe). */
typedef struct files_source files_source;
BCEMR_MUST_USE bcemr_status files_source_open(const char *path, files_source **out,
                                              files_error *err);
/* The view that the library takes; valid until files_source_close. */
bcemr_source files_source_view(files_source *source);
void files_source_close(files_source *source);
/* What the system said when a read of the view failed; false when none did. */
bool files_source_error(const files_source *source, files_error *out);

/* A whole small file in memory. E_TOO_LONG over limit. *out keeps what it held on failure. */
BCEMR_MUST_USE bcemr_status files_read(const char *path, uint64_t limit, bcemr_buf *out,
                                       files_error *err);
/* SHA-256 and length of a file, in one pass. length may be NULL. */
BCEMR_MUST_USE bcemr_status files_sha256(const char *path, bcemr_hash *out, uint64_t *length,
                                         files_error *err);
/* Whether two files hold the same bytes. */
BCEMR_MUST_USE bcemr_status files_same(const char *a, const char *b, bool *same, files_error *err);

/* ---- writing ---- */

typedef enum files_how {
    FILES_NEW,    /* E_EXISTS when the name is taken, at the beginning or at the end */
    FILES_REPLACE /* the caller was asked to overwrite; the old file stays until the new one is
                     whole */
} files_how;

/* A file in the making, readable by its owner alone. */
typedef struct files_sink files_sink;
BCEMR_MUST_USE bcemr_status files_sink_create(const char *path, files_how how, files_sink **out,
                                              files_error *err);
/* The same in a folder, for a name that came from outside: refused unless files_name_check passes.
 */
BCEMR_MUST_USE bcemr_status files_sink_create_in(const char *folder, bcemr_span name, files_how how,
                                                 files_sink **out, files_error *err);
bcemr_sink files_sink_view(files_sink *sink);
/* Makes it durable and gives it its name. The sink takes nothing more; free it in any case. */
BCEMR_MUST_USE bcemr_status files_sink_commit(files_sink *sink, files_error *err);
/* Without a commit before, nothing is left of the file. NULL is allowed. */
void files_sink_free(files_sink *sink);
/* What the system said when a write to the view failed; false when none did. */
bool files_sink_error(const files_sink *sink, files_error *out);
/* Where it is or will be. */
const char *files_sink_path(const files_sink *sink);

/* All of it in one call. */
BCEMR_MUST_USE bcemr_status files_write(const char *path, bcemr_span bytes, files_how how,
                                        files_error *err);

/* ---- names and folders ---- */

/*
 * Whether a name from a manifest may become a file of a folder: 1 to 200 bytes of valid UTF-8, no
 * '/' or '\', no leading dot (so neither "." nor ".."), no control characters, no leading dash and
 * no space or dot at an end. E_ARGUMENT with why otherwise.
 */
BCEMR_MUST_USE bcemr_status files_name_check(bcemr_span name, files_error *err);
/* Makes a folder that only its owner may enter, and its parents; one that is there is fine. */
BCEMR_MUST_USE bcemr_status files_make_folder(const char *path, files_error *err);
/* A copy of a text in memory of its own (bcemr_release), NULL without memory. */
char *files_text(const char *text);
/* "folder/name" in memory of its own (bcemr_release), NULL without memory. */
char *files_join(const char *folder, const char *name);
/* What follows the last slash. */
const char *files_base_name(const char *path);
bool files_exists(const char *path);
/* Durably takes a file's name away. E_NOT_FOUND when there was none. */
BCEMR_MUST_USE bcemr_status files_remove(const char *path, files_error *err);

#endif
