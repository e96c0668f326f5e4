/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/scenario.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

static const char *const names[RL_EXECUTOR_COUNT] = {
    [RL_CONSTANT_VUS] = "constant-vus",
    [RL_SHARED_ITERATIONS] = "shared-iterations",
    [RL_PER_VU_ITERATIONS] = "per-vu-iterations",
    [RL_RAMPING_VUS] = "ramping-vus",
    [RL_CONSTANT_ARRIVAL_RATE] = "constant-arrival-rate",
    [RL_RAMPING_ARRIVAL_RATE] = "ramping-arrival-rate",
    [RL_EXTERNALLY_CONTROLLED] = "externally-controlled",
};

const char *rl_executor_name(enum rl_executor_kind kind)
{
    return names[kind];
}

enum rl_executor_kind rl_executor_find(const char *name)
{
    unsigned kind = 0;

    while (kind < RL_EXECUTOR_COUNT && strcmp(names[kind], name) != 0)
        kind++;
    return kind;
}

int64_t rl_scenario_length_ns(const struct rl_scenario *scenario)
{
    return scenario->executor == RL_CONSTANT_VUS ? scenario->duration_ns
                                                 : scenario->max_duration_ns;
}

int64_t rl_scenario_vus(const struct rl_scenario *scenario, const struct rl_share *share)
{
    return (int64_t)rl_share_scale(share, (uint64_t)scenario->vus);
}

int rl_scenario_iterations(const struct rl_scenario *scenario, const struct rl_share *share,
                           int64_t *iterations)
{
    struct rl_share stripes;
    int rc;

    if (scenario->executor != RL_SHARED_ITERATIONS) {
        if (__builtin_mul_overflow(scenario->iterations, rl_scenario_vus(scenario, share),
                                   iterations))
            *iterations = INT64_MAX; /* nobody lives to see it */
        return 0;
    }
    rc = rl_share_reseg(share, (uint64_t)scenario->vus, &stripes);
    if (rc < 0)
        return rc;
    *iterations = (int64_t)rl_share_scale(&stripes, (uint64_t)scenario->iterations);
    rl_share_fini(&stripes);
    return 0;
}

int rl_scenario_stripes(const struct rl_scenario *scenario, const struct rl_share *share,
                        struct rl_share *out)
{
    /* Nothing to resegment: this only makes a copy. */
    uint64_t value = scenario->executor == RL_SHARED_ITERATIONS ? (uint64_t)scenario->vus : 0;

    return rl_share_reseg(share, value, out);
}

/* "(a: x, b: y)" grows by one item. */
struct facts {
    char text[512];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void add_fact(struct facts *facts, const char *format,
                                                           ...)
{
    va_list args;
    int size;

    facts->used += (size_t)snprintf(facts->text + facts->used, sizeof(facts->text) - facts->used,
                                    "%s", facts->used == 0 ? " (" : ", ");
    va_start(args, format);
    size =
        vsnprintf(facts->text + facts->used, sizeof(facts->text) - facts->used - 1, format, args);
    va_end(args);
    facts->used += (size_t)size;
    if (facts->used > sizeof(facts->text) - 4) /* a very long name: cut it */
        facts->used = sizeof(facts->text) - 4;
}

void rl_scenario_describe(const struct rl_scenario *scenario, char *out, size_t out_bytes)
{
    char length[40], stop[40], start[40], what[128];
    struct facts facts = {.used = 0};

    rl_format_duration(rl_scenario_length_ns(scenario), length, sizeof(length));
    rl_format_duration(scenario->graceful_stop_ns, stop, sizeof(stop));
    rl_format_duration(scenario->start_time_ns, start, sizeof(start));
    if (scenario->executor == RL_CONSTANT_VUS)
        snprintf(what, sizeof(what), "%" PRId64 " looping VUs for %s", scenario->vus, length);
    else if (scenario->executor == RL_SHARED_ITERATIONS)
        snprintf(what, sizeof(what), "%" PRId64 " iterations shared among %" PRId64 " VUs",
                 scenario->iterations, scenario->vus);
    else
        snprintf(what, sizeof(what), "%" PRId64 " iterations for each of %" PRId64 " VUs",
                 scenario->iterations, scenario->vus);
    if (scenario->executor != RL_CONSTANT_VUS)
        add_fact(&facts, "maxDuration: %s", length);
    if (strcmp(scenario->exec, "default") != 0)
        add_fact(&facts, "exec: %s", scenario->exec);
    if (scenario->start_time_ns > 0)
        add_fact(&facts, "startTime: %s", start);
    if (scenario->graceful_stop_ns > 0)
        add_fact(&facts, "gracefulStop: %s", stop);
    snprintf(out, out_bytes, "%s%s%s", what, facts.text, facts.used > 0 ? ")" : "");
}
