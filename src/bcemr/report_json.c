/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/report.h"
#include "bcemr/report_parts.h"
#include "bcemr/text.h"

#include <string.h>

void report_json_begin(report_json *j)
{
    *j = (report_json){json_object(), false};
    j->failed = !j->root;
}

/* Takes value; object NULL is the root, and a failure before it makes every later call do nothing.
 */
static json_t *put(report_json *j, json_t *object, const char *key, json_t *value)
{
    if (!object)
        object = j->root;
    /* It takes value also when it fails. */
    if (json_object_set_new(object, key, value) != 0) {
        j->failed = true;
        return NULL;
    }
    return value;
}

/* JSON escapes control characters itself; only what is not UTF-8 has no place in it. */
static json_t *string_of(const char *text)
{
    const bcemr_span span = bcemr_text(text);
    bcemr_buf good = BCEMR_BUF_EMPTY;
    bcemr_status status = bcemr_buf_reserve(&good, 3 * span.n + 1);
    for (uint64_t at = 0; status == BCEMR_OK && at < span.n;) {
        const uint64_t from = at;
        const bool valid = text_next(span, &at) != TEXT_INVALID;
        const bcemr_span piece =
            valid ? bcemr_span_of(span.p + from, at - from) : bcemr_text("\xef\xbf\xbd");
        status = bcemr_buf_append(&good, piece);
    }
    json_t *out = status == BCEMR_OK ? json_stringn((const char *)good.p, (size_t)good.n) : NULL;
    bcemr_buf_free(&good);
    return out;
}

void report_json_text(report_json *j, json_t *object, const char *key, const char *text)
{
    (void)put(j, object, key, string_of(text));
}

void report_json_number(report_json *j, json_t *object, const char *key, uint64_t number)
{
    (void)put(j, object, key, json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number));
}

void report_json_seconds(report_json *j, json_t *object, const char *key, double seconds)
{
    /* Whole microseconds: the clock knows no more. */
    (void)put(j, object, key, json_real((double)(int64_t)(seconds * 1e6 + 0.5) / 1e6));
}

void report_json_bool(report_json *j, json_t *object, const char *key, bool value)
{
    (void)put(j, object, key, json_boolean(value));
}

void report_json_hash(report_json *j, json_t *object, const char *key, const bcemr_hash *hash)
{
    char text[65];
    report_json_text(j, object, key, report_hex(hash->b, sizeof hash->b, text));
}

json_t *report_json_list(report_json *j, json_t *object, const char *key)
{
    return put(j, object, key, json_array());
}

json_t *report_json_object(report_json *j, json_t *object, const char *key)
{
    return put(j, object, key, json_object());
}

json_t *report_json_item(report_json *j, json_t *list)
{
    json_t *item = json_object();
    if (json_array_append_new(list, item) != 0) {
        j->failed = true;
        return NULL;
    }
    return item;
}

json_t *report_json_file(report_json *j, json_t *list, const char *path, uint64_t bytes,
                         const bcemr_hash *sha256)
{
    json_t *item = report_json_item(j, list);
    if (!item)
        return NULL;
    report_json_text(j, item, "path", path);
    report_json_number(j, item, "bytes", bytes);
    report_json_hash(j, item, "sha256", sha256);
    return item;
}

bcemr_status report_json_print(report *r, report_json *j)
{
    bcemr_status status = j->failed ? BCEMR_E_NO_MEMORY : BCEMR_OK;
    report_undraw(r);
    if (status == BCEMR_OK && r->json && !r->answered) {
        r->answered = true;
        if (json_dumpf(j->root, r->out, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) != 0 ||
            fputc('\n', r->out) == EOF || fflush(r->out) != 0) {
            r->failed = true;
            status = BCEMR_E_IO;
        }
    }
    json_decref(j->root);
    *j = (report_json){NULL, true};
    return status;
}
