/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static struct rl_addr endpoint(const char *text)
{
    struct rl_addr addr;

    ck_assert_int_eq(rl_addr_parse_endpoint(text, &addr), 0);
    return addr;
}

/* The next port to peer, from local (NULL: from any), as the first try of a connection that ends at once. */
static uint16_t next_port(struct rl_source *source, const struct rl_addr *local,
                          const struct rl_addr *peer)
{
    struct rl_addr chosen;

    ck_assert_int_eq(rl_source_next(source, local, peer, RL_SOURCE_FIRST, &chosen), 0);
    rl_source_closed(source, local, peer);
    return chosen.port;
}

/* One lap of source over its ports to peer: each is marked once. */
static void lap(struct rl_source *source, const struct rl_addr *peer, unsigned char seen[65536])
{
    uint32_t count = rl_source_port_count(source);

    for (uint32_t i = 0; i < count; i++) {
        uint16_t port = next_port(source, NULL, peer);

        ck_assert_msg(seen[port] == 0, "port %u twice", port);
        seen[port] = 1;
    }
}

START_TEST(no_port_twice_in_a_lap_and_all_are_used)
{
    struct rl_port_range range = {.low = 20000, .high = 20999};
    struct rl_addr peer = endpoint("10.0.0.1:80");
    unsigned char first[65536] = {0}, second[65536] = {0};
    struct rl_source *source = rl_source_new_in(&range, 0, 1, 7);

    ck_assert_uint_eq(rl_source_port_count(source), 1000);
    lap(source, &peer, first);
    for (unsigned port = 0; port < 65536; port++)
        ck_assert_uint_eq(first[port], port >= 20000 && port <= 20999);
    lap(source, &peer, second);
    ck_assert_mem_eq(first, second, sizeof(first));
    rl_source_free(source);
}
END_TEST

START_TEST(parts_of_workers_are_disjoint_and_lose_nothing)
{
    static const uint32_t worker_counts[] = {1, 2, 3, 7, 50};
    struct rl_port_range range = {.low = 32768, .high = 60999};
    struct rl_addr peer = endpoint("10.0.0.1:80");

    for (size_t n = 0; n < sizeof(worker_counts) / sizeof(worker_counts[0]); n++) {
        uint32_t workers = worker_counts[n], total = 0;
        unsigned char seen[65536] = {0};

        for (uint32_t i = 0; i < workers; i++) {
            struct rl_source *source = rl_source_new_in(&range, i, workers, i);

            total += rl_source_port_count(source);
            lap(source, &peer, seen);
            rl_source_free(source);
        }
        ck_assert_uint_eq(total, 60999 - 32768 + 1);
    }
}
END_TEST

START_TEST(reserved_ports_are_skipped)
{
    struct rl_port_range range = {
        .low = 1000, .high = 1019, .reserved = "80,1000,1005-1009,1018-2000"};
    struct rl_addr peer = endpoint("[::1]:80");
    struct rl_source *source = rl_source_new_in(&range, 0, 1, 1);
    unsigned char seen[65536] = {0};

    ck_assert_uint_eq(rl_source_port_count(source), 20 - 1 - 5 - 2);
    lap(source, &peer, seen);
    ck_assert(!seen[1000] && !seen[1005] && !seen[1009] && !seen[1018] && !seen[1019]);
    ck_assert(seen[1001] && seen[1004] && seen[1010] && seen[1017]);
    rl_source_free(source);
}
END_TEST

START_TEST(each_pair_has_a_cursor_of_its_own)
{
    struct rl_port_range range = {.low = 5000, .high = 5003};
    struct rl_addr a = endpoint("10.0.0.1:80"), b = endpoint("10.0.0.1:81");
    struct rl_addr local = endpoint("10.0.0.9:0");
    struct rl_source *source = rl_source_new_in(&range, 0, 1, 3);
    unsigned char to_a[65536] = {0}, to_b[65536] = {0}, from_local[65536] = {0};

    for (int i = 0; i < 4; i++) { /* interleaved, and still each of them a lap */
        to_a[next_port(source, NULL, &a)]++;
        to_b[next_port(source, NULL, &b)]++;
        from_local[next_port(source, &local, &a)]++;
    }
    for (int port = 5000; port <= 5003; port++)
        ck_assert(to_a[port] == 1 && to_b[port] == 1 && from_local[port] == 1);
    rl_source_free(source);
}
END_TEST

