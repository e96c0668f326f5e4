/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Executors: engine.md 1.2 and 3.4. Several parts of a scenario, as several workers have them, run on
 * one loop here.
 */
#include "vu/executor.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "vu_rig.h"

enum { PARTS = 3, VUS = 12 };

static struct rl_scenario scenario;
static struct rl_scenario_state state;
static struct rl_executor parts[PARTS];
static struct rl_share shares[PARTS];
static struct rl_vu_pool pools[PARTS];
static unsigned part_count, ended;
static uint64_t begun_at[64];
static unsigned begun, running, most_running;
static bool drawn[64];
static struct rl_vu *stuck[VUS];
static unsigned stuck_count;

static void on_end(struct rl_executor *executor)
{
    ck_assert_int_eq(executor->phase, RL_EXECUTOR_ENDED);
    ck_assert_uint_eq(executor->working, 0);
    ended++;
}

static void over(struct rl_vu *vu, enum rl_outcome outcome)
{
    running--;
    rl_executor_done(vu->executor, vu, outcome);
}

static void note_begin(struct rl_vu *vu)
{
    if (begun < 64)
        begun_at[begun] = rl_clock_ns();
    if (vu->test_iteration < 64) {
        ck_assert(!drawn[vu->test_iteration]);
        drawn[vu->test_iteration] = true;
    }
    begun++;
    running++;
    if (running > most_running)
        most_running = running;
    rig_forget_diary();
}

/* Iterations that end by themselves, at once. */
static void quick(struct rl_vu *vu)
{
    note_begin(vu);
}

/* Iterations that only end from outside. */
static void endless(struct rl_vu *vu)
{
    note_begin(vu);
    rl_vu_hold(vu);
    stuck[stuck_count++] = vu;
}

static void fails(struct rl_vu *vu)
{
    note_begin(vu);
    rl_vu_abort(vu);
}

static struct rl_scenario scenario_of(enum rl_executor_kind kind, int64_t vus, int64_t iterations)
{
    return (struct rl_scenario){.name = "test",
                                .executor = kind,
                                .vus = vus,
                                .iterations = iterations,
                                .duration_ns = 30 * (int64_t)RL_NS_PER_MS,
                                .max_duration_ns = 2000 * (int64_t)RL_NS_PER_MS,
                                .graceful_stop_ns = 2000 * (int64_t)RL_NS_PER_MS,
                                .exec = "default"};
}

static void prepare(unsigned count, uint64_t min_iteration_ns)
{
    part_count = count;
    for (unsigned i = 0; i < count; i++) {
        ck_assert_int_eq(rl_share_equal(&shares[i], i, count), 0);
        ck_assert_int_eq(rl_vu_pool_init(&pools[i], VUS), 0);
        for (int k = 0; k < VUS; k++)
            ck_assert_int_eq(rl_vu_pool_create(&pools[i], &rig.env, &shares[i]), 0);
        ck_assert_int_eq(rl_executor_init(&parts[i], &scenario, &shares[i], &state, &rig.env,
                                          &pools[i], min_iteration_ns),
                         0);
        parts[i].tags = rig_tag("scenario", "test");
        parts[i].on_end = on_end;
    }
    rig_forget_diary();
    rig.over = over;
}

static void start(void (*main)(struct rl_vu *vu))
{
    rig.main = main;
    for (unsigned i = 0; i < part_count; i++)
        rl_executor_start(&parts[i], rl_clock_ns());
}

static void finish(void)
{
    rig_turns(5);
    ck_assert_uint_eq(ended, part_count); /* once each */
    ck_assert_uint_eq(running, 0);
    ck_assert_uint_eq(atomic_load(&state.parts_left), 0);
    for (unsigned i = 0; i < part_count; i++) {
        ck_assert_uint_eq(pools[i].idle_count, VUS);
        ck_assert_uint_eq(atomic_load(&parts[i].figures.active), 0);
        ck_assert_uint_eq(atomic_load(&parts[i].figures.phase), RL_EXECUTOR_ENDED);
        ck_assert_uint_eq(atomic_load(&parts[i].figures.started),
                          atomic_load(&parts[i].figures.completed) +
                              atomic_load(&parts[i].figures.interrupted));
        rl_executor_fini(&parts[i]);
        rl_vu_pool_fini(&pools[i]);
        rl_share_fini(&shares[i]);
    }
}

