/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "test.h"

static struct rl_addr ip(const char *text)
{
    struct rl_addr addr;

    ck_assert_msg(rl_addr_parse_ip(text, &addr) == 0, "%s", text);
    return addr;
}

START_TEST(literals_are_parsed_and_printed)
{
    static const struct {
        const char *text, *printed;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::1", "::1"},
        {"::", "::"},
        {"2001:DB8::0:1", "2001:db8::1"},
        {"::ffff:10.1.2.3", "10.1.2.3"}, /* mapped: the same address, one form */
    };
    char text[RL_ADDR_TEXT];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rl_addr addr = ip(rows[i].text);

        rl_addr_format_ip(&addr, text);
        ck_assert_str_eq(text, rows[i].printed);
        ck_assert_int_eq(addr.port, 0);
    }
}
END_TEST

/* T-041: bare literals only. */
START_TEST(what_is_no_literal)
{
    static const char *const rows[] = {
        "",          "localhost", "[::1]",    "1.2.3",  "1.2.3.4.5", "1.2.3.256",
        "1.2.3.04x", " 1.2.3.4",  "1.2.3.4 ", "::1%lo", ":::",       "12345::",
    };
    struct rl_addr addr = {.family = 77};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(rl_addr_parse_ip(rows[i], &addr) == -EINVAL, "%s", rows[i]);
    ck_assert_int_eq(addr.family, 77);
}
END_TEST

START_TEST(endpoints_are_parsed_and_printed)
{
    static const struct {
        const char *text, *printed;
    } rows[] = {
        {"127.0.0.1:80", "127.0.0.1:80"},    {"1.2.3.4:0", "1.2.3.4:0"},
        {"1.2.3.4:65535", "1.2.3.4:65535"},  {"[::1]:443", "[::1]:443"},
        {"[::ffff:1.2.3.4]:5", "1.2.3.4:5"},
    };
    char text[RL_ADDR_TEXT];
    struct rl_addr addr;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(rl_addr_parse_endpoint(rows[i].text, &addr) == 0, "%s", rows[i].text);
        rl_addr_format(&addr, text);
        ck_assert_str_eq(text, rows[i].printed);
    }
}
END_TEST

START_TEST(what_is_no_endpoint)
{
    static const char *const rows[] = {
        "",
        "1.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3.4:+1",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[1.2.3.4]:80",
        ":80",
        "[]:80",
        "host:80",
        "1.2.3.4:8x",
        "1.2.3.4: 8",
        "[::1:80",
        "::1]:80",
        "[:80",
        "1234567890123456789012345678901234567890123456789012345678901234567890:80",
    };
    struct rl_addr addr = {.family = 77};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(rl_addr_parse_endpoint(rows[i], &addr) == -EINVAL, "%s", rows[i]);
    ck_assert_int_eq(addr.family, 77);
}
END_TEST

START_TEST(kernel_addresses_go_there_and_back)
{
    static const char *const rows[] = {"10.1.2.3:4567", "[2001:db8::9]:80"};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sockaddr_storage sa;
        struct rl_addr addr, back;
        char text[RL_ADDR_TEXT];
        socklen_t size;

        ck_assert_int_eq(rl_addr_parse_endpoint(rows[i], &addr), 0);
        size = rl_addr_to_sockaddr(&addr, &sa);
        ck_assert_uint_eq(size, i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        rl_addr_from_sockaddr((struct sockaddr *)&sa, &back);
        rl_addr_format(&back, text);
        ck_assert_str_eq(text, rows[i]);
        ck_assert(rl_addr_same_ip(&addr, &back));
    }
}
END_TEST

START_TEST(same_ip_ignores_the_port)
{
    struct rl_addr a = ip("1.2.3.4"), b = ip("1.2.3.4"), c = ip("1.2.3.5"), d = ip("::1");

    b.port = 80;
    ck_assert(rl_addr_same_ip(&a, &b));
    ck_assert(!rl_addr_same_ip(&a, &c));
    ck_assert(!rl_addr_same_ip(&a, &d));
}
END_TEST

