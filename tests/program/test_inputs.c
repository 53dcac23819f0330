/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's files: taken only as the manifest has them, never from outside the folder; what is
 * missing is said, and our own are always there. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bcemr/inputs.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static char folder[] = "/tmp/bcemr-inputs-XXXXXX";
static const char *const made[] = {"MANIFEST.txt", "CT.dcm", "ecg.dcm", "-x.pdf", "a b.tar.gz"};

static char *in_folder(const char *name)
{
    char *path = files_join(folder, name);
    assert_non_null(path);
    return path;
}

static void put(const char *name, const char *text)
{
    files_error err;
    char *path = in_folder(name);
    assert_int_equal(files_write(path, bcemr_text(text), FILES_REPLACE, &err), BCEMR_OK);
    bcemr_release(path);
}

static int begin(void **state)
{
    (void)state;
    /* Where the program's data files are in the tree: the tests do not run beside the program. */
    const char share[] = BCEMR_BINARY_DIR "/share/bcemr";
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    return setenv("BCEMR_SHARE", share, 1) == 0 && unsetenv("BCEMR_DATA") == 0 && mkdtemp(folder)
               ? 0
               : -1;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        char *path = in_folder(made[i]);
        (void)unlink(path);
        bcemr_release(path);
    }
    return rmdir(folder);
}

static uint64_t of_own(const inputs *in)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < in->count; i++)
        n += in->files[i].own;
    return n;
}

/* Our own documents: readable, FHIR documents, each reference in them answered in them. */
static void resolve(const json_t *bundle, const json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_array(value)) {
        json_array_foreach(value, i, item) resolve(bundle, item);
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        if (strcmp(key, "reference") == 0) {
            const json_t *entries = json_object_get(bundle, "entry");
            size_t found = 0;
            for (i = 0; i < json_array_size(entries); i++)
                found +=
                    json_equal(json_object_get(json_array_get(entries, i), "fullUrl"), item) != 0;
            assert_int_equal(found, 1);
        }
        resolve(bundle, item);
    }
}

static void own_documents(void **state)
{
    (void)state;
    inputs in;
    files_error err;
    assert_int_equal(inputs_find(folder, &in, &err), BCEMR_OK);
    assert_int_equal(in.count, 4);
    assert_int_equal(of_own(&in), 4);
    assert_int_equal(in.missing_count, 6);
    for (uint64_t i = 0; i < in.count; i++) {
        const inputs_file *f = &in.files[i];
        json_t *bundle = json_load_file(f->path, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(bundle);
        assert_string_equal(json_string_value(json_object_get(bundle, "resourceType")), "Bundle");
        assert_string_equal(json_string_value(json_object_get(bundle, "type")), "document");
        const json_t *first = json_array_get(json_object_get(bundle, "entry"), 0);
        assert_string_equal(
            json_string_value(json_object_get(json_object_get(first, "resource"), "resourceType")),
            "Composition");
        resolve(bundle, bundle);
        json_decref(bundle);
        assert_string_equal(f->media_type, "application/fhir+json");
        assert_int_equal(files_name_check(bcemr_text(f->name), &err), BCEMR_OK);
    }
    for (inputs_discipline d = 0; d < INPUTS_DISCIPLINES; d++)
        assert_non_null(inputs_of(&in, d, 0));
    assert_null(inputs_of(&in, INPUTS_RADIOLOGY, 1));
    assert_non_null(inputs_role(&in, "visit-summary"));
    assert_null(inputs_role(&in, "ct"));
    inputs_free(&in);
    inputs_free(&in);
}

static void takes_what_is_right(void **state)
{
    (void)state;
    inputs in;
    files_error err;
    put("CT.dcm", "abc");
    put("ecg.dcm", "abd");
    put("MANIFEST.txt", "ct CT.dcm 3 " ABC "\n"
                        "mr gone.dcm 3 " ABC "\n"
                        "ecg ecg.dcm 3 " ABC "\n"
                        "pdf CT.dcm 4 " ABC "\n"
                        "unheard-of CT.dcm 3 " ABC "\n");
    assert_int_equal(inputs_find(folder, &in, &err), BCEMR_OK);
    assert_int_equal(in.count, 5);
    const inputs_file *ct = inputs_role(&in, "ct");
    assert_non_null(ct);
    assert_string_equal(ct->name, "CT.dcm");
    assert_string_equal(ct->media_type, "application/dicom");
    assert_int_equal(ct->bytes, 3);
    assert_false(ct->own);
    assert_true(ct == inputs_of(&in, INPUTS_RADIOLOGY, 1));
    static const char *const missing[] = {
        "patient history (FHIR bundle): it was not fetched",
        "laboratory report (FHIR): it was not fetched",
        "MR image (DICOM): it is not there any more",
        "ECG waveform (DICOM): it is not the file that was fetched: its SHA-256 is another",
        "report (PDF): it is not the file that was fetched: its SHA-256 is another"};
    assert_int_equal(in.missing_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(in.missing[i], missing[i]);
    inputs_free(&in);
}

static void bad_manifests(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "\n\n",
                                      "ct",
                                      "ct /etc/passwd 3 " ABC,
                                      "ct ../CT.dcm 3 " ABC,
                                      "ct x/../../CT.dcm 3 " ABC,
                                      "ct .. 3 " ABC,
                                      "ct CT.dcm -3 " ABC,
                                      "ct CT.dcm 3x " ABC,
                                      "ct CT.dcm 3 " ABC "0",
                                      "ct CT.dcm 3 ba78",
                                      "ct CT.dcm 3 BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9C"
                                      "B410FF61F20015AD",
                                      "ct CT.dcm 3 " ABC " more"};
    put("CT.dcm", "abc");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        inputs in;
        files_error err;
        put("MANIFEST.txt", bad[i]);
        assert_int_equal(inputs_find(folder, &in, &err), BCEMR_OK);
        assert_int_equal(in.count, 4);
        assert_null(inputs_role(&in, "ct"));
        inputs_free(&in);
    }
}

