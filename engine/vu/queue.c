/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vu/queue.h"

#include <stdlib.h>

#include "base/assert.h"
#include "vu/socket_impl.h"

struct item {
    struct rl_list link;
    struct rl_socket *socket;
    struct rl_waiter *waiter;
    int64_t token; /* 0: no event, only the waiter */
    int status;
    enum rl_event event;
    bool has_error;
    struct rl_tcp_error error;
};

static void free_item(struct rl_vu *vu, struct item *item)
{
    rl_socket_release(item->socket);
    free(item);
    rl_vu_release(vu);
}

static void deliver(struct rl_vu *vu, struct item *item)
{
    const struct rl_tcp_error *error = item->has_error ? &item->error : NULL;
    struct rl_event_arg arg = {.error = error, .token = item->token};
    struct rl_waiter *waiter = item->waiter;

    if (item->token != 0) {
        rl_socket_debug(item->socket, "%s fired", rl_event_name(item->event));
        vu->env->program->event(item->socket, item->event, &arg);
    }
    /* The handler may have failed and ended the iteration, and the waiter with it. */
    if (vu->state == RL_VU_RUNNING && waiter != NULL)
        waiter->wake(waiter, item->status, error);
    if (vu->state == RL_VU_RUNNING) {
        free_item(vu, item);
    } else {
        rl_socket_release(item->socket);
        free(item);
    }
}

bool rl_queue_deliver(struct rl_vu *vu)
{
    struct rl_list *node;

    while (vu->state == RL_VU_RUNNING && (node = rl_list_pop(&vu->queue)) != NULL)
        deliver(vu, rl_container_of(node, struct item, link));
    return vu->state == RL_VU_RUNNING;
}

/* What was raised before an event of socket goes before it; what those handlers raise, the close of
 * this very socket perhaps, comes after it. */
static bool deliver_earlier(struct rl_socket *socket)
{
    struct rl_vu *vu = socket->vu;
    struct rl_list *last = vu->queue.prev;
    bool more;

    do {
        struct rl_list *node = rl_list_pop(&vu->queue);

        more = node != last;
        deliver(vu, rl_container_of(node, struct item, link));
    } while (more && vu->state == RL_VU_RUNNING);
    return vu->state == RL_VU_RUNNING;
}

void rl_queue_drop(struct rl_vu *vu)
{
    struct rl_list *node;

    while ((node = rl_list_pop(&vu->queue)) != NULL) {
        struct item *item = rl_container_of(node, struct item, link);

        if (item->token != 0)
            vu->env->program->forget(item->socket, item->token);
        rl_socket_release(item->socket);
        free(item);
    }
}

bool rl_event_now(struct rl_socket *socket, enum rl_event event, struct rl_slice data,
                  const struct rl_tcp_error *error)
{
    struct rl_vu *vu = socket->vu;
    bool running;

    if (RL_LIKELY(rl_list_empty(&vu->queue)))
        return rl_event_next(socket, event, data, error);
    rl_socket_retain(socket);
    running = deliver_earlier(socket) && rl_event_next(socket, event, data, error);
    rl_socket_release(socket);
    return running;
}

bool rl_event_next(struct rl_socket *socket, enum rl_event event, struct rl_slice data,
                   const struct rl_tcp_error *error)
{
    struct rl_vu *vu = socket->vu;
    struct rl_event_arg arg = {.data = data, .error = error};

    rl_socket_debug(socket, "%s fired", rl_event_name(event));
    vu->env->program->event(socket, event, &arg);
    return vu->state == RL_VU_RUNNING;
}

void rl_event_later(struct rl_socket *socket, enum rl_event event, int status,
                    const struct rl_tcp_error *error, struct rl_waiter *waiter)
{
    struct rl_vu *vu = socket->vu;
    int64_t token = 0;
    struct item *item;

    if (vu->state != RL_VU_RUNNING)
        return;
    if (event != RL_EVENT_COUNT)
        token = vu->env->program->capture(socket, event);
    if (token == 0 && waiter == NULL)
        return;
    item = malloc(sizeof(*item));
    RL_CHECK(item != NULL);
    item->socket = socket;
    item->waiter = waiter;
    item->token = token;
    item->status = status;
    item->event = event;
    item->has_error = error != NULL;
    if (error != NULL)
        item->error = *error;
    if (token != 0)
        rl_socket_debug(socket, "%s queued", rl_event_name(event));
    rl_socket_retain(socket);
    rl_vu_hold(vu);
    rl_list_push(&vu->queue, &item->link);
    rl_loop_ready(vu->env->loop, &vu->task);
}
