/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The turn: ready tasks, timers, hooks, mail from other threads without a lost wake-up, sleeping. */
#include "loop/loop.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "cases.h"
#include "ring/probe.h"

enum { POSTERS = 4, MAILS = 2000, PINGS = 300 };

static struct rl_ring *ring;
static struct rl_loop loop;

/* Variant 0: all features; 1: without deferred task work. */
static void start(int variant)
{
    int features = rl_probe();
    struct rl_ring_config config;
    const char *advice;

    ck_assert_int_ge(features, 0);
    if (variant == 1)
        features &= ~RL_F_DEFER;
    config = (struct rl_ring_config){.features = features, .slot_count = 4};
    ck_assert_int_eq(rl_ring_new(&ring, &config, &advice), 0);
    ck_assert_int_eq(rl_loop_init(&loop, ring), 0);
}

static void set_up(void)
{
    start(0);
}

static void tear_down(void)
{
    rl_loop_fini(&loop);
    rl_ring_free(ring);
}

/* --- Lengths of turns --- */

static void turn_at_once(void)
{
    loop.urgent = true;
    ck_assert_int_eq(rl_loop_turn(&loop), 0);
}

START_TEST(settled_turns_are_counted_apart)
{
    turn_at_once();
    turn_at_once();
    ck_assert_uint_eq(loop.lengths.count, 1);
    ck_assert_uint_eq(loop.steady.count, 0); /* nothing has been connected */
    rl_loop_connecting(&loop);
    ck_assert_uint_eq(loop.steady_from_ns, loop.now_ns + RL_NS_PER_S);
    loop.steady_from_ns = loop.now_ns; /* as if the second had passed */
    turn_at_once();
    turn_at_once();
    ck_assert_uint_eq(loop.steady.count, 2);
    rl_loop_ending(&loop);
    turn_at_once();
    ck_assert_uint_eq(loop.steady.count, 2);
    rl_loop_connecting(&loop);
    ck_assert_uint_eq(loop.steady.count, 0);
    ck_assert_uint_eq(loop.lengths.count, 4);
}
END_TEST

/* --- Tasks --- */

struct counter {
    struct rl_task task;
    unsigned runs, again;
    struct counter *other; /* cancelled when this one runs */
};

static unsigned order[4096], order_count;

static void run_counter(struct rl_task *task)
{
    struct counter *counter = rl_container_of(task, struct counter, task);

    counter->runs++;
    if (counter->again > 0) {
        counter->again--;
        rl_loop_ready(&loop, task);
    }
    if (counter->other != NULL)
        rl_task_cancel(&counter->other->task);
}

START_TEST(a_ready_task_runs_once)
{
    struct counter counter = {0};

    rl_task_init(&counter.task, run_counter);
    rl_loop_ready(&loop, &counter.task);
    rl_loop_ready(&loop, &counter.task);
    ck_assert_int_eq(rl_loop_turn(&loop), 0);
    ck_assert_uint_eq(counter.runs, 1);
    loop.urgent = true;
    ck_assert_int_eq(rl_loop_turn(&loop), 0);
    ck_assert_uint_eq(counter.runs, 1);
}
END_TEST

/* One that readies itself waits for the next turn: it cannot starve the ring. */
START_TEST(a_task_that_readies_itself)
{
    static struct counter counter = {.again = 5};

    rl_task_init(&counter.task, run_counter);
    rl_loop_ready(&loop, &counter.task);
    for (unsigned i = 1; i <= 6; i++) {
        ck_assert_int_eq(rl_loop_turn(&loop), 0); /* does not sleep */
        ck_assert_uint_eq(counter.runs, i);
    }
}
END_TEST

START_TEST(a_task_is_cancelled_by_another)
{
    struct counter first = {0}, second = {0};

    rl_task_init(&first.task, run_counter);
    rl_task_init(&second.task, run_counter);
    first.other = &second;
    rl_loop_ready(&loop, &first.task);
    rl_loop_ready(&loop, &second.task);
    rl_loop_turn(&loop);
    ck_assert_uint_eq(first.runs, 1);
    ck_assert_uint_eq(second.runs, 0);
    rl_task_cancel(&second.task); /* harmless when repeated */
    rl_loop_ready(&loop, &second.task);
    rl_loop_turn(&loop);
    ck_assert_uint_eq(second.runs, 1);
}
END_TEST

