/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve - names to addresses, off the loop, cached for the whole run.
 *
 * The order is T-050's: blockHostnames, hosts (host:port, then host), literal, cache and DNS,
 * blacklistIPs. What needs no waiting is answered at once; the rest is asked by a resolver thread
 * and answered through the loop's mailbox.
 *
 * Thread: rl_resolver is the process's and safe from any thread; an rl_query belongs to the
 * loop that started it, and is answered or cancelled before that loop ends. A cancelled one may
 * still lie in the loop's mailbox; its memory goes when the mail is delivered.
 */
#ifndef RL_NET_RESOLVE_H
#define RL_NET_RESOLVE_H

#include "loop/loop.h"
#include "net/addr.h"
#include "net/dns.h"
#include "net/host_rules.h"

struct rl_resolver;
struct rl_query;

struct rl_resolve_config {
    const struct rl_host_entry *hosts;
    size_t host_count;
    const char *const *block_hostnames;
    size_t block_count;
    const char *const *blacklist_ips;
    size_t blacklist_count;
    struct rl_dns_config dns; /* ttl, select, policy: k6's default is 5 min, random, prefer IPv4 */
};

/* NULL and a text in why if an entry is malformed. The texts are copied. */
struct rl_resolver *rl_resolver_new(const struct rl_resolve_config *config, char *why,
                                    size_t why_bytes);

/* Every query was answered or cancelled. */
void rl_resolver_free(struct rl_resolver *resolver);

/* status 0 and the address to dial (with its port), or RL_ENOTFOUND, RL_EBLOCKED. The query is gone
 * when this returns. */
typedef void rl_resolved_fn(void *ctx, int status, const struct rl_addr *addr);

/* 0 and *addr, or a failure, at once; -EINPROGRESS: done is called later on the loop's thread, and
 * until then *query can be cancelled. */
int rl_resolve(struct rl_resolver *resolver, struct rl_loop *loop, const char *host, uint16_t port,
               struct rl_addr *addr, struct rl_query **query, rl_resolved_fn *done, void *ctx);

/* The callback will not come. */
void rl_query_cancel(struct rl_query *query);

/* The message for a failed look-up: "lookup nohost.test: no such host", "hostname (x) is in a
 * blocked pattern", "IP (1.2.3.4) is in a blacklisted range (1.2.3.0/24)". */
void rl_resolve_message(struct rl_resolver *resolver, int status, const char *host, uint16_t port,
                        char *out, size_t out_bytes);

#endif
