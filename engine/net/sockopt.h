/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sockopt - the socket options that a test wants, by name:
 *
 *      nodelay=false  keepalive=false  sndbuf=64KiB  rcvbuf=64KiB  congestion=bbr  mss=536  tos=16
 *      dscp=46  ttl=8  user-timeout=5s  quickack=false  busy-poll=50
 *
 * They go over the ring's default ones, and are tried on a socket that goes nowhere, so that what this kernel
 * refuses is known before the run. Names may also be written in the Lua way (userTimeout, user_timeout).
 *
 * Thread: any; read-only once made. Memory: the caller's; it stays where it is while a ring uses it.
 */
#ifndef RL_NET_SOCKOPT_H
#define RL_NET_SOCKOPT_H

#include "ring/ring.h"

enum { RL_CONGESTION_NAME = 16 };

struct rl_sockopts {
    struct rl_ring_option items[RL_RING_OPTIONS];
    int numbers[RL_RING_OPTIONS]; /* what items point at, but for the defaults */
    char congestion[RL_CONGESTION_NAME];
    unsigned count;
};

/* The defaults. */
void rl_sockopts_init(struct rl_sockopts *opts);

/* One option. 0, or -EINVAL and a text that says how to mend it. */
int rl_sockopts_set(struct rl_sockopts *opts, const char *name, const char *value, char *why,
                    size_t why_bytes);

/* Do sockets take them all, as they are asked for? 0, or -errno and a text as above. */
int rl_sockopts_try(const struct rl_sockopts *opts, char *why, size_t why_bytes);

#endif
