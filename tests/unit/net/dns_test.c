/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "test.h"

/* A name server of our own: what it knows, how often it was asked, and a gate that holds it back. */
static struct {
    const char *ips; /* with blanks between */
    atomic_uint asked, running, most_running;
    bool gated;
    sem_t gate;
    atomic_int last_family;
} server;

static sem_t answers;

static size_t look_up(void *ctx, const char *host, int family, struct rl_addr *addrs, size_t max,
                      const char **why)
{
    char copy[1024], *rest = copy, *ip;
    size_t count = 0;
    unsigned running = atomic_fetch_add(&server.running, 1) + 1;

    ck_assert_ptr_eq(ctx, &server);
    atomic_fetch_add(&server.asked, 1);
    for (unsigned most = server.most_running;
         running > most && !atomic_compare_exchange_weak(&server.most_running, &most, running);)
        ;
    if (server.gated)
        sem_wait(&server.gate);
    server.last_family = family;
    atomic_fetch_sub(&server.running, 1);
    if (strncmp(host, "broken", 6) == 0)
        *why = "server on fire";
    if (strncmp(host, "broken", 6) == 0 || strncmp(host, "no", 2) == 0)
        return 0;
    snprintf(copy, sizeof(copy), "%s", server.ips);
    while ((ip = strsep(&rest, " ")) != NULL && count < max)
        ck_assert_int_eq(rl_addr_parse_ip(ip, &addrs[count++]), 0);
    return count;
}

static void answered(struct rl_dns_ask *ask)
{
    (void)ask;
    sem_post(&answers);
}

static struct rl_dns *start(int64_t ttl_ns, enum rl_dns_select select, enum rl_dns_policy policy,
                            const char *ips)
{
    struct rl_dns_config config = {.ttl_ns = ttl_ns,
                                   .select = select,
                                   .policy = policy,
                                   .lookup = look_up,
                                   .lookup_ctx = &server};
    struct rl_dns *dns = rl_dns_new(&config);

    memset(&server, 0, sizeof(server));
    server.ips = ips;
    sem_init(&server.gate, 0, 0);
    sem_init(&answers, 0, 0);
    ck_assert_ptr_nonnull(dns);
    return dns;
}

/* As rl_resolve does: the cache, or ask and wait. The address as text, or the code of the status. */
static const char *get(struct rl_dns *dns, const char *host)
{
    static char text[RL_ADDR_TEXT];
    struct rl_dns_ask ask = {.answered = answered};
    struct rl_addr addr;

    if (!rl_dns_cached(dns, host, rl_clock_ns(), &addr)) {
        ck_assert_int_eq(rl_dns_ask(dns, host, &ask), 0);
        sem_wait(&answers);
        ck_assert(!rl_dns_forget(dns, &ask));
        if (ask.status < 0)
            return rl_status_code(ask.status);
        addr = ask.addr;
    }
    rl_addr_format_ip(&addr, text);
    return text;
}

/* T-057: one look-up, then the cache, whatever the case of the name. */
START_TEST(answers_are_cached)
{
    struct rl_dns *dns = start(INT64_MAX, RL_DNS_FIRST, RL_DNS_ANY, "10.0.0.1");

    ck_assert_str_eq(get(dns, "a.test"), "10.0.0.1");
    ck_assert_str_eq(get(dns, "a.test"), "10.0.0.1");
    ck_assert_str_eq(get(dns, "A.Test"), "10.0.0.1");
    ck_assert_uint_eq(server.asked, 1);
    ck_assert_str_eq(get(dns, "b.test"), "10.0.0.1");
    ck_assert_uint_eq(server.asked, 2);
    rl_dns_free(dns);
}
END_TEST

START_TEST(ttl_zero_is_no_cache)
{
    struct rl_dns *dns = start(0, RL_DNS_FIRST, RL_DNS_ANY, "10.0.0.1");

    for (unsigned i = 1; i <= 3; i++) {
        ck_assert_str_eq(get(dns, "a.test"), "10.0.0.1");
        ck_assert_uint_eq(server.asked, i);
    }
    rl_dns_free(dns);
}
END_TEST

START_TEST(answers_expire)
{
    struct rl_dns *dns = start(60 * (int64_t)RL_NS_PER_S, RL_DNS_FIRST, RL_DNS_ANY, "10.0.0.1");
    struct rl_addr addr;

    get(dns, "a.test");
    ck_assert(rl_dns_cached(dns, "a.test", rl_clock_ns() + 59 * RL_NS_PER_S, &addr));
    ck_assert(!rl_dns_cached(dns, "a.test", rl_clock_ns() + 60 * RL_NS_PER_S, &addr));
    rl_dns_free(dns);
}
END_TEST

