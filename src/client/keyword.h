/* SPDX-License-Identifier: Apache-2.0 */
/* What keywords in manifests must look like, for whoever takes one from somebody else. */
#ifndef BCEMR_CLIENT_KEYWORD_H
#define BCEMR_CLIENT_KEYWORD_H

#include <bcemr/types.h>

/* Every keyword is as bcemr_normalise_keyword makes it, or its tag would never be found.
 * E_REFUSED with BAD_CONTENT, err->index the keyword. */
BCEMR_MUST_USE bcemr_status client_keywords_normal(const bcemr_tr_manifest *manifest,
                                                   bcemr_error *err);

#endif
