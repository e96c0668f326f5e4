/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "user.h"

#include <stdlib.h>

#include "peer.h"
#include "sim.h"
#include "world.h"

static struct user_socket *socket_of(struct rl_socket *socket)
{
    return rl_container_of(socket, struct user_socket, socket);
}

static unsigned long long number(uint64_t value)
{
    return value;
}

/* --- Sockets. --- */

struct user_socket *user_socket_new(struct user *user)
{
    static const uint32_t read_sizes[] = {0, 0, 0, 1, 100, 4096, 100000};
    struct user_socket *s = calloc(1, sizeof(*s));

    sim_require(s != NULL, "no memory");
    s->user = user;
    s->id = user->next_socket++;
    s->handlers = sim_chance(800) ? (1U << RL_EVENT_COUNT) - 1
                                  : (unsigned)sim_between(0, (1U << RL_EVENT_COUNT) - 1);
    rl_socket_init(&s->socket, &user->vu, NULL, read_sizes[sim_between(0, 6)]);
    rl_list_push(&user->sockets, &s->link);
    return s;
}

/* Its memory goes when neither the program, nor a call of it, nor the engine has it any more. */
static void free_if_unused(struct user_socket *s)
{
    if (!s->dropped || s->retained || s->ops > 0)
        return;
    sim_require(s->captured == 0, "socket %u goes while %u of its events wait", s->id, s->captured);
    rl_socket_fini(&s->socket);
    if (s->peer != NULL)
        s->peer->owner = NULL;
    free(s);
}

void user_socket_drop(struct user_socket *s)
{
    rl_list_remove(&s->link);
    s->dropped = true;
    free_if_unused(s);
}

static void retain(struct rl_socket *socket)
{
    struct user_socket *s = socket_of(socket);

    sim_require(!s->retained, "socket %u is retained twice", s->id);
    s->retained = true;
}

static void release(struct rl_socket *socket)
{
    struct user_socket *s = socket_of(socket);

    sim_require(s->retained, "socket %u is released and was not retained", s->id);
    s->retained = false;
    free_if_unused(s);
}

/* --- Events. --- */

static void event(struct rl_socket *socket, enum rl_event event, const struct rl_event_arg *arg)
{
    struct user_socket *s = socket_of(socket);

    sim_trace("user %u socket %u: %s %zu", s->user->vu.id, s->id, user_event_names[event],
              arg->data.size);
    world_check_told();
    if (arg->token != 0) {
        sim_require(s->captured > 0, "socket %u: an event that was not captured", s->id);
        s->captured--;
    } else if (event == RL_EVENT_CLOSE) {
        s->closes_raised++;
    }
    user_check_event(s, event, arg);
    if ((s->handlers >> event & 1) == 0)
        return;
    s->ops++; /* a handler has its socket */
    user_act_event(s, event);
    s->ops--;
    free_if_unused(s);
}

/* T-142. */
static int64_t capture(struct rl_socket *socket, enum rl_event event)
{
    struct user_socket *s = socket_of(socket);

    s->closes_raised += event == RL_EVENT_CLOSE;
    sim_require(s->closes_raised <= 1, "socket %u: a second close", s->id);
    if ((s->handlers >> event & 1) == 0)
        return 0;
    s->captured++;
    return 1 + (int64_t)event;
}

static void forget(struct rl_socket *socket, int64_t token)
{
    struct user_socket *s = socket_of(socket);

    sim_require(token > 0 && s->captured > 0, "socket %u: forgets what was not captured", s->id);
    s->captured--;
}

/* --- Operations. --- */

static void free_op(struct user_op *op)
{
    struct user_socket *s = op->socket;

    rl_timer_cancel(&op->timer);
    rl_list_remove(&op->link);
    free(op);
    s->ops--;
    free_if_unused(s);
}

static void expire(struct rl_timer *timer)
{
    struct user_op *op = rl_container_of(timer, struct user_op, timer);

    op->expired = true;
    rl_socket_expire_write(&op->write);
}

