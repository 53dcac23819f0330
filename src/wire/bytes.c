/* SPDX-License-Identifier: Apache-2.0 */
/* Spans, owned buffers, wiping, and the one allocation seam. */
#include "wire/fault.h"

#include <bcemr/types.h>
#include <stdlib.h>
#include <string.h>

/* Called through a volatile pointer: the compiler cannot know that it is memset and drop it. */
static void *(*const volatile wipe_with)(void *, int, size_t) = memset;

void bcemr_wipe(void *p, uint64_t n)
{
    if (n > 0)
        wipe_with(p, 0, (size_t)n);
}

void *bcemr_allocate(uint64_t n)
{
    if (n > SIZE_MAX || WIRE_ALLOCATION_FAILS())
        return NULL;
    void *p = calloc(1, n > 0 ? (size_t)n : 1);
    WIRE_ALLOCATED(p);
    return p;
}

void bcemr_release(void *p)
{
    WIRE_RELEASED(p);
    free(p);
}

void bcemr_release_wiped(void *p, uint64_t n)
{
    if (p)
        bcemr_wipe(p, n);
    WIRE_RELEASED(p);
    free(p);
}

bcemr_span bcemr_text(const char *text)
{
    return (bcemr_span){(const uint8_t *)text, strlen(text)};
}

bool bcemr_span_equal(bcemr_span a, bcemr_span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, (size_t)a.n) == 0);
}

int bcemr_span_compare(bcemr_span a, bcemr_span b)
{
    uint64_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.p, b.p, (size_t)n) : 0;
    if (order != 0)
        return order;
    return (a.n > b.n) - (a.n < b.n);
}

bcemr_status bcemr_buf_reserve(bcemr_buf *buf, uint64_t n)
{
    if (n > UINT64_MAX - buf->n)
        return BCEMR_E_TOO_LONG;
    if (buf->n + n <= buf->capacity)
        return BCEMR_OK;
    uint64_t capacity = buf->n + n;
    if (buf->capacity > 0 && capacity < 2 * buf->capacity)
        capacity = 2 * buf->capacity;
    uint8_t *p = bcemr_allocate(capacity);
    if (!p)
        return BCEMR_E_NO_MEMORY;
    if (buf->n > 0)
        memcpy(p, buf->p, (size_t)buf->n);
    bcemr_release_wiped(buf->p, buf->capacity);
    buf->p = p;
    buf->capacity = capacity;
    return BCEMR_OK;
}

bcemr_status bcemr_buf_append(bcemr_buf *buf, bcemr_span bytes)
{
    bcemr_status status = bcemr_buf_reserve(buf, bytes.n);
    if (status != BCEMR_OK)
        return status;
    if (bytes.n > 0)
        memcpy(buf->p + buf->n, bytes.p, (size_t)bytes.n);
    buf->n += bytes.n;
    return BCEMR_OK;
}

bcemr_status bcemr_buf_set(bcemr_buf *buf, bcemr_span bytes)
{
    bcemr_buf_clear(buf);
    return bcemr_buf_append(buf, bytes);
}

void bcemr_buf_clear(bcemr_buf *buf)
{
    if (buf->p)
        bcemr_wipe(buf->p, buf->n);
    buf->n = 0;
}

void bcemr_buf_free(bcemr_buf *buf)
{
    if (!buf)
        return;
    bcemr_release_wiped(buf->p, buf->capacity);
    *buf = BCEMR_BUF_EMPTY;
}

/* Written out: compilers make one instruction of each, which they do not of a loop. */
void bcemr_store_u64(uint8_t out[8], uint64_t value)
{
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
    out[2] = (uint8_t)(value >> 16);
    out[3] = (uint8_t)(value >> 24);
    out[4] = (uint8_t)(value >> 32);
    out[5] = (uint8_t)(value >> 40);
    out[6] = (uint8_t)(value >> 48);
    out[7] = (uint8_t)(value >> 56);
}

uint64_t bcemr_load_u64(const uint8_t in[8])
{
    return (uint64_t)in[0] | (uint64_t)in[1] << 8 | (uint64_t)in[2] << 16 | (uint64_t)in[3] << 24 |
           (uint64_t)in[4] << 32 | (uint64_t)in[5] << 40 | (uint64_t)in[6] << 48 |
           (uint64_t)in[7] << 56;
}
