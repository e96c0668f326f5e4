/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/local_ips.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

static struct rl_local_ips *pool_of(const char *text)
{
    char why[256] = "";
    struct rl_local_ips *pool = rl_local_ips_new(text, why, sizeof(why));

    ck_assert_msg(pool != NULL, "%s", why);
    return pool;
}

/* The addresses of the first count VUs, with blanks between them. */
static const char *first_of(const char *text, unsigned count)
{
    static char out[1024];
    struct rl_local_ips *pool = pool_of(text);
    size_t used = 0;

    for (unsigned i = 1; i <= count; i++) {
        struct rl_addr addr = rl_local_ips_at(pool, i);
        char ip[RL_ADDR_TEXT];

        rl_addr_format_ip(&addr, ip);
        used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%s", i == 1 ? "" : " ", ip);
    }
    rl_local_ips_free(pool);
    return out;
}

/* T-059. */
START_TEST(vus_go_round_the_pool)
{
    static const struct {
        const char *text;
        unsigned count;
        const char *expected;
    } rows[] = {
        {"10.0.0.1", 3, "10.0.0.1 10.0.0.1 10.0.0.1"},
        {"10.0.0.1,10.0.0.9", 3, "10.0.0.1 10.0.0.9 10.0.0.1"},
        {" 10.0.0.1 , 10.0.0.9 ", 2, "10.0.0.1 10.0.0.9"},
        {"10.0.0.254-10.0.1.1", 5, "10.0.0.254 10.0.0.255 10.0.1.0 10.0.1.1 10.0.0.254"},
        {"10.0.0.5-10.0.0.5", 2, "10.0.0.5 10.0.0.5"},
        {"10.0.0.0/30", 3, "10.0.0.1 10.0.0.2 10.0.0.1"}, /* first and last left out */
        {"10.0.0.7/30", 2, "10.0.0.5 10.0.0.6"},          /* bits behind the prefix dropped */
        {"10.0.0.0/31", 3, "10.0.0.0 10.0.0.1 10.0.0.0"},
        {"10.0.0.4/32", 2, "10.0.0.4 10.0.0.4"},
        {"fd00::/126", 5, "fd00:: fd00::1 fd00::2 fd00::3 fd00::"},
        {"fd00:0:0:ff::/60", 2, "fd00:0:0:f0:: fd00:0:0:f0::1"},
        {"fd00::ffff:ffff:ffff:ffff-fd00:0:0:1::", 3,
         "fd00::ffff:ffff:ffff:ffff fd00:0:0:1:: fd00::ffff:ffff:ffff:ffff"},
        {"127.0.0.1,::1,127.0.1.0/31", 5, "127.0.0.1 ::1 127.0.1.0 127.0.1.1 127.0.0.1"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_str_eq(first_of(rows[i].text, rows[i].count), rows[i].expected);
}
END_TEST

START_TEST(setup_and_teardown_use_the_first)
{
    struct rl_local_ips *pool = pool_of("10.0.0.7,10.0.0.8");
    struct rl_addr first = rl_local_ips_at(pool, 1), none = rl_local_ips_at(pool, 0);

    ck_assert(rl_addr_same_ip(&first, &none));
    rl_local_ips_free(pool);
}
END_TEST

START_TEST(large_pools_cost_nothing)
{
    static const struct {
        const char *text;
        uint64_t count;
    } rows[] = {
        {"10.0.0.0/8", (UINT64_C(1) << 24) - 2},
        {"0.0.0.0/0", (UINT64_C(1) << 32) - 2},
        {"0.0.0.0-255.255.255.255", UINT64_C(1) << 32},
        {"fd00::/64", UINT64_MAX},
        {"fd00::/8,10.0.0.1", UINT64_MAX},
        {"::/0,::/0", UINT64_MAX},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rl_local_ips *pool = pool_of(rows[i].text);

        ck_assert_uint_eq(rl_local_ips_count(pool), rows[i].count);
        rl_local_ips_at(pool, UINT64_MAX);
        rl_local_ips_free(pool);
    }
}
END_TEST

START_TEST(malformed_parts_are_named)
{
    static const struct {
        const char *text, *named;
    } rows[] = {
        {"", "\"\" is not"},
        {"10.0.0.1,", "\"\" is not"},
        {"10.0.0.1,x", "\"x\" is not"},
        {"10.0.0.9-10.0.0.1", "\"10.0.0.9-10.0.0.1\" is not"},
        {"10.0.0.1-::1", "\"10.0.0.1-::1\" is not"},
        {"10.0.0.1-", "\"10.0.0.1-\" is not"},
        {"10.0.0.0/33", "\"10.0.0.0/33\" is not"},
        {"10.0.0.0/24-10.0.0.9", "\"10.0.0.0/24-10.0.0.9\" is not"},
        {"10.0.0.1:80", "\"10.0.0.1:80\" is not"},
    };
    char why[256];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        why[0] = '\0';
        ck_assert_ptr_null(rl_local_ips_new(rows[i].text, why, sizeof(why)));
        ck_assert_msg(strstr(why, rows[i].named) != NULL, "%s", why);
    }
}
END_TEST

START_TEST(auto_is_no_list)
{
    struct rl_local_ips *pool = pool_of("auto"), *list = pool_of("10.0.0.1");
    char why[256];

    ck_assert(rl_local_ips_is_auto(pool));
    ck_assert_uint_eq(rl_local_ips_count(pool), (1 << 24) - 2);
    ck_assert(!rl_local_ips_is_auto(list));
    ck_assert_ptr_null(rl_local_ips_new("auto,10.0.0.1", why, sizeof(why)));
    rl_local_ips_free(pool);
    rl_local_ips_free(list);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("net/local_ips");
    TCase *c = tcase_create("pool");

    tcase_add_test(c, vus_go_round_the_pool);
    tcase_add_test(c, setup_and_teardown_use_the_first);
    tcase_add_test(c, large_pools_cost_nothing);
    tcase_add_test(c, malformed_parts_are_named);
    tcase_add_test(c, auto_is_no_list);
    suite_add_tcase(s, c);
    return s;
}

RL_TEST_MAIN(suite)
