/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/registry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cases.h"

static struct rl_registry *registry;

static void set_up(void)
{
    registry = rl_registry_new();
    ck_assert_ptr_nonnull(registry);
}

static void tear_down(void)
{
    rl_registry_free(registry);
}

START_TEST(built_ins_have_constant_ids)
{
    static const struct {
        uint32_t id;
        const char *name, *type, *contains;
    } rows[] = {
        {RL_M_VUS, "vus", "gauge", "default"},
        {RL_M_VUS_MAX, "vus_max", "gauge", "default"},
        {RL_M_ITERATIONS, "iterations", "counter", "default"},
        {RL_M_ITERATION_DURATION, "iteration_duration", "trend", "time"},
        {RL_M_DROPPED_ITERATIONS, "dropped_iterations", "counter", "default"},
        {RL_M_CHECKS, "checks", "rate", "default"},
        {RL_M_GROUP_DURATION, "group_duration", "trend", "time"},
        {RL_M_DATA_SENT, "data_sent", "counter", "data"},
        {RL_M_DATA_RECEIVED, "data_received", "counter", "data"},
        {RL_M_TCP_SOCKET_RESOLVING, "tcp_socket_resolving", "trend", "time"},
        {RL_M_TCP_SOCKET_CONNECTING, "tcp_socket_connecting", "trend", "time"},
        {RL_M_TCP_SOCKET_DURATION, "tcp_socket_duration", "trend", "time"},
        {RL_M_TCP_SOCKETS, "tcp_sockets", "counter", "default"},
        {RL_M_TCP_READS, "tcp_reads", "counter", "default"},
        {RL_M_TCP_WRITES, "tcp_writes", "counter", "default"},
        {RL_M_TCP_ERRORS, "tcp_errors", "counter", "default"},
        {RL_M_TCP_TIMEOUTS, "tcp_timeouts", "counter", "default"},
        {RL_M_TCP_PARTIAL_WRITES, "tcp_partial_writes", "counter", "default"},
        {RL_M_TCP_TLS_HANDSHAKING, "tcp_tls_handshaking", "trend", "time"},
        {RL_M_TCP_TLS_RESUMED, "tcp_tls_resumed", "rate", "default"},
    };

    ck_assert_uint_eq(sizeof(rows) / sizeof(rows[0]), RL_BUILTIN_COUNT);
    ck_assert_uint_eq(rl_registry_count(registry), RL_BUILTIN_COUNT);
    for (size_t i = 0; i < RL_BUILTIN_COUNT; i++) {
        const struct rl_metric *metric = rl_registry_at(registry, rows[i].id);

        ck_assert_uint_eq(metric->id, rows[i].id);
        ck_assert_str_eq(metric->name, rows[i].name);
        ck_assert_str_eq(rl_metric_type_name(metric->type), rows[i].type);
        ck_assert_str_eq(rl_metric_contains_name(metric->contains), rows[i].contains);
        ck_assert_ptr_eq(rl_registry_find(registry, rows[i].name), metric);
    }
}
END_TEST

START_TEST(E_300_an_equal_registration_returns_the_same_id)
{
    int id = rl_registry_add(registry, "echo_rtt", RL_TREND, RL_TIME);

    ck_assert_int_eq(id, RL_BUILTIN_COUNT);
    ck_assert_int_eq(rl_registry_add(registry, "echo_rtt", RL_TREND, RL_TIME), id);
    ck_assert_int_eq(rl_registry_add(registry, "iterations", RL_COUNTER, RL_DEFAULT),
                     RL_M_ITERATIONS);
    ck_assert_uint_eq(rl_registry_count(registry), RL_BUILTIN_COUNT + 1);
}
END_TEST

START_TEST(E_300_a_different_registration_is_an_error)
{
    ck_assert_int_ge(rl_registry_add(registry, "echo_rtt", RL_TREND, RL_TIME), 0);
    ck_assert_int_eq(rl_registry_add(registry, "echo_rtt", RL_TREND, RL_DEFAULT), -EEXIST);
    ck_assert_int_eq(rl_registry_add(registry, "echo_rtt", RL_COUNTER, RL_TIME), -EEXIST);
    ck_assert_int_eq(rl_registry_add(registry, "checks", RL_COUNTER, RL_DEFAULT), -EEXIST);
}
END_TEST

START_TEST(E_300_names_are_checked)
{
    static const char *const bad[] = {"", "a", "1a", "a-b", "a b", "a.b", "\xc3\xa4x", "-a"};
    static const char *const good[] = {"ab", "_1", "A_9z", "__"};
    char name[140];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(rl_registry_add(registry, bad[i], RL_COUNTER, RL_DEFAULT) == -EINVAL, "%s",
                      bad[i]);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(rl_registry_add(registry, good[i], RL_COUNTER, RL_DEFAULT) >= 0, "%s",
                      good[i]);
    memset(name, 'x', sizeof(name));
    name[130] = '\0';
    ck_assert_int_eq(rl_registry_add(registry, name, RL_COUNTER, RL_DEFAULT), -EINVAL);
    name[129] = '\0';
    ck_assert_int_ge(rl_registry_add(registry, name, RL_COUNTER, RL_DEFAULT), 0);
}
END_TEST

START_TEST(a_closed_registry_only_answers)
{
    int id = rl_registry_add(registry, "echo_rtt", RL_TREND, RL_TIME);

    rl_registry_close(registry);
    ck_assert_int_eq(rl_registry_add(registry, "later", RL_TREND, RL_TIME), -EROFS);
    ck_assert_int_eq(rl_registry_add(registry, "echo_rtt", RL_TREND, RL_TIME), id);
    ck_assert_ptr_null(rl_registry_find(registry, "later"));
}
END_TEST

START_TEST(many_metrics_stay_where_they_are)
{
    const struct rl_metric *first;
    char name[32];

    ck_assert_int_ge(rl_registry_add(registry, "m_0", RL_GAUGE, RL_DATA), 0);
    first = rl_registry_find(registry, "m_0");
    for (int i = 1; i < 5000; i++) {
        snprintf(name, sizeof(name), "m_%d", i);
        ck_assert_int_eq(rl_registry_add(registry, name, RL_GAUGE, RL_DATA), RL_BUILTIN_COUNT + i);
    }
    ck_assert_ptr_eq(rl_registry_find(registry, "m_0"), first);
    ck_assert_str_eq(rl_registry_at(registry, RL_BUILTIN_COUNT + 4999)->name, "m_4999");
}
END_TEST

static Suite *registry_suite(void)
{
    Suite *suite = suite_create("registry");

    rl_case(suite, built_ins_have_constant_ids, set_up, tear_down);
    rl_case(suite, E_300_an_equal_registration_returns_the_same_id, set_up, tear_down);
    rl_case(suite, E_300_a_different_registration_is_an_error, set_up, tear_down);
    rl_case(suite, E_300_names_are_checked, set_up, tear_down);
    rl_case(suite, a_closed_registry_only_answers, set_up, tear_down);
    rl_case(suite, many_metrics_stay_where_they_are, set_up, tear_down);
    return suite;
}

RL_TEST_MAIN(registry_suite)
