/* SPDX-License-Identifier: Apache-2.0 */
/* Bitmaps of section 1: lowest bit first, ceil(n/8) bytes, spare bits zero. */
#include "core/internal.h"

uint64_t bcemr_bitmap_size(uint64_t n)
{
    return n / 8 + (n % 8 > 0);
}

bcemr_status bcemr_bitmap_check(bcemr_span bitmap, uint64_t n)
{
    if (bitmap.n != bcemr_bitmap_size(n))
        return BCEMR_E_BITMAP;
    if (n % 8 > 0 && bitmap.p[bitmap.n - 1] >> (n % 8) != 0)
        return BCEMR_E_BITMAP;
    return BCEMR_OK;
}

bool bcemr_bitmap_get(bcemr_span bitmap, uint64_t place)
{
    return place / 8 < bitmap.n && (bitmap.p[place / 8] >> (place % 8) & 1) != 0;
}

void bcemr_bitmap_set(uint8_t *bitmap, uint64_t place)
{
    bitmap[place / 8] = (uint8_t)(bitmap[place / 8] | 1u << (place % 8));
}

uint64_t bcemr_bitmap_count(bcemr_span bitmap)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < bitmap.n; i++)
        for (unsigned bits = bitmap.p[i]; bits > 0; bits &= bits - 1)
            count++;
    return count;
}
