/* SPDX-License-Identifier: GPL-3.0-or-later */
/* per-vu-iterations (E-230): every VU runs exactly so many. */
#include "vu/executor.h"

/* Iterations that vu has started for this scenario. */
static uint64_t started_of(const struct rl_vu *vu)
{
    return vu->scenario_iteration + 1;
}

static bool draw(struct rl_executor *executor, struct rl_vu *vu)
{
    uint64_t started = atomic_load_explicit(&executor->figures.started, memory_order_relaxed);

    if (started_of(vu) >= (uint64_t)executor->scenario->iterations)
        return false;
    vu->test_iteration = rl_share_global(&executor->stripes, started);
    return true;
}

static void vu_stopped(struct rl_executor *executor, struct rl_vu *vu)
{
    struct rl_shard *shard = executor->env->shard;
    uint64_t total = (uint64_t)executor->scenario->iterations, started = started_of(vu);

    if (started < total)
        rl_shard_add(shard, rl_shard_series(shard, RL_M_DROPPED_ITERATIONS, executor->tags),
                     (double)(total - started));
}

const struct rl_executor_kind_ops rl_exec_per_vu_iterations = {.draw = draw,
                                                               .vu_stopped = vu_stopped};
