/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/shortage.h"

#include "test.h"

static struct rl_addr endpoint(const char *text)
{
    struct rl_addr addr;

    ck_assert_int_eq(rl_addr_parse_endpoint(text, &addr), 0);
    return addr;
}

START_TEST(workers_are_summed_by_destination)
{
    struct rl_addr a = endpoint("10.0.0.1:80"), b = endpoint("10.0.0.1:81");
    struct rl_shortages one = {0}, two = {0};

    rl_shortage_note(&one, &a, 100, 1000);
    rl_shortage_note(&one, &a, 90, 1000);
    rl_shortage_note(&two, &b, 7, 1000);
    rl_shortage_note(&two, &a, 101, 1000);
    rl_shortages_merge(&one, &two);
    ck_assert_uint_eq(one.count, 2);
    ck_assert_uint_eq(one.items[0].count, 3);
    ck_assert_uint_eq(one.items[0].open, 201); /* the most of each worker */
    ck_assert_uint_eq(one.items[1].count, 1);
    ck_assert_uint_eq(one.items[1].open, 7);
    ck_assert_uint_eq(one.items[1].ports, 1000);
    ck_assert_uint_eq(one.others, 0);
}
END_TEST

START_TEST(the_list_is_bounded_and_loses_no_count)
{
    struct rl_shortages one = {0}, two = {0};

    for (uint16_t port = 1; port <= RL_SHORTAGES_MAX + 3; port++) {
        struct rl_addr peer = endpoint("10.0.0.1:80");

        peer.port = port;
        rl_shortage_note(&one, &peer, 1, 1);
        peer.port = (uint16_t)(port + 100);
        rl_shortage_note(&two, &peer, 1, 1);
    }
    ck_assert_uint_eq(one.count, RL_SHORTAGES_MAX);
    ck_assert_uint_eq(one.others, 3);
    rl_shortages_merge(&one, &two);
    ck_assert_uint_eq(one.others, 3 + RL_SHORTAGES_MAX + 3);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("net/shortage");
    TCase *c = tcase_create("list");

    tcase_add_test(c, workers_are_summed_by_destination);
    tcase_add_test(c, the_list_is_bounded_and_loses_no_count);
    suite_add_tcase(s, c);
    return s;
}

RL_TEST_MAIN(suite)
