/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "result/summary.h"

#include <string.h>

#include "base/clock.h"
#include "cases.h"

static struct rl_registry *registry;
static struct rl_collect *collect;
static struct rl_shard shard;
static struct rl_summary summary;
static struct rl_stat stats[3];
static struct rl_summary_config config;
static int rtt, rate, unused;

static void set_up(void)
{
    registry = rl_registry_new();
    rtt = rl_registry_add(registry, "echo_rtt", RL_TREND, RL_TIME);
    rate = rl_registry_add(registry, "ok_rate", RL_RATE, RL_DEFAULT);
    unused = rl_registry_add(registry, "unused", RL_COUNTER, RL_DEFAULT);
    rl_registry_close(registry);
    collect = rl_collect_new(registry);
    ck_assert_int_eq(rl_shard_init(&shard, registry), 0);
    ck_assert_int_eq(rl_stat_parse("max", &stats[0]), 0);
    ck_assert_int_eq(rl_stat_parse("p(50)", &stats[1]), 0);
    ck_assert_int_eq(rl_stat_parse("count", &stats[2]), 0);
    config = (struct rl_summary_config){
        .stats = stats,
        .stat_count = 3,
        .clock_ns = 10 * RL_NS_PER_S,
    };
}

static void tear_down(void)
{
    rl_summary_fini(&summary);
    rl_collect_free(collect);
    rl_shard_fini(&shard);
    rl_registry_free(registry);
}

/* A sample with scenario, group and check, each NULL for none. */
static void add(int metric, const char *scenario, const char *group, const char *check,
                double value)
{
    const struct rl_tagset *tags = rl_tags_empty(shard.tags);

    if (scenario != NULL)
        tags = rl_tags_with(shard.tags, tags, "scenario", scenario);
    if (group != NULL)
        tags = rl_tags_with(shard.tags, tags, "group", group);
    if (check != NULL)
        tags = rl_tags_with(shard.tags, tags, "check", check);
    rl_shard_add(&shard, rl_shard_series(&shard, (uint32_t)metric, tags), value);
}

static void build(void)
{
    rl_collect_drain(collect, &shard);
    ck_assert_int_eq(rl_summary_init(&summary, collect, &config), 0);
}

static const struct rl_summary_metric *metric(const struct rl_summary_part *part, const char *name)
{
    for (size_t i = 0; i < part->metric_count; i++) {
        if (strcmp(part->metrics[i].name, name) == 0)
            return &part->metrics[i];
    }
    return NULL;
}

static void check_value(const struct rl_summary_metric *metric_, size_t i, const char *name,
                        double value)
{
    ck_assert_ptr_nonnull(metric_);
    ck_assert_uint_lt(i, metric_->value_count);
    ck_assert_str_eq(metric_->values[i].name, name);
    ck_assert_double_eq_tol(metric_->values[i].value, value, 1e-12);
}

START_TEST(E_420_values_by_type)
{
    add(RL_M_ITERATIONS, "a", "", NULL, 20);
    add(RL_M_ITERATIONS, "b", "", NULL, 5);
    shard.now_ns = 1;
    add(RL_M_VUS, NULL, NULL, NULL, 9);
    shard.now_ns = 2;
    add(RL_M_VUS, NULL, NULL, NULL, 4);
    for (int i = 0; i < 4; i++)
        add(rate, NULL, NULL, NULL, i == 0);
    add(rtt, NULL, NULL, NULL, 2);
    add(rtt, NULL, NULL, NULL, 4);
    build();
    check_value(metric(&summary.total, "iterations"), 0, "count", 25);
    check_value(metric(&summary.total, "iterations"), 1, "rate", 2.5);
    check_value(metric(&summary.total, "vus"), 0, "value", 4);
    check_value(metric(&summary.total, "vus"), 1, "min", 4);
    check_value(metric(&summary.total, "vus"), 2, "max", 9);
    check_value(metric(&summary.total, "ok_rate"), 0, "rate", 0.25);
    check_value(metric(&summary.total, "ok_rate"), 1, "passes", 1);
    check_value(metric(&summary.total, "ok_rate"), 2, "fails", 3);
    check_value(metric(&summary.total, "echo_rtt"), 0, "max", 4);
    check_value(metric(&summary.total, "echo_rtt"), 1, "p(50)", 3);
    check_value(metric(&summary.total, "echo_rtt"), 2, "count", 2);
    ck_assert_uint_eq(metric(&summary.total, "echo_rtt")->value_count, 3);
    ck_assert_uint_eq(summary.clock_ns, config.clock_ns);
}
END_TEST

START_TEST(metrics_without_samples_are_left_out_and_the_rest_sorted)
{
    add(rtt, NULL, NULL, NULL, 2);
    add(RL_M_DATA_SENT, NULL, NULL, NULL, 0);
    add(RL_M_VUS, NULL, NULL, NULL, 1);
    build();
    ck_assert_ptr_null(metric(&summary.total, "unused"));
    ck_assert_uint_eq(summary.total.metric_count, 3);
    ck_assert_str_eq(summary.total.metrics[0].name, "data_sent");
    ck_assert_str_eq(summary.total.metrics[1].name, "echo_rtt");
    ck_assert_str_eq(summary.total.metrics[2].name, "vus");
}
END_TEST

