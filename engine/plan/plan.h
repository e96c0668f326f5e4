/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan - the scenarios of a run, derived from its options (E-102), checked and ordered.
 *
 * Scenarios that do not overlap in time share VUs: planned VUs are the largest sum at any time
 * (E-215). Read-only once derived; any thread.
 */
#ifndef RL_PLAN_PLAN_H
#define RL_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/options.h"
#include "plan/share.h"

struct rl_plan {
    const struct rl_scenario *scenarios; /* by (startTime, name) */
    size_t scenario_count;
    int64_t planned_vus; /* of the whole test: to be made before it starts */
    int64_t max_vus;
    int64_t total_duration_ns; /* to the last hard end */
};

/* Whether the script exports a function of that name. */
typedef bool rl_exports_fn(void *ctx, const char *name);

/* From merged options. Errors go to problems; 0, or -EINVAL if there are any. */
int rl_plan_derive(struct rl_plan *plan, const struct rl_options *options, rl_exports_fn *exports,
                   void *ctx, struct rl_problems *problems);

/* Planned VUs of one part (a worker). */
int64_t rl_plan_vus(const struct rl_plan *plan, const struct rl_share *share);

#endif