START_TEST(the_seed_says_the_order)
{
    struct rl_port_range range = {.low = 1024, .high = 65535};
    struct rl_addr peer = endpoint("10.0.0.1:80");
    struct rl_source *a = rl_source_new_in(&range, 0, 1, 1), *b = rl_source_new_in(&range, 0, 1, 1);
    struct rl_source *c = rl_source_new_in(&range, 0, 1, 2);
    uint16_t first = next_port(a, NULL, &peer);

    ck_assert_uint_eq(first, next_port(b, NULL, &peer));
    ck_assert_uint_ne(first, next_port(c, NULL, &peer));
    rl_source_free(a);
    rl_source_free(b);
    rl_source_free(c);
}
END_TEST

/* The last run has left 70 % of the ports in TIME_WAIT: the tries of this one still find another,
 * wherever it begins. */
START_TEST(tries_do_not_stay_among_the_ports_of_the_last_run)
{
    struct rl_port_range range = {.low = 32768, .high = 60999};
    struct rl_addr peer = endpoint("10.0.0.1:80");

    for (uint64_t seed = 0; seed < 50; seed++) {
        struct rl_source *last = rl_source_new_in(&range, 0, 1, seed);
        struct rl_source *this = rl_source_new_in(&range, 0, 1, seed + 1000);
        uint32_t count = rl_source_port_count(last);
        unsigned char taken[65536] = {0};

        for (uint32_t i = 0; i < count / 10 * 7; i++)
            taken[next_port(last, NULL, &peer)] = 1;
        for (uint32_t i = 0; i < 1000; i++) {
            int tries = 1;

            while (taken[next_port(this, NULL, &peer)])
                ck_assert_int_le(++tries, RL_SOURCE_TRIES);
        }
        rl_source_free(last);
        rl_source_free(this);
    }
}
END_TEST

START_TEST(no_ports_left_for_a_worker_means_the_kernels_choice)
{
    struct rl_port_range range = {.low = 5000, .high = 5000};
    struct rl_addr peer = endpoint("10.0.0.1:80");
    struct rl_source *none = rl_source_new_in(&range, 0, 2, 0);
    struct rl_source *one = rl_source_new_in(&range, 1, 2, 0);

    ck_assert_uint_eq(rl_source_port_count(none) + rl_source_port_count(one), 1);
    ck_assert_uint_eq(next_port(none, NULL, &peer), 0);
    ck_assert_uint_eq(next_port(one, NULL, &peer), 5000);
    ck_assert_uint_eq(next_port(one, NULL, &peer), 5000);
    rl_source_free(none);
    rl_source_free(one);
}
END_TEST

START_TEST(port_zero_is_never_given)
{
    struct rl_port_range range = {.low = 0, .high = 3};
    struct rl_source *source = rl_source_new_in(&range, 0, 1, 0);

    ck_assert_uint_eq(rl_source_port_count(source), 3);
    rl_source_free(source);
}
END_TEST

/* A script may go through millions of destinations: the records stay bounded, and a pair that
 * was dropped simply starts anew. */
START_TEST(many_destinations_are_bounded)
{
    struct rl_port_range range = {.low = 5000, .high = 5999};
    struct rl_source *source = rl_source_new_in(&range, 0, 1, 0);
    struct rl_addr peer = endpoint("10.0.0.0:80");

    for (unsigned i = 0; i < RL_SOURCE_RECORDS * 2 + 10; i++) {
        uint16_t port;

        peer.ip.v4[1] = (uint8_t)(i >> 16);
        peer.ip.v4[2] = (uint8_t)(i >> 8);
        peer.ip.v4[3] = (uint8_t)i;
        port = next_port(source, NULL, &peer);
        ck_assert(port >= 5000 && port <= 5999);
    }
    rl_source_free(source);
}
END_TEST

START_TEST(systems_range_is_read)
{
    struct rl_source *whole = rl_source_new(0, 1, 0);
    struct rl_source *half = rl_source_new(1, 2, 0);

    ck_assert_uint_gt(rl_source_port_count(whole), 0);
    ck_assert_uint_eq((rl_source_port_count(whole) + 1) / 2, rl_source_port_count(half));
    rl_source_free(whole);
    rl_source_free(half);
}
END_TEST

