/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "user.h"

#include <errno.h>
#include <stdlib.h>

#include "ksock.h"
#include "peer.h"
#include "base/status.h"
#include "sim.h"
#include "tls_peer.h"
#include "world.h"

static const char *const event_names[] = {
    [RL_EVENT_DATA] = "data", [RL_EVENT_CONNECT] = "connect", [RL_EVENT_TIMEOUT] = "timeout",
    [RL_EVENT_ERROR] = "error", [RL_EVENT_CLOSE] = "close",
};

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

bool user_socket_has_excuse(const struct user_socket *s)
{
    return s->peer->tls != NULL && tls_peer_is_excuse(s->peer->tls, s->peer->sent);
}

/* --- Events. --- */

static void check_data(struct user_socket *s, struct rl_slice data)
{
    sim_require(s->connected, "socket %u: data before connect", s->id);
    sim_require(data.size > 0 && data.size <= s->socket.read_size, "socket %u: a chunk of %zu",
                s->id, data.size);
    sim_require(s->read + data.size <= peer_plain_sent(s->peer, s->peer->sent), "socket %u: more came than was sent", s->id);
    sim_require(sim_matches(s->peer->id, s->read, data.data, data.size),
                "socket %u: what came at %llu is not what was sent", s->id, number(s->read));
    s->read += data.size;
    s->quiet_since_ns = s->user->vu.env->loop->now_ns;
}

/* T-163 and T-164: never early, never while it is off. */
static void check_timeout(struct user_socket *s)
{
    uint64_t now_ns = s->user->vu.env->loop->now_ns;

    sim_require(s->connected, "socket %u: timeout before connect", s->id);
    sim_require(s->socket.idle_ns > 0, "socket %u: timeout while there is none", s->id);
    sim_require(now_ns >= s->quiet_since_ns + s->socket.idle_ns,
                "socket %u: timeout after %llu of %llu ns", s->id,
                number(now_ns - s->quiet_since_ns), number(s->socket.idle_ns));
    s->quiet_since_ns = now_ns;
}

/* What a peer did to TLS, and what it is called. */
static bool is_tls_cause(const struct peer *peer, int status)
{
    if (tls_peer_is_excuse(peer->tls, peer->sent))
        return true;
    switch (status) {
    case RL_ETLS_CLOSED: /* in a handshake */
        return peer->fin_sent;
    case RL_ETLS_RESET:
        return peer->rst_sent;
    case RL_ETLS_TRUNCATED:
        return peer->fin_sent && !tls_peer_is_boundary(peer->tls, peer->sent);
    default:
        return false;
    }
}

static bool is_cause(const struct user_socket *s, int status)
{
    if (s->peer->rst_sent && status == -ECONNRESET)
        return true;
    return s->peer->tls == NULL ? s->peer->rst_sent : is_tls_cause(s->peer, status);
}

/* Of connect or start_tls; those that run out of time were not stuck: world.c. */
static void check_handshake_failure(const struct user_socket *s, const struct peer *peer, int status)
{
    if (status == -ETIMEDOUT || status == -ECANCELED)
        return;
    sim_require(is_tls_cause(peer, status), "socket %u: a handshake fails with %d, and nobody caused it",
                s->id, status);
    world_totals.tls_failures++;
}

static void check_error(struct user_socket *s, const struct rl_tcp_error *error)
{
    sim_require(error != NULL && error->status < 0, "socket %u: error without one", s->id);
    if (error->method != RL_METHOD_READ && error->method != RL_METHOD_START_TLS)
        return;
    sim_require(s->connected, "socket %u: a read error before connect", s->id);
    sim_require(s->socket.state == RL_SOCKET_DESTROYED, "socket %u: open after a read error", s->id);
    if (error->method == RL_METHOD_READ)
        sim_require(is_cause(s, error->status), "socket %u: a read error %d that nobody caused", s->id,
                    error->status);
    else
        check_handshake_failure(s, s->peer, error->status);
    s->read_failed = true;
    s->tls_failed = error->status != -ECONNRESET;
}

/* Well: a FIN between two records is as good as close_notify (T-080). */
static bool has_ended(const struct peer *peer)
{
    if (peer->tls == NULL || !tls_peer_has_begun(peer->tls))
        return peer->fin_sent;
    return tls_peer_said_goodbye(peer->tls, peer->sent) ||
           (peer->fin_sent && tls_peer_is_boundary(peer->tls, peer->sent));
}

/* The peer ended it: all that it sent before a FIN has come (T-138, T-154), and the counts are the
 * kernel's. */
static void check_end(struct user_socket *s)
{
    uint64_t sent = peer_plain_sent(s->peer, s->peer->sent);
    uint64_t taken = peer_plain_taken(s->peer, s->peer->taken);

    sim_require(s->read_failed || has_ended(s->peer), "socket %u: closed, and nobody did", s->id);
    sim_require(s->read_failed || s->read == sent,
                "socket %u: closed after %llu bytes; the peer sent %llu and an end", s->id,
                number(s->read), number(sent));
    /* After a FIN a send that waits may have got rid of more, which is counted late. */
    sim_require(s->socket.bytes_written <= peer_plain_most(s->peer, s->peer->taken) &&
                    (s->socket.bytes_written >= taken || !s->read_failed || s->tls_failed),
                "socket %u: closed with %llu bytes counted as written; the kernel took %llu", s->id,
                number(s->socket.bytes_written), number(taken));
    world_totals.truncations += s->tls_failed;
}

