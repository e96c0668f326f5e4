/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * host_rules - the options hosts, blockHostnames and blacklistIPs, checked and ready to ask.
 *
 * Thread: any, once made; read-only. Memory: texts are copied.
 */
#ifndef RL_NET_HOST_RULES_H
#define RL_NET_HOST_RULES_H

#include "net/addr.h"
#include "net/host_pattern.h"

struct rl_host_entry {
    const char *pattern; /* "a.test", "a.test:80", "*.a.test" */
    const char *target;  /* "ip" or "ip:port" */
};

struct rl_blacklisted {
    struct rl_cidr cidr;
    char *text; /* as written */
};

struct rl_host_rules {
    struct rl_host_patterns hosts, blocked;
    struct rl_addr *targets; /* by rule of hosts; port 0: the one asked for */
    struct rl_blacklisted *blacklist;
    size_t target_count, blacklist_count;
};

/* Each adds to zeroed rules: 0, or -EINVAL / -ENOMEM and a text in why that names the entry and says
 * how to mend it. After the last one rl_host_rules_close. */
int rl_host_rules_add_host(struct rl_host_rules *rules, const struct rl_host_entry *entry,
                           char *why, size_t why_bytes);
int rl_host_rules_add_blocked(struct rl_host_rules *rules, const char *pattern, char *why,
                              size_t why_bytes);
int rl_host_rules_add_blacklisted(struct rl_host_rules *rules, const char *cidr, char *why,
                                  size_t why_bytes);
void rl_host_rules_close(struct rl_host_rules *rules);
void rl_host_rules_fini(struct rl_host_rules *rules);

/* The address that hosts gives for host:port (first as host:port, then as host), its port set. */
bool rl_host_rules_mapped(const struct rl_host_rules *rules, const char *host, uint16_t port,
                          struct rl_addr *addr);

/* host is a name, not a literal. */
bool rl_host_rules_is_blocked(const struct rl_host_rules *rules, const char *host);

/* The first range that holds addr, or NULL. */
const struct rl_blacklisted *rl_host_rules_blacklisted(const struct rl_host_rules *rules,
                                                       const struct rl_addr *addr);

#endif