static void own_ones_missing(void **state)
{
    (void)state;
    inputs in;
    files_error err;
    assert_int_equal(setenv("BCEMR_SHARE", folder, 1), 0);
    assert_int_equal(inputs_find(folder, &in, &err), BCEMR_E_NOT_FOUND);
    assert_non_null(strstr(err.path, "visit-summary.fhir.json"));
    assert_null(in.files);
}

static void files_given(void **state)
{
    (void)state;
    inputs in;
    files_error err;
    put("CT.dcm", "abc");
    put("-x.pdf", "");
    put("a b.tar.gz", "abc");
    char *ct = in_folder("CT.dcm"), *pdf = in_folder("-x.pdf"), *tar = in_folder("a b.tar.gz");
    const char *const paths[] = {ct, pdf, ct, tar, tar, ct};
    static const char *const names[] = {"CT.dcm",     "x.pdf",        "CT-2.dcm",
                                        "a b.tar.gz", "a b-2.tar.gz", "CT-3.dcm"};
    assert_int_equal(inputs_given(paths, 6, &in, &err), BCEMR_OK);
    assert_int_equal(in.count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(in.files[i].name, names[i]);
        assert_string_equal(in.files[i].path, paths[i]);
        assert_int_equal(in.files[i].discipline, INPUTS_GIVEN);
    }
    assert_string_equal(in.files[1].media_type, "application/pdf");
    assert_string_equal(in.files[3].media_type, "application/octet-stream");
    assert_string_equal(inputs_media_type("X.FHIR.JSON"), "application/fhir+json");
    inputs_free(&in);
    const char *const gone[] = {ct, "/nowhere/at/all"};
    assert_int_equal(inputs_given(gone, 2, &in, &err), BCEMR_E_NOT_FOUND);
    assert_string_equal(err.path, "/nowhere/at/all");
    assert_null(in.files);
    bcemr_release(ct);
    bcemr_release(pdf);
    bcemr_release(tar);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(own_documents), TEST(takes_what_is_right),
                                       TEST(bad_manifests), TEST(own_ones_missing),
                                       TEST(files_given)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
