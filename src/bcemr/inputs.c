/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/inputs.h"
#include "bcemr/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANIFEST_LIMIT (1u << 20)

/* ---- what there can be ---- */

typedef struct role {
    const char *name;
    const char *text;
    const char *media_type;
    inputs_discipline discipline;
    const char *own; /* file of ours in share/bcemr/demo; NULL: fetched */
    uint64_t expected;
} role;

static const char fhir[] = "application/fhir+json", dicom[] = "application/dicom";

static const role roles[] = {
    {"visit-summary", "visit summary (FHIR document)", fhir, INPUTS_GENERAL_PRACTICE,
     "visit-summary.fhir.json", 1},
    {"gp-note", "general practitioner's note (FHIR document)", fhir, INPUTS_GENERAL_PRACTICE,
     "gp-note.fhir.json", 1},
    {"fhir-bundle", "patient history (FHIR bundle)", fhir, INPUTS_GENERAL_PRACTICE, NULL, 1},
    {"diagnostic-report", "laboratory report (FHIR)", fhir, INPUTS_GENERAL_PRACTICE, NULL, 3},
    {"radiology-report", "radiology report (FHIR document)", fhir, INPUTS_RADIOLOGY,
     "radiology-report.fhir.json", 1},
    {"ct", "CT image (DICOM)", dicom, INPUTS_RADIOLOGY, NULL, 1},
    {"mr", "MR image (DICOM)", dicom, INPUTS_RADIOLOGY, NULL, 1},
    {"cardiology-report", "cardiology report (FHIR document)", fhir, INPUTS_CARDIOLOGY,
     "cardiology-report.fhir.json", 1},
    {"ecg", "ECG waveform (DICOM)", dicom, INPUTS_CARDIOLOGY, NULL, 1},
    {"pdf", "report (PDF)", "application/pdf", INPUTS_CARDIOLOGY, NULL, 1},
};
#define ROLES (sizeof roles / sizeof roles[0])

static const role given = {"given", "file given", NULL, INPUTS_GIVEN, NULL, 0};

const char *inputs_discipline_doctor(inputs_discipline discipline)
{
    static const char *const doctors[] = {"general practitioner", "radiologist", "cardiologist"};
    return discipline < INPUTS_DISCIPLINES ? doctors[discipline] : "doctor";
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    if (n < m)
        return false;
    for (size_t i = 0; i < m; i++) {
        const char c = text[n - m + i];
        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != end[i])
            return false;
    }
    return true;
}

const char *inputs_media_type(const char *path)
{
    static const struct {
        const char *suffix, *media_type;
    } types[] = {
        {".fhir.json", fhir},
        {".dcm", dicom},
        {".dicom", dicom},
        {".pdf", "application/pdf"},
        {".json", "application/json"},
        {".fhir.xml", "application/fhir+xml"},
        {".hl7", "text/hl7v2"},
        {".cda", "application/cda+xml"},
        {".xml", "application/xml"},
        {".txt", "text/plain"},
        {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},
        {".png", "image/png"},
        {".tif", "image/tiff"},
        {".tiff", "image/tiff"},
        {".nii", "application/x-nifti"},
        {".nii.gz", "application/x-nifti"},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (ends_with(path, types[i].suffix))
            return types[i].media_type;
    }
    return "application/octet-stream";
}

/* ---- the list ---- */

static bcemr_status no_memory(files_error *err)
{
    if (err)
        *err = (files_error){.status = BCEMR_E_NO_MEMORY, .doing = "read the inputs"};
    return BCEMR_E_NO_MEMORY;
}

/* Room for one more item in *list. */
static bool grow(void **list, uint64_t count, uint64_t size)
{
    if (count % 16 != 0)
        return true;
    void *more = bcemr_allocate((count + 16) * size);
    if (!more)
        return false;
    if (count > 0)
        memcpy(more, *list, (size_t)(count * size));
    bcemr_release(*list);
    *list = more;
    return true;
}