START_TEST(route_gives_the_local_ip)
{
    struct rl_port_range range = {.low = 5000, .high = 5999};
    struct rl_source *source = rl_source_new_in(&range, 0, 1, 0);
    struct rl_addr v4 = endpoint("127.0.0.1:80"), v6 = endpoint("[::1]:80");
    char text[RL_ADDR_TEXT];

    for (int i = 0; i < 2; i++) { /* asked, then remembered */
        rl_addr_format(rl_source_route(source, &v4), text);
        ck_assert_str_eq(text, "127.0.0.1:0");
        rl_addr_format(rl_source_route(source, &v6), text);
        ck_assert_str_eq(text, "[::1]:0");
    }
    rl_source_free(source);
}
END_TEST

START_TEST(no_route_is_family_zero)
{
    struct rl_port_range range = {.low = 5000, .high = 5999};
    struct rl_source *source = rl_source_new_in(&range, 0, 1, 0);
    struct rl_addr broadcast = endpoint("255.255.255.255:80"); /* not without SO_BROADCAST */

    ck_assert_uint_eq(rl_source_route(source, &broadcast)->family, 0);
    rl_source_free(source);
}
END_TEST

/* --- All addresses of this machine. --- */

enum { LOW = 20000, HIGH = 20099, COUNT = HIGH - LOW + 1 };

static struct rl_source *roaming(uint32_t share_index, uint32_t share_count)
{
    struct rl_port_range range = {.low = LOW, .high = HIGH};
    struct rl_source *source = rl_source_new_in(&range, share_index, share_count, share_index + 1);

    ck_assert_int_eq(rl_source_roam(source), 0);
    return source;
}

/* The number of a loopback address, 0 for 127.0.0.1, which is never named. */
static uint32_t number_of(const struct rl_addr *local)
{
    uint32_t ip;

    if (local->family == 0)
        return 0;
    ck_assert_uint_eq(local->family, AF_INET);
    memcpy(&ip, local->ip.v4, sizeof(ip));
    return ntohl(ip) - 0x7f000001;
}

static uint32_t open_one(struct rl_source *source, const struct rl_addr *peer, uint16_t *port)
{
    struct rl_addr local;

    ck_assert_int_eq(rl_source_next(source, NULL, peer, RL_SOURCE_FIRST, &local), 0);
    *port = local.port;
    return number_of(&local);
}

START_TEST(a_lap_on_an_address_then_the_next_one)
{
    struct rl_addr peer = endpoint("127.0.0.1:80");
    struct rl_source *source = roaming(0, 1);
    unsigned char seen[10][65536] = {{0}};

    for (uint32_t i = 0; i < 10 * COUNT; i++) {
        uint16_t port;
        uint32_t address = open_one(source, &peer, &port);

        ck_assert_uint_eq(address, i / COUNT); /* none is begun before it is needed */
        ck_assert_uint_eq(seen[address][port]++, 0);
    }
    ck_assert_uint_eq(rl_source_open_count(source, NULL, &peer), 10 * COUNT);
    rl_source_free(source);
}
END_TEST

START_TEST(pairs_of_several_workers_never_collide)
{
    enum { WORKERS = 7, EACH = 200 };
    static unsigned char seen[64][65536];
    struct rl_addr peer = endpoint("127.1.2.3:80");

    for (uint32_t w = 0; w < WORKERS; w++) {
        struct rl_source *source = roaming(w, WORKERS);

        ck_assert_uint_eq(rl_source_whole_count(source), COUNT);
        for (int i = 0; i < EACH; i++) {
            uint16_t port;
            uint32_t address = open_one(source, &peer, &port);

            ck_assert_uint_lt(address, 64);
            ck_assert_uint_eq(seen[address][port]++, 0);
        }
        rl_source_free(source);
    }
}
END_TEST

/* Connections one after another need no second address, however many. */
START_TEST(few_at_a_time_stay_on_one_address)
{
    struct rl_addr peer = endpoint("127.0.0.1:80"), local;
    struct rl_source *source = roaming(0, 1);

    for (int i = 0; i < 20 * COUNT; i++) {
        uint16_t port;

        ck_assert_uint_eq(open_one(source, &peer, &port), 0);
        rl_source_closed(source, NULL, &peer);
    }
    /* Unless others hold the ports: then the tries go elsewhere. */
    open_one(source, &peer, &(uint16_t){0});
    rl_source_next(source, NULL, &peer, RL_SOURCE_AGAIN, &local);
    ck_assert_uint_eq(number_of(&local), 0);
    rl_source_next(source, NULL, &peer, RL_SOURCE_ELSEWHERE, &local);
    ck_assert_uint_eq(number_of(&local), 1);
    ck_assert_uint_eq(rl_source_open_count(source, NULL, &peer), 1);
    rl_source_free(source);
}
END_TEST

