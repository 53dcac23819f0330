/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes for the rooms above, which know no outside library. */
#include <bcemr/hash.h>
#include <sodium.h>

void bcemr_random(uint8_t *out, uint64_t n)
{
    randombytes_buf(out, (size_t)n);
}
