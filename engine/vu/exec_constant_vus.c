/* SPDX-License-Identifier: GPL-3.0-or-later */
/* constant-vus (E-220): each VU loops until the regular end. */
#include "vu/executor.h"

static bool draw(struct rl_executor *executor, struct rl_vu *vu)
{
    uint64_t started = atomic_load_explicit(&executor->figures.started, memory_order_relaxed);

    vu->test_iteration = rl_share_global(&executor->stripes, started);
    return true;
}

const struct rl_executor_kind_ops rl_exec_constant_vus = {.draw = draw};