/* T-144. */
static void check_close(struct user_socket *s)
{
    sim_require(s->socket.state == RL_SOCKET_DESTROYED, "socket %u: close in state %d", s->id,
                s->socket.state);
    sim_require(s->read == s->socket.bytes_read, "socket %u: %llu bytes came, %llu are counted", s->id,
                number(s->read), number(s->socket.bytes_read));
    if (!s->own_end)
        check_end(s);
    s->closes_seen++;
}

/* T-135, T-141. */
static void check_event(struct user_socket *s, enum rl_event event, const struct rl_event_arg *arg)
{
    sim_require(s->retained, "socket %u: %s while it is not retained", s->id, event_names[event]);
    sim_require(s->user->vu.state == RL_VU_RUNNING, "socket %u: %s and no iteration runs", s->id,
                event_names[event]);
    sim_require(s->closes_seen == 0, "socket %u: %s after close", s->id, event_names[event]);
    switch (event) {
    case RL_EVENT_CONNECT:
        sim_require(!s->connected, "socket %u: a second connect", s->id);
        sim_require(s->peer->sock == NULL || !s->peer->sock->is_lame,
                    "socket %u: connected, though a step of opening failed", s->id);
        s->connected = true;
        s->quiet_since_ns = s->user->vu.env->loop->now_ns;
        break;
    case RL_EVENT_DATA:
        check_data(s, arg->data);
        break;
    case RL_EVENT_TIMEOUT:
        check_timeout(s);
        break;
    case RL_EVENT_ERROR:
        check_error(s, arg->error);
        break;
    case RL_EVENT_CLOSE:
        check_close(s);
        break;
    case RL_EVENT_COUNT:
        sim_fail("event %d", event);
    }
}

static void event(struct rl_socket *socket, enum rl_event event, const struct rl_event_arg *arg)
{
    struct user_socket *s = socket_of(socket);

    sim_trace("user %u socket %u: %s %zu", s->user->vu.id, s->id, event_names[event],
              arg->data.size);
    world_check_told();
    if (arg->token != 0) {
        sim_require(s->captured > 0, "socket %u: an event that was not captured", s->id);
        s->captured--;
    } else if (event == RL_EVENT_CLOSE) {
        s->closes_raised++;
    }
    check_event(s, event, arg);
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

/* A handshake is done: here, and there when what was said has been taken. */
static void check_tls(const struct user_socket *s)
{
    struct rl_tls_info info;

    if (s->socket.state != RL_SOCKET_OPEN) /* a handler of connect has destroyed it */
        return;
    sim_require(rl_socket_tls_info(&s->socket, &info), "socket %u: no TLS on it", s->id);
    world_totals.tls++;
    world_totals.tls_resumed += info.resumed;
}

static void check_connected(const struct user_op *op, int status)
{
    struct user_socket *s = op->socket;

    sim_require(!op->dials || s->connected == (status == 0), "socket %u: connect gives %d, and its "
                "event %s", s->id, status, s->connected ? "came" : "did not come");
    if (op->dials && rl_status_is_tls(status))
        check_handshake_failure(s, op->peer, status);
    if (op->upgrades)
        s->upgrading = false;
    if (status < 0 || (!op->dials && !op->upgrades) || s->peer->tls == NULL)
        return;
    world_totals.upgrades += op->upgrades;
    if (op->upgrades || !tls_peer_awaits_upgrade(s->peer->tls))
        check_tls(s);
}

/* What a writer is told was accepted, the kernel took (T-107). */
static void check_written(struct user_op *op, int status)
{
    struct user_socket *s = op->socket;

    s->accepted += op->write.accepted_bytes;
    sim_require(op->write.accepted_bytes <= op->write.size_bytes, "socket %u: %llu of %llu accepted",
                s->id, number(op->write.accepted_bytes), number(op->write.size_bytes));
    sim_require(s->accepted <= s->socket.bytes_written, "socket %u: writers were told of too much",
                s->id);
    sim_require(s->socket.bytes_written <= s->written, "socket %u: more counted than written", s->id);
    if (status == 0) {
        sim_require(op->write.accepted_bytes == op->write.size_bytes, "socket %u: a write of %llu "
                    "bytes ended well with %llu", s->id, number(op->write.size_bytes),
                    number(op->write.accepted_bytes));
        sim_require(op->end <= peer_plain_most(s->peer, s->peer->taken), "socket %u: a writer was told "
                    "of byte %llu, the kernel took %llu", s->id, number(op->end),
                    number(s->peer->taken));
    }
    if (status == -ETIMEDOUT && op->expired)
        s->expired++;
    else
        sim_require(status == 0 || s->socket.state != RL_SOCKET_OPEN || s->peer->rst_sent,
                    "socket %u: a write fails with %d and nothing is wrong", s->id, status);
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
        check_written(op, status);
    else
        check_connected(op, status);
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

/* Each socket that was connected has had its one close, unless the iteration ended by force (T-180, T-185). */
static void check_done(const struct user *user, const struct user_socket *s)
{
    sim_require(s->socket.state == RL_SOCKET_DESTROYED || s->socket.state == RL_SOCKET_DISCONNECTED,
                "socket %u outlives its iteration", s->id);
    sim_require(!s->retained || user->forced, "socket %u is retained, and the iteration is over",
                s->id);
    if (user->forced || s->past || s->socket.state == RL_SOCKET_DISCONNECTED)
        return;
    sim_require(s->closes_raised == 1, "socket %u: %u close events", s->id, s->closes_raised);
    if ((s->handlers >> RL_EVENT_CLOSE & 1) != 0)
        sim_require(s->closes_seen == 1, "socket %u: its close was not delivered", s->id);
}

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
        check_done(user, s);
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
