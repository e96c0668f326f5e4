/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prefetch - ask the cache for memory that is about to be written, without waiting for it. Any address
 * is harmless, also one that is no memory any more. */
#ifndef RL_BASE_PREFETCH_H
#define RL_BASE_PREFETCH_H

enum { RL_CACHE_LINE = 64 };

static inline void rl_prefetch_line(const void *in_it)
{
    __builtin_prefetch(in_it, 1);
}

#endif
