/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stat - one figure of a trend: avg, min, med, max, count or p(N), 0 <= N <= 100.
 */
#ifndef RL_RESULT_STAT_H
#define RL_RESULT_STAT_H

#include "metrics/sink.h"

enum rl_stat_kind {
    RL_STAT_AVG,
    RL_STAT_MIN,
    RL_STAT_MED,
    RL_STAT_MAX,
    RL_STAT_COUNT,
    RL_STAT_PERCENTILE
};

struct rl_stat {
    const char *name; /* as written; borrowed */
    enum rl_stat_kind kind;
    double percent; /* of RL_STAT_PERCENTILE */
};

/* -EINVAL if text is none of these. */
int rl_stat_parse(const char *text, struct rl_stat *stat);

/* The figure; 0 while the sink is empty. */
double rl_stat_of(const struct rl_stat *stat, const struct rl_sink *sink);

#endif
