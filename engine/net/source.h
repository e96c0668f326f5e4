/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * source - which local address and port the next connection binds.
 *
 * The kernel's own choice gets slow (milliseconds a connect) once half the ports to one destination
 * are in use, so the engine picks: a cursor for each (local ip, destination) runs over this worker's
 * part of ip_local_port_range, skipping ip_local_reserved_ports. If the kernel says the port
 * is taken the caller asks for the next one, at most RL_SOURCE_TRIES times.
 *
 * A source that roams (--local-ips auto) goes over pairs of address and port instead: a lap over the
 * ports of one address, then of the next, of as few addresses as leave half of their ports free.
 *
 *      destination      127.0.0.1 ████████   127.0.0.2 ████░░░░   127.0.0.3 not begun
 *
 * The ports are in an order of the seed's: the run before this one may have left thousands of
 * neighbours in TIME_WAIT, and tries from port to port would all meet them.
 *
 * It counts who holds a port, so that a connect which cannot succeed fails at once: what other
 * processes hold is found by trying.
 *
 * Thread: one worker's. Memory: a small record for each pair, at most RL_SOURCE_RECORDS; past that
 * all cursors and counts start anew.
 */
#ifndef RL_NET_SOURCE_H
#define RL_NET_SOURCE_H

#include "net/addr.h"

enum { RL_SOURCE_TRIES = 64, RL_SOURCE_RECORDS = 65536 };

struct rl_source;

/* What the system allows: ip_local_port_range and ip_local_reserved_ports ("8080,9000-9100"). */
struct rl_port_range {
    uint16_t low, high; /* both may be used */
    const char *reserved;
};

/* share: this worker's index among count workers of the process; the parts are disjoint. seed: the
 * order of the ports, and where cursors begin. NULL when memory is out. _in: in a range of the caller's, for tests. */
struct rl_source *rl_source_new(uint32_t share_index, uint32_t share_count, uint64_t seed);
struct rl_source *rl_source_new_in(const struct rl_port_range *range, uint32_t share_index,
                                   uint32_t share_count, uint64_t seed);
void rl_source_free(struct rl_source *source);

/* From now on use all addresses of this machine that reach a destination. 0 or -ENOMEM. */
int rl_source_roam(struct rl_source *source);

/* FIRST: of a connection; AGAIN: the last one was taken; ELSEWHERE: several in a row were
 * (connections of an earlier run in TIME_WAIT, say), look at another address or far from here. */
enum rl_source_try { RL_SOURCE_FIRST, RL_SOURCE_AGAIN, RL_SOURCE_ELSEWHERE };

/* Where to leave from to peer. fixed: an ip that must be it, NULL or family 0: any. local: the ip to
 * bind (family 0: none) and the port (0: leave it to the kernel). 0: the FIRST is counted
 * until rl_source_closed; -EADDRNOTAVAIL: connections of this worker hold all its ports to peer. */
int rl_source_next(struct rl_source *source, const struct rl_addr *fixed,
                   const struct rl_addr *peer, enum rl_source_try try, struct rl_addr *local);
void rl_source_closed(struct rl_source *source, const struct rl_addr *fixed,
                      const struct rl_addr *peer);

/* How many connections of this worker hold a port to peer. */
uint32_t rl_source_open_count(const struct rl_source *source, const struct rl_addr *fixed,
                              const struct rl_addr *peer);

/* The local ip that the routing table gives for peer (asked once a destination ip, without
 * traffic); family 0 if there is none. Good until the next call. */
const struct rl_addr *rl_source_route(struct rl_source *source, const struct rl_addr *peer);

/* How many ports this worker has to one destination from one address. */
uint32_t rl_source_port_count(const struct rl_source *source);

/* The same of all workers together. */
uint32_t rl_source_whole_count(const struct rl_source *source);

#endif
