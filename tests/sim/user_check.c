/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each event and the end of each call must be: user.h. */
#include "user.h"

#include <errno.h>

#include "base/status.h"
#include "ksock.h"
#include "peer.h"
#include "sim.h"
#include "tls_peer.h"
#include "world.h"

const char *const user_event_names[RL_EVENT_COUNT] = {
    [RL_EVENT_DATA] = "data", [RL_EVENT_CONNECT] = "connect", [RL_EVENT_TIMEOUT] = "timeout",
    [RL_EVENT_ERROR] = "error", [RL_EVENT_CLOSE] = "close",
};

static unsigned long long number(uint64_t value)
{
    return value;
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
    sim_require(s->read + data.size <= peer_plain_sent(s->peer, s->peer->sent),
                "socket %u: more came than was sent", s->id);
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
    if (tls_peer_said_no(peer->tls))
        return status != RL_ETLS_CLOSED && status != RL_ETLS_TRUNCATED;
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
    if (tls_peer_said_no(peer->tls))
        return false;
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
void user_check_event(struct user_socket *s, enum rl_event event, const struct rl_event_arg *arg)
{
    sim_require(s->retained, "socket %u: %s while it is not retained", s->id, user_event_names[event]);
    sim_require(s->user->vu.state == RL_VU_RUNNING, "socket %u: %s and no iteration runs", s->id,
                user_event_names[event]);
    sim_require(s->closes_seen == 0, "socket %u: %s after close", s->id, user_event_names[event]);
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

/* --- Operations. --- */

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

void user_check_connected(const struct user_op *op, int status)
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
void user_check_written(struct user_op *op, int status)
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

/* --- Iterations. --- */

/* Each socket that was connected has had its one close, unless the iteration ended by force (T-180, T-185). */
void user_check_done(const struct user *user, const struct user_socket *s)
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
