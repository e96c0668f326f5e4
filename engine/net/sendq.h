/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sendq - bytes that the kernel did not take at once, in order.
 *
 *      [ block: being sent, does not move ][ next: grows ]
 *
 * The kernel reads from the block until its completion; what is written meanwhile gathers in next, which
 * becomes the block when that is done. One tracked send at a time, of at most RL_SENDQ_CHUNK bytes,
 * so that progress shows.
 */
#ifndef RL_NET_SENDQ_H
#define RL_NET_SENDQ_H

#include "base/bytes.h"

enum { RL_SENDQ_CHUNK = 256 * 1024 };

struct rl_sendq {
    struct rl_buf block, next;
};

/* NULL when memory is out. */
struct rl_sendq *rl_sendq_new(void);
void rl_sendq_free(struct rl_sendq *queue);

/* 0, or -ENOMEM and nothing changed. put_first: before all that was appended; nothing was sent yet. */
int rl_sendq_append(struct rl_sendq *queue, struct rl_slice data);
int rl_sendq_put_first(struct rl_sendq *queue, struct rl_slice data);

/* What to send next: up to RL_SENDQ_CHUNK bytes, stable until rl_sendq_taken; empty: all is sent. */
struct rl_slice rl_sendq_head(struct rl_sendq *queue);
void rl_sendq_taken(struct rl_sendq *queue, size_t size_bytes);

static inline size_t rl_sendq_bytes(const struct rl_sendq *queue)
{
    return rl_buf_size(&queue->block) + rl_buf_size(&queue->next);
}

#endif
