/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/describe.h"

#include <string.h>

#include "base/clock.h"
#include "cases.h"

static struct rl_buf out;

static void set_up(void)
{
    rl_buf_init(&out, 0);
}

static void tear_down(void)
{
    rl_buf_fini(&out);
}

static const struct rl_scenario scenarios[] = {
    {.name = "default",
     .executor = RL_CONSTANT_VUS,
     .vus = 10,
     .duration_ns = 30 * (int64_t)RL_NS_PER_S,
     .graceful_stop_ns = 30 * (int64_t)RL_NS_PER_S,
     .exec = "default"},
    {.name = "burst",
     .executor = RL_SHARED_ITERATIONS,
     .vus = 5,
     .iterations = 1000,
     .max_duration_ns = 600 * (int64_t)RL_NS_PER_S,
     .start_time_ns = 5 * (int64_t)RL_NS_PER_S,
     .exec = "burst"},
};

static const char *describe(struct rl_description *description, const struct rl_plan *plan)
{
    description->plan = plan;
    description->script = "echo.lua";
    ck_assert_int_eq(rl_describe(description, false, &out), 0);
    ck_assert_int_eq(rl_buf_append(&out, "", 1), 0);
    return (const char *)out.data;
}

START_TEST(E_440_the_description)
{
    const struct rl_plan plan = {.scenarios = scenarios,
                                 .scenario_count = 2,
                                 .max_vus = 15,
                                 .total_duration_ns = 605 * (int64_t)RL_NS_PER_S};
    static const char *const outputs[] = {"json=a.json", "csv"};
    struct rl_description description = {.percent = 25, .outputs = outputs, .output_count = 2};

    ck_assert_str_eq(
        describe(&description, &plan),
        "     execution: local\n"
        "        script: echo.lua\n"
        "        output: json=a.json, csv\n"
        "\n"
        "     scenarios: (25.00%) 2 scenarios, 15 max VUs, 10m5s max duration (incl. graceful "
        "stop):\n"
        "                * default: 10 looping VUs for 30s (gracefulStop: 30s)\n"
        "                * burst: 1000 iterations shared among 5 VUs (maxDuration: 10m0s, exec: "
        "burst, startTime: 5s)\n"
        "\n");
}
END_TEST

START_TEST(E_440_one_scenario_and_no_output)
{
    const struct rl_plan plan = {.scenarios = scenarios,
                                 .scenario_count = 1,
                                 .max_vus = 10,
                                 .total_duration_ns = 60 * (int64_t)RL_NS_PER_S};
    struct rl_description description = {.percent = 100};
    const char *text = describe(&description, &plan);

    ck_assert_ptr_nonnull(strstr(text, "        output: -\n"));
    ck_assert_ptr_nonnull(strstr(text, "     scenarios: (100.00%) 1 scenario, 10 max VUs, 1m0s "));
}
END_TEST

START_TEST(E_440_the_banner_tells_the_version)
{
    const struct rl_description description = {.version = "1.2.3"};

    ck_assert_int_eq(rl_describe_banner(&description, false, &out), 0);
    ck_assert_int_eq(rl_buf_append(&out, "", 1), 0);
    ck_assert_ptr_nonnull(strstr((const char *)out.data, "ringload 1.2.3\n"));
    ck_assert_ptr_null(strchr((const char *)out.data, '\x1b'));
}
END_TEST

static Suite *describe_suite(void)
{
    Suite *suite = suite_create("describe");

    rl_case(suite, E_440_the_description, set_up, tear_down);
    rl_case(suite, E_440_one_scenario_and_no_output, set_up, tear_down);
    rl_case(suite, E_440_the_banner_tells_the_version, set_up, tear_down);
    return suite;
}

RL_TEST_MAIN(describe_suite)
