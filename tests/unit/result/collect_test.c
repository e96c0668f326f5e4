/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "result/collect.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/log.h"
#include "base/rng.h"
#include "cases.h"

enum { SHARDS = 3 };

static struct rl_registry *registry;
static struct rl_collect *collect;
static struct rl_shard shards[SHARDS];
static int rtt;

static void set_up(void)
{
    registry = rl_registry_new();
    rtt = rl_registry_add(registry, "echo_rtt", RL_TREND, RL_TIME);
    rl_registry_close(registry);
    collect = rl_collect_new(registry);
    ck_assert_ptr_nonnull(collect);
    for (int i = 0; i < SHARDS; i++)
        ck_assert_int_eq(rl_shard_init(&shards[i], registry), 0);
}

static void tear_down(void)
{
    rl_collect_free(collect);
    for (int i = 0; i < SHARDS; i++)
        rl_shard_fini(&shards[i]);
    rl_registry_free(registry);
}

static void add(struct rl_shard *shard, int metric, const struct rl_tag *pairs, size_t count,
                double value)
{
    const struct rl_tagset *tags = rl_tags_of(shard->tags, pairs, count);

    rl_shard_add(shard, rl_shard_series(shard, (uint32_t)metric, tags), value);
}

static void add_plain(struct rl_shard *shard, int metric, double value)
{
    add(shard, metric, NULL, 0, value);
}

static void take(struct rl_shard *shard)
{
    ck_assert(rl_shard_flush(shard));
    ck_assert(rl_collect_shard(collect, shard));
}

START_TEST(shards_come_together)
{
    const struct rl_tag one[] = {{"scenario", "a"}, {"group", ""}};
    const struct rl_tag two[] = {{"group", ""}, {"scenario", "a"}};
    const struct rl_sink *sink;

    ck_assert(!rl_collect_shard(collect, &shards[0]));
    add(&shards[0], RL_M_TCP_READS, one, 2, 5);
    add_plain(&shards[1], RL_M_ITERATIONS, 1); /* so that numbers differ among shards */
    add(&shards[1], RL_M_TCP_READS, two, 2, 7);
    add(&shards[1], rtt, two, 2, 1.5);
    add(&shards[0], rtt, one, 2, 2.5);
    take(&shards[0]);
    take(&shards[1]);
    ck_assert_uint_eq(rl_collect_series_count(collect), 3);
    sink = rl_collect_metric(collect, RL_M_TCP_READS);
    ck_assert_double_eq(sink->sum, 12);
    ck_assert_double_eq(rl_collect_metric(collect, RL_M_ITERATIONS)->sum, 1);
    ck_assert_double_eq(rl_sink_percentile(rl_collect_metric(collect, (uint32_t)rtt), 50), 2);
    ck_assert_uint_eq(rl_collect_metric(collect, RL_M_TCP_WRITES)->count, 0);
    add(&shards[0], RL_M_TCP_READS, one, 2, 100);
    take(&shards[0]);
    ck_assert_double_eq(sink->sum, 112);
    ck_assert_uint_eq(rl_collect_lost(collect), 0);
}
END_TEST

START_TEST(the_last_gauge_by_time_wins)
{
    for (uint64_t i = 0; i < 3; i++) {
        shards[i].now_ns = 100 - 10 * i;
        add_plain(&shards[i], RL_M_VUS, (double)i);
        take(&shards[i]);
    }
    ck_assert_double_eq(rl_collect_metric(collect, RL_M_VUS)->last, 0);
    ck_assert_double_eq(rl_collect_metric(collect, RL_M_VUS)->max, 2);
}
END_TEST

START_TEST(E_331_a_selection_sees_past_and_future)
{
    const struct rl_tag a64[] = {{"size", "64"}, {"scenario", "a"}};
    const struct rl_tag b64[] = {{"size", "64"}, {"scenario", "b"}};
    const struct rl_tag a99[] = {{"size", "99"}, {"scenario", "a"}};
    const struct rl_sink *by_size, *by_both, *all;

    add(&shards[0], rtt, a64, 2, 1);
    add(&shards[0], rtt, a99, 2, 10);
    take(&shards[0]);
    by_size = rl_collect_select(collect, (uint32_t)rtt, a64, 1);
    by_both = rl_collect_select(collect, (uint32_t)rtt, a64, 2);
    all = rl_collect_select(collect, (uint32_t)rtt, NULL, 0);
    ck_assert_ptr_eq(rl_collect_select(collect, (uint32_t)rtt, b64, 1), by_size);
    ck_assert_double_eq(by_size->sum, 1);
    add(&shards[1], rtt, b64, 2, 2); /* a series that is new */
    add(&shards[0], rtt, a64, 2, 4); /* one that is not */
    add(&shards[0], RL_M_GROUP_DURATION, a64, 2, 100);
    take(&shards[0]);
    take(&shards[1]);
    ck_assert_double_eq(by_size->sum, 7);
    ck_assert_double_eq(by_both->sum, 5);
    ck_assert_double_eq(all->sum, 17);
    ck_assert_double_eq(rl_sink_percentile(by_size, 50), 2);
}
END_TEST

