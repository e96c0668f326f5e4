/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cases - a TCase for each test, named after it, so that CK_RUN_CASE can pick one.
 */
#ifndef RL_TEST_CASES_H
#define RL_TEST_CASES_H

#include "test.h"

/* As ck_assert, but costs nothing while it holds: libcheck writes a file for each of its own. */
#define rl_require(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("not so: %s", #condition);                                                \
    } while (0)

/* test runs once for each i in [start, end); setup and teardown run around it, or NULL. */
static inline void rl_case_loop(Suite *suite, const TTest *test, void (*setup)(void),
                                void (*teardown)(void), int start, int end)
{
    TCase *tcase = tcase_create(test->name);

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test, start, end);
    suite_add_tcase(suite, tcase);
}

static inline void rl_case(Suite *suite, const TTest *test, void (*setup)(void),
                           void (*teardown)(void))
{
    rl_case_loop(suite, test, setup, teardown, 0, 1);
}

#endif
