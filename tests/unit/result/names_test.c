/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "result/names.h"

#include <stdio.h>
#include <string.h>

#include "cases.h"

START_TEST(each_text_once_in_the_order_of_arrival)
{
    struct rl_names names;
    char text[32];

    rl_names_init(&names);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 500; i++) {
            int size = snprintf(text, sizeof(text), "name %d", i * 7919 % 500);

            ck_assert_int_eq(rl_names_add(&names, text, (size_t)size), 0);
        }
    }
    ck_assert_uint_eq(names.count, 500);
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof(text), "name %d", i * 7919 % 500);
        ck_assert_str_eq(names.texts[i], text);
    }
    rl_names_fini(&names);
}
END_TEST

START_TEST(a_beginning_is_a_text_of_its_own)
{
    struct rl_names names;

    rl_names_init(&names);
    ck_assert_int_eq(rl_names_add(&names, "::a::b", 6), 0);
    ck_assert_int_eq(rl_names_add(&names, "::a::b", 3), 0);
    ck_assert_int_eq(rl_names_add(&names, "", 0), 0);
    ck_assert_uint_eq(names.count, 3);
    ck_assert_str_eq(names.texts[1], "::a");
    ck_assert_str_eq(names.texts[2], "");
    rl_names_fini(&names);
}
END_TEST

static Suite *names_suite(void)
{
    Suite *suite = suite_create("names");

    rl_case(suite, each_text_once_in_the_order_of_arrival, NULL, NULL);
    rl_case(suite, a_beginning_is_a_text_of_its_own, NULL, NULL);
    return suite;
}

RL_TEST_MAIN(names_suite)
