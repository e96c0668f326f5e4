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
}

/* What the kernel has not been given, or has not answered for, would be missing before it. */
size_t rl_conn_send_last(struct rl_conn *conn, struct rl_slice data)
{
    void *copy;

    if (conn->state != RL_CONN_OPEN || conn->send_failed || conn->submitted ||
        rl_conn_pending_raw(conn) > 0 || data.size == 0)
        return 0;
    copy = rl_net_alloc(conn->net, data.size);
    if (copy == NULL)
        return 0;
    memcpy(copy, data.data, data.size);
    rl_ring_send(conn->net->ring, conn->file, rl_slice_of(copy, data.size), RL_SEND_LAST,
                 rl_conn_op(conn, RL_OP_SEND));
    conn->in_flight++;
    return data.size;
}