/* Without a choice of address a connect that cannot succeed fails before the kernel is asked. */
START_TEST(ports_that_are_all_held_are_known)
{
    struct rl_port_range range = {.low = LOW, .high = HIGH};
    struct rl_addr peer = endpoint("10.0.0.1:80"), other = endpoint("10.0.0.1:81");
    struct rl_addr fixed = endpoint("10.0.0.9:0"), local;
    struct rl_source *source = rl_source_new_in(&range, 0, 1, 3);

    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(rl_source_next(source, NULL, &peer, RL_SOURCE_FIRST, &local), 0);
        ck_assert_int_eq(rl_source_next(source, &fixed, &peer, RL_SOURCE_FIRST, &local), 0);
        ck_assert(rl_addr_same_ip(&local, &fixed));
    }
    ck_assert_int_eq(rl_source_next(source, NULL, &peer, RL_SOURCE_FIRST, &local), -EADDRNOTAVAIL);
    ck_assert_int_eq(rl_source_next(source, &fixed, &peer, RL_SOURCE_FIRST, &local),
                     -EADDRNOTAVAIL);
    ck_assert_int_eq(rl_source_next(source, NULL, &other, RL_SOURCE_FIRST, &local), 0);
    rl_source_closed(source, NULL, &peer);
    ck_assert_int_eq(rl_source_next(source, NULL, &peer, RL_SOURCE_FIRST, &local), 0);
    ck_assert_int_eq(rl_source_next(source, NULL, &peer, RL_SOURCE_FIRST, &local), -EADDRNOTAVAIL);
    rl_source_free(source);
}
END_TEST

/* A target without a listener whose port lies in the range would be found to answer: with our own words. */
START_TEST(no_connection_to_itself)
{
    struct rl_port_range range = {.low = LOW, .high = HIGH};
    struct rl_addr peer = endpoint("127.0.0.1:20050"), same = endpoint("127.0.0.1:0");
    struct rl_addr other = endpoint("127.0.0.2:0");
    struct rl_source *source = rl_source_new_in(&range, 0, 1, 3);
    bool met = false;

    for (int i = 0; i < 3 * COUNT; i++) {
        ck_assert_uint_ne(next_port(source, NULL, &peer), peer.port);
        ck_assert_uint_ne(next_port(source, &same, &peer), peer.port);
        met = met || next_port(source, &other, &peer) == peer.port;
    }
    ck_assert(met);
    rl_source_free(source);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("net/source");
    TCase *c = tcase_create("ports");

    tcase_add_test(c, no_port_twice_in_a_lap_and_all_are_used);
    tcase_add_test(c, parts_of_workers_are_disjoint_and_lose_nothing);
    tcase_add_test(c, reserved_ports_are_skipped);
    tcase_add_test(c, each_pair_has_a_cursor_of_its_own);
    tcase_add_test(c, the_seed_says_the_order);
    tcase_add_test(c, tries_do_not_stay_among_the_ports_of_the_last_run);
    tcase_add_test(c, no_ports_left_for_a_worker_means_the_kernels_choice);
    tcase_add_test(c, port_zero_is_never_given);
    tcase_add_test(c, many_destinations_are_bounded);
    tcase_add_test(c, systems_range_is_read);
    suite_add_tcase(s, c);
    c = tcase_create("addresses");
    tcase_add_test(c, a_lap_on_an_address_then_the_next_one);
    tcase_add_test(c, pairs_of_several_workers_never_collide);
    tcase_add_test(c, few_at_a_time_stay_on_one_address);
    tcase_add_test(c, ports_that_are_all_held_are_known);
    tcase_add_test(c, no_connection_to_itself);
    suite_add_tcase(s, c);
    c = tcase_create("route");
    tcase_add_test(c, route_gives_the_local_ip);
    tcase_add_test(c, no_route_is_family_zero);
    suite_add_tcase(s, c);
    return s;
}

RL_TEST_MAIN(suite)
