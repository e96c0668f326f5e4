/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sample_summary - the run of 30 s whose summary the specification shows in its section 5.1. */
#ifndef RL_TEST_SAMPLE_SUMMARY_H
#define RL_TEST_SAMPLE_SUMMARY_H

#include "base/clock.h"
#include "result/summary.h"

#define VALUES(...)                                                                                \
    .values = (const struct rl_summary_value[]){__VA_ARGS__},                                      \
    .value_count =                                                                                 \
        sizeof((const struct rl_summary_value[]){__VA_ARGS__}) / sizeof(struct rl_summary_value)

#define TREND(avg, min, med, max, p90, p95)                                                        \
    VALUES({"avg", avg}, {"min", min}, {"med", med}, {"max", max}, {"p(90)", p90}, {"p(95)", p95})

static const struct rl_summary_threshold checks_thresholds[] = {
    {"rate>0.99", "rate", 24678.0 / 24690, true},
};
static const struct rl_summary_threshold rtt_thresholds[] = {
    {"p(95)<1", "p(95)", 0.92, true},
    {"max < 5", "max", 12.8, false},
};
static const struct rl_summary_threshold size_thresholds[] = {{"avg<1", "avg", 0.3, true}};

static const struct rl_summary_metric rtt_submetrics[] = {{
    .name = "echo_rtt{size:64}",
    .selector = "size:64",
    .type = RL_TREND,
    .contains = RL_TIME,
    TREND(0.3, 0.081, 0.29, 2.8, 0.51, 0.62),
    .thresholds = size_thresholds,
    .threshold_count = 1,
}};

static const struct rl_summary_metric sample_metrics[] = {
    {.name = "checks",
     .type = RL_RATE,
     VALUES({"rate", 24678.0 / 24690}, {"passes", 24678}, {"fails", 12}),
     .thresholds = checks_thresholds,
     .threshold_count = 1},
    {.name = "data_received",
     .type = RL_COUNTER,
     .contains = RL_DATA,
     VALUES({"count", 988e6}, {"rate", 988e6 / 30})},
    {.name = "data_sent",
     .type = RL_COUNTER,
     .contains = RL_DATA,
     VALUES({"count", 1.234e6}, {"rate", 1.234e6 / 30})},
    {.name = "dropped_iterations", .type = RL_COUNTER, VALUES({"count", 12}, {"rate", 0.4})},
    {.name = "echo_rtt",
     .type = RL_TREND,
     .contains = RL_TIME,
     TREND(0.4213, 0.081, 0.39, 12.8, 0.71, 0.92),
     .thresholds = rtt_thresholds,
     .threshold_count = 2,
     .submetrics = rtt_submetrics,
     .submetric_count = 1},
    {.name = "errs", .type = RL_COUNTER, VALUES({"count", 3}, {"rate", 0.1})},
    {.name = "group_duration",
     .type = RL_TREND,
     .contains = RL_TIME,
     TREND(1, 1, 1, 123456789, 1, 1)},
    {.name = "iteration_duration",
     .type = RL_TREND,
     .contains = RL_TIME,
     TREND(1520, 1000, 1500, 61000, 1710, 3600000)},
    {.name = "iterations", .type = RL_COUNTER, VALUES({"count", 12345}, {"rate", 411.5})},
    {.name = "ok",
     .type = RL_RATE,
     VALUES({"rate", 99987.0 / 100000}, {"passes", 99987}, {"fails", 13})},
    {.name = "queue", .type = RL_GAUGE, VALUES({"value", 7}, {"min", 0}, {"max", 31.25})},
    {.name = "vus", .type = RL_GAUGE, VALUES({"value", 1}, {"min", 1}, {"max", 50})},
    {.name = "vus_max", .type = RL_GAUGE, VALUES({"value", 50}, {"min", 50}, {"max", 50})},
};

static const struct rl_summary_check sample_checks[] = {
    {"connected", 12345, 0},
    {"echo matches", 12333, 12},
};

static const struct rl_summary_check inner_checks[] = {{"echo matches", 2, 1}};
static const struct rl_summary_part inner_groups[] = {
    {.name = "b", .path = "::a::b", .checks = inner_checks, .check_count = 1}};
static const struct rl_summary_part sample_groups[] = {
    {.name = "a", .path = "::a", .groups = inner_groups, .group_count = 1}};

static inline struct rl_summary sample_summary(void)
{
    return (struct rl_summary){
        .clock_ns = 30 * RL_NS_PER_S,
        .total = {.name = "",
                  .path = "",
                  .metrics = sample_metrics,
                  .metric_count = sizeof(sample_metrics) / sizeof(sample_metrics[0]),
                  .checks = sample_checks,
                  .check_count = 2},
        .root = {.name = "",
                 .path = "",
                 .checks = sample_checks,
                 .check_count = 2,
                 .groups = sample_groups,
                 .group_count = 1},
        .groups = {.name = "", .path = ""},
    };
}

#endif
