/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a user does next, by the seed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/filter.h"
#include "peer.h"
#include "sim.h"
#include "tls_peer.h"
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
    s->upgrading = false;
}

static void connect_to(struct user_socket *s, int64_t port, bool dials)
{
    struct user_op *op = user_op_new(s);
    struct rl_tcp_error error;
    struct rl_socket_tls tls = {.context = tls_client_context(),
                                .servername = "localhost",
                                .resume = sim_chance(800)};
    bool secure = dials && s->peer->tls != NULL && !tls_peer_awaits_upgrade(s->peer->tls);
    char host[32];
    uint64_t timeout_ns = sim_chance(600) ? 0 : sim_scale(3 * RL_NS_PER_S);
    int rc;

    op->dials = dials;
    op->peer = s->peer;
    snprintf(host, sizeof(host), "127.0.0.%u", (unsigned)sim_between(1, 3));
    if (dials && s->peer->tls != NULL) {
        snprintf(host, sizeof(host), "127.0.%u.1", s->peer->id);
        port = PEER_TLS_PORT;
    }
    sim_trace("user %u socket %u: connect to %s:%lld", s->user->vu.id, s->id, host, (long long)port);
    rc = rl_socket_connect(&s->socket, host, port, NULL, timeout_ns, secure ? &tls : NULL,
                           &op->write.waiter, &error);
    if (dials && s->peer->tls == NULL && s->socket.conn != NULL && sim_chance(300))
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

/* start_tls: also where it must be refused, while something waits or for a second time. */
static void upgrade(struct user_socket *s)
{
    struct user_op *op = user_op_new(s);
    struct rl_socket_tls tls = {.context = tls_client_context(),
                                .servername = "localhost",
                                .resume = sim_chance(800)};
    struct rl_tcp_error error;
    uint64_t timeout_ns = sim_chance(600) ? 0 : sim_scale(3 * RL_NS_PER_S);
    int rc;

    rc = rl_socket_start_tls(&s->socket, &tls, timeout_ns, &op->write.waiter, &error);
    sim_trace("user %u socket %u: start_tls: %d", s->user->vu.id, s->id, rc);
    if (rc == RL_PENDING) {
        op->upgrades = s->upgrading = true;
        s->upgraded_by_ns = sim.now_ns + (timeout_ns == 0 ? 30 * RL_NS_PER_S : timeout_ns); /* T-044 */
        sim_require(s->written == s->peer->taken || s->socket.conn->send_failed,
                    "socket %u: TLS begins and %llu of %llu were taken", s->id,
                    (unsigned long long)s->peer->taken, (unsigned long long)s->written);
        tls_peer_upgrade(s->peer->tls);
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

/* The peer is to see a FIN, and close_notify before it where nothing is in its way. */
static void part(struct user_socket *s)
{
    s->peer->graceful = true;
    if (s->peer->tls != NULL && tls_peer_has_begun(s->peer->tls) && !s->upgrading)
        s->peer->farewell_due = rl_conn_may_send_last(s->socket.conn);
}

static void destroy(struct user_socket *s)
{
    sim_trace("user %u socket %u: destroy", s->user->vu.id, s->id);
    if (s->socket.state != RL_SOCKET_DESTROYED) {
        if (s->socket.state == RL_SOCKET_OPEN)
            part(s);
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

static bool wants_upgrade(const struct user_socket *s)
{
    if (s->peer->tls == NULL || !tls_peer_awaits_upgrade(s->peer->tls))
        return false;
    return sim_chance(tls_peer_has_begun(s->peer->tls) ? 30 : 300);
}

/* Most are let alone until they have TLS. */
static bool is_shaking(const struct user_socket *s)
{
    return s->upgrading || (s->socket.state == RL_SOCKET_OPENING && s->peer->tls != NULL);
}

static void act_on(struct user_socket *s)
{
    uint64_t dice = sim_between(0, 99);

    if (is_shaking(s) && dice < 90)
        return;
    if (s->socket.state == RL_SOCKET_DISCONNECTED && dice < 85)
        dial(s);
    else if (s->socket.state == RL_SOCKET_OPEN && wants_upgrade(s))
        upgrade(s);
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
    uint64_t most_ns = (tls_client_context() == NULL ? 30 : 300) * RL_NS_PER_MS;
    uint64_t pause_ns = sim_chance(300) ? 0 : sim_scale(most_ns);

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