struct numbered {
    struct rl_task task;
    unsigned number;
};

static void note_number(struct rl_task *task)
{
    order[order_count++] = rl_container_of(task, struct numbered, task)->number;
}

/* A turn runs a bounded number, and what is left comes first in the next. */
START_TEST(many_tasks_run_in_order_over_several_turns)
{
    static struct numbered tasks[3000], late;

    order_count = 0;
    for (unsigned i = 0; i < 3000; i++) {
        rl_task_init(&tasks[i].task, note_number);
        tasks[i].number = i;
        rl_loop_ready(&loop, &tasks[i].task);
    }
    rl_loop_turn(&loop);
    ck_assert_uint_gt(order_count, 0);
    ck_assert_uint_lt(order_count, 3000);
    rl_task_init(&late.task, note_number);
    late.number = 3000;
    rl_loop_ready(&loop, &late.task);
    while (order_count < 3001)
        ck_assert_int_eq(rl_loop_turn(&loop), 0);
    for (unsigned i = 0; i <= 3000; i++)
        ck_assert_uint_eq(order[i], i);
}
END_TEST

/* --- Timers, and how long it sleeps --- */

struct alarm {
    struct rl_timer timer;
    uint64_t fired_ns;
};

static void ring_alarm(struct rl_timer *timer)
{
    rl_container_of(timer, struct alarm, timer)->fired_ns = loop.now_ns;
}

START_TEST(it_sleeps_until_the_first_timer)
{
    uint64_t begin_ns = rl_clock_ns(), turns;
    struct alarm soon = {0}, late = {0};

    rl_timer_init(&soon.timer, ring_alarm);
    rl_timer_init(&late.timer, ring_alarm);
    rl_loop_timer(&loop, &late.timer, begin_ns + 60 * RL_NS_PER_S);
    rl_loop_timer(&loop, &soon.timer, begin_ns + 20 * RL_NS_PER_MS);
    turns = loop.turns;
    while (soon.fired_ns == 0)
        ck_assert_int_eq(rl_loop_turn(&loop), 0);
    ck_assert_uint_ge(soon.fired_ns, begin_ns + 20 * RL_NS_PER_MS);
    ck_assert_uint_lt(soon.fired_ns, begin_ns + 200 * RL_NS_PER_MS);
    ck_assert_uint_lt(loop.turns - turns, 10); /* it slept */
    ck_assert_uint_eq(late.fired_ns, 0);
    rl_timer_cancel(&late.timer);
}
END_TEST

START_TEST(an_urgent_turn_does_not_sleep)
{
    uint64_t begin_ns = rl_clock_ns();

    loop.urgent = true;
    ck_assert_int_eq(rl_loop_turn(&loop), 0);
    ck_assert(!loop.urgent); /* all is settled */
    rl_loop_stop(&loop);
    ck_assert_int_eq(rl_loop_turn(&loop), 0);
    ck_assert_uint_lt(rl_clock_ns() - begin_ns, RL_NS_PER_S);
}
END_TEST

static unsigned flushed, settled;

static void count_flush(void *ctx)
{
    ck_assert_ptr_eq(ctx, &flushed);
    ck_assert_uint_eq(flushed, settled);
    flushed++;
}

static void count_sent(void *ctx)
{
    (void)ctx;
    settled++;
}

START_TEST(hooks_are_called_each_turn)
{
    const struct rl_loop_hooks both = {count_flush, count_sent, &flushed};
    const struct rl_loop_hooks one = {.sent = count_sent};

    rl_loop_hook(&loop, &both);
    for (int i = 0; i < 3; i++) {
        loop.urgent = true;
        ck_assert_int_eq(rl_loop_turn(&loop), 0);
    }
    ck_assert_uint_eq(flushed, 3);
    ck_assert_uint_eq(settled, 3);
    rl_loop_hook(&loop, &one); /* needs no flush */
    flushed = settled = 0;
    loop.urgent = true;
    ck_assert_int_eq(rl_loop_turn(&loop), 0);
    ck_assert_uint_eq(flushed, 1);
    ck_assert_uint_eq(settled, 2);
}
END_TEST

