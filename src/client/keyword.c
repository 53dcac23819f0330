/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords as they are tagged: NFKC, case folded (section 5). The one place that needs Unicode. */
#include "client/keyword.h"

#include "wire/error.h"

#include <bcemr/doctor.h>
#include <utf8proc.h>

#define KEYWORD_MAX 200
/* A compatibility decomposition makes at most 18 code points of one. */
#define POINTS_MAX (18 * KEYWORD_MAX)

bcemr_status bcemr_normalise_keyword(bcemr_span word, bcemr_buf *out, bcemr_error *err)
{
    static const utf8proc_option_t options =
        (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE |
                            UTF8PROC_CASEFOLD);
    bcemr_status status = BCEMR_OK;
    utf8proc_int32_t points[POINTS_MAX + 1] = {0};
    if (word.n == 0 || word.n > KEYWORD_MAX)
        FAIL(word.n == 0 ? BCEMR_E_ABSENT : BCEMR_E_TOO_LONG, "keyword", "word");
    utf8proc_ssize_t n =
        utf8proc_decompose(word.p, (utf8proc_ssize_t)word.n, points, POINTS_MAX, options);
    if (n <= 0 || n > POINTS_MAX)
        FAIL(BCEMR_E_TEXT, "keyword", "word");
    n = utf8proc_reencode(points, n, options); /* in place */
    if (n <= 0)
        FAIL(BCEMR_E_TEXT, "keyword", "word");
    if (n > KEYWORD_MAX)
        FAIL(BCEMR_E_TOO_LONG, "keyword", "word");
    TRY_AT(bcemr_buf_append(out, bcemr_span_of(points, (uint64_t)n)), "keyword", "word");
out:
    bcemr_wipe(points, sizeof points);
    return status;
}

bcemr_status client_keywords_normal(const bcemr_tr_manifest *manifest, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf normal = BCEMR_BUF_EMPTY;
    bcemr_span word;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_keyword_item, &manifest->keywords);
    for (uint64_t i = 0; bcemr_list_next(&iter, &word); i++) {
        bcemr_buf_clear(&normal);
        TRY(bcemr_normalise_keyword(word, &normal, err));
        REQUIRE_AT(bcemr_span_equal(word, bcemr_buf_span(&normal)), BCEMR_BAD_CONTENT, "manifest",
                   "keywords", i);
    }
out:
    bcemr_buf_free(&normal);
    return status;
}
