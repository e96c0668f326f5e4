/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/histogram.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "cases.h"

static struct rl_histogram histogram;

static void set_up(void)
{
    rl_histogram_init(&histogram);
}

static void tear_down(void)
{
    rl_histogram_check(&histogram);
    rl_histogram_fini(&histogram);
}

static void record(double value)
{
    ck_assert_int_eq(rl_histogram_record(&histogram, value), 0);
}

static void check_near(double got, double exact)
{
    ck_assert_msg(fabs(got - exact) <= fabs(exact) / 1000, "%.17g is too far from %.17g", got,
                  exact);
}

/* 1 ns ... 24 h in ms, 1 ... 2^63, and far beyond on both sides. */
START_TEST(E_305_a_value_comes_back_to_a_thousandth)
{
    struct rl_rng rng;

    rl_rng_init(&rng, (uint64_t)_i);
    for (int i = 0; i < 2000; i++) {
        double value = exp2(rl_rng_double(&rng) * 600 - 300);

        rl_histogram_clear(&histogram);
        record(value);
        check_near(rl_histogram_at(&histogram, 0), value);
        record(-value);
        check_near(rl_histogram_at(&histogram, 0), -value);
        check_near(rl_histogram_at(&histogram, 1), value);
    }
}
END_TEST

START_TEST(E_305_the_ends_of_the_range)
{
    static const double values[] = {1e-6,    8.64e7,  1,     0x1p63,  0.999999, 1023.999,
                                    DBL_MAX, DBL_MIN, -1e-6, -8.64e7, 0x1p-1000};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        rl_histogram_clear(&histogram);
        record(values[i]);
        check_near(rl_histogram_at(&histogram, 0), values[i]);
    }
    rl_histogram_clear(&histogram);
    record(HUGE_VAL);
    ck_assert(isinf(rl_histogram_at(&histogram, 0)));
}
END_TEST

START_TEST(small_integers_come_back_as_they_are)
{
    for (int i = -2047; i < 2048; i++)
        record(i);
    for (int i = -2047; i < 2048; i++)
        ck_assert_double_eq(rl_histogram_at(&histogram, (uint64_t)(i + 2047)), i);
}
END_TEST

START_TEST(the_order_is_negative_zero_positive)
{
    static const double values[] = {5, -0.0, -3, 0.25, 0, -100, 5, 7e-5};
    static const double sorted[] = {-100, -3, 0, 0, 7e-5, 0.25, 5, 5};

    for (size_t i = 0; i < 8; i++)
        record(values[i]);
    ck_assert_uint_eq(histogram.count, 8);
    for (size_t i = 0; i < 8; i++)
        check_near(rl_histogram_at(&histogram, i), sorted[i]);
}
END_TEST

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* A different shape for each i. */
static double sample(struct rl_rng *rng, int shape)
{
    double u = rl_rng_double(rng), v = rl_rng_double(rng);

    switch (shape) {
    case 0: /* uniform */
        return 0.1 + 50 * u;
    case 1: /* exponential */
        return -3 * log1p(-u);
    case 2: /* log-normal, over many powers of two */
        return exp(3 * sqrt(-2 * log1p(-u)) * cos(6.283185307 * v));
    case 3: /* heavy tail */
        return 0.05 / pow(1 - u, 2);
    case 4: /* two modes far apart */
        return u < 0.9 ? 0.2 + 0.01 * v : 900 + 200 * v;
    case 5: /* normal around zero */
        return sqrt(-2 * log1p(-u)) * cos(6.283185307 * v);
    case 6: /* integers */
        return floor(100000 * u * v);
    default: /* one value only */
        return 42.4242;
    }
}

START_TEST(E_305_every_rank_agrees_with_a_sorted_array)
{
    enum { COUNT = 50000 };
    double *values = malloc(COUNT * sizeof(*values));
    struct rl_histogram parts[3];
    struct rl_rng rng;

    ck_assert_ptr_nonnull(values);
    rl_rng_init(&rng, 7);
    for (int i = 0; i < 3; i++)
        rl_histogram_init(&parts[i]);
    for (int i = 0; i < COUNT; i++) {
        values[i] = sample(&rng, _i);
        ck_assert_int_eq(rl_histogram_record(&parts[rl_rng_below(&rng, 3)], values[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(rl_histogram_merge(&histogram, &parts[i]), 0);
        rl_histogram_fini(&parts[i]);
    }
    qsort(values, COUNT, sizeof(*values), by_value);
    ck_assert_uint_eq(histogram.count, COUNT);
    for (int i = 0; i < COUNT; i += 17)
        check_near(rl_histogram_at(&histogram, (uint64_t)i), values[i]);
    free(values);
}
END_TEST

START_TEST(clear_keeps_the_pages_and_no_value)
{
    struct rl_histogram_page *page;

    record(3.5);
    record(0);
    record(-3.5);
    page = histogram.positive.pages[0];
    rl_histogram_clear(&histogram);
    ck_assert_uint_eq(histogram.count, 0);
    record(3.5);
    ck_assert_ptr_eq(histogram.positive.pages[0], page);
    ck_assert_uint_eq(histogram.count, 1);
}
END_TEST

static uint32_t pages_in_use(const struct rl_histogram_side *side)
{
    uint32_t used = 0;

    for (uint32_t i = 0; i < side->count; i++)
        used += side->pages[i] != NULL;
    return used;
}

START_TEST(a_narrow_distribution_costs_little)
{
    ck_assert_ptr_null(histogram.positive.pages);
    for (int i = 0; i < 100000; i++)
        record(0.2 + 0.2 * i / 100000);
    ck_assert_uint_le(pages_in_use(&histogram.positive), 17);
    ck_assert_uint_le(histogram.positive.count, 64);
    ck_assert_ptr_null(histogram.negative.pages);
    for (int i = 0; i < 100000; i++)
        record(1e-6 * pow(8.64e13, i / 100000.0));
    ck_assert_uint_le(pages_in_use(&histogram.positive), 745);
}
END_TEST

static Suite *histogram_suite(void)
{
    Suite *suite = suite_create("histogram");

    rl_case_loop(suite, E_305_a_value_comes_back_to_a_thousandth, set_up, tear_down, 0, 4);
    rl_case(suite, E_305_the_ends_of_the_range, set_up, tear_down);
    rl_case(suite, small_integers_come_back_as_they_are, set_up, tear_down);
    rl_case(suite, the_order_is_negative_zero_positive, set_up, tear_down);
    rl_case_loop(suite, E_305_every_rank_agrees_with_a_sorted_array, set_up, tear_down, 0, 8);
    rl_case(suite, clear_keeps_the_pages_and_no_value, set_up, tear_down);
    rl_case(suite, a_narrow_distribution_costs_little, set_up, tear_down);
    return suite;
}

RL_TEST_MAIN(histogram_suite)
