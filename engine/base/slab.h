/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * slab - malloc for a library that makes many small objects a connection: without headers between them,
 * and without the holes that short-lived neighbours of long-lived blocks leave behind.
 *
 *      one reserved range of addresses -> spans of 64 KiB, each cut into blocks of one size
 *      block -> its span's number -> a table beside the range: whose it is, its size, its free blocks
 *
 * Sizes go in steps of 16 bytes to 2 KiB, in steps of 1 KiB to RL_SLAB_MAX; what is larger comes from
 * malloc, and so does everything when the range cannot be had or is used up.
 *
 * Each thread has a heap of its own and takes no lock for its blocks. A block may be freed by any thread:
 * it waits in its owner's queue until that one runs short of its size. A thread's heap outlives it, and the next
 * thread that has none inherits it.
 *
 * Memory: spans without a block in use keep RL_SLAB_IDLE bytes a heap for what comes next; what is beyond
 * goes back to the system. Blocks are aligned to 16 bytes.
 */
#ifndef RL_BASE_SLAB_H
#define RL_BASE_SLAB_H

#include <stddef.h>

enum { RL_SLAB_MAX = 18 << 10, RL_SLAB_IDLE = 256 << 10, RL_SLAB_SPAN = 64 << 10 };

/* As malloc, free and realloc; but a size of 0 gives a block, too. Blocks of malloc may be given to the other two. */
void *rl_slab_alloc(size_t size);
void rl_slab_free(void *block);
void *rl_slab_resize(void *block, size_t size);

/* What the calling thread's heap holds. */
struct rl_slab_usage {
    size_t spans, busy_spans; /* in all; with a block in use */
    size_t idle_bytes;        /* touched, of those without */
};

struct rl_slab_usage rl_slab_usage(void);

#endif
