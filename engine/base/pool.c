/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/sanitize.h"

enum { GENERATION_MASK = (1 << RL_POOL_GENERATION_BITS) - 1, CHUNK_ALIGN = 64 };

static_assert(RL_POOL_CHUNK % CHUNK_ALIGN == 0, "a chunk's size is a multiple of its alignment");

/* A free object: where the next free one is. */
struct vacant {
    struct rl_pooled pooled;
    uint32_t next;
};

void rl_pool_init(struct rl_pool *pool, size_t object_bytes, uint32_t max_count)
{
    RL_ASSERT(object_bytes >= sizeof(struct vacant));
    *pool = (struct rl_pool){.object_bytes = object_bytes, .max_count = max_count};
}

void rl_pool_fini(struct rl_pool *pool)
{
    for (uint32_t i = 0; i < pool->chunk_count; i++)
        free(pool->chunks[i]);
    free(pool->chunks);
    rl_pool_init(pool, pool->object_bytes, pool->max_count);
}

static void put_free(struct rl_pool *pool, struct vacant *vacant)
{
    vacant->next = pool->free_head;
    pool->free_head = vacant->pooled.index + 1;
    RL_POISON(vacant + 1, pool->object_bytes - sizeof(*vacant));
}

static int add_chunk(struct rl_pool *pool)
{
    uint32_t base = pool->chunk_count * RL_POOL_CHUNK;
    uint8_t **chunks;
    uint8_t *chunk;

    if (base >= pool->max_count)
        return -1;
    chunks = realloc(pool->chunks, (pool->chunk_count + 1) * sizeof(*chunks));
    if (chunks == NULL)
        return -1;
    pool->chunks = chunks;
    chunk = aligned_alloc(CHUNK_ALIGN, RL_POOL_CHUNK * pool->object_bytes);
    if (chunk == NULL)
        return -1;
    memset(chunk, 0, RL_POOL_CHUNK * pool->object_bytes);
    pool->chunks[pool->chunk_count++] = chunk;
    for (uint32_t i = RL_POOL_CHUNK; i-- > 0;) {
        struct vacant *vacant = rl_pool_at(pool, base + i);

        vacant->pooled.index = base + i;
        put_free(pool, vacant);
    }
    return 0;
}

void *rl_pool_acquire(struct rl_pool *pool)
{
    struct rl_pooled *pooled;

    if (pool->used_count >= pool->max_count)
        return NULL;
    if (pool->free_head == 0 && add_chunk(pool) < 0)
        return NULL;
    pooled = rl_pool_at(pool, pool->free_head - 1);
    RL_ASSERT((pooled->generation & 1) == 0);
    pool->free_head = ((struct vacant *)pooled)->next;
    RL_UNPOISON(pooled, pool->object_bytes);
    memset(pooled + 1, 0, pool->object_bytes - sizeof(*pooled));
    pooled->generation = (pooled->generation + 1) & GENERATION_MASK;
    pool->used_count++;
    return pooled;
}

void rl_pool_release(struct rl_pool *pool, void *object)
{
    struct rl_pooled *pooled = object;

    RL_ASSERT((pooled->generation & 1) == 1);
    RL_ASSERT(rl_pool_at(pool, pooled->index) == object);
    pooled->generation = (pooled->generation + 1) & GENERATION_MASK;
    pool->used_count--;
    put_free(pool, object);
}
