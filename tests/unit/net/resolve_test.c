/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/resolve.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "ring/probe.h"
#include "test.h"

/* A loop, and names that only this test knows. */
static struct rl_ring *ring;
static struct rl_loop loop;
static struct rl_resolver *resolver;
static atomic_uint asked;
static sem_t gate;

static struct {
    int status;
    char text[RL_ADDR_TEXT];
    unsigned count;
} result;

static size_t look_up(void *ctx, const char *host, int family, struct rl_addr *addrs, size_t max,
                      const char **why)
{
    (void)ctx;
    (void)family;
    ck_assert_uint_ge(max, 1);
    atomic_fetch_add(&asked, 1);
    if (strcmp(host, "slow.test") == 0)
        sem_wait(&gate);
    if (strcmp(host, "broken.test") == 0)
        *why = "temporary failure";
    if (strncmp(host, "no", 2) == 0 || strcmp(host, "broken.test") == 0)
        return 0;
    ck_assert_int_eq(
        rl_addr_parse_ip(strcmp(host, "bad.test") == 0 ? "10.6.6.6" : "10.1.1.1", &addrs[0]), 0);
    return 1;
}

static void begin(void)
{
    static const struct rl_host_entry hosts[] = {
        {"a.test", "127.0.0.5"},   {"a.test:81", "127.0.0.6:9000"}, {"*.w.test", "::1"},
        {"10.0.0.9", "127.0.0.7"}, {"blocked.test", "127.0.0.1"},   {"listed.test", "10.6.0.1"},
    };
    static const char *const blocked[] = {"blocked.test", "*.evil.test", "*.0.0.1"};
    static const char *const blacklist[] = {"10.6.0.0/16", "fd00::/8"};
    const struct rl_resolve_config config = {
        .hosts = hosts,
        .host_count = sizeof(hosts) / sizeof(hosts[0]),
        .block_hostnames = blocked,
        .block_count = sizeof(blocked) / sizeof(blocked[0]),
        .blacklist_ips = blacklist,
        .blacklist_count = sizeof(blacklist) / sizeof(blacklist[0]),
        .dns = {.ttl_ns = INT64_MAX, .select = RL_DNS_FIRST, .lookup = look_up},
    };
    struct rl_ring_config ring_config = {.features = rl_probe(), .slot_count = 4};
    const char *advice;
    char why[256] = "";

    ck_assert_int_eq(rl_ring_new(&ring, &ring_config, &advice), 0);
    ck_assert_int_eq(rl_loop_init(&loop, ring), 0);
    resolver = rl_resolver_new(&config, why, sizeof(why));
    ck_assert_msg(resolver != NULL, "%s", why);
    sem_init(&gate, 0, 0);
    asked = 0;
    memset(&result, 0, sizeof(result));
}

static void end(void)
{
    rl_resolver_free(resolver);
    rl_loop_fini(&loop);
    rl_ring_free(ring);
}

static void done(void *ctx, int status, const struct rl_addr *addr)
{
    ck_assert_ptr_eq(ctx, &result);
    result.status = status;
    result.count++;
    if (status == 0)
        rl_addr_format(addr, result.text);
}

static int begin_resolve(const char *host, uint16_t port, struct rl_query **query)
{
    struct rl_addr addr;
    int status = rl_resolve(resolver, &loop, host, port, &addr, query, done, &result);

    result.text[0] = '\0';
    if (status == 0)
        rl_addr_format(&addr, result.text);
    return status;
}

/* What host:port is dialled as, or the code of the failure. */
static const char *get(const char *host, uint16_t port)
{
    unsigned before = result.count;
    struct rl_query *query;
    int status = begin_resolve(host, port, &query);

    if (status == -EINPROGRESS) {
        while (result.count == before)
            ck_assert_int_eq(rl_loop_turn(&loop), 0);
        status = result.status;
    }
    return status < 0 ? rl_status_code(status) : result.text;
}