START_TEST(cidr_contains)
{
    static const struct {
        const char *cidr, *ip;
        bool inside;
    } rows[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.1.2.3/8", "10.9.9.9", true}, /* bits behind the prefix do not matter */
        {"1.2.3.4", "1.2.3.4", true},
        {"1.2.3.4", "1.2.3.5", false},
        {"1.2.3.4/31", "1.2.3.5", true},
        {"1.2.3.4/31", "1.2.3.6", false},
        {"0.0.0.0/0", "9.9.9.9", true},
        {"0.0.0.0/0", "::9", false},
        {"::/0", "::9", true},
        {"::/0", "9.9.9.9", false},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"::1", "::1", true},
        {"::ffff:10.0.0.0/104", "10.3.3.3", true},
        {"10.0.0.0/8", "::ffff:10.3.3.3", true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rl_addr addr = ip(rows[i].ip);
        struct rl_cidr cidr;

        ck_assert_msg(rl_cidr_parse(rows[i].cidr, &cidr) == 0, "%s", rows[i].cidr);
        ck_assert_msg(rl_cidr_contains(&cidr, &addr) == rows[i].inside, "%s in %s", rows[i].ip,
                      rows[i].cidr);
    }
}
END_TEST

START_TEST(cidr_base_is_masked)
{
    static const struct {
        const char *cidr, *base;
    } rows[] = {
        {"10.255.255.255/9", "10.128.0.0"}, {"10.1.2.3/32", "10.1.2.3"},
        {"10.1.2.3/0", "0.0.0.0"},          {"ffff:ffff:ffff::1/36", "ffff:ffff:f000::"},
        {"::ffff:1.2.3.4/1", "::"},         {"::ffff:1.2.3.4/112", "1.2.0.0"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rl_cidr cidr;
        char text[RL_ADDR_TEXT];

        ck_assert_int_eq(rl_cidr_parse(rows[i].cidr, &cidr), 0);
        rl_addr_format_ip(&cidr.base, text);
        ck_assert_str_eq(text, rows[i].base);
        ck_assert(rl_cidr_contains(&cidr, &cidr.base));
    }
}
END_TEST

/* getaddrinfo may give a mapped address: it does not pass by a rule for IPv4. */
START_TEST(cidr_contains_mapped)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct rl_cidr cidr;
    struct rl_addr addr;

    ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:10.3.3.3", &in6.sin6_addr), 1);
    rl_addr_from_sockaddr((struct sockaddr *)&in6, &addr);
    ck_assert_int_eq(rl_cidr_parse("10.0.0.0/8", &cidr), 0);
    ck_assert(rl_cidr_contains(&cidr, &addr));
}
END_TEST

START_TEST(what_is_no_cidr)
{
    static const char *const rows[] = {"",           "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",
                                       "10.0.0.0/x", "::/129",      "10/8",      "name/8",
                                       "/8",         "1.2.3.4/8/8"};
    struct rl_cidr cidr;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(rl_cidr_parse(rows[i], &cidr) == -EINVAL, "%s", rows[i]);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("net/addr");
    TCase *c = tcase_create("literals");

    tcase_add_test(c, literals_are_parsed_and_printed);
    tcase_add_test(c, what_is_no_literal);
    suite_add_tcase(s, c);
    c = tcase_create("endpoints");
    tcase_add_test(c, endpoints_are_parsed_and_printed);
    tcase_add_test(c, what_is_no_endpoint);
    tcase_add_test(c, kernel_addresses_go_there_and_back);
    tcase_add_test(c, same_ip_ignores_the_port);
    suite_add_tcase(s, c);
    c = tcase_create("cidr");
    tcase_add_test(c, cidr_contains);
    tcase_add_test(c, cidr_base_is_masked);
    tcase_add_test(c, cidr_contains_mapped);
    tcase_add_test(c, what_is_no_cidr);
    suite_add_tcase(s, c);
    return s;
}

RL_TEST_MAIN(suite)
