/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * listen - the accepting side, for the built-in server.
 *
 * One listening socket a worker, all on the same endpoint (SO_REUSEPORT): the kernel spreads
 * connections over them. When files run out accepting pauses and is tried again; what waits
 * meanwhile stays in the kernel's backlog.
 *
 * Thread: one worker's. Memory: goes before closed is called.
 */
#ifndef RL_NET_LISTEN_H
#define RL_NET_LISTEN_H

#include "net/conn.h"

enum { RL_LISTEN_BACKLOG = 65535 }; /* the kernel lowers it to net.core.somaxconn */

struct rl_listener;

struct rl_listener_events {
    /* A connection came in, already adopted with stream; set its owner, or close it. */
    void (*accepted)(void *ctx, struct rl_conn *conn);

    /* The kernel has answered: nothing comes any more. */
    void (*closed)(void *ctx);

    struct rl_stream_events stream;
};

/* refused: there was no room for it, it was closed at once. pauses: accepting stopped because
 * files or memory ran out. */
struct rl_listener_counts {
    uint64_t accepted, refused, pauses;
};

/* addr: port 0 picks one and is filled in. NULL and *status = -errno on failure. */
struct rl_listener *rl_listener_open(struct rl_net *net, struct rl_addr *addr,
                                     const struct rl_listener_events *events, void *ctx,
                                     int *status);

const struct rl_listener_counts *rl_listener_counts(const struct rl_listener *listener);

/* Stop accepting; closed is called later, from the loop. */
void rl_listener_close(struct rl_listener *listener);

#endif
