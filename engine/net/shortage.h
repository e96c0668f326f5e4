/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * shortage - the destinations to which source ports ran out.
 *
 * tcp_errors and the causes say that it happened; this says where to, and how many ports there were.
 * The first few destinations are named, the others counted. One a worker, merged at the end.
 */
#ifndef RL_NET_SHORTAGE_H
#define RL_NET_SHORTAGE_H

#include "net/addr.h"

enum { RL_SHORTAGES_MAX = 8 };

struct rl_shortage {
    struct rl_addr peer;
    uint64_t count; /* connects that found no port */
    uint64_t open;  /* connections to peer at that time */
    uint32_t ports; /* of one address, for all workers */
};

struct rl_shortages {
    struct rl_shortage items[RL_SHORTAGES_MAX];
    uint32_t count;
    uint64_t others; /* connects to destinations past the list's end */
};

/* One connect to peer found no port while the worker had open connections to it. */
void rl_shortage_note(struct rl_shortages *shortages, const struct rl_addr *peer, uint64_t open,
                      uint32_t ports);
void rl_shortages_merge(struct rl_shortages *into, const struct rl_shortages *from);

/* One log line a destination. vus: connections that the run may want at once, at least. roams: it used
 * all addresses there are (--local-ips auto). */
void rl_shortages_tell(const struct rl_shortages *shortages, uint64_t vus, bool roams);

#endif
