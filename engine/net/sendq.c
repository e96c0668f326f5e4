/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/sendq.h"

#include <stdlib.h>

struct rl_sendq *rl_sendq_new(void)
{
    struct rl_sendq *queue = malloc(sizeof(*queue));

    if (queue == NULL)
        return NULL;
    rl_buf_init(&queue->block, 0);
    rl_buf_init(&queue->next, 0);
    return queue;
}

void rl_sendq_free(struct rl_sendq *queue)
{
    if (queue == NULL)
        return;
    rl_buf_fini(&queue->block);
    rl_buf_fini(&queue->next);
    free(queue);
}

int rl_sendq_append(struct rl_sendq *queue, struct rl_slice data)
{
    return rl_buf_append(&queue->next, data.data, data.size);
}

int rl_sendq_put_first(struct rl_sendq *queue, struct rl_slice data)
{
    return rl_buf_append(&queue->block, data.data, data.size);
}

struct rl_slice rl_sendq_head(struct rl_sendq *queue)
{
    struct rl_slice head;

    if (rl_buf_size(&queue->block) == 0) {
        struct rl_buf done = queue->block;

        queue->block = queue->next;
        queue->next = done;
        rl_buf_fini(&queue->next); /* it may have been large; the next one may be small */
    }
    head = rl_buf_view(&queue->block);
    if (head.size > RL_SENDQ_CHUNK)
        head.size = RL_SENDQ_CHUNK;
    return head;
}

void rl_sendq_taken(struct rl_sendq *queue, size_t size_bytes)
{
    rl_buf_consume(&queue->block, size_bytes);
}
