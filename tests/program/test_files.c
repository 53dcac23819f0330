/* SPDX-License-Identifier: Apache-2.0 */
/* Output appears whole or not at all, whatever fails; nothing is overwritten unasked; no name leads
 * out of its folder. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bcemr/files.h"
#include "bcemr/store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern int (*files_inject)(const char *call);

static char folder[] = "/tmp/bcemr-files-XXXXXX";
static char path[256];

/* Calls fail whose name is in refused ("|this|that|"), with the errno with; of all others the
 * number-th, with EIO, unless number is 0. */
static const char *refused;
static unsigned long number, calls;
static int with = EIO;

static int inject(const char *call)
{
    char word[64];
    (void)snprintf(word, sizeof word, "|%s|", call);
    if (refused && strstr(refused, word))
        return with;
    return ++calls == number ? EIO : 0;
}

static void clean(void)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        char full[600];
        (void)snprintf(full, sizeof full, "%s/%s", folder, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(full) != 0)
            (void)rmdir(full);
    }
    closedir(dir);
}

static unsigned entries(void)
{
    unsigned n = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return n;
}

static int begin(void **state)
{
    (void)state;
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/out", folder);
    files_inject = inject;
    refused = NULL;
    number = calls = 0;
    with = EIO;
    return 0;
}

static int end(void **state)
{
    (void)state;
    files_inject = NULL;
    clean();
    return rmdir(folder);
}

static void expect(const char *text)
{
    bcemr_buf got = BCEMR_BUF_EMPTY;
    files_error err;
    number = 0;
    const char *before = refused;
    refused = NULL;
    assert_int_equal(files_read(path, 1000, &got, &err), BCEMR_OK);
    refused = before;
    assert_true(bcemr_span_equal(bcemr_buf_span(&got), bcemr_text(text)));
    bcemr_buf_free(&got);
}

static bcemr_status put(const char *text, files_how how, files_error *err)
{
    return files_write(path, bcemr_text(text), how, err);
}

/* With nameless files; with hidden ones moved; with hidden ones linked. */
static const char *const ways[] = {NULL, "|tmpfile|", "|tmpfile|renameat2|"};
#define WAYS 3

static void writes_whole(void **state)
{
    (void)state;
    for (unsigned w = 0; w < WAYS; w++) {
        files_error err;
        struct stat st;
        refused = ways[w];
        with = w == 2 ? EINVAL : EIO;
        assert_int_equal(put("one", FILES_NEW, &err), BCEMR_OK);
        expect("one");
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(put("two", FILES_NEW, &err), BCEMR_E_EXISTS);
        assert_string_equal(err.path, path);
        expect("one");
        assert_int_equal(put("two", FILES_REPLACE, &err), BCEMR_OK);
        expect("two");
        assert_int_equal(entries(), 1);
        clean();
    }
}

/* One writing of which the number-th call fails; true when there was no such call any more. */
static bool one_failure(unsigned way, bool old, unsigned long n)
{
    files_error err;
    refused = NULL;
    number = 0;
    clean();
    if (old)
        assert_int_equal(put("old", FILES_NEW, &err), BCEMR_OK);
    refused = ways[way];
    with = EINVAL;
    calls = 0;
    number = n;
    const bcemr_status status = put("new", old ? FILES_REPLACE : FILES_NEW, &err);
    if (status == BCEMR_OK) {
        const bool over = calls < n;
        expect("new");
        assert_int_equal(entries(), 1);
        return over;
    }
    assert_int_equal(status, BCEMR_E_IO);
    assert_int_equal(err.system, EIO);
    assert_non_null(err.doing);
    assert_int_equal(entries(), old);
    /* Only a folder that cannot be made durable leaves the new file in the old one's place. */
    if (old)
        expect(strcmp(err.doing, "make durable the folder of") == 0 ? "new" : "old");
    return false;
}

/* The n-th call of the system fails, for every n: then nothing is there, or the old file is. */
static void every_failure(void **state)
{
    (void)state;
    for (unsigned way = 0; way < WAYS; way++) {
        for (int old = 0; old < 2; old++) {
            unsigned long n = 1;
            while (!one_failure(way, old, n))
                assert_true(++n < 20);
            assert_true(n > 5);
        }
    }
}

