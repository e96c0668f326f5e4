/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/problems.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cases.h"

static struct rl_problems problems;

static void setup(void)
{
    rl_problems_init(&problems);
}

static void teardown(void)
{
    rl_problems_fini(&problems);
}

START_TEST(errors_and_warnings_in_order)
{
    rl_problems_error(&problems, "a %d", 1);
    rl_problems_warn(&problems, "b");
    rl_problems_error(&problems, "c");
    ck_assert_uint_eq(problems.error_count, 2);
    ck_assert_uint_eq(problems.warning_count, 1);
    ck_assert_str_eq(problems.first->text, "a 1");
    ck_assert(problems.first->next->warning);
    ck_assert_str_eq(problems.last->text, "c");
}
END_TEST

START_TEST(the_same_line_once)
{
    rl_problems_error(&problems, "a");
    rl_problems_error(&problems, "a");
    rl_problems_warn(&problems, "a");
    ck_assert_uint_eq(problems.error_count, 1);
    ck_assert_uint_eq(problems.warning_count, 1);
}
END_TEST

/* E-104 */
START_TEST(told_together_one_per_line_and_once)
{
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    rl_log_open(
        &(struct rl_log_config){.stream = stream, .level = RL_LOG_INFO, .format = RL_LOG_RAW});
    rl_problems_error(&problems, "100%% wrong");
    rl_problems_warn(&problems, "odd %%s");
    rl_problems_tell(&problems);
    rl_problems_error(&problems, "more");
    rl_problems_tell(&problems);
    rl_problems_tell(&problems);
    fclose(stream);
    ck_assert_str_eq(text, "100% wrong\nodd %s\nmore\n");
    ck_assert_uint_eq(rl_log_count(RL_LOG_ERROR), 2);
    ck_assert_uint_eq(rl_log_count(RL_LOG_WARN), 1);
    free(text);
}
END_TEST

static Suite *problems_suite(void)
{
    Suite *suite = suite_create("plan/problems");

    rl_case(suite, errors_and_warnings_in_order, setup, teardown);
    rl_case(suite, the_same_line_once, setup, teardown);
    rl_case(suite, told_together_one_per_line_and_once, setup, teardown);
    return suite;
}

RL_TEST_MAIN(problems_suite)
