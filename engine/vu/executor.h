/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * executor - one scenario's part on one worker: starts iterations and stops them.
 *
 *      WAITING --start time--> RUNNING --regular end--> STOPPING --all idle, or hard end--> ENDED
 *                                 '------- all work done ------------------------------------^
 *
 * What the kinds differ in is whether a VU may begin another iteration, and what is said of work left
 * over: struct rl_executor_kind_ops, one exec_*.c a kind.
 *
 * Thread: one worker's; the counters of struct rl_executor_figures may be read by any.
 */
#ifndef RL_VU_EXECUTOR_H
#define RL_VU_EXECUTOR_H

#include <stdatomic.h>

#include "plan/scenario.h"
#include "vu/vu_pool.h"

enum rl_executor_phase {
    RL_EXECUTOR_WAITING,
    RL_EXECUTOR_RUNNING,
    RL_EXECUTOR_STOPPING,
    RL_EXECUTOR_ENDED
};

/* What all workers' executors of a scenario share: written once an iteration at most. */
struct rl_scenario_state {
    _Atomic uint64_t next_iteration; /* shared-iterations: the number of the next one to draw */
    _Atomic uint32_t parts_left;     /* executors that have not ended */
};

struct rl_executor_figures {
    _Atomic uint64_t started, completed, interrupted;
    _Atomic uint32_t active; /* VUs of this worker that work for the scenario */
    _Atomic uint32_t phase;  /* enum rl_executor_phase */
};

struct rl_executor;

struct rl_executor_kind_ops {
    /* May vu begin an iteration? Draws it, and sets vu->test_iteration, if so. */
    bool (*draw)(struct rl_executor *executor, struct rl_vu *vu);

    /* A VU stops at the regular end, or this part ends: tell what was not done. May be NULL. */
    void (*vu_stopped)(struct rl_executor *executor, struct rl_vu *vu);
    void (*ended)(struct rl_executor *executor, bool last_part);
};

struct rl_executor {
    const struct rl_scenario *scenario;
    const struct rl_executor_kind_ops *kind;
    struct rl_scenario_state *state;
    struct rl_vu_env *env;
    struct rl_vu_pool *pool;
    struct rl_share stripes;       /* numbers this part's iterations in the whole test */
    const struct rl_tagset *tags;  /* of its VUs */
    uint32_t exec;                 /* index of the function */
    uint32_t vu_count;             /* VUs to use */
    struct rl_vu **vus;            /* those in use, by place */
    uint32_t working;              /* VUs that have not stopped */
    uint64_t start_ns, regular_end_ns, hard_end_ns;
    uint64_t min_iteration_ns;
    struct rl_executor_pause *pauses; /* one a VU if min_iteration_ns > 0 */
    struct rl_list to_begin;       /* VUs whose next iteration is due */
    struct rl_task task;
    struct rl_timer timer;         /* start, then regular end, then hard end */
    enum rl_executor_phase phase;
    bool begun;                    /* it came to RUNNING */
    struct rl_executor_figures figures;
    void (*on_end)(struct rl_executor *executor);
};

/* pool, env, state and scenario are borrowed. min_iteration_ns: E-016. 0 or a failure. */
int rl_executor_init(struct rl_executor *executor, const struct rl_scenario *scenario,
                     const struct rl_share *share, struct rl_scenario_state *state,
                     struct rl_vu_env *env, struct rl_vu_pool *pool, uint64_t min_iteration_ns);
void rl_executor_fini(struct rl_executor *executor);

/* The run's clock began at zero_ns: wait for the scenario's start time. on_end is called, from the loop,
 * when all is over. */
void rl_executor_start(struct rl_executor *executor, uint64_t zero_ns);

/* From env->done: an iteration of one of its VUs is over. */
void rl_executor_done(struct rl_executor *executor, struct rl_vu *vu, enum rl_outcome outcome);

/* Interrupt all iterations and end (E-017: aborts have no graceful stop). From the loop. */
void rl_executor_abort(struct rl_executor *executor);

extern const struct rl_executor_kind_ops rl_exec_constant_vus, rl_exec_shared_iterations,
    rl_exec_per_vu_iterations;

#endif