/* Somebody takes the name while we write. */
static void name_taken_meanwhile(void **state)
{
    (void)state;
    for (unsigned w = 0; w < WAYS; w++) {
        files_error err;
        files_sink *sink = NULL;
        refused = ways[w];
        with = w == 2 ? EINVAL : EIO;
        assert_int_equal(files_sink_create(path, FILES_NEW, &sink, &err), BCEMR_OK);
        const bcemr_sink view = files_sink_view(sink);
        assert_int_equal(view.write(view.user, bcemr_text("mine")), BCEMR_OK);
        FILE *other = fopen(path, "w");
        assert_non_null(other);
        (void)fputs("theirs", other);
        assert_int_equal(fclose(other), 0);
        assert_int_equal(files_sink_commit(sink, &err), BCEMR_E_EXISTS);
        files_sink_free(sink);
        expect("theirs");
        assert_int_equal(entries(), 1);
        clean();
    }
}

static void nothing_without_commit(void **state)
{
    (void)state;
    for (unsigned w = 0; w < WAYS; w++) {
        files_error err;
        files_sink *sink = NULL;
        refused = ways[w];
        assert_int_equal(files_sink_create(path, FILES_NEW, &sink, &err), BCEMR_OK);
        const bcemr_sink view = files_sink_view(sink);
        assert_int_equal(view.write(view.user, bcemr_text("mine")), BCEMR_OK);
        assert_false(files_exists(path));
        files_sink_free(sink);
        assert_int_equal(entries(), 0);
    }
    files_sink_free(NULL);
}

static void failed_write_stays_failed(void **state)
{
    (void)state;
    files_error err;
    files_sink *sink = NULL;
    assert_int_equal(files_sink_create(path, FILES_NEW, &sink, &err), BCEMR_OK);
    const bcemr_sink view = files_sink_view(sink);
    refused = "|write|";
    with = ENOSPC;
    assert_int_equal(view.write(view.user, bcemr_text("a")), BCEMR_E_IO);
    refused = NULL;
    assert_int_equal(view.write(view.user, bcemr_text("b")), BCEMR_E_IO);
    assert_true(files_sink_error(sink, &err));
    assert_int_equal(err.system, ENOSPC);
    assert_int_equal(files_sink_commit(sink, &err), BCEMR_E_IO);
    assert_int_equal(err.system, ENOSPC);
    files_sink_free(sink);
    assert_int_equal(entries(), 0);
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    files_error err;
    files_source *source = NULL;
    files_sink *sink = NULL;
    assert_int_equal(files_source_open(folder, &source, &err), BCEMR_E_ARGUMENT);
    assert_string_equal(err.why, "it is a folder");
    assert_int_equal(files_source_open(path, &source, &err), BCEMR_E_NOT_FOUND);
    assert_int_equal(err.system, ENOENT);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(files_source_open(path, &source, &err), BCEMR_E_ARGUMENT);
    assert_int_equal(files_sink_create("/tmp/", FILES_NEW, &sink, &err), BCEMR_E_ARGUMENT);
    assert_int_equal(files_sink_create("..", FILES_REPLACE, &sink, &err), BCEMR_E_ARGUMENT);
    assert_int_equal(files_sink_create(folder, FILES_REPLACE, &sink, &err), BCEMR_E_ARGUMENT);
    assert_int_equal(files_sink_create("/nowhere/at/all", FILES_NEW, &sink, &err),
                     BCEMR_E_NOT_FOUND);
    assert_null(sink);
    assert_null(source);
}

static void reads_in_any_order(void **state)
{
    (void)state;
    files_error err;
    files_source *source = NULL;
    uint8_t got[8];
    assert_int_equal(put("0123456789", FILES_NEW, &err), BCEMR_OK);
    assert_int_equal(files_source_open(path, &source, &err), BCEMR_OK);
    const bcemr_source view = files_source_view(source);
    assert_int_equal(view.length, 10);
    assert_int_equal(view.read(view.user, 7, got, 3), BCEMR_OK);
    assert_memory_equal(got, "789", 3);
    assert_int_equal(view.read(view.user, 0, got, 2), BCEMR_OK);
    assert_memory_equal(got, "01", 2);
    assert_int_equal(view.read(view.user, 10, got, 0), BCEMR_OK);
    assert_int_equal(view.read(view.user, 8, got, 3), BCEMR_E_ARGUMENT);
    assert_int_equal(view.read(view.user, UINT64_MAX, got, 2), BCEMR_E_ARGUMENT);
    assert_false(files_source_error(source, &err));
    assert_int_equal(truncate(path, 5), 0);
    assert_int_equal(view.read(view.user, 4, got, 3), BCEMR_E_IO);
    assert_true(files_source_error(source, &err));
    assert_string_equal(err.why, "it became shorter while it was read");
    files_source_close(source);
    files_source_close(NULL);
}