static uint64_t completed(void)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < part_count; i++)
        sum += atomic_load(&parts[i].figures.completed);
    return sum;
}

static uint64_t interrupted(void)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < part_count; i++)
        sum += atomic_load(&parts[i].figures.interrupted);
    return sum;
}

static void release_all(void)
{
    for (unsigned i = 0; i < stuck_count; i++)
        rl_vu_release(stuck[i]);
    stuck_count = 0;
}

/* While the kernel has many connects to answer VUs begin slowly, but they begin. */
START_TEST(few_begin_while_many_connect)
{
    scenario = scenario_of(RL_CONSTANT_VUS, VUS, 0);
    scenario.duration_ns = 2000 * (int64_t)RL_NS_PER_MS;
    prepare(1, 0);
    rig.net.connecting_count = 100000;
    start(endless);
    rig_until(begun > 0);
    ck_assert_uint_le(begun, 2);
    rig_turn();
    ck_assert_uint_gt(begun, 2);
    ck_assert_uint_le(begun, 4);
    rig.net.connecting_count = 0;
    rig_turn();
    ck_assert_uint_eq(begun, VUS);
    rl_executor_abort(&parts[0]);
    rig_until(ended == 1);
    finish();
}
END_TEST

/* E-220. */
START_TEST(constant_vus_loop_until_the_regular_end)
{
    uint64_t begin_ns = rl_clock_ns();

    scenario = scenario_of(RL_CONSTANT_VUS, 3, 0);
    prepare(1, 0);
    start(quick);
    rig_until(ended == 1);
    ck_assert_uint_ge(rl_clock_ns() - begin_ns, 30 * RL_NS_PER_MS);
    ck_assert_uint_gt(begun, 6);
    ck_assert_uint_eq(completed(), begun);
    ck_assert_double_eq(rig_sum(RL_M_ITERATIONS), begun);
    ck_assert_uint_eq(rig_count(RL_M_DROPPED_ITERATIONS), 0);
    ck_assert_str_eq(rig_tags(RL_M_ITERATIONS), "scenario=test");
    finish();
}
END_TEST

/* E-017: who works may finish; E-220. */
START_TEST(a_graceful_stop)
{
    scenario = scenario_of(RL_CONSTANT_VUS, 4, 0);
    scenario.duration_ns = 200 * (int64_t)RL_NS_PER_MS; /* all have begun by then */
    prepare(1, 0);
    start(endless);
    rig_until(parts[0].phase == RL_EXECUTOR_STOPPING);
    ck_assert_uint_eq(begun, 4);
    ck_assert_uint_eq(ended, 0);
    release_all();
    rig_until(ended == 1);
    ck_assert_uint_eq(begun, 4); /* none began */
    ck_assert_uint_eq(completed(), 4);
    finish();
}
END_TEST

/* E-017: at the hard end they are interrupted; without gracefulStop that is the regular end. */
START_TEST(a_hard_end)
{
    scenario = scenario_of(RL_CONSTANT_VUS, 4, 0);
    scenario.graceful_stop_ns = _i * 20 * (int64_t)RL_NS_PER_MS;
    prepare(1, 0);
    start(endless);
    rig_until(ended == 1);
    ck_assert_uint_eq(interrupted(), 4);
    ck_assert_uint_eq(rig_count(RL_M_ITERATIONS), 0);
    finish();
}
END_TEST

/* E-225: each number once, over all parts; whoever is free takes more. */
START_TEST(shared_iterations)
{
    scenario = scenario_of(RL_SHARED_ITERATIONS, 7, 50);
    prepare((unsigned)_i + 1, 0);
    start(quick);
    rig_until(ended == part_count);
    ck_assert_uint_eq(begun, 50);
    for (unsigned i = 0; i < 50; i++)
        ck_assert(drawn[i]);
    ck_assert_uint_eq(rig_count(RL_M_DROPPED_ITERATIONS), 0);
    finish();
}
END_TEST

