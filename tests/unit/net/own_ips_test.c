/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/own_ips.h"

#include "test.h"

static struct rl_addr ip(const char *text)
{
    struct rl_addr addr;

    ck_assert_int_eq(rl_addr_parse_ip(text, &addr), 0);
    return addr;
}

/* Two interfaces, as getifaddrs may list them. */
static struct rl_own_ips *rig(void)
{
    struct rl_own_ip items[] = {
        {2, ip("10.0.0.9")},  {1, ip("127.0.0.1")},  {2, ip("fe80::1")},     {3, ip("192.168.1.1")},
        {2, ip("10.0.0.10")}, {2, ip("2001:db8::2")}, {2, ip("2001:db8::1")}, {2, ip("10.0.0.8")},
        {1, ip("::1")},
    };

    return rl_own_ips_of(items, sizeof(items) / sizeof(items[0]));
}

static void expect(const char *peer, const char *route, const char *const expected[])
{
    struct rl_own_ips *ips = rig();
    struct rl_addr to = ip(peer), way = {0};
    struct rl_own_range range;
    uint32_t count = 0;

    if (route != NULL)
        way = ip(route);
    range = rl_own_ips_to(ips, &to, &way);
    for (; expected[count] != NULL; count++) {
        struct rl_addr addr;
        char text[RL_ADDR_TEXT];

        ck_assert_uint_lt(count, range.count);
        addr = rl_own_ips_at(ips, &range, count);
        rl_addr_format_ip(&addr, text);
        ck_assert_str_eq(text, expected[count]);
    }
    ck_assert_uint_eq(range.count, count);
    rl_own_ips_free(ips);
}

START_TEST(all_of_the_interface_the_kernels_choice_first)
{
    expect("10.0.0.1", "10.0.0.9", (const char *[]){"10.0.0.9", "10.0.0.10", "10.0.0.8", NULL});
    expect("8.8.8.8", "192.168.1.1", (const char *[]){"192.168.1.1", NULL});
    expect("2001:db8::7", "2001:db8::2", (const char *[]){"2001:db8::2", "2001:db8::1", NULL});
    expect("fe80::7", "fe80::1", (const char *[]){"fe80::1", NULL});
    expect("::1", "::1", (const char *[]){"::1", NULL});
}
END_TEST

START_TEST(no_route_leaves_it_to_the_kernel)
{
    expect("10.0.0.1", NULL, (const char *[]){NULL});
    expect("10.0.0.1", "10.9.9.9", (const char *[]){NULL});
}
END_TEST

START_TEST(loopback_has_sixteen_million)
{
    struct rl_own_ips *ips = rig();
    struct rl_addr peer = ip("127.3.4.5"), none = {0}, addr;
    struct rl_own_range range = rl_own_ips_to(ips, &peer, &none);
    char text[RL_ADDR_TEXT];
    static const struct {
        uint32_t index;
        const char *text;
    } rows[] = {{0, "127.0.0.1"},
                {1, "127.0.0.2"},
                {254, "127.0.0.255"},
                {255, "127.0.1.0"},
                {65535, "127.1.0.0"},
                {(1 << 24) - 3, "127.255.255.254"}};

    ck_assert_uint_eq(range.count, (1 << 24) - 2);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        addr = rl_own_ips_at(ips, &range, rows[i].index);
        rl_addr_format_ip(&addr, text);
        ck_assert_str_eq(text, rows[i].text);
        ck_assert_uint_eq(addr.port, 0);
    }
    rl_own_ips_free(ips);
}
END_TEST

START_TEST(this_machines_own_are_read)
{
    struct rl_own_ips *ips = rl_own_ips_new();
    struct rl_addr peer = ip("::1");
    struct rl_own_range range;

    ck_assert_ptr_nonnull(ips);
    range = rl_own_ips_to(ips, &peer, &peer);
    if (range.count > 0) { /* a machine may have no IPv6 */
        struct rl_addr addr = rl_own_ips_at(ips, &range, 0);

        ck_assert(rl_addr_same_ip(&addr, &peer));
    }
    rl_own_ips_free(ips);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("net/own_ips");
    TCase *c = tcase_create("ranges");

    tcase_add_test(c, all_of_the_interface_the_kernels_choice_first);
    tcase_add_test(c, no_route_leaves_it_to_the_kernel);
    tcase_add_test(c, loopback_has_sixteen_million);
    tcase_add_test(c, this_machines_own_are_read);
    suite_add_tcase(s, c);
    return s;
}

RL_TEST_MAIN(suite)
