/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shared-iterations (E-225): all VUs of all workers draw from one counter, so fast ones do more. */
#include "vu/executor.h"

static bool draw(struct rl_executor *executor, struct rl_vu *vu)
{
    uint64_t number = atomic_fetch_add_explicit(&executor->state->next_iteration, 1,
                                                memory_order_relaxed);

    vu->test_iteration = number;
    return number < (uint64_t)executor->scenario->iterations;
}

/* The part that ends last tells what nobody drew. */
static void ended(struct rl_executor *executor, bool last_part)
{
    uint64_t drawn = atomic_load(&executor->state->next_iteration);
    uint64_t total = (uint64_t)executor->scenario->iterations;
    struct rl_shard *shard = executor->env->shard;

    if (last_part && drawn < total)
        rl_shard_add(shard, rl_shard_series(shard, RL_M_DROPPED_ITERATIONS, executor->tags),
                     (double)(total - drawn));
}

const struct rl_executor_kind_ops rl_exec_shared_iterations = {.draw = draw, .ended = ended};
