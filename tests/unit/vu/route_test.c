/* SPDX-License-Identifier: GPL-3.0-or-later */
/* route: the tags that connecting comes to (T-194, T-202), remembered or not. */
#include "vu/route.h"

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "vu_rig.h"

static struct rl_tags *tags;

static void set_up(void)
{
    rig_set_up();
    tags = rig.shard.tags;
}

static const struct rl_tagset *tagged(const char *key, const char *value)
{
    return rl_tags_with(tags, rl_tags_empty(tags), key, value);
}

/* What the header says, without remembering anything. */
static const struct rl_tagset *named_tags(const struct rl_tagset *over, const char *host,
                                          unsigned port)
{
    char text[8];

    snprintf(text, sizeof(text), "%u", port);
    return rl_tags_with(tags, rl_tags_with(tags, over, "host", host), "port", text);
}

static void check_series(const struct rl_route_tags *found, const struct rl_tagset *base)
{
    const struct rl_tagset *full = rl_tags_with(tags, base, "proto", "TCP");

    ck_assert_ptr_eq(found->series->tags, rl_tags_over(tags, full, found->overlay));
    ck_assert_ptr_eq(found->series, rl_tcp_series_of(&rig.env, found->series->tags));
}

static void check(const struct rl_tagset *base, const struct rl_tagset *over, const char *host,
                  uint16_t port, const char *ip)
{
    struct rl_route *route = rl_route_to(&rig.env, base, over, host, port);
    const struct rl_tagset *named = named_tags(over, host, port);
    const struct rl_route_tags *dialled;
    struct rl_addr addr;

    ck_assert_ptr_eq(route->named.overlay, named);
    ck_assert_ptr_null(rl_tagset_get(route->named.overlay, "ip"));
    check_series(&route->named, base);
    ck_assert_int_eq(rl_addr_parse_ip(ip, &addr), 0);
    addr.port = port;
    dialled = rl_route_dialled(&rig.env, route, &addr);
    ck_assert_ptr_eq(dialled->overlay, rl_tags_with(tags, named, "ip", ip));
    check_series(dialled, base);
}

START_TEST(each_part_tells_routes_apart)
{
    const struct rl_tagset *one = tagged("scenario", "a"), *two = tagged("scenario", "b");
    const struct rl_tagset *over = tagged("colour", "red");

    for (int round = 0; round < 2; round++) { /* first and remembered */
        check(one, over, "localhost", 80, "127.0.0.1");
        check(two, over, "localhost", 80, "127.0.0.1");
        check(one, two, "localhost", 80, "127.0.0.1");
        check(one, over, "localhosd", 80, "127.0.0.1");
        check(one, over, "localhost", 81, "127.0.0.1");
        check(one, over, "localhost", 80, "127.0.0.2");
        check(one, over, "localhost", 80, "::1");
    }
}
END_TEST

START_TEST(a_place_is_remembered)
{
    const struct rl_tagset *base = tagged("scenario", "a"), *over = rl_tags_empty(tags);
    struct rl_route *route = rl_route_to(&rig.env, base, over, "host", 1);
    uint32_t sets;

    check(base, over, "host", 1, "127.0.0.1");
    sets = rl_tags_count(tags);
    ck_assert_ptr_eq(rl_route_to(&rig.env, base, over, "host", 1), route);
    ck_assert_int_eq(route->addr.family, AF_INET);
    ck_assert_uint_eq(rl_tags_count(tags), sets);
}
END_TEST

START_TEST(a_long_name_is_not_remembered_and_right)
{
    const struct rl_tagset *base = tagged("scenario", "a"), *over = rl_tags_empty(tags);
    char host[RL_ROUTE_HOST + 100];

    memset(host, 'h', sizeof(host));
    for (size_t size = RL_ROUTE_HOST - 2; size < sizeof(host); size++) {
        host[size] = '\0';
        check(base, over, host, 1, "127.0.0.1");
        check(base, over, host, 1, "127.0.0.2");
        host[size] = 'h';
    }
}
END_TEST

/* More places than are kept, in random order: many share a slot. */
START_TEST(what_was_forgotten_is_found_again)
{
    const struct rl_tagset *base = tagged("scenario", "a"), *over = rl_tags_empty(tags);
    struct rl_rng rng;
    char host[32], ip[32];

    rl_rng_init(&rng, 4);
    for (int i = 0; i < 5000; i++) {
        unsigned number = (unsigned)(rl_rng_next(&rng) % 600);

        snprintf(host, sizeof(host), "host-%u", number % 200);
        snprintf(ip, sizeof(ip), "127.0.0.%u", number % 3 + 1);
        check(base, over, host, (uint16_t)(number % 3), ip);
    }
}
END_TEST

static Suite *route_suite(void)
{
    Suite *suite = suite_create("route");

    rl_case(suite, each_part_tells_routes_apart, set_up, rig_tear_down);
    rl_case(suite, a_place_is_remembered, set_up, rig_tear_down);
    rl_case(suite, a_long_name_is_not_remembered_and_right, set_up, rig_tear_down);
    rl_case(suite, what_was_forgotten_is_found_again, set_up, rig_tear_down);
    return suite;
}

RL_TEST_MAIN(route_suite)
