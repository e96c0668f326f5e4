/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * summary - the final figures, as data. How they look is the output room's business.
 *
 *      total       all samples: each metric, each check by its name
 *      root        the tree of groups with the checks of each (E-420), whatever the scenario
 *      groups      full mode: the groups of scenario "default" and of no scenario, with metrics
 *      scenarios   full mode: the others, each with its own groups
 *
 * A group has the samples that are tagged with exactly that group: nothing rolls up.
 *
 * Memory: all of it is in the arena; rl_summary_fini ends it. Names of metrics, checks and groups
 * are the collector's.
 */
#ifndef RL_RESULT_SUMMARY_H
#define RL_RESULT_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "metrics/registry.h"
#include "result/collect.h"
#include "result/stat.h"

struct rl_summary_value {
    const char *name;
    double value;
};

/* agg is what source compares ("p(95)"), value what came out of it. */
struct rl_summary_threshold {
    const char *source, *agg;
    double value;
    bool ok;
};

/* Values by type: counter count, rate; gauge value, min, max; rate rate, passes, fails; trend the
 * stats that were asked for. */
struct rl_summary_metric {
    const char *name;     /* of a submetric: in full, as written, "metric{key:value}" */
    const char *selector; /* of a submetric: "key:value"; NULL: a metric */
    enum rl_metric_type type;
    enum rl_metric_contains contains;
    const struct rl_summary_value *values;
    size_t value_count;
    const struct rl_summary_threshold *thresholds;
    size_t threshold_count;
    const struct rl_summary_metric *submetrics; /* sorted by name */
    size_t submetric_count;
};

struct rl_summary_check {
    const char *name;
    uint64_t passes, fails;
};

/* The whole, a group or a scenario. */
struct rl_summary_part {
    const char *name, *path;                 /* "b", "::a::b"; of the whole: "", "" */
    const struct rl_summary_metric *metrics; /* sorted by name; only those that have samples */
    size_t metric_count;
    const struct rl_summary_check *checks; /* as first seen */
    size_t check_count;
    const struct rl_summary_part *groups; /* directly inside, as first seen */
    size_t group_count;
};

/* How long workers did not look after their rings: the engine's own lateness. count 0: not known. */
struct rl_summary_turns {
    uint64_t count;
    double p9999_ms, max_ms;
};

struct rl_summary {
    struct rl_arena arena;
    uint64_t clock_ns; /* the test clock: what rates are per */
    struct rl_summary_part total, root, groups;
    const struct rl_summary_part *scenarios; /* sorted by name */
    size_t scenario_count;
    struct rl_summary_turns turns, steady; /* all, those of a settled load; by who knows the workers */
};

struct rl_summary_config {
    const struct rl_stat *stats; /* of trends */
    size_t stat_count;
    uint64_t clock_ns;
    bool full; /* groups and scenarios with their metrics, too */
};

/* After the last rl_collect_drain. -ENOMEM: nothing to fini. */
int rl_summary_init(struct rl_summary *summary, struct rl_collect *collect,
                    const struct rl_summary_config *config);
void rl_summary_fini(struct rl_summary *summary);

#endif