static void owe(void *ctx)
{
    (void)ctx;
    loop.urgent = true;
}

/* One sent hook owes something to the caller that the next one tells: nothing is owed afterwards. */
START_TEST(what_sent_hooks_owe_each_other_costs_no_turn)
{
    const struct rl_loop_hooks hooks = {.sent = owe};
    uint64_t turns = loop.turns;
    struct alarm soon = {0};

    rl_loop_hook(&loop, &hooks);
    rl_timer_init(&soon.timer, ring_alarm);
    rl_loop_timer(&loop, &soon.timer, rl_clock_ns() + 20 * RL_NS_PER_MS);
    while (soon.fired_ns == 0)
        ck_assert_int_eq(rl_loop_turn(&loop), 0);
    ck_assert_uint_lt(loop.turns - turns, 10);
}
END_TEST

/* --- Mail --- */

struct letter {
    struct rl_mail mail;
    unsigned from, number;
};

static struct letter letters[POSTERS][MAILS];
static unsigned delivered, next_of[POSTERS];
static _Atomic unsigned seen;

static void deliver(struct rl_mail *mail)
{
    struct letter *letter = rl_container_of(mail, struct letter, mail);

    ck_assert_uint_eq(letter->number, next_of[letter->from]); /* in each sender's order */
    next_of[letter->from]++;
    delivered++;
    atomic_store(&seen, delivered);
    if (delivered == POSTERS * MAILS)
        rl_loop_stop(&loop);
}

static void *post_all(void *arg)
{
    unsigned from = (unsigned)(uintptr_t)arg;
    struct rl_rng rng;

    rl_rng_init(&rng, from + 1);
    for (unsigned i = 0; i < MAILS; i++) {
        letters[from][i] = (struct letter){.mail.deliver = deliver, .from = from, .number = i};
        rl_loop_post(&loop, &letters[from][i].mail);
        if (rl_rng_below(&rng, 100) == 0)
            usleep((unsigned)rl_rng_below(&rng, 200)); /* so that the loop falls asleep in between */
    }
    return NULL;
}

/* The loop has no timer: one lost wake-up, and it sleeps for ever. */
START_TEST(mail_of_many_threads)
{
    pthread_t threads[POSTERS];

    start(_i);
    for (uintptr_t i = 0; i < POSTERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, post_all, (void *)i), 0);
    ck_assert_int_eq(rl_loop_run(&loop), 0);
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(delivered, POSTERS * MAILS);
    tear_down();
}
END_TEST

/* Each letter waits until the last was delivered, so that each must wake the loop. */
static void *post_one_by_one(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < PINGS; i++) {
        struct letter *letter = &letters[0][i];

        if (i % 2 == 0)
            usleep(100);
        *letter = (struct letter){.mail.deliver = deliver, .number = i};
        rl_loop_post(&loop, &letter->mail);
        while (atomic_load(&seen) != i + 1)
            ;
    }
    return NULL;
}

START_TEST(each_letter_wakes_it)
{
    pthread_t thread;

    start(_i);
    ck_assert_int_eq(pthread_create(&thread, NULL, post_one_by_one, NULL), 0);
    while (delivered < PINGS)
        ck_assert_int_eq(rl_loop_turn(&loop), 0);
    pthread_join(thread, NULL);
    tear_down();
}
END_TEST

static Suite *loop_suite(void)
{
    static const TTest *const *const tests[] = {
        &settled_turns_are_counted_apart,
        &a_ready_task_runs_once,
        &a_task_that_readies_itself,
        &a_task_is_cancelled_by_another,
        &many_tasks_run_in_order_over_several_turns,
        &it_sleeps_until_the_first_timer,
        &an_urgent_turn_does_not_sleep,
        &hooks_are_called_each_turn,
        &what_sent_hooks_owe_each_other_costs_no_turn,
    };
    Suite *suite = suite_create("loop");

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        rl_case(suite, *tests[i], set_up, tear_down);
    rl_case_loop(suite, mail_of_many_threads, NULL, NULL, 0, 2);
    rl_case_loop(suite, each_letter_wakes_it, NULL, NULL, 0, 2);
    return suite;
}

RL_TEST_MAIN(loop_suite)
