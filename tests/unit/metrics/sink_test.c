/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/sink.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "cases.h"

static struct rl_sink sink, other;

static void start(enum rl_metric_type type)
{
    rl_sink_init(&sink, type);
    rl_sink_init(&other, type);
}

static void tear_down(void)
{
    rl_sink_fini(&sink);
    rl_sink_fini(&other);
}

START_TEST(a_counter_sums)
{
    start(RL_COUNTER);
    rl_sink_add(&sink, 2.5, 1);
    rl_sink_add(&sink, 0, 2);
    rl_sink_add(&other, 4, 1);
    rl_sink_merge(&sink, &other);
    ck_assert_uint_eq(sink.count, 3);
    ck_assert_double_eq(sink.sum, 6.5);
}
END_TEST

START_TEST(a_rate_counts_what_is_not_zero)
{
    start(RL_RATE);
    rl_sink_add(&sink, 1, 1);
    rl_sink_add(&sink, 0, 1);
    rl_sink_add(&other, -2.5, 1);
    rl_sink_merge(&sink, &other);
    ck_assert_uint_eq(sink.count, 3);
    ck_assert_double_eq(sink.sum, 2);
}
END_TEST

START_TEST(a_gauge_keeps_the_last_by_time)
{
    start(RL_GAUGE);
    rl_sink_add(&sink, 5, 100);
    rl_sink_add(&sink, 3, 200);
    rl_sink_add(&other, 9, 150);
    rl_sink_merge(&sink, &other);
    ck_assert_double_eq(sink.last, 3);
    ck_assert_double_eq(sink.min, 3);
    ck_assert_double_eq(sink.max, 9);
    rl_sink_clear(&other);
    rl_sink_add(&other, -1, 200);
    rl_sink_merge(&sink, &other);
    ck_assert_double_eq(sink.last, -1);
    ck_assert_double_eq(sink.min, -1);
}
END_TEST

START_TEST(a_nan_is_no_sample)
{
    start((enum rl_metric_type)_i);
    rl_sink_add(&sink, (double)NAN, 1);
    ck_assert_uint_eq(sink.count, 0);
    ck_assert_double_eq(sink.sum, 0);
}
END_TEST

START_TEST(merging_nothing_changes_nothing)
{
    start(RL_TREND);
    rl_sink_add(&sink, 7, 1);
    rl_sink_merge(&sink, &other);
    ck_assert_uint_eq(sink.count, 1);
    ck_assert_double_eq(sink.min, 7);
    rl_sink_merge(&other, &sink);
    ck_assert_double_eq(other.min, 7);
    ck_assert_double_eq(rl_sink_percentile(&other, 50), 7);
}
END_TEST

START_TEST(E_301_percentiles_interpolate_between_neighbours)
{
    start(RL_TREND);
    ck_assert_double_eq(rl_sink_percentile(&sink, 50), 0);
    ck_assert_double_eq(rl_sink_avg(&sink), 0);
    rl_sink_add(&sink, 40, 1);
    ck_assert_double_eq(rl_sink_percentile(&sink, 99), 40);
    rl_sink_add(&sink, 10, 1);
    rl_sink_add(&sink, 30, 1);
    rl_sink_add(&sink, 20, 1);
    ck_assert_double_eq(rl_sink_percentile(&sink, 0), 10);
    ck_assert_double_eq(rl_sink_percentile(&sink, 50), 25);
    ck_assert_double_eq_tol(rl_sink_percentile(&sink, 90), 37, 1e-12);
    ck_assert_double_eq(rl_sink_percentile(&sink, 100), 40);
    ck_assert_double_eq(rl_sink_avg(&sink), 25);
}
END_TEST

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* E-301 by the letter, on all values. */
static double exact_percentile(const double *sorted, size_t count, double percent)
{
    double position = percent / 100 * (double)(count - 1);
    size_t rank = (size_t)position;

    if (rank + 1 == count)
        return sorted[rank];
    return sorted[rank] + (sorted[rank + 1] - sorted[rank]) * (position - (double)rank);
}

static void compare(double *values, size_t count, double tolerance)
{
    static const double percents[] = {0, 0.1, 1, 5, 10, 25, 33.3, 50, 75, 90, 95, 99, 99.9, 100};

    qsort(values, count, sizeof(*values), by_value);
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        double exact = exact_percentile(values, count, percents[i]);
        double got = rl_sink_percentile(&sink, percents[i]);

        ck_assert_msg(fabs(got - exact) <= fabs(exact) * tolerance, "p(%g) of %zu: %.17g for %.17g",
                      percents[i], count, got, exact);
    }
    ck_assert_double_eq(sink.min, values[0]);
    ck_assert_double_eq(sink.max, values[count - 1]);
    ck_assert_uint_eq(sink.count, count);
}

