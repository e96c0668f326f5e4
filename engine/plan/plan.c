/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"

#define SECOND ((int64_t)RL_NS_PER_S)

/* --- Derivation: from shortcuts to scenarios (E-102). --- */

static bool conflict(const struct rl_options *options, struct rl_problems *problems)
{
    bool iterations = rl_options_has(options, RL_OPTION_ITERATIONS);
    bool duration = rl_options_has(options, RL_OPTION_DURATION);
    bool stages = options->stages.count > 0;
    bool scenarios = rl_options_has(options, RL_OPTION_SCENARIOS);
    const char *first = iterations ? "iterations" : duration ? "duration" : "stages";
    size_t before = problems->error_count;

    if (stages && (iterations || duration))
        rl_problems_error(problems,
                          "options: %s and stages cannot be set together; keep one of them", first);
    if (scenarios && (stages || iterations || duration))
        rl_problems_error(
            problems, "options: %s and scenarios cannot be set together; keep one of them", first);
    return problems->error_count > before;
}

static void warn_empty(const struct rl_options *options, struct rl_problems *problems)
{
    const char *key = rl_options_has(options, RL_OPTION_STAGES)      ? "stages"
                      : rl_options_has(options, RL_OPTION_SCENARIOS) ? "scenarios"
                                                                     : NULL;

    if (key != NULL)
        rl_problems_warn(problems, "options.%s: empty, so the script runs once, with 1 VU", key);
}

/* The one scenario that the shortcuts stand for. */
static struct rl_scenario from_shortcuts(const struct rl_options *options,
                                         struct rl_problems *problems)
{
    struct rl_options defaults;
    struct rl_scenario scenario = {
        .name = "default",
        .vus = options->vus,
        .iterations = 1,
        .max_duration_ns = 600 * SECOND,
        .graceful_stop_ns = 30 * SECOND,
        .exec = "default",
    };

    rl_options_init(&defaults, options->arena);
    scenario.env = scenario.tags = defaults.tags;
    if (rl_options_has(options, RL_OPTION_ITERATIONS)) {
        scenario.executor = RL_SHARED_ITERATIONS;
        scenario.iterations = options->iterations;
        if (rl_options_has(options, RL_OPTION_DURATION))
            scenario.max_duration_ns = options->duration_ns;
    } else if (rl_options_has(options, RL_OPTION_DURATION)) {
        scenario.executor = RL_CONSTANT_VUS;
        scenario.duration_ns = options->duration_ns;
    } else if (options->stages.count > 0) {
        scenario.executor = RL_RAMPING_VUS;
    } else if (rl_options_has(options, RL_OPTION_VUS) &&
               !rl_options_has(options, RL_OPTION_SCENARIOS)) {
        scenario.executor = RL_SHARED_ITERATIONS;
        scenario.iterations = options->vus;
    } else {
        scenario.executor = RL_PER_VU_ITERATIONS;
        scenario.vus = 1;
        warn_empty(options, problems);
    }
    return scenario;
}

/* --- Checks. --- */

static void check_scenario(const struct rl_scenario *scenario, rl_exports_fn *exports, void *ctx,
                           struct rl_problems *problems)
{
    const char *name = scenario->name;

    if (scenario->executor >= RL_EXECUTORS_BUILT) {
        rl_problems_error(problems,
                          "scenario \"%s\": executor: %s is not available in this version; use %s, "
                          "%s or %s",
                          name, rl_executor_name(scenario->executor),
                          rl_executor_name(RL_CONSTANT_VUS), rl_executor_name(RL_SHARED_ITERATIONS),
                          rl_executor_name(RL_PER_VU_ITERATIONS));
        return;
    }
    if (scenario->executor == RL_SHARED_ITERATIONS && scenario->iterations < scenario->vus)
        rl_problems_error(problems,
                          "scenario \"%s\": iterations: %" PRId64 " are fewer than the %" PRId64
                          " vus that share them; raise iterations or lower vus",
                          name, scenario->iterations, scenario->vus);
    if (!exports(ctx, scenario->exec))
        rl_problems_error(problems,
                          "scenario \"%s\": exec: the script has no function \"%s\"; define it, or "
                          "name another with exec",
                          name, scenario->exec);
}

