/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pool - fixed-size objects behind handles.
 *
 *      handle = generation (24 bits) << 32 | index (32 bits)
 *
 * An object's index never changes while it lives; its generation changes when it is released,
 * so a handle that outlives its object (a late completion) finds nothing. Objects lie in chunks
 * that never move: a pointer is good until release. Freed objects are reused last in, first out;
 * so an index is always less than max_count. A free object is poisoned but for its rl_pooled.
 * The handle 0 is never an object's: its generation is even.
 *
 * Thread: one. Memory: grows by chunks up to max_count, and is given back at fini.
 */
#ifndef RL_BASE_POOL_H
#define RL_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/prefetch.h"

enum { RL_POOL_CHUNK = 256, RL_POOL_GENERATION_BITS = 24 };

/* The first member of every pooled object. */
struct rl_pooled {
    uint32_t index;
    uint32_t generation; /* odd while in use, even while free; 24 bits */
};

struct rl_pool {
    uint8_t **chunks;
    size_t object_bytes;
    uint32_t chunk_count, max_count, used_count;
    uint32_t free_head; /* index + 1, 0: none; the link lies behind rl_pooled */
};

void rl_pool_init(struct rl_pool *pool, size_t object_bytes, uint32_t max_count);
void rl_pool_fini(struct rl_pool *pool);

/* Zeroed but for its rl_pooled; NULL when max_count are in use or memory is out. */
void *rl_pool_acquire(struct rl_pool *pool);
void rl_pool_release(struct rl_pool *pool, void *object);

static inline void *rl_pool_at(const struct rl_pool *pool, uint32_t index)
{
    return pool->chunks[index / RL_POOL_CHUNK] + (index % RL_POOL_CHUNK) * pool->object_bytes;
}

static inline uint64_t rl_pool_handle(const void *object)
{
    const struct rl_pooled *pooled = object;

    return (uint64_t)pooled->generation << 32 | pooled->index;
}

/* The object, or NULL if it has been released since. */
static inline void *rl_pool_get(const struct rl_pool *pool, uint64_t handle)
{
    uint32_t index = (uint32_t)handle;
    struct rl_pooled *pooled;

    if (index / RL_POOL_CHUNK >= pool->chunk_count)
        return NULL;
    pooled = rl_pool_at(pool, index);
    return pooled->generation == (uint32_t)(handle >> 32) && (pooled->generation & 1) ? pooled
                                                                                      : NULL;
}

/* Ask the cache for the line in which an object begins, alive or not, without waiting. */
static inline void rl_pool_prefetch(const struct rl_pool *pool, uint64_t handle)
{
    uint32_t index = (uint32_t)handle;

    if (index / RL_POOL_CHUNK < pool->chunk_count)
        rl_prefetch_line(rl_pool_at(pool, index));
}

#endif
