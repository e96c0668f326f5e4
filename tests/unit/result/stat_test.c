/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "result/stat.h"

#include <errno.h>

#include "cases.h"

START_TEST(each_figure_of_a_trend)
{
    static const struct {
        const char *text;
        double value;
    } rows[] = {{"avg", 4},   {"min", 1},       {"med", 3},     {"max", 10},
                {"count", 5}, {"p(0)", 1},      {"p(50)", 3},   {"p(100)", 10},
                {"p(75)", 4}, {"p(12.5)", 1.5}, {"p(0.0)", 1.0}};
    static const double values[] = {10, 2, 3, 4, 1};
    struct rl_sink sink;

    rl_sink_init(&sink, RL_TREND);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rl_stat stat;

        ck_assert_int_eq(rl_stat_parse(rows[i].text, &stat), 0);
        ck_assert_str_eq(stat.name, rows[i].text);
        ck_assert_double_eq(rl_stat_of(&stat, &sink), 0);
    }
    for (size_t i = 0; i < 5; i++)
        rl_sink_add(&sink, values[i], 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rl_stat stat;

        ck_assert_int_eq(rl_stat_parse(rows[i].text, &stat), 0);
        ck_assert_double_eq_tol(rl_stat_of(&stat, &sink), rows[i].value, 1e-12);
    }
    rl_sink_fini(&sink);
}
END_TEST

START_TEST(other_words_are_refused)
{
    static const char *const bad[] = {"",       "average", "p",      "p()",      "p(101)", "p(-1)",
                                      "p(nan)", "p(90",    "p90",    "p(90))",   "P(90)",  "p(inf)",
                                      "p(9 0)", "avg ",    "counts", "p(0.1e9)", " max"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct rl_stat stat;

        ck_assert_msg(rl_stat_parse(bad[i], &stat) == -EINVAL, "%s", bad[i]);
    }
}
END_TEST

static Suite *stat_suite(void)
{
    Suite *suite = suite_create("stat");

    rl_case(suite, each_figure_of_a_trend, NULL, NULL);
    rl_case(suite, other_words_are_refused, NULL, NULL);
    return suite;
}

RL_TEST_MAIN(stat_suite)
