/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/edit_distance.h"

#include <string.h>

#include "cases.h"

static const struct {
    const char *a, *b;
    unsigned distance;
} table[] = {
    {"", "", 0},
    {"", "abc", 3},
    {"vus", "vus", 0},
    {"vus", "VUS", 0},
    {"vsu", "vus", 1},
    {"vu", "vus", 1},
    {"vuss", "vus", 1},
    {"bus", "vus", 1},
    {"kitten", "sitting", 3},
    {"duraiton", "duration", 1},
    {"abcdef", "fedcba", 5},
};

START_TEST(counts_mistakes)
{
    ck_assert_uint_eq(rl_edit_distance(table[_i].a, table[_i].b), table[_i].distance);
    ck_assert_uint_eq(rl_edit_distance(table[_i].b, table[_i].a), table[_i].distance);
}
END_TEST

START_TEST(long_words_are_cut)
{
    char a[300], b[300];

    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    a[299] = b[299] = '\0';
    ck_assert_uint_eq(rl_edit_distance(a, b), 63);
    ck_assert_uint_eq(rl_edit_distance(a, ""), 63);
}
END_TEST

START_TEST(near_depends_on_length)
{
    ck_assert(rl_is_near("vsu", "vus"));
    ck_assert(!rl_is_near("usv", "vus"));
    ck_assert(rl_is_near("interations", "iterations"));
    ck_assert(!rl_is_near("tags", "vus"));
    ck_assert(!rl_is_near("", "vus"));
}
END_TEST

static Suite *edit_distance_suite(void)
{
    Suite *suite = suite_create("base/edit_distance");

    rl_case_loop(suite, counts_mistakes, NULL, NULL, 0, sizeof(table) / sizeof(table[0]));
    rl_case(suite, long_words_are_cut, NULL, NULL);
    rl_case(suite, near_depends_on_length, NULL, NULL);
    return suite;
}

RL_TEST_MAIN(edit_distance_suite)
