/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop/timer_wheel.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/rng.h"
#include "cases.h"

enum { TIMERS = 200, STEPS = 20000 };

#define TICK_NS UINT64_C(16384)

/* The model: each timer's due time in a plain array, searched from end to end. */
struct entry {
    struct rl_timer timer;
    uint64_t due_ns; /* as armed */
    bool armed;
    uint64_t fired_count;
};

static struct entry entries[TIMERS];
static struct rl_timer_wheel wheel;
static struct rl_rng rng;
static uint64_t now_ns, last_fired_tick;
static bool advancing, meddle;

static struct entry *random_entry(void)
{
    return &entries[rl_rng_below(&rng, TIMERS)];
}

/* Spread over all levels: a random number of bits, sometimes in the past. */
static uint64_t random_due(void)
{
    uint64_t distance = rl_rng_next(&rng) >> (14 + rl_rng_below(&rng, 50));

    if (rl_rng_below(&rng, 10) == 0)
        return now_ns - now_ns % (distance + 1);
    return now_ns + distance;
}

static void arm(struct entry *entry)
{
    entry->due_ns = random_due();
    entry->armed = true;
    rl_timer_arm(&wheel, &entry->timer, entry->due_ns);
}

static void cancel(struct entry *entry)
{
    entry->armed = false;
    rl_timer_cancel(&entry->timer);
}

static void on_fire(struct rl_timer *timer)
{
    struct entry *entry = rl_container_of(timer, struct entry, timer);

    rl_require(advancing);
    rl_require(entry->armed);
    rl_require(entry->due_ns <= now_ns);
    rl_require(timer->due_tick >= last_fired_tick);
    last_fired_tick = timer->due_tick;
    entry->armed = false;
    entry->fired_count++;
    if (meddle) {
        if (rl_rng_below(&rng, 3) == 0)
            arm(random_entry());
        if (rl_rng_below(&rng, 3) == 0)
            cancel(random_entry());
    }
}

static void setup(void)
{
    rl_rng_init(&rng, 1);
    now_ns = 123456789 * RL_NS_PER_MS;
    meddle = false;
    rl_timer_wheel_init(&wheel, now_ns);
    for (int i = 0; i < TIMERS; i++) {
        entries[i] = (struct entry){.armed = false};
        rl_timer_init(&entries[i].timer, on_fire);
    }
}

static size_t advance(uint64_t to_ns)
{
    size_t fired;

    advancing = true;
    last_fired_tick = 0;
    now_ns = to_ns;
    fired = rl_timer_wheel_advance(&wheel, to_ns, SIZE_MAX);
    advancing = false;
    rl_require(wheel.now_tick == to_ns / TICK_NS);
    rl_timer_wheel_check(&wheel);
    return fired;
}

START_TEST(fires_never_early_and_late_by_a_tick_at_most)
{
    static const uint64_t distances[] = {0,
                                         1,
                                         TICK_NS - 1,
                                         TICK_NS,
                                         TICK_NS + 1,
                                         RL_NS_PER_MS,
                                         64 * TICK_NS,
                                         RL_NS_PER_S,
                                         4096 * TICK_NS,
                                         30 * RL_NS_PER_S,
                                         3600 * RL_NS_PER_S};

    for (size_t i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
        uint64_t due = now_ns + 7 + distances[i];

        entries[0].due_ns = due;
        entries[0].armed = true;
        rl_timer_arm(&wheel, &entries[0].timer, due);
        ck_assert_uint_eq(advance(due - 1 < now_ns ? now_ns : due - 1), 0);
        ck_assert_uint_eq(advance(due + TICK_NS), 1);
    }
}
END_TEST

START_TEST(idle_timers_may_be_cancelled_again)
{
    rl_timer_cancel(&entries[0].timer);
    arm(&entries[0]);
    cancel(&entries[0]);
    cancel(&entries[0]);
    ck_assert_uint_eq(advance(UINT64_MAX / 2), 0);
}
END_TEST

START_TEST(arming_again_moves_the_deadline)
{
    entries[0].armed = true;
    entries[0].due_ns = now_ns + RL_NS_PER_S;
    rl_timer_arm(&wheel, &entries[0].timer, now_ns + RL_NS_PER_MS);
    rl_timer_arm(&wheel, &entries[0].timer, entries[0].due_ns);
    ck_assert_uint_eq(advance(now_ns + RL_NS_PER_S / 2), 0);
    ck_assert_uint_eq(advance(now_ns + RL_NS_PER_S), 1);
}
END_TEST

static struct rl_timer again;
static unsigned again_count;

static void arm_in_the_past(struct rl_timer *timer)
{
    again_count++;
    rl_timer_arm(&wheel, timer, 0);
}

START_TEST(armed_in_the_past_by_a_callback_fires_in_the_next_call)
{
    again_count = 0;
    rl_timer_init(&again, arm_in_the_past);
    rl_timer_arm(&wheel, &again, 0);
    for (unsigned i = 1; i <= 3; i++) {
        ck_assert_uint_eq(rl_timer_wheel_advance(&wheel, now_ns, SIZE_MAX), 1);
        ck_assert_uint_eq(again_count, i);
    }
}
END_TEST

