/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cpu_list.h"

#include <errno.h>

#include "cases.h"

static struct rl_cpu_list list;

START_TEST(reads_numbers_and_ranges_in_their_order)
{
    ck_assert_int_eq(rl_cpu_list_parse("8,0-2,5", &list), 0);
    ck_assert_uint_eq(list.count, 5);
    ck_assert_uint_eq(list.items[0], 8);
    ck_assert_uint_eq(list.items[1], 0);
    ck_assert_uint_eq(list.items[3], 2);
    ck_assert_uint_eq(list.items[4], 5);
    ck_assert_int_eq(rl_cpu_list_parse("1023", &list), 0);
    ck_assert_uint_eq(list.items[0], 1023);
}
END_TEST

START_TEST(refuses_what_is_none_and_leaves_the_list)
{
    static const char *const wrong[] = {"", ",", "1,", ",1", "3-1", "1-", "-1", "a", "1 2", "0x1", "1--2"};

    list.count = 7;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_msg(rl_cpu_list_parse(wrong[i], &list) == -EINVAL, "\"%s\"", wrong[i]);
    ck_assert_int_eq(rl_cpu_list_parse("1024", &list), -ERANGE);
    ck_assert_int_eq(rl_cpu_list_parse("99999999999999999999", &list), -ERANGE);
    ck_assert_int_eq(rl_cpu_list_parse("0-1023,0", &list), -ERANGE);
    ck_assert_uint_eq(list.count, 7);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("cpu_list");

    rl_case(s, reads_numbers_and_ranges_in_their_order, NULL, NULL);
    rl_case(s, refuses_what_is_none_and_leaves_the_list, NULL, NULL);
    return s;
}

RL_TEST_MAIN(suite)
