/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prefetch - ask the cache for memory that is about to be written, without waiting for it. Any address
 * is harmless, also one that is no memory any more. */
#ifndef RL_BASE_PREFETCH_H
#define RL_BASE_PREFETCH_H

#include <stddef.h>

enum { RL_CACHE_LINE = 64 };

static inline void rl_prefetch_line(const void *in_it)
{
    __builtin_prefetch(in_it, 1);
}

static inline void rl_prefetch(const void *object, size_t size)
{
    for (size_t at = 0; at < size + RL_CACHE_LINE - 1; at += RL_CACHE_LINE) /* from any start */
        __builtin_prefetch((const char *)object + at, 1);
}

#endif
