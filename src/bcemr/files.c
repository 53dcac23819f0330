/* SPDX-License-Identifier: Apache-2.0 */
/* O_TMPFILE and renameat2 are Linux's: hence _GNU_SOURCE, in this file alone. */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier,cert-dcl51-cpp) */
#include "bcemr/files.h"
#include "bcemr/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 65536u

/* Tests let the n-th call of the system fail: files_inject gets its name and returns an errno. */
#ifdef BCEMR_TEST_SWITCHES
int (*files_inject)(const char *call);
static bool injected(const char *call)
{
    const int system = files_inject ? files_inject(call) : 0;
    if (system != 0)
        errno = system;
    return system != 0;
}
#else
#define injected(call) false
#endif

static void copy_path(char out[1024], const char *path)
{
    const size_t n = strlen(path);
    if (n < 1024)
        memcpy(out, path, n + 1);
    else
        (void)snprintf(out, 1024, "...%s", path + n - 1000);
}

static bcemr_status fail(files_error *err, bcemr_status status, int system, const char *doing,
                         const char *why, const char *path)
{
    if (err) {
        *err = (files_error){.status = status, .system = system, .doing = doing, .why = why};
        copy_path(err->path, path);
    }
    return status;
}

/* What errno says, as a status. */
static bcemr_status fail_system(files_error *err, const char *doing, const char *path)
{
    const int system = errno;
    const bcemr_status status = system == ENOENT   ? BCEMR_E_NOT_FOUND
                                : system == EEXIST ? BCEMR_E_EXISTS
                                : system == ENOMEM ? BCEMR_E_NO_MEMORY
                                                   : BCEMR_E_IO;
    return fail(err, status, system, doing, NULL, path);
}

static void close_quietly(int fd)
{
    const int before = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = before;
}

/* ---- reading ---- */

struct files_source {
    int fd;
    uint64_t length;
    atomic_int system; /* errno of a failed read; -1: the file became shorter */
    char *path;
};

