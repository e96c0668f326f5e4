/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/sockopt.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cases.h"

static struct rl_sockopts opts;
static char why[256];

static void setup(void)
{
    rl_sockopts_init(&opts);
}

static void set(const char *name, const char *value)
{
    ck_assert_msg(rl_sockopts_set(&opts, name, value, why, sizeof(why)) == 0, "%s", why);
}

static const struct rl_ring_option *find(int level, int name, int family)
{
    const struct rl_ring_option *found = NULL;

    for (unsigned i = 0; i < opts.count; i++) {
        const struct rl_ring_option *item = &opts.items[i];

        if (item->level == level && item->name == name && item->family == family) {
            ck_assert_ptr_null(found); /* each once */
            found = item;
        }
    }
    return found;
}

static int number(int level, int name, int family)
{
    const struct rl_ring_option *item = find(level, name, family);

    ck_assert_ptr_nonnull(item);
    ck_assert_uint_eq(item->bytes, sizeof(int));
    return *(const int *)item->value;
}

/* T-046, and TCP_NODELAY. */
START_TEST(t046_the_defaults)
{
    ck_assert_uint_eq(opts.count, 5);
    ck_assert_int_eq(number(IPPROTO_TCP, TCP_NODELAY, 0), 1);
    ck_assert_int_eq(number(SOL_SOCKET, SO_KEEPALIVE, 0), 1);
    ck_assert_int_eq(number(IPPROTO_TCP, TCP_KEEPIDLE, 0), 30);
    ck_assert_int_eq(number(IPPROTO_TCP, TCP_KEEPINTVL, 0), 15);
    ck_assert_int_eq(number(IPPROTO_TCP, TCP_KEEPCNT, 0), 9);
}
END_TEST

START_TEST(every_option_by_name)
{
    set("nodelay", "false");
    set("sndbuf", "64KiB");
    set("rcvbuf", "4096");
    set("congestion", "reno");
    set("mss", "536");
    set("tos", "16");
    set("ttl", "8");
    set("user-timeout", "1.5s");
    set("quickack", "false");
    set("busy-poll", "0");
    ck_assert_int_eq(number(IPPROTO_TCP, TCP_NODELAY, 0), 0);
    ck_assert_int_eq(number(SOL_SOCKET, SO_SNDBUF, 0), 65536);
    ck_assert_int_eq(number(SOL_SOCKET, SO_RCVBUF, 0), 4096);
    ck_assert_int_eq(number(IPPROTO_TCP, TCP_MAXSEG, 0), 536);
    ck_assert_int_eq(number(IPPROTO_IP, IP_TOS, AF_INET), 16);
    ck_assert_int_eq(number(IPPROTO_IPV6, IPV6_TCLASS, AF_INET6), 16);
    ck_assert_int_eq(number(IPPROTO_IP, IP_TTL, AF_INET), 8);
    ck_assert_int_eq(number(IPPROTO_IPV6, IPV6_UNICAST_HOPS, AF_INET6), 8);
    ck_assert_int_eq(number(IPPROTO_TCP, TCP_USER_TIMEOUT, 0), 1500);
    ck_assert_int_eq(number(IPPROTO_TCP, TCP_QUICKACK, 0), 0);
    ck_assert_int_eq(number(SOL_SOCKET, SO_BUSY_POLL, 0), 0);
    ck_assert_ptr_nonnull(find(IPPROTO_TCP, TCP_CONGESTION, 0));
    ck_assert_msg(rl_sockopts_try(&opts, why, sizeof(why)) == 0, "%s", why);
}
END_TEST

START_TEST(the_last_value_counts_and_names_have_several_spellings)
{
    set("userTimeout", "5s");
    set("user_timeout", "250");
    ck_assert_int_eq(number(IPPROTO_TCP, TCP_USER_TIMEOUT, 0), 250);
    set("tos", "4");
    set("dscp", "46"); /* the same byte */
    ck_assert_int_eq(number(IPPROTO_IP, IP_TOS, AF_INET), 184);
    set("busyPoll", "0");
    set("congestion", "reno");
    set("congestion", "cubic");
    ck_assert_uint_eq(find(IPPROTO_TCP, TCP_CONGESTION, 0)->bytes, 5);
}
END_TEST