START_TEST(E_301_percentiles_are_exact_up_to_a_thousand)
{
    double values[1001], sum = 0;
    struct rl_rng rng;

    start(RL_TREND);
    rl_rng_init(&rng, 3);
    for (size_t i = 0; i < 1001; i++) {
        values[i] = -log1p(-rl_rng_double(&rng));
        sum += values[i];
        rl_sink_add(&sink, values[i], 1);
        if ((i + 1) % 100 == 0)
            compare(values, i + 1, 1e-15);
    }
    compare(values, 1001, 1e-3);
    ck_assert_double_eq_tol(sink.sum, sum, 1e-9);
}
END_TEST

/* Exact into exact, exact into full, full into exact, full into full: whatever comes together, the
 * result must be as if one sink had seen it all. */
START_TEST(E_305_merging_is_as_one_sink)
{
    static const size_t sizes[] = {1, 30, 970, 1000, 1001, 5000};
    size_t first = sizes[_i % 6], second = sizes[_i / 6 % 6], count = first + second;
    double *values = malloc(count * sizeof(*values));
    struct rl_rng rng;

    start(RL_TREND);
    rl_rng_init(&rng, (uint64_t)_i);
    for (size_t i = 0; i < count; i++) {
        values[i] = exp(10 * rl_rng_double(&rng) - 5);
        rl_sink_add(i < first ? &sink : &other, values[i], 1);
    }
    rl_sink_merge(&sink, &other);
    compare(values, count, count <= RL_TREND_EXACT ? 1e-15 : 1e-3);
    free(values);
}
END_TEST

/* As a shard's half is used: fill, empty, fill. */
START_TEST(a_cleared_sink_is_like_new)
{
    start(RL_TREND);
    for (int round = 0; round < 3; round++) {
        for (int i = 1; i <= 3000; i++)
            rl_sink_add(&sink, i, 1);
        ck_assert_double_eq_tol(rl_sink_percentile(&sink, 50), 1500.5, 1.5);
        rl_sink_clear(&sink);
        ck_assert_uint_eq(sink.count, 0);
        ck_assert_double_eq(rl_sink_percentile(&sink, 50), 0);
        rl_sink_add(&sink, -4, 1);
        rl_sink_add(&sink, -2, 1);
        ck_assert_double_eq(rl_sink_percentile(&sink, 50), -3);
        ck_assert_double_eq(sink.max, -2);
        rl_sink_clear(&sink);
    }
}
END_TEST

START_TEST(zero_and_negative_values_count)
{
    start(RL_TREND);
    for (int i = 0; i < 4001; i++)
        rl_sink_add(&sink, i < 1000 ? -8.5 : i < 3000 ? 0 : 1e-9, 1);
    ck_assert_double_eq(rl_sink_percentile(&sink, 0), -8.5);
    ck_assert_double_eq(rl_sink_percentile(&sink, 50), 0);
    ck_assert_double_eq_tol(rl_sink_percentile(&sink, 99), 1e-9, 1e-12);
    ck_assert_double_eq_tol(sink.sum, -8500, 1e-3);
}
END_TEST

static Suite *sink_suite(void)
{
    Suite *suite = suite_create("sink");

    rl_case(suite, a_counter_sums, NULL, tear_down);
    rl_case(suite, a_rate_counts_what_is_not_zero, NULL, tear_down);
    rl_case(suite, a_gauge_keeps_the_last_by_time, NULL, tear_down);
    rl_case_loop(suite, a_nan_is_no_sample, NULL, tear_down, RL_COUNTER, RL_TREND + 1);
    rl_case(suite, merging_nothing_changes_nothing, NULL, tear_down);
    rl_case(suite, E_301_percentiles_interpolate_between_neighbours, NULL, tear_down);
    rl_case(suite, E_301_percentiles_are_exact_up_to_a_thousand, NULL, tear_down);
    rl_case_loop(suite, E_305_merging_is_as_one_sink, NULL, tear_down, 0, 36);
    rl_case(suite, a_cleared_sink_is_like_new, NULL, tear_down);
    rl_case(suite, zero_and_negative_values_count, NULL, tear_down);
    return suite;
}

RL_TEST_MAIN(sink_suite)
