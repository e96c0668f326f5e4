/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

struct rl_resolver {
    struct rl_host_rules rules;
    struct rl_dns *dns;
};

struct rl_query {
    struct rl_mail mail;
    struct rl_dns_ask ask;
    struct rl_resolver *resolver;
    struct rl_loop *loop;
    rl_resolved_fn *done;
    void *ctx;
    uint16_t port;
    bool cancelled;
    char host[];
};

static int add_rules(struct rl_host_rules *rules, const struct rl_resolve_config *config, char *why,
                     size_t why_bytes)
{
    int status = 0;

    for (size_t i = 0; i < config->host_count && status == 0; i++)
        status = rl_host_rules_add_host(rules, &config->hosts[i], why, why_bytes);
    for (size_t i = 0; i < config->block_count && status == 0; i++)
        status = rl_host_rules_add_blocked(rules, config->block_hostnames[i], why, why_bytes);
    for (size_t i = 0; i < config->blacklist_count && status == 0; i++)
        status = rl_host_rules_add_blacklisted(rules, config->blacklist_ips[i], why, why_bytes);
    rl_host_rules_close(rules);
    return status;
}

struct rl_resolver *rl_resolver_new(const struct rl_resolve_config *config, char *why,
                                    size_t why_bytes)
{
    struct rl_resolver *resolver = calloc(1, sizeof(*resolver));

    if (resolver != NULL && add_rules(&resolver->rules, config, why, why_bytes) < 0)
        goto failed;
    if (resolver != NULL)
        resolver->dns = rl_dns_new(&config->dns);
    if (resolver == NULL || resolver->dns == NULL) {
        snprintf(why, why_bytes, "out of memory");
        goto failed;
    }
    return resolver;

failed:
    rl_resolver_free(resolver);
    return NULL;
}

void rl_resolver_free(struct rl_resolver *resolver)
{
    if (resolver == NULL)
        return;
    rl_dns_free(resolver->dns);
    rl_host_rules_fini(&resolver->rules);
    free(resolver);
}

/* The last step, wherever the address came from. */
static int judge(struct rl_resolver *resolver, const char *host, const struct rl_addr *addr)
{
    if (rl_host_rules_blacklisted(&resolver->rules, addr) == NULL)
        return 0;
    rl_dns_refuse(resolver->dns, host, addr);
    return RL_EBLOCKED;
}

/* What needs no DNS: 0 and the address, a failure, or -EINPROGRESS. */
static int by_rules(const struct rl_resolver *resolver, const char *host, uint16_t port,
                    struct rl_addr *addr)
{
    bool literal = rl_addr_parse_ip(host, addr) == 0;

    if (!literal && rl_host_rules_is_blocked(&resolver->rules, host))
        return RL_EBLOCKED;
    if (rl_host_rules_mapped(&resolver->rules, host, port, addr))
        return 0;
    if (literal) {
        addr->port = port;
        return 0;
    }
    return *host == '\0' || strlen(host) > RL_HOST_TEXT ? RL_ENOTFOUND : -EINPROGRESS;
}

/* In the loop. */
static void deliver(struct rl_mail *mail)
{
    struct rl_query *query = rl_container_of(mail, struct rl_query, mail);
    int status = query->ask.status;

    /* The thread that posts this holds the mutex while it does: once we had it, that is over, and the
     * loop may end. */
    rl_dns_forget(query->resolver->dns, &query->ask);
    if (!query->cancelled) {
        query->ask.addr.port = query->port;
        if (status == 0)
            status = judge(query->resolver, query->host, &query->ask.addr);
        query->done(query->ctx, status, &query->ask.addr);
    }
    free(query);
}

/* In a resolver thread. */
static void answered(struct rl_dns_ask *ask)
{
    struct rl_query *query = rl_container_of(ask, struct rl_query, ask);

    rl_loop_post(query->loop, &query->mail);
}

static struct rl_query *query_new(struct rl_resolver *resolver, struct rl_loop *loop,
                                  const char *host, uint16_t port)
{
    size_t size = strlen(host) + 1;
    struct rl_query *query = calloc(1, sizeof(*query) + size);

    if (query == NULL)
        return NULL;
    query->mail.deliver = deliver;
    query->ask.answered = answered;
    query->resolver = resolver;
    query->loop = loop;
    query->port = port;
    memcpy(query->host, host, size);
    return query;
}

int rl_resolve(struct rl_resolver *resolver, struct rl_loop *loop, const char *host, uint16_t port,
               struct rl_addr *addr, struct rl_query **query, rl_resolved_fn *done, void *ctx)
{
    int status = by_rules(resolver, host, port, addr);
    struct rl_query *asked;

    if (status == -EINPROGRESS && rl_dns_cached(resolver->dns, host, loop->now_ns, addr)) {
        addr->port = port;
        status = 0;
    }
    if (status == 0)
        return judge(resolver, host, addr);
    if (status != -EINPROGRESS)
        return status;

    asked = query_new(resolver, loop, host, port);
    if (asked == NULL)
        return RL_ENOTFOUND;
    asked->done = done;
    asked->ctx = ctx;
    if (rl_dns_ask(resolver->dns, host, &asked->ask) < 0) {
        free(asked);
        return RL_ENOTFOUND;
    }
    *query = asked;
    return -EINPROGRESS;
}

void rl_query_cancel(struct rl_query *query)
{
    query->cancelled = true;
    if (rl_dns_forget(query->resolver->dns, &query->ask))
        free(query);
}

static void blocked_message(struct rl_resolver *resolver, const char *host, uint16_t port,
                            char *out, size_t out_bytes)
{
    const struct rl_blacklisted *range = NULL;
    char ip[RL_ADDR_TEXT];
    struct rl_addr addr;

    if (by_rules(resolver, host, port, &addr) == RL_EBLOCKED) {
        snprintf(out, out_bytes, "hostname (%s) is in a blocked pattern", host);
        return;
    }
    if (by_rules(resolver, host, port, &addr) == 0 || rl_dns_refused(resolver->dns, host, &addr))
        range = rl_host_rules_blacklisted(&resolver->rules, &addr);
    if (range == NULL) { /* forgotten since */
        snprintf(out, out_bytes, "the IP of %s is in a blacklisted range", host);
        return;
    }
    rl_addr_format_ip(&addr, ip);
    snprintf(out, out_bytes, "IP (%s) is in a blacklisted range (%s)", ip, range->text);
}

void rl_resolve_message(struct rl_resolver *resolver, int status, const char *host, uint16_t port,
                        char *out, size_t out_bytes)
{
    const char *why = NULL;

    if (status == RL_EBLOCKED) {
        blocked_message(resolver, host, port, out, out_bytes);
        return;
    }
    if (status == RL_ENOTFOUND)
        why = rl_dns_why(resolver->dns, host);
    else
        why = rl_status_text(status);
    if (why == NULL)
        snprintf(out, out_bytes, "lookup %s: no such host", host);
    else if (status == RL_ENOTFOUND)
        snprintf(out, out_bytes, "lookup %s: no such host (%s)", host, why);
    else
        snprintf(out, out_bytes, "lookup %s: %s", host, why);
}