/* E-225: what nobody drew is told once, by the part that ends last. */
START_TEST(shared_iterations_that_were_dropped)
{
    scenario = scenario_of(RL_SHARED_ITERATIONS, 6, 50);
    scenario.max_duration_ns = 20 * (int64_t)RL_NS_PER_MS;
    scenario.graceful_stop_ns = 0;
    prepare((unsigned)_i + 1, 0);
    start(endless);
    rig_until(ended == part_count);
    ck_assert_uint_eq(begun, 6);
    ck_assert_uint_eq(rig_count(RL_M_DROPPED_ITERATIONS), 1);
    ck_assert_double_eq(rig_sum(RL_M_DROPPED_ITERATIONS), 44);
    ck_assert_str_eq(rig_tags(RL_M_DROPPED_ITERATIONS), "scenario=test");
    finish();
}
END_TEST

/* E-230. */
START_TEST(iterations_of_each_vu)
{
    scenario = scenario_of(RL_PER_VU_ITERATIONS, 5, 8);
    prepare((unsigned)_i + 1, 0);
    start(quick);
    rig_until(ended == part_count);
    ck_assert_uint_eq(begun, 40);
    for (unsigned i = 0; i < 40; i++) /* striped by workers, not by VUs: gaps where these are uneven */
        ck_assert(drawn[i] || part_count > 1);
    for (unsigned p = 0; p < part_count; p++) {
        for (unsigned i = 0; i < parts[p].vu_count; i++)
            ck_assert_uint_eq(pools[p].vus[i].scenario_iteration, 7);
    }
    ck_assert_uint_eq(rig_count(RL_M_DROPPED_ITERATIONS), 0);
    finish();
}
END_TEST

/* E-230: a VU with n left at the regular end tells n; the running one counts as begun. */
START_TEST(iterations_of_each_vu_that_were_dropped)
{
    scenario = scenario_of(RL_PER_VU_ITERATIONS, 3, 8);
    scenario.max_duration_ns = 20 * (int64_t)RL_NS_PER_MS;
    prepare(1, 0);
    start(endless);
    rig_wait_ms(30);
    release_all();
    rig_until(ended == 1);
    ck_assert_double_eq(rig_sum(RL_M_DROPPED_ITERATIONS), 21);
    ck_assert_uint_eq(rig_count(RL_M_DROPPED_ITERATIONS), 3);
    finish();
}
END_TEST

/* E-016: the rest of the minimum is slept, also after a failure. */
START_TEST(a_minimum_duration)
{
    scenario = scenario_of(RL_PER_VU_ITERATIONS, 1, 3);
    prepare(1, 15 * RL_NS_PER_MS);
    start(_i == 0 ? quick : fails);
    rig_until(ended == 1);
    ck_assert_uint_eq(begun, 3);
    ck_assert_uint_ge(begun_at[1] - begun_at[0], 14 * RL_NS_PER_MS);
    ck_assert_uint_ge(begun_at[2] - begun_at[1], 14 * RL_NS_PER_MS);
    ck_assert_double_lt(rig_sum(RL_M_ITERATION_DURATION), 14); /* without the padding */
    finish();
}
END_TEST

/* A pause ends with the scenario. */
START_TEST(pauses_are_cut_short)
{
    uint64_t begin_ns = rl_clock_ns();

    scenario = scenario_of(RL_CONSTANT_VUS, 3, 0);
    scenario.graceful_stop_ns = _i * (int64_t)RL_NS_PER_S;
    prepare(1, RL_NS_PER_S);
    start(quick);
    rig_wait_ms(10);
    ck_assert_uint_eq(atomic_load(&parts[0].figures.active), 3); /* E-016: they count as active */
    rig_until(ended == 1);
    ck_assert_uint_lt(rl_clock_ns() - begin_ns, 500 * RL_NS_PER_MS);
    ck_assert_uint_eq(completed(), 3);
    finish();
}
END_TEST

/* E-014, E-019: iterations that fail at once count, and do not starve the loop. */
START_TEST(instant_failures)
{
    scenario = scenario_of(RL_SHARED_ITERATIONS, 2, 1000);
    prepare(1, 0);
    start(fails);
    rig_until(ended == 1);
    ck_assert_uint_eq(begun, 1000);
    ck_assert_uint_eq(completed(), 1000);
    ck_assert_double_eq(rig_sum(RL_M_ITERATIONS), 1000);
    finish();
}
END_TEST

/* --- Aborts --- */

