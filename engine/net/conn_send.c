/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sending: the turn's piece, what the kernel did not take of it, and the queue behind that. */
#include <errno.h>

#include "base/assert.h"
#include "net/conn.h"
#include "net/filter.h"
#include "net/net_impl.h"
#include "net/sendq.h"

static int grow_piece(struct rl_conn *conn, size_t size)
{
    struct rl_arena *arena = rl_net_arena(conn->net);
    size_t needed = conn->piece_bytes + size, capacity;
    uint8_t *piece;

    if (needed > UINT32_MAX)
        return -ENOBUFS;
    if (needed <= conn->piece_capacity)
        return 0;
    if (conn->piece != NULL &&
        rl_arena_extend(arena, conn->piece, conn->piece_capacity, needed - conn->piece_capacity)) {
        conn->piece_capacity = (uint32_t)needed;
        return 0;
    }
    capacity = conn->piece == NULL ? needed : needed + needed / 2;
    piece = rl_net_alloc(conn->net, capacity > UINT32_MAX ? needed : capacity);
    if (piece == NULL)
        return -ENOBUFS;
    if (conn->piece_bytes > 0)
        memcpy(piece, conn->piece, conn->piece_bytes);
    conn->piece = piece;
    conn->piece_capacity = (uint32_t)(capacity > UINT32_MAX ? needed : capacity);
    return 0;
}

/* Behind what the kernel has and has not taken, or has not answered. */
static int append_to_queue(struct rl_conn *conn, struct rl_slice data)
{
    if (conn->queue == NULL)
        conn->queue = rl_sendq_new();
    if (conn->queue == NULL || rl_sendq_append(conn->queue, data) < 0)
        return -ENOBUFS;
    return 0;
}

static inline __attribute__((always_inline)) int send_raw(struct rl_conn *conn, struct rl_slice data)
{
    int rc;

    if (conn->state != RL_CONN_OPEN)
        return -ENOTCONN;
    if (conn->send_failed)
        return -EPIPE;
    if (conn->queue != NULL || conn->submitted)
        return append_to_queue(conn, data);
    rc = grow_piece(conn, data.size);
    if (rc < 0)
        return rc;
    memcpy(conn->piece + conn->piece_bytes, data.data, data.size);
    conn->piece_bytes += (uint32_t)data.size;
    if (rl_list_empty(&conn->batch))
        rl_list_push(&conn->net->dirty, &conn->batch);
    return 0;
}

int rl_conn_send(struct rl_conn *conn, struct rl_slice data)
{
    if (RL_UNLIKELY(conn->filter != NULL))
        return conn->filter->ops->send(conn->filter, data);
    return send_raw(conn, data);
}

int rl_conn_send_raw(struct rl_conn *conn, struct rl_slice data)
{
    return send_raw(conn, data);
}

size_t rl_conn_pending_raw(const struct rl_conn *conn)
{
    return conn->piece_bytes + (conn->queue == NULL ? 0 : rl_sendq_bytes(conn->queue));
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
    rl_sendq_free(conn->queue);
    conn->queue = NULL;
    tell_sent(conn, 0, status);
}

/* Hand the next chunk of the queue to the kernel, or end the queue. */
static void send_queued(struct rl_conn *conn)
{
    struct rl_slice head = rl_sendq_head(conn->queue);

    if (head.size == 0) {
        rl_sendq_free(conn->queue);
        conn->queue = NULL;
        return;
    }
    rl_ring_send(conn->net->ring, conn->file, head, RL_SEND_WHOLE, rl_conn_op(conn, RL_OP_SEND));
    conn->in_flight++;
}

/* The kernel took less than the piece: keep the rest, before what was written meanwhile. */
static void queue_rest(struct rl_conn *conn, struct rl_slice rest)
{
    if (conn->queue == NULL)
        conn->queue = rl_sendq_new();
    if (conn->queue == NULL || rl_sendq_put_first(conn->queue, rest) < 0)
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
    struct rl_slice piece = rl_slice_of(conn->piece, conn->piece_bytes);
    size_t taken = piece.size;

    conn->piece = NULL;
    conn->piece_bytes = conn->piece_capacity = 0;
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
    if (RL_UNLIKELY(conn->queue != NULL))
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
