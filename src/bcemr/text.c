/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/text.h"

#include <stddef.h>

uint32_t text_next(bcemr_span text, uint64_t *at)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const uint8_t *p = text.p + *at;
    const uint64_t left = text.n - *at;
    *at += 1;
    if (p[0] < 0x80)
        return p[0];
    const unsigned more = p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : 1;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left <= more)
        return TEXT_INVALID;
    uint32_t c = p[0] & (0x3fu >> more);
    for (unsigned i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return TEXT_INVALID;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return TEXT_INVALID;
    *at += more;
    return c;
}

typedef struct range {
    uint32_t first, last;
} range;

static bool within(uint32_t c, const range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    }
    return false;
}

#define WITHIN(c, ranges) within(c, ranges, sizeof(ranges) / sizeof((ranges)[0]))

bool text_is_control(uint32_t c)
{
    static const range controls[] = {{0x00, 0x1f},     {0x7f, 0x9f},     {0x061c, 0x061c},
                                     {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069},
                                     {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
    return c == TEXT_INVALID || WITHIN(c, controls);
}

unsigned text_columns(uint32_t c)
{
    /* Marks that stand on the character before them, and the scripts that take two columns. */
    static const range none[] = {
        {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f}, {0x093a, 0x093c},
        {0x0941, 0x0948}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
        {0x200b, 0x200d}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};
    static const range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},  {0x3041, 0x33ff},
                                 {0x3400, 0x4dbf},   {0x4e00, 0x9fff},  {0xa000, 0xa4cf},
                                 {0xac00, 0xd7a3},   {0xf900, 0xfaff},  {0xfe30, 0xfe4f},
                                 {0xff00, 0xff60},   {0xffe0, 0xffe6},  {0x1f300, 0x1f64f},
                                 {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    return WITHIN(c, none) ? 0 : WITHIN(c, wide) ? 2 : 1;
}
