/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/figure.h"

#include <math.h>

#include "cases.h"

struct row {
    double value;
    const char *text;
};

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

static const struct row numbers[] = {
    {0, "0"},           {-0.0, "0"},           {3, "3"},
    {31.25, "31.25"},   {0.1, "0.1"},          {411.5, "411.5"},
    {1e-6, "0.000001"}, {4e-7, "0"},           {-4e-7, "0"},
    {-2.5, "-2.5"},     {1.0000004, "1"},      {1.9999999, "2"},
    {24690, "24690"},   {100, "100"},          {0x1p63, "9223372036854775808"},
    {1e300, "1e+300"},  {1.0 / 3, "0.333333"}, {123456789.125, "123456789.125"},
};

START_TEST(E_403_numbers)
{
    rl_figure text;

    rl_figure_number(numbers[_i].value, text);
    ck_assert_str_eq(text, numbers[_i].text);
}
END_TEST

static const struct row percents[] = {
    {1, "100.00%"},          {0, "0.00%"},          {24678.0 / 24690, "99.95%"},
    {12.0 / 24690, "0.04%"}, {0.29, "29.00%"},      {0.57, "57.00%"},
    {2.0 / 3, "66.66%"},     {0.99999, "99.99%"},   {0.999999, "99.99%"},
    {0.0000999, "0.00%"},    {1 - 1e-10, "99.99%"},
};

START_TEST(E_403_percents_are_truncated)
{
    rl_figure text;

    rl_figure_percent(percents[_i].value, text);
    ck_assert_str_eq(text, percents[_i].text);
}
END_TEST

static const struct row sizes[] = {
    {0, "0 B"},
    {7, "7 B"},
    {9.5, "9.5 B"},
    {10, "10 B"},
    {999, "999 B"},
    {999.6, "1.0 kB"},
    {1000, "1.0 kB"},
    {1234567, "1.2 MB"},
    {9949, "9.9 kB"},
    {9951, "10 kB"},
    {12500, "13 kB"},
    {41152, "41 kB"},
    {988e6, "988 MB"},
    {999960, "1.0 MB"},
    {1e9, "1.0 GB"},
    {1.5e15, "1.5 PB"},
    {-1234567, "-1.2 MB"},
    {2e27, "2000 YB"},
    {10.0 / 3, "3.333333 B"},
};

START_TEST(E_403_bytes)
{
    rl_figure text;

    rl_figure_bytes(sizes[_i].value, text);
    ck_assert_str_eq(text, sizes[_i].text);
}
END_TEST

static const struct row times[] = {
    {0, "0s"},
    {0.000001, "1ns"},
    {0.000081, "81ns"},
    {0.0009999, "999ns"},
    {0.0004, "400ns"},
    {0.00000001, "0ns"},
    {0.001, "1µs"},
    {0.081, "81µs"},
    {0.4213, "421.3µs"},
    {0.99999, "999.99µs"},
    {0.999999, "999.99µs"},
    {1, "1ms"},
    {1.15, "1.15ms"},
    {12.8, "12.8ms"},
    {12.809, "12.8ms"},
    {999.999, "999.99ms"},
    {1000, "1s"},
    {1520, "1.52s"},
    {59999, "59.99s"},
    {60000, "1m0s"},
    {61999, "1m1s"},
    {3599999, "59m59s"},
    {3600000, "1h0m0s"},
    {86400000, "24h0m0s"},
    {90061000, "25h1m1s"},
    {-12.8, "-12.8ms"},
    {-0.0, "0s"},
};

START_TEST(E_403_times)
{
    rl_figure text;

    rl_figure_time(times[_i].value, RL_UNIT_AUTO, text);
    ck_assert_str_eq(text, times[_i].text);
}
END_TEST

START_TEST(E_403_times_in_a_fixed_unit)
{
    rl_figure text;

    rl_figure_time(0.4213, RL_UNIT_US, text);
    ck_assert_str_eq(text, "421.30µs");
    rl_figure_time(1520.126, RL_UNIT_MS, text);
    ck_assert_str_eq(text, "1520.13ms");
    rl_figure_time(0, RL_UNIT_S, text);
    ck_assert_str_eq(text, "0.00s");
    rl_figure_time(3600000, RL_UNIT_S, text);
    ck_assert_str_eq(text, "3600.00s");
}
END_TEST

START_TEST(what_is_not_finite_still_prints)
{
    static const double values[] = {HUGE_VAL, -HUGE_VAL, (double)NAN, 1e308, -1e308, 5e-324};
    rl_figure text;

    for (size_t i = 0; i < 6; i++) {
        rl_figure_number(values[i], text);
        rl_figure_percent(values[i], text);
        rl_figure_bytes(values[i], text);
        for (int unit = RL_UNIT_AUTO; unit <= RL_UNIT_US; unit++)
            rl_figure_time(values[i], (enum rl_time_unit)unit, text);
    }
    rl_figure_time(HUGE_VAL, RL_UNIT_AUTO, text);
    ck_assert_str_eq(text, "infs");
}
END_TEST

START_TEST(a_metric_says_what_it_contains)
{
    rl_figure text;

    rl_figure_of(1500, RL_DEFAULT, RL_UNIT_AUTO, text);
    ck_assert_str_eq(text, "1500");
    rl_figure_of(1500, RL_TIME, RL_UNIT_AUTO, text);
    ck_assert_str_eq(text, "1.5s");
    rl_figure_of(1500, RL_DATA, RL_UNIT_AUTO, text);
    ck_assert_str_eq(text, "1.5 kB");
}
END_TEST

START_TEST(width_counts_characters)
{
    ck_assert_uint_eq(rl_text_width(""), 0);
    ck_assert_uint_eq(rl_text_width("920µs"), 5);
    ck_assert_uint_eq(rl_text_width("█ ✓"), 3);
}
END_TEST

static Suite *figure_suite(void)
{
    Suite *suite = suite_create("figure");

    rl_case_loop(suite, E_403_numbers, NULL, NULL, 0, COUNT(numbers));
    rl_case_loop(suite, E_403_percents_are_truncated, NULL, NULL, 0, COUNT(percents));
    rl_case_loop(suite, E_403_bytes, NULL, NULL, 0, COUNT(sizes));
    rl_case_loop(suite, E_403_times, NULL, NULL, 0, COUNT(times));
    rl_case(suite, E_403_times_in_a_fixed_unit, NULL, NULL);
    rl_case(suite, what_is_not_finite_still_prints, NULL, NULL);
    rl_case(suite, a_metric_says_what_it_contains, NULL, NULL);
    rl_case(suite, width_counts_characters, NULL, NULL);
    return suite;
}

RL_TEST_MAIN(figure_suite)
