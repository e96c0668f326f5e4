/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/host_rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int out_of_memory(char *why, size_t why_bytes)
{
    snprintf(why, why_bytes, "out of memory");
    return -ENOMEM;
}

/* A copy of array with room for one more item; the old one is gone. NULL: it is still there. */
static void *grow(void *array, size_t count, size_t item_bytes)
{
    return reallocarray(array, count + 1, item_bytes);
}

static int parse_target(const char *text, struct rl_addr *target)
{
    if (rl_addr_parse_ip(text, target) == 0)
        return 0;
    return rl_addr_parse_endpoint(text, target);
}

int rl_host_rules_add_host(struct rl_host_rules *rules, const struct rl_host_entry *entry,
                           char *why, size_t why_bytes)
{
    struct rl_addr *targets = grow(rules->targets, rules->target_count, sizeof(*targets));
    int status;

    if (targets == NULL)
        return out_of_memory(why, why_bytes);
    rules->targets = targets;
    if (parse_target(entry->target, &targets[rules->target_count]) < 0) {
        snprintf(why, why_bytes,
                 "hosts: \"%s\" is mapped to \"%s\", which is not an IP address: write an IP or "
                 "IP:port, such as \"127.0.0.1:8080\" or \"[::1]:8080\"",
                 entry->pattern, entry->target);
        return -EINVAL;
    }
    status = rl_host_patterns_add(&rules->hosts, entry->pattern, true, rules->target_count);
    if (status == -ENOMEM)
        return out_of_memory(why, why_bytes);
    if (status < 0) {
        snprintf(why, why_bytes,
                 "hosts: \"%s\" is not a host name: write a name, \"name:port\", or \"*.name\" "
                 "for all names below it",
                 entry->pattern);
        return status;
    }
    rules->target_count++;
    return 0;
}

int rl_host_rules_add_blocked(struct rl_host_rules *rules, const char *pattern, char *why,
                              size_t why_bytes)
{
    int status = rl_host_patterns_add(&rules->blocked, pattern, false, rules->blocked.count);

    if (status == -ENOMEM)
        return out_of_memory(why, why_bytes);
    if (status < 0)
        snprintf(why, why_bytes,
                 "blockHostnames: \"%s\" is not a host name: write a name without a port, or "
                 "\"*.name\" for all names below it",
                 pattern);
    return status;
}

int rl_host_rules_add_blacklisted(struct rl_host_rules *rules, const char *cidr, char *why,
                                  size_t why_bytes)
{
    struct rl_blacklisted *list = grow(rules->blacklist, rules->blacklist_count, sizeof(*list));
    struct rl_blacklisted *item;

    if (list == NULL)
        return out_of_memory(why, why_bytes);
    rules->blacklist = list;
    item = &list[rules->blacklist_count];
    if (rl_cidr_parse(cidr, &item->cidr) < 0) {
        snprintf(why, why_bytes,
                 "blacklistIPs: \"%s\" is not an address range: write a CIDR such as "
                 "\"10.0.0.0/8\" or \"fd00::/8\"",
                 cidr);
        return -EINVAL;
    }
    item->text = strdup(cidr);
    if (item->text == NULL)
        return out_of_memory(why, why_bytes);
    rules->blacklist_count++;
    return 0;
}

void rl_host_rules_close(struct rl_host_rules *rules)
{
    rl_host_patterns_close(&rules->hosts);
    rl_host_patterns_close(&rules->blocked);
}

void rl_host_rules_fini(struct rl_host_rules *rules)
{
    rl_host_patterns_fini(&rules->hosts);
    rl_host_patterns_fini(&rules->blocked);
    free(rules->targets);
    for (size_t i = 0; i < rules->blacklist_count; i++)
        free(rules->blacklist[i].text);
    free(rules->blacklist);
    memset(rules, 0, sizeof(*rules));
}

bool rl_host_rules_mapped(const struct rl_host_rules *rules, const char *host, uint16_t port,
                          struct rl_addr *addr)
{
    char with_port[RL_HOST_TEXT + sizeof(":65535")];
    const struct rl_host_pattern *found = NULL;

    if (rules->hosts.count == 0 || strlen(host) > RL_HOST_TEXT)
        return false;
    snprintf(with_port, sizeof(with_port), "%s:%u", host, port);
    found = rl_host_patterns_find(&rules->hosts, with_port);
    if (found == NULL)
        found = rl_host_patterns_find(&rules->hosts, host);
    if (found == NULL)
        return false;
    *addr = rules->targets[found->rule];
    if (addr->port == 0)
        addr->port = port;
    return true;
}

bool rl_host_rules_is_blocked(const struct rl_host_rules *rules, const char *host)
{
    return rl_host_patterns_find(&rules->blocked, host) != NULL;
}

const struct rl_blacklisted *rl_host_rules_blacklisted(const struct rl_host_rules *rules,
                                                       const struct rl_addr *addr)
{
    for (size_t i = 0; i < rules->blacklist_count; i++) {
        if (rl_cidr_contains(&rules->blacklist[i].cidr, addr))
            return &rules->blacklist[i];
    }
    return NULL;
}