/* Numbers that were set before keep their values when the list closes up. */
START_TEST(without_keepalive)
{
    set("mss", "600");
    set("keepalive", "false");
    set("ttl", "9");
    ck_assert_ptr_null(find(SOL_SOCKET, SO_KEEPALIVE, 0));
    ck_assert_ptr_null(find(IPPROTO_TCP, TCP_KEEPIDLE, 0));
    ck_assert_ptr_null(find(IPPROTO_TCP, TCP_KEEPINTVL, 0));
    ck_assert_ptr_null(find(IPPROTO_TCP, TCP_KEEPCNT, 0));
    ck_assert_int_eq(number(IPPROTO_TCP, TCP_NODELAY, 0), 1);
    ck_assert_int_eq(number(IPPROTO_TCP, TCP_MAXSEG, 0), 600);
    ck_assert_int_eq(number(IPPROTO_IP, IP_TTL, AF_INET), 9);
    ck_assert_uint_eq(opts.count, 4);
    setup();
    set("keepalive", "true");
    ck_assert_uint_eq(opts.count, 5);
}
END_TEST

static const struct {
    const char *name, *value, *said;
} wrong[] = {
    {"nodelay", "maybe", "sockopt: nodelay must be true or false, not \"maybe\""},
    {"keepalive", "9", "sockopt: keepalive must be true or false, not \"9\""},
    {"mss", "87", "sockopt: mss must be a whole number from 88 to 32767, not \"87\""},
    {"mss", "", "sockopt: mss must be a whole number from 88 to 32767, not \"\""},
    {"tos", "256", "sockopt: tos must be a whole number from 0 to 255, not \"256\""},
    {"dscp", "64", "sockopt: dscp must be a whole number from 0 to 63, not \"64\""},
    {"ttl", "0", "sockopt: ttl must be a whole number from 1 to 255, not \"0\""},
    {"sndbuf", "1", "sockopt: sndbuf must be a size of at least 1KiB"},
    {"rcvbuf", "2GiB", "sockopt: rcvbuf must be a size of at least 1KiB"},
    {"user-timeout", "-1s", "sockopt: user-timeout must be a duration such as \"5s\", not \"-1s\""},
    {"congestion", "", "sockopt: congestion must be the name of an algorithm"},
    {"congestion", "a-name-that-is-too-long", "sockopt: congestion must be the name of an algorithm"},
    {"linger", "1", "sockopt: there is no \"linger\"; there are nodelay, keepalive,"},
};

START_TEST(what_is_wrong_is_told)
{
    ck_assert_int_eq(rl_sockopts_set(&opts, wrong[_i].name, wrong[_i].value, why, sizeof(why)), -EINVAL);
    ck_assert_msg(strncmp(why, wrong[_i].said, strlen(wrong[_i].said)) == 0, "%s", why);
    ck_assert_uint_eq(opts.count, 5);
}
END_TEST

START_TEST(what_this_kernel_refuses_is_told)
{
    set("congestion", "no-such-thing");
    ck_assert_int_eq(rl_sockopts_try(&opts, why, sizeof(why)), -ENOENT);
    ck_assert_ptr_nonnull(strstr(why, "congestion \"no-such-thing\" is not available; there are: "));
    ck_assert_ptr_nonnull(strstr(why, "reno"));
    setup();
    set("sndbuf", "1000MiB"); /* above any net.core.wmem_max */
    ck_assert_int_eq(rl_sockopts_try(&opts, why, sizeof(why)), -EPERM);
    ck_assert_ptr_nonnull(strstr(why, "sysctl -w net.core.wmem_max=1048576000"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("net/sockopt");

    rl_case(s, t046_the_defaults, setup, NULL);
    rl_case(s, every_option_by_name, setup, NULL);
    rl_case(s, the_last_value_counts_and_names_have_several_spellings, setup, NULL);
    rl_case(s, without_keepalive, setup, NULL);
    rl_case_loop(s, what_is_wrong_is_told, setup, NULL, 0, sizeof(wrong) / sizeof(wrong[0]));
    rl_case(s, what_this_kernel_refuses_is_told, setup, NULL);
    return s;
}

RL_TEST_MAIN(suite)