static bool add_missing(inputs *in, const char *what, const char *why)
{
    char line[512];
    (void)snprintf(line, sizeof line, "%s: %s", what, why);
    void *list = in->missing;
    if (!grow(&list, in->missing_count, sizeof in->missing[0]))
        return false;
    in->missing = list;
    in->missing[in->missing_count] = files_text(line);
    return in->missing[in->missing_count] && ++in->missing_count;
}

/* Takes path, which may be NULL. name: what it is to be called. */
static bool add_file(inputs *in, const role *r, char *path, const char *name, uint64_t bytes,
                     const bcemr_hash *sha256)
{
    void *list = in->files;
    char *own_name = files_text(name);
    if (!path || !own_name || !grow(&list, in->count, sizeof in->files[0])) {
        bcemr_release(path);
        bcemr_release(own_name);
        return false;
    }
    in->files = list;
    in->files[in->count++] =
        (inputs_file){.role = r->name,
                      .text = r->text,
                      .media_type = r->media_type ? r->media_type : inputs_media_type(path),
                      .discipline = r->discipline,
                      .own = r->own != NULL,
                      .path = path,
                      .name = own_name,
                      .bytes = bytes,
                      .sha256 = *sha256};
    return true;
}

void inputs_free(inputs *in)
{
    for (uint64_t i = 0; i < in->count; i++) {
        bcemr_release(in->files[i].path);
        bcemr_release(in->files[i].name);
    }
    for (uint64_t i = 0; i < in->missing_count; i++)
        bcemr_release(in->missing[i]);
    bcemr_release(in->files);
    bcemr_release(in->missing);
    bcemr_release(in->folder);
    *in = (inputs){.files = NULL};
}

/* ---- names ---- */

/* name as it may stand in a manifest; out has 201 bytes. */
static void safe_name(const char *name, char out[201])
{
    char shown[201];
    const char *from = report_printable(bcemr_text(name), shown, sizeof shown);
    while (*from == '.' || *from == '-' || *from == ' ')
        from++;
    size_t n = 0;
    for (; *from; from++)
        out[n++] = *from;
    for (size_t i = 0; i < n; i++) {
        if (out[i] == '/' || out[i] == '\\')
            out[i] = '_';
    }
    while (n > 0 && (out[n - 1] == ' ' || out[n - 1] == '.'))
        n--;
    out[n] = 0;
    if (n == 0)
        memcpy(out, "document", sizeof "document");
}

static bool name_taken(const inputs *in, const char *name)
{
    for (uint64_t i = 0; i < in->count; i++) {
        if (strcmp(in->files[i].name, name) == 0)
            return true;
    }
    return false;
}

/* "scan.dcm", or "scan-2.dcm" when there is one. */
static void free_name(const inputs *in, const char *name, char out[201])
{
    char base[201];
    safe_name(name, base);
    memcpy(out, base, sizeof base);
    const char *dot = strchr(base, '.');
    const size_t stem = dot ? (size_t)(dot - base) : strlen(base);
    for (uint64_t number = 2; name_taken(in, out); number++) {
        char suffix[201];
        (void)snprintf(suffix, sizeof suffix, "-%" PRIu64 "%.160s", number, dot ? dot : "");
        size_t keep = stem + strlen(suffix) <= 200 ? stem : 200 - strlen(suffix);
        /* Not in the middle of a character. */
        while (keep > 0 && (base[keep] & 0xc0) == 0x80)
            keep--;
        memcpy(out, base, keep);
        memcpy(out + keep, suffix, strlen(suffix) + 1);
    }
}

