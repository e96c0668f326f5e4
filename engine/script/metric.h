/* SPDX-License-Identifier: GPL-3.0-or-later */
/* metric - a metric of k6/metrics: a userdata. */
#ifndef RL_SCRIPT_METRIC_H
#define RL_SCRIPT_METRIC_H

#include <lua.h>
#include <stdint.h>

struct rl_script_metric {
    const char *name; /* of the registry, which outlives the cells */
    uint32_t id;
};

/* The metric at index, or an argument error. [-0, +0, v] */
struct rl_script_metric *rl_metric_check(lua_State *L, int index);

/* metrics.recorder(tags, metric, ...) */
int rl_metric_recorder(lua_State *L);

#endif
