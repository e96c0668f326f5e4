/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mpsc.h"

#include <pthread.h>
#include <sched.h>

#include "cases.h"

enum { PRODUCERS = 4, MESSAGES = 20000 };

struct message {
    struct rl_mpsc_node node;
    int producer, number;
};

static struct rl_mpsc queue;
static struct message messages[PRODUCERS][MESSAGES];
static _Atomic int wakes;

static void setup(void)
{
    rl_mpsc_init(&queue);
    atomic_store(&wakes, 0);
}

START_TEST(oldest_first)
{
    struct rl_mpsc_node *node;

    ck_assert(rl_mpsc_empty(&queue));
    ck_assert_ptr_null(rl_mpsc_take(&queue));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(rl_mpsc_push(&queue, &messages[0][i].node), i == 0);
    ck_assert(!rl_mpsc_empty(&queue));
    node = rl_mpsc_take(&queue);
    for (int i = 0; i < 3; i++, node = node->next)
        ck_assert_ptr_eq(node, &messages[0][i].node);
    ck_assert_ptr_null(node);
    ck_assert(rl_mpsc_empty(&queue));
    ck_assert(rl_mpsc_push(&queue, &messages[0][0].node));
}
END_TEST

static void *produce(void *arg)
{
    int producer = *(int *)arg;

    for (int i = 0; i < MESSAGES; i++) {
        struct message *message = &messages[producer][i];

        message->producer = producer;
        message->number = i;
        if (rl_mpsc_push(&queue, &message->node))
            atomic_fetch_add(&wakes, 1);
    }
    return NULL;
}

START_TEST(many_threads_lose_nothing_and_keep_their_order)
{
    pthread_t threads[PRODUCERS];
    int numbers[PRODUCERS], next[PRODUCERS] = {0}, left = PRODUCERS * MESSAGES, batches = 0;

    for (int i = 0; i < PRODUCERS; i++) {
        numbers[i] = i;
        rl_require(pthread_create(&threads[i], NULL, produce, &numbers[i]) == 0);
    }
    while (left > 0) {
        struct rl_mpsc_node *node = rl_mpsc_take(&queue);

        batches += node != NULL;
        if (node == NULL)
            sched_yield();
        while (node != NULL) {
            struct message *message = (struct message *)node;

            node = node->next;
            rl_require(message->number == next[message->producer]++);
            left--;
        }
    }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    rl_require(atomic_load(&wakes) == batches); /* a wake for each batch, no more */
}
END_TEST

static Suite *mpsc_suite(void)
{
    Suite *suite = suite_create("base/mpsc");

    rl_case(suite, oldest_first, setup, NULL);
    rl_case(suite, many_threads_lose_nothing_and_keep_their_order, setup, NULL);
    return suite;
}

RL_TEST_MAIN(mpsc_suite)