/* "a, b, c" of texts, on the options' arena. */
static const char *join(const struct rl_texts *texts, struct rl_arena *arena)
{
    size_t size = 1;
    char *out, *end;

    for (size_t i = 0; i < texts->count; i++)
        size += strlen(texts->items[i]) + 2;
    out = end = rl_arena_alloc(arena, size);
    RL_CHECK(out != NULL);
    *end = '\0';
    for (size_t i = 0; i < texts->count; i++)
        end = stpcpy(stpcpy(end, i == 0 ? "" : ", "), texts->items[i]);
    return out;
}

static void warn_ignored(const struct rl_options *options, struct rl_problems *problems)
{
    if (options->thresholds.count > 0)
        rl_problems_warn(problems, "thresholds are not evaluated by this version");
    if (options->ignored_http.count > 0)
        rl_problems_warn(problems, "ignored, since they only concern HTTP: %s",
                         join(&options->ignored_http, options->arena));
    if (options->scenarios.count > 0 && rl_options_has(options, RL_OPTION_VUS))
        rl_problems_warn(problems,
                         "vus=%" PRId64 " is ignored: scenarios say how many VUs they need",
                         options->vus);
}

/* --- Planning (E-215). --- */

static int by_start_and_name(const void *left, const void *right)
{
    const struct rl_scenario *a = left, *b = right;

    if (a->start_time_ns != b->start_time_ns)
        return a->start_time_ns < b->start_time_ns ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int64_t hard_end_ns(const struct rl_scenario *scenario)
{
    return scenario->start_time_ns + rl_scenario_length_ns(scenario) + scenario->graceful_stop_ns;
}

static int64_t vus_of(const struct rl_scenario *scenario, const struct rl_share *share)
{
    return share == NULL ? scenario->vus : rl_scenario_vus(scenario, share);
}

/* The largest sum over time. It can only be reached when some scenario starts; one that ends just then
 * has given its VUs back. share NULL: the whole. */
static int64_t largest_need(const struct rl_plan *plan, const struct rl_share *share)
{
    int64_t largest = 0;

    for (size_t i = 0; i < plan->scenario_count; i++) {
        int64_t now = plan->scenarios[i].start_time_ns, sum = 0;

        for (size_t j = 0; j < plan->scenario_count; j++) {
            const struct rl_scenario *scenario = &plan->scenarios[j];

            if (scenario->start_time_ns <= now && now < hard_end_ns(scenario))
                sum += vus_of(scenario, share);
        }
        if (sum > largest)
            largest = sum;
    }
    return largest;
}

int64_t rl_plan_vus(const struct rl_plan *plan, const struct rl_share *share)
{
    return largest_need(plan, share);
}

int rl_plan_derive(struct rl_plan *plan, const struct rl_options *options, rl_exports_fn *exports,
                   void *ctx, struct rl_problems *problems)
{
    size_t count = options->scenarios.count;
    struct rl_scenario *scenarios;

    *plan = (struct rl_plan){.scenario_count = 0};
    warn_ignored(options, problems);
    rl_options_check_tls(options, problems);
    if (conflict(options, problems))
        return -EINVAL;
    scenarios = rl_arena_alloc(options->arena, (count + 1) * sizeof(*scenarios));
    RL_CHECK(scenarios != NULL);
    if (count > 0)
        memcpy(scenarios, options->scenarios.items, count * sizeof(*scenarios));
    else if (problems->error_count == 0 || !rl_options_has(options, RL_OPTION_SCENARIOS))
        scenarios[count++] = from_shortcuts(options, problems);
    for (size_t i = 0; i < count; i++)
        check_scenario(&scenarios[i], exports, ctx, problems);
    if (problems->error_count > 0)
        return -EINVAL;
    qsort(scenarios, count, sizeof(*scenarios), by_start_and_name);
    plan->scenarios = scenarios;
    plan->scenario_count = count;
    plan->planned_vus = plan->max_vus = largest_need(plan, NULL);
    for (size_t i = 0; i < count; i++) {
        if (hard_end_ns(&scenarios[i]) > plan->total_duration_ns)
            plan->total_duration_ns = hard_end_ns(&scenarios[i]);
    }
    return 0;
}