bcemr_status inputs_given(const char *const *paths, uint64_t count, inputs *out, files_error *err)
{
    *out = (inputs){.files = NULL};
    for (uint64_t i = 0; i < count; i++) {
        bcemr_hash hash;
        uint64_t bytes = 0;
        char name[201];
        bcemr_status status = files_sha256(paths[i], &hash, &bytes, err);
        if (status == BCEMR_OK) {
            free_name(out, files_base_name(paths[i]), name);
            if (!add_file(out, &given, files_text(paths[i]), name, bytes, &hash))
                status = no_memory(err);
        }
        if (status != BCEMR_OK) {
            inputs_free(out);
            return status;
        }
    }
    return BCEMR_OK;
}

/* ---- where ---- */

/* The folder up beside the one that the program is in; bcemr_release. NULL when it is not known. */
static char *beside_program(const char *up)
{
    char self[4096];
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return NULL;
    self[n] = 0;
    char *slash = strrchr(self, '/');
    if (!slash)
        return NULL;
    slash[1] = 0;
    /* build/bin/../data reads better as build/data. */
    if (strncmp(up, "../", 3) == 0 && slash != self) {
        *slash = 0;
        slash = strrchr(self, '/');
        slash[1] = 0;
        up += 3;
    }
    return files_join(self, up);
}

static char *own_folder(void)
{
    const char *set = getenv("BCEMR_SHARE");
    return set && set[0] ? files_join(set, "demo") : beside_program(BCEMR_SHARE "/demo");
}

static char *fetched_folder(const char *data)
{
    if (data)
        return files_text(data);
    const char *set = getenv("BCEMR_DATA");
    return set && set[0] ? files_text(set) : beside_program("../data");
}

/* ---- the manifest of what was fetched ---- */

typedef struct manifest_line {
    const char *role, *path;
    uint64_t bytes;
    bcemr_hash sha256;
} manifest_line;

/* The next word of *at, which is cut there; NULL at the end of the line. */
static char *word(char **at)
{
    char *begin = *at + strspn(*at, " \t");
    if (*begin == 0)
        return NULL;
    char *end = begin + strcspn(begin, " \t");
    *at = *end ? end + 1 : end;
    *end = 0;
    return begin;
}

static bool read_hash(const char *text, bcemr_hash *out)
{
    for (size_t i = 0; i < 64; i++) {
        const char c = text[i];
        const int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (v < 0)
            return false;
        out->b[i / 2] = (uint8_t)(i % 2 == 0 ? v << 4 : out->b[i / 2] | v);
    }
    return text[64] == 0;
}

/* Below the folder, whatever the manifest says. */
static bool path_stays(const char *path)
{
    if (path[0] == '/')
        return false;
    for (const char *p = path; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL) {
        if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == 0))
            return false;
    }
    return true;
}

static bool parse_line(char *line, manifest_line *out)
{
    char *at = line;
    const char *hash, *bytes;
    if (!(out->role = word(&at)) || !(out->path = word(&at)) || !(bytes = word(&at)) ||
        !(hash = word(&at)) || word(&at) || !path_stays(out->path))
        return false;
    char *end = NULL;
    out->bytes = strtoull(bytes, &end, 10);
    return bytes[0] >= '0' && bytes[0] <= '9' && *end == 0 && read_hash(hash, &out->sha256);
}

/* NULL when the file is what the line says, else why it is not taken. */
static const char *check_file(const char *path, const manifest_line *line)
{
    bcemr_hash hash;
    uint64_t bytes = 0;
    const bcemr_status status = files_sha256(path, &hash, &bytes, NULL);
    if (status == BCEMR_E_NOT_FOUND)
        return "it is not there any more";
    if (status != BCEMR_OK)
        return "it cannot be read";
    if (bytes != line->bytes || memcmp(&hash, &line->sha256, sizeof hash) != 0)
        return "it is not the file that was fetched: its SHA-256 is another";
    return NULL;
}

