/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/assert.h"

#include <signal.h>

#include "cases.h"

static int evaluated;

START_TEST(conditions_that_hold_pass)
{
    RL_CHECK(++evaluated == 1);
    RL_ASSERT(evaluated == 1);
    ck_assert_int_eq(evaluated, 1);
}
END_TEST

START_TEST(a_failed_check_stops)
{
    RL_CHECK(evaluated == 1000);
}
END_TEST

START_TEST(unreachable_stops)
{
    RL_UNREACHABLE();
}
END_TEST

#ifdef RL_CHECKED
START_TEST(a_failed_assert_stops_checked_builds)
{
    RL_ASSERT(evaluated == 1000);
}
END_TEST
#else
START_TEST(an_assert_is_not_evaluated_in_release)
{
    RL_ASSERT(++evaluated == 1000);
    ck_assert_int_eq(evaluated, 0);
}
END_TEST
#endif

static void add_aborting(Suite *suite, const TTest *test)
{
    TCase *tcase = tcase_create(test->name);

    tcase_add_test_raise_signal(tcase, test, SIGABRT);
    suite_add_tcase(suite, tcase);
}

static Suite *assert_suite(void)
{
    Suite *suite = suite_create("base/assert");

    rl_case(suite, conditions_that_hold_pass, NULL, NULL);
    add_aborting(suite, a_failed_check_stops);
    add_aborting(suite, unreachable_stops);
#ifdef RL_CHECKED
    add_aborting(suite, a_failed_assert_stops_checked_builds);
#else
    rl_case(suite, an_assert_is_not_evaluated_in_release, NULL, NULL);
#endif
    return suite;
}

RL_TEST_MAIN(assert_suite)