/* Past 4 GiB, in a file with a hole. */
static void offsets_of_64_bits(void **state)
{
    (void)state;
    files_error err;
    files_source *source = NULL;
    uint8_t got[4];
    const off_t far = (off_t)5 << 30;
    assert_int_equal(put("", FILES_NEW, &err), BCEMR_OK);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseeko(file, far, SEEK_SET), 0);
    (void)fputs("here", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(files_source_open(path, &source, &err), BCEMR_OK);
    const bcemr_source view = files_source_view(source);
    assert_true(view.length == (uint64_t)far + 4);
    assert_int_equal(view.read(view.user, (uint64_t)far, got, 4), BCEMR_OK);
    assert_memory_equal(got, "here", 4);
    files_source_close(source);
}

static void hashes_and_compares(void **state)
{
    (void)state;
    static const uint8_t abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                    0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                    0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                    0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    char other[256];
    files_error err;
    bcemr_hash hash;
    uint64_t length = 0;
    bool same = false;
    (void)snprintf(other, sizeof other, "%s/other", folder);
    assert_int_equal(put("abc", FILES_NEW, &err), BCEMR_OK);
    assert_int_equal(files_sha256(path, &hash, &length, &err), BCEMR_OK);
    assert_memory_equal(hash.b, abc, 32);
    assert_int_equal(length, 3);
    const struct {
        const char *text;
        bool same;
    } cases[] = {{"abc", true}, {"abd", false}, {"ab", false}, {"abcd", false}, {"", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(files_write(other, bcemr_text(cases[i].text), FILES_REPLACE, &err),
                         BCEMR_OK);
        assert_int_equal(files_same(path, other, &same, &err), BCEMR_OK);
        assert_int_equal(same, cases[i].same);
    }
    assert_int_equal(files_same(path, "/nowhere/at/all", &same, &err), BCEMR_E_NOT_FOUND);
    refused = "|pread|";
    assert_int_equal(files_sha256(path, &hash, &length, &err), BCEMR_E_IO);
    assert_int_equal(err.system, EIO);
}

static void bounds_what_it_reads(void **state)
{
    (void)state;
    files_error err;
    bcemr_buf got = BCEMR_BUF_EMPTY;
    assert_int_equal(put("12345", FILES_NEW, &err), BCEMR_OK);
    assert_int_equal(files_read(path, 4, &got, &err), BCEMR_E_TOO_LONG);
    assert_null(got.p);
    assert_int_equal(files_read(path, 5, &got, &err), BCEMR_OK);
    assert_int_equal(got.n, 5);
    bcemr_buf_free(&got);
}

static void names(void **state)
{
    (void)state;
    static const char *const good[] = {"a",    "CT small (1).dcm", "Röntgen.pdf", "报告.json",
                                       "a..b", "a-b_c.d"};
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "/etc/passwd",
        "a\\b",
        ".hidden",
        "-rf",
        " a",
        "a ",
        "a.",
        "a\nb",
        "a\x1b[2J",
        "a\x7f",
        "\xff",
        "\xc0\xaf",         /* '/' in two bytes */
        "\xe2\x80\xae.fdp", /* turns the direction around */
        "\xed\xa0\x80",     /* half a pair */
        "a\xc2\x85"         /* a control of two bytes */
    };
    files_error err;
    files_sink *sink = NULL;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(files_name_check(bcemr_text(good[i]), &err), BCEMR_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(files_name_check(bcemr_text(bad[i]), &err), BCEMR_E_ARGUMENT);
        assert_non_null(err.why);
        assert_int_equal(
            files_sink_create_in(folder, bcemr_text(bad[i]), FILES_REPLACE, &sink, &err),
            BCEMR_E_ARGUMENT);
        assert_null(sink);
    }
    assert_int_equal(files_name_check(bcemr_span_of("a\0b", 3), &err), BCEMR_E_ARGUMENT);
    char longest[202];
    memset(longest, 'x', sizeof longest);
    assert_int_equal(files_name_check(bcemr_span_of(longest, 201), &err), BCEMR_E_ARGUMENT);
    assert_int_equal(
        files_sink_create_in(folder, bcemr_span_of(longest, 200), FILES_NEW, &sink, &err),
        BCEMR_OK);
    assert_int_equal(files_sink_commit(sink, &err), BCEMR_OK);
    files_sink_free(sink);
    assert_int_equal(entries(), 1);
}

