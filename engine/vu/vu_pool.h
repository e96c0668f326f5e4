/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vu_pool - the VUs of a worker: made before the run, lent to scenarios, taken back.
 *
 * VUs lie in one array, in the order of their ids. The lowest idle id is lent first, so scenarios
 * that follow each other use the same VUs. Thread: one worker's.
 */
#ifndef RL_VU_VU_POOL_H
#define RL_VU_VU_POOL_H

#include "plan/share.h"
#include "vu/vu.h"

struct rl_vu_pool {
    void *block; /* what vus lies in */
    struct rl_vu *vus;
    uint32_t count, created;
    uint32_t *idle; /* a heap of places: the lowest first */
    uint32_t idle_count;
};

/* Room for count VUs. 0 or -ENOMEM. */
int rl_vu_pool_init(struct rl_vu_pool *pool, uint32_t count);

/* VUs were destroyed by the program before. */
void rl_vu_pool_fini(struct rl_vu_pool *pool);

/* Make the next VU: its ids come from share (ids of a worker are striped over the instance). 0, or what
 * program->create gave. */
int rl_vu_pool_create(struct rl_vu_pool *pool, struct rl_vu_env *env, const struct rl_share *share);

/* NULL: none is idle. */
struct rl_vu *rl_vu_pool_take(struct rl_vu_pool *pool);
void rl_vu_pool_give(struct rl_vu_pool *pool, struct rl_vu *vu);

#endif
