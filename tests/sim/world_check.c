/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must hold between turns: world.h. */
#include "fake_ring.h"
#include "peer.h"
#include "sim.h"
#include "tls/tls_stream_impl.h"
#include "tls_peer.h"
#include "user.h"
#include "world.h"

#define LATE_NS (10 * RL_NS_PER_MS) /* no timer of the loop is so late */

static unsigned long long number(uint64_t value)
{
    return value;
}

static bool has_tls(const struct user_socket *s)
{
    return s->peer->tls != NULL && tls_peer_has_begun(s->peer->tls);
}

/* What the kernel took, and what the engine could know of it when the ring had last settled, is told
 * in that same turn: no writer waits while its bytes are gone. */
static void check_told(const struct user_socket *s, const struct ksock *sock)
{
    uint64_t told = s->socket.bytes_written, owed = peer_plain_taken(s->peer, sock->owed);
    uint64_t taken = peer_plain_most(s->peer, sock->taken);

    sim_require(told >= owed, "socket %u: %llu bytes were taken, its writers know of %llu", s->id,
                number(owed), number(told));
    sim_require(told <= taken, "socket %u: writers were told of %llu bytes, %llu were taken", s->id,
                number(told), number(taken));
}

/* Every byte that waits has a writer, or had one that ran out of time. */
static void check_writes(const struct user_socket *s)
{
    uint64_t left = 0;
    const struct rl_list *head = &s->socket.writes;

    for (struct rl_list *node = head->next; node != head; node = node->next) {
        const struct rl_write *write = rl_container_of(node, struct rl_write, link);

        sim_require(write->size_bytes > write->accepted_bytes, "socket %u: a write waits for nothing",
                    s->id);
        left += write->size_bytes - write->accepted_bytes;
    }
    if (has_tls(s)) /* of the last record some may have gone; what the library adds waits for nobody */
        sim_require(left == 0 || rl_conn_pending(s->socket.conn) > 0, "socket %u: writers wait for %llu "
                    "bytes, nothing is queued", s->id, number(left));
    else
        sim_require(left == rl_conn_pending(s->socket.conn), "socket %u: writers wait for %llu bytes, "
                    "%zu are queued", s->id, number(left), rl_conn_pending(s->socket.conn));
    sim_require(s->socket.bytes_written + left == s->written, "socket %u: %llu written, %llu counted, "
                "%llu waiting", s->id, number(s->written), number(s->socket.bytes_written), number(left));
}

static bool is_open(const struct user_socket *s)
{
    return s->socket.state == RL_SOCKET_OPEN;
}

/* TCP is up, and TLS is not. Who pauses waits for himself. */
static bool is_shaking(const struct user_socket *s)
{
    return has_tls(s) && !s->paused && s->socket.conn != NULL &&
           s->socket.conn->state == RL_CONN_OPEN &&
           (s->socket.state == RL_SOCKET_OPENING || s->upgrading);
}

static void each(bool (*is_one)(const struct user_socket *s),
                 void (*check)(const struct user_socket *s, const struct ksock *sock))
{
    for (uint32_t id = 1; id <= peer_count(); id++) {
        const struct user_socket *s = peer_at(id)->owner;

        if (s != NULL && is_one(s))
            check(s, fake_ring_sock(fake_ring, s->socket.conn->file));
    }
}

void world_check_told(void)
{
    each(is_open, check_told);
}

/* Nothing is ready, and the loop goes to sleep: whatever waits has an operation that will wake it. */
static void check_asleep(const struct user_socket *s, const struct ksock *sock)
{
    const struct rl_conn *conn = s->socket.conn;

    if (!s->socket.conn->send_failed)
        check_writes(s);
    else
        sim_require(rl_list_empty(&s->socket.writes), "socket %u: a writer waits, and sending has failed",
                    s->id);
    if (rl_conn_pending(conn) > 0)
        sim_require(fake_ring_has(fake_ring, sock, SQE_SEND), "socket %u: %zu bytes wait, and nothing "
                    "sends them", s->id, rl_conn_pending(conn));
    if (!s->paused && !fake_ring_has(fake_ring, sock, SQE_RECV))
        sim_require(fake_ring_has(fake_ring, sock, SQE_SEND) &&
                        (conn->asked || conn->ending),
                    "socket %u: open, and nothing receives", s->id);
}

/* The plaintext of all that came was delivered. */
static void check_delivered(const struct user_socket *s, const struct ksock *sock)
{
    uint64_t given = peer_plain_sent(s->peer, sock->given);

    sim_require(s->upgrading || user_socket_has_excuse(s) || s->socket.bytes_read == given,
                "socket %u: %llu bytes were delivered, %llu came", s->id, number(s->socket.bytes_read),
                number(given));
}

/* Its turn to begin comes when another's handshake is over. */
static bool waits_its_turn(const struct rl_conn *conn)
{
    const struct rl_tls_stream *stream =
        rl_container_of(conn->filter, struct rl_tls_stream, filter);

    if (stream->stage != RL_TLS_QUEUED)
        return false;
    sim_require(stream->worker->under_way >= stream->worker->handshakes_max,
                "a handshake waits its turn, and it is");
    return true;
}

/* Its peer has said all, has read all, and the handshake is not over: nothing will ever happen. */
static void check_shaking(const struct user_socket *s, const struct ksock *sock)
{
    const struct rl_conn *conn = s->socket.conn;

    sim_require(rl_conn_pending(conn) > 0 || user_socket_has_excuse(s) || waits_its_turn(conn) ||
                    !tls_peer_has_said_all(s->peer->tls, sock->given),
                "socket %u: a handshake waits, and its peer waits for it", s->id);
    sim_require(!s->upgrading || sim.now_ns <= s->upgraded_by_ns + LATE_NS, "socket %u: start_tls has no "
                "more time", s->id);
    if (rl_conn_pending(conn) > 0)
        sim_require(fake_ring_has(fake_ring, sock, SQE_SEND), "socket %u: a handshake's bytes wait, "
                    "and nothing sends them", s->id);
    sim_require(fake_ring_has(fake_ring, sock, SQE_RECV) ||
                    (fake_ring_has(fake_ring, sock, SQE_SEND) && (conn->asked || conn->ending)),
                "socket %u: a handshake waits, and nothing receives", s->id);
}

void world_check_asleep(void)
{
    each(is_open, check_asleep);
    each(is_open, check_delivered);
    each(is_shaking, check_shaking);
}
