/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * route - what connecting to a place comes to: the tag sets of its sockets, and their series.
 *
 *      (base, over) + host, port -> named;  + ip -> dialled
 *
 * A worker keeps the places that its VUs connected to last, one for each hash, so that connecting there again
 * formats nothing and looks nothing up.
 *
 * Thread: one worker's. Memory: the environment's, 40 KiB from the first connect on.
 */
#ifndef RL_VU_ROUTE_H
#define RL_VU_ROUTE_H

#include "vu/tcp_series.h"

enum { RL_ROUTE_HOST = 64 };

/* Tags of a socket, and the series of its samples while its VU has the base tags for which it was found. */
struct rl_route_tags {
    const struct rl_tagset *overlay;
    struct rl_tcp_series *series;
};

struct rl_route {
    const struct rl_tagset *base; /* of the VU; NULL: this route is free */
    const struct rl_tagset *over; /* of the constructor and of connect */
    struct rl_route_tags named, dialled;
    struct rl_addr addr; /* of dialled; family 0: not dialled yet */
    uint16_t port;
    char host[RL_ROUTE_HOST];
};

/* The tags of a socket that is to connect to host and port (T-202). Valid until the next call. */
struct rl_route *rl_route_to(struct rl_vu_env *env, const struct rl_tagset *base,
                             const struct rl_tagset *over, const char *host, uint16_t port);

/* The same, once the address is known. */
const struct rl_route_tags *rl_route_dialled(struct rl_vu_env *env, struct rl_route *route,
                                             const struct rl_addr *addr);

void rl_routes_free(struct rl_vu_env *env);

#endif
