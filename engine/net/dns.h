/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns - names to addresses: resolver threads, and a cache for the whole run.
 *
 *      ask ──> record of the host ──> queue ──> resolver thread: getaddrinfo
 *                    │   waiting asks             │
 *                    └──────── answered <─────────┘
 *
 * There is one record a host. While a look-up of it is under way later asks wait with the first,
 * so a name is never asked twice at once. A record holds the addresses that the policy left; select
 * picks one for each ask anew. Failures are not cached.
 *
 * Threads start when a look-up finds none idle, up to RL_DNS_THREADS; getaddrinfo honours
 * /etc/hosts and the system's resolver configuration. It cannot be interrupted, so
 * rl_dns_free does not wait for a look-up that runs: its thread cleans up when it returns.
 *
 * Thread: any; one mutex, held for no longer than a table look-up and a list walk. Memory: at most
 * RL_DNS_RECORDS records that nobody waits for; the oldest go first.
 */
#ifndef RL_NET_DNS_H
#define RL_NET_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "net/addr.h"

enum { RL_DNS_THREADS = 32, RL_DNS_RECORDS = 16384, RL_DNS_ADDRESSES = 64 };

enum rl_dns_select { RL_DNS_RANDOM, RL_DNS_FIRST, RL_DNS_ROUND_ROBIN };
enum rl_dns_policy {
    RL_DNS_PREFER_V4,
    RL_DNS_PREFER_V6,
    RL_DNS_ONLY_V4,
    RL_DNS_ONLY_V6,
    RL_DNS_ANY
};

/* The addresses of host, at most max; how many. None: *why may be set to a static text. family:
 * AF_INET, AF_INET6, or AF_UNSPEC for both. */
typedef size_t rl_dns_lookup_fn(void *ctx, const char *host, int family, struct rl_addr *addrs,
                                size_t max, const char **why);

struct rl_dns_config {
    int64_t ttl_ns; /* 0: no cache; INT64_MAX: for ever */
    enum rl_dns_select select;
    enum rl_dns_policy policy;
    rl_dns_lookup_fn *lookup; /* NULL: getaddrinfo */
    void *lookup_ctx;
};

/* One question. answered is called once by a resolver thread, which holds the mutex: it hands the
 * ask over and calls nothing of dns. */
struct rl_dns_ask {
    struct rl_list link;
    void (*answered)(struct rl_dns_ask *ask);
    int status;          /* 0 or RL_ENOTFOUND */
    struct rl_addr addr; /* port 0 */
};

struct rl_dns;

/* NULL when memory is out. */
struct rl_dns *rl_dns_new(const struct rl_dns_config *config);

/* Every ask was answered or forgotten. */
void rl_dns_free(struct rl_dns *dns);

/* An address from the cache, if there is one and it has not expired. */
bool rl_dns_cached(struct rl_dns *dns, const char *host, uint64_t now_ns, struct rl_addr *addr);

/* 0: answered will be called. -ENOMEM, -EAGAIN (no thread could be started): it will not. */
int rl_dns_ask(struct rl_dns *dns, const char *host, struct rl_dns_ask *ask);

/* True: answered will not be called. False: it has been. */
bool rl_dns_forget(struct rl_dns *dns, struct rl_dns_ask *ask);

/* Keep for a message which address of host was refused; read it back (false: none). */
void rl_dns_refuse(struct rl_dns *dns, const char *host, const struct rl_addr *addr);
bool rl_dns_refused(struct rl_dns *dns, const char *host, struct rl_addr *addr);

/* Why the last look-up of host failed, in the resolver's words; NULL: there is no such name. Static
 * memory. */
const char *rl_dns_why(struct rl_dns *dns, const char *host);

/* Those of addrs that policy leaves, in their order, moved to the front; how many. */
size_t rl_dns_filter(enum rl_dns_policy policy, struct rl_addr *addrs, size_t count);

#endif
