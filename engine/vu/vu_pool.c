/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vu/vu_pool.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"

int rl_vu_pool_init(struct rl_vu_pool *pool, uint32_t count)
{
    *pool = (struct rl_vu_pool){.count = count};
    pool->block = calloc((size_t)count + 1, sizeof(*pool->vus)); /* so pages of VUs that are never made cost nothing */
    pool->vus = (struct rl_vu *)(((uintptr_t)pool->block + RL_CACHE_LINE - 1) & ~(uintptr_t)(RL_CACHE_LINE - 1));
    pool->idle = calloc(count + 1, sizeof(*pool->idle));
    if (pool->block == NULL || pool->idle == NULL) {
        rl_vu_pool_fini(pool);
        return -ENOMEM;
    }
    return 0;
}

void rl_vu_pool_fini(struct rl_vu_pool *pool)
{
    free(pool->block);
    free(pool->idle);
    *pool = (struct rl_vu_pool){0};
}

int rl_vu_pool_create(struct rl_vu_pool *pool, struct rl_vu_env *env, const struct rl_share *share)
{
    struct rl_vu *vu = &pool->vus[pool->created];
    uint32_t id = (uint32_t)rl_share_global(share, pool->created) + 1;
    int rc;

    RL_CHECK(pool->created < pool->count);
    rl_vu_init(vu, env, id, id);
    vu->tags = rl_tags_empty(env->shard->tags);
    rc = env->program->create(vu);
    if (rc < 0)
        return rc;
    pool->created++;
    rl_vu_pool_give(pool, vu);
    return 0;
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t t = *a;

    *a = *b;
    *b = t;
}

void rl_vu_pool_give(struct rl_vu_pool *pool, struct rl_vu *vu)
{
    uint32_t at = pool->idle_count++;

    vu->executor = NULL;
    pool->idle[at] = (uint32_t)(vu - pool->vus);
    while (at > 0 && pool->idle[at] < pool->idle[(at - 1) / 2]) {
        swap(&pool->idle[at], &pool->idle[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

struct rl_vu *rl_vu_pool_take(struct rl_vu_pool *pool)
{
    uint32_t at = 0, place;

    if (pool->idle_count == 0)
        return NULL;
    place = pool->idle[0];
    pool->idle[0] = pool->idle[--pool->idle_count];
    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child + 1 < pool->idle_count && pool->idle[child + 1] < pool->idle[child])
            child++;
        if (child >= pool->idle_count || pool->idle[at] <= pool->idle[child])
            break;
        swap(&pool->idle[at], &pool->idle[child]);
        at = child;
    }
    return &pool->vus[place];
}