static void folders(void **state)
{
    (void)state;
    char deep[256];
    struct stat st;
    files_error err;
    (void)snprintf(deep, sizeof deep, "%s/a//b/", folder);
    assert_int_equal(files_make_folder(deep, &err), BCEMR_OK);
    assert_int_equal(files_make_folder(deep, &err), BCEMR_OK);
    assert_int_equal(stat(deep, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(put("x", FILES_NEW, &err), BCEMR_OK);
    assert_int_equal(files_make_folder(path, &err), BCEMR_E_IO);
    assert_int_equal(err.system, ENOTDIR);
    assert_int_equal(files_make_folder("", &err), BCEMR_E_ARGUMENT);
    assert_int_equal(rmdir(deep), 0);
}

static void a_store(void **state)
{
    (void)state;
    files_store *files = NULL;
    files_error why;
    bcemr_error err;
    bcemr_sink sink;
    bcemr_source source;
    void *writing = NULL;
    uint8_t got[3];
    assert_int_equal(files_store_new(folder, &files, &why), BCEMR_OK);
    const server_store store = files_store_interface(files);
    static const char *const bad[] = {"", "../x", "A", "a.b", "a/b", ".x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(store.begin(store.user, bad[i], &sink, &writing, &err), BCEMR_E_ARGUMENT);
    assert_int_equal(store.open(store.user, "out", &source, &err), BCEMR_E_NOT_FOUND);
    assert_int_equal(store.remove(store.user, "out", &err), BCEMR_OK);
    for (int keep = 0; keep < 2; keep++) {
        assert_int_equal(store.begin(store.user, "out", &sink, &writing, &err), BCEMR_OK);
        assert_int_equal(sink.write(sink.user, bcemr_text("one")), BCEMR_OK);
        assert_int_equal(entries(), 0);
        assert_int_equal(store.finish(store.user, writing, keep, &err), BCEMR_OK);
        assert_int_equal(entries(), keep);
    }
    /* Replaced and removed, it stays readable for who has it open. */
    assert_int_equal(store.open(store.user, "out", &source, &err), BCEMR_OK);
    assert_int_equal(store.begin(store.user, "out", &sink, &writing, &err), BCEMR_OK);
    assert_int_equal(sink.write(sink.user, bcemr_text("two")), BCEMR_OK);
    assert_int_equal(store.finish(store.user, writing, true, &err), BCEMR_OK);
    expect("two");
    assert_int_equal(store.remove(store.user, "out", &err), BCEMR_OK);
    assert_int_equal(source.read(source.user, 0, got, 3), BCEMR_OK);
    assert_memory_equal(got, "one", 3);
    store.close(store.user, &source);
    store.close(store.user, &source);
    assert_int_equal(entries(), 0);
    refused = "|fsync|";
    assert_int_equal(store.begin(store.user, "out", &sink, &writing, &err), BCEMR_OK);
    assert_int_equal(store.finish(store.user, writing, true, &err), BCEMR_E_IO);
    assert_int_equal(err.status, BCEMR_E_IO);
    assert_true(files_store_error(files, &why));
    assert_int_equal(why.system, EIO);
    assert_int_equal(entries(), 0);
    files_store_free(files);
    files_store_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(writes_whole),
                                       TEST(every_failure),
                                       TEST(name_taken_meanwhile),
                                       TEST(nothing_without_commit),
                                       TEST(failed_write_stays_failed),
                                       TEST(refuses_what_is_no_file),
                                       TEST(reads_in_any_order),
                                       TEST(offsets_of_64_bits),
                                       TEST(hashes_and_compares),
                                       TEST(bounds_what_it_reads),
                                       TEST(names),
                                       TEST(folders),
                                       TEST(a_store)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
