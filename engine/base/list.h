/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * list - an intrusive, circular, doubly linked list.
 *
 * A head and a node are the same struct. A node that is on no list points at itself,
 * so removing it again is harmless. rl_list_push adds at the tail, rl_list_pop takes
 * from the head: first in, first out.
 */
#ifndef RL_BASE_LIST_H
#define RL_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct rl_list {
    struct rl_list *next, *prev;
};

#define rl_container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void rl_list_init(struct rl_list *node)
{
    node->next = node;
    node->prev = node;
}

static inline bool rl_list_empty(const struct rl_list *node)
{
    return node->next == node;
}

static inline void rl_list_push(struct rl_list *head, struct rl_list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void rl_list_remove(struct rl_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    rl_list_init(node);
}

/* The first node, taken off, or NULL. */
static inline struct rl_list *rl_list_pop(struct rl_list *head)
{
    struct rl_list *node = head->next;

    if (node == head)
        return NULL;
    rl_list_remove(node);
    return node;
}

/* Move all nodes of from to the tail of to. */
static inline void rl_list_splice(struct rl_list *to, struct rl_list *from)
{
    if (rl_list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    rl_list_init(from);
}

#endif
