/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

enum { MIN_CAPACITY = 64 };

void rl_buf_init(struct rl_buf *buf, size_t limit_bytes)
{
    *buf = (struct rl_buf){.limit_bytes = limit_bytes};
}

void rl_buf_fini(struct rl_buf *buf)
{
    free(buf->data);
    rl_buf_init(buf, buf->limit_bytes);
}

/* Make room behind end for size more bytes, and for slack that the limit does not count. */
static int reserve(struct rl_buf *buf, size_t size, size_t slack)
{
    size_t used = rl_buf_size(buf), capacity = buf->capacity, needed;
    uint8_t *data;

    if (buf->limit_bytes != 0 && (size > buf->limit_bytes || used > buf->limit_bytes - size))
        return -ENOBUFS;
    if (size > SIZE_MAX / 4) /* so that no sum below overflows */
        return -ENOMEM;
    if (buf->start > 0 && (capacity - buf->end < size + slack || buf->start > used)) {
        memmove(buf->data, buf->data + buf->start, used);
        buf->start = 0;
        buf->end = used;
    }
    if (capacity - buf->end >= size + slack)
        return 0;
    needed = used + size + slack;
    capacity += capacity / 2;
    if (capacity < MIN_CAPACITY)
        capacity = MIN_CAPACITY;
    if (buf->limit_bytes != 0 && capacity > buf->limit_bytes)
        capacity = buf->limit_bytes;
    if (capacity < needed)
        capacity = needed;
    data = realloc(buf->data, capacity);
    if (data == NULL)
        return -ENOMEM;
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

int rl_buf_append(struct rl_buf *buf, const void *data, size_t size)
{
    int rc;

    if (size == 0)
        return 0;
    rc = reserve(buf, size, 0);
    if (rc < 0)
        return rc;
    memcpy(buf->data + buf->end, data, size);
    buf->end += size;
    return 0;
}

int rl_buf_printf(struct rl_buf *buf, const char *format, ...)
{
    va_list args;
    int size, rc;

    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    RL_CHECK(size >= 0);
    rc = reserve(buf, (size_t)size, 1); /* vsnprintf ends it with a NUL */
    if (rc < 0)
        return rc;
    va_start(args, format);
    vsnprintf((char *)buf->data + buf->end, (size_t)size + 1, format, args);
    va_end(args);
    buf->end += (size_t)size;
    return 0;
}

void rl_buf_consume(struct rl_buf *buf, size_t size)
{
    RL_ASSERT(size <= rl_buf_size(buf));
    buf->start += size;
    if (buf->start == buf->end)
        buf->start = buf->end = 0;
}