/* Exactly n bytes from offset. 0, or errno, or -1 at the file's end. */
static int read_fully(int fd, uint64_t offset, uint8_t *out, uint64_t n)
{
    while (n > 0) {
        const size_t now = n > (1u << 30) ? (1u << 30) : (size_t)n;
        const ssize_t got = injected("pread") ? -1 : pread(fd, out, now, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? errno : -1;
        offset += (uint64_t)got;
        out += got;
        n -= (uint64_t)got;
    }
    return 0;
}

static bcemr_status source_read(void *user, uint64_t offset, uint8_t *out, uint64_t n)
{
    files_source *s = user;
    if (offset > s->length || n > s->length - offset)
        return BCEMR_E_ARGUMENT;
    const int system = read_fully(s->fd, offset, out, n);
    if (system != 0)
        atomic_store(&s->system, system);
    return system == 0 ? BCEMR_OK : BCEMR_E_IO;
}

bcemr_status files_source_open(const char *path, files_source **out, files_error *err)
{
    struct stat st;
    *out = NULL;
    /* O_NONBLOCK: a pipe must not keep us waiting just to be refused. */
    const int fd = injected("open") ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return fail_system(err, "open", path);
    if (injected("fstat") || fstat(fd, &st) != 0) {
        close_quietly(fd);
        return fail_system(err, "look at", path);
    }
    if (!S_ISREG(st.st_mode)) {
        (void)close(fd);
        return fail(err, BCEMR_E_ARGUMENT, 0, "read",
                    S_ISDIR(st.st_mode) ? "it is a folder" : "it is not a regular file", path);
    }
    files_source *s = bcemr_allocate(sizeof *s);
    char *copy = s ? files_text(path) : NULL;
    if (!copy) {
        (void)close(fd);
        bcemr_release(s);
        return fail(err, BCEMR_E_NO_MEMORY, 0, "open", NULL, path);
    }
    s->fd = fd;
    s->length = (uint64_t)st.st_size;
    s->path = copy;
    atomic_init(&s->system, 0);
    *out = s;
    return BCEMR_OK;
}

bcemr_source files_source_view(files_source *source)
{
    return (bcemr_source){source, source->length, source_read};
}

void files_source_close(files_source *source)
{
    if (!source)
        return;
    (void)close(source->fd);
    bcemr_release(source->path);
    bcemr_release(source);
}

bool files_source_error(const files_source *source, files_error *out)
{
    const int system = atomic_load(&source->system);
    if (system == 0)
        return false;
    (void)fail(out, BCEMR_E_IO, system > 0 ? system : 0, "read",
               system < 0 ? "it became shorter while it was read" : NULL, source->path);
    return true;
}

/* Hands the file to take in pieces; take returns false to stop. */
static bcemr_status each_piece(const char *path,
                               bool (*take)(void *user, const uint8_t *p, size_t n), void *user,
                               uint64_t *length, files_error *err)
{
    files_source *s = NULL;
    uint8_t *piece = NULL;
    bcemr_status status = files_source_open(path, &s, err);
    if (status != BCEMR_OK)
        return status;
    piece = bcemr_allocate(PIECE);
    if (!piece)
        status = fail(err, BCEMR_E_NO_MEMORY, 0, "read", NULL, path);
    for (uint64_t at = 0; status == BCEMR_OK && at < s->length; at += PIECE) {
        const uint64_t n = s->length - at < PIECE ? s->length - at : PIECE;
        status = source_read(s, at, piece, n);
        if (status != BCEMR_OK)
            (void)files_source_error(s, err);
        else if (!take(user, piece, (size_t)n))
            break;
    }
    if (length)
        *length = s->length;
    bcemr_release_wiped(piece, PIECE);
    files_source_close(s);
    return status;
}

bcemr_status files_read(const char *path, uint64_t limit, bcemr_buf *out, files_error *err)
{
    files_source *s = NULL;
    bcemr_status status = files_source_open(path, &s, err);
    if (status != BCEMR_OK)
        return status;
    bcemr_buf whole = BCEMR_BUF_EMPTY;
    if (s->length > limit) {
        status = fail(err, BCEMR_E_TOO_LONG, 0, "read", NULL, path);
    } else if (bcemr_buf_reserve(&whole, s->length) != BCEMR_OK) {
        status = fail(err, BCEMR_E_NO_MEMORY, 0, "read", NULL, path);
    } else {
        status = source_read(s, 0, whole.p, s->length);
        if (status != BCEMR_OK)
            (void)files_source_error(s, err);
    }
    if (status == BCEMR_OK) {
        whole.n = s->length;
        bcemr_buf_free(out);
        *out = whole;
    } else {
        bcemr_buf_free(&whole);
    }
    files_source_close(s);
    return status;
}

static bool take_hash(void *user, const uint8_t *p, size_t n)
{
    return crypto_hash_sha256_update(user, p, n) == 0;
}

bcemr_status files_sha256(const char *path, bcemr_hash *out, uint64_t *length, files_error *err)
{
    crypto_hash_sha256_state state;
    (void)crypto_hash_sha256_init(&state);
    const bcemr_status status = each_piece(path, take_hash, &state, length, err);
    (void)crypto_hash_sha256_final(&state, out->b);
    if (status != BCEMR_OK)
        memset(out, 0, sizeof *out);
    return status;
}

typedef struct comparison {
    files_source *other;
    uint64_t at;
    uint8_t piece[PIECE];
    bool same, failed;
} comparison;

static bool take_compare(void *user, const uint8_t *p, size_t n)
{
    comparison *c = user;
    c->failed = source_read(c->other, c->at, c->piece, n) != BCEMR_OK;
    c->same = !c->failed && memcmp(c->piece, p, n) == 0;
    c->at += n;
    return c->same;
}

bcemr_status files_same(const char *a, const char *b, bool *same, files_error *err)
{
    uint64_t length = 0;
    *same = false;
    comparison *c = bcemr_allocate(sizeof *c);
    if (!c)
        return fail(err, BCEMR_E_NO_MEMORY, 0, "compare", NULL, a);
    bcemr_status status = files_source_open(b, &c->other, err);
    if (status != BCEMR_OK)
        goto out;
    files_source *first = NULL;
    status = files_source_open(a, &first, err);
    if (status != BCEMR_OK)
        goto out;
    const bool as_long = first->length == c->other->length;
    files_source_close(first);
    if (!as_long)
        goto out;
    c->same = true;
    status = each_piece(a, take_compare, c, &length, err);
    if (status == BCEMR_OK && c->failed) {
        status = BCEMR_E_IO;
        (void)files_source_error(c->other, err);
    }
    *same = status == BCEMR_OK && c->same && length == c->other->length;
out:
    files_source_close(c->other);
    bcemr_release_wiped(c, sizeof *c);
    return status;
}

/* ---- writing ---- */

struct files_sink {
    int folder;
    int fd;
    files_how how;
    bool replaces; /* there was one of its name at the beginning */
    bool committed;
    char *path;
    const char *base;  /* in path */
    char hidden[64];   /* its name in the folder until it gets its own; empty: none yet */
    files_error error; /* the first failure, which nothing afterwards mends */
};

static bcemr_status sink_fail(files_sink *sink, const char *doing)
{
    if (sink->error.status == BCEMR_OK)
        (void)fail_system(&sink->error, doing, sink->path);
    /* A name that is gone or taken has its meaning when the file gets its own name, not here. */
    if (sink->error.status != BCEMR_E_NO_MEMORY)
        sink->error.status = BCEMR_E_IO;
    return sink->error.status;
}

static bcemr_status sink_write(void *user, bcemr_span bytes)
{
    files_sink *sink = user;
    if (sink->error.status != BCEMR_OK)
        return sink->error.status;
    if (sink->committed)
        return BCEMR_E_STATE;
    while (bytes.n > 0) {
        const size_t now = bytes.n > (1u << 30) ? (1u << 30) : (size_t)bytes.n;
        const ssize_t put = injected("write") ? -1 : write(sink->fd, bytes.p, now);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return sink_fail(sink, "write");
        bytes.p += put;
        bytes.n -= (uint64_t)put;
    }
    return BCEMR_OK;
}

/* A name of the folder that nobody uses. Not from randombytes: its draws belong to the protocol. */
static void hidden_name(char out[64])
{
    static atomic_ulong count;
    (void)snprintf(out, 64, ".bcemr-%ld-%lu.part", (long)getpid(), atomic_fetch_add(&count, 1));
}

/* A file without a name vanishes with the process; where the file system has none, a hidden one. */
static int open_unnamed(files_sink *sink)
{
    sink->hidden[0] = 0;
    int fd = -1;
    if (!injected("tmpfile") && access("/proc/self/fd", X_OK) == 0)
        fd = openat(sink->folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    for (unsigned i = 0; fd < 0 && i < 1000; i++) {
        hidden_name(sink->hidden);
        fd = injected("openat") ? -1
                                : openat(sink->folder, sink->hidden,
                                         O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0)
        sink->hidden[0] = 0;
    return fd;
}

static int open_folder_of(const char *path, const char *base)
{
    if (injected("open"))
        return -1;
    if (base == path)
        return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const size_t n = (size_t)(base - path);
    char *folder = bcemr_allocate(n + 1);
    if (!folder) {
        errno = ENOMEM;
        return -1;
    }
    memcpy(folder, path, n);
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int before = errno;
    bcemr_release(folder);
    errno = before;
    return fd;
}

/* Before hours of work, not after: whether the name can be given at all. */
static bcemr_status check_free(files_sink *sink, files_error *err)
{
    struct stat st;
    if (sink->base[0] == 0 || strcmp(sink->base, ".") == 0 || strcmp(sink->base, "..") == 0)
        return fail(err, BCEMR_E_ARGUMENT, 0, "create", "it is no file name", sink->path);
    if (fstatat(sink->folder, sink->base, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return BCEMR_OK;
    sink->replaces = true;
    if (sink->how == FILES_NEW)
        return fail(err, BCEMR_E_EXISTS, 0, "create", NULL, sink->path);
    if (S_ISDIR(st.st_mode))
        return fail(err, BCEMR_E_ARGUMENT, 0, "replace", "it is a folder", sink->path);
    return BCEMR_OK;
}

bcemr_status files_sink_create(const char *path, files_how how, files_sink **out, files_error *err)
{
    *out = NULL;
    files_sink *sink = bcemr_allocate(sizeof *sink);
    char *copy = sink ? files_text(path) : NULL;
    if (!copy) {
        bcemr_release(sink);
        return fail(err, BCEMR_E_NO_MEMORY, 0, "create", NULL, path);
    }
    *sink = (files_sink){.fd = -1, .how = how, .path = copy, .base = files_base_name(copy)};
    bcemr_status status;
    sink->folder = open_folder_of(sink->path, sink->base);
    if (sink->folder < 0)
        status = fail_system(err, "open the folder of", path);
    else
        status = check_free(sink, err);
    if (status == BCEMR_OK) {
        sink->fd = open_unnamed(sink);
        if (sink->fd < 0)
            status = fail_system(err, "create", path);
    }
    if (status != BCEMR_OK) {
        files_sink_free(sink);
        return status;
    }
    *out = sink;
    return BCEMR_OK;
}

bcemr_status files_sink_create_in(const char *folder, bcemr_span name, files_how how,
                                  files_sink **out, files_error *err)
{
    *out = NULL;
    char text[201];
    bcemr_status status = files_name_check(name, err);
    if (status != BCEMR_OK)
        return status;
    memcpy(text, name.p, (size_t)name.n);
    text[name.n] = 0;
    char *path = files_join(folder, text);
    if (!path)
        return fail(err, BCEMR_E_NO_MEMORY, 0, "create", NULL, text);
    status = files_sink_create(path, how, out, err);
    bcemr_release(path);
    return status;
}

bcemr_sink files_sink_view(files_sink *sink)
{
    return (bcemr_sink){sink, sink_write};
}

/* Gives the nameless file the name to, which must be free. */
static int link_unnamed(const files_sink *sink, const char *to)
{
    char self[64];
    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", sink->fd);
    return injected("linkat") ? -1 : linkat(AT_FDCWD, self, sink->folder, to, AT_SYMLINK_FOLLOW);
}

/* Moves the hidden file to its name, which must be free: at once, or where the file system cannot
 * do that by a second name. */
static int move_new(files_sink *sink)
{
    int done = injected("renameat2") ? -1
                                     : renameat2(sink->folder, sink->hidden, sink->folder,
                                                 sink->base, RENAME_NOREPLACE);
    if (done != 0 && (errno == EINVAL || errno == ENOSYS)) {
        done = injected("linkat") ? -1
                                  : linkat(sink->folder, sink->hidden, sink->folder, sink->base, 0);
        if (done == 0)
            (void)unlinkat(sink->folder, sink->hidden, 0);
    }
    if (done == 0)
        sink->hidden[0] = 0;
    return done;
}

static int give_name(files_sink *sink)
{
    if (sink->how == FILES_NEW)
        return sink->hidden[0] ? move_new(sink) : link_unnamed(sink, sink->base);
    if (!sink->hidden[0]) {
        char hidden[64];
        hidden_name(hidden);
        if (link_unnamed(sink, hidden) != 0)
            return -1;
        memcpy(sink->hidden, hidden, sizeof hidden);
    }
    if (injected("renameat") || renameat(sink->folder, sink->hidden, sink->folder, sink->base) != 0)
        return -1;
    sink->hidden[0] = 0;
    return 0;
}

/* Some file systems do not know what it means for a folder. */
static int sync_folder(int fd)
{
    const int done = injected("fsync folder") ? -1 : fsync(fd);
    return done != 0 && errno == EINVAL ? 0 : done;
}

bcemr_status files_sink_commit(files_sink *sink, files_error *err)
{
    if (sink->committed)
        return fail(err, BCEMR_E_STATE, 0, "finish", NULL, sink->path);
    if (sink->error.status == BCEMR_OK && (injected("fsync") || fsync(sink->fd) != 0))
        (void)sink_fail(sink, "make durable");
    if (sink->error.status == BCEMR_OK && give_name(sink) != 0)
        (void)fail_system(&sink->error, "give its name to", sink->path);
    else if (sink->error.status == BCEMR_OK && sync_folder(sink->folder) != 0) {
        (void)sink_fail(sink, "make durable the folder of");
        /* Who is told that it failed must not find it. What was replaced cannot be brought back. */
        if (!sink->replaces)
            (void)unlinkat(sink->folder, sink->base, 0);
    }
    if (sink->error.status != BCEMR_OK) {
        if (err)
            *err = sink->error;
        return sink->error.status;
    }
    sink->committed = true;
    return BCEMR_OK;
}

void files_sink_free(files_sink *sink)
{
    if (!sink)
        return;
    if (sink->hidden[0])
        (void)unlinkat(sink->folder, sink->hidden, 0);
    close_quietly(sink->fd);
    close_quietly(sink->folder);
    bcemr_release(sink->path);
    bcemr_release(sink);
}

bool files_sink_error(const files_sink *sink, files_error *out)
{
    if (out)
        *out = sink->error;
    return sink->error.status != BCEMR_OK;
}

const char *files_sink_path(const files_sink *sink)
{
    return sink->path;
}

bcemr_status files_write(const char *path, bcemr_span bytes, files_how how, files_error *err)
{
    files_sink *sink = NULL;
    bcemr_status status = files_sink_create(path, how, &sink, err);
    if (status != BCEMR_OK)
        return status;
    /* A failed write comes back from the commit. */
    (void)sink_write(sink, bytes);
    status = files_sink_commit(sink, err);
    files_sink_free(sink);
    return status;
}

/* ---- names and folders ---- */

static const char *name_problem(bcemr_span name)
{
    if (name.n == 0)
        return "the name is empty";
    if (name.n > 200)
        return "the name is over 200 bytes";
    if (name.p[0] == '.')
        return "the name begins with a dot";
    if (name.p[0] == '-')
        return "the name begins with a dash";
    if (name.p[0] == ' ' || name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '.')
        return "the name has a space at an end or a dot at its end";
    for (uint64_t at = 0; at < name.n;) {
        const uint32_t c = text_next(name, &at);
        if (c == TEXT_INVALID)
            return "the name is not UTF-8";
        if (c == '/' || c == '\\')
            return "the name holds a path";
        if (text_is_control(c))
            return "the name holds a control character";
    }
    return NULL;
}

bcemr_status files_name_check(bcemr_span name, files_error *err)
{
    const char *why = name_problem(name);
    if (!why)
        return BCEMR_OK;
    char shown[256];
    const int n = name.n > 200 ? 200 : (int)name.n;
    (void)snprintf(shown, sizeof shown, "%.*s", n, name.n ? (const char *)name.p : "");
    return fail(err, BCEMR_E_ARGUMENT, 0, "use as a file name", why, shown);
}

/* One folder of the path, whose end is a zero for this moment. */
static int make_one(const char *path)
{
    struct stat st;
    if (injected("mkdir") || mkdir(path, 0700) != 0) {
        if (errno != EEXIST)
            return -1;
        if (stat(path, &st) != 0)
            return -1;
        errno = ENOTDIR;
        return S_ISDIR(st.st_mode) ? 0 : -1;
    }
    const int parent = open_folder_of(path, files_base_name(path));
    const int done = parent < 0 ? -1 : sync_folder(parent);
    close_quietly(parent);
    return done;
}

bcemr_status files_make_folder(const char *path, files_error *err)
{
    size_t n = strlen(path);
    if (n == 0)
        return fail(err, BCEMR_E_ARGUMENT, 0, "make the folder", "the name is empty", path);
    char *part = files_join(path, "");
    if (!part)
        return fail(err, BCEMR_E_NO_MEMORY, 0, "make the folder", NULL, path);
    bcemr_status status = BCEMR_OK;
    for (char *p = part + 1; status == BCEMR_OK && *p; p++) {
        if (*p != '/' || p[-1] == '/')
            continue;
        *p = 0;
        if (make_one(part) != 0)
            status = fail_system(err, "make the folder", part);
        *p = '/';
    }
    bcemr_release(part);
    return status;
}

char *files_text(const char *text)
{
    const size_t n = strlen(text) + 1;
    char *out = bcemr_allocate(n);
    if (out)
        memcpy(out, text, n);
    return out;
}

char *files_join(const char *folder, const char *name)
{
    const size_t a = strlen(folder), b = strlen(name);
    const bool slash = a > 0 && folder[a - 1] != '/';
    char *out = bcemr_allocate(a + slash + b + 1);
    if (!out)
        return NULL;
    memcpy(out, folder, a + 1);
    if (slash)
        out[a] = '/';
    memcpy(out + a + slash, name, b + 1);
    return out;
}

const char *files_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool files_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

bcemr_status files_remove(const char *path, files_error *err)
{
    if (injected("unlink") || unlink(path) != 0)
        return fail_system(err, "remove", path);
    const int folder = open_folder_of(path, files_base_name(path));
    const int done = folder < 0 ? -1 : sync_folder(folder);
    close_quietly(folder);
    return done == 0 ? BCEMR_OK : fail_system(err, "make durable the folder of", path);
}