START_TEST(a_clock_of_zero_has_rates_of_zero)
{
    config.clock_ns = 0;
    add(RL_M_ITERATIONS, NULL, NULL, NULL, 5);
    build();
    check_value(metric(&summary.total, "iterations"), 1, "rate", 0);
}
END_TEST

START_TEST(an_empty_run_has_an_empty_summary)
{
    config.full = true;
    build();
    ck_assert_uint_eq(summary.total.metric_count, 0);
    ck_assert_uint_eq(summary.total.check_count, 0);
    ck_assert_uint_eq(summary.root.group_count, 0);
    ck_assert_uint_eq(summary.scenario_count, 0);
}
END_TEST

static void check_check(const struct rl_summary_part *part, size_t i, const char *name,
                        uint64_t passes, uint64_t fails)
{
    ck_assert_uint_lt(i, part->check_count);
    ck_assert_str_eq(part->checks[i].name, name);
    ck_assert_uint_eq(part->checks[i].passes, passes);
    ck_assert_uint_eq(part->checks[i].fails, fails);
}

START_TEST(E_401_checks_by_name_and_E_420_by_group)
{
    const struct rl_summary_part *a, *b;

    add(RL_M_CHECKS, "s", "", "second by name", 1);
    add(RL_M_CHECKS, "s", "::a::b", "first by name", 1);
    add(RL_M_CHECKS, "t", "::a::b", "first by name", 0);
    add(RL_M_CHECKS, "t", "::a", "second by name", 0);
    build();
    ck_assert_uint_eq(summary.total.check_count, 2);
    check_check(&summary.total, 0, "second by name", 1, 1);
    check_check(&summary.total, 1, "first by name", 1, 1);
    ck_assert_uint_eq(summary.root.check_count, 1);
    check_check(&summary.root, 0, "second by name", 1, 0);
    ck_assert_uint_eq(summary.root.group_count, 1);
    a = &summary.root.groups[0];
    ck_assert_str_eq(a->name, "a");
    ck_assert_str_eq(a->path, "::a");
    check_check(a, 0, "second by name", 0, 1);
    ck_assert_uint_eq(a->group_count, 1);
    b = &a->groups[0];
    ck_assert_str_eq(b->name, "b");
    ck_assert_str_eq(b->path, "::a::b");
    check_check(b, 0, "first by name", 1, 1);
    ck_assert_uint_eq(b->metric_count, 0);
}
END_TEST

START_TEST(E_402_full_mode_has_groups_and_scenarios)
{
    const struct rl_summary_part *groups = &summary.groups;

    config.full = true;
    add(RL_M_DATA_SENT, NULL, "::setup", NULL, 1000);
    add(RL_M_CHECKS, NULL, "::setup", "in setup", 1);
    add(rtt, "default", "::g", NULL, 1);
    add(rtt, NULL, "::g", NULL, 3);
    add(rtt, "zoo", "::g", NULL, 100);
    add(RL_M_CHECKS, "default", "::g::inner", "ok", 1);
    add(RL_M_CHECKS, "zoo", "::only zoo", "ok", 0);
    add(RL_M_ITERATIONS, "bar", "", NULL, 7);
    build();

    ck_assert_uint_eq(groups->group_count, 1);
    ck_assert_str_eq(groups->groups[0].name, "g");
    check_value(metric(&groups->groups[0], "echo_rtt"), 0, "max", 3);
    ck_assert_uint_eq(groups->groups[0].group_count, 1);
    check_check(&groups->groups[0].groups[0], 0, "ok", 1, 0);

    ck_assert_uint_eq(summary.scenario_count, 2);
    ck_assert_str_eq(summary.scenarios[0].name, "bar");
    ck_assert_uint_eq(summary.scenarios[0].group_count, 0);
    check_value(metric(&summary.scenarios[0], "iterations"), 0, "count", 7);
    ck_assert_str_eq(summary.scenarios[1].name, "zoo");
    check_value(metric(&summary.scenarios[1], "echo_rtt"), 0, "max", 100);
    check_check(&summary.scenarios[1], 0, "ok", 0, 1);
    ck_assert_uint_eq(summary.scenarios[1].group_count, 2);
    ck_assert_str_eq(summary.scenarios[1].groups[1].name, "only zoo");
    ck_assert_uint_eq(summary.total.check_count, 2);
}
END_TEST

static Suite *summary_suite(void)
{
    Suite *suite = suite_create("summary");

    rl_case(suite, E_420_values_by_type, set_up, tear_down);
    rl_case(suite, metrics_without_samples_are_left_out_and_the_rest_sorted, set_up, tear_down);
    rl_case(suite, a_clock_of_zero_has_rates_of_zero, set_up, tear_down);
    rl_case(suite, an_empty_run_has_an_empty_summary, set_up, tear_down);
    rl_case(suite, E_401_checks_by_name_and_E_420_by_group, set_up, tear_down);
    rl_case(suite, E_402_full_mode_has_groups_and_scenarios, set_up, tear_down);
    return suite;
}

RL_TEST_MAIN(summary_suite)
