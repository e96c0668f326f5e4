/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scenario - one scenario: which function, how many users, for how long.
 *
 *      startTime          regular end        hard end
 *          |--- length ------|-- gracefulStop --|
 *
 * Times are relative to the end of setup. Memory: texts belong to the options' arena.
 */
#ifndef RL_PLAN_SCENARIO_H
#define RL_PLAN_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/share.h"

enum rl_executor_kind {
    RL_CONSTANT_VUS,
    RL_SHARED_ITERATIONS,
    RL_PER_VU_ITERATIONS,
    RL_EXECUTORS_BUILT, /* from here on known by name only */
    RL_RAMPING_VUS = RL_EXECUTORS_BUILT,
    RL_CONSTANT_ARRIVAL_RATE,
    RL_RAMPING_ARRIVAL_RATE,
    RL_EXTERNALLY_CONTROLLED,
    RL_EXECUTOR_COUNT
};

struct rl_pair {
    const char *name, *value;
};

/* count pairs, and behind them one whose name is NULL. items is never NULL after rl_options_init. */
struct rl_pairs {
    const struct rl_pair *items;
    size_t count;
};

struct rl_scenario {
    const char *name;
    enum rl_executor_kind executor;
    int64_t vus;
    int64_t iterations;      /* shared: of all VUs; per-vu: of each */
    int64_t duration_ns;     /* constant-vus */
    int64_t max_duration_ns; /* the iteration executors */
    int64_t graceful_stop_ns;
    int64_t start_time_ns;
    const char *exec;
    struct rl_pairs env, tags;
};

/* "constant-vus", ... */
const char *rl_executor_name(enum rl_executor_kind kind);

/* The kind, or RL_EXECUTOR_COUNT if nobody is called so. */
enum rl_executor_kind rl_executor_find(const char *name);

/* From the start to the regular end: duration or maxDuration. */
int64_t rl_scenario_length_ns(const struct rl_scenario *scenario);

/* The part of share (a worker): how many VUs, how many iterations in all. Zero: no work (E-201). */
int64_t rl_scenario_vus(const struct rl_scenario *scenario, const struct rl_share *share);
int rl_scenario_iterations(const struct rl_scenario *scenario, const struct rl_share *share,
                           int64_t *iterations);

/* The stripes that number the scenario's iterations over the whole test (scenario.iterationInTest):
 * those of the VUs for shared-iterations, else share's own. out is the caller's to fini. */
int rl_scenario_stripes(const struct rl_scenario *scenario, const struct rl_share *share,
                        struct rl_share *out);

/* "10 looping VUs for 30s (gracefulStop: 30s)" (E-440). */
void rl_scenario_describe(const struct rl_scenario *scenario, char *out, size_t out_bytes);

#endif
