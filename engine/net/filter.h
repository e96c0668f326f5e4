/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * filter - something between a connection and its owner that changes the bytes, such as TLS.
 *
 *      owner --rl_conn_send--> filter->send --rl_conn_send_raw--> kernel
 *      owner <---- events ---- the filter's own events <---------- kernel
 *
 * Attaching puts the filter's events and owner in place of the connection's; it calls the former ones
 * itself. While the filter is there rl_conn_send, _pending and _close go to it first. A connection without
 * one pays a branch a send.
 *
 * Thread: the connection's worker. Memory: the filter's own; leave is the last that it hears.
 */
#ifndef RL_NET_FILTER_H
#define RL_NET_FILTER_H

#include "net/conn.h"

struct rl_filter_ops {
    /* As rl_conn_send. */
    int (*send)(struct rl_filter *filter, struct rl_slice data);

    /* As rl_conn_pending. */
    size_t (*pending)(const struct rl_filter *filter);

    /* The owner closes the connection (aborts it: no farewell): last words with rl_conn_send_raw and
     * rl_conn_send_last, then free the filter. May be called from inside one of the owner's events. */
    void (*leave)(struct rl_filter *filter, bool abort);
};

struct rl_filter {
    const struct rl_filter_ops *ops;
    struct rl_conn *conn;
    const struct rl_stream_events *events; /* the owner's */
    void *owner;
};

/* The filter's conn, events and owner are filled in; from now on own_events are called with filter. */
void rl_filter_attach(struct rl_filter *filter, struct rl_conn *conn, const struct rl_filter_ops *ops,
                      const struct rl_stream_events *own_events);

/* As rl_conn_send and rl_conn_pending, of bytes as they go to the kernel. */
int rl_conn_send_raw(struct rl_conn *conn, struct rl_slice data);
size_t rl_conn_pending_raw(const struct rl_conn *conn);

/* Only from leave: what was sent raw in this turn goes before the end of the connection, as far as the
 * kernel takes it at once; it would be dropped otherwise. Not while earlier bytes wait. */
void rl_conn_send_last(struct rl_conn *conn);
bool rl_conn_may_send_last(const struct rl_conn *conn);

#endif
