/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mpsc - messages from many threads to one.
 *
 * Producers push onto a lock-free stack; the consumer takes all at once and reads them in the
 * order of arrival. A node is the producer's memory until pushed, the consumer's afterwards.
 */
#ifndef RL_BASE_MPSC_H
#define RL_BASE_MPSC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct rl_mpsc_node {
    struct rl_mpsc_node *next;
};

struct rl_mpsc {
    _Atomic(struct rl_mpsc_node *) head;
};

static inline void rl_mpsc_init(struct rl_mpsc *queue)
{
    atomic_init(&queue->head, NULL);
}

/* True if the queue was empty: the consumer may need waking. Any thread. */
static inline bool rl_mpsc_push(struct rl_mpsc *queue, struct rl_mpsc_node *node)
{
    struct rl_mpsc_node *head = atomic_load_explicit(&queue->head, memory_order_relaxed);

    do {
        node->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&queue->head, &head, node, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return head == NULL;
}

static inline bool rl_mpsc_empty(struct rl_mpsc *queue)
{
    return atomic_load_explicit(&queue->head, memory_order_acquire) == NULL;
}

/* All that has arrived, oldest first, linked by next; NULL if none. The consumer only. */
static inline struct rl_mpsc_node *rl_mpsc_take(struct rl_mpsc *queue)
{
    struct rl_mpsc_node *node, *next, *first = NULL;

    node = atomic_exchange_explicit(&queue->head, NULL, memory_order_acq_rel);
    for (; node != NULL; node = next) {
        next = node->next;
        node->next = first;
        first = node;
    }
    return first;
}

#endif
