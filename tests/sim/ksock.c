/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ksock.h"

#include <errno.h>
#include <stdlib.h>

#include "peer.h"
#include "sim.h"
#include "tls_peer.h"

enum { ROOM_LEAST = 16, ROOM_MOST = 256 * 1024 };

struct rl_list ksocks = {&ksocks, &ksocks};

struct ksock *ksock_new(int file)
{
    struct ksock *sock = calloc(1, sizeof(*sock));

    sim_require(sock != NULL, "no memory");
    sock->file = file;
    sock->open = true;
    sock->out_room = ROOM_LEAST + (size_t)sim_scale(ROOM_MOST);
    sock->in_room = ROOM_LEAST + (size_t)sim_scale(ROOM_MOST);
    rl_list_push(&ksocks, &sock->link);
    return sock;
}

/* T-081. */
static void end_well(const struct ksock *sock)
{
    struct peer *peer = sock->peer;

    sim_require(!peer->farewell_due || sock->last_cut || tls_peer_heard_goodbye(peer->tls) ||
                    tls_peer_is_excuse(peer->tls, sock->given),
                "peer %u: a FIN without close_notify", peer->id);
    peer_sees_fin(peer, sock->out_used);
}

/* The last reference has gone, so the file is released: only now the peer hears of it. */
static void release(struct ksock *sock)
{
    struct peer *peer = sock->peer;

    if (peer != NULL && sock->connected && !sock->dead) {
        if (sock->in_used > 0)
            peer_sees_rst(peer);
        else
            end_well(sock);
    }
    if (peer != NULL && peer->sock == sock)
        peer->sock = NULL;
    rl_list_remove(&sock->link);
    free(sock);
}

void ksock_ref(struct ksock *sock)
{
    sock->refs++;
}

void ksock_unref(struct ksock *sock)
{
    sim_require(sock->refs > 0, "the simulation lost count of a socket's operations");
    if (--sock->refs == 0 && !sock->open)
        release(sock);
}

void ksock_close(struct ksock *sock)
{
    sock->open = false;
    if (sock->refs == 0)
        release(sock);
}

static int take_error(struct ksock *sock)
{
    int error = sock->error;

    sock->error = 0;
    return error;
}

static bool has_tls(const struct peer *peer)
{
    return peer->tls != NULL && tls_peer_has_begun(peer->tls);
}

int64_t ksock_take(struct ksock *sock, struct rl_slice data)
{
    size_t room = sock->out_room - sock->out_used, size = data.size < room ? data.size : room;

    if (sock->error < 0)
        return take_error(sock);
    if (!sock->connected || sock->dead)
        return -EPIPE;
    if (data.size == 0)
        return 0;
    if (size == 0)
        return -EAGAIN;
    if (has_tls(sock->peer))
        tls_peer_take(sock->peer->tls, sock->taken, data.data, size);
    else
        sim_require(sim_matches(sock->peer->id, sock->taken, data.data, size),
                    "peer %u: the bytes sent at %llu are not those written there", sock->peer->id,
                    (unsigned long long)sock->taken);
    sock->out_used += size;
    sock->taken += size;
    sock->peer->taken += size;
    return (int64_t)size;
}

int64_t ksock_read(struct ksock *sock, uint8_t *out, size_t size)
{
    if (sock->in_used > 0) {
        size = size < sock->in_used ? size : sock->in_used;
        if (has_tls(sock->peer))
            tls_peer_copy(sock->peer->tls, sock->given, out, size);
        else
            sim_fill(sock->peer->id, sock->given, out, size);
        sock->in_used -= size;
        sock->given += size;
        return (int64_t)size;
    }
    if (sock->fin_arrived)
        return 0;
    if (sock->error < 0)
        return take_error(sock);
    if (sock->disconnected)
        return -ENOTCONN;
    return sock->dead ? 0 : -EAGAIN;
}

bool ksock_readable(const struct ksock *sock)
{
    return sock->in_used > 0 || sock->fin_arrived || sock->error < 0 || sock->dead;
}

bool ksock_writable(const struct ksock *sock)
{
    return sock->error < 0 || sock->dead || sock->out_used < sock->out_room;
}

void ksock_disconnect(struct ksock *sock)
{
    sim_require(sock->peer == NULL || !sock->peer->graceful, "peer %u: aborted by a destroy",
                sock->peer->id);
    if (sock->connected && !sock->dead && sock->peer != NULL)
        peer_sees_rst(sock->peer);
    if (sock->peer != NULL && !sock->dead)
        sock->error = -ECONNRESET;
    sock->dead = sock->disconnected = true;
    sock->fin_arrived = false;
    sock->in_used = 0;
}

void ksock_reset(struct ksock *sock)
{
    sock->error = sock->fin_arrived ? -EPIPE : -ECONNRESET;
    sock->dead = true;
    sock->out_used = 0;
}