static const char *message(const char *host, uint16_t port, int status)
{
    static char text[256];

    rl_resolve_message(resolver, status, host, port, text, sizeof(text));
    return text;
}

/* T-050: who comes first. */
START_TEST(order)
{
    ck_assert_str_eq(get("blocked.test", 80), "EBLOCKED"); /* blocked beats hosts */
    ck_assert_str_eq(get("x.Evil.test", 80), "EBLOCKED");
    ck_assert_str_eq(get("a.test", 80), "127.0.0.5:80");   /* hosts beats DNS */
    ck_assert_str_eq(get("a.test", 81), "127.0.0.6:9000"); /* host:port beats host; T-052 */
    ck_assert_str_eq(get("x.w.test", 80), "[::1]:80");
    ck_assert_str_eq(get("10.0.0.9", 80), "127.0.0.7:80"); /* literals are mapped, too */
    ck_assert_str_eq(get("10.0.0.1", 80), "10.0.0.1:80");  /* T-054: and never blocked */
    ck_assert_str_eq(get("::1", 80), "[::1]:80");
    ck_assert_uint_eq(asked, 0);
    ck_assert_str_eq(get("real.test", 80), "10.1.1.1:80");
    ck_assert_uint_eq(asked, 1);
}
END_TEST

/* T-055: whatever the source of the address. */
START_TEST(blacklisted)
{
    ck_assert_str_eq(get("10.6.0.9", 80), "EBLOCKED");
    ck_assert_str_eq(message("10.6.0.9", 80, RL_EBLOCKED),
                     "IP (10.6.0.9) is in a blacklisted range (10.6.0.0/16)");
    ck_assert_str_eq(get("::ffff:10.6.0.9", 80), "EBLOCKED");
    ck_assert_str_eq(get("fd00::1", 80), "EBLOCKED");
    ck_assert_str_eq(get("listed.test", 80), "EBLOCKED");
    ck_assert_str_eq(message("listed.test", 80, RL_EBLOCKED),
                     "IP (10.6.0.1) is in a blacklisted range (10.6.0.0/16)");
    for (int i = 0; i < 2; i++) { /* from DNS, then from the cache */
        ck_assert_str_eq(get("bad.test", 80), "EBLOCKED");
        ck_assert_str_eq(message("bad.test", 80, RL_EBLOCKED),
                         "IP (10.6.6.6) is in a blacklisted range (10.6.0.0/16)");
    }
    ck_assert_uint_eq(asked, 1);
}
END_TEST

START_TEST(blocked_message)
{
    ck_assert_str_eq(message("x.evil.test", 80, RL_EBLOCKED),
                     "hostname (x.evil.test) is in a blocked pattern");
}
END_TEST

/* T-058, T-034, T-041. */
START_TEST(no_such_host)
{
    char text[RL_HOST_TEXT + 2];

    ck_assert_str_eq(get("nohost.test", 80), "ENOTFOUND");
    ck_assert_str_eq(message("nohost.test", 80, RL_ENOTFOUND), "lookup nohost.test: no such host");
    ck_assert_str_eq(get("broken.test", 80), "ENOTFOUND");
    ck_assert_str_eq(message("broken.test", 80, RL_ENOTFOUND),
                     "lookup broken.test: no such host (temporary failure)");
    ck_assert_str_eq(get("", 80), "ENOTFOUND");
    ck_assert_str_eq(message("", 80, RL_ENOTFOUND), "lookup : no such host");
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    ck_assert_str_eq(get(text, 80), "ENOTFOUND");
    ck_assert_uint_eq(asked, 2);
}
END_TEST

START_TEST(cached_answers_need_no_waiting)
{
    struct rl_query *query;

    ck_assert_str_eq(get("real.test", 80), "10.1.1.1:80");
    ck_assert_int_eq(begin_resolve("Real.Test", 81, &query), 0);
    ck_assert_str_eq(result.text, "10.1.1.1:81");
}
END_TEST