/* T-057, T-058. */
START_TEST(failures_are_not_cached)
{
    struct rl_dns *dns = start(INT64_MAX, RL_DNS_FIRST, RL_DNS_ANY, "10.0.0.1");

    ck_assert_str_eq(get(dns, "nohost.test"), "ENOTFOUND");
    ck_assert_ptr_null(rl_dns_why(dns, "nohost.test"));
    ck_assert_str_eq(get(dns, "nohost.test"), "ENOTFOUND");
    ck_assert_uint_eq(server.asked, 2);
    ck_assert_str_eq(get(dns, "broken.test"), "ENOTFOUND");
    ck_assert_str_eq(rl_dns_why(dns, "BROKEN.test"), "server on fire");
    ck_assert_ptr_null(rl_dns_why(dns, "never-asked.test"));
    rl_dns_free(dns);
}
END_TEST

START_TEST(what_was_refused_is_remembered)
{
    struct rl_dns *dns = start(0, RL_DNS_FIRST, RL_DNS_ANY, "10.0.0.1");
    struct rl_addr addr, refused;

    get(dns, "a.test");
    ck_assert(!rl_dns_refused(dns, "a.test", &addr));
    rl_addr_parse_ip("10.0.0.1", &refused);
    rl_dns_refuse(dns, "a.test", &refused);
    ck_assert(rl_dns_refused(dns, "A.test", &addr));
    ck_assert(rl_addr_same_ip(&addr, &refused));
    rl_dns_free(dns);
}
END_TEST

START_TEST(duplicates_are_asked_once)
{
    struct rl_dns *dns = start(INT64_MAX, RL_DNS_ROUND_ROBIN, RL_DNS_ANY, "10.0.0.1 10.0.0.2");
    struct rl_dns_ask asks[100];
    unsigned first = 0;

    server.gated = true;
    for (int i = 0; i < 100; i++) {
        asks[i] = (struct rl_dns_ask){.answered = answered};
        ck_assert_int_eq(rl_dns_ask(dns, i % 2 == 0 ? "a.test" : "A.TEST", &asks[i]), 0);
    }
    sem_post(&server.gate);
    for (int i = 0; i < 100; i++)
        sem_wait(&answers);
    ck_assert_uint_eq(server.asked, 1);
    for (int i = 0; i < 100; i++) { /* select is applied to each of them */
        ck_assert_int_eq(asks[i].status, 0);
        first += asks[i].addr.ip.v4[3] == 1;
    }
    ck_assert_uint_eq(first, 50);
    rl_dns_free(dns);
}
END_TEST

START_TEST(a_slow_name_does_not_hold_up_others)
{
    struct rl_dns *dns = start(INT64_MAX, RL_DNS_FIRST, RL_DNS_ANY, "10.0.0.1");
    struct rl_dns_ask asks[RL_DNS_THREADS + 10];
    char host[32];

    server.gated = true;
    for (int i = 0; i < RL_DNS_THREADS + 10; i++) {
        snprintf(host, sizeof(host), "h%d.test", i);
        asks[i] = (struct rl_dns_ask){.answered = answered};
        ck_assert_int_eq(rl_dns_ask(dns, host, &asks[i]), 0);
    }
    while (server.running < RL_DNS_THREADS)
        ;
    for (int i = 0; i < RL_DNS_THREADS + 10; i++)
        sem_post(&server.gate);
    for (int i = 0; i < RL_DNS_THREADS + 10; i++)
        sem_wait(&answers);
    ck_assert_uint_eq(server.most_running, RL_DNS_THREADS);
    ck_assert_uint_eq(server.asked, RL_DNS_THREADS + 10);
    rl_dns_free(dns);
}
END_TEST

START_TEST(a_forgotten_ask_is_not_answered_but_the_cache_is_filled)
{
    struct rl_dns *dns = start(INT64_MAX, RL_DNS_FIRST, RL_DNS_ANY, "10.0.0.1");
    struct rl_dns_ask left = {.answered = answered}, stays = {.answered = answered};
    struct rl_addr addr;
    int count;

    server.gated = true;
    ck_assert_int_eq(rl_dns_ask(dns, "a.test", &left), 0);
    ck_assert_int_eq(rl_dns_ask(dns, "a.test", &stays), 0);
    ck_assert(rl_dns_forget(dns, &left));
    sem_post(&server.gate);
    sem_wait(&answers);
    ck_assert(rl_dns_cached(dns, "a.test", rl_clock_ns(), &addr));
    rl_dns_free(dns);
    sem_getvalue(&answers, &count);
    ck_assert_int_eq(count, 0);
}
END_TEST

