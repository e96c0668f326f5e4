/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/shard.h"

#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "cases.h"

static struct rl_registry *registry;
static struct rl_shard shard;

static void set_up(void)
{
    registry = rl_registry_new();
    rl_registry_close(registry);
    ck_assert_int_eq(rl_shard_init(&shard, registry), 0);
}

static void tear_down(void)
{
    rl_shard_fini(&shard);
    rl_registry_free(registry);
}

static const struct rl_tagset *tag(const char *value)
{
    return rl_tags_with(shard.tags, rl_tags_empty(shard.tags), "scenario", value);
}

START_TEST(a_series_has_one_number)
{
    uint32_t a = rl_shard_series(&shard, RL_M_TCP_READS, tag("a"));
    uint32_t b = rl_shard_series(&shard, RL_M_TCP_READS, tag("b"));
    uint32_t c = rl_shard_series(&shard, RL_M_TCP_WRITES, tag("a"));

    ck_assert_uint_gt(a, RL_SERIES_LOST);
    ck_assert(a != b && b != c && a != c);
    ck_assert_uint_eq(rl_shard_series(&shard, RL_M_TCP_READS, tag("a")), a);
    ck_assert_uint_eq(rl_shard_series_count(&shard), 5);
    ck_assert_uint_eq(rl_shard_series_at(&shard, b).metric->id, RL_M_TCP_READS);
    ck_assert_ptr_eq(rl_shard_series_at(&shard, b).tags, tag("b"));
    ck_assert_ptr_null(rl_shard_series_at(&shard, RL_SERIES_LOST).metric);
}
END_TEST

START_TEST(what_is_added_is_published)
{
    uint32_t reads = rl_shard_series(&shard, RL_M_TCP_READS, tag("a"));
    uint32_t duration = rl_shard_series(&shard, RL_M_ITERATION_DURATION, tag("a"));
    uint32_t vus = rl_shard_series(&shard, RL_M_VUS, tag("a"));
    struct rl_delta *delta;

    ck_assert_ptr_null(rl_shard_take(&shard));
    shard.now_ns = 77;
    rl_shard_count(&shard, reads, 1);
    rl_shard_count(&shard, reads, 2);
    rl_shard_add(&shard, reads, 3);
    rl_shard_add(&shard, duration, 1.5);
    rl_shard_add(&shard, vus, 4);
    ck_assert(rl_shard_flush(&shard));
    delta = rl_shard_take(&shard);
    ck_assert_ptr_nonnull(delta);
    ck_assert_uint_eq(delta->sinks[reads].count, 3);
    ck_assert_double_eq(delta->sinks[reads].sum, 6);
    ck_assert_double_eq(delta->sinks[duration].max, 1.5);
    ck_assert_double_eq(delta->sinks[vus].last, 4);
    ck_assert_uint_eq(delta->sinks[vus].last_ns, 77);
    ck_assert_ptr_null(rl_shard_take(&shard));
}
END_TEST

START_TEST(a_flush_waits_until_the_half_came_back)
{
    uint32_t reads = rl_shard_series(&shard, RL_M_TCP_READS, tag("a"));
    struct rl_delta *delta;

    rl_shard_count(&shard, reads, 1);
    ck_assert(rl_shard_flush(&shard));
    rl_shard_count(&shard, reads, 10);
    ck_assert(!rl_shard_flush(&shard));
    delta = rl_shard_take(&shard);
    ck_assert_double_eq(delta->sinks[reads].sum, 1);
    ck_assert(!rl_shard_flush(&shard));
    rl_shard_count(&shard, reads, 10);
    rl_delta_clear(delta);
    rl_shard_give(&shard, delta);
    ck_assert(rl_shard_flush(&shard));
    delta = rl_shard_take(&shard);
    ck_assert_double_eq(delta->sinks[reads].sum, 20);
}
END_TEST