static void check(struct rl_shard *shard, const char *group, const char *name, double value)
{
    const struct rl_tag pairs[] = {{"check", name}, {"group", group}};

    add(shard, RL_M_CHECKS, pairs, 2, value);
}

START_TEST(E_401_checks_are_listed_as_first_seen)
{
    static const struct {
        const char *group, *name;
        double passes;
        uint64_t total;
    } rows[] = {{"", "zeta", 2, 3}, {"::g", "alpha", 1, 1}, {"::g", "zeta", 0, 1}};
    const struct rl_tag other_scenario[] = {{"check", "zeta"}, {"scenario", "x"}};

    check(&shards[0], "", "zeta", 1);
    check(&shards[0], "::g", "alpha", 1);
    take(&shards[0]);
    check(&shards[1], "::g", "zeta", 0);
    check(&shards[1], "", "zeta", 0);
    add(&shards[1], RL_M_CHECKS, other_scenario, 2, 1); /* no group is the group "" */
    add_plain(&shards[1], RL_M_CHECKS, 1);              /* without a name: not in the list */
    take(&shards[1]);
    ck_assert_uint_eq(rl_collect_check_count(collect), 3);
    for (size_t i = 0; i < 3; i++) {
        const struct rl_collect_check *got = rl_collect_check_at(collect, i);

        ck_assert_str_eq(got->group, rows[i].group);
        ck_assert_str_eq(got->name, rows[i].name);
        ck_assert_double_eq(got->sink.sum, rows[i].passes);
        ck_assert_uint_eq(got->sink.count, rows[i].total);
    }
    ck_assert_uint_eq(rl_collect_metric(collect, RL_M_CHECKS)->count, 6);
}
END_TEST

START_TEST(groups_come_after_their_ancestors)
{
    static const char *const expected[] = {"::a", "::a::b", "::a::b::c d", "::z", "::setup"};
    const struct rl_tag deep[] = {{"group", "::a::b::c d"}, {"scenario", "s"}};
    const struct rl_names *groups;

    add(&shards[0], RL_M_GROUP_DURATION, deep, 2, 1);
    check(&shards[0], "::a::b", "x", 1);
    check(&shards[0], "::z", "x", 1);
    check(&shards[0], "::setup", "x", 1);
    add(&shards[0], RL_M_DATA_SENT, &(struct rl_tag){"group", "::teardown"}, 1, 0);
    take(&shards[0]);
    groups = rl_collect_groups(collect);
    ck_assert_uint_eq(groups->count, 5);
    for (size_t i = 0; i < 5; i++)
        ck_assert_str_eq(groups->texts[i], expected[i]);
    ck_assert_uint_eq(rl_collect_scenarios(collect)->count, 1);
    ck_assert_str_eq(rl_collect_scenarios(collect)->texts[0], "s");
}
END_TEST

START_TEST(draining_takes_both_halves_and_forgets_the_shard)
{
    add_plain(&shards[0], RL_M_ITERATIONS, 1);
    ck_assert(rl_shard_flush(&shards[0]));
    add_plain(&shards[0], RL_M_ITERATIONS, 10);
    add_plain(&shards[0], RL_M_TCP_READS, 1);
    rl_collect_drain(collect, &shards[0]);
    ck_assert_double_eq(rl_collect_metric(collect, RL_M_ITERATIONS)->sum, 11);

    /* Another shard in the same place, with other series under the same numbers. */
    rl_shard_fini(&shards[0]);
    ck_assert_int_eq(rl_shard_init(&shards[0], registry), 0);
    add_plain(&shards[0], RL_M_TCP_WRITES, 3);
    rl_collect_drain(collect, &shards[0]);
    ck_assert_double_eq(rl_collect_metric(collect, RL_M_ITERATIONS)->sum, 11);
    ck_assert_double_eq(rl_collect_metric(collect, RL_M_TCP_WRITES)->sum, 3);
    rl_collect_drain(collect, &shards[0]);
    ck_assert_double_eq(rl_collect_metric(collect, RL_M_TCP_WRITES)->sum, 3);
}
END_TEST