/* getaddrinfo cannot be interrupted: the run may end without waiting for it. */
START_TEST(free_does_not_wait_for_a_look_up)
{
    struct rl_dns *dns = start(INT64_MAX, RL_DNS_FIRST, RL_DNS_ANY, "10.0.0.1");
    struct rl_dns_ask asks[2] = {{.answered = answered}, {.answered = answered}};

    server.gated = true;
    ck_assert_int_eq(rl_dns_ask(dns, "a.test", &asks[0]), 0);
    ck_assert_int_eq(rl_dns_ask(dns, "b.test", &asks[1]), 0);
    while (server.running < 2)
        ;
    ck_assert(rl_dns_forget(dns, &asks[0]));
    ck_assert(rl_dns_forget(dns, &asks[1]));
    rl_dns_free(dns);
    sem_post(&server.gate);
    sem_post(&server.gate);
    while (server.running > 0)
        ;
}
END_TEST

/* T-056: select. */
START_TEST(select_first_and_round_robin)
{
    struct rl_dns *dns = start(INT64_MAX, RL_DNS_FIRST, RL_DNS_ANY, "10.0.0.1 10.0.0.2 10.0.0.3");

    for (int i = 0; i < 5; i++)
        ck_assert_str_eq(get(dns, "a.test"), "10.0.0.1");
    rl_dns_free(dns);

    dns = start(INT64_MAX, RL_DNS_ROUND_ROBIN, RL_DNS_ANY, "10.0.0.1 10.0.0.2 10.0.0.3");
    for (int i = 0; i < 7; i++) {
        char expected[16];

        snprintf(expected, sizeof(expected), "10.0.0.%d", i % 3 + 1);
        ck_assert_str_eq(get(dns, "a.test"), expected);
    }
    ck_assert_str_eq(get(dns, "b.test"), "10.0.0.1"); /* a counter for each host */
    rl_dns_free(dns);
}
END_TEST

START_TEST(round_robin_goes_on_without_a_cache)
{
    struct rl_dns *dns = start(0, RL_DNS_ROUND_ROBIN, RL_DNS_ANY, "10.0.0.1 10.0.0.2");

    ck_assert_str_eq(get(dns, "a.test"), "10.0.0.1");
    ck_assert_str_eq(get(dns, "a.test"), "10.0.0.2");
    ck_assert_str_eq(get(dns, "a.test"), "10.0.0.1");
    rl_dns_free(dns);
}
END_TEST

START_TEST(select_random_uses_all)
{
    struct rl_dns *dns = start(INT64_MAX, RL_DNS_RANDOM, RL_DNS_ANY, "10.0.0.1 10.0.0.2 10.0.0.3");
    unsigned seen[4] = {0};
    struct rl_addr addr;

    get(dns, "a.test");
    for (int i = 0; i < 3000; i++) {
        ck_assert(rl_dns_cached(dns, "a.test", rl_clock_ns(), &addr));
        seen[addr.ip.v4[3]]++;
    }
    for (int i = 1; i <= 3; i++)
        ck_assert_msg(seen[i] > 800 && seen[i] < 1200, "%u", seen[i]);
    rl_dns_free(dns);
}
END_TEST

/* T-056: policy. */
START_TEST(policies)
{
    static const char both[] = "::1 10.0.0.1 ::2 10.0.0.2", v4[] = "10.0.0.1", v6[] = "::1";
    static const struct {
        enum rl_dns_policy policy;
        const char *ips, *first;
        int family;
    } rows[] = {
        {RL_DNS_PREFER_V4, both, "10.0.0.1", AF_UNSPEC},
        {RL_DNS_PREFER_V4, v6, "::1", AF_UNSPEC},
        {RL_DNS_PREFER_V6, both, "::1", AF_UNSPEC},
        {RL_DNS_PREFER_V6, v4, "10.0.0.1", AF_UNSPEC},
        {RL_DNS_ONLY_V4, both, "10.0.0.1", AF_INET},
        {RL_DNS_ONLY_V4, v6, "ENOTFOUND", AF_INET},
        {RL_DNS_ONLY_V6, both, "::1", AF_INET6},
        {RL_DNS_ONLY_V6, v4, "ENOTFOUND", AF_INET6},
        {RL_DNS_ANY, both, "::1", AF_UNSPEC},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rl_dns *dns = start(INT64_MAX, RL_DNS_FIRST, rows[i].policy, rows[i].ips);

        ck_assert_str_eq(get(dns, "a.test"), rows[i].first);
        ck_assert_int_eq(server.last_family, rows[i].family);
        rl_dns_free(dns);
    }
}
END_TEST