START_TEST(series_made_in_between_fit_in_both_halves)
{
    char value[32];
    double total = 0;

    for (int round = 0; round < 20; round++) {
        struct rl_delta *delta;

        for (int i = 0; i < 50; i++) {
            snprintf(value, sizeof(value), "%d-%d", round, i);
            rl_shard_count(&shard, rl_shard_series(&shard, RL_M_ITERATIONS, tag(value)), 1);
        }
        ck_assert(rl_shard_flush(&shard));
        delta = rl_shard_take(&shard);
        ck_assert_uint_eq(delta->count, rl_shard_series_count(&shard));
        for (uint32_t s = 0; s < delta->count; s++)
            total += delta->sinks[s].sum;
        rl_delta_clear(delta);
        rl_shard_give(&shard, delta);
    }
    ck_assert_double_eq(total, 1000);
}
END_TEST

START_TEST(E_306_the_steady_state_does_not_allocate)
{
    uint32_t duration = rl_shard_series(&shard, RL_M_ITERATION_DURATION, tag("a"));
    size_t before = 0;

    for (int round = 0; round < 6; round++) {
        struct rl_delta *delta;

        if (round == 3)
            before = mallinfo2().uordblks;
        for (int i = 1; i <= 5000; i++)
            rl_shard_add(&shard, duration, i / 100.0);
        ck_assert_uint_eq(rl_shard_series(&shard, RL_M_ITERATION_DURATION, tag("a")), duration);
        ck_assert(rl_shard_flush(&shard));
        delta = rl_shard_take(&shard);
        rl_delta_clear(delta);
        rl_shard_give(&shard, delta);
    }
    ck_assert_uint_eq(mallinfo2().uordblks, before);
}
END_TEST

enum { SAMPLES = 300000, SERIES = 400 };

static atomic_bool ended;

/* A worker: ever new series, and a flush now and then. */
static void *work(void *arg)
{
    uint32_t numbers[SERIES] = {0};
    char value[32];

    (void)arg;
    for (int i = 0; i < SAMPLES; i++) {
        int which = i % (1 + i * SERIES / SAMPLES);

        if (numbers[which] == 0) {
            snprintf(value, sizeof(value), "%d", which);
            numbers[which] = rl_shard_series(
                &shard, which % 2 ? RL_M_TCP_READS : RL_M_GROUP_DURATION, tag(value));
        }
        rl_shard_add(&shard, numbers[which], 1);
        if (i % 1000 == 0)
            rl_shard_flush(&shard);
    }
    while (!rl_shard_flush(&shard))
        continue;
    atomic_store(&ended, true);
    return NULL;
}

static uint64_t collect(struct rl_delta *delta)
{
    uint64_t total = 0;

    for (uint32_t s = 0; s < delta->count; s++) {
        struct rl_series series = rl_shard_series_at(&shard, s);

        if (delta->sinks[s].count == 0)
            continue;
        ck_assert_ptr_nonnull(series.metric);
        ck_assert_ptr_nonnull(rl_tagset_get(series.tags, "scenario"));
        total += delta->sinks[s].count;
    }
    rl_delta_clear(delta);
    rl_shard_give(&shard, delta);
    return total;
}

START_TEST(no_sample_is_lost_between_two_threads)
{
    struct rl_delta *delta;
    uint64_t total = 0;
    pthread_t worker;

    ck_assert_int_eq(pthread_create(&worker, NULL, work, NULL), 0);
    while (!atomic_load(&ended)) {
        delta = rl_shard_take(&shard);
        if (delta != NULL)
            total += collect(delta);
    }
    pthread_join(worker, NULL);
    delta = rl_shard_take(&shard);
    if (delta != NULL)
        total += collect(delta);
    ck_assert_uint_eq(total, SAMPLES);
}
END_TEST

static Suite *shard_suite(void)
{
    Suite *suite = suite_create("shard");

    rl_case(suite, a_series_has_one_number, set_up, tear_down);
    rl_case(suite, what_is_added_is_published, set_up, tear_down);
    rl_case(suite, a_flush_waits_until_the_half_came_back, set_up, tear_down);
    rl_case(suite, series_made_in_between_fit_in_both_halves, set_up, tear_down);
    rl_case(suite, E_306_the_steady_state_does_not_allocate, set_up, tear_down);
    rl_case(suite, no_sample_is_lost_between_two_threads, set_up, tear_down);
    return suite;
}

RL_TEST_MAIN(shard_suite)