START_TEST(duplicates_wait_together)
{
    struct rl_query *query;

    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(begin_resolve("slow.test", 80, &query), -EINPROGRESS);
    sem_post(&gate);
    while (result.count < 1000)
        ck_assert_int_eq(rl_loop_turn(&loop), 0);
    ck_assert_uint_eq(asked, 1);
    ck_assert_str_eq(result.text, "10.1.1.1:80");
}
END_TEST

START_TEST(cancelled_while_waiting)
{
    struct rl_query *left, *stays;

    ck_assert_int_eq(begin_resolve("slow.test", 80, &left), -EINPROGRESS);
    ck_assert_int_eq(begin_resolve("slow.test", 80, &stays), -EINPROGRESS);
    rl_query_cancel(left);
    sem_post(&gate);
    while (result.count < 1)
        ck_assert_int_eq(rl_loop_turn(&loop), 0);
    ck_assert_int_eq(result.status, 0);
}
END_TEST

START_TEST(cancelled_when_the_answer_is_in_the_mailbox)
{
    struct rl_query *query;
    uint64_t end_ns = rl_clock_ns() + RL_NS_PER_S;

    ck_assert_int_eq(begin_resolve("real.test", 80, &query), -EINPROGRESS);
    while (rl_mpsc_empty(&loop.mailbox) && rl_clock_ns() < end_ns)
        ;
    rl_query_cancel(query);
    ck_assert_int_eq(rl_loop_turn(&loop), 0);
    ck_assert_uint_eq(result.count, 0);
}
END_TEST

static void cancel_own_query(void *ctx, int status, const struct rl_addr *addr)
{
    struct rl_query **query = ctx;

    (void)status;
    (void)addr;
    rl_query_cancel(*query);
    *query = NULL;
}

/* Whoever clears up in done may cancel what is being delivered. */
START_TEST(cancelled_from_its_own_answer)
{
    struct rl_query *query;
    struct rl_addr addr;

    ck_assert_int_eq(
        rl_resolve(resolver, &loop, "real.test", 1, &addr, &query, cancel_own_query, &query),
        -EINPROGRESS);
    while (query != NULL)
        ck_assert_int_eq(rl_loop_turn(&loop), 0);
}
END_TEST

/* A mistake in the options stops the run, with a message. */
START_TEST(malformed_options)
{
    const struct rl_host_entry host = {"a.test", "b.test"};
    const char *const blocked = "a b", *const cidr = "10.0.0.0/99";
    const struct rl_resolve_config configs[] = {
        {.hosts = &host, .host_count = 1},
        {.block_hostnames = &blocked, .block_count = 1},
        {.blacklist_ips = &cidr, .blacklist_count = 1},
    };
    static const char *const named[] = {"hosts: \"a.test\"", "blockHostnames: \"a b\"",
                                        "blacklistIPs: \"10.0.0.0/99\""};

    for (int i = 0; i < 3; i++) {
        char why[256] = "";

        ck_assert_ptr_null(rl_resolver_new(&configs[i], why, sizeof(why)));
        ck_assert_msg(strstr(why, named[i]) == why, "%s", why);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("net/resolve");
    TCase *c = tcase_create("rules");

    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, order);
    tcase_add_test(c, blacklisted);
    tcase_add_test(c, blocked_message);
    tcase_add_test(c, no_such_host);
    tcase_add_test(c, malformed_options);
    suite_add_tcase(s, c);
    c = tcase_create("queries");
    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, cached_answers_need_no_waiting);
    tcase_add_test(c, duplicates_wait_together);
    tcase_add_test(c, cancelled_while_waiting);
    tcase_add_test(c, cancelled_when_the_answer_is_in_the_mailbox);
    tcase_add_test(c, cancelled_from_its_own_answer);
    suite_add_tcase(s, c);
    return s;
}

RL_TEST_MAIN(suite)