static void woken(struct rl_waiter *waiter, int status, const struct rl_tcp_error *error)
{
    struct user_op *op = rl_container_of(waiter, struct user_op, write.waiter);
    struct user_socket *s = op->socket;
    struct user *user = op->user;
    bool is_write = op->is_write;

    sim_trace("user %u socket %u: %s gives %d", user->vu.id, s->id, is_write ? "write" : "connect",
              status);
    world_check_told();
    sim_require(user->vu.state == RL_VU_RUNNING, "woken, and no iteration runs");
    sim_require(status == 0 || (error != NULL && error->status == status), "woken without a reason");
    if (is_write)
        user_check_written(op, status);
    else
        user_check_connected(op, status);
    s->ops++; /* until this is over */
    free_op(op);
    user_act_op(s, is_write, status);
    s->ops--;
    free_if_unused(s);
    if (user->vu.state == RL_VU_RUNNING)
        rl_vu_release(&user->vu);
}

struct user_op *user_op_new(struct user_socket *s)
{
    struct user_op *op = calloc(1, sizeof(*op));

    sim_require(op != NULL, "no memory");
    op->user = s->user;
    op->socket = s;
    s->ops++;
    op->write.waiter.wake = woken;
    rl_list_init(&op->write.link);
    rl_timer_init(&op->timer, expire);
    rl_list_push(&s->user->ops, &op->link);
    return op;
}

void user_op_settle(struct user_op *op, int result)
{
    sim_require(result <= 0 || result == RL_PENDING, "a call gave %d", result);
    if (result == RL_PENDING)
        rl_vu_hold(&op->user->vu);
    else
        free_op(op);
}

/* --- Iterations. --- */

static int create(struct rl_vu *vu)
{
    (void)vu;
    return 0;
}

static void destroy(struct rl_vu *vu)
{
    (void)vu;
}

static void start(struct rl_vu *vu)
{
    struct user *user = user_of(vu);

    sim_trace("user %u: iteration %llu", vu->id, number(vu->iteration));
    user->in_main = true;
    user->forced = false;
    user_act_main(user);
}

static void cancel(struct rl_vu *vu)
{
    struct user *user = user_of(vu);
    struct rl_list *node;

    sim_trace("user %u: cancelled", vu->id);
    user->forced = true;
    rl_timer_cancel(&user->actor);
    while ((node = rl_list_pop(&user->ops)) != NULL)
        free_op(rl_container_of(node, struct user_op, link));
}

/* Only of what is there. */
static void prefetch(struct rl_socket *socket)
{
    const struct user_socket *s = socket_of(socket);

    sim_require(s->retained && socket->state == RL_SOCKET_OPEN, "socket %u is asked for ahead", s->id);
}

const struct rl_program user_program = {
    .create = create,
    .destroy = destroy,
    .start = start,
    .event = event,
    .capture = capture,
    .forget = forget,
    .cancel = cancel,
    .retain = retain,
    .release = release,
    .prefetch = prefetch,
};

void user_done(struct rl_vu *vu, enum rl_outcome outcome)
{
    struct user *user = user_of(vu);
    struct rl_list *node = user->sockets.next, *next;

    sim_trace("user %u: iteration over (%d)", vu->id, outcome);
    sim_require(vu->state == RL_VU_IDLE && rl_list_empty(&vu->sockets) && rl_list_empty(&vu->queue),
                "an iteration is over, and something of it is left");
    sim_require(rl_list_empty(&user->ops), "an iteration is over, and an operation is not");
    sim_require(user->forced == (vu->failed || outcome == RL_ITERATION_INTERRUPTED),
                "an iteration's outcome is %d", outcome);
    for (; node != &user->sockets; node = next) {
        struct user_socket *s = rl_container_of(node, struct user_socket, link);

        next = node->next;
        user_check_done(user, s);
        s->own_end = s->past = true;
        if (!sim_chance(100)) /* a few are kept for the next one */
            user_socket_drop(s);
    }
    user->in_main = false;
    user->ended = true;
}

void user_init(struct user *user, struct rl_vu_env *env, uint32_t id)
{
    *user = (struct user){0};
    rl_vu_init(&user->vu, env, id, id);
    user->vu.tags = rl_tags_empty(env->shard->tags);
    rl_list_init(&user->sockets);
    rl_list_init(&user->ops);
    rl_timer_init(&user->actor, user_act_wake);
}

void user_fini(struct user *user)
{
    while (!rl_list_empty(&user->sockets))
        user_socket_drop(rl_container_of(user->sockets.next, struct user_socket, link));
    rl_vu_fini(&user->vu);
}
