/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/host_rules.h"

#include <errno.h>
#include <string.h>

#include "test.h"

static struct rl_host_rules rules;

static void fresh(void)
{
    memset(&rules, 0, sizeof(rules));
}

static void gone(void)
{
    rl_host_rules_fini(&rules);
}

static void add_host(const char *pattern, const char *target)
{
    struct rl_host_entry entry = {.pattern = pattern, .target = target};
    char why[256] = "";

    ck_assert_msg(rl_host_rules_add_host(&rules, &entry, why, sizeof(why)) == 0, "%s", why);
}

/* The address that host:port is mapped to, "" if none. */
static const char *mapped(const char *host, uint16_t port)
{
    static char text[RL_ADDR_TEXT];
    struct rl_addr addr;

    text[0] = '\0';
    if (rl_host_rules_mapped(&rules, host, port, &addr))
        rl_addr_format(&addr, text);
    return text;
}

/* T-050, T-051, T-052. */
START_TEST(hosts_are_mapped)
{
    add_host("a.test", "10.0.0.1");
    add_host("a.test:81", "10.0.0.2");
    add_host("b.test", "10.0.0.3:9000");
    add_host("*.wild.test", "::1");
    add_host("*.wild.test:99", "[::2]:100");
    add_host("127.0.0.9", "127.0.0.1");
    add_host("zero.test", "10.0.0.4:0");
    rl_host_rules_close(&rules);

    ck_assert_str_eq(mapped("a.test", 80), "10.0.0.1:80");
    ck_assert_str_eq(mapped("A.TEST", 81), "10.0.0.2:81");
    ck_assert_str_eq(mapped("b.test", 80), "10.0.0.3:9000");
    ck_assert_str_eq(mapped("x.wild.test", 80), "[::1]:80");
    ck_assert_str_eq(mapped("x.wild.test", 99), "[::2]:100");
    ck_assert_str_eq(mapped("wild.test", 80), "");
    ck_assert_str_eq(mapped("127.0.0.9", 5), "127.0.0.1:5");
    ck_assert_str_eq(mapped("zero.test", 5), "10.0.0.4:5");
    ck_assert_str_eq(mapped("other.test", 5), "");
}
END_TEST

START_TEST(no_rules_fit_nothing)
{
    struct rl_addr addr;

    rl_host_rules_close(&rules);
    ck_assert_str_eq(mapped("a.test", 80), "");
    ck_assert(!rl_host_rules_is_blocked(&rules, "a.test"));
    rl_addr_parse_ip("1.2.3.4", &addr);
    ck_assert_ptr_null(rl_host_rules_blacklisted(&rules, &addr));
}
END_TEST

/* T-054. */
START_TEST(names_are_blocked)
{
    char why[256];

    ck_assert_int_eq(rl_host_rules_add_blocked(&rules, "bad.test", why, sizeof(why)), 0);
    ck_assert_int_eq(rl_host_rules_add_blocked(&rules, "*.Evil.test", why, sizeof(why)), 0);
    rl_host_rules_close(&rules);
    ck_assert(rl_host_rules_is_blocked(&rules, "BAD.test"));
    ck_assert(rl_host_rules_is_blocked(&rules, "a.b.evil.TEST"));
    ck_assert(!rl_host_rules_is_blocked(&rules, "evil.test"));
    ck_assert(!rl_host_rules_is_blocked(&rules, "good.test"));
}
END_TEST

/* T-055. */
START_TEST(ranges_are_blacklisted)
{
    struct rl_addr addr;
    char why[256];

    ck_assert_int_eq(rl_host_rules_add_blacklisted(&rules, "10.0.0.0/8", why, sizeof(why)), 0);
    ck_assert_int_eq(rl_host_rules_add_blacklisted(&rules, "fd00::/8", why, sizeof(why)), 0);
    rl_addr_parse_ip("10.9.8.7", &addr);
    ck_assert_str_eq(rl_host_rules_blacklisted(&rules, &addr)->text, "10.0.0.0/8");
    rl_addr_parse_ip("fd12::1", &addr);
    ck_assert_str_eq(rl_host_rules_blacklisted(&rules, &addr)->text, "fd00::/8");
    rl_addr_parse_ip("11.0.0.1", &addr);
    ck_assert_ptr_null(rl_host_rules_blacklisted(&rules, &addr));
}
END_TEST

/* T-051, T-062: the message names the entry and says how to mend it. */
START_TEST(malformed_entries)
{
    static const struct {
        struct rl_host_entry entry;
        const char *named;
    } hosts[] = {
        {{"a b", "1.2.3.4"}, "hosts: \"a b\" is not a host name: write"},
        {{"a.test:99999", "1.2.3.4"}, "hosts: \"a.test:99999\" is not a host name: write"},
        {{"a.test", "other.test"},
         "hosts: \"a.test\" is mapped to \"other.test\", which is not an"},
        {{"a.test", ""}, "hosts: \"a.test\" is mapped to \"\", which is not an IP address: write"},
        {{"a.test", "1.2.3.4:x"}, "\"1.2.3.4:x\", which is not an IP address: write"},
    };
    char why[256];

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        ck_assert_int_eq(rl_host_rules_add_host(&rules, &hosts[i].entry, why, sizeof(why)),
                         -EINVAL);
        ck_assert_msg(strstr(why, hosts[i].named) != NULL, "%s", why);
    }
    ck_assert_int_eq(rl_host_rules_add_blocked(&rules, "a.test:80", why, sizeof(why)), -EINVAL);
    ck_assert_msg(strstr(why, "blockHostnames: \"a.test:80\" is not") != NULL, "%s", why);
    ck_assert_int_eq(rl_host_rules_add_blacklisted(&rules, "10.0.0.0/40", why, sizeof(why)),
                     -EINVAL);
    ck_assert_msg(strstr(why, "blacklistIPs: \"10.0.0.0/40\" is not") != NULL, "%s", why);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("net/host_rules");
    TCase *c = tcase_create("rules");

    tcase_add_checked_fixture(c, fresh, gone);
    tcase_add_test(c, hosts_are_mapped);
    tcase_add_test(c, no_rules_fit_nothing);
    tcase_add_test(c, names_are_blocked);
    tcase_add_test(c, ranges_are_blacklisted);
    tcase_add_test(c, malformed_entries);
    suite_add_tcase(s, c);
    return s;
}

RL_TEST_MAIN(suite)
