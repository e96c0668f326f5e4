/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * local_ips - the addresses that VUs connect from (--local-ips).
 *
 *      192.168.0.10,10.0.0.1-10.0.0.20,10.1.0.0/24
 *
 * VU n (from 1) gets address number (n - 1) modulo their count. An IPv4 CIDR of more than two
 * addresses leaves out its first and last. Ranges are kept as ranges: a /8 costs no more than an
 * address.
 *
 * "auto" instead of a list: any address of this machine that reaches the destination, not by VU but by
 * pair of address and port, see source.h.
 *
 * Thread: any; read-only once made.
 */
#ifndef RL_NET_LOCAL_IPS_H
#define RL_NET_LOCAL_IPS_H

#include "net/addr.h"

#define RL_LOCAL_IPS_AUTO "auto"

struct rl_local_ips;

/* NULL and a text in why that names the part and says how to mend it. */
struct rl_local_ips *rl_local_ips_new(const char *text, char *why, size_t why_bytes);
void rl_local_ips_free(struct rl_local_ips *pool);

/* Made of "auto": it has no addresses of its own. */
bool rl_local_ips_is_auto(const struct rl_local_ips *pool);

/* How many there are; UINT64_MAX if more than that. Of auto, what a loopback target gets. */
uint64_t rl_local_ips_count(const struct rl_local_ips *pool);

/* The address of VU vu_id; setup and teardown, which have none, pass 0 and get the first. */
struct rl_addr rl_local_ips_at(const struct rl_local_ips *pool, uint64_t vu_id);

#endif
