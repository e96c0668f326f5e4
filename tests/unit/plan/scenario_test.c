/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/scenario.h"

#include <string.h>

#include "cases.h"

#define SECOND INT64_C(1000000000)

static struct rl_scenario make(enum rl_executor_kind executor, int64_t vus, int64_t iterations)
{
    return (struct rl_scenario){
        .name = "s",
        .executor = executor,
        .vus = vus,
        .iterations = iterations,
        .duration_ns = 30 * SECOND,
        .max_duration_ns = 600 * SECOND,
        .graceful_stop_ns = 30 * SECOND,
        .exec = "default",
    };
}

START_TEST(names_of_executors)
{
    for (unsigned kind = 0; kind < RL_EXECUTOR_COUNT; kind++)
        ck_assert_int_eq(rl_executor_find(rl_executor_name(kind)), (int)kind);
    ck_assert_int_eq(rl_executor_find("nonsense"), RL_EXECUTOR_COUNT);
    ck_assert_int_eq(rl_executor_find("ramping-vus"), RL_RAMPING_VUS);
}
END_TEST

START_TEST(length_is_duration_or_max_duration)
{
    struct rl_scenario constant = make(RL_CONSTANT_VUS, 1, 1);
    struct rl_scenario shared = make(RL_SHARED_ITERATIONS, 1, 1);

    ck_assert_int_eq(rl_scenario_length_ns(&constant), 30 * SECOND);
    ck_assert_int_eq(rl_scenario_length_ns(&shared), 600 * SECOND);
}
END_TEST

/* A.3, and the iteration counts of per-vu-iterations, which are not scaled. */
START_TEST(parts_of_workers)
{
    static const int64_t vus[] = {3, 3, 2, 2}, shared_iterations[] = {31, 31, 21, 20};
    struct rl_scenario shared = make(RL_SHARED_ITERATIONS, 10, 103);
    struct rl_scenario each = make(RL_PER_VU_ITERATIONS, 10, 7);

    for (uint32_t k = 0; k < 4; k++) {
        struct rl_share share, stripes;
        int64_t iterations = -1;

        ck_assert_int_eq(rl_share_equal(&share, k, 4), 0);
        ck_assert_int_eq(rl_scenario_vus(&shared, &share), vus[k]);
        ck_assert_int_eq(rl_scenario_iterations(&shared, &share, &iterations), 0);
        ck_assert_int_eq(iterations, shared_iterations[k]);
        ck_assert_int_eq(rl_scenario_iterations(&each, &share, &iterations), 0);
        ck_assert_int_eq(iterations, 7 * vus[k]);

        ck_assert_int_eq(rl_scenario_stripes(&shared, &share, &stripes), 0);
        ck_assert_uint_eq(stripes.period, 10);
        rl_share_fini(&stripes);
        ck_assert_int_eq(rl_scenario_stripes(&each, &share, &stripes), 0);
        ck_assert_uint_eq(stripes.period, 4);
        ck_assert_uint_eq(rl_share_global(&stripes, 1), 4 + k);
        rl_share_fini(&stripes);
        rl_share_fini(&share);
    }
}
END_TEST

START_TEST(fewer_users_than_workers)
{
    struct rl_scenario shared = make(RL_SHARED_ITERATIONS, 1, 100);

    for (uint32_t k = 0; k < 3; k++) {
        struct rl_share share;
        int64_t iterations = -1;

        ck_assert_int_eq(rl_share_equal(&share, k, 3), 0);
        ck_assert_int_eq(rl_scenario_vus(&shared, &share), k == 0);
        ck_assert_int_eq(rl_scenario_iterations(&shared, &share, &iterations), 0);
        ck_assert_int_eq(iterations, k == 0 ? 100 : 0);
        rl_share_fini(&share);
    }
}
END_TEST

START_TEST(more_iterations_than_can_be_counted)
{
    struct rl_scenario each = make(RL_PER_VU_ITERATIONS, 100, INT64_MAX);
    struct rl_share share;
    int64_t iterations;

    ck_assert_int_eq(rl_share_equal(&share, 0, 1), 0);
    ck_assert_int_eq(rl_scenario_iterations(&each, &share, &iterations), 0);
    ck_assert_int_eq(iterations, INT64_MAX);
    rl_share_fini(&share);
}
END_TEST

/* E-440 */
START_TEST(e440_descriptions)
{
    struct rl_scenario constant = make(RL_CONSTANT_VUS, 10, 1);
    struct rl_scenario shared = make(RL_SHARED_ITERATIONS, 20, 200);
    struct rl_scenario each = make(RL_PER_VU_ITERATIONS, 1, 1);
    char text[256];

    rl_scenario_describe(&constant, text, sizeof(text));
    ck_assert_str_eq(text, "10 looping VUs for 30s (gracefulStop: 30s)");
    rl_scenario_describe(&shared, text, sizeof(text));
    ck_assert_str_eq(text,
                     "200 iterations shared among 20 VUs (maxDuration: 10m0s, gracefulStop: 30s)");
    rl_scenario_describe(&each, text, sizeof(text));
    ck_assert_str_eq(text,
                     "1 iterations for each of 1 VUs (maxDuration: 10m0s, gracefulStop: 30s)");
    constant.exec = "echo";
    constant.start_time_ns = 5 * SECOND;
    constant.graceful_stop_ns = 0;
    rl_scenario_describe(&constant, text, sizeof(text));
    ck_assert_str_eq(text, "10 looping VUs for 30s (exec: echo, startTime: 5s)");
    constant.exec = "default";
    constant.start_time_ns = 0;
    rl_scenario_describe(&constant, text, sizeof(text));
    ck_assert_str_eq(text, "10 looping VUs for 30s");
}
END_TEST

START_TEST(a_long_function_name_is_cut)
{
    char name[2000], text[4096];
    struct rl_scenario constant = make(RL_CONSTANT_VUS, 10, 1);

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    constant.exec = name;
    constant.start_time_ns = SECOND;
    rl_scenario_describe(&constant, text, sizeof(text));
    ck_assert_uint_lt(strlen(text), 600);
    ck_assert_ptr_nonnull(strstr(text, "xxx"));
}
END_TEST

static Suite *scenario_suite(void)
{
    Suite *suite = suite_create("plan/scenario");

    rl_case(suite, names_of_executors, NULL, NULL);
    rl_case(suite, length_is_duration_or_max_duration, NULL, NULL);
    rl_case(suite, parts_of_workers, NULL, NULL);
    rl_case(suite, fewer_users_than_workers, NULL, NULL);
    rl_case(suite, more_iterations_than_can_be_counted, NULL, NULL);
    rl_case(suite, e440_descriptions, NULL, NULL);
    rl_case(suite, a_long_function_name_is_cut, NULL, NULL);
    return suite;
}

RL_TEST_MAIN(scenario_suite)
