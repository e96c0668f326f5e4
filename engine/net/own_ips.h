/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * own_ips - the addresses of this machine that a connection may leave from (--local-ips auto).
 *
 *      to 127.x.y.z        127.0.0.1, 127.0.0.2, ...: all of 127.0.0.0/8
 *      to any other one    the address that the routing table gives, then all others of its interface
 *
 * They are read once: what is configured later is not seen.
 *
 * Thread: any; read-only once made.
 */
#ifndef RL_NET_OWN_IPS_H
#define RL_NET_OWN_IPS_H

#include "net/addr.h"

struct rl_own_ips;

/* One configured address, for rl_own_ips_of. */
struct rl_own_ip {
    uint32_t interface;
    struct rl_addr addr;
};

/* NULL: out of memory, or the kernel does not tell. _of: of a list of the caller's, for tests. */
struct rl_own_ips *rl_own_ips_new(void);
struct rl_own_ips *rl_own_ips_of(const struct rl_own_ip *items, uint32_t count);
void rl_own_ips_free(struct rl_own_ips *ips);

/* The addresses for peer, to which route is the way out (family 0: unknown). */
struct rl_own_range {
    uint32_t first, count; /* of the list, the route's address at start; count 0: leave it to the kernel */
    uint32_t start;
    bool loopback; /* 127.0.0.0/8, which is in no list */
};
struct rl_own_range rl_own_ips_to(const struct rl_own_ips *ips, const struct rl_addr *peer,
                                  const struct rl_addr *route);

/* Address number index of the range, from 0, which is the kernel's own choice for this peer. */
struct rl_addr rl_own_ips_at(const struct rl_own_ips *ips, const struct rl_own_range *range,
                             uint32_t index);

#endif
