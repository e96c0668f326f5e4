/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "literal.h"

#define SECOND INT64_C(1000000000)

static struct rl_arena arena;
static struct rl_problems problems;
static struct rl_plan plan;

static void setup(void)
{
    rl_arena_init(&arena, 4096);
    rl_problems_init(&problems);
}

static void teardown(void)
{
    rl_problems_fini(&problems);
    rl_arena_fini(&arena);
}

/* Exported functions, with blanks around each. */
static bool exports(void *ctx, const char *name)
{
    char padded[64];

    snprintf(padded, sizeof(padded), " %s ", name);
    return strstr(ctx, padded) != NULL;
}

static int derive(const char *text)
{
    char functions[] = " default echo ";
    struct rl_options options;

    rl_options_init(&options, &arena);
    rl_options_from_value(&options, rl_literal(&arena, text), RL_TIER_SCRIPT, "options", &problems);
    return rl_plan_derive(&plan, &options, exports, functions, &problems);
}

static const char *first_problem(void)
{
    return problems.first == NULL ? "" : problems.first->text;
}

struct expected {
    const char *options;
    enum rl_executor_kind executor;
    int64_t vus, iterations, length_s;
    const char *warning;
};

static const struct expected shortcuts[] = {
    {"{iterations = 20}", RL_SHARED_ITERATIONS, 1, 20, 600, ""},
    {"{iterations = 20, vus = 5}", RL_SHARED_ITERATIONS, 5, 20, 600, ""},
    {"{iterations = 20, vus = 5, duration = '1m'}", RL_SHARED_ITERATIONS, 5, 20, 60, ""},
    {"{duration = '30s'}", RL_CONSTANT_VUS, 1, 1, 30, ""},
    {"{duration = '30s', vus = 8}", RL_CONSTANT_VUS, 8, 1, 30, ""},
    {"{vus = 7}", RL_SHARED_ITERATIONS, 7, 7, 600, ""},
    {"{}", RL_PER_VU_ITERATIONS, 1, 1, 600, ""},
    {"{scenarios = {}}", RL_PER_VU_ITERATIONS, 1, 1, 600,
     "options.scenarios: empty, so the script runs once, with 1 VU"},
    {"{stages = {}, scenarios = nil}", RL_PER_VU_ITERATIONS, 1, 1, 600,
     "options.stages: empty, so the script runs once, with 1 VU"},
    {"{iterations = 20, stages = {}}", RL_SHARED_ITERATIONS, 1, 20, 600, ""},
};

/* E-102 */
START_TEST(e102_shortcuts)
{
    const struct expected *want = &shortcuts[_i];

    ck_assert_int_eq(derive(want->options), 0);
    ck_assert_uint_eq(plan.scenario_count, 1);
    ck_assert_str_eq(plan.scenarios[0].name, "default");
    ck_assert_str_eq(plan.scenarios[0].exec, "default");
    ck_assert_int_eq(plan.scenarios[0].executor, want->executor);
    ck_assert_int_eq(plan.scenarios[0].vus, want->vus);
    ck_assert_int_eq(plan.scenarios[0].iterations, want->iterations);
    ck_assert_int_eq(rl_scenario_length_ns(&plan.scenarios[0]), want->length_s * SECOND);
    ck_assert_int_eq(plan.scenarios[0].graceful_stop_ns, 30 * SECOND);
    ck_assert_ptr_nonnull(plan.scenarios[0].env.items);
    ck_assert_int_eq(plan.planned_vus, want->vus);
    ck_assert_int_eq(plan.total_duration_ns, (want->length_s + 30) * SECOND);
    ck_assert_str_eq(first_problem(), want->warning);
}
END_TEST

static const struct {
    const char *options, *problem;
} wrong[] = {
    {"{duration = '30s', stages = {{'1s', 1}}}",
     "options: duration and stages cannot be set together; keep one of them"},
    {"{iterations = 3, stages = {{'1s', 1}}}",
     "options: iterations and stages cannot be set together; keep one of them"},
    {"{iterations = 3, scenarios = {}}",
     "options: iterations and scenarios cannot be set together; keep one of them"},
    {"{duration = '3s', scenarios = {a = {executor = 'per-vu-iterations'}}}",
     "options: duration and scenarios cannot be set together; keep one of them"},
    {"{stages = {{'1s', 1}}, scenarios = {a = {executor = 'per-vu-iterations'}}}",
     "options: stages and scenarios cannot be set together; keep one of them"},
    {"{stages = {{'1s', 1}}}",
     "scenario \"default\": executor: ramping-vus is not available in this version; use "
     "constant-vus, shared-iterations or per-vu-iterations"},
    {"{scenarios = {a = {executor = 'ramping-arrival-rate'}}}",
     "scenario \"a\": executor: ramping-arrival-rate is not available in this version; use "
     "constant-vus, shared-iterations or per-vu-iterations"},
    {"{iterations = 3, vus = 4}",
     "scenario \"default\": iterations: 3 are fewer than the 4 vus that share them; raise "
     "iterations or lower vus"},
    {"{scenarios = {a = {executor = 'per-vu-iterations', exec = 'nope'}}}",
     "scenario \"a\": exec: the script has no function \"nope\"; define it, or name another with "
     "exec"},
};

START_TEST(e102_e200_what_cannot_be_run)
{
    ck_assert_int_eq(derive(wrong[_i].options), -EINVAL);
    ck_assert_str_eq(first_problem(), wrong[_i].problem);
    ck_assert_uint_eq(problems.error_count, 1);
}
END_TEST

