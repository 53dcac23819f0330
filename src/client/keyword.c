/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords as they are tagged: NFKC, case folded (section 5). The one place that needs Unicode. */
#include "wire/error.h"

#include <bcemr/doctor.h>
#include <stdlib.h>
#include <utf8proc.h>

#define KEYWORD_MAX 200

bcemr_status bcemr_normalise_keyword(bcemr_span word, bcemr_buf *out, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    utf8proc_uint8_t *folded = NULL;
    if (word.n == 0 || word.n > KEYWORD_MAX)
        FAIL(word.n == 0 ? BCEMR_E_ABSENT : BCEMR_E_TOO_LONG, "keyword", "word");
    utf8proc_ssize_t n = utf8proc_map(word.p, (utf8proc_ssize_t)word.n, &folded,
                                      UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE |
                                          UTF8PROC_CASEFOLD);
    if (n == UTF8PROC_ERROR_NOMEM)
        FAIL(BCEMR_E_NO_MEMORY, "keyword", "word");
    if (n <= 0)
        FAIL(BCEMR_E_TEXT, "keyword", "word");
    if (n > KEYWORD_MAX)
        FAIL(BCEMR_E_TOO_LONG, "keyword", "word");
    TRY_AT(bcemr_buf_append(out, bcemr_span_of(folded, (uint64_t)n)), "keyword", "word");
out:
    free(folded); /* utf8proc's own allocation */
    return status;
}
