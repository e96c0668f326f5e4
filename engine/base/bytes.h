/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bytes - a borrowed slice, and a growable buffer with a limit.
 *
 * rl_buf keeps its bytes in one block; what was consumed at the front is given back when it
 * is worth the move. Memory: the buffer owns its block; views into it die at the next append.
 */
#ifndef RL_BASE_BYTES_H
#define RL_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rl_slice {
    const uint8_t *data;
    size_t size;
};

struct rl_buf {
    uint8_t *data;
    size_t start, end, capacity, limit_bytes; /* [start, end) is in use */
};

static inline struct rl_slice rl_slice_of(const void *data, size_t size)
{
    return (struct rl_slice){.data = data, .size = size};
}

static inline struct rl_slice rl_slice_str(const char *text)
{
    return rl_slice_of(text, strlen(text));
}

/* limit_bytes 0: no limit. */
void rl_buf_init(struct rl_buf *buf, size_t limit_bytes);
void rl_buf_fini(struct rl_buf *buf);

/* -ENOBUFS past the limit, -ENOMEM; the bytes are then unchanged. data is not in the buffer itself.
 */
int rl_buf_append(struct rl_buf *buf, const void *data, size_t size);
int rl_buf_printf(struct rl_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Drop size bytes from the front. */
void rl_buf_consume(struct rl_buf *buf, size_t size);

static inline size_t rl_buf_size(const struct rl_buf *buf)
{
    return buf->end - buf->start;
}

static inline struct rl_slice rl_buf_view(const struct rl_buf *buf)
{
    return rl_slice_of(buf->data == NULL ? NULL : buf->data + buf->start, rl_buf_size(buf));
}

#endif