/* The rest is due at once, in order, and can be cancelled and moved like any other. */
START_TEST(no_more_fire_than_the_limit_and_the_next_call_goes_on)
{
    const uint64_t due = now_ns + RL_NS_PER_MS, later = due + RL_NS_PER_S;

    for (int i = 0; i < 10; i++) {
        entries[i].armed = true;
        entries[i].due_ns = due + (uint64_t)i * TICK_NS;
        rl_timer_arm(&wheel, &entries[i].timer, entries[i].due_ns);
    }
    now_ns = due + 20 * TICK_NS;
    advancing = true;
    last_fired_tick = 0;
    ck_assert_uint_eq(rl_timer_wheel_advance(&wheel, now_ns, 4), 4);
    for (int i = 0; i < 10; i++)
        rl_require(entries[i].armed == (i >= 4));
    ck_assert_uint_le(rl_timer_wheel_next_ns(&wheel), now_ns);
    cancel(&entries[5]);
    entries[6].due_ns = later;
    rl_timer_arm(&wheel, &entries[6].timer, later);
    ck_assert_uint_eq(rl_timer_wheel_advance(&wheel, now_ns, 2), 2);
    rl_require(!entries[4].armed && !entries[7].armed && entries[8].armed);
    ck_assert_uint_eq(rl_timer_wheel_advance(&wheel, now_ns, 4), 2);
    ck_assert_uint_gt(rl_timer_wheel_next_ns(&wheel), now_ns);
    advancing = false;
    ck_assert_uint_eq(advance(later + TICK_NS), 1);
}
END_TEST

START_TEST(next_is_no_later_than_the_first_deadline_and_leads_to_it)
{
    rl_require(rl_timer_wheel_next_ns(&wheel) == UINT64_MAX);
    for (int round = 0; round < 1000; round++) {
        struct entry *entry = random_entry();
        int sleeps = 0;

        arm(entry);
        while (entry->armed) {
            uint64_t next = rl_timer_wheel_next_ns(&wheel);

            rl_require(next <= (entry->due_ns > now_ns ? entry->due_ns + TICK_NS : now_ns));
            advance(next > now_ns ? next : now_ns);
            rl_require(++sleeps <= RL_WHEEL_LEVELS);
        }
    }
}
END_TEST

START_TEST(the_last_nanosecond_of_the_clock)
{
    entries[0].armed = true;
    entries[0].due_ns = UINT64_MAX;
    rl_timer_arm(&wheel, &entries[0].timer, UINT64_MAX);
    rl_timer_wheel_check(&wheel);
    ck_assert_uint_le(rl_timer_wheel_next_ns(&wheel), UINT64_MAX);
    ck_assert_uint_eq(advance(UINT64_MAX - TICK_NS), 0);
    cancel(&entries[0]);
}
END_TEST

/* What the array says must have fired by now, did. */
static void compare(void)
{
    for (int i = 0; i < TIMERS; i++) {
        const struct entry *entry = &entries[i];

        rl_require(entry->armed == !rl_list_empty(&entry->timer.link));
        if (entry->armed && !meddle)
            rl_require((entry->due_ns + TICK_NS) > now_ns);
    }
}

static size_t count_due(uint64_t by_ns)
{
    size_t count = 0;

    for (int i = 0; i < TIMERS; i++) {
        uint64_t tick = (entries[i].due_ns + TICK_NS - 1) / TICK_NS;

        count += entries[i].armed && tick <= by_ns / TICK_NS;
    }
    return count;
}

START_TEST(like_a_plain_array)
{
    rl_rng_init(&rng, (uint64_t)_i);
    meddle = _i % 2 == 1;
    for (int step = 0; step < STEPS / 20; step++) {
        uint64_t to_ns = now_ns;
        size_t due, fired;

        for (uint64_t n = rl_rng_below(&rng, 20); n > 0; n--) {
            if (rl_rng_below(&rng, 4) == 0)
                cancel(random_entry());
            else
                arm(random_entry());
            rl_timer_wheel_check(&wheel);
        }
        if (rl_rng_below(&rng, 4) != 0)
            to_ns += rl_rng_next(&rng) >> (20 + rl_rng_below(&rng, 44));
        due = count_due(to_ns);
        fired = advance(to_ns);
        if (!meddle)
            rl_require(fired == due);
        compare();
    }
}
END_TEST

static Suite *timer_wheel_suite(void)
{
    Suite *suite = suite_create("loop/timer_wheel");

    rl_case(suite, fires_never_early_and_late_by_a_tick_at_most, setup, NULL);
    rl_case(suite, idle_timers_may_be_cancelled_again, setup, NULL);
    rl_case(suite, arming_again_moves_the_deadline, setup, NULL);
    rl_case(suite, armed_in_the_past_by_a_callback_fires_in_the_next_call, setup, NULL);
    rl_case(suite, no_more_fire_than_the_limit_and_the_next_call_goes_on, setup, NULL);
    rl_case(suite, next_is_no_later_than_the_first_deadline_and_leads_to_it, setup, NULL);
    rl_case(suite, the_last_nanosecond_of_the_clock, setup, NULL);
    rl_case_loop(suite, like_a_plain_array, setup, NULL, 1, 21);
    return suite;
}

RL_TEST_MAIN(timer_wheel_suite)