START_TEST(the_filter_keeps_the_order)
{
    struct rl_addr addrs[4];
    char text[RL_ADDR_TEXT];

    rl_addr_parse_ip("::1", &addrs[0]);
    rl_addr_parse_ip("10.0.0.1", &addrs[1]);
    rl_addr_parse_ip("::2", &addrs[2]);
    rl_addr_parse_ip("10.0.0.2", &addrs[3]);
    ck_assert_uint_eq(rl_dns_filter(RL_DNS_PREFER_V4, addrs, 4), 2);
    rl_addr_format_ip(&addrs[1], text);
    ck_assert_str_eq(text, "10.0.0.2");
    ck_assert_uint_eq(rl_dns_filter(RL_DNS_PREFER_V6, addrs, 0), 0);
}
END_TEST

enum { THREADS = 4, ROUNDS = 2000 };

/* Ask, and leave at once every third time: the ask is on our stack, so either we forget it or its
 * answer has been given before we go on. */
static void *hammer(void *arg)
{
    static const char *const hosts[] = {"a.test", "b.test", "nohost.test", "c.test"};
    struct rl_dns *dns = arg;

    for (int i = 0; i < ROUNDS; i++) {
        struct rl_dns_ask ask = {.answered = answered};
        struct rl_addr addr;

        if (rl_dns_cached(dns, hosts[i % 4], rl_clock_ns(), &addr))
            continue;
        ck_assert_int_eq(rl_dns_ask(dns, hosts[i % 4], &ask), 0);
        if (i % 3 != 0)
            sched_yield();
        rl_dns_forget(dns, &ask);
    }
    return NULL;
}

START_TEST(many_threads_at_once)
{
    struct rl_dns *dns = start(1, RL_DNS_RANDOM, RL_DNS_PREFER_V4, "10.0.0.1 ::1 10.0.0.2");
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, hammer, dns);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    rl_dns_free(dns);
}
END_TEST

/* T-060: the system's own way, /etc/hosts first. */
START_TEST(the_system_knows_localhost)
{
    struct rl_dns_config config = {.ttl_ns = 0, .policy = RL_DNS_PREFER_V4, .select = RL_DNS_FIRST};
    struct rl_dns *dns = rl_dns_new(&config);

    sem_init(&answers, 0, 0);
    ck_assert_str_eq(get(dns, "localhost"), "127.0.0.1");
    ck_assert_str_eq(get(dns, "no host by this name"), "ENOTFOUND");
    rl_dns_free(dns);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("net/dns");
    TCase *c = tcase_create("cache");

    tcase_add_test(c, answers_are_cached);
    tcase_add_test(c, ttl_zero_is_no_cache);
    tcase_add_test(c, answers_expire);
    tcase_add_test(c, failures_are_not_cached);
    tcase_add_test(c, what_was_refused_is_remembered);
    suite_add_tcase(s, c);
    c = tcase_create("threads");
    tcase_add_test(c, duplicates_are_asked_once);
    tcase_add_test(c, a_slow_name_does_not_hold_up_others);
    tcase_add_test(c, a_forgotten_ask_is_not_answered_but_the_cache_is_filled);
    tcase_add_test(c, free_does_not_wait_for_a_look_up);
    tcase_add_test(c, many_threads_at_once);
    suite_add_tcase(s, c);
    c = tcase_create("options");
    tcase_add_test(c, select_first_and_round_robin);
    tcase_add_test(c, round_robin_goes_on_without_a_cache);
    tcase_add_test(c, select_random_uses_all);
    tcase_add_test(c, policies);
    tcase_add_test(c, the_filter_keeps_the_order);
    suite_add_tcase(s, c);
    c = tcase_create("system");
    tcase_add_test(c, the_system_knows_localhost);
    suite_add_tcase(s, c);
    return s;
}

RL_TEST_MAIN(suite)
