/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a user does next, by the seed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "peer.h"
#include "sim.h"
#include "user.h"
#include "veil.h"

enum { ACTS_MOST = 40, SOCKETS_MOST = 6, WRITE_MOST = 64 * 1024, LARGE_WRITE = 1024 * 1024 };

/* --- Calls. --- */

static void note_attempt(struct user_socket *s, struct peer *peer)
{
    if (s->peer != NULL)
        s->peer->owner = NULL;
    s->peer = peer;
    peer->owner = s;
    s->written = s->accepted = s->read = 0;
}

static void connect_to(struct user_socket *s, int64_t port, bool dials)
{
    struct user_op *op = user_op_new(s);
    struct rl_tcp_error error;
    char host[32];
    uint64_t timeout_ns = sim_chance(600) ? 0 : sim_scale(3 * RL_NS_PER_S);
    int rc;

    op->dials = dials;
    snprintf(host, sizeof(host), "127.0.0.%u", (unsigned)sim_between(1, 3));
    rc = rl_socket_connect(&s->socket, host, port, NULL, timeout_ns, NULL, &op->write.waiter,
                           &error);
    sim_trace("user %u socket %u: connect to %lld: %d", s->user->vu.id, s->id, (long long)port, rc);
    if (dials && s->socket.conn != NULL && sim_chance(300))
        veil_attach(s);
    user_op_settle(op, rc);
}

/* Also where it must be refused: on an open socket, to no port, after destroy. */
static void dial(struct user_socket *s)
{
    struct peer *peer;

    if (s->socket.state != RL_SOCKET_DISCONNECTED || sim_chance(30)) {
        connect_to(s, s->socket.state != RL_SOCKET_DISCONNECTED && sim_chance(500) ? 1 : 70000, false);
        return;
    }
    peer = peer_new();
    if (peer == NULL)
        return;
    note_attempt(s, peer);
    connect_to(s, peer->id, true);
}

static size_t draw_size(void)
{
    if (sim_chance(30))
        return 0;
    return (size_t)sim_scale(sim_chance(60) ? LARGE_WRITE : WRITE_MOST);
}

/* The bytes go at once: the engine has copied them. */
static void write_some(struct user_socket *s)
{
    struct user_op *op = user_op_new(s);
    size_t size = draw_size();
    uint8_t *data = malloc(size + 1);
    struct rl_tcp_error error;
    int rc;

    sim_require(data != NULL, "no memory");
    op->is_write = true;
    op->end = s->written + size;
    if (s->peer != NULL)
        sim_fill(s->peer->id, s->written, data, size);
    rc = rl_socket_write(&s->socket, rl_slice_of(data, size), &op->write, &error);
    free(data);
    sim_trace("user %u socket %u: write of %zu: %d", s->user->vu.id, s->id, size, rc);
    sim_require(rc != 0 || size == 0, "a write of %zu bytes was over at once", size);
    if (rc == RL_PENDING) {
        s->written += size;
        if (sim_chance(150))
            rl_loop_timer(s->user->vu.env->loop, &op->timer, sim.now_ns + sim_scale(RL_NS_PER_S));
    }
    user_op_settle(op, rc);
}

static void refuse(struct user_socket *s)
{
    struct user_op *op = user_op_new(s);
    struct rl_tcp_error error;

    user_op_settle(op, rl_socket_refuse(&s->socket, RL_METHOD_CONNECT, -EINVAL, "refused", NULL,
                                        &op->write.waiter, &error));
}

static void set_timeout(struct user_socket *s)
{
    uint64_t timeout_ns = sim_chance(300) ? 0 : RL_NS_PER_MS + sim_scale(500 * RL_NS_PER_MS);

    s->quiet_since_ns = sim.now_ns;
    rl_socket_set_timeout(&s->socket, timeout_ns);
}

static void destroy(struct user_socket *s)
{
    sim_trace("user %u socket %u: destroy", s->user->vu.id, s->id);
    if (s->socket.state != RL_SOCKET_DESTROYED) {
        if (s->socket.state == RL_SOCKET_OPEN)
            s->peer->graceful = true;
        s->own_end = true;
    }
    rl_socket_destroy(&s->socket);
}

static void pause_or_resume(struct user_socket *s)
{
    if (s->paused)
        rl_socket_resume(&s->socket);
    else
        rl_socket_pause(&s->socket);
    s->paused = !s->paused;
}

static void drop(struct user_socket *s)
{
    if (!s->dropped)
        user_socket_drop(s);
}

/* --- Choosing. --- */

static struct user_socket *any_socket(struct user *user)
{
    uint64_t count = 0, which;
    struct rl_list *node;

    for (node = user->sockets.next; node != &user->sockets; node = node->next)
        count++;
    if (count == 0 || (count < SOCKETS_MOST && sim_chance(100)))
        return user_socket_new(user);
    which = sim_between(0, count - 1);
    for (node = user->sockets.next; which > 0; which--)
        node = node->next;
    return rl_container_of(node, struct user_socket, link);
}

static void act_on(struct user_socket *s)
{
    uint64_t dice = sim_between(0, 99);

    if (s->socket.state == RL_SOCKET_DISCONNECTED && dice < 85)
        dial(s);
    else if (dice < 55)
        write_some(s);
    else if (dice < 70)
        set_timeout(s);
    else if (dice < 80)
        pause_or_resume(s);
    else if (dice < 83)
        refuse(s);
    else if (dice < 86)
        dial(s);
    else if (dice < 94)
        destroy(s);
    else if (dice < 96)
        drop(s);
}

/* s, NULL: any. The last thing: an abort, after which nothing of the iteration is left. */
static void act(struct user *user, struct user_socket *s)
{
    for (uint64_t n = sim_between(1, 3); n > 0 && user->acts_left > 0; n--) {
        user->acts_left--;
        act_on(s != NULL && !s->dropped && sim_chance(800) ? s : any_socket(user));
    }
    if (sim_chance(3))
        rl_vu_abort(&user->vu);
}

static void sleep_on(struct user *user)
{
    uint64_t pause_ns = sim_chance(300) ? 0 : sim_scale(30 * RL_NS_PER_MS);

    rl_loop_timer(user->vu.env->loop, &user->actor, sim.now_ns + pause_ns);
}

void user_act_main(struct user *user)
{
    user->acts_left = (unsigned)sim_scale(ACTS_MOST);
    for (uint64_t n = sim_between(1, 3); n > 0; n--)
        dial(user_socket_new(user));
    sleep_on(user);
}

static void return_from_main(struct user *user)
{
    if (!sim_chance(70)) { /* otherwise they hold the iteration until somebody ends them */
        for (struct rl_list *node = user->sockets.next; node != &user->sockets; node = node->next)
            destroy(rl_container_of(node, struct user_socket, link));
    }
    user->in_main = false;
    rl_vu_release(&user->vu);
}

void user_act_wake(struct rl_timer *timer)
{
    struct user *user = rl_container_of(timer, struct user, actor);

    if (user->acts_left == 0) {
        return_from_main(user);
        return;
    }
    act(user, NULL);
    if (user->vu.state == RL_VU_RUNNING)
        sleep_on(user);
}

void user_act_event(struct user_socket *s, enum rl_event event)
{
    if (sim_chance(event == RL_EVENT_DATA ? 100 : 400))
        act(s->user, s);
}

void user_act_op(struct user_socket *s, bool is_write, int status)
{
    if (is_write && status == 0 && s->user->acts_left > 0 && sim_chance(300)) {
        s->user->acts_left--;
        write_some(s);
    } else if (sim_chance(200)) {
        act(s->user, s);
    }
}