/* What a line of the manifest brings for a role. found counts the good ones. */
static bool take_line(inputs *in, const role *r, const manifest_line *line, uint64_t *found)
{
    char *path = files_join(in->folder, line->path);
    if (!path)
        return false;
    const char *why = check_file(path, line);
    ++*found;
    if (!why) {
        char name[201];
        free_name(in, files_base_name(line->path), name);
        return add_file(in, r, path, name, line->bytes, &line->sha256);
    }
    bcemr_release(path);
    return add_missing(in, r->text, why);
}

static bool take_fetched(inputs *in, const role *r, const bcemr_buf *manifest)
{
    uint64_t found = 0;
    const char *at = (const char *)manifest->p;
    while (at && *at) {
        char line[1024];
        manifest_line parsed;
        const size_t n = strcspn(at, "\n");
        (void)snprintf(line, sizeof line, "%.*s", (int)(n < sizeof line ? n : 0), at);
        at += n + (at[n] == '\n');
        if (parse_line(line, &parsed) && strcmp(parsed.role, r->name) == 0 &&
            !take_line(in, r, &parsed, &found))
            return false;
    }
    return found >= r->expected || add_missing(in, r->text, "it was not fetched");
}

static bcemr_status take_own(inputs *in, const role *r, const char *folder, files_error *err)
{
    bcemr_hash hash;
    uint64_t bytes = 0;
    char *path = files_join(folder, r->own);
    if (!path)
        return no_memory(err);
    const bcemr_status status = files_sha256(path, &hash, &bytes, err);
    if (status != BCEMR_OK) {
        bcemr_release(path);
        return status;
    }
    return add_file(in, r, path, r->own, bytes, &hash) ? BCEMR_OK : no_memory(err);
}

bcemr_status inputs_find(const char *data, inputs *out, files_error *err)
{
    *out = (inputs){.folder = fetched_folder(data)};
    bcemr_buf manifest = BCEMR_BUF_EMPTY;
    bcemr_status status = BCEMR_OK;
    char *own = own_folder();
    char *list = out->folder ? files_join(out->folder, "MANIFEST.txt") : NULL;
    if (!own || !list) {
        status = no_memory(err);
        goto out;
    }
    /* Not there, or no text: then nothing was fetched, which the roles will say one by one. */
    if (files_read(list, MANIFEST_LIMIT, &manifest, NULL) != BCEMR_OK ||
        (manifest.n > 0 && memchr(manifest.p, 0, (size_t)manifest.n) != NULL))
        bcemr_buf_clear(&manifest);
    static const uint8_t end[1] = {0};
    status = bcemr_buf_append(&manifest, bcemr_span_of(end, 1));
    if (status != BCEMR_OK)
        status = no_memory(err);
    for (size_t i = 0; status == BCEMR_OK && i < ROLES; i++) {
        if (roles[i].own)
            status = take_own(out, &roles[i], own, err);
        else if (!take_fetched(out, &roles[i], &manifest))
            status = no_memory(err);
    }
out:
    bcemr_buf_free(&manifest);
    bcemr_release(list);
    bcemr_release(own);
    if (status != BCEMR_OK)
        inputs_free(out);
    return status;
}

/* ---- looking ---- */

const inputs_file *inputs_of(const inputs *in, inputs_discipline discipline, uint64_t number)
{
    for (uint64_t i = 0; i < in->count; i++) {
        if (in->files[i].discipline == discipline && number-- == 0)
            return &in->files[i];
    }
    return NULL;
}

const inputs_file *inputs_role(const inputs *in, const char *name)
{
    for (uint64_t i = 0; i < in->count; i++) {
        if (strcmp(in->files[i].role, name) == 0)
            return &in->files[i];
    }
    return NULL;
}

void inputs_explain(const inputs *in, report *r)
{
    if (in->missing_count == 0)
        return;
    report_warning(r, "going on without some of the real clinical files:");
    for (uint64_t i = 0; i < in->missing_count; i++)
        report_warning(r, "  %s", in->missing[i]);
    report_warning(r, "`make setup` fetches them into build/data; looked for here: %s", in->folder);
}