/* E-104: also those that an earlier stage found. */
START_TEST(e104_all_together)
{
    ck_assert_int_eq(derive("{scenarios = {a = {executor = 'per-vu-iterations', exec = 'x'},"
                            " b = {executor = 'ramping-vus'}, c = {executor = 'constant-vus'}},"
                            " vus = 'many'}"),
                     -EINVAL);
    ck_assert_uint_eq(problems.error_count, 4);
}
END_TEST

/* A wrong scenario does not stand for a missing one. */
START_TEST(a_mistake_is_told_once)
{
    char no_functions[] = " echo ";
    struct rl_options options;

    rl_options_init(&options, &arena);
    rl_options_from_value(&options,
                          rl_literal(&arena, "{scenarios = {a = {executor = 'x', exec = 'echo'}}}"),
                          RL_TIER_SCRIPT, "options", &problems);
    ck_assert_int_eq(rl_plan_derive(&plan, &options, exports, no_functions, &problems), -EINVAL);
    ck_assert_uint_eq(problems.error_count, 1);
}
END_TEST

START_TEST(order_is_by_start_and_name)
{
    ck_assert_int_eq(derive("{scenarios = {b = {executor = 'per-vu-iterations', startTime = '5s'},"
                            " z = {executor = 'per-vu-iterations'},"
                            " c = {executor = 'per-vu-iterations', startTime = '5s'},"
                            " m = {executor = 'per-vu-iterations'}}}"),
                     0);
    ck_assert_str_eq(plan.scenarios[0].name, "m");
    ck_assert_str_eq(plan.scenarios[1].name, "z");
    ck_assert_str_eq(plan.scenarios[2].name, "b");
    ck_assert_str_eq(plan.scenarios[3].name, "c");
}
END_TEST

/* E-215, like A.7: overlapping scenarios add up, others share their VUs. */
START_TEST(e215_planned_vus)
{
    ck_assert_int_eq(
        derive(
            "{scenarios = {a = {executor = 'constant-vus', vus = 10, duration = '30s'},"
            " b = {executor = 'shared-iterations', vus = 5, iterations = 20, maxDuration = '60s',"
            "      startTime = '20s'}}}"),
        0);
    ck_assert_int_eq(plan.planned_vus, 15);
    ck_assert_int_eq(plan.max_vus, 15);
    ck_assert_int_eq(plan.total_duration_ns, 110 * SECOND);

    /* b starts at a's hard end. */
    ck_assert_int_eq(
        derive("{scenarios = {a = {executor = 'constant-vus', vus = 10, duration = '30s'},"
               " b = {executor = 'per-vu-iterations', vus = 12, startTime = '60s'}}}"),
        0);
    ck_assert_int_eq(plan.planned_vus, 12);
    ck_assert_int_eq(plan.total_duration_ns, 690 * SECOND);

    /* a nanosecond earlier they overlap. */
    ck_assert_int_eq(
        derive("{scenarios = {a = {executor = 'constant-vus', vus = 10, duration = '30s'},"
               " b = {executor = 'per-vu-iterations', vus = 12, startTime = '59.999999999s'},"
               " c = {executor = 'per-vu-iterations', vus = 3, startTime = '1h'}}}"),
        0);
    ck_assert_int_eq(plan.planned_vus, 22);
}
END_TEST

START_TEST(e215_each_worker_plans_for_its_part)
{
    int64_t sum = 0;

    ck_assert_int_eq(
        derive("{scenarios = {a = {executor = 'constant-vus', vus = 10, duration = '30s'},"
               " b = {executor = 'per-vu-iterations', vus = 3}}}"),
        0);
    for (uint32_t k = 0; k < 4; k++) {
        static const int64_t expected[] = {4, 4, 3, 2};
        struct rl_share share;

        ck_assert_int_eq(rl_share_equal(&share, k, 4), 0);
        ck_assert_int_eq(rl_plan_vus(&plan, &share), expected[k]);
        sum += rl_plan_vus(&plan, &share);
        rl_share_fini(&share);
    }
    ck_assert_int_eq(sum, plan.planned_vus);
}
END_TEST

START_TEST(what_is_ignored_is_told)
{
    const struct rl_problem *problem;

    ck_assert_int_eq(
        derive("{thresholds = {a = {'avg<5'}}, batch = 1, userAgent = 'x', vus = 3,"
               " scenarios = {a = {executor = 'per-vu-iterations'}}}"),
        0);
    problem = problems.first;
    ck_assert_str_eq(problem->text, "thresholds are not evaluated by this version");
    problem = problem->next;
    ck_assert_str_eq(problem->text, "ignored, since they only concern HTTP: batch, userAgent");
    problem = problem->next;
    ck_assert_str_eq(problem->text, "vus=3 is ignored: scenarios say how many VUs they need");
    ck_assert_uint_eq(problems.warning_count, 3);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *plan_suite(void)
{
    Suite *suite = suite_create("plan/plan");

    rl_case_loop(suite, e102_shortcuts, setup, teardown, 0, COUNT(shortcuts));
    rl_case_loop(suite, e102_e200_what_cannot_be_run, setup, teardown, 0, COUNT(wrong));
    rl_case(suite, e104_all_together, setup, teardown);
    rl_case(suite, a_mistake_is_told_once, setup, teardown);
    rl_case(suite, order_is_by_start_and_name, setup, teardown);
    rl_case(suite, e215_planned_vus, setup, teardown);
    rl_case(suite, e215_each_worker_plans_for_its_part, setup, teardown);
    rl_case(suite, what_is_ignored_is_told, setup, teardown);
    return suite;
}

RL_TEST_MAIN(plan_suite)
