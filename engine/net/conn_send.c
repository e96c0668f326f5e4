/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sending: the turn's piece, what the kernel did not take of it, and the queue behind that. */
#include <errno.h>

#include "base/assert.h"
#include "net/conn.h"
#include "net/filter.h"
#include "net/net_impl.h"
#include "net/sendq.h"

/* A piece with the bytes of old (NULL: none yet) and room for capacity. */
static struct rl_piece *new_piece(struct rl_net *net, const struct rl_piece *old, size_t capacity)
{
    struct rl_piece *piece = rl_net_alloc(net, sizeof(*piece) + capacity);

    if (piece == NULL)
        return NULL;
    piece->bytes = old == NULL ? 0 : old->bytes;
    piece->capacity = (uint32_t)capacity;
    if (old != NULL)
        memcpy(piece->data, old->data, old->bytes);
    return piece;
}

/* Room for size bytes more; NULL if there is none. */
static struct rl_piece *grow_piece(struct rl_conn *conn, size_t size)
{
    struct rl_piece *piece = conn->piece;
    size_t needed;

    if (RL_LIKELY(piece == NULL)) {
        conn->piece = size > UINT32_MAX ? NULL : new_piece(conn->net, NULL, size);
        return conn->piece;
    }
    needed = piece->bytes + size;
    if (needed > UINT32_MAX)
        return NULL;
    if (needed <= piece->capacity)
        return piece;
    if (rl_arena_extend(rl_net_arena(conn->net), piece, sizeof(*piece) + piece->capacity,
                        needed - piece->capacity)) {
        piece->capacity = (uint32_t)needed;
        return piece;
    }
    piece = new_piece(conn->net, piece, needed + needed / 2 > UINT32_MAX ? needed : needed + needed / 2);
    if (piece != NULL)
        conn->piece = piece;
    return piece;
}

static bool open_queue(struct rl_conn *conn)
{
    if (conn->queue == NULL)
        conn->queue = rl_sendq_new();
    conn->queued = conn->queue != NULL;
    return conn->queued;
}

static void end_queue(struct rl_conn *conn)
{
    rl_sendq_free(conn->queue);
    conn->queue = NULL;
    conn->queued = false;
}

/* Behind what the kernel has and has not taken, or has not answered. */
static int append_to_queue(struct rl_conn *conn, struct rl_slice data)
{
    return open_queue(conn) && rl_sendq_append(conn->queue, data) == 0 ? 0 : -ENOBUFS;
}

static inline __attribute__((always_inline)) int send_raw(struct rl_conn *conn, struct rl_slice data)
{
    struct rl_piece *piece;

    if (conn->state != RL_CONN_OPEN)
        return -ENOTCONN;
    if (conn->send_failed)
        return -EPIPE;
    if (conn->queued || conn->submitted)
        return append_to_queue(conn, data);
    piece = grow_piece(conn, data.size);
    if (piece == NULL)
        return -ENOBUFS;
    memcpy(piece->data + piece->bytes, data.data, data.size);
    piece->bytes += (uint32_t)data.size;
    if (rl_list_empty(&conn->batch))
        rl_list_push(&conn->net->dirty, &conn->batch);
    return 0;
}

int rl_conn_send(struct rl_conn *conn, struct rl_slice data)
{
    if (RL_UNLIKELY(conn->filtered))
        return conn->filter->ops->send(conn->filter, data);
    return send_raw(conn, data);
}

int rl_conn_send_raw(struct rl_conn *conn, struct rl_slice data)
{
    return send_raw(conn, data);
}

size_t rl_conn_pending_raw(const struct rl_conn *conn)
{
    return rl_piece_bytes(conn->piece).size + (conn->queue == NULL ? 0 : rl_sendq_bytes(conn->queue));
}

size_t rl_conn_pending(const struct rl_conn *conn)
{
    if (conn->filter != NULL)
        return conn->filter->ops->pending(conn->filter);
    return rl_conn_pending_raw(conn);
}

static void tell_sent(struct rl_conn *conn, size_t size, int status)
{
    conn->net->counts.bytes_sent += size;
    if (conn->events->sent != NULL && (size > 0 || status < 0))
        conn->events->sent(conn->owner, size, status);
}

static void send_failed(struct rl_conn *conn, int status)
{
    conn->send_failed = true;
    conn->send_res = status;
    end_queue(conn);
    tell_sent(conn, 0, status);
}

/* Hand the next chunk of the queue to the kernel, or end the queue. */
static void send_queued(struct rl_conn *conn)
{
    struct rl_slice head = rl_sendq_head(conn->queue);

    if (head.size == 0) {
        end_queue(conn);
        return;
    }
    rl_ring_send(conn->net->ring, conn->file, head, RL_SEND_WHOLE, rl_conn_op(conn, RL_OP_SEND));
    conn->in_flight++;
}

/* The kernel took less than the piece: keep the rest, before what was written meanwhile. */
static void queue_rest(struct rl_conn *conn, struct rl_slice rest)
{
    if (!open_queue(conn) || rl_sendq_put_first(conn->queue, rest) < 0)
        send_failed(conn, -ENOBUFS);
}

/* Taken while the connection was being closed: the peer gets them, and no owner is told. */
static void count_late(struct rl_conn *conn, size_t size)
{
    conn->net->counts.bytes_sent += size;
    conn->net->counts.bytes_sent_late += size;
}

void rl_conn_settle(struct rl_conn *conn)
{
    struct rl_slice piece = rl_piece_bytes(conn->piece);
    size_t taken = piece.size;

    conn->piece = NULL;
    conn->submitted = false;
    if (RL_UNLIKELY(conn->answered)) {
        conn->answered = false;
        taken = conn->send_res < 0 ? 0 : (size_t)conn->send_res;
    }
    if (RL_UNLIKELY(conn->state == RL_CONN_CLOSING)) {
        count_late(conn, taken);
        rl_conn_free_if_over(conn);
        return;
    }
    tell_sent(conn, taken, 0);
    if (RL_UNLIKELY(taken < piece.size)) {
        if (conn->send_res < 0 && conn->send_res != -EAGAIN)
            send_failed(conn, conn->send_res);
        else
            queue_rest(conn, rl_slice_of(piece.data + taken, piece.size - taken));
    }
    if (RL_UNLIKELY(conn->queued))
        send_queued(conn);
    if (RL_UNLIKELY(conn->ending) && rl_conn_heard_end(conn, conn->end_res))
        rl_conn_end_soon(conn);
}

/* The completion of a tracked send. */
static void queue_sent(struct rl_conn *conn, int32_t res)
{
    conn->in_flight--;
    if (res > 0) {
        rl_sendq_taken(conn->queue, (size_t)res);
        tell_sent(conn, (size_t)res, 0);
    }
    if (RL_UNLIKELY(conn->ending))
        rl_conn_end_soon(conn);
    else if (res <= 0)
        send_failed(conn, res == 0 ? -EPIPE : res);
    else
        send_queued(conn);
}

void rl_conn_on_send(struct rl_conn *conn, int32_t res)
{
    if (conn->submitted) { /* of the piece: told by rl_conn_settle */
        conn->answered = true;
        conn->send_res = res;
    } else if (conn->state == RL_CONN_CLOSING) {
        if (res > 0) /* before the cancel came */
            count_late(conn, (size_t)res);
        rl_conn_operation_ended(conn);
    } else {
        queue_sent(conn, res);
    }
}
