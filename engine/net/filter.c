/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/filter.h"

#include "base/assert.h"
#include "net/net_impl.h"

void rl_filter_attach(struct rl_filter *filter, struct rl_conn *conn, const struct rl_filter_ops *ops,
                      const struct rl_stream_events *own_events)
{
    RL_ASSERT(conn->filter == NULL && conn->state <= RL_CONN_OPEN);
    filter->ops = ops;
    filter->conn = conn;
    filter->events = conn->events;
    filter->owner = conn->owner;
    conn->events = own_events;
    conn->owner = filter;
    conn->filter = filter;
    conn->filtered = true;
}

bool rl_conn_may_send_last(const struct rl_conn *conn)
{
    return conn->state == RL_CONN_OPEN && !conn->send_failed && !conn->submitted &&
           conn->queue == NULL;
}

/* The piece lies in this turn's arena, as everything that is submitted at its end. */
void rl_conn_send_last(struct rl_conn *conn)
{
    if (!rl_conn_may_send_last(conn) || rl_piece_bytes(conn->piece).size == 0)
        return;
    rl_ring_send(conn->net->ring, conn->file, rl_piece_bytes(conn->piece), RL_SEND_LAST,
                 rl_conn_op(conn, RL_OP_SEND));
    conn->piece = NULL;
    conn->in_flight++;
}