START_TEST(what_no_series_takes_is_counted_as_lost)
{
    rl_shard_add(&shards[0], RL_SERIES_LOST, 5);
    rl_shard_count(&shards[0], RL_SERIES_LOST, 5);
    rl_collect_drain(collect, &shards[0]);
    ck_assert_uint_eq(rl_collect_lost(collect), 2);
    ck_assert_uint_eq(rl_collect_series_count(collect), 0);
}
END_TEST

START_TEST(E_323_a_warning_at_each_doubling)
{
    const struct rl_log_config config = {.level = RL_LOG_WARN};
    char value[32];

    rl_log_open(&config);
    for (int i = 0; i < 200000; i++) {
        const struct rl_tag pair = {"n", value};

        snprintf(value, sizeof(value), "%d", i);
        add(&shards[0], RL_M_TCP_READS, &pair, 1, 1);
        if (i == 99998 || i == 99999 || i == 199998) {
            take(&shards[0]);
            ck_assert_uint_eq(rl_log_count(RL_LOG_WARN), i == 99998 ? 0 : 1);
        }
    }
    take(&shards[0]);
    ck_assert_uint_eq(rl_log_count(RL_LOG_WARN), 2);
    ck_assert_uint_eq(rl_collect_series_count(collect), 200000);
    ck_assert_double_eq(rl_collect_metric(collect, RL_M_TCP_READS)->sum, 200000);
}
END_TEST

enum { SAMPLES = 100000, KINDS = 50 };

static atomic_int running;

/* A worker: counters and trends over some tag sets, flushed now and then, the rest left over. */
static void *work(void *arg)
{
    struct rl_shard *shard = arg;
    struct rl_rng rng;
    char value[32];

    rl_rng_init(&rng, (uint64_t)(shard - shards));
    for (int i = 0; i < SAMPLES; i++) {
        const struct rl_tag pair = {"kind", value};

        snprintf(value, sizeof(value), "%d", (int)rl_rng_below(&rng, KINDS));
        add(shard, RL_M_TCP_READS, &pair, 1, 1);
        add(shard, rtt, &pair, 1, (double)(1 + rl_rng_below(&rng, 100)));
        if (i % 500 == 0)
            rl_shard_flush(shard);
    }
    atomic_fetch_sub(&running, 1);
    return NULL;
}

START_TEST(totals_are_conserved_over_threads)
{
    pthread_t threads[SHARDS];
    const struct rl_sink *values;
    uint64_t sum = 0;

    atomic_store(&running, SHARDS);
    for (int i = 0; i < SHARDS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &shards[i]), 0);
    while (atomic_load(&running) > 0) {
        for (int i = 0; i < SHARDS; i++)
            rl_collect_shard(collect, &shards[i]);
    }
    for (int i = 0; i < SHARDS; i++) {
        pthread_join(threads[i], NULL);
        rl_collect_drain(collect, &shards[i]);
    }
    ck_assert_uint_eq(rl_collect_metric(collect, RL_M_TCP_READS)->count, SHARDS * SAMPLES);
    ck_assert_double_eq(rl_collect_metric(collect, RL_M_TCP_READS)->sum, SHARDS * SAMPLES);
    values = rl_collect_metric(collect, (uint32_t)rtt);
    ck_assert_uint_eq(values->count, SHARDS * SAMPLES);
    ck_assert_double_eq(values->min, 1);
    ck_assert_double_eq(values->max, 100);
    ck_assert_double_eq_tol(rl_sink_percentile(values, 50), 50.5, 1.1);
    ck_assert_uint_eq(rl_collect_series_count(collect), 2 * KINDS);
    for (size_t i = 0; i < 2 * KINDS; i++)
        sum += rl_collect_series_at(collect, i)->sink.count;
    ck_assert_uint_eq(sum, 2 * SHARDS * SAMPLES);
}
END_TEST

static Suite *collect_suite(void)
{
    Suite *suite = suite_create("collect");

    rl_case(suite, shards_come_together, set_up, tear_down);
    rl_case(suite, the_last_gauge_by_time_wins, set_up, tear_down);
    rl_case(suite, E_331_a_selection_sees_past_and_future, set_up, tear_down);
    rl_case(suite, E_401_checks_are_listed_as_first_seen, set_up, tear_down);
    rl_case(suite, groups_come_after_their_ancestors, set_up, tear_down);
    rl_case(suite, draining_takes_both_halves_and_forgets_the_shard, set_up, tear_down);
    rl_case(suite, what_no_series_takes_is_counted_as_lost, set_up, tear_down);
    rl_case(suite, E_323_a_warning_at_each_doubling, set_up, tear_down);
    rl_case(suite, totals_are_conserved_over_threads, set_up, tear_down);
    return suite;
}

RL_TEST_MAIN(collect_suite)
