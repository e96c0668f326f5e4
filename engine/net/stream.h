/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stream - what a connection tells its owner; the face that plain and TLS connections share.
 *
 * Called on the loop's thread, never from inside an rl_conn_... call. connected, data and ended may send
 * on and close any connection. sent may not: it only takes notes, so that all connections have heard
 * before anything acts on it. After ended nothing but rl_conn_close is allowed.
 */
#ifndef RL_NET_STREAM_H
#define RL_NET_STREAM_H

#include <stddef.h>

#include "base/bytes.h"

struct rl_stream_events {
    /* The attempt is over: 0 or why it failed (then the connection has gone already). */
    void (*connected)(void *owner, int status);

    /* Bytes arrived; the view is good until the call returns. */
    void (*data)(void *owner, struct rl_slice view);

    /* The kernel took size_bytes more, in order; status < 0: it takes no more, the rest is dropped.
     * NULL: the owner does not want to know. */
    void (*sent)(void *owner, size_t size_bytes, int status);

    /* No more will arrive: 0 for FIN, else the failure. */
    void (*ended)(void *owner, int status);

    /* Ask the cache for what data will read (rl_prefetch_fn); stage 0: the owner itself. NULL: nothing. */
    void (*prefetch)(void *owner, unsigned stage);

    /* With a filter (TLS) only: bytes of TCP that were moved since it was called last, of whatever
     * meaning. It only takes notes. NULL: the owner does not want to know. */
    void (*wire)(void *owner, size_t sent_bytes, size_t received_bytes);
};

#endif
