/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test - the main function of a unit test.
 *
 * A test file builds one libcheck Suite, with a TCase for each promise of the header that it
 * tests, and ends with RL_TEST_MAIN(function_that_builds_it). Each test runs in a fork, so that a
 * crash names its test; CK_FORK=no, CK_RUN_CASE and the other CK_ variables work as libcheck
 * documents them.
 */
#ifndef RL_TEST_H
#define RL_TEST_H

#include <check.h>
#include <stdlib.h>

static inline int rl_test_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define RL_TEST_MAIN(suite_function)                                                               \
    int main(void)                                                                                 \
    {                                                                                              \
        return rl_test_run(suite_function());                                                      \
    }

#endif