/* E-017: aborts have no graceful stop. In the middle, before the start time, before start at all. */
START_TEST(aborting)
{
    static const uint64_t expected[] = {4, 0, 0};

    scenario = scenario_of(_i == 0 ? RL_CONSTANT_VUS : RL_SHARED_ITERATIONS, 4, 100);
    scenario.start_time_ns = _i == 1 ? RL_NS_PER_S : 0;
    scenario.duration_ns = 10 * (int64_t)RL_NS_PER_S;
    prepare(1, 0);
    if (_i < 2) {
        start(endless);
        if (_i == 0)
            rig_until(begun == 4);
        rig_wait_ms(3);
    }
    rl_executor_abort(&parts[0]);
    rl_executor_abort(&parts[0]); /* repeated */
    rig_until(ended == 1);
    if (_i == 2) {
        start(endless); /* too late */
        rig_wait_ms(3);
    }
    rl_executor_abort(&parts[0]);
    ck_assert_uint_eq(interrupted(), expected[_i]);
    ck_assert_uint_eq(rig_count(RL_M_DROPPED_ITERATIONS), 0); /* nothing had begun */
    finish();
}
END_TEST

/* VUs that wait for their first iteration when the abort comes. */
START_TEST(aborting_while_vus_begin)
{
    scenario = scenario_of(RL_CONSTANT_VUS, 8, 0);
    prepare(1, _i == 0 ? 0 : RL_NS_PER_S);
    start(quick);
    rig_until(begun > 0);
    rl_executor_abort(&parts[0]);
    rig_until(ended == 1);
    finish();
}
END_TEST

/* E-201: a part without VUs ends; so do parts that have fewer. */
START_TEST(parts_without_work)
{
    scenario = scenario_of(RL_SHARED_ITERATIONS, 1, 5);
    prepare(3, 0);
    start(quick);
    rig_until(ended == 3);
    ck_assert_uint_eq(begun, 5);
    finish();
}
END_TEST

/* E-012: VUs are numbered anew by each scenario, tags of the last one are gone. */
START_TEST(one_scenario_after_another)
{
    struct rl_executor second;
    struct rl_scenario_state second_state = {0};

    scenario = scenario_of(RL_PER_VU_ITERATIONS, 2, 2);
    prepare(1, 0);
    start(quick);
    rig_until(ended == 1);
    rl_vu_tag(&pools[0].vus[0], "left", "over");
    memset(drawn, 0, sizeof(drawn));
    ck_assert_int_eq(rl_executor_init(&second, &scenario, &shares[0], &second_state, &rig.env,
                                      &pools[0], 0),
                     0);
    second.tags = rig_tag("scenario", "second");
    second.on_end = on_end;
    rl_executor_start(&second, rl_clock_ns());
    rig_until(ended == 2);
    ck_assert_uint_eq(begun, 8);
    ck_assert_uint_eq(pools[0].vus[0].iteration, 3); /* E-011: over all scenarios */
    ck_assert_uint_eq(pools[0].vus[0].scenario_iteration, 1);
    ck_assert_str_eq(rig_tags(RL_M_ITERATIONS), "scenario=test;scenario=second");
    rl_executor_fini(&second);
    ended = 1;
    finish();
}
END_TEST

static void set_up(void)
{
    rig_start(0);
}

static Suite *executor_suite(void)
{
    static const struct {
        const TTest *const *test;
        int loops;
    } tests[] = {
        {&few_begin_while_many_connect, 1},
        {&constant_vus_loop_until_the_regular_end, 1},
        {&a_graceful_stop, 1},
        {&a_hard_end, 2},
        {&shared_iterations, PARTS},
        {&shared_iterations_that_were_dropped, PARTS},
        {&iterations_of_each_vu, PARTS},
        {&iterations_of_each_vu_that_were_dropped, 1},
        {&a_minimum_duration, 2},
        {&pauses_are_cut_short, 2},
        {&instant_failures, 1},
        {&aborting, 3},
        {&aborting_while_vus_begin, 2},
        {&parts_without_work, 1},
        {&one_scenario_after_another, 1},
    };
    Suite *suite = suite_create("executor");

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        rl_case_loop(suite, *tests[i].test, set_up, rig_tear_down, 0, tests[i].loops);
    return suite;
}

RL_TEST_MAIN(executor_suite)
