/* SPDX-License-Identifier: Apache-2.0 */
/* HKDF-SHA-256 (RFC 5869) with any salt and info; bcemr_kdf fixes both. */
#ifndef BCEMR_CORE_HKDF_H
#define BCEMR_CORE_HKDF_H

#include <bcemr/bytes.h>

/* n is at most 255 * 32. */
void core_hkdf(bcemr_span salt, bcemr_span ikm, bcemr_span info, uint8_t *out, uint64_t n);

#endif
